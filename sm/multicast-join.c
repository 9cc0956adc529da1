/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Requests to join and to leave: a Set or Delete of an MCMemberRecord (IBA 15.2.5.17), whose rules
 * are here. Statuses are those of opensm, on which clients were tested; doc/sa.md has what differs.
 *
 * For whom: the port that asks; a virtual function of it, if the physical one asks or they share
 * the port's driver; or anybody, for whom then it is a proxy, if both have the P_Key of the group.
 * Nobody leaves but by who has joined: the port itself, or of a proxy's member whoever has the key.
 * Who has joined itself is no proxy's any more, who may join for it only what it is already; and
 * what a proxy makes is counted as its own.
 *
 * A group is made by the first that joins as a member that counts, and says all that others have
 * to go by; who joins later may say any of it again, and then it has to be the same. Drivers of
 * IPoIB say nothing in the request for the broadcast group, and copy what they are told into all
 * others. What is not said of MTU and rate is what the port has.
 *
 * A request that comes twice changes something once: it is a join of who is there already. Where
 * the MGID is ours to choose, the TID tells.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/multicast-inside.h"
#include "sm/sa/bound.h"
#include "sm/sa/rate.h"

/* Of refusals, and of groups that come and go: some at once, and then one now and then. */
#define TOLD_AT_ONCE   32u
#define TOLD_HALF_LIFE (30 * LOOP_SEC)

/* Bits of the ComponentMask */
#define HAS(n) (UINT64_C(1) << (n))
enum {
	WANT_MGID = 0,
	WANT_PORT_GID = 1,
	WANT_QKEY = 2,
	WANT_MLID = 3,
	WANT_MTU_SELECTOR = 4,
	WANT_MTU = 5,
	WANT_TCLASS = 6,
	WANT_PKEY = 7,
	WANT_RATE_SELECTOR = 8,
	WANT_RATE = 9,
	WANT_LIFE_SELECTOR = 10,
	WANT_LIFE = 11,
	WANT_SL = 12,
	WANT_FLOW_LABEL = 13,
	WANT_HOP_LIMIT = 14,
	WANT_SCOPE = 15,
	WANT_JOIN_STATE = 16,
};

#define NEEDED (HAS(WANT_MGID) | HAS(WANT_PORT_GID) | HAS(WANT_JOIN_STATE))
#define NEEDED_MAKE                                                                                \
	(HAS(WANT_QKEY) | HAS(WANT_TCLASS) | HAS(WANT_PKEY) | HAS(WANT_SL) | HAS(WANT_FLOW_LABEL))

struct wish {
	struct sm *sm;
	const struct member_change *change;
	const uint8_t *record;
	uint64_t mask;
	uint64_t prefix;   /* of the PortGID */
	struct endpoint e; /* who is to be member; port NO_PORT: nobody has the PortGID */
	uint64_t guid;
	uint64_t maker; /* of a group: it, or the proxy that asks */
	uint8_t states;
	bool is_own;     /* else it is a proxy that asks */
	const char *why; /* it is refused */
};

static bool says(const struct wish *w, unsigned component)
{
	return w->mask >> component & 1;
}

static uint16_t refuse(struct wish *w, uint16_t status, const char *why)
{
	w->why = why;

	return status;
}

/* -- who ----------------------------------------------------------------------------------------
 */

static uint16_t read_wish(struct sm *sm, const struct member_change *change, struct wish *ret)
{
	struct wish w = { .sm = sm,
			  .change = change,
			  .record = change->record,
			  .mask = change->mask,
			  .e = change->member,
			  .is_own = change->is_own };

	w.prefix = wire_get64(w.record + MC_MEMBER_PORT_GID_OFFSET, 0);
	w.guid = wire_get64(w.record + MC_MEMBER_PORT_GID_OFFSET, 1);
	w.states = (uint8_t)wire_get(w.record, MCM_JOIN_STATE);
	*ret = w;
	if ((w.mask & NEEDED) != NEEDED)
		return refuse(ret, STATUS_SA_INSUFFICIENT_COMPONENTS,
			      "it does not say MGID, PortGID and JoinState");
	if (change->requester.port == NO_PORT)
		return refuse(ret, STATUS_SA_REQ_DENIED, "nobody has the LID that it came from");
	if (w.e.port == NO_PORT)
		return refuse(ret, STATUS_SA_INVALID_GID, "nobody has that PortGID");
	ret->maker = w.is_own ? w.guid : endpoint_guid(&sm->fabric, change->requester);
	if (w.states == 0)
		return refuse(ret, STATUS_SA_REQ_INVALID, "its JoinState is 0");

	return STATUS_OK;
}

static bool has_keys(const struct wish *w, uint16_t pkey)
{
	return multicast_has_key(w->sm, w->e, pkey) &&
	       (w->is_own || multicast_has_key(w->sm, w->change->requester, pkey));
}

/* -- what ---------------------------------------------------------------------------------------
 */

static struct bound bound_of(const struct wish *w, unsigned selector_bit, enum wire_field selector,
			     enum wire_field value)
{
	return bound_read(w->record, says(w, selector_bit) && says(w, selector_bit + 1), selector,
			  value);
}

/* It says nothing of it, or the same. */
static bool agrees(const struct wish *w, unsigned component, enum wire_field field, uint64_t has)
{
	return !says(w, component) || wire_get(w->record, field) == has;
}

/* What all groups of IP have in common with the broadcast group, and who joins with a group. */
static bool agrees_with(const struct wish *w, const struct group *group)
{
	bool key = !says(w, WANT_PKEY) ||
		   ((wire_get(w->record, MCM_PKEY) ^ group->pkey) & 0x7fff) == 0;

	return key && agrees(w, WANT_QKEY, MCM_QKEY, group->q_key) &&
	       agrees(w, WANT_TCLASS, MCM_TCLASS, group->tclass) &&
	       (agrees(w, WANT_SL, MCM_SL, group->sl) ||
		agrees(w, WANT_SL, MCM_SL, group->sl_wanted)) &&
	       agrees(w, WANT_FLOW_LABEL, MCM_FLOW_LABEL, group->flow_label) &&
	       agrees(w, WANT_HOP_LIMIT, MCM_HOP_LIMIT, group->hop_limit);
}

/* Port 0 of a switch has no link of its own. */
static uint8_t mtu_of(const struct port *port)
{
	return (uint8_t)wire_get(port->info,
				 port->number ? PORT_INFO_NEIGHBOR_MTU : PORT_INFO_MTU_CAP);
}

static uint8_t rate_of(const struct port *port)
{
	unsigned rate = port_rate(port);

	return (uint8_t)(rate ? rate : 3);
}

static uint16_t check_limits(struct wish *w, const struct group *group)
{
	const struct port *port = &w->sm->fabric.ports[w->e.port];
	struct bound mtu = bound_of(w, WANT_MTU_SELECTOR, MCM_MTU_SELECTOR, MCM_MTU);
	struct bound rate = bound_of(w, WANT_RATE_SELECTOR, MCM_RATE_SELECTOR, MCM_RATE);

	if (!bound_has_mtu(&mtu, group->mtu) || !bound_has_rate(&rate, group->rate))
		return refuse(w, STATUS_SA_REQ_INVALID, "the group has another MTU or rate");
	if (group->mtu > mtu_of(port))
		return refuse(w, STATUS_SA_REQ_INVALID,
			      "the MTU of the group is larger than that of the port");
	if (admin_rate_mbps(group->rate) > admin_rate_mbps(rate_of(port)))
		return refuse(w, STATUS_SA_REQ_INVALID,
			      "the rate of the group is higher than that of the port");

	return STATUS_OK;
}

/* -- joining ------------------------------------------------------------------------------------
 */

/* So that nobody can fill the log. */
static bool may_be_told(struct damping *told, uint64_t now)
{
	const uint32_t most = TOLD_AT_ONCE * DAMPING_EVENT;

	return damping_charge(told, now, TOLD_HALF_LIFE, most) < most;
}

static void tell_refused(const struct wish *w)
{
	struct damping *told = &w->sm->multicast->refusals;
	uint64_t now = loop_now(w->sm->loop);
	char text[MGID_TEXT_SIZE];

	if (!w->why || !may_be_told(told, now))
		return;
	event_add(w->sm->events, EVENT_GROUP, w->guid, w->change->request->from.lid, -1,
		  "%s multicast group %s is refused: %s",
		  w->change->is_delete ? "leaving" : "joining", mgid_text(w->record, text), w->why);
}

/* In the store first: without memory for that nothing has changed. */
static int put_member(struct wish *w, struct group *group, const struct group_member *member,
		      const struct group_member *before)
{
	uint8_t blob[MEMBER_BLOB_SIZE], former_blob[MEMBER_BLOB_SIZE];
	struct kept_registration now = multicast_row_of_member(group, member, blob);
	struct kept_registration former = { .kind = KEPT_GROUP_MEMBER, .id = member->id };
	int r;

	if (before)
		former = multicast_row_of_member(group, before, former_blob);
	r = registration_keep(w->sm, &now, &former);
	if (r == 0)
		r = group_put_member(&w->sm->multicast->book, group, member);

	return r;
}

/* One of the file is kept from its first member on. */
static int keep_group(struct sm *sm, struct group *group)
{
	uint8_t blob[GROUP_BLOB_SIZE];
	struct kept_registration now;
	int r;

	if (group->id)
		return 0;
	group->id = registration_new_id(sm, KEPT_GROUP);
	now = multicast_row_of_group(group, blob);
	r = registration_keep(sm, &now,
			      &(struct kept_registration){ .kind = KEPT_GROUP, .id = group->id });
	if (r < 0)
		group->id = 0;

	return r;
}

static uint16_t may_join(struct wish *w, const struct group_member *there)
{
	if (!there && !group_may_join(&w->sm->multicast->book, w->guid, !w->is_own))
		return refuse(w, STATUS_SA_NO_RESOURCES, "there is no room for more members");
	if (there && !there->proxy && !w->is_own && (w->states & ~there->states))
		return refuse(w, STATUS_SA_REQ_INVALID, "somebody else asks than who has joined");

	return STATUS_OK;
}

static uint16_t join(struct wish *w, struct group *group, uint8_t *ret_record)
{
	struct sm *sm = w->sm;
	const struct group_member *there = group_member_find(group, w->guid);
	struct group_member member = { .guid = w->guid,
				       .proxy = !w->is_own && (!there || there->proxy) };
	bool is_new = !there || (w->states & ~there->states) || there->proxy != member.proxy;
	uint16_t status = may_join(w, there);

	if (status != STATUS_OK)
		return status;
	member.states = (uint8_t)(w->states | (there ? there->states : 0));
	member.joined = (uint32_t)(loop_now(sm->loop) / LOOP_SEC);
	member.id = there ? there->id : registration_new_id(sm, KEPT_GROUP_MEMBER);
	if (is_new) {
		struct group_member before = there ? *there : (struct group_member){ 0 };

		if (keep_group(sm, group) < 0 ||
		    put_member(w, group, &member, there ? &before : NULL) < 0)
			return refuse(w, STATUS_SA_NO_RESOURCES, "there is no memory for it");
		multicast_touch(sm, group->mlid);
	} else {
		group_put_member(&sm->multicast->book, group, &member);
	}
	group_to_record(group, &member, w->prefix, ret_record);

	return STATUS_OK;
}

static uint16_t join_group(struct wish *w, struct group *group, uint8_t *ret_record)
{
	uint16_t status;

	if (!has_keys(w, group->pkey))
		return refuse(w, STATUS_SA_REQ_INVALID, "it has not the P_Key of the group");
	if (!agrees_with(w, group) || !agrees(w, WANT_MLID, MCM_MLID, group->mlid))
		return refuse(w, STATUS_SA_REQ_INVALID, "the group is another than it says");
	status = check_limits(w, group);

	return status == STATUS_OK ? join(w, group, ret_record) : status;
}

/* -- making a group -----------------------------------------------------------------------------
 */

static const uint8_t no_mgid[16];

/*
 * Nothing that is reserved, and nothing that only the SA chooses for the link-local scope. Scope 15
 * is reserved too, but osmtest has groups of it made.
 */
static bool is_lawful(const uint8_t mgid[static 16])
{
	bool is_ours = mgid[2] == 0xa0 && mgid[3] == 0x1b;
	unsigned scope = mgid_scope(mgid);

	if (mgid[0] != 0xff || scope == 0)
		return false;
	if (mgid_is_ip(mgid))
		return true;

	return (mgid[1] & 0xe0) == 0 && !(is_ours && scope == SCOPE_LINK_LOCAL);
}

/* Of IP: the broadcast group says what the others are like, and must be there before. */
static uint16_t check_ip(struct wish *w, const struct group *group)
{
	const struct group *broadcast;
	uint8_t mgid[16];

	if (!mgid_is_ip(group->mgid))
		return STATUS_OK;
	if (wire_get16(group->mgid, 2) != (group->pkey | 0x8000))
		return refuse(w, STATUS_SA_REQ_INVALID, "its MGID has another P_Key");
	if (mgid_is_broadcast(group->mgid))
		return STATUS_OK;
	mgid_of_broadcast(group->pkey, mgid_scope(group->mgid), mgid);
	broadcast = group_find(&w->sm->multicast->book, mgid);
	if (!broadcast)
		return refuse(w, STATUS_SA_REQ_INVALID,
			      "its partition has no IP broadcast group: say ipoib in "
			      "partitions.conf");
	if (!agrees_with(w, broadcast))
		return refuse(w, STATUS_SA_REQ_INVALID, "the IP broadcast group is another");

	return STATUS_OK;
}

/* As far as the port can. */
static uint16_t find_limits(struct wish *w, struct group *group)
{
	const struct port *port = &w->sm->fabric.ports[w->e.port];
	struct bound mtu = bound_of(w, WANT_MTU_SELECTOR, MCM_MTU_SELECTOR, MCM_MTU);
	struct bound rate = bound_of(w, WANT_RATE_SELECTOR, MCM_RATE_SELECTOR, MCM_RATE);
	struct bound life = bound_of(w, WANT_LIFE_SELECTOR, MCM_LIFE_SELECTOR, MCM_LIFE);

	group->mtu = mtu_of(port);
	group->rate = rate_of(port);
	group->life = (uint8_t)w->sm->conf.subnet_timeout;
	if (!bound_meet_mtu(&mtu, &group->mtu) || !bound_meet_rate(&rate, &group->rate))
		return refuse(w, STATUS_SA_REQ_INVALID,
			      "the port has not the MTU or rate that it asks for");
	if (life.selector == EXACTLY)
		group->life = (uint8_t)life.value;
	else if (!bound_has_life(&life, group->life))
		return refuse(w, STATUS_SA_REQ_INVALID, "no such packet life time is to be had");

	return STATUS_OK;
}

static void read_group(const struct wish *w, struct group *ret)
{
	const uint8_t *r = w->record;
	bool sa_chooses = memcmp(r, no_mgid, 16) == 0;

	*ret = (struct group){ .creator = w->maker,
			       .q_key = (uint32_t)wire_get(r, MCM_QKEY),
			       .flow_label = (uint32_t)wire_get(r, MCM_FLOW_LABEL),
			       .pkey = (uint16_t)(wire_get(r, MCM_PKEY) | 0x8000),
			       .sl_wanted = (uint8_t)wire_get(r, MCM_SL),
			       .tclass = (uint8_t)wire_get(r, MCM_TCLASS) };
	memcpy(ret->mgid, r, 16);
	ret->sl = lanes_group_level(w->sm, ret->sl_wanted);
	ret->scope = sa_chooses ? SCOPE_LINK_LOCAL : mgid_scope(r);
	if (sa_chooses && says(w, WANT_SCOPE) && wire_get(r, MCM_SCOPE) != 0)
		ret->scope = (uint8_t)wire_get(r, MCM_SCOPE);
	if (sa_chooses)
		ret->tid = wire_get(&w->change->request->datagram, MAD_TID);
	ret->hop_limit = ret->scope == SCOPE_LINK_LOCAL ? 0 : 0xff;
	if (says(w, WANT_HOP_LIMIT))
		ret->hop_limit = (uint8_t)wire_get(r, MCM_HOP_LIMIT);
}

/* The request for a group whose MGID is ours to choose comes once more. */
static struct group *find_made(const struct wish *w, const struct group *like)
{
	const struct group_book *book = &w->sm->multicast->book;

	for (uint32_t i = 0; like->tid && i < book->n; i++) {
		struct group *group = book->by_mgid[i];

		if (group->tid == like->tid && group->creator == like->creator &&
		    group->q_key == like->q_key && group->pkey == like->pkey &&
		    group->scope == like->scope)
			return group;
	}

	return NULL;
}

static uint16_t check_group(struct wish *w, struct group *group)
{
	uint16_t status;

	if ((w->mask & NEEDED_MAKE) != NEEDED_MAKE)
		return refuse(w, STATUS_SA_INSUFFICIENT_COMPONENTS,
			      "there is no such group, and it does not say what it is to be");
	if (!(w->states & JOIN_COUNTS))
		return refuse(w, STATUS_SA_REQ_INVALID, "there is no such group");
	if (group->tid == 0 && !is_lawful(group->mgid))
		return refuse(w, STATUS_SA_REQ_INVALID, "its MGID is not lawful");
	if ((group->pkey & 0x7fff) == 0 || !has_keys(w, group->pkey))
		return refuse(w, STATUS_SA_REQ_INVALID, "it has not the P_Key of the group");
	status = check_ip(w, group);

	return status == STATUS_OK ? find_limits(w, group) : status;
}

/* Who has many virtual functions has no more than so many groups with all of them. */
static bool may_make(const struct wish *w)
{
	const struct fabric *f = &w->sm->fabric;
	const struct group_book *book = &w->sm->multicast->book;
	uint32_t port = w->change->requester.port, n = 0;
	unsigned n_ends = f->ports[port].vfs ? MAX(f->ports[port].vfs->n, 1) : 1;

	for (unsigned i = 0; i < n_ends; i++) {
		uint64_t guid = endpoint_guid(f, (struct endpoint){ port, (uint16_t)i });
		const struct group_holder *holder = guid ? group_holder_find(book, guid) : NULL;

		n += holder ? holder->n_groups : 0;
	}

	return n < GROUPS_OF_PORT && group_may_make(book, w->maker);
}

static uint16_t make_group(struct wish *w, uint8_t *ret_record)
{
	struct sm *sm = w->sm;
	struct group_book *book = &sm->multicast->book;
	uint16_t wanted = says(w, WANT_MLID) ? (uint16_t)wire_get(w->record, MCM_MLID) : 0;
	struct group like, *group;
	uint16_t status;

	read_group(w, &like);
	status = check_group(w, &like);
	if (status != STATUS_OK)
		return status;
	group = find_made(w, &like);
	if (group)
		return join(w, group, ret_record);
	if (!may_make(w))
		return refuse(w, STATUS_SA_NO_RESOURCES, "it has made as many groups as it may");
	if (like.tid)
		group_make_mgid(book, like.scope, sm->conf.subnet_prefix, like.mgid);
	like.mlid = group_choose_mlid(book, &like, wanted, multicast_limit(sm));
	if (like.mlid == 0)
		return refuse(w, STATUS_SA_NO_RESOURCES, "no multicast LID is left");
	if (group_add(book, &like, &group) < 0)
		return refuse(w, STATUS_SA_NO_RESOURCES, "there is no room for more groups");
	status = join(w, group, ret_record);
	if (status == STATUS_OK)
		multicast_tell_group(sm, group, true);
	else
		multicast_look_at_group(sm, group); /* nobody is member of it */

	return status;
}

/* -- leaving ------------------------------------------------------------------------------------
 */

/* What is left of its states is told. */
static uint16_t leave(struct wish *w, uint8_t *ret_record)
{
	struct group *group = group_find(&w->sm->multicast->book, w->record);
	struct group_member *member = group ? group_member_find(group, w->guid) : NULL;

	if (!member || (w->states & ~member->states))
		return refuse(w, STATUS_SA_REQ_INVALID, "it is no such member of it");
	if (!w->is_own &&
	    !(member->proxy && multicast_has_key(w->sm, w->change->requester, group->pkey)))
		return refuse(w, STATUS_SA_REQ_INVALID, "somebody else asks than who has joined");
	group_to_record(group, member, w->prefix, ret_record);
	wire_set(ret_record, MCM_JOIN_STATE, member->states & ~w->states);
	if (multicast_leave(w->sm, group, w->guid, w->states) < 0)
		return refuse(w, STATUS_SA_NO_RESOURCES, "there is no memory for it");

	return STATUS_OK;
}

/* -- requests -----------------------------------------------------------------------------------
 */

/* Kernels leave what they may never have joined, and say so again and again: that is no news. */
static bool is_news(const struct wish *w, uint16_t status)
{
	return status != STATUS_OK && !w->change->is_delete;
}

uint16_t multicast_change(struct sm *sm, const struct member_change *change, uint8_t *ret_record)
{
	struct group *group;
	struct wish w;
	uint16_t status = read_wish(sm, change, &w);

	if (status == STATUS_OK && change->is_delete) {
		status = leave(&w, ret_record);
	} else if (status == STATUS_OK) {
		group = group_find(&sm->multicast->book, w.record);
		status = group ? join_group(&w, group, ret_record) : make_group(&w, ret_record);
	}
	if (is_news(&w, status))
		tell_refused(&w);

	return status;
}

void multicast_tell_group(struct sm *sm, const struct group *group, bool is_new)
{
	char text[MGID_TEXT_SIZE];

	notices_group(sm, is_new, group->mgid, group->pkey);
	if (!may_be_told(&sm->multicast->comings, loop_now(sm->loop)))
		return;
	event_add(sm->events, EVENT_GROUP, group->creator, 0, -1,
		  "multicast group %s %s, LID 0x%04x", mgid_text(group->mgid, text),
		  is_new ? "is made" : "ends", group->mlid);
}
