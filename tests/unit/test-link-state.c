/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/link-state: the table of steps, all 25 of them, against the table as a person would write it;
 * and what must be true of it whatever it says: two ports that take its steps in any order.
 */

#include "sm/link-state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"

static const char *const states[] = { "none", "down", "init", "armed", "active" };
static const char *const words[] = {
	[LINK_STAY] = "stay", [LINK_ARM] = "arm", [LINK_ACTIVATE] = "activate", [LINK_WAIT] = "wait"
};

static void every_pair_of_states_has_its_step(void **unused)
{
	static const char expected[] = "none: stay stay stay stay stay\n"
				       "down: stay stay stay stay stay\n"
				       "init: stay wait arm arm arm\n"
				       "armed: stay wait wait activate activate\n"
				       "active: stay stay stay stay stay\n";
	char table[512];
	int n = 0;

	(void)unused;
	for (unsigned near = PORT_NO_CHANGE; near <= PORT_ACTIVE; near++) {
		n += snprintf(table + n, sizeof(table) - (size_t)n, "%s:", states[near]);
		for (unsigned far = PORT_NO_CHANGE; far <= PORT_ACTIVE; far++)
			n += snprintf(
				table + n, sizeof(table) - (size_t)n, " %s",
				words[link_step((enum port_state)near, (enum port_state)far)]);
		n += snprintf(table + n, sizeof(table) - (size_t)n, "\n");
	}
	assert_string_equal(table, expected);
}

static void nobody_becomes_active_before_both_are_armed(void **unused)
{
	(void)unused;
	for (unsigned near = PORT_NO_CHANGE; near <= PORT_ACTIVE; near++)
		for (unsigned far = PORT_NO_CHANGE; far <= PORT_ACTIVE; far++)
			if (link_step((enum port_state)near, (enum port_state)far) == LINK_ACTIVATE)
				assert_true(near == PORT_ARMED && far >= PORT_ARMED);
}

static void a_port_that_is_down_or_whose_far_end_is_down_is_not_set(void **unused)
{
	(void)unused;
	for (unsigned other = PORT_NO_CHANGE; other <= PORT_ACTIVE; other++) {
		enum link_step near = link_step(PORT_DOWN, (enum port_state)other);
		enum link_step far = link_step((enum port_state)other, PORT_DOWN);

		assert_true(near == LINK_STAY || near == LINK_WAIT);
		assert_true(far == LINK_STAY || far == LINK_WAIT);
	}
}

static void no_port_is_set_twice_to_the_same_state_or_back(void **unused)
{
	(void)unused;
	for (unsigned near = PORT_NO_CHANGE; near <= PORT_ACTIVE; near++) {
		for (unsigned far = PORT_NO_CHANGE; far <= PORT_ACTIVE; far++) {
			enum link_step step =
				link_step((enum port_state)near, (enum port_state)far);

			if (step == LINK_ARM)
				assert_int_equal(near, PORT_INITIALIZE);
			if (step == LINK_ACTIVATE)
				assert_int_equal(near, PORT_ARMED);
		}
	}
}

static bool take_step(enum port_state *near, enum port_state far)
{
	enum link_step step = link_step(*near, far);

	if (step == LINK_ARM)
		*near = PORT_ARMED;
	if (step == LINK_ACTIVATE)
		*near = PORT_ACTIVE;

	return step == LINK_ARM || step == LINK_ACTIVATE;
}

/* Each of 64 orders: bit i of @order says whose turn the i-th step is. */
static void whoever_moves_first_both_ends_become_active(void **unused)
{
	(void)unused;
	for (unsigned order = 0; order < 64; order++) {
		enum port_state port[2] = { PORT_INITIALIZE, PORT_INITIALIZE };

		for (unsigned i = 0; i < 6; i++) {
			unsigned turn = order >> i & 1;

			take_step(&port[turn], port[!turn]);
			if (port[0] == PORT_ACTIVE || port[1] == PORT_ACTIVE)
				assert_true(port[0] >= PORT_ARMED && port[1] >= PORT_ARMED);
		}
		while (take_step(&port[0], port[1]) || take_step(&port[1], port[0]))
			;
		assert_int_equal(port[0], PORT_ACTIVE);
		assert_int_equal(port[1], PORT_ACTIVE);
	}
}

static void an_end_that_fell_back_is_armed_again_while_the_other_is_active(void **unused)
{
	enum port_state near = PORT_INITIALIZE;

	(void)unused;
	assert_true(take_step(&near, PORT_ACTIVE));
	assert_int_equal(near, PORT_ARMED);
	assert_true(take_step(&near, PORT_ACTIVE));
	assert_int_equal(near, PORT_ACTIVE);
	assert_false(take_step(&near, PORT_ACTIVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_states_has_its_step),
		cmocka_unit_test(nobody_becomes_active_before_both_are_armed),
		cmocka_unit_test(a_port_that_is_down_or_whose_far_end_is_down_is_not_set),
		cmocka_unit_test(no_port_is_set_twice_to_the_same_state_or_back),
		cmocka_unit_test(whoever_moves_first_both_ends_become_active),
		cmocka_unit_test(an_end_that_fell_back_is_armed_again_while_the_other_is_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
