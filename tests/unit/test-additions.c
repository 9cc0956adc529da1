/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What run time adds to the partitions of the file: changes of the set, and what it makes of the
 * file, held against a model that keeps a plain list and asks it one by one.
 */

#include "conf/additions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/xoshiro.h"

static struct partitions *given;
static struct partitions *made;
static struct additions *added;

static int begin(void **unused)
{
	(void)unused;

	return additions_make(NULL, 0, NULL, 0, &added);
}

static int end(void **unused)
{
	(void)unused;
	partitions_free(TAKE(made));
	partitions_free(TAKE(given));
	additions_free(TAKE(added));

	return 0;
}

static void parse(const char *text)
{
	struct partition_options options = { .allow_both = true };
	struct conf_error error = { 0 };

	partitions_free(TAKE(given));
	if (partitions_parse(text, strlen(text), "p.conf", &options, &given, &error) < 0)
		fail_msg("%s", error.text);
}

static void change(const struct addition_change *change)
{
	struct additions *next = NULL;

	assert_int_equal(additions_change(added, change, &next), 0);
	additions_free(added);
	added = next;
}

static void add(uint16_t pkey, uint64_t guid, enum partition_membership membership, bool index0)
{
	const struct addition member = { guid, pkey, (uint8_t)membership, index0 };

	change(&(struct addition_change){ .pkey = pkey, .members = &member, .n = 1 });
}

static void compose(void)
{
	partitions_free(TAKE(made));
	assert_int_equal(partitions_compose(given, added, &made), 0);
}

static enum partition_membership membership(uint16_t pkey, uint64_t guid)
{
	const struct partition *partition = partitions_find(made, pkey);

	assert_non_null(partition);

	return partition_membership(partition, PARTITION_CAS, guid, false);
}

/* The keys of a GUID in the order in which they are found. */
static const char *walk(uint64_t guid)
{
	struct partition_walk walk = partition_walk_start(made, guid);
	const struct partition *partition;
	static char text[256];

	text[0] = 0;
	while ((partition = partition_walk_next(&walk)))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%x ", partition->pkey);

	return text;
}

/* ---- what becomes of the file ---------------------------------------------------------------- */

static void without_additions_the_file_is_all(void **unused)
{
	(void)unused;
	parse("Default=0x7fff, ipoib: ALL=limited, SELF=full;\n"
	      "blue=0x10: 0x1=full, 0x2, ALL_SWITCHES=full;\n");
	compose();
	assert_int_equal(made->n, 2);
	assert_int_equal(membership(0x10, 1), PARTITION_FULL);
	assert_int_equal(membership(0x10, 3), PARTITION_NO_MEMBER);
	assert_true(made->partitions[0].ipoib);
	assert_false(made->partitions[1].added);
	assert_string_equal(walk(1), "7fff 10 ");
}

static void members_join_a_partition_of_the_file(void **unused)
{
	(void)unused;
	parse("blue=0x10: 0x1=full, 0x5;\n");
	add(0x10, 3, PARTITION_BOTH, false);
	compose();
	assert_int_equal(made->n, 2);
	assert_int_equal(membership(0x10, 1), PARTITION_FULL);
	assert_int_equal(membership(0x10, 3), PARTITION_BOTH);
	assert_int_equal(membership(0x10, 5), PARTITION_LIMITED);
	assert_string_equal(made->partitions[1].name, "blue");
	assert_false(made->partitions[1].added);
	assert_true(partition_statement(&made->partitions[1], 3)->added);
	assert_false(partition_statement(&made->partitions[1], 5)->added);
}

static void an_addition_has_the_last_word_about_its_guid(void **unused)
{
	(void)unused;
	parse("blue=0x10: 0x1=full, ALL=full, 0x2=limited;\n");
	add(0x10, 1, PARTITION_LIMITED, false);
	add(0x10, 2, PARTITION_FULL, false);
	compose();
	assert_int_equal(membership(0x10, 1), PARTITION_LIMITED);
	assert_int_equal(membership(0x10, 2), PARTITION_FULL);
	assert_int_equal(membership(0x10, 9), PARTITION_FULL);
	add(0x10, 2, PARTITION_NO_MEMBER, false);
	compose();
	assert_int_equal(membership(0x10, 2), PARTITION_LIMITED);
	assert_string_equal(walk(1), "7fff 10 ");
}

/* Nobody takes the subnet manager out of the default partition. */
static void the_own_port_stays_a_full_member_of_the_default_partition(void **unused)
{
	(void)unused;
	parse("Default=0x7fff: ALL=full;\n");
	add(PARTITION_DEFAULT_PKEY, 1, PARTITION_LIMITED, false);
	compose();
	assert_int_equal(membership(0x7fff, 1), PARTITION_LIMITED);
	assert_int_equal(partition_membership(&made->partitions[0], PARTITION_CAS, 1, true),
			 PARTITION_FULL);
}

static void new_partitions_come_behind_those_of_the_file(void **unused)
{
	(void)unused;
	parse("blue=0x4000: 0x1=full;\n");
	add(0x3000, 1, PARTITION_FULL, false);
	add(0x20, 1, PARTITION_LIMITED, true);
	change(&(struct addition_change){ .pkey = 0x20, .name = "green" });
	change(&(struct addition_change){ .pkey = 0x5000, .name = "empty" });
	change(&(struct addition_change){ .pkey = 0x4000, .name = "not blue" });
	compose();
	assert_int_equal(made->n, 5);
	assert_int_equal(made->partitions[2].pkey, 0x20);
	assert_true(made->partitions[2].added);
	assert_string_equal(made->partitions[2].name, "green");
	assert_string_equal(made->partitions[3].name, "0x3000");
	assert_string_equal(made->partitions[4].name, "empty");
	assert_int_equal(made->partitions[4].n_members, 0);
	assert_string_equal(partitions_find(made, 0x4000)->name, "blue");
	assert_string_equal(walk(1), "7fff 4000 20 3000 ");
	assert_true(partition_wants_index0(&made->partitions[2], 1));
	assert_false(partition_wants_index0(&made->partitions[3], 1));
}

static void a_partition_is_cleared_and_forgotten(void **unused)
{
	(void)unused;
	parse("blue=0x10: 0x1=full;\n");
	for (uint64_t guid = 1; guid <= 5; guid++)
		for (uint16_t pkey = 0xf; pkey <= 0x11; pkey++)
			add(pkey, guid, PARTITION_FULL, false);
	change(&(struct addition_change){ .pkey = 0x11, .name = "x" });
	change(&(struct addition_change){ .pkey = 0x10, .clear = true, .name = "" });
	change(&(struct addition_change){ .pkey = 0x11, .clear = true, .name = "" });
	compose();
	assert_int_equal(added->n, 5);
	assert_int_equal(made->n, 3);
	assert_int_equal(membership(0x10, 1), PARTITION_FULL);
	assert_int_equal(membership(0x10, 2), PARTITION_NO_MEMBER);
	assert_string_equal(walk(1), "7fff 10 f ");
	assert_string_equal(walk(2), "7fff f ");
}

static void groups_stay_those_of_the_file(void **unused)
{
	(void)unused;
	parse("blue=0x10, ipoib:\n mgid=ff12:401b::1;\nblue=0x10: 0x1=full;\n");
	add(0x10, 7, PARTITION_FULL, false);
	compose();
	assert_true(made->partitions[1].ipoib);
	assert_int_equal(made->partitions[1].n_groups, 1);
	assert_ptr_equal(made->partitions[1].groups, given->partitions[1].groups);
}

/* ---- changes --------------------------------------------------------------------------------- */

static void what_changes_nothing_is_left_out(void **unused)
{
	struct addition wish[] = { { 9, 1, PARTITION_FULL, false },
				   { 3, 1, PARTITION_FULL, false },
				   { 4, 1, PARTITION_NO_MEMBER, false },
				   { 9, 1, PARTITION_FULL, false },
				   { 1, 1, PARTITION_FULL, true } };

	(void)unused;
	add(1, 3, PARTITION_FULL, false);
	assert_int_equal(additions_reduce(added, wish, COUNT(wish)), 2);
	assert_true(wish[0].guid == 1 && wish[0].index0);
	assert_true(wish[1].guid == 9 && wish[1].membership == PARTITION_FULL);
	change(&(struct addition_change){ .pkey = 1, .members = wish, .n = 2 });
	assert_int_equal(additions_reduce(added, wish, 2), 0);
}

static void a_million_members_are_taken_and_no_more(void **unused)
{
	struct addition *members = calloc(ADDITIONS_MAX + 1, sizeof(*members));
	const struct addition one = { 7, 2, PARTITION_FULL, false };
	struct addition_change more = { .pkey = 2, .members = &one, .n = 1 };
	struct additions *next = NULL;

	(void)unused;
	assert_non_null(members);
	for (size_t i = 0; i <= ADDITIONS_MAX; i++)
		members[i] = (struct addition){ i + 1, 1, PARTITION_FULL, false };
	assert_int_equal(additions_make(members, ADDITIONS_MAX + 1, NULL, 0, &next), -E2BIG);
	additions_free(TAKE(added));
	assert_int_equal(additions_make(members, ADDITIONS_MAX, NULL, 0, &added), 0);
	assert_int_equal(additions_change(added, &more, &next), -E2BIG);
	assert_null(next);
	assert_int_equal(added->n, ADDITIONS_MAX);
	more = (struct addition_change){ .pkey = 1, .members = members, .n = 1 };
	change(&more);
	assert_int_equal(added->n, ADDITIONS_MAX);
	parse("blue=0x10: 0x1=full;\n");
	compose();
	assert_int_equal(membership(1, ADDITIONS_MAX), PARTITION_FULL);
	free(members);
}

static void lists_of_any_order_are_read_and_the_last_counts(void **unused)
{
	const struct addition members[] = { { 9, 2, PARTITION_FULL, false },
					    { 3, 2, PARTITION_FULL, false },
					    { 9, 1, PARTITION_FULL, false },
					    { 9, 2, PARTITION_BOTH, true } };
	const struct addition_name names[] = { { 5, "five" }, { 2, "two" } };

	(void)unused;
	additions_free(TAKE(added));
	assert_int_equal(additions_make(members, COUNT(members), names, COUNT(names), &added), 0);
	assert_int_equal(added->n, 3);
	assert_int_equal(additions_find(added, 2, 9)->membership, PARTITION_BOTH);
	assert_null(additions_find(added, 1, 3));
	assert_string_equal(additions_name(added, 2), "two");
	assert_null(additions_name(added, 3));
	assert_int_equal(added->by_guid[0].guid, 3);
	assert_int_equal(added->by_guid[1].pkey, 1);
}

/* ---- against a model ------------------------------------------------------------------------- */

#define KEYS  6
#define GUIDS 12

static const char model_file[] = "Default=0x7fff: ALL=limited, SELF=full, 0x3=full;\n"
				 "b=0x5: 0x1=full, 0x4=both, 0xb;\n"
				 "a=0x2: ALL_CAS=limited, 0x2=full, 0x9=limited;\n"
				 "c=0x3: 0xc=full;\n";

static struct addition model[KEYS + 1][GUIDS + 1];

/* As the documentation has it: an addition counts, else the file. */
static enum partition_membership model_membership(uint16_t pkey, uint64_t guid)
{
	const struct partition *partition = partitions_find(given, pkey);

	if (pkey <= KEYS && model[pkey][guid].membership)
		return (enum partition_membership)model[pkey][guid].membership;

	return partition ? partition_membership(partition, PARTITION_CAS, guid, false)
			 : PARTITION_NO_MEMBER;
}

static void check_guid(uint64_t guid)
{
	bool found[PARTITION_DEFAULT_PKEY + 1] = { false };
	struct partition_walk walk = partition_walk_start(made, guid);
	const struct partition *partition;
	ptrdiff_t last = -1;

	while ((partition = partition_walk_next(&walk))) {
		assert_true(partition - made->partitions > last);
		last = partition - made->partitions;
		found[partition->pkey] = true;
		assert_int_equal(partition_membership(partition, PARTITION_CAS, guid, false),
				 model_membership(partition->pkey, guid));
	}
	for (uint16_t pkey = 1; pkey <= KEYS; pkey++)
		if (model_membership(pkey, guid) != PARTITION_NO_MEMBER)
			assert_true(found[pkey]);
}

static void change_at_random(struct xoshiro *x)
{
	uint16_t pkey = (uint16_t)(1 + xoshiro_next(x) % KEYS);
	struct addition wish[GUIDS];
	size_t n = xoshiro_next(x) % COUNT(wish);
	uint64_t first = xoshiro_next(x) % GUIDS;
	struct addition_change c = { .pkey = pkey, .members = wish };

	c.clear = xoshiro_next(x) % 16 == 0;
	if (c.clear)
		memset(model[pkey], 0, sizeof(model[pkey]));
	for (size_t i = 0; i < n; i++) {
		wish[i] = (struct addition){ .guid = 1 + (first + 5 * i) % GUIDS,
					     .pkey = pkey,
					     .membership = (uint8_t)(xoshiro_next(x) % 4),
					     .index0 = xoshiro_next(x) % 2 };
		model[pkey][wish[i].guid] = wish[i];
	}
	if (c.clear)
		change(&(struct addition_change){ .pkey = pkey, .clear = true });
	c.clear = false;
	c.n = additions_reduce(added, wish, n);
	change(&c);
}

static void thousand_changes_do_what_a_plain_list_does(void **unused)
{
	struct xoshiro x;

	(void)unused;
	xoshiro_seed(&x, 11);
	memset(model, 0, sizeof(model));
	parse(model_file);
	for (unsigned round = 0; round < 1000; round++) {
		change_at_random(&x);
		compose();
		for (uint64_t guid = 1; guid <= GUIDS; guid++)
			check_guid(guid);
		for (size_t i = 1; i < added->n; i++)
			assert_true(added->by_guid[i - 1].guid < added->by_guid[i].guid ||
				    (added->by_guid[i - 1].guid == added->by_guid[i].guid &&
				     added->by_guid[i - 1].pkey < added->by_guid[i].pkey));
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(without_additions_the_file_is_all),
		TEST(members_join_a_partition_of_the_file),
		TEST(an_addition_has_the_last_word_about_its_guid),
		TEST(the_own_port_stays_a_full_member_of_the_default_partition),
		TEST(new_partitions_come_behind_those_of_the_file),
		TEST(a_partition_is_cleared_and_forgotten),
		TEST(groups_stay_those_of_the_file),
		TEST(what_changes_nothing_is_left_out),
		TEST(a_million_members_are_taken_and_no_more),
		TEST(lists_of_any_order_are_read_and_the_last_counts),
		TEST(thousand_changes_do_what_a_plain_list_does),
	};

	return cmocka_run_group_tests_name("additions", tests, NULL, NULL);
}
