/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A request in flight is one slot of a fixed array, and its number is part of the TID, so an answer
 * finds its request without a search:
 *
 *	TID (the kernel owns the upper half): | generation 18 | try 3 | slot 11 |
 *
 * Every try has a TID of its own (the kernel refuses one that is still outstanding), and an answer
 * to any of them counts; which one it was tells the round trip even of repeated requests. A slot
 * that is used again has another generation, so that late answers to the old one are strays.
 *
 * A request that is repeated may be done twice, the second time when its owner has gone on: a
 * "twin" that was long under way overwrites what was set since. The engine cannot call it back; it
 * tells of every Set that ends while a copy of it is unanswered, and when that was sent.
 *
 * Time-outs lie in a wheel, whose tick is coarse, as time-outs are. How long they are, and how much
 * may be under way, is the affair of pace.h.
 *
 * Silence alone says nothing about the fabric, so a request that is overdue gives its room back
 * while it goes on waiting: when something that was sent well after it has been answered. If not,
 * the fabric or we may be standing still, and to send more would only fill buffers that nobody
 * empties; so when the window is full of silence our own device is asked who it is (beat.h), for it
 * tells dead from still.
 *
 * What the engine refuses to know: what the attributes mean, and what a lost request is worth.
 */

#include "mad/request.h"

#include <errno.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/macros.h"
#include "base/wheel.h"
#include "mad/beat.h"
#include "mad/pace.h"
#include "mad/request-wire.h"

#define SLOT_BITS   11
#define TRY_BITS    3
#define SLOTS       (1u << SLOT_BITS)
#define MAX_TRIES   (1u << TRY_BITS)
#define GENERATIONS (1u << (32 - SLOT_BITS - TRY_BITS))

#define KERNEL_TIMEOUT_MS 20000 /* an answer to any of our tries is of use that long */
#define COUNT_KINDS       512

_Static_assert(MAX_TRIES == REQUEST_MAX_TRIES, "a try has its bits in the TID");

struct flight {
	struct list wheel;  /* in a list of the wheel, in the ring of repeats, or among the free */
	struct list window; /* in the engine's list while it counts as on the wire */
	struct sma *sma;    /* NULL: free */
	struct request request;
	uint64_t timeout; /* of the last try */
	uint64_t sent_at[MAX_TRIES];
	uint32_t generation;
	uint8_t tries;
	uint8_t packets; /* of these, counted as on the wire */
	uint8_t by_lid;  /* one bit per try: it went by LID, not by directed route */
	uint8_t open;    /* one bit per try: it was sent, and nobody has answered it */
	bool unsent;     /* the last try could not even be sent */
};

struct count {
	uint16_t attr;
	uint8_t method; /* 0: never used */
	struct request_counts counts;
};

struct requests {
	struct loop *loop;
	struct transport *transport;
	const struct request_handler *handler;
	void *user;
	struct pace pace;

	struct list ready;        /* agents that may have something to be asked */
	struct list repeats;      /* flights that wait for room for another try */
	struct list window;       /* flights on the wire, oldest first */
	struct list idle;         /* free flights */
	uint64_t newest_answered; /* when the newest try that was answered had been sent */
	unsigned n_flights;

	struct sma self;    /* our own device */
	struct flight *own; /* the flight that asks it; of no list of the idle */
	uint64_t own_mkey;  /* to ask with */
	struct beat beat;

	struct wheel wheel;
	struct loop_timer *tick;
	struct loop_timer *soon;
	bool soon_set;
	bool pumping;
	bool unsettled;

	struct count counts[COUNT_KINDS];
	struct request_totals totals;
	struct flight flights[SLOTS];
};

void request_sma_init(struct sma *sma)
{
	*sma = (struct sma){ 0 };
	list_init(&sma->ready);
	pace_sma_init(sma);
}

/* -- counting -----------------------------------------------------------------------------------
 */

static struct request_counts *counts_of(struct requests *r, const struct request *request)
{
	unsigned i = (request->attr & 0xffu) | (request->method == METHOD_SET ? 0x100u : 0);

	r->counts[i].attr = request->attr;
	r->counts[i].method = request->method;

	return &r->counts[i].counts;
}

bool requests_count(const struct requests *r, unsigned n, uint16_t *ret_attr, uint8_t *ret_method,
		    struct request_counts *ret)
{
	for (unsigned i = 0; i < COUNT_KINDS; i++) {
		if (r->counts[i].method == 0 || n-- > 0)
			continue;
		*ret_attr = r->counts[i].attr;
		*ret_method = r->counts[i].method;
		*ret = r->counts[i].counts;
		return true;
	}

	return false;
}

const struct request_totals *requests_totals(const struct requests *r)
{
	return &r->totals;
}

unsigned requests_in_flight(const struct requests *r)
{
	return r->n_flights;
}

unsigned requests_patience(const struct requests *r)
{
	return pace_patience(&r->pace);
}

unsigned requests_window(const struct requests *r)
{
	return r->pace.window;
}

static void leave_window(struct requests *r, struct flight *f)
{
	if (list_is_empty(&f->window))
		return;
	list_remove(&f->window);
	r->transport->awaited -= f->packets;
	f->packets = 0;
}

static bool has_room(const struct requests *r)
{
	return r->transport->awaited < r->pace.window;
}

/* -- flights ------------------------------------------------------------------------------------
 */

static void arm_tick(struct requests *r)
{
	loop_timer_set(r->tick, wheel_next(&r->wheel));
}

static uint32_t tid_of(const struct requests *r, const struct flight *f)
{
	uint32_t slot = (uint32_t)(f - r->flights);

	return f->generation << (SLOT_BITS + TRY_BITS) | (uint32_t)(f->tries - 1) << SLOT_BITS |
	       slot;
}

static uint64_t deadline_of(const struct flight *f)
{
	return pace_deadline(f->sma, f->sent_at[f->tries - 1], f->timeout);
}

static void send_try(struct requests *r, struct flight *f)
{
	bool to_lid = f->sma->lid != 0 && f->tries == 0 && !f->request.has_route;
	struct address to = { .lid = to_lid ? f->sma->lid : LID_PERMISSIVE };
	struct datagram d;

	f->by_lid |= (uint8_t)(to_lid << f->tries);
	f->sent_at[f->tries++] = loop_now(r->loop);
	f->timeout = pace_timeout(&r->pace, f->sma, f->tries);

	request_write(&f->request, f->sma, f->tries - 1u, to_lid, &d);
	wire_set(&d, MAD_TID, tid_of(r, f));

	r->totals.sent++;
	r->totals.by_lid += to_lid;
	counts_of(r, &f->request)->sent++;
	/* A failure to send is a try without an answer. */
	f->unsent = transport_send(r->transport, &d, &to, KERNEL_TIMEOUT_MS) < 0;
	r->totals.send_errors += f->unsent;
	if (!f->unsent)
		f->open |= (uint8_t)(1u << (f->tries - 1));

	if (list_is_empty(&f->window))
		list_add_tail(&r->window, &f->window);
	f->packets++;
	r->transport->awaited++;
	wheel_put(&r->wheel, &f->wheel, deadline_of(f));
}

static void start_flight(struct requests *r, struct flight *f, struct sma *sma,
			 const struct request *request)
{
	list_remove(&f->wheel);
	f->sma = sma;
	f->request = *request;
	f->tries = 0;
	f->by_lid = 0;
	f->open = 0;
	f->generation = (f->generation + 1) % GENERATIONS;
	if (r->n_flights++ == 0) {
		wheel_start(&r->wheel, loop_now(r->loop));
		arm_tick(r);
	}
	sma->in_flight++;
	send_try(r, f);
}

static void end_flight(struct requests *r, struct flight *f)
{
	f->sma->in_flight--;
	f->sma = NULL;
	leave_window(r, f);
	list_remove(&f->wheel);
	if (f != r->own)
		list_add_tail(&r->idle, &f->wheel);
	if (--r->n_flights == 0)
		loop_timer_stop(r->tick);
}

/* -- the beat -----------------------------------------------------------------------------------
 */

bool requests_stand_still(const struct requests *r)
{
	return beat_has_stopped(&r->beat);
}

/* As good as a beat, if others ask it. */
static bool is_own(const struct sma *sma, const struct request *request)
{
	return (request->has_route ? request->hops : sma->hops) == 0;
}

/* The window is full, and has been for long: does anything move at all? */
static void ask_own(struct requests *r)
{
	struct request who = { .method = METHOD_GET, .attr = ATTR_NODE_INFO, .mkey = r->own_mkey };
	uint64_t now = loop_now(r->loop);
	const struct flight *oldest;

	if (list_is_empty(&r->window) || has_room(r) || r->own->sma || now < r->beat.not_before)
		return;
	oldest = LIST_ENTRY(r->window.next, struct flight, window);
	if (now - oldest->sent_at[oldest->tries - 1] < pace_silence(&r->pace))
		return;
	start_flight(r, r->own, &r->self, &who);
}

/* -- the end of a request -----------------------------------------------------------------------
 */

/* What was not answered may arrive yet, and do what it says once more. */
static void tell_twins(struct requests *r, const struct flight *f)
{
	unsigned try = MAX_TRIES;

	if (!f->open || f->request.method != METHOD_SET || !r->handler->twin)
		return;
	while (!(f->open >> --try & 1))
		continue;
	r->handler->twin(r->user, f->sma, &f->request, f->sent_at[try]);
}

/* The one place where a request ends with a word to its owner. */
static void conclude(struct requests *r, struct flight *f, struct answer *answer)
{
	struct request request = f->request;
	struct sma *sma = f->sma;

	answer->request = &request;
	answer->tries = f->tries;
	tell_twins(r, f);
	end_flight(r, f);
	if (answer->result != REQUEST_LOST)
		beat_answered(&r->beat);
	else if (is_own(sma, &request))
		beat_lost(&r->beat, loop_now(r->loop));
	if (sma == &r->self)
		return;
	requests_make_ready(r, sma);
	r->unsettled = true;
	r->handler->done(r->user, sma, answer);
}

/*
 * Has what we sent either arrived or gone under? Yes if something that was sent well after it has
 * been answered.
 */
static bool is_off_the_wire(const struct requests *r, const struct flight *f)
{
	uint64_t patience = pace_overdue(&r->pace);

	return f->unsent || r->newest_answered >= f->sent_at[f->tries - 1] + patience;
}

/* By loss, as far as is known: it was sent, not by a LID that may lead nowhere, nor with one key
 * of two. */
static bool was_in_vain(const struct flight *f)
{
	unsigned try = f->tries - 1u;

	return (f->open >> try & 1) && !(f->by_lid >> try & 1) && !f->request.other_mkey;
}

static void expire(struct requests *r, struct flight *f)
{
	struct answer answer = { .result = REQUEST_LOST };

	if (was_in_vain(f))
		f->sma->in_vain = (uint8_t)MIN(f->sma->in_vain + 1, UINT8_MAX);
	if (is_off_the_wire(r, f))
		leave_window(r, f);
	if (f->tries < r->pace.limits.tries && f != r->own) {
		list_add_tail(&r->repeats, &f->wheel);
		r->unsettled = true;
		if (r->handler->late)
			r->handler->late(r->user, f->sma, f->tries);
		return;
	}
	counts_of(r, &f->request)->timed_out++;
	conclude(r, f, &answer);
}

/*
 * What has been under way for as long as the kernel would wait is given up, answered or not; but
 * then half of it only is sent anew, so that all that is ever piled up has a bound.
 */
static void release_overdue(struct requests *r)
{
	uint64_t now = loop_now(r->loop);
	bool gave_up = false;

	while (!list_is_empty(&r->window)) {
		struct flight *f = LIST_ENTRY(r->window.next, struct flight, window);

		if (!is_off_the_wire(r, f)) {
			if (now - f->sent_at[f->tries - 1] < KERNEL_TIMEOUT_MS * LOOP_MSEC)
				break;
			gave_up = true;
		}
		leave_window(r, f);
	}
	if (gave_up)
		pace_halve(&r->pace);
}

static void on_deadline(void *user, struct list *l)
{
	struct requests *r = user;
	struct flight *f = LIST_ENTRY(l, struct flight, wheel);

	if (deadline_of(f) > loop_now(r->loop))
		wheel_put(&r->wheel, l, deadline_of(f));
	else
		expire(r, f);
}

static void on_tick(void *user)
{
	struct requests *r = user;

	wheel_turn(&r->wheel, loop_now(r->loop), on_deadline, r);
	release_overdue(r);
	ask_own(r);
	if (r->n_flights > 0)
		arm_tick(r);
	requests_pump(r);
}

/* -- answers ------------------------------------------------------------------------------------
 */

static struct flight *flight_of(struct requests *r, const struct datagram *d, unsigned *ret_try)
{
	uint32_t tid = (uint32_t)wire_get(d, MAD_TID);
	struct flight *f = &r->flights[tid % SLOTS];

	*ret_try = tid >> SLOT_BITS & (MAX_TRIES - 1);
	if (!f->sma || f->generation != tid >> (SLOT_BITS + TRY_BITS) || *ret_try >= f->tries)
		return NULL;

	return f;
}

static void take_answer(struct requests *r, struct flight *f, unsigned try,
			const struct datagram *d)
{
	uint16_t status = (uint16_t)wire_get(d, wire_is_directed(d) ? SMP_STATUS : MAD_STATUS);
	struct answer answer = { .result = status ? REQUEST_REFUSED : REQUEST_ANSWERED,
				 .status = status,
				 .data = smp_data_in(d),
				 .datagram = d };

	pace_answered(&r->pace, f->sma, try, f->tries, f->sent_at[try], loop_now(r->loop));
	r->newest_answered = MAX(r->newest_answered, f->sent_at[try]);
	r->totals.heard++;
	if (status)
		counts_of(r, &f->request)->refused++;
	else
		counts_of(r, &f->request)->answered++;
	conclude(r, f, &answer);
}

/*
 * Given back at once (ibsim) or late (kernel): it is not on the wire any more, and our own timers
 * decide what comes next.
 */
static void take_back(struct requests *r, const struct datagram *d)
{
	unsigned try;
	struct flight *f = wire_is_response(d) ? NULL : flight_of(r, d, &try);

	r->totals.undelivered++;
	if (f && try == f->tries - 1u)
		leave_window(r, f);
}

bool requests_receive(struct requests *r, const struct arrival *arrival)
{
	const struct datagram *d = &arrival->datagram;
	struct flight *f;
	unsigned try;

	if (arrival->undelivered) {
		take_back(r, d);
		return true;
	}
	if (!wire_is_response(d))
		return false;

	f = flight_of(r, d, &try);
	if (!f) {
		r->totals.stray++;
		return true;
	}
	if (!request_is_answered_by(&f->request, f->by_lid >> try & 1, d)) {
		r->totals.malformed++;
		return true;
	}
	f->open &= (uint8_t) ~(1u << try);
	/* Busy means ask again: the same as no answer yet, IBA 13.4.7. */
	if (wire_get(d, SMP_STATUS) == STATUS_BUSY)
		leave_window(r, f);
	else
		take_answer(r, f, try, d);

	return true;
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void pump_soon(struct requests *r)
{
	if (r->pumping || r->soon_set)
		return;
	r->soon_set = true;
	loop_timer_set(r->soon, loop_now(r->loop));
}

void requests_make_ready(struct requests *r, struct sma *sma)
{
	if (!list_is_empty(&sma->ready))
		return;
	list_add_tail(&r->ready, &sma->ready);
	pump_soon(r);
}

static void settle(struct requests *r)
{
	while (r->unsettled && r->handler->settle) {
		r->unsettled = false;
		r->handler->settle(r->user);
	}
}

static void send_repeats(struct requests *r)
{
	while (has_room(r) && !list_is_empty(&r->repeats)) {
		struct flight *f = LIST_ENTRY(list_take_first(&r->repeats), struct flight, wheel);

		counts_of(r, &f->request)->retried++;
		send_try(r, f);
	}
}

static void send_new(struct requests *r)
{
	while (has_room(r) && !list_is_empty(&r->idle) && !list_is_empty(&r->ready)) {
		struct sma *sma = LIST_ENTRY(list_take_first(&r->ready), struct sma, ready);
		struct request request = { 0 };

		if (!pace_sma_has_room(&r->pace, sma))
			continue;
		if (!r->handler->next(r->user, sma, &request)) {
			r->unsettled = true; /* it may have been the last that had something */
			continue;
		}
		start_flight(r, LIST_ENTRY(r->idle.next, struct flight, wheel), sma, &request);
		if (pace_sma_has_room(&r->pace, sma) && list_is_empty(&sma->ready))
			list_add_tail(&r->ready, &sma->ready);
	}
}

void requests_pump(struct requests *r)
{
	if (r->pumping)
		return;
	r->pumping = true;
	do {
		settle(r);
		loop_look_at_clock(r->loop); /* what is done with answers may have taken long */
		send_repeats(r);
		send_new(r);
	} while (r->unsettled && r->handler->settle);
	r->pumping = false;
	r->soon_set = false;
	loop_timer_stop(r->soon);
}

static void on_soon(void *user)
{
	requests_pump(user);
}

void requests_cancel(struct requests *r, struct sma *sma)
{
	list_remove(&sma->ready);
	for (unsigned i = 0; i < SLOTS && sma->in_flight > 0; i++) {
		if (r->flights[i].sma != sma)
			continue;
		tell_twins(r, &r->flights[i]);
		end_flight(r, &r->flights[i]);
	}
	/* The room that it had is others' now. */
	pump_soon(r);
}

/* -- life ---------------------------------------------------------------------------------------
 */

void requests_set_own_mkey(struct requests *r, uint64_t mkey)
{
	r->own_mkey = mkey;
}

void requests_set_limits(struct requests *r, const struct request_limits *limits)
{
	pace_set_limits(&r->pace, limits);
}

static void init_lists(struct requests *r)
{
	uint32_t generation = (uint32_t)loop_random(r->loop);

	list_init(&r->ready);
	list_init(&r->repeats);
	list_init(&r->window);
	list_init(&r->idle);
	wheel_init(&r->wheel);
	for (unsigned i = 0; i < SLOTS; i++) {
		list_init(&r->flights[i].window);
		list_add_tail(&r->idle, &r->flights[i].wheel);
		r->flights[i].generation = (generation + i) % GENERATIONS;
	}
	r->own = &r->flights[SLOTS - 1];
	list_remove(&r->own->wheel);
}

int requests_new(struct loop *loop, struct transport *transport,
		 const struct request_handler *handler, void *user, struct requests **ret)
{
	static const struct request_limits limits = { .window = 256,
						      .window_per_sma = 4,
						      .tries = 4,
						      .first_timeout_ms = 200,
						      .min_timeout_ms = 10 };
	struct requests *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->transport = transport;
	transport->awaited = 0;
	r->handler = handler;
	r->user = user;
	beat_init(&r->beat);
	request_sma_init(&r->self);
	pace_init(&r->pace, &limits);
	init_lists(r);

	e = loop_timer_new(loop, on_tick, r, &r->tick);
	if (e == 0)
		e = loop_timer_new(loop, on_soon, r, &r->soon);
	if (e < 0) {
		requests_free(r);
		return e;
	}
	*ret = r;

	return 0;
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	while (list_take_first(&r->ready))
		continue;
	for (unsigned i = 0; i < SLOTS; i++)
		if (r->flights[i].sma)
			r->flights[i].sma->in_flight = 0;
	loop_timer_free(r->tick);
	loop_timer_free(r->soon);
	free(r);
}
