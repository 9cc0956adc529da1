/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Exits of one switch: between spread.c, which knows where LIDs are, and spread-row.c, which knows
 * by which cables they leave.
 */

#include "routing/spread.h"

enum {
	PORTS_MAX = 254,
	PLANES = 32,
	PIECE = HOPS_PIECE,
	LID_BLOCKS = 65536 / TABLE_BLOCK,
	STRAIGHT_MAX = 100, /* of heights: no way up and down is longer than a byte tells */
	ROW_BYTES = HOPS_BLOCK + PIECE, /* a piece to spare, to compare with what comes next */
};

/* What one switch knows of one block. */
struct row {
	const struct layout *layout;
	const struct block *block;
	uint32_t s;
	size_t width;  /* of rows of the block */
	uint32_t from; /* the columns that are looked at: from here on, so many pieces */
	uint32_t n_pieces;
	uint32_t n_planes;
	uint8_t want_below[HOPS_BLOCK]; /* the distance that a nearer neighbour has */
	uint8_t want_above[HOPS_BLOCK];
	const uint8_t *straight; /* [column]: from a leaf up to the top and down to it; or NULL */
	bool is_far;             /* some are */
	uint8_t far[HOPS_BLOCK]; /* UINT8_MAX: any way up is as good */
	uint8_t plane[PLANES][ROW_BYTES];
	uint8_t repeats[ROW_BYTES]; /* the same exits as the destination before */
	uint8_t lane[PORTS_MAX];    /* of each fan its first port */
	bool has_lanes;             /* a fan has a second port */
	uint8_t lower[PLANES];      /* fans that do not lead up the tree */
	uint32_t n_blocks;          /* of LIDs */
	uint32_t n_slots;
	bool leads_up; /* all slots do */
	uint8_t slot[PORTS_MAX];
	uint32_t n_lost;              /* slots without an exit; see nominal.h */
	uint8_t stands_in[PORTS_MAX]; /* of a lost slot, which of them it is */
	uint8_t there[PORTS_MAX];     /* the exits of those that are not lost */
};

/* Of the columns from @from, with which a piece begins, to @to - 1: planes and repeats. */
void row_find_exits(struct row *row, uint32_t from, uint32_t to);
/* Then the slots of one of them. */
void row_list_slots(struct row *row, uint32_t column);
/* Then the exits to @n targets that count from @number, in the blocks of LIDs of @key. */
void row_fill_cells(const struct row *row, uint32_t number, const uint16_t *key, uint32_t n,
		    uint8_t *cell);
/* The same to what is no host, each counted as its @key. */
void row_fill_own_cells(const struct row *row, const uint16_t *key, uint32_t n, uint8_t *cell);
