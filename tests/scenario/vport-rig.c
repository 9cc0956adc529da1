/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Hosts with vports, over the simulator's reading of them, which shares no code with ours. */

#include "tests/scenario/vport-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/endpoint.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

/* ---- what happens ---------------------------------------------------------------------------- */

void rig_build(struct scenario *s, struct made_graph *graph, bool up, bool own_lids)
{
	scenario_build(s, graph);
	for (uint32_t i = 0; i < s->n_hosts; i++)
		scenario_add_vports(s, scenario_host(s, i), RIG_VFS, up, own_lids);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static enum sim_expect all_reach_all(void *user, const struct sim_endpoint *from,
				     const struct sim_endpoint *to, struct sim_probe *probe)
{
	(void)user;
	(void)probe;
	if (from->port->node->sw || to->port->node->sw)
		return SIM_EXPECT_ANYTHING;
	return sim_endpoint_is_up(from) && sim_endpoint_is_up(to) ? SIM_EXPECT_REACHED
								  : SIM_EXPECT_ANYTHING;
}

static void not_reached(void *user, const struct sim_probe *probe, const struct sim_endpoint *to,
			const struct sim_probe_result *result)
{
	char from_name[SIM_ENDPOINT_NAME], to_name[SIM_ENDPOINT_NAME];

	scenario_fail(user, "%s does not reach %s (LID %u): at %s port %u %s",
		      sim_endpoint_name(&probe->from, from_name), sim_endpoint_name(to, to_name),
		      probe->dlid, result->at->node->name, result->at->number,
		      sim_drop_text(result->why));
}

void rig_expect_up(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct sim_vport *vport = sim_vport(port, vf);
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	if (info.state != SIM_ACTIVE)
		scenario_fail(s, "VF %u of %s is in state %u, the reason is %s", vf,
			      port->node->name, info.state, scenario_vport_reason(s, port, vf));
	if (vport->lid_required && !vport->lid)
		scenario_fail(s, "VF %u of %s has no LID", vf, port->node->name);
	if (strcmp(scenario_vport_reason(s, port, vf), "none"))
		scenario_fail(s, "VF %u of %s is Active, and has reason %s", vf, port->node->name,
			      scenario_vport_reason(s, port, vf));
}

void rig_expect_all_up(struct scenario *s)
{
	struct sim_probe_all all = { .expect = all_reach_all, .violated = not_reached, .user = s };

	for (uint32_t i = 0; i < s->n_hosts; i++) {
		const struct sim_port *port = scenario_host(s, i);

		for (unsigned vf = 1; port->vports && vf < port->vports->count; vf++)
			if (port->vports->vports[vf].started && sim_state(port) != SIM_DOWN)
				rig_expect_up(s, port, vf);
	}
	assert_int_equal(sim_probe_all(s->fabric, &all, NULL), 0);
}

void rig_settles(struct scenario *s)
{
	scenario_run(s, RIG_TRAP_PAUSE);
	scenario_settle(s);
}

void rig_settles_and_is_good(struct scenario *s)
{
	rig_settles(s);
	rig_expect_all_up(s);
	scenario_expect_all_good(s);
}

void rig_comes_up(struct scenario *s)
{
	scenario_start_sm(s);
	rig_settles_and_is_good(s);
}

/* ---- guests that come and go ----------------------------------------------------------------- */

bool rig_is_started(const struct sim_port *port, unsigned vf)
{
	return sim_vport(port, vf)->started;
}

struct sim_port *rig_random_host(struct scenario *s)
{
	return scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts));
}

unsigned rig_random_vf(struct scenario *s)
{
	return 1 + (unsigned)scenario_random(s, RIG_VFS);
}

static void random_move(struct scenario *s, struct sim_port *port, unsigned vf)
{
	struct sim_port *to = rig_random_host(s);
	unsigned to_vf = rig_random_vf(s);

	if (rig_is_started(port, vf) && !rig_is_started(to, to_vf))
		scenario_move_vport(s, port, vf, to, to_vf);
}

void rig_random_event(struct scenario *s)
{
	struct sim_port *port = rig_random_host(s);
	unsigned vf = rig_random_vf(s);

	switch (scenario_random(s, 8)) {
	case 0:
	case 1:
	case 2:
		if (rig_is_started(port, vf))
			scenario_stop_vport(s, port, vf);
		else
			scenario_start_vport(s, port, vf);
		break;
	case 3:
		scenario_set_vport_guid(s, port, vf, 0x0200000000000000 + scenario_random(s, 20));
		break;
	default:
		random_move(s, port, vf);
		break;
	}
}

void rig_no_guids_twice(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_hosts; i++)
		for (unsigned vf = 1; vf <= RIG_VFS; vf++)
			scenario_set_vport_guid(s, scenario_host(s, i), vf,
						0x0300000000000000 + i * 256 + vf);
}
