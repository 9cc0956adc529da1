/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is to reach whom: what the story says of members, held against nothing that devices hold but
 * the index maps of shared ports. Two reach each other by a P_Key that both have and one of them
 * fully (IBA 10.9.3).
 */

#include "tests/scenario/scenario.h"

#include <inttypes.h>

#include "tests/sim/vf.h"

enum { DEFAULT_PKEY = 0x7fff };

void scenario_leave(struct scenario *s, unsigned n)
{
	struct scenario_member *m = &s->members[n];

	scenario_happens(s, "0x%016" PRIx64 " is no longer to be in %#x", m->guid, m->pkey);
	scenario_forget_key_place(s, m->guid, m->pkey);
	*m = s->members[--s->n_members];
}

static bool is_full(const struct scenario *s, uint64_t guid, uint16_t pkey, bool *ret_member)
{
	*ret_member = false;
	for (unsigned i = 0; i < s->n_members; i++)
		if (s->members[i].guid == guid && s->members[i].pkey == pkey) {
			*ret_member = true;
			return s->members[i].full;
		}
	return false;
}

static bool is_of_host(const struct scenario *s, uint64_t guid)
{
	for (uint32_t i = 0; i < s->n_hosts; i++)
		for (unsigned p = 1; p <= s->hosts[i]->n_ports; p++)
			if (scenario_own_guid(&s->hosts[i]->ports[p]) == guid)
				return true;
	return false;
}

/* By GUID, which a vport may have of a host that is away. */
static bool is_full_in_default(struct scenario *s, const struct sim_endpoint *e)
{
	const struct scenario_sm *master = s->looked_at ? s->looked_at : scenario_master(s);
	const struct sim_port *self = master ? master->port : s->first.port;

	if (!e->vf && e->port == self)
		return true;
	return !s->closed && (!e->vf || !(s->vports_limited || s->vports_outside) ||
			      is_of_host(s, sim_endpoint_guid(e, 0)));
}

static bool is_in_default(const struct scenario *s, const struct sim_endpoint *e)
{
	return !s->vports_outside || !e->vf || is_of_host(s, sim_endpoint_guid(e, 0));
}

bool scenario_has_partition(const struct scenario *s, const struct sim_endpoint *e)
{
	bool has = is_in_default(s, e);

	for (unsigned i = 0; !has && i < s->n_members; i++)
		has = s->members[i].guid == sim_endpoint_guid(e, 0);
	return has;
}

bool scenario_is_member(const struct scenario *s, uint64_t guid, uint16_t pkey)
{
	bool member = pkey == DEFAULT_PKEY;

	if (!member)
		is_full(s, guid, pkey, &member);
	return member;
}

/* Of a VF of a shared port: what its port is member of, as far as it sees that. */
static bool sees(const struct sim_endpoint *e, uint16_t pkey)
{
	if (!e->vf || !e->port->shared)
		return true;
	for (unsigned i = 0; i < sim_pkey_cap(e->port); i++)
		if ((sim_vf_pkey(e->port, e->vf, i) & 0x7fff) == pkey)
			return true;
	return false;
}

static struct sim_endpoint member_of(const struct sim_endpoint *e)
{
	return (struct sim_endpoint){ e->port, e->port->shared ? 0 : e->vf };
}

bool scenario_endpoints_may_talk(struct scenario *s, const struct sim_endpoint *a,
				 const struct sim_endpoint *b)
{
	const struct sim_endpoint member = member_of(a), other = member_of(b);
	uint64_t from = sim_endpoint_guid(&member, 0);
	uint64_t to = sim_endpoint_guid(&other, 0);

	if ((is_full_in_default(s, &member) || is_full_in_default(s, &other)) &&
	    is_in_default(s, &member) && is_in_default(s, &other) && sees(a, DEFAULT_PKEY) &&
	    sees(b, DEFAULT_PKEY))
		return true;
	for (unsigned i = 0; i < s->n_members; i++) {
		uint16_t pkey = s->members[i].pkey;
		bool is_member;

		if (s->members[i].guid != from)
			continue;
		if ((is_full(s, to, pkey, &is_member) || s->members[i].full) && is_member &&
		    sees(a, pkey) && sees(b, pkey))
			return true;
	}
	return false;
}

bool scenario_may_talk(struct scenario *s, struct sim_port *a, struct sim_port *b)
{
	return scenario_endpoints_may_talk(s, &(struct sim_endpoint){ a, 0 },
					   &(struct sim_endpoint){ b, 0 });
}
