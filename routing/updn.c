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

#include "routing/past.h"

#include "base/macros.h"

#include <errno.h>

static int fill_block(const struct graph *graph, const struct layout *layout,
		      const struct block *block, struct tables *tables)
{
	const struct tiers tiers = ranking_tiers(&layout->ranking);

	hops_fill_tiered(graph, &tiers, block->target, block->n, &block->tiered);

	return tables_fill_block(graph, layout, block, tables);
}

static int fill(const struct graph *graph, const struct layout *layout, const struct past *past,
		struct tables *tables)
{
	AUTO(tiered_clear) struct tiered scratch = { 0 };
	int r = past ? 0 : tiered_make(graph, HOPS_BLOCK, &scratch);

	tables_clear(graph, tables);
	for (uint32_t first = 0; r == 0 && first < graph->n_switches; first += HOPS_BLOCK) {
		struct block block = {
			.tiered = past ? past->tiered[first / HOPS_BLOCK] : scratch,
		};

		block_start(graph, layout, first, &block);
		r = fill_block(graph, layout, &block, tables);
	}

	return r;
}

/* To those who are away, as if they were there. */
static int fill_away(const struct graph *graph, const struct layout *whole, struct tables *tables)
{
	AUTO(tiered_clear) struct tiered scratch = { 0 };
	struct block block;
	uint32_t next = 0;
	int r = tiered_make(graph, HOPS_BLOCK, &scratch);

	block.tiered = scratch;
	block.shortest = NULL;
	while (r == 0 && block_start_away(graph, whole, &next, &block))
		r = fill_block(graph->whole, whole, &block, tables);

	return r;
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
		r = fill(graph, &layout, past, tables);
	if (r == 0 && graph->whole)
		r = fill_away(graph, &whole, tables);
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
