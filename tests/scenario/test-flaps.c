/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Links that flap: how soon all is right after the last time, on virtual time, and that nobody else
 * is set anything meanwhile.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "tests/scenario/timed-rig.h"
#include "tests/sim/faults.h"
#include "tests/sim/link.h"
#include "tests/unit/loop-virtual.h"

#define SEEDS 9u

#define HEAP_SLACK (64 * 1024) /* an array that grows once more */

/* Up and at rest. */
static struct scenario *bring_up(uint64_t seed, struct made_graph *graph)
{
	struct scenario *s = scenario_new(seed);

	scenario_build(s, graph);
	timed_serve(s);
	scenario_start_sm(s);
	scenario_run(s, 30 * LOOP_SEC);
	return s;
}

/* A link to a host, or between two switches. */
static struct sim_port *find_link(struct scenario *s, bool inside)
{
	struct sim_port *port;

	do
		port = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));
	while (port->far == s->first.port || (port->far->node->type == SIM_SWITCH) != inside);
	return port;
}

/* ---- who is set something -------------------------------------------------------------------- */

/* The port that the @n-th last Set was about, if it was of PortInfo; else NULL. */
static const struct sim_port *port_of_set(const struct scenario *s, unsigned n)
{
	const struct sim_port *at = s->first.port;
	char text[200], *hops;
	unsigned modifier, hop;
	int length;

	assert_true(transport_sim_last_set(s->first.transport, n, text));
	hops = strstr(text, "attribute 0x15, modifier ");
	if (!hops || sscanf(hops, "attribute 0x15, modifier %x, by%n", &modifier, &length) != 1)
		return NULL;
	hops += length;
	for (; sscanf(hops, " %u%n", &hop, &length) == 1; hops += length) {
		at = (hop ? &at->node->ports[hop] : at)->far;
		if (!at)
			return NULL; /* the cable is out by now */
	}
	modifier &= 0xff;

	return at->node->type == SIM_SWITCH ? &at->node->ports[modifier] : at;
}

/* Runs, and looks at every Set of PortInfo: how many there were. */
static unsigned run_watching(struct scenario *s, uint64_t duration, const struct sim_port *port)
{
	uint64_t until = loop_now(s->loop) + duration;
	uint64_t sets = transport_sim_counts(s->first.transport)->sets;
	unsigned seen = 0;

	while (loop_virtual_next(s->loop) <= until) {
		uint64_t now;

		loop_virtual_step(s->loop);
		now = transport_sim_counts(s->first.transport)->sets;
		for (; sets < now; sets++) {
			const struct sim_port *set = port_of_set(s, (unsigned)(now - sets - 1));

			if (set && set != port && set != port->far)
				scenario_fail(s, "%s port %u was set", set->node->name,
					      set->number);
			seen += set != NULL;
		}
	}
	loop_virtual_run_until(s->loop, until);

	return seen;
}

/* ---- one link -------------------------------------------------------------------------------- */

static void flap(struct scenario *s, struct sim_port *port, unsigned per_second, unsigned seconds)
{
	uint64_t half = LOOP_SEC / per_second / 2;
	unsigned seen = 0;

	for (unsigned i = 0; i < per_second * seconds; i++) {
		sim_cable_pull(port);
		seen += run_watching(s, half, port);
		sim_cable_plug(port);
		if (i + 1 < per_second * seconds)
			seen += run_watching(s, half, port);
	}
	assert_in_range(seen, seconds, 40 * seconds);
}

static void is_right_soon(unsigned per_second, bool inside)
{
	uint64_t times[SEEDS], sent[SEEDS];

	for (unsigned i = 0; i < SEEDS; i++) {
		struct scenario *s = bring_up(i + 1, timed_make_tree());
		struct sim_port *port = find_link(s, inside);

		run_watching(s, scenario_random(s, LOOP_SEC), port);
		sent[i] = transport_sim_counts(s->first.transport)->requests;
		flap(s, port, per_second, 8);
		times[i] = timed_until_active(s);
		sent[i] = transport_sim_counts(s->first.transport)->requests - sent[i];
		run_watching(s, 20 * LOOP_SEC, port);
		scenario_settle(s);
		scenario_expect_all_good(s);
		scenario_free(s);
	}
	timed_sort(times, SEEDS);
	timed_sort(sent, SEEDS);
	print_message("# %u flaps a second of a link %s: right after %" PRIu64
		      " ms, at most %" PRIu64 "; %" PRIu64 " requests\n",
		      per_second, inside ? "inside" : "to a host", times[SEEDS / 2],
		      times[SEEDS - 1], sent[SEEDS / 2]);
	assert_in_range(times[SEEDS - 1], 0, 300);
}

static void after_the_last_of_many_flaps_all_is_right_soon(void **state)
{
	static const unsigned per_second[] = { 5, 20, 50 };

	(void)state;
	for (size_t i = 0; i < COUNT(per_second); i++) {
		is_right_soon(per_second[i], false);
		is_right_soon(per_second[i], true);
	}
}

static void flap_once(struct scenario *s, struct sim_port *port)
{
	scenario_run(s, 5 * LOOP_MSEC);
	sim_cable_pull(port);
	scenario_run(s, 5 * LOOP_MSEC);
	sim_cable_plug(port);
}

/* Of all links: each flaps now and then only. */
static void flap_at_random(struct scenario *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		flap_once(s, find_link(s, scenario_random(s, 2)));
}

static void flap_each(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (scenario_link(s, i)->far != s->first.port)
			flap_once(s, scenario_link(s, i));
}

/* When all traps have been told, one by one. With a sanitizer's allocator it is always 0. */
static size_t heap_at_rest(struct scenario *s)
{
	scenario_settle(s);
	scenario_run(s, 600 * LOOP_SEC);
	scenario_forget_lines(s);
	transport_sim_trim(s->first.transport);
	return mallinfo2().uordblks;
}

/*
 * For a minute, after which memory is as much as when each link had flapped once. Each write into a
 * forwarding table is looked at for ten seconds, as that takes most of the time.
 */
static void a_hundred_random_flaps_a_second_are_kept_up_with(void **state)
{
	struct scenario *s = bring_up(7, graph_make_ft2(36));
	uint64_t time, sweeps;
	size_t before, after;

	(void)state;
	flap_at_random(s, 1000);
	s->fabric->on_routes = NULL;
	flap_each(s);
	before = heap_at_rest(s);
	sweeps = s->first.sm->sweeps;
	flap_at_random(s, 6000);
	sweeps = s->first.sm->sweeps - sweeps;
	time = timed_until_active(s);
	assert_in_range(time, 0, 300);
	after = heap_at_rest(s);
	print_message("# 100 random flaps a second, 648 hosts: right after %" PRIu64 " ms; %" PRIu64
		      " reconciles in a minute; heap %zu KB, and %zu KB before\n",
		      time, sweeps, after / 1024, before / 1024);
	assert_in_range(after, 0, before + HEAP_SLACK);
	scenario_expect_all_good(s);
	scenario_free(s);
}

/* ---- quarantine ------------------------------------------------------------------------------ */

static void flap_for_ever(struct sim_port *port)
{
	struct sim_flap flap = { .period = 60 * LOOP_MSEC, .down = 40 * LOOP_MSEC };

	assert_int_equal(sim_fault_flap(port, &flap), 0);
}

/* Seconds until the port has this reason. */
static unsigned time_to_reason(struct scenario *s, const struct sim_port *port, const char *reason)
{
	unsigned seconds = 0;

	while (strcmp(scenario_reason(s, port), reason) != 0 && seconds++ < SCENARIO_PATIENCE)
		scenario_run(s, LOOP_SEC);
	return seconds;
}

static void is_quarantined(bool inside)
{
	struct scenario *s = bring_up(1, timed_make_tree());
	struct sim_port *port = find_link(s, inside);
	uint64_t sent, lfts;
	unsigned events;

	flap_for_ever(port);
	assert_in_range(time_to_reason(s, port, "quarantined"), 9, 30);
	scenario_run(s, LOOP_SEC);

	/* From now on nothing follows from what it does, but a look now and then. */
	events = s->first.n_events[EVENT_LINK_DOWN] + s->first.n_events[EVENT_LINK_UP];
	sent = requests_totals(s->first.sm->requests)->sent;
	lfts = transport_sim_counts(s->first.transport)->lft_sets;
	scenario_run(s, 8 * LOOP_SEC);
	assert_string_equal(scenario_reason(s, port), "quarantined");
	sent = requests_totals(s->first.sm->requests)->sent - sent;
	print_message("# quarantined, %s: %" PRIu64 " requests in 8 s\n",
		      inside ? "inside" : "a host", sent);
	assert_int_equal(s->first.n_events[EVENT_LINK_DOWN] + s->first.n_events[EVENT_LINK_UP],
			 events);
	assert_int_equal(transport_sim_counts(s->first.transport)->lft_sets, lfts);
	assert_in_range(sent, 1, inside ? 1200 : 600);

	/* Again and again, and each time for longer. */
	scenario_run(s, 200 * LOOP_SEC);
	time_to_reason(s, port, "quarantined");
	sim_fault_clear_port(port);
	if (port->cut)
		sim_cable_plug(port);
	assert_string_equal(scenario_reason(s, port), "quarantined");
	assert_in_range(time_to_reason(s, port, "none"), 1, 170);
	scenario_settle(s);
	scenario_expect_all_good(s);
	scenario_free(s);
}

static void a_link_that_flaps_for_ever_is_quarantined_and_let_back(void **state)
{
	(void)state;
	is_quarantined(false);
	is_quarantined(true);
}

static void a_full_sweep_lets_it_back_at_once(void **state)
{
	struct scenario *s = bring_up(1, timed_make_tree());
	struct sim_port *port = find_link(s, true);

	(void)state;
	flap_for_ever(port);
	scenario_run(s, 120 * LOOP_SEC);
	time_to_reason(s, port, "quarantined");
	sim_fault_clear_port(port);
	if (port->cut)
		sim_cable_plug(port);
	scenario_run(s, 2 * LOOP_SEC);
	assert_string_equal(scenario_reason(s, port), "quarantined");
	sm_sweep(s->first.sm, true);
	scenario_run(s, LOOP_SEC);
	assert_string_equal(scenario_reason(s, port), "none");
	scenario_settle(s);
	scenario_expect_all_good(s);
	scenario_free(s);
}

/* The one that leads to everything. */
static void our_own_link_is_never_quarantined(void **state)
{
	struct scenario *s = bring_up(1, timed_make_tree());
	struct sim_port *port = s->first.port;

	(void)state;
	flap_for_ever(port);
	scenario_run(s, 120 * LOOP_SEC);
	sim_fault_clear_port(port);
	if (port->cut)
		sim_cable_plug(port);
	scenario_run(s, 5 * LOOP_SEC);
	assert_string_equal(scenario_reason(s, port->far), "none");
	scenario_settle(s);
	scenario_expect_all_good(s);
	scenario_free(s);
}

/* ---- storms of traps ------------------------------------------------------------------------- */

/* A thousand in a second: they are repressed, and what they are about is looked at now and then. */
static void a_storm_of_traps_costs_few_sweeps(void **state)
{
	static const uint16_t traps[] = { 128, 131, 144 };

	(void)state;
	for (size_t i = 0; i < COUNT(traps); i++) {
		struct scenario *s = bring_up(1, timed_make_tree());
		bool of_switch = traps[i] == 128;
		struct sim_port *from = of_switch ? &s->switches[3]->ports[0] : scenario_host(s, 9);
		uint64_t sweeps = s->first.sm->sweeps;
		uint64_t sent = requests_totals(s->first.sm->requests)->sent;

		scenario_fault(s, "storm \"%s\"[%u] trap %u every 1ms next 10000", from->node->name,
			       from->number, traps[i]);
		scenario_run(s, 10 * LOOP_SEC);
		sweeps = s->first.sm->sweeps - sweeps;
		sent = requests_totals(s->first.sm->requests)->sent - sent;
		print_message("# 10000 traps %u: %" PRIu64 " reconciles, %" PRIu64 " requests\n",
			      traps[i], sweeps, sent);
		assert_in_range(sweeps, 1, 10);
		assert_in_range(sent, 1, 300);
		scenario_settle(s);
		scenario_expect_all_good(s);
		scenario_free(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_the_last_of_many_flaps_all_is_right_soon),
		cmocka_unit_test(a_hundred_random_flaps_a_second_are_kept_up_with),
		cmocka_unit_test(a_link_that_flaps_for_ever_is_quarantined_and_let_back),
		cmocka_unit_test(a_full_sweep_lets_it_back_at_once),
		cmocka_unit_test(our_own_link_is_never_quarantined),
		cmocka_unit_test(a_storm_of_traps_costs_few_sweeps),
	};

	return cmocka_run_group_tests_name("flaps", tests, NULL, NULL);
}
