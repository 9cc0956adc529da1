/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Finding out what is there, by directed routes, ring by ring around us.
 *
 * A ring ("frontier") is first read: SwitchInfo of its switches, and PortInfo of all ports of those
 * that are new, have changed, or are not trusted (discover-port.c). Then it is expanded: every link
 * that is up and not settled is probed with NodeInfo (discover-probe.c), whose answer names the far
 * node and port and so settles both ends (discover-node.c): one NodeInfo per link, not per end.
 * Only when a ring is done does the next one start, so that the far ends are not probed at the same
 * time from the other side. (Two probes can still cross on a link between two nodes of the same
 * ring.)
 *
 * A later sweep walks the same way but believes what it knows: a switch that shows no
 * PortStateChange has the ports it had, and a link whose port stayed Active leads where it led. So
 * a quiet fabric costs one SwitchInfo per switch, and a sweep after a change costs what changed.
 * The exception: a port that was not Active when its far end was asked, and was then made so by us.
 * If its link bounced in between, that left no trace but the PortStateChange of its switch, and not
 * even that where it has been up since before we were master.
 *
 * Nothing is written here but PortStateChange, and that only when we are master (IBA 14.4: an SM
 * that is not must not write); see tables.c for when we have just become it.
 *
 * This file has the rings, and what follows when there is no further one: who was not seen is gone.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sm/discover-inside.h"
#include "sm/machine.h"

/* Of the probes that nobody waits for; ports beyond are asked by the next sweep. */
#define MAX_LATE (MAX_PROBES / 2)

#define SILENT_FIRST (60 * LOOP_SEC)
#define SILENT_TURNS 6 /* sweeps */

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
	free(sm->discovery.looked_at.nodes);
}

/* -- rings --------------------------------------------------------------------------------------
 */

bool discover_leads_through(const struct node *node)
{
	return node->reason == REASON_NONE || node->reason == REASON_MKEY_HIDDEN;
}

/* Does anything lie behind this port that is ours to look at? */
bool discover_leads_on(const struct fabric *f, const struct node *node, uint32_t number)
{
	const struct port *port = &f->ports[number];

	if (port->number == 0 || !port->known || port_is_held(port) ||
	    port_state(port) < PORT_INITIALIZE || port_phys_state(port) != PHYS_LINK_UP)
		return false;

	return node_is_switch(node) || number == f->local_port;
}

static void follow_link(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	uint32_t far = f->ports[number].peer;
	struct node *node = node_of(f, far);
	/* Our own port is where the walk began. */
	bool reads_on = !node_is_switch(node) && (far != f->local_port || sm->discovery.look) &&
			!(f->ports[far].known && !f->ports[far].stale && node->trusted);

	f->ports[number].checked = f->ports[far].checked = f->walk;
	if (node->seen != f->walk && (!sm->discovery.look || reads_on))
		discover_visit(sm, f->ports[far].node, number);
	if (reads_on)
		discover_read_end_port(sm, far);
}

/*
 * Who has been silent behind it for a while is asked by one of some of the sweeps that the timer
 * makes of a fabric at rest, each port by another; by those that have a reason, always.
 */
static bool is_its_turn(const struct sm *sm, const struct port *port)
{
	return !sm->by_lid || loop_now(sm->loop) - port->since < SILENT_FIRST ||
	       sm->fabric.sweep % SILENT_TURNS == port->number % SILENT_TURNS;
}

/* False if it has to wait for a free probe. */
static bool expand_port(struct sm *sm, const struct node *node, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	bool silent = port->probe_silent;

	if (!discover_leads_on(&sm->fabric, node, number))
		return true;
	if (port->peer != NO_PORT && !port->relink) {
		follow_link(sm, number);
		return true;
	}
	if (node->sma.hops >= SMP_MAX_HOPS)
		return true;
	if (silent && (sm->discovery.n_late >= MAX_LATE || !is_its_turn(sm, port)))
		return true;

	return discover_probe(sm, number, !silent);
}

void discover_pump(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	for (; d->node < d->now.n; d->node++, d->port = 1) {
		const struct node *node = &sm->fabric.nodes[d->now.nodes[d->node]];

		if (!discover_leads_through(node))
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

	if (d->look) {
		look_choose_ring(sm);
	} else {
		d->now = d->next;
		d->next = done;
		d->next.n = 0;
	}
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

	if (d->look && d->lost)
		return true;
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

void discover_begin(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	sm->fabric.walk++;
	d->failed = REASON_NONE;
	d->now.n = d->next.n = 0;
	d->node = 0;
	d->expanding = true;
}

void discover_start(struct sm *sm, bool full)
{
	struct discovery *d = &sm->discovery;

	sm->fabric.sweep++;
	discover_begin(sm);
	d->full = full;
	d->look = false;
	if (!discover_probe(sm, NO_PORT, true))
		d->failed = REASON_SILENT;
}

/* -- the end ------------------------------------------------------------------------------------
 */

void discover_node_went(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];

	sm->changed = true;
	fabric_node_went(&sm->fabric, node);
	node->trusted = false;
	node->reason = REASON_NONE;
	node->since = loop_now(sm->loop);
	work_drop(sm, number);
	discover_untouch(sm, number);
	fdr10_went(node);
	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		discover_disconnect(sm, port_at(node, i));
		port->present = false;
		port->known = false;
		port->fdr10 = false;
		port->reason = REASON_NONE;
		port->since = node->since;
		memset(port->info, 0, SMP_DATA_SIZE);
	}
	if (discover_is_news(sm))
		event_add(sm->events, EVENT_NODE_DOWN, node->guid,
			  sm->fabric.ports[node->entry].lid, -1, "%s is gone",
			  node->described ? node->description : "a device");
}

void discover_end_node(struct sm *sm, uint32_t number)
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
	port_states_judge(sm, node);
}

void discover_end(struct sm *sm)
{
	struct fabric *f = &sm->fabric;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		if (f->nodes[i].guid == 0)
			continue;
		if (f->nodes[i].seen != f->walk && f->nodes[i].present)
			discover_node_went(sm, i);
		else if (f->nodes[i].present)
			discover_end_node(sm, i);
	}
}
