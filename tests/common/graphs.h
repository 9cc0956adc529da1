/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Fabrics of known shape as graphs for routing/: trees, tori, dragonflies, random ones, those of
 * net files, and what befalls them. All random choices come from a seed: same calls, same graph.
 * Memory that runs out, or a shape that has no room (port 255, LID 0xC000), ends the program: these
 * are the tests' own mistakes. Only graph_read_net() judges input.
 */

#include "routing/engine.h"

struct made_graph;

/*
 * The graph as engines want it, rebuilt when something changed: it and all that it points to lasts
 * until the next call that changes @made. Unless shuffled, LIDs count from 1: first what hangs on
 * switches, by (switch, port), then the switches; order[s] is s.
 */
const struct graph *graph_of(struct made_graph *made);
void graph_free(struct made_graph *made);
void graph_freep(struct made_graph **made);

/* The next number of a sequence; any @state starts one. */
uint64_t graph_random(uint64_t *state);

/* ---- by hand --------------------------------------------------------------------------------- */

struct made_graph *graph_make_empty(void);
/* A switch with port 0 that has a LID; they count from 0. */
uint32_t graph_add_switch(struct made_graph *made);
/* At the lowest free ports of both, @a's first. @a and @b differ. */
void graph_add_cable(struct made_graph *made, uint32_t a, uint32_t b);
/* A device of one port at the lowest free port of @at. */
void graph_add_end(struct made_graph *made, uint32_t at, enum end_kind kind);
void graph_add_hosts(struct made_graph *made, uint32_t at, unsigned n);

/* ---- shapes: @hosts is per switch ------------------------------------------------------------ */

struct made_graph *graph_make_star(unsigned n_arms, unsigned hosts); /* switch 0 has no host */
struct made_graph *graph_make_line(unsigned n, unsigned hosts);
struct made_graph *graph_make_ring(unsigned n, unsigned hosts); /* port 1 clockwise, n > 2 */
struct made_graph *graph_make_single(unsigned hosts);
/* Leaves first, then spines: @radix leaves of @radix / 2 hosts. */
struct made_graph *graph_make_ft2(unsigned radix);
/* All leaves, all middle switches, all cores, pod by pod; fewer @pods: parallel cables to cores. */
struct made_graph *graph_make_ft3(unsigned radix, unsigned pods);
/* Two fabrics of graph_make_ft2() that no cable joins. */
struct made_graph *graph_make_two_trees(unsigned radix);
/* A dimension of 2 has two cables between neighbours, one of 1 none. */
struct made_graph *graph_make_torus(unsigned x, unsigned y, unsigned z, unsigned hosts);
/* a * h + 1 groups of @a switches, each with @h cables to other groups. */
struct made_graph *graph_make_dragonfly(unsigned a, unsigned h, unsigned hosts);
struct made_graph *graph_make_hyperx(unsigned x, unsigned y, unsigned hosts);
/* A ring and random cables, about @degree per switch; may have parallel ones. */
struct made_graph *graph_make_random(unsigned n, unsigned degree, unsigned hosts, uint64_t seed);

/* ---- what befalls them ----------------------------------------------------------------------- */

/* One of those between @a and @b, which must be there. */
void graph_remove_cable(struct made_graph *made, uint32_t a, uint32_t b);
/* At most @n; what they cut off stays, as a component of its own. */
void graph_remove_links(struct made_graph *made, unsigned n, uint64_t seed);
/* With all that hangs on them; the others close ranks. */
void graph_remove_switches(struct made_graph *made, unsigned n, uint64_t seed);
void graph_remove_switch(struct made_graph *made, uint32_t s);
/* It keeps its number, its cables and what hangs on it: see struct graph. */
void graph_set_away(struct made_graph *made, uint32_t s, bool away);
/* Each cable @times over. */
void graph_multiply_cables(struct made_graph *made, unsigned times);
/* Of hosts and routers. */
void graph_set_lmc(struct made_graph *made, uint8_t lmc);
/* Hosts become devices of @n_ports ports; with seed 0 neighbours do, otherwise any. */
void graph_join_devices(struct made_graph *made, unsigned n_ports, uint64_t seed);
/* An aggregation node on every switch that has a free port. */
void graph_add_aggregation(struct made_graph *made);
/* @n on every switch that has none. */
void graph_add_hosts_on_spines(struct made_graph *made, unsigned n);
void graph_shuffle_lids(struct made_graph *made, uint64_t seed);
/* As our subnet manager on the first end gives them (sm/lid-order.c); they stay with the ends. */
void graph_deal_lids(struct made_graph *made);
void graph_shuffle_order(struct made_graph *made, uint64_t seed);
/* Data lanes of all cables. */
void graph_set_lanes(struct made_graph *made, uint8_t n);
/* Copied; @n 0 is none. */
void graph_set_roots(struct made_graph *made, const uint32_t *roots, uint32_t n);

/* ---- net files ------------------------------------------------------------------------------- */

/*
 * A file as ibnetdiscover prints and ibsim reads it. order[] is that of the node identifiers, nodes
 * called "Aggregation Node" are END_AGGREGATION; LIDs in the file are not looked at.
 * -EINVAL: a line or a cable that makes no sense, number in *ret_line (0: not a matter of one
 * line).
 */
int graph_read_net(const char *path, struct made_graph **ret, unsigned *ret_line);

/* What the file calls switch @s: its description or identifier. NULL if it was not read. */
const char *graph_switch_name(const struct made_graph *made, uint32_t s);
