/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Spanning trees for multicast: who is member hangs on which switches, and out come the ports that
 * these and those between them copy a packet to. A tree is a function of the graph, the number of
 * the tree and its members, and of nothing that was before: so a restart finds the same, a join
 * adds a branch and a leave cuts one.
 *
 * What is promised. Every two members that are "reached" are joined by exactly one way. Every
 * switch of a tree but its top leads up to one other by the order in which unicast packets of up/
 * down engines go up, so that multicast takes no turn that these may not take, and all packets
 * together wait for each other in no circle. Where unicast has no such order (minhop), there is one
 * spanning tree for all, and trees_are_proven() says whether it was found to go together with the
 * turns of unicast. While tables are changed from those of one order to another, nothing is
 * promised of circles of waiting.
 */

#include "routing/engine.h"
#include "routing/rank.h"

#define TREES_HUBS_MAX 4096u

/* One of the ports that a group has at a switch: port 0 is the switch itself. */
struct tree_member {
	uint32_t at; /* a switch of the graph */
	uint8_t port;
	bool receives; /* else it only sends, and nothing is copied to it */
	bool reached;  /* set by trees_grow(); false: no way leads there */
};

/* Ports to copy to: TREE_EXIT(switch, port), rising, each once. */
#define TREE_EXIT(s, port)     ((uint32_t)(s) << 8 | (port))
#define TREE_EXIT_SWITCH(exit) ((exit) >> 8)
#define TREE_EXIT_PORT(exit)   ((uint8_t)((exit)&0xff))

struct tree {
	uint32_t *exit;
	uint32_t n;
};

/* So that they rise. */
void tree_sort(struct tree *tree);

struct tree_ways;

/* What trees of one graph have in common. */
struct trees {
	uint32_t n_switches;
	uint32_t *arc_first; /* those of the graph */
	struct arc *arcs;
	uint32_t *place; /* [switch]: cables lead from a lower one to a higher one */
	uint64_t *key;   /* [switch] */
	bool *passes;    /* [switch] */
	uint8_t *only;   /* [switch]: the port that may lead up; NULL: any */
	uint32_t *hubs;  /* switches that trees have in their middle */
	uint32_t n_hubs;
	struct tree_ways *ways; /* [hub], made when they are needed */
	uint32_t n_part;        /* switches of the largest part that hangs together, and of these */
	uint32_t n_reached;     /* those that trees come to; only of one hub that was tried */
	bool proven;
	bool has_blocked; /* somebody who is there can be part of none */

	/* trees_grow() at work, [switch] */
	uint32_t *seen; /* in this round */
	uint32_t round;
	uint32_t *up;    /* its arc to the next */
	uint32_t *below; /* members that receive here and below */
	uint32_t *children;
	uint32_t *child; /* one of them */
	uint32_t *list;
};

struct trees_setup {
	const struct graph *graph;
	const uint64_t *keys; /* [switch]: a number that stays with it, for choices that stay */
	const bool *passes;   /* [switch]: can it be part of a tree? */
	/* That the tables of unicast go by, or NULL: they have none. */
	const struct ranking *ranking;
	const struct turns *turns; /* of unicast, if there is no ranking */
	/*
	 * [switch]: the port that leads up the one tree for which unicast has room (struct lanes),
	 * if there is; or NULL. It is used if it comes to all switches that can be part of a tree,
	 * or if no other is found that goes together with @turns.
	 */
	const uint8_t *up;
};

/* Everything of @setup is only read. 0 or -ENOMEM. trees_clear() also after failure. */
int trees_make(const struct trees_setup *setup, struct trees *ret);
void trees_clear(struct trees *trees);

static inline bool trees_are_proven(const struct trees *trees)
{
	return trees->proven;
}

/*
 * Tree number @number for @members, which are sorted by this and each port is there once. Without
 * two that are reached, or without one of these that receives, it is empty. @ret->exit is the
 * caller's to free; it is NULL if the tree is empty. 0 or -ENOMEM.
 */
int trees_grow(struct trees *trees, uint32_t number, struct tree_member *members, uint32_t n,
	       struct tree *ret);

/* Does tree @number reach switch @s, which passes? Also false without memory. */
bool trees_reach(const struct trees *trees, uint32_t number, uint32_t s);
/* Do all, as far as it is for who does not pass? */
bool trees_all_reach(const struct trees *trees, uint32_t s);

/* Is there a cable at this exit of a switch? */
bool trees_have_cable(const struct trees *trees, uint32_t exit);

/*
 * May the tables of two trees with one number be mixed, switch by switch, and no packet goes in a
 * circle? Exits whose cable is not in the graph lead nowhere. 1, 0 or -ENOMEM.
 */
int trees_mix(const struct trees *trees, const struct tree *a, const struct tree *b);
