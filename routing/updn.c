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

#include "routing/spread.h"

#include "base/macros.h"

#include <errno.h>

static void free_tiered(const struct tiered *tiered)
{
	free(tiered->down);
	free(tiered->best);
	free(tiered->may_climb);
}

static int updn_fill(const struct graph *graph, const struct layout *layout, struct tables *tables)
{
	const struct tiers tiers = ranking_tiers(&layout->ranking);
	AUTO(free_tiered)
	const struct tiered tiered = {
		.down = hops_new_block(graph),
		.best = hops_new_block(graph),
		.may_climb = hops_new_block(graph),
	};

	if (!tiered.down || !tiered.best || !tiered.may_climb)
		return -ENOMEM;
	tables_clear(graph, tables);
	for (uint32_t first = 0; first < graph->n_switches; first += HOPS_BLOCK) {
		struct block block = {
			.first = first,
			.n = MIN(graph->n_switches - first, (uint32_t)HOPS_BLOCK),
			.tiered = tiered,
		};

		hops_fill_tiered(graph, &tiers, layout->numbering.sequence + first, block.n,
				 &tiered);
		tables_fill_block(graph, layout, &block, tables);
	}
	return 0;
}

static int route(const struct graph *graph, bool only_tree, struct tables *tables,
		 const char **ret_why)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	int r = layout_make(graph, &layout);

	if (r)
		return r;
	if (only_tree && !layout.ranking.tree) {
		*ret_why = "the fabric is no tree";
		return -ENOTSUP;
	}
	r = ranking_join_tops(graph, &layout.ranking);
	if (r)
		return r;
	*ret_why = layout.ranking.why;
	return updn_fill(graph, &layout, tables);
}

static int updn_route(const struct graph *graph, struct tables *tables, const char **ret_why)
{
	return route(graph, false, tables, ret_why);
}

static int ftree_route(const struct graph *graph, struct tables *tables, const char **ret_why)
{
	return route(graph, true, tables, ret_why);
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
