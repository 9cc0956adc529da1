/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual lanes, where routes need more than one (routing/lanes.c): which service level travels on
 * which lane (SLtoVLMappingTable, IBA 14.2.5.8), and that all lanes of a port have their turn
 * (VLArbitrationTable, 14.2.5.9). With one lane nothing is read or written here, whatever devices
 * hold: level 0 is on lane 0 everywhere. What tables are to hold is in lane-plan.c.
 *
 * A switch has a table for each port that packets come in by and each that they leave by, which is
 * a lot, so only those of links that are there matter, and where the switch can
 * (OptimizedSLtoVLMappingProgramming) all inputs of one port are set at once. They are in place
 * before a forwarding table changes. What a device holds is read first, if it may hold something,
 * and only what differs is written. The ledger has a byte for each table, for there are few plans:
 * which one it is like.
 *
 * A switch that does not take them is noted, until it restarts or somebody asks for a full sweep,
 * and routes are then made for one lane, of the whole fabric. A host that does not take its own has
 * what it came up with.
 */

#include "sm/lane-plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum {
	/* Modifier of SLtoVL: all tables of a port that packets leave by, IBA 14.2.5.8. */
	ALL_INPUTS = 0x20000,
	OPTIMIZED = 1, /* SwitchInfo: the switch has that */
};

/* For each port that packets leave by: from each port that they come in by, then arbitration. */
struct lane_tables {
	bool cold;   /* it came up without: what is unknown need not be read */
	bool again;  /* there is something to set where the cursor has been */
	bool twin;   /* a late Set may yet arrive, see twin.c */
	bool narrow; /* it does not take one Set for all inputs */
	uint8_t state[];
};

static uint8_t *state_of(const struct node *node, unsigned port, unsigned table)
{
	return &node->lanes->state[port * lane_tables_of(node) + table];
}

/* -- what is due --------------------------------------------------------------------------------
 */

static bool is_cold(const struct sm *sm, const struct node *node)
{
	if (node_is_switch(node))
		return node->sw->cold;
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (port_held_lid(&sm->fabric.ports[port_at(node, i)]) != 0)
			return false;
	return true;
}

static int make_room(const struct sm *sm, struct node *node)
{
	if (node->lanes)
		return 0;
	node->lanes = calloc(1, sizeof(*node->lanes) +
					(node->n_ports + (size_t)1) * lane_tables_of(node));
	if (!node->lanes)
		return -1;
	node->lanes->cold = is_cold(sm, node);
	return 0;
}

/* Has it a table that is not as planned, as far as is known? */
static bool is_due(const struct sm *sm, const struct node *node)
{
	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t number = port_at(node, p);
		uint8_t wanted = lane_plan_for(sm, number);

		for (unsigned table = 0; table < lane_tables_of(node); table++) {
			uint8_t state = *state_of(node, p, table);

			if (state != wanted && state != STATE_REFUSED &&
			    lane_table_is_there(sm, node, number, table))
				return true;
		}
	}
	return false;
}

bool lanes_plan(struct sm *sm)
{
	bool due = false;

	if (!lanes_are_needed(sm) || !sm->routing.valid)
		return false;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];

		if (!node->present || node->reason != REASON_NONE || !sm_includes(sm, node) ||
		    make_room(sm, node) < 0 || !is_due(sm, node))
			continue;
		work_add(sm, i, TODO(TODO_LANES));
		due = true;
	}
	return due;
}

/* -- what is held, for who asks -----------------------------------------------------------------
 */

/* False: it is not known to be like any plan. */
static bool write_held(const struct sm *sm, uint32_t number, unsigned table, uint8_t *ret)
{
	const struct node *node = node_of(&sm->fabric, number);
	uint8_t data[SMP_DATA_SIZE] = { 0 };
	unsigned state;

	if (!node->lanes || !lane_table_is_there(sm, node, number, table))
		return false;
	state = *state_of(node, sm->fabric.ports[number].number, table);
	if (state < PLANS + 16 || (state - PLANS) % 16 == 0)
		return false;
	lane_plan_write(sm, node, state, table, data);
	memcpy(ret, data, table < lane_inputs(node) ? SERVICE_LEVELS / 2 : SMP_DATA_SIZE);

	return true;
}

bool lanes_held_levels(const struct sm *sm, uint32_t out, unsigned in, uint8_t *ret)
{
	return in < lane_inputs(node_of(&sm->fabric, out)) && write_held(sm, out, in, ret);
}

bool lanes_held_turns(const struct sm *sm, uint32_t out, unsigned block, uint8_t *ret)
{
	unsigned place = block == LOW_TABLE ? LOW : HIGH;

	if (block != LOW_TABLE && block != HIGH_TABLE)
		return false;

	return write_held(sm, out, lane_inputs(node_of(&sm->fabric, out)) + place, ret);
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void name_table(const struct node *node, const struct port *port, unsigned table,
		       struct request *ret)
{
	unsigned out = node_is_switch(node) ? port->number : 0;

	if (table < lane_inputs(node)) {
		ret->attr = ATTR_SLTOVL;
		ret->modifier = node_is_switch(node) ? table << 8 | out : 0;
	} else {
		ret->attr = ATTR_VL_ARBITRATION;
		ret->modifier =
			(table == lane_inputs(node) + HIGH ? HIGH_TABLE : LOW_TABLE) << 16 | out;
	}
}

/* One Set for all inputs: they have the same plan, and those without a link may have it too. */
static bool takes_all(const struct node *node, unsigned table)
{
	return node_is_switch(node) && table < lane_inputs(node) && !node->lanes->narrow &&
	       (wire_get(node->sw->info, SWITCH_INFO_OPT_SLTOVL) & OPTIMIZED);
}

static void set_inputs(const struct node *node, unsigned out, uint8_t state)
{
	memset(state_of(node, out, 0), state, lane_inputs(node));
}

/* The first or next thing to be asked or set of this table, if there is. */
static bool ask_table(struct sm *sm, struct node *node, uint32_t number, unsigned table,
		      struct request *ret)
{
	const struct port *port = &sm->fabric.ports[number];
	uint8_t *state = state_of(node, port->number, table);
	uint8_t data[SMP_DATA_SIZE];
	size_t size;

	if (*state == STATE_ASKED || *state == STATE_REFUSED ||
	    !lane_table_is_there(sm, node, number, table) ||
	    *state == lane_plan(sm, number, table, data, &size))
		return false;
	name_table(node, port, table, ret);
	ret->tag = TAG(TODO_LANES, number, table);
	if (*state == STATE_UNKNOWN && !node->lanes->cold) {
		ret->method = METHOD_GET;
	} else {
		ret->method = METHOD_SET;
		memcpy(ret->data, data, SMP_DATA_SIZE);
	}
	*state = STATE_ASKED;
	if (ret->method == METHOD_SET && takes_all(node, table)) {
		ret->modifier = ALL_INPUTS | port->number;
		set_inputs(node, port->number, STATE_ASKED);
	}
	return true;
}

static void next_table(const struct node *node, struct cursor *at)
{
	at->block++;
	if (at->block == lane_tables_of(node)) {
		at->block = 0;
		at->port++;
	}
}

bool lanes_ask(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_LANES];

	while (node->lanes && lanes_are_needed(sm)) {
		if (at->port > node->n_ports && !node->lanes->again)
			break;
		if (at->port > node->n_ports) {
			*at = (struct cursor){ 0 };
			node->lanes->again = false;
		}
		uint32_t number = port_at(node, at->port);
		unsigned table = at->block;

		next_table(node, at);
		if (ask_table(sm, node, number, table, ret))
			return true;
	}
	node->work.todo &= ~TODO(TODO_LANES);
	return false;
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* There is more to do where the cursor may have been. */
static void ask_again(struct sm *sm, struct node *node)
{
	if (node->work.todo & TODO(TODO_LANES))
		node->lanes->again = true;
	else
		work_add(sm, node->sma.owner, TODO(TODO_LANES));
}

/* Routes for one lane follow; a host's own table is no matter of routes. */
static void refused(struct sm *sm, struct node *node, uint32_t number, const struct answer *answer,
		    enum reason reason)
{
	const struct port *port = &sm->fabric.ports[number];
	bool is_new = !node->lanes_refused;

	*state_of(node, port->number, TAG_BLOCK(answer->request->tag)) = STATE_REFUSED;
	node->lanes_refused = true;
	if (!is_new)
		return;
	event_add(sm->events, EVENT_PORT_REASON, node->guid, port_lid(&sm->fabric, number),
		  port->number, "%s: %s (status 0x%04x)",
		  answer->request->attr == ATTR_SLTOVL ? "SLtoVLMappingTable"
						       : "VLArbitrationTable",
		  reason_sentence(reason), answer->status);
	if (!node_is_switch(node) || lanes_are_operators(sm))
		return;
	routes_fail(sm, "A switch does not take its virtual lanes: routes for one lane follow.");
	sm_sweep_again(sm, false);
}

/* Who does not take it, or answers otherwise, is told of each input by itself. */
static void take_all(struct sm *sm, struct node *node, uint32_t number, const struct answer *answer)
{
	unsigned out = sm->fabric.ports[number].number;
	uint8_t data[SMP_DATA_SIZE], number_of_plan;
	size_t size;

	number_of_plan = lane_plan(sm, number, 0, data, &size);
	if (answer->result == REQUEST_ANSWERED && memcmp(answer->data, data, size) == 0) {
		set_inputs(node, out, number_of_plan);
		return;
	}
	node->lanes->narrow = node->lanes->narrow || answer->result != REQUEST_LOST;
	set_inputs(node, out, answer->result == REQUEST_LOST ? STATE_UNKNOWN : STATE_OTHER);
	ask_again(sm, node);
}

void lanes_take(struct sm *sm, struct node *node, const struct answer *answer)
{
	uint32_t number = TAG_PORT(answer->request->tag);
	unsigned table = TAG_BLOCK(answer->request->tag);
	uint8_t data[SMP_DATA_SIZE], number_of_plan;
	uint8_t *state;
	size_t size;

	if (!node->lanes || table >= lane_tables_of(node))
		return;
	if (answer->request->attr == ATTR_SLTOVL && (answer->request->modifier & ALL_INPUTS)) {
		take_all(sm, node, number, answer);
		return;
	}
	state = state_of(node, sm->fabric.ports[number].number, table);
	*state = STATE_UNKNOWN;
	if (answer->result == REQUEST_LOST) {
		ask_again(sm, node);
		return;
	}
	if (answer->result == REQUEST_REFUSED) {
		refused(sm, node, number, answer, REASON_LANES_REFUSED);
		return;
	}
	number_of_plan = lane_plan(sm, number, table, data, &size);
	if (memcmp(answer->data, data, size) == 0) {
		*state = number_of_plan;
	} else if (answer->request->method == METHOD_GET ||
		   memcmp(answer->request->data, data, size) != 0) {
		*state = STATE_OTHER;
		ask_again(sm, node);
	} else {
		refused(sm, node, number, answer, REASON_NOT_KEPT);
	}
}

/* -- forgetting ---------------------------------------------------------------------------------
 */

void lanes_doubt(struct node *node)
{
	if (!node->lanes)
		return;
	memset(node->lanes->state, STATE_UNKNOWN,
	       (node->n_ports + (size_t)1) * lane_tables_of(node));
	node->lanes->cold = false;
	node->lanes->twin = false;
}

/* Which of the tables of a class are others now. */
struct news {
	bool levels;
	bool turns[ARBITRATIONS];
};

static struct news compare(const struct qos_tables *a, const struct qos_tables *b)
{
	return (struct news){
		.levels = memcmp(a->vl, b->vl, sizeof(a->vl)) != 0,
		.turns = { [LOW] = memcmp(&a->low, &b->low, sizeof(a->low)) != 0,
			   [HIGH] = memcmp(&a->high, &b->high, sizeof(a->high)) != 0 },
	};
}

/* Who holds what the operator said before holds another's. */
static void doubt_operators(struct sm *sm, enum qos_class class, const struct news *news)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];
		unsigned n = lane_tables_of(node), inputs = lane_inputs(node);

		if (!node->lanes || lanes_class_of(node) != class)
			continue;
		for (size_t k = 0; k < (node->n_ports + (size_t)1) * n; k++) {
			bool other = k % n < inputs ? news->levels : news->turns[k % n - inputs];

			if (other && node->lanes->state[k] >= OPERATOR_PLANS)
				node->lanes->state[k] = STATE_OTHER;
		}
	}
}

void lanes_reconfigure(struct sm *sm)
{
	struct qos_tables tables;

	for (unsigned class = 0; class < QOS_CLASS_COUNT; class ++) {
		struct news news;

		qos_tables_of(&sm->conf, (enum qos_class) class, &tables);
		news = compare(&tables, &sm->qos_tables[class]);
		sm->qos_tables[class] = tables;
		doubt_operators(sm, (enum qos_class) class, &news);
	}
}

void lanes_note_twin(struct node *node)
{
	if (node->lanes)
		node->lanes->twin = true;
}

void lanes_doubt_twins(struct node *node)
{
	if (node->lanes && node->lanes->twin)
		lanes_doubt(node);
}

void lanes_forget(struct node *node)
{
	lanes_done(node);
	node->lanes_refused = false;
}

void lanes_done(struct node *node)
{
	free(TAKE(node->lanes));
}
