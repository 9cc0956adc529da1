/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The tables of a device besides PortInfo: P_Keys, linear forwarding, SwitchInfo. What a device
 * holds is read once, if it may hold something: a device that came up without a LID has been
 * configured by nobody, so its forwarding table is written unread, and of its P_Keys only the first
 * block is read (IBA 10.9.2: the default key, unless the table is kept in NVRAM). After that, what
 * it acknowledged is what it holds; only blocks that differ from the plan are written.
 *
 * An answer other than "done" makes that block unknown or, if the device refuses it, a fault (see
 * fault.c): of the P_Key table of that port, of that LFT block, of SwitchInfo. It is never assumed
 * to be in place. Who does not even answer about one port or block is not asked about the next.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

#define MAX_LFT_BLOCKS ((LID_UNICAST_LAST + 1) / LFT_BLOCK)

static bool lft_block_is_known(const struct sw *sw, unsigned block)
{
	return sw->lft_known[block / 64] >> block % 64 & 1;
}

void tables_lft_set_known(struct sw *sw, unsigned block, bool known)
{
	uint64_t bit = UINT64_C(1) << block % 64;

	if (known)
		sw->lft_known[block / 64] |= bit;
	else
		sw->lft_known[block / 64] &= ~bit;
}

uint8_t tables_lft_held(const struct sw *sw, unsigned lid)
{
	return sw && lid < sw->lft_size ? sw->lft[lid] : ROUTE_NONE;
}

/* But those of multicast. */
static void doubt_most(struct sm *sm, struct node *node)
{
	if (node->sw)
		memset(node->sw->lft_known, 0, sizeof(node->sw->lft_known));
	lanes_doubt(node);
	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		free(port->pkeys);
		port->pkeys = NULL;
		vports_doubt(sm, port_at(node, i));
		aliases_doubt(sm, port_at(node, i));
	}
}

void tables_doubt(struct sm *sm, struct node *node)
{
	doubt_most(sm, node);
	multicast_doubt(sm, node);
}

void tables_forget(struct sm *sm, struct node *node)
{
	struct sw *sw = node->sw;

	doubt_most(sm, node);
	multicast_forget(sm, node);
	lanes_forget(node);
	sm->complete = false;
	sw->cold = true;
	if (sw->lft)
		memset(sw->lft, ROUTE_NONE, sw->lft_size);
}

static void forget_keys(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	free(port->pkeys);
	port->pkeys = NULL;
	lanes_doubt(node_of(&sm->fabric, number));
	aliases_doubt_held(sm, number);
}

void tables_forget_keys(struct sm *sm, uint32_t number)
{
	forget_keys(sm, number);
	sm->planned_keys.stale = true; /* keys stay at the indices at which they are found */
}

/*
 * The port of a host was Armed or more @before. If it fell back meanwhile it may have restarted,
 * with the P_Keys that it comes up with, and does not look so: its LID is in every Set of PortInfo,
 * even in one that it refuses. Nor does it if it restarts before it is armed; that only its switch
 * can tell, which has seen the link go down.
 */
void tables_doubt_keys(struct sm *sm, uint32_t number, enum port_state before)
{
	struct port *port = &sm->fabric.ports[number];
	bool fell = before >= PORT_ARMED && port_state(port) < PORT_ARMED;
	bool rose = before < PORT_ARMED && port_state(port) >= PORT_ARMED;

	if (sm->phase == PHASE_DISCOVER || port->number == 0 || !port_is_end(&sm->fabric, number))
		return;
	if (rose && port->peer != NO_PORT)
		sm->fabric.ports[port->peer].raised = true;
	if (!fell)
		return;
	forget_keys(sm, number);
	sm_sweep_again(sm, false);
}

void tables_doubt_neighbors(struct sm *sm, struct node *node, bool changed)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (port->raised && changed && port->peer != NO_PORT)
			forget_keys(sm, port->peer);
		port->raised = false;
	}
}

static bool is_cold(const struct sm *sm, const struct node *node, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	if (node_is_switch(node))
		return node->sw->cold;

	return port_held_lid(port) == 0 &&
	       !(wire_get(port->info, PORT_INFO_CAPABILITIES) & CAP_NVRAM_PKEY);
}

/* -- P_Keys -------------------------------------------------------------------------------------
 */

/* Is there a table on this port that we care about? */
static bool has_table(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	if (!port->present || !port->known || fault_waits(sm, &port->table_fault))
		return false;

	return port_is_end(&sm->fabric, number) || pkeys_enforced_port(sm, number) != NO_PORT;
}

static unsigned blocks_to_read(const struct sm *sm, const struct node *node, uint32_t number)
{
	unsigned capacity = pkeys_capacity(sm, number);
	unsigned blocks = (capacity + PKEY_BLOCK - 1) / PKEY_BLOCK;
	const struct pkey_table *held = sm->fabric.ports[number].pkeys;
	bool first_only = held ? held->rest_empty : is_cold(sm, node, number);

	return first_only ? MIN(blocks, 1) : blocks;
}

static void name_block(const struct node *node, const struct port *port, unsigned block,
		       struct request *ret)
{
	ret->attr = ATTR_PKEY_TABLE;
	ret->modifier = block;
	if (node_is_switch(node) && port->number > 0)
		ret->modifier |= (uint32_t)port->number << 16;
}

bool tables_ask_pkey_read(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_PKEY_READ];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);
		const struct port *port = &sm->fabric.ports[number];
		unsigned known = port->pkeys ? port->pkeys->n_known / PKEY_BLOCK : 0;

		if (!has_table(sm, number))
			continue;
		at->block = (uint16_t)MAX(at->block, known);
		if (at->block >= blocks_to_read(sm, node, number))
			continue;
		ret->method = METHOD_GET;
		name_block(node, port, at->block, ret);
		ret->tag = TAG(TODO_PKEY_READ, number, at->block);
		at->block++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_PKEY_READ);

	return false;
}

bool tables_ask_pkey_write(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_PKEY_WRITE];
	uint16_t plan[FABRIC_MAX_PKEYS];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);
		const struct port *port = &sm->fabric.ports[number];
		unsigned n, held;

		if (!has_table(sm, number) || !port->pkeys || !pkeys_are_known(sm, number))
			continue;
		n = pkeys_plan(sm, number, plan, COUNT(plan));
		held = MAX(n, port->pkeys->n_known);
		for (; at->block * PKEY_BLOCK < held; at->block++) {
			if (!pkeys_differ(port->pkeys, plan, n, at->block, ret->data))
				continue;
			ret->method = METHOD_SET;
			name_block(node, port, at->block, ret);
			ret->tag = TAG(TODO_PKEY_WRITE, number, at->block);
			at->block++;
			return true;
		}
	}
	node->work.todo &= ~TODO(TODO_PKEY_WRITE);

	return false;
}

/* A switch port does not enforce a table that it does not have. */
static void pkeys_failed(struct sm *sm, uint32_t number, enum reason reason, uint16_t status)
{
	struct port *port = &sm->fabric.ports[number];

	if (!has_table(sm, number))
		return;
	fault_note(sm, number, &port->table_fault, "P_Key table", reason, status);
	if (!port_is_end(&sm->fabric, number) && sm->phase == PHASE_PROGRAM)
		settings_look_again(sm, number);
}

static void pkeys_not_heard(struct sm *sm, struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++)
		pkeys_failed(sm, port_at(node, i), REASON_PKEYS_REFUSED, 0);
}

void tables_take_pkeys(struct sm *sm, struct node *node, const struct answer *answer)
{
	uint32_t number = TAG_PORT(answer->request->tag);
	unsigned block = TAG_BLOCK(answer->request->tag);
	enum todo kind = TAG_KIND(answer->request->tag);
	struct port *port = &sm->fabric.ports[number];

	if (answer->result == REQUEST_LOST) {
		work_add(sm, node->sma.owner, TODO(kind));
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		if (answer->status)
			pkeys_failed(sm, number, REASON_PKEYS_REFUSED, answer->status);
		else
			pkeys_not_heard(sm, node);
		return;
	}
	if (pkey_table_set_block(&port->pkeys, block, answer->data) < 0)
		pkeys_failed(sm, number, REASON_OUT_OF_MEMORY, 0);
	else if (kind == TODO_PKEY_READ && block == 0)
		port->pkeys->rest_empty = is_cold(sm, node, number);
	else if (kind == TODO_PKEY_WRITE &&
		 memcmp(answer->data, answer->request->data, SMP_DATA_SIZE) != 0)
		pkeys_failed(sm, number, REASON_NOT_KEPT, 0);
}

/* -- linear forwarding --------------------------------------------------------------------------
 */

static int make_lft_room(struct sw *sw, uint32_t size)
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

unsigned tables_lft_top_now(const struct sw *sw)
{
	return (unsigned)MIN(wire_get(sw->info, SWITCH_INFO_LINEAR_TOP), LID_UNICAST_LAST);
}

bool tables_ask_lft_read(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_LFT_READ];
	struct sw *sw = node->sw;
	unsigned blocks;

	(void)sm;
	if (!sw || sw->cold) {
		node->work.todo &= ~TODO(TODO_LFT_READ);
		return false;
	}
	blocks = MIN(tables_lft_top_now(sw) / LFT_BLOCK + 1, MAX_LFT_BLOCKS);
	while (at->block < blocks && lft_block_is_known(sw, at->block))
		at->block++;
	if (at->block >= blocks || make_lft_room(sw, blocks * LFT_BLOCK) < 0) {
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

bool tables_leave_lft_block(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return fault_waits(sm, &sw->lft_fault) && (sw->lft_bad[block / 64] >> block % 64 & 1);
}

/*
 * The last LID that it has, and can have, an entry for: that of the block in which the last LID is,
 * so that most of those who come have it raised nowhere. What others have set to less will do.
 */
unsigned tables_lft_top(const struct sm *sm, const struct sw *sw)
{
	uint64_t capacity = wire_get(sw->info, SWITCH_INFO_LINEAR_CAP);
	unsigned top = sm->routing.max_lid | (LFT_BLOCK - 1);
	unsigned now = tables_lft_top_now(sw);

	if (now >= sm->routing.max_lid && now <= top)
		return now;
	return (unsigned)MIN(top, MAX(capacity, 1) - 1);
}

/* Above LinearFDBTop as it is to be: who raises it next would find there what nobody looked at. */
static bool lft_block_is_above(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return block > tables_lft_top(sm, sw) / LFT_BLOCK;
}

/*
 * Where a reconcile is about a table alone, it is about what changes in it, and what comes below
 * LinearFDBTop with that.
 */
static bool is_as_before(const struct sm *sm, const struct node *node, unsigned block)
{
	return sm->routing.patched && sm_reroutes(sm, node) &&
	       lft_block_is_known(node->sw, block) &&
	       !(sm->routing.patched_blocks[block / 64] >> block % 64 & 1);
}

/* What switch @sw is to hold; LIDs that no table has are nobody's. */
static const uint8_t *planned_lft_block(const struct tables *plan, const struct sw *sw,
					unsigned block)
{
	static const uint8_t nobody[LFT_BLOCK] = { [0 ... LFT_BLOCK - 1] = ROUTE_NONE };

	return (block + 1) * LFT_BLOCK <= plan->stride
		       ? plan->lft + sw->index * plan->stride + (size_t)block * LFT_BLOCK
		       : nobody;
}

static bool lft_block_is_as_planned(const struct sm *sm, const struct sw *sw, unsigned block)
{
	return lft_block_is_known(sw, block) &&
	       memcmp(planned_lft_block(&sm->routing.tables, sw, block),
		      sw->lft + (size_t)block * LFT_BLOCK, LFT_BLOCK) == 0;
}

/* Nothing to write, or no use, or not yet. */
static bool lft_block_is_done(const struct sm *sm, const struct node *node, unsigned block)
{
	const struct sw *sw = node->sw;

	if (is_as_before(sm, node, block) || tables_leave_lft_block(sm, sw, block))
		return true;
	if (lft_block_is_above(sm, sw, block))
		return !lft_block_is_known(sw, block) || lft_block_is_as_planned(sm, sw, block);

	return rounds_at(&sm->routing.rounds, sw->index, block) > sm->routing.round ||
	       lft_block_is_as_planned(sm, sw, block);
}

/*
 * The n-th block to write: the one with our own LID comes last. Who can ask us something can then
 * go where we send him.
 */
static unsigned nth_lft_block(const struct sm *sm, unsigned n, unsigned blocks)
{
	unsigned own = sm->fabric.ports[sm->fabric.local_port].lid / LFT_BLOCK;

	if (own >= blocks || n < own)
		return n;

	return n + 1 < blocks ? n + 1 : own;
}

bool tables_ask_lft_write(struct sm *sm, struct node *node, struct request *ret)
{
	const struct routing *routing = &sm->routing;
	struct cursor *at = &node->work.cursor[TODO_LFT_WRITE];
	struct sw *sw = node->sw;
	unsigned blocks, block;

	if (!sw || sw->index == NO_SWITCH || !routing->valid ||
	    make_lft_room(sw, (uint32_t)routing->tables.stride) < 0) {
		node->work.todo &= ~TODO(TODO_LFT_WRITE);
		return false;
	}
	blocks = MAX(tables_lft_top(sm, sw) / LFT_BLOCK + 1, sw->lft_size / LFT_BLOCK);
	while (at->block < blocks &&
	       lft_block_is_done(sm, node, nth_lft_block(sm, at->block, blocks)))
		at->block++;
	if (at->block >= blocks) {
		node->work.todo &= ~TODO(TODO_LFT_WRITE);
		return false;
	}
	block = nth_lft_block(sm, at->block++, blocks);
	ret->method = METHOD_SET;
	ret->attr = ATTR_LFT;
	ret->modifier = block;
	ret->tag = TAG(TODO_LFT_WRITE, 0, block);
	memcpy(ret->data, planned_lft_block(&routing->tables, sw, block), LFT_BLOCK);
	if (!lft_block_is_above(sm, sw, block))
		tables_lft_set_known(sw, block, false);

	return true;
}

/* Other blocks go on being written, unless nothing is heard. The table is not what was proven. */
static void lft_failed(struct sm *sm, struct node *node, const struct answer *answer)
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

void tables_find_unwritten(struct sm *sm)
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
		for (unsigned block = 0; block <= tables_lft_top(sm, sw) / LFT_BLOCK; block++)
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
	unsigned end = tables_lft_top_now(sw) + 1;

	return end > first ? MIN(end - first, LFT_BLOCK) : 0;
}

/* No fault if it is refused: who raises LinearFDBTop writes what is not known. */
static void take_above(struct sw *sw, unsigned block, const struct answer *answer)
{
	if (answer->result == REQUEST_REFUSED)
		tables_lft_set_known(sw, block, false);
	else
		memcpy(sw->lft + (size_t)block * LFT_BLOCK, answer->request->data, LFT_BLOCK);
}

void tables_take_lft(struct sm *sm, struct node *node, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);
	enum todo kind = TAG_KIND(answer->request->tag);
	struct sw *sw = node->sw;
	unsigned told;

	if (answer->result == REQUEST_LOST) {
		work_add(sm, node->sma.owner, TODO(kind));
		return;
	}
	if (kind == TODO_LFT_WRITE && lft_block_is_above(sm, sw, block)) {
		take_above(sw, block, answer);
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		if (kind != TODO_LFT_READ)
			lft_failed(sm, node, answer);
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
	tables_lft_set_known(sw, block, true);
	if (kind != TODO_LFT_READ && memcmp(answer->data, answer->request->data, told) != 0)
		lft_failed(sm, node, answer);
}

/* -- SwitchInfo ---------------------------------------------------------------------------------
 */

/*
 * LinearFDBTop, MulticastFDBTop, LifeTimeValue, and PortStateChange if it is up: when we have just
 * become master it was not cleared before the ports were read, see tables_take_switch_set().
 */
bool tables_ask_switch_set(struct sm *sm, struct node *node, struct request *ret)
{
	struct sw *sw = node->sw;

	node->work.todo &= ~TODO(TODO_SWITCH_SET);
	if (!sw || !sm->routing.valid || sw->index == NO_SWITCH || fault_waits(sm, &sw->info_fault))
		return false;
	memcpy(ret->data, sw->info, SMP_DATA_SIZE);
	wire_set(ret->data, SWITCH_INFO_LINEAR_TOP, tables_lft_top(sm, sw));
	wire_set(ret->data, SWITCH_INFO_MULTICAST_TOP, multicast_top(sm, node));
	if (!not_kept_has(node->not_kept, SETTING_LIFE_TIME, sm->conf.packet_life_time, 0))
		wire_set(ret->data, SWITCH_INFO_LIFE_TIME, sm->conf.packet_life_time);
	if (memcmp(ret->data, sw->info, SMP_DATA_SIZE) == 0 &&
	    !wire_get(sw->info, SWITCH_INFO_STATE_CHANGE))
		return false;
	ret->method = METHOD_SET;
	ret->attr = ATTR_SWITCH_INFO;
	ret->tag = TAG(TODO_SWITCH_SET, 0, 0);

	return true;
}

/*
 * PortStateChange was up while the ports were read, and is cleared only now: what changed in
 * between would never be told. Ports that are about to be set tell it in their answer; the others
 * are read again. A host that restarted in between has lost its keys: all tables are read again
 * soon (twin.c), since there was this to write.
 */
static void read_ports_again(struct sm *sm, struct node *node)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		port->stale = port_state(port) != PORT_INITIALIZE || port->peer == NO_PORT;
	}
	work_add(sm, node->sma.owner, TODO(TODO_PORT_INFO));
}

static void switch_info_failed(struct sm *sm, struct node *node, const struct answer *answer)
{
	fault_note(sm, node->first_port, &node->sw->info_fault, "SwitchInfo",
		   answer->status ? REASON_SET_REFUSED : REASON_MKEY_HIDDEN, answer->status);
}

void tables_take_cleared(struct sm *sm, struct node *node, const struct answer *answer)
{
	if (answer->result == REQUEST_ANSWERED)
		memcpy(node->sw->info, answer->data, SMP_DATA_SIZE);
	else
		switch_info_failed(sm, node, answer);
}

/* LinearFDBTop was @before, in the midst of a block: nobody has told what is behind it there. */
static void doubt_block_of_top(struct sm *sm, struct node *node, unsigned before)
{
	struct sw *sw = node->sw;
	unsigned block = before / LFT_BLOCK;

	if (tables_lft_top_now(sw) <= before || (before + 1) % LFT_BLOCK == 0 ||
	    !lft_block_is_known(sw, block))
		return;
	tables_lft_set_known(sw, block, false);
	work_add(sm, node->sma.owner, TODO(TODO_LFT_WRITE));
}

void tables_take_switch_set(struct sm *sm, struct node *node, const struct answer *answer)
{
	bool cleared = wire_get(answer->request->data, SWITCH_INFO_STATE_CHANGE) != 0;
	unsigned top = tables_lft_top_now(node->sw);

	if (answer->result == REQUEST_LOST) {
		work_add(sm, node->sma.owner, TODO(TODO_SWITCH_SET));
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		switch_info_failed(sm, node, answer);
		return;
	}
	memcpy(node->sw->info, answer->data, SMP_DATA_SIZE);
	doubt_block_of_top(sm, node, top);
	if (wire_get(answer->data, SWITCH_INFO_LIFE_TIME) !=
		    wire_get(answer->request->data, SWITCH_INFO_LIFE_TIME) &&
	    not_kept_add(&node->not_kept, SETTING_LIFE_TIME, sm->conf.packet_life_time, 0) == 0)
		node->unsaved = true;
	if (wire_get(answer->data, SWITCH_INFO_MULTICAST_TOP) !=
	    wire_get(answer->request->data, SWITCH_INFO_MULTICAST_TOP))
		node->sw->mft_top_fixed = true;
	if (wire_get(answer->data, SWITCH_INFO_LINEAR_TOP) !=
	    wire_get(answer->request->data, SWITCH_INFO_LINEAR_TOP))
		fault_note(sm, node->first_port, &node->sw->info_fault, "SwitchInfo",
			   REASON_NOT_KEPT, 0);
	if (cleared) {
		read_ports_again(sm, node);
		discover_doubt_ends(sm, node);
	}
}
