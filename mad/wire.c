/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * All fields of the wire are one kind of thing: a run of at most 64 bits, most significant first,
 * at a fixed place. So there is one table, made from the structs of OpenSM's <iba/ib_types.h>, and
 * one function each to read and to write. A field that is wrong is wrong in one line of wire.def,
 * and tests/oracle reads every field a second time with libibmad.
 */

#include "mad/wire.h"

#include <string.h>

#include <iba/ib_types.h>

#include "base/macros.h"
#include "mad/layout.h"

#define FIRST(type, member, bit)       (offsetof(type, member) + (bit) / 8)
#define BYTES(bit, width)              (((bit) % 8 + (width) + 7) / 8)
#define SHIFT(bit, width)              (BYTES(bit, width) * 8 - (bit) % 8 - (width))
#define MASK(width)                    (UINT64_MAX >> (64 - (width)))
#define LAST(type, member, bit, width) (FIRST(type, member, bit) + BYTES(bit, width))
#define EIGHT(last)                    ((last) > 8 ? (last)-8 : 0)
#define FIELD(name, type, member, bit, width, libibmad)                                            \
	[name] = { MASK(width), EIGHT(LAST(type, member, bit, width)),                             \
		   SHIFT(bit, width) + 8 * (EIGHT(LAST(type, member, bit, width)) + 8 -            \
					    LAST(type, member, bit, width)) },
const struct wire_place wire_places[WIRE_FIELD_COUNT] = {
#include "mad/wire.def"
};
#undef FIELD

static void set_eight(uint8_t *bytes, uint64_t eight)
{
	eight = htobe64(eight);
	memcpy(bytes, &eight, sizeof(eight));
}

void wire_set(void *base, enum wire_field field, uint64_t value)
{
	const struct wire_place *place = &wire_places[field];
	uint8_t *bytes = (uint8_t *)base + place->byte;
	uint64_t others = wire_eight(bytes) & ~(place->mask << place->shift);

	set_eight(bytes, others | (value & place->mask) << place->shift);
}

uint16_t wire_get16(const void *base, size_t index)
{
	const uint8_t *b = (const uint8_t *)base + 2 * index;

	return (uint16_t)(b[0] << 8 | b[1]);
}

void wire_set16(void *base, size_t index, uint16_t value)
{
	uint8_t *b = (uint8_t *)base + 2 * index;

	b[0] = (uint8_t)(value >> 8);
	b[1] = (uint8_t)value;
}

uint64_t wire_get64(const void *base, size_t index)
{
	return wire_eight((const uint8_t *)base + 8 * index);
}

void wire_set64(void *base, size_t index, uint64_t value)
{
	set_eight((uint8_t *)base + 8 * index, value);
}

void wire_start(struct datagram *d, uint8_t mgmt_class, uint8_t method, uint16_t attr,
		uint32_t modifier)
{
	memset(d, 0, sizeof(*d));
	wire_set(d, MAD_BASE_VERSION, 1);
	wire_set(d, MAD_CLASS, mgmt_class);
	wire_set(d, MAD_CLASS_VERSION,
		 mgmt_class == CLASS_SA ? CLASS_SA_VERSION : CLASS_SM_VERSION);
	wire_set(d, MAD_METHOD, method);
	wire_set(d, MAD_ATTR, attr);
	wire_set(d, MAD_MODIFIER, modifier);
}

void wire_set_route(struct datagram *d, const uint8_t *ports, unsigned hops)
{
	wire_set(d, SMP_DR_SLID, LID_PERMISSIVE);
	wire_set(d, SMP_DR_DLID, LID_PERMISSIVE);
	wire_set(d, SMP_HOP_COUNT, hops);
	if (hops > 0)
		memcpy(d->bytes + offsetof(ib_smp_t, initial_path) + 1, ports, hops);
}

uint8_t wire_route_port(const struct datagram *d, unsigned k)
{
	return d->bytes[offsetof(ib_smp_t, initial_path) + k];
}

void wire_make_response(struct datagram *d, uint16_t status)
{
	uint8_t method = (uint8_t)wire_get(d, MAD_METHOD);

	if (method == METHOD_SET)
		method = METHOD_GET_RESPONSE;
	else
		method |= METHOD_RESPONSE;
	wire_set(d, MAD_METHOD, method);
	wire_set(d, MAD_STATUS, status);
	if (wire_is_directed(d))
		wire_set(d, SMP_DIRECTION, 1);
}

_Static_assert(sizeof(ib_smp_t) == MAD_SIZE, "IBA 14.2.1");
_Static_assert(sizeof(ib_sa_mad_t) == MAD_SIZE, "IBA 15.2.1");
_Static_assert(sizeof(ib_port_info_t) == SMP_DATA_SIZE, "IBA 14.2.5.6");
_Static_assert(offsetof(ib_sa_mad_t, data) == 56, "IBA 15.2.1");
_Static_assert(offsetof(ib_path_rec_t, dgid) == PATH_DGID_OFFSET, "IBA 15.2.5.16");
_Static_assert(offsetof(ib_path_rec_t, sgid) == PATH_SGID_OFFSET, "IBA 15.2.5.16");
_Static_assert(sizeof(ib_path_rec_t) == PATH_RECORD_SIZE, "IBA 15.2.5.16");
_Static_assert(sizeof(ib_node_record_t) == NODE_RECORD_SIZE, "IBA 15.2.5.2");
_Static_assert(offsetof(ib_node_record_t, node_desc) == NODE_RECORD_DESCRIPTION_OFFSET, "");
_Static_assert(sizeof(ib_portinfo_record_t) == PORT_RECORD_SIZE, "IBA 15.2.5.3");
_Static_assert(sizeof(ib_class_port_info_t) == CLASS_INFO_SIZE, "IBA 13.4.8.1");
_Static_assert(sizeof(ib_switch_info_record_t) <= SWITCH_RECORD_SIZE, "IBA 15.2.5.5");
_Static_assert(offsetof(ib_switch_info_record_t, switch_info) == SWITCH_RECORD_INFO_OFFSET, "");
_Static_assert(sizeof(ib_lft_record_t) == LFT_RECORD_SIZE, "IBA 15.2.5.6");
_Static_assert(sizeof(ib_link_record_t) == LINK_RECORD_SIZE, "IBA 15.2.5.13");
_Static_assert(sizeof(struct trace_record) == TRACE_RECORD_SIZE, "IBA 15.2.5.19");
_Static_assert(sizeof(ib_pkey_table_record_t) == PKEY_RECORD_SIZE, "IBA 15.2.5.11");
_Static_assert(offsetof(ib_multipath_rec_t, gids) == MULTI_GIDS_OFFSET, "IBA 15.2.5.20");
_Static_assert(sizeof(ib_mft_record_t) == MFT_RECORD_SIZE, "IBA 15.2.5.8");
_Static_assert(sizeof(ib_slvl_table_record_t) == SLTOVL_RECORD_SIZE, "IBA 15.2.5.4");
_Static_assert(sizeof(ib_vl_arb_table_record_t) == VLARB_RECORD_SIZE, "IBA 15.2.5.9");
_Static_assert(sizeof(ib_service_record_t) == SERVICE_RECORD_SIZE, "IBA 15.2.5.14");
_Static_assert(offsetof(ib_service_record_t, service_gid) == SERVICE_GID_OFFSET, "");
_Static_assert(offsetof(ib_service_record_t, service_key) == SERVICE_KEY_OFFSET, "");
_Static_assert(offsetof(ib_service_record_t, service_name) == SERVICE_NAME_OFFSET, "");
_Static_assert(sizeof(ib_inform_info_t) == INFORM_INFO_SIZE, "IBA 13.4.8.3");
_Static_assert(offsetof(ib_inform_info_record_t, inform_info) == INFORM_RECORD_INFO_OFFSET, "");
_Static_assert(sizeof(ib_member_rec_t) <= MC_MEMBER_RECORD_SIZE, "IBA 15.2.5.17");
