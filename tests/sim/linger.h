/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Whether to look once more for what a peer sends, or to sleep until it comes.
 *
 * Simulator and client answer each other within microseconds, but who sleeps has to be woken: on a
 * virtual machine whose processors are idle that takes both sides tens of microseconds, several
 * times what an SMP takes. So either side goes on looking for LINGER_NSEC after the last packet,
 * and gives the processor away (sched_yield()) between two looks, to whoever wants it.
 *
 * That is only good if nobody else does, or a part of the same conversation, whose turn is short.
 * Others would be given a whole slice of time at each look, while who sleeps and is woken gets the
 * processor at once. So a turn of more than LINGER_LOST_NSEC is a loss, after which there is no
 * lingering for a while: twice as long with each loss, a little shorter with each success.
 *
 * No clock is read here, nor anything given away.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	LINGER_NSEC = 100 * 1000, /* longer than it takes to wake two threads, one by the other */
	LINGER_LOST_NSEC = 100 * 1000,
	LINGER_PAUSE_NSEC = 1000 * 1000,
	LINGER_PAUSE_MOST_NSEC = 128 * 1000 * 1000,
};

/* Zeroed: nothing has come yet. */
struct linger_state {
	uint64_t until;
	uint64_t not_before;
	uint64_t pause; /* after the last loss */
};

/* A packet came, or is about to be waited for. */
static inline void linger_begin(struct linger_state *l, uint64_t now)
{
	if (now < l->until)
		l->pause -= l->pause / 8;
	l->until = now < l->not_before ? 0 : now + LINGER_NSEC;
}

/* Nothing came: give way, and look again? */
static inline bool linger_on(const struct linger_state *l, uint64_t now)
{
	return now < l->until;
}

/* The processor was given away at @from, and is back. */
static inline void linger_gave_way(struct linger_state *l, uint64_t from, uint64_t now)
{
	if (now - from <= LINGER_LOST_NSEC)
		return;
	l->pause = l->pause < LINGER_PAUSE_NSEC            ? LINGER_PAUSE_NSEC
		   : l->pause < LINGER_PAUSE_MOST_NSEC / 2 ? 2 * l->pause
							   : LINGER_PAUSE_MOST_NSEC;
	l->not_before = now + l->pause;
	l->until = 0;
}
