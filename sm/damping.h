/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How much somebody has made himself heard of late: every event is charged, and what is owed halves
 * again and again while nothing happens. All zero: nothing is owed.
 */

#include <stdint.h>

#define DAMPING_EVENT 1000u

struct damping {
	uint64_t at; /* when this much was owed */
	uint32_t owed;
};

/* What is owed @now. @half_life is not 0. */
uint32_t damping_owed(const struct damping *damping, uint64_t now, uint64_t half_life);

/* One more event; never more than @most is owed. Returns what is. */
uint32_t damping_charge(struct damping *damping, uint64_t now, uint64_t half_life, uint32_t most);
