/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Asking virtual ports what they are, and taking what they answer.
 *
 * A port that announces them (CapabilityMask2) is asked for VirtualizationInfo, in every sweep: its
 * VPortStateChange is to vports what a switch's PortStateChange is to ports. If it is up, or the
 * port is not known yet, it is cleared first and then all states are read, 128 with one request, so
 * that no change is lost between the two; of the vports that came up, what they are is read:
 * VPortInfo, VNodeInfo, and their P_Key tables (vport-keys.c). Trap 1146 has that done at once, for
 * that port alone. While virtualization is off there are no vports, and it is turned on if the
 * operator's policy says so.
 *
 * Who shows up with a GUID that another vport has may have moved there: that one's state is read
 * again before anybody is called a duplicate.
 *
 * Names (VNodeDescription) are asked for last, and nobody waits for them.
 *
 * What nobody has written down is found out by what the device does.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vport-inside.h"

/* Of virt_revision, that we know; there may be others in the field (reference 7). */
#define REVISION_LAST 1u

/*
 * Whose VPortStateChange is up whatever is done about it, would be asked all the time, and a
 * reconcile that waits for the end of that would not end. So often is it asked within one.
 */
#define INFOS_MOST 16

static bool is_to_be_on(const struct sm *sm)
{
	return sm->conf.virtualization == CONF_VIRTUALIZATION_ENABLE;
}

/* How many there are now, with vport 0: none while virtualization is off. The rest are down. */
static unsigned count_now(const struct vfs *vfs)
{
	if (!vports_are_enabled(vfs))
		return 0;

	return MIN((unsigned)wire_get(vfs->info, VIRT_INFO_TOP) + 1, vfs->n);
}

static uint16_t all_blocks(const struct vfs *vfs)
{
	unsigned blocks = (count_now(vfs) + VPORT_STATE_BLOCK - 1) / VPORT_STATE_BLOCK;

	return (uint16_t)((1u << blocks) - 1);
}

/* -- what is to be asked ------------------------------------------------------------------------
 */

void vport_make_get(struct request *ret, uint16_t attr, uint32_t modifier, uint32_t number,
		    unsigned place)
{
	ret->method = METHOD_GET;
	ret->attr = attr;
	ret->modifier = modifier;
	ret->tag = TAG(TODO_VPORT_READ, number, place);
}

/*
 * The modifier is 0, as the port is that at which the request arrives; a device that calls this an
 * invalid field is asked with the number of the port (reference 7: it is not known which is right).
 */
bool vports_ask_info(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = known_vports(sm, number);
	unsigned modifier = vfs->by_number ? sm->fabric.ports[number].number : 0;

	vport_make_get(ret, ATTR_VIRTUALIZATION_INFO, modifier, number, 0);
	if (vfs->info_wanted) {
		vfs->info_wanted = false;
		if (!sm->changed && vfs->known)
			sm->sent_before++; /* no news by itself */
	} else {
		ret->method = METHOD_SET;
		memcpy(ret->data, vfs->info, SMP_DATA_SIZE);
		wire_set(ret->data, VIRT_INFO_ENABLE, is_to_be_on(sm));
		wire_set(ret->data, VIRT_INFO_STATE_CHANGE, 1);
		wire_set(ret->data, VIRT_INFO_REREGISTER,
			 vfs->reregister && !fault_waits(sm, &vfs->tell_fault));
		vfs->set_wanted = false;
	}
	vfs->asking = true;

	return true;
}

static bool ask_states(const struct sm *sm, struct vfs *vfs, uint32_t number, struct request *ret)
{
	for (unsigned block = 0; block < VFS_BLOCKS; block++) {
		if (!(vfs->blocks_wanted >> block & 1) ||
		    fault_waits(sm, &vfs->states_fault[block]))
			continue;
		vfs->blocks_wanted &= (uint16_t) ~(1u << block);
		vport_make_get(ret, ATTR_VPORT_STATE, block, number,
			       PLACE(block * VPORT_STATE_BLOCK, block));
		return true;
	}

	return false;
}

static bool ask_vf(const struct sm *sm, struct vf *vf, uint32_t number, unsigned index,
		   struct request *ret)
{
	if (vf->stale && !fault_waits(sm, &vf->set_fault)) {
		vf->stale = false;
		vport_make_get(ret, ATTR_VPORT_INFO, index, number, PLACE(index, 0));
		return true;
	}
	if (vf->unnamed) {
		vf->unnamed = false;
		vport_make_get(ret, ATTR_VNODE_INFO, index, number, PLACE(index, 0));
		return true;
	}

	return index > 0 &&
	       vport_ask_key_read(sm, (struct endpoint){ number, (uint16_t)index }, ret);
}

static bool ask_port(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs || !vports_can_be_asked(sm, number) || vfs->asking)
		return false;
	if (vfs->info_wanted || vfs->set_wanted)
		return vports_ask_info(sm, number, ret);
	if (!vports_are_enabled(vfs))
		return false;
	if (ask_states(sm, vfs, number, ret))
		return true;
	for (unsigned i = 0; i < count_now(vfs); i++)
		if (ask_vf(sm, &vfs->vf[i], number, i, ret))
			return true;

	return false;
}

bool vports_ask_read(struct sm *sm, struct node *node, struct request *ret)
{
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (ask_port(sm, port_at(node, i), ret))
			return true;
	node->work.todo &= ~TODO(TODO_VPORT_READ);

	return false;
}

/* -- states -------------------------------------------------------------------------------------
 */

/* It is another than it was, or may be. */
static void came_up(struct vf *vf)
{
	vf->stale = vf->unnamed = vf->naming = true;
	vport_forget_keys(vf);
	vf->set_fault = vf->table_fault = (struct fault){ 0 };
}

static void set_state(struct sm *sm, struct vf *vf, unsigned state)
{
	if (state < PORT_DOWN || state > PORT_ACTIVE)
		state = PORT_DOWN; /* what it says of itself cannot be */
	if (vf->state == state)
		return;
	if (vf->state <= PORT_DOWN || state < vf->state)
		came_up(vf);
	if (state == PORT_DOWN) {
		vf->known = false;
		vf->stale = vf->unnamed = vf->naming = false;
	}
	vf->state = (uint8_t)state;
	vf->since = loop_now(sm->loop);
	sm->changed = true;
}

/* -- VirtualizationInfo -------------------------------------------------------------------------
 */

/* False: nothing that follows from it would be right. */
static bool is_possible_info(const uint8_t *data)
{
	return wire_get(data, VIRT_INFO_TOP) <= wire_get(data, VIRT_INFO_CAP) &&
	       wire_get(data, VIRT_INFO_TOP) < VFS_MAX;
}

static void info_failed(struct sm *sm, uint32_t number, enum reason reason, uint16_t status)
{
	struct vfs *vfs = known_vports(sm, number);

	fault_note(sm, number, &vfs->info_fault, "VirtualizationInfo", reason, status);
}

/* The highest may go, and with it those that it was above: nobody tells, or may ask, of them. */
static void drop_absent(struct sm *sm, struct vfs *vfs)
{
	for (unsigned i = count_now(vfs); i < vfs->n; i++)
		set_state(sm, &vfs->vf[i], PORT_DOWN);
	vfs->blocks_wanted &= all_blocks(vfs);
}

/*
 * VPortStateChange is cleared by writing 1, as PortStateChange is; or else by reading it, which is
 * not known (reference 7) and shows in the answer to the Set. It may also be a change of a moment
 * ago: then the next time that it is up twice in a row, it is written again.
 */
static void note_clearing(struct vfs *vfs, bool set, bool changed)
{
	if (set) {
		vfs->clears_by_get = changed;
		vfs->info_wanted = vfs->info_wanted || changed;
		return;
	}
	if (changed && vfs->was_changed)
		vfs->clears_by_get = false;
	vfs->was_changed = changed;
}

static bool is_to_register_again(const struct request *request)
{
	return request->method == METHOD_SET && wire_get(request->data, VIRT_INFO_REREGISTER);
}

static int make_room(struct sm *sm, uint32_t number, struct vfs *vfs)
{
	unsigned before = vfs->n;
	int r = vfs_make(&sm->fabric, number, VF_VPORT,
			 (unsigned)wire_get(vfs->info, VIRT_INFO_TOP) + 1);

	for (unsigned i = before; i < vfs->n; i++)
		vfs->vf[i].since = loop_now(sm->loop);

	return r;
}

/* False: it has been too often in this reconcile. */
static bool count_info(const struct sm *sm, struct vfs *vfs)
{
	if (vfs->told != sm->sweeps)
		vfs->n_told = 0;
	vfs->told = sm->sweeps;

	return ++vfs->n_told <= INFOS_MOST;
}

/* That of vport 0, without which the port itself is nothing, is known otherwise if need be. */
static void want_states(const struct sm *sm, struct vfs *vfs)
{
	vfs->blocks_wanted = all_blocks(vfs);
	if (fault_waits(sm, &vfs->states_fault[0]))
		vfs->vf[0].stale = true;
}

static void take_info(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	bool set = answer->request->method == METHOD_SET;
	/* Once in a full sweep: it is also told because one of its vports has lost a request. */
	bool is_new = !vfs->known || (sm->discovery.full && vfs->told != sm->sweeps);
	bool turned = set && vports_are_enabled(vfs) != is_to_be_on(sm);
	bool changed = wire_get(answer->data, VIRT_INFO_STATE_CHANGE);
	unsigned before = count_now(vfs);

	if (is_to_register_again(answer->request))
		vfs->reregister = false;
	memcpy(vfs->info, answer->data, SMP_DATA_SIZE);
	vfs->known = true;
	if (wire_get(vfs->info, VIRT_INFO_REVISION) > REVISION_LAST) {
		info_failed(sm, number, REASON_VF_UNKNOWN_REVISION, 0);
		return;
	}
	if (!count_info(sm, vfs) || !is_possible_info(vfs->info) ||
	    make_room(sm, number, vfs) < 0) {
		info_failed(sm, number, REASON_VF_BAD_INFO, 0);
		return;
	}
	if (set && vports_are_enabled(vfs) != is_to_be_on(sm)) {
		info_failed(sm, number, REASON_NOT_KEPT, 0);
		return;
	}
	if (!turned)
		note_clearing(vfs, set, changed);
	/* That vports came up because it was turned on is cleared with a second Set. */
	vfs->set_wanted = (!set && vports_are_enabled(vfs) != is_to_be_on(sm)) ||
			  (changed && (!set || turned) && !vfs->clears_by_get);
	if (is_new || changed || set || count_now(vfs) > before)
		want_states(sm, vfs);
	drop_absent(sm, vfs);
}

bool vports_is_news(const struct sm *sm, uint32_t number, const struct answer *answer)
{
	const struct vfs *vfs = vports_of(sm, number);

	return !vfs || !vfs->known || memcmp(vfs->info, answer->data, SMP_DATA_SIZE) != 0 ||
	       wire_get(answer->data, VIRT_INFO_STATE_CHANGE);
}

/* -- what vports are ----------------------------------------------------------------------------
 */

static void take_states(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	unsigned first = BLOCK_OF(answer->request->tag) * VPORT_STATE_BLOCK;

	vfs->looked = sm->sweeps;
	for (unsigned i = 0; i < VPORT_STATE_BLOCK && first + i < count_now(vfs); i++) {
		struct vf *vf = &vfs->vf[first + i];
		unsigned state = wire_state(answer->data, i);

		/* Of one that nobody has brought up yet it does not show that it came up anew. */
		if (state == PORT_INITIALIZE && vf->state == PORT_INITIALIZE && !vf->stale)
			came_up(vf);
		set_state(sm, vf, state);
	}
}

/* Somebody else has it: perhaps not any more. */
static void look_at_owner(struct sm *sm, uint64_t guid, struct endpoint self)
{
	struct endpoint owner = endpoint_find(&sm->fabric, guid);
	struct vfs *vfs;

	if (guid == 0 || owner.port == NO_PORT || endpoint_is(owner, self) || owner.index == 0)
		return;
	vfs = vports_of(sm, owner.port);
	if (!vfs || vfs->looked == sm->sweeps || !vports_can_be_asked(sm, owner.port))
		return;
	vfs->looked = sm->sweeps;
	vports_want_state(vfs, owner.index);
	work_add(sm, sm->fabric.ports[owner.port].node, TODO(TODO_VPORT_READ));
}

static void take_vport(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct endpoint e = { number, (uint16_t)INDEX_OF(answer->request->tag) };
	struct vf *vf = vf_of(&sm->fabric, e);
	uint64_t guid = wire_get(answer->data, VPORT_INFO_GUID);

	if (e.index >= count_now(known_vports(sm, number)))
		return; /* it has gone meanwhile */
	memcpy(vf->info, answer->data, SMP_DATA_SIZE);
	set_state(sm, vf, (unsigned)wire_get(vf->info, VPORT_INFO_STATE));
	vf->known = vf->state > PORT_DOWN;
	vf->stale = false;
	if (e.index == 0)
		return;
	if (guid != vf->guid)
		sm->changed = true;
	look_at_owner(sm, guid, e);
	vf_set_guid(&sm->fabric, e, guid);
}

static void take_vnode(struct vf *vf, const struct answer *answer)
{
	vf->partition_cap = (uint16_t)MIN(MAX(wire_get(answer->data, VNODE_INFO_PARTITION_CAP), 1u),
					  FABRIC_MAX_PKEYS);
	vf->node_guid = wire_get(answer->data, VNODE_INFO_GUID);
}

/* -- what is told -------------------------------------------------------------------------------
 */

/* It did not come: once more. */
static void want_again(struct vfs *vfs, const struct request *request)
{
	struct vf *vf = &vfs->vf[INDEX_OF(request->tag)];

	switch (request->attr) {
	case ATTR_VIRTUALIZATION_INFO:
		vfs->set_wanted = request->method == METHOD_SET;
		vfs->info_wanted = true;
		break;
	case ATTR_VPORT_STATE:
		vfs->blocks_wanted |= (uint16_t)(1u << BLOCK_OF(request->tag));
		break;
	case ATTR_VPORT_INFO:
		vf->stale = true;
		break;
	case ATTR_VNODE_INFO:
		vf->unnamed = true;
		break;
	default:
		break;
	}
}

/* That vports are to register again is tried apart from all else, which that does not hold up. */
static void info_refused(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);

	if (is_to_register_again(answer->request)) {
		vfs->info_wanted = true; /* what else there is to set shows in it */
		fault_note(sm, number, &vfs->tell_fault, "VClientReregister", REASON_VF_REFUSED,
			   answer->status);
	} else if (answer->status == STATUS_BAD_FIELD && !vfs->by_number) {
		vfs->by_number = true;
		want_again(vfs, answer->request);
	} else {
		vfs->by_number = false; /* neither: it was a whim perhaps, and begins anew */
		info_failed(sm, number,
			    answer->request->method == METHOD_SET ? REASON_VF_REFUSED
								  : REASON_VF_BAD_INFO,
			    answer->status);
	}
}

/* A block of states: those of the others are told, and there is VPortInfo of vport 0. */
static void states_refused(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	unsigned block = BLOCK_OF(answer->request->tag);

	want_again(vfs, answer->request);
	vfs->vf[0].stale = vfs->vf[0].stale || block == 0;
	fault_note(sm, number, &vfs->states_fault[block], "VPortState", REASON_VF_BAD_INFO,
		   answer->status);
}

/* Not answered either: what it would have said is still not known when it is tried again. */
static void read_refused(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	struct vf *vf = &vfs->vf[INDEX_OF(answer->request->tag)];

	switch (answer->request->attr) {
	case ATTR_VPORT_INFO:
		vport_set_refused(sm, number, vf, REASON_VF_BAD_INFO, answer->status);
		break;
	case ATTR_VIRTUALIZATION_INFO:
		info_refused(sm, number, answer);
		break;
	case ATTR_VPORT_PKEY_TABLE:
		vport_keys_failed(sm, number, vf, REASON_PKEYS_REFUSED, answer->status);
		break;
	case ATTR_VNODE_INFO:
		vf->partition_cap = PKEY_BLOCK; /* there is a block at least */
		break;
	default:
		states_refused(sm, number, answer);
		break;
	}
}

static void read_answered(struct sm *sm, uint32_t number, const struct answer *answer)
{
	switch (answer->request->attr) {
	case ATTR_VIRTUALIZATION_INFO:
		take_info(sm, number, answer);
		break;
	case ATTR_VPORT_STATE:
		take_states(sm, number, answer);
		break;
	case ATTR_VPORT_INFO:
		take_vport(sm, number, answer);
		break;
	case ATTR_VNODE_INFO:
		take_vnode(vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag)), answer);
		break;
	default:
		vport_take_key_block(sm, number, answer);
		break;
	}
}

/* Who is read while others are brought up is to be brought up, too. */
static unsigned follows_from_read(const struct sm *sm)
{
	return TODO(TODO_VPORT_READ) |
	       (sm->phase == PHASE_ACTIVATE ? TODO(TODO_VPORT_KEYS) | TODO(TODO_VPORT_SET) : 0);
}

void vports_take_read(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = vports_of(sm, number);
	bool is_deaf;

	if (!vfs || INDEX_OF(answer->request->tag) >= vfs->n)
		return; /* it announces none any more */
	is_deaf = vport_is_deaf(sm, number, answer);
	sm_include(sm, number);
	if (answer->request->attr == ATTR_VIRTUALIZATION_INFO ||
	    answer->request->attr == ATTR_VPORT_GUID_INFO)
		vfs->asking = false;
	if (answer->request->attr == ATTR_VPORT_PKEY_TABLE)
		vfs->vf[INDEX_OF(answer->request->tag)].busy = false;
	if (answer->result == REQUEST_LOST && !is_deaf)
		want_again(vfs, answer->request);
	else if (answer->request->attr == ATTR_VPORT_GUID_INFO)
		vport_take_modifier(vfs, vfs->vf[INDEX_OF(answer->request->tag)].guid, answer);
	else if (answer->result != REQUEST_ANSWERED)
		read_refused(sm, number, answer);
	else
		read_answered(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, follows_from_read(sm));
}

/* -- names --------------------------------------------------------------------------------------
 */

bool vports_ask_name(struct sm *sm, struct node *node, struct request *ret)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		uint32_t number = port_at(node, i);
		struct vfs *vfs = vports_of(sm, number);

		for (unsigned k = 1; vfs && vports_can_be_asked(sm, number) && k < vfs->n; k++) {
			if (!vfs->vf[k].naming)
				continue;
			vfs->vf[k].naming = false;
			vport_make_get(ret, ATTR_VNODE_DESCRIPTION, k, number, PLACE(k, 0));
			ret->tag = TAG(TODO_VPORT_NAME, number, PLACE(k, 0));
			return true;
		}
	}
	node->work.todo &= ~TODO(TODO_VPORT_NAME);

	return false;
}

void vports_take_name(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vport_of_answer(sm, number, answer);

	if (vf && answer->result == REQUEST_ANSWERED)
		copy_description(vf->description, answer->data);
}

/* @again: also those that have a name. */
void vports_name_all(struct sm *sm, bool again)
{
	struct vf_walk walk = { 0 };
	struct endpoint e;

	while (sm->fabric.n_vfs > 0 && vf_walk_next(&sm->fabric, &walk, &e)) {
		struct vf *vf = vf_at(&sm->fabric, e.port, e.index);

		vf->naming = vf->naming || (again && vf->state > PORT_DOWN);
		if (vf->naming)
			work_add(sm, sm->fabric.ports[e.port].node, TODO(TODO_VPORT_NAME));
	}
}
