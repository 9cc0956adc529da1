/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Fabrics whose routes need several virtual lanes, from the first SMP on: they come up, a restart
 * finds all as it was, cables come and go, and switches that have fewer lanes, or do not take them,
 * have routes that need but one. That nothing can deadlock is looked at after each write into a
 * forwarding table (scenario_watch_write()), by the levels that the SA tells at that moment.
 */

#include "tests/scenario/path-asker.h"
#include "tests/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/tables.h"

static unsigned lanes(const struct scenario *s)
{
	return scenario_status(&s->first).lanes;
}

static void expect_engine(const struct scenario *s, const char *name)
{
	assert_string_equal(scenario_status(&s->first).engine, name);
}

static const struct transport_sim_counts *counts(const struct scenario *s)
{
	return transport_sim_counts(s->first.transport);
}

/* ---- coming up ---------------------------------------------------------------------------------
 */

static void a_torus_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	expect_engine(s, "lanes");
	assert_int_equal(lanes(s), 4);
}

static void a_torus_of_three_dimensions_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 3, 3, 1));
	assert_int_equal(lanes(s), 2);
}

static void a_ring_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_ring(8, 2));
	assert_true(lanes(s) >= 2);
}

static void a_dragonfly_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_dragonfly(4, 2, 2));
	assert_true(lanes(s) >= 2);
}

static void a_random_fabric_comes_up(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_random(40, 4, 2, 3));
	assert_true(lanes(s) >= 2);
}

static void many_lids_for_each_port_come_up(void **state)
{
	struct scenario *s = *state;

	s->first.conf.lmc = 2;
	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	assert_int_equal(lanes(s), 4);
}

static void vports_go_the_level_of_their_port(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_ring(8, 2));
	scenario_add_vports(s, scenario_host(s, 9), 2, true, true);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_true(lanes(s) >= 2);
}

/* What one lane is enough for costs nothing more, and leaves these tables alone. */
static void a_tree_has_one_lane_and_is_told_nothing(void **state)
{
	struct scenario *s = *state;
	uint64_t sent;

	scenario_comes_up(s, graph_make_ft2(8));
	assert_int_equal(lanes(s), 1);
	sent = counts(s)->requests;
	for (uint32_t i = 0; i < s->n_switches; i++)
		for (unsigned p = 0; p <= s->switches[i]->n_ports; p++) {
			assert_null(s->switches[i]->ports[p].sl2vl);
			assert_null(s->switches[i]->ports[p].vlarb);
		}
	scenario_free(s);
	*state = s = scenario_new(1);
	scenario_comes_up(s, graph_make_ft2(8));
	assert_int_equal(counts(s)->requests, sent);
}

/* ---- lanes of the operator --------------------------------------------------------------------
 */

static void set_option(struct conf *conf, const char *path, const char *value)
{
	assert_int_equal(conf_set(conf, path, value, NULL), 0);
}

/* Every table of a link that is there, by what the port is; eight lanes. */
static void expect_levels(struct scenario *s, unsigned at_switch, unsigned at_host)
{
	for (uint32_t i = 0; i < s->n_switches; i++) {
		struct sim_node *sw = s->switches[i];

		for (unsigned in = 0; in <= sw->n_ports; in++)
			for (unsigned out = 1; out <= sw->n_ports; out++)
				if (in != out && sw->ports[out].far &&
				    (in == 0 || sw->ports[in].far))
					assert_int_equal(
						sim_sl2vl_at(&sw->ports[in], &sw->ports[out], 5),
						at_switch);
	}
	for (uint32_t i = 0; i < s->n_hosts; i++)
		assert_int_equal(sim_sl2vl_at(scenario_host(s, i), scenario_host(s, i), 5),
				 at_host);
}

static void reload(struct scenario *s)
{
	scenario_apply_partitions(s);
	scenario_is_good_again(s);
}

static void qos_has_lanes_as_the_operator_says(void **state)
{
	struct scenario *s = *state;
	uint8_t turn[2];
	uint64_t sets;

	s->first.conf.qos = true;
	set_option(&s->first.conf, "qos.sl2vl", "0,0,0,0,0,2,0,0,0,0,0,0,0,0,0,15");
	set_option(&s->first.conf, "qos_ca.sl2vl", "0,0,0,0,0,11,0,0,0,0,0,0,0,0,0,0");
	set_option(&s->first.conf, "qos.vlarb_high", "3:77");
	set_option(&s->first.conf, "qos.vlarb_low", "1:2,9:4");
	set_option(&s->first.conf, "qos.high_limit", "9");
	scenario_comes_up(s, graph_make_ft2(4));
	assert_int_equal(lanes(s), 1);
	expect_levels(s, 2, 11 % 8);
	sim_vlarb_at(scenario_host(s, 1), true, 0, turn);
	assert_int_equal(turn[0], 3);
	assert_int_equal(turn[1], 77);
	sim_vlarb_at(scenario_host(s, 1)->far, false, 1, turn);
	assert_int_equal(turn[0], 9 % 8);
	assert_int_equal(turn[1], 4);
	assert_int_equal(scenario_host(s, 1)->info.vl_high_limit, 9);
	/* A restart reads it all and writes nothing. */
	scenario_stop_sm(s);
	scenario_run(s, 5 * LOOP_SEC);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(counts(s)->sets, 0);
	expect_levels(s, 2, 11 % 8);
	/* Another list for hosts costs what hosts hold. */
	sets = counts(s)->sets;
	set_option(&s->first.conf, "qos_ca.sl2vl", "0,0,0,0,0,4,0,0,0,0,0,0,0,0,0,0");
	reload(s);
	expect_levels(s, 2, 4);
	assert_int_equal(counts(s)->sets - sets, s->n_hosts);
	/* And the same again costs nothing. */
	sets = counts(s)->sets;
	reload(s);
	assert_int_equal(counts(s)->sets, sets);
}

/* Where routes need lanes these are theirs, whatever the operator wishes. */
static void routes_go_before_qos(void **state)
{
	struct scenario *s = *state;

	s->first.conf.qos = true;
	set_option(&s->first.conf, "qos.sl2vl", "7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7");
	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	assert_int_equal(lanes(s), 4);
	assert_int_not_equal(sim_sl2vl_at(scenario_host(s, 1), scenario_host(s, 1), 0), 7);
}

/* ---- what hosts are told ------------------------------------------------------------------------
 */

/* Both ways, and on more than one level in all. */
static void path_records_say_the_level_of_the_pair(void **state)
{
	struct scenario *s = *state;
	struct path_asker asker;
	unsigned seen = 0;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	for (uint32_t i = 1; i < s->n_hosts; i++) {
		struct sim_port *from = scenario_host(s, i), *to = scenario_host(s, i * 7 % 25);
		const struct fabric *f = sm_fabric(s->first.sm);
		uint8_t sl;

		if (from == to)
			continue;
		path_asker_open(&asker, from);
		assert_true(path_asker_ask(&asker, from->guid, to->guid));
		scenario_run(s, LOOP_SEC);
		assert_true(asker.answered);
		assert_int_equal(asker.answer.status, PATH_OK);
		sl = sm_service_level(s->first.sm, fabric_find_port(f, from->guid),
				      fabric_find_port(f, to->guid));
		assert_int_equal(asker.answer.sl, sl);
		assert_int_equal(sm_service_level(s->first.sm, fabric_find_port(f, to->guid),
						  fabric_find_port(f, from->guid)),
				 sl);
		seen |= 1u << sl;
		path_asker_close(&asker);
	}
	assert_true(__builtin_popcount(seen) > 1);
}

/*
 * While levels change, and while it is not known yet which are in force, nobody is told one that is
 * not: who asks then has to wait.
 */
static void nobody_is_told_a_level_of_other_tables(void **state)
{
	struct scenario *s = *state;
	struct path_asker asker;
	struct sim_port *from, *to;
	unsigned n_answers = 0;
	uint8_t sl = 0;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 1));
	from = to = scenario_host(s, 1);
	for (uint32_t i = 0; sl == 0 && i < s->n_hosts * s->n_hosts; i++) {
		const struct fabric *f = sm_fabric(s->first.sm);

		from = scenario_host(s, i / s->n_hosts);
		to = scenario_host(s, i % s->n_hosts);
		sl = sm_service_level(s->first.sm, fabric_find_port(f, from->guid),
				      fabric_find_port(f, to->guid));
	}
	assert_int_not_equal(sl, 0);
	scenario_kill_sm(s);
	path_asker_open(&asker, from);
	scenario_start_sm(s);
	for (unsigned i = 0; i < 200; i++) {
		path_asker_ask(&asker, from->guid, to->guid);
		scenario_run(s, 100 * LOOP_USEC);
		if (!asker.answered || asker.answer.status != PATH_OK)
			continue;
		n_answers++;
		assert_int_equal(asker.answer.sl, sl);
	}
	assert_true(n_answers > 0);
	path_asker_close(&asker);
}

/* ---- one Set for all inputs ---------------------------------------------------------------------
 */

enum { OPTIMIZED = 1, ALL_INPUTS = 0x20000 };

static void count_level_sets(void *user, const struct datagram *datagram)
{
	unsigned *n = user;

	*n += wire_get(datagram, MAD_ATTR) == ATTR_SLTOVL &&
	      wire_get(datagram, MAD_METHOD) == METHOD_SET;
}

static unsigned sets_of_levels(struct scenario *s)
{
	unsigned n = 0;

	s->sent = count_level_sets;
	s->sent_user = &n;
	scenario_start_sm(s);
	scenario_settle(s);
	s->sent = NULL;
	transport_sim_watch(s->first.transport, NULL, NULL);
	return n;
}

static void switches_that_can_are_told_of_all_inputs_at_once(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.life_state |= OPTIMIZED;
	/* Each of six ports, and each host. */
	assert_int_equal(sets_of_levels(s), 25 * 6 + 50);
	scenario_expect_all_good(s);
	assert_int_equal(lanes(s), 4);
	scenario_stop_sm(s);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(counts(s)->sets, 0);
}

static void a_switch_that_cannot_though_it_says_so_is_told_of_each(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	s->switches[3]->sw->info.life_state |= OPTIMIZED;
	scenario_fault(s, "refuse \"S3\" 0x17 set modifier 0x%x next 1", ALL_INPUTS | 1);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 4);
}

/* ---- restarts ----------------------------------------------------------------------------------
 */

static void a_restart_writes_nothing(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	for (unsigned i = 0; i < 3; i++) {
		scenario_stop_sm(s);
		scenario_run(s, 5 * LOOP_SEC);
		scenario_start_sm(s);
		scenario_is_good_again(s);
		assert_int_equal(counts(s)->sets, 0);
		assert_int_equal(lanes(s), 4);
	}
}

static void what_a_stranger_mapped_is_mapped_back(void **state)
{
	struct scenario *s = *state;
	struct sim_node *sw;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	scenario_kill_sm(s);
	sw = s->switches[7];
	for (unsigned in = 0; in <= sw->n_ports; in++)
		assert_int_equal(sim_sl2vl_put(&sw->ports[in], &sw->ports[1], 2, 1), 0);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(sim_sl2vl_at(&sw->ports[0], &sw->ports[1], 2), 2);
}

static void it_is_killed_at_random_moments(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 1));
	for (unsigned i = 0; i < 20; i++) {
		scenario_start_sm(s);
		scenario_run(s, scenario_random(s, 8 * LOOP_MSEC));
		scenario_kill_sm(s);
	}
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 4);
}

static void another_takes_over(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	scenario_start_rival(s, scenario_host(s, 20), 3);
	scenario_is_good_again(s);
	scenario_kill_rival(s);
	scenario_is_good_again(s);
}

/* ---- changes -----------------------------------------------------------------------------------
 */

static struct sim_port *cable_between_switches(struct scenario *s, uint32_t n)
{
	for (;; n++) {
		struct sim_port *port = scenario_link(s, n % s->n_links);

		if (port->node->sw && port->far && port->far->node->sw)
			return port;
	}
}

static void cables_are_lost_and_come_back(void **state)
{
	struct scenario *s = *state;
	uint8_t before[64];

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	memcpy(before, s->switches[12]->sw->lft, sizeof(before));
	for (unsigned i = 0; i < 10; i++) {
		struct sim_port *port =
			cable_between_switches(s, (uint32_t)scenario_random(s, s->n_links));

		scenario_pull(s, port);
		scenario_is_good_again(s);
		expect_engine(s, "lanes");
		scenario_plug(s, port);
		scenario_is_good_again(s);
		assert_memory_equal(before, s->switches[12]->sw->lft, sizeof(before));
	}
	assert_true(s->n_watched > 100);
	assert_int_equal(s->n_excused, 0);
}

static void switches_reboot_and_go(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	for (unsigned i = 3; i < 20; i += 5) {
		scenario_reboot(s, s->switches[i]);
		scenario_is_good_again(s);
		scenario_power_off(s, s->switches[i]);
		scenario_is_good_again(s);
		scenario_power_on(s, s->switches[i]);
		scenario_is_good_again(s);
	}
	assert_int_equal(lanes(s), 4);
}

static void hosts_reboot(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	for (uint32_t i = 5; i < 10; i++)
		scenario_reboot(s, scenario_host(s, i)->node);
	scenario_is_good_again(s);
}

static void count_level_tables(void *user, const struct datagram *datagram)
{
	unsigned *n = user;
	uint64_t attr = wire_get(datagram, MAD_ATTR);

	*n += attr == ATTR_SLTOVL || attr == ATTR_VL_ARBITRATION;
}

/* Of a cable that is lost no table of levels is asked for or written, nor by a sweep. */
static void levels_cost_nothing_where_nothing_changes(void **state)
{
	struct scenario *s = *state;
	unsigned n = 0;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	transport_sim_watch(s->first.transport, count_level_tables, &n);

	scenario_happens(s, "somebody wants a sweep");
	sm_sweep(s->first.sm, false);
	scenario_settle(s);
	scenario_pull(s, cable_between_switches(s, 30));
	scenario_settle(s);
	assert_int_equal(n, 0);
	scenario_expect_all_good(s);
}

static void options_change_how_many(void **state)
{
	struct scenario *s = *state;

	scenario_comes_up(s, graph_make_torus(5, 5, 1, 2));
	s->first.conf.lanes = 1;
	scenario_apply_partitions(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 1);
	expect_engine(s, "updn");
	s->first.conf.lanes = 8;
	scenario_apply_partitions(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 4);
}

/* ---- devices that have less ---------------------------------------------------------------------
 */

enum { VL_0 = 1, VL_0_1 = 2 };

static void give_lanes(struct sim_port *port, unsigned code)
{
	port->info.vl_cap = (uint8_t)(code << 4);
	port->info.vl_enforce = (uint8_t)(code << 4);
}

static void give_switch_lanes(struct sim_node *node, unsigned code)
{
	for (unsigned p = 0; p <= node->n_ports; p++)
		give_lanes(&node->ports[p], code);
}

static void a_switch_with_fewer_lanes_has_all_use_fewer(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	give_switch_lanes(s->switches[12], VL_0_1);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 2);
}

static void a_switch_with_one_lane_has_all_on_one(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	give_switch_lanes(s->switches[12], VL_0);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 1);
	expect_engine(s, "updn");
}

static void hosts_with_fewer_lanes_are_no_matter(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	for (uint32_t i = 0; i < s->n_hosts; i += 3)
		give_lanes(scenario_host(s, i), VL_0_1);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 4);
}

static void a_switch_inside_an_adapter_is_no_matter(void **state)
{
	struct scenario *s = *state;
	struct sim_port *pf;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	pf = scenario_host(s, 9);
	scenario_add_vfs(s, pf, 2, true);
	give_switch_lanes(scenario_vf(pf, 1)->far->node, VL_0);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_true(lanes(s) > 1);
}

static void a_switch_that_maps_no_levels_has_all_on_one_lane(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	s->switches[3]->ports[0].info.capability_mask &= ~htobe32(CAP_SL_MAPPING);
	scenario_start_sm(s);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 1);
}

static void a_switch_that_refuses_has_all_on_one_lane(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	scenario_fault(s, "refuse \"S3\" 0x17 set status 0x1c");
	scenario_start_sm(s);
	scenario_settle(s);
	assert_int_equal(lanes(s), 1);
	expect_engine(s, "updn");
	assert_string_equal(scenario_reason(s, &s->switches[3]->ports[0]), "lanes-refused");
	scenario_clear_faults(s);
	sm_sweep(s->first.sm, true);
	scenario_is_good_again(s);
	assert_int_equal(lanes(s), 4);
}

static void lost_requests_are_asked_again(void **state)
{
	struct scenario *s = *state;

	scenario_build(s, graph_make_torus(5, 5, 1, 2));
	for (unsigned i = 0; i < 25; i++)
		scenario_fault(s, "loss \"S%u\" 10%%", i);
	scenario_start_sm(s);
	scenario_settle(s);
	scenario_clear_faults(s);
	scenario_expect_good_within(s, 60);
	assert_int_equal(lanes(s), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scenario_set_up_lanes, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_torus_comes_up),
		TEST(a_torus_of_three_dimensions_comes_up),
		TEST(a_ring_comes_up),
		TEST(a_dragonfly_comes_up),
		TEST(a_random_fabric_comes_up),
		TEST(many_lids_for_each_port_come_up),
		TEST(vports_go_the_level_of_their_port),
		TEST(a_tree_has_one_lane_and_is_told_nothing),
		TEST(qos_has_lanes_as_the_operator_says),
		TEST(routes_go_before_qos),
		TEST(path_records_say_the_level_of_the_pair),
		TEST(nobody_is_told_a_level_of_other_tables),
		TEST(switches_that_can_are_told_of_all_inputs_at_once),
		TEST(a_switch_that_cannot_though_it_says_so_is_told_of_each),
		TEST(a_restart_writes_nothing),
		TEST(what_a_stranger_mapped_is_mapped_back),
		TEST(it_is_killed_at_random_moments),
		TEST(another_takes_over),
		TEST(cables_are_lost_and_come_back),
		TEST(switches_reboot_and_go),
		TEST(hosts_reboot),
		TEST(levels_cost_nothing_where_nothing_changes),
		TEST(options_change_how_many),
		TEST(a_switch_with_fewer_lanes_has_all_use_fewer),
		TEST(a_switch_with_one_lane_has_all_on_one),
		TEST(hosts_with_fewer_lanes_are_no_matter),
		TEST(a_switch_inside_an_adapter_is_no_matter),
		TEST(a_switch_that_maps_no_levels_has_all_on_one_lane),
		TEST(a_switch_that_refuses_has_all_on_one_lane),
		TEST(lost_requests_are_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
