/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Switches without multicast: trees go around them, and who cannot be come to that way is told of.
 */

#include "tests/scenario/scenario.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/scenario/alias-rig.h"
#include "tests/scenario/joiner.h"

enum { FULL = 1, DEFAULT = 0x7fff, LEAVE = 0x15 };

static uint64_t guid_of(struct sim_port *port)
{
	return sim_endpoint_guid(&(struct sim_endpoint){ port, 0 }, 0);
}

static void ask(struct scenario *s, struct sim_port *port, uint8_t method,
		const ib_member_rec_t *record, uint64_t mask)
{
	struct joiner j;

	joiner_open(&j, port);
	assert_true(joiner_send(&j, method, record, mask));
	scenario_run(s, 300 * LOOP_MSEC);
	assert_true(j.answered);
	assert_int_equal(j.status, 0);
	joiner_close(&j);
}

static void of_all(struct scenario *s, uint8_t method, uint64_t mask)
{
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		struct sim_port *port = &s->hosts[i]->ports[1];
		ib_member_rec_t record = joiner_broadcast(port, guid_of(port), DEFAULT, FULL);

		ask(s, port, method, &record, mask);
	}
}

static void join_all(struct scenario *s)
{
	of_all(s, SIM_SET, MCM_MASK_BROADCAST);
}

static void leave_all(struct scenario *s)
{
	of_all(s, LEAVE, MCM_MASK_LEAVE);
}

static void join_other(struct scenario *s, unsigned host, uint32_t group)
{
	struct sim_port *port = scenario_host(s, host);
	ib_member_rec_t record = joiner_other(port, guid_of(port), DEFAULT, group, FULL);

	ask(s, port, SIM_SET, &record, MCM_MASK_OTHER);
}

/* ---- around ------------------------------------------------------------------------------------
 */

static void trees_go_around_switches_without_multicast(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(6));
	/* A spine. */
	s->switches[7]->sw->info.mcast_cap = 0;
	scenario_start_sm(s);
	scenario_settle(s);
	join_all(s);
	scenario_expect_all_good(s);
	assert_string_equal(scenario_reason(s, &s->switches[7]->ports[0]), "no-multicast");
}

/* It comes when LIDs are in use that it has no room for. What it has not it is not asked. */
static void trees_go_around_a_switch_whose_table_is_too_small(void **state)
{
	struct scenario *s = *state;
	struct sim_node *spine;

	scenario_build(s, graph_make_ft2(6));
	spine = s->switches[7];
	spine->sw->info.mcast_cap = htobe16(64);
	scenario_power_off(s, spine);
	scenario_start_sm(s);
	scenario_settle(s);
	for (unsigned i = 1; i <= 100; i++)
		for (unsigned host = 1; host < s->n_hosts; host += s->n_hosts - 2)
			join_other(s, host, i);
	scenario_power_on(s, spine);
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_string_equal(scenario_reason(s, &spine->ports[0]), "no-multicast");
}

static unsigned top_of(const struct sim_node *sw)
{
	return be16toh(sw->sw->info.mcast_top);
}

/*
 * All but one of them know MulticastFDBTop, above which they send nothing. It is raised when a
 * group comes, where that leads, and no sweep has anything to write.
 */
static void tables_are_used_up_to_the_last_group(void **state)
{
	struct scenario *s = *state;
	const struct sim_node *leaf;

	scenario_build(s, graph_make_ft2(6));
	leaf = s->hosts[1]->ports[1].far->node;
	for (uint32_t i = 0; i < s->n_switches; i++) {
		s->switches[i]->sw->info.mcast_top = htobe16(MLID_FIRST - 1); /* of another */
		if (s->switches[i] != leaf)
			s->switches[i]->ports[0].info.capability_mask |= htobe32(1u << 30);
	}
	leaf->sw->info.mcast_top = 0;
	scenario_start_sm(s);
	scenario_settle(s);
	join_all(s);
	for (unsigned i = 1; i <= 100; i++)
		for (unsigned host = 1; host < s->n_hosts; host += s->n_hosts - 2)
			join_other(s, host, i);
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_int_equal(top_of(leaf), 0);
	leaf = s->hosts[s->n_hosts - 1]->ports[1].far->node;
	assert_in_range(top_of(leaf), MLID_FIRST + 100, MLID_FIRST + 127);
	scenario_reboot(s, s->hosts[s->n_hosts - 1]->ports[1].far->node);
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_in_range(top_of(leaf), MLID_FIRST + 100, MLID_FIRST + 127);
}

/* Beyond what it has now it is neither asked nor told, also of what it held before. */
static void a_switch_that_comes_back_with_a_smaller_table_is_left_out(void **state)
{
	struct scenario *s = *state;
	struct sim_node *spine;
	uint64_t sent;

	scenario_build(s, graph_make_ft2(6));
	spine = s->switches[7];
	scenario_start_sm(s);
	scenario_settle(s);
	for (unsigned i = 1; i <= 100; i++)
		for (unsigned host = 1; host < s->n_hosts; host += s->n_hosts - 2)
			join_other(s, host, i);
	scenario_settle(s);
	assert_string_equal(scenario_reason(s, &spine->ports[0]), "none");
	scenario_power_off(s, spine);
	scenario_settle(s);
	spine->sw->info.mcast_cap = htobe16(64);
	scenario_power_on(s, spine);
	scenario_settle(s);
	scenario_run(s, 30 * LOOP_SEC);
	sent = alias_count_smps(s, ATTR_MFT, 0);
	scenario_run(s, 3600 * LOOP_SEC);
	assert_int_equal(alias_count_smps(s, ATTR_MFT, 0), sent);
	scenario_expect_all_good(s);
	assert_string_equal(scenario_reason(s, &spine->ports[0]), "no-multicast");
}

static void a_switch_that_refuses_is_left_out_until_it_does_not(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	for (uint32_t i = 6; i < s->n_switches; i++)
		scenario_fault(s, "refuse \"%s\" mft set", s->switches[i]->name);
	join_all(s);
	scenario_settle(s);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 1800);
}

/* ---- there is no way around --------------------------------------------------------------------
 */

static const char *switch_reason(struct scenario *s, uint32_t n)
{
	return scenario_reason(s, &s->switches[n]->ports[0]);
}

/* What each member of the broadcast group is told, by the switch that it hangs on. */
static const char *obstacle_at(struct scenario *s, uint32_t n)
{
	const struct group *group = sm_groups(s->first.sm)->by_mgid[0];

	for (uint32_t i = 0; i < s->n_hosts; i++) {
		struct sim_port *port = &s->hosts[i]->ports[1];

		if (port->far->node == s->switches[n])
			return sm_group_obstacle(s->first.sm, group, guid_of(port));
	}
	return "nobody hangs there";
}

/* Also if nothing but groups has changed since the fabric came up. */
static void who_is_behind_a_switch_without_multicast_is_told_of(void **state)
{
	struct scenario *s = *state;
	unsigned n_events;

	scenario_build(s, graph_make_line(5, 2));
	s->switches[2]->sw->info.mcast_cap = 0;
	scenario_start_sm(s);
	scenario_settle(s);
	assert_string_equal(switch_reason(s, 2), "none");
	n_events = s->first.n_events[EVENT_PORT_REASON];
	join_all(s);
	for (uint32_t i = 0; i < 2; i++) {
		assert_string_equal(switch_reason(s, i), "none");
		assert_null(obstacle_at(s, i));
	}
	assert_string_equal(switch_reason(s, 2), "no-multicast");
	assert_string_equal(obstacle_at(s, 2), reason_sentence(REASON_NO_MULTICAST));
	for (uint32_t i = 3; i < 5; i++) {
		assert_string_equal(switch_reason(s, i), "no-multicast-way");
		assert_string_equal(obstacle_at(s, i), reason_sentence(REASON_NO_MULTICAST_WAY));
	}
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], n_events + 3);
	scenario_expect_all_good(s);
	leave_all(s);
	for (uint32_t i = 0; i < 5; i++)
		assert_string_equal(switch_reason(s, i), "none");
}

static struct sim_port *cable_of(struct scenario *s, uint32_t a, uint32_t b)
{
	for (unsigned p = 1; p <= s->switches[a]->n_ports; p++) {
		struct sim_port *port = &s->switches[a]->ports[p];

		if (port->far && port->far->node == s->switches[b])
			return port;
	}
	abort();
}

/* Unicast has left room for a tree around it: on all lanes it is the same fabric, but for that. */
static void of_a_ring_on_several_lanes_nobody_is_left_out(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ring(7, 2));
	s->switches[3]->sw->info.mcast_cap = 0;
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(scenario_status(&s->first).lanes, 2);
	join_all(s);
	for (uint32_t i = 0; i < 7; i++)
		assert_string_equal(switch_reason(s, i), i == 3 ? "no-multicast" : "none");
	scenario_expect_all_good(s);
}

/* It comes back as another, and routes are as they would have been. */
static void one_that_has_none_any_more_leaves_nobody_out(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ring(7, 2));
	scenario_start_sm(s);
	scenario_settle(s);
	join_all(s);
	for (uint32_t i = 1; i < 7; i++) {
		scenario_power_off(s, s->switches[i]);
		scenario_settle(s);
		s->switches[i]->sw->info.mcast_cap = 0;
		scenario_power_on(s, s->switches[i]);
		scenario_settle(s);
		for (uint32_t k = 0; k < 7; k++)
			assert_string_equal(switch_reason(s, k), i == k ? "no-multicast" : "none");
		scenario_expect_all_good(s);
		scenario_power_off(s, s->switches[i]);
		scenario_settle(s);
		s->switches[i]->sw->info.mcast_cap = htobe16(1024);
		scenario_power_on(s, s->switches[i]);
		scenario_settle(s);
		scenario_expect_all_good(s);
	}
}

static void nobody_is_behind_it_any_more_when_there_is_a_cable(void **state)
{
	struct scenario *s = *state;
	struct made_graph *made = graph_make_line(5, 2);
	struct sim_port *port;

	graph_add_cable(made, 1, 3);
	scenario_build(s, made);
	s->switches[2]->sw->info.mcast_cap = 0;
	port = cable_of(s, 1, 3);
	scenario_pull(s, port);
	scenario_start_sm(s);
	scenario_settle(s);
	join_all(s);
	assert_string_equal(switch_reason(s, 4), "no-multicast-way");
	scenario_plug(s, port);
	scenario_settle(s);
	assert_string_equal(switch_reason(s, 4), "none");
	scenario_expect_all_good(s);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

#define LANES_TEST(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, scenario_set_up_lanes, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trees_go_around_switches_without_multicast),
		TEST(trees_go_around_a_switch_whose_table_is_too_small),
		TEST(tables_are_used_up_to_the_last_group),
		TEST(a_switch_that_comes_back_with_a_smaller_table_is_left_out),
		TEST(a_switch_that_refuses_is_left_out_until_it_does_not),
		TEST(who_is_behind_a_switch_without_multicast_is_told_of),
		LANES_TEST(of_a_ring_on_several_lanes_nobody_is_left_out),
		LANES_TEST(one_that_has_none_any_more_leaves_nobody_out),
		TEST(nobody_is_behind_it_any_more_when_there_is_a_cable),
	};

	return cmocka_run_group_tests_name("mute", tests, NULL, NULL);
}
