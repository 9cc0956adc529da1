/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A circle of packets that wait for each other, in the dependencies between directed cables.
 */

#include "routing/engine.h"

struct cycle {
	uint32_t length; /* arcs on it, 0: there is none */
	uint32_t at;     /* one of them: out of this switch */
	uint8_t port;
};

/*
 * @turns: @words words per arc; bit i means that packets which came by the arc wait for the i-th
 * arc of the switch that it leads to. They are used up. Depth first in the order of the arcs, so
 * the same turns give the same cycle.
 * @ret_order, an entry per arc, or NULL: if there is no cycle, arcs in an order in which each comes
 * before all that are waited for behind it.
 * 0 with *ret filled in, or -ENOMEM.
 */
int cycle_find(const struct graph *graph, uint64_t *turns, uint32_t words, uint32_t *ret_order,
	       struct cycle *ret);
