/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How mlx4 joins multicast groups for its VFs. To the SA there is one member, the PF's port; the
 * driver counts who of the functions, the PF among them, is in which group, and for which of the
 * three bits of JoinState.
 *
 *	a join	that the port's membership does not cover goes to the SA, with the PF's PortGID and
 *		the driver's TID; one that it covers is answered here
 *	a leave	is answered here; when nobody is left for a bit of JoinState, the driver deletes it
 *
 * In each group one request is on the wire at a time, and the next ones wait. What has no answer
 * after 2 s is dropped, a join without a word, as the VF will ask again. The answer is known by the
 * MGID and the TID, or where the SA was to choose the MGID by the TID alone. The fourth bit of
 * JoinState (SendOnlyFullMember) this driver does not know.
 *
 * ClientReregister: all groups are left, and nobody joins until they are.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/shared-inside.h"

enum {
	ATTR_MEMBER = 0x38,
	METHOD_DELETE = 0x15,
	METHOD_GET_TABLE = 0x12,
	METHOD_GET_TABLE_RESP = 0x92,
	METHOD_DELETE_RESP = 0x95,
	MASK_LEAVE = 0x10003, /* component mask: MGID, PortGID, JoinState */
	MASK_QKEY = 1 << 2,
	MASK_MLID = 1 << 3,
	MASK_MTU = 3 << 4, /* selector and value */
	MASK_TCLASS = 1 << 6,
	MASK_PKEY = 1 << 7,
	MASK_RATE = 3 << 8,
	MASK_LIFE = 3 << 10,
	MASK_SL = 1 << 12,
	MASK_FLOW = 1 << 13,
	MASK_HOPS = 1 << 14,
	MASK_SCOPE = 1 << 15,
	MEMBER_WORDS = 7, /* AttributeOffset */
	JOIN_BITS = 7,
	STATUS_INVALID = 0x0200, /* ERR_REQ_INVALID, IBA 15.2.2 */
	TID_SHIFT = 56,
};

#define ANSWER_TIME (2 * LOOP_SEC)
/* Where the answer was no help the driver asks at once; that still takes it a round trip. */
#define AT_ONCE LOOP_MSEC

enum state { IDLE, JOINING, LEAVING, RESTING };

struct request {
	struct list of_group;
	unsigned vf;
	struct sim_packet packet;
};

struct group {
	struct list of_port;
	struct sim_shared_port *shared;
	ib_member_rec_t record; /* as the SA said, with the port's JoinState */
	bool unnamed;           /* the SA is to choose the MGID */
	bool busy;              /* proceed() is at it; an answer may come while it sends */
	enum state state;
	uint64_t tid;
	struct loop_timer *timer;
	struct list pending; /* struct request */
	unsigned members[3]; /* by bit of JoinState */
	uint8_t join_state[SHARED_GUIDS];
};

static void proceed(struct group *group);

/* ---- groups ---------------------------------------------------------------------------------- */

static ib_sa_mad_t *sa(struct sim_packet *p)
{
	return (ib_sa_mad_t *)p->bytes;
}

static ib_member_rec_t member_of(const struct sim_packet *p)
{
	ib_member_rec_t record;

	memcpy(&record, ((const ib_sa_mad_t *)p->bytes)->data, sizeof(record));
	return record;
}

static bool is_none(const ib_gid_t *gid)
{
	static const ib_gid_t none;

	return !memcmp(gid, &none, sizeof(none));
}

static struct group *find_group(const struct sim_shared_port *shared, const ib_gid_t *mgid)
{
	for (struct list *l = shared->groups.next; l != &shared->groups; l = l->next) {
		struct group *group = CONTAINER_OF(l, struct group, of_port);

		if (!group->unnamed && !memcmp(&group->record.mgid, mgid, sizeof(*mgid)))
			return group;
	}
	return NULL;
}

static struct group *find_unnamed(const struct sim_shared_port *shared, uint64_t tid)
{
	for (struct list *l = shared->groups.next; l != &shared->groups; l = l->next) {
		struct group *group = CONTAINER_OF(l, struct group, of_port);

		if (group->unnamed && group->tid == tid)
			return group;
	}
	return NULL;
}

static void drop_request(struct request *request)
{
	list_remove(&request->of_group);
	free(request);
}

static struct request *first_request(const struct group *group)
{
	return list_is_empty(&group->pending)
		       ? NULL
		       : CONTAINER_OF(group->pending.next, struct request, of_group);
}

static void drop_requests(struct group *group, unsigned vf, bool all)
{
	struct list *next;

	for (struct list *l = group->pending.next; l != &group->pending; l = next) {
		struct request *request = CONTAINER_OF(l, struct request, of_group);

		next = l->next;
		if (all || request->vf == vf)
			drop_request(request);
	}
}

static void free_group(struct group *group)
{
	drop_requests(group, 0, true);
	list_remove(&group->of_port);
	if (!--group->shared->n_groups)
		group->shared->flushing = false;
	loop_timer_free(group->timer);
	free(group);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void set_timer(struct group *group, uint64_t time)
{
	struct loop *loop = group->shared->port->node->fabric->loop;

	loop_timer_set(group->timer, loop_now(loop) + time);
}

static void time_is_up(void *user)
{
	struct group *group = user;

	if (group->state == JOINING && first_request(group))
		drop_request(first_request(group));
	else if (group->state == LEAVING)
		group->record.scope_state &= (uint8_t)~JOIN_BITS;
	group->state = IDLE;
	proceed(group);
}

static struct group *new_group(struct sim_shared_port *shared, const ib_gid_t *mgid)
{
	struct group *group;

	if (shared->n_groups >= SHARED_GROUPS_MAX)
		return NULL;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	if (loop_timer_new(shared->port->node->fabric->loop, time_is_up, group, &group->timer) <
	    0) {
		free(group);
		return NULL;
	}
	group->shared = shared;
	group->record.mgid = *mgid;
	group->unnamed = is_none(mgid);
	list_init(&group->pending);
	list_init(&group->of_port);
	list_add_tail(&shared->groups, &group->of_port);
	shared->n_groups++;
	return group;
}

/* ---- to the SA ------------------------------------------------------------------------------- */

static uint64_t new_tid(struct sim_shared_port *shared)
{
	uint64_t number = ++shared->last_group_tid & 0xffffffff;

	return (uint64_t)SHARED_TID_PROXY << TID_SHIFT | number;
}

/* False: there is no SM, or the port is not up. */
static bool send_to_sa(struct group *group, const ib_sa_mad_t *mad, enum state state)
{
	struct sim_shared_port *shared = group->shared;
	struct sim_packet p;

	if (!shared_to_sa(shared, &p) || sim_state(shared->port) != SIM_ACTIVE)
		return false;
	group->tid = new_tid(shared);
	memcpy(p.bytes, mad, sizeof(*mad));
	p.mad.trans_id = htobe64(group->tid);
	group->state = state;
	set_timer(group, ANSWER_TIME);
	sim_send(shared->port, &p);
	return true;
}

/* As the VF wrote it, but for the PortGID. */
static bool send_join(struct group *group, struct request *request)
{
	ib_sa_mad_t mad = *sa(&request->packet);
	ib_net64_t guid = htobe64(group->shared->port->guid);
	ib_member_rec_t record = member_of(&request->packet);

	record.port_gid.unicast.interface_id = guid;
	memcpy(mad.data, &record, sizeof(record));
	return send_to_sa(group, &mad, JOINING);
}

static bool send_leave(struct group *group, uint8_t join_state)
{
	ib_sa_mad_t mad = { .base_ver = 1, .mgmt_class = 3, .class_ver = 2 };
	ib_member_rec_t record = group->record;

	mad.method = METHOD_DELETE;
	mad.attr_id = htobe16(ATTR_MEMBER);
	mad.attr_offset = htobe16(MEMBER_WORDS);
	mad.comp_mask = htobe64(MASK_LEAVE);
	record.scope_state = join_state;
	memcpy(mad.data, &record, sizeof(record));
	return send_to_sa(group, &mad, LEAVING);
}

/* ---- to a VF --------------------------------------------------------------------------------- */

/* Always GetResp, also to a Delete. */
static void reply(struct group *group, struct request *request, uint16_t status)
{
	struct sim_packet p = request->packet;
	ib_member_rec_t record = group->record;
	uint64_t tid = be64toh(p.mad.trans_id) & ~(UINT64_C(0xff) << TID_SHIFT);
	ib_sa_mad_t mad = { .base_ver = 1, .mgmt_class = 3, .class_ver = 2 };

	mad.method = SIM_GET_RESP;
	mad.status = htobe16(status);
	mad.trans_id = htobe64(tid | (uint64_t)request->vf << TID_SHIFT);
	mad.attr_id = htobe16(ATTR_MEMBER);
	mad.sm_key = sa(&request->packet)->sm_key;
	mad.attr_offset = htobe16(MEMBER_WORDS);
	record.scope_state &= 0xf0;
	record.scope_state |= group->join_state[request->vf];
	record.port_gid = member_of(&request->packet).port_gid;
	memcpy(mad.data, &record, sizeof(record));
	memcpy(p.bytes, &mad, sizeof(mad));
	p.has_grh = false;
	p.client = SIM_CLIENT_NONE;
	sim_turn_around(&p);
	p.slid = be16toh(group->shared->port->info.master_sm_base_lid);
	p.dlid = sim_lid(group->shared->port);
	sim_deliver(group->shared->port, &p);
}

/* ---- membership ------------------------------------------------------------------------------ */

static void count(struct group *group, uint8_t join_state, int change)
{
	for (unsigned bit = 0; bit < COUNT(group->members); bit++)
		if (join_state >> bit & 1)
			group->members[bit] += (unsigned)change;
}

static void add_member(struct group *group, unsigned vf, uint8_t join_state)
{
	count(group, (uint8_t)(join_state & ~group->join_state[vf]), 1);
	group->join_state[vf] |= join_state;
}

static void remove_member(struct group *group, unsigned vf, uint8_t join_state)
{
	count(group, join_state & group->join_state[vf], -1);
	group->join_state[vf] &= (uint8_t)~join_state;
}

static uint8_t port_is_in(const struct group *group)
{
	return group->record.scope_state & JOIN_BITS;
}

/* Bits that the port is in for nobody. */
static uint8_t superfluous(const struct group *group)
{
	uint8_t bits = 0;

	for (unsigned bit = 0; bit < COUNT(group->members); bit++)
		if (!group->members[bit])
			bits |= (uint8_t)(1u << bit);
	return bits & port_is_in(group);
}

static bool is_deserted(const struct group *group)
{
	return !group->members[0] && !group->members[1] && !group->members[2];
}

/* With a selector in the upper two bits: greater than, less than, exactly (IBA 15.2.5.17). */
static bool selected(uint64_t mask, uint64_t both, uint8_t has, uint8_t asked)
{
	has &= 0x3f;
	if ((mask & both) != both)
		return true;
	switch (asked >> 6) {
	case 0:
		return has > (asked & 0x3f);
	case 1:
		return has < (asked & 0x3f);
	case 2:
		return has == (asked & 0x3f);
	default:
		return true;
	}
}

static bool same_flow(const ib_member_rec_t *has, const ib_member_rec_t *asked, uint64_t mask)
{
	uint32_t differ = be32toh(has->sl_flow_hop ^ asked->sl_flow_hop);

	return !(mask & MASK_SL && differ & 0xf0000000) &&
	       !(mask & MASK_FLOW && differ & 0x0fffff00) && !(mask & MASK_HOPS && differ & 0xff);
}

/* Would the SA let one who asks so into the group as it is? */
static bool fits(const ib_member_rec_t *has, const ib_member_rec_t *asked, uint64_t mask)
{
	if ((mask & MASK_QKEY && has->qkey != asked->qkey) ||
	    (mask & MASK_MLID && has->mlid != asked->mlid) ||
	    (mask & MASK_TCLASS && has->tclass != asked->tclass) ||
	    (mask & MASK_PKEY && has->pkey != asked->pkey) ||
	    (mask & MASK_SCOPE && (has->scope_state ^ asked->scope_state) & 0xf0))
		return false;
	return same_flow(has, asked, mask) && selected(mask, MASK_MTU, has->mtu, asked->mtu) &&
	       selected(mask, MASK_RATE, has->rate, asked->rate) &&
	       selected(mask, MASK_LIFE, has->pkt_life, asked->pkt_life);
}

/* ---- one request after the other ------------------------------------------------------------- */

static void serve_leave(struct group *group, struct request *request, uint8_t bits)
{
	bool valid = bits && !(bits & ~group->join_state[request->vf]);

	if (valid)
		remove_member(group, request->vf, bits);
	reply(group, request, valid ? 0 : STATUS_INVALID);
	drop_request(request);
}

static void serve_join(struct group *group, struct request *request, uint8_t bits)
{
	const ib_member_rec_t asked = member_of(&request->packet);
	bool ok;

	if ((bits & port_is_in(group)) != bits) {
		if (!send_join(group, request))
			drop_request(request);
		return;
	}
	ok = fits(&group->record, &asked, be64toh(sa(&request->packet)->comp_mask));
	if (ok)
		add_member(group, request->vf, bits);
	reply(group, request, ok ? 0 : STATUS_INVALID);
	drop_request(request);
}

static void serve(struct group *group, struct request *request)
{
	uint8_t bits = member_of(&request->packet).scope_state & JOIN_BITS;

	if (request->packet.mad.method == METHOD_DELETE)
		serve_leave(group, request, bits);
	else
		serve_join(group, request, bits);
}

static void leave_bits(struct group *group, uint8_t bits)
{
	group->record.scope_state &= (uint8_t)~bits;
	send_leave(group, bits);
}

/* All that can be done without the SA, and the next thing that cannot. May free the group. */
static void proceed(struct group *group)
{
	if (group->busy)
		return;
	group->busy = true;
	while (group->state == IDLE) {
		struct request *request = first_request(group);
		uint8_t bits = superfluous(group);

		if (request)
			serve(group, request);
		else if (bits)
			leave_bits(group, bits);
		else
			break;
	}
	group->busy = false;
	if (group->state == IDLE && is_deserted(group))
		free_group(group);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void join_refused(struct group *group, uint16_t status)
{
	struct request *request = first_request(group);

	if (!request)
		return;
	reply(group, request, status);
	drop_request(request);
}

/* The SA said yes, but not to what was asked for: the driver asks again, and again. */
static bool was_no_help(const struct group *group, bool joined)
{
	struct request *request = first_request(group);
	uint8_t bits;

	if (!joined)
		return superfluous(group);
	if (!request || request->packet.mad.method == METHOD_DELETE)
		return false;
	bits = member_of(&request->packet).scope_state & JOIN_BITS;
	return (bits & port_is_in(group)) != bits;
}

static void take_answer(struct group *group, const struct sim_packet *p)
{
	uint16_t status = be16toh(p->mad.status);
	bool joined = group->state == JOINING && p->mad.method == SIM_GET_RESP;

	loop_timer_stop(group->timer);
	if (!status) {
		group->record = member_of(p);
		group->unnamed = is_none(&group->record.mgid);
	} else if (joined) {
		join_refused(group, status);
	}
	group->state = IDLE;
	if (!status && was_no_help(group, joined)) {
		group->state = RESTING;
		set_timer(group, AT_ONCE);
		return;
	}
	proceed(group);
}

bool shared_groups_answer(struct sim_shared_port *shared, const struct sim_packet *p)
{
	ib_member_rec_t record = member_of(p);
	uint64_t tid = be64toh(p->mad.trans_id);
	struct group *group;

	if (p->mad.mgmt_class != 3 || p->mad.attr_id != htobe16(ATTR_MEMBER) ||
	    (p->mad.method != SIM_GET_RESP && p->mad.method != METHOD_DELETE_RESP))
		return true;
	group = find_group(shared, &record.mgid);
	if (!group && p->mad.method == SIM_GET_RESP)
		group = find_unnamed(shared, tid);
	if (group && group->tid == tid && (group->state == JOINING || group->state == LEAVING))
		take_answer(group, p);
	return true;
}

/* ---- requests -------------------------------------------------------------------------------- */

static unsigned n_pending(const struct group *group, unsigned vf)
{
	unsigned n = 0;

	for (struct list *l = group->pending.next; l != &group->pending; l = l->next)
		n += CONTAINER_OF(l, struct request, of_group)->vf == vf;
	return n;
}

static void take_request(struct sim_shared_port *shared, unsigned vf, const struct sim_packet *p)
{
	ib_member_rec_t record = member_of(p);
	struct group *group = NULL;
	struct request *request;

	if (!is_none(&record.mgid))
		group = find_group(shared, &record.mgid);
	if (!group && p->mad.method == SIM_SET)
		group = new_group(shared, &record.mgid);
	if (!group || n_pending(group, vf) > SHARED_PENDING_MAX)
		return;
	request = calloc(1, sizeof(*request));
	if (request) {
		request->vf = vf;
		request->packet = *p;
		list_init(&request->of_group);
		list_add_tail(&group->pending, &request->of_group);
	}
	proceed(group);
}

/* Joins and leaves are for the driver; of other methods it lets tables and answers pass. */
bool shared_groups_request(struct sim_shared_port *shared, unsigned vf, const struct sim_packet *p)
{
	if (p->mad.mgmt_class != 3 || p->mad.attr_id != htobe16(ATTR_MEMBER))
		return false;
	switch (p->mad.method) {
	case METHOD_GET_TABLE:
	case METHOD_GET_TABLE_RESP:
	case METHOD_DELETE_RESP:
	case SIM_GET_RESP:
		return false;
	case SIM_SET:
	case METHOD_DELETE:
		if (!shared->flushing)
			take_request(shared, vf, p);
		return true;
	default:
		return true;
	}
}

/* ---- leaving --------------------------------------------------------------------------------- */

/* Its requests are forgotten, on the wire or not, and it is no member any more. */
static void forget_vf(struct group *group, unsigned vf)
{
	struct request *first = first_request(group);

	if (group->state == JOINING && first && first->vf == vf) {
		loop_timer_stop(group->timer);
		group->state = IDLE;
	}
	drop_requests(group, vf, false);
	remove_member(group, vf, JOIN_BITS);
}

void shared_groups_leave(struct sim_shared_port *shared, unsigned vf)
{
	struct list *next;

	for (struct list *l = shared->groups.next; l != &shared->groups; l = next) {
		struct group *group = CONTAINER_OF(l, struct group, of_port);

		next = l->next;
		forget_vf(group, vf);
		proceed(group);
	}
}

void shared_groups_flush(struct sim_shared_port *shared)
{
	struct list *next;

	if (list_is_empty(&shared->groups))
		return;
	shared->flushing = true;
	for (struct list *l = shared->groups.next; l != &shared->groups; l = next) {
		struct group *group = CONTAINER_OF(l, struct group, of_port);

		next = l->next;
		for (unsigned vf = 0; vf <= shared->n_vfs; vf++)
			forget_vf(group, vf);
		proceed(group);
	}
}

void shared_groups_free(struct sim_shared_port *shared)
{
	while (!list_is_empty(&shared->groups))
		free_group(CONTAINER_OF(shared->groups.next, struct group, of_port));
	shared->flushing = false;
}
