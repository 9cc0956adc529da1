/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What happens to a port that several functions share, and the shared port itself: a ConnectX-2 or
 * -3 with SR-IOV, as the Linux driver mlx4 runs it.
 */

#include "tests/sim/fabric.h"

enum sim_port_event {
	SIM_EVENT_REREGISTER, /* PortInfo.ClientReregister was set */
	SIM_EVENT_ACTIVE,     /* the port is Active now, */
	SIM_EVENT_DOWN,       /* or no longer */
	SIM_EVENT_LID,
	SIM_EVENT_GUIDS, /* GUIDInfo was set */
	SIM_EVENT_SM,    /* another SM LID or SL */
	SIM_EVENT_PKEYS, /* P_KeyTable was set */
	SIM_EVENT_INIT,  /* the link is up, the SM has not been here */
	SIM_EVENT_POWER, /* as at power-up, all tables are gone */
};

/* Something happened to a @port whose ->shared is set. */
void sim_shared_port_event(struct sim_port *port, enum sim_port_event event);

/* ---- for vf.c -------------------------------------------------------------------------------- */

struct sim_vf_spec;
struct sim_vf_info;

int sim_shared_port_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec);
unsigned sim_shared_port_count(const struct sim_port *port);
void sim_shared_port_start(struct sim_port *port, unsigned vf, bool start);
void sim_shared_port_set_guid(struct sim_port *port, unsigned vf, uint64_t guid);
int sim_shared_port_set_pkey_index(struct sim_port *port, unsigned vf, unsigned index,
				   unsigned physical);
void sim_shared_port_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret);
enum sim_drop sim_shared_port_takes(const struct sim_port *port, const struct sim_packet *p,
				    unsigned *ret);
uint16_t sim_shared_port_pkey(const struct sim_port *port, unsigned vf, unsigned index);
bool sim_shared_port_give(struct sim_port *at, const struct sim_packet *packet);
int sim_shared_port_send(struct sim_client *client, struct sim_packet *p);
void sim_shared_port_free(struct sim_port *port);
