/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A fabric of 76 devices comes up over a cable that loses packets: that of the subnet manager's own
 * machine, each packet for itself and each way. Times are virtual ones, medians over seeds: luck of
 * a single story says little where four of ten packets are lost.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/faults.h"
#include "tests/sim/link.h"
#include "tests/unit/loop-virtual.h"

#define SEEDS   15u
#define SERVICE (30 * LOOP_USEC) /* of an SMP, by each agent */

enum { LEAVES = 8, SPINES = 4, HOSTS = 8 /* of a leaf */ };

static struct made_graph *make_tree(void)
{
	struct made_graph *graph = graph_make_empty();

	for (uint32_t i = 0; i < LEAVES + SPINES; i++)
		graph_add_switch(graph);
	for (uint32_t leaf = 0; leaf < LEAVES; leaf++)
		graph_add_hosts(graph, leaf, HOSTS);
	for (uint32_t leaf = 0; leaf < LEAVES; leaf++)
		for (uint32_t i = 0; i < 2 * SPINES; i++)
			graph_add_cable(graph, leaf, LEAVES + i % SPINES);
	return graph;
}

static struct scenario *build(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	scenario_build(s, make_tree());
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		assert_int_equal(sim_fault_service(s->fabric->nodes[i],
						   &(struct sim_service){ .time = SERVICE }),
				 0);
	return s;
}

static void lose(struct sim_port *port, unsigned percent)
{
	if (percent == 0)
		return;
	sim_fault_rates(port)->loss = percent * 10000;
	sim_fault_rates(port->far)->loss = percent * 10000;
}

/* But for those that nothing passes. */
static bool all_are_active(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (sim_fault_rates(s->links[i])->loss != SIM_ALWAYS &&
		    (sim_state(s->links[i]) != SIM_ACTIVE ||
		     sim_state(s->links[i]->far) != SIM_ACTIVE))
			return false;
	return true;
}

/* Milliseconds until then; those of the patience if it has an end before. */
static uint64_t time_to_active(struct scenario *s)
{
	uint64_t began = loop_now(s->loop);

	while (!all_are_active(s) && loop_now(s->loop) - began < SCENARIO_PATIENCE * LOOP_SEC)
		loop_virtual_step(s->loop);

	return (loop_now(s->loop) - began) / LOOP_MSEC;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_median(uint64_t times[static SEEDS], const char *what, unsigned percent)
{
	qsort(times, SEEDS, sizeof(*times), compare);
	print_message("# %u %% %s: all are Active after %" PRIu64 " ms, %" PRIu64 " to %" PRIu64
		      "\n",
		      percent, what, times[SEEDS / 2], times[0], times[SEEDS - 1]);
}

/* ---- one cable ------------------------------------------------------------------------------- */

static uint64_t median_of_one_cable(unsigned percent)
{
	uint64_t times[SEEDS];

	for (unsigned i = 0; i < SEEDS; i++) {
		struct scenario *s = build(i + 1);

		lose(s->first.port, percent);
		scenario_start_sm(s);
		times[i] = time_to_active(s);
		scenario_free(s);
	}
	print_median(times, "at one cable", percent);

	return times[SEEDS / 2];
}

static void a_fabric_comes_up_whatever_our_own_cable_loses(void **state)
{
	static const struct {
		unsigned percent;
		uint64_t most; /* ms */
	} rows[] = { { 0, 100 }, { 1, 300 }, { 10, 600 }, { 20, 1200 }, { 40, 4000 } };

	uint64_t median[COUNT(rows)];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		median[i] = median_of_one_cable(rows[i].percent);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_in_range(median[i], 0, rows[i].most);
}

/* Each link from end to end: what is far away is lost most. */
static void a_fabric_comes_up_whatever_each_cable_loses(void **state)
{
	static const unsigned percents[] = { 1, 10, 20 };
	static const uint64_t most[COUNT(percents)] = { 300, 2000, 20000 };
	uint64_t times[SEEDS];

	(void)state;
	for (size_t i = 0; i < COUNT(percents); i++) {
		for (unsigned n = 0; n < SEEDS; n++) {
			struct scenario *s = build(n + 1);

			for (uint32_t link = 0; link < s->n_links; link++)
				lose(s->links[link], percents[i]);
			scenario_start_sm(s);
			times[n] = time_to_active(s);
			scenario_free(s);
		}
		print_median(times, "at each cable", percents[i]);
		assert_in_range(times[SEEDS / 2], 0, most[i]);
	}
}

/* ---- the dead -------------------------------------------------------------------------------- */

enum { DEAD = 5 };

/* Their links are up, and nothing is heard of them. */
static void silence_some(struct scenario *s)
{
	for (uint32_t i = 0; i < DEAD; i++)
		lose(scenario_host(s, 10 + i * HOSTS), 100);
}

static uint64_t n_sent(const struct scenario *s)
{
	return transport_sim_counts(s->first.transport)->requests;
}

/* Beside as many as are lost by chance they cost a few tries more, in a minute and in an hour. */
static void the_dead_cost_little(void **state)
{
	static const struct {
		unsigned percent;
		uint64_t most_ms;
		uint64_t most_in_a_minute, most_in_an_hour;
	} rows[] = { { 0, 100, 600, 14000 }, { 20, 1500, 1500, 30000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scenario *s = build(1);
		uint64_t time, minute;

		silence_some(s);
		lose(s->first.port, rows[i].percent);
		scenario_start_sm(s);
		time = time_to_active(s);
		minute = n_sent(s);
		scenario_run(s, 60 * LOOP_SEC);
		minute = n_sent(s) - minute;
		scenario_run(s, 3600 * LOOP_SEC);
		print_message("# %u dead, %u %% lost: the others are Active after %" PRIu64
			      " ms; requests in a minute %" PRIu64 ", in an hour %" PRIu64 "\n",
			      DEAD, rows[i].percent, time, minute, n_sent(s));
		assert_in_range(time, 0, rows[i].most_ms);
		assert_in_range(minute, 1, rows[i].most_in_a_minute);
		assert_in_range(n_sent(s), 1, rows[i].most_in_an_hour);
		scenario_free(s);
	}
}

/* One that was there falls silent while much is lost, and is back when it is heard again. */
static void who_is_silent_for_a_while_is_back_soon(void **state)
{
	uint64_t times[SEEDS];

	(void)state;
	for (unsigned i = 0; i < SEEDS; i++) {
		struct scenario *s = build(i + 1);
		struct sim_port *host = scenario_host(s, 20);

		lose(s->first.port, 20);
		scenario_start_sm(s);
		time_to_active(s);
		lose(host, 100);
		sim_cable_pull(host);
		scenario_run(s, LOOP_SEC);
		sim_cable_plug(host);
		scenario_run(s, 2 * LOOP_SEC);
		sim_fault_rates(host)->loss = sim_fault_rates(host->far)->loss = 0;
		times[i] = time_to_active(s);
		scenario_free(s);
	}
	print_median(times, "and one was silent", 20);
	assert_in_range(times[SEEDS / 2], 0, 8000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fabric_comes_up_whatever_our_own_cable_loses),
		cmocka_unit_test(a_fabric_comes_up_whatever_each_cable_loses),
		cmocka_unit_test(the_dead_cost_little),
		cmocka_unit_test(who_is_silent_for_a_while_is_back_soon),
	};

	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
