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

#define SEEDS  15u
#define STORMS 3u /* of all links */

/* Until every timer that a flap sets has fired: traps that come late, what was written twice is
 * read. */
#define A_GOOD_WHILE (60 * LOOP_SEC)

/* What flaps is looked at again within a second, and told of once more if that came to nothing. */
#define JUST_BEFORE (2 * LOOP_SEC)

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

/* The port that a Set for the node that has @at is about, if it is about one. */
static const struct sim_port *port_of_modifier(const struct sim_port *at, const struct datagram *d)
{
	unsigned modifier = (unsigned)wire_get(d, MAD_MODIFIER);
	bool is_switch = at->node->type == SIM_SWITCH;

	switch (wire_get(d, MAD_ATTR)) {
	case ATTR_PORT_INFO:
		return is_switch ? &at->node->ports[modifier & 0xff] : at;
	case ATTR_PKEY_TABLE:
		return is_switch ? &at->node->ports[modifier >> 16] : at;
	case ATTR_GUID_INFO:
		return at;
	default: /* of the switch as a whole */
		return NULL;
	}
}

/* Where a directed route from @at ends; NULL: nowhere by now. */
static const struct sim_port *end_of_route(const struct sim_port *at, const struct datagram *d)
{
	for (unsigned i = 1; at && i <= wire_get(d, SMP_HOP_COUNT); i++)
		at = i == 1 ? at->far : at->node->ports[wire_route_port(d, i)].far;
	return at;
}

/* When each link was last touched; and how long after that who is set something, at most. */
struct sight {
	struct scenario *s;
	uint64_t *touched; /* by its number; 0: never */
	uint64_t patience; /* later is too late */
	unsigned n_seen;
	uint64_t longest;
};

static uint64_t *when_touched(struct sight *w, const struct sim_port *port)
{
	struct scenario *s = w->s;

	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i] == port || s->links[i]->far == port)
			return &w->touched[i];
	scenario_fail(s, "%s port %u has no link", port->node->name, port->number);
	return NULL;
}

static void see(void *user, const struct datagram *d)
{
	struct sight *w = user;
	const struct sim_port *at = w->s->first.port, *set;
	uint64_t touched;

	if (wire_get(d, MAD_METHOD) != METHOD_SET || wire_get(d, MAD_CLASS) != CLASS_SM_DIRECTED ||
	    !(at = end_of_route(at, d)) || !(set = port_of_modifier(at, d)))
		return;
	touched = *when_touched(w, set);
	if (touched == 0 || loop_now(w->s->loop) - touched > w->patience)
		scenario_fail(w->s, "%s port %u was set", set->node->name, set->number);
	w->n_seen++;
	w->longest = MAX(w->longest, loop_now(w->s->loop) - touched);
}

/* From now on every Set that is about a port is looked at. */
static void sight_begin(struct sight *w, struct scenario *s, uint64_t patience)
{
	*w = (struct sight){ .s = s,
			     .touched = calloc(s->n_links, sizeof(*w->touched)),
			     .patience = patience };
	assert_non_null(w->touched);
	transport_sim_watch(s->first.transport, see, w);
}

static void sight_end(struct sight *w)
{
	transport_sim_watch(w->s->first.transport, NULL, NULL);
	free(w->touched);
}

static void touch(struct sight *w, struct sim_port *port, void (*what)(struct sim_port *port))
{
	what(port);
	*when_touched(w, port) = loop_now(w->s->loop);
}

/* ---- one link -------------------------------------------------------------------------------- */

static void flap(struct sight *w, struct sim_port *port, unsigned per_second, unsigned seconds)
{
	uint64_t half = LOOP_SEC / per_second / 2;

	for (unsigned i = 0; i < per_second * seconds; i++) {
		touch(w, port, sim_cable_pull);
		scenario_run(w->s, half);
		touch(w, port, sim_cable_plug);
		if (i + 1 < per_second * seconds)
			scenario_run(w->s, half);
	}
	assert_in_range(w->n_seen, seconds, 40 * seconds);
}

static void is_right_soon(unsigned per_second, bool inside)
{
	uint64_t times[SEEDS], sent[SEEDS];

	for (unsigned i = 0; i < SEEDS; i++) {
		struct scenario *s = bring_up(i + 1, timed_make_tree());
		struct sim_port *port = find_link(s, inside);
		struct sight w;

		sight_begin(&w, s, UINT64_MAX);
		scenario_run(s, scenario_random(s, LOOP_SEC));
		sent[i] = transport_sim_counts(s->first.transport)->requests;
		flap(&w, port, per_second, 8);
		times[i] = timed_until_active(s);
		sent[i] = transport_sim_counts(s->first.transport)->requests - sent[i];
		scenario_run(s, A_GOOD_WHILE);
		scenario_settle(s);
		scenario_expect_all_good(s);
		sight_end(&w);
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

static void flap_once(struct sight *w, struct sim_port *port)
{
	scenario_run(w->s, 5 * LOOP_MSEC);
	touch(w, port, sim_cable_pull);
	scenario_run(w->s, 5 * LOOP_MSEC);
	touch(w, port, sim_cable_plug);
}

/* Of all links: each flaps now and then only. */
static void flap_at_random(struct sight *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		flap_once(w, find_link(w->s, scenario_random(w->s, 2)));
}

static void flap_each(struct sight *w)
{
	for (uint32_t i = 0; i < w->s->n_links; i++)
		if (scenario_link(w->s, i)->far != w->s->first.port)
			flap_once(w, scenario_link(w->s, i));
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
 * For a minute, after which memory is as much as when each link had flapped once. Who is set
 * something has flapped just before.
 */
static void is_kept_up_with(uint64_t seed, bool with_writes)
{
	struct scenario *s = bring_up(seed, graph_make_ft2(36));
	uint64_t time, sweeps;
	size_t before, after;
	struct sight w;

	sight_begin(&w, s, JUST_BEFORE);
	if (with_writes)
		flap_at_random(&w, 1000);
	s->fabric->on_routes = NULL;
	flap_each(&w);
	before = heap_at_rest(s);
	sweeps = s->first.sm->sweeps;
	flap_at_random(&w, 6000);
	sweeps = s->first.sm->sweeps - sweeps;
	time = timed_until_active(s);
	assert_in_range(time, 0, 300);
	scenario_run(s, A_GOOD_WHILE);
	after = heap_at_rest(s);
	print_message("# 100 random flaps a second, 648 hosts: right after %" PRIu64 " ms; %" PRIu64
		      " reconciles in a minute; heap %zu KB, and %zu KB before; of %u Sets the "
		      "last %" PRIu64 " ms after a flap\n",
		      time, sweeps, after / 1024, before / 1024, w.n_seen, w.longest / LOOP_MSEC);
	assert_in_range(after, 0, before + HEAP_SLACK);
	scenario_expect_all_good(s);
	sight_end(&w);
	scenario_free(s);
}

static void a_hundred_random_flaps_a_second_are_kept_up_with(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STORMS; i++)
		is_kept_up_with(7 + i, i == 0);
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
