/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Paths that share little: see independent.c. Nodes and ports go by their numbers in the fabric.
 */

#include "sm/sa/path-walk.h"

#define TRAIL_MAX (2 * PATH_MAX_HOPS + 2)

/* Each once, in order; a cable is the lower of its two ports. */
struct trail {
	unsigned n_nodes, n_cables;
	uint32_t node[TRAIL_MAX];
	uint32_t cable[TRAIL_MAX];
};

void trail_add_node(struct trail *trail, uint32_t node);
void trail_add_cable(struct trail *trail, const struct fabric *f, uint32_t port);

/* What a path comes through, there and back, its ends too. False: there is no path. */
bool trail_walk(const struct admin_view *view, const struct admin_ends *ends, struct trail *ret);

/* What both have. */
struct trail_share {
	unsigned nodes, cables;
};

struct trail_share trail_share(const struct trail *a, const struct trail *b);

/*
 * Which to take of @n (INDEPENDENT_MAX at most), and in which order: first the two that share least
 * of all, then each time the one that shares least with those before. Fewer nodes come first, then
 * fewer cables, then fewer nodes on the way, then who is first. Into @ret, which has room for
 * @wanted and for one, go so many, or all if there are no more; how many that are.
 */
#define INDEPENDENT_MAX 64u

unsigned independent_choose(const struct trail *trails, unsigned n, unsigned wanted, uint16_t *ret);
