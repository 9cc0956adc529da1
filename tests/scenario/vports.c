/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Vports in stories (ConnectX-4 and later). Unlike VFs behind a virtual switch they are no hosts of
 * the scenario: what befalls them is here, and what must hold of them in invariants-vports.c.
 *
 * GUIDs wander from vport to vport, and there are never others than at the beginning, so that a
 * long story needs no more memory than a short one.
 */

#include "tests/scenario/scenario.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

static void must_be(struct scenario *s, int r, const char *what)
{
	if (r < 0)
		scenario_fail(s, "the scenario itself: %s", what);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void *grow(struct scenario *s, void *array, size_t n, size_t size)
{
	void *more = reallocarray(array, n, size);

	must_be(s, more ? 0 : -1, "no memory");
	return more;
}

void scenario_add_vports(struct scenario *s, struct sim_port *port, unsigned count, bool up,
			 bool own_lids)
{
	struct sim_vf_spec spec = { .up = up, .lid_required = own_lids };

	must_be(s, sim_vfs_add(port, SIM_VF_VPORT, count, &spec), "this port cannot have vports");
	s->vport_pfs = grow(s, s->vport_pfs, s->n_vport_pfs + 1, sizeof(s->vport_pfs[0]));
	s->vport_pfs[s->n_vport_pfs++] = port;
	s->vport_guids =
		grow(s, s->vport_guids, s->n_vport_guids + count, sizeof(s->vport_guids[0]));
	for (unsigned vf = 1; vf <= count; vf++)
		s->vport_guids[s->n_vport_guids++] = sim_vport(port, vf)->guid;
	scenario_happens(s, "%s port %u has %u vports%s", port->node->name, port->number, count,
			 own_lids ? " with LIDs of their own" : "");
}

const struct sim_quirks *scenario_vport_reading(unsigned n)
{
	static const struct sim_quirks readings[] = {
		{ .virtualization_info_by_port = true },
		{ .vport_block_is_high = true },
		{ .vports_start_enabled = true },
		{ .vport_change_clears_by_get = true },
		{ .vport_change_by_set = true },
		{ .vport_traps_every_change = true },
		{ .vport_change_by_set = true, .vport_traps_every_change = true },
		{ .vport_skips_armed = true },
		{ .vport_refuses_down = true },
		{ .vport_needs_active_port = true },
		{ .vport_takes_any_lid = true },
		{ .vport_lid_index_writable = true },
		{ .vport_guid_writable = true },
		{ .vport_lid_takes_smps = true },
		{ .no_vport_guid_info = true },
		{ .vendor_traps_anonymous = true },
	};

	return n < COUNT(readings) ? &readings[n] : NULL;
}

/* ---- what happens ---------------------------------------------------------------------------- */

void scenario_start_vport(struct scenario *s, struct sim_port *port, unsigned vf)
{
	scenario_happens(s, "%s starts vport %u", port->node->name, vf);
	must_be(s, sim_vf_start(port, vf), "no such vport");
}

void scenario_stop_vport(struct scenario *s, struct sim_port *port, unsigned vf)
{
	scenario_happens(s, "%s stops vport %u", port->node->name, vf);
	must_be(s, sim_vf_stop(port, vf), "no such vport");
}

void scenario_set_vport_guid(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid)
{
	scenario_happens(s, "vport %u of %s gets GUID 0x%016" PRIx64, vf, port->node->name, guid);
	must_be(s, sim_vf_set_guid(port, vf, guid), "no such vport");
}

void scenario_move_vport(struct scenario *s, struct sim_port *port, unsigned vf,
			 struct sim_port *to, unsigned to_vf)
{
	scenario_happens(s, "vport %u of %s moves to vport %u of %s", vf, port->node->name, to_vf,
			 to->node->name);
	must_be(s, sim_vf_move(port, vf, to, to_vf), "the guest cannot move there");
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool has_guid(const struct sim_port *port, uint64_t guid)
{
	for (unsigned vf = 1; vf <= sim_vfs_count(port); vf++)
		if (sim_vport(port, vf)->guid == guid)
			return true;
	return false;
}

uint64_t scenario_free_vport_guid(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_vport_guids; i++) {
		bool is_used = false;

		for (uint32_t p = 0; p < s->n_vport_pfs; p++)
			is_used = is_used || has_guid(s->vport_pfs[p], s->vport_guids[i]);
		if (!is_used)
			return s->vport_guids[i];
	}
	return 0;
}

const struct vf *scenario_known_vport(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct scenario_sm *master = s->looked_at ? s->looked_at : scenario_master(s);
	const struct fabric *f = sm_fabric(master->sm);

	return vf_at(f, fabric_find_port(f, port->guid), vf);
}

const char *scenario_vport_reason(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct vf *known = scenario_known_vport(s, port, vf);

	return known ? reason_key((enum reason)known->reason) : "unknown";
}

static bool refuses(struct scenario *s, const struct sim_port *port)
{
	for (unsigned vf = 1; vf < port->vports->count; vf++)
		if (port->vports->vports[vf].state > SIM_INIT &&
		    !strcmp(scenario_vport_reason(s, port, vf), "vf-duplicate-guid"))
			return true;
	return false;
}

/* By what either of two masters knows: each has a part of the fabric. */
bool scenario_vports_refuse(struct scenario *s)
{
	struct scenario_sm *both[] = { &s->first, &s->rival };
	bool ret = false;

	for (unsigned m = 0; m < COUNT(both) && s->fabric->quirks.vport_refuses_down; m++) {
		if (scenario_status(both[m]).state != SM_MASTER)
			continue;
		s->looked_at = both[m];
		for (uint32_t i = 0; i < s->n_vport_pfs; i++)
			ret = ret || refuses(s, s->vport_pfs[i]);
		s->looked_at = NULL;
	}
	return ret;
}

/* Of two devices with the same GUIDs one is left out, and speaks to nobody. */
static bool has_twin(const struct scenario *s, const struct sim_node *node)
{
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		if (s->fabric->nodes[i] != node &&
		    s->fabric->nodes[i]->info.node_guid == node->info.node_guid)
			return true;
	return false;
}

/* Something is wrong with all of its vports: what they do is not looked at. */
static bool is_left_alone(struct scenario *s, struct scenario_sm *master,
			  const struct sim_port *port)
{
	bool is_it;

	s->looked_at = master;
	is_it = !strncmp(scenario_reason(s, port), "vf-", 3);
	s->looked_at = NULL;
	return is_it;
}

static bool is_told(struct scenario *s, struct scenario_sm *master, const struct sim_port *port)
{
	return scenario_status(master).state != SM_MASTER ||
	       !scenario_is_connected(s, master->port, port) || is_left_alone(s, master, port);
}

bool scenario_vports_are_told(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_vport_pfs; i++) {
		const struct sim_port *port = s->vport_pfs[i];

		if (sim_state(port) != SIM_ACTIVE || has_twin(s, port->node) ||
		    !((port->vports->changed && port->vports->enabled) || sim_trap_waits(port)))
			continue;
		if (!is_told(s, &s->first, port) || !is_told(s, &s->rival, port))
			return false;
	}
	return true;
}
