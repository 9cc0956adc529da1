/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The exits upward that a switch of a tree would have if no cable were lost: one slot for each, in
 * the sequence in which exits are counted. See nominal.c for how it is known.
 */

#include "routing/fan.h"

enum { NOMINAL_LOST = 0xff };

#define REMAINDER_ANY UINT32_MAX

struct nominal_slot {
	uint8_t fan;  /* which of the fans of the switch, or NOMINAL_LOST */
	uint8_t lane; /* which of the cables of that fan; it may be lost, too */
};

struct nominal {
	uint32_t *first; /* of switch s: slot[first[s]] to slot[first[s + 1] - 1]; may be none */
	struct nominal_slot *slot;
	uint32_t *remainder; /* of switch s: of the numbers of hosts sent up to it, by its share */
};

/* 0 or -ENOMEM. nominal_clear() also after failure. */
int nominal_make(const struct graph *graph, const struct ranking *ranking,
		 const struct numbering *numbering, struct fans *fans, struct nominal *ret);
void nominal_clear(struct nominal *nominal);
/*
 * The same slots for @fans, some of those of @whole_fans: the others are lost. @n switches. 0 or
 * -ENOMEM.
 */
int nominal_copy(const struct nominal *whole, const struct fans *whole_fans,
		 const struct fans *fans, uint32_t n, struct nominal *ret);
