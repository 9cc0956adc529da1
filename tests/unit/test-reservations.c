/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/reservations: identities that the operator made, as a set, and what can be one.
 */

#include "sm/reservations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xoshiro.h"

static struct kept_reservation valid(void)
{
	return (struct kept_reservation){
		.guid = 5, .lid = 7, .n_places = 2, .place = { 1, 2 }, .name = "vm 5"
	};
}

static void who_was_put_is_found_until_removed(void **unused)
{
	struct reservations reservations = { .n = 0 };
	struct kept_reservation reservation = valid();

	(void)unused;
	assert_null(reservations_find(&reservations, 5));
	assert_int_equal(reservations_put(&reservations, &reservation), 0);
	reservation.lid = 8;
	assert_int_equal(reservations_put(&reservations, &reservation), 0);
	assert_int_equal(reservations.n, 1);
	assert_true(reservation_is_same(reservations_find(&reservations, 5), &reservation));
	reservations_remove(&reservations, 6);
	reservations_remove(&reservations, 5);
	assert_null(reservations_find(&reservations, 5));
	assert_int_equal(reservations.n, 0);
	reservations_done(&reservations);
}

/* Against an array that is indexed by the GUID. */
static void many_come_and_go(void **unused)
{
	uint16_t lids[301] = { 0 };
	struct reservations reservations = { .n = 0 };
	struct xoshiro random;

	(void)unused;
	xoshiro_seed(&random, 1);
	for (unsigned i = 0; i < 5000; i++) {
		struct kept_reservation reservation = valid();

		reservation.guid = 1 + xoshiro_next(&random) % 300;
		reservation.lid = (uint16_t)(1 + xoshiro_next(&random) % 1000);
		if (xoshiro_next(&random) % 3) {
			assert_int_equal(reservations_put(&reservations, &reservation), 0);
			lids[reservation.guid] = reservation.lid;
		} else {
			reservations_remove(&reservations, reservation.guid);
			lids[reservation.guid] = 0;
		}
	}
	for (uint64_t guid = 1; guid <= 300; guid++) {
		const struct kept_reservation *found = reservations_find(&reservations, guid);

		assert_int_equal(found ? found->lid : 0, lids[guid]);
	}
	reservations_done(&reservations);
}

static void there_are_not_more_than_the_limit(void **unused)
{
	struct reservations reservations = { .n = 0 };
	struct kept_reservation reservation = valid();

	(void)unused;
	for (reservation.guid = 1; reservation.guid <= RESERVATIONS_MAX; reservation.guid++)
		assert_int_equal(reservations_put(&reservations, &reservation), 0);
	assert_int_equal(reservations_put(&reservations, &reservation), -ENOSPC);
	reservation.guid = 17;
	assert_int_equal(reservations_put(&reservations, &reservation), 0);
	assert_int_equal(reservations.n, RESERVATIONS_MAX);
	reservations_done(&reservations);
}

static void what_cannot_be_right_is_not_valid(void **unused)
{
	struct kept_reservation reservation = valid();

	(void)unused;
	assert_true(reservation_is_valid(&reservation));
	reservation.lid = 0;
	reservation.n_places = 0;
	reservation.name[0] = 0;
	assert_true(reservation_is_valid(&reservation));

	reservation = valid();
	reservation.guid = 0;
	assert_false(reservation_is_valid(&reservation));
	reservation = valid();
	reservation.lid = 0xc000;
	assert_false(reservation_is_valid(&reservation));
	reservation = valid();
	reservation.place[1] = 1;
	assert_false(reservation_is_valid(&reservation));
	reservation.place[1] = 0;
	assert_false(reservation_is_valid(&reservation));
	reservation = valid();
	reservation.name[2] = '\n';
	assert_false(reservation_is_valid(&reservation));
	memset(reservation.name, 'n', sizeof(reservation.name));
	assert_false(reservation_is_valid(&reservation));
	reservation.name[KEEP_NAME_MAX] = 0;
	assert_true(reservation_is_valid(&reservation));
	reservation.n_places = KEEP_PLACES_MAX + 1;
	assert_false(reservation_is_valid(&reservation));
}

static void a_reservation_is_where_it_may_be(void **unused)
{
	struct kept_reservation reservation = valid();

	(void)unused;
	assert_true(reservation_may_be_at(&reservation, 1));
	assert_true(reservation_may_be_at(&reservation, 2));
	assert_false(reservation_may_be_at(&reservation, 3));
	reservation.n_places = 0;
	assert_true(reservation_may_be_at(&reservation, 3));
	assert_true(reservation_may_be_at(NULL, 3));
}

static void every_word_about_a_reservation_counts(void **unused)
{
	const struct kept_reservation reservation = valid();
	struct kept_reservation other = reservation;

	(void)unused;
	other.place[5] = 9; /* beyond the end */
	assert_true(reservation_is_same(&reservation, &other));
	other.guid++;
	assert_false(reservation_is_same(&reservation, &other));
	other = reservation;
	other.lid++;
	assert_false(reservation_is_same(&reservation, &other));
	other = reservation;
	other.place[1]++;
	assert_false(reservation_is_same(&reservation, &other));
	other = reservation;
	other.n_places--;
	assert_false(reservation_is_same(&reservation, &other));
	other = reservation;
	other.name[0]++;
	assert_false(reservation_is_same(&reservation, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_was_put_is_found_until_removed),
		cmocka_unit_test(many_come_and_go),
		cmocka_unit_test(there_are_not_more_than_the_limit),
		cmocka_unit_test(what_cannot_be_right_is_not_valid),
		cmocka_unit_test(a_reservation_is_where_it_may_be),
		cmocka_unit_test(every_word_about_a_reservation_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
