/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One top for every connected part of the fabric.
 *
 * With many roots (the cores of a tree) two switches have a legal way only if some root is above
 * both, or one is above the other. Two cores have none, and after failures a leaf and a core have
 * none, or two leaves. Instead of giving those pairs illegal ways, the order is changed a little,
 * without moving any cable's traffic in an intact tree: take a switch that most roots are above (a
 * leaf that lost no cable), and turn the order of it and all that is above it upside down. The leaf
 * becomes the top, its parents come next, the cores are below these and still above all the rest.
 * Ways between other leaves turn at a core as before, ways to and from the pod of that leaf go up
 * past the core or come down through it, as long as before; but all cores now have a common top
 * through which any two of them meet.
 *
 * Only cables inside of that upper part change direction: whatever is outside of it and adjacent to
 * it is below, before and after.
 *
 * After a failure there may be no switch that all tops are above, or only another than before; and
 * another apex moves ways to spines everywhere. So an apex may lack one top, which is then
 * "lifted": take a switch x, no leaf, that can climb to the apex and to that top. What is above x
 * and cannot climb to the apex is turned upside down below x, and what is above x and can is put
 * above both. Mostly that turns a single cable. Where there is no such x, as in trees of two
 * levels, the next apex would come to stand above the first: some spines are above that then and
 * some below, and all that it sends goes down through these few. So there it may lack none.
 *
 * Each step makes tops fewer, and two tops of one component always have something below both, if
 * not directly then through others. So it ends, on any graph, with one top per component: complete
 * and, as any total order, free of deadlock.
 */

#include "routing/rank.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { NOBODY = UINT32_MAX };

struct tops {
	uint32_t *number; /* [switch]: NOBODY: it is none */
	uint64_t *above;  /* of each switch the tops above it, as a set of @words words */
	size_t words;
	uint32_t n;
};

static void tops_clear(const struct tops *tops)
{
	free(tops->number);
	free(tops->above);
}

static bool is_top(const struct graph *graph, const struct ranking *ranking, uint32_t s)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (ranking->place[graph->arcs[a].to] > ranking->place[s])
			return false;
	return true;
}

static int tops_find(const struct graph *graph, const struct ranking *ranking, struct tops *ret)
{
	ret->number = malloc((graph->n_switches + (size_t)1) * sizeof(*ret->number));
	if (!ret->number)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ret->number[s] = is_top(graph, ranking, s) ? ret->n++ : NOBODY;

	return 0;
}

static void add_set(uint64_t *restrict set, const uint64_t *restrict other, size_t words)
{
	for (size_t w = 0; w < words; w++)
		set[w] |= other[w];
}

/* From the highest place down: what is above its upper neighbours is above a switch, too. */
static int tops_find_above(const struct graph *graph, const struct ranking *ranking,
			   struct tops *tops)
{
	tops->words = tops->n / 64 + 1;
	tops->above = calloc(graph->n_switches + (size_t)1, tops->words * sizeof(*tops->above));
	if (!tops->above)
		return -ENOMEM;
	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p], number = tops->number[s];
		uint64_t *set = tops->above + s * tops->words;

		if (number != NOBODY)
			set[number / 64] |= UINT64_C(1) << number % 64;
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (ranking->place[to] > p)
				add_set(set, tops->above + to * tops->words, tops->words);
		}
	}

	return 0;
}

static uint32_t tops_above(const struct tops *tops, uint32_t s)
{
	uint32_t n = 0;

	for (size_t w = 0; w < tops->words; w++)
		n += (uint32_t)__builtin_popcountll(tops->above[s * tops->words + w]);
	return n;
}

static uint32_t most_tops(const struct graph *graph, const struct tops *tops)
{
	uint32_t most = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		most = MAX(most, tops_above(tops, s));

	return most;
}

/* The lowest switch that has so many tops above it. */
static uint32_t lowest_with(const struct graph *graph, const struct ranking *ranking,
			    const struct tops *tops, uint32_t n)
{
	for (uint32_t p = 0; p < graph->n_switches; p++)
		if (tops_above(tops, ranking->by_place[p]) >= n)
			return ranking->by_place[p];

	return NOBODY;
}

/* Is there a switch, no leaf, below a top that @apex has and one that it lacks? */
static bool can_be_lifted(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops, uint32_t apex)
{
	const uint64_t *has = tops->above + apex * tops->words;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		const uint64_t *above = tops->above + s * tops->words;
		uint64_t common = 0, other = 0;

		for (size_t w = 0; w < tops->words; w++) {
			common |= above[w] & has[w];
			other |= above[w] & ~has[w];
		}
		if (ranking->height[s] > 0 && common && other)
			return true;
	}

	return false;
}

/*
 * The lowest switch that has most tops above it, two at least; or all of these but one, if that can
 * be lifted.
 */
static uint32_t find_apex(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops)
{
	uint32_t most = most_tops(graph, tops);
	uint32_t apex;

	if (most < 2)
		return NOBODY;
	apex = lowest_with(graph, ranking, tops, MAX(most - 1, 2));
	if (tops_above(tops, apex) == most || can_be_lifted(graph, ranking, tops, apex))
		return apex;

	return lowest_with(graph, ranking, tops, most);
}

/* @ret_upper: @apex and all above it, the nearest first; the others are not in @ret_in. */
static uint32_t list_upper(const struct graph *graph, const struct ranking *ranking, uint32_t apex,
			   uint32_t *ret_upper, bool *ret_in)
{
	uint32_t n = 0;

	ret_in[apex] = true;
	ret_upper[n++] = apex;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = ret_upper[i];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (ret_in[to] || ranking->place[to] < ranking->place[s])
				continue;
			ret_in[to] = true;
			ret_upper[n++] = to;
		}
	}
	return n;
}

/* Those that can climb to an apex; one that another has been raised over is none. */
static void find_climbers(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops, const bool *is_apex, bool *ret)
{
	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p];

		ret[s] = is_apex[s] && tops->number[s] != NOBODY;
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			ret[s] |= ranking->place[graph->arcs[a].to] > p && ret[graph->arcs[a].to];
	}
}

/*
 * Turn what is above @x and no climber upside down below it, and put climbers above it; without
 * climbers @x is the top. All others keep their sequence and come below.
 */
static int turn_over(const struct graph *graph, struct ranking *ranking, uint32_t x,
		     const bool *climbs)
{
	uint32_t n = graph->n_switches;
	AUTO(freep) uint32_t *upper = malloc((n + (size_t)1) * sizeof(*upper));
	AUTO(freep) uint32_t *by_place = malloc((n + (size_t)1) * sizeof(*by_place));
	AUTO(freep) bool *in = calloc(n + (size_t)1, sizeof(*in));
	uint32_t n_upper;
	uint32_t next = 0;

	if (!upper || !by_place || !in)
		return -ENOMEM;
	n_upper = list_upper(graph, ranking, x, upper, in);
	memcpy(by_place, ranking->by_place, n * sizeof(*by_place));
	for (uint32_t p = 0; p < n; p++)
		if (!in[by_place[p]])
			ranking->by_place[next++] = by_place[p];
	for (uint32_t i = n_upper; i-- > 1;)
		if (!climbs[upper[i]])
			ranking->by_place[next++] = upper[i];
	ranking->by_place[next++] = x;
	for (uint32_t p = 0; p < n; p++)
		if (in[by_place[p]] && climbs[by_place[p]] && by_place[p] != x)
			ranking->by_place[next++] = by_place[p];
	for (uint32_t p = 0; p < n; p++)
		ranking->place[ranking->by_place[p]] = p;
	return 0;
}

/*
 * The climber with most tops above it, the highest such; NOBODY if none has another one. Not a
 * leaf: ways of others would lead over it.
 */
static uint32_t find_lift(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops, const bool *climbs)
{
	uint32_t best = NOBODY, most = 1;

	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p];
		uint32_t n = climbs[s] && ranking->height[s] > 0 ? tops_above(tops, s) : 0;

		if (n <= most)
			continue;
		best = s;
		most = n;
	}

	return best;
}

/* One step: 1; 0 if there was none to take; -ENOMEM. */
static int join_some_tops(const struct graph *graph, struct ranking *ranking, bool *is_apex)
{
	AUTO(freep) bool *climbs = calloc(graph->n_switches + (size_t)1, sizeof(*climbs));
	AUTO(tops_clear) struct tops tops = { 0 };
	uint32_t x;

	if (!climbs || tops_find(graph, ranking, &tops) < 0)
		return -ENOMEM;
	if (tops.n < 2)
		return 0;
	if (tops_find_above(graph, ranking, &tops) < 0)
		return -ENOMEM;
	find_climbers(graph, ranking, &tops, is_apex, climbs);
	x = find_lift(graph, ranking, &tops, climbs);
	if (x == NOBODY) {
		x = find_apex(graph, ranking, &tops);
		if (x == NOBODY)
			return 0;
		is_apex[x] = true;
		memset(climbs, 0, graph->n_switches * sizeof(*climbs));
	}

	return turn_over(graph, ranking, x, climbs) < 0 ? -ENOMEM : 1;
}

int ranking_join_tops(const struct graph *graph, struct ranking *ranking)
{
	AUTO(freep) bool *is_apex = calloc(graph->n_switches + (size_t)1, sizeof(*is_apex));
	int r = is_apex ? 1 : -ENOMEM;

	while (r > 0)
		r = join_some_tops(graph, ranking, is_apex);

	return r;
}
