/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MultiPathRecord (IBA 15.2.5.20): paths from each of some ports to each of some others, in
 * PathRecords. The question lists GIDs, first of all sources, then of all destinations, and may be
 * longer than a datagram. A GID that nobody has whom the requester sees makes all of it wrong (IBA
 * 15.2.4), and who asks can tell nothing from it.
 *
 * IndependenceSelector asks for paths of which a fault breaks as few as can be. Then they are one
 * set: of all paths between any of the sources and any of the destinations, on any of their LIDs,
 * those are told that share least (independent.h), NumbPath in all and not for each pair of GIDs.
 * What the fabric does not allow is told, too: a path has preference 0 if it shares nothing with
 * those before it but adapters, and of the same port the link and the switch that it hangs on; else
 * it has preference 2. Of the selector's values 1 is the one that clients send (FastFabric, and
 * illumos where paths are to be available); 2 and 3, which are reserved, are taken as 1.
 */

#include <stdlib.h>

#include "base/macros.h"
#include "sm/sa/independent.h"
#include "sm/sa/path.h"

/* Bits of the ComponentMask that mean something only here. */
enum {
	WANT_SERVICE_FIRST = 16,
	WANT_INDEPENDENCE = 17,
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
static bool take_gid(struct admin_query *query, const uint8_t *gids, unsigned i,
		     struct path_router *router, struct path_side *ret)
{
	if (path_take_gid(query, gids + (size_t)i * GID_SIZE, router, ret) &&
	    admin_sees_endpoint(query, ret->at))
		return true;
	query->status = STATUS_SA_INVALID_GID;

	return false;
}

/* Once, not for each source. */
static bool take_destinations(struct admin_query *query, const struct gids *gids,
			      struct path_side ret[static GIDS_MAX])
{
	struct path_router router = { .is_known = false };

	for (unsigned i = 0; i < gids->n_to; i++) {
		if (!take_gid(query, gids->to, i, &router, &ret[i]))
			return false;
	}

	return true;
}

/* From each to each. */
static void find_all(struct path_query *p, const struct gids *gids)
{
	struct admin_query *query = p->query;
	struct path_side to[GIDS_MAX];

	if (!take_destinations(query, gids, to))
		return;
	for (unsigned i = 0; i < gids->n_from && !is_enough(query); i++) {
		if (!take_gid(query, gids->from, i, NULL, &p->from))
			return;
		for (unsigned k = 0; k < gids->n_to && !is_enough(query); k++) {
			p->to = to[k];
			path_find(p);
		}
	}
}

/* ---- independent ones -------------------------------------------------------------------------
 */

/* A path that was found, to be offered. */
struct candidate {
	struct path_side from, to;
	struct admin_ends ends;
	struct admin_path path;
	uint16_t key;
};

struct candidates {
	struct path_query query; /* first: what found() gets */
	unsigned n;
	struct candidate one[INDEPENDENT_MAX];
	struct trail trail[INDEPENDENT_MAX];
};

static bool note(struct path_query *p, const struct admin_ends *ends, const struct admin_path *path,
		 uint16_t key, uint8_t preference)
{
	struct candidates *c = CONTAINER_OF(p, struct candidates, query);

	(void)preference;
	if (c->n < INDEPENDENT_MAX && trail_walk(p->query->view, ends, &c->trail[c->n]))
		c->one[c->n++] = (struct candidate){ p->from, p->to, *ends, *path, key };

	return c->n < INDEPENDENT_MAX;
}

/* What two paths share because of whom the question is about. */
static struct trail_share share_of_ends(const struct fabric *f, const struct admin_ends *a,
					const struct admin_ends *b)
{
	const uint32_t of_a[] = { a->from, a->to }, of_b[] = { b->from, b->to };
	struct trail ends = { .n_nodes = 0 };

	for (unsigned i = 0; i < COUNT(of_a); i++) {
		for (unsigned k = 0; k < COUNT(of_b); k++) {
			uint32_t port = of_a[i];

			if (f->ports[port].node == f->ports[of_b[k]].node)
				trail_add_node(&ends, f->ports[port].node);
			if (port == of_b[k] && f->ports[port].peer != NO_PORT &&
			    !node_is_switch(node_of(f, port))) {
				trail_add_cable(&ends, f, port);
				trail_add_node(&ends, f->ports[f->ports[port].peer].node);
			}
		}
	}

	return (struct trail_share){ ends.n_nodes, ends.n_cables };
}

static bool shares_more(const struct candidates *c, unsigned a, unsigned b)
{
	const struct fabric *f = c->query.query->view->fabric;
	struct trail_share all = trail_share(&c->trail[a], &c->trail[b]);
	struct trail_share ends = share_of_ends(f, &c->one[a].ends, &c->one[b].ends);

	return all.nodes > ends.nodes || all.cables > ends.cables;
}

static void offer(struct candidates *c, const uint16_t *order, unsigned n)
{
	const struct candidate *one = &c->one[order[n]];
	bool is_alone = true;

	for (unsigned i = 0; i < n && is_alone; i++)
		is_alone = !shares_more(c, order[i], order[n]);
	c->query.from = one->from;
	c->query.to = one->to;
	path_offer(&c->query, &one->ends, &one->path, one->key, is_alone ? 0 : 2);
}

static void find_independent(struct path_query *p, const struct gids *gids)
{
	unsigned pairs = gids->n_from * gids->n_to, wanted = p->limit;
	struct candidates *c = pairs <= INDEPENDENT_MAX ? malloc(sizeof(*c)) : NULL;
	uint16_t order[INDEPENDENT_MAX];

	if (!c) {
		p->query->status = STATUS_SA_NO_RESOURCES;
		return;
	}
	c->query = *p;
	c->query.limit = INDEPENDENT_MAX / pairs;
	c->query.found = note;
	c->n = 0;
	find_all(&c->query, gids);
	if (!is_enough(p->query)) {
		unsigned n = independent_choose(c->trail, c->n, wanted, order);

		for (unsigned i = 0; i < n && !is_enough(p->query); i++)
			offer(c, order, i);
	}
	free(c);
}

static void each(struct admin_query *query)
{
	bool independent = admin_has(query, WANT_INDEPENDENCE) &&
			   wire_get(query->wanted, MULTI_INDEPENDENCE) != 0;
	struct path_query p;
	struct gids gids;

	if (!take_gids(query, &gids) || !path_read(&p, query, &components))
		return;
	take_service(query, &p.wish);
	if (independent)
		find_independent(&p, &gids);
	else
		find_all(&p, &gids);
}

const struct admin_attribute admin_multi_path = {
	.id = ATTR_SA_MULTI_PATH_RECORD,
	.answer_id = ATTR_SA_PATH_RECORD,
	.record_size = PATH_RECORD_SIZE,
	.by_routes = true,
	.methods = ADMIN_GET_MULTI,
	.each = each,
};
