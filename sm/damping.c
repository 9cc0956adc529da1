/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "sm/damping.h"

#include "base/macros.h"

/* 2^-x in millionths, for x of 0 to 999 thousandths: off by less than 1 %. */
static uint64_t part_of_half(uint64_t x)
{
	return 1000000 - 656 * x + 156 * x * x / 1000;
}

uint32_t damping_owed(const struct damping *damping, uint64_t now, uint64_t half_life)
{
	uint64_t passed = now > damping->at ? now - damping->at : 0;
	uint64_t halves = passed / half_life;
	uint64_t thousandths = passed % half_life / (half_life / 1000 + 1);

	if (halves >= 32)
		return 0;

	return (uint32_t)((damping->owed >> halves) * part_of_half(thousandths) / 1000000);
}

uint32_t damping_charge(struct damping *damping, uint64_t now, uint64_t half_life, uint32_t most)
{
	uint32_t owed = damping_owed(damping, now, half_life);

	damping->owed = owed < most ? MIN(owed + DAMPING_EVENT, most) : most;
	damping->at = now;

	return damping->owed;
}
