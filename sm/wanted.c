/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What wants a reconcile, and when it may begin. While one is under way that only notes what the
 * next is to be about: all (a sweep), some switches (a look), or vports. The next starts when this
 * one is over, held off a little longer each time while changes keep coming, and at once after some
 * quiet.
 */

#include "base/macros.h"
#include "sm/machine.h"

#define HOLD_OFF_FIRST (20 * LOOP_MSEC)
#define HOLD_OFF_QUICK (100 * LOOP_MSEC) /* at most, */
#define HOLD_OFF_LATER (500 * LOOP_MSEC) /* or when it has gone on for RESTLESS; */
#define HOLD_OFF_MOST  (2 * LOOP_SEC)    /* or as long as the last reconcile took, within this */
#define RESTLESS       (60 * LOOP_SEC)
#define QUIET          (10 * LOOP_SEC) /* after which a change is taken up at once again */

bool sm_is_wanted(const struct sm *sm)
{
	return sm->sweep_wanted || sm->look_wanted || sm->discovery.n_touched > 0;
}

/* Held off the longer the more often it happens; where it is costly there is a pause at least. */
static uint64_t longer_hold_off(const struct sm *sm, uint64_t most)
{
	return MIN(MAX(2 * sm->hold_off, HOLD_OFF_FIRST), MIN(most, HOLD_OFF_MOST));
}

/* For what happens to links. */
static uint64_t most_of_sweeps(const struct sm *sm)
{
	bool is_restless = loop_now(sm->loop) - sm->restless_since > RESTLESS;

	return MAX(is_restless ? HOLD_OFF_LATER : HOLD_OFF_QUICK, sm->sweep_took);
}

static void something_happened(struct sm *sm, uint64_t most)
{
	uint64_t now = loop_now(sm->loop);

	if (now - sm->asked_at > QUIET)
		sm->restless_since = now;
	if (sm->phase == PHASE_REST && now - sm->asked_at > QUIET)
		sm->hold_off = 0;
	else if (!sm_is_wanted(sm))
		sm->hold_off = longer_hold_off(sm, most);
	sm->asked_at = now;
	story_wanted(sm);
	sm->news = true;
	sm->by_lid = false;
	if (sm->phase != PHASE_REST || sm->stopping)
		return;
	sm->next_sweep_from = MIN(sm->next_sweep_from, now + most);
	loop_timer_set(sm->soon_timer, sm->next_sweep_from);
}

void sm_sweep_soon(struct sm *sm)
{
	something_happened(sm, most_of_sweeps(sm));
	sm->sweep_wanted = true;
}

/* Where a device says something else each time it goes on for ever. */
void sm_sweep_again(struct sm *sm, bool full)
{
	something_happened(sm, HOLD_OFF_MOST);
	sm->sweep_wanted = true;
	sm->full_wanted = sm->full_wanted || full;
}

void sm_look_at_vports(struct sm *sm)
{
	something_happened(sm, HOLD_OFF_MOST);
	sm->look_wanted = true;
}

/* Where no timer asks for sweeps, in which faults are tried again, traps do. */
void sm_look_at_switch(struct sm *sm, uint32_t node)
{
	bool alone = sm->conf.sweep_interval == 0 && sm->faulty;

	sm->news = true;
	if (discover_takes_along(sm, node))
		return;
	something_happened(sm, most_of_sweeps(sm));
	if (alone || !discover_touch(sm, node))
		sm->sweep_wanted = true;
}

void sm_look_again(struct sm *sm)
{
	sm_look_at_vports(sm);
	sm->look_wide = true;
}

void sm_include(struct sm *sm, uint32_t number)
{
	uint32_t peer = sm->fabric.ports[number].peer;

	node_of(&sm->fabric, number)->included = sm->sweeps;
	if (peer != NO_PORT)
		node_of(&sm->fabric, peer)->included = sm->sweeps;
}

static void on_time(void *user)
{
	struct sm *sm = user;

	/* Who looks at one device does not set the timer again at the end. */
	sm->sweep_wanted = sm->sweep_wanted || sm->phase == PHASE_REST || sm->narrow;
	if (sm->phase != PHASE_REST)
		return;
	sm->next_sweep_from = loop_now(sm->loop);
	sm_advance(sm);
	requests_pump(sm->requests);
}

static void on_soon(void *user)
{
	struct sm *sm = user;

	sm_advance(sm);
	requests_pump(sm->requests);
}

int wanted_init(struct sm *sm)
{
	int r = loop_timer_new(sm->loop, on_time, sm, &sm->sweep_timer);

	if (r == 0)
		r = loop_timer_new(sm->loop, on_soon, sm, &sm->soon_timer);

	return r;
}
