/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The loop on sd-event.
 *
 * All timers are one event source of sd-event's: the queue of base/timer-queue.h decides which are
 * due, in the same order as on virtual time, and the source is set to the first. Its accuracy is
 * 1 microsecond; sd-event's own habit of a quarter of a second would make every time-out of an SMP
 * useless. What is due already needs no clock: it is a second source, always pending (a timer of
 * the kernel's that is set to now takes 25 microseconds to come back).
 *
 * Descriptors come before timers, because an answer that has arrived must be read before its
 * time-out is believed. That alone would let a descriptor which is always ready (a fast fabric's)
 * starve the timers: so after the callback of a descriptor, timers run if they were late by more
 * than PATIENCE before it.
 *
 * sd-event is asked little: it looks each time whether it is still in the process that made it. So
 * the time of a turn is kept, sources are only told what is new to them, and the timer stays set to
 * what was the first once. It then comes too early, which costs a turn, and not a system call for
 * each SMP.
 *
 * The watchdog is not fed because the loop turns, which it also does when nothing gets done, but if
 * the one who made the loop says that there is progress.
 */

#include "systemd/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/timer-queue.h"
#include "base/xoshiro.h"
#include "systemd/jobs.h"
#include "systemd/notify.h"

#define PATIENCE (5 * LOOP_MSEC)

enum {
	PRIORITY_SIGNAL = SD_EVENT_PRIORITY_NORMAL - 20,
	PRIORITY_IO = SD_EVENT_PRIORITY_NORMAL - 10,
	PRIORITY_TIMER = SD_EVENT_PRIORITY_NORMAL,
};

static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

struct loop {
	sd_event *event;
	uint64_t now;  /* of this turn; 0: there has been none */
	uint64_t woke; /* for it */
	struct xoshiro random;
	bool exiting;
	int code;
	uint64_t longest_step;

	struct timer_queue timers;
	sd_event_source *soon;
	sd_event_source *timer;
	bool is_soon;   /* that source is on */
	uint64_t armed; /* microseconds that the source is set to; UINT64_MAX: it is not */
	bool firing;

	struct jobs *jobs;
	sd_event_source *finished;

	sd_event_source *signal[COUNT(signals)];
	loop_signal_fn signal_fn;
	void *signal_user;

	struct loop_timer *watchdog;
	uint64_t watchdog_every;
	bool stuck; /* the last time @progress was asked */
	loop_progress_fn progress;
	void *progress_user;
};

struct loop_timer {
	struct timer_entry entry;
	struct loop *loop;
	loop_fn fn;
	void *user;
};

struct loop_watch {
	struct loop *loop;
	sd_event_source *source;
	unsigned io;
	loop_io_fn fn;
	void *user;
};

/* -- clock and randomness -----------------------------------------------------------------------
 */

static uint64_t read_clock(const struct loop *loop)
{
	uint64_t usec = 0;

	sd_event_now(loop->event, CLOCK_MONOTONIC, &usec);

	return usec * LOOP_USEC;
}

/* Of every callback of sd-event's, whose clock stands still in one round of several. */
static void begin_turn(struct loop *loop)
{
	loop->woke = read_clock(loop);
	loop->now = MAX(loop->now, loop->woke);
}

static uint64_t time_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (uint64_t)t.tv_sec * LOOP_SEC + (uint64_t)t.tv_nsec;
}

void loop_look_at_clock(struct loop *loop)
{
	loop->now = MAX(loop->now, time_now());
}

uint64_t loop_now(struct loop *loop)
{
	return loop->now ? loop->now : read_clock(loop);
}

uint64_t loop_wall(struct loop *loop)
{
	uint64_t usec = 0;

	sd_event_now(loop->event, CLOCK_REALTIME, &usec);

	return usec / 1000000;
}

uint64_t loop_longest_step(const struct loop *loop)
{
	return loop->longest_step;
}

/* sd-event knows when it woke up. */
static void measure_step(struct loop *loop)
{
	uint64_t now = time_now();

	if (loop->woke && now > loop->woke)
		loop->longest_step = MAX(loop->longest_step, now - loop->woke);
}

uint64_t loop_random(struct loop *loop)
{
	return xoshiro_next(&loop->random);
}

/* -- timers -------------------------------------------------------------------------------------
 */

/* Rounded up: never early. */
static uint64_t usec_of(uint64_t when)
{
	return when / LOOP_USEC + (when % LOOP_USEC != 0);
}

static void arm(struct loop *loop)
{
	struct timer_entry *first = timer_queue_first(&loop->timers);
	uint64_t usec = first ? usec_of(first->when) : UINT64_MAX;
	bool due = first && first->when <= loop_now(loop);

	if (loop->firing)
		return;
	if (due != loop->is_soon)
		sd_event_source_set_enabled(loop->soon, due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	loop->is_soon = due;
	if (due || loop->armed <= usec)
		return;
	loop->armed = usec;
	sd_event_source_set_time(loop->timer, usec);
	sd_event_source_set_enabled(loop->timer, SD_EVENT_ONESHOT);
}

/*
 * All that are due, but those after one that took long: what has arrived meanwhile is read first.
 * What is set meanwhile has its turn after the descriptors, too.
 */
static void fire(struct loop *loop)
{
	uint64_t now = loop_now(loop);
	uint64_t last = loop->timers.order;
	struct timer_entry *e;

	loop->firing = true;
	while (!loop->exiting && (e = timer_queue_first(&loop->timers)) && e->when <= now &&
	       e->order < last && loop->now - now < PATIENCE) {
		struct loop_timer *timer = CONTAINER_OF(e, struct loop_timer, entry);

		timer_queue_remove(&loop->timers, e);
		timer->fn(timer->user);
	}
	loop->firing = false;
	arm(loop);
}

static int on_soon(sd_event_source *source, void *user)
{
	struct loop *loop = user;

	(void)source;
	begin_turn(loop);
	loop->is_soon = false;
	fire(loop);

	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct loop *loop = user;

	(void)source;
	(void)usec;
	begin_turn(loop);
	loop->armed = UINT64_MAX;
	fire(loop);

	return 0;
}

int loop_timer_new(struct loop *loop, loop_fn fn, void *user, struct loop_timer **ret)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	int r;

	if (!timer)
		return -ENOMEM;
	r = timer_queue_reserve(&loop->timers);
	if (r < 0) {
		free(timer);
		return r;
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
	/* The past is now, or those set for longer ago would go before those that wait. */
	timer_queue_set(&timer->loop->timers, &timer->entry, MAX(when, loop_now(timer->loop)));
	arm(timer->loop);
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer_queue_remove(&timer->loop->timers, &timer->entry);
	arm(timer->loop);
}

/* -- descriptors --------------------------------------------------------------------------------
 */

/* Late when the turn began: what became due while its callback thought is not. */
static void fire_if_late(struct loop *loop)
{
	struct timer_entry *first = timer_queue_first(&loop->timers);

	if (first && first->when <= loop->woke && loop->woke - first->when >= PATIENCE)
		fire(loop);
}

static uint32_t epoll_of(unsigned io)
{
	return (io & LOOP_READ ? EPOLLIN : 0u) | (io & LOOP_WRITE ? EPOLLOUT : 0u);
}

/* What is broken is ready for all that is wanted: the read or write then says what is wrong. */
static unsigned ready_of(const struct loop_watch *watch, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return watch->io;

	return (events & EPOLLIN ? LOOP_READ : 0u) | (events & EPOLLOUT ? LOOP_WRITE : 0u);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct loop_watch *watch = user;
	struct loop *loop = watch->loop;

	(void)source;
	(void)fd;
	begin_turn(loop);
	watch->fn(watch->user, ready_of(watch, events));
	fire_if_late(loop);

	return 0;
}

int loop_watch_new(struct loop *loop, int fd, unsigned io, loop_io_fn fn, void *user,
		   struct loop_watch **ret)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	*watch = (struct loop_watch){ .loop = loop, .io = io, .fn = fn, .user = user };
	r = sd_event_add_io(loop->event, &watch->source, fd, epoll_of(io), on_io, watch);
	if (r >= 0)
		r = sd_event_source_set_priority(watch->source, PRIORITY_IO);
	if (r < 0) {
		loop_watch_free(watch);
		return r;
	}
	loop_watch_set(watch, io);
	*ret = watch;

	return 0;
}

/* For nothing at all it is taken out: epoll would still tell of errors, over and over. */
void loop_watch_set(struct loop_watch *watch, unsigned io)
{
	watch->io = io;
	sd_event_source_set_io_events(watch->source, epoll_of(io));
	sd_event_source_set_enabled(watch->source, io ? SD_EVENT_ON : SD_EVENT_OFF);
}

void loop_watch_free(struct loop_watch *watch)
{
	if (!watch)
		return;
	sd_event_source_disable_unref(watch->source);
	free(watch);
}

/* -- jobs ---------------------------------------------------------------------------------------
 */

int loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user)
{
	return jobs_add(loop->jobs, run, done, user);
}

static int on_finished(sd_event_source *source, int fd, uint32_t events, void *user)
{
	struct loop *loop = user;

	(void)source;
	(void)fd;
	(void)events;
	begin_turn(loop);
	jobs_finish(loop->jobs);
	fire_if_late(loop);

	return 0;
}

/* -- signals ------------------------------------------------------------------------------------
 */

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct loop *loop = user;

	(void)source;
	begin_turn(loop);
	loop->signal_fn(loop->signal_user, (int)info->ssi_signo);

	return 0;
}

int loop_watch_signals(struct loop *loop, loop_signal_fn fn, void *user)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	for (unsigned i = 0; i < COUNT(signals); i++)
		sigaddset(&blocked, signals[i]);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;

	loop->signal_fn = fn;
	loop->signal_user = user;
	for (unsigned i = 0; i < COUNT(signals); i++) {
		int r = sd_event_add_signal(loop->event, &loop->signal[i], signals[i], on_signal,
					    loop);

		if (r >= 0)
			r = sd_event_source_set_priority(loop->signal[i], PRIORITY_SIGNAL);
		if (r < 0)
			return r;
	}

	return 0;
}

/* -- watchdog -----------------------------------------------------------------------------------
 */

static void on_watchdog(void *user)
{
	struct loop *loop = user;
	bool stuck = !loop->progress(loop->progress_user);

	if (stuck && !loop->stuck)
		log_error("no progress: the watchdog is not fed until there is some");
	loop->stuck = stuck;
	if (!stuck)
		notify_watchdog();
	loop_timer_set(loop->watchdog, loop_now(loop) + loop->watchdog_every);
}

int loop_set_watchdog(struct loop *loop, loop_progress_fn progress, void *user)
{
	uint64_t usec = 0;
	int r = sd_watchdog_enabled(0, &usec);

	if (r <= 0)
		return r;
	r = loop_timer_new(loop, on_watchdog, loop, &loop->watchdog);
	if (r < 0)
		return r;
	loop->progress = progress;
	loop->progress_user = user;
	loop->watchdog_every = usec / 2 * LOOP_USEC;
	loop_timer_set(loop->watchdog, loop_now(loop));

	return 0;
}

/* -- life ---------------------------------------------------------------------------------------
 */

static int make_timer(struct loop *loop)
{
	int r = sd_event_add_time(loop->event, &loop->timer, CLOCK_MONOTONIC, 0, 1, on_timer, loop);

	if (r < 0)
		return r;
	loop->armed = UINT64_MAX;
	r = sd_event_source_set_enabled(loop->timer, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(loop->timer, PRIORITY_TIMER);
	if (r >= 0)
		r = sd_event_add_defer(loop->event, &loop->soon, on_soon, loop);
	if (r >= 0)
		r = sd_event_source_set_enabled(loop->soon, SD_EVENT_OFF);
	if (r < 0)
		return r;

	return sd_event_source_set_priority(loop->soon, PRIORITY_TIMER);
}

static int make_jobs(struct loop *loop)
{
	int r = jobs_new(&loop->jobs);

	if (r < 0)
		return r;
	r = sd_event_add_io(loop->event, &loop->finished, jobs_fd(loop->jobs), EPOLLIN, on_finished,
			    loop);
	if (r < 0)
		return r;

	return sd_event_source_set_priority(loop->finished, PRIORITY_IO);
}

static int seed(struct xoshiro *random)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) < 0)
		return -errno;
	xoshiro_seed(random, bits);

	return 0;
}

static void loop_freep(struct loop **loop)
{
	loop_free(*loop);
}

int loop_new(struct loop **ret)
{
	AUTO(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	r = sd_event_new(&loop->event);
	if (r >= 0)
		r = seed(&loop->random);
	if (r >= 0)
		r = make_timer(loop);
	if (r >= 0)
		r = make_jobs(loop);
	if (r < 0)
		return r;
	*ret = TAKE(loop);

	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_timer_free(loop->watchdog);
	for (unsigned i = 0; i < COUNT(signals); i++)
		sd_event_source_disable_unref(loop->signal[i]);
	sd_event_source_disable_unref(loop->finished);
	jobs_free(loop->jobs);
	sd_event_source_disable_unref(loop->soon);
	sd_event_source_disable_unref(loop->timer);
	timer_queue_done(&loop->timers);
	sd_event_unref(loop->event);
	free(loop);
}

int loop_run(struct loop *loop)
{
	while (!loop->exiting) {
		int r = sd_event_run(loop->event, UINT64_MAX);

		if (r < 0)
			return r;
		measure_step(loop);
	}
	loop->exiting = false;

	return loop->code;
}

void loop_exit(struct loop *loop, int code)
{
	loop->exiting = true;
	loop->code = code;
}
