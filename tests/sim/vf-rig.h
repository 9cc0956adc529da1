/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the tests of VFs share: one switch, and three hosts at it, of which M is the SM's, and P and
 * Q are for VFs. Up, routed, LIDs 1 to 3; M has a client that takes SA requests and traps.
 */

#include "tests/sim/fabric.h"
#include "tests/sim/vf.h"

enum { RIG_M = 1, RIG_P = 2, RIG_Q = 3, RIG_LIDS = 640 };

struct rig_inbox {
	struct sim_client client;
	unsigned n;
	struct sim_packet last;
};

struct rig_event {
	struct sim_port *port;
	unsigned vf;
	unsigned event;
};

struct rig {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *sw;
	struct sim_port *m, *p, *q;
	struct rig_inbox sa; /* at M: attached, for class 3 */
	struct sim_agent sa_agent;
	struct sim_agent trap_agent;
	struct sim_packet trap; /* the last one */
	unsigned n_traps;
	void (*on_request)(struct rig *rig, const struct sim_packet *packet);
	void *user;
	enum sim_drop why; /* of the last packet that was lost */
	unsigned n_lost;
	struct rig_event event; /* the last */
	unsigned n_events;
};

int rig_set_up(void **state);
int rig_tear_down(void **state);

/* LFT entry of the switch. */
void rig_route(struct sim_node *sw, uint16_t lid, uint8_t port);

/* The port and what it is cabled to become Active, with this LID and M's SM. */
void rig_activate(struct sim_port *port, uint16_t lid);

void rig_inbox_open(struct rig_inbox *inbox, struct sim_port *port, unsigned vf);
void rig_inbox_close(struct rig_inbox *inbox);

/* A MAD for QP1 of @dlid. */
struct sim_packet rig_mad(uint16_t dlid, uint8_t mgmt_class, uint8_t method, uint16_t attribute);

/* It is answered: sent back from where it went to, with this method and status. */
void rig_answer(struct rig *rig, const struct sim_packet *request, uint8_t method, uint16_t status);

void rig_add_grh(struct sim_packet *packet, uint64_t guid);

struct sim_vf_info rig_look(struct sim_port *port, unsigned vf);
