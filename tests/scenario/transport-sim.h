/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * mad/transport.h over a port of the simulated fabric, as the kernel's umad would have it.
 */

#include "mad/transport.h"

struct sim_port;

/*
 * At an end port, on the loop of its fabric. -ENOMEM; -EBUSY: somebody at this port has the SM or
 * SA classes. The caller sets fn and user, and frees it before the fabric.
 */
int transport_sim_open(struct sim_port *port, struct transport **ret);

/* How long an SMP and its answer take on the way, without what faults add; at first 5 us. */
void transport_sim_set_latency(struct transport *transport, uint64_t latency);

/* What it keeps for as many requests at a time as there once were takes memory. */
void transport_sim_trim(struct transport *transport);

/* Shows @fn each datagram that is sent, answers too, just before; NULL: nobody. */
typedef void (*transport_sim_watch_fn)(void *user, const struct datagram *d);
void transport_sim_watch(struct transport *transport, transport_sim_watch_fn fn, void *user);

struct transport_sim_counts {
	uint64_t requests;    /* that were sent */
	uint64_t sets;        /* SubnSet among them */
	uint64_t lft_sets;    /* of these, of forwarding tables */
	uint64_t undelivered; /* given back */
	uint64_t unmatched;   /* answers that nobody waited for any more, dropped */
};

/* The n-th last SubnSet, 0 being the last: a sentence in @text, or false. */
bool transport_sim_last_set(const struct transport *transport, unsigned n, char text[static 200]);
const struct transport_sim_counts *transport_sim_counts(const struct transport *transport);
