/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A binary heap of pointers. Every entry knows its place, so that it can be taken out or moved
 * without a search. The order of setting is a part of the key: a plain heap would let timers of the
 * same time fire in an order that depends on all others, and no run could be repeated.
 */

#include "base/timer-queue.h"

#include <errno.h>
#include <stdbool.h>

#include "base/macros.h"

#define FIRST_SIZE 16u

void timer_queue_done(struct timer_queue *q)
{
	free(q->heap);
	*q = (struct timer_queue){ 0 };
}

int timer_queue_reserve(struct timer_queue *q)
{
	uint32_t size = MAX(q->size, FIRST_SIZE);
	struct timer_entry **heap;

	/* Place 0 stays empty. */
	if (q->n_reserved + 2 > size)
		size *= 2;
	if (size != q->size) {
		heap = reallocarray(q->heap, size, sizeof(struct timer_entry *));
		if (!heap)
			return -ENOMEM;
		q->heap = heap;
		q->size = size;
	}
	q->n_reserved++;

	return 0;
}

void timer_queue_release(struct timer_queue *q)
{
	q->n_reserved--;
}

static bool is_before(const struct timer_entry *a, const struct timer_entry *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void put_at(struct timer_queue *q, uint32_t place, struct timer_entry *e)
{
	q->heap[place] = e;
	e->place = place;
}

static void sift_up(struct timer_queue *q, struct timer_entry *e)
{
	uint32_t place = e->place;

	while (place > 1 && is_before(e, q->heap[place / 2])) {
		put_at(q, place, q->heap[place / 2]);
		place /= 2;
	}
	put_at(q, place, e);
}

static void sift_down(struct timer_queue *q, struct timer_entry *e)
{
	uint32_t place = e->place;

	while (2 * place <= q->n) {
		uint32_t child = 2 * place;

		if (child < q->n && is_before(q->heap[child + 1], q->heap[child]))
			child++;
		if (!is_before(q->heap[child], e))
			break;
		put_at(q, place, q->heap[child]);
		place = child;
	}
	put_at(q, place, e);
}

void timer_queue_set(struct timer_queue *q, struct timer_entry *e, uint64_t when)
{
	if (!e->place)
		put_at(q, ++q->n, e);
	e->when = when;
	e->order = q->order++;
	sift_up(q, e);
	sift_down(q, e);
}

void timer_queue_remove(struct timer_queue *q, struct timer_entry *e)
{
	uint32_t place = e->place;
	struct timer_entry *last;

	if (!place)
		return;
	e->place = 0;
	last = q->heap[q->n--];
	if (last == e)
		return;
	put_at(q, place, last);
	sift_up(q, last);
	sift_down(q, last);
}

struct timer_entry *timer_queue_first(const struct timer_queue *q)
{
	return q->n ? q->heap[1] : NULL;
}
