/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual ports: what an HCA port of ConnectX-4 and later has behind it. Not run against ConnectX
 * hardware: layouts are those of NVIDIA's headers, and what they leave open is told where it is
 * decided.
 *
 * Here is which ports have them, and when they are looked at: what was told or done after which
 * they may be otherwise. Then they are asked and their answers taken (vport-read.c, and for P_Key
 * tables vport-keys.c); what they should have is planned as for ports, P_Keys by GUID, and a LID
 * for who is to have one (vport-plan.c). By which ways that is reached says vport-ways.c.
 *
 * They are programmed in stages: keys and forwarding tables first, then, once their port is Active,
 * LID and Armed, and then Active (vport-set.c). Vport 0 is the physical function: its table and LID
 * are those of the port, but while virtualization is on its state is one of its own.
 */

#include <stdlib.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vport-inside.h"

/* In a row at least; each is of several tries. */
#define LOSSES_TO_BE_DEAF 3
/* After which seconds a loss is no longer one of a row: the tries of one may take half a minute. */
#define LOSSES_APART 120u

bool vports_are_announced(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return node_of(&sm->fabric, number)->type == NODE_TYPE_CA && port->number != 0 &&
	       (wire_get(port->info, PORT_INFO_CAPABILITIES) & CAP_CAPABILITIES2) &&
	       (wire_get(port->info, PORT_INFO_CAPABILITIES2) & CAP2_VIRTUALIZATION);
}

/* Can something be asked of its vports now? */
bool vports_can_be_asked(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return sm->conf.virtualization != CONF_VIRTUALIZATION_IGNORE && port->present &&
	       port->known && port->peer != NO_PORT && port_state(port) >= PORT_INITIALIZE &&
	       !fault_waits(sm, &port->vfs->info_fault);
}

/* What is wrong if @request is not answered, see vport-inside.h. */
static const struct fault *fault_of(const struct sm *sm, uint32_t number,
				    const struct request *request)
{
	const struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(request->tag));

	switch (request->attr) {
	case ATTR_VIRTUALIZATION_INFO:
		return &known_vports(sm, number)->info_fault;
	case ATTR_VPORT_STATE:
		return &known_vports(sm, number)->states_fault[BLOCK_OF(request->tag)];
	case ATTR_VPORT_PKEY_TABLE:
		return &vf->table_fault;
	default:
		return &vf->set_fault;
	}
}

/* Which question to a vport it is, whatever part of its table; never 0. */
static uint8_t question_of(const struct request *request)
{
	return (uint8_t)((request->attr & 0x7f) | (request->method == METHOD_SET ? 0x80 : 0));
}

/*
 * A device that answers what else it is asked (work.c has it asked, and leaves it out if it does
 * not) may still never answer this. Packets are lost everywhere at times, so it takes several
 * losses, and an answer to the same question ends the row. One to another does not: what was a Set
 * is read before it is sent again. Nor do losses count that lie far apart, as of who is asked when
 * it cries alone.
 */
bool vport_is_deaf(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));
	uint32_t now = (uint32_t)(loop_now(sm->loop) / LOOP_SEC);

	if (answer->result != REQUEST_LOST) {
		if (vf->lost == question_of(answer->request))
			vf->losses = 0;
		return false;
	}
	if (fault_of(sm, number, answer->request)->reason != REASON_NONE)
		return true;
	if (now - vf->lost_at > LOSSES_APART)
		vf->losses = 0;
	vf->lost = question_of(answer->request);
	vf->lost_at = now;
	vf->losses = (uint8_t)MIN(vf->losses + 1, UINT8_MAX);

	return vf->losses >= MAX(work_losses_to_be_silent(sm), LOSSES_TO_BE_DEAF);
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

	for (uint32_t i = fabric_next_with_vfs(f, 0); i != NO_PORT;
	     i = fabric_next_with_vfs(f, i + 1)) {
		struct vfs *vfs = vports_of(sm, i);

		if (!vfs || !vports_can_be_asked(sm, i))
			continue;
		vfs->info_wanted = vfs->info_wanted || !sm->narrow;
		if (vfs->info_wanted || vfs->blocks_wanted)
			work_add(sm, f->ports[i].node, TODO(TODO_VPORT_READ));
	}
}

/* -- what may be otherwise by now ---------------------------------------------------------------
 */

void vports_doubt(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs)
		return;
	vfs->known = false;
	vfs->info_wanted = true; /* also by who looks at what was told alone */
	for (unsigned i = 0; i < vfs->n; i++) {
		vport_forget_keys(&vfs->vf[i]);
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
	vport_forget_keys(vf);
	vfs->info_wanted = true;
	vports_want_state(vfs, index);
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

void vports_drop(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (!vfs)
		return;
	vfs->asking = false;
	for (unsigned i = 0; i < vfs->n; i++)
		vfs->vf[i].busy = false;
	vports_doubt(sm, number);
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

/* The port was told of another SM, and its clients that they have to register again. */
void vports_reregister(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = vports_of(sm, number);

	if (vfs)
		vfs->reregister = true;
}
