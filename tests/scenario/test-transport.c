/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The transport over the simulator against what the kernel does behind umad. Two hosts on a switch:
 * a has the transport, b a client that answers when the test wants it to.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/scenario/transport-sim.h"
#include "tests/sim/client.h"
#include "tests/sim/fabric.h"
#include "tests/unit/loop-virtual.h"

enum { LID_A = 5, LID_B = 8, TRIES_MAX = 8 };

struct pair {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *a, *b, *sw;
	struct sim_client at_b;
	struct sim_agent agent;
	struct transport *transport;
	struct arrival got[TRIES_MAX];
	unsigned n_got;
	unsigned n_calls;
	struct sim_packet asked; /* what came to b */
	unsigned n_asked;
};

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct pair *p = user;

	assert_null(why);
	p->n_calls++;
	for (unsigned i = 0; i < n; i++) {
		assert_true(p->n_got < TRIES_MAX);
		p->got[p->n_got++] = arrivals[i];
	}
}

static void asked(void *user, const struct sim_packet *packet)
{
	struct pair *p = user;

	p->asked = *packet;
	p->n_asked++;
}

static struct sim_node *make(struct pair *p, enum sim_type type, unsigned n_ports, const char *name)
{
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	assert_int_equal(sim_node_new(p->fabric, &spec, &node), 0);
	return node;
}

/* As a subnet manager would have left it. */
static void program(struct pair *p)
{
	struct sim_port *ports[] = { &p->a->ports[1], &p->b->ports[1], &p->sw->ports[1],
				     &p->sw->ports[2] };

	for (unsigned i = 0; i < COUNT(ports); i++)
		ports[i]->info.state_info1 =
			(uint8_t)((ports[i]->info.state_info1 & 0xf0) | SIM_ACTIVE);
	p->a->ports[1].info.base_lid = htobe16(LID_A);
	p->b->ports[1].info.base_lid = htobe16(LID_B);
	p->b->ports[1].info.mkey_lmc = 2;
	p->sw->sw->info.lin_top = htobe16(63);
	p->sw->sw->lft_size = 64;
	p->sw->sw->lft = malloc(64);
	assert_non_null(p->sw->sw->lft);
	memset(p->sw->sw->lft, SIM_LFT_NONE, 64);
	p->sw->sw->lft[LID_A] = 1;
	memset(p->sw->sw->lft + LID_B, 2, 4);
}

static int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(loop_virtual_new(1, &p->loop), 0);
	assert_int_equal(sim_fabric_new(p->loop, 1, &p->fabric), 0);
	p->a = make(p, SIM_CA, 2, "a");
	p->b = make(p, SIM_CA, 1, "b");
	p->sw = make(p, SIM_SWITCH, 4, "sw");
	assert_int_equal(sim_cable(&p->a->ports[1], &p->sw->ports[1]), 0);
	assert_int_equal(sim_cable(&p->b->ports[1], &p->sw->ports[2]), 0);
	program(p);
	p->at_b.receive = asked;
	p->at_b.user = p;
	p->agent = (struct sim_agent){
		.mgmt_class = CLASS_SA, .version = 2, .qpn = 1, .methods = { 1u << METHOD_GET, 0 }
	};
	assert_int_equal(sim_attach(&p->b->ports[1], &p->at_b), 0);
	assert_int_equal(sim_register(&p->at_b, &p->agent), 0);
	assert_int_equal(transport_sim_open(&p->a->ports[1], &p->transport), 0);
	p->transport->fn = on_arrival;
	p->transport->user = p;
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	transport_free(p->transport);
	sim_detach(&p->at_b);
	sim_fabric_free(p->fabric);
	loop_virtual_free(p->loop);
	free(p);
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static struct datagram node_info(uint64_t tid, unsigned hops, const uint8_t *route)
{
	struct datagram d;

	wire_start(&d, CLASS_SM_DIRECTED, METHOD_GET, ATTR_NODE_INFO, 0);
	wire_set_route(&d, route, hops);
	wire_set(&d, MAD_TID, tid);
	return d;
}

static const struct address nowhere = { .lid = LID_PERMISSIVE };
static const struct address at_b = { .lid = LID_B, .qpn = 1 };

static int ask_b(struct pair *p, uint64_t tid, unsigned timeout_ms)
{
	struct datagram d;

	wire_start(&d, CLASS_SA, METHOD_GET, ATTR_NODE_INFO, 0);
	wire_set(&d, MAD_TID, tid);
	return transport_send(p->transport, &d, &at_b, timeout_ms);
}

static void answer_of_b(struct pair *p)
{
	struct sim_packet answer = p->asked;

	sim_turn_around(&answer);
	answer.mad.method = SIM_GET_RESP;
	assert_int_equal(sim_client_send(&p->at_b, &answer), 0);
}

static void run(struct pair *p, unsigned ms)
{
	loop_virtual_run_for(p->loop, ms * LOOP_MSEC);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void answers_come_on_the_loop_together_and_in_order(void **state)
{
	struct pair *p = *state;
	static const uint8_t route[] = { 1, 2 };

	for (unsigned hops = 0; hops <= 2; hops++) {
		struct datagram d = node_info(100 + hops, hops, route);

		assert_int_equal(transport_send(p->transport, &d, &nowhere, 100), 0);
	}
	assert_int_equal(p->n_got, 0);
	run(p, 1);
	assert_int_equal(p->n_calls, 1);
	assert_int_equal(p->n_got, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_false(p->got[i].undelivered);
		assert_int_equal((uint32_t)wire_get(&p->got[i].datagram, MAD_TID), 100 + i);
		assert_int_equal(p->got[i].from.lid, LID_PERMISSIVE);
	}
	run(p, 1000);
	assert_int_equal(p->n_got, 3);
}

static void answers_take_the_latency_on_their_way(void **state)
{
	struct pair *p = *state;
	static const uint8_t route[] = { 1 };
	struct datagram d = node_info(1, 1, route);

	transport_sim_set_latency(p->transport, 3 * LOOP_MSEC);
	assert_int_equal(transport_send(p->transport, &d, &nowhere, 100), 0);
	run(p, 2);
	assert_int_equal(p->n_got, 0);
	run(p, 1);
	assert_int_equal(p->n_got, 1);
}

static void the_upper_half_of_a_tid_is_not_the_senders(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ask_b(p, UINT64_C(0xabcdef0100000007), 100), 0);
	assert_int_equal(p->n_asked, 1);
	assert_int_equal(be64toh(p->asked.mad.trans_id) & UINT32_MAX, 7);
	assert_int_not_equal(be64toh(p->asked.mad.trans_id) >> 48, 0xabcd);
	answer_of_b(p);
	run(p, 1);
	assert_int_equal(p->n_got, 1);
}

static void what_is_not_answered_in_time_is_given_back_once(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ask_b(p, 7, 50), 0);
	run(p, 49);
	assert_int_equal(p->n_got, 0);
	run(p, 2);
	assert_int_equal(p->n_got, 1);
	assert_true(p->got[0].undelivered);
	assert_int_equal((uint32_t)wire_get(&p->got[0].datagram, MAD_TID), 7);
	assert_int_equal(wire_get(&p->got[0].datagram, MAD_METHOD), METHOD_GET);
	assert_int_equal(p->got[0].from.lid, LID_B);
	run(p, 1000);
	assert_int_equal(p->n_got, 1);
	assert_int_equal(transport_sim_counts(p->transport)->undelivered, 1);
}

static void requests_are_given_back_each_at_its_time(void **state)
{
	struct pair *p = *state;
	static const unsigned times[] = { 300, 10, 200, 100 };
	static const unsigned order[] = { 1, 3, 2, 0 };

	for (unsigned i = 0; i < COUNT(times); i++)
		assert_int_equal(ask_b(p, i, times[i]), 0);
	for (unsigned i = 0; i < COUNT(order); i++) {
		loop_virtual_run_until(p->loop, LOOP_VIRTUAL_START + times[order[i]] * LOOP_MSEC +
							LOOP_MSEC);
		assert_int_equal(p->n_got, i + 1);
		assert_int_equal((uint32_t)wire_get(&p->got[i].datagram, MAD_TID), order[i]);
	}
}

static void an_answer_that_is_late_or_comes_twice_is_dropped(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ask_b(p, 7, 50), 0);
	answer_of_b(p);
	answer_of_b(p);
	run(p, 1);
	assert_int_equal(p->n_got, 1);
	assert_int_equal(ask_b(p, 8, 50), 0);
	run(p, 60);
	answer_of_b(p);
	run(p, 1);
	assert_int_equal(p->n_got, 2);
	assert_true(p->got[1].undelivered);
	assert_int_equal(transport_sim_counts(p->transport)->unmatched, 2);
}

static void a_tid_that_waits_is_refused_and_free_again_later(void **state)
{
	struct pair *p = *state;

	assert_int_equal(ask_b(p, 7, 50), 0);
	assert_int_equal(ask_b(p, 7, 50), -EINVAL);
	assert_int_equal(p->n_asked, 1);
	answer_of_b(p);
	assert_int_equal(ask_b(p, 7, 50), 0);
}

static void nothing_is_waited_for_within_the_own_device(void **state)
{
	struct pair *p = *state;
	struct datagram d;

	/* SMInfo, which no agent of a device answers where there is an SM: we hear the question. */
	assert_int_equal(transport_set_is_sm(p->transport, true), 0);
	wire_start(&d, CLASS_SM_DIRECTED, METHOD_GET, ATTR_SM_INFO, 0);
	wire_set_route(&d, NULL, 0);
	wire_set(&d, MAD_TID, 9);
	assert_int_equal(transport_send(p->transport, &d, &nowhere, 50), 0);
	run(p, 1000);
	assert_int_equal(p->n_got, 1);
	assert_false(p->got[0].undelivered);
	assert_int_equal(wire_get(&p->got[0].datagram, MAD_METHOD), METHOD_GET);
}

static void a_route_that_begins_at_another_port_is_refused(void **state)
{
	struct pair *p = *state;
	static const uint8_t route[] = { 2, 1 };
	struct datagram d = node_info(1, 2, route);

	assert_int_equal(transport_send(p->transport, &d, &nowhere, 50), -EINVAL);
	run(p, 1000);
	assert_int_equal(p->n_got, 0);
}

/* ---- requests and addresses ------------------------------------------------------------------ */

static void ask_a(struct pair *p, uint8_t mgmt_class, uint16_t pkey)
{
	struct sim_packet q = { .dlid = LID_A,
				.slid = LID_B + 1,
				.sqpn = 77,
				.dqpn = 1,
				.qkey = SIM_QKEY_MAD,
				.pkey = pkey,
				.sl = 3,
				.length = SIM_MAD_SIZE };

	q.mad.base_ver = 1;
	q.mad.class_ver = 2;
	q.mad.mgmt_class = mgmt_class;
	q.mad.method = SIM_GET;
	q.mad.trans_id = htobe64(1234);
	assert_int_equal(sim_client_send(&p->at_b, &q), 0);
}

static void requests_of_our_classes_arrive_and_others_do_not(void **state)
{
	struct pair *p = *state;

	ask_a(p, CLASS_SA, 0xffff);
	ask_a(p, 0x32, 0xffff);
	run(p, 1);
	assert_int_equal(p->n_got, 1);
	assert_int_equal(wire_get(&p->got[0].datagram, MAD_CLASS), CLASS_SA);
	assert_int_equal(p->got[0].from.lid, LID_B + 1);
	assert_int_equal(p->got[0].from.qpn, 77);
	assert_int_equal(p->got[0].from.sl, 3);
}

static void set_pkey(struct sim_port *port, unsigned i, uint16_t pkey)
{
	if (!port->pkeys)
		port->pkeys = calloc(sim_pkey_cap(port), sizeof(port->pkeys[0]));
	assert_non_null(port->pkeys);
	port->pkeys[i] = htobe16(pkey);
}

static void a_pkey_index_is_one_into_the_table_of_the_port(void **state)
{
	struct pair *p = *state;
	struct address to = at_b;
	struct datagram d;

	set_pkey(&p->a->ports[1], 0, 0xffff);
	set_pkey(&p->a->ports[1], 3, 0x8001);
	set_pkey(&p->b->ports[1], 0, 0x7fff);
	set_pkey(&p->b->ports[1], 1, 0x0001);
	ask_a(p, CLASS_SA, 0x0001);
	run(p, 1);
	assert_int_equal(p->n_got, 1);
	assert_int_equal(p->got[0].from.pkey_index, 3);

	wire_start(&d, CLASS_SA, METHOD_GET, ATTR_NODE_INFO, 0);
	to.pkey_index = 3;
	assert_int_equal(transport_send(p->transport, &d, &to, 50), 0);
	assert_int_equal(p->n_asked, 1);
	assert_int_equal(p->asked.pkey, 0x8001);
}

static void an_answer_goes_back_to_where_its_request_came_from(void **state)
{
	struct pair *p = *state;
	struct datagram d;

	ask_a(p, CLASS_SA, 0xffff);
	run(p, 1);
	d = p->got[0].datagram;
	wire_make_response(&d, 0);
	assert_int_equal(transport_send(p->transport, &d, &p->got[0].from, 0), 0);
	assert_int_equal(p->n_asked, 1); /* by its TID, whatever it registered for */
	assert_int_equal(p->asked.dlid, LID_B + 1);
	assert_int_equal(p->asked.mad.method, SIM_GET_RESP);
	run(p, 1000);
	assert_int_equal(p->n_got, 1);
}

static void a_gid_goes_both_ways(void **state)
{
	struct pair *p = *state;
	struct address to = at_b;
	struct datagram d;

	to.has_grh = true;
	to.hop_limit = 64;
	memcpy(to.gid, &p->b->ports[1].info.subnet_prefix, 8);
	for (unsigned i = 0; i < 8; i++)
		to.gid[8 + i] = (uint8_t)(p->b->ports[1].guid >> (56 - 8 * i));
	wire_start(&d, CLASS_SA, METHOD_GET, ATTR_NODE_INFO, 0);
	assert_int_equal(transport_send(p->transport, &d, &to, 50), 0);
	assert_int_equal(p->n_asked, 1);
	assert_true(p->asked.has_grh);
	assert_memory_equal(p->asked.dgid, to.gid, 16);
	answer_of_b(p);
	run(p, 1);
	assert_true(p->got[0].from.has_grh);
	assert_memory_equal(p->got[0].from.gid, to.gid, 16);
}

static void two_cannot_have_the_classes_of_one_port(void **state)
{
	struct pair *p = *state;
	struct transport *second;

	assert_int_equal(transport_sim_open(&p->a->ports[1], &second), -EBUSY);
	transport_free(TAKE(p->transport));
	assert_int_equal(transport_sim_open(&p->a->ports[1], &p->transport), 0);
}

static void a_subnet_manager_shows_in_the_capabilities(void **state)
{
	struct pair *p = *state;
	ib_net32_t is_sm = htobe32(1u << 1);

	assert_int_equal(transport_set_is_sm(p->transport, true), 0);
	assert_true(p->a->ports[1].info.capability_mask & is_sm);
	transport_free(TAKE(p->transport));
	assert_false(p->a->ports[1].info.capability_mask & is_sm);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_come_on_the_loop_together_and_in_order),
		TEST(answers_take_the_latency_on_their_way),
		TEST(the_upper_half_of_a_tid_is_not_the_senders),
		TEST(what_is_not_answered_in_time_is_given_back_once),
		TEST(requests_are_given_back_each_at_its_time),
		TEST(an_answer_that_is_late_or_comes_twice_is_dropped),
		TEST(a_tid_that_waits_is_refused_and_free_again_later),
		TEST(nothing_is_waited_for_within_the_own_device),
		TEST(a_route_that_begins_at_another_port_is_refused),
		TEST(requests_of_our_classes_arrive_and_others_do_not),
		TEST(a_pkey_index_is_one_into_the_table_of_the_port),
		TEST(an_answer_goes_back_to_where_its_request_came_from),
		TEST(a_gid_goes_both_ways),
		TEST(two_cannot_have_the_classes_of_one_port),
		TEST(a_subnet_manager_shows_in_the_capabilities),
	};

	return cmocka_run_group_tests_name("transport over the simulator", tests, NULL, NULL);
}
