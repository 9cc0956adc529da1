/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Turns that no choice of shortest ways can do without: between two switches that have one
 * neighbour in common, one cable each to it, and none to each other. Where these alone close a
 * circle of waiting, as in rings, tori and dragonflies, one lane is not enough for shortest ways,
 * whoever finds them, and nobody has to be asked.
 */

#include "routing/turns.h"

#include "base/macros.h"
#include "routing/cycle.h"

#include <errno.h>
#include <string.h>

enum { NOT_ONE = UINT32_MAX };

/* @n_ways[c]: from @a to switch c in two hops; NOT_ONE for its neighbours and itself. */
static void count_ways(const struct graph *graph, uint32_t a, uint32_t *n_ways)
{
	memset(n_ways, 0, graph->n_switches * sizeof(*n_ways));
	for (uint32_t x = graph->arc_first[a]; x < graph->arc_first[a + 1]; x++) {
		uint32_t b = graph->arcs[x].to;

		for (uint32_t y = graph->arc_first[b]; y < graph->arc_first[b + 1]; y++)
			n_ways[graph->arcs[y].to]++;
	}
	for (uint32_t x = graph->arc_first[a]; x < graph->arc_first[a + 1]; x++)
		n_ways[graph->arcs[x].to] = NOT_ONE;
	n_ways[a] = NOT_ONE;
}

/* Of packets that hosts at @a send to switches that are @led_to. */
static void put_forced(const struct graph *graph, uint32_t a, const bool *led_to,
		       const uint32_t *n_ways, const struct turns *turns)
{
	for (uint32_t x = graph->arc_first[a]; x < graph->arc_first[a + 1]; x++) {
		uint32_t first = graph->arc_first[graph->arcs[x].to];

		for (uint32_t turn = 0; turn < graph_degree(graph, graph->arcs[x].to); turn++) {
			uint32_t c = graph->arcs[first + turn].to;

			if (n_ways[c] == 1 && led_to[c])
				turns_put(turns, x, turn);
		}
	}
}

int turns_are_forced_around(const struct graph *graph)
{
	size_t n = graph->n_switches + (size_t)1;
	AUTO(freep) bool *sends = calloc(n, sizeof(*sends));
	AUTO(freep) bool *led_to = calloc(n, sizeof(*led_to));
	AUTO(freep) uint32_t *n_ways = malloc(n * sizeof(*n_ways));
	AUTO(turns_clear) struct turns turns = { .words = turns_words(graph) };
	struct cycle cycle;
	int r;

	turns.bits = calloc(graph->n_arcs + (size_t)1, turns.words * sizeof(*turns.bits));
	if (!sends || !led_to || !n_ways || !turns.bits)
		return -ENOMEM;
	turns_find_senders(graph, sends);
	for (uint32_t e = 0; e < graph->n_ends; e++)
		led_to[graph->ends[e].at] |= graph->ends[e].lid != 0;
	for (uint32_t a = 0; a < graph->n_switches; a++) {
		if (!sends[a])
			continue;
		count_ways(graph, a, n_ways);
		put_forced(graph, a, led_to, n_ways, &turns);
	}
	r = cycle_find(graph, turns.bits, turns.words, NULL, &cycle);

	return r < 0 ? r : cycle.length > 0;
}
