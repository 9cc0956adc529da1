/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Fabrics for random walks: who has VFs, of which kind, and how all of it is made whole again. */

#include "tests/scenario/walk.h"

#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

/* The virtual functions behind a virtual switch are hosts too. */
bool walk_is_vf(const struct scenario *s, const struct sim_port *port)
{
	for (uint32_t i = 0; i < s->n_pfs; i++)
		for (unsigned vf = 1; vf <= sim_vfs_count(s->pfs[i]); vf++)
			if (scenario_vf(s->pfs[i], vf) == port)
				return true;
	return false;
}

/* Some hosts have VFs, of which one in three does not run. */
void walk_make_vfs(struct scenario *s)
{
	uint32_t n_hosts = s->n_hosts;
	unsigned most = 2 + (unsigned)scenario_random(s, 3);

	for (uint32_t i = 0; i < n_hosts && s->n_pfs < most; i++) {
		struct sim_port *pf = scenario_host(s, i);

		if (pf->node->type != SIM_CA || scenario_random(s, 2))
			continue;
		scenario_add_vfs(s, pf, 1 + (unsigned)scenario_random(s, 4), true);
		for (unsigned vf = 1; vf <= sim_vfs_count(pf); vf++)
			if (!scenario_random(s, 3))
				scenario_power_off(s, scenario_vf(pf, vf)->node);
	}
}

static void choose_reading(struct scenario *s)
{
	unsigned n = 0;

	while (scenario_vport_reading(n))
		n++;
	n = (unsigned)scenario_random(s, n + n / 2);
	if (scenario_vport_reading(n))
		s->fabric->quirks = *scenario_vport_reading(n);
}

/* As walk_make_vfs(), at hosts that have none of the others. */
void walk_make_vports(struct scenario *s)
{
	unsigned most = 1 + (unsigned)scenario_random(s, 4);

	choose_reading(s);
	s->vports_limited = !scenario_random(s, 3);
	s->vports_outside = !scenario_random(s, 6);
	for (unsigned tries = 0; tries < 20 && s->n_vport_pfs < most; tries++) {
		struct sim_port *pf = scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts));

		if (pf->node->type != SIM_CA || sim_vfs_count(pf) || walk_is_vf(s, pf))
			continue;
		scenario_add_vports(s, pf, 1 + (unsigned)scenario_random(s, 5), true,
				    scenario_random(s, 2));
		for (unsigned vf = 1; vf <= sim_vfs_count(pf); vf++) {
			if (!scenario_random(s, 3))
				scenario_stop_vport(s, pf, vf);
			if (!scenario_random(s, 4))
				sim_vport(pf, vf)->lid_required ^= true;
		}
	}
}

/* ---- whole again ----------------------------------------------------------------------------- */

/* With GUIDs of their own, and started. */
static void make_vports_whole(struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_vport_pfs; i++)
		for (unsigned vf = 1; vf <= sim_vfs_count(s->vport_pfs[i]); vf++) {
			struct sim_port *pf = s->vport_pfs[i];

			scenario_set_vport_guid(s, pf, vf, 0);
			scenario_start_vport(s, pf, vf);
		}
	for (uint32_t i = 0; i < s->n_vport_pfs; i++)
		for (unsigned vf = 1; vf <= sim_vfs_count(s->vport_pfs[i]); vf++)
			scenario_set_vport_guid(s, s->vport_pfs[i], vf,
						scenario_free_vport_guid(s));
}

/* All cables plugged, all power on, nobody member of anything. */
void walk_make_whole(struct scenario *s)
{
	scenario_clear_faults(s);
	for (uint32_t i = 0; i < s->n_links; i++)
		if (s->links[i]->cut)
			scenario_plug(s, s->links[i]);
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		if (s->fabric->nodes[i]->off)
			scenario_power_on(s, s->fabric->nodes[i]);
	make_vports_whole(s);
	walk_make_shared_whole(s);
	walk_look_again(s);
	scenario_leave_all(s);
	scenario_apply_partitions(s);
	scenario_expect_good_within(s, 1800);
}
