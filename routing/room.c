/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Room for multicast: a spanning tree that grows around a switch, cable by cable. A cable is taken
 * if its turns, with all others of the tree at the switch that it grows from, close no circle with
 * those of unicast. If it does not come to everybody another switch is tried.
 *
 * Where there are dimensions it grows along the first, then along the second from all that is
 * there, and so on. Ways take dimensions in that order too, so up the tree they come in the other;
 * but who has left what is there for the last time does not come back to it.
 *
 * If no such tree comes to everybody, one does that comes to those who send, way by way to the next
 * of them. All others hang on it somehow: turns that only switches could take do not count, as in
 * the proof of unicast.
 */

#include "routing/room.h"

#include "base/macros.h"
#include "routing/admission.h"

#include <errno.h>
#include <string.h>

enum { ROOTS = 16 /* that are tried */, NOWHERE = UINT32_MAX };

struct growing {
	const struct graph *graph;
	const struct dimensions *dimensions;
	const bool *passes; /* [switch], or NULL: all do who are not mute */
	struct admission admission;
	uint8_t *up;
	uint32_t *at;    /* by order: the switch */
	bool *sends;     /* [switch] */
	bool *seen;      /* [switch]: it is part of the tree, */
	uint32_t *queue; /* which are these */
	uint32_t n;
	uint32_t *from; /* [switch] that is looked at: the arc that comes to it, or NOWHERE */
};

static void growing_clear(struct growing *g)
{
	admission_clear(&g->admission);
	free(g->at);
	free(g->sends);
	free(g->seen);
	free(g->queue);
	free(g->from);
}

static int growing_make(struct growing *g, const struct turns *turns)
{
	size_t n = g->graph->n_switches + (size_t)1;

	g->at = calloc(n, sizeof(*g->at));
	g->sends = calloc(n, sizeof(*g->sends));
	g->seen = calloc(n, sizeof(*g->seen));
	g->queue = calloc(n, sizeof(*g->queue));
	g->from = calloc(n, sizeof(*g->from));
	if (!g->at || !g->sends || !g->seen || !g->queue || !g->from)
		return -ENOMEM;
	turns_find_senders(g->graph, g->sends);
	for (uint32_t s = 0; s < g->graph->n_switches; s++)
		g->at[g->graph->order[s]] = s;
	return admission_init(g->graph, turns, &g->admission);
}

static bool is_of_tree(const struct growing *g, uint32_t s, uint32_t a)
{
	const struct arc *arc = &g->graph->arcs[a];

	return g->up[s] == arc->port || g->up[arc->to] == arc->to_port;
}

static uint32_t arc_back(const struct growing *g, uint32_t a)
{
	const struct arc *arc = &g->graph->arcs[a];
	uint32_t back = g->graph->arc_first[arc->to];

	while (g->graph->arcs[back].port != arc->to_port)
		back++;
	return back;
}

/* From the cable of arc @b to that of arc @a, both out of @s, and back. */
static bool admit_turn(struct growing *g, uint32_t s, uint32_t b, uint32_t a)
{
	uint32_t first = g->graph->arc_first[s];

	return admission_try(&g->admission, arc_back(g, b), a - first) &&
	       admission_try(&g->admission, arc_back(g, a), b - first);
}

/* From the other cables of the tree at @s to arc @a, and back. */
static bool admit_cable(struct growing *g, uint32_t s, uint32_t a)
{
	for (uint32_t b = g->graph->arc_first[s]; b < g->graph->arc_first[s + 1]; b++)
		if (is_of_tree(g, s, b) && !admit_turn(g, s, b, a))
			return false;
	return true;
}

static bool is_free(const struct growing *g, uint32_t s)
{
	return !g->seen[s] && !graph_is_mute(g->graph, s) && (!g->passes || g->passes[s]);
}

static void add(struct growing *g, uint32_t s)
{
	g->seen[s] = true;
	g->queue[g->n++] = s;
}

/* ---- to all -----------------------------------------------------------------------------------
 */

static void grow_along(struct growing *g, uint32_t s, uint32_t dimension)
{
	const struct graph *graph = g->graph;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		const struct arc *arc = &graph->arcs[a];
		uint32_t n_before = g->admission.n_recent;

		if (!is_free(g, arc->to) ||
		    (dimension < g->dimensions->n && g->dimensions->of_arc[a] != dimension))
			continue;
		if (!admit_cable(g, s, a)) {
			admission_give_back_to(&g->admission, n_before);
			continue;
		}
		g->up[arc->to] = arc->to_port;
		add(g, arc->to);
	}
}

/* All that it comes to from the @first of the queue on; behind the last dimension is any. */
static void grow(struct growing *g, uint32_t first)
{
	for (uint32_t d = 0; d <= g->dimensions->n; d++)
		for (uint32_t i = first; i < g->n; i++)
			grow_along(g, g->queue[i], d);
}

/* ---- to those who send --------------------------------------------------------------------------
 */

/* A way that comes to @s, or begins there, goes on by arc @a. */
static bool admit_step(struct growing *g, uint32_t s, uint32_t a)
{
	return g->seen[s] ? admit_cable(g, s, a) : admit_turn(g, s, arc_back(g, g->from[s]), a);
}

static bool may_step(struct growing *g, uint32_t s, uint32_t a)
{
	uint32_t n_before = g->admission.n_recent;
	bool may = admit_step(g, s, a);

	admission_give_back_to(&g->admission, n_before);
	return may;
}

static uint32_t before(const struct growing *g, uint32_t s)
{
	return g->graph->arcs[arc_back(g, g->from[s])].to;
}

/* The way that comes to @s becomes part of the tree, all of it or nothing. */
static bool take_way(struct growing *g, uint32_t s)
{
	uint32_t n_before = g->admission.n_recent;

	for (uint32_t at = s; !g->seen[at]; at = before(g, at)) {
		if (!admit_step(g, before(g, at), g->from[at])) {
			admission_give_back_to(&g->admission, n_before);
			return false;
		}
	}
	for (; !g->seen[s]; s = before(g, s)) {
		g->up[s] = g->graph->arcs[g->from[s]].to_port;
		add(g, s);
	}
	return true;
}

/* A way to the nearest who can be part of the tree, from all that are; false: nobody can. */
static bool grow_to_sender(struct growing *g, uint32_t first)
{
	const struct graph *graph = g->graph;
	uint32_t past = g->n; /* behind them are those that are looked at */

	memset(g->from, 0xff, graph->n_switches * sizeof(*g->from));
	for (uint32_t i = first; i < past; i++) {
		uint32_t s = g->queue[i];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (!is_free(g, to) || g->from[to] != NOWHERE || !may_step(g, s, a))
				continue;
			g->from[to] = a;
			if (!g->sends[to])
				g->queue[past++] = to;
			else if (take_way(g, to))
				return true;
			else
				g->from[to] = NOWHERE;
		}
	}
	return false;
}

/* Who sends nothing; false: somebody does. */
static bool hang_others(struct growing *g, uint32_t first)
{
	const struct graph *graph = g->graph;

	for (uint32_t i = first; i < g->n; i++) {
		uint32_t s = g->queue[i];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];

			if (!is_free(g, arc->to))
				continue;
			if (g->sends[arc->to])
				return false;
			g->up[arc->to] = arc->to_port;
			add(g, arc->to);
		}
	}
	return true;
}

/* ---- in all parts -------------------------------------------------------------------------------
 */

/* Does a cable lead out of the tree, to who has been left? */
static bool has_left(const struct growing *g)
{
	const struct graph *graph = g->graph;

	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t a = graph->arc_first[g->queue[i]];
		     a < graph->arc_first[g->queue[i] + 1]; a++)
			if (is_free(g, graph->arcs[a].to))
				return true;
	return false;
}

/* From @root to all of its part. */
static bool grow_from(struct growing *g, uint32_t root, bool to_senders)
{
	uint32_t first = g->n;

	add(g, root);
	if (!to_senders) {
		grow(g, first);
		return !has_left(g);
	}
	while (grow_to_sender(g, first))
		;
	return hang_others(g, first);
}

/* In each part of the fabric from the first switch by order, counted from place @from; of those
 * that send, if one does. */
static bool try_roots(struct growing *g, uint32_t from, bool to_senders)
{
	uint32_t n = g->graph->n_switches;

	admission_give_back(&g->admission);
	memset(g->up, ROUTE_NONE, n);
	memset(g->seen, 0, n * sizeof(*g->seen));
	g->n = 0;
	for (uint32_t i = to_senders ? 0 : n; i < 2 * n; i++) {
		uint32_t root = g->at[(from + i) % n];

		if (is_free(g, root) && (i >= n || g->sends[root]) &&
		    !grow_from(g, root, to_senders))
			return false;
	}
	return true;
}

int room_find_tree(const struct graph *graph, const struct turns *turns,
		   const struct dimensions *dimensions, const bool *passes, uint8_t *ret_up)
{
	AUTO(growing_clear)
	struct growing g = {
		.graph = graph, .dimensions = dimensions, .passes = passes, .up = ret_up
	};
	int r = growing_make(&g, turns);

	if (r)
		return r;
	for (uint32_t i = 0; i < 2 * ROOTS; i++)
		if (try_roots(&g, (uint32_t)((uint64_t)(i % ROOTS) * graph->n_switches / ROOTS),
			      i >= ROOTS))
			return g.admission.full ? -ENOMEM : 0;
	return g.admission.full ? -ENOMEM : 1;
}
