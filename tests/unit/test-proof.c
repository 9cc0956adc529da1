/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The proof of tables, held against a model that has no cleverness: it walks from every switch to
 * every LID, one entry at a time, writes down which cable follows which, and looks whether a cable
 * leads back to itself. Hundreds of small fabrics with good tables, spoilt ones and noise; and the
 * few cases by hand that say what the words mean.
 */

#include "routing/engine.h"
#include "routing/planes.h"
#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

/* ---- the model ------------------------------------------------------------------------------- */

enum { NOBODY = UINT32_MAX };

enum outcome { ARRIVES, LOST, LOOPS };

struct model {
	const struct graph *graph;
	const struct tables *tables;
	struct proof proof;
	bool *depends; /* [arc * n_arcs + arc] */
	uint32_t *component;
};

static const struct end *model_end(const struct graph *graph, uint32_t lid)
{
	for (uint32_t i = 0; i < graph->n_ends; i++) {
		const struct end *end = &graph->ends[i];

		if (lid >= end->lid && lid < end->lid + (1U << end->lmc))
			return end;
	}
	return NULL;
}

static uint32_t model_arc(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return a;
	return NOBODY;
}

static bool model_sends(const struct graph *graph, uint32_t s)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		if (graph->ends[i].at == s && graph->ends[i].kind != END_SWITCH)
			return true;
	return false;
}

/* Labels spread until none changes. */
static void model_components(struct model *model)
{
	const struct graph *graph = model->graph;
	bool changed = true;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		model->component[s] = s;
	while (changed) {
		changed = false;
		for (uint32_t s = 0; s < graph->n_switches; s++) {
			for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
				uint32_t *other = &model->component[graph->arcs[a].to];

				if (*other <= model->component[s])
					continue;
				*other = model->component[s];
				changed = true;
			}
		}
	}
}

static uint8_t model_entry(const struct model *model, uint32_t s, uint32_t lid)
{
	return model->tables->lft[s * model->tables->stride + lid];
}

/* Twice as many hops as there are switches, and it has been round any loop in full. */
static enum outcome model_walk(struct model *model, uint32_t from, uint32_t lid, bool counts,
			       uint32_t *ret_last)
{
	const struct graph *graph = model->graph;
	const struct end *end = model_end(graph, lid);
	uint32_t before = NOBODY;
	uint32_t at = from;

	for (uint32_t hop = 0; hop <= 2 * graph->n_switches + 1; hop++) {
		uint8_t port = model_entry(model, at, lid);
		uint32_t a = model_arc(graph, at, port);

		if (a == NOBODY)
			return at == end->at && port == end->port ? ARRIVES : LOST;
		if (counts && before != NOBODY)
			model->depends[(size_t)before * graph->n_arcs + a] = true;
		before = a;
		at = graph->arcs[a].to;
	}
	*ret_last = at;
	return LOOPS;
}

static uint32_t model_lowest_on_loop(const struct model *model, uint32_t s, uint32_t lid)
{
	const struct graph *graph = model->graph;
	uint32_t lowest = s;

	for (uint32_t hop = 0; hop < graph->n_switches; hop++) {
		s = graph->arcs[model_arc(graph, s, model_entry(model, s, lid))].to;
		lowest = MIN(lowest, s);
	}
	return lowest;
}

static void model_try_pair(struct model *model, uint32_t s, uint32_t lid, uint32_t at)
{
	struct proof *proof = &model->proof;
	bool needed = model->component[s] == model->component[at];
	uint32_t last = NOBODY;
	enum outcome outcome = model_walk(model, s, lid, model_sends(model->graph, s), &last);

	if (outcome != ARRIVES && needed) {
		if (!proof->n_missing++) {
			proof->missing_lid = (uint16_t)lid;
			proof->missing_switch = s;
		}
	}
	if (outcome == LOOPS) {
		uint32_t lowest = model_lowest_on_loop(model, last, lid);

		if (proof->loop_free || (lid == proof->loop_lid && lowest < proof->loop_switch)) {
			proof->loop_lid = (uint16_t)lid;
			proof->loop_switch = lowest;
		}
		proof->loop_free = false;
	}
}

/* Is there a way from arc @from to itself of any length, or of exactly @length if that is not 0? */
static bool model_returns(const struct model *model, uint32_t from, uint32_t length)
{
	uint32_t n = model->graph->n_arcs;
	AUTO(freep) bool *here = calloc(n + 1, sizeof(*here));
	AUTO(freep) bool *next = calloc(n + 1, sizeof(*next));

	assert_true(here && next);
	here[from] = true;
	for (uint32_t step = 1; step <= (length ? length : n); step++) {
		memset(next, 0, n * sizeof(*next));
		for (uint32_t a = 0; a < n; a++)
			for (uint32_t b = 0; here[a] && b < n; b++)
				next[b] |= model->depends[(size_t)a * n + b];
		if (next[from] && (!length || step == length))
			return true;
		memcpy(here, next, n * sizeof(*next));
	}
	return false;
}

/* Depth first; @state: 0 new, 1 on the path, 2 done. */
static bool model_finds_cycle(const struct model *model, uint32_t a, uint8_t *state)
{
	uint32_t n = model->graph->n_arcs;

	state[a] = 1;
	for (uint32_t b = 0; b < n; b++) {
		if (!model->depends[(size_t)a * n + b] || state[b] == 2)
			continue;
		if (state[b] == 1 || model_finds_cycle(model, b, state))
			return true;
	}
	state[a] = 2;
	return false;
}

static bool model_is_cyclic(const struct model *model)
{
	uint32_t n = model->graph->n_arcs;
	AUTO(freep) uint8_t *state = calloc(n + 1, sizeof(*state));

	assert_non_null(state);
	for (uint32_t a = 0; a < n; a++)
		if (!state[a] && model_finds_cycle(model, a, state))
			return true;
	return false;
}

static void model_run(struct model *model)
{
	const struct graph *graph = model->graph;

	model->proof = (struct proof){ .loop_free = true };
	model_components(model);
	for (uint32_t lid = 1; lid <= graph->max_lid; lid++) {
		const struct end *end = model_end(graph, lid);

		for (uint32_t s = 0; end && s < graph->n_switches; s++)
			model_try_pair(model, s, lid, end->at);
	}
	model->proof.complete = !model->proof.n_missing;
	model->proof.deadlock_free = !model_is_cyclic(model);
}

static void model_clear(struct model *model)
{
	free(model->depends);
	free(model->component);
}

/* The cycle reported is one of those that there are; which, is the proof's to choose. */
static void check_cycle(const struct model *model, const struct proof *proof)
{
	uint32_t a = model_arc(model->graph, proof->cycle_switch, proof->cycle_port);

	assert_int_not_equal(a, NOBODY);
	assert_int_not_equal(proof->cycle_length, 0);
	assert_true(model_returns(model, a, proof->cycle_length));
}

/* What the proof says, after it was found to be what the model says. */
static struct proof check_tables(const struct graph *graph, const struct tables *tables)
{
	AUTO(model_clear) struct model model = { .graph = graph, .tables = tables };
	struct proof proof;

	model.depends = calloc((size_t)graph->n_arcs * graph->n_arcs + 1, sizeof(bool));
	model.component = calloc(graph->n_switches + 1, sizeof(*model.component));
	assert_true(model.depends && model.component);
	model_run(&model);

	memset(&proof, 0xa5, sizeof(proof));
	assert_int_equal(proof_check(graph, tables, &proof, NULL), 0);
	assert_int_equal(proof.complete, model.proof.complete);
	assert_int_equal(proof.n_missing, model.proof.n_missing);
	assert_int_equal(proof.missing_lid, model.proof.missing_lid);
	assert_int_equal(proof.missing_switch, model.proof.missing_switch);
	assert_int_equal(proof.loop_free, model.proof.loop_free);
	assert_int_equal(proof.loop_lid, model.proof.loop_lid);
	assert_int_equal(proof.loop_switch, model.proof.loop_switch);
	assert_int_equal(proof.deadlock_free, model.proof.deadlock_free);
	if (!proof.deadlock_free)
		check_cycle(&model, &proof);
	return proof;
}

/* ---- many fabrics ---------------------------------------------------------------------------- */

/* Any of @from to @to. Once per expression: arguments are evaluated in any order. */
static unsigned pick(uint64_t *seed, unsigned from, unsigned to)
{
	return from + (unsigned)(graph_random(seed) % (to - from + 1));
}

/* Switches and cables at random, hosts on few of them: most pairs are nobody's. */
static struct made_graph *make_sparse(uint64_t *seed)
{
	unsigned n = pick(seed, 2, 13);
	struct made_graph *made = graph_make_random(n, 3, 0, graph_random(seed));

	for (unsigned i = 0; i < 1 + n / 4; i++) {
		uint32_t at = pick(seed, 0, n - 1);

		graph_add_end(made, at, pick(seed, 0, 3) ? END_HOST : END_ROUTER);
	}
	return made;
}

static struct made_graph *make_shape(uint64_t *seed)
{
	switch (pick(seed, 0, 11)) {
	case 0:
		return graph_make_ring(pick(seed, 3, 8), 1);
	case 1:
		return graph_make_line(pick(seed, 1, 8), 2);
	case 2:
		return graph_make_ft2(4);
	case 3:
		return graph_make_ft3(4, 2 * pick(seed, 1, 2));
	case 4:
		return graph_make_torus(3, 3, 1, 1);
	case 5:
		return graph_make_two_trees(4);
	case 6:
		return graph_make_dragonfly(2, 1, 2);
	case 7:
		return graph_make_hyperx(3, 3, 1);
	case 8:
		return graph_make_star(5, 3);
	case 9:
		return graph_make_random(8, 4, 2, graph_random(seed));
	default:
		return make_sparse(seed);
	}
}

static void befall(struct made_graph *made, uint64_t *seed)
{
	unsigned n_links = pick(seed, 0, 3);

	if (!pick(seed, 0, 2))
		graph_remove_links(made, n_links, graph_random(seed));
	if (!pick(seed, 0, 5))
		graph_remove_switches(made, 1, graph_random(seed));
	if (!pick(seed, 0, 5))
		graph_multiply_cables(made, 2);
	if (!pick(seed, 0, 5))
		graph_set_lmc(made, (uint8_t)pick(seed, 1, 2));
	if (!pick(seed, 0, 5))
		graph_add_aggregation(made);
	if (!pick(seed, 0, 5))
		graph_add_hosts_on_spines(made, 1);
	if (!pick(seed, 0, 1))
		graph_shuffle_lids(made, graph_random(seed));
}

static void fill_tables(const struct graph *graph, struct tables *tables, uint64_t *seed)
{
	unsigned kind = pick(seed, 0, 7);
	unsigned n_spoilt = pick(seed, 0, 11);

	if (kind == 0)
		plain_tables_fill_noise(graph, tables, graph_random(seed));
	else if (kind < 5)
		plain_tables_fill_tree(graph, tables, graph_random(seed));
	else
		plain_tables_fill_short(graph, tables, graph_random(seed));
	if (pick(seed, 0, 3))
		plain_tables_spoil(graph, tables, n_spoilt, graph_random(seed));
}

static void proof_and_model_agree_on_many_fabrics(void **unused)
{
	unsigned seen[8] = { 0 };

	(void)unused;
	for (uint64_t round = 0; round < 2000; round++) {
		uint64_t seed = round;
		AUTO(graph_freep) struct made_graph *made = make_shape(&seed);
		AUTO(plain_tables_clear) struct tables tables = { 0 };
		struct proof proof;

		befall(made, &seed);
		tables = plain_tables_make(graph_of(made));
		fill_tables(graph_of(made), &tables, &seed);
		proof = check_tables(graph_of(made), &tables);
		seen[proof.complete + 2 * proof.loop_free + 4 * proof.deadlock_free]++;
	}
	/* Every kind of verdict was met. */
	assert_true(seen[0] && seen[2] && seen[3] && seen[4] && seen[6] && seen[7]);
}

static void switches_with_hundreds_of_cables_are_no_exception(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 6; seed++) {
		AUTO(graph_freep) struct made_graph *made = graph_make_ring(3, 4);
		AUTO(plain_tables_clear) struct tables tables = { 0 };

		graph_multiply_cables(made, 20 * (unsigned)seed);
		tables = plain_tables_make(graph_of(made));
		plain_tables_fill_short(graph_of(made), &tables, seed);
		plain_tables_spoil(graph_of(made), &tables, seed % 2 ? 5 : 0, seed);
		check_tables(graph_of(made), &tables);
	}
}

/* ---- by hand --------------------------------------------------------------------------------- */

static uint16_t lid_of(const struct graph *graph, uint32_t at, enum end_kind kind)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		if (graph->ends[i].at == at && graph->ends[i].kind == kind)
			return graph->ends[i].lid;
	fail_msg("switch %u has no such end", at);
	return 0;
}

static void set(struct tables *tables, uint32_t s, uint16_t lid, uint8_t port)
{
	tables->lft[s * tables->stride + lid] = port;
}

/* Every packet leaves by port 1 until it is there. */
static void fill_clockwise(const struct graph *graph, struct tables *tables)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		for (uint32_t s = 0; s < graph->n_switches; s++)
			set(tables, s, graph->ends[i].lid,
			    graph->ends[i].at == s ? graph->ends[i].port : 1);
}

static void a_ring_routed_clockwise_waits_in_a_circle(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(5, 1);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	struct proof proof;

	(void)unused;
	fill_clockwise(graph_of(made), &tables);
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof.complete);
	assert_true(proof.loop_free);
	assert_false(proof.deadlock_free);
	assert_int_equal(proof.cycle_length, 5);
	assert_int_equal(proof.cycle_port, 1);
	assert_false(proof_holds(&proof));
}

static void a_ring_that_is_cut_holds(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(5, 1);
	AUTO(plain_tables_clear) struct tables tables = { 0 };
	struct proof proof;

	(void)unused;
	graph_remove_links(made, 1, 3);
	tables = plain_tables_make(graph_of(made));
	plain_tables_fill_short(graph_of(made), &tables, 1);
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof_holds(&proof));
}

/* A ring of two leaves and two spines: all go clockwise, but only leaves have hosts. */
static void a_circle_that_only_switches_could_close_does_not_count(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 0);
	AUTO(plain_tables_clear) struct tables tables = { 0 };
	AUTO(plain_tables_clear) struct tables more = { 0 };
	struct proof proof;

	(void)unused;
	graph_add_hosts(made, 0, 1);
	graph_add_hosts(made, 2, 1);
	tables = plain_tables_make(graph_of(made));
	plain_tables_fill_short(graph_of(made), &tables, 1);
	for (uint32_t s = 0; s < 4; s++)
		for (uint32_t i = 0; i < graph_of(made)->n_ends; i++)
			if (graph_of(made)->ends[i].at == (s + 2) % 4)
				set(&tables, s, graph_of(made)->ends[i].lid, 1);
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof_holds(&proof));

	/* Hosts on the spines close it, and a SHARP aggregation node or router is a host in this.
	 */
	graph_add_end(made, 1, END_AGGREGATION);
	graph_add_end(made, 3, END_ROUTER);
	more = plain_tables_make(graph_of(made));
	fill_clockwise(graph_of(made), &more);
	proof = check_tables(graph_of(made), &more);
	assert_false(proof.deadlock_free);
	assert_int_equal(proof.cycle_length, 4);
}

static void two_switches_that_point_at_each_other_are_a_loop(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(3, 1);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	uint16_t lid = lid_of(graph_of(made), 0, END_HOST);
	struct proof proof;

	(void)unused;
	plain_tables_fill_short(graph_of(made), &tables, 1);
	set(&tables, 1, lid, 2); /* port 1 leads to switch 0, port 2 to switch 2 */
	proof = check_tables(graph_of(made), &tables);
	assert_false(proof.loop_free);
	assert_int_equal(proof.loop_switch, 1);
	assert_int_equal(proof.loop_lid, lid);
	assert_int_equal(proof.n_missing, 2);
	assert_false(proof.deadlock_free);
}

static void a_loop_among_switches_without_hosts_is_a_loop(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(4, 0);
	AUTO(plain_tables_clear) struct tables tables = { 0 };
	struct proof proof;
	uint16_t lid;

	(void)unused;
	graph_add_hosts(made, 0, 1);
	tables = plain_tables_make(graph_of(made));
	lid = lid_of(graph_of(made), 0, END_HOST);
	plain_tables_fill_short(graph_of(made), &tables, 1);
	set(&tables, 2, lid, 2);
	proof = check_tables(graph_of(made), &tables);
	assert_false(proof.loop_free);
	assert_int_equal(proof.loop_switch, 2);
	assert_true(proof.deadlock_free);
	assert_int_equal(proof.n_missing, 2);
}

static void a_switch_without_entry_swallows_what_comes_through_it(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(4, 1);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	uint16_t lid = lid_of(graph_of(made), 3, END_HOST);
	struct proof proof;

	(void)unused;
	plain_tables_fill_short(graph_of(made), &tables, 1);
	set(&tables, 1, lid, ROUTE_NONE);
	proof = check_tables(graph_of(made), &tables);
	assert_false(proof.complete);
	assert_int_equal(proof.n_missing, 2);
	assert_int_equal(proof.missing_switch, 0);
	assert_int_equal(proof.missing_lid, lid);
	assert_true(proof.loop_free);
	assert_true(proof.deadlock_free);
}

/* One entry of @s for @lid is @port: nothing else is wrong, and that many pairs fail. */
static void check_one_wrong(uint32_t s, uint16_t lid, uint8_t port, uint32_t n_missing)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(3, 2);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	struct proof proof;

	plain_tables_fill_short(graph_of(made), &tables, 1);
	set(&tables, s, lid, port);
	proof = check_tables(graph_of(made), &tables);
	assert_int_equal(proof.n_missing, n_missing);
	assert_int_equal(proof.missing_lid, lid);
	assert_true(proof.loop_free);
	assert_true(proof.deadlock_free);
}

static void a_wrong_exit_is_as_good_as_none(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(3, 2);
	const struct graph *graph = graph_of(made);
	uint16_t host = lid_of(graph, 0, END_HOST);
	uint16_t own = lid_of(graph, 0, END_SWITCH);

	(void)unused;
	check_one_wrong(0, host, 3, 3);   /* the host beside it */
	check_one_wrong(0, host, 0, 3);   /* the switch itself */
	check_one_wrong(0, host, 200, 3); /* a port that is not there */
	check_one_wrong(0, own, 2, 3);    /* a host, instead of port 0 */
	check_one_wrong(1, host, 0, 2);   /* port 0 of the wrong switch */
	check_one_wrong(1, host, 3, 2);   /* a host of the wrong switch */
	check_one_wrong(2, host, 254, 1);
}

static void entries_of_lids_that_are_nobodys_do_not_matter(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 0);
	AUTO(plain_tables_clear) struct tables tables = { 0 };
	struct proof proof;

	(void)unused;
	graph_add_hosts(made, 0, 3);
	graph_set_lmc(made, 2);
	tables = plain_tables_make(graph_of(made));
	plain_tables_fill_tree(graph_of(made), &tables, 1);
	for (uint16_t lid = 0; lid < 4; lid++)
		for (uint32_t s = 0; s < 4; s++)
			set(&tables, s, lid, 1);
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof_holds(&proof));
}

static void parts_that_no_cable_joins_need_not_reach_each_other(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_two_trees(4);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	struct proof proof;

	(void)unused;
	plain_tables_fill_short(graph_of(made), &tables, 1);
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof_holds(&proof));
}

/* Longer than what is settled a word at a time. */
static void a_long_way_among_switches_without_hosts_is_no_loop(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(60, 0);
	AUTO(plain_tables_clear) struct tables tables = { 0 };
	struct proof proof;

	(void)unused;
	graph_add_hosts(made, 59, 1);
	tables = plain_tables_make(graph_of(made));
	plain_tables_fill_short(graph_of(made), &tables, 1);
	assert_int_equal(proof_check(graph_of(made), &tables, &proof, NULL), 0);
	assert_true(proof_holds(&proof));
}

static void tables_that_end_early_are_incomplete(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_single(100);
	AUTO(plain_tables_clear) struct tables tables = { .stride = 64 };
	struct proof proof;

	(void)unused;
	tables.lft = calloc(1, tables.stride);
	for (uint16_t lid = 1; lid < 64; lid++)
		set(&tables, 0, lid, (uint8_t)lid);
	assert_int_equal(proof_check(graph_of(made), &tables, &proof, NULL), 0);
	assert_int_equal(proof.missing_lid, 64);
	assert_int_equal(proof.n_missing, 101 - 63);
}

static void nothing_at_all_holds(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_empty();
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	struct proof proof;

	(void)unused;
	proof = check_tables(graph_of(made), &tables);
	assert_true(proof_holds(&proof));
}

static void empty_tables_reach_nobody(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft2(4);
	AUTO(plain_tables_clear) struct tables tables = plain_tables_make(graph_of(made));
	struct proof proof;

	(void)unused;
	proof = check_tables(graph_of(made), &tables);
	assert_int_equal(proof.n_missing, 6 * (8 + 6));
	assert_int_equal(proof.missing_lid, 1);
	assert_int_equal(proof.missing_switch, 0);
}

static void planes_find_the_bytes_of_a_value(void **unused)
{
	uint64_t seed = 1;

	(void)unused;
	for (unsigned round = 0; round < 64; round++) {
		struct planes planes;
		uint8_t bytes[64];

		for (unsigned i = 0; i < 64; i++)
			bytes[i] = (uint8_t)(graph_random(&seed) >> round % 8);
		planes_load(bytes, &planes);
		for (unsigned value = 0; value < 256; value++) {
			uint64_t expected = 0;

			for (unsigned i = 0; i < 64; i++)
				expected |= (uint64_t)(bytes[i] == value) << planes_bit(i);
			assert_true(planes_equal(&planes, (uint8_t)value) == expected);
		}
	}
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(planes_bit(planes_bit(i)), i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(planes_find_the_bytes_of_a_value),
		cmocka_unit_test(proof_and_model_agree_on_many_fabrics),
		cmocka_unit_test(switches_with_hundreds_of_cables_are_no_exception),
		cmocka_unit_test(a_ring_routed_clockwise_waits_in_a_circle),
		cmocka_unit_test(a_ring_that_is_cut_holds),
		cmocka_unit_test(a_circle_that_only_switches_could_close_does_not_count),
		cmocka_unit_test(two_switches_that_point_at_each_other_are_a_loop),
		cmocka_unit_test(a_loop_among_switches_without_hosts_is_a_loop),
		cmocka_unit_test(a_switch_without_entry_swallows_what_comes_through_it),
		cmocka_unit_test(a_wrong_exit_is_as_good_as_none),
		cmocka_unit_test(entries_of_lids_that_are_nobodys_do_not_matter),
		cmocka_unit_test(parts_that_no_cable_joins_need_not_reach_each_other),
		cmocka_unit_test(a_long_way_among_switches_without_hosts_is_no_loop),
		cmocka_unit_test(tables_that_end_early_are_incomplete),
		cmocka_unit_test(nothing_at_all_holds),
		cmocka_unit_test(empty_tables_reach_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
