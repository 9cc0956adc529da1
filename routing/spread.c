/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The inner loop of routing: switches times LIDs, 21 million entries in a fabric of 11,664 hosts.
 *
 * Row by row, because a row of the table fits in the cache and LIDs may come in any order. The
 * exits of a row are found in the sequence of number.c (spread-row.c), in which neighbours mostly
 * have the same: they are a run.
 *
 * So the exits of a run, in the sequence of numbers, repeat themselves: they are made once and then
 * copied, into "cells" that stand in that sequence, and at last each LID gets what is in its cell.
 * Where numbers leave a gap cells have the same gap, as long as it is small, so that a run is one
 * piece. What is no host is counted by blocks of LIDs, and so has cells of its own, with keys.
 *
 * Switches that hang on the same neighbours alike, as the leaves of a pod do, have the same ways
 * but to each other. If what a row is made of is the same as of the row before, that is copied, and
 * only the pieces are made that have the columns of these two.
 */

#include "routing/spread-row.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { GAP_MAX = 512 };

/* Where the exits to one group of targets are, column by column: those of the next follow. */
struct strip {
	uint32_t first[HOPS_BLOCK + 1];
};

struct second {
	uint32_t cell;
	uint16_t lid;
	uint16_t column;
};

struct filler {
	struct strip strip[TARGET_GROUP_COUNT];
	uint32_t number[HOPS_BLOCK]; /* of hosts, that of the first cell of each column */
	uint16_t until[HOPS_BLOCK];  /* the next column that does not go on where this one ends */
	uint16_t *key; /* of each cell the block of its LID, or what else it is counted as */
	uint8_t *cells;
	uint16_t *lids; /* of each cell; 0: nobody's */
	uint32_t n_cells;
	struct second *seconds; /* with LMC several LIDs share a cell: those after the first */
	uint32_t n_seconds;
	bool is_filled;               /* all cells are those of row.s */
	uint8_t straight[HOPS_BLOCK]; /* see struct row */
	struct row row;
};

/* The destination sequence[index] is the next of @block, which has room for it. */
static void block_add(const struct layout *layout, uint32_t index, struct block *block)
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

static void fill_hosts(struct filler *filler, uint32_t from, uint32_t to)
{
	const uint32_t *first = filler->strip[TARGET_HOSTS].first;

	if (first[from] == first[to])
		return; /* nobody is there */
	for (uint32_t end; from < to; from = end) {
		end = MIN(filler->until[from], to);
		row_fill_cells(&filler->row, filler->number[from], filler->key + first[from],
			       first[end] - first[from], filler->cells + first[from]);
	}
}

/* Destinations @from to @to - 1 of the block have the same exits. */
static void fill_run(struct filler *filler, uint32_t from, uint32_t to)
{
	const uint32_t *first = filler->strip[TARGET_OWN].first;

	row_list_slots(&filler->row, from);
	fill_hosts(filler, from, to);
	row_fill_own_cells(&filler->row, filler->key + first[from], first[to] - first[from],
			   filler->cells + first[from]);
}

/* The column of switch @s, which is where the distance is 0; block->n if it has none here. */
static uint32_t column_of(const struct row *row, uint32_t s)
{
	const struct block *block = row->block;
	const uint8_t *distances =
		(block->shortest ? block->shortest : block->tiered.down) + s * row->width;
	const uint8_t *own = memchr(distances, 0, block->n);

	return own ? (uint32_t)(own - distances) : block->n;
}

/* What hangs on the switch itself. */
static void fill_own(const struct row *row, uint8_t *lft)
{
	const struct numbering *numbering = &row->layout->numbering;
	const struct block *block = row->block;
	uint32_t own = column_of(row, row->s);
	const uint32_t *first;

	if (own == block->n)
		return;
	first = numbering->first + (size_t)TARGET_GROUP_COUNT * block->index[own];
	for (uint32_t t = first[0]; t < first[TARGET_GROUP_COUNT]; t++)
		lft[numbering->targets[t].lid] = numbering->port[t];
}

/* Each LID gets what is in its cell. */
static void pick(const uint8_t *restrict cells, const uint16_t *restrict lids, uint32_t n,
		 uint8_t *restrict lft)
{
	uint32_t c = 0;

	for (; c + 4 <= n; c += 4) {
		lft[lids[c]] = cells[c];
		lft[lids[c + 1]] = cells[c + 1];
		lft[lids[c + 2]] = cells[c + 2];
		lft[lids[c + 3]] = cells[c + 3];
	}
	for (; c < n; c++)
		lft[lids[c]] = cells[c];
}

static void pick_columns(struct filler *filler, uint32_t from, uint32_t to, uint8_t *lft)
{
	for (unsigned g = 0; g < TARGET_GROUP_COUNT; g++) {
		uint32_t cell = filler->strip[g].first[from];

		pick(filler->cells + cell, filler->lids + cell, filler->strip[g].first[to] - cell,
		     lft);
	}
}

/* The columns from @from, with which a piece begins, to @to - 1. */
static void fill_columns(struct filler *filler, uint32_t from, uint32_t to, uint8_t *lft)
{
	uint32_t first = from;

	row_find_exits(&filler->row, from, to);
	for (uint32_t next; from < to; from = next) {
		const uint8_t *repeats = filler->row.repeats + from + 1;
		const uint8_t *end = memchr(repeats, 0, to - from - 1);

		next = end ? from + 1 + (uint32_t)(end - repeats) : to;
		fill_run(filler, from, next);
	}
	pick_columns(filler, first, to, lft);
}

/* LID 0 is nobody, and has got what is in the cells of nobody. */
static void finish_row(struct filler *filler, uint8_t *lft)
{
	lft[0] = ROUTE_NONE;
	for (uint32_t i = 0; i < filler->n_seconds; i++)
		lft[filler->seconds[i].lid] = filler->cells[filler->seconds[i].cell];
	fill_own(&filler->row, lft);
	filler->is_filled = true;
}

void filler_fill(struct filler *filler, uint32_t s, uint8_t *lft)
{
	filler->row.s = s;
	fill_columns(filler, 0, filler->row.block->n, lft);
	finish_row(filler, lft);
}

static bool has_column(const uint64_t *columns, uint32_t column)
{
	return columns[column / 64] >> column % 64 & 1;
}

static void fill_those_of_piece(struct filler *filler, uint32_t from, uint64_t columns,
				uint8_t *lft)
{
	row_find_exits(&filler->row, from, MIN(from + PIECE, filler->row.block->n));
	for (; columns; columns &= columns - 1) {
		uint32_t column = from + (uint32_t)__builtin_ctzll(columns);

		fill_run(filler, column, column + 1);
		pick_columns(filler, column, column + 1, lft);
	}
}

void filler_fill_those(struct filler *filler, uint32_t s, const uint64_t *columns, uint8_t *lft)
{
	uint32_t n = filler->row.block->n;
	uint32_t own;

	filler->row.s = s;
	filler->is_filled = false;
	for (uint32_t from = 0; from < n; from += PIECE) {
		uint64_t there = n - from < 64 ? (UINT64_C(1) << (n - from)) - 1 : UINT64_MAX;

		if (columns[from / 64] & there)
			fill_those_of_piece(filler, from, columns[from / 64] & there, lft);
	}
	lft[0] = ROUTE_NONE;
	for (uint32_t i = 0; i < filler->n_seconds; i++)
		if (has_column(columns, filler->seconds[i].column))
			lft[filler->seconds[i].lid] = filler->cells[filler->seconds[i].cell];
	own = column_of(&filler->row, s);
	if (own < n && has_column(columns, own))
		fill_own(&filler->row, lft);
}

/* ---- rows that are like others ------------------------------------------------------------------
 */

/* The same neighbours, counted alike, through the same ports. */
static bool has_same_fans(const struct layout *layout, uint32_t s, uint32_t like)
{
	const struct fans *fans = &layout->fans;
	const struct fan *a = fans->fan + fans->first[s], *b = fans->fan + fans->first[like];
	const uint32_t *place = layout->ranking.place;
	uint32_t n = fans->first[s + 1] - fans->first[s];

	if (n != fans->first[like + 1] - fans->first[like] || fans->share[s] != fans->share[like] ||
	    fans->start[s] != fans->start[like] ||
	    layout->ranking.height[s] != layout->ranking.height[like])
		return false;
	for (uint32_t f = 0; f < n; f++) {
		if (a[f].to != b[f].to || fan_n_ports(&a[f]) != fan_n_ports(&b[f]) ||
		    (place[a[f].to] < place[s]) != (place[a[f].to] < place[like]) ||
		    memcmp(fans->ports + a[f].first_port, fans->ports + b[f].first_port,
			   fan_n_ports(&a[f])) != 0)
			return false;
	}

	return true;
}

static bool has_same_slots(const struct nominal *nominal, uint32_t s, uint32_t like)
{
	uint32_t n;

	if (!nominal->slot)
		return true;
	n = nominal->first[s + 1] - nominal->first[s];

	return n == nominal->first[like + 1] - nominal->first[like] &&
	       (n == 0 ||
		(nominal->remainder[s] == nominal->remainder[like] &&
		 memcmp(nominal->slot + nominal->first[s], nominal->slot + nominal->first[like],
			n * sizeof(*nominal->slot)) == 0));
}

/* The same distances, but for those to both. */
static bool has_same_distances(const struct row *row, const uint8_t *rows, uint32_t s,
			       uint32_t like)
{
	uint32_t a = column_of(row, s), b = column_of(row, like), n = row->block->n;
	uint32_t low = MIN(a, b), high = MAX(a, b);
	const uint8_t *x = rows + s * row->width, *y = rows + like * row->width;

	return memcmp(x, y, low) == 0 &&
	       (high <= low + 1 || memcmp(x + low + 1, y + low + 1, high - low - 1) == 0) &&
	       (high + 1 >= n || memcmp(x + high + 1, y + high + 1, n - high - 1) == 0);
}

bool filler_may_copy(const struct filler *filler, uint32_t s)
{
	const struct row *row = &filler->row;
	const struct tiered *tiered = &row->block->tiered;
	const uint8_t *shortest = row->block->shortest;
	uint32_t like = row->s;

	if (!filler->is_filled || !has_same_fans(row->layout, s, like) ||
	    !has_same_slots(&row->layout->nominal, s, like))
		return false;
	if (shortest)
		return has_same_distances(row, shortest, s, like);

	return has_same_distances(row, tiered->down, s, like) &&
	       has_same_distances(row, tiered->best, s, like) &&
	       has_same_distances(row, tiered->under, s, like);
}

/* All columns of the piece that has @column. */
static void fill_piece(struct filler *filler, uint32_t column, uint8_t *lft)
{
	uint32_t from = column / PIECE * PIECE;

	fill_columns(filler, from, MIN(from + PIECE, filler->row.block->n), lft);
}

void filler_fill_copy(struct filler *filler, uint32_t s, uint8_t *lft)
{
	uint32_t n = filler->row.block->n;
	uint32_t a = column_of(&filler->row, s), b = column_of(&filler->row, filler->row.s);

	filler->row.s = s;
	if (a < n)
		fill_piece(filler, a, lft);
	if (b < n && (a == n || a / PIECE != b / PIECE))
		fill_piece(filler, b, lft);
	finish_row(filler, lft);
}

/* ---- cells --------------------------------------------------------------------------------------
 */

/* Cells that group @g of the @i-th column takes; those of hosts with the gap that follows. */
static uint32_t width_of(const struct numbering *numbering, const struct block *block, uint32_t i,
			 unsigned g)
{
	const uint32_t *first = numbering->first + (size_t)TARGET_GROUP_COUNT * block->index[i] + g;
	uint32_t width = 0, step = 0;

	for (uint32_t t = first[0]; t < first[1]; t++)
		width = MAX(width, numbering->targets[t].offset + 1u);
	if (g == TARGET_HOSTS && i + 1 < block->n)
		step = numbering->number[block->index[i + 1]] - numbering->number[block->index[i]];

	return width > 0 && step <= GAP_MAX ? MAX(width, step) : width;
}

static uint32_t lay_out_strip(const struct numbering *numbering, const struct block *block,
			      unsigned g, uint32_t cell, struct strip *ret)
{
	for (uint32_t i = 0; i < block->n; i++) {
		ret->first[i] = cell;
		cell += width_of(numbering, block, i, g);
	}
	ret->first[block->n] = cell;

	return cell;
}

static void find_runs(const struct numbering *numbering, const struct block *block,
		      struct filler *filler)
{
	const uint32_t *first = filler->strip[TARGET_HOSTS].first;
	uint32_t *number = filler->number;

	for (uint32_t i = 0; i < block->n; i++)
		number[i] = numbering->number[block->index[i]];
	for (uint32_t i = block->n; i-- > 0;) {
		bool goes_on =
			i + 1 < block->n && first[i + 1] - first[i] == number[i + 1] - number[i];

		filler->until[i] = goes_on ? filler->until[i + 1] : (uint16_t)(i + 1);
	}
}

/* LIDs of a port follow each other by exits, as those of a host do. */
static void set_keys(const struct numbering *numbering, const struct block *block,
		     struct filler *filler)
{
	for (uint32_t i = 0; i < block->n; i++) {
		const uint32_t *first = numbering->first +
					(size_t)TARGET_GROUP_COUNT * block->index[i] + TARGET_OWN;
		uint16_t *key = filler->key + filler->strip[TARGET_OWN].first[i];

		for (uint32_t t = first[0]; t < first[1]; t++) {
			const struct target *target = &numbering->targets[t];

			key[target->offset] =
				(uint16_t)(target->lid / TABLE_BLOCK + target->offset);
		}
	}
}

static void put_lid(struct filler *filler, uint16_t lid, uint32_t column, uint32_t cell)
{
	if (filler->lids[cell] == 0) {
		filler->lids[cell] = lid;
		filler->key[cell] = lid / TABLE_BLOCK;
	} else {
		filler->seconds[filler->n_seconds++] =
			(struct second){ cell, lid, (uint16_t)column };
	}
	filler->row.n_blocks = MAX(filler->row.n_blocks, lid / TABLE_BLOCK + 1u);
}

static void put_lids(const struct numbering *numbering, const struct block *block, unsigned g,
		     struct filler *filler)
{
	for (uint32_t i = 0; i < block->n; i++) {
		const uint32_t *first =
			numbering->first + (size_t)TARGET_GROUP_COUNT * block->index[i] + g;

		for (uint32_t t = first[0]; t < first[1]; t++)
			put_lid(filler, numbering->targets[t].lid, i,
				filler->strip[g].first[i] + numbering->targets[t].offset);
	}
}

static uint32_t count_lids(const struct numbering *numbering, const struct block *block)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < block->n; i++) {
		const uint32_t *first =
			numbering->first + (size_t)TARGET_GROUP_COUNT * block->index[i];

		n += first[TARGET_GROUP_COUNT] - first[0];
	}

	return n;
}

/* Of a leaf it is none: all are further than UINT8_MAX away. */
static void set_straight(const struct ranking *ranking, const struct block *block, uint8_t *ret)
{
	memset(ret, 0xff, HOPS_BLOCK);
	for (uint32_t i = 0; i < block->n && ranking->max_height <= STRAIGHT_MAX; i++) {
		uint32_t height = ranking->height[block->target[i]];

		if (height > 0)
			ret[i] = (uint8_t)(2 * ranking->max_height - height);
	}
}

struct filler *filler_new(const struct layout *layout, const struct block *block)
{
	const struct numbering *numbering = &layout->numbering;
	struct filler *filler = malloc(sizeof(*filler));
	uint32_t n_cells = 0;

	if (!filler)
		return NULL;
	for (unsigned g = 0; g < TARGET_GROUP_COUNT; g++)
		n_cells = lay_out_strip(numbering, block, g, n_cells, &filler->strip[g]);
	filler->n_cells = n_cells;
	filler->n_seconds = 0;
	filler->row.n_blocks = 1;
	filler->cells = malloc(n_cells + (size_t)1);
	filler->lids = calloc(n_cells + (size_t)1, sizeof(*filler->lids));
	filler->key = calloc(n_cells + (size_t)1, sizeof(*filler->key));
	filler->seconds =
		calloc(count_lids(numbering, block) + (size_t)1, sizeof(*filler->seconds));
	if (!filler->cells || !filler->lids || !filler->key || !filler->seconds) {
		filler_free(filler);
		return NULL;
	}
	for (unsigned g = 0; g < TARGET_GROUP_COUNT; g++)
		put_lids(numbering, block, g, filler);
	find_runs(numbering, block, filler);
	set_keys(numbering, block, filler);
	filler->row.layout = layout;
	filler->row.block = block;
	set_straight(&layout->ranking, block, filler->straight);
	filler->row.straight = layout->ranking.tree ? filler->straight : NULL;
	filler->is_filled = false;
	filler->row.width = block->shortest ? HOPS_BLOCK : block->tiered.width;

	return filler;
}

void filler_free(struct filler *filler)
{
	if (!filler)
		return;
	free(filler->cells);
	free(filler->lids);
	free(filler->key);
	free(filler->seconds);
	free(filler);
}

void filler_freep(struct filler **filler)
{
	filler_free(*filler);
}
