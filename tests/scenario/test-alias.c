/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of shared ports (mlx4): VFs that are alias GUIDs, their driver, which asks the subnet
 * administrator for them and asks again, and what becomes of them when something befalls the
 * subnet manager, the device or its cable.
 */

#include "tests/scenario/alias-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/tables.h"

enum { MANY = 126 };

static unsigned n_down;

static void note_down(void *user, struct sim_port *port, unsigned vf, unsigned event)
{
	(void)user;
	(void)port;
	(void)vf;
	n_down += event == SIM_EVENT_DOWN;
}

/* From now on. */
static void watch_vfs(struct scenario *s)
{
	n_down = 0;
	s->fabric->on_vf = note_down;
}

/* ---- drivers and their VFs ------------------------------------------------------------------- */

/* Of the many, some are there before anybody could know them when the subnet manager starts anew.
 */
static void kill_in_the_middle(struct scenario *s, const struct sim_port *port, bool is_lost)
{
	for (unsigned i = 0; i < 1000 && alias_count_up(port) < MANY / 3; i++)
		scenario_run(s, 10 * LOOP_MSEC);
	assert_in_range(alias_count_up(port), MANY / 3, MANY - 1);
	scenario_kill_sm(s);
	if (is_lost)
		memory_keeper_clear(s->first.keeper);
	scenario_run(s, 2 * LOOP_SEC);
	scenario_start_sm(s);
}

static void expect_as_asked(struct scenario *s, const struct sim_port *port)
{
	for (unsigned vf = 1; vf <= MANY; vf++) {
		assert_int_equal(sim_guid_at(port, vf), 0x500000 + vf - 1);
		assert_int_equal(alias_known(s, port, vf)->guid, 0x500000 + vf - 1);
		assert_int_equal(alias_known(s, port, vf)->reason, REASON_NONE);
	}
}

/* Up while packets are still being lost, and all is well when none are any more. */
static void many_come_up(unsigned loss, bool is_killed, bool is_lost)
{
	struct scenario *s = scenario_new(1);
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, MANY, 0x500000);
	scenario_fault(s, "loss \"H1\"[1] %u%%", loss);
	scenario_fault(s, "loss \"S0\"[%u] %u%%", port->far->number, loss);
	scenario_start_sm(s);
	if (is_killed)
		kill_in_the_middle(s, port, is_lost);
	scenario_run(s, 240 * LOOP_SEC);
	assert_int_equal(alias_count_up(port), MANY);
	scenario_clear_faults(s);
	scenario_run(s, 60 * LOOP_SEC);
	scenario_expect_good_within(s, 600);
	expect_as_asked(s, port);
	scenario_free(s);
}

static void all_vfs_come_up_although_packets_are_lost_both_ways(void **state)
{
	static const unsigned losses[] = { 1, 10, 20 };

	(void)state;
	for (unsigned i = 0; i < COUNT(losses); i++) {
		many_come_up(losses[i], false, false);
		many_come_up(losses[i], true, false);
		many_come_up(losses[i], true, true);
	}
}

static void all_vfs_come_up_within_a_second_and_cost_one_smp_a_block(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, MANY, 0x500000);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_run(s, LOOP_SEC);
	assert_int_equal(alias_count_up(port), MANY);
	assert_int_equal(alias_count_sets(s), 16);
	assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, METHOD_GET), 0);
	scenario_run(s, 60 * LOOP_SEC); /* and nothing afterwards */
	assert_int_equal(alias_count_sets(s), 16);
	scenario_expect_all_good(s);
}

static void the_subnet_manager_is_killed_and_adopts_all(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, MANY, 0x500000);
	alias_comes_up(s);
	watch_vfs(s);
	for (unsigned round = 0; round < 3; round++) {
		scenario_kill_sm(s);
		if (round == 2)
			memory_keeper_clear(s->first.keeper); /* and the store is empty, too */
		s->first.conf.client_reregister = round < 2;  /* with what was registered */
		scenario_run(s, 5 * LOOP_SEC);
		alias_comes_up(s);
		assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
		assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, METHOD_GET), 16 + 3 * 4);
		assert_int_equal(alias_count_up(port), MANY);
		assert_int_equal(alias_known(s, port, MANY)->wanted, 0x500000 + MANY - 1);
	}
	assert_int_equal(n_down, 0);
	scenario_expect_all_good(s);
}

/* Of two rules for a port that counts which goes by its name; and that is asked last. */
static void a_restart_leaves_what_a_rule_by_name_allows(void **state)
{
	struct scenario *s = *state;
	struct vf_policies *policies = &s->first.conf.virtual_functions;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	policies->n = 2;
	vf_policy_init(&policies->policy[0]);
	strcpy(policies->policy[0].ports, "*");
	policies->policy[0].range[policies->policy[0].n_ranges++] =
		(struct vf_range){ 0x500000, 0x5fffff };
	vf_policy_init(&policies->policy[1]);
	policies->policy[1].port_guid[policies->policy[1].n_port_guids++] = port->guid;
	policies->policy[1].range[policies->policy[1].n_ranges++] =
		(struct vf_range){ 0x600000, 0x6fffff };
	alias_add_vfs(s, port, 3, 0x500000);
	alias_comes_up(s);
	scenario_run(s, 60 * LOOP_SEC);
	assert_int_equal(alias_count_up(port), 3);
	watch_vfs(s);
	for (unsigned round = 0; round < 2; round++) {
		scenario_kill_sm(s);
		if (round == 1)
			memory_keeper_clear(s->first.keeper);
		s->first.conf.client_reregister = round < 1;
		alias_comes_up(s);
		scenario_run(s, 5 * LOOP_SEC);
		assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
		assert_int_equal(alias_count_up(port), 3);
		assert_int_equal(alias_known(s, port, 2)->wanted, 0x500001);
	}
	assert_int_equal(n_down, 0);
	scenario_expect_all_good(s);
}

/* Nothing has it meanwhile, so that only the book says whom it concerns. */
static void who_is_no_longer_reserved_for_another_port_gets_its_guid_back(void **state)
{
	struct scenario *s = *state;
	struct kept_reservation elsewhere = { .guid = 0x500000, .n_places = 1 };
	struct sim_port *port;
	char why[SM_WHY_SIZE];

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, 1, 0x500000);
	alias_comes_up(s);
	assert_int_equal(alias_known(s, port, 1)->guid, 0x500000);
	elsewhere.place[0] = scenario_host(s, 2)->guid;
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(sm_reserve(s->first.sm, &elsewhere, why), 0);
		scenario_run(s, 30 * LOOP_SEC);
		assert_int_equal(alias_known(s, port, 1)->guid, 0);
		if (round == 0) {
			assert_int_equal(sm_release(s->first.sm, 0x500000, why), 0);
		} else {
			elsewhere.place[0] = port->guid;
			assert_int_equal(sm_reserve(s->first.sm, &elsewhere, why), 0);
		}
		scenario_run(s, 30 * LOOP_SEC);
		assert_int_equal(alias_known(s, port, 1)->guid, 0x500000);
	}
}

static void what_can_hold_nothing_is_not_read(void **state)
{
	struct scenario *s = *state;

	alias_build(s);
	alias_comes_up(s);
	assert_true(scenario_host(s, 1)->info.guid_cap > 1);
	assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, 0), 0);
	scenario_reboot(s, s->hosts[1]);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, 0), 0);
	/* Where it was meanwhile, another subnet manager may have been. */
	scenario_pull(s, scenario_host(s, 2));
	scenario_run(s, 20 * LOOP_SEC);
	scenario_plug(s, scenario_host(s, 2));
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, 0), 4);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(alias_count_smps(s, ATTR_GUID_INFO, METHOD_GET), 4 + 4 * 4);
}

static void aliases_have_no_lids_and_switches_are_not_told_of_them(void **state)
{
	struct scenario *s = *state;
	uint64_t set;

	alias_build(s);
	alias_comes_up(s);
	scenario_run(s, 30 * LOOP_SEC);
	set = alias_count_smps(s, ATTR_SWITCH_INFO, METHOD_SET);
	alias_add_vfs(s, scenario_host(s, 1), 8, 0x500000);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_up(scenario_host(s, 1)), 8);
	assert_int_equal(alias_count_smps(s, ATTR_SWITCH_INFO, METHOD_SET), set);
	scenario_stop_sm(s);
	alias_comes_up(s);
	assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
}

static void a_device_that_reboots_has_its_guids_before_its_driver_asks(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t sets;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, MANY, 0x500000);
	alias_comes_up(s);
	sets = alias_count_sets(s);
	scenario_reboot(s, s->hosts[1]);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_up(port), MANY);
	assert_int_equal(alias_count_sets(s), sets + 16);
	scenario_expect_all_good(s);
}

static void guids_that_the_sm_gives_are_unique_and_stay(void **state)
{
	struct scenario *s = *state;
	uint64_t guid[2][9];

	alias_build(s);
	for (unsigned h = 0; h < 2; h++)
		alias_add_vfs(s, scenario_host(s, 1 + h), 8, 0);
	alias_comes_up(s);
	for (unsigned i = 0; i < 16; i++) {
		struct sim_port *port = scenario_host(s, 1 + i / 8);
		uint64_t *own = &guid[i / 8][1 + i % 8];

		*own = sim_guid_at(port, 1 + i % 8);
		assert_true(*own >= s->first.conf.guid_pool_first &&
			    *own <= s->first.conf.guid_pool_last);
		for (unsigned j = 0; j < i; j++)
			assert_true(guid[j / 8][1 + j % 8] != *own);
	}
	/* Neither remembers, but the store. */
	scenario_stop_sm(s);
	for (unsigned h = 0; h < 2; h++) {
		scenario_reboot(s, s->hosts[1 + h]);
		for (unsigned vf = 1; vf <= 8; vf++)
			sim_vf_set_guid(scenario_host(s, 1 + h), vf, 0);
	}
	alias_comes_up(s);
	for (unsigned i = 0; i < 16; i++)
		assert_true(sim_guid_at(scenario_host(s, 1 + i / 8), 1 + i % 8) ==
			    guid[i / 8][1 + i % 8]);
	assert_int_equal(alias_count_up(scenario_host(s, 2)), 8);
	scenario_expect_all_good(s);
}

static void a_vf_that_stops_and_starts_gets_the_same_guid(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t guid;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, 2, 0);
	alias_comes_up(s);
	guid = sim_guid_at(port, 1);
	sim_vf_stop(port, 1);
	scenario_run(s, LOOP_SEC);
	assert_int_equal(sim_guid_at(port, 1), 0);
	assert_int_equal(alias_look(port, 2).state, SIM_ACTIVE);
	sim_vf_set_guid(port, 1, 0);
	sim_vf_start(port, 1);
	scenario_run(s, LOOP_SEC);
	assert_true(guid != 0 && sim_guid_at(port, 1) == guid);
	assert_int_equal(alias_look(port, 1).state, SIM_ACTIVE);
}

static void of_two_with_one_guid_the_second_waits_until_the_first_has_gone(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;

	alias_build(s);
	first = scenario_host(s, 1);
	alias_add_vfs(s, first, 1, 0x500000);
	alias_comes_up(s);
	second = scenario_host(s, 2);
	alias_add_vfs(s, second, 3, 0x500000);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(alias_look(first, 1).state, SIM_ACTIVE);
	assert_int_equal(alias_look(second, 1).state, SIM_DOWN);
	assert_int_equal(alias_look(second, 2).state, SIM_ACTIVE);
	assert_int_equal(alias_known(s, second, 1)->reason, REASON_VF_DUPLICATE_GUID);
	sim_vf_stop(first, 1);
	scenario_run(s, LOOP_SEC);
	scenario_expect_paths(s); /* of the others, until its driver asks again */
	scenario_run(s, 59 * LOOP_SEC);
	assert_int_equal(alias_look(second, 1).state, SIM_ACTIVE);
	assert_int_equal(alias_known(s, second, 1)->reason, REASON_NONE);
	scenario_expect_all_good(s);
}

/* ---- who goes, and who comes ----------------------------------------------------------------- */

static void a_cable_that_is_pulled_takes_aliases_away_and_brings_them_back(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	const struct fabric *f;
	uint64_t smps;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, 2, 0x500000);
	alias_comes_up(s);
	f = sm_fabric(s->first.sm);
	assert_int_equal(endpoint_find(f, 0x500001).index, 2);
	smps = alias_count_sets(s);
	scenario_pull(s, port);
	scenario_run(s, 15 * LOOP_SEC);
	assert_true(endpoint_find(f, 0x500001).port == NO_PORT);
	scenario_plug(s, port);
	scenario_run(s, 15 * LOOP_SEC);
	assert_int_equal(endpoint_find(f, 0x500001).index, 2);
	assert_int_equal(alias_count_up(port), 2);
	assert_int_equal(alias_count_sets(s), smps);
}

static void a_guid_moves_when_its_port_is_away_and_not_before(void **state)
{
	struct scenario *s = *state;
	struct sim_port *old, *new;

	alias_build(s);
	old = scenario_host(s, 1);
	new = scenario_host(s, 2);
	alias_add_vfs(s, old, 2, 0x500000);
	alias_comes_up(s);
	scenario_pull(s, old);
	scenario_run(s, 15 * LOOP_SEC);
	alias_add_vfs(s, new, 1, 0x500000);
	scenario_run(s, 15 * LOOP_SEC);
	assert_int_equal(alias_look(new, 1).state, SIM_ACTIVE);
	/* The old one comes back, and still holds it. */
	scenario_plug(s, old);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_look(new, 1).state, SIM_ACTIVE);
	assert_int_equal(sim_guid_at(new, 1), 0x500000);
	assert_int_equal(sim_guid_at(old, 1), 0);
	assert_int_equal(sim_guid_at(old, 2), 0x500001);
	assert_int_equal(alias_look(old, 2).state, SIM_ACTIVE);
	scenario_expect_all_good(s);
}

static void who_is_found_active_has_been_so_since_then(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t restarted;

	scenario_build(s, graph_make_line(2, 2));
	port = scenario_host(s, 3);
	alias_add_vfs(s, port, 2, 0x500000);
	alias_comes_up(s);
	scenario_kill_sm(s);
	restarted = loop_now(s->loop);
	scenario_start_sm(s);
	scenario_run(s, 15 * LOOP_SEC);
	assert_int_equal(alias_known(s, port, 2)->reason, REASON_NONE);
	assert_in_range(alias_known(s, port, 2)->since, restarted, loop_now(s->loop));
}

/*
 * What it holds is known, and not read again. Its guest does not know that it has no GUID, until
 * its driver is told to register again and asks.
 */
static void who_loses_its_guid_to_another_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *old, *new;

	scenario_build(s, graph_make_line(2, 2));
	old = scenario_host(s, 3);
	new = scenario_host(s, 1);
	assert_ptr_not_equal(old->far->node, s->first.port->far->node);
	alias_add_vfs(s, old, 2, 0x500000);
	alias_comes_up(s);
	scenario_pull(s, scenario_link(s, 0));
	scenario_run(s, 15 * LOOP_SEC);
	alias_add_vfs(s, new, 1, 0x500000);
	scenario_run(s, 15 * LOOP_SEC);
	assert_int_equal(alias_look(new, 1).state, SIM_ACTIVE);
	scenario_plug(s, scenario_link(s, 0));
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(sim_guid_at(old, 1), 0);
	assert_int_equal(alias_known(s, old, 1)->reason, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(alias_known(s, old, 2)->reason, REASON_NONE);
	assert_int_equal(alias_look(old, 1).state, SIM_DOWN);
	assert_int_equal(alias_look(old, 2).state, SIM_ACTIVE);
	scenario_expect_all_good(s);
}

/* The other was promised it, and its device does not hear of it. */
static void who_loses_its_guid_to_who_does_not_have_it_yet_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *old, *new;

	scenario_build(s, graph_make_line(2, 2));
	old = scenario_host(s, 3);
	new = scenario_host(s, 1);
	alias_add_vfs(s, old, 1, 0x500000);
	alias_comes_up(s);
	scenario_pull(s, scenario_link(s, 0));
	scenario_run(s, 15 * LOOP_SEC);
	scenario_fault(s, "silent \"H1\" set guidinfo");
	alias_add_vfs(s, new, 1, 0x500000);
	scenario_run(s, 15 * LOOP_SEC);
	scenario_plug(s, scenario_link(s, 0));
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(sim_guid_at(old, 1), 0);
	assert_int_equal(alias_known(s, old, 1)->reason, REASON_VF_DUPLICATE_GUID);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
	assert_int_equal(alias_look(new, 1).state, SIM_ACTIVE);
}

/* Behind its back, as another subnet manager does. */
static void put_guid(struct scenario *s, struct sim_port *port, unsigned index, uint64_t guid)
{
	scenario_happens(s, "%s has GUID 0x%llx at %u", port->node->name, (unsigned long long)guid,
			 index);
	assert_int_equal(sim_guid_put(port, index, guid), 0);
}

static void what_devices_hold_counts_more_than_the_book(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, 2, 0x500000);
	alias_comes_up(s);
	scenario_kill_sm(s);
	put_guid(s, port, 1, 0x600000);
	put_guid(s, port, 20, 0x600020);
	alias_comes_up(s);
	assert_int_equal(transport_sim_counts(s->first.transport)->sets, 0);
	assert_int_equal(sim_guid_at(port, 1), 0x600000);
	assert_int_equal(alias_known(s, port, 20)->wanted, 0x600020);
	/* And is in the book from now on. */
	scenario_reboot(s, s->hosts[1]);
	scenario_run(s, 3 * LOOP_SEC);
	assert_int_equal(sim_guid_at(port, 20), 0x600020);
}

static void of_what_two_hold_one_stays(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;

	alias_build(s);
	first = scenario_host(s, 1);
	second = scenario_host(s, 2);
	alias_add_vfs(s, second, 1, 0x500000);
	alias_comes_up(s);
	scenario_kill_sm(s);
	put_guid(s, first, 5, 0x500000); /* found first, but the other is in the book */
	put_guid(s, first, 6, second->guid);
	put_guid(s, first, 7, UINT64_MAX);
	put_guid(s, first, 8, 0x500008);
	alias_comes_up(s);
	assert_int_equal(sim_guid_at(second, 1), 0x500000);
	assert_int_equal(alias_look(second, 1).state, SIM_ACTIVE);
	for (unsigned i = 5; i <= 7; i++)
		assert_int_equal(sim_guid_at(first, i), 0);
	assert_int_equal(sim_guid_at(first, 8), 0x500008);
	assert_int_equal(alias_known(s, first, 5)->reason, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(alias_known(s, first, 6)->reason, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(alias_known(s, first, 7)->reason, REASON_VF_NOT_ALLOWED);
	scenario_expect_all_good(s);
}

static void a_standby_that_takes_over_adopts_what_changed_while_it_waited(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	alias_add_vfs(s, port, 4, 0x500000);
	scenario_start_rival(s, scenario_host(s, 3), 15);
	scenario_settle(s);
	scenario_run(s, 5 * LOOP_SEC);
	scenario_start_sm(s);
	scenario_run(s, 30 * LOOP_SEC);
	sim_vf_set_guid(port, 1, 0x700000);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(sim_guid_at(port, 1), 0x700000);
	watch_vfs(s);
	scenario_kill_rival(s);
	scenario_settle(s);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(sim_guid_at(port, 1), 0x700000);
	assert_int_equal(alias_known(s, port, 1)->wanted, 0x700000);
	assert_int_equal(alias_count_up(port), 4);
	assert_int_equal(n_down, 0);
	assert_int_equal(alias_count_sets(s), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

/*
 * A standby saw the host when it had nothing; all that it has the other one gave. And its driver
 * does not ask again: it knows what it has.
 */
static void who_was_standby_from_the_start_adopts_what_the_other_gave(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	alias_build(s);
	port = scenario_host(s, 1);
	scenario_add_shared(s, port, 2, true, true);
	scenario_start_sm(s);
	scenario_start_rival(s, scenario_host(s, 3), 1);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(scenario_status(&s->first).state, SM_STANDBY);
	assert_int_equal(alias_count_up(port), 2);
	scenario_kill_rival(s);
	scenario_stop_shared(s, port, 2);
	scenario_expect_good_within(s, 120);
	assert_non_null(alias_known(s, port, 1));
	assert_int_equal(alias_known(s, port, 1)->guid, sim_guid_at(port, 1));
}

/*
 * It was taken for another one, and what that asked for arrived when it was itself again: it has
 * something although it has just restarted.
 */
static void who_was_taken_for_another_keeps_nothing_of_it(void **state)
{
	struct scenario *s = *state;
	struct sim_port *one, *other;

	alias_build(s);
	one = scenario_host(s, 1);
	other = scenario_host(s, 2);
	alias_add_vfs(s, one, 1, 0x500000);
	alias_add_vfs(s, other, 1, 0x600000);
	alias_comes_up(s);
	scenario_power_off(s, one->node);
	scenario_settle(s);
	scenario_twin(s, other->node, one->node);
	scenario_settle(s);
	scenario_clear_faults(s);
	put_guid(s, other, 9, 0x500000);
	scenario_settle(s);
	assert_int_equal(sim_guid_at(other, 9), 0);
	scenario_power_on(s, one->node);
	scenario_run(s, 60 * LOOP_SEC);
	assert_int_equal(alias_look(one, 1).state, SIM_ACTIVE);
	scenario_expect_all_good(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_vfs_come_up_although_packets_are_lost_both_ways),
		TEST(all_vfs_come_up_within_a_second_and_cost_one_smp_a_block),
		TEST(the_subnet_manager_is_killed_and_adopts_all),
		TEST(who_is_found_active_has_been_so_since_then),
		TEST(who_loses_its_guid_to_another_is_told_of),
		TEST(who_loses_its_guid_to_who_does_not_have_it_yet_is_told_of),
		TEST(who_is_no_longer_reserved_for_another_port_gets_its_guid_back),
		TEST(a_restart_leaves_what_a_rule_by_name_allows),
		TEST(what_can_hold_nothing_is_not_read),
		TEST(aliases_have_no_lids_and_switches_are_not_told_of_them),
		TEST(a_device_that_reboots_has_its_guids_before_its_driver_asks),
		TEST(guids_that_the_sm_gives_are_unique_and_stay),
		TEST(a_vf_that_stops_and_starts_gets_the_same_guid),
		TEST(of_two_with_one_guid_the_second_waits_until_the_first_has_gone),
		TEST(a_cable_that_is_pulled_takes_aliases_away_and_brings_them_back),
		TEST(a_guid_moves_when_its_port_is_away_and_not_before),
		TEST(what_devices_hold_counts_more_than_the_book),
		TEST(of_what_two_hold_one_stays),
		TEST(a_standby_that_takes_over_adopts_what_changed_while_it_waited),
		TEST(who_was_standby_from_the_start_adopts_what_the_other_gave),
		TEST(who_was_taken_for_another_keeps_nothing_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
