/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Everything that is known about one thing, so that "it does not work" has an answer: a port with
 * what is planned for it, what it holds and why it differs, down to the settings that the device
 * acknowledged and does not have; of a node its ports (of a switch only port 0 and those with a
 * problem, since the others are listed by "ports"). Of a virtual function there is besides all that
 * is known of it as such; behind a virtual switch it is a node as well, elsewhere the node is that
 * of its physical function. Of a physical function there are those of its VFs that do not work. Of
 * a GUID that nobody has now there is what is reserved for it, and where it is to move.
 *
 * Who has gone, or does not answer, is behind a port of somebody else: where to go with a cable is
 * said of each port that has lost its peer.
 */

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/group-row.h"
#include "ctl/pkeys.h"
#include "ctl/place.h"
#include "ctl/reserved.h"
#include "ctl/tried.h"
#include "ctl/vf-advice.h"

static void put_end_port(struct row *row, const struct sm *sm, uint32_t port)
{
	const struct port *p = &sm_fabric(sm)->ports[port];

	place_put_gid(row, sm, p->guid);
	row_number(row, "lmc", p->lmc);
	row_number(row, "lid_held", p->known ? port_held_lid(p) : 0);
	row_bool(row, "has_sm", p->sm);
	pkeys_put(row, sm, (struct endpoint){ port, 0 });
}

/* Whoever may look may not know a key: of that only that it was not kept. */
static void put_values(struct row *row, const char *setting, uint64_t wanted, uint64_t held)
{
	bool secret = strcmp(setting, "M_Key") == 0;

	row_put(row, "wanted", secret ? json_null() : json_integer((json_int_t)wanted));
	row_put(row, "held", secret ? json_null() : json_integer((json_int_t)held));
}

static json_t *make_not_kept(const struct sm *sm, uint32_t port)
{
	json_t *list = json_array();
	const char *setting;
	uint64_t wanted, held;

	for (unsigned n = 0; sm_not_kept(sm, port, n, &setting, &wanted, &held); n++) {
		struct row row = row_start();

		row_text(&row, "setting", setting);
		put_values(&row, setting, wanted, held);
		json_array_append_new(list, row_end(&row));
	}

	return list;
}

static void put_vfs(struct row *row, const struct call *call, uint32_t number)
{
	json_t *vfs = vf_explain_all_of(call, number);

	if (vfs)
		row_put(row, "vfs", vfs);
}

static void put_tried(struct row *row, const struct call *call, uint32_t number)
{
	json_t *tried = tried_make_of_port(call, number);

	row_put(row, "tried", tried ? tried : json_null());
}

/* The port that it was last connected to, how that is, and who is there now. */
static json_t *make_last_peer(const struct call *call, uint32_t number)
{
	const struct fabric *f = call->fabric;
	uint32_t last = f->ports[number].home;
	struct row row;

	if (last == NO_PORT || f->ports[number].peer != NO_PORT)
		return json_null();
	row = row_start();
	place_put_node(&row, call->rpc, node_of(f, last));
	row_number(&row, "port", f->ports[last].number);
	row_bool(&row, "present", node_of(f, last)->present);
	row_put(&row, "peer", place_end(call->rpc, f, f->ports[last].peer));
	place_put_reason(&row, call->rpc, f->ports[last].reason, f->ports[last].since);

	return row_end(&row);
}

static json_t *make_port(const struct call *call, uint32_t number, bool with_vfs)
{
	const struct fabric *f = call->fabric;
	const struct port *port = &f->ports[number];
	struct row row = row_start();

	row_number(&row, "port", port->number);
	row_guid(&row, "guid", port->guid);
	row_bool(&row, "known", port->known);
	place_put_link(&row, f, number);
	row_put(&row, "peer", place_end(call->rpc, f, port->peer));
	row_put(&row, "last_peer", make_last_peer(call, number));
	row_text(&row, "can_speed", link_can(f, number).speed);
	row_number(&row, "can_width", link_can(f, number).width);
	row_number(&row, "status", port->status);
	row_number(&row, "refusals", port->refusals);
	if (port_is_end(f, number))
		put_end_port(&row, call->sm, number);
	row_put(&row, "not_kept", make_not_kept(call->sm, number));
	if (port_is_end(f, number))
		group_put_all_of(&row, call, port->guid);
	if (with_vfs && port_is_end(f, number))
		put_vfs(&row, call, number);
	row_bool(&row, "problem", port_has_problem(f, number));
	place_put_reason(&row, call->rpc, port->reason, port->since);
	put_tried(&row, call, number);

	return row_end(&row);
}

/* Of a switch that has gone: does this port say where it was? */
static bool is_way_back(const struct fabric *f, uint32_t port)
{
	uint32_t last = f->ports[port].home;

	return !node_of(f, port)->present && last != NO_PORT && node_of(f, last)->present &&
	       node_is_switch(node_of(f, last));
}

/* Is this port of the node in the answer about the whole node? */
static bool is_worth(const struct fabric *f, uint32_t port)
{
	if (node_is_switch(node_of(f, port)))
		return f->ports[port].number == 0 || port_has_problem(f, port) ||
		       is_way_back(f, port);

	return f->ports[port].number != 0;
}

static json_t *make_ports(const struct call *call, const struct found *found)
{
	const struct node *node = &call->fabric->nodes[found->node];
	json_t *ports = json_array();

	for (unsigned i = 0; i <= node->n_ports; i++) {
		uint32_t port = port_at(node, i);

		if (found->port == port || (found->port == NO_PORT && is_worth(call->fabric, port)))
			json_array_append_new(ports, make_port(call, port, found->index == 0));
	}

	return ports;
}

/* Nobody has this GUID now; but something is said of it. */
static void explain_away(struct call *call, uint64_t guid)
{
	const struct kept_reservation *reserved = sm_reservation_of(call->sm, guid);
	struct row *row = &call->result;
	char buffer[GUID_TEXT_SIZE];
	struct row vf = row_start();

	row_text(row, "name",
		 reserved && reserved->name[0] ? reserved->name : guid_text(guid, buffer));
	row_bool(row, "present", false);
	row_put(row, "ports", json_array());
	place_put_gid(&vf, call->sm, guid);
	reserved_put(&vf, call, guid);
	row_put(&vf, "move", reserved_make_move(call, guid));
	row_put(row, "away", row_end(&vf));
}

void method_explain(struct call *call)
{
	const char *what = call_text(call, "what");
	struct row *row = &call->result;
	const struct node *node;
	struct vf_place place;
	struct found found;

	if (!what)
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"what\" is missing");
	if (!what || !find_thing_or_away(call, what, &found))
		return;
	if (found.away) {
		explain_away(call, found.away);
		return;
	}

	node = &call->fabric->nodes[found.node];
	place_put_node(row, call->rpc, node);
	row_text(row, "description", node->description);
	row_guid(row, "system_guid", node->system_guid);
	row_number(row, "vendor_id", node->vendor_id);
	row_number(row, "device_id", node->device_id);
	row_number(row, "revision", node->revision);
	row_number(row, "n_ports", node->n_ports);
	row_number(row, "hops", node->depth);
	row_bool(row, "present", node->present);
	row_bool(row, "whole_node", found.port == NO_PORT);
	if (vf_place_of(call->fabric, &found, &place))
		row_put(row, "vf", vf_explain(call, &place));
	place_put_reason(row, call->rpc, node->reason, node->since);
	row_put(row, "ports", make_ports(call, &found));
}
