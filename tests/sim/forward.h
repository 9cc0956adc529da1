/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Packets on their way. sim_send() runs everything that follows from a packet to its end before it
 * returns (unless a fault delays it); called from within a callback it queues, and the outermost
 * call runs it. So a callback may send, and nothing recurses.
 */

#include "tests/sim/fabric.h"

/* From the agents or the client at @from (on a switch: any port, it is the one with number 0). */
void sim_send(struct sim_port *from, const struct sim_packet *packet);

/* As if it came in at @in from the wire. */
void sim_inject(struct sim_port *in, const struct sim_packet *packet);

/* As if it had reached the agents of @at, past all queues of faults.c. */
void sim_deliver(struct sim_port *at, const struct sim_packet *packet);

/* @packet came to nothing at @at: counted, told to whom it may concern. */
void sim_lose(struct sim_port *at, const struct sim_packet *packet, enum sim_drop why);

void sim_forward_free(struct sim_fabric *fabric);
/* What packets needed that are no longer on their way. */
void sim_forward_trim(struct sim_fabric *fabric);

/* ---- decisions, which change nothing: probe.c asks them too ---------------------------------- */

/* Unicast, by LFT: the port of the switch of @in that it leaves by, port 0 if it is for itself. */
enum sim_drop sim_route(struct sim_port *in, const struct sim_packet *p, struct sim_port **out);

/* The members of the MFT entry that @p goes to from @in, a bit for each port, without @in. */
enum sim_drop sim_route_multicast(const struct sim_port *in, const struct sim_packet *p,
				  uint64_t members[static 4]);

/* May it come in at @in; may it leave by @out, having come in at @in (end ports: the same)? */
enum sim_drop sim_may_enter(const struct sim_port *in, const struct sim_packet *p);
enum sim_drop sim_may_leave(const struct sim_port *in, const struct sim_port *out,
			    const struct sim_packet *p);

/* Does an end port (also as one of its VFs) take @p as its own? */
enum sim_drop sim_is_mine(const struct sim_port *port, const struct sim_packet *p);

/* The lane of @sl from @in to @out by SLtoVL, 15: none. */
unsigned sim_lane(const struct sim_port *in, const struct sim_port *out, unsigned sl);

/* Does the table of @port have a P_Key that fits, one of both being a full member (IBA 10.9.3)? */
bool sim_pkey_fits(const struct sim_port *port, uint16_t pkey);
