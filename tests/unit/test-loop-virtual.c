/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The loop on virtual time: what every loop promises, and what only this one does.
 */

#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/loop-promises.h"

static int make(struct loop **ret)
{
	return loop_virtual_new(42, ret);
}

static void run(struct loop *loop)
{
	loop_virtual_run_until_idle(loop, UINT64_MAX);
}

const struct loop_kind loop_kind = {
	.make = make, .free = loop_virtual_free, .run = run, .stop = loop_virtual_stop
};

struct sweeper {
	struct loop *loop;
	struct loop_timer *timer;
	unsigned sweeps;
	uint64_t last;
};

static void sweep(void *user)
{
	struct sweeper *s = user;

	s->sweeps++;
	s->last = loop_now(s->loop);
	loop_timer_set(s->timer, loop_now(s->loop) + 10 * LOOP_SEC);
}

static void a_day_of_sweeps_passes_in_a_moment(void **state)
{
	struct loop *loop = *state;
	struct sweeper s = { .loop = loop };

	assert_int_equal(loop_timer_new(loop, sweep, &s, &s.timer), 0);
	loop_timer_set(s.timer, loop_now(loop) + 10 * LOOP_SEC);
	loop_virtual_run_for(loop, 86400 * LOOP_SEC);
	assert_int_equal(s.sweeps, 8640);
	assert_int_equal(loop_now(loop), LOOP_VIRTUAL_START + 86400 * LOOP_SEC);
	assert_int_equal(s.last, loop_now(loop));
	loop_timer_free(s.timer);
}

static void time_passes_only_as_far_as_asked(void **state)
{
	struct loop *loop = *state;
	struct sweeper s = { .loop = loop };

	assert_int_equal(loop_timer_new(loop, sweep, &s, &s.timer), 0);
	loop_timer_set(s.timer, LOOP_VIRTUAL_START + LOOP_SEC);
	assert_int_equal(loop_virtual_next(loop), LOOP_VIRTUAL_START + LOOP_SEC);
	loop_virtual_run_until(loop, LOOP_VIRTUAL_START + LOOP_SEC - 1);
	assert_int_equal(s.sweeps, 0);
	assert_false(loop_virtual_run_until_idle(loop, LOOP_VIRTUAL_START + 30 * LOOP_SEC));
	assert_int_equal(s.sweeps, 3);
	loop_timer_free(s.timer);
	assert_true(loop_virtual_run_until_idle(loop, UINT64_MAX));
	assert_false(loop_virtual_step(loop));
	assert_int_equal(loop_virtual_next(loop), UINT64_MAX);
}

static void the_same_seed_gives_the_same_bits_and_another_others(void **state)
{
	struct loop *a = NULL;
	struct loop *b = NULL;
	struct loop *c = NULL;
	unsigned differ = 0;

	(void)state;
	assert_int_equal(loop_virtual_new(7, &a), 0);
	assert_int_equal(loop_virtual_new(7, &b), 0);
	assert_int_equal(loop_virtual_new(8, &c), 0);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t bits = loop_random(a);

		assert_int_equal(bits, loop_random(b));
		differ += bits != loop_random(c);
	}
	assert_int_equal(differ, 100);
	loop_virtual_free(a);
	loop_virtual_free(b);
	loop_virtual_free(c);
}

static void what_is_due_in_a_stall_comes_late_and_in_order(void **state)
{
	struct loop *loop = *state;
	struct sweeper s = { .loop = loop };

	assert_int_equal(loop_timer_new(loop, sweep, &s, &s.timer), 0);
	loop_timer_set(s.timer, LOOP_VIRTUAL_START + LOOP_SEC);
	loop_virtual_stall(loop, 5 * LOOP_SEC);
	assert_int_equal(s.sweeps, 0);
	loop_virtual_run_for(loop, 0);
	assert_int_equal(s.sweeps, 1);
	assert_int_equal(s.last, LOOP_VIRTUAL_START + 5 * LOOP_SEC);
	loop_timer_free(s.timer);
}

struct slow_job {
	struct loop *loop;
	bool ran;
	uint64_t done_at;
};

static void run_slow(void *user)
{
	struct slow_job *job = user;

	job->ran = true;
}

static void finish_slow(void *user)
{
	struct slow_job *job = user;

	job->done_at = loop_now(job->loop);
}

static void a_job_may_take_virtual_time(void **state)
{
	struct slow_job job = { .loop = *state };

	loop_virtual_set_job_delay(job.loop, 3 * LOOP_SEC);
	assert_int_equal(loop_job(job.loop, run_slow, finish_slow, &job), 0);
	assert_true(job.ran);
	loop_virtual_run_for(job.loop, 2 * LOOP_SEC);
	assert_int_equal(job.done_at, 0);
	loop_virtual_run_for(job.loop, 2 * LOOP_SEC);
	assert_int_equal(job.done_at, LOOP_VIRTUAL_START + 3 * LOOP_SEC);
}

static void never_called(void *user, unsigned ready)
{
	(void)user;
	(void)ready;
	fail();
}

static void descriptors_are_refused(void **state)
{
	struct loop_watch *watch;

	assert_int_equal(loop_watch_new(*state, 0, LOOP_READ, never_called, NULL, &watch),
			 -ENOTSUP);
}

#define VIRTUAL_TEST(name)                                                                         \
	cmocka_unit_test_setup_teardown(name, loop_promises_begin, loop_promises_end)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		LOOP_PROMISES
		VIRTUAL_TEST(a_day_of_sweeps_passes_in_a_moment),
		VIRTUAL_TEST(time_passes_only_as_far_as_asked),
		VIRTUAL_TEST(the_same_seed_gives_the_same_bits_and_another_others),
		VIRTUAL_TEST(what_is_due_in_a_stall_comes_late_and_in_order),
		VIRTUAL_TEST(a_job_may_take_virtual_time),
		VIRTUAL_TEST(descriptors_are_refused),
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
