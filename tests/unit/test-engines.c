/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Engines on fabrics of every shape, whole and damaged: what they promise on all of them (the proof
 * is the judge), and how evenly and how shortly they route on those where it can be said.
 */

#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"
#include "routing/rank.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct shape {
	const char *name;
	struct made_graph *(*make)(void);
	bool tree;
	bool low; /* no channel adapter sits above leaves, so shortest ways go up once, then down */
};

/* ---- shapes -------------------------------------------------------------------------------------
 */

static struct made_graph *make_nothing(void)
{
	return graph_make_empty();
}

static struct made_graph *make_single(void)
{
	return graph_make_single(5);
}

static struct made_graph *make_bare_switch(void)
{
	return graph_make_single(0);
}

static struct made_graph *make_star(void)
{
	return graph_make_star(7, 3);
}

static struct made_graph *make_line(void)
{
	return graph_make_line(60, 1);
}

static struct made_graph *make_ring(void)
{
	return graph_make_ring(7, 2);
}

static struct made_graph *make_tree2(void)
{
	return graph_make_ft2(8);
}

static struct made_graph *make_tree3(void)
{
	return graph_make_ft3(8, 8);
}

static struct made_graph *make_tree3_of_few_pods(void)
{
	return graph_make_ft3(8, 2);
}

static struct made_graph *make_two_trees(void)
{
	return graph_make_two_trees(6);
}

static struct made_graph *make_tree3_with_aggregation(void)
{
	struct made_graph *made = graph_make_ft3(8, 4);

	graph_add_aggregation(made);
	return made;
}

static struct made_graph *make_tree3_with_hosts_on_spines(void)
{
	struct made_graph *made = graph_make_ft3(8, 8);

	graph_add_hosts_on_spines(made, 1);
	return made;
}

static struct made_graph *make_torus(void)
{
	return graph_make_torus(4, 5, 3, 2);
}

static struct made_graph *make_dragonfly(void)
{
	return graph_make_dragonfly(4, 2, 2);
}

static struct made_graph *make_hyperx(void)
{
	return graph_make_hyperx(4, 3, 2);
}

static struct made_graph *make_random(void)
{
	return graph_make_random(40, 4, 2, 7);
}

static struct made_graph *make_tree_of_switches(void)
{
	struct made_graph *made = graph_make_empty();

	for (uint32_t s = 0; s < 15; s++)
		graph_add_switch(made);
	for (uint32_t s = 1; s < 15; s++)
		graph_add_cable(made, s, (s - 1) / 2);
	return made;
}

static const struct shape shapes[] = {
	{ "nothing", make_nothing, true, true },
	{ "single", make_single, true, true },
	{ "bare switch", make_bare_switch, true, true },
	{ "star", make_star, true, true },
	{ "line", make_line, true, true },
	{ "ring", make_ring, false, false },
	{ "two levels", make_tree2, true, true },
	{ "three levels", make_tree3, true, true },
	{ "three levels, two pods", make_tree3_of_few_pods, true, true },
	{ "two trees", make_two_trees, true, true },
	{ "aggregation nodes", make_tree3_with_aggregation, true, false },
	{ "hosts on spines", make_tree3_with_hosts_on_spines, true, false },
	{ "torus", make_torus, false, false },
	{ "dragonfly", make_dragonfly, false, false },
	{ "hyperx", make_hyperx, false, false },
	{ "random", make_random, false, false },
	{ "no hosts", make_tree_of_switches, true, true },
};

/* ---- routing ------------------------------------------------------------------------------------
 */

static void tables_freep(struct tables *tables)
{
	free(tables->lft);
}

static struct tables route(const struct engine *engine, const struct graph *graph)
{
	struct tables tables = plain_tables_rubbish(graph);
	const char *why = NULL;

	assert_int_equal(engine->route(graph, &tables, &why, NULL), 0);
	return tables;
}

/* Those whose packets share a lane, whatever the fabric has; of lanes: test-lanes.c. */
static const struct engine *const one_lane[] = { &engine_minhop, &engine_updn, &engine_ftree,
						 NULL };

/* ftree refuses what is no tree. */
static bool takes(const struct engine *engine, const struct graph *graph)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };

	assert_int_equal(ranking_make(graph, &ranking), 0);
	return engine != &engine_ftree || ranking.tree;
}

static struct proof prove(const struct graph *graph, const struct tables *tables)
{
	struct proof proof;

	assert_int_equal(proof_check(graph, tables, &proof, NULL), 0);
	return proof;
}

static void assert_updn_holds(const char *name, const struct graph *graph)
{
	AUTO(tables_freep) struct tables tables = route(&engine_updn, graph);
	struct proof proof = prove(graph, &tables);

	if (!proof_holds(&proof))
		fail_msg("%s: complete %d, loop free %d, deadlock free %d", name, proof.complete,
			 proof.loop_free, proof.deadlock_free);
}

static void assert_minhop_reaches_all(const char *name, const struct graph *graph)
{
	AUTO(tables_freep) struct tables tables = route(&engine_minhop, graph);
	struct proof proof = prove(graph, &tables);

	if (!proof.complete || !proof.loop_free)
		fail_msg("%s: complete %d, loop free %d", name, proof.complete, proof.loop_free);
}

/* The switch at the far end of @port, or UINT32_MAX. */
static uint32_t follow(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return graph->arcs[a].to;
	return UINT32_MAX;
}

static uint8_t exit_of(const struct tables *tables, uint32_t s, uint16_t lid)
{
	return tables->lft[s * tables->stride + lid];
}

/* The number of cables from @s to @end. */
static unsigned count_hops(const struct graph *graph, const struct tables *tables, uint32_t s,
			   const struct end *end)
{
	unsigned hops = 0;

	while (s != end->at) {
		s = follow(graph, s, exit_of(tables, s, end->lid));
		assert_true(s < graph->n_switches);
		hops++;
	}
	return hops;
}

static const struct end *find_end(const struct graph *graph, uint32_t at, enum end_kind kind,
				  uint32_t n)
{
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].at == at && graph->ends[e].kind == kind && !n--)
			return &graph->ends[e];
	fail_msg("no such end");
	return NULL;
}

/* ---- on all shapes ------------------------------------------------------------------------------
 */

static void updn_holds_on_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();

		assert_updn_holds(shapes[i].name, graph_of(made));
		graph_shuffle_lids(made, i);
		graph_shuffle_order(made, i + 1);
		assert_updn_holds(shapes[i].name, graph_of(made));
		graph_set_lmc(made, 2);
		assert_updn_holds(shapes[i].name, graph_of(made));
	}
}

static void updn_holds_on_every_shape_with_cables_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (unsigned seed = 0; seed < 12; seed++) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();

			graph_shuffle_order(made, seed);
			graph_remove_links(made, 1 + seed, seed);
			assert_updn_holds(shapes[i].name, graph_of(made));
			assert_minhop_reaches_all(shapes[i].name, graph_of(made));
		}
	}
}

static void updn_holds_on_every_tree_with_switches_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (unsigned seed = 0; shapes[i].tree && seed < 12; seed++) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();

			graph_shuffle_order(made, seed);
			if (graph_of(made)->n_switches > 2)
				graph_remove_switches(made, 1 + seed / 4, seed);
			assert_updn_holds(shapes[i].name, graph_of(made));
		}
	}
}

static void updn_holds_whatever_the_roots_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint32_t root = 0; root < 20; root++) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();
			uint32_t n = graph_of(made)->n_switches;
			const uint32_t roots[] = { root % MAX(n, 1), (root * 3 + 1) % MAX(n, 1) };

			graph_set_roots(made, roots, n ? 1 + root % 2 : 0);
			assert_updn_holds(shapes[i].name, graph_of(made));
		}
	}
}

static void minhop_reaches_all_on_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();

		graph_shuffle_lids(made, i);
		graph_shuffle_order(made, i);
		assert_minhop_reaches_all(shapes[i].name, graph_of(made));
	}
}

static void minhop_holds_on_trees_with_hosts_on_leaves(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();
		AUTO(tables_freep)
		struct tables tables = route(&engine_minhop, graph_of(made));
		struct proof proof = prove(graph_of(made), &tables);

		if (shapes[i].low && !proof_holds(&proof))
			fail_msg("%s", shapes[i].name);
	}
}

static void same_graph_gives_same_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (size_t e = 0; one_lane[e]; e++) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();
			const struct graph *graph = graph_of(made);

			if (!takes(one_lane[e], graph))
				continue;
			AUTO(tables_freep) struct tables one = route(one_lane[e], graph);
			AUTO(tables_freep) struct tables two = route(one_lane[e], graph);

			assert_memory_equal(one.lft, two.lft, graph->n_switches * one.stride);
		}
	}
}

static void unused_entries_are_none(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_tree2();
	const struct graph *graph = graph_of(made);

	(void)state;
	for (size_t e = 0; one_lane[e]; e++) {
		AUTO(tables_freep) struct tables tables = route(one_lane[e], graph);

		for (uint32_t s = 0; s < graph->n_switches; s++) {
			assert_int_equal(exit_of(&tables, s, 0), ROUTE_NONE);
			for (size_t lid = graph->max_lid + (size_t)1; lid < tables.stride; lid++)
				assert_int_equal(exit_of(&tables, s, (uint16_t)lid), ROUTE_NONE);
		}
	}
}

static void own_ends_leave_by_their_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();

		graph_set_lmc(made, 1);
		const struct graph *graph = graph_of(made);

		for (size_t n = 0; one_lane[n]; n++) {
			if (!takes(one_lane[n], graph))
				continue;

			AUTO(tables_freep) struct tables tables = route(one_lane[n], graph);

			for (uint32_t e = 0; e < graph->n_ends; e++) {
				const struct end *end = &graph->ends[e];

				assert_int_equal(exit_of(&tables, end->at, end->lid), end->port);
			}
		}
	}
}

/* From switch to switch the ways to @a and to @b, which are the same end, are the same. */
static void assert_same_way(const struct graph *graph, const struct tables *one,
			    const struct tables *two, uint32_t s, const struct end *a,
			    const struct end *b)
{
	for (unsigned hops = 0; s != a->at; hops++) {
		uint8_t exit = exit_of(one, s, a->lid);

		assert_true(hops < graph->n_switches);
		assert_int_equal(exit, exit_of(two, s, b->lid));
		s = follow(graph, s, exit);
	}
}

static void paths_between_hosts_do_not_depend_on_lids(void **state)
{
	AUTO(graph_freep) struct made_graph *plain = make_tree3();
	AUTO(graph_freep) struct made_graph *shuffled = make_tree3();

	(void)state;
	graph_shuffle_lids(shuffled, 5);
	for (size_t n = 0; one_lane[n]; n++) {
		const struct graph *a = graph_of(plain);
		const struct graph *b = graph_of(shuffled);
		AUTO(tables_freep) struct tables one = route(one_lane[n], a);
		AUTO(tables_freep) struct tables two = route(one_lane[n], b);

		for (uint32_t from = 0; from < a->n_ends; from++)
			for (uint32_t e = 0; e < a->n_ends; e++)
				if (a->ends[from].kind == END_HOST && a->ends[e].kind == END_HOST)
					assert_same_way(a, &one, &two, a->ends[from].at,
							&a->ends[e], &b->ends[e]);
	}
}

/* ---- short and even -----------------------------------------------------------------------------
 */

static void updn_is_as_short_as_minhop_between_hosts_of_a_tree(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();
		const struct graph *graph = graph_of(made);
		AUTO(tables_freep) struct tables updn = route(&engine_updn, graph);
		AUTO(tables_freep) struct tables minhop = route(&engine_minhop, graph);

		for (uint32_t a = 0; shapes[i].low && a < graph->n_ends; a += 7) {
			for (uint32_t b = 0; b < graph->n_ends; b++) {
				const struct end *to = &graph->ends[b];
				uint32_t from = graph->ends[a].at;

				if (graph->ends[a].kind != END_HOST || to->kind != END_HOST ||
				    exit_of(&minhop, from, to->lid) == ROUTE_NONE)
					continue;
				assert_int_equal(count_hops(graph, &updn, from, to),
						 count_hops(graph, &minhop, from, to));
			}
		}
	}
}

/* Paths from host to host on each exit: load[s * 256 + port]. The caller frees. */
static unsigned *load_of(const struct graph *graph, const struct tables *tables)
{
	unsigned *load = calloc(graph->n_switches * (size_t)256, sizeof(*load));

	assert_non_null(load);
	for (uint32_t a = 0; a < graph->n_ends; a++) {
		for (uint32_t b = 0; b < graph->n_ends; b++) {
			uint32_t s = graph->ends[a].at;

			if (graph->ends[a].kind != END_HOST || graph->ends[b].kind != END_HOST)
				continue;
			while (s != graph->ends[b].at) {
				uint8_t port = exit_of(tables, s, graph->ends[b].lid);

				load[s * 256 + port]++;
				s = follow(graph, s, port);
			}
		}
	}
	return load;
}

/* The most used exit of all, against the least used that leads to another switch. */
static void assert_even(const struct graph *graph, const struct engine *engine, unsigned percent)
{
	AUTO(tables_freep) struct tables tables = route(engine, graph);
	AUTO(freep) unsigned *load = load_of(graph, &tables);
	unsigned least = UINT32_MAX;
	unsigned most = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			least = MIN(least, load[s * 256 + graph->arcs[a].port]);
			most = MAX(most, load[s * 256 + graph->arcs[a].port]);
		}
	}
	assert_true(least > 0);
	assert_true(most * 100 <= least * percent);
}

static void all_cables_of_a_regular_tree_carry_the_same(void **state)
{
	(void)state;
	for (size_t e = 0; one_lane[e]; e++) {
		AUTO(graph_freep) struct made_graph *two = graph_make_ft2(12);
		AUTO(graph_freep) struct made_graph *three = graph_make_ft3(8, 8);
		AUTO(graph_freep) struct made_graph *half = graph_make_ft3(8, 4);

		graph_shuffle_order(two, 1);
		graph_shuffle_order(three, 2);
		graph_shuffle_order(half, 3);
		assert_even(graph_of(two), one_lane[e], 100);
		assert_even(graph_of(three), one_lane[e], 115);
		assert_even(graph_of(half), one_lane[e], 130);
	}
}

static void parallel_cables_carry_the_same(void **state)
{
	(void)state;
	for (size_t e = 0; one_lane[e]; e++) {
		AUTO(graph_freep) struct made_graph *star = graph_make_star(5, 12);
		AUTO(graph_freep) struct made_graph *pair = graph_make_line(2, 12);

		graph_multiply_cables(star, 4);
		graph_multiply_cables(pair, 3);
		if (takes(one_lane[e], graph_of(pair)))
			assert_even(graph_of(pair), one_lane[e], 100);
		graph_shuffle_order(star, 4);
		graph_shuffle_lids(star, 4);
		assert_even(graph_of(star), one_lane[e], 100);
	}
}

/* So flows to different hosts never meet on their way down. */
static void each_host_is_reached_through_one_core(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);
	const struct graph *graph;

	(void)state;
	graph_shuffle_order(made, 9);
	graph = graph_of(made);
	AUTO(tables_freep) struct tables tables = route(&engine_updn, graph);

	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];
		uint32_t only = UINT32_MAX;

		for (uint32_t leaf = 0; end->kind == END_HOST && leaf < 32; leaf++) {
			uint32_t core;

			if (leaf / 4 == end->at / 4)
				continue;
			core = follow(graph, leaf, exit_of(&tables, leaf, end->lid));
			core = follow(graph, core, exit_of(&tables, core, end->lid));
			assert_true(only == UINT32_MAX || only == core);
			only = core;
		}
	}
}

static unsigned most_used(const struct graph *graph, const struct engine *engine)
{
	AUTO(tables_freep) struct tables tables = route(engine, graph);
	AUTO(freep) unsigned *load = load_of(graph, &tables);
	unsigned most = 0;

	for (size_t i = 0; i < graph->n_switches * (size_t)256; i++)
		most = MAX(most, load[i]);
	return most;
}

/* All of them, and each another one; who is sent up to a switch is still the same from all. */
static void cables_that_each_leaf_has_lost_leave_the_rest_evenly_used(void **state)
{
	AUTO(graph_freep) struct made_graph *whole = graph_make_ft3(12, 12);
	AUTO(graph_freep) struct made_graph *damaged = graph_make_ft3(12, 12);

	(void)state;
	for (uint32_t leaf = 0; leaf < 72; leaf++)
		graph_remove_cable(damaged, leaf, 72 + leaf);
	assert_true(4 * most_used(graph_of(damaged), &engine_ftree) <=
		    7 * most_used(graph_of(whole), &engine_ftree));
}

static void assert_no_bottleneck(struct made_graph *made, unsigned n_lost, unsigned seed)
{
	const struct graph *graph;

	graph_shuffle_order(made, seed);
	graph_remove_links(made, n_lost, seed);
	graph = graph_of(made);
	assert_true(4 * most_used(graph, &engine_updn) <= 5 * most_used(graph, &engine_minhop));
}

/*
 * A rule that is too careful would send a pod's traffic down through the only core below it; and a
 * leaf that some spines are above and others below would send all down through these.
 */
static void no_cable_of_a_damaged_tree_is_a_bottleneck(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 8; seed++) {
		AUTO(graph_freep) struct made_graph *three_levels = graph_make_ft3(12, 12);
		AUTO(graph_freep) struct made_graph *two_levels = graph_make_ft2(24);

		assert_no_bottleneck(three_levels, 60, seed);
		assert_no_bottleneck(two_levels, 14, seed);
	}
}

/* ---- LMC, devices -------------------------------------------------------------------------------
 */

static void lids_of_a_port_take_different_spines(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft2(8);
	const struct graph *graph;

	(void)state;
	graph_set_lmc(made, 2);
	graph = graph_of(made);
	for (size_t n = 0; one_lane[n]; n++) {
		AUTO(tables_freep) struct tables tables = route(one_lane[n], graph);

		for (uint32_t e = 0; e < graph->n_ends; e++) {
			const struct end *end = &graph->ends[e];
			uint64_t used = 0;

			if (end->kind != END_HOST || end->at == 0)
				continue;
			for (unsigned i = 0; i < 4; i++)
				used |= UINT64_C(1)
					<< exit_of(&tables, 0, (uint16_t)(end->lid + i));
			assert_int_equal(__builtin_popcountll(used), 4);
		}
	}
}

static void base_lids_are_as_even_as_without_lmc(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);

	(void)state;
	graph_set_lmc(made, 2);
	for (size_t e = 0; one_lane[e]; e++)
		assert_even(graph_of(made), one_lane[e], 115);
}

static void ports_of_a_device_take_different_spines(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft2(8);
	const struct graph *graph;

	(void)state;
	graph_join_devices(made, 2, 3);
	graph = graph_of(made);
	AUTO(tables_freep) struct tables tables = route(&engine_updn, graph);
	unsigned same = 0;
	unsigned pairs = 0;

	for (uint32_t a = 0; a < graph->n_ends; a++) {
		for (uint32_t b = a + 1; b < graph->n_ends; b++) {
			const struct end *one = &graph->ends[a];
			const struct end *two = &graph->ends[b];

			if (one->device != two->device || one->at == 0 || two->at == 0)
				continue;
			pairs++;
			same += exit_of(&tables, 0, one->lid) == exit_of(&tables, 0, two->lid);
		}
	}
	assert_true(pairs > 5);
	assert_true(same * 4 <= pairs);
}

/* ---- roots --------------------------------------------------------------------------------------
 */

static uint32_t roots_found(struct made_graph *made)
{
	const struct graph *graph = graph_of(made);
	AUTO(tables_freep) struct tables tables = plain_tables_rubbish(graph);
	struct route_result result;

	assert_int_equal(route_fabric("updn", graph, &tables, &result, NULL, NULL), 0);
	assert_non_null(result.why);
	return result.n_roots;
}

static void cores_are_found(void **state)
{
	AUTO(graph_freep) struct made_graph *two = graph_make_ft2(8);
	AUTO(graph_freep) struct made_graph *three = graph_make_ft3(8, 8);
	AUTO(graph_freep) struct made_graph *ring = graph_make_ring(8, 2);

	(void)state;
	assert_int_equal(roots_found(two), 4);
	assert_int_equal(roots_found(three), 16);
	graph_shuffle_order(three, 1);
	assert_int_equal(roots_found(three), 16);
	graph_add_hosts_on_spines(three, 1);
	assert_int_equal(roots_found(three), 16);
	graph_add_aggregation(three);
	assert_int_equal(roots_found(three), 16);
	graph_remove_links(three, 1, 1);
	assert_int_equal(roots_found(three), 16);
	assert_int_equal(roots_found(ring), 1);
}

/* As many as there are hosts on leaves. */
static void aggregation_nodes_make_no_leaf(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_empty();

	(void)state;
	for (uint32_t s = 0; s < 6; s++)
		graph_add_switch(made);
	for (uint32_t leaf = 0; leaf < 4; leaf++) {
		graph_add_cable(made, leaf, 4);
		graph_add_cable(made, leaf, 5);
		graph_add_hosts(made, leaf, 1);
	}
	graph_add_aggregation(made);
	assert_int_equal(roots_found(made), 2);
}

/* Three levels, two pods of two leaves, one of which has no host. */
static void a_leaf_without_hosts_is_no_root(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_empty();

	(void)state;
	for (uint32_t s = 0; s < 10; s++)
		graph_add_switch(made);
	for (uint32_t pod = 0; pod < 2; pod++) {
		for (uint32_t i = 0; i < 4; i++)
			graph_add_cable(made, 4 * pod + i / 2, 4 * pod + 2 + i % 2);
		graph_add_cable(made, 4 * pod + 2, 8);
		graph_add_cable(made, 4 * pod + 3, 9);
	}
	graph_add_hosts(made, 0, 2);
	graph_add_hosts(made, 4, 2);
	graph_add_hosts(made, 5, 2);
	assert_int_equal(roots_found(made), 2);
}

static void given_roots_are_used(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(8, 1);
	const uint32_t roots[] = { 0 };
	const struct graph *graph;

	(void)state;
	graph_set_roots(made, roots, 1);
	graph = graph_of(made);
	AUTO(tables_freep) struct tables tables = route(&engine_updn, graph);

	/* Opposite of the root, nothing passes; 3 to 5 goes the long way, over the root. */
	assert_int_equal(count_hops(graph, &tables, 3, find_end(graph, 5, END_HOST, 0)), 6);
	assert_int_equal(count_hops(graph, &tables, 7, find_end(graph, 1, END_HOST, 0)), 2);
}

static void given_cores_route_as_found_cores(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);
	uint32_t roots[16];

	(void)state;
	graph_shuffle_order(made, 3);
	AUTO(tables_freep) struct tables found = route(&engine_updn, graph_of(made));

	for (uint32_t i = 0; i < 16; i++)
		roots[i] = 64 + i;
	graph_set_roots(made, roots, 16);
	AUTO(tables_freep) struct tables given = route(&engine_updn, graph_of(made));

	assert_memory_equal(found.lft, given.lft, graph_of(made)->n_switches * found.stride);
}

/* ---- choosing -----------------------------------------------------------------------------------
 */

static struct route_result route_as(const char *name, struct made_graph *made, int expected)
{
	const struct graph *graph = graph_of(made);
	AUTO(tables_freep) struct tables tables = plain_tables_rubbish(graph);
	struct route_result result = { 0 };

	assert_int_equal(route_fabric(name, graph, &tables, &result, NULL, NULL), expected);
	if (!expected)
		assert_true(proof_holds(&result.proof));
	lanes_clear(&result.lanes);
	return result;
}

static void an_engine_that_passes_is_kept(void **state)
{
	AUTO(graph_freep) struct made_graph *tree = make_tree3();
	struct route_result result = route_as("minhop", tree, 0);

	(void)state;
	assert_ptr_equal(result.engine, &engine_minhop);
	assert_null(result.why);
	assert_ptr_equal(route_as("updn", tree, 0).engine, &engine_updn);
	assert_ptr_equal(route_as("ftree", tree, 0).engine, &engine_ftree);
	assert_ptr_equal(route_as("auto", tree, 0).engine, &engine_ftree);
}

static void what_is_no_tree_has_updn_for_ftree(void **state)
{
	AUTO(graph_freep) struct made_graph *ring = graph_make_ring(6, 1);
	AUTO(tables_freep) struct tables tables = plain_tables_rubbish(graph_of(ring));
	struct route_result result = route_as("ftree", ring, 0);
	const char *why = NULL;

	(void)state;
	assert_ptr_equal(result.engine, &engine_updn);
	assert_non_null(strstr(result.why, "no tree"));
	assert_int_equal(engine_ftree.route(graph_of(ring), &tables, &why, NULL), -ENOTSUP);
	assert_non_null(strstr(why, "no tree"));
}

static void minhop_that_would_deadlock_becomes_updn(void **state)
{
	AUTO(graph_freep) struct made_graph *ring = graph_make_ring(6, 1);
	struct route_result result = route_as("minhop", ring, 0);

	(void)state;
	assert_ptr_equal(result.engine, &engine_updn);
	assert_non_null(strstr(result.why, "deadlock"));
}

static void auto_takes_short_paths_where_they_cannot_deadlock(void **state)
{
	AUTO(graph_freep) struct made_graph *mesh = graph_make_hyperx(5, 1, 2);
	AUTO(graph_freep) struct made_graph *ring = graph_make_ring(6, 1);
	struct route_result result = route_as("auto", mesh, 0);

	(void)state;
	assert_ptr_equal(result.engine, &engine_minhop);
	result = route_as("auto", ring, 0);
	assert_ptr_equal(result.engine, &engine_updn);
	assert_non_null(strstr(result.why, "middle"));
}

static void auto_holds_on_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();

		route_as("auto", made, 0);
	}
}

static void unknown_engines_are_refused(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_tree2();

	(void)state;
	route_as("lash", made, -EINVAL);
	assert_null(engine_find("auto"));
	assert_ptr_equal(engine_find("updn"), &engine_updn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(updn_holds_on_every_shape),
		cmocka_unit_test(updn_holds_on_every_shape_with_cables_missing),
		cmocka_unit_test(updn_holds_on_every_tree_with_switches_missing),
		cmocka_unit_test(updn_holds_whatever_the_roots_are),
		cmocka_unit_test(minhop_reaches_all_on_every_shape),
		cmocka_unit_test(minhop_holds_on_trees_with_hosts_on_leaves),
		cmocka_unit_test(same_graph_gives_same_tables),
		cmocka_unit_test(unused_entries_are_none),
		cmocka_unit_test(own_ends_leave_by_their_port),
		cmocka_unit_test(paths_between_hosts_do_not_depend_on_lids),
		cmocka_unit_test(updn_is_as_short_as_minhop_between_hosts_of_a_tree),
		cmocka_unit_test(all_cables_of_a_regular_tree_carry_the_same),
		cmocka_unit_test(parallel_cables_carry_the_same),
		cmocka_unit_test(cables_that_each_leaf_has_lost_leave_the_rest_evenly_used),
		cmocka_unit_test(each_host_is_reached_through_one_core),
		cmocka_unit_test(no_cable_of_a_damaged_tree_is_a_bottleneck),
		cmocka_unit_test(lids_of_a_port_take_different_spines),
		cmocka_unit_test(base_lids_are_as_even_as_without_lmc),
		cmocka_unit_test(ports_of_a_device_take_different_spines),
		cmocka_unit_test(cores_are_found),
		cmocka_unit_test(aggregation_nodes_make_no_leaf),
		cmocka_unit_test(a_leaf_without_hosts_is_no_root),
		cmocka_unit_test(given_roots_are_used),
		cmocka_unit_test(given_cores_route_as_found_cores),
		cmocka_unit_test(an_engine_that_passes_is_kept),
		cmocka_unit_test(what_is_no_tree_has_updn_for_ftree),
		cmocka_unit_test(minhop_that_would_deadlock_becomes_updn),
		cmocka_unit_test(auto_takes_short_paths_where_they_cannot_deadlock),
		cmocka_unit_test(auto_holds_on_every_shape),
		cmocka_unit_test(unknown_engines_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
