/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of the subnet manager and of fabrics, told to their end: it comes up, something befalls
 * it, it is at rest again, and all is good (invariants.c says what that is).
 */

#include "tests/scenario/scenario.h"

#include <endian.h>
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/link.h"
#include "tests/sim/tables.h"

/* A random cable, but not that of the machine with the subnet manager. */
static struct sim_port *some_link(struct scenario *s)
{
	struct sim_port *port;

	do
		port = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));
	while (port->far == s->first.port);
	return port;
}

static void run_ms(struct scenario *s, uint64_t ms)
{
	scenario_run(s, ms * LOOP_MSEC);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void one_switch_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_single(4));
}

static void a_line_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_line(5, 2));
}

static void a_ring_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_ring(6, 2));
}

static void a_tree_of_two_levels_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_ft2(8));
}

static void a_tree_of_three_levels_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_ft3(4, 4));
}

static bool lies_in(const struct sim_port *port, unsigned first, unsigned n)
{
	return sim_lid(port) >= first && sim_lid(port) < first + n;
}

static unsigned cost_of_pulling(struct scenario *s, struct sim_port *port)
{
	const struct transport_sim_counts *counts = transport_sim_counts(s->first.transport);
	uint64_t before = counts->lft_sets, after;

	scenario_pull(s, port);
	scenario_settle(s);
	after = counts->lft_sets;
	scenario_plug(s, port);
	scenario_settle(s);

	return (unsigned)(after - before);
}

/*
 * Turns that nobody takes any more are no reason to withdraw a LID, of which all leaves would write
 * a block twice. The cable is one of those by which planes meet, see routing/apex.c.
 */
static void a_cable_costs_the_same_after_others(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	unsigned first;

	scenario_build(s, graph_make_ft3(8, 8));
	scenario_start_sm(s);
	scenario_settle(s);
	port = &s->hosts[0]->ports[1].far->node->ports[5];
	assert_non_null(port->far);
	first = cost_of_pulling(s, port);
	assert_int_equal(cost_of_pulling(s, port), first);
	for (uint32_t i = 5; i < 200; i += 37) {
		cost_of_pulling(s, scenario_link(s, i));
		assert_int_equal(cost_of_pulling(s, port), first);
	}
}

/*
 * A restart without a store lowers LinearFDBTop. What lies above is of nobody then, and whoever
 * raises it, without knowing, must not find ways to who was there.
 */
static void nothing_is_left_above_the_tables(void **state)
{
	struct scenario *s = *state;
	const struct sim_switch *sw;

	scenario_build(s, graph_make_line(2, 40));
	scenario_start_sm(s);
	scenario_settle(s);
	sw = scenario_host(s, 0)->far->node->sw;
	assert_int_not_equal(sw->lft[64], SIM_LFT_NONE);
	scenario_kill_sm(s);
	memory_keeper_clear(s->first.keeper);
	scenario_power_off(s, scenario_host(s, 79)->far->node);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(ntohs(sw->info.lin_top), 63);
	for (unsigned lid = 64; lid < sw->lft_size; lid++)
		assert_int_equal(sw->lft[lid], SIM_LFT_NONE);
}

/* Others set LinearFDBTop to the last LID, which will do, and a switch may say 0 above. */
static void what_is_said_above_the_top_is_worth_nothing(void **state)
{
	struct scenario *s = *state;
	struct sim_switch *sw;

	scenario_build(s, graph_make_line(2, 40));
	s->fabric->quirks.lft_zero_above_top = true;
	scenario_start_sm(s);
	scenario_settle(s);
	sw = scenario_host(s, 0)->far->node->sw;
	scenario_happens(s, "another sets LinearFDBTop");
	sw->info.lin_top = htons(90);
	sm_sweep(s->first.sm, true);
	scenario_settle(s);
	assert_int_equal(ntohs(sw->info.lin_top), 90);
	scenario_expect_all_good(s);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], 0);
}

/* When it is raised, what was there is no way to anybody, though no block but later ones changes.
 */
static void nothing_is_left_above_a_top_that_is_raised(void **state)
{
	struct scenario *s = *state;
	struct sim_node *second;
	struct sim_switch *sw;

	scenario_comes_up(s, graph_make_line(2, 40));
	sw = scenario_host(s, 0)->far->node->sw;
	second = scenario_host(s, 79)->far->node;
	scenario_stop_sm(s);
	scenario_power_off(s, second);
	for (uint32_t i = 0; i < s->n_hosts; i++)
		if (sim_lid(scenario_host(s, i)) > 41 && sim_lid(scenario_host(s, i)) < 64)
			scenario_power_off(s, s->hosts[i]);
	memset(&sw->lft[42], 1, 22);
	sw->info.lin_top = htons(41);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(ntohs(sw->info.lin_top), 41);
	scenario_power_on(s, second);
	scenario_settle(s);
	assert_int_equal(ntohs(sw->info.lin_top), 127);
	for (unsigned lid = 42; lid < 64; lid++)
		assert_int_equal(sw->lft[lid], SIM_LFT_NONE);
	scenario_expect_all_good(s);
}

/*
 * Four pods of two leaves with two hosts each: the first hosts of all, those of a pod side by side,
 * then leaves, then the second hosts; then the switches of a plane. So few blocks change together.
 */
static void lids_of_a_tree_lie_together(void **state)
{
	struct scenario *s = *state;
	unsigned planes[2] = { 0 };

	scenario_comes_up(s, graph_make_ft3(4, 4));
	for (uint32_t i = 0; i < 8; i++) {
		struct sim_node *leaf = s->switches[i];
		unsigned round = 0;

		assert_true(lies_in(sim_port(leaf, 0), 9, 8));
		for (unsigned p = 1; p <= leaf->n_ports; p++)
			if (sim_is_end_port(sim_port(leaf, p)->far))
				assert_true(lies_in(sim_port(leaf, p)->far,
						    1 + 16 * round++ + 2 * (i / 2), 2));
		assert_int_equal(round, 2);
	}
	for (uint32_t i = 8; i < 20; i++) {
		uint32_t plane = i < 16 ? i % 2 : (i - 16) / 2;

		planes[plane] += lies_in(sim_port(s->switches[i], 0), 25 + 6 * plane, 6);
	}
	assert_int_equal(planes[0], 6);
	assert_int_equal(planes[1], 6);
}

/* What test-blocks and the benches count with is what ports get. */
static void lids_of_a_tree_are_those_that_graph_deal_lids_gives(void **state)
{
	struct made_graph *made = graph_make_ft3(8, 8);
	struct scenario *s = *state;
	const struct graph *g;
	uint32_t host = 0;

	graph_deal_lids(made);
	g = graph_of(made);
	scenario_comes_up(s, graph_make_ft3(8, 8));
	for (uint32_t i = 0; i < g->n_ends; i++) {
		const struct end *end = &g->ends[i];
		struct sim_port *port = end->kind == END_SWITCH ? sim_port(s->switches[end->at], 0)
								: scenario_host(s, host++);

		assert_int_equal(sim_lid(port), end->lid);
	}
	assert_int_equal(host, 128);
	graph_free(made);
}

static void a_torus_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_torus(3, 3, 2, 1));
}

static void a_dragonfly_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_dragonfly(2, 2, 2));
}

static void a_random_fabric_comes_up(void **state)
{
	scenario_comes_up(*state, graph_make_random(12, 3, 2, 5));
}

static void hosts_of_two_ports_come_up(void **state)
{
	struct made_graph *graph = graph_make_ft2(4);

	graph_join_devices(graph, 2, 3);
	scenario_comes_up(*state, graph);
}

static void a_fabric_with_many_lids_for_each_port_comes_up(void **state)
{
	struct scenario *s = *state;

	s->first.conf.lmc = 2;
	scenario_comes_up(s, graph_make_ft2(4));
	assert_int_equal(sim_lmc(scenario_host(s, 1)), 2);
}

static void a_fabric_whose_links_train_for_seconds_comes_up(void **state)
{
	struct scenario *s = *state;

	s->fabric->train_time = 3 * LOOP_SEC;
	scenario_comes_up(s, graph_make_ft2(4));
}

static void a_subnet_manager_on_a_switch_brings_it_up(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	s->first.port = &s->switches[0]->ports[0];
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

/* ---- cables ---------------------------------------------------------------------------------- */

static void a_cable_is_pulled_and_put_back(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned i = 0; i < 10; i++) {
		struct sim_port *port = some_link(s);

		scenario_before_change(s);
		scenario_pull(s, port);
		scenario_is_good_again(s);
		scenario_expect_no_waiting(s);
		scenario_before_change(s);
		scenario_plug(s, port);
		scenario_is_good_again(s);
		scenario_expect_no_waiting(s);
	}
}

/*
 * Unless it is a cable of the leaf through which spines find each other. Cables of hosts change no
 * routes at all.
 */
static void routes_of_a_cable_are_not_made_from_scratch(void **state)
{
	struct scenario *s = *state;
	struct sm_status before, after;

	scenario_comes_up(s, graph_make_ft2(8));
	before = scenario_status(&s->first);
	for (unsigned i = 0; i < 10; i++) {
		struct sim_port *port = some_link(s);

		scenario_pull(s, port);
		scenario_is_good_again(s);
		scenario_plug(s, port);
		scenario_is_good_again(s);
	}
	after = scenario_status(&s->first);
	assert_int_equal(before.routes_made, 1);
	assert_in_range(after.routes_made, 1, 3);
	assert_in_range(after.routes_again, 6, 20);
}

static void the_link_of_the_subnet_manager_itself_is_cut(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_line(3, 2));
	scenario_pull(s, s->first.port);
	scenario_run(s, 60 * LOOP_SEC);
	scenario_plug(s, s->first.port);
	scenario_is_good_again(s);
}

/* At one moment after another, from the first SMP until all is done. */
static void a_cable_is_pulled_while_the_fabric_comes_up(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		struct scenario *s = scenario_new(i);
		struct sim_port *port;

		scenario_build(s, graph_make_ft2(4));
		port = some_link(s);
		scenario_start_sm(s);
		scenario_run(s, i * 100 * LOOP_USEC);
		scenario_pull(s, port);
		if (i & 1) {
			run_ms(s, scenario_random(s, 20));
			scenario_plug(s, port);
		}
		scenario_is_good_again(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

static void a_link_that_flaps_all_the_time_comes_to_rest_when_it_does(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_comes_up(s, graph_make_ft2(4));
	port = some_link(s);
	for (unsigned i = 0; i < 200; i++) {
		scenario_pull(s, port);
		run_ms(s, scenario_random(s, 300));
		scenario_plug(s, port);
		run_ms(s, scenario_random(s, 300));
	}
	scenario_is_good_again(s);
}

/* Each link for itself goes, until but a tree of them is left, and then others: it never rests. */
static void many_cables_are_pulled_at_once(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned round = 0; round < 5; round++) {
		struct sim_port *pulled[12];

		for (unsigned i = 0; i < 12; i++) {
			pulled[i] = some_link(s);
			scenario_pull(s, pulled[i]);
		}
		scenario_is_good_again(s);
		for (unsigned i = 0; i < 12; i++)
			scenario_plug(s, pulled[i]);
		scenario_is_good_again(s);
	}
}

/* ---- from tables to tables --------------------------------------------------------------------
 */

/* How often the log has this, among the lines that are kept. */
static unsigned says(const struct scenario *s, const char *sentence)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SCENARIO_LINES; i++)
		n += s->log.line[i] && strstr(s->log.line[i], sentence);
	return n;
}

/* Each write into a table is looked at: scenario_watch_write(). */
static void pull_and_plug(struct scenario *s, struct made_graph *graph)
{
	struct sim_port *pulled[3];

	scenario_comes_up(s, graph);
	for (unsigned i = 0; i < 30; i++) {
		for (unsigned n = 0; n < COUNT(pulled); n++) {
			pulled[n] = some_link(s);
			scenario_pull(s, pulled[n]);
			if (scenario_random(s, 2))
				scenario_settle(s);
		}
		scenario_is_good_again(s);
		for (unsigned n = 0; n < COUNT(pulled); n++) {
			scenario_plug(s, pulled[n]);
			if (scenario_random(s, 2))
				scenario_settle(s);
		}
		scenario_is_good_again(s);
	}
	assert_true(says(s, "are written outward") > 5);
	assert_true(s->n_watched > 200);
	assert_int_equal(s->n_excused, 0);
}

static void no_write_closes_a_circle_in_a_tree(void **state)
{
	pull_and_plug(*state, graph_make_ft3(4, 4));
}

static void no_write_closes_a_circle_in_a_torus(void **state)
{
	pull_and_plug(*state, graph_make_torus(3, 3, 2, 1));
}

static void no_write_closes_a_circle_in_a_dragonfly(void **state)
{
	pull_and_plug(*state, graph_make_dragonfly(2, 2, 2));
}

static void no_write_closes_a_circle_in_a_random_fabric(void **state)
{
	pull_and_plug(*state, graph_make_random(12, 3, 2, 5));
}

/* Of a switch: its routes become those of another, which lead to and fro. */
static void write_nonsense(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_switches; i++) {
		struct sim_node *node = s->switches[i];

		for (unsigned lid = 1; lid < node->sw->lft_size; lid++)
			node->sw->lft[lid] = (uint8_t)(1 + scenario_random(s, node->n_ports));
	}
}

/* The fabric is as it was, and so is the plan. */
static void what_a_stranger_wrote_is_withdrawn_first(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	write_nonsense(s);
	scenario_happens(s, "somebody has written nonsense into all tables");
	sm_sweep(s->first.sm, true);
	scenario_is_good_again(s);
	assert_int_equal(says(s, "are withdrawn first"), 1);
	assert_int_equal(says(s, "routes by"), 1);
}

/* A master that starts finds them. */
static void what_a_stranger_left_is_withdrawn_first(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(3, 3, 1, 1));
	scenario_kill_sm(s);
	write_nonsense(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(says(s, "are withdrawn first"), 1);
}

/* The other switches get their tables all the same, those too that were to wait for it. */
static void a_switch_that_takes_no_routes_is_not_waited_for(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_comes_up(s, graph_make_ft2(8));
	port = scenario_link(s, 0);
	scenario_fault(s, "refuse \"%s\"", s->switches[1]->name);
	scenario_pull(s, port);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(says(s, "are written outward"), 1);
	assert_int_equal(says(s, "are withdrawn first"), 0);
	/* The next sweep leaves it out. Its links are up: nobody knows what becomes of packets. */
	scenario_run(s, 55 * LOOP_SEC);
	assert_int_equal(says(s, "are withdrawn first"), 1);
	assert_int_equal(scenario_status(&s->first).phase, PHASE_REST);
	assert_int_equal(sim_lft_at(s->switches[0], sim_lid(scenario_host(s, 20))) == port->number,
			 false);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

static uint8_t planned_at(const struct scenario *s, const struct sim_node *node, unsigned lid)
{
	return sm_route(s->first.sm,
			fabric_find_node(sm_fabric(s->first.sm), be64toh(node->info.node_guid)),
			lid);
}

static void a_switch_that_gives_up_no_routes_is_not_waited_for(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	write_nonsense(s);
	scenario_happens(s, "somebody has written nonsense into all tables");
	scenario_fault(s, "refuse \"%s\"", s->switches[1]->name);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 60 * LOOP_SEC);
	assert_true(says(s, "are withdrawn first") > 0);
	assert_int_equal(scenario_status(&s->first).phase, PHASE_REST);
	for (uint32_t i = 0; i < s->n_switches; i++)
		assert_int_equal(
			sim_lft_at(s->switches[i], sim_lid(scenario_host(s, 20))) ==
				planned_at(s, s->switches[i], sim_lid(scenario_host(s, 20))),
			i != 1);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

/*
 * A Set is lost, or its answer; and when another has been sent and done, and others after it, it
 * arrives after all. Nobody says so.
 */
static void what_was_set_late_is_found(void **state)
{
	struct scenario *s = *state;
	struct sim_node *spine;
	unsigned lid;

	scenario_comes_up(s, graph_make_ft2(8));
	spine = s->switches[s->n_switches - 1];
	lid = sim_lid(scenario_host(s, 9));
	scenario_fault(s, "mute \"%s\" lft next 2", spine->name);
	scenario_pull(s, scenario_link(s, 0));
	scenario_pull(s, &spine->ports[1]);
	run_ms(s, 100);
	assert_int_equal(sim_lft_put(spine, lid, SIM_LFT_NONE), 0);
	scenario_happens(s, "an earlier Set arrives at %s", spine->name);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_not_equal(sim_lft_at(spine, lid), SIM_LFT_NONE);
	scenario_is_good_again(s);
}

static void a_write_that_closes_a_circle_is_noticed(void **state)
{
	struct scenario *s = *state;
	struct sim_node *leaf, *spine;
	unsigned lid;

	scenario_comes_up(s, graph_make_ft2(4));
	leaf = s->switches[0];
	spine = s->switches[s->n_switches - 1];
	lid = sim_lid(scenario_host(s, 0));
	for (unsigned p = 1; p <= leaf->n_ports; p++) {
		if (!leaf->ports[p].far || leaf->ports[p].far->node != spine)
			continue;
		s->fabric->on_routes(s->fabric->on_routes_user, leaf, true);
		assert_int_equal(sim_lft_put(leaf, lid, (uint8_t)p), 0);
		s->fabric->on_routes(s->fabric->on_routes_user, leaf, false);
	}
	assert_non_null(strstr(s->spoilt, "goes in a circle"));
	s->spoilt[0] = 0;
}

/* ---- power ----------------------------------------------------------------------------------- */

static void a_host_reboots(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 1; i < s->n_hosts; i++) {
		scenario_reboot(s, s->hosts[i]);
		scenario_is_good_again(s);
	}
}

/*
 * At one moment after another, which is long as another host keeps all waiting: with the P_Keys
 * that it comes up with, it would be a full member of the default partition.
 */
static void a_host_that_reboots_while_the_fabric_comes_up_gets_its_keys(void **state)
{
	for (unsigned i = 0; i < 60; i++) {
		struct scenario *s = scenario_new(i);

		s->closed = true;
		scenario_build(s, graph_make_ft2(4));
		scenario_start_sm(s);
		scenario_run(s, 200 * LOOP_USEC);
		scenario_power_off(s, s->hosts[4]);
		scenario_run(s, i * 10 * LOOP_MSEC);
		scenario_reboot(s, s->hosts[2]);
		scenario_run(s, 30 * LOOP_SEC);
		scenario_power_on(s, s->hosts[4]);
		scenario_expect_good_within(s, 600);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

static void a_host_is_off_for_a_while(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	scenario_power_off(s, s->hosts[3]);
	scenario_is_good_again(s);
	scenario_power_on(s, s->hosts[3]);
	scenario_is_good_again(s);
}

static void reserve(struct scenario *s, uint64_t guid, uint16_t lid)
{
	struct kept_reservation wanted = { .guid = guid, .lid = lid };
	char why[SM_WHY_SIZE] = "";

	if (sm_reserve(s->first.sm, &wanted, why) < 0)
		scenario_fail(s, "0x%016llx is not reserved: %s", (unsigned long long)guid, why);
}

/* As a guest's port is, which appears when somebody starts it. */
static void a_host_gets_the_lid_that_was_reserved_before_it_appeared(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 3);
	scenario_power_off(s, port->node);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	reserve(s, port->guid, 1000);
	run_ms(s, 100);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	scenario_power_on(s, port->node);
	scenario_is_good_again(s);
	if (sim_lid(port) != 1000)
		scenario_fail(s, "LID %u and not 1000", sim_lid(port));
	scenario_stop_sm(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	if (sim_lid(port) != 1000)
		scenario_fail(s, "LID %u and not 1000 after a restart", sim_lid(port));
}

static void what_is_reserved_survives_fifty_kills(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 3);
	scenario_power_off(s, port->node);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	reserve(s, port->guid, 1000);
	run_ms(s, 100);
	for (unsigned i = 0; i < 50; i++) {
		scenario_kill_sm(s);
		if (i == 25)
			scenario_power_on(s, port->node);
		scenario_start_sm(s);
		scenario_run(s, scenario_random(s, 60 * LOOP_MSEC));
	}
	scenario_is_good_again(s);
	if (sim_lid(port) != 1000)
		scenario_fail(s, "LID %u and not 1000", sim_lid(port));
}

static void every_switch_reboots(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 0; i < s->n_switches; i++) {
		scenario_reboot(s, s->switches[i]);
		scenario_is_good_again(s);
	}
}

static void a_switch_is_off_for_a_while(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	scenario_power_off(s, s->switches[s->n_switches - 1]);
	scenario_is_good_again(s);
	scenario_power_on(s, s->switches[s->n_switches - 1]);
	scenario_is_good_again(s);
}

static void the_whole_fabric_reboots(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 1; i < s->n_hosts; i++)
		scenario_power_off(s, s->hosts[i]);
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_power_off(s, s->switches[i]);
	scenario_run(s, 30 * LOOP_SEC);
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_power_on(s, s->switches[i]);
	run_ms(s, 100);
	for (unsigned i = 1; i < s->n_hosts; i++)
		scenario_power_on(s, s->hosts[i]);
	scenario_is_good_again(s);
}

/* ---- the subnet manager ---------------------------------------------------------------------- */

static void a_restart_in_order_writes_nothing(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned i = 0; i < 3; i++) {
		scenario_stop_sm(s);
		scenario_run(s, 5 * LOOP_SEC);
		scenario_start_sm(s);
		scenario_is_good_again(s);
		assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
	}
}

/* Such a switch looks like one that has restarted, but for its table. */
static void nor_where_no_lids_were_left_for_switches(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.lin_cap = htobe16((uint16_t)(s->n_hosts + 1));
	scenario_start_sm(s);
	scenario_settle(s);
	for (uint32_t i = 0; i < s->n_switches; i++)
		assert_string_equal(scenario_reason(s, &s->switches[i]->ports[0]), "out-of-lids");
	for (unsigned i = 0; i < 3; i++) {
		scenario_stop_sm(s);
		scenario_run(s, 5 * LOOP_SEC);
		scenario_start_sm(s);
		scenario_settle(s);
		assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
	}
	/* One that does restart holds nothing. */
	scenario_kill_sm(s);
	scenario_reboot(s, s->switches[0]);
	scenario_start_sm(s);
	scenario_settle(s);
	for (uint32_t i = 0; i < s->n_hosts; i++)
		assert_string_equal(scenario_reason(s, scenario_host(s, i)), "none");
	assert_int_not_equal(be16toh(s->switches[0]->sw->info.lin_top), 0);
}

static void it_is_killed_fifty_times_at_random_moments(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 50; i++) {
		scenario_start_sm(s);
		scenario_run(s, scenario_random(s, i < 25 ? 20 * LOOP_MSEC : 60 * LOOP_MSEC));
		scenario_kill_sm(s);
		if (i % 5 == 4) {
			struct sim_node *host = s->hosts[1 + scenario_random(s, s->n_hosts - 1)];

			scenario_reboot(s, host);
		}
	}
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

static void cables_are_moved_while_it_does_not_run(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned i = 0; i < 5; i++) {
		struct sim_port *pulled = some_link(s);

		scenario_kill_sm(s);
		scenario_pull(s, pulled);
		scenario_start_sm(s);
		scenario_is_good_again(s);
		scenario_kill_sm(s);
		scenario_plug(s, pulled);
		scenario_start_sm(s);
		scenario_is_good_again(s);
	}
}

static void one_with_a_higher_priority_takes_over(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	scenario_start_rival(s, scenario_host(s, 5), 9);
	scenario_run(s, 60 * LOOP_SEC);
	assert_ptr_equal(scenario_master(s), &s->rival);
	assert_int_equal(scenario_status(&s->first).state, SM_STANDBY);
	scenario_is_good_again(s);
}

static void the_other_takes_over_when_the_master_dies(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 3; i++) {
		scenario_start_rival(s, scenario_host(s, 5), 9);
		scenario_run(s, 60 * LOOP_SEC);
		assert_ptr_equal(scenario_master(s), &s->rival);
		scenario_is_good_again(s);
		scenario_kill_rival(s);
		scenario_is_good_again(s);
		assert_ptr_equal(scenario_master(s), &s->first);
	}
}

/* It never saw that it was not alone: the other got the LID that it has itself. */
static void another_is_master_while_its_link_is_cut_and_then_gone(void **state)
{
	for (unsigned i = 0; i < 28; i++) {
		struct scenario *s = scenario_new(i);

		scenario_comes_up(s, graph_make_ft2(4));
		scenario_pull(s, s->first.port);
		scenario_reboot(s, s->hosts[1 + i % 7]);
		scenario_start_rival(s, scenario_host(s, 1 + i % 7), 0);
		run_ms(s, 5 + i);
		scenario_kill_rival(s);
		if (i & 1)
			scenario_power_off(s, s->rival.port->node);
		scenario_plug(s, s->first.port);
		scenario_is_good_again(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* A part is cut off, has a master of its own meanwhile, and comes back. */
static void two_masters_become_one_when_their_parts_meet(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		struct scenario *s = scenario_new(i);
		struct sim_port *pf, *uplink;

		scenario_build(s, graph_make_ft2(4));
		pf = scenario_host(s, 3);
		scenario_add_vfs(s, pf, 2, true);
		uplink = &scenario_vf(pf, 1)->far->node->ports[1];
		scenario_start_sm(s);
		scenario_settle(s);
		s->fabric->train_time = i % 2 * 50 * LOOP_MSEC;
		scenario_pull(s, uplink);
		run_ms(s, scenario_random(s, 100));
		if (i % 4 < 2)
			scenario_plug(s, uplink);
		scenario_start_rival(s, pf, i % 3);
		scenario_run(s, scenario_random(s, 12 * LOOP_SEC));
		scenario_plug(s, uplink);
		scenario_settle(s);
		scenario_forget_lids(s);
		scenario_expect_all_good(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* How long nobody was master in so many milliseconds, at most at a stretch. */
static unsigned without_master_ms(struct scenario *s, unsigned duration)
{
	unsigned now = 0, most = 0;

	for (unsigned i = 0; i < duration; i++) {
		run_ms(s, 1);
		now = scenario_masters(s) ? 0 : now + 1;
		most = MAX(most, now);
	}
	return most;
}

/* The master finds it in the midst of its first look around, gives way, and says so. */
static void who_is_handed_the_fabric_while_it_discovers_is_soon_master(void **state)
{
	for (unsigned i = 0; i < 80; i++) {
		struct scenario *s = scenario_new(i);
		unsigned ms;

		scenario_comes_up(s, graph_make_ft2(4));
		sm_sweep(s->first.sm, i % 2);
		scenario_run(s, i * 2 * LOOP_USEC);
		scenario_start_rival(s, scenario_host(s, 5), 9);
		ms = without_master_ms(s, 20000);
		if (ms > 1000)
			scenario_fail(s, "in round %u nobody was master for %u ms", i, ms);
		assert_ptr_equal(scenario_master(s), &s->rival);
		scenario_is_good_again(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* Whatever the ranks are, and also where some packets are lost. */
static void the_standby_takes_over_at_once_when_the_master_stops(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		struct scenario *s = scenario_new(i);
		unsigned ms;

		s->first.conf.priority = 1;
		scenario_comes_up(s, graph_make_ft2(4));
		scenario_start_rival(s, scenario_host(s, 1 + i % 7), i % 2);
		scenario_run(s, scenario_random(s, 40) * LOOP_SEC + i % 4 * 50 * LOOP_USEC);
		assert_ptr_equal(scenario_master(s), &s->first);
		if (i >= 20)
			scenario_fault(s, "loss \"H0\"[1] 10%%");
		scenario_stop_sm(s);
		ms = without_master_ms(s, 1000);
		if (ms > 0)
			scenario_fail(s, "in round %u nobody was master for %u ms", i, ms);
		scenario_clear_faults(s);
		scenario_is_good_again(s);
		assert_ptr_equal(scenario_master(s), &s->rival);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* ---- partitions ------------------------------------------------------------------------------ */

static void limited_members_do_not_talk_to_each_other(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_comes_up(s, graph_make_ft2(4));
	assert_false(scenario_may_talk(s, scenario_host(s, 1), scenario_host(s, 2)));
}

static void members_come_and_go(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned i = 0; i < 10; i++) {
		if (i % 4 == 3)
			scenario_leave_all(s);
		for (unsigned n = 0; n < 8; n++)
			scenario_join(s, scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts)),
				      (uint16_t)(1 + scenario_random(s, 4)), scenario_random(s, 2));
		scenario_apply_partitions(s);
		scenario_is_good_again(s);
	}
}

static void partitions_change_while_the_fabric_comes_up(void **state)
{
	for (unsigned i = 0; i < 20; i++) {
		struct scenario *s = scenario_new(i);

		s->closed = i & 1;
		scenario_build(s, graph_make_ft2(4));
		scenario_start_sm(s);
		scenario_run(s, i * 300 * LOOP_USEC);
		s->closed = !s->closed;
		scenario_join(s, scenario_host(s, 1), 7, true);
		scenario_join(s, scenario_host(s, 4), 7, false);
		scenario_apply_partitions(s);
		scenario_is_good_again(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* A guest that is added before its port is there, as orchestrators do. */
static void a_member_is_added_before_its_port_comes(void **state)
{
	struct scenario *s = *state;
	struct sim_port *guest, *other;

	s->closed = true;
	scenario_build(s, graph_make_ft2(4));
	guest = scenario_host(s, 5);
	other = scenario_host(s, 2);
	scenario_power_off(s, guest->node);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	scenario_add(s, guest, 0x7ffe, true);
	scenario_add(s, other, 0x7ffe, false);
	scenario_kill_sm(s);
	scenario_power_on(s, guest->node);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_true(scenario_may_talk(s, guest, other));
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	scenario_remove(s, guest, 0x7ffe);
	scenario_is_good_again(s);
	assert_false(scenario_may_talk(s, guest, other));
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

/*
 * With files that change, and kills at random moments, also just after a change was asked for.
 * Whoever had no answer asks again.
 */
static void members_come_and_go_at_run_time(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 40; i++) {
		struct sim_port *port = scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts));
		uint16_t pkey = (uint16_t)(1 + scenario_random(s, 4));
		bool full = scenario_random(s, 2);

		if (i % 5 == 4) {
			scenario_ask_to_add(s, port, pkey, full);
			scenario_run(s, scenario_random(s, 8) * LOOP_MSEC);
			scenario_kill_sm(s);
			scenario_start_sm(s);
		}
		scenario_add(s, port, pkey, full);
		if (i % 3 == 2)
			scenario_remove(s, port, pkey);
		if (i % 4 == 3)
			scenario_apply_partitions(s);
		if (i % 2)
			scenario_is_good_again(s);
	}
}

/* ---- virtual functions -------------------------------------------------------------------------
 */

static void vfs_behind_a_switch_in_the_hca_come_up(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_build(s, graph_make_ft2(4));
	scenario_add_vfs(s, scenario_host(s, 0), 2, true);
	scenario_add_vfs(s, scenario_host(s, 3), 4, true);
	scenario_join(s, scenario_vf(scenario_host(s, 3), 2), 5, true);
	scenario_join(s, scenario_vf(scenario_host(s, 3), 4), 5, false);
	scenario_join(s, scenario_vf(scenario_host(s, 0), 1), 5, false);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_true(scenario_may_talk(s, scenario_vf(scenario_host(s, 3), 2),
				      scenario_vf(scenario_host(s, 0), 1)));
	assert_false(scenario_may_talk(s, scenario_vf(scenario_host(s, 3), 4),
				       scenario_vf(scenario_host(s, 0), 1)));
}

static void a_guest_that_moves_keeps_its_lid_and_its_partitions(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;
	uint64_t guid;
	uint16_t lid;

	s->closed = true;
	scenario_build(s, graph_make_ft2(4));
	from = scenario_host(s, 2);
	to = scenario_host(s, 5);
	scenario_add_vfs(s, from, 2, true);
	scenario_add_vfs(s, to, 2, false);
	scenario_join(s, scenario_vf(from, 1), 7, true);
	scenario_join(s, scenario_host(s, 4), 7, false);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	guid = scenario_vf(from, 1)->guid;
	lid = sim_lid(scenario_vf(from, 1));
	scenario_move_vf(s, from, 1, to, 2);
	scenario_is_good_again(s);
	assert_int_equal(scenario_vf(to, 2)->guid, guid);
	assert_int_equal(sim_lid(scenario_vf(to, 2)), lid);
	assert_true(scenario_may_talk(s, scenario_vf(to, 2), scenario_host(s, 4)));
}

/*
 * Another guest starts where it was, while the subnet manager waits for its disk: that link is as
 * it was before, and is made Active.
 */
static void a_guest_that_moves_while_the_fabric_comes_up_is_found(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;

	scenario_build(s, graph_make_ft2(4));
	from = scenario_host(s, 0);
	to = scenario_host(s, 5);
	scenario_add_vfs(s, from, 1, true);
	scenario_add_vfs(s, to, 1, false);
	memory_keeper_set_delay(s->first.keeper, 200 * LOOP_MSEC);
	scenario_start_sm(s);
	run_ms(s, 50);
	scenario_move_vf(s, from, 1, to, 1);
	scenario_power_on(s, scenario_vf(from, 1)->node);
	scenario_is_good_again(s);
}

static void an_hca_reboots_and_its_guests_come_later(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf;

	scenario_build(s, graph_make_ft2(4));
	pf = scenario_host(s, 3);
	scenario_add_vfs(s, pf, 2, true);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	scenario_reboot(s, pf->node);
	scenario_is_good_again(s);
	assert_true(scenario_vf(pf, 1)->node->off);
	scenario_power_on(s, scenario_vf(pf, 1)->node);
	scenario_is_good_again(s);
	assert_int_equal(sim_state(scenario_vf(pf, 1)), SIM_ACTIVE);
}

/* ---- devices --------------------------------------------------------------------------------- */

static void a_guid_that_two_ports_have_spoils_nothing_else(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;

	scenario_build(s, graph_make_ft2(4));
	first = scenario_host(s, 3);
	second = scenario_host(s, 6);
	sim_set_port_guid(second, first->guid);
	scenario_start_sm(s);
	scenario_settle(s);
	/* Which of them is left out is not said; the reason is at the switch port before it. */
	if (strcmp(scenario_reason(s, first->far), "duplicate-port-guid") == 0)
		second = first;
	assert_string_equal(scenario_reason(s, second->far), "duplicate-port-guid");
	scenario_expect_good_but(s, second);
}

static bool is_told_to_be_twin(struct scenario *s, const struct sim_node *node)
{
	return !strncmp(scenario_reason(s, node->ports[1].far), "duplicate-", 10);
}

/* In rings the turns of few are free of circles where those of one more are not. */
static void who_is_left_out_as_a_twin_sends_and_closes_no_circle(void **state)
{
	for (unsigned i = 0; i < 120; i++) {
		struct scenario *s = scenario_new(i);
		struct sim_node *node, *other;
		uint32_t first;

		scenario_build(s, i % 3 ? graph_make_ring(4 + i % 5, 1 + i % 2)
					: graph_make_torus(3 + i % 2, 3, 1, 1));
		for (uint32_t h = 1; h < s->n_hosts; h++)
			if (scenario_random(s, 3) == 0)
				scenario_power_off(s, s->hosts[h]);
		first = 1 + (uint32_t)scenario_random(s, s->n_hosts - 1);
		node = s->hosts[first];
		other = s->hosts[1 + first % (s->n_hosts - 1)];
		scenario_power_on(s, node);
		scenario_power_on(s, other);
		scenario_start_sm(s);
		scenario_is_good_again(s);
		scenario_twin(s, node, other);
		scenario_settle(s);
		assert_true(is_told_to_be_twin(s, node) != is_told_to_be_twin(s, other));
		scenario_expect_good_but(s,
					 &(is_told_to_be_twin(s, node) ? node : other)->ports[1]);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* What the one holds is not believed of the other, in whose place the GUID is found. */
static void a_guid_that_is_found_elsewhere_is_another_device(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_build(s, graph_make_ft2(4));
	scenario_join(s, scenario_host(s, 3), 5, true);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	scenario_twin(s, s->hosts[2], s->hosts[3]);
	scenario_settle(s);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 5 * LOOP_SEC);
	scenario_join(s, scenario_host(s, 3), 6, true);
	scenario_apply_partitions(s);
	scenario_settle(s);
	scenario_clear_faults(s);
	scenario_is_good_again(s);
}

/*
 * The port of one that is off shows up elsewhere, as that of another device, and goes off, too:
 * then two that are off had its LID.
 */
static void a_port_guid_that_two_had_who_are_off_has_one_place(void **state)
{
	struct scenario *s = *state;
	struct sim_port *one, *other;

	scenario_comes_up(s, graph_make_ft2(6));
	one = scenario_host(s, 4);
	other = scenario_host(s, 13);
	scenario_power_off(s, one->node);
	scenario_power_off(s, other->node);
	scenario_settle(s);
	scenario_happens(s, "%s has the port GUID of %s", other->node->name, one->node->name);
	other->guid = one->guid;
	scenario_power_on(s, other->node);
	scenario_settle(s);
	scenario_power_off(s, other->node);
	scenario_settle(s);
	scenario_reboot(s, s->switches[s->n_switches - 1]);
	scenario_is_good_again(s);
	scenario_pull(s, some_link(s));
	scenario_is_good_again(s);
}

static void a_silent_host_spoils_nothing_else(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	scenario_fault(s, "silent \"H3\"");
	scenario_start_sm(s);
	scenario_settle(s);
	assert_string_equal(scenario_reason(s, scenario_host(s, 3)->far), "neighbor-silent");
	scenario_expect_good_but(s, scenario_host(s, 3));
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

static void a_switch_that_falls_silent_is_routed_around(void **state)
{
	struct scenario *s = *state;
	struct sim_node *spine;

	scenario_comes_up(s, graph_make_ft2(4));
	spine = s->switches[s->n_switches - 1];
	scenario_fault(s, "silent \"%s\"", spine->name);
	scenario_run(s, 120 * LOOP_SEC);
	for (unsigned i = 0; i < s->n_hosts; i++)
		assert_int_equal(sim_state(scenario_host(s, i)), SIM_ACTIVE);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

/* One after another in the middle of something, wherever that is. */
static void devices_die_while_they_are_asked(void **state)
{
	for (unsigned i = 0; i < 30; i++) {
		struct scenario *s = scenario_new(i);
		const char *name;

		scenario_build(s, graph_make_ft2(4));
		name = i % 3 ? s->hosts[1 + i % 7]->name : s->switches[1 + i % 5]->name;
		scenario_fault(s, "die \"%s\" after %u%s", name, i / 2, i & 1 ? " silent" : "");
		scenario_start_sm(s);
		scenario_run(s, 30 * LOOP_SEC);
		scenario_clear_faults(s);
		for (unsigned n = 0; n < s->fabric->n_nodes; n++)
			if (s->fabric->nodes[n]->off)
				scenario_power_on(s, s->fabric->nodes[n]);
		scenario_expect_good_within(s, 600);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

static void a_host_that_does_not_keep_its_settings_is_told_once(void **state)
{
	struct scenario *s = *state;
	uint64_t sets;

	scenario_build(s, graph_make_ft2(4));
	scenario_fault(s, "forget \"H3\" pkeys");
	s->closed = true;
	scenario_join(s, scenario_host(s, 3), 5, true);
	scenario_start_sm(s);
	scenario_run(s, 60 * LOOP_SEC);
	sets = transport_sim_counts(s->first.transport)->sets;
	scenario_run(s, 600 * LOOP_SEC);
	assert_in_range(transport_sim_counts(s->first.transport)->sets - sets, 0, 60);
}

static void answers_that_are_malformed_are_not_believed(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	for (unsigned i = 0; i < s->n_hosts; i++)
		scenario_fault(s, "garble \"H%u\" 30%%", i);
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_fault(s, "garble \"S%u\" 10%%", i);
	scenario_start_sm(s);
	scenario_run(s, 120 * LOOP_SEC);
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, true);
	scenario_expect_good_within(s, 600);
}

/* And nothing tells so, until somebody wants to have everything read again. */
static void is_good_after_a_full_sweep(struct scenario *s)
{
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, true);
	s->changed = loop_now(s->loop);
	scenario_settle(s);
	scenario_expect_all_good(s);
}

static void is_believed_wrongly(struct scenario *s)
{
	char why[512];

	scenario_settle(s);
	if (scenario_is_good(s, NULL, why))
		scenario_fail(s, "there was nothing to mend");
}

static void routes_that_a_switch_acknowledged_and_forgot_are_mended(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_fault(s, "forget \"S%u\" lft", i);
	scenario_pull(s, some_link(s));
	is_believed_wrongly(s);
	is_good_after_a_full_sweep(s);
}

static void keys_that_a_host_acknowledged_and_forgot_are_mended(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	scenario_fault(s, "forget \"H3\" pkeys");
	s->closed = true;
	scenario_apply_partitions(s);
	is_believed_wrongly(s);
	is_good_after_a_full_sweep(s);
}

static void keys_that_a_host_refused_and_took_are_mended(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	scenario_fault(s, "status \"H3\" pkeys set");
	s->closed = true;
	scenario_apply_partitions(s);
	scenario_settle(s);
	scenario_clear_faults(s);
	s->closed = false;
	scenario_apply_partitions(s);
	is_believed_wrongly(s);
	is_good_after_a_full_sweep(s);
}

static void devices_that_are_slow_and_have_little_room_come_up(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(8));
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_fault(s, "service \"S%u\" 300us jitter 200us buffer 8", i);
	for (unsigned i = 0; i < s->n_hosts; i++)
		scenario_fault(s, "service \"H%u\" 2ms buffer 4", i);
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

/* ---- links that lose packets ------------------------------------------------------------------
 */

static void all_links_lose(struct scenario *s, unsigned percent)
{
	for (unsigned i = 0; i < s->n_switches; i++)
		scenario_fault(s, "loss \"S%u\" %u%%", i, percent);
}

static void a_fabric_that_loses_one_percent_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(8));
	all_links_lose(s, 1);
	scenario_start_sm(s);
	scenario_expect_good_within(s, 60);
}

static void a_fabric_that_loses_ten_percent_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	all_links_lose(s, 10);
	scenario_start_sm(s);
	scenario_run(s, 300 * LOOP_SEC);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

static void a_fabric_that_loses_thirty_percent_is_good_when_it_is_mended(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	all_links_lose(s, 30);
	scenario_start_sm(s);
	scenario_run(s, 300 * LOOP_SEC);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
}

/*
 * Sets are held back for longer than we wait for answers, while cables come and go: the first one
 * of two may arrive when both are long forgotten, and undo what was set since.
 */
static void sets_that_are_overtaken_by_newer_ones_are_mended(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct scenario *s = scenario_new(seed);

		scenario_comes_up(s, graph_make_ft2(4));
		for (unsigned i = 0; i < s->n_switches; i++)
			scenario_fault(s, "reorder \"S%u\" 20%% by 300ms", i);
		for (unsigned i = 0; i < 6; i++) {
			struct sim_port *port = some_link(s);

			scenario_pull(s, port);
			run_ms(s, 100 + scenario_random(s, 200));
			scenario_plug(s, port);
			run_ms(s, scenario_random(s, 200));
		}
		scenario_clear_faults(s);
		scenario_expect_good_within(s, 60);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

static void packets_that_come_late_twice_and_in_any_order_do_no_harm(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(8));
	for (unsigned i = 0; i < s->n_switches; i++) {
		scenario_fault(s, "duplicate \"S%u\" 10%%", i);
		scenario_fault(s, "delay \"S%u\" 20us jitter 500us", i);
		scenario_fault(s, "reorder \"S%u\" 10%% by 20ms", i);
	}
	scenario_start_sm(s);
	scenario_is_good_again(s);
}

/* ---- traps ----------------------------------------------------------------------------------- */

/* A device that cries all the time costs a sweep now and then, not one each time. */
static void a_storm_of_traps_does_not_wear_it_out(void **state)
{
	static const unsigned traps[] = { 128, 129, 131, 144, 257 };
	struct scenario *s = *state;
	uint64_t sweeps;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 5; i++) {
		scenario_fault(s, "storm \"S%u\"[0] trap %u every 1ms", i, traps[i]);
		scenario_fault(s, "storm \"H%u\"[1] trap %u every 1ms", i + 1, traps[i]);
	}
	sweeps = scenario_status(&s->first).sweeps;
	scenario_run(s, 60 * LOOP_SEC);
	assert_in_range(scenario_status(&s->first).sweeps - sweeps, 1, 60);
	scenario_clear_faults(s);
	scenario_is_good_again(s);
}

static void traps_of_nobody_are_nothing_to_it(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ft2(4));
	for (unsigned lid = 0; lid < 100; lid++)
		scenario_fault(s, "forge \"H3\"[1] trap 128 lid %u", lid * 500);
	scenario_is_good_again(s);
}

/* Switches that are cut off, and come back, say so with traps: nothing of that is impossible. */
static void no_trap_of_a_link_that_bounces_is_ignored(void **state)
{
	static const unsigned ms[] = { 0, 1, 5, 15, 30, 100, 700, 3000, 20000 };

	for (unsigned i = 0; i < COUNT(ms); i++) {
		struct scenario *s = scenario_new(i);

		scenario_comes_up(s, graph_make_line(4, 2));
		for (unsigned n = 0; n < s->n_links; n++) {
			struct sim_port *port = scenario_link(s, n);

			scenario_pull(s, port);
			scenario_run(s, ms[i] * LOOP_MSEC);
			scenario_plug(s, port);
			scenario_is_good_again(s);
			assert_int_equal(scenario_status(&s->first).traps_ignored, 0);
		}
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* With a trap it is noticed long before the next sweep. */
static void a_trap_makes_it_look_at_once(void **state)
{
	struct scenario *s = *state;

	s->first.conf.sweep_interval = 3600;
	scenario_build(s, graph_make_ft2(4));
	scenario_start_sm(s);
	scenario_run(s, 60 * LOOP_SEC);
	scenario_reboot(s, s->hosts[5]);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(sim_state(scenario_host(s, 5)), SIM_ACTIVE);
}

/* ---- keys of management ---------------------------------------------------------------------- */

static void a_fabric_with_a_management_key_comes_up(void **state)
{
	for (unsigned protection = 0; protection <= 3; protection++) {
		struct scenario *s = scenario_new(protection);

		s->first.conf.m_key = 0x1234567890abcdef;
		s->first.conf.m_key_protection = protection;
		scenario_comes_up(s, graph_make_ft2(4));
		assert_int_equal(be64toh(scenario_host(s, 3)->info.m_key), 0x1234567890abcdef);
		scenario_reboot(s, s->hosts[3]);
		scenario_is_good_again(s);
		for (unsigned i = 0; i < 3; i++) {
			scenario_kill_sm(s);
			scenario_start_sm(s);
			scenario_is_good_again(s);
		}
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

static void it_is_killed_while_it_sets_management_keys(void **state)
{
	for (unsigned i = 0; i < 30; i++) {
		struct scenario *s = scenario_new(i);

		s->first.conf.m_key = i + 1;
		s->first.conf.m_key_protection = 2;
		memory_keeper_set_delay(s->first.keeper, 1 * LOOP_MSEC);
		scenario_build(s, graph_make_ft2(4));
		for (unsigned n = 0; n < 5; n++) {
			scenario_start_sm(s);
			scenario_run(s, scenario_random(s, 3 * LOOP_MSEC));
			scenario_kill_sm(s);
		}
		scenario_start_sm(s);
		scenario_is_good_again(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* ---- what the stories would notice ------------------------------------------------------------
 */

/* Something is done behind the back of the subnet manager; then this is said. */
static void is_noticed(struct scenario *s, const char *sentence)
{
	char why[512] = "nothing";

	assert_false(scenario_is_good(s, NULL, why));
	if (!strstr(why, sentence))
		fail_msg("\"%s\" is noticed instead of \"%s\"", why, sentence);
}

static void what_is_wrong_is_noticed(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host = NULL, *other;
	struct sim_switch *sw;
	uint16_t lid;
	uint8_t route;

	s->closed = true;
	scenario_comes_up(s, graph_make_ft2(4));
	host = scenario_host(s, 3);
	other = scenario_host(s, 4);
	lid = sim_lid(host);
	sw = s->switches[0]->sw;
	route = sw->lft[lid];

	sw->lft[lid] = SIM_LFT_NONE;
	is_noticed(s, "the switch has no route");
	sw->lft[lid] = route == 1 ? 2 : 1;
	is_noticed(s, "does not reach LID");
	sw->lft[lid] = route;

	host->info.base_lid = other->info.base_lid;
	is_noticed(s, "both have LID");
	host->info.base_lid = htobe16(lid);

	host->info.state_info1--;
	is_noticed(s, "has a link and is in state 3");
	host->info.state_info1++;

	host->info.mtu_smsl ^= 0x10;
	is_noticed(s, "PortInfo");
	host->info.mtu_smsl ^= 0x10;

	host->pkeys[0] = htobe16(0xffff);
	is_noticed(s, "and must not");
	host->pkeys[0] = htobe16(0x7fff);

	assert_true(scenario_is_good(s, NULL, (char[512]){ 0 }));
	scenario_pull(s, some_link(s));
	is_noticed(s, "");
}

static void a_key_that_is_believed_and_not_held_is_noticed(void **state)
{
	struct scenario *s = *state;

	s->closed = true;
	scenario_comes_up(s, graph_make_ft2(4));
	scenario_host(s, 3)->pkeys[5] = htobe16(0x8123);
	is_noticed(s, "believed to be");
}

/* ---- for long -------------------------------------------------------------------------------- */

static void memory_does_not_grow(void **state)
{
	struct scenario *s = *state;
	size_t before = 0;

	scenario_comes_up(s, graph_make_ft2(8));
	for (unsigned i = 0; i < 120; i++) {
		struct sim_port *port = scenario_link(s, 1 + i % 7);

		scenario_pull(s, port);
		scenario_settle(s);
		scenario_plug(s, port);
		scenario_settle(s);
		if (i == 60)
			before = mallinfo2().uordblks;
	}
	/* Lists of lines that are full take as much as their last lines do. */
	if (mallinfo2().uordblks > before + 64 * 1024)
		scenario_fail(s, "%zu bytes grew to %zu", before, mallinfo2().uordblks);
	scenario_expect_all_good(s);
}

/* ---- our own LID last -------------------------------------------------------------------------
 */

#define LIDS 256

/* Tables as they were when our own LID came into them. */
struct own_lid {
	struct scenario *s;
	unsigned n;
	struct {
		const struct sim_node *node;
		uint8_t exit[LIDS];
	} table[64];
};

static bool has_been_seen(const struct own_lid *own, const struct sim_node *node)
{
	for (unsigned i = 0; i < own->n; i++)
		if (own->table[i].node == node)
			return true;

	return false;
}

static void on_write(void *user, struct sim_node *node, bool before)
{
	struct own_lid *own = user;
	unsigned lid = be16toh(own->s->first.port->info.base_lid);

	scenario_watch_write(own->s, before);
	if (before || sim_lft_at(node, lid) == SIM_LFT_NONE || has_been_seen(own, node))
		return;
	assert_true(own->n < COUNT(own->table));
	own->table[own->n].node = node;
	for (unsigned i = 0; i < LIDS; i++)
		own->table[own->n].exit[i] = sim_lft_at(node, i);
	own->n++;
}

/* So that who can ask us something can go where we send him. */
static void who_is_led_to_us_is_led_everywhere(void **state)
{
	struct scenario *s = *state;
	struct own_lid own = { .s = s };

	scenario_build(s, graph_make_ft3(8, 6));
	s->fabric->on_routes = on_write;
	s->fabric->on_routes_user = &own;
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_int_equal(own.n, 6 * 8 + 16);
	assert_true(sim_lft_at(own.table[0].node, 2 * 64) != SIM_LFT_NONE);
	for (unsigned n = 0; n < own.n; n++)
		for (unsigned i = 0; i < LIDS; i++)
			assert_int_equal(own.table[n].exit[i], sim_lft_at(own.table[n].node, i));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

/* ---- somebody who is no subnet manager says that he was master ------------------------------- */

static void hand_over_as(struct sim_client *client, uint64_t tid)
{
	struct sim_packet p = {
		.dlid = be16toh(client->port->info.master_sm_base_lid),
		.length = SIM_MAD_SIZE,
	};
	ib_sm_info_t info = { .guid = client->port->guid, .pri_state = 0xf3 };

	p.smp.base_ver = 1;
	p.smp.mgmt_class = 1;
	p.smp.class_ver = 1;
	p.smp.method = SIM_SET;
	p.smp.trans_id = htobe64(tid);
	p.smp.attr_id = htobe16(0x0020);
	p.smp.attr_mod = htobe32(1);
	memcpy(p.smp.data, &info, sizeof(info));
	sim_client_send(client, &p);
}

static void ignore_answer(void *user, const struct sim_packet *packet)
{
	unsigned *n = user;

	(void)packet;
	++*n;
}

/* All is read again each time, but no faster than sweeps come; the work is done meanwhile. */
static void a_storm_of_handovers_stops_nobody(void **state)
{
	struct scenario *s = scenario_new(1);
	unsigned n_answers = 0;
	struct sim_client client = { .receive = ignore_answer, .user = &n_answers };
	uint32_t sweeps;

	(void)state;
	scenario_build(s, graph_make_ft2(4));
	scenario_start_sm(s);
	scenario_expect_good_within(s, 60);
	assert_int_equal(sim_attach(scenario_host(s, 2), &client), 0);
	sweeps = sm_fabric(s->first.sm)->sweep;
	for (unsigned i = 1; i <= 1200; i++) {
		hand_over_as(&client, i);
		if (i == 100)
			scenario_pull(s, scenario_host(s, 5));
		if (i == 400)
			scenario_plug(s, scenario_host(s, 5));
		if (i >= 1000)
			assert_int_equal(sim_state(scenario_host(s, 5)), SIM_ACTIVE);
		scenario_run(s, 50 * LOOP_MSEC);
	}
	assert_int_equal(n_answers, 1200);
	assert_true(sm_fabric(s->first.sm)->sweep < sweeps + 60);
	sim_detach(&client);
	scenario_expect_good_within(s, 60);
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_is_led_to_us_is_led_everywhere),
		TEST(one_switch_comes_up),
		TEST(a_line_comes_up),
		TEST(a_ring_comes_up),
		TEST(a_tree_of_two_levels_comes_up),
		TEST(a_tree_of_three_levels_comes_up),
		TEST(lids_of_a_tree_lie_together),
		TEST(a_cable_costs_the_same_after_others),
		TEST(nothing_is_left_above_the_tables),
		TEST(what_is_said_above_the_top_is_worth_nothing),
		TEST(nothing_is_left_above_a_top_that_is_raised),
		TEST(lids_of_a_tree_are_those_that_graph_deal_lids_gives),
		TEST(a_torus_comes_up),
		TEST(a_dragonfly_comes_up),
		TEST(a_random_fabric_comes_up),
		TEST(hosts_of_two_ports_come_up),
		TEST(a_fabric_with_many_lids_for_each_port_comes_up),
		TEST(a_fabric_whose_links_train_for_seconds_comes_up),
		TEST(a_subnet_manager_on_a_switch_brings_it_up),
		TEST(a_cable_is_pulled_and_put_back),
		TEST(routes_of_a_cable_are_not_made_from_scratch),
		TEST(the_link_of_the_subnet_manager_itself_is_cut),
		TEST(a_cable_is_pulled_while_the_fabric_comes_up),
		TEST(a_link_that_flaps_all_the_time_comes_to_rest_when_it_does),
		TEST(many_cables_are_pulled_at_once),
		TEST(no_write_closes_a_circle_in_a_tree),
		TEST(no_write_closes_a_circle_in_a_torus),
		TEST(no_write_closes_a_circle_in_a_dragonfly),
		TEST(no_write_closes_a_circle_in_a_random_fabric),
		TEST(what_a_stranger_wrote_is_withdrawn_first),
		TEST(what_a_stranger_left_is_withdrawn_first),
		TEST(a_switch_that_takes_no_routes_is_not_waited_for),
		TEST(a_switch_that_gives_up_no_routes_is_not_waited_for),
		TEST(what_was_set_late_is_found),
		TEST(a_write_that_closes_a_circle_is_noticed),
		TEST(a_host_reboots),
		TEST(a_host_that_reboots_while_the_fabric_comes_up_gets_its_keys),
		TEST(a_host_is_off_for_a_while),
		TEST(a_host_gets_the_lid_that_was_reserved_before_it_appeared),
		TEST(what_is_reserved_survives_fifty_kills),
		TEST(every_switch_reboots),
		TEST(a_switch_is_off_for_a_while),
		TEST(the_whole_fabric_reboots),
		TEST(a_restart_in_order_writes_nothing),
		TEST(nor_where_no_lids_were_left_for_switches),
		TEST(it_is_killed_fifty_times_at_random_moments),
		TEST(cables_are_moved_while_it_does_not_run),
		TEST(one_with_a_higher_priority_takes_over),
		TEST(the_other_takes_over_when_the_master_dies),
		TEST(another_is_master_while_its_link_is_cut_and_then_gone),
		TEST(who_is_handed_the_fabric_while_it_discovers_is_soon_master),
		TEST(the_standby_takes_over_at_once_when_the_master_stops),
		TEST(two_masters_become_one_when_their_parts_meet),
		TEST(limited_members_do_not_talk_to_each_other),
		TEST(members_come_and_go),
		TEST(partitions_change_while_the_fabric_comes_up),
		TEST(a_member_is_added_before_its_port_comes),
		TEST(members_come_and_go_at_run_time),
		TEST(vfs_behind_a_switch_in_the_hca_come_up),
		TEST(a_guest_that_moves_keeps_its_lid_and_its_partitions),
		TEST(a_guest_that_moves_while_the_fabric_comes_up_is_found),
		TEST(an_hca_reboots_and_its_guests_come_later),
		TEST(a_guid_that_two_ports_have_spoils_nothing_else),
		TEST(who_is_left_out_as_a_twin_sends_and_closes_no_circle),
		TEST(a_guid_that_is_found_elsewhere_is_another_device),
		TEST(a_port_guid_that_two_had_who_are_off_has_one_place),
		TEST(a_silent_host_spoils_nothing_else),
		TEST(a_switch_that_falls_silent_is_routed_around),
		TEST(devices_die_while_they_are_asked),
		TEST(a_host_that_does_not_keep_its_settings_is_told_once),
		TEST(answers_that_are_malformed_are_not_believed),
		TEST(routes_that_a_switch_acknowledged_and_forgot_are_mended),
		TEST(keys_that_a_host_acknowledged_and_forgot_are_mended),
		TEST(keys_that_a_host_refused_and_took_are_mended),
		TEST(devices_that_are_slow_and_have_little_room_come_up),
		TEST(a_fabric_that_loses_one_percent_comes_up),
		TEST(a_fabric_that_loses_ten_percent_comes_up),
		TEST(a_fabric_that_loses_thirty_percent_is_good_when_it_is_mended),
		TEST(sets_that_are_overtaken_by_newer_ones_are_mended),
		TEST(packets_that_come_late_twice_and_in_any_order_do_no_harm),
		TEST(a_storm_of_traps_does_not_wear_it_out),
		TEST(traps_of_nobody_are_nothing_to_it),
		TEST(no_trap_of_a_link_that_bounces_is_ignored),
		TEST(a_trap_makes_it_look_at_once),
		TEST(a_fabric_with_a_management_key_comes_up),
		TEST(it_is_killed_while_it_sets_management_keys),
		TEST(what_is_wrong_is_noticed),
		TEST(a_key_that_is_believed_and_not_held_is_noticed),
		TEST(memory_does_not_grow),
		cmocka_unit_test(a_storm_of_handovers_stops_nobody),
	};

	return cmocka_run_group_tests_name("scenarios", tests, NULL, NULL);
}
