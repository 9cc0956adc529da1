/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/not-kept: what devices forget is remembered, also through the bytes that the store keeps,
 * which may come back damaged or made up.
 */

#include "sm/not-kept.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/xoshiro.h"

#define HEAD  8  /* bytes: how many entries, and zero */
#define ENTRY 48 /* value, four words of ports, setting, zero */

static void nothing_is_remembered_of_a_device_that_forgets_nothing(void **unused)
{
	unsigned setting;
	uint64_t value;
	size_t size = 1;

	(void)unused;
	assert_false(not_kept_has(NULL, 0, 0, 0));
	assert_false(not_kept_at(NULL, 0, 0, &setting, &value));
	assert_null(not_kept_bytes(NULL, &size));
	assert_int_equal(size, 0);
	not_kept_free(NULL);
}

static void one_setting_value_and_port_is_remembered_and_no_other(void **unused)
{
	struct not_kept *n = NULL;

	(void)unused;
	assert_int_equal(not_kept_add(&n, 3, 0x1122334455667788, 40), 0);
	assert_true(not_kept_has(n, 3, 0x1122334455667788, 40));
	assert_false(not_kept_has(n, 4, 0x1122334455667788, 40));
	assert_false(not_kept_has(n, 3, 0x1122334455667789, 40));
	assert_false(not_kept_has(n, 3, 0x1122334455667788, 41));
	assert_false(not_kept_has(n, 3, 0x1122334455667788, 104)); /* the same bit elsewhere */
	not_kept_free(n);
}

static void ports_share_an_entry_so_large_switches_fit(void **unused)
{
	struct not_kept *n = NULL;
	size_t size;

	(void)unused;
	for (unsigned setting = 0; setting < 20; setting++)
		for (unsigned port = 0; port < 255; port++)
			assert_int_equal(not_kept_add(&n, setting, 7, port), 0);
	not_kept_bytes(n, &size);
	assert_int_equal(size, HEAD + 20 * ENTRY);
	for (unsigned port = 0; port < 255; port++)
		assert_true(not_kept_has(n, 19, 7, port));
	assert_false(not_kept_has(n, 19, 7, 255));
	not_kept_free(n);
}

static void entries_of_a_port_are_listed_in_the_order_of_their_coming(void **unused)
{
	struct not_kept *n = NULL;
	unsigned setting;
	uint64_t value;

	(void)unused;
	not_kept_add(&n, 5, 50, 1);
	not_kept_add(&n, 6, 60, 2);
	not_kept_add(&n, 7, 70, 1);
	assert_true(not_kept_at(n, 1, 0, &setting, &value));
	assert_int_equal(setting, 5);
	assert_int_equal(value, 50);
	assert_true(not_kept_at(n, 1, 1, &setting, &value));
	assert_int_equal(setting, 7);
	assert_int_equal(value, 70);
	assert_false(not_kept_at(n, 1, 2, &setting, &value));
	assert_false(not_kept_at(n, 3, 0, &setting, &value));
	not_kept_free(n);
}

static void there_is_a_limit_and_known_entries_still_take_ports_at_it(void **unused)
{
	struct not_kept *n = NULL;

	(void)unused;
	for (unsigned i = 0; i < NOT_KEPT_MAX; i++)
		assert_int_equal(not_kept_add(&n, 1, i, 1), 0);
	assert_int_equal(not_kept_add(&n, 1, NOT_KEPT_MAX, 1), -ENOSPC);
	assert_int_equal(not_kept_add(&n, 1, NOT_KEPT_MAX - 1, 2), 0);
	assert_int_equal(not_kept_add(&n, 1, 0, 2), 0);
	assert_true(not_kept_has(n, 1, NOT_KEPT_MAX - 1, 2));
	assert_true(not_kept_has(n, 1, 0, 2));
	assert_false(not_kept_has(n, 1, NOT_KEPT_MAX, 1));
	not_kept_free(n);
}

static void what_was_written_is_read_back(void **unused)
{
	struct not_kept *n = NULL, *back = NULL;
	const void *bytes;
	size_t size;

	(void)unused;
	for (unsigned i = 0; i < NOT_KEPT_MAX; i++)
		assert_int_equal(not_kept_add(&n, i % 32, i * 3, i * 3), 0);
	bytes = not_kept_bytes(n, &size);
	assert_int_equal(not_kept_from_bytes(bytes, size, &back), 0);
	for (unsigned i = 0; i < NOT_KEPT_MAX; i++) {
		assert_true(not_kept_has(back, i % 32, i * 3, i * 3));
		assert_false(not_kept_has(back, i % 32, i * 3, i * 3 + 1));
	}
	not_kept_free(n);
	not_kept_free(back);
}

static void bytes_of_a_wrong_length_or_count_are_refused(void **unused)
{
	struct not_kept *n = NULL, *back = NULL;
	uint8_t copy[HEAD + 3 * ENTRY];
	size_t size;

	(void)unused;
	not_kept_add(&n, 1, 1, 1);
	not_kept_add(&n, 2, 2, 2);
	memset(copy, 0, sizeof(copy));
	memcpy(copy, not_kept_bytes(n, &size), HEAD + 2 * ENTRY);
	assert_int_equal(size, HEAD + 2 * ENTRY);
	for (size_t length = 0; length <= sizeof(copy); length++)
		if (length != size)
			assert_int_equal(not_kept_from_bytes(copy, length, &back), -EINVAL);
	memset(copy, 0xff, 4); /* the count: so many that a product of it wraps */
	assert_int_equal(not_kept_from_bytes(copy, size, &back), -EINVAL);
	assert_null(back);
	not_kept_free(n);
}

static void a_setting_that_cannot_be_is_refused(void **unused)
{
	struct not_kept *n = NULL, *back = NULL;
	uint8_t copy[HEAD + ENTRY];
	uint32_t setting = 32;
	size_t size;

	(void)unused;
	not_kept_add(&n, 1, 1, 1);
	memcpy(copy, not_kept_bytes(n, &size), sizeof(copy));
	memcpy(copy + HEAD + ENTRY - 8, &setting, sizeof(setting));
	assert_int_equal(not_kept_from_bytes(copy, size, &back), -EINVAL);
	assert_null(back);
	not_kept_free(n);
}

static void bytes_of_chance_are_refused_or_bear_being_used(void **unused)
{
	struct xoshiro random;

	(void)unused;
	xoshiro_seed(&random, 1);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[HEAD + 2 * ENTRY];
		struct not_kept *n = NULL;
		uint32_t setting = (uint32_t)(xoshiro_next(&random) % 40);
		uint32_t count = (uint32_t)(xoshiro_next(&random) % 4);
		uint64_t value;
		unsigned at;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)xoshiro_next(&random);
		memcpy(bytes, &count, sizeof(count));
		for (unsigned i = 1; i <= 2; i++)
			memcpy(bytes + HEAD + i * ENTRY - 8, &setting, sizeof(setting));
		if (not_kept_from_bytes(bytes, sizeof(bytes), &n) < 0) {
			assert_true(count != 2 || setting >= 32);
			assert_null(n);
			continue;
		}
		assert_true(count == 2 && setting < 32);
		for (unsigned port = 0; port < 256; port++)
			if (not_kept_at(n, port, 0, &at, &value))
				assert_true(not_kept_has(n, at, value, port));
		assert_int_equal(not_kept_add(&n, 1, 1, 255), 0);
		not_kept_free(n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_remembered_of_a_device_that_forgets_nothing),
		cmocka_unit_test(one_setting_value_and_port_is_remembered_and_no_other),
		cmocka_unit_test(ports_share_an_entry_so_large_switches_fit),
		cmocka_unit_test(entries_of_a_port_are_listed_in_the_order_of_their_coming),
		cmocka_unit_test(there_is_a_limit_and_known_entries_still_take_ports_at_it),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(bytes_of_a_wrong_length_or_count_are_refused),
		cmocka_unit_test(a_setting_that_cannot_be_is_refused),
		cmocka_unit_test(bytes_of_chance_are_refused_or_bear_being_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
