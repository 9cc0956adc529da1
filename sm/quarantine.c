/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A link that goes down over and over, for minutes, has the whole fabric routed anew each time.
 * Each fall is charged to both of its ends (damping.h); above a limit they are quarantined: there
 * is nothing behind them. So what hangs there is gone, switches route around it, and however often
 * the link comes and goes after that nothing follows from it. After a while they are let back; if
 * the link still flaps, they are quarantined again before long, and for twice the time. A full
 * sweep, or a new configuration, lets all back at once.
 *
 * A link that flaps for some seconds is none of this file's business, and our own never is.
 */

#include <inttypes.h>

#include "base/macros.h"
#include "sm/machine.h"

#define HALF_LIFE  (120 * LOOP_SEC)
#define LIMIT      (100 * DAMPING_EVENT)
#define FORGOTTEN  (10 * DAMPING_EVENT) /* what was before it does not count any more */
#define SAME_FALL  (50 * LOOP_MSEC)     /* seen at both ends */
#define HOLD_FIRST (10 * LOOP_SEC)
#define HOLD_MOST  (640 * LOOP_SEC)
#define TIMES_MOST 6

_Static_assert(HOLD_FIRST << TIMES_MOST == HOLD_MOST, "so often twice as long");

static void on_release(void *user);

int quarantine_init(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_release, sm, &sm->release_timer);
}

static void arm(struct sm *sm, uint64_t until)
{
	if (sm->release_at != 0 && sm->release_at <= until)
		return;
	sm->release_at = until;
	loop_timer_set(sm->release_timer, until);
}

static void hold(struct sm *sm, uint32_t number, uint64_t until, unsigned times)
{
	struct port *port = &sm->fabric.ports[number];
	struct log_where where = where_of_port(sm, number);

	port->held_until = until;
	port->times_held = (uint8_t)MIN(times + 1, TIMES_MOST);
	if (!node_is_switch(node_of(&sm->fabric, number)))
		return;
	event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
		  "quarantined for %" PRIu64 " s: %s", (until - loop_now(sm->loop)) / LOOP_SEC,
		  reason_sentence(REASON_QUARANTINED));
}

/* True: this one fall too many. */
static bool charge(const struct sm *sm, struct port *port)
{
	uint64_t now = loop_now(sm->loop);

	if (damping_owed(&port->flaps, now, HALF_LIFE) < FORGOTTEN)
		port->times_held = 0;
	if (port->flaps.owed > 0 && now - port->flaps.at < SAME_FALL)
		return false;

	return damping_charge(&port->flaps, now, HALF_LIFE, LIMIT) == LIMIT;
}

bool quarantine_note_fall(struct sm *sm, uint32_t number)
{
	struct fabric *f = &sm->fabric;
	struct port *near = &f->ports[number], *far;
	bool is_too_much;
	unsigned times;
	uint64_t until;

	if (sm->state != SM_MASTER || near->peer == NO_PORT || number == f->local_port ||
	    near->peer == f->local_port)
		return false;
	far = &f->ports[near->peer];
	is_too_much = charge(sm, near);
	is_too_much = charge(sm, far) || is_too_much;
	if (!is_too_much)
		return false;
	times = MAX(near->times_held, far->times_held);
	until = loop_now(sm->loop) + (HOLD_FIRST << times);
	hold(sm, number, until, times);
	hold(sm, near->peer, until, times);
	arm(sm, until);

	return true;
}

bool quarantine_is_at(const struct sm *sm, const struct node *node)
{
	if (sm->release_at == 0)
		return false;
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (port_is_held(&sm->fabric.ports[port_at(node, i)]))
			return true;

	return false;
}

/* Half as many falls as it took the first time are enough for the next. */
static void release(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];

	port->held_until = 0;
	port->probe_silent = false;
	port->flaps = (struct damping){ .at = loop_now(sm->loop), .owed = LIMIT / 2 };
	if (node_is_switch(node_of(&sm->fabric, number)))
		node_of(&sm->fabric, number)->told = true;
}

/* As of hold(), at the switch alone. */
static void tell_release(struct sm *sm, uint32_t number)
{
	struct log_where where = where_of_port(sm, number);

	if (!node_is_switch(node_of(&sm->fabric, number)))
		return;
	event_add(sm->events, EVENT_PORT_REASON, where.guid, where.lid, where.port,
		  "let back after its quarantine");
	story_because(sm, event_last(sm->events)->number);
}

static void on_release(void *user)
{
	struct sm *sm = user;
	uint64_t now = loop_now(sm->loop);

	sm->release_at = 0;
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++) {
		const struct port *port = &sm->fabric.ports[i];

		if (!port_is_held(port))
			continue;
		if (port->held_until > now) {
			arm(sm, port->held_until);
			continue;
		}
		release(sm, i);
		tell_release(sm, i);
	}
	sm_sweep_again(sm, false);
	story_because(sm, 0);
}

void quarantine_forget(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++) {
		struct port *port = &sm->fabric.ports[i];

		if (port_is_held(port))
			release(sm, i);
		port->flaps = (struct damping){ 0 };
		port->times_held = 0;
	}
	sm->release_at = 0;
	loop_timer_stop(sm->release_timer);
}
