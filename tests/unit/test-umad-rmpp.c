/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * RMPP of the preload, both ways: the segments as the kernel makes them, its windows and time-outs,
 * every ABORT; and two ends with a wire between them that loses, doubles and reorders.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/xoshiro.h"
#include "tests/unit/umad-fixture.h"

enum {
	SA_HEADER = 56,
	GET_TABLE = 0x12,
	GET_MULTI = 0x14,
};

static struct host *sa_new(void)
{
	static const uint8_t methods[] = { GET_TABLE, GET_MULTI, 0 };
	struct host *h = host_new();

	host_register(h, 3, 2, 1, methods);
	return h;
}

static int setup(void **state)
{
	*state = sa_new();
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static uint8_t type(const struct kmad_packet *p)
{
	return p->mad[WIRE_RMPP_TYPE];
}

static uint32_t segment(const struct kmad_packet *p)
{
	return get32(p->mad + WIRE_RMPP_SEGMENT);
}

/* Of a segment; of an ACK, the window. */
static uint32_t length(const struct kmad_packet *p)
{
	return get32(p->mad + WIRE_RMPP_LENGTH);
}

/* ---- sending --------------------------------------------------------------------------------- */

static long answer_table(struct host *h, uint32_t tid, size_t data, uint32_t timeout,
			 uint32_t retries)
{
	size_t size = host_record(h, 0, 3, GET_TABLE | METHOD_RESPONSE, tid, SA_HEADER + data);

	for (size_t i = 0; i < data; i++)
		host_mad(h)[SA_HEADER + i] = (uint8_t)(i * 7 + i / 256);
	host_mad(h)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	host_timeout(h, timeout, retries);
	return host_write(h, size);
}

static struct kmad_packet ack(const struct kmad_packet *of, uint32_t seg, uint32_t window)
{
	struct kmad_packet p = host_answer(of);

	memset(p.mad + SA_HEADER, 0, WIRE_SIZE - SA_HEADER);
	p.mad[WIRE_RMPP_TYPE] = RMPP_ACK;
	p.mad[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	put32(p.mad + WIRE_RMPP_SEGMENT, seg);
	put32(p.mad + WIRE_RMPP_LENGTH, window);
	return p;
}

static void acknowledge(struct host *h, uint32_t seg, uint32_t window)
{
	struct kmad_packet p = ack(&h->sent[0], seg, window);

	kmad_receive(&h->port, &p);
}

static void a_message_is_cut_as_the_kernel_does(void **state)
{
	struct host *h = *state;

	answer_table(h, 1, 450, 0, 0);  /* 2 full segments, 50 bytes and 150 of padding */
	assert_int_equal(h->n_sent, 1); /* the first alone */
	assert_int_equal(h->sent[0].mad[WIRE_RMPP_FLAGS], RMPP_ACTIVE | RMPP_FIRST);
	assert_int_equal(length(&h->sent[0]), 3 * 220 - 150);
	acknowledge(h, 1, 65);
	assert_int_equal(h->n_sent, 3);
	assert_int_equal(h->sent[1].mad[WIRE_RMPP_FLAGS], RMPP_ACTIVE);
	assert_int_equal(length(&h->sent[1]), 0);
	assert_int_equal(h->sent[2].mad[WIRE_RMPP_FLAGS], RMPP_ACTIVE | RMPP_LAST);
	assert_int_equal(length(&h->sent[2]), 220 - 150);
	assert_int_equal(segment(&h->sent[2]), 3);
	assert_int_equal(h->sent[2].mad[SA_HEADER + 50], 0);
	acknowledge(h, 3, 65);
	assert_true(list_is_empty(&h->file.agents[0]->sends));
	assert_false(h->readable);
}

static void an_empty_table_is_one_segment(void **state)
{
	struct host *h = *state;

	answer_table(h, 1, 0, 0, 0);
	assert_int_equal(h->n_sent, 1);
	assert_int_equal(h->sent[0].mad[WIRE_RMPP_FLAGS], RMPP_ACTIVE | RMPP_FIRST | RMPP_LAST);
	assert_int_equal(length(&h->sent[0]), 20);
}

static void only_what_is_not_acknowledged_is_sent_again(void **state)
{
	struct host *h = *state;

	answer_table(h, 1, 1000, 0, 1);
	acknowledge(h, 1, 65);
	assert_int_equal(h->n_sent, 5);
	acknowledge(h, 3, 65);
	host_wait(h, 1999);
	assert_int_equal(h->n_sent, 5);
	host_wait(h, 1);
	assert_int_equal(h->n_sent, 7);
	assert_int_equal(segment(&h->sent[5]), 4);
	acknowledge(h, 4, 65); /* progress: the tries begin anew */
	host_wait(h, 2000);
	assert_int_equal(segment(host_last(h)), 5);
	assert_false(h->readable);
	host_wait(h, 2000);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 88);
	assert_int_equal(h->buffer[64 + WIRE_METHOD], GET_TABLE | METHOD_RESPONSE);
}

static void a_short_timeout_is_that_of_acks_too(void **state)
{
	struct host *h = *state;

	answer_table(h, 1, 1000, 300, 0);
	host_wait(h, 299);
	assert_false(h->readable);
	host_wait(h, 1);
	assert_true(h->readable);
}

static void old_acks_are_ignored(void **state)
{
	struct host *h = *state;

	answer_table(h, 1, 4000, 0, 0);
	acknowledge(h, 1, 5);
	acknowledge(h, 5, 10);
	assert_int_equal(h->n_sent, 10);
	acknowledge(h, 1, 20); /* less than was acknowledged */
	acknowledge(h, 5, 9);  /* less than was allowed */
	assert_int_equal(h->n_sent, 10);
	acknowledge(h, 5, 10);
	assert_int_equal(h->n_sent, 10);
	acknowledge(h, 10, 64);
	assert_int_equal(h->n_sent, 20);
}

static void expect_abort(struct host *h, uint8_t status)
{
	assert_int_equal(type(host_last(h)), RMPP_ABORT);
	assert_int_equal(host_last(h)->mad[WIRE_RMPP_STATUS], status);
	assert_int_equal(host_last(h)->mad[WIRE_RMPP_FLAGS], RMPP_ACTIVE);
	h->n_sent = 0;
}

/* Sends a table, changes the ACK of its first segment at one place, and expects to give up. */
static void bad_ack(struct host *h, uint32_t seg, uint32_t window, unsigned at, uint8_t value,
		    uint8_t status)
{
	struct kmad_packet p;

	h->n_sent = 0;
	answer_table(h, 1, 1000, 0, 0);
	p = ack(&h->sent[0], seg, window);
	if (at)
		p.mad[at] = value;
	kmad_receive(&h->port, &p);
	expect_abort(h, status);
	assert_true(list_is_empty(&h->file.agents[0]->sends));
	host_wait(h, 10000);
	assert_false(h->readable); /* silently */
}

static void wrong_acks_end_the_send(void **state)
{
	struct host *h = *state;

	bad_ack(h, 1, 5, WIRE_RMPP_STATUS, 1, RMPP_BAD_STATUS);
	bad_ack(h, 2, 1, 0, 0, RMPP_WINDOW_TOO_SMALL);
	bad_ack(h, 6, 10, 0, 0, RMPP_SEGMENT_TOO_BIG); /* there are 5 */
	bad_ack(h, 2, 10, 0, 0, RMPP_SEGMENT_TOO_BIG); /* beyond the window */
	bad_ack(h, 1, 5, WIRE_RMPP_VERSION, 2, RMPP_BAD_VERSION);
	bad_ack(h, 1, 5, WIRE_RMPP_TYPE, 9, RMPP_BAD_TYPE);
}

static void stop_and_abort_end_the_send_silently(void **state)
{
	static const struct {
		uint8_t type, status;
		bool answered;
	} cases[] = {
		{ RMPP_STOP, 1, false },    { RMPP_STOP, 2, true },    { RMPP_ABORT, 118, false },
		{ RMPP_ABORT, 127, false }, { RMPP_ABORT, 117, true }, { RMPP_ABORT, 128, true },
	};
	struct host *h = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct kmad_packet p;

		h->n_sent = 0;
		answer_table(h, 1, 1000, 0, 0);
		p = ack(&h->sent[0], 0, 0);
		p.mad[WIRE_RMPP_TYPE] = cases[i].type;
		p.mad[WIRE_RMPP_STATUS] = cases[i].status;
		kmad_receive(&h->port, &p);
		assert_true(list_is_empty(&h->file.agents[0]->sends));
		assert_int_equal(h->n_sent, cases[i].answered ? 2 : 1);
		if (cases[i].answered)
			expect_abort(h, RMPP_BAD_STATUS);
		host_wait(h, 10000);
		assert_false(h->readable);
	}
}

static void an_ack_of_nothing_is_ignored(void **state)
{
	struct host *h = *state;
	struct kmad_packet p;

	answer_table(h, 1, 1000, 0, 0);
	p = ack(&h->sent[0], 1, 10);
	p.mad[WIRE_TID + 7] ^= 1;
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 1);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* A request of several segments, as another program sends it to us. */
static struct kmad_packet data(uint32_t seg, uint32_t last, uint32_t paylen)
{
	struct kmad_packet p = { .lid = 9, .qp = 1, .qp_index = 1 };

	p.mad[WIRE_BASE_VERSION] = 1;
	p.mad[WIRE_CLASS] = 3;
	p.mad[WIRE_VERSION] = 2;
	p.mad[WIRE_METHOD] = GET_MULTI;
	p.mad[WIRE_TID + 7] = 42;
	p.mad[WIRE_RMPP_VERSION] = 1;
	p.mad[WIRE_RMPP_TYPE] = RMPP_DATA;
	p.mad[WIRE_RMPP_FLAGS] =
		RMPP_ACTIVE | (seg == 1 ? RMPP_FIRST : 0) | (seg == last ? RMPP_LAST : 0);
	put32(p.mad + WIRE_RMPP_SEGMENT, seg);
	put32(p.mad + WIRE_RMPP_LENGTH, paylen);
	memset(p.mad + SA_HEADER, (int)seg, WIRE_SIZE - SA_HEADER);
	return p;
}

static void arrive(struct host *h, uint32_t seg, uint32_t last, uint32_t paylen)
{
	struct kmad_packet p = data(seg, last, paylen);

	kmad_receive(&h->port, &p);
}

static void expect_ack(struct host *h, uint32_t seg, uint32_t window)
{
	assert_int_equal(type(host_last(h)), RMPP_ACK);
	assert_int_equal(host_last(h)->mad[WIRE_METHOD], GET_MULTI | METHOD_RESPONSE);
	assert_int_equal(segment(host_last(h)), seg);
	assert_int_equal(length(host_last(h)), window);
	h->n_sent = 0;
}

static void windows_are_those_of_the_kernel(void **state)
{
	struct host *h = *state;

	arrive(h, 1, 130, 0);
	expect_ack(h, 1, 65);
	for (uint32_t seg = 2; seg <= 64; seg++)
		arrive(h, seg, 130, 0);
	assert_int_equal(h->n_sent, 0);
	arrive(h, 65, 130, 0);
	expect_ack(h, 65, 129);
	for (uint32_t seg = 66; seg <= 128; seg++)
		arrive(h, seg, 130, 0);
	arrive(h, 129, 130, 0);
	expect_ack(h, 129, 193);
	arrive(h, 130, 130, 20 + 8);
	expect_ack(h, 130, 193);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), -ENOSPC);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, sizeof(h->buffer)),
			 64 + 56 + 129 * 200 + 8);
	assert_int_equal(h->buffer[64 + 56 + 129 * 200], 130);
	assert_int_equal(h->buffer[64 + 56 + 128 * 200], 129);
}

static void single_segments_and_lengths(void **state)
{
	static const struct {
		uint32_t paylen;
		long expected;
	} cases[] = { { 20, 56 }, { 220, 256 }, { 21, 57 },
		      { 0, 36 },  { 221, 256 }, { 0xffffffff, 256 } };
	struct host *h = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct kmad_packet p = data(1, 1, cases[i].paylen);

		p.mad[WIRE_TID + 7] = (uint8_t)i;
		kmad_receive(&h->port, &p);
		expect_ack(h, 1, 1);
		assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 64 + cases[i].expected);
	}
}

static void early_segments_wait_and_those_beyond_the_window_are_dropped(void **state)
{
	struct host *h = *state;

	arrive(h, 2, 3, 0); /* of a message that has not begun */
	assert_int_equal(h->n_sent, 0);
	arrive(h, 1, 3, 0);
	expect_ack(h, 1, 65);
	arrive(h, 3, 3, 220);
	arrive(h, 3, 3, 220); /* twice */
	arrive(h, 66, 3, 220);
	assert_int_equal(h->n_sent, 0);
	arrive(h, 1, 3, 0); /* our ACK was lost */
	expect_ack(h, 1, 65);
	arrive(h, 2, 3, 0);
	expect_ack(h, 3, 65);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 1000), 64 + 56 + 600);
	host_wait(h, 9999);
	arrive(h, 3, 3, 220); /* it is remembered */
	expect_ack(h, 3, 65);
	host_wait(h, 1);
	arrive(h, 3, 3, 220); /* and forgotten */
	assert_int_equal(h->n_sent, 0);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 1000), -EAGAIN);
}

static void wrong_segments_are_aborted(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = data(1, 1, 220);

	p.mad[WIRE_RMPP_VERSION] = 0;
	kmad_receive(&h->port, &p);
	expect_abort(h, RMPP_BAD_VERSION);
	p = data(1, 1, 220);
	p.mad[WIRE_RMPP_TYPE] = 5;
	kmad_receive(&h->port, &p);
	expect_abort(h, RMPP_BAD_TYPE);
	p = data(1, 1, 220);
	p.mad[WIRE_RMPP_STATUS] = 3;
	kmad_receive(&h->port, &p);
	expect_abort(h, RMPP_BAD_STATUS);
	p = data(1, 1, 220);
	p.mad[WIRE_RMPP_FLAGS] &= (uint8_t)~RMPP_FIRST;
	kmad_receive(&h->port, &p);
	expect_abort(h, RMPP_BAD_SEGMENT);
	p = data(2, 3, 0);
	p.mad[WIRE_RMPP_FLAGS] |= RMPP_FIRST;
	kmad_receive(&h->port, &p);
	expect_abort(h, RMPP_BAD_SEGMENT);
	assert_false(h->readable);
}

static void an_unfinished_message_is_given_up_after_40_seconds(void **state)
{
	struct host *h = *state;

	arrive(h, 1, 3, 0);
	host_wait(h, 30000);
	arrive(h, 2, 3, 0); /* does not help */
	h->n_sent = 0;
	host_wait(h, 9999);
	assert_int_equal(h->n_sent, 0);
	host_wait(h, 1);
	expect_abort(h, RMPP_TOO_LONG);
	assert_true(list_is_empty(&h->file.agents[0]->messages));
}

static void messages_are_told_apart_by_their_key(void **state)
{
	struct host *h = *state;
	struct kmad_packet p = data(2, 2, 220);

	arrive(h, 1, 2, 0);
	h->n_sent = 0;
	p.lid = 10;
	kmad_receive(&h->port, &p);
	p = data(2, 2, 220);
	p.qp = 5;
	kmad_receive(&h->port, &p);
	p = data(2, 2, 220);
	p.mad[WIRE_METHOD] = GET_TABLE;
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 0);
	arrive(h, 2, 2, 220);
	assert_true(h->readable);
}

static void more_messages_than_are_remembered(void **state)
{
	struct host *h = *state;

	for (uint32_t i = 0; i < KMAD_MESSAGES + 10; i++) {
		struct kmad_packet p = data(1, 1, 220);

		put32(p.mad + WIRE_TID + 4, i);
		kmad_receive(&h->port, &p);
		assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 320);
	}
	assert_int_equal(h->file.agents[0]->n_messages, KMAD_MESSAGES);
}

/* ---- requests that wait for a table ---------------------------------------------------------- */

static void ask_for_table(struct host *h, uint32_t timeout)
{
	size_t size = host_record(h, 0, 3, GET_TABLE, 8, 256);

	host_timeout(h, timeout, 0);
	host_write(h, size);
}

static struct kmad_packet table(const struct kmad_packet *request, uint32_t seg, uint32_t last)
{
	struct kmad_packet p = data(seg, last, 220);

	p.lid = HOST_LID;
	p.mad[WIRE_METHOD] = GET_TABLE | METHOD_RESPONSE;
	memcpy(p.mad + WIRE_TID, request->mad + WIRE_TID, 8);
	return p;
}

static void segments_that_nobody_asked_for_are_dropped(void **state)
{
	struct host *h = *state;
	struct kmad_packet p;

	ask_for_table(h, 1000);
	p = table(&h->sent[0], 1, 2);
	p.mad[WIRE_TID + 7] ^= 1;
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 1);
	p = table(&h->sent[0], 1, 2);
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 2);
	host_wait(h, 1000); /* segments do not give it more time */
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 88);
	p = table(&h->sent[0], 2, 2);
	kmad_receive(&h->port, &p);
	assert_int_equal(h->n_sent, 2);
	assert_false(h->readable);
}

static void a_whole_table_ends_the_request(void **state)
{
	struct host *h = *state;
	struct kmad_packet p;

	ask_for_table(h, 1000);
	p = table(&h->sent[0], 1, 2);
	kmad_receive(&h->port, &p);
	p = table(&h->sent[0], 2, 2);
	kmad_receive(&h->port, &p);
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 1000), 64 + 56 + 400);
	host_wait(h, 5000);
	assert_false(h->readable);
}

/* ---- two ends -------------------------------------------------------------------------------- */

enum {
	WIRE_MAX = 8192,
};

struct wire {
	struct host *end[2];
	struct xoshiro random;
	unsigned loss, doubling, disorder; /* per cent */
	struct {
		struct kmad_packet packet;
		unsigned to;
	} queue[WIRE_MAX];
	unsigned n;
};

static void drain(struct wire *w)
{
	for (unsigned from = 0; from < 2; from++) {
		struct host *h = w->end[from];

		for (unsigned i = 0; i < h->n_sent; i++) {
			unsigned copies = xoshiro_next(&w->random) % 100 < w->loss ? 0 : 1;

			copies += copies && xoshiro_next(&w->random) % 100 < w->doubling;
			while (copies-- && w->n < WIRE_MAX) {
				w->queue[w->n].packet = h->sent[i];
				w->queue[w->n].packet.lid = (uint16_t)(HOST_LID + from);
				w->queue[w->n++].to = !from;
			}
		}
		h->n_sent = 0;
	}
}

static void step(struct wire *w)
{
	unsigned at = 0;
	struct kmad_packet packet;
	unsigned to;

	if (xoshiro_next(&w->random) % 100 < w->disorder)
		at = (unsigned)(xoshiro_next(&w->random) % MIN(w->n, 20U));
	packet = w->queue[at].packet;
	to = w->queue[at].to;
	memmove(w->queue + at, w->queue + at + 1, (w->n - at - 1) * sizeof(w->queue[0]));
	w->n--;
	kmad_receive(&w->end[to]->port, &packet);
}

static void run(struct wire *w, uint64_t msec)
{
	for (uint64_t t = 0; t < msec; t += 100) {
		drain(w);
		for (unsigned i = 0; w->n && i < 100000; i++) {
			step(w);
			drain(w);
		}
		host_wait(w->end[0], 100);
		host_wait(w->end[1], 100);
	}
}

static struct wire *wire_new(uint64_t seed, unsigned loss, unsigned doubling, unsigned disorder)
{
	struct wire *w = calloc(1, sizeof(*w));

	w->end[0] = sa_new();
	w->end[1] = sa_new();
	w->end[1]->port.client = 4;
	xoshiro_seed(&w->random, seed);
	w->loss = loss;
	w->doubling = doubling;
	w->disorder = disorder;
	return w;
}

static void wire_free(struct wire *w)
{
	host_free(w->end[0]);
	host_free(w->end[1]);
	free(w);
}

/* Asks for a table and gets one of @size bytes; what the asker read. */
static long exchange(struct wire *w, size_t size)
{
	struct host *asks = w->end[0], *answers = w->end[1];
	uint8_t tid[8];
	long n;

	host_timeout(asks, 30000, 0);
	n = (long)host_record(asks, 0, 3, GET_TABLE, 5, 256);
	host_timeout(asks, 30000, 2);
	put16(asks->buffer + AT_LID, HOST_LID + 1);
	assert_int_equal(host_write(asks, (size_t)n), n);
	for (int i = 0; i < 3 && !answers->readable; i++)
		run(w, 30000);
	if (!answers->readable)
		return -ETIMEDOUT;
	assert_int_equal(kmad_file_read(&answers->file, answers->buffer, 320), 320);
	memcpy(tid, host_mad(answers) + WIRE_TID, 8);
	n = (long)host_record(answers, 0, 3, GET_TABLE | METHOD_RESPONSE, 5, SA_HEADER + size);
	for (size_t i = 0; i < size; i++)
		host_mad(answers)[SA_HEADER + i] = (uint8_t)(i * 7 + i / 256);
	memcpy(host_mad(answers) + WIRE_TID, tid, 8);
	host_mad(answers)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	host_timeout(answers, 0, 10);
	assert_int_equal(host_write(answers, (size_t)n), n);
	run(w, 29000);
	return kmad_file_read(&asks->file, asks->buffer, sizeof(asks->buffer));
}

static void expect_table(struct host *h, long read, size_t size)
{
	assert_int_equal(read, 64 + 56 + size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(host_mad(h)[SA_HEADER + i], (uint8_t)(i * 7 + i / 256));
}

static void tables_of_all_sizes_arrive_whole(void **state)
{
	static const size_t sizes[] = {
		0, 1, 199, 200, 201, 400, 12799, 12800, 12801, 13000, 200000
	};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct wire *w = wire_new(i, 0, 0, 0);

		expect_table(w->end[0], exchange(w, sizes[i]), sizes[i]);
		assert_true(list_is_empty(&w->end[1]->file.agents[0]->sends));
		wire_free(w);
	}
}

/* It arrives as it was sent, or a time-out says that it did not: nothing in between. */
static void on_a_bad_wire_tables_arrive_whole_or_not_at_all(void **state)
{
	unsigned arrived = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct wire *w = wire_new(seed, (unsigned)(seed % 4) * 3, (unsigned)(seed % 3) * 10,
					  (unsigned)(seed % 5) * 10);
		size_t size = (size_t)(seed * 977 % 30000);
		long n = exchange(w, size);

		if (n == 64 + 56 + (long)size) {
			expect_table(w->end[0], n, size);
			arrived++;
		} else {
			assert_true(n == 88 || n == -EAGAIN || n == -ETIMEDOUT);
		}
		run(w, 100000);
		assert_true(list_is_empty(&w->end[0]->file.agents[0]->messages));
		wire_free(w);
	}
	assert_true(arrived > 40);
}

/* GetMulti: a long request, and an answer whose window the request's end announced. */
static void a_long_request_gets_a_long_answer(void **state)
{
	struct wire *w = wire_new(1, 0, 0, 0);
	struct host *asks = w->end[0], *answers = w->end[1];
	size_t size = host_record(asks, 0, 3, GET_MULTI, 5, SA_HEADER + 5000);
	uint8_t tid[8];

	(void)state;
	host_mad(asks)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	host_timeout(asks, 5000, 0);
	put16(asks->buffer + AT_LID, HOST_LID + 1);
	assert_int_equal(host_write(asks, size), size);
	run(w, 100);
	assert_int_equal(kmad_file_read(&answers->file, answers->buffer, 320), -ENOSPC);
	assert_int_equal(kmad_file_read(&answers->file, answers->buffer, 6000), 64 + 56 + 5000);
	assert_int_equal(list_is_empty(&asks->file.agents[0]->sends), false);
	memcpy(tid, host_mad(answers) + WIRE_TID, 8);
	size = host_record(answers, 0, 3, GET_MULTI | METHOD_RESPONSE, 5, SA_HEADER + 3000);
	memcpy(host_mad(answers) + WIRE_TID, tid, 8);
	host_mad(answers)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	assert_int_equal(host_write(answers, size), size);
	run(w, 100);
	assert_int_equal(kmad_file_read(&asks->file, asks->buffer, 6000), 64 + 56 + 3000);
	run(w, 10000);
	assert_false(asks->readable);
	assert_false(answers->readable);
	wire_free(w);
}

static void the_announced_window_is_used(void **state)
{
	struct host *h = *state;
	struct kmad_packet p;

	arrive(h, 1, 1, 220);
	kmad_file_read(&h->file, h->buffer, 320);
	p = data(1, 1, 220); /* the direction is switched: a window of 3 for us */
	p.mad[WIRE_RMPP_TYPE] = RMPP_ACK;
	p.mad[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	put32(p.mad + WIRE_RMPP_SEGMENT, 0);
	put32(p.mad + WIRE_RMPP_LENGTH, 3);
	kmad_receive(&h->port, &p);
	h->n_sent = 0;
	host_record(h, 0, 3, GET_MULTI | METHOD_RESPONSE, 42, SA_HEADER + 1000);
	put32(host_mad(h) + WIRE_TID, 0);
	put16(h->buffer + AT_LID, 9);
	host_mad(h)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	assert_int_equal(host_write(h, 64 + SA_HEADER + 1000), 64 + SA_HEADER + 1000);
	assert_int_equal(h->n_sent, 3);
}

static void a_repeated_last_ack_is_answered_again(void **state)
{
	struct host *h = *state;
	size_t size = host_record(h, 0, 3, GET_MULTI, 5, SA_HEADER + 100);

	host_mad(h)[WIRE_RMPP_FLAGS] = RMPP_ACTIVE;
	host_timeout(h, 5000, 0);
	host_write(h, size);
	acknowledge(h, 1, 1);
	assert_int_equal(h->n_sent, 2);
	assert_int_equal(type(host_last(h)), RMPP_ACK);
	assert_int_equal(segment(host_last(h)), 0);
	assert_int_equal(length(host_last(h)), 1);
	acknowledge(h, 1, 1);
	assert_int_equal(h->n_sent, 3);
	host_wait(h, 5000); /* and the answer does not come */
	assert_int_equal(kmad_file_read(&h->file, h->buffer, 320), 88);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_cut_as_the_kernel_does),
		TEST(an_empty_table_is_one_segment),
		TEST(only_what_is_not_acknowledged_is_sent_again),
		TEST(a_short_timeout_is_that_of_acks_too),
		TEST(old_acks_are_ignored),
		TEST(wrong_acks_end_the_send),
		TEST(stop_and_abort_end_the_send_silently),
		TEST(an_ack_of_nothing_is_ignored),
		TEST(windows_are_those_of_the_kernel),
		TEST(single_segments_and_lengths),
		TEST(early_segments_wait_and_those_beyond_the_window_are_dropped),
		TEST(wrong_segments_are_aborted),
		TEST(an_unfinished_message_is_given_up_after_40_seconds),
		TEST(messages_are_told_apart_by_their_key),
		TEST(more_messages_than_are_remembered),
		TEST(segments_that_nobody_asked_for_are_dropped),
		TEST(a_whole_table_ends_the_request),
		cmocka_unit_test(tables_of_all_sizes_arrive_whole),
		cmocka_unit_test(on_a_bad_wire_tables_arrive_whole_or_not_at_all),
		cmocka_unit_test(a_long_request_gets_a_long_answer),
		TEST(the_announced_window_is_used),
		TEST(a_repeated_last_ack_is_answered_again),
	};

	return cmocka_run_group_tests_name("umad-rmpp", tests, NULL, NULL);
}
