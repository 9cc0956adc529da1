/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The Sets that make PortInfo what it should be (settings-plan.c).
 *
 * If the plan differs from what a port holds, one Set carries all of it, and Armed with it (opensm:
 * up to three Sets before Armed). Active is a second Set, in a later phase, when all tables are in
 * place. A device that refuses gets the cautious order: settings, Armed and Active one by one;
 * link.cautious gives it to all.
 *
 * An answer other than "done" makes the port unknown: it is read, and what to do is decided again
 * (ibsim answers 0x1c to Armed on Armed, which after a lost answer is what we want).
 *
 * A device that does not answer such a Set, and does answer the Get that follows, is protected by
 * an M_Key that is not ours (IBA 14.2.4.3): it is left out, and its end ports are told now and then
 * what they hold already, to see whether they hear it.
 *
 * Port 0 of a switch never gets a state, PortState stays NoChange (others answer 0x1c).
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define MAX_REFUSALS 3

/* -- asking -------------------------------------------------------------------------------------
 */

/* Does it not hear us, as far as we know? */
static bool is_hidden(const struct sm *sm, uint32_t number)
{
	return node_of(&sm->fabric, number)->mkey_fault.reason != REASON_NONE;
}

/* Who has got no LID is told nothing: LID 0 is an invalid field (IBA 14.2.5.6). */
static bool is_ours_to_set(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	bool is_end = port_is_end(&sm->fabric, number);

	return port->present && port->known && !port->busy && !port->stale &&
	       !fault_waits(sm, &port->set_fault) &&
	       (is_end ? port->lid != 0 : port->peer != NO_PORT && !is_hidden(sm, number));
}

static enum link_step step_of(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	if (port->number == 0 || port->peer == NO_PORT || port_is_barred(port) ||
	    port_is_barred(&sm->fabric.ports[port->peer]))
		return LINK_STAY;

	return link_step(port_state(port), port_state(&sm->fabric.ports[port->peer]));
}

/*
 * Clients of an adapter register again when it comes up, or hears of another SM, from us, and when
 * one of its VFs has lost its GUID (tell_who_loses()). Where a Set that says so is refused, all
 * else is sent without it, and it is said again later by itself, as if it were another setting.
 */
static bool wants_reregister(const struct sm *sm, uint32_t number, unsigned differ)
{
	const struct port *port = &sm->fabric.ports[number];
	bool moved = wire_get(port->info, PORT_INFO_SM_LID) !=
		     port_lid(&sm->fabric, sm->fabric.local_port);

	return sm->conf.client_reregister && ((differ && moved) || port->register_again) &&
	       !port->unsure && !fault_waits(sm, &port->tell_fault) &&
	       port_is_end(&sm->fabric, number) && !node_is_switch(node_of(&sm->fabric, number)) &&
	       (wire_get(port->info, PORT_INFO_CAPABILITIES) & CAP_REREGISTER);
}

/* Who is away is told when it comes: its own link may be up, so that it does not know. */
void settings_register_all(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++)
		if (port_is_end(&sm->fabric, i) && !node_is_switch(node_of(&sm->fabric, i)))
			sm->fabric.ports[i].register_again = true;
}

void settings_register_again(struct sm *sm, uint32_t number)
{
	sm->fabric.ports[number].register_again = true;
	sm->fabric.ports[number].fits = 0;
	sm_include(sm, number);
}

static void fill_set(struct sm *sm, uint32_t number, enum todo kind, struct request *ret)
{
	struct port *port = &sm->fabric.ports[number];
	const struct node *node = node_of(&sm->fabric, number);

	ret->method = METHOD_SET;
	ret->attr = ATTR_PORT_INFO;
	ret->modifier = port->number | (node->extended ? MODIFIER_EXTENDED_SPEEDS : 0);
	ret->tag = TAG(kind, number, 0);
	port->busy = true;
}

/* Asked for by the operator: down and up again, so that MTU and VLs can change. From one end only.
 */
static bool is_to_bounce(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return sm->conf.bounce_on_mismatch && port->peer != NO_PORT && number < port->peer &&
	       port_state(port) >= PORT_ARMED &&
	       (settings_is_otherwise(sm, number) || settings_is_otherwise(sm, port->peer));
}

/* The state that it should be told now, or PORT_NO_CHANGE. */
static unsigned state_to_set(const struct sm *sm, uint32_t number, bool activate, unsigned differ)
{
	bool cautious = sm->conf.cautious || sm->fabric.ports[number].refusals > 0;
	enum link_step step = step_of(sm, number);

	if (!activate && is_to_bounce(sm, number))
		return PORT_DOWN;
	if (cautious && differ)
		return PORT_NO_CHANGE;
	if (step == LINK_ARM)
		return PORT_ARMED;

	return step == LINK_ACTIVATE && activate ? PORT_ACTIVE : PORT_NO_CHANGE;
}

/* What this port should be sent now, if anything. */
static bool make_set(struct sm *sm, uint32_t number, bool activate, struct request *ret)
{
	struct port *port = &sm->fabric.ports[number];
	unsigned differ = settings_plan(sm, number, ret->data);
	unsigned state = state_to_set(sm, number, activate, differ);

	if (state == PORT_NO_CHANGE && !differ && !is_hidden(sm, number) && !port->unsure &&
	    !(activate && port->register_again && wants_reregister(sm, number, differ))) {
		port->fits = sm->fabric.walk;
		return false;
	}
	settings_make_neutral(ret->data, differ);
	wire_set(ret->data, PORT_INFO_STATE, state);
	if (wants_reregister(sm, number, differ)) {
		wire_set(ret->data, PORT_INFO_REREGISTER, 1);
		vports_reregister(sm, number);
	}
	fill_set(sm, number, activate ? TODO_ACTIVATE : TODO_PORT_SET, ret);

	return true;
}

/* A moment ago, and its link needs no further step: what is done with neighbors changes nothing. */
static bool has_been_found_to_fit(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return port->fits == sm->fabric.walk && !port->register_again && !port->unsure &&
	       step_of(sm, number) == LINK_STAY;
}

bool settings_ask_set(struct sm *sm, struct node *node, bool activate, struct request *ret)
{
	enum todo kind = activate ? TODO_ACTIVATE : TODO_PORT_SET;
	struct cursor *at = &node->work.cursor[kind];

	for (; at->port <= node->n_ports; at->port++) {
		uint32_t number = port_at(node, at->port);

		if (!is_ours_to_set(sm, number) ||
		    (activate && has_been_found_to_fit(sm, number)) ||
		    !make_set(sm, number, activate, ret))
			continue;
		at->port++;
		return true;
	}
	node->work.todo &= ~TODO(kind);

	return false;
}

/* -- answers ------------------------------------------------------------------------------------
 */

void settings_look_again(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	port->stale = true;
	work_add(sm, port->node, TODO(TODO_PORT_INFO));
}

/* It has gone down, and the far end with it, to come up again. */
static void bounced(struct sm *sm, uint32_t number)
{
	uint32_t peer = sm->fabric.ports[number].peer;

	settings_look_again(sm, number);
	if (peer != NO_PORT)
		settings_look_again(sm, peer);
	sm_sweep_again(sm, false);
}

/* Whether it is that which is refused shows when the same is sent without. */
static void tell_refused(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct port *port = &sm->fabric.ports[number];

	port->unsure = port->tell_fault.reason == REASON_NONE;
	if (!port->unsure)
		fault_note(sm, number, &port->tell_fault, "ClientReregister", REASON_SET_REFUSED,
			   answer->status);
	work_add(sm, port->node, TODO(TAG_KIND(answer->request->tag)));
}

static void refused(struct sm *sm, uint32_t number, const struct answer *answer, enum reason reason)
{
	struct port *port = &sm->fabric.ports[number];
	bool tells = answer->status && wire_get(answer->request->data, PORT_INFO_REREGISTER);

	port->status = answer->status;
	port->refusals = (uint8_t)MIN(port->refusals + 1, UINT8_MAX);
	port->register_again = port->register_again || tells;
	port->unsure = false;
	if (tells && (port->refusals >= MAX_REFUSALS || port->tell_fault.reason != REASON_NONE))
		tell_refused(sm, number, answer);
	else if (port->refusals < MAX_REFUSALS)
		settings_look_again(sm, number);
	else
		fault_note(sm, number, &port->set_fault, "PortInfo", reason, answer->status);
}

static void not_heard(struct sm *sm, uint32_t number)
{
	struct node *node = node_of(&sm->fabric, number);

	if (fault_leave_out(sm, node, &node->mkey_fault, REASON_MKEY_HIDDEN))
		sm_sweep_again(sm, false);
	work_add(sm, node->sma.owner, 0); /* what is allowed of the rest */
}

/* From the moment that a device has its new M_Key, it hears no other. */
static void take_mkey(struct sm *sm, uint32_t number, const struct answer *answer)
{
	uint64_t shown = wire_get(answer->data, PORT_INFO_MKEY);

	if (!port_is_end(&sm->fabric, number))
		return;
	mkey_take(sm, number, wire_get(answer->datagram, SMP_MKEY));
	if (shown == 0 || shown != wire_get(answer->request->data, PORT_INFO_MKEY))
		return;
	mkey_confirm(sm, number);
	/* It was in doubt, and now the one that is wanted can be set. */
	if (shown != sm->conf.m_key)
		sm_sweep_again(sm, false);
}

void settings_take_set(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct port *port = &sm->fabric.ports[number];
	uint64_t wanted = wire_get(answer->request->data, PORT_INFO_STATE);
	enum port_state before = port_state(port);

	port->busy = false;
	if (answer->result == REQUEST_LOST) {
		settings_look_again(sm, number);
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		if (answer->status)
			refused(sm, number, answer, REASON_SET_REFUSED);
		else
			not_heard(sm, number);
		return;
	}
	settings_note_not_kept(sm, number, answer);
	if (wire_get(answer->request->data, PORT_INFO_REREGISTER)) {
		port->register_again = false;
		multicast_told(sm, number);
	} else if (port->unsure) {
		fault_note(sm, number, &port->tell_fault, "ClientReregister", REASON_SET_REFUSED,
			   port->status);
	}
	port->unsure = false;
	memcpy(port->info, answer->data, SMP_DATA_SIZE);
	port->fits = 0;
	wire_set(port->info, PORT_INFO_REREGISTER, 0);
	take_mkey(sm, number, answer);
	if (port_state(port) != before)
		port->since = loop_now(sm->loop);
	tables_doubt_keys(sm, number, before);
	if (wanted != PORT_NO_CHANGE && port_state(port) < wanted) {
		refused(sm, number, answer, REASON_SET_REFUSED);
		return;
	}
	if (port_is_end(&sm->fabric, number) && port_held_lid(port) != port->lid) {
		refused(sm, number, answer, REASON_NOT_KEPT);
		return;
	}
	if (wanted == PORT_DOWN) {
		bounced(sm, number);
		return;
	}
	if (port->number == 0 || port_state(port) == PORT_ACTIVE)
		port->refusals = 0;
	else if (sm->phase == PHASE_ACTIVATE && port_state(port) == PORT_ARMED)
		sm_sweep_again(sm, false); /* it had fallen back, and is Active by the next */
	/* In the cautious order there is more to come. */
	if (step_of(sm, number) == LINK_ARM)
		work_add(sm, port->node, TODO(TAG_KIND(answer->request->tag)));
	/* Somebody wanted to look again while it was busy. */
	if (port->stale)
		work_add(sm, port->node, TODO(TODO_PORT_INFO));
}
