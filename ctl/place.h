/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Nodes, ports and what they can, as members of rows: the same names wherever they appear.
 */

#include "ctl/rpc.h"

/* The operator's name, else what the node calls itself, else its GUID. */
const char *place_name(const struct rpc *rpc, const struct node *node,
		       char buffer[static GUID_TEXT_SIZE]);

/* Members "node_guid", "name" and "type" ("switch", "ca", "router"). */
void place_put_node(struct row *row, const struct rpc *rpc, const struct node *node);

/* The same and "port" (its number) and "lid", as an object: the end of a link. Null for NO_PORT. */
json_t *place_end(const struct rpc *rpc, const struct fabric *f, uint32_t port);

/* "gid": the prefix of the subnet and @guid; null for 0. */
void place_put_gid(struct row *row, const struct sm *sm, uint64_t guid);

/* "state", "phys_state", "lid", "width", "speed", "mtu" of a port. */
void place_put_link(struct row *row, const struct fabric *f, uint32_t port);

/* "reason", and if there is one "sentence" and "remedy"; "since" and "since_seconds". */
void place_put_reason(struct row *row, const struct rpc *rpc, uint8_t reason, uint64_t since);

/* Is it not as planned? No link, or one that was switched off, is not wrong in itself. */
bool port_has_problem(const struct fabric *f, uint32_t port);

const char *port_state_name(enum port_state state);
const char *phys_state_name(unsigned state);
const char *node_type_name(uint8_t type);
unsigned mtu_bytes(unsigned code);

/* Is the far end there, or the link up? */
bool port_is_linked(const struct port *port);

/* Mbit/s of the data rate in use, 0 if it is not known; and what both ends of the link can. */
unsigned link_rate(const struct port *port);
struct link_can {
	unsigned rate; /* Mbit/s; 0: not known */
	unsigned width;
	const char *speed;
};
struct link_can link_can(const struct fabric *f, uint32_t port);
