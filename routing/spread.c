/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The inner loop of routing: switches times LIDs, 21 million entries in a fabric of 11,664 hosts.
 *
 * Row by row, because a row of the table fits in the cache and LIDs may come in any order. For each
 * row, which neighbours are a hop nearer is found for 512 destinations at a time by comparing
 * bytes: a bit per neighbour, eight neighbours to a plane of bytes. Destinations are in the
 * sequence of numbering.c, so neighbours in it mostly have the same exits, and the list of exits is
 * made once per run. The list has a slot per cable: first one cable of each neighbour, then the
 * second cables. Target number t takes slot (t / share) mod slots.
 */

#include "routing/spread.h"

#include "base/macros.h"

#include <string.h>

enum {
	PORTS_MAX = 254,
	PLANES = 32,
	OFFSETS_MAX = 512, /* 254 ends, and 128 LIDs each that count on by one */
};

/* What one switch knows of one block. */
struct row {
	const struct graph *graph;
	const struct layout *layout;
	const struct block *block;
	uint32_t s;
	uint8_t *lft;
	uint32_t n_planes;
	uint8_t want[2][HOPS_BLOCK]; /* distance that a nearer neighbour has: down, and climbing */
	uint8_t may_climb[HOPS_BLOCK];
	uint8_t plane[PLANES][HOPS_BLOCK];
	uint8_t repeats[HOPS_BLOCK]; /* the same exits as the destination before */
	uint32_t n_slots;
	uint8_t slot[PORTS_MAX];
};

void layout_clear(struct layout *layout)
{
	ranking_clear(&layout->ranking);
	numbering_clear(&layout->numbering);
	fans_clear(&layout->fans);
}

int layout_make(const struct graph *graph, struct layout *ret)
{
	int r;

	*ret = (struct layout){ 0 };
	r = ranking_make(graph, &ret->ranking);
	if (r)
		return r;
	r = numbering_make(graph, &ret->ranking, &ret->numbering);
	if (r)
		return r;
	return fans_make(graph, &ret->ranking, &ret->numbering, &ret->fans);
}

void tables_clear(const struct graph *graph, struct tables *tables)
{
	memset(tables->lft, ROUTE_NONE, graph->n_switches * tables->stride);
}

/* ---- which neighbours are nearer ----------------------------------------------------------------
 */

/* HOPS_NONE wants a neighbour at HOPS_MAX, whose way is one hop too long to be counted here. */
static void set_wants(const uint8_t *restrict hops, uint8_t *restrict want)
{
	for (unsigned i = 0; i < HOPS_BLOCK; i++)
		want[i] = (uint8_t)(hops[i] - 1);
}

static void set_may_climb(const uint8_t *restrict down, uint8_t *restrict may_climb)
{
	for (unsigned i = 0; i < HOPS_BLOCK; i++)
		may_climb[i] = down[i] == HOPS_NONE ? 0xff : 0;
}

static void mark_nearer(const uint8_t *restrict hops, const uint8_t *restrict want, uint8_t bit,
			uint8_t *restrict plane)
{
	for (unsigned i = 0; i < HOPS_BLOCK; i++)
		plane[i] |= hops[i] == want[i] ? bit : 0;
}

static void mark_nearer_above(const struct row *row, const uint8_t *restrict hops, uint8_t bit,
			      uint8_t *restrict plane)
{
	const uint8_t *restrict want = row->want[1];
	const uint8_t *restrict may_climb = row->may_climb;

	for (unsigned i = 0; i < HOPS_BLOCK; i++)
		plane[i] |= (hops[i] == want[i] ? bit : 0) & may_climb[i];
}

static void mark_repeats(const uint8_t *restrict plane, uint8_t *restrict repeats)
{
	for (unsigned i = 1; i < HOPS_BLOCK; i++)
		repeats[i] &= plane[i] == plane[i - 1] ? 0xff : 0;
}

static void row_find_exits(struct row *row)
{
	const struct fans *fans = &row->layout->fans;
	const struct block *block = row->block;
	const uint32_t *place = row->layout->ranking.place;
	uint32_t first = fans->first[row->s];
	uint32_t n = fans->first[row->s + 1] - first;

	row->n_planes = (n + 7) / 8;
	memset(row->plane, 0, (size_t)row->n_planes * HOPS_BLOCK);
	set_wants(block->down + (size_t)row->s * HOPS_BLOCK, row->want[0]);
	if (block->climb) {
		set_wants(block->climb + (size_t)row->s * HOPS_BLOCK, row->want[1]);
		set_may_climb(block->down + (size_t)row->s * HOPS_BLOCK, row->may_climb);
	}
	for (uint32_t f = 0; f < n; f++) {
		uint32_t to = fans->fan[first + f].to;
		uint8_t bit = (uint8_t)(1U << f % 8);

		if (block->climb && place[to] > place[row->s])
			mark_nearer_above(row, block->climb + (size_t)to * HOPS_BLOCK, bit,
					  row->plane[f / 8]);
		else
			mark_nearer(block->down + (size_t)to * HOPS_BLOCK, row->want[0], bit,
				    row->plane[f / 8]);
	}
	memset(row->repeats, 0xff, HOPS_BLOCK);
	row->repeats[0] = 0;
	for (uint32_t p = 0; p < row->n_planes; p++)
		mark_repeats(row->plane[p], row->repeats);
}

/* ---- which cable for which LID ------------------------------------------------------------------
 */

/* The fans whose bits are set at @column. */
static uint32_t list_fans(const struct row *row, uint32_t column, const struct fan **ret)
{
	const struct fans *fans = &row->layout->fans;
	const struct fan *fan = fans->fan + fans->first[row->s];
	uint32_t n = 0;

	for (uint32_t p = 0; p < row->n_planes; p++)
		for (unsigned left = row->plane[p][column]; left; left &= left - 1)
			ret[n++] = &fan[p * 8 + (unsigned)__builtin_ctz(left)];
	return n;
}

static void list_slots(struct row *row, uint32_t column)
{
	const struct fan *fan[PORTS_MAX];
	uint32_t n = list_fans(row, column, fan);
	bool more = true;

	row->n_slots = 0;
	for (uint32_t lane = 0; more; lane++) {
		more = false;
		for (uint32_t f = 0; f < n; f++) {
			if (lane >= fan[f]->n_ports)
				continue;
			row->slot[row->n_slots++] =
				row->layout->fans.ports[fan[f]->first_port + lane];
			more |= lane + 1 < fan[f]->n_ports;
		}
	}
}

/* The exit of each offset that a group can have. */
static void list_picks(const struct row *row, uint32_t number, uint32_t n, uint8_t *ret)
{
	uint32_t share = row->layout->fans.share[row->s];
	uint32_t slot = number / share % row->n_slots;
	uint32_t left = share - number % share;

	for (uint32_t offset = 0; offset < n; offset++) {
		ret[offset] = row->slot[slot];
		if (--left)
			continue;
		left = share;
		slot = slot + 1 < row->n_slots ? slot + 1 : 0;
	}
}

static void fill_through(const struct row *row, uint8_t port, uint32_t from, uint32_t to)
{
	const struct target *targets = row->layout->numbering.targets;

	for (uint32_t t = from; t < to; t++)
		row->lft[targets[t].lid] = port;
}

/* @group: twice the destination's rank in the sequence, plus the group. */
static void fill_group(const struct row *row, uint32_t group)
{
	const struct numbering *numbering = &row->layout->numbering;
	uint32_t from = numbering->first[group];
	uint32_t to = numbering->first[group + 1];
	uint8_t pick[OFFSETS_MAX];

	if (row->n_slots == 1 || to - from == 1) {
		uint32_t number = numbering->number[group] / row->layout->fans.share[row->s];

		fill_through(row, row->slot[number % row->n_slots], from, to);
		return;
	}
	list_picks(row, numbering->number[group], MIN(to - from, OFFSETS_MAX), pick);
	for (uint32_t t = from; t < to; t++)
		row->lft[numbering->targets[t].lid] = pick[numbering->targets[t].offset];
}

static void fill_own(const struct row *row, uint32_t group)
{
	const struct numbering *numbering = &row->layout->numbering;

	for (uint32_t t = numbering->first[group]; t < numbering->first[group + 2]; t++)
		row->lft[numbering->targets[t].lid] = numbering->port[t];
}

static void row_fill(struct row *row)
{
	const uint32_t *sequence = row->layout->numbering.sequence;

	row->n_slots = 0;
	for (uint32_t i = 0; i < row->block->n; i++) {
		uint32_t group = TARGET_GROUP_COUNT * (row->block->first + i);

		if (!row->repeats[i])
			list_slots(row, i);
		if (sequence[row->block->first + i] == row->s) {
			fill_own(row, group);
		} else if (row->n_slots) {
			fill_group(row, group + TARGET_HOSTS);
			fill_group(row, group + TARGET_OWN);
		}
	}
}

void tables_fill_block(const struct graph *graph, const struct layout *layout,
		       const struct block *block, struct tables *tables)
{
	struct row row = { .graph = graph, .layout = layout, .block = block };

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		row.s = s;
		row.lft = tables->lft + s * tables->stride;
		row_find_exits(&row);
		row_fill(&row);
	}
}
