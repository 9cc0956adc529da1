/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Descriptors that are umad%d or issm%d for the program, and an event for the kernel.
 *
 * The event can be read exactly while the file has records: it is set and taken back under the
 * lock whenever the queue stops being empty or is empty again. So poll(), select() and epoll tell
 * the truth without knowing us; an event can always be written, and so can an umad. That a
 * descriptor does not block is also the event's to know.
 *
 * Who waits for records does not sleep at once (tests/sim/linger.h): the answer to a packet is
 * nearly always nearer than the time that it takes to fall asleep and be woken.
 *
 * A file lives as long as any of its descriptors. It is always closed on exec, because what comes
 * after exec would find an event.
 */

#include "tests/umad/device-inside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/umad/real.h"

enum {
	HOLD_BYTES = 48 << 10,
};

struct open_file *open_files[FILES];

void file_set_event(struct open_file *file)
{
	uint64_t value = 1;

	list_remove(&file->dirty);
	if (file->wanted == file->readable || file->pid != device.pid)
		return;
	if (file->wanted && real_write(file->event, &value, sizeof(value)) < 0)
		return;
	if (!file->wanted && real_read(file->event, &value, sizeof(value)) < 0)
		return;
	file->readable = file->wanted;
}

void file_readable(void *user, bool yes)
{
	struct open_file *file = user;

	file->wanted = yes || file->kmad.port->gone;
	if (list_is_empty(&file->dirty))
		list_add_tail(&device.dirty, &file->dirty);
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct open_file *file_new(struct device_port *port, bool issm, int flags)
{
	struct open_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->event = eventfd(0, EFD_CLOEXEC | (flags & O_NONBLOCK ? EFD_NONBLOCK : 0));
	if (file->event < 0 || file->event >= FILES) {
		if (file->event >= 0)
			real_close(file->event);
		free(file);
		return NULL;
	}
	file->port = port;
	file->pid = device.pid;
	file->references = 1;
	file->issm = issm;
	list_init(&file->dirty);
	kmad_file_init(&file->kmad, &port->kmad, file_readable, file);
	port->users++;
	__atomic_store_n(&open_files[file->event], file, __ATOMIC_RELEASE);

	return file;
}

static void unreference(struct open_file *file)
{
	struct device_port *port = file->port;

	if (--file->references)
		return;
	list_remove(&file->dirty);
	if (file->pid != device.pid) {
		free(file); /* inherited: what it was is the parent's */
		return;
	}
	if (file->issm)
		device_release_issm(port);
	kmad_file_done(&file->kmad);
	list_remove(&file->dirty);
	free(file);
	if (!port->kmad.gone)
		link_flush(port->link);
	if (!--port->users && port->kmad.gone)
		device_drop_port(port);
}

int file_open_umad(unsigned number, int flags)
{
	struct device_port *port;
	struct open_file *file;
	int fd;

	device_lock();
	fd = device_find_port(number, &port);
	if (!fd) {
		file = file_new(port, false, flags);
		fd = file ? file->event : -EMFILE;
	}
	device_unlock();

	return fd;
}

/* One at a time, of all processes: those of others the simulator knows. */
static int take_issm(unsigned number, int flags, struct device_port **ret)
{
	uint32_t on[IBSIM_CTL_DATA / 4];
	struct timespec until;
	int error;

	for (;;) {
		error = device_find_port(number, ret);
		if (error)
			return error;
		error = -EAGAIN;
		if (!(*ret)->issm) {
			memset(on, 0, sizeof(on));
			on[0] = 1;
			error = link_control((*ret)->link, IBSIM_CTL_SET_ISSM, on, sizeof(on));
		}
		if (!error)
			return 0;
		if (error != -EAGAIN && error != -EBUSY)
			return error;
		if (flags & O_NONBLOCK)
			return -EAGAIN;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&device.issm_free, &device.lock, &until);
	}
}

int file_open_issm(unsigned number, int flags)
{
	struct device_port *port;
	struct open_file *file;
	int fd;

	device_lock();
	fd = take_issm(number, flags, &port);
	if (!fd) {
		file = file_new(port, true, flags);
		fd = file ? file->event : -EMFILE;
		port->issm = true;
		if (!file)
			device_release_issm(port);
	}
	device_unlock();

	return fd;
}

struct open_file *file_get(int fd)
{
	struct open_file *file;

	if (fd < 0 || fd >= FILES || !__atomic_load_n(&open_files[fd], __ATOMIC_ACQUIRE))
		return NULL;
	device_lock();
	file = open_files[fd];
	if (file)
		file->references++;
	device_unlock();

	return file;
}

/* In a child of vfork() memory is the parent's, but descriptors are not. */
bool file_is_here(int fd)
{
	return fd >= 0 && fd < FILES && __atomic_load_n(&open_files[fd], __ATOMIC_ACQUIRE) &&
	       getpid() == device.pid;
}

void file_put(struct open_file *file)
{
	if (!file)
		return;
	device_lock();
	unreference(file);
	device_unlock();
}

static bool is_inherited(const struct open_file *file)
{
	return file->pid != device.pid;
}

/* Is there something to wait for that could come by the connection? */
static bool has_wire(const struct open_file *file)
{
	return !file->issm && !is_inherited(file) && !file->kmad.port->gone &&
	       !file->port->link->broken;
}

static void cancelled_at_wire(void *user)
{
	struct device_port *port = user;

	device_lock();
	port->pollers--;
	device_unlock();
}

/* poll(), but it does not sleep as long as linger.h thinks better of it. */
static int poll_awake(struct pollfd *p, nfds_t n, int msec, struct linger_state *linger)
{
	int r = real_poll(p, n, 0);
	uint64_t t = device_now();

	linger_begin(linger, t);
	while (!r && msec && linger_on(linger, t)) {
		sched_yield();
		linger_gave_way(linger, t, device_now());
		r = real_poll(p, n, 0);
		t = device_now();
	}

	return r || !msec ? r : real_poll(p, n, msec);
}

/*
 * Waits at the connection itself, not for another thread to do so: that is the way that is quick.
 * Under the lock, which is free meanwhile. What poll() returns.
 */
static int wait_at_wire(struct open_file *file, int fd, int msec)
{
	struct device_port *port = file->port;
	struct pollfd p[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = port->link->fd, .events = POLLIN },
	};
	struct linger_state linger = port->linger;
	int r;

	file->unanswered = 0;
	if (!link_flush(port->link))
		device_wake();
	port->pollers++;
	port->polled = true;
	device_unlock();
	pthread_cleanup_push(cancelled_at_wire, port);
	r = poll_awake(p, COUNT(p), msec, &linger);
	r = r < 0 ? -errno : r;
	pthread_cleanup_pop(0);
	device_lock();
	port->pollers--;
	port->linger = linger;
	device_is_busy();
	if (p[1].revents && has_wire(file) && !link_receive(port->link))
		device_wake();

	return r;
}

/* With or without the wire: until there is something to read. 0: the time is over. */
static int wait_for_record(struct open_file *file, int fd, int msec)
{
	int64_t end = msec < 0 ? INT64_MAX : link_msec() + msec;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left;
	bool wanted;
	int r = 1;

	device_lock();
	while (r > 0 && !file->wanted && has_wire(file)) {
		left = msec < 0 ? -1 : MAX(end - link_msec(), (int64_t)0);
		r = wait_at_wire(file, fd, (int)left);
	}
	wanted = file->wanted;
	device_unlock();
	if (wanted)
		return 1;
	if (r <= 0)
		return r;
	left = msec < 0 ? -1 : MAX(end - link_msec(), (int64_t)0);
	r = real_poll(&p, 1, (int)left);

	return r < 0 ? -errno : r;
}

int file_poll(struct open_file *file, struct pollfd *p, int msec)
{
	int r = wait_for_record(file, p->fd, msec);

	p->revents = r > 0 ? POLLIN : 0;

	return r;
}

ssize_t file_read(struct open_file *file, int fd, void *buffer, size_t count)
{
	ssize_t n;
	int r;

	for (;;) {
		device_lock();
		n = file->issm           ? -EINVAL
		    : is_inherited(file) ? -EIO
					 : kmad_file_read(&file->kmad, buffer, count);
		file->unanswered += n >= 0;
		/* All read: what was held back goes out. */
		if ((n == -EAGAIN || (n >= 0 && !file->wanted)) && has_wire(file))
			link_flush(file->port->link);
		device_unlock();
		if (n != -EAGAIN || fcntl(fd, F_GETFL) & O_NONBLOCK)
			return n;
		r = wait_for_record(file, fd, -1);
		if (r < 0)
			return r;
	}
}

/* May packets wait for more? */
static bool may_hold(const struct open_file *file)
{
	const struct link_buffer *out = &file->port->link->out;

	return (file->wanted || file->unanswered) && out->to - out->from < HOLD_BYTES &&
	       device_now() < device.busy_until;
}

ssize_t file_write(struct open_file *file, const void *buffer, size_t count)
{
	ssize_t n;

	device_lock();
	n = file->issm           ? -EINVAL
	    : is_inherited(file) ? -EIO
				 : kmad_file_write(&file->kmad, buffer, count);
	file->unanswered -= file->unanswered > 0;
	if (n >= 0 && !file->port->kmad.gone && !may_hold(file) &&
	    (!link_flush(file->port->link) || file->port->link->broken))
		device_wake();
	device_unlock();

	return n;
}

int file_ioctl(struct open_file *file, unsigned long request, void *argument)
{
	int r;

	device_lock();
	r = file->issm           ? -ENOTTY
	    : is_inherited(file) ? -EPIPE
				 : kmad_file_ioctl(&file->kmad, request, argument);
	device_unlock();

	return r;
}

static void forget(int fd)
{
	struct open_file *file = open_files[fd];

	if (!file)
		return;
	__atomic_store_n(&open_files[fd], NULL, __ATOMIC_RELEASE);
	unreference(file);
}

void file_duplicated(struct open_file *file, int fd)
{
	device_lock();
	if (fd >= 0 && fd < FILES) {
		forget(fd);
		file->references++;
		__atomic_store_n(&open_files[fd], file, __ATOMIC_RELEASE);
	}
	device_unlock();
}

/* The event is reached by any descriptor that is still open for it. */
static void find_event(struct open_file *file, int closing)
{
	if (file->event != closing)
		return;
	for (int fd = 0; fd < FILES; fd++)
		if (fd != closing && open_files[fd] == file) {
			file->event = fd;
			return;
		}
}

void file_forget(int fd)
{
	if (!file_is_here(fd))
		return;
	device_lock();
	if (open_files[fd]) {
		if (open_files[fd]->references > 1)
			find_event(open_files[fd], fd);
		forget(fd);
	}
	device_unlock();
}

void file_forget_range(unsigned first, unsigned last)
{
	if (getpid() != device.pid)
		return;
	for (unsigned fd = first; fd <= last && fd < FILES; fd++)
		file_forget((int)fd);
}
