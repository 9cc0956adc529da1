/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The story of a change: what led to it, what it took, and when it was over; and nothing where
 * nothing was.
 */

#include "tests/unit/world.h"

static uint64_t mark(const struct world *w)
{
	return event_last(sm_events(w->sm))->number;
}

/* The first of this kind after number @from. */
static const struct event *find(const struct world *w, uint64_t from, enum event_kind kind)
{
	const struct event *event;

	while ((event = event_from(sm_events(w->sm), from + 1)) && event->kind != kind)
		from = event->number;
	assert_non_null(event);

	return event;
}

/* The same, and that has @text in it. */
static const struct event *find_text(const struct world *w, uint64_t from, enum event_kind kind,
				     const char *text)
{
	const struct event *event = find(w, from, kind);

	while (!strstr(event->text, text))
		event = find(w, event->number, kind);

	return event;
}

static uint64_t sum(const uint64_t took[PHASE_COUNT])
{
	uint64_t all = 0;

	for (unsigned i = 0; i < PHASE_COUNT; i++)
		all += took[i];

	return all;
}

static void what_a_trap_led_to_is_told_with_its_number(void **state)
{
	struct world *w = *state;
	const struct event *trap, *sweep;
	uint64_t from;

	world_start(w);
	from = mark(w);
	fake_unplug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	trap = find(w, from, EVENT_TRAP);
	sweep = find(w, from, EVENT_SWEEP);
	assert_int_equal(trap->cause, 0);
	assert_int_equal(find(w, from, EVENT_NODE_DOWN)->cause, trap->number);
	assert_int_equal(sweep->cause, trap->number);
	assert_non_null(strstr(sweep->text, "trap 128, a link changed (event "));
	assert_non_null(strstr(sweep->text, "discover "));
	assert_int_equal(sm_last_change(w->sm)->cause, trap->number);
}

static void a_change_is_told_with_what_it_took_until_the_last_set(void **state)
{
	struct world *w = *state;
	const struct sm_change *change;
	struct sm_status status;
	uint64_t started;
	size_t from;

	world_start(w);
	from = world_mark(w);
	started = loop_now(w->loop);
	fake_unplug(w->east, 2);
	fake_plug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	change = sm_last_change(w->sm);
	sm_status(w->sm, &status);
	assert_int_equal(change->reconcile, status.sweeps);
	assert_int_equal(change->sets, world_sets(w, from));
	assert_int_equal(change->smps, w->f->n_smps - from);
	assert_int_equal(change->blocks, world_count(w, from, NULL, METHOD_SET, ATTR_LFT));
	assert_int_equal(sum(change->took), status.sweep_took);
	assert_true(change->took[PHASE_PROGRAM] > 0 || change->took[PHASE_ACTIVATE] > 0);
	assert_in_range(change->until_set, 1, change->at + status.sweep_took - started);
	assert_int_equal(change->took[PHASE_REST], 0);
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		assert_int_equal(sm_phase_times(w->sm)[i].last, change->took[i]);
		assert_true(sm_phase_times(w->sm)[i].longest >= change->took[i]);
	}
	assert_true(sm_phase_times(w->sm)[PHASE_DISCOVER].longest >
		    sm_phase_times(w->sm)[PHASE_DISCOVER].last);
}

static void the_first_walk_is_the_start_and_counts_its_blocks(void **state)
{
	struct world *w = *state;
	const struct event *sweep;
	char blocks[64];

	world_start(w);
	sweep = find(w, 0, EVENT_SWEEP);
	assert_int_equal(sweep->cause, 0);
	assert_non_null(strstr(sweep->text, "the start"));
	snprintf(blocks, sizeof(blocks), "%u LFT blocks; ",
		 world_count(w, 0, NULL, METHOD_SET, ATTR_LFT));
	assert_non_null(strstr(sweep->text, blocks));
	assert_non_null(strstr(sweep->text, "until the last Set was acknowledged"));
}

static void quiet_sweeps_say_nothing(void **state)
{
	struct world *w = *state;
	struct sm_change before;
	uint64_t from, sweeps;

	w->conf.sweep_interval = 10;
	world_start(w);
	world_run(w, 30);
	from = mark(w);
	before = *sm_last_change(w->sm);
	sweeps = world_sweeps(w);
	world_run(w, 3600);
	assert_in_range(world_sweeps(w), sweeps + 350, sweeps + 361);
	assert_int_equal(mark(w), from);
	assert_memory_equal(sm_last_change(w->sm), &before, sizeof(before));
}

static void what_the_timer_finds_has_the_timer_for_a_cause(void **state)
{
	struct world *w = *state;
	uint64_t from;

	w->conf.sweep_interval = 10;
	world_start(w);
	from = mark(w);
	fake_unplug(w->east, 2);
	world_run(w, 15);
	assert_int_equal(find(w, from, EVENT_NODE_DOWN)->cause, 0);
	assert_non_null(strstr(find(w, from, EVENT_SWEEP)->text, "the timer of sweeps"));
}

static void an_order_is_an_event_and_the_cause_of_what_follows(void **state)
{
	struct world *w = *state;
	uint64_t from, order;

	world_start(w);
	from = mark(w);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, true);
	order = mark(w);
	assert_string_equal(event_last(sm_events(w->sm))->text, "a full sweep was asked for");
	world_run(w, 15);
	assert_int_equal(find(w, from, EVENT_CONFIG)->number, order);
	assert_int_equal(find(w, from, EVENT_NODE_DOWN)->cause, order);
	assert_int_equal(find(w, from, EVENT_SWEEP)->cause, order);
}

/* What its SwitchInfo shows needs no trap, and comes of the many that there were. */
static void what_is_seen_of_a_switch_that_is_watched_has_that_for_a_cause(void **state)
{
	struct world *w = *state;
	uint64_t watched, from;

	world_start(w);
	for (unsigned i = 0; i < 5; i++) {
		fake_trap(w->f, w->east, TRAP_LINK_STATE);
		loop_virtual_run_for(w->loop, 200 * LOOP_MSEC);
	}
	watched = find_text(w, 0, EVENT_TRAP, "it is watched instead")->number;
	from = mark(w);
	fake_unplug(w->east, 2);
	world_run(w, 5);
	assert_int_equal(find(w, from, EVENT_NODE_DOWN)->cause, watched);
	assert_int_equal(find(w, from, EVENT_SWEEP)->cause, watched);
}

static void who_is_let_back_after_a_quarantine_is_the_cause_of_what_is_found(void **state)
{
	struct world *w = *state;
	const struct event *event;
	uint64_t from;

	world_start(w);
	from = mark(w);
	for (unsigned i = 0; i < 500; i++) {
		fake_unplug(w->east, 2);
		fake_trap(w->f, w->east, TRAP_LINK_STATE);
		loop_virtual_run_for(w->loop, 200 * LOOP_MSEC);
		fake_plug(w->east, 2);
		loop_virtual_run_for(w->loop, 200 * LOOP_MSEC);
		if (!strcmp(world_reason(w, w->east, 2), "quarantined"))
			break;
	}
	world_run(w, 15);
	event = find_text(w, from, EVENT_PORT_REASON, "let back after its quarantine");
	from = event->number;
	assert_int_equal(event->port, 2);
	assert_int_equal(find(w, from, EVENT_NODE_UP)->cause, from);
	assert_int_equal(find(w, from, EVENT_SWEEP)->cause, from);
}

/* The first walk sees the device go, and the second that it is there again: one cause each. */
static void unplug_on_pkeys(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	(void)smp;
	f->see = NULL;
	fake_trap(f, w->west, TRAP_LINK_STATE);
}

static void a_walk_that_is_wanted_meanwhile_has_the_cause_that_came_first(void **state)
{
	struct world *w = *state;
	const struct event *first, *second;
	uint64_t from;

	world_start(w);
	from = mark(w);
	fake_unplug(w->east, 2);
	fake_unplug(w->west, 2);
	w->f->see = unplug_on_pkeys;
	w->f->user = w;
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	assert_null(w->f->see);
	first = find(w, from, EVENT_TRAP);
	second = find(w, first->number, EVENT_TRAP);
	assert_int_equal(find(w, from, EVENT_SWEEP)->cause, first->number);
	fake_plug(w->west, 2);
	fake_trap(w->f, w->west, TRAP_LINK_STATE);
	world_run(w, 5);
	assert_int_equal(find(w, second->number, EVENT_NODE_UP)->cause,
			 find(w, second->number, EVENT_TRAP)->number);
}

/* The host comes back and does not hear Sets: the walk that finds that out asks for another. */
static void what_a_walk_asks_for_itself_has_its_cause(void **state)
{
	struct world *w = *state;
	const struct event *trap, *event;
	uint64_t from, sweeps, first = 0, last = 0;

	world_start(w);
	from = mark(w);
	sweeps = world_sweeps(w);
	fake_unplug(w->east, 2);
	fake_plug(w->east, 2);
	w->host[3]->loses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 100, .undone = true
	};
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 60);
	assert_true(world_sweeps(w) >= sweeps + 2);
	trap = find(w, from, EVENT_TRAP);
	for (from = trap->number; (event = event_from(sm_events(w->sm), from + 1));
	     from = event->number) {
		assert_int_equal(event->cause, trap->number);
		if (event->kind != EVENT_SWEEP)
			continue;
		first = first ? first : event->number;
		last = event->number;
	}
	assert_true(last > first);
	event = event_from(sm_events(w->sm), last);
	assert_true(event && strstr(event->text, "; no Set was acknowledged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_trap_led_to_is_told_with_its_number),
		TEST(a_change_is_told_with_what_it_took_until_the_last_set),
		TEST(the_first_walk_is_the_start_and_counts_its_blocks),
		TEST(quiet_sweeps_say_nothing),
		TEST(what_the_timer_finds_has_the_timer_for_a_cause),
		TEST(an_order_is_an_event_and_the_cause_of_what_follows),
		TEST(what_is_seen_of_a_switch_that_is_watched_has_that_for_a_cause),
		TEST(who_is_let_back_after_a_quarantine_is_the_cause_of_what_is_found),
		TEST(a_walk_that_is_wanted_meanwhile_has_the_cause_that_came_first),
		TEST(what_a_walk_asks_for_itself_has_its_cause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
