/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Trees of shortest ways. Ends of a switch share a few trees to it; the first tree to each switch
 * comes first, then the second ones, so that all have their turn at cables that are little used. A
 * tree grows from its root outward: of the cables that lead a hop nearer a switch takes the one
 * from which the way to the root is used least, where use is summed over the way. What all switches
 * then put on the cables of the tree counts for those that come after.
 *
 * How many hosts a switch has does not count, only whether it has any, and what order of magnitude
 * the most at one switch is: so one more or less changes no way of others.
 *
 * In a product (product.h) the dimension comes before the use, and then its side: ways with few
 * turns share cables with the same others all along, and so lose less to them; and they wait for
 * each other less.
 *
 * With lanes to be kept, the way has a set of lanes: those in whose order its cables come one after
 * the other. It shrinks with each hop, and so does what the pair has in common.
 */

#include "routing/weave.h"

#include "base/macros.h"
#include "routing/hops.h"
#include "routing/turns.h"

#include <errno.h>
#include <string.h>

enum {
	EXITS_MAX = 64 << 20, /* bytes of weave->exit, at most */
	ALL_LANES = 0xff,
	/* In a cost, above all that is summed up: */
	RANK_SHIFT = 60,
	NO_LANE_SHIFT = 62,
};

/* The tree that grows. */
struct growth {
	struct weave *weave;
	uint64_t price;
	uint32_t to;
	size_t tree;
	uint32_t *order;   /* switches, by distance; those without a way last */
	uint32_t n_order;  /* those that have one */
	uint64_t *use;     /* [switch]: of the way from there to the root */
	uint32_t *arc;     /* [switch]: the first of the way */
	uint8_t *lanes;    /* [switch]: that the way can have */
	uint32_t *packets; /* [switch]: switches whose packets come there */
};

static void growth_clear(struct growth *growth)
{
	free(growth->order);
	free(growth->use);
	free(growth->arc);
	free(growth->lanes);
	free(growth->packets);
}

static int growth_make(struct growth *growth)
{
	size_t n = growth->weave->n + (size_t)1;

	growth->order = calloc(n, sizeof(*growth->order));
	growth->use = calloc(n, sizeof(*growth->use));
	growth->arc = calloc(n, sizeof(*growth->arc));
	growth->lanes = calloc(n, sizeof(*growth->lanes));
	growth->packets = calloc(n, sizeof(*growth->packets));
	return growth->order && growth->use && growth->arc && growth->lanes && growth->packets
		       ? 0
		       : -ENOMEM;
}

/* ---- one switch of a tree -----------------------------------------------------------------------
 */

/* Lanes of the way from @s on by arc @a. */
static uint8_t lanes_by(const struct growth *growth, uint32_t a)
{
	const struct weave *weave = growth->weave;
	uint32_t at = weave->graph->arcs[a].to;
	uint8_t lanes = growth->lanes[at];

	for (unsigned l = 0; l < weave->n_lanes && at != growth->to; l++)
		if (weave->lanes[l].place[a] > weave->lanes[l].place[growth->arc[at]])
			lanes &= (uint8_t) ~(1u << l);
	return lanes;
}

/* What it costs to leave @s by arc @a; less is better. */
static uint64_t cost_of(const struct growth *growth, uint32_t s, uint32_t a)
{
	const struct weave *weave = growth->weave;
	uint64_t use = weave->load[a] + growth->use[weave->graph->arcs[a].to];
	uint8_t lanes;

	if (!growth->price)
		return use;
	lanes = lanes_by(growth, a) & weave->fits[(size_t)growth->to * weave->n + s];
	use += growth->price * (weave->n_lanes - (unsigned)__builtin_popcount(lanes));
	return use | (uint64_t)!lanes << NO_LANE_SHIFT;
}

/* Arcs of @s that lead a hop nearer; how many. */
static uint32_t list_near(const struct growth *growth, const uint8_t *hops, uint32_t s,
			  uint32_t *ret)
{
	const struct graph *graph = growth->weave->graph;
	uint32_t n = 0;

	ret[0] = graph->arc_first[s];
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		ret[n] = a;
		n += hops[graph->arcs[a].to] + 1 == hops[s];
	}
	return n;
}

/* Which cables are to be looked at before others: the bits that come before their cost. */
struct preference {
	uint32_t dimension;
	uint16_t place;
};

/* The first dimension in which there is a way, and its side. */
static struct preference prefer(const struct growth *growth, uint32_t s, const uint32_t *near,
				uint32_t n)
{
	const struct product *product = &growth->weave->product;
	struct preference ret = { PRODUCT_DIMENSIONS_MAX, PRODUCT_NO_PLACE };

	for (uint32_t i = 0; i < n; i++)
		ret.dimension = MIN(ret.dimension, (uint32_t)product->dimension_of[near[i]]);
	ret.place = product_next(product, ret.dimension, s, growth->to);
	return ret;
}

/* To the best ranked, if nothing else counts: there is one in the dimension. */
static uint32_t narrow(const struct growth *growth, const struct preference *preference,
		       uint32_t *near, uint32_t n)
{
	const struct product *product = &growth->weave->product;
	const uint16_t *place = product->dimension[preference->dimension].place;
	uint32_t n_in = 0, n_at = 0;

	for (uint32_t i = 0; i < n; i++)
		if (product->dimension_of[near[i]] == preference->dimension)
			near[n_in++] = near[i];
	for (uint32_t i = 0; i < n_in; i++)
		if (place[growth->weave->graph->arcs[near[i]].to] == preference->place)
			near[n_at++] = near[i];
	return n_at ? n_at : n_in;
}

/* 0 to 2: how little it is preferred. */
static uint64_t rank_of(const struct growth *growth, const struct preference *preference,
			uint32_t a)
{
	const struct product *product = &growth->weave->product;
	uint32_t to = growth->weave->graph->arcs[a].to;

	if (product->dimension_of[a] != preference->dimension)
		return 2;
	return product->dimension[preference->dimension].place[to] != preference->place;
}

static void take_arc(struct growth *growth, uint32_t s, uint32_t a)
{
	const struct weave *weave = growth->weave;

	growth->arc[s] = a;
	growth->use[s] = growth->use[weave->graph->arcs[a].to] + weave->load[a];
	weave->exit[growth->tree * weave->n + s] = (uint8_t)(a - weave->graph->arc_first[s]);
}

static void grow(struct growth *growth, const uint8_t *hops, uint32_t s)
{
	bool has_dimensions = growth->weave->product.n;
	struct preference preference = { 0 };
	uint64_t least = UINT64_MAX;
	uint32_t near[UINT8_MAX], n = list_near(growth, hops, s, near), best = near[0];

	if (n > 1 && has_dimensions) {
		preference = prefer(growth, s, near, n);
		if (!growth->price)
			n = narrow(growth, &preference, near, n);
		best = near[0];
	}
	for (uint32_t i = 0; i < n && n > 1; i++) {
		uint64_t cost = cost_of(growth, s, near[i]);

		if (growth->price && has_dimensions)
			cost |= rank_of(growth, &preference, near[i]) << RANK_SHIFT;
		if (cost >= least)
			continue;
		least = cost;
		best = near[i];
	}
	if (n > 1)
		growth->weave->apart[growth->to] =
			(uint8_t)weave_n_trees(growth->weave, growth->to);
	take_arc(growth, s, best);
}

/* ---- one tree -----------------------------------------------------------------------------------
 */

static void sort_by_distance(struct growth *growth, const uint8_t *hops)
{
	uint32_t first[HOPS_NONE + 2] = { 0 };
	uint32_t n = growth->weave->n;

	for (uint32_t s = 0; s < n; s++)
		first[hops[s] + 1]++;
	growth->n_order = n - first[HOPS_NONE + 1];
	for (unsigned h = 0; h < HOPS_NONE; h++)
		first[h + 1] += first[h];
	for (uint32_t s = 0; s < n; s++)
		growth->order[first[hops[s]]++] = s;
}

/* The pair has no other lanes than this way, too. */
static void keep_lanes(struct growth *growth, uint32_t s)
{
	struct weave *weave = growth->weave;

	growth->lanes[s] = lanes_by(growth, growth->arc[s]);
	weave->fits[(size_t)growth->to * weave->n + s] &= growth->lanes[s];
	weave->fits[(size_t)s * weave->n + growth->to] &= growth->lanes[s];
}

/* Who is farthest sends first. */
static void add_load(struct growth *growth)
{
	struct weave *weave = growth->weave;

	if (!weave->sends[growth->to])
		return;
	for (uint32_t s = 0; s < weave->n; s++)
		growth->packets[s] = weave->sends[s];
	for (uint32_t i = growth->n_order; i-- > 1;) {
		uint32_t s = growth->order[i];

		weave->load[growth->arc[s]] += growth->packets[s];
		growth->packets[weave->graph->arcs[growth->arc[s]].to] += growth->packets[s];
	}
}

/* It did not come to use, so the tree is as the one before. */
static void copy_tree(struct growth *growth)
{
	struct weave *weave = growth->weave;
	const uint8_t *before = weave->exit + (growth->tree - 1) * weave->n;

	memcpy(weave->exit + growth->tree * weave->n, before, weave->n);
	for (uint32_t i = 1; i < growth->n_order; i++)
		growth->arc[growth->order[i]] = weave_arc(weave, growth->tree, growth->order[i]);
	add_load(growth);
}

static void grow_tree(struct growth *growth, uint32_t to, uint32_t number)
{
	struct weave *weave = growth->weave;
	const uint8_t *hops = weave->hops + (size_t)to * weave->n;

	growth->to = to;
	growth->tree = weave_tree(weave, to, number);
	sort_by_distance(growth, hops);
	if (number >= weave->apart[to]) {
		copy_tree(growth);
		return;
	}
	memset(weave->exit + growth->tree * weave->n, WEAVE_NO_EXIT, weave->n);
	growth->use[to] = 0;
	growth->lanes[to] = ALL_LANES;
	for (uint32_t i = 1; i < growth->n_order; i++) {
		grow(growth, hops, growth->order[i]);
		if (growth->price)
			keep_lanes(growth, growth->order[i]);
	}
	add_load(growth);
}

int weave_trees(struct weave *weave, uint64_t price)
{
	AUTO(growth_clear) struct growth growth = { .weave = weave, .price = price };
	int r = growth_make(&growth);

	if (r)
		return r;
	memset(weave->load, 0, weave->graph->n_arcs * sizeof(*weave->load));
	memset(weave->fits, (int)(1u << weave->n_lanes) - 1, (size_t)weave->n * weave->n);
	for (uint32_t to = 0; to < weave->n; to++)
		weave->apart[to] = price ? (uint8_t)weave_n_trees(weave, to) : 1;
	for (uint32_t number = 0; number < weave->trees; number++)
		for (uint32_t to = 0; to < weave->n; to++)
			if (number < weave_n_trees(weave, to))
				grow_tree(&growth, to, number);
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

/* From rows of blocks of destinations to a row for each destination. */
static int find_hops(struct weave *weave)
{
	AUTO(freep) uint8_t *block = hops_new_block(weave->graph);
	uint32_t targets[HOPS_BLOCK];
	int r = block ? 0 : -ENOMEM;

	for (uint32_t first = 0; !r && first < weave->n; first += HOPS_BLOCK) {
		uint32_t n = MIN(weave->n - first, (uint32_t)HOPS_BLOCK);

		for (uint32_t i = 0; i < n; i++)
			targets[i] = first + i;
		r = hops_fill_shortest(weave->graph, targets, n, block);
		for (uint32_t s = 0; !r && s < weave->n; s++)
			for (uint32_t i = 0; i < n; i++)
				weave->hops[(size_t)(first + i) * weave->n + s] =
					block[(size_t)s * HOPS_BLOCK + i];
	}
	for (size_t i = 0; !r && i < (size_t)weave->n * weave->n; i++)
		if (weave->hops[i] != HOPS_NONE)
			weave->most_hops = MAX(weave->most_hops, weave->hops[i]);
	return r;
}

int weave_count_trees(const struct graph *graph)
{
	AUTO(freep) uint32_t *lids = calloc(graph->n_switches + (size_t)1, sizeof(*lids));
	size_t n = graph->n_switches, room = EXITS_MAX / (n * n + 1);
	uint32_t most = 1, trees = 1;

	if (!lids)
		return -ENOMEM;
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		if (end->kind == END_SWITCH)
			continue;
		lids[end->at] += UINT32_C(1) << end->lmc;
		most = MAX(most, lids[end->at]);
	}
	while (trees < most && trees < WEAVE_TREES_MAX && 2 * trees <= room)
		trees *= 2;
	return (int)trees;
}

static int allocate(struct weave *weave)
{
	size_t n = weave->n + (size_t)1;

	weave->sends = calloc(n, sizeof(*weave->sends));
	weave->hops = calloc(n, n);
	weave->apart = calloc(n, sizeof(*weave->apart));
	weave->exit = malloc(n * n * weave->trees);
	weave->in = malloc(n * n * weave->trees);
	weave->up = malloc(n);
	weave->load = calloc(weave->graph->n_arcs + (size_t)1, sizeof(*weave->load));
	weave->fits = calloc(n, n);
	weave->lane = calloc(n, n);
	weave->lanes = calloc(weave->n_lanes, sizeof(*weave->lanes));
	return weave->sends && weave->hops && weave->apart && weave->exit && weave->in &&
			       weave->up && weave->load && weave->fits && weave->lane &&
			       weave->lanes
		       ? 0
		       : -ENOMEM;
}

int weave_make(const struct graph *graph, unsigned n_lanes, struct weave *ret)
{
	int r = weave_count_trees(graph);

	*ret = (struct weave){ .graph = graph, .n = graph->n_switches, .n_lanes = n_lanes };
	ret->trees = (uint32_t)MAX(r, 1);
	if (r > 0)
		r = allocate(ret);
	if (!r)
		r = product_find(graph, &ret->product);
	if (!r)
		r = find_hops(ret);
	if (r)
		return r;
	turns_find_senders(graph, ret->sends);
	return 0;
}

void weave_clear(struct weave *weave)
{
	for (unsigned l = 0; weave->lanes && l < weave->n_lanes; l++)
		admission_clear(&weave->lanes[l]);
	product_clear(&weave->product);
	free(weave->sends);
	free(weave->hops);
	free(weave->apart);
	free(weave->exit);
	free(weave->in);
	free(weave->up);
	free(weave->load);
	free(weave->fits);
	free(weave->lane);
	free(weave->lanes);
}
