/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Software at a port: sim_attach() and its kin of fabric.h, and the two ways a packet takes.
 */

#include "tests/sim/fabric.h"

/*
 * As a user of umad sends. Fills in the TID's upper half (requests), the source LID and GID, the
 * Q_Key of QP1 if it is 0, and for a VF what its model does with it. 0, or -EINVAL for what the
 * kernel would refuse to send.
 */
int sim_client_send(struct sim_client *client, const struct sim_packet *packet);

/* Source LID and GID as the port itself has them, where @packet has none of its own. */
void sim_client_address(const struct sim_client *client, struct sim_packet *packet);

/* To whom it is for among the clients of @at: true if somebody took it. */
bool sim_client_give(struct sim_port *at, const struct sim_packet *packet);

/* The same among those that are attached as VF @vf, where that is known. */
bool sim_client_give_vf(struct sim_port *at, unsigned vf, const struct sim_packet *packet);

/* A request of client @packet->client came to nothing. */
void sim_client_lost(struct sim_fabric *fabric, const struct sim_packet *packet, enum sim_drop why);
