/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What goes wrong, all drawn from the fabric's one seed. forward.c asks these where a device or a
 * link has faults at all; a NULL costs nothing.
 */

#include "tests/sim/fabric.h"

struct sim_fate {
	uint64_t delay; /* ns */
	bool doubled;   /* a copy arrives at the same time */
};

/* @packet leaves by @out: SIM_PASSED, and what becomes of it; or SIM_DROP_LOST. */
enum sim_drop sim_fault_wire(struct sim_port *out, struct sim_packet *packet,
			     struct sim_fate *fate);

/*
 * A request for the agents of a device reached them. True: answer now. False: it was lost (and
 * counted), or is held until its turn comes, when sim_deliver() gets it.
 */
bool sim_fault_request(struct sim_port *at, struct sim_packet *packet);

/* The answer to a request of @method that would leave; false: none does. */
bool sim_fault_answer(struct sim_port *at, struct sim_packet *packet, uint8_t method);

/* Set and its kin are acknowledged but not done. Asked by sma.c before it does anything. */
bool sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet);

/* The power of @node went off or on: what its agent had before it is gone. */
void sim_fault_power(struct sim_node *node);

void sim_faults_free(struct sim_node *node);
