/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A doubly linked ring with the link inside the element. An element that is in no list points to
 * itself, so removing twice is harmless and "is it queued?" is one comparison.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

/* True for an empty ring, and for an element that is in none. */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *ring, struct list *l)
{
	l->next = ring;
	l->prev = ring->prev;
	ring->prev->next = l;
	ring->prev = l;
}

static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

/* The first element taken out, or NULL. */
static inline struct list *list_take_first(struct list *ring)
{
	struct list *l = ring->next;

	if (l == ring)
		return NULL;
	list_remove(l);

	return l;
}

/* For arrays of lists in which values are found again; GUIDs and numbers, say. */
static inline unsigned list_hash(uint64_t value)
{
	return (unsigned)(value * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

/* That of an array in which elements of @value are. */
#define LIST_BUCKET(array, value) (&(array)[list_hash(value) % COUNT(array)])

#define LIST_ENTRY(link, type, member) CONTAINER_OF(link, type, member)
