/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How far it is from every switch to a block of destination switches: a row of bytes per switch,
 * one per destination of the block, in the caller's order.
 */

#include "routing/engine.h"

enum {
	HOPS_BLOCK = 512,
	HOPS_PIECE = 64, /* rows are so many bytes, once or more */
	HOPS_MAX = 253,
	HOPS_NEVER = 254, /* no distance is that */
	HOPS_NONE = 255,  /* no way, or one longer than HOPS_MAX */
};

/* With room for rows of HOPS_BLOCK. The caller frees. NULL: no memory. */
uint8_t *hops_new_block(const struct graph *graph);

/* Shortest ways to @targets[0..n-1], n <= HOPS_BLOCK, in rows of HOPS_BLOCK. 0 or -ENOMEM. */
int hops_fill_shortest(const struct graph *graph, const uint32_t *targets, uint32_t n,
		       uint8_t *hops);

/* The total order of switches that makes each arc lead up or down. */
struct tiers {
	const uint32_t *place;    /* of each switch, 0 is the lowest */
	const uint32_t *by_place; /* the switch at each place */
	const uint32_t *height;   /* levels of a tree, or NULL: see hops.c */
};

/* Is @lower, which is below @s, on a lower level of the tree? */
static inline bool tiers_lead_down(const struct tiers *tiers, uint32_t s, uint32_t lower)
{
	return tiers->height && tiers->height[lower] < tiers->height[s];
}

/*
 * Blocks of distances along legal ways. @down: going down all the way. @best: the way that packets
 * take from here. @under: HOPS_NEVER if it leads over upper neighbours, if also over lower ones;
 * else how far it is from those over which it leads, one less than @down.
 */
struct tiered {
	uint8_t *down;
	uint8_t *best;
	uint8_t *under;
	size_t width; /* of a row: a multiple of HOPS_PIECE */
};

/* That is enough for @n destinations. */
static inline size_t hops_width(uint32_t n)
{
	return ((size_t)n + HOPS_PIECE - 1) / HOPS_PIECE * HOPS_PIECE;
}

static inline struct tiered tiered_row(const struct tiered *block, uint32_t s)
{
	size_t at = s * block->width;

	return (struct tiered){ block->down + at, block->best + at, block->under + at,
				block->width };
}

/* Room for the rows of all switches. 0 or -ENOMEM. */
int tiered_make(const struct graph *graph, size_t width, struct tiered *ret);
void tiered_clear(struct tiered *tiered);

/* Rows to @targets[0..n-1]; n is at most the width of @ret. */
void hops_fill_tiered(const struct graph *graph, const struct tiers *tiers, const uint32_t *targets,
		      uint32_t n, const struct tiered *ret);

/* Rows @s[0..n_s-1], by rising place, of switches that came or went: @ret has all others. */
void hops_renew_tiered_rows(const struct graph *graph, const struct tiers *tiers,
			    const uint32_t *targets, uint32_t n, const uint32_t *s, uint32_t n_s,
			    const struct tiered *ret);

/* What hops_fill_tiered() would make of row @s, if all others are as in @block. */
void hops_fill_tiered_row(const struct graph *graph, const struct tiers *tiers,
			  const uint32_t *targets, uint32_t n, uint32_t s,
			  const struct tiered *block, const struct tiered *ret);
