/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A tree grows around a hub: one of the switches at the top of the fabric, another for each number,
 * so that trees spread over all of them. Distances from the hub say where each switch leads; which
 * of several neighbours that are as near, and which of several cables to it, the number decides,
 * too. What decides is a hash of things that stay what they are, and the highest wins: so that a
 * cable which is lost moves the trees that used it and no others.
 *
 * The order in which cables lead up may have switches above the hub (routing/apex.c puts a leaf and
 * its spines there). These are reached by the "trunk": the shortest way on from the hub to the very
 * top. Everybody else comes down from the trunk. So all ways go up to the trunk, and the trunk goes
 * up, and each switch has one way up.
 *
 * A tree is what members and the ways between them need: from the top down, what has no member and
 * one branch is cut off. Nothing is copied down a branch on which nobody receives, nor up from one
 * if nobody receives anywhere else.
 *
 * Where unicast uses several lanes there is one tree for which it has left room on that of
 * multicast, and all trees are parts of it; but if some switch can be no part of any, first one
 * around it is looked for, as without. Without an order of unicast we have our own, and one
 * hub: the first in whose tree, taken with all cables and all branches, no turn closes a circle
 * with those of unicast. If there is none within some tries it is said; opensm never looks.
 */

#include "routing/trees.h"
#include "routing/cycle.h"
#include "routing/turns.h"

#include "base/array.h"
#include "base/forest.h"
#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOWHERE = UINT32_MAX,
	FAR = UINT16_MAX,
	HUB_TRIES = 16, /* of a fabric without order */
};

struct tree_ways {
	uint16_t *distance; /* [switch]; FAR: not reached. NULL: not made */
	uint32_t *trunk;    /* from the hub to the top */
	uint32_t n_trunk;
};

static void ways_clear(struct tree_ways *ways)
{
	free(ways->distance);
	free(ways->trunk);
	*ways = (struct tree_ways){ 0 };
}

void trees_clear(struct trees *trees)
{
	for (uint32_t i = 0; trees->ways && i < trees->n_hubs; i++)
		ways_clear(&trees->ways[i]);
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

/* ---- choosing -------------------------------------------------------------------------------- */

/* splitmix64's last step: every bit of the result depends on every bit. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);

	return x ^ x >> 31;
}

static uint64_t weight(uint32_t number, uint64_t key, unsigned port)
{
	return mix(mix(key + UINT64_C(0x9e3779b97f4a7c15) * port) + number);
}

static uint32_t choose_hub(const struct trees *trees, uint32_t number)
{
	uint32_t best = 0;
	uint64_t most = 0;

	for (uint32_t i = 0; i < trees->n_hubs; i++) {
		uint64_t w = weight(number, trees->key[trees->hubs[i]], 0);

		if (i == 0 || w > most) {
			best = i;
			most = w;
		}
	}

	return best;
}

static uint32_t place_in(const struct tree_ways *ways, uint32_t s)
{
	uint16_t distance = ways->distance[s];

	return distance < ways->n_trunk && ways->trunk[distance] == s ? distance : NOWHERE;
}

/* Does arc @a lead from @s one step nearer to the top of the tree? */
static bool leads_up(const struct trees *trees, const struct tree_ways *ways, uint32_t s,
		     uint32_t a)
{
	uint32_t to = trees->arcs[a].to;
	uint32_t on_trunk = place_in(ways, s);

	if (trees->only && trees->only[s] != trees->arcs[a].port)
		return false;
	if (on_trunk != NOWHERE)
		return on_trunk + 1 < ways->n_trunk && to == ways->trunk[on_trunk + 1];

	return ways->distance[to] != FAR && ways->distance[to] + 1 == ways->distance[s] &&
	       trees->place[to] > trees->place[s];
}

/* The neighbour first, so that those of a pod meet at one; then the cable. NOWHERE at the top. */
static uint32_t choose_arc(const struct trees *trees, const struct tree_ways *ways, uint32_t number,
			   uint32_t s)
{
	uint32_t best = NOWHERE;
	uint64_t most = 0, most_of_cables = 0;

	for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
		uint64_t w, w_cable;

		if (!leads_up(trees, ways, s, a))
			continue;
		w = weight(number, trees->key[trees->arcs[a].to], 0);
		w_cable = weight(number, trees->key[s], trees->arcs[a].port);
		if (best != NOWHERE && (w < most || (w == most && w_cable <= most_of_cables)))
			continue;
		best = a;
		most = w;
		most_of_cables = w_cable;
	}

	return best;
}

/* ---- ways from a hub ------------------------------------------------------------------------- */

/* Does arc @a lead to who can be part of a tree, by a cable that may? */
static bool is_passable(const struct trees *trees, uint32_t s, uint32_t a)
{
	const struct arc *arc = &trees->arcs[a];

	return trees->passes[arc->to] && (!trees->only || trees->only[s] == arc->port ||
					  trees->only[arc->to] == arc->to_port);
}

/* Climb from the hub, breadth first: how each was come to; the highest that was, is returned. */
static uint32_t climb(const struct trees *trees, uint32_t hub, uint32_t *from, uint32_t *queue)
{
	uint32_t top = hub, head = 0, tail = 0;

	memset(from, 0xff, trees->n_switches * sizeof(*from));
	from[hub] = hub;
	queue[tail++] = hub;
	while (head < tail) {
		uint32_t s = queue[head++];

		if (trees->place[s] > trees->place[top])
			top = s;
		for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
			uint32_t to = trees->arcs[a].to;

			if (!is_passable(trees, s, a) || trees->place[to] < trees->place[s] ||
			    from[to] != NOWHERE)
				continue;
			from[to] = s;
			queue[tail++] = to;
		}
	}

	return top;
}

static int find_trunk(const struct trees *trees, uint32_t hub, uint32_t *queue,
		      struct tree_ways *ways)
{
	AUTO(freep) uint32_t *from = malloc((trees->n_switches + (size_t)1) * sizeof(*from));
	uint32_t top, n = 1;

	if (!from)
		return -ENOMEM;
	top = climb(trees, hub, from, queue);
	for (uint32_t s = top; s != hub; s = from[s])
		n++;
	if (n >= FAR)
		n = 1; /* a fabric that is a line of sixty thousand */
	ways->trunk = malloc(n * sizeof(*ways->trunk));
	if (!ways->trunk)
		return -ENOMEM;
	ways->n_trunk = n;
	for (uint32_t s = n == 1 ? hub : top; n-- > 0; s = from[s])
		ways->trunk[n] = s;

	return 0;
}

/* Down from the trunk, whose i-th switch counts as i away from the hub. */
static void descend(const struct trees *trees, struct tree_ways *ways, uint32_t *queue)
{
	uint32_t head = 0, tail = 0, next = 0;

	memset(ways->distance, 0xff, trees->n_switches * sizeof(*ways->distance));
	for (uint32_t i = 0; i < ways->n_trunk; i++)
		ways->distance[ways->trunk[i]] = (uint16_t)i;
	while (head < tail || next < ways->n_trunk) {
		bool is_trunk = next < ways->n_trunk &&
				(head == tail || ways->distance[queue[head]] >= next);
		uint32_t s = is_trunk ? ways->trunk[next++] : queue[head++];

		for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
			uint32_t to = trees->arcs[a].to;

			if (!is_passable(trees, s, a) || trees->place[to] > trees->place[s] ||
			    ways->distance[to] != FAR || ways->distance[s] + 1 >= FAR)
				continue;
			ways->distance[to] = (uint16_t)(ways->distance[s] + 1);
			queue[tail++] = to;
		}
	}
}

static int ways_make(const struct trees *trees, uint32_t hub, struct tree_ways *ways)
{
	AUTO(freep) uint32_t *queue = malloc((trees->n_switches + (size_t)1) * sizeof(*queue));

	if (ways->distance)
		return 0;
	ways->distance = malloc((trees->n_switches + (size_t)1) * sizeof(*ways->distance));
	if (!queue || !ways->distance || find_trunk(trees, hub, queue, ways) < 0) {
		ways_clear(ways);
		return -ENOMEM;
	}
	descend(trees, ways, queue);

	return 0;
}

/* ---- what all trees of a graph share --------------------------------------------------------- */

/* The part of the fabric that has most switches; of equals the first. @ret[s]: it is of it. */
static void find_largest_part(const struct trees *trees, uint32_t *part, uint32_t *queue, bool *ret)
{
	uint32_t largest = NOWHERE, most = 0;

	memset(part, 0xff, trees->n_switches * sizeof(*part));
	for (uint32_t first = 0; first < trees->n_switches; first++) {
		uint32_t head = 0, tail = 0;

		if (part[first] != NOWHERE || !trees->passes[first])
			continue;
		part[first] = first;
		queue[tail++] = first;
		while (head < tail) {
			uint32_t s = queue[head++];

			for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
				uint32_t to = trees->arcs[a].to;

				if (!is_passable(trees, s, a) || part[to] != NOWHERE)
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
		ret[s] = largest != NOWHERE && part[s] == largest;
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
	find_largest_part(trees, part, queue, is_of_part);
	list_hubs(trees, ranking, is_of_part);
	trees->ways = calloc(trees->n_hubs + (size_t)1, sizeof(*trees->ways));

	return trees->ways ? 0 : -ENOMEM;
}

static int copy_graph(const struct trees_setup *setup, struct trees *trees)
{
	const struct graph *graph = setup->graph;
	size_t n = graph->n_switches;

	trees->n_switches = graph->n_switches;
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

static uint32_t arc_back(const struct trees *trees, uint32_t a)
{
	const struct arc *arc = &trees->arcs[a];

	for (uint32_t b = trees->arc_first[arc->to]; b < trees->arc_first[arc->to + 1]; b++)
		if (trees->arcs[b].port == arc->to_port)
			return b;

	return NOWHERE;
}

/* Is arc @a, out of @s, part of the tree that has all cables and branches: up, or down? */
static bool is_of_tree(const struct trees *trees, const struct tree_ways *ways, uint32_t s,
		       uint32_t a)
{
	uint32_t back = arc_back(trees, a);

	return ways->distance[s] != FAR &&
	       (leads_up(trees, ways, s, a) ||
		(back != NOWHERE && leads_up(trees, ways, trees->arcs[a].to, back)));
}

/* From each arc of it that comes to @s to all others that leave. */
static void add_turns(const struct trees *trees, const struct tree_ways *ways, uint32_t s,
		      const struct turns *turns)
{
	uint32_t first = trees->arc_first[s];

	for (uint32_t a = first; a < trees->arc_first[s + 1]; a++) {
		uint32_t in = arc_back(trees, a);

		if (in == NOWHERE || !is_of_tree(trees, ways, s, a))
			continue;
		for (uint32_t out = first; out < trees->arc_first[s + 1]; out++)
			/* It has one way up, whatever the cable. */
			if (out != a && is_of_tree(trees, ways, s, out) &&
			    !(leads_up(trees, ways, s, a) && leads_up(trees, ways, s, out)))
				turns_put(turns, in, out - first);
	}
}

/* 1: together they wait for each other in no circle. */
static int goes_together(const struct trees_setup *setup, const struct trees *trees,
			 const struct tree_ways *ways)
{
	size_t size = (setup->graph->n_arcs + (size_t)1) * setup->turns->words;
	struct turns both = { array_copy(setup->turns->bits, size, sizeof(*both.bits)),
			      setup->turns->words };
	struct cycle cycle = { 0 };
	int r;

	if (!both.bits)
		return -ENOMEM;
	for (uint32_t s = 0; s < trees->n_switches; s++)
		add_turns(trees, ways, s, &both);
	r = cycle_find(setup->graph, both.bits, both.words, NULL, &cycle);
	turns_clear(&both);

	return r < 0 ? r : cycle.length == 0;
}

static void keep_hub(struct trees *trees, uint32_t hub, struct tree_ways *ways)
{
	trees->hubs[0] = hub;
	trees->n_hubs = 1;
	trees->ways[0] = *ways;
	*ways = (struct tree_ways){ 0 };
}

/* One hub for all: the first that does, from the top down; else the first. */
static int settle_on_hub(const struct trees_setup *setup, const struct ranking *ranking,
			 struct trees *trees)
{
	uint32_t first = trees->hubs[0];
	uint32_t tries = 0;

	for (uint32_t p = trees->n_switches; p-- > 0 && tries < HUB_TRIES; tries++) {
		uint32_t hub = tries == 0 ? first : ranking->by_place[p];
		struct tree_ways ways = { 0 };
		int r;

		if (!trees->passes[hub])
			continue;
		r = ways_make(trees, hub, &ways);
		if (r == 0)
			r = goes_together(setup, trees, &ways);
		trees->proven = r > 0;
		if (r > 0)
			keep_hub(trees, hub, &ways);
		ways_clear(&ways);
		if (r != 0)
			return MIN(r, 0);
	}
	trees->n_hubs = 1;

	return 0;
}

/* The switch that @s leads up to; NOWHERE at a top. */
static uint32_t above(const struct trees_setup *setup, uint32_t s)
{
	const struct graph *graph = setup->graph;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].port == setup->up[s])
			return graph->arcs[a].to;

	return NOWHERE;
}

/* Who is nearer to the top of the one tree is higher. */
static int rank_by_tree(const struct trees_setup *setup, struct ranking *ret)
{
	uint32_t n = setup->graph->n_switches, next = 0;

	ret->height = calloc(n + (size_t)1, sizeof(*ret->height));
	ret->place = calloc(n + (size_t)1, sizeof(*ret->place));
	ret->by_place = calloc(n + (size_t)1, sizeof(*ret->by_place));
	if (!ret->height || !ret->place || !ret->by_place)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		uint32_t depth = 0;

		for (uint32_t at = above(setup, s); at != NOWHERE && depth < n;
		     at = above(setup, at))
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

/* Is there one tree for all who are there? */
static bool has_one_tree(const struct trees_setup *setup)
{
	for (uint32_t s = 0; setup->up && s < setup->graph->n_switches; s++)
		if (!setup->passes[s] && !graph_is_away(setup->graph, s))
			return false;

	return setup->up;
}

static int find_order(const struct trees_setup *setup, bool one_tree, struct trees *trees,
		      struct ranking *ret)
{
	const struct graph *graph = setup->graph;
	int r;

	if (one_tree) {
		trees->only = array_copy(setup->up, graph->n_switches, sizeof(*trees->only));
		return trees->only ? rank_by_tree(setup, ret) : -ENOMEM;
	}
	r = ranking_make(graph->whole ? graph->whole : graph, ret);

	return r < 0 ? r : ranking_join_tops(graph, ret);
}

static int make_own_order(const struct trees_setup *setup, bool one_tree, struct trees *trees)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };
	const struct graph *graph = setup->graph;
	int r = find_order(setup, one_tree, trees, &ranking);

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

/* The one tree has room for sure, but ends at whoever cannot be part of it. */
static int make_without_order(const struct trees_setup *setup, struct trees *ret)
{
	bool one_tree = has_one_tree(setup);
	int r = make_own_order(setup, one_tree, ret);

	if (r < 0 || one_tree || ret->proven || !setup->up)
		return r;
	trees_clear(ret);
	r = copy_graph(setup, ret);

	return r < 0 ? r : make_own_order(setup, true, ret);
}

int trees_make(const struct trees_setup *setup, struct trees *ret)
{
	const struct ranking *ranking = setup->ranking;
	int r;

	*ret = (struct trees){ 0 };
	r = copy_graph(setup, ret);
	if (r < 0 || !ranking)
		return r < 0 ? r : make_without_order(setup, ret);
	ret->place = array_copy(ranking->place, ret->n_switches, sizeof(*ret->place));
	ret->proven = true;

	return ret->place ? find_hubs(ret, ranking) : -ENOMEM;
}

/* ---- one tree -------------------------------------------------------------------------------- */

struct growth {
	struct trees *trees;
	const struct tree_ways *ways;
	uint32_t number;
	uint32_t n_listed;
	uint32_t n_reached;
	uint32_t n_receive;
	uint32_t top;
};

/* From @s up, as far as nobody was yet. */
static void list_up(struct growth *g, uint32_t s)
{
	struct trees *trees = g->trees;
	uint32_t from = NOWHERE;

	for (;;) {
		bool is_listed = trees->seen[s] == trees->round;

		if (!is_listed) {
			trees->seen[s] = trees->round;
			trees->up[s] = choose_arc(trees, g->ways, g->number, s);
			trees->below[s] = trees->children[s] = 0;
			trees->list[g->n_listed++] = s;
		}
		if (from != NOWHERE) {
			trees->children[s]++;
			trees->child[s] = from;
		}
		if (is_listed)
			return;
		if (trees->up[s] == NOWHERE) {
			g->top = s;
			return;
		}
		from = s;
		s = trees->arcs[trees->up[s]].to;
	}
}

static void count_receiver(struct trees *trees, uint32_t s)
{
	trees->below[s]++;
	while (trees->up[s] != NOWHERE) {
		s = trees->arcs[trees->up[s]].to;
		trees->below[s]++;
	}
}

static void take_members(struct growth *g, struct tree_member *members, uint32_t n)
{
	struct trees *trees = g->trees;

	for (uint32_t i = 0; i < n; i++) {
		struct tree_member *m = &members[i];

		m->reached = m->at < trees->n_switches && trees->passes[m->at] &&
			     g->ways->distance[m->at] != FAR;
		if (!m->reached)
			continue;
		g->n_reached++;
		g->n_receive += m->receives;
		list_up(g, m->at);
	}
	for (uint32_t i = 0; i < n; i++)
		if (members[i].reached && members[i].receives)
			count_receiver(trees, members[i].at);
}

static bool has_member(const struct tree_member *members, uint32_t n, uint32_t s)
{
	uint32_t from = 0, past = n;

	while (from < past) {
		uint32_t middle = from + (past - from) / 2;

		if (members[middle].at < s)
			from = middle + 1;
		else
			past = middle;
	}

	return from < n && members[from].at == s;
}

/* Down from the top, as long as nothing but one branch is there. */
static void cut_top(struct growth *g, const struct tree_member *members, uint32_t n)
{
	struct trees *trees = g->trees;

	while (trees->children[g->top] == 1 && !has_member(members, n, g->top)) {
		trees->seen[g->top] = 0;
		g->top = trees->child[g->top];
	}
	trees->up[g->top] = NOWHERE;
}

static void add_branches(const struct growth *g, struct tree *ret)
{
	const struct trees *trees = g->trees;

	for (uint32_t i = 0; i < g->n_listed; i++) {
		uint32_t s = trees->list[i];
		const struct arc *arc = &trees->arcs[trees->up[s]];

		if (trees->seen[s] != trees->round || s == g->top)
			continue;
		if (trees->below[s] > 0)
			ret->exit[ret->n++] = TREE_EXIT(arc->to, arc->to_port);
		if (trees->below[s] < g->n_receive)
			ret->exit[ret->n++] = TREE_EXIT(s, arc->port);
	}
}

static int by_exit(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void tree_sort(struct tree *tree)
{
	if (tree->n > 0)
		qsort(tree->exit, tree->n, sizeof(*tree->exit), by_exit);
}

static void start_round(struct trees *trees)
{
	if (++trees->round != 0)
		return;
	memset(trees->seen, 0, trees->n_switches * sizeof(*trees->seen));
	trees->round = 1;
}

int trees_grow(struct trees *trees, uint32_t number, struct tree_member *members, uint32_t n,
	       struct tree *ret)
{
	struct growth g = { .trees = trees, .number = number };
	uint32_t hub;

	*ret = (struct tree){ 0 };
	for (uint32_t i = 0; i < n; i++)
		members[i].reached = false;
	if (trees->n_hubs == 0 || n == 0)
		return 0;
	hub = choose_hub(trees, number);
	if (ways_make(trees, trees->hubs[hub], &trees->ways[hub]) < 0)
		return -ENOMEM;
	g.ways = &trees->ways[hub];
	start_round(trees);
	take_members(&g, members, n);
	if (g.n_reached < 2 || g.n_receive == 0)
		return 0;
	cut_top(&g, members, n);
	ret->exit = malloc((2 * (size_t)g.n_listed + g.n_receive) * sizeof(*ret->exit));
	if (!ret->exit)
		return -ENOMEM;
	add_branches(&g, ret);
	for (uint32_t i = 0; i < n; i++)
		if (members[i].reached && members[i].receives)
			ret->exit[ret->n++] = TREE_EXIT(members[i].at, members[i].port);
	tree_sort(ret);

	return 0;
}

bool trees_reach(const struct trees *trees, uint32_t number, uint32_t s)
{
	uint32_t hub = trees->n_hubs > 0 ? choose_hub(trees, number) : 0;

	return trees->n_hubs > 0 && s < trees->n_switches && trees->passes[s] &&
	       ways_make(trees, trees->hubs[hub], &trees->ways[hub]) == 0 &&
	       trees->ways[hub].distance[s] != FAR;
}

/* ---- two trees ------------------------------------------------------------------------------- */

static uint32_t find_arc(const struct trees *trees, uint32_t s, uint8_t port)
{
	if (s >= trees->n_switches)
		return NOWHERE;
	for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++)
		if (trees->arcs[a].port == port)
			return a;

	return NOWHERE;
}

/* A cable has one number, whichever end it is looked at from. */
static uint32_t cable_of(const struct trees *trees, uint32_t exit)
{
	uint32_t a = find_arc(trees, TREE_EXIT_SWITCH(exit), TREE_EXIT_PORT(exit));
	uint32_t back = a == NOWHERE ? NOWHERE : arc_back(trees, a);

	return a == NOWHERE || back == NOWHERE ? NOWHERE : MIN(a, back);
}

bool trees_have_cable(const struct trees *trees, uint32_t exit)
{
	return cable_of(trees, exit) != NOWHERE;
}

int trees_mix(const struct trees *trees, const struct tree *a, const struct tree *b)
{
	uint32_t n_exits = a->n + b->n, n = 0;
	AUTO(freep) uint32_t *cable = malloc((n_exits + (size_t)1) * sizeof(*cable));
	uint32_t *above = trees->child; /* nobody grows now */

	if (!cable)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_exits; i++) {
		cable[n] = cable_of(trees, i < a->n ? a->exit[i] : b->exit[i - a->n]);
		n += cable[n] != NOWHERE;
	}
	qsort(cable, n, sizeof(*cable), by_exit);
	for (uint32_t i = 0; i < n; i++) {
		const struct arc *arc = &trees->arcs[cable[i]];
		const struct arc *back = &trees->arcs[arc_back(trees, cable[i])];

		above[arc->to] = arc->to;
		above[back->to] = back->to;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t one, other;

		if (i > 0 && cable[i] == cable[i - 1])
			continue;
		one = forest_root(above, trees->arcs[cable[i]].to);
		other = forest_root(above, trees->arcs[arc_back(trees, cable[i])].to);
		if (one == other)
			return 0;
		above[one] = other;
	}

	return 1;
}
