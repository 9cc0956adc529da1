/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What hosts do with multicast groups in random walks: join some, as whatever they like, leave
 * them, also without being members, and never care for an answer. Some do it for their virtual
 * functions. So few come together in one group by chance that crowds are sent there, too; whoever
 * of these has been told that it is a member has to be one at rest, whatever the subnet manager
 * thinks, which is asked elsewhere who is.
 */

#include "tests/scenario/walk.h"

#include <inttypes.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/scenario/joiner.h"
#include "tests/sim/vf.h"

enum { GROUPS = 5, AT_ONCE = 8, DEFAULT = 0x7fff };

/* The port itself, or the next of its virtual functions that has a GUID. */
static uint64_t some_guid(struct scenario *s, struct sim_port *port)
{
	struct sim_endpoint e = { port, 0 };
	unsigned n = sim_has_vfs(port) ? sim_vfs_count(port) : 0;

	if (n && scenario_random(s, 3))
		e.vf = (uint16_t)(1 + scenario_random(s, n));
	while (e.vf && e.vf < n && !sim_endpoint_guid(&e, 0))
		e.vf++;
	return MAX(sim_endpoint_guid(&e, 0), 1u);
}

/* At the first port of a host: it, or a virtual function, has this GUID. */
static bool is_at(struct sim_node *host, uint64_t guid)
{
	struct sim_endpoint e = { &host->ports[1], 0 };
	unsigned n = sim_has_vfs(e.port) ? sim_vfs_count(e.port) : 0;

	for (; e.vf <= n; e.vf++)
		if (sim_endpoint_guid(&e, 0) == guid)
			return true;
	return false;
}

/* One that is to be in a partition of its own asks for that, so that these have groups, too. */
static struct sim_port *some_member(struct scenario *s, uint16_t *ret_pkey, uint64_t *ret_guid)
{
	const struct scenario_member *m;

	if (!s->n_members)
		return NULL;
	m = &s->members[scenario_random(s, s->n_members)];
	for (uint32_t i = 0; i < s->n_hosts; i++)
		if (!s->hosts[i]->off && is_at(s->hosts[i], m->guid)) {
			*ret_pkey = m->pkey;
			*ret_guid = m->guid;
			return &s->hosts[i]->ports[1];
		}
	return NULL;
}

static struct sim_port *some_port(struct scenario *s, uint16_t *ret_pkey, uint64_t *ret_guid)
{
	struct sim_node *node = s->hosts[scenario_random(s, s->n_hosts)];

	/* Also partitions that have no group but those that their members make, or no member. */
	*ret_pkey = scenario_random(s, 2) ? DEFAULT : (uint16_t)(1 + scenario_random(s, 5));
	if (node->off)
		return NULL;
	*ret_guid = some_guid(s, &node->ports[1]);
	return &node->ports[1];
}

/* Some are none of IP, and are to be on a service level of their own. */
static void set_level(ib_member_rec_t *record, uint32_t group)
{
	if (group == 0 || group % 2)
		return;
	record->mgid.raw[2] = 0x12;
	record->sl_flow_hop = htobe32((group * 2 - 1) << 28);
}

static void ask(struct scenario *s, struct sim_port *port, uint64_t guid, uint16_t pkey)
{
	static const uint8_t states[] = { 1, 1, 1, 2, 4, 8, 9 };
	uint8_t state = states[scenario_random(s, sizeof(states))];
	uint32_t group = (uint32_t)scenario_random(s, GROUPS);
	bool joins = scenario_random(s, 3) != 0;
	bool is_given = group == 0 && pkey == DEFAULT;
	ib_member_rec_t record =
		is_given ? joiner_broadcast(port, guid, pkey, state)
			 : joiner_other(port, guid, pkey, group ? group : UINT32_MAX, state);
	uint64_t mask = !joins ? MCM_MASK_LEAVE : is_given ? MCM_MASK_BROADCAST : MCM_MASK_OTHER;
	struct joiner j;

	set_level(&record, group);
	joiner_open(&j, port);
	if (joiner_send(&j, joins ? SIM_SET : METHOD_DELETE, &record, mask))
		scenario_run(s, scenario_random(s, LOOP_MSEC));
	joiner_close(&j);
}

void walk_join_or_leave(struct scenario *s)
{
	for (uint64_t n = 1 + scenario_random(s, AT_ONCE); n > 0; n--) {
		uint16_t pkey;
		uint64_t guid;
		struct sim_port *port = scenario_random(s, 3) ? some_port(s, &pkey, &guid)
							      : some_member(s, &pkey, &guid);

		if (port)
			ask(s, port, guid, pkey);
	}
	scenario_happens(s, "hosts join and leave multicast groups");
}

/* ---- crowds -----------------------------------------------------------------------------------
 */

enum { CROWDS = 2, CROWD = WALK_JOINED / CROWDS };

struct crowd {
	uint16_t pkey;
	unsigned n;
	struct sim_endpoint end[CROWD];
	struct joiner joiner[CROWD];
};

/* Any that are up, more of the virtual functions than of the ports. */
static void gather(struct scenario *s, struct crowd *crowd)
{
	for (unsigned tries = 0; tries < 4 * CROWD && crowd->n < CROWD; tries++) {
		struct sim_node *node = s->hosts[scenario_random(s, s->n_hosts)];
		struct sim_endpoint e = { &node->ports[1], 0 };
		unsigned n = sim_has_vfs(e.port) ? sim_vfs_count(e.port) : 0;

		if (n && scenario_random(s, 4))
			e.vf = (uint16_t)(1 + scenario_random(s, n));
		if (!node->off && sim_state(e.port) == SIM_ACTIVE && sim_endpoint_guid(&e, 0) &&
		    sim_endpoint_is_up(&e))
			crowd->end[crowd->n++] = e;
	}
}

/* Who shares a port has the keys of that. */
static void let_in(struct scenario *s, const struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->n && s->n_members < SCENARIO_MEMBERS / 2; i++) {
		struct sim_endpoint e = crowd->end[i];

		if (e.port->shared)
			e.vf = 0;
		scenario_join_guid(s, sim_endpoint_guid(&e, 0), crowd->pkey, true);
	}
}

/* The answer of one is waited for with the next: it comes when what is kept is kept. */
static void join_all(struct scenario *s, struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->n; i++) {
		const struct sim_endpoint *e = &crowd->end[i];
		uint64_t guid = sim_endpoint_guid(e, 0);
		ib_member_rec_t record = joiner_other(e->port, guid, crowd->pkey, UINT32_MAX, 1);

		joiner_open(&crowd->joiner[i], e->port);
		if (guid && joiner_send(&crowd->joiner[i], SIM_SET, &record, MCM_MASK_OTHER))
			scenario_run(s, LOOP_MSEC);
	}
}

/*
 * Those who have been told that they are members; not who shares a port, whose device answers, and
 * is member itself or leaves as it likes (tests/sim/shared-groups.c).
 */
static void note_joined(const struct crowd *crowd, struct walk_joined *joined)
{
	for (unsigned i = 0; i < crowd->n; i++) {
		const struct joiner *j = &crowd->joiner[i];

		if (j->answered && j->status == 0 && !crowd->end[i].port->shared)
			joined->member[joined->n++] = (struct walk_member){
				.end = crowd->end[i],
				.guid = be64toh(j->answer.port_gid.unicast.interface_id),
				.mgid = j->answer.mgid,
			};
	}
}

void walk_join_together(struct scenario *s, struct walk_joined *ret)
{
	struct crowd crowds[CROWDS] = { { .pkey = 1 }, { .pkey = 2 } };

	for (unsigned i = 0; i < CROWDS; i++) {
		gather(s, &crowds[i]);
		let_in(s, &crowds[i]);
	}
	scenario_apply_partitions(s);
	scenario_settle(s);
	for (unsigned i = 0; i < CROWDS; i++)
		join_all(s, &crowds[i]);
	scenario_run(s, 100 * LOOP_MSEC);
	*ret = (struct walk_joined){ .master = scenario_master(s) };
	for (unsigned i = 0; i < CROWDS; i++) {
		note_joined(&crowds[i], ret);
		for (unsigned j = 0; j < crowds[i].n; j++)
			joiner_close(&crowds[i].joiner[j]);
	}
	scenario_happens(s, "crowds join a group each, %u are told that they have", ret->n);
}

void walk_expect_joined(struct scenario *s, const struct walk_joined *joined)
{
	const struct scenario_sm *m = scenario_master(s);

	if (!m || m != joined->master || scenario_masters(s) == 3)
		return; /* another knows nothing of it */
	for (unsigned i = 0; i < joined->n; i++) {
		const struct walk_member *w = &joined->member[i];
		const struct group *group;

		if (sim_state(w->end.port) != SIM_ACTIVE || !sim_endpoint_is_up(&w->end) ||
		    sim_endpoint_guid(&w->end, 0) != w->guid)
			continue;
		group = group_find(sm_groups(m->sm), w->mgid.raw);
		if (!group || !group_member_find(group, w->guid))
			scenario_fail(s, "0x%016" PRIx64 " has joined and is no member", w->guid);
	}
}
