/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Tables again after a small change: the same as from scratch, for the price of what changed.
 *
 * Exits of a switch for a destination follow from its own list of exits (fans and nominal slots),
 * from which of them lead up, from the number of the target, and from distances of the switch and
 * its neighbours. So:
 *
 *  - rows whose lists are others than before, or lead up elsewhere, are "dirty", and are filled
 *    anew;
 *  - columns, which are destination switches, are "moved" if some distance to them changed, or what
 *    hangs on them. Distances are the one solution of rules that each switch keeps with its
 *    neighbours. If the rules of the dirty rows, which alone are new, are kept by the distances of
 *    before, these are the solution still. So looking at dirty rows finds all columns that moved;
 *  - distances to these are mended, and rows are filled where exits may be others for it
 *    (again-distances.c).
 *
 * A switch that went or came has a row that nobody or everybody around it reads: it is computed
 * first, by those of its neighbours, which are dirty and so are looked at. Columns of switches that
 * are away are computed each time, as if these were there.
 *
 * That is right only as long as heights and the sequence of destinations are as before, which is
 * found out by comparing: computing them takes little of the time. Else, and if many rows or
 * columns change, the engine starts from scratch.
 */

#include "routing/again.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { LIDS = 65536 };

static void again_clear(struct again *again)
{
	free(again->is_dirty);
	free(again->moved);
	free(again->near);
	free(again->lids);
	free(again->is_listed);
	free(again->was);
	free(again->rows);
	pages_clear(&again->pages);
}

static int again_allocate(struct again *again)
{
	size_t n = again->graph->n_switches + (size_t)1;

	again->is_dirty = calloc(n, sizeof(*again->is_dirty));
	again->moved = calloc(n, sizeof(*again->moved));
	again->lids = calloc(LIDS, sizeof(*again->lids));
	again->is_listed = calloc(LIDS, sizeof(*again->is_listed));
	again->was = malloc(LIDS);
	again->rows = malloc(DIRTY_MAX * again->tables->stride);

	return again->is_dirty && again->moved && again->lids && again->is_listed && again->was &&
			       again->rows
		       ? 0
		       : -ENOMEM;
}

/* ---- what is as before ----------------------------------------------------------------------- */

static bool is_same(const uint32_t *a, const uint32_t *b, uint32_t n)
{
	return memcmp(a, b, n * sizeof(*a)) == 0;
}

/* Is there anything to go by? Tables may be wider, as vports may have LIDs above all others. */
static bool is_alike(const struct again *again)
{
	const struct layout *now = again->layout, *was = &again->past->layout;
	uint32_t n = again->graph->n_switches;

	return again->past->n_switches == n && now->ranking.tree == was->ranking.tree &&
	       now->numbering.max_offset == was->numbering.max_offset &&
	       again->tables->stride >= tables_stride(again->graph) &&
	       is_same(now->ranking.height, was->ranking.height, n) &&
	       is_same(now->numbering.sequence, was->numbering.sequence, n);
}

/* Which end of a cable is the upper one: of places nothing else matters. */
static bool has_same_ways_up(const struct again *again, uint32_t s)
{
	const uint32_t *now = again->layout->ranking.place;
	const uint32_t *was = again->past->layout.ranking.place;
	const struct graph *graph = again->graph;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;

		if ((now[s] < now[to]) != (was[s] < was[to]))
			return false;
	}

	return true;
}

static bool has_same_fans(const struct fans *now, const struct fans *was, uint32_t s)
{
	const struct fan *a = now->fan + now->first[s], *b = was->fan + was->first[s];
	uint32_t n = now->first[s + 1] - now->first[s];

	if (was->first[s + 1] - was->first[s] != n || now->share[s] != was->share[s] ||
	    now->start[s] != was->start[s])
		return false;
	for (uint32_t f = 0; f < n; f++)
		if (a[f].to != b[f].to || fan_n_ports(&a[f]) != fan_n_ports(&b[f]))
			return false;

	return memcmp(now->ports + a->first_port, was->ports + b->first_port,
		      a[n].first_port - a->first_port) == 0;
}

static bool has_same_slots(const struct nominal *now, const struct nominal *was, uint32_t s)
{
	uint32_t n = now->first[s + 1] - now->first[s];

	return was->first[s + 1] - was->first[s] == n &&
	       (n == 0 || (now->remainder[s] == was->remainder[s] &&
			   memcmp(now->slot + now->first[s], was->slot + was->first[s],
				  n * sizeof(*now->slot)) == 0));
}

static bool was_away(const struct again *again, uint32_t s)
{
	return again->past->away && again->past->away[s];
}

static bool came_or_went(const struct again *again, uint32_t s)
{
	return was_away(again, s) != graph_is_away(again->graph, s);
}

/* By place, as switches are. */
static void find_renewed(struct again *again)
{
	const struct ranking *ranking = &again->layout->ranking;

	for (uint32_t p = 0; again->n_dirty > 0 && p < again->graph->n_switches; p++) {
		uint32_t s = ranking->by_place[p];

		if (again->is_dirty[s] && came_or_went(again, s))
			again->renewed[again->n_renewed++] = s;
	}
}

/* False: too many. */
static bool find_dirty(struct again *again)
{
	const struct layout *now = again->layout, *was = &again->past->layout;

	for (uint32_t s = 0; s < again->graph->n_switches; s++) {
		if (has_same_fans(&now->fans, &was->fans, s) &&
		    has_same_slots(&now->nominal, &was->nominal, s) && !came_or_went(again, s) &&
		    has_same_ways_up(again, s))
			continue;
		if (again->n_dirty == DIRTY_MAX)
			return false;
		again->dirty[again->n_dirty++] = s;
		again->is_dirty[s] = true;
	}
	find_renewed(again);

	return true;
}

/* ---- columns that moved ---------------------------------------------------------------------- */

static bool has_same_targets(const struct numbering *now, const struct numbering *was, uint32_t i)
{
	const uint32_t *a = now->first + (size_t)TARGET_GROUP_COUNT * i;
	const uint32_t *b = was->first + (size_t)TARGET_GROUP_COUNT * i;
	uint32_t n = a[TARGET_GROUP_COUNT] - a[0];

	for (uint32_t g = 0; g < TARGET_GROUP_COUNT; g++)
		if (a[g + 1] - a[g] != b[g + 1] - b[g])
			return false;

	return now->number[i] == was->number[i] &&
	       memcmp(now->port + a[0], was->port + b[0], n) == 0 &&
	       memcmp(now->targets + a[0], was->targets + b[0], n * sizeof(*now->targets)) == 0;
}

static void compare_row(struct again *again, const struct block *block, uint32_t s,
			const struct tiered *row)
{
	struct tiered old = tiered_row(&block->tiered, s);

	for (uint32_t i = 0; i < block->n; i++)
		again->moved[block->index[i]] |= row->down[i] != old.down[i] ||
						 row->best[i] != old.best[i] ||
						 row->under[i] != old.under[i];
}

/* What distances of dirty rows would be by those of their neighbours before. */
static void find_moved_of(struct again *again, const struct block *block)
{
	const struct tiers tiers = ranking_tiers(&again->layout->ranking);
	uint8_t down[HOPS_BLOCK], best[HOPS_BLOCK], under[HOPS_BLOCK];
	struct tiered row = { down, best, under, block->tiered.width };

	hops_renew_tiered_rows(again->graph, &tiers, block->target, block->n, again->renewed,
			       again->n_renewed, &block->tiered);
	for (uint32_t d = 0; d < again->n_dirty; d++) {
		if (came_or_went(again, again->dirty[d]))
			continue;
		hops_fill_tiered_row(again->graph, &tiers, block->target, block->n, again->dirty[d],
				     &block->tiered, &row);
		compare_row(again, block, again->dirty[d], &row);
	}
}

/* False: too many. */
static bool sort_column(struct again *again, uint32_t i)
{
	const struct numbering *now = &again->layout->numbering;
	uint32_t s = now->sequence[i];
	bool other =
		was_away(again, s) || !has_same_targets(now, &again->past->layout.numbering, i);

	if (graph_is_away(again->graph, s) || (!other && !again->moved[i]))
		return true;
	if (again->n_columns == COLUMNS_MAX)
		return false;
	again->new_targets |= other;
	again->column[again->n_columns++] = i;

	return true;
}

/* False: too many. */
static bool find_moved(struct again *again)
{
	for (uint32_t b = 0; b < again->pages.n_present; b++)
		find_moved_of(again, &again->pages.page[b].block);
	for (uint32_t i = 0; i < again->graph->n_switches; i++)
		if (!sort_column(again, i))
			return false;

	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Who is there is as far from others as before, so far; those who are away as if they were there.
 */
static int make_pages(struct again *again)
{
	struct pages *pages = &again->pages;
	int r = pages_make(again->graph, again->layout, again->whole, pages);

	for (uint32_t b = 0; r == 0 && b < pages->n_present; b++)
		pages->page[b].block.tiered = again->past->tiered[b];
	for (uint32_t b = pages->n_present; r == 0 && b < pages->n; b++)
		r = page_find_tiered(&pages->page[b], NULL);

	return r;
}

static int again_run(struct again *again)
{
	int r;

	if (again_allocate(again) < 0)
		return -ENOMEM;
	if (!is_alike(again) || !find_dirty(again))
		return 0;
	if (make_pages(again) < 0)
		return -ENOMEM;
	if (!find_moved(again))
		return 0;
	r = again_find_distances(again);
	if (r <= 0)
		return r;

	return again_fill(again) < 0 ? -ENOMEM : 1;
}

int tables_again(const struct graph *graph, struct past *past, struct tables *tables,
		 struct layout *ret_layout, struct patch *ret_patch)
{
	AUTO(layout_clear) struct layout whole = { 0 };
	AUTO(again_clear)
	struct again again = {
		.graph = graph,
		.past = past,
		.tables = tables,
		.layout = ret_layout,
		.whole = &whole,
		.patch = ret_patch,
	};
	int r = layout_make_tiered(graph, ret_layout, &whole);

	if (r == 0)
		r = again_run(&again);
	if (r < 0)
		patch_undo(ret_patch, tables);

	return r;
}
