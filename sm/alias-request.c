/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Alias GUIDs that a driver asks for, or gives back, by GuidInfoRecords (the rules of the MAD
 * itself are in sa/guid-record.c). Who may: the node that has the port, our own port, and whom the
 * operator trusts. Each entry is decided by itself; one that is refused stays as it is, which the
 * answer shows, and the operator is told why.
 *
 * A change goes to the disk, and then to the device by the SMPs that differ and nothing else;
 * sweeps find it done. A driver looks at these SMPs: what it saw there must not be otherwise after
 * a restart. The answer waits (registration.c) until the device has acknowledged it, so that what
 * is answered is true and stays so. mlx4 does not mind: it learns its GUIDs by looking at the SMP,
 * and a VF is up with whatever comes second.
 *
 * An entry that leaves the choice to us keeps what it has, else gets what it had before, else the
 * next of the pool; where rules say which GUIDs may be there, these are the pool.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* GUIDs of a pool that are looked at for one entry. */
#define CANDIDATES_MAX 65536u

/* -- who may ------------------------------------------------------------------------------------
 */

static bool may_change(const struct sm *sm, const struct guids_change *change)
{
	const struct fabric *f = &sm->fabric;

	if (change->requester == NO_PORT)
		return false;
	if (change->requester == f->local_port ||
	    node_of(f, change->requester) == node_of(f, change->port))
		return true;

	switch (sm->conf.alias_guids) {
	case CONF_ALIAS_GUIDS_OWN:
		return false;
	case CONF_ALIAS_GUIDS_TRUSTED:
		return admin_trusts(&sm->conf, f->ports[change->requester].guid);
	case CONF_ALIAS_GUIDS_ANY:
		return true;
	}

	return false;
}

/* It is not known yet who holds what, or what the rules are. */
static bool is_too_early(const struct sm *sm, uint32_t number)
{
	const struct vfs *vfs = sm->fabric.ports[number].vfs;

	return (sm->adopting && sm->phase < PHASE_PLAN) || aliases_are_unread(sm, number) ||
	       (vfs && vfs->guids_fresh) || !vf_rule_is_known(sm, number);
}

/* -- a GUID for who asks for any ----------------------------------------------------------------
 */

/* Of @pool, from @guid on, which is in it. That the port has room for one more was looked at. */
static uint64_t search(const struct sm *sm, struct endpoint e, const struct vf_range *pool,
		       uint64_t guid)
{
	uint64_t size = pool->last - pool->first;

	for (uint64_t i = 0; i <= MIN(size, CANDIDATES_MAX - 1); i++) {
		const struct alias *alias = alias_book_find(&sm->aliases.book, guid);

		/* What is reserved, or another may get again, is not for who takes any. */
		if (guid != 0 && !alias && !reservations_find(&sm->reservations, guid) &&
		    aliases_obstacle(sm, e, guid) == REASON_NONE)
			return guid;
		guid = guid == pool->last ? pool->first : guid + 1;
	}

	return 0;
}

static uint64_t search_pool(struct sm *sm, struct endpoint e)
{
	const struct vf_policy *policy = vf_rule_of(sm, e.port);
	struct vf_range pool = { sm->conf.guid_pool_first, sm->conf.guid_pool_last };
	uint64_t from = sm->aliases.next_of_pool;
	uint64_t guid = 0;

	if (pool.last == 0 || pool.first > pool.last)
		return 0;
	if (!policy || policy->n_ranges == 0) {
		if (from < pool.first || from > pool.last)
			from = pool.first;
		guid = search(sm, e, &pool, from);
		sm->aliases.next_of_pool = guid ? guid + 1 : from + CANDIDATES_MAX;
		return guid;
	}
	for (unsigned i = 0; i < policy->n_ranges && guid == 0; i++)
		guid = search(sm, e, &policy->range[i], policy->range[i].first);

	return guid;
}

static uint64_t choose(struct sm *sm, struct endpoint e)
{
	const struct alias *former =
		alias_book_at(&sm->aliases.book, sm->fabric.ports[e.port].guid, e.index);

	if (former && aliases_refusal(sm, e, former->guid) == REASON_NONE)
		return former->guid;

	return search_pool(sm, e);
}

/* -- changes ------------------------------------------------------------------------------------
 */

static uint64_t wanted_of(const struct sm *sm, struct endpoint e)
{
	const struct vf *vf = vf_at(&sm->fabric, e.port, e.index);

	return vf ? vf->wanted : 0;
}

static enum reason set_entry(struct sm *sm, struct endpoint e, uint64_t guid)
{
	uint64_t had = wanted_of(sm, e);
	enum reason reason;
	int r;

	if (had != 0 && (guid == 0 || guid == had))
		return REASON_NONE;
	if (guid == 0 && e.index < aliases_capacity(sm, e.port) && aliases_have_room(sm, e)) {
		guid = choose(sm, e);
		if (guid == 0)
			return REASON_VF_NO_GUID_LEFT;
	}
	reason = aliases_refusal(sm, e, guid);
	if (reason != REASON_NONE)
		return reason;
	r = aliases_want(sm, e, guid);
	if (r < 0)
		return r == -ENOMEM ? REASON_OUT_OF_MEMORY : REASON_VF_NO_GUID_LEFT;

	return REASON_NONE;
}

static enum reason change_entry(struct sm *sm, const struct guids_change *change, unsigned i)
{
	struct endpoint e = { change->port, (uint16_t)(change->block * GUID_BLOCK + i) };

	if (!change->is_delete)
		return set_entry(sm, e, change->guid[i]);

	return aliases_unwant(sm, e) < 0 ? REASON_OUT_OF_MEMORY : REASON_NONE;
}

/* That nothing is left for anybody is the answer; that something is refused, the entry says. */
static uint16_t change_entries(struct sm *sm, const struct guids_change *change)
{
	unsigned asked = 0, lacking = 0;

	for (unsigned i = 0; i < GUID_BLOCK; i++) {
		struct endpoint e = { change->port, (uint16_t)(change->block * GUID_BLOCK + i) };
		enum reason reason;

		if (!(change->entries >> i & 1))
			continue;
		reason = change_entry(sm, change, i);
		asked++;
		lacking += reason == REASON_VF_NO_GUID_LEFT || reason == REASON_OUT_OF_MEMORY;
		if (reason != REASON_NONE && e.index < aliases_capacity(sm, e.port))
			aliases_tell(sm, e, change->guid[i], reason);
	}

	return asked > 0 && lacking == asked ? STATUS_SA_NO_RESOURCES : STATUS_OK;
}

/* A GUID that is in a multicast group cannot be given back: one leaves first. */
static bool is_in_a_group(const struct sm *sm, const struct guids_change *change)
{
	for (unsigned i = 0; i < GUID_BLOCK; i++) {
		struct endpoint e = { change->port, (uint16_t)(change->block * GUID_BLOCK + i) };
		uint64_t guid = change->entries >> i & 1 ? wanted_of(sm, e) : 0;

		if (guid != 0 && multicast_is_member(sm, guid))
			return true;
	}

	return false;
}

/* -- waiting for it -----------------------------------------------------------------------------
 */

/* Nothing more is to come: it is written, refused, or the device cannot be asked. */
bool aliases_are_done(const struct sm *sm, uint32_t number, unsigned block)
{
	const struct node *node = node_of(&sm->fabric, number);

	return !aliases_are_to_be_written(sm, number, block) ||
	       (node->work.in_flight == 0 && !(node->work.todo & TODO(TODO_GUID_WRITE)));
}

/* A reconcile under way counts it, with all else that it does; otherwise it counts itself. */
void aliases_settle(struct sm *sm)
{
	bool all = sm->applied == sm->generation;

	if (!sm->aliases.changed || sm->phase != PHASE_REST || sm->n_busy > 0)
		return;
	sm->aliases.changed = false;
	sm->generation++;
	if (all)
		sm->applied = sm->generation;
}

/* -- requests -----------------------------------------------------------------------------------
 */

void aliases_write(struct sm *sm, uint32_t number)
{
	work_add(sm, sm->fabric.ports[number].node, TODO(TODO_GUID_WRITE));
}

uint16_t aliases_change(struct sm *sm, const struct guids_change *change, bool *ret_later)
{
	struct aliases *a = &sm->aliases;
	uint64_t handed = sm->registrations.handed;
	uint16_t status;

	*ret_later = false;
	if (!may_change(sm, change))
		return STATUS_SA_REQ_DENIED;
	if (is_too_early(sm, change->port))
		return STATUS_BUSY;
	if (change->is_delete && is_in_a_group(sm, change))
		return STATUS_SA_REQ_DENIED;
	status = change_entries(sm, change);
	if (sm->registrations.handed != handed)
		a->changed = a->changed || sm->phase == PHASE_REST;
	registrations_wait(sm);
	if (registrations_are_safe(&sm->registrations))
		aliases_write(sm, change->port);
	if (status != STATUS_OK || (registrations_are_safe(&sm->registrations) &&
				    aliases_are_done(sm, change->port, change->block)))
		return status;
	registrations_hold_block(sm, change->request, change->port, change->block);
	*ret_later = true;

	return STATUS_OK;
}
