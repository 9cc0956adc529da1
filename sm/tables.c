/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * P_Key tables and SwitchInfo; and what befalls all tables of a device, but PortInfo. What a device
 * holds is read once, if it may hold something: of the P_Keys of one that came up without a LID,
 * which has been configured by nobody, only the first block is read (IBA 10.9.2: the default key,
 * unless the table is kept in NVRAM). After that, what it acknowledged is what it holds; only
 * blocks that differ from the plan are written. Forwarding tables are lft.c's, of multicast
 * multicast-cells.c's.
 *
 * An answer other than "done" makes that block unknown or, if the device refuses it, a fault (see
 * fault.c): of the P_Key table of that port, of SwitchInfo. It is never assumed to be in place. Who
 * does not even answer about one port or block is not asked about the next.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

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
	wire_set(ret->data, SWITCH_INFO_LINEAR_TOP, lft_top(sm, sw));
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

void tables_take_switch_set(struct sm *sm, struct node *node, const struct answer *answer)
{
	bool cleared = wire_get(answer->request->data, SWITCH_INFO_STATE_CHANGE) != 0;
	unsigned top = lft_top_now(node->sw);

	if (answer->result == REQUEST_LOST) {
		work_add(sm, node->sma.owner, TODO(TODO_SWITCH_SET));
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		switch_info_failed(sm, node, answer);
		return;
	}
	memcpy(node->sw->info, answer->data, SMP_DATA_SIZE);
	lft_doubt_block_of_top(sm, node, top);
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
