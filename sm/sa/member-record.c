/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MCMemberRecord (IBA 15.2.5.17): multicast groups and their members. To join is a Set, to leave a
 * Delete; what they may is decided where groups are (admin_view.member_change), here is what is
 * shown.
 *
 * Who asks sees groups whose P_Key it has, a record each, in which PortGID, JoinState and ProxyJoin
 * are 0; and of its own memberships, which it can ask for by PortGID, all of it. Who is trusted
 * sees all groups, and a record for each member.
 *
 * MTU, rate and packet life time are compared by their selectors, if both components are there; a
 * P_Key without its membership bit.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "sm/sa/attribute.h"
#include "sm/sa/bound.h"

enum {
	WANT_MGID = 0,
	WANT_PORT_GID = 1,
	WANT_MTU_SELECTOR = 4,
	WANT_PKEY = 7,
	WANT_RATE_SELECTOR = 8,
	WANT_LIFE_SELECTOR = 10,
};

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_MGID] = BYTES_AT(0, 16),
	[WANT_PORT_GID] = NOT_COMPARED, /* by GUID: see offer_wanted() */
	AT(0, MCM_QKEY),
	AT(0, MCM_MLID),
	NOT_COMPARED, NOT_COMPARED, /* MTU: see fits() */
	AT(0, MCM_TCLASS),
	[WANT_PKEY] = NOT_COMPARED, /* see fits() */
	NOT_COMPARED, NOT_COMPARED, /* rate */
	NOT_COMPARED, NOT_COMPARED, /* packet life time */
	AT(0, MCM_SL),
	AT(0, MCM_FLOW_LABEL),
	AT(0, MCM_HOP_LIMIT),
	AT(0, MCM_SCOPE),
	AT(0, MCM_JOIN_STATE),
	AT(0, MCM_PROXY),
};
/* clang-format on */

static struct bound bound_of(const struct admin_query *query, unsigned selector_bit,
			     enum wire_field selector, enum wire_field value)
{
	return bound_read(query->wanted,
			  admin_has(query, selector_bit) && admin_has(query, selector_bit + 1),
			  selector, value);
}

/* A limited member asks with its own key, and means the same partition. */
static bool is_partition_wanted(const struct admin_query *query, const struct group *group)
{
	return !admin_has(query, WANT_PKEY) ||
	       ((wire_get(query->wanted, MCM_PKEY) ^ group->pkey) & KEY_BASE_MASK) == 0;
}

static bool fits(const struct admin_query *query, const struct group *group)
{
	struct bound mtu = bound_of(query, WANT_MTU_SELECTOR, MCM_MTU_SELECTOR, MCM_MTU);
	struct bound rate = bound_of(query, WANT_RATE_SELECTOR, MCM_RATE_SELECTOR, MCM_RATE);
	struct bound life = bound_of(query, WANT_LIFE_SELECTOR, MCM_LIFE_SELECTOR, MCM_LIFE);

	return is_partition_wanted(query, group) && bound_has_mtu(&mtu, group->mtu) &&
	       bound_has_rate(&rate, group->rate) && bound_has_life(&life, group->life);
}

static bool sees(const struct admin_query *query, const struct group *group)
{
	if (query->trusted)
		return true;

	return query->requester.port != NO_PORT &&
	       admin_keys_own(query->view, query->requester, group->pkey) != 0;
}

static uint64_t wanted_guid(const struct admin_query *query)
{
	return wire_get64(query->wanted + MC_MEMBER_PORT_GID_OFFSET, 1);
}

static uint64_t wanted_prefix(const struct admin_query *query)
{
	return wire_get64(query->wanted + MC_MEMBER_PORT_GID_OFFSET, 0);
}

static bool is_our_prefix(const struct admin_query *query)
{
	return wanted_prefix(query) == query->view->conf->subnet_prefix ||
	       wanted_prefix(query) == GID_PREFIX_DEFAULT;
}

/* ---- questions --------------------------------------------------------------------------------
 */

static bool offer(struct admin_query *query, const struct group *group,
		  const struct group_member *member)
{
	uint64_t prefix = query->view->conf->subnet_prefix;
	uint8_t record[MC_MEMBER_RECORD_SIZE];

	if (admin_has(query, WANT_PORT_GID))
		prefix = wanted_prefix(query);
	group_to_record(group, member, prefix, record);

	return admin_offer(query, FOR_EVERYBODY, record);
}

/* The one whose PortGID is asked for, as far as the requester may know of it. */
static bool offer_wanted(struct admin_query *query, const struct group *group)
{
	const struct group_member *member = group_member_find(group, wanted_guid(query));
	struct endpoint e = endpoint_find(query->view->fabric, wanted_guid(query));
	bool is_own = e.port != NO_PORT && admin_is_own(query, e);

	if (!member || !is_our_prefix(query) || (!query->trusted && !is_own))
		return true;

	return offer(query, group, member);
}

static bool offer_group(struct admin_query *query, const struct group *group)
{
	if (!sees(query, group) || !fits(query, group))
		return true;
	if (admin_has(query, WANT_PORT_GID))
		return offer_wanted(query, group);
	if (!query->trusted || group->n == 0)
		return offer(query, group, NULL);
	for (uint32_t i = 0; i < group->n; i++)
		if (!offer(query, group, &group->members[i]))
			return false;

	return true;
}

static void each(struct admin_query *query)
{
	const struct group_book *groups = query->view->groups;

	if (groups && admin_has(query, WANT_MGID)) {
		const struct group *group = group_find(groups, query->wanted);

		if (group)
			offer_group(query, group);
		return;
	}
	for (uint32_t i = 0; groups && i < groups->n; i++)
		if (!offer_group(query, groups->by_mgid[i]))
			return;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

static struct endpoint find_member(const struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	struct endpoint e = endpoint_find(f, wanted_guid(query));

	if (!is_our_prefix(query) || e.port == NO_PORT || !admin_is_end(f, e.port))
		return (struct endpoint){ NO_PORT, 0 };

	return e;
}

static void change(struct admin_query *query)
{
	const struct admin_view *view = query->view;
	struct member_change change = { .request = query->request,
					.requester = query->requester,
					.member = find_member(query),
					.record = query->wanted,
					.mask = query->mask,
					.is_delete = query->method == METHOD_DELETE };
	uint8_t record[MC_MEMBER_RECORD_SIZE];

	change.is_own = change.member.port != NO_PORT && admin_is_own(query, change.member);
	query->status = view->member_change ? view->member_change(view->changer, &change, record)
					    : STATUS_BUSY;
	if (query->status == STATUS_OK)
		admin_give(query, record);
}

const struct admin_attribute admin_mc_member_record = {
	.id = ATTR_SA_MC_MEMBER_RECORD,
	.methods = ADMIN_GET | ADMIN_GET_TABLE | ADMIN_SET | ADMIN_DELETE,
	.record_size = MC_MEMBER_RECORD_SIZE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
	.change = change,
};
