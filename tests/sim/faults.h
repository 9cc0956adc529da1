/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What goes wrong, all drawn from the fabric's one seed. forward.c asks these where a device or a
 * link has faults at all; a NULL costs nothing.
 */

#include "tests/sim/fabric.h"

/*
 * @packet leaves by @out. SIM_PASSED: it goes on (perhaps changed, perhaps with a copy on its way);
 * SIM_DROP_LOST: it does not. *@delay in ns: how much later it arrives.
 */
enum sim_drop sim_fault_wire(struct sim_port *out, struct sim_packet *packet, uint64_t *delay);

/*
 * A request for the agents of a device reached them. True: answer now. False: it was lost (and
 * counted), or is held until its turn comes, when sim_deliver() gets it.
 */
bool sim_fault_request(struct sim_port *at, struct sim_packet *packet);

/* The answer that would leave; false: none does. */
bool sim_fault_answer(struct sim_port *at, struct sim_packet *packet);

/* Set and its kin are acknowledged but not done. Asked by sma.c before it does anything. */
bool sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet);

void sim_faults_free(struct sim_node *node);
