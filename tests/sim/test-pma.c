/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* What ports have counted, and who may ask for it. */

#include "tests/sim/agent.h"
#include "tests/unit/loop-virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/tables.h"

enum { DATA = 64, CPI = 0x01, COUNTERS = 0x12, RCV_ERROR_DETAILS = 0x15, EXT = 0x1d };

/* Host A, an adapter with two ports, at port 1 of a switch with three. */
struct world {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *a, *sw;
	struct sim_client client;
	struct sim_packet p; /* question, then answer */
	unsigned n_got;
};

static void receive(void *user, const struct sim_packet *packet)
{
	struct world *w = user;

	w->p = *packet;
	w->n_got++;
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sim_node_spec ca = { .type = SIM_CA, .n_ports = 2 };
	struct sim_node_spec sw = { .type = SIM_SWITCH, .n_ports = 3 };

	assert_non_null(w);
	assert_int_equal(loop_virtual_new(1, &w->loop), 0);
	assert_int_equal(sim_fabric_new(w->loop, 1, &w->fabric), 0);
	assert_int_equal(sim_node_new(w->fabric, &ca, &w->a), 0);
	assert_int_equal(sim_node_new(w->fabric, &sw, &w->sw), 0);
	assert_int_equal(sim_cable(&w->a->ports[1], &w->sw->ports[1]), 0);
	w->client.receive = receive;
	w->client.user = w;
	assert_int_equal(sim_attach(&w->a->ports[1], &w->client), 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	sim_detach(&w->client);
	sim_fabric_free(w->fabric);
	loop_virtual_free(w->loop);
	free(w);
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void question(struct world *w, uint8_t method, uint16_t attribute, uint8_t port,
		     uint32_t select)
{
	uint8_t *data = w->p.bytes + DATA;

	memset(&w->p, 0, sizeof(w->p));
	w->p.length = SIM_MAD_SIZE;
	w->p.dqpn = 1;
	w->p.sqpn = 1;
	w->p.qkey = SIM_QKEY_MAD;
	w->p.pkey = 0xffff;
	w->p.mad.base_ver = 1;
	w->p.mad.class_ver = 1;
	w->p.mad.mgmt_class = SIM_CLASS_PERF;
	w->p.mad.method = method;
	w->p.mad.attr_id = htobe16(attribute);
	memset(data, 0xee, SIM_MAD_SIZE - DATA);
	data[1] = port;
	data[2] = (uint8_t)(select >> 8);
	data[3] = (uint8_t)select;
	if (attribute == COUNTERS)
		data[18] = (uint8_t)(select >> 16);
	if (attribute == EXT) {
		data[4] = 0;
		data[5] = 0;
		data[6] = (uint8_t)(select >> 24);
		data[7] = (uint8_t)(select >> 16);
	}
}

static unsigned ask(struct world *w, struct sim_port *at)
{
	assert_int_equal(sim_pma(at, &w->p), SIM_ANSWER);
	assert_int_equal(w->p.mad.method, SIM_GET_RESP);
	return be16toh(w->p.mad.status);
}

static unsigned get(struct world *w, struct sim_port *at, uint16_t attribute, uint8_t port)
{
	question(w, SIM_GET, attribute, port, 0xffffffff);
	return ask(w, at);
}

static unsigned set(struct world *w, struct sim_port *at, uint16_t attribute, uint8_t port,
		    uint32_t select)
{
	question(w, SIM_SET, attribute, port, select);
	return ask(w, at);
}

static uint64_t number(const struct world *w, unsigned at, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bits / 8; i++)
		value = value << 8 | w->p.bytes[DATA + at + i];
	return value;
}

/* ---- fields ---------------------------------------------------------------------------------- */

struct field {
	size_t counter;
	size_t size;
	unsigned at;
	unsigned bits;
	int select;
};

#define OF(name) offsetof(struct sim_counters, name), sizeof(((struct sim_counters *)0)->name)

/* IBA 16.1.3.5, but the two that share byte 19 and QP1Dropped. */
static const struct field plain[] = {
	{ OF(symbol_errors), 4, 16, 0 },
	{ OF(link_recovers), 6, 8, 1 },
	{ OF(link_downed), 7, 8, 2 },
	{ OF(rcv_errors), 8, 16, 3 },
	{ OF(rcv_remote_errors), 10, 16, 4 },
	{ OF(switch_relay_errors), 12, 16, 5 },
	{ OF(xmit_discards), 14, 16, 6 },
	{ OF(xmit_constraint_errors), 16, 8, 7 },
	{ OF(rcv_constraint_errors), 17, 8, 8 },
	{ OF(vl15_dropped), 22, 16, 11 },
	{ OF(xmit_data), 24, 32, 12 },
	{ OF(rcv_data), 28, 32, 13 },
	{ OF(xmit_pkts), 32, 32, 14 },
	{ OF(rcv_pkts), 36, 32, 15 },
	{ OF(xmit_wait), 40, 32, 16 },
};

static const struct field extended[] = {
	{ OF(xmit_data), 8, 64, 0 },       { OF(rcv_data), 16, 64, 1 },
	{ OF(xmit_pkts), 24, 64, 2 },      { OF(rcv_pkts), 32, 64, 3 },
	{ OF(unicast_xmit), 40, 64, 4 },   { OF(unicast_rcv), 48, 64, 5 },
	{ OF(multicast_xmit), 56, 64, 6 }, { OF(multicast_rcv), 64, 64, 7 },
};

static const struct field wide[] = {
	{ OF(symbol_errors), 72, 64, 16 },
	{ OF(link_recovers), 80, 64, 17 },
	{ OF(link_downed), 88, 64, 18 },
	{ OF(rcv_errors), 96, 64, 19 },
	{ OF(rcv_remote_errors), 104, 64, 20 },
	{ OF(switch_relay_errors), 112, 64, 21 },
	{ OF(xmit_discards), 120, 64, 22 },
	{ OF(xmit_constraint_errors), 128, 64, 23 },
	{ OF(rcv_constraint_errors), 136, 64, 24 },
	{ OF(link_integrity_errors), 144, 64, 25 },
	{ OF(overrun_errors), 152, 64, 26 },
	{ OF(vl15_dropped), 160, 64, 27 },
	{ OF(xmit_wait), 168, 64, 28 },
	{ OF(qp1_dropped), 176, 64, 29 },
};

static void put(struct sim_port *port, const struct field *f, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;
	uint8_t *at = (uint8_t *)&port->counters + f->counter;

	if (f->size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &value, sizeof(value));
}

/* Each counter shows in its own field and in no other; is cleared by its bit and by no other. */
static void fields_are(struct world *w, const struct field *fields, unsigned n, uint16_t attribute)
{
	struct sim_port *port = &w->a->ports[1];

	for (unsigned i = 0; i < n; i++) {
		uint32_t bit = UINT32_C(1) << fields[i].select;

		memset(&port->counters, 0, sizeof(port->counters));
		put(port, &fields[i], 0x5a);
		assert_int_equal(get(w, port, attribute, 1), SIM_OK);
		for (unsigned j = 0; j < n; j++)
			assert_int_equal(number(w, fields[j].at, fields[j].bits),
					 j == i ? 0x5a : 0);
		assert_int_equal(set(w, port, attribute, 1, ~bit), SIM_OK);
		assert_int_equal(number(w, fields[i].at, fields[i].bits), 0x5a);
		assert_int_equal(set(w, port, attribute, 1, bit), SIM_OK);
		assert_int_equal(number(w, fields[i].at, fields[i].bits), 0);
	}
}

static void each_counter_has_its_field_and_its_bit(void **state)
{
	struct world *w = *state;

	fields_are(w, plain, COUNT(plain), COUNTERS);
	fields_are(w, extended, COUNT(extended), EXT);
	w->fabric->quirks.wide_error_counters = true;
	fields_are(w, extended, COUNT(extended), EXT);
	fields_are(w, wide, COUNT(wide), EXT);
}

static void two_counters_share_a_byte(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->a->ports[1];

	port->counters.link_integrity_errors = 3;
	port->counters.overrun_errors = 16;
	assert_int_equal(get(w, port, COUNTERS, 1), SIM_OK);
	assert_int_equal(number(w, 19, 8), 0x3f);
	assert_int_equal(set(w, port, COUNTERS, 1, 1 << 9), SIM_OK);
	assert_int_equal(number(w, 19, 8), 0x0f);
	assert_int_equal(set(w, port, COUNTERS, 1, 1 << 10), SIM_OK);
	assert_int_equal(number(w, 19, 8), 0);
}

static void qp1_drops_are_cleared_with_those_of_vl15(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->a->ports[1];

	port->counters.qp1_dropped = 7;
	assert_int_equal(get(w, port, COUNTERS, 1), SIM_OK);
	assert_int_equal(number(w, 20, 16), 7);
	assert_int_equal(set(w, port, COUNTERS, 1, ~(1u << 11)), SIM_OK);
	assert_int_equal(number(w, 20, 16), 7);
	assert_int_equal(set(w, port, COUNTERS, 1, 1u << 11), SIM_OK);
	assert_int_equal(number(w, 20, 16), 0);
}

static void a_value_too_large_for_its_field_reads_as_the_maximum(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->a->ports[1];

	memset(&port->counters, 0xff, sizeof(port->counters));
	port->counters.xmit_data = UINT64_C(1) << 32;
	port->counters.link_downed = 256;
	port->counters.symbol_errors = 65535;
	assert_int_equal(get(w, port, COUNTERS, 1), SIM_OK);
	for (unsigned i = 0; i < COUNT(plain); i++)
		assert_int_equal(number(w, plain[i].at, plain[i].bits),
				 (UINT64_C(1) << plain[i].bits) - 1);
	assert_int_equal(number(w, 19, 8), 0xff);
	assert_int_equal(get(w, port, EXT, 1), SIM_OK);
	assert_int_equal(number(w, 8, 64), UINT64_C(1) << 32);
	assert_int_equal(number(w, 16, 64), UINT64_MAX);
}

static void without_the_capability_errors_are_narrow_alone(void **state)
{
	struct world *w = *state;

	memset(&w->a->ports[1].counters, 0xff, sizeof(struct sim_counters));
	assert_int_equal(set(w, &w->a->ports[1], EXT, 1, 0x3fff0000), SIM_OK);
	for (unsigned i = 72; i < 192; i++)
		assert_int_equal(number(w, i, 8), 0);
	assert_int_equal(w->a->ports[1].counters.symbol_errors, 0xffffffff);
}

static void both_views_share_their_counters(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->a->ports[1];

	port->counters.rcv_data = 5;
	assert_int_equal(set(w, port, COUNTERS, 1, 1 << 13), SIM_OK);
	assert_int_equal(get(w, port, EXT, 1), SIM_OK);
	assert_int_equal(number(w, 16, 64), 0);
}

static void a_get_clears_nothing_and_repeats_what_was_selected(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->a->ports[1];

	port->counters.rcv_data = 5;
	assert_int_equal(get(w, port, COUNTERS, 1), SIM_OK);
	assert_int_equal(number(w, 0, 8), 0);
	assert_int_equal(number(w, 1, 8), 1);
	assert_int_equal(number(w, 2, 16), 0xffff);
	assert_int_equal(number(w, 18, 8), 0xff);
	for (unsigned i = 44; i < 192; i++)
		assert_int_equal(number(w, i, 8), 0);
	assert_int_equal(get(w, port, COUNTERS, 1), SIM_OK);
	assert_int_equal(number(w, 28, 32), 5);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static void an_adapter_answers_for_the_port_that_was_asked_only(void **state)
{
	static const uint16_t attributes[] = { COUNTERS, EXT };
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(get(w, &w->a->ports[2], attributes[i], 2), SIM_OK);
		assert_int_equal(get(w, &w->a->ports[2], attributes[i], 1), SIM_BAD_FIELD);
		assert_int_equal(get(w, &w->a->ports[2], attributes[i], 0), SIM_BAD_FIELD);
		assert_int_equal(get(w, &w->a->ports[2], attributes[i], 0xff), SIM_BAD_FIELD);
	}
}

static void a_switch_answers_for_any_of_its_ports(void **state)
{
	struct world *w = *state;

	for (uint8_t n = 0; n <= 3; n++) {
		w->sw->ports[n].counters.rcv_pkts = 10u + n;
		assert_int_equal(get(w, &w->sw->ports[1], COUNTERS, n), SIM_OK);
		assert_int_equal(number(w, 36, 32), 10 + n);
	}
	assert_int_equal(get(w, &w->sw->ports[1], COUNTERS, 4), SIM_BAD_FIELD);
	assert_int_equal(set(w, &w->sw->ports[1], EXT, 254, 0xff), SIM_BAD_FIELD);
	assert_int_equal(set(w, &w->sw->ports[1], COUNTERS, 2, 0xffff), SIM_OK);
	assert_int_equal(w->sw->ports[1].counters.rcv_pkts, 11);
	assert_int_equal(w->sw->ports[2].counters.rcv_pkts, 0);
}

static void all_ports_are_a_sum_that_stops_at_the_maximum(void **state)
{
	struct world *w = *state;
	struct sim_port *ports = w->sw->ports;

	for (unsigned n = 0; n <= 3; n++)
		memset(&ports[n].counters, 0, sizeof(ports[n].counters));
	for (unsigned n = 0; n <= 3; n++) {
		ports[n].counters.rcv_pkts = 1u << n;
		ports[n].counters.link_downed = 100;
		ports[n].counters.xmit_data = UINT64_MAX / 2;
	}
	assert_int_equal(get(w, &ports[1], COUNTERS, 0xff), SIM_OK);
	assert_int_equal(number(w, 36, 32), 15);
	assert_int_equal(number(w, 7, 8), 255);
	assert_int_equal(get(w, &ports[1], EXT, 0xff), SIM_OK);
	assert_int_equal(number(w, 8, 64), UINT64_MAX);
	assert_int_equal(number(w, 32, 64), 15);
	assert_int_equal(set(w, &ports[1], COUNTERS, 0xff, 1 << 15), SIM_OK);
	assert_int_equal(number(w, 36, 32), 0);
	for (unsigned n = 0; n <= 3; n++) {
		assert_int_equal(ports[n].counters.rcv_pkts, 0);
		assert_int_equal(ports[n].counters.link_downed, 100);
	}
}

/* ---- the agent ------------------------------------------------------------------------------- */

static void the_class_says_what_it_can(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->a->ports[1], CPI, 0), SIM_OK);
	assert_memory_equal(w->p.bytes + DATA, "\1\1\x12\0\0\0\0\x12", 8);
	for (unsigned i = 8; i < 192; i++)
		assert_int_equal(number(w, i, 8), 0);
	assert_int_equal(get(w, &w->sw->ports[1], CPI, 0), SIM_OK);
	assert_memory_equal(w->p.bytes + DATA, "\1\1\x13\0\0\0\0\x12", 8);
	w->fabric->quirks.wide_error_counters = true;
	assert_int_equal(get(w, &w->sw->ports[1], CPI, 0), SIM_OK);
	assert_memory_equal(w->p.bytes + DATA, "\1\1\x13\0\0\0\0\x52", 8);
}

static void what_it_does_not_know_it_says(void **state)
{
	struct world *w = *state;
	struct sim_port *at = &w->a->ports[1];

	assert_int_equal(get(w, at, 0x10, 1), SIM_BAD_ATTRIBUTE);
	assert_int_equal(get(w, at, RCV_ERROR_DETAILS, 1), SIM_BAD_ATTRIBUTE);
	assert_int_equal(set(w, at, RCV_ERROR_DETAILS, 1, 0xffff), SIM_BAD_ATTRIBUTE);
	assert_int_equal(set(w, at, CPI, 1, 0), SIM_BAD_ATTRIBUTE);
	question(w, 0x12, COUNTERS, 1, 0);
	assert_int_equal(ask(w, at), SIM_BAD_METHOD);
	question(w, SIM_GET, COUNTERS, 1, 0);
	w->p.mad.class_ver = 2;
	assert_int_equal(ask(w, at), SIM_BAD_VERSION);
	question(w, 0x12, 0x10, 1, 0);
	w->p.mad.class_ver = 2;
	assert_int_equal(ask(w, at), SIM_BAD_VERSION);
}

static void the_modifier_is_0(void **state)
{
	static const uint16_t attributes[] = { CPI, COUNTERS, EXT };
	struct world *w = *state;

	w->a->ports[1].counters.rcv_data = 5;
	for (unsigned i = 0; i < 3; i++) {
		question(w, i ? SIM_SET : SIM_GET, attributes[i], 1, 0xffff);
		w->p.mad.attr_mod = htobe32(1);
		assert_int_equal(ask(w, &w->a->ports[1]), SIM_BAD_FIELD);
	}
	assert_int_equal(w->a->ports[1].counters.rcv_data, 5);
}

static void answers_and_traps_are_for_others(void **state)
{
	static const uint8_t methods[] = { SIM_GET_RESP, SIM_REPORT_RESP, SIM_TRAP,
					   SIM_TRAP_REPRESS };
	struct world *w = *state;

	for (unsigned i = 0; i < COUNT(methods); i++) {
		question(w, methods[i], COUNTERS, 1, 0);
		assert_int_equal(sim_pma(&w->a->ports[1], &w->p), SIM_NOT_OURS);
	}
}

static void a_client_reads_what_its_own_question_counted(void **state)
{
	struct world *w = *state;

	w->a->ports[1].info.base_lid = htobe16(1);
	w->sw->ports[0].info.base_lid = htobe16(2);
	w->sw->sw->info.lin_top = htobe16(2);
	assert_int_equal(sim_lft_put(w->sw, 1, 1), 0);
	w->a->ports[1].info.state_info1 = (uint8_t)(0x70 | SIM_ACTIVE);
	w->sw->ports[1].info.state_info1 = (uint8_t)(0x70 | SIM_ACTIVE);
	question(w, SIM_GET, COUNTERS, 1, 0xffff);
	w->p.dlid = 2;
	assert_int_equal(sim_client_send(&w->client, &w->p), 0);
	assert_int_equal(w->n_got, 1);
	assert_int_equal(w->p.mad.status, 0);
	assert_int_equal(number(w, 36, 32), 1);  /* one packet */
	assert_int_equal(number(w, 28, 32), 72); /* of 288 bytes */
	assert_int_equal(number(w, 32, 32), 0);
	question(w, SIM_GET, EXT, 0xff, 0);
	w->p.dlid = 2;
	assert_int_equal(sim_client_send(&w->client, &w->p), 0);
	assert_int_equal(w->n_got, 2);
	assert_int_equal(number(w, 24, 64), 1); /* the first answer */
	assert_int_equal(number(w, 48, 64), 2); /* unicast */
	assert_int_equal(number(w, 64, 64), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_counter_has_its_field_and_its_bit),
		TEST(two_counters_share_a_byte),
		TEST(qp1_drops_are_cleared_with_those_of_vl15),
		TEST(a_value_too_large_for_its_field_reads_as_the_maximum),
		TEST(without_the_capability_errors_are_narrow_alone),
		TEST(both_views_share_their_counters),
		TEST(a_get_clears_nothing_and_repeats_what_was_selected),
		TEST(an_adapter_answers_for_the_port_that_was_asked_only),
		TEST(a_switch_answers_for_any_of_its_ports),
		TEST(all_ports_are_a_sum_that_stops_at_the_maximum),
		TEST(the_class_says_what_it_can),
		TEST(what_it_does_not_know_it_says),
		TEST(the_modifier_is_0),
		TEST(answers_and_traps_are_for_others),
		TEST(a_client_reads_what_its_own_question_counted),
	};

	return cmocka_run_group_tests_name("PMA", tests, NULL, NULL);
}
