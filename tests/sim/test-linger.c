/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How long simulator and client look for more before they sleep: as a rule on a clock that the test
 * moves, and in the simulator's loop, where the test stands in for who gets the processor.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "tests/sim/guests.h"
#include "tests/unit/loop-virtual.h"

#define START UINT64_C(1000000000000)

/* ---- the rule -------------------------------------------------------------------------------- */

static void one_looks_for_a_while_after_the_last_packet(void **unused)
{
	struct linger_state l = { 0 };

	(void)unused;
	assert_false(linger_on(&l, START));
	linger_begin(&l, START);
	assert_true(linger_on(&l, START + LINGER_NSEC - 1));
	linger_begin(&l, START + LINGER_NSEC - 1);
	assert_true(linger_on(&l, START + LINGER_NSEC));
	assert_false(linger_on(&l, START + 2 * LINGER_NSEC - 1));
}

static void a_short_turn_of_another_is_no_loss(void **unused)
{
	struct linger_state l = { 0 };

	(void)unused;
	linger_begin(&l, START);
	linger_gave_way(&l, START, START + LINGER_LOST_NSEC);
	linger_begin(&l, START + LINGER_LOST_NSEC);
	assert_true(linger_on(&l, START + LINGER_LOST_NSEC));
}

/* A turn of @took for others; when it is over. */
static uint64_t lose(struct linger_state *l, uint64_t now)
{
	linger_begin(l, now);
	assert_true(linger_on(l, now));
	linger_gave_way(l, now, now + 3 * LINGER_LOST_NSEC);
	return now + 3 * LINGER_LOST_NSEC;
}

static bool looks_again(const struct linger_state *l, uint64_t now)
{
	struct linger_state copy = *l;

	linger_begin(&copy, now);
	return linger_on(&copy, now);
}

static void after_a_loss_one_sleeps_for_a_while(void **unused)
{
	struct linger_state l = { 0 };
	uint64_t now;

	(void)unused;
	now = lose(&l, START);
	assert_false(linger_on(&l, now));
	assert_false(looks_again(&l, now));
	assert_false(looks_again(&l, now + LINGER_PAUSE_NSEC - 1));
	assert_true(looks_again(&l, now + LINGER_PAUSE_NSEC));
}

static void losses_double_the_pause_up_to_a_limit(void **unused)
{
	struct linger_state l = { 0 };
	uint64_t now = START;

	(void)unused;
	for (uint64_t pause = LINGER_PAUSE_NSEC; pause < LINGER_PAUSE_MOST_NSEC; pause *= 2) {
		now = lose(&l, now);
		assert_false(looks_again(&l, now + pause - 1));
		now += pause;
	}
	for (unsigned i = 0; i < 3; i++) {
		now = lose(&l, now);
		assert_false(looks_again(&l, now + LINGER_PAUSE_MOST_NSEC - 1));
		now += LINGER_PAUSE_MOST_NSEC;
		assert_true(looks_again(&l, now));
	}
}

static void successes_make_the_next_pause_short_again(void **unused)
{
	struct linger_state l = { 0 };
	uint64_t now = START;

	(void)unused;
	for (unsigned i = 0; i < 10; i++)
		now = lose(&l, now) + LINGER_PAUSE_MOST_NSEC;
	for (unsigned i = 0; i < 100; i++)
		linger_begin(&l, now += LINGER_NSEC / 2);
	now = lose(&l, now);
	assert_true(looks_again(&l, now + LINGER_PAUSE_NSEC));
}

/* ---- the simulator's loop -------------------------------------------------------------------- */

struct room {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct guests guests;
};

/* A clock of the test's own: each look at it takes a microsecond. */
static uint64_t clock_now;
static uint64_t turn; /* who gets the processor keeps it so long */
static unsigned n_turns;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_sched_yield(void);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	(void)clock;
	clock_now += LOOP_USEC;
	ret->tv_sec = (time_t)(clock_now / LOOP_SEC);
	ret->tv_nsec = (long)(clock_now % LOOP_SEC);
	return 0;
}

int __wrap_sched_yield(void)
{
	n_turns++;
	clock_now += turn;
	return 0;
}

static int set_up(void **state)
{
	static struct room room;

	room = (struct room){ 0 };
	clock_now = START;
	turn = 0;
	n_turns = 0;
	*state = &room;
	if (loop_virtual_new(1, &room.loop) < 0)
		return -1;
	if (sim_fabric_new(room.loop, 1, &room.fabric) < 0)
		return -1;
	return guests_init(&room.guests, room.fabric);
}

static int tear_down(void **state)
{
	struct room *room = *state;

	guests_done(&room->guests);
	sim_fabric_free(room->fabric);
	loop_virtual_free(room->loop);
	return 0;
}

static void comes_to_rest(struct room *room)
{
	assert_true(loop_virtual_run_until_idle(room->loop, LOOP_VIRTUAL_START + LOOP_SEC));
}

static void the_loop_goes_round_and_comes_to_rest(void **state)
{
	struct room *room = *state;

	guests_heard(&room->guests);
	comes_to_rest(room);
	assert_in_range(clock_now - START, LINGER_NSEC, LINGER_NSEC + 10 * LOOP_USEC);
	assert_in_range(n_turns, 10, LINGER_NSEC / LOOP_USEC);
}

static void the_loop_sleeps_when_others_have_work(void **state)
{
	struct room *room = *state;

	turn = 2 * LINGER_LOST_NSEC;
	guests_heard(&room->guests);
	comes_to_rest(room);
	assert_int_equal(n_turns, 1);
	guests_heard(&room->guests);
	comes_to_rest(room);
	assert_int_equal(n_turns, 1);
	clock_now += LINGER_PAUSE_NSEC;
	guests_heard(&room->guests);
	comes_to_rest(room);
	assert_int_equal(n_turns, 2);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_looks_for_a_while_after_the_last_packet),
		cmocka_unit_test(a_short_turn_of_another_is_no_loss),
		cmocka_unit_test(after_a_loss_one_sleeps_for_a_while),
		cmocka_unit_test(losses_double_the_pause_up_to_a_limit),
		cmocka_unit_test(successes_make_the_next_pause_short_again),
		LOOP_TEST(the_loop_goes_round_and_comes_to_rest),
		LOOP_TEST(the_loop_sleeps_when_others_have_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
