/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The few bytes of a MAD that the kernel's MAD layer looks at, by their offsets. No struct of
 * anybody's: what is tested with this must not share a mistake with it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	WIRE_SIZE = 256,
	WIRE_HEADER = 24, /* common to all MADs */

	WIRE_BASE_VERSION = 0,
	WIRE_CLASS = 1,
	WIRE_VERSION = 2,
	WIRE_METHOD = 3,
	WIRE_STATUS = 4,
	WIRE_TID = 8,
	WIRE_ATTRIBUTE = 16,
	WIRE_MODIFIER = 20,

	WIRE_HOP_PTR = 6, /* directed route */
	WIRE_HOP_CNT = 7,
	WIRE_DR_SLID = 32,
	WIRE_DR_DLID = 34,
	WIRE_INITIAL_PATH = 128,
	WIRE_RETURN_PATH = 192,
	WIRE_HOPS_MAX = 63,

	WIRE_RMPP_VERSION = 24,
	WIRE_RMPP_TYPE = 25,
	WIRE_RMPP_FLAGS = 26, /* the low 3 bits; above them RRespTime */
	WIRE_RMPP_STATUS = 27,
	WIRE_RMPP_SEGMENT = 28,
	WIRE_RMPP_LENGTH = 32, /* or, in an ACK, the new window */
	WIRE_RMPP_HEADER = 36, /* where what PayloadLength counts begins */

	WIRE_OUI = 37, /* vendor classes 0x30 to 0x4f */
};

enum {
	CLASS_SMP = 0x01,
	CLASS_BM = 0x05,
	CLASS_CM = 0x07,
	CLASS_SMP_DIRECTED = 0x81,

	METHOD_GET = 0x01,
	METHOD_SET = 0x02,
	METHOD_SEND = 0x03,
	METHOD_TRAP_REPRESS = 0x07,
	METHOD_RESPONSE = 0x80,
	METHOD_GET_RESP = 0x81,

	ATTRIBUTE_CLASS_PORT_INFO = 1,
	STATUS_UNSUPPORTED = 0x000c,
	STATUS_DIRECTION = 0x8000, /* directed route: on its way back */
	LID_PERMISSIVE = 0xffff,
};

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline uint64_t get64(const uint8_t *at)
{
	return (uint64_t)get32(at) << 32 | get32(at + 4);
}

static inline void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static inline void put64(uint8_t *at, uint64_t value)
{
	put32(at, (uint32_t)(value >> 32));
	put32(at + 4, (uint32_t)value);
}

/* Numbers in host order at any address: the records of read() and write(), and ioctls. */
static inline uint32_t host32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline void put_host32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline uint16_t host16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline void put_host16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline bool class_is_smp(uint8_t class)
{
	return class == CLASS_SMP || class == CLASS_SMP_DIRECTED;
}

static inline bool class_has_oui(uint8_t class)
{
	return class >= 0x30 && class <= 0x4f;
}

/* SA, device management, BIS and a vendor's own may be cut into segments (IBA 13.6). */
static inline bool class_has_rmpp(uint8_t class)
{
	return class == 0x03 || class == 0x06 || class == 0x10 || class == 0x12 ||
	       class_has_oui(class);
}

/* Where the data of a segment begins; what is before it is in every segment. */
static inline uint32_t class_data_at(uint8_t class)
{
	if (class == 0x03)
		return 56;
	if (class == 0x06 || class == 0x10 || class == 0x12)
		return 64;
	return class_has_oui(class) ? 40 : WIRE_HEADER;
}

static inline bool wire_is_response(const uint8_t *mad)
{
	return (mad[WIRE_METHOD] & METHOD_RESPONSE) || mad[WIRE_METHOD] == METHOD_TRAP_REPRESS ||
	       (mad[WIRE_CLASS] == CLASS_BM && (mad[WIRE_MODIFIER + 3] & 1));
}
