/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of virtual ports (ConnectX-4 and later), over the simulator's reading of them, which
 * shares no code with ours. Nothing here was run against ConnectX hardware.
 */

#include "tests/scenario/vport-rig.h"

#include <arpa/inet.h>
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
#include "tests/sim/probe.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

/* SMPs that this costs until all is at rest. */
struct costs {
	uint64_t requests, sets, lft_sets;
};

static struct costs costs_until_now(struct scenario *s)
{
	const struct transport_sim_counts *counts =
		transport_sim_counts(scenario_master(s)->transport);

	return (struct costs){ counts->requests, counts->sets, counts->lft_sets };
}

static struct costs costs_since(struct scenario *s, struct costs before)
{
	struct costs now = costs_until_now(s);

	return (struct costs){ now.requests - before.requests, now.sets - before.sets,
			       now.lft_sets - before.lft_sets };
}

/* ---- bring-up -------------------------------------------------------------------------------- */

static void vports_that_share_a_lid_come_up(void **state)
{
	rig_build(*state, graph_make_ft2(4), true, false);
	rig_comes_up(*state);
}

static void vports_with_lids_of_their_own_come_up(void **state)
{
	rig_build(*state, graph_make_ft2(4), true, true);
	rig_comes_up(*state);
}

static void vports_come_up_on_a_torus(void **state)
{
	rig_build(*state, graph_make_ring(6, 2), true, true);
	rig_comes_up(*state);
}

/* What a restart finds, it keeps, and tells nobody anything. */
static void a_restart_writes_nothing(void **state)
{
	struct scenario *s = *state;
	uint16_t lid;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	lid = sim_vport(scenario_host(s, 3), 2)->lid;
	memory_keeper_clear(s->first.keeper);
	s->first.conf.client_reregister = false; /* what was registered is lost, too */
	scenario_stop_sm(s);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(scenario_host(s, 3), 2)->lid, lid);
	assert_int_equal(costs_until_now(s).sets, 0);
}

/*
 * Nor does it give the LID of one VF to another, or to a port, that has come meanwhile: who has one
 * is asked first, also by one who remembers nothing.
 */
static void a_restart_gives_nobody_the_lid_of_a_vf(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint16_t lid;

	rig_build(s, graph_make_ft2(4), false, true);
	scenario_power_off(s, s->hosts[1]);
	port = scenario_host(s, 3);
	scenario_start_vport(s, port, 1);
	scenario_start_sm(s);
	rig_settles(s);
	lid = sim_vport(port, 1)->lid;
	assert_int_not_equal(lid, 0);
	memory_keeper_clear(s->first.keeper);
	scenario_stop_sm(s);
	scenario_power_on(s, s->hosts[1]);
	scenario_start_vport(s, scenario_host(s, 2), 1);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(port, 1)->lid, lid);
}

/* Whatever it was asked or told when it fell silent, nobody waits for that. */
static void an_hca_that_is_silent_for_a_while_brings_its_vports_up(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), false, true);
	port = scenario_host(s, 3);
	rig_comes_up(s);
	for (unsigned i = 0; i < 30; i++) {
		scenario_run(s, RIG_TRAP_PAUSE);
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			scenario_start_vport(s, port, vf);
		scenario_run(s, i * LOOP_USEC);
		scenario_fault(s, "silent \"%s\"", port->node->name);
		scenario_run(s, 20 * LOOP_SEC);
		scenario_clear_faults(s);
		sm_sweep(s->first.sm, false);
		scenario_run(s, 60 * LOOP_SEC);
		sm_sweep(s->first.sm, false);
		rig_settles(s);
		rig_expect_all_up(s);
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			scenario_stop_vport(s, port, vf);
	}
}

/* ---- Sets that arrive late --------------------------------------------------------------------
 */

/*
 * Whatever they are told, their HCA does not answer it at first, and so it is sent twice. Then what
 * was sent first undoes what came later, as if it had been under way for so long.
 */
static struct sim_vport *is_told_twice(struct scenario *s, const char *attribute)
{
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), false, true);
	rig_comes_up(s);
	port = scenario_host(s, 3);
	scenario_fault(s, "mute \"%s\" set %s next 1", port->node->name, attribute);
	scenario_start_vport(s, port, 2);
	scenario_run(s, LOOP_SEC);
	rig_expect_up(s, port, 2);
	scenario_happens(s, "a late Set arrives");
	return sim_vport(port, 2);
}

static void is_mended_soon(struct scenario *s)
{
	struct costs before;

	scenario_run(s, 3 * LOOP_SEC);
	rig_expect_all_up(s);
	scenario_expect_all_good(s);
	before = costs_until_now(s);
	scenario_run(s, 5 * LOOP_SEC);
	assert_int_equal(costs_since(s, before).requests, 0);
}

static void late_keys_of_a_vport_are_mended(void **state)
{
	struct scenario *s = *state;
	struct sim_vport *vport;
	ib_net16_t key;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	scenario_fault(s, "mute \"%s\" set 0xffb6 next 1", scenario_host(s, 3)->node->name);
	s->closed = true;
	scenario_apply_partitions(s);
	scenario_run(s, LOOP_SEC);
	vport = NULL;
	for (unsigned vf = 1; vf <= RIG_VFS; vf++)
		if (scenario_known_vport(s, scenario_host(s, 3), vf)->twin)
			vport = sim_vport(scenario_host(s, 3), vf);
	assert_non_null(vport);
	assert_non_null(vport->pkeys);
	key = vport->pkeys[0];
	vport->pkeys[0] = htons(0x1234);
	scenario_run(s, 3 * LOOP_SEC);
	assert_int_equal(vport->pkeys[0], key);
	scenario_expect_all_good(s);
}

static void a_late_lid_of_a_vport_is_mended(void **state)
{
	struct sim_vport *vport = is_told_twice(*state, "0xffb1");
	uint16_t lid = vport->lid;

	vport->lid = (uint16_t)(lid + 1);
	is_mended_soon(*state);
	assert_int_equal(vport->lid, lid);
}

/* It cleared what told of a VF that starts meanwhile; and the trap that tells it is lost. */
static void a_vport_whose_start_a_late_set_has_hidden_comes_up(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	is_told_twice(s, "0xffb0");
	port = scenario_host(s, 3);
	scenario_start_vport(s, port, 4);
	port->vports->changed = false;
	scenario_run(s, 100 * LOOP_MSEC);
	assert_int_equal(sim_vport(port, 4)->state, SIM_INIT);
	is_mended_soon(s);
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static void one_that_starts_costs_little(void **state)
{
	struct scenario *s = *state;
	struct costs before, costs;

	rig_build(s, graph_make_ft2(8), false, false);
	rig_comes_up(s);
	before = costs_until_now(s);
	scenario_start_vport(s, scenario_host(s, 5), 2);
	scenario_run(s, 100 * LOOP_MSEC);
	rig_expect_up(s, scenario_host(s, 5), 2);
	costs = costs_since(s, before);
	if (costs.requests > 10 || costs.lft_sets > 0)
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
	rig_settles_and_is_good(s);
}

static void one_that_starts_with_a_new_lid_costs_a_block_per_switch(void **state)
{
	struct scenario *s = *state;
	struct costs before, costs;

	rig_build(s, graph_make_ft2(8), false, true);
	rig_comes_up(s);
	before = costs_until_now(s);
	scenario_start_vport(s, scenario_host(s, 5), 2);
	scenario_run(s, 100 * LOOP_MSEC);
	rig_expect_up(s, scenario_host(s, 5), 2);
	costs = costs_since(s, before);
	if (costs.requests - costs.lft_sets > 10 || costs.lft_sets > s->n_switches)
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
	rig_settles_and_is_good(s);
	/* And again: its LID and the way to it are still there. */
	scenario_stop_vport(s, scenario_host(s, 5), 2);
	rig_settles_and_is_good(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	before = costs_until_now(s);
	scenario_start_vport(s, scenario_host(s, 5), 2);
	scenario_run(s, 100 * LOOP_MSEC);
	rig_expect_up(s, scenario_host(s, 5), 2);
	assert_int_equal(costs_since(s, before).lft_sets, 0);
}

static void many_start_at_once(void **state)
{
	struct scenario *s = *state;
	struct costs before, costs;
	unsigned n = 0;

	rig_build(s, graph_make_ft2(8), false, false);
	rig_comes_up(s);
	before = costs_until_now(s);
	for (uint32_t i = 0; i < s->n_hosts; i++)
		for (unsigned vf = 1; vf <= RIG_VFS; vf++, n++)
			scenario_start_vport(s, scenario_host(s, i), vf);
	rig_settles(s);
	costs = costs_since(s, before);
	if (costs.requests > 12 * n)
		scenario_fail(s, "%" PRIu64 " requests for %u VFs", costs.requests, n);
	rig_settles_and_is_good(s);
}

static void who_has_no_guid_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	port = scenario_host(s, 2);
	scenario_set_vport_guid(s, port, 3, 0);
	scenario_start_sm(s);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 3), "vf-no-guid");
	assert_int_equal(sim_vport(port, 3)->state, SIM_INIT);
	rig_expect_up(s, port, 2);
	scenario_set_vport_guid(s, port, 3, 0x0200000000001234);
	rig_settles_and_is_good(s);
}

/* Between question and Set, while all wait for the disk: only the answer to the Set shows it. */
static void who_gets_another_guid_while_it_is_brought_up_is_known_by_it(void **state)
{
	static const uint64_t guids[] = { 0, 0x0200000000001234 };

	(void)state;
	for (unsigned i = 0; i < COUNT(guids); i++) {
		struct scenario *s = scenario_new(1);
		struct sim_port *port;

		s->fabric->quirks.vport_change_by_set = true;
		s->fabric->quirks.vport_traps_every_change = true;
		scenario_build(s, graph_make_ft2(4));
		port = s->first.port;
		scenario_add_vports(s, port, RIG_VFS, true, false);
		s->closed = s->vports_limited = true;
		memory_keeper_set_delay(s->first.keeper, 200 * LOOP_MSEC);
		scenario_start_sm(s);
		scenario_apply_partitions(s);
		scenario_run(s, 100 * LOOP_MSEC);
		scenario_set_vport_guid(s, port, 2, guids[i]);
		rig_settles(s);
		scenario_expect_all_good(s);
		assert_true(scenario_known_vport(s, port, 2)->guid == guids[i]);
		scenario_free(s);
	}
}

static void a_duplicate_is_told_of_and_harms_nobody(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;
	uint64_t guid;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	first = scenario_host(s, 1);
	second = scenario_host(s, 4);
	guid = sim_vport(first, 1)->guid;
	scenario_set_vport_guid(s, second, 2, guid);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, second, 2), "vf-duplicate-guid");
	assert_int_equal(sim_vport(second, 2)->state, SIM_INIT);
	rig_expect_up(s, first, 1);
	rig_expect_up(s, second, 1);
	/* And of ports. */
	scenario_set_vport_guid(s, second, 3, scenario_host(s, 0)->guid);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, second, 3), "vf-duplicate-guid");
	/* It is there no longer. */
	scenario_stop_vport(s, first, 1);
	scenario_set_vport_guid(s, second, 3, 0x0200000000000077);
	rig_settles_and_is_good(s);
	rig_expect_up(s, second, 2);
}

/* It was up, and its LID with it; then that is the port's. */
static void who_is_up_with_the_guid_of_a_port_that_comes_begins_anew(void **state)
{
	struct scenario *s = *state;
	struct sim_port *away, *port;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	away = scenario_host(s, 4);
	port = scenario_host(s, 2);
	scenario_power_off(s, away->node);
	scenario_set_vport_guid(s, port, 1, away->guid);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(port, 1)->state, SIM_ACTIVE);
	scenario_power_on(s, away->node);
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_string_equal(scenario_vport_reason(s, port, 1), "vf-duplicate-guid");
	assert_int_equal(sim_vport(port, 1)->state, SIM_INIT);
	assert_int_equal(sim_state(away), SIM_ACTIVE);
	scenario_set_vport_guid(s, port, 1, UINT64_C(0x0200000000000078));
	rig_settles_and_is_good(s);
	rig_expect_up(s, port, 1);
}

/* The order of ports says nothing of who was there first. */
static void a_restart_leaves_up_who_is(void **state)
{
	struct scenario *s = *state;
	struct sim_port *early, *late;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	early = scenario_host(s, 1);
	late = scenario_host(s, 4);
	scenario_kill_sm(s);
	scenario_set_vport_guid(s, early, 2, sim_vport(late, 2)->guid);
	scenario_start_sm(s);
	rig_settles(s);
	scenario_expect_all_good(s);
	rig_expect_up(s, late, 2);
	assert_string_equal(scenario_vport_reason(s, early, 2), "vf-duplicate-guid");
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void a_vf_that_moves_keeps_its_lid(void **state)
{
	struct scenario *s = *state;
	struct sim_port *from, *to;
	struct costs before, costs;
	uint16_t lid;

	rig_build(s, graph_make_ft2(8), false, true);
	from = scenario_host(s, 3);
	to = scenario_host(s, s->n_hosts - 1);
	assert_int_equal(sim_vf_start(from, 1), 0);
	rig_comes_up(s);
	lid = sim_vport(from, 1)->lid;
	scenario_run(s, RIG_TRAP_PAUSE);
	before = costs_until_now(s);
	scenario_move_vport(s, from, 1, to, 2);
	scenario_run(s, 200 * LOOP_MSEC);
	rig_expect_up(s, to, 2);
	costs = costs_since(s, before);
	assert_int_equal(sim_vport(to, 2)->lid, lid);
	if (costs.lft_sets > s->n_switches || costs.requests - costs.lft_sets > 20)
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
	rig_settles_and_is_good(s);
	scenario_move_vport(s, to, 2, from, 4);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(from, 4)->lid, lid);
}

/* ---- what devices do wrong ------------------------------------------------------------------- */

static const char *port_reason(struct scenario *s, const struct sim_port *port)
{
	return scenario_reason(s, port);
}

static void a_revision_that_is_not_known_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	port = scenario_host(s, 2);
	port->vports->revision = 9;
	scenario_start_sm(s);
	rig_settles(s);
	assert_string_equal(port_reason(s, port), "vf-unknown-revision");
	assert_int_equal(sim_state(port), SIM_ACTIVE);
	rig_expect_up(s, scenario_host(s, 3), 1);
	port->vports->revision = 1;
	sm_sweep(s->first.sm, true);
	rig_settles_and_is_good(s);
}

static void impossible_numbers_are_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	port = scenario_host(s, 2);
	port->vports->top = 400;
	port->vports->cap = 20;
	scenario_start_sm(s);
	rig_settles(s);
	assert_string_equal(port_reason(s, port), "vf-bad-info");
	rig_expect_up(s, scenario_host(s, 3), 1);
}

static void a_vport_that_uses_the_lid_of_nobody_is_told_of(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	port = scenario_host(s, 2);
	sim_vport(port, 1)->lid_index = 2;
	sim_vport(port, 2)->lid_index = 1;
	sim_vport(port, 3)->lid_index = 77;
	scenario_start_sm(s);
	rig_settles(s);
	for (unsigned vf = 1; vf <= 3; vf++)
		assert_string_equal(scenario_vport_reason(s, port, vf), "vf-bad-lid-index");
	rig_expect_up(s, port, 4);
}

static void what_is_refused_is_told_of_and_tried_again(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, true);
	port = scenario_host(s, 2);
	scenario_fault(s, "refuse \"%s\" 0xffb1 set", port->node->name);
	scenario_start_sm(s);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, port, 1), "vf-refused");
	rig_expect_up(s, scenario_host(s, 3), 1);
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, true);
	rig_settles_and_is_good(s);
}

/* What was not told is asked again, and in the way in which it was asked first. */
static void a_question_that_was_refused_is_asked_again(void **state)
{
	static const char *const attributes[] = { "0xffb0", "0xffb1", "0xffb3" };

	for (unsigned i = 0; i < COUNT(attributes); i++) {
		struct scenario *s = scenario_new(1);
		struct sim_port *port;

		rig_build(s, graph_make_ft2(4), true, true);
		port = scenario_host(s, 2);
		scenario_fault(s, "refuse \"%s\" %s get", port->node->name, attributes[i]);
		scenario_start_sm(s);
		rig_settles(s);
		assert_string_equal(scenario_reason(s, port), "vf-bad-info");
		scenario_clear_faults(s);
		scenario_expect_good_within(s, 400);
		rig_expect_all_up(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* The answer never came, and its request was dropped with all others to the device. */
static void who_was_out_of_reach_while_it_was_asked_is_asked_again(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), false, true);
	rig_comes_up(s);
	port = scenario_host(s, 2);
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_start_vport(s, port, 1);
	scenario_run(s, LOOP_MSEC / 200);
	scenario_pull(s, s->first.port);
	scenario_run(s, 30 * LOOP_SEC);
	scenario_plug(s, s->first.port);
	rig_settles_and_is_good(s);
	rig_expect_up(s, port, 1);
}

/* Other firmware is there by then, which has alias GUIDs, and what the former said comes late. */
static void an_answer_about_a_vport_is_not_about_the_alias_in_its_place(void **state)
{
	struct scenario *s = *state;
	struct sim_vf_spec aliases = { .first_guid = 0x500001, .up = true };
	struct sim_vports *vports;
	struct sim_port *port;
	ib_net16_t capabilities;

	rig_build(s, graph_make_ft2(4), false, false);
	s->first.conf.min_timeout_ms = 1000;
	rig_comes_up(s);
	port = scenario_host(s, 2);
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_fault(s, "silent \"%s\" 0xffb4", port->node->name);
	scenario_start_vport(s, port, 1);
	scenario_run(s, LOOP_SEC / 10);
	vports = TAKE(port->vports);
	capabilities = port->info.capability_mask2;
	port->info.capability_mask2 = 0;
	assert_int_equal(sim_vfs_add(port, SIM_VF_SHARED_PORT, RIG_VFS, &aliases), 0);
	sm_sweep(s->first.sm, true);
	scenario_run(s, 2 * LOOP_SEC);
	assert_int_equal(scenario_known_vport(s, port, 1)->guid, 0x500001);
	scenario_clear_faults(s);
	sim_vfs_free(port);
	port->vports = vports;
	port->info.capability_mask2 = capabilities;
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(scenario_known_vport(s, port, 1)->guid, 0x500001);
	assert_string_equal(scenario_known_vport(s, port, 1)->description, "");
	sm_sweep(s->first.sm, true);
	rig_settles_and_is_good(s);
}

/* ---- register again ---------------------------------------------------------------------------
 */

static unsigned n_told[RIG_VFS + 1];
static const struct sim_port *told_at;

static void note_told(void *user, struct sim_port *port, unsigned vf, unsigned event)
{
	(void)user;
	if (port == told_at && vf <= RIG_VFS && event == SIM_EVENT_REREGISTER)
		n_told[vf]++;
}

/* Meanwhile it keeps nobody from coming up. */
static void that_guests_are_to_register_again_is_told_though_it_was_refused(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, false);
	port = scenario_host(s, 2);
	scenario_stop_vport(s, port, RIG_VFS);
	rig_comes_up(s);
	scenario_kill_sm(s);
	memset(n_told, 0, sizeof(n_told));
	told_at = port;
	s->fabric->on_vf = note_told;
	scenario_fault(s, "refuse \"%s\" 0xffb0 set next 1", port->node->name);
	scenario_start_rival(s, scenario_host(s, 5), 0);
	scenario_run(s, 3 * LOOP_SEC);
	assert_string_equal(scenario_reason(s, port), "vf-refused");
	scenario_start_vport(s, port, RIG_VFS);
	scenario_run(s, LOOP_SEC);
	rig_expect_up(s, port, RIG_VFS);
	assert_int_equal(n_told[1], 0);
	scenario_expect_good_within(s, 100);
	for (unsigned vf = 1; vf <= RIG_VFS; vf++)
		assert_int_equal(n_told[vf], 1);
	assert_string_equal(scenario_reason(s, port), "none");
}

/* Nobody sweeps while one is looked at, and the timer does not wait. */
static void a_look_that_takes_long_does_not_end_the_sweeps(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t swept;

	rig_build(s, graph_make_ft2(4), false, false);
	rig_comes_up(s);
	port = scenario_host(s, 2);
	scenario_run(s, RIG_TRAP_PAUSE);
	swept = s->first.swept;
	while (s->first.swept == swept)
		scenario_run(s, LOOP_MSEC);
	scenario_run(s, s->first.conf.sweep_interval * LOOP_SEC - 50 * LOOP_MSEC);
	scenario_fault(s, "delay \"%s\"[1] 30ms", port->node->name);
	scenario_start_vport(s, port, 1);
	scenario_run(s, 2 * LOOP_SEC);
	scenario_clear_faults(s);
	swept = s->first.swept;
	scenario_run(s, 3 * s->first.conf.sweep_interval * LOOP_SEC);
	assert_true(s->first.swept > swept);
	rig_settles_and_is_good(s);
}

/* It is found first by who has just started, and the other one was up all the time. */
static void what_is_known_of_the_vports_of_a_twin_is_not_believed_of_the_other(void **state)
{
	struct scenario *s = *state;
	struct sim_port *twin, *port;

	rig_build(s, graph_make_ft2(4), true, false);
	twin = scenario_host(s, 1);
	port = scenario_host(s, 4);
	for (unsigned vf = 1; vf <= RIG_VFS; vf++)
		scenario_stop_vport(s, twin, vf);
	rig_comes_up(s);
	scenario_kill_sm(s);
	scenario_twin(s, twin->node, port->node);
	scenario_start_sm(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_clear_faults(s);
	rig_settles_and_is_good(s);
	rig_expect_up(s, port, 1);
}

/* The LID is the port's again, and so is the way to it. */
static void the_lid_of_a_port_leads_to_it_though_a_vport_had_its_guid(void **state)
{
	struct scenario *s = *state;
	struct sim_port *away, *port;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	away = scenario_host(s, 4);
	port = scenario_host(s, 2);
	scenario_power_off(s, away->node);
	scenario_set_vport_guid(s, port, 1, away->guid);
	rig_settles_and_is_good(s);
	scenario_power_off(s, port->node);
	rig_settles_and_is_good(s);
	scenario_power_on(s, away->node);
	rig_settles_and_is_good(s);
}

/* While all others are out of sight, what the vport holds from before is not taken for its LID. */
static void the_lid_of_a_port_is_not_lost_to_what_a_vport_with_its_guid_holds(void **state)
{
	struct scenario *s = *state;
	struct sim_port *own;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	own = s->first.port;
	scenario_kill_sm(s);
	memory_keeper_clear(s->first.keeper); /* so that what it holds is nobody's */
	scenario_set_vport_guid(s, own, 1, scenario_host(s, 4)->guid);
	scenario_start_sm(s);
	rig_settles(s);
	scenario_expect_all_good(s);
	assert_string_equal(scenario_vport_reason(s, own, 1), "vf-duplicate-guid");
	scenario_pull(s, own);
	scenario_run(s, 30 * LOOP_SEC);
	scenario_plug(s, own);
	rig_settles(s);
	scenario_expect_all_good(s);
}

static void vports_come_up_over_links_that_lose(void **state)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct scenario *s = scenario_new(seed);

		rig_build(s, graph_make_ft2(4), true, seed & 1);
		for (uint32_t i = 0; i < s->n_hosts; i++)
			scenario_fault(s, "loss \"%s\"[1] 15%%", s->hosts[i]->name);
		scenario_start_sm(s);
		scenario_run(s, 30 * LOOP_SEC);
		scenario_clear_faults(s);
		scenario_expect_good_within(s, 400);
		rig_expect_all_up(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* ---- what the operator reserved ---------------------------------------------------------------
 */

static void reserve(struct scenario *s, uint64_t guid, uint16_t lid)
{
	struct kept_reservation wanted = { .guid = guid, .lid = lid };
	char why[SM_WHY_SIZE] = "";

	scenario_happens(s, "LID %u is reserved for 0x%016" PRIx64, lid, guid);
	if (sm_reserve(s->first.sm, &wanted, why) < 0)
		scenario_fail(s, "not reserved: %s", why);
}

static void a_vf_that_starts_gets_the_lid_that_was_reserved(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *to;
	uint64_t guid;

	rig_build(s, graph_make_ft2(8), false, true);
	rig_comes_up(s);
	port = scenario_host(s, 3);
	to = scenario_host(s, s->n_hosts - 1);
	guid = sim_vport(port, 1)->guid;
	reserve(s, guid, 1000);
	scenario_run(s, 100 * LOOP_MSEC);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	scenario_start_vport(s, port, 1);
	rig_settles_and_is_good(s);
	rig_expect_up(s, port, 1);
	assert_int_equal(sim_vport(port, 1)->lid, 1000);
	scenario_move_vport(s, port, 1, to, 2);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	rig_expect_up(s, to, 2);
	assert_int_equal(sim_vport(to, 2)->lid, 1000);
}

/* Orchestrators say it again after a restart of their own, and may come late the first time. */
static void a_vf_that_runs_gets_the_lid_that_is_reserved_later(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	char why[SM_WHY_SIZE];

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 3);
	reserve(s, sim_vport(port, 1)->guid, 1000);
	scenario_forget_lids(s);
	rig_settles_and_is_good(s);
	rig_expect_up(s, port, 1);
	assert_int_equal(sim_vport(port, 1)->lid, 1000);
	assert_int_equal(sm_release(s->first.sm, sim_vport(port, 1)->guid, why), 0);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(port, 1)->lid, 1000);
}

/* The fabric knows the VF by another LID, when nothing else is known of it any more. */
static void a_reserved_lid_counts_more_than_what_a_vf_holds(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 3);
	scenario_stop_sm(s);
	memory_keeper_clear(s->first.keeper);
	keep_reservation(
		memory_keeper_keeper(s->first.keeper),
		&(struct kept_reservation){ .guid = sim_vport(port, 1)->guid, .lid = 1000 });
	memory_keeper_flush(s->first.keeper);
	scenario_start_sm(s);
	scenario_forget_lids(s);
	rig_settles_and_is_good(s);
	assert_int_equal(sim_vport(port, 1)->lid, 1000);
}

/* To the fabric it is an adapter like any; that it is a guest shows in where it is. */
static void a_vf_behind_a_virtual_switch_may_be_reserved_while_it_runs(void **state)
{
	struct scenario *s = *state;
	struct kept_reservation wanted = { .lid = 1000 };
	struct sim_port *pf, *vf;
	char why[SM_WHY_SIZE] = "";

	scenario_build(s, graph_make_ft2(4));
	pf = scenario_host(s, 3);
	scenario_add_vfs(s, pf, RIG_VFS, true);
	scenario_start_sm(s);
	scenario_settle(s);
	vf = scenario_vf(pf, 1);
	reserve(s, vf->guid, 1000);
	scenario_settle(s);
	scenario_expect_all_good(s);
	assert_int_equal(sim_lid(vf), 1000);
	wanted.guid = pf->guid;
	assert_int_equal(sm_reserve(s->first.sm, &wanted, why), -EEXIST);
	assert_non_null(strstr(why, "is a port that is there already"));
}

enum { SWITCHES_MAX = 128 };

/* The exit port of each switch for @lid. */
struct exits {
	uint8_t port[SWITCHES_MAX];
};

static struct exits exits_for(const struct scenario *s, uint16_t lid)
{
	struct exits ret = { .port = { 0 } };

	assert_in_range(s->n_switches, 1, SWITCHES_MAX);
	for (uint32_t i = 0; i < s->n_switches; i++)
		ret.port[i] = s->switches[i]->sw->lft[lid];
	return ret;
}

static unsigned count_different(const struct exits *a, const struct exits *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SWITCHES_MAX; i++)
		n += a->port[i] != b->port[i];
	return n;
}

/* Blocks are written where the exit port is another, once, and nowhere else: how many. */
static unsigned move_and_count(struct scenario *s, struct sim_port *from, unsigned vf,
			       struct sim_port *to, unsigned to_vf)
{
	uint16_t lid = sim_vport(from, vf)->lid;
	struct exits before = exits_for(s, lid), after;
	struct costs costs = costs_until_now(s);
	unsigned n;

	scenario_move_vport(s, from, vf, to, to_vf);
	scenario_run(s, 200 * LOOP_MSEC);
	rig_expect_up(s, to, to_vf);
	assert_int_equal(sim_vport(to, to_vf)->lid, lid);
	costs = costs_since(s, costs);
	after = exits_for(s, lid);
	n = count_different(&before, &after);
	assert_int_equal(costs.lft_sets, n);
	if (costs.requests - costs.lft_sets > 13) /* the 13th: once per port, see vport-keys.c */
		scenario_fail(s, "%" PRIu64 " requests, %" PRIu64 " of them LFT blocks",
			      costs.requests, costs.lft_sets);
	rig_settles_and_is_good(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	return n;
}

/* Whatever its new port's own routes are: those to the leaf were as good before. */
static void a_move_within_a_leaf_costs_one_block(void **state)
{
	struct scenario *s = *state;

	rig_build(s, graph_make_ft2(8), false, true);
	assert_int_equal(sim_vf_start(scenario_host(s, 5), 1), 0);
	rig_comes_up(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	assert_ptr_equal(scenario_host(s, 5)->far->node, scenario_host(s, 6)->far->node);
	assert_int_equal(move_and_count(s, scenario_host(s, 5), 1, scenario_host(s, 6), 2), 1);
	assert_int_equal(move_and_count(s, scenario_host(s, 6), 2, scenario_host(s, 7), 1), 1);
	assert_int_equal(move_and_count(s, scenario_host(s, 7), 1, scenario_host(s, 5), 3), 1);
}

/* Of all ways to the other leaf it takes those that are most like the ones that it had. */
static void a_move_to_another_leaf_changes_few_switches(void **state)
{
	static const uint32_t hosts[] = { 5, 10, 15, 16, 21, 30 };
	struct scenario *s = *state;
	unsigned spines;

	rig_build(s, graph_make_ft2(8), false, true);
	assert_int_equal(sim_vf_start(scenario_host(s, 5), 1), 0);
	rig_comes_up(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	/* Both leaves, and the spines, each of which has a link of its own to either. */
	spines = s->n_switches - 8;
	for (unsigned i = 0; i < COUNT(hosts) - 1; i++) {
		struct sim_port *from = scenario_host(s, hosts[i]);
		struct sim_port *to = scenario_host(s, hosts[i + 1]);

		assert_ptr_not_equal(from->far->node, to->far->node);
		assert_in_range(move_and_count(s, from, 1, to, 1), 1, spines + 2);
	}
}

static void a_move_on_three_levels_costs_what_differs(void **state)
{
	struct scenario *s = *state;
	struct sim_port *at;

	rig_build(s, graph_make_ft3(4, 4), false, true);
	at = scenario_host(s, 3);
	assert_int_equal(sim_vf_start(at, 1), 0);
	rig_comes_up(s);
	scenario_run(s, RIG_TRAP_PAUSE);
	for (unsigned i = 1; i < 6; i++) {
		struct sim_port *to = scenario_host(s, (3 + 5 * i) % s->n_hosts);

		assert_in_range(move_and_count(s, at, 1, to, 1), 1, s->n_switches);
		at = to;
	}
}

/* Who starts anew has nothing but what devices hold to see by which ways a LID is reached. */
static void a_restart_leaves_the_ways_of_who_has_moved(void **state)
{
	struct scenario *s = *state;

	rig_build(s, graph_make_ft2(8), false, true);
	for (unsigned i = 4; i < 8; i++)
		assert_int_equal(sim_vf_start(scenario_host(s, i), 1), 0);
	rig_comes_up(s);
	for (unsigned i = 4; i < 7; i++) {
		scenario_move_vport(s, scenario_host(s, i), 1, scenario_host(s, i + 1), 2);
		rig_settles_and_is_good(s);
	}
	scenario_move_vport(s, scenario_host(s, 7), 1, scenario_host(s, 20), 2);
	rig_settles_and_is_good(s);
	scenario_stop_sm(s);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	assert_int_equal(costs_until_now(s).sets, 0);
}

static void ways_last_when_the_port_that_they_are_of_goes(void **state)
{
	struct scenario *s = *state;
	struct costs before;

	rig_build(s, graph_make_ft2(8), false, true);
	assert_int_equal(sim_vf_start(scenario_host(s, 5), 1), 0);
	rig_comes_up(s);
	scenario_move_vport(s, scenario_host(s, 5), 1, scenario_host(s, 6), 1);
	rig_settles_and_is_good(s);
	before = costs_until_now(s);
	scenario_power_off(s, scenario_host(s, 5)->node);
	rig_settles_and_is_good(s);
	assert_int_equal(costs_since(s, before).lft_sets, 0);
	/* And when its own goes. */
	scenario_pull(s, scenario_host(s, 6));
	rig_settles(s);
	scenario_plug(s, scenario_host(s, 6));
	rig_settles_and_is_good(s);
	assert_int_equal(costs_since(s, before).lft_sets, 0);
	scenario_power_on(s, scenario_host(s, 5)->node);
	rig_settles_and_is_good(s);
}

/* ---- partitions ------------------------------------------------------------------------------ */

/* Each write into a table is looked at: scenario_watch_write(). */
static void a_vf_that_moves_about_closes_no_circle(void **state)
{
	struct scenario *s = *state;
	uint32_t at = 0;

	rig_build(s, graph_make_torus(3, 3, 2, 1), false, true);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_start_vport(s, scenario_host(s, 0), 1);
	scenario_settle(s);
	for (unsigned i = 0; i < 20; i++) {
		uint32_t to = (at + 1 + (uint32_t)scenario_random(s, s->n_hosts - 1)) % s->n_hosts;

		scenario_run(s, RIG_TRAP_PAUSE);
		scenario_move_vport(s, scenario_host(s, at), 1, scenario_host(s, to), 1);
		scenario_settle(s);
		at = to;
	}
	assert_true(s->n_watched > 100);
	assert_int_equal(s->n_excused, 0);
	rig_expect_up(s, scenario_host(s, at), 1);
}

/*
 * When it starts anew, by which ways LIDs of vports that have moved are reached is chosen only when
 * there are tables; and those have changed meanwhile.
 */
static void restart_among_changes(struct scenario *s)
{
	uint32_t at[RIG_VFS];

	rig_build(s, graph_make_torus(3, 3, 2, 4), false, true);
	rig_comes_up(s);
	for (uint32_t n = 0; n < COUNT(at); n++) {
		at[n] = 3 * n;
		scenario_start_vport(s, scenario_host(s, at[n]), n + 1);
	}
	rig_settles(s);
	for (unsigned i = 0; i < 40; i++) {
		struct sim_port *links[2];

		for (uint32_t n = 0; n < COUNT(at); n++) {
			uint32_t to = (at[n] + 1 + (uint32_t)scenario_random(s, s->n_hosts - 1)) %
				      s->n_hosts;

			scenario_move_vport(s, scenario_host(s, at[n]), n + 1, scenario_host(s, to),
					    n + 1);
			at[n] = to;
		}
		rig_settles(s);
		scenario_stop_sm(s);
		for (unsigned n = 0; n < COUNT(links); n++) {
			/* Of the first 44, which are between switches. */
			links[n] = scenario_link(s, 22 * n + (uint32_t)scenario_random(s, 22));
			scenario_pull(s, links[n]);
		}
		scenario_start_sm(s);
		rig_settles(s);
		scenario_stop_sm(s);
		for (unsigned n = 0; n < COUNT(links); n++)
			scenario_plug(s, links[n]);
		scenario_start_sm(s);
		rig_settles(s);
	}
	assert_true(s->n_watched > 100);
	assert_int_equal(s->n_excused, 0);
}

static void a_restart_among_changes_closes_no_circle(void **unused)
{
	(void)unused;
	for (uint64_t seed = 4; seed <= 5; seed++) {
		struct scenario *s = scenario_new(seed);

		restart_among_changes(s);
		scenario_free(s);
	}
}

/* LIDs of vports are in blocks beyond those of ports, where tables are wider than their graph. */
static void a_cable_is_routed_again_with_lids_of_vports_beyond_those_of_ports(void **state)
{
	struct scenario *s = *state;
	struct sm_status before, after;

	rig_build(s, graph_make_ft2(8), true, true);
	rig_comes_up(s);
	before = scenario_status(&s->first);
	assert_true(before.lids_used > 2 * 64);
	for (unsigned i = 0; i < 6; i++) {
		/* Of the first 32, which are between switches. */
		struct sim_port *port = scenario_link(s, (uint32_t)scenario_random(s, 32));

		scenario_pull(s, port);
		rig_settles_and_is_good(s);
		scenario_plug(s, port);
		rig_settles_and_is_good(s);
	}
	after = scenario_status(&s->first);
	assert_in_range(after.routes_again - before.routes_again, 8, 12);
	assert_in_range(after.routes_made - before.routes_made, 0, 4);
}

static void each_has_the_keys_of_its_own_guid(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *other;
	struct sim_endpoint e;

	s->closed = true;
	rig_build(s, graph_make_ft2(4), true, true);
	port = scenario_host(s, 2);
	other = scenario_host(s, 5);
	/* The members go by GUID: those of VFs, which may not be there yet. */
	s->members[s->n_members++] = (struct scenario_member){ .guid = sim_vport(port, 1)->guid,
							       .pkey = 0x123,
							       .full = true };
	s->members[s->n_members++] = (struct scenario_member){ .guid = sim_vport(other, 3)->guid,
							       .pkey = 0x123,
							       .full = false };
	scenario_start_sm(s);
	scenario_settle(s);
	e = (struct sim_endpoint){ port, 1 };
	assert_true(sim_endpoint_has_pkey(&e, 0x8123));
	e = (struct sim_endpoint){ other, 3 };
	assert_true(sim_endpoint_has_pkey(&e, 0x0123));
	e = (struct sim_endpoint){ port, 2 };
	assert_false(sim_endpoint_takes_pkey(&e, 0x8123));
	e = (struct sim_endpoint){ port, 0 };
	assert_false(sim_endpoint_takes_pkey(&e, 0x8123));
	for (unsigned n = 0; n < 2; n++) {
		struct sim_probe probe = { .from = { port, 1 },
					   .dlid = sim_vport(other, n ? 3 : 2)->lid,
					   .pkey = 0x8123 };
		struct sim_probe_result result;

		sim_probe(&probe, &result);
		assert_int_equal(result.why == SIM_PASSED, n == 1);
	}
}

static bool is_applied(struct scenario *s, uint64_t guid, uint16_t pkey, enum reason *ret)
{
	const struct sm *sm = scenario_master(s)->sm;
	struct endpoint e = endpoint_find(sm_fabric(sm), guid);

	assert_int_not_equal(e.port, NO_PORT);
	return sm_key_is_applied(sm, e, pkey, partitions_find(sm_partitions(sm), pkey), ret);
}

/* The switch port in front of them has the keys of all of them, and so no less than one has. */
/* Its table has two blocks, and the second is not forgotten over what nobody saw. */
static void keys_that_are_lost_out_of_sight_are_taken_out(void **state)
{
	enum { KEYS = 40 };
	struct scenario *s = *state;
	struct sim_endpoint e;

	s->closed = true;
	rig_build(s, graph_make_ft2(4), true, true);
	e = (struct sim_endpoint){ scenario_host(s, 2), 1 };
	for (uint16_t key = 1; key <= KEYS; key++)
		scenario_join_guid(s, sim_vport(e.port, 1)->guid, key, true);
	scenario_start_sm(s);
	rig_settles(s);
	for (uint16_t key = 1; key <= KEYS; key++)
		assert_true(sim_endpoint_has_pkey(&e, 0x8000 | key));
	scenario_pull(s, e.port);
	rig_settles(s);
	scenario_leave_all(s);
	scenario_apply_partitions(s);
	rig_settles(s);
	scenario_plug(s, e.port);
	rig_settles(s);
	rig_expect_up(s, e.port, 1);
	for (uint16_t key = 1; key <= KEYS; key++)
		assert_false(sim_endpoint_has_pkey(&e, 0x8000 | key));
}

static void keys_of_run_time_are_applied_when_the_vport_holds_them(void **state)
{
	struct scenario *s = *state;
	enum reason reason = REASON_NONE;
	struct sim_port *port;
	struct sim_endpoint e;
	uint64_t here, later;

	s->closed = true;
	rig_build(s, graph_make_ft2(4), false, true);
	port = scenario_host(s, 2);
	here = sim_vport(port, 1)->guid;
	later = sim_vport(port, 2)->guid;
	scenario_start_sm(s);
	scenario_start_vport(s, port, 1);
	scenario_settle(s);
	scenario_add_guid(s, here, 0x123, true);
	assert_false(is_applied(s, here, 0x123, &reason));
	assert_int_equal(reason, REASON_IN_PROGRESS);
	scenario_add_guid(s, later, 0x123, false);
	scenario_settle(s);
	assert_true(is_applied(s, here, 0x123, &reason));
	assert_true(is_applied(s, port->guid, 0x123, &reason));
	assert_int_equal(endpoint_find(sm_fabric(s->first.sm), later).port, NO_PORT);
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_start_vport(s, port, 2);
	scenario_settle(s);
	assert_true(is_applied(s, later, 0x123, &reason));
	assert_true(is_applied(s, port->guid, 0x123, &reason));
	e = (struct sim_endpoint){ port, 2 };
	assert_true(sim_endpoint_has_pkey(&e, 0x0123));

	scenario_remove_guid(s, here, 0x123);
	assert_false(is_applied(s, here, 0x123, &reason));
	assert_false(is_applied(s, port->guid, 0x123, &reason)); /* the switch lets it through */
	scenario_settle(s);
	assert_true(is_applied(s, here, 0x123, &reason));
	assert_true(is_applied(s, port->guid, 0x123, &reason));
	e = (struct sim_endpoint){ port, 1 };
	assert_false(sim_endpoint_has_pkey(&e, 0x8123));
}

static bool passes(struct sim_port *from, unsigned vf, uint16_t dlid, uint16_t pkey,
		   const struct sim_port *to, unsigned to_vf)
{
	struct sim_probe probe = { .from = { from, (uint16_t)vf }, .dlid = dlid, .pkey = pkey };
	struct sim_probe_result result;

	sim_probe(&probe, &result);
	return result.why == SIM_PASSED && result.reached.port == to && result.reached.vf == to_vf;
}

/* The switches check keys too, so that the new leaf is to have it, and the old is not. */
static void keys_and_lid_follow_a_vf_at_once(void **state)
{
	struct scenario *s = *state;
	struct sim_port *old, *new, *other;
	struct sim_probe stale = { .pkey = 0x8123 };
	struct sim_probe_result result;
	uint16_t lid, other_lid;

	s->closed = true;
	rig_build(s, graph_make_ft2(8), false, true);
	old = scenario_host(s, 5);
	new = scenario_host(s, 21);
	other = scenario_host(s, 13);
	s->members[s->n_members++] =
		(struct scenario_member){ sim_vport(old, 1)->guid, 0x123, true, false };
	s->members[s->n_members++] =
		(struct scenario_member){ sim_vport(other, 3)->guid, 0x123, true, false };
	assert_int_equal(sim_vf_start(old, 1), 0);
	assert_int_equal(sim_vf_start(old, 4), 0);
	assert_int_equal(sim_vf_start(other, 3), 0);
	scenario_start_sm(s);
	rig_settles(s);
	lid = sim_vport(old, 1)->lid;
	other_lid = sim_vport(other, 3)->lid;
	assert_true(passes(other, 3, lid, 0x8123, old, 1));
	scenario_run(s, LOOP_SEC); /* between two sweeps */
	scenario_move_vport(s, old, 1, new, 2);
	scenario_run(s, 100 * LOOP_MSEC);
	assert_int_equal(sim_vport(new, 2)->lid, lid);
	assert_true(passes(other, 3, lid, 0x8123, new, 2));
	assert_true(passes(new, 2, other_lid, 0x8123, other, 3));
	/* Whoever forges the key behind the old port is stopped by its switch. */
	assert_int_not_equal(sim_vport(old, 4)->lid, lid);
	assert_non_null(sim_vport(old, 4)->pkeys);
	sim_vport(old, 4)->pkeys[1] = htobe16(0x8123);
	stale.from = (struct sim_endpoint){ old, 4 };
	stale.dlid = other_lid;
	sim_probe(&stale, &result);
	assert_int_not_equal(result.why, SIM_PASSED);
	assert_true(result.at->node->sw);
}

/* Nothing happens where it is, and it is not to wait for a sweep. */
static void who_was_a_duplicate_comes_up_at_once(void **state)
{
	struct scenario *s = *state;
	struct sim_port *first, *second;

	rig_build(s, graph_make_ft2(8), true, false);
	rig_comes_up(s);
	first = scenario_host(s, 3);
	second = scenario_host(s, 20);
	scenario_set_vport_guid(s, second, 2, sim_vport(first, 1)->guid);
	rig_settles(s);
	assert_string_equal(scenario_vport_reason(s, second, 2), "vf-duplicate-guid");
	scenario_run(s, LOOP_SEC); /* between two sweeps */
	scenario_stop_vport(s, first, 1);
	scenario_run(s, 100 * LOOP_MSEC);
	rig_expect_up(s, second, 2);
	rig_settles_and_is_good(s);
}

/* ---- guests come and go ---------------------------------------------------------------------- */

/* No sweep comes to help: what is told must do, and nothing may be left over, anywhere. */
static void guests_come_and_go_without_sweeps(bool own)
{
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct scenario *s = scenario_new(seed);
		uint64_t sets;

		s->closed = seed % 2;
		s->first.conf.sweep_interval = 0;
		rig_build(s, graph_make_ft2(4), false, own);
		for (unsigned i = 0; i < 20; i++)
			s->members[s->n_members++] =
				(struct scenario_member){ 0x0200000000000000 + i,
							  (uint16_t)(1 + i % 3), i % 2, false };
		scenario_start_sm(s);
		scenario_run(s, RIG_TRAP_PAUSE);
		for (unsigned i = 0; i < 60; i++) {
			rig_random_event(s);
			scenario_run(s,
				     scenario_random(s, 4) * scenario_random(s, 1000) * LOOP_MSEC);
		}
		scenario_run(s, 20 * RIG_TRAP_PAUSE);
		sets = costs_until_now(s).sets;
		sm_sweep(s->first.sm, true);
		scenario_run(s, RIG_TRAP_PAUSE);
		if (costs_until_now(s).sets != sets)
			scenario_fail(s, "a sweep finds %" PRIu64 " things to set",
				      costs_until_now(s).sets - sets);
		rig_no_guids_twice(s);
		scenario_run(s, 20 * RIG_TRAP_PAUSE);
		for (uint32_t i = 0; i < s->n_hosts; i++)
			for (unsigned vf = 1; vf <= RIG_VFS; vf++)
				if (rig_is_started(scenario_host(s, i), vf))
					rig_expect_up(s, scenario_host(s, i), vf);
		scenario_free(s);
	}
}

static void guests_with_lids_come_and_go(void **state)
{
	(void)state;
	guests_come_and_go_without_sweeps(true);
}

static void guests_without_lids_come_and_go(void **state)
{
	(void)state;
	guests_come_and_go_without_sweeps(false);
}

/* ---- what is not known of hardware ------------------------------------------------------------
 */

static void every_reading_of_what_is_not_verified_comes_up(void **state)
{
	for (unsigned own = 0; own < 2; own++) {
		for (unsigned i = 0; scenario_vport_reading(i); i++) {
			struct scenario *s = scenario_new(i);

			s->fabric->quirks = *scenario_vport_reading(i);
			rig_build(s, graph_make_ft2(4), false, own);
			scenario_start_vport(s, scenario_host(s, 2), 1);
			rig_comes_up(s);
			scenario_start_vport(s, scenario_host(s, 3), 2);
			rig_settles_and_is_good(s);
			scenario_move_vport(s, scenario_host(s, 3), 2, scenario_host(s, 6), 4);
			rig_settles_and_is_good(s);
			scenario_reboot(s, scenario_host(s, 6)->node);
			rig_settles_and_is_good(s);
			scenario_free(s);
		}
	}
	scenario_free(*state);
	*state = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vports_that_share_a_lid_come_up),
		TEST(vports_with_lids_of_their_own_come_up),
		TEST(vports_come_up_on_a_torus),
		TEST(a_restart_writes_nothing),
		TEST(an_hca_that_is_silent_for_a_while_brings_its_vports_up),
		TEST(a_restart_gives_nobody_the_lid_of_a_vf),
		TEST(late_keys_of_a_vport_are_mended),
		TEST(a_late_lid_of_a_vport_is_mended),
		TEST(a_vport_whose_start_a_late_set_has_hidden_comes_up),
		TEST(one_that_starts_costs_little),
		TEST(one_that_starts_with_a_new_lid_costs_a_block_per_switch),
		TEST(many_start_at_once),
		TEST(who_has_no_guid_is_told_of),
		cmocka_unit_test(who_gets_another_guid_while_it_is_brought_up_is_known_by_it),
		TEST(a_duplicate_is_told_of_and_harms_nobody),
		TEST(who_is_up_with_the_guid_of_a_port_that_comes_begins_anew),
		TEST(a_restart_leaves_up_who_is),
		TEST(a_vf_that_moves_keeps_its_lid),
		TEST(a_vf_that_starts_gets_the_lid_that_was_reserved),
		TEST(a_vf_that_runs_gets_the_lid_that_is_reserved_later),
		TEST(a_reserved_lid_counts_more_than_what_a_vf_holds),
		TEST(a_vf_behind_a_virtual_switch_may_be_reserved_while_it_runs),
		TEST(a_revision_that_is_not_known_is_told_of),
		TEST(impossible_numbers_are_told_of),
		TEST(a_vport_that_uses_the_lid_of_nobody_is_told_of),
		TEST(what_is_refused_is_told_of_and_tried_again),
		TEST(a_question_that_was_refused_is_asked_again),
		TEST(who_was_out_of_reach_while_it_was_asked_is_asked_again),
		TEST(an_answer_about_a_vport_is_not_about_the_alias_in_its_place),
		TEST(that_guests_are_to_register_again_is_told_though_it_was_refused),
		TEST(a_look_that_takes_long_does_not_end_the_sweeps),
		TEST(what_is_known_of_the_vports_of_a_twin_is_not_believed_of_the_other),
		TEST(the_lid_of_a_port_leads_to_it_though_a_vport_had_its_guid),
		TEST(the_lid_of_a_port_is_not_lost_to_what_a_vport_with_its_guid_holds),
		TEST(vports_come_up_over_links_that_lose),
		TEST(a_vf_that_moves_about_closes_no_circle),
		TEST(a_cable_is_routed_again_with_lids_of_vports_beyond_those_of_ports),
		cmocka_unit_test(a_restart_among_changes_closes_no_circle),
		TEST(a_move_within_a_leaf_costs_one_block),
		TEST(a_move_to_another_leaf_changes_few_switches),
		TEST(a_move_on_three_levels_costs_what_differs),
		TEST(a_restart_leaves_the_ways_of_who_has_moved),
		TEST(ways_last_when_the_port_that_they_are_of_goes),
		TEST(each_has_the_keys_of_its_own_guid),
		TEST(keys_that_are_lost_out_of_sight_are_taken_out),
		TEST(keys_of_run_time_are_applied_when_the_vport_holds_them),
		TEST(keys_and_lid_follow_a_vf_at_once),
		TEST(who_was_a_duplicate_comes_up_at_once),
		cmocka_unit_test(guests_with_lids_come_and_go),
		cmocka_unit_test(guests_without_lids_come_and_go),
		TEST(every_reading_of_what_is_not_verified_comes_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
