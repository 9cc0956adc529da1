/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Tables on several lanes again, after hosts came, went or moved: ways and lanes are those of
 * switches, and do not depend on hosts as long as the same switches have some and no more trees are
 * asked for. So columns of LIDs that are at another place than before, or nobody's, are filled, and
 * nothing else is looked at.
 *
 * A cable is another matter: each tree takes account of all before it, and each pair finds the
 * lanes as those before it have left them. That is done from scratch.
 */

#include "routing/past.h"
#include "routing/weave.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	COLUMNS_MAX = 256, /* more are not worth it */
	NOWHERE = UINT32_MAX,
};

/* By LID, of @n_lids; at NOWHERE if it is nobody's. */
static struct weave_column *list_columns(const struct past *past, const struct end *ends,
					 uint32_t n_ends, size_t n_lids)
{
	struct weave_column *columns = malloc(n_lids * sizeof(*columns));

	if (!columns)
		return NULL;
	memset(columns, 0xff, n_lids * sizeof(*columns));
	for (uint32_t e = 0; e < n_ends; e++) {
		uint32_t n = past->senders[ends[e].at] ? past->trees : 1;

		for (uint32_t i = 0; i < UINT32_C(1) << ends[e].lmc; i++)
			columns[ends[e].lid + i] = weave_column(&ends[e], i, n);
	}
	return columns;
}

static bool is_same(const struct weave_column *a, const struct weave_column *b)
{
	return a->at == b->at && a->port == b->port && a->number == b->number;
}

static int fill(const struct graph *graph, const struct past *past,
		const struct weave_column *column, uint16_t lid, struct tables *tables,
		struct patch *patch)
{
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint8_t *entry = &tables->lft[s * tables->stride + lid], was = *entry;

		*entry = column->at == NOWHERE
				 ? ROUTE_NONE
				 : weave_entry(graph, past->exit, past->trees, column, s);
		if (*entry != was && patch_add(patch, s, lid, was) < 0) {
			*entry = was;
			return -ENOMEM;
		}
	}
	return 0;
}

int columns_again(const struct graph *graph, const struct past *past, struct tables *tables,
		  struct patch *ret_patch)
{
	AUTO(freep) struct weave_column *was = NULL, *now = NULL;
	int trees = weave_count_trees(graph), r = 0;
	uint32_t n = 0;

	if (trees < 0)
		return -ENOMEM;
	if ((uint32_t)trees != past->trees || tables->stride < tables_stride(graph))
		return 0;
	was = list_columns(past, past->ends, past->n_ends, tables->stride);
	now = list_columns(past, graph->ends, graph->n_ends, tables->stride);
	if (!was || !now)
		return -ENOMEM;
	for (uint32_t lid = 0; lid < tables->stride && r == 0; lid++) {
		if (is_same(&was[lid], &now[lid]))
			continue;
		if (n++ == COLUMNS_MAX)
			return 0;
		r = fill(graph, past, &now[lid], (uint16_t)lid, tables, ret_patch);
	}
	return r < 0 ? r : 1;
}
