/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Room for multicast: a spanning tree that grows around a switch, cable by cable. A cable is taken
 * if its turns, with all others of the tree at the switch that it grows from, close no circle with
 * those of unicast. If it does not come to everybody another switch is tried.
 *
 * Where there are dimensions it grows along the first, then along the second from all that is
 * there, and so on. Ways take dimensions in that order too, so up the tree they come in the other;
 * but who has left what is there for the last time does not come back to it.
 */

#include "routing/room.h"

#include "base/macros.h"
#include "routing/admission.h"

#include <errno.h>
#include <string.h>

enum { ROOTS = 16 /* that are tried */ };

struct growing {
	const struct graph *graph;
	const struct dimensions *dimensions;
	struct admission admission;
	uint8_t *up;
	uint32_t *at;    /* by order: the switch */
	bool *seen;      /* [switch]: it is part of the tree, */
	uint32_t *queue; /* which are these */
	uint32_t n;
};

static void growing_clear(struct growing *g)
{
	admission_clear(&g->admission);
	free(g->at);
	free(g->seen);
	free(g->queue);
}

static int growing_make(struct growing *g, const struct turns *turns)
{
	size_t n = g->graph->n_switches + (size_t)1;

	g->at = calloc(n, sizeof(*g->at));
	g->seen = calloc(n, sizeof(*g->seen));
	g->queue = calloc(n, sizeof(*g->queue));
	if (!g->at || !g->seen || !g->queue)
		return -ENOMEM;
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

/* From the other cables of the tree at @s to arc @a, and back. */
static bool admit_cable(struct growing *g, uint32_t s, uint32_t a)
{
	uint32_t first = g->graph->arc_first[s], back = arc_back(g, a);

	for (uint32_t b = first; b < g->graph->arc_first[s + 1]; b++)
		if (is_of_tree(g, s, b) &&
		    !(admission_try(&g->admission, arc_back(g, b), a - first) &&
		      admission_try(&g->admission, back, b - first)))
			return false;
	return true;
}

static void grow_along(struct growing *g, uint32_t s, uint32_t dimension)
{
	const struct graph *graph = g->graph;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		const struct arc *arc = &graph->arcs[a];
		uint32_t n_before = g->admission.n_recent;

		if (g->seen[arc->to] ||
		    (dimension < g->dimensions->n && g->dimensions->of_arc[a] != dimension))
			continue;
		if (!admit_cable(g, s, a)) {
			admission_give_back_to(&g->admission, n_before);
			continue;
		}
		g->up[arc->to] = arc->to_port;
		g->seen[arc->to] = true;
		g->queue[g->n++] = arc->to;
	}
}

/* All that it comes to from the @first of the queue on; behind the last dimension is any. */
static void grow(struct growing *g, uint32_t first)
{
	for (uint32_t d = 0; d <= g->dimensions->n; d++)
		for (uint32_t i = first; i < g->n; i++)
			grow_along(g, g->queue[i], d);
}

/* Does a cable lead out of the tree, to who has been left? */
static bool has_left(const struct growing *g)
{
	const struct graph *graph = g->graph;

	for (uint32_t i = 0; i < g->n; i++)
		for (uint32_t a = graph->arc_first[g->queue[i]];
		     a < graph->arc_first[g->queue[i] + 1]; a++)
			if (!g->seen[graph->arcs[a].to])
				return true;
	return false;
}

/* In each part of the fabric from the first switch by order, counted from place @from. */
static bool try_roots(struct growing *g, uint32_t from)
{
	uint32_t n = g->graph->n_switches;

	admission_give_back(&g->admission);
	memset(g->up, ROUTE_NONE, n);
	memset(g->seen, 0, n * sizeof(*g->seen));
	g->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t root = g->at[(from + i) % n], first = g->n;

		if (g->seen[root])
			continue;
		g->seen[root] = true;
		g->queue[g->n++] = root;
		grow(g, first);
		if (has_left(g))
			return false;
	}
	return true;
}

int room_find_tree(const struct graph *graph, const struct turns *turns,
		   const struct dimensions *dimensions, uint8_t *ret_up)
{
	AUTO(growing_clear)
	struct growing g = { .graph = graph, .dimensions = dimensions, .up = ret_up };
	int r = growing_make(&g, turns);

	if (r)
		return r;
	for (uint32_t i = 0; i < ROOTS; i++)
		if (try_roots(&g, (uint32_t)((uint64_t)i * graph->n_switches / ROOTS)))
			return g.admission.full ? -ENOMEM : 0;
	return g.admission.full ? -ENOMEM : 1;
}
