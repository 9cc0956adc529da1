/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is there: with the answer to a probe (discover-probe.c) the far node is found or made,
 * reached or reached once more, and the link is settled.
 *
 * Devices are believed no more than they must be. Impossible answers, a GUID that is in two places,
 * a device that does not answer: left out, with a reason, and tried again by later sweeps.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sm/discover-inside.h"
#include "sm/machine.h"

/* -- nodes --------------------------------------------------------------------------------------
 */

/* What NodeInfo says, and what must be true of it before we believe it. */
struct node_info {
	uint64_t node_guid;
	uint64_t port_guid;
	uint8_t type;
	uint8_t n_ports;
	uint8_t local_port;
};

static bool read_node_info(const uint8_t *data, struct node_info *ret)
{
	*ret = (struct node_info){
		.node_guid = wire_get(data, NODE_INFO_NODE_GUID),
		.port_guid = wire_get(data, NODE_INFO_PORT_GUID),
		.type = (uint8_t)wire_get(data, NODE_INFO_TYPE),
		.n_ports = (uint8_t)wire_get(data, NODE_INFO_PORTS),
		.local_port = (uint8_t)wire_get(data, NODE_INFO_LOCAL_PORT),
	};

	return ret->node_guid != 0 && ret->port_guid != 0 && ret->type >= NODE_TYPE_CA &&
	       ret->type <= NODE_TYPE_ROUTER && ret->n_ports >= 1 && ret->n_ports <= 254 &&
	       ret->local_port <= ret->n_ports &&
	       (ret->local_port >= 1 || ret->type == NODE_TYPE_SWITCH);
}

static void fill_node(struct sm *sm, struct node *node, const uint8_t *data)
{
	uint64_t system_guid = wire_get(data, NODE_INFO_SYSTEM_GUID);

	sm->changed = sm->changed || node->system_guid != system_guid;
	node->system_guid = system_guid;
	node->vendor_id = (uint32_t)wire_get(data, NODE_INFO_VENDOR_ID);
	node->device_id = (uint16_t)wire_get(data, NODE_INFO_DEVICE_ID);
	node->revision = (uint32_t)wire_get(data, NODE_INFO_REVISION);
	node->partition_cap = (uint16_t)wire_get(data, NODE_INFO_PARTITION_CAP);
	/* CAs are asked for extended speeds at once, switches when port 0 says that they know them.
	 */
	if (!node->described && !node_is_switch(node))
		node->extended = true;
}

/* And what it did not keep: it may never come again, and there would be no end to the store. */
static void forget_node(struct sm *sm, uint32_t number)
{
	work_drop(sm, number);
	memory_forget_quirks(sm, &sm->fabric.nodes[number]);
	fabric_forget_node(&sm->fabric, number);
}

/* Make room by forgetting who has been away for longest. False if all are here. */
static bool forget_oldest(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;

	if (list_is_empty(&f->absent))
		return false;
	forget_node(sm, (uint32_t)(LIST_ENTRY(f->absent.next, struct node, absent) - f->nodes));

	return true;
}

/* The node with this GUID as it is now; one that came back as another kind of device is a new one.
 */
static int find_or_add(struct sm *sm, const struct node_info *info, uint32_t *ret)
{
	struct fabric *f = &sm->fabric;
	uint32_t number = fabric_find_node(f, info->node_guid);
	int r;

	if (number != NO_NODE) {
		struct node *node = &f->nodes[number];

		*ret = number;
		if (node->type == info->type && node->n_ports == info->n_ports)
			return 0;
		if (node->seen == f->walk)
			return -EEXIST;
		forget_node(sm, number);
	}

	r = fabric_add_node(f, info->node_guid, info->type, info->n_ports, ret);
	if (r == -ENOSPC && forget_oldest(sm))
		r = fabric_add_node(f, info->node_guid, info->type, info->n_ports, ret);
	if (r == 0)
		memory_give(sm, &f->nodes[*ret]);

	return r;
}

bool discover_has_no_link(const struct sm *sm)
{
	uint32_t own = sm->fabric.local_port;

	return own == NO_PORT || (sm->fabric.ports[own].number != 0 &&
				  port_state(&sm->fabric.ports[own]) == PORT_DOWN);
}

bool discover_is_news(const struct sm *sm)
{
	return sm->came_up && !sm->cut_off && !discover_has_no_link(sm);
}

/* Where it was, another subnet manager may have been. One that has restarted shows it later. */
static void doubt_tables(struct sm *sm, struct node *node)
{
	tables_doubt(sm, node);
	if (node_is_switch(node))
		node->sw->cold = false;
}

static void node_came(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];

	sm->changed = true;
	fabric_node_came(node);
	node->since = loop_now(sm->loop);
	node->trusted = false;
	faults_forget_node(sm, node);
	doubt_tables(sm, node);
	for (unsigned i = 0; i <= node->n_ports; i++)
		sm->fabric.ports[port_at(node, i)].since = node->since;
	if (discover_is_news(sm))
		event_add(sm->events, EVENT_NODE_UP, node->guid, sm->fabric.ports[node->entry].lid,
			  -1, "%s appeared", node->described ? node->description : "a device");
}

int frontier_push(struct frontier *f, uint32_t node)
{
	int r = array_make_room(&f->nodes, f->n, &f->room, 64, sizeof(*f->nodes));

	if (r == 0)
		f->nodes[f->n++] = node;

	return r;
}

void discover_route_through(struct sma *sma, const struct sma *parent, uint8_t port)
{
	memcpy(sma->route, parent->route, parent->hops);
	sma->route[parent->hops] = port;
	sma->hops = (uint8_t)(parent->hops + 1);
}

void discover_lead_to(struct sm *sm, uint32_t number, uint32_t via)
{
	struct fabric *f = &sm->fabric;
	struct node *node = &f->nodes[number];
	const struct node *parent = via == NO_PORT ? NULL : node_of(f, via);

	node->via = via;
	node->sma.lid = 0;
	node->entry = node_is_switch(node) ? node->first_port : f->local_port;
	node->depth = 0;
	node->sma.hops = 0;
	if (parent) {
		discover_route_through(&node->sma, &parent->sma, f->ports[via].number);
		node->depth = (uint8_t)(parent->depth + 1);
		if (!node_is_switch(node))
			node->entry = f->ports[via].peer;
	}
}

void discover_join(struct sm *sm, uint32_t number)
{
	struct discovery *d = &sm->discovery;
	struct node *node = &sm->fabric.nodes[number];

	node->seen = sm->fabric.walk;
	node->included = sm->sweeps;
	node->reason = fault_waits(sm, &node->fault) ? node->fault.reason : node->mkey_fault.reason;
	if (frontier_push(&d->next, number) < 0 ||
	    (d->look && frontier_push(&d->looked_at, number) < 0))
		fault_leave_out(sm, node, &node->fault, REASON_OUT_OF_MEMORY);
}

/* Who is known keeps its route in a look, which may be shorter. A host may have been moved. */
static bool keeps_route(const struct sm *sm, uint32_t number)
{
	const struct node *node = &sm->fabric.nodes[number];

	return sm->discovery.look && node->present &&
	       (node_is_switch(node) || number == sm->fabric.ports[sm->fabric.local_port].node);
}

void discover_visit(struct sm *sm, uint32_t number, uint32_t via)
{
	struct node *node = &sm->fabric.nodes[number];

	if (!keeps_route(sm, number))
		discover_lead_to(sm, number, via);
	if (!node->present)
		node_came(sm, number);
	if (via == NO_PORT)
		node->fault = (struct fault){ 0 }; /* there is nobody else to ask */
	discover_join(sm, number);
}

/* -- links --------------------------------------------------------------------------------------
 */

void discover_disconnect(struct sm *sm, uint32_t number)
{
	sm->changed = sm->changed || sm->fabric.ports[number].peer != NO_PORT;
	look_at_lost_link(sm, number);
	fabric_disconnect(&sm->fabric, number);
}

/* Who has a cable in the hand knows names. */
void discover_tell_link(const struct sm *sm, enum event_kind kind, uint32_t port, uint32_t far,
			const char *what)
{
	const struct fabric *f = &sm->fabric;
	const struct node *node = node_of(f, far);

	event_add(sm->events, kind, node_of(f, port)->guid, port_lid(f, port),
		  f->ports[port].number, "link to 0x%016" PRIx64 " port %u%s%s%s%s", node->guid,
		  f->ports[far].number, node->described ? " (" : "",
		  node->described ? node->description : "", node->described ? ")" : "", what);
}

void discover_look_again(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	if (port->probe_silent || port->busy)
		return;
	port->stale = true;
	work_add(sm, port->node, TODO(TODO_PORT_INFO));
}

void discover_leave_out(struct sm *sm, uint32_t via, enum reason reason)
{
	struct log_where where;

	if (via == NO_PORT) {
		sm->discovery.failed = reason == REASON_NEIGHBOR_SILENT ? REASON_SILENT : reason;
		return;
	}
	where = where_of_port(sm, via);
	if (sm->fabric.ports[via].reason != reason)
		event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
			  "what is behind this port is left out: %s", reason_sentence(reason));
	discover_disconnect(sm, via);
	if (reason == REASON_NEIGHBOR_SILENT) {
		discover_look_again(sm, via);
		faults_sweep_early(sm);
	}
	sm->fabric.ports[via].probe_silent = reason == REASON_NEIGHBOR_SILENT;
	reason_set_port(sm, via, reason);
}

/* Is the far port already taken by another cable, found in this same sweep? */
static bool is_twin(const struct fabric *f, uint32_t via, uint32_t far)
{
	const struct port *port = &f->ports[far];

	if (via == NO_PORT || far == via)
		return far == via;

	return port->peer != NO_PORT && port->peer != via && port->checked == f->walk;
}

/* False if another port that is there has this GUID. */
static bool take_port_guid(struct fabric *f, uint32_t number, uint64_t guid)
{
	struct port *port = &f->ports[number];
	uint32_t other = fabric_find_port(f, guid);

	if (other == number)
		return true;
	if (other != NO_PORT && node_of(f, other)->present && f->ports[other].guid == guid)
		return false;
	if (port->guid && fabric_find_port(f, port->guid) == number)
		guid_map_remove(&f->by_port_guid, port->guid);
	if (port->guid && port->guid != guid) {
		vfs_forget(f, number); /* those of another adapter */
		port->guids_read = false;
	}
	port->guid = guid;

	return guid_map_put(&f->by_port_guid, guid, number) == 0;
}

/*
 * What is at this cable now was taken for another, or has just come in its place: what was for that
 * one may have arrived here.
 */
static void doubt_successor(struct fabric *f, uint32_t via, uint32_t far)
{
	if (f->ports[via].home != NO_PORT && f->ports[via].home != far)
		f->ports[far].successor = true;
}

/* At another place: another device may have this GUID, and hold other keys, aliases and vports. */
static void doubt_moved(struct sm *sm, uint32_t via, uint32_t far)
{
	struct fabric *f = &sm->fabric;

	if (node_is_switch(node_of(f, far)) || f->ports[far].home == via)
		return;
	free(f->ports[far].pkeys);
	f->ports[far].pkeys = NULL;
	aliases_doubt(sm, far);
	vports_doubt(sm, far);
}

/* Who is not read yet says it when it is (look_at_link() of discover-port.c). */
static bool is_known_not_active(const struct port *port)
{
	return port->known && port_state(port) != PORT_ACTIVE;
}

static void settle_link(struct sm *sm, uint32_t via, uint32_t far)
{
	struct fabric *f = &sm->fabric;
	bool is_new = f->ports[via].peer != far;

	sm->changed = sm->changed || is_new;
	if (is_new) {
		look_at_lost_link(sm, via);
		look_at_lost_link(sm, far);
	}
	doubt_successor(f, via, far);
	doubt_moved(sm, via, far);
	fabric_connect(f, via, far);
	f->ports[via].checked = f->ports[far].checked = f->walk;
	f->ports[far].held_until = 0; /* it was at another cable that it flapped */
	f->ports[via].relink = f->ports[far].relink = false;
	f->ports[via].probe_silent = f->ports[far].probe_silent = false;
	f->ports[via].fresh = is_known_not_active(&f->ports[via]);
	f->ports[far].fresh = is_known_not_active(&f->ports[far]);
	if (is_new && discover_is_news(sm))
		discover_tell_link(sm, EVENT_LINK_UP, via, far, "");
}

/* -- answers ------------------------------------------------------------------------------------
 */

void discover_read_end_port(struct sm *sm, uint32_t number)
{
	sm->fabric.ports[number].stale = true;
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_PORT_INFO));
}

static enum reason reason_of_error(int error)
{
	if (error == -EEXIST)
		return REASON_DUPLICATE_NODE_GUID;

	return error == -ENOSPC ? REASON_TOO_MANY_DEVICES : REASON_OUT_OF_MEMORY;
}

/* A device is where, or what, it was not, and where it was is not looked at. */
static bool is_beyond_look(const struct sm *sm, uint32_t via, const struct node_info *info)
{
	const struct fabric *f = &sm->fabric;
	uint32_t number = fabric_find_node(f, info->node_guid);
	const struct node *node = number == NO_NODE ? NULL : &f->nodes[number];
	const struct port *far;

	if (!sm->discovery.look || !node || !node->present)
		return false;
	if (node->type != info->type || node->n_ports != info->n_ports)
		return true;
	far = &f->ports[port_at(node, info->local_port)];

	return far->peer != NO_PORT && far->peer != via && far->checked != f->walk;
}

/* Behind a link that was asked after for safety's sake, in a look, is the switch that was there. */
static bool is_as_known(const struct sm *sm, uint32_t via, uint32_t far)
{
	const struct fabric *f = &sm->fabric;

	return sm->discovery.look && node_is_switch(node_of(f, far)) && f->ports[via].peer == far &&
	       port_state(&f->ports[via]) == PORT_ACTIVE;
}

/*
 * It was asked only whether another is in its place (discover_doubt_ends()), and none is: all else
 * has been told by the answers to what was set there since.
 */
static bool is_still_there(const struct sm *sm, uint32_t via, uint32_t far)
{
	const struct port *ports = sm->fabric.ports;

	return via != NO_PORT && !sm->discovery.full && ports[via].peer == far &&
	       ports[via].fresh && port_state(&ports[via]) == PORT_ACTIVE && ports[far].known &&
	       !ports[far].stale && port_state(&ports[far]) == PORT_ACTIVE;
}

void discover_take_node(struct sm *sm, uint32_t via, const uint8_t *data, uint64_t mkey)
{
	struct fabric *f = &sm->fabric;
	struct node_info info;
	uint32_t number, far, end;
	bool as_known, still_there;
	int r;

	if (!read_node_info(data, &info)) {
		discover_leave_out(sm, via, REASON_BAD_NODE_INFO);
		return;
	}
	if (is_beyond_look(sm, via, &info)) {
		look_give_up(sm);
		return;
	}
	r = find_or_add(sm, &info, &number);
	if (r < 0) {
		discover_leave_out(sm, via, reason_of_error(r));
		return;
	}
	far = port_at(&f->nodes[number], info.local_port);
	if (is_twin(f, via, far)) {
		discover_leave_out(sm, via, REASON_DUPLICATE_NODE_GUID);
		return;
	}
	end = info.type == NODE_TYPE_SWITCH ? f->nodes[number].first_port : far;
	if (!take_port_guid(f, end, info.port_guid)) {
		discover_leave_out(sm, via, REASON_DUPLICATE_PORT_GUID);
		return;
	}
	fill_node(sm, &f->nodes[number], data);
	as_known = is_as_known(sm, via, far);
	still_there = is_still_there(sm, via, far);
	if (via == NO_PORT)
		f->local_port = far;
	else
		settle_link(sm, via, far);
	mkey_give(sm, end, mkey);
	if (f->nodes[number].seen != f->walk && !as_known)
		discover_visit(sm, number, via);
	if (info.type != NODE_TYPE_SWITCH && !still_there)
		discover_read_end_port(sm, far);
}
