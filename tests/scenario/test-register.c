/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of adapters that are to have their clients register again with the subnet administrator
 * (ClientReregister), and refuse every Set that says so. It is asked for again, less and less
 * often, told of once, and keeps nothing else from being set.
 */

#include "tests/scenario/alias-rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sim/tables.h"

static int set_up(void **state)
{
	struct scenario *s = scenario_new(1);

	s->fabric->quirks.reregister_refused = true;
	*state = s;
	return 0;
}

static uint64_t sets(const struct scenario_sm *m)
{
	return transport_sim_counts(m->transport)->sets;
}

/* But that it is told of, all is well. */
static void expect_all_set(struct scenario *s)
{
	struct scenario_sm *master = scenario_master(s);

	assert_non_null(master);
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		const struct sim_port *port = scenario_host(s, i);

		assert_int_equal(sim_state(port), SIM_ACTIVE);
		assert_int_not_equal(sim_lid(port), 0);
		assert_int_equal(ntohs(port->info.master_sm_base_lid), sim_lid(master->port));
		assert_string_equal(scenario_reason(s, port), "set-refused");
	}
}

static void it_costs_little_and_is_told_of_once(struct scenario *s, const struct scenario_sm *m)
{
	uint64_t before = sets(m);

	assert_int_equal(m->n_events[EVENT_PORT_REASON], s->n_hosts);
	scenario_run(s, 3600 * LOOP_SEC);
	assert_in_range(sets(m) - before, 1, 8 * s->n_hosts);
	assert_int_equal(m->n_events[EVENT_PORT_REASON], s->n_hosts);
}

static void who_refuses_it_comes_up_all_the_same(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ft2(4));
	scenario_start_sm(s);
	scenario_run(s, 2 * LOOP_SEC);
	expect_all_set(s);
	it_costs_little_and_is_told_of_once(s, &s->first);
	s->fabric->quirks.reregister_refused = false;
	scenario_expect_good_within(s, 4000);
}

static void who_refuses_it_hears_of_another_subnet_manager(void **state)
{
	struct scenario *s = *state;

	s->fabric->quirks.reregister_refused = false;
	scenario_build(s, graph_make_ft2(4));
	scenario_start_sm(s);
	scenario_expect_good_within(s, 100);
	s->fabric->quirks.reregister_refused = true;
	scenario_kill_sm(s);
	scenario_start_rival(s, scenario_host(s, 5), 0);
	scenario_run(s, 60 * LOOP_SEC);
	expect_all_set(s);
	it_costs_little_and_is_told_of_once(s, &s->rival);
	s->fabric->quirks.reregister_refused = false;
	scenario_forget_lids(s);
	scenario_expect_good_within(s, 4000);
}

/* Its driver is to ask for its alias GUIDs again, and does when it has been told at last. */
static void who_refuses_it_when_it_loses_an_alias_is_told_later(void **state)
{
	struct scenario *s = *state;
	struct sim_port *old, *new;

	s->fabric->quirks.reregister_refused = false;
	scenario_build(s, graph_make_line(2, 2));
	old = scenario_host(s, 3);
	new = scenario_host(s, 1);
	alias_add_vfs(s, old, 2, 0x500000);
	alias_comes_up(s);
	scenario_pull(s, scenario_link(s, 0));
	scenario_run(s, 15 * LOOP_SEC);
	alias_add_vfs(s, new, 1, 0x500000);
	scenario_run(s, 15 * LOOP_SEC);
	s->fabric->quirks.reregister_refused = true;
	scenario_plug(s, scenario_link(s, 0));
	scenario_run(s, 300 * LOOP_SEC);
	assert_int_equal(sim_guid_at(old, 1), 0);
	assert_int_equal(alias_look(old, 1).state, SIM_ACTIVE); /* it does not know */
	assert_string_equal(scenario_reason(s, old), "set-refused");
	s->fabric->quirks.reregister_refused = false;
	scenario_expect_good_within(s, 4000);
	assert_int_equal(alias_look(old, 1).state, SIM_DOWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_refuses_it_comes_up_all_the_same),
		TEST(who_refuses_it_hears_of_another_subnet_manager),
		TEST(who_refuses_it_when_it_loses_an_alias_is_told_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
