/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Links: training, and the states of ports that follow from it (IBA 7.2).
 */

#include "tests/sim/fabric.h"

/*
 * Something that a link depends on has changed at @port: cable, power, physical state. Both ends go
 * Down if they have to, and train if they can. Width and speed are agreed on when a link trains, so
 * that what is enabled counts from the next training on.
 */
void sim_link_check(struct sim_port *port);

/* The link goes down by itself and trains again. */
void sim_link_bounce(struct sim_port *port);

/*
 * The SM of @port sets its physical state to SIM_SLEEP, SIM_POLLING or SIM_DISABLED: it goes down,
 * and trains again if it is to poll. If training takes time, a link that is up goes down a moment
 * later only, so that the answer leaves before: false then, true if all is done.
 */
bool sim_link_command(struct sim_port *port, enum sim_phys phys);

/* What a port that loses its link becomes: LinkDownDefaultState, Sleep or Polling. */
enum sim_phys sim_link_default(const struct sim_port *port);

/* PortState of one port, with what follows: PortStateChange, trap 128, callbacks. */
void sim_set_state(struct sim_port *port, enum sim_state state);
