/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which way is up: a height for each switch, and a total order of the switches that makes every
 * cable lead from a lower place to a higher one.
 */

#include "routing/hops.h"

struct ranking {
	uint32_t *height; /* 0 at the bottom; neighbours in a tree differ by one */
	uint32_t *place;  /* by height, then graph->order[]; ranking_join_tops() changes it */
	uint32_t *by_place;
	bool *is_apex; /* ranking_join_tops() has made it a top */
	uint32_t max_height;
	uint32_t n_roots; /* switches that have no upper neighbour in height order */
	uint32_t mode;    /* hosts of a typical leaf, 0 if there is no host */
	bool tree;        /* heights are levels of a tree (or the operator's roots say so) */
	const char *why;  /* how the roots were found */
};

/* 0 or -ENOMEM. ranking_clear() also after failure. */
int ranking_make(const struct graph *graph, struct ranking *ret);
void ranking_clear(struct ranking *ranking);
/* The same for @n switches. 0 or -ENOMEM. */
int ranking_copy(const struct ranking *ranking, uint32_t n, struct ranking *ret);

/*
 * Change places until each connected component has one top that all others can climb to, so that
 * any two switches have a legal way up, then down. 0 or -ENOMEM.
 */
int ranking_join_tops(const struct graph *graph, struct ranking *ranking);

static inline struct tiers ranking_tiers(const struct ranking *ranking)
{
	return (struct tiers){ ranking->place, ranking->by_place,
			       ranking->tree ? ranking->height : NULL };
}
