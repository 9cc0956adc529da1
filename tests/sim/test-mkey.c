/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* What the M_Key guards, by protection level; violations, and the lease. */

#include "tests/sim/test-bench.h"

enum { KEY = 0x1234, WRONG = 0x4321 };

static void guard(struct sim_port *port, unsigned level, uint16_t period)
{
	port->info.m_key = htobe64(KEY);
	port->info.mkey_lmc = (uint8_t)(level << 6);
	port->info.m_key_lease_period = htobe16(period);
	port->info.m_key_violations = 0;
}

static unsigned violations(const struct sim_port *port)
{
	return be16toh(port->info.m_key_violations);
}

static int get(struct bench *b, uint64_t key)
{
	b->key = key;
	return ask(b, AT_B, SIM_GET, PORT_INFO, 0, NULL);
}

static uint64_t shown(const struct bench *b)
{
	ib_port_info_t info;

	memcpy(&info, b->got.smp.data, sizeof(info));
	return be64toh(info.m_key);
}

static void without_a_key_everything_is_allowed(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	port->info.mkey_lmc = 0xc0;
	b->key = WRONG;
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 0, NULL), SIM_OK);
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
	assert_int_equal(violations(port), 0);
}

static void levels_0_and_1_let_everybody_read(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	for (unsigned level = 0; level <= 1; level++) {
		guard(port, level, 0);
		assert_int_equal(get(b, WRONG), SIM_OK);
		assert_int_equal(shown(b), level ? 0 : KEY);
		assert_int_equal(get(b, KEY), SIM_OK);
		assert_int_equal(shown(b), KEY);
		assert_int_equal(violations(port), 0);
	}
}

static void levels_2_and_3_let_nobody_read_without_the_key(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	for (unsigned level = 2; level <= 3; level++) {
		guard(port, level, 0);
		assert_int_equal(get(b, WRONG), NO_ANSWER);
		b->key = 0;
		assert_int_equal(ask(b, AT_B, SIM_GET, NODE_INFO, 0, NULL), NO_ANSWER);
		assert_int_equal(violations(port), 2);
		assert_int_equal(get(b, KEY), SIM_OK);
		assert_int_equal(shown(b), KEY);
		assert_int_equal(violations(port), 2);
	}
}

static void set_and_repress_need_the_key_at_every_level(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	for (unsigned level = 0; level <= 3; level++) {
		guard(port, level, 0);
		b->key = WRONG;
		assert_int_equal(ask(b, AT_B, SIM_SET, PORT_INFO, 0, NULL), NO_ANSWER);
		assert_int_equal(ask(b, AT_B, SIM_TRAP_REPRESS, NOTICE, 0, NULL), NO_ANSWER);
		assert_int_equal(violations(port), 2);
		assert_int_equal(port->info.m_key, htobe64(KEY));
		b->key = KEY;
		assert_int_equal(ask(b, AT_B, SIM_SET, NODE_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
		assert_int_equal(violations(port), 2);
	}
}

static void other_methods_are_not_checked(void **state)
{
	struct bench *b = *state;

	guard(&b->b->ports[1], 3, 0);
	b->key = WRONG;
	assert_int_equal(ask(b, AT_B, 0x12, PORT_INFO, 0, NULL), SIM_BAD_METHOD);
	assert_int_equal(violations(&b->b->ports[1]), 0);
}

static void the_key_of_a_switch_is_that_of_port_0(void **state)
{
	struct bench *b = *state;

	guard(&b->sw->ports[0], 2, 0);
	b->key = WRONG;
	assert_int_equal(ask(b, AT_SWITCH, SIM_GET, PORT_INFO, 2, NULL), NO_ANSWER);
	assert_int_equal(violations(&b->sw->ports[0]), 1);
	b->key = KEY;
	assert_int_equal(ask(b, AT_SWITCH, SIM_GET, PORT_INFO, 2, NULL), SIM_OK);
	assert_int_equal(shown(b), 0);
	assert_int_equal(ask(b, AT_SWITCH, SIM_GET, PORT_INFO, 0, NULL), SIM_OK);
	assert_int_equal(shown(b), KEY);
	/* What passes through is none of its business. */
	b->key = WRONG;
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 0, NULL), SIM_OK);
}

static void another_port_of_a_ca_guards_itself_as_well(void **state)
{
	struct bench *b = *state;
	struct sim_port *in = &b->b->ports[1];
	struct sim_port *other = &b->b->ports[2];

	guard(other, 2, 0);
	b->key = WRONG;
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 2, NULL), NO_ANSWER);
	assert_int_equal(violations(in), 0);
	assert_int_equal(violations(other), 1);
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 1, NULL), SIM_OK);
	guard(in, 2, 0);
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 0x80000002, NULL), NO_ANSWER);
	assert_int_equal(violations(in), 1);
	assert_int_equal(violations(other), 2);
	b->key = KEY;
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 2, NULL), SIM_OK);
	/* Other attributes are about the node. */
	other->info.m_key = htobe64(KEY + 1);
	assert_int_equal(ask(b, AT_B, SIM_GET, 0x7777, 2, NULL), SIM_BAD_ATTRIBUTE);
	assert_int_equal(violations(other), 2);
}

static void violations_stay_at_their_maximum(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	guard(port, 2, 0);
	port->info.m_key_violations = htobe16(0xfffe);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(get(b, WRONG), NO_ANSWER);
	assert_int_equal(violations(port), 0xffff);
}

static void a_new_key_counts_from_the_next_smp_on(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_B, 0);

	info.m_key = htobe64(KEY);
	info.mkey_lmc = 0x40;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(shown(b), KEY); /* a Set shows what it has done */
	assert_int_equal(bench_set(b, AT_B, 0, &info), NO_ANSWER);
	b->key = KEY;
	info = bench_to_set(b, AT_B, 0);
	info.m_key = 0;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	b->key = 0;
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
}

static void a_lease_that_is_over_opens_reading_and_keeps_the_key(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	guard(port, 3, 10);
	port->info.mkey_lmc |= 2;
	assert_int_equal(get(b, WRONG), NO_ANSWER);
	loop_virtual_run_for(b->loop, 9 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), NO_ANSWER); /* does not begin it anew */
	loop_virtual_run_for(b->loop, LOOP_SEC);
	assert_int_equal(get(b, WRONG), SIM_OK);
	assert_int_equal(shown(b), KEY);
	assert_int_equal(port->info.mkey_lmc, 2);
	assert_int_equal(ask(b, AT_B, SIM_SET, PORT_INFO, 0, NULL), NO_ANSWER);
}

static void who_has_the_key_keeps_the_lease(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	guard(port, 2, 10);
	assert_int_equal(get(b, WRONG), NO_ANSWER);
	loop_virtual_run_for(b->loop, 9 * LOOP_SEC);
	assert_int_equal(get(b, KEY), SIM_OK);
	loop_virtual_run_for(b->loop, 9 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), NO_ANSWER); /* the next one begins here */
	loop_virtual_run_for(b->loop, 9 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), NO_ANSWER);
	loop_virtual_run_for(b->loop, LOOP_SEC);
	assert_int_equal(get(b, WRONG), SIM_OK);
}

static void what_is_not_refused_leaves_the_lease_alone(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	/* A violation by Set at level 1, then Gets without the key, which are allowed. */
	guard(port, 1, 10);
	b->key = WRONG;
	assert_int_equal(ask(b, AT_B, SIM_SET, PORT_INFO, 0, NULL), NO_ANSWER);
	loop_virtual_run_for(b->loop, 9 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), SIM_OK);
	assert_int_equal(shown(b), 0);
	loop_virtual_run_for(b->loop, LOOP_SEC);
	assert_int_equal(get(b, WRONG), SIM_OK);
	assert_int_equal(shown(b), KEY);
}

static void a_period_of_0_is_a_lease_for_ever(void **state)
{
	struct bench *b = *state;

	guard(&b->b->ports[1], 2, 0);
	assert_int_equal(get(b, WRONG), NO_ANSWER);
	loop_virtual_run_for(b->loop, 100000 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), NO_ANSWER);
}

static void a_lease_may_take_the_key_along(void **state)
{
	struct bench *b = *state;

	b->fabric->quirks.lease_clears_key = true;
	guard(&b->b->ports[1], 2, 10);
	assert_int_equal(get(b, WRONG), NO_ANSWER);
	loop_virtual_run_for(b->loop, 10 * LOOP_SEC);
	assert_int_equal(get(b, WRONG), SIM_OK);
	assert_int_equal(shown(b), 0);
}

static void power_takes_the_key_and_the_lease_unless_it_is_in_nvram(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	for (unsigned nvram = 0; nvram <= 1; nvram++) {
		guard(port, 2, 10);
		if (nvram)
			port->info.capability_mask |= IB_PORT_CAP_HAS_NV_MKEY;
		assert_int_equal(get(b, WRONG), NO_ANSWER);
		sim_power(b->b, false);
		sim_power(b->b, true);
		loop_virtual_run_for(b->loop, 10 * LOOP_SEC);
		assert_int_equal(get(b, WRONG), nvram ? NO_ANSWER : SIM_OK);
		assert_int_equal(be16toh(port->info.m_key_lease_period), nvram ? 10 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(without_a_key_everything_is_allowed),
		BENCH_TEST(levels_0_and_1_let_everybody_read),
		BENCH_TEST(levels_2_and_3_let_nobody_read_without_the_key),
		BENCH_TEST(set_and_repress_need_the_key_at_every_level),
		BENCH_TEST(other_methods_are_not_checked),
		BENCH_TEST(the_key_of_a_switch_is_that_of_port_0),
		BENCH_TEST(another_port_of_a_ca_guards_itself_as_well),
		BENCH_TEST(violations_stay_at_their_maximum),
		BENCH_TEST(a_new_key_counts_from_the_next_smp_on),
		BENCH_TEST(a_lease_that_is_over_opens_reading_and_keeps_the_key),
		BENCH_TEST(who_has_the_key_keeps_the_lease),
		BENCH_TEST(what_is_not_refused_leaves_the_lease_alone),
		BENCH_TEST(a_period_of_0_is_a_lease_for_ever),
		BENCH_TEST(a_lease_may_take_the_key_along),
		BENCH_TEST(power_takes_the_key_and_the_lease_unless_it_is_in_nvram),
	};

	return cmocka_run_group_tests_name("M_Keys", tests, NULL, NULL);
}
