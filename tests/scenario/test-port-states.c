/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Switches that have a SwitchPortStateTable, small and of two blocks, in storms: links and switches
 * come and go, tables are lost, late, refused and wrong in each of their blocks, the bit that says
 * that they are there comes and goes, and masters change. When it is over all is good, nobody
 * sweeps for ever, and a table that is right hides nothing.
 *
 * Usage: test-port-states [seeds [first seed]], of storms.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/faults.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

enum { SEEDS = 12, STEPS = 6, BURST = 6 };

enum { PORT_STATE_CHANGE = 0x04 }; /* of SwitchInfo */

static uint64_t n_seeds = SEEDS;
static uint64_t first_seed = 1;

static void give_all(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_switches; i++)
		sim_give_port_states(s->switches[i]);
}

/* ---- storms ---------------------------------------------------------------------------------- */

static void take_away(struct sim_node *node)
{
	node->ports[0].info.capability_mask2 &=
		(ib_net16_t)~IB_PORT_CAP2_IS_SWITCH_PORT_STATE_TBL_SUPP;
}

static struct sim_node *any_switch(struct scenario *s)
{
	return s->switches[scenario_random(s, s->n_switches)];
}

/* At which block, or both, how often, and for how long. */
static void limit(struct scenario *s, char ret[static 64])
{
	static const char *const blocks[] = { "", "modifier 0", "modifier 1" };
	static const unsigned chances[] = { 10, 50, 100, 100 };
	char next[16] = "";

	if (scenario_random(s, 2))
		snprintf(next, sizeof(next), "next %u", 1 + (unsigned)scenario_random(s, 8));
	snprintf(ret, 64, "%s %u%% %s", blocks[scenario_random(s, COUNT(blocks))],
		 chances[scenario_random(s, COUNT(chances))], next);
}

static void spoil_tables(struct scenario *s)
{
	static const char *const lies[] = { "silent", "mute",   "refuse",         "status",
					    "tid",    "garble", "refuse status 1" };
	const char *name = any_switch(s)->name;
	char limits[64];

	limit(s, limits);
	if (scenario_random(s, 3)) {
		const char *lie = lies[scenario_random(s, COUNT(lies))];

		if (strchr(lie, ' '))
			scenario_fault(s, "refuse \"%s\" status 1 get 0x34 %s", name, limits);
		else
			scenario_fault(s, "%s \"%s\" get 0x34 %s", lie, name, limits);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		scenario_fault(s, "lie \"%s\" 0x34@%u:64 0x%" PRIx64 " %s", name, i * 64,
			       scenario_random(s, 2) ? 0 : scenario_random(s, UINT64_MAX), limits);
}

static void toggle_cable(struct scenario *s, struct sim_port *port)
{
	if (port->cut)
		scenario_plug(s, port);
	else
		scenario_pull(s, port);
}

static void toggle_power(struct scenario *s)
{
	struct sim_node *node = any_switch(s);

	if (node->off)
		scenario_power_on(s, node);
	else if (scenario_random(s, 2))
		scenario_power_off(s, node);
	else
		scenario_reboot(s, node);
}

static void change_tables(struct scenario *s)
{
	struct sim_node *node = any_switch(s);

	scenario_happens(s, "%s has another capability", node->name);
	if (sim_has_port_states(node))
		take_away(node);
	else
		sim_give_port_states(node);
	if (scenario_random(s, 2) && !node->off)
		scenario_reboot(s, node);
}

static void change_rival(struct scenario *s)
{
	if (!s->rival.sm)
		scenario_start_rival(s, scenario_host(s, s->n_hosts - 1),
				     (unsigned)scenario_random(s, 3));
	else if (scenario_random(s, 2))
		scenario_stop_rival(s);
	else
		scenario_kill_rival(s);
}

static void reload(struct scenario *s)
{
	s->first.conf.sweep_port_states = !s->first.conf.sweep_port_states;
	scenario_reconfigure(s, &s->first);
}

static void befall(struct scenario *s)
{
	struct sim_port *link = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

	switch (scenario_random(s, 14)) {
	case 0:
		toggle_cable(s, scenario_link(s, 0));
		break;
	case 1:
		toggle_cable(s, s->first.port);
		break;
	case 2:
		toggle_power(s);
		break;
	case 3:
		change_tables(s);
		break;
	case 4:
		change_rival(s);
		break;
	case 5:
		reload(s);
		break;
	case 6:
		scenario_fault(s, "loss \"%s\"[%u] %u%%", link->node->name, link->number,
			       20 + (unsigned)scenario_random(s, 21));
		break;
	case 7:
		scenario_fault(s, "flap \"%s\"[%u] %ums down %ums next 20", link->node->name,
			       link->number, 1 + (unsigned)scenario_random(s, 500),
			       1 + (unsigned)scenario_random(s, 300));
		break;
	case 8:
		scenario_fault(s, "storm \"%s\"[0] trap 128 every 1ms next %u", any_switch(s)->name,
			       1 + (unsigned)scenario_random(s, 100));
		break;
	case 9:
		if (s->first.sm)
			sm_sweep(s->first.sm, !scenario_random(s, 3));
		break;
	case 10:
		toggle_cable(s, link);
		break;
	default:
		spoil_tables(s);
		break;
	}
}

static void pause_for(struct scenario *s)
{
	static const uint64_t longest[] = { 1, LOOP_MSEC, 20 * LOOP_MSEC, LOOP_SEC, 30 * LOOP_SEC };

	scenario_run(s, scenario_random(s, longest[scenario_random(s, COUNT(longest))]));
}

/*
 * A rival that hears of nobody, as all is lost on its cable, is master of its own port and sets it.
 * When it ends nothing tells of that: somebody has to want all read.
 */
static void calm_down(struct scenario *s, bool had_rival)
{
	scenario_clear_faults(s);
	for (uint32_t i = 0; i < s->n_links; i++)
		scenario_mend_link(s, s->links[i]);
	if (s->rival.sm)
		scenario_stop_rival(s);
	if (had_rival)
		sm_sweep(s->first.sm, true);
	scenario_settle(s);
	scenario_forget_lids(s);
}

/* The timer's sweeps, and no others. */
static void nobody_sweeps_for_ever(struct scenario *s)
{
	uint64_t sweeps;

	scenario_run(s, 120 * LOOP_SEC);
	sweeps = scenario_status(&s->first).sweeps;
	scenario_run(s, 60 * LOOP_SEC);
	if (scenario_status(&s->first).sweeps - sweeps > 7)
		scenario_fail(s, "%" PRIu64 " sweeps in a minute",
			      scenario_status(&s->first).sweeps - sweeps);
}

static struct made_graph *some_fabric(struct scenario *s)
{
	static const unsigned hosts[] = { 126, 127, 199, 253 };
	unsigned r = (unsigned)scenario_random(s, COUNT(hosts) + 4);

	return r < COUNT(hosts) ? graph_make_line(2, hosts[r]) : graph_make_ft2(4);
}

static void weather(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	if (!scenario_random(s, 3)) {
		s->first.conf.m_key = 0x5eed;
		s->first.conf.m_key_protection = (unsigned)scenario_random(s, 4);
	}
	s->rival.conf = s->first.conf;
	scenario_build(s, some_fabric(s));
	give_all(s);
	scenario_start_sm(s);
	scenario_settle(s);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned starts = s->rival.starts;

		for (uint64_t n = 1 + scenario_random(s, BURST); n > 0; n--) {
			befall(s);
			pause_for(s);
		}
		calm_down(s, s->rival.starts > starts);
		scenario_expect_good_within(s, 1800);
		nobody_sweeps_for_ever(s);
	}
	scenario_free(s);
}

static void after_a_storm_all_is_good(void **state)
{
	(void)state;
	if (scenario_seed_of_environment(&first_seed))
		n_seeds = 1;
	for (uint64_t i = 0; i < n_seeds; i++)
		weather(first_seed + i);
}

/* ---- what a sweep asks ----------------------------------------------------------------------- */

static uint64_t tables(const struct scenario *s)
{
	struct request_counts counts;
	uint8_t method;
	uint16_t attr;

	for (unsigned i = 0; requests_count(sm_requests(s->first.sm), i, &attr, &method, &counts);
	     i++)
		if (attr == ATTR_SWITCH_PORT_STATES)
			return counts.sent;
	return 0;
}

static void comes_up(struct scenario *s, struct made_graph *graph)
{
	scenario_build(s, graph);
	give_all(s);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_run(s, 30 * LOOP_SEC);
}

/* A sweep, and how many blocks of tables it asks for. */
static uint64_t asked_by_a_sweep(struct scenario *s)
{
	uint64_t before;

	scenario_settle(s);
	before = tables(s);
	sm_sweep(s->first.sm, false);
	scenario_run(s, 5 * LOOP_SEC);
	return tables(s) - before;
}

/* Port 0 has a place in the first. */
static void a_block_tells_of_128_ports(void **state)
{
	static const unsigned ports[] = { 127, 128, 254 };

	(void)state;
	for (size_t i = 0; i < COUNT(ports); i++) {
		struct scenario *s = scenario_new(1);

		comes_up(s, graph_make_line(2, ports[i] - 1));
		assert_int_equal(asked_by_a_sweep(s), i ? 4 : 2);
		scenario_free(s);
	}
}

/* As if somebody else had cleared PortStateChange, and the trap had been lost. */
static void a_hidden_change_is_found_in_either_block(void **state)
{
	static const unsigned ports[] = { 2, 127, 128, 129, 253, 254 };
	struct scenario *s = *state;

	s->first.conf.sweep_on_trap = false;
	comes_up(s, graph_make_line(2, 253));
	for (size_t i = 0; i < COUNT(ports); i++) {
		struct sim_node *node = s->switches[1];

		scenario_pull(s, &node->ports[ports[i]]);
		node->sw->info.life_state &= (uint8_t)~PORT_STATE_CHANGE;
		scenario_settle(s);
		scenario_expect_all_good(s);
	}
}

static void bad_luck_is_no_reason_to_leave_tables_alone(void **state)
{
	struct scenario *s = *state;

	comes_up(s, graph_make_ft2(8));
	for (uint32_t i = 0; i < s->n_links; i++)
		scenario_fault(s, "loss \"%s\"[%u] 20%%", s->links[i]->node->name,
			       s->links[i]->number);
	scenario_run(s, 600 * LOOP_SEC);
	scenario_clear_faults(s);
	scenario_settle(s);
	scenario_run(s, 60 * LOOP_SEC);
	assert_int_equal(asked_by_a_sweep(s), s->n_switches);
}

static unsigned times_said(const struct scenario *s, const char *words)
{
	uint64_t n = s->log.n;
	unsigned times = 0;

	for (uint64_t i = 0; i < MIN(n, SCENARIO_LINES); i++)
		times += strstr(s->log.line[i], words) != NULL;
	return times;
}

/* One that does not answer at all is left alone after a few sweeps, and is the worse by nothing. */
static void a_table_of_which_one_block_never_comes_is_left_alone(void **state)
{
	static const char *const faults[] = { "silent \"S1\" get 0x34 modifier 0",
					      "mute \"S1\" get 0x34 modifier 1",
					      "tid \"S1\" get 0x34 modifier 1",
					      "refuse \"S1\" get 0x34 modifier 0" };

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct scenario *s = scenario_new(1);

		comes_up(s, graph_make_line(2, 199));
		scenario_fault(s, "%s", faults[i]);
		scenario_run(s, 60 * LOOP_SEC);
		assert_int_equal(asked_by_a_sweep(s), 2);
		assert_int_equal(times_said(s, "its table of port states is not used"), 1);
		scenario_pull(s, &s->switches[1]->ports[150]);
		scenario_settle(s);
		scenario_expect_all_good(s);
		scenario_free(s);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_tells_of_128_ports),
		TEST(a_hidden_change_is_found_in_either_block),
		TEST(bad_luck_is_no_reason_to_leave_tables_alone),
		cmocka_unit_test(a_table_of_which_one_block_never_comes_is_left_alone),
		cmocka_unit_test(after_a_storm_all_is_good),
	};

	if (argc > 1)
		n_seeds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("tables of port states", tests, NULL, NULL);
}
