/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who gets which LID. A GUID keeps the LID that it has: from the store, or, when this SM has just
 * started, from the fabric (adopt.c). Who has none gets one in tree order: first what hangs on
 * leaves and these themselves, leaves by breadth from us, then the other switches. LIDs that lie
 * close together in the tree then lie close together in every forwarding table, and a change of
 * routes costs few blocks of 64.
 *
 * No LID is left out, so that some leaves straddle two blocks: for those 18 in 64 LIDs would be
 * gaps else, of hosts of 18, and the other switches would have to fill these. But all of them are
 * reached alike from afar, and have to be in few blocks.
 *
 * No LID lies beyond the smallest forwarding table (LinearFDBCap; opensm does the same): who has
 * one there gets another. But a switch that has less room than all that are here need, where others
 * have more, is left out, or it alone would keep hosts of a large fabric from coming up.
 *
 * When no LID is left, those go first that are spare, and then those whose devices have been away
 * for longest.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

bool lids_takes_part(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);

	return node->present && node->reason == REASON_NONE && port->present && port->known &&
	       port->guid != 0 && port_is_end(f, number) && !port_is_barred(port);
}

uint8_t lids_lmc_of(const struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	if (node_is_switch(node) &&
	    !(sm->conf.lmc_esp0 && wire_get(node->sw->info, SWITCH_INFO_ENHANCED_PORT0)))
		return 0;

	return (uint8_t)sm->conf.lmc;
}

/* -- room in the tables of switches ------------------------------------------------------------
 */

bool lids_are_beyond(const struct sm *sm, unsigned lid, unsigned lmc)
{
	return lid + (1u << lmc) - 1 > sm->last_lid;
}

/* The highest LID that the table of this switch can have; 0: it is no switch that takes part. */
static unsigned room_of(const struct fabric *f, uint32_t number)
{
	const struct node *node = &f->nodes[number];
	unsigned cap;

	if (!node->present || !node_is_switch(node) || node->reason != REASON_NONE)
		return 0;
	cap = (unsigned)wire_get(node->sw->info, SWITCH_INFO_LINEAR_CAP);

	return MIN(cap - MIN(cap, 1u), LID_UNICAST_LAST);
}

static unsigned count_needed(const struct sm *sm)
{
	unsigned needed = 0;

	for (uint32_t i = 0; i < sm->fabric.n_ports; i++)
		if (lids_takes_part(&sm->fabric, i))
			needed += 1u << lids_lmc_of(sm, i);

	return needed + vports_count_lids(sm);
}

static void set_too_small(struct sm *sm, uint32_t number, bool too_small)
{
	struct node *node = &sm->fabric.nodes[number];

	if (node->too_small == too_small)
		return;
	node->too_small = too_small;
	sm->local = false;
	if (!too_small)
		return;
	event_add(sm->events, EVENT_PORT_REASON, node->guid, 0, -1, "%s",
		  reason_sentence(REASON_LID_TOO_HIGH));
}

/* Find last_lid, and leave out who is too small. */
static void fit_tables(struct sm *sm)
{
	unsigned needed = count_needed(sm);
	uint16_t before = sm->last_lid;
	unsigned most = 0;

	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		most = MAX(most, room_of(&sm->fabric, i));
	sm->last_lid = (uint16_t)(most ? most : LID_UNICAST_LAST);
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		unsigned room = room_of(&sm->fabric, i);

		if (room == 0)
			continue;
		set_too_small(sm, i, room < MIN(needed, most));
		if (room >= MIN(needed, most))
			sm->last_lid = (uint16_t)MIN(sm->last_lid, room);
	}
	if (sm->last_lid != before)
		sm->local = false;
}

/* Of another LMC than before, or beyond the tables of switches: the port has to get other LIDs. */
static void drop_unfit(struct sm *sm, uint32_t number)
{
	uint64_t guid = sm->fabric.ports[number].guid;
	const struct identity *id = identity_find(sm->identities, guid);
	uint8_t lmc = lids_lmc_of(sm, number);

	if (!id)
		return;
	if (lids_are_beyond(sm, id->lid, lmc)) {
		log_notice("0x%016llx cannot keep LID %u: forwarding tables end at %u",
			   (unsigned long long)guid, id->lid, sm->last_lid);
		identity_forget(sm->identities, guid);
	} else if (id->lmc != lmc && identity_claim(sm->identities, guid, id->lid, lmc) < 0) {
		identity_forget(sm->identities, guid);
	}
}

/* -- who has none -------------------------------------------------------------------------------
 */

static bool needs_lid(const struct sm *sm, uint32_t number)
{
	return lids_takes_part(&sm->fabric, number) &&
	       !identity_find(sm->identities, sm->fabric.ports[number].guid);
}

static bool is_any_without(const struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++)
		if (needs_lid(sm, i))
			return true;

	return false;
}

/* Whose LIDs others get. False if all are here. */
static bool forget_oldest(struct sm *sm)
{
	uint64_t guid = identity_forget_oldest(sm->identities);

	if (guid == 0)
		return false;
	log_info("0x%016llx has been away for longest, and its LIDs are given to others",
		 (unsigned long long)guid);
	keep_identity(sm->keeper, &(struct kept_identity){ .guid = guid });

	return true;
}

int lids_assign(struct sm *sm, uint64_t guid, uint8_t lmc)
{
	int r;

	do
		r = identity_assign(sm->identities, guid, lmc);
	while (r == -ENOSPC && (spares_give_up(sm) || forget_oldest(sm)));

	return r;
}

static void assign(struct sm *sm, uint32_t number)
{
	int r;

	if (!needs_lid(sm, number))
		return;
	r = lids_assign(sm, sm->fabric.ports[number].guid, lids_lmc_of(sm, number));
	if (r < 0)
		reason_set_port(sm, number,
				r == -ENOSPC ? REASON_OUT_OF_LIDS : REASON_OUT_OF_MEMORY);
}

/* The switch's host at this port, if it waits for a LID; or NO_PORT. */
static uint32_t waiting_at(const struct sm *sm, const struct node *node, unsigned port)
{
	uint32_t peer = sm->fabric.ports[port_at(node, port)].peer;

	return peer != NO_PORT && !node_is_switch(node_of(&sm->fabric, peer)) && needs_lid(sm, peer)
		       ? peer
		       : NO_PORT;
}

static unsigned count_waiting(const struct sm *sm, const struct node *node)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= node->n_ports; i++)
		n += waiting_at(sm, node, i) != NO_PORT;

	return n;
}

/* Its hosts, and then @itself, if it has as many LIDs as they. Without room: one by one, later. */
static void assign_together(struct sm *sm, const struct node *node, bool itself)
{
	uint8_t lmc = (uint8_t)sm->conf.lmc;
	uint16_t lid = 0;
	unsigned n;

	itself = itself && needs_lid(sm, node->first_port) &&
		 lids_lmc_of(sm, node->first_port) == lmc;
	n = count_waiting(sm, node) + itself;
	if (n > 0)
		lid = identity_find_span(sm->identities, n << lmc, lmc);
	for (unsigned port = 1; lid != 0 && port <= node->n_ports; port++) {
		uint32_t host = waiting_at(sm, node, port);

		if (host == NO_PORT)
			continue;
		identity_claim(sm->identities, sm->fabric.ports[host].guid, lid, lmc);
		lid = (uint16_t)(lid + (1u << lmc));
	}
	if (lid != 0 && itself)
		identity_claim(sm->identities, sm->fabric.ports[node->first_port].guid, lid, lmc);
}

/* Switches, in the order in which they get LIDs. */
struct queue {
	uint32_t *node;
	uint32_t n;
	bool *seen;
};

static void queue_clear(const struct queue *queue)
{
	free(queue->node);
	free(queue->seen);
}

static int queue_make(const struct sm *sm, struct queue *ret)
{
	ret->node = malloc((sm->fabric.n_nodes + (size_t)1) * sizeof(*ret->node));
	ret->seen = calloc(sm->fabric.n_nodes + (size_t)1, sizeof(*ret->seen));

	return ret->node && ret->seen ? 0 : -ENOMEM;
}

/* One host, as an aggregation node of a spine, does not make a leaf. */
static bool is_leaf(const struct fabric *f, const struct node *node)
{
	unsigned hosts = 0;

	for (unsigned p = 1; p <= node->n_ports && hosts < 2; p++) {
		uint32_t peer = f->ports[port_at(node, p)].peer;

		hosts += peer != NO_PORT && !node_is_switch(node_of(f, peer));
	}

	return hosts > 1;
}

static void add_neighbours(const struct fabric *f, uint32_t number, bool leaves_too,
			   struct queue *queue)
{
	const struct node *node = &f->nodes[number];

	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t peer = f->ports[port_at(node, p)].peer;
		uint32_t next = peer == NO_PORT ? NO_NODE : f->ports[peer].node;

		if (next == NO_NODE || queue->seen[next] || !node_is_switch(&f->nodes[next]) ||
		    (!leaves_too && is_leaf(f, &f->nodes[next])))
			continue;
		queue->seen[next] = true;
		queue->node[queue->n++] = next;
	}
}

/* @first, which has not been seen, and by breadth what hangs together with it, ports in order. */
static void add_all_from(const struct fabric *f, uint32_t first, bool leaves_too,
			 struct queue *queue)
{
	uint32_t i = queue->n;

	queue->seen[first] = true;
	queue->node[queue->n++] = first;
	for (; i < queue->n; i++)
		add_neighbours(f, queue->node[i], leaves_too, queue);
}

static void order_by_breadth(const struct sm *sm, struct queue *ret)
{
	const struct fabric *f = &sm->fabric;
	uint32_t first = f->ports[f->local_port].node, peer = f->ports[f->local_port].peer;

	if (!node_is_switch(&f->nodes[first]))
		first = peer == NO_PORT ? NO_NODE : f->ports[peer].node;
	if (first != NO_NODE && node_is_switch(&f->nodes[first]))
		add_all_from(f, first, true, ret);
}

/* The same: leaves, then the others, all that hang together without leaves (planes) in one go. */
static void order_by_planes(const struct fabric *f, const struct queue *by_breadth,
			    struct queue *ret)
{
	for (uint32_t i = 0; i < by_breadth->n; i++) {
		uint32_t number = by_breadth->node[i];

		if (!is_leaf(f, &f->nodes[number]))
			continue;
		ret->seen[number] = true;
		ret->node[ret->n++] = number;
	}
	for (uint32_t i = 0; i < by_breadth->n; i++)
		if (!ret->seen[by_breadth->node[i]])
			add_all_from(f, by_breadth->node[i], false, ret);
}

static int assign_in_order(struct sm *sm)
{
	AUTO(queue_clear) struct queue by_breadth = { 0 };
	AUTO(queue_clear) struct queue order = { 0 };
	bool is_room_for_all = count_needed(sm) <= sm->last_lid; /* else hosts come first */

	if (queue_make(sm, &by_breadth) < 0 || queue_make(sm, &order) < 0)
		return -ENOMEM;
	order_by_breadth(sm, &by_breadth);
	order_by_planes(&sm->fabric, &by_breadth, &order);
	for (uint32_t i = 0; i < order.n; i++)
		assign_together(sm, &sm->fabric.nodes[order.node[i]], is_room_for_all);
	for (uint32_t i = 0; i < order.n; i++)
		assign(sm, sm->fabric.nodes[order.node[i]].first_port);
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++)
		assign(sm, i);

	return 0;
}

/* -- all ----------------------------------------------------------------------------------------
 */

/* Others than those that this reconcile is about have to hear of it; of ours all have. */
static void has_another(struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	if ((node->present && !sm_includes(sm, node)) ||
	    node == node_of(&sm->fabric, sm->fabric.local_port))
		sm->local = false;
}

static void note_lid(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	const struct identity *id = port->guid ? identity_find(sm->identities, port->guid) : NULL;

	if (!port_is_end(&sm->fabric, number))
		return;
	if (!id || port_is_barred(port)) {
		if (port->lid != 0)
			has_another(sm, number);
		port->lid = 0;
		port->lmc = 0;
		return;
	}
	if (port->lid != id->lid || port->lmc != id->lmc) {
		sm->changed = true;
		has_another(sm, number);
	}
	port->lid = id->lid;
	port->lmc = id->lmc & 7u;
	if (!node_of(&sm->fabric, number)->present)
		return;
	for (unsigned lid = id->lid; lid < id->lid + (1u << id->lmc); lid++)
		sm->fabric.by_lid[lid] = number;
}

static void keep_new(struct sm *sm)
{
	struct identity *id;

	for (uint32_t i = 0; (id = identity_at(sm->identities, i)); i++) {
		if (id->kept)
			continue;
		id->kept =
			keep_identity(sm->keeper, &(struct kept_identity){ .guid = id->guid,
									   .lid = id->lid,
									   .lmc = id->lmc }) == 0;
		sm->unkept = true;
	}
}

int lids_plan(struct sm *sm)
{
	struct fabric *f = &sm->fabric;
	int r = 0;

	vf_rules_apply(sm);
	fit_tables(sm);
	identities_begin(sm->identities, f->sweep, sm->last_lid);
	reserve_mark(sm);
	spares_fit(sm);
	moves_see(sm);
	for (uint32_t i = 0; i < f->n_ports; i++) {
		if (node_of(f, i)->present && f->ports[i].guid)
			identity_see(sm->identities, f->ports[i].guid);
		if (!lids_takes_part(f, i))
			continue;
		drop_unfit(sm, i);
		mkey_keep(sm, i);
	}
	if (sm->adopting)
		r = lids_adopt(sm);
	if (r == 0 && is_any_without(sm))
		r = assign_in_order(sm);
	memset(f->by_lid, 0xff, (LID_UNICAST_LAST + 1) * sizeof(*f->by_lid));
	for (uint32_t i = 0; i < f->n_ports; i++)
		note_lid(sm, i);
	if (r == 0)
		r = vports_plan_lids(sm);
	if (r == 0)
		r = spares_plan(sm);
	keep_new(sm);
	spares_keep(sm);

	return r;
}
