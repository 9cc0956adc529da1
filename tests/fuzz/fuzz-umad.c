/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever a simulator sends, and whatever a program writes: the preload's MAD layer reads and
 * writes nothing that is not its own, every record has the length that it says, and the queue is
 * readable exactly while it is not empty.
 *
 * Input: a byte that says what happens, then what it happens with: a packet (its first bytes, the
 * rest repeats them), a record that is written, time that passes, a read. A packet can also take
 * the TID of the request that was sent last, so that answers match.
 */

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/umad-fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum action {
	PACKET,
	ANSWER,
	WRITE,
	PASS,
	READ,
	ACTIONS,
};

struct play {
	struct host *host;
	const uint8_t *next;
	size_t left;
};

static void demand(bool what)
{
	if (!what)
		abort();
}

static size_t take(struct play *p, uint8_t *to, size_t n)
{
	n = MIN(n, p->left);
	memcpy(to, p->next, n);
	p->next += n;
	p->left -= n;

	return n;
}

static uint8_t take_byte(struct play *p)
{
	uint8_t byte = 0;

	take(p, &byte, 1);

	return byte;
}

static void packet(struct play *p, bool answers)
{
	struct kmad_packet k = { .lid = 7, .qp = 1 };
	size_t n = take(p, k.mad, 64);

	for (size_t i = n; n && i < sizeof(k.mad); i++)
		k.mad[i] = k.mad[i - n];
	k.mad[WIRE_BASE_VERSION] = 1;
	k.qp_index = !class_is_smp(k.mad[WIRE_CLASS]);
	if (answers)
		memcpy(k.mad + WIRE_TID, host_last(p->host)->mad + WIRE_TID, 8);
	else
		put32(k.mad + WIRE_TID, 3 << 16 | 1);
	kmad_receive(&p->host->port, &k);
}

static void write_record(struct play *p)
{
	static const uint8_t classes[] = { 3, 4, 1, 0x81 };
	struct host *h = p->host;
	uint8_t agent = take_byte(p) % 4;
	size_t length = WIRE_SIZE + (size_t)take_byte(p) * 16;
	size_t total = host_record(h, agent, classes[agent], take_byte(p), take_byte(p), length);

	take(p, host_mad(h) + WIRE_RMPP_VERSION, 12);
	host_timeout(h, take_byte(p) * 16, take_byte(p) % 4);
	h->n_sent = h->n_sent < HOST_SENT_MAX / 2 ? h->n_sent : 0;
	host_write(h, total);
}

static void read_record(struct play *p)
{
	struct host *h = p->host;
	long n = kmad_file_read(&h->file, h->buffer, 320);

	if (n == -ENOSPC) {
		size_t size = host32(h->buffer + AT_LENGTH);

		demand(size > 320);
		if (size <= sizeof(h->buffer))
			demand(kmad_file_read(&h->file, h->buffer, size) == (long)size);
	} else {
		demand(n == -EAGAIN || (n >= 64 + 24 && n <= 320));
	}
}

static void act(struct play *p)
{
	struct host *h = p->host;

	switch ((enum action)(take_byte(p) % ACTIONS)) {
	case PACKET:
		packet(p, false);
		break;
	case ANSWER:
		packet(p, true);
		break;
	case WRITE:
		write_record(p);
		break;
	case PASS:
		host_wait(h, take_byte(p) * 100);
		break;
	case READ:
		read_record(p);
		break;
	case ACTIONS:
		break;
	}
	demand(h->readable == !list_is_empty(&h->file.records));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t methods[] = { 1, 2, 5, 0x12, 0x14, 0 };
	struct play p = { .host = host_new(), .next = data, .left = size };

	demand(host_register(p.host, 3, 2, 1, methods) == 0);
	demand(host_register(p.host, 4, 1, 0, NULL) == 1);
	demand(host_register(p.host, 1, 1, 0, methods) == 2);
	demand(host_register(p.host, 0x81, 1, 0, methods) == 3);
	while (p.left)
		act(&p);
	host_free(p.host);

	return 0;
}
