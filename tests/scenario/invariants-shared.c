/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What must hold of the VFs of shared ports whenever the fabric is at rest:
 *
 * - No alias GUID is in two places, nor that of a port or a vport.
 * - A VF that is started has the GUID that its driver asks for, or any if that leaves the choice to
 *   the subnet manager, and is Active; unless somebody else has it. Then it keeps what it had, and
 *   if that is nothing the reason says so.
 * - Who is Active is reached as hosts are, by GID at the port's LID: see invariants.c.
 * - A P_Key of the port stays at its index, by which VFs have it, as long as the port is a member.
 * - What the subnet manager believes GUIDInfo to hold, it holds, and it is as planned.
 */

#include <inttypes.h>
#include <string.h>

#include "sm/vf.h"
#include "tests/scenario/look.h"
#include "tests/sim/tables.h"
#include "tests/sim/vf.h"

/* ---- who has which GUID ---------------------------------------------------------------------- */

unsigned look_count_aliases(const struct look *look, uint64_t guid)
{
	unsigned n = 0;

	for (uint32_t i = 0; guid && i < look->n_ends; i++) {
		const struct sim_port *port = look->ends[i];

		for (unsigned index = 1; port->guids && index < port->info.guid_cap; index++)
			n += sim_guid_at(port, index) == guid;
	}
	return n;
}

static void check_unique(struct look *look, const struct sim_endpoint *e, uint64_t held)
{
	if (look_count_aliases(look, held) > 1 || look_is_of_end(look, held) ||
	    look_is_of_vport(look, held))
		look_say(look, "entry %u of %s has GUID 0x%016" PRIx64 ", and so has somebody else",
			 e->vf, e->port->node->name, held);
}

/* By who is there; of a port that is not, its device is, and who is left out may have anything. */
static bool is_taken(const struct look *look, uint64_t guid)
{
	return look->but || look_count_aliases(look, guid) || look_is_of_end(look, guid) ||
	       look_is_of_idle_port(look, guid) || look_is_of_vport(look, guid);
}

/* ---- states and reasons ---------------------------------------------------------------------- */

static void say_vf(struct look *look, const struct sim_endpoint *e, const struct sim_vf_info *info)
{
	look_say(look,
		 "VF %u of %s asks for 0x%016" PRIx64 ", has 0x%016" PRIx64
		 ", is in state %u, and has reason %s",
		 e->vf, e->port->node->name, info->asked, sim_guid_at(e->port, e->vf), info->state,
		 scenario_shared_reason(look->s, e->port, e->vf));
}

/*
 * To mlx4 an entry that is 0 is what it asked for when it asks for any: if one is refused, or
 * another entry of the block is set, just when its administrator leaves the choice to the subnet
 * manager, it does not ask again until it is told to register anew, and waits for nothing.
 */
static bool has_given_up(const struct sim_vf_info *info)
{
	return !info->asked && !info->asks && info->state != SIM_ACTIVE;
}

static void look_at_vf(struct look *look, const struct sim_endpoint *e)
{
	const char *reason = scenario_shared_reason(look->s, e->port, e->vf);
	uint64_t held = sim_guid_at(e->port, e->vf);
	struct sim_vf_info info;
	bool has_it;

	if (held)
		check_unique(look, e, held);
	sim_vf_look(e->port, e->vf, &info);
	if (!info.started || has_given_up(&info))
		return;
	has_it = held && (held == info.asked || !info.asked);
	if (!has_it && !(info.asked && is_taken(look, info.asked)))
		say_vf(look, e, &info);
	if (strcmp(reason, held ? "none" : "vf-duplicate-guid"))
		say_vf(look, e, &info);
	if (has_it && info.state != SIM_ACTIVE)
		say_vf(look, e, &info);
	if (held && info.state == SIM_ACTIVE)
		look->endpoints[look->n_endpoints++] = *e;
}

void look_at_shared(struct look *look)
{
	for (uint32_t i = 0; i < look->n_ends; i++) {
		struct sim_port *port = look->ends[i];

		for (unsigned vf = 1; port->shared && vf <= sim_vfs_count(port); vf++)
			look_at_vf(look, &(struct sim_endpoint){ port, (uint16_t)vf });
	}
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

static bool is_there(const struct look *look, const struct sim_port *port)
{
	for (uint32_t i = 0; i < look->n_ends; i++)
		if (look->ends[i] == port)
			return true;
	return false;
}

static void check_key_places(struct look *look)
{
	for (uint32_t i = 0; i < look->s->n_key_places; i++) {
		struct scenario_key_place *place = &look->s->key_places[i];
		uint16_t has;

		if (!place->port || !is_there(look, place->port))
			continue;
		has = sim_vf_pkey(place->port, 0, place->index) & 0x7fff;
		if (!scenario_is_member(look->s, place->port->guid, place->pkey))
			place->port = NULL;
		else if (has != place->pkey)
			look_say(look, "P_Key %u of %s was %#x and is %#x", place->index,
				 place->port->node->name, place->pkey, has);
	}
}

/* ---- the ledger ------------------------------------------------------------------------------ */

static void compare_entry(struct look *look, const struct sim_port *port, unsigned index,
			  const struct vf *known)
{
	uint64_t held = sim_guid_at(port, index);

	if (held != (known ? known->guid : 0))
		look_say(look,
			 "entry %u of %s is 0x%016" PRIx64 " and believed to be 0x%016" PRIx64,
			 index, port->node->name, held, known ? known->guid : 0);
	if (held != (known ? known->wanted : 0))
		look_say(look, "entry %u of %s is 0x%016" PRIx64 " and should be 0x%016" PRIx64,
			 index, port->node->name, held, known ? known->wanted : 0);
}

void look_at_shared_ledger(struct look *look, const struct fabric *f)
{
	check_key_places(look);
	for (uint32_t i = 0; i < look->n_ends; i++) {
		const struct sim_port *port = look->ends[i];
		uint32_t number = fabric_find_port(f, port->guid);

		for (unsigned index = 1; port->shared && index < port->info.guid_cap; index++)
			compare_entry(look, port, index, vf_at(f, number, index));
	}
}
