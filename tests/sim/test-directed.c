/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Directed routes, alone and combined with parts by LID (IBA 14.2.2). */

#include "tests/sim/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

static const uint8_t to_b[] = { 1, 3, 1 };

static ib_net64_t answered_by(const struct line_user *user)
{
	const ib_node_info_t *info = (const ib_node_info_t *)user->got.smp.data;

	return info->node_guid;
}

/* LocalPortNum */
static unsigned ingress(const struct line_user *user)
{
	const ib_node_info_t *info = (const ib_node_info_t *)user->got.smp.data;

	return be32toh(info->port_num_vendor_id) >> 24;
}

static void is_answered(struct line *l, const struct sim_packet *p, const struct sim_node *by)
{
	unsigned before = l->at_a.n_got;

	assert_int_equal(line_send(l, p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, before + 1);
	assert_int_equal(l->at_a.got.smp.method, SIM_GET_RESP);
	assert_int_equal(l->at_a.got.smp.hop_ptr, 0);
	assert_int_equal(answered_by(&l->at_a), by->info.node_guid);
}

/* ---- a path alone ---------------------------------------------------------------------------- */

static void a_directed_route_leads_to_the_end_and_back(void **state)
{
	struct line *l = *state;
	struct sim_node *ends[] = { l->a, l->west, l->east, l->b };

	for (unsigned n = 0; n <= 3; n++) {
		struct sim_packet p = line_directed(&l->at_a, n, to_b);

		is_answered(l, &p, ends[n]);
		assert_int_equal(l->at_a.got.slid, SIM_LID_PERMISSIVE);
		assert_int_equal(l->at_a.got.dlid, SIM_LID_PERMISSIVE);
		assert_int_equal(be64toh(l->at_a.got.smp.trans_id) & 0xffffffff, 77);
	}
	assert_int_equal(l->at_a.got.smp.return_path[0], 0);
	assert_int_equal(l->at_a.got.smp.return_path[1], 1);
	assert_int_equal(l->at_a.got.smp.return_path[2], 3);
	assert_int_equal(l->at_a.got.smp.return_path[3], 2);
}

static void a_client_needs_not_say_who_it_is(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 3, to_b);

	p.smp.trans_id = htobe64(UINT64_C(0x1234000000000077));
	assert_int_equal(sim_client_send(&l->at_a.client, &p), 0);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(answered_by(&l->at_a), l->b->info.node_guid);
	assert_int_equal(be64toh(l->at_a.got.smp.trans_id) & 0xffffffff, 0x77);
}

static void without_hops_nothing_is_written_to_the_return_path(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 0, NULL);

	memset(p.smp.return_path, 0x77, sizeof(p.smp.return_path));
	is_answered(l, &p, l->a);
	for (unsigned i = 0; i < IB_SUBNET_PATH_HOPS_MAX; i++)
		assert_int_equal(l->at_a.got.smp.return_path[i], 0x77);
	assert_int_equal(l->a->ports[1].counters.xmit_pkts, 0);
}

static void a_directed_route_through_a_port_without_cable_is_lost(void **state)
{
	static const uint8_t path[] = { 1, 2, 1 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 2, path);

	assert_int_equal(line_send(l, &p), SIM_DROP_LINK_DOWN);
	assert_int_equal(l->at_a.n_got, 0);
	assert_int_equal(l->west->ports[2].counters.xmit_discards, 1);
}

static void a_path_names_ports_that_there_are_and_never_port_0(void **state)
{
	static const uint8_t bad[] = { 0, 5, 254, 255 };
	struct line *l = *state;

	for (unsigned i = 0; i < COUNT(bad); i++) {
		uint8_t path[] = { 1, bad[i], 1 };
		struct sim_packet p = line_directed(&l->at_a, 3, path);

		assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
		assert_ptr_equal(l->where, &l->west->ports[1]);
	}
}

static void a_return_path_names_ports_that_there_are_and_never_port_0(void **state)
{
	static const uint8_t bad[] = { 0, 5, 255 };
	struct line *l = *state;

	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct sim_packet p = line_directed(&l->at_a, 3, to_b);

		p.smp.method = SIM_GET_RESP;
		p.smp.status = htobe16(0x8000);
		p.smp.hop_ptr = 3;
		p.smp.return_path[2] = bad[i];
		assert_int_equal(line_inject(l, &l->east->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
		assert_ptr_equal(l->where, &l->east->ports[1]);
	}
}

static void an_adapter_sends_by_its_own_port_only(void **state)
{
	static const uint8_t other[] = { 1 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_b, 1, other);

	l->why = SIM_PASSED;
	sim_send(&l->b->ports[2], &p);
	assert_int_equal(l->why, SIM_DROP_DIRECTED_ROUTE);
	assert_int_equal(l->at_b.n_got, 0);
}

static void an_adapter_never_forwards(void **state)
{
	static const uint8_t back[] = { 1, 3, 1, 2, 3 };
	static const uint8_t other[] = { 1, 3, 1, 1, 3 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 5, back);

	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	p = line_directed(&l->at_a, 5, other);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	assert_int_equal(l->b->ports[2].counters.xmit_pkts, 0);
	/* Nor on the way back. */
	p = line_directed(&l->at_a, 5, back);
	p.smp.status = htobe16(0x8000);
	memset(p.smp.return_path, 2, sizeof(p.smp.return_path));
	for (uint8_t pointer = 2; pointer <= 5; pointer++) {
		p.smp.hop_ptr = pointer;
		assert_int_equal(line_inject(l, &l->b->ports[2], &p), SIM_DROP_DIRECTED_ROUTE);
		assert_ptr_equal(l->where, &l->b->ports[2]);
	}
}

static void a_path_has_63_hops_at_most(void **state)
{
	struct line *l = *state;
	uint8_t path[63] = { 1 };
	struct sim_packet p;

	memset(path + 1, 3, sizeof(path) - 1);
	p = line_directed(&l->at_a, 63, path);
	is_answered(l, &p, l->west); /* hop 1, 3, ... and 63 end there */
	assert_int_equal(l->at_a.got.smp.return_path[63], 3);
	p = line_directed(&l->at_a, 64, path);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	p = line_directed(&l->at_a, 255, path);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	p.smp.status = htobe16(0x8000);
	p.smp.hop_ptr = 200;
	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
	p.smp.hop_ptr = 0;
	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
}

/* ---- pointers -------------------------------------------------------------------------------- */

static void a_path_that_begins_on_the_wire_is_lost(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 2, to_b);

	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
	assert_int_equal(line_inject(l, &l->a->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
	/* It is no part of a combined route either. */
	p.smp.dr_slid = htobe16(LID_A);
	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
}

static void without_hops_a_neighbour_answers_too(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_west, 0, NULL);

	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_PASSED);
	assert_int_equal(l->at_west.n_got, 1);
	assert_int_equal(l->at_west.got.smp.hop_ptr, 0);
	assert_int_equal(answered_by(&l->at_west), l->west->info.node_guid);
}

static void who_is_past_the_end_of_the_path_is_there(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 1, to_b);

	p.smp.hop_ptr = 2;
	p.smp.return_path[1] = 1;
	assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(answered_by(&l->at_a), l->west->info.node_guid);
}

static void a_pointer_far_past_the_end_is_wrong(void **state)
{
	static const uint8_t bad[] = { 4, 5, 63, 64, 255 };
	struct line *l = *state;

	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct sim_packet p = line_directed(&l->at_a, 2, to_b);

		p.smp.hop_ptr = bad[i];
		memset(p.smp.return_path, 1, sizeof(p.smp.return_path));
		assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
		assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
		p.smp.status = htobe16(0x8000);
		assert_int_equal(line_inject(l, &l->west->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
		assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
		assert_int_equal(l->a->ports[1].counters.xmit_pkts, 0);
		assert_int_equal(l->west->ports[1].counters.xmit_pkts, 0);
	}
}

/* Of an answer: pointers 0 and 1 are for who asked, 2 to c for switches, c + 1 for who answers. */
static void the_way_back_begins_at_who_answers(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 2, to_b);

	p.smp.method = SIM_GET_RESP;
	p.smp.status = htobe16(0x8000);
	p.smp.return_path[1] = 1;
	p.smp.return_path[2] = 3;
	p.smp.hop_ptr = 3;
	assert_int_equal(line_inject(l, &l->east->ports[3], &p), SIM_DROP_DIRECTED_ROUTE);
	l->why = SIM_PASSED;
	sim_send(&l->east->ports[0], &p);
	assert_int_equal(l->why, SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(l->at_a.got.smp.hop_ptr, 0);
}

static void at_pointer_0_and_1_an_answer_is_at_who_asked(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 2, to_b);

	p.smp.method = SIM_GET_RESP;
	p.smp.status = htobe16(0x8000);
	for (uint8_t pointer = 0; pointer <= 1; pointer++) {
		p.smp.hop_ptr = pointer;
		assert_int_equal(line_inject(l, &l->a->ports[1], &p), SIM_PASSED);
		assert_int_equal(l->at_a.n_got, pointer + 1);
		assert_int_equal(l->at_a.got.smp.hop_ptr, 0);
	}
}

/* ---- combined with LIDs ---------------------------------------------------------------------- */

static void a_path_can_begin_at_a_switch_that_a_lid_names(void **state)
{
	struct line *l = *state;
	static const uint8_t path[] = { 3, 1 };
	struct sim_packet p = line_directed(&l->at_a, 2, path);

	line_bring_up(l);
	p.dlid = LID_WEST;
	p.slid = LID_A;
	p.smp.dr_slid = htobe16(LID_A);
	is_answered(l, &p, l->b);
	assert_int_equal(l->at_a.got.slid, LID_WEST);
	assert_int_equal(l->at_a.got.dlid, LID_A);
	assert_int_equal(l->at_a.got.smp.return_path[1], 3);
	assert_int_equal(l->at_a.got.smp.return_path[2], 2);
	/* Two switches away. */
	p.dlid = LID_EAST;
	p.smp.hop_count = 1;
	p.smp.initial_path[1] = 1;
	is_answered(l, &p, l->b);
}

static void a_lid_can_lead_on_from_where_a_path_ends(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 1, to_b);

	line_bring_up(l);
	p.smp.dr_dlid = htobe16(LID_B);
	is_answered(l, &p, l->b);
	assert_int_equal(l->at_a.got.slid, SIM_LID_PERMISSIVE);
	assert_int_equal(l->at_a.got.dlid, SIM_LID_PERMISSIVE);
	assert_int_equal(l->at_a.got.smp.return_path[1], 1);
	/* To the switch itself, and to one that is neither. */
	p.smp.dr_dlid = htobe16(LID_WEST);
	is_answered(l, &p, l->west);
	assert_int_equal(ingress(&l->at_a), 1);
	p.smp.dr_dlid = htobe16(LID_EAST);
	is_answered(l, &p, l->east);
}

static void a_path_can_lie_between_two_lids(void **state)
{
	static const uint8_t path[] = { 3 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 1, path);

	line_bring_up(l);
	p.dlid = LID_WEST;
	p.slid = LID_A;
	p.smp.dr_slid = htobe16(LID_A);
	p.smp.dr_dlid = htobe16(LID_B);
	is_answered(l, &p, l->b);
	assert_int_equal(l->at_a.got.slid, LID_WEST);
	assert_int_equal(l->at_a.got.dlid, LID_A);
	assert_int_equal(l->at_a.got.smp.return_path[1], 3);
}

static void between_two_lids_there_may_be_no_hop_at_all(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 0, NULL);

	line_bring_up(l);
	p.dlid = LID_WEST;
	p.slid = LID_A;
	p.smp.dr_slid = htobe16(LID_A);
	p.smp.dr_dlid = htobe16(LID_B);
	is_answered(l, &p, l->b);
	p.smp.dr_dlid = 0xffff;
	is_answered(l, &p, l->west);
}

static void a_switch_may_send_on_where_the_path_came_from(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 1, to_b);

	line_bring_up(l);
	p.smp.dr_dlid = htobe16(LID_A);
	is_answered(l, &p, l->a);
}

static void an_adapter_goes_on_by_no_lid(void **state)
{
	static const uint8_t path[] = { 2 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 3, to_b);

	line_bring_up(l);
	p.smp.dr_dlid = htobe16(LID_WEST);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	/* Neither for itself. */
	p.smp.dr_dlid = htobe16(LID_B);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	/* And no path begins there. */
	p = line_directed(&l->at_a, 1, path);
	p.dlid = LID_B;
	p.slid = LID_A;
	p.smp.dr_slid = htobe16(LID_A);
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	assert_ptr_equal(l->where, &l->b->ports[2]);
	/* Nor does one come back to it by a path, to go on by LID. */
	p = line_directed(&l->at_a, 1, to_b);
	p.smp.dr_slid = htobe16(LID_EAST);
	p.smp.method = SIM_GET_RESP;
	p.smp.status = htobe16(0x8000);
	p.smp.hop_ptr = 1;
	assert_int_equal(line_inject(l, &l->a->ports[1], &p), SIM_DROP_DIRECTED_ROUTE);
}

static void a_path_behind_a_lid_needs_a_source_to_come_back_to(void **state)
{
	static const uint8_t path[] = { 3, 1 };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 2, path);

	line_bring_up(l);
	p.dlid = LID_WEST;
	p.slid = LID_A;
	assert_int_equal(line_send(l, &p), SIM_DROP_DIRECTED_ROUTE);
	assert_ptr_equal(l->where, &l->west->ports[1]);
}

static void a_lid_behind_a_path_must_lead_somewhere(void **state)
{
	static const uint16_t nowhere[] = { 0, 9, 16, 0xc000, 0xfffe };
	struct line *l = *state;
	struct sim_packet p = line_directed(&l->at_a, 1, to_b);

	line_bring_up(l);
	for (unsigned i = 0; i < COUNT(nowhere); i++) {
		p.smp.dr_dlid = htobe16(nowhere[i]);
		assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(a_directed_route_leads_to_the_end_and_back),
		LINE_TEST(a_client_needs_not_say_who_it_is),
		LINE_TEST(without_hops_nothing_is_written_to_the_return_path),
		LINE_TEST(a_directed_route_through_a_port_without_cable_is_lost),
		LINE_TEST(a_path_names_ports_that_there_are_and_never_port_0),
		LINE_TEST(a_return_path_names_ports_that_there_are_and_never_port_0),
		LINE_TEST(an_adapter_sends_by_its_own_port_only),
		LINE_TEST(an_adapter_never_forwards),
		LINE_TEST(a_path_has_63_hops_at_most),
		LINE_TEST(a_path_that_begins_on_the_wire_is_lost),
		LINE_TEST(without_hops_a_neighbour_answers_too),
		LINE_TEST(who_is_past_the_end_of_the_path_is_there),
		LINE_TEST(a_pointer_far_past_the_end_is_wrong),
		LINE_TEST(the_way_back_begins_at_who_answers),
		LINE_TEST(at_pointer_0_and_1_an_answer_is_at_who_asked),
		LINE_TEST(a_path_can_begin_at_a_switch_that_a_lid_names),
		LINE_TEST(a_lid_can_lead_on_from_where_a_path_ends),
		LINE_TEST(a_path_can_lie_between_two_lids),
		LINE_TEST(between_two_lids_there_may_be_no_hop_at_all),
		LINE_TEST(a_switch_may_send_on_where_the_path_came_from),
		LINE_TEST(an_adapter_goes_on_by_no_lid),
		LINE_TEST(a_path_behind_a_lid_needs_a_source_to_come_back_to),
		LINE_TEST(a_lid_behind_a_path_must_lead_somewhere),
	};

	return cmocka_run_group_tests_name("directed routes", tests, NULL, NULL);
}
