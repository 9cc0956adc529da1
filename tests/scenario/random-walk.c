/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Random walks: a random fabric, and then whatever can befall one, in bursts, at any moment, the
 * subnet manager included. After each burst the fabric comes to rest and all must be good.
 *
 * Usage: random-walk [seeds [first seed]]. Without arguments so few that it is a test; by hand,
 * "random-walk 1000". VSM_SCENARIO_SEED in the environment: that seed alone.
 */

#include "tests/scenario/listener.h"
#include "tests/scenario/walk.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum { SEEDS = 20, STEPS = 25, STEPS_OF_CROWDS = 6, BURST = 6, FEW_MLIDS = 32 };

static uint64_t n_seeds = SEEDS;
static uint64_t first_seed = 1;
static uint64_t n_events;

static struct made_graph *some_fabric(struct scenario *s)
{
	unsigned r = (unsigned)scenario_random(s, 8);

	switch (r) {
	case 0:
		return graph_make_line(2 + (unsigned)scenario_random(s, 5), 2);
	case 1:
		return graph_make_ring(3 + (unsigned)scenario_random(s, 5), 2);
	case 2:
		return graph_make_ft2(4);
	case 3:
		return graph_make_ft2(6);
	case 4:
		return graph_make_ft3(4, 2);
	case 5:
		return graph_make_torus(3, 3, 1, 1);
	case 6:
		return graph_make_dragonfly(2, 1, 2);
	default:
		return graph_make_random(5 + (unsigned)scenario_random(s, 8), 3, 2, s->seed);
	}
}

/* The operator's groups leave two multicast LIDs, so that all others share these. */
static void make_mlids_few(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.mcast_cap = htobe16(FEW_MLIDS);
	s->n_given_groups = FEW_MLIDS - 3;
}

/* One switch of every fifth fabric; see walk-events.c, where others follow. */
static void make_mute(struct scenario *s)
{
	if (walk_has_mute(s))
		s->switches[s->seed / 5 % s->n_switches]->sw->info.mcast_cap = 0;
}

/* All switches, half of them, or none. */
static void give_port_states(struct scenario *s)
{
	uint32_t which = (uint32_t)(s->seed % 4);

	for (uint32_t i = which; which < 2 && i < s->n_switches; i += 1 + which)
		sim_give_port_states(s->switches[i]);
}

/* The same of MulticastFDBTop, in other fabrics. */
static void give_multicast_top(struct scenario *s)
{
	uint32_t which = (uint32_t)(s->seed / 2 % 3);

	for (uint32_t i = which; which < 2 && i < s->n_switches; i += 1 + which)
		s->switches[i]->ports[0].info.capability_mask |= htobe32(1u << 30);
}

static void set_out(struct scenario *s)
{
	static const uint64_t train_times[] = { 0, 0, 50 * LOOP_MSEC, 2 * LOOP_SEC };
	static const uint64_t disks[] = { 0, 3 * LOOP_MSEC, 200 * LOOP_MSEC };

	s->fabric->train_time = train_times[scenario_random(s, COUNT(train_times))];
	memory_keeper_set_delay(s->first.keeper, disks[scenario_random(s, COUNT(disks))]);
	s->closed = scenario_random(s, 2);
	if (!scenario_random(s, 3)) {
		s->first.conf.m_key = 0x5eed;
		s->first.conf.m_key_protection = (unsigned)scenario_random(s, 4);
		s->first.conf.m_key_lease = (unsigned)scenario_random(s, 2) * 60;
	}
	s->first.conf.lmc = scenario_random(s, 4) ? 0 : 1;
	if (s->seed % 2)
		scenario_allow_lanes(s, 8);
	s->rival.conf = s->first.conf;
	scenario_build(s, some_fabric(s));
	if (s->seed % 3 == 0)
		make_mlids_few(s);
	make_mute(s);
	give_port_states(s);
	give_multicast_top(s);
	if (scenario_random(s, 2))
		walk_make_vfs(s);
	if (scenario_random(s, 2))
		walk_make_vports(s);
	if (scenario_random(s, 2))
		walk_make_shared(s);
	scenario_start_sm(s);
}

static bool is_left_out(struct scenario *s, const struct sim_node *node)
{
	return !strncmp(scenario_reason(s, node->ports[1].far), "duplicate-", 10);
}

static bool is_up(struct scenario *s, struct sim_node *node)
{
	return sim_state(&node->ports[1]) == SIM_ACTIVE &&
	       scenario_is_connected(s, scenario_master(s)->port, &node->ports[1]);
}

/* One of the two is left out and says why, and nobody else suffers. */
static void live_with_twins(struct scenario *s)
{
	unsigned takeovers = s->n_takeovers;
	struct sim_node *node, *other;

	if (!walk_choose_twins(s, &node, &other) || !is_up(s, node) || !is_up(s, other) ||
	    other == scenario_master(s)->port->node)
		return;
	scenario_twin(s, node, other);
	scenario_settle(s);
	if (s->n_takeovers != takeovers)
		scenario_forget_lids(s); /* the master ran on one of its VFs */
	if (is_left_out(s, node) == is_left_out(s, other))
		scenario_fail(s, "of twins, one is left out: %d %d", is_left_out(s, node),
			      is_left_out(s, other));
	scenario_expect_good_but(s, &(is_left_out(s, node) ? node : other)->ports[1]);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 1800);
}

static void burst(struct scenario *s)
{
	for (uint64_t n = 1 + scenario_random(s, BURST); n > 0; n--) {
		walk_event(s, false);
		n_events++;
		walk_pause(s);
	}
	walk_let_it_work(s);
}

static void rest(struct scenario *s, unsigned takeovers)
{
	scenario_settle(s);
	/* Where two are, a part may have gone from one to the other. */
	if (s->n_takeovers != takeovers || scenario_masters(s) == 3)
		scenario_forget_lids(s);
	scenario_expect_good_within(s, 1800);
	scenario_expect_paths(s);
	scenario_expect_told(s);
}

/* First without, so that a seed is what it was before there were any, and then with crowds. */
static void walk(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	set_out(s);
	scenario_listen(s);
	for (unsigned step = 0; step < STEPS + STEPS_OF_CROWDS; step++) {
		unsigned takeovers = s->n_takeovers;
		struct walk_joined joined = { .n = 0 };

		burst(s);
		if (step >= STEPS && step % 2)
			walk_join_together(s, &joined);
		rest(s, takeovers);
		walk_expect_joined(s, &joined);
		if (!scenario_random(s, 6))
			live_with_twins(s);
	}
	scenario_listen_no_more(s);
	scenario_free(s);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void whatever_happens_all_is_good_again_at_rest(void **state)
{
	double began = now();

	(void)state;
	if (scenario_seed_of_environment(&first_seed))
		n_seeds = 1;
	for (uint64_t i = 0; i < n_seeds; i++) {
		walk(first_seed + i);
		if ((i + 1) % 100 == 0)
			fprintf(stderr, "# %" PRIu64 " seeds, %.1f s\n", i + 1, now() - began);
	}
	fprintf(stderr, "# %" PRIu64 " seeds from %" PRIu64 " on, %" PRIu64 " events, %.1f s\n",
		n_seeds, first_seed, n_events, now() - began);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_all_is_good_again_at_rest),
	};

	if (argc > 1)
		n_seeds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("random walk", tests, NULL, NULL);
}
