/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Between routes.c and its helpers: what is computed, from a graph of the fabric to the way from
 * what switches hold to other tables.
 */

#include "routing/past.h"
#include "sm/machine.h"

struct route_job {
	struct sm *sm;
	struct graph graph;
	uint32_t *arc_first;
	struct arc *arcs;
	struct end *ends;
	uint32_t *order;
	uint32_t *roots;
	bool *strangers;
	uint64_t *blind;
	bool *mute;
	struct graph whole; /* with the switches that are away, if there are any; */
	uint32_t *whole_first;
	struct arc *whole_arcs;
	bool *away;             /* else NULL */
	uint32_t *switch_nodes; /* row: node */
	uint32_t *rows;         /* node: row, or NO_SWITCH */
	uint32_t n_nodes;
	struct column *columns; /* of vports */
	uint32_t n_columns;
	uint16_t max_lid; /* vports included */
	struct tables tables;
	struct tables held; /* lft NULL: nothing that stands in the way of any tables */
	struct turns turns;
	struct past past;
	struct transition transition;
	const char *engine;
	struct route_result result;
	uint64_t signature;
	bool in_lanes; /* the tables are made for several lanes */
	bool again;    /* the tables are a copy of those in use; but switches hold others */
	int error;
};

void route_job_free(struct route_job *job); /* it may be NULL */

/* route-graph.c: the graph of the fabric as it is, its rows, its engine, and the signature of all
   that. 0 or -ENOMEM. */
int route_graph_make(struct sm *sm, struct route_job *job);

/* The tables in use are for the graph of @job, whose rows they have. */
void routes_take_rows(struct sm *sm, const struct route_job *job);
/* Whose ways change only in some order. */
void routes_say_order(const struct transition *transition);

/*
 * routes-again.c: do it at once, if little has changed. 1: done. 0: it has to be computed; or only
 * the way to the tables, if the signature of those in use is that of @job now. -ENOMEM.
 */
int routes_again(struct sm *sm, const struct route_job *job);
/* Tables are as before but for @patch, which is of vports alone. The same, but for the signature.
 */
int routes_follow_vports(struct sm *sm, const struct route_job *job, struct patch *patch);
