/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MultiPathRecord (IBA 15.2.5.20): paths from each of some ports to each of some others, in
 * PathRecords. The question lists GIDs, first of all sources, then of all destinations, and may be
 * longer than a datagram. A GID that nobody has whom the requester sees makes all of it wrong (IBA
 * 15.2.4), and who asks can tell nothing from it.
 *
 * Independent paths are those that come first: where ports have several LIDs, the first pairs of
 * LIDs take different links as far as there are some. IndependenceSelector asks for no more than
 * that here; a client that wants two ways that share nothing names two ports of either side.
 */

#include "sm/sa/path.h"

/* Bits of the ComponentMask that mean something only here. */
enum {
	WANT_SERVICE_FIRST = 16,
	WANT_SGID_COUNT = 19,
	WANT_DGID_COUNT = 20,
	WANT_SERVICE_REST = 21,
};

static const struct path_components components = {
	.raw = { 0, MULTI_RAW },
	.numb_path = { 6, MULTI_NUMB_PATH },
	.pkey = { 7, MULTI_PKEY },
	.qos_class = { 8, MULTI_QOS_CLASS },
	.sl = { 9, MULTI_SL },
	.mtu_selector = { 10, MULTI_MTU_SELECTOR },
	.mtu = { 11, MULTI_MTU },
	.rate_selector = { 12, MULTI_RATE_SELECTOR },
	.rate = { 13, MULTI_RATE },
	.life_selector = { 14, MULTI_LIFE_SELECTOR },
	.life = { 15, MULTI_LIFE },
};

#define GIDS_MAX UINT8_MAX /* of either side: SGIDCount and DGIDCount have 8 bits */

struct gids {
	unsigned n_from;
	unsigned n_to;
	const uint8_t *from;
	const uint8_t *to;
};

/* False: query->status says why. */
static bool take_gids(struct admin_query *query, struct gids *ret)
{
	const uint8_t *gids = query->wanted + MULTI_GIDS_OFFSET;

	if (!admin_has(query, WANT_SGID_COUNT) || !admin_has(query, WANT_DGID_COUNT)) {
		query->status = STATUS_SA_INSUFFICIENT_COMPONENTS;
		return false;
	}
	ret->n_from = (unsigned)wire_get(query->wanted, MULTI_SGID_COUNT);
	ret->n_to = (unsigned)wire_get(query->wanted, MULTI_DGID_COUNT);
	ret->from = gids;
	ret->to = gids + (size_t)ret->n_from * GID_SIZE;
	if (ret->n_from == 0 || ret->n_to == 0 ||
	    query->wanted_size < MULTI_GIDS_OFFSET + (size_t)(ret->n_from + ret->n_to) * GID_SIZE) {
		query->status = STATUS_SA_REQ_INVALID;
		return false;
	}

	return true;
}

static void take_service(const struct admin_query *query, struct path_wish *ret)
{
	ret->has_service =
		admin_has(query, WANT_SERVICE_FIRST) && admin_has(query, WANT_SERVICE_REST);
	ret->service = wire_get(query->wanted, MULTI_SERVICE_FIRST) << 56 |
		       wire_get(query->wanted, MULTI_SERVICE_REST);
}

static bool is_enough(const struct admin_query *query)
{
	return query->overflow || query->status != STATUS_OK;
}

/* False: query->status says why. */
static bool take_gid(struct admin_query *query, const uint8_t *gids, unsigned i, bool may_be_beyond,
		     struct path_side *ret)
{
	if (path_take_gid(query, gids + (size_t)i * GID_SIZE, may_be_beyond, ret) &&
	    admin_sees_endpoint(query, ret->at))
		return true;
	query->status = STATUS_SA_INVALID_GID;

	return false;
}

/* Once, not for each source: a router is sought among all nodes. */
static bool take_destinations(struct admin_query *query, const struct gids *gids,
			      struct path_side ret[static GIDS_MAX])
{
	for (unsigned i = 0; i < gids->n_to; i++) {
		if (!take_gid(query, gids->to, i, true, &ret[i]))
			return false;
	}

	return true;
}

static void each(struct admin_query *query)
{
	struct path_side to[GIDS_MAX];
	struct path_query p;
	struct gids gids;

	if (!take_gids(query, &gids) || !path_read(&p, query, &components))
		return;
	take_service(query, &p.wish);
	if (!take_destinations(query, &gids, to))
		return;
	for (unsigned i = 0; i < gids.n_from && !is_enough(query); i++) {
		if (!take_gid(query, gids.from, i, false, &p.from))
			return;
		for (unsigned k = 0; k < gids.n_to && !is_enough(query); k++) {
			p.to = to[k];
			path_find(&p);
		}
	}
}

const struct admin_attribute admin_multi_path = {
	.id = ATTR_SA_MULTI_PATH_RECORD,
	.answer_id = ATTR_SA_PATH_RECORD,
	.record_size = PATH_RECORD_SIZE,
	.by_routes = true,
	.methods = ADMIN_GET_MULTI,
	.each = each,
};
