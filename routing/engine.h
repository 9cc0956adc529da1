/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a routing engine is: a graph goes in, forwarding tables come out. No MAD, no GUID, no clock,
 * no I/O. The same graph gives the same tables, always: what an engine remembers makes it faster,
 * and nothing else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No entry: the switch drops the packet (IBA 14.2.5.10, port 255). */
#define ROUTE_NONE 0xff

/* One direction of an inter-switch link: out of @port of the switch that owns the arc. */
struct arc {
	uint32_t to;     /* switch at the far end */
	uint8_t port;    /* 1 to 254, unique within the owner */
	uint8_t to_port; /* the far end's port: arc (to, to_port) is this cable the other way */
};

enum end_kind {
	END_HOST,        /* a channel adapter's port */
	END_ROUTER,      /* a router's port */
	END_AGGREGATION, /* a SHARP aggregation node: an end like any, but no sign of a leaf */
	END_SWITCH,      /* port 0 of a switch */
};

/*
 * A thing that has LIDs: lid to lid + 2^lmc - 1, reached through @port of @at.
 * Switch port 0: port 0. Ports of one device share @device, so that engines can spread its LIDs.
 */
struct end {
	uint32_t at; /* the switch that it hangs on (END_SWITCH: itself) */
	uint32_t device;
	uint16_t lid;
	uint8_t port;
	uint8_t lmc;
	uint8_t kind; /* enum end_kind */
};

/*
 * The fabric as arrays of integers. arcs of switch s: arcs[arc_first[s]] to arcs[arc_first[s+1]-1],
 * by port. Every cable between switches is there twice, once per end; a loopback cable (a switch
 * wired to itself) is not there. ends: sorted by (at, port), every switch has its END_SWITCH if it
 * has a LID. order[s] is a total order of the switches, 0 to n_switches - 1, that does not change
 * when cables do (the rank of their GUIDs). max_lid: the highest LID of any end, LMC range
 * included.
 *
 * A switch that is away keeps its row and its ends, so that others are counted as they were and
 * nothing is written when it comes back: it has no arcs, and its cables are in @whole, the same
 * graph with nobody away. What leads to its ends leads where it would lead in @whole.
 */
struct graph {
	uint32_t n_switches;
	uint32_t n_arcs;
	uint32_t n_ends;
	uint16_t max_lid;
	const uint32_t *arc_first;
	const struct arc *arcs;
	const struct end *ends;
	const uint32_t *order;
	const uint32_t *roots; /* switches that the operator calls roots, or NULL */
	const bool
		*strangers; /* [switch]: something hangs on it that sends and is no end; or NULL */
	const uint64_t *blind;     /* [switch * 4 + port / 64], a bit per port: a link is up there,
				      nobody knows to where; or NULL */
	const bool *mute;          /* [switch]: it cannot be part of a tree of multicast; or NULL */
	const bool *away;          /* [switch], or NULL: nobody is; */
	const struct graph *whole; /* only then NULL, too */
	uint32_t n_roots;
	uint8_t n_lanes; /* data lanes (VLs) that all cables between switches have; 0: one */
};

static inline bool graph_is_mute(const struct graph *graph, uint32_t s)
{
	return graph->mute && graph->mute[s];
}

static inline bool graph_is_away(const struct graph *graph, uint32_t s)
{
	return graph->away && graph->away[s];
}

/* lft[s * stride + lid] is the exit port of switch s, 0 for itself. stride is a multiple of 64. */
struct tables {
	uint8_t *lft;
	size_t stride;
};

/* The stride that tables for @graph need. */
static inline size_t tables_stride(const struct graph *graph)
{
	return ((size_t)graph->max_lid + 64) / 64 * 64;
}

/* What an engine knows of the last graph: see past.h. */
struct past;

#define LANES_MAX 8

/*
 * Which pairs of switches, and so what hangs on them, talk on which service level: sl[a *
 * n_switches + b], the same forth and back. Service level i travels on virtual lane i, on every
 * cable between switches. Packets to a switch's own ends have any.
 */
struct lanes {
	uint8_t *sl; /* NULL: all on 0 */
	uint32_t n_switches;
	uint8_t n; /* service levels: 0 to n - 1; 0 is one, too */
	/*
	 * On service level 0 there is room for one spanning tree: packets that stay on it, up and
	 * down, and all others of this level wait for each other in no circle; with one lane, where
	 * there are hosts behind. up[s] is the port of switch s that leads up, ROUTE_NONE at the
	 * top (of each part of the fabric) and where it is mute. With one lane it may be NULL: the
	 * engine has an order of its own, or it is minhop, asked for by name, and there is no room.
	 */
	uint8_t *up;
};

static inline uint8_t lanes_sl(const struct lanes *lanes, uint32_t a, uint32_t b)
{
	return lanes->sl ? lanes->sl[(size_t)a * lanes->n_switches + b] : 0;
}

void lanes_clear(struct lanes *lanes);

/*
 * Fill all of @tables, also entries that no LID uses (ROUTE_NONE). 0, -ENOMEM, or -ENOTSUP if the
 * engine does not fit this graph; @ret_why then says so in one sentence (static storage). @past,
 * if it is not NULL and the engine can do with one, is empty before and filled in after success.
 */
struct engine {
	const char *name;
	const char *sentence; /* for --help and the man page */
	int (*route)(const struct graph *graph, struct tables *tables, const char **ret_why,
		     struct past *past);
	/*
	 * The same for engines that can use as many lanes as the graph has; or NULL. *ret, which
	 * was empty, is for the caller to clear.
	 */
	int (*route_in_lanes)(const struct graph *graph, struct tables *tables, struct lanes *ret,
			      const char **ret_why, struct past *past);
};

extern const struct engine engine_minhop;
extern const struct engine engine_updn;
extern const struct engine engine_ftree;
extern const struct engine engine_lanes;

/* The engine called @name, or NULL. "auto" is not one: see route_fabric(). */
const struct engine *engine_find(const char *name);

/* All of them, ending with NULL. */
extern const struct engine *const engines[];

/* What the proof found; the first offence of each kind, for the log. */
struct proof {
	bool complete;  /* every LID is reached from every switch that has a path in the graph */
	bool loop_free; /* no packet comes to a switch twice */
	bool deadlock_free; /* channel dependencies of the packets that channel adapters and routers
			       send are acyclic */
	uint32_t n_missing; /* (switch, LID) pairs without a route */
	uint32_t missing_switch;
	uint16_t missing_lid;
	uint32_t loop_switch;
	uint16_t loop_lid;
	uint32_t cycle_length; /* channels on the cycle found */
	uint32_t cycle_switch; /* one channel of it: out of */
	uint8_t cycle_port;
	uint8_t cycle_lane;
};

/*
 * What packets of hosts wait for, see routing/turns.h: words @a * words on are those of arc a; bit
 * i means that packets which came by it wait for the i-th arc of the switch that it leads to.
 */
struct turns {
	uint64_t *bits; /* NULL: none */
	uint32_t words;
};

void turns_clear(struct turns *turns);

/*
 * Hold any engine's tables against the graph. 0 with *ret filled in, or -ENOMEM. @ret_turns: the
 * turns that packets take with these tables, for the caller to clear; or NULL.
 */
int proof_check(const struct graph *graph, const struct tables *tables, struct proof *ret,
		struct turns *ret_turns);

/*
 * The same for tables whose packets go by @lanes, and deadlock_free is then of each lane by itself,
 * port 0 of switches sends too, and @ret_turns are those of lane 0. With one lane it is
 * proof_check().
 */
int proof_check_lanes(const struct graph *graph, const struct tables *tables,
		      const struct lanes *lanes, struct proof *ret, struct turns *ret_turns);

static inline bool proof_holds(const struct proof *proof)
{
	return proof->complete && proof->loop_free && proof->deadlock_free;
}

/* What was routed, and how it came to that. */
struct route_result {
	const struct engine *engine; /* whose tables these are */
	struct proof proof;          /* of these tables; always holds if route_*() returned 0 */
	const char *why;    /* why not the engine asked for, or where roots come from; or NULL */
	uint32_t n_roots;   /* updn and ftree: how many roots */
	struct lanes lanes; /* for the caller to clear, if route_fabric() returned 0 */
};

/*
 * Route with the engine called @name ("auto" chooses), prove it, and where the proof fails fall
 * back to an engine that passes. -EPROTO if none does: then @tables is not to be used, ret->proof
 * says why. @ret_turns, or NULL: those of the tables (of lane 0), only if it returns 0.
 */
int route_fabric(const char *name, const struct graph *graph, struct tables *tables,
		 struct route_result *ret, struct turns *ret_turns, struct past *past);

struct patch;

/*
 * The same for a graph that is little changed. @tables, which may be wider than it, and their
 * @turns are proven, and of the graph of @past: all as route_fabric() or this made them. 1: they
 * are of @graph now, proven, and @ret_patch, which was empty, has the entries that changed. 0:
 * route_fabric() has to be asked, as too much is changed, or could not be proven this way. -ENOMEM:
 * the same. Then @tables and @turns are as they were, and @past is too or is empty.
 */
int route_again(const char *name, const struct graph *graph, struct past *past,
		struct tables *tables, struct turns *turns, struct patch *ret_patch);
