/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What switches and ports say of themselves, in SwitchInfo and PortInfo, and what follows from it:
 * which ports are to be read, which links are to be probed because something else may be at their
 * far end, and which device has restarted, and so holds nothing any more.
 *
 * It also shows whether somebody else has written: a value that a master alone sets is another than
 * ours, or our own link was gone for a while. Then all is read again.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sm/discover-inside.h"
#include "sm/lanes.h"

/* -- another master -----------------------------------------------------------------------------
 */

/*
 * What a master alone sets has another value than we set. There is one that we do not see: it may
 * have cleared PortStateChange before we looked, and where it is nothing seems to have changed.
 */
static void somebody_wrote(struct sm *sm, const struct node *node)
{
	if (sm->state != SM_MASTER || sm->adopting)
		return;
	event_add(sm->events, EVENT_PEER, node->guid, 0, -1,
		  "another subnet manager has set this device: everything is read again");
	election_doubt_all(sm);
}

static void look_for_writer(struct sm *sm, const struct node *node, const uint8_t *data)
{
	uint64_t top = wire_get(data, SWITCH_INFO_LINEAR_TOP);

	if (node->trusted && top != 0 && top != wire_get(node->sw->info, SWITCH_INFO_LINEAR_TOP))
		somebody_wrote(sm, node);
}

/* It has a LID and so has not restarted, but that, or the master's, is another one. */
static void look_for_master(struct sm *sm, const struct node *node, const struct port *port,
			    const uint8_t *data)
{
	uint64_t lid = wire_get(data, PORT_INFO_LID);
	uint64_t sm_lid = wire_get(port->info, PORT_INFO_SM_LID);

	if (!port->known || port_held_lid(port) == 0 || sm_lid == 0 || lid == 0)
		return;
	if (lid != port_held_lid(port) || sm_lid != wire_get(data, PORT_INFO_SM_LID))
		somebody_wrote(sm, node);
}

/* Our own link bounced, and meanwhile somebody else may have been master of all that is behind. */
static void look_for_interregnum(struct sm *sm, uint32_t number, enum port_state before)
{
	const struct port *port = &sm->fabric.ports[number];

	if (sm->state == SM_MASTER && number == sm->fabric.local_port && port->number != 0 &&
	    before == PORT_ACTIVE && port_state(port) != PORT_ACTIVE) {
		election_doubt_all(sm);
		registrar_cut_off(sm);
	}
}

/* -- switches -----------------------------------------------------------------------------------
 */

static bool has_restarted(const struct node *node, const uint8_t *data)
{
	return node->trusted && wire_get(data, SWITCH_INFO_LINEAR_TOP) == 0 &&
	       wire_get(node->sw->info, SWITCH_INFO_LINEAR_TOP) != 0;
}

/* The device has restarted, and may be another now. */
static void forget_faults(struct sm *sm, struct node *node)
{
	faults_forget_node(sm, node);
	node->reason = REASON_NONE;
}

void discover_read_ports(struct sm *sm, uint32_t number)
{
	const struct node *node = &sm->fabric.nodes[number];

	for (unsigned i = 0; i <= node->n_ports; i++)
		sm->fabric.ports[port_at(node, i)].stale = true;
	work_add(sm, number, TODO(TODO_PORT_INFO));
}

/* It refused to tell of it when it was asked, and that something changed it says but once. */
static bool has_stale_port(const struct sm *sm, const struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++)
		if (sm->fabric.ports[port_at(node, i)].stale)
			return true;

	return false;
}

/* Another device may be behind a link by now that was made Active since it was settled. */
static void doubt_fresh_links(struct sm *sm, const struct node *node, bool changed)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (!port->fresh || port->checked == sm->fabric.walk)
			continue;
		port->fresh = port->relink && !changed; /* until it is settled again */
		port->relink = port->relink || changed;
		if (port->peer != NO_PORT)
			sm->fabric.ports[port->peer].fresh = false;
	}
}

/*
 * The next sweep asks who is at those ends of the fabric that were not up when that was asked. A
 * guest may go and another start in its place in no time; switches and their cables do not.
 */
void discover_doubt_ends(struct sm *sm, const struct node *node)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (port->fresh && port->peer != NO_PORT &&
		    !node_is_switch(node_of(&sm->fabric, port->peer)))
			port->relink = true;
	}
}

void discover_take_switch_info(struct sm *sm, uint32_t number, const uint8_t *data)
{
	struct node *node = &sm->fabric.nodes[number];
	bool changed = wire_get(data, SWITCH_INFO_STATE_CHANGE) != 0;
	bool restarted = has_restarted(node, data);
	bool knows = node->trusted && !restarted && !sm->discovery.full;
	bool clear;

	discover_untouch(sm, number);
	look_for_writer(sm, node, data);
	memcpy(node->sw->info, data, SMP_DATA_SIZE);
	/* One entry is that of LID 0, which nobody has. */
	if (wire_get(data, SWITCH_INFO_LINEAR_CAP) <= 1) {
		fault_leave_out(sm, node, &node->fault, REASON_NOT_A_TABLE_SWITCH);
		return;
	}
	tables_doubt_neighbors(sm, node, changed);
	if (restarted) {
		tables_forget(sm, node);
		forget_faults(sm, node);
	}
	doubt_fresh_links(sm, node, changed);
	if (knows && !changed && !node->told) {
		if (has_stale_port(sm, node))
			work_add(sm, number, TODO(TODO_PORT_INFO));
		port_states_look(sm, number, PORT_STATES_SWEEP);
		return;
	}
	node->trusted = false;
	node->told = false;
	sm->by_lid = false;
	clear = changed && sm->state == SM_MASTER && !fault_waits(sm, &node->sw->info_fault);
	if (clear)
		work_add(sm, number, TODO(TODO_CLEAR_CHANGE));
	if (!knows ||
	    !port_states_look(sm, number, changed ? PORT_STATES_CHANGED : PORT_STATES_TOLD))
		discover_read_ports(sm, number);
}

/* -- ports --------------------------------------------------------------------------------------
 */

static void port_went_down(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	struct port *port = &f->ports[number];

	if (port->peer != NO_PORT) {
		discover_tell_link(sm, EVENT_LINK_DOWN, number, port->peer, " went down");
		f->ports[port->peer].relink = true;
		quarantine_note_fall(sm, number);
	}
	discover_disconnect(sm, number);
	port->probe_silent = false;
	port->relink = false;
}

/* @fell: the port was Armed or Active before, and now is less. */
static void look_at_link(struct sm *sm, uint32_t number, bool fell)
{
	struct port *port = &sm->fabric.ports[number];
	enum port_state state = port_state(port);

	if (state == PORT_DOWN || port_phys_state(port) != PHYS_LINK_UP) {
		port_went_down(sm, number);
		return;
	}
	if (fell && quarantine_note_fall(sm, number)) {
		discover_disconnect(sm, number);
		return;
	}
	/* Settled from the other side, unless it bounced after that. */
	if (port->checked == sm->fabric.walk && (sm->phase == PHASE_DISCOVER || !fell)) {
		port->fresh = port->fresh || (sm->phase == PHASE_DISCOVER && state != PORT_ACTIVE);
		return;
	}
	if (state != PORT_ACTIVE || port->peer == NO_PORT || sm->discovery.full)
		port->relink = true;
	if (state != PORT_ACTIVE && port->peer != NO_PORT)
		fault_hurry(sm, &node_of(&sm->fabric, port->peer)->fault);
}

/* One for which no LID was left may have been up all the time, under whoever was master. */
static bool may_have_tables(const struct node *node, const struct port *port)
{
	return port->reason == REASON_OUT_OF_LIDS ||
	       wire_get(node->sw->info, SWITCH_INFO_LINEAR_TOP) != 0;
}

/*
 * A port without a LID is that of a device that has (re)started: it holds nothing that we know of.
 * A switch that has one, and not from us, was written by somebody. @before: the LID that it had.
 */
static void look_for_restart(struct sm *sm, uint32_t number, uint16_t before)
{
	struct port *port = &sm->fabric.ports[number];
	struct node *node = node_of(&sm->fabric, number);

	/* Later on it has none yet, unless it had one: then it must not get it back unnoticed. */
	if (sm->phase != PHASE_DISCOVER) {
		if (port_held_lid(port) != 0 || before == 0)
			return;
		sm_sweep_again(sm, false);
	}
	if (port_held_lid(port) == 0 && before != 0)
		forget_faults(sm, node);
	if (port_held_lid(port) != 0) {
		sm->inherited = sm->inherited || sm->adopting;
		port->successor = false; /* what it holds has been given to it */
		if (node_is_switch(node) && sm->adopting)
			node->sw->cold = false;
		/* Who gave it one since may have given it more. */
		if (!node_is_switch(node) && before == 0)
			aliases_doubt(sm, number);
		return;
	}
	memory_forget_quirks(sm, node);
	if (node_is_switch(node)) {
		if (before != 0 || !may_have_tables(node, port))
			tables_forget(sm, node);
		return;
	}
	free(port->pkeys);
	port->pkeys = NULL;
	lanes_forget(node);
	aliases_forget(sm, number);
	if (port->successor)
		aliases_doubt(sm, number);
}

static void take_end_port(struct sm *sm, uint32_t number, uint64_t mkey, uint16_t lid_before)
{
	struct port *port = &sm->fabric.ports[number];
	struct node *node = node_of(&sm->fabric, number);
	uint64_t capabilities = wire_get(port->info, PORT_INFO_CAPABILITIES);
	bool is_sm;

	mkey_take(sm, number, mkey);
	if (node_is_switch(node))
		node->extended = (capabilities & CAP_EXTENDED_SPEEDS) != 0;
	is_sm = (capabilities & CAP_IS_SM) && number != sm->fabric.local_port;
	if (is_sm)
		look_give_up(sm); /* it is asked who it is before anything is written */
	if (is_sm && !port->sm && sm->phase != PHASE_DISCOVER)
		sm_sweep_again(sm, false);
	port->sm = is_sm;
	look_for_restart(sm, number, lid_before);
	aliases_look(sm, number);
}

void discover_take_port_info(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct port *port = &sm->fabric.ports[number];
	struct node *node = node_of(&sm->fabric, number);
	enum port_state before = port_state(port);
	uint16_t lid_before = port_held_lid(port);
	uint64_t state = wire_get(answer->data, PORT_INFO_STATE);

	if (number != node->first_port && (state < PORT_DOWN || state > PORT_ACTIVE)) {
		reason_set_port(sm, number, REASON_BAD_PORT_INFO);
		return;
	}
	if (port_is_end(&sm->fabric, number) && sm->phase == PHASE_DISCOVER)
		look_for_master(sm, node, port, answer->data);
	if (memcmp(port->info, answer->data, SMP_DATA_SIZE) != 0)
		sm_include(sm, number);
	memcpy(port->info, answer->data, SMP_DATA_SIZE);
	port->fits = 0;
	port->known = true;
	if (port_state(port) != before)
		port->since = loop_now(sm->loop);
	if (sm->phase == PHASE_DISCOVER)
		look_for_interregnum(sm, number, before);
	if (port_is_end(&sm->fabric, number))
		take_end_port(sm, number, wire_get(answer->datagram, SMP_MKEY), lid_before);
	tables_doubt_keys(sm, number, before);
	if (sm->phase == PHASE_DISCOVER && port_state(port) < before)
		faults_forget_link(sm, number);
	if (port->number != 0)
		look_at_link(sm, number, port_state(port) < before);
	fdr10_look(sm, number);
	if (port_is_end(&sm->fabric, number))
		vports_look(sm, number, before);
	if (sm->phase == PHASE_PROGRAM)
		work_add(sm, port->node, TODO(TODO_PORT_SET));
	if (sm->phase == PHASE_ACTIVATE)
		work_add(sm, port->node, TODO(TODO_ACTIVATE));
	if (sm->phase > PHASE_DISCOVER && port->relink)
		sm_sweep_again(sm, false);
}
