/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Stories of many at once: as many virtual ports as a port may have, all of which say that they are
 * the same, traps about them that never end or that somebody else has sent, tables of which a part
 * is always lost. Those are to cost what they must, and nobody else anything.
 */

#include "tests/scenario/vport-rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum { CROWD = SIM_VFS_VPORT, MANY = 32 };

static const uint64_t SOMEBODY = 0x0200000000000001;

/* ---- one GUID for all ------------------------------------------------------------------------
 */

static void is_a_crowd_of(struct scenario *s, struct sim_port *port, uint64_t guid)
{
	scenario_happens(s, "all vports of %s get one GUID", port->node->name);
	for (unsigned vf = 1; vf <= CROWD; vf++)
		assert_int_equal(sim_vf_set_guid(port, vf, guid), 0);
}

static unsigned count_up(const struct sim_port *port)
{
	unsigned n = 0;

	for (unsigned vf = 1; vf <= CROWD; vf++)
		n += sim_vport(port, vf)->state > SIM_INIT;
	return n;
}

static struct sim_port *find_one_up(struct sim_port *const ports[2], unsigned *ret_vf)
{
	for (unsigned i = 0; i < 2; i++)
		for (unsigned vf = 1; vf <= CROWD; vf++)
			if (sim_vport(ports[i], vf)->state == SIM_ACTIVE) {
				*ret_vf = vf;
				return ports[i];
			}
	return NULL;
}

static uint64_t requests(const struct scenario *s)
{
	return transport_sim_counts(s->first.transport)->requests;
}

static void two_crowds(struct scenario *s, struct sim_port *ports[2])
{
	scenario_build(s, graph_make_ft2(4));
	for (unsigned i = 0; i < 2; i++) {
		ports[i] = scenario_host(s, 2 + i);
		scenario_add_vports(s, ports[i], CROWD, true, true);
		is_a_crowd_of(s, ports[i], SOMEBODY);
	}
	scenario_start_sm(s);
	rig_settles(s);
	scenario_expect_all_good(s);
}

/* One of them is up, and when it stops another is. Those that wait are read again, and no more. */
static void of_a_crowd_with_one_guid_one_is_up(void **state)
{
	struct scenario *s = *state;
	struct sim_port *ports[2], *port;

	two_crowds(s, ports);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t before = requests(s), said = s->log.n;
		unsigned vf = 0;

		port = find_one_up(ports, &vf);
		assert_non_null(port);
		assert_int_equal(count_up(ports[0]) + count_up(ports[1]), 1);
		scenario_stop_vport(s, port, vf);
		rig_settles(s);
		assert_in_range(requests(s) - before, 1, 3 * 2 * CROWD);
		assert_true(s->log.n <= said + 1);
	}
	scenario_expect_all_good(s);
}

/* Of none that says that it is the subnet manager's own port. */
static void a_crowd_of_our_own_guid_stays_down(void **state)
{
	struct scenario *s = *state;
	struct sim_port *ports[2];
	uint64_t before;

	two_crowds(s, ports);
	for (unsigned i = 0; i < 2; i++)
		is_a_crowd_of(s, ports[i], s->first.port->guid);
	rig_settles(s);
	assert_int_equal(count_up(ports[0]) + count_up(ports[1]), 0);
	scenario_expect_all_good(s);
	before = requests(s);
	scenario_run(s, 60 * LOOP_SEC);
	assert_in_range(requests(s) - before, 1, 120);
	is_a_crowd_of(s, ports[1], SOMEBODY);
	rig_settles(s);
	assert_int_equal(count_up(ports[1]), 1);
	scenario_expect_all_good(s);
}

/* ---- traps ------------------------------------------------------------------------------------
 */

static const unsigned traps[] = { 1144, 1146, 1257, 1258 };

static unsigned ignored(const struct scenario *s)
{
	return (unsigned)scenario_status(&s->first).traps_ignored;
}

/* From ports without vports, from switches and nobody: each is ignored, and costs nothing. */
static void traps_of_who_has_no_vports_are_nothing_to_it(void **state)
{
	struct scenario *s = *state;
	const struct sim_port *leaf;
	uint64_t before;
	unsigned n = 0;

	scenario_build(s, graph_make_ft2(4));
	scenario_add_vports(s, scenario_host(s, 2), RIG_VFS, true, true);
	rig_comes_up(s);
	leaf = &s->switches[0]->ports[0];
	before = requests(s);
	for (unsigned i = 0; i < COUNT(traps); i++) {
		const unsigned lids[] = {
			0, sim_lid(leaf), sim_lid(scenario_host(s, 3)), 0xbfff, 0xc000,
		};

		for (unsigned k = 0; k < COUNT(lids); k++, n++)
			scenario_fault(s, "forge \"H3\"[1] trap %u vport 1 lid %u", traps[i],
				       lids[k]);
	}
	scenario_run(s, LOOP_SEC);
	assert_int_equal(ignored(s), n);
	assert_in_range(requests(s) - before, 0, 10);
	rig_settles_and_is_good(s);
}

/* In the name of others, also of their vports, that have nothing to tell: those are asked. */
static void a_trap_in_the_name_of_another_costs_a_look(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port;

	rig_build(s, graph_make_ft2(4), true, true);
	rig_comes_up(s);
	port = scenario_host(s, 2);
	for (unsigned i = 0; i < COUNT(traps); i++) {
		const unsigned lids[] = { sim_lid(port), sim_vport(port, 3)->lid };

		for (unsigned k = 0; k < COUNT(lids); k++)
			for (unsigned vport = 0; vport < 0x10000; vport = vport * 3 + 1) {
				uint64_t before = requests(s);

				scenario_fault(s, "forge \"H3\"[1] trap %u vport %u lid %u",
					       traps[i], vport, lids[k]);
				scenario_run(s, 4 * LOOP_SEC);
				assert_in_range(requests(s) - before, 0, 24);
			}
	}
	assert_int_equal(ignored(s), 0);
	rig_settles_and_is_good(s);
}

/* Who cries all the time is looked at now and then, and all others as soon as ever. */
static void a_storm_of_one_delays_nobody(void **state)
{
	struct scenario *s = *state;
	struct sim_port *other;

	rig_build(s, graph_make_ft2(4), false, true);
	rig_comes_up(s);
	other = scenario_host(s, 4);
	for (unsigned i = 0; i < COUNT(traps); i++) {
		uint64_t before = requests(s);
		uint64_t sweeps = scenario_status(&s->first).sweeps;
		uint64_t said = s->log.n;

		scenario_fault(s, "storm \"H2\"[1] trap %u vport 1 every 1ms", traps[i]);
		scenario_run(s, 60 * LOOP_SEC);
		assert_in_range(requests(s) - before, 1, 300);
		assert_in_range(scenario_status(&s->first).sweeps - sweeps, 4, 60);
		assert_int_equal(s->log.n, said);
		scenario_start_vport(s, other, 1 + i);
		scenario_run(s, 5 * LOOP_SEC);
		rig_expect_up(s, other, 1 + i);
		scenario_clear_faults(s);
	}
	rig_settles_and_is_good(s);
}

/* ---- what is always lost ----------------------------------------------------------------------
 */

static unsigned count_active(const struct sim_port *port)
{
	unsigned n = 0;

	for (unsigned vf = 1; vf <= MANY; vf++)
		n += sim_vport(port, vf)->state == SIM_ACTIVE;
	return n;
}

/* Two ports have many vports, of which one of the first has a key more than others. */
static struct sim_port *two_full_ports(struct scenario *s)
{
	struct sim_port *port;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 2);
	scenario_add_vports(s, port, MANY, true, true);
	scenario_add_vports(s, scenario_host(s, 3), MANY, true, true);
	scenario_join_guid(s, sim_vport(port, 2)->guid, 0x123, true);
	scenario_apply_partitions(s);
	return port;
}

struct bad_port {
	const char *verb, *what;
	unsigned most_down;
	const char *reason; /* of the port, or else of its vport 2 */
};

static const char *reason_of(struct scenario *s, const struct sim_port *port)
{
	const char *reason = scenario_reason(s, port);

	return strcmp(reason, "none") ? reason : scenario_vport_reason(s, port, 2);
}

/* What is wrong is told of, costs little, and keeps nobody down who has nothing to do with it. */
static void lives_with(struct scenario *s, const struct bad_port *bad)
{
	struct sim_port *port = two_full_ports(s);
	uint64_t before;

	scenario_fault(s, "%s \"%s\" %s", bad->verb, port->node->name, bad->what);
	scenario_start_sm(s);
	scenario_run(s, 60 * LOOP_SEC);
	if (requests(s) > 980)
		scenario_fail(s, "%s: %u requests until all is up", bad->what,
			      (unsigned)requests(s));
	if (count_active(port) + bad->most_down < MANY)
		scenario_fail(s, "%s: %u vports are up", bad->what, count_active(port));
	if (count_active(scenario_host(s, 3)) < MANY)
		scenario_fail(s, "%s: of another, %u vports are up", bad->what,
			      count_active(scenario_host(s, 3)));
	if (strcmp(reason_of(s, port), bad->reason))
		scenario_fail(s, "%s: the reason is %s", bad->what, reason_of(s, port));
	before = requests(s);
	scenario_run(s, 600 * LOOP_SEC);
	if (requests(s) - before > 1500)
		scenario_fail(s, "%s: %u requests in ten minutes", bad->what,
			      (unsigned)(requests(s) - before));
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 4000);
	scenario_free(s);
}

static void what_one_vport_does_not_hear_keeps_nobody_down(void **state)
{
	static const struct bad_port bad[] = {
		{ "silent", "0xffb1 get modifier 2", 1, "vf-bad-info" },
		{ "silent", "0xffb1 set modifier 2", 1, "vf-refused" },
		{ "mute", "0xffb1 set modifier 2", 1, "none" },
		{ "silent", "0xffb2 modifier 2", 0, "none" },
		{ "silent", "0xffb4 modifier 2", 0, "none" },
		{ "silent", "0xffb5 modifier 0x20000", 0, "none" },
		{ "silent", "0xffb6 get modifier 0x20000", 1, "pkeys-refused" },
		{ "silent", "0xffb6 set modifier 0x20000", 1, "pkeys-refused" },
		{ "silent", "0xffb6 modifier 0x20001", 1, "pkeys-refused" },
		{ "silent", "0xffb0", MANY, "vf-bad-info" },
		{ "silent", "0xffb0 set", MANY, "vf-refused" },
		{ "silent", "0xffb3 modifier 0", MANY, "vf-bad-info" },
		{ "refuse", "0xffb3 modifier 0", MANY, "vf-bad-info" },
		{ "lie", "0xffb0@34:1 1", MANY, "vf-bad-info" },
		{ "lie", "0xffb0@34:1 1 get", 0, "none" },
		{ "lie", "0xffb0@34:1 1 set", MANY, "none" },
	};

	for (unsigned i = 0; i < COUNT(bad); i++)
		lives_with(scenario_new(i), &bad[i]);
	scenario_free(*state);
	*state = NULL;
}

/* Of 256, the states of those are in one block, to which nothing is answered. */
static const struct untold {
	unsigned block, first, last;
} untold[] = { { 0, 1, 127 }, { 1, 128, 255 }, { 2, 256, 256 } };

static bool is_untold(const struct untold *one, unsigned vf)
{
	return vf >= one->first && vf <= one->last;
}

static void expect_others_up(struct scenario *s, const struct sim_port *port,
			     const struct untold *one)
{
	assert_int_equal(sim_state(port), SIM_ACTIVE);
	assert_int_equal(sim_vport(port, 0)->state, SIM_ACTIVE);
	assert_string_equal(scenario_reason(s, port), "vf-bad-info");
	for (unsigned vf = 1; vf <= CROWD; vf++)
		if (!is_untold(one, vf) && rig_is_started(port, vf))
			rig_expect_up(s, port, vf);
}

/* One is started before that begins, and stays up; others come later, and one of those is told. */
static void live_with_untold(const struct untold *one, bool refused)
{
	struct scenario *s = scenario_new(one->block);
	struct sim_port *port;
	unsigned next = one->block == 0 ? 200 : 3;
	uint64_t before;

	scenario_build(s, graph_make_ft2(4));
	port = scenario_host(s, 2);
	scenario_add_vports(s, port, CROWD, false, true);
	scenario_start_vport(s, port, one->first);
	rig_comes_up(s);
	scenario_fault(s, "%s \"%s\" 0xffb3 modifier %u", refused ? "refuse" : "silent",
		       port->node->name, one->block);
	for (unsigned vf = 100; vf <= CROWD; vf++)
		if (vf != one->first)
			scenario_start_vport(s, port, vf);
	scenario_run(s, 60 * LOOP_SEC);
	expect_others_up(s, port, one);
	assert_int_equal(sim_vport(port, one->first)->state, SIM_ACTIVE);
	assert_string_equal(scenario_vport_reason(s, port, one->first), "vf-bad-info");
	scenario_reboot(s, port->node);
	scenario_run(s, 60 * LOOP_SEC);
	expect_others_up(s, port, one);
	before = requests(s);
	scenario_start_vport(s, port, next);
	scenario_run(s, 600 * LOOP_SEC);
	expect_others_up(s, port, one);
	assert_in_range(requests(s) - before, 1, 900);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 4000);
	rig_expect_all_up(s);
	scenario_free(s);
}

static void a_block_of_states_that_is_not_told_costs_its_own_vports(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(untold); i++) {
		live_with_untold(&untold[i], false);
		live_with_untold(&untold[i], true);
	}
}

/*
 * Without a timer for sweeps there may be none for days, and nothing is tried again by itself: who
 * misses a question now and then must not be taken for one that is deaf.
 */
static void losses_that_lie_apart_are_no_deafness(void **state)
{
	static const char *const questions[] = { "0xffb1 get modifier 2", "0xffb1 set modifier 2",
						 "0xffb3 modifier 0", "0xffb0 get" };
	struct scenario *s = *state;
	struct sim_port *port;

	s->first.conf.sweep_interval = 0;
	rig_build(s, graph_make_ft2(4), true, true);
	scenario_start_sm(s);
	scenario_run(s, 60 * LOOP_SEC);
	port = scenario_host(s, 2);
	for (unsigned i = 0; i < COUNT(questions); i++)
		for (unsigned n = 0; n < 6; n++) {
			scenario_stop_vport(s, port, 2);
			scenario_run(s, 3600 * LOOP_SEC);
			scenario_fault(s, "silent \"%s\" %s next %u", port->node->name,
				       questions[i], s->first.conf.tries);
			scenario_start_vport(s, port, 2);
			scenario_run(s, 3600 * LOOP_SEC);
			rig_expect_up(s, port, 2);
		}
}

/* ---- a full disk ------------------------------------------------------------------------------
 */

struct asked {
	unsigned n_answers, n_refused;
};

static void note_change(void *user, const struct sm_partition_result *result)
{
	struct asked *asked = user;

	asked->n_answers++;
	asked->n_refused += result->error == -ENOSPC;
}

static void ask_for_key(struct scenario *s, struct asked *asked, uint64_t guid)
{
	const struct sm_partition_change change = {
		.pkey = 0x123,
		.membership = PARTITION_FULL,
		.guids = &guid,
		.n_guids = 1,
	};

	scenario_happens(s, "somebody asks for a key of a vport");
	assert_int_equal(sm_change_partition(s->first.sm, &change, note_change, asked), 0);
}

/* Of some hosts answers are lost, or come when nobody waits for them any more. */
static void answers_are_late(struct scenario *s)
{
	for (uint32_t i = 1; i < s->n_hosts; i++) {
		const char *name = scenario_host(s, i)->node->name;

		if (scenario_random(s, 2))
			scenario_fault(s, "service \"%s\" 1ms jitter %ums buffer 20", name,
				       (unsigned)scenario_random(s, 600));
		if (scenario_random(s, 2))
			scenario_fault(s, "mute \"%s\" set 20%%", name);
	}
}

/* Guests come and go as ever; a change of keys is refused, and what it would be is nowhere. */
static void live_on_a_full_disk(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);
	struct asked asked = { 0 };
	unsigned n = 0;

	rig_build(s, graph_make_ft2(4), seed % 3, true);
	rig_comes_up(s);
	scenario_happens(s, "the disk is full");
	memory_keeper_set_full(s->first.keeper, true);
	answers_are_late(s);
	for (unsigned i = 0; i < 20; i++) {
		rig_random_event(s);
		if (!scenario_random(s, 3)) {
			ask_for_key(s, &asked, sim_vport(rig_random_host(s), 1)->guid);
			n++;
		}
		scenario_run(s, scenario_random(s, 3) * scenario_random(s, 1000) * LOOP_MSEC);
	}
	scenario_clear_faults(s);
	rig_no_guids_twice(s);
	sm_sweep(s->first.sm, true);
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_expect_good_within(s, 400);
	rig_expect_all_up(s);
	assert_int_equal(asked.n_answers, n);
	assert_int_equal(asked.n_refused, n);
	if (seed % 2) {
		scenario_happens(s, "the disk has room again");
		memory_keeper_set_full(s->first.keeper, false);
		scenario_run(s, RIG_TRAP_PAUSE);
	}
	scenario_kill_sm(s);
	memory_keeper_set_full(s->first.keeper, false);
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
	scenario_free(s);
}

static void a_full_disk_and_late_answers_lose_nothing(void **state)
{
	uint64_t seed;

	(void)state;
	if (scenario_seed_of_environment(&seed)) {
		live_on_a_full_disk(seed);
		return;
	}
	for (seed = 1; seed <= 24; seed++)
		live_on_a_full_disk(seed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(of_a_crowd_with_one_guid_one_is_up),
		TEST(a_crowd_of_our_own_guid_stays_down),
		TEST(traps_of_who_has_no_vports_are_nothing_to_it),
		TEST(a_trap_in_the_name_of_another_costs_a_look),
		TEST(a_storm_of_one_delays_nobody),
		TEST(what_one_vport_does_not_hear_keeps_nobody_down),
		cmocka_unit_test(a_block_of_states_that_is_not_told_costs_its_own_vports),
		TEST(losses_that_lie_apart_are_no_deafness),
		cmocka_unit_test(a_full_disk_and_late_answers_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
