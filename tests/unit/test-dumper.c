/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* When dumps are written: over a made-up fabric, on virtual time. What is in them is test-dump's.
 */

#include "ctl/dumper.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-virtual.h"

static const char *const names[] = { "opensm-subnet.lst", "opensm-lfts.dump", "opensm.fdbs",
				     "opensm.mcfdbs", "opensm.psl" };

struct fixture {
	struct loop *loop;
	struct fake *fake;
	struct dumper *dumper;
	char folder[64];
	unsigned told; /* that dumps were written */
	unsigned warnings;
};

static void on_written(void *user)
{
	struct fixture *f = user;

	f->told++;
}

static void count_warnings(enum log_level level, const struct log_where *where, const char *text,
			   void *user)
{
	struct fixture *f = user;

	(void)where;
	(void)text;
	f->warnings += level <= LOG_LEVEL_WARNING;
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	log_set_sink(count_warnings, f);
	assert_int_equal(loop_virtual_new(1, &f->loop), 0);
	f->fake = fake_new(f->loop);
	assert_int_equal(dumper_new(f->loop, on_written, f, &f->dumper), 0);
	strcpy(f->folder, "/tmp/test-dumper-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	*state = f;

	return 0;
}

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->folder, name);

	return path;
}

/* Were dumps written since this was last asked? Each time all of them. */
static bool are_written(const struct fixture *f)
{
	unsigned n = 0;

	for (size_t i = 0; i < COUNT(names); i++)
		n += unlink(path_of(f, names[i])) == 0;
	assert_true(n == 0 || n == COUNT(names));

	return n > 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	are_written(f);
	assert_int_equal(rmdir(f->folder), 0);
	dumper_free(f->dumper);
	fake_free(f->fake);
	loop_virtual_free(f->loop);
	free(f);

	return 0;
}

static bool look(const struct fixture *f)
{
	dumper_look(f->dumper, f->fake->sm, f->folder);
	loop_virtual_run_for(f->loop, 0);

	return are_written(f);
}

static bool pass(const struct fixture *f, unsigned seconds)
{
	loop_virtual_run_for(f->loop, seconds * LOOP_SEC);

	return are_written(f);
}

static void the_first_dumps_wait_for_names_and_are_written_once(void **state)
{
	struct fixture *f = *state;

	f->fake->status->naming = 3;
	assert_false(look(f));
	assert_true(dumper_is_busy(f->dumper));
	f->fake->status->naming = 0;
	f->fake->status->names = 9;
	assert_true(look(f));
	assert_false(dumper_is_busy(f->dumper));
	assert_false(look(f));
	assert_false(pass(f, 1000));
}

static void with_all_names_a_new_generation_is_written_at_once(void **state)
{
	struct fixture *f = *state;

	assert_true(look(f));
	for (unsigned i = 0; i < 3; i++) {
		f->fake->status->generation++;
		assert_true(look(f));
		assert_false(look(f));
	}
}

static void names_that_come_while_a_reconcile_runs_wait_for_its_end(void **state)
{
	struct fixture *f = *state;

	f->fake->status->naming = 3;
	assert_false(look(f));
	f->fake->status->naming = 0;
	f->fake->status->phase = PHASE_PROGRAM;
	assert_false(look(f));
	assert_true(dumper_is_busy(f->dumper));
	f->fake->status->phase = PHASE_REST;
	assert_true(look(f));
}

/* Something always changes, and somebody does not say his name. */
static void names_that_never_come_are_not_waited_for(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	f->fake->status->naming = 1;
	for (unsigned i = 0; i < 60; i++) {
		f->fake->status->generation++;
		n += look(f);
		pass(f, 1);
	}
	assert_in_range(n, 4, 6);
}

static void a_device_that_renames_itself_all_the_time_is_written_once_a_minute(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	assert_true(look(f));
	for (unsigned i = 0; i < 600; i++) {
		f->fake->status->names++;
		n += look(f);
		n += pass(f, 1);
	}
	assert_int_equal(n, 10);
	f->fake->status->names++;
	assert_false(look(f));
	assert_true(pass(f, 60));
	assert_false(pass(f, 600));
}

static void a_standby_writes_nothing_and_nobody_waits_for_it(void **state)
{
	struct fixture *f = *state;

	f->fake->status->state = SM_STANDBY;
	f->fake->status->naming = 3;
	assert_false(look(f));
	assert_false(dumper_is_busy(f->dumper));
	f->fake->status->state = SM_MASTER;
	assert_false(look(f));
	assert_true(dumper_is_busy(f->dumper));
	f->fake->status->state = SM_STANDBY;
	assert_false(look(f));
	assert_false(dumper_is_busy(f->dumper));
}

static void without_a_directory_or_a_subnet_manager_nothing_is_written(void **state)
{
	struct fixture *f = *state;

	dumper_look(f->dumper, f->fake->sm, "");
	assert_false(are_written(f));
	assert_true(look(f)); /* it is set by a reload */
	f->fake->status->names++;
	assert_false(look(f));
	dumper_look(f->dumper, NULL, NULL);
	assert_false(pass(f, 100));
	assert_true(look(f)); /* another one, which counts its generations from 1 */
}

static void while_it_is_written_a_change_waits_and_the_last_one_counts(void **state)
{
	struct fixture *f = *state;

	loop_virtual_set_job_delay(f->loop, 300 * LOOP_SEC);
	look(f);
	assert_true(dumper_is_busy(f->dumper));
	for (unsigned i = 0; i < 5; i++) {
		f->fake->status->generation++;
		assert_false(look(f));
	}
	assert_int_equal(f->told, 0);
	assert_true(pass(f, 300));
	assert_int_equal(f->told, 1);
	assert_true(dumper_is_busy(f->dumper));
	assert_false(pass(f, 300));
	assert_int_equal(f->told, 2);
	assert_false(dumper_is_busy(f->dumper));
	assert_false(pass(f, 1000));
}

/* Its picture is its own. */
static void what_is_being_written_needs_no_subnet_manager(void **state)
{
	struct fixture *f = *state;

	loop_virtual_set_job_delay(f->loop, 300 * LOOP_SEC);
	look(f);
	f->fake->status->generation++;
	dumper_look(f->dumper, NULL, NULL);
	assert_true(dumper_is_busy(f->dumper));
	pass(f, 300);
	assert_int_equal(f->told, 1);
	assert_false(dumper_is_busy(f->dumper));
	assert_false(pass(f, 1000));
}

static void a_failure_is_said_once_until_it_works_again(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		f->fake->status->generation++;
		dumper_look(f->dumper, f->fake->sm, "/nonexistent");
		loop_virtual_run_for(f->loop, 0);
	}
	assert_int_equal(f->told, 3);
	assert_int_equal(f->warnings, 1);
	assert_false(dumper_is_busy(f->dumper));
	f->fake->status->generation++;
	assert_true(look(f));
	f->fake->status->generation++;
	loop_virtual_refuse_jobs(f->loop, true);
	assert_false(look(f));
	assert_int_equal(f->warnings, 2);
	assert_false(dumper_is_busy(f->dumper));
}

/* Nothing changes in the fabric any more, perhaps for months, and the disk has room again. */
static void what_could_not_be_written_is_tried_again_a_minute_later(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(rmdir(f->folder), 0);
	look(f);
	assert_false(look(f));
	assert_int_equal(f->told, 1);
	pass(f, 130);
	assert_int_equal(f->told, 3);
	assert_int_equal(f->warnings, 1);
	assert_false(dumper_is_busy(f->dumper));
	loop_virtual_refuse_jobs(f->loop, true);
	pass(f, 60);
	loop_virtual_refuse_jobs(f->loop, false);
	assert_int_equal(mkdir(f->folder, 0700), 0);
	assert_true(pass(f, 60));
	assert_int_equal(dumper_shows(f->dumper), f->fake->status->generation);
	assert_false(pass(f, 1000));
}

static uint64_t generation(const struct fixture *f)
{
	return f->fake->status->generation;
}

static void the_files_show_a_generation_when_all_of_them_are_written(void **state)
{
	struct fixture *f = *state;

	loop_virtual_set_job_delay(f->loop, 10 * LOOP_SEC);
	look(f);
	assert_int_equal(dumper_shows(f->dumper), 0);
	pass(f, 10);
	assert_int_equal(dumper_shows(f->dumper), generation(f));
	f->fake->status->generation++;
	look(f);
	f->fake->status->generation++;
	look(f);
	assert_int_equal(dumper_shows(f->dumper), 0);
	pass(f, 10);
	assert_int_not_equal(dumper_shows(f->dumper), generation(f));
	pass(f, 10);
	assert_int_equal(dumper_shows(f->dumper), generation(f));
}

static void with_a_new_name_they_show_the_same_generation_all_the_time(void **state)
{
	struct fixture *f = *state;

	look(f);
	loop_virtual_set_job_delay(f->loop, 10 * LOOP_SEC);
	f->fake->status->names++;
	pass(f, 100);
	assert_true(look(f));
	assert_true(dumper_is_busy(f->dumper));
	assert_int_equal(dumper_shows(f->dumper), generation(f));
	pass(f, 10);
	assert_int_equal(f->told, 2);
	assert_int_equal(dumper_shows(f->dumper), generation(f));
}

/* The first are new, and the third cannot be: of which generation are they? */
static void after_a_failure_the_files_show_none(void **state)
{
	struct fixture *f = *state;

	assert_true(look(f));
	assert_int_equal(mkdir(path_of(f, names[2]), 0700), 0);
	f->fake->status->generation++;
	dumper_look(f->dumper, f->fake->sm, f->folder);
	loop_virtual_run_for(f->loop, 0);
	assert_int_equal(f->warnings, 1);
	assert_int_equal(dumper_shows(f->dumper), 0);
	assert_int_equal(rmdir(path_of(f, names[2])), 0);
	f->fake->status->generation++;
	assert_true(look(f));
	assert_int_equal(dumper_shows(f->dumper), generation(f));
}

static void what_failed_is_told_with_the_time_of_the_next_try(void **state)
{
	struct fixture *f = *state;
	struct dump_failure failure;

	assert_true(look(f));
	assert_false(dumper_failed(f->dumper, &failure));
	assert_int_equal(mkdir(path_of(f, names[2]), 0700), 0);
	f->fake->status->generation++;
	dumper_look(f->dumper, f->fake->sm, f->folder);
	loop_virtual_run_for(f->loop, 0);
	assert_true(dumper_failed(f->dumper, &failure));
	assert_string_equal(failure.dir, f->folder);
	assert_string_equal(failure.file, names[2]);
	assert_int_equal(failure.error, -EISDIR);
	assert_int_equal(failure.again, loop_now(f->loop) + 60 * LOOP_SEC);
	assert_int_equal(rmdir(path_of(f, names[2])), 0);
	loop_virtual_set_job_delay(f->loop, 10 * LOOP_SEC);
	loop_virtual_run_for(f->loop, failure.again - loop_now(f->loop));
	assert_true(dumper_is_busy(f->dumper));
	assert_true(dumper_failed(f->dumper, &failure));
	assert_int_equal(failure.again, 0);
	assert_true(pass(f, 10));
	assert_false(dumper_failed(f->dumper, &failure));
}

/* There was no memory, or no thread. */
static void what_was_not_begun_has_failed_at_no_file(void **state)
{
	struct fixture *f = *state;
	struct dump_failure failure;

	loop_virtual_refuse_jobs(f->loop, true);
	assert_false(look(f));
	assert_true(dumper_failed(f->dumper, &failure));
	assert_null(failure.file);
	assert_int_equal(failure.again, loop_now(f->loop) + 60 * LOOP_SEC);
	loop_virtual_refuse_jobs(f->loop, false);
	assert_true(pass(f, 60));
	assert_false(dumper_failed(f->dumper, &failure));
}

static void of_another_directory_nothing_has_failed_yet(void **state)
{
	struct fixture *f = *state;
	struct dump_failure failure;

	dumper_look(f->dumper, f->fake->sm, "/nonexistent");
	loop_virtual_run_for(f->loop, 0);
	assert_true(dumper_failed(f->dumper, &failure));
	loop_virtual_set_job_delay(f->loop, 10 * LOOP_SEC);
	f->fake->status->generation++;
	dumper_look(f->dumper, f->fake->sm, "/nonexistent");
	loop_virtual_run_for(f->loop, LOOP_SEC);
	dumper_look(f->dumper, f->fake->sm, f->folder);
	assert_false(dumper_failed(f->dumper, &failure));
	loop_virtual_run_for(f->loop, 9 * LOOP_SEC);
	assert_int_equal(f->told, 2); /* what was under way has failed, and nobody asks for it */
	assert_false(dumper_failed(f->dumper, &failure));
	assert_true(pass(f, 10));
	assert_false(dumper_failed(f->dumper, &failure));
	dumper_look(f->dumper, f->fake->sm, "");
	assert_false(dumper_failed(f->dumper, &failure));
}

static void what_was_written_for_a_subnet_manager_that_is_gone_shows_nothing(void **state)
{
	struct fixture *f = *state;

	look(f);
	dumper_look(f->dumper, NULL, NULL);
	assert_int_equal(dumper_shows(f->dumper), 0);
	loop_virtual_set_job_delay(f->loop, 10 * LOOP_SEC);
	look(f);
	dumper_look(f->dumper, NULL, NULL);
	pass(f, 10);
	assert_int_equal(f->told, 2);
	assert_int_equal(dumper_shows(f->dumper), 0);
}

static void into_another_directory_they_are_written_at_once(void **state)
{
	struct fixture *f = *state;
	char another[sizeof(f->folder)];

	assert_true(look(f));
	memcpy(another, f->folder, sizeof(another));
	strcpy(f->folder, "/tmp/test-dumper-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_true(look(f));
	assert_int_equal(dumper_shows(f->dumper), generation(f));
	assert_false(look(f));
	assert_int_equal(rmdir(another), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_dumps_wait_for_names_and_are_written_once),
		TEST(with_all_names_a_new_generation_is_written_at_once),
		TEST(names_that_come_while_a_reconcile_runs_wait_for_its_end),
		TEST(names_that_never_come_are_not_waited_for),
		TEST(a_device_that_renames_itself_all_the_time_is_written_once_a_minute),
		TEST(a_standby_writes_nothing_and_nobody_waits_for_it),
		TEST(while_it_is_written_a_change_waits_and_the_last_one_counts),
		TEST(what_is_being_written_needs_no_subnet_manager),
		TEST(a_failure_is_said_once_until_it_works_again),
		TEST(what_could_not_be_written_is_tried_again_a_minute_later),
		TEST(without_a_directory_or_a_subnet_manager_nothing_is_written),
		TEST(the_files_show_a_generation_when_all_of_them_are_written),
		TEST(with_a_new_name_they_show_the_same_generation_all_the_time),
		TEST(after_a_failure_the_files_show_none),
		TEST(what_failed_is_told_with_the_time_of_the_next_try),
		TEST(what_was_not_begun_has_failed_at_no_file),
		TEST(of_another_directory_nothing_has_failed_yet),
		TEST(what_was_written_for_a_subnet_manager_that_is_gone_shows_nothing),
		TEST(into_another_directory_they_are_written_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
