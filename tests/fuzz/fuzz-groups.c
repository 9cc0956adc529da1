/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever hosts send to join and leave multicast groups: the books agree with each other, nobody
 * has more than he may, what members send reaches them and nobody else, and a restart finds all as
 * it was.
 *
 * Two switches, four hosts. Input: requests of 64 bytes each. The first says who sends it, the
 * second what is put in its place to get anywhere, bits: 0 our own PortGID, 1 P_Key 0xffff, 2 an
 * MGID of IP (its last byte stays), 3 all components, 4 a Delete, 5 a moment passes, 6 a JoinState
 * that is not 0, 7 the parameters of the broadcast group. Then six bytes of the ComponentMask, and
 * the record.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUEST = 64, REQUESTS_MAX = 48, HOSTS = 4 };

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* ---- requests ----------------------------------------------------------------------------------
 */

static void amend(struct sim_port *port, uint8_t what, uint8_t *record, uint64_t *mask)
{
	uint64_t guid = sim_endpoint_guid(&(struct sim_endpoint){ port, 0 }, 0);
	uint8_t last = record[15];

	if (what & 1) {
		wire_set64(record + MC_MEMBER_PORT_GID_OFFSET, 0,
			   be64toh(port->info.subnet_prefix));
		wire_set64(record + MC_MEMBER_PORT_GID_OFFSET, 1, guid);
	}
	if (what & 2)
		wire_set(record, MCM_PKEY, 0xffff);
	if (what & 4) {
		mgid_of_broadcast(0x7fff, SCOPE_LINK_LOCAL, record);
		record[15] = last;
	}
	if (what & 8)
		*mask = 0x173f7;
	if (what & 64 && wire_get(record, MCM_JOIN_STATE) == 0)
		wire_set(record, MCM_JOIN_STATE, JOIN_FULL);
	if (!(what & 128))
		return;
	wire_set(record, MCM_QKEY, 0x0b1b);
	wire_set(record, MCM_TCLASS, 0);
	wire_set(record, MCM_SL, 0);
	wire_set(record, MCM_FLOW_LABEL, 0);
	wire_set(record, MCM_HOP_LIMIT, 0);
	wire_set(record, MCM_MTU_SELECTOR, 2);
	wire_set(record, MCM_MTU, 4);
	wire_set(record, MCM_RATE_SELECTOR, 2);
	wire_set(record, MCM_RATE, 3);
}

static void ask(struct scenario *s, const uint8_t *input, uint64_t tid)
{
	struct sim_port *port = &s->hosts[input[0] % HOSTS]->ports[1];
	bool is_delete = input[1] & 16;
	uint64_t mask = wire_get64(input, 0) & UINT64_C(0xffffffffffff);
	struct arrival a = { .from = { .lid = sim_lid(port), .qpn = 1 } };
	uint8_t *record = sa_data_of(&a.datagram);

	if (input[0] & 0x80)
		a.from.lid = (uint16_t)(input[0] * 3);
	wire_start(&a.datagram, CLASS_SA, is_delete ? METHOD_DELETE : METHOD_SET,
		   ATTR_SA_MC_MEMBER_RECORD, 0);
	memcpy(record, input + 8, MC_MEMBER_RECORD_SIZE);
	amend(port, input[1], record, &mask);
	wire_set(&a.datagram, MAD_TID, tid);
	wire_set(&a.datagram, SA_COMP_MASK, mask);
	sm_receive(s->first.sm, &a, 1);
	if (input[1] & 32)
		scenario_run(s, 50 * LOOP_MSEC);
}

/* ---- books -------------------------------------------------------------------------------------
 */

static void check_group(const struct group_book *book, const struct group *group)
{
	const struct group *same = book->by_mlid[group->mlid - MLID_FIRST];
	uint32_t n_count = 0;

	while (same && same != group)
		same = same->next;
	check(same == group);
	check(group->mgid[0] == 0xff && (group->pkey & 0x8000) && group_find(book, group->mgid));
	for (uint32_t i = 0; i < group->n; i++) {
		const struct group_member *m = &group->members[i];

		check(m->states != 0 && m->states <= 0xf && m->id != 0);
		check(i == 0 || group->members[i - 1].guid < m->guid);
		n_count += (m->states & JOIN_COUNTS) != 0;
	}
	check(group->n_count == n_count && (group->is_given || n_count > 0));
	check(group->n == 0 || group->id != 0);
}

static void check_book(const struct group_book *book)
{
	uint32_t n_members = 0, n_memberships = 0, n_groups = 0, n_made = 0;
	uint32_t n_proxied = 0, n_held_proxied = 0;

	for (uint32_t i = 0; i < book->n; i++) {
		check(i == 0 || memcmp(book->by_mgid[i - 1]->mgid, book->by_mgid[i]->mgid, 16) < 0);
		check_group(book, book->by_mgid[i]);
		n_members += book->by_mgid[i]->n;
		n_made += book->by_mgid[i]->creator != 0;
		for (uint32_t j = 0; j < book->by_mgid[i]->n; j++)
			n_proxied += book->by_mgid[i]->members[j].proxy;
	}
	for (uint32_t i = 0; i < book->n_holders; i++) {
		const struct group_holder *h = &book->holders[i];

		check(group_holder_find(book, h->guid) == h && h->n + h->n_groups > 0);
		n_memberships += h->n;
		n_groups += h->n_groups;
		n_held_proxied += h->n_proxied;
	}
	check(book->n_members == n_members && n_memberships == n_members && n_groups == n_made);
	check(book->n_proxied == n_proxied && n_held_proxied == n_proxied);
}

/* The same of groups and members; what one of the file is like it has from the file. */
static void check_same(const struct group_book *a, const struct group *before, uint32_t n)
{
	check(a->n == n);
	for (uint32_t i = 0; i < n; i++) {
		const struct group *group = a->by_mgid[i];

		check(memcmp(group->mgid, before[i].mgid, 16) == 0 &&
		      group->mlid == before[i].mlid);
		check(group->n == before[i].n && group->n_count == before[i].n_count);
		check(group->q_key == before[i].q_key && group->mtu == before[i].mtu);
		check(group->creator == before[i].creator);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct group before[REQUESTS_MAX + 8];
	struct scenario *s;
	char why[512];
	uint32_t n;

	/* Half a request is none, and the rest was tried already. */
	if (size % REQUEST)
		return 0;
	s = scenario_new(1);
	s->first.conf.sweep_interval = 0;
	scenario_build(s, graph_make_line(2, 2));
	scenario_start_sm(s);
	scenario_run(s, 5 * LOOP_SEC);
	for (unsigned i = 0; (i + 1) * REQUEST <= size && i < REQUESTS_MAX; i++)
		ask(s, data + (size_t)i * REQUEST, i + 1);
	scenario_run(s, 10 * LOOP_SEC);
	check_book(sm_groups(s->first.sm));
	if (!scenario_is_good(s, NULL, why)) {
		fprintf(stderr, "%s\n", why);
		abort();
	}
	n = sm_groups(s->first.sm)->n;
	check(n < COUNT(before));
	for (uint32_t i = 0; i < n; i++)
		before[i] = *sm_groups(s->first.sm)->by_mgid[i];
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_run(s, 5 * LOOP_SEC);
	check_book(sm_groups(s->first.sm));
	check_same(sm_groups(s->first.sm), before, n);
	check(transport_sim_counts(s->first.transport)->sets == 0);
	scenario_free(s);

	return 0;
}
