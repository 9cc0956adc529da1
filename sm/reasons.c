/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Why ports are as they are. While a reconcile runs, whoever meets an obstacle notes it: as a fault
 * (fault.c), or on the port itself; at its end every port is looked at once more, and what is no
 * longer true goes. So at rest a port is Active, or has a reason: there is no third.
 */

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vswitch.h"

void reason_set_port(struct sm *sm, uint32_t number, enum reason reason)
{
	struct port *port = &sm->fabric.ports[number];

	if (port->reason == reason)
		return;
	port->reason = (uint8_t)reason;
	port->since = loop_now(sm->loop);
}

bool reason_is_lasting(enum reason reason)
{
	return reason == REASON_NEIGHBOR_SILENT || reason == REASON_BAD_NODE_INFO ||
	       reason == REASON_BAD_PORT_INFO || reason == REASON_DUPLICATE_NODE_GUID ||
	       reason == REASON_DUPLICATE_PORT_GUID || reason == REASON_TOO_MANY_DEVICES ||
	       reason == REASON_OUT_OF_MEMORY;
}

static enum reason reason_of_physics(const struct port *port)
{
	switch (port_phys_state(port)) {
	case PHYS_DISABLED:
		return REASON_DISABLED;
	case PHYS_LINK_UP:
		return REASON_NONE;
	case 4: /* configuration training */
	case 6: /* link error recovery */
	case 7: /* phy test */
		return REASON_TRAINING;
	default:
		return REASON_NO_LINK;
	}
}

static enum reason reason_of_link(const struct sm *sm, const struct port *port)
{
	const struct fabric *f = &sm->fabric;

	if (port->peer == NO_PORT)
		return REASON_NEIGHBOR_SILENT;
	if (port->set_fault.reason != REASON_NONE)
		return port->set_fault.reason;
	if (node_of(f, port->peer)->reason != REASON_NONE)
		return node_of(f, port->peer)->reason;
	if (sm->state != SM_MASTER)
		return REASON_NOT_MASTER;
	if (f->ports[port->peer].set_fault.reason != REASON_NONE ||
	    port_state(&f->ports[port->peer]) < PORT_ARMED)
		return REASON_WAITING_FOR_NEIGHBOR;

	return REASON_IN_PROGRESS;
}

/* Do the tables in use lead to this end port, at the switch that it hangs on? */
static bool has_route(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	const struct port *port = &f->ports[number];
	const struct port *near = port->number == 0 ? port : &f->ports[port->peer];

	if (sm->state != SM_MASTER || !port_is_end(f, number) || !f->nodes[near->node].sw)
		return true;

	return sm_route(sm, near->node, port->lid) == near->number;
}

/* And do all switches hold their part of the way? */
static bool is_written(const struct sm *sm, const struct port *port)
{
	for (unsigned lid = port->lid; lid < port->lid + (1u << port->lmc); lid++)
		if (sm->unwritten[lid / 64] >> lid % 64 & 1)
			return false;

	return true;
}

static enum reason reason_of_route(const struct sm *sm, uint32_t number)
{
	if (!has_route(sm, number))
		return REASON_NO_ROUTE;
	if (port_is_end(&sm->fabric, number) && !is_written(sm, &sm->fabric.ports[number]))
		return REASON_ROUTE_REFUSED;

	return REASON_NONE;
}

static enum reason reason_of_keys(const struct sm *sm, uint32_t number)
{
	if (port_is_end(&sm->fabric, number) && !pkeys_fit(sm, number))
		return REASON_PKEYS_DO_NOT_FIT;
	if (port_is_end(&sm->fabric, number))
		return (enum reason)sm->fabric.ports[number].table_fault.reason;
	if (pkeys_enforced_port(sm, number) != NO_PORT && !pkeys_enforces(sm, number))
		return REASON_ENFORCEMENT_IMPOSSIBLE;

	return REASON_NONE;
}

/* It works, but is there something to tell? */
static enum reason remark(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	const struct port *port = &f->ports[number];
	const struct port *far = &f->ports[port->peer];
	enum reason reason;

	if (port->set_fault.reason != REASON_NONE)
		return port->set_fault.reason;
	if (port->barred != REASON_NONE)
		return (enum reason)port->barred;
	reason = reason_of_route(sm, number);
	if (reason == REASON_NONE)
		reason = reason_of_keys(sm, number);
	if (reason == REASON_NONE)
		reason = vports_reason_of_port(sm, number);
	if (reason == REASON_NONE)
		reason = (enum reason)port->tell_fault.reason;
	if (reason == REASON_NONE && port_is_end(f, number) && node_of(f, number)->lanes_refused)
		reason = REASON_LANES_REFUSED;
	if (reason != REASON_NONE)
		return reason;
	if (settings_is_otherwise(sm, number))
		return REASON_ACTIVE_OTHERWISE;
	if (port_could_be_faster(port, far))
		return REASON_SLOW_LINK;

	return REASON_NONE;
}

/* Port 0 of a switch that takes part: it has no link, and no state that could be other than Active.
 */
static enum reason reason_of_switch(const struct sm *sm, const struct node *node, uint32_t zero)
{
	const struct fault *faults[] = { &sm->fabric.ports[zero].set_fault, &node->sw->info_fault,
					 &node->sw->lft_fault, &node->sw->mft_fault };
	enum reason reason;

	for (size_t i = 0; i < COUNT(faults); i++)
		if (faults[i]->reason != REASON_NONE)
			return faults[i]->reason;

	if (node->lanes_refused)
		return REASON_LANES_REFUSED;
	reason = reason_of_route(sm, zero);
	if (reason == REASON_NONE)
		reason = reason_of_keys(sm, zero);

	return reason == REASON_NONE ? multicast_reason(sm, node) : reason;
}

static enum reason reason_of_port(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	const struct node *node = node_of(&sm->fabric, number);
	enum reason reason;

	if (node->reason != REASON_NONE)
		return node->reason;
	if (node->too_small)
		return REASON_LID_TOO_HIGH;
	if (!port->known)
		return port->reason == REASON_NONE ? REASON_SILENT : port->reason;
	if (sm->state == SM_MASTER && port_is_barred(port))
		return (enum reason)port->barred;
	if (sm->state == SM_MASTER && port_is_end(&sm->fabric, number) && port->lid == 0)
		return port->reason == REASON_OUT_OF_LIDS ? REASON_OUT_OF_LIDS : REASON_IN_PROGRESS;
	if (port->number == 0)
		return reason_of_switch(sm, node, number);
	if (port_is_held(port))
		return REASON_QUARANTINED;
	reason = reason_of_physics(port);
	if (reason != REASON_NONE)
		return reason;
	if (port_state(port) == PORT_DOWN)
		return REASON_NO_LINK;
	if (port->peer == NO_PORT && reason_is_lasting(port->reason))
		return port->reason;
	if (port_state(port) == PORT_ACTIVE && port->peer != NO_PORT)
		return remark(sm, number);

	return reason_of_link(sm, port);
}

/* -- telling of it ------------------------------------------------------------------------------
 */

/*
 * What is found here, and nobody sees from the state of a link. Faults, and what is behind a port,
 * are told of where they are noted; of links that were slow from the beginning there may be
 * thousands.
 */
static bool is_news(const struct sm *sm, enum reason reason)
{
	if (reason == REASON_SLOW_LINK || reason == REASON_ACTIVE_OTHERWISE)
		return sm->came_up;

	return reason == REASON_NO_ROUTE || reason == REASON_PKEYS_DO_NOT_FIT ||
	       reason == REASON_VF_NOT_ALLOWED || reason == REASON_VF_TOO_MANY ||
	       reason == REASON_ENFORCEMENT_IMPOSSIBLE || reason == REASON_OUT_OF_LIDS ||
	       reason == REASON_NO_MULTICAST || reason == REASON_NO_MULTICAST_WAY;
}

/* Of a link or another device, and told of as that; or on the way to Active. */
static bool is_passing(enum reason reason)
{
	return reason == REASON_NO_LINK || reason == REASON_DISABLED || reason == REASON_TRAINING ||
	       reason == REASON_WAITING_FOR_NEIGHBOR || reason == REASON_NOT_MASTER ||
	       reason == REASON_IN_PROGRESS || reason == REASON_ROUTE_REFUSED;
}

/* What all ports of a switch have is told of once, as that of port 0. */
static bool is_of_switch(const struct sm *sm, uint32_t number, enum reason reason)
{
	return !port_is_end(&sm->fabric, number) &&
	       (reason == REASON_SILENT || reason == REASON_MKEY_HIDDEN ||
		reason == REASON_BAD_SWITCH_INFO || reason == REASON_NOT_A_TABLE_SWITCH ||
		reason == REASON_LID_TOO_HIGH || reason == REASON_OUT_OF_MEMORY);
}

static void tell(const struct sm *sm, uint32_t number, enum reason before, enum reason reason)
{
	struct log_where where = where_of_port(sm, number);
	struct vswitch_vf vf = { .pf = number };
	char limit[VF_LIMIT_SIZE];

	if (where.port == 0)
		where.port = -1;
	vswitch_vf_at(&sm->fabric, number, &vf);
	if (is_news(sm, reason))
		event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port, "%s%s",
			  reason_sentence(reason), vf_limit_text(sm, vf.pf, reason, limit));
	else if (reason == REASON_NONE && !is_passing(before) && !is_of_switch(sm, number, before))
		event_add(sm->events, EVENT_PORT_ACTIVE, where.guid, where.lid, where.port,
			  "all is well again; it was: %s", reason_sentence(before));
}

static void update_node(struct sm *sm, const struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++) {
		uint32_t number = port_at(node, i);
		enum reason before = (enum reason)sm->fabric.ports[number].reason;
		enum reason reason;

		if (!sm->fabric.ports[number].present)
			continue;
		aliases_update_reasons(sm, number);
		reason = reason_of_port(sm, number);
		if (before != reason)
			tell(sm, number, before, reason);
		reason_set_port(sm, number, reason);
	}
}

void reasons_update_switches(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];

		if (node->guid != 0 && node_is_switch(node) && sm_includes(sm, node))
			update_node(sm, node);
	}
}

void reasons_update(struct sm *sm)
{
	/* Now there is something that may be of others. */
	sm->local = sm->local && sm->complete;
	lft_find_unwritten(sm);
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].guid != 0 && sm_includes(sm, &sm->fabric.nodes[i]))
			update_node(sm, &sm->fabric.nodes[i]);
	vports_update_reasons(sm);
}
