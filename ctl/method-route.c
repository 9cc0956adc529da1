/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How packets go, by the tables in use: one switch's table as runs of LIDs that leave by the same
 * port, and the way from one port to another, hop by hop. The way is walked as a packet would be,
 * so it also ends where a packet would: at a switch without an entry, at a port without a link, at
 * the wrong device, or never. A virtual function is reached where its port is, by the LID that it
 * uses.
 */

#include <stdio.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/pkeys.h"
#include "ctl/place.h"
#include "sm/vf.h"

#define HOPS_MAX 64u

static bool check_master(struct call *call)
{
	struct sm_status s;

	sm_status(call->sm, &s);
	if (s.engine)
		return true;
	if (s.state == SM_STANDBY || s.state == SM_NOT_ACTIVE)
		call_fail(call, PROTOCOL_NOT_MASTER,
			  "this subnet manager is not master: it has no forwarding tables");
	else
		call_fail(call, PROTOCOL_FAILED, "there are no forwarding tables yet");

	return false;
}

/* -- routes -------------------------------------------------------------------------------------
 */

struct run {
	unsigned first, last; /* LIDs */
	uint8_t port;         /* ROUTE_NONE: LIDs in use that have no entry */
	bool is_one;
};

/* LIDs that nobody has and that have no entry are not worth a word. */
static bool is_worth(const struct call *call, uint32_t sw, unsigned lid)
{
	return sm_route(call->sm, sw, lid) != ROUTE_NONE ||
	       fabric_find_lid(call->fabric, lid) != NO_PORT;
}

/* The first run from @lid on. */
static struct run next_run(const struct call *call, uint32_t sw, unsigned lid)
{
	struct run run = { 0 };

	while (lid <= LID_UNICAST_LAST && !is_worth(call, sw, lid))
		lid++;
	if (lid > LID_UNICAST_LAST)
		return run;
	run = (struct run){ lid, lid, sm_route(call->sm, sw, lid), true };
	while (run.last < LID_UNICAST_LAST && is_worth(call, sw, run.last + 1) &&
	       sm_route(call->sm, sw, run.last + 1) == run.port)
		run.last++;

	return run;
}

static json_t *make_run(const struct call *call, uint32_t sw, const struct run *run)
{
	const struct fabric *f = call->fabric;
	const struct node *node = &f->nodes[sw];
	struct row row = row_start();

	row_number(&row, "lid", run->first);
	row_number(&row, "last_lid", run->last);
	if (run->port == ROUTE_NONE || run->port > node->n_ports)
		row_put(&row, "port", json_null());
	else
		row_number(&row, "port", run->port);
	if (run->port != ROUTE_NONE && run->port <= node->n_ports)
		row_put(&row, "peer",
			place_end(call->rpc, f, f->ports[port_at(node, run->port)].peer));

	return row_end(&row);
}

void method_routes(struct call *call)
{
	const char *text = call_text(call, "switch");
	struct found found;
	struct page page;
	struct run run;
	uint64_t lid;

	if (!text)
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"switch\" is missing");
	if (!text || !find_switch(call, text, &found) || !check_master(call))
		return;

	place_put_node(&call->result, call->rpc, &call->fabric->nodes[found.node]);
	page = page_start(call, UINT32_MAX);
	lid = MAX(page.from, LID_UNICAST_FIRST);
	run = next_run(call, found.node, (unsigned)MIN(lid, LID_UNICAST_LAST + 1));
	while (run.is_one && page.room > 0) {
		page_add(&page, make_run(call, found.node, &run));
		run = next_run(call, found.node, run.last + 1);
	}
	page_end(call, &page, "routes", run.is_one ? run.first : 0);
}

/* -- path ---------------------------------------------------------------------------------------
 */

struct walk {
	struct call *call;
	const struct fabric *f;
	json_t *hops;
	uint32_t port; /* where the packet is: it came in here, or starts here */
	uint32_t target;
	uint16_t lid;
	unsigned n;
	unsigned mtu;  /* smallest so far, 0: none yet */
	unsigned rate; /* Mbit/s, likewise */
	bool arrived;
	char end[256]; /* why it ended elsewhere */
};

static void note_link(struct walk *w, const struct port *out)
{
	unsigned mtu = mtu_bytes((unsigned)wire_get(out->info, PORT_INFO_NEIGHBOR_MTU));
	unsigned rate = link_rate(out);

	if (mtu > 0 && (w->mtu == 0 || mtu < w->mtu))
		w->mtu = mtu;
	if (rate > 0 && (w->rate == 0 || rate < w->rate))
		w->rate = rate;
}

/* From @w->port of its node across port @out; to the far end. False: the walk ends. */
static bool cross(struct walk *w, uint32_t out, bool is_first)
{
	const struct port *port = &w->f->ports[out];
	struct row row = row_start();

	place_put_node(&row, w->call->rpc, node_of(w->f, out));
	if (is_first)
		row_put(&row, "in_port", json_null());
	else
		row_number(&row, "in_port", w->f->ports[w->port].number);
	row_number(&row, "out_port", port->number);
	place_put_link(&row, w->f, out);
	row_put(&row, "peer", place_end(w->call->rpc, w->f, port->peer));
	json_array_append_new(w->hops, row_end(&row));
	w->n++;

	if (port->peer == NO_PORT && port_is_linked(port))
		snprintf(w->end, sizeof(w->end), "what is behind that port is not known: %s",
			 reason_sentence(port->reason));
	else if (port->peer == NO_PORT)
		snprintf(w->end, sizeof(w->end), "nothing is connected to that port");
	else if (port_state(port) != PORT_ACTIVE)
		snprintf(w->end, sizeof(w->end), "that port is not active: %s",
			 reason_sentence(port->reason));
	if (w->end[0])
		return false;
	note_link(w, port);
	w->port = port->peer;

	return true;
}

static bool has_arrived(struct walk *w)
{
	const struct node *node = node_of(w->f, w->port);
	uint32_t here = node_is_switch(node) ? port_at(node, 0) : w->port;

	return here == w->target;
}

/* One switch. False: the walk has ended. */
static bool step(struct walk *w)
{
	const struct node *node = node_of(w->f, w->port);
	uint8_t out;

	if (has_arrived(w)) {
		w->arrived = true;
		return false;
	}
	if (!node_is_switch(node)) {
		snprintf(w->end, sizeof(w->end), "the packet comes to the wrong device");
		return false;
	}
	out = sm_route(w->call->sm, w->f->ports[w->port].node, w->lid);
	if (out == ROUTE_NONE || out > node->n_ports || out == 0) {
		snprintf(w->end, sizeof(w->end), "its table has no port for LID %u", w->lid);
		return false;
	}
	if (w->n >= HOPS_MAX) {
		snprintf(w->end, sizeof(w->end), "the packet goes in a circle");
		return false;
	}

	return cross(w, port_at(node, out), false);
}

static void walk_path(struct walk *w)
{
	const struct node *first = node_of(w->f, w->port);

	if (!has_arrived(w) && !node_is_switch(first) && !cross(w, w->port, true))
		return;
	while (step(w))
		;
}

/* Do the full members among @a and the members among @b meet in @key? */
static bool is_shared(uint16_t key, const uint16_t *keys, int n)
{
	for (int i = 0; i < n; i++)
		if ((keys[i] & 0x7fff) == (key & 0x7fff) && ((keys[i] | key) & 0x8000) != 0)
			return true;

	return false;
}

/* Partitions in which the two may talk: both members, one of them full (IBA 10.9.3). Null: that is
 * not known. */
static json_t *make_shared_pkeys(const struct call *call, struct endpoint a, struct endpoint b)
{
	AUTO(freep) uint16_t *keys = calloc(2 * FABRIC_MAX_PKEYS, sizeof(*keys));
	json_t *list = json_array();
	int n_a, n_b;

	if (!keys)
		return list;
	n_a = pkeys_of(call->sm, a, keys);
	n_b = pkeys_of(call->sm, b, keys + FABRIC_MAX_PKEYS);
	if (n_a < 0 || n_b < 0) {
		json_decref(list);
		return json_null();
	}
	for (int i = 0; i < n_a; i++) {
		char text[8];

		if ((keys[i] & 0x7fff) == 0 || !is_shared(keys[i], keys + FABRIC_MAX_PKEYS, n_b))
			continue;
		snprintf(text, sizeof(text), "0x%04x", keys[i] & 0x7fff);
		json_array_append_new(list, json_string(text));
	}

	return list;
}

/* "vf": which of that port it is, or null; "guid" and "lid" are its own then. */
static json_t *make_end(const struct call *call, struct endpoint e)
{
	struct row row = { place_end(call->rpc, call->fabric, e.port) };

	row_guid(&row, "guid", endpoint_guid(call->fabric, e));
	row_number(&row, "lid", endpoint_lid(call->fabric, e));
	row_put(&row, "vf", e.index ? json_integer(e.index) : json_null());

	return row_end(&row);
}

/* Null: they have no P_Key for a path record. */
static json_t *make_service_level(const struct call *call, struct endpoint from, struct endpoint to)
{
	int level = sm_path_level(call->sm, from, to);

	return level < 0 ? json_null() : json_integer(level);
}

static void put_walk(struct call *call, struct walk *w, struct endpoint from, struct endpoint to)
{
	struct row *row = &call->result;

	row_put(row, "source", make_end(call, from));
	row_put(row, "destination", make_end(call, to));
	row_number(row, "destination_lid", w->lid);
	row_bool(row, "grh", endpoint_needs_grh(w->f, from) || endpoint_needs_grh(w->f, to));
	row_put(row, "hops", TAKE(w->hops));
	row_bool(row, "complete", w->arrived);
	row_text(row, "end", w->arrived ? NULL : w->end);
	row_put(row, "at", w->arrived ? json_null() : place_end(call->rpc, w->f, w->port));
	row_put(row, "service_level", make_service_level(call, from, to));
	row_number(row, "mtu", w->mtu);
	row_number(row, "rate_mbps", w->rate);
	row_put(row, "shared_pkeys", make_shared_pkeys(call, from, to));
}

void method_path(struct call *call)
{
	const char *source = call_text(call, "source");
	const char *destination = call_text(call, "destination");
	struct endpoint from, to;
	struct found a, b;
	struct walk w;

	if (!source || !destination)
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"%s\" is missing",
			  source ? "destination" : "source");
	if (call->error || !check_master(call) || !find_end(call, source, &a) ||
	    !find_end(call, destination, &b))
		return;

	from = (struct endpoint){ a.port, a.index };
	to = (struct endpoint){ b.port, b.index };
	w = (struct walk){ .call = call,
			   .f = call->fabric,
			   .hops = json_array(),
			   .port = a.port,
			   .target = b.port,
			   .lid = b.lid ? b.lid : endpoint_lid(call->fabric, to) };
	walk_path(&w);
	put_walk(call, &w, from, to);
}
