/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* See past.h. */

#include "routing/past.h"
#include "routing/turns.h"

#include "base/array.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>

void past_clear(struct past *past)
{
	for (uint32_t i = 0; i < past->n_blocks; i++)
		tiered_clear(&past->tiered[i]);
	free(past->tiered);
	free(past->arc_first);
	free(past->arcs);
	free(past->senders);
	free(past->away);
	layout_clear(&past->layout);
	free(past->exit);
	lanes_clear(&past->lanes);
	free(past->turn_lanes);
	free(past->ends);
	free(past->order);
	free(past->mute);
	*past = (struct past){ 0 };
}

int past_make_room(const struct graph *graph, struct past *past)
{
	uint32_t n = (graph->n_switches + HOPS_BLOCK - 1) / HOPS_BLOCK;

	past->tiered = calloc(n + (size_t)1, sizeof(*past->tiered));
	if (!past->tiered)
		return -ENOMEM;
	for (past->n_blocks = 0; past->n_blocks < n; past->n_blocks++) {
		uint32_t left = graph->n_switches - past->n_blocks * HOPS_BLOCK;

		if (tiered_make(graph, hops_width(MIN(left, (uint32_t)HOPS_BLOCK)),
				&past->tiered[past->n_blocks]) < 0)
			return -ENOMEM;
	}

	return 0;
}

static bool *find_senders(const struct graph *graph)
{
	bool *senders = calloc(graph->n_switches + (size_t)1, sizeof(*senders));

	if (senders)
		turns_find_senders(graph, senders);

	return senders;
}

bool past_has_senders_of(const struct past *past, const struct graph *graph)
{
	AUTO(freep) bool *senders = find_senders(graph);

	if (!senders || past->n_switches != graph->n_switches)
		return false;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		if (senders[s] && !past->senders[s])
			return false;

	return true;
}

int past_take(const struct engine *engine, const struct graph *graph, struct layout *layout,
	      struct past *past)
{
	free(past->arc_first);
	free(past->arcs);
	free(past->senders);
	free(TAKE(past->away));
	layout_clear(&past->layout);
	past->layout = *layout;
	*layout = (struct layout){ 0 };
	past->arc_first = array_copy(graph->arc_first, graph->n_switches + (size_t)1,
				     sizeof(*past->arc_first));
	past->arcs = array_copy(graph->arcs, graph->n_arcs, sizeof(*past->arcs));
	if (graph->away)
		past->away = array_copy(graph->away, graph->n_switches, sizeof(*past->away));
	past->senders = find_senders(graph);
	past->engine = engine;
	past->n_switches = graph->n_switches;
	if (past->arc_first && past->arcs && past->senders && !graph->away == !past->away)
		return 0;
	past_clear(past);
	return -ENOMEM;
}

int past_take_lanes(const struct engine *engine, const struct graph *graph, struct past *past)
{
	struct layout none = { 0 };
	int r = past_take(engine, graph, &none, past);

	if (r < 0)
		return r;
	past->n_lanes = graph->n_lanes;
	past->ends = array_copy(graph->ends, graph->n_ends, sizeof(*past->ends));
	past->n_ends = graph->n_ends;
	past->order = array_copy(graph->order, graph->n_switches, sizeof(*past->order));
	if (graph->mute)
		past->mute = array_copy(graph->mute, graph->n_switches, sizeof(*past->mute));
	if (past->ends && past->order && !graph->mute == !past->mute)
		return 0;
	past_clear(past);

	return -ENOMEM;
}

static bool has_arcs_of(const struct past *past, const struct graph *graph)
{
	uint32_t n = graph->n_switches;

	if (memcmp(past->arc_first, graph->arc_first, (n + (size_t)1) * sizeof(*past->arc_first)))
		return false;
	for (uint32_t a = 0; a < graph->n_arcs; a++)
		if (!is_same_arc(&past->arcs[a], &graph->arcs[a]))
			return false;

	return true;
}

static bool is_same_mark(const bool *was, const bool *now, uint32_t n)
{
	return was && now ? memcmp(was, now, n * sizeof(*was)) == 0 : !was && !now;
}

bool past_is_of(const struct past *past, const struct graph *graph)
{
	AUTO(freep) bool *senders = find_senders(graph);
	uint32_t n = graph->n_switches;

	return senders && past->n_switches == n && past->n_lanes == graph->n_lanes &&
	       has_arcs_of(past, graph) && is_same_mark(past->senders, senders, n) &&
	       is_same_mark(past->away, graph->away, n) &&
	       is_same_mark(past->mute, graph->mute, n) &&
	       memcmp(past->order, graph->order, n * sizeof(*past->order)) == 0;
}
