/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Up, then down, never up again: every cable has an upper end by a total order of the switches, so
 * packets cannot wait for each other in a circle, on any graph. rank.c finds the order, apex.c
 * makes it one in which every switch reaches every other, port 0 of spines too; here are only the
 * rows.
 *
 * On a tree, ranked as one, this is what the field calls a fat-tree engine: targets are counted so
 * that any shift of hosts has a cable for each (number.c), and a lost cable moves nothing but what
 * used it (nominal.c). So ftree is the same engine, for those who want that or nothing.
 */

#include "routing/pages.h"
#include "routing/past.h"

#include "base/macros.h"

#include <errno.h>

static int fill(const struct graph *graph, const struct layout *layout, const struct layout *whole,
		const struct past *past, struct tables *tables)
{
	AUTO(pages_clear) struct pages pages = { 0 };
	int r = pages_make(graph, layout, whole, &pages);

	for (uint32_t i = 0; r == 0 && i < pages.n; i++)
		r = page_find_tiered(&pages.page[i],
				     past && i < pages.n_present ? &past->tiered[i] : NULL);

	return r == 0 ? tables_fill(graph, &pages, tables) : r;
}

static int route(const struct engine *engine, const struct graph *graph, struct tables *tables,
		 const char **ret_why, struct past *past)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	AUTO(layout_clear) struct layout whole = { 0 };
	int r = layout_make_tiered(graph, &layout, &whole);

	if (r)
		return r;
	if (engine == &engine_ftree && !layout.ranking.tree) {
		*ret_why = "the fabric is no tree";
		return -ENOTSUP;
	}
	if (past)
		r = past_make_room(graph, past);
	if (r == 0)
		r = fill(graph, &layout, &whole, past, tables);
	*ret_why = layout.ranking.why;

	return r == 0 && past ? past_take(engine, graph, &layout, past) : r;
}

static int updn_route(const struct graph *graph, struct tables *tables, const char **ret_why,
		      struct past *past)
{
	return route(&engine_updn, graph, tables, ret_why, past);
}

static int ftree_route(const struct graph *graph, struct tables *tables, const char **ret_why,
		       struct past *past)
{
	return route(&engine_ftree, graph, tables, ret_why, past);
}

const struct engine engine_updn = {
	.name = "updn",
	.sentence = "up, then down a tree that is found in any fabric: free of deadlock",
	.route = updn_route,
};

const struct engine engine_ftree = {
	.name = "ftree",
	.sentence = "trees: every shift of hosts has a cable for each; cables may be lost",
	.route = ftree_route,
};
