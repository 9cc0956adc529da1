/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The way from the tables that switches hold to others, a block at a time and in any order: which
 * LIDs have to be withdrawn first.
 */

#include "routing/engine.h"

/*
 * First, at every switch that holds a way to a LID of @withdrawn other than it is to hold, that
 * entry becomes ROUTE_NONE; only when all of these are in place, the new tables are written.
 */
struct transition {
	uint64_t *withdrawn;  /* bit LID % 64 of word LID / 64, for 65536 LIDs; NULL: none */
	uint32_t n_withdrawn; /* LIDs */
	uint32_t n_changed;   /* LIDs to which some switch is to lose or change its way */
};

/*
 * From @held to @planned. Rows of both are switches of @graph, the fabric as it is now; LIDs beyond
 * either stride are ROUTE_NONE there. @held may be anything; @planned is proven, and @turns are
 * those of its proof.
 * 0 with *ret filled in, -ENOMEM, or -EINVAL if there is a cycle in @turns.
 */
int transition_plan(const struct graph *graph, const struct tables *held,
		    const struct tables *planned, const struct turns *turns,
		    struct transition *ret);
void transition_clear(struct transition *transition);
