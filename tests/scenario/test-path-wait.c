/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Hosts that ask for paths while it is not known which there are: service levels change as a cable
 * comes or goes, or the subnet manager has just started. Every question has one answer, which is
 * true at the moment at which it is sent.
 */

#include "tests/scenario/sa-client.h"
#include "tests/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/machine.h"

enum { PATH_RECORD = 0x35, MASK_GIDS = 4 | 8, GET_RESP = 0x81 };
enum { OK = 0, BUSY = 1 };
enum { QUESTIONS = 4096 };

#define LATENCY (200 * LOOP_USEC) /* of SMPs, so that changes take some time */

struct question {
	unsigned n_heard;   /* copies that reached the subnet manager */
	unsigned n_sent;    /* answers that left it, */
	unsigned status;    /* of the last */
	unsigned n_answers; /* and arrived */
};

/* All that is asked has a TID of its own: the number of its question. */
struct crowd {
	struct scenario *s;
	struct sim_client client[64];
	struct question question[QUESTIONS];
	unsigned n;
	transport_fn heard; /* of the subnet manager; NULL: nobody listens */
	void *heard_user;
	unsigned n_wrong;     /* answers with another level than was in force */
	unsigned most_held;   /* that were seen to wait */
	unsigned seen_levels; /* bits */
};

/* ---- answers ----------------------------------------------------------------------------------
 */

static uint32_t port_of_lid(const struct sm *sm, const uint8_t *record, enum wire_field field)
{
	return sm_fabric(sm)->by_lid[wire_get(record, field)];
}

static struct question *question_of(struct crowd *c, const struct datagram *d)
{
	uint64_t n = wire_get(d, MAD_TID) & 0xffffffff;

	assert_true(n < c->n);

	return &c->question[n];
}

static void hear(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct crowd *c = user;

	for (unsigned i = 0; i < n; i++) {
		const struct datagram *d = &arrivals[i].datagram;

		if (wire_get(d, MAD_CLASS) == CLASS_SA && wire_get(d, MAD_ATTR) == PATH_RECORD &&
		    !arrivals[i].undelivered)
			question_of(c, d)->n_heard++;
	}
	c->heard(c->heard_user, arrivals, n, why);
}

/* As it leaves. */
static void look_at(void *user, const struct datagram *d)
{
	struct crowd *c = user;
	const struct sm *sm = c->s->first.sm;
	const uint8_t *record = sa_data_in(d);
	unsigned level = (unsigned)wire_get(record, PATH_SL);

	if (wire_get(d, MAD_CLASS) != CLASS_SA || wire_get(d, MAD_ATTR) != PATH_RECORD)
		return;
	question_of(c, d)->n_sent++;
	question_of(c, d)->status = (unsigned)wire_get(d, MAD_STATUS);
	if (wire_get(d, MAD_STATUS) != STATUS_OK)
		return;
	c->seen_levels |= 1u << level;
	c->n_wrong += level != sm_service_level(sm, port_of_lid(sm, record, PATH_SLID),
						port_of_lid(sm, record, PATH_DLID));
	c->n_wrong += lanes_are_changing(sm);
}

static void note(void *user, const struct sim_packet *packet)
{
	struct crowd *c = user;
	const ib_sa_mad_t *mad = (const ib_sa_mad_t *)packet->bytes;
	uint64_t n = be64toh(mad->trans_id) & 0xffffffff;

	if (mad->mgmt_class != CLASS_SA || mad->method != GET_RESP)
		return;
	assert_true(n < c->n);
	c->question[n].n_answers++;
}

/* ---- questions --------------------------------------------------------------------------------
 */

static struct crowd *gather(struct scenario *s)
{
	struct crowd *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_true(s->n_hosts <= COUNT(c->client));
	c->s = s;
	for (uint32_t i = 1; i < s->n_hosts; i++) {
		c->client[i] = (struct sim_client){ .receive = note, .user = c, .qpn = 1 };
		assert_int_equal(sim_attach(scenario_host(s, i), &c->client[i]), 0);
	}
	s->sent = look_at;
	s->sent_user = c;
	if (s->first.sm)
		transport_sim_watch(s->first.transport, look_at, c);

	return c;
}

static void disperse(struct crowd *c)
{
	c->s->sent = NULL;
	if (c->s->first.sm)
		transport_sim_watch(c->s->first.transport, NULL, NULL);
	for (uint32_t i = 1; i < c->s->n_hosts; i++)
		sim_detach(&c->client[i]);
	if (c->heard) {
		c->s->first.transport->fn = c->heard;
		c->s->first.transport->user = c->heard_user;
	}
	free(c);
}

/* Where cables are pulled questions are lost, and answers. */
static void listen_to(struct crowd *c, struct transport *t)
{
	c->heard = t->fn;
	c->heard_user = t->user;
	t->fn = hear;
	t->user = c;
}

static void send(struct crowd *c, uint64_t tid, uint32_t from, uint32_t to)
{
	const struct sim_port *a = scenario_host(c->s, from), *b = scenario_host(c->s, to);
	ib_path_rec_t record = { .num_path = 1 };

	record.dgid.unicast.prefix = record.sgid.unicast.prefix = a->info.subnet_prefix;
	record.sgid.unicast.interface_id = htobe64(a->guid);
	record.dgid.unicast.interface_id = htobe64(b->guid);
	assert_true(sa_send_raw(&c->client[from], tid, SIM_GET, PATH_RECORD, MASK_GIDS, &record,
				sizeof(record)));
}

/* A new question; its number. */
static unsigned put(struct crowd *c, uint32_t from, uint32_t to)
{
	assert_true(c->n < QUESTIONS);
	send(c, c->n, from, to);

	return c->n++;
}

/* Somebody asks for the way to somebody else, again and again. */
static void ask_for(struct crowd *c, unsigned times, uint64_t every)
{
	const struct sm *sm = c->s->first.sm;

	for (unsigned i = 0; i < times; i++) {
		uint32_t from = 1 + (uint32_t)scenario_random(c->s, c->s->n_hosts - 1);

		put(c, from, (uint32_t)scenario_random(c->s, c->s->n_hosts));
		scenario_run(c->s, every);
		c->most_held = MAX(c->most_held, sm->path_wait.held.n);
	}
}

static void expect_one_answer_each(struct crowd *c)
{
	scenario_run(c->s, 10 * LOOP_SEC);
	for (unsigned i = 0; i < c->n; i++) {
		const struct question *q = &c->question[i];

		assert_int_equal(q->n_sent, c->heard ? q->n_heard : 1);
		if (!c->heard)
			assert_int_equal(q->n_answers, 1);
	}
	assert_int_equal(c->n_wrong, 0);
	assert_int_equal(c->s->first.sm->path_wait.held.n, 0);
}

static void expect_paths(struct crowd *c)
{
	expect_one_answer_each(c);
	for (unsigned i = 0; i < c->n; i++)
		if (c->question[i].n_sent)
			assert_int_equal(c->question[i].status, OK);
}

/* ---- stories ----------------------------------------------------------------------------------
 */

static void come_up(struct scenario *s, struct made_graph *graph)
{
	scenario_build(s, graph);
	scenario_start_sm(s);
	scenario_settle(s);
}

static void cables_come_and_go_and_all_have_an_answer(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;

	come_up(s, graph_make_torus(5, 5, 1, 1));
	c = gather(s);
	listen_to(c, s->first.transport);
	transport_sim_set_latency(s->first.transport, LATENCY);
	for (uint32_t i = 0; i < 8; i++) {
		scenario_pull(s, scenario_link(s, i));
		ask_for(c, 200, 20 * LOOP_USEC);
		scenario_plug(s, scenario_link(s, i));
		ask_for(c, 200, 20 * LOOP_USEC);
		scenario_settle(s);
	}
	expect_paths(c);
	assert_true(c->most_held > 0);
	assert_true(__builtin_popcount(c->seen_levels) > 1);
	scenario_expect_all_good(s);
	disperse(c);
}

static void swap_cables(struct sim_port *a, struct sim_port *b)
{
	struct sim_port *at_a = a->far, *at_b = b->far;

	sim_cable_pull(a);
	sim_cable_pull(b);
	a->far = b->far = at_a->far = at_b->far = NULL;
	assert_int_equal(sim_cable(a, at_b), 0);
	assert_int_equal(sim_cable(b, at_a), 0);
}

static unsigned count_answers(const struct crowd *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->n; i++)
		n += c->question[i].n_sent;

	return n;
}

/* Levels of pairs stay, but to where old ways lead those of another pair are sent: see levels.c. */
static void who_has_moved_is_told_of_when_old_ways_are_gone(void **state)
{
	struct scenario *s = *state;
	const struct routing *routing;
	struct crowd *c;
	uint64_t n_again;
	unsigned n_seen = 0;

	come_up(s, graph_make_torus(5, 5, 1, 2));
	routing = &s->first.sm->routing;
	n_again = routing->n_again;
	c = gather(s);
	listen_to(c, s->first.transport);
	transport_sim_set_latency(s->first.transport, LATENCY);
	swap_cables(scenario_host(s, 15), scenario_host(s, 38));
	for (unsigned i = 0; i < 1000; i++) {
		bool withdraws = routing->withdrawn;
		unsigned n = count_answers(c);

		put(c, 1, 15);
		scenario_run(s, 20 * LOOP_USEC);
		if (!withdraws || !routing->withdrawn)
			continue;
		n_seen++;
		assert_int_equal(count_answers(c), n);
	}
	assert_true(n_seen > 0);
	assert_true(routing->n_again > n_again);
	expect_one_answer_each(c);
	scenario_settle(s);
	scenario_expect_all_good(s);
	disperse(c);
}

/* Before it has tables of its own it could only say that there is no path at all. */
static void who_has_just_started_says_nothing_wrong(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;

	come_up(s, graph_make_ft2(6));
	scenario_kill_sm(s);
	c = gather(s);
	for (unsigned i = 0; i < 40; i++) {
		scenario_start_sm(s);
		transport_sim_set_latency(s->first.transport, LATENCY);
		while (s->first.sm->state != SM_MASTER)
			scenario_run(s, LATENCY / 4);
		scenario_run(s, i * LATENCY / 4);
		ask_for(c, 20, 10 * LOOP_USEC);
		scenario_settle(s);
		scenario_kill_sm(s);
	}
	scenario_start_sm(s);
	scenario_settle(s);
	expect_paths(c);
	assert_true(c->most_held > 0);
	disperse(c);
}

/* The disk is slow, so the plan is in force late. */
static void be_slow(struct scenario *s, uint64_t delay)
{
	scenario_kill_sm(s);
	memory_keeper_clear(s->first.keeper);
	memory_keeper_set_delay(s->first.keeper, delay);
	scenario_start_sm(s);
	scenario_run(s, 20 * LOOP_MSEC);
	assert_int_equal(s->first.sm->state, SM_MASTER);
	assert_true(lanes_are_changing(s->first.sm));
}

static void eleven_copies_are_one_question(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;
	unsigned n;

	come_up(s, graph_make_torus(5, 5, 1, 1));
	c = gather(s);
	be_slow(s, 2 * LOOP_SEC);
	n = put(c, 3, 7);
	for (unsigned i = 0; i < 10; i++) {
		scenario_run(s, 100 * LOOP_MSEC);
		send(c, n, 3, 7);
	}
	assert_int_equal(c->question[n].n_answers, 0);
	expect_paths(c);
	disperse(c);
}

static void who_has_waited_for_long_is_told_to_ask_again(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;
	unsigned first, second;

	come_up(s, graph_make_torus(5, 5, 1, 1));
	c = gather(s);
	be_slow(s, 3 * LOOP_SEC);
	first = put(c, 3, 7);
	scenario_run(s, 3900 * LOOP_MSEC);
	assert_int_equal(c->question[first].n_answers, 0);
	second = put(c, 4, 8);
	scenario_run(s, 200 * LOOP_MSEC);
	assert_int_equal(c->question[first].n_answers, 1);
	assert_int_equal(c->question[first].status, BUSY);
	assert_int_equal(c->question[second].n_answers, 0);
	expect_one_answer_each(c);
	assert_int_equal(c->question[second].status, OK);
	disperse(c);
}

static void who_asks_for_too_much_leaves_room_for_others(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;
	unsigned n_busy = 0;

	come_up(s, graph_make_torus(5, 5, 1, 1));
	c = gather(s);
	be_slow(s, 2 * LOOP_SEC);
	for (unsigned i = 0; i < 1000; i++)
		put(c, 3, 7);
	scenario_run(s, 100 * LOOP_MSEC);
	for (unsigned i = 0; i < c->n; i++)
		n_busy += c->question[i].n_answers == 1 && c->question[i].status == BUSY;
	assert_in_range(n_busy, 1, 999);
	for (uint32_t i = 4; i < s->n_hosts; i++)
		put(c, i, 7);
	expect_one_answer_each(c);
	for (unsigned i = 1000; i < c->n; i++)
		assert_int_equal(c->question[i].status, OK);
	for (unsigned i = 0; i < 1000; i++)
		n_busy -= c->question[i].status == BUSY;
	assert_int_equal(n_busy, 0);
	disperse(c);
}

/* Nothing is left of those that wait. */
static void it_ends_while_they_wait(void **state)
{
	struct scenario *s = *state;
	struct crowd *c;

	come_up(s, graph_make_torus(5, 5, 1, 1));
	c = gather(s);
	be_slow(s, 2 * LOOP_SEC);
	put(c, 3, 7);
	scenario_run(s, 100 * LOOP_MSEC);
	assert_int_equal(s->first.sm->path_wait.held.n, 1);
	scenario_stop_sm(s);
	disperse(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up_lanes, scenario_tear_down)
		TEST(cables_come_and_go_and_all_have_an_answer),
		TEST(who_has_moved_is_told_of_when_old_ways_are_gone),
		TEST(who_has_just_started_says_nothing_wrong),
		TEST(eleven_copies_are_one_question),
		TEST(who_has_waited_for_long_is_told_to_ask_again),
		TEST(who_asks_for_too_much_leaves_room_for_others),
		TEST(it_ends_while_they_wait),
	};

	return cmocka_run_group_tests_name("path-wait", tests, NULL, NULL);
}
