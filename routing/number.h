/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The sequence in which destinations and exits are counted, so that picking "the next" again and
 * again spreads traffic evenly. See number.c for why.
 */

#include "routing/rank.h"

enum { TABLE_BLOCK = 64 }; /* LIDs of a forwarding table that are written together */

/* A LID, and how far it counts on from the number of its group. */
struct target {
	uint16_t lid;
	uint16_t offset;
};

enum target_group {
	TARGET_HOSTS, /* what applications talk to, and what goes the way of one of these */
	TARGET_OWN,   /* else the switch itself and its aggregation nodes: little traffic */
	TARGET_GROUP_COUNT,
};

struct numbering {
	uint32_t *sequence; /* destination switches: the ends of sequence[i] are counted i-th */
	uint32_t *first;    /* group g of the i-th: targets[first[2 * i + g]] to the next group's */
	uint32_t *number;   /* [i]: what its first host is counted as */
	struct target *targets;
	uint32_t max_offset;
	uint8_t *port;      /* of each target, at its own switch; 0 is the switch itself */
	uint32_t *exit_key; /* of switches: exits are counted by rising key of where they lead */
};

/* 0 or -ENOMEM. numbering_clear() also after failure. */
int numbering_make(const struct graph *graph, const struct ranking *ranking, struct numbering *ret);
void numbering_clear(struct numbering *numbering);
/* The same for @n switches. 0 or -ENOMEM. */
int numbering_copy(const struct numbering *numbering, uint32_t n, struct numbering *ret);
