/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What devices say unasked (IBA 13.4.9, 14.2.5.1). A trap goes to the SM that PortInfo names and is
 * repeated until a TrapRepress answers it.
 */

#include "tests/sim/fabric.h"

/*
 * Any other, of @type 1 (urgent) to 4 (informational), by the end port @port: what follows the
 * first 10 bytes of the notice, 54 at most.
 */
void sim_trap_say(struct sim_port *port, unsigned type, unsigned number, const void *details,
		  size_t size);

void sim_trap_link_state(struct sim_node *sw);                   /* 128: PortStateChange became 1 */
void sim_trap_threshold(struct sim_port *port, unsigned number); /* 129, 130, 131 */
void sim_trap_capability(struct sim_port *port);                 /* 144: CapabilityMask */
void sim_trap_local(struct sim_port *port, uint16_t changes);    /* 144: OtherLocalChanges */
void sim_trap_system_guid(struct sim_node *node);                /* 145 */
void sim_trap_mkey(struct sim_port *at, const struct sim_packet *packet);          /* 256 */
void sim_trap_pkey(struct sim_port *port, const struct sim_packet *packet);        /* 257 */
void sim_trap_qkey(struct sim_port *port, const struct sim_packet *packet);        /* 258 */
void sim_trap_switch_pkey(struct sim_port *port, const struct sim_packet *packet); /* 259 */

/*
 * A notice of the vendor's (IsGeneric 0). @number goes to the last two bytes of @details too.
 */
void sim_trap_vendor(struct sim_port *port, unsigned number, const uint8_t details[54]);

/* Its head, and the number, of a notice of which the rest is there. */
void sim_trap_fill_vendor(uint8_t notice[static 64], const struct sim_port *port, unsigned number);

/* TrapRepress came in at @at. */
void sim_trap_repress(struct sim_port *at, const struct sim_packet *packet);

/* Is there something that it has not said, or that nobody has acknowledged? */
bool sim_trap_waits(const struct sim_port *port);

/* All that waits is forgotten: the port left Active, or the power went. */
void sim_trap_forget(struct sim_port *port);

void sim_trap_free(struct sim_port *port);
