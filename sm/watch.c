/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who makes himself heard too often is watched instead of listened to. A switch may send one trap a
 * second only, so of a link that flaps the last word comes late; and somebody may send thousands.
 * Each trap is charged to the device that it comes from, see damping.h. Above a threshold its traps
 * are repressed and nothing else: a switch is asked for its SwitchInfo ten times a second, and
 * looked at when that shows a change; of others what they told is looked at after a second, two,
 * four. When it has been quiet for a few seconds it is looked at a last time, and heard again.
 *
 * A watcher's questions are none of a reconcile's work: nobody waits for them, and while one is
 * under way there are none.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define PERIOD    (100 * LOOP_MSEC)
#define SLOW      LOOP_SEC /* the same of a switch where a link is quarantined that may flap on */
#define ACT_FIRST LOOP_SEC /* who is no switch, on what it told; */
#define ACT_MOST  (30 * LOOP_SEC) /* twice as late each time */
#define HALF_LIFE (2 * LOOP_SEC)
#define BEGIN     (DAMPING_EVENT * 5 / 2)
#define END       DAMPING_EVENT
#define MOST      (DAMPING_EVENT * 6)

static void on_period(void *user);

int watch_init(struct sm *sm)
{
	for (uint32_t i = 0; i < MAX_WATCHERS; i++) {
		request_sma_init(&sm->watch.all[i].sma);
		sm->watch.all[i].sma.owner = WATCH_OWNER | i;
	}

	return loop_timer_new(sm->loop, on_period, sm, &sm->watch.timer);
}

static struct watcher *watcher_of(struct sm *sm, uint32_t number)
{
	for (uint32_t i = 0; i < MAX_WATCHERS; i++)
		if (sm->watch.all[i].used && sm->watch.all[i].node == number)
			return &sm->watch.all[i];

	return NULL;
}

/* One whose last question is still under way is no use yet. */
static struct watcher *free_watcher(struct sm *sm)
{
	for (uint32_t i = 0; i < MAX_WATCHERS; i++)
		if (!sm->watch.all[i].used && sm->watch.all[i].sma.in_flight == 0)
			return &sm->watch.all[i];

	return NULL;
}

/* If all are in use it is listened to as before. */
static void begin(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];
	struct watcher *w = free_watcher(sm);

	if (!w)
		return;
	w->used = true;
	w->untold = false;
	w->wants = false;
	w->ask_at = 0;
	w->node = number;
	w->guid = node->guid;
	w->act_at = loop_now(sm->loop) + ACT_FIRST;
	w->act_wait = ACT_FIRST;
	if (sm->watch.n++ == 0)
		loop_timer_set(sm->watch.timer, loop_now(sm->loop) + PERIOD);
	event_add(sm->events, EVENT_TRAP, node->guid, sm->fabric.ports[node->entry].lid, -1,
		  "too many traps: it is watched instead");
	w->told = event_last(sm->events)->number;
}

static void end(struct sm *sm, struct watcher *w)
{
	w->used = false;
	w->wants = false;
	sm->watch.n--;
}

/* As after a trap of each kind. */
static void look(struct sm *sm, struct watcher *w)
{
	struct node *node = &sm->fabric.nodes[w->node];

	w->untold = false;
	w->act_wait = MIN(2 * w->act_wait, ACT_MOST);
	w->act_at = loop_now(sm->loop) + w->act_wait;
	if (node_is_switch(node)) {
		node->told = true;
	} else {
		for (unsigned i = 1; i <= node->n_ports; i++)
			sm->fabric.ports[port_at(node, i)].stale = true;
		work_add(sm, w->node, TODO(TODO_PORT_INFO));
	}
	work_add(sm, w->node, TODO(TODO_DESCRIPTION));
	story_because(sm, w->told);
	if (node_is_switch(node))
		sm_look_at_switch(sm, w->node);
	else
		sm_sweep_soon(sm);
	story_because(sm, 0);
}

bool watch_takes_trap(struct sm *sm, uint32_t port)
{
	uint32_t number = sm->fabric.ports[port].node;
	struct node *node = &sm->fabric.nodes[number];
	struct watcher *w = watcher_of(sm, number);

	if (damping_charge(&node->traps, loop_now(sm->loop), HALF_LIFE, MOST) < BEGIN && !w)
		return false;
	if (w)
		w->untold = true;
	else if (node->present)
		begin(sm, number);

	return w != NULL;
}

/* -- asking -------------------------------------------------------------------------------------
 */

/* It is still there, and there is still a reason to watch. */
static bool is_of_use(const struct sm *sm, const struct watcher *w)
{
	const struct node *node = &sm->fabric.nodes[w->node];

	return sm->state == SM_MASTER && sm->conf.sweep_on_trap && node->present &&
	       node->guid == w->guid;
}

static void watch(struct sm *sm, struct watcher *w)
{
	struct node *node = &sm->fabric.nodes[w->node];
	uint64_t now = loop_now(sm->loop);

	if (!is_of_use(sm, w)) {
		end(sm, w);
	} else if (damping_owed(&node->traps, now, HALF_LIFE) < END) {
		if (w->untold)
			look(sm, w);
		end(sm, w);
	} else if (sm->phase != PHASE_REST) {
		return; /* it is looked at anyway */
	} else if (node_is_switch(node) && w->sma.in_flight == 0 && now >= w->ask_at) {
		w->ask_at = now + (quarantine_is_at(sm, node) ? SLOW : PERIOD);
		w->wants = true;
		requests_make_ready(sm->requests, &w->sma);
	} else if (!node_is_switch(node) && w->untold && now >= w->act_at) {
		look(sm, w);
	}
}

static void on_period(void *user)
{
	struct sm *sm = user;

	for (uint32_t i = 0; i < MAX_WATCHERS; i++)
		if (sm->watch.all[i].used)
			watch(sm, &sm->watch.all[i]);
	if (sm->watch.n > 0)
		loop_timer_set(sm->watch.timer, loop_now(sm->loop) + PERIOD);
}

bool watch_ask(struct sm *sm, struct watcher *w, struct request *ret)
{
	const struct node *node = &sm->fabric.nodes[w->node];

	if (!w->wants || !is_of_use(sm, w))
		return false;
	w->wants = false;
	w->sma.hops = node->sma.hops;
	memcpy(w->sma.route, node->sma.route, sizeof(w->sma.route));
	*ret = (struct request){ .method = METHOD_GET,
				 .attr = ATTR_SWITCH_INFO,
				 .mkey = sm->fabric.ports[node->entry].mkey,
				 .other_mkey = sm->fabric.ports[node->entry].other_mkey };

	return true;
}

/* If it is not answered it is asked again, and the next sweep finds out why. */
void watch_take(struct sm *sm, struct watcher *w, const struct answer *answer)
{
	if (!w->used || !is_of_use(sm, w) || answer->result != REQUEST_ANSWERED ||
	    !wire_get(answer->data, SWITCH_INFO_STATE_CHANGE))
		return;
	damping_charge(&sm->fabric.nodes[w->node].traps, loop_now(sm->loop), HALF_LIFE, MOST);
	w->untold = true; /* and once more at the end */
	story_because(sm, w->told);
	sm_look_at_switch(sm, w->node);
	story_because(sm, 0);
}
