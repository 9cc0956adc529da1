/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The request engine, against agents on virtual time. What holds in every test, whatever gets lost,
 * is checked by the client below: each request ends once, with the answer to itself, from the agent
 * that was asked, and is made only when it can be sent.
 */

#include "mad/pace.h"
#include "mad/request.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "tests/unit/agents.h"
#include "tests/unit/loop-virtual.h"

#define USEC  LOOP_USEC
#define MSEC  LOOP_MSEC
#define TICK  (4 * LOOP_MSEC) /* how coarse time-outs are */
#define TRIES 4

#define MAX_LATE 8

struct device {
	struct sma sma;
	unsigned left; /* still to be asked */
	unsigned asked;
	unsigned ended;
	unsigned n[3]; /* by enum request_result */
	unsigned tries;
	uint16_t status;
	uint64_t ended_at;
};

struct world {
	struct loop *loop;
	struct agents *agents;
	struct requests *requests;
	struct device *device;
	unsigned n;
	unsigned asked; /* the next request's tag */
	unsigned ended;
	uint32_t *owner; /* by tag; NOBODY: ended, or forgotten */
	unsigned max_tags;
	unsigned settled;
	bool unsettled;
	bool never_settles;
	uint64_t thinks; /* so long, to settle */
	void (*on_done)(struct world *w, struct device *device, const struct answer *answer);
	void (*on_late)(struct world *w, struct device *device);
	unsigned late[MAX_LATE]; /* by the number of tries it was told */
	unsigned twins;
	uint64_t twin_tag, twin_sent_at; /* of the last of them */
	unsigned detour;                 /* of a test's own: requests go to this agent instead */
	uint64_t mkey, other_mkey;
	struct device *other; /* of a test's own */
	uint64_t sent_at[64];
	unsigned n_sent;
	unsigned long tids_seen;
	uint32_t *tids;
};

#define NOBODY UINT32_MAX

/* -- the client ---------------------------------------------------------------------------------
 */

static const uint16_t attrs[] = { ATTR_NODE_INFO, ATTR_PORT_INFO, ATTR_LFT };

static void fill(uint8_t data[static SMP_DATA_SIZE], uint64_t tag)
{
	for (unsigned i = 0; i < SMP_DATA_SIZE; i++)
		data[i] = (uint8_t)(tag * 31 + i);
}

static bool next(void *user, struct sma *sma, struct request *ret)
{
	struct world *w = user;
	struct device *device = CONTAINER_OF(sma, struct device, sma);
	unsigned tag = w->asked;

	assert_false(w->unsettled);
	if (device->left == 0)
		return false;
	assert_true(tag < w->max_tags);
	device->left--;
	device->asked++;
	w->asked++;
	w->owner[tag] = (uint32_t)(device - w->device);
	ret->method = tag % 4 ? METHOD_GET : METHOD_SET;
	ret->attr = attrs[tag % COUNT(attrs)];
	ret->modifier = tag;
	ret->tag = tag;
	fill(ret->data, tag);
	ret->mkey = w->mkey;
	ret->other_mkey = w->other_mkey;
	if (w->detour) {
		ret->has_route = true;
		ret->hops = AGENTS_HOPS;
		agents_route(w->detour, ret->route);
	}

	return true;
}

static void done(void *user, struct sma *sma, const struct answer *answer)
{
	struct world *w = user;
	struct device *device = CONTAINER_OF(sma, struct device, sma);
	uint64_t tag = answer->request->tag;
	uint8_t data[SMP_DATA_SIZE];

	assert_true(tag < w->asked);
	assert_int_equal(w->owner[tag], device - w->device);
	w->owner[tag] = NOBODY;
	assert_in_range(answer->tries, 1, 8);
	assert_int_equal(answer->result == REQUEST_LOST, answer->data == NULL);
	assert_int_equal(answer->result == REQUEST_REFUSED, answer->status != 0);
	if (answer->data) {
		fill(data, tag);
		assert_memory_equal(answer->data, data, SMP_DATA_SIZE);
		assert_ptr_equal(answer->data, smp_data_in(answer->datagram));
	}
	w->ended++;
	w->unsettled = !w->never_settles;
	device->ended++;
	device->n[answer->result]++;
	device->tries = answer->tries;
	device->status = answer->status;
	device->ended_at = loop_now(w->loop);
	if (w->on_done)
		w->on_done(w, device, answer);
}

static void late(void *user, struct sma *sma, unsigned tries)
{
	struct world *w = user;
	struct device *device = CONTAINER_OF(sma, struct device, sma);

	assert_in_range(tries, 1, MAX_LATE - 1);
	w->late[tries]++;
	w->unsettled = !w->never_settles;
	if (w->on_late)
		w->on_late(w, device);
}

static void twin(void *user, struct sma *sma, const struct request *request, uint64_t sent_at)
{
	struct world *w = user;
	struct device *device = CONTAINER_OF(sma, struct device, sma);
	uint8_t data[SMP_DATA_SIZE];

	assert_int_equal(request->method, METHOD_SET);
	assert_true(w->owner[request->tag] == NOBODY ||
		    w->owner[request->tag] == device - w->device);
	fill(data, request->tag);
	assert_memory_equal(request->data, data, SMP_DATA_SIZE);
	w->twins++;
	w->twin_tag = request->tag;
	w->twin_sent_at = sent_at;
}

static void settle(void *user)
{
	struct world *w = user;

	w->settled++;
	w->unsettled = false;
	if (w->thinks)
		loop_virtual_stall(w->loop, w->thinks);
}

static void arrive(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct world *w = user;

	assert_null(why);
	for (unsigned i = 0; i < n; i++)
		assert_true(requests_receive(w->requests, &arrivals[i]));
	requests_pump(w->requests);
}

static const struct request_handler handler = {
	.next = next, .done = done, .late = late, .twin = twin, .settle = settle
};

static void connect_devices(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct sma *sma = &w->device[i].sma;

		request_sma_init(sma);
		sma->hops = AGENTS_HOPS;
		agents_route(i, sma->route);
	}
}

static struct world *world_new(uint64_t seed, unsigned n, unsigned max_tags)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->n = n;
	w->max_tags = max_tags;
	w->device = calloc(n, sizeof(*w->device));
	w->owner = calloc(max_tags, sizeof(*w->owner));
	assert_true(w->device && w->owner);
	assert_int_equal(loop_virtual_new(seed, &w->loop), 0);
	assert_int_equal(agents_new(w->loop, n, &w->agents), 0);
	w->agents->transport.fn = arrive;
	w->agents->transport.user = w;
	w->agents->user = w;
	for (unsigned i = 0; i < n; i++)
		w->agents->agent[i].delay = 100 * USEC;
	connect_devices(w);
	assert_int_equal(requests_new(w->loop, &w->agents->transport, &handler, w, &w->requests),
			 0);

	return w;
}

static void world_free(struct world *w)
{
	requests_free(w->requests);
	transport_free(&w->agents->transport);
	loop_virtual_free(w->loop);
	free(w->device);
	free(w->owner);
	free(w->tids);
	free(w);
}

static void ask(struct world *w, unsigned i, unsigned n)
{
	w->device[i].left += n;
	requests_make_ready(w->requests, &w->device[i].sma);
}

static void ask_all(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < w->n; i++)
		ask(w, i, n);
}

/* Until all is quiet; then nothing may be left. */
static void run(struct world *w)
{
	assert_true(loop_virtual_run_until_idle(w->loop, loop_now(w->loop) + 3600 * LOOP_SEC));
	assert_int_equal(requests_in_flight(w->requests), 0);
	assert_int_equal(w->ended, w->asked);
	for (unsigned i = 0; i < w->n; i++) {
		assert_int_equal(w->device[i].left, 0);
		assert_int_equal(w->device[i].sma.in_flight, 0);
	}
}

/* Let the engine know how long answers take, and quietly. */
static void warm_up(struct world *w)
{
	ask_all(w, 64 / w->n + 1);
	run(w);
}

static struct request_limits limits_of(unsigned window, unsigned per_sma)
{
	return (struct request_limits){ .window = window,
					.window_per_sma = per_sma,
					.tries = TRIES,
					.first_timeout_ms = 200,
					.min_timeout_ms = 10 };
}

static void note_time(struct agents *agents, unsigned i, const struct datagram *d,
		      const struct address *to)
{
	struct world *w = agents->user;

	(void)i;
	(void)d;
	(void)to;
	if (w->n_sent < COUNT(w->sent_at))
		w->sent_at[w->n_sent++] = loop_now(w->loop);
}

/* -- the common case ----------------------------------------------------------------------------
 */

static void every_request_is_answered_once(void **state)
{
	struct world *w = world_new(1, 10, 1000);

	(void)state;
	ask_all(w, 100);
	run(w);
	assert_int_equal(w->agents->sent, 1000);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 100);
	world_free(w);
}

static void check_datagram(struct agents *agents, unsigned i, const struct datagram *d,
			   const struct address *to)
{
	struct world *w = agents->user;
	uint8_t data[SMP_DATA_SIZE];
	uint8_t route[AGENTS_HOPS];

	assert_int_equal(i, 7);
	assert_int_equal(to->lid, LID_PERMISSIVE);
	assert_int_equal(to->qpn, 0);
	assert_int_equal(wire_get(d, MAD_BASE_VERSION), 1);
	assert_int_equal(wire_get(d, MAD_CLASS), CLASS_SM_DIRECTED);
	assert_int_equal(wire_get(d, MAD_CLASS_VERSION), 1);
	assert_int_equal(wire_get(d, MAD_METHOD), METHOD_SET);
	assert_int_equal(wire_get(d, MAD_STATUS), 0);
	assert_int_equal(wire_get(d, MAD_ATTR), attrs[0]);
	assert_int_equal(wire_get(d, MAD_MODIFIER), 0);
	assert_int_equal(wire_get(d, SMP_MKEY), 0x1122334455667788);
	assert_int_equal(wire_get(d, SMP_HOP_COUNT), AGENTS_HOPS);
	assert_int_equal(wire_get(d, SMP_HOP_POINTER), 0);
	assert_int_equal(wire_get(d, SMP_DR_SLID), LID_PERMISSIVE);
	assert_int_equal(wire_get(d, SMP_DR_DLID), LID_PERMISSIVE);
	agents_route(7, route);
	for (unsigned k = 0; k < AGENTS_HOPS; k++)
		assert_int_equal(wire_route_port(d, k + 1), route[k]);
	fill(data, 0);
	assert_memory_equal(smp_data_in(d), data, SMP_DATA_SIZE);
	w->n_sent++;
}

static void a_datagram_is_what_was_asked_for(void **state)
{
	struct world *w = world_new(1, 8, 1);

	(void)state;
	w->agents->see = check_datagram;
	w->mkey = 0x1122334455667788;
	ask(w, 7, 1);
	run(w);
	assert_int_equal(w->n_sent, 1);
	world_free(w);
}

static void note_mkey(struct agents *agents, unsigned i, const struct datagram *d,
		      const struct address *to)
{
	struct world *w = agents->user;

	(void)i;
	(void)to;
	w->sent_at[w->n_sent++] = wire_get(d, SMP_MKEY);
}

static void two_keys_are_tried_in_turn(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->agents->see = note_mkey;
	w->agents->agent[0].silent = true;
	w->mkey = 1;
	w->other_mkey = 2;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->n_sent, TRIES);
	for (unsigned i = 0; i < TRIES; i++)
		assert_int_equal(w->sent_at[i], 1 + i % 2);
	world_free(w);
}

static void asking_happens_soon_and_not_within_the_call(void **state)
{
	struct world *w = world_new(1, 1, 3);

	(void)state;
	ask(w, 0, 1);
	assert_int_equal(w->agents->sent, 0);
	loop_virtual_run_for(w->loop, 0);
	assert_int_equal(w->agents->sent, 1);

	ask(w, 0, 1);
	requests_pump(w->requests);
	assert_int_equal(w->agents->sent, 2);
	run(w);

	requests_make_ready(w->requests, &w->device[0].sma);
	run(w);
	assert_int_equal(w->agents->sent, 2);
	world_free(w);
}

static void a_refusal_is_an_answer_with_its_status(void **state)
{
	struct world *w = world_new(1, 1, 10);

	(void)state;
	w->agents->agent[0].status = STATUS_BAD_FIELD;
	ask(w, 0, 10);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_REFUSED], 10);
	assert_int_equal(w->device[0].status, STATUS_BAD_FIELD);
	assert_int_equal(w->agents->sent, 10);
	world_free(w);
}

static void a_refusal_by_lid_has_its_whole_status(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->device[0].sma.lid = 1;
	w->agents->agent[0].status = STATUS_BAD_METHOD_ATTR;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].status, STATUS_BAD_METHOD_ATTR);
	world_free(w);
}

static void batches_are_settled_before_more_is_asked(void **state)
{
	struct world *w = world_new(1, 4, 100);

	(void)state;
	/* That next() never comes between done() and settle(), the client itself checks. */
	ask_all(w, 25);
	run(w);
	assert_true(w->settled > 0);
	assert_false(w->unsettled);
	world_free(w);
}

static void when_nothing_is_left_to_be_asked_that_is_settled_too(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	requests_make_ready(w->requests, &w->device[0].sma);
	run(w);
	assert_int_equal(w->settled, 1);
	world_free(w);
}

/* -- fairness and windows -----------------------------------------------------------------------
 */

static void devices_get_equal_shares(void **state)
{
	struct world *w = world_new(1, 20, 200000);
	struct request_limits limits = limits_of(8, 4);
	unsigned least = UINT32_MAX;
	unsigned most = 0;

	(void)state;
	requests_set_limits(w->requests, &limits);
	for (unsigned i = 0; i < 20; i++)
		w->agents->agent[i].jitter = 50 * USEC;
	ask_all(w, 10000);
	loop_virtual_run_for(w->loop, 200 * MSEC);
	for (unsigned i = 0; i < 20; i++) {
		least = MIN(least, w->device[i].asked);
		most = MAX(most, w->device[i].asked);
	}
	assert_in_range(least, 500, 1000);
	assert_in_range(most - least, 0, 4);
	world_free(w);
}

static void one_device_never_has_more_than_its_window(void **state)
{
	struct world *w = world_new(1, 3, 3000);
	struct request_limits limits = limits_of(256, 4);

	(void)state;
	requests_set_limits(w->requests, &limits);
	ask_all(w, 1000);
	loop_virtual_run_for(w->loop, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->agents->agent[i].waiting, 2);
	run(w);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->agents->agent[i].most_waiting, 4);
	world_free(w);
}

static void the_limit_of_one_device_holds_from_the_first_request(void **state)
{
	struct world *w = world_new(1, 2, 200);
	struct request_limits limits = limits_of(256, 1);

	(void)state;
	requests_set_limits(w->requests, &limits);
	ask_all(w, 100);
	run(w);
	assert_int_equal(w->agents->agent[0].most_waiting, 1);
	assert_int_equal(w->agents->agent[1].most_waiting, 1);
	world_free(w);
}

static void all_together_never_have_more_than_the_window(void **state)
{
	struct world *w = world_new(1, 300, 30000);
	struct request_limits limits = limits_of(100, 4);

	(void)state;
	requests_set_limits(w->requests, &limits);
	ask_all(w, 100);
	loop_virtual_run_for(w->loop, 0);
	assert_int_equal(w->agents->waiting, 64);
	assert_int_equal(w->agents->transport.awaited, 64);
	run(w);
	assert_int_equal(w->agents->most_waiting, 100);
	assert_int_equal(w->agents->transport.awaited, 0);
	world_free(w);
}

static void no_limit_is_above_what_the_kernel_can_buffer(void **state)
{
	struct world *w = world_new(1, 1000, 100000);
	struct request_limits limits = limits_of(100000, 1000);

	(void)state;
	requests_set_limits(w->requests, &limits);
	ask_all(w, 100);
	run(w);
	assert_int_equal(w->agents->most_waiting, 448);
	world_free(w);
}

static void a_lower_limit_holds_as_soon_as_answers_have_come(void **state)
{
	struct world *w = world_new(1, 300, 30000);
	struct request_limits limits = limits_of(256, 4);

	(void)state;
	requests_set_limits(w->requests, &limits);
	ask_all(w, 100);
	loop_virtual_run_for(w->loop, 2 * MSEC);
	assert_in_range(w->agents->waiting, 200, 256);
	limits = limits_of(3, 4);
	requests_set_limits(w->requests, &limits);
	loop_virtual_run_for(w->loop, MSEC);
	assert_in_range(w->agents->waiting, 1, 3);
	run(w);
	world_free(w);
}

static void limits_of_nothing_still_ask(void **state)
{
	struct world *w = world_new(1, 2, 20);
	struct request_limits limits = { 0 };

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[1].silent = true;
	ask_all(w, 10);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 10);
	assert_int_equal(w->device[1].n[REQUEST_LOST], 10);
	assert_int_equal(w->device[1].tries, 1);
	world_free(w);
}

static void windows_grow_with_answers(void **state)
{
	struct world *w = world_new(1, 100, 100000);

	(void)state;
	assert_int_equal(requests_window(w->requests), 64);
	ask_all(w, 500);
	loop_virtual_run_for(w->loop, 150 * USEC);
	assert_int_equal(requests_window(w->requests), 128);
	run(w);
	assert_int_equal(requests_window(w->requests), 256);
	assert_int_equal(w->device[5].sma.window, 4);
	world_free(w);
}

/* The next request to the device is lost once. */
static void lose_one(struct world *w, unsigned i)
{
	w->agents->agent[i].silent = true;
	ask(w, i, 1);
	loop_virtual_run_for(w->loop, MSEC);
	w->agents->agent[i].silent = false;
}

static void windows_halve_when_a_later_try_is_answered(void **state)
{
	struct world *w = world_new(1, 10, 10000);

	(void)state;
	ask_all(w, 500);
	run(w);
	assert_int_equal(requests_window(w->requests), 256);
	assert_int_equal(w->device[3].sma.window, 4);

	lose_one(w, 3);
	assert_int_equal(requests_window(w->requests), 256);
	run(w);
	assert_int_equal(w->device[3].n[REQUEST_ANSWERED], 501);
	assert_int_equal(w->device[3].tries, 2);
	assert_int_equal(requests_window(w->requests), 128);
	assert_int_equal(w->device[3].sma.window, 2);
	assert_int_equal(w->device[4].sma.window, 4);
	world_free(w);
}

static void silence_alone_does_not_close_windows(void **state)
{
	struct world *w = world_new(1, 10, 10000);

	(void)state;
	ask_all(w, 500);
	run(w);
	for (unsigned i = 0; i < 5; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 20);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 20);
	assert_int_equal(requests_window(w->requests), 256);
	assert_int_equal(w->device[0].sma.window, 4);
	assert_int_equal(w->agents->transport.awaited, 0);
	world_free(w);
}

static void a_burst_of_loss_halves_the_window_once(void **state)
{
	struct world *w = world_new(1, 40, 40000);

	(void)state;
	ask_all(w, 300);
	run(w);
	assert_int_equal(requests_window(w->requests), 256);
	for (unsigned i = 0; i < 40; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 1);
	loop_virtual_run_for(w->loop, MSEC);
	for (unsigned i = 0; i < 40; i++)
		w->agents->agent[i].silent = false;
	run(w);
	assert_int_equal(requests_window(w->requests), 128);
	world_free(w);
}

static void windows_never_close(void **state)
{
	struct world *w = world_new(1, 10, 10000);

	(void)state;
	warm_up(w);
	for (unsigned n = 0; n < 20; n++) {
		lose_one(w, 0);
		run(w);
	}
	/* Every other try is lost: not for want of buffers of this one. */
	assert_int_equal(w->device[0].sma.window, 2);
	assert_in_range(requests_window(w->requests), 16, 32);
	ask(w, 0, 10);
	run(w);
	world_free(w);
}

/* -- loss ---------------------------------------------------------------------------------------
 */

static void lose(struct world *w, unsigned per_mille)
{
	for (unsigned i = 0; i < w->n; i++)
		w->agents->agent[i].loss = per_mille;
}

static void assert_all_answered(const struct world *w, unsigned least)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < w->n; i++)
		answered += w->device[i].n[REQUEST_ANSWERED];
	assert_in_range(answered, least, w->ended);
}

/* It is no want of buffers: what one try takes, each takes, and nothing stands still meanwhile. */
static void where_much_is_lost_tries_follow_each_other_soon(void **state)
{
	static const struct {
		unsigned loss, most_ms;
	} rows[] = { { 20, 100 }, { 200, 600 }, { 640, 6000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world *w = world_new(1, 50, 100000);
		uint64_t start;

		warm_up(w);
		lose(w, rows[i].loss);
		start = loop_now(w->loop);
		ask_all(w, 100);
		run(w);
		print_message("# loss of %u in 1000: 5000 requests in %u ms, patience %u\n",
			      rows[i].loss, (unsigned)((loop_now(w->loop) - start) / MSEC),
			      requests_patience(w->requests));
		assert_in_range(loop_now(w->loop) - start, 0, rows[i].most_ms * MSEC);
		world_free(w);
	}
}

/* Silent devices among them are given up as soon as ever, and make nobody patient. */
static void silence_is_no_loss(void **state)
{
	struct world *w = world_new(1, 50, 100000);

	(void)state;
	warm_up(w);
	assert_int_equal(requests_patience(w->requests), 1);
	for (unsigned i = 0; i < 40; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 40);
	run(w);
	assert_int_equal(requests_patience(w->requests), 1);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 40);
	world_free(w);
}

static void hear_the_second_key_only(struct agents *agents, unsigned i, const struct datagram *d,
				     const struct address *to)
{
	(void)to;
	agents->agent[i].silent = wire_get(d, SMP_MKEY) == 1;
}

static void no_answer_to_a_lid_or_to_one_of_two_keys_is_no_loss(void **state)
{
	struct world *w = world_new(1, 2, 400);

	(void)state;
	w->device[0].sma.lid = 1;
	w->agents->agent[0].deaf_to_lids = true;
	ask(w, 0, 100);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 100);
	assert_in_range(w->agents->agent[0].asked, 200, 210);
	assert_int_equal(requests_patience(w->requests), 1);

	w->agents->see = hear_the_second_key_only;
	w->mkey = 1;
	w->other_mkey = 2;
	ask(w, 1, 100);
	run(w);
	assert_int_equal(w->device[1].n[REQUEST_ANSWERED], 100);
	assert_in_range(w->agents->agent[1].asked, 200, 210);
	assert_int_equal(requests_patience(w->requests), 1);
	world_free(w);
}

static void an_agent_that_drops_what_it_cannot_buffer_is_asked_one_by_one(void **state)
{
	struct world *w = world_new(1, 50, 100000);

	(void)state;
	w->agents->agent[0].room = 1;
	ask_all(w, 500);
	run(w);
	assert_all_answered(w, 25000);
	/* Now and then the window is tried again. */
	assert_in_range(w->agents->agent[0].asked, 500, 550);
	assert_int_equal(w->agents->agent[1].asked, 500);
	world_free(w);
}

static void a_switch_that_drops_what_it_cannot_buffer_is_not_flooded(void **state)
{
	struct world *w = world_new(1, 200, 100000);

	(void)state;
	w->agents->room = 24;
	for (unsigned i = 0; i < w->n; i++)
		w->agents->agent[i].delay = 200 * USEC;
	ask_all(w, 200);
	run(w);
	print_message("# %u sent, %u dropped, window %u\n", w->agents->sent, w->agents->lost,
		      requests_window(w->requests));
	/* What all tries of are dropped, its owner asks for again. */
	assert_all_answered(w, 39000);
	assert_in_range(w->agents->lost, 1, w->agents->sent / 8);
	world_free(w);
}

static void requests_are_made_when_they_can_be_sent(void **state)
{
	struct world *w = world_new(1, 1000, 100000);

	(void)state;
	ask_all(w, 100);
	loop_virtual_run_for(w->loop, 0);
	assert_int_equal(w->asked, 64);
	for (unsigned i = 0; i < 20; i++) {
		loop_virtual_run_for(w->loop, 100 * USEC);
		assert_int_equal(w->asked, w->agents->sent);
		assert_in_range(w->asked - w->ended, 1, 448);
	}
	run(w);
	world_free(w);
}

/* -- time-outs ----------------------------------------------------------------------------------
 */

static void assert_gap(const struct world *w, unsigned i, uint64_t least, uint64_t most)
{
	uint64_t gap = w->sent_at[i + 1] - w->sent_at[i];

	assert_in_range(gap, least, most);
}

static void the_first_time_out_is_200_ms_and_doubles(void **state)
{
	struct world *w = world_new(1, 1, 1);
	uint64_t start = loop_now(w->loop);

	(void)state;
	w->agents->agent[0].silent = true;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->n_sent, TRIES);
	assert_gap(w, 0, 200 * MSEC, 200 * MSEC + TICK);
	assert_gap(w, 1, 400 * MSEC, 400 * MSEC + TICK);
	assert_gap(w, 2, 800 * MSEC, 800 * MSEC + TICK);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	assert_int_equal(w->device[0].tries, TRIES);
	assert_in_range(w->device[0].ended_at - start, 3000 * MSEC, 3000 * MSEC + 4 * TICK);
	world_free(w);
}

static void a_known_agent_gets_eight_round_trips(void **state)
{
	struct world *w = world_new(1, 1, 1000);

	(void)state;
	w->agents->agent[0].delay = 5 * MSEC;
	ask(w, 0, 200);
	run(w);
	w->agents->agent[0].silent = true;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->n_sent, TRIES);
	assert_gap(w, 0, 40 * MSEC, 41 * MSEC + TICK);
	assert_gap(w, 1, 80 * MSEC, 82 * MSEC + TICK);
	assert_gap(w, 2, 160 * MSEC, 164 * MSEC + TICK);
	world_free(w);
}

static void no_time_out_is_below_its_floor(void **state)
{
	struct world *w = world_new(1, 1, 1000);

	(void)state;
	w->agents->agent[0].delay = USEC;
	ask(w, 0, 200);
	run(w);
	w->agents->agent[0].silent = true;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	assert_gap(w, 0, 10 * MSEC, 10 * MSEC + TICK);
	assert_gap(w, 1, 20 * MSEC, 20 * MSEC + TICK);
	world_free(w);
}

static void an_unknown_agent_is_taken_for_one_like_the_others(void **state)
{
	struct world *w = world_new(1, 2, 1000);

	(void)state;
	w->agents->agent[0].delay = 5 * MSEC;
	ask(w, 0, 200);
	run(w);
	w->agents->agent[1].silent = true;
	w->agents->see = note_time;
	ask(w, 1, 1);
	run(w);
	assert_gap(w, 0, 40 * MSEC, 50 * MSEC);
	world_free(w);
}

static void a_known_agent_is_not_measured_by_the_others(void **state)
{
	struct world *w = world_new(1, 50, 10000);

	(void)state;
	w->agents->agent[0].delay = 50 * MSEC;
	ask_all(w, 100);
	run(w);
	w->agents->agent[0].silent = true;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	assert_gap(w, 0, 400 * MSEC, 420 * MSEC);
	w->n_sent = 0;
	w->agents->agent[1].silent = true;
	ask(w, 1, 1);
	run(w);
	assert_gap(w, 0, 10 * MSEC, 10 * MSEC + TICK);
	world_free(w);
}

static void a_stall_of_the_loop_does_not_make_answers_late(void **state)
{
	struct world *w = world_new(1, 3, 10000);
	struct request_limits limits = limits_of(256, 4);

	(void)state;
	limits.tries = 1;
	limits.first_timeout_ms = 4000;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].silent = true;
	w->agents->agent[1].delay = 3900 * MSEC;
	ask(w, 0, 1);
	loop_virtual_run_for(w->loop, MSEC);
	for (unsigned i = 1; i < 3; i++) {
		loop_virtual_stall(w->loop, i * 1000 * MSEC);
		ask(w, i, 1);
		requests_pump(w->requests);
	}
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	assert_int_equal(w->device[1].n[REQUEST_ANSWERED], 1);
	assert_int_equal(w->device[2].n[REQUEST_ANSWERED], 1);
	world_free(w);
}

/* As when routes are computed between the answer to one and the next. */
static void what_is_sent_after_long_thought_is_not_late(void **state)
{
	struct world *w = world_new(1, 1, 10000);
	struct request_limits limits = limits_of(256, 1);

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->thinks = 50 * MSEC;
	ask(w, 0, 100);
	run(w);
	assert_in_range(w->device[0].sma.srtt, 100, 110);
	assert_int_equal(w->agents->agent[0].asked, 100);
	world_free(w);
}

static void a_slow_agent_is_not_asked_twice(void **state)
{
	struct world *w = world_new(1, 50, 10000);

	(void)state;
	w->agents->agent[0].delay = 60 * MSEC;
	w->agents->agent[0].jitter = 20 * MSEC;
	ask_all(w, 100);
	run(w);
	/* The first one, while nothing is known of it, may be. */
	assert_in_range(w->agents->agent[0].asked, 100, 104);
	world_free(w);
}

/* As a switch: 300 us for each, and a moment ago it was asked one by one. Its window is open. */
static struct world *world_with_queue(unsigned burst)
{
	struct world *w = world_new(1, 1, 4000);
	struct request_limits limits = limits_of(256, 64);

	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].service = 300 * USEC;
	ask(w, 0, 3000);
	run(w);
	for (unsigned i = 0; i < 64; i++) {
		ask(w, 0, 1);
		run(w);
	}
	assert_int_equal(w->device[0].sma.window, 64);
	assert_in_range(w->device[0].sma.srtt, 400, 410);
	w->agents->agent[0].asked = 0;
	w->agents->see = note_time;
	ask(w, 0, burst);

	return w;
}

static void who_works_through_a_queue_is_not_asked_twice(void **state)
{
	struct world *w = world_with_queue(200);

	(void)state;
	run(w);
	assert_int_equal(w->agents->agent[0].asked, 200);
	world_free(w);
}

static void who_stops_in_the_middle_of_a_queue_is_asked_again_soon(void **state)
{
	struct world *w = world_with_queue(64);
	unsigned left;

	(void)state;
	loop_virtual_run_for(w->loop, 32 * 300 * USEC);
	left = w->asked - w->ended;
	agents_lose_all(w->agents);
	w->n_sent = 0;
	loop_virtual_run_for(w->loop, 10 * MSEC - 300 * USEC);
	assert_int_equal(w->n_sent, 0);
	loop_virtual_run_for(w->loop, 600 * USEC + TICK);
	assert_true(w->n_sent > 0);
	run(w);
	assert_int_equal(w->agents->agent[0].asked, 64 + left);
	world_free(w);
}

/* But not if something that was sent later has been answered, nor for ever. */
static void who_waits_its_turn_is_given_the_time_out_anew(void **state)
{
	struct sma sma = { .reached = 1000 * MSEC, .answered_at = 1050 * MSEC };
	uint64_t timeout = 10 * MSEC;

	(void)state;
	assert_int_equal(pace_deadline(&sma, 999 * MSEC, timeout), 1009 * MSEC);
	assert_int_equal(pace_deadline(&sma, 1000 * MSEC, timeout), 1060 * MSEC);
	assert_int_equal(pace_deadline(&sma, 1020 * MSEC, timeout), 1060 * MSEC);
	assert_int_equal(pace_deadline(&sma, 1055 * MSEC, timeout), 1065 * MSEC);
	sma.answered_at = 4999 * MSEC;
	assert_int_equal(pace_deadline(&sma, 1000 * MSEC, timeout), 5000 * MSEC);
}

static void no_try_waits_longer_than_four_seconds(void **state)
{
	struct world *w = world_new(1, 1, 10);
	struct request_limits limits = limits_of(256, 4);

	(void)state;
	limits.tries = 8;
	limits.first_timeout_ms = 1000;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].silent = true;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->n_sent, 8);
	assert_gap(w, 1, 2000 * MSEC, 2000 * MSEC + TICK);
	for (unsigned i = 2; i < 7; i++)
		assert_gap(w, i, 4000 * MSEC, 4000 * MSEC + TICK);
	world_free(w);
}

static void every_try_without_an_answer_is_told(void **state)
{
	struct world *w = world_new(1, 2, 20);

	(void)state;
	w->agents->agent[0].silent = true;
	ask_all(w, 10);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 10);
	for (unsigned tries = 1; tries < TRIES; tries++)
		assert_int_equal(w->late[tries], 10);
	assert_int_equal(w->late[TRIES], 0);
	assert_false(w->unsettled);
	world_free(w);
}

/* -- late, twice, out of order ------------------------------------------------------------------
 */

static void a_late_answer_to_an_earlier_try_counts_once(void **state)
{
	struct world *w = world_new(1, 1, 1);
	const struct request_totals *totals = requests_totals(w->requests);

	(void)state;
	w->agents->agent[0].delay = 100 * MSEC;
	w->agents->agent[0].delay_of_try = 250 * MSEC;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 1);
	assert_int_equal(w->device[0].tries, 2);
	assert_in_range(w->device[0].ended_at - LOOP_VIRTUAL_START, 250 * MSEC, 251 * MSEC);
	assert_int_equal(totals->stray, 1);
	/* The round trip is that of the try which was answered, and nothing was lost. */
	assert_int_equal(w->device[0].sma.srtt, 250000);
	assert_int_equal(w->device[0].sma.window, 2);
	world_free(w);
}

static void the_round_trip_of_a_second_try_is_its_own(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->agents->agent[0].delay = 3 * MSEC;
	lose_one(w, 0);
	run(w);
	assert_int_equal(w->device[0].tries, 2);
	assert_int_equal(w->device[0].sma.srtt, 3000);
	world_free(w);
}

static void an_answer_that_comes_after_the_end_is_a_stray(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->agents->agent[0].delay = 5000 * MSEC;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	assert_int_equal(requests_totals(w->requests)->stray, TRIES);
	world_free(w);
}

static void a_second_answer_is_a_stray(void **state)
{
	struct world *w = world_new(1, 10, 1000);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		w->agents->agent[i].repetition = 1000;
	ask_all(w, 100);
	run(w);
	assert_int_equal(w->agents->repeated, 1000);
	assert_int_equal(requests_totals(w->requests)->stray, 1000);
	world_free(w);
}

/* -- Sets of which a copy may still arrive -------------------------------------------------------
 */

static void a_set_that_is_answered_at_once_has_no_twin(void **state)
{
	struct world *w = world_new(1, 4, 400);

	(void)state;
	w->agents->agent[1].status = STATUS_BAD_FIELD;
	w->agents->agent[2].repetition = 1000;
	ask_all(w, 100);
	run(w);
	assert_int_equal(w->twins, 0);
	world_free(w);
}

/* Only the first of the three is a Set: see next(). */
static void of_a_set_that_was_repeated_the_try_without_an_answer_is_told(void **state)
{
	struct world *w = world_new(1, 1, 3);

	(void)state;
	w->agents->agent[0].delay = 3 * MSEC;
	lose_one(w, 0);
	run(w);
	assert_int_equal(w->device[0].tries, 2);
	assert_int_equal(w->twins, 1);
	assert_int_equal(w->twin_tag, 0);
	assert_int_equal(w->twin_sent_at, LOOP_VIRTUAL_START);
	lose_one(w, 0);
	run(w);
	assert_int_equal(w->device[0].tries, 2);
	assert_int_equal(w->twins, 1);
	world_free(w);
}

static void if_the_first_try_is_answered_late_the_second_is_the_twin(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->agents->agent[0].delay = 100 * MSEC;
	w->agents->agent[0].delay_of_try = 250 * MSEC;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].tries, 2);
	assert_int_equal(w->twins, 1);
	assert_in_range(w->twin_sent_at - LOOP_VIRTUAL_START, 200 * MSEC, 210 * MSEC);
	world_free(w);
}

static void a_set_that_is_lost_may_arrive_as_it_was_last_sent(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->agents->agent[0].silent = true;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	assert_int_equal(w->twins, 1);
	assert_in_range(w->twin_sent_at - LOOP_VIRTUAL_START, 1400 * MSEC, 1440 * MSEC);
	world_free(w);
}

static void what_was_answered_with_busy_or_not_sent_has_no_twin(void **state)
{
	struct world *w = world_new(1, 2, 5);

	(void)state;
	w->agents->agent[0].busy = 2;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].tries, 3);
	ask(w, 0, 3);
	run(w);
	w->agents->send_error = -ENOSPC;
	ask(w, 1, 1);
	loop_virtual_run_for(w->loop, 300 * MSEC);
	w->agents->send_error = 0;
	run(w);
	assert_int_equal(w->device[1].tries, 3);
	assert_int_equal(w->twins, 0);
	world_free(w);
}

static void answers_may_overtake_each_other(void **state)
{
	struct world *w = world_new(1, 10, 1000);

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		w->agents->agent[i].jitter = 5 * MSEC;
	ask_all(w, 100);
	run(w);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 100);
	assert_int_equal(w->agents->sent, 1000);
	world_free(w);
}

static uint32_t generation_of(const struct datagram *d)
{
	return (uint32_t)wire_get(d, MAD_TID) >> 14;
}

static void note_generations(struct agents *agents, unsigned i, const struct datagram *d,
			     const struct address *to)
{
	struct world *w = agents->user;

	(void)i;
	(void)to;
	if (generation_of(d) == (1u << 18) - 1)
		w->tids_seen |= 1;
	if (generation_of(d) == 0)
		w->tids_seen |= 2;
}

/* A seed with which the first slot's first generations are the last ones. */
static uint64_t seed_before_wrap(void)
{
	for (uint64_t seed = 0;; seed++) {
		struct loop *loop;
		uint64_t bits;

		assert_int_equal(loop_virtual_new(seed, &loop), 0);
		bits = loop_random(loop);
		loop_virtual_free(loop);
		if ((bits & 0x3ffff) > 0x3ff00)
			return seed;
	}
}

static void generations_wrap(void **state)
{
	struct world *w = world_new(seed_before_wrap(), 10, 20000);

	(void)state;
	w->agents->see = note_generations;
	for (unsigned i = 0; i < 10; i++)
		w->agents->agent[i].repetition = 100;
	ask_all(w, 2000);
	run(w);
	assert_int_equal(w->tids_seen, 3);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 2000);
	assert_int_equal(requests_totals(w->requests)->stray, w->agents->repeated);
	world_free(w);
}

/* -- silence ------------------------------------------------------------------------------------
 */

static uint64_t last_end(const struct world *w, unsigned first)
{
	uint64_t last = 0;

	for (unsigned i = first; i < w->n; i++)
		last = MAX(last, w->device[i].ended_at);

	return last - LOOP_VIRTUAL_START;
}

/* 1000 requests to 100 devices that answer in 100 us; the 100 before them may be silent. */
static uint64_t time_of_1000(bool with_silent, bool known)
{
	struct world *w = world_new(1, 200, 10000);
	uint64_t start;

	for (unsigned i = 0; i < 100; i++)
		w->agents->agent[i].silent = true;
	for (unsigned i = 100; known && i < 200; i++)
		ask(w, i, 1);
	run(w);
	start = loop_now(w->loop) - LOOP_VIRTUAL_START;
	for (unsigned i = with_silent ? 0 : 100; i < 200; i++)
		ask(w, i, 10);
	run(w);
	start = last_end(w, 100) - start;
	world_free(w);

	return start;
}

static void silent_devices_delay_nobody(void **state)
{
	uint64_t alone = time_of_1000(false, true);
	uint64_t among = time_of_1000(true, true);

	(void)state;
	print_message("# 1000 requests: %.1f ms alone, %.1f ms beside 100 silent devices\n",
		      (double)alone / 1e6, (double)among / 1e6);
	assert_in_range(among, alone, alone + 30 * MSEC);
}

static void at_the_very_start_silence_costs_little(void **state)
{
	uint64_t alone = time_of_1000(false, false);
	uint64_t among = time_of_1000(true, false);

	(void)state;
	print_message("# at the start: %.1f ms alone, %.1f ms beside 100 silent devices\n",
		      (double)alone / 1e6, (double)among / 1e6);
	assert_in_range(among, alone, alone + 150 * MSEC);
}

/* More silent requests than there are slots. */
static void a_region_without_power_does_not_stop_the_rest(void **state)
{
	struct world *w = world_new(1, 3000, 20000);

	(void)state;
	for (unsigned i = 2900; i < 3000; i++)
		ask(w, i, 1);
	run(w);
	for (unsigned i = 0; i < 2900; i++)
		w->agents->agent[i].silent = true;
	for (unsigned i = 0; i < 3000; i++)
		ask(w, i, 4);
	run(w);
	print_message("# beside 2900 silent devices: %.1f ms\n", (double)last_end(w, 2900) / 1e6);
	assert_in_range(last_end(w, 2900), 0, 60 * LOOP_SEC);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(w->device[i].n[i < 2900 ? REQUEST_LOST : REQUEST_ANSWERED],
				 i < 2900 ? 4 : 5);
	world_free(w);
}

/* As while a simulator is stopped: all that is sent waits, and is answered when it goes on. */
static void what_stands_still_is_not_sent_more(void **state)
{
	struct world *w = world_new(1, 300, 5000);
	unsigned before;

	(void)state;
	ask_all(w, 2);
	run(w);
	for (unsigned i = 0; i < 300; i++)
		w->agents->agent[i].delay = 60 * LOOP_SEC;
	w->agents->self.delay = 60 * LOOP_SEC;
	before = w->agents->sent;
	ask_all(w, 4);
	loop_virtual_run_for(w->loop, 59 * LOOP_SEC);
	assert_in_range(w->agents->sent - before, 64, 2 * 256 + 12);
	assert_in_range(w->agents->self.asked, 5, 12);
	assert_int_equal(w->ended, 600);
	assert_true(requests_stand_still(w->requests));

	for (unsigned i = 0; i < 300; i++)
		w->agents->agent[i].delay = 100 * USEC;
	w->agents->self.delay = 0;
	run(w);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 6);
	assert_false(requests_stand_still(w->requests));
	world_free(w);
}

static void even_if_nothing_moves_ever_again_requests_end(void **state)
{
	struct world *w = world_new(1, 100, 500);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		w->agents->agent[i].silent = true;
	w->agents->self.silent = true;
	ask_all(w, 1);
	assert_true(loop_virtual_run_until_idle(w->loop, loop_now(w->loop) + 4 * 3600 * LOOP_SEC));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(w->device[i].n[REQUEST_LOST], 1);
	world_free(w);
}

/* As when the cable of our own port is pulled. */
static void where_only_our_own_device_answers_requests_end(void **state)
{
	struct world *w = world_new(1, 300, 5000);

	(void)state;
	ask_all(w, 2);
	run(w);
	for (unsigned i = 0; i < 300; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 1);
	loop_virtual_run_for(w->loop, 10 * LOOP_SEC);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(w->device[i].n[REQUEST_LOST], 1);
	assert_false(requests_stand_still(w->requests));
	world_free(w);
}

/* A sweep begins with our own device, and asks nobody else before that has answered. */
static void our_own_device_tells_whoever_asks_it(void **state)
{
	struct world *w = world_new(1, 10, 100);

	(void)state;
	w->device[0].sma.hops = 0;
	w->agents->self.silent = true;
	for (unsigned i = 0; i < 2; i++) {
		assert_false(requests_stand_still(w->requests));
		ask(w, 0, 1);
		run(w);
	}
	assert_true(requests_stand_still(w->requests));
	ask(w, 1, 1);
	run(w);
	assert_false(requests_stand_still(w->requests));
	world_free(w);
}

/* A few silent devices are no reason to ask. */
static void our_own_device_is_asked_only_when_the_window_is_full(void **state)
{
	struct world *w = world_new(1, 10, 100);

	(void)state;
	w->agents->agent[0].silent = true;
	ask_all(w, 3);
	run(w);
	assert_int_equal(w->agents->self.asked, 0);
	world_free(w);
}

static bool say_nothing(struct agents *agents, unsigned i, struct datagram *answer)
{
	struct world *w = agents->user;

	(void)i;
	(void)answer;
	w->n_sent++;

	return false;
}

/* As ibsim does: the request itself comes back at once. */
static void give_back(struct agents *agents, unsigned i, const struct datagram *d,
		      const struct address *to)
{
	struct arrival arrival = { .datagram = *d, .undelivered = true };

	(void)i;
	(void)to;
	agents_deliver(agents, &arrival, 50 * USEC);
}

static void what_comes_back_undelivered_is_no_answer(void **state)
{
	struct world *w = world_new(1, 1, 2);

	(void)state;
	w->agents->see = give_back;
	w->agents->change = say_nothing;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	assert_int_equal(w->agents->sent, TRIES);
	assert_int_equal(requests_totals(w->requests)->undelivered, TRIES);
	assert_in_range(loop_now(w->loop) - LOOP_VIRTUAL_START, 3000 * MSEC, 3100 * MSEC);

	/* The answer that comes after it counts. */
	w->agents->change = NULL;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 1);
	world_free(w);
}

static void what_comes_back_undelivered_makes_room(void **state)
{
	struct world *w = world_new(1, 2, 2);
	struct request_limits limits = limits_of(1, 1);

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->agents->see = give_back;
	w->agents->agent[0].silent = true;
	ask_all(w, 1);
	loop_virtual_run_for(w->loop, MSEC);
	assert_int_equal(w->device[1].n[REQUEST_ANSWERED], 1);
	run(w);
	world_free(w);
}

static void busy_means_ask_again(void **state)
{
	struct world *w = world_new(1, 2, 10);

	(void)state;
	w->agents->agent[0].busy = 2;
	w->device[1].sma.lid = 2;
	w->agents->agent[1].busy = 2;
	w->agents->see = note_time;
	ask(w, 0, 1);
	run(w);
	ask(w, 1, 1);
	run(w);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 1);
		assert_int_equal(w->device[i].tries, 3);
	}
	assert_gap(w, 0, 10 * MSEC, 210 * MSEC);
	assert_int_equal(requests_totals(w->requests)->malformed, 0);
	assert_int_equal(requests_totals(w->requests)->stray, 0);
	world_free(w);
}

static void an_agent_that_is_always_busy_does_not_hold_the_window(void **state)
{
	struct world *w = world_new(1, 2, 2);
	struct request_limits limits = limits_of(1, 1);

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].busy = 1000;
	ask_all(w, 1);
	loop_virtual_run_for(w->loop, MSEC);
	assert_int_equal(w->device[1].n[REQUEST_ANSWERED], 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
	world_free(w);
}

static void a_failure_to_send_is_a_try_without_an_answer(void **state)
{
	struct world *w = world_new(1, 1, 2);

	(void)state;
	w->agents->send_error = -ENOSPC;
	ask(w, 0, 2);
	loop_virtual_run_for(w->loop, 300 * MSEC);
	w->agents->send_error = 0;
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 2);
	assert_int_equal(requests_totals(w->requests)->send_errors, 4);
	assert_int_equal(requests_totals(w->requests)->sent, 6);
	world_free(w);
}

/* -- answers that are none ----------------------------------------------------------------------
 */

struct lie {
	const char *name;
	enum wire_field field;
	uint64_t flip;
	bool by_lid;
	bool stray; /* so wrong that it fits no request at all */
};

static const struct lie lies[] = {
	{ .name = "attribute", .field = MAD_ATTR, .flip = 1 },
	{ .name = "modifier", .field = MAD_MODIFIER, .flip = 0x80000000 },
	{ .name = "method Get", .field = MAD_METHOD, .flip = METHOD_GET_RESPONSE ^ 0x92 },
	{ .name = "TrapRepress",
	  .field = MAD_METHOD,
	  .flip = METHOD_GET_RESPONSE ^ METHOD_TRAP_REPRESS },
	{ .name = "class SA", .field = MAD_CLASS, .flip = CLASS_SM_DIRECTED ^ CLASS_SA },
	{ .name = "class LID", .field = MAD_CLASS, .flip = CLASS_SM_DIRECTED ^ CLASS_SM_LID },
	{ .name = "class directed",
	  .field = MAD_CLASS,
	  .flip = CLASS_SM_DIRECTED ^ CLASS_SM_LID,
	  .by_lid = true },
	{ .name = "class version", .field = MAD_CLASS_VERSION, .flip = 3 },
	{ .name = "base version", .field = MAD_BASE_VERSION, .flip = 0x80 },
	{ .name = "no direction", .field = SMP_DIRECTION, .flip = 1 },
	{ .name = "slot", .field = MAD_TID, .flip = 0x400, .stray = true },
	{ .name = "try", .field = MAD_TID, .flip = 0x2000, .stray = true },
	{ .name = "generation", .field = MAD_TID, .flip = 0x4000, .stray = true },
};

static const struct lie *current_lie;

static bool lie(struct agents *agents, unsigned i, struct datagram *answer)
{
	(void)agents;
	(void)i;
	wire_set(answer, current_lie->field,
		 wire_get(answer, current_lie->field) ^ current_lie->flip);

	return true;
}

static void answers_that_do_not_fit_are_counted_and_ignored(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(lies); i++) {
		struct world *w = world_new(i, 1, 1);
		const struct request_totals *totals = requests_totals(w->requests);
		unsigned tries = lies[i].by_lid ? 1 : TRIES;

		current_lie = &lies[i];
		w->agents->change = lie;
		w->device[0].sma.lid = lies[i].by_lid;
		if (lies[i].by_lid) {
			struct request_limits limits = limits_of(256, 4);

			limits.tries = 1;
			requests_set_limits(w->requests, &limits);
		}
		ask(w, 0, 1);
		run(w);
		if (totals->malformed != (lies[i].stray ? 0 : tries) ||
		    totals->stray != (lies[i].stray ? tries : 0))
			fail_msg("wrong %s: %u malformed, %u stray", lies[i].name,
				 (unsigned)totals->malformed, (unsigned)totals->stray);
		assert_int_equal(w->device[0].n[REQUEST_LOST], 1);
		world_free(w);
	}
}

static bool send_junk(struct agents *agents, unsigned i, struct datagram *answer)
{
	struct arrival arrival = { .datagram = *answer };

	(void)i;
	for (unsigned n = 0; n < 20; n++) {
		unsigned at = (unsigned)(loop_random(agents->loop) % 24);

		arrival.datagram = *answer;
		arrival.datagram.bytes[at] ^= (uint8_t)(1 + loop_random(agents->loop) % 255);
		arrival.datagram.bytes[3] |= METHOD_RESPONSE;
		/* The upper half of a TID is the kernel's, and hop pointers are used up. */
		if ((at >= 8 && at < 12) || at == 4 || at == 5 || at == 6 || at == 7 || at == 18 ||
		    at == 19 || (at == 3 && arrival.datagram.bytes[3] == METHOD_GET_RESPONSE))
			continue;
		agents_deliver(agents, &arrival, 0);
	}

	return true;
}

static void junk_that_looks_like_answers_harms_nobody(void **state)
{
	struct world *w = world_new(5, 20, 2000);
	const struct request_totals *totals = requests_totals(w->requests);

	(void)state;
	w->agents->change = send_junk;
	ask_all(w, 100);
	run(w);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(w->device[i].n[REQUEST_ANSWERED], 100);
	assert_true(totals->malformed > 1000);
	assert_true(totals->stray > 1000);
	world_free(w);
}

static void requests_of_others_are_not_ours(void **state)
{
	static const uint8_t methods[] = { METHOD_GET, METHOD_SET, METHOD_TRAP, METHOD_REPORT };
	struct world *w = world_new(1, 1, 1);

	(void)state;
	for (unsigned i = 0; i < COUNT(methods); i++) {
		struct arrival arrival = { .undelivered = false };

		wire_start(&arrival.datagram, CLASS_SM_LID, methods[i], ATTR_SM_INFO, 0);
		assert_false(requests_receive(w->requests, &arrival));
	}
	world_free(w);
}

/* -- by LID -------------------------------------------------------------------------------------
 */

static void note_classes(struct agents *agents, unsigned i, const struct datagram *d,
			 const struct address *to)
{
	struct world *w = agents->user;

	(void)i;
	assert_int_equal(to->lid, wire_is_directed(d) ? LID_PERMISSIVE : 1);
	w->sent_at[w->n_sent++] = wire_get(d, MAD_CLASS);
}

static void an_agent_with_a_lid_is_asked_by_lid(void **state)
{
	struct world *w = world_new(1, 1, 10);

	(void)state;
	w->device[0].sma.lid = 1;
	w->agents->see = note_classes;
	ask(w, 0, 10);
	run(w);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(w->sent_at[i], CLASS_SM_LID);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 10);
	world_free(w);
}

static void a_lid_may_come_and_go(void **state)
{
	struct world *w = world_new(1, 1, 20000);

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		w->device[0].sma.lid = i % 2;
		ask(w, 0, 3000);
		run(w);
	}
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 18000);
	assert_int_equal(w->agents->sent, 18000);
	world_free(w);
}

static void where_the_lid_leads_nowhere_the_directed_route_follows(void **state)
{
	struct world *w = world_new(1, 1, 10);

	(void)state;
	w->device[0].sma.lid = 1;
	w->agents->agent[0].deaf_to_lids = true;
	w->agents->see = note_classes;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->n_sent, 2);
	assert_int_equal(w->sent_at[0], CLASS_SM_LID);
	assert_int_equal(w->sent_at[1], CLASS_SM_DIRECTED);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 1);
	world_free(w);
}

static void a_late_answer_by_lid_counts_though_the_route_was_tried(void **state)
{
	struct world *w = world_new(1, 1, 1);

	(void)state;
	w->device[0].sma.lid = 1;
	w->agents->agent[0].delay_of_try = 250 * MSEC;
	w->agents->agent[0].delay = 1000 * MSEC;
	ask(w, 0, 1);
	run(w);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 1);
	assert_in_range(w->device[0].ended_at - LOOP_VIRTUAL_START, 250 * MSEC, 251 * MSEC);
	world_free(w);
}

static void a_request_with_a_route_of_its_own_goes_that_way(void **state)
{
	struct world *w = world_new(1, 2, 10);

	(void)state;
	w->device[0].sma.lid = 1;
	w->detour = 1;
	w->agents->agent[1].loss = 300;
	ask(w, 0, 10);
	run(w);
	assert_int_equal(w->device[0].ended, 10);
	assert_int_equal(w->agents->agent[0].asked, 0);
	assert_int_equal(w->agents->agent[1].asked, w->agents->sent);
	assert_true(w->agents->lost > 0);
	world_free(w);
}

/* -- cancelling and callbacks -------------------------------------------------------------------
 */

static void cancel(struct world *w, unsigned i)
{
	struct device *device = &w->device[i];

	requests_cancel(w->requests, &device->sma);
	assert_int_equal(device->sma.in_flight, 0);
	device->left = 0;
	for (unsigned tag = 0; tag < w->asked; tag++)
		if (w->owner[tag] == i) {
			w->owner[tag] = NOBODY;
			w->ended++;
		}
}

static void what_is_cancelled_is_forgotten(void **state)
{
	struct world *w = world_new(1, 3, 300);
	unsigned answered;

	(void)state;
	ask_all(w, 100);
	loop_virtual_run_for(w->loop, 150 * USEC);
	answered = w->device[1].ended;
	assert_int_equal(w->device[1].sma.in_flight, 2);
	cancel(w, 1);
	run(w);
	assert_int_equal(w->device[1].ended, answered);
	assert_int_equal(w->device[0].n[REQUEST_ANSWERED], 100);
	assert_int_equal(w->device[2].n[REQUEST_ANSWERED], 100);
	assert_int_equal(requests_totals(w->requests)->stray, 2);

	ask(w, 1, 1);
	run(w);
	assert_int_equal(w->device[1].ended, answered + 1);
	world_free(w);
}

static void a_set_that_is_cancelled_may_arrive_too(void **state)
{
	struct world *w = world_new(1, 1, 3);

	(void)state;
	w->agents->agent[0].silent = true;
	ask(w, 0, 2);
	loop_virtual_run_for(w->loop, MSEC);
	assert_int_equal(w->device[0].sma.in_flight, 2);
	cancel(w, 0);
	assert_int_equal(w->twins, 1);
	assert_int_equal(w->twin_tag, 0);
	assert_int_equal(w->twin_sent_at, LOOP_VIRTUAL_START);
	run(w);
	assert_int_equal(w->twins, 1);
	world_free(w);
}

static void the_room_of_the_cancelled_is_for_others(void **state)
{
	struct world *w = world_new(1, 2, 2);
	struct request_limits limits = limits_of(1, 1);

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].silent = true;
	ask_all(w, 1);
	loop_virtual_run_for(w->loop, MSEC);
	assert_int_equal(w->agents->agent[1].asked, 0);
	cancel(w, 0);
	run(w);
	assert_int_equal(w->device[1].n[REQUEST_ANSWERED], 1);
	assert_in_range(w->device[1].ended_at - LOOP_VIRTUAL_START, 0, 2 * MSEC);
	world_free(w);
}

static void what_waits_for_another_try_can_be_cancelled(void **state)
{
	struct world *w = world_new(1, 3, 30);
	struct request_limits limits = limits_of(2, 2);

	(void)state;
	requests_set_limits(w->requests, &limits);
	w->agents->agent[0].silent = true;
	w->agents->agent[1].silent = true;
	ask_all(w, 10);
	for (unsigned i = 0; i < 100; i++) {
		loop_virtual_run_for(w->loop, 7 * MSEC);
		if (i == 70)
			cancel(w, 0);
	}
	cancel(w, 1);
	run(w);
	assert_int_equal(w->device[2].n[REQUEST_ANSWERED], 10);
	world_free(w);
}

static void cancel_both(struct world *w, struct device *device, const struct answer *answer)
{
	(void)answer;
	if (device != w->other)
		return;
	for (unsigned i = 0; i < 50; i++)
		cancel(w, i);
}

static void done_may_cancel_anybody(void **state)
{
	struct world *w = world_new(1, 100, 1000);

	(void)state;
	w->on_done = cancel_both;
	w->other = &w->device[20];
	for (unsigned i = 0; i < 100; i++)
		w->agents->agent[i].silent = i < 60;
	ask_all(w, 2);
	run(w);
	assert_int_equal(w->device[20].ended, 1);
	for (unsigned i = 50; i < 100; i++)
		assert_int_equal(w->device[i].ended, 2);
	world_free(w);
}

static void give_up(struct world *w, struct device *device)
{
	cancel(w, (unsigned)(device - w->device));
}

static void late_may_cancel_its_agent(void **state)
{
	struct world *w = world_new(1, 40, 400);

	(void)state;
	w->on_late = give_up;
	for (unsigned i = 0; i < 30; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 10);
	run(w);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(w->device[i].ended, i < 30 ? 0 : 10);
		assert_in_range(w->agents->agent[i].asked, 1, 10);
	}
	world_free(w);
}

static void ask_more(struct world *w, struct device *device, const struct answer *answer)
{
	if (w->asked < 500) {
		ask(w, (unsigned)(device - w->device), 1);
		if (answer->request->tag % 2)
			requests_pump(w->requests);
	}
}

static void done_may_ask_for_more(void **state)
{
	struct world *w = world_new(1, 10, 1000);
	static const struct request_handler without_settle = { .next = next, .done = done };

	(void)state;
	requests_free(w->requests);
	assert_int_equal(
		requests_new(w->loop, &w->agents->transport, &without_settle, w, &w->requests), 0);
	w->on_done = ask_more;
	for (unsigned i = 0; i < 5; i++)
		w->agents->agent[i].silent = true;
	w->never_settles = true;
	ask_all(w, 1);
	run(w);
	assert_in_range(w->asked, 500, 510);
	world_free(w);
}

static void an_engine_can_be_freed_with_requests_in_flight(void **state)
{
	struct world *w = world_new(1, 100, 1000);

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		w->agents->agent[i].silent = true;
	ask_all(w, 5);
	loop_virtual_run_for(w->loop, 90 * USEC);
	assert_int_equal(requests_in_flight(w->requests), 64);
	requests_free(w->requests);
	assert_int_equal(w->ended, 0);

	/* The agents are as good as new. */
	assert_int_equal(requests_new(w->loop, &w->agents->transport, &handler, w, &w->requests),
			 0);
	for (unsigned i = 0; i < 50; i++)
		w->agents->agent[i].silent = false;
	for (unsigned tag = 0; tag < w->asked; tag++) {
		w->owner[tag] = NOBODY;
		w->ended++;
	}
	ask_all(w, 1);
	run(w);
	world_free(w);
}

/* -- counters -----------------------------------------------------------------------------------
 */

static void counters_add_up(void **state)
{
	struct world *w = world_new(9, 60, 6000);
	struct request_counts sum = { 0 };
	struct request_counts one;
	uint16_t attr;
	uint8_t method;
	unsigned kinds = 0;

	(void)state;
	for (unsigned i = 0; i < 60; i++)
		w->agents->agent[i] = (struct agent){ .delay = 100 * USEC,
						      .jitter = 30 * MSEC,
						      .loss = 200,
						      .silent = i % 10 == 0,
						      .status = i % 10 == 1 ? STATUS_BAD_METHOD : 0,
						      .repetition = 50 };
	ask_all(w, 100);
	run(w);

	for (; requests_count(w->requests, kinds, &attr, &method, &one); kinds++) {
		assert_true(method == METHOD_GET || method == METHOD_SET);
		assert_int_equal(one.sent,
				 one.retried + one.answered + one.refused + one.timed_out);
		sum.sent += one.sent;
		sum.answered += one.answered;
		sum.refused += one.refused;
		sum.timed_out += one.timed_out;
	}
	assert_int_equal(kinds, 2 * COUNT(attrs));
	assert_int_equal(sum.sent, w->agents->sent);
	assert_int_equal(sum.sent, requests_totals(w->requests)->sent);
	assert_int_equal(sum.answered + sum.refused + sum.timed_out, 6000 + w->agents->self.asked);
	assert_true(sum.refused >= 500 && sum.timed_out >= 600);
	world_free(w);
}

/* -- all at once --------------------------------------------------------------------------------
 */

static void note_tid(struct agents *agents, unsigned i, const struct datagram *d,
		     const struct address *to)
{
	struct world *w = agents->user;

	(void)i;
	(void)to;
	assert_true(w->tids_seen < 1000000);
	w->tids[w->tids_seen++] = (uint32_t)wire_get(d, MAD_TID);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void soak(uint64_t seed)
{
	struct world *w = world_new(seed, 300, 100000);
	unsigned answered = 0;

	w->tids = calloc(1000000, sizeof(uint32_t));
	assert_non_null(w->tids);
	w->agents->see = note_tid;
	for (unsigned i = 0; i < 300; i++)
		w->agents->agent[i] = (struct agent){ .delay = (20 + i) * USEC,
						      .jitter = i * 100 * USEC,
						      .loss = i % 50 ? 400 : 1000,
						      .repetition = 100,
						      .deaf_to_lids = i % 7 == 0,
						      .busy = i % 11 };
	for (unsigned i = 0; i < 300; i += 3)
		w->device[i].sma.lid = (uint16_t)(i + 1);
	for (unsigned i = 0; i < 300; i++)
		ask(w, i, i < 100 ? 334 : 333);
	run(w);

	assert_int_equal(w->ended, 100000);
	for (unsigned i = 0; i < 300; i++)
		answered += w->device[i].n[REQUEST_ANSWERED];
	/* 0.4^4 of those that can be answered are lost. */
	assert_in_range(answered, 92000, 97000);
	qsort(w->tids, w->tids_seen, sizeof(uint32_t), compare);
	for (unsigned long i = 1; i < w->tids_seen; i++)
		assert_true(w->tids[i - 1] != w->tids[i]);
	print_message("# seed %u: %u answered, %lu sent, %.1f s\n", (unsigned)seed, answered,
		      w->tids_seen, (double)(loop_now(w->loop) - LOOP_VIRTUAL_START) / 1e9);
	world_free(w);
}

static void all_requests_end_with_40_percent_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		soak(seed);
}

static void the_same_seed_tells_the_same_story(void **state)
{
	uint64_t ends[2];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct world *w = world_new(77, 30, 3000);

		for (unsigned i = 0; i < 30; i++)
			w->agents->agent[i] =
				(struct agent){ .loss = 300, .jitter = MSEC, .repetition = 100 };
		ask_all(w, 100);
		run(w);
		ends[k] = loop_now(w->loop) * 1000 + w->agents->sent;
		world_free(w);
	}
	assert_int_equal(ends[0], ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_is_answered_once),
		cmocka_unit_test(a_datagram_is_what_was_asked_for),
		cmocka_unit_test(two_keys_are_tried_in_turn),
		cmocka_unit_test(asking_happens_soon_and_not_within_the_call),
		cmocka_unit_test(a_refusal_is_an_answer_with_its_status),
		cmocka_unit_test(a_refusal_by_lid_has_its_whole_status),
		cmocka_unit_test(batches_are_settled_before_more_is_asked),
		cmocka_unit_test(when_nothing_is_left_to_be_asked_that_is_settled_too),
		cmocka_unit_test(devices_get_equal_shares),
		cmocka_unit_test(one_device_never_has_more_than_its_window),
		cmocka_unit_test(the_limit_of_one_device_holds_from_the_first_request),
		cmocka_unit_test(all_together_never_have_more_than_the_window),
		cmocka_unit_test(no_limit_is_above_what_the_kernel_can_buffer),
		cmocka_unit_test(a_lower_limit_holds_as_soon_as_answers_have_come),
		cmocka_unit_test(limits_of_nothing_still_ask),
		cmocka_unit_test(windows_grow_with_answers),
		cmocka_unit_test(windows_halve_when_a_later_try_is_answered),
		cmocka_unit_test(silence_alone_does_not_close_windows),
		cmocka_unit_test(a_burst_of_loss_halves_the_window_once),
		cmocka_unit_test(windows_never_close),
		cmocka_unit_test(where_much_is_lost_tries_follow_each_other_soon),
		cmocka_unit_test(silence_is_no_loss),
		cmocka_unit_test(no_answer_to_a_lid_or_to_one_of_two_keys_is_no_loss),
		cmocka_unit_test(an_agent_that_drops_what_it_cannot_buffer_is_asked_one_by_one),
		cmocka_unit_test(a_switch_that_drops_what_it_cannot_buffer_is_not_flooded),
		cmocka_unit_test(requests_are_made_when_they_can_be_sent),
		cmocka_unit_test(the_first_time_out_is_200_ms_and_doubles),
		cmocka_unit_test(a_known_agent_gets_eight_round_trips),
		cmocka_unit_test(no_time_out_is_below_its_floor),
		cmocka_unit_test(an_unknown_agent_is_taken_for_one_like_the_others),
		cmocka_unit_test(a_known_agent_is_not_measured_by_the_others),
		cmocka_unit_test(a_stall_of_the_loop_does_not_make_answers_late),
		cmocka_unit_test(what_is_sent_after_long_thought_is_not_late),
		cmocka_unit_test(a_slow_agent_is_not_asked_twice),
		cmocka_unit_test(who_works_through_a_queue_is_not_asked_twice),
		cmocka_unit_test(who_stops_in_the_middle_of_a_queue_is_asked_again_soon),
		cmocka_unit_test(who_waits_its_turn_is_given_the_time_out_anew),
		cmocka_unit_test(no_try_waits_longer_than_four_seconds),
		cmocka_unit_test(every_try_without_an_answer_is_told),
		cmocka_unit_test(a_late_answer_to_an_earlier_try_counts_once),
		cmocka_unit_test(the_round_trip_of_a_second_try_is_its_own),
		cmocka_unit_test(an_answer_that_comes_after_the_end_is_a_stray),
		cmocka_unit_test(a_second_answer_is_a_stray),
		cmocka_unit_test(a_set_that_is_answered_at_once_has_no_twin),
		cmocka_unit_test(of_a_set_that_was_repeated_the_try_without_an_answer_is_told),
		cmocka_unit_test(if_the_first_try_is_answered_late_the_second_is_the_twin),
		cmocka_unit_test(a_set_that_is_lost_may_arrive_as_it_was_last_sent),
		cmocka_unit_test(what_was_answered_with_busy_or_not_sent_has_no_twin),
		cmocka_unit_test(answers_may_overtake_each_other),
		cmocka_unit_test(generations_wrap),
		cmocka_unit_test(silent_devices_delay_nobody),
		cmocka_unit_test(at_the_very_start_silence_costs_little),
		cmocka_unit_test(a_region_without_power_does_not_stop_the_rest),
		cmocka_unit_test(what_stands_still_is_not_sent_more),
		cmocka_unit_test(even_if_nothing_moves_ever_again_requests_end),
		cmocka_unit_test(where_only_our_own_device_answers_requests_end),
		cmocka_unit_test(our_own_device_tells_whoever_asks_it),
		cmocka_unit_test(our_own_device_is_asked_only_when_the_window_is_full),
		cmocka_unit_test(what_comes_back_undelivered_is_no_answer),
		cmocka_unit_test(what_comes_back_undelivered_makes_room),
		cmocka_unit_test(busy_means_ask_again),
		cmocka_unit_test(an_agent_that_is_always_busy_does_not_hold_the_window),
		cmocka_unit_test(a_failure_to_send_is_a_try_without_an_answer),
		cmocka_unit_test(answers_that_do_not_fit_are_counted_and_ignored),
		cmocka_unit_test(junk_that_looks_like_answers_harms_nobody),
		cmocka_unit_test(requests_of_others_are_not_ours),
		cmocka_unit_test(an_agent_with_a_lid_is_asked_by_lid),
		cmocka_unit_test(a_lid_may_come_and_go),
		cmocka_unit_test(where_the_lid_leads_nowhere_the_directed_route_follows),
		cmocka_unit_test(a_late_answer_by_lid_counts_though_the_route_was_tried),
		cmocka_unit_test(a_request_with_a_route_of_its_own_goes_that_way),
		cmocka_unit_test(what_is_cancelled_is_forgotten),
		cmocka_unit_test(a_set_that_is_cancelled_may_arrive_too),
		cmocka_unit_test(the_room_of_the_cancelled_is_for_others),
		cmocka_unit_test(what_waits_for_another_try_can_be_cancelled),
		cmocka_unit_test(done_may_cancel_anybody),
		cmocka_unit_test(late_may_cancel_its_agent),
		cmocka_unit_test(done_may_ask_for_more),
		cmocka_unit_test(an_engine_can_be_freed_with_requests_in_flight),
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(all_requests_end_with_40_percent_lost),
		cmocka_unit_test(the_same_seed_tells_the_same_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
