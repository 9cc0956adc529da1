/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From tables to other tables, a write at a time and in any order that rounds leave: few cases by
 * hand that say which LIDs are withdrawn, or have rounds, and why, and many at random, where after
 * each write somebody who knows nothing of transitions walks from every switch to every LID and
 * looks whether cables wait for each other. The same writes without the transition go wrong often
 * enough.
 */

#include "routing/transition.h"
#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

enum { NOBODY = UINT32_MAX };

static bool is_in(const struct transition *transition, uint32_t lid)
{
	return transition->withdrawn && transition->withdrawn[lid / 64] >> lid % 64 & 1;
}

/* ---- the judge ------------------------------------------------------------------------------- */

enum verdict { SAFE, LOOP, DEADLOCK };

static uint32_t next_arc(const struct graph *graph, const struct tables *tables, uint32_t s,
			 uint32_t lid)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == tables->lft[s * tables->stride + lid])
			return a;
	return NOBODY;
}

static bool sends(const struct graph *graph, uint32_t s)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		if (graph->ends[i].at == s && graph->ends[i].kind != END_SWITCH)
			return true;
	return false;
}

/* Packets from @s to @lid; false if they never end. @waits[a * n_arcs + b]: by a, and then by b. */
static bool walk(const struct graph *graph, const struct tables *tables, uint32_t s, uint32_t lid,
		 bool *waits)
{
	uint32_t before = NOBODY;

	for (uint32_t hop = 0; hop <= graph->n_switches; hop++) {
		uint32_t a = next_arc(graph, tables, s, lid);

		if (a == NOBODY)
			return true;
		if (before != NOBODY && waits)
			waits[(size_t)before * graph->n_arcs + a] = true;
		before = a;
		s = graph->arcs[a].to;
	}
	return false;
}

/* Arcs that wait for nobody are struck out until none does, or none is left. */
static bool is_cyclic(uint32_t n_arcs, const bool *waits)
{
	AUTO(freep) bool *gone = calloc(n_arcs + 1, sizeof(*gone));
	uint32_t left = n_arcs;
	bool progress = true;

	assert_non_null(gone);
	while (progress) {
		progress = false;
		for (uint32_t a = 0; a < n_arcs; a++) {
			bool stuck = false;

			for (uint32_t b = 0; b < n_arcs && !gone[a]; b++)
				stuck |= waits[(size_t)a * n_arcs + b] && !gone[b];
			if (gone[a] || stuck)
				continue;
			gone[a] = true;
			left--;
			progress = true;
		}
	}
	return left;
}

static enum verdict judge(const struct graph *graph, const struct tables *tables)
{
	size_t n = (size_t)graph->n_arcs * graph->n_arcs;
	AUTO(freep) bool *waits = calloc(n + 1, sizeof(*waits));

	assert_non_null(waits);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		bool counts = sends(graph, s);

		for (uint32_t lid = 1; lid < tables->stride; lid++)
			if (!walk(graph, tables, s, lid, counts ? waits : NULL))
				return LOOP;
	}
	return is_cyclic(graph->n_arcs, waits) ? DEADLOCK : SAFE;
}

/* ---- writing --------------------------------------------------------------------------------- */

static struct tables copy_of(const struct graph *graph, const struct tables *tables)
{
	struct tables copy = plain_tables_make(graph);

	assert_int_equal(copy.stride, tables->stride);
	memcpy(copy.lft, tables->lft, graph->n_switches * tables->stride);
	return copy;
}

/* What the first stage is to leave: @held, but for changed entries of withdrawn LIDs. */
static void withdraw(const struct graph *graph, const struct tables *held,
		     const struct tables *planned, const struct transition *transition,
		     struct tables *ret)
{
	for (size_t i = 0; i < graph->n_switches * held->stride; i++)
		ret->lft[i] = held->lft[i] != planned->lft[i] &&
					      is_in(transition, (uint32_t)(i % held->stride))
				      ? ROUTE_NONE
				      : held->lft[i];
}

static void shuffle(uint32_t *order, uint32_t n, uint64_t *seed)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = (uint32_t)(graph_random(seed) % (i + 1));

		order[i] = order[j];
		order[j] = i;
	}
}

static unsigned write_one(const struct graph *graph, struct tables *now, const struct tables *goal,
			  size_t at, size_t size, unsigned seen[static 3])
{
	enum verdict verdict;

	if (!memcmp(now->lft + at, goal->lft + at, size))
		return 0;
	memcpy(now->lft + at, goal->lft + at, size);
	verdict = judge(graph, now);
	seen[verdict]++;
	return verdict != SAFE;
}

/*
 * @now becomes @goal, @size LIDs of one switch at a time, round by round, in random order within
 * each. How many states on the way are not safe; @seen counts them by verdict.
 */
static unsigned write_all(const struct graph *graph, struct tables *now, const struct tables *goal,
			  const struct rounds *rounds, size_t size, uint64_t *seed,
			  unsigned seen[static 3])
{
	uint32_t n = (uint32_t)(graph->n_switches * now->stride / size);
	AUTO(freep) uint32_t *order = calloc(n + 1, sizeof(*order));
	unsigned bad = 0;

	assert_non_null(order);
	for (unsigned round = 0; round <= rounds->last; round++) {
		shuffle(order, n, seed);
		for (uint32_t i = 0; i < n; i++) {
			size_t at = order[i] * size;
			uint32_t s = (uint32_t)(at / now->stride);

			if (rounds_at(rounds, s, (uint32_t)(at % now->stride / 64)) == round)
				bad += write_one(graph, now, goal, at, size, seen);
		}
	}
	return bad;
}

static const struct rounds no_rounds = { .of = NULL };

/* ---- by hand --------------------------------------------------------------------------------- */

static void set(const struct tables *tables, uint32_t s, uint32_t lid, uint8_t port)
{
	tables->lft[s * tables->stride + lid] = port;
}

/* All LIDs of what is at switch @to leave @s by @port; at @to itself by their own. */
static void send(const struct graph *graph, const struct tables *tables, uint32_t s, uint32_t to,
		 uint8_t port)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		if (graph->ends[i].at == to)
			set(tables, s, graph->ends[i].lid, s == to ? graph->ends[i].port : port);
}

static struct transition plan(const struct graph *graph, const struct tables *held,
			      const struct tables *planned)
{
	AUTO(turns_clear) struct turns turns = { 0 };
	struct transition transition;
	struct proof proof;

	assert_int_equal(proof_check(graph, planned, &proof, &turns), 0);
	assert_true(proof_holds(&proof));
	assert_int_equal(transition_plan(graph, held, planned, &turns, &transition), 0);
	return transition;
}

static unsigned count_in(const struct graph *graph, const struct transition *transition, uint32_t s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < graph->n_ends; i++)
		n += graph->ends[i].at == s && is_in(transition, graph->ends[i].lid);
	return n;
}

/* On a ring, as if the cable from switch @gap on to the next were out. Port 1 leads clockwise. */
static struct tables cut_ring(const struct graph *graph, uint32_t gap)
{
	struct tables tables = plain_tables_make(graph);
	uint32_t n = graph->n_switches;

	for (uint32_t s = 0; s < n; s++)
		for (uint32_t to = 0; to < n; to++) {
			uint32_t place = (s + n - gap - 1) % n;
			uint32_t to_place = (to + n - gap - 1) % n;

			send(graph, &tables, s, to, place < to_place ? 1 : 2);
		}
	return tables;
}

static void the_same_tables_need_nothing(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(5, 1);
	AUTO(plain_tables_clear) struct tables tables = cut_ring(graph_of(made), 2);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	transition = plan(graph_of(made), &tables, &tables);
	assert_null(transition.withdrawn);
	assert_int_equal(transition.n_changed, 0);
}

static void empty_tables_need_nothing(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(5, 1);
	AUTO(plain_tables_clear) struct tables held = plain_tables_make(graph_of(made));
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 2);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	transition = plan(graph_of(made), &held, &planned);
	assert_null(transition.withdrawn);
	assert_int_equal(transition.n_changed, 0);
}

/*
 * A ring of four as a line from 0 to 3, and then as one from 1 over 2 and 3 to 0. What is on
 * switch 0 was to the left of 1 and 2, and is to the right then: 1 with the new entry and 2 with
 * the old one send it to each other. So 2 is written before 1, and 3 before 2. All others can
 * change as they like, but they are in the same block.
 */
static void who_would_go_to_and_fro_is_written_outward(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 0);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 8);
	assert_int_equal(transition.n_withdrawn, 0);
	assert_int_equal(transition.n_ordered, 2);
	assert_int_equal(transition.rounds.last, 2);
	for (uint32_t s = 0; s < 4; s++)
		assert_int_equal(rounds_at(&transition.rounds, s, 0), s ? 3 - s : 0);
}

/*
 * As before, and the same for what was on switch 3 and goes the other way round: of 1 and 2, which
 * have both in one block, each would have to be first.
 */
static void who_contradicts_the_order_of_others_is_withdrawn(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 3);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	/* Nobody's LIDs any more: 40 led by 2 and 1 to 0 and is to lead back; 41 the same mirrored.
	 */
	for (uint32_t s = 1; s < 3; s++) {
		set(&held, s, 40, 2);
		set(&planned, s, 40, 1);
		set(&held, s, 41, 1);
		set(&planned, s, 41, 2);
	}
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 2);
	assert_int_equal(transition.n_ordered, 1);
	assert_int_equal(transition.n_withdrawn, 1);
	assert_true(is_in(&transition, 41));
	assert_int_equal(rounds_at(&transition.rounds, 1, 0), 1);
	assert_int_equal(rounds_at(&transition.rounds, 2, 0), 0);
}

/* A switch that had no way opens one into old entries: it waits for what is behind it as well. */
static void a_way_that_is_new_waits_for_what_is_behind_it(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 3);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	/* From 2 over 1, which has no way, to 0; and then from 0 over 1 to 2, and on to 3. */
	set(&held, 2, 40, 2);
	for (uint32_t s = 0; s < 3; s++)
		set(&planned, s, 40, 1);
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 1);
	assert_int_equal(transition.n_ordered, 1);
	assert_int_equal(rounds_at(&transition.rounds, 0, 0), 2);
	assert_int_equal(rounds_at(&transition.rounds, 1, 0), 1);
	assert_int_equal(rounds_at(&transition.rounds, 2, 0), 0);
}

/* What switches send goes there to and fro, and so it would until the last round. */
static void an_old_loop_that_no_host_sends_into_is_withdrawn(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 0);
	AUTO(plain_tables_clear) struct tables held = { 0 };
	AUTO(plain_tables_clear) struct tables planned = { 0 };
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	graph_add_hosts(made, 0, 1);
	held = cut_ring(graph_of(made), 3);
	planned = cut_ring(graph_of(made), 3);
	/* Between 2 and 3, and then from 3 over 2 and 1 to 0. */
	set(&held, 2, 40, 1);
	set(&held, 3, 40, 2);
	for (uint32_t s = 1; s < 4; s++)
		set(&planned, s, 40, 2);
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 1);
	assert_true(is_in(&transition, 40));
}

/* A line of @n that sends a LID to one end, and then to the other. */
static struct transition turn_line(unsigned n)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(n, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), n - 1);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), n - 1);

	for (uint32_t s = 0; s < n; s++) {
		set(&held, s, 60, s < n - 1 ? 1 : 9);
		set(&planned, s, 60, s > 0 ? 2 : 9);
	}
	return plan(graph_of(made), &held, &planned);
}

static void there_are_sixteen_rounds_and_no_more(void **unused)
{
	AUTO(transition_clear) struct transition most = turn_line(16);
	AUTO(transition_clear) struct transition more = turn_line(17);

	(void)unused;
	assert_int_equal(most.n_ordered, 1);
	assert_int_equal(most.rounds.last, 15);
	assert_int_equal(more.n_withdrawn, 1);
	assert_null(more.rounds.of);
}

/* Shortest ways on a ring of four: to the far side, from @first and the next clockwise. */
static struct tables short_ring(const struct graph *graph, uint32_t first)
{
	struct tables tables = plain_tables_make(graph);

	for (uint32_t s = 0; s < 4; s++) {
		send(graph, &tables, s, s, 0);
		send(graph, &tables, s, (s + 1) % 4, 1);
		send(graph, &tables, s, (s + 3) % 4, 2);
		send(graph, &tables, s, (s + 2) % 4, (s + 4 - first) % 4 < 2 ? 1 : 2);
	}
	return tables;
}

/*
 * Clockwise went what came from 0 and 1, and goes then what comes from 2 and 3; the other way round
 * it is the others. Nothing can go in a circle, as only the first entry of a way changes. But old
 * and new ways together wait for each other all around. Three of four turns are no circle: the last
 * old one clockwise is that to 3, the last one the other way round that to 1.
 */
static void whose_ways_would_close_a_circle_of_waiting_is_withdrawn(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = short_ring(graph_of(made), 0);
	AUTO(plain_tables_clear) struct tables planned = short_ring(graph_of(made), 2);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 8);
	assert_int_equal(transition.n_withdrawn, 4);
	assert_int_equal(count_in(graph_of(made), &transition, 1), 2);
	assert_int_equal(count_in(graph_of(made), &transition, 3), 2);
}

/* The same, but hosts are on 0 and 1 alone: what switches send makes nobody wait. */
static void who_never_comes_to_wait_need_not_be_withdrawn(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 0);
	AUTO(plain_tables_clear) struct tables held = { 0 };
	AUTO(plain_tables_clear) struct tables planned = { 0 };
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	graph_add_hosts(made, 0, 1);
	graph_add_hosts(made, 1, 1);
	held = short_ring(graph_of(made), 0);
	planned = short_ring(graph_of(made), 2);
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 6);
	assert_int_equal(transition.n_withdrawn, 0);
}

/*
 * In a tree old and new ways of what hosts send go up and then down. But the spine that lost the
 * cable sends back down what would have left by it; and a leaf that has not heard sends it up again
 * to the same spine. So hosts behind the cable to which ways led by it have rounds, and the spine
 * itself, which other spines see down and up; nobody has to be withdrawn.
 */
static void a_tree_that_loses_a_cable_is_written_in_rounds(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft2(8);
	AUTO(plain_tables_clear) struct tables held = plain_tables_make(graph_of(made));
	AUTO(plain_tables_clear) struct tables planned = plain_tables_make(graph_of(made));
	AUTO(transition_clear) struct transition transition = { 0 };
	const struct graph *graph;
	const char *why;

	(void)unused;
	assert_int_equal(engine_updn.route(graph_of(made), &held, &why, NULL), 0);
	graph_remove_links(made, 1, 7);
	graph = graph_of(made);
	assert_int_equal(engine_updn.route(graph, &planned, &why, NULL), 0);
	transition = plan(graph, &held, &planned);
	assert_int_equal(transition.n_withdrawn, 0);
	assert_in_range(transition.n_ordered, 1, 4);
	assert_in_range(transition.rounds.last, 1, 4);
	assert_true(transition.n_changed > 4 * transition.n_ordered);
}

/* Nobody owns it, and somebody may send to it all the same. */
static void a_lid_that_has_left_counts(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 3);
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	/* Both have gone along the line to its ends, and one of them still goes round. */
	for (uint32_t s = 0; s < 4; s++) {
		set(&held, s, 40, s < 3 ? 1 : 9);
		set(&held, s, 41, 1);
	}
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 2);
	assert_int_equal(transition.n_withdrawn, 1);
	assert_true(is_in(&transition, 41));
}

/* The tables that are held go on where the planned ones end. */
static void lids_beyond_the_planned_tables_count(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables planned = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables held = { .stride = 192 };
	AUTO(transition_clear) struct transition transition = { 0 };

	(void)unused;
	assert_int_equal(planned.stride, 64);
	held.lft = malloc(4 * held.stride);
	assert_non_null(held.lft);
	memset(held.lft, ROUTE_NONE, 4 * held.stride);
	for (uint32_t s = 0; s < 4; s++) {
		set(&held, s, 150, s < 3 ? 1 : 9);
		set(&held, s, 151, 1);
	}
	transition = plan(graph_of(made), &held, &planned);
	assert_int_equal(transition.n_changed, 2);
	assert_int_equal(transition.n_withdrawn, 1);
	assert_true(is_in(&transition, 151));
}

static void turns_with_a_cycle_are_no_proof(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	AUTO(plain_tables_clear) struct tables held = cut_ring(graph_of(made), 3);
	AUTO(plain_tables_clear) struct tables planned = plain_tables_make(graph_of(made));
	AUTO(turns_clear) struct turns turns = { 0 };
	struct transition transition;
	struct proof proof;

	(void)unused;
	for (uint32_t s = 0; s < 4; s++)
		for (uint32_t to = 0; to < 4; to++)
			send(graph_of(made), &planned, s, to, 1);
	assert_int_equal(proof_check(graph_of(made), &planned, &proof, &turns), 0);
	assert_false(proof.deadlock_free);
	assert_int_equal(transition_plan(graph_of(made), &held, &planned, &turns, &transition),
			 -EINVAL);
}

/* ---- many fabrics ---------------------------------------------------------------------------- */

static unsigned pick(uint64_t *seed, unsigned from, unsigned to)
{
	return from + (unsigned)(graph_random(seed) % (to - from + 1));
}

static struct made_graph *make_shape(unsigned shape, uint64_t seed)
{
	switch (shape) {
	case 0:
		return graph_make_ring(4 + (unsigned)(seed % 5), 1);
	case 1:
		return graph_make_ft2(4);
	case 2:
		return graph_make_ft3(4, 2);
	case 3:
		return graph_make_torus(3, 3, 1, 1);
	case 4:
		return graph_make_dragonfly(2, 1, 1);
	case 5:
		return graph_make_hyperx(3, 2, 1);
	default:
		return graph_make_random(5 + (unsigned)(seed % 5), 4, 1, seed);
	}
}

/* Two fabrics of the same switches and ends: cables, LIDs or roots may differ. */
struct pair {
	struct made_graph *before;
	struct made_graph *after;
};

static void pair_clear(struct pair *pair)
{
	graph_free(pair->before);
	graph_free(pair->after);
}

static void befall(struct made_graph *made, uint64_t *seed)
{
	uint32_t root = (uint32_t)(graph_random(seed) % graph_of(made)->n_switches);

	if (pick(seed, 0, 3))
		graph_remove_links(made, pick(seed, 0, 3), graph_random(seed));
	if (!pick(seed, 0, 2))
		graph_set_roots(made, &root, 1);
	if (!pick(seed, 0, 9))
		graph_shuffle_lids(made, graph_random(seed));
}

static struct pair make_pair(uint64_t *seed)
{
	unsigned shape = pick(seed, 0, 7);
	uint64_t form = graph_random(seed);
	struct pair pair = { make_shape(shape, form), make_shape(shape, form) };

	befall(pair.before, seed);
	befall(pair.after, seed);
	return pair;
}

static void route(const struct graph *graph, struct tables *tables, uint64_t *seed,
		  struct turns *turns)
{
	struct route_result result;
	const char *const names[] = { "auto", "minhop", "updn", "ftree" };

	assert_int_equal(route_fabric(names[pick(seed, 0, 3)], graph, tables, &result, turns, NULL),
			 0);
	lanes_clear(&result.lanes);
}

/* Of an engine; of one that chooses at random; or of nobody. */
static void hold(const struct graph *graph, struct tables *tables, uint64_t *seed)
{
	unsigned kind = pick(seed, 0, 9);

	if (kind < 6)
		route(graph, tables, seed, NULL);
	else if (kind < 9)
		plain_tables_fill_tree(graph, tables, graph_random(seed));
	else
		plain_tables_fill_noise(graph, tables, graph_random(seed));
	if (!pick(seed, 0, 3))
		plain_tables_spoil(graph, tables, pick(seed, 1, 3), graph_random(seed));
}

static uint8_t entry_of(const struct tables *tables, uint32_t s, size_t lid)
{
	return lid < tables->stride ? tables->lft[s * tables->stride + lid] : ROUTE_NONE;
}

static struct patch patch_between(const struct graph *graph, const struct tables *held,
				  const struct tables *planned)
{
	struct patch patch = { 0 };

	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (size_t lid = 0; lid < planned->stride; lid++)
			if (entry_of(held, s, lid) != entry_of(planned, s, lid))
				assert_int_equal(
					patch_add(&patch, s, (uint16_t)lid, entry_of(held, s, lid)),
					0);
	patch_sort(&patch);

	return patch;
}

/* From what is planned and the entries that differ comes the same as from both tables. */
static void assert_same_again(const struct graph *graph, const struct tables *held,
			      const struct tables *planned, const struct turns *turns,
			      const struct transition *expected)
{
	AUTO(patch_clear) struct patch patch = patch_between(graph, held, planned);
	AUTO(transition_clear) struct transition again = { 0 };

	assert_int_equal(transition_plan_again(graph, planned, &patch, turns, &again), 0);
	assert_int_equal(again.n_changed, expected->n_changed);
	assert_int_equal(again.n_ordered, expected->n_ordered);
	assert_int_equal(again.n_withdrawn, expected->n_withdrawn);
	assert_int_equal(!again.withdrawn, !expected->withdrawn);
	if (again.withdrawn)
		assert_memory_equal(again.withdrawn, expected->withdrawn, 65536 / 8);
	assert_int_equal(again.rounds.last, expected->rounds.last);
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t block = 0; block < planned->stride / 64; block++)
			assert_int_equal(rounds_at(&again.rounds, s, block),
					 rounds_at(&expected->rounds, s, block));
}

struct tally {
	unsigned with[3], without[3]; /* states met, by verdict */
	unsigned unordered[3];        /* those without rounds, but withdrawn LIDs are */
	unsigned n_changed, n_ordered, n_withdrawn;
	unsigned n_mixed; /* rounds with LIDs of all three classes */
	unsigned last;    /* round that was met */
	unsigned n_bad;   /* rounds that began with bad tables */
};

static void try_round(uint64_t round, struct tally *tally)
{
	static const size_t sizes[] = { 1, 4, 64 };
	uint64_t seed = round;
	AUTO(pair_clear) struct pair pair = make_pair(&seed);
	const struct graph *graph = graph_of(pair.after);
	AUTO(plain_tables_clear) struct tables held = plain_tables_make(graph_of(pair.before));
	AUTO(plain_tables_clear) struct tables planned = plain_tables_make(graph);
	AUTO(plain_tables_clear) struct tables middle = plain_tables_make(graph);
	AUTO(plain_tables_clear) struct tables now = { 0 };
	AUTO(plain_tables_clear) struct tables blind = { 0 };
	AUTO(plain_tables_clear) struct tables hasty = { 0 };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(transition_clear) struct transition transition = { 0 };
	size_t size = sizes[pick(&seed, 0, 2)];
	unsigned unused[3] = { 0 };
	bool good;

	hold(graph_of(pair.before), &held, &seed);
	route(graph, &planned, &seed, &turns);
	now = copy_of(graph, &held);
	blind = copy_of(graph, &held);
	good = judge(graph, &held) == SAFE;
	assert_int_equal(transition_plan(graph, &held, &planned, &turns, &transition), 0);
	if (held.stride <= planned.stride)
		assert_same_again(graph, &held, &planned, &turns, &transition);
	withdraw(graph, &held, &planned, &transition, &middle);

	/* Of tables that were bad nobody knows what writing one block of them does. */
	if (write_all(graph, &now, &middle, &no_rounds, size, &seed, good ? tally->with : unused) &&
	    good)
		fail_msg("round %lu: bad while LIDs are withdrawn", (unsigned long)round);
	if (judge(graph, &now) != SAFE)
		fail_msg("round %lu: bad when LIDs are withdrawn", (unsigned long)round);
	hasty = copy_of(graph, &now);
	if (write_all(graph, &now, &planned, &transition.rounds, size, &seed, tally->with))
		fail_msg("round %lu: bad while tables are written", (unsigned long)round);
	assert_memory_equal(now.lft, planned.lft, graph->n_switches * planned.stride);
	if (good)
		write_all(graph, &blind, &planned, &no_rounds, size, &seed, tally->without);
	if (transition.rounds.last)
		write_all(graph, &hasty, &planned, &no_rounds, size, &seed, tally->unordered);
	tally->n_bad += !good;
	tally->n_changed += transition.n_changed;
	tally->n_ordered += transition.n_ordered;
	tally->n_withdrawn += transition.n_withdrawn;
	tally->n_mixed += transition.n_ordered && transition.n_withdrawn &&
			  transition.n_changed > transition.n_ordered + transition.n_withdrawn;
	tally->last = MAX(tally->last, transition.rounds.last);
}

static void no_order_of_writes_goes_wrong(void **unused)
{
	struct tally tally = { 0 };

	(void)unused;
	for (uint64_t round = 0; round < 1500; round++)
		try_round(round, &tally);
	/* Without, it would; not all that changes is withdrawn; and all kinds were met. */
	assert_true(tally.without[LOOP] > 100);
	assert_true(tally.without[DEADLOCK] > 20);
	assert_int_equal(tally.with[LOOP] + tally.with[DEADLOCK], 0);
	assert_true(tally.with[SAFE] > 10000);
	assert_true(tally.unordered[LOOP] > 100);
	assert_true(tally.unordered[DEADLOCK] > 20);
	assert_in_range(tally.n_withdrawn, 100, tally.n_changed / 2);
	assert_in_range(tally.n_ordered, 100, tally.n_changed / 2);
	assert_true(tally.n_mixed > 20);
	assert_true(tally.last > 3);
}

/* ---- garbage --------------------------------------------------------------------------------- */

/* @tables with as many LIDs as @stride; none of those that come to it has a way. */
static struct tables widen(const struct graph *graph, const struct tables *tables, size_t stride)
{
	struct tables wide = { malloc(graph->n_switches * stride), stride };

	assert_non_null(wide.lft);
	memset(wide.lft, ROUTE_NONE, graph->n_switches * stride);
	for (uint32_t s = 0; s < graph->n_switches; s++)
		memcpy(wide.lft + s * stride, tables->lft + s * tables->stride,
		       MIN(stride, tables->stride));
	return wide;
}

/* What nobody has planned: any bytes, cables that there are, one port for all, or few others. */
static void scribble(const struct graph *graph, struct tables *held, uint64_t *seed)
{
	unsigned kind = pick(seed, 0, 3);
	unsigned port = pick(seed, 0, 255);

	for (size_t i = 0; i < graph->n_switches * held->stride; i++) {
		uint32_t s = (uint32_t)(i / held->stride);
		uint32_t degree = graph->arc_first[s + 1] - graph->arc_first[s];
		uint32_t turn = (uint32_t)(graph_random(seed) % MAX(degree, 1u));

		if (kind == 0)
			held->lft[i] = (uint8_t)graph_random(seed);
		else if (kind == 1 && degree)
			held->lft[i] = graph->arcs[graph->arc_first[s] + turn].port;
		else if (kind == 2)
			held->lft[i] = (uint8_t)port;
		else if (!pick(seed, 0, 20))
			held->lft[i] = (uint8_t)pick(seed, 0, 40);
	}
}

static bool is_all_of(const struct graph *graph, const struct transition *transition, size_t stride)
{
	uint32_t n = 0;

	for (uint32_t lid = 0; lid < 65536; lid++) {
		n += is_in(transition, lid);
		if (is_in(transition, lid) && lid >= stride)
			return false;
	}
	for (uint32_t s = 0; transition->rounds.of && s < graph->n_switches; s++)
		for (uint32_t block = 0; block < transition->rounds.n_blocks; block++)
			if (rounds_at(&transition->rounds, s, block) > transition->rounds.last)
				return false;
	return n == transition->n_withdrawn && transition->n_ordered + n <= transition->n_changed &&
	       transition->n_changed <= stride;
}

/* Whatever switches hold, and of however many LIDs: what is left when it is withdrawn is safe. */
static void try_garbage(uint64_t round, unsigned *n_withdrawn)
{
	uint64_t seed = round;
	AUTO(pair_clear) struct pair pair = make_pair(&seed);
	const struct graph *graph = graph_of(pair.after);
	AUTO(plain_tables_clear) struct tables planned = plain_tables_make(graph);
	AUTO(plain_tables_clear) struct tables wide = { 0 };
	AUTO(plain_tables_clear) struct tables held = { 0 };
	AUTO(plain_tables_clear) struct tables now = { 0 };
	AUTO(plain_tables_clear) struct tables middle = { 0 };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(transition_clear) struct transition transition = { 0 };
	size_t most;

	route(graph, &planned, &seed, &turns);
	held = widen(graph, &planned, 64 * pick(&seed, 1, 3));
	scribble(graph, &held, &seed);
	assert_int_equal(transition_plan(graph, &held, &planned, &turns, &transition), 0);
	most = MAX(held.stride, planned.stride);
	assert_true(is_all_of(graph, &transition, most));
	wide = widen(graph, &planned, most);
	now = widen(graph, &held, most);
	middle = widen(graph, &held, most);
	withdraw(graph, &now, &wide, &transition, &middle);
	if (judge(graph, &middle) != SAFE)
		fail_msg("round %lu: bad when LIDs are withdrawn", (unsigned long)round);
	*n_withdrawn += transition.n_withdrawn;
}

static void garbage_of_any_size_is_withdrawn(void **unused)
{
	unsigned n_withdrawn = 0;

	(void)unused;
	for (uint64_t round = 0; round < 600; round++)
		try_garbage(round, &n_withdrawn);
	assert_true(n_withdrawn > 1000);
}

static void the_same_tables_give_the_same_transition(void **unused)
{
	(void)unused;
	for (uint64_t round = 0; round < 20; round++) {
		struct transition both[2];

		for (unsigned i = 0; i < 2; i++) {
			uint64_t seed = round;
			AUTO(pair_clear) struct pair pair = make_pair(&seed);
			const struct graph *graph = graph_of(pair.after);
			AUTO(plain_tables_clear) struct tables held = plain_tables_make(graph);
			AUTO(plain_tables_clear) struct tables planned = plain_tables_make(graph);

			plain_tables_fill_short(graph_of(pair.before), &held, round);
			plain_tables_fill_tree(graph, &planned, round);
			both[i] = plan(graph, &held, &planned);
		}
		assert_int_equal(both[0].n_withdrawn, both[1].n_withdrawn);
		assert_int_equal(both[0].n_ordered, both[1].n_ordered);
		for (uint32_t lid = 0; lid < 65536; lid++)
			assert_int_equal(is_in(&both[0], lid), is_in(&both[1], lid));
		transition_clear(&both[0]);
		transition_clear(&both[1]);
	}
}

/* Nothing else stands in the way of a line that becomes shorter by one switch. */
static void who_leaves_by_a_link_that_leads_to_the_unknown_is_withdrawn(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ring(4, 1);
	struct graph graph = *graph_of(made);
	AUTO(plain_tables_clear) struct tables held = cut_ring(&graph, 1);
	AUTO(plain_tables_clear) struct tables planned = copy_of(&graph, &held);
	uint64_t blind[4 * 4] = { 0 };
	uint16_t lid = graph.ends[0].lid;

	(void)state;
	/* Switch 3 has sent it by a port that has no arc. */
	set(&held, 3, lid, 9);
	AUTO(transition_clear) struct transition free_to_go = plan(&graph, &held, &planned);
	assert_false(is_in(&free_to_go, lid));
	graph.blind = blind;
	blind[3 * 4] = UINT64_C(1) << 9;
	AUTO(transition_clear) struct transition withdrawn = plan(&graph, &held, &planned);
	assert_true(is_in(&withdrawn, lid));
	assert_int_equal(withdrawn.n_withdrawn, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_tables_need_nothing),
		cmocka_unit_test(empty_tables_need_nothing),
		cmocka_unit_test(who_would_go_to_and_fro_is_written_outward),
		cmocka_unit_test(who_contradicts_the_order_of_others_is_withdrawn),
		cmocka_unit_test(a_way_that_is_new_waits_for_what_is_behind_it),
		cmocka_unit_test(an_old_loop_that_no_host_sends_into_is_withdrawn),
		cmocka_unit_test(there_are_sixteen_rounds_and_no_more),
		cmocka_unit_test(whose_ways_would_close_a_circle_of_waiting_is_withdrawn),
		cmocka_unit_test(who_never_comes_to_wait_need_not_be_withdrawn),
		cmocka_unit_test(a_tree_that_loses_a_cable_is_written_in_rounds),
		cmocka_unit_test(a_lid_that_has_left_counts),
		cmocka_unit_test(lids_beyond_the_planned_tables_count),
		cmocka_unit_test(turns_with_a_cycle_are_no_proof),
		cmocka_unit_test(no_order_of_writes_goes_wrong),
		cmocka_unit_test(garbage_of_any_size_is_withdrawn),
		cmocka_unit_test(who_leaves_by_a_link_that_leads_to_the_unknown_is_withdrawn),
		cmocka_unit_test(the_same_tables_give_the_same_transition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
