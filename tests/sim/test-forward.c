/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* How packets travel by LID, and all that stops them. */

#include "tests/sim/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* ---- what devices would say ------------------------------------------------------------------ */

static unsigned n_pkey_traps, n_qkey_traps, n_switch_traps;
static struct sim_port *trapped;

void __wrap_sim_trap_pkey(struct sim_port *port, const struct sim_packet *packet);
void __wrap_sim_trap_pkey(struct sim_port *port, const struct sim_packet *packet)
{
	(void)packet;
	trapped = port;
	n_pkey_traps++;
}

void __wrap_sim_trap_qkey(struct sim_port *port, const struct sim_packet *packet);
void __wrap_sim_trap_qkey(struct sim_port *port, const struct sim_packet *packet)
{
	(void)packet;
	trapped = port;
	n_qkey_traps++;
}

void __wrap_sim_trap_switch_pkey(struct sim_port *port, const struct sim_packet *packet);
void __wrap_sim_trap_switch_pkey(struct sim_port *port, const struct sim_packet *packet)
{
	(void)packet;
	trapped = port;
	n_switch_traps++;
}

static int set_up(void **state)
{
	n_pkey_traps = 0;
	n_qkey_traps = 0;
	n_switch_traps = 0;
	trapped = NULL;
	return line_set_up(state);
}

static int set_up_and_bring_up(void **state)
{
	int r = set_up(state);

	line_bring_up(*state);
	return r;
}

/* ---- SMPs by LID ----------------------------------------------------------------------------- */

static void an_smp_by_lid_is_answered_by_adapters_and_switches(void **state)
{
	struct line *l = *state;
	const struct {
		uint16_t lid;
		struct sim_node *node;
	} ends[] = {
		{ LID_WEST, l->west }, { LID_EAST, l->east }, { LID_B, l->b }, { LID_A, l->a }
	};

	for (unsigned i = 0; i < COUNT(ends); i++) {
		struct sim_packet p = line_smp(&l->at_a, ends[i].lid);
		const ib_node_info_t *info = (const ib_node_info_t *)l->at_a.got.smp.data;

		assert_int_equal(line_send(l, &p), SIM_PASSED);
		assert_int_equal(l->at_a.n_got, i + 1);
		assert_int_equal(info->node_guid, ends[i].node->info.node_guid);
		assert_int_equal(l->at_a.got.slid, ends[i].lid);
		assert_int_equal(l->at_a.got.dlid, LID_A);
	}
}

static void smps_pass_where_ports_are_not_active(void **state)
{
	static const enum sim_state states[] = { SIM_INIT, SIM_ARMED, SIM_ACTIVE };
	struct line *l = *state;
	struct sim_packet p = line_smp(&l->at_a, LID_B);

	for (unsigned i = 0; i < COUNT(states); i++) {
		line_set_states(&l->west->ports[1], states[i]);
		line_set_states(&l->west->ports[3], states[i]);
		line_set_states(&l->east->ports[1], states[i]);
		assert_int_equal(line_send(l, &p), SIM_PASSED);
		assert_int_equal(l->at_a.n_got, i + 1);
		/* And an SMP makes no port Active. */
		assert_int_equal(sim_state(&l->west->ports[1]), states[i]);
		assert_int_equal(sim_state(&l->b->ports[2]), states[i]);
	}
}

static void with_the_quirk_smps_by_lid_need_active_ports(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_smp(&l->at_a, LID_B);
	struct sim_packet directed = line_directed(&l->at_a, 3, (const uint8_t[]){ 1, 3, 1 });

	l->fabric->quirks.smp_needs_active = true;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	sim_set_state(&l->west->ports[3], SIM_ARMED);
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_ACTIVE);
	assert_ptr_equal(l->where, &l->west->ports[3]);
	sim_set_state(&l->west->ports[3], SIM_ACTIVE);
	sim_set_state(&l->east->ports[3], SIM_INIT);
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_ACTIVE);
	assert_ptr_equal(l->where, &l->east->ports[3]);
	assert_int_equal(line_send(l, &directed), SIM_PASSED);
}

static void nothing_passes_a_link_that_is_down(void **state)
{
	struct line *l = *state;
	struct sim_packet smp = line_smp(&l->at_a, LID_B);
	struct sim_packet data = line_data(LID_B);
	struct sim_port *out = &l->west->ports[3];

	sim_cable_pull(out);
	assert_int_equal(line_send(l, &smp), SIM_DROP_LINK_DOWN);
	assert_ptr_equal(l->where, out);
	assert_int_equal(line_send(l, &data), SIM_DROP_LINK_DOWN);
	assert_int_equal(out->counters.xmit_discards, 2);
	assert_int_equal(line_inject(l, &l->east->ports[3], &smp), SIM_DROP_LINK_DOWN);
	assert_int_equal(l->east->ports[3].counters.rcv_errors, 1);
	assert_int_equal(l->at_b.n_got, 0);
}

static void lid_0_and_the_permissive_lid_lead_nowhere(void **state)
{
	struct line *l = *state;
	struct sim_packet smp = line_smp(&l->at_a, 0);
	struct sim_packet data = line_data(0);

	assert_int_equal(sim_lft_put(l->west, 0, 3), 0);
	assert_int_equal(line_send(l, &smp), SIM_DROP_NO_ROUTE);
	assert_ptr_equal(l->where, &l->west->ports[1]);
	assert_int_equal(line_send(l, &data), SIM_DROP_NO_ROUTE);
	smp.dlid = SIM_LID_PERMISSIVE;
	data.dlid = SIM_LID_PERMISSIVE;
	assert_int_equal(line_send(l, &smp), SIM_DROP_NO_ROUTE);
	assert_int_equal(line_send(l, &data), SIM_DROP_NO_ROUTE);
	assert_ptr_equal(l->where, &l->west->ports[1]);
	assert_int_equal(line_inject(l, &l->b->ports[2], &data), SIM_DROP_NO_ROUTE);
	data.dlid = 0;
	assert_int_equal(line_inject(l, &l->b->ports[2], &data), SIM_DROP_NO_ROUTE);
	assert_int_equal(l->west->ports[1].counters.switch_relay_errors, 4);
}

static void what_does_not_fit_its_qp_is_malformed(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_smp(&l->at_a, LID_B);

	p.mad.mgmt_class = SIM_CLASS_PERF;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	p = line_smp(&l->at_a, LID_B);
	p.dqpn = 1;
	p.pkey = 0xffff;
	p.qkey = SIM_QKEY_MAD;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	p.mad.mgmt_class = SIM_CLASS_DR;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	p = line_smp(&l->at_a, LID_B);
	p.length = 255;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	p = line_smp(&l->at_a, LID_B);
	p.mad.base_ver = 2;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	p = line_smp(&l->at_a, LID_B);
	p.slid = SIM_LID_PERMISSIVE;
	assert_int_equal(line_send(l, &p), SIM_DROP_MALFORMED);
	assert_int_equal(l->at_a.n_got, 0);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static void data_goes_by_the_tables_and_is_counted(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_port *way[] = { &l->a->ports[1],    &l->west->ports[1], &l->west->ports[3],
				   &l->east->ports[3], &l->east->ports[1], &l->b->ports[2] };

	assert_int_equal(line_send(l, &p), SIM_PASSED);
	p.has_grh = true;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 2);
	for (unsigned i = 0; i < COUNT(way); i++) {
		const struct sim_counters *c = &way[i]->counters;
		bool sends = i % 2 == 0;

		/* LRH 8, BTH 12, DETH 8, ICRC 4, GRH 40 bytes. */
		assert_int_equal(c->xmit_pkts, sends ? 2 : 0);
		assert_int_equal(c->rcv_pkts, sends ? 0 : 2);
		assert_int_equal(c->xmit_data, sends ? (64 + 32) / 4 * 2 + 10 : 0);
		assert_int_equal(c->rcv_data, sends ? 0 : (64 + 32) / 4 * 2 + 10);
		assert_int_equal(c->unicast_xmit, c->xmit_pkts);
		assert_int_equal(c->unicast_rcv, c->rcv_pkts);
		assert_int_equal(c->multicast_xmit + c->multicast_rcv, 0);
	}
}

static void no_route(struct line *l, const struct sim_packet *p, enum sim_drop why)
{
	struct sim_port *in = &l->west->ports[1];
	uint32_t before = in->counters.switch_relay_errors;

	assert_int_equal(line_send(l, p), why);
	assert_ptr_equal(l->where, in);
	assert_int_equal(in->counters.switch_relay_errors, before + 1);
	assert_int_equal(in->counters.rcv_errors, 0);
}

static void a_route_that_is_none_ends_at_the_switch(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	static const uint8_t bad[] = { 255, 5, 254 };

	for (unsigned i = 0; i < COUNT(bad); i++) {
		assert_int_equal(sim_lft_put(l->west, LID_B, bad[i]), 0);
		no_route(l, &p, SIM_DROP_NO_ROUTE);
	}
	/* Nobody wrote there. */
	p.dlid = LINE_TOP;
	no_route(l, &p, SIM_DROP_NO_ROUTE);
}

static void routes_above_the_top_do_not_count(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	l->west->sw->info.lin_top = htobe16(LID_B - 1);
	no_route(l, &p, SIM_DROP_NO_ROUTE);
	l->west->sw->info.lin_top = htobe16(LID_B);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	/* A top beyond what was ever written; and the last LID. */
	l->west->sw->info.lin_top = htobe16(0xbfff);
	p.dlid = 0xbfff;
	no_route(l, &p, SIM_DROP_NO_ROUTE);
	assert_int_equal(sim_lft_put(l->west, 0xbfff, 3), 0);
	assert_int_equal(sim_lft_put(l->east, 0xbfff, 1), 0);
	l->east->sw->info.lin_top = htobe16(0xbfff);
	l->b->ports[2].info.base_lid = htobe16(0xbfff);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

static void port_0_is_for_the_lids_of_the_switch_alone(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	assert_int_equal(sim_lft_put(l->west, LID_B, 0), 0);
	no_route(l, &p, SIM_DROP_NOT_FOR_US);
	p.dlid = LID_WEST;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_west.n_got, 1);
	/* Its own LID it knows without a table. */
	assert_int_equal(sim_lft_put(l->west, LID_WEST, 255), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_west.n_got, 2);
}

static void nothing_leaves_where_it_came_in(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	assert_int_equal(sim_lft_put(l->west, LID_B, 1), 0);
	no_route(l, &p, SIM_DROP_LOOPING);
	assert_int_equal(l->west->ports[1].counters.xmit_pkts, 0);
}

static void a_loop_of_routes_ends(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(9);

	assert_int_equal(sim_cable(&l->west->ports[4], &l->east->ports[4]), 0);
	line_set_states(&l->west->ports[4], SIM_ACTIVE);
	assert_int_equal(sim_lft_put(l->west, 9, 3), 0);
	assert_int_equal(sim_lft_put(l->east, 9, 4), 0);
	assert_int_equal(line_send(l, &p), SIM_DROP_HOPS);
	assert_int_equal(l->n_dropped, 1);
	assert_true(l->west->ports[3].counters.xmit_pkts > 2);
}

static void an_end_port_takes_its_own_lids_only(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(9);

	assert_int_equal(sim_lft_put(l->west, 9, 3), 0);
	assert_int_equal(sim_lft_put(l->east, 9, 1), 0);
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_FOR_US);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	l->b->ports[2].info.base_lid = 0;
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_FOR_US);
}

static void with_an_lmc_a_port_has_several_lids(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(0);

	l->b->ports[2].info.base_lid = htobe16(8);
	l->b->ports[2].info.mkey_lmc = 2;
	for (uint16_t lid = 7; lid <= 12; lid++) {
		bool is_his = lid >= 8 && lid <= 11;

		assert_int_equal(sim_lft_put(l->west, lid, 3), 0);
		assert_int_equal(sim_lft_put(l->east, lid, 1), 0);
		p.dlid = lid;
		assert_int_equal(line_send(l, &p), is_his ? SIM_PASSED : SIM_DROP_NOT_FOR_US);
	}
	assert_int_equal(l->at_b.n_got, 4);
	l->west->ports[0].info.base_lid = htobe16(12);
	l->west->ports[0].info.mkey_lmc = 1;
	for (uint16_t lid = 12; lid <= 13; lid++) {
		p.dlid = lid;
		assert_int_equal(line_send(l, &p), SIM_PASSED);
	}
	assert_int_equal(l->at_west.n_got, 2);
}

static void what_is_for_oneself_does_not_leave(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_A);

	l->a->ports[1].info.mkey_lmc = 1;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	p.dlid = LID_A + 1;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 2);
	assert_int_equal(l->a->ports[1].counters.xmit_pkts, 0);
	assert_int_equal(l->a->ports[1].counters.rcv_pkts, 0);
	p.dlid = LID_WEST;
	l->why = SIM_PASSED;
	sim_send(&l->west->ports[0], &p);
	assert_int_equal(l->why, SIM_PASSED);
	assert_int_equal(l->at_west.n_got, 1);
}

static void a_switch_sends_by_its_own_tables(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_A);

	sim_send(&l->east->ports[0], &p);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(l->east->ports[3].counters.xmit_pkts, 1);
	p.dlid = 14;
	l->why = SIM_PASSED;
	sim_send(&l->east->ports[0], &p);
	assert_int_equal(l->why, SIM_DROP_NO_ROUTE);
	assert_ptr_equal(l->where, &l->east->ports[0]);
}

/* ---- states ---------------------------------------------------------------------------------- */

static void data_leaves_by_active_ports_only(void **state)
{
	static const enum sim_state states[] = { SIM_INIT, SIM_ARMED };
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_port *ports[] = { &l->a->ports[1], &l->west->ports[3] };

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned s = 0; s < 2; s++) {
			sim_set_state(ports[i], states[s]);
			assert_int_equal(line_send(l, &p), SIM_DROP_NOT_ACTIVE);
			assert_ptr_equal(l->where, ports[i]);
			assert_int_equal(ports[i]->counters.xmit_discards, s + 1);
			assert_int_equal(sim_state(ports[i]), states[s]);
		}
		sim_set_state(ports[i], SIM_ACTIVE);
	}
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

static void data_does_not_come_in_before_armed(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	sim_set_state(&l->east->ports[3], SIM_INIT);
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_ACTIVE);
	assert_ptr_equal(l->where, &l->east->ports[3]);
	assert_int_equal(l->east->ports[3].counters.rcv_pkts, 0);
	assert_int_equal(l->east->ports[3].counters.switch_relay_errors, 0);
	assert_int_equal(sim_state(&l->east->ports[3]), SIM_INIT);
}

static void the_first_data_makes_an_armed_port_active(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	sim_set_state(&l->east->ports[3], SIM_ARMED);
	sim_set_state(&l->b->ports[2], SIM_ARMED);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
	assert_int_equal(sim_state(&l->east->ports[3]), SIM_ACTIVE);
	assert_int_equal(sim_state(&l->b->ports[2]), SIM_ACTIVE);
}

static void with_the_quirk_an_armed_port_takes_nothing(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	l->fabric->quirks.armed_receives_nothing = true;
	sim_set_state(&l->east->ports[3], SIM_ARMED);
	assert_int_equal(line_send(l, &p), SIM_DROP_NOT_ACTIVE);
	assert_int_equal(sim_state(&l->east->ports[3]), SIM_ARMED);
}

/* ---- lanes and lengths ----------------------------------------------------------------------- */

static void a_packet_longer_than_the_mtu_of_a_port_does_not_leave_by_it(void **state)
{
	static const uint16_t bytes[] = { 0, 256, 512, 1024, 2048, 4096 };
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_port *out = &l->west->ports[3];

	l->a->ports[1].info.mtu_smsl = 5 << 4;
	l->east->ports[1].info.mtu_smsl = 5 << 4;
	for (uint8_t mtu = 1; mtu <= 5; mtu++) {
		out->info.mtu_smsl = (uint8_t)(mtu << 4);
		p.length = bytes[mtu];
		assert_int_equal(line_send(l, &p), SIM_PASSED);
		p.length = bytes[mtu] + 1;
		assert_int_equal(line_send(l, &p), SIM_DROP_MTU);
		assert_ptr_equal(l->where, mtu == 5 ? &l->a->ports[1] : out);
	}
	assert_int_equal(out->counters.xmit_discards, 4);
	assert_int_equal(l->a->ports[1].counters.xmit_discards, 1);
	assert_int_equal(l->at_b.n_got, 5);
}

static void an_sl_without_a_lane_ends_at_the_switch(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_port *in = &l->west->ports[1];

	p.sl = 2;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(sim_sl2vl_put(in, &l->west->ports[3], 2, 15), 0);
	no_route(l, &p, SIM_DROP_VL);
	p.sl = 3;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(sim_sl2vl_put(&l->west->ports[2], &l->west->ports[3], 3, 15), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED); /* from elsewhere */
	/* SMPs have lane 15 for themselves. */
	p = line_smp(&l->at_a, LID_B);
	p.sl = 2;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

static void an_sl_without_a_lane_does_not_leave_its_adapter(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_port *out = &l->a->ports[1];

	p.sl = 8; /* there are eight lanes */
	assert_int_equal(line_send(l, &p), SIM_DROP_VL);
	assert_ptr_equal(l->where, out);
	assert_int_equal(out->counters.xmit_discards, 1);
	p.sl = 1;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	out->info.vl_enforce = 1 << 4; /* VL 0 alone operates */
	assert_int_equal(line_send(l, &p), SIM_DROP_VL);
	assert_int_equal(sim_sl2vl_put(out, out, 1, 0), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void one_of_two_has_to_be_a_full_member(void **state)
{
	static const struct {
		uint16_t own, sent;
		bool fits;
	} pairs[] = {
		{ 0x8005, 0x8005, true },  { 0x8005, 0x0005, true },  { 0x0005, 0x8005, true },
		{ 0x0005, 0x0005, false }, { 0x8005, 0x8006, false }, { 0x8000, 0x8000, false },
		{ 0x0000, 0x8000, false }, { 0x8000, 0x0000, false },
	};
	struct line *l = *state;
	struct sim_port *port = &l->b->ports[2];
	unsigned refused = 0;

	assert_int_equal(sim_pkey_put(port, 0, 0), 0);
	for (unsigned i = 0; i < COUNT(pairs); i++) {
		struct sim_packet p = line_data(LID_B);

		p.pkey = pairs[i].sent;
		assert_int_equal(sim_pkey_put(port, 63, pairs[i].own), 0);
		assert_int_equal(line_send(l, &p), pairs[i].fits ? SIM_PASSED : SIM_DROP_PKEY);
		refused += !pairs[i].fits;
		assert_int_equal(be16toh(port->info.p_key_violations), refused);
		assert_int_equal(n_pkey_traps, refused);
	}
	assert_ptr_equal(trapped, port);
}

static void pkey_violations_stop_at_the_maximum_and_smps_are_none(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_packet smp = line_smp(&l->at_a, LID_B);
	struct sim_port *port = &l->b->ports[2];

	p.pkey = 0x8005;
	port->info.p_key_violations = htobe16(0xfffe);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(line_send(l, &p), SIM_DROP_PKEY);
	assert_int_equal(be16toh(port->info.p_key_violations), 0xffff);
	smp.pkey = 0x8005;
	assert_int_equal(line_send(l, &smp), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 1);
}

static void of_a_switch_the_keys_of_port_0_count(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_WEST);

	p.pkey = 0x8005;
	assert_int_equal(sim_pkey_put(&l->west->ports[1], 1, 0x8005), 0);
	assert_int_equal(line_send(l, &p), SIM_DROP_PKEY);
	assert_int_equal(be16toh(l->west->ports[0].info.p_key_violations), 1);
	assert_int_equal(sim_pkey_put(&l->west->ports[0], 1, 0x8005), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

static struct sim_packet gmp(const struct line *l, uint16_t dlid)
{
	struct sim_packet p = line_smp(&l->at_a, dlid);

	p.dqpn = 1;
	p.sqpn = 1;
	p.pkey = 0xffff;
	p.qkey = SIM_QKEY_MAD;
	p.mad.mgmt_class = SIM_CLASS_PERF;
	p.mad.attr_id = htobe16(1);
	return p;
}

static void qp1_wants_its_q_key(void **state)
{
	struct line *l = *state;
	struct sim_packet p = gmp(l, LID_B);
	struct sim_port *port = &l->b->ports[2];

	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(l->at_a.got.mad.status, 0);
	p.qkey = 0x1234;
	assert_int_equal(line_send(l, &p), SIM_DROP_QKEY);
	assert_int_equal(be16toh(port->info.q_key_violations), 1);
	assert_int_equal(n_qkey_traps, 1);
	assert_ptr_equal(trapped, port);
	port->info.q_key_violations = 0xffff;
	assert_int_equal(line_send(l, &p), SIM_DROP_QKEY);
	assert_int_equal(port->info.q_key_violations, 0xffff);
	l->fabric->quirks.qkey_silent = true;
	port->info.q_key_violations = 0;
	assert_int_equal(line_send(l, &p), SIM_DROP_QKEY);
	assert_int_equal(port->info.q_key_violations, 0);
	assert_int_equal(n_qkey_traps, 2);
	/* Clients need not say it. */
	p.qkey = 0;
	l->why = SIM_PASSED;
	assert_int_equal(sim_client_send(&l->at_a.client, &p), 0);
	assert_int_equal(l->why, SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 2);
}

static void a_switch_port_enforces_where_it_is_told_to(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);
	struct sim_packet smp = line_smp(&l->at_a, LID_B);
	struct sim_port *in = &l->west->ports[1];
	struct sim_port *out = &l->west->ports[3];

	p.pkey = 0x8005;
	smp.pkey = 0x8005;
	assert_int_equal(sim_pkey_put(&l->b->ports[2], 1, 0x8005), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	in->info.vl_enforce |= 0x08;
	assert_int_equal(line_send(l, &p), SIM_DROP_PKEY_IN);
	assert_ptr_equal(l->where, in);
	assert_int_equal(in->counters.rcv_constraint_errors, 1);
	assert_int_equal(in->counters.switch_relay_errors, 0);
	assert_int_equal(in->counters.rcv_pkts, 1);
	assert_int_equal(n_switch_traps, 1);
	assert_ptr_equal(trapped, in);
	assert_int_equal(sim_pkey_put(in, 1, 0x8005), 0);
	out->info.vl_enforce |= 0x04;
	assert_int_equal(line_send(l, &p), SIM_DROP_PKEY_OUT);
	assert_ptr_equal(l->where, out);
	assert_int_equal(out->counters.xmit_constraint_errors, 1);
	assert_int_equal(out->counters.xmit_discards, 0);
	assert_int_equal(n_switch_traps, 2);
	assert_ptr_equal(trapped, out);
	assert_int_equal(line_send(l, &smp), SIM_PASSED);
	/* Each bit is for its direction. */
	in->info.vl_enforce = (uint8_t)((in->info.vl_enforce & 0xf0) | 0x04);
	out->info.vl_enforce = (uint8_t)((out->info.vl_enforce & 0xf0) | 0x08);
	assert_int_equal(sim_pkey_put(in, 1, 0), 0);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
}

static void who_cannot_enforce_does_not(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	p.pkey = 0x8005;
	assert_int_equal(sim_pkey_put(&l->b->ports[2], 1, 0x8005), 0);
	l->west->sw->info.enforce_cap = 0;
	l->west->ports[1].info.vl_enforce |= 0x0c;
	l->a->ports[1].info.vl_enforce |= 0x0c; /* adapters have no such bits */
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
}

/* ---- at the end ------------------------------------------------------------------------------ */

static void what_other_qps_get_is_no_mad(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(LID_B);

	l->fabric->nodes[0]->ports[1].info.mtu_smsl = 5 << 4;
	l->west->ports[3].info.mtu_smsl = 5 << 4;
	l->east->ports[1].info.mtu_smsl = 5 << 4;
	p.length = 4000;
	p.bytes[1] = SIM_CLASS_LID; /* data may look like anything */
	p.mad.method = SIM_GET;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
	p.dqpn = LINE_QPN + 1;
	assert_int_equal(line_send(l, &p), SIM_DROP_NOBODY);
	assert_int_equal(l->at_a.n_got, 0);
}

static void for_requests_without_a_taker_the_kernel_answers(void **state)
{
	struct line *l = *state;
	struct sim_packet p = gmp(l, LID_B);

	p.mad.mgmt_class = 0x03;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(l->at_a.got.mad.method, SIM_GET_RESP);
	assert_int_equal(l->at_a.got.mad.status, htobe16(SIM_BAD_ATTRIBUTE));
	p.mad.method = SIM_REPORT;
	assert_int_equal(line_send(l, &p), SIM_DROP_NOBODY);
	assert_int_equal(l->at_a.n_got, 1);
}

static void who_sent_hears_what_came_to_nothing(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(14);
	uint64_t before = l->fabric->drops[SIM_DROP_NO_ROUTE];

	assert_int_equal(sim_client_send(&l->at_a.client, &p), 0); /* has no dropped() */
	assert_int_equal(l->fabric->drops[SIM_DROP_NO_ROUTE], before + 1);
	p.client = 0x12345678; /* nobody */
	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_and_bring_up, line_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_smp_by_lid_is_answered_by_adapters_and_switches),
		TEST(smps_pass_where_ports_are_not_active),
		TEST(with_the_quirk_smps_by_lid_need_active_ports),
		TEST(nothing_passes_a_link_that_is_down),
		TEST(lid_0_and_the_permissive_lid_lead_nowhere),
		TEST(what_does_not_fit_its_qp_is_malformed),
		TEST(data_goes_by_the_tables_and_is_counted),
		TEST(a_route_that_is_none_ends_at_the_switch),
		TEST(routes_above_the_top_do_not_count),
		TEST(port_0_is_for_the_lids_of_the_switch_alone),
		TEST(nothing_leaves_where_it_came_in),
		TEST(a_loop_of_routes_ends),
		TEST(an_end_port_takes_its_own_lids_only),
		TEST(with_an_lmc_a_port_has_several_lids),
		TEST(what_is_for_oneself_does_not_leave),
		TEST(a_switch_sends_by_its_own_tables),
		TEST(data_leaves_by_active_ports_only),
		TEST(data_does_not_come_in_before_armed),
		TEST(the_first_data_makes_an_armed_port_active),
		TEST(with_the_quirk_an_armed_port_takes_nothing),
		TEST(a_packet_longer_than_the_mtu_of_a_port_does_not_leave_by_it),
		TEST(an_sl_without_a_lane_ends_at_the_switch),
		TEST(an_sl_without_a_lane_does_not_leave_its_adapter),
		TEST(one_of_two_has_to_be_a_full_member),
		TEST(pkey_violations_stop_at_the_maximum_and_smps_are_none),
		TEST(of_a_switch_the_keys_of_port_0_count),
		TEST(qp1_wants_its_q_key),
		TEST(a_switch_port_enforces_where_it_is_told_to),
		TEST(who_cannot_enforce_does_not),
		TEST(what_other_qps_get_is_no_mad),
		TEST(for_requests_without_a_taker_the_kernel_answers),
		TEST(who_sent_hears_what_came_to_nothing),
	};

	return cmocka_run_group_tests_name("forwarding", tests, NULL, NULL);
}
