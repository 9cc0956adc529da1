/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Requests that are held: each once, in their order, and no more of anybody than may be.
 */

#include "sm/held.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

enum { IN_ALL = 4096, OF_LID = 1024, OF_VF = 128 };

static const struct held_limits limits = { IN_ALL, OF_LID, OF_VF };

static int begin(void **state)
{
	struct held *held = malloc(sizeof(*held));

	if (!held)
		return -1;
	held_init(held, limits);
	*state = held;

	return 0;
}

static int end(void **state)
{
	held_done(*state);
	free(*state);

	return 0;
}

static struct arrival request_of(uint16_t lid, unsigned vf, unsigned number)
{
	struct arrival arrival = { .from = { .lid = lid, .qpn = 1 } };

	wire_set(&arrival.datagram, MAD_TID, (uint64_t)vf << 56 | number);

	return arrival;
}

static bool add(struct held *held, uint16_t lid, unsigned vf, unsigned number)
{
	struct arrival arrival = request_of(lid, vf, number);

	return held_has_room(held, &arrival) && held_add(held, &arrival);
}

static void a_request_is_the_same_if_all_of_it_is_and_its_place(void **state)
{
	struct held *held = *state;
	struct arrival arrival = request_of(7, 0, 1);

	assert_false(held_has(held, &arrival));
	assert_true(add(held, 7, 0, 1));
	assert_true(held_has(held, &arrival));
	arrival.from.qpn = 5;
	assert_false(held_has(held, &arrival));
	arrival = request_of(7, 0, 1);
	arrival.from.lid = 7 + HELD_BUCKETS;
	assert_false(held_has(held, &arrival));
	arrival = request_of(7, 0, 1);
	arrival.datagram.bytes[MAD_SIZE - 1] = 1;
	assert_false(held_has(held, &arrival));
}

static void they_stay_in_their_order_whoever_goes(void **state)
{
	struct held *held = *state;
	unsigned number = 0;

	for (unsigned i = 0; i < 30; i++)
		assert_true(add(held, (uint16_t)(1 + i % 3), 0, i));
	for (struct list *l = held->all.next, *next; l != &held->all; l = next) {
		struct held_request *r = LIST_ENTRY(l, struct held_request, link);

		next = l->next;
		if (r->arrival.from.lid == 2)
			held_drop(held, r);
	}
	assert_int_equal(held->n, 20);
	for (struct list *l = held->all.next; l != &held->all; l = l->next, number++) {
		struct held_request *r = LIST_ENTRY(l, struct held_request, link);

		number += number % 3 == 1;
		assert_int_equal(wire_get(&r->arrival.datagram, MAD_TID), number);
	}
}

static void nobody_fills_it_alone(void **state)
{
	struct held *held = *state;
	unsigned lid = 0;

	for (unsigned i = 0; i < OF_VF; i++)
		assert_true(add(held, 1, 0, i));
	assert_false(add(held, 1, 0, OF_VF));
	/* A neighbor in the bucket is another one. */
	assert_true(add(held, 1 + HELD_BUCKETS, 0, 0));
	/* One who says to be many is one all the same. */
	for (unsigned i = OF_VF; i < OF_LID; i++)
		assert_true(add(held, 1, 1 + i % 200, i));
	assert_false(add(held, 1, 250, 0));
	for (lid = 1000; held->n < IN_ALL; lid++)
		assert_true(add(held, (uint16_t)lid, 0, 0));
	assert_false(add(held, (uint16_t)lid, 0, 0));
	held_drop(held, LIST_ENTRY(held->all.next, struct held_request, link));
	assert_true(add(held, (uint16_t)lid, 0, 0));
}

/* It counts as so many datagrams, and its message is a copy. */
static void a_long_request_takes_more_room(void **state)
{
	struct held *held = *state;
	uint8_t message[20 * MAD_SIZE] = { 1, 2, 3 };
	struct arrival arrival = request_of(1, 0, 0);
	const struct held_request *first;
	unsigned n = 0;

	arrival.message = message;
	arrival.length = sizeof(message);
	for (; held_has_room(held, &arrival); n++)
		assert_non_null(held_add(held, &arrival));
	assert_int_equal(n, OF_VF / 21);
	assert_int_equal(held->n, n * 21);
	message[0] = 0;
	first = LIST_ENTRY(held->all.next, struct held_request, link);
	assert_int_equal(first->arrival.message[0], 1);
	assert_int_equal(first->arrival.length, sizeof(message));
	while (!list_is_empty(&held->all))
		held_drop(held, LIST_ENTRY(held->all.next, struct held_request, link));
	assert_int_equal(held->n, 0);
	assert_true(add(held, 1, 0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
		TEST(a_request_is_the_same_if_all_of_it_is_and_its_place),
		TEST(they_stay_in_their_order_whoever_goes),
		TEST(nobody_fills_it_alone),
		TEST(a_long_request_takes_more_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
