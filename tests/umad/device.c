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
 * again, and one that has read several in a row will write as often: its packets wait until it has,
 * or waits for more, at most BUSY_MSEC. A program that has nothing to read or to answer is sent for
 * at once.
 *
 * Client ids come again, and the other side remembers a long message for 10 s by its TID: were the
 * second process with an id to count its agents as the first did, its questions would be taken for
 * that one's and only acknowledged. The kernel counts on from process to process; here each begins
 * somewhere else.
 *
 * After a fork the child has no device: the connection and its client id are the parent's. What it
 * inherited answers EIO, and what it opens itself attaches anew.
 */

#include "tests/umad/device-inside.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "tests/umad/real.h"

struct device device = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.issm_free = PTHREAD_COND_INITIALIZER,
	.wake = -1,
	.dirty = { &device.dirty, &device.dirty },
};

static uint64_t now(void *unused)
{
	struct timespec t;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &t);

	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t device_now(void)
{
	return now(NULL);
}

/* ---- the lock, and what is done before it is given back -------------------------------------- */

void device_wake(void)
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

void device_is_busy(void)
{
	device.busy_until = device_now() + BUSY_MSEC * KMAD_MSEC;
}

/* When the thread has to see whether packets wait that a program does not take by itself. */
static uint64_t next_look(void)
{
	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i] && device.ports[i]->polled && !device.ports[i]->pollers)
			return device.busy_until;

	return UINT64_MAX;
}

/* Whoever has the lock is not cancelled (opensm does that to its receivers). */
void device_lock(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_mutex_lock(&device.lock);
	device.cancel_state = state;
}

void device_unlock(void)
{
	int state = device.cancel_state;

	while (!list_is_empty(&device.dirty))
		file_set_event(CONTAINER_OF(device.dirty.next, struct open_file, dirty));
	if (device.threaded && MIN(next_timer(), next_look()) < device.sleeps_until) {
		device.sleeps_until = 0;
		device_wake();
	}
	pthread_mutex_unlock(&device.lock);
	pthread_setcancelstate(state, NULL);
}

/* ---- a connection that is over --------------------------------------------------------------- */

static void mark_gone(struct device_port *port)
{
	port->kmad.gone = true;
	for (struct list *l = port->kmad.agents.next; l != &port->kmad.agents; l = l->next)
		file_readable(LIST_ENTRY(l, struct kmad_agent, link)->file->user, true);
	for (unsigned fd = 0; fd < FILES; fd++)
		if (open_files[fd] && open_files[fd]->port == port && !open_files[fd]->issm)
			file_readable(open_files[fd], true);
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

void device_drop_port(struct device_port *port)
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

/* ---- the thread ------------------------------------------------------------------------------ */

/* @t: the same time as for prepare(), or what is busy to one would not be to the other. */
static int sleep_msec(uint64_t t)
{
	uint64_t until = next_timer();
	uint64_t msec;

	if (t < device.busy_until)
		until = MIN(until, device.busy_until);
	device.sleeps_until = until;
	if (until == UINT64_MAX)
		return -1;
	if (until <= t)
		return 0;
	msec = (until - t + KMAD_MSEC - 1) / KMAD_MSEC;

	return (int)MIN(msec, (uint64_t)3600000);
}

/* Programs that wait by themselves are left alone with their packets. */
static unsigned prepare(struct pollfd *polls, uint64_t t)
{
	bool busy = t < device.busy_until;
	unsigned n = 1;

	polls[0] = (struct pollfd){ .fd = device.wake, .events = POLLIN };
	for (unsigned i = 0; i <= DEVICE_PORTS; i++) {
		struct device_port *port = device.ports[i];
		short events = 0;

		if (!port)
			continue;
		if (!port->pollers && !(busy && port->polled)) {
			events |= POLLIN;
			port->polled = false;
		}
		if (link_has_output(port->link) && !busy)
			events |= POLLOUT;
		if (events)
			polls[n++] = (struct pollfd){ .fd = port->link->fd, .events = events };
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
	if (something)
		device_is_busy();
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
		uint64_t t = device_now();
		unsigned n = prepare(polls, t);
		int msec = sleep_msec(t);

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
		device_wake();
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

/* ---- what kmad asks for ---------------------------------------------------------------------- */

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

	if (!port->kmad.gone && port->link->stream && !port->link->broken)
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

/* ---- attaching ------------------------------------------------------------------------------- */

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
	if (getrandom(&port->kmad.serial, sizeof(port->kmad.serial), GRND_NONBLOCK) < 0)
		port->kmad.serial = (uint16_t)getpid();
	*ret = port;

	return 0;
}

static void port_init(struct device_port *port, unsigned number)
{
	uint8_t gid[16];
	unsigned size;

	port->kmad.number = (uint8_t)number;
	port->kmad.is_switch = device.info.type == 2;
	port->kmad.smi = device.info.smi;
	device.ports[number] = port;
	if (!device_gid(number, 0, gid, &size))
		port->kmad.gids = MAX(size, 1U);
}

static int attach(void)
{
	struct device_port *port;
	unsigned number;
	int error;

	if (device.pid != getpid()) /* others read it without the lock */
		device.pid = getpid();
	link_place_init(&device.place);
	error = port_open(device.place.port, &port);
	if (error)
		return error;
	error = device_ask(port->link, &device.info);
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

void device_release_issm(struct device_port *port)
{
	uint32_t off[IBSIM_CTL_DATA / 4] = { 0 };

	port->issm = false;
	if (!port->kmad.gone)
		link_control(port->link, IBSIM_CTL_SET_ISSM, off, sizeof(off));
	pthread_cond_broadcast(&device.issm_free);
}

int device_find_port(unsigned number, struct device_port **ret)
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
		device_wake();
	}
	*ret = device.ports[number];

	return 0;
}

/* ---- forks and the end ----------------------------------------------------------------------- */

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
			device_release_issm(port);
		link_flush(port->link);
		link_close(port->link);
		device.ports[i] = NULL;
		port->kmad.gone = true;
	}
	device.attached = false;
	device.threaded = false;
	device_unlock();
}
