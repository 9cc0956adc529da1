/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * While switches are away, all others keep heights, numbers, shares and slots: they are those of
 * the whole, and only exits are fewer. So a switch that goes moves what went through it, and that
 * comes back with it.
 */

#include "routing/layout.h"

#include "base/array.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>

void layout_clear(struct layout *layout)
{
	ranking_clear(&layout->ranking);
	numbering_clear(&layout->numbering);
	fans_clear(&layout->fans);
	nominal_clear(&layout->nominal);
}

static int layout_make_whole(const struct graph *graph, struct layout *ret)
{
	int r;

	*ret = (struct layout){ 0 };
	r = ranking_make(graph, &ret->ranking);
	if (r)
		return r;
	r = numbering_make(graph, &ret->ranking, &ret->numbering);
	if (r)
		return r;
	r = fans_make(graph, &ret->ranking, &ret->numbering, &ret->fans);
	if (r)
		return r;
	return nominal_make(graph, &ret->ranking, &ret->numbering, &ret->fans, &ret->nominal);
}

static int layout_make_rest(const struct graph *graph, const struct layout *whole,
			    struct layout *ret)
{
	int r;

	*ret = (struct layout){ 0 };
	r = ranking_copy(&whole->ranking, graph->n_switches, &ret->ranking);
	if (r)
		return r;
	r = numbering_copy(&whole->numbering, graph->n_switches, &ret->numbering);
	if (r)
		return r;
	r = fans_make(graph, &ret->ranking, &ret->numbering, &ret->fans);
	if (r)
		return r;
	memcpy(ret->fans.share, whole->fans.share, graph->n_switches * sizeof(*ret->fans.share));
	memcpy(ret->fans.start, whole->fans.start, graph->n_switches * sizeof(*ret->fans.start));
	return nominal_copy(&whole->nominal, &whole->fans, &ret->fans, graph->n_switches,
			    &ret->nominal);
}

int layout_make(const struct graph *graph, struct layout *ret, struct layout *ret_whole)
{
	int r;

	*ret_whole = (struct layout){ 0 };
	if (!graph->whole)
		return layout_make_whole(graph, ret);
	r = layout_make_whole(graph->whole, ret_whole);
	return r ? r : layout_make_rest(graph, ret_whole, ret);
}

/* The rest has another top only if that of the whole does not do. */
int layout_make_tiered(const struct graph *graph, struct layout *ret, struct layout *ret_whole)
{
	const struct graph *whole = graph->whole ? graph->whole : graph;
	struct layout *of_whole = graph->whole ? ret_whole : ret;
	int r;

	*ret_whole = (struct layout){ 0 };
	r = layout_make_whole(whole, of_whole);
	if (r == 0)
		r = ranking_join_tops(whole, &of_whole->ranking);
	if (r < 0 || !graph->whole)
		return r;
	r = layout_make_rest(graph, ret_whole, ret);

	return r == 0 ? ranking_join_tops(graph, &ret->ranking) : r;
}
