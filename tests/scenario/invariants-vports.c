/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What must hold of vports whenever the fabric is at rest, as invariants.c has it for ports:
 *
 * - Virtualization is on, and vport 0, without which the port itself takes no packets, is Active.
 * - A vport that is started is Active, or has the reason that fits: no partition, no GUID, that of
 * a port, an alias GUID, or that of another vport, of which one is up.
 * - Who is up has a LID that nobody shares if it asked for one, and is reached as hosts are: see
 *   there, as for whether a GUID keeps its LID. Who is in no partition has no LID of others either.
 * - What the subnet manager believes a vport to hold, it holds.
 */

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "sm/vf.h"
#include "tests/scenario/look.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

/* ---- who has which GUID ---------------------------------------------------------------------- */

bool look_is_of_end(const struct look *look, uint64_t guid)
{
	for (uint32_t i = 0; i < look->n_ends; i++)
		if (look->ends[i]->guid == guid)
			return true;
	return false;
}

/* Whether the port is itself there is another matter. */
bool look_is_of_idle_port(const struct look *look, uint64_t guid)
{
	for (uint32_t i = 0; i < look->n_ends; i++) {
		const struct sim_node *node = look->ends[i]->node;

		for (unsigned p = 1; !node->sw && p <= node->n_ports; p++)
			if (node->ports[p].guid == guid)
				return true;
	}
	return false;
}

struct group {
	unsigned n;      /* vports with this GUID that are started, */
	unsigned n_well; /* and those of which nothing is said */
};

/* If nothing is wrong with it but that it is in no partition, which may be so. */
static const char *good_reason(const struct look *look, const struct sim_endpoint *e)
{
	return scenario_has_partition(look->s, e) ? "none" : "vf-no-partition";
}

static bool is_well(const struct look *look, const struct sim_endpoint *e)
{
	return !strcmp(scenario_vport_reason(look->s, e->port, e->vf), good_reason(look, e));
}

static struct group group_of(const struct look *look, uint64_t guid)
{
	struct group group = { 0 };

	for (uint32_t i = 0; i < look->n_ends; i++) {
		struct sim_port *port = look->ends[i];

		for (unsigned vf = 1; port->vports && vf < port->vports->count; vf++) {
			if (!port->vports->vports[vf].started ||
			    port->vports->vports[vf].guid != guid)
				continue;
			group.n++;
			group.n_well += is_well(look, &(struct sim_endpoint){ port, (uint16_t)vf });
		}
	}
	return group;
}

bool look_is_of_vport(const struct look *look, uint64_t guid)
{
	return guid && group_of(look, guid).n_well;
}

/* ---- states and reasons ---------------------------------------------------------------------- */

static void expect_reason(struct look *look, const struct sim_endpoint *e, const char *reason)
{
	const char *given = scenario_vport_reason(look->s, e->port, e->vf);

	if (strcmp(given, reason))
		look_say(look, "%s vport %u is in state %u and has reason %s, not %s",
			 e->port->node->name, e->vf, e->port->vports->vports[e->vf].state, given,
			 reason);
}

/* Nor is it up, if its device lets itself be told so. */
static void expect_duplicate(struct look *look, const struct sim_endpoint *e)
{
	unsigned state = e->port->vports->vports[e->vf].state;

	expect_reason(look, e, "vf-duplicate-guid");
	if (state > SIM_INIT && !look->s->fabric->quirks.vport_refuses_down)
		look_say(look, "%s vport %u has the GUID of somebody else and is in state %u",
			 e->port->node->name, e->vf, state);
}

/* Who was up before it was in no partition stays so; who is not has the keys of before still. */
static void expect_no_keys(struct look *look, const struct sim_endpoint *e)
{
	unsigned state = e->port->vports->vports[e->vf].state;

	for (unsigned i = 0; state == SIM_ACTIVE && i < sim_pkey_cap(e->port); i++)
		if (sim_vf_pkey(e->port, e->vf, i))
			look_say(look, "%s vport %u is in no partition and has P_Key %#x",
				 e->port->node->name, e->vf, sim_vf_pkey(e->port, e->vf, i));
}

/* Nobody reaches it, and still it may be in the way of those who have that LID. */
static void expect_no_lid_of_others(struct look *look, const struct sim_endpoint *e)
{
	const struct sim_vport *vport = &e->port->vports->vports[e->vf];

	for (uint32_t i = 0; vport->state >= SIM_ARMED && i < look->n_ends; i++)
		if (look->ends[i] != e->port && vport->lid &&
		    sim_has_lid(look->ends[i], vport->lid))
			look_say(look, "%s vport %u has LID %u of %s", e->port->node->name, e->vf,
				 vport->lid, look->ends[i]->node->name);
}

static void expect_up(struct look *look, const struct sim_endpoint *e)
{
	const struct sim_vport *vport = &e->port->vports->vports[e->vf];

	expect_reason(look, e, good_reason(look, e));
	if (!scenario_has_partition(look->s, e)) {
		expect_no_keys(look, e);
		expect_no_lid_of_others(look, e);
		return;
	}
	if (vport->state != SIM_ACTIVE)
		look_say(look, "%s vport %u is in state %u, the reason is %s", e->port->node->name,
			 e->vf, vport->state, scenario_vport_reason(look->s, e->port, e->vf));
	look->endpoints[look->n_endpoints++] = *e;
}

/* The operator's rules or reservations keep it down, in a story that is about those. */
static bool is_barred(const struct look *look, const struct sim_endpoint *e)
{
	const char *reason = scenario_vport_reason(look->s, e->port, e->vf);

	return look->s->has_rules &&
	       (!strcmp(reason, "vf-not-allowed") || !strcmp(reason, "vf-too-many") ||
		!strcmp(reason, "vf-needs-lid"));
}

static void look_at_vport(struct look *look, const struct sim_endpoint *e)
{
	const struct sim_vport *vport = &e->port->vports->vports[e->vf];
	struct group group;

	if (!vport->started)
		return; /* it is Down: the ledger is compared with that */
	if (!vport->guid) {
		expect_reason(look, e, "vf-no-guid");
		return;
	}
	if (look_is_of_end(look, vport->guid)) {
		expect_duplicate(look, e);
		return;
	}
	if (look_is_of_idle_port(look, vport->guid))
		return;
	if (is_barred(look, e))
		return;
	if (look_count_aliases(look, vport->guid)) {
		expect_duplicate(look, e);
		return;
	}
	group = group_of(look, vport->guid);
	if (group.n_well != 1)
		look_say(look, "%u vports have GUID 0x%016" PRIx64 " and %u of them are well: %s",
			 group.n, vport->guid, group.n_well,
			 scenario_vport_reason(look->s, e->port, e->vf));
	if (group.n > 1 && !is_well(look, e))
		expect_duplicate(look, e);
	else
		expect_up(look, e);
}

static void look_at_port(struct look *look, struct sim_port *port)
{
	const struct sim_vports *vports = port->vports;

	if (!vports->enabled) {
		look_say(look, "%s has virtualization off", port->node->name);
		return;
	}
	if (vports->vports[0].state != SIM_ACTIVE)
		look_say(look, "%s vport 0 is in state %u", port->node->name,
			 vports->vports[0].state);
	for (unsigned vf = 1; vf < vports->count; vf++)
		look_at_vport(look, &(struct sim_endpoint){ port, (uint16_t)vf });
}

void look_at_vports(struct look *look)
{
	for (uint32_t i = 0; i < look->n_ends; i++)
		if (look->ends[i]->vports)
			look_at_port(look, look->ends[i]);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

static void compare(struct look *look, const struct sim_endpoint *e, const char *what,
		    uint64_t held, uint64_t believed)
{
	if (held != believed)
		look_say(look, "%s vport %u: %s is %#" PRIx64 " and believed to be %#" PRIx64,
			 e->port->node->name, e->vf, what, held, believed);
}

static void compare_vport(struct look *look, const struct sim_endpoint *e, const struct vf *known)
{
	const struct sim_vport *vport = &e->port->vports->vports[e->vf];

	compare(look, e, "the state", vport->state, known->state);
	if (!known->known)
		return;
	compare(look, e, "the state in VPortInfo", vport->state,
		wire_get(known->info, VPORT_INFO_STATE));
	if (!e->vf)
		return;
	compare(look, e, "the GUID", vport->guid, wire_get(known->info, VPORT_INFO_GUID));
	compare(look, e, "its GUID", vport->guid, known->guid);
	compare(look, e, "LidRequired", vport->lid_required,
		wire_get(known->info, VPORT_INFO_LID_REQUIRED));
	if (vport->lid_required)
		compare(look, e, "the LID", vport->lid, wire_get(known->info, VPORT_INFO_LID));
	for (unsigned i = 0; known->pkeys && i < known->pkeys->n_known; i++)
		compare(look, e, "a P_Key", sim_vf_pkey(e->port, e->vf, i), known->pkeys->keys[i]);
}

void look_at_vport_ledger(struct look *look, const struct fabric *f)
{
	for (uint32_t i = 0; i < look->n_ends; i++) {
		struct sim_port *port = look->ends[i];
		uint32_t number = fabric_find_port(f, port->guid);

		for (unsigned vf = 0; port->vports && vf < port->vports->count; vf++) {
			const struct vf *known = vf_at(f, number, vf);

			if (known)
				compare_vport(look, &(struct sim_endpoint){ port, (uint16_t)vf },
					      known);
			else
				look_say(look, "%s vport %u is not known", port->node->name, vf);
		}
	}
}
