/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Somebody who joins and leaves multicast groups, as a MAD from a port of the fabric; as IPoIB does
 * it, or with any record.
 */

#include "tests/sim/fabric.h"

struct joiner {
	struct sim_client client;
	uint64_t tid;
	bool answered; /* the last request was */
	uint16_t status;
	ib_member_rec_t answer;
};

enum {
	MCM_MASK_BROADCAST = 0x10083, /* what IPoIB asks for: of all hosts, */
	MCM_MASK_OTHER = 0x173f7,     /* of another group, */
	MCM_MASK_LEAVE = 0x10003,     /* and to leave */
};

void joiner_open(struct joiner *j, struct sim_port *port);
void joiner_close(struct joiner *j);

/* False: the port does not know whom to ask, or may not. */
bool joiner_send(struct joiner *j, uint8_t method, const ib_member_rec_t *record, uint64_t mask);

/* The record with which @guid joins the IPv4 broadcast group of @pkey. */
ib_member_rec_t joiner_broadcast(const struct sim_port *port, uint64_t guid, uint16_t pkey,
				 uint8_t states);
/* Another group of IP, as the broadcast group is by default: the last 32 bits of its MGID. */
ib_member_rec_t joiner_other(const struct sim_port *port, uint64_t guid, uint16_t pkey,
			     uint32_t group, uint8_t states);
