/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* SwitchInfo: what may be set, what clears, what is refused whole; and SwitchPortStateTable. */

#include "tests/sim/fabric.h"
#include "tests/unit/loop-virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/sma.h"

enum { PSC = 0x04 };

struct world {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *sw;
	ib_switch_info_t info; /* to be set; then the answer */
};

static void make(struct world *w, struct sim_node_spec spec)
{
	spec.type = SIM_SWITCH;
	spec.n_ports = 4;
	assert_int_equal(sim_node_new(w->fabric, &spec, &w->sw), 0);
	w->info = w->sw->sw->info;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_virtual_new(1, &w->loop), 0);
	assert_int_equal(sim_fabric_new(w->loop, 1, &w->fabric), 0);
	make(w, (struct sim_node_spec){ .lft_cap = 1000, .mft_cap = 64 });
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	sim_fabric_free(w->fabric);
	loop_virtual_free(w->loop);
	free(w);
	return 0;
}

static enum sim_status ask(struct world *w, bool set, uint32_t modifier)
{
	uint8_t data[SIM_SMP_DATA];
	struct sim_ask a = { .in = &w->sw->ports[1],
			     .end = &w->sw->ports[0],
			     .node = w->sw,
			     .set = set,
			     .modifier = modifier,
			     .data = data };
	enum sim_status status;

	memset(data, 0xee, sizeof(data));
	memcpy(data, &w->info, sizeof(w->info));
	status = sim_switch_info(&a);
	memcpy(&w->info, data, sizeof(w->info));
	if (status == SIM_OK)
		for (size_t i = sizeof(w->info); i < sizeof(data); i++)
			assert_int_equal(data[i], 0);
	return status;
}

static enum sim_status set(struct world *w)
{
	return ask(w, true, 0);
}

static void at_power_up_tops_and_default_ports_are_0(void **state)
{
	struct world *w = *state;

	memset(&w->info, 0xff, sizeof(w->info));
	assert_int_equal(ask(w, false, 0), SIM_OK);
	assert_int_equal(be16toh(w->info.lin_cap), 1000);
	assert_int_equal(w->info.rand_cap, 0);
	assert_int_equal(be16toh(w->info.mcast_cap), 64);
	assert_int_equal(w->info.lin_top, 0);
	assert_int_equal(w->info.mcast_top, 0);
	assert_int_equal(w->info.def_port, 0);
	assert_int_equal(w->info.def_mcast_pri_port, 0);
	assert_int_equal(w->info.def_mcast_not_port, 0);
	assert_int_equal(w->info.life_state, 0);
	assert_int_equal(be16toh(w->info.enforce_cap), 64);
	assert_int_equal(w->info.flags, 0xf8);
}

static void what_is_writable_is_kept_and_the_rest_stays(void **state)
{
	struct world *w = *state;
	ib_switch_info_t before = w->info;

	memset(&w->info, 0xff, sizeof(w->info));
	w->info.lin_top = htobe16(999);
	w->info.def_port = 1;
	w->info.def_mcast_pri_port = 2;
	w->info.def_mcast_not_port = 200; /* nobody checks */
	w->info.life_state = 19 << 3;
	assert_int_equal(set(w), SIM_OK);
	before.lin_top = htobe16(999);
	before.def_port = 1;
	before.def_mcast_pri_port = 2;
	before.def_mcast_not_port = 200;
	before.life_state = 19 << 3;
	assert_memory_equal(&w->info, &before, sizeof(before));
	assert_memory_equal(&w->sw->sw->info, &before, sizeof(before));
}

static void a_top_at_the_capacity_changes_nothing(void **state)
{
	struct world *w = *state;
	ib_switch_info_t before;

	w->sw->sw->info.life_state |= PSC;
	before = w->sw->sw->info;
	w->info = before;
	w->info.lin_top = htobe16(1000);
	w->info.life_state = 5 << 3 | PSC;
	w->info.def_port = 3;
	assert_int_equal(set(w), SIM_BAD_FIELD);
	assert_memory_equal(&w->sw->sw->info, &before, sizeof(before));
	assert_memory_equal(&w->info, &before, sizeof(before));
	w->info.lin_top = htobe16(999);
	assert_int_equal(set(w), SIM_OK);
}

static void no_top_is_above_the_unicast_lids(void **state)
{
	struct world *w = *state;

	w->sw->sw->info.lin_cap = 0xffff;
	w->info.lin_top = htobe16(0xc000);
	assert_int_equal(set(w), SIM_BAD_FIELD);
	w->info.lin_top = htobe16(0xbfff);
	assert_int_equal(set(w), SIM_OK);
}

static void with_the_quirk_any_top_is_taken(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.any_fdb_top = true;
	w->info.lin_top = 0xffff;
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.lin_top, 0xffff);
}

static void port_state_change_is_cleared_by_writing_1_only(void **state)
{
	struct world *w = *state;

	w->sw->sw->info.life_state |= PSC;
	w->info.life_state = 3 << 3;
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.life_state, 3 << 3 | PSC);
	assert_int_equal(set(w), SIM_OK); /* with 1, as read */
	assert_int_equal(w->info.life_state, 3 << 3);
	w->info.life_state |= PSC;
	assert_int_equal(set(w), SIM_OK); /* 1 on 0 stays 0 */
	assert_int_equal(w->info.life_state, 3 << 3);
}

static void the_optimised_capability_cannot_be_written(void **state)
{
	struct world *w = *state;

	w->info.life_state = 0x03;
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.life_state, 0);
	make(w, (struct sim_node_spec){ .optimised_slvl = true });
	assert_int_equal(w->info.life_state, 0x01);
	w->info.life_state = 0;
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.life_state, 0x01);
}

static void the_multicast_top_needs_its_capability(void **state)
{
	struct world *w = *state;

	w->info.mcast_top = htobe16(0xc001);
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.mcast_top, 0);
	w->info.mcast_top = htobe16(0xffff); /* nobody looks */
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.mcast_top, 0);
}

static void the_multicast_top_is_none_or_within_the_table(void **state)
{
	static const uint16_t good[] = { 0xbfff, 0xc000, 0xc03f, 0 };
	static const uint16_t bad[] = { 1, 0xbffe, 0xc040, 0xffff };
	struct world *w = *state;

	make(w, (struct sim_node_spec){ .mft_cap = 64, .mcast_top = true });
	assert_true(w->sw->ports[0].info.capability_mask & htobe32(1u << 30));
	for (unsigned i = 0; i < 4; i++) {
		w->info.mcast_top = htobe16(good[i]);
		assert_int_equal(set(w), SIM_OK);
		assert_int_equal(be16toh(w->info.mcast_top), good[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		w->info.mcast_top = htobe16(bad[i]);
		w->info.lin_top = htobe16(7);
		assert_int_equal(set(w), SIM_BAD_FIELD);
		assert_int_equal(w->info.mcast_top, 0);
		assert_int_equal(w->info.lin_top, 0);
	}
}

static void with_the_quirk_default_ports_stay(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.default_ports_fixed = true;
	w->info.def_port = 1;
	w->info.def_mcast_pri_port = 2;
	w->info.def_mcast_not_port = 3;
	w->info.lin_top = htobe16(5);
	assert_int_equal(set(w), SIM_OK);
	assert_int_equal(w->info.def_port, 0);
	assert_int_equal(w->info.def_mcast_pri_port, 0);
	assert_int_equal(w->info.def_mcast_not_port, 0);
	assert_int_equal(be16toh(w->info.lin_top), 5);
}

static void the_modifier_is_0(void **state)
{
	struct world *w = *state;

	w->info.lin_top = htobe16(9);
	assert_int_equal(ask(w, true, 1), SIM_BAD_FIELD);
	assert_int_equal(ask(w, false, 0x10000), SIM_BAD_FIELD);
	assert_int_equal(w->sw->sw->info.lin_top, 0);
}

static void a_restart_forgets_all_but_the_capabilities(void **state)
{
	struct world *w = *state;
	ib_switch_info_t before;

	make(w, (struct sim_node_spec){ .optimised_slvl = true, .mcast_top = true });
	before = w->info;
	w->info.lin_top = htobe16(99);
	w->info.mcast_top = htobe16(0xc002);
	w->info.def_port = 1;
	w->info.def_mcast_pri_port = 2;
	w->info.def_mcast_not_port = 3;
	w->info.life_state |= 18 << 3;
	assert_int_equal(set(w), SIM_OK);
	sim_power(w->sw, false);
	sim_power(w->sw, true);
	assert_memory_equal(&w->sw->sw->info, &before, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- SwitchPortStateTable -------------------------------------------------------------------- */

static enum sim_status ask_states(struct world *w, uint32_t modifier, uint8_t ret[SIM_SMP_DATA])
{
	struct sim_ask a = { .in = &w->sw->ports[1],
			     .end = &w->sw->ports[0],
			     .node = w->sw,
			     .modifier = modifier,
			     .data = ret };

	memset(ret, 0xee, SIM_SMP_DATA);
	return sim_switch_port_states(&a);
}

static void states_are_told_by_who_says_so_alone(void **state)
{
	struct world *w = *state;
	uint8_t data[SIM_SMP_DATA];

	assert_int_equal(ask_states(w, 0, data), SIM_BAD_ATTRIBUTE);
	sim_give_port_states(w->sw);
	assert_int_equal(be16toh(w->sw->ports[0].info.capability_mask2), 8);
	assert_int_equal(ask_states(w, 0, data), SIM_OK);
	assert_int_equal(ask_states(w, 2, data), SIM_BAD_FIELD);
	assert_int_equal(ask_states(w, 1u << 15, data), SIM_OK);
}

static void states_are_4_bits_and_the_even_port_is_high(void **state)
{
	static const uint8_t expected[SIM_SMP_DATA] = { 0x01, 0x23, 0x40 };
	static const uint8_t none[SIM_SMP_DATA] = { 0 };
	struct world *w = *state;
	uint8_t data[SIM_SMP_DATA];

	sim_give_port_states(w->sw);
	for (unsigned i = 1; i <= 4; i++)
		w->sw->ports[i].info.state_info1 = (uint8_t)i;
	assert_int_equal(ask_states(w, 0, data), SIM_OK);
	assert_memory_equal(data, expected, sizeof(data));
	assert_int_equal(ask_states(w, 1, data), SIM_OK);
	assert_memory_equal(data, none, sizeof(data));
}

static void port_128_begins_a_second_block(void **state)
{
	struct sim_node_spec spec = { .type = SIM_SWITCH, .n_ports = 200 };
	struct world *w = *state;
	uint8_t data[SIM_SMP_DATA];

	assert_int_equal(sim_node_new(w->fabric, &spec, &w->sw), 0);
	sim_give_port_states(w->sw);
	w->sw->ports[127].info.state_info1 = SIM_ACTIVE;
	w->sw->ports[128].info.state_info1 = SIM_INIT;
	w->sw->ports[200].info.state_info1 = SIM_ARMED;
	assert_int_equal(ask_states(w, 0, data), SIM_OK);
	assert_int_equal(data[63], SIM_DOWN << 4 | SIM_ACTIVE);
	assert_int_equal(ask_states(w, 1, data), SIM_OK);
	assert_int_equal(data[0], SIM_INIT << 4 | SIM_DOWN);
	assert_int_equal(data[36], SIM_ARMED << 4);
	assert_int_equal(data[37], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(at_power_up_tops_and_default_ports_are_0),
		TEST(what_is_writable_is_kept_and_the_rest_stays),
		TEST(a_top_at_the_capacity_changes_nothing),
		TEST(no_top_is_above_the_unicast_lids),
		TEST(with_the_quirk_any_top_is_taken),
		TEST(port_state_change_is_cleared_by_writing_1_only),
		TEST(the_optimised_capability_cannot_be_written),
		TEST(the_multicast_top_needs_its_capability),
		TEST(the_multicast_top_is_none_or_within_the_table),
		TEST(with_the_quirk_default_ports_stay),
		TEST(the_modifier_is_0),
		TEST(a_restart_forgets_all_but_the_capabilities),
		TEST(states_are_told_by_who_says_so_alone),
		TEST(states_are_4_bits_and_the_even_port_is_high),
		TEST(port_128_begins_a_second_block),
	};

	return cmocka_run_group_tests_name("SwitchInfo", tests, NULL, NULL);
}
