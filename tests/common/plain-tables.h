/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Tables for graphs: with rubbish for an engine, or without one: short ways, ways in one tree, and
 * what spoils them.
 */

#include "routing/engine.h"

/* Room for what @graph needs, all ROUTE_NONE; ends the program if there is no memory. */
struct tables plain_tables_make(const struct graph *graph);
/* The same with rubbish in them, so that entries which an engine forgets are seen. */
struct tables plain_tables_rubbish(const struct graph *graph);
void plain_tables_clear(struct tables *tables);

/* A shortest way for every pair of switch and LID, one of the best ones at random. */
void plain_tables_fill_short(const struct graph *graph, struct tables *tables, uint64_t seed);

/* Only along one tree per component, breadth first from a random switch: never deadlocks. */
void plain_tables_fill_tree(const struct graph *graph, struct tables *tables, uint64_t seed);

/* Any bytes. */
void plain_tables_fill_noise(const struct graph *graph, struct tables *tables, uint64_t seed);

/* Change up to @n entries: another port, one that is not there, none, 0, or two exchanged. */
void plain_tables_spoil(const struct graph *graph, struct tables *tables, unsigned n,
			uint64_t seed);
