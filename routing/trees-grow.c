/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A tree is what members and the ways between them need: from the top down, what has no member and
 * one branch is cut off. Nothing is copied down a branch on which nobody receives, nor up from one
 * if nobody receives anywhere else.
 */

#include "routing/trees-ways.h"

#include "base/forest.h"
#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	uint32_t from = TREE_NOWHERE;

	for (;;) {
		bool is_listed = trees->seen[s] == trees->round;

		if (!is_listed) {
			trees->seen[s] = trees->round;
			trees->up[s] = tree_choose_arc(trees, g->ways, g->number, s);
			trees->below[s] = trees->children[s] = 0;
			trees->list[g->n_listed++] = s;
		}
		if (from != TREE_NOWHERE) {
			trees->children[s]++;
			trees->child[s] = from;
		}
		if (is_listed)
			return;
		if (trees->up[s] == TREE_NOWHERE) {
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
	while (trees->up[s] != TREE_NOWHERE) {
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
			     g->ways->distance[m->at] != TREE_FAR;
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
	trees->up[g->top] = TREE_NOWHERE;
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
	hub = tree_choose_hub(trees, number);
	if (tree_ways_make(trees, trees->hubs[hub], &trees->ways[hub]) < 0)
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

static bool hub_reaches(const struct trees *trees, uint32_t hub, uint32_t s)
{
	return s < trees->n_switches && trees->passes[s] &&
	       tree_ways_make(trees, trees->hubs[hub], &trees->ways[hub]) == 0 &&
	       trees->ways[hub].distance[s] != TREE_FAR;
}

bool trees_reach(const struct trees *trees, uint32_t number, uint32_t s)
{
	return trees->n_hubs > 0 && hub_reaches(trees, tree_choose_hub(trees, number), s);
}

bool trees_all_reach(const struct trees *trees, uint32_t s)
{
	for (uint32_t i = 0; trees->has_blocked && i < trees->n_hubs; i++)
		if (!hub_reaches(trees, i, s))
			return false;

	return true;
}

/* ---- two trees ------------------------------------------------------------------------------- */

static uint32_t find_arc(const struct trees *trees, uint32_t s, uint8_t port)
{
	if (s >= trees->n_switches)
		return TREE_NOWHERE;
	for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++)
		if (trees->arcs[a].port == port)
			return a;

	return TREE_NOWHERE;
}

/* A cable has one number, whichever end it is looked at from. */
static uint32_t cable_of(const struct trees *trees, uint32_t exit)
{
	uint32_t a = find_arc(trees, TREE_EXIT_SWITCH(exit), TREE_EXIT_PORT(exit));
	uint32_t back = a == TREE_NOWHERE ? TREE_NOWHERE : tree_arc_back(trees, a);

	return a == TREE_NOWHERE || back == TREE_NOWHERE ? TREE_NOWHERE : MIN(a, back);
}

bool trees_have_cable(const struct trees *trees, uint32_t exit)
{
	return cable_of(trees, exit) != TREE_NOWHERE;
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
		n += cable[n] != TREE_NOWHERE;
	}
	qsort(cable, n, sizeof(*cable), by_exit);
	for (uint32_t i = 0; i < n; i++) {
		const struct arc *arc = &trees->arcs[cable[i]];
		const struct arc *back = &trees->arcs[tree_arc_back(trees, cable[i])];

		above[arc->to] = arc->to;
		above[back->to] = back->to;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t one, other;

		if (i > 0 && cable[i] == cable[i - 1])
			continue;
		one = forest_root(above, trees->arcs[cable[i]].to);
		other = forest_root(above, trees->arcs[tree_arc_back(trees, cable[i])].to);
		if (one == other)
			return 0;
		above[one] = other;
	}

	return 1;
}
