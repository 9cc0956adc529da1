/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What stories share that look at the clock there: a tree whose agents take their time. */

#include "tests/scenario/scenario.h"

/* Of an SMP, by each agent: what agents of switches were measured at is ten times as much. */
#define TIMED_SERVICE (30 * LOOP_USEC)

enum { TIMED_LEAVES = 8, TIMED_SPINES = 4, TIMED_HOSTS = 8 /* of a leaf */ };

/* 76 devices; two cables from each leaf to each spine. */
struct made_graph *timed_make_tree(void);

/* Every agent that is there takes TIMED_SERVICE. */
void timed_serve(struct scenario *s);

/* Milliseconds until all links are Active but those that nothing passes, or patience ends. */
uint64_t timed_until_active(struct scenario *s);

void timed_sort(uint64_t *times, size_t n);
