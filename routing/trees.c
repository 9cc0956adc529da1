/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What trees of one graph have in common: an order, which says what is up, and hubs.
 *
 * Where unicast uses several lanes there is one tree for which it has left room on that of
 * multicast, and all trees are parts of it; but if that leads through a switch which can be no part
 * of any, and of which unicast did not know, first one around it is looked for, as without. Without
 * an order of unicast we have our own, and one hub: the first in whose tree, taken with all cables
 * and all branches, no turn that members could take closes a circle with those of unicast. If there
 * is none within some tries, and room.c finds none either, it is said; opensm never looks. Around a
 * switch without multicast an order, ours or that of unicast, may have several tops: then hubs are
 * those whose trees come to most. For ours, room.c is asked for one that comes to all; for that of
 * unicast it would take too long in large fabrics.
 */

#include "routing/trees-ways.h"
#include "routing/cycle.h"
#include "routing/room.h"
#include "routing/turns.h"

#include "base/array.h"
#include "base/forest.h"
#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HUB_TRIES = 16 }; /* of a fabric without order */

void trees_clear(struct trees *trees)
{
	for (uint32_t i = 0; trees->ways && i < trees->n_hubs; i++)
		tree_ways_clear(&trees->ways[i]);
	free(trees->ways);
	free(trees->arc_first);
	free(trees->arcs);
	free(trees->place);
	free(trees->key);
	free(trees->passes);
	free(trees->only);
	free(trees->hubs);
	free(trees->seen);
	free(trees->up);
	free(trees->below);
	free(trees->children);
	free(trees->child);
	free(trees->list);
	*trees = (struct trees){ 0 };
}

/* ---- what all trees of a graph share --------------------------------------------------------- */

/*
 * The part of the fabric that has most switches, which is how many; of equals the first. @ret[s]:
 * it is of it.
 */
static uint32_t find_largest_part(const struct trees *trees, uint32_t *part, uint32_t *queue,
				  bool *ret)
{
	uint32_t largest = TREE_NOWHERE, most = 0;

	memset(part, 0xff, trees->n_switches * sizeof(*part));
	for (uint32_t first = 0; first < trees->n_switches; first++) {
		uint32_t head = 0, tail = 0;

		if (part[first] != TREE_NOWHERE || !trees->passes[first])
			continue;
		part[first] = first;
		queue[tail++] = first;
		while (head < tail) {
			uint32_t s = queue[head++];

			for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
				uint32_t to = trees->arcs[a].to;

				if (!tree_is_passable(trees, s, a) || part[to] != TREE_NOWHERE)
					continue;
				part[to] = first;
				queue[tail++] = to;
			}
		}
		if (tail > most) {
			most = tail;
			largest = first;
		}
	}
	for (uint32_t s = 0; s < trees->n_switches; s++)
		ret[s] = largest != TREE_NOWHERE && part[s] == largest;

	return most;
}

/* The highest of them. */
static void list_hubs(struct trees *trees, const struct ranking *ranking, const bool *is_of_part)
{
	uint32_t height = 0;

	for (uint32_t s = 0; s < trees->n_switches; s++)
		if (is_of_part[s])
			height = MAX(height, ranking->height[s]);
	for (uint32_t p = trees->n_switches; p-- > 0 && trees->n_hubs < TREES_HUBS_MAX;) {
		uint32_t s = ranking->by_place[p];

		if (is_of_part[s] && ranking->height[s] == height)
			trees->hubs[trees->n_hubs++] = s;
	}
}

static int find_hubs(struct trees *trees, const struct ranking *ranking)
{
	AUTO(freep) uint32_t *part = malloc((trees->n_switches + (size_t)1) * sizeof(*part));
	AUTO(freep) uint32_t *queue = malloc((trees->n_switches + (size_t)1) * sizeof(*queue));
	AUTO(freep) bool *is_of_part = calloc(trees->n_switches + (size_t)1, sizeof(*is_of_part));

	if (!part || !queue || !is_of_part)
		return -ENOMEM;
	trees->n_part = find_largest_part(trees, part, queue, is_of_part);
	list_hubs(trees, ranking, is_of_part);
	trees->ways = calloc(trees->n_hubs + (size_t)1, sizeof(*trees->ways));

	return trees->ways ? 0 : -ENOMEM;
}

/* Is there somebody who can be part of no tree? */
static bool has_blocked(const struct trees_setup *setup)
{
	for (uint32_t s = 0; s < setup->graph->n_switches; s++)
		if (!setup->passes[s] && !graph_is_away(setup->graph, s))
			return true;

	return false;
}

static int copy_graph(const struct trees_setup *setup, struct trees *trees)
{
	const struct graph *graph = setup->graph;
	size_t n = graph->n_switches;

	trees->n_switches = graph->n_switches;
	trees->has_blocked = has_blocked(setup);
	trees->arc_first = array_copy(graph->arc_first, n + 1, sizeof(*trees->arc_first));
	trees->arcs = array_copy(graph->arcs, graph->n_arcs, sizeof(*trees->arcs));
	trees->key = array_copy(setup->keys, n, sizeof(*trees->key));
	trees->passes = array_copy(setup->passes, n, sizeof(*trees->passes));
	trees->hubs = calloc(n + 1, sizeof(*trees->hubs));
	trees->seen = calloc(n + 1, sizeof(*trees->seen));
	trees->up = calloc(n + 1, sizeof(*trees->up));
	trees->below = calloc(n + 1, sizeof(*trees->below));
	trees->children = calloc(n + 1, sizeof(*trees->children));
	trees->child = calloc(n + 1, sizeof(*trees->child));
	trees->list = calloc(n + 1, sizeof(*trees->list));

	return trees->arc_first && trees->arcs && trees->key && trees->passes && trees->hubs &&
			       trees->seen && trees->up && trees->below && trees->children &&
			       trees->child && trees->list
		       ? 0
		       : -ENOMEM;
}

/* ---- together with unicast that has no order ------------------------------------------------- */

/* Is arc @a, out of @s, part of the tree that has all cables and branches: up, or down? */
static bool is_of_tree(const struct trees *trees, const struct tree_ways *ways, uint32_t s,
		       uint32_t a)
{
	uint32_t back = tree_arc_back(trees, a);

	return ways->distance[s] != TREE_FAR &&
	       (tree_leads_up(trees, ways, s, a) ||
		(back != TREE_NOWHERE && tree_leads_up(trees, ways, trees->arcs[a].to, back)));
}

/* @ret[s]: @s or who is below it in the tree sends. */
static void find_senders(const struct trees_setup *setup, const struct trees *trees,
			 const struct tree_ways *ways, bool *ret)
{
	uint32_t n = 0;

	turns_find_senders(setup->graph, ret);
	for (uint32_t s = 0; s < trees->n_switches; s++)
		if (ret[s])
			trees->list[n++] = s;
	while (n > 0) {
		uint32_t s = trees->list[--n];

		for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
			uint32_t to = trees->arcs[a].to;

			if (ret[to] || !tree_leads_up(trees, ways, s, a))
				continue;
			ret[to] = true;
			trees->list[n++] = to;
		}
	}
}

/* Is there who sends, or receives, behind arc @a? Up, there is for sure. */
static bool is_used(const struct trees *trees, const struct tree_ways *ways, const bool *sends,
		    uint32_t s, uint32_t a)
{
	return is_of_tree(trees, ways, s, a) &&
	       (sends[trees->arcs[a].to] || tree_leads_up(trees, ways, s, a));
}

/* From each arc of it that comes to @s to all others that leave. */
static void add_turns(const struct trees *trees, const struct tree_ways *ways, const bool *sends,
		      uint32_t s, const struct turns *turns)
{
	uint32_t first = trees->arc_first[s];

	for (uint32_t a = first; a < trees->arc_first[s + 1]; a++) {
		uint32_t in = tree_arc_back(trees, a);

		if (in == TREE_NOWHERE || !is_used(trees, ways, sends, s, a))
			continue;
		for (uint32_t out = first; out < trees->arc_first[s + 1]; out++)
			/* It has one way up, whatever the cable. */
			if (out != a && is_used(trees, ways, sends, s, out) &&
			    !(tree_leads_up(trees, ways, s, a) &&
			      tree_leads_up(trees, ways, s, out)))
				turns_put(turns, in, out - first);
	}
}

/* 1: together they wait for each other in no circle. */
static int goes_together(const struct trees_setup *setup, const struct trees *trees,
			 const struct tree_ways *ways)
{
	size_t size = (setup->graph->n_arcs + (size_t)1) * setup->turns->words;
	AUTO(turns_clear)
	struct turns both = { array_copy(setup->turns->bits, size, sizeof(*both.bits)),
			      setup->turns->words };
	AUTO(freep) bool *sends = calloc(trees->n_switches + (size_t)1, sizeof(*sends));
	struct cycle cycle = { 0 };
	int r;

	if (!both.bits || !sends)
		return -ENOMEM;
	find_senders(setup, trees, ways, sends);
	for (uint32_t s = 0; s < trees->n_switches; s++)
		add_turns(trees, ways, sends, s, &both);
	r = cycle_find(setup->graph, both.bits, both.words, NULL, &cycle);

	return r < 0 ? r : cycle.length == 0;
}

static uint32_t count_reached(const struct trees *trees, const struct tree_ways *ways)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < trees->n_switches; s++)
		n += ways->distance[s] != TREE_FAR;

	return n;
}

/* If it does, and comes to more than the one that is kept, and so to those around @first. */
static int try_hub(const struct trees_setup *setup, uint32_t hub, uint32_t first,
		   struct trees *trees)
{
	AUTO(tree_ways_clear) struct tree_ways ways = { 0 };
	uint32_t n_reached;
	int r = tree_ways_make(trees, hub, &ways);

	if (r < 0)
		return r;
	n_reached = count_reached(trees, &ways);
	if (n_reached <= trees->n_reached || ways.distance[first] == TREE_FAR)
		return 0;
	r = goes_together(setup, trees, &ways);
	if (r <= 0)
		return r;
	tree_ways_clear(&trees->ways[0]);
	trees->hubs[0] = hub;
	trees->ways[0] = ways;
	trees->n_reached = n_reached;
	ways = (struct tree_ways){ 0 };

	return 0;
}

/* One hub for all: of those that do, from the top down, the first that comes to most; else the
 * first of all. */
static int settle_on_hub(const struct trees_setup *setup, const struct ranking *ranking,
			 struct trees *trees)
{
	uint32_t first = trees->hubs[0], p = trees->n_switches;
	int r = try_hub(setup, first, first, trees);

	for (uint32_t tries = 1; r == 0 && tries < HUB_TRIES && p-- > 0; tries++) {
		uint32_t hub = ranking->by_place[p];

		if (trees->n_reached == trees->n_part)
			break;
		if (trees->passes[hub])
			r = try_hub(setup, hub, first, trees);
	}
	trees->proven = trees->n_reached > 0;
	trees->n_hubs = 1;

	return r;
}

/* The switch that @s leads up to; TREE_NOWHERE at a top. */
static uint32_t above(const struct graph *graph, const uint8_t *up, uint32_t s)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == up[s])
			return graph->arcs[a].to;

	return TREE_NOWHERE;
}

/* Who is nearer to the top of the one tree is higher. */
static int rank_by_tree(const struct graph *graph, const uint8_t *up, struct ranking *ret)
{
	uint32_t n = graph->n_switches, next = 0;

	ret->height = calloc(n + (size_t)1, sizeof(*ret->height));
	ret->place = calloc(n + (size_t)1, sizeof(*ret->place));
	ret->by_place = calloc(n + (size_t)1, sizeof(*ret->by_place));
	if (!ret->height || !ret->place || !ret->by_place)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		uint32_t depth = 0;

		for (uint32_t at = above(graph, up, s); at != TREE_NOWHERE && depth < n;
		     at = above(graph, up, at))
			depth++;
		ret->height[s] = depth;
		ret->max_height = MAX(ret->max_height, depth);
	}
	for (uint32_t depth = ret->max_height + 1; depth-- > 0;) {
		for (uint32_t s = 0; s < n; s++) {
			if (ret->height[s] != depth)
				continue;
			ret->place[s] = next;
			ret->by_place[next++] = s;
		}
	}
	for (uint32_t s = 0; s < n; s++)
		ret->height[s] = ret->max_height - ret->height[s];

	return 0;
}

static int find_order(const struct trees_setup *setup, const uint8_t *up, struct trees *trees,
		      struct ranking *ret)
{
	const struct graph *graph = setup->graph;
	int r;

	if (up) {
		trees->only = array_copy(up, graph->n_switches, sizeof(*trees->only));
		return trees->only ? rank_by_tree(graph, up, ret) : -ENOMEM;
	}
	r = ranking_make(graph->whole ? graph->whole : graph, ret);

	return r < 0 ? r : ranking_join_tops(graph, ret);
}

/* @up: of the one tree that all are part of, or NULL. */
static int make_own_order(const struct trees_setup *setup, const uint8_t *up, struct trees *trees)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };
	const struct graph *graph = setup->graph;
	int r = find_order(setup, up, trees, &ranking);

	if (r < 0)
		return r;
	trees->place = array_copy(ranking.place, graph->n_switches, sizeof(*trees->place));
	r = trees->place ? find_hubs(trees, &ranking) : -ENOMEM;
	if (r < 0 || trees->n_hubs == 0)
		return r;
	if (setup->turns && setup->turns->bits)
		return settle_on_hub(setup, &ranking, trees);
	trees->proven = graph->n_arcs == 0;
	trees->n_hubs = 1;

	return 0;
}

static int make_anew(const struct trees_setup *setup, const uint8_t *up, struct trees *trees)
{
	int r;

	trees_clear(trees);
	r = copy_graph(setup, trees);

	return r < 0 ? r : make_own_order(setup, up, trees);
}

/* One that goes around who cannot be part of it; or, where there is none, that of unicast, which
 * ends there. */
static int make_around(const struct trees_setup *setup, struct trees *trees)
{
	const struct graph *graph = setup->graph;
	const struct dimensions none = { .n = 0 };
	AUTO(freep) uint8_t *up = malloc(graph->n_switches + (size_t)1);
	int r = up ? room_find_tree(graph, setup->turns, &none, setup->passes, up) : -ENOMEM;

	if (r <= 0)
		return r < 0 ? r : make_anew(setup, up, trees);

	return setup->up && !trees->proven ? make_anew(setup, setup->up, trees) : 0;
}

/* Does the one tree of unicast hold all together who pass and hang together? 1, 0 or -ENOMEM. */
static int holds_together(const struct trees_setup *setup)
{
	const struct graph *graph = setup->graph;
	AUTO(freep) uint32_t *parent = malloc((graph->n_switches + (size_t)1) * sizeof(*parent));

	if (!parent)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		parent[s] = s;
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint32_t to = above(graph, setup->up, s);

		if (setup->passes[s] && to != TREE_NOWHERE && setup->passes[to])
			parent[forest_root(parent, s)] = forest_root(parent, to);
	}
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			if (setup->passes[s] && setup->passes[graph->arcs[a].to] &&
			    forest_root(parent, s) != forest_root(parent, graph->arcs[a].to))
				return 0;

	return 1;
}

static int make_without_order(const struct trees_setup *setup, struct trees *ret)
{
	int r = setup->up ? holds_together(setup) : 0;

	if (r < 0)
		return r;
	r = make_own_order(setup, r ? setup->up : NULL, ret);
	if (r < 0 || !ret->has_blocked || !setup->turns || !setup->turns->bits ||
	    ret->n_reached == ret->n_part)
		return r;

	return make_around(setup, ret);
}

/* ---- together with unicast that has one --------------------------------------------------------
 */

/* How much of the fabric that is: who sends counts more than all who do not. */
static uint64_t weigh(const struct trees *trees, const uint16_t *distance, const bool *sends)
{
	uint64_t sum = 0;

	for (uint32_t s = 0; s < trees->n_switches; s++)
		if (distance[s] != TREE_FAR)
			sum += 1 + ((uint64_t)sends[s] << 32);

	return sum;
}

/* Only those hubs stay whose trees come to most. 0 or -ENOMEM. */
static int keep_best_hubs(const struct trees_setup *setup, struct trees *trees)
{
	AUTO(freep) bool *sends = calloc(trees->n_switches + (size_t)1, sizeof(*sends));
	uint32_t n = trees->n_hubs;
	uint64_t most = 0;

	if (!sends)
		return -ENOMEM;
	turns_find_senders(setup->graph, sends);
	trees->n_hubs = 0;
	for (uint32_t i = 0; i < n; i++) {
		AUTO(tree_ways_clear) struct tree_ways ways = { 0 };
		int r = tree_ways_make(trees, trees->hubs[i], &ways);
		uint64_t weight = r < 0 ? 0 : weigh(trees, ways.distance, sends);

		if (r < 0)
			return r;
		if (weight > most)
			trees->n_hubs = 0;
		if (weight >= most)
			trees->hubs[trees->n_hubs++] = trees->hubs[i];
		most = MAX(most, weight);
	}

	return 0;
}

static int make_in_order(const struct trees_setup *setup, struct trees *trees)
{
	const struct ranking *ranking = setup->ranking;
	int r;

	trees->place = array_copy(ranking->place, trees->n_switches, sizeof(*trees->place));
	trees->proven = true;
	r = trees->place ? find_hubs(trees, ranking) : -ENOMEM;

	return r < 0 || !trees->has_blocked ? r : keep_best_hubs(setup, trees);
}

int trees_make(const struct trees_setup *setup, struct trees *ret)
{
	int r;

	*ret = (struct trees){ 0 };
	r = copy_graph(setup, ret);
	if (r < 0)
		return r;

	return setup->ranking ? make_in_order(setup, ret) : make_without_order(setup, ret);
}
