/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Judges the tables that a subnet manager, whichever, has left in the switches of vsm-sim: are they
 * complete, without loops, and can they not deadlock (routing/proof.c), and how good are they
 * (quality.h)? The subnet manager is not asked: which LID belongs to whom follows from the
 * port by which the last switch hands it out (rivals.py holds that against the LIDs of the ports).
 *
 * Usage: judge NET TABLES [LEVELS]. NET is the net file of the simulator (without cables that were
 * pulled), TABLES the answers of its console to 'Dump "switch"' for all switches in the order of
 * the file. LEVELS says who sends on which service level, as opensm.psl does: "GUID LID level",
 * where GUIDs rise in the order of the file; a level is taken to be a lane. Without it, or if it is
 * empty, all share one. Prints one line of JSON. LIDs of LMC 0 only.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/bench/quality.h"
#include "tests/common/graphs.h"

enum { LIDS = 0xc000 };

static const char table_mark[] = "#\tForwarding table ";

static void close_file(FILE *const *file)
{
	if (*file)
		fclose(*file);
}

/* "#\tForwarding table 0-N: [0]FF [1]3 ..." */
static void read_table(const char *at, uint8_t *lft)
{
	while ((at = strchr(at, '['))) {
		char *end;
		unsigned long lid = strtoul(at + 1, &end, 10);

		if (lid < LIDS && *end == ']')
			lft[lid] = (uint8_t)strtoul(end + 1, &end, 16);
		at = end;
	}
}

/* 0, or an errno. A switch that was told nothing has no table in its dump. */
static int read_tables(const char *path, const struct graph *graph, const struct tables *ret)
{
	AUTO(freep) char *line = NULL;
	AUTO(close_file) FILE *file = fopen(path, "re");
	size_t size = 0;
	uint32_t n_switches = 0;

	if (!file)
		return errno;
	while (getline(&line, &size, file) >= 0) {
		if (!strncmp(line, "Switch ", strlen("Switch ")))
			n_switches++;
		else if (!strncmp(line, table_mark, strlen(table_mark)) && n_switches > 0 &&
			 n_switches <= graph->n_switches)
			read_table(line, ret->lft + (n_switches - 1) * ret->stride);
	}
	return n_switches == graph->n_switches ? 0 : EINVAL;
}

/* The LID that the switch of @end hands out at its port; 0: none. */
static uint16_t find_lid(const struct tables *tables, const struct end *end)
{
	const uint8_t *lft = tables->lft + end->at * tables->stride;

	for (unsigned lid = 1; lid < LIDS; lid++)
		if (lft[lid] == end->port)
			return (uint16_t)lid;
	return 0;
}

static unsigned find_lids(const struct graph *graph, const struct tables *tables, struct end *ends)
{
	unsigned unknown = 0;

	memcpy(ends, graph->ends, graph->n_ends * sizeof(*ends));
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		ends[e].lid = find_lid(tables, &ends[e]);
		unknown += !ends[e].lid && ends[e].kind != END_SWITCH;
	}
	return unknown;
}

/* ---- service levels ----------------------------------------------------------------------------
 */

/* The switch of the host whose device is the next in the file after @device, which it becomes. */
static uint32_t next_sender(const struct graph *graph, uint32_t *device)
{
	const struct end *best = NULL;

	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		if (end->kind != END_SWITCH && (*device == UINT32_MAX || end->device > *device) &&
		    (!best || end->device < best->device))
			best = end;
	}
	if (!best)
		return UINT32_MAX;
	*device = best->device;
	return best->at;
}

static void take_level(struct lanes *lanes, uint32_t from, uint32_t to, unsigned level)
{
	if (from == UINT32_MAX || to == UINT32_MAX || level >= LANES_MAX)
		return;
	lanes->sl[(size_t)from * lanes->n_switches + to] = (uint8_t)level;
	lanes->sl[(size_t)to * lanes->n_switches + from] = (uint8_t)level;
	lanes->n = (uint8_t)MAX(lanes->n, level + 1);
}

/* 0, or an errno. */
static int read_levels(const char *path, const struct graph *graph, struct lanes *ret)
{
	AUTO(close_file) FILE *file = fopen(path, "re");
	AUTO(freep) uint32_t *at = malloc(LIDS * sizeof(*at));
	unsigned long long guid, former = 0;
	uint32_t device = UINT32_MAX, from = UINT32_MAX;
	unsigned lid, level;
	size_t n = graph->n_switches;

	if (!file || !at)
		return file ? ENOMEM : errno;
	memset(at, 0xff, LIDS * sizeof(*at));
	for (uint32_t e = 0; e < graph->n_ends; e++)
		at[graph->ends[e].lid] = graph->ends[e].at;
	ret->sl = calloc(n * n + 1, 1);
	ret->n_switches = graph->n_switches;
	while (ret->sl && fscanf(file, "%llx %u %u", &guid, &lid, &level) == 3) {
		if (guid != former)
			from = next_sender(graph, &device);
		former = guid;
		take_level(ret, from, lid < LIDS ? at[lid] : UINT32_MAX, level);
	}
	if (ret->sl && ret->n < 2)
		lanes_clear(ret);
	return ret->sl || ret->n < 2 ? 0 : ENOMEM;
}

/* Of those ends that have a LID: the proof wants no others. */
static int prove(struct graph graph, const struct tables *tables, const struct lanes *lanes,
		 struct proof *ret)
{
	AUTO(freep) struct end *known = malloc((graph.n_ends + (size_t)1) * sizeof(*known));
	uint32_t n = 0;

	if (!known)
		return -ENOMEM;
	for (uint32_t e = 0; e < graph.n_ends; e++)
		if (graph.ends[e].lid)
			known[n++] = graph.ends[e];
	graph.ends = known;
	graph.n_ends = n;
	return proof_check_lanes(&graph, tables, lanes, ret, NULL);
}

static const char *truth(bool value)
{
	return value ? "true" : "false";
}

/* @levels: a file, or NULL. */
static int judge(struct graph graph, const struct tables *tables, const char *levels)
{
	AUTO(lanes_clear) struct lanes lanes = { 0 };
	AUTO(freep) struct end *ends = malloc((graph.n_ends + (size_t)1) * sizeof(*ends));
	struct proof proof;
	struct quality quality;
	unsigned unknown;
	int r;

	if (!ends)
		return ENOMEM;
	unknown = find_lids(&graph, tables, ends);
	graph.ends = ends;
	graph.max_lid = LIDS - 1;
	r = levels ? read_levels(levels, &graph, &lanes) : 0;
	if (r)
		return r;
	if (prove(graph, tables, &lanes, &proof) < 0)
		return ENOMEM;
	quality = quality_of(&graph, tables);
	printf("{\"unknown\": %u, \"missing\": %u, \"complete\": %s, \"loop_free\": %s, "
	       "\"deadlock_free\": %s, \"lanes\": %u, \"efi_max\": %.0f, \"efi_ratio\": %.3f, "
	       "\"ebb\": %.4f, "
	       "\"hops\": %.3f, \"lost\": %.5f}\n",
	       unknown, proof.n_missing, truth(proof.complete && !unknown), truth(proof.loop_free),
	       truth(proof.deadlock_free), MAX(lanes.n, 1), quality.efi_max, quality.efi_ratio,
	       quality.ebb, quality.hops, quality.lost);
	return 0;
}

int main(int argc, char **argv)
{
	AUTO(graph_freep) struct made_graph *made = NULL;
	struct tables tables = { .stride = LIDS };
	AUTO(freep) uint8_t *lft = NULL;
	unsigned line;
	int r;

	if (argc != 3 && argc != 4) {
		fputs("usage: judge NET TABLES [LEVELS]\n", stderr);
		return 2;
	}
	if (graph_read_net(argv[1], &made, &line)) {
		fprintf(stderr, "judge: %s: line %u makes no sense\n", argv[1], line);
		return 1;
	}
	lft = malloc(graph_of(made)->n_switches * tables.stride);
	if (lft)
		memset(lft, ROUTE_NONE, graph_of(made)->n_switches * tables.stride);
	tables.lft = lft;
	r = lft ? read_tables(argv[2], graph_of(made), &tables) : ENOMEM;
	if (!r)
		r = judge(*graph_of(made), &tables, argv[3]);
	if (r)
		fprintf(stderr, "judge: %s: %s\n", argv[2], strerror(r));
	return r ? 1 : 0;
}
