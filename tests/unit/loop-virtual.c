/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A loop without a clock: a queue of timers, and a number that is the time. A finished job is a
 * timer too, so there is but one order of all events.
 */

#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/timer-queue.h"
#include "base/xoshiro.h"

struct loop {
	uint64_t now;
	uint64_t unseen;     /* has passed in a callback that did not look at the clock since */
	uint64_t wall_ahead; /* seconds, modulo 2^64 */
	struct timer_queue timers;
	struct xoshiro random;
	struct list jobs; /* that have run and are not done */
	uint64_t job_delay;
	bool refuses_jobs;
	bool stopped;
};

struct loop_timer {
	struct timer_entry entry;
	struct loop *loop;
	loop_fn fn;
	void *user;
};

struct job {
	struct list link;
	struct loop_timer *timer;
	loop_fn done;
	void *user;
};

uint64_t loop_now(struct loop *loop)
{
	return loop->now;
}

uint64_t loop_wall(struct loop *loop)
{
	return LOOP_VIRTUAL_WALL + loop->wall_ahead + (loop->now - LOOP_VIRTUAL_START) / LOOP_SEC;
}

void loop_virtual_set_wall(struct loop *loop, uint64_t wall)
{
	loop->wall_ahead += wall - loop_wall(loop);
}

/* No time passes in a callback, but by loop_virtual_stall(). */
void loop_look_at_clock(struct loop *loop)
{
	loop->now += loop->unseen;
	loop->unseen = 0;
}

uint64_t loop_longest_step(const struct loop *loop)
{
	(void)loop;

	return 0;
}

uint64_t loop_random(struct loop *loop)
{
	return xoshiro_next(&loop->random);
}

int loop_timer_new(struct loop *loop, loop_fn fn, void *user, struct loop_timer **ret)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));

	if (!timer || timer_queue_reserve(&loop->timers) < 0) {
		free(timer);
		return -ENOMEM;
	}
	timer->loop = loop;
	timer->fn = fn;
	timer->user = user;
	*ret = timer;

	return 0;
}

void loop_timer_free(struct loop_timer *timer)
{
	if (!timer)
		return;
	loop_timer_stop(timer);
	timer_queue_release(&timer->loop->timers);
	free(timer);
}

void loop_timer_set(struct loop_timer *timer, uint64_t when)
{
	timer_queue_set(&timer->loop->timers, &timer->entry, MAX(when, timer->loop->now));
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer_queue_remove(&timer->loop->timers, &timer->entry);
}

static void free_job(struct job *job)
{
	list_remove(&job->link);
	loop_timer_free(job->timer);
	free(job);
}

static void finish_job(void *user)
{
	struct job *job = user;
	loop_fn done = job->done;

	user = job->user;
	free_job(job);
	done(user);
}

int loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user)
{
	struct job *job = loop->refuses_jobs ? NULL : calloc(1, sizeof(*job));

	if (!job || loop_timer_new(loop, finish_job, job, &job->timer) < 0) {
		free(job);
		return -ENOMEM;
	}
	job->done = done;
	job->user = user;
	list_add_tail(&loop->jobs, &job->link);
	run(user);
	loop_timer_set(job->timer, loop->now + loop->job_delay);

	return 0;
}

int loop_watch_new(struct loop *loop, int fd, unsigned io, loop_io_fn fn, void *user,
		   struct loop_watch **ret)
{
	(void)loop;
	(void)fd;
	(void)io;
	(void)fn;
	(void)user;
	(void)ret;

	return -ENOTSUP;
}

void loop_watch_set(struct loop_watch *watch, unsigned io)
{
	(void)watch;
	(void)io;
}

void loop_watch_free(struct loop_watch *watch)
{
	(void)watch;
}

int loop_virtual_new(uint64_t seed, struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->now = LOOP_VIRTUAL_START;
	list_init(&loop->jobs);
	xoshiro_seed(&loop->random, seed);
	*ret = loop;

	return 0;
}

void loop_virtual_free(struct loop *loop)
{
	if (!loop)
		return;
	while (!list_is_empty(&loop->jobs))
		free_job(LIST_ENTRY(loop->jobs.next, struct job, link));
	timer_queue_done(&loop->timers);
	free(loop);
}

void loop_virtual_refuse_jobs(struct loop *loop, bool refuse)
{
	loop->refuses_jobs = refuse;
}

void loop_virtual_set_job_delay(struct loop *loop, uint64_t delay)
{
	loop->job_delay = delay;
}

uint64_t loop_virtual_next(struct loop *loop)
{
	struct timer_entry *first = timer_queue_first(&loop->timers);

	return first ? first->when : UINT64_MAX;
}

bool loop_virtual_step(struct loop *loop)
{
	struct timer_entry *first = timer_queue_first(&loop->timers);
	struct loop_timer *timer;

	if (!first)
		return false;
	timer = CONTAINER_OF(first, struct loop_timer, entry);
	loop_look_at_clock(loop);
	loop->now = MAX(loop->now, first->when);
	timer_queue_remove(&loop->timers, first);
	timer->fn(timer->user);

	return true;
}

static bool run(struct loop *loop, uint64_t limit)
{
	loop->stopped = false;
	while (!loop->stopped && loop_virtual_next(loop) <= limit &&
	       loop_virtual_next(loop) != UINT64_MAX)
		loop_virtual_step(loop);

	return loop_virtual_next(loop) == UINT64_MAX;
}

void loop_virtual_run_until(struct loop *loop, uint64_t when)
{
	run(loop, when);
	if (!loop->stopped)
		loop->now = MAX(loop->now, when);
}

void loop_virtual_run_for(struct loop *loop, uint64_t duration)
{
	loop_look_at_clock(loop);
	loop_virtual_run_until(loop, loop->now + duration);
}

bool loop_virtual_run_until_idle(struct loop *loop, uint64_t limit)
{
	return run(loop, limit) && !loop->stopped;
}

void loop_virtual_stall(struct loop *loop, uint64_t duration)
{
	loop->unseen += duration;
}

void loop_virtual_stop(struct loop *loop)
{
	loop->stopped = true;
}
