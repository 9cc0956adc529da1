/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Traps: when there are any, where they go, how often, and what is in them. */

#include "tests/sim/test-bench.h"

#include "tests/sim/link.h"
#include "tests/sim/trap.h"

enum { LID_A = 1, LID_SWITCH = 2, LID_B = 3, INTERVAL = 18 };

/* The SM is at A; everything is Active and has LIDs and routes. */
static int set_up(void **state)
{
	struct bench *b;
	struct sim_port *ends[3];

	bench_set_up(state);
	b = *state;
	ends[0] = &b->a->ports[1];
	ends[1] = &b->sw->ports[0];
	ends[2] = &b->b->ports[1];
	b->sw->sw->lft = malloc(64);
	assert_non_null(b->sw->sw->lft);
	memset(b->sw->sw->lft, SIM_LFT_NONE, 64);
	b->sw->sw->lft[LID_A] = 1;
	b->sw->sw->lft[LID_B] = 2;
	b->sw->sw->lft_size = 64;
	b->sw->sw->info.lin_top = htobe16(3);
	b->sw->sw->info.life_state = 0;
	for (unsigned i = 0; i < 3; i++) {
		ends[i]->info.base_lid = htobe16((uint16_t)(i + 1));
		ends[i]->info.master_sm_base_lid = htobe16(LID_A);
		ends[i]->info.subnet_timeout = INTERVAL;
		ends[i]->info.mtu_smsl |= 5;
		sim_set_state(ends[i], SIM_ACTIVE);
	}
	sim_set_state(&b->sw->ports[1], SIM_ACTIVE);
	sim_set_state(&b->sw->ports[2], SIM_ACTIVE);
	b->client.is_sm = true; /* without the trap that sim_set_is_sm() makes */
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	b->client.is_sm = false;
	return bench_tear_down(state);
}

#define TRAP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static uint64_t interval(void)
{
	return UINT64_C(4096) << INTERVAL;
}

static void now(struct bench *b)
{
	loop_virtual_run_for(b->loop, 0);
}

static uint64_t tid(const struct bench *b)
{
	return be64toh(b->other.smp.trans_id);
}

static const uint8_t *notice(const struct bench *b)
{
	return b->other.smp.data;
}

static unsigned field16(const struct bench *b, unsigned at)
{
	return (unsigned)notice(b)[at] << 8 | notice(b)[at + 1];
}

static uint32_t field32(const struct bench *b, unsigned at)
{
	return (uint32_t)field16(b, at) << 16 | field16(b, at + 2);
}

static unsigned trap_number(const struct bench *b)
{
	return field16(b, 4);
}

/* As the SM represses what it got last. */
static void repress(struct bench *b)
{
	struct sim_packet p = b->other;

	p.dlid = b->other.slid;
	p.smp.method = SIM_TRAP_REPRESS;
	assert_int_equal(sim_client_send(&b->client, &p), 0);
}

static void threshold(struct bench *b)
{
	sim_trap_threshold(&b->b->ports[1], 129);
}

/* ---- sending --------------------------------------------------------------------------------- */

static void a_trap_goes_to_the_sm_by_lid(void **state)
{
	struct bench *b = *state;

	threshold(b);
	assert_int_equal(b->n_others, 0); /* not within what caused it */
	now(b);
	assert_int_equal(b->n_others, 1);
	assert_int_equal(b->other.slid, LID_B);
	assert_int_equal(b->other.dlid, LID_A);
	assert_int_equal(b->other.sl, 5);
	assert_int_equal(b->other.sqpn | b->other.dqpn, 0);
	assert_int_equal(b->other.smp.base_ver, 1);
	assert_int_equal(b->other.smp.mgmt_class, SIM_CLASS_LID);
	assert_int_equal(b->other.smp.class_ver, 1);
	assert_int_equal(b->other.smp.method, SIM_TRAP);
	assert_int_equal(b->other.smp.status, 0);
	assert_int_equal(be16toh(b->other.smp.attr_id), NOTICE);
	assert_int_equal(b->other.smp.attr_mod, 0);
	assert_int_equal(b->other.smp.m_key, 0);
	assert_int_not_equal(tid(b), 0);
	assert_int_equal(notice(b)[0], 0x81);
	assert_int_equal(field16(b, 1), 0);
	assert_int_equal(notice(b)[3], SIM_CA);
	assert_int_equal(field16(b, 6), LID_B);
	assert_int_equal(field16(b, 8), 0);
}

static void a_trap_is_repeated_until_it_is_repressed(void **state)
{
	struct bench *b = *state;
	uint64_t first;

	threshold(b);
	now(b);
	first = tid(b);
	for (unsigned i = 2; i <= 50; i++) {
		loop_virtual_run_for(b->loop, interval() - 1);
		assert_int_equal(b->n_others, i - 1);
		loop_virtual_run_for(b->loop, 1);
		assert_int_equal(b->n_others, i);
		assert_int_equal(tid(b), first);
	}
	repress(b);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	assert_int_equal(b->n_others, 50);
	assert_int_equal(b->n_got, 0); /* TrapRepress is not answered */
	threshold(b);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 51);
	assert_int_equal(tid(b), first + 1);
}

static void only_the_tid_represses(void **state)
{
	struct bench *b = *state;

	threshold(b);
	now(b);
	b->other.smp.trans_id = htobe64(tid(b) + 1);
	repress(b);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 2);
	b->b->ports[1].info.m_key = htobe64(9);
	b->other.smp.m_key = 0;
	repress(b); /* refused, and a violation of which it will tell */
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 3);
	assert_int_equal(trap_number(b), 129);
	b->other.smp.m_key = htobe64(9);
	repress(b);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(trap_number(b), 256);
}

static void traps_keep_their_distance(void **state)
{
	struct bench *b = *state;

	threshold(b);
	now(b);
	repress(b);
	threshold(b);
	loop_virtual_run_for(b->loop, interval() - 1);
	assert_int_equal(b->n_others, 1);
	loop_virtual_run_for(b->loop, 1);
	assert_int_equal(b->n_others, 2);
	/* Those of another port do not matter. */
	repress(b);
	sim_trap_threshold(&b->sw->ports[2], 130);
	now(b);
	assert_int_equal(b->n_others, 3);
}

static void the_most_urgent_and_oldest_comes_first(void **state)
{
	struct bench *b = *state;
	static const unsigned expected[] = { 129, 130, 131, 257, 144, 145 };
	struct sim_packet p = { .slid = 7 };

	sim_trap_capability(&b->b->ports[1]);
	sim_trap_system_guid(b->b);
	sim_trap_pkey(&b->b->ports[1], &p);
	for (unsigned number = 129; number <= 131; number++)
		sim_trap_threshold(&b->b->ports[1], number);
	now(b);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(b->n_others, i + 1);
		assert_int_equal(trap_number(b), expected[i]);
		repress(b);
		loop_virtual_run_for(b->loop, interval());
	}
	assert_int_equal(b->n_others, 6);
}

static void a_hundred_of_each_type_wait(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 150; i++) {
		threshold(b);
		sim_trap_capability(&b->b->ports[1]);
	}
	now(b);
	for (unsigned i = 1; i <= 200; i++) {
		assert_int_equal(b->n_others, i);
		assert_int_equal(trap_number(b), i <= 100 ? 129 : 144);
		repress(b);
		loop_virtual_run_for(b->loop, interval());
	}
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	assert_int_equal(b->n_others, 200);
	threshold(b);
	now(b);
	assert_int_equal(b->n_others, 201);
}

static void without_an_interval_a_repeat_waits_a_millisecond(void **state)
{
	struct bench *b = *state;

	b->b->ports[1].info.subnet_timeout = 0;
	threshold(b);
	loop_virtual_run_for(b->loop, 10 * LOOP_MSEC - 1);
	assert_int_equal(b->n_others, 10);
	/* Others that come meanwhile do not put it off. */
	for (unsigned i = 0; i < 20; i++) {
		sim_trap_capability(&b->b->ports[1]);
		loop_virtual_run_for(b->loop, LOOP_MSEC / 2);
	}
	assert_int_equal(b->n_others, 20);
	assert_int_equal(trap_number(b), 129);
}

static void who_is_not_active_or_knows_no_sm_says_nothing(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];
	static const uint16_t none[] = { 0, 0xffff, 0xc000 };
	uint64_t n_packets = b->fabric->n_packets;

	for (unsigned i = 0; i < 3; i++) {
		port->info.master_sm_base_lid = htobe16(none[i]);
		threshold(b);
	}
	port->info.master_sm_base_lid = htobe16(LID_A);
	for (enum sim_state s = SIM_INIT; s <= SIM_ARMED; s++) {
		sim_set_state(port, s);
		threshold(b);
	}
	sim_set_state(port, SIM_ACTIVE);
	port->info.capability_mask &= ~IB_PORT_CAP_HAS_TRAP;
	threshold(b);
	port->info.capability_mask |= IB_PORT_CAP_HAS_TRAP;
	loop_virtual_run_for(b->loop, 3 * interval());
	assert_int_equal(b->fabric->n_packets, n_packets);
	/* Nor does he remember, if it comes to that later. */
	threshold(b);
	port->info.master_sm_base_lid = 0xffff;
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->fabric->n_packets, n_packets);
	port->info.master_sm_base_lid = htobe16(LID_A);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	assert_int_equal(b->fabric->n_packets, n_packets);
}

static void what_waits_is_forgotten_when_the_port_goes_down(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];

	threshold(b);
	threshold(b);
	now(b);
	assert_int_equal(b->n_others, 1);
	sim_link_bounce(port);
	sim_set_state(port, SIM_ACTIVE);
	sim_set_state(port->far, SIM_ACTIVE);
	loop_virtual_run_for(b->loop, 3 * interval());
	/* Nothing of B; the switch has noticed the bounce. */
	assert_int_equal(trap_number(b), 128);
	repress(b);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
}

static void power_forgets_as_well(void **state)
{
	struct bench *b = *state;

	sim_trap_threshold(&b->sw->ports[2], 129);
	sim_power(b->sw, false);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	assert_int_equal(b->n_others, 0);
}

static void a_waiting_trap_goes_to_the_new_sm(void **state)
{
	struct bench *b = *state;

	threshold(b);
	now(b);
	b->b->ports[1].info.master_sm_base_lid = htobe16(LID_SWITCH);
	b->b->ports[1].info.mtu_smsl = 0x13;
	b->why = SIM_PASSED;
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 1);
	assert_int_equal(b->why, SIM_DROP_NOBODY);
	b->b->ports[1].info.master_sm_base_lid = htobe16(LID_A);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->other.sl, 3);
}

static void the_sm_hears_of_its_own_port(void **state)
{
	struct bench *b = *state;

	sim_trap_threshold(&b->a->ports[1], 129);
	now(b);
	assert_int_equal(b->n_others, 1);
	repress(b);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	assert_int_equal(b->n_others, 1);
}

static void what_does_not_fit_a_notice_is_not_sent(void **state)
{
	struct bench *b = *state;
	static const uint8_t details[55];

	sim_trap_say(&b->b->ports[1], 0, 1, details, 54);
	sim_trap_say(&b->b->ports[1], 5, 1, details, 54);
	sim_trap_say(&b->b->ports[1], 1, 1, details, 55);
	now(b);
	assert_int_equal(b->n_others, 0);
	sim_trap_say(&b->b->ports[1], 4, 1146, details, 54);
	now(b);
	assert_int_equal(trap_number(b), 1146);
	assert_int_equal(notice(b)[0], 0x84);
}

/* ---- what is in them ------------------------------------------------------------------------- */

static void a_switch_tells_of_its_ports_once_until_that_is_cleared(void **state)
{
	struct bench *b = *state;

	sim_cable_pull(&b->sw->ports[3]);
	sim_cable_plug(&b->sw->ports[3]);
	now(b);
	assert_int_equal(b->n_others, 1);
	assert_int_equal(trap_number(b), 128);
	assert_int_equal(notice(b)[0], 0x81);
	assert_int_equal(notice(b)[3], SIM_SWITCH);
	assert_int_equal(b->other.slid, LID_SWITCH);
	assert_int_equal(field16(b, 6), LID_SWITCH);
	assert_int_equal(field16(b, 10), LID_SWITCH);
	repress(b);
	sim_cable_pull(&b->sw->ports[3]);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 1); /* PortStateChange is still 1 */
	b->sw->sw->info.life_state = 0;
	sim_cable_plug(&b->sw->ports[3]);
	now(b);
	assert_int_equal(b->n_others, 2);
}

static void what_the_sm_does_to_a_switch_port_is_not_told(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_set_states(b, AT_SWITCH, 3, SIM_DOWN, 0), SIM_OK);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 0);
	sim_link_bounce(&b->sw->ports[3]);
	now(b);
	assert_int_equal(b->n_others, 1);
}

static void thresholds_name_the_port(void **state)
{
	struct bench *b = *state;

	for (unsigned number = 129; number <= 131; number++) {
		sim_trap_threshold(&b->sw->ports[2], number);
		loop_virtual_run_for(b->loop, interval());
		assert_int_equal(trap_number(b), number);
		assert_int_equal(field16(b, 10), 0);
		assert_int_equal(field16(b, 12), LID_SWITCH);
		assert_int_equal(notice(b)[14], 2);
		repress(b);
	}
}

static void a_new_capability_mask_is_told(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->a->ports[1];

	port->info.capability_mask2 = htobe16(0x0207);
	sim_set_is_sm(&b->client, false);
	now(b);
	assert_int_equal(b->n_others, 0); /* there is no SM to hear it */
	sim_set_is_sm(&b->client, true);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(trap_number(b), 144);
	assert_int_equal(notice(b)[0], 0x84);
	assert_int_equal(field16(b, 12), LID_A);
	assert_int_equal(field16(b, 14), 0); /* no local changes */
	assert_int_equal(field32(b, 16), be32toh(port->info.capability_mask));
	assert_int_equal(field32(b, 16) & 2, 2);
	assert_int_equal(field32(b, 20), 0);
	repress(b);
	port->info.capability_mask |= IB_PORT_CAP_HAS_CAP_MASK2;
	sim_trap_capability(port);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(field16(b, 22), 0x0207);
	repress(b);
	port->info.capability_mask &= ~IB_PORT_CAP_HAS_CAP_NTC;
	sim_trap_capability(port);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
}

static void local_changes_are_told_where_that_is_a_capability(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];
	static const char data[64] = "another";

	sim_trap_local(port, 8);
	now(b);
	assert_int_equal(b->n_others, 0);
	port->info.capability_mask |=
		IB_PORT_CAP_HAS_OTHER_LOCAL_CHANGES_NTC | IB_PORT_CAP_HAS_CAP_MASK2;
	port->info.capability_mask2 = htobe16(1);
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_DESCRIPTION, 0, data), SIM_OK);
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_DESCRIPTION, 0, data), SIM_OK); /* no change */
	now(b);
	assert_int_equal(trap_number(b), 144);
	assert_int_equal(field16(b, 12), LID_B);
	assert_int_equal(notice(b)[15], 1);
	assert_int_equal(field16(b, 20), 1);
	assert_int_equal(field32(b, 16), 0);
	repress(b);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + 10 * interval()));
	b->fabric->quirks.local_changes_with_mask = true;
	sim_trap_local(port, 8);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(field16(b, 20), 8);
	assert_int_equal(field32(b, 16), be32toh(port->info.capability_mask));
	assert_int_equal(field16(b, 22), 1);
}

static void a_new_system_guid_is_told(void **state)
{
	struct bench *b = *state;

	b->sw->info.sys_guid = htobe64(0x1122334455667788);
	sim_trap_system_guid(b->sw);
	now(b);
	assert_int_equal(trap_number(b), 145);
	assert_int_equal(field16(b, 12), LID_SWITCH);
	assert_int_equal(field16(b, 14), 0);
	assert_int_equal(field32(b, 16), 0x11223344);
	assert_int_equal(field32(b, 20), 0x55667788);
	b->n_others = 0;
	sim_trap_system_guid(b->b);
	now(b);
	assert_int_equal(b->n_others, 1); /* port 2 is not Active */
	assert_int_equal(field16(b, 12), LID_B);
}

static void a_violation_by_lid_names_the_violator(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_A, SIM_SET, PORT_INFO, 0x80000001);

	b->b->ports[1].info.m_key = htobe64(9);
	p.dlid = LID_B;
	p.smp.mgmt_class = SIM_CLASS_LID;
	p.smp.m_key = htobe64(0x8877665544332211);
	assert_int_equal(bench_send(b, &p), NO_ANSWER);
	now(b);
	assert_int_equal(trap_number(b), 256);
	assert_int_equal(notice(b)[0], 0x82);
	assert_int_equal(field16(b, 12), LID_A);
	assert_int_equal(field16(b, 14), 0);
	assert_int_equal(notice(b)[16], SIM_SET);
	assert_int_equal(field16(b, 18), PORT_INFO);
	assert_int_equal(field32(b, 20), 0x80000001);
	assert_int_equal(field32(b, 24), 0x88776655);
	assert_int_equal(field32(b, 28), 0x44332211);
	assert_int_equal(notice(b)[33], 0);
}

static void a_violation_by_directed_route_tells_the_way(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_B, SIM_SET, PORT_INFO, 0);

	b->b->ports[1].info.m_key = htobe64(9);
	assert_int_equal(bench_send(b, &p), NO_ANSWER);
	now(b);
	assert_int_equal(field16(b, 14), 0xffff);
	assert_int_equal(notice(b)[33], 0x80 | 2);
	assert_int_equal(notice(b)[34 + 1], 1); /* entry 0 is unused */
	b->b->ports[1].info.m_key = 0;
	repress(b);
	/* Longer ones are cut. */
	p.smp.hop_count = 63;
	for (unsigned i = 0; i < 64; i++)
		p.smp.return_path[i] = (uint8_t)(i + 100);
	sim_trap_mkey(&b->b->ports[1], &p);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(notice(b)[33], 0xc0 | 30);
	assert_int_equal(notice(b)[34], 100);
	assert_int_equal(notice(b)[63], 129);
}

static void wrong_keys_of_datagrams_are_told(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = { .slid = 0x11,
				.dlid = 0x22,
				.sqpn = 0x333333,
				.dqpn = 0x444444,
				.qkey = 0x55555555,
				.pkey = 0x6666,
				.sl = 7 };

	for (unsigned number = 257; number <= 258; number++) {
		if (number == 257)
			sim_trap_pkey(&b->b->ports[1], &p);
		else
			sim_trap_qkey(&b->b->ports[1], &p);
		loop_virtual_run_for(b->loop, interval());
		assert_int_equal(trap_number(b), number);
		assert_int_equal(notice(b)[0], 0x82);
		assert_int_equal(field16(b, 12), 0x11);
		assert_int_equal(field16(b, 14), 0x22);
		assert_int_equal(field32(b, 16), number == 257 ? 0x6666 : 0x55555555);
		assert_int_equal(field32(b, 20), 0x70333333);
		assert_int_equal(field32(b, 24), 0x444444);
		assert_int_equal(notice(b)[28], 0);
		repress(b);
	}
	p.has_grh = true;
	memset(p.sgid, 0xaa, 16);
	memset(p.dgid, 0xbb, 16);
	sim_trap_pkey(&b->b->ports[1], &p);
	loop_virtual_run_for(b->loop, interval());
	assert_memory_equal(notice(b) + 28, p.sgid, 16);
	assert_memory_equal(notice(b) + 44, p.dgid, 16);
	/* Switches have none of these. */
	b->n_others = 0;
	repress(b);
	sim_trap_pkey(&b->sw->ports[0], &p);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(b->n_others, 0);
}

static void a_switch_that_can_tells_what_it_has_refused(void **state)
{
	struct bench *b = *state;
	struct sim_port *end = &b->sw->ports[0];
	struct sim_packet p = { .slid = 0x11,
				.dlid = 0x22,
				.sqpn = 0x333333,
				.dqpn = 0x444444,
				.pkey = 0x6666,
				.sl = 7,
				.has_grh = true };

	memset(p.sgid, 0xaa, 16);
	memset(p.dgid, 0xbb, 16);
	sim_trap_switch_pkey(&b->sw->ports[2], &p);
	now(b);
	assert_int_equal(b->n_others, 0);
	end->info.capability_mask |= IB_PORT_CAP_HAS_PKEY_SW_EXT_PORT_TRAP;
	sim_trap_switch_pkey(&b->sw->ports[2], &p);
	now(b);
	assert_int_equal(trap_number(b), 259);
	assert_int_equal(field16(b, 10), 0xff);
	assert_int_equal(field16(b, 12), 0x11);
	assert_int_equal(field16(b, 14), 0x22);
	assert_int_equal(field16(b, 16), 0x6666);
	assert_int_equal(field32(b, 18), 0x70333333);
	assert_int_equal(field32(b, 22), 0x444444);
	assert_memory_equal(notice(b) + 26, p.sgid, 16);
	assert_memory_equal(notice(b) + 42, p.dgid, 16);
	assert_int_equal(field16(b, 58), LID_SWITCH);
	assert_int_equal(notice(b)[60], 2);
	repress(b);
	p.has_grh = false;
	sim_trap_switch_pkey(&b->sw->ports[2], &p);
	loop_virtual_run_for(b->loop, interval());
	assert_int_equal(field16(b, 10), 0x3f);
	assert_int_equal(notice(b)[26], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRAP_TEST(a_trap_goes_to_the_sm_by_lid),
		TRAP_TEST(a_trap_is_repeated_until_it_is_repressed),
		TRAP_TEST(only_the_tid_represses),
		TRAP_TEST(traps_keep_their_distance),
		TRAP_TEST(the_most_urgent_and_oldest_comes_first),
		TRAP_TEST(a_hundred_of_each_type_wait),
		TRAP_TEST(without_an_interval_a_repeat_waits_a_millisecond),
		TRAP_TEST(who_is_not_active_or_knows_no_sm_says_nothing),
		TRAP_TEST(what_waits_is_forgotten_when_the_port_goes_down),
		TRAP_TEST(power_forgets_as_well),
		TRAP_TEST(a_waiting_trap_goes_to_the_new_sm),
		TRAP_TEST(the_sm_hears_of_its_own_port),
		TRAP_TEST(what_does_not_fit_a_notice_is_not_sent),
		TRAP_TEST(a_switch_tells_of_its_ports_once_until_that_is_cleared),
		TRAP_TEST(what_the_sm_does_to_a_switch_port_is_not_told),
		TRAP_TEST(thresholds_name_the_port),
		TRAP_TEST(a_new_capability_mask_is_told),
		TRAP_TEST(local_changes_are_told_where_that_is_a_capability),
		TRAP_TEST(a_new_system_guid_is_told),
		TRAP_TEST(a_violation_by_lid_names_the_violator),
		TRAP_TEST(a_violation_by_directed_route_tells_the_way),
		TRAP_TEST(wrong_keys_of_datagrams_are_told),
		TRAP_TEST(a_switch_that_can_tells_what_it_has_refused),
	};

	return cmocka_run_group_tests_name("traps", tests, NULL, NULL);
}
