/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A port of the preload's MAD layer, for its tests.
 */

#include "tests/unit/umad-fixture.h"

#include <stdlib.h>

static uint64_t now(void *user)
{
	struct host *h = user;

	return h->now;
}

static void sent(void *user, const struct kmad_packet *packet)
{
	struct host *h = user;

	if (h->n_sent < HOST_SENT_MAX)
		h->sent[h->n_sent++] = *packet;
}

static int claim(void *user, uint32_t id, const struct kmad_agent *agent)
{
	struct host *h = user;

	(void)id;
	(void)agent;
	h->n_claims += !h->claim_result;

	return h->claim_result;
}

static void unclaim(void *user, uint32_t id)
{
	struct host *h = user;

	(void)id;
	h->n_claims--;
}

static const struct kmad_ops ops = { now, sent, claim, unclaim };

static void readable(void *user, bool yes)
{
	struct host *h = user;

	h->readable = yes;
}

struct host *host_new(void)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->now = 1000 * KMAD_MSEC;
	kmad_port_init(&h->port, &ops, h);
	h->port.client = 3;
	kmad_file_init(&h->file, &h->port, readable, h);

	return h;
}

void host_free(struct host *h)
{
	kmad_file_done(&h->file);
	kmad_port_done(&h->port);
	free(h);
}

void host_wait(struct host *h, uint64_t msec)
{
	uint64_t end = h->now + msec * KMAD_MSEC;
	uint64_t next;

	while ((next = kmad_next_timer(&h->port)) <= end) {
		if (next > h->now)
			h->now = next;
		kmad_run_timers(&h->port);
	}
	h->now = end;
}

void host_registration(uint8_t *ret, uint32_t qpn, uint8_t class, uint8_t version, uint8_t rmpp)
{
	memset(ret, 0, 40);
	put_host32(ret + 4, qpn);
	ret[8] = class;
	ret[9] = version;
	ret[36] = rmpp;
}

int host_register(struct host *h, uint8_t class, uint8_t version, uint8_t rmpp,
		  const uint8_t *methods)
{
	uint8_t a[40];
	int error;

	host_registration(a, !class_is_smp(class), class, version, rmpp);
	for (; methods && *methods; methods++)
		a[16 + *methods / 8] |= (uint8_t)(1 << *methods % 8);
	error = kmad_file_ioctl(&h->file, UMAD_REGISTER_AGENT2, a);

	return error ? error : (int)host32(a);
}

uint8_t *host_mad(struct host *h)
{
	return h->buffer + KMAD_HEADER;
}

size_t host_record(struct host *h, unsigned agent, uint8_t class, uint8_t method, uint32_t tid,
		   size_t length)
{
	uint8_t *mad = host_mad(h);

	memset(h->buffer, 0, KMAD_HEADER + length);
	put_host32(h->buffer + AT_ID, agent);
	put16(h->buffer + AT_LID, HOST_LID);
	put32(h->buffer + AT_QPN, !class_is_smp(class));
	mad[WIRE_BASE_VERSION] = 1;
	mad[WIRE_CLASS] = class;
	mad[WIRE_VERSION] = class == 3 ? 2 : 1;
	mad[WIRE_METHOD] = method;
	put32(mad + WIRE_TID, 0xdeadbeef);
	put32(mad + WIRE_TID + 4, tid);
	if (class == CLASS_SMP_DIRECTED)
		put32(mad + WIRE_DR_SLID, 0xffffffff);

	return KMAD_HEADER + length;
}

void host_timeout(struct host *h, uint32_t msec, uint32_t retries)
{
	put_host32(h->buffer + AT_TIMEOUT, msec);
	put_host32(h->buffer + AT_RETRIES, retries);
}

long host_write(struct host *h, size_t length)
{
	return kmad_file_write(&h->file, h->buffer, length);
}

const struct kmad_packet *host_last(const struct host *h)
{
	static const struct kmad_packet none;

	return h->n_sent ? &h->sent[h->n_sent - 1] : &none;
}

struct kmad_packet host_answer(const struct kmad_packet *to)
{
	struct kmad_packet answer = *to;

	answer.mad[WIRE_METHOD] = to->mad[WIRE_METHOD] == METHOD_SET
					  ? METHOD_GET_RESP
					  : to->mad[WIRE_METHOD] ^ METHOD_RESPONSE;
	if (to->mad[WIRE_CLASS] == CLASS_SMP_DIRECTED) {
		answer.mad[WIRE_STATUS] |= 0x80;
		answer.mad[WIRE_HOP_PTR] = 0;
	}

	return answer;
}
