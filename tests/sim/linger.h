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
 * lingering for LINGER_PAUSE_TIMES as long: where others have work, no more than that is lost.
 *
 * Nor is it good for a peer that has much under way. It does not wait for the single answer, and
 * works the less for each the more of them it finds at once; who sleeps until it has sent some lets
 * it have them so. So packets are counted from pause to pause, and whoever sent many is a flood,
 * for which nobody lingers, until it has once sent few.
 *
 * No clock is read here, nor anything given away.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	LINGER_NSEC = 100 * 1000, /* longer than it takes to wake two threads, one by the other */
	LINGER_LOST_NSEC = 100 * 1000,
	LINGER_PAUSE_TIMES = 16,
	LINGER_PAUSE_MOST_NSEC = 128 * 1000 * 1000,
	LINGER_FLOOD = 24,             /* packets, without a pause */
	LINGER_FLOOD_NSEC = 20 * 1000, /* which is one */
};

/* Zeroed: nothing has come yet. */
struct linger_state {
	uint64_t until;
	uint64_t not_before;
};

/* What one peer sends. Zeroed: nothing has come yet. */
struct linger_flow {
	uint64_t last;
	unsigned n; /* since the last pause */
	bool was_flood;
};

/* A packet came, or is about to be waited for. */
static inline void linger_begin(struct linger_state *l, uint64_t now)
{
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
	uint64_t pause = LINGER_PAUSE_TIMES * (now - from);

	if (now - from <= LINGER_LOST_NSEC)
		return;
	l->not_before = now + (pause < LINGER_PAUSE_MOST_NSEC ? pause : LINGER_PAUSE_MOST_NSEC);
	l->until = 0;
}

/* @n packets came. */
static inline void linger_count(struct linger_flow *f, unsigned n, uint64_t now)
{
	if (now - f->last > LINGER_FLOOD_NSEC) {
		f->was_flood = f->n >= LINGER_FLOOD;
		f->n = 0;
	}
	f->last = now;
	f->n += n;
}

static inline bool linger_is_flood(const struct linger_flow *f)
{
	return f->was_flood || f->n >= LINGER_FLOOD;
}
