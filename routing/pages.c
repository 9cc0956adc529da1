/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whole tables: distances to all destinations first, block by block, as engines find them; then the
 * tables row by row, so that each row is in the cache while all blocks are filled in.
 */

#include "routing/pages.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

static void add_page(const struct graph *graph, const struct layout *layout,
		     const struct block *block, struct pages *pages)
{
	pages->page[pages->n++] =
		(struct page){ .graph = graph, .layout = layout, .block = *block };
}

int pages_make(const struct graph *graph, const struct layout *layout, const struct layout *whole,
	       struct pages *ret)
{
	size_t n = 2 * (graph->n_switches / HOPS_BLOCK + (size_t)1);
	struct block block = { 0 };
	uint32_t next = 0;

	*ret = (struct pages){ .page = calloc(n, sizeof(*ret->page)) };
	if (!ret->page)
		return -ENOMEM;
	for (uint32_t first = 0; first < graph->n_switches; first += HOPS_BLOCK) {
		block_start(graph, layout, first, &block);
		add_page(graph, layout, &block, ret);
	}
	ret->n_present = ret->n;
	while (block_start_away(graph, layout, &next, &block))
		add_page(graph->whole, whole, &block, ret);

	return 0;
}

void pages_clear(struct pages *pages)
{
	for (uint32_t i = 0; i < pages->n; i++) {
		filler_free(pages->page[i].filler);
		free(pages->page[i].hops);
		tiered_clear(&pages->page[i].tiered);
	}
	free(pages->page);
}

static bool may_copy(const struct pages *pages, uint32_t s)
{
	for (uint32_t i = 0; i < pages->n_present; i++)
		if (!filler_may_copy(pages->page[i].filler, s))
			return false;

	return true;
}

static void fill_row(const struct pages *pages, uint32_t s, size_t stride, uint8_t *lft)
{
	memset(lft, ROUTE_NONE, stride);
	for (uint32_t i = 0; i < pages->n; i++)
		filler_fill(pages->page[i].filler, s, lft);
}

/* Who is away is in pages of both kinds, and the second one counts. */
static void copy_row(const struct pages *pages, uint32_t s, size_t stride, const uint8_t *like,
		     uint8_t *lft)
{
	memcpy(lft, like, stride);
	for (uint32_t i = 0; i < pages->n_present; i++)
		filler_fill_copy(pages->page[i].filler, s, lft);
	for (uint32_t i = pages->n_present; i < pages->n; i++)
		filler_fill(pages->page[i].filler, s, lft);
}

/* In the sequence of destinations those who hang together follow each other. */
static void fill_rows(const struct graph *graph, const struct pages *pages, struct tables *tables)
{
	const uint8_t *last = NULL;

	for (uint32_t i = 0; i < graph->n_switches; i++) {
		uint32_t s = pages->page[0].layout->numbering.sequence[i];
		uint8_t *lft = tables->lft + s * tables->stride;

		if (last && may_copy(pages, s))
			copy_row(pages, s, tables->stride, last, lft);
		else
			fill_row(pages, s, tables->stride, lft);
		last = lft;
	}
}

int page_find_tiered(struct page *page, const struct tiered *kept)
{
	const struct tiers tiers = ranking_tiers(&page->layout->ranking);
	struct block *block = &page->block;
	int r = kept ? 0 : tiered_make(page->graph, hops_width(block->n), &page->tiered);

	if (r)
		return r;
	block->tiered = kept ? *kept : page->tiered;
	hops_fill_tiered(page->graph, &tiers, block->target, block->n, &block->tiered);

	return 0;
}

int pages_make_fillers(const struct pages *pages)
{
	for (uint32_t i = 0; i < pages->n; i++) {
		struct page *page = &pages->page[i];

		page->filler = filler_new(page->layout, &page->block);
		if (!page->filler)
			return -ENOMEM;
	}

	return 0;
}

int tables_fill(const struct graph *graph, const struct pages *pages, struct tables *tables)
{
	int r = pages_make_fillers(pages);

	if (r == 0)
		fill_rows(graph, pages, tables);

	return r;
}
