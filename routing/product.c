/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which cables run in the same dimension. Two cables of a switch that lie in different ones are the
 * sides of a square, and opposite sides of a square run in the same dimension. Two of the same
 * dimension are mostly no sides of any square, or of a triangle. So cables are first put together
 * that are opposite sides of a square, or sides of a triangle, or parallel; then, where more often
 * than not no square is at the corner of two such sets, both are one: that vote is what makes lost
 * cables harmless. (A ring of four is a square, and counts as two dimensions of two: it is.)
 *
 * In a random graph hardly any corner has a square, and all becomes one dimension, which is the
 * same as none. The places of a dimension are what hangs together when its cables are taken away.
 */

#include "routing/product.h"

#include "base/forest.h"
#include "base/macros.h"
#include "routing/turns.h"

#include <errno.h>
#include <string.h>

enum {
	SETS_MAX = 1024,       /* before the vote */
	CORNERS_MAX = 4 << 20, /* that are looked at */
};

/* Sets of arcs or switches, by union and find. */
struct sets {
	uint32_t *parent;
	uint32_t n;
};

struct corner {
	uint32_t a, b;  /* arcs out of the same switch */
	bool is_square; /* they are sides of one */
};

struct finder {
	const struct graph *graph;
	struct sets sets; /* of arcs */
	uint32_t *arc_to; /* [switch]: that of the switch at hand to it, if */
	uint32_t *seen;   /* [switch]: is this */
	uint32_t n_seen;
	struct corner *corners;
	uint32_t n_corners;
};

static int sets_make(struct sets *sets, uint32_t n)
{
	sets->parent = malloc((n + (size_t)1) * sizeof(*sets->parent));
	if (!sets->parent)
		return -ENOMEM;
	sets->n = n;
	for (uint32_t i = 0; i < n; i++)
		sets->parent[i] = i;
	return 0;
}

static void sets_clear(struct sets *sets)
{
	free(sets->parent);
}

/* The lower number stands for both. */
static void sets_join(const struct sets *sets, uint32_t a, uint32_t b)
{
	a = forest_root(sets->parent, a);
	b = forest_root(sets->parent, b);
	sets->parent[MAX(a, b)] = MIN(a, b);
}

/* @ret[i]: the number of the set, by its lowest member. How many there are; none over @most. */
static uint32_t sets_number(const struct sets *sets, uint32_t most, uint16_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sets->n; i++) {
		uint32_t first = forest_root(sets->parent, i);

		if (first == i && n == most)
			return most + 1;
		ret[i] = first == i ? (uint16_t)n++ : ret[first];
	}
	return n;
}

static void finder_clear(struct finder *finder)
{
	sets_clear(&finder->sets);
	free(finder->arc_to);
	free(finder->seen);
	free(finder->corners);
}

static uint64_t count_corners(const struct graph *graph)
{
	uint64_t n = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		n += (uint64_t)graph_degree(graph, s) * graph_degree(graph, s) / 2;
	return n;
}

static int finder_make(struct finder *finder, size_t n_corners)
{
	size_t n = finder->graph->n_switches + (size_t)1;

	finder->arc_to = malloc(n * sizeof(*finder->arc_to));
	finder->seen = calloc(n, sizeof(*finder->seen));
	finder->corners = malloc((n_corners + 1) * sizeof(*finder->corners));
	if (!finder->arc_to || !finder->seen || !finder->corners)
		return -ENOMEM;
	return sets_make(&finder->sets, finder->graph->n_arcs);
}

/* ---- corners ------------------------------------------------------------------------------------
 */

static bool is_seen(const struct finder *finder, uint32_t s)
{
	return finder->seen[s] == finder->n_seen;
}

/* The neighbours of switch @s, each with its first arc. */
static void see_neighbours(struct finder *finder, uint32_t s)
{
	const struct graph *graph = finder->graph;

	finder->n_seen++;
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		if (is_seen(finder, graph->arcs[a].to))
			continue;
		finder->seen[graph->arcs[a].to] = finder->n_seen;
		finder->arc_to[graph->arcs[a].to] = a;
	}
}

/* Arcs @a and @b leave switch @s, and the neighbours of where @b leads to are seen. */
static void look_at_corner(struct finder *finder, uint32_t s, uint32_t a, uint32_t b)
{
	const struct graph *graph = finder->graph;
	uint32_t x = graph->arcs[a].to;
	bool is_square = false;

	if (x == graph->arcs[b].to || is_seen(finder, x)) {
		sets_join(&finder->sets, a, b);
		return;
	}
	for (uint32_t c = graph->arc_first[x]; c < graph->arc_first[x + 1]; c++) {
		uint32_t far = graph->arcs[c].to;

		if (far == s || !is_seen(finder, far))
			continue;
		is_square = true;
		sets_join(&finder->sets, a, finder->arc_to[far]);
		sets_join(&finder->sets, b, c);
	}
	finder->corners[finder->n_corners++] = (struct corner){ a, b, is_square };
}

/* Both directions of a cable run in the same dimension. */
static void join_directions(const struct finder *finder, uint32_t a)
{
	const struct graph *graph = finder->graph;
	const struct arc *arc = &graph->arcs[a];

	for (uint32_t b = graph->arc_first[arc->to]; b < graph->arc_first[arc->to + 1]; b++)
		if (graph->arcs[b].port == arc->to_port)
			sets_join(&finder->sets, a, b);
}

static void look_at_corners(struct finder *finder)
{
	const struct graph *graph = finder->graph;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t b = graph->arc_first[s]; b < graph->arc_first[s + 1]; b++) {
			join_directions(finder, b);
			see_neighbours(finder, graph->arcs[b].to);
			for (uint32_t a = graph->arc_first[s]; a < b; a++)
				look_at_corner(finder, s, a, b);
		}
	}
}

/* Corners without a square, less those with one, of each pair of sets. */
static void vote(const struct finder *finder, const uint16_t *set, uint32_t n, int32_t *votes)
{
	for (uint32_t i = 0; i < finder->n_corners; i++) {
		const struct corner *corner = &finder->corners[i];
		uint16_t a = set[corner->a], b = set[corner->b];

		votes[(size_t)MIN(a, b) * n + MAX(a, b)] += corner->is_square ? -1 : 1;
	}
}

static int join_by_vote(struct finder *finder)
{
	AUTO(freep) uint16_t *set = malloc((finder->sets.n + (size_t)1) * sizeof(*set));
	AUTO(freep) int32_t *votes = NULL;
	uint32_t n;

	if (!set)
		return -ENOMEM;
	n = sets_number(&finder->sets, SETS_MAX, set);
	if (n > SETS_MAX)
		return 0;
	votes = calloc((size_t)n * n + 1, sizeof(*votes));
	if (!votes)
		return -ENOMEM;
	vote(finder, set, n, votes);
	for (uint32_t i = 0; i < finder->n_corners; i++) {
		const struct corner *corner = &finder->corners[i];
		uint16_t a = set[corner->a], b = set[corner->b];

		if (votes[(size_t)MIN(a, b) * n + MAX(a, b)] > 0)
			sets_join(&finder->sets, corner->a, corner->b);
	}
	return 0;
}

/* ---- places -------------------------------------------------------------------------------------
 */

/* 0; 1 if there are too many; -ENOMEM. */
static int find_places(struct product *product, uint32_t d)
{
	const struct graph *graph = product->graph;
	struct dimension *dimension = &product->dimension[d];
	AUTO(sets_clear) struct sets sets = { 0 };

	dimension->place = malloc((graph->n_switches + (size_t)1) * sizeof(*dimension->place));
	if (!dimension->place || sets_make(&sets, graph->n_switches) < 0)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			if (product->dimension_of[a] != d)
				sets_join(&sets, s, graph->arcs[a].to);
	dimension->n_places = sets_number(&sets, PRODUCT_PLACES_MAX, dimension->place);
	return dimension->n_places > PRODUCT_PLACES_MAX;
}

/* 0; 1 if there are none; -ENOMEM. */
static int take_dimensions(const struct finder *finder, struct product *product)
{
	AUTO(freep) uint16_t *set = malloc((finder->sets.n + (size_t)1) * sizeof(*set));
	uint32_t n;
	int r = 0;

	product->dimension_of = malloc(finder->sets.n + (size_t)1);
	if (!set || !product->dimension_of)
		return -ENOMEM;
	n = sets_number(&finder->sets, PRODUCT_DIMENSIONS_MAX, set);
	if (n < 2 || n > PRODUCT_DIMENSIONS_MAX)
		return 1;
	product->n = n;
	for (uint32_t a = 0; a < finder->sets.n; a++)
		product->dimension_of[a] = (uint8_t)set[a];
	for (uint32_t d = 0; d < n && !r; d++)
		r = find_places(product, d);
	return r;
}

static int find(struct product *product)
{
	AUTO(finder_clear) struct finder finder = { .graph = product->graph };
	uint64_t n_corners = count_corners(product->graph);
	int r;

	if (n_corners > CORNERS_MAX)
		return 1;
	r = finder_make(&finder, (size_t)n_corners);
	if (r)
		return r;
	look_at_corners(&finder);
	r = join_by_vote(&finder);
	if (!r)
		r = take_dimensions(&finder, product);
	return r ? r : product_find_sides(product);
}

int product_find(const struct graph *graph, struct product *ret)
{
	int r;

	*ret = (struct product){ .graph = graph };
	r = find(ret);
	if (r > 0)
		product_clear(ret);
	return MIN(r, 0);
}

void product_clear(struct product *product)
{
	free(product->dimension_of);
	for (uint32_t d = 0; d < PRODUCT_DIMENSIONS_MAX; d++) {
		struct dimension *dimension = &product->dimension[d];

		free(dimension->place);
		free(dimension->side);
		for (unsigned side = 0; side < PRODUCT_SIDES; side++) {
			free(dimension->next[side]);
			free(dimension->layer[side]);
		}
	}
	*product = (struct product){ .graph = product->graph };
}
