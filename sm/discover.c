/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Finding out what is there, by directed routes, ring by ring around us.
 *
 * A ring ("frontier") is first read: SwitchInfo of its switches, and PortInfo of all ports of those
 * that are new, have changed, or are not trusted. Then it is expanded: every link that is up and
 * not settled is probed with NodeInfo, whose answer names the far node and the far port and so
 * settles both ends: one NodeInfo per link, not per link end. Only when a ring is done does the
 * next one start, so that the far ends are not probed at the same time from the other side. (Two
 * probes can still cross on a link between two nodes of the same ring.)
 *
 * A later sweep walks the same way but believes what it knows: a switch that shows no
 * PortStateChange has the ports it had, and a link whose port stayed Active leads where it led. So
 * a quiet fabric costs one SwitchInfo per switch, and a sweep after a change costs what changed.
 * The exception: a port that was not Active when its far end was asked, and was then made so by us.
 * If its link bounced in between, that left no trace but the PortStateChange of its switch, and not
 * even that where it has been up since before we were master.
 *
 * Devices are not believed more than that. Impossible answers, a GUID that is in two places, a
 * device that does not answer: left out, with a reason, and tried again by later sweeps. Nobody
 * waits for a first answer longer than two tries; if it comes after all, the sweep is repeated.
 *
 * Nothing is written here but PortStateChange, and that only when we are master (IBA 14.4: an SM
 * that is not must not write); see tables.c for when we have just become it.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* Of the probes that nobody waits for; ports beyond are asked by the next sweep. */
#define MAX_LATE (MAX_PROBES / 2)

int discover_init(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	d->probes = calloc(MAX_PROBES, sizeof(*d->probes));
	if (!d->probes)
		return -ENOMEM;
	for (uint32_t i = 0; i < MAX_PROBES; i++) {
		request_sma_init(&d->probes[i].sma);
		d->probes[i].sma.owner = PROBE_OWNER | i;
	}

	return 0;
}

void discover_done(struct sm *sm)
{
	free(sm->discovery.probes);
	free(sm->discovery.now.nodes);
	free(sm->discovery.next.nodes);
}

static int push(struct frontier *f, uint32_t node)
{
	if (f->n == f->room) {
		uint32_t room = MAX(2 * f->room, 64);
		uint32_t *bigger = reallocarray(f->nodes, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		f->nodes = bigger;
		f->room = room;
	}
	f->nodes[f->n++] = node;

	return 0;
}

/* -- probes -------------------------------------------------------------------------------------
 */

static struct probe *free_probe(struct discovery *d)
{
	for (uint32_t i = 0; i < MAX_PROBES; i++)
		if (!d->probes[i].used)
			return &d->probes[i];

	return NULL;
}

static void route_through(struct sma *sma, const struct sma *parent, uint8_t port)
{
	memcpy(sma->route, parent->route, parent->hops);
	sma->route[parent->hops] = port;
	sma->hops = (uint8_t)(parent->hops + 1);
}

/* Ask who is behind @port (NO_PORT: who we are). False if there is no room for another probe now.
 */
static bool start_probe(struct sm *sm, uint32_t port, bool wait)
{
	struct discovery *d = &sm->discovery;
	struct probe *probe = d->n_probes < MAX_PROBES ? free_probe(d) : NULL;

	if (!probe)
		return false;
	probe->used = true;
	probe->sent = false;
	probe->late = !wait;
	probe->port = port;
	probe->sweep = sm->fabric.sweep;
	mkey_give_probe(sm, probe);
	probe->sma.srtt = 0;
	probe->sma.hops = 0;
	if (port != NO_PORT)
		route_through(&probe->sma, &node_of(&sm->fabric, port)->sma,
			      sm->fabric.ports[port].number);
	d->n_probes++;
	if (!wait)
		d->n_late++;
	requests_make_ready(sm->requests, &probe->sma);

	return true;
}

static void end_probe(struct discovery *d, struct probe *probe)
{
	probe->used = false;
	d->n_probes--;
	if (probe->late)
		d->n_late--;
}

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

static void fill_node(struct node *node, const uint8_t *data)
{
	node->system_guid = wire_get(data, NODE_INFO_SYSTEM_GUID);
	node->vendor_id = (uint32_t)wire_get(data, NODE_INFO_VENDOR_ID);
	node->device_id = (uint16_t)wire_get(data, NODE_INFO_DEVICE_ID);
	node->revision = (uint32_t)wire_get(data, NODE_INFO_REVISION);
	node->partition_cap = (uint16_t)wire_get(data, NODE_INFO_PARTITION_CAP);
	/* CAs are asked for extended speeds at once, switches when port 0 says that they know them.
	 */
	if (!node->described && !node_is_switch(node))
		node->extended = true;
}

/* Make room by forgetting who has been away for longest. False if all are here. */
static bool forget_oldest(struct sm *sm)
{
	struct fabric *f = &sm->fabric;
	uint32_t oldest = NO_NODE;

	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].guid != 0 && !f->nodes[i].present &&
		    (oldest == NO_NODE || f->nodes[i].since < f->nodes[oldest].since))
			oldest = i;
	if (oldest == NO_NODE)
		return false;
	work_drop(sm, oldest);
	fabric_forget_node(f, oldest);

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
		if (node->seen == f->sweep)
			return -EEXIST;
		work_drop(sm, number);
		fabric_forget_node(f, number);
	}

	r = fabric_add_node(f, info->node_guid, info->type, info->n_ports, ret);
	if (r == -ENOSPC && forget_oldest(sm))
		r = fabric_add_node(f, info->node_guid, info->type, info->n_ports, ret);
	if (r == 0)
		memory_give(sm, &f->nodes[*ret]);

	return r;
}

/*
 * Not what is found first, nor what comes and goes because our own cable does: that is all there
 * is, and no news of any of it.
 */
static bool is_news(const struct sm *sm)
{
	const struct fabric *f = &sm->fabric;

	return sm->came_up && !sm->cut_off && f->local_port != NO_PORT &&
	       (f->ports[f->local_port].number == 0 ||
		port_state(&f->ports[f->local_port]) != PORT_DOWN);
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
	node->present = true;
	node->since = loop_now(sm->loop);
	node->trusted = false;
	faults_forget_node(sm, node);
	doubt_tables(sm, node);
	for (unsigned i = 0; i <= node->n_ports; i++)
		sm->fabric.ports[port_at(node, i)].since = node->since;
	if (is_news(sm))
		event_add(sm->events, EVENT_NODE_UP, node->guid, sm->fabric.ports[node->entry].lid,
			  -1, "%s appeared", node->described ? node->description : "a device");
}

/* Reached for the first time in this sweep, out of @via (NO_PORT: it is our own device). */
static void visit(struct sm *sm, uint32_t number, uint32_t via)
{
	struct fabric *f = &sm->fabric;
	struct node *node = &f->nodes[number];
	const struct node *parent = via == NO_PORT ? NULL : node_of(f, via);

	node->seen = f->sweep;
	node->sma.lid = 0;
	node->entry = node_is_switch(node) ? node->first_port : f->local_port;
	node->depth = 0;
	node->sma.hops = 0;
	if (parent) {
		route_through(&node->sma, &parent->sma, f->ports[via].number);
		node->depth = (uint8_t)(parent->depth + 1);
		if (!node_is_switch(node))
			node->entry = f->ports[via].peer;
	}
	if (!node->present)
		node_came(sm, number);
	if (via == NO_PORT)
		node->fault = (struct fault){ 0 }; /* there is nobody else to ask */
	node->reason = fault_waits(sm, &node->fault) ? node->fault.reason : node->mkey_fault.reason;
	if (push(&sm->discovery.next, number) < 0)
		fault_leave_out(sm, node, &node->fault, REASON_OUT_OF_MEMORY);
}

/* A cable that is gone, or leads nowhere, makes another fabric, even if no table shows it. */
static void disconnect(struct sm *sm, uint32_t number)
{
	sm->changed = sm->changed || sm->fabric.ports[number].peer != NO_PORT;
	fabric_disconnect(&sm->fabric, number);
}

/*
 * Nobody answers behind it, for the first time: is the link still up? If the far end said that it
 * went down while we programmed, this end was neither set nor read since.
 */
static void look_again(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	if (port->probe_silent || port->busy)
		return;
	port->stale = true;
	work_add(sm, port->node, TODO(TODO_PORT_INFO));
}

static void leave_out(struct sm *sm, uint32_t via, enum reason reason)
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
	disconnect(sm, via);
	if (reason == REASON_NEIGHBOR_SILENT)
		look_again(sm, via);
	sm->fabric.ports[via].probe_silent = reason == REASON_NEIGHBOR_SILENT;
	reason_set_port(sm, via, reason);
}

static enum reason reason_of_error(int error)
{
	if (error == -EEXIST)
		return REASON_DUPLICATE_NODE_GUID;

	return error == -ENOSPC ? REASON_TOO_MANY_DEVICES : REASON_OUT_OF_MEMORY;
}

/* Is the far port already taken by another cable, found in this same sweep? */
static bool is_twin(const struct fabric *f, uint32_t via, uint32_t far)
{
	const struct port *port = &f->ports[far];

	if (via == NO_PORT || far == via)
		return far == via;

	return port->peer != NO_PORT && port->peer != via && port->checked == f->sweep;
}

/* False if another port that is there has this GUID. */
static bool take_port_guid(struct fabric *f, uint32_t number, uint64_t guid)
{
	struct port *port = &f->ports[number];
	uint32_t other = fabric_find_port(f, guid);

	if (other == number)
		return true;
	if (other != NO_PORT && node_of(f, other)->present && f->ports[other].guid == guid &&
	    node_of(f, other)->seen + 1 >= f->sweep)
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

/* At another place: another device may have this GUID, and hold other keys and aliases. */
static void doubt_moved(struct sm *sm, uint32_t via, uint32_t far)
{
	struct fabric *f = &sm->fabric;

	if (node_is_switch(node_of(f, far)) || f->ports[far].home == via)
		return;
	free(f->ports[far].pkeys);
	f->ports[far].pkeys = NULL;
	aliases_doubt(sm, far);
}

static void settle_link(struct sm *sm, uint32_t via, uint32_t far)
{
	struct fabric *f = &sm->fabric;
	bool is_new = f->ports[via].peer != far;

	sm->changed = sm->changed || is_new;
	doubt_moved(sm, via, far);
	fabric_connect(f, via, far);
	f->ports[via].checked = f->ports[far].checked = f->sweep;
	f->ports[via].relink = f->ports[far].relink = false;
	f->ports[via].probe_silent = f->ports[far].probe_silent = false;
	f->ports[via].fresh = port_state(&f->ports[via]) != PORT_ACTIVE;
	f->ports[far].fresh = port_state(&f->ports[far]) != PORT_ACTIVE;
	if (is_new && is_news(sm))
		event_add(sm->events, EVENT_LINK_UP, node_of(f, via)->guid, port_lid(f, via),
			  f->ports[via].number, "link to 0x%016" PRIx64 " port %u",
			  node_of(f, far)->guid, f->ports[far].number);
}

static void read_end_port(struct sm *sm, uint32_t number)
{
	sm->fabric.ports[number].stale = true;
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_PORT_INFO));
}

static void take_node(struct sm *sm, uint32_t via, const uint8_t *data, uint64_t mkey)
{
	struct fabric *f = &sm->fabric;
	struct node_info info;
	uint32_t number, far, end;
	int r;

	if (!read_node_info(data, &info)) {
		leave_out(sm, via, REASON_BAD_NODE_INFO);
		return;
	}
	r = find_or_add(sm, &info, &number);
	if (r < 0) {
		leave_out(sm, via, reason_of_error(r));
		return;
	}
	far = port_at(&f->nodes[number], info.local_port);
	if (is_twin(f, via, far)) {
		leave_out(sm, via, REASON_DUPLICATE_NODE_GUID);
		return;
	}
	end = info.type == NODE_TYPE_SWITCH ? f->nodes[number].first_port : far;
	if (!take_port_guid(f, end, info.port_guid)) {
		leave_out(sm, via, REASON_DUPLICATE_PORT_GUID);
		return;
	}
	fill_node(&f->nodes[number], data);
	if (via == NO_PORT)
		f->local_port = far;
	else
		settle_link(sm, via, far);
	mkey_give(sm, end, mkey);
	if (f->nodes[number].seen != f->sweep)
		visit(sm, number, via);
	if (info.type != NODE_TYPE_SWITCH)
		read_end_port(sm, far);
}

/*
 * Too late for its sweep: it says nothing of what was found since. Somebody who answers after all
 * is worth another one.
 */
static void take_late_probe(struct sm *sm, const struct probe *probe, const struct answer *answer)
{
	struct port *port = &sm->fabric.ports[probe->port];

	if (answer->result == REQUEST_ANSWERED) {
		port->probe_silent = false;
		/* By its turn another would be tried now. */
		port->far_mkey = wire_get(answer->datagram, SMP_MKEY);
		sm_sweep_again(sm, false);
	} else if (answer->result == REQUEST_LOST && port->checked < probe->sweep) {
		look_again(sm, probe->port);
		port->probe_silent = true;
	}
}

void discover_take_probe(struct sm *sm, struct probe *probe, const struct answer *answer)
{
	uint32_t via = probe->port;

	end_probe(&sm->discovery, probe);
	/* That nobody answers whom nobody waits for is old. */
	sm->news = sm->news || (via != NO_PORT && !probe->late);
	if (via != NO_PORT && (sm->phase != PHASE_DISCOVER || probe->sweep != sm->fabric.sweep)) {
		take_late_probe(sm, probe, answer);
		return;
	}
	if (answer->result == REQUEST_ANSWERED)
		take_node(sm, via, answer->data, wire_get(answer->datagram, SMP_MKEY));
	else if (answer->result == REQUEST_REFUSED)
		leave_out(sm, via, REASON_BAD_NODE_INFO);
	else
		leave_out(sm, via, REASON_NEIGHBOR_SILENT);
}

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
	    before == PORT_ACTIVE && port_state(port) != PORT_ACTIVE)
		election_doubt_all(sm);
}

/* -- switches and ports -------------------------------------------------------------------------
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

		if (!port->fresh || port->checked == sm->fabric.sweep)
			continue;
		port->relink = port->relink || changed;
		port->fresh = false;
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
	bool clear;

	look_for_writer(sm, node, data);
	memcpy(node->sw->info, data, SMP_DATA_SIZE);
	if (wire_get(data, SWITCH_INFO_LINEAR_CAP) == 0) {
		fault_leave_out(sm, node, &node->fault, REASON_NOT_A_TABLE_SWITCH);
		return;
	}
	tables_doubt_neighbors(sm, node, changed);
	if (restarted) {
		tables_forget(sm, node);
		forget_faults(sm, node);
	}
	doubt_fresh_links(sm, node, changed);
	if (!changed && !restarted && node->trusted && !node->told && !sm->discovery.full) {
		if (has_stale_port(sm, node))
			work_add(sm, number, TODO(TODO_PORT_INFO));
		return;
	}
	node->trusted = false;
	node->told = false;
	sm->by_lid = false;
	for (unsigned i = 0; i <= node->n_ports; i++)
		sm->fabric.ports[port_at(node, i)].stale = true;
	clear = changed && sm->state == SM_MASTER && !fault_waits(sm, &node->sw->info_fault);
	work_add(sm, number, TODO(TODO_PORT_INFO) | (clear ? TODO(TODO_CLEAR_CHANGE) : 0));
}

static void port_went_down(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	struct port *port = &f->ports[number];

	if (port->peer != NO_PORT) {
		event_add(sm->events, EVENT_LINK_DOWN, node_of(f, number)->guid,
			  port_lid(f, number), port->number,
			  "link to 0x%016" PRIx64 " port %u went down",
			  node_of(f, port->peer)->guid, f->ports[port->peer].number);
		f->ports[port->peer].relink = true;
	}
	disconnect(sm, number);
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
	/* Settled from the other side, unless it bounced after that. */
	if (port->checked == sm->fabric.sweep && (sm->phase == PHASE_DISCOVER || !fell))
		return;
	if (state != PORT_ACTIVE || port->peer == NO_PORT || sm->discovery.full)
		port->relink = true;
	if (state != PORT_ACTIVE && port->peer != NO_PORT)
		fault_hurry(sm, &node_of(&sm->fabric, port->peer)->fault);
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
		if (node_is_switch(node) && sm->adopting)
			node->sw->cold = false;
		return;
	}
	memory_forget_quirks(sm, node);
	if (node_is_switch(node)) {
		/* One for which no LID was left may have been up all the time: see has_restarted().
		 */
		if (port->reason != REASON_OUT_OF_LIDS)
			tables_forget(sm, node);
		return;
	}
	free(port->pkeys);
	port->pkeys = NULL;
	aliases_forget(sm, number);
}

static void take_end_port(struct sm *sm, uint32_t number, uint64_t mkey, uint16_t lid_before)
{
	struct port *port = &sm->fabric.ports[number];
	struct node *node = node_of(&sm->fabric, number);
	uint64_t capabilities = wire_get(port->info, PORT_INFO_CAPABILITIES);

	mkey_take(sm, number, mkey);
	if (node_is_switch(node))
		node->extended = (capabilities & CAP_EXTENDED_SPEEDS) != 0;
	port->sm = (capabilities & CAP_IS_SM) && number != sm->fabric.local_port;
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

/* -- rings --------------------------------------------------------------------------------------
 */

/* Does anything lie behind this port that is ours to look at? */
static bool leads_on(const struct fabric *f, const struct node *node, uint32_t number)
{
	const struct port *port = &f->ports[number];

	if (port->number == 0 || !port->known || port_state(port) < PORT_INITIALIZE ||
	    port_phys_state(port) != PHYS_LINK_UP)
		return false;

	return node_is_switch(node) || number == f->local_port;
}

static void follow_link(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	uint32_t far = f->ports[number].peer;
	struct node *node = node_of(f, far);

	f->ports[number].checked = f->ports[far].checked = f->sweep;
	if (node->seen != f->sweep)
		visit(sm, f->ports[far].node, number);
	if (!node_is_switch(node) &&
	    !(f->ports[far].known && !f->ports[far].stale && node->trusted))
		read_end_port(sm, far);
}

/* False if it has to wait for a free probe. */
static bool expand_port(struct sm *sm, const struct node *node, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	bool silent = port->probe_silent;

	if (!leads_on(&sm->fabric, node, number))
		return true;
	if (port->peer != NO_PORT && !port->relink) {
		follow_link(sm, number);
		return true;
	}
	if (node->sma.hops >= SMP_MAX_HOPS || (silent && sm->discovery.n_late >= MAX_LATE))
		return true;

	return start_probe(sm, number, !silent);
}

void discover_pump(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	for (; d->node < d->now.n; d->node++, d->port = 1) {
		const struct node *node = &sm->fabric.nodes[d->now.nodes[d->node]];

		if (node->reason != REASON_NONE && node->reason != REASON_MKEY_HIDDEN)
			continue;
		for (; d->port <= node->n_ports; d->port++)
			if (!expand_port(sm, node, port_at(node, d->port)))
				return;
	}
}

static void read_ring(struct sm *sm)
{
	struct discovery *d = &sm->discovery;
	struct frontier done = d->now;

	d->now = d->next;
	d->next = done;
	d->next.n = 0;
	d->node = 0;
	d->port = 1;
	d->expanding = false;
	for (uint32_t i = 0; i < d->now.n; i++)
		if (node_is_switch(&sm->fabric.nodes[d->now.nodes[i]]))
			work_add(sm, d->now.nodes[i], TODO(TODO_SWITCH_INFO));
}

bool discover_advance(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	while (sm->n_busy == 0) {
		if (d->expanding) {
			discover_pump(sm);
			if (d->node < d->now.n || d->n_probes > d->n_late || sm->n_busy > 0)
				return false;
			if (d->next.n == 0)
				return true;
			read_ring(sm);
		} else {
			d->expanding = true;
		}
	}

	return false;
}

void discover_start(struct sm *sm, bool full)
{
	struct discovery *d = &sm->discovery;

	sm->fabric.sweep++;
	d->full = full;
	d->failed = REASON_NONE;
	d->now.n = d->next.n = 0;
	d->node = 0;
	d->expanding = true;
	if (!start_probe(sm, NO_PORT, true))
		d->failed = REASON_SILENT;
}

/* -- the end ------------------------------------------------------------------------------------
 */

static void node_went(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];

	sm->changed = true;
	node->present = false;
	node->trusted = false;
	node->reason = REASON_NONE;
	node->since = loop_now(sm->loop);
	work_drop(sm, number);
	fdr10_went(node);
	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		disconnect(sm, port_at(node, i));
		port->present = false;
		port->known = false;
		port->fdr10 = false;
		port->reason = REASON_NONE;
		port->since = node->since;
		memset(port->info, 0, SMP_DATA_SIZE);
	}
	if (is_news(sm))
		event_add(sm->events, EVENT_NODE_DOWN, node->guid,
			  sm->fabric.ports[node->entry].lid, -1, "%s is gone",
			  node->described ? node->description : "a device");
}

static void end_node(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];
	bool all_known = true;

	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		port->present = node_is_switch(node) || port->peer != NO_PORT ||
				port_at(node, i) == sm->fabric.local_port;
		all_known = all_known && (port->known || !port->present);
	}
	node->trusted = all_known && node->reason == REASON_NONE;
}

void discover_end(struct sm *sm)
{
	struct fabric *f = &sm->fabric;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		if (f->nodes[i].guid == 0)
			continue;
		if (f->nodes[i].seen != f->sweep && f->nodes[i].present)
			node_went(sm, i);
		else if (f->nodes[i].present)
			end_node(sm, i);
	}
}
