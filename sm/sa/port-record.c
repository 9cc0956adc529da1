/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PortInfoRecord (IBA 15.2.5.3): one for each port that has told its PortInfo, those of a switch
 * under the LID of its port 0. The M_Key in it is always 0: whoever knows it owns the port, and a
 * question that names an M_Key compares with that 0 and learns nothing.
 *
 * Capabilities are compared whole, or with bit 31 of the attribute modifier as "has at least
 * these"; so srp_daemon finds device managers and saquery finds SMs.
 *
 * A virtual port that has a LID of its own has a record under it: port 1 of an adapter, with the
 * link of the physical port, which it shares.
 *
 * Bit 7 of Options says that the client knows extended link speeds. For one that does not, a link
 * at such a speed is one that runs, can run and may run at QDR, the fastest speed that it can name.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum {
	WANT_LID = 0,
	WANT_PORT = 1,
	WANT_OPTIONS = 2,
	OPTION_EXTENDED_SPEEDS = 0x80,
	SPEED_QDR = 4, /* bit and value, IBA 14.2.5.6 */
};

#define INFO PORT_RECORD_INFO_OFFSET

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	[WANT_PORT] = AT(0, PORT_RECORD_PORT),
	[WANT_OPTIONS] = NOT_COMPARED,
	AT(INFO, PORT_INFO_MKEY),
	AT(INFO, PORT_INFO_PREFIX),
	AT(INFO, PORT_INFO_LID),
	AT(INFO, PORT_INFO_SM_LID),
	BITS_AT(INFO, PORT_INFO_CAPABILITIES),
	AT(INFO, PORT_INFO_DIAGNOSTICS),
	AT(INFO, PORT_INFO_MKEY_LEASE),
	AT(INFO, PORT_INFO_LOCAL_PORT),
	AT(INFO, PORT_INFO_WIDTH_ENABLED),
	AT(INFO, PORT_INFO_WIDTH_SUPPORTED),
	AT(INFO, PORT_INFO_WIDTH_ACTIVE),
	AT(INFO, PORT_INFO_SPEED_SUPPORTED),
	AT(INFO, PORT_INFO_STATE),
	AT(INFO, PORT_INFO_PHYS_STATE),
	AT(INFO, PORT_INFO_DOWN_DEFAULT),
	AT(INFO, PORT_INFO_MKEY_PROTECT),
	NOT_COMPARED, /* reserved */
	AT(INFO, PORT_INFO_LMC),
	AT(INFO, PORT_INFO_SPEED_ACTIVE),
	AT(INFO, PORT_INFO_SPEED_ENABLED),
	AT(INFO, PORT_INFO_NEIGHBOR_MTU),
	AT(INFO, PORT_INFO_SM_SL),
	AT(INFO, PORT_INFO_VL_CAP),
	AT(INFO, PORT_INFO_INIT_TYPE),
	AT(INFO, PORT_INFO_VL_HIGH_LIMIT),
	AT(INFO, PORT_INFO_VL_ARB_HIGH_CAP),
	AT(INFO, PORT_INFO_VL_ARB_LOW_CAP),
	AT(INFO, PORT_INFO_INIT_TYPE_REPLY),
	AT(INFO, PORT_INFO_MTU_CAP),
	AT(INFO, PORT_INFO_VL_STALL),
	AT(INFO, PORT_INFO_HOQ_LIFE),
	AT(INFO, PORT_INFO_OPERATIONAL_VLS),
	AT(INFO, PORT_INFO_ENFORCE_IN),
	AT(INFO, PORT_INFO_ENFORCE_OUT),
	AT(INFO, PORT_INFO_FILTER_RAW_IN),
	AT(INFO, PORT_INFO_FILTER_RAW_OUT),
	AT(INFO, PORT_INFO_MKEY_VIOLATIONS),
	AT(INFO, PORT_INFO_PKEY_VIOLATIONS),
	AT(INFO, PORT_INFO_QKEY_VIOLATIONS),
	AT(INFO, PORT_INFO_GUID_CAP),
	AT(INFO, PORT_INFO_REREGISTER),
	NOT_COMPARED, /* reserved */
	AT(INFO, PORT_INFO_SUBNET_TIMEOUT),
	NOT_COMPARED, /* reserved */
	AT(INFO, PORT_INFO_RESPONSE_TIME),
	AT(INFO, PORT_INFO_PHY_ERRORS),
	AT(INFO, PORT_INFO_OVERRUN_ERRORS),
	AT(INFO, PORT_INFO_CREDIT_HINT),
	NOT_COMPARED, /* reserved */
	AT(INFO, PORT_INFO_LINK_LATENCY),
	BITS_AT(INFO, PORT_INFO_CAPABILITIES2),
	AT(INFO, PORT_INFO_SPEED_EXT_ACTIVE),
	AT(INFO, PORT_INFO_SPEED_EXT_SUPPORTED),
	NOT_COMPARED, /* reserved */
	AT(INFO, PORT_INFO_SPEED_EXT_ENABLED),
};
/* clang-format on */

static void show_as_qdr(uint8_t *info)
{
	if (wire_get(info, PORT_INFO_SPEED_EXT_ACTIVE) == 0)
		return;
	wire_set(info, PORT_INFO_SPEED_ACTIVE, SPEED_QDR);
	wire_set(info, PORT_INFO_SPEED_SUPPORTED,
		 wire_get(info, PORT_INFO_SPEED_SUPPORTED) | SPEED_QDR);
	wire_set(info, PORT_INFO_SPEED_ENABLED,
		 wire_get(info, PORT_INFO_SPEED_ENABLED) | SPEED_QDR);
}

/* What VPortInfo has for itself; capabilities by their place in each (reference 2.3). */
static void write_vport(const struct vf *vf, uint8_t *info)
{
	static const uint8_t capabilities[] = { 16, 17, 19, 18, 20, 1, 10 };
	uint64_t own = wire_get(vf->info, VPORT_INFO_CAPABILITIES);
	uint64_t mask = wire_get(info, PORT_INFO_CAPABILITIES);

	for (unsigned i = 0; i < COUNT(capabilities); i++) {
		mask &= ~(UINT64_C(1) << capabilities[i]);
		mask |= (own >> i & 1) << capabilities[i];
	}
	wire_set(info, PORT_INFO_CAPABILITIES, mask);
	wire_set(info, PORT_INFO_LID, vf->lid);
	wire_set(info, PORT_INFO_LMC, 0);
	wire_set(info, PORT_INFO_STATE, vf->state);
	wire_set(info, PORT_INFO_LOCAL_PORT, 1);
	wire_set(info, PORT_INFO_GUID_CAP, wire_get(vf->info, VPORT_INFO_GUID_CAP));
	wire_set(info, PORT_INFO_PKEY_VIOLATIONS, wire_get(vf->info, VPORT_INFO_PKEY_VIOLATIONS));
	wire_set(info, PORT_INFO_QKEY_VIOLATIONS, wire_get(vf->info, VPORT_INFO_QKEY_VIOLATIONS));
}

/* @port is one of those that have the LID of @end. */
static bool offer(struct admin_query *query, struct endpoint end, const struct port *port)
{
	const struct fabric *f = query->view->fabric;
	const struct vf *vf = end.index ? vf_of(f, end) : NULL;
	uint8_t options = 0;
	uint8_t record[PORT_RECORD_SIZE] = { 0 };

	if (!port->known)
		return true;
	if (admin_has(query, WANT_OPTIONS))
		options = (uint8_t)wire_get(query->wanted, PORT_RECORD_OPTIONS);
	wire_set(record, PORT_RECORD_LID, vf ? vf->lid : f->ports[end.port].lid);
	wire_set(record, PORT_RECORD_PORT, vf ? 1 : port->number);
	wire_set(record, PORT_RECORD_OPTIONS, options);
	memcpy(record + INFO, port->info, SMP_DATA_SIZE);
	wire_set(record + INFO, PORT_INFO_MKEY, 0);
	if (vf)
		write_vport(vf, record + INFO);
	if (!(options & OPTION_EXTENDED_SPEEDS))
		show_as_qdr(record + INFO);

	return admin_offer(query, end, record);
}

/* The ports that have the LID of @end: itself, and of a switch all others. */
static bool offer_all_of(struct admin_query *query, struct endpoint end)
{
	const struct fabric *f = query->view->fabric;
	const struct node *node = node_of(f, end.port);

	if (!admin_is_end(f, end.port))
		return true;
	if (!node_is_switch(node))
		return offer(query, end, &f->ports[end.port]);
	for (unsigned number = 0; number <= node->n_ports; number++) {
		if (!offer(query, end, &f->ports[port_at(node, number)]))
			return false;
	}

	return true;
}

static void each(struct admin_query *query)
{
	admin_offer_ends(query, WANT_LID, PORT_RECORD_LID, offer_all_of);
}

const struct admin_attribute admin_port_record = {
	.id = ATTR_SA_PORT_RECORD,
	.record_size = PORT_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
