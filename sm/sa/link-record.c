/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * LinkRecord (IBA 15.2.5.13): what is connected to what, each link once from either end, as long as
 * both ends have LIDs. Both must be visible to who asks.
 */

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum {
	WANT_FROM_LID = 0,
	WANT_FROM_PORT = 1,
	WANT_TO_PORT = 2,
	WANT_TO_LID = 3,
};

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_FROM_LID] = NOT_COMPARED, /* see each() */
	[WANT_FROM_PORT] = AT(0, LINK_RECORD_FROM_PORT),
	[WANT_TO_PORT] = AT(0, LINK_RECORD_TO_PORT),
	[WANT_TO_LID] = NOT_COMPARED, /* see offer() */
};
/* clang-format on */

/* The port that has the LID of @port, which may be any of a switch's. */
static uint32_t end_of(const struct fabric *f, uint32_t port)
{
	const struct node *node = node_of(f, port);

	return node_is_switch(node) ? port_at(node, 0) : port;
}

/* @from is a port of @end, or of the switch whose LID that has. */
static bool offer(struct admin_query *query, uint32_t end, uint32_t from)
{
	const struct fabric *f = query->view->fabric;
	uint8_t record[LINK_RECORD_SIZE] = { 0 };
	uint32_t to = f->ports[from].peer;
	uint32_t far;

	if (to == NO_PORT)
		return true;
	far = end_of(f, to);
	if (!admin_is_end(f, far) || !admin_sees(query, far))
		return true;
	if (admin_has(query, WANT_TO_LID) &&
	    fabric_find_lid(f, (unsigned)wire_get(query->wanted, LINK_RECORD_TO_LID)) != far)
		return true;
	wire_set(record, LINK_RECORD_FROM_LID, f->ports[end].lid);
	wire_set(record, LINK_RECORD_FROM_PORT, f->ports[from].number);
	wire_set(record, LINK_RECORD_TO_PORT, f->ports[to].number);
	wire_set(record, LINK_RECORD_TO_LID, f->ports[far].lid);

	return admin_offer(query, endpoint_of_port(end), record);
}

static bool offer_all_of(struct admin_query *query, struct endpoint e)
{
	const struct fabric *f = query->view->fabric;
	const struct node *node = node_of(f, e.port);

	/* Of a vport, too, the link is that of the port. */
	if (e.index > 0 || !admin_is_end(f, e.port))
		return true;
	if (!node_is_switch(node))
		return offer(query, e.port, e.port);
	for (unsigned number = 1; number <= node->n_ports; number++) {
		if (!offer(query, e.port, port_at(node, number)))
			return false;
	}

	return true;
}

static void each(struct admin_query *query)
{
	admin_offer_ends(query, WANT_FROM_LID, LINK_RECORD_FROM_LID, offer_all_of);
}

const struct admin_attribute admin_link_record = {
	.id = ATTR_SA_LINK_RECORD,
	.record_size = LINK_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
