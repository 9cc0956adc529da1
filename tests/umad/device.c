/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The device of a process: it attaches to the simulator when it is first looked for, and again when
 * it is looked for after there was none, or after the simulator ended. A second port of an HCA is
 * a second connection, made when that port is opened.
 *
 * One thread reads what the simulator sends and lets time pass. Everything else happens in
 * the thread of the program that calls, and all of it under one lock.
 *
 * Packets are sent in batches. A program that has records left to read will read them, and write
 * again: its packets wait until it has read the last one, at most HOLD_MSEC. A program that has
 * nothing to read is sent for at once.
 *
 * After a fork the child has no device: the connection and its client id are the parent's. What it
 * inherited answers EIO, and what it opens itself attaches anew.
 */

#include "tests/umad/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/umad/real.h"

enum {
	HOLD_MSEC = 2,
	HOLD_BYTES = 48 << 10,
	FILES = 1 << 16, /* the highest descriptor that can be ours, and one */
	SMA_NODE_DESCRIPTION = 0x10,
	SMA_NODE_INFO = 0x11,
	SMA_GUID_INFO = 0x14,
	SMA_PKEY_TABLE = 0x16,
	GUIDS_IN_BLOCK = 8,
	PKEYS_IN_BLOCK = 32,
	GIDS_AT_ONCE = 4,
};

struct device_port {
	struct device_port *next_old;
	struct link *link;
	struct kmad_port kmad;
	unsigned users; /* files */
	bool issm;
};

struct open_file {
	struct kmad_file kmad;
	struct device_port *port;
	struct list dirty; /* its event has to be set or taken back */
	unsigned references;
	int event;
	pid_t pid;
	bool issm;
	bool readable; /* what the event says */
	bool wanted;   /* what it must say */
};

static struct {
	pthread_mutex_t lock;
	pid_t pid;
	bool attached;
	bool complained;
	bool threaded;
	int wake; /* an event that the thread looks at */
	uint64_t sleeps_until;
	uint64_t hold_until;
	struct link_place place;
	struct device_info info;
	struct device_port *ports[DEVICE_PORTS + 1]; /* by number */
	struct device_port *old; /* of connections that broke, while files are open */
	struct list dirty;
	pthread_cond_t issm_free;
} device = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.issm_free = PTHREAD_COND_INITIALIZER,
	.wake = -1,
	.dirty = { &device.dirty, &device.dirty },
};

static struct open_file *files[FILES];

static uint64_t now(void *unused)
{
	struct timespec t;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &t);

	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the lock, and what is done before it is given back -----------------------------------------
 */

static void set_event(struct open_file *file)
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

static void readable(void *user, bool yes)
{
	struct open_file *file = user;

	file->wanted = yes || file->kmad.port->gone;
	if (list_is_empty(&file->dirty))
		list_add_tail(&device.dirty, &file->dirty);
}

static void wake_thread(void)
{
	uint64_t one = 1;

	if (device.wake >= 0 && real_write(device.wake, &one, sizeof(one)) < 0)
		return;
}

static uint64_t next_timer(void)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i])
			next = MIN(next, kmad_next_timer(&device.ports[i]->kmad));

	return next;
}

void device_lock(void)
{
	pthread_mutex_lock(&device.lock);
}

void device_unlock(void)
{
	while (!list_is_empty(&device.dirty))
		set_event(CONTAINER_OF(device.dirty.next, struct open_file, dirty));
	if (device.threaded && next_timer() < device.sleeps_until) {
		device.sleeps_until = 0;
		wake_thread();
	}
	pthread_mutex_unlock(&device.lock);
}

/* ---- a connection that is over
 * ------------------------------------------------------------------- */

static void mark_gone(struct device_port *port)
{
	port->kmad.gone = true;
	for (struct list *l = port->kmad.agents.next; l != &port->kmad.agents; l = l->next)
		readable(LIST_ENTRY(l, struct kmad_agent, link)->file->user, true);
	for (unsigned fd = 0; fd < FILES; fd++)
		if (files[fd] && files[fd]->port == port && !files[fd]->issm)
			readable(files[fd], true);
}

static void port_free(struct device_port *port)
{
	kmad_port_done(&port->kmad);
	link_close(port->link);
	free(port);
}

/* Its files are told that the device has been removed; the next open() looks for another. */
static void detach(void)
{
	device.attached = false;
	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct device_port *port = device.ports[i];

		device.ports[i] = NULL;
		if (!port)
			continue;
		mark_gone(port);
		port->link->broken = true;
		if (!port->users) {
			port_free(port);
			continue;
		}
		port->next_old = device.old;
		device.old = port;
	}
	pthread_cond_broadcast(&device.issm_free);
}

static void drop_old(struct device_port *port)
{
	struct device_port **p = &device.old;

	while (*p && *p != port)
		p = &(*p)->next_old;
	if (!*p)
		return;
	*p = port->next_old;
	port_free(port);
}

static void flush_all(void)
{
	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i])
			link_flush(device.ports[i]->link);
}

static bool any_broken(void)
{
	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i] && device.ports[i]->link->broken)
			return true;

	return false;
}

/* ---- the thread
 * ---------------------------------------------------------------------------------- */

static int sleep_msec(void)
{
	uint64_t t = now(NULL);
	uint64_t until = next_timer();
	uint64_t msec;

	if (t < device.hold_until)
		until = MIN(until, device.hold_until);
	device.sleeps_until = until;
	if (until == UINT64_MAX)
		return -1;
	if (until <= t)
		return 0;
	msec = (until - t + KMAD_MSEC - 1) / KMAD_MSEC;

	return (int)MIN(msec, (uint64_t)3600000);
}

static unsigned prepare(struct pollfd *polls)
{
	unsigned n = 1;

	polls[0] = (struct pollfd){ .fd = device.wake, .events = POLLIN };
	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct link *link = device.ports[i] ? device.ports[i]->link : NULL;
		short out = link && link_has_output(link) && now(NULL) >= device.hold_until
				    ? POLLOUT
				    : 0;
		if (link)
			polls[n++] = (struct pollfd){ .fd = link->fd, .events = POLLIN | out };
	}

	return n;
}

static void turn(void)
{
	bool something = false;

	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct device_port *port = device.ports[i];

		if (!port)
			continue;
		link_receive(port->link);
		kmad_run_timers(&port->kmad);
	}
	flush_all();
	for (struct list *l = device.dirty.next; l != &device.dirty; l = l->next)
		something = true;
	device.hold_until = something ? now(NULL) + HOLD_MSEC * KMAD_MSEC : 0;
	if (any_broken())
		detach();
}

static void *run(void *unused)
{
	struct pollfd polls[DEVICE_PORTS + 2];
	uint64_t value;

	(void)unused;
	device_lock();
	for (;;) {
		unsigned n = prepare(polls);
		int msec = sleep_msec();

		device_unlock();
		poll(polls, n, msec);
		if (polls[0].revents && real_read(polls[0].fd, &value, sizeof(value)) < 0)
			break;
		device_lock();
		turn();
	}

	return NULL;
}

static int start_thread(void)
{
	sigset_t all, old;
	pthread_t thread;
	int error;

	if (device.threaded) {
		wake_thread();
		return 0;
	}
	device.wake = eventfd(0, EFD_CLOEXEC);
	if (device.wake < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return -error;
	pthread_detach(thread);
	device.threaded = true;

	return 0;
}

/* ---- what kmad asks for
 * -------------------------------------------------------------------------- */

static void send_packet(void *user, const struct kmad_packet *packet)
{
	struct device_port *port = user;

	link_send(port->link, packet);
}

static int claim(void *user, uint32_t id, const struct kmad_agent *agent)
{
	struct device_port *port = user;
	struct stream_agent a = {
		.id = id,
		.class = agent->class,
		.version = agent->version,
		.qp = agent->qp_index,
	};

	if (!port->link->stream)
		return 0;
	memcpy(a.oui, agent->oui, sizeof(a.oui));
	memcpy(a.methods, agent->methods, sizeof(a.methods));

	return link_control(port->link, STREAM_CTL_REGISTER, &a, sizeof(a));
}

static void unclaim(void *user, uint32_t id)
{
	struct device_port *port = user;
	struct stream_agent a = { .id = id };

	if (port->link->stream && !port->link->broken)
		link_control(port->link, STREAM_CTL_UNREGISTER, &a, sizeof(a));
}

static const struct kmad_ops ops = {
	.now = now,
	.send = send_packet,
	.claim = claim,
	.unclaim = unclaim,
};

static void received(void *user, const struct kmad_packet *packet)
{
	struct device_port *port = user;

	kmad_receive(&port->kmad, packet);
}

/* ---- attaching
 * ----------------------------------------------------------------------------------- */

static void complain(int error)
{
	const char *node = *device.place.node ? device.place.node : "(the first)";

	if (device.complained)
		return;
	device.complained = true;
	if (error == -ECONNREFUSED)
		fprintf(stderr,
			"vsm-umad: neither vsm-sim nor ibsim is there as \"%s\"; there is no "
			"device\n",
			*device.place.server ? device.place.server : device.place.base);
	else
		fprintf(stderr, "vsm-umad: the simulator does not attach us to node %s: %s\n", node,
			strerror(-error));
}

static int port_open(unsigned number, struct device_port **ret)
{
	struct link_place place = device.place;
	struct device_port *port = calloc(1, sizeof(*port));
	int error;

	if (!port)
		return -ENOMEM;
	kmad_port_init(&port->kmad, &ops, port);
	place.port = number;
	error = link_open(&place, received, port, &port->link);
	if (error) {
		free(port);
		return error;
	}
	port->kmad.client = (uint16_t)port->link->client;
	*ret = port;

	return 0;
}

static int ask_stream(struct link *link, struct device_info *info)
{
	struct stream_node node = { 0 };
	int error = link_control(link, STREAM_CTL_GET_NODE, &node, sizeof(node));

	if (error)
		return error;
	memcpy(info->description, node.description, sizeof(node.description));
	info->port_guid = node.guid;
	info->n_ports = node.n_ports;

	return link_control(link, IBSIM_CTL_GET_NODEINFO, info->node_info, sizeof(info->node_info));
}

/* What ibsim's control messages say of GUIDs is not so; its SMA knows better. */
static int ask_ibsim(struct link *link, struct device_info *info)
{
	uint8_t description[64] = { 0 };
	int error = link_ask_sma(link, SMA_NODE_INFO, 0, info->node_info);

	if (!error)
		error = link_ask_sma(link, SMA_NODE_DESCRIPTION, 0, description);
	if (error)
		return error;
	memcpy(info->description, description, sizeof(description));
	info->port_guid = get64(info->node_info + 20);
	info->n_ports = 1;

	return 0;
}

static int ask_device(struct link *link, struct device_info *info)
{
	const char *name = getenv("VSM_UMAD_DEVICE");
	int error;

	*info = (struct device_info){ 0 };
	error = link->stream ? ask_stream(link, info) : ask_ibsim(link, info);
	if (error)
		return error;
	/* libibumad takes 19 characters. */
	snprintf(info->name, 20, "%s", name && *name && !strchr(name, '/') ? name : "ibsim0");
	info->type = info->node_info[2];
	info->first_port = info->type == 2 ? 0 : link->stream ? 1 : MAX(info->node_info[36], 1);
	info->first_port = MIN(info->first_port, DEVICE_PORTS);
	if (info->type == 2 || !info->n_ports)
		info->n_ports = 1;
	if (info->n_ports > DEVICE_PORTS + 1 - info->first_port)
		info->n_ports = (uint8_t)(DEVICE_PORTS + 1 - info->first_port);

	return 0;
}

static void port_init(struct device_port *port, unsigned number)
{
	uint8_t gid[16];
	unsigned size;

	port->kmad.number = (uint8_t)number;
	port->kmad.is_switch = device.info.type == 2;
	device.ports[number] = port;
	if (!device_gid(number, 0, gid, &size))
		port->kmad.gids = MAX(size, 1U);
}

static int attach(void)
{
	struct device_port *port;
	unsigned number;
	int error;

	device.pid = getpid();
	link_place_init(&device.place);
	error = port_open(device.place.port, &port);
	if (error)
		return error;
	error = ask_device(port->link, &device.info);
	if (!error)
		error = start_thread();
	if (error) {
		port_free(port);
		return error;
	}
	number = device.info.first_port;
	if (device.info.type != 2 && port->link->stream && port->link->port &&
	    port->link->port < number + device.info.n_ports)
		number = port->link->port;
	device.attached = true;
	port_init(port, number);

	return 0;
}

bool device_attach(void)
{
	int error;

	if (device.attached && any_broken())
		detach();
	if (device.attached)
		return true;
	error = attach();
	if (error)
		complain(error);

	return !error;
}

const struct device_info *device_info(void)
{
	return &device.info;
}

/* Any connection can be asked about all ports. */
static struct device_port *some_port(unsigned number)
{
	if (number <= DEVICE_PORTS && device.ports[number])
		return device.ports[number];
	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i])
			return device.ports[i];

	return NULL;
}

/* As a control message names it: 0 is the port that we are attached to. */
static uint8_t number_at(const struct device_port *port, unsigned number)
{
	return device.ports[number] == port ? 0 : (uint8_t)number;
}

int device_port_info(unsigned number, uint8_t ret[64])
{
	struct device_port *port = some_port(number);

	if (!port)
		return -ENODEV;
	memset(ret, 0, 64);
	ret[0] = number_at(port, number);

	return link_control(port->link, IBSIM_CTL_GET_PORTINFO, ret, 64);
}

static int stream_gid(struct device_port *port, unsigned number, unsigned index,
		      uint8_t ret_gid[16], unsigned *ret_size)
{
	struct stream_table table = {
		.port = number_at(port, number),
		.first = (uint16_t)(index - index % GIDS_AT_ONCE),
	};
	int error = link_control(port->link, STREAM_CTL_GET_GIDS, &table, sizeof(table));

	if (error)
		return error;
	memcpy(ret_gid, table.gids[index % GIDS_AT_ONCE], 16);
	*ret_size = table.size;

	return 0;
}

int device_gid(unsigned number, unsigned index, uint8_t ret_gid[16], unsigned *ret_size)
{
	struct device_port *port = some_port(number);
	uint8_t info[64], guids[64] = { 0 };
	uint64_t guid;
	int error;

	if (!port)
		return -ENODEV;
	if (port->link->stream)
		return stream_gid(port, number, index, ret_gid, ret_size);
	error = device_port_info(number, info);
	if (error)
		return error;
	/* GUID 0 is the port's own, whatever the table says. */
	if (index) {
		error = link_ask_sma(port->link, SMA_GUID_INFO, index / GUIDS_IN_BLOCK, guids);
		if (error)
			return error;
	}
	guid = index ? get64(guids + 8 * (index % GUIDS_IN_BLOCK)) : device.info.port_guid;
	memset(ret_gid, 0, 16);
	if (guid) {
		memcpy(ret_gid, info + 8, 8);
		if (!get64(ret_gid))
			put64(ret_gid, UINT64_C(0xfe80000000000000));
		put64(ret_gid + 8, guid);
	}
	*ret_size = MAX(info[50], 1);

	return 0;
}

int device_pkey(unsigned number, unsigned index, uint16_t *ret_pkey, unsigned *ret_size)
{
	struct device_port *port = some_port(number);
	struct stream_table table = { .first = (uint16_t)(index / PKEYS_IN_BLOCK) };
	int error;

	if (!port)
		return -ENODEV;
	table.port = number_at(port, number);
	if (port->link->stream) {
		error = link_control(port->link, STREAM_CTL_GET_PKEYS, &table, sizeof(table));
	} else {
		error = link_ask_sma(port->link, SMA_PKEY_TABLE, table.first,
				     (uint8_t *)table.pkeys);
		table.size = get16(device.info.node_info + 28);
	}
	if (error)
		return error;
	*ret_pkey = get16(table.pkeys[index % PKEYS_IN_BLOCK]);
	*ret_size = MAX(table.size, 1);

	return 0;
}

/* ---- files
 * --------------------------------------------------------------------------------------- */

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
	kmad_file_init(&file->kmad, &port->kmad, readable, file);
	port->users++;
	__atomic_store_n(&files[file->event], file, __ATOMIC_RELEASE);

	return file;
}

static void release_issm(struct device_port *port)
{
	uint32_t off[IBSIM_CTL_DATA / 4] = { 0 };

	port->issm = false;
	if (!port->kmad.gone)
		link_control(port->link, IBSIM_CTL_SET_ISSM, off, sizeof(off));
	pthread_cond_broadcast(&device.issm_free);
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
		release_issm(port);
	kmad_file_done(&file->kmad);
	list_remove(&file->dirty);
	free(file);
	if (!port->kmad.gone)
		link_flush(port->link);
	if (!--port->users && port->kmad.gone)
		drop_old(port);
}

/* The port of umad number @number, connected. */
static int find_port(unsigned number, struct device_port **ret)
{
	struct device_port *port;
	int error;

	if (!device_attach())
		return -ENXIO;
	if (number >= device.info.n_ports)
		return -ENXIO;
	number += device.info.first_port;
	if (!device.ports[number]) {
		error = port_open(number, &port);
		if (error)
			return error;
		port_init(port, number);
		wake_thread();
	}
	*ret = device.ports[number];

	return 0;
}

int file_open_umad(unsigned number, int flags)
{
	struct device_port *port;
	struct open_file *file;
	int fd;

	device_lock();
	fd = find_port(number, &port);
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
		error = find_port(number, ret);
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
			release_issm(port);
	}
	device_unlock();

	return fd;
}

struct open_file *file_get(int fd)
{
	struct open_file *file;

	/* In a child of vfork() memory is the parent's, but descriptors are not. */
	if (fd < 0 || fd >= FILES || !__atomic_load_n(&files[fd], __ATOMIC_ACQUIRE) ||
	    getpid() != device.pid)
		return NULL;
	device_lock();
	file = files[fd];
	if (file)
		file->references++;
	device_unlock();

	return file;
}

void file_put(struct open_file *file)
{
	device_lock();
	unreference(file);
	device_unlock();
}

static bool is_inherited(const struct open_file *file)
{
	return file->pid != device.pid;
}

ssize_t file_read(struct open_file *file, int fd, void *buffer, size_t count)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		device_lock();
		n = file->issm           ? -EINVAL
		    : is_inherited(file) ? -EIO
					 : kmad_file_read(&file->kmad, buffer, count);
		/* All read: what was held back goes out. */
		if (n == -EAGAIN || (n >= 0 && !file->wanted))
			if (!file->kmad.port->gone)
				link_flush(file->port->link);
		device_unlock();
		if (n != -EAGAIN || fcntl(fd, F_GETFL) & O_NONBLOCK)
			return n;
		if (poll(&p, 1, -1) < 0)
			return -errno;
	}
}

/* May packets wait for more? */
static bool may_hold(const struct open_file *file)
{
	const struct link_buffer *out = &file->port->link->out;

	return file->wanted && out->to - out->from < HOLD_BYTES && now(NULL) < device.hold_until;
}

ssize_t file_write(struct open_file *file, const void *buffer, size_t count)
{
	ssize_t n;

	device_lock();
	n = file->issm           ? -EINVAL
	    : is_inherited(file) ? -EIO
				 : kmad_file_write(&file->kmad, buffer, count);
	if (n >= 0 && !file->port->kmad.gone && !may_hold(file) &&
	    (!link_flush(file->port->link) || file->port->link->broken))
		wake_thread();
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
	struct open_file *file = files[fd];

	if (!file)
		return;
	__atomic_store_n(&files[fd], NULL, __ATOMIC_RELEASE);
	unreference(file);
}

void file_duplicated(struct open_file *file, int fd)
{
	device_lock();
	if (fd >= 0 && fd < FILES) {
		forget(fd);
		file->references++;
		__atomic_store_n(&files[fd], file, __ATOMIC_RELEASE);
	}
	device_unlock();
}

/* The event is reached by any descriptor that is still open for it. */
static void find_event(struct open_file *file, int closing)
{
	if (file->event != closing)
		return;
	for (int fd = 0; fd < FILES; fd++)
		if (fd != closing && files[fd] == file) {
			file->event = fd;
			return;
		}
}

void file_forget(int fd)
{
	if (fd < 0 || fd >= FILES || !__atomic_load_n(&files[fd], __ATOMIC_ACQUIRE) ||
	    getpid() != device.pid)
		return;
	device_lock();
	if (files[fd]) {
		if (files[fd]->references > 1)
			find_event(files[fd], fd);
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

/* ---- forks and the end
 * --------------------------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&device.lock);
}

static void in_parent(void)
{
	pthread_mutex_unlock(&device.lock);
}

/* Sockets and events are closed, not used: the parent has them. Memory is left alone. */
static void in_child(void)
{
	pthread_mutex_init(&device.lock, NULL);
	pthread_cond_init(&device.issm_free, NULL);
	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct device_port *port = device.ports[i];

		device.ports[i] = NULL;
		if (!port)
			continue;
		port->kmad.gone = true;
		real_close(port->link->fd);
		if (port->link->control >= 0)
			real_close(port->link->control);
	}
	device.old = NULL;
	if (device.wake >= 0)
		real_close(device.wake);
	device.wake = -1;
	device.threaded = false;
	device.attached = false;
	device.complained = false;
	device.pid = getpid();
	list_init(&device.dirty);
}

__attribute__((constructor)) static void device_start(void)
{
	device.pid = getpid();
	pthread_atfork(before_fork, in_parent, in_child);
}

__attribute__((destructor)) static void device_end(void)
{
	if (getpid() != device.pid)
		return;
	device_lock();
	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct device_port *port = device.ports[i];

		if (!port)
			continue;
		if (port->issm)
			release_issm(port);
		link_flush(port->link);
		link_close(port->link);
		device.ports[i] = NULL;
		port->kmad.gone = true;
	}
	device.attached = false;
	device.threaded = false;
	device_unlock();
}
