/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* What the checks of a whole fabric find, and that they find nothing where nothing is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/sim/check.h"
#include "tests/sim/test-tree.h"

enum { MLID = 0xc001 };

/* Three leaves of two hosts, two spines. */
static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_two(t, 3, 2, 2);
	*state = t;
	return 0;
}

enum { RING = 4 };

/* Four switches with a host at port 1; port 2 leads clockwise, to port 3 of the next. */
static int set_up_ring(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	*t = (struct tree){ .n_leaves = RING, .n_hosts = 1 };
	tree_begin(t);
	t->hosts = tree_nodes(t, SIM_CA, RING, 1, 'H');
	t->leaves = tree_nodes(t, SIM_SWITCH, RING, 3, 'L');
	for (unsigned i = 0; i < RING; i++) {
		tree_link(t->hosts[i], 1, t->leaves[i], 1);
		tree_link(t->leaves[i], 2, t->leaves[(i + 1) % RING], 3);
	}
	tree_bring_up(t);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	free(*state);
	return 0;
}

static struct sim_port *host(struct tree *t, unsigned n)
{
	return &t->hosts[n]->ports[1];
}

/* The shorter way to hosts; of two, clockwise where @clockwise has the bit of the destination. */
static void route_ring(struct tree *t, unsigned clockwise)
{
	for (unsigned to = 0; to < RING; to++)
		for (unsigned at = 0; at < RING; at++) {
			unsigned way = (to - at + RING) % RING;
			unsigned port = way == 0                                        ? 1
					: way == 1 || (way == 2 && clockwise >> to & 1) ? 2
											: 3;

			t->leaves[at]->sw->lft[to + 1] = (uint8_t)port;
		}
}

static void assert_one(const struct sim_findings *found, const char *text)
{
	if (found->n != 1 || !strstr(found->text[0], text))
		print_message("%u: %s\n", found->n, found->text[0]);
	assert_int_equal(found->n, 1);
	assert_non_null(strstr(found->text[0], text));
}

/* ---- nothing to find ------------------------------------------------------------------------- */

static void a_fat_tree_that_is_up_is_in_order(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_credits all = { .sls = 0xffff, .switches_send = true };

	for (unsigned l = 0; l < 3; l++)
		tree_mft(t->leaves[l], MLID, 1 << 1 | 1 << 2 | 1 << 3);
	tree_mft(t->spines[0], MLID, 1 << 1 | 1 << 2 | 1 << 3);
	assert_int_equal(sim_check_all(t->fabric, &found), 0);
	assert_string_equal(found.text[0], "");
	assert_int_equal(found.n, 0);
	assert_int_equal(sim_check_credits(t->fabric, &all, &found), 0);
	assert_int_equal(found.n, 0);
}

/* ---- states and identities ------------------------------------------------------------------- */

static void a_port_with_a_link_that_is_not_active_is_found(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	sim_set_state(&t->leaves[0]->ports[3], SIM_ARMED);
	assert_int_equal(sim_check_states(t->fabric, &found), 0);
	assert_one(&found, "\"L-1\"[3] is Armed");
	sim_cable_pull(&t->leaves[0]->ports[3]);
	found.n = 0;
	assert_int_equal(sim_check_states(t->fabric, &found), 0);
	assert_int_equal(found.n, 0);
}

static int identities(struct tree *t, struct sim_findings *found)
{
	memset(found, 0, sizeof(*found));
	return sim_check_identities(t->fabric, found);
}

static void two_ports_with_one_lid_are_found(void **state)
{
	struct tree *t = *state;
	struct sim_findings found;

	host(t, 1)->info.base_lid = htobe16(1);
	assert_int_equal(identities(t, &found), 0);
	assert_one(&found, "\"H-1\"[1] and \"H-2\"[1] both have LID 1");
	/* Nobody can mistake what is dark. */
	sim_power(t->hosts[0], false);
	assert_int_equal(identities(t, &found), 0);
	assert_int_equal(found.n, 0);
}

static void lids_of_an_lmc_overlap_too(void **state)
{
	struct tree *t = *state;
	struct sim_findings found;

	host(t, 3)->info.mkey_lmc = 1;
	assert_int_equal(identities(t, &found), 0);
	assert_one(&found, "both have LID 5");
}

static void a_live_port_without_a_lid_is_found(void **state)
{
	struct tree *t = *state;
	struct sim_findings found;

	host(t, 3)->info.base_lid = 0;
	assert_int_equal(identities(t, &found), 0);
	assert_one(&found, "\"H-4\"[1] has no LID");
}

static void guids_that_two_have_are_found(void **state)
{
	struct tree *t = *state;
	struct sim_findings found;
	struct sim_port *port = host(t, 2);
	ib_net64_t before = t->hosts[0]->info.node_guid;

	t->hosts[0]->info.node_guid = t->hosts[1]->info.node_guid;
	assert_int_equal(identities(t, &found), 0);
	assert_one(&found, "both have node GUID 0x");
	sim_power(t->hosts[1], false);
	assert_int_equal(identities(t, &found), 0);
	assert_int_equal(found.n, 0);
	t->hosts[0]->info.node_guid = before;
	port->guids = calloc(port->info.guid_cap, sizeof(*port->guids));
	assert_non_null(port->guids);
	port->guids[5] = htobe64(host(t, 4)->guid);
	assert_int_equal(identities(t, &found), 0);
	assert_one(&found, "both have GUID 0x");
	port->guids[5] = 0;
	assert_int_equal(identities(t, &found), 0);
	assert_int_equal(found.n, 0);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static void a_circle_of_routes_is_found_with_its_ports(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	t->spines[0]->sw->lft[6] = 2;
	t->leaves[1]->sw->lft[6] = 4;
	t->spines[1]->sw->lft[6] = 1;
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_one(&found, "LID 6 goes in a circle: ");
	assert_non_null(strstr(found.text[0], "\"S-1\"[2]"));
	assert_non_null(strstr(found.text[0], "\"L-2\"[4]"));
	assert_non_null(strstr(found.text[0], "\"S-2\"[1]"));
	assert_non_null(strstr(found.text[0], "\"L-1\"[3]"));
	/* A link that is down is no part of a circle. */
	found.n = 0;
	sim_cable_pull(&t->spines[0]->ports[2]);
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
	sim_cable_plug(&t->spines[0]->ports[2]);
	/* Above the top nothing is forwarded. */
	for (unsigned i = 0; i < t->fabric->n_nodes; i++)
		if (t->fabric->nodes[i]->sw)
			t->fabric->nodes[i]->sw->info.lin_top = htobe16(5);
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
}

/* Data passes a link that is Active at the near end and at least Armed at the far one. */
static void at_a_moment_only_links_that_are_active_count(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_port *down = &t->spines[0]->ports[1];

	t->leaves[0]->sw->lft[6] = 3;
	t->spines[0]->sw->lft[6] = 1;
	assert_int_equal(sim_check_moment(t->fabric, NULL, &found), 0);
	assert_one(&found, "LID 6 goes in a circle: ");
	found.n = 0;
	sim_set_state(down->far, SIM_ARMED);
	assert_int_equal(sim_check_moment(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0); /* back up it does not pass */
	sim_set_state(down->far, SIM_ACTIVE);
	sim_set_state(down, SIM_ARMED);
	assert_int_equal(sim_check_moment(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 1);
}

static void the_lid_of_a_switch_ends_there_whatever_its_table_says(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_switch *sw = t->leaves[0]->sw;

	sw->lft[sim_lid(&t->leaves[0]->ports[0])] = 3;
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
}

static void a_lid_that_nobody_owns_must_not_circle_either(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	t->leaves[0]->sw->info.lin_top = htobe16(40);
	t->spines[0]->sw->info.lin_top = htobe16(40);
	t->leaves[0]->sw->lft[40] = 3;
	t->spines[0]->sw->lft[40] = 1;
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_one(&found, "LID 40 goes in a circle: ");
}

static void old_and_new_tables_can_circle_where_neither_does(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_snapshot *before;

	/* To host 1 of the ring: from switch 2 by 3, or by way of 1, 0. */
	route_ring(t, 0xf);
	t->leaves[3]->sw->lft[2] = 3;
	t->leaves[2]->sw->lft[2] = 3;
	assert_int_equal(sim_snapshot_take(t->fabric, &before), 0);
	t->leaves[3]->sw->lft[2] = 2;
	t->leaves[2]->sw->lft[2] = 2;
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(sim_check_routes(t->fabric, before, &found), 0);
	assert_one(&found, "LID 2 goes in a circle: \"L-3\"[2], \"L-4\"[3]");
	sim_snapshot_free(before);
}

static void a_snapshot_is_a_copy(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_snapshot *before;

	t->leaves[0]->sw->lft[6] = 3;
	t->spines[0]->sw->lft[6] = 1;
	assert_int_equal(sim_snapshot_take(t->fabric, &before), 0);
	t->spines[0]->sw->lft[6] = 3;
	assert_int_equal(sim_check_routes(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
	assert_int_equal(sim_check_routes(t->fabric, before, &found), 0);
	assert_int_equal(found.n, 1);
	sim_snapshot_free(before);
	sim_snapshot_free(NULL);
}

static void a_switch_that_is_newer_than_a_snapshot_had_no_table(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };
	struct sim_snapshot *before;
	struct sim_node *node;

	assert_int_equal(sim_snapshot_take(t->fabric, &before), 0);
	node = tree_node(t, SIM_SWITCH, 2, 'N', 1);
	tree_link(node, 1, tree_node(t, SIM_SWITCH, 2, 'N', 2), 1);
	assert_int_equal(sim_check_routes(t->fabric, before, &found), 0);
	assert_int_equal(found.n, 0);
	sim_snapshot_free(before);
}

/* ---- credits --------------------------------------------------------------------------------- */

static unsigned credit_loops(struct tree *t, const struct sim_credits *what,
			     struct sim_findings *found)
{
	memset(found, 0, sizeof(*found));
	assert_int_equal(sim_check_credits(t->fabric, what, found), 0);
	return found->n;
}

static void a_ring_has_a_credit_loop(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	route_ring(t, 0xf);
	assert_int_equal(credit_loops(t, &what, &found), 1);
	assert_one(&found, "credit loop of 4 links: ");
	for (unsigned i = 0; i < RING; i++) {
		char text[32];

		snprintf(text, sizeof(text), "\"L-%u\"[2] VL 0", i + 1);
		assert_non_null(strstr(found.text[0], text));
	}
	route_ring(t, 0x3);
	assert_int_equal(credit_loops(t, &what, &found), 0);
	route_ring(t, 0xc);
	assert_int_equal(credit_loops(t, &what, &found), 0);
}

static void at_a_moment_links_can_lock(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	route_ring(t, 0xf);
	assert_int_equal(sim_check_moment(t->fabric, NULL, &found), 0);
	assert_one(&found, "credit loop of 4 links: ");
	found.n = 0;
	sim_set_state(&t->leaves[1]->ports[2], SIM_ARMED);
	assert_int_equal(sim_check_moment(t->fabric, NULL, &found), 0);
	assert_int_equal(found.n, 0);
}

static void old_and_new_tables_can_lock_where_neither_does(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;
	struct sim_snapshot *before;

	route_ring(t, 0x3);
	assert_int_equal(sim_snapshot_take(t->fabric, &before), 0);
	what.before = before;
	assert_int_equal(credit_loops(t, &what, &found), 0);
	route_ring(t, 0xc);
	assert_int_equal(credit_loops(t, &what, &found), 1);
	found.n = 0;
	assert_int_equal(sim_check_routes(t->fabric, before, &found), 0);
	assert_int_equal(found.n, 0);
	sim_snapshot_free(before);
}

static void who_is_no_destination_does_not_count(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1, .switches_send = true };
	struct sim_findings found;

	route_ring(t, 0xf);
	sim_power(t->hosts[0], false);
	assert_int_equal(credit_loops(t, &what, &found), 0);
	sim_power(t->hosts[0], true);
	host(t, 0)->info.base_lid = htobe16(1);
	assert_int_equal(credit_loops(t, &what, &found), 1);
}

static void switches_are_sources_if_one_says_so(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	/* The LID of the host at the first switch is the switch's own; no host is there. */
	route_ring(t, 0xf);
	sim_power(t->hosts[0], false);
	t->leaves[0]->ports[0].info.base_lid = htobe16(1);
	assert_int_equal(credit_loops(t, &what, &found), 0);
	what.switches_send = true;
	assert_int_equal(credit_loops(t, &what, &found), 1);
}

static void what_a_switch_does_not_send_back_waits_for_nothing(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	route_ring(t, 0x3);
	t->leaves[0]->sw->lft[2] = 2;
	t->leaves[1]->sw->lft[2] = 3;
	assert_int_equal(credit_loops(t, &what, &found), 0);
}

/* Lane of SL 0 from @in to @out of @node. */
static void set_lane(struct sim_node *node, unsigned in, unsigned out, unsigned lane)
{
	struct sim_port *port = &node->ports[out];

	if (!port->sl2vl) {
		port->sl2vl = calloc(node->n_ports + 1u, sizeof(*port->sl2vl));
		assert_non_null(port->sl2vl);
	}
	port->sl2vl[in][0] = (uint8_t)(lane << 4);
}

static void a_second_lane_breaks_the_circle(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	route_ring(t, 0xf);
	/* Clockwise on through switch 0, and from what came so on, on lane 1. */
	set_lane(t->leaves[0], 3, 2, 1);
	assert_int_equal(credit_loops(t, &what, &found), 0);
	/* SL 1 shares lane 0 with it everywhere. */
	what.sls = 3;
	assert_int_equal(credit_loops(t, &what, &found), 1);
	/* A lane that drops holds nothing. */
	set_lane(t->leaves[0], 3, 2, 15);
	what.sls = 1;
	assert_int_equal(credit_loops(t, &what, &found), 0);
}

/* All the way round, by one lane where it begins and by another from there on. */
static void each_lane_of_a_link_is_followed(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	for (unsigned at = 0; at < RING; at++) {
		for (unsigned to = 0; to < RING; to++)
			t->leaves[at]->sw->lft[to + 1] = at == to ? 1 : 2;
		set_lane(t->leaves[at], 3, 2, 1);
	}
	assert_int_equal(credit_loops(t, &what, &found), 1);
	assert_one(&found, "credit loop of 4 links: ");
	assert_non_null(strstr(found.text[0], "\"L-1\"[2] VL 1"));
	for (unsigned at = 0; at < RING; at++)
		set_lane(t->leaves[at], 3, 2, 15);
	assert_int_equal(credit_loops(t, &what, &found), 0);
}

static void lanes_of_different_sls_lock_together(void **state)
{
	struct tree *t = *state;
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found;

	/* SL 0 does not go on through switch 0, SL 1 does only that; both on lane 0. */
	route_ring(t, 0xf);
	for (unsigned i = 0; i < RING; i++) {
		set_lane(t->leaves[i], 3, 2, i ? 0 : 15);
		t->leaves[i]->ports[2].sl2vl[3][0] |= i ? 15 : 0;
	}
	assert_int_equal(credit_loops(t, &what, &found), 0);
	what.sls = 2;
	assert_int_equal(credit_loops(t, &what, &found), 0);
	what.sls = 3;
	assert_int_equal(credit_loops(t, &what, &found), 1);
}

/* ---- multicast ------------------------------------------------------------------------------- */

static void a_circle_of_multicast_is_found(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	for (unsigned l = 0; l < 2; l++)
		tree_mft(t->leaves[l], MLID, 1 << 1 | 1 << 3 | 1 << 4);
	tree_mft(t->spines[0], MLID, 1 << 1 | 1 << 2);
	assert_int_equal(sim_check_multicast(t->fabric, &found), 0);
	assert_int_equal(found.n, 0);
	tree_mft(t->spines[1], MLID, 1 << 1 | 1 << 2);
	assert_int_equal(sim_check_multicast(t->fabric, &found), 0);
	assert_one(&found, "multicast LID 0xc001 goes in a circle: ");
}

static void default_multicast_ports_can_circle(void **state)
{
	struct tree *t = *state;
	struct sim_findings found = { 0 };

	for (unsigned i = 0; i < RING - 1; i++)
		t->leaves[i]->sw->info.def_mcast_pri_port = 2;
	assert_int_equal(sim_check_multicast(t->fabric, &found), 0);
	assert_int_equal(found.n, 0);
	t->leaves[RING - 1]->sw->info.def_mcast_pri_port = 2;
	assert_int_equal(sim_check_multicast(t->fabric, &found), 0);
	assert_one(&found, "goes in a circle: ");
}

/* ---- speed ----------------------------------------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void checks_of_1620_switches_take_no_minute(void **state)
{
	struct sim_credits what = { .sls = 1 };
	struct sim_findings found = { 0 };
	struct tree t;
	double times[5];

	(void)state;
	tree_three(&t, 18);
	assert_int_equal(t.fabric->n_nodes, 1620 + 11664);
	times[0] = now();
	assert_int_equal(sim_check_routes(t.fabric, NULL, &found), 0);
	times[1] = now();
	assert_int_equal(sim_check_credits(t.fabric, &what, &found), 0);
	times[2] = now();
	assert_int_equal(sim_check_identities(t.fabric, &found), 0);
	assert_int_equal(sim_check_states(t.fabric, &found), 0);
	times[3] = now();
	print_message("routes %.3f s, credits %.3f s, ports %.3f s\n", times[1] - times[0],
		      times[2] - times[1], times[3] - times[2]);
	assert_int_equal(found.n, 0);
	/* Ten times of what it takes, for slow machines and sanitizers. */
	assert_true(times[3] - times[0] < 20);
	tree_free(&t);
}

#define TEST(f)    cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define IN_RING(f) cmocka_unit_test_setup_teardown(f, set_up_ring, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_fat_tree_that_is_up_is_in_order),
		TEST(a_port_with_a_link_that_is_not_active_is_found),
		TEST(two_ports_with_one_lid_are_found),
		TEST(lids_of_an_lmc_overlap_too),
		TEST(a_live_port_without_a_lid_is_found),
		TEST(guids_that_two_have_are_found),
		TEST(a_circle_of_routes_is_found_with_its_ports),
		TEST(at_a_moment_only_links_that_are_active_count),
		TEST(the_lid_of_a_switch_ends_there_whatever_its_table_says),
		TEST(a_lid_that_nobody_owns_must_not_circle_either),
		IN_RING(old_and_new_tables_can_circle_where_neither_does),
		TEST(a_snapshot_is_a_copy),
		TEST(a_switch_that_is_newer_than_a_snapshot_had_no_table),
		IN_RING(a_ring_has_a_credit_loop),
		IN_RING(at_a_moment_links_can_lock),
		IN_RING(old_and_new_tables_can_lock_where_neither_does),
		IN_RING(who_is_no_destination_does_not_count),
		IN_RING(switches_are_sources_if_one_says_so),
		IN_RING(what_a_switch_does_not_send_back_waits_for_nothing),
		IN_RING(each_lane_of_a_link_is_followed),
		IN_RING(a_second_lane_breaks_the_circle),
		IN_RING(lanes_of_different_sls_lock_together),
		TEST(a_circle_of_multicast_is_found),
		IN_RING(default_multicast_ports_can_circle),
		cmocka_unit_test(checks_of_1620_switches_take_no_minute),
	};

	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
