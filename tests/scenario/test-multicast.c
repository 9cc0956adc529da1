/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast from the first join to the last leave: groups, trees in the switches, and what befalls
 * them. Whether packets of members reach all other members, and only these, each invariant looks at
 * (invariants-multicast.c), and at each write whether one goes in a circle.
 */

#include "tests/scenario/scenario.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast-inside.h"
#include "tests/scenario/alias-rig.h"
#include "tests/scenario/joiner.h"
#include "tests/sim/tables.h"

enum { FULL = 1, NON = 2, SEND_ONLY_FULL = 8, DEFAULT = 0x7fff, OK = 0, REQ_INVALID = 0x0200 };

/* ---- helpers ------------------------------------------------------------------------------------
 */

static uint64_t guid_of(struct sim_port *port, uint16_t vf)
{
	return sim_endpoint_guid(&(struct sim_endpoint){ port, vf }, 0);
}

/* The status, or -1 without an answer. */
static int ask(struct scenario *s, struct sim_port *port, uint8_t method,
	       const ib_member_rec_t *record, uint64_t mask, ib_member_rec_t *ret)
{
	struct joiner j;
	int status = -1;

	joiner_open(&j, port);
	assert_true(joiner_send(&j, method, record, mask));
	scenario_run(s, 300 * LOOP_MSEC);
	if (j.answered)
		status = j.status;
	if (ret)
		*ret = j.answer;
	joiner_close(&j);
	return status;
}

static int join_as(struct scenario *s, struct sim_port *port, uint64_t guid, uint8_t states)
{
	ib_member_rec_t record = joiner_broadcast(port, guid, DEFAULT, states);

	return ask(s, port, SIM_SET, &record, MCM_MASK_BROADCAST, NULL);
}

static int join(struct scenario *s, struct sim_port *port)
{
	return join_as(s, port, guid_of(port, 0), FULL);
}

static int leave(struct scenario *s, struct sim_port *port, uint8_t states)
{
	ib_member_rec_t record = joiner_broadcast(port, guid_of(port, 0), DEFAULT, states);

	return ask(s, port, 0x15, &record, MCM_MASK_LEAVE, NULL);
}

static void join_all(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_hosts; i++)
		assert_int_equal(join(s, &s->hosts[i]->ports[1]), OK);
}

static uint32_t n_members(const struct scenario *s)
{
	return sm_groups(s->first.sm)->n_members;
}

static uint64_t n_sets(const struct scenario *s)
{
	return transport_sim_counts(s->first.transport)->sets;
}

static bool is_table_empty(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_switches; i++)
		for (unsigned port = 0; port <= s->switches[i]->n_ports; port++)
			if (sim_mft_has(s->switches[i], MLID_FIRST, port))
				return false;
	return true;
}

/* ---- joining and leaving ------------------------------------------------------------------------
 */

static void hosts_join_and_reach_each_other(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	scenario_settle(s);
	assert_int_equal(n_members(s), s->n_hosts);
	scenario_expect_all_good(s);
	assert_true(s->n_watched_multicast > 0);
}

/* There is room for them on lane 0, and nobody has to be warned. */
static void members_on_a_torus_share_a_lane_with_unicast(void **state)
{
	struct scenario *s = *state;

	scenario_allow_lanes(s, 8);
	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	assert_true(scenario_status(&s->first).lanes > 1);
	join_all(s);
	scenario_settle(s);
	scenario_expect_all_good(s);
	scenario_pull(s, scenario_link(s, 30));
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_int_equal(s->first.n_events[EVENT_NO_ROUTES], 0);
}

static void a_member_alone_takes_no_table(void **state)
{
	struct scenario *s = *state;
	uint64_t sets;

	scenario_comes_up(s, graph_make_ft2(6));
	sets = n_sets(s);
	assert_int_equal(join(s, scenario_host(s, 3)), OK);
	assert_int_equal(n_sets(s), sets);
	assert_int_equal(join(s, scenario_host(s, 4)), OK);
	assert_true(n_sets(s) > sets);
	scenario_expect_all_good(s);
}

static void a_join_writes_only_what_changes(void **state)
{
	struct scenario *s = *state;
	uint64_t sets;

	scenario_comes_up(s, graph_make_ft2(6));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(join(s, scenario_host(s, 3 * i)), OK);
	sets = n_sets(s);
	/* At a leaf that has a member: its table. */
	assert_int_equal(join(s, scenario_host(s, 1)), OK);
	assert_int_equal(n_sets(s) - sets, 1);
	sets = n_sets(s);
	/* At one that has none: the spine's, too. */
	assert_int_equal(join(s, scenario_host(s, 15)), OK);
	assert_int_equal(n_sets(s) - sets, 2);
	sets = n_sets(s);
	/* Once more, as after a bounce of the link. */
	assert_int_equal(join(s, scenario_host(s, 15)), OK);
	assert_int_equal(n_sets(s) - sets, 0);
	scenario_expect_all_good(s);
}

static void when_all_have_left_tables_are_empty(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		assert_int_equal(leave(s, &s->hosts[i]->ports[1], FULL), OK);
		if (i % 5 == 0)
			scenario_expect_all_good(s);
	}
	assert_int_equal(leave(s, &s->hosts[0]->ports[1], FULL), REQ_INVALID);
	assert_int_equal(n_members(s), 0);
	scenario_settle(s);
	assert_true(is_table_empty(s));
	scenario_expect_all_good(s);
}

static void who_only_sends_gets_nothing(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_comes_up(s, graph_make_ft2(6));
	port = scenario_host(s, 17);
	assert_int_equal(join(s, scenario_host(s, 0)), OK);
	assert_int_equal(join(s, scenario_host(s, 8)), OK);
	assert_int_equal(join_as(s, port, guid_of(port, 0), SEND_ONLY_FULL), OK);
	scenario_expect_all_good(s);
	assert_false(sim_mft_has(port->far->node, MLID_FIRST, port->far->number));
	/* And as a full member it does. */
	assert_int_equal(join(s, port), OK);
	scenario_expect_all_good(s);
	assert_true(sim_mft_has(port->far->node, MLID_FIRST, port->far->number));
}

/* What IPoIB asks for, with the parameters of the broadcast group. */
static void groups_are_made_by_who_joins_first(void **state)
{
	struct scenario *s = *state;
	ib_member_rec_t answer;

	scenario_comes_up(s, graph_make_ft2(6));
	for (unsigned i = 0; i < 12; i++) {
		struct sim_port *port = scenario_host(s, i);
		uint64_t guid = guid_of(port, 0);
		ib_member_rec_t record = joiner_other(port, guid, DEFAULT, 1 + i % 4, FULL);

		assert_int_equal(ask(s, port, SIM_SET, &record, MCM_MASK_OTHER, &answer), OK);
		assert_int_equal(be16toh(answer.mlid), MLID_FIRST + 1 + i % 4);
		assert_int_equal(answer.scope_state & 0xf, FULL);
	}
	assert_int_equal(sm_groups(s->first.sm)->n, 5);
	scenario_expect_all_good(s);
}

/* ---- what befalls the fabric --------------------------------------------------------------------
 */

static void trees_follow_cables(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	for (unsigned i = 0; i < 10; i++) {
		struct sim_port *link = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

		if (link->cut)
			scenario_plug(s, link);
		else
			scenario_pull(s, link);
		scenario_settle(s);
		scenario_expect_all_good(s);
	}
}

static void trees_of_rings_change_without_a_circle(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ring(7, 2));
	join_all(s);
	scenario_expect_all_good(s);
	for (unsigned i = 0; i < 20; i++) {
		struct sim_port *link = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

		if (link->cut)
			scenario_plug(s, link);
		else
			scenario_pull(s, link);
		scenario_run(s, scenario_random(s, LOOP_SEC));
	}
	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i]->cut)
			scenario_plug(s, s->links[i]);
	scenario_settle(s);
	scenario_expect_good_within(s, 1800);
}

/* Nobody answers through it, and it carries packets as before. */
static void a_restart_beside_a_cable_not_seen_makes_no_circle(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ring(6, 2));
	join_all(s);
	for (uint32_t i = 0; i < s->n_switches; i++) {
		scenario_settle(s);
		scenario_expect_good_within(s, 1800);
		scenario_kill_sm(s);
		scenario_fault(s, "loss \"%s\"[1] 100%%", s->switches[i]->name);
		scenario_start_sm(s);
		scenario_run(s, 10 * LOOP_SEC);
		scenario_clear_faults(s);
	}
	scenario_settle(s);
	scenario_expect_good_within(s, 1800);
}

/* One between two switches. */
static struct sim_port *cable_of_ring(struct scenario *s)
{
	uint32_t n = 0;

	while (!s->links[n]->far->node->sw)
		n++;

	return s->links[n];
}

/*
 * The first one's tree goes all around but for the cable that was out, and the routes of the second
 * go through that again: together they would be a circle, if anybody sent to the group. Nobody
 * does: who has not joined again after having been told is no member. Who does has a tree that goes
 * together with the routes.
 */
static void a_second_master_mends_tables_of_the_first_once_somebody_joins(void **state)
{
	struct scenario *s = *state;
	struct sim_port *link;

	scenario_build(s, graph_make_ring(6, 2));
	link = cable_of_ring(s);
	scenario_pull(s, link);
	scenario_start_sm(s);
	scenario_settle(s);
	join_all(s);
	scenario_settle(s);
	scenario_start_rival(s, scenario_host(s, 1), 2);
	scenario_settle(s);
	assert_ptr_equal(scenario_master(s), &s->rival);
	scenario_plug(s, link);
	scenario_settle(s);
	assert_int_equal(sm_groups(s->rival.sm)->n_members, 0);
	assert_false(is_table_empty(s));
	scenario_expect_all_good(s);

	join_all(s);
	scenario_settle(s);
	assert_int_equal(sm_groups(s->rival.sm)->n_members, s->n_hosts);
	scenario_expect_all_good(s);
}

/* Before a tree is planned for it. */
static void join_and_leave(struct scenario *s, struct sim_port *port)
{
	ib_member_rec_t record = joiner_broadcast(port, guid_of(port, 0), DEFAULT, FULL);
	struct joiner joins, leaves;

	joiner_open(&joins, port);
	joiner_open(&leaves, port);
	assert_true(joiner_send(&joins, SIM_SET, &record, MCM_MASK_BROADCAST));
	assert_true(joiner_send(&leaves, 0x15, &record, MCM_MASK_LEAVE));
	scenario_run(s, 300 * LOOP_MSEC);
	assert_true(joins.answered && leaves.answered);
	assert_int_equal(joins.status, OK);
	assert_int_equal(leaves.status, OK);
	joiner_close(&joins);
	joiner_close(&leaves);
}

/* Of whom nobody else is member any more: not even if somebody came and went in between. */
static void a_second_master_empties_tables_of_the_first_for_who_is_alone(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	scenario_settle(s);
	scenario_start_rival(s, scenario_host(s, 1), 2);
	scenario_settle(s);
	assert_ptr_equal(scenario_master(s), &s->rival);
	join_and_leave(s, scenario_host(s, 5));
	assert_int_equal(sm_groups(s->rival.sm)->n_members, 0);
	scenario_settle(s);
	assert_int_equal(join(s, scenario_host(s, 0)), OK);
	scenario_settle(s);
	assert_true(is_table_empty(s));
	scenario_expect_all_good(s);
}

static void switches_that_reboot_have_their_tables_again(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	for (uint32_t i = 0; i < s->n_switches; i++) {
		scenario_reboot(s, s->switches[i]);
		scenario_settle(s);
		scenario_expect_good_within(s, 60);
	}
}

static void a_restart_writes_nothing_and_forgets_nobody(void **state)
{
	struct scenario *s = *state;
	uint32_t n;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	scenario_settle(s);
	n = n_members(s);
	scenario_kill_sm(s);
	scenario_run(s, LOOP_SEC);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(n_members(s), n);
	assert_int_equal(n_sets(s), 0);
	scenario_expect_all_good(s);
}

static void a_host_that_is_gone_for_long_has_left(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	scenario_pull(s, scenario_host(s, 7));
	scenario_settle(s);
	assert_int_equal(n_members(s), s->n_hosts);
	scenario_plug(s, scenario_host(s, 7));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(n_members(s), s->n_hosts);
	scenario_pull(s, scenario_host(s, 7));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(n_members(s), s->n_hosts - 1);
	scenario_expect_all_good(s);
}

/* It is not they who are gone. */
static void who_is_cut_off_ends_no_membership(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	for (unsigned i = 0; i < 2; i++) {
		scenario_pull(s, s->first.port);
		scenario_run(s, 300 * LOOP_SEC);
		scenario_plug(s, s->first.port);
		scenario_run(s, 100 * LOOP_SEC);
		assert_int_equal(n_members(s), s->n_hosts);
	}
	scenario_expect_all_good(s);
}

static void count_told(void *user, struct sim_port *port)
{
	unsigned *told = user;

	(void)port;
	++*told;
}

/* Its own link was up all the time, so it does not know. */
static void a_host_that_has_left_like_that_is_told_to_join_again(void **state)
{
	struct scenario *s = *state;
	unsigned told = 0;

	scenario_comes_up(s, graph_make_line(2, 3));
	join_all(s);
	s->fabric->on_reregister = count_told;
	s->fabric->on_reregister_user = &told;
	scenario_pull(s, scenario_link(s, 0));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(n_members(s), 3);
	scenario_plug(s, scenario_link(s, 0));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(told, 3);
	join_all(s);
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(n_members(s), 6);
	assert_int_equal(told, 3);
	scenario_expect_all_good(s);
}

/* Nor of the other subnet manager that was master meanwhile, with whom all the others registered.
 */
static void nor_does_it_know_of_another_master(void **state)
{
	struct scenario *s = *state;
	unsigned told = 0;

	scenario_comes_up(s, graph_make_line(2, 3));
	scenario_pull(s, scenario_link(s, 0));
	scenario_start_rival(s, scenario_host(s, 1), 15);
	scenario_run(s, 30 * LOOP_SEC);
	scenario_kill_rival(s);
	scenario_run(s, 60 * LOOP_SEC);
	assert_int_equal(scenario_status(&s->first).state, SM_MASTER);
	s->fabric->on_reregister = count_told;
	s->fabric->on_reregister_user = &told;
	scenario_plug(s, scenario_link(s, 0));
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(told, 3);
	scenario_expect_all_good(s);
}

static void join_other(struct scenario *s, unsigned host, uint32_t group)
{
	struct sim_port *port = scenario_host(s, host);
	ib_member_rec_t record = joiner_other(port, guid_of(port, 0), DEFAULT, group, FULL);

	assert_int_equal(ask(s, port, SIM_SET, &record, MCM_MASK_OTHER, NULL), OK);
}

/* Sweeps may be minutes apart, and one that was away may have come in the last. */
static void who_is_back_has_not_left(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t guid;

	scenario_build(s, graph_make_ft2(6));
	s->first.conf.sweep_interval = 0;
	scenario_start_sm(s);
	scenario_run(s, 5 * LOOP_SEC);
	port = scenario_host(s, 3);
	guid = guid_of(port, 0);
	join_other(s, 3, 55);
	join_other(s, 4, 55);
	for (unsigned away = 114; away <= 600; away += 243) {
		scenario_pull(s, port);
		scenario_run(s, away * LOOP_SEC);
		scenario_plug(s, port);
		scenario_run(s, 3 * LOOP_SEC);
		join_other(s, 3, 55);
		scenario_run(s, 30 * LOOP_SEC);
		assert_int_equal(n_members(s), 2);
	}
	assert_true(group_holder_find(sm_groups(s->first.sm), guid)->n == 1);
}

/* Two in each group and all in one: groups end while others are left. */
static void hosts_that_are_gone_leave_together(void **state)
{
	enum { HOSTS = 10, GONE = 5 };
	struct scenario *s = *state;
	unsigned n_events;

	scenario_comes_up(s, graph_make_ft2(6));
	for (unsigned i = 1; i <= HOSTS; i++) {
		assert_int_equal(join(s, scenario_host(s, i)), OK);
		join_other(s, i, 100 + i);
		join_other(s, i, 100 + i % HOSTS + 1);
	}
	assert_int_equal(sm_groups(s->first.sm)->n, 1 + HOSTS);
	assert_int_equal(n_members(s), 3 * HOSTS);
	n_events = s->first.n_events[EVENT_GROUP];
	for (unsigned i = 3; i < 3 + GONE; i++)
		scenario_pull(s, scenario_host(s, i));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(sm_groups(s->first.sm)->n, 1 + HOSTS - (GONE - 1));
	assert_int_equal(n_members(s), 3 * (HOSTS - GONE));
	assert_int_equal(s->first.n_events[EVENT_GROUP] - n_events, GONE + GONE - 1);
	scenario_expect_all_good(s);
}

static void a_host_that_reboots_is_member_of_what_it_joins_again(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_comes_up(s, graph_make_ft2(6));
	join_all(s);
	port = scenario_host(s, 7);
	scenario_reboot(s, port->node);
	scenario_settle(s);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(n_members(s), s->n_hosts);
	assert_int_equal(join(s, port), OK);
	scenario_run(s, 120 * LOOP_SEC);
	assert_int_equal(n_members(s), s->n_hosts);
	scenario_reboot(s, port->node);
	scenario_run(s, 120 * LOOP_SEC);
	assert_int_equal(n_members(s), s->n_hosts - 1);
	scenario_expect_all_good(s);
}

static void lost_packets_delay_and_change_nothing(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(6));
	for (uint32_t i = 0; i < s->n_links; i++)
		scenario_fault(s, "loss \"%s\"[%u] 10%%", s->links[i]->node->name,
			       s->links[i]->number);
	for (unsigned i = 0; i < 40; i++)
		join(s, scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts)));
	scenario_clear_faults(s);
	scenario_settle(s);
	scenario_expect_good_within(s, 1800);
}

/* ---- virtual functions and partitions -----------------------------------------------------------
 */

static void vports_join_and_move(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf, *other;

	scenario_build(s, graph_make_ft2(6));
	scenario_add_vports(s, scenario_host(s, 3), 2, true, false);
	scenario_add_vports(s, scenario_host(s, 12), 2, false, false);
	pf = scenario_host(s, 3);
	other = scenario_host(s, 12);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(join(s, scenario_host(s, 0)), OK);
	assert_int_equal(join(s, scenario_host(s, 17)), OK);
	assert_int_equal(join_as(s, pf, guid_of(pf, 1), FULL), OK);
	scenario_settle(s);
	assert_true(sim_mft_has(pf->far->node, MLID_FIRST, pf->far->number));
	scenario_move_vport(s, pf, 1, other, 2);
	scenario_settle(s);
	assert_true(sim_mft_has(other->far->node, MLID_FIRST, other->far->number));
	assert_false(sim_mft_has(pf->far->node, MLID_FIRST, pf->far->number));
	scenario_expect_all_good(s);
}

/* What a VF of a shared port sees of its port's keys is between it and its driver. */
static void what_a_vf_is_member_of_its_port_gets(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf, *shared;
	uint64_t guid;

	scenario_build(s, graph_make_ft2(4));
	pf = scenario_host(s, 2);
	shared = scenario_host(s, 3);
	scenario_add_vports(s, pf, 1, true, false);
	scenario_add_shared(s, shared, 1, true, true);
	guid = guid_of(pf, 1);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_map_key(s, shared, 1, 0, SIM_PKEY_INDEX_NONE);
	assert_int_equal(join(s, scenario_host(s, 0)), OK);
	assert_int_equal(join_as(s, pf, guid, FULL), OK);
	scenario_set_vport_guid(s, pf, 1, 0);
	scenario_settle(s);
	scenario_ask_guid(s, shared, 1, guid);
	scenario_run(s, LOOP_SEC);
	assert_true(sim_guid_at(shared, 1) == guid);
	scenario_settle(s);
	assert_true(sim_mft_has(shared->far->node, MLID_FIRST, shared->far->number));
	scenario_expect_all_good(s);
}

/* Until no more is made; how many groups there are then. */
static uint32_t make_groups(struct scenario *s, struct sim_port *port, uint16_t vf)
{
	const struct group_book *book = sm_groups(s->first.sm);
	struct joiner j;
	uint32_t before;

	joiner_open(&j, port);
	do {
		ib_member_rec_t record =
			joiner_other(port, guid_of(port, vf), DEFAULT, 1 + book->n, FULL);

		before = book->n;
		assert_true(joiner_send(&j, SIM_SET, &record, MCM_MASK_OTHER));
		scenario_run(s, 5 * LOOP_MSEC);
	} while (book->n > before);
	joiner_close(&j);
	return before;
}

static void a_port_with_many_vports_does_not_make_all_the_groups_there_may_be(void **state)
{
	enum { VPORTS = GROUPS_OF_PORT / GROUPS_OF_MAX + 1 };
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 3);
	scenario_add_vports(s, port, VPORTS, true, false);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(make_groups(s, port, 1), 1 + GROUPS_OF_MAX);
	for (uint16_t vf = 2; vf <= VPORTS; vf++)
		make_groups(s, port, vf);
	assert_int_equal(sm_groups(s->first.sm)->n, 1 + GROUPS_OF_PORT);
	assert_int_equal(make_groups(s, scenario_host(s, 2), 0),
			 1 + GROUPS_OF_PORT + GROUPS_OF_MAX);
}

static void who_leaves_the_partition_gets_nothing(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	ib_member_rec_t record;
	uint64_t guid;

	scenario_comes_up(s, graph_make_ft2(6));
	for (unsigned i = 0; i < 6; i++)
		scenario_add(s, scenario_host(s, 3 * i), 0x123, true);
	scenario_settle(s);
	for (unsigned i = 0; i < 6; i++) {
		port = scenario_host(s, 3 * i);
		guid = guid_of(port, 0);
		record = joiner_other(port, guid, 0x123, 0xffffffff, FULL);
		assert_int_equal(ask(s, port, SIM_SET, &record, MCM_MASK_OTHER, NULL), OK);
	}
	/* Nobody else. */
	port = scenario_host(s, 1);
	record = joiner_other(port, guid_of(port, 0), 0x123, 0xffffffff, FULL);
	assert_int_equal(ask(s, port, SIM_SET, &record, MCM_MASK_OTHER, NULL), REQ_INVALID);
	scenario_expect_all_good(s);
	port = scenario_host(s, 9);
	assert_true(sim_mft_has(port->far->node, MLID_FIRST + 1, port->far->number));
	scenario_remove(s, port, 0x123);
	scenario_settle(s);
	assert_false(sim_mft_has(port->far->node, MLID_FIRST + 1, port->far->number));
	scenario_expect_all_good(s);
	scenario_add(s, port, 0x123, true);
	scenario_settle(s);
	assert_true(sim_mft_has(port->far->node, MLID_FIRST + 1, port->far->number));
	scenario_expect_all_good(s);
}

/*
 * The reconcile that plans keys anew has to wait, as one has just been, and trees are planned
 * meanwhile for another reason: by the keys of before, but not for good.
 */
static void whatever_else_happens_who_leaves_the_partition_gets_nothing(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	ib_member_rec_t record;
	struct sm *sm;

	scenario_build(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 4; i++)
		scenario_join(s, scenario_host(s, 1 + i), 0x123, true);
	scenario_start_sm(s);
	scenario_settle(s);
	for (unsigned i = 0; i < 4; i++) {
		port = scenario_host(s, 1 + i);
		record = joiner_other(port, guid_of(port, 0), 0x123, 0xffffffff, FULL);
		assert_int_equal(ask(s, port, SIM_SET, &record, MCM_MASK_OTHER, NULL), OK);
	}
	for (unsigned i = 0; i < 3; i++) { /* until routes are in use for good */
		scenario_apply_partitions(s);
		scenario_settle(s);
	}
	assert_true(sim_mft_has(port->far->node, MLID_FIRST + 1, port->far->number));
	sm = scenario_master(s)->sm;
	sm->next_sweep_from = loop_now(sm->loop) + LOOP_SEC / 10;
	scenario_leave(s, 3);
	scenario_apply_partitions(s);
	multicast_touch(sm, MLID_FIRST);
	scenario_settle(s);
	assert_false(sim_mft_has(port->far->node, MLID_FIRST + 1, port->far->number));
	scenario_expect_all_good(s);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hosts_join_and_reach_each_other),
		TEST(members_on_a_torus_share_a_lane_with_unicast),
		TEST(a_member_alone_takes_no_table),
		TEST(a_join_writes_only_what_changes),
		TEST(when_all_have_left_tables_are_empty),
		TEST(who_only_sends_gets_nothing),
		TEST(groups_are_made_by_who_joins_first),
		TEST(trees_follow_cables),
		TEST(trees_of_rings_change_without_a_circle),
		TEST(a_restart_beside_a_cable_not_seen_makes_no_circle),
		TEST(a_second_master_mends_tables_of_the_first_once_somebody_joins),
		TEST(a_second_master_empties_tables_of_the_first_for_who_is_alone),
		TEST(switches_that_reboot_have_their_tables_again),
		TEST(a_restart_writes_nothing_and_forgets_nobody),
		TEST(a_host_that_is_gone_for_long_has_left),
		TEST(who_is_cut_off_ends_no_membership),
		TEST(a_host_that_has_left_like_that_is_told_to_join_again),
		TEST(nor_does_it_know_of_another_master),
		TEST(who_is_back_has_not_left),
		TEST(hosts_that_are_gone_leave_together),
		TEST(a_host_that_reboots_is_member_of_what_it_joins_again),
		TEST(lost_packets_delay_and_change_nothing),
		TEST(vports_join_and_move),
		TEST(what_a_vf_is_member_of_its_port_gets),
		TEST(a_port_with_many_vports_does_not_make_all_the_groups_there_may_be),
		TEST(who_leaves_the_partition_gets_nothing),
		TEST(whatever_else_happens_who_leaves_the_partition_gets_nothing),
	};

	return cmocka_run_group_tests_name("multicast", tests, NULL, NULL);
}
