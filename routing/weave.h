/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The inside of the engine "lanes": trees of shortest ways to every switch, and which pairs of
 * switches talk on which lane. See lanes.c for how it goes together.
 */

#include "routing/admission.h"
#include "routing/product.h"

enum {
	WEAVE_TREES_MAX = 8, /* to one switch */
	WEAVE_SWITCHES_MAX = 4096,
	WEAVE_NO_EXIT = 255,
	WEAVE_NO_LANE = 255,
};

struct weave {
	const struct graph *graph;
	struct product product;
	uint32_t n;     /* switches */
	uint32_t trees; /* to one switch, at most */
	bool *sends;    /* [switch]: something that sends hangs on it */
	uint8_t *hops;  /* [to * n + from]; HOPS_NONE */
	uint8_t most_hops;
	uint8_t *up;    /* [switch]: see struct lanes; */
	uint8_t *apart; /* [to]: the first trees to it; those after are as the last of these */
	uint8_t *exit;  /* [tree of @to * n + from]: place among the arcs of @from, or none */
	uint8_t *in;    /* as exit: lanes that have all of the way from there, a bit each */
	uint64_t *load; /* [arc]: ways from switches to trees that take it */

	/* Pairs of switches, [a * n + b], symmetric. */
	uint8_t *fits; /* with lanes in some order: those that all ways of the pair can have */
	uint8_t *lane;

	struct admission *lanes; /* turns of each lane, */
	unsigned n_lanes;        /* as many as there may be */
};

static inline size_t weave_tree(const struct weave *weave, uint32_t to, uint32_t number)
{
	return (size_t)to * weave->trees + number;
}

/* Nobody goes to a switch without hosts but for itself. */
static inline uint32_t weave_n_trees(const struct weave *weave, uint32_t to)
{
	return weave->sends[to] ? weave->trees : 1;
}

/* What packets on this tree leave @from by, which is not its root and has a way. */
static inline uint32_t weave_arc(const struct weave *weave, size_t tree, uint32_t from)
{
	return weave->graph->arc_first[from] + weave->exit[tree * weave->n + from];
}

/* By which tree a LID is led to. */
struct weave_column {
	uint32_t at;
	uint8_t port;
	uint8_t number; /* of the tree */
};

/* Of the @i-th LID of @end. Ports of hosts mostly follow each other, and so do trees; who hangs on
 * others does not count. */
static inline struct weave_column weave_column(const struct end *end, uint32_t i, uint32_t n_trees)
{
	return (struct weave_column){ end->at, end->port, (uint8_t)((end->port + i) % n_trees) };
}

/* The entry of switch @s; @exits as in struct weave, of @trees to a switch. */
static inline uint8_t weave_entry(const struct graph *graph, const uint8_t *exits, uint32_t trees,
				  const struct weave_column *column, uint32_t s)
{
	size_t tree = (size_t)column->at * trees + column->number;
	uint8_t exit = exits[tree * graph->n_switches + s];

	if (s == column->at)
		return column->port;
	return exit == WEAVE_NO_EXIT ? ROUTE_NONE : graph->arcs[graph->arc_first[s] + exit].port;
}

/* As many trees as the switch with most LIDs at it has a use for, rounded up. -ENOMEM. */
int weave_count_trees(const struct graph *graph);

/* 0 or -ENOMEM; weave_clear() after both. No tree is there yet. */
int weave_make(const struct graph *graph, unsigned n_lanes, struct weave *ret);
void weave_clear(struct weave *weave);

/*
 * All trees, evenly used. @price 0: nothing else counts. Else the orders of weave->lanes are kept
 * as far as possible, so that there is a lane in weave->fits for each pair, and each lane that a
 * way does without costs as much as @price ways on a cable. 0 or -ENOMEM.
 */
int weave_trees(struct weave *weave, uint64_t price);

/* weave->up; hops are known. 0 or -ENOMEM. */
int weave_find_tree(struct weave *weave);

/*
 * 0: what hosts send goes together on lane 0, and all pairs are there now. 1: it does not. -ENOMEM.
 * With more lanes what switches send counts too: see proof_check() and proof_check_lanes().
 */
int weave_try_one_lane(struct weave *weave);

/*
 * weave->lane of all pairs that have ways, as far as there are lanes: the lane that is there
 * already comes first. Returns the number of pairs without, or -ENOMEM.
 */
int64_t weave_assign(struct weave *weave);

/* Of those, which are few, by other ways. Returns the number of pairs without a lane, or -ENOMEM.
 */
int64_t weave_repair(struct weave *weave, int64_t n_failed);

/* Some lane had no memory for a turn. */
bool weave_is_full(const struct weave *weave);
