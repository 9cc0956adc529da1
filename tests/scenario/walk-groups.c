/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What hosts do with multicast groups in random walks: join some, as whatever they like, leave
 * them, also without being members, and never care for an answer. Some do it for their virtual
 * functions.
 */

#include "tests/scenario/walk.h"

#include "tests/scenario/joiner.h"
#include "tests/sim/vf.h"

enum { GROUPS = 5, AT_ONCE = 8, DEFAULT = 0x7fff };

/* The port itself, or one of its virtual functions. */
static uint64_t some_guid(struct scenario *s, struct sim_port *port)
{
	struct sim_endpoint e = { port, 0 };
	uint64_t guid;

	if (sim_has_vfs(port) && scenario_random(s, 2))
		e.vf = (uint16_t)(1 + scenario_random(s, sim_vfs_count(port)));
	guid = sim_endpoint_guid(&e, 0);
	return guid ? guid : 1;
}

/* One that is to be in a partition of its own asks for that, so that these have groups, too. */
static struct sim_port *some_member(struct scenario *s, uint16_t *ret_pkey)
{
	const struct scenario_member *m;

	if (!s->n_members)
		return NULL;
	m = &s->members[scenario_random(s, s->n_members)];
	for (uint32_t i = 0; i < s->n_hosts; i++)
		if (!s->hosts[i]->off && scenario_own_guid(&s->hosts[i]->ports[1]) == m->guid) {
			*ret_pkey = m->pkey;
			return &s->hosts[i]->ports[1];
		}
	return NULL;
}

static struct sim_port *some_port(struct scenario *s, uint16_t *ret_pkey)
{
	struct sim_node *node = s->hosts[scenario_random(s, s->n_hosts)];

	/* Also partitions that have no group but those that their members make, or no member. */
	*ret_pkey = scenario_random(s, 2) ? DEFAULT : (uint16_t)(1 + scenario_random(s, 5));
	return node->off ? NULL : &node->ports[1];
}

/* Some are none of IP, and are to be on a service level of their own. */
static void set_level(ib_member_rec_t *record, uint32_t group)
{
	if (group == 0 || group % 2)
		return;
	record->mgid.raw[2] = 0x12;
	record->sl_flow_hop = htobe32((group * 2 - 1) << 28);
}

static void ask(struct scenario *s, struct sim_port *port, uint16_t pkey)
{
	static const uint8_t states[] = { 1, 1, 1, 2, 4, 8, 9 };
	uint8_t state = states[scenario_random(s, sizeof(states))];
	uint64_t guid = some_guid(s, port);
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
		struct sim_port *port =
			scenario_random(s, 3) ? some_port(s, &pkey) : some_member(s, &pkey);

		if (port)
			ask(s, port, pkey);
	}
	scenario_happens(s, "hosts join and leave multicast groups");
}
