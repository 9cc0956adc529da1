/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How much of the local stack's memory answers may hold, and whose they are.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/loop.h"
#include "sm/sa/outstanding.h"

#define ALL OUTSTANDING_MAX_BYTES

static int setup(void **state)
{
	struct outstanding *o = calloc(1, sizeof(*o));

	if (o)
		outstanding_over(o, 1, 1); /* this stack tells */
	*state = o;

	return o ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);

	return 0;
}

static void one_alone_may_have_half(void **state)
{
	struct outstanding *o = *state;

	assert_int_equal(outstanding_room(o, 7, 0), ALL);
	outstanding_sent(o, 7, 1, ALL / 4, 0);
	assert_int_equal(outstanding_room(o, 7, 0), ALL / 2);
	outstanding_sent(o, 7, 2, ALL / 4, 0);
	assert_int_equal(outstanding_room(o, 7, 0), 0);
}

static void who_has_nothing_yet_finds_what_is_left(void **state)
{
	struct outstanding *o = *state;

	outstanding_sent(o, 7, 1, ALL / 2, 0);
	assert_int_equal(outstanding_room(o, 8, 0), ALL / 2);
	outstanding_sent(o, 8, 1, ALL / 4, 0);
	assert_int_equal(outstanding_room(o, 8, 0), 0);
	assert_int_equal(outstanding_room(o, 9, 0), ALL / 4);
}

static void what_is_over_counts_no_more(void **state)
{
	struct outstanding *o = *state;

	outstanding_sent(o, 7, 1, 1000, 0);
	outstanding_sent(o, 7, 2, 10, 0);
	outstanding_over(o, 8, 1); /* another's */
	assert_int_equal(outstanding_room(o, 7, 0), ALL - 2 * 1010);
	outstanding_over(o, 7, 1);
	assert_int_equal(outstanding_room(o, 7, 0), ALL - 2 * 10);
	outstanding_over(o, 7, 1);
	outstanding_over(o, 7, 2);
	assert_int_equal(outstanding_room(o, 7, 0), ALL);
}

static void what_nobody_tells_the_end_of_is_forgotten(void **state)
{
	struct outstanding *o = *state;

	outstanding_sent(o, 7, 1, ALL, 0);
	assert_int_equal(outstanding_room(o, 8, 59 * LOOP_SEC), 0);
	assert_int_equal(outstanding_room(o, 8, 60 * LOOP_SEC), ALL);
}

static void many_small_ones_are_shared_alike(void **state)
{
	struct outstanding *o = *state;

	for (unsigned i = 0; i < OUTSTANDING_MAX / 2; i++) {
		assert_true(outstanding_room(o, 7, 0) > 0);
		outstanding_sent(o, 7, i, 1, 0);
	}
	assert_int_equal(outstanding_room(o, 7, 0), 0);
	assert_true(outstanding_room(o, 8, 0) > 0);
}

static void a_stack_that_never_tells_refuses_nobody(void **state)
{
	struct outstanding *o = *state;

	o->told = false;
	for (unsigned i = 0; i < 2 * OUTSTANDING_MAX; i++) {
		assert_int_equal(outstanding_room(o, 7, 0), ALL);
		outstanding_sent(o, 7, i, ALL, 0);
	}
	assert_int_equal(o->n, OUTSTANDING_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_alone_may_have_half, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_nothing_yet_finds_what_is_left, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_over_counts_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(what_nobody_tells_the_end_of_is_forgotten, setup,
						teardown),
		cmocka_unit_test_setup_teardown(many_small_ones_are_shared_alike, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stack_that_never_tells_refuses_nobody, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
