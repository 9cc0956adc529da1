/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What happens to a port that several functions share. */

#include "tests/sim/fabric.h"

enum sim_port_event {
	SIM_EVENT_REREGISTER,
	SIM_EVENT_ACTIVE,
	SIM_EVENT_DOWN,
	SIM_EVENT_LID,
	SIM_EVENT_GUIDS,
	SIM_EVENT_SM,
	SIM_EVENT_PKEYS
};

void sim_shared_port_event(struct sim_port *port, enum sim_port_event event);
