/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is to have which alias GUID: the book, what is in the way of a line of it, and what may be
 * written into it. Every change goes to the store; nothing here asks or tells devices. A GUID that
 * is for an entry of a port that is away may be asked for by another: who comes last has it.
 */

#include <errno.h>
#include <inttypes.h>

#include "base/macros.h"
#include "sm/machine.h"

#define GUID_OF_SA UINT64_C(0x0200000000000002) /* of any, IBA 4.1.1 */

#define TOLD_MORE      8u
#define TOLD_HALF_LIFE (60 * LOOP_SEC)

/* The virtual ports of ConnectX-4 and later are told their GUIDs by the host. */
unsigned aliases_capacity(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];

	if (node_of(&sm->fabric, number)->type != NODE_TYPE_CA || port->number == 0 ||
	    vports_are_announced(sm, number))
		return 0;

	return (unsigned)wire_get(port->info, PORT_INFO_GUID_CAP);
}

/* For entry @index and the others of its block. */
int aliases_make_room(struct sm *sm, uint32_t number, unsigned index)
{
	unsigned n = MIN(index / GUID_BLOCK * GUID_BLOCK + GUID_BLOCK, ALIAS_INDEX_LAST + 1);
	bool is_new = !sm->fabric.ports[number].vfs;
	int r = vfs_make(&sm->fabric, number, VF_SHARED, 0);
	struct vfs *vfs = sm->fabric.ports[number].vfs;
	unsigned before;

	if (r < 0)
		return r;
	if (vfs->model != VF_SHARED)
		return -EEXIST;
	/* What was read of a port without any was empty. */
	if (is_new && sm->fabric.ports[number].guids_read)
		vfs->guids_known = UINT64_MAX;
	before = vfs->n;
	r = vfs_make(&sm->fabric, number, VF_SHARED, n);
	for (unsigned i = before; i < vfs->n; i++)
		vfs->vf[i].since = loop_now(sm->loop);

	return r;
}

/* -- the book -----------------------------------------------------------------------------------
 */

static void keep(struct sm *sm, const struct kept_alias *alias)
{
	keep_alias(sm->keeper, alias);
	registrations_note(sm);
	sm->unkept = true;
}

static void forget_line(struct sm *sm, uint64_t guid)
{
	alias_book_forget(&sm->aliases.book, guid);
	keep(sm, &(struct kept_alias){ .guid = guid });
}

void aliases_load(struct sm *sm, const struct kept_alias *kept)
{
	if (alias_book_put(&sm->aliases.book, kept->guid, kept->port, kept->index, kept->wanted) <
	    0)
		log_warning("Alias GUID 0x%016" PRIx64 " in the state directory is left out",
			    kept->guid);
}

static int put_line(struct sm *sm, struct endpoint e, uint64_t guid, bool wanted)
{
	struct alias_book *book = &sm->aliases.book;
	uint64_t port = sm->fabric.ports[e.port].guid;
	const struct alias *former = alias_book_at(book, port, e.index);
	uint64_t gone = former && former->guid != guid ? former->guid : 0;
	uint64_t dispensable;
	int r = alias_book_put(book, guid, port, e.index, wanted);

	if (r == -ENOSPC && (dispensable = alias_book_dispensable(book)) != 0) {
		forget_line(sm, dispensable);
		r = alias_book_put(book, guid, port, e.index, wanted);
	}
	if (r < 0)
		return r;
	if (gone)
		keep(sm, &(struct kept_alias){ .guid = gone });
	keep(sm, &(struct kept_alias){
			 .guid = guid, .port = port, .index = (uint8_t)e.index, .wanted = wanted });

	return 0;
}

/* Who had it until now, and is away, does without from the next plan on. */
int aliases_want(struct sm *sm, struct endpoint e, uint64_t guid)
{
	int r = aliases_make_room(sm, e.port, e.index);

	if (r < 0)
		return r;
	r = put_line(sm, e, guid, true);
	if (r < 0)
		return r;
	vf_of(&sm->fabric, e)->wanted = guid;
	vf_of(&sm->fabric, e)->reason = REASON_IN_PROGRESS;
	vf_of(&sm->fabric, e)->refusal = REASON_NONE;

	return 0;
}

int aliases_unwant(struct sm *sm, struct endpoint e)
{
	const struct alias *alias =
		alias_book_at(&sm->aliases.book, sm->fabric.ports[e.port].guid, e.index);
	struct vf *vf = vf_at(&sm->fabric, e.port, e.index);

	if (vf) {
		vf->wanted = 0;
		vf->reason = REASON_NONE;
		vf->refusal = REASON_NONE;
	}

	return alias && alias->wanted ? put_line(sm, e, alias->guid, false) : 0;
}

/* -- what is in the way -------------------------------------------------------------------------
 */

/* Who is to move goes on where it is, but is given its GUID at no other place any more. */
enum reason aliases_obstacle(const struct sm *sm, struct endpoint e, uint64_t guid)
{
	struct endpoint owner = endpoint_find(&sm->fabric, guid);
	const struct kept_reservation *reserved = reservations_find(&sm->reservations, guid);

	if (guid == UINT64_MAX || guid == GUID_OF_SA ||
	    !vf_policy_allows(vf_rule_of(sm, e.port), guid) ||
	    !reservation_may_be_at(reserved, sm->fabric.ports[e.port].guid))
		return REASON_VF_NOT_ALLOWED;
	if (owner.port != NO_PORT && !endpoint_is(owner, e))
		return REASON_VF_DUPLICATE_GUID;
	if (owner.port == NO_PORT && !moves_may_be_at(sm, guid, e.port))
		return REASON_VF_NOT_ALLOWED;

	return REASON_NONE;
}

bool aliases_have_room(const struct sm *sm, struct endpoint e)
{
	const struct vf_policy *policy = vf_rule_of(sm, e.port);
	const struct alias *alias = NULL;
	unsigned n = 0;

	while ((alias = alias_book_next(&sm->aliases.book, sm->fabric.ports[e.port].guid, alias)))
		n += alias->wanted && alias->index != e.index;

	return !policy || n < policy->max;
}

/* Is another entry to have it, which is there, and will it, as far as is known? */
static bool is_for_another(const struct sm *sm, struct endpoint e, uint64_t guid)
{
	const struct fabric *f = &sm->fabric;
	const struct alias *alias = alias_book_find(&sm->aliases.book, guid);
	struct endpoint other = { NO_PORT, 0 };

	if (alias && alias->wanted)
		other = (struct endpoint){ fabric_find_port(f, alias->port), alias->index };

	return other.port != NO_PORT && node_of(f, other.port)->present &&
	       other.index < aliases_capacity(sm, other.port) && !endpoint_is(other, e) &&
	       (endpoint_find(f, guid).port != NO_PORT || moves_may_be_at(sm, guid, other.port));
}

enum reason aliases_refusal(const struct sm *sm, struct endpoint e, uint64_t guid)
{
	if (e.index >= aliases_capacity(sm, e.port) || !aliases_have_room(sm, e))
		return REASON_VF_TOO_MANY;
	if (is_for_another(sm, e, guid))
		return REASON_VF_DUPLICATE_GUID;

	return aliases_obstacle(sm, e, guid);
}

/* So that a host cannot fill the log: of all its VFs, and a few more, within some minutes. */
static bool may_be_told(struct sm *sm, struct vfs *vfs)
{
	uint32_t most = (vfs->n + TOLD_MORE) * DAMPING_EVENT;

	return damping_charge(&vfs->refusals, loop_now(sm->loop), TOLD_HALF_LIFE, most) < most;
}

/*
 * False: it is no news. A driver asks again and again for what it was refused, until it is to ask
 * for something else; and who keeps what it has is well.
 */
static bool note_refusal(struct sm *sm, struct endpoint e, uint64_t guid, enum reason reason)
{
	struct vf *vf = vf_of(&sm->fabric, e);

	if (!vf->wanted && vf->reason != reason) {
		vf->reason = (uint8_t)reason;
		vf->since = loop_now(sm->loop);
	}
	if ((vf->refused == guid && vf->refusal == (uint8_t)reason) ||
	    !may_be_told(sm, sm->fabric.ports[e.port].vfs))
		return false;
	vf->refused = guid;
	vf->refusal = (uint8_t)reason;

	return true;
}

void aliases_tell(struct sm *sm, struct endpoint e, uint64_t guid, enum reason reason)
{
	struct log_where where = where_of_port(sm, e.port);
	char limit[VF_LIMIT_SIZE];

	if (aliases_make_room(sm, e.port, e.index) < 0 || !note_refusal(sm, e, guid, reason))
		return;
	vf_limit_text(sm, e.port, reason, limit);
	if (guid == 0)
		event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
			  "virtual function %u: %s%s", e.index, reason_sentence(reason), limit);
	else
		event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
			  "alias GUID 0x%016" PRIx64 " of virtual function %u: %s%s", guid, e.index,
			  reason_sentence(reason), limit);
}
