/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The loop on sd-event: what every loop promises, and descriptors, threads, signals and the
 * watchdog, which only the real one has.
 */

#include "systemd/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "tests/unit/loop-promises.h"
#include "tests/unit/manager.h"

static void run(struct loop *loop)
{
	assert_int_equal(loop_run(loop), 0);
}

static void stop(struct loop *loop)
{
	loop_exit(loop, 0);
}

const struct loop_kind loop_kind = {
	.make = loop_new, .free = loop_free, .run = run, .stop = stop
};

/* ---- life ------------------------------------------------------------------------------------ */

static void exit_with_7(void *user)
{
	loop_exit(user, 7);
}

static void the_loop_returns_the_code_it_was_left_with(void **state)
{
	struct loop *loop = *state;
	struct loop_timer *timer;

	assert_int_equal(loop_timer_new(loop, exit_with_7, loop, &timer), 0);
	loop_timer_set(timer, 0);
	assert_int_equal(loop_run(loop), 7);
	loop_timer_set(timer, 0);
	assert_int_equal(loop_run(loop), 7);
	loop_timer_free(timer);

	loop_exit(loop, 3);
	assert_int_equal(loop_run(loop), 3);
}

static void two_loops_have_different_random_bits(void **state)
{
	struct loop *other;
	unsigned same = 0;

	assert_int_equal(loop_new(&other), 0);
	for (unsigned i = 0; i < 16; i++)
		same += loop_random(*state) == loop_random(other);
	assert_int_equal(same, 0);
	loop_free(other);
}

/* ---- descriptors ----------------------------------------------------------------------------- */

/* A socket pair of which one end is watched. */
struct wire {
	struct loop *loop;
	struct loop_watch *watch;
	int fd[2];
	unsigned called;
	unsigned ready; /* the last time */
	char got[64];
};

static void wire_open(struct wire *w, struct loop *loop, unsigned io, loop_io_fn fn)
{
	*w = (struct wire){ .loop = loop };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->fd), 0);
	assert_int_equal(loop_watch_new(loop, w->fd[0], io, fn, w, &w->watch), 0);
}

static void wire_close(struct wire *w)
{
	loop_watch_free(w->watch);
	closep(&w->fd[0]);
	closep(&w->fd[1]);
}

static void note_ready(void *user, unsigned ready)
{
	struct wire *w = user;

	w->called++;
	w->ready = ready;
	loop_exit(w->loop, 0);
}

static void read_all(void *user, unsigned ready)
{
	struct wire *w = user;
	ssize_t n = read(w->fd[0], w->got, sizeof(w->got) - 1);

	assert_true(n >= 0);
	w->got[n] = '\0';
	note_ready(user, ready);
}

static void what_arrives_is_told(void **state)
{
	struct wire w;

	wire_open(&w, *state, LOOP_READ, read_all);
	assert_int_equal(write(w.fd[1], "hello", 5), 5);
	assert_int_equal(w.called, 0);
	run(*state);
	assert_int_equal(w.called, 1);
	assert_int_equal(w.ready, LOOP_READ);
	assert_string_equal(w.got, "hello");
	wire_close(&w);
}

static void a_descriptor_is_told_of_until_it_is_read(void **state)
{
	struct wire w;

	wire_open(&w, *state, LOOP_READ, note_ready);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	run(*state);
	run(*state);
	assert_int_equal(w.called, 2);
	wire_close(&w);
}

static void room_for_writing_is_told_only_when_asked_for(void **state)
{
	struct wire w;

	wire_open(&w, *state, LOOP_READ, note_ready);
	loop_watch_set(w.watch, LOOP_READ | LOOP_WRITE);
	run(*state);
	assert_int_equal(w.ready, LOOP_WRITE);
	loop_watch_set(w.watch, LOOP_READ);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	run(*state);
	assert_int_equal(w.ready, LOOP_READ);
	loop_watch_set(w.watch, LOOP_READ | LOOP_WRITE);
	run(*state);
	assert_int_equal(w.ready, LOOP_READ | LOOP_WRITE);
	wire_close(&w);
}

static void a_closed_peer_is_told_as_something_to_read(void **state)
{
	struct wire w;

	wire_open(&w, *state, LOOP_READ, read_all);
	close(w.fd[1]);
	w.fd[1] = -1;
	run(*state);
	assert_int_equal(w.ready, LOOP_READ);
	assert_string_equal(w.got, "");
	wire_close(&w);
}

static void a_watch_for_nothing_is_quiet_even_when_the_peer_is_gone(void **state)
{
	struct wire quiet;
	struct wire w;

	wire_open(&quiet, *state, LOOP_READ, note_ready);
	loop_watch_set(quiet.watch, 0);
	close(quiet.fd[1]);
	quiet.fd[1] = -1;
	wire_open(&w, *state, LOOP_READ, read_all);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	run(*state);
	assert_int_equal(w.called, 1);
	assert_int_equal(quiet.called, 0);
	loop_watch_set(quiet.watch, LOOP_READ);
	run(*state);
	assert_int_equal(quiet.called, 1);
	wire_close(&quiet);
	wire_close(&w);
}

static void free_watch(void *user, unsigned ready)
{
	struct wire *w = user;

	loop_watch_free(TAKE(w->watch));
	note_ready(user, ready);
}

static void a_callback_may_free_its_own_watch(void **state)
{
	struct wire w;

	wire_open(&w, *state, LOOP_READ, free_watch);
	assert_int_equal(write(w.fd[1], "x", 1), 1);
	run(*state);
	assert_int_equal(w.called, 1);
	wire_close(&w);
}

static void a_bad_descriptor_is_an_error(void **state)
{
	struct loop_watch *watch;

	assert_true(loop_watch_new(*state, -1, LOOP_READ, note_ready, NULL, &watch) < 0);
}

struct race {
	struct wire wire;
	struct loop_timer *timer;
	bool thought;
	char order[3];
};

static void race_timer(void *user)
{
	struct race *race = user;

	strcat(race->order, "t");
	loop_exit(race->wire.loop, 0);
}

static void race_io(void *user, unsigned ready)
{
	struct race *race = CONTAINER_OF(user, struct race, wire);
	char byte;

	(void)ready;
	assert_int_equal(read(race->wire.fd[0], &byte, 1), 1);
	strcat(race->order, "r");
}

static void an_answer_is_read_before_its_time_out_fires(void **state)
{
	struct race race = { .timer = NULL };

	wire_open(&race.wire, *state, LOOP_READ, race_io);
	assert_int_equal(loop_timer_new(*state, race_timer, &race, &race.timer), 0);
	loop_timer_set(race.timer, loop_now(*state));
	assert_int_equal(write(race.wire.fd[1], "x", 1), 1);
	run(*state);
	assert_string_equal(race.order, "rt");
	loop_timer_free(race.timer);
	wire_close(&race.wire);
}

/* Thinks for long, and somebody answers meanwhile. */
static void think(struct race *race)
{
	usleep(20000);
	loop_look_at_clock(race->wire.loop);
	assert_int_equal(write(race->wire.fd[1], "x", 1), 1);
}

static void think_as_timer(void *user)
{
	think(user);
}

static void think_as_io(void *user, unsigned ready)
{
	struct race *race = CONTAINER_OF(user, struct race, wire);

	if (race->thought) {
		race_io(user, ready);
		return;
	}
	race->thought = true;
	loop_timer_set(race->timer, loop_now(race->wire.loop) + LOOP_MSEC);
	think(race);
	loop_watch_set(race->wire.watch, LOOP_READ);
}

static void what_arrives_during_long_thought_is_read_before_its_time_out(void **state)
{
	struct race race = { .timer = NULL };

	wire_open(&race.wire, *state, LOOP_WRITE, think_as_io);
	assert_int_equal(loop_timer_new(*state, race_timer, &race, &race.timer), 0);
	run(*state);
	assert_string_equal(race.order, "rt");
	loop_timer_free(race.timer);
	wire_close(&race.wire);
}

static void a_timer_that_thinks_for_long_makes_no_answer_late(void **state)
{
	struct race race = { .timer = NULL };
	struct loop_timer *first;

	wire_open(&race.wire, *state, LOOP_READ, race_io);
	assert_int_equal(loop_timer_new(*state, think_as_timer, &race, &first), 0);
	assert_int_equal(loop_timer_new(*state, race_timer, &race, &race.timer), 0);
	loop_timer_set(first, loop_now(*state));
	loop_timer_set(race.timer, loop_now(*state));
	run(*state);
	assert_string_equal(race.order, "rt");
	loop_timer_free(first);
	loop_timer_free(race.timer);
	wire_close(&race.wire);
}

static void ignore(void *user, unsigned ready)
{
	struct wire *w = user;

	(void)ready;
	w->called++;
}

static void a_descriptor_that_is_always_ready_does_not_starve_timers(void **state)
{
	struct race race = { .timer = NULL };

	wire_open(&race.wire, *state, LOOP_WRITE, ignore);
	assert_int_equal(loop_timer_new(*state, race_timer, &race, &race.timer), 0);
	loop_timer_set(race.timer, loop_now(*state) + LOOP_MSEC);
	run(*state);
	assert_string_equal(race.order, "t");
	assert_true(race.wire.called > 0);
	loop_timer_free(race.timer);
	wire_close(&race.wire);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct crowd {
	struct loop *loop;
	atomic_uint now;
	atomic_uint most;
	atomic_uint signals_open; /* jobs that saw a signal that is not blocked */
	unsigned left;
};

static void join_crowd(void *user)
{
	struct crowd *crowd = user;
	unsigned now = atomic_fetch_add(&crowd->now, 1) + 1;
	unsigned most = atomic_load(&crowd->most);
	sigset_t blocked;

	while (now > most && !atomic_compare_exchange_weak(&crowd->most, &most, now))
		continue;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR2))
		atomic_fetch_add(&crowd->signals_open, 1);
	usleep(200);
	atomic_fetch_sub(&crowd->now, 1);
}

static void leave_crowd(void *user)
{
	struct crowd *crowd = user;

	if (--crowd->left == 0)
		loop_exit(crowd->loop, 0);
}

static void at_most_two_jobs_run_at_a_time_with_signals_blocked(void **state)
{
	struct crowd crowd = { .loop = *state, .left = 50 };

	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(loop_job(*state, join_crowd, leave_crowd, &crowd), 0);
	run(*state);
	assert_in_range(atomic_load(&crowd.most), 1, 2);
	assert_int_equal(atomic_load(&crowd.signals_open), 0);
}

/* Two jobs of which each waits for the other: they end only if there are two threads. */
struct pair {
	struct loop *loop;
	int fd[2];
	unsigned left;
};

static void meet(void *user)
{
	struct pair *pair = user;
	eventfd_t value;

	eventfd_write(pair->fd[0], 1);
	eventfd_read(pair->fd[1], &value);
}

static void meet_from_the_other_side(void *user)
{
	struct pair *pair = user;
	eventfd_t value;

	eventfd_write(pair->fd[1], 1);
	eventfd_read(pair->fd[0], &value);
}

static void after_meeting(void *user)
{
	struct pair *pair = user;

	if (--pair->left == 0)
		loop_exit(pair->loop, 0);
}

static void a_long_job_does_not_hold_up_the_next(void **state)
{
	struct pair pair = { .loop = *state, .fd = { eventfd(0, 0), eventfd(0, 0) }, .left = 2 };

	assert_int_equal(loop_job(*state, meet, after_meeting, &pair), 0);
	assert_int_equal(loop_job(*state, meet_from_the_other_side, after_meeting, &pair), 0);
	run(*state);
	assert_int_equal(pair.left, 0);
	close(pair.fd[0]);
	close(pair.fd[1]);
}

/* ---- signals --------------------------------------------------------------------------------- */

struct heard {
	struct loop *loop;
	int numbers[3];
	unsigned n;
};

static void hear_signal(void *user, int number)
{
	struct heard *heard = user;

	heard->numbers[heard->n++] = number;
	if (heard->n == COUNT(heard->numbers))
		loop_exit(heard->loop, 0);
}

static void signals_come_as_calls(void **state)
{
	struct heard heard = { .loop = *state };
	bool seen[3] = { false };

	assert_int_equal(loop_watch_signals(*state, hear_signal, &heard), 0);
	raise(SIGHUP);
	raise(SIGINT);
	raise(SIGTERM);
	assert_int_equal(heard.n, 0);
	run(*state);
	for (unsigned i = 0; i < 3; i++) {
		seen[0] |= heard.numbers[i] == SIGHUP;
		seen[1] |= heard.numbers[i] == SIGINT;
		seen[2] |= heard.numbers[i] == SIGTERM;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

/* ---- watchdog -------------------------------------------------------------------------------- */

static unsigned feedings(int fd)
{
	char text[1024];
	unsigned n = 0;

	for (; manager_hear(fd, text); n++)
		assert_string_equal(text, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=60000000");

	return n;
}

struct progress {
	struct loop *loop;
	unsigned asked;
	unsigned content; /* so many times */
};

static bool ask_progress(void *user)
{
	struct progress *p = user;

	if (++p->asked == 5)
		loop_exit(p->loop, 0);

	return p->asked <= p->content;
}

static void count_message(enum log_level level, const struct log_where *where, const char *text,
			  void *user)
{
	unsigned *n = user;

	(void)level;
	(void)where;
	(void)text;
	++*n;
}

static void the_watchdog_is_fed_only_while_there_is_progress(void **state)
{
	struct progress p = { .loop = *state, .content = 3 };
	unsigned messages = 0;
	int fd = manager_open();
	char pid[16];

	assert_true(fd >= 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_PID", pid, 1);
	setenv("WATCHDOG_USEC", "2000", 1);
	log_set_sink(count_message, &messages);
	assert_int_equal(loop_set_watchdog(*state, ask_progress, &p), 0);
	run(*state);
	log_set_sink(NULL, NULL);
	assert_int_equal(feedings(fd), 3);
	assert_int_equal(messages, 1);

	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	manager_close(fd);
}

static void without_a_watchdog_nobody_is_asked(void **state)
{
	struct progress p = { .loop = *state };

	assert_int_equal(loop_set_watchdog(*state, ask_progress, &p), 0);
	loop_exit(*state, 0);
	run(*state);
	assert_int_equal(p.asked, 0);
}

#define LOOP_TEST(name)                                                                            \
	cmocka_unit_test_setup_teardown(name, loop_promises_begin, loop_promises_end)

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		LOOP_PROMISES
		LOOP_TEST(the_loop_returns_the_code_it_was_left_with),
		LOOP_TEST(two_loops_have_different_random_bits),
		LOOP_TEST(what_arrives_is_told),
		LOOP_TEST(a_descriptor_is_told_of_until_it_is_read),
		LOOP_TEST(room_for_writing_is_told_only_when_asked_for),
		LOOP_TEST(a_closed_peer_is_told_as_something_to_read),
		LOOP_TEST(a_watch_for_nothing_is_quiet_even_when_the_peer_is_gone),
		LOOP_TEST(a_callback_may_free_its_own_watch),
		LOOP_TEST(a_bad_descriptor_is_an_error),
		LOOP_TEST(an_answer_is_read_before_its_time_out_fires),
		LOOP_TEST(what_arrives_during_long_thought_is_read_before_its_time_out),
		LOOP_TEST(a_timer_that_thinks_for_long_makes_no_answer_late),
		LOOP_TEST(a_descriptor_that_is_always_ready_does_not_starve_timers),
		LOOP_TEST(at_most_two_jobs_run_at_a_time_with_signals_blocked),
		LOOP_TEST(a_long_job_does_not_hold_up_the_next),
		LOOP_TEST(signals_come_as_calls),
		LOOP_TEST(the_watchdog_is_fed_only_while_there_is_progress),
		LOOP_TEST(without_a_watchdog_nobody_is_asked),
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
