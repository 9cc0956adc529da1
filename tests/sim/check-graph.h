/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The switches of a fabric and the links between them in flat arrays, for the checks that follow
 * routes. Every port of every switch, 0 too, has a number in one row; a link is named by the port
 * that it comes in by, as what waits there is what waits for the link.
 */

#include "tests/sim/check.h"

enum {
	GRAPH_NOTHING = UINT32_MAX,     /* no cable, or the link is not up */
	GRAPH_END = UINT32_MAX - 1,     /* a CA or router */
	GRAPH_SWITCHES = UINT32_MAX - 2 /* numbers below are ports */
};

/* Where a switch sends LIDs: its table as it counts, and the LIDs that end at it. */
struct sim_graph_table {
	const uint8_t *lft;
	uint32_t size; /* LIDs from here on have no entry */
	uint16_t lid;
	uint8_t lmc;
};

enum { GRAPH_TABLES = 2 };

struct sim_graph {
	uint32_t n_switches;
	uint32_t n_ports;
	struct sim_port **ports; /* all of them */
	uint32_t *switch_of;     /* of each port */
	uint32_t *first;         /* of each switch: its port 0 in the row */
	uint32_t *far;           /* of each port: the port that its link comes in by */
	unsigned n_tables;
	struct sim_graph_table *tables[GRAPH_TABLES]; /* of each switch */
};

/*
 * With the tables of now, and those of @before unless it is NULL. @active: only links that data
 * passes, now and in this direction; else all that are up. 0 or -ENOMEM.
 */
int sim_graph_new(const struct sim_fabric *fabric, const struct sim_snapshot *before, bool active,
		  struct sim_graph *graph);
void sim_graph_free(struct sim_graph *graph);

/* The port that switch @s sends @lid out by with table @t; 0: none, or it is for itself. */
static inline unsigned sim_graph_route(const struct sim_graph *g, unsigned t, uint32_t s,
				       uint32_t lid)
{
	const struct sim_graph_table *table = &g->tables[t][s];

	if (lid >= table->size || (table->lid && (lid - table->lid) >> table->lmc == 0))
		return 0;
	return table->lft[lid];
}

/* The link of port @number of switch @s; GRAPH_NOTHING for ports that it has not. */
static inline uint32_t sim_graph_link(const struct sim_graph *g, uint32_t s, unsigned number)
{
	uint32_t end = s + 1 < g->n_switches ? g->first[s + 1] : g->n_ports;

	return g->first[s] + number < end ? g->far[g->first[s] + number] : GRAPH_NOTHING;
}

/* Adds `"S-1"[3]` (and @more) to what @text says, or "..." once and for all if it is too long. */
void sim_graph_add_port(char text[static SIM_FINDING_TEXT], const struct sim_port *port,
			const char *more);
