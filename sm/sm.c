/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The reconcile. Whatever happens (start, trap, timer, new configuration, an operator's wish) ends
 * in the same walk through the phases: what is there, who is master, what do devices hold, what
 * should they hold, keep it, program the difference, activate. There is no second path.
 *
 * A phase hands out work and is over when nobody is busy; sm_advance() is called whenever that may
 * have become true, and goes on. What happens meanwhile only says that another walk is wanted, see
 * wanted.c.
 */

#include "sm/sm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

#define RETRY_OWN (2 * LOOP_SEC) /* our own device does not answer */

#define TODO_TABLES                                                                                \
	(TODO(TODO_SWITCH_SET) | TODO(TODO_PKEY_WRITE) | TODO(TODO_GUID_WRITE) |                   \
	 TODO(TODO_VPORT_KEYS) | TODO(TODO_PORT_SET) | TODO(TODO_LFT_WRITE))

/* -- beginning and end of a reconcile -----------------------------------------------------------
 */

/* A plan that had nothing to do has nothing to do now either. */
static bool is_as_before(const struct sm *sm)
{
	return sm->still && !sm->news && !sm->changed && !sm->wrote && !sm_is_wanted(sm) &&
	       !sm->discovery.full && sm->state == SM_MASTER;
}

/* What devices hold that may hold something; of vports, in every sweep whether they have changed.
 */
static void start_read(struct sm *sm)
{
	sm->sent_before = requests_totals(sm->requests)->sent;
	twins_look(sm);
	vports_ask_all(sm);
	if (!is_as_before(sm))
		work_add_all(sm, TODO(TODO_PKEY_READ) | TODO(TODO_LFT_READ) | TODO(TODO_GUID_READ));
	sm->phase = PHASE_READ;
}

/*
 * Somebody wants to know what devices hold, whatever they acknowledged: tables are read again, also
 * those of a switch that came up without, and who seemed to have no FDR10 is asked for it. What
 * they did not keep is tried once more, but not where each time would take links down. A sweep that
 * is full for a reason of our own looks for devices and links, and leaves the rest as it is, known
 * or not.
 */
static void doubt_all(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];

		tables_doubt(sm, node);
		fdr10_forget(node);
		if (!sm->conf.bounce_on_mismatch)
			memory_forget_quirks(sm, node);
		if (node->sw)
			node->sw->cold = false;
	}
	sm->names_wanted = true;
	sm->planned_keys.stale = true; /* keys stay at the indices at which they are found */
}

static void start_sweep(struct sm *sm)
{
	bool full = sm->full_wanted;

	sm->narrow = false;
	sm->local = false;
	sm->sweep_wanted = false;
	sm->full_wanted = false;
	sm->phase = PHASE_DISCOVER;
	if (full)
		faults_forget(sm);
	if (sm->doubt_wanted)
		doubt_all(sm);
	sm->doubt_wanted = false;
	discover_start(sm, full);
}

static void start(struct sm *sm)
{
	ways_drop(&sm->ways);
	/* Who has not looked at all yet cannot look at one. */
	sm->narrow = !sm->sweep_wanted && sm->state == SM_MASTER && !sm->adopting;
	sm->local = sm->narrow && sm->complete && !sm->look_wide && !sm->changed;
	sm->look_wanted = false;
	sm->look_wide = false;
	sm->new_columns = false;
	sm->wrote = false;
	sm->changed = sm->changed || sm->intent_changed;
	sm->intent_changed = false;
	sm->sweeps++;
	sm->sweep_started = loop_now(sm->loop);
	story_begin(sm);
	if (!sm->narrow) {
		start_sweep(sm);
	} else if (sm->discovery.n_touched > 0) {
		sm->phase = PHASE_DISCOVER;
		discover_start_look(sm);
	} else {
		sm->discovery.full = false;
		start_read(sm);
	}
}

static void arm_next(struct sm *sm)
{
	uint64_t time = faults_next_sweep(sm, sm->conf.sweep_interval * LOOP_SEC);

	sm->sweep_due = time ? loop_now(sm->loop) + time : 0;
	if (sm->sweep_due)
		loop_timer_set(sm->sweep_timer, sm->sweep_due);
	else
		loop_timer_stop(sm->sweep_timer);
}

static void ask_names(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present &&
		    (sm->names_wanted || !sm->fabric.nodes[i].described))
			work_add(sm, i, TODO(TODO_DESCRIPTION));
	vports_name_all(sm, sm->names_wanted);
	sm->names_wanted = false;
}

/* A subnet that ends at ourselves is up as such, and still not what somebody wants. Said once. */
static void look_at_own_port(struct sm *sm)
{
	uint32_t own = sm->fabric.local_port;
	const struct port *port = &sm->fabric.ports[own];
	char before[sizeof(sm->trouble)];
	struct log_where where;

	if (own == NO_PORT)
		return;
	sm->cut_off = discover_has_no_link(sm);
	if (sm->sweep_wanted)
		return;
	memcpy(before, sm->trouble, sizeof(before));
	sm->trouble[0] = 0;
	if (sm->state != SM_MASTER || !port->known || port->number == 0 ||
	    port_state(port) == PORT_ACTIVE)
		return;
	if (port->reason == REASON_NO_LINK)
		snprintf(sm->trouble, sizeof(sm->trouble), "our own port %s:%u has no link",
			 sm->transport->device, port->number);
	else
		snprintf(sm->trouble, sizeof(sm->trouble), "our own port %s:%u is not active: %s",
			 sm->transport->device, port->number,
			 reason_sentence((enum reason)port->reason));
	where = where_of_port(sm, own);
	if (strcmp(before, sm->trouble) != 0)
		log_say(LOG_LEVEL_WARNING, &where, "%s", sm->trouble);
}

static void rest(struct sm *sm)
{
	bool as_before = is_as_before(sm);
	struct sm_status status;

	sm->still = as_before;
	sm->phase = PHASE_REST;
	ways_drop(&sm->ways);
	story_turn(sm);
	sm->sweep_took = loop_now(sm->loop) - sm->sweep_started;
	sm->next_sweep_from = loop_now(sm->loop) + sm->hold_off;
	if (sm->wrote || sm->changed)
		sm->generation++;
	if (!sm_is_wanted(sm) && (sm->routing.valid || sm->state != SM_MASTER))
		sm->applied = sm->generation;
	sm->by_lid = sm->state == SM_MASTER && sm->applied == sm->generation && !sm_is_wanted(sm);
	if (!as_before)
		reasons_update(sm);
	if (sm->state == SM_MASTER && (!as_before || sm->gids.owed))
		gids_look(sm);
	look_at_own_port(sm);
	memory_keep_quirks(sm);
	ask_names(sm);
	sm_status(sm, &status);
	story_end(sm, &status);
	sm->changed = false; /* what is answered from now on counts with the next reconcile */
	sm->news = false;
	sm->came_up = sm->came_up || !sm->adopting;
	if (!sm->narrow)
		arm_next(sm);
	spares_refill(sm);
	moves_settle(sm);
	multicast_begin(sm);
	if (sm->listener.settled)
		sm->listener.settled(sm->user);
}

/* -- phases -------------------------------------------------------------------------------------
 */

/* Each returns true if the next phase may begin. */

static bool advance_rest(struct sm *sm)
{
	if (!sm_is_wanted(sm) || sm->n_busy > 0)
		return false;
	if (loop_now(sm->loop) < sm->next_sweep_from) {
		loop_timer_set(sm->soon_timer, sm->next_sweep_from);
		return false;
	}
	start(sm);

	return true;
}

/* Said once, not with each sweep. */
static void note_own_device(struct sm *sm, enum reason reason)
{
	if (reason == sm->own_reason)
		return;
	if (reason != REASON_NONE)
		log_error("Our own device cannot be used: %s It is asked again every %u seconds.",
			  reason_sentence(reason), (unsigned)(RETRY_OWN / LOOP_SEC));
	else
		log_notice("Our own device can be used again");
	sm->own_reason = reason;
}

static void own_device_failed(struct sm *sm)
{
	note_own_device(sm, sm->discovery.failed ? sm->discovery.failed : REASON_SILENT);
	sm->hold_off = RETRY_OWN;
	sm->sweep_wanted = true;
	sm->full_wanted = sm->full_wanted || sm->discovery.full;
	rest(sm);
}

/* Other subnet managers are the matter of sweeps. */
static void end_look(struct sm *sm)
{
	if (discover_end_look(sm))
		start_read(sm);
	else
		start_sweep(sm);
}

static bool advance_discover(struct sm *sm)
{
	if (!discover_advance(sm))
		return false;
	if (sm->narrow) {
		end_look(sm);
		return true;
	}
	if (sm->discovery.failed || sm->fabric.local_port == NO_PORT) {
		own_device_failed(sm);
		return true;
	}
	note_own_device(sm, REASON_NONE);
	discover_end(sm);
	election_find_peers(sm);
	sm->phase = PHASE_ELECT;

	return true;
}

/* A new master has to read all once, before it writes. */
static bool has_seen_enough(struct sm *sm)
{
	if (!sm->adopting || sm->discovery.full)
		return true;
	sm_sweep_again(sm, true);

	return false;
}

static bool advance_elect(struct sm *sm)
{
	if (sm->n_busy > 0)
		return false;
	election_decide(sm);
	if (sm->state != SM_MASTER || !has_seen_enough(sm)) {
		rest(sm);
		return true;
	}
	start_read(sm);

	return true;
}

static void plan_failed(struct sm *sm, int error)
{
	log_error("Cannot plan: %s", strerror(-error));
	routes_fail(sm, "There was no memory to plan: tables stay as they were.");
	sm_sweep_again(sm, false);
}

static bool advance_read(struct sm *sm)
{
	int r;

	if (sm->n_busy > 0)
		return false;
	if (is_as_before(sm)) {
		rest(sm);
		return true;
	}
	registrar_claim(sm);
	if (sm->adopting)
		away_adopt(sm);
	r = aliases_plan(sm);
	if (r == 0)
		r = lids_plan(sm);
	if (r == 0)
		r = pkeys_publish(sm);
	if (r == 0)
		r = absents_plan(sm);
	sm->routing.twice = false;
	if (r == 0)
		r = routes_plan(sm);
	if (r < 0)
		plan_failed(sm, r);
	sm->phase = PHASE_PLAN;

	return true;
}

static void kept(void *user, int result)
{
	struct sm *sm = user;

	if (result < 0)
		log_error("The state directory cannot be written (%s): LIDs may change with the "
			  "next restart",
			  strerror(-result));
	sm->keeping = false;
	sm_advance(sm);
}

static bool advance_plan(struct sm *sm)
{
	int r;

	if (sm->routing.job)
		return false;
	r = routes_add_vports(sm);
	if (r > 0 && sm->routing.valid && !sm->routing.twice) {
		sm->routing.twice = true; /* who has a LID twice has other ways each time */
		r = routes_plan(sm);      /* the job has looked at tables without those */
	}
	if (r < 0)
		plan_failed(sm, r);
	if (sm->routing.job)
		return false;
	sm->keeping = sm->unkept && keep_after(sm->keeper, kept, sm) == 0;
	sm->unkept = false;
	sm->phase = PHASE_KEEP;

	return true;
}

static bool advance_keep(struct sm *sm)
{
	if (sm->keeping)
		return false;
	sm->routing.preparing = lanes_plan(sm) || sm->routing.withdrawn;
	if (sm->routing.withdrawn) {
		sm->local = false; /* all lose entries, and get them back */
		work_add_switches(sm, TODO(TODO_LFT_WITHDRAW));
	}
	sm->phase = PHASE_WITHDRAW;

	return true;
}

/* A way that a switch does not give up is as one that it does not take: nobody waits for ever. */
static bool advance_withdraw(struct sm *sm)
{
	if (sm->routing.preparing && sm->n_busy > 0)
		return false;
	free(TAKE(sm->routing.withdrawn));
	if (lanes_switch(sm))
		multicast_take_levels(sm);
	work_add_all(sm, TODO_TABLES);
	if (sm->local && sm->new_columns)
		work_add_switches(sm, TODO(TODO_SWITCH_SET) |
					      (sm->routing.patched ? 0 : TODO(TODO_LFT_WRITE)));
	fdr10_plan(sm);
	sm->routing.round = 0;
	sm->phase = PHASE_PROGRAM;
	multicast_begin(sm);

	return true;
}

/* Of forwarding tables some is written only when some other has been (routing/transition.c). */
static bool next_round(struct sm *sm)
{
	if (sm->routing.round == sm->routing.rounds.last)
		return false;
	sm->routing.round++;
	if (sm->local && (sm->routing.patched || !sm->new_columns))
		work_add_all(sm, TODO(TODO_LFT_WRITE));
	else
		work_add_switches(sm, TODO(TODO_LFT_WRITE));

	return true;
}

/* Nor is anybody waited for who does not take a new way. */
static bool advance_program(struct sm *sm)
{
	if (sm->n_busy > 0)
		return false;
	if (next_round(sm))
		return true;
	rounds_clear(&sm->routing.rounds);
	work_add_all(sm, TODO(TODO_ACTIVATE) | (sm->fabric.n_vfs ? TODO(TODO_VPORT_SET) : 0));
	sm->phase = PHASE_ACTIVATE;

	return true;
}

static bool advance_activate(struct sm *sm)
{
	bool still;

	if (sm->n_busy > 0)
		return false;
	if (sm->adopting) {
		twins_judge_predecessor(sm);
		registrar_end_forgotten(sm);
	}
	sm->adopting = false;
	registrar_settle(sm);
	away_keep(sm);
	faults_settle(sm);
	sm->faulty = faults_any(sm);
	sm->complete = sm->routing.valid && !sm->sweep_wanted && !sm->look_wide && !sm->faulty;
	still = sm->routing.valid && !sm_is_wanted(sm) && !sm->changed && !sm->faulty &&
		requests_totals(sm->requests)->sent == sm->sent_before;
	/* The next sweep makes sure that others had nothing to be done about either. */
	still = still && !(sm->local && sm->discovery.looked_at.n > 0);
	rest(sm);
	sm->still = still;

	return true;
}

static bool step(struct sm *sm)
{
	switch (sm->phase) {
	case PHASE_REST:
		return advance_rest(sm);
	case PHASE_DISCOVER:
		return advance_discover(sm);
	case PHASE_ELECT:
		return advance_elect(sm);
	case PHASE_READ:
		return advance_read(sm);
	case PHASE_PLAN:
		return advance_plan(sm);
	case PHASE_KEEP:
		return advance_keep(sm);
	case PHASE_WITHDRAW:
		return advance_withdraw(sm);
	case PHASE_PROGRAM:
		return advance_program(sm);
	case PHASE_ACTIVATE:
		return advance_activate(sm);
	case PHASE_COUNT:
		break;
	}

	return false;
}

static bool advance(struct sm *sm)
{
	bool more = step(sm);

	story_turn(sm);

	return more;
}

void sm_advance(struct sm *sm)
{
	while (!sm->stopping && advance(sm))
		;
	if (sm->stopping)
		election_resign(sm);
	path_wait_look(sm);
}
