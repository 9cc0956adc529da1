/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Deadlines, as many as one likes, of which most are taken back: a wheel of lists. What is put in
 * costs a place in a list, and so does what is taken out (list_remove()). The tick is coarse: a
 * deadline is seen up to a tick late, and once round the wheel too early, when it may be put back.
 * Times in nanoseconds, as loop_now() has them.
 */

#include <stdint.h>

#include "base/list.h"

#define WHEEL_SLOTS 1024

struct wheel {
	struct list slots[WHEEL_SLOTS];
	uint64_t ticked; /* slots up to this tick are done */
};

void wheel_init(struct wheel *w);

/* It was empty: time has passed without it. */
void wheel_start(struct wheel *w, uint64_t now);

void wheel_put(struct wheel *w, struct list *l, uint64_t deadline);

/* When to turn it next. */
uint64_t wheel_next(const struct wheel *w);

/* What is due is taken out and handed over, and perhaps what is not due; either may be put back. */
void wheel_turn(struct wheel *w, uint64_t now, void (*due)(void *user, struct list *l), void *user);
