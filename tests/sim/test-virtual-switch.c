/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* VFs as HCAs behind a switch: ordinary topology, and what an administrator does to it. */

#include "tests/sim/vf-rig.h"
#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/virtual-switch.h"

enum { GUID = 0x4400, CLASS_CM = 7 };

static void add(struct rig *rig, unsigned count, bool up)
{
	struct sim_vf_spec spec = { .first_guid = GUID, .up = up };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VIRTUAL_SWITCH, count, &spec), 0);
}

static struct sim_packet node_info(unsigned n, const uint8_t *path)
{
	struct sim_packet p = { .dlid = SIM_LID_PERMISSIVE, .length = SIM_MAD_SIZE };

	p.smp.base_ver = 1;
	p.smp.class_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_DR;
	p.smp.method = SIM_GET;
	p.smp.attr_id = htobe16(0x11);
	p.smp.dr_slid = 0xffff;
	p.smp.dr_dlid = 0xffff;
	p.smp.hop_count = (uint8_t)n;
	memcpy(p.smp.initial_path + 1, path, n);
	return p;
}

static bool finds(struct rig *rig, unsigned n, const uint8_t *path, ib_node_info_t *ret)
{
	struct sim_packet p = node_info(n, path);
	struct rig_inbox m;
	bool found;

	rig_inbox_open(&m, rig->m, 0);
	assert_int_equal(sim_client_send(&m.client, &p), 0);
	found = m.n == 1;
	memcpy(ret, m.last.smp.data, sizeof(*ret));
	rig_inbox_close(&m);
	return found;
}

static void the_fabric_sees_a_switch_with_hcas_behind_it(void **state)
{
	struct rig *rig = *state;
	static const uint8_t vswitch[] = { 1, RIG_P }, pf[] = { 1, RIG_P, 2 };
	ib_node_info_t info;

	add(rig, 3, true);
	assert_true(finds(rig, 2, vswitch, &info));
	assert_int_equal(info.node_type, SIM_SWITCH);
	assert_int_equal(info.num_ports, 5);
	assert_int_equal(info.sys_guid, rig->p->node->info.sys_guid);
	assert_true(finds(rig, 3, pf, &info));
	assert_int_equal(info.node_guid, rig->p->node->info.node_guid);
	for (uint8_t vf = 1; vf <= 3; vf++) {
		const uint8_t path[] = { 1, RIG_P, (uint8_t)(2 + vf) };

		assert_true(finds(rig, 3, path, &info));
		assert_int_equal(info.node_type, SIM_CA);
		assert_int_equal(info.port_guid, htobe64(GUID + vf - 1));
		assert_int_equal(info.sys_guid, rig->p->node->info.sys_guid);
	}
}

static void a_vf_that_is_not_started_is_dark(void **state)
{
	struct rig *rig = *state;
	static const uint8_t path[] = { 1, RIG_P, 4 };
	ib_node_info_t info;

	add(rig, 3, false);
	assert_false(finds(rig, 3, path, &info));
	assert_int_equal(rig->why, SIM_DROP_LINK_DOWN);
	assert_string_equal(rig_look(rig->p, 2).reason, "nobody has started it");
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_true(finds(rig, 3, path, &info));
	assert_int_equal(rig_look(rig->p, 2).state, SIM_INIT);
	assert_string_equal(rig_look(rig->p, 2).reason, "no SM has made it Active");
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	assert_false(finds(rig, 3, path, &info));
	assert_int_equal(sim_vf_stop(rig->p, 4), -ENOENT);
}

static void starting_a_vf_is_news_to_its_switch(void **state)
{
	struct rig *rig = *state;
	ib_switch_info_t *info;

	add(rig, 3, false);
	info = &sim_virtual_switch(rig->p)->sw->info;
	info->life_state = 0;
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_int_equal(info->life_state & 0x04, 0x04);
}

static void a_vf_is_an_hca_with_lid_qp0_and_qp1_of_its_own(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_agent agent = { .mgmt_class = CLASS_CM,
				   .version = 1,
				   .qpn = 1,
				   .methods = { UINT64_C(1) << SIM_SEND } };
	struct sim_packet p = rig_mad(20, CLASS_CM, SIM_SEND, 0x10);
	struct sim_node *vswitch;

	add(rig, 2, true);
	vswitch = sim_virtual_switch(rig->p);
	rig_activate(&vswitch->ports[1], 0);
	rig_activate(sim_virtual_switch_vf(rig->p, 2), 20);
	rig_route(rig->sw, 20, RIG_P);
	rig_route(vswitch, 20, 4);
	rig_route(vswitch, RIG_M, 1);
	rig_inbox_open(&vf, rig->p, 2);
	assert_int_equal(sim_register(&vf.client, &agent), 0);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 1);
	p = rig_mad(RIG_M, SIM_CLASS_LID, SIM_GET, 0x11);
	p.sqpn = 0;
	p.dqpn = 0;
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(vf.n, 2);
	assert_memory_equal(vf.last.smp.data + 12, &rig->m->node->info.node_guid, 8);
	sim_set_is_sm(&vf.client, true);
	assert_true(sim_virtual_switch_vf(rig->p, 2)->info.capability_mask & htobe32(1u << 1));
	assert_null(rig_look(rig->p, 2).reason);
	assert_int_equal(rig_look(rig->p, 2).lid, 20);
	rig_inbox_close(&vf);
}

static void the_switch_has_at_most_254_ports(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { 0 };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VIRTUAL_SWITCH, 253, &spec), -EINVAL);
	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VIRTUAL_SWITCH, 252, &spec), 0);
	assert_int_equal(sim_virtual_switch(rig->p)->n_ports, 254);
	assert_int_equal(sim_vfs_count(rig->p), 252);
	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VIRTUAL_SWITCH, 1, &spec), -EBUSY);
	assert_int_equal(sim_vfs_add(&rig->sw->ports[1], SIM_VF_VIRTUAL_SWITCH, 1, &spec), -EINVAL);
}

static void a_guest_moves_with_its_guid(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .first_guid = 0x5500 };
	static const uint8_t there[] = { 1, RIG_Q, 4 }, here[] = { 1, RIG_P, 3 };
	ib_node_info_t info;

	add(rig, 2, true);
	assert_int_equal(sim_vfs_add(rig->q, SIM_VF_VIRTUAL_SWITCH, 2, &spec), 0);
	assert_int_equal(sim_vf_move(rig->p, 1, rig->q, 2), 0);
	assert_true(finds(rig, 3, there, &info));
	assert_int_equal(info.port_guid, htobe64(GUID));
	assert_int_equal(info.node_guid, htobe64(GUID));
	assert_false(finds(rig, 3, here, &info));
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	assert_true(finds(rig, 3, here, &info));
	assert_int_equal(info.port_guid, htobe64(0x5501));
}

static void another_guid_is_another_hca(void **state)
{
	struct rig *rig = *state;
	static const uint8_t path[] = { 1, RIG_P, 3 };
	ib_node_info_t info;

	add(rig, 1, true);
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x77), 0);
	assert_true(finds(rig, 3, path, &info));
	assert_int_equal(info.port_guid, htobe64(0x77));
	assert_int_equal(info.node_guid, htobe64(0x77));
	assert_int_equal(rig_look(rig->p, 1).guid, 0x77);
}

static void a_vf_may_have_no_guid(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .no_guid = true, .up = true };
	static const uint8_t path[] = { 1, RIG_P, 3 };
	ib_node_info_t info;

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VIRTUAL_SWITCH, 1, &spec), 0);
	assert_true(finds(rig, 3, path, &info));
	assert_int_equal(info.port_guid, 0);
	assert_int_equal(info.node_guid, 0);
}

/* ---- power ----------------------------------------------------------------------------------- */

static void power(struct rig *rig, bool on)
{
	sim_power(rig->p->node, on);
}

static bool is_dark(const struct sim_port *port)
{
	return port->node->off && sim_state(port) == SIM_DOWN && !sim_link_is_up(port);
}

static void an_hca_goes_dark_as_a_whole(void **state)
{
	struct rig *rig = *state;
	static const uint8_t path[] = { 1, RIG_P };
	struct sim_node *vswitch;
	ib_node_info_t info;

	add(rig, 3, true);
	assert_int_equal(sim_vf_stop(rig->p, 3), 0);
	vswitch = sim_virtual_switch(rig->p);
	power(rig, false);
	assert_true(is_dark(rig->p));
	for (unsigned n = 1; n <= vswitch->n_ports; n++)
		assert_true(is_dark(&vswitch->ports[n]));
	for (unsigned vf = 1; vf <= 3; vf++) {
		assert_true(is_dark(sim_virtual_switch_vf(rig->p, vf)));
		assert_int_equal(rig_look(rig->p, vf).state, SIM_DOWN);
	}
	assert_int_equal(sim_state(&rig->sw->ports[RIG_P]), SIM_DOWN);
	assert_false(finds(rig, 2, path, &info));
	assert_true(rig_look(rig->p, 1).started);
	assert_string_equal(rig_look(rig->p, 1).reason, "its HCA has no power");
	assert_false(rig_look(rig->p, 3).started);
	assert_string_equal(rig_look(rig->p, 3).reason, "nobody has started it");
}

static void with_power_an_hca_is_as_after_a_reboot(void **state)
{
	struct rig *rig = *state;
	static const uint8_t pf[] = { 1, RIG_P, 2 }, first[] = { 1, RIG_P, 3 };
	static const uint8_t third[] = { 1, RIG_P, 5 };
	struct sim_node *vswitch;
	ib_node_info_t info;

	add(rig, 3, true);
	assert_int_equal(sim_vf_stop(rig->p, 3), 0);
	vswitch = sim_virtual_switch(rig->p);
	rig_activate(&vswitch->ports[1], 0);
	rig_activate(sim_virtual_switch_vf(rig->p, 1), 20);
	rig_route(vswitch, 20, 3);
	power(rig, false);
	power(rig, true);
	assert_true(finds(rig, 3, pf, &info));
	assert_true(finds(rig, 3, first, &info));
	assert_int_equal(info.port_guid, htobe64(GUID));
	assert_false(finds(rig, 3, third, &info));
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
	assert_int_equal(rig_look(rig->p, 1).lid, 0);
	assert_int_equal(sim_state(&vswitch->ports[1]), SIM_INIT);
	assert_null(vswitch->sw->lft);
	assert_true(vswitch->sw->info.life_state & 0x04);
}

/* The switch does not live to tell that its HCA is gone. */
static void an_hca_that_goes_dark_says_nothing(void **state)
{
	struct rig *rig = *state;
	struct sim_node *vswitch;

	add(rig, 1, true);
	vswitch = sim_virtual_switch(rig->p);
	rig_activate(&vswitch->ports[1], 0);
	rig_activate(rig->p, 21);
	rig_activate(&vswitch->ports[0], 20);
	rig_route(vswitch, RIG_M, 1);
	rig_route(vswitch, 20, 0);
	rig_route(rig->sw, 20, RIG_P);
	vswitch->sw->info.life_state = 0;
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	loop_virtual_run_for(rig->loop, 10 * LOOP_SEC);
	assert_int_equal(rig->n_traps, 1);
	vswitch->sw->info.life_state = 0;
	power(rig, false);
	loop_virtual_run_for(rig->loop, 10 * LOOP_SEC);
	assert_int_equal(rig->n_traps, 1);
}

static void what_is_done_to_vfs_without_power_shows_with_it(void **state)
{
	struct rig *rig = *state;
	static const uint8_t first[] = { 1, RIG_P, 3 }, second[] = { 1, RIG_P, 4 };
	ib_node_info_t info;

	add(rig, 2, true);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	power(rig, false);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_int_equal(sim_vf_set_guid(rig->p, 2, 0x77), 0);
	assert_true(rig_look(rig->p, 2).started);
	assert_true(is_dark(sim_virtual_switch_vf(rig->p, 2)));
	/* The parts, too, by their names. */
	sim_power(sim_virtual_switch(rig->p), true);
	assert_true(sim_virtual_switch(rig->p)->off);
	power(rig, true);
	assert_false(finds(rig, 3, first, &info));
	assert_true(finds(rig, 3, second, &info));
	assert_int_equal(info.port_guid, htobe64(0x77));
}

static void a_part_that_was_switched_off_stays_off(void **state)
{
	struct rig *rig = *state;
	static const uint8_t path[] = { 1, RIG_P };
	ib_node_info_t info;

	add(rig, 1, true);
	sim_power(sim_virtual_switch(rig->p), false);
	power(rig, false);
	power(rig, true);
	assert_false(finds(rig, 2, path, &info));
	sim_power(sim_virtual_switch(rig->p), true);
	assert_true(finds(rig, 2, path, &info));
}

static void power_of_one_hca_is_not_that_of_another(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .first_guid = 0x5500, .up = true };
	static const uint8_t path[] = { 1, RIG_Q, 3 };
	ib_node_info_t info;

	add(rig, 1, true);
	assert_int_equal(sim_vfs_add(rig->q, SIM_VF_VIRTUAL_SWITCH, 1, &spec), 0);
	power(rig, false);
	assert_true(finds(rig, 3, path, &info));
	assert_string_equal(rig_look(rig->q, 1).reason, "no SM has made it Active");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_fabric_sees_a_switch_with_hcas_behind_it),
		TEST(a_vf_that_is_not_started_is_dark),
		TEST(starting_a_vf_is_news_to_its_switch),
		TEST(a_vf_is_an_hca_with_lid_qp0_and_qp1_of_its_own),
		TEST(the_switch_has_at_most_254_ports),
		TEST(a_guest_moves_with_its_guid),
		TEST(another_guid_is_another_hca),
		TEST(a_vf_may_have_no_guid),
		TEST(an_hca_goes_dark_as_a_whole),
		TEST(with_power_an_hca_is_as_after_a_reboot),
		TEST(an_hca_that_goes_dark_says_nothing),
		TEST(what_is_done_to_vfs_without_power_shows_with_it),
		TEST(a_part_that_was_switched_off_stays_off),
		TEST(power_of_one_hca_is_not_that_of_another),
	};

	return cmocka_run_group_tests_name("virtual switches", tests, NULL, NULL);
}
