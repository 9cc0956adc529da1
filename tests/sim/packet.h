/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A packet on its way through the simulated fabric: what the headers of a link packet say (IBA 7.7
 * to 7.9, LRH, GRH, BTH, DETH), in host order, and the 256 bytes of a MAD as they are on the wire.
 * A data packet has a length instead of contents.
 */

#include <endian.h>
#include <iba/ib_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	SIM_LID_PERMISSIVE = 0xffff,
	SIM_LID_MULTICAST = 0xc000, /* the first; unicast ends below */
	SIM_MAD_SIZE = 256,
	SIM_SMP_DATA = 64,    /* bytes of an attribute */
	SIM_CLASS_LID = 0x01, /* SMPs by LID */
	SIM_CLASS_DR = 0x81,  /* and by directed route */
	SIM_CLASS_PERF = 0x04,
	SIM_QKEY_MAD = 0x80010000, /* of QP1, IBA 10.2.4 */
};

/* MAD status, host order, as SMAs and PMAs give it (IBA 13.4.7). Bit 15 of SMPs is the direction.
 */
enum sim_status {
	SIM_OK = 0,
	SIM_BUSY = 0x0001,
	SIM_BAD_VERSION = 0x0004,
	SIM_BAD_METHOD = 0x0008,
	SIM_BAD_ATTRIBUTE = 0x000c, /* or a method that it has not */
	SIM_BAD_FIELD = 0x001c,     /* or modifier */
};

enum sim_method {
	SIM_GET = 0x01,
	SIM_SET = 0x02,
	SIM_SEND = 0x03,
	SIM_TRAP = 0x05,
	SIM_REPORT = 0x06,
	SIM_TRAP_REPRESS = 0x07,
	SIM_GET_RESP = 0x81,
	SIM_REPORT_RESP = 0x86,
};

struct sim_packet {
	uint16_t slid;
	uint16_t dlid;
	uint32_t sqpn;
	uint32_t dqpn;
	uint32_t qkey;
	uint16_t pkey;
	uint8_t sl;
	bool has_grh;
	uint8_t hop_limit;
	uint8_t traffic_class;
	uint16_t length; /* of the payload in bytes: 256 for MADs */
	/* What libumad2sim, which has no RMPP, says of a MAD: so many bytes count; 0: not said. */
	uint16_t told_length;
	uint32_t flow_label;
	uint8_t sgid[16];
	uint8_t dgid[16];
	uint32_t cast;   /* number of the multicast that it is a copy of, forward.c's; or 0 */
	uint32_t client; /* struct sim_client.id of who sent it, or SIM_CLIENT_NONE */
	bool doubled;    /* by a fault of a link, which happens to a packet once at most */
	union {
		ib_mad_t mad;
		ib_smp_t smp;
		uint8_t bytes[SIM_MAD_SIZE];
	};
};

/* QP0 on virtual lane 15: passes where data does not, and no P_Key is looked at (IBA 9.6.1.1.3). */
static inline bool sim_is_smp(const struct sim_packet *p)
{
	return p->dqpn == 0;
}

static inline bool sim_is_directed(const struct sim_packet *p)
{
	return p->dqpn == 0 && p->smp.mgmt_class == SIM_CLASS_DR;
}

/* IBA 13.4.5; what the kernel takes for an answer. */
static inline bool sim_is_response(const struct sim_packet *p)
{
	return p->mad.method & 0x80 || p->mad.method == SIM_TRAP_REPRESS;
}

/* The way back: the answer to @p goes from whom it was for to whom it came from. */
static inline void sim_turn_around(struct sim_packet *p)
{
	uint16_t lid = p->slid;
	uint32_t qpn = p->sqpn;
	uint8_t gid[16];

	p->slid = p->dlid;
	p->dlid = lid;
	p->sqpn = p->dqpn;
	p->dqpn = qpn;
	for (unsigned i = 0; i < sizeof(gid); i++) {
		gid[i] = p->sgid[i];
		p->sgid[i] = p->dgid[i];
		p->dgid[i] = gid[i];
	}
}

/* Do those who have these P_Keys hear each other? One of both is a full member (IBA 10.9.3). */
static inline bool sim_pkeys_match(uint16_t a, uint16_t b)
{
	return a & 0x7fff && !((a ^ b) & 0x7fff) && (a | b) & 0x8000;
}

/* The GUID that every subnet administrator has too, whichever port it is at (IBA 4.1.1). */
#define SIM_SA_GUID UINT64_C(0x0200000000000002)

static inline uint64_t sim_dgid_guid(const struct sim_packet *p)
{
	ib_net64_t guid;

	memcpy(&guid, p->dgid + 8, sizeof(guid));
	return be64toh(guid);
}
