/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What nodes are asked. A phase gives every node the kinds of work that it consists of, as bits;
 * the request engine takes a node that is ready and asks for its next request, and here the lowest
 * kind that still has one makes it. A kind that has no more loses its bit, and gets it back when an
 * answer shows that there is more to do. So nothing is queued, and a phase is over when no node is
 * busy.
 *
 * Requests follow directed routes, which hold whatever tables do. While nothing speaks against the
 * tables in use, what a quiet fabric is asked goes to LIDs instead: directed routes cost the time
 * of the agent of each switch on the way. The first doubt (a change, somebody who asks for a sweep,
 * an answer that does not come) ends that until all is at rest again; the request itself is
 * repeated along the directed route.
 *
 * work-answer.c says what becomes of answers, and of what is not answered.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/work-inside.h"

_Static_assert(TODO_COUNT == WORK_KINDS, "each kind has a cursor");

/* Who is left out is asked nothing; who does not hear Sets is sent one now and then. */
static unsigned allowed(const struct sm *sm, const struct node *node)
{
	if (fault_waits(sm, &node->fault))
		return 0;
	if (fault_waits(sm, &node->mkey_fault))
		return ~TODO_SETS;
	if (node->mkey_fault.reason != REASON_NONE)
		return ~TODO_SETS | TODO(TODO_PORT_SET);

	return ~0u;
}

void work_update(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];
	bool busy = (node->work.todo & ~TODO_LATER) || node->work.in_flight > 0;

	if (busy == node->work.busy)
		return;
	node->work.busy = busy;
	if (busy)
		sm->n_busy++;
	else
		sm->n_busy--;
}

void work_set_naming(struct sm *sm, struct node *node, bool naming)
{
	if (node->naming == naming)
		return;
	node->naming = naming;
	if (naming)
		sm->n_naming++;
	else
		sm->n_naming--;
	sm->tell_named = sm->n_naming == 0;
}

void work_add(struct sm *sm, uint32_t number, unsigned todo)
{
	struct node *node = &sm->fabric.nodes[number];

	todo &= allowed(sm, node);
	node->work.todo = (node->work.todo & allowed(sm, node)) | todo;
	if (todo & TODO(TODO_DESCRIPTION))
		work_set_naming(sm, node, true);
	for (unsigned kind = 0; kind < TODO_COUNT; kind++)
		if (todo & TODO(kind))
			node->work.cursor[kind] = (struct cursor){ 0 };
	work_update(sm, number);
	requests_make_ready(sm->requests, &node->sma);
}

void work_drop(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];

	requests_cancel(sm->requests, &node->sma);
	multicast_dropped(sm, node);
	for (unsigned i = 0; i <= node->n_ports; i++) {
		sm->fabric.ports[port_at(node, i)].busy = false;
		vports_drop(sm, port_at(node, i));
	}
	node->work = (struct node_work){ .busy = node->work.busy };
	work_set_naming(sm, node, false);
	work_update(sm, number);
}

void work_add_all(struct sm *sm, unsigned todo)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];

		if (!node->present)
			continue;
		if (sm_includes(sm, node))
			work_add(sm, i, todo);
		else if (sm_reroutes(sm, node))
			work_add(sm, i, todo & (TODO(TODO_SWITCH_SET) | TODO(TODO_LFT_WRITE)));
	}
}

void work_add_switches(struct sm *sm, unsigned todo)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present && node_is_switch(&sm->fabric.nodes[i]))
			work_add(sm, i, todo);
}

/* -- asking -------------------------------------------------------------------------------------
 */

static bool ask_switch_info(struct node *node, struct request *ret)
{
	ret->method = METHOD_GET;
	ret->attr = ATTR_SWITCH_INFO;
	node->work.todo &= ~TODO(TODO_SWITCH_INFO);

	return true;
}

/* Written back as it was read: PortStateChange 1 clears it, all else stays (IBA 14.2.5.4). */
static bool ask_clear_change(struct node *node, struct request *ret)
{
	ret->method = METHOD_SET;
	ret->attr = ATTR_SWITCH_INFO;
	memcpy(ret->data, node->sw->info, SMP_DATA_SIZE);
	wire_set(ret->data, SWITCH_INFO_STATE_CHANGE, 1);
	node->work.todo &= ~TODO(TODO_CLEAR_CHANGE);
	node->work.clearing = true;

	return true;
}

static uint32_t modifier_of(const struct node *node, unsigned port)
{
	return port | (node->extended ? MODIFIER_EXTENDED_SPEEDS : 0);
}

/* The ports of a switch only after port 0, which tells whether the switch knows extended speeds. */
static bool ask_port_info(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_PORT_INFO];

	if (work_is_clearing(node))
		return false;
	if (node->sw && at->port > 0 && sm->fabric.ports[node->first_port].busy)
		return false;
	for (; at->port <= node->n_ports; at->port++) {
		uint32_t number = port_at(node, at->port);
		struct port *port = &sm->fabric.ports[number];

		if (!port->stale || port->busy)
			continue;
		ret->method = METHOD_GET;
		ret->attr = ATTR_PORT_INFO;
		ret->modifier = modifier_of(node, port->number);
		ret->tag = TAG(TODO_PORT_INFO, number, 0);
		port->stale = false;
		port->busy = true;
		at->port++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_PORT_INFO);

	return false;
}

static bool ask_description(struct node *node, struct request *ret)
{
	ret->method = METHOD_GET;
	ret->attr = ATTR_NODE_DESCRIPTION;
	node->work.todo &= ~TODO(TODO_DESCRIPTION);

	return true;
}

static bool ask_kind(struct sm *sm, struct node *node, enum todo kind, struct request *ret)
{
	switch (kind) {
	case TODO_SWITCH_INFO:
		return ask_switch_info(node, ret);
	case TODO_CLEAR_CHANGE:
		return ask_clear_change(node, ret);
	case TODO_PORT_STATES:
		return !work_is_clearing(node) && port_states_ask(node, ret);
	case TODO_PORT_INFO:
		return ask_port_info(sm, node, ret);
	case TODO_SM_INFO:
		return election_ask(sm, node, ret);
	case TODO_VPORT_READ:
		return vports_ask_read(sm, node, ret);
	case TODO_PKEY_READ:
		return tables_ask_pkey_read(sm, node, ret);
	case TODO_LFT_READ:
		return lft_ask_read(sm, node, ret);
	case TODO_LANES:
		return lanes_ask(sm, node, ret);
	case TODO_LFT_WITHDRAW:
		return withdraw_ask(sm, node, ret);
	case TODO_GUID_READ:
		return aliases_ask_read(sm, node, ret);
	case TODO_GUID_WRITE:
		return aliases_ask_write(sm, node, ret);
	case TODO_SWITCH_SET:
		return tables_ask_switch_set(sm, node, ret);
	case TODO_PKEY_WRITE:
		return tables_ask_pkey_write(sm, node, ret);
	case TODO_VPORT_KEYS:
		return vports_ask_keys(sm, node, ret);
	case TODO_FDR10_SET:
		return fdr10_ask_set(sm, node, ret);
	case TODO_PORT_SET:
		return settings_ask_set(sm, node, false, ret);
	case TODO_LFT_WRITE:
		return lft_ask_write(sm, node, ret);
	case TODO_MFT:
		return multicast_ask(sm, node, ret);
	case TODO_ACTIVATE:
		return settings_ask_set(sm, node, true, ret);
	case TODO_VPORT_SET:
		return vports_ask_set(sm, node, ret);
	case TODO_FDR10_READ:
		return fdr10_ask_read(sm, node, ret);
	case TODO_DESCRIPTION:
		return ask_description(node, ret);
	case TODO_VPORT_NAME:
		return vports_ask_name(sm, node, ret);
	case TODO_COUNT:
		break;
	}

	return false;
}

/*
 * A port of a channel adapter is set, and its P_Key table read, only by what arrives at that port
 * (IBA 14.2.5.6, 14.2.5.7): each has a way of its own.
 */
static void choose_way(const struct sm *sm, const struct node *node, struct request *ret)
{
	const struct fabric *f = &sm->fabric;
	uint32_t port = TAG_PORT(ret->tag);
	uint32_t peer;

	if (node_is_switch(node) || node->n_ports == 1 || port == 0 || port == f->local_port)
		return;
	peer = f->ports[port].peer;
	if (peer == NO_PORT || node_of(f, peer)->sma.hops >= SMP_MAX_HOPS)
		return;
	ret->has_route = true;
	ret->hops = (uint8_t)(node_of(f, peer)->sma.hops + 1);
	memcpy(ret->route, node_of(f, peer)->sma.route, node_of(f, peer)->sma.hops);
	ret->route[ret->hops - 1] = f->ports[peer].number;
}

/* Do the tables in use have a way from us to @lid? */
static bool has_way(const struct sm *sm, unsigned lid)
{
	const struct fabric *f = &sm->fabric;
	const struct port *local = &f->ports[f->local_port];
	uint32_t first = local->node;

	if (!node_is_switch(&f->nodes[first])) {
		if (local->peer == NO_PORT)
			return false;
		first = f->ports[local->peer].node;
	}

	return sm_route(sm, first, lid) != ROUTE_NONE;
}

/* A LID of it that is in use, or 0. */
static uint16_t lid_in_use(const struct sm *sm, const struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++) {
		const struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (port->present && port->known && port->lid != 0 &&
		    port_held_lid(port) == port->lid && (i == 0 || port_state(port) == PORT_ACTIVE))
			return has_way(sm, port->lid) ? port->lid : 0;
	}

	return 0;
}

/* Where the first try goes: a LID, or 0. */
static uint16_t lid_for(const struct sm *sm, const struct node *node, enum todo kind)
{
	if (!sm->by_lid || node->sma.hops < 2 ||
	    (kind != TODO_SWITCH_INFO && kind != TODO_PORT_STATES && kind != TODO_DESCRIPTION))
		return 0;

	return lid_in_use(sm, node);
}

uint32_t work_arrives_at(const struct node *node, const struct request *request)
{
	return request->has_route ? TAG_PORT(request->tag) : node->entry;
}

static bool next_of_node(struct sm *sm, struct node *node, struct request *ret)
{
	for (unsigned kind = 0; kind < TODO_COUNT; kind++) {
		if (!(node->work.todo & TODO(kind)))
			continue;
		*ret = (struct request){ .tag = kind };
		if (!ask_kind(sm, node, (enum todo)kind, ret))
			continue;
		choose_way(sm, node, ret);
		node->sma.lid = lid_for(sm, node, (enum todo)kind);
		ret->mkey = sm->fabric.ports[work_arrives_at(node, ret)].mkey;
		ret->other_mkey = sm->fabric.ports[work_arrives_at(node, ret)].other_mkey;
		if (!work_is_later(kind))
			node->work.in_flight++;
		if (ret->method == METHOD_SET)
			sm->wrote = true;
		return true;
	}

	return false;
}

static bool next_of_probe(struct sm *sm, struct probe *probe, struct request *ret)
{
	(void)sm;
	if (probe->sent)
		return false;
	probe->sent = true;
	*ret = (struct request){ .method = METHOD_GET,
				 .attr = ATTR_NODE_INFO,
				 .mkey = probe->mkey,
				 .other_mkey = probe->other_mkey };

	return true;
}

/* Whoever stops has nothing to ask but this one thing, whatever else there is to do. */
static bool leave_but_handover(struct sm *sm, const struct sma *sma)
{
	struct node *heir = sm->giving_way ? node_of(&sm->fabric, sm->heir) : NULL;

	if (!heir || sma != &heir->sma)
		return false;
	heir->work.todo &= TODO(TODO_SM_INFO);

	return true;
}

static bool next(void *user, struct sma *sma, struct request *ret)
{
	struct sm *sm = user;
	bool more;

	if (sm->stopping && !leave_but_handover(sm, sma))
		return false;
	if (sma->owner & PROBE_OWNER)
		return next_of_probe(sm, &sm->discovery.probes[sma->owner & ~PROBE_OWNER], ret);
	if (sma->owner & WATCH_OWNER)
		return watch_ask(sm, &sm->watch.all[sma->owner & ~WATCH_OWNER], ret);

	more = next_of_node(sm, &sm->fabric.nodes[sma->owner], ret);
	work_update(sm, sma->owner);

	return more;
}

const struct request_handler work_handler = {
	.next = next,
	.done = work_done,
	.late = work_late,
	.twin = work_twin,
	.settle = work_settle,
};
