/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Tables are not changed at one moment: the way from what switches hold to what they are to hold.
 * Which LIDs have to be withdrawn before that, and which blocks of which switches come later than
 * others, is routing/transition.c's to say, in the job that computes routes and from a copy of what
 * switches hold; here that is copied, and here LIDs are withdrawn: a phase of its own, and nothing
 * else is written before all have acknowledged it. Of rounds lft.c leaves out those that are yet
 * to come.
 *
 * A fabric that comes up cold holds nothing that could be in the way, and copies nothing. What is
 * not known of a switch is taken to be what was last heard of it. An entry above LinearFDBTop does
 * not count as long as the top stays: it is looked at if the plan will raise it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* -- what switches hold -------------------------------------------------------------------------
 */

/* Entries that count, now or when LinearFDBTop is that of a plan for @max_lid. */
static uint32_t n_held(const struct sw *sw, uint16_t max_lid)
{
	return MIN(sw->lft_size, MAX(lft_top_now(sw), (unsigned)max_lid) + 1);
}

static bool holds_anything(const struct sw *sw, uint32_t n)
{
	for (uint32_t lid = 0; lid < n; lid++)
		if (sw->lft[lid] != ROUTE_NONE)
			return true;

	return false;
}

/* Other ways than @plan has, which will be written over. */
static bool holds_other(const struct sm *sm, const struct sw *sw, const uint8_t *plan)
{
	uint32_t n = MIN(sw->lft_size, sm->routing.max_lid + 1u);

	if (n == 0 || memcmp(sw->lft, plan, n) == 0)
		return false;
	for (uint32_t lid = 0; lid < n; lid++)
		if (sw->lft[lid] != plan[lid] && sw->lft[lid] != ROUTE_NONE &&
		    !lft_leave_block(sm, sw, lid / LFT_BLOCK))
			return true;

	return false;
}

bool withdraw_is_due(const struct sm *sm, const uint32_t *switches, uint32_t n)
{
	const struct tables *plan = &sm->routing.tables;

	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = &sm->fabric.nodes[switches[i]];

		if (node->present && holds_other(sm, node->sw, plan->lft + i * plan->stride))
			return true;
	}

	return false;
}

int withdraw_copy_held(const struct sm *sm, const uint32_t *switches, uint32_t n, uint16_t max_lid,
		       struct tables *ret)
{
	struct tables held = { 0 };
	bool any = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct sw *sw = sm->fabric.nodes[switches[i]].sw;

		held.stride = MAX(held.stride, n_held(sw, max_lid));
		any = any || holds_anything(sw, n_held(sw, max_lid));
	}
	if (!any)
		return 0;
	held.stride = (held.stride + LFT_BLOCK - 1) / LFT_BLOCK * LFT_BLOCK;
	held.lft = malloc(held.stride * n);
	if (!held.lft)
		return -ENOMEM;
	memset(held.lft, ROUTE_NONE, held.stride * n);
	for (uint32_t i = 0; i < n; i++) {
		const struct sw *sw = sm->fabric.nodes[switches[i]].sw;

		if (sw->lft)
			memcpy(held.lft + i * held.stride, sw->lft, n_held(sw, max_lid));
	}
	*ret = held;

	return 0;
}

/* -- withdrawing --------------------------------------------------------------------------------
 */

/*
 * The block as the switch holds it, without the ways that are to be withdrawn; false if it has none
 * of them.
 */
static bool withdraw_from(const struct routing *routing, const struct sw *sw, unsigned block,
			  uint8_t ret[static LFT_BLOCK])
{
	const uint8_t *plan = routing->tables.lft + sw->index * routing->tables.stride;
	bool any = false;

	if (!routing->withdrawn[block])
		return false;
	memcpy(ret, sw->lft + (size_t)block * LFT_BLOCK, LFT_BLOCK);
	for (unsigned i = 0; i < LFT_BLOCK; i++) {
		unsigned lid = block * LFT_BLOCK + i;
		uint8_t planned = lid < routing->tables.stride ? plan[lid] : ROUTE_NONE;

		if (!(routing->withdrawn[block] >> i & 1) || ret[i] == planned ||
		    ret[i] == ROUTE_NONE)
			continue;
		ret[i] = ROUTE_NONE;
		any = true;
	}

	return any;
}

bool withdraw_ask(struct sm *sm, struct node *node, struct request *ret)
{
	const struct routing *routing = &sm->routing;
	struct cursor *at = &node->work.cursor[TODO_LFT_WITHDRAW];
	struct sw *sw = node->sw;
	unsigned blocks = 0;

	if (sw && sw->index != NO_SWITCH && routing->valid && routing->withdrawn)
		blocks = MIN(MAX(lft_top_now(sw), lft_top(sm, sw)) / LFT_BLOCK + 1,
			     sw->lft_size / LFT_BLOCK);
	while (at->block < blocks && (lft_leave_block(sm, sw, at->block) ||
				      !withdraw_from(routing, sw, at->block, ret->data)))
		at->block++;
	if (at->block >= blocks) {
		node->work.todo &= ~TODO(TODO_LFT_WITHDRAW);
		return false;
	}
	ret->method = METHOD_SET;
	ret->attr = ATTR_LFT;
	ret->modifier = at->block;
	ret->tag = TAG(TODO_LFT_WITHDRAW, 0, at->block);
	lft_set_known(sw, at->block, false);
	at->block++;

	return true;
}
