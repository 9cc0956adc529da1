/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Cables between the same two switches are one way with several lanes: one neighbour here, so that
 * a neighbour with four cables is as likely as one with one, and both ends list the lanes in the
 * same sequence, by the port of the switch that comes later... of the neighbour, whose arcs are
 * walked.
 *
 * What is no host is counted by its block (number.c), from a start that switches have for
 * themselves: if all of a plane led to a switch by the same core, all would have to write a block
 * when that core loses its cable.
 */

#include "routing/fan.h"

#include "base/macros.h"

#include <errno.h>

void fans_clear(struct fans *fans)
{
	free(fans->first);
	free(fans->fan);
	free(fans->ports);
	free(fans->share);
	free(fans->start);
	*fans = (struct fans){ 0 };
}

static int fans_alloc(const struct graph *graph, struct fans *ret)
{
	*ret = (struct fans){
		.first = calloc(graph->n_switches + (size_t)2, sizeof(uint32_t)),
		.fan = malloc((graph->n_arcs + (size_t)1) * sizeof(struct fan)),
		.ports = malloc((graph->n_arcs + (size_t)1) * sizeof(uint8_t)),
		.share = calloc(graph->n_switches + (size_t)1, sizeof(uint32_t)),
		.start = calloc(graph->n_switches + (size_t)1, sizeof(uint32_t)),
	};
	return ret->first && ret->fan && ret->ports && ret->share && ret->start ? 0 : -ENOMEM;
}

/* An arc out of a port, before those to the same switch are put together. */
#define LANE(to, port) ((uint32_t)(to) << 8 | (port))
#define LANE_TO(lane)  ((lane) >> 8)

/* Walking the switches by exit key, and handing each arc to its far end, sorts all at once. */
static void sort_lanes(const struct graph *graph, const uint32_t *by_key, uint32_t *next,
		       uint32_t *lanes)
{
	for (uint32_t s = 0; s < graph->n_switches; s++)
		next[s] = graph->arc_first[s];
	for (uint32_t i = 0; i < graph->n_switches; i++) {
		uint32_t s = by_key[i];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];

			lanes[next[arc->to]++] = LANE(s, arc->to_port);
		}
	}
}

static void group_lanes(const struct graph *graph, const uint32_t *lanes, struct fans *ret)
{
	struct fan *next = ret->fan;
	uint8_t *restrict ports = ret->ports;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint32_t a = graph->arc_first[s], end = graph->arc_first[s + 1];

		ret->first[s] = (uint32_t)(next - ret->fan);
		while (a < end) {
			*next = (struct fan){ LANE_TO(lanes[a]), a };
			for (; a < end && LANE_TO(lanes[a]) == next->to; a++)
				ports[a] = (uint8_t)lanes[a];
			next++;
		}
	}
	ret->first[graph->n_switches] = (uint32_t)(next - ret->fan);
	*next = (struct fan){ UINT32_MAX, graph->n_arcs };
}

/* The first neighbour of @s that leads up, or NULL. */
static const struct fan *find_upper(const struct ranking *ranking, const struct fans *fans,
				    uint32_t s)
{
	const struct fan *end = fans->fan + fans->first[s + 1];

	for (const struct fan *fan = fans->fan + fans->first[s]; fan < end; fan++)
		if (ranking->height[fan->to] > ranking->height[s])
			return fan;

	return NULL;
}

/* Those of a pod's leaves are the same, so that rows can be copied; others have their own. */
static void set_starts(const struct graph *graph, const struct ranking *ranking,
		       const uint32_t *exit_key, struct fans *ret)
{
	for (uint32_t s = 0; ranking->tree && s < graph->n_switches; s++) {
		const struct fan *upper = find_upper(ranking, ret, s);

		if (upper)
			ret->start[s] = exit_key[ranking->height[s] == 0 ? upper->to : s];
	}
}

int fans_make(const struct graph *graph, const struct ranking *ranking,
	      const struct numbering *numbering, struct fans *ret)
{
	size_t n = graph->n_switches + (size_t)1;
	AUTO(freep) uint32_t *by_key = calloc(n, sizeof(*by_key));
	AUTO(freep) uint32_t *next = calloc(n, sizeof(*next));
	AUTO(freep) uint32_t *lanes = malloc((graph->n_arcs + (size_t)1) * sizeof(*lanes));
	int r = fans_alloc(graph, ret);

	if (r || !by_key || !next || !lanes)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		by_key[numbering->exit_key[s]] = s;
	sort_lanes(graph, by_key, next, lanes);
	group_lanes(graph, lanes, ret);
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ret->share[s] = 1; /* until nominal.c knows */
	set_starts(graph, ranking, numbering->exit_key, ret);
	return 0;
}
