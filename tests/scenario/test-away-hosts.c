/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of hosts that are off while the subnet manager starts anew, behind leaves that are there
 * or off as well: what it remembers of them, and what if they come back elsewhere, or others in
 * their place.
 */

#include "tests/scenario/away-rig.h"

#include <endian.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sm/machine.h"
#include "tests/scenario/vport-rig.h"

static void a_restart_leaves_the_ways_to_hosts_that_are_off(void **state)
{
	struct scenario *s = *state;
	uint64_t before;

	scenario_build(s, graph_make_ft2(8));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	for (unsigned i = 3; i < 24; i += 5)
		scenario_power_off(s, s->hosts[i]);
	rig_settles_and_is_good(s);
	away_rig_restarts_in_silence(s, 2);
	/* They come back as if nobody had been away, the subnet manager included. */
	before = away_rig_lft_sets(s);
	for (unsigned i = 3; i < 24; i += 5)
		scenario_power_on(s, s->hosts[i]);
	rig_settles_and_is_good(s);
	assert_int_equal(away_rig_lft_sets(s), before);
}

/* @off: what is switched off. */
static uint64_t sets_of_return_with_vports(struct sim_node *(*off)(struct scenario *),
					   unsigned restarts)
{
	struct scenario *s = scenario_new(1);
	struct away_lids lids;
	uint64_t n;

	away_rig_guests_moved(s, &lids);
	away_rig_goes_off(s, off(s), restarts);
	n = away_rig_comes_on(s, off(s));
	away_rig_expect_lids(s, &lids);
	scenario_free(s);
	return n;
}

/* Whose ways its neighbour's guests have. */
static struct sim_node *a_neighbour(struct scenario *s)
{
	return scenario_host(s, 8)->node;
}

static struct sim_node *a_host(struct scenario *s)
{
	return scenario_host(s, 9)->node;
}

static struct sim_node *a_leaf(struct scenario *s)
{
	return scenario_host(s, 9)->far->node;
}

static void a_restart_leaves_the_ways_to_vports_of_hosts_that_are_off(void **state)
{
	(void)state;
	assert_int_equal(sets_of_return_with_vports(a_host, 3),
			 sets_of_return_with_vports(a_host, 0));
	assert_int_equal(sets_of_return_with_vports(a_neighbour, 3),
			 sets_of_return_with_vports(a_neighbour, 0));
}

static void a_restart_leaves_the_ways_to_vports_behind_a_switch_that_is_off(void **state)
{
	(void)state;
	assert_int_equal(sets_of_return_with_vports(a_leaf, 3),
			 sets_of_return_with_vports(a_leaf, 0));
}

/* First a host, and then its leaf; restarts before, between and after. */
static uint64_t sets_of_return_of_both(bool leaf_first, unsigned restarts)
{
	struct scenario *s = scenario_new(1);
	struct away_lids lids;
	uint64_t n;

	away_rig_guests_moved(s, &lids);
	away_rig_goes_off(s, a_host(s), restarts);
	away_rig_goes_off(s, a_leaf(s), restarts);
	n = away_rig_comes_on(s, leaf_first ? a_leaf(s) : a_host(s));
	away_rig_restarts_in_silence(s, restarts);
	n += away_rig_comes_on(s, leaf_first ? a_host(s) : a_leaf(s));
	away_rig_expect_lids(s, &lids);
	away_rig_restarts_in_silence(s, restarts);
	scenario_free(s);
	return n;
}

static void a_host_that_is_off_is_remembered_when_its_leaf_goes(void **state)
{
	(void)state;
	for (unsigned leaf_first = 0; leaf_first < 2; leaf_first++)
		assert_int_equal(sets_of_return_of_both(leaf_first, 2),
				 sets_of_return_of_both(leaf_first, 0));
}

static unsigned count_rows(struct scenario *s)
{
	struct away_rows rows;

	away_rig_rows(s, false, &rows);
	return rows.n;
}

/* Of whom nothing else is led to by its ways. */
static void a_host_without_vports_is_too(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host;
	uint16_t lid;

	scenario_build(s, graph_make_ft2(8));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	host = scenario_host(s, 9);
	lid = sim_lid(host);
	away_rig_goes_off(s, host->node, 1);
	away_rig_goes_off(s, a_leaf(s), 2);
	away_rig_comes_on(s, a_leaf(s));
	away_rig_restarts_in_silence(s, 1);
	assert_int_equal(away_rig_comes_on(s, host->node), 0);
	assert_int_equal(sim_lid(host), lid);
}

/* However many vports it has. */
static void a_host_that_is_off_is_one_row(void **state)
{
	struct scenario *s = *state;
	struct sim_node *host;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	host = scenario_host(s, 3)->node;
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(count_rows(s), 0);
		away_rig_goes_off(s, host, 1);
		assert_int_equal(count_rows(s), 1);
		away_rig_goes_off(s, scenario_host(s, 5)->node, 0);
		assert_int_equal(count_rows(s), 2);
		away_rig_comes_on(s, scenario_host(s, 5)->node);
		assert_int_equal(count_rows(s), 1);
		away_rig_comes_on(s, host);
	}
	assert_int_equal(count_rows(s), 0);
}

static void has_guids(struct sim_port *port, uint64_t node, uint64_t guid)
{
	port->node->info.node_guid = htobe64(node);
	sim_set_port_guid(port, guid);
}

/* Each with the other's GUIDs: as if their cables had been swapped. */
static void swap(struct sim_port *a, struct sim_port *b)
{
	uint64_t node = be64toh(a->node->info.node_guid), guid = a->guid;

	has_guids(a, be64toh(b->node->info.node_guid), b->guid);
	has_guids(b, node, guid);
}

/* While somebody is master, and while nobody is. */
static void hosts_that_come_back_elsewhere_are_led_to_there(void **state)
{
	(void)state;
	for (unsigned unseen = 0; unseen < 2; unseen++) {
		struct scenario *s = scenario_new(1);
		struct sim_port *a, *b;
		uint16_t lid;

		scenario_build(s, graph_make_ft2(8));
		scenario_start_sm(s);
		rig_settles_and_is_good(s);
		a = scenario_host(s, 3);
		b = scenario_host(s, 20);
		lid = sim_lid(a);
		away_rig_goes_off(s, a->node, 0);
		away_rig_goes_off(s, b->node, 1);
		if (unseen)
			scenario_stop_sm(s);
		swap(a, b);
		scenario_power_on(s, b->node);
		if (unseen)
			scenario_start_sm(s);
		rig_settles_and_is_good(s);
		assert_int_equal(sim_lid(b), lid);
		assert_int_equal(count_rows(s), 0);
		scenario_power_on(s, a->node);
		rig_settles_and_is_good(s);
		assert_int_equal(count_rows(s), 0);
		away_rig_restarts_in_silence(s, 1);
		scenario_free(s);
	}
}

/* Somebody else has its cable. */
static void whose_place_is_taken_is_not_put_back(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t guid;

	scenario_build(s, graph_make_ft2(8));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	port = scenario_host(s, 3);
	guid = port->guid;
	away_rig_goes_off(s, port->node, 1);
	assert_int_equal(count_rows(s), 1);
	scenario_stop_sm(s);
	has_guids(port, 0x1000000, 0x1000001);
	scenario_power_on(s, port->node);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_int_equal(fabric_find_port(&scenario_master(s)->sm->fabric, guid), NO_PORT);
	assert_int_equal(count_rows(s), 0);
}

enum { FAR_NODE = 29, FAR_PORT = FAR_NODE + 8 };

static void put_row(struct scenario *s, uint64_t id, const uint8_t *blob, uint64_t node,
		    uint64_t port)
{
	struct keeper *keeper = memory_keeper_keeper(s->first.keeper);
	uint8_t changed[AWAY_BLOB_SIZE];

	memcpy(changed, blob, sizeof(changed));
	node = htobe64(node);
	port = htobe64(port);
	memcpy(changed + FAR_NODE, &node, sizeof(node));
	memcpy(changed + FAR_PORT, &port, sizeof(port));
	assert_int_equal(
		keep_registration(keeper, &(struct kept_registration){ KEPT_AWAY, id, 0, changed,
								       sizeof(changed) }),
		0);
}

/* Of nobody, of somebody who is elsewhere, or who was: the place is that of who is led to there. */
static void rows_that_are_not_so_are_dropped(void **state)
{
	struct scenario *s = *state;
	struct sim_port *here, *off[2];
	struct away_rows rows;

	scenario_build(s, graph_make_ft2(8));
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	here = scenario_host(s, 3);
	for (unsigned i = 0; i < 2; i++) {
		off[i] = scenario_host(s, 9 + i);
		away_rig_goes_off(s, off[i]->node, 0);
	}
	scenario_stop_sm(s);
	away_rig_rows(s, false, &rows);
	assert_int_equal(rows.n, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct sim_port *other = off[1 - i];

		put_row(s, 100 + i, rows.blob[i], 1 + i, 0x10 + i);
		put_row(s, 200 + i, rows.blob[i], UINT64_MAX - i, UINT64_MAX - 0x10 - i);
		put_row(s, 300 + i, rows.blob[i], be64toh(here->node->info.node_guid), here->guid);
		put_row(s, 400 + i, rows.blob[i], be64toh(other->node->info.node_guid),
			other->guid);
	}
	memory_keeper_flush(s->first.keeper);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_int_equal(away_rig_sets(s), 0);
	assert_int_equal(count_rows(s), 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(away_rig_comes_on(s, off[i]->node), 0);
	assert_int_equal(count_rows(s), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_restart_leaves_the_ways_to_hosts_that_are_off),
		cmocka_unit_test(a_restart_leaves_the_ways_to_vports_of_hosts_that_are_off),
		cmocka_unit_test(a_restart_leaves_the_ways_to_vports_behind_a_switch_that_is_off),
		cmocka_unit_test(a_host_that_is_off_is_remembered_when_its_leaf_goes),
		TEST(a_host_without_vports_is_too),
		TEST(a_host_that_is_off_is_one_row),
		cmocka_unit_test(hosts_that_come_back_elsewhere_are_led_to_there),
		TEST(whose_place_is_taken_is_not_put_back),
		TEST(rows_that_are_not_so_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
