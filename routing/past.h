/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What an engine leaves for the next time, so that a change costs what it touches: see again.c and
 * again-proof.c.
 */

#include "routing/patch.h"
#include "routing/spread.h"

struct past {
	const struct engine *engine; /* whose this is; NULL: there is nothing */
	uint32_t n_switches;
	uint32_t *arc_first; /* those of the graph */
	struct arc *arcs;
	bool *senders; /* [switch]: what hung on it sent; see turns_find_senders() */
	bool *away;    /* [switch], or NULL: those of the graph */
	struct layout layout;
	struct tiered *tiered; /* of each HOPS_BLOCK destinations in sequence */
	uint32_t n_blocks;
	/* Of lanes alone, which has none of the last three: */
	uint8_t *exit; /* trees: see weave.h */
	uint32_t trees;
	struct lanes lanes;
	uint8_t *turn_lanes; /* proven: see lanes-proof.c */
	struct end *ends;    /* those of the graph, and so are */
	uint32_t n_ends;
	uint32_t *order;
	bool *mute;
	uint8_t n_lanes;
};

/* Which way is up, or NULL: the engine has no such order. */
static inline const struct ranking *past_ranking(const struct past *past)
{
	return past->layout.ranking.place ? &past->layout.ranking : NULL;
}

/* For an engine: room for the distances of @graph. 0 or -ENOMEM. */
int past_make_room(const struct graph *graph, struct past *past);

/* Nobody sends from a switch from which nobody sent before. False also without memory. */
bool past_has_senders_of(const struct past *past, const struct graph *graph);

/* Take @layout over, and keep a copy of the arcs. 0; or -ENOMEM, and nothing is left. */
int past_take(const struct engine *engine, const struct graph *graph, struct layout *layout,
	      struct past *past);

/* The same for several lanes: the ends, and what @past_is_of() compares. */
int past_take_lanes(const struct engine *engine, const struct graph *graph, struct past *past);

/* Is @graph as before, but for the ends, and the same switches send? False also without memory. */
bool past_is_of(const struct past *past, const struct graph *graph);

/* Also after failure of the others. */
void past_clear(struct past *past);

/*
 * Half of route_again(). 1: @tables are those of @graph, @ret_patch says what changed, and @past
 * has distances of @graph, @ret_layout is its. 0: too much is other than it was, and @tables were
 * not touched. -ENOMEM: the same for want of memory. After both @past is not to be used any more.
 */
int tables_again(const struct graph *graph, struct past *past, struct tables *tables,
		 struct layout *ret_layout, struct patch *ret_patch);

/*
 * The other half. @turns are those of the tables before, by the arcs of @past. 1: the tables are
 * proven, and @ret_turns are those of hosts' packets with them, some may be too much. 0: that could
 * not be shown.
 */
int proof_again(const struct graph *graph, const struct past *past, const struct tables *tables,
		const struct patch *patch, const struct turns *turns, struct turns *ret_turns);

/*
 * Both halves for several lanes: of graphs that past_is_of() says are alike. 1: the second one has
 * made all that of @graph, @turns too. 0 and -ENOMEM as above, but the past is as it was, and the
 * patch is to be undone.
 */
int columns_again(const struct graph *graph, const struct past *past, struct tables *tables,
		  struct patch *ret_patch);
int proof_columns_again(const struct graph *graph, struct past *past, const struct tables *tables,
			const struct patch *patch, struct turns *turns);

/* proof_check_lanes() that leaves what the next one needs in @past, if it is one of lanes. */
int proof_check_past(const struct graph *graph, const struct tables *tables,
		     const struct lanes *lanes, struct proof *ret, struct turns *ret_turns,
		     struct past *past);
