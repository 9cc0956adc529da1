/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "mad/loss.h"

#include "base/macros.h"

#define ONE       65536u
#define RATE_MOST (ONE / 100 * 85) /* beyond that the number of tries has no sensible bound */
#define FIRST     8u /* as if so many had been answered before: a few tries do not make a rate */
#define MEMORY    64u
#define VAIN_MOST 64u /* what one agent can say */

static void note_try(struct loss *loss, uint32_t lost)
{
	uint32_t weight = MIN(FIRST + ++loss->seen, MEMORY);

	loss->seen = MIN(loss->seen, MEMORY);
	if (lost > loss->rate)
		loss->rate += (lost - loss->rate + weight - 1) / weight;
	else
		loss->rate -= (loss->rate - lost + weight - 1) / weight;
}

void loss_note(struct loss *loss, unsigned in_vain)
{
	for (unsigned i = 0; i < MIN(in_vain, VAIN_MOST); i++)
		note_try(loss, ONE);
	note_try(loss, 0);
}

unsigned loss_patience(const struct loss *loss, uint32_t odds)
{
	uint64_t rate = MIN(loss->rate, RATE_MOST);
	uint64_t chance = rate * ONE;
	unsigned tries = 1;

	for (; chance * odds > (uint64_t)ONE * ONE; tries++)
		chance = chance * rate / ONE;

	return tries;
}
