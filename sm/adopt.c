/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * When this SM has just started, or another was master, devices have LIDs that we did not give, and
 * the store may know them by others: it is old, or of another subnet manager, or of another fabric.
 *
 * Whom the fabric knows by a LID keeps it: packets are led to it by that LID, connections have it,
 * and to change it would cut them. That is so if the switch that it hangs on has that exit for it;
 * it tells apart two that hold the same LID, and knows who comes from elsewhere with a LID of
 * there. Who has another LID in the store, or has this one and is away, or is not led to by it,
 * gives way. (opensm does it the other way round: what its guid2lid has goes before what a port
 * holds, and a port that has been given away is set anew.)
 *
 * Whom the fabric does not know so has its LID from the store if it is down anyway; and else what
 * it holds, if that is nobody's. What the operator reserved counts more than store and fabric. All
 * that differs is told of: somebody wonders why a LID is not what the state directory says, or is.
 *
 * Only at the start and after another master: later it is we who know, and a port that comes with
 * another LID comes from another subnet.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"

/* -- what differs -------------------------------------------------------------------------------
 */

#define DIFFERENCES_TOLD 16u /* the store may be that of another fabric */

static void tell(const struct sm *sm, unsigned *differ, uint64_t guid, unsigned lid,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void tell(const struct sm *sm, unsigned *differ, uint64_t guid, unsigned lid,
		 const char *format, ...)
{
	char text[EVENT_TEXT_SIZE];
	va_list args;

	if ((*differ)++ >= DIFFERENCES_TOLD)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event_add(sm->events, EVENT_STORE, guid, (uint16_t)lid, -1, "%s", text);
}

static void tell_rest(const struct sm *sm, unsigned differ)
{
	if (differ > DIFFERENCES_TOLD)
		event_add(sm->events, EVENT_STORE, 0, 0, -1,
			  "%u more have other LIDs in the state directory than on the fabric, or "
			  "on the fabric one that they cannot have",
			  differ - DIFFERENCES_TOLD);
}

static void refuse(const struct sm *sm, unsigned *differ, const struct lid_holder *h)
{
	if (identity_is_valid(h->lid, 0) && !identity_is_valid(h->lid, h->lmc))
		tell(sm, differ, h->guid, h->lid,
		     "holds LID %u, which it cannot have with LMC %u, and is given another", h->lid,
		     h->lmc);
	else
		tell(sm, differ, h->guid, h->lid,
		     "holds LID %u, which it cannot have, and is given another", h->lid);
}

/* -- who holds what -----------------------------------------------------------------------------
 */

/* Of ports, and then of vports. */
struct holders {
	uint32_t port;
	struct vf_walk vports;
};

static bool holder_of_port(const struct sm *sm, uint32_t number, struct lid_holder *ret)
{
	const struct port *port = &sm->fabric.ports[number];

	if (!lids_takes_part(&sm->fabric, number) || port_held_lid(port) == 0)
		return false;
	*ret = (struct lid_holder){ .guid = port->guid,
				    .port = number,
				    .lid = port_held_lid(port),
				    .lmc = lids_lmc_of(sm, number),
				    .up = port_state(port) >= PORT_ARMED };

	return true;
}

static bool next_holder(const struct sm *sm, struct holders *at, struct lid_holder *ret)
{
	while (at->port < sm->fabric.n_ports)
		if (holder_of_port(sm, at->port++, ret))
			return true;

	return vports_next_holder(sm, &at->vports, ret);
}

/* Does the switch that it hangs on send there what is for this LID? */
static bool is_led(const struct sm *sm, uint32_t number, unsigned lid)
{
	const struct fabric *f = &sm->fabric;
	uint32_t peer = f->ports[number].peer;

	if (node_is_switch(node_of(f, number)))
		return lft_held(node_of(f, number)->sw, lid) == 0;
	if (peer == NO_PORT || !node_is_switch(node_of(f, peer)))
		return peer != NO_PORT;

	return lft_held(node_of(f, peer)->sw, lid) == f->ports[peer].number;
}

/*
 * The same, of who has a LID in the store: is it there, and does it hold that one? Our own port
 * does not have to be led to: another master in the rest of a fabric that was torn apart knows
 * nothing of it, and gives its LID away; but all devices have it as the LID of their master.
 */
static bool is_known_by(const struct sm *sm, const struct identity *id)
{
	struct endpoint e = endpoint_find(&sm->fabric, id->guid);
	uint64_t held;

	if (e.port == NO_PORT)
		return false;
	held = e.index > 0 ? wire_get(vf_of(&sm->fabric, e)->info, VPORT_INFO_LID)
			   : port_held_lid(&sm->fabric.ports[e.port]);

	return held == id->lid && (e.port == sm->fabric.local_port || is_led(sm, e.port, id->lid));
}

/* -- who keeps what -----------------------------------------------------------------------------
 */

/* Of those whose this LID is in the store. */
static const struct identity *other_owner(const struct sm *sm, const struct lid_holder *h,
					  unsigned lid)
{
	uint64_t owner = identity_owner(sm->identities, lid);

	return owner == 0 || owner == h->guid ? NULL : identity_find(sm->identities, owner);
}

static void give_up(struct sm *sm, unsigned *differ, const struct identity *id, uint64_t to)
{
	uint64_t guid = id->guid;

	tell(sm, differ, guid, id->lid,
	     "LID %u, which the state directory has for it, is held by 0x%016" PRIx64, id->lid, to);
	identity_forget(sm->identities, guid);
	keep_identity(sm->keeper, &(struct kept_identity){ .guid = guid });
	sm->unkept = true;
}

/* False: somebody has one of its LIDs with more right. */
static bool make_others_give_way(struct sm *sm, unsigned *differ, const struct lid_holder *h)
{
	unsigned end = MIN(h->lid + (1u << h->lmc), LID_UNICAST_LAST + 1u);
	const struct identity *other;

	for (unsigned lid = h->lid; lid < end; lid++) {
		other = other_owner(sm, h, lid);
		if (other && (other->reserved || is_known_by(sm, other)))
			return false;
	}
	for (unsigned lid = h->lid; lid < end; lid++) {
		other = other_owner(sm, h, lid);
		if (other)
			give_up(sm, differ, other, h->guid);
	}

	return true;
}

static void keep(struct sm *sm, unsigned *differ, const struct lid_holder *h, bool is_known)
{
	const struct identity *id = identity_find(sm->identities, h->guid);
	unsigned before = id ? id->lid : 0;

	spares_yield(sm, h->lid, h->lmc);
	if ((is_known && !make_others_give_way(sm, differ, h)) ||
	    identity_claim(sm->identities, h->guid, h->lid, h->lmc) < 0)
		refuse(sm, differ, h);
	else if (before && before != h->lid)
		tell(sm, differ, h->guid, h->lid,
		     "keeps LID %u, which the fabric knows it by; the state directory has LID %u",
		     h->lid, before);
}

static void adopt(struct sm *sm, unsigned *differ, const struct lid_holder *h, bool is_known)
{
	const struct identity *id = identity_find(sm->identities, h->guid);

	if (id && id->lid == h->lid && id->lmc == h->lmc)
		return;
	if (id && reserve_has_lid(sm, h->guid))
		tell(sm, differ, h->guid, h->lid,
		     "holds LID %u, and is given LID %u, which is reserved for it", h->lid,
		     id->lid);
	else if (!identity_is_valid(h->lid, h->lmc) || lids_are_beyond(sm, h->lid, h->lmc))
		refuse(sm, differ, h);
	else if (id && !is_known && !h->up)
		tell(sm, differ, h->guid, h->lid,
		     "holds LID %u, to which no table leads, and is given LID %u again", h->lid,
		     id->lid);
	else
		keep(sm, differ, h, is_known);
}

/* Tables do not tell apart who is behind the same port. */
static bool is_known(const struct sm *sm, const struct lid_holder *h)
{
	return !h->unproven && is_led(sm, h->port, h->lid);
}

int lids_adopt(struct sm *sm)
{
	int r = vfs_settle_guids(&sm->fabric);
	unsigned differ = 0;

	/* Those whom the fabric knows first. */
	for (unsigned turn = 0; r == 0 && turn < 2; turn++) {
		struct holders at = { 0 };
		struct lid_holder h;

		while (next_holder(sm, &at, &h))
			if (is_known(sm, &h) == (turn == 0))
				adopt(sm, &differ, &h, turn == 0);
	}
	tell_rest(sm, differ);

	return r;
}
