/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a device does not do, although it answers otherwise: a Set that it refuses, lets vanish, or
 * acknowledges and does not keep, a question that it does not answer. One struct fault for each
 * thing that can go wrong by itself, at the port or node that it is about.
 *
 * A fault is tried again by later sweeps, so that what was a whim heals by itself: by the next, and
 * after each failure only after twice as many. After FAULT_TRIES it rests for FAULT_REST each time,
 * or SILENT_REST.
 * Meanwhile what it is about is left alone, and the rest of the device is not: so a fault costs its
 * own requests a few times, causes no sweep and no event but the first time, and keeps its reason
 * as long as it lasts.
 *
 * Of who is silent luck may have been bad: so the next few sweeps come early, each after twice the
 * time of the one before. The same for who does not answer when it is found.
 *
 * It is over when a whole reconcile that tried it, or had no need to, did not see it fail. It is
 * forgotten, and so tried from the beginning, when the device comes up anew, with a new
 * configuration, and by a sweep that trusts nothing. What may be the sign of a restart (a link was
 * down, or one that leads to a silent device has changed) has it tried once more.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

#define FAULT_TRIES 5
#define FAULT_REST  360 /* sweeps: an hour, if there is one every 10 seconds */
#define SILENT_REST 6   /* a minute, for a question is all that a silent device costs */

#define EARLY_SWEEPS 5 /* as many as a fault has tries */
#define EARLY_FIRST  (200 * LOOP_MSEC)
#define EARLY_REST   (10 * LOOP_SEC) /* from one series to the next: they may follow each other */

void faults_sweep_early(struct sm *sm)
{
	uint64_t now = loop_now(sm->loop);

	if (sm->early_sweeps > 0 || now < sm->no_series_before)
		return;
	sm->early_sweeps = EARLY_SWEEPS;
	sm->no_series_before = now + EARLY_REST;
}

uint64_t faults_next_sweep(struct sm *sm, uint64_t ordinary)
{
	uint64_t early;

	if (sm->early_sweeps == 0)
		return ordinary;
	early = EARLY_FIRST << (EARLY_SWEEPS - sm->early_sweeps);
	sm->early_sweeps--;

	return ordinary ? MIN(early, ordinary) : early;
}

bool fault_waits(const struct sm *sm, const struct fault *fault)
{
	return fault->reason != REASON_NONE && sm->fabric.sweep < fault->again;
}

/* Of a whole device, if it is about port 0. */
static void tell(struct sm *sm, uint32_t number, const char *what, enum reason reason)
{
	const struct port *port = &sm->fabric.ports[number];
	struct log_where where = where_of_port(sm, number);

	if (port->number == 0)
		where.port = -1;
	event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
		  "%s: %s (status 0x%04x)", what, reason_sentence(reason), port->status);
}

/* Sweeps until it is tried again. */
static unsigned rest_of(const struct fault *fault)
{
	if (fault->failures < FAULT_TRIES)
		return 1u << (fault->failures - 1);

	return fault->reason == REASON_SILENT ? SILENT_REST : FAULT_REST;
}

bool fault_note(struct sm *sm, uint32_t number, struct fault *fault, const char *what,
		enum reason reason, uint16_t status)
{
	bool is_new = fault->reason != reason;

	if (fault_waits(sm, fault))
		return false; /* noted in this sweep already */
	sm->fabric.ports[number].status = status;
	fault->reason = (uint8_t)reason;
	fault->failures = (uint8_t)MIN(fault->failures + 1, FAULT_TRIES);
	fault->again = sm->fabric.sweep + rest_of(fault);
	if (is_new)
		tell(sm, number, what, reason);

	return is_new;
}

void fault_hurry(const struct sm *sm, struct fault *fault)
{
	fault->again = MIN(fault->again, sm->fabric.sweep);
}

bool fault_leave_out(struct sm *sm, struct node *node, struct fault *fault, enum reason reason)
{
	bool is_new = fault_note(sm, node->first_port, fault, "Left out", reason, 0);

	node->reason = (uint8_t)reason;
	node->trusted = false;
	if (is_new)
		node->since = loop_now(sm->loop);

	return is_new;
}

/* -- the end of it ------------------------------------------------------------------------------
 */

static void forget_port(struct port *port)
{
	struct vfs *vfs = port->vfs;

	port->set_fault = port->table_fault = port->tell_fault = (struct fault){ 0 };
	port->unsure = false;
	if (!vfs)
		return;
	vfs->info_fault = vfs->tell_fault = vfs->guids_fault = (struct fault){ 0 };
	memset(vfs->states_fault, 0, sizeof(vfs->states_fault));
	for (unsigned i = 0; i < vfs->n; i++)
		vfs->vf[i].set_fault = vfs->vf[i].table_fault = (struct fault){ 0 };
}

static void forget_node(struct sm *sm, struct node *node)
{
	node->fault = node->mkey_fault = (struct fault){ 0 };
	if (node->lanes_refused)
		lanes_forget(node);
	if (node->sw)
		node->sw->info_fault = node->sw->lft_fault = node->sw->mft_fault =
			(struct fault){ 0 };
	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &sm->fabric.ports[port_at(node, i)];

		forget_port(port);
		port->refusals = 0;
	}
}

void faults_forget_node(struct sm *sm, struct node *node)
{
	forget_node(sm, node);
	fdr10_forget(node);
	port_states_forget(node);
}

void faults_forget(struct sm *sm)
{
	quarantine_forget(sm);
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		forget_node(sm, &sm->fabric.nodes[i]);
}

void faults_forget_link(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	uint32_t ends[] = { number, f->ports[number].peer };

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct node *node;

		if (ends[i] == NO_PORT)
			continue;
		node = node_of(f, ends[i]);
		forget_port(&f->ports[ends[i]]);
		fault_hurry(sm, &node->fault);
		fault_hurry(sm, &node->mkey_fault);
		if (node->sw) {
			fault_hurry(sm, &node->sw->info_fault);
			fault_hurry(sm, &node->sw->lft_fault);
			fault_hurry(sm, &node->sw->mft_fault);
		}
	}
}

/* True if it was one until now. */
static bool is_over(const struct sm *sm, struct fault *fault)
{
	if (fault->reason == REASON_NONE || fault_waits(sm, fault))
		return false;
	*fault = (struct fault){ 0 };

	return true;
}

static void settle_port(const struct sm *sm, struct port *port)
{
	struct vfs *vfs = port->vfs;

	is_over(sm, &port->set_fault);
	is_over(sm, &port->table_fault);
	is_over(sm, &port->tell_fault);
	if (!vfs)
		return;
	is_over(sm, &vfs->info_fault);
	is_over(sm, &vfs->tell_fault);
	is_over(sm, &vfs->guids_fault);
	for (unsigned i = 0; i < VFS_BLOCKS; i++)
		is_over(sm, &vfs->states_fault[i]);
	for (unsigned i = 0; i < vfs->n; i++) {
		is_over(sm, &vfs->vf[i].set_fault);
		is_over(sm, &vfs->vf[i].table_fault);
	}
}

/* Who was left out has not been tried. */
static void settle_node(struct sm *sm, struct node *node)
{
	if (node->seen == sm->fabric.walk)
		is_over(sm, &node->fault);
	if (is_over(sm, &node->mkey_fault)) {
		/* It hears again, and takes part from the next sweep on. */
		faults_forget_node(sm, node);
		node->reason = REASON_NONE;
		node->since = loop_now(sm->loop);
		sm_sweep_again(sm, false);
	}
	if (node->fault.reason != REASON_NONE || node->mkey_fault.reason != REASON_NONE)
		return;
	if (node->sw) {
		is_over(sm, &node->sw->info_fault);
		is_over(sm, &node->sw->lft_fault);
		is_over(sm, &node->sw->mft_fault);
	}
	for (unsigned i = 0; i <= node->n_ports; i++)
		settle_port(sm, &sm->fabric.ports[port_at(node, i)]);
}

void faults_settle(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present && sm_includes(sm, &sm->fabric.nodes[i]))
			settle_node(sm, &sm->fabric.nodes[i]);
}

static bool any_of_vfs(const struct vfs *vfs)
{
	if (!vfs)
		return false;
	if (vfs->info_fault.reason != REASON_NONE || vfs->tell_fault.reason != REASON_NONE ||
	    vfs->guids_fault.reason != REASON_NONE)
		return true;
	for (unsigned i = 0; i < VFS_BLOCKS; i++)
		if (vfs->states_fault[i].reason != REASON_NONE)
			return true;
	for (unsigned i = 0; i < vfs->n; i++)
		if (vfs->vf[i].set_fault.reason != REASON_NONE ||
		    vfs->vf[i].table_fault.reason != REASON_NONE)
			return true;

	return false;
}

static bool any_of_node(const struct sm *sm, const struct node *node)
{
	if (node->fault.reason != REASON_NONE || node->mkey_fault.reason != REASON_NONE)
		return true;
	if (node->sw && (node->sw->info_fault.reason != REASON_NONE ||
			 node->sw->lft_fault.reason != REASON_NONE ||
			 node->sw->mft_fault.reason != REASON_NONE))
		return true;
	for (unsigned i = 0; i <= node->n_ports; i++) {
		const struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (port->set_fault.reason != REASON_NONE ||
		    port->table_fault.reason != REASON_NONE ||
		    port->tell_fault.reason != REASON_NONE || any_of_vfs(port->vfs))
			return true;
	}

	return false;
}

/* Those that a local reconcile is not about had none before it. */
bool faults_any(const struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present && sm_includes(sm, &sm->fabric.nodes[i]) &&
		    any_of_node(sm, &sm->fabric.nodes[i]))
			return true;

	return false;
}
