/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Inside the subnet management agent: what sma.c, which knows methods, asks of the files that know
 * attributes. A function below serves Get and Set of one attribute. On Get it fills @data; on Set
 * it reads @data, does what it says, and fills @data with the values as they are then, which is
 * what the answer to a Set shows (IBA 14.2.1). What it returns is the answer's status.
 *
 * sma.c has made sure of the M_Key, that this type of node has the attribute, and that it can be
 * set if ask->set; modifiers and all that is in @data are for the functions to check.
 */

#include "tests/sim/fabric.h"

struct sim_ask {
	struct sim_port *in;  /* it came in by; port 0 of a switch: from the switch itself */
	struct sim_port *end; /* sim_end_port(in) */
	struct sim_node *node;
	const struct sim_packet *packet;
	bool set;
	uint32_t modifier; /* host order */
	uint8_t *data;     /* the 64 bytes of the answer; holds the request's */
};

/* sma-port.c */
enum sim_status sim_node_info(struct sim_ask *ask);
enum sim_status sim_node_description(struct sim_ask *ask);
enum sim_status sim_led_info(struct sim_ask *ask);
enum sim_status sim_port_info(struct sim_ask *ask);

/* sma-switch.c */
enum sim_status sim_switch_info(struct sim_ask *ask);
/* SIM_BAD_ATTRIBUTE where sim_give_port_states() was not called */
enum sim_status sim_switch_port_states(struct sim_ask *ask);

/* sma-tables.c */
enum sim_status sim_guid_info(struct sim_ask *ask);
enum sim_status sim_pkey_table(struct sim_ask *ask);
enum sim_status sim_ext_port_info(struct sim_ask *ask);

/* sma-lanes.c */
enum sim_status sim_slvl_table(struct sim_ask *ask);
enum sim_status sim_vlarb_table(struct sim_ask *ask);

/* sma-routes.c */
enum sim_status sim_linear_table(struct sim_ask *ask);
/* What a switch does with unicast packets is about to change, or has changed. */
void sim_tell_routes(struct sim_node *node, bool before);
enum sim_status sim_random_table(struct sim_ask *ask);
enum sim_status sim_multicast_table(struct sim_ask *ask);

/* sma-vport.c: SIM_BAD_ATTRIBUTE where a port has no virtual ports */
enum sim_status sim_virtualization_info(struct sim_ask *ask);
enum sim_status sim_vport_info(struct sim_ask *ask);
enum sim_status sim_vnode_info(struct sim_ask *ask);
enum sim_status sim_vport_state(struct sim_ask *ask);
enum sim_status sim_vnode_description(struct sim_ask *ask);
enum sim_status sim_vport_guid_info(struct sim_ask *ask);
enum sim_status sim_vport_pkey_table(struct sim_ask *ask);
enum sim_status sim_general_info(struct sim_ask *ask);
