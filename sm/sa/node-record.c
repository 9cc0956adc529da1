/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * NodeRecord (IBA 15.2.5.2): one for each end port, so two for a channel adapter with two ports in
 * the subnet. LID is the port's first one, but a question finds it by any of its LMC range. What
 * NodeInfo says of base and class version is 1 for every device there is.
 *
 * A virtual port that has a LID of its own has a record too, under that LID: it is an adapter with
 * one port, of the make of the one that it is in. Who shares a LID has none, as a LID has one.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum { WANT_LID = 0 };

#define INFO NODE_RECORD_INFO_OFFSET

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	NOT_COMPARED, /* reserved */
	AT(INFO, NODE_INFO_BASE_VERSION),
	AT(INFO, NODE_INFO_CLASS_VERSION),
	AT(INFO, NODE_INFO_TYPE),
	AT(INFO, NODE_INFO_PORTS),
	AT(INFO, NODE_INFO_SYSTEM_GUID),
	AT(INFO, NODE_INFO_NODE_GUID),
	AT(INFO, NODE_INFO_PORT_GUID),
	AT(INFO, NODE_INFO_PARTITION_CAP),
	AT(INFO, NODE_INFO_DEVICE_ID),
	AT(INFO, NODE_INFO_REVISION),
	AT(INFO, NODE_INFO_LOCAL_PORT),
	AT(INFO, NODE_INFO_VENDOR_ID),
	BYTES_AT(NODE_RECORD_DESCRIPTION_OFFSET, SMP_DATA_SIZE),
};
/* clang-format on */

static void write_info(const struct node *node, const struct port *port, uint8_t *info)
{
	wire_set(info, NODE_INFO_BASE_VERSION, 1);
	wire_set(info, NODE_INFO_CLASS_VERSION, 1);
	wire_set(info, NODE_INFO_TYPE, node->type);
	wire_set(info, NODE_INFO_PORTS, node->n_ports);
	wire_set(info, NODE_INFO_SYSTEM_GUID, node->system_guid);
	wire_set(info, NODE_INFO_NODE_GUID, node->guid);
	wire_set(info, NODE_INFO_PORT_GUID, port->guid);
	wire_set(info, NODE_INFO_PARTITION_CAP, node->partition_cap);
	wire_set(info, NODE_INFO_DEVICE_ID, node->device_id);
	wire_set(info, NODE_INFO_REVISION, node->revision);
	wire_set(info, NODE_INFO_LOCAL_PORT, port->number);
	wire_set(info, NODE_INFO_VENDOR_ID, node->vendor_id);
}

static void write_vport(const struct vf *vf, uint8_t *info)
{
	wire_set(info, NODE_INFO_PORTS, 1);
	wire_set(info, NODE_INFO_NODE_GUID, vf->node_guid);
	wire_set(info, NODE_INFO_PORT_GUID, vf->guid);
	wire_set(info, NODE_INFO_PARTITION_CAP, vf->partition_cap);
	wire_set(info, NODE_INFO_LOCAL_PORT, 1);
}

static bool offer(struct admin_query *query, struct endpoint e)
{
	const struct fabric *f = query->view->fabric;
	const struct node *node = node_of(f, e.port);
	const struct vf *vf = e.index ? vf_of(f, e) : NULL;
	const char *description = vf ? vf->description : node->description;
	uint8_t record[NODE_RECORD_SIZE] = { 0 };

	if (!admin_is_end(f, e.port))
		return true;
	wire_set(record, NODE_RECORD_LID, vf ? vf->lid : f->ports[e.port].lid);
	write_info(node, &f->ports[e.port], record + INFO);
	if (vf)
		write_vport(vf, record + INFO);
	memcpy(record + NODE_RECORD_DESCRIPTION_OFFSET, description,
	       strnlen(description, SMP_DATA_SIZE));

	return admin_offer(query, e, record);
}

static void each(struct admin_query *query)
{
	admin_offer_ends(query, WANT_LID, NODE_RECORD_LID, offer);
}

const struct admin_attribute admin_node_record = {
	.id = ATTR_SA_NODE_RECORD,
	.record_size = NODE_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
