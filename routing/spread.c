/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The inner loop of routing: switches times LIDs, 21 million entries in a fabric of 11,664 hosts.
 *
 * Row by row, because a row of the table fits in the cache and LIDs may come in any order. For each
 * row, which neighbours are a hop nearer is found for a block of destinations at a time by
 * comparing bytes: a bit per neighbour, eight neighbours to a plane of bytes. Destinations are in
 * the sequence of numbering.c, so neighbours in it mostly have the same exits, and the list of
 * exits is made once per run. The list has a slot per cable: first one cable of each neighbour,
 * then the second cables. Target number t takes slot (t / share) mod slots.
 *
 * Loops over bytes come in pieces of a constant 64, which compilers turn into vector instructions.
 * Divisions by the share are made once for all rows of that share, those by the number of slots are
 * multiplications.
 */

#include "routing/spread.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	PORTS_MAX = 254,
	PLANES = 32,
	PIECE = HOPS_PIECE,
	ROW_BYTES = HOPS_BLOCK + PIECE, /* a piece to spare, to compare with what comes next */
	OFFSETS_MAX = 512,              /* 254 ends, and 128 LIDs each that count on by one */
};

/* Numbers of targets divided by a share, for one block. */
struct quotients {
	uint32_t share;
	uint32_t quotient[TARGET_GROUP_COUNT * HOPS_BLOCK];
	uint32_t rest[TARGET_GROUP_COUNT * HOPS_BLOCK];
};

/* What one switch knows of one block. */
struct row {
	const struct layout *layout;
	const struct block *block;
	const struct quotients *quotients;
	uint32_t s;
	uint8_t *lft;
	size_t width; /* of rows of the block */
	uint32_t n_pieces;
	uint32_t n_planes;
	uint8_t want_below[HOPS_BLOCK]; /* the distance that a nearer neighbour has */
	uint8_t want_above[HOPS_BLOCK];
	const uint8_t *may_climb;
	uint8_t plane[PLANES][ROW_BYTES];
	uint8_t repeats[ROW_BYTES]; /* the same exits as the destination before */
	uint8_t lane[PORTS_MAX];    /* of each fan its first port */
	bool has_lanes;             /* a fan has a second port */
	uint8_t lower[PLANES];      /* fans that do not lead up the tree */
	uint32_t n_slots;
	uint32_t n_lost;                       /* slots without an exit; see nominal.h */
	uint8_t stands_in[PORTS_MAX];          /* of a lost slot, which of them it is */
	uint8_t there[PORTS_MAX];              /* the exits of those that are not lost */
	uint32_t inverse;                      /* of n_slots: 2^32 / n_slots, rounded up */
	uint8_t slot[PORTS_MAX + OFFSETS_MAX]; /* again and again */
};

void block_add(const struct layout *layout, uint32_t index, struct block *block)
{
	block->index[block->n] = index;
	block->target[block->n] = layout->numbering.sequence[index];
	block->n++;
}

void block_start(const struct graph *graph, const struct layout *layout, uint32_t first,
		 struct block *block)
{
	block->n = 0;
	while (block->n < HOPS_BLOCK && first < graph->n_switches)
		block_add(layout, first++, block);
}

bool block_start_away(const struct graph *graph, const struct layout *layout, uint32_t *next,
		      struct block *block)
{
	block->n = 0;
	for (; block->n < HOPS_BLOCK && *next < graph->n_switches; ++*next)
		if (graph_is_away(graph, layout->numbering.sequence[*next]))
			block_add(layout, *next, block);

	return block->n > 0;
}

void tables_clear(const struct graph *graph, struct tables *tables)
{
	memset(tables->lft, ROUTE_NONE, graph->n_switches * tables->stride);
}

/* ---- which neighbours are nearer ----------------------------------------------------------------
 */

/* HOPS_NONE wants HOPS_NEVER. */
static void set_wants(const uint8_t *restrict hops, uint32_t n_pieces, uint8_t *restrict want)
{
	for (; n_pieces; n_pieces--, hops += PIECE, want += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			want[i] = (uint8_t)(hops[i] - 1);
}

/* Below, only where the way down is the best. */
static void set_wants_below(const uint8_t *restrict down, const uint8_t *restrict best,
			    uint32_t n_pieces, uint8_t *restrict want)
{
	for (; n_pieces; n_pieces--, down += PIECE, best += PIECE, want += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			want[i] = down[i] == best[i] ? (uint8_t)(down[i] - 1) : HOPS_NEVER;
}

static void mark_below(const struct row *row, const uint8_t *restrict hops, uint8_t bit,
		       uint8_t *restrict plane)
{
	const uint8_t *restrict want = row->want_below;

	for (uint32_t n = row->n_pieces; n; n--, hops += PIECE, want += PIECE, plane += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			plane[i] |= hops[i] == want[i] ? bit : 0;
}

static void mark_above(const struct row *row, const uint8_t *restrict hops, uint8_t bit,
		       uint8_t *restrict plane)
{
	const uint8_t *restrict want = row->want_above;
	const uint8_t *restrict may = row->may_climb;

	for (uint32_t n = row->n_pieces; n; n--, hops += PIECE, want += PIECE, plane += PIECE) {
		for (unsigned i = 0; i < PIECE; i++)
			plane[i] |= (hops[i] == want[i] ? bit : 0) & may[i];
		may += PIECE;
	}
}

static void mark_repeats(const uint8_t *restrict plane, uint32_t n_pieces,
			 uint8_t *restrict repeats)
{
	for (; n_pieces; n_pieces--, plane += PIECE, repeats += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			repeats[i + 1] &= plane[i] == plane[i + 1] ? 0xff : 0;
}

static void row_find_repeats(struct row *row)
{
	memset(row->repeats, 0xff, sizeof(row->repeats));
	row->repeats[0] = 0;
	for (uint32_t p = 0; p < row->n_planes; p++)
		mark_repeats(row->plane[p], row->n_pieces, row->repeats);
}

static void row_set_wants(struct row *row)
{
	const struct block *block = row->block;
	size_t at = row->s * row->width;

	if (block->shortest) {
		set_wants(block->shortest + at, row->n_pieces, row->want_below);
		return;
	}
	set_wants_below(block->tiered.down + at, block->tiered.best + at, row->n_pieces,
			row->want_below);
	set_wants(block->tiered.best + at, row->n_pieces, row->want_above);
	row->may_climb = block->tiered.may_climb + at;
}

static void row_mark_fan(struct row *row, uint32_t to, uint8_t bit, uint8_t *plane)
{
	const struct block *block = row->block;
	const uint32_t *place = row->layout->ranking.place;
	size_t at = to * row->width;

	if (block->shortest)
		mark_below(row, block->shortest + at, bit, plane);
	else if (place[to] < place[row->s])
		mark_below(row, block->tiered.down + at, bit, plane);
	else
		mark_above(row, block->tiered.best + at, bit, plane);
}

static void row_find_exits(struct row *row)
{
	const struct fans *fans = &row->layout->fans;
	const struct fan *fan = fans->fan + fans->first[row->s];
	uint32_t n = fans->first[row->s + 1] - fans->first[row->s];
	const uint32_t *height = row->layout->ranking.height;

	row->n_planes = (n + 7) / 8;
	row->has_lanes = false;
	memset(row->lower, 0, sizeof(row->lower));
	memset(row->plane, 0, row->n_planes * sizeof(row->plane[0]));
	row_set_wants(row);
	for (uint32_t f = 0; f < n; f++) {
		row->lane[f] = fans->ports[fan[f].first_port];
		row->has_lanes |= fan[f].n_ports > 1;
		if (height[fan[f].to] <= height[row->s])
			row->lower[f / 8] |= (uint8_t)(1U << f % 8);
		row_mark_fan(row, fan[f].to, (uint8_t)(1U << f % 8), row->plane[f / 8]);
	}
	row_find_repeats(row);
}

/* ---- which cable for which LID ------------------------------------------------------------------
 */

/* The first ports of the fans whose bits are set at @column. */
static uint32_t list_fans(const struct row *row, uint32_t column, uint8_t *restrict ret)
{
	const uint8_t *restrict lane = row->lane;
	uint32_t n = 0;

	for (uint32_t p = 0; p < row->n_planes; p++)
		for (unsigned left = row->plane[p][column]; left; left &= left - 1)
			ret[n++] = lane[p * 8 + (unsigned)__builtin_ctz(left)];
	return n;
}

/* After the first ports the second ones of fans that have two, and so on. */
static void list_lanes(struct row *row, uint32_t column)
{
	const struct fans *fans = &row->layout->fans;
	const struct fan *fan = fans->fan + fans->first[row->s];
	bool more = true;

	for (uint32_t lane = 1; more; lane++) {
		more = false;
		for (uint32_t f = 0; f < fans->first[row->s + 1] - fans->first[row->s]; f++) {
			if (!(row->plane[f / 8][column] >> f % 8 & 1) || lane >= fan[f].n_ports)
				continue;
			row->slot[row->n_slots++] = fans->ports[fan[f].first_port + lane];
			more = true;
		}
	}
}

static bool all_lead_up(const struct row *row, uint32_t column)
{
	unsigned lower = 0;

	for (uint32_t p = 0; p < row->n_planes; p++)
		lower |= row->plane[p][column] & row->lower[p];

	return lower == 0;
}

/* The exit of a slot upward, or ROUTE_NONE if it is lost, or does not lead to @column. */
static uint8_t exit_of(const struct row *row, struct nominal_slot slot, uint32_t column)
{
	const struct fans *fans = &row->layout->fans;

	if (slot.fan == NOMINAL_LOST || !(row->plane[slot.fan / 8][column] >> slot.fan % 8 & 1))
		return ROUTE_NONE;

	return fans->ports[fans->fan[fans->first[row->s] + slot.fan].first_port + slot.lane];
}

static void list_nominal(struct row *row, uint32_t column)
{
	const struct nominal *nominal = &row->layout->nominal;
	const struct nominal_slot *slot = nominal->slot + nominal->first[row->s];
	uint32_t n_there = 0;

	row->n_slots = nominal->first[row->s + 1] - nominal->first[row->s];
	for (uint32_t i = 0; i < row->n_slots; i++) {
		row->slot[i] = exit_of(row, slot[i], column);
		if (row->slot[i] != ROUTE_NONE)
			row->there[n_there++] = row->slot[i];
		else
			row->stands_in[i] = (uint8_t)row->n_lost++;
	}
	if (n_there == 1) {
		row->slot[0] = row->there[0];
		row->n_slots = 1;
		row->n_lost = 0;
	}
}

static void list_slots(struct row *row, uint32_t column)
{
	const uint32_t *first = row->layout->nominal.first + row->s;

	row->n_lost = 0;
	row->n_slots = list_fans(row, column, row->slot);
	if (row->n_slots > 1 && first[1] > first[0] && all_lead_up(row, column))
		list_nominal(row, column);
	else if (row->has_lanes)
		list_lanes(row, column);
	if (row->n_slots < 2)
		return;
	row->inverse = UINT32_MAX / row->n_slots + 1;
	for (uint32_t i = 0; i <= row->layout->numbering.max_offset; i++)
		row->slot[row->n_slots + i] = row->slot[i];
}

/* @number mod n_slots. Right for numbers below 2^24, which is more than there are LIDs of leaves.
 */
static uint32_t slot_of(const struct row *row, uint32_t number)
{
	return (uint32_t)((uint64_t)(row->inverse * number) * row->n_slots >> 32);
}

static void fill_same(const struct row *row, uint8_t port, uint32_t from, uint32_t to)
{
	const struct target *target = row->layout->numbering.targets + from;
	uint8_t *restrict lft = row->lft;

	for (uint32_t n = to - from; n; n--)
		lft[target++->lid] = port;
}

/* Each offset has its own exit in @pick. */
static void fill_picked(const struct row *row, const uint8_t *restrict pick, uint32_t from,
			uint32_t to)
{
	const struct target *target = row->layout->numbering.targets + from;
	uint8_t *restrict lft = row->lft;

	for (uint32_t n = to - from; n; n--, target++)
		lft[target->lid] = pick[target->offset];
}

/* A group that begins within a share and is not over with it. */
static void fill_shares(const struct row *row, uint32_t slot, uint32_t rest, uint32_t group)
{
	const uint32_t *first = row->layout->numbering.first + group;
	uint32_t share = row->quotients->share;
	uint32_t left = share - rest;
	uint8_t pick[OFFSETS_MAX];

	for (uint32_t offset = 0; offset <= row->layout->numbering.max_offset; offset++) {
		pick[offset] = row->slot[slot];
		if (--left)
			continue;
		left = share;
		slot = slot + 1 < row->n_slots ? slot + 1 : 0;
	}
	fill_picked(row, pick, first[0], first[1]);
}

/*
 * What would leave by a lost slot leaves by the others in turn: another one in each round, and
 * several lost ones begin at different ones.
 */
static uint8_t slot_or_other(const struct row *row, uint32_t slot, uint32_t round)
{
	if (row->slot[slot] != ROUTE_NONE)
		return row->slot[slot];

	return row->there[(round + row->stands_in[slot]) % (row->n_slots - row->n_lost)];
}

static void fill_with_lost(const struct row *row, uint32_t quotient, uint32_t rest, uint32_t group)
{
	const uint32_t *first = row->layout->numbering.first + group;
	uint32_t left = row->quotients->share - rest;
	uint32_t round = quotient / row->n_slots;
	uint32_t slot = quotient % row->n_slots;
	uint8_t pick[OFFSETS_MAX];

	for (uint32_t offset = 0; offset <= row->layout->numbering.max_offset; offset++) {
		pick[offset] = slot_or_other(row, slot, round);
		if (--left)
			continue;
		left = row->quotients->share;
		slot = slot + 1 < row->n_slots ? slot + 1 : 0;
		round += slot == 0;
	}
	fill_picked(row, pick, first[0], first[1]);
}

/* Of the @i-th destination of the block. */
static void fill_group(const struct row *row, uint32_t i, enum target_group group)
{
	uint32_t all = TARGET_GROUP_COUNT * row->block->index[i] + group;
	const uint32_t *first = row->layout->numbering.first + all;
	uint32_t quotient = row->quotients->quotient[TARGET_GROUP_COUNT * i + group];
	uint32_t rest = row->quotients->rest[TARGET_GROUP_COUNT * i + group];
	uint32_t slot = slot_of(row, quotient);

	if (row->n_lost > 0)
		fill_with_lost(row, quotient, rest, all);
	else if (first[1] - first[0] < 2 ||
		 rest + row->layout->numbering.max_offset < row->quotients->share)
		fill_same(row, row->slot[slot], first[0], first[1]);
	else if (row->quotients->share == 1)
		fill_picked(row, row->slot + slot, first[0], first[1]);
	else
		fill_shares(row, slot, rest, all);
}

static void fill_own(const struct row *row, uint32_t i)
{
	const struct numbering *numbering = &row->layout->numbering;
	const uint32_t *first = numbering->first + TARGET_GROUP_COUNT * row->block->index[i];

	for (uint32_t t = first[0]; t < first[TARGET_GROUP_COUNT]; t++)
		row->lft[numbering->targets[t].lid] = numbering->port[t];
}

/* Destinations @from to @to - 1 of the block have the same exits. */
static void row_fill_run(struct row *row, uint32_t from, uint32_t to)
{
	const uint32_t *first = row->layout->numbering.first;
	const uint32_t *index = row->block->index;

	list_slots(row, from);
	for (uint32_t i = from; row->n_slots == 1 && i < to; i++)
		fill_same(row, row->slot[0], first[TARGET_GROUP_COUNT * index[i]],
			  first[TARGET_GROUP_COUNT * (index[i] + 1)]);
	for (uint32_t i = from; row->n_slots > 1 && i < to; i++) {
		fill_group(row, i, TARGET_HOSTS);
		fill_group(row, i, TARGET_OWN);
	}
}

static void row_fill(struct row *row)
{
	uint32_t from = 0;

	for (uint32_t i = 1; i <= row->block->n; i++) {
		if (i < row->block->n && row->repeats[i])
			continue;
		row_fill_run(row, from, i);
		from = i;
	}
	for (uint32_t i = 0; i < row->block->n; i++)
		if (row->block->target[i] == row->s)
			fill_own(row, i);
}

static void divide_by_share(const struct row *row, uint32_t share, struct quotients *ret)
{
	ret->share = share;
	for (uint32_t i = 0; i < row->block->n; i++) {
		const uint32_t *number = row->layout->numbering.number +
					 (size_t)TARGET_GROUP_COUNT * row->block->index[i];

		for (uint32_t g = 0; g < TARGET_GROUP_COUNT; g++) {
			ret->quotient[TARGET_GROUP_COUNT * i + g] = number[g] / share;
			ret->rest[TARGET_GROUP_COUNT * i + g] = number[g] % share;
		}
	}
}

struct filler {
	struct quotients quotients;
	struct row row;
};

struct filler *filler_new(const struct layout *layout, const struct block *block)
{
	struct filler *filler = malloc(sizeof(*filler));

	if (!filler)
		return NULL;
	filler->quotients.share = 0;
	filler->row.layout = layout;
	filler->row.block = block;
	filler->row.quotients = &filler->quotients;
	filler->row.n_pieces = (block->n + PIECE - 1) / PIECE;
	filler->row.width = block->shortest ? HOPS_BLOCK : block->tiered.width;

	return filler;
}

void filler_free(struct filler *filler)
{
	free(filler);
}

void filler_fill(struct filler *filler, uint32_t s, uint8_t *lft)
{
	struct row *row = &filler->row;
	uint32_t share = row->layout->fans.share[s];

	row->s = s;
	row->lft = lft;
	if (share != filler->quotients.share)
		divide_by_share(row, share, &filler->quotients);
	row_find_exits(row);
	row_fill(row);
}

int tables_fill_block(const struct graph *graph, const struct layout *layout,
		      const struct block *block, struct tables *tables)
{
	struct filler *filler = filler_new(layout, block);

	if (!filler)
		return -ENOMEM;
	for (uint32_t p = 0; p < graph->n_switches; p++) {
		uint32_t s = layout->ranking.by_place[p];

		filler_fill(filler, s, tables->lft + s * tables->stride);
	}
	filler_free(filler);

	return 0;
}
