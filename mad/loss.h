/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * How much is lost on the way, as far as answers tell: of each agent that answers it is known how
 * many tries before were in vain. Silence alone tells nothing; who never answers does not count.
 *
 * What it is for: to tell bad luck from silence. So many tries in a row without an answer as would
 * hardly ever happen by chance mean something; fewer are to be expected, and are no reason
 * to wait longer before the next.
 */

#include <stdint.h>

struct loss {
	uint32_t rate; /* of tries, in 65536ths */
	uint32_t seen; /* tries that it was made from, up to a bound; all zero at first */
};

/* An agent has answered, after so many tries in vain. */
void loss_note(struct loss *loss, unsigned in_vain);

/* The least number of tries that all go under by chance at most once in @odds times; at least 1. */
unsigned loss_patience(const struct loss *loss, uint32_t odds);
