/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The tables of devices, entry by entry, for those who are no SM: console, probe, tests. They read
 * as an answer of the SMA would, also where nobody has written yet; what is past a table's capacity
 * reads as its empty entry.
 *
 * Writers tell nobody, as if it had always been so: 0, -EINVAL past the capacity, or -ENOMEM.
 */

#include "tests/sim/fabric.h"

uint16_t sim_pkey_at(const struct sim_port *port, unsigned index);
int sim_pkey_put(struct sim_port *port, unsigned index, uint16_t pkey);

/* Of the end port of @port; entry 0 is its GUID, which sim_set_port_guid() changes. */
uint64_t sim_guid_at(const struct sim_port *port, unsigned index);
int sim_guid_put(struct sim_port *port, unsigned index, uint64_t guid);

/* What SLtoVL says, which sim_lane() holds against the lanes that there are. */
unsigned sim_sl2vl_at(const struct sim_port *in, const struct sim_port *out, unsigned sl);
int sim_sl2vl_put(const struct sim_port *in, struct sim_port *out, unsigned sl, unsigned vl);

/* An entry of VL arbitration: lane and weight. */
void sim_vlarb_at(const struct sim_port *port, bool high, unsigned index, uint8_t ret[static 2]);

/* Of switches. A LID that leads nowhere: SIM_LFT_NONE. */
uint8_t sim_lft_at(const struct sim_node *node, unsigned lid);
int sim_lft_put(struct sim_node *node, unsigned lid, uint8_t port);
bool sim_mft_has(const struct sim_node *node, unsigned mlid, unsigned port);
int sim_mft_put(struct sim_node *node, unsigned mlid, unsigned port, bool member);
