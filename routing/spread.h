/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * From distances to tables: at every switch, each LID leaves by one of the neighbours that are one
 * hop nearer, all of them evenly used.
 */

#include "routing/layout.h"

/* Distances to some destinations, see hops.h. */
struct block {
	uint32_t n;
	uint32_t index[HOPS_BLOCK];  /* in numbering.sequence, rising */
	uint32_t target[HOPS_BLOCK]; /* the switch that is there */
	const uint8_t *shortest;     /* or NULL, and then */
	struct tiered tiered;
};

/* As many as there are and fit from sequence[first] on. */
void block_start(const struct graph *graph, const struct layout *layout, uint32_t first,
		 struct block *block);
/* The same, of switches that are away alone; *next is where to go on. False: there are no more. */
bool block_start_away(const struct graph *graph, const struct layout *layout, uint32_t *next,
		      struct block *block);

/*
 * Entries of switch @s for LIDs of the block's destinations, row by row in any sequence. @layout
 * and @block stay until filler_free(). NULL: no memory.
 */
struct filler;

struct filler *filler_new(const struct layout *layout, const struct block *block);
void filler_free(struct filler *filler); /* takes NULL */
void filler_freep(struct filler **filler);
void filler_fill(struct filler *filler, uint32_t s, uint8_t *lft);
/* The same for some columns of the block alone, a bit each. */
void filler_fill_those(struct filler *filler, uint32_t s, const uint64_t *columns, uint8_t *lft);

/*
 * Are the entries of @s those of the switch that was filled last, but for the LIDs of these two?
 * Then filler_fill_copy() makes of a copy of that row the row of @s.
 */
bool filler_may_copy(const struct filler *filler, uint32_t s);
void filler_fill_copy(struct filler *filler, uint32_t s, uint8_t *lft);
