/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Between again.c, which finds what a change touches, again-distances.c, which mends distances, and
 * again-rows.c, which fills entries in.
 */

#include "routing/pages.h"
#include "routing/past.h"

/* More are not worth it. */
enum {
	DIRTY_MAX = 64,     /* rows */
	COLUMNS_MAX = 2048, /* that moved; a multiple of 64 */
};

struct again {
	const struct graph *graph;
	struct past *past;
	struct tables *tables;
	const struct layout *layout; /* of the graph as it is now, */
	const struct layout *whole;  /* and of graph->whole */
	struct patch *patch;

	uint32_t dirty[DIRTY_MAX];
	uint32_t n_dirty;
	uint32_t renewed[DIRTY_MAX]; /* those that came or went, by place */
	uint32_t n_renewed;
	bool *is_dirty;     /* [switch] */
	bool *moved;        /* [index in sequence] */
	bool new_targets;   /* other LIDs hang on a column that moved, or on other ports */
	struct pages pages; /* the distances of those who are there are those of the past */
	uint32_t column[COLUMNS_MAX]; /* those that moved, by index in sequence, rising */
	uint32_t n_columns;
	uint64_t *near; /* [switch * words]: those of them in which exits may be others */
	uint32_t words;
	uint16_t *lids; /* of these, before and now, column by column; then of those away */
	uint32_t first_lid[COLUMNS_MAX + 1]; /* of each of these */
	uint32_t n_lids;
	bool *is_listed; /* [LID]: it is one of them */
	uint8_t *was;    /* entries for those, */
	uint8_t *rows;   /* and whole dirty rows */
};

/* The switch that column @i leads to. */
static inline uint32_t again_target(const struct again *again, uint32_t i)
{
	return again->layout->numbering.sequence[again->column[i]];
}

/*
 * Mend the distances of the past in columns that moved, and set @near. 1; 0: too much is other than
 * it was; or -ENOMEM. After both the past is worth nothing.
 */
int again_find_distances(struct again *again);

/*
 * Columns that moved and dirty rows, and what is away. 0 or -ENOMEM; in both cases tables are as
 * the patch says.
 */
int again_fill(struct again *again);
