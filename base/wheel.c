/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "base/wheel.h"

#include "base/loop.h"
#include "base/macros.h"

#define TICK (4 * LOOP_MSEC)

void wheel_init(struct wheel *w)
{
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	w->ticked = 0;
}

void wheel_start(struct wheel *w, uint64_t now)
{
	w->ticked = now / TICK;
}

void wheel_put(struct wheel *w, struct list *l, uint64_t deadline)
{
	uint64_t tick = MAX(deadline / TICK + 1, w->ticked + 1);

	list_add_tail(&w->slots[tick % WHEEL_SLOTS], l);
}

uint64_t wheel_next(const struct wheel *w)
{
	return (w->ticked + 1) * TICK;
}

/* Taken over as a whole: what is put back may land in the same slot. */
static void turn_slot(struct list *slot, void (*due)(void *user, struct list *l), void *user)
{
	struct list taken;

	if (list_is_empty(slot))
		return;
	taken = *slot;
	taken.next->prev = &taken;
	taken.prev->next = &taken;
	list_init(slot);
	while (!list_is_empty(&taken))
		due(user, list_take_first(&taken));
}

/* After a pause longer than the wheel once round is enough. */
void wheel_turn(struct wheel *w, uint64_t now, void (*due)(void *user, struct list *l), void *user)
{
	uint64_t tick = now / TICK;

	if (tick - w->ticked > WHEEL_SLOTS)
		w->ticked = tick - WHEEL_SLOTS;
	while (w->ticked < tick)
		turn_slot(&w->slots[++w->ticked % WHEEL_SLOTS], due, user);
}
