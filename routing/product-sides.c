/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Ways within one dimension, between places, which stand for many switches each.
 *
 * A side is a system of shortest ways that has one for each pair of places: hops count first, then
 * the sum of a random number for each cable, so that the way back is the same one, and what is left
 * of a way is the way from there. The other side has the complements of these numbers: half around
 * a ring it takes the other half. Which side a pair begins with is chosen so that cables are evenly
 * used. Which side a packet takes goes by that, and by its places in later dimensions, both of its
 * source and of its destination: the packet back finds the same.
 *
 * A layer is a set of such ways that do not wait for each other: in a ring the first has all but
 * those through some place, and the second these. What waits within one dimension is told apart by
 * the layers of that, so a packet's lane has a digit for each dimension.
 */

#include "routing/product.h"

#include "base/macros.h"
#include "routing/admission.h"

#include <errno.h>
#include <string.h>

enum { LAYERS_MAX = 8 };

/* A hop costs more than all random numbers of a way. */
#define WEIGHT_MAX UINT32_C(0xffffff)
#define HOP        (UINT64_C(1) << 40)
#define NO_WAY     (UINT64_C(1) << 60)

/* One dimension as a graph of its own. */
struct sheet {
	struct dimension *dimension;
	uint32_t n;         /* places */
	uint32_t *weight;   /* [from * n + to]; 0: no cable */
	uint64_t *distance; /* [from * n + to] */
	uint32_t *load;     /* [from * n + to] */
	uint32_t *arc_at;   /* [from * n + to] */
	struct graph graph;
	uint32_t *arc_first;
	struct arc *arcs;
	struct admission admission[LAYERS_MAX];
	unsigned n_admissions;
};

static void sheet_clear(struct sheet *sheet)
{
	free(sheet->weight);
	free(sheet->distance);
	free(sheet->load);
	free(sheet->arc_at);
	free(sheet->arc_first);
	free(sheet->arcs);
	for (unsigned i = 0; i < sheet->n_admissions; i++)
		admission_clear(&sheet->admission[i]);
}

static int sheet_allocate(struct sheet *sheet)
{
	struct dimension *dimension = sheet->dimension;
	size_t n = (size_t)sheet->n * sheet->n;

	sheet->weight = calloc(n, sizeof(*sheet->weight));
	sheet->distance = malloc(n * sizeof(*sheet->distance));
	sheet->load = calloc(n, sizeof(*sheet->load));
	sheet->arc_at = calloc(n, sizeof(*sheet->arc_at));
	sheet->arc_first = calloc(sheet->n + (size_t)1, sizeof(*sheet->arc_first));
	sheet->arcs = calloc(n, sizeof(*sheet->arcs));
	dimension->side = calloc(n, sizeof(*dimension->side));
	if (!sheet->weight || !sheet->distance || !sheet->load || !sheet->arc_at ||
	    !sheet->arc_first || !sheet->arcs || !dimension->side)
		return -ENOMEM;
	for (unsigned side = 0; side < PRODUCT_SIDES; side++) {
		dimension->next[side] = malloc(n * sizeof(*dimension->next[side]));
		dimension->layer[side] = calloc(n, sizeof(*dimension->layer[side]));
		if (!dimension->next[side] || !dimension->layer[side])
			return -ENOMEM;
	}
	return 0;
}

/* ---- sides --------------------------------------------------------------------------------------
 */

/* Anything that is the same each time, and looks like chance. */
static uint32_t random_weight(uint32_t from, uint32_t to)
{
	uint64_t z = ((uint64_t)MIN(from, to) << 32 | MAX(from, to)) + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % WEIGHT_MAX) + 1;
}

static void find_cables(const struct product *product, uint32_t d, struct sheet *sheet)
{
	const struct graph *graph = product->graph;
	const uint16_t *place = sheet->dimension->place;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t from = place[s], to = place[graph->arcs[a].to];

			if (product->dimension_of[a] == d && from != to)
				sheet->weight[from * sheet->n + to] = random_weight(from, to);
		}
	}
}

static uint64_t cost_of(const struct sheet *sheet, unsigned side, uint32_t from, uint32_t to)
{
	uint32_t weight = sheet->weight[from * sheet->n + to];

	if (!weight)
		return NO_WAY;
	return HOP + (side ? WEIGHT_MAX + 1 - weight : weight);
}

/* Floyd and Warshall: there are few places. */
static void find_distances(struct sheet *sheet, unsigned side)
{
	uint32_t n = sheet->n;
	uint64_t *distance = sheet->distance;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < n; j++)
			distance[i * n + j] = i == j ? 0 : cost_of(sheet, side, i, j);
	for (uint32_t via = 0; via < n; via++)
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t j = 0; j < n; j++)
				distance[i * n + j] =
					MIN(distance[i * n + j],
					    distance[i * n + via] + distance[via * n + j]);
}

static uint16_t find_next(const struct sheet *sheet, unsigned side, uint32_t from, uint32_t to)
{
	uint64_t distance = sheet->distance[from * sheet->n + to];

	for (uint32_t via = 0; via < sheet->n && from != to && distance < NO_WAY; via++)
		if (cost_of(sheet, side, from, via) + sheet->distance[via * sheet->n + to] ==
		    distance)
			return (uint16_t)via;
	return PRODUCT_NO_PLACE;
}

static void find_side(struct sheet *sheet, unsigned side)
{
	find_distances(sheet, side);
	for (uint32_t i = 0; i < sheet->n; i++)
		for (uint32_t j = 0; j < sheet->n; j++)
			sheet->dimension->next[side][i * sheet->n + j] =
				find_next(sheet, side, i, j);
}

static uint32_t next_place(const struct sheet *sheet, unsigned side, uint32_t at, uint32_t to)
{
	return sheet->dimension->next[side][at * sheet->n + to];
}

static uint32_t most_used(const struct sheet *sheet, unsigned side, uint32_t from, uint32_t to)
{
	uint32_t most = 0;

	for (uint32_t at = from, next; at != to; at = next) {
		next = next_place(sheet, side, at, to);
		if (next == PRODUCT_NO_PLACE)
			break;
		most = MAX(most, sheet->load[at * sheet->n + next]);
	}
	return most;
}

static void use(struct sheet *sheet, unsigned side, uint32_t from, uint32_t to)
{
	for (uint32_t at = from, next; at != to; at = next) {
		next = next_place(sheet, side, at, to);
		if (next == PRODUCT_NO_PLACE)
			break;
		sheet->load[at * sheet->n + next]++;
		sheet->load[next * sheet->n + at]++;
	}
}

/* For each pair the side whose most used cable is the less used one. */
static void choose_sides(struct sheet *sheet)
{
	uint32_t n = sheet->n;

	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = i + 1; j < n; j++) {
			unsigned side = most_used(sheet, 1, i, j) < most_used(sheet, 0, i, j);

			sheet->dimension->side[i * n + j] = (uint8_t)side;
			sheet->dimension->side[j * n + i] = (uint8_t)side;
			use(sheet, side, i, j);
		}
	}
}

/* ---- layers -------------------------------------------------------------------------------------
 */

static void make_graph(struct sheet *sheet)
{
	uint32_t n = sheet->n, n_arcs = 0;

	for (uint32_t i = 0; i < n; i++) {
		sheet->arc_first[i] = n_arcs;
		for (uint32_t j = 0; j < n; j++) {
			if (!sheet->weight[i * n + j])
				continue;
			sheet->arc_at[i * n + j] = n_arcs;
			sheet->arcs[n_arcs++] = (struct arc){ .to = j, .port = (uint8_t)(j + 1) };
		}
	}
	sheet->arc_first[n] = n_arcs;
	sheet->graph = (struct graph){ .n_switches = n,
				       .n_arcs = n_arcs,
				       .arc_first = sheet->arc_first,
				       .arcs = sheet->arcs };
}

static bool try_way(struct sheet *sheet, struct admission *admission, unsigned side, uint32_t from,
		    uint32_t to)
{
	uint32_t n = sheet->n;
	uint32_t at = next_place(sheet, side, from, to);
	uint32_t arc = at == PRODUCT_NO_PLACE ? 0 : sheet->arc_at[from * n + at];

	while (at != to && at != PRODUCT_NO_PLACE) {
		uint32_t next = next_place(sheet, side, at, to);
		uint32_t onward = sheet->arc_at[at * n + next];

		if (!admission_try(admission, arc, onward - sheet->arc_first[at]))
			return false;
		at = next;
		arc = onward;
	}
	return true;
}

/* 0, with the layer of both ways between the places; 1 if there is none left; -ENOMEM. */
static int put_in_layer(struct sheet *sheet, unsigned side, uint32_t i, uint32_t j)
{
	uint8_t *layer = sheet->dimension->layer[side];

	for (unsigned l = 0; l < sheet->n_admissions; l++) {
		struct admission *admission = &sheet->admission[l];

		if (try_way(sheet, admission, side, i, j) &&
		    try_way(sheet, admission, side, j, i)) {
			admission_keep(admission);
			layer[i * sheet->n + j] = (uint8_t)l;
			layer[j * sheet->n + i] = (uint8_t)l;
			sheet->dimension->n_layers =
				(uint8_t)MAX(sheet->dimension->n_layers, l + 1);
			return 0;
		}
		if (admission->full)
			return -ENOMEM;
		admission_give_back(admission);
	}
	return 1;
}

static int open_layers(struct sheet *sheet)
{
	AUTO(turns_clear) struct turns turns = { .words = turns_words(&sheet->graph) };
	int r = 0;

	turns.bits = calloc(sheet->graph.n_arcs + (size_t)1, turns.words * sizeof(*turns.bits));
	if (!turns.bits)
		return -ENOMEM;
	while (!r && sheet->n_admissions < LAYERS_MAX)
		r = admission_init(&sheet->graph, &turns, &sheet->admission[sheet->n_admissions++]);
	return r;
}

static int find_layers(struct sheet *sheet)
{
	int r = open_layers(sheet);

	sheet->dimension->n_layers = 1;
	for (uint32_t i = 0; i < sheet->n && !r; i++)
		for (uint32_t j = i + 1; j < sheet->n && !r; j++)
			for (unsigned side = 0; side < PRODUCT_SIDES && !r; side++)
				r = put_in_layer(sheet, side, i, j);
	if (r > 0)
		sheet->dimension->n_layers = LAYERS_MAX + 1;
	return MIN(r, 0);
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

static int find_ways(const struct product *product, uint32_t d, struct dimension *dimension)
{
	AUTO(sheet_clear)
	struct sheet sheet = { .dimension = dimension, .n = dimension->n_places };
	int r = sheet_allocate(&sheet);

	if (r)
		return r;
	find_cables(product, d, &sheet);
	for (unsigned side = 0; side < PRODUCT_SIDES; side++)
		find_side(&sheet, side);
	choose_sides(&sheet);
	make_graph(&sheet);
	return find_layers(&sheet);
}

int product_find_sides(struct product *product)
{
	int r = 0;

	product->n_lanes = 1;
	for (uint32_t d = 0; d < product->n && !r; d++) {
		r = find_ways(product, d, &product->dimension[d]);
		product->n_lanes *= product->dimension[d].n_layers;
	}
	return r;
}

/* Both of the way from @a to @b and of that back. Later dimensions are as they are at both ends. */
static unsigned side_of(const struct product *product, uint32_t d, uint32_t a, uint32_t b)
{
	const struct dimension *dimension = &product->dimension[d];
	unsigned side =
		dimension->side[dimension->place[a] * dimension->n_places + dimension->place[b]];

	for (uint32_t later = d + 1; later < product->n; later++) {
		uint32_t x = product->dimension[later].place[a];
		uint32_t y = product->dimension[later].place[b];

		side += x + y + (x != y);
	}
	return side % PRODUCT_SIDES;
}

uint16_t product_next(const struct product *product, uint32_t d, uint32_t at, uint32_t to)
{
	const struct dimension *dimension = &product->dimension[d];

	return dimension->next[side_of(product, d, at, to)]
			      [dimension->place[at] * dimension->n_places + dimension->place[to]];
}

uint32_t product_lane(const struct product *product, uint32_t a, uint32_t b)
{
	uint32_t lane = 0, n_later = 1, later = 0;

	for (uint32_t d = product->n; d-- > 0;) {
		const struct dimension *dimension = &product->dimension[d];
		uint32_t x = dimension->place[a], y = dimension->place[b];
		uint32_t pair = x * dimension->n_places + y;
		unsigned side = (dimension->side[pair] + later) % PRODUCT_SIDES;

		lane += n_later * dimension->layer[side][pair];
		n_later *= dimension->n_layers;
		later += x + y + (x != y);
	}
	return lane;
}
