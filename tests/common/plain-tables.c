/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What an engine does, in the plainest way: a breadth first search for each switch that has ends,
 * and for each LID there the choice of one arc that leads closer. Slow, and independent of the
 * engines, so that a test of the proof does not lean on what the proof is to judge.
 */

#include "tests/common/plain-tables.h"
#include "tests/common/graphs.h"

#include "base/macros.h"

#include <stdio.h>
#include <string.h>

enum { FAR = UINT32_MAX };

static void *must(void *pointer)
{
	if (!pointer) {
		fputs("plain-tables: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

static struct tables make_of(const struct graph *graph, uint8_t entry)
{
	struct tables tables = { .stride = tables_stride(graph) };
	size_t size = graph->n_switches * tables.stride;

	tables.lft = must(malloc(size + !size));
	memset(tables.lft, entry, size);
	return tables;
}

struct tables plain_tables_make(const struct graph *graph)
{
	return make_of(graph, ROUTE_NONE);
}

struct tables plain_tables_rubbish(const struct graph *graph)
{
	return make_of(graph, 0x5a);
}

void plain_tables_clear(struct tables *tables)
{
	free(TAKE(tables->lft));
}

/* Hops to @to over arcs that are @allowed (all if NULL). */
static void measure(const struct graph *graph, const bool *allowed, uint32_t to, uint32_t *hops)
{
	AUTO(freep) uint32_t *queue = must(calloc(graph->n_switches + 1, sizeof(*queue)));
	uint32_t head = 0;
	uint32_t tail = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		hops[s] = FAR;
	hops[to] = 0;
	queue[tail++] = to;
	while (head < tail) {
		uint32_t s = queue[head++];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t next = graph->arcs[a].to;

			if ((allowed && !allowed[a]) || hops[next] != FAR)
				continue;
			hops[next] = hops[s] + 1;
			queue[tail++] = next;
		}
	}
}

/* One of the ports of @s that lead closer, by @seed. */
static uint8_t choose(const struct graph *graph, const bool *allowed, const uint32_t *hops,
		      uint32_t s, uint64_t *seed)
{
	uint8_t ports[256];
	unsigned n = 0;

	for (uint32_t a = graph->arc_first[s]; hops[s] != FAR && a < graph->arc_first[s + 1]; a++)
		if ((!allowed || allowed[a]) && hops[graph->arcs[a].to] == hops[s] - 1)
			ports[n++] = graph->arcs[a].port;
	return n ? ports[graph_random(seed) % n] : ROUTE_NONE;
}

static void fill(const struct graph *graph, const bool *allowed, struct tables *tables,
		 uint64_t seed)
{
	AUTO(freep) uint32_t *hops = must(calloc(graph->n_switches + 1, sizeof(*hops)));

	for (uint32_t i = 0; i < graph->n_ends; i++) {
		const struct end *end = &graph->ends[i];

		if (!i || graph->ends[i - 1].at != end->at)
			measure(graph, allowed, end->at, hops);
		for (uint32_t lid = end->lid; lid < end->lid + (1U << end->lmc); lid++)
			for (uint32_t s = 0; s < graph->n_switches; s++)
				tables->lft[s * tables->stride + lid] =
					s == end->at ? end->port
						     : choose(graph, allowed, hops, s, &seed);
	}
}

void plain_tables_fill_short(const struct graph *graph, struct tables *tables, uint64_t seed)
{
	fill(graph, NULL, tables, seed);
}

static void allow_both_ways(const struct graph *graph, bool *allowed, uint32_t a)
{
	const struct arc *arc = &graph->arcs[a];

	allowed[a] = true;
	for (uint32_t b = graph->arc_first[arc->to]; b < graph->arc_first[arc->to + 1]; b++)
		if (graph->arcs[b].port == arc->to_port)
			allowed[b] = true;
}

/* From each switch but the root one arc that leads closer to the root. */
static void allow_tree(const struct graph *graph, uint32_t root, bool *allowed, bool *in_tree)
{
	AUTO(freep) uint32_t *hops = must(calloc(graph->n_switches + 1, sizeof(*hops)));

	measure(graph, NULL, root, hops);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		if (hops[s] == FAR)
			continue;
		in_tree[s] = true;
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			if (hops[graph->arcs[a].to] + 1 != hops[s])
				continue;
			allow_both_ways(graph, allowed, a);
			break;
		}
	}
}

void plain_tables_fill_tree(const struct graph *graph, struct tables *tables, uint64_t seed)
{
	AUTO(freep) bool *allowed = must(calloc(graph->n_arcs + 1, sizeof(*allowed)));
	AUTO(freep) bool *in_tree = must(calloc(graph->n_switches + 1, sizeof(*in_tree)));
	uint32_t start = (uint32_t)(graph_random(&seed) % MAX(graph->n_switches, 1U));

	for (uint32_t i = 0; i < graph->n_switches; i++) {
		uint32_t root = (start + i) % graph->n_switches;

		if (!in_tree[root])
			allow_tree(graph, root, allowed, in_tree);
	}
	fill(graph, allowed, tables, seed);
}

void plain_tables_fill_noise(const struct graph *graph, struct tables *tables, uint64_t seed)
{
	for (size_t i = 0; i < graph->n_switches * tables->stride; i++)
		tables->lft[i] = (uint8_t)graph_random(&seed);
}

static void spoil_one(const struct graph *graph, struct tables *tables, uint64_t *seed)
{
	uint32_t s = (uint32_t)(graph_random(seed) % graph->n_switches);
	uint8_t *row = tables->lft + s * tables->stride;
	uint32_t lid = (uint32_t)(graph_random(seed) % (graph->max_lid + 1U));
	uint32_t other = (uint32_t)(graph_random(seed) % (graph->max_lid + 1U));
	uint32_t n_arcs = graph->arc_first[s + 1] - graph->arc_first[s];
	uint8_t swapped = row[lid];

	switch (graph_random(seed) % 6) {
	case 0:
		row[lid] = ROUTE_NONE;
		break;
	case 1:
		row[lid] = 0;
		break;
	case 2:
		row[lid] = (uint8_t)graph_random(seed);
		break;
	case 3:
		row[lid] = row[other];
		row[other] = swapped;
		break;
	default:
		if (n_arcs)
			row[lid] =
				graph->arcs[graph->arc_first[s] + graph_random(seed) % n_arcs].port;
	}
}

void plain_tables_spoil(const struct graph *graph, struct tables *tables, unsigned n, uint64_t seed)
{
	while (n-- && graph->n_switches)
		spoil_one(graph, tables, &seed);
}
