/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What tables of virtual lanes are to hold: see lane-plan.c. A table of a device goes by its number
 * at the port that packets leave by: first those of service levels, by the port that packets come
 * in by, then those of arbitration.
 */

#include "sm/lanes.h"

enum {
	SERVICE_LEVELS = 16,
	ARBITRATION_ENTRIES = 32, /* of a block */
	/* Modifier of VLArbitration: which table, IBA 14.2.5.9; and its places in the ledger. */
	LOW_TABLE = 1,
	HIGH_TABLE = 3,
	LOW = 0,
	HIGH = 1,
	ARBITRATIONS = 2,
};

/* What is known of a table: one of these, or PLANS and the number of the plan that it is like. */
enum {
	STATE_UNKNOWN,
	STATE_ASKED, /* or being set */
	STATE_OTHER,
	STATE_REFUSED,
	PLANS,                           /* of routes: as many lanes there, and at the port */
	OPERATOR_PLANS = PLANS + 9 * 16, /* of the operator: class, and lanes at the port */
};

_Static_assert(OPERATOR_PLANS + QOS_CLASS_COUNT * 16 <= UINT8_MAX, "a byte for each table");

/* Of a device with @n_ports, those that packets come in by. */
static inline unsigned lane_inputs(const struct node *node)
{
	return node_is_switch(node) ? node->n_ports + 1u : 1u;
}

static inline unsigned lane_tables_of(const struct node *node)
{
	return lane_inputs(node) + ARBITRATIONS;
}

/* Lanes are by the operator's tables; or there is something to be done at all. */
bool lanes_are_operators(const struct sm *sm);
bool lanes_are_needed(const struct sm *sm);

/* Is there such a table, and does it matter? */
bool lane_table_is_there(const struct sm *sm, const struct node *node, uint32_t port,
			 unsigned table);

/* Of the plans that a port could have: which one is for it. */
uint8_t lane_plan_for(const struct sm *sm, uint32_t port);
/* What a table of @node is by this plan; @ret is zeroed. */
void lane_plan_write(const struct sm *sm, const struct node *node, unsigned plan, unsigned table,
		     uint8_t *ret);
/* What the table is to hold, in @ret, and how many bytes of that count; its number. */
uint8_t lane_plan(const struct sm *sm, uint32_t port, unsigned table, uint8_t *ret,
		  size_t *ret_size);
