/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* VFs as HCAs behind a switch; for vf.c. */

#include "tests/sim/vf.h"

int sim_virtual_switch_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec);

/* The one port of the node that is VF @vf, of which there must be one. */
struct sim_port *sim_virtual_switch_vf(const struct sim_port *port, unsigned vf);
unsigned sim_virtual_switch_count(const struct sim_port *port);

/* The switch itself. */
struct sim_node *sim_virtual_switch(const struct sim_port *port);

void sim_virtual_switch_set_guid(struct sim_port *port, unsigned vf, uint64_t guid);
void sim_virtual_switch_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret);
void sim_virtual_switch_free(struct sim_port *port);
