/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The promises of base/loop.h. Times are milliseconds, because one of the loops really waits; none
 * is measured except against the loop's own clock.
 */

#include "tests/unit/loop-promises.h"

#include <pthread.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/macros.h"

int loop_promises_begin(void **state)
{
	struct loop *loop = NULL;
	int r = loop_kind.make(&loop);

	*state = loop;

	return r;
}

int loop_promises_end(void **state)
{
	loop_kind.free(*state);

	return 0;
}

/* A timer that knows its story. */
struct alarm {
	struct loop *loop;
	struct loop_timer *timer;
	struct story *story;
	uint64_t when;
	uint64_t fired_at;
	unsigned fired;
};

/* In which order alarms fired; the loop stops after as many as are expected. */
struct story {
	struct alarm *fired[64];
	unsigned n;
	unsigned expected;
};

static void on_alarm(void *user)
{
	struct alarm *alarm = user;
	struct story *story = alarm->story;

	alarm->fired++;
	alarm->fired_at = loop_now(alarm->loop);
	if (story->n < COUNT(story->fired))
		story->fired[story->n] = alarm;
	if (++story->n == story->expected)
		loop_kind.stop(alarm->loop);
}

static void set_alarm(struct alarm *alarm, struct loop *loop, struct story *story, uint64_t when)
{
	*alarm = (struct alarm){ .loop = loop, .story = story, .when = when };
	assert_int_equal(loop_timer_new(loop, on_alarm, alarm, &alarm->timer), 0);
	loop_timer_set(alarm->timer, when);
}

static void free_alarms(struct alarm *alarms, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		loop_timer_free(alarms[i].timer);
}

/*
 * Alarms that are set within a callback, where time stands still: a real clock that goes on between
 * two settings would change the story.
 */
struct scene {
	struct loop *loop;
	struct story story;
	struct alarm alarms[64];
	uint64_t now;
	bool set[64];
};

static void play(struct scene *scene, struct loop *loop, loop_fn arrange, unsigned expected)
{
	struct loop_timer *curtain;

	*scene = (struct scene){ .loop = loop, .story = { .expected = expected } };
	assert_int_equal(loop_timer_new(loop, arrange, scene, &curtain), 0);
	loop_timer_set(curtain, loop_now(loop));
	loop_kind.run(loop);
	loop_timer_free(curtain);
}

static void set_scene(struct scene *scene, unsigned i, uint64_t delay)
{
	scene->now = loop_now(scene->loop);
	set_alarm(&scene->alarms[i], scene->loop, &scene->story, scene->now + delay);
}

static void arrange_two(void *user)
{
	set_scene(user, 0, LOOP_MSEC + 1);
	set_scene(user, 1, 5 * LOOP_MSEC);
}

void a_timer_fires_once_and_not_before_its_time(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_two, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(scene.alarms[i].fired, 1);
		assert_true(scene.alarms[i].fired_at >= scene.alarms[i].when);
	}
	free_alarms(scene.alarms, 2);
}

static void arrange_mixed(void *user)
{
	static const unsigned order[] = { 3, 1, 4, 2, 5 };

	for (unsigned i = 0; i < COUNT(order); i++)
		set_scene(user, i, order[i] * 100 * LOOP_USEC);
}

void timers_fire_in_order_of_time(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_mixed, 5);
	for (unsigned i = 1; i < 5; i++)
		assert_true(scene.story.fired[i - 1]->when < scene.story.fired[i]->when);
	free_alarms(scene.alarms, 5);
}

static void arrange_same_time(void *user)
{
	struct scene *scene = user;

	for (unsigned i = 0; i < COUNT(scene->alarms); i++)
		set_scene(scene, i, LOOP_MSEC);
	loop_timer_set(scene->alarms[10].timer, scene->alarms[10].when);
}

void timers_of_the_same_time_fire_in_the_order_of_setting(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_same_time, 64);
	for (unsigned i = 0; i < 63; i++)
		assert_ptr_equal(scene.story.fired[i], &scene.alarms[i < 10 ? i : i + 1]);
	assert_ptr_equal(scene.story.fired[63], &scene.alarms[10]);
	free_alarms(scene.alarms, 64);
}

static void arrange_again(void *user)
{
	struct scene *scene = user;

	set_scene(scene, 0, LOOP_MSEC);
	set_scene(scene, 1, 2 * LOOP_MSEC);
	set_scene(scene, 2, 3600 * LOOP_SEC);
	loop_timer_set(scene->alarms[0].timer, scene->now + 3 * LOOP_MSEC);
	loop_timer_set(scene->alarms[2].timer, scene->now + LOOP_MSEC);
}

void setting_a_timer_again_replaces_what_was_set(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_again, 3);
	assert_ptr_equal(scene.story.fired[0], &scene.alarms[2]);
	assert_ptr_equal(scene.story.fired[1], &scene.alarms[1]);
	assert_ptr_equal(scene.story.fired[2], &scene.alarms[0]);
	free_alarms(scene.alarms, 3);
}

static void arrange_stopped(void *user)
{
	struct scene *scene = user;

	for (unsigned i = 0; i < 3; i++)
		set_scene(scene, i, (i + 1) * LOOP_MSEC);
	loop_timer_stop(scene->alarms[0].timer);
	loop_timer_stop(scene->alarms[0].timer);
	loop_timer_free(TAKE(scene->alarms[1].timer));
}

void a_stopped_timer_does_not_fire(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_stopped, 1);
	assert_ptr_equal(scene.story.fired[0], &scene.alarms[2]);
	loop_timer_stop(scene.alarms[2].timer);
	free_alarms(scene.alarms, 3);
}

static void arrange_past(void *user)
{
	struct scene *scene = user;

	set_scene(scene, 0, 0);
	set_alarm(&scene->alarms[1], scene->loop, &scene->story, 0);
	set_alarm(&scene->alarms[2], scene->loop, &scene->story, scene->now - LOOP_MSEC);
	assert_int_equal(scene->story.n, 0);
}

void a_past_time_means_soon_and_not_within_the_call(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_past, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_ptr_equal(scene.story.fired[i], &scene.alarms[i]);
	free_alarms(scene.alarms, 3);
}

static void free_self(void *user)
{
	struct alarm *alarm = user;

	loop_timer_free(TAKE(alarm->timer));
	on_alarm(alarm);
}

void a_callback_may_free_its_own_timer(void **state)
{
	struct loop *loop = *state;
	struct story story = { .expected = 1 };
	struct alarm alarm = { .loop = loop, .story = &story };

	assert_int_equal(loop_timer_new(loop, free_self, &alarm, &alarm.timer), 0);
	loop_timer_set(alarm.timer, loop_now(loop));
	loop_kind.run(loop);
	assert_int_equal(alarm.fired, 1);
}

static void free_next(void *user)
{
	struct alarm *alarm = user;

	loop_timer_free(TAKE(alarm[1].timer));
	on_alarm(alarm);
}

static void arrange_free_next(void *user)
{
	struct scene *scene = user;
	struct alarm *first = &scene->alarms[0];

	*first = (struct alarm){ .loop = scene->loop, .story = &scene->story };
	assert_int_equal(loop_timer_new(scene->loop, free_next, first, &first->timer), 0);
	loop_timer_set(first->timer, 0);
	set_scene(scene, 1, 0);
	set_scene(scene, 2, 0);
}

void a_callback_may_free_a_timer_that_is_due(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_free_next, 2);
	assert_int_equal(scene.alarms[0].fired, 1);
	assert_int_equal(scene.alarms[1].fired, 0);
	assert_int_equal(scene.alarms[2].fired, 1);
	free_alarms(scene.alarms, 3);
}

static void fire_again(void *user)
{
	struct alarm *alarm = user;

	loop_timer_set(alarm->timer, loop_now(alarm->loop));
	on_alarm(alarm);
}

void a_timer_that_is_always_due_lets_others_fire(void **state)
{
	struct loop *loop = *state;
	struct story busy = { .expected = UINT32_MAX };
	struct story story = { .expected = 1 };
	struct alarm alarms[2] = { { .loop = loop, .story = &busy } };

	assert_int_equal(loop_timer_new(loop, fire_again, &alarms[0], &alarms[0].timer), 0);
	loop_timer_set(alarms[0].timer, 0);
	set_alarm(&alarms[1], loop, &story, 0);
	loop_kind.run(loop);
	assert_int_equal(alarms[1].fired, 1);
	assert_true(alarms[0].fired > 0);
	free_alarms(alarms, 2);
}

static void arrange_any(void *user)
{
	struct scene *scene = user;
	struct loop *loop = scene->loop;
	unsigned expected = 0;

	for (unsigned i = 0; i < COUNT(scene->alarms); i++)
		set_scene(scene, i, LOOP_SEC);
	for (unsigned i = 0; i < 5000; i++) {
		unsigned k = (unsigned)(loop_random(loop) % COUNT(scene->alarms));
		struct alarm *alarm = &scene->alarms[k];

		scene->set[k] = i < 4000 || loop_random(loop) % 2;
		alarm->when = scene->now + loop_random(loop) % (3 * LOOP_MSEC);
		if (scene->set[k])
			loop_timer_set(alarm->timer, alarm->when);
		else
			loop_timer_stop(alarm->timer);
	}
	for (unsigned i = 0; i < COUNT(scene->alarms); i++)
		expected += scene->set[i];
	scene->story.expected = expected;
}

void timers_fire_in_order_whatever_is_set_and_stopped(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_any, 0);
	for (unsigned i = 0; i < COUNT(scene.alarms); i++)
		assert_int_equal(scene.alarms[i].fired, scene.set[i]);
	for (unsigned i = 1; i < scene.story.n; i++)
		assert_true(scene.story.fired[i - 1]->when <= scene.story.fired[i]->when);
	free_alarms(scene.alarms, COUNT(scene.alarms));
}

struct clock_watch {
	struct loop *loop;
	struct loop_timer *timer;
	uint64_t before;
	unsigned left;
};

static void watch_clock(void *user)
{
	struct clock_watch *watch = user;
	uint64_t now = loop_now(watch->loop);
	volatile unsigned idle = 0;

	while (idle < 100000)
		idle++;
	assert_true(now >= watch->before);
	assert_int_equal(loop_now(watch->loop), now);
	watch->before = now;
	if (watch->left-- > 0)
		loop_timer_set(watch->timer, now + 100 * LOOP_USEC);
	else
		loop_kind.stop(watch->loop);
}

void time_stands_still_within_a_callback_and_never_goes_back(void **state)
{
	struct loop *loop = *state;
	struct clock_watch watch = { .loop = loop, .before = loop_now(loop), .left = 20 };

	assert_int_equal(loop_timer_new(loop, watch_clock, &watch, &watch.timer), 0);
	loop_timer_set(watch.timer, loop_now(loop));
	loop_kind.run(loop);
	loop_timer_free(watch.timer);
}

static void arrange_three(void *user)
{
	for (unsigned i = 0; i < 3; i++)
		set_scene(user, i, 0);
}

void nothing_happens_after_the_stop(void **state)
{
	struct scene scene;

	play(&scene, *state, arrange_three, 1);
	assert_int_equal(scene.story.n, 1);
	scene.story.expected = 3;
	loop_kind.run(*state);
	assert_int_equal(scene.story.n, 3);
	free_alarms(scene.alarms, 3);
}

struct work {
	struct loop *loop;
	pthread_t loop_thread;
	unsigned *n_left; /* the loop stops at 0 */
	unsigned ran;
	unsigned done;
	unsigned again; /* start as many others, one after another */
};

static void run_work(void *user)
{
	struct work *work = user;

	work->ran++;
}

static void finish_work(void *user)
{
	struct work *work = user;

	assert_true(pthread_equal(pthread_self(), work->loop_thread));
	work->done++;
	assert_int_equal(work->ran, work->done);
	if (work->again > 0) {
		work->again--;
		assert_int_equal(loop_job(work->loop, run_work, finish_work, work), 0);
		return;
	}
	if (--*work->n_left == 0)
		loop_kind.stop(work->loop);
}

static struct work work_on(struct loop *loop, unsigned *n_left)
{
	return (struct work){ .loop = loop, .loop_thread = pthread_self(), .n_left = n_left };
}

void a_job_runs_and_then_is_done_on_the_loop(void **state)
{
	struct loop *loop = *state;
	unsigned n_left = 1;
	struct work work = work_on(loop, &n_left);

	assert_int_equal(loop_job(loop, run_work, finish_work, &work), 0);
	assert_int_equal(work.done, 0);
	loop_kind.run(loop);
	assert_int_equal(work.ran, 1);
	assert_int_equal(work.done, 1);
}

void every_job_is_done_once(void **state)
{
	struct loop *loop = *state;
	unsigned n_left = 500;
	struct work work[500];

	for (unsigned i = 0; i < 500; i++) {
		work[i] = work_on(loop, &n_left);
		assert_int_equal(loop_job(loop, run_work, finish_work, &work[i]), 0);
	}
	loop_kind.run(loop);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(work[i].ran, 1);
		assert_int_equal(work[i].done, 1);
	}
}

void a_done_job_may_start_another(void **state)
{
	struct loop *loop = *state;
	unsigned n_left = 1;
	struct work work = work_on(loop, &n_left);

	work.again = 99;
	assert_int_equal(loop_job(loop, run_work, finish_work, &work), 0);
	loop_kind.run(loop);
	assert_int_equal(work.ran, 100);
	assert_int_equal(work.done, 100);
}

void a_loop_that_is_freed_runs_its_jobs_but_calls_nobody(void **state)
{
	struct loop *loop = NULL;
	unsigned n_left = 50;
	struct work work[50];

	(void)state;
	assert_int_equal(loop_kind.make(&loop), 0);
	for (unsigned i = 0; i < 50; i++) {
		work[i] = work_on(loop, &n_left);
		assert_int_equal(loop_job(loop, run_work, finish_work, &work[i]), 0);
	}
	loop_kind.free(loop);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(work[i].ran, 1);
		assert_int_equal(work[i].done, 0);
	}
}

void random_bits_are_about_half_ones(void **state)
{
	struct loop *loop = *state;
	unsigned ones[64] = { 0 };

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t bits = loop_random(loop);

		for (unsigned b = 0; b < 64; b++)
			ones[b] += (unsigned)(bits >> b & 1);
	}
	/* Ten standard deviations. */
	for (unsigned b = 0; b < 64; b++)
		assert_in_range(ones[b], 4500, 5500);
}

void nothing_is_freed_without_harm(void **state)
{
	(void)state;
	loop_timer_free(NULL);
	loop_watch_free(NULL);
	loop_kind.free(NULL);
}
