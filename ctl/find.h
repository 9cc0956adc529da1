/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What users call things: a GUID (of a node or a port; 0x and up to 16 digits, or bare 16 digits),
 * a LID (up to 5 decimal digits, or 0x and up to 4), or a name (of the node-name-map or
 * NodeDescription; whole, or its first word). With "/7" behind it: port 7 of that node.
 */

#include "ctl/rpc.h"

struct found {
	uint32_t node; /* number */
	uint32_t port; /* number; NO_PORT: the node as a whole */
	uint16_t lid;  /* if it was named by its LID, that one; else 0 */
};

/* False if there is no such thing, or several: then the call has failed with a sentence. */
bool find_thing(struct call *call, const char *text, struct found *ret);

/* The same, and it must be a switch. */
bool find_switch(struct call *call, const char *text, struct found *ret);

/*
 * The same, and it has a port with a LID (ret->port): of a node with several the first that is
 * Active, else the first that has one.
 */
bool find_end(struct call *call, const char *text, struct found *ret);

/* Is this node (port) number in use? */
bool node_exists(const struct fabric *f, uint32_t node);
bool port_exists(const struct fabric *f, uint32_t port);
