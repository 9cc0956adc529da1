/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The wire, for everybody else: a datagram is 256 bytes, and its fields are read and written by
 * name. Values are numbers in host order; nobody outside mad/ swaps a byte or sees a struct of the
 * wire. The names, places and widths of all fields stand in wire.def.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAD_SIZE      256
#define SMP_DATA_SIZE 64
#define SMP_MAX_HOPS  63

struct datagram {
	uint8_t bytes[MAD_SIZE];
};

enum wire_field {
#define FIELD(name, type, member, bit, width, libibmad) name,
#include "mad/wire.def"
#undef FIELD
	WIRE_FIELD_COUNT,
};

/* A field is read out of 8 bytes at once, and written into them: those that end with its last byte,
 * or the first 8 of all. */
struct wire_place {
	uint64_t mask; /* of the field, at the right */
	uint16_t byte; /* the first of the 8 */
	uint8_t shift; /* bits to the right of it in them */
};

extern const struct wire_place wire_places[WIRE_FIELD_COUNT];

static inline uint64_t wire_eight(const uint8_t *bytes)
{
	uint64_t eight;

	memcpy(&eight, bytes, sizeof(eight));

	return be64toh(eight);
}

/*
 * Read or write one field of the attribute, record or datagram that starts at @base. The caller has
 * made sure that all of it is there (datagrams always are 256 bytes). Too wide values are cut.
 * Reading is inline, as a reconcile reads the state of every port of the fabric several times.
 */
static inline uint64_t wire_get(const void *base, enum wire_field field)
{
	const struct wire_place *place = &wire_places[field];

	return wire_eight((const uint8_t *)base + place->byte) >> place->shift & place->mask;
}

void wire_set(void *base, enum wire_field field, uint64_t value);

/* One 16-bit or 64-bit element of an array: P_Key tables, GUIDInfo. */
uint16_t wire_get16(const void *base, size_t index);
void wire_set16(void *base, size_t index, uint16_t value);
uint64_t wire_get64(const void *base, size_t index);
void wire_set64(void *base, size_t index, uint64_t value);

/* Records padded to the multiple of 8 bytes that AttributeOffset counts. Where the 64 bytes of an
 * SMP's attribute lie, and the 200 of an SA record; GIDs inside a path. */
static inline uint8_t *smp_data_of(struct datagram *d)
{
	return d->bytes + 64;
}

static inline const uint8_t *smp_data_in(const struct datagram *d)
{
	return d->bytes + 64;
}

#define SA_DATA_OFFSET 56

static inline uint8_t *sa_data_of(struct datagram *d)
{
	return d->bytes + SA_DATA_OFFSET;
}

static inline const uint8_t *sa_data_in(const struct datagram *d)
{
	return d->bytes + SA_DATA_OFFSET;
}

#define SA_DATA_SIZE                   200
#define PATH_DGID_OFFSET               8
#define PATH_SGID_OFFSET               24
#define NODE_RECORD_INFO_OFFSET        4
#define NODE_RECORD_DESCRIPTION_OFFSET 44
#define NODE_RECORD_SIZE               112
#define PORT_RECORD_INFO_OFFSET        4
#define PORT_RECORD_SIZE               72
#define PATH_RECORD_SIZE               64
#define MULTI_GIDS_OFFSET              24 /* in a MultiPathRecord: first those of sources */
#define GID_SIZE                       16
#define GID_PREFIX_DEFAULT             UINT64_C(0xfe80000000000000) /* link-local, IBA 4.1.1 */
#define SM_RECORD_INFO_OFFSET          4
#define SM_RECORD_SIZE                 32
#define GUID_RECORD_INFO_OFFSET        8
#define GUID_RECORD_SIZE               72
#define SERVICE_GID_OFFSET             8
#define SERVICE_KEY_OFFSET             32
#define SERVICE_KEY_SIZE               16
#define SERVICE_NAME_OFFSET            48
#define SERVICE_NAME_SIZE              64
#define SERVICE_RECORD_SIZE            176
#define NOTICE_SIZE                    80
#define NOTICE_GID_OFFSET              16 /* of traps 64 to 67 */
#define NOTICE_ISSUER_GID_OFFSET       64
#define INFORM_INFO_SIZE               36
#define INFORM_RECORD_INFO_OFFSET      24
#define INFORM_RECORD_SIZE             64
#define CLASS_INFO_SIZE                72
#define SWITCH_RECORD_INFO_OFFSET      4
#define SWITCH_RECORD_SIZE             24
#define LFT_RECORD_TABLE_OFFSET        8
#define LFT_RECORD_SIZE                72
#define LINK_RECORD_SIZE               8
#define TRACE_RECORD_SIZE              48
#define SLTOVL_RECORD_TABLE_OFFSET     8
#define SLTOVL_RECORD_SIZE             16
#define VLARB_RECORD_TABLE_OFFSET      8
#define VLARB_RECORD_SIZE              72
#define MFT_RECORD_TABLE_OFFSET        8
#define MFT_RECORD_SIZE                72
#define PKEY_RECORD_TABLE_OFFSET       8
#define PKEY_RECORD_SIZE               72
#define MC_MEMBER_PORT_GID_OFFSET      16 /* the MGID is first */
#define MC_MEMBER_RECORD_SIZE          56

/* RMPP, IBA 13.6.2.1 */
enum {
	RMPP_VERSION = 1,
	RMPP_TYPE_DATA = 1,
	RMPP_ACTIVE = 1,
	RMPP_FIRST = 2,
	RMPP_LAST = 4,
};

/* Management classes and their versions, IBA 13.4.4 */
enum {
	CLASS_SM_LID = 0x01,
	CLASS_SA = 0x03,
	CLASS_SM_DIRECTED = 0x81,
	CLASS_SM_VERSION = 1,
	CLASS_SA_VERSION = 2,
};

/* Methods, IBA 13.4.5 */
enum {
	METHOD_GET = 0x01,
	METHOD_SET = 0x02,
	METHOD_TRAP = 0x05,
	METHOD_REPORT = 0x06,
	METHOD_TRAP_REPRESS = 0x07,
	METHOD_GET_TABLE = 0x12,
	METHOD_GET_TRACE_TABLE = 0x13,
	METHOD_GET_MULTI = 0x14,
	METHOD_DELETE = 0x15,
	METHOD_GET_RESPONSE = 0x81,
	METHOD_REPORT_RESPONSE = 0x86,
	METHOD_GET_TABLE_RESPONSE = 0x92,
	METHOD_DELETE_RESPONSE = 0x95,
	METHOD_RESPONSE = 0x80, /* the bit that makes a method an answer */
};

/* Attributes of the SM classes, IBA 14.2.5, and of the SA, IBA 15.2.5 */
enum {
	ATTR_CLASS_PORT_INFO = 0x0001,
	ATTR_NOTICE = 0x0002,
	ATTR_NODE_DESCRIPTION = 0x0010,
	ATTR_NODE_INFO = 0x0011,
	ATTR_SWITCH_INFO = 0x0012,
	ATTR_GUID_INFO = 0x0014,
	ATTR_PORT_INFO = 0x0015,
	ATTR_PKEY_TABLE = 0x0016,
	ATTR_SLTOVL = 0x0017,
	ATTR_VL_ARBITRATION = 0x0018,
	ATTR_LFT = 0x0019,
	ATTR_MFT = 0x001b,
	ATTR_SM_INFO = 0x0020,
	ATTR_SWITCH_PORT_STATES = 0x0034, /* SwitchPortStateTable */
	ATTR_MLNX_PORT_INFO = 0xff90,     /* the vendor's */
	ATTR_VIRTUALIZATION_INFO = 0xffb0,
	ATTR_VPORT_INFO = 0xffb1,
	ATTR_VNODE_INFO = 0xffb2,
	ATTR_VPORT_STATE = 0xffb3,
	ATTR_VNODE_DESCRIPTION = 0xffb4,
	ATTR_VPORT_GUID_INFO = 0xffb5,
	ATTR_VPORT_PKEY_TABLE = 0xffb6,
	ATTR_SA_INFORM_INFO = 0x0003,
	ATTR_SA_NODE_RECORD = 0x0011,
	ATTR_SA_PORT_RECORD = 0x0012,
	ATTR_SA_SLTOVL_RECORD = 0x0013,
	ATTR_SA_SWITCH_RECORD = 0x0014,
	ATTR_SA_LFT_RECORD = 0x0015,
	ATTR_SA_MFT_RECORD = 0x0017,
	ATTR_SA_SM_RECORD = 0x0018,
	ATTR_SA_LINK_RECORD = 0x0020,
	ATTR_SA_GUID_RECORD = 0x0030,
	ATTR_SA_SERVICE_RECORD = 0x0031,
	ATTR_SA_PKEY_RECORD = 0x0033,
	ATTR_SA_PATH_RECORD = 0x0035,
	ATTR_SA_VL_ARBITRATION_RECORD = 0x0036,
	ATTR_SA_MC_MEMBER_RECORD = 0x0038,
	ATTR_SA_TRACE_RECORD = 0x0039,
	ATTR_SA_MULTI_PATH_RECORD = 0x003a,
	ATTR_SA_INFORM_INFO_RECORD = 0x00f3,
};

/* Status of a MAD, IBA 13.4.7; of the SA, IBA 15.2.4 */
enum {
	STATUS_OK = 0x0000,
	STATUS_BUSY = 0x0001,
	STATUS_BAD_VERSION = 0x0004,
	STATUS_BAD_METHOD = 0x0008,
	STATUS_BAD_METHOD_ATTR = 0x000c,
	STATUS_BAD_FIELD = 0x001c,
	STATUS_SA_NO_RESOURCES = 0x0100,
	STATUS_SA_REQ_INVALID = 0x0200,
	STATUS_SA_NO_RECORDS = 0x0300,
	STATUS_SA_TOO_MANY_RECORDS = 0x0400,
	STATUS_SA_INVALID_GID = 0x0500,
	STATUS_SA_INSUFFICIENT_COMPONENTS = 0x0600,
	STATUS_SA_REQ_DENIED = 0x0700,
};

/* NodeInfo.NodeType */
enum {
	NODE_TYPE_CA = 1,
	NODE_TYPE_SWITCH = 2,
	NODE_TYPE_ROUTER = 3,
};

/* PortInfo.PortState and PortPhysicalState */
enum port_state {
	PORT_NO_CHANGE = 0,
	PORT_DOWN = 1,
	PORT_INITIALIZE = 2,
	PORT_ARMED = 3,
	PORT_ACTIVE = 4,
};

enum {
	PHYS_NO_CHANGE = 0,
	PHYS_SLEEP = 1,
	PHYS_POLLING = 2,
	PHYS_DISABLED = 3,
	PHYS_LINK_UP = 5,
};

/* PortInfo.CapabilityMask and CapabilityMask2 */
enum {
	CAP_IS_SM = 1u << 1,
	CAP_SL_MAPPING = 1u << 6,
	CAP_NVRAM_PKEY = 1u << 8,
	CAP_SM_DISABLED = 1u << 10,
	CAP_EXTENDED_SPEEDS = 1u << 14,
	CAP_CAPABILITIES2 = 1u << 15,
	CAP_REREGISTER = 1u << 25,
	CAP_MULTICAST_TOP = 1u << 30,
	CAP2_VIRTUALIZATION = 1u << 2,
	CAP2_SWITCH_PORT_STATES = 1u << 3,
};

/* PortInfo attribute modifier: the SM reads and writes extended speeds (IBA 14.2.5.6; opensm PR
 * 39). */
#define MODIFIER_EXTENDED_SPEEDS (UINT32_C(1) << 31)

enum {
	LID_UNICAST_FIRST = 0x0001,
	LID_UNICAST_LAST = 0xbfff,
	LID_PERMISSIVE = 0xffff,
	LFT_BLOCK = 64,          /* LIDs in a block of the linear forwarding table */
	MFT_BLOCK = 32,          /* multicast LIDs in a block of the multicast one, */
	MFT_PORTS = 16,          /* and ports: its position */
	PKEY_BLOCK = 32,         /* keys in a block of the P_Key table */
	GUID_BLOCK = 8,          /* GUIDs in a block of GUIDInfo */
	VPORT_STATE_BLOCK = 128, /* vports in a block of VPortState, */
	PORT_STATE_BLOCK = 128,  /* and ports in one of SwitchPortStateTable */
};

/* Notice.Type of generic traps */
#define TRAP_GID_IN_SERVICE     64
#define TRAP_GID_OUT_OF_SERVICE 65
#define TRAP_GROUP_CREATED      66
#define TRAP_GROUP_DELETED      67
#define TRAP_LINK_STATE         128
#define TRAP_LINK_INTEGRITY     129
#define TRAP_BUFFER_OVERRUN     130
#define TRAP_FLOW_WATCHDOG      131
#define TRAP_CAPABILITY         144
#define TRAP_SYSTEM_GUID        145
#define TRAP_MKEY               256
#define TRAP_PKEY               257
#define TRAP_QKEY               258
#define TRAP_SWITCH_PKEY        259
/* Numbers of the vendor that makes virtual ports */
#define TRAP_VPORT_CHANGE 1144
#define TRAP_VPORT_STATE  1146
#define TRAP_VPORT_PKEY   1257
#define TRAP_VPORT_QKEY   1258

/* SMInfo.SMState and the attribute modifiers of SubnSet(SMInfo), IBA 14.4.1 */
enum sm_state {
	SM_NOT_ACTIVE = 0,
	SM_DISCOVERING = 1,
	SM_STANDBY = 2,
	SM_MASTER = 3,
};

enum {
	SM_CONTROL_HANDOVER = 1,
	SM_CONTROL_ACKNOWLEDGE = 2,
	SM_CONTROL_DISABLE = 3,
	SM_CONTROL_STANDBY = 4,
	SM_CONTROL_DISCOVER = 5,
};

/*
 * Start a MAD: header of a request of @class (an SM class or the SA), all else zero.
 * A directed route: @hops ports from us on, IBA 14.2.2; both ends of the route permissive.
 */
void wire_start(struct datagram *d, uint8_t mgmt_class, uint8_t method, uint16_t attr,
		uint32_t modifier);
void wire_set_route(struct datagram *d, const uint8_t *ports, unsigned hops);

/* One of the 4-bit states of a block of VPortState or SwitchPortStateTable: of the vport or port
 * with this place in the block. */
static inline unsigned wire_state(const void *base, unsigned place)
{
	return ((const uint8_t *)base)[place / 2] >> (place & 1 ? 0 : 4) & 0xf;
}

/*
 * Attribute modifier of VPortGUIDInfo and VPortPKeyTable. How the two numbers share it is not
 * known: the vport above, by analogy with P_KeyTable, or else below.
 */
static inline uint32_t wire_vport_modifier(unsigned vport, unsigned block, bool vport_is_low)
{
	return vport_is_low ? block << 16 | vport : vport << 16 | block;
}

/* The k-th port that a directed route takes, 1 to hop count. */
uint8_t wire_route_port(const struct datagram *d, unsigned k);

/*
 * Turn a request that arrived into its answer: method, direction bit of a directed route, status.
 * Data stay as they are.
 */
void wire_make_response(struct datagram *d, uint16_t status);

static inline bool wire_is_directed(const struct datagram *d)
{
	return d->bytes[1] == CLASS_SM_DIRECTED;
}

/* TrapRepress is an answer too, IBA 13.4.5. */
static inline bool wire_is_response(const struct datagram *d)
{
	return (d->bytes[3] & METHOD_RESPONSE) || d->bytes[3] == METHOD_TRAP_REPRESS;
}
