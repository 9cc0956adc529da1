/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The clock, timers, jobs, descriptors and randomness, as an interface. Nothing else in vsm knows
 * the time. Two files implement it, and a program links one of them: systemd/loop.c on sd-event,
 * tests/unit/loop-virtual.c on virtual time, where a day passes in a moment and always the same
 * way.
 *
 * All callbacks run on the loop's own thread, one at a time, never from within a loop_*() call.
 * Results are 0 or -errno.
 */

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_timer;
struct loop_watch;

#define LOOP_USEC UINT64_C(1000)
#define LOOP_MSEC (1000 * LOOP_USEC)
#define LOOP_SEC  (1000 * LOOP_MSEC)

typedef void (*loop_fn)(void *user);

/* Nanoseconds since some moment; never goes back. The same value until the next callback begins. */
uint64_t loop_now(struct loop *loop);

/* Within one that waits for something, or thinks for long, and goes on: what follows is later. */
void loop_look_at_clock(struct loop *loop);

/* Seconds since 1970, by a clock that people set: for what is to be known after a restart. */
uint64_t loop_wall(struct loop *loop);

/* The longest that one callback has taken so far, in ns: for so long nobody else had a turn. */
uint64_t loop_longest_step(const struct loop *loop);

/* Random bits, seeded once (from the kernel; in tests from the scenario's seed). */
uint64_t loop_random(struct loop *loop);

/* A timer that is not set. Freed by loop_timer_free(), which takes NULL. */
int loop_timer_new(struct loop *loop, loop_fn fn, void *user, struct loop_timer **ret);
void loop_timer_free(struct loop_timer *timer);

/* Call once at or after @when (as of loop_now()); replaces what was set. Past times mean soon. */
void loop_timer_set(struct loop_timer *timer, uint64_t when);
void loop_timer_stop(struct loop_timer *timer);

/*
 * @run on another thread, then @done on the loop. @run may touch nothing that others use meanwhile.
 * Jobs that are still running when the loop is freed are waited for, and their @done is not called.
 */
int loop_job(struct loop *loop, loop_fn run, loop_fn done, void *user);

/* Call @fn whenever @fd is ready; freeing the watch does not close the descriptor. */
enum loop_io {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};
typedef void (*loop_io_fn)(void *user, unsigned ready);
int loop_watch_new(struct loop *loop, int fd, unsigned io, loop_io_fn fn, void *user,
		   struct loop_watch **ret);
void loop_watch_set(struct loop_watch *watch, unsigned io);
void loop_watch_free(struct loop_watch *watch);
