/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Whether to wait for more before what has come is followed up. To fall asleep and be woken costs
 * several times what a datagram does, and where several send, each few of theirs wake us. If many
 * have come they are there already, and there is no pause.
 *
 * After a few questions at once there is one in which those who have been answered ask again:
 * shorter than anybody who asks would notice, and a third of the processor time less with eight
 * clients (doc/performance.md). One who asks alone waits for each answer before the next question:
 * no pause for one, nor for two. For more it is in proportion, so that it leaves room for 25,000
 * answers a second.
 *
 * After a few answers to ourselves there is one if so many more are awaited that the fabric has
 * enough to do until it is over: bringing up a fabric takes a seventh less processor time. With
 * fewer each pause would make a sweep longer, and there is none.
 */

#include "base/macros.h"
#include "mad/transport.h"

enum {
	GATHER_US = 40, /* for each question, */
	GATHER_LEAST = 3,
	GATHER_FULL = 10, /* but not for more than so many */
	GATHER_MOST = 31,
	GATHER_ANSWERS_US = 80, /* for answers, if as many are awaited as this */
	GATHER_AWAITED = 64,
};

static inline bool gather_has_answers(const struct arrival *arrivals, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (arrivals[i].undelivered || wire_is_response(&arrivals[i].datagram))
			return true;

	return false;
}

/* Microseconds to wait after @n arrivals, with so many answers awaited; 0: none. */
static inline unsigned gather_us(const struct arrival *arrivals, unsigned n, unsigned awaited)
{
	if (n > GATHER_MOST)
		return 0;
	if (gather_has_answers(arrivals, n))
		return awaited >= GATHER_AWAITED ? GATHER_ANSWERS_US : 0;

	return n >= GATHER_LEAST ? GATHER_US * MIN(n, (unsigned)GATHER_FULL) : 0;
}
