/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One top for every connected part of the fabric.
 *
 * With many roots (the cores of a tree) two switches have a legal way only if some root is above
 * both, or one is above the other. Two cores have none, and after failures a leaf and a core have
 * none, or two leaves. Instead of giving those pairs illegal ways, the order is changed a little,
 * without moving any cable's traffic in an intact tree: take the lowest switch that half of the
 * roots are above, a leaf, and turn the order of it and all that is above it upside down. The leaf
 * becomes the top, its parents come next, the cores are below these and still above all the rest.
 * Ways between other leaves turn at a core as before, ways to and from the pod of that leaf go up
 * past the core or come down through it, as long as before; but all cores now have a common top
 * through which any two of them meet. Trees of multicast meet there too, so it is none that can be
 * no part of any.
 *
 * Only cables inside of that upper part change direction: whatever is outside of it and adjacent to
 * it is below, before and after.
 *
 * After a failure there may be tops that are not above that leaf. Another apex would move ways to
 * spines everywhere, so it stays, as long as it has half of what others have, and tops that it
 * lacks are "lifted": take a switch x that can climb to the apex and to such a top. What is above x
 * and cannot climb to the apex is turned upside down below x, and what is above x and can is put
 * above both. Of several x the nearest to the apex is taken: where a leaf has lost a whole plane,
 * that is another leaf of its pod, and the plane's ways to the others go as before but for this
 * leaf; where it lacks a single core, that is a middle switch, and mostly a single cable is turned.
 * While switches are away, the apex is that of the whole, if it is there.
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
	uint64_t *others; /* those that are no apex, as a set */
	size_t words;
	uint32_t n;
};

static void tops_clear(const struct tops *tops)
{
	free(tops->number);
	free(tops->above);
	free(tops->others);
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
	tops->others = calloc(tops->words, sizeof(*tops->others));
	if (!tops->above || !tops->others)
		return -ENOMEM;
	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p], number = tops->number[s];
		uint64_t *set = tops->above + s * tops->words;

		if (number != NOBODY)
			set[number / 64] |= UINT64_C(1) << number % 64;
		if (number != NOBODY && !ranking->is_apex[s])
			tops->others[number / 64] |= UINT64_C(1) << number % 64;
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

static uint32_t others_above(const struct tops *tops, uint32_t s)
{
	uint32_t n = 0;

	for (size_t w = 0; w < tops->words; w++)
		n += (uint32_t)__builtin_popcountll(tops->above[s * tops->words + w] &
						    tops->others[w]);
	return n;
}

/* The lowest switch that has half as many tops above it as any, two at least; of all who have, one
 * that is mute is the last. */
static uint32_t find_apex(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops)
{
	uint32_t most = 0, mute = NOBODY;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		most = MAX(most, tops_above(tops, s));
	for (uint32_t p = 0; p < graph->n_switches && most > 1; p++) {
		uint32_t s = ranking->by_place[p];

		if (tops_above(tops, s) < MAX(most / 2, 2))
			continue;
		if (!graph_is_mute(graph, s))
			return s;
		if (mute == NOBODY)
			mute = s;
	}

	return mute;
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

/* How many steps it is up to an apex, or NOBODY; one that another has been raised over is none. */
static void count_steps(const struct graph *graph, const struct ranking *ranking,
			const struct tops *tops, uint32_t *ret)
{
	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p];

		ret[s] = ranking->is_apex[s] && tops->number[s] != NOBODY ? 0 : NOBODY;
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (ranking->place[to] > p && ret[to] != NOBODY)
				ret[s] = MIN(ret[s], ret[to] + 1);
		}
	}
}

/*
 * Turn what is above @x and has no @steps to an apex upside down below it, and put what has above
 * it; if nobody has, @x is the top. All others keep their sequence and come below.
 */
static int turn_over(const struct graph *graph, struct ranking *ranking, uint32_t x,
		     const uint32_t *steps)
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
		if (steps[upper[i]] == NOBODY)
			ranking->by_place[next++] = upper[i];
	ranking->by_place[next++] = x;
	for (uint32_t p = 0; p < n; p++)
		if (in[by_place[p]] && steps[by_place[p]] != NOBODY && by_place[p] != x)
			ranking->by_place[next++] = by_place[p];
	for (uint32_t p = 0; p < n; p++)
		ranking->place[ranking->by_place[p]] = p;
	return 0;
}

/*
 * Of those who can climb to an apex and to a top that is none the nearest to the apex, the one of
 * these that has most such tops above it, and the highest of those; of those who are @mute, or are
 * not. NOBODY: there are none.
 */
static uint32_t find_lift(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops, const uint32_t *steps, bool mute)
{
	uint32_t best = NOBODY, least = NOBODY, most = 0;

	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p];
		uint32_t n = steps[s] <= least && steps[s] != NOBODY ? others_above(tops, s) : 0;

		if (n == 0 || (steps[s] == least && n <= most) || graph_is_mute(graph, s) != mute)
			continue;
		best = s;
		least = steps[s];
		most = n;
	}

	return best;
}

/* One step: 1; 0 if there was none to take; -ENOMEM. */
static int join_some_tops(const struct graph *graph, struct ranking *ranking)
{
	AUTO(freep) uint32_t *steps = malloc((graph->n_switches + (size_t)1) * sizeof(*steps));
	AUTO(tops_clear) struct tops tops = { 0 };
	uint32_t x;

	if (!steps || tops_find(graph, ranking, &tops) < 0)
		return -ENOMEM;
	if (tops.n < 2)
		return 0;
	if (tops_find_above(graph, ranking, &tops) < 0)
		return -ENOMEM;
	count_steps(graph, ranking, &tops, steps);
	x = find_lift(graph, ranking, &tops, steps, false);
	if (x == NOBODY)
		x = find_lift(graph, ranking, &tops, steps, true);
	if (x == NOBODY) {
		x = find_apex(graph, ranking, &tops);
		if (x == NOBODY)
			return 0;
		ranking->is_apex[x] = true;
		memset(steps, 0xff, graph->n_switches * sizeof(*steps));
	}

	return turn_over(graph, ranking, x, steps) < 0 ? -ENOMEM : 1;
}

int ranking_join_tops(const struct graph *graph, struct ranking *ranking)
{
	int r = 1;

	while (r > 0)
		r = join_some_tops(graph, ranking);

	return r;
}
