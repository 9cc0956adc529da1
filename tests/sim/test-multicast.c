/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* How packets for many are copied, and how often. */

#include "tests/sim/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum { GROUP = 0xc005 };

static int set_up(void **state)
{
	int r = line_set_up(state);

	line_bring_up(*state);
	return r;
}

static void join(struct sim_node *sw, unsigned port)
{
	assert_int_equal(sim_mft_put(sw, GROUP, port, true), 0);
}

static void members_get_a_copy_each_and_the_sender_none(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 0);
	join(l->west, 1);
	join(l->west, 3);
	join(l->east, 3);
	join(l->east, 1);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 0);
	assert_int_equal(l->at_west.n_got, 1);
	assert_int_equal(l->at_b.n_got, 1);
	assert_int_equal(l->west->ports[1].counters.xmit_pkts, 0);
	assert_int_equal(l->east->ports[3].counters.xmit_pkts, 0);
	/* From the other end; the switch counts as one more. */
	sim_send(&l->b->ports[2], &p);
	assert_int_equal(l->at_a.n_got, 1);
	assert_int_equal(l->at_west.n_got, 2);
	assert_int_equal(l->at_b.n_got, 1);
	/* And from the switch itself. */
	sim_send(&l->west->ports[0], &p);
	assert_int_equal(l->at_a.n_got, 2);
	assert_int_equal(l->at_west.n_got, 2);
	assert_int_equal(l->at_b.n_got, 2);
}

static void multicast_is_counted_apart(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 3);
	join(l->east, 1);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->a->ports[1].counters.multicast_xmit, 1);
	assert_int_equal(l->a->ports[1].counters.unicast_xmit, 0);
	assert_int_equal(l->b->ports[2].counters.multicast_rcv, 1);
	assert_int_equal(l->b->ports[2].counters.unicast_rcv, 0);
	assert_int_equal(l->b->ports[2].counters.rcv_pkts, 1);
}

static void of_the_copies_each_is_stopped_for_itself(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 0);
	join(l->west, 2); /* no cable */
	join(l->west, 3);
	join(l->east, 1);
	assert_int_equal(line_send(l, &p), SIM_DROP_LINK_DOWN);
	assert_int_equal(l->n_dropped, 1);
	assert_int_equal(l->west->ports[2].counters.xmit_discards, 1);
	assert_int_equal(l->at_west.n_got, 1);
	assert_int_equal(l->at_b.n_got, 1);
}

static void a_group_without_members_has_no_route(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	assert_ptr_equal(l->where, &l->west->ports[1]);
	assert_int_equal(l->west->ports[1].counters.switch_relay_errors, 1);
	p.dlid = 0xfffe; /* above all tables */
	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	/* A member that is the sender is one. */
	p.dlid = GROUP;
	join(l->west, 1);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_a.n_got, 0);
}

static void what_no_entry_names_leaves_by_the_default_ports(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);
	ib_switch_info_t *info = &l->west->sw->info;

	join(l->east, 1);
	info->def_mcast_pri_port = 3;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
	/* What came in there: by the other. */
	join(l->east, 3);
	info->def_mcast_not_port = 1;
	sim_send(&l->b->ports[2], &p);
	assert_int_equal(l->at_a.n_got, 1);
	info->def_mcast_pri_port = 1;
	info->def_mcast_not_port = 3;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 2);
}

static void default_ports_that_lead_nowhere_are_none(void **state)
{
	static const uint8_t ports[][2] = { { 0, 3 }, { 5, 3 }, { 255, 3 },
					    { 1, 1 }, { 1, 0 }, { 1, 5 } };
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	for (unsigned i = 0; i < COUNT(ports); i++) {
		l->west->sw->info.def_mcast_pri_port = ports[i][0];
		l->west->sw->info.def_mcast_not_port = ports[i][1];
		assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	}
	assert_int_equal(l->west->ports[1].counters.switch_relay_errors, COUNT(ports));
}

static void entries_above_the_top_do_not_count(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 3);
	join(l->east, 1);
	l->west->sw->info.mcast_top = htobe16(GROUP - 1);
	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	l->west->sw->info.mcast_top = htobe16(GROUP);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	l->west->sw->info.mcast_top = htobe16(0xbfff); /* no entries */
	l->west->sw->info.def_mcast_pri_port = 3;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	l->west->sw->info.def_mcast_pri_port = 0;
	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	assert_int_equal(l->at_b.n_got, 2);
}

static void bits_of_ports_that_are_not_have_no_effect(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 3);
	join(l->east, 1);
	l->west->sw->mft[GROUP - 0xc000][0] |= 1u << 5 | 1u << 15;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
	assert_int_equal(l->n_dropped, 0);
}

static void smps_are_for_one_alone(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_smp(&l->at_a, GROUP);

	join(l->west, 3);
	join(l->east, 1);
	assert_int_equal(line_send(l, &p), SIM_DROP_NO_ROUTE);
	assert_int_equal(l->at_b.n_got, 0);
}

/* Each of the seven ports that lead in lets one in, of which come three. */
static void copies_that_run_in_a_loop_end(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	assert_int_equal(sim_cable(&l->west->ports[2], &l->east->ports[2]), 0);
	assert_int_equal(sim_cable(&l->west->ports[4], &l->east->ports[4]), 0);
	line_set_states(&l->west->ports[2], SIM_ACTIVE);
	line_set_states(&l->west->ports[4], SIM_ACTIVE);
	for (unsigned n = 1; n <= 4; n++) {
		join(l->west, n);
		join(l->east, n);
	}
	for (unsigned round = 1; round <= 3; round++) {
		l->n_dropped = 0;
		assert_int_equal(line_send(l, &p), SIM_DROP_HOPS);
		assert_true(l->n_dropped <= 7 * 3);
		assert_true(l->at_b.n_got >= round && l->at_b.n_got <= 4 * round);
	}
	/* Nor does what the tables do to one stop the next. */
	for (unsigned n = 2; n <= 4; n += 2)
		assert_int_equal(sim_mft_put(l->west, GROUP, n, false), 0);
	for (unsigned n = 2; n <= 4; n += 2)
		assert_int_equal(sim_mft_put(l->east, GROUP, n, false), 0);
	l->at_b.n_got = 0;
	for (unsigned round = 1; round <= 3; round++)
		assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 3);
}

/* What a client got and sends on is another multicast. */
static void a_packet_that_is_sent_again_is_a_new_one(void **state)
{
	struct line *l = *state;
	struct sim_packet p = line_data(GROUP);

	join(l->west, 1);
	join(l->west, 3);
	join(l->east, 1);
	join(l->east, 3);
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 1);
	p = l->at_b.got;
	assert_int_equal(line_send(l, &p), SIM_PASSED);
	assert_int_equal(l->at_b.n_got, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, line_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(members_get_a_copy_each_and_the_sender_none),
		TEST(multicast_is_counted_apart),
		TEST(of_the_copies_each_is_stopped_for_itself),
		TEST(a_group_without_members_has_no_route),
		TEST(what_no_entry_names_leaves_by_the_default_ports),
		TEST(default_ports_that_lead_nowhere_are_none),
		TEST(entries_above_the_top_do_not_count),
		TEST(bits_of_ports_that_are_not_have_no_effect),
		TEST(smps_are_for_one_alone),
		TEST(copies_that_run_in_a_loop_end),
		TEST(a_packet_that_is_sent_again_is_a_new_one),
	};

	return cmocka_run_group_tests_name("multicast", tests, NULL, NULL);
}
