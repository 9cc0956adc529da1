/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual ports: what an HCA port of ConnectX-4 and later has behind it
 * (reference/virtualization.md 2). Not run against ConnectX hardware: layouts are those of NVIDIA's
 * headers, and what they leave open is told where it is decided.
 *
 * A port that announces it (CapabilityMask2) is asked for VirtualizationInfo, in every sweep: its
 * VPortStateChange is to vports what a switch's PortStateChange is to ports. If it is up, or the
 * port is not known yet, it is cleared first and then all states are read, 128 with one request, so
 * that no change is lost between the two; of the vports that came up, what they are is read. Trap
 * 1146 has that done at once, for that port alone. While virtualization is off there are no vports,
 * and it is turned on if the operator's policy says so.
 *
 * What a vport should have is planned as for ports: P_Keys by its GUID, a LID of its own if it asks
 * for one (LidRequired), which leads where its port's leads. Rules may say otherwise of LIDs: who
 * is to have one and does not ask is offered one when it comes up, and if the device does not show
 * it then, nobody else at that port is until the port restarts; who asks and is to have none cannot
 * do without, and is left in Initialize. It is programmed in stages: keys and forwarding tables
 * first, then, once its port is Active, LID and Armed, and then Active. Vport 0 is the physical
 * function: its table and LID are those of the port, but while virtualization is on its state is
 * one of its own.
 *
 * Where a vport and a block of its table share an attribute modifier, nobody has written down which
 * is where. So the first vport that has a GUID is asked for its table of GUIDs, of which the first
 * must be that, in one way and then in the other, before any key is read or written.
 *
 * Who has no GUID, the GUID of somebody else, or no partition is left in Initialize, with a reason.
 * Who shows up with a GUID that another vport has may have moved there: that one's state is read
 * again before anybody is called a duplicate.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"

/* Of virt_revision, that we know; there may be others in the field (reference 7). */
#define REVISION_LAST 1u

/* A tag's block: which vport, and which block of its table. */
#define PLACE(index, block) ((unsigned)(index) << 8 | (block))
#define INDEX_OF(tag)       (TAG_BLOCK(tag) >> 8)
#define BLOCK_OF(tag)       (TAG_BLOCK(tag) & 0xff)

/* Of a port that has vports; else NULL. */
static struct vfs *vports_of(const struct sm *sm, uint32_t number)
{
	struct vfs *vfs = sm->fabric.ports[number].vfs;

	return vfs && vfs->model == VF_VPORT ? vfs : NULL;
}

/* The same, where it is known that it has. */
static struct vfs *known_vports(const struct sm *sm, uint32_t number)
{
	return sm->fabric.ports[number].vfs;
}

static bool is_enabled(const struct vfs *vfs)
{
	return vfs->known && wire_get(vfs->info, VIRT_INFO_ENABLE);
}

static bool is_to_be_on(const struct sm *sm)
{
	return sm->conf.virtualization == CONF_VIRTUALIZATION_ENABLE;
}

static unsigned blocks_of(const struct vfs *vfs)
{
	return (vfs->n + VPORT_STATE_BLOCK - 1) / VPORT_STATE_BLOCK;
}

/* Can something be asked of its vports now? */
static bool can_be_asked(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return sm->conf.virtualization != CONF_VIRTUALIZATION_IGNORE && port->present &&
	       port->known && port->peer != NO_PORT && port_state(port) >= PORT_INITIALIZE &&
	       !fault_waits(sm, &port->vfs->info_fault);
}

/* -- what is to be asked ------------------------------------------------------------------------
 */

bool vports_are_announced(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return node_of(&sm->fabric, number)->type == NODE_TYPE_CA && port->number != 0 &&
	       (wire_get(port->info, PORT_INFO_CAPABILITIES) & CAP_CAPABILITIES2) &&
	       (wire_get(port->info, PORT_INFO_CAPABILITIES2) & CAP2_VIRTUALIZATION);
}

/* PortInfo was read or set. */
void vports_look(struct sm *sm, uint32_t number, enum port_state before)
{
	struct vfs *vfs = vports_of(sm, number);
	enum port_state state = port_state(&sm->fabric.ports[number]);

	if (!vports_are_announced(sm, number)) {
		if (vfs)
			vfs_forget(&sm->fabric, number);
		return;
	}
	if (!vfs) {
		/* Without memory it is tried again when PortInfo is. */
		if (vfs_make(&sm->fabric, number, VF_VPORT, 1) < 0)
			return;
		vfs = known_vports(sm, number);
	}
	if (state < before || before == PORT_DOWN)
		vfs->known = vfs->no_own_lids = false; /* it may have restarted */
	vfs->info_wanted = true;
}

void vports_ask_all(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;

	for (uint32_t i = 0; f->n_vfs > 0 && i < f->n_ports; i++) {
		struct vfs *vfs = vports_of(sm, i);

		if (!vfs || !can_be_asked(sm, i))
			continue;
		vfs->info_wanted = vfs->info_wanted || !sm->narrow;
		if (vfs->info_wanted || vfs->blocks_wanted)
			work_add(sm, f->ports[i].node, TODO(TODO_VPORT_READ));
	}
}

void vports_doubt(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs)
		return;
	vfs->known = false;
	for (unsigned i = 0; i < vfs->n; i++) {
		free(vfs->vf[i].pkeys);
		vfs->vf[i].pkeys = NULL;
		vfs->vf[i].stale = vfs->vf[i].state > PORT_DOWN;
	}
}

void vports_note_twin(struct sm *sm, uint32_t number, const struct request *request)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs || INDEX_OF(request->tag) >= vfs->n)
		return;
	if (request->attr == ATTR_VIRTUALIZATION_INFO)
		vfs->info_twin = true;
	else
		vfs->vf[INDEX_OF(request->tag)].twin = true;
}

static void doubt_vf(struct vfs *vfs, unsigned index)
{
	struct vf *vf = &vfs->vf[index];

	if (!vf->twin)
		return;
	vf->twin = false;
	vf->stale = vf->state > PORT_DOWN;
	vf->had_blocks = vf->pkeys ? (uint8_t)(vf->pkeys->n_known / PKEY_BLOCK) : 0;
	free(vf->pkeys);
	vf->pkeys = NULL;
	vfs->info_wanted = true;
	vfs->blocks_wanted |= (uint16_t)(1u << index / VPORT_STATE_BLOCK);
}

/* VPortStateChange may be gone unseen, and with it that any of them has changed. */
void vports_doubt_twins(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs)
		return;
	for (unsigned i = 0; i < vfs->n; i++)
		doubt_vf(vfs, i);
	if (!vfs->info_twin)
		return;
	vfs->info_twin = false;
	vfs->known = false;
	vfs->info_wanted = true;
}

void vports_told(struct sm *sm, uint32_t number, unsigned index, bool changed)
{
	struct vfs *vfs = known_vports(sm, number);

	if (changed && index < vfs->n && vfs->vf[index].state > PORT_DOWN) {
		vfs->vf[index].stale = true;
		vfs->vf[index].naming = true;
	}
	vfs->info_wanted = true;
	sm_look_at_vports(sm);
}

static void name_request(struct request *ret, uint16_t attr, uint32_t modifier, uint32_t number,
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
static bool ask_info(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = known_vports(sm, number);
	unsigned modifier = vfs->by_number ? sm->fabric.ports[number].number : 0;

	name_request(ret, ATTR_VIRTUALIZATION_INFO, modifier, number, 0);
	if (vfs->info_wanted) {
		vfs->info_wanted = false;
		if (!sm->changed && vfs->known)
			sm->sent_before++; /* no news by itself */
	} else {
		ret->method = METHOD_SET;
		memcpy(ret->data, vfs->info, SMP_DATA_SIZE);
		wire_set(ret->data, VIRT_INFO_ENABLE, is_to_be_on(sm));
		wire_set(ret->data, VIRT_INFO_STATE_CHANGE, 1);
		wire_set(ret->data, VIRT_INFO_REREGISTER, vfs->reregister);
		vfs->set_wanted = vfs->reregister = false;
	}
	vfs->asking = true;

	return true;
}

static bool ask_states(struct vfs *vfs, uint32_t number, struct request *ret)
{
	unsigned block = (unsigned)__builtin_ctz(vfs->blocks_wanted);

	vfs->blocks_wanted &= (uint16_t)(vfs->blocks_wanted - 1);
	name_request(ret, ATTR_VPORT_STATE, block, number, PLACE(0, block));

	return true;
}

/*
 * A table that was configured by somebody is read whole; of one that came up just now, the first
 * block, and as many as it had before: IBA 10.9.2 has the default key in the first entry, and that
 * firmware forgets the others is not known.
 */
static unsigned key_blocks_to_read(const struct vf *vf)
{
	unsigned blocks = (vf->partition_cap + PKEY_BLOCK - 1u) / PKEY_BLOCK;

	return vf->state >= PORT_ARMED ? blocks : MIN(blocks, MAX(vf->had_blocks, 1u));
}

static bool wants_keys(const struct sm *sm, const struct vf *vf)
{
	unsigned known = vf->pkeys ? vf->pkeys->n_known / PKEY_BLOCK : 0u;

	return vf->state > PORT_DOWN && vf->known && !vf->busy &&
	       !fault_waits(sm, &vf->table_fault) && known < key_blocks_to_read(vf);
}

static bool is_low(const struct vfs *vfs)
{
	return vfs->modifier == MODIFIER_TRY_LOW || vfs->modifier == MODIFIER_VPORT_LOW;
}

/* Which way round is a modifier? */
static bool ask_modifier(struct vfs *vfs, uint32_t number, unsigned index, struct request *ret)
{
	name_request(ret, ATTR_VPORT_GUID_INFO, wire_vport_modifier(index, 0, is_low(vfs)), number,
		     PLACE(index, 0));
	vfs->asking = true;

	return true;
}

static bool ask_vf(const struct sm *sm, struct vf *vf, uint32_t number, unsigned index,
		   struct request *ret)
{
	if (vf->stale) {
		vf->stale = false;
		name_request(ret, ATTR_VPORT_INFO, index, number, PLACE(index, 0));
		return true;
	}
	if (vf->unnamed) {
		vf->unnamed = false;
		name_request(ret, ATTR_VNODE_INFO, index, number, PLACE(index, 0));
		return true;
	}
	if (index > 0 && wants_keys(sm, vf)) {
		struct vfs *vfs = known_vports(sm, number);
		unsigned block = vf->pkeys ? vf->pkeys->n_known / PKEY_BLOCK : 0u;

		if (vfs->modifier < MODIFIER_VPORT_HIGH)
			return vf->guid && ask_modifier(vfs, number, index, ret);

		vf->busy = true;
		name_request(ret, ATTR_VPORT_PKEY_TABLE,
			     wire_vport_modifier(index, block, is_low(vfs)), number,
			     PLACE(index, block));
		return true;
	}

	return false;
}

static bool ask_port(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs || !can_be_asked(sm, number) || vfs->asking)
		return false;
	if (vfs->info_wanted || vfs->set_wanted)
		return ask_info(sm, number, ret);
	if (!is_enabled(vfs))
		return false;
	if (vfs->blocks_wanted)
		return ask_states(vfs, number, ret);
	for (unsigned i = 0; i < vfs->n; i++)
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

/* -- what is told -------------------------------------------------------------------------------
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

static void all_down(struct vfs *vfs, uint64_t now)
{
	for (unsigned i = 0; i < vfs->n; i++) {
		if (vfs->vf[i].state > PORT_DOWN)
			vfs->vf[i].since = now;
		vfs->vf[i].state = PORT_DOWN;
		vfs->vf[i].known = false;
	}
}

static void read_states(struct vfs *vfs)
{
	vfs->blocks_wanted = (uint16_t)((1u << blocks_of(vfs)) - 1);
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

static int make_room(struct sm *sm, uint32_t number, struct vfs *vfs)
{
	unsigned before = vfs->n;
	int r = vfs_make(&sm->fabric, number, VF_VPORT,
			 (unsigned)wire_get(vfs->info, VIRT_INFO_TOP) + 1);

	for (unsigned i = before; i < vfs->n; i++)
		vfs->vf[i].since = loop_now(sm->loop);

	return r;
}

static void take_info(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	bool set = answer->request->method == METHOD_SET;
	bool is_new = !vfs->known || sm->discovery.full;
	bool turned = set && is_enabled(vfs) != is_to_be_on(sm);
	bool changed = wire_get(answer->data, VIRT_INFO_STATE_CHANGE);

	memcpy(vfs->info, answer->data, SMP_DATA_SIZE);
	vfs->known = true;
	if (wire_get(vfs->info, VIRT_INFO_REVISION) > REVISION_LAST) {
		info_failed(sm, number, REASON_VF_UNKNOWN_REVISION, 0);
		return;
	}
	if (!is_possible_info(vfs->info) || make_room(sm, number, vfs) < 0) {
		info_failed(sm, number, REASON_VF_BAD_INFO, 0);
		return;
	}
	if (set && is_enabled(vfs) != is_to_be_on(sm)) {
		info_failed(sm, number, REASON_NOT_KEPT, 0);
		return;
	}
	if (!turned)
		note_clearing(vfs, set, changed);
	/* That vports came up because it was turned on is cleared with a second Set. */
	vfs->set_wanted = (!set && is_enabled(vfs) != is_to_be_on(sm)) ||
			  (changed && (!set || turned) && !vfs->clears_by_get);
	if (!is_enabled(vfs))
		all_down(vfs, loop_now(sm->loop));
	else if (is_new || changed || set)
		read_states(vfs);
}

bool vports_is_news(const struct sm *sm, uint32_t number, const struct answer *answer)
{
	const struct vfs *vfs = vports_of(sm, number);

	return !vfs || !vfs->known || memcmp(vfs->info, answer->data, SMP_DATA_SIZE) != 0 ||
	       wire_get(answer->data, VIRT_INFO_STATE_CHANGE);
}

/* It is another than it was, or may be. */
static void came_up(struct vf *vf)
{
	vf->stale = vf->unnamed = vf->naming = true;
	vf->had_blocks = vf->pkeys ? (uint8_t)(vf->pkeys->n_known / PKEY_BLOCK) : 0;
	free(vf->pkeys);
	vf->pkeys = NULL;
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

static void take_states(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	unsigned first = BLOCK_OF(answer->request->tag) * VPORT_STATE_BLOCK;

	vfs->looked = sm->sweeps;
	for (unsigned i = 0; i < VPORT_STATE_BLOCK && first + i < vfs->n; i++) {
		struct vf *vf = &vfs->vf[first + i];
		unsigned state = wire_vport_state(answer->data, i);

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
	if (!vfs || vfs->looked == sm->sweeps || !can_be_asked(sm, owner.port))
		return;
	vfs->looked = sm->sweeps;
	vfs->blocks_wanted |= (uint16_t)(1u << owner.index / VPORT_STATE_BLOCK);
	work_add(sm, sm->fabric.ports[owner.port].node, TODO(TODO_VPORT_READ));
}

static void take_vport(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct endpoint e = { number, (uint16_t)INDEX_OF(answer->request->tag) };
	struct vf *vf = vf_of(&sm->fabric, e);
	uint64_t guid = wire_get(answer->data, VPORT_INFO_GUID);

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

static void keys_failed(struct sm *sm, uint32_t number, struct vf *vf, enum reason reason,
			uint16_t status)
{
	vf->status = status;
	fault_note(sm, number, &vf->table_fault, "P_Key table of a vport", reason, status);
}

static void take_keys(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));
	bool set = answer->request->method == METHOD_SET;

	if (vf->state <= PORT_DOWN || vf->stale)
		return; /* it has gone meanwhile */
	if (pkey_table_set_block(&vf->pkeys, BLOCK_OF(answer->request->tag), answer->data) < 0)
		keys_failed(sm, number, vf, REASON_OUT_OF_MEMORY, 0);
	else if (set && memcmp(answer->data, answer->request->data, SMP_DATA_SIZE) != 0)
		keys_failed(sm, number, vf, REASON_NOT_KEPT, 0);
}

/* Neither way, or not at all (an adapter need not have it): the likelier one. */
static void take_modifier(struct vfs *vfs, uint64_t guid, const struct answer *answer)
{
	bool fits = answer->result == REQUEST_ANSWERED && wire_get64(answer->data, 0) == guid;

	if (fits)
		vfs->modifier = is_low(vfs) ? MODIFIER_VPORT_LOW : MODIFIER_VPORT_HIGH;
	else if (vfs->modifier == MODIFIER_UNKNOWN && answer->status != STATUS_BAD_METHOD_ATTR)
		vfs->modifier = MODIFIER_TRY_LOW;
	else
		vfs->modifier = MODIFIER_VPORT_HIGH;
}

/* It did not come: once more. */
static void want_again(struct vfs *vfs, const struct request *request)
{
	struct vf *vf = &vfs->vf[INDEX_OF(request->tag)];

	switch (request->attr) {
	case ATTR_VIRTUALIZATION_INFO:
		if (request->method == METHOD_SET)
			vfs->reregister = wire_get(request->data, VIRT_INFO_REREGISTER);
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

static void read_refused(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = known_vports(sm, number);
	struct vf *vf = &vfs->vf[INDEX_OF(answer->request->tag)];

	switch (answer->request->attr) {
	case ATTR_VIRTUALIZATION_INFO:
		if (answer->status == STATUS_BAD_FIELD && !vfs->by_number) {
			vfs->by_number = true;
			want_again(vfs, answer->request);
			return;
		}
		info_failed(sm, number,
			    answer->request->method == METHOD_SET ? REASON_VF_REFUSED
								  : REASON_VF_BAD_INFO,
			    answer->status);
		break;
	case ATTR_VPORT_PKEY_TABLE:
		keys_failed(sm, number, vf, REASON_PKEYS_REFUSED, answer->status);
		break;
	case ATTR_VNODE_INFO:
		vf->partition_cap = PKEY_BLOCK; /* there is a block at least */
		break;
	default:
		info_failed(sm, number, REASON_VF_BAD_INFO, answer->status);
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
		take_keys(sm, number, answer);
		break;
	}
}

void vports_take_read(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs || INDEX_OF(answer->request->tag) >= vfs->n)
		return; /* it announces none any more */
	sm_include(sm, number);
	if (answer->request->attr == ATTR_VIRTUALIZATION_INFO ||
	    answer->request->attr == ATTR_VPORT_GUID_INFO)
		vfs->asking = false;
	if (answer->request->attr == ATTR_VPORT_PKEY_TABLE)
		vfs->vf[INDEX_OF(answer->request->tag)].busy = false;
	if (answer->result == REQUEST_LOST)
		want_again(vfs, answer->request);
	else if (answer->request->attr == ATTR_VPORT_GUID_INFO)
		take_modifier(vfs, vfs->vf[INDEX_OF(answer->request->tag)].guid, answer);
	else if (answer->result == REQUEST_REFUSED)
		read_refused(sm, number, answer);
	else
		read_answered(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_READ));
}

/* -- what it should have ------------------------------------------------------------------------
 */

/* May it be brought up, as far as it is itself concerned? */
static bool takes_part(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);

	return vf_is_here(&sm->fabric, e) && !vf->duplicate && !vf_is_barred(vf) &&
	       vf->partition_cap > 0;
}

static bool asks_for_lid(const struct vf *vf)
{
	return wire_get(vf->info, VPORT_INFO_LID_REQUIRED);
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

	if (asks_for_lid(vf))
		return !rule || rule->lid != VF_LID_SHARED || runs_with_lid(sm, e) ||
		       reserve_has_lid(sm, vf->guid);
	if (known_vports(sm, e.port)->no_own_lids)
		return false;
	if (rule ? rule->lid != VF_LID_OWN : vf_rule_is_known(sm, e.port))
		return false;

	return vf->state != PORT_ACTIVE || runs_with_lid(sm, e);
}

/* It was offered one, and is to have it no longer. */
static void take_lid_back(struct sm *sm, const struct vf *vf)
{
	if (reserve_has_lid(sm, vf->guid))
		return;
	routes_drop(sm, vf->lid);
	identity_forget(sm->identities, vf->guid);
	keep_identity(sm->keeper, &(struct kept_identity){ .guid = vf->guid });
	sm->unkept = true;
}

/* A LID that it has, and nobody else, is kept: as for ports, only when all is read for the first
 * time. */
static void adopt(struct sm *sm, const struct vf *vf)
{
	uint16_t held = (uint16_t)wire_get(vf->info, VPORT_INFO_LID);
	const struct identity *id = identity_find(sm->identities, vf->guid);

	if (!sm->adopting || held == 0 || reserve_has_lid(sm, vf->guid) ||
	    (id && id->lid == held) || lids_are_beyond(sm, held, 0))
		return;
	spares_yield(sm, held, 0);
	identity_claim(sm->identities, vf->guid, held, 0);
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
	if (vf->lid && takes_part(sm, e) && !wants_lid(sm, e) && !asks_for_lid(vf))
		take_lid_back(sm, vf);
	vf->denied_lid = vf->known && asks_for_lid(vf) && !wants_lid(sm, e);
	if (takes_part(sm, e) && wants_lid(sm, e)) {
		adopt(sm, vf);
		identity_see(sm->identities, vf->guid);
		id = identity_find(sm->identities, vf->guid);
		if (id && lids_are_beyond(sm, id->lid, id->lmc)) {
			identity_forget(sm->identities, vf->guid);
			id = NULL;
		}
		if (!id)
			r = assign_lid(sm, e, vf->guid);
		if (r < 0)
			vf->reason = r == -ENOSPC ? REASON_OUT_OF_LIDS : REASON_OUT_OF_MEMORY;
	}
	/* Who has gone keeps its LID where it was, until it shows up elsewhere. */
	id = vf->guid && !vf->duplicate ? identity_find(sm->identities, vf->guid) : NULL;
	if (id && !vf_is_here(&sm->fabric, e) &&
	    (!was_last_here(sm, e) || moves_way(sm, vf->guid) != NO_PORT))
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
		if (sm->fabric.ports[e.port].vfs->model == VF_VPORT && takes_part(sm, e) &&
		    wants_lid(sm, e))
			n++;

	return n;
}

/* -- P_Keys -------------------------------------------------------------------------------------
 */

static bool ask_key_write(const struct sm *sm, struct endpoint e, struct request *ret)
{
	struct vf *vf = vf_of(&sm->fabric, e);
	uint16_t plan[FABRIC_MAX_PKEYS];
	unsigned n, held;

	if (!takes_part(sm, e) || !vf->pkeys || vf->busy || fault_waits(sm, &vf->table_fault) ||
	    !vf_rule_is_known(sm, e.port))
		return false;
	n = pkeys_plan_vf(sm, e, plan, COUNT(plan));
	held = MAX(n, vf->pkeys->n_known);
	for (unsigned block = 0; block * PKEY_BLOCK < held; block++) {
		if (!pkeys_differ(vf->pkeys, plan, n, block, ret->data))
			continue;
		vf->busy = true;
		ret->method = METHOD_SET;
		ret->attr = ATTR_VPORT_PKEY_TABLE;
		ret->modifier =
			wire_vport_modifier(e.index, block, is_low(known_vports(sm, e.port)));
		ret->tag = TAG(TODO_VPORT_KEYS, e.port, PLACE(e.index, block));
		return true;
	}

	return false;
}

bool vports_ask_keys(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_VPORT_KEYS];

	for (at->port = MAX(at->port, 1); at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);
		const struct vfs *vfs = vports_of(sm, number);

		if (!vfs || !can_be_asked(sm, number) || !is_enabled(vfs))
			continue;
		for (at->block = MAX(at->block, 1); at->block < vfs->n; at->block++)
			if (ask_key_write(sm, (struct endpoint){ number, at->block }, ret))
				return true;
	}
	node->work.todo &= ~TODO(TODO_VPORT_KEYS);

	return false;
}

void vports_take_keys(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));

	if (!vf)
		return;
	vf->busy = false;
	if (answer->result == REQUEST_REFUSED)
		keys_failed(sm, number, vf, REASON_PKEYS_REFUSED, answer->status);
	else if (answer->result == REQUEST_ANSWERED)
		take_keys(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_KEYS));
}

/* -- LID and state ------------------------------------------------------------------------------
 */

/* Why it is not to go further, or NONE. */
static enum reason obstacle(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	uint16_t key;

	if (e.index == 0)
		return (enum reason)vf->set_fault.reason;
	if (vf->guid == 0)
		return REASON_VF_NO_GUID;
	if (vf->barred != REASON_NONE)
		return (enum reason)vf->barred;
	if (vf->duplicate)
		return REASON_VF_DUPLICATE_GUID;
	if (vf->denied_lid)
		return REASON_VF_NEEDS_LID;
	if (asks_for_lid(vf) && vf->lid == 0)
		return vf->reason == REASON_OUT_OF_MEMORY ? REASON_OUT_OF_MEMORY
							  : REASON_OUT_OF_LIDS;
	if (endpoint_lid(&sm->fabric, e) == 0)
		return REASON_VF_BAD_LID_INDEX;
	if (pkeys_plan_vf(sm, e, &key, 1) == 0)
		return REASON_VF_NO_PARTITION;

	return (enum reason)vf->set_fault.reason;
}

static enum port_state next_state(const struct vf *vf)
{
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
	bool readdress = e.index > 0 && vf->lid != 0 && asks_for_lid(vf) &&
			 wire_get(vf->info, VPORT_INFO_LID) != vf->lid;

	if (!vf->known || vf->stale || vf->busy || vf->state <= PORT_DOWN ||
	    fault_waits(sm, &vf->set_fault) || (next_state(vf) == PORT_NO_CHANGE && !readdress))
		return false;
	if (obstacle(sm, e) != (enum reason)vf->set_fault.reason)
		return false;
	vf->busy = true;
	ret->method = METHOD_SET;
	ret->attr = ATTR_VPORT_INFO;
	ret->modifier = e.index;
	ret->tag = TAG(TODO_VPORT_SET, e.port, PLACE(e.index, 0));
	memcpy(ret->data, vf->info, SMP_DATA_SIZE);
	wire_set(ret->data, VPORT_INFO_STATE, next_state(vf));
	wire_set(ret->data, VPORT_INFO_REREGISTER, 0);
	if (e.index > 0 && vf->lid != 0)
		wire_set(ret->data, VPORT_INFO_LID, vf->lid);

	return true;
}

/* All of them have an SM that knows nothing of what they registered. */
static bool ask_reregister(struct sm *sm, uint32_t number, struct request *ret)
{
	struct vfs *vfs = known_vports(sm, number);

	if (!vfs->reregister || vfs->asking || !is_enabled(vfs))
		return false;
	ask_info(sm, number, ret);
	ret->tag = TAG(TODO_VPORT_SET, number, 0);

	return true;
}

bool vports_ask_set(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_VPORT_SET];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);
		struct vfs *vfs = vports_of(sm, number);

		if (!vfs || !can_be_asked(sm, number))
			continue;
		/* Its own Set may be under way. */
		if (sm->fabric.ports[number].busy)
			return false;
		if (ask_reregister(sm, number, ret))
			return true;
		if (port_state(&sm->fabric.ports[number]) != PORT_ACTIVE || !is_enabled(vfs))
			continue;
		for (; at->block < vfs->n; at->block++)
			if (ask_vport_set(sm, (struct endpoint){ number, at->block }, ret))
				return true;
	}
	node->work.todo &= ~TODO(TODO_VPORT_SET);

	return false;
}

static void set_refused(struct sm *sm, uint32_t number, struct vf *vf, enum reason reason,
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
	vfs->blocks_wanted |= (uint16_t)(1u << index / VPORT_STATE_BLOCK);
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

static void take_vport_set(struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned index = INDEX_OF(answer->request->tag);
	struct vf *vf = vf_at(&sm->fabric, number, index);
	uint64_t wanted = wire_get(answer->request->data, VPORT_INFO_STATE);
	bool is_own = index > 0 && vf->lid != 0 &&
		      wire_get(answer->request->data, VPORT_INFO_LID) == vf->lid;
	bool is_offer = is_own && !vf_has_own_lid(vf);
	uint64_t state;

	if (answer->result == REQUEST_REFUSED && is_offer) {
		offer_failed(sm, number, index);
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		set_refused(sm, number, vf, REASON_VF_REFUSED, answer->status);
		return;
	}
	if (answer->result == REQUEST_LOST) {
		look_again_at(sm, number, index);
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
	if (state < vf->state || (wanted != PORT_NO_CHANGE && state < wanted) ||
	    (is_own && wire_get(answer->data, VPORT_INFO_LID) != vf->lid))
		set_refused(sm, number, vf, REASON_NOT_KEPT, 0);
}

void vports_take_set(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));

	if (answer->request->attr == ATTR_VIRTUALIZATION_INFO) {
		vports_take_read(sm, number, answer);
		work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_SET));
		return;
	}
	if (!vf)
		return;
	vf->busy = false;
	take_vport_set(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_SET));
}

/* The port was told of another SM, and its clients that they have to register again. */
void vports_reregister(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (vfs)
		vfs->reregister = true;
}

/* -- names --------------------------------------------------------------------------------------
 */

bool vports_ask_name(struct sm *sm, struct node *node, struct request *ret)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		uint32_t number = port_at(node, i);
		struct vfs *vfs = vports_of(sm, number);

		for (unsigned k = 1; vfs && can_be_asked(sm, number) && k < vfs->n; k++) {
			if (!vfs->vf[k].naming)
				continue;
			vfs->vf[k].naming = false;
			name_request(ret, ATTR_VNODE_DESCRIPTION, k, number, PLACE(k, 0));
			ret->tag = TAG(TODO_VPORT_NAME, number, PLACE(k, 0));
			return true;
		}
	}
	node->work.todo &= ~TODO(TODO_VPORT_NAME);

	return false;
}

void vports_take_name(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));

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

/* -- why they are as they are -------------------------------------------------------------------
 */

static enum reason reason_of(const struct sm *sm, struct endpoint e)
{
	const struct port *port = &sm->fabric.ports[e.port];
	const struct vf *vf = vf_of(&sm->fabric, e);
	enum reason reason;

	if (!port->present || port_state(port) != PORT_ACTIVE)
		return REASON_VF_PF_DOWN;
	if (port->vfs->info_fault.reason != REASON_NONE)
		return (enum reason)port->vfs->info_fault.reason;
	if (!is_enabled(port->vfs))
		return REASON_VF_VIRTUALIZATION_OFF;
	if (vf->state <= PORT_DOWN)
		return REASON_VF_NOT_STARTED;
	reason = obstacle(sm, e);
	if (reason == REASON_NONE)
		reason = (enum reason)vf->table_fault.reason;
	if (reason == REASON_NONE && vf->state != PORT_ACTIVE)
		return REASON_IN_PROGRESS;

	return reason;
}

enum reason vports_reason_of_port(const struct sm *sm, uint32_t number)
{
	const struct vfs *vfs = vports_of(sm, number);

	if (!vfs || sm->state != SM_MASTER || !vfs->known)
		return REASON_NONE;
	if (vfs->info_fault.reason != REASON_NONE)
		return (enum reason)vfs->info_fault.reason;
	if (!is_enabled(vfs) || vfs->vf[0].state == PORT_ACTIVE)
		return REASON_NONE;

	return vfs->vf[0].set_fault.reason ? (enum reason)vfs->vf[0].set_fault.reason
					   : REASON_IN_PROGRESS;
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
