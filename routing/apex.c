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
 * it is below, before and after. Each such turn makes at least two tops into one, and two tops of
 * one component always have something below both, if not directly then through others. So it ends,
 * on any graph, with one top per component: complete and, as any total order, free of deadlock.
 */

#include "routing/rank.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

struct tops {
	uint64_t *above; /* of each switch the tops above it, as a set of @words words */
	size_t words;
	uint32_t n;
};

static void tops_clear(const struct tops *tops)
{
	free(tops->above);
}

static bool is_top(const struct graph *graph, const struct ranking *ranking, uint32_t s)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (ranking->place[graph->arcs[a].to] > ranking->place[s])
			return false;
	return true;
}

static uint32_t count_tops(const struct graph *graph, const struct ranking *ranking)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		n += is_top(graph, ranking, s);
	return n;
}

/* From the highest place down: what is above its upper neighbours is above a switch, too. */
static int tops_find(const struct graph *graph, const struct ranking *ranking, struct tops *ret)
{
	ret->n = count_tops(graph, ranking);
	ret->words = ret->n / 64 + 1;
	ret->above = calloc(graph->n_switches + (size_t)1, ret->words * sizeof(*ret->above));
	if (!ret->above)
		return -ENOMEM;

	uint32_t number = 0;

	for (uint32_t p = graph->n_switches; p-- > 0;) {
		uint32_t s = ranking->by_place[p];
		uint64_t *set = ret->above + s * ret->words;

		if (is_top(graph, ranking, s)) {
			set[number / 64] |= UINT64_C(1) << number % 64;
			number++;
		}
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (ranking->place[to] < p)
				continue;
			for (size_t w = 0; w < ret->words; w++)
				set[w] |= ret->above[to * ret->words + w];
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

/* The switch with most tops above it, the lowest such; *ret_tops of them. */
static uint32_t find_apex(const struct graph *graph, const struct ranking *ranking,
			  const struct tops *tops, uint32_t *ret_tops)
{
	uint32_t best = 0;

	*ret_tops = 0;
	for (uint32_t p = 0; p < graph->n_switches; p++) {
		uint32_t n = tops_above(tops, ranking->by_place[p]);

		if (n <= *ret_tops)
			continue;
		best = ranking->by_place[p];
		*ret_tops = n;
	}
	return best;
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

/* All others keep their sequence and come below. */
static int raise_apex(const struct graph *graph, struct ranking *ranking, uint32_t apex)
{
	uint32_t n = graph->n_switches;
	AUTO(freep) uint32_t *upper = malloc((n + (size_t)1) * sizeof(*upper));
	AUTO(freep) bool *in = calloc(n + (size_t)1, sizeof(*in));
	uint32_t n_upper;
	uint32_t next = 0;

	if (!upper || !in)
		return -ENOMEM;
	n_upper = list_upper(graph, ranking, apex, upper, in);
	for (uint32_t p = 0; p < n; p++)
		if (!in[ranking->by_place[p]])
			ranking->by_place[next++] = ranking->by_place[p];
	for (uint32_t i = n_upper; i-- > 0;)
		ranking->by_place[next++] = upper[i];
	for (uint32_t p = 0; p < n; p++)
		ranking->place[ranking->by_place[p]] = p;
	return 0;
}

int ranking_join_tops(const struct graph *graph, struct ranking *ranking)
{
	for (;;) {
		AUTO(tops_clear) struct tops tops = { 0 };
		uint32_t n_above;
		uint32_t apex;
		int r = tops_find(graph, ranking, &tops);

		if (r)
			return r;
		apex = find_apex(graph, ranking, &tops, &n_above);
		if (n_above < 2)
			return 0;
		r = raise_apex(graph, ranking, apex);
		if (r)
			return r;
	}
}
