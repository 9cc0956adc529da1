/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Shared ports in stories (ConnectX-2 and -3): VFs are alias GUIDs of their port, and its driver
 * asks the subnet administrator for them; that driver is tests/sim/shared-guids.c. What befalls
 * such VFs is here, what must hold of them in invariants-shared.c.
 *
 * As of vports, there are never other GUIDs than at the beginning and those of the SM's pool.
 */

#include "tests/scenario/scenario.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sm/vf.h"
#include "tests/sim/tables.h"
#include "tests/sim/vf.h"

static void must_be(struct scenario *s, int r, const char *what)
{
	if (r < 0)
		scenario_fail(s, "the scenario itself: %s", what);
}

static void *grow(struct scenario *s, void *array, size_t n, size_t size)
{
	void *more = reallocarray(array, n, size);

	must_be(s, more ? 0 : -1, "no memory");
	return more;
}

/* ---- making ---------------------------------------------------------------------------------- */

static uint64_t asked_by(const struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info = { .asked = 0 };

	sim_vf_look(port, vf, &info);
	return info.asked;
}

void scenario_add_shared(struct scenario *s, struct sim_port *port, unsigned count, bool up,
			 bool sm_gives)
{
	struct sim_vf_spec spec = { .no_guid = sm_gives, .up = up };

	scenario_happens(s, "%s port %u is shared by %u VFs%s", port->node->name, port->number,
			 count, sm_gives ? ", whose GUIDs the subnet manager gives" : "");
	must_be(s, sim_vfs_add(port, SIM_VF_SHARED_PORT, count, &spec),
		"this port cannot be shared");
	s->shared_pfs = grow(s, s->shared_pfs, s->n_shared_pfs + 1, sizeof(s->shared_pfs[0]));
	s->shared_pfs[s->n_shared_pfs++] = port;
	s->shared_guids =
		grow(s, s->shared_guids, s->n_shared_guids + count, sizeof(s->shared_guids[0]));
	for (unsigned vf = 1; !sm_gives && vf <= count; vf++)
		s->shared_guids[s->n_shared_guids++] = asked_by(port, vf);
}

/* ---- what happens ---------------------------------------------------------------------------- */

void scenario_start_shared(struct scenario *s, struct sim_port *port, unsigned vf)
{
	scenario_happens(s, "%s starts VF %u, which asks for 0x%016" PRIx64, port->node->name, vf,
			 asked_by(port, vf));
	must_be(s, sim_vf_start(port, vf), "no such VF");
}

void scenario_stop_shared(struct scenario *s, struct sim_port *port, unsigned vf)
{
	scenario_happens(s, "%s stops VF %u", port->node->name, vf);
	must_be(s, sim_vf_stop(port, vf), "no such VF");
}

void scenario_ask_guid(struct scenario *s, struct sim_port *port, unsigned vf, uint64_t guid)
{
	scenario_happens(s, "VF %u of %s is to ask for 0x%016" PRIx64, vf, port->node->name, guid);
	must_be(s, sim_vf_set_guid(port, vf, guid), "no such VF");
}

void scenario_move_shared(struct scenario *s, struct sim_port *port, unsigned vf,
			  struct sim_port *to, unsigned to_vf)
{
	scenario_happens(s, "VF %u of %s moves to VF %u of %s", vf, port->node->name, to_vf,
			 to->node->name);
	must_be(s, sim_vf_move(port, vf, to, to_vf), "the guest cannot move there");
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

static struct scenario_key_place *place_for(struct scenario *s, struct sim_port *port,
					    unsigned index)
{
	uint32_t i = 0;

	while (i < s->n_key_places && s->key_places[i].port &&
	       (s->key_places[i].port != port || s->key_places[i].index != index))
		i++;
	if (i == s->n_key_places) {
		s->key_places = grow(s, s->key_places, i + 1, sizeof(s->key_places[0]));
		s->n_key_places++;
	}
	return &s->key_places[i];
}

void scenario_map_key(struct scenario *s, struct sim_port *port, unsigned vf, unsigned index,
		      unsigned physical)
{
	uint16_t pkey = sim_vf_pkey(port, 0, physical) & 0x7fff;

	scenario_happens(s, "P_Key %u of VF %u of %s is %u of the port, %#x", index, vf,
			 port->node->name, physical, pkey);
	must_be(s, sim_vf_set_pkey_index(port, vf, index, physical), "no such P_Key");
	/* Of a device that lies nobody knows which keys are to stay; one that is off loses all. */
	if (pkey && !s->lied && !port->node->off)
		*place_for(s, port, physical) =
			(struct scenario_key_place){ port, (uint16_t)physical, pkey };
}

void scenario_forget_key_places(struct scenario *s, const struct sim_node *node)
{
	for (uint32_t i = 0; i < s->n_key_places; i++)
		if (s->key_places[i].port && (!node || s->key_places[i].port->node == node))
			s->key_places[i].port = NULL;
}

void scenario_forget_key_place(struct scenario *s, uint64_t guid, uint16_t pkey)
{
	for (uint32_t i = 0; i < s->n_key_places; i++)
		if (s->key_places[i].port && s->key_places[i].port->guid == guid &&
		    s->key_places[i].pkey == pkey)
			s->key_places[i].port = NULL;
}

/* ---- looking --------------------------------------------------------------------------------- */

static void print_port(const struct sim_port *port)
{
	fprintf(stderr, "# %s is shared, LID %u, state %u\n", port->node->name, sim_lid(port),
		sim_state(port));
	for (unsigned vf = 1; vf <= sim_vfs_count(port); vf++) {
		struct sim_vf_info info;

		sim_vf_look(port, vf, &info);
		fprintf(stderr,
			"#   VF %u: asks for 0x%016" PRIx64 "%s%s, has 0x%016" PRIx64
			", state %u, P_Keys",
			vf, info.asked, info.asks ? " still" : "", info.started ? "" : ", stopped",
			sim_guid_at(port, vf), info.state);
		for (unsigned k = 0; k < sim_pkey_cap(port); k++)
			if (sim_vf_pkey(port, vf, k))
				fprintf(stderr, " %u:%04x", k, sim_vf_pkey(port, vf, k));
		fprintf(stderr, "\n");
	}
}

void scenario_print_shared(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_shared_pfs; i++)
		print_port(s->shared_pfs[i]);
}

const char *scenario_shared_reason(struct scenario *s, const struct sim_port *port, unsigned vf)
{
	const struct vf *known = scenario_known_vport(s, port, vf);

	return known ? reason_key((enum reason)known->reason) : "unknown";
}
