/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual functions in stories, of the model with a switch inside the HCA: to the subnet manager
 * VFs are hosts behind a switch, and so they are here: every VF joins the hosts of the scenario,
 * the switch its switches and the cables within the HCA its links. What befalls hosts, switches and
 * cables befalls them too; this file adds what befalls only VFs.
 *
 * What is special is who goes down with whom, and that a guest takes its GUID along.
 */

#include "tests/scenario/scenario.h"

#include <stdlib.h>

#include "tests/sim/vf.h"
#include "tests/sim/virtual-switch.h"

enum { UPLINK = 1 };

static void *grow(struct scenario *s, void *array, size_t n, size_t size)
{
	void *more = reallocarray(array, n, size);

	if (!more)
		scenario_fail(s, "the scenario itself: no memory");
	return more;
}

static void add_link(struct scenario *s, struct sim_port *port)
{
	s->links = grow(s, s->links, s->n_links + 1, sizeof(s->links[0]));
	s->links[s->n_links++] = port;
}

static void add_host(struct scenario *s, struct sim_node *node)
{
	s->hosts = grow(s, s->hosts, s->n_hosts + 1, sizeof(s->hosts[0]));
	s->hosts[s->n_hosts++] = node;
}

static void add_switch(struct scenario *s, struct sim_node *node)
{
	s->switches = grow(s, s->switches, s->n_switches + 1, sizeof(s->switches[0]));
	s->switches[s->n_switches++] = node;
	for (unsigned p = UPLINK + 1; p <= node->n_ports; p++)
		add_link(s, &node->ports[p]);
}

void scenario_add_vfs(struct scenario *s, struct sim_port *port, unsigned count, bool up)
{
	struct sim_vf_spec spec = { .up = up };

	scenario_happens(s, "%s port %u has %u VFs", port->node->name, port->number, count);
	if (sim_vfs_add(port, SIM_VF_VIRTUAL_SWITCH, count, &spec) < 0)
		scenario_fail(s, "the scenario itself: this port cannot have VFs");
	add_switch(s, sim_virtual_switch(port));
	for (unsigned vf = 1; vf <= count; vf++)
		add_host(s, sim_virtual_switch_vf(port, vf)->node);
	s->pfs = grow(s, s->pfs, s->n_pfs + 1, sizeof(s->pfs[0]));
	s->pfs[s->n_pfs++] = port;
}

struct sim_port *scenario_vf(const struct sim_port *pf, unsigned vf)
{
	return sim_virtual_switch_vf(pf, vf);
}

void scenario_move_vf(struct scenario *s, struct sim_port *pf, unsigned vf, struct sim_port *to,
		      unsigned to_vf)
{
	scenario_happens(s, "the guest of %s moves to %s", scenario_vf(pf, vf)->node->name,
			 scenario_vf(to, to_vf)->node->name);
	if (sim_vf_move(pf, vf, to, to_vf) < 0)
		scenario_fail(s, "the scenario itself: the guest cannot move there");
}

/* The switch and the VFs go down with their HCA; the switch comes on with it, guests do not. */
void scenario_power_vfs(const struct sim_node *node, bool on)
{
	for (unsigned p = 1; p <= node->n_ports; p++) {
		const struct sim_port *port = &node->ports[p];

		if (!port->virtual_switch)
			continue;
		for (unsigned vf = 1; !on && vf <= sim_vfs_count(port); vf++)
			sim_power(scenario_vf(port, vf)->node, false);
		sim_power(sim_virtual_switch(port), on);
	}
}

static void mend(struct scenario *s, struct sim_port *port)
{
	if (port->cut)
		scenario_plug(s, port);
	if (port->far->node->off)
		scenario_power_on(s, port->far->node);
}

void scenario_mend_link(struct scenario *s, struct sim_port *port)
{
	mend(s, port);
	if (port->virtual_switch)
		mend(s, &sim_virtual_switch(port)->ports[UPLINK]);
}
