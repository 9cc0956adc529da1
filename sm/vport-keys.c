/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * P_Key tables of virtual ports, read and written. What they should hold is planned by GUID as for
 * ports (pkeys.c); vport 0 has the table of its port, and is not looked at here.
 *
 * Where a vport and a block of its table share an attribute modifier, nobody has written down which
 * is where. So the first vport that has a GUID is asked for its table of GUIDs, of which the first
 * must be that, in one way and then in the other, before any key is read or written.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vport-inside.h"

/* -- the modifier -------------------------------------------------------------------------------
 */

static bool is_low(const struct vfs *vfs)
{
	return vfs->modifier == MODIFIER_TRY_LOW || vfs->modifier == MODIFIER_VPORT_LOW;
}

/* Which way round is a modifier? */
static bool ask_modifier(struct vfs *vfs, uint32_t number, unsigned index, struct request *ret)
{
	vport_make_get(ret, ATTR_VPORT_GUID_INFO, wire_vport_modifier(index, 0, is_low(vfs)),
		       number, PLACE(index, 0));
	vfs->asking = true;

	return true;
}

/* Neither way, or not at all (an adapter need not have it): the likelier one. */
void vport_take_modifier(struct vfs *vfs, uint64_t guid, const struct answer *answer)
{
	bool fits = answer->result == REQUEST_ANSWERED && wire_get64(answer->data, 0) == guid;

	if (fits)
		vfs->modifier = is_low(vfs) ? MODIFIER_VPORT_LOW : MODIFIER_VPORT_HIGH;
	else if (vfs->modifier == MODIFIER_UNKNOWN && answer->status != STATUS_BAD_METHOD_ATTR)
		vfs->modifier = MODIFIER_TRY_LOW;
	else
		vfs->modifier = MODIFIER_VPORT_HIGH;
}

/* -- reading ------------------------------------------------------------------------------------
 */

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

static unsigned known_blocks(const struct vf *vf)
{
	return vf->pkeys ? vf->pkeys->n_known / PKEY_BLOCK : 0u;
}

void vport_forget_keys(struct vf *vf)
{
	if (!vf->pkeys)
		return; /* it had as many as were noted when they were forgotten */
	vf->had_blocks = (uint8_t)known_blocks(vf);
	free(vf->pkeys);
	vf->pkeys = NULL;
}

static bool wants_keys(const struct sm *sm, const struct vf *vf)
{
	return vf->state > PORT_DOWN && vf->known && !vf->stale && !vf->busy &&
	       !fault_waits(sm, &vf->table_fault) && known_blocks(vf) < key_blocks_to_read(vf);
}

bool vport_ask_key_read(const struct sm *sm, struct endpoint e, struct request *ret)
{
	struct vfs *vfs = known_vports(sm, e.port);
	struct vf *vf = vf_of(&sm->fabric, e);
	unsigned block = known_blocks(vf);

	if (!wants_keys(sm, vf))
		return false;
	if (vfs->modifier < MODIFIER_VPORT_HIGH)
		return vf->guid && ask_modifier(vfs, e.port, e.index, ret);
	vf->busy = true;
	vport_make_get(ret, ATTR_VPORT_PKEY_TABLE, wire_vport_modifier(e.index, block, is_low(vfs)),
		       e.port, PLACE(e.index, block));

	return true;
}

void vport_keys_failed(struct sm *sm, uint32_t number, struct vf *vf, enum reason reason,
		       uint16_t status)
{
	vf->status = status;
	fault_note(sm, number, &vf->table_fault, "P_Key table of a vport", reason, status);
}

void vport_take_key_block(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct vf *vf = vf_at(&sm->fabric, number, INDEX_OF(answer->request->tag));
	bool set = answer->request->method == METHOD_SET;

	/* It has gone meanwhile, or what was read before this block was forgotten. */
	if (vf->state <= PORT_DOWN || vf->stale ||
	    BLOCK_OF(answer->request->tag) > known_blocks(vf))
		return;
	if (pkey_table_set_block(&vf->pkeys, BLOCK_OF(answer->request->tag), answer->data) < 0)
		vport_keys_failed(sm, number, vf, REASON_OUT_OF_MEMORY, 0);
	else if (set && memcmp(answer->data, answer->request->data, SMP_DATA_SIZE) != 0)
		vport_keys_failed(sm, number, vf, REASON_NOT_KEPT, 0);
}

/* -- writing ------------------------------------------------------------------------------------
 */

static bool ask_key_write(const struct sm *sm, struct endpoint e, struct request *ret)
{
	struct vf *vf = vf_of(&sm->fabric, e);
	uint16_t plan[FABRIC_MAX_PKEYS];
	unsigned n, held;

	/* Of who may be another by now no answer counts. */
	if (!vport_takes_part(sm, e) || !vf->pkeys || vf->stale || vf->busy ||
	    fault_waits(sm, &vf->table_fault) || !vf_rule_is_known(sm, e.port))
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

		if (!vfs || !vports_can_be_asked(sm, number) || !vports_are_enabled(vfs))
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
	struct vf *vf = vport_of_answer(sm, number, answer);

	if (!vf)
		return;
	vf->busy = false;
	if (vport_is_deaf(sm, number, answer) || answer->result == REQUEST_REFUSED)
		vport_keys_failed(sm, number, vf, REASON_PKEYS_REFUSED, answer->status);
	else if (answer->result == REQUEST_ANSWERED)
		vport_take_key_block(sm, number, answer);
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_VPORT_KEYS));
}
