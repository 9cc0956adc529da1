/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How far it is from every switch to a block of destination switches. Row of switch s:
 * hops[s * HOPS_BLOCK] on, one byte per destination of the block, in the caller's order.
 */

#include "routing/engine.h"

enum {
	HOPS_BLOCK = 512,
	HOPS_MAX = 253,
	HOPS_NEVER = 254, /* no distance is that */
	HOPS_NONE = 255,  /* no way, or one longer than HOPS_MAX */
};

/* The caller frees. NULL: no memory. */
uint8_t *hops_new_block(const struct graph *graph);

/* Shortest ways to @targets[0..n-1], n <= HOPS_BLOCK. 0 or -ENOMEM. */
int hops_fill_shortest(const struct graph *graph, const uint32_t *targets, uint32_t n,
		       uint8_t *hops);

/* The total order of switches that makes each arc lead up or down. */
struct tiers {
	const uint32_t *place;    /* of each switch, 0 is the lowest */
	const uint32_t *by_place; /* the switch at each place */
};

/*
 * Blocks of distances along legal ways. @down: going down all the way. @best: the way that packets
 * take from here, over lower neighbours if it is as long as @down, and over upper neighbours if
 * @may_climb is 0xff (0: it may not, for some upper neighbour sends packets down to here).
 */
struct tiered {
	uint8_t *down;
	uint8_t *best;
	uint8_t *may_climb;
};

void hops_fill_tiered(const struct graph *graph, const struct tiers *tiers, const uint32_t *targets,
		      uint32_t n, const struct tiered *ret);
