/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Moves that somebody plans: a virtual function is to be at another physical port from now on, and
 * the fabric is made ready for it before it is there. Its place is the new port at once: the P_Keys
 * of its GUID are enforced there too, and when it has gone down at its old place, the way to its
 * LID is turned, without waiting for it to appear. Until then it goes on where it is; but once it
 * is down it does not come up anywhere else, or the way would lead to the wrong one.
 *
 * The move is over when it is Active at its new place, or with the operator's word. It is kept, so
 * a restart in between goes on with it.
 *
 * Behind a virtual switch a VF has a way of its own, and which, shows only when it is there; an
 * alias GUID has none, and is given to who asks for it at its new port (alias-intent.c): of these
 * only the place is decided beforehand. Without a plan a VF that shows up elsewhere has moved too,
 * it only takes a moment longer.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vswitch.h"

/* -- the list -----------------------------------------------------------------------------------
 */

/* Its place in the list; or the first that is not used. */
static unsigned find(const struct sm *sm, uint64_t guid)
{
	unsigned i = 0;

	while (i < sm->moves.n && sm->moves.all[i].guid != guid)
		i++;

	return i;
}

static int put(struct sm *sm, uint64_t guid, uint64_t port, uint64_t since)
{
	unsigned i = find(sm, guid);

	if (i == MOVES_MAX)
		return -ENOSPC;
	sm->moves.all[i] = (struct kept_move){ guid, port };
	sm->moves.since[i] = since;
	sm->moves.n = MAX(sm->moves.n, i + 1);

	return 0;
}

static void take_out(struct sm *sm, uint64_t guid)
{
	unsigned i = find(sm, guid);

	if (i == sm->moves.n)
		return;
	sm->moves.n--;
	sm->moves.all[i] = sm->moves.all[sm->moves.n];
	sm->moves.since[i] = sm->moves.since[sm->moves.n];
}

void moves_load(struct sm *sm, const struct kept_move *kept)
{
	if (put(sm, kept->guid, kept->port, 0) < 0)
		log_warning("There is no room for the move of 0x%016" PRIx64, kept->guid);
}

const struct kept_move *sm_move_at(const struct sm *sm, uint64_t n)
{
	return n < sm->moves.n ? &sm->moves.all[n] : NULL;
}

uint64_t sm_moving_to(const struct sm *sm, uint64_t guid)
{
	const struct kept_move *move = sm_move_at(sm, find(sm, guid));

	return move ? move->port : 0;
}

/* -- where it is, and where its way leads -------------------------------------------------------
 */

/* The physical port that it is at, and whether it is Active there; NO_PORT: it is away. */
static uint32_t place_of(const struct sm *sm, uint64_t guid, bool *ret_active)
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	struct vswitch_vf vf;

	*ret_active = e.port != NO_PORT && endpoint_is_active(&sm->fabric, e);
	if (e.port != NO_PORT && e.index == 0)
		return vswitch_vf_at(&sm->fabric, e.port, &vf) && !vf.nameless ? vf.pf : e.port;

	return e.port;
}

bool moves_may_be_at(const struct sm *sm, uint64_t guid, uint32_t port)
{
	uint64_t to = sm_moving_to(sm, guid);

	return to == 0 || to == sm->fabric.ports[port].guid;
}

uint32_t moves_way(const struct sm *sm, uint64_t guid)
{
	uint64_t to = sm_moving_to(sm, guid);
	uint32_t port = to ? fabric_find_port(&sm->fabric, to) : NO_PORT;

	/* An adapter of its own, behind a virtual switch, is an end of the graph. */
	if (port == NO_PORT || !node_of(&sm->fabric, port)->present ||
	    sm->fabric.ports[port].lid == 0 || fabric_find_port(&sm->fabric, guid) != NO_PORT ||
	    endpoint_find(&sm->fabric, guid).port != NO_PORT)
		return NO_PORT;

	return port;
}

void moves_see(struct sm *sm)
{
	for (unsigned i = 0; i < sm->moves.n; i++)
		identity_see(sm->identities, sm->moves.all[i].guid);
}

/* -- how far it is ------------------------------------------------------------------------------
 */

/* All switches hold what is planned for @lid, and that leads to @port. */
static bool leads_to(const struct sm *sm, uint16_t lid, uint32_t port)
{
	const struct fabric *f = &sm->fabric;
	uint32_t home = f->ports[port].home;

	if (home == NO_PORT || sm_route(sm, f->ports[home].node, lid) != f->ports[home].number)
		return false;
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].present && node_is_switch(&f->nodes[i]) &&
		    lft_held(f->nodes[i].sw, lid) != sm_route(sm, i, lid))
			return false;

	return true;
}

static bool port_is_ready(const struct sm *sm, uint32_t port)
{
	return port != NO_PORT && node_of(&sm->fabric, port)->present &&
	       port_state(&sm->fabric.ports[port]) == PORT_ACTIVE;
}

static enum sm_move_wait find_wait(const struct sm_move_state *state, uint32_t at, uint32_t to,
				   bool to_is_ready)
{
	if (!to_is_ready)
		return SM_MOVE_PORT;
	if (at == to)
		return SM_MOVE_ACTIVE;
	if (at != NO_PORT)
		return SM_MOVE_LEAVE;

	return state->keys && (state->routes || state->routes_later) ? SM_MOVE_START
								     : SM_MOVE_TABLES;
}

bool sm_move_state(const struct sm *sm, uint64_t guid, struct sm_move_state *ret)
{
	const struct identity *id = identity_find(sm->identities, guid);
	unsigned n = find(sm, guid);
	uint32_t at, to;
	bool active;

	if (n == sm->moves.n)
		return false;
	*ret = (struct sm_move_state){ .to = sm->moves.all[n].port, .since = sm->moves.since[n] };
	at = place_of(sm, guid, &active);
	to = fabric_find_port(&sm->fabric, ret->to);
	ret->routes_later = !id || id->lmc != 0 || fabric_find_port(&sm->fabric, guid) != NO_PORT;
	if (to != NO_PORT) {
		ret->keys = pkeys_pass(sm, to, guid);
		ret->routes = !ret->routes_later && (at == NO_PORT || at == to) &&
			      leads_to(sm, id->lid, to);
	}
	ret->waits_for = find_wait(ret, at, to, port_is_ready(sm, to));

	return true;
}

/* -- orders -------------------------------------------------------------------------------------
 */

static int refuse(char why[static SM_WHY_SIZE], int r, uint64_t guid, const char *sentence)
{
	snprintf(why, SM_WHY_SIZE, "0x%016" PRIx64 " %s", guid, sentence);

	return r;
}

static int check_guid(const struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE])
{
	struct endpoint e = endpoint_find(&sm->fabric, guid);
	struct vswitch_vf vf;

	if (e.port != NO_PORT && e.index == 0 && !vswitch_vf_at(&sm->fabric, e.port, &vf))
		return refuse(why, -EINVAL, guid, "is a port, and no virtual function");
	if (e.port == NO_PORT && !identity_find(sm->identities, guid) &&
	    !reservations_find(&sm->reservations, guid))
		return refuse(why, -ENOENT, guid,
			      "is not known: reserve it with vf add, or start it");

	return 0;
}

static int check_port(const struct sm *sm, uint64_t guid, uint64_t to, char why[static SM_WHY_SIZE])
{
	uint32_t port = fabric_find_port(&sm->fabric, to);
	const struct vf_policy *policy;
	struct vswitch_vf vf;

	if (port == NO_PORT || !node_of(&sm->fabric, port)->present ||
	    node_of(&sm->fabric, port)->type != NODE_TYPE_CA ||
	    vswitch_vf_at(&sm->fabric, port, &vf))
		return refuse(why, -EINVAL, to, "is no physical port of an adapter that is there");
	if (!reservation_may_be_at(reservations_find(&sm->reservations, guid), to))
		return refuse(why, -EINVAL, guid,
			      "is reserved for other places: name this one too (vf add --place)");
	policy = vf_rule_of(sm, port);
	if (!vf_policy_allows(policy, guid))
		return refuse(why, -EINVAL, guid,
			      "is not allowed at that port by virtual_functions in vsm.conf");
	if (policy && policy->max == 0)
		return refuse(why, -EINVAL, guid,
			      "is not allowed at that port by virtual_functions in vsm.conf, as no "
			      "virtual function is: max is 0 there");

	return 0;
}

int moves_keep(struct sm *sm, uint64_t guid, uint64_t to)
{
	return keep_move(sm->keeper, &(struct kept_move){ guid, to });
}

static int keep_or_leave(struct sm *sm, uint64_t guid, uint64_t to, char why[static SM_WHY_SIZE])
{
	uint64_t before = sm_moving_to(sm, guid);
	uint64_t since = before ? sm->moves.since[find(sm, guid)] : 0;
	int r = put(sm, guid, to, loop_now(sm->loop));

	if (r == 0) {
		r = moves_keep(sm, guid, to);
		if (r < 0 && before)
			put(sm, guid, before, since);
		else if (r < 0)
			take_out(sm, guid);
	}
	if (r < 0)
		snprintf(why, SM_WHY_SIZE, "there is no room for it: %s", strerror(-r));

	return r;
}

int sm_move(struct sm *sm, uint64_t guid, uint64_t to, char why[static SM_WHY_SIZE])
{
	uint32_t at;
	bool active;
	int r = reserve_check_master(sm, why);

	if (r == 0)
		r = check_guid(sm, guid, why);
	if (r == 0)
		r = check_port(sm, guid, to, why);
	if (r < 0 || sm_moving_to(sm, guid) == to)
		return r;
	at = place_of(sm, guid, &active);
	if (at != NO_PORT && active && sm->fabric.ports[at].guid == to)
		return sm_move_cancel(sm, guid, why); /* it is there */
	r = keep_or_leave(sm, guid, to, why);
	if (r < 0)
		return r;
	event_add(sm->events, EVENT_CONFIG, guid, sm_lid_of(sm, guid), -1,
		  "is to move to 0x%016" PRIx64, to);
	sm_look_again(sm);

	return 0;
}

static void forget(struct sm *sm, uint64_t guid, const char *what)
{
	take_out(sm, guid);
	event_add(sm->events, EVENT_CONFIG, guid, sm_lid_of(sm, guid), -1, "%s", what);
	sm_look_again(sm);
}

static int end_move(struct sm *sm, uint64_t guid, const char *what)
{
	int r = moves_keep(sm, guid, 0);

	if (r == 0)
		forget(sm, guid, what);

	return r;
}

void moves_forget(struct sm *sm, uint64_t guid)
{
	forget(sm, guid, "is not to move any more");
}

int sm_move_cancel(struct sm *sm, uint64_t guid, char why[static SM_WHY_SIZE])
{
	int r = reserve_check_master(sm, why);

	if (r < 0 || !sm_moving_to(sm, guid))
		return r;
	r = end_move(sm, guid, "is not to move any more");
	if (r < 0)
		snprintf(why, SM_WHY_SIZE, "there is no room for it: %s", strerror(-r));

	return r;
}

void moves_settle(struct sm *sm)
{
	if (sm->state != SM_MASTER)
		return;
	for (unsigned i = sm->moves.n; i > 0; i--) {
		struct kept_move move = sm->moves.all[i - 1];
		bool active;
		uint32_t at = place_of(sm, move.guid, &active);

		if (at != NO_PORT && active && sm->fabric.ports[at].guid == move.port)
			end_move(sm, move.guid, "has moved");
	}
}
