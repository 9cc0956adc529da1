/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Alias GUIDs: the virtual functions of a shared port (mlx4) are entries of its GUIDInfo, and the
 * entry's number is the VF's. Who is to have which is in the book (alias-book.h); drivers ask for
 * it through the subnet administrator (alias-request.c). Here is what devices hold, what they
 * should hold, and the difference. One block has eight entries; entry 0 is the port's own GUID.
 *
 * GUIDInfo is read once, and only of a port that may hold something: with room for more than its
 * own GUID, which nearly all have and which is only capacity, and with a LID when we first see it
 * or trust nothing any more. A port that comes up without one holds none, unless another was at its
 * cable before, whose GUIDs may have arrived after that: these are read to be taken away, and not
 * adopted.
 *
 * What is found there is adopted, also where the book says otherwise: the client of the SA is
 * answered only when a device holds what it asked for, so what it knows is there, and what the book
 * has may be older, if another subnet manager was master meanwhile. Not adopted, and written back
 * as 0, is a GUID that another port or VF has, since packets to it go to one of the two only, and
 * one that the rules do not allow: nobody could find it, as the SA does not have it. Of two that
 * hold the same, who is in the book with it keeps it, else who was found first. Where it takes the
 * device's name to know which rule is for it, nothing of this is done before that has come.
 *
 * The plan is the book, less what is in the way: it changes when that goes. A port that leaves has
 * its aliases in the book, and they are written again when it comes back without them.
 */

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* Of a port that has, or is to have, aliases; else NULL. */
static struct vfs *aliases_of(const struct sm *sm, uint32_t number)
{
	struct vfs *vfs = sm->fabric.ports[number].vfs;

	return vfs && vfs->model == VF_SHARED ? vfs : NULL;
}

static unsigned blocks_of(const struct sm *sm, uint32_t number)
{
	return (aliases_capacity(sm, number) + GUID_BLOCK - 1) / GUID_BLOCK;
}

static uint64_t bit_of(unsigned block)
{
	return UINT64_C(1) << block;
}

/* -- coming and going ---------------------------------------------------------------------------
 */

/* What the book has for this port, which was not in the fabric. */
static void restore(struct sm *sm, uint32_t number)
{
	const struct alias *alias = NULL;

	while ((alias = alias_book_next(&sm->aliases.book, sm->fabric.ports[number].guid, alias)))
		if (alias->wanted && aliases_make_room(sm, number, alias->index) == 0)
			sm->fabric.ports[number].vfs->vf[alias->index].wanted = alias->guid;
}

void aliases_look(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	if (aliases_of(sm, number) && vports_are_announced(sm, number))
		vfs_forget(&sm->fabric, number);
	if (!port->vfs && aliases_capacity(sm, number) > 1)
		restore(sm, number);
}

/* -- what the device holds ----------------------------------------------------------------------
 */

void aliases_forget(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = aliases_of(sm, number);

	sm->fabric.ports[number].guids_read = true;
	if (!vfs)
		return;
	for (unsigned i = 0; i < vfs->n; i++)
		vf_set_guid(&sm->fabric, (struct endpoint){ number, (uint16_t)i }, 0);
	for (unsigned i = 0; i < vfs->n; i++)
		vfs->vf[i].duplicate = false;
	vfs->guids_known = UINT64_MAX;
	vfs->guids_fresh = 0;
}

void aliases_doubt(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = aliases_of(sm, number);

	sm->fabric.ports[number].guids_read = false;
	if (vfs)
		vfs->guids_known = 0;
}

/* Of what it may have lost nothing is known. Who had nothing has lost nothing. */
void aliases_doubt_held(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = aliases_of(sm, number);

	for (unsigned i = 1; vfs && i < vfs->n; i++)
		if (vfs->vf[i].guid || vfs->vf[i].wanted) {
			vfs->guids_known &= ~bit_of(i / GUID_BLOCK);
			sm->fabric.ports[number].guids_read = false;
		}
}

/* Is there anything to read? */
bool aliases_are_unread(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	return !port->guids_read && port->present && port->known &&
	       aliases_capacity(sm, number) > 1 && (port_held_lid(port) != 0 || port->successor);
}

static bool is_known(const struct sm *sm, uint32_t number, unsigned block)
{
	const struct vfs *vfs = aliases_of(sm, number);

	return vfs && (vfs->guids_known >> block & 1);
}

bool aliases_ask_read(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_GUID_READ];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);

		if (!aliases_are_unread(sm, number))
			continue;
		while (at->block < blocks_of(sm, number) && is_known(sm, number, at->block))
			at->block++;
		if (at->block >= blocks_of(sm, number)) {
			sm->fabric.ports[number].guids_read = true;
			sm->fabric.ports[number].successor = false;
			continue;
		}
		ret->method = METHOD_GET;
		ret->attr = ATTR_GUID_INFO;
		ret->modifier = at->block;
		ret->tag = TAG(TODO_GUID_READ, number, at->block);
		at->block++;
		return true;
	}
	node->work.todo &= ~TODO(TODO_GUID_READ);

	return false;
}

/* The entries of @block that are aliases: from *ret_first to before *ret_end. */
static void bounds(const struct sm *sm, uint32_t number, unsigned block, unsigned *ret_first,
		   unsigned *ret_end)
{
	*ret_first = MAX(block * GUID_BLOCK, 1);
	*ret_end = MIN(block * GUID_BLOCK + GUID_BLOCK, aliases_capacity(sm, number));
}

static int note_block(struct sm *sm, uint32_t number, unsigned block, const uint8_t *data)
{
	unsigned first, end;
	struct vfs *vfs;

	bounds(sm, number, block, &first, &end);
	for (unsigned i = first; i < end; i++) {
		uint64_t guid = wire_get64(data, i % GUID_BLOCK);
		int r = guid ? aliases_make_room(sm, number, i) : 0;

		if (r < 0)
			return r;
		if (vf_at(&sm->fabric, number, i))
			vf_set_guid(&sm->fabric, (struct endpoint){ number, (uint16_t)i }, guid);
	}
	vfs = aliases_of(sm, number);
	if (vfs)
		vfs->guids_known |= bit_of(block);

	return 0;
}

/* Of two that hold the same, see above: they are told apart when all is read. */
static void take_read(struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);

	/* A device that does not tell holds nothing that we know of. */
	if (answer->result == REQUEST_REFUSED)
		return;
	if (note_block(sm, number, block, answer->data) < 0)
		log_error("No memory for the alias GUIDs of 0x%016" PRIx64,
			  sm->fabric.ports[number].guid);
	else if (aliases_of(sm, number) && !sm->fabric.ports[number].successor)
		aliases_of(sm, number)->guids_fresh |= bit_of(block);
}

/* -- what it should hold ------------------------------------------------------------------------
 */

static bool is_fresh(const struct vfs *vfs, unsigned index)
{
	return vfs->guids_fresh >> index / GUID_BLOCK & 1;
}

/* What was just read of an entry that is to be otherwise. True if it is adopted. */
static bool adopt(struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	enum reason reason = REASON_VF_DUPLICATE_GUID;

	if (!vf->duplicate)
		reason = aliases_have_room(sm, e) ? aliases_obstacle(sm, e, vf->guid)
						  : REASON_VF_TOO_MANY;
	if (reason == REASON_NONE)
		return aliases_want(sm, e, vf->guid) == 0;
	aliases_tell(sm, e, vf->guid, reason);

	return false;
}

/* It held that before it was out of sight, and somebody else got it and has it no longer. */
static bool is_nobodys(const struct sm *sm, uint64_t guid)
{
	const struct alias *alias = alias_book_find(&sm->aliases.book, guid);

	return !alias || !alias->wanted;
}

static bool is_to_be_adopted(const struct sm *sm, const struct vfs *vfs, unsigned index)
{
	const struct vf *vf = &vfs->vf[index];

	return is_fresh(vfs, index) && vf->guid &&
	       (vf->guid != vf->wanted || is_nobodys(sm, vf->guid));
}

static unsigned adopt_all(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = sm->fabric.ports[number].vfs;
	unsigned n = 0;

	if (vfs->guids_fresh == 0)
		return 0;
	for (unsigned i = 1; i < vfs->n; i++)
		if (is_to_be_adopted(sm, vfs, i))
			n += adopt(sm, (struct endpoint){ number, (uint16_t)i });
	vfs->guids_fresh = 0;

	return n;
}

/* In the book, even if it does not have it yet. */
static bool is_promised_to_another(const struct sm *sm, struct endpoint e, uint64_t guid)
{
	const struct alias *alias = alias_book_find(&sm->aliases.book, guid);

	return alias && alias->wanted &&
	       (alias->port != sm->fabric.ports[e.port].guid || alias->index != e.index);
}

/*
 * Who has to give up what it holds, as somebody else came to have it while it was out of sight. To
 * the driver of mlx4 nothing is pending then, and its guest stays up with a GUID that it has no
 * more; so the port is told to register again, upon which the driver asks for all it should have.
 */
static void tell_who_loses(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = sm->fabric.ports[number].vfs;

	for (unsigned i = 1; i < vfs->n; i++) {
		struct endpoint e = { number, (uint16_t)i };
		enum reason reason;

		if (!vfs->vf[i].guid || vfs->vf[i].wanted)
			continue;
		reason = is_promised_to_another(sm, e, vfs->vf[i].guid)
				 ? REASON_VF_DUPLICATE_GUID
				 : aliases_obstacle(sm, e, vfs->vf[i].guid);
		if (reason == REASON_NONE)
			continue;
		vfs->loses = true;
		aliases_tell(sm, e, vfs->vf[i].guid, reason);
	}
}

static void plan_port(struct sm *sm, uint32_t number)
{
	const struct alias *alias = NULL;
	struct vfs *vfs = sm->fabric.ports[number].vfs;

	for (unsigned i = 0; i < vfs->n; i++)
		vfs->vf[i].wanted = 0;
	while ((alias = alias_book_next(&sm->aliases.book, sm->fabric.ports[number].guid, alias))) {
		struct endpoint e = { number, alias->index };
		enum reason reason;

		if (!alias->wanted || aliases_make_room(sm, number, alias->index) < 0)
			continue;
		reason = aliases_obstacle(sm, e, alias->guid);
		if (reason == REASON_NONE)
			vf_of(&sm->fabric, e)->wanted = alias->guid;
		else
			aliases_tell(sm, e, alias->guid, reason);
	}
	tell_who_loses(sm, number);
}

/* Who holds what it is to have is the one who has it. */
static int settle_owners(struct sm *sm)
{
	struct vf_walk walk = { 0 };
	struct endpoint e;
	int r = 0;

	while (r == 0 && vf_walk_next(&sm->fabric, &walk, &e)) {
		const struct vf *vf = vf_of(&sm->fabric, e);

		if (vf->guid && vf->guid == vf->wanted)
			r = vf_settle_guid(&sm->fabric, e);
	}

	return r == 0 ? vfs_settle_guids(&sm->fabric) : r;
}

/* What is lawful there, is it known? */
static bool can_be_planned(const struct sm *sm, uint32_t number)
{
	return aliases_of(sm, number) && node_of(&sm->fabric, number)->present &&
	       vf_rule_is_known(sm, number);
}

int aliases_plan(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	unsigned n = 0;
	int r;

	if (f->n_vfs == 0)
		return 0;
	r = settle_owners(sm);
	if (r < 0)
		return r;
	for (uint32_t i = fabric_next_with_vfs(f, 0); i != NO_PORT;
	     i = fabric_next_with_vfs(f, i + 1))
		if (can_be_planned(sm, i))
			n += adopt_all(sm, i);
	for (uint32_t i = fabric_next_with_vfs(f, 0); i != NO_PORT;
	     i = fabric_next_with_vfs(f, i + 1))
		if (can_be_planned(sm, i))
			plan_port(sm, i);
	if (n > 0)
		log_info("%u alias GUIDs that ports hold were not known, and stay as they are", n);

	return 0;
}

/* -- the difference -----------------------------------------------------------------------------
 */

/* What a block holds that is not known may be what was last known of it. */
static bool differs(const struct sm *sm, uint32_t number, unsigned block)
{
	const struct vfs *vfs = sm->fabric.ports[number].vfs;
	bool known = vfs->guids_known >> block & 1;
	unsigned first, end;

	bounds(sm, number, block, &first, &end);
	for (unsigned i = first; i < MIN(end, vfs->n); i++) {
		const struct vf *vf = &vfs->vf[i];

		if (known ? vf->guid != vf->wanted : vf->guid || vf->wanted)
			return true;
	}

	return false;
}

static bool is_bad(const struct sm *sm, const struct vfs *vfs, unsigned block)
{
	return fault_waits(sm, &vfs->guids_fault) && (vfs->guids_bad >> block & 1);
}

bool aliases_are_to_be_written(const struct sm *sm, uint32_t number, unsigned block)
{
	const struct port *port = &sm->fabric.ports[number];
	const struct vfs *vfs = aliases_of(sm, number);

	return vfs && port->present && port->known && !aliases_are_unread(sm, number) &&
	       vf_rule_is_known(sm, number) && !is_bad(sm, vfs, block) &&
	       differs(sm, number, block);
}

static void fill_block(const struct sm *sm, uint32_t number, unsigned block,
		       uint8_t ret[static SMP_DATA_SIZE])
{
	unsigned first, end;

	memset(ret, 0, SMP_DATA_SIZE);
	if (block == 0)
		wire_set64(ret, 0, sm->fabric.ports[number].guid);
	bounds(sm, number, block, &first, &end);
	for (unsigned i = first; i < end && vf_at(&sm->fabric, number, i); i++)
		wire_set64(ret, i % GUID_BLOCK, vf_at(&sm->fabric, number, i)->wanted);
}

bool aliases_ask_write(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_GUID_WRITE];

	for (; at->port <= node->n_ports; at->port++, at->block = 0) {
		uint32_t number = port_at(node, at->port);

		if (!aliases_of(sm, number))
			continue;
		for (; at->block < blocks_of(sm, number); at->block++) {
			if (!aliases_are_to_be_written(sm, number, at->block))
				continue;
			ret->method = METHOD_SET;
			ret->attr = ATTR_GUID_INFO;
			ret->modifier = at->block;
			ret->tag = TAG(TODO_GUID_WRITE, number, at->block);
			fill_block(sm, number, at->block, ret->data);
			sm->fabric.ports[number].vfs->guids_known &= ~bit_of(at->block);
			at->block++;
			return true;
		}
	}
	node->work.todo &= ~TODO(TODO_GUID_WRITE);

	return false;
}

/* Other blocks go on being written, unless nothing is heard. */
static void write_failed(struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);
	struct vfs *vfs = sm->fabric.ports[number].vfs;
	bool heard = answer->result == REQUEST_ANSWERED || answer->status != 0;

	if (!fault_waits(sm, &vfs->guids_fault))
		vfs->guids_bad = 0;
	fault_note(sm, number, &vfs->guids_fault, "GUIDInfo", REASON_VF_REFUSED, answer->status);
	vfs->guids_bad |= heard ? bit_of(block) : UINT64_MAX;
}

static void settle_block(struct sm *sm, uint32_t number, unsigned block)
{
	unsigned first, end;

	bounds(sm, number, block, &first, &end);
	for (unsigned i = first; i < end && vf_at(&sm->fabric, number, i); i++)
		vf_settle_guid(&sm->fabric, (struct endpoint){ number, (uint16_t)i });
}

/* Entry 0 is what it is, and those that the device does not have are nothing. */
static bool is_kept(const struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned first, end;

	bounds(sm, number, TAG_BLOCK(answer->request->tag), &first, &end);
	for (unsigned i = first; i < end; i++)
		if (wire_get64(answer->data, i % GUID_BLOCK) !=
		    wire_get64(answer->request->data, i % GUID_BLOCK))
			return false;

	return true;
}

static void register_again(struct sm *sm, uint32_t number, struct vfs *vfs)
{
	vfs->loses = false;
	settings_register_again(sm, number);
}

static void take_write(struct sm *sm, uint32_t number, const struct answer *answer)
{
	unsigned block = TAG_BLOCK(answer->request->tag);
	struct vfs *vfs = aliases_of(sm, number);

	if (!vfs)
		return;
	if (answer->result == REQUEST_REFUSED) {
		write_failed(sm, number, answer);
		return;
	}
	if (note_block(sm, number, block, answer->data) == 0)
		settle_block(sm, number, block);
	if (!is_kept(sm, number, answer))
		write_failed(sm, number, answer);
	else if (vfs->loses)
		register_again(sm, number, vfs);
	/* Somebody asked for more meanwhile. */
	if (aliases_are_to_be_written(sm, number, block))
		work_add(sm, sm->fabric.ports[number].node, TODO(TODO_GUID_WRITE));
}

void aliases_take(struct sm *sm, uint32_t number, const struct answer *answer)
{
	enum todo kind = TAG_KIND(answer->request->tag);

	if (answer->result == REQUEST_LOST) {
		if (kind == TODO_GUID_READ)
			sm->fabric.ports[number].guids_read = false;
		if (aliases_of(sm, number))
			aliases_of(sm, number)->guids_known &=
				~bit_of(TAG_BLOCK(answer->request->tag));
		work_add(sm, sm->fabric.ports[number].node, TODO(kind));
	} else if (kind == TODO_GUID_READ) {
		take_read(sm, number, answer);
	} else {
		take_write(sm, number, answer);
	}
}

/* -- why a VF is as it is -----------------------------------------------------------------------
 */

static enum reason reason_of(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_of(&sm->fabric, e);
	const struct vfs *vfs = sm->fabric.ports[e.port].vfs;

	if (vf->duplicate)
		return REASON_VF_DUPLICATE_GUID;
	if (vf->guid != vf->wanted) {
		if (vfs->guids_fault.reason != REASON_NONE)
			return (enum reason)vfs->guids_fault.reason;
		return vf->wanted ? REASON_IN_PROGRESS : (enum reason)vf->reason;
	}
	/* What was refused is said of an entry that has nothing. */
	if (!vf->guid)
		return (enum reason)vf->reason;

	return endpoint_is_active(&sm->fabric, e) ? REASON_NONE : REASON_VF_PF_DOWN;
}

void aliases_update_reasons(struct sm *sm, uint32_t number)
{
	struct vfs *vfs = aliases_of(sm, number);

	for (unsigned i = 1; vfs && i < vfs->n; i++) {
		enum reason reason = reason_of(sm, (struct endpoint){ number, (uint16_t)i });

		if (vfs->vf[i].reason == reason)
			continue;
		vfs->vf[i].reason = (uint8_t)reason;
		vfs->vf[i].since = loop_now(sm->loop);
	}
}
