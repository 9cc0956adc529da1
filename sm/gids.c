/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which GIDs are in service, and telling of those that come and go (traps 64 and 65): ports that
 * are Active and have a LID, and their virtual functions that are up. Looked at when a reconcile
 * has ended, and where an alias GUID was set meanwhile; what was told of each is noted here, with
 * the P_Keys that it had, since nobody knows them any more when it has gone.
 *
 * So it is told what is different from what was told before, and no more: a link that fell and rose
 * between two looks was never away. A GUID that is at another place was gone and has come. When we
 * become master, or start, what is there is noted and not told: clients of others know it, ours
 * were told by who was master, or by us before the restart.
 *
 * Whoever can set alias GUIDs could have everybody told as often as it likes. So what comes at one
 * port is told a few times at once and then ever more slowly, always as it is by then.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define HALF_LIFE  (30 * LOOP_SEC)
#define MOST_AT_VF (600 * DAMPING_EVENT) /* as many as a port has VFs, twice */

/* ---- sets of P_Keys -------------------------------------------------------------------------- */

static bool is_set(const struct gid_keys *set, const uint16_t *keys, unsigned n)
{
	return set->n == n && (n == 0 || memcmp(set->key, keys, n * sizeof(*keys)) == 0);
}

/* Few are different. Number 0 is the empty one, and what all have that found no room. */
static uint16_t share_keys(struct sm *sm, const uint16_t *keys, unsigned n)
{
	struct gids *gids = &sm->gids;
	struct gid_keys *set;
	unsigned free_one = 0;

	for (unsigned i = 1; i < gids->n_sets; i++) {
		set = &gids->set[i];
		if (set->refs == 0)
			free_one = i;
		else if (is_set(set, keys, n)) {
			set->refs++;
			return (uint16_t)i;
		}
	}
	if (free_one == 0 && gids->n_sets < GID_KEY_SETS)
		free_one = gids->n_sets++;
	if (free_one == 0 || n == 0)
		return 0;
	set = &gids->set[free_one];
	set->key = malloc(n * sizeof(*keys));
	if (!set->key)
		return 0;
	memcpy(set->key, keys, n * sizeof(*keys));
	set->n = (uint16_t)n;
	set->refs = 1;

	return (uint16_t)free_one;
}

static void release_keys(struct sm *sm, uint16_t number)
{
	struct gid_keys *set = &sm->gids.set[number];

	if (number == 0 || --set->refs > 0)
		return;
	free(TAKE(set->key));
	set->n = 0;
}

/* ---- what is in service ---------------------------------------------------------------------- */

bool gid_is_in_service(const struct sm *sm, struct endpoint e)
{
	const struct fabric *f = &sm->fabric;
	const struct port *port = &f->ports[e.port];

	if (!port_is_end(f, e.port) || port->guid == 0 || port->lid == 0 ||
	    !node_of(f, e.port)->present)
		return false;
	if (port->number == 0)
		return true;
	if (e.index > 0 && (!vf_is_here(f, e) || vf_of(f, e)->duplicate))
		return false;

	return endpoint_is_active(f, e) && endpoint_lid(f, e) != 0;
}

static bool is_told(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf;

	if (e.port >= sm->fabric.n_ports)
		return false;
	if (e.index == 0)
		return sm->fabric.ports[e.port].told_gid;
	vf = vf_at(&sm->fabric, e.port, e.index);

	return vf && vf->told_gid;
}

static void set_told(struct sm *sm, struct endpoint e, bool told)
{
	if (e.port >= sm->fabric.n_ports)
		return;
	if (e.index == 0)
		sm->fabric.ports[e.port].told_gid = told;
	else if (vf_at(&sm->fabric, e.port, e.index))
		vf_of(&sm->fabric, e)->told_gid = told;
}

/* It may be another device's number by now, or another GUID. */
static bool is_as_told(const struct sm *sm, const struct gid_told *told)
{
	struct endpoint e = { told->at, told->index };

	return is_told(sm, e) && endpoint_guid(&sm->fabric, e) == told->guid &&
	       gid_is_in_service(sm, e);
}

/* ---- looking --------------------------------------------------------------------------------- */

static void tell(struct sm *sm, bool in_service, const struct gid_told *told)
{
	const struct gid_keys *set = &sm->gids.set[told->keys];

	if (sm->gids.known)
		notices_gid(sm, in_service, told->guid, told->port, set->key, set->n);
}

static void take_out(struct sm *sm, uint32_t i)
{
	struct gids *gids = &sm->gids;
	struct gid_told told = gids->told[i];
	struct endpoint e = { told.at, told.index };

	/* Of who has the place now it is told anew. */
	set_told(sm, e, false);
	tell(sm, false, &told);
	release_keys(sm, told.keys);
	gids->told[i] = gids->told[--gids->n];
}

static int make_room(struct gids *gids)
{
	uint32_t room = gids->room ? gids->room + gids->room / 4 : 256;
	struct gid_told *told;

	if (gids->n < gids->room)
		return 0;
	told = reallocarray(gids->told, room, sizeof(*told));
	if (!told)
		return -ENOMEM;
	gids->told = told;
	gids->room = room;

	return 0;
}

/* Of what has stayed: partitions may be others, but mostly are not. */
static void look_at_keys(struct sm *sm, struct gid_told *told)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	struct endpoint e = { told->at, told->index };
	unsigned n = MIN(pkeys_of_endpoint(sm, e, keys, FABRIC_MAX_PKEYS), FABRIC_MAX_PKEYS);
	uint16_t number;

	if (is_set(&sm->gids.set[told->keys], keys, n))
		return;
	number = share_keys(sm, keys, n);
	release_keys(sm, told->keys);
	told->keys = number;
}

/* False: it is told later. */
static bool may_tell(struct sm *sm, struct endpoint e)
{
	struct vfs *vfs = sm->fabric.ports[e.port].vfs;
	uint64_t now = loop_now(sm->loop);

	if (e.index == 0 || !vfs || !sm->gids.known)
		return true;
	if (damping_owed(&vfs->gids, now, HALF_LIFE) + DAMPING_EVENT > MOST_AT_VF)
		return false;
	damping_charge(&vfs->gids, now, HALF_LIFE, MOST_AT_VF);

	return true;
}

/* It was told to be somewhere that has not been looked at: there it goes before it comes here. */
static void take_out_elsewhere(struct sm *sm, uint64_t guid)
{
	for (uint32_t i = sm->gids.n; i-- > 0;)
		if (sm->gids.told[i].guid == guid)
			take_out(sm, i);
}

/* @alone: at no other port has it been looked what is gone. */
static void look_at(struct sm *sm, struct endpoint e, bool alone)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	struct gid_told *told;
	unsigned n;

	if (is_told(sm, e) || !gid_is_in_service(sm, e) || endpoint_guid(&sm->fabric, e) == 0)
		return;
	if (!may_tell(sm, e) || make_room(&sm->gids) < 0) {
		sm->gids.owed = true;
		return;
	}
	if (alone)
		take_out_elsewhere(sm, endpoint_guid(&sm->fabric, e));
	n = MIN(pkeys_of_endpoint(sm, e, keys, FABRIC_MAX_PKEYS), FABRIC_MAX_PKEYS);
	told = &sm->gids.told[sm->gids.n++];
	*told = (struct gid_told){ .guid = endpoint_guid(&sm->fabric, e),
				   .port = sm->fabric.ports[e.port].guid,
				   .at = e.port,
				   .index = e.index,
				   .keys = share_keys(sm, keys, n) };
	set_told(sm, e, true);
	tell(sm, true, told);
}

static void look_at_port(struct sm *sm, uint32_t port, bool alone)
{
	const struct vfs *vfs = sm->fabric.ports[port].vfs;

	if (sm->fabric.ports[port].guid == 0)
		return;
	look_at(sm, endpoint_of_port(port), alone);
	for (unsigned i = 1; vfs && i < vfs->n; i++)
		look_at(sm, (struct endpoint){ port, (uint16_t)i }, alone);
}

/* Those that are gone first: who has moved was away, and then has come. */
void gids_look(struct sm *sm)
{
	struct fabric *f = &sm->fabric;

	sm->gids.owed = false;
	for (uint32_t i = sm->gids.n; i-- > 0;)
		if (!is_as_told(sm, &sm->gids.told[i]))
			take_out(sm, i);
		else if (sm_includes(sm, node_of(&sm->fabric, sm->gids.told[i].at)))
			look_at_keys(sm, &sm->gids.told[i]);
	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct node *node = &f->nodes[i];

		if (!node->present || !sm_includes(sm, node))
			continue;
		for (unsigned k = node_is_switch(node) ? 0 : 1;
		     k <= (node_is_switch(node) ? 0u : node->n_ports); k++)
			look_at_port(sm, port_at(node, k), false);
	}
	sm->gids.known = true;
}

void gids_look_at_port(struct sm *sm, uint32_t port)
{
	if (!sm->gids.known)
		return;
	for (uint32_t i = sm->gids.n; i-- > 0;)
		if (sm->gids.told[i].at == port && !is_as_told(sm, &sm->gids.told[i]))
			take_out(sm, i);
	look_at_port(sm, port, true);
}

void gids_forget(struct sm *sm)
{
	sm->gids.known = false;
	while (sm->gids.n > 0)
		take_out(sm, sm->gids.n - 1);
}

void gids_done(struct sm *sm)
{
	for (unsigned i = 1; i < sm->gids.n_sets; i++)
		free(sm->gids.set[i].key);
	free(sm->gids.told);
	free(sm->gids.set);
}

int gids_start(struct sm *sm)
{
	sm->gids.set = calloc(GID_KEY_SETS, sizeof(*sm->gids.set));
	sm->gids.n_sets = 1;

	return sm->gids.set ? 0 : -ENOMEM;
}
