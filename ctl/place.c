/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What vsm knows about a place, as JSON. What a link could run at is worked out here from what both
 * ends support, with the same codes for width and speed as PortInfo has them (IBA 14.2.5.6).
 */

#include "ctl/place.h"

#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/macros.h"

const char *node_type_name(uint8_t type)
{
	if (type == NODE_TYPE_SWITCH)
		return "switch";

	return type == NODE_TYPE_ROUTER ? "router" : "ca";
}

const char *port_state_name(enum port_state state)
{
	switch (state) {
	case PORT_NO_CHANGE:
	case PORT_DOWN:
		return "down";
	case PORT_INITIALIZE:
		return "init";
	case PORT_ARMED:
		return "armed";
	case PORT_ACTIVE:
		return "active";
	}

	return "down";
}

const char *phys_state_name(unsigned state)
{
	static const char *const names[] = { "unknown",  "sleep",   "polling",  "disabled",
					     "training", "link-up", "recovery", "phy-test" };

	return names[state < COUNT(names) ? state : 0];
}

unsigned mtu_bytes(unsigned code)
{
	return code >= 1 && code <= 5 ? 128u << code : 0;
}

/* -- rows ---------------------------------------------------------------------------------------
 */

const char *place_name(const struct rpc *rpc, const struct node *node,
		       char buffer[static GUID_TEXT_SIZE])
{
	const char *name = names_get(&rpc->names, node->guid);

	if (name)
		return name;

	return node->description[0] ? node->description : guid_text(node->guid, buffer);
}

void place_put_node(struct row *row, const struct rpc *rpc, const struct node *node)
{
	char buffer[GUID_TEXT_SIZE];

	row_guid(row, "node_guid", node->guid);
	row_text(row, "name", place_name(rpc, node, buffer));
	row_text(row, "type", node_type_name(node->type));
}

json_t *place_end(const struct rpc *rpc, const struct fabric *f, uint32_t port)
{
	struct row row;

	if (port == NO_PORT)
		return json_null();

	row = row_start();
	place_put_node(&row, rpc, node_of(f, port));
	row_number(&row, "port", f->ports[port].number);
	row_number(&row, "lid", port_lid(f, port));

	return row_end(&row);
}

void place_put_gid(struct row *row, const struct sm *sm, uint64_t guid)
{
	const uint64_t halves[2] = { sm_conf(sm)->subnet_prefix, guid };
	char text[40];
	int used = 0;

	if (guid == 0) {
		row_put(row, "gid", json_null());
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		used += snprintf(text + used, sizeof(text) - (size_t)used, "%s%04x", i ? ":" : "",
				 (unsigned)(halves[i / 4] >> (48 - 16 * (i % 4)) & 0xffff));
	row_text(row, "gid", text);
}

void place_put_link(struct row *row, const struct fabric *f, uint32_t port)
{
	const struct port *p = &f->ports[port];
	bool up = port_state(p) != PORT_DOWN;

	row_text(row, "state", port_state_name(port_state(p)));
	row_text(row, "phys_state", phys_state_name(port_phys_state(p)));
	row_number(row, "lid", port_lid(f, port));
	row_number(row, "width", up ? port_width(p) : 0);
	row_text(row, "speed", up ? port_speed_name(p) : "");
	row_number(row, "mtu",
		   up ? mtu_bytes((unsigned)wire_get(p->info, PORT_INFO_NEIGHBOR_MTU)) : 0);
}

void place_put_reason(struct row *row, const struct rpc *rpc, uint8_t reason, uint64_t since)
{
	enum reason r = reason < REASON_COUNT ? (enum reason)reason : REASON_NONE;
	uint64_t now = loop_now(rpc->loop);

	row_text(row, "reason", reason_key(r));
	if (r != REASON_NONE) {
		row_text(row, "sentence", reason_sentence(r));
		row_text(row, "remedy", reason_remedy(r));
	}
	row_time(row, "since", rpc_unix_time(rpc, since));
	row_number(row, "since_seconds", now > since ? (now - since) / LOOP_SEC : 0);
}

/* -- links --------------------------------------------------------------------------------------
 */

bool port_is_linked(const struct port *port)
{
	return port->peer != NO_PORT || (port->known && port_phys_state(port) == PHYS_LINK_UP);
}

bool port_has_problem(const struct fabric *f, uint32_t port)
{
	const struct port *p = &f->ports[port];

	if (p->number == 0)
		return node_is_switch(node_of(f, port)) && p->reason != REASON_NONE;
	if (port == f->local_port && port_state(p) != PORT_ACTIVE)
		return true;
	if (port_is_linked(p) && port_state(p) != PORT_ACTIVE)
		return true;

	return p->reason != REASON_NONE && p->reason != REASON_NO_LINK &&
	       p->reason != REASON_DISABLED;
}

/* Names and Mbit/s of a lane, slowest first. */
static const struct speed {
	const char *name;
	unsigned rate;
	uint8_t bit; /* of LinkSpeedSupported or, from FDR on, of LinkSpeedExtSupported */
	bool extended;
} speeds[] = {
	{ "SDR", 2500, 1, false },    { "DDR", 5000, 2, false },  { "QDR", 10000, 4, false },
	{ "FDR10", 10000, 0, false }, { "FDR", 14000, 1, true },  { "EDR", 25000, 2, true },
	{ "HDR", 50000, 4, true },    { "NDR", 100000, 8, true }, { "XDR", 200000, 0, true },
};

/* Bits of LinkWidthSupported, narrowest first. */
static const struct width {
	uint8_t lanes;
	uint8_t bit;
} widths[] = { { 1, 1 }, { 2, 16 }, { 4, 2 }, { 8, 4 }, { 12, 8 } };

static unsigned speed_rate(const char *name)
{
	for (size_t i = 0; i < COUNT(speeds); i++)
		if (!strcmp(speeds[i].name, name))
			return speeds[i].rate;

	return 0;
}

unsigned link_rate(const struct port *port)
{
	return port_width(port) * speed_rate(port_speed_name(port));
}

/* A switch tells its capabilities at port 0 only (IBA 14.2.5.6, CapabilityMask). */
static bool has_extended_speeds(const struct fabric *f, uint32_t port)
{
	const struct node *node = node_of(f, port);
	const struct port *teller = &f->ports[node_is_switch(node) ? port_at(node, 0) : port];

	return (wire_get(teller->info, PORT_INFO_CAPABILITIES) & CAP_EXTENDED_SPEEDS) != 0;
}

static bool both_can(const struct fabric *f, uint32_t port, enum wire_field field, unsigned bit)
{
	const struct port *a = &f->ports[port], *b = &f->ports[a->peer];

	return (wire_get(a->info, field) & wire_get(b->info, field) & bit) != 0;
}

struct link_can link_can(const struct fabric *f, uint32_t port)
{
	struct link_can can = { .speed = "" };
	uint32_t peer = f->ports[port].peer;
	bool extended;
	unsigned rate = 0;

	if (peer == NO_PORT)
		return can;
	extended = has_extended_speeds(f, port) && has_extended_speeds(f, peer);
	for (size_t i = 0; i < COUNT(widths); i++)
		if (both_can(f, port, PORT_INFO_WIDTH_SUPPORTED, widths[i].bit))
			can.width = widths[i].lanes;
	for (size_t i = 0; i < COUNT(speeds); i++) {
		enum wire_field field = speeds[i].extended ? PORT_INFO_SPEED_EXT_SUPPORTED
							   : PORT_INFO_SPEED_SUPPORTED;

		if (speeds[i].extended && !extended)
			continue;
		if (both_can(f, port, field, speeds[i].bit)) {
			can.speed = speeds[i].name;
			rate = speeds[i].rate;
		}
	}
	can.rate = can.width * rate;

	return can;
}
