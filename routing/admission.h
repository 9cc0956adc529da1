/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Which turns there may be at the same time: turns are let in one by one, as long as packets that
 * take them cannot wait for each other all around.
 */

#include "routing/turns.h"

#include <stdbool.h>

struct admission {
	const struct graph *graph;
	struct turns turns;   /* that were let in */
	struct turns refused; /* for good */
	/* An order of arcs in which every turn leads forward; its end counts as one more. */
	bool has_order;
	bool has_none;   /* there is a cycle, or was no memory: nothing more is let in */
	uint32_t *next;  /* [arc] */
	uint32_t *last;  /* [arc]: the one before */
	uint64_t *place; /* [arc]: grows along the order */
	uint32_t *found; /* arcs that are to be searched from */
	struct placed {
		uint64_t place;
		uint32_t arc;
	} * moved; /* all that were found */
	uint32_t n_moved;
	uint32_t *seen; /* [arc]: the search that found it last */
	uint32_t n_searches;

	/* Let in since the last admission_keep() or admission_give_back(). */
	struct admitted {
		uint32_t arc;
		uint32_t turn;
	} * recent;
	uint32_t n_recent;
	uint32_t room;
	bool full; /* there was no memory for one more: it was refused */
};

/*
 * @turns are in from the beginning. 0; -ENOMEM or -EINVAL if there is a cycle in @turns: then too
 * *ret is to be cleared.
 */
int admission_init(const struct graph *graph, const struct turns *turns, struct admission *ret);

/*
 * The same for turns that have none. As long as no other is tried, which is the most of it, no
 * order is found. -ENOMEM or 0.
 */
int admission_init_proven(const struct graph *graph, const struct turns *turns,
			  struct admission *ret);
void admission_clear(struct admission *admission);

/* May packets that come by @arc wait for the @turn-th behind it? */
bool admission_try(struct admission *admission, uint32_t arc, uint32_t turn);

/* Mostly it is in already. */
static inline bool admission_let_in(struct admission *admission, uint32_t arc, uint32_t turn)
{
	return turns_have(&admission->turns, arc, turn) || admission_try(admission, arc, turn);
}

/* What was let in stays; or is as if it had not been tried, or all but the first @n of it is. */
void admission_keep(struct admission *admission);
void admission_give_back(struct admission *admission);
void admission_give_back_to(struct admission *admission, uint32_t n);
