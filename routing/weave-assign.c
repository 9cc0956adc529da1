/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which pairs of switches talk on which lane. All ways between two switches, on all trees to both,
 * go into one lane, or not: answers go back on the lane of the question. A lane takes a pair if its
 * turns together with all that are in it have no cycle (admission.c); what it refuses, the next may
 * take. Pairs that are farther apart, and so have more turns, come first.
 *
 * If there is more than one lane, lane 0 begins with all turns of one spanning tree, around a
 * switch in the middle: multicast packets on it go together with all that comes. It goes around
 * who can be part of none.
 *
 * Many pairs have a lane in mind already. They come before all others, so that nobody is in the way
 * of who belongs together. Mostly all of a lane go together, which one look at all of their turns
 * says; only where they do not is each tried.
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
	for (uint32_t s = 0; s < weave->n; s++) {
		far[s] = farthest(weave, s);
		seen[s] = graph_is_mute(weave->graph, s);
	}
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

/* What is in stays in: a way need be looked at only as far as one that was. */
static bool is_in(const struct weave *weave, size_t tree, uint32_t from, unsigned l)
{
	return weave->in[tree * weave->n + from] >> l & 1;
}

static bool try_way(const struct weave *weave, size_t tree, uint32_t from, uint32_t to, unsigned l)
{
	const struct graph *graph = weave->graph;
	struct admission *lane = &weave->lanes[l];

	while (!is_in(weave, tree, from, l)) {
		uint32_t arc = weave_arc(weave, tree, from);

		from = graph->arcs[arc].to;
		if (from == to)
			return true;
		if (!admission_let_in(lane, arc, weave->exit[tree * weave->n + from]))
			return false;
	}
	return true;
}

static void note_way(const struct weave *weave, size_t tree, uint32_t from, uint32_t to, unsigned l)
{
	for (; from != to && !is_in(weave, tree, from, l);
	     from = weave->graph->arcs[weave_arc(weave, tree, from)].to)
		weave->in[tree * weave->n + from] |= (uint8_t)(1u << l);
}

/* The ways from @from on all trees to @to. */
static bool try_ways(const struct weave *weave, unsigned l, uint32_t from, uint32_t to)
{
	for (uint32_t number = 0; number < weave->apart[to]; number++)
		if (!try_way(weave, weave_tree(weave, to, number), from, to, l))
			return false;
	return true;
}

static void note_ways(const struct weave *weave, unsigned l, uint32_t from, uint32_t to)
{
	for (uint32_t number = 0; number < weave->apart[to]; number++)
		note_way(weave, weave_tree(weave, to, number), from, to, l);
}

static bool try_lane(const struct weave *weave, unsigned l, uint32_t a, uint32_t b)
{
	struct admission *lane = &weave->lanes[l];

	if (try_ways(weave, l, a, b) && try_ways(weave, l, b, a)) {
		admission_keep(lane);
		note_ways(weave, l, a, b);
		note_ways(weave, l, b, a);
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

/* ---- lanes with those that have them in mind --------------------------------------------------
 */

static bool has_in_mind(const struct weave *weave, uint32_t a, uint32_t b, unsigned l)
{
	size_t pair = (size_t)a * weave->n + b;

	return weave->lane[pair] == l && weave->hops[pair] != HOPS_NONE;
}

static int turns_make(const struct graph *graph, struct turns *ret)
{
	ret->words = turns_words(graph);
	ret->bits = calloc((graph->n_arcs + (size_t)1) * ret->words, sizeof(*ret->bits));
	return ret->bits ? 0 : -ENOMEM;
}

static void put_way(const struct weave *weave, size_t tree, uint32_t from, uint32_t to, unsigned l,
		    const struct turns *turns)
{
	const struct graph *graph = weave->graph;

	while (!is_in(weave, tree, from, l)) {
		uint32_t arc = weave_arc(weave, tree, from);

		weave->in[tree * weave->n + from] |= (uint8_t)(1u << l);
		from = graph->arcs[arc].to;
		if (from == to)
			return;
		turns_put(turns, arc, weave->exit[tree * weave->n + from]);
	}
}

/* Tree by tree, as they lie in memory. */
static void put_minded(const struct weave *weave, const struct turns *turns)
{
	for (uint32_t to = 0; to < weave->n; to++) {
		const uint8_t *lane = weave->lane + (size_t)to * weave->n;

		for (uint32_t number = 0; number < weave->apart[to]; number++)
			for (uint32_t from = 0; from < weave->n; from++)
				if (from != to && lane[from] < weave->n_lanes &&
				    weave->hops[(size_t)to * weave->n + from] != HOPS_NONE)
					put_way(weave, weave_tree(weave, to, number), from, to,
						lane[from], &turns[lane[from]]);
	}
}

static int open_lane(struct weave *weave, unsigned l, const struct turns *turns)
{
	admission_clear(&weave->lanes[l]);
	return admission_init(weave->graph, turns, &weave->lanes[l]);
}

/* They do not all go together: who cannot have the lane has none in mind. */
static int try_minded(struct weave *weave, unsigned l)
{
	AUTO(turns_clear) struct turns turns = { .bits = NULL };
	int r = turns_make(weave->graph, &turns);

	if (r)
		return r;
	if (l == 0 && weave->n_lanes > 1)
		put_tree(weave, &turns);
	for (size_t i = 0; i < (size_t)weave->n * weave->trees * weave->n; i++)
		weave->in[i] &= (uint8_t) ~(1u << l);
	r = open_lane(weave, l, &turns);
	for (uint32_t a = 0; a < weave->n && !r; a++)
		for (uint32_t b = a + 1; b < weave->n; b++)
			if (has_in_mind(weave, a, b, l) && !try_lane(weave, l, a, b))
				set_lane(weave, a, b, WEAVE_NO_LANE);
	return r;
}

static void turns_clear_all(struct turns (*turns)[LANES_MAX])
{
	for (unsigned l = 0; l < LANES_MAX; l++)
		turns_clear(&(*turns)[l]);
}

/* Mostly all who have a lane in mind go together: then nobody has to be tried. */
static int open_lanes(struct weave *weave)
{
	AUTO(turns_clear_all) struct turns turns[LANES_MAX] = { 0 };
	int r = 0;

	for (unsigned l = 0; l < weave->n_lanes && !r; l++)
		r = turns_make(weave->graph, &turns[l]);
	if (r)
		return r;
	memset(weave->in, 0, (size_t)weave->n * weave->trees * weave->n);
	if (weave->n_lanes > 1)
		put_tree(weave, &turns[0]);
	put_minded(weave, turns);
	for (unsigned l = 0; l < weave->n_lanes && !r; l++) {
		r = open_lane(weave, l, &turns[l]);
		if (r == -EINVAL)
			r = try_minded(weave, l);
	}
	return r;
}

/* ---- all others ---------------------------------------------------------------------------------
 */

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
	memset(weave->lane, WEAVE_NO_LANE, (size_t)weave->n * weave->n);
	r = open_lanes(weave);
	weave->n_lanes = n_lanes;
	for (uint32_t a = 0; a < weave->n && !r; a++) {
		for (uint32_t b = a + 1; b < weave->n && !r; b++) {
			if (weave->hops[(size_t)a * weave->n + b] == HOPS_NONE)
				continue;
			r = (weave->sends[a] && !try_ways(weave, 0, a, b)) ||
			    (weave->sends[b] && !try_ways(weave, 0, b, a));
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
	for (unsigned hops = weave->most_hops; hops > 0; hops--)
		n_failed += assign_others(weave, hops);
	return weave_is_full(weave) ? -ENOMEM : n_failed;
}
