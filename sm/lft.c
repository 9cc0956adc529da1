/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Linear forwarding tables, as switches hold them and as they are to be. One of a switch that came
 * up without a LID is written unread: nobody has configured that. After that, what the switch
 * acknowledged is what it holds, and only blocks that differ from the plan are written, when their
 * round has come (withdraw.c). What is said of entries above LinearFDBTop is not believed.
 *
 * A block that is refused, or not kept as it was sent, is a fault (see fault.c): it is left alone
 * as long as that waits, and others are written all the same, unless nothing is heard.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define MAX_BLOCKS ((LID_UNICAST_LAST + 1) / LFT_BLOCK)

static bool block_is_known(const struct sw *sw, unsigned block)
{
	return sw->lft_known[block / 64] >> block % 64 & 1;
}

void lft_set_known(struct sw *sw, unsigned block, bool known)
{
	uint64_t bit = UINT64_C(1) << block % 64;

	if (known)
		sw->lft_known[block / 64] |= bit;
	else
		sw->lft_known[block / 64] &= ~bit;
}

uint8_t lft_held(const struct sw *sw, unsigned lid)
{
	return sw && lid < sw->lft_size ? sw->lft[lid] : ROUTE_NONE;
}

static int make_room(struct sw *sw, uint32_t size)
{
	uint8_t *bigger;

	if (size <= sw->lft_size)
		return 0;
	bigger = realloc(sw->lft, size);
	if (!bigger)
		return -1;
	memset(bigger + sw->lft_size, ROUTE_NONE, size - sw->lft_size);
	sw->lft = bigger;
	sw->lft_size = size;

	return 0;
}

unsigned lft_top_now(const struct sw *sw)
{
	return (unsigned)MIN(wire_get(sw->info, SWITCH_INFO_LINEAR_TOP), LID_UNICAST_LAST);
}

bool lft_ask_read(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_LFT_READ];
	struct sw *sw = node->sw;
	unsigned blocks;

	(void)sm;
	if (!sw || sw->cold) {
		node->work.todo &= ~TODO(TODO_LFT_READ);
		return false;
	}
	blocks = MIN(lft_top_now(sw) / LFT_BLOCK + 1, MAX_BLOCKS);
	while (at->block < blocks && block_is_known(sw, at->block))
		at->block++;
	if (at->block >= blocks || make_room(sw, blocks * LFT_BLOCK) < 0) {
		node->work.todo &= ~TODO(TODO_LFT_READ);
		return false;
	}
	ret->method = METHOD_GET;
	ret->attr = ATTR_LFT;
	ret->modifier = at->block;
	ret->tag = TAG(TODO_LFT_READ, 0, at->block);
	at->block++;

	return true;
}

bool lft_leave_block(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return fault_waits(sm, &sw->lft_fault) && (sw->lft_bad[block / 64] >> block % 64 & 1);
}

/*
 * The last LID that it has, and can have, an entry for: that of the block in which the last LID is,
 * so that most of those who come have it raised nowhere. What others have set to less will do.
 */
unsigned lft_top(const struct sm *sm, const struct sw *sw)
{
	uint64_t capacity = wire_get(sw->info, SWITCH_INFO_LINEAR_CAP);
	unsigned top = sm->routing.max_lid | (LFT_BLOCK - 1);
	unsigned now = lft_top_now(sw);

	if (now >= sm->routing.max_lid && now <= top)
		return now;
	return (unsigned)MIN(top, MAX(capacity, 1) - 1);
}

/* Above LinearFDBTop as it is to be: who raises it next would find there what nobody looked at. */
static bool block_is_above(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return block > lft_top(sm, sw) / LFT_BLOCK;
}

/*
 * Where a reconcile is about a table alone, it is about what changes in it, and what comes below
 * LinearFDBTop with that.
 */
static bool is_as_before(const struct sm *sm, const struct node *node, unsigned block)
{
	return sm->routing.patched && sm_reroutes(sm, node) && block_is_known(node->sw, block) &&
	       !(sm->routing.patched_blocks[block / 64] >> block % 64 & 1);
}

/* What switch @sw is to hold; LIDs that no table has are nobody's. */
static const uint8_t *planned_block(const struct tables *plan, const struct sw *sw, unsigned block)
{
	static const uint8_t nobody[LFT_BLOCK] = { [0 ... LFT_BLOCK - 1] = ROUTE_NONE };

	return (block + 1) * LFT_BLOCK <= plan->stride
		       ? plan->lft + sw->index * plan->stride + (size_t)block * LFT_BLOCK
		       : nobody;
}

static bool block_is_as_planned(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return block_is_known(sw, block) &&
	       memcmp(planned_block(&sm->routing.tables, sw, block),
		      sw->lft + (size_t)block * LFT_BLOCK, LFT_BLOCK) == 0;
}

/* Nothing to write, or no use, or not yet. */
static bool block_is_done(const struct sm *sm, const struct node *node, unsigned block)
{
	const struct sw *sw = node->sw;

	if (is_as_before(sm, node, block) || lft_leave_block(sm, sw, block))
		return true;
	if (block_is_above(sm, sw, block))
		return !block_is_known(sw, block) || block_is_as_planned(sm, sw, block);

	return rounds_at(&sm->routing.rounds, sw->index, block) > sm->routing.round ||
	       block_is_as_planned(sm, sw, block);
}

/*
 * The n-th block to write: the one with our own LID comes last. Who can ask us something can then
 * go where we send him.
 */
static unsigned nth_block(const struct sm *sm, unsigned n, unsigned blocks)
{
	unsigned own = sm->fabric.ports[sm->fabric.local_port].lid / LFT_BLOCK;

	if (own >= blocks || n < own)
		return n;

	return n + 1 < blocks ? n + 1 : own;
}

bool lft_ask_write(struct sm *sm, struct node *node, struct request *ret)
{
	const struct routing *routing = &sm->routing;
	struct cursor *at = &node->work.cursor[TODO_LFT_WRITE];
	struct sw *sw = node->sw;
	unsigned blocks, block;

	if (!sw || sw->index == NO_SWITCH || !routing->valid ||
	    make_room(sw, (uint32_t)routing->tables.stride) < 0) {
		node->work.todo &= ~TODO(TODO_LFT_WRITE);
		return false;
	}
	blocks = MAX(lft_top(sm, sw) / LFT_BLOCK + 1, sw->lft_size / LFT_BLOCK);
	while (at->block < blocks && block_is_done(sm, node, nth_block(sm, at->block, blocks)))
		at->block++;
	if (at->block >= blocks) {
		node->work.todo &= ~TODO(TODO_LFT_WRITE);
		return false;
	}
	block = nth_block(sm, at->block++, blocks);
	ret->method = METHOD_SET;
	ret->attr = ATTR_LFT;
	ret->modifier = block;
	ret->tag = TAG(TODO_LFT_WRITE, 0, block);
	memcpy(ret->data, planned_block(&routing->tables, sw, block), LFT_BLOCK);
	if (!block_is_above(sm, sw, block))
		lft_set_known(sw, block, false);

	return true;
}

/* Other blocks go on being written, unless nothing is heard. The table is not what was proven. */
static void block_failed(struct sm *sm, struct node *node, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);
	struct sw *sw = node->sw;
	enum reason reason = REASON_NOT_KEPT;
	bool heard = true;

	if (answer->result == REQUEST_REFUSED) {
		heard = answer->status != 0;
		reason = heard ? REASON_SET_REFUSED : REASON_MKEY_HIDDEN;
	}
	if (!fault_waits(sm, &sw->lft_fault))
		memset(sw->lft_bad, 0, sizeof(sw->lft_bad));
	fault_note(sm, node->first_port, &sw->lft_fault, "LFT", reason, answer->status);
	if (heard)
		sw->lft_bad[block / 64] |= UINT64_C(1) << block % 64;
	else
		memset(sw->lft_bad, 0xff, sizeof(sw->lft_bad));
}

/*
 * The LIDs of a block, a bit each, that the switch has not as they are planned. What a refused
 * block holds is not known until it is read, but hardly something new.
 */
static uint64_t differences(const struct sw *sw, const uint8_t *plan, unsigned block)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < LFT_BLOCK; i++) {
		unsigned lid = block * LFT_BLOCK + i;

		if (plan[lid] != ROUTE_NONE && (lid >= sw->lft_size || sw->lft[lid] != plan[lid]))
			bits |= UINT64_C(1) << i;
	}

	return bits;
}

void lft_find_unwritten(struct sm *sm)
{
	const struct routing *routing = &sm->routing;

	memset(sm->unwritten, 0, sizeof(sm->unwritten));
	if (sm->state != SM_MASTER || !routing->valid || !routing->tables.lft)
		return;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct sw *sw = sm->fabric.nodes[i].sw;

		if (!sw || !sm->fabric.nodes[i].present || sw->index == NO_SWITCH ||
		    sw->lft_fault.reason == REASON_NONE)
			continue;
		for (unsigned block = 0; block <= lft_top(sm, sw) / LFT_BLOCK; block++)
			if (sw->lft_bad[block / 64] >> block % 64 & 1)
				sm->unwritten[block] |= differences(
					sw,
					routing->tables.lft + sw->index * routing->tables.stride,
					block);
	}
}

/* What a switch says of entries above its LinearFDBTop is worth nothing: some say 0. */
static unsigned entries_told(const struct sw *sw, unsigned block)
{
	unsigned first = block * LFT_BLOCK;
	unsigned end = lft_top_now(sw) + 1;

	return end > first ? MIN(end - first, LFT_BLOCK) : 0;
}

/* No fault if it is refused: who raises LinearFDBTop writes what is not known. */
static void take_above(struct sw *sw, unsigned block, const struct answer *answer)
{
	if (answer->result == REQUEST_REFUSED)
		lft_set_known(sw, block, false);
	else
		memcpy(sw->lft + (size_t)block * LFT_BLOCK, answer->request->data, LFT_BLOCK);
}

void lft_take(struct sm *sm, struct node *node, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);
	enum todo kind = TAG_KIND(answer->request->tag);
	struct sw *sw = node->sw;
	unsigned told;

	if (answer->result == REQUEST_LOST) {
		work_add(sm, node->sma.owner, TODO(kind));
		return;
	}
	if (kind == TODO_LFT_WRITE && block_is_above(sm, sw, block)) {
		take_above(sw, block, answer);
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		if (kind != TODO_LFT_READ)
			block_failed(sm, node, answer);
		else if (answer->status == 0)
			sw->cold = true;
		return;
	}
	told = entries_told(sw, block);
	if (kind == TODO_LFT_READ &&
	    memcmp(sw->lft + (size_t)block * LFT_BLOCK, answer->data, told) != 0)
		sm->complete = false;
	if (kind != TODO_LFT_READ)
		memcpy(sw->lft + (size_t)block * LFT_BLOCK, answer->request->data, LFT_BLOCK);
	memcpy(sw->lft + (size_t)block * LFT_BLOCK, answer->data, told);
	lft_set_known(sw, block, true);
	if (kind != TODO_LFT_READ && memcmp(answer->data, answer->request->data, told) != 0)
		block_failed(sm, node, answer);
}

void lft_doubt_block_of_top(struct sm *sm, struct node *node, unsigned before)
{
	struct sw *sw = node->sw;
	unsigned block = before / LFT_BLOCK;

	if (lft_top_now(sw) <= before || (before + 1) % LFT_BLOCK == 0 ||
	    !block_is_known(sw, block))
		return;
	lft_set_known(sw, block, false);
	work_add(sm, node->sma.owner, TODO(TODO_LFT_WRITE));
}
