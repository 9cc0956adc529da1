/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What base/loop.h promises, as tests that hold for every loop. A program that tests a loop says
 * how to make and run it, and puts LOOP_PROMISES among its tests.
 */

#include "base/loop.h"

struct loop_kind {
	int (*make)(struct loop **ret);
	void (*free)(struct loop *loop);
	void (*run)(struct loop *loop); /* until stop */
	void (*stop)(struct loop *loop);
};

/* Defined by the program. */
extern const struct loop_kind loop_kind;

int loop_promises_begin(void **state);
int loop_promises_end(void **state);

#define LOOP_PROMISE(X)                                                                            \
	X(a_timer_fires_once_and_not_before_its_time)                                              \
	X(timers_fire_in_order_of_time)                                                            \
	X(timers_of_the_same_time_fire_in_the_order_of_setting)                                    \
	X(setting_a_timer_again_replaces_what_was_set)                                             \
	X(a_stopped_timer_does_not_fire)                                                           \
	X(a_past_time_means_soon_and_not_within_the_call)                                          \
	X(a_callback_may_free_its_own_timer)                                                       \
	X(a_callback_may_free_a_timer_that_is_due)                                                 \
	X(a_timer_that_is_always_due_lets_others_fire)                                             \
	X(timers_fire_in_order_whatever_is_set_and_stopped)                                        \
	X(time_stands_still_within_a_callback_and_never_goes_back)                                 \
	X(nothing_happens_after_the_stop)                                                          \
	X(a_job_runs_and_then_is_done_on_the_loop)                                                 \
	X(every_job_is_done_once)                                                                  \
	X(a_done_job_may_start_another)                                                            \
	X(a_loop_that_is_freed_runs_its_jobs_but_calls_nobody)                                     \
	X(random_bits_are_about_half_ones)                                                         \
	X(nothing_is_freed_without_harm)

#define LOOP_PROMISE_DECLARE(name) void name(void **state);
LOOP_PROMISE(LOOP_PROMISE_DECLARE)
#undef LOOP_PROMISE_DECLARE

#define LOOP_PROMISE_TEST(name)                                                                    \
	cmocka_unit_test_setup_teardown(name, loop_promises_begin, loop_promises_end),
#define LOOP_PROMISES LOOP_PROMISE(LOOP_PROMISE_TEST)
