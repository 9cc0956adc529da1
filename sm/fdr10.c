/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * FDR10, a link speed of Mellanox that PortInfo shows as QDR: what a port can, is to and does run
 * is in an attribute of the vendor, ExtendedPortInfo. As with opensm, devices that have it are
 * known by their numbers, ports of others are not asked, and link.fdr10 has it enabled, disabled or
 * left alone.
 *
 * It is read after PortInfo, of ports whose link came up and that know QDR; nobody waits for the
 * answer. What differs is set before Armed, since the link may train again. Whoever refuses, or
 * does not answer or keep it a few times, has no fault: it runs at QDR, and is left alone until it
 * restarts or has been away, there is a new configuration, or somebody wants everything to be read
 * again. A full sweep for a reason of our own is not that: each question that a switch with many
 * ports does not answer takes one of the few places for questions to it until it has timed out.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define TRIES       3 /* of one who does not answer (its link may be training), or forgets */
#define FDR10_BIT   1
#define SPEED_QDR   4
#define VENDOR_BULL 0x119f

enum { LEAVE, ENABLE }; /* values of link.fdr10; 2 is to disable it */

/* Those of Mellanox under any vendor's ID, since others build with their chips, and Bull's. */
static const struct devices {
	uint32_t vendor; /* 0: any */
	uint16_t first, last;
} devices[] = {
	/* switches */
	{ 0, 0xc738, 0xc73b },
	{ 0, 0xcb20, 0xcb20 },
	{ 0, 0xcf08, 0xcf08 },
	{ VENDOR_BULL, 0x1b02, 0x1b02 },
	{ VENDOR_BULL, 0x1b50, 0x1b50 },
	{ VENDOR_BULL, 0x1ba0, 0x1ba0 },
	{ VENDOR_BULL, 0x1bd0, 0x1bd5 },
	/* adapters */
	{ 0, 0x1003, 0x1017 },
	{ VENDOR_BULL, 0x1b33, 0x1b33 },
	{ VENDOR_BULL, 0x1b40, 0x1b41 },
	{ VENDOR_BULL, 0x1b60, 0x1b61 },
	{ VENDOR_BULL, 0x1b73, 0x1b73 },
	{ VENDOR_BULL, 0x1b83, 0x1b83 },
	{ VENDOR_BULL, 0x1b93, 0x1b94 },
	{ VENDOR_BULL, 0x1bb4, 0x1bb5 },
	{ VENDOR_BULL, 0x1bc4, 0x1bc4 },
};

static bool has_attribute(const struct node *node)
{
	for (size_t i = 0; i < COUNT(devices); i++)
		if (node->device_id >= devices[i].first && node->device_id <= devices[i].last &&
		    (devices[i].vendor == 0 || devices[i].vendor == node->vendor_id))
			return true;

	return false;
}

static bool is_up(const struct port *port)
{
	return port->known && port->number != 0 && port_state(port) >= PORT_INITIALIZE &&
	       port_phys_state(port) == PHYS_LINK_UP;
}

static bool could_run(const struct port *port)
{
	return is_up(port) && (wire_get(port->info, PORT_INFO_SPEED_SUPPORTED) & SPEED_QDR);
}

static struct fdr10 *state_of(const struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	return node->fdr10 ? &node->fdr10[sm->fabric.ports[number].number] : NULL;
}

static bool is_enabled(const struct fdr10 *x)
{
	return wire_get(x->info, MLNX_SPEED_ENABLED) & FDR10_BIT;
}

/* Is it known to be otherwise than wanted, where a link depends on it? */
static bool differs(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	const struct fdr10 *x = state_of(sm, number);

	return sm->conf.fdr10 != LEAVE && x && x->known && !x->given_up && could_run(port) &&
	       port->peer != NO_PORT && (wire_get(x->info, MLNX_SPEED_SUPPORTED) & FDR10_BIT) &&
	       is_enabled(x) != (sm->conf.fdr10 == ENABLE);
}

/* -- reading ------------------------------------------------------------------------------------
 */

/* The link runs at it: PortInfo says QDR, and no extended speed. */
static void note_speed(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	const struct fdr10 *x = state_of(sm, number);
	bool runs = x && x->known && could_run(port) &&
		    wire_get(port->info, PORT_INFO_SPEED_EXT_ACTIVE) == 0 &&
		    wire_get(port->info, PORT_INFO_SPEED_ACTIVE) == SPEED_QDR &&
		    (wire_get(x->info, MLNX_SPEED_ACTIVE) & FDR10_BIT);

	sm->changed = sm->changed || port->fdr10 != runs;
	port->fdr10 = runs;
}

static void want(struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	struct node *node = node_of(&sm->fabric, number);

	if (!node->fdr10)
		node->fdr10 = calloc(node->room + 1u, sizeof(*node->fdr10));
	if (!node->fdr10 || node->fdr10[port->number].given_up)
		return;
	node->fdr10[port->number].wanted = true;
	work_add(sm, port->node, TODO(TODO_FDR10_READ));
}

/* A port that is read although it is as it was (ours is, by each sweep) still runs what it ran. */
static bool may_be_other(const struct sm *sm, const struct port *port, const struct fdr10 *x)
{
	return !x || !x->known || port_state(port) == PORT_INITIALIZE || sm->discovery.full;
}

void fdr10_look(struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	struct fdr10 *x = state_of(sm, number);

	/* Its link has trained again, or will; with what result, only an answer can tell. */
	if (x && (!is_up(port) || (sm->conf.fdr10 == LEAVE && port_state(port) == PORT_INITIALIZE)))
		x->known = false;
	note_speed(sm, number);
	if (sm->conf.fdr10 != LEAVE && could_run(port) && may_be_other(sm, port, x) &&
	    has_attribute(node_of(&sm->fabric, number)))
		want(sm, number);
}

void fdr10_look_again(struct sm *sm, uint32_t number)
{
	struct fdr10 *x = state_of(sm, number);

	if (!x || !x->known)
		return;
	x->known = false;
	want(sm, number);
}

static void fill(const struct port *port, uint32_t number, enum todo kind, struct request *ret)
{
	ret->attr = ATTR_MLNX_PORT_INFO;
	ret->modifier = port->number;
	ret->tag = TAG(kind, number, 0);
}

bool fdr10_ask_read(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_FDR10_READ];

	for (; node->fdr10 && at->port <= node->n_ports; at->port++) {
		uint32_t number = port_at(node, at->port);
		struct fdr10 *x = &node->fdr10[at->port];

		if (!x->wanted)
			continue;
		x->wanted = false;
		x->asked = true;
		ret->method = METHOD_GET;
		fill(&sm->fabric.ports[number], number, TODO_FDR10_READ, ret);
		at->port++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_FDR10_READ);

	return false;
}

/* -- setting ------------------------------------------------------------------------------------
 */

/* Of a device that has it and whose ports were not read, as link.fdr10 was 0 until now. */
static bool is_unread(const struct sm *sm, uint32_t number)
{
	const struct fdr10 *x = state_of(sm, number);

	return could_run(&sm->fabric.ports[number]) &&
	       !(x && (x->known || x->wanted || x->asked || x->given_up));
}

static void plan_node(struct sm *sm, uint32_t number)
{
	const struct node *node = &sm->fabric.nodes[number];
	bool set = false;

	for (unsigned i = 1; i <= node->n_ports; i++) {
		set = set || differs(sm, port_at(node, i));
		if (is_unread(sm, port_at(node, i)))
			want(sm, port_at(node, i));
	}
	if (set)
		work_add(sm, number, TODO(TODO_FDR10_SET));
}

void fdr10_plan(struct sm *sm)
{
	if (sm->conf.fdr10 == LEAVE)
		return;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present && has_attribute(&sm->fabric.nodes[i]))
			plan_node(sm, i);
}

bool fdr10_ask_set(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_FDR10_SET];

	for (; at->port <= node->n_ports; at->port++) {
		uint32_t number = port_at(node, at->port);

		if (!differs(sm, number))
			continue;
		ret->method = METHOD_SET;
		fill(&sm->fabric.ports[number], number, TODO_FDR10_SET, ret);
		memcpy(ret->data, node->fdr10[at->port].info, SMP_DATA_SIZE);
		wire_set(ret->data, MLNX_STATE_CHANGE_ENABLE, 1);
		wire_set(ret->data, MLNX_SPEED_ENABLED, sm->conf.fdr10 == ENABLE ? FDR10_BIT : 0);
		node->fdr10[at->port].known = false;
		node->fdr10[at->port].asked = true;
		at->port++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_FDR10_SET);

	return false;
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* Said once of a device, in the place of its port 0, which has no link. */
static void give_up(const struct node *node, struct fdr10 *x, const char *why)
{
	struct log_where where = where_of_node(node);

	if (!node->fdr10[0].given_up)
		log_say(LOG_LEVEL_INFO, &where, "FDR10 is left as it is: the device %s", why);
	node->fdr10[0].given_up = true;
	x->given_up = true;
}

static void set_now_or_soon(struct sm *sm, uint32_t number)
{
	if (sm->state != SM_MASTER || !differs(sm, number))
		return;
	if (sm->phase == PHASE_PROGRAM)
		work_add(sm, sm->fabric.ports[number].node, TODO(TODO_FDR10_SET));
	else if (sm->phase == PHASE_REST || sm->phase == PHASE_ACTIVATE)
		sm_sweep_again(sm, false);
}

void fdr10_take(struct sm *sm, uint32_t number, const struct answer *answer)
{
	const struct node *node = node_of(&sm->fabric, number);
	struct fdr10 *x = &node->fdr10[sm->fabric.ports[number].number];
	bool is_set = answer->request->method == METHOD_SET;

	x->asked = false;
	if (answer->result == REQUEST_REFUSED) {
		give_up(node, x, is_set ? "refuses to change it" : "does not know it");
		return;
	}
	if (answer->result == REQUEST_LOST) {
		if (++x->losses[is_set] >= TRIES)
			give_up(node, x, "does not answer for it");
		return;
	}
	x->losses[is_set] = 0;
	x->known = true;
	memcpy(x->info, answer->data, SMP_DATA_SIZE);
	note_speed(sm, number);
	if (is_set)
		x->told++;
	else if (is_enabled(x) == (sm->conf.fdr10 == ENABLE))
		x->told = 0;
	if (differs(sm, number) && (is_set || x->told >= TRIES))
		give_up(node, x, "does not keep what it is told");
	else
		set_now_or_soon(sm, number);
}

void fdr10_went(struct node *node)
{
	for (unsigned i = 0; node->fdr10 && i <= node->n_ports; i++)
		node->fdr10[i].known = node->fdr10[i].wanted = node->fdr10[i].asked = false;
}

void fdr10_forget(struct node *node)
{
	for (unsigned i = 0; node->fdr10 && i <= node->n_ports; i++) {
		node->fdr10[i].given_up = false;
		node->fdr10[i].told = 0;
		memset(node->fdr10[i].losses, 0, sizeof(node->fdr10[i].losses));
	}
}
