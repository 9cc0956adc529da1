/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of who is away while the subnet manager starts anew: switches, VFs that are stopped, and
 * GUIDs that nobody has any more. Switches lead to their LIDs as long as it runs; who starts has
 * only these tables, and its store, to see where they were. Of hosts: test-away-hosts.c.
 */

#include "tests/scenario/away-rig.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "routing/engine.h"
#include "tests/scenario/vport-rig.h"
#include "tests/sim/tables.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

static void a_restart_leaves_the_ways_to_vports_that_are_stopped(void **state)
{
	struct scenario *s = *state;
	struct sim_port *stopped, *changed;
	uint64_t guid;
	uint16_t lid;

	rig_build(s, graph_make_ft2(8), true, true);
	rig_comes_up(s);
	stopped = scenario_host(s, 3);
	changed = scenario_host(s, 17);
	lid = sim_vport(stopped, 1)->lid;
	guid = sim_vport(changed, 2)->guid;
	scenario_stop_vport(s, stopped, 1);
	scenario_set_vport_guid(s, changed, 2, UINT64_C(0x1200000000abcdef));
	scenario_power_off(s, s->hosts[9]);
	rig_settles_and_is_good(s);
	away_rig_restarts_in_silence(s, 2);
	scenario_start_vport(s, stopped, 1);
	scenario_set_vport_guid(s, changed, 2, guid);
	rig_settles_and_is_good(s);
	assert_int_equal(away_rig_lft_sets(s), 0);
	assert_int_equal(sim_vport(stopped, 1)->lid, lid);
}

static void a_restart_leaves_the_ways_to_vfs_behind_a_virtual_switch(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(8));
	for (unsigned i = 4; i < 12; i++)
		scenario_add_vfs(s, scenario_host(s, i), 4, true);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	for (unsigned i = 4; i < 12; i += 3)
		assert_int_equal(sim_vf_stop(scenario_host(s, i), 1 + i % 4), 0);
	scenario_happens(s, "VFs stop");
	rig_settles_and_is_good(s);
	away_rig_restarts_in_silence(s, 1);
	for (unsigned i = 4; i < 12; i += 3)
		assert_int_equal(sim_vf_start(scenario_host(s, i), 1 + i % 4), 0);
	scenario_happens(s, "and start");
	rig_settles_and_is_good(s);
	assert_int_equal(away_rig_lft_sets(s), 0);
}

/* What it costs when it is back: as if nobody had started anew meanwhile. */
static uint64_t sets_of_return(unsigned number, unsigned restarts)
{
	struct scenario *s = scenario_new(1);
	struct sim_node *node;
	uint64_t n;

	scenario_build(s, graph_make_ft2(8));
	node = s->switches[number];
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	away_rig_goes_off(s, node, restarts);
	n = away_rig_comes_on(s, node);
	/* And of who is back nothing is kept. */
	away_rig_restarts_in_silence(s, 1);
	scenario_free(s);
	return n;
}

static void a_restart_leaves_the_ways_to_switches_that_are_off(void **state)
{
	struct scenario *s = scenario_new(1);
	unsigned n;

	(void)state;
	scenario_build(s, graph_make_ft2(8));
	n = s->n_switches;
	scenario_free(s);
	for (unsigned i = 1; i < n; i += n - 2) /* a leaf, and the last spine */
		assert_int_equal(sets_of_return(i, 3), sets_of_return(i, 0));
}

/* As a store that an older one has left. */
static void forget_who_is_away(struct scenario *s, bool vports_only)
{
	struct keeper *keeper = memory_keeper_keeper(s->first.keeper);
	struct away_rows rows;

	scenario_stop_sm(s);
	away_rig_rows(s, vports_only, &rows);
	assert_in_range(rows.n, 1, 255);
	for (unsigned i = 0; i < rows.n; i++)
		keep_registration(
			keeper, &(struct kept_registration){ .kind = KEPT_AWAY, .id = rows.id[i] });
	memory_keeper_flush(s->first.keeper);
}

/*
 * What leads to a switch of which nothing is known makes no leaf of a spine: there are no hosts at
 * its ports.
 */
static void a_restart_takes_no_switch_that_is_off_for_a_host(void **state)
{
	struct scenario *s = *state;
	struct sim_node *leaf;

	scenario_build(s, graph_make_ft2(8));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	leaf = scenario_host(s, 20)->far->node;
	scenario_power_off(s, leaf);
	rig_settles_and_is_good(s);
	forget_who_is_away(s, false);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	for (uint32_t i = 0; i < s->n_switches; i++) {
		if (s->switches[i] == leaf)
			continue;
		for (unsigned p = 1; p <= leaf->n_ports; p++) {
			const struct sim_port *far = leaf->ports[p].far;

			if (!far->node->sw)
				assert_int_equal(sim_lft_at(s->switches[i], sim_lid(far)),
						 ROUTE_NONE);
		}
	}
	scenario_power_on(s, leaf);
	rig_settles_and_is_good(s);
	away_rig_restarts_in_silence(s, 1);
}

/* Of a store that knows switches alone nothing is made that is not so. */
static void a_store_without_vports_behind_switches_is_as_good(void **state)
{
	struct scenario *s = *state;
	struct away_lids before;
	struct sim_node *leaf;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	away_rig_note_lids(s, &before);
	leaf = scenario_host(s, 3)->far->node;
	scenario_power_off(s, leaf);
	rig_settles_and_is_good(s);
	forget_who_is_away(s, true);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	scenario_power_on(s, leaf);
	rig_settles_and_is_good(s);
	away_rig_expect_lids(s, &before);
}

/* Where they were is known, wherever ways lead to now: no end of the graph is made of them. */
static void ways_to_vports_behind_it_may_be_cut(void **state)
{
	struct scenario *s = *state;
	struct sim_node *near, *far;
	unsigned exit;

	rig_build(s, graph_make_ft2(8), true, true);
	rig_comes_up(s);
	near = s->first.port->far->node;
	far = scenario_host(s, 20)->far->node;
	exit = sim_lft_at(near, sim_vport(scenario_host(s, 20), 1)->lid);
	away_rig_goes_off(s, far, 1);
	scenario_stop_sm(s);
	scenario_pull(s, sim_port(near, exit));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	scenario_plug(s, sim_port(near, exit));
	away_rig_comes_on(s, far);
	rig_expect_all_up(s);
}

/* Whoever is elsewhere meanwhile is there, and the row says nothing against it. */
static void a_vport_behind_a_switch_that_is_off_may_have_moved(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;
	struct sim_node *leaf;
	uint16_t lid;

	rig_build(s, graph_make_ft2(4), true, true);
	scenario_stop_vport(s, scenario_host(s, 6), 3);
	rig_comes_up(s);
	from = scenario_host(s, 3);
	to = scenario_host(s, 6);
	lid = sim_vport(from, 1)->lid;
	leaf = from->far->node;
	scenario_power_off(s, leaf);
	rig_settles_and_is_good(s);
	scenario_stop_sm(s);
	scenario_move_vport(s, from, 1, to, 3);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	rig_expect_up(s, to, 3);
	assert_int_equal(sim_vport(to, 3)->lid, lid);
	scenario_power_on(s, leaf);
	rig_settles_and_is_good(s);
	rig_expect_up(s, to, 3);
	away_rig_restarts_in_silence(s, 1);
}

/* Who is elsewhere when it comes back is led to there, as if it had been seen to go. */
static void who_comes_back_elsewhere_is_led_to_there(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;

	rig_build(s, graph_make_ft2(8), true, true);
	scenario_stop_vport(s, scenario_host(s, 20), 3);
	rig_comes_up(s);
	from = scenario_host(s, 3);
	to = scenario_host(s, 20);
	scenario_stop_vport(s, from, 1);
	rig_settles_and_is_good(s);
	away_rig_restart(s, false);
	scenario_move_vport(s, from, 1, to, 3);
	rig_settles_and_is_good(s);
	rig_expect_up(s, to, 3);
}

/* What leads in a circle, or over a way that nobody has proven, is no way to be left. */
static void what_is_not_proven_is_taken_back(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint16_t lid;

	rig_build(s, graph_make_ring(6, 2), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 5);
	lid = sim_vport(port, 1)->lid;
	scenario_stop_vport(s, port, 1);
	rig_settles_and_is_good(s);
	scenario_stop_sm(s);
	for (uint32_t i = 0; i < s->n_switches; i++) {
		struct sim_node *sw = s->switches[i];

		for (unsigned p = 1; p <= sw->n_ports; p++)
			if (sw->ports[p].far && sw->ports[p].far->node->sw)
				assert_int_equal(sim_lft_put(sw, lid, (uint8_t)p),
						 0); /* all the same way round */
	}
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_true(away_rig_lft_sets(s) > 0);
	for (uint32_t i = 0; i < s->n_switches; i++)
		assert_int_equal(sim_lft_at(s->switches[i], lid), ROUTE_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_restart_leaves_the_ways_to_vports_that_are_stopped),
		TEST(a_restart_leaves_the_ways_to_vfs_behind_a_virtual_switch),
		cmocka_unit_test(a_restart_leaves_the_ways_to_switches_that_are_off),
		TEST(a_restart_takes_no_switch_that_is_off_for_a_host),
		TEST(a_store_without_vports_behind_switches_is_as_good),
		TEST(ways_to_vports_behind_it_may_be_cut),
		TEST(a_vport_behind_a_switch_that_is_off_may_have_moved),
		TEST(who_comes_back_elsewhere_is_led_to_there),
		TEST(what_is_not_proven_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
