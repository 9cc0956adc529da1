/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Disks that are full, fail, or lose power. Whatever they do, keep_after() tells the truth, the log
 * says it once, memory stays bounded, and all is written when the disk is well again.
 */

#include "store/store.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/macros.h"
#include "tests/unit/bad-disk.h"
#include "tests/unit/loop-virtual.h"
#include "tests/unit/store-fixture.h"

static int begin(void **state)
{
	struct loop *loop;

	*bad_disk_get() = (struct bad_disk){ 0 };
	if (loop_virtual_new(1, &loop) < 0)
		return -1;
	*state = fixture_new(loop);

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	struct loop *loop = f->loop;

	*bad_disk_get() = (struct bad_disk){ 0 };
	fixture_free(f);
	loop_virtual_free(loop);

	return 0;
}

#define NOT_YET 1

static void note_result(void *user, int result)
{
	*(int *)user = result;
}

static void ask(struct fixture *f, int *result)
{
	*result = NOT_YET;
	assert_int_equal(keep_after(store_keeper(f->store), note_result, result), 0);
}

/* What keep_after() says now. It must say something before time passes. */
static int flush(struct fixture *f)
{
	uint64_t now = loop_now(f->loop);
	int result;

	ask(f, &result);
	loop_virtual_run_until(f->loop, now);
	assert_int_not_equal(result, NOT_YET);

	return result;
}

/* ---- failing disks --------------------------------------------------------------------------- */

struct fault {
	const char *name;
	struct bad_disk disk;
	int error;
};

static const struct fault faults[] = {
	{ "full", { .write_result = SQLITE_FULL }, -ENOSPC },
	{ "write", { .write_result = SQLITE_IOERR_WRITE, .system_errno = EIO }, -EIO },
	{ "quota", { .write_result = SQLITE_IOERR_WRITE, .system_errno = EDQUOT }, -EDQUOT },
	{ "read only", { .write_result = SQLITE_IOERR_WRITE, .system_errno = EROFS }, -EROFS },
	{ "sync", { .sync_result = SQLITE_IOERR_FSYNC, .system_errno = EIO }, -EIO },
	{ "half", { .write_result = SQLITE_FULL, .writes_left = 3 }, -ENOSPC },
	{ "all",
	  { .write_result = SQLITE_IOERR_WRITE,
	    .read_result = SQLITE_IOERR_READ,
	    .sync_result = SQLITE_IOERR_FSYNC,
	    .open_result = SQLITE_CANTOPEN,
	    .system_errno = EIO },
	  -EIO },
};

/* The last that was said of the disk is what is told to whoever asks. */
static void assert_tells_what_it_said(const struct fixture *f)
{
	const char *trouble = store_trouble(f->store), *at;

	assert_non_null(trouble);
	at = strstr(f->said, trouble);
	assert_non_null(at);
	assert_null(strstr(at + 1, "Cannot write"));
}

static void a_failing_disk_is_reported_once_and_written_to_when_it_is_well(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(faults); i++) {
		fixture_open(f);
		keep_mkey_of(f, 1, i + 1);
		assert_int_equal(flush(f), 0);

		*bad_disk_get() = faults[i].disk;
		keep_mkey_of(f, 1, i + 100);
		keep_mkey_of(f, i + 2, i + 1);
		if (flush(f) != faults[i].error)
			fail_msg("%s: %s", faults[i].name, f->said);
		loop_virtual_run_for(f->loop, 3600 * LOOP_SEC);
		if (fixture_count_said(f, "Cannot write") != 1)
			fail_msg("%s: %s", faults[i].name, f->said);
		assert_tells_what_it_said(f);
		assert_int_equal(fixture_count_said(f, "works again"), 0);

		*bad_disk_get() = (struct bad_disk){ 0 };
		loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
		assert_int_equal(fixture_count_said(f, "works again"), 1);
		assert_null(store_trouble(f->store));
		assert_int_equal(flush(f), 0);
		fixture_reopen(f);
		assert_int_equal(f->back->n_mkeys, i + 2);
		assert_int_equal(f->back->mkeys[0].mkey, i + 100);
		fixture_close(f);
		f->n_said = 0;
		f->said[0] = '\0';
	}
}

static void everybody_who_waits_hears_of_the_failure_in_order(void **state)
{
	struct fixture *f = *state;
	int results[4];

	fixture_open(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	loop_virtual_set_job_delay(f->loop, LOOP_SEC);
	keep_mkey_of(f, 1, 1);
	ask(f, &results[0]);
	loop_virtual_step(f->loop); /* the first batch is on its way */
	keep_mkey_of(f, 2, 1);
	ask(f, &results[1]);
	ask(f, &results[2]);
	loop_virtual_run_for(f->loop, LOOP_SEC);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(results[i], -ENOSPC);
	ask(f, &results[3]);
	loop_virtual_step(f->loop);
	assert_int_equal(results[3], -ENOSPC);
}

static void what_came_while_the_disk_failed_is_written_too(void **state)
{
	struct fixture *f = *state;
	int result;

	fixture_open(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	keep_mkey_of(f, 1, 2);
	keep_mkey_of(f, 2, 2);
	keep_quirks_of(f, 3, "three", 5);
	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	ask(f, &result);
	loop_virtual_run_for(f->loop, 1);
	assert_int_equal(result, 0);

	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 2);
	assert_int_equal(f->back->mkeys[0].mkey, 2);
	assert_int_equal(f->back->n_quirks, 1);
}

static void a_failing_disk_is_tried_less_and_less_often(void **state)
{
	struct bad_disk *disk = bad_disk_get();
	struct fixture *f = *state;

	fixture_open(f);
	disk->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	disk->n_writes = 0;
	loop_virtual_run_for(f->loop, 10 * LOOP_SEC);
	assert_in_range(disk->n_writes, 3, 10);
	loop_virtual_run_for(f->loop, 600 * LOOP_SEC);
	disk->n_writes = 0;
	loop_virtual_run_for(f->loop, 600 * LOOP_SEC);
	assert_in_range(disk->n_writes, 9, 30);
}

static void asking_does_not_try_the_disk(void **state)
{
	struct bad_disk *disk = bad_disk_get();
	struct fixture *f = *state;

	fixture_open(f);
	disk->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	disk->n_writes = 0;
	for (int i = 0; i < 100; i++)
		assert_int_equal(flush(f), -ENOSPC);
	assert_int_equal(disk->n_writes, 0);
}

static void another_failure_is_said_again(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	*bad_disk_get() = faults[0].disk;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	*bad_disk_get() = faults[1].disk;
	loop_virtual_run_for(f->loop, 600 * LOOP_SEC);
	assert_int_equal(flush(f), -EIO);
	assert_int_equal(fixture_count_said(f, "Cannot write"), 2);
	assert_tells_what_it_said(f);
}

static void what_a_dying_disk_does_not_take_at_the_end_is_said(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), 0);
	bad_disk_get()->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 2);
	keep_mkey_of(f, 2, 2);
	fixture_close(f);
	assert_int_equal(fixture_count_said(f, "2 values are lost"), 1);

	bad_disk_get()->write_result = SQLITE_OK;
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].mkey, 1);
}

/* Whoever asked for it was told that it failed, so it must not be there later. */
static void a_change_that_failed_is_not_made_later(void **state)
{
	struct fixture *f = *state;
	size_t n = 0;

	for (size_t i = 0; i < COUNT(faults); i++) {
		if (faults[i].disk.sync_result && !faults[i].disk.write_result)
			continue; /* all was written, and may come to light: see keep.h */
		fixture_open(f);
		keep_members_of(f, 1, 100 * i + 1, 1, KEPT_FULL);
		assert_int_equal(flush(f), 0);

		*bad_disk_get() = faults[i].disk;
		keep_mkey_of(f, i + 1, i + 1);
		keep_members_of(f, 2, 1, 50, KEPT_FULL);
		assert_int_equal(flush(f), faults[i].error);
		keep_members_of(f, 3, 1, 50, KEPT_FULL);
		assert_int_equal(flush(f), faults[i].error);

		*bad_disk_get() = (struct bad_disk){ 0 };
		loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
		keep_members_of(f, 1, 100 * i + 2, 1, KEPT_LIMITED);
		assert_int_equal(flush(f), 0);
		fixture_reopen(f);
		n += 2;
		assert_int_equal(f->back->n_members, n);
		for (size_t m = 0; m < f->back->n_members; m++)
			assert_int_equal(f->back->members[m].pkey, 1);
		assert_int_equal(f->back->n_mkeys, n / 2);
		fixture_close(f);
	}
	assert_int_equal(n, 2 * (COUNT(faults) - 1));
}

/* It is not held against the next one, which may be made as soon as there is room. */
static void a_change_is_tried_although_the_last_one_failed(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	for (unsigned i = 1; i <= 3; i++) {
		keep_members_of(f, 2, 1, 50, KEPT_FULL);
		assert_int_equal(flush(f), -ENOSPC);
		assert_int_equal(fixture_count_said(f, "Cannot write"), i);
		assert_int_equal(fixture_count_said(f, "trying again"), 0);
		assert_null(store_trouble(f->store));
	}
	bad_disk_get()->write_result = SQLITE_OK;
	keep_members_of(f, 3, 1, 1, KEPT_FULL);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_members, 1);
	assert_int_equal(f->back->members[0].pkey, 3);
}

/* The part of a change that found room is not written without the other. */
static void a_change_for_which_there_is_no_room_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct keeper *k;
	struct kept_member *members = calloc(600000, sizeof(*members));
	struct kept_change change = { .pkey = 1, .name = "x", .members = members };

	assert_non_null(members);
	fixture_open(f);
	k = store_keeper(f->store);
	for (uint32_t i = 0; i < 600000; i++)
		members[i] = (struct kept_member){ i + 1, 1, KEPT_FULL, false };
	change.n_members = 600000;
	assert_int_equal(keep_change(k, &change), -ENOMEM);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), 0);
	change.n_members = 1000;
	assert_int_equal(keep_change(k, &change), 0);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_members, 1000);
	assert_int_equal(f->back->n_mkeys, 1);
	free(members);
}

static void make_store_of_schema_1(struct fixture *f)
{
	sqlite3 *db;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	fixture_close(f);
	assert_int_equal(sqlite3_open(fixture_path(f, "vsm.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE;" FIXTURE_TO_SCHEMA_1,
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

static void a_former_schema_on_a_full_disk_is_read_and_brought_up_to_ours_later(void **state)
{
	struct fixture *f = *state;

	make_store_of_schema_1(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].mkey, 1);
	keep_mkeys_of(f, 1, 2, 3);
	assert_int_equal(flush(f), -ENOSPC);
	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].mkey, 2);
	assert_int_equal(f->back->mkeys[0].other, 3);
	assert_int_equal(fixture_count_said(f, "damaged"), 0);
}

/* The last word counts, also of those that the disk did not take. */
static void a_registration_that_is_taken_back_is_not_written_later(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_registration_of(f, KEPT_SERVICE, 7, 0, "old", 3);
	assert_int_equal(flush(f), 0);
	bad_disk_get()->write_result = SQLITE_FULL;
	keep_registration_of(f, KEPT_SERVICE, 7, 9, "new", 3);
	keep_registration_of(f, KEPT_SUBSCRIPTION, 7, 0, "another", 7);
	assert_int_equal(flush(f), -ENOSPC);
	keep_registration_of(f, KEPT_SUBSCRIPTION, 7, 0, NULL, 0);
	keep_registration_of(f, KEPT_SERVICE, 7, 0, "old", 3);
	assert_int_equal(flush(f), -ENOSPC);
	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_registrations, 1);
	assert_int_equal(f->back->registrations[0].kind, KEPT_SERVICE);
	assert_int_equal(f->back->registrations[0].expires, 0);
	assert_memory_equal(f->back->registrations[0].blob, "old", 3);
}

static void reservations_wait_for_a_schema_that_has_them(void **state)
{
	struct fixture *f = *state;

	make_store_of_schema_1(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_reservations, 0);
	keep_reservation_of(f, 1, 5, 2, "x");
	assert_int_equal(flush(f), -ENOSPC);
	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_reservations, 1);
	assert_int_equal(f->back->reservations[0].lid, 5);
	assert_int_equal(fixture_count_said(f, "Cannot read"), 0);
}

static void a_disk_that_is_full_at_the_start_is_lived_with(void **state)
{
	struct fixture *f = *state;

	bad_disk_get()->write_result = SQLITE_FULL;
	fixture_open(f);
	assert_int_equal(fixture_count_said(f, "starting without it"), 1);
	assert_tells_what_it_said(f);
	assert_true(store_is_empty(f->store));
	keep_identity_of(f, 1, 1, 0);
	assert_int_equal(flush(f), -ENOSPC);
	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_identities, 1);
}

static void a_full_disk_does_not_hide_what_is_kept(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_identity_of(f, 1, 1, 0);
	fixture_close(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_identities, 1);
	assert_false(store_is_empty(f->store));
}

static void a_disk_that_cannot_be_read_is_no_damaged_file(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_identity_of(f, 1, 1, 0);
	fixture_close(f);
	bad_disk_get()->read_result = SQLITE_IOERR_READ;
	bad_disk_get()->system_errno = EIO;
	assert_int_equal(fixture_try_open(f), -EIO);
	assert_non_null(strstr(f->why, "cannot open vsm.db"));
	assert_non_null(strstr(f->why, "Input/output error"));
	bad_disk_get()->read_result = SQLITE_OK;
	fixture_open(f);
	fixture_read(f);
	assert_int_equal(f->back->n_identities, 1);
}

static void a_file_that_was_removed_is_made_again(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), 0);
	unlink(fixture_path(f, "vsm.db"));
	unlink(fixture_path(f, "vsm.db-wal"));
	keep_mkey_of(f, 2, 2);
	assert_int_equal(flush(f), 0);
	assert_int_equal(fixture_count_said(f, "was removed or replaced"), 1);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].guid, 2);
}

static void a_file_that_is_damaged_meanwhile_is_set_aside(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	fixture_close(f);
	fixture_open(f);
	bad_disk_get()->write_result = SQLITE_CORRUPT;
	keep_mkey_of(f, 2, 2);
	assert_int_equal(flush(f), -EBADMSG);
	bad_disk_get()->write_result = SQLITE_OK;
	assert_int_equal(truncate(fixture_path(f, "vsm.db"), 5000), 0);
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	assert_int_equal(fixture_count_said(f, "vsm.db.damaged-1"), 1);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->mkeys[0].guid, 2);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void what_waits_for_a_failing_disk_is_bounded(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *blob = calloc(1, KEEP_QUIRKS_MAX);
	struct kept_quirks quirks = { 0, blob, KEEP_QUIRKS_MAX };
	struct keeper *k;
	uint64_t n = 0;

	assert_non_null(blob);
	fixture_open(f);
	k = store_keeper(f->store);
	bad_disk_get()->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);

	do
		quirks.guid++;
	while (keep_quirks(k, &quirks) == 0 && ++n * KEEP_QUIRKS_MAX <= STORE_WAITING_MAX);
	assert_in_range(n, 100, STORE_WAITING_MAX / KEEP_QUIRKS_MAX);
	assert_int_equal(keep_quirks(k, &quirks), -ENOMEM);
	assert_int_equal(fixture_count_said(f, "No room for values"), 1);
	assert_int_equal(flush(f), -ENOMEM);
	assert_int_equal(flush(f), -ENOSPC);

	for (uint16_t lid = 1; lid <= 10000; lid++)
		keep_identity_of(f, lid, lid, 0); /* for which quirks leave room */
	quirks.guid = 1;
	assert_int_equal(keep_quirks(k, &quirks), 0);

	bad_disk_get()->write_result = SQLITE_OK;
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	quirks.guid = n + 1;
	assert_int_equal(keep_quirks(k, &quirks), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_quirks, n + 1);
	assert_int_equal(f->back->n_identities, 10000);
}

static void the_same_values_again_and_again_need_no_more_room(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *blob = calloc(1, KEEP_QUIRKS_MAX);

	assert_non_null(blob);
	fixture_open(f);
	bad_disk_get()->write_result = SQLITE_FULL;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	for (uint64_t i = 0; i < 3 * STORE_WAITING_MAX / KEEP_QUIRKS_MAX; i++)
		keep_quirks_of(f, 1 + i % 10, blob, KEEP_QUIRKS_MAX);
}

/* ---- power failures -------------------------------------------------------------------------- */

/* What is left when power fails now, opened and read by itself. */
static void lose_power(struct fixture *f, const char *shadow)
{
	struct bad_disk *disk = bad_disk_get();
	struct fixture after = { .loop = f->loop, .back = f->back };
	char command[128];

	disk->shadow = NULL;
	snprintf(after.dir, sizeof(after.dir), "%s/after", f->root);
	snprintf(command, sizeof(command), "rm -rf %s && cp -r %s %s", after.dir, shadow,
		 after.dir);
	assert_int_equal(system(command), 0);
	fixture_open(&after);
	fixture_read(&after);
	fixture_close(&after);
	disk->shadow = shadow;
}

static void what_was_confirmed_survives_a_power_failure(void **state)
{
	struct fixture *f = *state;
	char shadow[48];
	char blob[400];

	memset(blob, 'p', sizeof(blob));
	snprintf(shadow, sizeof(shadow), "%s/shadow", f->root);
	assert_int_equal(mkdir(shadow, 0700), 0);
	bad_disk_get()->shadow = shadow;
	fixture_open(f);
	for (uint64_t i = 1; i <= 300; i++) {
		keep_mkey_of(f, i, ~i);
		keep_quirks_of(f, 1000 * i, blob, i);
		assert_int_equal(flush(f), 0);
		lose_power(f, shadow);
		assert_int_equal(f->back->n_mkeys, i);
		assert_int_equal(f->back->n_quirks, i);
		assert_true(f->back->mkeys[i - 1].mkey == ~i);
		assert_int_equal(fixture_count_said(f, "damaged"), 0);
	}
}

static void what_was_written_and_not_synchronized_does_not_pass_for_kept(void **state)
{
	struct bad_disk *disk = bad_disk_get();
	struct fixture *f = *state;
	char shadow[48];

	snprintf(shadow, sizeof(shadow), "%s/shadow", f->root);
	assert_int_equal(mkdir(shadow, 0700), 0);
	disk->shadow = shadow;
	fixture_open(f);
	disk->sync_result = SQLITE_IOERR_FSYNC;
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -EIO);
	fixture_close(f);

	disk->sync_result = SQLITE_OK;
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), 0);
	lose_power(f, shadow);
	assert_int_equal(f->back->n_mkeys, 1);
}

/* ---- disks of the kernel --------------------------------------------------------------------- */

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = MIN(size, limit.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_file_that_may_not_grow_is_a_failing_disk(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *blob = calloc(1, KEEP_QUIRKS_MAX);
	int result;

	assert_non_null(blob);
	signal(SIGXFSZ, SIG_IGN);
	fixture_open(f);
	limit_file_size(65536);
	keep_quirks_of(f, 1, blob, KEEP_QUIRKS_MAX);
	result = flush(f);
	loop_virtual_run_for(f->loop, 600 * LOOP_SEC);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(result, -EFBIG);
	assert_int_equal(fixture_count_said(f, "Cannot write"), 1);
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_quirks, 1);
}

/* Gives f->dir a file system of its own, of @size; false if we may not. */
static bool mount_small(struct fixture *f, const char *size)
{
	char options[32];

	snprintf(options, sizeof(options), "mode=0700,size=%s", size);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	assert_int_equal(mkdir(f->dir, 0700), 0);

	return mount("vsm-test", f->dir, "tmpfs", 0, options) == 0;
}

static void remount(struct fixture *f, unsigned long flags, const char *options)
{
	assert_int_equal(mount(NULL, f->dir, NULL, MS_REMOUNT | flags, options), 0);
}

static void a_full_file_system_is_written_to_when_it_has_room(void **state)
{
	struct fixture *f = *state;
	AUTO(freep) char *blob = calloc(1, KEEP_QUIRKS_MAX);

	assert_non_null(blob);
	if (!mount_small(f, "200k"))
		skip();
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), 0);
	for (uint64_t guid = 1; guid <= 10; guid++)
		keep_quirks_of(f, guid, blob, KEEP_QUIRKS_MAX);
	assert_int_equal(flush(f), -ENOSPC);
	remount(f, 0, "size=8m");
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	assert_int_equal(flush(f), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	assert_int_equal(f->back->n_quirks, 10);
	fixture_close(f);
	assert_int_equal(umount(f->dir), 0);
}

static void a_file_system_that_is_full_at_the_start_is_lived_with(void **state)
{
	struct fixture *f = *state;

	if (!mount_small(f, "4k"))
		skip();
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	remount(f, 0, "size=8m");
	loop_virtual_run_for(f->loop, 61 * LOOP_SEC);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 1);
	fixture_close(f);
	assert_int_equal(umount(f->dir), 0);
}

static void a_read_only_file_system_is_refused_at_the_start(void **state)
{
	struct fixture *f = *state;

	if (!mount_small(f, "8m"))
		skip();
	fixture_open(f);
	fixture_close(f);
	remount(f, MS_RDONLY, "");
	assert_int_equal(fixture_try_open(f), -EROFS);
	assert_non_null(strstr(f->why, "Read-only file system"));
	assert_int_equal(umount(f->dir), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_failing_disk_is_reported_once_and_written_to_when_it_is_well),
		TEST(everybody_who_waits_hears_of_the_failure_in_order),
		TEST(what_came_while_the_disk_failed_is_written_too),
		TEST(a_failing_disk_is_tried_less_and_less_often),
		TEST(asking_does_not_try_the_disk),
		TEST(another_failure_is_said_again),
		TEST(what_a_dying_disk_does_not_take_at_the_end_is_said),
		TEST(a_disk_that_is_full_at_the_start_is_lived_with),
		TEST(a_change_that_failed_is_not_made_later),
		TEST(a_change_is_tried_although_the_last_one_failed),
		TEST(a_change_for_which_there_is_no_room_leaves_nothing),
		TEST(a_former_schema_on_a_full_disk_is_read_and_brought_up_to_ours_later),
		TEST(a_registration_that_is_taken_back_is_not_written_later),
		TEST(reservations_wait_for_a_schema_that_has_them),
		TEST(a_full_disk_does_not_hide_what_is_kept),
		TEST(a_disk_that_cannot_be_read_is_no_damaged_file),
		TEST(a_file_that_was_removed_is_made_again),
		TEST(a_file_that_is_damaged_meanwhile_is_set_aside),
		TEST(what_waits_for_a_failing_disk_is_bounded),
		TEST(the_same_values_again_and_again_need_no_more_room),
		TEST(what_was_confirmed_survives_a_power_failure),
		TEST(what_was_written_and_not_synchronized_does_not_pass_for_kept),
		TEST(a_file_that_may_not_grow_is_a_failing_disk),
		TEST(a_full_file_system_is_written_to_when_it_has_room),
		TEST(a_file_system_that_is_full_at_the_start_is_lived_with),
		TEST(a_read_only_file_system_is_refused_at_the_start),
	};

	bad_disk_get();

	return cmocka_run_group_tests_name("store-faults", tests, NULL, NULL);
}
