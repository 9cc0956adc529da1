/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Trees that lose cables: only what used a lost cable may take another way, and a cable that is
 * back has back what it had. What moves is spread over what is left.
 */

#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Whole, and the same with cables less. */
struct pair {
	struct made_graph *whole, *damaged;
	struct tables before, after;
};

static struct made_graph *two_levels(void)
{
	return graph_make_ft2(12);
}

static struct made_graph *three_levels(void)
{
	return graph_make_ft3(8, 8);
}

static struct made_graph *parallel_cables(void)
{
	return graph_make_ft3(8, 4);
}

static struct made_graph *(*const trees[])(void) = { two_levels, three_levels, parallel_cables };

static struct tables route(const struct graph *graph)
{
	struct tables tables = plain_tables_rubbish(graph);
	const char *why;

	assert_int_equal(engine_ftree.route(graph, &tables, &why, NULL), 0);

	return tables;
}

static struct pair make_pair(struct made_graph *(*tree)(void), unsigned n_lost, uint64_t seed)
{
	struct pair pair = { .whole = tree(), .damaged = tree() };

	graph_shuffle_lids(pair.whole, seed);
	graph_shuffle_lids(pair.damaged, seed);
	graph_remove_links(pair.damaged, n_lost, seed);
	pair.before = route(graph_of(pair.whole));
	pair.after = route(graph_of(pair.damaged));

	return pair;
}

static void clear_pair(const struct pair *pair)
{
	graph_free(pair->whole);
	graph_free(pair->damaged);
	free(pair->before.lft);
	free(pair->after.lft);
}

static uint8_t entry(const struct tables *tables, uint32_t s, unsigned lid)
{
	return tables->lft[s * tables->stride + lid];
}

/* The arc out of @port of @s, or NULL. */
static const struct arc *arc_at(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return &graph->arcs[a];

	return NULL;
}

static bool joins(const struct arc *arc, uint32_t from, uint32_t a, uint32_t b)
{
	return (from == a && arc->to == b) || (from == b && arc->to == a);
}

static unsigned count_cables(const struct graph *graph, uint32_t a, uint32_t b)
{
	unsigned n = 0;

	for (uint32_t i = graph->arc_first[a]; i < graph->arc_first[a + 1]; i++)
		n += joins(&graph->arcs[i], a, a, b);

	return n;
}

/*
 * Does the way from @s to @lid, as it was, cross from one switch to another between which a cable
 * is gone? Of parallel ones, it is not known which is the first.
 */
static bool used_lost(const struct pair *pair, uint32_t s, unsigned lid)
{
	const struct graph *whole = graph_of(pair->whole);
	const struct graph *damaged = graph_of(pair->damaged);
	const struct arc *arc;

	while ((arc = arc_at(whole, s, entry(&pair->before, s, lid)))) {
		if (count_cables(whole, s, arc->to) != count_cables(damaged, s, arc->to))
			return true;
		s = arc->to;
	}

	return false;
}

static unsigned count_moved(const struct pair *pair)
{
	const struct graph *graph = graph_of(pair->whole);
	unsigned n = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t e = 0; e < graph->n_ends; e++) {
			unsigned lid = graph->ends[e].lid;

			if (graph->ends[e].kind != END_HOST ||
			    entry(&pair->before, s, lid) == entry(&pair->after, s, lid))
				continue;
			n++;
			assert_true(used_lost(pair, s, lid));
		}
	}

	return n;
}

static void lost_cables_move_only_what_used_them(void **state)
{
	(void)state;
	for (size_t t = 0; t < COUNT(trees); t++) {
		for (unsigned n_lost = 1; n_lost <= 3; n_lost++) {
			for (uint64_t seed = 1; seed <= 20; seed++) {
				AUTO(clear_pair)
				struct pair pair = make_pair(trees[t], n_lost, seed);

				assert_true(count_moved(&pair) > 0);
			}
		}
	}
}

/* Entries for switches too, which hosts seldom talk to. */
static unsigned count_changed(const struct pair *pair)
{
	const struct graph *graph = graph_of(pair->whole);
	unsigned n = 0;

	for (size_t i = 0; i < graph->n_switches * pair->before.stride; i++)
		n += pair->before.lft[i] != pair->after.lft[i];

	return n;
}

static unsigned count_changed_by(uint32_t a, uint32_t b)
{
	AUTO(clear_pair)
	struct pair pair = {
		.whole = graph_make_ft3(12, 12),
		.damaged = graph_make_ft3(12, 12),
	};

	graph_remove_cable(pair.damaged, a, b);
	pair.before = route(graph_of(pair.whole));
	pair.after = route(graph_of(pair.damaged));

	return count_changed(&pair);
}

/* The LID of a switch itself. */
static uint16_t lid_of(const struct graph *graph, uint32_t s)
{
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].at == s && graph->ends[e].kind == END_SWITCH)
			return graph->ends[e].lid;
	fail();

	return 0;
}

/*
 * 32 leaves, 32 middle switches, 16 cores of 4 planes. A core that has lost its cable to the first
 * pod has a way around to other planes, and middle switches go on sending there by it; all but that
 * of the last pod, which is the way around.
 */
static void spines_go_on_by_a_core_with_a_longer_way(void **state)
{
	AUTO(clear_pair)
	struct pair pair = { .whole = graph_make_ft3(8, 8), .damaged = graph_make_ft3(8, 8) };
	const struct graph *graph = graph_of(pair.whole);

	(void)state;
	graph_remove_cable(pair.damaged, 32, 65);
	pair.before = route(graph);
	pair.after = route(graph_of(pair.damaged));
	for (uint32_t middle = 36; middle < 60; middle += 4)
		for (uint32_t to = 32; to < graph->n_switches; to++) {
			uint32_t plane = to < 64 ? to % 4 : (to - 64) / 4;
			uint16_t lid = lid_of(graph, to);

			if (plane != 0)
				assert_int_equal(entry(&pair.before, middle, lid),
						 entry(&pair.after, middle, lid));
		}
}

/* Is @lid reached from everywhere else as one of the hosts of @leaf is? */
static bool goes_with_a_host(const struct graph *graph, const struct tables *tables, uint32_t leaf,
			     uint16_t lid)
{
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];
		uint32_t s = 0;

		if (end->at != leaf || end->kind != END_HOST)
			continue;
		while (s < graph->n_switches &&
		       (s == leaf || entry(tables, s, lid) == entry(tables, s, end->lid)))
			s++;
		if (s == graph->n_switches)
			return true;
	}

	return false;
}

static void a_leaf_goes_with_a_host_of_its_block(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(4, 4);
	const struct graph *graph = graph_of(made);
	AUTO(plain_tables_clear) struct tables tables = route(graph);

	(void)state;
	assert_true(graph->max_lid < 64);
	for (uint32_t leaf = 0; leaf < 8; leaf++)
		assert_true(goes_with_a_host(graph, &tables, leaf, lid_of(graph, leaf)));
}

/* So that a plane that is lost to it costs some of the others a block, and not all. */
static void a_leaf_of_another_block_is_reached_by_all_planes(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);
	const struct graph *graph = graph_of(made);
	AUTO(plain_tables_clear) struct tables tables = route(graph);

	(void)state;
	for (uint32_t leaf = 4; leaf < 31; leaf++) {
		uint16_t lid = lid_of(graph, leaf);
		unsigned planes = 0;

		assert_true(lid / 64 > (4 * leaf + 4) / 64);
		for (uint32_t s = 0; s < 32; s += 4)
			if (s / 4 != leaf / 4)
				planes |= 1U << entry(&tables, s, lid);
		assert_int_equal(__builtin_popcount(planes), 4);
	}
}

/* 72 leaves, 72 middle switches, 36 cores. Though the first leaf is the top of all; see apex.c. */
static void a_cable_of_the_first_pod_costs_no_more_than_another(void **state)
{
	unsigned first = count_changed_by(72, 144), second = count_changed_by(78, 144);

	(void)state;
	assert_true(second > 0);
	assert_true(first <= 3 * second);
}

/* All that it carries more are ways from spines to those of one plane, and back. */
static void a_cable_of_the_first_leaf_costs_no_more_than_another(void **state)
{
	(void)state;
	for (uint32_t plane = 0; plane < 6; plane++) {
		unsigned first = count_changed_by(0, 72 + plane);
		unsigned second = count_changed_by(6, 78 + plane);

		assert_true(second > 0);
		assert_true(first <= 2 * second);
	}
}

/* ---- how evenly ---------------------------------------------------------------------------------
 */

/* All hosts send to the one @shift further: the most that any cable carries. */
static unsigned congestion(const struct graph *graph, const struct tables *tables, uint32_t shift)
{
	AUTO(freep) unsigned *load = calloc(graph->n_switches * (size_t)256, sizeof(*load));
	AUTO(freep) uint32_t *hosts = calloc(graph->n_ends, sizeof(*hosts));
	uint32_t n = 0;
	unsigned most = 0;

	assert_true(load && hosts);
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].kind == END_HOST)
			hosts[n++] = e;
	for (uint32_t h = 0; h < n; h++) {
		const struct end *to = &graph->ends[hosts[(h + shift) % n]];
		uint32_t s = graph->ends[hosts[h]].at;
		const struct arc *arc;

		while (s != to->at && (arc = arc_at(graph, s, entry(tables, s, to->lid)))) {
			unsigned *carried = &load[s * 256 + arc->port];

			++*carried;
			most = MAX(most, *carried);
			s = arc->to;
		}
		assert_int_equal(s, to->at);
	}

	return most;
}

static unsigned worst_congestion(const struct graph *graph, const struct tables *tables)
{
	unsigned worst = 0;

	for (uint32_t shift = 1; shift < 128; shift++)
		worst = MAX(worst, congestion(graph, tables, shift));

	return worst;
}

static void every_shift_has_a_cable_for_each_and_two_share_when_one_is_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		AUTO(clear_pair) struct pair pair = make_pair(three_levels, 1, seed);

		assert_int_equal(worst_congestion(graph_of(pair.whole), &pair.before), 1);
		assert_int_equal(worst_congestion(graph_of(pair.damaged), &pair.after), 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_cables_move_only_what_used_them),
		cmocka_unit_test(spines_go_on_by_a_core_with_a_longer_way),
		cmocka_unit_test(a_leaf_goes_with_a_host_of_its_block),
		cmocka_unit_test(a_leaf_of_another_block_is_reached_by_all_planes),
		cmocka_unit_test(a_cable_of_the_first_pod_costs_no_more_than_another),
		cmocka_unit_test(a_cable_of_the_first_leaf_costs_no_more_than_another),
		cmocka_unit_test(every_shift_has_a_cable_for_each_and_two_share_when_one_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
