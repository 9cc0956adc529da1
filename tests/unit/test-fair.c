/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One that asks thousands of times keeps nobody waiting who asks once.
 */

#include "tests/unit/world.h"

#include "mad/wire.h"
#include "sm/fair.h"

#define MANY 1000u

static struct arrival ask(uint16_t lid, uint64_t tid)
{
	struct arrival arrival = { .from = { .qpn = 1, .lid = lid } };

	wire_start(&arrival.datagram, CLASS_SA, METHOD_GET, ATTR_CLASS_PORT_INFO, 0);
	wire_set(&arrival.datagram, MAD_TID, tid);

	return arrival;
}

static struct arrival tell(uint16_t lid)
{
	struct arrival arrival = ask(lid, 0);

	wire_set(&arrival.datagram, MAD_CLASS, CLASS_SM_LID);

	return arrival;
}

static void sources_take_turns_and_what_is_not_asked_comes_first(void **state)
{
	static const uint16_t expected[] = { 2, 6, 0, 5, 7, 1, 8, 3, 4 };
	static struct fair fair;
	struct arrival all[] = { ask(9, 1), ask(9, 2), tell(9),   ask(9, 3), ask(9, 4),
				 ask(8, 1), tell(7),   ask(7, 1), ask(8, 2) };
	uint16_t order[FAIR_MAX];

	(void)state;
	for (unsigned twice = 0; twice < 2; twice++) {
		fair_order(&fair, all, COUNT(all), order);
		assert_memory_equal(order, expected, sizeof(expected));
	}
}

static void as_many_as_there_is_room_for_are_each_taken_once(void **state)
{
	struct arrival *all = calloc(FAIR_MAX, sizeof(*all));
	struct fair *fair = calloc(1, sizeof(*fair));
	bool *seen = calloc(FAIR_MAX, sizeof(*seen));
	uint16_t order[FAIR_MAX];

	(void)state;
	assert_true(all && fair && seen);
	for (unsigned lids = 1; lids <= FAIR_MAX; lids *= 4) {
		memset(seen, 0, FAIR_MAX * sizeof(*seen));
		for (unsigned i = 0; i < FAIR_MAX; i++)
			all[i] = ask((uint16_t)(i % lids * 15), i);
		fair_order(fair, all, FAIR_MAX, order);
		for (unsigned i = 0; i < FAIR_MAX; i++) {
			assert_in_range(order[i], 0, FAIR_MAX - 1);
			assert_false(seen[order[i]]);
			seen[order[i]] = true;
		}
	}
	fair_order(fair, all, 0, order);
	free(seen);
	free(fair);
	free(all);
}

/* -- the whole machine --------------------------------------------------------------------------
 */

static struct answers {
	const struct transport_ops *ops;
	uint16_t lid[2 * MANY];
	unsigned n;
} answers;

static int send_and_note(struct transport *t, const struct datagram *d, const struct address *to,
			 unsigned timeout_ms)
{
	if (wire_get(d, MAD_CLASS) == CLASS_SA && answers.n < COUNT(answers.lid))
		answers.lid[answers.n++] = to->lid;

	return answers.ops->send(t, d, to, timeout_ms);
}

static void who_asks_once_is_answered_before_the_flood_of_another(void **state)
{
	struct arrival *all = calloc(MANY + 1, sizeof(*all));
	struct world *w = *state;
	struct transport_ops ops;
	uint16_t flood, once;

	assert_non_null(all);
	world_start(w);
	flood = fake_lid(w->host[1], 1);
	once = fake_lid(w->host[2], 1);
	for (unsigned i = 0; i < MANY; i++)
		all[i] = ask(flood, i);
	all[MANY] = ask(once, 1);
	answers = (struct answers){ .ops = w->f->transport.ops };
	ops = *w->f->transport.ops;
	ops.send = send_and_note;
	w->f->transport.ops = &ops;
	sm_receive(w->sm, all, MANY + 1);
	w->f->transport.ops = answers.ops;
	assert_int_equal(answers.n, MANY + 1);
	assert_int_equal(answers.lid[0], flood);
	assert_int_equal(answers.lid[1], once);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_take_turns_and_what_is_not_asked_comes_first),
		cmocka_unit_test(as_many_as_there_is_room_for_are_each_taken_once),
		TEST(who_asks_once_is_answered_before_the_flood_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
