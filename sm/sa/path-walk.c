/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A path is what the tables say, so it is walked: out of the source, at each switch out of the port
 * that its table has for the LID, until the destination; and the same back, because every client
 * wants to answer on the way that it was asked. Tables are proven before they are used, but they
 * change while links come and go: hence the limit of hops.
 *
 * MTU: once a link is Armed its ports send no longer packets than their NeighborMTU, whatever they
 * could; before that it is what both ends can and the operator allows. What the far end can
 * receive (MTUCap) is looked at too, because there are devices that acknowledge a NeighborMTU and
 * show another one. Port 0 of a switch has no link, but what it can receive counts.
 */

#include "sm/sa/path-walk.h"

#include "base/macros.h"
#include "routing/engine.h"
#include "sm/sa/rate.h"

#define MAX_HOPS 64u

static unsigned mtu_cap(const struct port *port)
{
	uint64_t cap = wire_get(port->info, PORT_INFO_MTU_CAP);

	return cap >= CONF_MTU_256 ? (unsigned)MIN(cap, CONF_MTU_4096) : CONF_MTU_256;
}

static unsigned mtu_sent(const struct admin_view *view, const struct port *port)
{
	uint64_t set = wire_get(port->info, PORT_INFO_NEIGHBOR_MTU);

	if (port_state(port) < PORT_ARMED)
		return view->conf->max_mtu;

	return set >= CONF_MTU_256 ? (unsigned)MIN(set, CONF_MTU_4096) : CONF_MTU_256;
}

static void narrow_mtu(struct admin_path *path, unsigned mtu)
{
	path->mtu = (uint8_t)MIN(path->mtu, mtu);
}

static void narrow_rate(struct admin_path *path, unsigned rate)
{
	if (admin_rate_mbps(rate) < admin_rate_mbps(path->rate))
		path->rate = (uint8_t)rate;
}

/* Over the cable at @out: the port at its far end, or NO_PORT. */
static uint32_t cross(const struct admin_view *view, uint32_t out, struct admin_path *path)
{
	const struct port *ports = view->fabric->ports;
	uint32_t in = ports[out].peer;

	if (in == NO_PORT || port_rate(&ports[out]) == 0)
		return NO_PORT;
	narrow_mtu(path, mtu_sent(view, &ports[out]));
	narrow_mtu(path, mtu_cap(&ports[out]));
	narrow_mtu(path, mtu_cap(&ports[in]));
	narrow_rate(path, port_rate(&ports[out]));

	return in;
}

/* Through the switch of @at: the port by which a packet to @lid leaves it, or NO_PORT. */
static uint32_t forward(const struct admin_view *view, uint32_t at, unsigned lid)
{
	const struct node *node = node_of(view->fabric, at);
	uint8_t exit;

	if (!node_is_switch(node))
		return NO_PORT;
	exit = view->route(view->user, view->fabric->ports[at].node, lid);

	return exit != ROUTE_NONE && exit <= node->n_ports ? port_at(node, exit) : NO_PORT;
}

static bool walk(const struct admin_view *view, uint32_t from, uint32_t to, unsigned lid,
		 struct admin_path *path)
{
	const struct fabric *f = view->fabric;
	uint32_t out = node_is_switch(node_of(f, from)) ? forward(view, from, lid) : from;

	for (unsigned hop = 0; hop < MAX_HOPS && out != NO_PORT; hop++) {
		uint32_t in = cross(view, out, path);

		if (in == NO_PORT || in == to)
			return in == to;
		out = forward(view, in, lid);
		if (out == to)
			return true;
	}

	return false;
}

/* Packets to oneself see no link; one that is down has no rate. */
static bool stay(const struct port *port, struct admin_path *ret)
{
	*ret = (struct admin_path){
		.mtu = (uint8_t)mtu_cap(port),
		.rate = (uint8_t)port_rate(port),
	};

	return ret->rate != 0;
}

bool admin_path_walk(const struct admin_view *view, const struct admin_ends *ends,
		     struct admin_path *ret)
{
	const struct port *ports = view->fabric->ports;
	struct admin_path path = {
		.mtu = (uint8_t)MIN(mtu_cap(&ports[ends->from]), mtu_cap(&ports[ends->to])),
		.life = (uint8_t)view->conf->subnet_timeout,
	};

	if (ends->from == ends->to)
		return stay(&ports[ends->from], ret);
	path.rate = (uint8_t)admin_rate_below(UINT32_MAX);
	if (!walk(view, ends->from, ends->to, ends->to_lid, &path) ||
	    !walk(view, ends->to, ends->from, ends->from_lid, &path))
		return false;
	*ret = path;

	return true;
}
