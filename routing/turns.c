/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the proof of tables and the way from one to others both need to know of a graph.
 */

#include "routing/turns.h"

#include "base/macros.h"

#include <string.h>

uint32_t turns_words(const struct graph *graph)
{
	uint32_t most = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		most = MAX(most, graph_degree(graph, s));
	return MAX((most + 63) / 64, 1U);
}

void turns_of_ports(const struct graph *graph, uint8_t *ret)
{
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint8_t *turn = ret + (size_t)s * 256;
		uint32_t n = graph_degree(graph, s);

		memset(turn, (int)n, 256);
		for (uint32_t i = 0; i < n; i++)
			turn[graph->arcs[graph->arc_first[s] + i].port] = (uint8_t)i;
	}
}

void turns_find_senders(const struct graph *graph, bool *ret)
{
	for (uint32_t i = 0; i < graph->n_ends; i++)
		if (graph->ends[i].kind != END_SWITCH)
			ret[graph->ends[i].at] = true;
	for (uint32_t s = 0; graph->strangers && s < graph->n_switches; s++)
		ret[s] = ret[s] || graph->strangers[s];
}

void turns_clear(struct turns *turns)
{
	free(TAKE(turns->bits));
}
