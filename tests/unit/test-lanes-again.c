/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Hosts come, go and move where routes use several lanes: tables and lanes are those that are made
 * from scratch, and the proof of the change is worth what the whole proof is worth. What has to be
 * made from scratch is left as it is.
 */

#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/array.h"
#include "base/macros.h"
#include "routing/past.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 40, PORT_MAX = 40 };

/* ---- memory that runs out -------------------------------------------------------------------- */

static unsigned until_full; /* so many times there is some; 0: always */

int __real_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was);
int __wrap_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was);

int __wrap_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was)
{
	if (until_full > 0 && --until_full == 0)
		return -ENOMEM;
	return __real_patch_add(patch, row, lid, was);
}

int __real_past_take_lanes(const struct engine *engine, const struct graph *graph,
			   struct past *past);
int __wrap_past_take_lanes(const struct engine *engine, const struct graph *graph,
			   struct past *past);

int __wrap_past_take_lanes(const struct engine *engine, const struct graph *graph,
			   struct past *past)
{
	if (until_full > 0 && --until_full == 0) {
		past_clear(past);
		return -ENOMEM;
	}
	return __real_past_take_lanes(engine, graph, past);
}

/* ---- what is in use, and from scratch -------------------------------------------------------- */

struct use {
	struct past past;
	struct tables tables;
	struct turns turns;
	struct route_result result;
	struct patch patch;
};

static void use_clear(struct use *use)
{
	past_clear(&use->past);
	plain_tables_clear(&use->tables);
	turns_clear(&use->turns);
	lanes_clear(&use->result.lanes);
	patch_clear(&use->patch);
}

static struct use start(const struct graph *graph)
{
	struct use use = { .tables = plain_tables_rubbish(graph) };

	assert_int_equal(
		route_fabric("auto", graph, &use.tables, &use.result, &use.turns, &use.past), 0);
	return use;
}

static int again(const struct graph *graph, struct use *use)
{
	use->patch.n = 0;
	return route_again("auto", graph, &use->past, &use->tables, &use->turns, &use->patch);
}

static void assert_same(const struct graph *graph, const struct use *use)
{
	AUTO(use_clear) struct use scratch = start(graph);
	size_t n = graph->n_switches;

	assert_true(use->tables.stride >= scratch.tables.stride);
	assert_ptr_equal(scratch.result.engine, &engine_lanes);
	for (size_t s = 0; s < n; s++)
		assert_memory_equal(use->tables.lft + s * use->tables.stride,
				    scratch.tables.lft + s * scratch.tables.stride,
				    scratch.tables.stride);
	assert_memory_equal(use->result.lanes.sl, scratch.result.lanes.sl, n * n);
	assert_memory_equal(use->result.lanes.up, scratch.result.lanes.up, n);
	for (size_t i = 0; i < (size_t)graph->n_arcs * scratch.turns.words; i++)
		assert_int_equal(scratch.turns.bits[i] & ~use->turns.bits[i], 0);
}

/* @before and the patch make up the tables. */
static void assert_patch(const struct graph *graph, struct use *use, const uint8_t *before)
{
	size_t size = graph->n_switches * use->tables.stride;
	AUTO(freep) uint8_t *now = array_copy(use->tables.lft, size, 1);

	patch_undo(&use->patch, &use->tables);
	assert_memory_equal(use->tables.lft, before, size);
	memcpy(use->tables.lft, now, size);
}

/* ---- a fabric whose ends change -------------------------------------------------------------- */

struct fabric {
	struct made_graph *made;
	struct graph graph;
	struct end *ends; /* room for one more than there are LIDs */
	uint64_t random;
};

static void fabric_clear(struct fabric *fabric)
{
	graph_free(fabric->made);
	free(fabric->ends);
}

static struct fabric fabric_make(struct made_graph *made, uint64_t seed)
{
	struct fabric fabric = { .made = made, .random = seed };

	graph_shuffle_lids(made, seed);
	graph_set_lanes(made, LANES_MAX);
	fabric.graph = *graph_of(made);
	fabric.ends = calloc(fabric.graph.max_lid + (size_t)1, sizeof(*fabric.ends));
	assert_non_null(fabric.ends);
	memcpy(fabric.ends, fabric.graph.ends, fabric.graph.n_ends * sizeof(*fabric.ends));
	fabric.graph.ends = fabric.ends;
	return fabric;
}

static uint32_t pick(struct fabric *fabric, uint32_t n)
{
	return (uint32_t)(graph_random(&fabric->random) % n);
}

static void take_out(struct fabric *fabric, uint32_t e)
{
	fabric->graph.n_ends--;
	memmove(&fabric->ends[e], &fabric->ends[e + 1],
		(fabric->graph.n_ends - e) * sizeof(*fabric->ends));
}

static void put_in(struct fabric *fabric, const struct end *end)
{
	uint32_t e = fabric->graph.n_ends++;

	for (;
	     e > 0 && (fabric->ends[e - 1].at > end->at ||
		       (fabric->ends[e - 1].at == end->at && fabric->ends[e - 1].port > end->port));
	     e--)
		fabric->ends[e] = fabric->ends[e - 1];
	fabric->ends[e] = *end;
}

static bool is_taken(const struct fabric *fabric, uint32_t at, uint8_t port)
{
	const struct graph *graph = &fabric->graph;

	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].at == at && graph->ends[e].port == port)
			return true;
	for (uint32_t a = graph->arc_first[at]; a < graph->arc_first[at + 1]; a++)
		if (graph->arcs[a].port == port)
			return true;
	return false;
}

/* Some switch and a port of it that is free. */
static void find_place(struct fabric *fabric, struct end *end)
{
	do {
		end->at = pick(fabric, fabric->graph.n_switches);
		end->port = (uint8_t)(1 + pick(fabric, PORT_MAX));
	} while (is_taken(fabric, end->at, end->port));
}

/* A host goes, or is back elsewhere, or moves; two swap LIDs. */
static void do_something(struct fabric *fabric, struct end *gone, unsigned *n_gone)
{
	uint32_t e = pick(fabric, fabric->graph.n_ends), f = pick(fabric, fabric->graph.n_ends);
	struct end end = fabric->ends[e];
	uint16_t lid = end.lid;

	switch (pick(fabric, 4)) {
	case 0:
		if (*n_gone == 0)
			return;
		end = gone[--*n_gone];
		find_place(fabric, &end);
		put_in(fabric, &end);
		break;
	case 1:
		if (end.kind == END_SWITCH)
			return;
		gone[(*n_gone)++] = end;
		take_out(fabric, e);
		break;
	case 2:
		if (end.kind == END_SWITCH)
			return;
		take_out(fabric, e);
		find_place(fabric, &end);
		put_in(fabric, &end);
		break;
	default:
		if (end.lmc != fabric->ends[f].lmc)
			return;
		fabric->ends[e].lid = fabric->ends[f].lid;
		fabric->ends[f].lid = lid;
	}
}

/* ---- fabrics --------------------------------------------------------------------------------- */

static struct made_graph *ring(void)
{
	return graph_make_ring(7, 3);
}

static struct made_graph *torus(void)
{
	return graph_make_torus(5, 5, 1, 3);
}

static struct made_graph *torus_of_three(void)
{
	return graph_make_torus(6, 5, 5, 2);
}

static struct made_graph *damaged_torus(void)
{
	struct made_graph *made = graph_make_torus(6, 6, 1, 3);

	graph_remove_links(made, 3, 1);
	return made;
}

static struct made_graph *with_several_lids(void)
{
	struct made_graph *made = torus();

	graph_set_lmc(made, 2);
	return made;
}

static struct made_graph *with_a_switch_away(void)
{
	struct made_graph *made = torus();

	graph_set_away(made, 7, true);
	return made;
}

static struct made_graph *dragonfly(void)
{
	return graph_make_dragonfly(4, 2, 3);
}

static struct made_graph *without_any_shape(void)
{
	return graph_make_random(40, 4, 3, 7);
}

static struct made_graph *(*const fabrics[])(void) = {
	ring,
	torus,
	torus_of_three,
	damaged_torus,
	with_several_lids,
	with_a_switch_away,
	dragonfly,
	without_any_shape,
};

/* Returns how often it was done again. */
static unsigned walk(struct fabric *fabric)
{
	AUTO(use_clear) struct use use = start(&fabric->graph);
	AUTO(freep) struct end *gone = calloc(STEPS, sizeof(*gone));
	unsigned n_gone = 0, n_again = 0;

	assert_non_null(gone);
	for (unsigned i = 0; i < STEPS; i++) {
		size_t size = fabric->graph.n_switches * use.tables.stride;
		AUTO(freep) uint8_t *before = array_copy(use.tables.lft, size, 1);
		int r;

		do_something(fabric, gone, &n_gone);
		r = again(&fabric->graph, &use);
		if (r == 1) {
			n_again++;
			assert_same(&fabric->graph, &use);
			assert_patch(&fabric->graph, &use, before);
			continue;
		}
		assert_int_equal(r, 0);
		assert_memory_equal(use.tables.lft, before, size);
		use_clear(&use);
		use = start(&fabric->graph);
	}
	return n_again;
}

static void hosts_come_go_and_move(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fabrics); i++) {
		for (uint64_t seed = 1; seed <= 2; seed++) {
			AUTO(fabric_clear)
			struct fabric fabric = fabric_make(fabrics[i](), seed);
			unsigned n_again = walk(&fabric);

			if (n_again < STEPS / 3)
				fail_msg("fabric %zu, seed %u: again only %u times", i,
					 (unsigned)seed, n_again);
		}
	}
}

/* ---- what is not done again ------------------------------------------------------------------ */

/* Nothing but ends may be others. */
static void whatever_else_changes_is_done_from_scratch(void **state)
{
	AUTO(graph_freep) struct made_graph *made = torus();
	AUTO(graph_freep) struct made_graph *other = torus();
	AUTO(use_clear) struct use use = { 0 };
	bool mute[25] = { [3] = true };
	struct graph graph;

	(void)state;
	graph_set_lanes(made, LANES_MAX);
	graph_set_lanes(other, LANES_MAX);
	use = start(graph_of(made));
	assert_int_equal(again(graph_of(other), &use), 1);
	graph_remove_links(other, 1, 1);
	assert_int_equal(again(graph_of(other), &use), 0);
	graph = *graph_of(made);
	graph.n_lanes = 7;
	assert_int_equal(again(&graph, &use), 0);
	graph = *graph_of(made);
	graph.mute = mute;
	assert_int_equal(again(&graph, &use), 0);
	assert_int_equal(again(graph_of(made), &use), 1);
	graph_add_hosts(made, 0, 9); /* more trees */
	assert_int_equal(again(graph_of(made), &use), 0);
}

/* One entry other than it should be, and told or not. */
static void spoil(struct fabric *fabric, struct use *use)
{
	const struct patch_entry entry = use->patch.entry[pick(fabric, use->patch.n)];
	uint32_t row = pick(fabric, 2) ? entry.row : pick(fabric, fabric->graph.n_switches);

	use->tables.lft[row * use->tables.stride + entry.lid] = (uint8_t)pick(fabric, 9);
}

static bool whole_proof_holds(const struct graph *graph, const struct use *use)
{
	struct proof proof;

	assert_int_equal(proof_check_lanes(graph, &use->tables, &use->result.lanes, &proof, NULL),
			 0);
	return proof_holds(&proof);
}

static void what_is_spoiled_is_not_believed(void **state)
{
	unsigned n_refused = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		AUTO(fabric_clear)
		struct fabric fabric = fabric_make(fabrics[seed % COUNT(fabrics)](), seed);
		AUTO(use_clear) struct use use = start(&fabric.graph);
		struct end gone[1];
		unsigned n_gone = 0;
		bool holds;

		do_something(&fabric, gone, &n_gone);
		if (columns_again(&fabric.graph, &use.past, &use.tables, &use.patch) == 0 ||
		    use.patch.n == 0 || !past_is_of(&use.past, &fabric.graph))
			continue;
		spoil(&fabric, &use);
		holds = whole_proof_holds(&fabric.graph, &use);
		n_refused += !holds;
		if (proof_columns_again(&fabric.graph, &use.past, &use.tables, &use.patch,
					&use.turns) == 1)
			assert_true(holds);
	}
	assert_true(n_refused > 50);
}

/* At one moment after another, until it is enough. */
static void without_memory_all_is_as_it_was(void **state)
{
	AUTO(fabric_clear) struct fabric fabric = fabric_make(torus(), 1);
	AUTO(use_clear) struct use use = start(&fabric.graph);
	size_t size = fabric.graph.n_switches * use.tables.stride;
	AUTO(freep) uint8_t *before = array_copy(use.tables.lft, size, 1);
	unsigned n = 0;
	int r = 0;

	(void)state;
	fabric.ends[0].lid = fabric.ends[40].lid;
	fabric.ends[40].lid = fabric.graph.ends[0].lid;
	take_out(&fabric, 40);
	while (r != 1) {
		until_full = ++n;
		r = again(&fabric.graph, &use);
		until_full = 0;
		if (r == 1)
			continue;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(use.patch.n, 0);
		assert_memory_equal(use.tables.lft, before, size);
	}
	assert_true(n > 20);
	assert_same(&fabric.graph, &use);
}

/* What came out has nobody to clear it then. */
static void without_memory_for_the_past_nothing_is_left(void **state)
{
	AUTO(fabric_clear) struct fabric fabric = fabric_make(torus(), 1);
	AUTO(use_clear) struct use use = { .tables = plain_tables_rubbish(&fabric.graph) };

	(void)state;
	until_full = 1;
	assert_int_equal(route_fabric("auto", &fabric.graph, &use.tables, &use.result, &use.turns,
				      &use.past),
			 -ENOMEM);
	assert_int_equal(until_full, 0);
	assert_null(use.result.lanes.sl);
	assert_null(use.result.lanes.up);
	assert_null(use.turns.bits);
	assert_null(use.past.engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_come_go_and_move),
		cmocka_unit_test(whatever_else_changes_is_done_from_scratch),
		cmocka_unit_test(what_is_spoiled_is_not_believed),
		cmocka_unit_test(without_memory_all_is_as_it_was),
		cmocka_unit_test(without_memory_for_the_past_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
