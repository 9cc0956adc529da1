/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Few watches and few timers: both are lists that are gone through.
 */

#include "tests/unit/loop-poll.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"

#define WATCHES_MAX 64

struct loop {
	uint64_t now;
	uint64_t random;
	struct list watches;
	struct list timers;
};

struct loop_watch {
	struct list link;
	int fd;
	unsigned io;
	loop_io_fn fn;
	void *user;
};

struct loop_timer {
	struct list link;
	struct loop *loop;
	uint64_t when; /* UINT64_MAX: not set */
	loop_fn fn;
	void *user;
};

struct loop *loop_poll_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->now = LOOP_POLL_START;
	list_init(&loop->watches);
	list_init(&loop->timers);

	return loop;
}

void loop_poll_free(struct loop *loop)
{
	free(loop);
}

void loop_poll_pass(struct loop *loop, uint64_t duration)
{
	loop->now += duration;
}

uint64_t loop_now(struct loop *loop)
{
	return loop->now;
}

uint64_t loop_wall(struct loop *loop)
{
	return loop->now / LOOP_SEC;
}

/* No time passes in a callback. */
void loop_look_at_clock(struct loop *loop)
{
	(void)loop;
}

uint64_t loop_longest_step(const struct loop *loop)
{
	(void)loop;

	return 0;
}

uint64_t loop_random(struct loop *loop)
{
	return loop->random += UINT64_C(0x9e3779b97f4a7c15);
}

int loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user)
{
	(void)loop;
	(void)run;
	(void)done;
	(void)user;

	return -ENOTSUP;
}

/* -- timers -------------------------------------------------------------------------------------
 */

int loop_timer_new(struct loop *loop, loop_fn fn, void *user, struct loop_timer **ret)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	*timer = (struct loop_timer){ .loop = loop, .when = UINT64_MAX, .fn = fn, .user = user };
	list_add_tail(&loop->timers, &timer->link);
	*ret = timer;

	return 0;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	list_remove(&timer->link);
	free(timer);
}

void loop_timer_set(struct loop_timer *timer, uint64_t when)
{
	timer->when = when;
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer->when = UINT64_MAX;
}

static bool fire_one(struct loop *loop)
{
	for (struct list *l = loop->timers.next; l != &loop->timers; l = l->next) {
		struct loop_timer *timer = LIST_ENTRY(l, struct loop_timer, link);

		if (timer->when > loop->now)
			continue;
		timer->when = UINT64_MAX;
		timer->fn(timer->user);
		return true;
	}

	return false;
}

/* -- descriptors --------------------------------------------------------------------------------
 */

int loop_watch_new(struct loop *loop, int fd, unsigned io, loop_io_fn fn, void *user,
		   struct loop_watch **ret)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	*watch = (struct loop_watch){ .fd = fd, .io = io, .fn = fn, .user = user };
	list_add_tail(&loop->watches, &watch->link);
	*ret = watch;

	return 0;
}

void loop_watch_set(struct loop_watch *watch, unsigned io)
{
	watch->io = io;
}

void loop_watch_free(struct loop_watch *watch)
{
	if (!watch)
		return;
	list_remove(&watch->link);
	free(watch);
}

static struct loop_watch *find_watch(struct loop *loop, int fd)
{
	for (struct list *l = loop->watches.next; l != &loop->watches; l = l->next)
		if (LIST_ENTRY(l, struct loop_watch, link)->fd == fd)
			return LIST_ENTRY(l, struct loop_watch, link);

	return NULL;
}

static unsigned gather(struct loop *loop, struct pollfd *fds)
{
	unsigned n = 0;

	for (struct list *l = loop->watches.next; l != &loop->watches && n < WATCHES_MAX;
	     l = l->next) {
		const struct loop_watch *watch = LIST_ENTRY(l, struct loop_watch, link);

		if (watch->io == 0)
			continue;
		fds[n].fd = watch->fd;
		fds[n].events = (short)((watch->io & LOOP_READ ? POLLIN : 0) |
					(watch->io & LOOP_WRITE ? POLLOUT : 0));
		n++;
	}

	return n;
}

/* A callback may free any watch: so each is looked for again. */
static void deliver(struct loop *loop, const struct pollfd *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct loop_watch *watch = find_watch(loop, fds[i].fd);
		unsigned ready = (fds[i].revents & POLLIN ? LOOP_READ : 0u) |
				 (fds[i].revents & POLLOUT ? LOOP_WRITE : 0u);

		if (fds[i].revents == 0 || !watch)
			continue;
		if (fds[i].revents & (POLLERR | POLLHUP))
			ready = watch->io;
		watch->fn(watch->user, ready);
	}
}

bool loop_poll_step(struct loop *loop, int wait_ms)
{
	struct pollfd fds[WATCHES_MAX];
	unsigned n = gather(loop, fds);
	bool fired = false;

	while (fire_one(loop))
		fired = true;
	if (fired)
		n = gather(loop, fds);
	if (poll(fds, n, fired ? 0 : wait_ms) <= 0)
		return fired;
	deliver(loop, fds, n);

	return true;
}

void loop_poll_run(struct loop *loop)
{
	while (loop_poll_step(loop, 0))
		;
}
