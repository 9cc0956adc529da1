/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A graph under construction, for the files beside this one alone. */

#include "tests/common/graphs.h"

struct plug {
	uint32_t at;
	uint8_t port;
};

struct cable {
	struct plug side[2];
};

struct made_switch {
	uint64_t order_key;
	uint64_t ports_used[4];
	char *name; /* owned, or NULL */
	bool is_away;
};

enum lids { LIDS_BY_LEAF, LIDS_SHUFFLED, LIDS_DEALT };

struct made_graph {
	struct made_switch *switches;
	struct cable *cables;
	struct end *ends; /* lid is not set */
	uint32_t *roots;
	uint32_t n_switches;
	uint32_t n_cables;
	uint32_t n_ends;
	uint32_t n_roots;
	uint32_t n_devices;
	uint8_t n_lanes;
	enum lids lids;
	uint64_t lid_seed; /* of those that are shuffled */
	uint32_t *dealt;   /* of those that are: ends in the sequence in which they get one */
	uint32_t n_dealt;

	/* What graph_of() built, unless stale. */
	bool stale;
	struct graph graph;
	struct graph whole; /* of all, if somebody is away */
	uint32_t *arc_first;
	struct arc *arcs;
	bool *away;
	uint32_t *rest_first; /* arcs of those who are there */
	struct arc *rest_arcs;
	struct end *built_ends;
	uint32_t *order;
};

/* False if it is in use. @port: 1 to 254. */
bool graph_take_port(struct made_graph *made, uint32_t s, unsigned port);

/* Copied; their ports are taken already. */
void graph_put_end(struct made_graph *made, const struct end *end);
void graph_put_cable(struct made_graph *made, const struct cable *cable);

/* Ends the program with @what unless @fits. */
void graph_must_fit(bool fits, const char *what);

/* 0 to @n - 1; the caller frees. */
uint32_t *graph_count_numbers(uint32_t n);
void graph_shuffle_numbers(uint32_t *numbers, uint32_t n, uint64_t seed);

/* When ends are built. */
void graph_give_lids(struct made_graph *made);
