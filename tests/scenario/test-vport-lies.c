/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of hosts that say of their virtual ports what is not so, or now this and now that; that
 * cry, refuse, and die while they are asked. Nobody else is to suffer from it, and when it ends all
 * is to be as if it had not been.
 */

#include "tests/scenario/vport-rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum { LIES = 24, ANNOUNCES = 0x0004 /* CapabilityMask2 of a port with vports */ };

/* ---- what devices do while they are asked ----------------------------------------------------
 */

/* After each number of answers that a bring-up takes of it, and a little more. */
static void host_dies_and_comes_back(unsigned answers, bool silent, bool own)
{
	struct scenario *s = scenario_new(answers);
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, own);
	port = scenario_host(s, 2);
	scenario_fault(s, "die \"%s\" after %u%s", port->node->name, answers,
		       silent ? " silent" : "");
	scenario_start_sm(s);
	scenario_run(s, 2 * RIG_TRAP_PAUSE);
	scenario_clear_faults(s);
	if (port->node->off)
		scenario_power_on(s, port->node);
	scenario_expect_good_within(s, 400);
	rig_expect_all_up(s);
	scenario_free(s);
}

static void who_dies_while_it_is_asked_comes_up_when_it_is_back(void **state)
{
	(void)state;
	for (unsigned answers = 1; answers < 64; answers++) {
		host_dies_and_comes_back(answers, false, answers % 2);
		host_dies_and_comes_back(answers, true, answers % 2);
	}
}

/* Also if the next is due just when something is heard of a guest, and takes its time. */
static void sweeps_go_on_while_guests_come_and_go(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t sweeps;

	rig_build(s, graph_make_ft2(4), false, false);
	port = scenario_host(s, 2);
	rig_comes_up(s);
	scenario_fault(s, "delay \"%s\" 40ms", port->node->name);
	for (unsigned i = 0; i < 20; i++) {
		scenario_start_vport(s, port, 1);
		scenario_run(s, 7300 * LOOP_MSEC);
		scenario_stop_vport(s, port, 1);
		scenario_run(s, 7300 * LOOP_MSEC);
	}
	scenario_clear_faults(s);
	rig_settles(s);
	sweeps = sm_fabric(s->first.sm)->sweep;
	scenario_run(s, 60 * LOOP_SEC);
	assert_true(sm_fabric(s->first.sm)->sweep >= sweeps + 5);
}

/* ---- what cannot be read ----------------------------------------------------------------------
 */

static void one_that_is_not_read_at_once_keeps_nobody_down(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), false, true);
	port = scenario_host(s, 2);
	rig_comes_up(s);
	scenario_run(s, 60 * LOOP_SEC);
	scenario_fault(s, "refuse \"%s\" 0xffb1 get status 0x1c next 1", port->node->name);
	scenario_start_vport(s, port, 2);
	scenario_start_vport(s, port, 3);
	scenario_run(s, 60 * LOOP_SEC);
	rig_settles_and_is_good(s);
}

/* Whatever it is of one vport that is refused, its neighbours are up, and it comes up later. */
static void one_that_is_refused_for_good_keeps_nobody_down(void **state)
{
	static const struct {
		const char *what, *reason;
	} refused[] = {
		{ "0xffb1 get modifier 2", "vf-bad-info" },
		{ "0xffb1 set modifier 2", "vf-refused" },
		{ "0xffb2 get modifier 2", "none" },
		{ "0xffb5 get modifier 2", "none" },
		{ "0xffb6 modifier 0x20000", "pkeys-refused" },
	};

	for (unsigned i = 0; i < COUNT(refused); i++) {
		struct scenario *s = scenario_new(i);
		struct sim_port *port;

		rig_build(s, graph_make_ft2(4), true, true);
		port = scenario_host(s, 2);
		scenario_fault(s, "refuse \"%s\" %s", port->node->name, refused[i].what);
		scenario_start_sm(s);
		scenario_run(s, 120 * LOOP_SEC);
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			if (vf != 2)
				rig_expect_up(s, port, vf);
		assert_string_equal(scenario_vport_reason(s, port, 2), refused[i].reason);
		scenario_clear_faults(s);
		scenario_expect_good_within(s, 600);
		rig_expect_all_up(s);
		scenario_free(s);
	}
	scenario_free(*state);
	*state = NULL;
}

/* One that refuses its state is not told of keys all the time, nor do others wait for it. */
static void who_is_refused_gets_its_keys_later(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;
	uint64_t before;

	rig_build(s, graph_make_ft2(4), false, true);
	port = scenario_host(s, 2);
	rig_comes_up(s);
	scenario_fault(s, "refuse \"%s\" 0xffb1 set modifier 2", port->node->name);
	scenario_start_vport(s, port, 2);
	scenario_run(s, 60 * LOOP_SEC);
	assert_string_equal(scenario_vport_reason(s, port, 2), "vf-refused");
	before = transport_sim_counts(s->first.transport)->requests;
	scenario_add_guid(s, sim_vport(port, 2)->guid, 0x123, true);
	scenario_start_vport(s, port, 3);
	scenario_run(s, 60 * LOOP_SEC);
	assert_in_range(transport_sim_counts(s->first.transport)->requests - before, 1, 500);
	rig_expect_up(s, port, 3);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 600);
	rig_expect_all_up(s);
}

/* Which modifier VirtualizationInfo has, is not decided by a whim. */
static void a_question_refused_once_is_asked_in_the_right_way_again(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), false, false);
	port = scenario_host(s, 2);
	rig_comes_up(s);
	scenario_fault(s, "refuse \"%s\" 0xffb0 status 0x1c next 1", port->node->name);
	scenario_start_vport(s, port, 2);
	scenario_expect_good_within(s, 120);
	rig_expect_all_up(s);
	for (unsigned i = 0; i < 3; i++) {
		scenario_fault(s, "refuse \"%s\" 0xffb0 status 0x1c next 2", port->node->name);
		scenario_run(s, 60 * LOOP_SEC);
	}
	scenario_expect_good_within(s, 300);
	rig_expect_all_up(s);
}

/* ---- impossible numbers -----------------------------------------------------------------------
 */

static void top_is(struct scenario *s, struct sim_port *port, unsigned top)
{
	scenario_happens(s, "the highest vport of %s is %u", port->node->name, top);
	port->vports->top = (uint16_t)top;
	port->vports->count = top + 1;
}

/* The highest index goes down with guests, and who is beyond it is not asked for any more. */
static void the_highest_may_come_and_go(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 2);
	scenario_add_vports(s, port, 200, true, false);
	rig_comes_up(s);
	for (unsigned vf = 100; vf <= 200; vf++)
		scenario_stop_vport(s, port, vf);
	scenario_stop_vport(s, port, 3);
	top_is(s, port, 99);
	rig_settles(s);
	assert_string_equal(scenario_reason(s, port), "none");
	assert_string_equal(scenario_vport_reason(s, port, 150), "vf-not-started");
	scenario_start_vport(s, port, 3);
	rig_settles_and_is_good(s);
	top_is(s, port, 200);
	scenario_start_vport(s, port, 180);
	rig_settles_and_is_good(s);
}

/* Without a word of it: their guests did not stop. */
static void who_is_beyond_the_highest_is_down(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *other;
	uint64_t guid;

	rig_build(s, graph_make_ft2(4), true, true);
	port = scenario_host(s, 2);
	other = scenario_host(s, 3);
	rig_comes_up(s);
	guid = sim_vport(port, 4)->guid;
	top_is(s, port, 2);
	rig_settles(s);
	assert_string_equal(scenario_reason(s, port), "none");
	assert_string_equal(scenario_vport_reason(s, port, 4), "vf-not-started");
	/* Who has its GUID now is no duplicate. */
	scenario_set_vport_guid(s, other, 1, guid);
	rig_settles(s);
	rig_expect_up(s, other, 1);
	/* Nor is that one, when all are back. */
	top_is(s, port, RIG_VFS);
	rig_settles(s);
	rig_expect_up(s, other, 1);
	assert_string_equal(scenario_vport_reason(s, port, 4), "vf-duplicate-guid");
	rig_expect_up(s, port, 3);
}

/* Its firmware was told otherwise: who was behind it is gone, and keeps no GUID from anybody. */
static void who_announces_none_any_more_has_none(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port, *other;
	uint32_t before;

	rig_build(s, graph_make_ft2(4), true, true);
	port = scenario_host(s, 2);
	other = scenario_host(s, 3);
	rig_comes_up(s);
	before = sm_fabric(s->first.sm)->n_vfs;
	port->info.capability_mask2 = 0;
	sm_sweep(s->first.sm, true);
	rig_settles(s);
	assert_true(sm_fabric(s->first.sm)->n_vfs < before);
	scenario_set_vport_guid(s, other, 1, sim_vport(port, 1)->guid);
	rig_settles(s);
	rig_expect_up(s, other, 1);
	port->info.capability_mask2 = htons(ANNOUNCES);
	rig_no_guids_twice(s);
	sm_sweep(s->first.sm, true);
	rig_settles_and_is_good(s);
	rig_expect_all_up(s);
}

/* ---- anything ---------------------------------------------------------------------------------
 */

static void host_lies(struct scenario *s, struct sim_port *port)
{
	static const char *const lies[] = { "garble", "status", "refuse", "silent",
					    "mute",   "tid",    "forget" };
	char modifier[32] = "";
	unsigned attribute = 0xffb0 + (unsigned)scenario_random(s, 7);

	if (scenario_random(s, 2))
		snprintf(modifier, sizeof(modifier), "modifier %u", rig_random_vf(s));
	scenario_fault(s, "%s \"%s\" 0x%x %s %u%%", lies[scenario_random(s, COUNT(lies))],
		       port->node->name, attribute, modifier,
		       1 + (unsigned)scenario_random(s, 100));
}

static void host_cries(struct scenario *s, struct sim_port *port)
{
	static const unsigned traps[] = { 1144, 1146, 1257, 1258 };
	unsigned vport =
		scenario_random(s, 2) ? rig_random_vf(s) : (unsigned)scenario_random(s, UINT16_MAX);

	scenario_fault(s, "storm \"%s\"[1] trap %u vport %u every %uus next %u", port->node->name,
		       traps[scenario_random(s, COUNT(traps))], vport,
		       100 + (unsigned)scenario_random(s, 100000),
		       1 + (unsigned)scenario_random(s, 100));
}

/* Whether it has vports, or room for alias GUIDs. */
static void host_says_it_is_another(struct scenario *s, struct sim_port *port)
{
	port->info.capability_mask2 = htons(scenario_random(s, 2) ? ANNOUNCES : 0);
	port->info.guid_cap = (uint8_t)scenario_random(s, 256);
	sm_sweep(s->first.sm, true);
}

/* What it says of itself, with numbers that may be right by chance. */
static void host_says_anything(struct scenario *s, struct sim_port *port)
{
	struct sim_vports *vports = port->vports;
	struct sim_vport *vport = &vports->vports[rig_random_vf(s)];

	vports->changed = scenario_random(s, 2);
	vports->cap = (uint16_t)scenario_random(s, 600);
	vports->top = (uint16_t)scenario_random(s, scenario_random(s, 2) ? 600 : 2 * RIG_VFS);
	vports->revision = (uint8_t)scenario_random(s, 3);
	vport->lid_index = (uint16_t)scenario_random(s, 8);
	vport->lid_required = scenario_random(s, 2);
}

static void something_bad(struct scenario *s)
{
	struct sim_port *port = rig_random_host(s);

	switch (scenario_random(s, 9)) {
	case 0:
	case 1:
	case 2:
		host_lies(s, port);
		break;
	case 3:
		host_cries(s, port);
		break;
	case 4:
		host_says_anything(s, port);
		break;
	case 5:
		if (port != s->first.port)
			scenario_reboot(s, port->node);
		break;
	case 6:
		host_says_it_is_another(s, port);
		break;
	default:
		rig_random_event(s);
		break;
	}
}

static void be_honest(struct scenario *s)
{
	scenario_clear_faults(s);
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		struct sim_port *port = scenario_host(s, i);
		struct sim_vports *vports = port->vports;

		port->info.capability_mask2 = htons(ANNOUNCES);
		port->info.guid_cap = 1;
		vports->cap = vports->top = RIG_VFS;
		vports->revision = SIM_VPORT_REVISION;
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			vports->vports[vf].lid_index = 0;
	}
	rig_no_guids_twice(s);
}

static void lie_and_be_honest(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	rig_build(s, graph_make_ft2(4), seed % 3, seed % 2);
	scenario_start_sm(s);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 12; i++) {
			something_bad(s);
			scenario_run(s,
				     scenario_random(s, 4) * scenario_random(s, 1000) * LOOP_MSEC);
		}
		be_honest(s);
		sm_sweep(s->first.sm, true);
		scenario_run(s, RIG_TRAP_PAUSE);
		scenario_expect_good_within(s, 400);
		rig_expect_all_up(s);
	}
	scenario_free(s);
}

static void whatever_hosts_say_of_vports_is_mended(void **state)
{
	uint64_t seed;

	(void)state;
	if (scenario_seed_of_environment(&seed)) {
		lie_and_be_honest(seed);
		return;
	}
	for (seed = 1; seed <= LIES; seed++)
		lie_and_be_honest(seed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_dies_while_it_is_asked_comes_up_when_it_is_back),
		TEST(sweeps_go_on_while_guests_come_and_go),
		TEST(one_that_is_not_read_at_once_keeps_nobody_down),
		TEST(one_that_is_refused_for_good_keeps_nobody_down),
		TEST(who_is_refused_gets_its_keys_later),
		TEST(a_question_refused_once_is_asked_in_the_right_way_again),
		TEST(the_highest_may_come_and_go),
		TEST(who_is_beyond_the_highest_is_down),
		TEST(who_announces_none_any_more_has_none),
		cmocka_unit_test(whatever_hosts_say_of_vports_is_mended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
