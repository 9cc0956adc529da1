/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PathRecord (IBA 15.2.5.16): how does one port talk to another? Components of the question are not
 * compared with a record but shape it. Each end is given by GID (interface ID: the GUID of the
 * port, or of a virtual function behind it, whose LIDs are then those of the port; prefix: the
 * subnet's or the link-local one), by LID (any of the LMC range) or by both, which then must agree.
 * If an end is not given, everybody is tried for it (path.c).
 *
 * MTU, rate and packet life time are bounds, and count only together with their selectors. "Less
 * than" and "exactly" are also met by a path that could do more: the record then says less, and the
 * client sends accordingly. Service ID and QoS class are what a QoS policy may go by (path-qos.c).
 * Traffic class, flow label and hop limit are taken and mean nothing; in the answer they are 0, as
 * in opensm's, and so is QoS class, but for the hop limit of paths that leave the subnet, and of
 * those from or to a virtual port that only its GID tells apart. A path to a multicast group is as
 * the group is.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "sm/sa/path.h"

/* Bits of the ComponentMask that mean something here. */
enum {
	WANT_SERVICE = 0, /* and 1: both halves of it */
	WANT_DGID = 2,
	WANT_SGID = 3,
	WANT_DLID = 4,
	WANT_SLID = 5,
};

static const struct path_components components = {
	.raw = { 6, PATH_RAW },
	.numb_path = { 12, PATH_NUMB_PATH },
	.pkey = { 13, PATH_PKEY },
	.qos_class = { 14, PATH_QOS_CLASS },
	.sl = { 15, PATH_SL },
	.mtu_selector = { 16, PATH_MTU_SELECTOR },
	.mtu = { 17, PATH_MTU },
	.rate_selector = { 18, PATH_RATE_SELECTOR },
	.rate = { 19, PATH_RATE },
	.life_selector = { 20, PATH_LIFE_SELECTOR },
	.life = { 21, PATH_LIFE },
};

/* Where the components of an end are. */
struct side_place {
	uint8_t gid_bit;
	uint8_t lid_bit;
	uint8_t gid_offset;
	bool may_be_beyond;
	enum wire_field lid;
};

/* A LID that several share is that of the port: which of its VFs is meant, only a GID could say. */
static bool take_lid(struct admin_query *query, unsigned lid, struct path_side *ret)
{
	struct endpoint e = endpoint_of_lid(query->view->fabric, lid);

	if (e.port == NO_PORT || !admin_is_end(query->view->fabric, e.port))
		return false;
	if (ret->given && (lid < ret->first || lid >= (unsigned)ret->first + ret->n)) {
		query->status = STATUS_SA_REQ_INVALID;
		return false;
	}
	if (!ret->given)
		path_take_endpoint(query->view, e, ret);
	ret->first = (uint16_t)lid;
	ret->n = 1;

	return true;
}

/* False: the question names a port that there is not. */
static bool take_end(struct admin_query *query, const struct side_place *place,
		     struct path_side *ret)
{
	struct path_router router = { .is_known = false };

	*ret = (struct path_side){ .given = false };
	if (admin_has(query, place->gid_bit) &&
	    !path_take_gid(query, query->wanted + place->gid_offset,
			   place->may_be_beyond ? &router : NULL, ret))
		return false;

	return !admin_has(query, place->lid_bit) ||
	       take_lid(query, (unsigned)wire_get(query->wanted, place->lid), ret);
}

static bool is_to_group(const struct admin_query *query)
{
	if (admin_has(query, WANT_DGID))
		return query->wanted[PATH_DGID_OFFSET] == 0xff;

	return admin_has(query, WANT_DLID) && wire_get(query->wanted, PATH_DLID) >= MLID_FIRST;
}

static const struct side_place from = { WANT_SGID, WANT_SLID, PATH_SGID_OFFSET, false, PATH_SLID };

bool path_take_question(struct path_query *p, struct admin_query *query)
{
	static const struct side_place to = { WANT_DGID, WANT_DLID, PATH_DGID_OFFSET, true,
					      PATH_DLID };

	if (is_to_group(query) || !path_read(p, query, &components))
		return false;
	p->wish.has_service = admin_has(query, WANT_SERVICE) && admin_has(query, WANT_SERVICE + 1);
	p->wish.service = wire_get(query->wanted, PATH_SERVICE_ID);

	return take_end(query, &from, &p->from) && take_end(query, &to, &p->to);
}

/* ---- to a multicast group ---------------------------------------------------------------------
 */

/* The one that has the MGID, or the first of those that have the MLID. */
static const struct group *first_group(const struct admin_query *query,
				       const struct group_book *book)
{
	uint64_t mlid = wire_get(query->wanted, PATH_DLID);

	if (admin_has(query, WANT_DGID))
		return group_find(book, query->wanted + PATH_DGID_OFFSET);

	return book->by_mlid && mlid <= MLID_LAST ? book->by_mlid[mlid - MLID_FIRST] : NULL;
}

static bool agrees(const struct admin_query *query, const struct path_component *component,
		   uint64_t has, uint64_t mask)
{
	return !admin_has(query, component->bit) ||
	       ((wire_get(query->wanted, (enum wire_field)component->field) ^ has) & mask) == 0;
}

static bool group_fits(const struct path_query *p, const struct group *group)
{
	static const struct path_component dlid = { WANT_DLID, PATH_DLID };

	return agrees(p->query, &components.sl, group->sl, ~UINT64_C(0)) &&
	       agrees(p->query, &components.pkey, group->pkey, KEY_BASE_MASK) &&
	       agrees(p->query, &dlid, group->mlid, ~UINT64_C(0)) &&
	       bound_has_mtu(&p->mtu, group->mtu) && bound_has_rate(&p->rate, group->rate) &&
	       bound_has_life(&p->life, group->life);
}

static void give_group(const struct path_query *p, const struct group *group)
{
	const struct admin_path path = {
		.mtu = group->mtu, .rate = group->rate, .life = group->life, .sl = group->sl
	};
	uint8_t record[PATH_RECORD_SIZE] = { 0 };

	memcpy(record + PATH_DGID_OFFSET, group->mgid, sizeof(group->mgid));
	wire_set(record, PATH_DLID, group->mlid);
	wire_set(record, PATH_SLID, p->from.first);
	wire_set(record, PATH_FLOW_LABEL, group->flow_label);
	wire_set(record, PATH_HOP_LIMIT, group->hop_limit);
	wire_set(record, PATH_TCLASS, group->tclass);
	path_describe(p, &path, group->pkey, record);
	admin_give(p->query, record);
}

/* Both ends, and who asks, have the key of the group. */
static bool may_use(const struct path_query *p, const struct group *group)
{
	const struct admin_query *query = p->query;

	if (!admin_keys_own(query->view, p->from.at, group->pkey))
		return false;

	return query->trusted || (query->requester.port != NO_PORT &&
				  admin_keys_own(query->view, query->requester, group->pkey));
}

/* From who asks, if no source is given. */
static void each_to_group(struct admin_query *query)
{
	const struct admin_view *view = query->view;
	const struct group *group;
	struct path_query p;

	path_read(&p, query, &components);
	if (!view->groups || !take_end(query, &from, &p.from))
		return;
	if (!p.from.given && query->requester.port != NO_PORT)
		path_take_endpoint(view, query->requester, &p.from);
	group = p.from.given && p.limit > 0 ? first_group(query, view->groups) : NULL;
	for (; group; group = admin_has(query, WANT_DGID) ? NULL : group->next) {
		if (may_use(&p, group) && group_fits(&p, group))
			give_group(&p, group);
	}
}

static void each(struct admin_query *query)
{
	struct path_query p;

	if (is_to_group(query))
		each_to_group(query);
	else if (path_take_question(&p, query))
		path_find(&p);
}

const struct admin_attribute admin_path_record = {
	.id = ATTR_SA_PATH_RECORD,
	.record_size = PATH_RECORD_SIZE,
	.by_routes = true,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.each = each,
};
