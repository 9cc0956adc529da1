/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Management keys: who may read and write, violations, the lease (IBA 14.2.4).
 */

#include "tests/sim/fabric.h"

/*
 * May the SMP @packet do what it asks for at @port (an end port)? False: it is refused, which has
 * been counted, has started the lease, and has been trapped.
 */
bool sim_mkey_allows(struct sim_port *port, const struct sim_packet *packet);

/* What the M_Key field of a PortInfo of @port (an end port) shows to who asks by @packet. */
ib_net64_t sim_mkey_shown(const struct sim_port *port, const struct sim_packet *packet);

void sim_lease_free(struct sim_port *port);
