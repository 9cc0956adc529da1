/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ClassPortInfo (IBA 13.4.8.1) is what a client asks first: is there an SA, and what can it do?
 * Hosts ask again whenever the SM changes. It promises what the other files of this folder keep,
 * and nothing more: nobody can Get or Set a Notice of ours, and opensm says that it can. It has no
 * ComponentMask.
 */

#include "sm/sa/attribute.h"

enum {
	CAN_UD_MULTICAST = 1u << 9,
	CAN_MULTI_PATH = 1u << 10,
	CAN_MATCH_CAPABILITIES = 1u << 13, /* IBA 15.2.5.3, MODIFIER_CONTAINS */
};

/* CapabilityMask2, as opensm numbers them (osm_base.h) */
enum {
	CAN_MULTICAST_TOP = 1u << 3,     /* SwitchInfoRecord shows MulticastFDBTop */
	CAN_ALIAS_GUIDS = 1u << 5,       /* GuidInfoRecord: IsAdditionalGUIDsSupported */
	CAN_WHOLE_PORT_RECORD = 1u << 6, /* all components and Options */
	CAN_EXTENDED_SPEEDS = 1u << 7,
	CAN_MULTICAST_SERVICES = 1u << 8, /* ServiceRecords of groups */
	CAN_MATCH_CAPABILITIES2 = 1u << 10,
	CAN_SEND_ONLY_FULL = 1u << 12, /* JoinState SendOnlyFullMember */
	CAN_WIDTH_2X = 1u << 13,
	CAN_SPEED_HDR = 1u << 15,
};

/* 4.096 us * 2^16, a quarter of a second: far above what an answer takes, far below a time-out. */
#define RESPONSE_TIME   16u
#define QKEY_WELL_KNOWN UINT32_C(0x80010000)

static void each(struct admin_query *query)
{
	uint8_t info[CLASS_INFO_SIZE] = { 0 };

	wire_set(info, CLASS_INFO_BASE_VERSION, 1);
	wire_set(info, CLASS_INFO_CLASS_VERSION, CLASS_SA_VERSION);
	wire_set(info, CLASS_INFO_CAPABILITIES,
		 CAN_UD_MULTICAST | CAN_MULTI_PATH | CAN_MATCH_CAPABILITIES);
	wire_set(info, CLASS_INFO_CAPABILITIES2,
		 CAN_MULTICAST_TOP | CAN_ALIAS_GUIDS | CAN_WHOLE_PORT_RECORD | CAN_EXTENDED_SPEEDS |
			 CAN_MULTICAST_SERVICES | CAN_MATCH_CAPABILITIES2 | CAN_SEND_ONLY_FULL |
			 CAN_WIDTH_2X | CAN_SPEED_HDR);
	wire_set(info, CLASS_INFO_RESPONSE_TIME, RESPONSE_TIME);
	wire_set(info, CLASS_INFO_REDIRECT_QP, 1);
	wire_set(info, CLASS_INFO_REDIRECT_QKEY, QKEY_WELL_KNOWN);
	wire_set(info, CLASS_INFO_TRAP_QKEY, QKEY_WELL_KNOWN);
	admin_offer(query, FOR_EVERYBODY, info);
}

const struct admin_attribute admin_class_info = {
	.id = ATTR_CLASS_PORT_INFO,
	.methods = ADMIN_GET,
	.record_size = CLASS_INFO_SIZE,
	.each = each,
};
