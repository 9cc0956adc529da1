/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * All of a fabric's destinations, block by block.
 */

#include "routing/spread.h"

/* A block, and what belongs to it. */
struct page {
	const struct graph *graph;
	const struct layout *layout;
	struct block block; /* without distances so far; these are elsewhere, or here: */
	uint8_t *hops;
	struct tiered tiered;
	struct filler *filler;
};

/* All destinations, and then once more those that are away, as if they were there. */
struct pages {
	struct page *page;
	uint32_t n;
	uint32_t n_present; /* of the first kind */
};

/* 0 or -ENOMEM. pages_clear() also after failure. Graph and layouts stay until then. */
int pages_make(const struct graph *graph, const struct layout *layout, const struct layout *whole,
	       struct pages *ret);
void pages_clear(struct pages *pages);

/* Up/down distances of a page: in @kept, if there is some, or its own. 0 or -ENOMEM. */
int page_find_tiered(struct page *page, const struct tiered *kept);
/* A filler for each page, when it has its distances. 0 or -ENOMEM. */
int pages_make_fillers(const struct pages *pages);

/* Fill all of @tables, when all pages have their distances. 0 or -ENOMEM. */
int tables_fill(const struct graph *graph, const struct pages *pages, struct tables *tables);
