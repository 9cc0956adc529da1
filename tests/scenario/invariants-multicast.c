/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast at rest: what each member of a group sends reaches each other member that receives, and
 * is there, once; and nobody else. Who is member the subnet manager says; what is sent goes by the
 * tables in the devices. While tables are written nothing goes in a circle.
 *
 * Members of a port are one here: the port. Whoever shares its MLID with other groups gets what is
 * sent to them too. To who is neither nothing leaves a switch, also if it would drop it.
 */

#include "tests/scenario/look.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/sim/check.h"
#include "tests/sim/probe.h"
#include "tests/sim/vf.h"

/* By number of the end in the look. */
struct audience {
	struct look *look;
	bool *sends;
	bool *receives;
	bool *shares; /* the MLID, in another group, or none of its business but not ours to say */
	bool *got;
	uint32_t *end_of; /* [node index * 256 + port]: the end, or UINT32_MAX */
};

static void make_room(struct audience *a)
{
	const struct sim_fabric *fabric = a->look->s->fabric;
	size_t n = a->look->n_ends + 1;

	a->sends = calloc(n, 1);
	a->receives = calloc(n, 1);
	a->shares = calloc(n, 1);
	a->got = calloc(n, 1);
	a->end_of = malloc(((size_t)fabric->n_nodes << 8) * sizeof(*a->end_of));
	if (!a->sends || !a->receives || !a->shares || !a->got || !a->end_of)
		abort();
	memset(a->end_of, 0xff, ((size_t)fabric->n_nodes << 8) * sizeof(*a->end_of));
	for (uint32_t i = 0; i < a->look->n_ends; i++)
		a->end_of[(size_t)a->look->ends[i]->node->index << 8 | a->look->ends[i]->number] =
			i;
}

static void drop(struct audience *a)
{
	free(a->sends);
	free(a->receives);
	free(a->shares);
	free(a->got);
	free(a->end_of);
}

static uint32_t end_at(const struct audience *a, const struct sim_port *port)
{
	return a->end_of[(size_t)port->node->index << 8 | port->number];
}

/* The end at which @guid is to be, as the master knows it; UINT32_MAX: nowhere. */
static uint32_t end_of_guid(const struct audience *a, const struct sm *sm, uint64_t guid,
			    const struct group *group)
{
	const struct fabric *f = sm_fabric(sm);
	struct endpoint e = endpoint_find(f, guid);
	uint64_t port_guid;

	if (e.port == NO_PORT || sm_group_obstacle(sm, group, guid))
		return UINT32_MAX;
	port_guid = f->ports[e.port].guid;
	for (uint32_t i = 0; i < a->look->n_ends; i++) {
		struct sim_endpoint end = { a->look->ends[i], 0 };

		if (sim_endpoint_guid(&end, 0) == port_guid)
			return i;
	}
	return UINT32_MAX;
}

/* It, or a virtual function of it, as the device has it. */
static bool has_key(const struct sim_port *port, uint16_t pkey)
{
	struct sim_endpoint e = { .port = (struct sim_port *)(uintptr_t)port };
	unsigned n = sim_has_vfs(port) ? sim_vfs_count(port) : 0;

	while (e.vf <= n)
		if (sim_endpoint_takes_pkey(&e, pkey | 0x8000))
			return true;
		else
			e.vf++;
	return false;
}

/* Who is not in the partition is none of it, whatever the subnet manager says. */
static void take_group(struct audience *a, const struct sm *sm, const struct group *group,
		       bool other)
{
	for (uint32_t i = 0; i < group->n; i++) {
		const struct group_member *m = &group->members[i];
		uint32_t end = end_of_guid(a, sm, m->guid, group);

		if (end == UINT32_MAX || !has_key(a->look->ends[end], group->pkey))
			continue;
		if (other) {
			a->shares[end] = true;
			continue;
		}
		a->sends[end] = true;
		a->receives[end] = a->receives[end] || (m->states & JOIN_RECEIVES);
	}
}

static void note_reached(void *user, const struct sim_endpoint *e)
{
	struct audience *a = user;
	uint32_t end = end_at(a, e->port);

	if (end != UINT32_MAX)
		a->got[end] = true;
}

static uint16_t key_of(const struct sim_port *port, uint16_t pkey)
{
	for (unsigned i = 0; port->pkeys && i < sim_pkey_cap(port); i++)
		if (((be16toh(port->pkeys[i]) ^ pkey) & 0x7fff) == 0)
			return be16toh(port->pkeys[i]);
	return 0;
}

static void compare(struct audience *a, const struct group *group, uint32_t from, uint16_t key)
{
	char name[SIM_ENDPOINT_NAME], far[SIM_ENDPOINT_NAME], mgid[MGID_TEXT_SIZE];

	for (uint32_t i = 0; i < a->look->n_ends; i++) {
		const struct sim_endpoint to = { a->look->ends[i], 0 };
		const struct sim_endpoint sender = { a->look->ends[from], 0 };
		bool due = i != from && a->receives[i] && sim_endpoint_takes_pkey(&to, key);

		if (a->got[i] != due && (due || !a->shares[i]))
			look_say(a->look, "what %s sends to %s (0x%04x) %s %s",
				 sim_endpoint_name(&sender, name), mgid_text(group->mgid, mgid),
				 group->mlid, due ? "does not reach" : "reaches",
				 sim_endpoint_name(&to, far));
	}
}

/* Where a copy was dropped: by a port that has not the P_Key, or the switch before it kept it back.
 */
static bool is_stranger(const struct audience *a, const struct sim_port *at)
{
	uint32_t end;

	if (at->node->sw && at->number && at->far)
		at = at->far;
	end = at->node->sw ? UINT32_MAX : end_at(a, at);
	return end != UINT32_MAX && !a->sends[end] && !a->receives[end] && !a->shares[end];
}

static void try_sender(struct audience *a, const struct group *group, uint32_t from)
{
	struct sim_port *port = a->look->ends[from];
	struct sim_probe probe = { .from = { port, 0 },
				   .dlid = group->mlid,
				   .pkey = key_of(port, group->pkey),
				   .length = 64 };
	char name[SIM_ENDPOINT_NAME];
	struct sim_spread spread;

	/* A virtual function with a key that its port has not is looked at with others. */
	if (!probe.pkey)
		return;
	memset(a->got, 0, a->look->n_ends);
	if (sim_probe_multicast(&probe, note_reached, a, &spread) < 0)
		abort();
	if (spread.n_again || spread.came_back)
		look_say(a->look, "what %s sends to 0x%04x comes to %s twice",
			 sim_endpoint_name(&probe.from, name), group->mlid,
			 spread.again ? spread.again->node->name : "itself");
	if (spread.at && is_stranger(a, spread.at))
		look_say(a->look,
			 "what %s sends to 0x%04x is dropped at %s, on its way to who is no member",
			 sim_endpoint_name(&probe.from, name), group->mlid, spread.at->node->name);
	compare(a, group, from, probe.pkey);
}

static void look_at_group(struct audience *a, const struct sm *sm, const struct group *group)
{
	const struct group_book *book = sm_groups(sm);

	memset(a->sends, 0, a->look->n_ends);
	memset(a->receives, 0, a->look->n_ends);
	memset(a->shares, 0, a->look->n_ends);
	take_group(a, sm, group, false);
	for (const struct group *g = book->by_mlid[group->mlid - MLID_FIRST]; g; g = g->next)
		if (g != group)
			take_group(a, sm, g, true);
	for (uint32_t from = 0; from < a->look->n_ends; from++)
		if (a->sends[from])
			try_sender(a, group, from);
}

void look_at_multicast(struct look *look, const struct sm *sm)
{
	const struct group_book *book = sm_groups(sm);
	struct audience a = { .look = look };

	if (book->n_members == 0 || look->n_ends == 0 || look->but)
		return;
	make_room(&a);
	for (uint32_t i = 0; i < book->n && !look->bad; i++)
		if (book->by_mgid[i]->n > 0)
			look_at_group(&a, sm, book->by_mgid[i]);
	drop(&a);
}

void scenario_watch_multicast(struct scenario *s, bool before)
{
	struct sim_findings findings = { .n = 0 };

	if (sim_check_multicast_now(s->fabric, &findings) < 0)
		abort();
	if (before) {
		s->was_tree = findings.n == 0;
		return;
	}
	s->n_watched_multicast++;
	if (findings.n == 0 || !s->was_tree || s->spoilt[0] || s->lied || !scenario_is_sure(s))
		return;
	snprintf(s->spoilt, sizeof(s->spoilt),
		 "a write into a multicast table makes that %s (and %u more)", findings.text[0],
		 findings.n - 1);
	scenario_happens(s, "%s", s->spoilt);
}
