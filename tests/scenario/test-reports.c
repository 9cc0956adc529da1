/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who has subscribed is told what happens, once, and only what it may know; also when reports get
 * lost, when we were killed meanwhile, and when subscribers are dead.
 */

#include "tests/scenario/alias-rig.h"
#include "tests/scenario/sa-client.h"
#include "tests/scenario/vport-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sm/subscriptions.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"

enum {
	INFORM = 0x03,
	INFORM_RECORD = 0xf3,
	SERVICE = 0x31,
	MASK = 0x10f2, /* srp_daemon's */
	INVALID = 0x0200,
	INVALID_GID = 0x0500,
	DENIED = 0x0700,
	NO_RESOURCES = 0x0100,
};

/* Three hosts beside ours, and a client at each. */
struct story {
	struct scenario *s;
	struct sim_port *host[3];
	struct sa_client client[3];
};

static struct story *start(struct scenario *s)
{
	static struct story t;

	memset(&t, 0, sizeof(t));
	t.s = s;
	for (unsigned i = 0; i < 3; i++) {
		t.host[i] = scenario_host(t.s, 1 + i);
		sa_client_open(&t.client[i], t.host[i], 0, 1);
	}
	return &t;
}

static struct story *build(void **state)
{
	struct scenario *s = *state;

	alias_build(s);
	alias_comes_up(s);
	return start(s);
}

static void tear(struct story *t)
{
	for (unsigned i = 0; i < 3; i++)
		sa_client_close(&t->client[i]);
}

static ib_inform_info_t make(unsigned trap)
{
	ib_inform_info_t i = {
		.lid_range_begin = 0xffff, .is_generic = 1, .subscribe = 1, .trap_type = 0xffff
	};

	i.g_or_v.generic.trap_num = htobe16((uint16_t)trap);
	i.g_or_v.generic.node_type_msb = 0xff;
	i.g_or_v.generic.node_type_lsb = 0xffff;
	return i;
}

static unsigned send(struct story *t, struct sa_client *c, const ib_inform_info_t *info)
{
	return sa_client_ask(t->s, c, SIM_SET, INFORM, MASK, info, sizeof(*info));
}

static unsigned subscribe(struct story *t, unsigned who, unsigned trap)
{
	ib_inform_info_t info = make(trap);

	return send(t, &t->client[who], &info);
}

static unsigned end(struct story *t, unsigned who, unsigned trap)
{
	ib_inform_info_t info = make(trap);

	info.subscribe = 0;
	return send(t, &t->client[who], &info);
}

static void settle(struct story *t)
{
	scenario_settle(t->s);
	scenario_run(t->s, 5 * LOOP_SEC);
}

/* ---- ordinary life --------------------------------------------------------------------------- */

static void who_has_subscribed_is_told_of_a_host_that_goes_and_comes(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	uint64_t guid = t->host[1]->guid;
	const ib_mad_notice_attr_t *n;

	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	assert_int_equal(subscribe(t, 0, 65), 0); /* the same is one */
	settle(t);
	assert_int_equal(c->n_reports, 0);
	scenario_pull(t->s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(c, 65, guid), 1);
	assert_int_equal(c->n_reports, 1);
	n = &c->report[0].notice;
	assert_int_equal(n->generic_type, 0x83);
	assert_int_equal(ib_notice_get_prod_type(n), htobe32(4));
	assert_int_equal(be16toh(n->issuer_lid), sim_lid(t->s->first.port));
	assert_true(be64toh(n->issuer_gid.unicast.interface_id) == t->s->first.port->guid);
	assert_true(n->data_details.ntc_64_67.gid.unicast.prefix == t->host[0]->info.subnet_prefix);
	scenario_plug(t->s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(c, 64, guid), 1);
	assert_int_equal(c->n_reports, 2);
	assert_int_equal(t->client[2].n_reports, 0);
	assert_int_equal(end(t, 0, 64), 0);
	scenario_pull(t->s, t->host[1]);
	settle(t);
	scenario_plug(t->s, t->host[1]);
	settle(t);
	assert_int_equal(c->n_reports, 3);
	assert_int_equal(sa_client_count(c, 65, guid), 2);
	tear(t);
}

static void the_answer_says_what_is_so_now(void **state)
{
	struct story *t = build(state);
	ib_inform_info_t a;

	assert_int_equal(end(t, 0, 64), INVALID);
	assert_int_equal(subscribe(t, 0, 64), 0);
	memcpy(&a, sa_client_record(&t->client[0]), sizeof(a));
	assert_int_equal(a.subscribe, 1);
	assert_int_equal(be32toh(a.g_or_v.generic.qpn_resp_time_val) >> 8, 1);
	assert_int_equal(end(t, 1, 64), INVALID); /* another's */
	assert_int_equal(end(t, 0, 64), 0);
	memcpy(&a, sa_client_record(&t->client[0]), sizeof(a));
	assert_int_equal(a.subscribe, 0);
	assert_int_equal(end(t, 0, 64), INVALID);
	tear(t);
}

static void reports_go_to_the_queue_pair_that_asked(void **state)
{
	struct story *t = build(state);
	struct sa_client own;

	sa_client_open(&own, t->host[0], 0, 0x48);
	assert_int_equal(subscribe(t, 0, 65), 0);
	{
		ib_inform_info_t info = make(0xffff);

		assert_int_equal(send(t, &own, &info), 0);
	}
	scenario_pull(t->s, t->host[1]);
	settle(t);
	assert_int_equal(t->client[0].n_reports, 1);
	assert_int_equal(sa_client_count(&own, 65, t->host[1]->guid), 1);
	assert_int_equal(sa_client_count(&own, 128, 0),
			 1); /* any trap: what the switch said, too */
	sa_client_close(&own);
	tear(t);
}

static void who_asks_for_all_is_told_each_once(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 0xffff), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	scenario_pull(t->s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(&t->client[0], 65, 0), 1);
	assert_int_equal(t->client[0].n_reports, 2);
	tear(t);
}

/* ---- what is asked for ----------------------------------------------------------------------- */

static void a_range_a_gid_a_type_and_a_producer_choose(void **state)
{
	struct story *t = build(state);
	uint16_t lid = sim_lid(t->host[1]);
	struct {
		uint16_t begin, end;
		uint64_t gid;
		uint16_t type;
		uint32_t producer;
		bool told;
	} cases[] = {
		{ lid, 0, 0, 0xffff, 0xffffff, true }, /* opensm takes this and never tells */
		{ lid, lid, 0, 4, 1, true },
		{ (uint16_t)(lid + 1), 0, 0, 0xffff, 0xffffff, false },
		{ 1, 0xbfff, 0, 0xffff, 0xffffff, true },
		{ 0xffff, 0, 0, 4, 0xffffff, true },
		{ 0xffff, 0, 0, 3, 0xffffff, false },
		{ 0xffff, 0, 0, 0xffff, 2, false },
		{ 1, 1, t->host[1]->guid, 0xffff, 0xffffff, true },
		{ 0xffff, 0, t->host[2]->guid, 0xffff, 0xffffff, false },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ib_inform_info_t info = make(144);
		unsigned before = t->client[0].n_reports;

		info.lid_range_begin = htobe16(cases[i].begin);
		info.lid_range_end = htobe16(cases[i].end);
		info.trap_type = htobe16(cases[i].type);
		info.g_or_v.generic.node_type_msb = (uint8_t)(cases[i].producer >> 16);
		info.g_or_v.generic.node_type_lsb = htobe16((uint16_t)cases[i].producer);
		if (cases[i].gid) {
			info.gid.unicast.prefix = t->host[0]->info.subnet_prefix;
			info.gid.unicast.interface_id = htobe64(cases[i].gid);
		}
		assert_int_equal(send(t, &t->client[0], &info), 0);
		sim_trap_capability(t->host[1]);
		scenario_run(t->s, 60 * LOOP_SEC);
		if (t->client[0].n_reports - before != cases[i].told)
			fail_msg("case %u: told %u times", i, t->client[0].n_reports - before);
		info.subscribe = 0;
		assert_int_equal(send(t, &t->client[0], &info), 0);
	}
	tear(t);
}

static void who_names_nobody_means_all(void **state)
{
	struct story *t = build(state);
	ib_inform_info_t info = make(65);

	info.lid_range_begin = 0;
	assert_int_equal(send(t, &t->client[0], &info), 0);
	scenario_pull(t->s, t->host[1]);
	settle(t);
	assert_int_equal(t->client[0].n_reports, 1);
	tear(t);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct story *t = build(state);
	ib_inform_info_t info = make(64);

	info.subscribe = 2;
	assert_int_equal(send(t, &t->client[0], &info), INVALID);
	info = make(64);
	info.is_generic = 2;
	assert_int_equal(send(t, &t->client[0], &info), INVALID);
	info = make(64);
	info.lid_range_begin = 0;
	info.lid_range_end = htobe16(6);
	assert_int_equal(send(t, &t->client[0], &info), INVALID);
	info.lid_range_begin = htobe16(7);
	info.lid_range_end = htobe16(6);
	assert_int_equal(send(t, &t->client[0], &info), INVALID);
	info = make(64);
	info.gid.unicast.interface_id = htobe64(0x1234);
	assert_int_equal(send(t, &t->client[0], &info), INVALID_GID);
	tear(t);
}

static void nobody_subscribes_to_more_than_it_may(void **state)
{
	struct story *t = build(state);

	for (unsigned i = 0; i < SUBSCRIPTIONS_OF_VF; i++)
		assert_int_equal(subscribe(t, 0, 1000 + i), 0);
	assert_int_equal(subscribe(t, 0, 64), NO_RESOURCES);
	assert_int_equal(subscribe(t, 1, 64), 0);
	assert_int_equal(end(t, 0, 1000), 0);
	assert_int_equal(subscribe(t, 0, 64), 0);
	tear(t);
}

/* ---- who may hear ---------------------------------------------------------------------------- */

static void who_shares_no_partition_hears_nothing(void **state)
{
	struct scenario *s = *state;
	struct story *t;

	alias_build(s);
	s->closed = true;
	scenario_join(s, scenario_host(s, 1), 5, true);
	scenario_join(s, scenario_host(s, 2), 5, false);
	alias_comes_up(s);
	t = start(s);
	for (unsigned i = 0; i < 3; i += 2)
		assert_int_equal(subscribe(t, i, 0xffff), 0);
	sim_trap_capability(t->host[1]);
	scenario_run(s, 30 * LOOP_SEC);
	assert_int_equal(sa_client_count(&t->client[0], 144, 0), 1);
	assert_int_equal(t->client[2].n_reports, 0);
	scenario_pull(s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(&t->client[0], 65, 0), 1);
	assert_int_equal(sa_client_count(&t->client[2], 65, 0), 0);
	scenario_plug(s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(&t->client[0], 64, 0), 1);
	assert_int_equal(sa_client_count(&t->client[2], 64, 0), 0);
	tear(t);
}

static void say_wrong_key(struct story *t)
{
	uint8_t details[54] = { 0 };

	details[3] = (uint8_t)sim_lid(t->host[2]);
	details[5] = (uint8_t)sim_lid(t->host[2]);
	sim_trap_say(t->host[2], 2, 257, details, sizeof(details));
	scenario_run(t->s, 30 * LOOP_SEC);
}

static void wrong_keys_are_told_to_whom_we_trust_alone(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 257), DENIED);
	assert_int_equal(subscribe(t, 0, 0xffff), 0);
	t->s->first.conf.trusted_guids.n = 1;
	t->s->first.conf.trusted_guids.guid[0] = t->host[1]->guid;
	scenario_apply_partitions(t->s);
	settle(t);
	assert_int_equal(subscribe(t, 1, 257), 0);
	say_wrong_key(t);
	assert_int_equal(sa_client_count(&t->client[1], 257, 0), 1);
	assert_int_equal(sa_client_count(&t->client[0], 257, 0), 0);
	tear(t);
}

static void give_key(struct story *t, uint64_t key)
{
	t->s->first.conf.sa_key = key;
	scenario_apply_partitions(t->s);
	settle(t);
}

static void trust_ends_with_the_key_that_it_was_for(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];

	c->sa_key = 5;
	give_key(t, 5);
	assert_int_equal(subscribe(t, 0, 257), 0);
	say_wrong_key(t);
	assert_int_equal(c->n_reports, 1);
	give_key(t, 6);
	say_wrong_key(t);
	assert_int_equal(c->n_reports, 1);
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	settle(t);
	say_wrong_key(t);
	assert_int_equal(c->n_reports, 1);
	give_key(t, 5);
	say_wrong_key(t);
	assert_int_equal(c->n_reports, 2);
	tear(t);
}

static void a_link_that_begins_to_fail_is_told_on(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 0xffff), 0);
	for (unsigned trap = 129; trap <= 131; trap++) {
		sim_trap_threshold(t->host[1], trap);
		scenario_run(t->s, 30 * LOOP_SEC);
		assert_int_equal(sa_client_count(&t->client[0], trap, 0), 1);
		assert_true(be64toh(t->client[0]
					    .report[t->client[0].n_reports - 1]
					    .notice.issuer_gid.unicast.interface_id) ==
			    t->host[1]->guid);
	}
	sim_trap_system_guid(t->host[1]->node);
	scenario_run(t->s, 30 * LOOP_SEC);
	assert_int_equal(sa_client_count(&t->client[0], 145, 0), 1);
	tear(t);
}

/* ---- multicast groups ------------------------------------------------------------------------ */

static ib_member_rec_t make_group(const struct sim_port *port, uint16_t pkey)
{
	static const uint8_t mgid[16] = { 0xff, 0x12, 0xa0, 0x1c, 0xfe, 0x80, [15] = 7 };
	ib_member_rec_t r = { .qkey = htobe32(0x1234), .pkey = htobe16(pkey), .scope_state = 1 };

	memcpy(&r.mgid, mgid, sizeof(mgid));
	r.port_gid.unicast.prefix = port->info.subnet_prefix;
	r.port_gid.unicast.interface_id = htobe64(port->guid);
	return r;
}

static void groups_are_told_of_to_their_partition(void **state)
{
	enum { MEMBER = 0x38, CREATE = 0x130c7, LEAVE = 0x10003 };
	struct scenario *s = *state;
	ib_member_rec_t r;
	struct story *t;

	alias_build(s);
	scenario_join(s, scenario_host(s, 1), 5, true);
	scenario_join(s, scenario_host(s, 2), 5, true);
	alias_comes_up(s);
	t = start(s);
	for (unsigned i = 0; i < 3; i += 2) {
		assert_int_equal(subscribe(t, i, 66), 0);
		assert_int_equal(subscribe(t, i, 67), 0);
	}
	r = make_group(t->host[1], 0x8005);
	assert_int_equal(sa_client_ask(s, &t->client[1], SIM_SET, MEMBER, CREATE, &r, sizeof(r)),
			 0);
	assert_int_equal(sa_client_count(&t->client[0], 66, 0), 1);
	assert_memory_equal(&t->client[0].report[0].notice.data_details.ntc_64_67.gid, &r.mgid, 16);
	r = make_group(t->host[0], 0x8005);
	assert_int_equal(sa_client_ask(s, &t->client[0], SIM_SET, MEMBER, CREATE, &r, sizeof(r)),
			 0);
	assert_int_equal(sa_client_ask(s, &t->client[0], 0x15, MEMBER, LEAVE, &r, sizeof(r)), 0);
	assert_int_equal(t->client[0].n_reports, 1);
	r = make_group(t->host[1], 0x8005);
	assert_int_equal(sa_client_ask(s, &t->client[1], 0x15, MEMBER, LEAVE, &r, sizeof(r)), 0);
	assert_int_equal(sa_client_count(&t->client[0], 67, 0), 1);
	assert_int_equal(t->client[2].n_reports, 0);
	tear(t);
}

/* ---- virtual functions ----------------------------------------------------------------------- */

static void alias_guids_come_and_go(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];

	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	assert_int_equal(asker_ask(t->s, &t->client[1], SIM_SET, t->host[1], 3, 0x500003), 0);
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(sa_client_count(c, 64, 0x500003), 1);
	assert_int_equal(asker_ask(t->s, &t->client[1], 0x15, t->host[1], 3, 0), 0);
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(sa_client_count(c, 65, 0x500003), 1);
	/* At another host. */
	assert_int_equal(asker_ask(t->s, &t->client[2], SIM_SET, t->host[2], 1, 0x500003), 0);
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(sa_client_count(c, 64, 0x500003), 2);
	/* With its host. */
	scenario_pull(t->s, t->host[2]);
	settle(t);
	assert_int_equal(sa_client_count(c, 65, 0x500003), 2);
	assert_int_equal(sa_client_count(c, 65, t->host[2]->guid), 1);
	scenario_plug(t->s, t->host[2]);
	settle(t);
	assert_int_equal(sa_client_count(c, 64, 0x500003), 3);
	assert_int_equal(c->n_reports, 7);
	tear(t);
}

static void vports_come_and_go_and_move(void **state)
{
	struct scenario *s = *state;
	struct sa_client c;
	ib_inform_info_t info = make(0xffff);
	struct sim_port *pf, *other;
	uint64_t guid;

	rig_build(s, graph_make_single(3), false, true);
	rig_comes_up(s);
	pf = s->vport_pfs[1];
	other = s->vport_pfs[2];
	sa_client_open(&c, s->vport_pfs[0], 0, 1);
	info.trap_type = htobe16(3);
	assert_int_equal(sa_client_ask(s, &c, SIM_SET, INFORM, MASK, &info, sizeof(info)), 0);
	scenario_start_vport(s, pf, 1);
	rig_settles(s);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(c.n_reports, 1);
	guid = be64toh(c.report[0].notice.data_details.ntc_64_67.gid.unicast.interface_id);
	assert_int_equal(sa_client_count(&c, 64, guid), 1);
	scenario_move_vport(s, pf, 1, other, 2);
	rig_settles(s);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(sa_client_count(&c, 65, guid), 1);
	assert_int_equal(sa_client_count(&c, 64, guid), 2);
	scenario_stop_vport(s, other, 2);
	rig_settles(s);
	scenario_run(s, 10 * LOOP_SEC);
	assert_int_equal(sa_client_count(&c, 65, guid), 2);
	assert_int_equal(c.n_reports, 4);
	sa_client_close(&c);
}

/* It is asked for as soon as its old place has lost it, while the reconcile that found that runs.
 */
static void a_guid_that_changes_places_goes_before_it_comes(void **state)
{
	struct scenario *s = *state;
	struct story *t;
	uint64_t guid;

	alias_build(s);
	scenario_add_vports(s, scenario_host(s, 2), 2, true, true);
	alias_comes_up(s);
	t = start(s);
	guid = alias_look(t->host[1], 1).guid;
	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	scenario_fault(s, "delay \"H2\"[1] 5ms");
	scenario_set_vport_guid(s, t->host[1], 1, 0);
	for (unsigned i = 0; i < 4000; i++) {
		asker_send(&t->client[2], SIM_SET, t->host[2], 1, guid);
		scenario_run(s, 5 * LOOP_MSEC);
		if (sa_client_count(&t->client[0], 64, guid) > 0)
			break;
	}
	scenario_clear_faults(s);
	settle(t);
	assert_int_equal(sa_client_count(&t->client[0], 65, guid), 1);
	assert_int_equal(sa_client_count(&t->client[0], 64, guid), 1);
	assert_int_equal(be16toh(t->client[0].report[1].notice.g_or_v.generic.trap_num), 64);
	tear(t);
}

/* ---- what gets lost, and who is dead ----------------------------------------------------------
 */

static void a_report_that_is_lost_is_sent_again_as_it_was(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];

	assert_int_equal(subscribe(t, 0, 65), 0);
	c->deaf = true;
	scenario_pull(t->s, t->host[1]);
	scenario_run(t->s, 2500 * LOOP_MSEC);
	c->deaf = false;
	assert_in_range(c->n_reports, 2, 4);
	assert_true(c->report[0].tid == c->report[1].tid);
	assert_true(c->report[1].at - c->report[0].at >= 200 * LOOP_MSEC);
	scenario_run(t->s, 10 * LOOP_SEC);
	assert_int_equal(sa_client_count(c, 65, 0), 1);
	tear(t);
}

static void what_happens_while_somebody_does_not_listen_is_told_later(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	unsigned before;

	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	c->deaf = true;
	for (unsigned i = 0; i < 2; i++) {
		scenario_pull(t->s, t->host[1]);
		settle(t);
		scenario_plug(t->s, t->host[1]);
		settle(t);
	}
	before = c->n_reports;
	for (unsigned i = 0; i < before; i++)
		assert_true(be16toh(c->report[i].notice.g_or_v.generic.trap_num) == 65);
	c->deaf = false;
	scenario_run(t->s, 120 * LOOP_SEC);
	/* In the order in which it happened. */
	assert_int_equal(c->n_reports, before + 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(be16toh(c->report[before + i].notice.g_or_v.generic.trap_num),
				 i & 1 ? 64 : 65);
	tear(t);
}

/* As a host does that has rebooted, and that takes its time now. */
static void who_subscribes_once_more_is_told_at_once_and_as_it_says_now(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	ib_inform_info_t info = make(65);
	const struct subscription *s;
	unsigned before;

	assert_int_equal(send(t, c, &info), 0);
	c->deaf = true;
	scenario_pull(t->s, t->host[1]);
	scenario_run(t->s, 150 * LOOP_SEC);
	c->deaf = false;
	before = c->n_reports;
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(c->n_reports, before); /* it is left alone */
	info.g_or_v.generic.qpn_resp_time_val = htobe32(19);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(send(t, c, &info), 0);
		assert_int_equal(c->n_reports, before + 1);
		assert_int_equal(sm_subscriptions(t->s->first.sm)->n, 1);
	}
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	settle(t);
	s = subscriptions_next(sm_subscriptions(t->s->first.sm), NULL);
	assert_non_null(s);
	assert_int_equal(s->to->response_time, 19);
	assert_int_equal(wire_get(s->info, INFORM_RESPONSE_TIME), 19);
	tear(t);
}

static void who_is_dead_is_left_alone_ever_longer_and_then_forgotten(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];

	assert_int_equal(subscribe(t, 0, 65), 0);
	assert_int_equal(subscribe(t, 1, 65), 0);
	assert_int_equal(subscribe(t, 0, 64), 0);
	c->deaf = true;
	scenario_pull(t->s, t->host[2]);
	scenario_run(t->s, 3600 * LOOP_SEC);
	assert_in_range(c->n_reports, 8 * 4, 13 * 4);
	assert_int_equal(t->client[1].n_reports, 1);
	assert_int_equal(t->s->first.n_events[EVENT_SUBSCRIBER], 1);
	assert_int_equal(end(t, 0, 65), INVALID);
	assert_int_equal(end(t, 0, 64), INVALID);
	assert_int_equal(end(t, 1, 65), 0);
	tear(t);
}

static void who_is_away_has_nothing_waiting_when_it_comes_back(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];

	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 0, 65), 0);
	scenario_pull(t->s, t->host[0]);
	settle(t);
	scenario_pull(t->s, t->host[1]);
	settle(t);
	assert_int_equal(c->n_reports, 0);
	scenario_plug(t->s, t->host[0]);
	settle(t);
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_int_equal(sa_client_count(c, 65, 0), 0);
	scenario_plug(t->s, t->host[1]);
	settle(t);
	assert_int_equal(sa_client_count(c, 64, t->host[1]->guid), 1);
	assert_int_equal(t->s->first.n_events[EVENT_SUBSCRIBER], 0);
	tear(t);
}

struct row {
	struct kept_registration kept;
	uint8_t blob[KEEP_REGISTRATION_MAX];
};

static void note_row(void *user, const struct kept_registration *kept)
{
	struct row *row = user;

	if (kept->kind != KEPT_SUBSCRIPTION)
		return;
	row->kept = *kept;
	memcpy(row->blob, kept->blob, kept->size);
	row->kept.blob = row->blob;
}

/* Of rows there have been so many that numbers of 16 bits have all been used. */
static void records_of_one_subscriber_have_different_numbers(void **state)
{
	static const struct keep_reader reader = { .registration = note_row };
	struct story *t = build(state);
	struct keeper *keeper = memory_keeper_keeper(t->s->first.keeper);
	const ib_inform_info_record_t *r =
		(const ib_inform_info_record_t *)sa_client_record(&t->client[0]);
	uint8_t of_any[80] = { 0 };
	struct row row = { 0 };

	assert_int_equal(subscribe(t, 0, 64), 0);
	keep_read(keeper, &reader, &row);
	row.kept.id += 0xffff;
	scenario_kill_sm(t->s);
	keep_registration(keeper, &row.kept);
	memory_keeper_flush(t->s->first.keeper);
	scenario_start_sm(t->s);
	settle(t);
	assert_int_equal(subscribe(t, 0, 65), 0);
	assert_int_equal(
		sa_client_ask(t->s, &t->client[0], 0x12, INFORM_RECORD, 0, of_any, sizeof(of_any)),
		0);
	assert_int_not_equal(r[0].subscriber_enum, 0);
	assert_int_not_equal(r[0].subscriber_enum, r[1].subscriber_enum);
	tear(t);
}

/* ---- restarts -------------------------------------------------------------------------------- */

static void subscriptions_survive_a_kill_and_nobody_is_told_what_was_before(void **state)
{
	struct story *t = build(state);
	struct sa_client own;
	ib_inform_info_t info = make(65);

	sa_client_open(&own, t->host[0], 0, 0x48);
	assert_int_equal(send(t, &own, &info), 0);
	assert_int_equal(subscribe(t, 1, 64), 0);
	assert_int_equal(subscribe(t, 1, 128), 0);
	assert_int_equal(end(t, 1, 128), 0);
	for (unsigned i = 0; i < 3; i++) {
		scenario_kill_sm(t->s);
		scenario_run(t->s, LOOP_SEC);
		scenario_start_sm(t->s);
		settle(t);
	}
	assert_int_equal(own.n_reports + t->client[1].n_reports, 0);
	scenario_pull(t->s, t->host[2]);
	settle(t);
	scenario_plug(t->s, t->host[2]);
	settle(t);
	assert_int_equal(sa_client_count(&own, 65, t->host[2]->guid), 1);
	assert_int_equal(sa_client_count(&t->client[1], 64, t->host[2]->guid), 1);
	assert_int_equal(own.n_reports + t->client[1].n_reports, 2);
	sa_client_close(&own);
	tear(t);
}

static void after_another_was_master_only_who_subscribes_again_is_told(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 64), 0);
	assert_int_equal(subscribe(t, 1, 64), 0);
	scenario_start_rival(t->s, t->host[2], 15);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_int_equal(subscribe(t, 0, 64), 0);
	scenario_run(t->s, 70 * LOOP_SEC);
	scenario_pull(t->s, t->host[2]);
	settle(t);
	t->client[0].n_reports = t->client[1].n_reports = 0;
	scenario_plug(t->s, t->host[2]);
	settle(t);
	assert_int_equal(t->client[0].n_reports, 1);
	assert_int_equal(t->client[1].n_reports, 0);
	tear(t);
}

static void a_full_disk_takes_no_subscription(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 65), 0);
	memory_keeper_set_full(t->s->first.keeper, true);
	assert_int_equal(subscribe(t, 0, 64), NO_RESOURCES);
	assert_int_equal(end(t, 0, 65), NO_RESOURCES);
	memory_keeper_set_full(t->s->first.keeper, false);
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(end(t, 0, 64), INVALID);
	assert_int_equal(end(t, 0, 65), 0);
	tear(t);
}

/* ---- storms ---------------------------------------------------------------------------------- */

static void a_device_that_says_the_same_all_the_time_is_not_told_on_for_ever(void **state)
{
	struct story *t = build(state);

	assert_int_equal(subscribe(t, 0, 0xffff), 0);
	scenario_fault(t->s, "storm \"H2\"[1] trap 144 every 1ms next 10000");
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_in_range(sa_client_count(&t->client[0], 144, 0), 32, 128);
	tear(t);
}

static void whoever_sets_guids_all_the_time_does_not_have_all_told_each(void **state)
{
	struct story *t = build(state);
	unsigned n;

	assert_int_equal(subscribe(t, 0, 64), 0);
	for (unsigned i = 0; i < 2000; i++) {
		asker_send(&t->client[1], i & 1 ? 0x15 : SIM_SET, t->host[1], 3, 0x500003);
		scenario_run(t->s, 10 * LOOP_MSEC);
	}
	asker_send(&t->client[1], SIM_SET, t->host[1], 3, 0x500003);
	scenario_run(t->s, 300 * LOOP_SEC);
	n = t->client[0].n_reports;
	assert_in_range(n, 500, 900);
	/* As it is in the end. */
	assert_true(be64toh(t->client[0]
				    .report[(n - 1) % SA_REPORTS]
				    .notice.data_details.ntc_64_67.gid.unicast.interface_id) ==
		    0x500003);
	tear(t);
}

/* From all QPs and as all VFs that a port may have, which together could fill all room there is. */
static void a_host_that_acknowledges_nothing_keeps_nobody_from_hearing(void **state)
{
	enum { MEMBER = 0x38, CREATE = 0x130c7, LEAVE = 0x10003, N = SUBSCRIPTIONS_OF_PORT };
	struct scenario *s = *state;
	struct story *t;
	ib_member_rec_t r;
	ib_inform_info_t info = make(0xffff);
	struct sa_client deaf;
	unsigned before;

	alias_build(s);
	alias_add_vfs(s, scenario_host(s, 1), N / SUBSCRIPTIONS_OF_VF, 0);
	alias_comes_up(s);
	t = start(s);
	r = make_group(t->host[1], 0xffff);
	sa_client_open(&deaf, t->host[0], 0, 2);
	deaf.deaf = true;
	for (unsigned i = 0; i < N; i++) {
		deaf.client.vf = (uint16_t)(i / SUBSCRIPTIONS_OF_VF);
		deaf.client.qpn = 0x100 + i;
		sa_send_raw(&deaf.client, i + 1, SIM_SET, INFORM, MASK, &info, sizeof(info));
		scenario_run(t->s, 20 * LOOP_MSEC);
	}
	assert_int_equal(subscribe(t, 2, 66), 0);
	assert_int_equal(sm_subscriptions(t->s->first.sm)->n, N + 1);
	for (unsigned i = 0; i < 2 * SUBSCRIBER_QUEUE; i++) {
		sa_client_send(&t->client[1], i & 1 ? 0x15 : SIM_SET, MEMBER,
			       i & 1 ? LEAVE : CREATE, &r, sizeof(r));
		scenario_run(t->s, 50 * LOOP_MSEC);
	}
	scenario_run(t->s, 100 * LOOP_SEC);
	before = t->client[2].n_reports;
	for (unsigned i = 0; i < 20; i++) {
		sa_client_send(&t->client[1], i & 1 ? 0x15 : SIM_SET, MEMBER,
			       i & 1 ? LEAVE : CREATE, &r, sizeof(r));
		scenario_run(t->s, 50 * LOOP_MSEC);
	}
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(t->client[2].n_reports, before + 10);
	sa_client_close(&deaf);
	tear(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up, scenario_tear_down)
		TEST(who_has_subscribed_is_told_of_a_host_that_goes_and_comes),
		TEST(the_answer_says_what_is_so_now),
		TEST(reports_go_to_the_queue_pair_that_asked),
		TEST(who_asks_for_all_is_told_each_once),
		TEST(a_range_a_gid_a_type_and_a_producer_choose),
		TEST(who_names_nobody_means_all),
		TEST(what_makes_no_sense_is_refused),
		TEST(nobody_subscribes_to_more_than_it_may),
		TEST(who_shares_no_partition_hears_nothing),
		TEST(wrong_keys_are_told_to_whom_we_trust_alone),
		TEST(trust_ends_with_the_key_that_it_was_for),
		TEST(a_link_that_begins_to_fail_is_told_on),
		TEST(groups_are_told_of_to_their_partition),
		TEST(alias_guids_come_and_go),
		cmocka_unit_test_setup_teardown(vports_come_and_go_and_move, scenario_set_up,
						scenario_tear_down),
		TEST(a_guid_that_changes_places_goes_before_it_comes),
		TEST(a_report_that_is_lost_is_sent_again_as_it_was),
		TEST(what_happens_while_somebody_does_not_listen_is_told_later),
		TEST(who_subscribes_once_more_is_told_at_once_and_as_it_says_now),
		TEST(who_is_dead_is_left_alone_ever_longer_and_then_forgotten),
		TEST(who_is_away_has_nothing_waiting_when_it_comes_back),
		TEST(records_of_one_subscriber_have_different_numbers),
		TEST(subscriptions_survive_a_kill_and_nobody_is_told_what_was_before),
		TEST(after_another_was_master_only_who_subscribes_again_is_told),
		TEST(a_full_disk_takes_no_subscription),
		TEST(a_device_that_says_the_same_all_the_time_is_not_told_on_for_ever),
		TEST(whoever_sets_guids_all_the_time_does_not_have_all_told_each),
		TEST(a_host_that_acknowledges_nothing_keeps_nobody_from_hearing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
