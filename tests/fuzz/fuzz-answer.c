/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever arrives, and whenever: every request ends exactly once, an answer that ends one fits it,
 * and the counters account for every try.
 *
 * The input is a play: lines of bytes that begin with what happens. A bare datagram would hardly
 * ever hit a TID that is outstanding, so most lines answer a request that was sent and change some
 * bytes of the answer.
 *
 *	0 n bytes...           n bytes arrive, the rest of the datagram is zero
 *	1 n bytes...           the same, as a request that was given back
 *	2 k n (at value)...    the answer to the k-th last try, n bytes of it changed
 *	3 k n (at value)...    the k-th last try is given back, changed likewise
 *	4 t                    t milliseconds pass
 *	5 i                    agent i is cancelled
 *	6 i                    agent i is to be asked something
 *	7 i                    agent i has a LID, or has none any more
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "mad/request.h"
#include "tests/unit/loop-virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AGENTS       4
#define REQUESTS_MAX 64
#define TRIES_KEPT   256 /* a power of two */
#define NOBODY       AGENTS

struct play {
	struct transport transport;
	struct loop *loop;
	struct requests *requests;
	struct sma sma[AGENTS];
	unsigned owner[REQUESTS_MAX]; /* by tag; NOBODY: ended */
	unsigned n_asked;
	unsigned n_beats; /* our own device was asked */
	struct datagram beat;
	bool beat_waits;    /* for its answer, which comes in the end */
	unsigned n_done[3]; /* by enum request_result */
	unsigned n_forgotten;
	struct datagram sent[TRIES_KEPT];
	unsigned n_sent;
	const uint8_t *next;
	size_t left;
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t take(struct play *p)
{
	if (p->left == 0)
		return 0;
	p->left--;

	return *p->next++;
}

static int send_nowhere(struct transport *t, const struct datagram *d, const struct address *to,
			unsigned timeout_ms)
{
	struct play *p = CONTAINER_OF(t, struct play, transport);

	demand(to->qpn == 0 && timeout_ms > 0);
	if (wire_is_directed(d) && wire_get(d, SMP_HOP_COUNT) == 0) {
		p->n_beats++;
		p->beat = *d;
		p->beat_waits = true;
	}
	p->sent[p->n_sent++ % TRIES_KEPT] = *d;

	return 0;
}

static bool next(void *user, struct sma *sma, struct request *ret)
{
	static const uint16_t attrs[] = { ATTR_NODE_INFO, ATTR_PORT_INFO, ATTR_PKEY_TABLE };
	struct play *p = user;

	if (p->n_asked == REQUESTS_MAX || sma->in_flight > 0)
		return false;
	p->owner[p->n_asked] = (unsigned)(sma - p->sma);
	ret->method = p->n_asked % 2 ? METHOD_SET : METHOD_GET;
	ret->attr = attrs[p->n_asked % COUNT(attrs)];
	ret->modifier = p->n_asked;
	ret->tag = p->n_asked++;

	return true;
}

static bool was_sent(const struct play *p, const struct datagram *d)
{
	for (unsigned i = 0; i < MIN(p->n_sent, TRIES_KEPT); i++)
		if ((uint32_t)wire_get(&p->sent[i], MAD_TID) == (uint32_t)wire_get(d, MAD_TID))
			return true;

	return false;
}

static void done(void *user, struct sma *sma, const struct answer *answer)
{
	struct play *p = user;
	const struct request *request = answer->request;
	const struct datagram *d = answer->datagram;

	demand(request->tag < p->n_asked && p->owner[request->tag] == (unsigned)(sma - p->sma));
	p->owner[request->tag] = NOBODY;
	p->n_done[answer->result]++;
	demand((answer->result == REQUEST_LOST) == !d);
	if (!d)
		return;
	demand(was_sent(p, d));
	demand(wire_get(d, MAD_METHOD) == METHOD_GET_RESPONSE);
	demand(wire_get(d, MAD_ATTR) == request->attr);
	demand(wire_get(d, MAD_MODIFIER) == request->modifier);
	demand(!wire_is_directed(d) || wire_get(d, SMP_DIRECTION));
	demand((answer->result == REQUEST_REFUSED) == (answer->status != 0));
}

static void arrive(struct play *p, const struct arrival *arrival)
{
	bool is_answer = arrival->undelivered || wire_is_response(&arrival->datagram);

	demand(requests_receive(p->requests, arrival) == is_answer);
	requests_pump(p->requests);
}

static void arrive_bare(struct play *p, bool undelivered)
{
	struct arrival arrival = { .undelivered = undelivered };
	unsigned n = take(p);

	for (unsigned i = 0; i < n; i++)
		arrival.datagram.bytes[i] = take(p);
	arrive(p, &arrival);
}

static void arrive_changed(struct play *p, bool undelivered)
{
	unsigned back = take(p);
	unsigned n = take(p) % 8;
	struct arrival arrival = { .undelivered = undelivered };

	if (back >= MIN(p->n_sent, TRIES_KEPT))
		return;
	arrival.datagram = p->sent[(p->n_sent - 1 - back) % TRIES_KEPT];
	if (!undelivered)
		wire_make_response(&arrival.datagram, STATUS_OK);
	for (unsigned i = 0; i < n; i++) {
		uint8_t at = take(p);

		arrival.datagram.bytes[at] = take(p);
	}
	arrive(p, &arrival);
}

static void cancel(struct play *p, unsigned i)
{
	requests_cancel(p->requests, &p->sma[i]);
	demand(p->sma[i].in_flight == 0);
	for (unsigned tag = 0; tag < p->n_asked; tag++)
		if (p->owner[tag] == i) {
			p->owner[tag] = NOBODY;
			p->n_forgotten++;
		}
}

static void act(struct play *p)
{
	uint8_t what = take(p) % 8;
	unsigned i;

	if (what < 2) {
		arrive_bare(p, what == 1);
		return;
	}
	if (what < 4) {
		arrive_changed(p, what == 3);
		return;
	}
	if (what == 4) {
		loop_virtual_run_for(p->loop, take(p) * LOOP_MSEC);
		return;
	}
	i = take(p) % AGENTS;
	if (what == 5)
		cancel(p, i);
	else if (what == 6)
		requests_make_ready(p->requests, &p->sma[i]);
	else
		p->sma[i].lid = p->sma[i].lid ? 0 : (uint16_t)(i + 1);
}

static void check_counters(const struct play *p)
{
	struct request_counts sum = { 0 };
	struct request_counts one;
	uint16_t attr;
	uint8_t method;

	for (unsigned n = 0; requests_count(p->requests, n, &attr, &method, &one); n++) {
		sum.sent += one.sent;
		sum.retried += one.retried;
		sum.answered += one.answered;
		sum.refused += one.refused;
		sum.timed_out += one.timed_out;
	}
	demand(sum.sent == p->n_sent && sum.sent - sum.retried == p->n_asked + p->n_beats);
	demand(sum.answered >= p->n_done[REQUEST_ANSWERED]);
	demand(sum.refused >= p->n_done[REQUEST_REFUSED]);
	demand(sum.timed_out >= p->n_done[REQUEST_LOST]);
	demand(p->n_asked + p->n_beats ==
	       sum.answered + sum.refused + sum.timed_out + p->n_forgotten);
}

static void begin(struct play *p)
{
	static const struct transport_ops ops = { .send = send_nowhere };
	static const struct request_handler handler = { .next = next, .done = done };

	/* Short time-outs: a run is over after few ticks. */
	static const struct request_limits limits = { .window = 8,
						      .window_per_sma = 4,
						      .tries = 3,
						      .first_timeout_ms = 20,
						      .min_timeout_ms = 10 };

	p->transport.ops = &ops;
	demand(loop_virtual_new(1, &p->loop) == 0);
	demand(requests_new(p->loop, &p->transport, &handler, p, &p->requests) == 0);
	requests_set_limits(p->requests, &limits);
	for (unsigned i = 0; i < AGENTS; i++) {
		request_sma_init(&p->sma[i]);
		p->sma[i].hops = (uint8_t)(i + 1);
		requests_make_ready(p->requests, &p->sma[i]);
	}
	loop_virtual_run_for(p->loop, 0);
}

/* Time passes, and our own device lives: then all that nobody answers ends. */
static void run_out(struct play *p)
{
	uint64_t limit = loop_now(p->loop) + 3600 * LOOP_SEC;

	while (requests_in_flight(p->requests) > 0 && loop_now(p->loop) < limit) {
		struct arrival arrival = { 0 };

		loop_virtual_run_for(p->loop, 10 * LOOP_MSEC);
		if (!p->beat_waits)
			continue;
		p->beat_waits = false;
		arrival.datagram = p->beat;
		wire_make_response(&arrival.datagram, STATUS_OK);
		arrive(p, &arrival);
	}
	demand(loop_virtual_run_until_idle(p->loop, limit));
}

static void end(struct play *p)
{
	run_out(p);
	demand(requests_in_flight(p->requests) == 0);
	for (unsigned tag = 0; tag < p->n_asked; tag++)
		demand(p->owner[tag] == NOBODY);
	check_counters(p);
	requests_free(p->requests);
	loop_virtual_free(p->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(freep) struct play *p = calloc(1, sizeof(*p));

	demand(p != NULL);
	p->next = data;
	p->left = size;
	begin(p);
	while (p->left > 0)
		act(p);
	end(p);

	return 0;
}
