/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A trap leads to a look at the switches that it tells of, and no others are asked
 * (sm/discover-look.c). Here no timer asks for sweeps, so that what a look does not find is not
 * found. What each kind of change costs, test-costs.c has; SMPs are counted here where that has no
 * line for them.
 */

#include "sm/machine.h"
#include "tests/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

/* ---- counting -------------------------------------------------------------------------------- */

/* SMPs since the start, as they were sent. */
struct smps {
	uint64_t node_info;
	uint64_t switch_info;
	uint64_t port_info;
	uint64_t keys;
	uint64_t set_switch_info;
	uint64_t set_port_info;
	uint64_t set_keys;
	uint64_t set_lft;
	uint64_t others;
};

static uint64_t *place_of(struct smps *n, uint8_t method, uint16_t attr)
{
	bool set = method == METHOD_SET;

	switch (attr) {
	case ATTR_NODE_INFO:
		return &n->node_info;
	case ATTR_SWITCH_INFO:
		return set ? &n->set_switch_info : &n->switch_info;
	case ATTR_PORT_INFO:
		return set ? &n->set_port_info : &n->port_info;
	case ATTR_PKEY_TABLE:
		return set ? &n->set_keys : &n->keys;
	case ATTR_LFT:
		return set ? &n->set_lft : &n->others;
	default:
		return &n->others;
	}
}

static struct smps count(const struct scenario *s)
{
	struct smps n = { 0 };
	struct request_counts counts;
	uint8_t method;
	uint16_t attr;

	for (unsigned i = 0; requests_count(sm_requests(s->first.sm), i, &attr, &method, &counts);
	     i++)
		*place_of(&n, method, attr) += counts.sent;
	return n;
}

/* But for tables, which are a matter of routing. */
static void costs(struct scenario *s, const struct smps *before, struct smps expected)
{
	struct smps now = count(s);
	struct smps spent = {
		.node_info = now.node_info - before->node_info,
		.switch_info = now.switch_info - before->switch_info,
		.port_info = now.port_info - before->port_info,
		.keys = now.keys - before->keys,
		.set_switch_info = now.set_switch_info - before->set_switch_info,
		.set_port_info = now.set_port_info - before->set_port_info,
		.set_keys = now.set_keys - before->set_keys,
		.others = now.others - before->others,
	};

	if (memcmp(&spent, &expected, sizeof(spent)) != 0)
		scenario_fail(s,
			      "Get NodeInfo %d, SwitchInfo %d, PortInfo %d, P_Keys %d; "
			      "Set SwitchInfo %d, PortInfo %d, P_Keys %d; others %d",
			      (int)spent.node_info, (int)spent.switch_info, (int)spent.port_info,
			      (int)spent.keys, (int)spent.set_switch_info, (int)spent.set_port_info,
			      (int)spent.set_keys, (int)spent.others);
}

/* ---- stories --------------------------------------------------------------------------------- */

/* What was to be looked at once more after a start is. */
static void comes_up(struct scenario *s, struct made_graph *graph)
{
	s->first.conf.sweep_interval = 0;
	scenario_build(s, graph);
	scenario_start_sm(s);
	scenario_run(s, 20 * LOOP_SEC);
	for (unsigned i = 0; i < 2; i++) {
		sm_sweep(s->first.sm, false);
		scenario_run(s, 20 * LOOP_SEC);
	}
}

/* All is as it was looked at: a sweep asks what it always asks, and nothing follows. */
static void a_sweep_finds_no_more(struct scenario *s)
{
	struct smps before = count(s);

	sm_sweep(s->first.sm, false);
	scenario_run(s, 20 * LOOP_SEC);
	costs(s, &before,
	      (struct smps){ .node_info = 1,
			     .switch_info = scenario_status(&s->first).switches,
			     .port_info = 1 });
	assert_int_equal(count(s).set_lft, before.set_lft);
}

/* So far nobody has swept. */
static void is_good_by_a_look(struct scenario *s)
{
	uint32_t sweep = sm_fabric(s->first.sm)->sweep;
	char why[512];

	scenario_run(s, 20 * LOOP_SEC);
	if (sm_fabric(s->first.sm)->sweep != sweep)
		scenario_fail(s, "it took a sweep");
	if (!scenario_is_good(s, NULL, why))
		scenario_fail(s, "%s", why);
}

/* From a leaf to a spine; 8 ports each. */
static struct sim_port *uplink(struct scenario *s)
{
	return scenario_link(s, 9);
}

/* Of a forwarding table. */
static unsigned lft_blocks(const struct scenario *s)
{
	const struct fabric *f = sm_fabric(s->first.sm);
	unsigned lid = LID_UNICAST_LAST;

	while (lid > 0 && f->by_lid[lid] == NO_PORT)
		lid--;

	return lid / LFT_BLOCK + 1;
}

/* What leads to its hosts is left, and all others are counted as they were. */
static void a_leaf_that_goes_and_comes_is_written_alone(void **state)
{
	struct scenario *s = *state;
	uint64_t before;

	comes_up(s, graph_make_ft3(8, 6));
	before = count(s).set_lft;
	scenario_power_off(s, s->switches[9]);
	is_good_by_a_look(s);
	assert_int_equal(count(s).set_lft, before);
	scenario_power_on(s, s->switches[9]);
	is_good_by_a_look(s);
	assert_int_equal(count(s).set_lft, before + lft_blocks(s));
	a_sweep_finds_no_more(s);
}

/*
 * All switches are away at once, with ways that are not those that are planned for them there: what
 * they are given when they come back makes no packet go in a circle.
 */
static void who_comes_back_with_old_ways_is_given_new_ones_in_order(void **state)
{
	char why[512];

	(void)state;
	for (unsigned cable = 0; cable < 8; cable++) {
		struct scenario *s = scenario_new(1);

		comes_up(s, graph_make_ft3(4, 3));
		scenario_pull(s, scenario_link(s, cable));
		scenario_run(s, 20 * LOOP_SEC);
		scenario_plug(s, scenario_link(s, cable));
		scenario_pull(s, scenario_host(s, 0));
		scenario_run(s, 5 * LOOP_SEC);
		sm_sweep(s->first.sm, false);
		scenario_run(s, 5 * LOOP_SEC);
		scenario_plug(s, scenario_host(s, 0));
		scenario_run(s, 20 * LOOP_SEC);
		if (!scenario_is_good(s, NULL, why))
			scenario_fail(s, "%s", why);
		scenario_free(s);
	}
}

/* As many are written when it goes, but for its own table. */
static void what_leads_over_a_spine_comes_back_with_it(void **state)
{
	struct scenario *s = *state;
	uint64_t before, away;

	comes_up(s, graph_make_ft3(8, 6));
	before = count(s).set_lft;
	scenario_power_off(s, s->switches[24 + 9]);
	is_good_by_a_look(s);
	away = count(s).set_lft - before;
	assert_int_equal(away, 38); /* of 192 */
	scenario_power_on(s, s->switches[24 + 9]);
	is_good_by_a_look(s);
	assert_int_equal(count(s).set_lft, before + 2 * away + lft_blocks(s));
	a_sweep_finds_no_more(s);
}

/* Switches that routes are computed for. */
static unsigned rows(const struct scenario *s)
{
	const struct fabric *f = sm_fabric(s->first.sm);
	unsigned n = 0;

	for (uint32_t i = 0; i < f->n_nodes; i++)
		n += f->nodes[i].sw && f->nodes[i].sw->index != NO_SWITCH;

	return n;
}

/* The cable between @from and @to leads from @from to @instead. */
static void recable(struct sim_port *from, struct sim_port *to, struct sim_port *instead)
{
	sim_cable_pull(from);
	sim_cable_pull(instead);
	to->far = NULL;
	instead->far->far = NULL;
	from->far = instead->far = NULL;
	assert_int_equal(sim_cable(from, instead), 0);
}

/* Another switch takes over the cables of one that left: that one has no place any more. */
static void whose_cables_others_have_is_forgotten(void **state)
{
	struct scenario *s = *state;
	struct made_graph *graph = graph_make_ft2(8);
	uint32_t spare = graph_add_switch(graph), unused = graph_add_switch(graph);
	struct sim_node *leaf;

	for (unsigned i = 0; i < 8; i++)
		graph_add_cable(graph, spare, unused);
	comes_up(s, graph);
	leaf = s->switches[7];
	scenario_power_off(s, leaf);
	scenario_run(s, 20 * LOOP_SEC);
	assert_int_equal(rows(s), 12);
	for (unsigned i = 1; i <= leaf->n_ports; i++)
		if (leaf->ports[i].far->node->type == SIM_SWITCH)
			recable(leaf->ports[i].far, &leaf->ports[i], &s->switches[spare]->ports[i]);
	scenario_run(s, 20 * LOOP_SEC);
	sm_sweep(s->first.sm, false);
	scenario_run(s, 20 * LOOP_SEC);
	assert_int_equal(scenario_status(&s->first).switches, 11 + 2);
	assert_int_equal(rows(s), 11 + 2);
}

/* Who cries without a reason is looked at, and all its ports are: it may have been unheard. */
static void a_trap_without_a_change_costs_its_switch(void **state)
{
	struct scenario *s = *state;
	struct smps before;

	comes_up(s, graph_make_ft2(8));
	before = count(s);
	scenario_fault(s, "storm \"S3\"[0] trap 128 every 1ms next 1");
	is_good_by_a_look(s);
	costs(s, &before, (struct smps){ .switch_info = 1, .port_info = 10 });
}

static void other_traps_cost_no_more(void **state)
{
	struct scenario *s = *state;
	struct smps before;

	comes_up(s, graph_make_ft2(8));
	before = count(s);
	scenario_fault(s, "storm \"H9\"[1] trap 131 every 1ms next 1");
	is_good_by_a_look(s);
	costs(s, &before, (struct smps){ .switch_info = 1, .port_info = 1 });
	before = count(s);
	scenario_fault(s, "storm \"H9\"[1] trap 144 every 1ms next 1");
	is_good_by_a_look(s);
	costs(s, &before, (struct smps){ .port_info = 1 });
}

/* A part of the fabric, with all its hosts, behind one cable. */
static void who_is_cut_off_is_gone_and_comes_back(void **state)
{
	struct scenario *s = *state;
	struct sm_status status;

	comes_up(s, graph_make_line(5, 2));
	for (unsigned i = 0; i < 4; i++) {
		scenario_pull(s, scenario_link(s, i));
		is_good_by_a_look(s);
		status = scenario_status(&s->first);
		assert_int_equal(status.switches, i + 1);
		assert_int_equal(status.hcas, 2 * (i + 1));
		scenario_plug(s, scenario_link(s, i));
		is_good_by_a_look(s);
		assert_int_equal(scenario_status(&s->first).nodes, 15);
	}
	a_sweep_finds_no_more(s);
}

/*
 * Whoever is asked on a way that led over the cable is asked on another. Only where the trap of the
 * near end took that way too, it takes a sweep.
 */
static void ways_that_led_over_a_lost_cable_lead_elsewhere(void **state)
{
	struct scenario *s = *state;
	unsigned looks = 0;
	char why[512];

	comes_up(s, graph_make_ring(7, 1));
	for (unsigned i = 0; i < 14; i++) {
		uint32_t sweep = sm_fabric(s->first.sm)->sweep;

		if (i % 2)
			scenario_plug(s, scenario_link(s, i / 2));
		else
			scenario_pull(s, scenario_link(s, i / 2));
		scenario_run(s, 20 * LOOP_SEC);
		looks += sm_fabric(s->first.sm)->sweep == sweep;
		if (!scenario_is_good(s, NULL, why))
			scenario_fail(s, "%s", why);
		a_sweep_finds_no_more(s);
	}
	assert_true(looks >= 12);
}

/* ---- what a look cannot do ------------------------------------------------------------------- */

static void a_look_that_is_not_answered_becomes_a_sweep(void **state)
{
	struct scenario *s = *state;
	struct smps before;

	comes_up(s, graph_make_ft2(8));
	before = count(s);
	scenario_fault(s, "mute \"%s\" switchinfo next 3", uplink(s)->node->name);
	scenario_pull(s, uplink(s));
	scenario_run(s, 20 * LOOP_SEC);
	assert_true(count(s).switch_info - before.switch_info >= s->n_switches);
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, false);
	scenario_run(s, 20 * LOOP_SEC);
	a_sweep_finds_no_more(s);
}

static void what_no_trap_tells_of_is_found_by_the_next_sweep(void **state)
{
	struct scenario *s = *state;
	char why[512];

	comes_up(s, graph_make_ft2(8));
	s->first.conf.sweep_on_trap = false;
	s->first.conf.sweep_interval = 10;
	scenario_reconfigure(s, &s->first);
	scenario_run(s, 20 * LOOP_SEC);
	scenario_pull(s, uplink(s));
	scenario_power_off(s, s->hosts[3]);
	scenario_run(s, 11 * LOOP_SEC);
	if (!scenario_is_good(s, NULL, why))
		scenario_fail(s, "%s", why);
}

/* It is where it was, as far as is known: no trap has told of that yet. */
static void a_host_that_is_found_elsewhere_takes_a_sweep(void **state)
{
	struct scenario *s = *state;

	comes_up(s, graph_make_ft2(8));
	scenario_twin(s, s->hosts[20], s->hosts[9]);
	scenario_run(s, 20 * LOOP_SEC);
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, false);
	scenario_run(s, 20 * LOOP_SEC);
	a_sweep_finds_no_more(s);
}

/* ---- walks ----------------------------------------------------------------------------------- */

static struct made_graph *some_fabric(struct scenario *s)
{
	switch (scenario_random(s, 6)) {
	case 0:
		return graph_make_line(3 + (unsigned)scenario_random(s, 4), 2);
	case 1:
		return graph_make_ring(3 + (unsigned)scenario_random(s, 5), 2);
	case 2:
		return graph_make_ft2(6);
	case 3:
		return graph_make_ft3(4, 2);
	case 4:
		return graph_make_torus(3, 3, 1, 1);
	default:
		return graph_make_random(5 + (unsigned)scenario_random(s, 8), 3, 2, s->seed);
	}
}

static struct sim_node *some_host(struct scenario *s)
{
	struct sim_node *node;

	do
		node = s->hosts[scenario_random(s, s->n_hosts)];
	while (node == s->first.port->node);
	return node;
}

/* Not that of the subnet manager, which nobody is there to tell of. */
static struct sim_node *some_switch(struct scenario *s)
{
	struct sim_node *node;

	do
		node = s->switches[scenario_random(s, s->n_switches)];
	while (node == s->first.port->far->node);
	return node;
}

static void restarts_or_not(struct scenario *s, struct sim_node *node)
{
	if (node->off)
		scenario_power_on(s, node);
	else if (scenario_random(s, 2))
		scenario_power_off(s, node);
	else
		scenario_reboot(s, node);
}

static void something_happens(struct scenario *s)
{
	struct sim_port *link = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

	if (scenario_random(s, 2))
		restarts_or_not(s, some_host(s));
	else if (link->cut)
		scenario_plug(s, link);
	else
		scenario_pull(s, link);
}

/* A switch that has just started says nothing: who should hear it, it is told later. */
static void much_happens(struct scenario *s)
{
	static const uint64_t longest[] = { 1, LOOP_MSEC, 30 * LOOP_MSEC, LOOP_SEC };

	if (scenario_random(s, 4) == 0) {
		restarts_or_not(s, some_switch(s));
		return;
	}
	for (uint64_t n = 1 + scenario_random(s, 4); n > 0; n--) {
		something_happens(s);
		scenario_run(s, scenario_random(s, longest[scenario_random(s, COUNT(longest))]));
	}
}

/*
 * All that happens is told of by traps, which are repeated until they are heard: no timer is
 * needed for the fabric to be right, and a sweep finds no more.
 */
static void what_traps_tell_of_needs_no_sweep(void **state)
{
	uint64_t looks = 0;

	(void)state;
	for (unsigned seed = 0; seed < 60; seed++) {
		struct scenario *s = scenario_new(seed);
		char why[512];

		comes_up(s, some_fabric(s));
		for (unsigned step = 0; step < 15; step++) {
			uint32_t sweep = sm_fabric(s->first.sm)->sweep;

			much_happens(s);
			scenario_mend_link(s, s->first.port);
			scenario_run(s, 60 * LOOP_SEC);
			looks += sm_fabric(s->first.sm)->sweep == sweep;
			if (!scenario_is_good(s, NULL, why))
				scenario_fail(s, "%s", why);
			a_sweep_finds_no_more(s);
		}
		scenario_free(s);
	}
	assert_true(looks > 300);
}

/* A standby sweeps, and looks at nothing else. */
static void who_is_gone_before_it_is_looked_at_is_looked_for_no_more(void **state)
{
	struct scenario *s = *state;
	struct sim_node *spine;
	uint64_t before;

	comes_up(s, graph_make_ft2(8));
	scenario_start_rival(s, scenario_host(s, 9), 15);
	sm_sweep(s->first.sm, false);
	scenario_run(s, 20 * LOOP_SEC);
	assert_int_equal(scenario_status(&s->first).state, SM_STANDBY);
	spine = s->switches[9];
	sm_look_at_switch(s->first.sm,
			  fabric_find_node(&s->first.sm->fabric, be64toh(spine->info.node_guid)));
	assert_int_equal(s->first.sm->discovery.n_touched, 1);
	scenario_power_off(s, spine);
	before = requests_totals(sm_requests(s->first.sm))->sent;
	scenario_run(s, LOOP_SEC);
	assert_in_range(requests_totals(sm_requests(s->first.sm))->sent - before, 1, 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_leaf_that_goes_and_comes_is_written_alone),
		TEST(what_leads_over_a_spine_comes_back_with_it),
		cmocka_unit_test(who_comes_back_with_old_ways_is_given_new_ones_in_order),
		TEST(whose_cables_others_have_is_forgotten),
		TEST(a_trap_without_a_change_costs_its_switch),
		TEST(other_traps_cost_no_more),
		TEST(who_is_cut_off_is_gone_and_comes_back),
		TEST(ways_that_led_over_a_lost_cable_lead_elsewhere),
		TEST(a_look_that_is_not_answered_becomes_a_sweep),
		TEST(what_no_trap_tells_of_is_found_by_the_next_sweep),
		TEST(a_host_that_is_found_elsewhere_takes_a_sweep),
		TEST(who_is_gone_before_it_is_looked_at_is_looked_for_no_more),
		cmocka_unit_test(what_traps_tell_of_needs_no_sweep),
	};

	return cmocka_run_group_tests_name("looks", tests, NULL, NULL);
}
