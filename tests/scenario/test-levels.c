/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast groups on service levels of their own beside routes that use several virtual lanes:
 * none of them has a level on which packets could wait for each other in a circle (the judge is
 * sim_check_credits(), at each look), members are told which it is, and told to join again when it
 * is another.
 */

#include "tests/scenario/joiner.h"
#include "tests/scenario/scenario.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast.h"

enum {
	FULL = 1,
	DEFAULT = 0x7fff,
	OK = 0,
	REQ_INVALID = 0x0200,
	MAKE = 0x130c7, /* all that a group has to have, and no more */
	BUT_SL = MAKE & ~(1 << 12),
	LEVELS = 16,
};

static unsigned lanes(const struct scenario *s)
{
	return scenario_status(&s->first).lanes;
}

/* Group @number, as @port would have it on service level @sl. */
static ib_member_rec_t record_of(struct sim_port *port, uint32_t number, unsigned sl)
{
	uint64_t guid = sim_endpoint_guid(&(struct sim_endpoint){ port, 0 }, 0);
	ib_member_rec_t record = joiner_other(port, guid, DEFAULT, number, FULL);

	record.mgid.raw[2] = 0x12;
	record.mgid.raw[3] = 0x34;
	record.sl_flow_hop = htobe32(sl << 28);
	return record;
}

/* The status; *@ret_sl: the level that it is told. */
static int ask(struct scenario *s, struct sim_port *port, uint8_t method,
	       const ib_member_rec_t *record, uint64_t mask, unsigned *ret_sl)
{
	struct joiner j;
	int status = -1;

	joiner_open(&j, port);
	assert_true(joiner_send(&j, method, record, mask));
	scenario_run(s, 100 * LOOP_MSEC);
	if (j.answered)
		status = j.status;
	*ret_sl = be32toh(j.answer.sl_flow_hop) >> 28;
	joiner_close(&j);
	return status;
}

static unsigned join(struct scenario *s, struct sim_port *port, uint32_t number, unsigned sl,
		     uint64_t mask)
{
	ib_member_rec_t record = record_of(port, number, sl);
	unsigned told;

	assert_int_equal(ask(s, port, SIM_SET, &record, mask, &told), OK);
	return told;
}

/* One of each level, of which every host is member. */
static void join_all_levels(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_hosts; i++)
		for (unsigned sl = 0; sl < LEVELS; sl++)
			join(s, scenario_host(s, i), sl, sl, MAKE);
}

static const struct group *group(struct scenario *s, uint32_t number)
{
	ib_member_rec_t record = record_of(scenario_host(s, 0), number, 0);

	return group_find(sm_groups(s->first.sm), record.mgid.raw);
}

static void count_tellings(void *user, const struct datagram *datagram)
{
	unsigned *n = user;

	*n += wire_get(datagram, MAD_ATTR) == ATTR_PORT_INFO &&
	      wire_get(datagram, MAD_METHOD) == METHOD_SET &&
	      wire_get(smp_data_in(datagram), PORT_INFO_REREGISTER);
}

/* ---- no circle ----------------------------------------------------------------------------------
 */

static void groups_of_all_levels_wait_in_no_circle(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	assert_int_equal(lanes(s), 4);
	join_all_levels(s);
	scenario_is_good_again(s);
	for (unsigned i = 0; i < 6; i++) {
		struct sim_port *link = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

		if (!link->far->node->sw)
			continue;
		scenario_pull(s, link);
		scenario_is_good_again(s);
		scenario_plug(s, link);
		scenario_is_good_again(s);
	}
	assert_int_equal(s->first.n_events[EVENT_NO_ROUTES], 0);
}

static void nor_where_all_lanes_are_used(void **state)
{
	struct scenario *s = *state;

	scenario_allow_lanes(s, 2);
	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	assert_int_equal(lanes(s), 2);
	join_all_levels(s);
	scenario_is_good_again(s);
	scenario_reboot(s, s->switches[12]);
	scenario_is_good_again(s);
}

static void nor_on_a_fabric_without_a_shape(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_random(20, 4, 1, 3));
	assert_true(lanes(s) > 1);
	join_all_levels(s);
	scenario_is_good_again(s);
	scenario_power_off(s, s->switches[7]);
	scenario_is_good_again(s);
	scenario_power_on(s, s->switches[7]);
	scenario_is_good_again(s);
}

/* ---- what is told -------------------------------------------------------------------------------
 */

static void a_level_that_routes_need_is_not_to_be_had(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;
	ib_member_rec_t record;
	unsigned sl;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	first = scenario_host(s, 0);
	second = scenario_host(s, 1);
	/* Four of eight lanes are for routes, on the first of which is room. */
	for (sl = 0; sl < LEVELS; sl++)
		assert_int_equal(join(s, first, sl, sl, MAKE), sl % 8 == 0 || sl % 8 > 3 ? sl : 0);
	/* Who joins says nothing, or what was asked for, or what was told. */
	assert_int_equal(join(s, second, 3, 0, BUT_SL), 0);
	assert_int_equal(join(s, second, 3, 3, MAKE), 0);
	assert_int_equal(join(s, second, 3, 0, MAKE), 0);
	record = record_of(second, 3, 5);
	assert_int_equal(ask(s, second, SIM_SET, &record, MAKE, &sl), REQ_INVALID);
	record = record_of(second, 5, 0);
	assert_int_equal(ask(s, second, SIM_SET, &record, MAKE, &sl), REQ_INVALID);
}

static void with_one_lane_a_group_has_the_level_that_is_asked_for(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned sl = 0; sl < LEVELS; sl++)
		assert_int_equal(join(s, scenario_host(s, 0), sl, sl, MAKE), sl);
}

/* ---- levels that change -------------------------------------------------------------------------
 */

static void set_lanes(struct scenario *s, unsigned n)
{
	s->first.conf.lanes = n;
	scenario_apply_partitions(s);
	scenario_settle(s);
}

static void members_are_told_to_join_again_when_their_level_changes(void **state)
{
	struct scenario *s = *state;
	unsigned n = 0;

	s->first.conf.lanes = 1;
	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	assert_int_equal(lanes(s), 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(join(s, scenario_host(s, i), 1, 3, MAKE), 3);
	assert_int_equal(join(s, scenario_host(s, 7), 2, 0, MAKE), 0);
	scenario_settle(s);
	transport_sim_watch(s->first.transport, count_tellings, &n);

	/* Three hosts are: of these the group has another level, and of nobody else. */
	set_lanes(s, 8);
	assert_int_equal(lanes(s), 4);
	assert_int_equal(n, 3);
	assert_int_equal(group(s, 1)->sl, 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(join(s, scenario_host(s, i), 1, 0, BUT_SL), 0);
	scenario_expect_all_good(s);

	set_lanes(s, 1);
	assert_int_equal(n, 6);
	assert_int_equal(group(s, 1)->sl, 3);
	scenario_expect_all_good(s);
}

static void a_restart_tells_nobody(void **state)
{
	struct scenario *s = *state;
	unsigned n = 0;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(join(s, scenario_host(s, i), 1, 3, MAKE), 0);
	scenario_settle(s);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	transport_sim_watch(s->first.transport, count_tellings, &n);
	scenario_is_good_again(s);
	assert_int_equal(n, 0);
	assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
	assert_int_equal(group(s, 1)->n, 3);
	assert_int_equal(group(s, 1)->sl, 0);
	/* What was asked for is known still. */
	set_lanes(s, 1);
	assert_int_equal(group(s, 1)->sl, 3);
	assert_int_equal(n, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up_lanes, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(groups_of_all_levels_wait_in_no_circle),
		TEST(nor_where_all_lanes_are_used),
		TEST(nor_on_a_fabric_without_a_shape),
		TEST(a_level_that_routes_need_is_not_to_be_had),
		TEST(with_one_lane_a_group_has_the_level_that_is_asked_for),
		TEST(members_are_told_to_join_again_when_their_level_changes),
		TEST(a_restart_tells_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
