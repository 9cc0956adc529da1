/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * All that choosing exits needs to know of a graph besides distances.
 */

#include "routing/nominal.h"

struct layout {
	struct ranking ranking;
	struct numbering numbering;
	struct fans fans;
	struct nominal nominal;
};

/*
 * The layout of @graph, and in @ret_whole that of graph->whole, if there is one (else it is
 * empty). 0 or -ENOMEM. layout_clear() both, also after failure.
 */
int layout_make(const struct graph *graph, struct layout *ret, struct layout *ret_whole);
/* The same, with places that make one top of all: see ranking_join_tops(). */
int layout_make_tiered(const struct graph *graph, struct layout *ret, struct layout *ret_whole);
void layout_clear(struct layout *layout);
