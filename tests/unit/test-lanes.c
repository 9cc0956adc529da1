/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The engine that uses several virtual lanes, the dimensions that it finds, and the proof of lanes.
 * The proof is held against the plainest one there is: every way of every pair is walked, and what
 * waits for what is put into a matrix of channels.
 */

#include "routing/product.h"
#include "routing/turns.h"
#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { LANES = 8, HOPS_LIMIT = 1000 };

struct routes {
	const struct graph *graph;
	struct tables tables;
	struct lanes lanes;
	const char *why;
	int error;
};

static void routes_clear(struct routes *routes)
{
	plain_tables_clear(&routes->tables);
	lanes_clear(&routes->lanes);
}

static struct routes route(struct made_graph *made, unsigned n_lanes)
{
	struct routes routes = { 0 };

	graph_set_lanes(made, (uint8_t)n_lanes);
	routes.graph = graph_of(made);
	routes.tables = plain_tables_rubbish(routes.graph);
	routes.error = engine_lanes.route_in_lanes(routes.graph, &routes.tables, &routes.lanes,
						   &routes.why, NULL);
	return routes;
}

static struct proof prove(const struct routes *routes)
{
	struct proof proof;

	assert_int_equal(
		proof_check_lanes(routes->graph, &routes->tables, &routes->lanes, &proof, NULL), 0);
	return proof;
}

/* ---- the plainest proof -------------------------------------------------------------------------
 */

static uint32_t arc_by_port(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return a;
	return UINT32_MAX;
}

/* Dependencies of channels, arc * LANES + lane, a byte each. */
struct matrix {
	uint32_t n;
	uint8_t *waits;
	uint8_t *state;
};

static void matrix_clear(struct matrix *matrix)
{
	free(matrix->waits);
	free(matrix->state);
}

static void walk(const struct routes *routes, struct matrix *matrix, uint32_t from,
		 const struct end *end, uint32_t lid)
{
	const struct graph *graph = routes->graph;
	uint8_t sl = lanes_sl(&routes->lanes, from, end->at);
	uint32_t before = UINT32_MAX;

	for (uint32_t s = from, hops = 0; s != end->at; hops++) {
		uint8_t port = routes->tables.lft[s * routes->tables.stride + lid];
		uint32_t arc = arc_by_port(graph, s, port);

		if (arc == UINT32_MAX)
			return;
		assert_true(hops < HOPS_LIMIT);
		if (before != UINT32_MAX)
			matrix->waits[(size_t)(before * LANES + sl) * matrix->n + arc * LANES +
				      sl] = 1;
		before = arc;
		s = graph->arcs[arc].to;
	}
}

/* Packets of level 0 that stay on the tree: any turn but back. */
static void walk_tree(const struct routes *routes, struct matrix *matrix)
{
	const struct graph *graph = routes->graph;
	const uint8_t *up = routes->lanes.up;

	for (uint32_t s = 0; up && s < graph->n_switches; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *in = &graph->arcs[a];

			if (up[s] != in->port && up[in->to] != in->to_port)
				continue;
			for (uint32_t b = graph->arc_first[in->to];
			     b < graph->arc_first[in->to + 1]; b++) {
				const struct arc *out = &graph->arcs[b];

				if (out->port != in->to_port &&
				    (up[in->to] == out->port || up[out->to] == out->to_port))
					matrix->waits[(size_t)(a * LANES) * matrix->n + b * LANES] =
						1;
			}
		}
	}
}

static bool has_cycle_from(struct matrix *matrix, uint32_t channel)
{
	matrix->state[channel] = 1;
	for (uint32_t next = 0; next < matrix->n; next++) {
		if (!matrix->waits[(size_t)channel * matrix->n + next])
			continue;
		if (matrix->state[next] == 1 ||
		    (matrix->state[next] == 0 && has_cycle_from(matrix, next)))
			return true;
	}
	matrix->state[channel] = 2;
	return false;
}

/* With the tree of level 0, or without. */
static bool can_deadlock(const struct routes *routes, bool with_tree)
{
	const struct graph *graph = routes->graph;
	AUTO(matrix_clear) struct matrix matrix = { .n = graph->n_arcs * LANES };
	bool found = false;

	matrix.waits = calloc((size_t)matrix.n * matrix.n + 1, 1);
	matrix.state = calloc(matrix.n + (size_t)1, 1);
	assert_non_null(matrix.waits);
	assert_non_null(matrix.state);
	for (uint32_t e = 0; e < graph->n_ends; e++)
		for (uint32_t i = 0; i < 1u << graph->ends[e].lmc; i++)
			for (uint32_t s = 0; s < graph->n_switches; s++)
				walk(routes, &matrix, s, &graph->ends[e], graph->ends[e].lid + i);
	if (with_tree)
		walk_tree(routes, &matrix);
	for (uint32_t c = 0; c < matrix.n && !found; c++)
		found = matrix.state[c] == 0 && has_cycle_from(&matrix, c);
	return found;
}

/* ---- shapes -------------------------------------------------------------------------------------
 */

static struct made_graph *make_ring(void)
{
	return graph_make_ring(9, 2);
}

static struct made_graph *make_torus2(void)
{
	return graph_make_torus(5, 6, 1, 2);
}

static struct made_graph *make_torus3(void)
{
	return graph_make_torus(6, 6, 6, 4);
}

static struct made_graph *make_torus4(void)
{
	return graph_make_torus(4, 4, 4, 1);
}

static struct made_graph *make_twin_torus(void)
{
	return graph_make_torus(2, 3, 5, 2);
}

static struct made_graph *make_dragonfly(void)
{
	return graph_make_dragonfly(4, 2, 2);
}

static struct made_graph *make_hyperx(void)
{
	return graph_make_hyperx(6, 4, 3);
}

static struct made_graph *make_random(void)
{
	return graph_make_random(60, 5, 4, 7);
}

static struct made_graph *make_tree(void)
{
	return graph_make_ft2(8);
}

static struct made_graph *make_two_trees(void)
{
	return graph_make_two_trees(4);
}

static struct made_graph *make_single(void)
{
	return graph_make_single(3);
}

static struct made_graph *make_nothing(void)
{
	return graph_make_empty();
}

/* A small dragonfly has squares of two cables within groups and two between them. */
static const struct shape {
	const char *name;
	struct made_graph *(*make)(void);
	unsigned n_lanes; /* that it takes at most */
	unsigned n_dimensions;
} shapes[] = {
	{ "ring", make_ring, 2, 0 },
	{ "torus of two dimensions", make_torus2, 4, 2 },
	{ "torus of three dimensions", make_torus3, 8, 3 },
	{ "torus of fours", make_torus4, 1, 6 },
	{ "torus with parallel cables", make_twin_torus, 4, 3 },
	{ "dragonfly", make_dragonfly, 6, 2 },
	{ "hyperx", make_hyperx, 1, 2 },
	{ "random", make_random, 8, 0 },
	{ "tree", make_tree, 1, 0 },
	{ "two trees", make_two_trees, 1, 2 },
	{ "one switch", make_single, 1, 0 },
	{ "nothing", make_nothing, 1, 0 },
};

/* ---- the engine ---------------------------------------------------------------------------------
 */

static void assert_holds(const char *name, const struct routes *routes)
{
	struct proof proof = prove(routes);

	if (!proof_holds(&proof))
		fail_msg("%s: complete %d, loop free %d, deadlock free %d on lane %u", name,
			 proof.complete, proof.loop_free, proof.deadlock_free, proof.cycle_lane);
}

static void every_shape_is_proven_in_few_lanes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();
		AUTO(routes_clear) struct routes routes = route(made, LANES);

		assert_int_equal(routes.error, 0);
		assert_holds(shapes[i].name, &routes);
		if (routes.lanes.n > shapes[i].n_lanes)
			fail_msg("%s: %u lanes", shapes[i].name, routes.lanes.n);
		assert_int_equal(routes.lanes.n > 1, routes.lanes.sl != NULL);
	}
}

static void every_shape_is_proven_with_cables_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (unsigned lost = 1; lost <= 8; lost *= 2) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();

			graph_remove_links(made, lost, lost);
			AUTO(routes_clear) struct routes routes = route(made, LANES);

			assert_int_equal(routes.error, 0);
			assert_holds(shapes[i].name, &routes);
		}
	}
}

/* As short as there are, on what is whole: nobody had to be led around. */
static void ways_of_a_whole_torus_are_shortest(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus3();
	AUTO(routes_clear) struct routes routes = route(made, LANES);
	const struct graph *graph = routes.graph;
	uint64_t hops = 0, pairs = 0;

	(void)state;
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		for (uint32_t from = 0; from < graph->n_switches; from++) {
			const struct end *end = &graph->ends[e];
			uint32_t s = from;

			for (; s != end->at; hops++)
				s = graph->arcs[arc_by_port(
							graph, s,
							routes.tables.lft[s * routes.tables.stride +
									  end->lid])]
					    .to;
			pairs++;
		}
	}
	/* 0, 1, 1, 2, 2 and 3 in each of three rings. */
	assert_int_equal(hops * 6, pairs * 3 * 9);
}

static void more_lanes_than_needed_are_left_alone(void **state)
{
	AUTO(graph_freep) struct made_graph *ring = make_ring();
	AUTO(routes_clear) struct routes few = route(ring, 2);
	AUTO(graph_freep) struct made_graph *again = make_ring();
	AUTO(routes_clear) struct routes many = route(again, LANES);

	(void)state;
	assert_int_equal(few.error, 0);
	assert_int_equal(few.lanes.n, 2);
	assert_int_equal(many.lanes.n, 2);
}

static void same_graph_gives_same_lanes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *one = shapes[i].make();
		AUTO(graph_freep) struct made_graph *two = shapes[i].make();
		AUTO(routes_clear) struct routes a = route(one, LANES);
		AUTO(routes_clear) struct routes b = route(two, LANES);
		size_t n = a.graph->n_switches;

		assert_memory_equal(a.tables.lft, b.tables.lft, n * a.tables.stride);
		if (a.lanes.sl)
			assert_memory_equal(a.lanes.sl, b.lanes.sl, n * n);
	}
}

static uint8_t exit_to(const struct routes *routes, uint32_t s, const struct end *end)
{
	return routes->tables.lft[s * routes->tables.stride + end->lid];
}

static const struct end *end_at(const struct graph *graph, uint32_t at, uint8_t port)
{
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].at == at && graph->ends[e].port == port)
			return &graph->ends[e];
	return NULL;
}

/* Of those who were there before; and they talk on the same lanes. But for the most at a switch. */
static void a_host_more_changes_no_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();
		AUTO(graph_freep) struct made_graph *more = shapes[i].make();

		if (!graph_of(made)->n_arcs || shapes[i].make == make_tree ||
		    shapes[i].make == make_two_trees)
			continue;            /* a leaf is made of a spine */
		graph_add_hosts(made, 0, 8); /* whoever has most has them all the same */
		graph_add_hosts(more, 0, 8);
		graph_add_hosts(more, graph_of(made)->n_switches / 2, 1);
		AUTO(routes_clear) struct routes one = route(made, LANES);
		AUTO(routes_clear) struct routes two = route(more, LANES);
		size_t n = one.graph->n_switches;

		for (uint32_t e = 0; e < one.graph->n_ends; e++) {
			const struct end *end = &one.graph->ends[e];
			const struct end *same = end_at(two.graph, end->at, end->port);

			assert_non_null(same);
			for (uint32_t s = 0; s < n; s++)
				if (exit_to(&one, s, end) != exit_to(&two, s, same))
					fail_msg("%s: the way from %u to %u changes",
						 shapes[i].name, s, end->at);
		}
		assert_int_equal(one.lanes.n, two.lanes.n);
		if (one.lanes.sl)
			assert_memory_equal(one.lanes.sl, two.lanes.sl, n * n);
	}
}

static void too_few_lanes_are_said(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_ring();
	AUTO(routes_clear) struct routes routes = route(made, 1);

	(void)state;
	assert_int_equal(routes.error, -ENOTSUP);
	assert_non_null(strstr(routes.why, "one virtual lane"));
}

static void who_is_away_is_not_led_to(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus2();

	(void)state;
	graph_set_away(made, 7, true);
	AUTO(routes_clear) struct routes routes = route(made, LANES);

	assert_int_equal(routes.error, 0);
	assert_holds("torus without one", &routes);
	assert_int_equal(lanes_sl(&routes.lanes, 3, 7), 0);
}

static void every_lid_of_a_port_is_led_to(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus2();

	(void)state;
	graph_set_lmc(made, 2);
	AUTO(routes_clear) struct routes routes = route(made, LANES);

	assert_int_equal(routes.error, 0);
	assert_holds("torus with LMC", &routes);
}

/* ---- the proof ----------------------------------------------------------------------------------
 */

static void the_proof_is_that_of_every_way(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40; seed++) {
		AUTO(graph_freep)
		struct made_graph *made = seed % 2 ? graph_make_ring(5 + (unsigned)(seed % 5), 1)
						   : graph_make_random(8, 4, 1, seed);
		AUTO(routes_clear) struct routes routes = route(made, LANES);
		uint32_t n = routes.graph->n_switches;
		uint64_t random = seed;

		assert_int_equal(routes.error, 0);
		assert_false(can_deadlock(&routes, true));
		if (!routes.lanes.sl)
			continue;
		for (unsigned i = 0; i < 20; i++) {
			uint32_t a = (uint32_t)(graph_random(&random) % n);
			uint32_t b = (uint32_t)(graph_random(&random) % n);
			uint8_t sl = (uint8_t)(graph_random(&random) % routes.lanes.n);

			routes.lanes.sl[a * n + b] = sl;
			routes.lanes.sl[b * n + a] = sl;
			assert_int_equal(prove(&routes).deadlock_free,
					 !can_deadlock(&routes, false));
		}
	}
}

/* The cycle of a ring is closed by one pair that goes where it does not belong. */
static void one_pair_on_a_wrong_lane_fails_the_proof(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(6, 1);
	AUTO(routes_clear) struct routes routes = route(made, 2);
	unsigned n_failed = 0;

	(void)state;
	assert_int_equal(routes.error, 0);
	assert_true(prove(&routes).deadlock_free);
	for (uint32_t a = 0; a < 6; a++) {
		for (uint32_t b = a + 1; b < 6; b++) {
			uint8_t *there = &routes.lanes.sl[a * 6 + b];
			uint8_t *back = &routes.lanes.sl[b * 6 + a];

			if (*there != 1)
				continue;
			*there = *back = 0;
			if (!prove(&routes).deadlock_free) {
				assert_true(can_deadlock(&routes, false));
				assert_int_equal(prove(&routes).cycle_lane, 0);
				assert_true(prove(&routes).cycle_length >= 3);
				n_failed++;
			}
			*there = *back = 1;
		}
	}
	assert_true(n_failed > 0);
}

static void a_way_back_on_another_lane_fails_the_proof(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(6, 1);
	AUTO(routes_clear) struct routes routes = route(made, 2);

	(void)state;
	routes.lanes.sl[1] ^= 1;
	assert_false(prove(&routes).deadlock_free);
	routes.lanes.sl[1] ^= 1;
	assert_true(prove(&routes).deadlock_free);
	routes.lanes.sl[1] = routes.lanes.sl[6] = 2; /* there is none */
	assert_false(prove(&routes).deadlock_free);
}

static void a_loop_is_found_with_lanes_too(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(6, 1);
	AUTO(routes_clear) struct routes routes = route(made, 2);
	const struct arc *arc = &routes.graph->arcs[0];
	uint16_t lid = routes.graph->ends[routes.graph->n_ends - 5].lid;

	(void)state;
	/* Switches 0 and its neighbour send it to each other. */
	routes.tables.lft[lid] = arc->port;
	routes.tables.lft[arc->to * routes.tables.stride + lid] = arc->to_port;
	assert_false(prove(&routes).loop_free);
}

/* ---- dimensions ---------------------------------------------------------------------------------
 */

static void dimensions_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		AUTO(graph_freep) struct made_graph *made = shapes[i].make();
		AUTO(product_clear) struct product product = { 0 };

		assert_int_equal(product_find(graph_of(made), &product), 0);
		if (product.n != shapes[i].n_dimensions)
			fail_msg("%s: %u dimensions", shapes[i].name, product.n);
	}
}

static void dimensions_are_found_with_cables_missing(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus3();
	AUTO(product_clear) struct product product = { 0 };

	(void)state;
	graph_remove_links(made, 12, 3);
	assert_int_equal(product_find(graph_of(made), &product), 0);
	assert_int_equal(product.n, 3);
	for (uint32_t d = 0; d < 3; d++)
		assert_int_equal(product.dimension[d].n_places, 6);
	assert_int_equal(product.n_lanes, 8);
}

static void ways_in_a_dimension_lead_back_the_same(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus2();
	AUTO(product_clear) struct product product = { 0 };

	(void)state;
	assert_int_equal(product_find(graph_of(made), &product), 0);
	for (uint32_t a = 0; a < 30; a++)
		for (uint32_t b = 0; b < 30; b++)
			assert_int_equal(product_lane(&product, a, b),
					 product_lane(&product, b, a));
}

/* ---- choosing -----------------------------------------------------------------------------------
 */

static void who_asks_for_lanes_and_has_too_few_has_updn(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_ring();
	const struct graph *graph = graph_of(made);
	struct tables tables = plain_tables_rubbish(graph);
	struct route_result result;

	(void)state;
	assert_int_equal(route_fabric("lanes", graph, &tables, &result, NULL, NULL), 0);
	assert_ptr_equal(result.engine, &engine_updn);
	assert_non_null(strstr(result.why, "one virtual lane"));
	assert_null(result.lanes.sl);
	lanes_clear(&result.lanes);
	plain_tables_clear(&tables);
}

static void turns_are_those_of_lane_0(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_ring();
	struct route_result result;
	struct tables tables;
	struct turns turns;

	(void)state;
	graph_set_lanes(made, 2);
	tables = plain_tables_rubbish(graph_of(made));
	assert_int_equal(route_fabric("lanes", graph_of(made), &tables, &result, &turns, NULL), 0);
	assert_ptr_equal(result.engine, &engine_lanes);
	assert_int_equal(result.lanes.n, 2);
	assert_non_null(turns.bits);
	turns_clear(&turns);
	lanes_clear(&result.lanes);
	plain_tables_clear(&tables);
}

static void auto_takes_lanes_where_one_is_not_enough(void **state)
{
	AUTO(graph_freep) struct made_graph *ring = make_ring();
	AUTO(graph_freep) struct made_graph *hyperx = make_hyperx();
	struct tables tables = { 0 };
	struct route_result result;

	(void)state;
	graph_set_lanes(ring, 2);
	tables = plain_tables_rubbish(graph_of(ring));
	assert_int_equal(route_fabric("auto", graph_of(ring), &tables, &result, NULL, NULL), 0);
	assert_ptr_equal(result.engine, &engine_lanes);
	assert_int_equal(result.lanes.n, 2);
	lanes_clear(&result.lanes);
	plain_tables_clear(&tables);

	/* And where one is, if only ways are chosen well. */
	tables = plain_tables_rubbish(graph_of(hyperx));
	assert_int_equal(route_fabric("auto", graph_of(hyperx), &tables, &result, NULL, NULL), 0);
	assert_ptr_equal(result.engine, &engine_lanes);
	assert_int_equal(result.lanes.n, 1);
	assert_null(result.lanes.sl);
	lanes_clear(&result.lanes);
	plain_tables_clear(&tables);
}

/* What no shortest ways can do without is not tried: those of minhop are no others. */
static void what_is_forced_around_is_so_with_any_ways(void **state)
{
	unsigned n_forced = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		for (uint64_t seed = 0; seed < 6; seed++) {
			AUTO(graph_freep) struct made_graph *made = shapes[i].make();
			AUTO(plain_tables_clear) struct tables tables = { 0 };
			struct proof proof;
			const char *why;

			graph_remove_links(made, (unsigned)seed, seed);
			if (turns_are_forced_around(graph_of(made)) == 0)
				continue;
			AUTO(routes_clear) struct routes routes = route(made, 1);

			n_forced++;
			assert_int_equal(routes.error, -ENOTSUP);
			tables = plain_tables_rubbish(graph_of(made));
			assert_int_equal(engine_minhop.route(graph_of(made), &tables, &why, NULL),
					 0);
			assert_int_equal(proof_check(graph_of(made), &tables, &proof, NULL), 0);
			assert_true(proof.complete);
			assert_false(proof.deadlock_free);
		}
	}
	assert_true(n_forced > 20);
}

static void auto_says_that_lanes_are_not_enough(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_torus3();
	struct tables tables = { 0 };
	struct route_result result;

	(void)state;
	graph_set_lanes(made, 2);
	tables = plain_tables_rubbish(graph_of(made));
	assert_int_equal(route_fabric("auto", graph_of(made), &tables, &result, NULL, NULL), 0);
	assert_ptr_equal(result.engine, &engine_updn);
	assert_non_null(strstr(result.why, "not enough"));
	lanes_clear(&result.lanes);
	plain_tables_clear(&tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_is_proven_in_few_lanes),
		cmocka_unit_test(every_shape_is_proven_with_cables_missing),
		cmocka_unit_test(ways_of_a_whole_torus_are_shortest),
		cmocka_unit_test(more_lanes_than_needed_are_left_alone),
		cmocka_unit_test(same_graph_gives_same_lanes),
		cmocka_unit_test(a_host_more_changes_no_way),
		cmocka_unit_test(too_few_lanes_are_said),
		cmocka_unit_test(who_is_away_is_not_led_to),
		cmocka_unit_test(every_lid_of_a_port_is_led_to),
		cmocka_unit_test(the_proof_is_that_of_every_way),
		cmocka_unit_test(one_pair_on_a_wrong_lane_fails_the_proof),
		cmocka_unit_test(a_way_back_on_another_lane_fails_the_proof),
		cmocka_unit_test(a_loop_is_found_with_lanes_too),
		cmocka_unit_test(dimensions_are_found),
		cmocka_unit_test(dimensions_are_found_with_cables_missing),
		cmocka_unit_test(ways_in_a_dimension_lead_back_the_same),
		cmocka_unit_test(who_asks_for_lanes_and_has_too_few_has_updn),
		cmocka_unit_test(turns_are_those_of_lane_0),
		cmocka_unit_test(auto_takes_lanes_where_one_is_not_enough),
		cmocka_unit_test(what_is_forced_around_is_so_with_any_ways),
		cmocka_unit_test(auto_says_that_lanes_are_not_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
