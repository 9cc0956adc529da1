/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Tables after a change are those that the engine makes from scratch, and the proof of the change
 * is worth what the whole proof is worth. Fabrics lose cables, get them back, and hosts come; what
 * the engine will not do again it has to leave as it is.
 */

#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"
#include "routing/past.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- memory that runs out -------------------------------------------------------------------- */

static unsigned until_full; /* so many times there is some; 0: always */

static bool is_full(void)
{
	return until_full > 0 && --until_full == 0;
}

int __real_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was);
int __wrap_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was);

int __wrap_patch_add(struct patch *patch, uint32_t row, uint16_t lid, uint8_t was)
{
	return is_full() ? -ENOMEM : __real_patch_add(patch, row, lid, was);
}

struct filler *__real_filler_new(const struct layout *layout, const struct block *block);
struct filler *__wrap_filler_new(const struct layout *layout, const struct block *block);

struct filler *__wrap_filler_new(const struct layout *layout, const struct block *block)
{
	return is_full() ? NULL : __real_filler_new(layout, block);
}

/* What is in use. */
struct use {
	struct past past;
	struct tables tables;
	struct turns turns;
	struct patch patch;
};

static void use_clear(struct use *use)
{
	past_clear(&use->past);
	free(use->tables.lft);
	turns_clear(&use->turns);
	patch_clear(&use->patch);
}

static struct use start_by(const char *engine, const struct graph *graph)
{
	struct use use = { .tables = plain_tables_rubbish(graph) };
	struct route_result result;

	assert_int_equal(route_fabric(engine, graph, &use.tables, &result, &use.turns, &use.past),
			 0);
	lanes_clear(&result.lanes);

	return use;
}

static struct use start(const struct graph *graph)
{
	return start_by("auto", graph);
}

/* From scratch. */
static struct tables route(const char *engine, const struct graph *graph)
{
	struct tables tables = plain_tables_rubbish(graph);
	struct route_result result;

	assert_int_equal(route_fabric(engine, graph, &tables, &result, NULL, NULL), 0);
	lanes_clear(&result.lanes);

	return tables;
}

/* ---- what happens ---------------------------------------------------------------------------- */

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

static struct made_graph *with_several_lids(void)
{
	struct made_graph *made = graph_make_ft3(8, 8);

	graph_set_lmc(made, 2);
	return made;
}

static struct made_graph *with_devices_of_two_ports(void)
{
	struct made_graph *made = graph_make_ft3(8, 8);

	graph_join_devices(made, 2, 3);
	return made;
}

static struct made_graph *with_more_than_one_block(void)
{
	return graph_make_ft3(20, 14);
}

static struct made_graph *torus(void)
{
	return graph_make_torus(4, 4, 4, 2);
}

static struct made_graph *(*const fabrics[])(void) = {
	two_levels,
	three_levels,
	parallel_cables,
	with_several_lids,
	with_devices_of_two_ports,
	with_more_than_one_block,
	torus,
};

/* @n of them, or fewer. */
static void switch_off(struct made_graph *made, unsigned n, uint64_t seed)
{
	uint32_t n_switches = graph_of(made)->n_switches;

	while (n--)
		graph_set_away(made, (uint32_t)(graph_random(&seed) % n_switches), true);
}

/* The fabric after @change. */
static struct made_graph *changed(struct made_graph *(*make)(void), uint64_t lids, uint64_t change)
{
	struct made_graph *made = make();

	graph_shuffle_lids(made, lids);
	switch (change % 7) {
	case 0:
		break;
	case 1:
	case 2:
		graph_remove_links(made, 1, change);
		break;
	case 3:
		graph_remove_links(made, 1 + (unsigned)change % 7, change);
		break;
	case 4:
		graph_add_end(made, (uint32_t)change % 12, END_HOST);
		break;
	case 5:
		switch_off(made, 1, change);
		break;
	default:
		switch_off(made, 1 + (unsigned)change % 3, change);
		graph_remove_links(made, (unsigned)change % 2, change);
	}

	return made;
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void assert_same(const struct graph *graph, const struct tables *a, const struct tables *b)
{
	assert_int_equal(a->stride, b->stride);
	assert_memory_equal(a->lft, b->lft, graph->n_switches * a->stride);
}

/* The switch behind @port of @s, or UINT32_MAX. */
static uint32_t leads_to(const struct graph *graph, uint32_t s, uint8_t port)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == port)
			return graph->arcs[a].to;

	return UINT32_MAX;
}

/* @before and the patch make up the tables, and nothing is told twice. */
static void assert_patch(const struct graph *graph, const struct use *use, const uint8_t *before)
{
	size_t n = graph->n_switches * use->tables.stride;
	uint32_t n_changed = 0;

	for (size_t i = 0; i < n; i++)
		n_changed += use->tables.lft[i] != before[i];
	assert_int_equal(use->patch.n, n_changed);
	for (uint32_t i = 0; i < use->patch.n; i++) {
		const struct patch_entry *entry = &use->patch.entry[i];

		assert_int_equal(before[entry->row * use->tables.stride + entry->lid], entry->was);
	}
}

/* Every turn that the whole proof finds is there, and they have no cycle: a second proof. */
static void assert_turns(const struct graph *graph, const struct use *use)
{
	AUTO(turns_clear) struct turns exact = { 0 };
	struct proof proof;

	assert_int_equal(proof_check(graph, &use->tables, &proof, &exact), 0);
	assert_true(proof_holds(&proof));
	assert_int_equal(exact.words, use->turns.words);
	for (size_t i = 0; i < (size_t)graph->n_arcs * exact.words; i++)
		assert_int_equal(exact.bits[i] & ~use->turns.bits[i], 0);
}

/* True if it was done again, false if from scratch. */
static bool go_on_by(const char *engine, struct use *use, const struct graph *graph)
{
	size_t size = graph->n_switches * use->tables.stride;
	AUTO(freep) uint8_t *before = malloc(size + 1);
	int r;

	assert_non_null(before);
	memcpy(before, use->tables.lft, size);
	use->patch.n = 0;
	r = route_again(engine, graph, &use->past, &use->tables, &use->turns, &use->patch);
	if (r == 0) {
		assert_memory_equal(use->tables.lft, before, size);
		assert_int_equal(use->patch.n, 0);
		use_clear(use);
		*use = start_by(engine, graph);
		return false;
	}
	assert_int_equal(r, 1);
	AUTO(freep) uint8_t *scratch = route(engine, graph).lft;
	struct tables expected = { scratch, tables_stride(graph) };

	assert_same(graph, &use->tables, &expected);
	assert_patch(graph, use, before);
	assert_turns(graph, use);

	return true;
}

static bool go_on(struct use *use, const struct graph *graph)
{
	return go_on_by("auto", use, graph);
}

static void tables_are_those_from_scratch(void **state)
{
	unsigned n_again = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(fabrics); i++) {
		AUTO(graph_freep) struct made_graph *first = changed(fabrics[i], i, 0);
		AUTO(use_clear) struct use use = start(graph_of(first));
		uint64_t random = i;

		for (unsigned n = 0; n < 60; n++) {
			AUTO(graph_freep)
			struct made_graph *made =
				changed(fabrics[i], i, graph_random(&random) % 1000);

			n_again += go_on(&use, graph_of(made));
		}
	}
	assert_true(n_again > 200);
}

/* ---- one change after the other -------------------------------------------------------------- */

enum { WALK_LOST = 6 };

struct cable {
	uint32_t a, b;
};

/* What is wrong with a fabric, and is not for ever. */
struct damage {
	struct cable lost[WALK_LOST];
	unsigned n_lost;
	uint32_t away; /* UINT32_MAX: nobody */
};

static struct made_graph *damaged(struct made_graph *(*make)(void), uint64_t lids,
				  const struct damage *damage)
{
	struct made_graph *made = make();

	graph_shuffle_lids(made, lids);
	for (unsigned i = 0; i < damage->n_lost; i++)
		graph_remove_cable(made, damage->lost[i].a, damage->lost[i].b);
	if (damage->away != UINT32_MAX)
		graph_set_away(made, damage->away, true);

	return made;
}

static struct cable any_cable(const struct graph *graph, uint64_t *random)
{
	uint32_t arc = (uint32_t)(graph_random(random) % graph->n_arcs), s = 0;

	while (graph->arc_first[s + 1] <= arc)
		s++;

	return (struct cable){ s, graph->arcs[arc].to };
}

static void bring_back(struct damage *damage, uint64_t *random)
{
	unsigned i = (unsigned)(graph_random(random) % damage->n_lost);

	damage->lost[i] = damage->lost[--damage->n_lost];
}

/* A cable is lost, or one is back, or a switch goes, or it comes back. */
static void do_something(const struct graph *graph, struct damage *damage, uint64_t *random)
{
	uint64_t what = graph_random(random) % 8;

	if (what == 0 && damage->away == UINT32_MAX)
		damage->away = (uint32_t)(graph_random(random) % graph->n_switches);
	else if (what <= 1)
		damage->away = UINT32_MAX;
	else if (damage->n_lost < WALK_LOST && (what < 5 || damage->n_lost == 0))
		damage->lost[damage->n_lost++] = any_cable(graph, random);
	else
		bring_back(damage, random);
}

static struct made_graph *without_any_shape(void)
{
	return graph_make_random(40, 4, 2, 7);
}

/* Returns how often it was done again. */
static unsigned walk(struct made_graph *(*make)(void), unsigned n_steps, uint64_t seed)
{
	struct damage damage = { .away = UINT32_MAX };
	AUTO(graph_freep) struct made_graph *now = damaged(make, 1, &damage);
	AUTO(use_clear) struct use use = start_by("updn", graph_of(now));
	unsigned n_again = 0;

	while (n_steps--) {
		do_something(graph_of(now), &damage, &seed);
		graph_free(now);
		now = damaged(make, 1, &damage);
		n_again += go_on_by("updn", &use, graph_of(now));
	}

	return n_again;
}

/* What is kept of distances, exits and turns does not wear out. */
static void so_they_are_after_a_long_walk(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fabrics); i++)
		assert_true(walk(fabrics[i], 60, i) > 20);
	assert_true(walk(without_any_shape, 400, 1) > 100);
}

/* One entry other than it should be, and told. */
static void spoil(const struct graph *graph, struct use *use, uint64_t *random)
{
	uint32_t i = (uint32_t)(graph_random(random) % use->patch.n);
	struct patch_entry entry = use->patch.entry[i];
	uint32_t row = graph_random(random) % 2
			       ? entry.row
			       : (uint32_t)(graph_random(random) % graph->n_switches);
	uint8_t *now = &use->tables.lft[row * use->tables.stride + entry.lid];

	if (row != entry.row)
		assert_int_equal(patch_add(&use->patch, row, entry.lid, *now), 0);
	*now = (uint8_t)(graph_random(random) % 22);
}

static bool whole_proof_holds(const struct graph *graph, const struct use *use)
{
	struct proof proof;

	assert_int_equal(proof_check(graph, &use->tables, &proof, NULL), 0);
	return proof_holds(&proof);
}

/* Returns what both proofs say; they may differ only in that the small one is not sure. */
static bool is_believed(const struct graph *graph, struct use *use, uint64_t *random)
{
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(layout_clear) struct layout layout = { 0 };
	bool holds;
	int r = tables_again(graph, &use->past, &use->tables, &layout, &use->patch);

	if (r == 0 || use->patch.n == 0)
		return true;
	spoil(graph, use, random);
	holds = whole_proof_holds(graph, use);
	r = proof_again(graph, &use->past, &use->tables, &use->patch, &use->turns, &turns);
	assert_true(r == 0 || holds);

	return holds;
}

static void what_is_spoiled_is_not_believed(void **state)
{
	unsigned n_refused = 0;
	uint64_t random = 1;

	(void)state;
	for (unsigned n = 0; n < 600; n++) {
		uint64_t change = graph_random(&random) % 1000;
		size_t which = n % COUNT(fabrics);
		AUTO(graph_freep) struct made_graph *first = changed(fabrics[which], n, 0);
		AUTO(graph_freep) struct made_graph *then = changed(fabrics[which], n, change);
		AUTO(use_clear) struct use use = start(graph_of(n % 2 ? first : then));

		n_refused += !is_believed(graph_of(n % 2 ? then : first), &use, &random);
	}
	assert_true(n_refused > 100);
}

/* Also if a way to the switch that is the top of all leads elsewhere: see apex.c. */
static void one_cable_is_done_again(void **state)
{
	unsigned n_again = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++) {
		AUTO(graph_freep) struct made_graph *whole = with_more_than_one_block();
		AUTO(graph_freep) struct made_graph *less = with_more_than_one_block();
		AUTO(use_clear) struct use use = start(graph_of(whole));

		graph_remove_links(less, 1, seed);
		n_again += go_on(&use, graph_of(less));
		n_again += go_on(&use, graph_of(whole));
	}
	assert_int_equal(n_again, 38);
}

/* Between planes all ways lead over the first leaf, so hundreds of columns move. */
static void so_is_a_cable_by_which_planes_meet(void **state)
{
	static const uint32_t cables[][2] = {
		{ 0, 288 },       /* the first leaf's */
		{ 288, 576 },     /* of the first pod to the top */
		{ 288 + 5, 639 }, /* the same of another plane */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cables); i++) {
		AUTO(graph_freep) struct made_graph *whole = graph_make_ft3(24, 24);
		AUTO(graph_freep) struct made_graph *less = graph_make_ft3(24, 24);
		AUTO(use_clear) struct use use = start(graph_of(whole));

		graph_remove_cable(less, cables[i][0], cables[i][1]);
		assert_true(go_on(&use, graph_of(less)));
		assert_true(go_on(&use, graph_of(whole)));
	}
}

/* Entries of others than @s that the patch has. */
static unsigned count_elsewhere(const struct patch *patch, uint32_t s)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < patch->n; i++)
		n += patch->entry[i].row != s;

	return n;
}

/* But for leaf 0, which is the top of all: see apex.c. */
static void a_leaf_that_goes_and_comes_changes_nothing_elsewhere(void **state)
{
	AUTO(graph_freep) struct made_graph *made = with_more_than_one_block();
	AUTO(use_clear) struct use use = start(graph_of(made));

	(void)state;
	for (uint32_t leaf = 1; leaf < 140; leaf += 13) {
		graph_set_away(made, leaf, true);
		assert_true(go_on(&use, graph_of(made)));
		assert_int_equal(count_elsewhere(&use.patch, leaf), 0);
		assert_true(use.patch.n > 0);
		graph_set_away(made, leaf, false);
		assert_true(go_on(&use, graph_of(made)));
		assert_int_equal(count_elsewhere(&use.patch, leaf), 0);
	}
}

/* Nothing else changes than what went over it. */
static void a_spine_that_goes_moves_what_it_carried(void **state)
{
	AUTO(graph_freep) struct made_graph *made = two_levels();
	AUTO(use_clear) struct use use = start(graph_of(made));
	const uint32_t leaves = 12, spine = 14;

	(void)state;
	graph_set_away(made, spine, true);
	assert_true(go_on(&use, graph_of(made)));
	for (uint32_t i = 0; i < use.patch.n; i++) {
		const struct patch_entry *entry = &use.patch.entry[i];
		uint8_t port = use.tables.lft[entry->row * use.tables.stride + entry->lid];

		if (entry->row == spine)
			continue;
		assert_true(entry->row < leaves);
		assert_int_equal(leads_to(graph_of(made)->whole, entry->row, entry->was), spine);
		assert_int_not_equal(leads_to(graph_of(made)->whole, entry->row, port), spine);
	}
	assert_true(count_elsewhere(&use.patch, spine) > leaves);
}

/* Whatever is away, and however odd the fabric is, there are tables that hold. */
static void whoever_is_away_there_are_tables(void **state)
{
	unsigned n_led = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		AUTO(graph_freep)
		struct made_graph *made = graph_make_random(8 + (unsigned)seed % 24, 3, 2, seed);
		AUTO(freep) uint8_t *lft = NULL;
		const struct graph *graph;

		switch_off(made, 1 + (unsigned)seed % 6, seed);
		graph = graph_of(made);
		lft = route(seed % 2 ? "updn" : "auto", graph).lft;
		for (uint32_t e = 0; e < graph->n_ends; e++)
			n_led += graph_is_away(graph, graph->ends[e].at) &&
				 lft[graph->ends[e].lid] != ROUTE_NONE;
	}
	assert_true(n_led > 1000);
}

static void nothing_changes_for_nothing(void **state)
{
	AUTO(graph_freep) struct made_graph *made = three_levels();
	AUTO(use_clear) struct use use = start(graph_of(made));

	(void)state;
	assert_true(go_on(&use, graph_of(made)));
	assert_int_equal(use.patch.n, 0);
}

static void another_fabric_is_not_done_again(void **state)
{
	AUTO(graph_freep) struct made_graph *made = three_levels();
	AUTO(graph_freep) struct made_graph *other = graph_make_ft3(8, 7);
	AUTO(use_clear) struct use use = start(graph_of(made));

	(void)state;
	assert_int_equal(route_again("auto", graph_of(other), &use.past, &use.tables, &use.turns,
				     &use.patch),
			 0);
	assert_true(go_on(&use, graph_of(made)));
}

/* To be asked for from scratch, which says that there is none. */
static void an_engine_that_there_is_not_does_nothing_again(void **state)
{
	AUTO(graph_freep) struct made_graph *made = three_levels();
	AUTO(use_clear) struct use use = start(graph_of(made));

	(void)state;
	assert_int_equal(
		route_again("none", graph_of(made), &use.past, &use.tables, &use.turns, &use.patch),
		0);
	assert_true(go_on(&use, graph_of(made)));
}

/* It has no LID, and its turns are in no proof so far. */
static void who_is_left_out_and_sends_is_proven_from_scratch(void **state)
{
	AUTO(graph_freep) struct made_graph *made = three_levels();
	AUTO(use_clear) struct use use = start(graph_of(made));
	struct graph with = *graph_of(made);
	AUTO(freep) bool *strangers = calloc(with.n_switches, sizeof(*strangers));

	(void)state;
	assert_non_null(strangers);
	with.strangers = strangers;
	assert_true(go_on(&use, &with));
	strangers[with.n_switches - 1] = true;
	assert_false(go_on(&use, &with));
	assert_true(go_on(&use, &with));
	assert_true(go_on(&use, graph_of(made)));
	assert_false(go_on(&use, &with));
}

/* Hosts at every third switch. */
static struct made_graph *with_bare_switches(uint64_t seed)
{
	struct made_graph *made = graph_make_random(24, 3, 0, seed);

	for (uint32_t s = 0; s < 24; s += 3)
		graph_add_hosts(made, s, 2);

	return made;
}

/* The same without its @e-th end; the others keep their LIDs. */
static struct graph without_end(const struct graph *graph, uint32_t e, struct end *room)
{
	struct graph ret = *graph;

	memcpy(room, graph->ends, e * sizeof(*room));
	memcpy(room + e, graph->ends + e + 1, (graph->n_ends - e - 1) * sizeof(*room));
	ret.ends = room;
	ret.n_ends--;

	return ret;
}

/* What it sends takes turns that nobody has taken before. */
static void who_is_the_first_to_send_from_a_switch_is_proven_from_scratch(void **state)
{
	unsigned n_again = 0;

	(void)state;
	for (uint32_t seed = 0; seed < 8; seed++) {
		AUTO(graph_freep) struct made_graph *made = with_bare_switches(seed);
		const struct graph *graph;
		struct end room[256];

		graph_add_end(made, 1, END_HOST);
		graph = graph_of(made);
		assert_true(graph->n_ends < COUNT(room));
		for (uint32_t e = 0; e < graph->n_ends; e++) {
			struct graph before = without_end(graph, e, room);
			AUTO(use_clear) struct use use = { 0 };
			bool is_first = graph->ends[e].at == 1;

			if (graph->ends[e].kind == END_SWITCH)
				continue;
			use = start_by("updn", &before);
			if (is_first)
				assert_false(go_on_by("updn", &use, graph));
			else
				n_again += go_on_by("updn", &use, graph);
		}
	}
	assert_true(n_again > 64);
}

/* A host that is at leaf 1 before, and at leaf 2 now, with the LID that it had. */
struct moved {
	struct made_graph *made;
	struct end before_room[128];
	struct end now_room[128];
	struct graph before;
	struct graph now;
	uint16_t lid;
};

static uint32_t last_end_of(const struct graph *graph, uint32_t s)
{
	uint32_t last = 0;

	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].at == s)
			last = e;

	return last;
}

static void move_host(struct moved *moved)
{
	const struct graph *graph;
	uint32_t here, there;

	moved->made = graph_make_ft2(8);
	graph_add_end(moved->made, 1, END_HOST);
	graph_add_end(moved->made, 2, END_HOST);
	graph = graph_of(moved->made);
	assert_true(graph->n_ends < COUNT(moved->now_room));
	here = last_end_of(graph, 1);
	there = last_end_of(graph, 2);
	moved->lid = graph->ends[here].lid;
	moved->before = without_end(graph, there, moved->before_room);
	moved->now = without_end(graph, here, moved->now_room);
	moved->now_room[there - 1].lid = moved->lid;
}

/* And nobody tells of it. */
static void stay_as_before(struct use *use, uint32_t row, uint16_t lid)
{
	for (uint32_t i = 0; i < use->patch.n; i++) {
		struct patch_entry *entry = &use->patch.entry[i];

		if (entry->row != row || entry->lid != lid)
			continue;
		use->tables.lft[row * use->tables.stride + lid] = entry->was;
		*entry = use->patch.entry[--use->patch.n];
		return;
	}
	fail();
}

static void who_moved_is_led_to_from_where_it_was(void **state)
{
	struct moved moved;
	AUTO(layout_clear) struct layout layout = { 0 };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(use_clear) struct use use = { 0 };

	(void)state;
	move_host(&moved);
	use = start(&moved.before);
	assert_true(go_on(&use, &moved.now));
	assert_true(go_on(&use, &moved.before));
	use.patch.n = 0;
	assert_int_equal(tables_again(&moved.now, &use.past, &use.tables, &layout, &use.patch), 1);
	stay_as_before(&use, 1, moved.lid);
	assert_false(whole_proof_holds(&moved.now, &use));
	assert_int_equal(
		proof_again(&moved.now, &use.past, &use.tables, &use.patch, &use.turns, &turns), 0);
	graph_free(moved.made);
}

/* LIDs of vports may be beyond those of the graph: there, and where they go, all stays. */
static void tables_may_be_wider_than_the_graph(void **state)
{
	AUTO(graph_freep) struct made_graph *whole = three_levels();
	AUTO(graph_freep) struct made_graph *less = three_levels();
	AUTO(use_clear) struct use use = start(graph_of(whole));
	size_t stride = use.tables.stride, wide = stride + 128;
	uint32_t n = graph_of(whole)->n_switches;
	uint8_t *lft = malloc(n * wide);

	(void)state;
	assert_non_null(lft);
	for (uint32_t s = 0; s < n; s++) {
		memcpy(lft + s * wide, use.tables.lft + s * stride, stride);
		memset(lft + s * wide + stride, (int)s + 1, 128);
	}
	free(use.tables.lft);
	use.tables = (struct tables){ lft, wide };
	graph_remove_links(less, 1, 1);
	assert_int_equal(
		route_again("auto", graph_of(less), &use.past, &use.tables, &use.turns, &use.patch),
		1);
	assert_true(use.patch.n > 0);
	AUTO(freep) uint8_t *scratch = route("auto", graph_of(less)).lft;

	for (uint32_t s = 0; s < n; s++) {
		assert_memory_equal(lft + s * wide, scratch + s * stride, stride);
		for (size_t i = stride; i < wide; i++)
			assert_int_equal(lft[s * wide + i], s + 1);
	}
}

/* At one moment after another, until it is enough. */
static void without_memory_tables_are_as_they_were(void **state)
{
	AUTO(graph_freep) struct made_graph *whole = three_levels();
	AUTO(graph_freep) struct made_graph *less = three_levels();
	size_t size = 0;
	unsigned n = 0;
	int r;

	(void)state;
	graph_remove_links(less, 1, 1);
	do {
		AUTO(use_clear) struct use use = start(graph_of(whole));
		AUTO(freep) uint8_t *before = NULL;

		size = graph_of(whole)->n_switches * use.tables.stride;
		before = malloc(size);
		assert_non_null(before);
		memcpy(before, use.tables.lft, size);
		until_full = ++n;
		r = route_again("auto", graph_of(less), &use.past, &use.tables, &use.turns,
				&use.patch);
		until_full = 0;
		if (r == 1)
			continue;
		assert_int_equal(r, -ENOMEM);
		assert_int_equal(use.patch.n, 0);
		assert_memory_equal(use.tables.lft, before, size);
	} while (r != 1);
	assert_true(n > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_those_from_scratch),
		cmocka_unit_test(so_they_are_after_a_long_walk),
		cmocka_unit_test(what_is_spoiled_is_not_believed),
		cmocka_unit_test(one_cable_is_done_again),
		cmocka_unit_test(so_is_a_cable_by_which_planes_meet),
		cmocka_unit_test(a_leaf_that_goes_and_comes_changes_nothing_elsewhere),
		cmocka_unit_test(a_spine_that_goes_moves_what_it_carried),
		cmocka_unit_test(whoever_is_away_there_are_tables),
		cmocka_unit_test(nothing_changes_for_nothing),
		cmocka_unit_test(another_fabric_is_not_done_again),
		cmocka_unit_test(an_engine_that_there_is_not_does_nothing_again),
		cmocka_unit_test(who_is_left_out_and_sends_is_proven_from_scratch),
		cmocka_unit_test(who_is_the_first_to_send_from_a_switch_is_proven_from_scratch),
		cmocka_unit_test(who_moved_is_led_to_from_where_it_was),
		cmocka_unit_test(tables_may_be_wider_than_the_graph),
		cmocka_unit_test(without_memory_tables_are_as_they_were),
	};

	return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
