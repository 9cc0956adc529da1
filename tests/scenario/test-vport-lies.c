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
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_dies_while_it_is_asked_comes_up_when_it_is_back),
		TEST(sweeps_go_on_while_guests_come_and_go),
		TEST(one_that_is_not_read_at_once_keeps_nobody_down),
		TEST(one_that_is_refused_for_good_keeps_nobody_down),
		TEST(a_question_refused_once_is_asked_in_the_right_way_again),
		TEST(the_highest_may_come_and_go),
		TEST(who_is_beyond_the_highest_is_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
