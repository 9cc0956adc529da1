/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The fabric at one moment, in flat arrays that nobody else changes: what dumps are written from.
 * Nodes and ports have their numbers of struct fabric. Numbers in host order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sm/fabric.h"

struct sm;

struct picture_node {
	uint64_t guid;
	uint64_t system_guid;
	uint32_t first_port; /* port n is ports[first_port + n] */
	uint32_t vendor_id;
	uint32_t revision;
	uint32_t row; /* of a switch, in the tables; else NO_SWITCH */
	uint16_t device_id;
	uint8_t type;
	uint8_t n_ports;
	char description[SMP_DATA_SIZE + 1];
};

struct picture_port {
	uint64_t guid;     /* that of port 0 for all ports of a switch; so is the LID */
	const char *speed; /* see port_speed_name() */
	uint32_t node;
	uint32_t peer; /* or NO_PORT */
	uint16_t lid;
	uint8_t number;
	uint8_t width; /* lanes; 0: not known */
	uint8_t state; /* enum port_state */
	bool sm;
};

struct picture {
	struct picture_node *nodes;
	struct picture_port *ports;
	uint32_t *order; /* numbers of the nodes that are there, by GUID */
	uint32_t n_order;
	uint32_t *switches; /* row: node; by GUID too */
	uint32_t n_switches;
	uint32_t max_lid;
	uint32_t *owners; /* LID up to max_lid: port, or NO_PORT */
	uint8_t *levels;  /* row by row, n_switches each: service levels; NULL: all are 0 */
	uint8_t *lft;     /* row by row, max_lid + 1 exits each; ROUTE_NONE without one */
};

/* 0 or -ENOMEM. */
int picture_take(const struct sm *sm, struct picture **ret);
void picture_free(struct picture *picture);
static inline void picture_freep(struct picture **picture)
{
	picture_free(*picture);
}

/* The exits of the switch in @row, by LID. */
static inline const uint8_t *picture_table(const struct picture *p, uint32_t row)
{
	return p->lft + (size_t)row * (p->max_lid + 1);
}

/* The row of the switch behind port @exit of that in @row, or NO_SWITCH. */
static inline uint32_t picture_next(const struct picture *p, uint32_t row, unsigned exit)
{
	const struct picture_node *node = &p->nodes[p->switches[row]];
	uint32_t peer = exit <= node->n_ports ? p->ports[node->first_port + exit].peer : NO_PORT;

	return peer == NO_PORT ? NO_SWITCH : p->nodes[p->ports[peer].node].row;
}
