/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shared ports in the random walk: their VFs start, stop and move, ask for GUIDs of their own, of
 * others, of ports and vports, or leave the choice to the subnet manager; they see other P_Keys of
 * the port; and their hosts start anew.
 */

#include "tests/scenario/walk.h"

#include "base/macros.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum { KEYS = 6 }; /* indices that are mapped from and to: more than most ports have keys */

/* A VF, and there may be none. */
static bool choose(struct scenario *s, struct sim_port **ret_pf, unsigned *ret_vf)
{
	if (!s->n_shared_pfs)
		return false;
	*ret_pf = s->shared_pfs[scenario_random(s, s->n_shared_pfs)];
	*ret_vf = 1 + (unsigned)scenario_random(s, sim_vfs_count(*ret_pf));
	return true;
}

static struct sim_vf_info look(const struct sim_port *pf, unsigned vf)
{
	struct sim_vf_info info = { .started = false };

	sim_vf_look(pf, vf, &info);
	return info;
}

static void start_or_stop(struct scenario *s, struct sim_port *pf, unsigned vf)
{
	if (look(pf, vf).started)
		scenario_stop_shared(s, pf, vf);
	else
		scenario_start_shared(s, pf, vf);
}

void walk_start_or_stop_shared(struct scenario *s)
{
	struct sim_port *pf;
	unsigned vf;

	if (choose(s, &pf, &vf))
		start_or_stop(s, pf, vf);
}

/* Within a port too. */
void walk_move_shared(struct scenario *s)
{
	struct sim_port *from, *to;
	unsigned vf, to_vf;

	if (choose(s, &from, &vf) && choose(s, &to, &to_vf) && look(from, vf).started &&
	    !look(to, to_vf).started)
		scenario_move_shared(s, from, vf, to, to_vf);
}

static uint64_t guid_of_vport(struct scenario *s)
{
	return s->n_vport_guids ? s->vport_guids[scenario_random(s, s->n_vport_guids)] : 0;
}

/* Mostly one of those that they had at first, so that they meet. */
void walk_ask_guid(struct scenario *s)
{
	struct sim_port *pf, *other;
	unsigned vf, of;
	uint64_t guid = 0;

	if (!choose(s, &pf, &vf) || !choose(s, &other, &of))
		return;
	switch (scenario_random(s, 10)) {
	case 0:
	case 1:
		break;
	case 2:
		guid = walk_any_link(s)->far->guid;
		break;
	case 3:
		guid = guid_of_vport(s);
		break;
	case 4:
	case 5:
		guid = look(other, of).guid;
		break;
	default:
		if (s->n_shared_guids)
			guid = s->shared_guids[scenario_random(s, s->n_shared_guids)];
		break;
	}
	scenario_ask_guid(s, pf, vf, guid);
}

/* Rather one where the port has something. */
static unsigned any_index(struct scenario *s, const struct sim_port *pf)
{
	unsigned index = SIM_PKEY_INDEX_NONE;

	for (unsigned tries = 1 + (unsigned)scenario_random(s, KEYS); tries > 0; tries--) {
		index = (unsigned)scenario_random(s, KEYS);
		if (sim_vf_pkey(pf, 0, index) && index)
			return index;
	}
	return scenario_random(s, 2) ? index : SIM_PKEY_INDEX_NONE;
}

/* What the host's administrator does: by the partition that is at that index now. */
void walk_map_key(struct scenario *s)
{
	struct sim_port *pf;
	unsigned vf;

	if (!choose(s, &pf, &vf))
		return;
	scenario_map_key(s, pf, vf, (unsigned)scenario_random(s, KEYS), any_index(s, pf));
}

/* Of its guests some run again at once, and others do that did not before. */
void walk_reboot_shared(struct scenario *s)
{
	struct sim_port *pf;
	unsigned vf;

	if (!choose(s, &pf, &vf) || pf->node->off || pf->node == s->first.port->node)
		return;
	scenario_power_off(s, pf->node);
	if (scenario_random(s, 2))
		walk_pause(s);
	for (vf = 1; vf <= sim_vfs_count(pf); vf++)
		if (!scenario_random(s, 3))
			start_or_stop(s, pf, vf);
	scenario_power_on(s, pf->node);
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Sometimes more than a block of GUIDInfo has. */
static void make(struct scenario *s, struct sim_port *pf)
{
	unsigned n = 1 + (unsigned)scenario_random(s, 5);

	if (!scenario_random(s, 4))
		n += SIM_GUID_BLOCK;
	scenario_add_shared(s, pf, n, true, !scenario_random(s, 4));
	for (unsigned vf = 1; vf <= n; vf++)
		if (!scenario_random(s, 3))
			scenario_stop_shared(s, pf, vf);
}

void walk_make_shared(struct scenario *s)
{
	unsigned most = 1 + (unsigned)scenario_random(s, 4);

	s->fabric->quirks.alias_guid_by_answer = !scenario_random(s, 4);
	for (unsigned tries = 0; tries < 20 && s->n_shared_pfs < most; tries++) {
		struct sim_port *pf = scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts));

		if (pf->node->type == SIM_CA && !sim_vfs_count(pf) && !walk_is_vf(s, pf))
			make(s, pf);
	}
}

void walk_make_shared_whole(struct scenario *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_shared_pfs; i++) {
		struct sim_port *pf = s->shared_pfs[i];

		for (unsigned vf = 1; vf <= sim_vfs_count(pf); vf++) {
			scenario_ask_guid(s, pf, vf,
					  n < s->n_shared_guids ? s->shared_guids[n++] : 0);
			if (!look(pf, vf).started)
				scenario_start_shared(s, pf, vf);
		}
	}
}
