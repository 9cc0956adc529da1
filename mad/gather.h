/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Whether to wait for more questions before those that have come are followed up. To fall asleep
 * and be woken costs several times what an answer does, and who is asked by several at once is
 * woken for each few of them. So after a few questions at once there is a pause in which those who
 * have been answered ask again: shorter than anybody who asks would notice, and a third of the
 * processor time less with eight clients (doc/performance.md).
 *
 * One who asks alone waits for each answer before the next question: no pause for one, nor for two.
 * For more it is in proportion, so that it leaves room for 25,000 answers a second. Nor is there
 * one if a single answer to ourselves is among them: then we wait for others, and each pause would
 * make a sweep longer. Nor if there are many: they are there already.
 */

#include "base/macros.h"
#include "mad/transport.h"

enum {
	GATHER_US = 40, /* for each question, */
	GATHER_LEAST = 3,
	GATHER_FULL = 10, /* but not for more than so many */
	GATHER_MOST = 31,
};

/* Microseconds to wait after @n arrivals; 0: none. */
static inline unsigned gather_us(const struct arrival *arrivals, unsigned n)
{
	if (n < GATHER_LEAST || n > GATHER_MOST)
		return 0;
	for (unsigned i = 0; i < n; i++)
		if (arrivals[i].undelivered || wire_is_response(&arrivals[i].datagram))
			return 0;

	return GATHER_US * MIN(n, (unsigned)GATHER_FULL);
}
