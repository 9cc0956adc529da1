/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * From distances to tables: at every switch, each LID leaves by one of the neighbours that are one
 * hop nearer, all of them evenly used.
 */

#include "routing/nominal.h"

/* All that choosing exits needs to know of a graph besides distances. */
struct layout {
	struct ranking ranking;
	struct numbering numbering;
	struct fans fans;
	struct nominal nominal;
};

/* 0 or -ENOMEM. layout_clear() also after failure. */
int layout_make(const struct graph *graph, struct layout *ret);
void layout_clear(struct layout *layout);

/* Distances to destinations sequence[first] to sequence[first + n - 1], see hops.h. */
struct block {
	uint32_t first;
	uint32_t n;
	const uint8_t *shortest; /* or NULL, and then */
	struct tiered tiered;
};

/* All entries ROUTE_NONE, then block by block. */
void tables_clear(const struct graph *graph, struct tables *tables);
void tables_fill_block(const struct graph *graph, const struct layout *layout,
		       const struct block *block, struct tables *tables);
