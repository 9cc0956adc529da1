/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * An endpoint: what a user's packet comes from and goes to. An end port is one (vf 0), and so is
 * each virtual function at it that has GUIDs, P_Keys, or a LID of its own. All that probe.c and
 * check.c ask about LIDs, GUIDs and P_Keys of end ports, they ask here.
 */

#include "tests/sim/fabric.h"

struct sim_endpoint {
	struct sim_port *port; /* an end port */
	uint16_t vf;           /* 0: the port itself */
};

/* One after the other: start with port NULL. False at the end. Nodes that are off have theirs. */
bool sim_endpoint_next(const struct sim_fabric *fabric, struct sim_endpoint *e);

/* It has power, and VL15 reaches it. */
bool sim_endpoint_is_live(const struct sim_endpoint *e);

/* The LID that packets for it go to; the first of 2^LMC. 0: none. */
uint16_t sim_endpoint_lid(const struct sim_endpoint *e);
bool sim_endpoint_has_lid(const struct sim_endpoint *e, uint16_t lid);

/* GUIDs it answers to: @index 0 is its own, the others aliases. 0: none at that index. */
unsigned sim_endpoint_n_guids(const struct sim_endpoint *e);
uint64_t sim_endpoint_guid(const struct sim_endpoint *e, unsigned index);

/* It uses another's LID, so that packets for it need a GRH: true, with the DGID. */
bool sim_endpoint_needs_grh(const struct sim_endpoint *e, uint8_t dgid[static 16]);

/* A virtual function is Active, in its own eyes; others always are, as their ports are asked. */
bool sim_endpoint_is_up(const struct sim_endpoint *e);

/* Such a GUID behind its subnet prefix, or behind the default one (IBA 4.1.1). */
bool sim_endpoint_has_gid(const struct sim_endpoint *e, const uint8_t gid[static 16]);

/* It can send with @pkey, membership bit and all: its table has just that. */
bool sim_endpoint_has_pkey(const struct sim_endpoint *e, uint16_t pkey);

/* It receives what comes with @pkey (IBA 10.9.3). */
bool sim_endpoint_takes_pkey(const struct sim_endpoint *e, uint16_t pkey);

/* Which endpoint at the end port @port the packet is for; why none, otherwise. */
enum sim_drop sim_endpoint_take(struct sim_port *port, const struct sim_packet *p,
				struct sim_endpoint *ret);

/* "H-1"[1] */
enum { SIM_ENDPOINT_NAME = 80 };
const char *sim_endpoint_name(const struct sim_endpoint *e, char name[static SIM_ENDPOINT_NAME]);
