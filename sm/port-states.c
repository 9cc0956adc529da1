/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SwitchPortStateTable: the states of all ports of a switch in one answer, 4 bits each, where
 * CapabilityMask2 says that the switch has it. Two things come of that. A sweep asks every such
 * switch, so that a link is found to have come or gone although PortStateChange does not say so, as
 * somebody else may have cleared it. And of a switch on which something did change, PortInfo is
 * read only of port 0 and of those ports that have another state than before, or may have gone down
 * and come up again unseen, and not of all.
 *
 * Public headers show how it is laid out, and not what it means: that the place of a state is the
 * port's number, and its value PortState, is the only reading that makes sense, and nothing more.
 * So a table is relied on only after it was found to be as PortInfo says of all ports (proven), and
 * is compared with what is known of all of them at the end of each walk in which it was read. One
 * that is not right then has all ports read by the next, and has to be proven anew. Where
 * PortStateChange is set and it shows nothing, all ports are read at once; where only a trap came,
 * the change was most likely seen before. Who is wrong, or silent, a few times in a row (more
 * where much is lost) is not asked for it any more, until it restarts or has been away. (What is
 * not found out: a change that a proven table hides behind another of the same moment, or that
 * somebody else has cleared. The far end of that link may tell, or else a full sweep.)
 *
 * A state cannot show that a port went down and came up to where it was: from Active it cannot come
 * back by itself, so only ports that the table has between Down and Active, and those whose far end
 * is asked again anyhow, are doubted where something changed. Our own Sets do not end in a state
 * that was not answered.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define FAILURES 3

static unsigned blocks_of(const struct node *node)
{
	return node->n_ports / PORT_STATE_BLOCK + 1u;
}

static unsigned state_of(const struct node *node, unsigned port)
{
	return wire_state(node->sw->states.table, port); /* the blocks lie one behind the other */
}

static bool has_table(const struct sm *sm, const struct node *node)
{
	const uint8_t *info = sm->fabric.ports[node->first_port].info;

	return sm->fabric.ports[node->first_port].known &&
	       (wire_get(info, PORT_INFO_CAPABILITIES) & CAP_CAPABILITIES2) &&
	       (wire_get(info, PORT_INFO_CAPABILITIES2) & CAP2_SWITCH_PORT_STATES);
}

/* -- asking -------------------------------------------------------------------------------------
 */

bool port_states_look(struct sm *sm, uint32_t number, enum port_states_why why)
{
	struct node *node = &sm->fabric.nodes[number];
	struct port_states *states = &node->sw->states;

	if (!sm->conf.sweep_port_states || states->given_up || !has_table(sm, node) ||
	    (why != PORT_STATES_SWEEP && !states->proven))
		return false;
	states->why = why;
	states->waits = (uint8_t)blocks_of(node);
	work_add(sm, number, TODO(TODO_PORT_STATES));

	return true;
}

bool port_states_ask(struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_PORT_STATES];

	if (at->block == blocks_of(node)) {
		node->work.todo &= ~TODO(TODO_PORT_STATES);
		return false;
	}
	ret->method = METHOD_GET;
	ret->attr = ATTR_SWITCH_PORT_STATES;
	ret->modifier = at->block;
	ret->tag = TAG(TODO_PORT_STATES, node->first_port, at->block);
	at->block++;

	return true;
}

/* -- what it shows ------------------------------------------------------------------------------
 */

static bool differs(const struct sm *sm, const struct node *node, unsigned i)
{
	const struct port *port = &sm->fabric.ports[port_at(node, i)];

	return port->known && state_of(node, i) != port_state(port);
}

static bool any_differs(const struct sm *sm, const struct node *node)
{
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (differs(sm, node, i))
			return true;

	return false;
}

/* May it have gone down and come up since it was read, for all that its state shows? */
static bool is_in_doubt(const struct sm *sm, const struct node *node, unsigned i)
{
	unsigned state = state_of(node, i);

	return sm->fabric.ports[port_at(node, i)].relink ||
	       (state != PORT_DOWN && state != PORT_ACTIVE);
}

static void read_some(struct sm *sm, const struct node *node)
{
	bool changed = node->sw->states.why != PORT_STATES_SWEEP;

	sm->fabric.ports[node->first_port].stale |= changed;
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (differs(sm, node, i) || (changed && is_in_doubt(sm, node, i)))
			sm->fabric.ports[port_at(node, i)].stale = true;
	work_add(sm, node->sma.owner, TODO(TODO_PORT_INFO));
}

static void choose(struct sm *sm, struct node *node)
{
	struct port_states *states = &node->sw->states;
	bool shows = any_differs(sm, node);

	if (!shows && states->why == PORT_STATES_SWEEP)
		return;
	node->trusted = false;
	sm->by_lid = false;
	if (states->proven && (shows || states->why == PORT_STATES_TOLD))
		read_some(sm, node);
	else
		discover_read_ports(sm, node->sma.owner);
}

/* -- answers ------------------------------------------------------------------------------------
 */

static void give_up(struct node *node, const char *why)
{
	struct log_where where = where_of_node(node);

	node->sw->states.given_up = true;
	log_say(LOG_LEVEL_INFO, &where, "its table of port states is not used: the switch %s", why);
}

/* @most: so many in a row are too many. */
static void fail(struct node *node, unsigned most, const char *why)
{
	node->sw->states.proven = false;
	if (++node->sw->states.failures >= most)
		give_up(node, why);
}

/* What it was asked for is asked of the ports. */
static void take_failure(struct sm *sm, struct node *node, const struct answer *answer)
{
	if (answer->result == REQUEST_REFUSED)
		give_up(node, "does not know it, whatever it says");
	else
		fail(node, MAX(FAILURES, work_losses_to_be_silent(sm)), "does not answer for it");
	node->sw->states.waits = 0;
	if (node->sw->states.why != PORT_STATES_SWEEP)
		discover_read_ports(sm, node->sma.owner);
}

void port_states_take(struct sm *sm, struct node *node, const struct answer *answer)
{
	struct port_states *states = &node->sw->states;

	if (states->waits == 0)
		return;
	if (answer->result != REQUEST_ANSWERED) {
		take_failure(sm, node, answer);
		return;
	}
	memcpy(states->table + (answer->request->modifier & 1) * SMP_DATA_SIZE, answer->data,
	       SMP_DATA_SIZE);
	if (--states->waits > 0)
		return;
	states->walk = sm->fabric.walk;
	choose(sm, node);
}

/*
 * A port that does not agree now was read after the table, which was wrong, or it has changed
 * since. Others may be wrong too, and if something is known to have changed it is looked for at
 * once. (Not else: tables that flicker would have the fabric swept for ever.)
 */
void port_states_judge(struct sm *sm, struct node *node)
{
	struct port_states *states = node->sw ? &node->sw->states : NULL;

	if (!states || states->walk != sm->fabric.walk || node->reason != REASON_NONE)
		return;
	if (!any_differs(sm, node)) {
		states->proven = true;
		states->failures = 0;
		return;
	}
	if (states->proven) {
		node->trusted = false;
		if (states->why != PORT_STATES_SWEEP)
			sm_sweep_again(sm, false);
	}
	fail(node, FAILURES, "shows other states than its ports have");
}

void port_states_forget(struct node *node)
{
	if (node->sw)
		node->sw->states = (struct port_states){ 0 };
}
