/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shortest ways, evenly used, on any graph. Nothing keeps them from waiting for each other in a
 * circle: on trees they do not, on a ring they do, and the proof tells.
 */

#include "routing/pages.h"

#include "base/macros.h"

#include <errno.h>

static int find_distances(struct page *page)
{
	page->hops = hops_new_block(page->graph);
	page->block.shortest = page->hops;
	if (!page->hops)
		return -ENOMEM;

	return hops_fill_shortest(page->graph, page->block.target, page->block.n, page->hops);
}

static int minhop_route(const struct graph *graph, struct tables *tables, const char **ret_why,
			struct past *past)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	AUTO(layout_clear) struct layout whole = { 0 };
	AUTO(pages_clear) struct pages pages = { 0 };
	int r = layout_make(graph, &layout, &whole);

	(void)past;
	*ret_why = NULL;
	if (r == 0)
		r = pages_make(graph, &layout, &whole, &pages);
	for (uint32_t i = 0; r == 0 && i < pages.n; i++)
		r = find_distances(&pages.page[i]);

	return r == 0 ? tables_fill(graph, &pages, tables) : r;
}

const struct engine engine_minhop = {
	.name = "minhop",
	.sentence = "shortest paths, balanced; loses to updn where they would deadlock",
	.route = minhop_route,
};
