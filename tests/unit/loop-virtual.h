/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * base/loop.h on virtual time, for tests: time stands still until the test lets it pass, and then
 * jumps from event to event. What happens depends on the seed and on nothing else.
 *
 * Events of the same time come in the order in which they were set. Jobs run within loop_job();
 * their done() is an event. There are no descriptors: loop_watch_new() is -ENOTSUP.
 */

#include "base/loop.h"

/* Time starts here, so that "a second ago" is not before the beginning. */
#define LOOP_VIRTUAL_START (1000 * LOOP_SEC)

/* And it is this second since 1970. */
#define LOOP_VIRTUAL_WALL UINT64_C(1700000000)

/* loop_wall() is @wall now, and goes on from there. */
void loop_virtual_set_wall(struct loop *loop, uint64_t wall);

/* 0 or -ENOMEM. */
int loop_virtual_new(uint64_t seed, struct loop **ret);

/* After all its timers are freed. Takes NULL. */
void loop_virtual_free(struct loop *loop);

/* Jobs given from now on are done this much later; at the start 0: soon. */
void loop_virtual_set_job_delay(struct loop *loop, uint64_t delay);

/* From now on loop_job() has no memory; or has it again. */
void loop_virtual_refuse_jobs(struct loop *loop, bool refuse);

/* When the next event is due, or UINT64_MAX. */
uint64_t loop_virtual_next(struct loop *loop);

/* Let one event happen; false if there is none. */
bool loop_virtual_step(struct loop *loop);

/* All that is due until @when, which then is the time (unless stopped). */
void loop_virtual_run_until(struct loop *loop, uint64_t when);
void loop_virtual_run_for(struct loop *loop, uint64_t duration);

/* Until nothing is due any more: true. False at @limit, or when stopped. */
bool loop_virtual_run_until_idle(struct loop *loop, uint64_t limit);

/* Time passes and nothing happens, as in a callback that takes long; what was due comes late. */
void loop_virtual_stall(struct loop *loop, uint64_t duration);

/* Let what runs now return after this callback. */
void loop_virtual_stop(struct loop *loop);
