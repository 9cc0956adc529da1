/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A path is what the tables say, so it is walked: out of the source, at each switch out of the port
 * that its table has for the LID, until the destination; and the same back, because every client
 * wants to answer on the way that it was asked. Tables are proven before they are used, but they
 * change while links come and go: hence the limit of hops. At rest most of the way is known from
 * earlier questions (ways.h).
 *
 * MTU: once a link is Armed its ports send no longer packets than their NeighborMTU, whatever they
 * could; before that it is what both ends can and the operator allows. What the far end can
 * receive (MTUCap) is looked at too, because there are devices that acknowledge a NeighborMTU and
 * show another one. Port 0 of a switch has no link, but what it can receive counts.
 */

#include "sm/sa/path-walk.h"

#include "base/macros.h"
#include "routing/engine.h"
#include "sm/sa/ways.h"

unsigned admin_mtu_cap(const struct port *port)
{
	uint64_t cap = wire_get(port->info, PORT_INFO_MTU_CAP);

	return cap >= CONF_MTU_256 ? (unsigned)MIN(cap, CONF_MTU_4096) : CONF_MTU_256;
}

uint32_t admin_path_exit(const struct admin_view *view, uint32_t at, unsigned lid)
{
	const struct node *node = node_of(view->fabric, at);
	uint8_t exit;

	if (!node_is_switch(node))
		return NO_PORT;
	exit = view->route(view->user, view->fabric->ports[at].node, lid);

	return exit != ROUTE_NONE && exit <= node->n_ports ? port_at(node, exit) : NO_PORT;
}

/* Over the cable at @out and on, after what has @found. */
static uint8_t walk_on(const struct admin_view *view, uint32_t out, uint32_t to, unsigned lid,
		       uint8_t found)
{
	for (unsigned hop = 0; hop < PATH_MAX_HOPS && out != NO_PORT; hop++) {
		uint8_t link = ways_link(view, view->ways, out);
		uint32_t in = view->fabric->ports[out].peer;

		if (link == WAY_NONE)
			return WAY_NONE;
		found = way_narrower(found, link);
		if (in == to)
			return found;
		out = admin_path_exit(view, in, lid);
		if (out == to)
			return found;
	}

	return WAY_NONE;
}

static bool is_switch(const struct fabric *f, uint32_t port)
{
	return node_is_switch(node_of(f, port));
}

/* One direction. */
struct leg {
	uint32_t from;
	uint32_t to;
	unsigned from_lid;
	unsigned lid;
};

/* From what is known; WAY_MIXED: nothing. */
static uint8_t recall(const struct admin_view *view, const struct leg *leg, unsigned many)
{
	const struct fabric *f = view->fabric;
	uint8_t outward = WAY_ALL, inward = WAY_ALL, between;

	if (f->ports[leg->from].peer == leg->to) /* a cable from adapter to adapter */
		return WAY_MIXED;
	between = ways_between(view, leg->from_lid, leg->lid, many);
	if (between == WAY_MIXED || between == WAY_NONE)
		return between;
	if (!is_switch(f, leg->from))
		outward = ways_link(view, view->ways, leg->from);
	if (!is_switch(f, leg->to))
		inward = ways_link(view, view->ways, f->ports[leg->to].peer);
	if (outward == WAY_NONE || inward == WAY_NONE)
		return WAY_NONE;

	return way_narrower(way_narrower(outward, between), inward);
}

static uint8_t walk(const struct admin_view *view, const struct leg *leg, unsigned many)
{
	uint8_t known = view->ways ? recall(view, leg, many) : WAY_MIXED;
	uint32_t out = leg->from;

	if (known != WAY_MIXED)
		return known;
	if (is_switch(view->fabric, out))
		out = admin_path_exit(view, out, leg->lid);

	return walk_on(view, out, leg->to, leg->lid, WAY_ALL);
}

/* Packets to oneself see no link; one that is down has no rate. */
static bool stay(const struct port *port, struct admin_path *ret)
{
	*ret = (struct admin_path){
		.mtu = (uint8_t)admin_mtu_cap(port),
		.rate = (uint8_t)port_rate(port),
	};

	return ret->rate != 0;
}

bool admin_path_walk(const struct admin_view *view, const struct admin_ends *ends,
		     struct admin_path *ret)
{
	const struct port *from = &view->fabric->ports[ends->from];
	const struct port *to = &view->fabric->ports[ends->to];
	struct leg outward = { ends->from, ends->to, ends->from_lid, ends->to_lid };
	struct leg homeward = { ends->to, ends->from, ends->to_lid, ends->from_lid };
	uint8_t there, back, both;

	if (from == to)
		return stay(from, ret);
	there = walk(view, &outward, ends->many);
	if (there == WAY_NONE)
		return false;
	back = walk(view, &homeward, ends->many);
	if (back == WAY_NONE)
		return false;
	both = way_narrower(there, back);
	*ret = (struct admin_path){
		.mtu = (uint8_t)MIN(both >> 5, MIN(admin_mtu_cap(from), admin_mtu_cap(to))),
		.rate = both & 31,
		.life = (uint8_t)view->conf->subnet_timeout,
	};
	if (view->service_level)
		ret->sl = view->service_level(view->user, ends->from, ends->to);

	return true;
}
