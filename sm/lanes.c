/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual lanes, where routes need more than one (routing/lanes.c): which service level travels on
 * which lane (SLtoVLMappingTable, IBA 14.2.5.8), and that all lanes of a port have their turn
 * (VLArbitrationTable, 14.2.5.9). With one lane nothing is read or written here, whatever devices
 * hold: level 0 is on lane 0 everywhere.
 *
 * The plan is the same for all: level i, of as many as all cables between switches have lanes,
 * travels on lane i, and those beyond begin again with 0. So it stays as routes use more or fewer.
 * A port with fewer lanes, as that of a host may be, has them by turns too: nothing waits behind it
 * for another cable between switches. All lanes have equal weight in the low priority table, that
 * of one packet of 4 KB, and none is in the other.
 *
 * With one lane, qos.enable has them all the same, by the tables of the operator
 * (conf/qos-tables.h), which say nothing where routes need lanes. Lanes that a port has not are
 * counted anew from 0, as above; a service level that is dropped is dropped. A device that does not
 * take these is told of, and no more than that happens.
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

#include "sm/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum {
	SERVICE_LEVELS = 16,
	ARBITRATION_ENTRIES = 32, /* of a block */
	WEIGHT = 64,              /* units of 64 bytes */
	/* Modifier of VLArbitration: which table, IBA 14.2.5.9; and its places in the ledger. */
	LOW_TABLE = 1,
	HIGH_TABLE = 3,
	LOW = 0,
	HIGH = 1,
	ARBITRATIONS = 2,
	/* Modifier of SLtoVL: all tables of a port that packets leave by, IBA 14.2.5.8. */
	ALL_INPUTS = 0x20000,
	OPTIMIZED = 1, /* SwitchInfo: the switch has that */
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

#define VL_DROP 15u

/* For each port that packets leave by: from each port that they come in by, then arbitration. */
struct lane_tables {
	bool cold;   /* it came up without: what is unknown need not be read */
	bool again;  /* there is something to set where the cursor has been */
	bool twin;   /* a late Set may yet arrive, see twin.c */
	bool narrow; /* it does not take one Set for all inputs */
	uint8_t state[];
};

/* Of a device with @n_ports, those that packets come in by. */
static unsigned n_inputs(const struct node *node)
{
	return node_is_switch(node) ? node->n_ports + 1u : 1u;
}

static unsigned n_tables(const struct node *node)
{
	return n_inputs(node) + ARBITRATIONS;
}

static uint8_t *state_of(const struct node *node, unsigned port, unsigned table)
{
	return &node->lanes->state[port * n_tables(node) + table];
}

/* Lanes are by the operator's tables. */
static bool are_operators(const struct sm *sm)
{
	return sm->conf.qos && lanes_in_use(sm) == 1;
}

static bool are_needed(const struct sm *sm)
{
	return sm->conf.qos || lanes_in_use(sm) > 1;
}

/* -- what devices can ---------------------------------------------------------------------------
 */

static unsigned lanes_of_code(uint64_t code)
{
	static const uint8_t lanes[] = { 1, 1, 2, 4, 8, 15 };

	return code < COUNT(lanes) ? lanes[code] : lanes[COUNT(lanes) - 1];
}

static bool maps_levels(const struct sm *sm, const struct node *node, uint32_t number)
{
	const struct port *port =
		&sm->fabric.ports[node_is_switch(node) ? node->first_port : number];

	return wire_get(port->info, PORT_INFO_CAPABILITIES) & CAP_SL_MAPPING;
}

/* Lanes that the port sends on; those that have no turn are none. This is asked of each cable of
 * the fabric, whenever one is lost. */
static unsigned lanes_of_port(const struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	uint64_t code = port_state(port) >= PORT_ARMED && port->number != 0
				? wire_get(port->info, PORT_INFO_OPERATIONAL_VLS)
				: settings_operational_vls(sm, number);
	unsigned lanes = lanes_of_code(code);
	unsigned turns = (unsigned)wire_get(port->info, PORT_INFO_VL_ARB_LOW_CAP);

	return turns ? MIN(lanes, turns) : lanes;
}

unsigned lanes_at(const struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	if (node->lanes_refused || !maps_levels(sm, node, number))
		return 1;
	return lanes_of_port(sm, number);
}

/* -- the plan -----------------------------------------------------------------------------------
 */

static void plan_levels(unsigned there, unsigned lanes, uint8_t *ret)
{
	for (unsigned level = 0; level < SERVICE_LEVELS; level += 4) {
		uint16_t four = 0;

		for (unsigned i = level; i < level + 4; i++)
			four = (uint16_t)(four << 4 | i % there % lanes);
		wire_set16(ret, level / 4, four);
	}
}

static void plan_turns(unsigned lanes, bool high, uint8_t *ret)
{
	for (unsigned i = 0; i < ARBITRATION_ENTRIES && i < lanes && !high; i++)
		wire_set16(ret, i, (uint16_t)(i << 8 | WEIGHT));
}

enum qos_class lanes_class_of(const struct node *node)
{
	if (node_is_switch(node))
		return QOS_CLASS_SWITCH;

	return node->type == NODE_TYPE_ROUTER ? QOS_CLASS_ROUTER : QOS_CLASS_CA;
}

static uint8_t lane_of(uint8_t configured, unsigned lanes)
{
	return (uint8_t)(configured == VL_DROP ? VL_DROP : configured % lanes);
}

static void set_levels(const struct qos_tables *tables, unsigned lanes, uint8_t *ret)
{
	for (unsigned i = 0; i < SERVICE_LEVELS / 2; i++) {
		uint8_t a = tables->vl[2 * i], b = tables->vl[2 * i + 1];

		ret[i] = (uint8_t)(lane_of(a, lanes) << 4 | lane_of(b, lanes));
	}
}

static void set_turns(const struct qos_turns *turns, unsigned lanes, uint8_t *ret)
{
	for (unsigned i = 0; i < turns->n; i++)
		wire_set16(ret, i,
			   (uint16_t)(turns->turn[i].vl % lanes << 8 | turns->turn[i].weight));
}

/* Of those that a port could have: which one is for it. */
static uint8_t plan_for(const struct sm *sm, uint32_t number)
{
	unsigned lanes = lanes_of_port(sm, number);

	if (are_operators(sm))
		return (uint8_t)(OPERATOR_PLANS +
				 lanes_class_of(node_of(&sm->fabric, number)) * 16 + lanes);

	return (uint8_t)(PLANS + lanes_there(sm) * 16 + lanes);
}

/* What a table of @node is by this plan; @ret is zeroed. */
static void write_plan(const struct sm *sm, const struct node *node, unsigned plan, unsigned table,
		       uint8_t *ret)
{
	bool high = table == n_inputs(node) + HIGH;
	bool is_operators = plan >= OPERATOR_PLANS;
	unsigned which = plan - (is_operators ? OPERATOR_PLANS : PLANS);
	const struct qos_tables *tables = is_operators ? &sm->qos_tables[which / 16] : NULL;

	if (table < n_inputs(node) && tables)
		set_levels(tables, which % 16, ret);
	else if (table < n_inputs(node))
		plan_levels(which / 16, which % 16, ret);
	else if (tables)
		set_turns(high ? &tables->high : &tables->low, which % 16, ret);
	else
		plan_turns(which % 16, high, ret);
}

/* What the table is to hold, in @ret, and how many bytes of that count; its number. */
static uint8_t plan(const struct sm *sm, uint32_t number, unsigned table, uint8_t *ret,
		    size_t *ret_size)
{
	const struct node *node = node_of(&sm->fabric, number);
	const struct port *port = &sm->fabric.ports[number];
	bool high = table == n_inputs(node) + HIGH;
	enum wire_field room = high ? PORT_INFO_VL_ARB_HIGH_CAP : PORT_INFO_VL_ARB_LOW_CAP;
	uint8_t ours = plan_for(sm, number);

	memset(ret, 0, SMP_DATA_SIZE);
	*ret_size = table < n_inputs(node)
			    ? SERVICE_LEVELS / 2
			    : 2 * MIN(wire_get(port->info, room), ARBITRATION_ENTRIES);
	write_plan(sm, node, ours, table, ret);

	return ours;
}

/* Is there such a table, and does it matter? */
static bool is_there(const struct sm *sm, const struct node *node, uint32_t number, unsigned table)
{
	const struct port *port = &sm->fabric.ports[number];

	if (!port->present || !port->known || port->number == 0 || port->peer == NO_PORT)
		return false;
	if (table < n_inputs(node)) {
		const struct port *in = &sm->fabric.ports[port_at(node, table)];

		return maps_levels(sm, node, number) &&
		       (!node_is_switch(node) || table == 0 ||
			(table != port->number && in->present && in->peer != NO_PORT));
	}
	return lanes_of_code(wire_get(port->info, PORT_INFO_VL_CAP)) > 1 &&
	       wire_get(port->info, table == n_inputs(node) + HIGH ? PORT_INFO_VL_ARB_HIGH_CAP
								   : PORT_INFO_VL_ARB_LOW_CAP);
}

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
	node->lanes =
		calloc(1, sizeof(*node->lanes) + (node->n_ports + (size_t)1) * n_tables(node));
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
		uint8_t wanted = plan_for(sm, number);

		for (unsigned table = 0; table < n_tables(node); table++) {
			uint8_t state = *state_of(node, p, table);

			if (state != wanted && state != STATE_REFUSED &&
			    is_there(sm, node, number, table))
				return true;
		}
	}
	return false;
}

bool lanes_plan(struct sm *sm)
{
	bool due = false;

	if (!are_needed(sm) || !sm->routing.valid)
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

	if (!node->lanes || !is_there(sm, node, number, table))
		return false;
	state = *state_of(node, sm->fabric.ports[number].number, table);
	if (state < PLANS + 16 || (state - PLANS) % 16 == 0)
		return false;
	write_plan(sm, node, state, table, data);
	memcpy(ret, data, table < n_inputs(node) ? SERVICE_LEVELS / 2 : SMP_DATA_SIZE);

	return true;
}

bool lanes_held_levels(const struct sm *sm, uint32_t out, unsigned in, uint8_t *ret)
{
	return in < n_inputs(node_of(&sm->fabric, out)) && write_held(sm, out, in, ret);
}

bool lanes_held_turns(const struct sm *sm, uint32_t out, unsigned block, uint8_t *ret)
{
	unsigned place = block == LOW_TABLE ? LOW : HIGH;

	if (block != LOW_TABLE && block != HIGH_TABLE)
		return false;

	return write_held(sm, out, n_inputs(node_of(&sm->fabric, out)) + place, ret);
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void name_table(const struct node *node, const struct port *port, unsigned table,
		       struct request *ret)
{
	unsigned out = node_is_switch(node) ? port->number : 0;

	if (table < n_inputs(node)) {
		ret->attr = ATTR_SLTOVL;
		ret->modifier = node_is_switch(node) ? table << 8 | out : 0;
	} else {
		ret->attr = ATTR_VL_ARBITRATION;
		ret->modifier =
			(table == n_inputs(node) + HIGH ? HIGH_TABLE : LOW_TABLE) << 16 | out;
	}
}

/* One Set for all inputs: they have the same plan, and those without a link may have it too. */
static bool takes_all(const struct node *node, unsigned table)
{
	return node_is_switch(node) && table < n_inputs(node) && !node->lanes->narrow &&
	       (wire_get(node->sw->info, SWITCH_INFO_OPT_SLTOVL) & OPTIMIZED);
}

static void set_inputs(const struct node *node, unsigned out, uint8_t state)
{
	memset(state_of(node, out, 0), state, n_inputs(node));
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
	    !is_there(sm, node, number, table) || *state == plan(sm, number, table, data, &size))
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
	if (at->block == n_tables(node)) {
		at->block = 0;
		at->port++;
	}
}

bool lanes_ask(struct sm *sm, struct node *node, struct request *ret)
{
	struct cursor *at = &node->work.cursor[TODO_LANES];

	while (node->lanes && are_needed(sm)) {
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
	if (!node_is_switch(node) || are_operators(sm))
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

	number_of_plan = plan(sm, number, 0, data, &size);
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

	if (!node->lanes || table >= n_tables(node))
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
	number_of_plan = plan(sm, number, table, data, &size);
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
	memset(node->lanes->state, STATE_UNKNOWN, (node->n_ports + (size_t)1) * n_tables(node));
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
		unsigned n = n_tables(node), inputs = n_inputs(node);

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
