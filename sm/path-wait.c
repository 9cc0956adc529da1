/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Hosts keep what they were told of a path for long, so nobody is told what is not so yet: while
 * the service levels of paths change (levels.c) questions about paths wait; so do those that found
 * no path while the fabric is another than its tables are for, or a new master has none yet. That
 * takes some round trips to devices; then they are answered from what is in force, in the order in
 * which they came, a few at a time.
 *
 * The Linux kernel asks up to eleven times in 1.1 to 3.3 s, and takes BUSY for a failure of the
 * path. So whoever asks is told so only when more questions wait than there is room for, or when
 * one has waited for longer than the kernel does; who still waits then (srp_daemon does, for 5 s)
 * learns that it may ask again. The copies that come meanwhile are the same question: it has one
 * answer.
 */

#include "sm/path-wait.h"

#include "sm/lanes.h"
#include "sm/machine.h"

#define LONGEST (4 * LOOP_SEC)

/* Then others have a turn. One about more than a single path ends a turn, too. */
#define AT_ONCE 64u

/* Of 20,000 hosts each has one; of who flushes its paths there are some hundreds. */
static const struct held_limits limits = { 20480, 1024, 512 };

/* Nothing can be said; or, as the way may have led over a link that is gone, not that there is
 * none.
 */
static bool is_too_early(const struct sm *sm, bool found_none)
{
	return found_none ? sm->changed && sm->phase <= PHASE_PLAN : lanes_are_changing(sm);
}

static bool may_be_answered(const struct sm *sm)
{
	return !is_too_early(sm, false) && !is_too_early(sm, true);
}

/* ---- answers ----------------------------------------------------------------------------------
 */

static struct held_request *first_of(const struct path_wait *wait)
{
	return LIST_ENTRY(wait->held.all.next, struct held_request, link);
}

static void arm(struct sm *sm)
{
	struct path_wait *wait = &sm->path_wait;

	if (list_is_empty(&wait->held.all))
		loop_timer_stop(wait->timer);
	else if (may_be_answered(sm))
		loop_timer_set(wait->timer, loop_now(sm->loop));
	else
		loop_timer_set(wait->timer, first_of(wait)->since + LONGEST);
}

static bool is_due(const struct sm *sm, const struct held_request *request)
{
	return may_be_answered(sm) || loop_now(sm->loop) - request->since >= LONGEST;
}

/* Who is not master, or no longer, has nothing to say. */
static void on_time(void *user)
{
	struct sm *sm = user;
	struct path_wait *wait = &sm->path_wait;
	bool is_single = true;

	for (unsigned n = 0; n < AT_ONCE && is_single && !list_is_empty(&wait->held.all); n++) {
		struct held_request *request = first_of(wait);

		if (!is_due(sm, request))
			break;
		is_single = wire_get(&request->arrival.datagram, MAD_METHOD) == METHOD_GET;
		sm_answer_again(sm, &request->arrival);
		held_drop(&wait->held, request);
	}
	arm(sm);
}

void path_wait_look(struct sm *sm)
{
	if (!list_is_empty(&sm->path_wait.held.all))
		arm(sm);
}

/* ---- questions --------------------------------------------------------------------------------
 */

static uint16_t hold(struct sm *sm, const struct arrival *arrival, bool *ret_later)
{
	struct held *held = &sm->path_wait.held;
	struct held_request *request =
		held_has_room(held, arrival) ? held_add(held, arrival) : NULL;

	if (!request)
		return STATUS_BUSY;
	request->since = loop_now(sm->loop);
	*ret_later = true;
	arm(sm);

	return STATUS_OK;
}

uint16_t path_wait_take(void *user, const struct arrival *arrival, bool found_none, bool *ret_later)
{
	struct sm *sm = user;

	*ret_later = held_has(&sm->path_wait.held, arrival);
	if (*ret_later || !is_too_early(sm, found_none))
		return STATUS_OK;

	return hold(sm, arrival, ret_later);
}

uint16_t path_wait_refuse(void *user, const struct arrival *arrival, bool found_none,
			  bool *ret_later)
{
	const struct sm *sm = user;

	(void)arrival;
	*ret_later = false;

	return is_too_early(sm, found_none) ? STATUS_BUSY : STATUS_OK;
}

/* ---- coming and going -------------------------------------------------------------------------
 */

void path_wait_init(struct sm *sm)
{
	held_init(&sm->path_wait.held, limits);
}

int path_wait_start(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_time, sm, &sm->path_wait.timer);
}

void path_wait_done(struct sm *sm)
{
	loop_timer_free(sm->path_wait.timer);
	held_done(&sm->path_wait.held);
}
