/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What counts as progress for the watchdog, and for how long.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/loop.h"
#include "systemd/progress.h"

enum { REST, ASK, PLAN };

/* At the beginning of a phase, some time after a rest. */
static struct progress_sample begin(struct progress *p, unsigned phase)
{
	struct progress_sample s = { .now = 1000 * LOOP_SEC, .phase = REST, .rests = true };

	*p = (struct progress){ 0 };
	assert_null(progress_look(p, &s));
	s.phase = phase;
	s.rests = false;
	s.computes = phase == PLAN;
	s.reconcile = 7;
	assert_null(progress_look(p, &s));

	return s;
}

/* Seconds until it is noticed; at most a day. Each second so much is sent and heard. */
static unsigned look_on(struct progress *p, struct progress_sample s, unsigned sent, unsigned heard)
{
	for (unsigned second = 1; second < 86400; second++) {
		s.now += LOOP_SEC;
		s.sent += sent;
		s.heard += heard;
		if (progress_look(p, &s))
			return second;
	}

	return 0;
}

static void rest_is_no_lack_of_progress(void **state)
{
	struct progress_sample s = { .now = LOOP_SEC, .rests = true };
	struct progress p = { 0 };

	(void)state;
	assert_int_equal(look_on(&p, s, 0, 0), 0);
}

static void nothing_sent_for_a_minute_is(void **state)
{
	struct progress p;

	(void)state;
	assert_int_equal(look_on(&p, begin(&p, ASK), 0, 0), 60);
}

static void a_job_may_take_minutes_but_not_for_ever(void **state)
{
	struct progress p;

	(void)state;
	assert_int_equal(look_on(&p, begin(&p, PLAN), 0, 0), 300);
}

/* The time of a phase before, or of the rest, does not count. */
static void a_job_has_its_time_from_its_own_beginning(void **state)
{
	struct progress_sample s;
	struct progress p;

	(void)state;
	s = begin(&p, ASK);
	for (unsigned i = 0; i < 800; i++) {
		s.now += LOOP_SEC;
		s.sent++;
		s.heard++;
		assert_null(progress_look(&p, &s));
	}
	s.phase = PLAN;
	s.computes = true;
	assert_null(progress_look(&p, &s));
	assert_int_equal(look_on(&p, s, 0, 0), 300);
}

static void questions_that_nobody_answers_are_none(void **state)
{
	struct progress p;

	(void)state;
	assert_int_equal(look_on(&p, begin(&p, ASK), 5, 0), 300);
}

static void nor_are_answers_that_lead_to_nothing(void **state)
{
	struct progress p;

	(void)state;
	assert_int_equal(look_on(&p, begin(&p, ASK), 100, 100), 900);
}

static void a_daemon_that_works_all_day_is_left_alone(void **state)
{
	struct progress_sample s;
	struct progress p;

	(void)state;
	s = begin(&p, ASK);
	for (unsigned i = 0; i < 86400 / 50; i++) {
		s.now += 50 * LOOP_SEC;
		s.reconcile += i % 2;
		s.phase = i % 3 ? ASK : PLAN;
		s.computes = s.phase == PLAN;
		assert_null(progress_look(&p, &s));
	}
}

static void what_gets_on_again_is_fed_again(void **state)
{
	struct progress_sample s;
	struct progress p;

	(void)state;
	s = begin(&p, ASK);
	s.now += 100 * LOOP_SEC;
	assert_non_null(progress_look(&p, &s));
	s.sent++;
	s.heard++;
	assert_null(progress_look(&p, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rest_is_no_lack_of_progress),
		cmocka_unit_test(nothing_sent_for_a_minute_is),
		cmocka_unit_test(a_job_may_take_minutes_but_not_for_ever),
		cmocka_unit_test(a_job_has_its_time_from_its_own_beginning),
		cmocka_unit_test(questions_that_nobody_answers_are_none),
		cmocka_unit_test(nor_are_answers_that_lead_to_nothing),
		cmocka_unit_test(a_daemon_that_works_all_day_is_left_alone),
		cmocka_unit_test(what_gets_on_again_is_fed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
