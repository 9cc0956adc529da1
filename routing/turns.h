/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Turns: a packet that came by one arc waits for the next. A turn is named by the arc that comes in
 * and the place that the other has among the arcs of the switch between them.
 */

#include "routing/engine.h"

static inline uint32_t graph_degree(const struct graph *graph, uint32_t s)
{
	return graph->arc_first[s + 1] - graph->arc_first[s];
}

static inline bool is_same_arc(const struct arc *a, const struct arc *b)
{
	return a->to == b->to && a->port == b->port && a->to_port == b->to_port;
}

/* Words that the turns of one arc take. */
uint32_t turns_words(const struct graph *graph);

/* @ret[s * 256 + port]: place of the arc out of @port of switch s, its degree if there is none. */
void turns_of_ports(const struct graph *graph, uint8_t *ret);

/* @ret[s]: something that sends hangs on switch s. Set where it is true, all else stays. */
void turns_find_senders(const struct graph *graph, bool *ret);

/* 1: what hosts send waits for itself all around on any shortest ways on one lane. 0 or -ENOMEM. */
int turns_are_forced_around(const struct graph *graph);

static inline bool turns_have(const struct turns *turns, uint32_t arc, uint32_t turn)
{
	return turns->bits[(size_t)arc * turns->words + turn / 64] >> turn % 64 & 1;
}

static inline void turns_put(const struct turns *turns, uint32_t arc, uint32_t turn)
{
	turns->bits[(size_t)arc * turns->words + turn / 64] |= UINT64_C(1) << turn % 64;
}

static inline void turns_drop(const struct turns *turns, uint32_t arc, uint32_t turn)
{
	turns->bits[(size_t)arc * turns->words + turn / 64] &= ~(UINT64_C(1) << turn % 64);
}
