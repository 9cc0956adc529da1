/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Where routes use several virtual lanes: a service level stays on its own lane from switch to
 * switch, each lane has its turn, and every port sends to the subnet manager on the level of its
 * way there. Held against the devices; what levels the pairs have is invariants.c's to follow.
 */

#include "base/macros.h"
#include "tests/scenario/look.h"
#include "tests/sim/forward.h"
#include "tests/sim/tables.h"

enum { TURNS = 16 };

static bool has_turn(const struct sim_port *port, unsigned lane)
{
	for (unsigned i = 0; i < TURNS; i++) {
		uint8_t entry[2];

		sim_vlarb_at(port, false, i, entry);
		if (entry[0] == lane && entry[1])
			return true;
	}
	return false;
}

static bool is_link_between_switches(const struct look *look, const struct sim_port *port)
{
	return look_counts(look, port) && port->far->node->sw;
}

/* All its cables lead to one other switch: it has the lanes that it has. */
static bool is_stub(const struct look *look, const struct sim_node *node)
{
	const struct sim_node *far = NULL;

	for (unsigned p = 1; p <= node->n_ports; p++) {
		const struct sim_port *port = &node->ports[p];

		if (!is_link_between_switches(look, port))
			continue;
		if (far && port->far->node != far)
			return false;
		far = port->far->node;
	}
	return true;
}

static bool leads_on(const struct look *look, const struct sim_port *port)
{
	return is_link_between_switches(look, port) && !is_stub(look, port->node) &&
	       !is_stub(look, port->far->node);
}

static void look_at_exit(struct look *look, struct sim_port *out, unsigned lanes)
{
	for (unsigned in = 0; in <= out->node->n_ports; in++) {
		const struct sim_port *port = &out->node->ports[in];

		if (port == out || (in && !look_counts(look, port)))
			continue;
		for (unsigned sl = 0; sl < lanes; sl++)
			if (sim_lane(port, out, sl) != sl)
				look_say(look, "%s, from port %u to %u: SL %u is on lane %u",
					 out->node->name, in, out->number, sl,
					 sim_lane(port, out, sl));
	}
	for (unsigned lane = 0; lane < lanes; lane++)
		if (!has_turn(out, lane))
			look_say(look, "%s port %u: lane %u has no turn", out->node->name,
				 out->number, lane);
}

static void look_at_end(struct look *look, const struct sm *sm, const struct sim_port *port)
{
	const struct fabric *f = sm_fabric(sm);
	uint32_t number = fabric_find_port(f, port->guid);
	unsigned held = (unsigned)wire_get(&port->info, PORT_INFO_SM_SL);

	if (number != NO_PORT && held != sm_service_level(sm, number, f->local_port))
		look_say(look, "%s port %u asks on SL %u, and its way is on SL %u",
			 port->node->name, port->number, held,
			 sm_service_level(sm, number, f->local_port));
}

void look_at_lanes(struct look *look, const struct sm *sm)
{
	const struct sim_fabric *fabric = look->s->fabric;
	struct sm_status status;

	sm_status(sm, &status);
	if (status.lanes < 2)
		return;
	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];

		for (unsigned p = 1; node->sw && p <= node->n_ports; p++)
			if (look->live[i] && leads_on(look, &node->ports[p]))
				look_at_exit(look, &node->ports[p], status.lanes);
	}
	for (uint32_t i = 0; i < look->n_ends; i++)
		look_at_end(look, sm, look->ends[i]);
}
