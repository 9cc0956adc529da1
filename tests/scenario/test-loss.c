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
#include "tests/scenario/timed-rig.h"
#include "tests/sim/faults.h"
#include "tests/sim/link.h"
#include "tests/unit/loop-virtual.h"

#define SEEDS 15u

static struct scenario *build(uint64_t seed)
{
	struct scenario *s = scenario_new(seed);

	scenario_build(s, timed_make_tree());
	timed_serve(s);
	return s;
}

static void lose(struct sim_port *port, unsigned percent)
{
	if (percent == 0)
		return;
	sim_fault_rates(port)->loss = percent * 10000;
	sim_fault_rates(port->far)->loss = percent * 10000;
}

static void print_median(uint64_t times[static SEEDS], const char *what, unsigned percent)
{
	timed_sort(times, SEEDS);
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
		times[i] = timed_until_active(s);
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
			times[n] = timed_until_active(s);
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
		lose(scenario_host(s, 10 + i * TIMED_HOSTS), 100);
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
		time = timed_until_active(s);
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
		timed_until_active(s);
		lose(host, 100);
		sim_cable_pull(host);
		scenario_run(s, LOOP_SEC);
		sim_cable_plug(host);
		scenario_run(s, 2 * LOOP_SEC);
		sim_fault_rates(host)->loss = sim_fault_rates(host->far)->loss = 0;
		times[i] = timed_until_active(s);
		scenario_free(s);
	}
	print_median(times, "and one was silent", 20);
	assert_in_range(times[SEEDS / 2], 0, 8000);
}

/* ---- what is never answered ------------------------------------------------------------------ */

#define TEN_MINUTES (600 * LOOP_SEC)

static bool others_are_active(const struct scenario *s, const struct sim_node *node)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i]->node != node && s->links[i]->far->node != node &&
		    (sim_state(s->links[i]) != SIM_ACTIVE ||
		     sim_state(s->links[i]->far) != SIM_ACTIVE))
			return false;
	return true;
}

/* Tries within ten minutes that nobody answers. */
static uint64_t in_vain(struct scenario *s)
{
	uint64_t before = transport_sim_counts(s->first.transport)->undelivered;

	scenario_run(s, TEN_MINUTES);
	return transport_sim_counts(s->first.transport)->undelivered - before;
}

/*
 * One kind of SMP at one device, be it a switch of the inside or a host: nobody else waits for it,
 * it is asked again and again, ever less often, and when it is answered at last all is good.
 */
static void what_is_never_answered_blocks_nobody_and_is_never_given_up(void **state)
{
	static const struct {
		const char *node;
		const char *attr;
		uint64_t most, most_later; /* in ten minutes, and in an hour when it is known */
	} rows[] = {
		{ "S9", "nodeinfo", 1300, 4000 }, /* by 16 cables */
		{ "S9", "switchinfo", 100, 500 }, { "S9", "portinfo", 100, 500 },
		{ "S9", "lft", 200, 400 },        { "H20", "nodeinfo", 100, 250 },
		{ "H20", "portinfo", 100, 500 },  { "H20", "pkeys", 50, 10 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scenario *s = build(1);
		const struct sim_node *node =
			rows[i].node[0] == 'S' ? s->switches[9] : s->hosts[20];
		uint64_t first, later;

		scenario_fault(s, "silent \"%s\" %s", rows[i].node, rows[i].attr);
		scenario_start_sm(s);
		scenario_run(s, 2 * LOOP_SEC);
		if (!others_are_active(s, node))
			scenario_fail(s, "others wait for %s", rows[i].node);
		first = in_vain(s);
		scenario_run(s, TEN_MINUTES);
		later = in_vain(s);
		for (unsigned n = 0; n < 5; n++)
			later += in_vain(s);
		print_message("# %s hears no %s: %" PRIu64 " tries in ten minutes, later %" PRIu64
			      " in an hour\n",
			      rows[i].node, rows[i].attr, first, later);
		assert_in_range(first, 1, rows[i].most);
		assert_in_range(later, 1, rows[i].most_later);
		scenario_clear_faults(s);
		scenario_run(s, 3700 * LOOP_SEC);
		scenario_settle(s);
		scenario_expect_all_good(s);
		scenario_free(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fabric_comes_up_whatever_our_own_cable_loses),
		cmocka_unit_test(a_fabric_comes_up_whatever_each_cable_loses),
		cmocka_unit_test(the_dead_cost_little),
		cmocka_unit_test(who_is_silent_for_a_while_is_back_soon),
		cmocka_unit_test(what_is_never_answered_blocks_nobody_and_is_never_given_up),
	};

	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
