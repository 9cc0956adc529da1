/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rules of MCMemberRecord (IBA 15.2.5.17), one request after the other from hosts of a small
 * fabric: what is refused, with which status, and what is answered.
 */

#include "tests/scenario/scenario.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/scenario/joiner.h"
#include "tests/sim/vf.h"

enum {
	FULL = 1,
	NON = 2,
	SEND_ONLY = 4,
	SEND_ONLY_FULL = 8,
	DEFAULT = 0x7fff,
	BLUE = 0x21,
	DELETE = 0x15,

	OK = 0,
	NO_RESOURCES = 0x0100,
	REQ_INVALID = 0x0200,
	NO_RECORDS = 0x0300,
	INVALID_GID = 0x0500,
	LACKS = 0x0600,

	/* Bits of the mask */
	Q_KEY = 1 << 2,
	MLID = 1 << 3,
	MTU = 3 << 4,
	TCLASS = 1 << 6,
	PKEY = 1 << 7,
	RATE = 3 << 8,
	LIFE = 3 << 10,
	SL = 1 << 12,
	FLOW = 1 << 13,
	HOP = 1 << 14,
	SCOPE = 1 << 15,
	ALL = MCM_MASK_OTHER,
	MAKE = MCM_MASK_LEAVE | Q_KEY | TCLASS | PKEY | SL | FLOW,
};

/* ---- asking -------------------------------------------------------------------------------------
 */

static uint64_t guid_of(struct sim_port *port)
{
	return sim_endpoint_guid(&(struct sim_endpoint){ port, 0 }, 0);
}

static int ask(struct scenario *s, struct sim_port *port, uint8_t method,
	       const ib_member_rec_t *record, uint64_t mask, ib_member_rec_t *ret)
{
	struct joiner j;
	int status = -1;

	joiner_open(&j, port);
	assert_true(joiner_send(&j, method, record, mask));
	for (unsigned i = 0; !j.answered && i < 50; i++)
		scenario_run(s, 100 * LOOP_MSEC);
	if (j.answered)
		status = j.status;
	if (ret)
		*ret = j.answer;
	joiner_close(&j);
	return status;
}

static ib_member_rec_t record_of(struct sim_port *port, uint16_t pkey, uint32_t group,
				 uint8_t states)
{
	return joiner_other(port, guid_of(port), pkey, group, states);
}

static int join(struct scenario *s, uint32_t host, uint16_t pkey, uint32_t group, uint8_t states)
{
	struct sim_port *port = scenario_host(s, host);
	ib_member_rec_t record = record_of(port, pkey, group, states);

	return ask(s, port, SIM_SET, &record, ALL, NULL);
}

static const struct group_book *groups(const struct scenario *s)
{
	return sm_groups(s->first.sm);
}

/* ---- making groups ------------------------------------------------------------------------------
 */

struct trial {
	const char *what;
	uint64_t mask;
	int status;
	void (*change)(ib_member_rec_t *record);
};

static void try_all(struct scenario *s, uint32_t host, const struct trial *trials, size_t n,
		    uint32_t group)
{
	for (size_t i = 0; i < n; i++) {
		struct sim_port *port = scenario_host(s, host);
		ib_member_rec_t record = record_of(port, DEFAULT, group, FULL);
		int status;

		if (trials[i].change)
			trials[i].change(&record);
		status = ask(s, port, SIM_SET, &record, trials[i].mask, NULL);
		if (status != trials[i].status)
			scenario_fail(s, "%s: status %#x and not %#x", trials[i].what, status,
				      trials[i].status);
	}
}

static void as_non_member(ib_member_rec_t *r)
{
	r->scope_state = NON;
}

static void no_states(ib_member_rec_t *r)
{
	r->scope_state = 0;
}

static void of_nobody(ib_member_rec_t *r)
{
	r->port_gid.unicast.interface_id = htobe64(0xbad);
}

static void of_another_subnet(ib_member_rec_t *r)
{
	r->port_gid.unicast.prefix = htobe64(0xfec0000000000000);
}

static void unicast(ib_member_rec_t *r)
{
	r->mgid.raw[0] = 0xfe;
}

static void odd_flags(ib_member_rec_t *r)
{
	r->mgid.raw[1] = 0x32;
	r->mgid.raw[2] = 0x12;
}

static void ours_and_link_local(ib_member_rec_t *r)
{
	r->mgid.raw[2] = 0xa0;
}

static void scope_0(ib_member_rec_t *r)
{
	r->mgid.raw[1] = 0x10;
}

static void scope_of_another(ib_member_rec_t *r)
{
	r->scope_state = 5 << 4 | FULL;
}

static void scope_without_ip(ib_member_rec_t *r)
{
	r->mgid.raw[1] = 0x15;
}

static void key_of_another(ib_member_rec_t *r)
{
	r->pkey = htobe16(0x8000 | BLUE);
	r->mgid.raw[4] = 0x80;
	r->mgid.raw[5] = BLUE;
}

static void key_not_of_the_mgid(ib_member_rec_t *r)
{
	r->mgid.raw[5] = BLUE;
}

static void other_q_key(ib_member_rec_t *r)
{
	r->qkey = htobe32(1);
}

static void other_sl(ib_member_rec_t *r)
{
	r->sl_flow_hop = htobe32(1u << 28);
}

static void huge_mtu(ib_member_rec_t *r)
{
	r->mtu = 2 << 6 | 6;
	r->mgid.raw[2] = 0x12;
}

static void huge_rate(ib_member_rec_t *r)
{
	r->rate = 2 << 6 | 24;
	r->mgid.raw[2] = 0x12;
}

static void groups_that_cannot_be_are_refused(void **state)
{
	static const struct trial trials[] = {
		{ "no MGID", ALL & ~1, LACKS, NULL },
		{ "no PortGID", ALL & ~2, LACKS, NULL },
		{ "no JoinState", ALL & ~0x10000, LACKS, NULL },
		{ "nothing said of the group", MCM_MASK_BROADCAST, LACKS, NULL },
		{ "no Q_Key", ALL & ~Q_KEY, LACKS, NULL },
		{ "no TClass", ALL & ~TCLASS, LACKS, NULL },
		{ "no P_Key", ALL & ~PKEY, LACKS, NULL },
		{ "no SL", ALL & ~SL, LACKS, NULL },
		{ "no FlowLabel", ALL & ~FLOW, LACKS, NULL },
		{ "no full member", ALL, REQ_INVALID, as_non_member },
		{ "JoinState 0", ALL, REQ_INVALID, no_states },
		{ "a GUID that nobody has", ALL, INVALID_GID, of_nobody },
		{ "another prefix", ALL, INVALID_GID, of_another_subnet },
		{ "a unicast GID", ALL, REQ_INVALID, unicast },
		{ "reserved flags", ALL, REQ_INVALID, odd_flags },
		{ "an MGID of the SA's", ALL, REQ_INVALID, ours_and_link_local },
		{ "scope 0", ALL, REQ_INVALID, scope_0 },
		{ "there is no IP in the scope", ALL, REQ_INVALID, scope_without_ip },
		{ "it has not the P_Key", ALL, REQ_INVALID, key_of_another },
		{ "the P_Key of the MGID", ALL, REQ_INVALID, key_not_of_the_mgid },
		{ "a Q_Key other than the broadcast group's", ALL, REQ_INVALID, other_q_key },
		{ "another SL", ALL, REQ_INVALID, other_sl },
		{ "a larger MTU than the port's", ALL, REQ_INVALID, huge_mtu },
		{ "a higher rate than the port's", ALL, REQ_INVALID, huge_rate },
	};

	struct scenario *s = *state;

	try_all(s, 1, trials, COUNT(trials), 7);
	assert_int_equal(groups(s)->n, 1);
	assert_int_equal(groups(s)->n_members, 0);
}

static void a_group_is_what_its_maker_says(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1);
	ib_member_rec_t record = record_of(port, DEFAULT, 7, FULL), answer;
	const struct group *group;

	record.mgid.raw[1] = 0x15;
	record.mgid.raw[2] = 0x12;
	record.qkey = htobe32(0x1234567);
	record.tclass = 9;
	record.sl_flow_hop = htobe32(3u << 28 | 0x12345u << 8 | 7);
	record.mtu = 2 << 6 | 3;
	record.rate = 2 << 6 | 2;
	record.pkt_life = 2 << 6 | 5;
	record.mlid = htobe16(0xc009);
	assert_int_equal(ask(s, port, SIM_SET, &record, ALL | LIFE | MLID, &answer), OK);
	group = group_find(groups(s), record.mgid.raw);
	assert_non_null(group);
	assert_int_equal(group->mlid, 0xc009);
	assert_int_equal(group->q_key, 0x1234567);
	assert_int_equal(group->tclass, 9);
	assert_int_equal(group->sl, 3);
	assert_int_equal(group->flow_label, 0x12345);
	assert_int_equal(group->hop_limit, 7);
	assert_int_equal(group->mtu, 3);
	assert_int_equal(group->rate, 2);
	assert_int_equal(group->life, 5);
	assert_int_equal(group->scope, 5);
	assert_int_equal(be16toh(answer.mlid), 0xc009);
	assert_int_equal(answer.scope_state, 5 << 4 | FULL);
	assert_memory_equal(&answer.port_gid, &record.port_gid, sizeof(record.port_gid));
	/* What is not said of limits is what the port has; another scope is not for this link. */
	record.mgid.raw[15]++;
	assert_int_equal(ask(s, port, SIM_SET, &record, MAKE, &answer), OK);
	assert_int_equal(answer.mtu, 2 << 6 | 5);
	assert_int_equal(be32toh(answer.sl_flow_hop) & 0xff, 0xff);
	assert_int_equal(be16toh(answer.mlid), 0xc001);
}

static void an_mgid_of_0_is_the_sa_s_to_choose_once(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1);
	ib_member_rec_t record = record_of(port, DEFAULT, 0, FULL), answer;
	struct joiner j;

	memset(&record.mgid, 0, sizeof(record.mgid));
	joiner_open(&j, port);
	/* The same request, as kernels repeat them. */
	for (unsigned i = 0; i < 3; i++) {
		j.tid = 41;
		assert_true(joiner_send(&j, SIM_SET, &record, ALL));
		scenario_run(s, 100 * LOOP_MSEC);
		assert_true(j.answered);
		assert_int_equal(j.status, OK);
	}
	answer = j.answer;
	joiner_close(&j);
	assert_int_equal(groups(s)->n, 2);
	assert_int_equal(answer.mgid.raw[0], 0xff);
	assert_int_equal(answer.mgid.raw[1], 0x12);
	assert_int_equal(answer.mgid.raw[2], 0xa0);
	assert_int_equal(answer.mgid.raw[3], 0x1b);
	assert_int_equal(ask(s, port, SIM_SET, &record, ALL, NULL), OK);
	assert_int_equal(groups(s)->n, 2 + 1);
}

static void nobody_makes_more_groups_than_he_may(void **state)
{
	struct scenario *s = *state;

	for (unsigned i = 0; i < GROUPS_OF_MAX; i++) {
		struct sim_port *port = scenario_host(s, 1);
		ib_member_rec_t record = record_of(port, DEFAULT, i + 1, FULL);
		struct joiner j;

		joiner_open(&j, port);
		assert_true(joiner_send(&j, SIM_SET, &record, ALL));
		scenario_run(s, 5 * LOOP_MSEC);
		joiner_close(&j);
		if (groups(s)->n < i + 2)
			break;
	}
	/* Before that MLIDs are used up: 1024, and IPv4 groups of one partition share them. */
	assert_int_equal(groups(s)->n, GROUPS_OF_MAX + 1);
	assert_int_equal(groups(s)->n_mlids, 1024);
	assert_int_equal(join(s, 1, DEFAULT, 0x12345, FULL), NO_RESOURCES);
	assert_int_equal(join(s, 2, DEFAULT, 0x12345, FULL), OK);
}

/* Whoever has a P_Key in common with others could else take all that they may make. */
static void a_proxy_makes_groups_of_its_own_account(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 2);

	for (unsigned i = 0; i < GROUPS_OF_MAX; i++) {
		ib_member_rec_t record = record_of(port, DEFAULT, i + 1, FULL);
		struct joiner j;

		joiner_open(&j, scenario_host(s, 1));
		assert_true(joiner_send(&j, SIM_SET, &record, ALL));
		scenario_run(s, 5 * LOOP_MSEC);
		joiner_close(&j);
		if (i >= PROXIED_OF_MAX || groups(s)->n < i + 2)
			break;
	}
	/* No more than others may join for one. */
	assert_int_equal(groups(s)->n, PROXIED_OF_MAX + 1);
	assert_int_equal(group_holder_find(groups(s), guid_of(port))->n_groups, 0);
	assert_int_equal(join(s, 2, DEFAULT, 0x12345, FULL), OK);
	assert_int_equal(join(s, 2, DEFAULT, 1, FULL), OK);
	/* It is its own now: there is room for one. */
	assert_int_equal(groups(s)->n_proxied, PROXIED_OF_MAX - 1);
}

/* ---- joining ------------------------------------------------------------------------------------
 */

static void who_joins_says_nothing_or_the_same(void **state)
{
	static const struct trial trials[] = {
		{ "as IPoIB does", MCM_MASK_BROADCAST, OK, NULL },
		{ "all of it", ALL, OK, NULL },
		{ "another Q_Key", ALL, REQ_INVALID, other_q_key },
		{ "another Q_Key, not said", ALL & ~Q_KEY, OK, other_q_key },
		{ "another SL", ALL, REQ_INVALID, other_sl },
		{ "another scope than that of the MGID", ALL | SCOPE, OK, scope_of_another },
	};

	struct scenario *s = *state;

	assert_int_equal(join(s, 1, DEFAULT, 7, FULL), OK);
	try_all(s, 2, trials, COUNT(trials), 7);
	assert_int_equal(groups(s)->n_members, 2);
}

static void states_add_up_and_are_told(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1);
	ib_member_rec_t record, answer;

	for (unsigned i = 0; i < 4; i++) {
		record = record_of(port, DEFAULT, UINT32_MAX, (uint8_t)(1 << i));
		assert_int_equal(ask(s, port, SIM_SET, &record, ALL, &answer), OK);
		assert_int_equal(answer.scope_state & 0xf, (2 << i) - 1);
	}
	record.scope_state = FULL | SEND_ONLY;
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), OK);
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), REQ_INVALID);
	assert_int_equal(groups(s)->by_mgid[0]->members[0].states, NON | SEND_ONLY_FULL);
}

static void a_group_ends_with_its_last_member_that_counts(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1);
	ib_member_rec_t record = record_of(port, DEFAULT, 7, FULL);

	assert_int_equal(join(s, 1, DEFAULT, 7, FULL), OK);
	assert_int_equal(join(s, 2, DEFAULT, 7, NON), OK);
	assert_int_equal(join(s, 3, DEFAULT, 7, SEND_ONLY_FULL), OK);
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), OK);
	assert_int_equal(groups(s)->n, 2);
	port = scenario_host(s, 3);
	record = record_of(port, DEFAULT, 7, SEND_ONLY_FULL);
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), OK);
	assert_int_equal(groups(s)->n, 1);
	assert_int_equal(groups(s)->n_members, 0);
}

static void proxies_have_the_key_of_the_group(void **state)
{
	struct scenario *s = *state;
	struct sim_port *proxy = scenario_host(s, 1), *port = scenario_host(s, 2);
	ib_member_rec_t record = record_of(port, DEFAULT, UINT32_MAX, FULL), answer;

	assert_int_equal(ask(s, proxy, SIM_SET, &record, ALL, &answer), OK);
	assert_int_equal(answer.proxy_join | *(&answer.scope_state + 1), 0x80);
	/* What it joined itself nobody else takes from it. */
	assert_int_equal(ask(s, port, SIM_SET, &record, ALL, NULL), OK);
	assert_int_equal(ask(s, proxy, DELETE, &record, MCM_MASK_LEAVE, NULL), REQ_INVALID);
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), OK);
	/* Of a partition that it is not in. */
	scenario_add(s, port, BLUE, true);
	scenario_settle(s);
	record = record_of(port, BLUE, UINT32_MAX, FULL);
	assert_int_equal(ask(s, proxy, SIM_SET, &record, ALL, NULL), REQ_INVALID);
	assert_int_equal(ask(s, port, SIM_SET, &record, ALL, NULL), OK);
	assert_int_equal(ask(s, proxy, DELETE, &record, MCM_MASK_LEAVE, NULL), REQ_INVALID);
}

static void a_proxy_takes_nothing_from_who_joined_itself(void **state)
{
	struct scenario *s = *state;
	struct sim_port *proxy = scenario_host(s, 1), *port = scenario_host(s, 2);
	ib_member_rec_t record = record_of(port, DEFAULT, UINT32_MAX, FULL), answer;

	assert_int_equal(ask(s, port, SIM_SET, &record, ALL, NULL), OK);
	assert_int_equal(ask(s, proxy, SIM_SET, &record, ALL, &answer), OK);
	assert_int_equal(answer.proxy_join | *(&answer.scope_state + 1), 0);
	assert_int_equal(ask(s, proxy, DELETE, &record, MCM_MASK_LEAVE, NULL), REQ_INVALID);
	record.scope_state = NON;
	assert_int_equal(ask(s, proxy, SIM_SET, &record, ALL, NULL), REQ_INVALID);
	assert_int_equal(groups(s)->by_mgid[0]->members[0].states, FULL);
	assert_false(groups(s)->by_mgid[0]->members[0].proxy);
}

/* ---- asking who is there ------------------------------------------------------------------------
 */

static void strangers_see_groups_and_no_members(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1), *other = scenario_host(s, 2);
	ib_member_rec_t record = record_of(port, DEFAULT, UINT32_MAX, FULL), answer;

	assert_int_equal(join(s, 1, DEFAULT, UINT32_MAX, FULL), OK);
	assert_int_equal(ask(s, other, SIM_GET, &record, 1, &answer), OK);
	assert_int_equal(answer.port_gid.unicast.interface_id, 0);
	assert_int_equal(answer.scope_state & 0xf, 0);
	assert_int_equal(be16toh(answer.mlid), 0xc000);
	assert_int_equal(ask(s, other, SIM_GET, &record, 3, NULL), NO_RECORDS);
	/* But one sees oneself. */
	assert_int_equal(ask(s, port, SIM_GET, &record, 3, &answer), OK);
	assert_int_equal(answer.scope_state & 0xf, FULL);
	/* By limits of the group. */
	record.mtu = 0 << 6 | 4;
	assert_int_equal(ask(s, port, SIM_GET, &record, MTU, NULL), NO_RECORDS);
	record.mtu = 0 << 6 | 3;
	assert_int_equal(ask(s, port, SIM_GET, &record, MTU, NULL), OK);
}

/* ---- the disk -----------------------------------------------------------------------------------
 */

static void what_the_disk_does_not_take_has_not_been(void **state)
{
	struct scenario *s = *state;
	struct sim_port *port = scenario_host(s, 1);
	ib_member_rec_t record = record_of(port, DEFAULT, 7, FULL);

	assert_int_equal(join(s, 1, DEFAULT, UINT32_MAX, FULL), OK);
	memory_keeper_set_full(s->first.keeper, true);
	assert_int_equal(ask(s, port, SIM_SET, &record, ALL, NULL), NO_RESOURCES);
	record = record_of(port, DEFAULT, UINT32_MAX, FULL);
	assert_int_equal(ask(s, port, DELETE, &record, MCM_MASK_LEAVE, NULL), NO_RESOURCES);
	memory_keeper_set_full(s->first.keeper, false);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(groups(s)->n, 1);
	assert_int_equal(groups(s)->n_members, 1);
	scenario_kill_sm(s);
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(groups(s)->n, 1);
	assert_int_equal(groups(s)->n_members, 1);
}

/* ---- life ---------------------------------------------------------------------------------------
 */

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, scenario_set_up_running, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(groups_that_cannot_be_are_refused),
		TEST(a_group_is_what_its_maker_says),
		TEST(an_mgid_of_0_is_the_sa_s_to_choose_once),
		TEST(nobody_makes_more_groups_than_he_may),
		TEST(a_proxy_makes_groups_of_its_own_account),
		TEST(who_joins_says_nothing_or_the_same),
		TEST(states_add_up_and_are_told),
		TEST(a_group_ends_with_its_last_member_that_counts),
		TEST(proxies_have_the_key_of_the_group),
		TEST(a_proxy_takes_nothing_from_who_joined_itself),
		TEST(strangers_see_groups_and_no_members),
		TEST(what_the_disk_does_not_take_has_not_been),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
