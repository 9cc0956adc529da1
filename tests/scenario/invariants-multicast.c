/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast at rest: what each member of a group sends reaches each other member that receives, and
 * is there, once; and nobody else. Who is member the subnet manager says; what is sent goes by the
 * tables in the devices. While tables are written nothing goes in a circle.
 *
 * A port and each of its virtual functions is a member, and sends, by itself, with its own P_Keys.
 * What comes to the port its device hands on to each that has the P_Key, member or not, and what is
 * sent at the port to its neighbours there without a switch; so for each of them it is the subnet
 * manager's affair that who is to be in the partition is up and has the key, and nobody else has.
 * Whoever shares its MLID with other groups gets what is sent to them too. To who is neither
 * nothing leaves a switch, also if it would drop it.
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

struct listener {
	uint32_t end; /* in the look */
	uint16_t vf;
	bool receives;
	unsigned n_got; /* copies of what is being sent */
};

struct audience {
	struct look *look;
	struct listener *members; /* of one group */
	uint32_t n_members;
	bool *is_member;           /* [end]: it, or a virtual function of it */
	bool *shares;              /* [end]: the MLID, in another group */
	bool *got;                 /* [end] */
	uint32_t *end_of;          /* [node index * 256 + port]: the end, or UINT32_MAX */
	const struct group *group; /* that is sent to */
};

static void make_room(struct audience *a, const struct group_book *book)
{
	const struct sim_fabric *fabric = a->look->s->fabric;
	size_t n = a->look->n_ends + 1;

	a->members = calloc(book->n_members + (size_t)1, sizeof(*a->members));
	a->is_member = calloc(n, 1);
	a->shares = calloc(n, 1);
	a->got = calloc(n, 1);
	a->end_of = malloc(((size_t)fabric->n_nodes << 8) * sizeof(*a->end_of));
	if (!a->members || !a->is_member || !a->shares || !a->got || !a->end_of)
		abort();
	memset(a->end_of, 0xff, ((size_t)fabric->n_nodes << 8) * sizeof(*a->end_of));
	for (uint32_t i = 0; i < a->look->n_ends; i++)
		a->end_of[(size_t)a->look->ends[i]->node->index << 8 | a->look->ends[i]->number] =
			i;
}

static void drop(struct audience *a)
{
	free(a->members);
	free(a->is_member);
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

static bool has_guid(const struct sim_endpoint *e, uint64_t guid)
{
	for (unsigned i = 0; i < sim_endpoint_n_guids(e); i++)
		if (sim_endpoint_guid(e, i) == guid)
			return true;
	return false;
}

/*
 * Whose GUID it is at @port: its own, before a virtual function's that was given the same; of
 * several of these that of which is up.
 */
static uint16_t vf_of_guid(struct sim_port *port, uint64_t guid)
{
	struct sim_endpoint e = { port, 0 };
	unsigned n = sim_has_vfs(port) ? sim_vfs_count(port) : 0;
	uint16_t found = 0;

	for (; e.vf <= n; e.vf++) {
		if (!has_guid(&e, guid))
			continue;
		if (sim_endpoint_is_up(&e))
			return e.vf;
		found = e.vf;
	}
	return found;
}

static struct sim_endpoint endpoint_of(const struct audience *a, const struct listener *l)
{
	return (struct sim_endpoint){ a->look->ends[l->end], l->vf };
}

/* Who shares a port has that one's table, as far as its device has it see that. */
static struct sim_endpoint holder_of(const struct sim_endpoint *e)
{
	return (struct sim_endpoint){ e->port, e->port->shared ? 0 : e->vf };
}

static bool is_to_be_in(const struct audience *a, const struct sim_endpoint *e, uint16_t pkey)
{
	const struct sim_endpoint holder = holder_of(e);

	for (unsigned i = 0; i < sim_endpoint_n_guids(&holder); i++)
		if (scenario_is_member(a->look->s, sim_endpoint_guid(&holder, i), pkey & 0x7fff))
			return true;
	return false;
}

/*
 * The subnet manager counts it as a member and has not given it the key. What is sent to the group
 * comes to a port all the same whose VF does not see the key that it was given.
 */
static void expect_outside(struct audience *a, const struct group *group,
			   const struct sim_endpoint *e)
{
	const struct sim_endpoint holder = holder_of(e);
	char name[SIM_ENDPOINT_NAME];

	if (sim_endpoint_is_up(e) && is_to_be_in(a, e, group->pkey) &&
	    !sim_endpoint_takes_pkey(&holder, group->pkey | 0x8000))
		look_say(a->look, "%s is a member of 0x%04x and takes nothing with P_Key %#x",
			 sim_endpoint_name(e, name), group->mlid, group->pkey);
	a->shares[end_at(a, e->port)] |= sim_endpoint_takes_pkey(&holder, group->pkey | 0x8000);
}

/* Who is not in the partition is none of it, whatever the subnet manager says. */
static void take_group(struct audience *a, const struct sm *sm, const struct group *group,
		       bool other)
{
	for (uint32_t i = 0; i < group->n; i++) {
		const struct group_member *m = &group->members[i];
		struct listener l = { .end = end_of_guid(a, sm, m->guid, group),
				      .receives = m->states & JOIN_RECEIVES };
		struct sim_endpoint e;

		if (l.end == UINT32_MAX)
			continue;
		l.vf = vf_of_guid(a->look->ends[l.end], m->guid);
		e = endpoint_of(a, &l);
		if (!sim_endpoint_takes_pkey(&e, group->pkey | 0x8000)) {
			expect_outside(a, group, &e);
			continue;
		}
		if (other) {
			a->shares[l.end] = true;
			continue;
		}
		a->is_member[l.end] = true;
		a->members[a->n_members++] = l;
	}
}

static void note_reached(void *user, const struct sim_endpoint *e)
{
	struct audience *a = user;
	uint32_t end = end_at(a, e->port);
	char name[SIM_ENDPOINT_NAME];

	if (end == UINT32_MAX)
		return;
	a->got[end] = true;
	for (uint32_t i = 0; i < a->n_members; i++)
		if (a->members[i].end == end && a->members[i].vf == e->vf)
			a->members[i].n_got++;
	if (!is_to_be_in(a, e, a->group->pkey))
		look_say(a->look,
			 "%s is not to be in partition %#x and gets what is sent to 0x%04x",
			 sim_endpoint_name(e, name), a->group->pkey, a->group->mlid);
}

/* The one that it has of both for the partition; 0: none. */
static uint16_t key_of(const struct sim_endpoint *e, uint16_t pkey)
{
	if (sim_endpoint_has_pkey(e, pkey | 0x8000))
		return pkey | 0x8000;

	return sim_endpoint_has_pkey(e, pkey & 0x7fff) ? pkey & 0x7fff : 0;
}

static bool receives_at(const struct audience *a, uint32_t end)
{
	for (uint32_t i = 0; i < a->n_members; i++)
		if (a->members[i].end == end && a->members[i].receives)
			return true;
	return false;
}

static void say(struct audience *a, const struct group *group, const struct sim_endpoint *from,
		const struct sim_endpoint *to, const char *what)
{
	char name[SIM_ENDPOINT_NAME], far[SIM_ENDPOINT_NAME], mgid[MGID_TEXT_SIZE];

	look_say(a->look, "what %s sends to %s (0x%04x) %s %s", sim_endpoint_name(from, name),
		 mgid_text(group->mgid, mgid), group->mlid, what, sim_endpoint_name(to, far));
}

/* What is sent at a port its device hands on there by itself. */
static void compare(struct audience *a, const struct group *group, const struct sim_probe *probe)
{
	for (uint32_t i = 0; i < a->n_members; i++) {
		const struct listener *l = &a->members[i];
		struct sim_endpoint to = endpoint_of(a, l);

		if (l->n_got > 1)
			say(a, group, &probe->from, &to, "comes twice to");
		if (l->receives && !l->n_got && to.port != probe->from.port &&
		    sim_endpoint_is_up(&to) && sim_endpoint_takes_pkey(&to, probe->pkey))
			say(a, group, &probe->from, &to, "does not reach");
	}
	for (uint32_t i = 0; i < a->look->n_ends; i++) {
		const struct sim_endpoint to = { a->look->ends[i], 0 };

		if (a->got[i] && !a->shares[i] && !receives_at(a, i))
			say(a, group, &probe->from, &to, "reaches");
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
	return end != UINT32_MAX && !a->is_member[end] && !a->shares[end];
}

static void try_sender(struct audience *a, const struct group *group, const struct listener *from)
{
	struct sim_probe probe = { .from = endpoint_of(a, from),
				   .dlid = group->mlid,
				   .length = 64 };
	char name[SIM_ENDPOINT_NAME];
	struct sim_spread spread;

	probe.pkey = key_of(&probe.from, group->pkey);
	if (!probe.pkey)
		return;
	memset(a->got, 0, a->look->n_ends);
	for (uint32_t i = 0; i < a->n_members; i++)
		a->members[i].n_got = 0;
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
	compare(a, group, &probe);
}

static void look_at_group(struct audience *a, const struct sm *sm, const struct group *group)
{
	const struct group_book *book = sm_groups(sm);

	memset(a->is_member, 0, a->look->n_ends);
	memset(a->shares, 0, a->look->n_ends);
	a->n_members = 0;
	a->group = group;
	take_group(a, sm, group, false);
	for (const struct group *g = book->by_mlid[group->mlid - MLID_FIRST]; g; g = g->next)
		if (g != group)
			take_group(a, sm, g, true);
	for (uint32_t i = 0; i < a->n_members; i++)
		try_sender(a, group, &a->members[i]);
}

void look_at_multicast(struct look *look, const struct sm *sm)
{
	const struct group_book *book = sm_groups(sm);
	struct audience a = { .look = look };

	if (book->n_members == 0 || look->n_ends == 0 || look->but)
		return;
	make_room(&a, book);
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
