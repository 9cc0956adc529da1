/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Heights from the graph alone. Leaves are the switches with at least half as many hosts as the
 * typical leaf; the height of a switch is its distance from the nearest leaf; roots are local
 * maxima. If 99 in 100 cables join neighbouring heights, the fabric is a tree, however many cables
 * or hosts it lacks; if not, one switch in the middle of it is the root and height falls with the
 * distance from it. Roots that the operator names come before both.
 *
 * SHARP aggregation nodes hang on every switch of a large fabric, spines too, and so say nothing
 * about leaves (opensm counts them, finds no root, and routes with credit loops). A few hosts on a
 * spine (gateways, the SM) do not make it a leaf either. A switch with few hosts or none at the
 * bottom of a tree looks like a third level to the search from the leaves; it is told from a core
 * by its neighbours, which are all in one pod, and made a leaf.
 *
 * Heights need not make all ways legal: what breaks is mended in apex.c.
 */

#include "routing/rank.h"

#include "base/array.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { FAR = UINT32_MAX };

static int ranking_alloc(uint32_t n, struct ranking *ret)
{
	*ret = (struct ranking){
		.height = calloc(n + 1, sizeof(uint32_t)),
		.place = calloc(n + 1, sizeof(uint32_t)),
		.by_place = calloc(n + 1, sizeof(uint32_t)),
		.is_apex = calloc(n + 1, sizeof(bool)),
	};
	return ret->height && ret->place && ret->by_place && ret->is_apex ? 0 : -ENOMEM;
}

void ranking_clear(struct ranking *ranking)
{
	free(ranking->height);
	free(ranking->place);
	free(ranking->by_place);
	free(ranking->is_apex);
	*ranking = (struct ranking){ 0 };
}

int ranking_copy(const struct ranking *ranking, uint32_t n, struct ranking *ret)
{
	*ret = *ranking;
	ret->height = array_copy(ranking->height, n, sizeof(*ret->height));
	ret->place = array_copy(ranking->place, n, sizeof(*ret->place));
	ret->by_place = array_copy(ranking->by_place, n, sizeof(*ret->by_place));
	ret->is_apex = array_copy(ranking->is_apex, n, sizeof(*ret->is_apex));

	return ret->height && ret->place && ret->by_place && ret->is_apex ? 0 : -ENOMEM;
}

/* ---- distances from a set of switches -----------------------------------------------------------
 */

struct spread_out {
	uint32_t *distance; /* FAR: not reached yet */
	uint32_t *queue;
	uint32_t head;
	uint32_t tail;
};

static void reach(struct spread_out *out, uint32_t s, uint32_t distance)
{
	if (out->distance[s] != FAR)
		return;
	out->distance[s] = distance;
	out->queue[out->tail++] = s;
}

static void reach_all(const struct graph *graph, struct spread_out *out)
{
	while (out->head < out->tail) {
		uint32_t s = out->queue[out->head++];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			reach(out, graph->arcs[a].to, out->distance[s] + 1);
	}
}

static int spread_out_alloc(uint32_t n, struct spread_out *ret)
{
	*ret = (struct spread_out){
		.distance = malloc((n + 1) * sizeof(uint32_t)),
		.queue = malloc((n + 1) * sizeof(uint32_t)),
	};
	if (!ret->distance || !ret->queue)
		return -ENOMEM;
	memset(ret->distance, 0xff, (n + 1) * sizeof(uint32_t));
	return 0;
}

static void spread_out_clear(const struct spread_out *out)
{
	free(out->distance);
	free(out->queue);
}

/* ---- heights from leaves ------------------------------------------------------------------------
 */

static void count_hosts(const struct graph *graph, uint32_t *hosts)
{
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		if (end->kind == END_HOST || end->kind == END_ROUTER)
			hosts[end->at]++;
	}
}

/* The number of hosts per switch that most hosts share. */
static uint32_t typical_leaf(const struct graph *graph, const uint32_t *hosts)
{
	uint32_t switches[256] = { 0 };
	uint32_t mode = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		switches[MIN(hosts[s], 255)]++;
	for (uint32_t n = 1; n < COUNT(switches); n++)
		if (n * switches[n] >= mode * switches[mode])
			mode = switches[n] ? n : mode;
	return mode;
}

/* Of each component that has no leaf, one switch stands in for it. */
static void reach_from_leaves(const struct graph *graph, const bool *leaf, struct spread_out *out)
{
	for (uint32_t s = 0; s < graph->n_switches; s++)
		if (leaf[s])
			reach(out, s, 0);
	reach_all(graph, out);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		reach(out, s, 0);
		reach_all(graph, out);
	}
}

/* Number the connected parts of what lies at height 0 and 1; FAR elsewhere. The number of parts. */
static uint32_t number_pods(const struct graph *graph, const uint32_t *height, uint32_t *pod,
			    uint32_t *stack)
{
	uint32_t n_pods = 0;

	memset(pod, 0xff, graph->n_switches * sizeof(*pod));
	for (uint32_t first = 0; first < graph->n_switches; first++) {
		uint32_t depth = 0;

		if (height[first] > 1 || pod[first] != FAR)
			continue;
		pod[first] = n_pods;
		stack[depth++] = first;
		while (depth) {
			uint32_t s = stack[--depth];

			for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
				uint32_t to = graph->arcs[a].to;

				if (height[to] > 1 || pod[to] != FAR)
					continue;
				pod[to] = n_pods;
				stack[depth++] = to;
			}
		}
		n_pods++;
	}
	return n_pods;
}

static bool touches_one_pod(const struct graph *graph, const uint32_t *pod, uint32_t s)
{
	uint32_t first = graph->arc_first[s];

	for (uint32_t a = first; a < graph->arc_first[s + 1]; a++) {
		uint32_t its = pod[graph->arcs[a].to];

		if (its == FAR || its != pod[graph->arcs[first].to])
			return false;
	}
	return true;
}

/* Switches at height 2 with neighbours in a single pod of several. True if there were any. */
static bool find_empty_leaves(const struct graph *graph, const uint32_t *height, uint32_t *scratch,
			      bool *leaf)
{
	uint32_t *pod = scratch;
	bool found = false;

	if (number_pods(graph, height, pod, scratch + graph->n_switches) < 2)
		return false;
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		if (height[s] != 2 || !touches_one_pod(graph, pod, s))
			continue;
		leaf[s] = true;
		found = true;
	}
	return found;
}

static int set_heights_from_leaves(const struct graph *graph, const bool *leaf, uint32_t *height)
{
	AUTO(spread_out_clear) struct spread_out out = { 0 };
	int r = spread_out_alloc(graph->n_switches, &out);

	if (r)
		return r;
	reach_from_leaves(graph, leaf, &out);
	memcpy(height, out.distance, graph->n_switches * sizeof(*height));
	return 0;
}

static int rank_from_leaves(const struct graph *graph, const uint32_t *hosts,
			    struct ranking *ranking)
{
	size_t n = graph->n_switches + (size_t)1;
	AUTO(freep) bool *leaf = calloc(n, sizeof(*leaf));
	AUTO(freep) uint32_t *scratch = malloc(2 * n * sizeof(*scratch));
	int r;

	if (!leaf || !scratch)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		leaf[s] = hosts[s] && 2 * hosts[s] >= ranking->mode;
	r = set_heights_from_leaves(graph, leaf, ranking->height);
	if (r || !find_empty_leaves(graph, ranking->height, scratch, leaf))
		return r;
	return set_heights_from_leaves(graph, leaf, ranking->height);
}

static bool is_tree(const struct graph *graph, const uint32_t *height)
{
	uint64_t good = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			good += height[graph->arcs[a].to] + 1 == height[s] ||
				height[s] + 1 == height[graph->arcs[a].to];
	return good * 100 >= (uint64_t)graph->n_arcs * 99;
}

/* ---- heights from roots -------------------------------------------------------------------------
 */

/* The sum of distances to all switches, of each. */
static int sum_distances(const struct graph *graph, uint64_t *sum)
{
	AUTO(freep) uint8_t *hops = hops_new_block(graph);
	uint32_t targets[HOPS_BLOCK];

	if (!hops)
		return -ENOMEM;
	for (uint32_t first = 0; first < graph->n_switches; first += HOPS_BLOCK) {
		uint32_t n = MIN(graph->n_switches - first, (uint32_t)HOPS_BLOCK);
		int r;

		for (uint32_t i = 0; i < n; i++)
			targets[i] = first + i;
		r = hops_fill_shortest(graph, targets, n, hops);
		if (r)
			return r;
		for (uint32_t s = 0; s < graph->n_switches; s++)
			for (uint32_t i = 0; i < n; i++)
				sum[s] += hops[(size_t)s * HOPS_BLOCK + i];
	}
	return 0;
}

/* The middle of the component of @s: nearest to all others on average. */
static int find_middle(const struct graph *graph, const uint64_t *sum, uint32_t s, uint32_t *ret)
{
	AUTO(spread_out_clear) struct spread_out out = { 0 };
	int r = spread_out_alloc(graph->n_switches, &out);

	if (r)
		return r;
	reach(&out, s, 0);
	reach_all(graph, &out);
	for (uint32_t i = 1; i < out.tail; i++) {
		uint32_t other = out.queue[i];

		if (sum[other] < sum[s] ||
		    (sum[other] == sum[s] && graph->order[other] < graph->order[s]))
			s = other;
	}
	*ret = s;
	return 0;
}

/* From the operator's roots; where these do not reach, from the middle of the component. */
static int rank_from_roots(const struct graph *graph, struct ranking *ranking)
{
	AUTO(freep) uint64_t *sum = calloc(graph->n_switches + (size_t)1, sizeof(*sum));
	AUTO(spread_out_clear) struct spread_out out = { 0 };
	uint32_t middle = 0;
	int r;

	if (!sum)
		return -ENOMEM;
	r = spread_out_alloc(graph->n_switches, &out);
	for (uint32_t i = 0; !r && i < graph->n_roots; i++)
		reach(&out, graph->roots[i], 0);
	reach_all(graph, &out);
	if (!r && out.tail < graph->n_switches)
		r = sum_distances(graph, sum);
	for (uint32_t s = 0; !r && s < graph->n_switches; s++) {
		if (out.distance[s] != FAR)
			continue;
		r = find_middle(graph, sum, s, &middle);
		reach(&out, middle, 0);
		reach_all(graph, &out);
	}
	if (r)
		return r;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ranking->max_height = MAX(ranking->max_height, out.distance[s]);
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ranking->height[s] = ranking->max_height - out.distance[s];
	return 0;
}

/* ---- places -------------------------------------------------------------------------------------
 */

static int set_places(const struct graph *graph, struct ranking *ranking)
{
	uint32_t n = graph->n_switches;
	AUTO(freep) uint32_t *by_order = calloc(n + (size_t)1, sizeof(*by_order));
	AUTO(freep) uint32_t *next = calloc(ranking->max_height + (size_t)2, sizeof(*next));

	if (!by_order || !next)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		by_order[graph->order[s]] = s;
		next[ranking->height[s] + 1]++;
	}
	for (uint32_t height = 0; height < ranking->max_height; height++)
		next[height + 1] += next[height];
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = by_order[i];

		ranking->place[s] = next[ranking->height[s]]++;
		ranking->by_place[ranking->place[s]] = s;
	}
	return 0;
}

static uint32_t count_roots(const struct graph *graph, const struct ranking *ranking)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint32_t a = graph->arc_first[s];

		while (a < graph->arc_first[s + 1] &&
		       ranking->height[graph->arcs[a].to] <= ranking->height[s])
			a++;
		n += a == graph->arc_first[s + 1];
	}
	return n;
}

static int set_heights(const struct graph *graph, const uint32_t *hosts, struct ranking *ranking)
{
	int r;

	ranking->tree = true;
	if (graph->n_roots) {
		ranking->why = "the roots are those of the configuration";
		return rank_from_roots(graph, ranking);
	}
	ranking->why = "the roots were found by their distance from the leaves";
	r = rank_from_leaves(graph, hosts, ranking);
	if (r || is_tree(graph, ranking->height))
		return r;
	ranking->tree = false;
	ranking->why = "the fabric is no tree: the switch in its middle is the root";
	return rank_from_roots(graph, ranking);
}

int ranking_make(const struct graph *graph, struct ranking *ret)
{
	AUTO(freep) uint32_t *hosts = calloc(graph->n_switches + (size_t)1, sizeof(*hosts));
	int r = ranking_alloc(graph->n_switches, ret);

	if (r || !hosts)
		return -ENOMEM;
	count_hosts(graph, hosts);
	ret->mode = typical_leaf(graph, hosts);
	r = set_heights(graph, hosts, ret);
	if (r)
		return r;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ret->max_height = MAX(ret->max_height, ret->height[s]);
	ret->n_roots = count_roots(graph, ret);
	return set_places(graph, ret);
}
