/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Serves ibsim's clients: datagrams on abstract Unix sockets, or UDP. The fabric and the loop
 * outlive the server.
 */

#include "tests/sim/guests.h"

struct sim_server;

struct sim_server_options {
	const char *base; /* of the names of its sockets */
	bool remote;      /* also by UDP, and only then */
	uint16_t port;    /* of UDP, for control; those for data follow */
};

/* -errno, and a sentence in @why. */
int sim_server_new(struct guests *guests, const struct sim_server_options *options,
		   struct sim_server **ret, char why[static 128]);
void sim_server_free(struct sim_server *server); /* takes NULL */
