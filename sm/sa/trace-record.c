/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * TraceRecord (IBA 15.2.5.19): the nodes that a packet comes through, one after the other. The
 * question is a PathRecord with both ends; told is the first path that a PathRecord query for them
 * has as answer, from the tables as they were last written.
 *
 * A node that is no switch is told with the ID of the port that is used, a switch with the number;
 * where the path begins no port is entered, and where it ends none is left. IDs are GUIDs whose
 * lower half is inverted in every second bit, as the tools that ask (FastFabric's) expect it: so an
 * ID means the same in all answers, and IDGeneration is always 0. Never met such a client.
 *
 * Who asks sees both ends. A node between them that it does not see is told without its IDs.
 */

#include "sm/sa/path.h"

#define ID_MASK UINT64_C(0x55555555)

static uint64_t masked(uint64_t id)
{
	return id ^ ID_MASK;
}

/* @port is NO_PORT where the path begins or ends. */
static void set_port(const struct fabric *f, uint32_t port, uint8_t *record, enum wire_field number,
		     enum wire_field id)
{
	bool is_switch = port != NO_PORT && node_is_switch(node_of(f, port));

	wire_set(record, number, is_switch ? f->ports[port].number : 0);
	wire_set(record, id, masked(port != NO_PORT && !is_switch ? f->ports[port].guid : 0));
}

/* The node of @at, an end of the path or a port of a switch. */
static bool give(struct admin_query *query, uint32_t at, uint32_t entry, uint32_t exit)
{
	const struct fabric *f = query->view->fabric;
	const struct node *node = node_of(f, at);
	bool seen = !node_is_switch(node) || admin_sees(query, port_at(node, 0));
	uint8_t record[TRACE_RECORD_SIZE] = { 0 };

	wire_set(record, TRACE_GID_PREFIX, masked(query->view->conf->subnet_prefix));
	wire_set(record, TRACE_NODE_TYPE, node->type);
	wire_set(record, TRACE_NODE_ID, masked(seen ? node->guid : 0));
	wire_set(record, TRACE_CHASSIS_ID, masked(seen ? node->system_guid : 0));
	set_port(f, entry, record, TRACE_ENTRY_PORT, TRACE_ENTRY_PORT_ID);
	set_port(f, exit, record, TRACE_EXIT_PORT, TRACE_EXIT_PORT_ID);

	return admin_give(query, record);
}

/* Out of where it begins, then of each switch. */
static uint32_t leave(const struct admin_view *view, const struct admin_ends *ends, uint32_t at)
{
	if (at == ends->from && !node_is_switch(node_of(view->fabric, at)))
		return at;

	return admin_path_exit(view, at, ends->to_lid);
}

/* A found(): the first path is the one. */
static bool trace(struct path_query *p, const struct admin_ends *ends,
		  const struct admin_path *path, uint16_t key, uint8_t preference)
{
	const struct fabric *f = p->query->view->fabric;
	uint32_t at = ends->from, entry = NO_PORT;

	(void)path;
	(void)key;
	(void)preference;
	for (unsigned hop = 0; hop < PATH_MAX_HOPS && at != NO_PORT; hop++) {
		uint32_t out = at != ends->to ? leave(p->query->view, ends, at) : NO_PORT;

		if (at == ends->to || out == ends->to) {
			give(p->query, at, entry, NO_PORT);
			return false;
		}
		if (out == NO_PORT || !give(p->query, at, entry, out))
			break;
		at = entry = f->ports[out].peer;
	}
	p->query->status = STATUS_BUSY; /* the fabric is changing */

	return false;
}

static void each(struct admin_query *query)
{
	struct path_query p;

	if (!path_take_question(&p, query))
		return;
	if (!p.from.given || !p.to.given) {
		query->status = STATUS_SA_INSUFFICIENT_COMPONENTS;
		return;
	}
	p.found = trace;
	path_find(&p);
}

const struct admin_attribute admin_trace_record = {
	.id = ATTR_SA_TRACE_RECORD,
	.record_size = TRACE_RECORD_SIZE,
	.by_routes = true,
	.methods = ADMIN_GET_TRACE,
	.each = each,
};
