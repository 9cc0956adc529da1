/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How groups begin and end, and what the store has of them and of memberships. Hosts ask for most
 * of it (multicast-join.c), and leave without a word (multicast-lapse.c).
 *
 * Groups of partitions.conf are there from the start, and as long as it names them: hosts may join
 * before anything else is ready. The others live as long as they have a member that counts.
 *
 * In the store is a row for each membership, and for each group that has some. A group of the file
 * has one only while it has members: without any, nobody knows its MLID.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/multicast-inside.h"

/* -- members ------------------------------------------------------------------------------------
 */

uint32_t multicast_exit_of(const struct fabric *f, struct endpoint e)
{
	const struct port *port = &f->ports[e.port];

	if (!port->present || !node_of(f, e.port)->present)
		return NO_PORT;
	if (node_is_switch(node_of(f, e.port)))
		return port->number == 0 ? e.port : NO_PORT;
	if (port->peer == NO_PORT || !node_is_switch(node_of(f, port->peer)))
		return NO_PORT;

	return port->peer;
}

bool multicast_has_key(const struct sm *sm, struct endpoint e, uint16_t pkey)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = pkeys_of_endpoint(sm, e, keys, FABRIC_MAX_PKEYS);

	for (unsigned i = 0; i < MIN(n, FABRIC_MAX_PKEYS); i++)
		if ((keys[i] & 0x7fff) == (pkey & 0x7fff))
			return true;

	return false;
}

/* -- the store ----------------------------------------------------------------------------------
 */

struct kept_registration multicast_row_of_group(const struct group *group,
						uint8_t blob[static GROUP_BLOB_SIZE])
{
	group_to_blob(group, blob);

	return (struct kept_registration){
		.kind = KEPT_GROUP, .id = group->id, .blob = blob, .size = GROUP_BLOB_SIZE
	};
}

struct kept_registration multicast_row_of_member(const struct group *group,
						 const struct group_member *member,
						 uint8_t blob[static MEMBER_BLOB_SIZE])
{
	group_member_to_blob(member, group->mgid, blob);

	return (struct kept_registration){
		.kind = KEPT_GROUP_MEMBER, .id = member->id, .blob = blob, .size = MEMBER_BLOB_SIZE
	};
}

static struct group *find_by_id(const struct group_book *book, uint64_t id)
{
	for (uint32_t i = 0; i < book->n; i++)
		if (book->by_mgid[i]->id == id)
			return book->by_mgid[i];

	return NULL;
}

/* That of the file stays, as before anybody was member. */
static void restore_no_group(struct sm *sm, uint64_t id)
{
	struct group *group = find_by_id(&sm->multicast->book, id);

	if (!group)
		return;
	multicast_touch(sm, group->mlid);
	if (group->is_given)
		group->id = 0;
	else
		group_remove(&sm->multicast->book, group);
}

void multicast_restore_group(struct sm *sm, const struct kept_registration *kept)
{
	struct group read, *group;
	int r;

	if (kept->size == 0) {
		restore_no_group(sm, kept->id);
		return;
	}
	if (!group_from_blob(kept->blob, kept->size, &read)) {
		registration_refuse(sm, KEPT_GROUP, kept->id);
		return;
	}
	group = group_find(&sm->multicast->book, read.mgid);
	if (group && group->id != 0 && group->id != kept->id)
		registration_refuse(sm, KEPT_GROUP, group->id);
	r = group ? 0 : group_add(&sm->multicast->book, &read, &group);
	if (r == 0)
		group->id = kept->id;
	else if (r == -ENOSPC)
		registration_refuse(sm, KEPT_GROUP, kept->id);
}

/* A member that was not there has a row without content, and so its number alone. */
static void restore_no_member(struct sm *sm, uint64_t id)
{
	struct group_book *book = &sm->multicast->book;

	for (uint32_t i = 0; i < book->n; i++)
		for (uint32_t j = 0; j < book->by_mgid[i]->n; j++)
			if (book->by_mgid[i]->members[j].id == id) {
				multicast_touch(sm, book->by_mgid[i]->mlid);
				group_drop_member(book, book->by_mgid[i],
						  book->by_mgid[i]->members[j].guid);
				return;
			}
}

static void put_read_member(struct sm *sm, struct group *group, const struct group_member *member)
{
	const struct group_member *there = group ? group_member_find(group, member->guid) : NULL;
	int r;

	if (there && there->id != 0 && there->id != member->id)
		registration_refuse(sm, KEPT_GROUP_MEMBER, there->id);
	r = group ? group_put_member(&sm->multicast->book, group, member) : -ENOSPC;
	if (r == 0)
		multicast_touch(sm, group->mlid);
	else if (r == -ENOSPC)
		registration_refuse(sm, KEPT_GROUP_MEMBER, member->id);
}

static void put_aside(struct sm *sm, const uint8_t mgid[static 16],
		      const struct group_member *member)
{
	struct multicast *m = sm->multicast;
	struct early_member *early;

	if (m->n_early >= MEMBERS_MAX) {
		registration_refuse(sm, KEPT_GROUP_MEMBER, member->id);
		return;
	}
	if (array_make_room(&m->early, m->n_early, &m->early_room, 16, sizeof(*m->early)) < 0)
		return;
	early = &m->early[m->n_early++];
	early->member = *member;
	memcpy(early->mgid, mgid, sizeof(early->mgid));
}

void multicast_restore_member(struct sm *sm, const struct kept_registration *kept)
{
	struct group_member member;
	struct group *group;
	uint8_t mgid[16];

	if (kept->size == 0) {
		restore_no_member(sm, kept->id);
		return;
	}
	if (!group_member_from_blob(kept->blob, kept->size, &member, mgid)) {
		registration_refuse(sm, KEPT_GROUP_MEMBER, kept->id);
		return;
	}
	member.id = kept->id;
	group = group_find(&sm->multicast->book, mgid);
	if (group)
		put_read_member(sm, group, &member);
	else
		put_aside(sm, mgid, &member);
}

static int forget_row(struct sm *sm, enum kept_registration_kind kind, uint64_t id,
		      const struct kept_registration *former)
{
	return registration_keep(sm, &(struct kept_registration){ .kind = kind, .id = id }, former);
}

/* The store has told all: who has no group is member of nothing, there neither. */
static void settle_early_members(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	for (uint32_t i = 0; i < m->n_early; i++) {
		const struct early_member *early = &m->early[i];

		put_read_member(sm, group_find(&m->book, early->mgid), &early->member);
	}
	registrations_loaded(sm);
	free(TAKE(m->early));
	m->n_early = m->early_room = 0;
}

/* -- ends ---------------------------------------------------------------------------------------
 */

/* Nobody who counts is there, nor does the file name it. */
static void end_group(struct sm *sm, struct group *group)
{
	uint8_t blob[GROUP_BLOB_SIZE], member_blob[MEMBER_BLOB_SIZE];

	for (uint32_t i = 0; i < group->n; i++) {
		struct kept_registration former =
			multicast_row_of_member(group, &group->members[i], member_blob);

		forget_row(sm, KEPT_GROUP_MEMBER, group->members[i].id, &former);
	}
	if (group->id) {
		struct kept_registration former = multicast_row_of_group(group, blob);

		forget_row(sm, KEPT_GROUP, group->id, &former);
	}
	multicast_touch(sm, group->mlid);
	multicast_tell_group(sm, group, false);
	group_remove(&sm->multicast->book, group);
}

void multicast_look_at_group(struct sm *sm, struct group *group)
{
	uint8_t blob[GROUP_BLOB_SIZE];
	struct kept_registration former;

	if (group->n_count == 0 && !group->is_given) {
		end_group(sm, group);
	} else if (group->n == 0 && group->id) {
		former = multicast_row_of_group(group, blob);
		if (forget_row(sm, KEPT_GROUP, group->id, &former) == 0)
			group->id = 0;
	}
}

int multicast_leave(struct sm *sm, struct group *group, uint64_t guid, uint8_t states)
{
	struct group_member *member = group_member_find(group, guid);
	uint8_t blob[MEMBER_BLOB_SIZE], new_blob[MEMBER_BLOB_SIZE];
	struct kept_registration former, now;
	struct group_member left;
	int r;

	if (!member)
		return 0;
	left = *member;
	left.states = (uint8_t)(member->states & ~states);
	former = multicast_row_of_member(group, member, blob);
	now = left.states
		      ? multicast_row_of_member(group, &left, new_blob)
		      : (struct kept_registration){ .kind = KEPT_GROUP_MEMBER, .id = member->id };
	r = registration_keep(sm, &now, &former);
	if (r < 0)
		return r;
	multicast_touch(sm, group->mlid);
	if (left.states)
		group_put_member(&sm->multicast->book, group, &left);
	else
		group_drop_member(&sm->multicast->book, group, guid);
	multicast_look_at_group(sm, group);

	return 0;
}

bool multicast_is_member(const struct sm *sm, uint64_t guid)
{
	const struct group_holder *holder = group_holder_find(&sm->multicast->book, guid);

	return holder && holder->n > 0;
}

/* -- groups of partitions.conf ------------------------------------------------------------------
 */

static void give_group(struct sm *sm, const struct partition *partition,
		       const struct partition_params *params, const uint8_t mgid[static 16])
{
	struct group_book *book = &sm->multicast->book;
	struct group *group = group_find(book, mgid);
	struct group given = {
		.q_key = params->q_key,
		.flow_label = params->flow_label,
		.pkey = partition->pkey | 0x8000,
		.mtu = params->mtu,
		.rate = params->rate,
		.life = (uint8_t)sm->conf.subnet_timeout,
		.sl_wanted = sm->conf.qos ? params->sl : 0, /* see sa/path-qos.c */
		.tclass = params->tclass,
		.hop_limit = mgid_scope(mgid) == SCOPE_LINK_LOCAL ? 0 : 0xff,
		.scope = mgid_scope(mgid),
		.is_given = true,
	};

	memcpy(given.mgid, mgid, 16);
	/* After a restart levels are not known yet, and it is told already. */
	given.sl = group && group->sl_wanted == given.sl_wanted
			   ? group->sl
			   : lanes_group_level(sm, given.sl_wanted);
	if (group) {
		given.id = group->id;
		given.creator = group->creator;
		given.mlid = group->mlid;
		given.members = group->members;
		given.n = group->n;
		given.room = group->room;
		given.n_count = group->n_count;
		given.next = group->next;
		*group = given;
		return;
	}
	given.mlid = group_choose_mlid(book, &given, 0, MLIDS_MAX);
	if (given.mlid == 0 || group_add(book, &given, &group) < 0)
		log_error("There is no room for a multicast group of partition \"%s\"",
			  partition->name);
}

/* One for each scope that the file says; of an MGID that it gives, else that of itself. */
static void give_scopes(struct sm *sm, const struct partition *partition,
			const struct partition_params *params, const uint8_t mgid[static 16],
			uint16_t otherwise)
{
	uint16_t scopes = params->scopes ? params->scopes : otherwise;
	uint8_t scoped[16];

	memcpy(scoped, mgid, sizeof(scoped));
	for (unsigned scope = 0; scope < 16; scope++) {
		scoped[1] = (uint8_t)((mgid[1] & 0xf0) | scope);
		if (scopes >> scope & 1)
			give_group(sm, partition, params, scoped);
	}
}

static void give_groups(struct sm *sm, const struct partition *partition)
{
	uint8_t mgid[16];

	mgid_of_broadcast(partition->pkey, SCOPE_LINK_LOCAL, mgid);
	if (partition->ipoib)
		give_scopes(sm, partition, &partition->params, mgid, 1u << SCOPE_LINK_LOCAL);
	for (size_t i = 0; i < partition->n_groups; i++) {
		const struct partition_group *group = &partition->groups[i];

		give_scopes(sm, partition, &group->params, group->mgid,
			    (uint16_t)(1u << mgid_scope(group->mgid)));
	}
}

static void take_back_groups(struct sm *sm)
{
	struct group_book *book = &sm->multicast->book;

	for (uint32_t i = book->n; i-- > 0;) {
		struct group *group = book->by_mgid[i];

		if (group->was_given && !group->is_given)
			multicast_look_at_group(sm, group);
	}
}

void multicast_use_partitions(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	for (uint32_t i = 0; i < m->book.n; i++) {
		m->book.by_mgid[i]->was_given = m->book.by_mgid[i]->is_given;
		m->book.by_mgid[i]->is_given = false;
	}
	for (size_t i = 0; i < sm->partitions->n; i++)
		give_groups(sm, &sm->partitions->partitions[i]);
	settle_early_members(sm);
	take_back_groups(sm);
	multicast_touch_all(sm);
}

/* -- life ---------------------------------------------------------------------------------------
 */

int multicast_init(struct sm *sm)
{
	int r;

	sm->multicast = calloc(1, sizeof(*sm->multicast));
	if (!sm->multicast)
		return -ENOMEM;
	r = multicast_plan_init(sm);
	if (r == 0)
		r = multicast_lapse_init(sm);

	return r;
}

const struct group_book *sm_groups(const struct sm *sm)
{
	return &sm->multicast->book;
}

void multicast_stop(struct sm *sm)
{
	loop_timer_stop(sm->multicast->timer);
	loop_timer_stop(sm->multicast->leave_timer);
}

void multicast_done(struct sm *sm)
{
	if (!sm->multicast)
		return;
	multicast_plan_done(sm);
	loop_timer_free(sm->multicast->leave_timer);
	free(sm->multicast->early);
	group_book_done(&sm->multicast->book);
	free(sm->multicast);
}
