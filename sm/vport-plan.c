/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a virtual port should have, and why it has not.
 *
 * It has a LID of its own if it asks for one (LidRequired), which leads where its port's leads.
 * Rules may say otherwise: who is to have one and does not ask is offered one when it comes up, and
 * if the device does not show it then, nobody else at that port is until the port restarts; who
 * asks and is to have none cannot do without, and is left in Initialize.
 *
 * Who has no GUID, the GUID of somebody else, or no partition is left in Initialize too; who was up
 * and turns out to have the GUID of somebody else is made to begin anew (vport-set.c). All that
 * keeps one from going further is in vport_obstacle(), and so is a reason that the operator sees.
 */

#include <errno.h>

#include "sm/machine.h"
#include "sm/vport-inside.h"

/* -- LIDs ---------------------------------------------------------------------------------------
 */

/* May it be brought up, as far as it is itself concerned? */
bool vport_takes_part(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);

	return vf_is_here(&sm->fabric, e) && !vf->duplicate && !vf_is_barred(vf) &&
	       vf->partition_cap > 0;
}

/* Is it Active with a LID that is not its port's? That stays so, whatever rules say by now. */
static bool runs_with_lid(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	uint64_t held = wire_get(vf->info, VPORT_INFO_LID);

	return vf->state == PORT_ACTIVE && held != 0 && held != sm->fabric.ports[e.port].lid;
}

/* Is it to have a LID of its own, if there is one, and the device takes it? */
static bool wants_lid(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	const struct vf_policy *rule = vf_rule_of(sm, e.port);

	if (vf_asks_for_lid(vf))
		return !rule || rule->lid != VF_LID_SHARED || runs_with_lid(sm, e) ||
		       reserve_has_lid(sm, vf->guid);
	if (known_vports(sm, e.port)->no_own_lids)
		return false;
	if (rule ? rule->lid != VF_LID_OWN : vf_rule_is_known(sm, e.port))
		return false;

	return vf->state != PORT_ACTIVE || runs_with_lid(sm, e);
}

/* It was given one for the offer, not before and elsewhere, and is to have it no longer. */
static void take_lid_back(struct sm *sm, struct vf *vf)
{
	vf->offered = false;
	if (reserve_has_lid(sm, vf->guid))
		return;
	routes_drop(sm, vf->lid);
	identity_forget(sm->identities, vf->guid);
	keep_identity(sm->keeper, &(struct kept_identity){ .guid = vf->guid });
	sm->unkept = true;
}

/*
 * A LID of its own: that of its port is planned later. Where it goes by the GUID of a port that is
 * out of sight, that port's LID counts.
 */
static bool is_holder(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	uint64_t held = wire_get(vf->info, VPORT_INFO_LID);

	return sm->fabric.ports[e.port].vfs->model == VF_VPORT && vport_takes_part(sm, e) &&
	       wants_lid(sm, e) && held != 0 && held != port_held_lid(&sm->fabric.ports[e.port]) &&
	       (!identity_find(sm->identities, vf->guid) ||
		fabric_find_port(&sm->fabric, vf->guid) == NO_PORT);
}

bool vports_next_holder(const struct sm *sm, struct vf_walk *walk, struct lid_holder *ret)
{
	struct endpoint e;

	while (vf_walk_next(&sm->fabric, walk, &e)) {
		const struct vf *vf = vf_of(&sm->fabric, e);

		if (!is_holder(sm, e))
			continue;
		*ret = (struct lid_holder){ .guid = vf->guid,
					    .port = e.port,
					    .lid = (uint16_t)wire_get(vf->info, VPORT_INFO_LID),
					    .up = vf->state >= PORT_ARMED,
					    .unproven = vf->state < PORT_ARMED };
		return true;
	}

	return false;
}

/* One that leads to its port already, if there is one. */
static int assign_lid(struct sm *sm, struct endpoint e, uint64_t guid)
{
	uint16_t spare = spares_take(sm, e.port);

	return spare ? identity_claim(sm->identities, guid, spare, 0) : lids_assign(sm, guid, 0);
}

/* Of one that has gone: has its GUID shown up nowhere else since? */
static bool was_last_here(const struct sm *sm, struct endpoint e)
{
	uint64_t guid = vf_of(&sm->fabric, e)->guid;

	return endpoint_find(&sm->fabric, guid).port == NO_PORT &&
	       guid_map_get(&sm->fabric.by_vf_guid, guid) == vf_number(e.port, e.index);
}

static void plan_lid(struct sm *sm, struct endpoint e)
{
	struct vf *vf = vf_of(&sm->fabric, e);
	const struct identity *id;
	int r = 0;

	/* The other, who has gone, was looked at. */
	if (vf->resettled)
		sm_include(sm, e.port);
	vf->resettled = false;
	if (vf->offered && vport_takes_part(sm, e) && !wants_lid(sm, e) && !vf_asks_for_lid(vf))
		take_lid_back(sm, vf);
	vf->denied_lid = vf->known && vf_asks_for_lid(vf) && !wants_lid(sm, e);
	if (vport_takes_part(sm, e) && wants_lid(sm, e)) {
		identity_see(sm->identities, vf->guid);
		id = identity_find(sm->identities, vf->guid);
		if (id && lids_are_beyond(sm, id->lid, id->lmc)) {
			identity_forget(sm->identities, vf->guid);
			id = NULL;
		}
		if (!id)
			r = assign_lid(sm, e, vf->guid);
		if (!id)
			vf->offered = !vf_asks_for_lid(vf);
		if (r < 0)
			vf->reason = r == -ENOSPC ? REASON_OUT_OF_LIDS : REASON_OUT_OF_MEMORY;
	}
	/*
	 * Who has gone keeps its LID where it was, until it shows up elsewhere; but not that of a
	 * port, which may be away as well.
	 */
	id = vf->guid && !vf->duplicate ? identity_find(sm->identities, vf->guid) : NULL;
	if (id && !vf_is_here(&sm->fabric, e) &&
	    (!was_last_here(sm, e) || moves_way(sm, vf->guid) != NO_PORT ||
	     fabric_find_port(&sm->fabric, vf->guid) != NO_PORT))
		id = NULL;
	if ((vf->known && !wants_lid(sm, e)) || vf_is_barred(vf))
		id = NULL;
	if (vf->lid != (id ? id->lid : 0)) {
		vf->ways = 0;
		sm->changed = true;
		sm_include(sm, e.port);
	}
	vf->lid = id ? id->lid : 0;
	if (vf->lid && node_of(&sm->fabric, e.port)->present)
		sm->fabric.by_lid[vf->lid] = e.port;
}

int vports_plan_lids(struct sm *sm)
{
	struct vf_walk walk = { 0 };
	struct endpoint e;
	int r = vfs_settle_guids(&sm->fabric);

	while (r == 0 && vf_walk_next(&sm->fabric, &walk, &e))
		if (sm->fabric.ports[e.port].vfs->model == VF_VPORT)
			plan_lid(sm, e);

	return r;
}

unsigned vports_count_lids(const struct sm *sm)
{
	struct vf_walk walk = { 0 };
	struct endpoint e;
	unsigned n = 0;

	while (vf_walk_next(&sm->fabric, &walk, &e))
		if (sm->fabric.ports[e.port].vfs->model == VF_VPORT && vport_takes_part(sm, e) &&
		    wants_lid(sm, e))
			n++;

	return n;
}

/* -- why they are as they are -------------------------------------------------------------------
 */

/* Why it is not to go further, or NONE. */
enum reason vport_obstacle(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	uint16_t key;

	if (e.index == 0 || !vf->known)
		return (enum reason)vf->set_fault.reason;
	if (vf->guid == 0)
		return REASON_VF_NO_GUID;
	if (vf->barred != REASON_NONE)
		return (enum reason)vf->barred;
	if (vf->duplicate)
		return REASON_VF_DUPLICATE_GUID;
	if (vf->denied_lid)
		return REASON_VF_NEEDS_LID;
	if (vf_asks_for_lid(vf) && vf->lid == 0)
		return vf->reason == REASON_OUT_OF_MEMORY ? REASON_OUT_OF_MEMORY
							  : REASON_OUT_OF_LIDS;
	if (endpoint_lid(&sm->fabric, e) == 0)
		return REASON_VF_BAD_LID_INDEX;
	if (pkeys_plan_vf(sm, e, &key, 1) == 0)
		return REASON_VF_NO_PARTITION;

	return (enum reason)vf->set_fault.reason;
}

static enum reason reason_of(const struct sm *sm, struct endpoint e)
{
	const struct port *port = &sm->fabric.ports[e.port];
	const struct vf *vf = vf_of(&sm->fabric, e);
	enum reason reason;

	if (!port->present || port_state(port) != PORT_ACTIVE)
		return REASON_VF_PF_DOWN;
	if (port->vfs->info_fault.reason != REASON_NONE)
		return (enum reason)port->vfs->info_fault.reason;
	if (!port->vfs->known && sm->conf.virtualization != CONF_VIRTUALIZATION_IGNORE)
		return REASON_IN_PROGRESS;
	if (!vports_are_enabled(port->vfs))
		return REASON_VF_VIRTUALIZATION_OFF;
	reason = (enum reason)vfs_states_fault(port->vfs, e.index)->reason;
	if (reason != REASON_NONE)
		return reason;
	if (vf->state <= PORT_DOWN)
		return REASON_VF_NOT_STARTED;
	reason = vport_obstacle(sm, e);
	if (reason == REASON_NONE)
		reason = (enum reason)vf->table_fault.reason;
	if (reason == REASON_NONE && vf->state != PORT_ACTIVE)
		return REASON_IN_PROGRESS;

	return reason;
}

enum reason vports_reason_of_port(const struct sm *sm, uint32_t number)
{
	const struct vfs *vfs = vports_of(sm, number);
	enum reason reason = REASON_NONE;

	if (!vfs || sm->state != SM_MASTER)
		return REASON_NONE;
	if (vfs->info_fault.reason != REASON_NONE)
		return (enum reason)vfs->info_fault.reason;
	if (!vports_are_enabled(vfs))
		return REASON_NONE;
	for (unsigned i = 0; reason == REASON_NONE && i < VFS_BLOCKS; i++)
		reason = (enum reason)vfs->states_fault[i].reason;
	if (vfs->vf[0].state == PORT_ACTIVE)
		return vfs->tell_fault.reason ? (enum reason)vfs->tell_fault.reason : reason;
	if (vfs->vf[0].set_fault.reason)
		return (enum reason)vfs->vf[0].set_fault.reason;

	return reason == REASON_NONE ? REASON_IN_PROGRESS : reason;
}

void vports_update_reasons(struct sm *sm)
{
	struct vf_walk walk = { 0 };
	struct endpoint e;

	while (sm->fabric.n_vfs > 0 && vf_walk_next(&sm->fabric, &walk, &e)) {
		struct vf *vf = vf_of(&sm->fabric, e);
		enum reason reason;

		if (sm->fabric.ports[e.port].vfs->model != VF_VPORT ||
		    !sm_includes(sm, node_of(&sm->fabric, e.port)))
			continue;
		reason = reason_of(sm, e);
		if (vf->reason == reason)
			continue;
		vf->reason = (uint8_t)reason;
		vf->since = loop_now(sm->loop);
	}
}
