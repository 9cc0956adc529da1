/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which service level travels on which lane, and when each lane has its turn.
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
 */

#include "sm/lane-plan.h"

#include <string.h>

#include "base/macros.h"

#define WEIGHT  64u /* units of 64 bytes */
#define VL_DROP 15u

bool lanes_are_operators(const struct sm *sm)
{
	return sm->conf.qos && lanes_in_use(sm) == 1;
}

bool lanes_are_needed(const struct sm *sm)
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

uint8_t lane_plan_for(const struct sm *sm, uint32_t number)
{
	unsigned lanes = lanes_of_port(sm, number);

	if (lanes_are_operators(sm))
		return (uint8_t)(OPERATOR_PLANS +
				 lanes_class_of(node_of(&sm->fabric, number)) * 16 + lanes);

	return (uint8_t)(PLANS + lanes_there(sm) * 16 + lanes);
}

void lane_plan_write(const struct sm *sm, const struct node *node, unsigned plan, unsigned table,
		     uint8_t *ret)
{
	bool high = table == lane_inputs(node) + HIGH;
	bool is_operators = plan >= OPERATOR_PLANS;
	unsigned which = plan - (is_operators ? OPERATOR_PLANS : PLANS);
	const struct qos_tables *tables = is_operators ? &sm->qos_tables[which / 16] : NULL;

	if (table < lane_inputs(node) && tables)
		set_levels(tables, which % 16, ret);
	else if (table < lane_inputs(node))
		plan_levels(which / 16, which % 16, ret);
	else if (tables)
		set_turns(high ? &tables->high : &tables->low, which % 16, ret);
	else
		plan_turns(which % 16, high, ret);
}

uint8_t lane_plan(const struct sm *sm, uint32_t number, unsigned table, uint8_t *ret,
		  size_t *ret_size)
{
	const struct node *node = node_of(&sm->fabric, number);
	const struct port *port = &sm->fabric.ports[number];
	bool high = table == lane_inputs(node) + HIGH;
	enum wire_field room = high ? PORT_INFO_VL_ARB_HIGH_CAP : PORT_INFO_VL_ARB_LOW_CAP;
	uint8_t ours = lane_plan_for(sm, number);

	memset(ret, 0, SMP_DATA_SIZE);
	*ret_size = table < lane_inputs(node)
			    ? SERVICE_LEVELS / 2
			    : 2 * MIN(wire_get(port->info, room), ARBITRATION_ENTRIES);
	lane_plan_write(sm, node, ours, table, ret);

	return ours;
}

bool lane_table_is_there(const struct sm *sm, const struct node *node, uint32_t number,
			 unsigned table)
{
	const struct port *port = &sm->fabric.ports[number];

	if (!port->present || !port->known || port->number == 0 || port->peer == NO_PORT)
		return false;
	if (table < lane_inputs(node)) {
		const struct port *in = &sm->fabric.ports[port_at(node, table)];

		return maps_levels(sm, node, number) &&
		       (!node_is_switch(node) || table == 0 ||
			(table != port->number && in->present && in->peer != NO_PORT));
	}
	return lanes_of_code(wire_get(port->info, PORT_INFO_VL_CAP)) > 1 &&
	       wire_get(port->info, table == lane_inputs(node) + HIGH ? PORT_INFO_VL_ARB_HIGH_CAP
								      : PORT_INFO_VL_ARB_LOW_CAP);
}
