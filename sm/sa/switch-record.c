/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SwitchInfoRecord (IBA 15.2.5.5): the SwitchInfo of every switch, as it told or acknowledged it.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum { WANT_LID = 0 };

#define INFO SWITCH_RECORD_INFO_OFFSET

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see each() */
	NOT_COMPARED, /* reserved */
	AT(INFO, SWITCH_INFO_LINEAR_CAP),
	AT(INFO, SWITCH_INFO_RANDOM_CAP),
	AT(INFO, SWITCH_INFO_MULTICAST_CAP),
	AT(INFO, SWITCH_INFO_LINEAR_TOP),
	AT(INFO, SWITCH_INFO_DEFAULT_PORT),
	AT(INFO, SWITCH_INFO_MULTICAST_PRIMARY),
	AT(INFO, SWITCH_INFO_MULTICAST_NOT_PRIMARY),
	AT(INFO, SWITCH_INFO_LIFE_TIME),
	AT(INFO, SWITCH_INFO_STATE_CHANGE),
	AT(INFO, SWITCH_INFO_OPT_SLTOVL),
	AT(INFO, SWITCH_INFO_LIDS_PER_PORT),
	AT(INFO, SWITCH_INFO_ENFORCE_CAP),
	AT(INFO, SWITCH_INFO_INBOUND),
	AT(INFO, SWITCH_INFO_OUTBOUND),
	AT(INFO, SWITCH_INFO_RAW_INBOUND),
	AT(INFO, SWITCH_INFO_RAW_OUTBOUND),
	AT(INFO, SWITCH_INFO_ENHANCED_PORT0),
	NOT_COMPARED, /* reserved */
	AT(INFO, SWITCH_INFO_MULTICAST_TOP),
};
/* clang-format on */

static bool offer(struct admin_query *query, const struct node *node, uint16_t lid)
{
	uint8_t record[SWITCH_RECORD_SIZE] = { 0 };

	wire_set(record, SWITCH_RECORD_LID, lid);
	memcpy(record + INFO, node->sw->info, SWITCH_RECORD_SIZE - INFO);

	return admin_offer(query, endpoint_of_port(port_at(node, 0)), record);
}

static void each(struct admin_query *query)
{
	admin_offer_switches(query, WANT_LID, SWITCH_RECORD_LID, offer);
}

const struct admin_attribute admin_switch_record = {
	.id = ATTR_SA_SWITCH_RECORD,
	.record_size = SWITCH_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
