/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of what an operator allows virtual functions, and plans for them: virtual_functions of
 * vsm.conf, and places that are reserved. Of vports, over the simulator's reading of them, and of
 * VFs behind virtual switches. Nothing here was run against ConnectX hardware.
 */

#include "tests/scenario/scenario.h"

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
#include "tests/sim/probe.h"
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
	*state = scenario_new(1);
	return 0;
}

static int tear_down(void **state)
{
	scenario_free(*state);
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
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
