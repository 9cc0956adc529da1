/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The MAD layer of the preload: which agent, which request, how long, and directed routes.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/umad-fixture.h"

enum {
	SA,
	PM,
	SMP,
	DIRECTED,
};

static int setup(void **state)
{
	static const uint8_t get_set[] = { 1, 2, 0 }, trap[] = { 5, 0 }, info[] = { 1, 2, 5, 0 };
	struct host *h = host_new();

	*state = h;
	host_register(h, 3, 2, 1, get_set);
	host_register(h, 4, 1, 0, NULL);
	host_register(h, 1, 1, 0, trap);
	host_register(h, 0x81, 1, 0, info);
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static long take(struct host *h)
{
	return kmad_file_read(&h->file, h->buffer, sizeof(h->buffer));
}

static long ask(struct host *h, unsigned agent, uint8_t class, uint32_t timeout, uint32_t retries)
{
	size_t size = host_record(h, agent, class, METHOD_GET, 77, 256);

	host_timeout(h, timeout, retries);
	return host_write(h, size);
}

static void a_response_ends_its_request(void **state)
{
	struct host *h = *state;
	struct kmad_packet answer;

	ask(h, PM, 4, 100, 3);
	answer = host_answer(host_last(h));
	answer.lid = 99; /* whoever answers */
	kmad_receive(&h->port, &answer);
	kmad_receive(&h->port, &answer); /* a second copy */
	assert_int_equal(take(h), 320);
	assert_int_equal(host32(h->buffer + AT_ID), PM);
	assert_int_equal(get16(h->buffer + AT_LID), 99);
	assert_int_equal(take(h), -EAGAIN);
	host_wait(h, 1000);
	assert_int_equal(h->n_sent, 1);
	assert_int_equal(take(h), -EAGAIN);
}

static void every_try_is_sent_and_then_the_time_is_out(void **state)
{
	struct host *h = *state;

	ask(h, PM, 4, 100, 2);
	host_wait(h, 299);
	assert_int_equal(h->n_sent, 3);
	assert_memory_equal(h->sent[0].mad, h->sent[2].mad, 256);
	assert_int_equal(take(h), -EAGAIN);
	host_wait(h, 1);
	assert_int_equal(h->n_sent, 3);
	assert_int_equal(take(h), 88);
	assert_int_equal(host32(h->buffer + AT_STATUS), ETIMEDOUT);
	assert_int_equal(host32(h->buffer + AT_TIMEOUT), 100);
	assert_int_equal(host32(h->buffer + AT_RETRIES), 2);
	assert_int_equal(get16(h->buffer + AT_LID), HOST_LID);
	assert_int_equal(h->buffer[64 + WIRE_METHOD], METHOD_GET);
	assert_int_equal(get32(h->buffer + 64 + WIRE_TID), h->file.agents[PM]->hi_tid);
	assert_int_equal(take(h), -EAGAIN);
}

static void late_answers_are_dropped(void **state)
{
	struct host *h = *state;
	struct kmad_packet answer;

	ask(h, PM, 4, 100, 0);
	answer = host_answer(host_last(h));
	host_wait(h, 100);
	kmad_receive(&h->port, &answer);
	assert_int_equal(take(h), 88);
	assert_int_equal(take(h), -EAGAIN);
	ask(h, PM, 4, 0, 3); /* nobody waits for this one */
	answer = host_answer(host_last(h));
	kmad_receive(&h->port, &answer);
	host_wait(h, 10000);
	assert_int_equal(take(h), -EAGAIN);
}

static void only_what_the_kernel_compares_is_compared(void **state)
{
	struct host *h = *state;
	struct kmad_packet answer;

	ask(h, PM, 4, 100, 0);
	answer = host_answer(host_last(h));
	answer.mad[WIRE_CLASS] = 0x21;
	kmad_receive(&h->port, &answer); /* another class */
	answer = host_answer(host_last(h));
	answer.grh = 1;
	kmad_receive(&h->port, &answer); /* a GRH where there was none */
	answer = host_answer(host_last(h));
	answer.path_bits = 1;
	answer.lmc = 1;
	kmad_receive(&h->port, &answer); /* to another of our LIDs */
	answer.mad[WIRE_TID + 7] ^= 1;
	answer.path_bits = 0;
	kmad_receive(&h->port, &answer); /* another TID */
	assert_int_equal(take(h), -EAGAIN);
	answer = host_answer(host_last(h));
	put16(answer.mad + WIRE_ATTRIBUTE, 0x1234);
	kmad_receive(&h->port, &answer);
	assert_int_equal(take(h), 320);
}

static struct kmad_packet request(uint8_t class, uint8_t version, uint8_t method)
{
	struct kmad_packet p = { .lid = 9, .qp = !class_is_smp(class) };

	p.qp_index = !class_is_smp(class);
	p.mad[WIRE_BASE_VERSION] = 1;
	p.mad[WIRE_CLASS] = class;
	p.mad[WIRE_VERSION] = version;
	p.mad[WIRE_METHOD] = method;
	return p;
}

static void requests_go_by_class_version_and_method(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = request(3, 2, METHOD_GET);

	kmad_receive(&h->port, &p);
	kmad_receive(&h->port, &p); /* requests are not compared with each other */
	assert_int_equal(take(h), 320);
	assert_int_equal(host32(h->buffer + AT_ID), SA);
	assert_int_equal(take(h), 320);
	p = request(1, 1, 5);
	kmad_receive(&h->port, &p);
	assert_int_equal(take(h), 320);
	assert_int_equal(host32(h->buffer + AT_ID), SMP);
	assert_int_equal(h->n_sent, 0);
}

static void get_and_set_that_nobody_wants_are_answered(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = request(3, 1, METHOD_SET);

	p.mad[200] = 0x55;
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 1);
	assert_int_equal(host_last(h)->mad[WIRE_METHOD], METHOD_GET_RESP);
	assert_int_equal(get16(host_last(h)->mad + WIRE_STATUS), 0x000c);
	assert_int_equal(host_last(h)->mad[200], 0x55);
	assert_int_equal(host_last(h)->lid, 9);
	p = request(3, 1, 0x12);
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 1); /* anything else is not */
}

static void what_no_queue_pair_takes_is_dropped(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = request(3, 2, METHOD_GET);

	p.qp_index = 0;
	kmad_receive(&h->port, &p);
	p.qp_index = 7;
	kmad_receive(&h->port, &p);
	p = request(3, 2, METHOD_GET);
	p.mad[WIRE_BASE_VERSION] = 2;
	kmad_receive(&h->port, &p);
	p = request(1, 1, METHOD_TRAP_REPRESS); /* firmware keeps it */
	kmad_receive(&h->port, &p);
	p = request(CLASS_CM, 2, METHOD_GET);
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 0);
	assert_int_equal(take(h), -EAGAIN);
}

static long send_directed(struct host *h, uint8_t count, uint8_t first_port)
{
	size_t size = host_record(h, DIRECTED, 0x81, METHOD_GET, 5, 256);

	host_mad(h)[WIRE_HOP_CNT] = count;
	host_mad(h)[WIRE_INITIAL_PATH + 1] = first_port;
	host_timeout(h, 100, 0);
	return host_write(h, size);
}

static void directed_routes_start_at_this_port(void **state)
{
	struct host *h = *state;

	assert_int_equal(send_directed(h, 64, 1), -EINVAL);
	assert_int_equal(send_directed(h, 2, 2), -EINVAL);
	assert_int_equal(send_directed(h, 2, 1), 320);
	assert_int_equal(host_last(h)->mad[WIRE_HOP_PTR], 1);
	h->port.is_switch = true; /* sends from the port that the path names */
	host_wait(h, 200);
	assert_int_equal(send_directed(h, 2, 2), 320);
}

static void nobody_waits_for_the_own_sma(void **state)
{
	struct host *h = *state;
	struct kmad_packet answer;

	assert_int_equal(send_directed(h, 0, 0), 320);
	assert_int_equal(send_directed(h, 0, 0), 320); /* so it is no duplicate either */
	answer = host_answer(host_last(h));
	host_wait(h, 1000);
	assert_int_equal(take(h), -EAGAIN);
	answer.lid = 0xffff;
	kmad_receive(&h->port, &answer);
	assert_int_equal(take(h), 320);
	assert_int_equal(get16(h->buffer + AT_LID), 0xffff);
}

static void a_virtual_function_without_qp0_gets_no_smp_out(void **state)
{
	struct host *h = *state;
	unsigned n_sent;

	h->port.smi = STREAM_SMI_REFUSED;
	assert_int_equal(send_directed(h, 0, 0), -EINVAL);
	assert_int_equal(send_directed(h, 2, 1), -EPERM);
	assert_int_equal(ask(h, SMP, 1, 100, 0), -EPERM);
	assert_int_equal(h->n_sent, 0);
	assert_int_equal(ask(h, PM, 4, 100, 0), 320);
	assert_int_equal(h->n_sent, 1);

	h->port.smi = STREAM_SMI_LOST; /* on its way, where nobody tells */
	n_sent = h->n_sent;
	assert_int_equal(send_directed(h, 0, 0), -EINVAL);
	assert_int_equal(h->n_sent, n_sent);
	assert_int_equal(send_directed(h, 2, 1), 320);
	assert_int_equal(ask(h, SMP, 1, 100, 0), 320);
}

static void directed_requests_and_answers_of_an_sm(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = request(0x81, 1, METHOD_GET);
	uint8_t *mad;

	p.mad[WIRE_HOP_CNT] = 2;
	put32(p.mad + WIRE_DR_SLID, 0xffffffff);
	p.mad[WIRE_HOP_PTR] = 1;
	kmad_receive(&h->port, &p);
	assert_int_equal(take(h), -EAGAIN); /* not at its end */
	p.mad[WIRE_HOP_PTR] = 2;
	kmad_receive(&h->port, &p);
	assert_int_equal(take(h), 320);
	mad = host_mad(h);
	assert_int_equal(mad[WIRE_HOP_PTR], 3);
	assert_int_equal(mad[WIRE_RETURN_PATH + 2], 1);

	mad[WIRE_METHOD] = METHOD_GET_RESP;
	mad[WIRE_STATUS] = 0x80;
	mad[WIRE_RETURN_PATH + 2] = 2;
	assert_int_equal(host_write(h, 320), -EINVAL); /* leaves by another port */
	mad[WIRE_RETURN_PATH + 2] = 1;
	assert_int_equal(host_write(h, 320), 320);
	assert_int_equal(host_last(h)->mad[WIRE_HOP_PTR], 2);
	mad[WIRE_HOP_PTR] = 2;
	assert_int_equal(host_write(h, 320), -EINVAL); /* from the middle of the path */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_response_ends_its_request),
		TEST(every_try_is_sent_and_then_the_time_is_out),
		TEST(late_answers_are_dropped),
		TEST(only_what_the_kernel_compares_is_compared),
		TEST(requests_go_by_class_version_and_method),
		TEST(get_and_set_that_nobody_wants_are_answered),
		TEST(what_no_queue_pair_takes_is_dropped),
		TEST(directed_routes_start_at_this_port),
		TEST(nobody_waits_for_the_own_sma),
		TEST(a_virtual_function_without_qp0_gets_no_smp_out),
		TEST(directed_requests_and_answers_of_an_sm),
	};

	return cmocka_run_group_tests_name("umad-mad", tests, NULL, NULL);
}
