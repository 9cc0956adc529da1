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

#include "base/macros.h"
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

static bool looks_again(const struct linger_state *l, uint64_t now)
{
	struct linger_state copy = *l;

	linger_begin(&copy, now);
	return linger_on(&copy, now);
}

static void after_a_loss_one_sleeps_for_many_times_as_long(void **state)
{
	(void)state;
	for (uint64_t lost = LINGER_LOST_NSEC + 1; lost < LOOP_SEC; lost *= 2) {
		uint64_t pause = MIN(lost * LINGER_PAUSE_TIMES, (uint64_t)LINGER_PAUSE_MOST_NSEC);
		uint64_t now = START + lost;
		struct linger_state l = { 0 };

		linger_begin(&l, START);
		linger_gave_way(&l, START, now);
		assert_false(linger_on(&l, now));
		assert_false(looks_again(&l, now));
		assert_false(looks_again(&l, now + pause - 1));
		assert_true(looks_again(&l, now + pause));
	}
}

/* @n packets, one a microsecond; when the last has come. */
static uint64_t send(struct linger_flow *f, unsigned n, uint64_t now)
{
	for (unsigned i = 0; i < n; i++)
		linger_count(f, 1, now += LOOP_USEC);
	return now;
}

static void who_sends_much_without_a_pause_is_a_flood(void **state)
{
	struct linger_flow f = { 0 };
	uint64_t now;

	(void)state;
	now = send(&f, LINGER_FLOOD - 1, START);
	assert_false(linger_is_flood(&f));
	now = send(&f, 1, now);
	assert_true(linger_is_flood(&f));
	/* Also after the pause; and no more when only few have come between two. */
	now = send(&f, 2, now + LINGER_FLOOD_NSEC + 1);
	assert_true(linger_is_flood(&f));
	send(&f, 2, now + LINGER_FLOOD_NSEC + 1);
	assert_false(linger_is_flood(&f));
}

static void who_sends_few_at_a_time_never_is(void **state)
{
	struct linger_flow f = { 0 };
	uint64_t now = START;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		now = send(&f, LINGER_FLOOD - 1, now + LINGER_FLOOD_NSEC);
		assert_false(linger_is_flood(&f));
	}
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
	clock_now += LINGER_PAUSE_TIMES * (turn + LOOP_USEC);
	guests_heard(&room->guests);
	comes_to_rest(room);
	assert_int_equal(n_turns, 2);
}

/* Who says how often it is read, and has something for so many reads. */
struct caller {
	struct guest guest;
	unsigned n_reads;
	unsigned n_left;
	unsigned n_each; /* packets that a read brings */
	unsigned n_waits;
	bool is_waited_for;
};

static bool read_caller(struct guest *guest)
{
	struct caller *c = CONTAINER_OF(guest, struct caller, guest);

	c->n_reads++;
	if (!c->n_left)
		return false;
	c->n_left--;
	guest_count(guest, c->n_each);
	return true;
}

static void wait_for_caller(struct guest *guest)
{
	struct caller *c = CONTAINER_OF(guest, struct caller, guest);

	c->n_waits++;
	c->is_waited_for = !guest_is_hot(guest);
}

static void calls(struct room *room, struct caller *c)
{
	c->guest.guests = &room->guests;
	c->guest.read = read_caller;
	c->guest.wait = wait_for_caller;
	list_init(&c->guest.of_hot);
	c->is_waited_for = true;
	guest_heard(&c->guest);
}

static void who_is_lingered_for_is_read_in_each_round_and_then_waited_for(void **state)
{
	struct room *room = *state;
	struct caller c = { .n_left = 5, .n_each = 1 };

	calls(room, &c);
	assert_false(c.is_waited_for);
	comes_to_rest(room);
	assert_int_equal(c.n_left, 0);
	assert_true(c.n_reads > 10);
	assert_true(c.is_waited_for);
	assert_int_equal(c.n_waits, 2);
	assert_false(guest_is_hot(&c.guest));
}

static void a_flood_is_waited_for(void **state)
{
	struct room *room = *state;
	struct caller c = { .n_left = 5, .n_each = LINGER_FLOOD };

	calls(room, &c);
	comes_to_rest(room);
	assert_int_equal(c.n_left, 4);
	assert_true(c.is_waited_for);
	guest_heard(&c.guest);
	assert_true(c.is_waited_for);
	assert_int_equal(c.n_waits, 2);
}

static void nobody_is_hot_while_others_have_work(void **state)
{
	struct room *room = *state;
	struct caller c = { .n_each = 1 };

	turn = 2 * LINGER_LOST_NSEC;
	calls(room, &c);
	comes_to_rest(room);
	assert_int_equal(c.n_waits, 2);
	guest_heard(&c.guest);
	assert_true(c.is_waited_for);
	assert_int_equal(c.n_waits, 2);
}

#define LOOP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_looks_for_a_while_after_the_last_packet),
		cmocka_unit_test(a_short_turn_of_another_is_no_loss),
		cmocka_unit_test(after_a_loss_one_sleeps_for_many_times_as_long),
		cmocka_unit_test(who_sends_much_without_a_pause_is_a_flood),
		cmocka_unit_test(who_sends_few_at_a_time_never_is),
		LOOP_TEST(the_loop_goes_round_and_comes_to_rest),
		LOOP_TEST(the_loop_sleeps_when_others_have_work),
		LOOP_TEST(who_is_lingered_for_is_read_in_each_round_and_then_waited_for),
		LOOP_TEST(a_flood_is_waited_for),
		LOOP_TEST(nobody_is_hot_while_others_have_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
