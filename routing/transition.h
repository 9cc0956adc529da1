/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The way from the tables that switches hold to others: which LIDs have to be withdrawn first, and
 * which blocks have to wait for others.
 */

#include "routing/patch.h"

/*
 * Blocks of round 0 are written in any order; those of the next round when all of that are
 * acknowledged, and so on.
 */
struct rounds {
	uint8_t *of;       /* [switch * n_blocks + block]; NULL: all are of round 0 */
	uint32_t n_blocks; /* of 64 LIDs: as many as the planned tables have */
	uint8_t last;      /* round that there is */
};

void rounds_clear(struct rounds *rounds);

/* The round of this block of switch @s. */
static inline uint8_t rounds_at(const struct rounds *rounds, uint32_t s, uint32_t block)
{
	return rounds->of ? rounds->of[(size_t)s * rounds->n_blocks + block] : 0;
}

/*
 * First, at every switch that holds a way to a LID of @withdrawn other than it is to hold, that
 * entry becomes ROUTE_NONE; only when all of these are in place, the new tables are written, in
 * @rounds. transition_clear() frees both, unless they were taken over.
 */
struct transition {
	uint64_t *withdrawn; /* bit LID % 64 of word LID / 64, for 65536 LIDs; NULL: none */
	struct rounds rounds;
	uint32_t n_changed;   /* LIDs to which some switch is to lose or change its way; */
	uint32_t n_ordered;   /* those of them for which there are rounds, */
	uint32_t n_withdrawn; /* and those that are withdrawn */
};

/*
 * From @held to @planned. Rows of both are switches of @graph, the fabric as it is now; LIDs beyond
 * either stride are ROUTE_NONE there. @held may be anything; @planned is proven, and @turns are
 * those of its proof; or NULL, if it is proven for several lanes: then whatever changes is
 * withdrawn. 0 with *ret filled in, -ENOMEM, or -EINVAL if there is a cycle in @turns.
 */
int transition_plan(const struct graph *graph, const struct tables *held,
		    const struct tables *planned, const struct turns *turns,
		    struct transition *ret);

/*
 * The same, if what is held is as planned but for the entries of @patch, which is sorted; that
 * @turns have no cycle is believed.
 */
int transition_plan_again(const struct graph *graph, const struct tables *planned,
			  const struct patch *patch, const struct turns *turns,
			  struct transition *ret);
void transition_clear(struct transition *transition);
