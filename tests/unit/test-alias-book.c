/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/alias-book: one entry for an alias GUID, one alias GUID for an entry, and what is remembered
 * of those that nobody wants any more.
 */

#include "sm/alias-book.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/macros.h"

enum { PORT_A = 0xa1, PORT_B = 0xb1 };

static int make(void **state)
{
	*state = calloc(1, sizeof(struct alias_book));

	return *state ? 0 : -1;
}

static int done(void **state)
{
	alias_book_done(*state);
	free(*state);

	return 0;
}

static unsigned count(const struct alias_book *book, uint64_t port)
{
	const struct alias *alias = NULL;
	unsigned n = 0;

	while ((alias = alias_book_next(book, port, alias)))
		n++;

	return n;
}

static void put(struct alias_book *book, uint64_t guid, uint64_t port, unsigned index)
{
	assert_int_equal(alias_book_put(book, guid, port, index, true), 0);
}

static void what_is_put_is_found_by_guid_and_by_entry(void **state)
{
	struct alias_book *book = *state;

	put(book, 1, PORT_A, 1);
	put(book, 2, PORT_A, 254);
	put(book, 3, PORT_B, 1);
	assert_int_equal(alias_book_find(book, 2)->index, 254);
	assert_int_equal(alias_book_find(book, 3)->port, PORT_B);
	assert_int_equal(alias_book_at(book, PORT_A, 1)->guid, 1);
	assert_null(alias_book_at(book, PORT_B, 254));
	assert_null(alias_book_find(book, 4));
	assert_int_equal(count(book, PORT_A), 2);
	assert_int_equal(count(book, 0xc1), 0);
}

static void an_entry_has_one_guid_and_a_guid_one_entry(void **state)
{
	struct alias_book *book = *state;

	put(book, 1, PORT_A, 1);
	put(book, 2, PORT_A, 1);
	assert_null(alias_book_find(book, 1));
	put(book, 2, PORT_B, 5);
	assert_null(alias_book_at(book, PORT_A, 1));
	assert_int_equal(alias_book_at(book, PORT_B, 5)->guid, 2);
	assert_int_equal(count(book, PORT_A), 0);
	put(book, 2, PORT_B, 6);
	assert_null(alias_book_at(book, PORT_B, 5));
	assert_int_equal(count(book, PORT_B), 1);
}

static void what_cannot_be_is_refused(void **state)
{
	struct alias_book *book = *state;

	assert_int_equal(alias_book_put(book, 0, PORT_A, 1, true), -EINVAL);
	assert_int_equal(alias_book_put(book, 1, 0, 1, true), -EINVAL);
	assert_int_equal(alias_book_put(book, 1, PORT_A, 0, true), -EINVAL);
	assert_int_equal(alias_book_put(book, 1, PORT_A, 255, true), -EINVAL);
	assert_int_equal(book->n_used, 0);
}

static void forgetting_any_of_a_port_leaves_the_others(void **state)
{
	struct alias_book *book = *state;

	for (unsigned gone = 1; gone <= 3; gone++) {
		for (unsigned i = 1; i <= 3; i++)
			put(book, i, PORT_A, i);
		alias_book_forget(book, gone);
		alias_book_forget(book, gone);
		assert_int_equal(count(book, PORT_A), 2);
		for (unsigned i = 1; i <= 3; i++)
			assert_int_equal(!!alias_book_at(book, PORT_A, i), i != gone);
	}
	assert_int_equal(book->n, 3); /* room is used again */
}

static void who_is_not_wanted_is_remembered_and_dispensable(void **state)
{
	struct alias_book *book = *state;

	put(book, 1, PORT_A, 1);
	assert_true(alias_book_dispensable(book) == 0);
	assert_int_equal(alias_book_put(book, 2, PORT_A, 2, false), 0);
	assert_int_equal(alias_book_put(book, 3, PORT_A, 3, false), 0);
	assert_false(alias_book_at(book, PORT_A, 2)->wanted);
	assert_true(alias_book_dispensable(book) == 2);
	assert_true(alias_book_dispensable(book) == 3);
	assert_true(alias_book_dispensable(book) == 2);
	put(book, 2, PORT_B, 2);
	assert_true(alias_book_find(book, 2)->wanted);
}

static void there_is_a_limit(void **state)
{
	struct alias_book *book = *state;

	for (unsigned i = 0; i < ALIASES_MAX; i++)
		put(book, i + 1, 1 + i / 200, 1 + i % 200);
	assert_int_equal(alias_book_put(book, ALIASES_MAX + 1, PORT_A << 20, 1, true), -ENOSPC);
	assert_null(alias_book_find(book, ALIASES_MAX + 1));
	alias_book_forget(book, 77);
	put(book, ALIASES_MAX + 1, PORT_A << 20, 1);
	assert_int_equal(book->n_used, ALIASES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_put_is_found_by_guid_and_by_entry),
		TEST(an_entry_has_one_guid_and_a_guid_one_entry),
		TEST(what_cannot_be_is_refused),
		TEST(forgetting_any_of_a_port_leaves_the_others),
		TEST(who_is_not_wanted_is_remembered_and_dispensable),
		TEST(there_is_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
