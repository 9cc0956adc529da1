/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Serves clients by streams (tests/sim/stream.h): abstract Unix sockets, or TCP.
 */

#include "tests/sim/guests.h"

struct stream_server;

/* @base as in struct sim_server_options; @port: of TCP, 0: none. -errno, and a sentence in @why. */
int stream_server_new(struct guests *guests, const char *base, uint16_t port,
		      struct stream_server **ret, char why[static 128]);
void stream_server_free(struct stream_server *server); /* takes NULL */
