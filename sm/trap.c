/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Traps are hints: each is answered with TrapRepress, so that its sender stops repeating it
 * (IBA 13.4.9), and then the switch that it is about is looked at, or what that takes
 * (discover-look.c). Nothing that a trap says is believed without asking, and a flood of them costs
 * one look at a time (wanted.c holds them off), or none (watch.c). One that cannot come from the
 * device that has its LID is counted, and leads to nothing. Only the master is told, and answers.
 *
 * A device that has left keeps its LID, and so does the SM's LID in it: a switch that was cut off
 * has a trap of its link to tell, over and over, and that is heard as soon as the cable is back,
 * which is before any sweep has found it. So a trap of one who is away says that it is not. And
 * before the first plan nobody knows who has which LID.
 */

#include <stdio.h>

#include "base/macros.h"
#include "sm/machine.h"

#define FLAG_NODE_DESCRIPTION 1u

static void repress(struct sm *sm, const struct arrival *arrival, uint32_t port)
{
	struct datagram reply = arrival->datagram;

	wire_set(&reply, MAD_METHOD, METHOD_TRAP_REPRESS);
	wire_set(&reply, MAD_STATUS, 0);
	wire_set(&reply, SMP_MKEY, port == NO_PORT ? 0 : sm->fabric.ports[port].mkey);
	transport_send(sm->transport, &reply, &arrival->from, 0);
}

/* A change of description alone is no change of the fabric. */
static bool is_about_description(const uint8_t *notice)
{
	return wire_get(notice, NOTICE_144_LOCAL) == 1 &&
	       wire_get(notice, NOTICE_144_FLAGS) == FLAG_NODE_DESCRIPTION;
}

/* The traps of a vendor have numbers of their own, in another place. */
static unsigned trap_number(const uint8_t *notice)
{
	return (unsigned)wire_get(notice, wire_get(notice, NOTICE_GENERIC) ? NOTICE_TRAP
									   : NOTICE_VENDOR_TRAP);
}

static void act_on_vendor(struct sm *sm, uint32_t port, const uint8_t *notice)
{
	switch (trap_number(notice)) {
	case TRAP_VPORT_STATE:
		vports_told(sm, port, 0, false);
		return;
	case TRAP_VPORT_CHANGE:
		vports_told(sm, port, (unsigned)wire_get(notice, NOTICE_VPORT_INDEX), true);
		return;
	default:
		return; /* key violations: nothing follows */
	}
}

static void act_on_capabilities(struct sm *sm, uint32_t port, const uint8_t *notice)
{
	const struct node *node = node_of(&sm->fabric, port);

	if (node->present && is_about_description(notice)) {
		work_add(sm, sm->fabric.ports[port].node, TODO(TODO_DESCRIPTION));
		return;
	}
	if (port_is_end(&sm->fabric, port))
		sm->fabric.ports[port].stale = true;
	if (node->present)
		work_add(sm, sm->fabric.ports[port].node, TODO(TODO_PORT_INFO));
	if (node->present && !sm->fabric.ports[port].sm)
		sm_look_again(sm);
	else
		sm_sweep_soon(sm);
}

/* Something is wrong with a link of it, which need not show yet: its switch is asked. */
static void act_on_errors(struct sm *sm, uint32_t port)
{
	const struct fabric *f = &sm->fabric;
	uint32_t peer = f->ports[port].peer;

	if (node_is_switch(node_of(f, port)))
		sm_look_at_switch(sm, f->ports[port].node);
	else if (peer != NO_PORT)
		sm_look_at_switch(sm, f->ports[peer].node);
	else
		sm_sweep_soon(sm);
}

/* NodeInfo is asked along the cable that the way to it ends with. Our own is, in each sweep. */
static void ask_who_it_is(struct sm *sm, const struct node *node)
{
	struct fabric *f = &sm->fabric;

	for (unsigned i = 0; i <= node->n_ports; i++) {
		uint32_t peer = f->ports[port_at(node, i)].peer;

		if (peer == NO_PORT || node_of(f, peer)->depth >= node->depth)
			continue;
		f->ports[peer].relink = true;
		break;
	}
	sm_sweep_again(sm, false);
}

static void act(struct sm *sm, uint32_t port, const uint8_t *notice)
{
	if (!wire_get(notice, NOTICE_GENERIC)) {
		act_on_vendor(sm, port, notice);
		return;
	}
	switch (wire_get(notice, NOTICE_TRAP)) {
	case TRAP_CAPABILITY:
		act_on_capabilities(sm, port, notice);
		return;
	case TRAP_LINK_STATE:
		/* PortStateChange may be gone: a Set that was long under way cleared it. */
		node_of(&sm->fabric, port)->told = true;
		sm_look_at_switch(sm, sm->fabric.ports[port].node);
		return;
	case TRAP_LINK_INTEGRITY:
	case TRAP_BUFFER_OVERRUN:
	case TRAP_FLOW_WATCHDOG:
		act_on_errors(sm, port);
		return;
	case TRAP_SYSTEM_GUID:
		ask_who_it_is(sm, node_of(&sm->fabric, port));
		return;
	default:
		return; /* key violations: nothing follows */
	}
}

/* -- what is impossible -------------------------------------------------------------------------
 */

/* The port that has this LID, or had it when it was last here; or NO_PORT. */
static uint32_t find_port(const struct sm *sm, unsigned lid)
{
	uint32_t port = fabric_find_lid(&sm->fabric, lid);
	uint64_t guid = port == NO_PORT ? identity_owner(sm->identities, lid) : 0;

	return guid ? fabric_find_port(&sm->fabric, guid) : port;
}

/* The device that has this LID sends it of itself. */
static bool is_lid_of(const struct sm *sm, const struct node *node, uint64_t lid)
{
	uint32_t port = find_port(sm, (unsigned)lid);

	return port != NO_PORT && node_of(&sm->fabric, port) == node;
}

static bool has_port(const struct node *node, uint64_t number)
{
	return number <= node->n_ports && (number > 0 || node_is_switch(node));
}

/* A packet with this DLID. */
static bool came_to(const struct sm *sm, const struct node *node, uint64_t lid)
{
	return lid > LID_UNICAST_LAST || is_lid_of(sm, node, lid);
}

/* Details by trap number, IBA 14.2.5.1. */
static bool has_possible_details(const struct sm *sm, const struct node *node,
				 const uint8_t *notice)
{
	switch (wire_get(notice, NOTICE_TRAP)) {
	case TRAP_LINK_STATE:
		return node_is_switch(node) &&
		       is_lid_of(sm, node, wire_get(notice, NOTICE_128_LID));
	case TRAP_LINK_INTEGRITY:
	case TRAP_BUFFER_OVERRUN:
	case TRAP_FLOW_WATCHDOG:
		return is_lid_of(sm, node, wire_get(notice, NOTICE_129_LID)) &&
		       has_port(node, wire_get(notice, NOTICE_129_PORT));
	case TRAP_CAPABILITY:
		return is_lid_of(sm, node, wire_get(notice, NOTICE_144_LID));
	case TRAP_SYSTEM_GUID:
		return is_lid_of(sm, node, wire_get(notice, NOTICE_145_LID));
	case TRAP_PKEY:
	case TRAP_QKEY:
		return came_to(sm, node, wire_get(notice, NOTICE_257_TO));
	case TRAP_SWITCH_PKEY:
		return node_is_switch(node) &&
		       is_lid_of(sm, node, wire_get(notice, NOTICE_259_SWITCH)) &&
		       has_port(node, wire_get(notice, NOTICE_259_PORT));
	default:
		return true; /* nothing is done about it either */
	}
}

/*
 * Those of vports, of who has some. Which vendor and device such a notice names is not known: any
 * will do.
 */
static bool is_possible_of_vendor(const struct sm *sm, uint32_t port, const uint8_t *notice)
{
	const struct vfs *vfs = sm->fabric.ports[port].vfs;

	if (!vfs || vfs->model != VF_VPORT)
		return false;
	switch (trap_number(notice)) {
	case TRAP_VPORT_STATE:
	case TRAP_VPORT_CHANGE:
		return is_lid_of(sm, node_of(&sm->fabric, port),
				 wire_get(notice, NOTICE_VPORT_LID));
	case TRAP_VPORT_PKEY:
	case TRAP_VPORT_QKEY:
		return true;
	default:
		return false;
	}
}

/* SM_TRAP_LIE_COUNT: it may be true. */
static enum sm_trap_lie find_lie(const struct sm *sm, uint32_t port, const uint8_t *notice)
{
	const struct node *node;

	if (port == NO_PORT)
		return SM_TRAP_OF_NOBODY;
	node = node_of(&sm->fabric, port);
	if (!wire_get(notice, NOTICE_GENERIC))
		return node->present && is_possible_of_vendor(sm, port, notice) ? SM_TRAP_LIE_COUNT
										: SM_TRAP_OF_VENDOR;
	if (wire_get(notice, NOTICE_PRODUCER) != node->type)
		return SM_TRAP_OF_OTHER_KIND;

	return has_possible_details(sm, node, notice) ? SM_TRAP_LIE_COUNT : SM_TRAP_ABOUT_OTHERS;
}

static void ignore(struct sm *sm, const struct arrival *arrival, enum sm_trap_lie lie)
{
	static const char *const lies[SM_TRAP_LIE_COUNT] = {
		[SM_TRAP_OF_NOBODY] = "nobody has that LID",
		[SM_TRAP_OF_OTHER_KIND] = "its sender is of another kind than it says",
		[SM_TRAP_ABOUT_OTHERS] = "it is not about its sender",
		[SM_TRAP_OF_VENDOR] = "its sender cannot have anything to tell by it",
	};
	struct log_where where = { .lid = arrival->from.lid, .port = -1 };

	trap_count_impossible(sm, lie);
	log_peer(loop_now(sm->loop), &where, "trap %u from LID %u is ignored: %s",
		 trap_number(smp_data_in(&arrival->datagram)), arrival->from.lid, lies[lie]);
}

/* -- telling of it ------------------------------------------------------------------------------
 */

#define TEXT_SIZE 100

static void describe_key(const uint8_t *notice, const char *key, char ret[static TEXT_SIZE])
{
	bool of_switch = wire_get(notice, NOTICE_TRAP) == TRAP_SWITCH_PKEY;

	snprintf(ret, TEXT_SIZE, ": a packet from LID %u to LID %u has %s 0x%x, which is wrong",
		 (unsigned)wire_get(notice, of_switch ? NOTICE_259_FROM : NOTICE_257_FROM),
		 (unsigned)wire_get(notice, of_switch ? NOTICE_259_TO : NOTICE_257_TO), key,
		 (unsigned)wire_get(notice, of_switch ? NOTICE_259_KEY : NOTICE_257_KEY));
}

static void describe_errors(const uint8_t *notice, const char *errors, char ret[static TEXT_SIZE])
{
	snprintf(ret, TEXT_SIZE, ", %s at port %u", errors,
		 (unsigned)wire_get(notice, NOTICE_129_PORT));
}

/* What follows its number; of an M_Key that was tried not which. */
static void describe(const uint8_t *notice, char ret[static TEXT_SIZE])
{
	ret[0] = 0;
	if (!wire_get(notice, NOTICE_GENERIC))
		return;
	switch (wire_get(notice, NOTICE_TRAP)) {
	case TRAP_LINK_STATE:
		snprintf(ret, TEXT_SIZE, ", a link changed");
		return;
	case TRAP_LINK_INTEGRITY:
		describe_errors(notice, "link integrity errors", ret);
		return;
	case TRAP_BUFFER_OVERRUN:
		describe_errors(notice, "buffer overruns", ret);
		return;
	case TRAP_FLOW_WATCHDOG:
		describe_errors(notice, "the flow control watchdog expired", ret);
		return;
	case TRAP_CAPABILITY:
		snprintf(ret, TEXT_SIZE, ", capabilities or its name changed");
		return;
	case TRAP_MKEY:
		snprintf(ret, TEXT_SIZE, ": a request of LID %u has a wrong M_Key",
			 (unsigned)wire_get(notice, NOTICE_256_LID));
		return;
	case TRAP_PKEY:
	case TRAP_SWITCH_PKEY:
		describe_key(notice, "P_Key", ret);
		return;
	case TRAP_QKEY:
		describe_key(notice, "Q_Key", ret);
		return;
	default:
		return;
	}
}

static void tell(struct sm *sm, uint32_t port, const struct arrival *arrival, unsigned source)
{
	const uint8_t *notice = smp_data_in(&arrival->datagram);
	char text[TEXT_SIZE];

	if (!trap_may_be_told(sm, source))
		return;
	describe(notice, text);
	event_add(sm->events, EVENT_TRAP, node_of(&sm->fabric, port)->guid, arrival->from.lid, -1,
		  "trap %u%s", trap_number(notice), text);
	sm->traps.told[source] = event_last(sm->events)->number;
}

/* Those of a vendor are of vports, each of another one. */
static bool has_sweep_follow(const uint8_t *notice)
{
	uint64_t number = wire_get(notice, NOTICE_TRAP);

	return wire_get(notice, NOTICE_GENERIC) &&
	       (number == TRAP_CAPABILITY ||
		(number >= TRAP_LINK_STATE && number <= TRAP_FLOW_WATCHDOG));
}

void trap_receive(struct sm *sm, const struct arrival *arrival)
{
	const uint8_t *notice = smp_data_in(&arrival->datagram);
	uint32_t port = find_port(sm, arrival->from.lid);
	enum sm_trap_lie lie;
	unsigned source;

	if (sm->state != SM_MASTER)
		return;
	source = trap_count(sm, arrival->from.lid, trap_number(notice));
	repress(sm, arrival, port);
	if (port == NO_PORT && sm->adopting) {
		if (sm->conf.sweep_on_trap)
			sm_sweep_soon(sm);
		return;
	}
	lie = find_lie(sm, port, notice);
	if (lie != SM_TRAP_LIE_COUNT) {
		ignore(sm, arrival, lie);
		return;
	}
	tell(sm, port, arrival, source);
	if (trap_may_be_forwarded(sm, source))
		notices_forward(sm, port, arrival);
	if (!sm->conf.sweep_on_trap)
		return;
	if (has_sweep_follow(notice) && watch_takes_trap(sm, port))
		return;
	story_because(sm, sm->traps.told[source]);
	act(sm, port, notice);
	story_because(sm, 0);
}
