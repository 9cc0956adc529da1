/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The performance management agent: what a port has counted (IBA 16.1).
 *
 * Each port has one set of counters, wide enough never to wrap. PortCounters and
 * PortCountersExtended are two views of it, each a list of fields; a value that a field cannot hold
 * reads as the field's maximum, and clearing by one view clears what the other shows. A Set clears
 * what it selects, whatever values it carries, and answers with what is there then.
 *
 * An adapter answers for the port that was asked and no other. A switch answers for any port, and
 * for all at once, PortSelect 0xff: their sum, port 0 included.
 */

#include <string.h>

#include "base/macros.h"
#include "tests/sim/agent.h"

enum {
	ATTR_CLASS_PORT_INFO = 0x0001,
	ATTR_COUNTERS = 0x0012,
	ATTR_COUNTERS_EXT = 0x001d,

	/* ClassPortInfo.CapabilityMask */
	CAP_ALL_PORTS = 1u << 8,
	CAP_EXTENDED = 1u << 9,
	CAP_XMIT_WAIT = 1u << 12,
	/* and CapabilityMask2, in the 27 bits above RespTimeValue */
	CAP2_WIDE_ERRORS = 1u << 1,
	RESPONSE_TIME = 18,

	DATA = 64, /* of a MAD of this class (IBA 16.1.2) */
	DATA_SIZE = SIM_MAD_SIZE - DATA,
	PORT_SELECT = 1,
	SELECT = 2,
	COUNTERS_SELECT2 = 18, /* 8 bits, of PortCounters */
	EXT_SELECT2 = 4,       /* 32 bits */
	ALL_PORTS = 0xff,
};

/* ---- fields ---------------------------------------------------------------------------------- */

/* A number of @bits bits; two of 4 may share a byte, of which @high says the half. */
struct field {
	uint16_t counter; /* in struct sim_counters */
	uint8_t size;     /* there */
	uint8_t at;       /* in the attribute */
	uint8_t bits;
	bool high;
	uint8_t select; /* bit of CounterSelect, or 16 and up: of CounterSelect2 */
};

#define OF(name) offsetof(struct sim_counters, name), sizeof(((struct sim_counters *)0)->name)

/* No source names a bit that selects QP1Dropped alone; it goes with VL15Dropped. */
static const struct field counters[] = {
	{ OF(symbol_errors), 4, 16, 0, 0 },
	{ OF(link_recovers), 6, 8, 0, 1 },
	{ OF(link_downed), 7, 8, 0, 2 },
	{ OF(rcv_errors), 8, 16, 0, 3 },
	{ OF(rcv_remote_errors), 10, 16, 0, 4 },
	{ OF(switch_relay_errors), 12, 16, 0, 5 },
	{ OF(xmit_discards), 14, 16, 0, 6 },
	{ OF(xmit_constraint_errors), 16, 8, 0, 7 },
	{ OF(rcv_constraint_errors), 17, 8, 0, 8 },
	{ OF(link_integrity_errors), 19, 4, true, 9 },
	{ OF(overrun_errors), 19, 4, false, 10 },
	{ OF(qp1_dropped), 20, 16, 0, 11 },
	{ OF(vl15_dropped), 22, 16, 0, 11 },
	{ OF(xmit_data), 24, 32, 0, 12 },
	{ OF(rcv_data), 28, 32, 0, 13 },
	{ OF(xmit_pkts), 32, 32, 0, 14 },
	{ OF(rcv_pkts), 36, 32, 0, 15 },
	{ OF(xmit_wait), 40, 32, 0, 16 },
};

/* From N_NARROW on: only with CAP2_WIDE_ERRORS. */
enum { N_NARROW = 8 };
static const struct field counters_ext[] = {
	{ OF(xmit_data), 8, 64, 0, 0 },
	{ OF(rcv_data), 16, 64, 0, 1 },
	{ OF(xmit_pkts), 24, 64, 0, 2 },
	{ OF(rcv_pkts), 32, 64, 0, 3 },
	{ OF(unicast_xmit), 40, 64, 0, 4 },
	{ OF(unicast_rcv), 48, 64, 0, 5 },
	{ OF(multicast_xmit), 56, 64, 0, 6 },
	{ OF(multicast_rcv), 64, 64, 0, 7 },
	{ OF(symbol_errors), 72, 64, 0, 16 },
	{ OF(link_recovers), 80, 64, 0, 17 },
	{ OF(link_downed), 88, 64, 0, 18 },
	{ OF(rcv_errors), 96, 64, 0, 19 },
	{ OF(rcv_remote_errors), 104, 64, 0, 20 },
	{ OF(switch_relay_errors), 112, 64, 0, 21 },
	{ OF(xmit_discards), 120, 64, 0, 22 },
	{ OF(xmit_constraint_errors), 128, 64, 0, 23 },
	{ OF(rcv_constraint_errors), 136, 64, 0, 24 },
	{ OF(link_integrity_errors), 144, 64, 0, 25 },
	{ OF(overrun_errors), 152, 64, 0, 26 },
	{ OF(vl15_dropped), 160, 64, 0, 27 },
	{ OF(xmit_wait), 168, 64, 0, 28 },
	{ OF(qp1_dropped), 176, 64, 0, 29 },
};

static uint64_t value(const struct sim_port *port, const struct field *field)
{
	const uint8_t *at = (const uint8_t *)&port->counters + field->counter;
	uint32_t narrow;
	uint64_t wide;

	if (field->size == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static void clear(struct sim_port *port, const struct field *field)
{
	memset((uint8_t *)&port->counters + field->counter, 0, field->size);
}

static void put(uint8_t *data, const struct field *field, uint64_t number)
{
	if (field->bits < 64)
		number = MIN(number, (UINT64_C(1) << field->bits) - 1);
	if (field->bits < 8) {
		data[field->at] |= (uint8_t)(field->high ? number << 4 : number);
		return;
	}
	for (unsigned byte = field->bits / 8; byte-- > 0; number >>= 8)
		data[field->at + byte] = (uint8_t)number;
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* The ports that are meant, first to last; false: there are no such, or they are not to be asked.
 */
static bool find_ports(const struct sim_port *at, unsigned selected, unsigned bounds[static 2])
{
	const struct sim_node *node = at->node;

	bounds[0] = selected;
	bounds[1] = selected;
	if (!node->sw)
		return selected == at->number;
	if (selected == ALL_PORTS) {
		bounds[0] = 0;
		bounds[1] = node->n_ports;
	}
	return bounds[1] <= node->n_ports;
}

static uint64_t sum(struct sim_node *node, const unsigned bounds[static 2],
		    const struct field *field)
{
	uint64_t total = 0;

	for (unsigned n = bounds[0]; n <= bounds[1]; n++) {
		uint64_t more = value(&node->ports[n], field);

		total = more > UINT64_MAX - total ? UINT64_MAX : total + more;
	}
	return total;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static uint32_t get_select(const uint8_t *data, bool is_ext)
{
	uint32_t select = (uint32_t)data[SELECT] << 8 | data[SELECT + 1];

	if (!is_ext)
		return select | (uint32_t)data[COUNTERS_SELECT2] << 16;
	/* 32 bits, of which the lower half has names. */
	return select | (uint32_t)data[EXT_SELECT2 + 2] << 24 |
	       (uint32_t)data[EXT_SELECT2 + 3] << 16;
}

/* What selected stays as it was asked for; all else is ours. */
static void wipe(uint8_t *data, bool is_ext)
{
	uint8_t select2 = data[COUNTERS_SELECT2];
	unsigned first = is_ext ? EXT_SELECT2 + 4 : SELECT + 2;

	data[0] = 0;
	memset(data + first, 0, DATA_SIZE - first);
	if (!is_ext)
		data[COUNTERS_SELECT2] = select2;
}

static enum sim_status answer_counters(struct sim_port *at, struct sim_packet *p, bool is_ext)
{
	const struct field *fields = is_ext ? counters_ext : counters;
	bool wide = at->node->fabric->quirks.wide_error_counters;
	unsigned n_fields = !is_ext ? COUNT(counters) : wide ? COUNT(counters_ext) : N_NARROW;
	uint8_t *data = p->bytes + DATA;
	uint32_t select = p->mad.method == SIM_SET ? get_select(data, is_ext) : 0;
	unsigned bounds[2];

	if (p->mad.attr_mod || !find_ports(at, data[PORT_SELECT], bounds))
		return SIM_BAD_FIELD;
	wipe(data, is_ext);
	for (unsigned i = 0; i < n_fields; i++) {
		for (unsigned n = bounds[0]; select >> fields[i].select & 1 && n <= bounds[1]; n++)
			clear(&at->node->ports[n], &fields[i]);
		put(data, &fields[i], sum(at->node, bounds, &fields[i]));
	}
	return SIM_OK;
}

static enum sim_status answer_class_port_info(struct sim_port *at, struct sim_packet *p)
{
	const struct sim_node *node = at->node;
	uint32_t caps = CAP_EXTENDED | CAP_XMIT_WAIT | (node->sw ? CAP_ALL_PORTS : 0);
	uint32_t caps2 = node->fabric->quirks.wide_error_counters ? CAP2_WIDE_ERRORS : 0;
	uint8_t *data = p->bytes + DATA;

	if (p->mad.method != SIM_GET)
		return SIM_BAD_ATTRIBUTE;
	memset(data, 0, DATA_SIZE);
	data[0] = 1; /* base version */
	data[1] = 1; /* class version */
	data[2] = (uint8_t)(caps >> 8);
	data[3] = (uint8_t)caps;
	data[7] = (uint8_t)(caps2 << 5 | RESPONSE_TIME);
	return p->mad.attr_mod ? SIM_BAD_FIELD : SIM_OK;
}

static enum sim_status answer(struct sim_port *at, struct sim_packet *p)
{
	if (p->mad.class_ver != 1)
		return SIM_BAD_VERSION;
	if (p->mad.method != SIM_GET && p->mad.method != SIM_SET)
		return SIM_BAD_METHOD;
	switch (be16toh(p->mad.attr_id)) {
	case ATTR_CLASS_PORT_INFO:
		return answer_class_port_info(at, p);
	case ATTR_COUNTERS:
		return answer_counters(at, p, false);
	case ATTR_COUNTERS_EXT:
		return answer_counters(at, p, true);
	default:
		return SIM_BAD_ATTRIBUTE;
	}
}

enum sim_outcome sim_pma(struct sim_port *at, struct sim_packet *packet)
{
	/* Answers and traps are for those who ask, not for those who count. */
	if (sim_is_response(packet) || packet->mad.method == SIM_TRAP)
		return SIM_NOT_OURS;
	sim_answer(packet, answer(at, packet));
	return SIM_ANSWER;
}
