/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * MTU, rate and packet life time in a question: a selector and a value (IBA 15.2.5.16). A bound
 * counts only if the question has both.
 */

#include <stdbool.h>
#include <stdint.h>

#include "mad/wire.h"

enum selector {
	MORE_THAN = 0,
	LESS_THAN = 1,
	EXACTLY = 2,
	BEST = 3,
};

/* None is BEST. */
struct bound {
	enum selector selector;
	unsigned value;
};

/* As @record says, if the question has both. */
struct bound bound_read(const void *record, bool has_both, enum wire_field selector,
			enum wire_field value);

/*
 * Can what has @mtu at most be used within the bound? It is lowered to the most that is. An MTU
 * is a code from 1 (256 bytes) on, a rate one as in rate.h.
 */
bool bound_meet_mtu(const struct bound *bound, uint8_t *mtu);
bool bound_meet_rate(const struct bound *bound, uint8_t *rate);

/* Is it as the bound says? */
bool bound_has_mtu(const struct bound *bound, unsigned mtu);
bool bound_has_rate(const struct bound *bound, unsigned rate);
bool bound_has_life(const struct bound *bound, unsigned life);
