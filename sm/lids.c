/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who gets which LID. A GUID keeps the LID that it has: from the store, or, when this SM has just
 * started, from the fabric (adopt.c). Who has none gets one in the order of lid-order.c.
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
#include "sm/lid-order.h"
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
	const struct fabric *f = &sm->fabric;
	unsigned needed = 0;

	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1))
		if (lids_takes_part(f, i))
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

/*
 * While it was away a vport came with its GUID, or another device with a port of its GUID, which is
 * elsewhere, or was, and so is the LID.
 */
static bool is_succeeded(const struct fabric *f, uint32_t number)
{
	uint32_t owner = f->by_lid[f->ports[number].lid];

	return (owner != NO_PORT && owner != number) ||
	       fabric_find_port(f, f->ports[number].guid) != number;
}

/* Who is away keeps its LID, but not beyond tables that are smaller now. */
bool lids_lead_to(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return port->lid && !lids_are_beyond(sm, port->lid, port->lmc) &&
	       !is_succeeded(&sm->fabric, number);
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
	const struct fabric *f = &sm->fabric;

	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1))
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

/* Without room for all of them: one by one, later. */
static void assign_together(struct sm *sm, const uint32_t *port, uint32_t n)
{
	uint8_t lmc = (uint8_t)sm->conf.lmc;
	uint16_t lid = 0;
	unsigned waiting = 0;

	for (uint32_t i = 0; i < n; i++)
		waiting += needs_lid(sm, port[i]);
	if (waiting > 0)
		lid = identity_find_span(sm->identities, waiting << lmc, lmc);
	for (uint32_t i = 0; lid != 0 && i < n; i++) {
		if (!needs_lid(sm, port[i]))
			continue;
		identity_claim(sm->identities, sm->fabric.ports[port[i]].guid, lid, lmc);
		lid = (uint16_t)(lid + (1u << lmc));
	}
}

static int assign_in_order(struct sm *sm)
{
	AUTO(lid_order_clear) struct lid_order order = { 0 };
	/* Leaves have one LID, whatever the LMC; and if not all can have one, hosts come first. */
	bool leaves_too = sm->conf.lmc == 0 && count_needed(sm) <= sm->last_lid;
	int r = lid_order_make(&sm->fabric, leaves_too, &order);

	for (uint32_t g = 0, first = 0; r == 0 && g < order.n_groups; g++) {
		assign_together(sm, order.port + first, order.group_end[g] - first);
		first = order.group_end[g];
	}
	for (uint32_t i = 0; r == 0 && i < order.n; i++)
		assign(sm, order.port[i]);

	return r;
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
	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1)) {
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
	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1))
		note_lid(sm, i);
	if (r == 0)
		r = vports_plan_lids(sm);
	if (r == 0)
		r = spares_plan(sm);
	keep_new(sm);
	spares_keep(sm);

	return r;
}
