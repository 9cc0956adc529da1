/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Tables again after a small change: the same as from scratch, for the price of what changed.
 *
 * Exits of a switch for a destination follow from its own list of exits (fans and nominal slots),
 * from the number of the target, and from distances of the switch and its neighbours. So:
 *
 *  - rows whose lists are others than before are "dirty", and are filled anew;
 *  - columns, which are destination switches, are "moved" if some distance to them changed, or what
 *    hangs on them. Distances are the one solution of rules that each switch keeps with its
 *    neighbours. If the rules of the dirty rows, which alone are new, are kept by the distances of
 *    before, these are the solution still. So looking at dirty rows finds all columns that moved;
 *  - distances to these are computed as ever, in a block of their own, and rows are filled from it
 *    where a distance changed, or that of a neighbour.
 *
 * That is right only as long as heights, places and the sequence of destinations are as before,
 * which is found out by comparing: computing them takes little of the time. Else, and if many rows
 * or columns change, the engine starts from scratch.
 */

#include "routing/past.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	DIRTY_MAX = 64, /* rows; more are not worth it */
	LIDS = 65536,
};

/* Columns of a block. */
struct set {
	uint64_t word[HOPS_BLOCK / 64];
};

struct again {
	const struct graph *graph;
	struct past *past;
	struct tables *tables;
	const struct layout *layout; /* of the graph as it is now */
	struct patch *patch;

	uint32_t dirty[DIRTY_MAX];
	uint32_t n_dirty;
	bool *is_dirty;     /* [switch] */
	bool *moved;        /* [index in sequence] */
	bool new_targets;   /* other LIDs hang on a column that moved, or on other ports */
	struct block block; /* the columns that moved */
	uint64_t
		*touched; /* [switch * words]: columns of the block to which its distance changed */
	uint32_t words;
	uint16_t *lids;                     /* of the block, before and now, column by column */
	uint32_t first_lid[HOPS_BLOCK + 1]; /* of each column of the block */
	uint32_t n_lids;
	bool *is_listed; /* [LID]: it is one of them */
	uint8_t *was;    /* entries for those, or of whole rows */
};

static void again_clear(struct again *again)
{
	free(again->is_dirty);
	free(again->moved);
	free(again->touched);
	free(again->lids);
	free(again->is_listed);
	free(again->was);
	tiered_clear(&again->block.tiered);
}

static int again_allocate(struct again *again)
{
	size_t n = again->graph->n_switches + (size_t)1;

	again->is_dirty = calloc(n, sizeof(*again->is_dirty));
	again->moved = calloc(n, sizeof(*again->moved));
	again->lids = calloc(LIDS, sizeof(*again->lids));
	again->is_listed = calloc(LIDS, sizeof(*again->is_listed));
	again->was = malloc(MAX(DIRTY_MAX * again->tables->stride, (size_t)LIDS));

	return again->is_dirty && again->moved && again->lids && again->is_listed && again->was
		       ? 0
		       : -ENOMEM;
}

/* ---- what is as before ----------------------------------------------------------------------- */

static bool is_same(const uint32_t *a, const uint32_t *b, uint32_t n)
{
	return memcmp(a, b, n * sizeof(*a)) == 0;
}

/* Is there anything to go by? Tables may be wider, as vports may have LIDs above all others. */
static bool is_alike(const struct again *again)
{
	const struct layout *now = again->layout, *was = &again->past->layout;
	uint32_t n = again->graph->n_switches;

	return again->past->n_switches == n && now->ranking.tree == was->ranking.tree &&
	       now->numbering.max_offset == was->numbering.max_offset &&
	       again->tables->stride >= tables_stride(again->graph) &&
	       is_same(now->ranking.place, was->ranking.place, n) &&
	       is_same(now->ranking.height, was->ranking.height, n) &&
	       is_same(now->numbering.sequence, was->numbering.sequence, n);
}

static bool has_same_fans(const struct fans *now, const struct fans *was, uint32_t s)
{
	const struct fan *a = now->fan + now->first[s], *b = was->fan + was->first[s];
	uint32_t n = now->first[s + 1] - now->first[s];

	if (was->first[s + 1] - was->first[s] != n || now->share[s] != was->share[s])
		return false;
	for (uint32_t f = 0; f < n; f++)
		if (a[f].to != b[f].to || a[f].n_ports != b[f].n_ports)
			return false;

	return n == 0 || memcmp(now->ports + a->first_port, was->ports + b->first_port,
				a[n - 1].first_port + a[n - 1].n_ports - a->first_port) == 0;
}

static bool has_same_slots(const struct nominal *now, const struct nominal *was, uint32_t s)
{
	uint32_t n = now->first[s + 1] - now->first[s];

	return was->first[s + 1] - was->first[s] == n &&
	       (n == 0 || memcmp(now->slot + now->first[s], was->slot + was->first[s],
				 n * sizeof(*now->slot)) == 0);
}

/* False: too many. */
static bool find_dirty(struct again *again)
{
	const struct layout *now = again->layout, *was = &again->past->layout;

	for (uint32_t s = 0; s < again->graph->n_switches; s++) {
		if (has_same_fans(&now->fans, &was->fans, s) &&
		    has_same_slots(&now->nominal, &was->nominal, s))
			continue;
		if (again->n_dirty == DIRTY_MAX)
			return false;
		again->dirty[again->n_dirty++] = s;
		again->is_dirty[s] = true;
	}

	return true;
}

/* ---- columns that moved ---------------------------------------------------------------------- */

static bool has_same_targets(const struct numbering *now, const struct numbering *was, uint32_t i)
{
	const uint32_t *a = now->first + (size_t)TARGET_GROUP_COUNT * i;
	const uint32_t *b = was->first + (size_t)TARGET_GROUP_COUNT * i;
	uint32_t n = a[TARGET_GROUP_COUNT] - a[0];

	for (uint32_t g = 0; g < TARGET_GROUP_COUNT; g++)
		if (a[g + 1] - a[g] != b[g + 1] - b[g] ||
		    now->number[TARGET_GROUP_COUNT * i + g] !=
			    was->number[TARGET_GROUP_COUNT * i + g])
			return false;

	return memcmp(now->port + a[0], was->port + b[0], n) == 0 &&
	       memcmp(now->targets + a[0], was->targets + b[0], n * sizeof(*now->targets)) == 0;
}

/* What distances of dirty rows would be by those of their neighbours before. */
static void find_moved_of(struct again *again, uint32_t b)
{
	const struct tiers tiers = ranking_tiers(&again->layout->ranking);
	const struct tiered *before = &again->past->tiered[b];
	uint8_t down[HOPS_BLOCK], best[HOPS_BLOCK], may_climb[HOPS_BLOCK];
	struct tiered row = { down, best, may_climb, HOPS_BLOCK };
	struct block block;

	block_start(again->graph, again->layout, b * HOPS_BLOCK, &block);
	for (uint32_t d = 0; d < again->n_dirty; d++) {
		struct tiered old = tiered_row(before, again->dirty[d]);

		hops_fill_tiered_row(again->graph, &tiers, block.target, block.n, again->dirty[d],
				     before, &row);
		for (uint32_t i = 0; i < block.n; i++)
			again->moved[block.index[i]] |= row.down[i] != old.down[i] ||
							row.best[i] != old.best[i] ||
							row.may_climb[i] != old.may_climb[i];
	}
}

/* False: too many. */
static bool find_moved(struct again *again)
{
	const struct numbering *now = &again->layout->numbering;
	const struct numbering *was = &again->past->layout.numbering;

	for (uint32_t b = 0; b < again->past->n_blocks; b++)
		find_moved_of(again, b);
	for (uint32_t i = 0; i < again->graph->n_switches; i++) {
		bool other = !has_same_targets(now, was, i);

		if (!other && !again->moved[i])
			continue;
		if (again->block.n == HOPS_BLOCK)
			return false;
		again->new_targets |= other;
		block_add(again->layout, i, &again->block);
	}

	return true;
}

/* ---- their distances ------------------------------------------------------------------------- */

/* Keep distances of switch @s to the columns that moved, and note which are others. */
static void keep_distances(struct again *again, uint32_t s)
{
	const struct block *block = &again->block;
	struct tiered row = tiered_row(&block->tiered, s);

	for (uint32_t i = 0; i < block->n; i++) {
		const struct tiered *kept = &again->past->tiered[block->index[i] / HOPS_BLOCK];
		size_t at = (size_t)s * HOPS_BLOCK + block->index[i] % HOPS_BLOCK;

		if (kept->down[at] == row.down[i] && kept->best[at] == row.best[i] &&
		    kept->may_climb[at] == row.may_climb[i])
			continue;
		again->touched[(size_t)s * again->words + i / 64] |= UINT64_C(1) << i % 64;
		kept->down[at] = row.down[i];
		kept->best[at] = row.best[i];
		kept->may_climb[at] = row.may_climb[i];
	}
}

static int find_distances(struct again *again)
{
	const struct tiers tiers = ranking_tiers(&again->layout->ranking);
	struct block *block = &again->block;
	size_t width = ((size_t)block->n + HOPS_PIECE - 1) / HOPS_PIECE * HOPS_PIECE;

	again->words = (uint32_t)(width / 64);
	again->touched =
		calloc((again->graph->n_switches + (size_t)1) * again->words, sizeof(uint64_t));
	if (!again->touched || tiered_make(again->graph, width, &block->tiered) < 0)
		return -ENOMEM;
	hops_fill_tiered(again->graph, &tiers, block->target, block->n, &block->tiered);
	for (uint32_t s = 0; s < again->graph->n_switches; s++)
		keep_distances(again, s);

	return 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void list_lids_of(const struct numbering *numbering, uint32_t i, struct again *again)
{
	const uint32_t *first = numbering->first + (size_t)TARGET_GROUP_COUNT * i;

	for (uint32_t t = first[0]; t < first[TARGET_GROUP_COUNT]; t++) {
		uint16_t lid = numbering->targets[t].lid;

		if (!again->is_listed[lid])
			again->lids[again->n_lids++] = lid;
		again->is_listed[lid] = true;
	}
}

static void list_lids(struct again *again)
{
	for (uint32_t i = 0; i < again->block.n; i++) {
		again->first_lid[i] = again->n_lids;
		list_lids_of(&again->layout->numbering, again->block.index[i], again);
		if (again->new_targets)
			list_lids_of(&again->past->layout.numbering, again->block.index[i], again);
	}
	again->first_lid[again->block.n] = again->n_lids;
}

static uint8_t *row_at(const struct again *again, uint32_t s)
{
	return again->tables->lft + s * again->tables->stride;
}

/* LIDs that are nobody's any more have no exit, and all others get theirs. */
static void forget_lids(const struct again *again, uint8_t *lft)
{
	for (uint32_t i = 0; again->new_targets && i < again->n_lids; i++)
		lft[again->lids[i]] = ROUTE_NONE;
}

/* Columns of the block in which switch @s may have other exits. */
static struct set find_near(const struct again *again, uint32_t s)
{
	const struct fans *fans = &again->layout->fans;
	const uint64_t *touched = again->touched;
	uint32_t words = again->words;
	struct set near = { 0 };

	if (again->new_targets)
		memset(&near, 0xff, sizeof(near));
	for (uint32_t w = 0; w < words; w++)
		near.word[w] |= touched[(size_t)s * words + w];
	for (uint32_t f = fans->first[s]; f < fans->first[s + 1]; f++)
		for (uint32_t w = 0; w < words; w++)
			near.word[w] |= touched[(size_t)fans->fan[f].to * words + w];

	return near;
}

static bool next_column(const struct again *again, const struct set *set, uint32_t *column)
{
	while (*column < again->block.n && !(set->word[*column / 64] >> *column % 64 & 1))
		++*column;

	return *column < again->block.n;
}

static void save_column(const struct again *again, const uint8_t *lft, uint32_t column)
{
	for (uint32_t i = again->first_lid[column]; i < again->first_lid[column + 1]; i++)
		again->was[i] = lft[again->lids[i]];
}

static void restore_column(const struct again *again, uint8_t *lft, uint32_t column)
{
	for (uint32_t i = again->first_lid[column]; i < again->first_lid[column + 1]; i++)
		lft[again->lids[i]] = again->was[i];
}

static int note_column(const struct again *again, uint32_t s, uint32_t column)
{
	const uint8_t *lft = row_at(again, s);
	int r = 0;

	for (uint32_t i = again->first_lid[column]; r == 0 && i < again->first_lid[column + 1]; i++)
		if (lft[again->lids[i]] != again->was[i])
			r = patch_add(again->patch, s, again->lids[i], again->was[i]);

	return r;
}

static int fill_row(struct again *again, struct filler *filler, uint32_t s)
{
	const struct set near = find_near(again, s);
	uint8_t *lft = row_at(again, s);
	uint32_t column = 0;
	int r = 0;

	if (!next_column(again, &near, &column))
		return 0;
	for (uint32_t i = column; next_column(again, &near, &i); i++)
		save_column(again, lft, i);
	forget_lids(again, lft);
	filler_fill(filler, s, lft);
	for (uint32_t i = column; r == 0 && next_column(again, &near, &i); i++)
		r = note_column(again, s, i);
	for (uint32_t i = column; r < 0 && next_column(again, &near, &i); i++)
		restore_column(again, lft, i);

	return r;
}

static int fill_columns(struct again *again)
{
	struct filler *filler = filler_new(again->layout, &again->block);
	int r = filler ? 0 : -ENOMEM;

	for (uint32_t s = 0; r == 0 && s < again->graph->n_switches; s++)
		if (!again->is_dirty[s])
			r = fill_row(again, filler, s);
	filler_free(filler);

	return r;
}

static int fill_dirty_block(const struct again *again, uint32_t b)
{
	struct block block = { .tiered = again->past->tiered[b] };
	struct filler *filler;

	block_start(again->graph, again->layout, b * HOPS_BLOCK, &block);
	filler = filler_new(again->layout, &block);
	if (!filler)
		return -ENOMEM;
	for (uint32_t d = 0; d < again->n_dirty; d++)
		filler_fill(filler, again->dirty[d], row_at(again, again->dirty[d]));
	filler_free(filler);

	return 0;
}

static int note_row(const struct again *again, uint32_t s, const uint8_t *was)
{
	const uint8_t *lft = row_at(again, s);
	int r = 0;

	for (size_t lid = 0; r == 0 && lid < again->tables->stride; lid++)
		if (lft[lid] != was[lid])
			r = patch_add(again->patch, s, (uint16_t)lid, was[lid]);

	return r;
}

static int fill_dirty(struct again *again)
{
	size_t stride = again->tables->stride;
	int r = 0;

	for (uint32_t d = 0; d < again->n_dirty; d++) {
		memcpy(again->was + d * stride, row_at(again, again->dirty[d]), stride);
		forget_lids(again, row_at(again, again->dirty[d]));
	}
	for (uint32_t b = 0; r == 0 && b < again->past->n_blocks; b++)
		r = fill_dirty_block(again, b);
	for (uint32_t d = 0; r == 0 && d < again->n_dirty; d++)
		r = note_row(again, again->dirty[d], again->was + d * stride);
	for (uint32_t d = 0; r < 0 && d < again->n_dirty; d++)
		memcpy(row_at(again, again->dirty[d]), again->was + d * stride, stride);

	return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int apply(struct again *again)
{
	int r = 0;

	if (again->block.n > 0)
		r = find_distances(again);
	list_lids(again);
	if (r == 0 && again->block.n > 0)
		r = fill_columns(again);

	return r < 0 ? r : fill_dirty(again);
}

static int again_run(struct again *again)
{
	if (again_allocate(again) < 0)
		return -ENOMEM;
	if (!is_alike(again) || !find_dirty(again) || !find_moved(again))
		return 0;

	return apply(again) < 0 ? -ENOMEM : 1;
}

int tables_again(const struct graph *graph, struct past *past, struct tables *tables,
		 struct layout *ret_layout, struct patch *ret_patch)
{
	AUTO(again_clear)
	struct again again = {
		.graph = graph,
		.past = past,
		.tables = tables,
		.layout = ret_layout,
		.patch = ret_patch,
	};
	int r = layout_make(graph, ret_layout);

	if (r == 0)
		r = ranking_join_tops(graph, &ret_layout->ranking);
	if (r == 0)
		r = again_run(&again);
	if (r < 0)
		patch_undo(ret_patch, tables);

	return r;
}
