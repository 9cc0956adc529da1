/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What becomes of a single request for alias GUIDs: who may, what is refused, what it costs, and
 * when it is answered.
 */

#include "tests/scenario/alias-rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/registration.h"
#include "tests/scenario/joiner.h"
#include "tests/sim/tables.h"

/* ---- requests -------------------------------------------------------------------------------- */

static void one_request_costs_one_smp(void **state)
{
	struct scenario *s = *state;
	struct sa_client a;
	struct sm_status before;
	uint64_t smps;

	alias_build(s);
	alias_comes_up(s);
	asker_open(&a, scenario_host(s, 1));
	before = scenario_status(&s->first);
	smps = alias_count_smps(s, 0, 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, scenario_host(s, 1), 9, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 9), 0x500000);
	assert_int_equal(sim_guid_at(scenario_host(s, 1), 9), 0x500000);
	assert_int_equal(alias_count_smps(s, 0, 0), smps + 1);
	assert_int_equal(scenario_status(&s->first).sweeps, before.sweeps);
	assert_int_equal(scenario_status(&s->first).generation, before.generation + 1);
	assert_int_equal(scenario_status(&s->first).applied, before.generation + 1);
	/* The same again is in place already. */
	assert_int_equal(asker_ask(s, &a, SIM_SET, scenario_host(s, 1), 9, 0x500000), 0);
	assert_int_equal(alias_count_smps(s, 0, 0), smps + 1);
	assert_int_equal(asker_ask(s, &a, METHOD_DELETE, scenario_host(s, 1), 9, 0), 0);
	assert_int_equal(asker_guid(&a, 9), 0);
	assert_int_equal(alias_count_smps(s, 0, 0), smps + 2);
	sa_client_close(&a);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_sets(s), 2);
}

/* What it held before it was out of sight, and somebody else had meanwhile, is nobody's now. */
static void who_comes_back_keeps_what_nobody_has_any_more(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host, *other;
	struct sa_client a, b;

	alias_build(s);
	alias_comes_up(s);
	host = scenario_host(s, 1);
	other = scenario_host(s, 2);
	asker_open(&a, host);
	asker_open(&b, other);
	assert_int_equal(asker_ask(s, &a, SIM_SET, host, 9, 0x500000), 0);
	scenario_pull(s, host);
	scenario_settle(s);
	assert_int_equal(asker_ask(s, &b, SIM_SET, other, 3, 0x500000), 0);
	assert_int_equal(asker_guid(&b, 3), 0x500000);
	assert_int_equal(asker_ask(s, &b, SIM_SET, other, 3, 0x500001), 0);
	assert_int_equal(asker_guid(&b, 3), 0x500001);
	scenario_plug(s, host);
	scenario_settle(s);
	assert_int_equal(sim_guid_at(host, 9), 0x500000);
	scenario_expect_all_good(s);
	sa_client_close(&a);
	sa_client_close(&b);
}

/* A GUID is given back when it has left its groups. */
static void what_is_in_a_group_is_not_given_back(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host;
	struct sa_client a;
	struct joiner j;
	ib_member_rec_t record;
	uint64_t sets;

	alias_build(s);
	alias_comes_up(s);
	host = scenario_host(s, 1);
	asker_open(&a, host);
	assert_int_equal(asker_ask(s, &a, SIM_SET, host, 9, 0x500000), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, host, 10, 0x500001), 0);
	sa_client_close(&a);
	joiner_open(&j, host);
	record = joiner_other(host, 0x500000, 0xffff, 0xffffffff, 1);
	assert_true(joiner_send(&j, SIM_SET, &record, MCM_MASK_OTHER));
	scenario_run(s, LOOP_SEC);
	assert_true(j.answered);
	assert_int_equal(j.status, 0);
	joiner_close(&j);

	sets = alias_count_sets(s);
	asker_open(&a, host);
	assert_int_equal(asker_ask(s, &a, METHOD_DELETE, host, 9, 0), 0x0700);
	assert_int_equal(sim_guid_at(host, 9), 0x500000);
	assert_int_equal(alias_count_sets(s), sets);
	assert_int_equal(asker_ask(s, &a, METHOD_DELETE, host, 10, 0), 0);
	assert_int_equal(sim_guid_at(host, 10), 0);
	sa_client_close(&a);
	joiner_open(&j, host);
	assert_true(joiner_send(&j, METHOD_DELETE, &record, MCM_MASK_LEAVE));
	scenario_run(s, LOOP_SEC);
	assert_true(j.answered);
	assert_int_equal(j.status, 0);
	joiner_close(&j);
	asker_open(&a, host);
	assert_int_equal(asker_ask(s, &a, METHOD_DELETE, host, 9, 0), 0);
	assert_int_equal(sim_guid_at(host, 9), 0);
	sa_client_close(&a);
}

static void a_foreigner_is_denied(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client foreigner, own, ours;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&foreigner, scenario_host(s, 2));
	asker_open(&own, target);
	asker_open(&ours, s->first.port);
	assert_int_equal(asker_ask(s, &foreigner, SIM_SET, target, 1, 0x500000), 0x0700);
	assert_int_equal(asker_ask(s, &foreigner, METHOD_DELETE, target, 1, 0), 0x0700);
	assert_int_equal(sim_guid_at(target, 1), 0);
	assert_int_equal(alias_count_sets(s), 0);
	assert_int_equal(asker_ask(s, &own, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_ask(s, &ours, SIM_SET, target, 2, 0x500001), 0);
	assert_int_equal(asker_ask(s, &foreigner, METHOD_DELETE, target, 1, 0), 0x0700);
	assert_int_equal(sim_guid_at(target, 1), 0x500000);
	assert_int_equal(sim_guid_at(target, 2), 0x500001);
	sa_client_close(&foreigner);
	sa_client_close(&own);
	sa_client_close(&ours);
}

static void reconfigure(struct scenario *s)
{
	scenario_apply_partitions(s);
	scenario_run(s, 5 * LOOP_SEC);
}

static void whom_the_operator_trusts_may(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a, b;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, scenario_host(s, 2));
	asker_open(&b, scenario_host(s, 3));
	s->first.conf.trusted_guids.n = 1;
	s->first.conf.trusted_guids.guid[0] = scenario_host(s, 2)->guid;
	reconfigure(s);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0x0700);
	s->first.conf.alias_guids = CONF_ALIAS_GUIDS_TRUSTED;
	reconfigure(s);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_ask(s, &b, SIM_SET, target, 2, 0x500001), 0x0700);
	s->first.conf.alias_guids = CONF_ALIAS_GUIDS_ANY;
	reconfigure(s);
	assert_int_equal(asker_ask(s, &b, SIM_SET, target, 2, 0x500001), 0);
	assert_int_equal(sim_guid_at(target, 2), 0x500001);
	sa_client_close(&a);
	sa_client_close(&b);
}

/* By entry: 0 is "refused", and what was there stays. */
static void what_cannot_be_is_refused_by_entry(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_add_vfs(s, scenario_host(s, 2), 1, 0x600000);
	alias_comes_up(s);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	/* Base GUIDs, its own among them; an alias elsewhere; another entry; what is no GUID. */
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, scenario_host(s, 3)->guid), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, target->guid), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0x600000), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, UINT64_MAX), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0x0200000000000002), 0);
	assert_int_equal(asker_guid(&a, 2), 0);
	/* And the whole block is told, with what stays. */
	assert_int_equal(asker_guid(&a, 1), 0x500000);
	assert_int_equal(asker_guid(&a, 0), target->guid);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x600000), 0);
	assert_int_equal(asker_guid(&a, 1), 0x500000);
	assert_int_equal(alias_count_sets(s), 2);
	sa_client_close(&a);
}

/* As its driver does for ever; and what is told of is what is wrong. */
static void who_keeps_its_guid_is_well_and_its_refusal_is_told_of_once(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;
	unsigned before;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_add_vfs(s, scenario_host(s, 2), 1, 0x600000);
	alias_comes_up(s);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	before = s->first.n_events[EVENT_PORT_REASON];
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x600000), 0);
		assert_int_equal(asker_guid(&a, 1), 0x500000);
		assert_int_equal(alias_known(s, target, 1)->reason, REASON_NONE);
		scenario_run(s, 60 * LOOP_SEC);
	}
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 1);
	/* When it has none, that is why. */
	assert_int_equal(asker_ask(s, &a, METHOD_DELETE, target, 1, 0), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x600000), 0);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 2);
	sa_client_close(&a);
}

static void is_refused(struct scenario *s, struct sa_client *a, struct sim_port *target,
		       uint64_t guid, enum reason reason)
{
	assert_int_equal(asker_ask(s, a, SIM_SET, target, 1, guid), 0);
	assert_int_equal(asker_guid(a, 1), 0);
	assert_int_equal(alias_known(s, target, 1)->reason, reason);
}

/* Its operator tries this and that, and its driver asks for each until there is another. */
static void each_guid_that_is_refused_is_told_of_once(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;
	unsigned before;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_add_vfs(s, scenario_host(s, 2), 2, 0x600000);
	alias_comes_up(s);
	asker_open(&a, target);
	before = s->first.n_events[EVENT_PORT_REASON];
	for (unsigned i = 0; i < 3; i++)
		is_refused(s, &a, target, 0x600000, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 1);
	for (unsigned i = 0; i < 3; i++)
		is_refused(s, &a, target, 0x600001, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 2);
	for (unsigned i = 0; i < 3; i++)
		is_refused(s, &a, target, UINT64_MAX, REASON_VF_NOT_ALLOWED);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 3);
	sa_client_close(&a);
}

/* And when it is quiet again, its last is. */
static void who_tries_all_the_time_does_not_fill_the_log(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;
	unsigned before;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, target);
	before = s->first.n_events[EVENT_PORT_REASON];
	for (unsigned i = 0; i < 200; i++)
		is_refused(s, &a, target, i % 2 ? target->guid : UINT64_MAX,
			   i % 2 ? REASON_VF_DUPLICATE_GUID : REASON_VF_NOT_ALLOWED);
	assert_in_range(s->first.n_events[EVENT_PORT_REASON] - before, 2, 100);
	scenario_run(s, 600 * LOOP_SEC);
	before = s->first.n_events[EVENT_PORT_REASON];
	is_refused(s, &a, target, scenario_host(s, 3)->guid, REASON_VF_DUPLICATE_GUID);
	assert_int_equal(s->first.n_events[EVENT_PORT_REASON], before + 1);
	sa_client_close(&a);
}

/* Its firmware has no room for VFs any more. */
static void what_is_for_an_entry_that_a_port_no_longer_has_is_for_others(void **state)
{
	struct scenario *s = *state;
	struct sim_port *former, *target;
	struct sa_client a, b;

	alias_build(s);
	former = scenario_host(s, 1);
	target = scenario_host(s, 2);
	alias_comes_up(s);
	asker_open(&a, former);
	asker_open(&b, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, former, 1, 0x500000), 0);
	assert_int_equal(asker_ask(s, &b, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&b, 1), 0);
	scenario_power_off(s, former->node);
	former->info.guid_cap = 1;
	scenario_power_on(s, former->node);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(asker_ask(s, &b, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&b, 1), 0x500000);
	scenario_expect_all_good(s);
	sa_client_close(&a);
	sa_client_close(&b);
}

static void rules_of_the_operator_hold(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct vf_policy *policy = &s->first.conf.virtual_functions.policy[0];
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	vf_policy_init(policy);
	policy->n_port_guids = 1;
	policy->port_guid[0] = target->guid;
	policy->n_ranges = 1;
	policy->range[0] = (struct vf_range){ 0x500000, 0x500001 };
	policy->max = 2;
	s->first.conf.virtual_functions.n = 1;
	alias_comes_up(s);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500002), 0);
	assert_int_equal(asker_guid(&a, 1), 0);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_VF_NOT_ALLOWED);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500001), 0);
	assert_int_equal(asker_guid(&a, 1), 0x500001);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0), 0); /* any, of the range */
	assert_int_equal(asker_guid(&a, 2), 0x500000);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 3, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 3), 0);
	assert_int_equal(alias_known(s, target, 3)->reason, REASON_VF_TOO_MANY);
	assert_string_equal(scenario_last_event(s, EVENT_PORT_REASON),
			    "alias GUID 0x0000000000500000 of virtual function 3: The physical "
			    "port has more virtual functions than there is room for. At most 2 "
			    "are allowed there: max in entry 1 of virtual_functions.");
	/* What is no longer allowed goes, and comes back. */
	policy->range[0].last = 0x500000;
	reconfigure(s);
	assert_int_equal(sim_guid_at(target, 1), 0);
	assert_int_equal(sim_guid_at(target, 2), 0x500000);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_VF_NOT_ALLOWED);
	policy->range[0].last = 0x500001;
	reconfigure(s);
	assert_int_equal(sim_guid_at(target, 1), 0x500001);
	sa_client_close(&a);
}

static void what_is_reserved_for_another_place_is_not_for_this_one(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct kept_reservation reservation = { .n_places = 1 };
	struct sa_client a;
	char why[SM_WHY_SIZE];

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	reservation.guid = 0x500000;
	reservation.place[0] = scenario_host(s, 2)->guid;
	assert_int_equal(sm_reserve(s->first.sm, &reservation, why), 0);
	reservation.guid = s->first.conf.guid_pool_first;
	reservation.place[0] = target->guid;
	assert_int_equal(sm_reserve(s->first.sm, &reservation, why), 0);
	scenario_run(s, LOOP_SEC);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 1), 0);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_VF_NOT_ALLOWED);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0), 0);
	assert_true(asker_guid(&a, 1) == s->first.conf.guid_pool_first + 1);
	/* Who asks for it by name may, where it may be. */
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, reservation.guid), 0);
	assert_true(asker_guid(&a, 2) == reservation.guid);
	sa_client_close(&a);
}

/* Entry 1 of @target is asked for, and is this then. */
static void is_given(struct scenario *s, struct sim_port *target, uint64_t guid, uint64_t given)
{
	struct sa_client a;

	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, guid), 0);
	assert_int_equal(asker_guid(&a, 1), given);
	assert_int_equal(sim_guid_at(target, 1), given);
	sa_client_close(&a);
}

static void is_to_move(struct scenario *s, uint64_t guid, const struct sim_port *to)
{
	char why[SM_WHY_SIZE];

	if (to)
		assert_int_equal(sm_move(s->first.sm, guid, to->guid, why), 0);
	else
		assert_int_equal(sm_move_cancel(s->first.sm, guid, why), 0);
	scenario_run(s, 20 * LOOP_SEC);
}

static void who_is_to_move_is_given_its_guid_nowhere_else(void **state)
{
	enum { GUID = 0x500000 };
	struct scenario *s = *state;
	struct sim_port *from, *to, *third;

	alias_build(s);
	from = scenario_host(s, 1);
	to = scenario_host(s, 2);
	third = scenario_host(s, 3);
	alias_comes_up(s);
	is_given(s, from, GUID, GUID);
	/* It goes on where it is, and so is nowhere else; and does not come up there again. */
	is_to_move(s, GUID, to);
	assert_int_equal(sim_guid_at(from, 1), GUID);
	assert_int_equal(alias_known(s, from, 1)->reason, REASON_NONE);
	is_given(s, to, GUID, 0);
	assert_int_equal(alias_known(s, to, 1)->reason, REASON_VF_DUPLICATE_GUID);
	scenario_reboot(s, from->node);
	scenario_run(s, 20 * LOOP_SEC);
	assert_int_equal(sim_guid_at(from, 1), 0);
	assert_int_equal(alias_known(s, from, 1)->reason, REASON_VF_NOT_ALLOWED);
	is_given(s, from, GUID, 0);
	is_given(s, third, GUID, 0);
	assert_int_equal(alias_known(s, third, 1)->reason, REASON_VF_NOT_ALLOWED);
	/* Unless that is taken back. */
	is_to_move(s, GUID, NULL);
	assert_int_equal(sim_guid_at(from, 1), GUID);
	is_to_move(s, GUID, to);
	scenario_reboot(s, from->node);
	scenario_run(s, 20 * LOOP_SEC);
	is_given(s, to, GUID, GUID);
	scenario_run(s, 20 * LOOP_SEC);
	assert_int_equal(sm_moving_to(s->first.sm, GUID), 0);
	is_given(s, from, GUID, 0);
	assert_int_equal(alias_known(s, from, 1)->reason, REASON_VF_DUPLICATE_GUID);
}

/* The rule is for a name that the device does not tell. */
static void a_device_without_a_name_is_not_put_off_for_ever(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct vf_policy *policy = &s->first.conf.virtual_functions.policy[0];
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	vf_policy_init(policy);
	strcpy(policy->ports, "*");
	policy->max = 1;
	s->first.conf.virtual_functions.n = 1;
	scenario_fault(s, "silent \"H1\" get 0x10");
	alias_comes_up(s);
	scenario_run(s, 30 * LOOP_SEC);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 1), 0x500000);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0x500001), 0);
	assert_int_equal(asker_guid(&a, 2), 0); /* "*" fits no name, too */
	sa_client_close(&a);
	/* When it tells, what was there stays, and no more comes. */
	scenario_clear_faults(s);
	scenario_run(s, 30 * LOOP_SEC);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 3, 0x500002), 0);
	assert_int_equal(asker_guid(&a, 3), 0);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 1), 0x500000);
	sa_client_close(&a);
}

static void an_empty_pool_has_no_resources(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	s->first.conf.guid_pool_last = s->first.conf.guid_pool_first;
	alias_comes_up(s);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0), 0);
	assert_true(asker_guid(&a, 1) == s->first.conf.guid_pool_first);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 2, 0), 0x0100);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0), 0); /* as it is */
	assert_true(asker_guid(&a, 1) == s->first.conf.guid_pool_first);
	sa_client_close(&a);
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void nothing_is_answered_before_it_is_on_the_disk(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, target);
	memory_keeper_set_delay(s->first.keeper, 300 * LOOP_MSEC);
	asker_send(&a, SIM_SET, target, 1, 0x500000);
	scenario_run(s, 200 * LOOP_MSEC);
	assert_int_equal(a.n_answers, 0);
	assert_int_equal(sim_guid_at(target, 1), 0); /* drivers look at what is there */
	a.tid--;
	asker_send(&a, SIM_SET, target, 1, 0x500000); /* a retry: answered once */
	scenario_run(s, 200 * LOOP_MSEC);
	assert_int_equal(a.n_answers, 1);
	assert_int_equal(sim_guid_at(target, 1), 0x500000);
	scenario_kill_sm(s);
	scenario_reboot(s, s->hosts[1]);
	scenario_start_sm(s);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(sim_guid_at(target, 1), 0x500000);
	sa_client_close(&a);
}

/* A driver that has seen its GUID go does not ask again for that. */
static void what_is_gone_from_a_device_stays_so_after_a_kill(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, target);
	for (unsigned moment = 1; moment < 12; moment++) {
		bool was_gone;

		assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
		asker_send(&a, METHOD_DELETE, target, 1, 0);
		scenario_run(s, moment * LOOP_MSEC / 2);
		was_gone = sim_guid_at(target, 1) == 0;
		scenario_kill_sm(s);
		scenario_start_sm(s);
		scenario_run(s, 5 * LOOP_SEC);
		if (was_gone)
			assert_int_equal(sim_guid_at(target, 1), 0);
	}
	sa_client_close(&a);
}

static void nothing_is_answered_before_the_device_has_it(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, target);
	scenario_fault(s, "silent \"H1\" set guidinfo next 2"); /* the third try is heard */
	asker_send(&a, SIM_SET, target, 1, 0x500000);
	scenario_run(s, 5 * LOOP_MSEC);
	assert_int_equal(a.n_answers, 0);
	scenario_run(s, LOOP_SEC);
	assert_int_equal(a.n_answers, 1);
	assert_int_equal(asker_guid(&a, 1), 0x500000);
	assert_int_equal(alias_count_sets(s), 3);
	sa_client_close(&a);
}

static void what_waits_is_bounded_for_each_vf(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a, other;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&a, target);
	asker_open(&other, scenario_host(s, 2));
	memory_keeper_set_delay(s->first.keeper, LOOP_SEC);
	for (unsigned i = 1; i <= REGISTRATIONS_OF_VF; i++)
		asker_send(&a, SIM_SET, target, MIN(i, 16), 0x500000 + MIN(i, 16));
	asker_send(&a, SIM_SET, target, 17, 0x500011);
	scenario_run(s, 100 * LOOP_MSEC);
	assert_int_equal(a.n_answers, 1);
	assert_int_equal(be16toh(a.answer.mad.status), SIM_BUSY);
	asker_send(&other, SIM_SET, scenario_host(s, 2), 1, 0x600000); /* is not held up */
	scenario_run(s, 3 * LOOP_SEC);
	assert_int_equal(a.n_answers, REGISTRATIONS_OF_VF + 1);
	assert_int_equal(other.n_answers, 1);
	assert_int_equal(be16toh(other.answer.mad.status), 0);
	assert_int_equal(sim_guid_at(target, 16), 0x500010);
	assert_int_equal(sim_guid_at(target, 17), 0);
	sa_client_close(&a);
	sa_client_close(&other);
}

static void a_device_that_refuses_its_guids_is_told_of_and_tried_again(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client a;
	uint64_t sets;

	alias_build(s);
	target = scenario_host(s, 1);
	s->fabric->quirks.guids_read_only = true;
	alias_comes_up(s);
	asker_open(&a, target);
	assert_int_equal(asker_ask(s, &a, SIM_SET, target, 1, 0x500000), 0);
	assert_int_equal(asker_guid(&a, 1), 0);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_VF_REFUSED);
	scenario_run(s, 3600 * LOOP_SEC);
	sets = alias_count_sets(s);
	assert_in_range(sets, 2, 7);
	s->fabric->quirks.guids_read_only = false;
	sm_sweep(s->first.sm, true);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(sim_guid_at(target, 1), 0x500000);
	assert_int_equal(alias_known(s, target, 1)->reason, REASON_NONE);
	sa_client_close(&a);
}

static void a_device_that_dies_meanwhile_leaves_nobody_waiting(void **state)
{
	struct scenario *s = *state;
	struct sim_port *target;
	struct sa_client ours;

	alias_build(s);
	target = scenario_host(s, 1);
	alias_comes_up(s);
	asker_open(&ours, s->first.port);
	scenario_fault(s, "silent \"H1\"");
	asker_send(&ours, SIM_SET, target, 1, 0x500000);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(ours.n_answers, 1);
	assert_int_equal(be16toh(ours.answer.mad.status), 0);
	assert_int_equal(asker_guid(&ours, 1), 0);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
	assert_int_equal(sim_guid_at(target, 1), 0x500000);
	sa_client_close(&ours);
}

/* ---- anything ---------------------------------------------------------------------------------
 */

enum { ASKERS = 4, ENTRIES = 40, GUIDS = 30, WALKS = 20 };

static struct sim_port *any_port(struct scenario *s)
{
	return scenario_host(s, (uint32_t)scenario_random(s, ASKERS));
}

/* A few GUIDs and many entries, so that they collide; some are ports', and some of nobody. */
static uint64_t any_guid(struct scenario *s)
{
	switch (scenario_random(s, 8)) {
	case 0:
		return 0;
	case 1:
		return any_port(s)->guid;
	case 2:
		return UINT64_MAX;
	default:
		return 0x500000 + scenario_random(s, GUIDS);
	}
}

static void a_device_lies_of_its_guids(struct scenario *s)
{
	static const char *const lies[] = { "garble", "status", "refuse", "silent",
					    "mute",   "tid",    "forget" };

	scenario_fault(s, "%s \"%s\" guidinfo %u%%", lies[scenario_random(s, COUNT(lies))],
		       any_port(s)->node->name, 1 + (unsigned)scenario_random(s, 100));
}

static void something_is_asked(struct scenario *s, struct sa_client askers[static ASKERS])
{
	struct sa_client *a = &askers[scenario_random(s, ASKERS)];
	uint8_t method = scenario_random(s, 3) ? SIM_SET : METHOD_DELETE;
	struct sim_port *port;

	switch (scenario_random(s, 24)) {
	case 0:
		a_device_lies_of_its_guids(s);
		break;
	case 1:
		port = any_port(s);
		if (port != s->first.port)
			scenario_reboot(s, port->node);
		break;
	case 2:
		memory_keeper_set_delay(s->first.keeper, scenario_random(s, 300) * LOOP_MSEC);
		break;
	case 3:
		scenario_run(s, scenario_random(s, 3000) * LOOP_MSEC);
		break;
	default:
		if (sim_state(a->client.port) == SIM_ACTIVE && sim_lid(a->client.port))
			asker_send(a, method, any_port(s), (unsigned)scenario_random(s, ENTRIES),
				   any_guid(s));
		scenario_run(s, scenario_random(s, 20) * LOOP_MSEC);
		break;
	}
}

static void hold_what_is_planned(struct scenario *s)
{
	unsigned holders[GUIDS] = { 0 };
	unsigned n = 0;

	for (uint32_t h = 0; h < ASKERS; h++) {
		const struct sim_port *port = scenario_host(s, h);

		for (unsigned i = 1; i < ENTRIES; i++) {
			const struct vf *known = alias_known(s, port, i);
			uint64_t held = sim_guid_at(port, i);

			if (held != (known ? known->wanted : 0))
				scenario_fail(s, "entry %u of %s is 0x%" PRIx64, i,
					      port->node->name, held);
			n += held != 0;
			if (held >= 0x500000 && held < 0x500000 + GUIDS)
				holders[held - 0x500000]++;
		}
	}
	for (unsigned i = 0; i < GUIDS; i++)
		assert_true(holders[i] <= 1);
	assert_true(n > 0);
}

static void ask_and_look(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);
	struct sa_client askers[ASKERS];
	uint64_t sets;

	alias_build(s);
	s->first.conf.alias_guids = CONF_ALIAS_GUIDS_ANY;
	alias_comes_up(s);
	for (unsigned i = 0; i < ASKERS; i++)
		asker_open(&askers[i], scenario_host(s, i));
	for (unsigned i = 0; i < 300; i++)
		something_is_asked(s, askers);
	scenario_clear_faults(s);
	memory_keeper_set_delay(s->first.keeper, 0);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 30 * LOOP_SEC);
	scenario_expect_good_within(s, 600);
	hold_what_is_planned(s);
	sets = alias_count_sets(s);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(alias_count_sets(s), sets);
	for (unsigned i = 0; i < ASKERS; i++)
		sim_detach(&askers[i].client);
	scenario_free(s);
}

static void whatever_is_asked_devices_hold_what_is_planned(void **state)
{
	uint64_t seed;

	(void)state;
	if (scenario_seed_of_environment(&seed)) {
		ask_and_look(seed);
		return;
	}
	for (seed = 1; seed <= WALKS; seed++)
		ask_and_look(seed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_request_costs_one_smp),
		TEST(who_comes_back_keeps_what_nobody_has_any_more),
		TEST(what_is_in_a_group_is_not_given_back),
		TEST(a_foreigner_is_denied),
		TEST(whom_the_operator_trusts_may),
		TEST(what_cannot_be_is_refused_by_entry),
		TEST(who_keeps_its_guid_is_well_and_its_refusal_is_told_of_once),
		TEST(each_guid_that_is_refused_is_told_of_once),
		TEST(who_tries_all_the_time_does_not_fill_the_log),
		TEST(what_is_for_an_entry_that_a_port_no_longer_has_is_for_others),
		TEST(rules_of_the_operator_hold),
		TEST(what_is_reserved_for_another_place_is_not_for_this_one),
		TEST(who_is_to_move_is_given_its_guid_nowhere_else),
		TEST(a_device_without_a_name_is_not_put_off_for_ever),
		TEST(an_empty_pool_has_no_resources),
		TEST(nothing_is_answered_before_it_is_on_the_disk),
		TEST(what_is_gone_from_a_device_stays_so_after_a_kill),
		TEST(nothing_is_answered_before_the_device_has_it),
		TEST(what_waits_is_bounded_for_each_vf),
		TEST(a_device_that_refuses_its_guids_is_told_of_and_tried_again),
		TEST(a_device_that_dies_meanwhile_leaves_nobody_waiting),
		cmocka_unit_test(whatever_is_asked_devices_hold_what_is_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
