/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shortest ways, evenly used, on any graph. Nothing keeps them from waiting for each other in a
 * circle: on trees they do not, on a ring they do, and the proof tells.
 */

#include "routing/spread.h"

#include "base/macros.h"

#include <errno.h>

static int minhop_route(const struct graph *graph, struct tables *tables, const char **ret_why,
			struct past *past)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	AUTO(freep) uint8_t *hops = hops_new_block(graph);
	int r = layout_make(graph, &layout);

	(void)past;
	if (r || !hops)
		return -ENOMEM;
	tables_clear(graph, tables);
	for (uint32_t first = 0; first < graph->n_switches; first += HOPS_BLOCK) {
		struct block block = { .shortest = hops };

		block_start(graph, &layout, first, &block);
		r = hops_fill_shortest(graph, block.target, block.n, hops);
		if (!r)
			r = tables_fill_block(graph, &layout, &block, tables);
		if (r)
			return r;
	}
	*ret_why = NULL;
	return 0;
}

const struct engine engine_minhop = {
	.name = "minhop",
	.sentence = "shortest paths, balanced; loses to updn where they would deadlock",
	.route = minhop_route,
};
