/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What users call things: a GUID (of a node, a port or a virtual function; 0x and up to 16 digits,
 * bare 16 digits, or with colons), a LID (up to 5 decimal digits, or 0x and up to 4), or a name (of
 * what is reserved, whole; else of the node-name-map, NodeDescription or, if no node is called so,
 * VNodeDescription; whole, or its first word). With "/7" behind it: port 7 of that node; with
 * "/vf3" behind that: virtual function 3.
 */

#include "ctl/rpc.h"

struct found {
	uint32_t node;  /* number */
	uint32_t port;  /* number; NO_PORT: the node as a whole */
	uint16_t lid;   /* if it was named by its LID, that one; else 0 */
	uint16_t index; /* of a virtual function of the port; 0: the port, or the VF is a node */
	uint64_t away;  /* see find_thing_or_away(); else 0 */
};

/* False if there is no such thing, or several: then the call has failed with a sentence. */
bool find_thing(struct call *call, const char *text, struct found *ret);

/*
 * The same, or it is a GUID of which something is said (it is reserved, or to move) and that nobody
 * on the fabric has: ret->away, and no node.
 */
bool find_thing_or_away(struct call *call, const char *text, struct found *ret);

/*
 * The GUID that is reserved with this name: 1; 0: none is; -1: several are, and the call has failed
 * with a sentence.
 */
int find_reserved(struct call *call, const char *name, uint64_t *ret);

/*
 * A GUID as people find it: 0x0200000000000001, the bare sixteen digits, or 02:00:00:00:00:00:00:01
 * as ip(8) and CNI plugins have it; also 0. False: it is none.
 */
bool find_guid_text(const char *text, uint64_t *ret);

/* The same, and it must be a switch. */
bool find_switch(struct call *call, const char *text, struct found *ret);

/*
 * The same, and it is a virtual function, or has a port with a LID (ret->port): of a node with
 * several the first that is Active, else the first that has one.
 */
bool find_end(struct call *call, const char *text, struct found *ret);

/* The same for partitions: by name, or by P_Key as hexadecimal number with or without 0x. */
const struct partition *find_partition(struct call *call, const char *text);

/* Is this node (port) number in use? */
bool node_exists(const struct fabric *f, uint32_t node);
bool port_exists(const struct fabric *f, uint32_t port);
