/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Of the LIDs of two ports those are paired first that have the same place in their ranges
 * (preference 0), then the others (preference 2), as opensm does it. A Get takes the first pair
 * that fits, a table as many as NumbPath allows. Where an end is open, only pairs of the first kind
 * are tried.
 *
 * What is tried is bounded: who asks for all paths of a large fabric, or for what no path has, is
 * told that there are not the resources, rather than that everybody waits.
 *
 * A GID of another subnet is reached by a router, of those that there are the one with the lowest
 * GUID that can be talked to; the hop limit says so (IBA 15.2.5.16).
 */

#include "sm/sa/path.h"

#include <errno.h>

#include "base/macros.h"

#define HOPS_BEYOND 255u

/* ---- ends -------------------------------------------------------------------------------------
 */

/* A VF has the LIDs of its port; a vport one, which may be its own. */
void path_take_endpoint(const struct admin_view *view, struct endpoint e, struct path_side *ret)
{
	const struct port *port = &view->fabric->ports[e.port];
	uint16_t lid = endpoint_lid(view->fabric, e);

	*ret = (struct path_side){
		.given = true,
		.at = e,
		.prefix = view->conf->subnet_prefix,
		.guid = endpoint_guid(view->fabric, e),
		.first = lid,
		.n = (uint16_t)(lid == port->lid ? 1u << port->lmc : 1u),
	};
}

static uint32_t find_router(const struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	uint32_t best = NO_PORT;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct node *node = &f->nodes[i];

		if (node->type != NODE_TYPE_ROUTER || !node->present)
			continue;
		for (unsigned n = 1; n <= node->n_ports; n++) {
			uint32_t port = port_at(node, n);

			if (admin_is_end(f, port) && admin_sees(query, port) &&
			    (best == NO_PORT || f->ports[port].guid < f->ports[best].guid))
				best = port;
		}
	}

	return best;
}

static bool take_beyond(const struct admin_query *query, const uint8_t *gid,
			struct path_router *router, struct path_side *ret)
{
	if (!router->is_known)
		*router = (struct path_router){ true, find_router(query) };
	if (router->port == NO_PORT)
		return false;
	path_take_endpoint(query->view, endpoint_of_port(router->port), ret);
	ret->is_beyond = true;
	ret->prefix = wire_get64(gid, 0);
	ret->guid = wire_get64(gid, 1);

	return true;
}

bool path_take_gid(const struct admin_query *query, const uint8_t *gid, struct path_router *router,
		   struct path_side *ret)
{
	const struct fabric *f = query->view->fabric;
	uint64_t prefix = wire_get64(gid, 0);
	struct endpoint e;

	if (prefix != query->view->conf->subnet_prefix && prefix != GID_PREFIX_DEFAULT)
		return router && take_beyond(query, gid, router, ret);
	e = endpoint_find(f, wire_get64(gid, 1));
	if (e.port == NO_PORT || !admin_is_end(f, e.port) || endpoint_lid(f, e) == 0)
		return false;
	path_take_endpoint(query->view, e, ret);
	ret->prefix = prefix;

	return true;
}

/* ---- what else is asked for -------------------------------------------------------------------
 */

static bool has(const struct admin_query *query, const struct path_component *c)
{
	return admin_has(query, c->bit);
}

static unsigned value_of(const struct admin_query *query, const struct path_component *c)
{
	return (unsigned)wire_get(query->wanted, (enum wire_field)c->field);
}

static struct bound read_bound(const struct admin_query *query,
			       const struct path_component *selector,
			       const struct path_component *value)
{
	return bound_read(query->wanted, has(query, selector) && has(query, value),
			  (enum wire_field)selector->field, (enum wire_field)value->field);
}

bool path_read(struct path_query *p, struct admin_query *query, const struct path_components *c)
{
	*p = (struct path_query){
		.query = query,
		.mtu = read_bound(query, &c->mtu_selector, &c->mtu),
		.rate = read_bound(query, &c->rate_selector, &c->rate),
		.life = read_bound(query, &c->life_selector, &c->life),
		.is_raw = has(query, &c->raw) && value_of(query, &c->raw),
		.limit = query->is_table ? UINT32_MAX : 1,
		.found = path_offer,
	};
	if (query->is_table && has(query, &c->numb_path))
		p->limit = value_of(query, &c->numb_path);
	p->wish.has_class = has(query, &c->qos_class);
	p->wish.qos_class = (uint16_t)value_of(query, &c->qos_class);
	p->wish.has_sl = has(query, &c->sl);
	p->wish.sl = (uint8_t)value_of(query, &c->sl);
	if (!has(query, &c->pkey))
		return p->limit > 0;
	p->key = (uint16_t)value_of(query, &c->pkey);

	return p->limit > 0 && p->key & KEY_BASE_MASK;
}

/* ---- paths ------------------------------------------------------------------------------------
 */

/* A GRH is asked for by a hop limit that would lead beyond the subnet. */
static unsigned hop_limit(const struct path_query *p)
{
	const struct admin_view *view = p->query->view;

	if (p->to.is_beyond)
		return HOPS_BEYOND;

	return endpoint_needs_grh(view->fabric, p->from.at) ||
			       endpoint_needs_grh(view->fabric, p->to.at)
		       ? view->conf->virtual_hop_limit
		       : 0;
}

void path_describe(const struct path_query *p, const struct admin_path *path, uint16_t key,
		   uint8_t *record)
{
	wire_set64(record + PATH_SGID_OFFSET, 0, p->from.prefix);
	wire_set64(record + PATH_SGID_OFFSET, 1, p->from.guid);
	wire_set(record, PATH_REVERSIBLE, 1);
	wire_set(record, PATH_PKEY, key);
	wire_set(record, PATH_SL, path->sl);
	wire_set(record, PATH_MTU_SELECTOR, EXACTLY);
	wire_set(record, PATH_MTU, path->mtu);
	wire_set(record, PATH_RATE_SELECTOR, EXACTLY);
	wire_set(record, PATH_RATE, path->rate);
	wire_set(record, PATH_LIFE_SELECTOR, EXACTLY);
	wire_set(record, PATH_LIFE, path->life);
}

bool path_offer(struct path_query *p, const struct admin_ends *ends, const struct admin_path *path,
		uint16_t key, uint8_t preference)
{
	uint8_t record[PATH_RECORD_SIZE] = { 0 };

	wire_set64(record + PATH_DGID_OFFSET, 0, p->to.prefix);
	wire_set64(record + PATH_DGID_OFFSET, 1, p->to.guid);
	wire_set(record, PATH_DLID, ends->to_lid);
	wire_set(record, PATH_SLID, ends->from_lid);
	wire_set(record, PATH_HOP_LIMIT, hop_limit(p));
	path_describe(p, path, p->is_raw ? 0 : key, record);
	wire_set(record, PATH_PREFERENCE, preference);

	return admin_give(p->query, record);
}

/* One pair of LIDs. False: no more are needed. */
static bool try_pair(struct path_query *p, const struct admin_ends *ends, uint16_t key,
		     uint8_t preference, unsigned *n)
{
	const struct admin_view *view = p->query->view;
	struct admin_path path;

	if (++p->tries > PATH_MAX_TRIES) {
		p->query->status = STATUS_SA_NO_RESOURCES;
		return false;
	}
	if (!admin_path_walk(view, ends, &path))
		return true;
	if (!view->service_level)
		path.sl = p->sl;
	path_limit(p->level, &path);
	if ((p->wish.has_sl && p->wish.sl != path.sl) || !bound_meet_mtu(&p->mtu, &path.mtu) ||
	    !bound_meet_rate(&p->rate, &path.rate) || !bound_has_life(&p->life, path.life))
		return true;
	++*n;

	return p->found(p, ends, &path, key, preference) && *n < p->limit;
}

/*
 * Pair the LIDs of both ends: round by round, the shorter range turns by one against the longer
 * (both are powers of two), so every pair comes once, and round 0 has those of the same place.
 */
static void try_lids(struct path_query *p, uint16_t key)
{
	const struct path_side *from = &p->from, *to = &p->to;
	unsigned longer = MAX(from->n, to->n);
	unsigned rounds = p->every_pair ? MIN(from->n, to->n) : 1;
	unsigned n = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < longer; i++) {
			struct admin_ends ends = {
				.from = from->at.port,
				.to = to->at.port,
				.from_lid = (uint16_t)(from->first + i % from->n),
				.to_lid = (uint16_t)(to->first + (i + round) % to->n),
			};

			if (!p->every_pair)
				ends.many = p->fixed == from ? ends.from_lid : ends.to_lid;
			if (!try_pair(p, &ends, key, round ? 2 : 0, &n))
				return;
		}
	}
}

/*
 * The P_Key of a path, or 0: the one that is wanted, if both have it and one of them fully, else
 * their lowest common one, as the source has it in its table; of those that the policy allows. A
 * port that is nowhere a full member still talks to itself, on any key of its own.
 */
static uint16_t key_of(const struct path_query *p)
{
	const struct admin_view *view = p->query->view;
	struct endpoint from = p->from.at;
	struct endpoint other = p->fixed == &p->from ? p->to.at : from;
	bool is_own = endpoint_is(from, p->to.at);
	uint16_t key;

	if (p->key && is_own)
		return admin_keys_own(view, from, p->key) ? p->key : 0;
	if (p->key)
		return admin_keys_share(view, p->keys, other, p->key)
			       ? path_level_key(p, other, p->key)
			       : 0;
	key = path_level_key(p, other, 0);

	return key || is_own ? admin_keys_own(view, from, key) : 0;
}

/* A pair of ends costs a try, too: most may have no key in common. False: enough. */
static bool try_ends(struct path_query *p)
{
	uint16_t key;

	if (++p->tries > PATH_MAX_TRIES) {
		p->query->status = STATUS_SA_NO_RESOURCES;
		return false;
	}
	p->level = path_find_level(p);
	key = key_of(p);
	if (key) {
		p->sl = path_choose_sl(p, key);
		try_lids(p, key);
	}

	return !p->query->overflow && p->query->status == STATUS_OK;
}

static void fix(struct path_query *p, struct path_side *side, struct admin_keys *keys)
{
	p->fixed = side;
	p->keys = keys;
	admin_keys_read(p->query->view, side->at, keys);
}

int path_plain_level(const struct admin_view *view, struct endpoint from, struct endpoint to)
{
	struct admin_query query = { .view = view };
	struct path_query p = { .query = &query };
	struct admin_keys keys;
	uint16_t key;

	path_take_endpoint(view, from, &p.from);
	path_take_endpoint(view, to, &p.to);
	fix(&p, &p.from, &keys);
	p.level = path_find_level(&p);
	key = key_of(&p);

	return key ? path_choose_sl(&p, key) : -ENOENT;
}

/*
 * Every end of the fabric takes the place of the one that is not given. Who asks for its own paths
 * sees all that it has a P_Key in common with, and that is looked for anyway.
 */
static bool try_every(struct path_query *p)
{
	const struct admin_query *query = p->query;
	const struct fabric *f = query->view->fabric;
	struct path_side *open = p->fixed == &p->from ? &p->to : &p->from;
	bool is_own = endpoint_is(query->requester, p->fixed->at);
	struct admin_walk walk = { 0 };
	struct endpoint e;

	while (admin_walk_next(f, &walk, &e)) {
		if (!is_own && !admin_sees_endpoint(query, e))
			continue;
		path_take_endpoint(query->view, e, open);
		if (!try_ends(p))
			return false;
	}

	return true;
}

/* How many take part, so that who asks for too much is told at once. */
static size_t count_visible(const struct admin_query *query)
{
	struct admin_walk walk = { 0 };
	struct endpoint e;
	size_t n = 0;

	while (admin_walk_next(query->view->fabric, &walk, &e))
		n += admin_sees_endpoint(query, e);

	return n;
}

static void try_all(struct path_query *p)
{
	const struct admin_view *view = p->query->view;
	size_t n = count_visible(p->query);
	struct admin_walk walk = { 0 };
	struct admin_keys keys;
	struct endpoint e;

	if (n * n > PATH_MAX_TRIES) {
		p->query->status = STATUS_SA_NO_RESOURCES;
		return;
	}
	while (admin_walk_next(view->fabric, &walk, &e)) {
		if (!admin_sees_endpoint(p->query, e))
			continue;
		path_take_endpoint(view, e, &p->from);
		fix(p, &p->from, &keys);
		if (!try_every(p))
			return;
	}
}

static bool sees(const struct path_query *p, const struct path_side *side)
{
	return !side->given || admin_sees_endpoint(p->query, side->at);
}

void path_find(struct path_query *p)
{
	struct admin_keys keys;

	if (!sees(p, &p->from) || !sees(p, &p->to))
		return;
	p->every_pair = p->from.given && p->to.given;
	if (!p->from.given && !p->to.given) {
		try_all(p);
		return;
	}
	fix(p, p->from.given ? &p->from : &p->to, &keys);
	if (p->every_pair)
		try_ends(p);
	else
		try_every(p);
}
