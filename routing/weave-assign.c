/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which pairs of switches talk on which lane. All ways between two switches, on all trees to both,
 * go into one lane, or not: answers go back on the lane of the question. A lane takes a pair if its
 * turns together with all that are in it have no cycle (admission.c); what it refuses, the next may
 * take. Pairs that are farther apart, and so have more turns, come first.
 *
 * If there is more than one lane, lane 0 begins with all turns of one spanning tree, around a
 * switch in the middle: multicast packets on it go together with all that comes.
 *
 * Many pairs have a lane in mind already. They come before all others, so that nobody is in the way
 * of who belongs together.
 */

#include "routing/weave.h"

#include "base/macros.h"
#include "routing/hops.h"

#include <errno.h>
#include <string.h>

/* ---- the tree that lane 0 has room for ----------------------------------------------------------
 */

static uint8_t farthest(const struct weave *weave, uint32_t s)
{
	const uint8_t *hops = weave->hops + (size_t)s * weave->n;
	uint8_t most = 0;

	for (uint32_t t = 0; t < weave->n; t++)
		if (hops[t] != HOPS_NONE)
			most = MAX(most, hops[t]);
	return most;
}

/* Ports of the far ends lead up from all that are not part of a tree yet and hang together with
 * @root. */
static void grow_from(struct weave *weave, uint32_t root, bool *seen, uint32_t *queue)
{
	const struct graph *graph = weave->graph;
	uint32_t tail = 0;

	seen[root] = true;
	queue[tail++] = root;
	for (uint32_t head = 0; head < tail; head++) {
		uint32_t s = queue[head];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];

			if (seen[arc->to])
				continue;
			seen[arc->to] = true;
			weave->up[arc->to] = arc->to_port;
			queue[tail++] = arc->to;
		}
	}
}

int weave_find_tree(struct weave *weave)
{
	AUTO(freep) bool *seen = calloc(weave->n + (size_t)1, sizeof(*seen));
	AUTO(freep) uint32_t *queue = malloc((weave->n + (size_t)1) * sizeof(*queue));
	AUTO(freep) uint8_t *far = malloc(weave->n + (size_t)1);

	if (!seen || !queue || !far)
		return -ENOMEM;
	memset(weave->up, ROUTE_NONE, weave->n);
	for (uint32_t s = 0; s < weave->n; s++)
		far[s] = farthest(weave, s);
	for (;;) {
		const uint32_t *order = weave->graph->order;
		uint32_t root = weave->n;

		for (uint32_t s = 0; s < weave->n; s++)
			if (!seen[s] && (root == weave->n || far[s] < far[root] ||
					 (far[s] == far[root] && order[s] < order[root])))
				root = s;
		if (root == weave->n)
			return 0;
		grow_from(weave, root, seen, queue);
	}
}

static bool is_of_tree(const struct weave *weave, uint32_t s, const struct arc *arc)
{
	return weave->up[s] == arc->port || weave->up[arc->to] == arc->to_port;
}

/* From each arc of the tree to all that follow, but back. */
static void put_tree(const struct weave *weave, const struct turns *turns)
{
	const struct graph *graph = weave->graph;

	for (uint32_t s = 0; s < weave->n; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];
			uint32_t first = graph->arc_first[arc->to];

			for (uint32_t b = first; b < graph->arc_first[arc->to + 1]; b++)
				if (is_of_tree(weave, s, arc) &&
				    is_of_tree(weave, arc->to, &graph->arcs[b]) &&
				    graph->arcs[b].port != arc->to_port)
					turns_put(turns, a, b - first);
		}
	}
}

/* ---- pairs --------------------------------------------------------------------------------------
 */

static int open_lane(struct weave *weave, unsigned l, const struct turns *turns)
{
	admission_clear(&weave->lanes[l]);
	return admission_init(weave->graph, turns, &weave->lanes[l]);
}

/* All are empty, but for the tree in lane 0 if there is another. */
static int open_lanes(struct weave *weave)
{
	AUTO(turns_clear) struct turns turns = { .words = turns_words(weave->graph) };
	size_t size = (weave->graph->n_arcs + (size_t)1) * turns.words * sizeof(*turns.bits);
	int r = 0;

	turns.bits = calloc(1, size);
	if (!turns.bits)
		return -ENOMEM;
	for (unsigned l = weave->n_lanes; l-- > 0 && !r;) {
		if (l == 0 && weave->n_lanes > 1)
			put_tree(weave, &turns);
		r = open_lane(weave, l, &turns);
	}
	return r;
}

/* The ways from @from on all trees to @to. */
static bool try_ways(const struct weave *weave, struct admission *lane, uint32_t from, uint32_t to)
{
	const struct graph *graph = weave->graph;

	for (uint32_t number = 0; number < weave_n_trees(weave, to); number++) {
		size_t tree = weave_tree(weave, to, number);
		uint32_t arc = weave_arc(weave, tree, from);

		while (graph->arcs[arc].to != to) {
			uint8_t turn = weave->exit[tree * weave->n + graph->arcs[arc].to];

			if (!admission_try(lane, arc, turn))
				return false;
			arc = graph->arc_first[graph->arcs[arc].to] + turn;
		}
	}
	return true;
}

static bool try_lane(const struct weave *weave, unsigned l, uint32_t a, uint32_t b)
{
	struct admission *lane = &weave->lanes[l];

	if (try_ways(weave, lane, a, b) && try_ways(weave, lane, b, a)) {
		admission_keep(lane);
		return true;
	}
	admission_give_back(lane);
	return false;
}

static void set_lane(struct weave *weave, uint32_t a, uint32_t b, uint8_t lane)
{
	weave->lane[(size_t)a * weave->n + b] = lane;
	weave->lane[(size_t)b * weave->n + a] = lane;
}

static bool assign(struct weave *weave, uint32_t a, uint32_t b)
{
	for (unsigned l = 0; l < weave->n_lanes; l++) {
		if (!try_lane(weave, l, a, b))
			continue;
		set_lane(weave, a, b, (uint8_t)l);
		return true;
	}
	return false;
}

/* Pairs that have a lane in mind and cannot have it have none in mind. */
static void assign_minded(struct weave *weave)
{
	for (uint32_t a = 0; a < weave->n; a++) {
		for (uint32_t b = a + 1; b < weave->n; b++) {
			size_t pair = (size_t)a * weave->n + b;
			uint8_t lane = weave->lane[pair];

			if (weave->hops[pair] != HOPS_NONE && lane < weave->n_lanes &&
			    !try_lane(weave, lane, a, b))
				set_lane(weave, a, b, WEAVE_NO_LANE);
		}
	}
}

/* Those that are @hops apart; returns how many find no lane. */
static int64_t assign_others(struct weave *weave, unsigned hops)
{
	int64_t n_failed = 0;

	for (uint32_t a = 0; a < weave->n; a++) {
		const uint8_t *apart = weave->hops + (size_t)a * weave->n;
		const uint8_t *lane = weave->lane + (size_t)a * weave->n;

		for (uint32_t b = a + 1; b < weave->n; b++)
			if (apart[b] == hops && lane[b] == WEAVE_NO_LANE)
				n_failed += !assign(weave, a, b);
	}
	return n_failed;
}

bool weave_is_full(const struct weave *weave)
{
	for (unsigned l = 0; l < weave->n_lanes; l++)
		if (weave->lanes[l].full)
			return true;
	return false;
}

int weave_try_one_lane(struct weave *weave)
{
	unsigned n_lanes = weave->n_lanes;
	int r;

	weave->n_lanes = 1;
	r = open_lanes(weave);
	weave->n_lanes = n_lanes;
	for (uint32_t a = 0; a < weave->n && !r; a++) {
		for (uint32_t b = a + 1; b < weave->n && !r; b++) {
			if (weave->hops[(size_t)a * weave->n + b] == HOPS_NONE)
				continue;
			r = (weave->sends[a] && !try_ways(weave, weave->lanes, a, b)) ||
			    (weave->sends[b] && !try_ways(weave, weave->lanes, b, a));
			admission_keep(weave->lanes);
			set_lane(weave, a, b, 0);
		}
	}
	return weave_is_full(weave) ? -ENOMEM : r;
}

int64_t weave_assign(struct weave *weave)
{
	int64_t n_failed = 0;
	int r = open_lanes(weave);

	if (r)
		return r;
	assign_minded(weave);
	for (unsigned hops = weave->most_hops; hops > 0; hops--)
		n_failed += assign_others(weave, hops);
	return weave_is_full(weave) ? -ENOMEM : n_failed;
}
