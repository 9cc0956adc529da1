/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of what an operator allows virtual functions, and plans for them: virtual_functions of
 * vsm.conf, and places that are reserved. Of vports, over the simulator's reading of them, and of
 * VFs behind virtual switches. Nothing here was run against ConnectX hardware.
 */

#include "tests/scenario/scenario.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/tables.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum { VFS = 4 };

#define LAWFUL UINT64_C(0x0200000000000001)
#define LAST   UINT64_C(0x02000000000000ff)
#define ALIEN  UINT64_C(0x0400000000000001)

/* A device sends no two traps within a time that depends on SubnetTimeOut (IBA 13.4.9). */
#define TRAP_PAUSE (5 * LOOP_SEC)

static int set_up(void **state)
{
	struct scenario *s = scenario_new(1);

	s->has_rules = true;
	*state = s;
	return 0;
}

/* ---- what happens ---------------------------------------------------------------------------- */

/* The hosts have vports, of which none runs. */
static void build(struct scenario *s, struct made_graph *graph, bool own_lids)
{
	struct sim_vf_spec spec = { .lid_required = own_lids };

	scenario_build(s, graph);
	for (uint32_t i = 0; i < s->n_hosts; i++)
		assert_int_equal(sim_vfs_add(scenario_host(s, i), SIM_VF_VPORT, VFS, &spec), 0);
	scenario_happens(s, "every host has %u vports", VFS);
}

static void vf_starts(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid)
{
	scenario_happens(s, "%s starts VF %u with GUID 0x%016" PRIx64, port->node->name, vf, guid);
	assert_int_equal(sim_vf_set_guid(port, vf, guid), 0);
	assert_int_equal(sim_vf_start(port, vf), 0);
}

static void vf_stops(struct scenario *s, struct sim_port *port, unsigned vf)
{
	scenario_happens(s, "%s stops VF %u", port->node->name, vf);
	assert_int_equal(sim_vf_stop(port, vf), 0);
}

static struct vf_policy *add_rule(struct scenario *s, const struct sim_port *port)
{
	struct vf_policies *policies = &s->first.conf.virtual_functions;
	struct vf_policy *policy = &policies->policy[policies->n++];

	vf_policy_init(policy);
	if (port)
		policy->port_guid[policy->n_port_guids++] = port->guid;
	else
		strcpy(policy->ports, "*");

	return policy;
}

static void allow(struct vf_policy *policy, uint64_t first, uint64_t last)
{
	policy->range[policy->n_ranges++] = (struct vf_range){ first, last };
}

static void reload(struct scenario *s)
{
	scenario_happens(s, "the configuration is read again");
	scenario_reconfigure(s, &s->first);
}

static void settles(struct scenario *s)
{
	scenario_run(s, TRAP_PAUSE);
	scenario_settle(s);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static const char *vf_reason(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct fabric *f = sm_fabric(s->first.sm);
	const struct vf *known = vf_at(f, fabric_find_port(f, port->guid), vf);

	return known ? reason_key((enum reason)known->reason) : "unknown";
}

static void expect_up(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	if (info.state != SIM_ACTIVE || !info.lid)
		scenario_fail(s, "VF %u of %s is in state %u with LID %u, the reason is %s", vf,
			      port->node->name, info.state, info.lid, vf_reason(s, port, vf));
}

static void expect_left(struct scenario *s, const struct sim_port *port, unsigned vf,
			const char *reason)
{
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	if (info.state != SIM_INIT || strcmp(vf_reason(s, port, vf), reason) != 0)
		scenario_fail(s, "VF %u of %s is in state %u, the reason is %s", vf,
			      port->node->name, info.state, vf_reason(s, port, vf));
}

/* SMPs that this costs. */
struct costs {
	uint64_t requests, sets, lft_sets;
};

static struct costs costs_until_now(struct scenario *s)
{
	const struct transport_sim_counts *counts = transport_sim_counts(s->first.transport);

	return (struct costs){ counts->requests, counts->sets, counts->lft_sets };
}

static struct costs costs_since(struct scenario *s, struct costs before)
{
	struct costs now = costs_until_now(s);

	return (struct costs){ now.requests - before.requests, now.sets - before.sets,
			       now.lft_sets - before.lft_sets };
}

/* What it costs until the VF is Active, which it is within a second. */
static struct costs costs_to_active(struct scenario *s, const struct sim_port *port, unsigned vf,
				    struct costs before)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (sim_vport(port, vf)->state == SIM_ACTIVE)
			return costs_since(s, before);
		scenario_run(s, 100 * LOOP_USEC);
	}
	scenario_fail(s, "VF %u of %s is in state %u, the reason is %s", vf, port->node->name,
		      sim_vport(port, vf)->state, vf_reason(s, port, vf));
}

static void expect_no_table_is_written(struct scenario *s, struct costs costs)
{
	if (costs.lft_sets > 0 || costs.requests > 10)
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
}

static void expect_spare(struct scenario *s, unsigned n)
{
	struct sm_status status = scenario_status(&s->first);

	if (status.lids_spare != n)
		scenario_fail(s, "%u LIDs are spare, and not %u", status.lids_spare, n);
	assert_int_equal(status.lids_used + status.lids_spare + status.lids_free,
			 status.lids_total);
}

/* Do the switches agree where @lid leads? Then the last of them has a host behind that port. */
static const struct sim_port *way_of(struct scenario *s, unsigned lid)
{
	const struct sim_node *at = s->switches[0];

	for (unsigned hops = 0; hops < 8; hops++) {
		unsigned out = sim_lft_at(at, lid);

		if (out == SIM_LFT_NONE || out == 0)
			return NULL;
		at = at->ports[out].far->node;
		if (!at->sw)
			return &at->ports[1];
	}

	return NULL;
}

static void settles_and_is_good(struct scenario *s)
{
	settles(s);
	scenario_expect_all_good(s);
}

/* ---- which GUIDs may be where ---------------------------------------------------------------- */

static void a_guid_out_of_range_stays_down_until_a_rule_allows_it(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	allow(add_rule(s, port), LAWFUL, LAST);
	scenario_start_sm(s);
	vf_starts(s, port, 1, LAWFUL);
	vf_starts(s, port, 2, ALIEN);
	vf_starts(s, scenario_host(s, 3), 2, ALIEN + 1);
	settles_and_is_good(s);
	expect_up(s, port, 1);
	expect_up(s, scenario_host(s, 3), 2);
	expect_left(s, port, 2, "vf-not-allowed");
	assert_int_equal(sim_vport(port, 2)->lid, 0);
	assert_int_equal(sm_lid_of(s->first.sm, ALIEN), 0);

	allow(&s->first.conf.virtual_functions.policy[0], ALIEN, ALIEN);
	reload(s);
	settles_and_is_good(s);
	expect_up(s, port, 2);
}

static void a_guid_out_of_range_stays_down_until_there_is_another(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), false);
	port = scenario_host(s, 2);
	allow(add_rule(s, port), LAWFUL, LAST);
	scenario_start_sm(s);
	vf_starts(s, port, 2, ALIEN);
	settles(s);
	expect_left(s, port, 2, "vf-not-allowed");
	assert_int_equal(sim_vf_set_guid(port, 2, LAST), 0);
	scenario_happens(s, "it gets another GUID");
	settles_and_is_good(s);
	expect_up(s, port, 2);
}

/* A slip in a rule takes nobody off the air. */
static void who_is_active_when_a_rule_comes_is_told_of_and_stays(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	scenario_start_sm(s);
	vf_starts(s, port, 2, ALIEN);
	settles_and_is_good(s);
	allow(add_rule(s, port), LAWFUL, LAST);
	reload(s);
	settles_and_is_good(s);
	expect_up(s, port, 2);
	assert_string_equal(vf_reason(s, port, 2), "vf-not-allowed");
	vf_stops(s, port, 2);
	settles(s);
	vf_starts(s, port, 2, ALIEN);
	settles_and_is_good(s);
	expect_left(s, port, 2, "vf-not-allowed");
}

/* What a device calls itself is asked last: nobody is let in before it is known. */
static void a_rule_by_name_holds_from_the_beginning(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	allow(add_rule(s, NULL), LAWFUL, LAST);
	vf_starts(s, port, 1, LAWFUL);
	vf_starts(s, port, 2, ALIEN);
	scenario_start_sm(s);
	for (unsigned i = 0; i < 1000; i++) {
		scenario_run(s, 100 * LOOP_USEC);
		assert_true(sim_vport(port, 2)->state <= SIM_INIT);
	}
	settles_and_is_good(s);
	expect_up(s, port, 1);
	expect_left(s, port, 2, "vf-not-allowed");
}

static void a_rule_by_name_is_kept_where_there_is_none(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	allow(add_rule(s, NULL), LAWFUL, LAST);
	vf_starts(s, port, 1, LAWFUL);
	vf_starts(s, port, 2, ALIEN);
	scenario_fault(s, "silent \"%s\" 0x0010", port->node->name);
	scenario_start_sm(s);
	scenario_run(s, 60 * LOOP_SEC);
	expect_up(s, port, 1);
	expect_left(s, port, 2, "vf-not-allowed");
}

static void what_is_reserved_for_one_port_stays_down_at_others(void **state)
{
	struct scenario *s = *state;
	struct kept_reservation wanted = { .guid = LAWFUL, .n_places = 1 };
	struct sim_port *port, *other;
	char why[SM_WHY_SIZE];

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	other = scenario_host(s, 5);
	wanted.place[0] = port->guid;
	scenario_start_sm(s);
	settles(s);
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
	vf_starts(s, other, 1, LAWFUL);
	settles_and_is_good(s);
	expect_left(s, other, 1, "vf-not-allowed");
	/* And keeps nobody from it who may have it. */
	vf_starts(s, port, 3, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, port, 3);
	expect_left(s, other, 1, "vf-not-allowed");
	vf_stops(s, port, 3);
	settles(s);
	assert_int_equal(sm_release(s->first.sm, LAWFUL, why), 0);
	settles_and_is_good(s);
	expect_up(s, other, 1);
}

static void a_vf_behind_a_virtual_switch_stays_down_until_a_rule_allows_it(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf, *vf;

	scenario_build(s, graph_make_ft2(4));
	pf = scenario_host(s, 3);
	scenario_add_vfs(s, pf, VFS, true);
	vf = scenario_vf(pf, 2);
	allow(add_rule(s, pf), scenario_vf(pf, 1)->guid, scenario_vf(pf, 1)->guid);
	allow(&s->first.conf.virtual_functions.policy[0], scenario_vf(pf, 3)->guid,
	      scenario_vf(pf, VFS)->guid);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_expect_good_but(s, vf);
	assert_int_equal(sim_state(scenario_vf(pf, 1)), SIM_ACTIVE);
	assert_int_equal(sim_state(vf), SIM_INIT);
	assert_int_equal(sim_state(vf->far), SIM_INIT);
	assert_int_equal(sim_lid(vf), 0);
	assert_string_equal(scenario_reason(s, vf), "vf-not-allowed");
	assert_int_equal(sm_lid_of(s->first.sm, vf->guid), 0);

	allow(&s->first.conf.virtual_functions.policy[0], vf->guid, vf->guid);
	reload(s);
	scenario_settle(s);
	scenario_expect_all_good(s);

	/* And is left alone when it is Active. */
	s->first.conf.virtual_functions.policy[0].n_ranges--;
	reload(s);
	scenario_settle(s);
	assert_int_equal(sim_state(vf), SIM_ACTIVE);
	assert_string_equal(scenario_reason(s, vf), "vf-not-allowed");
	scenario_power_off(s, vf->node);
	scenario_settle(s);
	scenario_power_on(s, vf->node);
	scenario_settle(s);
	assert_int_equal(sim_state(vf), SIM_INIT);
	scenario_expect_good_but(s, vf);
}

/* ---- how many ------------------------------------------------------------------------------- */

static void expect_limit(struct scenario *s, const struct sim_port *pf, unsigned max,
			 unsigned entry)
{
	uint32_t port = fabric_find_port(sm_fabric(s->first.sm), pf->guid);
	unsigned found;

	assert_int_equal(sm_vf_limit(s->first.sm, port, &found), max);
	assert_int_equal(found, entry);
}

static void no_more_than_the_rule_says_come_up(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *pf;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 2);
	add_rule(s, port)->max = 2;
	vf_starts(s, port, 2, LAWFUL);
	vf_starts(s, port, 3, LAWFUL + 1);
	scenario_start_sm(s);
	settles_and_is_good(s);
	expect_up(s, port, 2);
	expect_left(s, port, 3, "vf-too-many");
	expect_limit(s, port, 2, 1);
	s->first.conf.virtual_functions.policy[0].max = 3;
	reload(s);
	settles_and_is_good(s);
	expect_up(s, port, 3);
	pf = scenario_host(s, 5);
	sim_vfs_free(pf);
	scenario_add_vfs(s, pf, VFS, true);
	add_rule(s, pf)->max = 3;
	reload(s);
	settles(s);
	assert_int_equal(sim_state(scenario_vf(pf, 3)), SIM_ACTIVE);
	assert_int_equal(sim_state(scenario_vf(pf, 4)), SIM_INIT);
	assert_string_equal(scenario_reason(s, scenario_vf(pf, 4)), "vf-too-many");
	assert_string_equal(scenario_last_event(s, EVENT_PORT_REASON),
			    "The physical port has more virtual functions than there is room for. "
			    "At most 3 are allowed there: max in entry 2 of virtual_functions.");
	expect_limit(s, pf, 3, 2);
	expect_limit(s, scenario_host(s, 4), VFS_MAX - 1, 0);
}

/* ---- spare LIDs ------------------------------------------------------------------------------ */

static void a_vf_takes_a_spare_lid_and_no_table_is_written(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	struct costs before;
	uint16_t lid;

	build(s, graph_make_ft2(8), true);
	port = scenario_host(s, 5);
	add_rule(s, port)->spare_lids = 4;
	scenario_start_sm(s);
	settles_and_is_good(s);
	expect_spare(s, 4);
	for (unsigned vf = 1; vf <= VFS; vf++) {
		before = costs_until_now(s);
		vf_starts(s, port, vf, LAWFUL + vf);
		expect_no_table_is_written(s, costs_to_active(s, port, vf, before));
		lid = sim_vport(port, vf)->lid;
		assert_ptr_equal(way_of(s, lid), port);
		/* The stock is filled up behind it. */
		settles_and_is_good(s);
		expect_spare(s, 4);
		assert_true(costs_since(s, before).lft_sets <= s->n_switches);
		scenario_run(s, TRAP_PAUSE);
	}
	/* One that shares a LID, or has one, takes none. */
	vf_stops(s, port, 1);
	settles(s);
	vf_starts(s, port, 1, LAWFUL + 1);
	settles_and_is_good(s);
	expect_spare(s, 4);
}

static void more_at_once_than_there_are_spare_lids_come_up(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(8), true);
	port = scenario_host(s, 5);
	add_rule(s, port)->spare_lids = 2;
	scenario_start_sm(s);
	settles(s);
	for (unsigned vf = 1; vf <= VFS; vf++)
		vf_starts(s, port, vf, LAWFUL + vf);
	settles_and_is_good(s);
	for (unsigned vf = 1; vf <= VFS; vf++)
		expect_up(s, port, vf);
	expect_spare(s, 2);
}

/* Also of all ports, by a name that is asked last. */
static void a_restart_finds_spare_lids_and_writes_nothing(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	struct costs before;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 3);
	add_rule(s, NULL)->spare_lids = 3;
	scenario_start_sm(s);
	settles(s);
	vf_starts(s, port, 2, LAWFUL);
	settles_and_is_good(s);
	expect_spare(s, 3 * s->n_hosts);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	expect_spare(s, 3 * s->n_hosts);
	assert_int_equal(costs_until_now(s).sets, 0);
	before = costs_until_now(s);
	vf_starts(s, port, 3, LAWFUL + 1);
	expect_no_table_is_written(s, costs_to_active(s, port, 3, before));
}

static void a_vf_that_moves_takes_its_spare_lid_along(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;
	struct costs before;
	uint16_t lid;

	build(s, graph_make_ft2(8), true);
	from = scenario_host(s, 3);
	to = scenario_host(s, s->n_hosts - 1);
	add_rule(s, from)->spare_lids = 4;
	scenario_start_sm(s);
	settles(s);
	vf_starts(s, from, 1, LAWFUL);
	settles_and_is_good(s);
	lid = sim_vport(from, 1)->lid;
	vf_stops(s, from, 1);
	vf_starts(s, to, 2, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, to, 2);
	assert_int_equal(sim_vport(to, 2)->lid, lid);
	assert_ptr_equal(way_of(s, lid), to);
	expect_spare(s, 4);
	/* When it is down, its way is to where it was last. */
	vf_stops(s, to, 2);
	settles(s);
	assert_ptr_equal(way_of(s, lid), to);
	scenario_run(s, TRAP_PAUSE + LOOP_SEC); /* and no sweep just now */
	before = costs_until_now(s);
	vf_starts(s, to, 2, LAWFUL);
	expect_no_table_is_written(s, costs_to_active(s, to, 2, before));
	vf_stops(s, to, 2);
	settles(s);
	vf_starts(s, from, 1, LAWFUL);
	settles_and_is_good(s);
	vf_stops(s, from, 1);
	settles(s);
	assert_ptr_equal(way_of(s, lid), from);
}

static void fewer_spare_lids_are_given_back(void **state)
{
	struct scenario *s = *state;
	struct kept_reservation wanted = { .guid = LAWFUL };
	struct sim_port *port;
	char why[SM_WHY_SIZE] = "";
	uint16_t lid = 0;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 3);
	add_rule(s, port)->spare_lids = 70;
	scenario_start_sm(s);
	settles_and_is_good(s);
	expect_spare(s, 70);
	for (uint16_t l = 1; l < 200; l++)
		if (way_of(s, l) == port && l != sim_lid(port))
			lid = l;
	wanted.lid = lid;
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), -EEXIST);
	assert_non_null(strstr(why, "is spare"));
	s->first.conf.virtual_functions.policy[0].spare_lids = 1;
	reload(s);
	settles_and_is_good(s);
	expect_spare(s, 1);
	assert_null(way_of(s, lid));
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
	s->first.conf.virtual_functions.n = 0;
	reload(s);
	settles_and_is_good(s);
	expect_spare(s, 0);
}

/* Where LIDs are short, what is there counts more than what may come. */
static void spare_lids_make_room_for_devices(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.lin_cap = htobe16(64);
	port = scenario_host(s, 3);
	add_rule(s, port)->spare_lids = 100;
	scenario_start_sm(s);
	settles_and_is_good(s);
	expect_spare(s, 63 - scenario_status(&s->first).lids_used);
	assert_int_equal(scenario_status(&s->first).lids_free, 0);
	vf_starts(s, scenario_host(s, 4), 1, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, scenario_host(s, 4), 1);
}

static unsigned count_said(const struct scenario *s, const char *text)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < MIN(s->log.n, SCENARIO_LINES); i++)
		n += strstr(s->log.line[i], text) != NULL;

	return n;
}

/* Once, and anew when there were enough in between. */
static void it_is_said_when_spare_lids_are_short(void **state)
{
	static const unsigned wanted[] = { 100, 101, 10, 100 };
	static const unsigned said[] = { 1, 1, 1, 2 };
	struct scenario *s = *state;

	build(s, graph_make_ft2(4), true);
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.lin_cap = htobe16(64);
	add_rule(s, scenario_host(s, 3));
	for (unsigned i = 0; i < COUNT(wanted); i++) {
		s->first.conf.virtual_functions.policy[0].spare_lids = wanted[i];
		if (s->first.sm)
			reload(s);
		else
			scenario_start_sm(s);
		settles_and_is_good(s);
		assert_int_equal(count_said(s, "spare LIDs"), said[i]);
	}
}

/* Who had the first is no longer in the way of who came later. */
static void spare_lids_go_port_by_port(void **state)
{
	enum { PORTS = 3 };
	struct scenario *s = *state;
	struct vf_policy *policy = s->first.conf.virtual_functions.policy;

	build(s, graph_make_ft2(4), true);
	for (uint32_t i = 0; i < PORTS; i++)
		add_rule(s, scenario_host(s, 2 + i))->spare_lids = 2;
	scenario_start_sm(s);
	settles_and_is_good(s);
	for (uint32_t gone = 0; gone < PORTS; gone++) {
		policy[gone].spare_lids = 0;
		reload(s);
		settles_and_is_good(s);
		reload(s); /* that they have gone is on the disk */
		settles_and_is_good(s);
		expect_spare(s, 2 * (PORTS - 1 - gone));
		for (uint32_t i = gone + 1; i < PORTS; i++) {
			struct sim_port *port = scenario_host(s, 2 + i);
			struct costs before = costs_until_now(s);

			vf_starts(s, port, 1 + gone, LAWFUL + PORTS * gone + i);
			expect_no_table_is_written(s, costs_to_active(s, port, 1 + gone, before));
			settles_and_is_good(s);
		}
	}
	policy[0].spare_lids = 2;
	reload(s);
	settles_and_is_good(s);
	expect_spare(s, 2);
}

static void expect_no_lid_twice(struct scenario *s)
{
	bool seen[256] = { false };

	for (uint32_t i = 0; i < s->n_hosts; i++) {
		const struct sim_port *port = scenario_host(s, i);

		seen[sim_lid(port)] = true;
	}
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		const struct sim_port *port = scenario_host(s, i);

		for (unsigned vf = 1; vf <= VFS; vf++) {
			uint16_t lid = sim_vport(port, vf)->lid;

			if (!lid || sim_vport(port, vf)->state != SIM_ACTIVE)
				continue;
			if (seen[lid])
				scenario_fail(s, "LID %u is there twice", lid);
			seen[lid] = true;
			assert_ptr_equal(way_of(s, lid), port);
		}
	}
}

/* What was taken from the stock is on disk before a device hears of it, or it was not taken. */
static void a_kill_at_any_moment_gives_no_lid_twice(void **state)
{
	for (unsigned i = 0; i < 40; i++) {
		struct scenario *s = scenario_new(i);
		struct sim_port *port;

		build(s, graph_make_ft2(4), true);
		port = scenario_host(s, 3);
		add_rule(s, NULL)->spare_lids = 2;
		scenario_start_sm(s);
		settles(s);
		for (unsigned vf = 1; vf <= 3; vf++)
			vf_starts(s, port, vf, LAWFUL + vf);
		vf_starts(s, scenario_host(s, 5), 1, LAWFUL + 9);
		scenario_run(s, i * 250 * LOOP_USEC);
		scenario_kill_sm(s);
		vf_starts(s, scenario_host(s, 6), 1, LAWFUL + 10);
		scenario_start_sm(s);
		settles_and_is_good(s);
		for (unsigned vf = 1; vf <= 3; vf++)
			expect_up(s, port, vf);
		expect_no_lid_twice(s);
		expect_spare(s, 2 * s->n_hosts);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* ---- whose LIDs ------------------------------------------------------------------------------ */

static bool has_own_lid(const struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	return info.own_lid && info.lid != 0;
}

static void who_is_to_have_a_lid_and_does_not_ask_is_offered_one(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	struct costs before;

	s->fabric->quirks.vport_takes_any_lid = true;
	build(s, graph_make_ft2(4), false);
	port = scenario_host(s, 3);
	add_rule(s, NULL)->lid = VF_LID_OWN;
	s->first.conf.virtual_functions.policy[0].spare_lids = 2;
	scenario_start_sm(s);
	settles(s);
	before = costs_until_now(s);
	vf_starts(s, port, 1, LAWFUL);
	expect_no_table_is_written(s, costs_to_active(s, port, 1, before));
	settles_and_is_good(s);
	assert_true(has_own_lid(port, 1));
	assert_int_equal(sm_lid_of(s->first.sm, LAWFUL), sim_vport(port, 1)->lid);
	assert_ptr_equal(way_of(s, sim_vport(port, 1)->lid), port);
	scenario_stop_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	assert_int_equal(costs_until_now(s).sets, 0);
	assert_true(has_own_lid(port, 1));
}

static void who_does_not_take_a_lid_shares_that_of_its_port(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	struct costs before;
	uint32_t used;

	build(s, graph_make_ft2(4), false);
	port = scenario_host(s, 3);
	add_rule(s, port)->lid = VF_LID_OWN;
	scenario_start_sm(s);
	settles_and_is_good(s);
	used = scenario_status(&s->first).lids_used;
	vf_starts(s, port, 1, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, port, 1);
	assert_false(has_own_lid(port, 1));
	assert_int_equal(sim_vport_lid(port->vports, 1), sim_lid(port));
	assert_int_equal(scenario_status(&s->first).lids_used, used);
	assert_int_equal(sm_lid_of(s->first.sm, LAWFUL), 0);
	/* It is not tried again. */
	scenario_run(s, TRAP_PAUSE + LOOP_SEC);
	before = costs_until_now(s);
	vf_starts(s, port, 2, LAWFUL + 4);
	expect_no_table_is_written(s, costs_to_active(s, port, 2, before));
	scenario_stop_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	assert_int_equal(costs_until_now(s).sets, 0);
}

static void who_is_to_share_and_needs_a_lid_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 3);
	add_rule(s, port)->lid = VF_LID_SHARED;
	scenario_start_sm(s);
	vf_starts(s, port, 1, LAWFUL);
	settles_and_is_good(s);
	expect_left(s, port, 1, "vf-needs-lid");
	assert_int_equal(sm_lid_of(s->first.sm, LAWFUL), 0);
	s->first.conf.virtual_functions.policy[0].lid = VF_LID_AS_ASKED;
	reload(s);
	settles_and_is_good(s);
	expect_up(s, port, 1);
	assert_true(has_own_lid(port, 1));
	/* And keeps it while it runs. */
	s->first.conf.virtual_functions.policy[0].lid = VF_LID_SHARED;
	reload(s);
	settles_and_is_good(s);
	expect_up(s, port, 1);
	assert_true(has_own_lid(port, 1));
	assert_string_equal(vf_reason(s, port, 1), "none");
}

/* ---- partitions ------------------------------------------------------------------------------ */

static bool has_pkey(struct sim_port *port, unsigned vf, uint16_t pkey)
{
	struct sim_endpoint e = { port, (uint16_t)vf };

	return sim_endpoint_has_pkey(&e, pkey);
}

static bool is_let_through(const struct sim_port *near, uint16_t pkey)
{
	for (unsigned i = 0; i < sim_pkey_cap(near); i++)
		if (near->pkeys && be16toh(near->pkeys[i]) == pkey)
			return true;

	return false;
}

static void a_rule_makes_vfs_members_of_its_partition(void **state)
{
	struct scenario *s = *state;
	struct vf_policy *rule;
	struct sim_port *port;

	s->closed = true;
	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 3);
	rule = add_rule(s, port);
	rule->partition = 0x21;
	/* What partitions say of this GUID and this partition counts more. */
	s->members[s->n_members++] = (struct scenario_member){ LAWFUL + 2, 0x21, false, false };
	s->members[s->n_members++] = (struct scenario_member){ LAWFUL + 2, 0x33, true, false };
	scenario_start_sm(s);
	vf_starts(s, port, 1, LAWFUL + 1);
	vf_starts(s, port, 2, LAWFUL + 2);
	vf_starts(s, scenario_host(s, 2), 1, LAWFUL + 3);
	settles(s);
	expect_up(s, port, 1);
	expect_up(s, port, 2);
	assert_true(has_pkey(port, 1, 0x7fff)); /* ALL holds as ever */
	assert_true(has_pkey(port, 1, 0x8021));
	assert_false(has_pkey(port, 2, 0x8021));
	assert_true(has_pkey(port, 2, 0x0021));
	assert_true(has_pkey(port, 2, 0x8033));
	assert_false(has_pkey(port, 0, 0x8021));
	assert_false(has_pkey(scenario_host(s, 2), 1, 0x8021));
	assert_true(is_let_through(port->far, 0x8021));
	assert_false(is_let_through(scenario_host(s, 2)->far, 0x8021));

	s->first.conf.virtual_functions.policy[0].membership = VF_MEMBERSHIP_BOTH;
	reload(s);
	settles(s);
	assert_true(has_pkey(port, 1, 0x8021));
	assert_true(has_pkey(port, 1, 0x0021));
	s->first.conf.virtual_functions.policy[0].membership = VF_MEMBERSHIP_LIMITED;
	reload(s);
	settles(s);
	assert_false(has_pkey(port, 1, 0x8021));
	assert_true(has_pkey(port, 1, 0x0021));
	assert_false(is_let_through(port->far, 0x8021));
	assert_true(is_let_through(port->far, 0x0021));
}

static void note_result(void *user, const struct sm_partition_result *result)
{
	struct sm_partition_result *ret = user;

	*ret = *result;
}

static void expect_not_taken_out(struct scenario *s, uint16_t pkey, uint64_t guid)
{
	struct sm_partition_change change = {
		.remove = true, .pkey = pkey, .guids = &guid, .n_guids = 1
	};
	struct sm_partition_result result = { .error = 0 };

	assert_int_equal(sm_change_partition(s->first.sm, &change, note_result, &result), 0);
	scenario_run(s, LOOP_SEC);
	assert_int_equal(result.error, -EPERM);
	assert_non_null(strstr(result.why, "by entry 1 of virtual_functions in vsm.conf"));
}

static void a_rule_gives_vfs_behind_a_virtual_switch_its_partition(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf, *vf;
	uint16_t keys[64];
	const struct fabric *f;
	unsigned n, found = 0;

	s->closed = true;
	scenario_build(s, graph_make_ft2(4));
	pf = scenario_host(s, 3);
	scenario_add_vfs(s, pf, VFS, true);
	vf = scenario_vf(pf, 2);
	add_rule(s, NULL)->partition = 0x21;
	scenario_start_sm(s);
	settles(s);
	assert_int_equal(sim_state(vf), SIM_ACTIVE);
	assert_true(has_pkey(vf, 0, 0x8021));
	assert_false(has_pkey(pf, 0, 0x8021));
	assert_true(is_let_through(vf->far, 0x8021));
	/* What the SA goes by. */
	f = sm_fabric(s->first.sm);
	n = sm_planned_pkeys(s->first.sm, fabric_find_port(f, vf->guid), keys, COUNT(keys));
	for (unsigned i = 0; i < n; i++)
		found += keys[i] == 0x8021;
	assert_int_equal(found, 1);
	expect_not_taken_out(s, 0x21, vf->guid);
}

/* Which rule it is shows late, and until then nobody who is Active loses a key. */
static void a_restart_leaves_the_keys_of_a_rule_by_name(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *pf;

	s->closed = true;
	build(s, graph_make_ft2(4), true);
	port = scenario_host(s, 3);
	pf = scenario_host(s, 5);
	sim_vfs_free(pf);
	scenario_add_vfs(s, pf, VFS, true);
	add_rule(s, NULL)->partition = 0x21;
	vf_starts(s, port, 1, LAWFUL);
	scenario_start_sm(s);
	settles(s);
	expect_up(s, port, 1);
	assert_true(has_pkey(port, 1, 0x8021));
	scenario_stop_sm(s);
	scenario_start_sm(s);
	settles(s);
	assert_true(has_pkey(port, 1, 0x8021));
	assert_int_equal(costs_until_now(s).sets, 0);
}

/* ---- planned moves --------------------------------------------------------------------------- */

static void vf_is_to_move(struct scenario *s, uint64_t guid, const struct sim_port *to)
{
	char why[SM_WHY_SIZE] = "";

	scenario_happens(s, "0x%016" PRIx64 " is to move to %s", guid, to->node->name);
	if (sm_move(s->first.sm, guid, to->guid, why) < 0)
		scenario_fail(s, "it is not to move: %s", why);
}

static void vf_is_not_to_move(struct scenario *s, uint64_t guid)
{
	char why[SM_WHY_SIZE] = "";

	scenario_happens(s, "0x%016" PRIx64 " is not to move", guid);
	assert_int_equal(sm_move_cancel(s->first.sm, guid, why), 0);
}

/* VF 1 of a host runs, and is in a partition that nobody else is in. */
static struct sim_port *build_for_a_move(struct scenario *s)
{
	struct sim_port *from;

	s->closed = true;
	s->members[s->n_members++] = (struct scenario_member){ LAWFUL, 0x21, true, false };
	build(s, graph_make_ft2(8), true);
	from = scenario_host(s, 3);
	scenario_start_sm(s);
	vf_starts(s, from, 1, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, from, 1);

	return from;
}

static void who_is_to_move_finds_its_new_place_ready(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	const struct fabric *f = sm_fabric(s->first.sm);
	uint16_t lid = sim_vport(from, 1)->lid;
	struct costs before, costs;
	struct endpoint e;

	/* The keys are let through there at once, and it goes on where it is. */
	vf_is_to_move(s, LAWFUL, to);
	scenario_run(s, 100 * LOOP_MSEC);
	assert_true(is_let_through(to->far, 0x8021));
	expect_up(s, from, 1);
	assert_string_equal(vf_reason(s, from, 1), "none");
	assert_ptr_equal(way_of(s, lid), from);
	assert_int_equal(endpoint_of_lid(f, lid).index, 1);

	/* When it has gone, its way is turned; nobody has its LID. */
	before = costs_until_now(s);
	vf_stops(s, from, 1);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, lid), to);
	assert_int_equal(fabric_find_lid(f, lid), NO_PORT);
	assert_true(costs_since(s, before).lft_sets <= s->n_switches);
	assert_true(sm_moving_to(s->first.sm, LAWFUL) == to->guid);

	/* So that its start there writes no table of a switch. */
	scenario_run(s, TRAP_PAUSE);
	before = costs_until_now(s);
	vf_starts(s, to, 2, LAWFUL);
	costs = costs_to_active(s, to, 2, before);
	if (costs.lft_sets > 0 || costs.requests > 11)
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
	assert_int_equal(sim_vport(to, 2)->lid, lid);
	settles_and_is_good(s);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL), 0);
	e = endpoint_of_lid(f, lid);
	assert_int_equal(e.index, 2);
	assert_true(f->ports[e.port].guid == to->guid);
	assert_true(is_let_through(to->far, 0x8021));
	assert_false(is_let_through(from->far, 0x8021));
	assert_int_equal(costs_since(s, before).lft_sets, 0);
}

static void a_move_that_is_taken_back_turns_the_way_back(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	uint16_t lid = sim_vport(from, 1)->lid;
	struct costs before;

	vf_is_to_move(s, LAWFUL, to);
	settles(s);
	vf_stops(s, from, 1);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, lid), to);
	vf_is_not_to_move(s, LAWFUL);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, lid), from);
	assert_false(is_let_through(to->far, 0x8021));
	scenario_run(s, TRAP_PAUSE);
	before = costs_until_now(s);
	vf_starts(s, from, 1, LAWFUL);
	assert_int_equal(costs_to_active(s, from, 1, before).lft_sets, 0);
	assert_int_equal(sim_vport(from, 1)->lid, lid);
	/* And that is kept. */
	scenario_kill_sm(s);
	scenario_start_sm(s);
	assert_null(sm_move_at(s->first.sm, 0));
	settles_and_is_good(s);
}

static void who_is_to_move_comes_up_nowhere_else(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	struct sim_port *third = scenario_host(s, 7);

	vf_is_to_move(s, LAWFUL, to);
	settles(s);
	vf_stops(s, from, 1);
	settles(s);
	vf_starts(s, third, 1, LAWFUL);
	settles(s);
	expect_left(s, third, 1, "vf-not-allowed");
	vf_stops(s, third, 1);
	vf_starts(s, from, 1, LAWFUL);
	settles(s);
	expect_left(s, from, 1, "vf-not-allowed");
	vf_is_not_to_move(s, LAWFUL);
	settles_and_is_good(s);
	expect_up(s, from, 1);
}

static void a_restart_goes_on_with_a_move(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	uint16_t lid = sim_vport(from, 1)->lid;
	struct costs before;

	vf_is_to_move(s, LAWFUL, to);
	scenario_run(s, 100 * LOOP_MSEC);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	assert_int_equal(costs_until_now(s).sets, 0);
	expect_up(s, from, 1);
	vf_stops(s, from, 1);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, lid), to);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	assert_int_equal(costs_until_now(s).sets, 0);
	assert_ptr_equal(way_of(s, lid), to);
	before = costs_until_now(s);
	vf_starts(s, to, 2, LAWFUL);
	assert_int_equal(costs_to_active(s, to, 2, before).lft_sets, 0);
	settles_and_is_good(s);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL), 0);
	/* And that it is over is kept too. */
	scenario_kill_sm(s);
	scenario_start_sm(s);
	settles(s);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL), 0);
}

static void who_is_at_both_places_is_a_duplicate_at_the_second(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);

	vf_is_to_move(s, LAWFUL, to);
	settles(s);
	vf_starts(s, to, 2, LAWFUL);
	settles(s);
	expect_up(s, from, 1);
	expect_left(s, to, 2, "vf-duplicate-guid");
	assert_true(sm_moving_to(s->first.sm, LAWFUL) == to->guid);
	vf_stops(s, from, 1);
	settles_and_is_good(s);
	expect_up(s, to, 2);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL), 0);
}

/* Its way there shows when it is there; its place is decided all the same. */
static void a_vf_behind_a_virtual_switch_moves_as_planned(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to, *vf;
	uint64_t guid;
	uint16_t lid;

	scenario_build(s, graph_make_ft2(4));
	from = scenario_host(s, 3);
	to = scenario_host(s, 6);
	scenario_add_vfs(s, from, 1, true);
	scenario_add_vfs(s, to, 1, false);
	vf = scenario_vf(from, 1);
	scenario_start_sm(s);
	settles_and_is_good(s);
	guid = vf->guid;
	lid = sim_lid(vf);
	vf_is_to_move(s, guid, to);
	settles_and_is_good(s);
	assert_int_equal(sim_state(vf), SIM_ACTIVE);
	assert_string_equal(scenario_reason(s, vf), "none");
	scenario_move_vf(s, from, 1, to, 1);
	settles_and_is_good(s);
	assert_int_equal(sim_lid(scenario_vf(to, 1)), lid);
	assert_int_equal(sm_moving_to(s->first.sm, guid), 0);
}

static void expect_refused_as(struct scenario *s, int r, uint64_t guid, uint64_t to,
			      const char *sentence)
{
	char why[SM_WHY_SIZE] = "";

	assert_int_equal(sm_move(s->first.sm, guid, to, why), r);
	if (!strstr(why, sentence))
		scenario_fail(s, "it said: %s", why);
	assert_int_equal(sm_moving_to(s->first.sm, guid), 0);
}

static void expect_refused(struct scenario *s, uint64_t guid, uint64_t to, const char *sentence)
{
	expect_refused_as(s, -EINVAL, guid, to, sentence);
}

static void a_move_that_cannot_be_is_refused(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	struct kept_reservation wanted = { .guid = LAWFUL, .n_places = 1 };
	char why[SM_WHY_SIZE];

	expect_refused(s, LAWFUL, 0x77, "is no physical port");
	expect_refused(s, LAWFUL, s->switches[0]->ports[0].guid, "is no physical port");
	expect_refused(s, from->guid, to->guid, "is a port");
	expect_refused_as(s, -ENOENT, ALIEN, to->guid, "is not known");
	add_rule(s, scenario_host(s, 5))->max = 0;
	reload(s);
	settles(s);
	expect_refused(s, LAWFUL, scenario_host(s, 5)->guid, "as no virtual function is: max is 0");
	wanted.place[0] = from->guid;
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
	expect_refused(s, LAWFUL, to->guid, "is reserved for other places");
	assert_int_equal(sm_release(s->first.sm, LAWFUL, why), 0);
	allow(add_rule(s, to), ALIEN, ALIEN);
	reload(s);
	settles(s);
	expect_refused(s, LAWFUL, to->guid, "is not allowed at that port");
	/* It is there: nothing is to be done. */
	vf_is_to_move(s, LAWFUL, from);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL), 0);
}

/* Else it could come up neither here nor there. */
static void who_is_to_move_is_reserved_for_no_other_place(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	struct kept_reservation wanted = { .guid = LAWFUL, .n_places = 1 };
	char why[SM_WHY_SIZE] = "";

	vf_is_to_move(s, LAWFUL, to);
	wanted.place[0] = from->guid;
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), -EINVAL);
	assert_non_null(strstr(why, "is to move"));
	assert_null(sm_reservation(s->first.sm, 0));
	wanted.place[0] = to->guid;
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
}

/* Between the two places only the plan says that it will be there again. */
static void who_is_on_its_way_keeps_its_lid_when_it_is_no_longer_reserved(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	struct kept_reservation wanted = { .guid = LAWFUL };
	uint16_t lid = sim_vport(from, 1)->lid;
	char why[SM_WHY_SIZE];

	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
	vf_is_to_move(s, LAWFUL, to);
	vf_stops(s, from, 1);
	settles_and_is_good(s);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	settles_and_is_good(s);
	assert_int_equal(sm_release(s->first.sm, LAWFUL, why), 0);
	assert_int_equal(sm_lid_of(s->first.sm, LAWFUL), lid);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, lid), to);
	vf_starts(s, to, 1, LAWFUL);
	settles_and_is_good(s);
	assert_int_equal(sim_vport(to, 1)->lid, lid);
}

/* It is not on its way, and nobody will end its move. */
static void the_move_of_who_never_came_goes_with_its_reservation(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from = build_for_a_move(s), *to = scenario_host(s, s->n_hosts - 1);
	struct kept_reservation wanted = { .guid = LAWFUL + 1, .lid = 900 };
	char why[SM_WHY_SIZE];

	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), 0);
	vf_is_to_move(s, LAWFUL + 1, to);
	vf_is_to_move(s, LAWFUL, to);
	settles_and_is_good(s);
	assert_ptr_equal(way_of(s, 900), to);
	assert_int_equal(sm_release(s->first.sm, LAWFUL + 1, why), 0);
	settles_and_is_good(s);
	assert_int_equal(sm_lid_of(s->first.sm, LAWFUL + 1), 0);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	assert_int_equal(sm_moving_to(s->first.sm, LAWFUL + 1), 0);
	assert_true(sm_moving_to(s->first.sm, LAWFUL) == to->guid);
	settles_and_is_good(s);
	expect_up(s, from, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_guid_out_of_range_stays_down_until_a_rule_allows_it),
		TEST(a_guid_out_of_range_stays_down_until_there_is_another),
		TEST(who_is_active_when_a_rule_comes_is_told_of_and_stays),
		TEST(a_rule_by_name_holds_from_the_beginning),
		TEST(a_rule_by_name_is_kept_where_there_is_none),
		TEST(what_is_reserved_for_one_port_stays_down_at_others),
		TEST(a_vf_behind_a_virtual_switch_stays_down_until_a_rule_allows_it),
		TEST(no_more_than_the_rule_says_come_up),
		TEST(a_vf_takes_a_spare_lid_and_no_table_is_written),
		TEST(more_at_once_than_there_are_spare_lids_come_up),
		TEST(a_restart_finds_spare_lids_and_writes_nothing),
		TEST(a_vf_that_moves_takes_its_spare_lid_along),
		TEST(fewer_spare_lids_are_given_back),
		TEST(spare_lids_make_room_for_devices),
		TEST(it_is_said_when_spare_lids_are_short),
		TEST(spare_lids_go_port_by_port),
		TEST(a_kill_at_any_moment_gives_no_lid_twice),
		TEST(who_is_to_have_a_lid_and_does_not_ask_is_offered_one),
		TEST(who_does_not_take_a_lid_shares_that_of_its_port),
		TEST(who_is_to_share_and_needs_a_lid_is_told_of),
		TEST(a_rule_makes_vfs_members_of_its_partition),
		TEST(a_rule_gives_vfs_behind_a_virtual_switch_its_partition),
		TEST(a_restart_leaves_the_keys_of_a_rule_by_name),
		TEST(who_is_to_move_finds_its_new_place_ready),
		TEST(a_move_that_is_taken_back_turns_the_way_back),
		TEST(who_is_to_move_comes_up_nowhere_else),
		TEST(a_restart_goes_on_with_a_move),
		TEST(who_is_at_both_places_is_a_duplicate_at_the_second),
		TEST(a_vf_behind_a_virtual_switch_moves_as_planned),
		TEST(a_move_that_cannot_be_is_refused),
		TEST(who_is_to_move_is_reserved_for_no_other_place),
		TEST(who_is_on_its_way_keeps_its_lid_when_it_is_no_longer_reserved),
		TEST(the_move_of_who_never_came_goes_with_its_reservation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
