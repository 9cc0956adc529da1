/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Ways of packets, walked by the tables, and what they put on cables. All random choices come from
 * one seed and go by the order of the hosts in the graph: tables of different makers for the same
 * fabric are judged by the same permutations.
 */

#include "tests/bench/quality.h"

#include "base/macros.h"
#include "tests/common/graphs.h"

#include <stdlib.h>
#include <string.h>

enum { PERMUTATIONS = 40, HOPS_LIMIT = 512, NO_WAY = -1 };

/* Hosts, their switches and the far end of each exit. */
struct walker {
	const struct graph *graph;
	const struct tables *tables;
	uint32_t (*next)[256]; /* [s][port]: the switch there, UINT32_MAX if none */
	double (*load)[256];
	const struct end **hosts;
	uint32_t n_hosts;
	uint32_t *hosts_at;
	double *used[HOPS_LIMIT]; /* loads of the cables of the last way */
};

static void walker_clear(const struct walker *walker)
{
	free(walker->next);
	free(walker->load);
	free(walker->hosts);
	free(walker->hosts_at);
}

static void walker_make(const struct graph *graph, const struct tables *tables, struct walker *ret)
{
	*ret = (struct walker){
		.graph = graph,
		.tables = tables,
		.next = malloc(graph->n_switches * sizeof(*ret->next)),
		.load = calloc(graph->n_switches, sizeof(*ret->load)),
		.hosts = calloc(graph->n_ends + (size_t)1, sizeof(struct end *)),
		.hosts_at = calloc(graph->n_switches, sizeof(uint32_t)),
	};
	memset(ret->next, 0xff, graph->n_switches * sizeof(*ret->next));
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			ret->next[s][graph->arcs[a].port] = graph->arcs[a].to;
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		if (graph->ends[e].kind != END_HOST)
			continue;
		ret->hosts[ret->n_hosts++] = &graph->ends[e];
		ret->hosts_at[graph->ends[e].at]++;
	}
}

static void clear_load(struct walker *walker)
{
	memset(walker->load, 0, walker->graph->n_switches * sizeof(*walker->load));
}

/* The cables from switch @s to @end into @walker->used; how many, or NO_WAY. */
static int find_way(struct walker *walker, uint32_t s, const struct end *end)
{
	int hops = 0;

	while (s != end->at) {
		uint8_t port = walker->tables->lft[s * walker->tables->stride + end->lid];

		if (!end->lid || walker->next[s][port] == UINT32_MAX || hops == HOPS_LIMIT)
			return NO_WAY;
		walker->used[hops++] = &walker->load[s][port];
		s = walker->next[s][port];
	}
	return hops;
}

/* All cables from switch @s to @end carry @weight more. False: it does not get there. */
static bool add_flow(struct walker *walker, uint32_t s, const struct end *end, double weight)
{
	int hops = find_way(walker, s, end);

	for (int i = 0; i < hops; i++)
		*walker->used[i] += weight;
	return hops != NO_WAY;
}

/* ---- edge forwarding index ------------------------------------------------------------------- */

static void measure_efi(struct walker *walker, struct quality *ret)
{
	const struct graph *graph = walker->graph;
	double sum = 0;
	double max = 0;
	double used = 0;

	clear_load(walker);
	for (uint32_t h = 0; h < walker->n_hosts; h++)
		for (uint32_t s = 0; s < graph->n_switches; s++)
			if (walker->hosts_at[s])
				add_flow(walker, s, walker->hosts[h], walker->hosts_at[s]);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (unsigned port = 0; port < 256; port++) {
			sum += walker->load[s][port];
			max = MAX(max, walker->load[s][port]);
			used += walker->load[s][port] > 0;
		}
	}
	ret->efi_max = max;
	ret->efi_ratio = used > 0 ? max / (sum / used) : 0;
	ret->hops = sum / (double)walker->n_hosts / (double)walker->n_hosts;
}

/* ---- permutations ---------------------------------------------------------------------------- */

static void shuffle(const struct walker *walker, const struct end **to, uint64_t *random)
{
	memcpy(to, walker->hosts, walker->n_hosts * sizeof(*to));
	for (uint32_t h = walker->n_hosts; h > 1; h--) {
		uint32_t other = (uint32_t)(graph_random(random) % h);
		const struct end *end = to[h - 1];

		to[h - 1] = to[other];
		to[other] = end;
	}
}

/* The share that the flow gets of its worst cable. */
static double share_of_flow(struct walker *walker, uint32_t s, const struct end *end)
{
	int hops = find_way(walker, s, end);
	double worst = 1;

	for (int i = 0; i < hops; i++)
		worst = MAX(worst, *walker->used[i]);
	return hops == NO_WAY ? 0 : 1 / worst;
}

static void measure_permutation(struct walker *walker, uint64_t *random, struct quality *sum)
{
	const struct end **to = malloc((walker->n_hosts + (size_t)1) * sizeof(*to));
	double flows = (double)walker->n_hosts * PERMUTATIONS;

	shuffle(walker, to, random);
	clear_load(walker);
	for (uint32_t h = 0; h < walker->n_hosts; h++)
		if (!add_flow(walker, walker->hosts[h]->at, to[h], 1))
			sum->lost += 1 / flows;
	for (uint32_t h = 0; h < walker->n_hosts; h++)
		sum->ebb += share_of_flow(walker, walker->hosts[h]->at, to[h]) / flows;
	free(to);
}

struct quality quality_of(const struct graph *graph, const struct tables *tables)
{
	AUTO(walker_clear) struct walker walker = { 0 };
	struct quality quality = { 0 };
	uint64_t random = 1;

	walker_make(graph, tables, &walker);
	measure_efi(&walker, &quality);
	for (unsigned i = 0; i < PERMUTATIONS; i++)
		measure_permutation(&walker, &random, &quality);
	return quality;
}
