/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shortest ways, evenly used, on any graph. Nothing keeps them from waiting for each other in a
 * circle: on trees they do not, on a ring they do, and the proof tells.
 */

#include "routing/spread.h"

#include "base/macros.h"

#include <errno.h>

static int fill_block(const struct graph *graph, const struct layout *layout, struct block *block,
		      uint8_t *hops, struct tables *tables)
{
	int r = hops_fill_shortest(graph, block->target, block->n, hops);

	block->shortest = hops;

	return r ? r : tables_fill_block(graph, layout, block, tables);
}

static int minhop_route(const struct graph *graph, struct tables *tables, const char **ret_why,
			struct past *past)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	AUTO(layout_clear) struct layout whole = { 0 };
	AUTO(freep) uint8_t *hops = hops_new_block(graph);
	int r = layout_make(graph, &layout, &whole);
	struct block block = { 0 };
	uint32_t next = 0;

	(void)past;
	*ret_why = NULL;
	if (r || !hops)
		return -ENOMEM;
	tables_clear(graph, tables);
	for (uint32_t first = 0; r == 0 && first < graph->n_switches; first += HOPS_BLOCK) {
		block_start(graph, &layout, first, &block);
		r = fill_block(graph, &layout, &block, hops, tables);
	}
	while (r == 0 && block_start_away(graph, &layout, &next, &block))
		r = fill_block(graph->whole, &whole, &block, hops, tables);

	return r;
}

const struct engine engine_minhop = {
	.name = "minhop",
	.sentence = "shortest paths, balanced; loses to updn where they would deadlock",
	.route = minhop_route,
};
