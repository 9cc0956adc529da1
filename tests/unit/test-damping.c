/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/damping: what is owed grows with every event and halves while nothing happens.
 */

#include "sm/damping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/loop.h"

#define HALF (2 * LOOP_SEC)
#define MOST (6 * DAMPING_EVENT)

static void nothing_is_owed_at_first(void **state)
{
	struct damping d = { 0 };

	(void)state;
	assert_int_equal(damping_owed(&d, 0, HALF), 0);
	assert_int_equal(damping_owed(&d, UINT64_MAX, HALF), 0);
}

static void events_at_once_add_up_to_the_most(void **state)
{
	struct damping d = { 0 };

	(void)state;
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(damping_charge(&d, LOOP_SEC, HALF, MOST), i * DAMPING_EVENT);
	for (unsigned i = 0; i < 1000; i++)
		damping_charge(&d, LOOP_SEC, HALF, MOST);
	assert_int_equal(damping_owed(&d, LOOP_SEC, HALF), MOST);
}

static void what_is_owed_halves(void **state)
{
	struct damping d = { 0 };

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		damping_charge(&d, LOOP_SEC, HALF, MOST);
	assert_int_equal(damping_owed(&d, LOOP_SEC + HALF, HALF), 2000);
	assert_int_equal(damping_owed(&d, LOOP_SEC + 2 * HALF, HALF), 1000);
	assert_int_equal(damping_owed(&d, LOOP_SEC + 12 * HALF, HALF), 0);
	assert_int_equal(damping_owed(&d, LOOP_SEC + 100 * HALF, HALF), 0);
	/* In between never up, and near what an exponential has: 4000 / sqrt(2). */
	assert_in_range(damping_owed(&d, LOOP_SEC + HALF / 2, HALF), 2800, 2856);
	for (uint64_t t = 0; t < 20 * HALF; t += LOOP_MSEC * 7)
		assert_true(damping_owed(&d, LOOP_SEC + t, HALF) >=
			    damping_owed(&d, LOOP_SEC + t + LOOP_MSEC * 7, HALF));
}

/* As of a switch that may send one trap in 1.07 s. */
static void regular_events_come_to_a_level(void **state)
{
	struct damping often = { 0 }, seldom = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		damping_charge(&often, i * UINT64_C(1073741824), HALF, MOST);
		damping_charge(&seldom, i * 10 * LOOP_SEC, HALF, MOST);
	}
	/* 1000 / (1 - 2^-0.537) */
	assert_in_range(often.owed, 3150, 3300);
	assert_in_range(seldom.owed, 1000, 1050);
}

static void time_that_goes_back_and_long_half_lives_do_no_harm(void **state)
{
	struct damping d = { 0 };

	(void)state;
	damping_charge(&d, 100 * LOOP_SEC, HALF, MOST);
	assert_int_equal(damping_owed(&d, LOOP_SEC, HALF), DAMPING_EVENT);
	assert_int_equal(damping_owed(&d, 200 * LOOP_SEC, UINT64_MAX), DAMPING_EVENT);
	assert_int_equal(damping_charge(&d, 100 * LOOP_SEC, 1, UINT32_MAX), 2 * DAMPING_EVENT);
	for (unsigned i = 0; i < 5; i++)
		damping_charge(&d, 100 * LOOP_SEC, HALF, UINT32_MAX);
	assert_int_equal(damping_charge(&d, 100 * LOOP_SEC, HALF, DAMPING_EVENT), DAMPING_EVENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_owed_at_first),
		cmocka_unit_test(events_at_once_add_up_to_the_most),
		cmocka_unit_test(what_is_owed_halves),
		cmocka_unit_test(regular_events_come_to_a_level),
		cmocka_unit_test(time_that_goes_back_and_long_half_lives_do_no_harm),
	};

	return cmocka_run_group_tests_name("damping", tests, NULL, NULL);
}
