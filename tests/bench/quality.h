/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How good forwarding tables are, whoever made them: hosts send to each other, and it is counted
 * how many flows share a cable. Between switches only: the cable of a host is its own.
 */

#include "routing/engine.h"

struct quality {
	double efi_max;   /* edge forwarding index: routes between hosts on the most used cable */
	double efi_ratio; /* that, by the average of used cables */
	double ebb;  /* effective bisection bandwidth, 0 to 1: in random permutations a flow gets
			1/n of its worst cable, n being the flows on it; the average of that */
	double hops; /* cables between switches from host to host, on average */
	double lost; /* share of the flows of those permutations that do not arrive */
};

/* Tables may loop, or lead nowhere: such a flow gets nothing. */
struct quality quality_of(const struct graph *graph, const struct tables *tables);
