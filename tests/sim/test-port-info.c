/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* PortInfo: which ports have what, what a Set does to it, and what links make of that. */

#include "tests/sim/test-bench.h"

#include "tests/sim/link.h"
#include "tests/sim/shared-port.h"

enum { PSC = 0x04 }; /* SwitchInfo byte 11 */

static struct sim_port *port_at(struct bench *b, enum place place, unsigned number)
{
	struct sim_node *nodes[] = { b->a, b->sw, b->b, b->router };

	return &nodes[place]->ports[number];
}

static bool has_changed(struct bench *b)
{
	bool changed = b->sw->sw->info.life_state & PSC;

	b->sw->sw->info.life_state &= (uint8_t)~PSC;
	return changed;
}

static void know_extended_speeds(struct sim_port *end, struct sim_port *port)
{
	end->info.capability_mask |= IB_PORT_CAP_HAS_EXT_SPEEDS;
	port->info.link_speed_ext = 3;
	port->info.link_speed_ext_enabled = 3;
}

/* ---- which port ------------------------------------------------------------------------------ */

static void modifier_0_is_the_port_that_the_question_came_by(void **state)
{
	struct bench *b = *state;

	b->b->ports[1].info.base_lid = htobe16(21);
	b->b->ports[2].info.base_lid = htobe16(22);
	assert_int_equal(be16toh(bench_port_info(b, AT_B, 0).base_lid), 21);
	assert_int_equal(be16toh(bench_port_info(b, AT_B, 1).base_lid), 21);
	b->sw->ports[0].info.base_lid = htobe16(20);
	assert_int_equal(be16toh(bench_port_info(b, AT_SWITCH, 0).base_lid), 20);
}

static void local_port_num_is_where_the_question_came_in(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_port_info(b, AT_SWITCH, 0).local_port_num, 1);
	assert_int_equal(bench_port_info(b, AT_SWITCH, 3).local_port_num, 1);
	assert_int_equal(bench_port_info(b, AT_B, 2).local_port_num, 1);
}

static void a_port_that_is_not_there_is_a_bad_modifier(void **state)
{
	struct bench *b = *state;
	static const uint32_t bad[] = { 5, 0x100, 0x101, 0x7fffffff, 0xffffffff, EXTENDED | 5 };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (enum place place = AT_A; place <= AT_ROUTER; place++) {
			assert_int_equal(ask(b, place, SIM_GET, PORT_INFO, bad[i], NULL),
					 SIM_BAD_FIELD);
			assert_int_equal(ask(b, place, SIM_SET, PORT_INFO, bad[i], NULL),
					 SIM_BAD_FIELD);
		}
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 3, NULL), SIM_BAD_FIELD);
}

static void another_port_of_a_ca_can_be_read_but_not_set(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info;

	b->b->ports[2].info.base_lid = htobe16(22);
	info = bench_port_info(b, AT_B, 2);
	assert_int_equal(be16toh(info.base_lid), 22);
	info.base_lid = htobe16(23);
	info.master_sm_base_lid = htobe16(1);
	assert_int_equal(bench_set(b, AT_B, 2, &info), SIM_BAD_FIELD);
	assert_int_equal(be16toh(info.base_lid), 22);
	info.base_lid = htobe16(23);
	b->fabric->quirks.other_port_set = 1;
	assert_int_equal(bench_set(b, AT_B, 2, &info), SIM_OK);
	assert_int_equal(be16toh(info.base_lid), 22);
	info.base_lid = htobe16(23);
	info.master_sm_base_lid = htobe16(1);
	b->fabric->quirks.other_port_set = 2;
	assert_int_equal(bench_set(b, AT_B, 2, &info), SIM_OK);
	assert_int_equal(sim_lid(&b->b->ports[2]), 23);
}

/* ---- who has which fields -------------------------------------------------------------------- */

/* Everything that can be set, to something that it is not, and legal everywhere. */
static ib_port_info_t everything(void)
{
	ib_port_info_t info = { 0 };

	info.m_key = 0;
	info.subnet_prefix = htobe64(0xfec0000000000000);
	info.base_lid = htobe16(0x123);
	info.master_sm_base_lid = htobe16(0x45);
	info.m_key_lease_period = htobe16(60);
	info.link_width_enabled = 2;
	info.state_info2 = SIM_SLEEP;
	info.mkey_lmc = 0x40;
	info.link_speed = 1;
	info.mtu_smsl = 0x37;
	info.vl_high_limit = 9;
	info.mtu_cap = 0x50; /* InitTypeReply */
	info.vl_stall_life = 0xf3;
	info.vl_enforce = 0x2f;
	info.subnet_timeout = 0x7f & 0x12;
	info.error_threshold = 0x79;
	return info;
}

static void a_ca_keeps_what_belongs_to_ends_and_to_links(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	info = bench_port_info(b, AT_B, 0);
	assert_int_equal(be64toh(info.subnet_prefix), 0xfec0000000000000);
	assert_int_equal(be16toh(info.base_lid), 0x123);
	assert_int_equal(be16toh(info.master_sm_base_lid), 0x45);
	assert_int_equal(be16toh(info.m_key_lease_period), 60);
	assert_int_equal(info.link_width_enabled, 2);
	assert_int_equal(info.state_info2, SIM_LINK_UP << 4 | SIM_SLEEP);
	assert_int_equal(info.mkey_lmc, 0x40);
	assert_int_equal(info.link_speed & 0x0f, 1);
	assert_int_equal(info.mtu_smsl, 0x37);
	assert_int_equal(info.vl_high_limit, 9);
	assert_int_equal(info.mtu_cap, 0x55);
	assert_int_equal(info.vl_stall_life, 0);
	assert_int_equal(info.vl_enforce, 0x20);
	assert_int_equal(info.subnet_timeout, 0x12);
	assert_int_equal(info.error_threshold, 0x79);
}

static void a_router_has_a_life_time_as_well(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	assert_int_equal(bench_set(b, AT_ROUTER, 0, &info), SIM_OK);
	assert_int_equal(info.vl_stall_life, 0x13);
	assert_int_equal(be16toh(info.base_lid), 0x123);
}

static void an_external_port_keeps_what_belongs_to_links_only(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();
	ib_port_info_t zero = { 0 };

	info.m_key = htobe64(9);
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	assert_int_equal(b->sw->ports[0].info.m_key, 0);
	info = bench_port_info(b, AT_SWITCH, 2);
	assert_memory_equal(&info, &zero, offsetof(ib_port_info_t, local_port_num));
	assert_int_equal(info.link_width_enabled, 2);
	assert_int_equal(info.state_info2, SIM_LINK_UP << 4 | SIM_SLEEP);
	assert_int_equal(info.mkey_lmc, 0);
	assert_int_equal(info.link_speed & 0x0f, 1);
	assert_int_equal(info.mtu_smsl, 0x30);
	assert_int_equal(info.vl_high_limit, 9);
	assert_int_equal(info.mtu_cap, 0x05);
	assert_int_equal(info.vl_stall_life, 0xf3);
	assert_int_equal(info.vl_enforce, 0x2f);
	assert_int_equal(info.subnet_timeout, 0);
	assert_int_equal(info.error_threshold, 0x79);
	assert_int_equal(info.guid_cap, 0);
	assert_int_equal(info.resp_time_value, 0);
}

static void illegal_lids_do_not_matter_on_an_external_port(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	info.base_lid = 0xffff;
	info.master_sm_base_lid = 0;
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
}

static void enforcement_is_what_the_switch_can_do(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	b->sw->sw->info.flags = 0x40 | 0x08; /* outbound alone */
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	assert_int_equal(info.vl_enforce, 0x24);
}

static void an_enhanced_port_0_has_both_kinds_of_fields(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	info.mkey_lmc = 2;
	assert_int_equal(bench_set(b, AT_SWITCH, 0, &info), SIM_OK);
	assert_int_equal(info.mkey_lmc, 2);
	assert_int_equal(be16toh(info.base_lid), 0x123);
	assert_int_equal(info.mtu_smsl, 0x37);
	assert_int_equal(info.link_width_enabled, 2);
	assert_int_equal(info.vl_stall_life, 0);
	assert_int_equal(info.vl_enforce, 0x20);
	assert_int_equal(info.state_info1 & 0x0f, SIM_ACTIVE);
	assert_int_equal(info.state_info2 >> 4, SIM_LINK_UP);
}

static void a_base_port_0_has_no_link(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	b->sw->sw->info.flags &= (uint8_t)~0x08;
	b->sw->ports[0].info.vl_high_limit = 5;
	b->sw->ports[0].info.error_threshold = 5;
	b->sw->ports[0].info.max_credit_hint = 5;
	b->sw->ports[0].info.link_rt_latency = 5;
	know_extended_speeds(&b->sw->ports[0], &b->sw->ports[0]);
	info.state_info1 = 7; /* nobody looks */
	info.link_width_enabled = 0x40;
	assert_int_equal(bench_set(b, AT_SWITCH, 0, &info), SIM_OK);
	info = bench_port_info(b, AT_SWITCH, EXTENDED | 0);
	assert_int_equal(be16toh(info.base_lid), 0x123);
	assert_int_equal(info.mtu_smsl, 0x07);
	assert_int_equal(info.mtu_cap, 0x50);
	assert_int_equal(info.link_width_enabled | info.link_width_supported, 0);
	assert_int_equal(info.state_info1 | info.state_info2 | info.link_speed, 0);
	assert_int_equal(info.vl_enforce | info.vl_cap | info.error_threshold, 0);
	assert_int_equal(info.vl_high_limit | info.vl_arb_high_cap | info.vl_arb_low_cap, 0);
	assert_int_equal(info.max_credit_hint | info.link_rt_latency | info.link_speed_ext, 0);
	assert_int_equal(info.link_speed_ext_enabled | info.link_width_active, 0);
	b->fabric->quirks.base_port0_has_link = true;
	info = bench_port_info(b, AT_SWITCH, 0);
	assert_int_equal(info.state_info1 & 0x0f, SIM_ACTIVE);
	assert_int_equal(info.mtu_smsl, 0x57);
}

static void what_is_read_only_stays(void **state)
{
	struct bench *b = *state;
	ib_port_info_t before = bench_to_set(b, AT_B, 0);
	ib_port_info_t info;

	assert_int_equal(bench_set(b, AT_B, 0, &before), SIM_OK);
	info = before;
	info.capability_mask = 0xffffffff;
	info.diag_code = 0xffff;
	info.local_port_num = 99;
	info.link_width_supported = 1;
	info.link_width_active = 8;
	info.state_info1 = 0xf0;
	info.state_info2 &= 0x0f;
	info.link_speed |= 0xf0;
	info.vl_cap = 0xff;
	info.vl_arb_high_cap = 77;
	info.vl_arb_low_cap = 77;
	info.mtu_cap |= 0x0f;
	info.m_key_violations = htobe16(3);
	info.guid_cap = 200;
	info.resp_time_value = 31;
	info.max_credit_hint = 5;
	info.link_rt_latency = 5;
	info.capability_mask2 = 0xffff;
	info.link_speed_ext = 0xff;
	info.mkey_lmc |= 0x38;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_memory_equal(&info, &before, sizeof(info));
}

static void what_depends_on_a_capability_reads_0_without(void **state)
{
	struct bench *b = *state;
	ib_port_info_t *own = &b->b->ports[1].info;
	ib_port_info_t info;

	own->capability_mask2 = htobe16(7);
	own->link_rt_latency = htobe32(9);
	info = bench_port_info(b, AT_B, 0);
	assert_int_equal(info.capability_mask2 | info.link_rt_latency, 0);
	own->capability_mask |= IB_PORT_CAP_HAS_CAP_MASK2 | IB_PORT_CAP_HAS_LINK_RT_LATENCY;
	info = bench_port_info(b, AT_B, 0);
	assert_int_equal(be16toh(info.capability_mask2), 7);
	assert_int_equal(be32toh(info.link_rt_latency), 9);
	info = bench_to_set(b, AT_B, 0);
	info.subnet_timeout = 0x60 | 18;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(info.subnet_timeout, 18);
	own->capability_mask |= IB_PORT_CAP_HAS_MCAST_PKEY_TRAP_SUPPRESS;
	info = bench_to_set(b, AT_B, 0);
	info.subnet_timeout = 0x60 | 18;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(info.subnet_timeout, 0x60 | 18);
}

/* ---- LIDs ------------------------------------------------------------------------------------ */

static void an_illegal_lid_keeps_lid_and_lmc_and_the_rest_is_set(void **state)
{
	struct bench *b = *state;
	static const uint16_t bad[] = { 0, 0xc000, 0xfffe, 0xffff };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ib_port_info_t info = everything();

		info.base_lid = htobe16(5);
		info.mkey_lmc = 1;
		assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
		info = everything();
		info.base_lid = htobe16(bad[i]);
		info.mkey_lmc = 3;
		info.vl_high_limit = 44;
		assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
		assert_int_equal(be16toh(info.base_lid), 5);
		assert_int_equal(info.mkey_lmc, 1);
		assert_int_equal(be16toh(info.master_sm_base_lid), 0x45);
		assert_int_equal(info.vl_high_limit, 44);
	}
	b->fabric->quirks.any_lid = true;
	assert_int_equal(bench_set(b, AT_B, 0, &(ib_port_info_t){ .mtu_smsl = 0x10 }), SIM_OK);
	assert_int_equal(sim_lid(&b->b->ports[1]), 0);
}

static void all_legal_lids_are_taken(void **state)
{
	struct bench *b = *state;
	static const uint16_t good[] = { 1, 0xbfff };

	for (unsigned i = 0; i < 2; i++)
		for (uint8_t lmc = 0; lmc <= 7; lmc++) {
			ib_port_info_t info = everything();

			info.base_lid = htobe16(good[i]);
			info.mkey_lmc = lmc;
			assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
			assert_int_equal(sim_lid(&b->b->ports[1]), good[i]);
			assert_int_equal(sim_lmc(&b->b->ports[1]), lmc);
		}
}

static void an_illegal_sm_lid_keeps_sm_lid_and_sl(void **state)
{
	struct bench *b = *state;
	static const uint16_t bad[] = { 0, 0xc000, 0xffff };
	ib_port_info_t info = everything();

	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		info = everything();
		info.master_sm_base_lid = htobe16(bad[i]);
		info.mtu_smsl = 0x39;
		info.base_lid = htobe16(0x200);
		assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
		assert_int_equal(be16toh(info.master_sm_base_lid), 0x45);
		assert_int_equal(info.mtu_smsl, 0x37);
		assert_int_equal(be16toh(info.base_lid), 0x200);
	}
}

static void a_base_port_0_has_no_lmc(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = everything();

	b->sw->sw->info.flags &= (uint8_t)~0x08;
	info.mkey_lmc = 1;
	assert_int_equal(bench_set(b, AT_SWITCH, 0, &info), SIM_BAD_FIELD);
	assert_int_equal(be16toh(info.base_lid), 0x123);
	assert_int_equal(info.mkey_lmc, 0);
}

/* ---- widths, speeds, lanes ------------------------------------------------------------------- */

static void widths_are_some_of_those_supported(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint8_t to;
		int status;
		uint8_t is;
	} steps[] = {
		{ 2, SIM_OK, 2 },
		{ 0, SIM_OK, 2 },
		{ 0x0b, SIM_OK, 0x0b },
		{ 4, SIM_BAD_FIELD, 0x0b },
		{ 1, SIM_OK, 1 },
		{ 0xff, SIM_OK, 0x0b },
		{ 0x10, SIM_BAD_FIELD, 0x0b },
		{ 0xfe, SIM_BAD_FIELD, 0x0b },
	};

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ib_port_info_t info = bench_to_set(b, AT_B, 0);

		info.link_width_enabled = steps[i].to;
		assert_int_equal(bench_set(b, AT_B, 0, &info), steps[i].status);
		assert_int_equal(info.link_width_enabled, steps[i].is);
	}
}

static void speeds_are_some_of_those_supported(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint8_t to;
		int status;
		uint8_t is;
	} steps[] = {
		{ 1, SIM_OK, 1 },        { 0, SIM_OK, 1 },         { 3, SIM_OK, 3 },
		{ 8, SIM_BAD_FIELD, 3 }, { 14, SIM_BAD_FIELD, 3 }, { 15, SIM_OK, 7 },
		{ 2, SIM_OK, 2 },
	};

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ib_port_info_t info = bench_to_set(b, AT_B, 0);

		info.link_speed = steps[i].to;
		assert_int_equal(bench_set(b, AT_B, 0, &info), steps[i].status);
		assert_int_equal(info.link_speed & 0x0f, steps[i].is);
	}
}

static void extended_speeds_are_for_who_asks_and_where_port_0_can(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];
	ib_port_info_t info;

	port->info.link_speed_ext = 3;
	port->info.link_speed_ext_enabled = 3;
	info = bench_port_info(b, AT_SWITCH, EXTENDED | 2);
	assert_int_equal(info.link_speed_ext | info.link_speed_ext_enabled, 0);
	know_extended_speeds(&b->sw->ports[0], port);
	info = bench_port_info(b, AT_SWITCH, 2);
	assert_int_equal(info.link_speed_ext | info.link_speed_ext_enabled, 0);
	info = bench_to_set(b, AT_SWITCH, 2);
	info.link_speed_ext_enabled = 1;
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	info = bench_port_info(b, AT_SWITCH, EXTENDED | 2);
	assert_int_equal(info.link_speed_ext, 3);
	assert_int_equal(info.link_speed_ext_enabled, 3);
	b->fabric->quirks.speeds_ext_unasked = true;
	assert_int_equal(bench_port_info(b, AT_SWITCH, 2).link_speed_ext, 3);
}

static void extended_speeds_are_some_of_those_supported(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint8_t to;
		int status;
		uint8_t is;
	} steps[] = {
		{ 1, SIM_OK, 1 },   { 0, SIM_OK, 1 },  { 4, SIM_BAD_FIELD, 1 },   { 31, SIM_OK, 3 },
		{ 30, SIM_OK, 30 }, { 0, SIM_OK, 30 }, { 29, SIM_BAD_FIELD, 30 }, { 2, SIM_OK, 2 },
	};

	know_extended_speeds(&b->b->ports[1], &b->b->ports[1]);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ib_port_info_t info = bench_to_set(b, AT_B, EXTENDED);

		info.link_speed_ext_enabled = steps[i].to;
		assert_int_equal(bench_set(b, AT_B, EXTENDED, &info), steps[i].status);
		assert_int_equal(info.link_speed_ext_enabled, steps[i].is);
	}
	b->fabric->quirks.speeds_ext_any = true;
	{
		ib_port_info_t info = bench_to_set(b, AT_B, EXTENDED);

		info.link_speed_ext_enabled = 8;
		assert_int_equal(bench_set(b, AT_B, EXTENDED, &info), SIM_OK);
		assert_int_equal(info.link_speed_ext_enabled, 2);
	}
}

static void what_is_enabled_counts_from_the_next_training_on(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_SWITCH, 2);

	assert_int_equal(info.link_width_active, 8);
	assert_int_equal(info.link_speed >> 4, 4);
	info.link_width_enabled = 1;
	info.link_speed = 2;
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	assert_int_equal(info.link_width_active, 8);
	assert_int_equal(info.link_speed >> 4, 4);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	for (enum place place = AT_SWITCH; place <= AT_B; place++) {
		info = bench_port_info(b, place, place == AT_B ? 1 : 2);
		assert_int_equal(info.link_width_active, 1);
		assert_int_equal(info.link_speed >> 4, 2);
	}
}

static void a_link_at_an_extended_speed_shows_no_other(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info;

	know_extended_speeds(&b->b->ports[1], &b->b->ports[1]);
	know_extended_speeds(&b->sw->ports[0], &b->sw->ports[2]);
	assert_int_equal(bench_set_states(b, AT_SWITCH, EXTENDED | 2, SIM_DOWN, 0), SIM_OK);
	info = bench_to_set(b, AT_B, EXTENDED);
	assert_int_equal(info.link_speed_ext >> 4, 2);
	assert_int_equal(info.link_speed >> 4, 0);
	info.link_speed_ext_enabled = 30;
	assert_int_equal(bench_set(b, AT_B, EXTENDED, &info), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, EXTENDED | 2, SIM_DOWN, 0), SIM_OK);
	info = bench_port_info(b, AT_B, EXTENDED);
	assert_int_equal(info.link_speed_ext >> 4, 0);
	assert_int_equal(info.link_speed >> 4, 4);
}

static void without_a_common_width_there_is_no_link(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_SWITCH, 2);

	b->b->ports[1].info.link_width_enabled = 2;
	info.link_width_enabled = 1;
	info.state_info1 |= SIM_DOWN;
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	assert_int_equal(info.state_info1 & 0x0f, SIM_DOWN);
	assert_int_equal(info.state_info2 >> 4, SIM_POLLING);
}

static void without_a_common_speed_training_ends_in_polling(void **state)
{
	struct bench *b = *state;

	b->fabric->train_time = 10 * LOOP_MSEC;
	b->b->ports[1].info.link_speed = 1;
	b->sw->ports[2].info.link_speed = 2;
	sim_link_bounce(&b->sw->ports[2]);
	assert_int_equal(sim_phys(&b->sw->ports[2]), SIM_TRAINING);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + LOOP_SEC));
	assert_int_equal(sim_phys(&b->sw->ports[2]), SIM_POLLING);
	assert_int_equal(sim_phys(&b->b->ports[1]), SIM_POLLING);
	assert_int_equal(sim_state(&b->b->ports[1]), SIM_DOWN);
}

static void an_mtu_is_one_that_the_port_has(void **state)
{
	struct bench *b = *state;
	static const uint8_t bad[] = { 0, 5, 6, 15 };
	ib_port_info_t info;

	b->b->ports[1].info.mtu_cap = 4;
	for (uint8_t mtu = 1; mtu <= 4; mtu++) {
		info = bench_to_set(b, AT_B, 0);
		info.mtu_smsl = (uint8_t)(mtu << 4);
		assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
		assert_int_equal(info.mtu_smsl >> 4, mtu);
	}
	for (unsigned i = 0; i < sizeof(bad); i++) {
		info = bench_to_set(b, AT_B, 0);
		info.mtu_smsl = (uint8_t)(bad[i] << 4);
		assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
		assert_int_equal(info.mtu_smsl >> 4, 4);
	}
	b->fabric->quirks.mtu_above_cap_ignored = true;
	info.mtu_smsl = 5 << 4;
	info.state_info1 = 0;
	info.state_info2 = 0;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(info.mtu_smsl >> 4, 4);
	info = bench_to_set(b, AT_B, 0);
	info.mtu_smsl = 6 << 4;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
}

static void lanes_are_as_many_as_the_port_has(void **state)
{
	struct bench *b = *state;
	static const struct {
		uint8_t to;
		int status;
		uint8_t is;
	} steps[] = {
		{ 1, SIM_OK, 1 },        { 0, SIM_OK, 1 },        { 4, SIM_OK, 4 },
		{ 5, SIM_BAD_FIELD, 4 }, { 6, SIM_BAD_FIELD, 4 }, { 15, SIM_BAD_FIELD, 4 },
	};

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		ib_port_info_t info = bench_to_set(b, AT_SWITCH, 2);

		info.vl_enforce = (uint8_t)(steps[i].to << 4);
		assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), steps[i].status);
		assert_int_equal(info.vl_enforce >> 4, steps[i].is);
	}
}

/* ---- counters and reregistering -------------------------------------------------------------- */

static void violations_are_cleared_by_0_and_by_nothing_else(void **state)
{
	struct bench *b = *state;
	ib_port_info_t *own = &b->b->ports[1].info;
	ib_port_info_t info;

	own->m_key_violations = htobe16(1);
	own->p_key_violations = htobe16(2);
	own->q_key_violations = htobe16(3);
	info = bench_to_set(b, AT_B, 0);
	info.m_key_violations = htobe16(9);
	info.p_key_violations = 0;
	info.q_key_violations = htobe16(9);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(be16toh(info.m_key_violations), 1);
	assert_int_equal(be16toh(info.p_key_violations), 0);
	assert_int_equal(be16toh(info.q_key_violations), 3);
	info = bench_to_set(b, AT_B, 0);
	info.m_key_violations = 0;
	info.q_key_violations = 0;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(info.m_key_violations | info.q_key_violations, 0);
	b->fabric->quirks.violations_are_stored = true;
	info = bench_to_set(b, AT_B, 0);
	info.m_key_violations = htobe16(9);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(be16toh(info.m_key_violations), 9);
}

static void reregistering_is_echoed_once(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_B, 0);

	info.subnet_timeout = 0x80 | 18;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(info.subnet_timeout, 0x80 | 18);
	assert_int_equal(b->n_reregister, 1);
	assert_ptr_equal(b->reregistered, &b->b->ports[1]);
	assert_int_equal(bench_port_info(b, AT_B, 0).subnet_timeout, 18);
	info = bench_to_set(b, AT_B, 0);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(b->n_reregister, 1);
	b->fabric->quirks.reregister_stays = true;
	info.subnet_timeout |= 0x80;
	info.state_info1 = 0;
	info.state_info2 = 0;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(bench_port_info(b, AT_B, 0).subnet_timeout, 0x80 | 18);
}

static void who_refuses_to_reregister_does_nothing_else_either(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_B, 0);

	b->fabric->quirks.reregister_refused = true;
	info.subnet_timeout = 0x80 | 17;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
	assert_int_equal(b->n_reregister, 0);
	assert_int_not_equal(bench_port_info(b, AT_B, 0).subnet_timeout & 0x1f, 17);
	info = bench_to_set(b, AT_B, 0);
	info.subnet_timeout = 17;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(bench_port_info(b, AT_B, 0).subnet_timeout, 17);
}

static void who_cannot_reregister_ignores_it(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_SWITCH, 0);

	info.subnet_timeout = 0x80 | 18;
	assert_int_equal(bench_set(b, AT_SWITCH, 0, &info), SIM_OK);
	assert_int_equal(info.subnet_timeout, 18);
	assert_int_equal(b->n_reregister, 0);
}

/* ---- states ---------------------------------------------------------------------------------- */

static void put_state(struct bench *b, enum sim_state state)
{
	if (state == SIM_DOWN)
		sim_cable_pull(&b->sw->ports[2]);
	else
		sim_cable_plug(&b->sw->ports[2]);
	sim_set_state(&b->sw->ports[2], state);
}

static void states_go_up_step_by_step(void **state)
{
	struct bench *b = *state;
	static const struct {
		enum sim_state from;
		uint8_t to;
		int status;
		enum sim_state is;
	} steps[] = {
		{ SIM_DOWN, 0, SIM_OK, SIM_DOWN },
		{ SIM_DOWN, 1, SIM_OK, SIM_DOWN },
		{ SIM_DOWN, 2, SIM_BAD_FIELD, SIM_DOWN },
		{ SIM_DOWN, 3, SIM_BAD_FIELD, SIM_DOWN },
		{ SIM_DOWN, 4, SIM_BAD_FIELD, SIM_DOWN },
		{ SIM_INIT, 0, SIM_OK, SIM_INIT },
		{ SIM_INIT, 1, SIM_OK, SIM_INIT }, /* by way of Down */
		{ SIM_INIT, 2, SIM_BAD_FIELD, SIM_INIT },
		{ SIM_INIT, 3, SIM_OK, SIM_ARMED },
		{ SIM_INIT, 4, SIM_BAD_FIELD, SIM_INIT },
		{ SIM_ARMED, 0, SIM_OK, SIM_ARMED },
		{ SIM_ARMED, 1, SIM_OK, SIM_INIT },
		{ SIM_ARMED, 2, SIM_BAD_FIELD, SIM_ARMED },
		{ SIM_ARMED, 3, SIM_OK, SIM_ARMED },
		{ SIM_ARMED, 4, SIM_OK, SIM_ACTIVE },
		{ SIM_ACTIVE, 0, SIM_OK, SIM_ACTIVE },
		{ SIM_ACTIVE, 1, SIM_OK, SIM_INIT },
		{ SIM_ACTIVE, 2, SIM_BAD_FIELD, SIM_ACTIVE },
		{ SIM_ACTIVE, 3, SIM_OK, SIM_ACTIVE },
		{ SIM_ACTIVE, 4, SIM_OK, SIM_ACTIVE },
		{ SIM_ACTIVE, 5, SIM_BAD_FIELD, SIM_ACTIVE },
		{ SIM_INIT, 15, SIM_BAD_FIELD, SIM_INIT },
	};

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		put_state(b, steps[i].from);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, steps[i].to, 0),
				 steps[i].status);
		assert_int_equal(b->got.smp.data[32] & 0x0f, steps[i].is);
		assert_int_equal(sim_state(&b->sw->ports[2]), steps[i].is);
	}
}

static void states_as_others_have_them(void **state)
{
	struct bench *b = *state;

	b->fabric->quirks.same_state_refused = true;
	put_state(b, SIM_ARMED);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ARMED, 0), SIM_BAD_FIELD);
	put_state(b, SIM_ACTIVE);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ACTIVE, 0), SIM_BAD_FIELD);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, SIM_ACTIVE, 0), SIM_BAD_FIELD);
	b->fabric->quirks.skipped_state_ignored = true;
	put_state(b, SIM_INIT);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ACTIVE, 0), SIM_OK);
	assert_int_equal(sim_state(&b->sw->ports[2]), SIM_INIT);
	put_state(b, SIM_DOWN);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ARMED, 0), SIM_BAD_FIELD);
	b->fabric->quirks.state_needs_peer = true;
	put_state(b, SIM_ARMED);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ACTIVE, 0), SIM_BAD_FIELD);
	sim_set_state(&b->b->ports[1], SIM_ARMED);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ACTIVE, 0), SIM_OK);
}

static void settings_count_though_a_state_is_refused(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_B, 0);

	info.state_info1 |= SIM_ACTIVE;
	info.base_lid = htobe16(0x99);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
	assert_int_equal(be16toh(info.base_lid), 0x99);
}

static void a_state_counts_though_a_setting_is_refused(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_B, 0);

	info.state_info1 |= SIM_ARMED;
	info.vl_enforce = 0xf0;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_BAD_FIELD);
	assert_int_equal(info.state_info1 & 0x0f, SIM_ARMED);
}

static void port_0_is_active_whatever_it_is_told(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, 0, 0), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, SIM_ACTIVE, 0), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, SIM_ARMED, 0), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, SIM_DOWN, 0), SIM_BAD_FIELD);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 0, 0, SIM_DISABLED), SIM_BAD_FIELD);
	assert_int_equal(sim_state(&b->sw->ports[0]), SIM_ACTIVE);
	assert_int_equal(sim_phys(&b->sw->ports[0]), SIM_LINK_UP);
}

static void a_physical_state_goes_with_down_or_no_state_only(void **state)
{
	struct bench *b = *state;

	for (unsigned phys = SIM_SLEEP; phys <= SIM_DISABLED; phys++) {
		put_state(b, SIM_INIT);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ARMED, phys), SIM_BAD_FIELD);
		assert_int_equal(sim_state(&b->sw->ports[2]), SIM_ARMED); /* this part is done */
		assert_int_equal(sim_phys(&b->sw->ports[2]), SIM_LINK_UP);
	}
	for (unsigned phys = SIM_TRAINING; phys <= 15; phys++) {
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, phys), SIM_BAD_FIELD);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, phys), SIM_BAD_FIELD);
		assert_int_equal(sim_state(&b->sw->ports[2]), SIM_ARMED);
	}
}

/* ---- links ----------------------------------------------------------------------------------- */

static void going_down_takes_the_peer_to_initialize_and_keeps_what_is_configured(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];
	struct sim_port *peer = port->far;

	peer->info.base_lid = htobe16(33);
	peer->info.mtu_smsl = 0x47;
	for (unsigned phys = 0; phys <= SIM_POLLING; phys += SIM_POLLING) {
		sim_set_state(port, SIM_ACTIVE);
		sim_set_state(peer, SIM_ACTIVE);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, phys), SIM_OK);
		assert_int_equal(sim_state(port), SIM_INIT);
		assert_int_equal(sim_state(peer), SIM_INIT);
		assert_int_equal(sim_phys(port), SIM_LINK_UP);
	}
	assert_int_equal(sim_lid(peer), 33);
	assert_int_equal(peer->info.mtu_smsl, 0x47);
	/* Polling alone is a bounce as well. */
	sim_set_state(peer, SIM_ACTIVE);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_int_equal(sim_state(peer), SIM_INIT);
}

static void a_disabled_port_stays_down_until_it_is_told_to_poll(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];

	for (unsigned phys = SIM_SLEEP; phys <= SIM_DISABLED; phys += 2) {
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, phys == SIM_SLEEP, phys),
				 SIM_OK);
		assert_int_equal(b->got.smp.data[32] & 0x0f, SIM_DOWN);
		assert_int_equal(b->got.smp.data[33] >> 4, phys);
		assert_int_equal(sim_state(port->far), SIM_DOWN);
		assert_int_equal(sim_phys(port->far), SIM_POLLING);
		sim_cable_pull(port);
		sim_cable_plug(port);
		assert_int_equal(sim_phys(port), phys);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
		assert_int_equal(sim_phys(port), phys);
		assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
		assert_int_equal(sim_state(port), SIM_INIT);
		assert_int_equal(sim_state(port->far), SIM_INIT);
	}
}

static void a_port_that_loses_its_link_does_what_its_default_says(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];
	ib_port_info_t info = bench_to_set(b, AT_SWITCH, 2);

	for (unsigned bad = 3; bad <= 15; bad++) {
		info = bench_to_set(b, AT_SWITCH, 2);
		info.state_info2 = (uint8_t)bad;
		assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_BAD_FIELD);
		assert_int_equal(info.state_info2, SIM_LINK_UP << 4 | SIM_POLLING);
	}
	info = bench_to_set(b, AT_SWITCH, 2);
	info.state_info2 = SIM_SLEEP;
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	info = bench_to_set(b, AT_SWITCH, 2);
	info.state_info2 = 0; /* no change */
	assert_int_equal(bench_set(b, AT_SWITCH, 2, &info), SIM_OK);
	sim_cable_pull(port);
	assert_int_equal(sim_phys(port), SIM_SLEEP);
	assert_int_equal(sim_phys(port->far), SIM_POLLING);
	sim_cable_plug(port);
	assert_int_equal(sim_state(port), SIM_DOWN);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_int_equal(sim_state(port), SIM_INIT);
	/* Down without a physical state is by the default, Polling is Polling. */
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_int_equal(sim_state(port), SIM_INIT);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	assert_int_equal(sim_phys(port), SIM_SLEEP);
}

static void who_disables_the_port_of_the_way_back_hears_nothing(void **state)
{
	struct bench *b = *state;

	assert_int_equal(bench_set_states(b, AT_SWITCH, 1, SIM_DOWN, SIM_DISABLED), NO_ANSWER);
	assert_int_equal(sim_phys(&b->sw->ports[1]), SIM_DISABLED);
	assert_int_equal(sim_state(&b->a->ports[1]), SIM_DOWN);
}

static void a_free_port_can_be_configured(void **state)
{
	struct bench *b = *state;
	ib_port_info_t info = bench_to_set(b, AT_SWITCH, 4);

	assert_int_equal(b->got.smp.data[32] & 0x0f, SIM_DOWN);
	assert_int_equal(b->got.smp.data[33] >> 4, SIM_POLLING);
	info.vl_high_limit = 7;
	info.vl_enforce = 0x10;
	assert_int_equal(bench_set(b, AT_SWITCH, 4, &info), SIM_OK);
	assert_int_equal(info.vl_high_limit, 7);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 4, 0, SIM_DISABLED), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 4, SIM_DOWN, SIM_POLLING), SIM_OK);
	assert_int_equal(sim_phys(&b->sw->ports[4]), SIM_POLLING);
}

static void what_its_sm_does_is_no_port_state_change(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];

	has_changed(b);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_ARMED, 0), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_DISABLED), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_false(has_changed(b));
	/* What happens later is one, also where the SM has told the port to poll in vain. */
	sim_cable_pull(port);
	assert_true(has_changed(b));
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_DISABLED), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_false(has_changed(b));
	sim_cable_plug(port);
	assert_true(has_changed(b));
	sim_link_bounce(port);
	assert_true(has_changed(b));
	b->fabric->quirks.bounce_is_news = true;
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	assert_true(has_changed(b));
}

static void what_an_sm_does_at_the_other_end_is_one(void **state)
{
	struct bench *b = *state;

	has_changed(b);
	assert_int_equal(bench_set_states(b, AT_A, 0, SIM_DOWN, 0), SIM_OK);
	assert_true(has_changed(b));
}

static void training_takes_its_time_and_the_answer_leaves_before(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[1];

	has_changed(b);
	b->fabric->train_time = 10 * LOOP_MSEC;
	assert_int_equal(bench_set_states(b, AT_SWITCH, 1, SIM_DOWN, 0), SIM_OK);
	assert_int_equal(b->got.smp.data[32] & 0x0f, SIM_DOWN);
	assert_int_equal(b->got.smp.data[33] >> 4, SIM_POLLING);
	loop_virtual_run_for(b->loop, LOOP_MSEC);
	assert_int_equal(sim_state(port), SIM_DOWN);
	assert_int_equal(sim_phys(port), SIM_TRAINING);
	assert_int_equal(sim_phys(port->far), SIM_TRAINING);
	loop_virtual_run_for(b->loop, 10 * LOOP_MSEC);
	assert_int_equal(sim_state(port), SIM_INIT);
	assert_int_equal(sim_state(port->far), SIM_INIT);
	assert_false(has_changed(b));
}

static void what_is_pulled_while_it_trains_is_down(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];

	b->fabric->train_time = 10 * LOOP_MSEC;
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	loop_virtual_run_for(b->loop, LOOP_MSEC);
	sim_cable_pull(port);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + LOOP_SEC));
	assert_int_equal(sim_state(port), SIM_DOWN);
	assert_int_equal(sim_phys(port), SIM_POLLING);
	assert_int_equal(sim_phys(port->far), SIM_POLLING);
	has_changed(b);
	sim_cable_plug(port);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + LOOP_SEC));
	assert_int_equal(sim_state(port), SIM_INIT);
	assert_true(has_changed(b));
}

static void training_begins_anew_when_the_cable_is_plugged_again(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->sw->ports[2];

	b->fabric->train_time = 10 * LOOP_MSEC;
	sim_link_bounce(port);
	loop_virtual_run_for(b->loop, 5 * LOOP_MSEC);
	sim_cable_pull(port->far);
	sim_cable_plug(port->far);
	loop_virtual_run_for(b->loop, 9 * LOOP_MSEC);
	assert_int_equal(sim_phys(port), SIM_TRAINING);
	loop_virtual_run_for(b->loop, LOOP_MSEC);
	assert_int_equal(sim_state(port), SIM_INIT);
}

static void a_port_that_begins_to_train_says_so(void **state)
{
	struct bench *b = *state;

	b->fabric->train_time = 10 * LOOP_MSEC;
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_DISABLED), SIM_OK);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, 0, SIM_POLLING), SIM_OK);
	assert_int_equal(b->got.smp.data[33] >> 4, SIM_TRAINING);
}

static void each_switch_counts_what_was_told_at_the_other_last(void **state)
{
	struct bench *b = *state;
	struct sim_node *other = bench_node(b, SIM_SWITCH, 2, "other");
	struct sim_port *port = &b->sw->ports[4];

	assert_int_equal(sim_cable(port, &other->ports[1]), 0);
	b->fabric->train_time = 10 * LOOP_MSEC;
	assert_true(sim_link_command(port, SIM_DISABLED));
	assert_true(sim_link_command(port, SIM_POLLING));
	loop_virtual_run_for(b->loop, 5 * LOOP_MSEC);
	has_changed(b);
	other->sw->info.life_state = 0;
	assert_true(sim_link_command(&other->ports[1], SIM_POLLING));
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + LOOP_SEC));
	assert_int_equal(sim_state(port), SIM_INIT);
	assert_true(has_changed(b));
	assert_int_equal(other->sw->info.life_state & PSC, 0);
}

static void a_pulled_port_forgets_that_it_was_to_bounce(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = port_at(b, AT_SWITCH, 2);

	b->fabric->train_time = 10 * LOOP_MSEC;
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	b->fabric->train_time = 0;
	sim_cable_pull(port);
	sim_cable_plug(port);
	sim_set_state(port, SIM_ACTIVE);
	assert_true(loop_virtual_run_until_idle(b->loop, loop_now(b->loop) + LOOP_SEC));
	assert_int_equal(sim_state(port), SIM_ACTIVE);
}

/* ---- who shares a port ----------------------------------------------------------------------- */

static unsigned events; /* a bit for each kind, since somebody looked */

/* Instead of shared-port.c: the linker sends them here (local.mk). */
void __wrap_sim_shared_port_event(struct sim_port *port, enum sim_port_event event);
void __wrap_sim_shared_port_event(struct sim_port *port, enum sim_port_event event)
{
	assert_non_null(port->shared);
	events |= 1u << event;
}

static unsigned new_events(void)
{
	unsigned seen = events;

	events = 0;
	return seen;
}

static void those_who_share_a_port_hear_what_happens_to_it(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];
	ib_port_info_t info = bench_to_set(b, AT_B, 0);
	char shared;

	new_events();
	port->shared = (struct sim_shared_port *)&shared;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(new_events(), 1u << SIM_EVENT_LID | 1u << SIM_EVENT_SM);
	info = bench_to_set(b, AT_B, 0);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(new_events(), 0);
	info = bench_to_set(b, AT_B, 0);
	info.mkey_lmc = 2;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(new_events(), 1u << SIM_EVENT_LID);
	info = bench_to_set(b, AT_B, 0);
	info.mtu_smsl |= 4;
	info.subnet_timeout |= 0x80;
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(new_events(), 1u << SIM_EVENT_SM | 1u << SIM_EVENT_REREGISTER);
	assert_int_equal(bench_set_states(b, AT_B, 0, SIM_ARMED, 0), SIM_OK);
	assert_int_equal(new_events(), 0);
	assert_int_equal(bench_set_states(b, AT_B, 0, SIM_ACTIVE, 0), SIM_OK);
	assert_int_equal(new_events(), 1u << SIM_EVENT_ACTIVE);
	assert_int_equal(bench_set_states(b, AT_SWITCH, 2, SIM_DOWN, 0), SIM_OK);
	assert_int_equal(new_events(), 1u << SIM_EVENT_DOWN);
	port->shared = NULL;
}

/* ---- anything -------------------------------------------------------------------------------- */

static unsigned draw(struct bench *b, unsigned below)
{
	return (unsigned)(xoshiro_next(&b->fabric->random) >> 32) % below;
}

/* Power is what brings ports back that were told to sleep, or share no width with their peer. */
static void refresh(struct bench *b)
{
	struct sim_node *nodes[] = { b->b, b->router, b->sw };

	for (unsigned i = 0; i < 3; i++) {
		sim_power(nodes[i], false);
		sim_power(nodes[i], true);
	}
}

static void whatever_is_set_leaves_a_sane_port(void **state)
{
	struct bench *b = *state;
	unsigned n_answers = 0;

	for (unsigned i = 0; i < 20000; i++) {
		enum place place = (enum place)(AT_SWITCH + draw(b, 3));
		unsigned number = place == AT_SWITCH ? draw(b, 5) : 1;
		struct sim_port *port = port_at(b, place, number);
		ib_port_info_t info;
		uint8_t *bytes = (uint8_t *)&info;

		for (unsigned n = 0; n < sizeof(info); n++)
			bytes[n] = (uint8_t)draw(b, 256);
		info.m_key = 0;
		n_answers += bench_set(b, place, number, &info) != NO_ANSWER;
		assert_true(sim_state(port) >= SIM_DOWN && sim_state(port) <= SIM_ACTIVE);
		assert_true(sim_phys(port) >= SIM_SLEEP && sim_phys(port) <= SIM_LINK_UP);
		assert_true(sim_mtu(port) >= 1 && sim_mtu(port) <= 5);
		assert_true(sim_lid(port) < 0xc000);
		assert_true(port->info.vl_enforce >> 4 >= 1 && port->info.vl_enforce >> 4 <= 4);
		assert_true(port->info.link_width_enabled != 0);
		assert_int_equal(port->info.link_width_enabled & ~0x0b, 0);
		refresh(b);
	}
	assert_true(n_answers > 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(modifier_0_is_the_port_that_the_question_came_by),
		BENCH_TEST(local_port_num_is_where_the_question_came_in),
		BENCH_TEST(a_port_that_is_not_there_is_a_bad_modifier),
		BENCH_TEST(another_port_of_a_ca_can_be_read_but_not_set),
		BENCH_TEST(a_ca_keeps_what_belongs_to_ends_and_to_links),
		BENCH_TEST(a_router_has_a_life_time_as_well),
		BENCH_TEST(an_external_port_keeps_what_belongs_to_links_only),
		BENCH_TEST(illegal_lids_do_not_matter_on_an_external_port),
		BENCH_TEST(enforcement_is_what_the_switch_can_do),
		BENCH_TEST(an_enhanced_port_0_has_both_kinds_of_fields),
		BENCH_TEST(a_base_port_0_has_no_link),
		BENCH_TEST(what_is_read_only_stays),
		BENCH_TEST(what_depends_on_a_capability_reads_0_without),
		BENCH_TEST(an_illegal_lid_keeps_lid_and_lmc_and_the_rest_is_set),
		BENCH_TEST(all_legal_lids_are_taken),
		BENCH_TEST(an_illegal_sm_lid_keeps_sm_lid_and_sl),
		BENCH_TEST(a_base_port_0_has_no_lmc),
		BENCH_TEST(widths_are_some_of_those_supported),
		BENCH_TEST(speeds_are_some_of_those_supported),
		BENCH_TEST(extended_speeds_are_for_who_asks_and_where_port_0_can),
		BENCH_TEST(extended_speeds_are_some_of_those_supported),
		BENCH_TEST(what_is_enabled_counts_from_the_next_training_on),
		BENCH_TEST(a_link_at_an_extended_speed_shows_no_other),
		BENCH_TEST(without_a_common_width_there_is_no_link),
		BENCH_TEST(without_a_common_speed_training_ends_in_polling),
		BENCH_TEST(an_mtu_is_one_that_the_port_has),
		BENCH_TEST(lanes_are_as_many_as_the_port_has),
		BENCH_TEST(violations_are_cleared_by_0_and_by_nothing_else),
		BENCH_TEST(reregistering_is_echoed_once),
		BENCH_TEST(who_refuses_to_reregister_does_nothing_else_either),
		BENCH_TEST(who_cannot_reregister_ignores_it),
		BENCH_TEST(states_go_up_step_by_step),
		BENCH_TEST(states_as_others_have_them),
		BENCH_TEST(settings_count_though_a_state_is_refused),
		BENCH_TEST(a_state_counts_though_a_setting_is_refused),
		BENCH_TEST(port_0_is_active_whatever_it_is_told),
		BENCH_TEST(a_physical_state_goes_with_down_or_no_state_only),
		BENCH_TEST(going_down_takes_the_peer_to_initialize_and_keeps_what_is_configured),
		BENCH_TEST(a_disabled_port_stays_down_until_it_is_told_to_poll),
		BENCH_TEST(a_port_that_loses_its_link_does_what_its_default_says),
		BENCH_TEST(who_disables_the_port_of_the_way_back_hears_nothing),
		BENCH_TEST(a_free_port_can_be_configured),
		BENCH_TEST(what_its_sm_does_is_no_port_state_change),
		BENCH_TEST(what_an_sm_does_at_the_other_end_is_one),
		BENCH_TEST(training_takes_its_time_and_the_answer_leaves_before),
		BENCH_TEST(what_is_pulled_while_it_trains_is_down),
		BENCH_TEST(training_begins_anew_when_the_cable_is_plugged_again),
		BENCH_TEST(a_port_that_begins_to_train_says_so),
		BENCH_TEST(each_switch_counts_what_was_told_at_the_other_last),
		BENCH_TEST(a_pulled_port_forgets_that_it_was_to_bounce),
		BENCH_TEST(those_who_share_a_port_hear_what_happens_to_it),
		BENCH_TEST(whatever_is_set_leaves_a_sane_port),
	};

	return cmocka_run_group_tests_name("PortInfo", tests, NULL, NULL);
}
