/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The store on the real loop, with its real threads, in a process that is killed at random moments.
 * What that process was told to be on disk has to be there, and nothing that came later without
 * what came before it.
 */

#include "store/store.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "systemd/loop.h"
#include "tests/unit/store-fixture.h"

#define KILLS       50
#define PER_BATCH   7
#define WAITING_MAX 5
#define LIFE_MOST   700 /* numbers, though it be killed late: all have room in the fixture */

static int begin(void **state)
{
	struct loop *loop;

	if (loop_new(&loop) < 0)
		return -1;
	*state = fixture_new(loop);

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	struct loop *loop = f->loop;

	fixture_free(f);
	loop_free(loop);

	return 0;
}

/* ---- the process that is killed -------------------------------------------------------------- */

struct victim {
	struct loop *loop;
	struct store *store;
	uint64_t next;      /* the number that is kept next */
	uint64_t end;       /* no more than up to here */
	uint64_t confirmed; /* and all before it */
	uint64_t asked[WAITING_MAX];
	unsigned n_asked;
	int report; /* where confirmed numbers are written to */
};

static uint64_t mkey_of(uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t size_of(uint64_t number)
{
	return (uint32_t)(1 + number * 37 % 700);
}

/* Two members for each number, and those of the number before go: always two, of the same number.
 */
static void change_next(struct keeper *k, uint64_t number)
{
	const struct kept_member members[] = { { 2 * number, 5, KEPT_FULL, false },
					       { 2 * number + 1, 5, KEPT_LIMITED, true } };
	const struct kept_change change = {
		.pkey = 5, .clear = true, .members = members, .n_members = COUNT(members)
	};

	if (keep_change(k, &change) < 0)
		_exit(1);
}

static void keep_next(struct victim *victim)
{
	struct keeper *k = store_keeper(victim->store);
	uint64_t number = victim->next++;
	char blob[1024];

	memset(blob, (int)number, sizeof(blob));
	if (keep_mkey(k, &(struct kept_mkey){ number, mkey_of(number), 0 }) < 0 ||
	    keep_quirks(k, &(struct kept_quirks){ number, blob, size_of(number) }) < 0)
		_exit(1);
	change_next(k, number);
}

static void on_confirmed(void *user, int result);

static void ask(struct victim *victim)
{
	for (unsigned i = 0; i < PER_BATCH; i++)
		keep_next(victim);
	victim->asked[victim->n_asked++] = victim->next - 1;
	if (keep_after(store_keeper(victim->store), on_confirmed, victim) < 0)
		_exit(1);
}

static void on_confirmed(void *user, int result)
{
	struct victim *victim = user;
	uint64_t number = victim->asked[0];

	memmove(victim->asked, victim->asked + 1, sizeof(victim->asked) - sizeof(uint64_t));
	victim->n_asked--;
	if (result < 0 || write(victim->report, &number, sizeof(number)) != sizeof(number))
		_exit(1);
	while (victim->n_asked < WAITING_MAX && victim->next < victim->end)
		ask(victim);
}

static void be_a_victim(const char *dir, uint64_t first, int report)
{
	struct victim victim = { .next = first, .end = first + LIFE_MOST, .report = report };
	char why[256];

	if (loop_new(&victim.loop) < 0 || store_open(victim.loop, dir, why, &victim.store) < 0)
		_exit(1);
	ask(&victim);
	loop_run(victim.loop);
	_exit(1);
}

/* ---- the one who kills ----------------------------------------------------------------------- */

static uint64_t read_report(int fd, uint64_t last)
{
	uint64_t number;

	return read(fd, &number, sizeof(number)) == sizeof(number) ? number : last;
}

/* It does not outlive us, should a test fail meanwhile. */
static pid_t start_victim(struct fixture *f, uint64_t first, int *ret_report)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(fds[0]);
		be_a_victim(f->dir, first, fds[1]);
	}
	close(fds[1]);
	*ret_report = fds[0];

	return pid;
}

static void kill_victim(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Starts a victim, kills it after some confirmations and a bit, and returns the last of them. */
static uint64_t live_and_die(struct fixture *f, uint64_t first)
{
	uint64_t n = loop_random(f->loop) % 20;
	uint64_t bit = loop_random(f->loop) % 300000;
	uint64_t last = 0;
	uint64_t number;
	int report;
	pid_t pid;

	pid = start_victim(f, first, &report);
	while (n-- > 0)
		last = read_report(report, last);
	while (bit-- > 0)
		__asm__ volatile("" ::: "memory");
	kill_victim(pid);
	while ((number = read_report(report, last)) != last)
		last = number;
	close(report);

	return last;
}

/* Numbers from 1 on without a hole, and no value of another. */
static void check_values(struct fixture *f)
{
	for (uint64_t i = 0; i < f->back->n_mkeys; i++) {
		assert_int_equal(f->back->mkeys[i].guid, i + 1);
		assert_true(f->back->mkeys[i].mkey == mkey_of(i + 1));
	}
	assert_int_equal(f->back->n_quirks, f->back->n_mkeys);
	assert_int_equal(f->back->n_members, f->back->n_mkeys > 0 ? 2 : 0);
	for (uint64_t i = 0; i < f->back->n_members; i++)
		assert_true(f->back->members[i].guid == 2 * f->back->n_mkeys + i);
	for (uint64_t i = 0; i < f->back->n_quirks; i++) {
		assert_int_equal(f->back->quirks[i].guid, i + 1);
		assert_int_equal(f->back->quirks[i].size, size_of(i + 1));
		assert_int_equal(*(const uint8_t *)f->back->quirks[i].blob, (uint8_t)(i + 1));
	}
}

static void what_was_confirmed_is_there_after_a_kill(void **state)
{
	struct fixture *f = *state;
	uint64_t next = 1;

	for (int i = 0; i < KILLS; i++) {
		uint64_t confirmed = live_and_die(f, next);

		fixture_open(f);
		fixture_read(f);
		assert_true(f->back->n_mkeys >= confirmed);
		assert_true(f->back->n_mkeys >= next - 1);
		check_values(f);
		fixture_close(f);
		next = f->back->n_mkeys + 1;
	}
	assert_true(next > KILLS);
	assert_string_equal(f->said, "");
}

static void a_directory_is_refused_while_another_process_has_it(void **state)
{
	struct fixture *f = *state;
	uint64_t number;
	int report;
	pid_t pid;

	pid = start_victim(f, 1, &report);
	assert_int_equal(read(report, &number, sizeof(number)), sizeof(number));
	assert_int_equal(fixture_try_open(f), -EBUSY);
	assert_non_null(strstr(f->why, "is in use by another vsm"));
	kill_victim(pid);
	close(report);
	fixture_open(f);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void stop(void *user, int result)
{
	assert_int_equal(result, 0);
	loop_exit(user, 0);
}

static void a_burst_is_confirmed_on_the_real_loop(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	for (uint64_t i = 1; i <= 10000; i++)
		keep_mkey_of(f, i, i);
	assert_int_equal(keep_after(store_keeper(f->store), stop, f->loop), 0);
	assert_int_equal(loop_run(f->loop), 0);
	fixture_reopen(f);
	assert_int_equal(f->back->n_mkeys, 10000);
}

static void leave(void *user)
{
	loop_exit(user, 0);
}

/* The job may not have begun, may run, or may have ended, and its done() may still come. */
static void closing_waits_for_a_batch_that_is_being_written(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer;

	assert_int_equal(loop_timer_new(f->loop, leave, f->loop, &timer), 0);
	for (uint64_t round = 1; round <= 100; round++) {
		fixture_open(f);
		for (uint64_t i = 1; i <= 1 + round % 10 * 50; i++)
			keep_mkey_of(f, i, round);
		loop_timer_set(timer, 0);
		assert_int_equal(loop_run(f->loop), 0);
		keep_mkey_of(f, 1000, round);
		fixture_reopen(f);
		assert_true(f->back->n_mkeys >= 2);
		for (size_t i = 0; i < 1 + round % 10 * 50; i++)
			assert_int_equal(f->back->mkeys[i].mkey, round);
		assert_int_equal(f->back->mkeys[f->back->n_mkeys - 1].mkey, round);
		fixture_close(f);
	}
	/* What is left of the batches goes with the last done(), which comes before this one. */
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(keep_after(store_keeper(f->store), stop, f->loop), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_timer_free(timer);
}

/* More than SQLite has memory for, so that the log grows before the batch is complete. */
static void keep_much(struct fixture *f, uint8_t value)
{
	char blob[1000];

	memset(blob, value, sizeof(blob));
	for (uint64_t guid = 1; guid <= 8000; guid++)
		keep_quirks_of(f, guid, blob, sizeof(blob));
}

static bool log_is_empty(const struct fixture *f)
{
	struct stat st;

	return stat(fixture_path(f, "vsm.db-wal"), &st) < 0 || st.st_size == 0;
}

static void closing_waits_for_a_batch_that_is_half_written(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer;

	assert_int_equal(loop_timer_new(f->loop, leave, f->loop, &timer), 0);
	for (uint8_t round = 1; round <= 3; round++) {
		fixture_open(f);
		assert_true(log_is_empty(f));
		keep_much(f, round);
		loop_timer_set(timer, 0);
		assert_int_equal(loop_run(f->loop), 0);
		while (log_is_empty(f))
			sched_yield();
		fixture_reopen(f);
		assert_int_equal(f->back->n_quirks, 8000);
		for (size_t i = 0; i < 8000; i++)
			assert_int_equal(*(const uint8_t *)f->back->quirks[i].blob, round);
		fixture_close(f);
	}
	fixture_open(f);
	keep_mkey_of(f, 1, 1);
	assert_int_equal(keep_after(store_keeper(f->store), stop, f->loop), 0);
	assert_int_equal(loop_run(f->loop), 0);
	loop_timer_free(timer);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_confirmed_is_there_after_a_kill),
		TEST(a_directory_is_refused_while_another_process_has_it),
		TEST(a_burst_is_confirmed_on_the_real_loop),
		TEST(closing_waits_for_a_batch_that_is_being_written),
		TEST(closing_waits_for_a_batch_that_is_half_written),
	};

	return cmocka_run_group_tests_name("store-kill", tests, NULL, NULL);
}
