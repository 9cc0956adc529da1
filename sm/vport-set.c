/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Bringing virtual ports up: Sets of VPortInfo, with LID and Armed once their port is Active, and
 * then Active, for all that have no obstacle (vport-plan.c). And one of VirtualizationInfo for a
 * port whose clients are to register again with the SA.
 *
 * What the device makes of them is held against what was asked. A LID that was only offered, and
 * was not taken, is no fault: vports of that port share its LID from then on.
 */

#include <string.h>

#include "sm/machine.h"
#include "sm/vport-inside.h"

/* One that leads to somebody else, and not because it is to use that. */
static bool has_lid_of_another(const struct sm *sm, struct endpoint e)
{
	unsigned held = (unsigned)wire_get(vf_of(&sm->fabric, e)->info, VPORT_INFO_LID);
	struct endpoint owner;

	if (e.index == 0 || held == 0 || held == endpoint_lid(&sm->fabric, e))
		return false;
	owner = endpoint_of_lid(&sm->fabric, held);

	return owner.port != NO_PORT && !endpoint_is(owner, endpoint_of_port(e.port));
}

/*
 * Who is up with the LID of somebody else harms that one: the adapter takes for it what others
 * behind the same port send there. Another master may have left it so, or it was up when somebody
 * came whose GUID it has. If it has a LID of its own it is given that, whatever else is wrong with
 * it, and otherwise begins anew. Without LidRequired it does not use the LID that it tells, but
 * that of its port, and harms nobody.
 */
static bool is_to_begin_anew(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);

	return vf->state >= PORT_ARMED && (vf->duplicate || (vf_asks_for_lid(vf) && vf->lid == 0 &&
							     has_lid_of_another(sm, e)));
}

static bool is_to_be_readdressed(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);

	return e.index > 0 && vf->state >= PORT_ARMED && vf->lid != 0 &&
	       wire_get(vf->info, VPORT_INFO_LID) != vf->lid &&
	       (vf_asks_for_lid(vf) || has_lid_of_another(sm, e));
}

static enum port_state next_state(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);

	if (is_to_begin_anew(sm, e))
		return PORT_DOWN;
	if (vport_obstacle(sm, e) != (enum reason)vf->set_fault.reason)
		return PORT_NO_CHANGE;
	switch (vf->state) {
	case PORT_INITIALIZE:
		return PORT_ARMED;
	case PORT_ARMED:
		return PORT_ACTIVE;
	default:
		return PORT_NO_CHANGE;
	}
}

static bool ask_vport_set(struct sm *sm, struct endpoint e, struct request *ret)
{
	struct vf *vf = vf_of(&sm->fabric, e);
	enum port_state next;

	if (!vf->known || vf->stale || vf->busy || vf->state <= PORT_DOWN ||
	    fault_waits(sm, &vf->set_fault))
		return false;
	next = next_state(sm, e);
	if (next == PORT_NO_CHANGE && !is_to_be_readdressed(sm, e))
		return false;
	vf->busy = true;
	ret->method = METHOD_SET;
	ret->attr = ATTR_VPORT_INFO;
	ret->modifier = e.index;
	ret->tag = TAG(TODO_VPORT_SET, e.port, PLACE(e.index, 0));
	memcpy(ret->data, vf->info, SMP_DATA_SIZE);
	wire_set(ret->data, VPORT_INFO_STATE, next);
	wire_set(ret->data, VPORT_INFO_REREGISTER, 0);
	if (e.index > 0 && vf->lid != 0)
		wire_set(ret->data, VPORT_INFO_LID, vf->lid);

	return true;
}

/* All of them have an SM that knows nothing of what they registered. */
static bool ask_reregister(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = known_vports(sm, number);

	if (!vfs->reregister || fault_waits(sm, &vfs->tell_fault) || vfs->asking ||
	    !vports_are_enabled(vfs))
		return false;
	vports_ask_info(sm, number, ret);
	ret->tag = TAG(TODO_VPORT_SET, number, 0);

	return true;
}

bool vports_ask_set(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_VPORT_SET];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);
		struct vfs *vfs = vports_of(sm, number);

		if (!vfs || !vports_can_be_asked(sm, number))
			continue;
		/* Its own Set may be under way. */
		if (sm->fabric.ports[number].busy)
			return false;
		if (ask_reregister(sm, number, ret))
			return true;
		if (port_state(&sm->fabric.ports[number]) != PORT_ACTIVE ||
		    !vports_are_enabled(vfs))
			continue;
		for (; at->block < vfs->n; at->block++)
			if (ask_vport_set(sm, (struct endpoint){ number, at->block }, ret))
				return true;
	}
	node->work.todo &= ~TODO(TODO_VPORT_SET);

	return false;
}

void vport_set_refused(struct sm *sm, uint32_t number, struct vf *vf, enum reason reason,
		       uint16_t status)
{
	vf->status = status;
	vf->stale = true;
	fault_note(sm, number, &vf->set_fault, "VPortInfo", reason, status);
}

/* Whose Set may have been done, or was not for a reason that is gone. */
static void look_again_at(struct sm *sm, uint32_t number, unsigned index)
{
	struct vfs *vfs = known_vports(sm, number);

	vfs->vf[index].stale = true;
	vports_want_state(vfs, index);
	sm_look_again(sm);
}

/* The device does not give a LID to who does not ask for one. */
static void offer_failed(struct sm *sm, uint32_t number, unsigned index)
{
	struct vfs *vfs = known_vports(sm, number);
	struct log_where where = where_of_port(sm, number);

	if (!vfs->no_own_lids)
		log_say(LOG_LEVEL_NOTICE, &where,
			"virtual functions that do not ask for a LID of their own do not take one "
			"either: they share that of the port, whatever virtual_functions says");
	vfs->no_own_lids = true;
	look_again_at(sm, number, index);
}

/* What it is now is to be read. */
static void look_at_vport(struct sm *sm, uint32_t number, unsigned index)
{
	vf_at(&sm->fabric, number, index)->stale = true;
	known_vports(sm, number)->blocks_wanted |= (uint16_t)(1u << index / VPORT_STATE_BLOCK);
	sm_look_at_vports(sm);
}

static void take_vport_set(struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned index = INDEX_OF(answer->request->tag);
	struct vf *vf = vf_at(&sm->fabric, number, index);
	uint64_t wanted = wire_get(answer->request->data, VPORT_INFO_STATE);
	bool is_own = index > 0 && vf->lid != 0 &&
		      wire_get(answer->request->data, VPORT_INFO_LID) == vf->lid;
	bool is_offer = is_own && !vf_has_own_lid(vf);
	uint64_t state;
	bool is_deaf = vport_is_deaf(sm, number, answer);

	if (answer->result == REQUEST_REFUSED && is_offer) {
		offer_failed(sm, number, index);
		return;
	}
	if (answer->result == REQUEST_REFUSED || is_deaf) {
		vport_set_refused(sm, number, vf, REASON_VF_REFUSED, answer->status);
		return;
	}
	if (answer->result == REQUEST_LOST) {
		look_again_at(sm, number, index);
		return;
	}
	if (wanted == PORT_DOWN && wire_get(answer->data, VPORT_INFO_STATE) < PORT_ARMED) {
		look_at_vport(sm, number, index);
		return;
	}
	state = wire_get(answer->data, VPORT_INFO_STATE);
	memcpy(vf->info, answer->data, SMP_DATA_SIZE);
	if (vf->state < state && state <= PORT_ACTIVE) {
		vf->state = (uint8_t)state;
		vf->since = loop_now(sm->loop);
	}
	if (is_offer && !vf_has_own_lid(vf)) {
		offer_failed(sm, number, index);
		is_own = false;
	}
	if (state < vf->state || wanted == PORT_DOWN ||
	    (wanted != PORT_NO_CHANGE && state < wanted) ||
	    (is_own && wire_get(answer->data, VPORT_INFO_LID) != vf->lid))
		vport_set_refused(sm, number, vf, REASON_NOT_KEPT, 0);
	/* It began anew between question and Set, and what tells of that may have been lost. */
	if (index > 0 && wire_get(answer->data, VPORT_INFO_GUID) != vf->guid)
		look_at_vport(sm, number, index);
}

void vports_take_set(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vport_of_answer(sm, number, answer);

	if (answer->request->attr == ATTR_VIRTUALIZATION_INFO) {
		vports_take_read(sm, number, answer);
		return;
	}
	if (!vf)
		return;
	vf->busy = false;
	take_vport_set(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_SET));
}
