/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The last few pairs without a lane: a switch on the way is given another exit, or two or three
 * are, also such as lead no nearer. What comes through that switch to the same root changes too, so
 * all these pairs have to find the turns that are new in the lanes that they have. Turns that
 * nobody takes any more stay in their lanes: too much, but no harm.
 */

#include "routing/weave.h"

#include "base/macros.h"
#include "routing/hops.h"

#include <errno.h>
#include <string.h>

enum {
	DEPTH_MAX = 3,     /* exits of a way that are changed together */
	DETOURS = 3,       /* an exit may lead nearer, not nearer, or farther */
	TRIES_MAX = 20000, /* exits, for one pair */
	CHANGES_MAX = 64,
};

struct repair {
	struct weave *weave;
	uint32_t *behind; /* switches whose way leads through the one that changes; it is first */
	unsigned depth;
	/* The pair at hand: */
	unsigned lane; /* it is tried on */
	uint32_t n_tries;
	struct exit_change {
		size_t at; /* in weave->exit */
		uint8_t was;
	} changes[CHANGES_MAX];
	unsigned n_changes;
};

struct way {
	size_t tree;
	uint32_t from;
	uint32_t to;
};

/* Turns of the way from @from on tree @tree to @to; false if lane @l refuses one, or it is endless.
 */
static bool admit_way(const struct repair *repair, size_t tree, uint32_t from, uint32_t to,
		      unsigned l)
{
	const struct weave *weave = repair->weave;
	const struct arc *arcs = weave->graph->arcs;
	uint32_t arc = weave_arc(weave, tree, from);

	for (uint32_t hops = 0; arcs[arc].to != to; hops++) {
		uint8_t turn = weave->exit[tree * weave->n + arcs[arc].to];

		if (hops == weave->n || !admission_try(&weave->lanes[l], arc, turn))
			return false;
		arc = weave->graph->arc_first[arcs[arc].to] + turn;
	}
	return true;
}

static bool comes_to(const struct repair *repair, size_t tree, uint32_t from, uint32_t to)
{
	const struct weave *weave = repair->weave;

	for (uint32_t hops = 0; from != to; hops++) {
		if (hops == weave->n)
			return false;
		from = weave->graph->arcs[weave_arc(weave, tree, from)].to;
	}
	return true;
}

/* Those from where packets come to @s, which is the first of them; how many. */
static uint32_t find_behind(struct repair *repair, size_t tree, uint32_t to, uint32_t s)
{
	const struct weave *weave = repair->weave;
	const struct graph *graph = weave->graph;
	uint32_t n = 0;

	repair->behind[n++] = s;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = repair->behind[i];

		for (uint32_t a = graph->arc_first[at]; a < graph->arc_first[at + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];

			if (arc->to != to &&
			    graph->arcs[weave_arc(weave, tree, arc->to)].port == arc->to_port)
				repair->behind[n++] = arc->to;
		}
	}
	return n;
}

/* Everybody else whose way leads through @s has its lane still. */
static bool admit_behind(struct repair *repair, const struct way *way, uint32_t s)
{
	const struct weave *weave = repair->weave;
	uint32_t n = find_behind(repair, way->tree, way->to, s);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t u = repair->behind[i];
		uint8_t lane = weave->lane[(size_t)u * weave->n + way->to];

		if (lane != WEAVE_NO_LANE && !admit_way(repair, way->tree, u, way->to, lane))
			return false;
	}
	return true;
}

/* What was let in on any lane for what is given up again. */
static void settle(struct repair *repair, bool keep)
{
	struct weave *weave = repair->weave;

	for (unsigned l = 0; l < weave->n_lanes; l++) {
		if (keep)
			admission_keep(&weave->lanes[l]);
		else
			admission_give_back(&weave->lanes[l]);
	}
	while (repair->n_changes > 0 && !keep) {
		struct exit_change *change = &repair->changes[--repair->n_changes];

		weave->exit[change->at] = change->was;
	}
	repair->n_changes = 0;
}

static bool mend_way(struct repair *repair, const struct way *way, unsigned depth);

static void change_exit(struct repair *repair, size_t at, uint32_t exit)
{
	repair->changes[repair->n_changes++] =
		(struct exit_change){ .at = at, .was = repair->weave->exit[at] };
	repair->weave->exit[at] = (uint8_t)exit;
}

static void change_back(struct repair *repair)
{
	const struct exit_change *change = &repair->changes[--repair->n_changes];

	repair->weave->exit[change->at] = change->was;
}

/*
 * Another exit of @s, with which the way from @from is in the lane at hand, perhaps after further
 * changes. What is let in for those that do not do is too much.
 */
static bool try_exits(struct repair *repair, const struct way *way, uint32_t s, unsigned depth)
{
	const struct weave *weave = repair->weave;
	const struct graph *graph = weave->graph;
	const uint8_t *hops = weave->hops + (size_t)way->to * weave->n;
	size_t at = way->tree * weave->n + s;
	uint32_t n_exits = graph_degree(graph, s);
	uint8_t was = weave->exit[at];

	for (uint32_t i = 0; i < DETOURS * n_exits; i++) {
		uint32_t exit = i % n_exits, longer = i / n_exits;

		if (exit == was ||
		    hops[graph->arcs[graph->arc_first[s] + exit].to] + 1u != hops[s] + longer)
			continue;
		if (repair->n_tries++ >= TRIES_MAX || repair->n_changes == CHANGES_MAX)
			return false;
		change_exit(repair, at, exit);
		if (comes_to(repair, way->tree, s, way->to) && admit_behind(repair, way, s) &&
		    mend_way(repair, way, depth - 1))
			return true;
		change_back(repair);
	}
	return false;
}

/* The way in the lane at hand, or one that has up to @depth other exits. */
static bool mend_way(struct repair *repair, const struct way *way, unsigned depth)
{
	const struct weave *weave = repair->weave;

	if (admit_way(repair, way->tree, way->from, way->to, repair->lane))
		return true;
	for (uint32_t s = way->from; depth > 0 && s != way->to;
	     s = weave->graph->arcs[weave_arc(weave, way->tree, s)].to)
		if (try_exits(repair, way, s, depth))
			return true;
	return false;
}

static bool mend_ways(struct repair *repair, uint32_t from, uint32_t to)
{
	const struct weave *weave = repair->weave;

	for (uint32_t number = 0; number < weave_n_trees(weave, to); number++) {
		struct way way = { weave_tree(weave, to, number), from, to };

		if (!mend_way(repair, &way, repair->depth))
			return false;
	}
	return true;
}

static bool mend(struct repair *repair, uint32_t a, uint32_t b)
{
	struct weave *weave = repair->weave;

	repair->n_tries = 0;
	for (repair->lane = 0; repair->lane < weave->n_lanes; repair->lane++) {
		bool done = mend_ways(repair, a, b) && mend_ways(repair, b, a);

		settle(repair, done);
		if (!done)
			continue;
		weave->lane[(size_t)a * weave->n + b] = (uint8_t)repair->lane;
		weave->lane[(size_t)b * weave->n + a] = (uint8_t)repair->lane;
		return true;
	}
	return false;
}

/* Once; how many remain. */
static int64_t mend_all(struct repair *repair)
{
	const struct weave *weave = repair->weave;
	int64_t n = 0;

	for (uint32_t a = 0; a < weave->n; a++)
		for (uint32_t b = a + 1; b < weave->n; b++)
			if (weave->lane[(size_t)a * weave->n + b] == WEAVE_NO_LANE &&
			    weave->hops[(size_t)a * weave->n + b] != HOPS_NONE)
				n += !mend(repair, a, b);
	return n;
}

int64_t weave_repair(struct weave *weave, int64_t n_failed)
{
	AUTO(freep) uint32_t *behind = malloc((weave->n + (size_t)1) * sizeof(*behind));
	AUTO(freep) struct repair *repair = calloc(1, sizeof(*repair));

	if (!behind || !repair)
		return -ENOMEM;
	repair->weave = weave;
	repair->behind = behind;
	for (repair->depth = 1; repair->depth <= DEPTH_MAX && n_failed > 0; repair->depth++)
		n_failed = mend_all(repair);
	return weave_is_full(weave) ? -ENOMEM : n_failed;
}
