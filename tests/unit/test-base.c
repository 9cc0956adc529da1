/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * base/: the array, the ring, the wheel, the map and the log. The map is held against a plain array
 * of all that is in it, over many thousand random steps, because what goes wrong in open addressing
 * goes wrong when something is taken out.
 */

#include "base/array.h"
#include "base/guid-map.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "base/wheel.h"
#include "base/xoshiro.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- array ----------------------------------------------------------------------------------- */

static void an_array_grows_as_elements_are_added_and_keeps_them(void **unused)
{
	uint64_t *numbers = NULL;
	uint32_t room = 0;

	(void)unused;
	for (uint32_t n = 0; n < 1000; n++) {
		uint32_t before = room;

		assert_int_equal(array_make_room(&numbers, n, &room, 3, sizeof(*numbers)), 0);
		assert_true(room > n);
		assert_true(room == before || (n == before && room == (n ? 2 * n : 3)));
		numbers[n] = n;
	}
	for (uint32_t n = 0; n < 1000; n++)
		assert_int_equal(numbers[n], n);
	free(numbers);
}

static void an_array_that_cannot_grow_is_what_it_was(void **unused)
{
	static const uint32_t too_many = UINT32_C(1) << 31;
	uint32_t room = too_many;
	uint8_t byte = 7;
	uint8_t *bytes = &byte;

	(void)unused;
	assert_int_equal(array_make_room(&bytes, too_many, &room, 64, 1), -ENOMEM);
	assert_ptr_equal(bytes, &byte);
	assert_int_equal(room, too_many);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct item {
	int number;
	struct list link;
};

static int take_number(struct list *ring)
{
	struct list *link = list_take_first(ring);

	return link ? LIST_ENTRY(link, struct item, link)->number : 0;
}

static void a_list_gives_back_in_the_order_of_adding(void **unused)
{
	struct item items[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	struct list ring;

	(void)unused;
	list_init(&ring);
	assert_true(list_is_empty(&ring));

	for (size_t i = 0; i < COUNT(items); i++)
		list_add_tail(&ring, &items[i].link);

	for (int number = 1; number <= 3; number++)
		assert_int_equal(take_number(&ring), number);
	assert_null(list_take_first(&ring));
	assert_true(list_is_empty(&ring));
}

static void removing_an_element_twice_harms_nobody(void **unused)
{
	struct item items[3];
	struct list ring;

	(void)unused;
	list_init(&ring);
	for (size_t i = 0; i < COUNT(items); i++)
		list_add_tail(&ring, &items[i].link);

	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_true(list_is_empty(&items[1].link));

	assert_ptr_equal(list_take_first(&ring), &items[0].link);
	assert_ptr_equal(list_take_first(&ring), &items[2].link);
	assert_true(list_is_empty(&ring));
}

/* ---- wheel ----------------------------------------------------------------------------------- */

/* Deadlines at random places up to half a minute away, which is several times round the wheel. */
#define N_DEADLINES 500
#define FARTHEST    (30 * LOOP_SEC)
#define LATE        (8 * LOOP_MSEC) /* two ticks */

struct deadline {
	struct list link;
	uint64_t at; /* 0: not in the wheel */
};

struct clock {
	struct wheel wheel;
	struct deadline all[N_DEADLINES];
	uint64_t now;
	unsigned rung;
};

static void ring_or_put_back(void *user, struct list *l)
{
	struct clock *c = user;
	struct deadline *d = LIST_ENTRY(l, struct deadline, link);

	assert_true(d->at > 0);
	if (d->at > c->now) {
		wheel_put(&c->wheel, l, d->at);
		return;
	}
	d->at = 0;
	c->rung++;
}

static void put_or_take_back(struct clock *c, struct deadline *d, struct xoshiro *random)
{
	if (d->at) {
		list_remove(&d->link);
		d->at = 0;
		return;
	}
	d->at = c->now + xoshiro_next(random) % FARTHEST;
	wheel_put(&c->wheel, &d->link, d->at);
}

static void a_deadline_rings_once_and_neither_early_nor_late(void **unused)
{
	static struct clock c;
	struct xoshiro random;

	(void)unused;
	xoshiro_seed(&random, 1);
	wheel_init(&c.wheel);
	c.now = 12345 * LOOP_MSEC;
	wheel_start(&c.wheel, c.now);
	for (unsigned i = 0; i < N_DEADLINES; i++)
		list_init(&c.all[i].link);

	for (unsigned step = 0; step < 20000; step++) {
		struct deadline *d = &c.all[xoshiro_next(&random) % N_DEADLINES];

		put_or_take_back(&c, d, &random);
		c.now += xoshiro_next(&random) % (step % 1000 ? 10 * LOOP_MSEC : FARTHEST);
		if (wheel_next(&c.wheel) > c.now)
			continue;
		wheel_turn(&c.wheel, c.now, ring_or_put_back, &c);
		for (unsigned i = 0; i < N_DEADLINES; i++)
			assert_true(!c.all[i].at || c.all[i].at + LATE > c.now);
	}
	assert_true(c.rung > 1000);
}

/* ---- guid-map -------------------------------------------------------------------------------- */

static void an_empty_map_holds_nothing_and_refuses_guid_zero(void **unused)
{
	struct guid_map map = { 0 };

	(void)unused;
	assert_int_equal(guid_map_get(&map, 1), GUID_MAP_NONE);
	assert_false(guid_map_remove(&map, 1));
	assert_int_equal(guid_map_put(&map, 0, 7), -EINVAL);
	assert_int_equal(guid_map_get(&map, 0), GUID_MAP_NONE);
	guid_map_done(&map);
}

static void a_second_put_replaces_the_value(void **unused)
{
	struct guid_map map = { 0 };

	(void)unused;
	assert_int_equal(guid_map_put(&map, 0x2c9030000a1b2c, 1), 0);
	assert_int_equal(guid_map_put(&map, 0x2c9030000a1b2c, 2), 0);
	assert_int_equal(map.n_used, 1);
	assert_int_equal(guid_map_get(&map, 0x2c9030000a1b2c), 2);

	guid_map_done(&map);
	assert_int_equal(guid_map_get(&map, 0x2c9030000a1b2c), GUID_MAP_NONE);
}

/* GUIDs as vendors give them out: one prefix, counted up, in steps. */
#define N_GUIDS 700
#define N_STEPS 40000

static uint64_t guid_of(unsigned i)
{
	return 0xec0d9a0300000000 + (uint64_t)(i + 1) * 8;
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void assert_same(const struct guid_map *map, const uint32_t *model)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N_GUIDS; i++) {
		assert_int_equal(guid_map_get(map, guid_of(i)), model[i]);
		n += model[i] != GUID_MAP_NONE;
	}
	assert_int_equal(map->n_used, n);
}

static void a_map_behaves_as_a_plain_table_whatever_is_put_and_removed(void **unused)
{
	struct guid_map map = { 0 };
	uint32_t model[N_GUIDS];
	uint64_t random = 88172645463325252;

	(void)unused;
	memset(model, 0xff, sizeof(model));

	for (unsigned step = 0; step < N_STEPS; step++) {
		unsigned i = (unsigned)(random_next(&random) % N_GUIDS);
		uint32_t value = (uint32_t)(random_next(&random) % 1000);

		if (random_next(&random) % 2) {
			assert_int_equal(guid_map_put(&map, guid_of(i), value), 0);
			model[i] = value;
		} else {
			assert_int_equal(guid_map_remove(&map, guid_of(i)),
					 model[i] != GUID_MAP_NONE);
			model[i] = GUID_MAP_NONE;
		}
		if (step % 100 == 0)
			assert_same(&map, model);
	}

	assert_same(&map, model);
	guid_map_done(&map);
}

/* ---- log ------------------------------------------------------------------------------------- */

struct heard {
	unsigned n;
	enum log_level level;
	struct log_where where;
	char text[LOG_TEXT_MAX];
};

static void hear(enum log_level level, const struct log_where *where, const char *text, void *user)
{
	struct heard *heard = user;

	heard->n++;
	heard->level = level;
	heard->where = where ? *where : (struct log_where){ 0 };
	snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static int listen_to_log(void **state)
{
	static struct heard heard;

	heard = (struct heard){ 0 };
	log_set_sink(hear, &heard);
	log_set_level(LOG_LEVEL_INFO);
	*state = &heard;
	return 0;
}

static int stop_listening(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static void a_message_reaches_the_sink_with_level_and_place(void **state)
{
	struct heard *heard = *state;
	struct log_where where = { .guid = 0xabc, .lid = 5, .port = 3 };

	log_say(LOG_LEVEL_NOTICE, &where, "port %d is %s", 3, "up");
	assert_int_equal(heard->n, 1);
	assert_int_equal(heard->level, LOG_LEVEL_NOTICE);
	assert_int_equal(heard->where.guid, 0xabc);
	assert_int_equal(heard->where.lid, 5);
	assert_int_equal(heard->where.port, 3);
	assert_string_equal(heard->text, "port 3 is up");
}

static void messages_above_the_level_are_dropped(void **state)
{
	struct heard *heard = *state;

	log_debug("not yet");
	assert_int_equal(heard->n, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	assert_int_equal(heard->n, 1);

	log_set_level(LOG_LEVEL_ERROR);
	log_warning("no more");
	log_peer(0, NULL, "nor from peers");
	assert_int_equal(heard->n, 1);
}

static void a_message_too_long_is_cut_and_not_lost(void **state)
{
	struct heard *heard = *state;
	char long_text[4096];

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';

	log_error("%s", long_text);
	assert_int_equal(heard->n, 1);
	assert_int_equal(strlen(heard->text), LOG_TEXT_MAX - 1);
}

static void peers_get_ten_messages_a_second_and_the_rest_is_counted(void **state)
{
	struct heard *heard = *state;
	/* Seconds that no other test of this process used. */
	uint64_t now = UINT64_C(1000) * 1000000000;

	for (unsigned i = 0; i < 25; i++)
		log_peer(now + i, NULL, "malformed MAD %u", i);
	assert_int_equal(heard->n, 10);
	assert_string_equal(heard->text, "malformed MAD 9");

	log_peer(now + UINT64_C(1000000000), NULL, "one more");
	assert_int_equal(heard->n, 12); /* how many were left out, and the new one */
	assert_string_equal(heard->text, "one more");
	assert_int_equal(heard->level, LOG_LEVEL_WARNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_array_grows_as_elements_are_added_and_keeps_them),
		cmocka_unit_test(an_array_that_cannot_grow_is_what_it_was),
		cmocka_unit_test(a_list_gives_back_in_the_order_of_adding),
		cmocka_unit_test(removing_an_element_twice_harms_nobody),
		cmocka_unit_test(a_deadline_rings_once_and_neither_early_nor_late),
		cmocka_unit_test(an_empty_map_holds_nothing_and_refuses_guid_zero),
		cmocka_unit_test(a_second_put_replaces_the_value),
		cmocka_unit_test(a_map_behaves_as_a_plain_table_whatever_is_put_and_removed),
		cmocka_unit_test_setup_teardown(a_message_reaches_the_sink_with_level_and_place,
						listen_to_log, stop_listening),
		cmocka_unit_test_setup_teardown(messages_above_the_level_are_dropped, listen_to_log,
						stop_listening),
		cmocka_unit_test_setup_teardown(a_message_too_long_is_cut_and_not_lost,
						listen_to_log, stop_listening),
		cmocka_unit_test_setup_teardown(
			peers_get_ten_messages_a_second_and_the_rest_is_counted, listen_to_log,
			stop_listening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
