/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Between transition.c, which says what this is about, and transition-rounds.c: one block of LIDs
 * whose ways change.
 */

#include "routing/admission.h"
#include "routing/transition.h"

enum {
	LIDS = 65536,
	BLOCK = 64, /* LIDs at a time */
	LAST = 15,  /* round that there may be, the first being 0 */
	NOWHERE = UINT32_MAX,
};

enum side { HELD, PLANNED, SIDES };

/* A place on a path of switches. */
struct step {
	uint32_t at;
	unsigned side; /* to look at next */
};

struct change {
	const struct graph *graph;
	const struct tables *tables[SIDES];
	uint8_t *turn_of_port; /* see turns_of_ports() */
	bool *has_senders;     /* [switch] */
	uint32_t *reverse;     /* [arc]: the same cable the other way */

	bool has_turns; /* else nothing is known of what goes together */
	struct admission admission;

	/* The block of LIDs at hand. */
	uint8_t *entries[SIDES]; /* [switch * 64 + i]: of its i-th LID */
	uint64_t *changes;       /* [switch]: LIDs that lose or change their way here */
	uint32_t *active;        /* switches where some do */
	uint32_t n_active;
	uint32_t *visited; /* [switch]: 2 n of the n-th search: on the path, 2 n + 1: done */
	uint32_t n_visits;
	struct step *path;
	uint32_t *queue;     /* [switch] */
	uint64_t ordered;    /* LIDs */
	uint8_t *round;      /* [switch]: in which the block is written */
	uint8_t *last_round; /* [switch]: the same, before the last LID */
};

/* The arc by which switch @s sends LID @i of the block on, or NOWHERE. */
static inline uint32_t change_arc_of(const struct change *change, unsigned side, uint32_t s,
				     unsigned i)
{
	uint8_t port = change->entries[side][(size_t)s * BLOCK + i];
	uint32_t turn = change->turn_of_port[(size_t)s * 256 + port];

	return turn < graph_degree(change->graph, s) ? change->graph->arc_first[s] + turn : NOWHERE;
}

/* Packets come to a switch by @arc: are all their turns there, old and new, admitted? */
bool change_admit_arrival(struct change *change, uint32_t arc, unsigned i);

/* Are there rounds that suit LID @i, with the others of the block that go in rounds? */
bool change_goes_in_rounds(struct change *change, unsigned i);
