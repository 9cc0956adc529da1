/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Anybody may ask the subnet administration as much as it likes, and what has arrived meanwhile is
 * answered in one go. So each source has its turn: who asks once waits for one request of each
 * other, and not for all of somebody who sends thousands. Answers to ourselves, and traps, come
 * before: a fabric that comes up does not wait for who asks about it.
 *
 * Nothing is dropped, and requests of one source keep their order. A counting sort, by how many of
 * its source came before.
 */

#include "sm/fair.h"

#include <string.h>

static bool is_asked(const struct arrival *arrival)
{
	return wire_get(&arrival->datagram, MAD_CLASS) == CLASS_SA;
}

void fair_order(struct fair *fair, const struct arrival *arrivals, unsigned n,
		uint16_t ret[static FAIR_MAX])
{
	uint16_t turn[FAIR_MAX];
	uint16_t first[FAIR_MAX + 2]; /* by turn */

	memset(first, 0, (n + 2) * sizeof(*first));
	for (unsigned i = 0; i < n; i++) {
		turn[i] = 0;
		if (is_asked(&arrivals[i]))
			turn[i] = ++fair->seen[arrivals[i].from.lid];
		first[turn[i] + 1]++;
	}
	for (unsigned i = 0; i <= n; i++)
		first[i + 1] = (uint16_t)(first[i + 1] + first[i]);
	for (unsigned i = 0; i < n; i++) {
		ret[first[turn[i]]++] = (uint16_t)i;
		fair->seen[arrivals[i].from.lid] = 0;
	}
}
