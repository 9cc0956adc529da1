/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Whom an SMP is for, and what the agent says to what it has not. */

#include "tests/sim/test-bench.h"

#include "base/macros.h"

enum { LED_INFO = 0x31 };

/*
 * Instead of faults.c: a device that has faults, the one that its Sets are forgotten. The linker
 * sends what forward.c and sma.c ask here (local.mk).
 */
bool __wrap_sim_fault_request(struct sim_port *at, struct sim_packet *packet);
bool __wrap_sim_fault_answer(struct sim_port *at, struct sim_packet *packet);
bool __wrap_sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet);

bool __wrap_sim_fault_request(struct sim_port *at, struct sim_packet *packet)
{
	(void)at;
	(void)packet;
	return true;
}

bool __wrap_sim_fault_answer(struct sim_port *at, struct sim_packet *packet)
{
	(void)at;
	(void)packet;
	return true;
}

bool __wrap_sim_fault_forgets(struct sim_port *at, const struct sim_packet *packet)
{
	(void)at;
	assert_int_equal(packet->mad.method, SIM_SET);
	return true;
}

static void a_forgetful_device_says_yes_and_does_nothing(void **state)
{
	struct bench *b = *state;
	struct sim_port *port = &b->b->ports[1];
	ib_port_info_t info = bench_to_set(b, AT_B, 0);
	char fault;

	b->b->faults = (struct sim_node_faults *)&fault;
	info.base_lid = htobe16(77);
	assert_int_equal(bench_set(b, AT_B, 0, &info), SIM_OK);
	assert_int_equal(be16toh(info.base_lid), 77);
	assert_int_equal(sim_lid(port), 0);
	assert_int_equal(bench_port_info(b, AT_B, 0).base_lid, 0);
	/* It still knows what it has not, and its M_Key. */
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
	port->info.m_key = htobe64(5);
	assert_int_equal(bench_set(b, AT_B, 0, &info), NO_ANSWER);
	b->b->faults = NULL;
}

static void another_class_version_is_told_before_the_key_is_looked_at(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_B, SIM_SET, NODE_INFO, 0);

	b->b->ports[1].info.m_key = htobe64(5);
	p.smp.class_ver = 2;
	assert_int_equal(bench_send(b, &p), SIM_BAD_VERSION);
	assert_int_equal(b->b->ports[1].info.m_key_violations, 0);
}

static void another_base_version_gets_no_answer(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_B, SIM_GET, NODE_INFO, 0);

	p.smp.base_ver = 2;
	assert_int_equal(bench_send(b, &p), NO_ANSWER);
	assert_int_equal(b->why, SIM_DROP_MALFORMED);
}

static void an_answer_repeats_what_identifies_the_request(void **state)
{
	struct bench *b = *state;

	b->key = 0x1234;
	assert_int_equal(ask(b, AT_B, SIM_GET, PORT_INFO, 1, NULL), SIM_OK);
	assert_int_equal(be64toh(b->got.smp.trans_id) & 0xffffffff, 77);
	assert_int_equal(be16toh(b->got.smp.attr_id), PORT_INFO);
	assert_int_equal(be32toh(b->got.smp.attr_mod), 1);
	assert_int_equal(be64toh(b->got.smp.m_key), 0x1234);
	assert_int_equal(b->got.smp.initial_path[2], 2);
}

static void an_smp_by_lid_has_no_direction_in_its_status(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_A, SIM_GET, NODE_INFO, 0);

	b->a->ports[1].info.base_lid = htobe16(9);
	p.dlid = 9;
	p.smp.mgmt_class = SIM_CLASS_LID;
	assert_int_equal(bench_send(b, &p), SIM_OK);
}

static void what_is_no_request_is_never_answered(void **state)
{
	static const uint8_t methods[] = { SIM_SEND,     SIM_TRAP,        SIM_REPORT,
					   SIM_GET_RESP, SIM_REPORT_RESP, 0xff };
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(methods); i++)
		for (uint8_t version = 1; version <= 2; version++) {
			struct sim_packet p = bench_packet(b, AT_B, methods[i], NOTICE, 0);

			p.smp.class_ver = version;
			assert_int_equal(bench_send(b, &p), NO_ANSWER);
		}
	assert_int_equal(b->n_others, 0);
}

static void a_trap_is_for_the_sm(void **state)
{
	struct bench *b = *state;
	struct sim_packet p = bench_packet(b, AT_A, SIM_TRAP, NOTICE, 0);

	sim_set_is_sm(&b->client, true);
	p.client = SIM_CLIENT_NONE;
	sim_send(&b->a->ports[1], &p);
	assert_int_equal(b->n_others, 1);
	assert_int_equal(b->other.smp.method, SIM_TRAP);
}

static void other_methods_are_unknown(void **state)
{
	static const uint8_t methods[] = { 0x00, 0x04, 0x08, 0x12, 0x15, 0x7f };
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(methods); i++) {
		assert_int_equal(ask(b, AT_B, methods[i], NODE_INFO, 0, NULL), SIM_BAD_METHOD);
		assert_int_equal(ask(b, AT_SWITCH, methods[i], 0x7777, 0, NULL), SIM_BAD_METHOD);
	}
}

static void unknown_attributes_are_told_as_such(void **state)
{
	static const uint16_t attributes[] = { 0, 1, 2, 3, 0x13, 0x1c, 0x30, 0xff00, 0xffff };
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		for (enum place place = AT_A; place <= AT_ROUTER; place++) {
			assert_int_equal(ask(b, place, SIM_GET, attributes[i], 0, NULL),
					 SIM_BAD_ATTRIBUTE);
			assert_int_equal(ask(b, place, SIM_SET, attributes[i], 0, NULL),
					 SIM_BAD_ATTRIBUTE);
		}
}

static void attributes_of_switches_are_unknown_elsewhere(void **state)
{
	static const uint16_t attributes[] = { SWITCH_INFO, 0x19, 0x1a, 0x1b };
	struct bench *b = *state;

	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		assert_int_equal(ask(b, AT_B, SIM_GET, attributes[i], 0, NULL), SIM_BAD_ATTRIBUTE);
		assert_int_equal(ask(b, AT_ROUTER, SIM_SET, attributes[i], 0, NULL),
				 SIM_BAD_ATTRIBUTE);
	}
}

static void what_can_only_be_read_cannot_be_set(void **state)
{
	struct bench *b = *state;
	static const char data[64] = "another";

	for (enum place place = AT_A; place <= AT_ROUTER; place++) {
		assert_int_equal(ask(b, place, SIM_SET, NODE_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
		assert_int_equal(ask(b, place, SIM_SET, NODE_DESCRIPTION, 0, data),
				 SIM_BAD_ATTRIBUTE);
	}
	assert_int_equal(ask(b, AT_B, SIM_GET, NODE_DESCRIPTION, 0, NULL), SIM_OK);
	assert_string_equal((const char *)b->got.smp.data, "B");
}

static void a_description_can_be_set_where_that_is_a_capability(void **state)
{
	struct bench *b = *state;
	static const char data[64] = "another";

	b->b->ports[1].info.capability_mask |= IB_PORT_CAP_HAS_CAP_MASK2;
	b->b->ports[1].info.capability_mask2 = htobe16(1);
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_DESCRIPTION, 1, data), SIM_BAD_FIELD);
	assert_int_equal(ask(b, AT_B, SIM_GET, NODE_DESCRIPTION, 0, NULL), SIM_OK);
	assert_string_equal((const char *)b->got.smp.data, "B");
	assert_int_equal(ask(b, AT_B, SIM_SET, NODE_DESCRIPTION, 0, data), SIM_OK);
	assert_int_equal(ask(b, AT_B, SIM_GET, NODE_DESCRIPTION, 0, NULL), SIM_OK);
	assert_string_equal((const char *)b->got.smp.data, "another");
}

static void a_modifier_where_none_is_comes_back_with_the_attribute(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, AT_B, SIM_GET, NODE_DESCRIPTION, 1, NULL), SIM_BAD_FIELD);
	assert_string_equal((const char *)b->got.smp.data, "B");
	assert_int_equal(ask(b, AT_B, SIM_GET, NODE_INFO, 1, NULL), SIM_BAD_FIELD);
	assert_int_equal(ask(b, AT_SWITCH, SIM_GET, NODE_INFO, 1u << 31, NULL), SIM_BAD_FIELD);
}

static void a_ca_names_the_port_that_it_is_asked_by(void **state)
{
	struct bench *b = *state;
	ib_node_info_t info;

	assert_int_equal(sim_cable(&b->b->ports[2], &b->sw->ports[4]), 0);
	for (uint8_t by = 1; by <= 2; by++) {
		struct sim_packet p = bench_packet(b, AT_B, SIM_GET, NODE_INFO, 0);

		p.smp.initial_path[2] = by == 1 ? 2 : 4;
		assert_int_equal(bench_send(b, &p), SIM_OK);
		memcpy(&info, b->got.smp.data, sizeof(info));
		assert_int_equal(be64toh(info.port_guid), b->b->ports[by].guid);
		assert_int_equal(be32toh(info.port_num_vendor_id) >> 24, by);
		assert_int_equal(info.num_ports, 2);
		assert_int_equal(info.node_type, SIM_CA);
	}
}

static void a_switch_names_its_one_guid_and_the_port_that_it_is_asked_by(void **state)
{
	struct bench *b = *state;
	ib_node_info_t info;
	struct sim_packet p = bench_packet(b, AT_SWITCH, SIM_GET, NODE_INFO, 0);

	assert_int_equal(bench_send(b, &p), SIM_OK);
	memcpy(&info, b->got.smp.data, sizeof(info));
	assert_int_equal(info.port_guid, info.node_guid);
	assert_int_equal(be32toh(info.port_num_vendor_id) >> 24, 1);
	assert_int_equal(be32toh(info.port_num_vendor_id) & 0xffffff, 0x2c9);
	assert_int_equal(info.num_ports, 4);
	assert_int_equal(info.base_version, 1);
	assert_int_equal(info.class_version, 1);
}

static void sm_info_is_for_the_sm_and_needs_no_key(void **state)
{
	struct bench *b = *state;

	b->a->ports[1].info.m_key = htobe64(5);
	b->a->ports[1].info.mkey_lmc = 0x80;
	sim_set_is_sm(&b->client, true);
	assert_int_equal(ask(b, AT_A, SIM_GET, SM_INFO, 0, NULL), NO_ANSWER);
	assert_int_equal(b->n_others, 1);
	assert_int_equal(ask(b, AT_A, SIM_SET, SM_INFO, 1, NULL), NO_ANSWER);
	assert_int_equal(b->n_others, 2);
	b->fabric->quirks.sm_info_needs_mkey = true;
	assert_int_equal(ask(b, AT_A, SIM_GET, SM_INFO, 0, NULL), NO_ANSWER);
	assert_int_equal(b->n_others, 2);
	assert_int_equal(b->why, SIM_DROP_MKEY);
}

static void sm_info_is_unknown_where_there_is_no_sm(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, AT_A, SIM_GET, SM_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
	assert_int_equal(ask(b, AT_SWITCH, SIM_GET, SM_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
	assert_int_equal(ask(b, AT_B, SIM_SET, SM_INFO, 2, NULL), SIM_BAD_ATTRIBUTE);
}

static void sm_info_is_not_answered_where_there_may_be_no_sm(void **state)
{
	struct bench *b = *state;

	b->b->ports[1].info.capability_mask |= IB_PORT_CAP_SM_DISAB;
	assert_int_equal(ask(b, AT_B, SIM_GET, SM_INFO, 0, NULL), NO_ANSWER);
}

static void repress_is_about_notices_and_is_never_answered(void **state)
{
	struct bench *b = *state;

	assert_int_equal(ask(b, AT_B, SIM_TRAP_REPRESS, NOTICE, 0, NULL), NO_ANSWER);
	assert_int_equal(ask(b, AT_B, SIM_TRAP_REPRESS, PORT_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
}

static uint8_t led(struct bench *b, enum place place, uint8_t byte, bool set)
{
	uint8_t data[64], rest[63] = { 0 };

	memset(data, 0x7f, sizeof(data));
	data[0] = byte;
	assert_int_equal(ask(b, place, set ? SIM_SET : SIM_GET, LED_INFO, 0, data), SIM_OK);
	assert_memory_equal(b->got.smp.data + 1, rest, sizeof(rest));
	return b->got.smp.data[0];
}

static void a_led_is_switched_on_and_off(void **state)
{
	struct bench *b = *state;
	static const enum place places[] = { AT_B, AT_SWITCH, AT_ROUTER };

	for (unsigned i = 0; i < COUNT(places); i++) {
		assert_int_equal(led(b, places[i], 0xff, false), 0);
		assert_int_equal(led(b, places[i], 0xff, true), 0x80);
		assert_int_equal(led(b, places[i], 0, false), 0x80);
		assert_int_equal(led(b, places[i], 0x7f, true), 0);
		assert_int_equal(led(b, places[i], 0x80, false), 0);
	}
	/* Each node has its own. */
	assert_int_equal(led(b, AT_B, 0x80, true), 0x80);
	assert_int_equal(led(b, AT_SWITCH, 0, false), 0);
	assert_int_equal(led(b, AT_A, 0, false), 0);
}

static void a_led_is_dark_at_power_up(void **state)
{
	struct bench *b = *state;

	assert_int_equal(led(b, AT_B, 0x80, true), 0x80);
	sim_power(b->b, false);
	sim_power(b->b, true);
	assert_int_equal(led(b, AT_B, 0, false), 0);
}

static void a_led_has_no_modifier(void **state)
{
	struct bench *b = *state;
	uint8_t on[64] = { 0x80 };

	assert_int_equal(led(b, AT_B, 0x80, true), 0x80);
	assert_int_equal(ask(b, AT_B, SIM_GET, LED_INFO, 1, NULL), SIM_BAD_FIELD);
	assert_int_equal(b->got.smp.data[0], 0x80);
	assert_int_equal(ask(b, AT_SWITCH, SIM_SET, LED_INFO, 1, on), SIM_BAD_FIELD);
	assert_int_equal(led(b, AT_SWITCH, 0, false), 0);
}

static void who_does_not_announce_a_led_has_none(void **state)
{
	struct bench *b = *state;
	ib_port_info_t *info = &b->b->ports[1].info;

	assert_true(info->capability_mask & IB_PORT_CAP_HAS_LED_INFO);
	assert_true(b->sw->ports[0].info.capability_mask & IB_PORT_CAP_HAS_LED_INFO);
	info->capability_mask &= ~IB_PORT_CAP_HAS_LED_INFO;
	assert_int_equal(ask(b, AT_B, SIM_GET, LED_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
	assert_int_equal(ask(b, AT_B, SIM_SET, LED_INFO, 0, NULL), SIM_BAD_ATTRIBUTE);
}

/* What Get and Set of Notice are for, IsNoticeSupported announces. */
static void who_does_not_announce_notices_to_be_read_has_none(void **state)
{
	struct bench *b = *state;
	static const enum place places[] = { AT_B, AT_SWITCH, AT_ROUTER };
	struct sim_port *ends[] = { &b->b->ports[1], &b->sw->ports[0], &b->router->ports[1] };

	for (unsigned i = 0; i < COUNT(places); i++) {
		assert_false(ends[i]->info.capability_mask & IB_PORT_CAP_HAS_NOTICE);
		assert_int_equal(ask(b, places[i], SIM_GET, NOTICE, 0, NULL), SIM_BAD_ATTRIBUTE);
		assert_int_equal(ask(b, places[i], SIM_SET, NOTICE, 0, NULL), SIM_BAD_ATTRIBUTE);
	}
}

static void a_refused_smp_counts_as_refused(void **state)
{
	struct bench *b = *state;

	b->b->ports[1].info.m_key = htobe64(5);
	assert_int_equal(ask(b, AT_B, SIM_SET, PORT_INFO, 0, NULL), NO_ANSWER);
	assert_int_equal(b->why, SIM_DROP_MKEY);
	assert_int_equal(b->fabric->drops[SIM_DROP_MKEY], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(another_class_version_is_told_before_the_key_is_looked_at),
		BENCH_TEST(another_base_version_gets_no_answer),
		BENCH_TEST(an_answer_repeats_what_identifies_the_request),
		BENCH_TEST(an_smp_by_lid_has_no_direction_in_its_status),
		BENCH_TEST(what_is_no_request_is_never_answered),
		BENCH_TEST(a_trap_is_for_the_sm),
		BENCH_TEST(other_methods_are_unknown),
		BENCH_TEST(unknown_attributes_are_told_as_such),
		BENCH_TEST(attributes_of_switches_are_unknown_elsewhere),
		BENCH_TEST(what_can_only_be_read_cannot_be_set),
		BENCH_TEST(a_description_can_be_set_where_that_is_a_capability),
		BENCH_TEST(a_modifier_where_none_is_comes_back_with_the_attribute),
		BENCH_TEST(a_ca_names_the_port_that_it_is_asked_by),
		BENCH_TEST(a_switch_names_its_one_guid_and_the_port_that_it_is_asked_by),
		BENCH_TEST(sm_info_is_for_the_sm_and_needs_no_key),
		BENCH_TEST(sm_info_is_unknown_where_there_is_no_sm),
		BENCH_TEST(sm_info_is_not_answered_where_there_may_be_no_sm),
		BENCH_TEST(repress_is_about_notices_and_is_never_answered),
		BENCH_TEST(a_led_is_switched_on_and_off),
		BENCH_TEST(a_led_is_dark_at_power_up),
		BENCH_TEST(a_led_has_no_modifier),
		BENCH_TEST(who_does_not_announce_a_led_has_none),
		BENCH_TEST(who_does_not_announce_notices_to_be_read_has_none),
		BENCH_TEST(a_refused_smp_counts_as_refused),
		BENCH_TEST(a_forgetful_device_says_yes_and_does_nothing),
	};

	return cmocka_run_group_tests_name("the agent for subnet management", tests, NULL, NULL);
}
