/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * GuidInfoRecord (IBA 15.2.5.18): the GUIDs of a port, eight in a record, of which the first of
 * block 0 is its own. Drivers whose virtual functions are alias GUIDs (mlx4) ask here that entries
 * be set and deleted; doc/opensm-sriov.txt of opensm names the rules.
 *
 * In a Set or Delete the ComponentMask has LID and BlockNum, and the entries that are meant; what
 * else is in the record means nothing. 0 asks for any GUID. The answer is the whole block as the
 * device is known to hold it: an entry that is not as asked for was refused, and that is no error
 * of the MAD. What becomes of the request is the business of who has the plan (admin_view).
 *
 * A question without BlockNum finds block 0 and those that have something; most ports have room
 * for more and use none.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"
#include "sm/vf.h"

enum {
	WANT_LID = 0,
	WANT_BLOCK = 1,
	WANT_FIRST_GUID = 4,
};

#define INFO     GUID_RECORD_INFO_OFFSET
#define GUID(n_) BYTES_AT(INFO + 8 * (n_), 8)

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	[WANT_BLOCK] = AT(0, GUID_RECORD_BLOCK),
	NOT_COMPARED, /* reserved */
	NOT_COMPARED, /* reserved */
	[WANT_FIRST_GUID] = GUID(0), GUID(1), GUID(2), GUID(3), GUID(4), GUID(5), GUID(6), GUID(7),
};
/* clang-format on */

/* A port has its own GUID even if it does not say so. */
static unsigned blocks_of(const struct port *port)
{
	uint64_t cap = MAX(wire_get(port->info, PORT_INFO_GUID_CAP), 1);

	return (unsigned)(cap + GUID_BLOCK - 1) / GUID_BLOCK;
}

/* A virtual port has a table of its own, and is none of these. */
static uint64_t guid_at(const struct fabric *f, uint32_t port, unsigned index)
{
	const struct vf *vf = vf_at(f, port, index);

	if (index == 0)
		return f->ports[port].guid;

	return vf && f->ports[port].vfs->model == VF_SHARED && !vf->duplicate ? vf->guid : 0;
}

/* False: but for the LID and the number, there is nothing in it. */
static bool write_record(const struct fabric *f, uint32_t port, unsigned block, uint8_t *ret)
{
	bool any = false;

	memset(ret, 0, GUID_RECORD_SIZE);
	wire_set(ret, GUID_RECORD_LID, f->ports[port].lid);
	wire_set(ret, GUID_RECORD_BLOCK, block);
	for (unsigned i = 0; i < GUID_BLOCK; i++) {
		uint64_t guid = guid_at(f, port, block * GUID_BLOCK + i);

		wire_set64(ret + INFO, i, guid);
		any = any || guid != 0;
	}

	return any;
}

/* ---- questions --------------------------------------------------------------------------------
 */

static bool offer(struct admin_query *query, uint32_t port)
{
	const struct fabric *f = query->view->fabric;
	uint8_t record[GUID_RECORD_SIZE];

	if (!admin_is_end(f, port))
		return true;
	for (unsigned block = 0; block < blocks_of(&f->ports[port]); block++) {
		bool any = write_record(f, port, block, record);

		if ((any || admin_has(query, WANT_BLOCK)) &&
		    !admin_offer(query, endpoint_of_port(port), record))
			return false;
	}

	return true;
}

static uint32_t find_port(const struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	uint32_t port = fabric_find_lid(f, (unsigned)wire_get(query->wanted, GUID_RECORD_LID));

	return port != NO_PORT && admin_is_end(f, port) ? port : NO_PORT;
}

static void each(struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;

	if (admin_has(query, WANT_LID)) {
		uint32_t port = find_port(query);

		if (port != NO_PORT)
			offer(query, port);
		return;
	}
	for (uint32_t port = 0; port < f->n_ports; port++) {
		if (!offer(query, port))
			return;
	}
}

/* ---- changes ----------------------------------------------------------------------------------
 */

static uint16_t ask_for_change(const struct admin_query *query, uint32_t port, unsigned block,
			       bool *ret_later)
{
	struct guids_change change = {
		.request = query->request,
		.requester = query->requester.port,
		.port = port,
		.block = block,
		.entries = (uint8_t)(query->mask >> WANT_FIRST_GUID),
		.is_delete = query->method == METHOD_DELETE,
	};

	for (unsigned i = 0; i < GUID_BLOCK; i++)
		change.guid[i] = wire_get64(query->wanted + INFO, i);

	return query->view->guids_change(query->view->changer, &change, ret_later);
}

static void change(struct admin_query *query)
{
	const struct fabric *f = query->view->fabric;
	unsigned block = (unsigned)wire_get(query->wanted, GUID_RECORD_BLOCK);
	uint32_t port = find_port(query);
	uint8_t record[GUID_RECORD_SIZE];

	if (!admin_has(query, WANT_LID) || !admin_has(query, WANT_BLOCK))
		query->status = STATUS_SA_INSUFFICIENT_COMPONENTS;
	else if (port == NO_PORT || block >= blocks_of(&f->ports[port]))
		query->status = STATUS_SA_NO_RECORDS;
	else if (block == 0 && admin_has(query, WANT_FIRST_GUID))
		query->status = STATUS_SA_REQ_INVALID;
	else if (query->view->guids_change)
		query->status = ask_for_change(query, port, block, &query->later);
	if (query->status != STATUS_OK || query->later)
		return;
	write_record(f, port, block, record);
	admin_give(query, record);
}

const struct admin_attribute admin_guid_record = {
	.id = ATTR_SA_GUID_RECORD,
	.record_size = GUID_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE | ADMIN_SET | ADMIN_DELETE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
	.change = change,
};
