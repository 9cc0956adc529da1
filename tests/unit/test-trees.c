/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast trees on fabrics of every shape, whole and damaged: a packet of any member reaches all
 * others once, and all trees together with the routes of unicast wait for each other in no circle.
 */

#include "tests/common/graphs.h"

#include "base/macros.h"
#include "routing/cycle.h"
#include "routing/past.h"
#include "routing/trees.h"
#include "routing/turns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS_MAX = 4096, NUMBERS = 40 };

struct forest {
	const struct graph *graph;
	struct tables tables;
	struct route_result result;
	struct turns turns;
	struct past past;
	uint64_t *keys;
	bool *passes;
	struct trees trees;
};

static void forest_make(struct forest *f, const struct graph *graph, const char *engine,
			uint32_t blocked)
{
	size_t n = graph->n_switches;

	*f = (struct forest){ .graph = graph };
	f->tables.stride = tables_stride(graph);
	f->tables.lft = malloc(f->tables.stride * n + 1);
	f->keys = calloc(n + 1, sizeof(*f->keys));
	f->passes = calloc(n + 1, sizeof(*f->passes));
	assert_true(f->tables.lft && f->keys && f->passes);
	for (uint32_t s = 0; s < n; s++) {
		f->keys[s] = 0x1000 + s;
		f->passes[s] = s != blocked;
	}
	assert_int_equal(route_fabric(engine, graph, &f->tables, &f->result, &f->turns, &f->past),
			 0);
	assert_int_equal(trees_make(&(struct trees_setup){ .graph = graph,
							   .keys = f->keys,
							   .passes = f->passes,
							   .ranking = past_ranking(&f->past),
							   .turns = &f->turns,
							   .up = f->result.lanes.up },
				    &f->trees),
			 0);
}

static void forest_done(struct forest *f)
{
	trees_clear(&f->trees);
	past_clear(&f->past);
	turns_clear(&f->turns);
	lanes_clear(&f->result.lanes);
	free(f->tables.lft);
	free(f->keys);
	free(f->passes);
}

/* ---- members ------------------------------------------------------------------------------------
 */

/* One end in @of, each of which receives but one in @sends. */
static uint32_t choose_members(const struct graph *graph, uint64_t *random, unsigned of,
			       unsigned sends, struct tree_member *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < graph->n_ends && n < MEMBERS_MAX; i++) {
		const struct end *end = &graph->ends[i];

		if (graph_random(random) % of != 0)
			continue;
		ret[n++] = (struct tree_member){ .at = end->at,
						 .port = end->port,
						 .receives = !sends ||
							     graph_random(random) % sends != 0 };
	}

	return n;
}

static bool has_exit(const struct tree *tree, uint32_t exit)
{
	for (uint32_t i = 0; i < tree->n; i++)
		if (tree->exit[i] == exit)
			return true;

	return false;
}

static const struct arc *arc_at(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return &graph->arcs[a];

	return NULL;
}

/* Copies of a packet that came to switch @s by @in; how often each (switch, port) gets one. */
static void spread(const struct graph *graph, const struct tree *tree, uint32_t s, unsigned in,
		   uint8_t *got, unsigned depth)
{
	assert_true(depth < 300);
	for (uint32_t i = 0; i < tree->n; i++) {
		const struct arc *arc;

		if (TREE_EXIT_SWITCH(tree->exit[i]) != s || TREE_EXIT_PORT(tree->exit[i]) == in)
			continue;
		arc = arc_at(graph, s, TREE_EXIT_PORT(tree->exit[i]));
		if (arc)
			spread(graph, tree, arc->to, arc->to_port, got, depth + 1);
		else
			got[tree->exit[i]]++;
	}
}

static void assert_all_reached(const struct forest *f, const struct tree_member *members,
			       uint32_t n, const struct tree *tree)
{
	uint8_t *got = malloc((size_t)f->graph->n_switches << 8);

	assert_non_null(got);
	for (uint32_t from = 0; from < n && tree->n > 0; from++) {
		if (!members[from].reached)
			continue;
		memset(got, 0, (size_t)f->graph->n_switches << 8);
		spread(f->graph, tree, members[from].at, members[from].port, got, 0);
		for (uint32_t to = 0; to < n; to++) {
			uint32_t exit = TREE_EXIT(members[to].at, members[to].port);
			bool is_due = to != from && members[to].reached && members[to].receives;

			assert_int_equal(got[exit], is_due);
			got[exit] = 0;
		}
		for (size_t i = 0; i < (size_t)f->graph->n_switches << 8; i++)
			assert_int_equal(got[i], 0);
	}
	free(got);
}

static void add_turns(const struct graph *graph, const struct tree *tree, const struct turns *turns)
{
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (!has_exit(tree, TREE_EXIT(s, graph->arcs[a].port)))
				continue;
			for (uint32_t b = graph->arc_first[to]; b < graph->arc_first[to + 1]; b++)
				if (graph->arcs[b].port != graph->arcs[a].to_port &&
				    has_exit(tree, TREE_EXIT(to, graph->arcs[b].port)))
					turns_put(turns, a, b - graph->arc_first[to]);
		}
}

static void assert_no_circle(const struct forest *f)
{
	struct cycle cycle;

	assert_int_equal(cycle_find(f->graph, f->turns.bits, f->turns.words, NULL, &cycle), 0);
	assert_int_equal(cycle.length, 0);
}

static uint32_t drop_switches(struct tree_member *members, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (members[i].port != 0)
			members[kept++] = members[i];

	return kept;
}

/* Groups of all sizes; all their turns are put to those of unicast. */
#define NOBODY UINT32_MAX

static void try_graph(const struct graph *graph, const char *engine, uint32_t blocked, bool whole,
		      bool switches)
{
	struct tree_member *members = calloc(MEMBERS_MAX, sizeof(*members));
	uint64_t random = 5;
	struct forest f;

	assert_non_null(members);
	forest_make(&f, graph, engine, blocked);
	for (uint32_t number = 0; number < NUMBERS; number++) {
		uint32_t n = choose_members(f.graph, &random, 1 + number % 10, number % 4, members);
		struct tree tree;

		if (!switches)
			n = drop_switches(members, n);
		assert_int_equal(trees_grow(&f.trees, number, members, n, &tree), 0);
		for (uint32_t i = 0; whole && i < n; i++)
			assert_int_equal(members[i].reached, members[i].at != blocked);
		assert_all_reached(&f, members, n, &tree);
		if (f.graph->n_arcs > 0)
			add_turns(f.graph, &tree, &f.turns);
		free(tree.exit);
	}
	assert_true(trees_are_proven(&f.trees));
	if (f.graph->n_arcs > 0)
		assert_no_circle(&f);
	forest_done(&f);
	free(members);
}

static void try_ends(struct made_graph *made, const char *engine, uint32_t blocked, bool whole,
		     bool switches)
{
	try_graph(graph_of(made), engine, blocked, whole, switches);
	graph_free(made);
}

static void try_fabric(struct made_graph *made, const char *engine, uint32_t blocked, bool whole)
{
	try_ends(made, engine, blocked, whole, true);
}

/* ---- tests --------------------------------------------------------------------------------------
 */

enum { N_SHAPES = 11 };

static struct made_graph *make_shape(unsigned n)
{
	switch (n) {
	case 0:
		return graph_make_single(5);
	case 1:
		return graph_make_star(7, 3);
	case 2:
		return graph_make_line(60, 1);
	case 3:
		return graph_make_ring(7, 2);
	case 4:
		return graph_make_ft2(8);
	case 5:
		return graph_make_ft3(8, 8);
	case 6:
		return graph_make_ft3(8, 2);
	case 7:
		return graph_make_torus(4, 5, 3, 2);
	case 8:
		return graph_make_dragonfly(4, 2, 2);
	case 9:
		return graph_make_hyperx(4, 3, 2);
	case 10:
		return graph_make_random(40, 4, 2, 7);
	default:
		return NULL;
	}
}

static void every_member_reaches_all_others_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SHAPES; i++)
		try_fabric(make_shape(i), "auto", NOBODY, true);
}

static void they_do_with_any_engine(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SHAPES; i++)
		try_fabric(make_shape(i), "updn", NOBODY, true);
	try_fabric(graph_make_ft3(8, 8), "minhop", NOBODY, true);
	try_fabric(graph_make_hyperx(1, 6, 2), "minhop", NOBODY, true);
}

static void they_do_beside_unicast_on_several_lanes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SHAPES; i++) {
		struct made_graph *made = make_shape(i);
		struct made_graph *damaged = make_shape(i);

		graph_set_lanes(made, LANES_MAX);
		try_fabric(made, "lanes", NOBODY, true);
		graph_remove_links(damaged, 2 + i, 3);
		graph_set_lanes(damaged, LANES_MAX);
		try_fabric(damaged, "lanes", NOBODY, false);
	}
}

static void they_do_on_damaged_fabrics(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SHAPES; i++)
		for (unsigned seed = 1; seed <= 6; seed++) {
			struct made_graph *made = make_shape(i);

			graph_multiply_cables(made, 1 + seed % 2);
			graph_remove_links(made, seed * seed, seed);
			graph_shuffle_order(made, seed);
			try_fabric(made, "auto", NOBODY, false);
		}
}

static void those_around_a_switch_without_multicast_are_reached(void **state)
{
	(void)state;
	for (unsigned i = 4; i < N_SHAPES; i++)
		for (uint32_t s = 0; s < 12; s++)
			try_fabric(make_shape(i), "auto", s, false);
}

/* As exits of @a that @b has not. */
static uint32_t n_lost(const struct tree *a, const struct tree *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n; i++)
		n += !has_exit(b, a->exit[i]);

	return n;
}

/* Whatever is damaged: what has too little room on one lane has two. */
static void with_lanes_enough_there_is_always_room(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_SHAPES; i++) {
		for (unsigned seed = 0; seed < 12; seed++) {
			struct made_graph *made = make_shape(i);

			graph_remove_links(made, seed, seed);
			graph_shuffle_order(made, seed);
			graph_set_lanes(made, LANES_MAX);
			try_fabric(made, "auto", NOBODY, false);
		}
	}
	for (unsigned seed = 0; seed < 60; seed++) {
		struct made_graph *made = graph_make_torus(4, 2, 1, 2);

		graph_remove_links(made, 1 + seed % 3, seed);
		graph_shuffle_order(made, seed);
		graph_set_lanes(made, LANES_MAX);
		try_fabric(made, "auto", NOBODY, false);
	}
}

/* Or, on a lane that unicast uses too, those on one side of it. */
static void nobody_waits_around_a_switch_without_multicast(void **state)
{
	(void)state;
	for (unsigned i = 7; i < N_SHAPES; i++) {
		for (uint32_t s = 0; s < 40; s++) {
			struct made_graph *made = make_shape(i);

			graph_set_lanes(made, LANES_MAX);
			if (s < graph_of(made)->n_switches)
				try_fabric(made, "lanes", s, false);
			else
				graph_free(made);
		}
	}
}

/* Of which unicast knows: @mute, [switch], is all false before and after. */
static void try_around(const struct graph *graph, const char *engine, bool *mute, uint32_t s)
{
	struct graph known = *graph;

	known.mute = mute;
	mute[s] = true;
	try_graph(&known, engine, s, true, true);
	mute[s] = false;
}

static void on_several_lanes_all_are_reached_around_a_switch_without_multicast(void **state)
{
	(void)state;
	for (unsigned i = 3; i < N_SHAPES; i++) {
		AUTO(graph_freep) struct made_graph *made = make_shape(i);
		bool mute[128] = { false };

		if (i > 3 && i < 7)
			continue;
		graph_set_lanes(made, LANES_MAX);
		for (uint32_t s = i % 3; s < graph_of(made)->n_switches; s += i < 7 ? 1 : 3)
			try_around(graph_of(made), "lanes", mute, s);
	}
}

static void assert_hosts_are_reached(const struct graph *graph, uint32_t blocked)
{
	struct forest f;

	forest_make(&f, graph, "auto", blocked);
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].kind == END_HOST && graph->ends[e].at != blocked)
			assert_true(trees_all_reach(&f.trees, graph->ends[e].at));
	forest_done(&f);
}

/* Whether it is a leaf or a spine, and whether unicast knows of it or not; by all trees. */
static void in_a_tree_all_hosts_are_reached_around_a_switch_without_multicast(void **state)
{
	(void)state;
	for (unsigned i = 4; i < 7; i++) {
		AUTO(graph_freep) struct made_graph *made = make_shape(i);
		struct graph known = *graph_of(made);
		bool mute[128] = { false };

		known.mute = mute;
		for (uint32_t s = 0; s < known.n_switches; s++) {
			assert_hosts_are_reached(&known, s);
			mute[s] = true;
			assert_hosts_are_reached(&known, s);
			if (i != 5)
				try_graph(&known, "auto", s, false, true);
			mute[s] = false;
		}
	}
}

/* A leaf that all others meet at, if it may: it is none of the way of others. */
static void in_a_damaged_tree_they_are_around_a_leaf_of_which_unicast_knows(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		AUTO(graph_freep) struct made_graph *made = make_shape(4);
		bool mute[128] = { false };
		struct graph known;

		graph_remove_links(made, 10, seed);
		known = *graph_of(made);
		known.mute = mute;
		for (uint32_t s = 0; s < 8; s++) {
			mute[s] = true;
			assert_hosts_are_reached(&known, s);
			try_graph(&known, "auto", s, false, true);
			mute[s] = false;
		}
	}
}

/* A ring, in which switch 0 is to be blocked, and some cables more; two more switches behind it. */
static struct made_graph *make_ring_with_two_behind(uint64_t seed)
{
	struct made_graph *made = graph_make_ring(4, 1);
	uint64_t random = seed;

	for (uint64_t i = seed % 4; i > 0; i--) {
		uint32_t a = (uint32_t)(graph_random(&random) % 4);

		graph_add_cable(made, a, (a + 1 + (uint32_t)(graph_random(&random) % 3)) % 4);
	}
	for (uint32_t s = 4; s < 6; s++) {
		graph_add_switch(made);
		graph_add_cable(made, s == 4 ? 0 : 4, s);
		graph_add_hosts(made, s, 1);
	}
	graph_shuffle_order(made, seed);
	graph_set_lanes(made, LANES_MAX);

	return made;
}

/* Though an order that has switch 0 on top, or who is opposite, has trees that come to some. */
static void trees_come_to_both_sides_of_a_switch_without_multicast(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		AUTO(graph_freep) struct made_graph *made = make_ring_with_two_behind(seed);
		struct forest f;

		forest_make(&f, graph_of(made), "lanes", 0);
		assert_true(trees_are_proven(&f.trees));
		for (uint32_t s = 1; s < 4; s++)
			assert_true(trees_reach(&f.trees, 1, s));
		forest_done(&f);
	}
}

/* Who is away blocks nobody. */
static void a_switch_that_is_away_leaves_the_one_tree(void **state)
{
	(void)state;
	for (unsigned i = 7; i < N_SHAPES; i++) {
		for (uint32_t s = 0; s < 10; s++) {
			struct made_graph *made = make_shape(i);

			graph_set_away(made, s, true);
			graph_set_lanes(made, LANES_MAX);
			try_fabric(made, "lanes", s, false);
		}
	}
}

/* Some cables more, and hosts on few switches. */
static struct made_graph *make_ring_with_few_hosts(uint64_t seed)
{
	struct made_graph *made = graph_make_empty();
	uint64_t random = seed;
	uint32_t n = 5 + (uint32_t)(graph_random(&random) % 5);
	uint64_t few = 1 + graph_random(&random) % 4;

	for (uint32_t s = 0; s < n; s++)
		graph_add_switch(made);
	for (uint32_t s = 0; s < n; s++)
		graph_add_cable(made, s, (s + 1) % n);
	for (uint64_t i = graph_random(&random) % 4; i > 0; i--) {
		uint32_t a = (uint32_t)(graph_random(&random) % n);

		graph_add_cable(made, a, (a + 1 + (uint32_t)(graph_random(&random) % (n - 1))) % n);
	}
	graph_add_hosts(made, 0, 1);
	for (uint32_t s = 1; s < n; s++)
		if (graph_random(&random) % few == 0)
			graph_add_hosts(made, s, 1);
	graph_shuffle_order(made, seed);

	return made;
}

/* On one lane. Shortest ways that leave no room at all are not taken. */
static void turns_that_only_switches_could_take_leave_room(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint32_t s = (uint32_t)(seed % 5);

		try_ends(make_ring_with_few_hosts(seed), "auto", NOBODY, true, false);
		try_ends(make_ring_with_few_hosts(seed), "lanes", NOBODY, true, false);
		try_ends(make_ring_with_few_hosts(seed), "auto", s, false, false);
	}
}

static void who_joins_adds_a_branch_and_takes_none(void **state)
{
	struct tree_member members[200];
	struct made_graph *made = graph_make_ft3(8, 8);
	struct forest f;

	(void)state;
	forest_make(&f, graph_of(made), "auto", NOBODY);
	for (uint32_t number = 0; number < NUMBERS; number++) {
		struct tree before = { 0 };
		uint32_t n = 0;

		for (uint32_t i = number % 7; i < f.graph->n_ends; i += 9) {
			struct tree tree;

			if (f.graph->ends[i].kind != END_HOST)
				continue;
			members[n++] = (struct tree_member){ .at = f.graph->ends[i].at,
							     .port = f.graph->ends[i].port,
							     .receives = true };
			assert_int_equal(trees_grow(&f.trees, number, members, n, &tree), 0);
			assert_int_equal(n_lost(&before, &tree), 0);
			assert_true(tree.n <= before.n + 12);
			assert_int_equal(trees_mix(&f.trees, &before, &tree), 1);
			free(before.exit);
			before = tree;
		}
		free(before.exit);
	}
	forest_done(&f);
	graph_free(made);
}

static void grow_all(struct made_graph *made, struct tree ret[static NUMBERS], struct forest *f,
		     bool keep)
{
	struct tree_member *members = calloc(MEMBERS_MAX, sizeof(*members));

	assert_non_null(members);
	forest_make(f, graph_of(made), "auto", NOBODY);
	for (uint32_t number = 0; number < NUMBERS; number++) {
		uint64_t random = number;
		uint32_t n = choose_members(f->graph, &random, 12, 0, members);

		assert_int_equal(trees_grow(&f->trees, number, members, n, &ret[number]), 0);
	}
	if (!keep)
		forest_done(f);
	free(members);
}

static bool is_same(const struct tree *a, const struct tree *b)
{
	return a->n == b->n && (a->n == 0 || !memcmp(a->exit, b->exit, a->n * sizeof(*a->exit)));
}

/* Switches 32 to 63 are in the middle, 64 to 79 are cores. */
static void a_lost_cable_changes_the_trees_that_use_it(void **state)
{
	struct made_graph *made = graph_make_ft3(8, 8);
	struct tree before[NUMBERS], after[NUMBERS];
	struct forest f;
	unsigned n_moved = 0, n_used = 0;
	struct arc arc;
	uint32_t from = 40;

	(void)state;
	grow_all(made, before, &f, true);
	arc = f.graph->arcs[f.graph->arc_first[from + 1] - 1];
	forest_done(&f);
	graph_remove_cable(made, from, arc.to);
	grow_all(made, after, &f, false);
	for (unsigned i = 0; i < NUMBERS; i++) {
		bool used = has_exit(&before[i], TREE_EXIT(from, arc.port)) ||
			    has_exit(&before[i], TREE_EXIT(arc.to, arc.to_port));

		n_used += used;
		n_moved += !is_same(&before[i], &after[i]);
		if (!used)
			assert_true(is_same(&before[i], &after[i]));
	}
	assert_true(n_used > 0 && n_moved == n_used && n_used < NUMBERS / 2);
	for (unsigned i = 0; i < NUMBERS; i++) {
		free(before[i].exit);
		free(after[i].exit);
	}
	graph_free(made);
}

static void trees_spread_over_the_cores(void **state)
{
	struct made_graph *made = graph_make_ft3(8, 8);
	struct tree_member *members = calloc(MEMBERS_MAX, sizeof(*members));
	unsigned used[80] = { 0 };
	struct forest f;
	uint32_t n = 0;

	(void)state;
	assert_non_null(members);
	forest_make(&f, graph_of(made), "auto", NOBODY);
	for (uint32_t i = 0; i < f.graph->n_ends; i++)
		if (f.graph->ends[i].kind == END_HOST)
			members[n++] = (struct tree_member){ .at = f.graph->ends[i].at,
							     .port = f.graph->ends[i].port,
							     .receives = true };
	for (uint32_t number = 0; number < 1600; number++) {
		bool is_core[80] = { false };
		struct tree tree;

		assert_int_equal(trees_grow(&f.trees, number, members, n, &tree), 0);
		for (uint32_t i = 0; i < tree.n; i++)
			is_core[TREE_EXIT_SWITCH(tree.exit[i])] = true;
		for (unsigned s = 64; s < 80; s++)
			used[s] += is_core[s];
		free(tree.exit);
	}
	/* One core for each tree. */
	for (unsigned s = 64; s < 80; s++)
		assert_in_range(used[s], 60, 145);
	free(members);
	forest_done(&f);
	graph_free(made);
}

static void trees_that_close_a_circle_do_not_mix(void **state)
{
	struct made_graph *made = graph_make_ring(4, 1);
	struct forest f;
	/* Port 1 leads clockwise, port 2 back: one way round from 0 to 2, and the other. */
	uint32_t a[] = { TREE_EXIT(0, 1), TREE_EXIT(1, 1), TREE_EXIT(1, 2), TREE_EXIT(2, 2) };
	uint32_t b[] = { TREE_EXIT(0, 2), TREE_EXIT(2, 1), TREE_EXIT(3, 1), TREE_EXIT(3, 2) };
	struct tree one = { a, COUNT(a) }, other = { b, COUNT(b) }, none = { 0 };

	(void)state;
	forest_make(&f, graph_of(made), "auto", NOBODY);
	assert_int_equal(trees_mix(&f.trees, &one, &other), 0);
	assert_int_equal(trees_mix(&f.trees, &one, &one), 1);
	assert_int_equal(trees_mix(&f.trees, &one, &none), 1);
	/* Half of the way back is no circle. */
	other.n = 1;
	assert_int_equal(trees_mix(&f.trees, &one, &other), 1);
	forest_done(&f);
	graph_free(made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_reaches_all_others_once),
		cmocka_unit_test(they_do_with_any_engine),
		cmocka_unit_test(they_do_beside_unicast_on_several_lanes),
		cmocka_unit_test(they_do_on_damaged_fabrics),
		cmocka_unit_test(those_around_a_switch_without_multicast_are_reached),
		cmocka_unit_test(with_lanes_enough_there_is_always_room),
		cmocka_unit_test(nobody_waits_around_a_switch_without_multicast),
		cmocka_unit_test(
			on_several_lanes_all_are_reached_around_a_switch_without_multicast),
		cmocka_unit_test(in_a_tree_all_hosts_are_reached_around_a_switch_without_multicast),
		cmocka_unit_test(in_a_damaged_tree_they_are_around_a_leaf_of_which_unicast_knows),
		cmocka_unit_test(trees_come_to_both_sides_of_a_switch_without_multicast),
		cmocka_unit_test(a_switch_that_is_away_leaves_the_one_tree),
		cmocka_unit_test(turns_that_only_switches_could_take_leave_room),
		cmocka_unit_test(who_joins_adds_a_branch_and_takes_none),
		cmocka_unit_test(a_lost_cable_changes_the_trees_that_use_it),
		cmocka_unit_test(trees_spread_over_the_cores),
		cmocka_unit_test(trees_that_close_a_circle_do_not_mix),
	};

	return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
