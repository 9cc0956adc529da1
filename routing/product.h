/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Dimensions of a fabric: a torus, a mesh, a hypercube or a HyperX is a product of small graphs,
 * and ways that take one dimension after the other can only wait for each other within one. Each
 * switch has a place in every dimension, and cables change one place. Found in the graph itself,
 * also if some cables or switches are missing. All of it is advice: who uses it has to look whether
 * it is so.
 */

#include "routing/engine.h"

enum {
	PRODUCT_DIMENSIONS_MAX = 8,
	PRODUCT_PLACES_MAX = 128, /* in a dimension */
	PRODUCT_SIDES = 2,
	PRODUCT_NO_PLACE = UINT16_MAX,
};

/*
 * Between two places of a dimension there may be shortest ways on different sides, half around a
 * ring. Each side has one way for each pair, the same forth and back.
 */
struct dimension {
	uint16_t *place; /* [switch] */
	uint32_t n_places;
	uint16_t *next[PRODUCT_SIDES]; /* [from * n_places + to]: the place after @from */
	uint8_t *side; /* [from * n_places + to], symmetric: the one to begin with */
	/* [from * n_places + to], symmetric: ways of one layer do not wait for each other. */
	uint8_t *layer[PRODUCT_SIDES];
	uint8_t n_layers; /* more than 8: too many, and those of @layer mean nothing */
};

struct product {
	const struct graph *graph;
	uint32_t n;            /* dimensions; 0: the graph is no product, and has nothing else */
	uint8_t *dimension_of; /* [arc] */
	struct dimension dimension[PRODUCT_DIMENSIONS_MAX];
	uint32_t n_lanes; /* the product of the layers */
};

/* 0, also if there are no dimensions, or -ENOMEM; product_clear() after both. */
int product_find(const struct graph *graph, struct product *ret);
void product_clear(struct product *product);

/* The place in dimension @d after that of switch @at, on the way to @to; PRODUCT_NO_PLACE: there is
   none. */
uint16_t product_next(const struct product *product, uint32_t d, uint32_t at, uint32_t to);

/*
 * On this one of n_lanes, ways between switches @a and @b, forth and back, that take the dimensions
 * by their numbers and places by product_next(), wait for no other way of the same kind all around.
 */
uint32_t product_lane(const struct product *product, uint32_t a, uint32_t b);

/* For product_find(), of another file: ways and layers of each dimension. 0 or -ENOMEM. */
int product_find_sides(struct product *product);
