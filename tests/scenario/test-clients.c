/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What clients of the subnet administration send, request by request and in their own way: the
 * kernel's ib_sa with its eleven copies, IPoIB, rdma_cm, the SRP initiator and srp_daemon, ibacm.
 * Masks, fields, and what each of them makes of an answer are theirs.
 */

#include "tests/scenario/joiner.h"
#include "tests/scenario/sa-client.h"
#include "tests/scenario/timed-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/sim/trap.h"

enum {
	CLASS_PORT_INFO = 0x01,
	INFORM_INFO = 0x03,
	NODE_RECORD = 0x11,
	PORT_INFO_RECORD = 0x12,
	PATH_RECORD = 0x35,
	MC_MEMBER = 0x38,
	DELETE = 0x15,
	GET_TABLE = 0x12,
};

enum { OK = 0, NO_RECORDS = 0x0300 };
enum { FULL = 1, SEND_ONLY_FULL = 8 };

#define COPIES     11 /* ib_sa: ten retries */
#define REVERSIBLE 0x80

/* A host of a tree that is up, and a QP1 of it. */
struct desk {
	struct scenario *s;
	struct sim_port *port, *other;
	struct sa_client client;
};

static struct desk *open_desk(void **state)
{
	static struct desk d;

	d.s = *state;
	scenario_build(d.s, graph_make_ft2(6));
	scenario_start_sm(d.s);
	scenario_settle(d.s);
	scenario_expect_all_good(d.s);
	d.port = scenario_host(d.s, 2);
	d.other = scenario_host(d.s, 7);
	sa_client_open(&d.client, d.port, 0, 1);
	return &d;
}

static void close_desk(struct desk *d)
{
	sa_client_close(&d->client);
	scenario_settle(d->s);
	scenario_expect_all_good(d->s);
}

static unsigned ask(struct desk *d, uint8_t method, uint16_t attr, uint64_t mask,
		    const void *record, size_t size)
{
	return sa_client_ask(d->s, &d->client, method, attr, mask, record, size);
}

static const ib_sa_mad_t *answer_of(const struct desk *d)
{
	return (const ib_sa_mad_t *)d->client.answer.bytes;
}

static uint32_t n_members(const struct desk *d)
{
	return sm_groups(d->s->first.sm)->n_members;
}

/* ---- ib_sa ------------------------------------------------------------------------------------
 */

static void the_kernel_asks_what_the_sa_can(void **state)
{
	struct desk *d = open_desk(state);
	const ib_class_port_info_t *info = (const void *)sa_client_record(&d->client);

	assert_int_equal(ask(d, SIM_GET, CLASS_PORT_INFO, 0, "", 1), OK);
	assert_int_equal(info->base_ver, 1);
	assert_int_equal(info->class_ver, 2);
	/* srp_daemon: CapabilityMask of PortInfoRecords is compared as a mask. */
	assert_true(be16toh(info->cap_mask) & 0x2000);
	/* IPoIB: SendOnlyFullMember is known. */
	assert_true(be32toh(info->cap_mask2_resp_time) >> 5 & 1 << 12);
	close_desk(d);
}

/* The same eleven times, as the first answers were late: the same answer, and one change. */
static void eleven_copies_are_one_request(void **state)
{
	struct desk *d = open_desk(state);
	ib_member_rec_t record = joiner_broadcast(d->port, d->port->guid, 0x7fff, FULL);
	struct sim_packet first;

	sa_client_send(&d->client, SIM_SET, MC_MEMBER, MCM_MASK_BROADCAST, &record, sizeof(record));
	scenario_run(d->s, 300 * LOOP_MSEC);
	assert_int_equal(d->client.n_answers, 1);
	first = d->client.answer;
	for (unsigned i = 1; i < COPIES; i++) {
		sa_client_send_again(&d->client, SIM_SET, MC_MEMBER, MCM_MASK_BROADCAST, &record,
				     sizeof(record));
		scenario_run(d->s, 300 * LOOP_MSEC);
		assert_int_equal(d->client.n_answers, 1 + i);
		assert_memory_equal(d->client.answer.bytes, first.bytes, SIM_MAD_SIZE);
	}
	assert_int_equal(n_members(d), 1);
	close_desk(d);
}

/* mlx4 has the number of a VF in the top byte. */
static void all_of_a_tid_comes_back(void **state)
{
	struct desk *d = open_desk(state);
	uint64_t tid;

	d->client.tid = 0xff000000;
	assert_int_equal(ask(d, SIM_GET, CLASS_PORT_INFO, 0, "", 1), OK);
	tid = be64toh(d->client.answer.mad.trans_id);
	assert_int_equal(tid & 0xffffffff, 0xff000001);
	assert_true(tid >> 32); /* the kernel's agent */
	close_desk(d);
}

/* ---- IPoIB ------------------------------------------------------------------------------------
 */

static ib_member_rec_t join(struct desk *d, const ib_member_rec_t *record, uint64_t mask)
{
	ib_member_rec_t answer;

	assert_int_equal(ask(d, SIM_SET, MC_MEMBER, mask, record, sizeof(*record)), OK);
	memcpy(&answer, sa_client_record(&d->client), sizeof(answer));
	/* multicast.c asks again, for ever, if it is not member as it asked. */
	assert_int_equal(answer.scope_state & record->scope_state & 0xf, record->scope_state & 0xf);
	assert_memory_equal(&answer.port_gid, &record->port_gid, sizeof(answer.port_gid));
	assert_true(be16toh(answer.mlid) >= MLID_FIRST);
	return answer;
}

static ib_member_rec_t join_broadcast(struct desk *d, const struct sim_port *port)
{
	ib_member_rec_t record = joiner_broadcast(port, port->guid, 0x7fff, FULL);

	return join(d, &record, MCM_MASK_BROADCAST);
}

/* As IPoIB fills it in: all but the group is the broadcast group's. */
static ib_member_rec_t like_broadcast(const ib_member_rec_t *broadcast, uint32_t group,
				      uint8_t states)
{
	ib_member_rec_t record = *broadcast;

	for (unsigned i = 0; i < 4; i++)
		record.mgid.raw[12 + i] = (uint8_t)(group >> (24 - 8 * i));
	record.mlid = 0;
	record.mtu = (uint8_t)(2 << 6 | (broadcast->mtu & 0x3f));
	record.rate = (uint8_t)(2 << 6 | (broadcast->rate & 0x3f));
	record.scope_state = states;
	return record;
}

static void ipoib_joins_what_it_needs(void **state)
{
	struct desk *d = open_desk(state);
	ib_member_rec_t broadcast = join_broadcast(d, d->port);
	ib_member_rec_t all_hosts = like_broadcast(&broadcast, 0xe0000001, FULL);
	ib_member_rec_t to_router = like_broadcast(&broadcast, 0xe0000002, SEND_ONLY_FULL);
	ib_member_rec_t answer;

	assert_int_equal(be32toh(broadcast.qkey), 0x0b1b);
	assert_int_equal(broadcast.mtu & 0x3f, 4);
	assert_int_equal(broadcast.rate & 0x3f, 3);
	assert_int_equal(be32toh(broadcast.sl_flow_hop) >> 28, 0);
	assert_int_equal(broadcast.scope_state >> 4, 2);
	answer = join(d, &all_hosts, MCM_MASK_OTHER);
	assert_int_not_equal(answer.mlid, broadcast.mlid);
	join(d, &to_router, MCM_MASK_OTHER);
	assert_int_equal(n_members(d), 3);
	close_desk(d);
}

/* After a port error it joins anew and has not left; a leave may come before or after. */
static void ipoib_flushes_in_any_order(void **state)
{
	struct desk *d = open_desk(state);
	ib_member_rec_t broadcast = join_broadcast(d, d->port);
	ib_member_rec_t leave = broadcast;

	leave.scope_state = FULL;
	join_broadcast(d, d->port);
	assert_int_equal(n_members(d), 1);
	assert_int_equal(ask(d, DELETE, MC_MEMBER, MCM_MASK_LEAVE, &leave, sizeof(leave)), OK);
	assert_int_equal(n_members(d), 0);
	/* Who is no member is told that something is wrong, whatever; and can join. */
	assert_int_not_equal(ask(d, DELETE, MC_MEMBER, MCM_MASK_LEAVE, &leave, sizeof(leave)), OK);
	join_broadcast(d, d->port);
	assert_int_equal(n_members(d), 1);
	close_desk(d);
}

/* Its path: 100 ms, eleven copies. @mask: of GIDs and what else it says. */
static ib_path_rec_t path(struct desk *d, uint64_t mask, ib_path_rec_t record)
{
	ib_path_rec_t answer;

	record.dgid.unicast.prefix = record.sgid.unicast.prefix = d->port->info.subnet_prefix;
	record.dgid.unicast.interface_id = htobe64(d->other->guid);
	record.sgid.unicast.interface_id = htobe64(d->port->guid);
	assert_int_equal(ask(d, SIM_GET, PATH_RECORD, mask, &record, sizeof(record)), OK);
	assert_int_equal(answer_of(d)->rmpp_flags, 0);
	memcpy(&answer, sa_client_record(&d->client), sizeof(answer));
	assert_int_equal(be16toh(answer.slid), sim_lid(d->port));
	assert_int_equal(be16toh(answer.dlid), sim_lid(d->other));
	assert_int_equal(be16toh(answer.pkey), 0xffff);
	assert_int_equal(be32toh(answer.hop_flow_raw) & 0xff, 0); /* else it would use a GRH */
	assert_true((answer.mtu & 0x3f) >= 1 && (answer.rate & 0x3f) >= 2);
	assert_true((answer.pkt_life & 0x3f) > 0);
	return answer;
}

static void ipoib_asks_for_paths(void **state)
{
	struct desk *d = open_desk(state);

	path(d, 0x340c, (ib_path_rec_t){ .num_path = 1, .pkey = 0xffff });
	close_desk(d);
}

/* All that is asked to register again: joins, and what else it wants to know, of all at once. */
static void a_burst_of_registrations_changes_nothing(void **state)
{
	struct desk *d = open_desk(state);
	struct sa_client client[16];
	unsigned n = MIN(COUNT(client), d->s->n_hosts - 1);
	uint64_t sets;

	sa_client_close(&d->client);
	for (unsigned round = 0; round < 2; round++) {
		sets = transport_sim_counts(d->s->first.transport)->sets;
		for (unsigned i = 0; i < n; i++) {
			struct sim_port *port = scenario_host(d->s, 1 + i);
			ib_member_rec_t b = joiner_broadcast(port, port->guid, 0x7fff, FULL);
			ib_member_rec_t o =
				joiner_other(port, port->guid, 0x7fff, 0xe0000001, FULL);

			sa_client_open(&client[i], port, 0, 1);
			sa_client_send(&client[i], SIM_SET, MC_MEMBER, MCM_MASK_BROADCAST, &b,
				       sizeof(b));
			sa_client_send(&client[i], SIM_SET, MC_MEMBER, MCM_MASK_OTHER, &o,
				       sizeof(o));
			sa_client_send(&client[i], SIM_GET, CLASS_PORT_INFO, 0, "", 1);
		}
		scenario_run(d->s, LOOP_SEC);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(client[i].n_answers, 3);
			sa_client_close(&client[i]);
		}
		assert_int_equal(n_members(d), 2 * n);
	}
	/* All are members as they were: no table changes. */
	assert_int_equal(transport_sim_counts(d->s->first.transport)->sets, sets);
	scenario_expect_all_good(d->s);
}

/* ---- rdma_cm and SRP --------------------------------------------------------------------------
 */

static void rdma_cm_asks_for_paths(void **state)
{
	struct desk *d = open_desk(state);
	ib_path_rec_t v4 = { .service_id = htobe64(0x01064e20),
			     .num_path = REVERSIBLE | 1,
			     .pkey = 0xffff,
			     .qos_class_sl = htobe16(0x18 << 4) };
	ib_path_rec_t v6 = { .service_id = htobe64(0x01064e20),
			     .num_path = REVERSIBLE | 1,
			     .pkey = 0xffff,
			     .tclass = 0x18 };
	ib_path_rec_t srp = { .service_id = htobe64(0x0102030405060708),
			      .num_path = 1,
			      .pkey = 0xffff };

	assert_true(path(d, 0x780f, v4).num_path & REVERSIBLE);
	assert_true(path(d, 0x3c0f, v6).num_path & REVERSIBLE);
	path(d, 0x300f, srp);
	close_desk(d);
}

static void rdma_cm_joins_for_udp_and_for_ipoib(void **state)
{
	struct desk *d = open_desk(state);
	ib_member_rec_t broadcast = join_broadcast(d, d->port);
	ib_member_rec_t udp = like_broadcast(&broadcast, 0x0a0b0c0d, FULL);
	ib_member_rec_t ipoib = like_broadcast(&broadcast, 0xe1020304, FULL);
	ib_member_rec_t answer;

	udp.mgid.raw[3] = 0x01;
	udp.qkey = htobe32(0x01234567);
	answer = join(d, &udp, 0x130c7);
	assert_int_equal(be32toh(answer.qkey), 0x01234567);
	/* It says neither MTU nor rate: they are what its port can. */
	assert_true((answer.mtu & 0x3f) >= 1 && (answer.rate & 0x3f) >= 2);
	join(d, &ipoib, MCM_MASK_OTHER);
	assert_int_equal(n_members(d), 3);
	close_desk(d);
}

/* ---- srp_daemon -------------------------------------------------------------------------------
 */

/* One record, as a GetTable of it has: with an offset, which it divides by. */
static unsigned n_records(const struct desk *d, unsigned size)
{
	const ib_sa_mad_t *mad = answer_of(d);
	unsigned length = be32toh(mad->paylen_newwin) - 20;

	assert_int_equal(be16toh(mad->status), OK);
	if (be16toh(mad->attr_offset) == 0)
		return 0;
	assert_int_equal(be16toh(mad->attr_offset) * 8, size);
	return length / size;
}

static void srp_daemon_finds_device_managers(void **state)
{
	struct desk *d = open_desk(state);
	ib_portinfo_record_t wanted = { 0 };
	ib_portinfo_record_t record;

	wanted.port_info.capability_mask = htobe32(0x00080000);
	d->other->info.capability_mask |= htobe32(0x00080000);
	sim_trap_capability(d->other);
	scenario_run(d->s, 5 * LOOP_SEC);
	scenario_settle(d->s);
	sa_client_send_modified(&d->client, GET_TABLE, PORT_INFO_RECORD, UINT32_C(1) << 31, 0x80,
				&wanted, sizeof(wanted));
	scenario_run(d->s, LOOP_SEC);
	assert_int_equal(n_records(d, sizeof(record)), 1);
	memcpy(&record, sa_client_record(&d->client), sizeof(record));
	assert_int_equal(be16toh(record.lid), sim_lid(d->other));
	close_desk(d);
}

static void srp_daemon_looks_at_a_target(void **state)
{
	struct desk *d = open_desk(state);
	uint16_t lid = htobe16(sim_lid(d->other));
	ib_path_rec_t by_lid = { .dlid = lid, .slid = htobe16(sim_lid(d->port)), .pkey = 0xffff };
	ib_path_rec_t self = { .num_path = REVERSIBLE | 1 };

	assert_int_equal(ask(d, SIM_GET, NODE_RECORD, 1, &lid, sizeof(lid)), OK);
	assert_int_equal(ask(d, SIM_GET, PORT_INFO_RECORD, 1, &lid, sizeof(lid)), OK);
	assert_int_equal(ask(d, SIM_GET, PATH_RECORD, 0x2030, &by_lid, sizeof(by_lid)), OK);
	by_lid.pkey = htobe16(0x8001); /* a key that the target has not */
	assert_int_equal(ask(d, SIM_GET, PATH_RECORD, 0x2030, &by_lid, sizeof(by_lid)), NO_RECORDS);
	/* What it asks of a GID of which trap 64 told: its LID. */
	self.dgid.unicast.prefix = self.sgid.unicast.prefix = d->port->info.subnet_prefix;
	self.dgid.unicast.interface_id = self.sgid.unicast.interface_id = htobe64(d->other->guid);
	assert_int_equal(ask(d, SIM_GET, PATH_RECORD, 0x124c, &self, sizeof(self)), OK);
	assert_int_equal(((const ib_path_rec_t *)sa_client_record(&d->client))->dlid, lid);
	close_desk(d);
}

/* ---- ibacm ------------------------------------------------------------------------------------
 */

static ib_member_rec_t acm_group(const struct sim_port *port, uint8_t mtu, uint8_t rate)
{
	ib_member_rec_t record = joiner_broadcast(port, port->guid, 0x7fff, FULL);

	memset(&record.mgid, 0, sizeof(record.mgid));
	record.mgid.raw[0] = 0xff;
	record.mgid.raw[1] = 0x15;
	record.mgid.raw[2] = 0x40;
	record.mgid.raw[3] = 0x01;
	record.mgid.raw[4] = 0xff;
	record.mgid.raw[5] = 0xff;
	record.mgid.raw[7] = rate;
	record.mgid.raw[8] = mtu;
	record.qkey = htobe32(0x01234567);
	record.mtu = (uint8_t)(2 << 6 | mtu);
	record.rate = (uint8_t)(2 << 6 | rate);
	record.scope_state = 5 << 4 | FULL;
	return record;
}

static void ibacm_makes_a_group_for_each_rate(void **state)
{
	struct desk *d = open_desk(state);
	ib_member_rec_t slow = acm_group(d->port, 4, 3), fast = acm_group(d->port, 4, 7);
	ib_path_rec_t all = { .num_path = REVERSIBLE,
			      .pkey = 0xffff,
			      .dlid = htobe16(sim_lid(d->other)),
			      .slid = htobe16(sim_lid(d->port)) };
	ib_member_rec_t answer = join(d, &slow, 0x1b3f7);

	assert_int_equal(answer.rate & 0x3f, 3);
	assert_int_equal(answer.scope_state >> 4, 5);
	answer = join(d, &fast, 0x1b3f7);
	assert_int_equal(answer.rate & 0x3f, 7);
	assert_int_equal(n_members(d), 2);
	path(d, 0x283c, all);
	close_desk(d);
}

/* ---- while much happens -----------------------------------------------------------------------
 */

/* Asks for its path every millisecond, for so many. The longest that it waited, in milliseconds. */
static unsigned ask_on(struct desk *d, unsigned ms)
{
	ib_path_rec_t record = { .num_path = 1 };
	unsigned sent = 0, waited = 0, longest = 0;

	record.dgid.unicast.prefix = record.sgid.unicast.prefix = d->port->info.subnet_prefix;
	record.dgid.unicast.interface_id = htobe64(d->port->guid);
	record.sgid.unicast.interface_id = htobe64(d->port->guid);
	d->client.n_answers = 0;
	while (ms-- > 0) {
		sa_client_send(&d->client, SIM_GET, PATH_RECORD, 0xc, &record, sizeof(record));
		sent++;
		scenario_run(d->s, LOOP_MSEC);
		waited = d->client.n_answers < sent ? waited + 1 : 0;
		longest = MAX(longest, waited);
	}
	assert_true(sent > 0 && d->client.n_answers + longest >= sent);
	return longest;
}

/* The n-th cable from a leaf that neither is at: no packet of theirs is lost with it. */
static struct sim_port *cable_of_others(struct desk *d, unsigned n)
{
	const struct sim_node *ours = d->s->first.port->far->node, *theirs = d->port->far->node;

	for (uint32_t i = 0; i < d->s->n_links; i++) {
		struct sim_port *a = scenario_link(d->s, i);
		const struct sim_node *x = a->node, *y = a->far ? a->far->node : NULL;

		if (y && x->info.node_type == IB_NODE_TYPE_SWITCH &&
		    y->info.node_type == IB_NODE_TYPE_SWITCH && x != ours && y != ours &&
		    x != theirs && y != theirs && n-- == 0)
			return a;
	}
	fail();
	return NULL;
}

static void answers_come_soon_while_the_fabric_comes_up_and_changes(void **state)
{
	struct desk d = { .s = *state };
	unsigned ms = 0;

	scenario_build(d.s, timed_make_tree());
	timed_serve(d.s);
	d.port = scenario_host(d.s, 40);
	sa_client_open(&d.client, d.port, 0, 1);
	scenario_start_sm(d.s);
	while (sim_state(d.port) != SIM_ACTIVE) {
		scenario_run(d.s, LOOP_MSEC);
		assert_true(ms++ < 1000);
	}
	assert_in_range(ask_on(&d, 50), 0, 10);
	for (unsigned i = 0; i < 8; i++) {
		scenario_pull(d.s, cable_of_others(&d, 3 * i));
		assert_in_range(ask_on(&d, 20), 0, 10);
	}
	sm_sweep(d.s->first.sm, true);
	assert_in_range(ask_on(&d, 100), 0, 10);
	sa_client_close(&d.client);
}

/* ---- all --------------------------------------------------------------------------------------
 */

static void unknown_components_are_passed_over(void **state)
{
	struct desk *d = open_desk(state);

	path(d, UINT64_C(0xffffffff0000000c), (ib_path_rec_t){ 0 });
	close_desk(d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_kernel_asks_what_the_sa_can),
		TEST(eleven_copies_are_one_request),
		TEST(all_of_a_tid_comes_back),
		TEST(ipoib_joins_what_it_needs),
		TEST(ipoib_flushes_in_any_order),
		TEST(ipoib_asks_for_paths),
		TEST(a_burst_of_registrations_changes_nothing),
		TEST(rdma_cm_asks_for_paths),
		TEST(rdma_cm_joins_for_udp_and_for_ipoib),
		TEST(srp_daemon_finds_device_managers),
		TEST(srp_daemon_looks_at_a_target),
		TEST(ibacm_makes_a_group_for_each_rate),
		TEST(answers_come_soon_while_the_fabric_comes_up_and_changes),
		TEST(unknown_components_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
