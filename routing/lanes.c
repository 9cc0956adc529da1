/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shortest ways on any graph, evenly used, and as many virtual lanes as they need: the engine for
 * tori, dragonflies, HyperX and whatever has no name. Two switches talk on one lane, forth and
 * back; on each lane packets cannot wait for each other in a circle. That is all the hardware is
 * asked for: packets keep their lane all the way.
 *
 * Ways come first (weave.c), lanes second (weave-assign.c). In a product pairs have a lane in mind,
 * by their places (product.h): that is enough for an intact torus, a mesh or a HyperX, and for most
 * of one that has lost cables. All else takes what is free. If there are not enough lanes, what
 * came out is not lost: each lane has an order of all cables by now, and trees are made once more
 * with the orders in mind, evenness being worth less each time, until all pairs have a lane.
 *
 * If they never have, all are on the only lane and leave multicast no room there, or the fabric is
 * so large that pairs of switches take too much memory, the engine says that it does not fit. Who
 * is in another part of the fabric has no lane and no way; nothing leads to those who are away.
 */

#include "routing/weave.h"

#include "base/array.h"
#include "base/macros.h"
#include "routing/hops.h"
#include "routing/past.h"
#include "routing/room.h"
#include "routing/turns.h"

#include <errno.h>
#include <string.h>

enum {
	RETRIES_MAX = 7,
	RETRIES_COST = 3 << 20, /* trees times switches, of all retries */
	REPAIR_COST = 1 << 19,  /* pairs without a lane times switches: no more are repaired */
	FIRST_PRICE = 32,       /* a lane less is worth 1 / that of what a cable carries */
};

void lanes_clear(struct lanes *lanes)
{
	free(TAKE(lanes->sl));
	free(TAKE(lanes->up));
	lanes->n = 0;
}

/*
 * What pairs have in mind: the lane by their places, if the fabric is a product and lanes are
 * enough for that; with a price, the lowest of those that their ways can have.
 */
static void propose_lanes(struct weave *weave, uint64_t price)
{
	const struct product *product = &weave->product;
	bool by_place = !price && product->n && product->n_lanes <= weave->n_lanes;

	for (uint32_t a = 0; a < weave->n; a++) {
		for (uint32_t b = a; b < weave->n; b++) {
			size_t pair = (size_t)a * weave->n + b;
			uint8_t lane = WEAVE_NO_LANE;

			if (by_place)
				lane = (uint8_t)product_lane(product, a, b);
			else if (price && weave->fits[pair])
				lane = (uint8_t)__builtin_ctz(weave->fits[pair]);
			weave->lane[pair] = lane;
			weave->lane[(size_t)b * weave->n + a] = lane;
		}
	}
}

static uint64_t average_load(const struct weave *weave)
{
	uint64_t sum = 0;

	for (uint32_t a = 0; a < weave->graph->n_arcs; a++)
		sum += weave->load[a];
	return sum / MAX(weave->graph->n_arcs, 1);
}

static unsigned n_retries(const struct weave *weave)
{
	uint64_t cost = 1;

	for (uint32_t s = 0; s < weave->n; s++)
		cost += (uint64_t)weave_n_trees(weave, s) * weave->n;
	return (unsigned)MIN(RETRIES_COST / cost, RETRIES_MAX);
}

/* Lanes of all pairs; how many have none, or -ENOMEM. */
static int64_t give_lanes(struct weave *weave, uint64_t price)
{
	int64_t n_failed;

	propose_lanes(weave, price);
	n_failed = weave_assign(weave);
	if (n_failed > 0 && n_failed <= REPAIR_COST / (int64_t)weave->n)
		n_failed = weave_repair(weave, n_failed);
	return n_failed;
}

/* Is there room for a tree beside all that is on the one lane? As in weave_try_one_lane(). */
static int find_room(struct weave *weave)
{
	const struct dimensions dimensions = { weave->product.n, weave->product.dimension_of };

	return room_find_tree(weave->graph, &weave->lanes->turns, &dimensions, NULL, weave->up);
}

/* All on one, with room for multicast. */
static int try_one_lane(struct weave *weave)
{
	int r = weave_try_one_lane(weave);

	return r ? r : find_room(weave);
}

/* 0; 1: not all pairs have a lane; -ENOMEM. */
static int make_ways(struct weave *weave)
{
	int forced = turns_are_forced_around(weave->graph);
	unsigned retries = n_retries(weave);
	uint64_t price;
	int64_t n_failed;
	int r;

	if (forced < 0 || (forced && weave->n_lanes == 1))
		return forced;
	r = weave_trees(weave, 0);
	price = MAX(average_load(weave) / FIRST_PRICE, 1);
	if (!r)
		r = forced ? 1 : try_one_lane(weave);
	if (r <= 0 || weave->n_lanes == 1)
		return r;
	r = weave_find_tree(weave);
	if (r)
		return r;
	n_failed = give_lanes(weave, 0);
	for (; n_failed > 0 && retries > 0; retries--, price *= 2) {
		r = weave_trees(weave, price);
		if (r)
			return r;
		n_failed = give_lanes(weave, price);
	}
	return n_failed < 0 ? (int)n_failed : n_failed > 0;
}

/* ---- what comes out -----------------------------------------------------------------------------
 */

static void fill_tables(const struct weave *weave, struct tables *tables)
{
	const struct graph *graph = weave->graph;

	memset(tables->lft, ROUTE_NONE, tables->stride * weave->n);
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		for (uint32_t i = 0; i < UINT32_C(1) << end->lmc; i++) {
			const struct weave_column column =
				weave_column(end, i, weave_n_trees(weave, end->at));

			for (uint32_t s = 0; s < weave->n; s++)
				tables->lft[s * tables->stride + end->lid + i] =
					weave_entry(graph, weave->exit, weave->trees, &column, s);
		}
	}
}

/* Lanes that nobody is on are left out. Pairs without a way have 0. */
static void take_lanes(struct weave *weave, struct lanes *ret)
{
	uint8_t number[UINT8_MAX + 1] = { 0 };
	bool used[UINT8_MAX + 1] = { false };
	size_t n_pairs = (size_t)weave->n * weave->n;
	uint8_t n = 0;

	for (size_t pair = 0; pair < n_pairs; pair++) {
		if (weave->hops[pair] == HOPS_NONE || pair % (weave->n + 1) == 0)
			weave->lane[pair] = WEAVE_NO_LANE;
		used[weave->lane[pair]] = true;
	}
	for (unsigned l = 0; l < weave->n_lanes; l++)
		if (used[l])
			number[l] = n++;
	*ret = (struct lanes){ .n_switches = weave->n, .n = MAX(n, 1) };
	ret->up = TAKE(weave->up);
	if (n < 2)
		return;
	for (size_t pair = 0; pair < n_pairs; pair++)
		weave->lane[pair] = number[weave->lane[pair]];
	ret->sl = TAKE(weave->lane);
}

/* For ends that come, go and move: see lanes-again.c. */
static int leave(struct weave *weave, const struct lanes *lanes, struct past *past)
{
	size_t n = weave->n;

	past->lanes = *lanes;
	past->lanes.up = NULL;
	past->lanes.sl = array_copy(lanes->sl, n * n, sizeof(*lanes->sl));
	past->exit = TAKE(weave->exit);
	past->trees = weave->trees;
	if (past->lanes.sl)
		return past_take_lanes(&engine_lanes, weave->graph, past);
	past_clear(past);
	return -ENOMEM;
}

static int route_in_lanes(const struct graph *graph, struct tables *tables, struct lanes *ret,
			  const char **ret_why, struct past *past)
{
	unsigned n_lanes = MIN(MAX(graph->n_lanes, 1), LANES_MAX);
	AUTO(weave_clear) struct weave weave = { 0 };
	int r;

	*ret_why = NULL;
	if (graph->n_switches > WEAVE_SWITCHES_MAX) {
		*ret_why = "the fabric has too many switches for lanes";
		return -ENOTSUP;
	}
	r = weave_make(graph, n_lanes, &weave);
	if (!r)
		r = make_ways(&weave);
	if (r > 0) {
		*ret_why = n_lanes == 1 ? "the fabric has one virtual lane, which is not enough"
					: "the virtual lanes of the fabric are not enough";
		return -ENOTSUP;
	}
	if (r)
		return r;
	fill_tables(&weave, tables);
	take_lanes(&weave, ret);
	return past && ret->sl ? leave(&weave, ret, past) : 0;
}

/* In one lane. */
static int lanes_route(const struct graph *graph, struct tables *tables, const char **ret_why,
		       struct past *past)
{
	struct graph narrow = *graph;
	AUTO(lanes_clear) struct lanes lanes = { 0 };

	(void)past;
	narrow.n_lanes = 1;
	return route_in_lanes(&narrow, tables, &lanes, ret_why, NULL);
}

const struct engine engine_lanes = {
	.name = "lanes",
	.sentence = "shortest paths, balanced, on as many virtual lanes as keep them from deadlock",
	.route = lanes_route,
	.route_in_lanes = route_in_lanes,
};
