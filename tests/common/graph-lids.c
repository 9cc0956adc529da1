/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Which end of a made graph has which LID. */

#include "tests/common/graphs-inside.h"

#include "base/forest.h"
#include "base/macros.h"

#include <string.h>

enum { LID_MAX = 0xbfff };

void graph_shuffle_lids(struct made_graph *made, uint64_t seed)
{
	made->lids = LIDS_SHUFFLED;
	made->lid_seed = seed;
	made->stale = true;
}

void graph_deal_lids(struct made_graph *made, unsigned leaves_of_a_pod)
{
	made->lids = LIDS_DEALT;
	made->leaves_of_a_pod = leaves_of_a_pod;
	made->stale = true;
}

/* ---- in rounds ----------------------------------------------------------------------------------
 */

/* What ends are sorted by; the first differs most. */
struct dealt {
	uint32_t part; /* a pod, or what spines hang together with */
	uint32_t round;
	uint32_t at;
	uint32_t own; /* of the switch itself: behind its host */
	uint32_t end;
};

static int compare_dealt(const void *a, const void *b)
{
	const struct dealt *x = a, *y = b;
	const uint32_t difference[] = { x->part - y->part, x->round - y->round, x->at - y->at,
					x->own - y->own, x->end - y->end };

	for (unsigned i = 0; i < COUNT(difference); i++)
		if (difference[i])
			return (int32_t)difference[i] < 0 ? -1 : 1;
	return 0;
}

static uint32_t *count_hosts(const struct made_graph *made)
{
	uint32_t *hosts = graph_count_numbers(made->n_switches);

	memset(hosts, 0, made->n_switches * sizeof(*hosts));
	for (uint32_t i = 0; i < made->n_ends; i++)
		hosts[made->ends[i].at] += made->ends[i].kind == END_HOST;

	return hosts;
}

/* Of each switch without hosts the first one that it hangs together with through such. */
static uint32_t *find_planes(const struct made_graph *made, const uint32_t *hosts)
{
	uint32_t *parent = graph_count_numbers(made->n_switches);

	for (uint32_t i = 0; i < made->n_cables; i++) {
		uint32_t a = made->cables[i].side[0].at, b = made->cables[i].side[1].at;

		if (hosts[a] || hosts[b])
			continue;
		a = forest_root(parent, a);
		b = forest_root(parent, b);
		parent[MAX(a, b)] = MIN(a, b);
	}

	return parent;
}

/* 0 of each switch that a cable leads from to one with hosts, of others 1. */
static uint32_t *find_tops(const struct made_graph *made, const uint32_t *hosts)
{
	uint32_t *is_top = graph_count_numbers(made->n_switches);

	for (uint32_t s = 0; s < made->n_switches; s++)
		is_top[s] = 1;
	for (uint32_t i = 0; i < made->n_cables; i++)
		for (unsigned side = 0; side < 2; side++)
			if (hosts[made->cables[i].side[side].at])
				is_top[made->cables[i].side[1 - side].at] = 0;

	return is_top;
}

/* Leaves come first among the switches of made trees, pod by pod. */
static struct dealt place_of(const struct made_graph *made, const uint32_t *hosts, uint32_t *parent,
			     const uint32_t *is_top, uint32_t e, uint32_t rank)
{
	const struct end *end = &made->built_ends[e];
	bool is_leaf = hosts[end->at] > 0;
	uint32_t index = end->at % made->leaves_of_a_pod;

	return (struct dealt){
		.part = is_leaf ? end->at / made->leaves_of_a_pod
				: made->n_switches + forest_root(parent, end->at),
		.round = !is_leaf                  ? is_top[end->at]
			 : end->kind == END_SWITCH ? index % hosts[end->at]
						   : rank,
		.at = end->at,
		.own = end->kind == END_SWITCH,
		.end = e,
	};
}

static void deal(const struct made_graph *made, uint32_t *ret)
{
	AUTO(freep) struct dealt *dealt = calloc(made->n_ends + (size_t)1, sizeof(*dealt));
	AUTO(freep) uint32_t *hosts = count_hosts(made);
	AUTO(freep) uint32_t *parent = find_planes(made, hosts);
	AUTO(freep) uint32_t *is_top = find_tops(made, hosts);
	uint32_t at = UINT32_MAX, rank = 0;

	graph_must_fit(dealt, "memory");
	for (uint32_t e = 0; e < made->n_ends; e++) {
		if (made->built_ends[e].at != at)
			rank = 0;
		at = made->built_ends[e].at;
		dealt[e] = place_of(made, hosts, parent, is_top, e, rank);
		rank += made->built_ends[e].kind != END_SWITCH;
	}
	qsort(dealt, made->n_ends, sizeof(*dealt), compare_dealt);
	for (uint32_t i = 0; i < made->n_ends; i++)
		ret[i] = dealt[i].end;
}

/* ---- all ----------------------------------------------------------------------------------------
 */

/* Give @end the next LIDs after @last that its LMC allows; the last of them. */
static uint32_t take_lids(struct end *end, uint32_t last)
{
	uint32_t count = UINT32_C(1) << end->lmc;
	uint32_t base = (last + count) / count * count;

	graph_must_fit(base + count - 1 <= LID_MAX, "LIDs have run out");
	end->lid = (uint16_t)base;
	return base + count - 1;
}

void graph_give_lids(struct made_graph *made)
{
	AUTO(freep) uint32_t *indices = graph_count_numbers(made->n_ends);
	uint32_t last = 0;

	if (made->lids == LIDS_SHUFFLED)
		graph_shuffle_numbers(indices, made->n_ends, made->lid_seed);
	if (made->lids == LIDS_DEALT)
		deal(made, indices);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < made->n_ends; i++) {
			struct end *end = &made->built_ends[indices[i]];
			bool late = made->lids == LIDS_BY_LEAF && end->kind == END_SWITCH;

			if (late == (pass == 1))
				last = take_lids(end, last);
		}
	}
	made->graph.max_lid = (uint16_t)last;
}
