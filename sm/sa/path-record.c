/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PathRecord (IBA 15.2.5.16): how does one port talk to another? Components of the question are not
 * compared with a record but shape it. Each end is given by GID (interface ID: the GUID of the
 * port, or of a virtual function behind it, whose LIDs are then those of the port; prefix: the
 * subnet's or the link-local one), by LID (any of the LMC range) or by both, which then must agree.
 * If one end is not given, every port is tried for it; without either, nothing is.
 *
 * Of the LIDs of two ports those are paired first that have the same place in their ranges
 * (preference 0), then the others (preference 2), as opensm does it. A Get takes the first pair
 * that fits, a table as many as NumbPath allows. Where one end is open, only pairs of the first
 * kind are tried: as many walks as there are LIDs, whoever asks.
 *
 * MTU, rate and packet life time are bounds, and count only together with their selectors. "Less
 * than" and "exactly" are also met by a path that could do more: the record then says less, and the
 * client sends accordingly. Every path is on SL 0, and no path leaves the subnet or is a multicast
 * group yet. Traffic class, flow label, hop limit, raw traffic, service ID and QoS class are taken
 * and mean nothing; in the answer they are 0, as in opensm's, but for
 * the hop limit of paths from or to a virtual port that only its GID tells apart.
 */

#include "base/macros.h"
#include "sm/sa/attribute.h"
#include "sm/sa/bound.h"
#include "sm/sa/path-walk.h"

/* Bits of the ComponentMask that mean something here. */
enum {
	WANT_DGID = 2,
	WANT_SGID = 3,
	WANT_DLID = 4,
	WANT_SLID = 5,
	WANT_NUMB_PATH = 12,
	WANT_PKEY = 13,
	WANT_SL = 15,
	WANT_MTU_SELECTOR = 16,
	WANT_MTU = 17,
	WANT_RATE_SELECTOR = 18,
	WANT_RATE = 19,
	WANT_LIFE_SELECTOR = 20,
	WANT_LIFE = 21,
};

#define LINK_LOCAL_PREFIX UINT64_C(0xfe80000000000000)

/* One end of the question. */
struct side {
	bool given;
	struct endpoint at;
	uint64_t prefix; /* as the client spells it */
	uint16_t first;  /* LIDs that may be used: a power of two, from here on */
	uint16_t n;
};

struct path_query {
	struct admin_query *query;
	struct side from;
	struct side to;
	struct bound mtu;
	struct bound rate;
	struct bound life;
	uint16_t key;            /* wanted P_Key, or 0 */
	unsigned limit;          /* records for each pair of ports */
	bool every_pair;         /* of LIDs, not only those of preference 0 */
	bool from_fixed;         /* else only the other end is given */
	struct admin_keys *keys; /* P_Keys of the source if it is given, else of the destination */
};

/* Where the components of an end are. */
struct side_place {
	uint8_t gid_bit;
	uint8_t lid_bit;
	uint8_t gid_offset;
	enum wire_field lid;
};

/* ---- ends -------------------------------------------------------------------------------------
 */

/* A VF has the LIDs of its port; a vport one, which may be its own. */
static void take_endpoint(const struct admin_view *view, struct endpoint e, struct side *ret)
{
	const struct port *port = &view->fabric->ports[e.port];
	uint16_t lid = endpoint_lid(view->fabric, e);

	*ret = (struct side){
		.given = true,
		.at = e,
		.prefix = view->conf->subnet_prefix,
		.first = lid,
		.n = (uint16_t)(lid == port->lid ? 1u << port->lmc : 1u),
	};
}

static bool take_gid(const struct admin_query *query, const struct side_place *place,
		     struct side *ret)
{
	const uint8_t *gid = query->wanted + place->gid_offset;
	uint64_t prefix = wire_get64(gid, 0);
	struct endpoint e;

	if (prefix != query->view->conf->subnet_prefix && prefix != LINK_LOCAL_PREFIX)
		return false;
	e = endpoint_find(query->view->fabric, wire_get64(gid, 1));
	if (e.port == NO_PORT || !admin_is_end(query->view->fabric, e.port) ||
	    endpoint_lid(query->view->fabric, e) == 0)
		return false;
	take_endpoint(query->view, e, ret);
	ret->prefix = prefix;

	return true;
}

/* A LID that several share is that of the port: which of its VFs is meant, only a GID could say. */
static bool take_lid(struct admin_query *query, const struct side_place *place, struct side *ret)
{
	unsigned lid = (unsigned)wire_get(query->wanted, place->lid);
	struct endpoint e = endpoint_of_lid(query->view->fabric, lid);

	if (e.port == NO_PORT || !admin_is_end(query->view->fabric, e.port))
		return false;
	if (ret->given && (lid < ret->first || lid >= (unsigned)ret->first + ret->n)) {
		query->status = STATUS_SA_REQ_INVALID;
		return false;
	}
	if (!ret->given)
		take_endpoint(query->view, e, ret);
	ret->first = (uint16_t)lid;
	ret->n = 1;

	return true;
}

/* False: the question names a port that there is not. */
static bool take_end(struct admin_query *query, const struct side_place *place, struct side *ret)
{
	*ret = (struct side){ .given = false };
	if (admin_has(query, place->gid_bit) && !take_gid(query, place, ret))
		return false;

	return !admin_has(query, place->lid_bit) || take_lid(query, place, ret);
}

static bool take_ends(struct path_query *p)
{
	static const struct side_place from = { WANT_SGID, WANT_SLID, PATH_SGID_OFFSET, PATH_SLID };
	static const struct side_place to = { WANT_DGID, WANT_DLID, PATH_DGID_OFFSET, PATH_DLID };

	if (!take_end(p->query, &from, &p->from) || !take_end(p->query, &to, &p->to))
		return false;
	if (!p->from.given && !p->to.given) {
		p->query->status = STATUS_SA_INSUFFICIENT_COMPONENTS;
		return false;
	}
	p->every_pair = p->from.given && p->to.given;
	p->from_fixed = p->from.given;

	return true;
}

/* ---- bounds -----------------------------------------------------------------------------------
 */

static struct bound read_bound(const struct admin_query *query, unsigned selector_bit,
			       enum wire_field selector, enum wire_field value)
{
	if (!admin_has(query, selector_bit) || !admin_has(query, selector_bit + 1))
		return (struct bound){ .selector = BEST };

	return (struct bound){
		.selector = (enum selector)wire_get(query->wanted, selector),
		.value = (unsigned)wire_get(query->wanted, value),
	};
}

/* ---- paths ------------------------------------------------------------------------------------
 */

/* A GRH is asked for by a hop limit that would lead beyond the subnet. */
static unsigned hop_limit(const struct path_query *p)
{
	const struct admin_view *view = p->query->view;

	return endpoint_needs_grh(view->fabric, p->from.at) ||
			       endpoint_needs_grh(view->fabric, p->to.at)
		       ? view->conf->virtual_hop_limit
		       : 0;
}

static bool offer(const struct path_query *p, const struct admin_ends *ends,
		  const struct admin_path *path, uint16_t key, uint8_t preference)
{
	const struct fabric *f = p->query->view->fabric;
	uint8_t record[PATH_RECORD_SIZE] = { 0 };

	wire_set64(record + PATH_DGID_OFFSET, 0, p->to.prefix);
	wire_set64(record + PATH_DGID_OFFSET, 1, endpoint_guid(f, p->to.at));
	wire_set64(record + PATH_SGID_OFFSET, 0, p->from.prefix);
	wire_set64(record + PATH_SGID_OFFSET, 1, endpoint_guid(f, p->from.at));
	wire_set(record, PATH_DLID, ends->to_lid);
	wire_set(record, PATH_SLID, ends->from_lid);
	wire_set(record, PATH_HOP_LIMIT, hop_limit(p));
	wire_set(record, PATH_REVERSIBLE, 1);
	wire_set(record, PATH_PKEY, key);
	wire_set(record, PATH_MTU_SELECTOR, EXACTLY);
	wire_set(record, PATH_MTU, path->mtu);
	wire_set(record, PATH_RATE_SELECTOR, EXACTLY);
	wire_set(record, PATH_RATE, path->rate);
	wire_set(record, PATH_LIFE_SELECTOR, EXACTLY);
	wire_set(record, PATH_LIFE, path->life);
	wire_set(record, PATH_PREFERENCE, preference);

	return admin_offer(p->query, FOR_EVERYBODY, record);
}

/* Walk one pair of LIDs. False: no more are needed. */
static bool try_pair(const struct path_query *p, const struct admin_ends *ends, uint16_t key,
		     uint8_t preference, unsigned *found)
{
	struct admin_path path;

	if (!admin_path_walk(p->query->view, ends, &path) || !bound_meet_mtu(&p->mtu, &path.mtu) ||
	    !bound_meet_rate(&p->rate, &path.rate) || !bound_has_life(&p->life, path.life))
		return true;
	++*found;

	return offer(p, ends, &path, key, preference) && *found < p->limit;
}

/*
 * Pair the LIDs of both ports: round by round, the shorter range turns by one against the longer
 * (both are powers of two), so every pair comes once, and round 0 has those of the same place.
 */
static void try_lids(const struct path_query *p, const struct side *from, const struct side *to,
		     uint16_t key)
{
	unsigned longer = MAX(from->n, to->n);
	unsigned rounds = p->every_pair ? MIN(from->n, to->n) : 1;
	unsigned found = 0;

	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < longer; i++) {
			struct admin_ends ends = {
				.from = from->at.port,
				.to = to->at.port,
				.from_lid = (uint16_t)(from->first + i % from->n),
				.to_lid = (uint16_t)(to->first + (i + round) % to->n),
			};

			if (!try_pair(p, &ends, key, round ? 2 : 0, &found))
				return;
		}
	}
}

/*
 * The P_Key of a path from @from to @to, or 0: the one that is wanted, if both have it and one of
 * them fully, else their lowest common one, as the source has it in its table. A port talks to
 * itself on any key of its own.
 */
static uint16_t key_of(const struct path_query *p, struct endpoint from, struct endpoint to)
{
	const struct admin_view *view = p->query->view;
	struct endpoint other = p->from_fixed ? to : from;
	uint16_t key;

	if (endpoint_is(from, to)) {
		key = admin_keys_own(view, from, p->key);
		return key && p->key ? p->key : key;
	}
	if (p->key)
		return admin_keys_share(view, p->keys, other, p->key) ? p->key : 0;
	key = admin_keys_shared(view, p->keys, other);

	return key ? admin_keys_own(view, from, key) : 0;
}

static void try_ports(const struct path_query *p, const struct side *from, const struct side *to)
{
	uint16_t key = key_of(p, from->at, to->at);

	if (key)
		try_lids(p, from, to, key);
}

/*
 * Every port of the fabric takes the place of the end that is not given. Who asks for its own paths
 * sees all that it has a P_Key in common with, and that is looked for anyway.
 */
static void try_every_port(struct path_query *p)
{
	const struct admin_query *query = p->query;
	const struct fabric *f = query->view->fabric;
	struct side *open = p->from_fixed ? &p->to : &p->from;
	bool is_own = endpoint_is(query->requester, p->from_fixed ? p->from.at : p->to.at);

	for (uint32_t port = 0; port < f->n_ports && !query->overflow; port++) {
		if (!admin_is_end(f, port) || (!is_own && !admin_sees(query, port)))
			continue;
		take_endpoint(query->view, endpoint_of_port(port), open);
		try_ports(p, &p->from, &p->to);
	}
}

static bool sees_ends(const struct path_query *p)
{
	return (!p->from.given || admin_sees_endpoint(p->query, p->from.at)) &&
	       (!p->to.given || admin_sees_endpoint(p->query, p->to.at));
}

/* False: there can be no path on this partition or service level. */
static bool take_key(struct path_query *p)
{
	const struct admin_query *query = p->query;

	if (admin_has(query, WANT_SL) && wire_get(query->wanted, PATH_SL) != 0)
		return false;
	if (!admin_has(query, WANT_PKEY))
		return true;
	p->key = (uint16_t)wire_get(query->wanted, PATH_PKEY);

	return p->key & KEY_BASE_MASK;
}

static unsigned read_limit(const struct admin_query *query)
{
	if (!query->is_table)
		return 1;
	if (!admin_has(query, WANT_NUMB_PATH))
		return UINT32_MAX;

	return (unsigned)wire_get(query->wanted, PATH_NUMB_PATH);
}

static void each(struct admin_query *query)
{
	struct admin_keys keys;
	struct path_query p = {
		.query = query,
		.mtu = read_bound(query, WANT_MTU_SELECTOR, PATH_MTU_SELECTOR, PATH_MTU),
		.rate = read_bound(query, WANT_RATE_SELECTOR, PATH_RATE_SELECTOR, PATH_RATE),
		.life = read_bound(query, WANT_LIFE_SELECTOR, PATH_LIFE_SELECTOR, PATH_LIFE),
		.limit = read_limit(query),
		.keys = &keys,
	};

	if (!take_ends(&p) || !take_key(&p) || !sees_ends(&p) || p.limit == 0)
		return;
	admin_keys_read(query->view, p.from_fixed ? p.from.at : p.to.at, &keys);
	if (p.every_pair)
		try_ports(&p, &p.from, &p.to);
	else
		try_every_port(&p);
}

const struct admin_attribute admin_path_record = {
	.id = ATTR_SA_PATH_RECORD,
	.record_size = PATH_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.each = each,
};
