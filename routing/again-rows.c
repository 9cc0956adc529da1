/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The last part of again.c: entries, and the patch.
 *
 * A row that is not dirty has other entries only in columns that moved, and of these only where
 * exits may be others; columns of who is away are filled in all rows. What may change is saved
 * before, and compared afterwards.
 */

#include "routing/again.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

/* Of again->column. */
struct set {
	uint64_t word[COLUMNS_MAX / 64];
};

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
	const struct numbering *now = &again->layout->numbering;
	const struct numbering *was = &again->past->layout.numbering;

	for (uint32_t i = 0; i < again->n_columns; i++) {
		again->first_lid[i] = again->n_lids;
		list_lids_of(now, again->column[i], again);
		if (again->new_targets)
			list_lids_of(was, again->column[i], again);
	}
	again->first_lid[again->n_columns] = again->n_lids;
	for (uint32_t b = again->pages.n_present; b < again->pages.n; b++) {
		const struct block *away = &again->pages.page[b].block;

		for (uint32_t i = 0; i < away->n; i++) {
			list_lids_of(now, away->index[i], again);
			list_lids_of(was, away->index[i], again);
		}
	}
}

static uint8_t *row_at(const struct again *again, uint32_t s)
{
	return again->tables->lft + s * again->tables->stride;
}

/* LIDs that are nobody's any more have no exit, and all others get theirs. */
static void forget_lids(const struct again *again, uint8_t *lft)
{
	for (uint32_t i = again->new_targets ? 0 : again->first_lid[again->n_columns];
	     i < again->n_lids; i++)
		lft[again->lids[i]] = ROUTE_NONE;
}

/* Columns in which switch @s may have other exits. */
static struct set find_near(const struct again *again, uint32_t s)
{
	struct set near;

	if (again->new_targets)
		memset(near.word, 0xff, again->words * sizeof(near.word[0]));
	else
		memcpy(near.word, again->near + (size_t)s * again->words,
		       again->words * sizeof(near.word[0]));

	return near;
}

static bool is_any_away(const struct again *again)
{
	return again->pages.n > again->pages.n_present;
}

static bool has_column(const struct set *set, uint32_t column)
{
	return set->word[column / 64] >> column % 64 & 1;
}

/* Entries of the list: those of column @column, or of all that are away. */
struct entries {
	uint32_t first;
	uint32_t end;
};

static struct entries entries_of(const struct again *again, uint32_t column)
{
	bool is_away = column == again->n_columns;

	return (struct entries){ again->first_lid[column],
				 is_away ? again->n_lids : again->first_lid[column + 1] };
}

/* The next of @set from *column on; those that are away come last. */
static bool next_column(const struct again *again, const struct set *set, uint32_t *column)
{
	uint32_t n = again->n_columns;

	while (*column < n && !has_column(set, *column)) {
		uint64_t left = set->word[*column / 64] >> *column % 64;

		*column = left ? *column + (uint32_t)__builtin_ctzll(left)
			       : MIN((*column / 64 + 1) * 64, n);
	}

	return *column < n + is_any_away(again);
}

static void save_column(const struct again *again, const uint8_t *lft, uint32_t column)
{
	struct entries entries = entries_of(again, column);

	for (uint32_t i = entries.first; i < entries.end; i++)
		again->was[i] = lft[again->lids[i]];
}

static void restore_column(const struct again *again, uint8_t *lft, uint32_t column)
{
	struct entries entries = entries_of(again, column);

	for (uint32_t i = entries.first; i < entries.end; i++)
		lft[again->lids[i]] = again->was[i];
}

static int note_column(const struct again *again, uint32_t s, uint32_t column)
{
	struct entries entries = entries_of(again, column);
	const uint8_t *lft = row_at(again, s);
	int r = 0;

	for (uint32_t i = entries.first; r == 0 && i < entries.end; i++)
		if (lft[again->lids[i]] != again->was[i])
			r = patch_add(again->patch, s, again->lids[i], again->was[i]);

	return r;
}

/*
 * Of columns @near those of page @b, as the page counts them; *next is the first that may be of it,
 * and then the first that is not. False: there are none.
 */
static bool list_columns(const struct again *again, const struct set *near, uint32_t b,
			 uint32_t *next, uint64_t ret[static HOPS_BLOCK / 64])
{
	bool any = false;

	memset(ret, 0, HOPS_BLOCK / 8);
	for (; *next < again->n_columns && again->column[*next] / HOPS_BLOCK == b; ++*next) {
		uint32_t column = again->column[*next] % HOPS_BLOCK;

		if (!has_column(near, *next))
			continue;
		ret[column / 64] |= UINT64_C(1) << column % 64;
		any = true;
	}

	return any;
}

static void fill_columns(const struct again *again, uint32_t s, const struct set *near,
			 uint8_t *lft)
{
	const struct pages *pages = &again->pages;
	uint64_t columns[HOPS_BLOCK / 64];
	uint32_t next = 0;

	for (uint32_t b = 0; b < pages->n_present; b++)
		if (list_columns(again, near, b, &next, columns))
			filler_fill_those(pages->page[b].filler, s, columns, lft);
	for (uint32_t b = pages->n_present; b < pages->n; b++)
		filler_fill(pages->page[b].filler, s, lft);
}

static int fill_row(struct again *again, uint32_t s)
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
	fill_columns(again, s, &near, lft);
	for (uint32_t i = column; r == 0 && next_column(again, &near, &i); i++)
		r = note_column(again, s, i);
	for (uint32_t i = column; r < 0 && next_column(again, &near, &i); i++)
		restore_column(again, lft, i);

	return r;
}

/* ---- dirty rows ------------------------------------------------------------------------------ */

static void start_dirty(struct again *again)
{
	size_t stride = again->tables->stride;

	for (uint32_t d = 0; d < again->n_dirty; d++) {
		uint32_t s = again->dirty[d];

		memcpy(again->rows + d * stride, row_at(again, s), stride);
		forget_lids(again, row_at(again, s));
	}
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

	start_dirty(again);
	for (uint32_t b = 0; b < again->pages.n; b++)
		for (uint32_t d = 0; d < again->n_dirty; d++)
			filler_fill(again->pages.page[b].filler, again->dirty[d],
				    row_at(again, again->dirty[d]));
	for (uint32_t d = 0; r == 0 && d < again->n_dirty; d++)
		r = note_row(again, again->dirty[d], again->rows + d * stride);
	for (uint32_t d = 0; r < 0 && d < again->n_dirty; d++)
		memcpy(row_at(again, again->dirty[d]), again->rows + d * stride, stride);

	return r;
}

/* ---- the whole ------------------------------------------------------------------------------- */

int again_fill(struct again *again)
{
	int r = pages_make_fillers(&again->pages);

	list_lids(again);
	for (uint32_t s = 0; r == 0 && s < again->graph->n_switches; s++)
		if (!again->is_dirty[s])
			r = fill_row(again, s);

	return r < 0 ? r : fill_dirty(again);
}
