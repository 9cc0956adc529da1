/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Links: training, and the states of ports that follow from it (IBA 7.2; devices.md 2 and 3).
 */

#include "tests/sim/fabric.h"

/*
 * Something that a link depends on has changed at @port: cable, power, physical state. Both ends go
 * Down if they have to, and train if they can. Width and speed are agreed on when a link trains, so
 * that what is enabled counts from the next training on.
 */
void sim_link_check(struct sim_port *port);

/* The link goes down and trains again (Down or Polling was set at @port). */
void sim_link_bounce(struct sim_port *port);

/* PortState of one port, with what follows: PortStateChange, trap 128, callbacks. */
void sim_set_state(struct sim_port *port, enum sim_state state);
