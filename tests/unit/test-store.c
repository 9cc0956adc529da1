/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is kept is found again, and what cannot be right is not. The database is damaged and read
 * from outside, with SQLite. Failing disks are in test-store-faults, processes that die in
 * test-store-kill.
 */

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/macros.h"
#include "store/batch.h"
#include "store/guid2lid.h"
#include "tests/unit/loop-virtual.h"
#include "tests/unit/store-fixture.h"

static int begin(void **state)
{
	struct loop *loop;

	if (loop_virtual_new(1, &loop) < 0)
		return -1;
	*state = fixture_new(loop);

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	struct loop *loop = f->loop;

	fixture_free(f);
	loop_virtual_free(loop);

	return 0;
}

/* What happened, in order: a letter for each. */
static char story[256];

static void tell(char letter)
{
	size_t n = strlen(story);

	assert_true(n < sizeof(story) - 1);
	story[n] = letter;
	story[n + 1] = '\0';
}

static void on_after(void *user, int result)
{
	tell(result == 0 ? *(const char *)user : '!');
}

static void tell_after(struct fixture *f, const char *letter)
{
	char *user = strchr("abcdefghijklmnopqrstuvwxyz", *letter);

	assert_int_equal(keep_after(store_keeper(f->store), on_after, user), 0);
}

static void run(struct fixture *f)
{
	assert_true(loop_virtual_run_until_idle(f->loop, UINT64_MAX));
}

/* All that was handed over goes to the disk. */
static void flush(struct fixture *f)
{
	story[0] = '\0';
	tell_after(f, "f");
	run(f);
	assert_string_equal(story, "f");
}

static void run_sql(struct fixture *f, const char *sql)
{
	char *error = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(fixture_path(f, "vsm.db"), &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(db);
}

/* ---- round trip ------------------------------------------------------------------------------ */

static void what_was_kept_is_found_again(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_identity_of(f, 0x0002c90300000001, 0x17, 0);
	keep_identity_of(f, 0xfffffffffffffffe, 0xbf80, 7);
	keep_mkeys_of(f, 0x0002c90300000001, 0xfedcba9876543210, 0x8000000000000001);
	keep_quirks_of(f, 0x0002c90300000001, "\0two zeros\0", 11);
	keep_alias_of(f, 0xa2c9030000000001, 0xf002c90300000001, 254, true);
	keep_alias_of(f, 0x1200000000000001, 0x0002c90300000001, 1, false);
	flush(f);
	fixture_reopen(f);

	assert_int_equal(f->back->n_identities, 2);
	assert_true(f->back->identities[0].guid == 0xfffffffffffffffe);
	assert_int_equal(f->back->identities[0].lid, 0xbf80);
	assert_int_equal(f->back->identities[0].lmc, 7);
	assert_int_equal(f->back->identities[1].lid, 0x17);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_true(f->back->mkeys[0].guid == 0x0002c90300000001);
	assert_true(f->back->mkeys[0].mkey == 0xfedcba9876543210);
	assert_true(f->back->mkeys[0].other == 0x8000000000000001);
	assert_int_equal(f->back->n_quirks, 1);
	assert_int_equal(f->back->quirks[0].size, 11);
	assert_memory_equal(f->back->quirks[0].blob, "\0two zeros\0", 11);
	assert_int_equal(f->back->n_aliases, 2);
	assert_true(f->back->aliases[0].guid == 0xa2c9030000000001);
	assert_true(f->back->aliases[0].port == 0xf002c90300000001);
	assert_int_equal(f->back->aliases[0].index, 254);
	assert_true(f->back->aliases[0].wanted);
	assert_true(f->back->aliases[1].guid == 0x1200000000000001);
	assert_true(f->back->aliases[1].port == 0x0002c90300000001);
	assert_int_equal(f->back->aliases[1].index, 1);
	assert_false(f->back->aliases[1].wanted);
	assert_int_equal(f->n_said, 0);
}

static void assert_member(const struct fixture *f, size_t i, uint16_t pkey, uint64_t guid,
			  uint8_t membership)
{
	assert_true(i < f->back->n_members);
	assert_int_equal(f->back->members[i].pkey, pkey);
	assert_true(f->back->members[i].guid == guid);
	assert_int_equal(f->back->members[i].membership, membership);
}

static void partitions_are_found_again(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_name_of(f, 0x7ffe, "blue planet");
	keep_members_of(f, 1, 6, 2, KEPT_LIMITED);
	keep_members_of(f, 0x7fff, 0xfffffffffffffffe, 1, KEPT_BOTH);
	keep_members_of(f, 1, 6, 1, KEPT_FULL);
	flush(f);
	fixture_reopen(f);

	assert_int_equal(f->back->n_partitions, 1);
	assert_int_equal(f->back->partitions[0].pkey, 0x7ffe);
	assert_string_equal(f->back->partitions[0].name, "blue planet");
	assert_int_equal(f->back->n_members, 3);
	assert_member(f, 0, 1, 6, KEPT_FULL);
	assert_member(f, 1, 1, 7, KEPT_LIMITED);
	assert_false(f->back->members[0].index0);
	assert_true(f->back->members[1].index0);
	assert_member(f, 2, 0x7fff, 0xfffffffffffffffe, KEPT_BOTH);
	assert_int_equal(f->n_said, 0);
}

static void a_partition_is_forgotten_with_its_members(void **state)
{
	struct fixture *f = *state;
	const struct kept_change gone = { .pkey = 2, .name = "", .clear = true };

	fixture_open(f);
	for (uint16_t pkey = 1; pkey <= 3; pkey++) {
		keep_name_of(f, pkey, "a name");
		keep_members_of(f, pkey, 1, 100, KEPT_FULL);
	}
	flush(f);
	keep_members_of(f, 3, 1, 99, 0);
	assert_int_equal(keep_change(store_keeper(f->store), &gone), 0);
	fixture_reopen(f);

	assert_int_equal(f->back->n_partitions, 2);
	assert_int_equal(f->back->partitions[1].pkey, 3);
	assert_int_equal(f->back->n_members, 101);
	assert_member(f, 99, 1, 100, KEPT_FULL);
	assert_member(f, 100, 3, 100, KEPT_FULL);
}

static void changes_of_one_batch_are_made_in_their_order(void **state)
{
	struct fixture *f = *state;
	const struct kept_change gone = { .pkey = 2, .name = "", .clear = true };

	fixture_open(f);
	keep_name_of(f, 2, "old");
	keep_members_of(f, 2, 1, 3, KEPT_FULL);
	assert_int_equal(keep_change(store_keeper(f->store), &gone), 0);
	keep_members_of(f, 2, 3, 2, KEPT_LIMITED);
	keep_name_of(f, 2, "new");
	fixture_reopen(f);

	assert_int_equal(f->back->n_members, 2);
	assert_member(f, 0, 2, 3, KEPT_LIMITED);
	assert_member(f, 1, 2, 4, KEPT_LIMITED);
	assert_string_equal(f->back->partitions[0].name, "new");
}

static void a_change_that_cannot_be_right_is_refused_as_a_whole(void **state)
{
	struct fixture *f = *state;
	char long_name[KEEP_PARTITION_NAME_MAX + 2];
	struct kept_member members[] = { { .guid = 1, .pkey = 2, .membership = KEPT_FULL },
					 { .guid = 0, .pkey = 2, .membership = KEPT_FULL } };
	struct kept_change change = { .pkey = 2, .members = members, .n_members = 2 };
	struct keeper *k;

	memset(long_name, 'n', sizeof(long_name));
	long_name[KEEP_PARTITION_NAME_MAX + 1] = '\0';
	fixture_open(f);
	k = store_keeper(f->store);
	assert_int_equal(keep_change(k, &change), -EINVAL);
	members[1] = (struct kept_member){ .guid = 5, .pkey = 3, .membership = KEPT_FULL };
	assert_int_equal(keep_change(k, &change), -EINVAL);
	members[1] = (struct kept_member){ .guid = 5, .pkey = 2, .membership = 4 };
	assert_int_equal(keep_change(k, &change), -EINVAL);
	assert_int_equal(keep_change(k, &(struct kept_change){ .pkey = 2, .name = long_name }),
			 -EINVAL);
	assert_int_equal(keep_change(k, &(struct kept_change){ .pkey = 0, .name = "x" }), -EINVAL);
	assert_int_equal(keep_change(k, &(struct kept_change){ .pkey = 0x8001, .name = "x" }),
			 -EINVAL);
	long_name[KEEP_PARTITION_NAME_MAX] = '\0';
	keep_name_of(f, 2, long_name);
	fixture_reopen(f);
	assert_int_equal(f->back->n_members, 0);
	assert_int_equal(f->back->n_partitions, 1);
	assert_string_equal(f->back->partitions[0].name, long_name);
}

/* And the others are there. */
static void rows_of_partitions_that_cannot_be_right_are_left_out(void **state)
{
	static const char *const rows[] = {
		"partition VALUES (0, 'x')",
		"partition VALUES (32768, 'x')",
		"partition VALUES (65537, 'x')",
		"partition VALUES (1, '')",
		"partition VALUES (1, NULL)",
		"partition VALUES (1, x'4142')",
		"partition VALUES (1, 'a' || char(10))",
		"partition VALUES (1, char(955))",
		"partition VALUES (1, printf('%064d', 1))",
		"member VALUES (0, 1, 1, 0)",
		"member VALUES (32768, 1, 1, 0)",
		"member VALUES (1, 0, 1, 0)",
		"member VALUES (1, 1, 0, 0)",
		"member VALUES (1, 1, 4, 0)",
		"member VALUES (1, 1, 257, 0)",
		"member VALUES (1, 1, 1, 2)",
		"member VALUES (1, 1, 1, NULL)",
		"member VALUES (1, 'x', 1, 0)",
		"member VALUES ('x', 1, 1, 0)",
	};
	struct fixture *f = *state;
	char sql[256];

	fixture_open(f);
	keep_name_of(f, 2, "good");
	keep_members_of(f, 2, 1, 1, KEPT_FULL);
	fixture_close(f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO %s", rows[i]);
		run_sql(f, sql);
		f->n_said = 0;
		f->said[0] = '\0';
		fixture_reopen(f);
		fixture_close(f);
		if (f->back->n_partitions != 1 || f->back->n_members != 1)
			fail_msg("%s is read", rows[i]);
		assert_int_equal(fixture_count_said(f, "cannot be right, leaving it out"), 1);
		run_sql(f, "DELETE FROM partition WHERE pkey != 2;"
			   "DELETE FROM member WHERE pkey != 2");
	}
}

static void a_batch_without_its_steps_has_all_else(void **state)
{
	struct batch batch = { 0 };
	struct row step = { .kind = ROW_PARTITION, .pkey = 1, .size = 4, .blob = "name" };
	struct row mkey = { .kind = ROW_MKEY };

	(void)state;
	for (uint64_t guid = 1; guid <= 100; guid++) {
		mkey.guid = guid;
		assert_int_equal(batch_put(&batch, &mkey, SIZE_MAX), 0);
		assert_int_equal(batch_put(&batch, &step, SIZE_MAX), 0);
	}
	assert_int_equal(batch.n_rows, 200);
	batch_drop_steps(&batch, 100);
	assert_int_equal(batch.n_rows, 150);
	batch_drop_steps(&batch, 0);
	assert_int_equal(batch.n_rows, 100);
	for (uint64_t guid = 1; guid <= 100; guid++) {
		mkey.guid = guid;
		mkey.mkey = guid;
		assert_int_equal(batch_put(&batch, &mkey, SIZE_MAX), 0);
	}
	assert_int_equal(batch.n_rows, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(batch.rows[i].guid == i + 1 && batch.rows[i].mkey == i + 1);
	batch_done(&batch);
}

static void nothing_is_found_in_a_new_directory(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	assert_true(store_is_empty(f->store));
	fixture_read(f);
	assert_int_equal(f->back->n_identities + f->back->n_mkeys + f->back->n_quirks, 0);
}

static void the_last_value_of_a_guid_counts(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	for (uint16_t lid = 1; lid <= 1000; lid++)
		keep_identity_of(f, 5, lid, 0);
	keep_mkey_of(f, 5, 1);
	keep_quirks_of(f, 5, "long blob", 9);
	keep_quirks_of(f, 5, "short", 5);
	flush(f);
	keep_mkey_of(f, 5, 2);
	fixture_reopen(f);

	assert_int_equal(f->back->n_identities, 1);
	assert_int_equal(f->back->identities[0].lid, 1000);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].mkey, 2);
	assert_int_equal(f->back->quirks[0].size, 5);
}

static void m_key_zero_forgets_the_port(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 5, 1);
	keep_mkey_of(f, 6, 1);
	flush(f);
	keep_mkey_of(f, 5, 0);
	fixture_reopen(f);

	assert_int_equal(f->back->n_mkeys, 1);
	assert_true(f->back->mkeys[0].guid == 6);
}

static void quirks_of_size_zero_forget_the_device(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_quirks_of(f, 1, "x", 1);
	keep_quirks_of(f, 2, "y", 1);
	flush(f);
	keep_quirks_of(f, 1, NULL, 0);
	keep_quirks_of(f, 3, "z", 1);
	keep_quirks_of(f, 3, NULL, 0);
	fixture_reopen(f);

	assert_int_equal(f->back->n_quirks, 1);
	assert_int_equal(f->back->quirks[0].guid, 2);
}

static void what_the_operator_made_is_found_again(void **state)
{
	struct fixture *f = *state;
	char longest[KEEP_NAME_MAX + 1];

	memset(longest, 'n', KEEP_NAME_MAX);
	longest[KEEP_NAME_MAX] = 0;
	fixture_open(f);
	keep_reservation_of(f, 1, 0, 0, "");
	keep_reservation_of(f, 2, 0xbfff, KEEP_PLACES_MAX, longest);
	keep_reservation_of(f, 3, 7, 1, "");
	keep_reservation_of(f, 4, 0, 0, "vm \xc3\xa4");
	flush(f);
	fixture_reopen(f);

	assert_int_equal(f->back->n_reservations, 4);
	assert_int_equal(f->back->reservations[0].guid, 1);
	assert_int_equal(f->back->reservations[0].lid, 0);
	assert_int_equal(f->back->reservations[0].n_places, 0);
	assert_string_equal(f->back->reservations[0].name, "");
	assert_int_equal(f->back->reservations[1].lid, 0xbfff);
	assert_int_equal(f->back->reservations[1].n_places, KEEP_PLACES_MAX);
	assert_int_equal(f->back->reservations[1].place[KEEP_PLACES_MAX - 1], KEEP_PLACES_MAX);
	assert_string_equal(f->back->reservations[1].name, longest);
	assert_int_equal(f->back->reservations[2].place[0], 1);
	assert_string_equal(f->back->reservations[2].name, "");
	assert_string_equal(f->back->reservations[3].name, "vm \xc3\xa4");
	assert_int_equal(f->n_said, 0);
}

static void what_the_operator_takes_back_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct kept_reservation gone = { .guid = 1, .gone = true };

	fixture_open(f);
	keep_reservation_of(f, 1, 7, 1, "a");
	keep_reservation_of(f, 2, 8, 1, "b");
	flush(f);
	keep_reservation_of(f, 2, 9, 2, "c");
	assert_int_equal(keep_reservation(store_keeper(f->store), &gone), 0);
	gone.guid = 3;
	keep_reservation_of(f, 3, 0, 0, "d");
	assert_int_equal(keep_reservation(store_keeper(f->store), &gone), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_reservations, 1);
	assert_int_equal(f->back->reservations[0].guid, 2);
	assert_int_equal(f->back->reservations[0].lid, 9);
	assert_int_equal(f->back->reservations[0].n_places, 2);
	assert_string_equal(f->back->reservations[0].name, "c");
}

static void what_hosts_registered_is_found_again(void **state)
{
	struct fixture *f = *state;
	char longest[KEEP_REGISTRATION_MAX];

	memset(longest, 'r', sizeof(longest));
	fixture_open(f);
	keep_registration_of(f, KEPT_GROUP, 1, 0, "group", 5);
	keep_registration_of(f, KEPT_SERVICE, 1, INT64_MAX, longest, sizeof(longest));
	keep_registration_of(f, KEPT_SUBSCRIPTION, KEEP_REGISTRATION_ID_LAST, 1, "\0", 1);
	keep_registration_of(f, KEPT_SERVICE, 2, 5, "gone", 4);
	flush(f);
	keep_registration_of(f, KEPT_SERVICE, 2, 5, NULL, 0);
	keep_registration_of(f, KEPT_GROUP, 1, 7, "new", 3);
	fixture_reopen(f);

	assert_int_equal(f->back->n_registrations, 3);
	assert_int_equal(f->back->registrations[0].kind, KEPT_GROUP);
	assert_int_equal(f->back->registrations[0].id, 1);
	assert_int_equal(f->back->registrations[0].expires, 7);
	assert_int_equal(f->back->registrations[0].size, 3);
	assert_memory_equal(f->back->registrations[0].blob, "new", 3);
	assert_int_equal(f->back->registrations[1].kind, KEPT_SERVICE);
	assert_true(f->back->registrations[1].expires == INT64_MAX);
	assert_int_equal(f->back->registrations[1].size, sizeof(longest));
	assert_int_equal(f->back->registrations[2].kind, KEPT_SUBSCRIPTION);
	assert_true(f->back->registrations[2].id == KEEP_REGISTRATION_ID_LAST);
	assert_memory_equal(f->back->registrations[2].blob, "\0", 1);
	assert_string_equal(f->said, "");
}

static void a_registration_that_cannot_be_right_is_refused(void **state)
{
	struct fixture *f = *state;
	char long_blob[KEEP_REGISTRATION_MAX + 1] = { 0 };
	const struct kept_registration wrong[] = {
		{ KEPT_SERVICE, 0, 0, "x", 1 },
		{ KEPT_SERVICE, KEEP_REGISTRATION_ID_LAST + 1, 0, "x", 1 },
		{ KEPT_REGISTRATION_KIND_COUNT, 1, 0, "x", 1 },
		{ KEPT_SERVICE, 1, UINT64_C(1) << 63, "x", 1 },
		{ KEPT_SERVICE, 1, 0, long_blob, sizeof(long_blob) },
	};

	fixture_open(f);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(keep_registration(store_keeper(f->store), &wrong[i]), -EINVAL);
	fixture_reopen(f);
	assert_int_equal(f->back->n_registrations, 0);
}

static void registrations_on_disk_that_cannot_be_right_are_left_out(void **state)
{
	static const char *const rows[] = {
		"(0, 0, x'41')",
		"(0x0200000000000000, 0, x'41')",
		"(0x7f00000000000001, 0, x'41')",
		"(-1, 0, x'41')",
		"(1, -1, x'41')",
		"(1, 0, x'')",
		"(1, 0, NULL)",
		"(1, 0, 'text')",
		"(1, NULL, x'41')",
		"(1, 0, zeroblob(513))",
	};
	struct fixture *f = *state;
	char sql[256];

	fixture_open(f);
	keep_registration_of(f, KEPT_SERVICE, 7, 0, "good", 4);
	fixture_close(f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO registration VALUES %s", rows[i]);
		run_sql(f, sql);
		f->n_said = 0;
		f->said[0] = '\0';
		fixture_reopen(f);
		fixture_close(f);
		if (f->back->n_registrations != 1)
			fail_msg("%s is read", rows[i]);
		assert_int_equal(fixture_count_said(f, "cannot be right, leaving it out"), 1);
		run_sql(f, "DELETE FROM registration WHERE id & 0xffffff != 7");
	}
}

static void spare_lids_and_moves_are_found_again(void **state)
{
	struct fixture *f = *state;
	uint16_t lids[KEEP_SPARES_MAX + 1];
	struct kept_spares spares = { 7, KEEP_SPARES_MAX, lids };
	struct kept_move move = { 8, UINT64_C(0xfedcba9876543210) };

	for (unsigned i = 0; i < COUNT(lids); i++)
		lids[i] = (uint16_t)(0xbfff - i);
	fixture_open(f);
	assert_int_equal(keep_spares(store_keeper(f->store), &spares), 0);
	assert_int_equal(keep_move(store_keeper(f->store), &move), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_spares, 1);
	assert_int_equal(f->back->spares[0].guid, 7);
	assert_int_equal(f->back->spares[0].n, KEEP_SPARES_MAX);
	assert_memory_equal(f->back->spare[0], lids, KEEP_SPARES_MAX * sizeof(lids[0]));
	assert_int_equal(f->back->n_moves, 1);
	assert_int_equal(f->back->moves[0].guid, 8);
	assert_true(f->back->moves[0].port == move.port);

	spares.n = KEEP_SPARES_MAX + 1;
	assert_int_equal(keep_spares(store_keeper(f->store), &spares), -EINVAL);
	spares.n = 0;
	move.port = 0;
	assert_int_equal(keep_spares(store_keeper(f->store), &spares), 0);
	assert_int_equal(keep_move(store_keeper(f->store), &move), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_spares + f->back->n_moves, 0);
}

static void a_reservation_that_cannot_be_right_is_refused(void **state)
{
	struct fixture *f = *state;
	struct kept_reservation reservation = { .guid = 1, .lid = 0xc000 };

	fixture_open(f);
	assert_int_equal(keep_reservation(store_keeper(f->store), &reservation), -EINVAL);
	reservation.lid = 0;
	reservation.n_places = KEEP_PLACES_MAX + 1;
	assert_int_equal(keep_reservation(store_keeper(f->store), &reservation), -EINVAL);
	reservation.n_places = 0;
	reservation.guid = 0;
	assert_int_equal(keep_reservation(store_keeper(f->store), &reservation), -EINVAL);
	fixture_reopen(f);
	assert_int_equal(f->back->n_reservations, 0);
}

/* And another may have its LID in the same breath. */
static void an_alias_moves_and_is_forgotten_with_port_zero(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_alias_of(f, 7, 1, 1, true);
	keep_alias_of(f, 8, 1, 2, true);
	flush(f);
	keep_alias_of(f, 7, 2, 3, false);
	keep_alias_of(f, 8, 0, 0, false);
	flush(f);
	fixture_reopen(f);
	assert_int_equal(f->back->n_aliases, 1);
	assert_int_equal(f->back->aliases[0].guid, 7);
	assert_int_equal(f->back->aliases[0].port, 2);
	assert_int_equal(f->back->aliases[0].index, 3);
	assert_false(f->back->aliases[0].wanted);
}

static void an_identity_with_lid_zero_forgets_the_guid(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_identity_of(f, 1, 10, 0);
	keep_identity_of(f, 2, 20, 0);
	flush(f);
	keep_identity_of(f, 1, 0, 0);
	keep_identity_of(f, 4, 10, 0);
	keep_identity_of(f, 3, 30, 0);
	keep_identity_of(f, 3, 0, 0);
	fixture_reopen(f);

	assert_int_equal(f->back->n_identities, 2);
	assert_int_equal(f->back->identities[0].guid, 2);
	assert_int_equal(f->back->identities[1].guid, 4);
	assert_int_equal(f->back->identities[1].lid, 10);
}

static void blobs_of_the_largest_size_are_kept(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *blob = malloc(KEEP_QUIRKS_MAX + 1);
	struct kept_quirks too_large = { 1, blob, KEEP_QUIRKS_MAX + 1 };

	assert_non_null(blob);
	memset(blob, 'v', KEEP_QUIRKS_MAX + 1);
	fixture_open(f);
	assert_int_equal(keep_quirks(store_keeper(f->store), &too_large), -EINVAL);
	keep_quirks_of(f, 1, blob, KEEP_QUIRKS_MAX);
	fixture_reopen(f);

	assert_int_equal(f->back->quirks[0].size, KEEP_QUIRKS_MAX);
	assert_memory_equal(f->back->quirks[0].blob, blob, KEEP_QUIRKS_MAX);
}

static void what_cannot_be_right_is_not_taken(void **state)
{
	static const struct kept_identity wrong[] = {
		{ 0, 1, 0 }, { 1, 9, 1 }, { 1, 0xc000, 0 }, { 1, 0xbfff, 1 }, { 1, 1, 8 },
	};
	struct fixture *f = *state;
	struct keeper *k;

	fixture_open(f);
	k = store_keeper(f->store);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(keep_identity(k, &wrong[i]), -EINVAL);
	assert_int_equal(keep_mkey(k, &(struct kept_mkey){ 0, 1, 2 }), -EINVAL);
	assert_int_equal(keep_quirks(k, &(struct kept_quirks){ 0, "x", 1 }), -EINVAL);
	assert_int_equal(keep_alias(k, &(struct kept_alias){ 0, 1, 1, true }), -EINVAL);
	assert_int_equal(keep_alias(k, &(struct kept_alias){ 1, 1, 0, true }), -EINVAL);
	assert_int_equal(keep_alias(k, &(struct kept_alias){ 1, 1, 255, true }), -EINVAL);
	assert_true(store_is_empty(f->store));
	flush(f);
}

static uint64_t guid_of(uint16_t lid)
{
	return UINT64_C(0x0002c90300000000) + lid * UINT64_C(7919);
}

static void a_fabric_of_13000_ports_is_kept_in_one_burst(void **state)
{
	struct fixture *f = *state;
	char blob[400];

	memset(blob, 'q', sizeof(blob));
	fixture_open(f);
	for (uint16_t i = 1; i <= 13000; i++) {
		keep_identity_of(f, guid_of(i), i, 0);
		keep_quirks_of(f, guid_of(i), blob, 100 + i % 300U);
	}
	flush(f);
	fixture_reopen(f);

	assert_int_equal(f->back->n_identities, 13000);
	assert_int_equal(f->back->n_quirks, 13000);
	for (size_t i = 0; i < 13000; i++)
		assert_true(f->back->identities[i].guid == guid_of(f->back->identities[i].lid));
}

static void closing_writes_what_waits(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	loop_virtual_step(f->loop); /* begins to write */
	keep_mkey_of(f, 2, 2);
	fixture_reopen(f);

	assert_int_equal(f->back->n_mkeys, 2);
	run(f); /* what was begun is done without harm */
}

static void all_files_are_for_the_owner_alone(void **state)
{
	static const char *const names[] = { ".", "vsm.db", "vsm.db-wal", "vsm.lock" };
	struct fixture *f = *state;
	struct stat st;

	umask(0);
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	flush(f);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(stat(fixture_path(f, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, i == 0 ? 0700 : 0600);
	}
	fixture_close(f);

	assert_int_equal(chmod(fixture_path(f, "vsm.db"), 0644), 0);
	fixture_open(f);
	assert_int_equal(stat(fixture_path(f, "vsm.db"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(022);
}

/* ---- order ----------------------------------------------------------------------------------- */

static void afters_are_answered_in_order_and_never_from_within_the_call(void **state)
{
	struct fixture *f = *state;

	story[0] = '\0';
	fixture_open(f);
	tell_after(f, "a");
	keep_mkey_of(f, 1, 1);
	tell_after(f, "b");
	tell_after(f, "c");
	keep_mkey_of(f, 2, 1);
	tell_after(f, "d");
	assert_string_equal(story, "");
	run(f);
	assert_string_equal(story, "abcd");
}

static void an_after_with_nothing_to_write_is_answered(void **state)
{
	struct fixture *f = *state;

	story[0] = '\0';
	fixture_open(f);
	tell_after(f, "a");
	run(f);
	tell_after(f, "b");
	tell_after(f, "c");
	run(f);
	assert_string_equal(story, "abc");
}

static void cancel_after(struct fixture *f, const char *letter)
{
	keep_cancel(store_keeper(f->store), strchr("abcdefghijklmnopqrstuvwxyz", *letter));
}

static void cancel_c(void *user, int result)
{
	assert_int_equal(result, 0);
	cancel_after(user, "c");
}

/* One that waits for its batch, one whose batch is being written, one that is next. */
static void an_after_that_is_cancelled_is_not_answered(void **state)
{
	struct fixture *f = *state;

	story[0] = '\0';
	fixture_open(f);
	loop_virtual_set_job_delay(f->loop, LOOP_SEC);
	keep_mkey_of(f, 1, 1);
	tell_after(f, "a");
	tell_after(f, "b");
	keep_after(store_keeper(f->store), cancel_c, f);
	tell_after(f, "c");
	tell_after(f, "d");
	loop_virtual_step(f->loop); /* the first batch is on its way */
	tell_after(f, "e");
	tell_after(f, "f");
	cancel_after(f, "a");
	cancel_after(f, "e");
	cancel_after(f, "g"); /* nobody */
	run(f);
	assert_string_equal(story, "bdf");
}

/* Is it in the file, as another program would see it? Works on a copy: the file is locked. */
static bool is_on_disk(struct fixture *f, uint64_t guid)
{
	char command[256];
	char path[64];
	sqlite3 *db;
	sqlite3_stmt *stmt;
	bool found;

	snprintf(command, sizeof(command), "rm -rf %s/copy && cp -r %s %s/copy", f->root, f->dir,
		 f->root);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/copy/vsm.db", f->root);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT 1 FROM mkey WHERE guid = ?", -1, &stmt, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)guid);
	found = sqlite3_step(stmt) == SQLITE_ROW;
	sqlite3_finalize(stmt);
	sqlite3_close(db);

	return found;
}

struct waiting {
	struct fixture *f;
	uint64_t guid;
	unsigned n_answered;
};

static void check_disk(void *user, int result)
{
	struct waiting *waiting = user;

	assert_int_equal(result, 0);
	for (uint64_t guid = 1; guid <= waiting->guid; guid++)
		assert_true(is_on_disk(waiting->f, guid));
	waiting->n_answered++;
}

static void what_was_handed_over_before_is_on_disk_when_an_after_is_answered(void **state)
{
	struct fixture *f = *state;
	struct waiting first = { .f = f, .guid = 1 };
	struct waiting second = { .f = f, .guid = 2 };

	fixture_open(f);
	loop_virtual_set_job_delay(f->loop, LOOP_SEC);
	keep_mkey_of(f, 1, 1);
	keep_after(store_keeper(f->store), check_disk, &first);
	loop_virtual_step(f->loop); /* the first batch is on its way */
	keep_mkey_of(f, 2, 1);
	keep_after(store_keeper(f->store), check_disk, &second);
	assert_false(is_on_disk(f, 2));
	loop_virtual_run_for(f->loop, LOOP_SEC);
	assert_int_equal(first.n_answered, 1);
	assert_int_equal(second.n_answered, 0);
	run(f);
	assert_int_equal(second.n_answered, 1);
}

static void hand_over_more(void *user, int result)
{
	struct fixture *f = user;

	assert_int_equal(result, 0);
	if (strlen(story) == 5)
		return;
	tell('m');
	keep_mkey_of(f, strlen(story), 1);
	keep_after(store_keeper(f->store), hand_over_more, f);
}

static void an_after_may_hand_over_more(void **state)
{
	struct fixture *f = *state;

	story[0] = '\0';
	fixture_open(f);
	keep_after(store_keeper(f->store), hand_over_more, f);
	run(f);
	assert_string_equal(story, "mmmmm");
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 5);
}

static void a_burst_takes_one_job(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	fixture_open(f);
	for (unsigned i = 1; i <= 100; i++)
		keep_mkey_of(f, i, i);
	while (loop_virtual_step(f->loop))
		n++;
	assert_int_equal(n, 3); /* begin, written, nobody to answer */
}

static void a_value_that_needs_no_more_room_is_taken_when_there_is_none(void **state)
{
	struct batch batch = { 0 };
	struct row row = { .kind = ROW_QUIRKS, .guid = 1, .size = 4, .blob = "four" };

	(void)state;
	assert_int_equal(batch_put(&batch, &row, 1000), 0);
	row.size = 5;
	assert_int_equal(batch_put(&batch, &row, batch.bytes), -ENOMEM);
	assert_int_equal(batch.rows[0].size, 4);
	row.size = 4;
	assert_int_equal(batch_put(&batch, &row, 0), 0);
	row.size = 0;
	assert_int_equal(batch_put(&batch, &row, 0), 0);
	assert_int_equal(batch.rows[0].size, 0);
	row.guid = 2;
	assert_int_equal(batch_put(&batch, &row, batch.bytes), -ENOMEM);
	assert_int_equal(batch.n_rows, 1);
	batch_done(&batch);
}

static void reading_is_refused_after_the_first_write(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	flush(f);
	fixture_read(f);
	assert_int_equal(f->back->n_mkeys, 0);
	assert_int_equal(fixture_count_said(f, "before anything is written"), 1);
}

/* ---- hostile content ------------------------------------------------------------------------- */

static void make_store_with_one_of_each(struct fixture *f)
{
	fixture_open(f);
	keep_identity_of(f, 1, 1, 0);
	keep_mkey_of(f, 1, 1);
	keep_quirks_of(f, 1, "x", 1);
	keep_reservation_of(f, 1, 1, 1, "x");
	keep_alias_of(f, 1, 1, 1, true);
	fixture_close(f);
}

static size_t count_back(const struct fixture *f)
{
	return f->back->n_identities + f->back->n_mkeys + f->back->n_quirks +
	       f->back->n_reservations + f->back->n_aliases;
}

static void rows_that_cannot_be_right_are_left_out_with_a_message(void **state)
{
	static const char *const rows[] = {
		"identity VALUES (0, 1, 0)",
		"identity VALUES (16, 0, 0)",
		"identity VALUES (16, 49152, 0)",
		"identity VALUES (16, -1, 0)",
		"identity VALUES (16, 65537, 0)",
		"identity VALUES (16, 4294967297, 0)",
		"identity VALUES (16, 49151, 1)",
		"identity VALUES (16, 1, 8)",
		"identity VALUES (16, 1, -1)",
		"identity VALUES (16, 1, 256)",
		"identity VALUES (16, NULL, 0)",
		"identity VALUES (16, 1, NULL)",
		"identity VALUES (16, 'one', 0)",
		"identity VALUES (16, 1.5, 0)",
		"identity VALUES (16, x'01', 0)",
		"mkey VALUES (0, 1, 2)",
		"mkey VALUES (16, NULL, 0)",
		"mkey VALUES (16, 'key', 0)",
		"mkey VALUES (16, 1e300, 0)",
		"mkey VALUES (16, 1, NULL)",
		"mkey VALUES (16, 1, 'key')",
		"quirks VALUES (0, x'01')",
		"quirks VALUES (16, NULL)",
		"quirks VALUES (16, x'')",
		"quirks VALUES (16, 'text')",
		"quirks VALUES (16, 1)",
		"quirks VALUES (16, zeroblob(65537))",
		"alias VALUES (0, 1, 1, 1)",
		"alias VALUES (16, 0, 1, 1)",
		"alias VALUES (16, 1, 0, 1)",
		"alias VALUES (16, 1, 255, 1)",
		"alias VALUES (16, 1, 257, 1)",
		"alias VALUES (16, 1, -1, 1)",
		"alias VALUES (16, 1, 1, 2)",
		"alias VALUES (16, NULL, 1, 1)",
		"alias VALUES (16, 1, 'one', 1)",
		"alias VALUES (16, 1, 1, x'01')",
		"reservation VALUES (0, 1, x'', '')",
		"reservation VALUES (16, 49152, x'', '')",
		"reservation VALUES (16, 65537, x'', '')",
		"reservation VALUES (16, -1, x'', '')",
		"reservation VALUES (16, NULL, x'', '')",
		"reservation VALUES (16, 1, NULL, '')",
		"reservation VALUES (16, 1, x'', NULL)",
		"reservation VALUES (16, 1, '', '')",
		"reservation VALUES (16, 1, x'', x'')",
		"reservation VALUES (16, 1, x'01', '')",
		"reservation VALUES (16, 1, zeroblob(8), '')",
		"reservation VALUES (16, 1, x'01010101010101010101010101010101', '')",
		"reservation VALUES (16, 1, randomblob(136), '')",
		"reservation VALUES (16, 1, x'', printf('%.65c', 'n'))",
		"reservation VALUES (16, 1, x'', 'a' || char(0) || 'b')",
		"reservation VALUES (16, 1, x'', 'a' || char(10))",
	};
	struct fixture *f = *state;
	char sql[128];

	make_store_with_one_of_each(f);
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO %s", rows[i]);
		run_sql(f, sql);
		f->n_said = 0;
		f->said[0] = '\0';
		fixture_reopen(f);
		fixture_close(f);
		if (count_back(f) != 5)
			fail_msg("%s is read", rows[i]);
		assert_int_equal(fixture_count_said(f, "cannot be right, leaving it out"), 1);
		run_sql(f, "DELETE FROM identity WHERE guid != 1; DELETE FROM mkey WHERE guid != 1;"
			   "DELETE FROM quirks WHERE guid != 1;"
			   "DELETE FROM reservation WHERE guid != 1;"
			   "DELETE FROM alias WHERE guid != 1");
	}
}

static void a_thousand_bad_rows_are_not_a_thousand_messages(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
		   "INSERT INTO identity SELECT i, 0, 0 FROM n");
	fixture_reopen(f);
	assert_int_equal(fixture_count_said(f, "leaving it out"), 10);
	assert_int_equal(fixture_count_said(f, "1000 rows in all cannot be right"), 1);
	assert_int_equal(f->back->n_identities, 1);
}

static void a_bad_row_is_healed_by_a_good_value(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, "UPDATE identity SET lid = NULL; UPDATE quirks SET content = 1");
	fixture_open(f);
	keep_identity_of(f, 1, 8, 1);
	keep_quirks_of(f, 1, "good", 4);
	fixture_reopen(f);
	assert_int_equal(f->back->identities[0].lid, 8);
	assert_int_equal(f->back->quirks[0].size, 4);
}

/* ---- damaged files --------------------------------------------------------------------------- */

static void write_at(struct fixture *f, const char *name, off_t at, const void *data, size_t size)
{
	AUTO(closep) int fd = open(fixture_path(f, name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, at), size);
}

/* The store starts anew, works, and the old file is there under another name. */
static void check_set_aside(struct fixture *f, const char *name)
{
	char old[32];

	f->n_said = 0;
	f->said[0] = '\0';
	fixture_open(f);
	assert_int_equal(fixture_count_said(f, "is damaged"), 1);
	snprintf(old, sizeof(old), "vsm.db.damaged-%s", name);
	assert_int_equal(fixture_count_said(f, old), 1);
	assert_true(fixture_has(f, old));
	fixture_read(f);
	assert_int_equal(f->back->n_identities + f->back->n_mkeys + f->back->n_quirks, 0);
	keep_mkey_of(f, 77, 78);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(fixture_count_said(f, "is damaged"), 1);
	fixture_close(f);
}

static void what_is_no_database_is_set_aside(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->dir, 0700), 0);
	write_at(f, "vsm.db", 0, "This is not a database, it is a sentence.\n", 42);
	check_set_aside(f, "1");
	write_at(f, "vsm.db", 0, "GARBAGE", 7);
	check_set_aside(f, "2");
}

static void random_bytes_are_set_aside(void **state)
{
	struct fixture *f = *state;
	uint8_t noise[8192];
	char name[8];

	assert_int_equal(mkdir(f->dir, 0700), 0);
	for (int round = 1; round <= 20; round++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)loop_random(f->loop);
		write_at(f, "vsm.db", 0, noise, sizeof(noise));
		snprintf(name, sizeof(name), "%d", round);
		check_set_aside(f, name);
	}
}

static void fill(struct fixture *f)
{
	char blob[400];

	memset(blob, 'b', sizeof(blob));
	fixture_open(f);
	for (uint16_t i = 1; i <= 300; i++) {
		keep_identity_of(f, i, i, 0);
		keep_quirks_of(f, i, blob, sizeof(blob));
	}
	fixture_close(f);
}

static void a_truncated_file_is_set_aside(void **state)
{
	static const off_t sizes[] = { 1, 99, 100, 511, 512, 4095, 4096, 8192, 20000, 40960 };
	struct fixture *f = *state;
	char name[8];

	for (size_t i = 0; i < COUNT(sizes); i++) {
		fill(f);
		assert_int_equal(truncate(fixture_path(f, "vsm.db"), sizes[i]), 0);
		snprintf(name, sizeof(name), "%zu", i + 1);
		check_set_aside(f, name);
		unlink(fixture_path(f, "vsm.db"));
	}
}

static void a_file_of_no_bytes_is_a_new_one(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(truncate(fixture_path(f, "vsm.db"), 0), 0);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_identities, 0);
	assert_false(fixture_has(f, "vsm.db.damaged-1"));
}

static void the_log_of_an_emptied_file_is_set_aside_with_it(void **state)
{
	struct fixture *f = *state;

	fill(f);
	assert_int_equal(truncate(fixture_path(f, "vsm.db"), 0), 0);
	write_at(f, "vsm.db-wal", 0, "precious", 8);
	check_set_aside(f, "1");
	assert_true(fixture_has(f, "vsm.db.damaged-1-wal"));
}

/* Any page may be the bad one. A page in which SQLite sees no fault may be read, and must end. */
static void a_file_with_bad_pages_is_set_aside_or_read_without_harm(void **state)
{
	struct fixture *f = *state;
	uint8_t noise[512];
	int n_aside = 0;

	fill(f);
	for (int round = 0; round < 60; round++) {
		struct stat st;

		assert_int_equal(stat(fixture_path(f, "vsm.db"), &st), 0);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)loop_random(f->loop);
		write_at(f, "vsm.db",
			 (off_t)(loop_random(f->loop) % (uint64_t)(st.st_size / 512)) * 512, noise,
			 sizeof(noise));
		f->n_said = 0;
		f->said[0] = '\0';
		if (fixture_try_open(f) < 0) {
			/* The version in the header may have become a later one. */
			assert_non_null(strstr(f->why, "later vsm"));
			unlink(fixture_path(f, "vsm.db"));
			fixture_open(f);
		}
		n_aside += fixture_count_said(f, "is damaged") > 0;
		fixture_read(f);
		fixture_close(f);
		unlink(fixture_path(f, "vsm.db"));
		fill(f);
	}
	assert_true(n_aside > 10);
}

static void rows_of_spare_lids_that_cannot_be_right_are_left_out(void **state)
{
	static const char *const blobs[] = { "x'00c0'", "x'0000'", "x'010002'", "zeroblob(2050)",
					     "x''" };
	struct fixture *f = *state;
	char sql[80];

	for (size_t i = 0; i < COUNT(blobs); i++) {
		fill(f);
		snprintf(sql, sizeof(sql), "INSERT INTO spare VALUES (3, %s)", blobs[i]);
		run_sql(f, sql);
		run_sql(f, "INSERT INTO move VALUES (4, 0)");
		fixture_open(f);
		fixture_read(f);
		assert_int_equal(f->back->n_spares + f->back->n_moves, 0);
		assert_int_equal(fixture_count_said(f, "cannot be right"), 2 * (i + 1));
		fixture_close(f);
		unlink(fixture_path(f, "vsm.db"));
	}
}

static void a_database_that_is_not_ours_is_set_aside(void **state)
{
	static const char *const changes[] = {
		"PRAGMA application_id = 7",
		"DROP TABLE mkey",
		"ALTER TABLE mkey ADD COLUMN lease INTEGER",
		"CREATE TABLE more (x)",
		"CREATE INDEX by_lid ON identity (lid)",
		"CREATE VIEW view AS SELECT 1",
		"CREATE TRIGGER t AFTER INSERT ON mkey BEGIN DELETE FROM mkey; END",
		"DROP TABLE mkey; CREATE TABLE mkey (guid PRIMARY KEY, mkey)",
		"DROP TABLE mkey; CREATE TABLE mkey (guid INTEGER PRIMARY KEY, mkey INTEGER)",
		"DROP TABLE member",
		"DROP TABLE partition",
		"CREATE INDEX by_guid ON member (guid)",
		"PRAGMA user_version = 1",
		"PRAGMA user_version = 2",
		"PRAGMA user_version = 3",
		"PRAGMA user_version = 4",
		"PRAGMA user_version = 5",
		"PRAGMA user_version = 0",
		"PRAGMA user_version = -3",
	};
	struct fixture *f = *state;
	char name[8];

	for (size_t i = 0; i < COUNT(changes); i++) {
		fill(f);
		run_sql(f, changes[i]);
		snprintf(name, sizeof(name), "%zu", i + 1);
		check_set_aside(f, name);
		unlink(fixture_path(f, "vsm.db"));
	}
}

static void a_hundred_damaged_files_are_enough(void **state)
{
	struct fixture *f = *state;
	char name[32];

	make_store_with_one_of_each(f);
	for (int i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "vsm.db.damaged-%d", i);
		write_at(f, name, 0, "x", 1);
	}
	write_at(f, "vsm.db", 0, "GARBAGE", 7);
	assert_int_equal(fixture_try_open(f), -EEXIST);
	assert_non_null(strstr(f->why, "set aside"));
}

static void a_schema_of_a_later_version_is_left_alone(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, "PRAGMA user_version = 8; CREATE TABLE later (x)");
	assert_int_equal(fixture_try_open(f), -EPROTO);
	assert_non_null(strstr(f->why, "schema 8 of a later vsm"));
	assert_false(fixture_has(f, "vsm.db.damaged-1"));
	run_sql(f, "PRAGMA user_version = 7; DROP TABLE later");
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_identities, 1);
}

static void a_schema_without_reservations_is_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_2);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(count_back(f), 3);
	keep_reservation_of(f, 1, 5, 1, "x");
	for (unsigned i = 0; i < 2; i++) {
		fixture_reopen(f);
		assert_int_equal(count_back(f), 4);
		assert_int_equal(f->back->reservations[0].lid, 5);
	}
	assert_string_equal(f->said, "");
}

static void a_schema_without_spare_lids_is_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;
	uint16_t lids[] = { 5 };
	struct kept_spares spares = { 1, 1, lids };
	size_t n;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_4);
	fixture_open(f);
	fixture_read(f);
	n = count_back(f);
	assert_int_not_equal(n, 0);
	assert_int_equal(keep_spares(store_keeper(f->store), &spares), 0);
	for (unsigned i = 0; i < 2; i++) {
		fixture_reopen(f);
		assert_int_equal(count_back(f), n);
		assert_int_equal(f->back->n_spares, 1);
	}
	assert_string_equal(f->said, "");
}

static void a_schema_without_aliases_is_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_3);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(count_back(f), 4);
	assert_int_equal(f->back->n_aliases, 0);
	keep_alias_of(f, 5, 6, 7, true);
	fixture_reopen(f);
	assert_int_equal(count_back(f), 5);
	assert_int_equal(f->back->aliases[0].port, 6);
	assert_string_equal(f->said, "");
}

static void a_schema_of_the_former_version_is_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_1);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_identities + f->back->n_mkeys + f->back->n_quirks, 3);
	assert_int_equal(f->back->mkeys[0].mkey, 1);
	assert_int_equal(f->back->mkeys[0].other, 0);
	keep_mkeys_of(f, 1, 2, 3);
	for (unsigned i = 0; i < 2; i++) {
		fixture_reopen(f);
		assert_int_equal(f->back->n_mkeys, 1);
		assert_int_equal(f->back->mkeys[0].mkey, 2);
		assert_int_equal(f->back->mkeys[0].other, 3);
	}
	assert_string_equal(f->said, "");
}

static void a_schema_without_partitions_is_read_and_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_5);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(count_back(f), 5);
	keep_members_of(f, 5, 1, 2, KEPT_FULL);
	for (unsigned i = 0; i < 2; i++) {
		fixture_reopen(f);
		assert_int_equal(f->back->n_members, 2);
		assert_int_equal(f->back->n_mkeys, 1);
	}
	assert_string_equal(f->said, "");
}

static void a_schema_without_registrations_is_read_and_brought_up_to_ours(void **state)
{
	struct fixture *f = *state;

	make_store_with_one_of_each(f);
	run_sql(f, FIXTURE_TO_SCHEMA_6);
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_registrations, 0);
	keep_registration_of(f, KEPT_SERVICE, 1, 0, "x", 1);
	for (unsigned i = 0; i < 2; i++) {
		fixture_reopen(f);
		assert_int_equal(f->back->n_registrations, 1);
		assert_int_equal(f->back->n_mkeys, 1);
	}
	assert_string_equal(f->said, "");
}

/* ---- who may open what ----------------------------------------------------------------------- */

static void a_second_store_in_a_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *second;

	fixture_open(f);
	assert_int_equal(store_open(f->loop, f->dir, f->why, &second), -EBUSY);
	assert_non_null(strstr(f->why, "is in use by another vsm"));
	keep_mkey_of(f, 1, 1);
	flush(f);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
}

static void a_file_that_another_program_writes_is_refused(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db;

	make_store_with_one_of_each(f);
	assert_int_equal(sqlite3_open(fixture_path(f, "vsm.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(fixture_try_open(f), -EBUSY);
	assert_non_null(strstr(f->why, "in use by another program"));
	sqlite3_close(db);
	fixture_open(f);
}

static void parents_are_not_made(void **state)
{
	struct fixture *f = *state;

	snprintf(f->dir, sizeof(f->dir), "%s/no/state", f->root);
	assert_int_equal(fixture_try_open(f), -ENOENT);
	assert_non_null(strstr(f->why, "cannot make the directory"));
	assert_non_null(strstr(f->why, "No such file"));
}

static void what_is_no_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	AUTO(closep) int fd = open(f->dir, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fixture_try_open(f), -ENOTDIR);
	assert_non_null(strstr(f->why, "Not a directory"));
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->dir, 0700), 0);
	assert_int_equal(symlink("elsewhere", fixture_path(f, "vsm.db")), 0);
	assert_int_equal(fixture_try_open(f), -EINVAL);
	assert_non_null(strstr(f->why, "is not a regular file"));
	unlink(fixture_path(f, "vsm.db"));

	assert_int_equal(mkfifo(fixture_path(f, "vsm.db"), 0600), 0);
	assert_int_equal(fixture_try_open(f), -EINVAL);
	unlink(fixture_path(f, "vsm.db"));

	assert_int_equal(mkdir(fixture_path(f, "vsm.db"), 0700), 0);
	assert_int_equal(fixture_try_open(f), -EINVAL);
}

/* systemd makes one for DynamicUser=. */
static void the_directory_may_be_a_symbolic_link(void **state)
{
	struct fixture *f = *state;
	char target[64];

	snprintf(target, sizeof(target), "%s/private", f->root);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, f->dir), 0);
	make_store_with_one_of_each(f);
	fixture_open(f);
	assert_false(store_is_empty(f->store));
}

/* ---- import ---------------------------------------------------------------------------------- */

static void write_guid2lid(struct fixture *f, const char *text)
{
	if (access(f->dir, F_OK) < 0)
		assert_int_equal(mkdir(f->dir, 0700), 0);
	write_at(f, "guid2lid", 0, text, strlen(text));
}

static void an_empty_store_imports_the_lids_of_opensm(void **state)
{
	struct fixture *f = *state;
	struct guid2lid_counts counts;

	write_guid2lid(f, "0x0002c90300000001 0x0004 0x0007\n\n0x0002c90300000002 0x0001 0x0001\n\n"
			  "0x0002c90300000003 nonsense\n\n");
	fixture_open(f);
	assert_int_equal(store_import_guid2lid(f->store, fixture_path(f, "guid2lid"), &counts), 0);
	assert_int_equal(counts.taken, 2);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(fixture_count_said(f, "guid2lid:5: "), 1);
	assert_false(store_is_empty(f->store));

	fixture_read(f);
	assert_int_equal(f->back->n_identities, 2);
	assert_int_equal(f->back->identities[0].lid, 4);
	assert_int_equal(f->back->identities[0].lmc, 2);
	assert_int_equal(f->back->identities[1].lid, 1);
	assert_int_equal(f->back->identities[1].lmc, 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_identities, 2);
}

static void a_store_that_knows_lids_imports_none(void **state)
{
	struct fixture *f = *state;
	struct guid2lid_counts counts;

	make_store_with_one_of_each(f);
	write_guid2lid(f, "0x0002c90300000001 0x0004 0x0004\n");
	fixture_open(f);
	assert_false(store_is_empty(f->store));
	assert_int_equal(store_import_guid2lid(f->store, fixture_path(f, "guid2lid"), &counts),
			 -EEXIST);
	fixture_read(f);
	assert_int_equal(f->back->n_identities, 1);
}

static void a_missing_guid2lid_is_nothing_to_talk_about(void **state)
{
	struct fixture *f = *state;
	struct guid2lid_counts counts;

	fixture_open(f);
	assert_int_equal(store_import_guid2lid(f->store, fixture_path(f, "guid2lid"), &counts),
			 -ENOENT);
	assert_int_equal(f->n_said, 0);
	assert_int_equal(store_import_guid2lid(f->store, f->dir, &counts), -EINVAL);
	assert_int_equal(fixture_count_said(f, "Cannot import LIDs"), 1);
	fixture_read(f);
	assert_int_equal(fixture_count_said(f, "before anything is written"), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_kept_is_found_again),
		TEST(nothing_is_found_in_a_new_directory),
		TEST(the_last_value_of_a_guid_counts),
		TEST(m_key_zero_forgets_the_port),
		TEST(quirks_of_size_zero_forget_the_device),
		TEST(what_the_operator_made_is_found_again),
		TEST(what_the_operator_takes_back_is_forgotten),
		TEST(a_reservation_that_cannot_be_right_is_refused),
		TEST(an_alias_moves_and_is_forgotten_with_port_zero),
		TEST(what_hosts_registered_is_found_again),
		TEST(a_registration_that_cannot_be_right_is_refused),
		TEST(registrations_on_disk_that_cannot_be_right_are_left_out),
		TEST(spare_lids_and_moves_are_found_again),
		TEST(rows_of_spare_lids_that_cannot_be_right_are_left_out),
		TEST(an_identity_with_lid_zero_forgets_the_guid),
		TEST(blobs_of_the_largest_size_are_kept),
		TEST(what_cannot_be_right_is_not_taken),
		TEST(a_fabric_of_13000_ports_is_kept_in_one_burst),
		TEST(closing_writes_what_waits),
		TEST(all_files_are_for_the_owner_alone),
		TEST(afters_are_answered_in_order_and_never_from_within_the_call),
		TEST(an_after_with_nothing_to_write_is_answered),
		TEST(an_after_that_is_cancelled_is_not_answered),
		TEST(what_was_handed_over_before_is_on_disk_when_an_after_is_answered),
		TEST(an_after_may_hand_over_more),
		TEST(a_burst_takes_one_job),
		TEST(a_value_that_needs_no_more_room_is_taken_when_there_is_none),
		TEST(reading_is_refused_after_the_first_write),
		TEST(rows_that_cannot_be_right_are_left_out_with_a_message),
		TEST(a_thousand_bad_rows_are_not_a_thousand_messages),
		TEST(a_bad_row_is_healed_by_a_good_value),
		TEST(what_is_no_database_is_set_aside),
		TEST(random_bytes_are_set_aside),
		TEST(a_truncated_file_is_set_aside),
		TEST(a_file_of_no_bytes_is_a_new_one),
		TEST(the_log_of_an_emptied_file_is_set_aside_with_it),
		TEST(a_file_with_bad_pages_is_set_aside_or_read_without_harm),
		TEST(a_database_that_is_not_ours_is_set_aside),
		TEST(a_hundred_damaged_files_are_enough),
		TEST(a_schema_of_a_later_version_is_left_alone),
		TEST(a_schema_without_spare_lids_is_brought_up_to_ours),
		TEST(a_schema_of_the_former_version_is_brought_up_to_ours),
		TEST(a_schema_without_reservations_is_brought_up_to_ours),
		TEST(a_schema_without_aliases_is_brought_up_to_ours),
		TEST(a_schema_without_partitions_is_read_and_brought_up_to_ours),
		TEST(a_schema_without_registrations_is_read_and_brought_up_to_ours),
		TEST(partitions_are_found_again),
		TEST(a_partition_is_forgotten_with_its_members),
		TEST(changes_of_one_batch_are_made_in_their_order),
		TEST(a_change_that_cannot_be_right_is_refused_as_a_whole),
		TEST(rows_of_partitions_that_cannot_be_right_are_left_out),
		TEST(a_batch_without_its_steps_has_all_else),
		TEST(a_second_store_in_a_directory_is_refused),
		TEST(a_file_that_another_program_writes_is_refused),
		TEST(parents_are_not_made),
		TEST(what_is_no_directory_is_refused),
		TEST(what_is_no_regular_file_is_refused),
		TEST(the_directory_may_be_a_symbolic_link),
		TEST(an_empty_store_imports_the_lids_of_opensm),
		TEST(a_store_that_knows_lids_imports_none),
		TEST(a_missing_guid2lid_is_nothing_to_talk_about),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
