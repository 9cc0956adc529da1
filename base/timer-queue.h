/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Timers in the order in which they are to fire: by time, and those of the same time in the order
 * in which they were set. Both loops keep theirs in one.
 */

#include <stdint.h>

/* Embedded in the timer; a zeroed one is not set. */
struct timer_entry {
	uint64_t when;
	uint64_t order; /* of setting */
	uint32_t place; /* in the heap, from 1 on; 0: not set */
};

/* A zeroed struct is an empty queue. */
struct timer_queue {
	struct timer_entry **heap; /* of n entries, the first at 1 */
	uint32_t n;
	uint32_t n_reserved;
	uint32_t size;
	uint64_t order; /* that the next one set will get */
};

void timer_queue_done(struct timer_queue *q);

/* Room for one entry more, so that setting it cannot fail. 0 or -ENOMEM. */
int timer_queue_reserve(struct timer_queue *q);

/* An entry that had room is no more; it is not set. */
void timer_queue_release(struct timer_queue *q);

/* Replaces what was set. */
void timer_queue_set(struct timer_queue *q, struct timer_entry *e, uint64_t when);

/* Harmless if it is not set. */
void timer_queue_remove(struct timer_queue *q, struct timer_entry *e);

/* The next to fire, or NULL. */
struct timer_entry *timer_queue_first(const struct timer_queue *q);
