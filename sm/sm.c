/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The reconcile. Whatever happens (start, trap, timer, new configuration, an operator's wish) ends
 * in the same walk through the phases: what is there, who is master, what do devices hold, what
 * should they hold, keep it, program the difference, activate. There is no second path.
 *
 * A phase hands out work and is over when nobody is busy; sm_advance() is called whenever that may
 * have become true, and goes on. What happens meanwhile only sets sweep_wanted; the next walk
 * starts when this one is over, held off a little longer each time while changes keep coming.
 */

#include "sm/sm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define HOLD_OFF_FIRST (20 * LOOP_MSEC)
#define HOLD_OFF_QUICK (100 * LOOP_MSEC) /* at most, */
#define HOLD_OFF_LATER (500 * LOOP_MSEC) /* or when it has gone on for RESTLESS; */
#define HOLD_OFF_MOST  (2 * LOOP_SEC)    /* or as long as the last reconcile took, within this */
#define RESTLESS       (60 * LOOP_SEC)
#define QUIET          (10 * LOOP_SEC) /* after which a change is taken up at once again */
#define RETRY_OWN      (2 * LOOP_SEC)  /* our own device does not answer */

#define TODO_TABLES                                                                                \
	(TODO(TODO_SWITCH_SET) | TODO(TODO_PKEY_WRITE) | TODO(TODO_GUID_WRITE) |                   \
	 TODO(TODO_VPORT_KEYS) | TODO(TODO_PORT_SET) | TODO(TODO_LFT_WRITE))

/* -- beginning and end of a reconcile -----------------------------------------------------------
 */

static bool is_wanted(const struct sm *sm)
{
	return sm->sweep_wanted || sm->look_wanted || sm->discovery.n_touched > 0;
}

/* A plan that had nothing to do has nothing to do now either. */
static bool is_as_before(const struct sm *sm)
{
	return sm->still && !sm->news && !sm->changed && !sm->wrote && !is_wanted(sm) &&
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
	sm->cut_off = port->number != 0 && port_state(port) == PORT_DOWN;
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
	story_turn(sm);
	sm->sweep_took = loop_now(sm->loop) - sm->sweep_started;
	sm->next_sweep_from = loop_now(sm->loop) + sm->hold_off;
	if (sm->wrote || sm->changed)
		sm->generation++;
	if (!is_wanted(sm) && (sm->routing.valid || sm->state != SM_MASTER))
		sm->applied = sm->generation;
	sm->by_lid = sm->state == SM_MASTER && sm->applied == sm->generation && !is_wanted(sm);
	if (!as_before)
		reasons_update(sm);
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
	if (sm->listener.settled)
		sm->listener.settled(sm->user);
}

/* -- phases -------------------------------------------------------------------------------------
 */

/* Each returns true if the next phase may begin. */

static bool advance_rest(struct sm *sm)
{
	if (!is_wanted(sm) || sm->n_busy > 0)
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
	r = aliases_plan(sm);
	if (r == 0)
		r = lids_plan(sm);
	if (r == 0)
		r = pkeys_publish(sm);
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
	if (sm->routing.withdrawn && sm->n_busy > 0)
		return false;
	free(TAKE(sm->routing.withdrawn));
	work_add_all(sm, TODO_TABLES);
	if (sm->local && sm->new_columns)
		work_add_switches(sm, TODO(TODO_SWITCH_SET) | TODO(TODO_LFT_WRITE));
	fdr10_plan(sm);
	sm->routing.round = 0;
	sm->phase = PHASE_PROGRAM;

	return true;
}

/* Of forwarding tables some is written only when some other has been (routing/transition.c). */
static bool next_round(struct sm *sm)
{
	if (sm->routing.round == sm->routing.rounds.last)
		return false;
	sm->routing.round++;
	if (sm->local && !sm->new_columns)
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
	if (sm->adopting)
		twins_judge_predecessor(sm);
	sm->adopting = false;
	faults_settle(sm);
	sm->faulty = faults_any(sm);
	sm->complete = sm->routing.valid && !sm->sweep_wanted && !sm->look_wide && !sm->faulty;
	still = sm->routing.valid && !is_wanted(sm) && !sm->changed && !sm->faulty &&
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
	else if (!is_wanted(sm))
		sm->hold_off = longer_hold_off(sm, most);
	sm->asked_at = now;
	story_wanted(sm);
	sm->news = true;
	sm->by_lid = false;
	if (sm->phase != PHASE_REST)
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

/* -- what arrives -------------------------------------------------------------------------------
 */

static uint8_t route_for_admin(const void *user, uint32_t node, unsigned lid)
{
	return sm_route(user, node, lid);
}

/* A vport has a table of its own. */
static unsigned pkeys_for_admin(const void *user, struct endpoint e, uint16_t *ret, unsigned room)
{
	const struct sm *sm = user;
	const struct vfs *vfs = sm->fabric.ports[e.port].vfs;

	if (e.index > 0 && vfs && vfs->model == VF_VPORT)
		return pkeys_plan_vf(sm, e, ret, room);

	return pkeys_published(sm, e.port, ret, room);
}

static bool peer_for_admin(const void *user, unsigned n, struct sm_peer *ret)
{
	return sm_peer(user, n, ret);
}

static uint16_t guids_for_admin(void *changer, const struct guids_change *change, bool *ret_later)
{
	return aliases_change(changer, change, ret_later);
}

/* @changer: who makes the changes that it asks for; NULL: nobody. */
static void answer_admin(struct sm *sm, const struct arrival *arrival, struct sm *changer)
{
	struct admin_view view = { .fabric = &sm->fabric,
				   .conf = &sm->conf,
				   .act_count = (uint32_t)requests_totals(sm->requests)->sent,
				   .sm_state = (uint8_t)sm->state,
				   .user = sm,
				   .route = route_for_admin,
				   .pkeys = pkeys_for_admin,
				   .peer = peer_for_admin,
				   .changer = changer,
				   .guids_change = changer ? guids_for_admin : NULL };
	struct datagram reply;

	if (sm->state == SM_MASTER && admin_answer(&view, arrival, &reply) == ADMIN_ANSWERED)
		transport_send(sm->transport, &reply, &arrival->from, 0);
}

void sm_answer_again(struct sm *sm, const struct arrival *arrival)
{
	answer_admin(sm, arrival, NULL);
}

static void take_request(struct sm *sm, const struct arrival *arrival)
{
	const struct datagram *d = &arrival->datagram;
	uint64_t method = wire_get(d, MAD_METHOD);
	uint64_t attr = wire_get(d, MAD_ATTR);

	if (method == METHOD_TRAP && attr == ATTR_NOTICE)
		trap_receive(sm, arrival);
	else if ((method == METHOD_GET || method == METHOD_SET) && attr == ATTR_SM_INFO)
		election_request(sm, arrival);
}

static void take(struct sm *sm, const struct arrival *arrival)
{
	switch (wire_get(&arrival->datagram, MAD_CLASS)) {
	case CLASS_SA:
		answer_admin(sm, arrival, sm);
		break;
	case CLASS_SM_LID:
	case CLASS_SM_DIRECTED:
		if (!requests_receive(sm->requests, arrival))
			take_request(sm, arrival);
		break;
	default:
		break;
	}
}

void sm_receive(struct sm *sm, const struct arrival *arrivals, unsigned n)
{
	uint16_t order[FAIR_MAX];

	for (unsigned some; n > 0; arrivals += some, n -= some) {
		some = MIN(n, FAIR_MAX);
		fair_order(&sm->fair, arrivals, some, order);
		for (unsigned i = 0; i < some; i++)
			take(sm, &arrivals[order[i]]);
	}
	requests_pump(sm->requests);
}

/* -- life ---------------------------------------------------------------------------------------
 */

static void apply_limits(struct sm *sm)
{
	requests_set_limits(sm->requests, &(struct request_limits){
						  .window = sm->conf.max_smps,
						  .window_per_sma = sm->conf.max_smps_per_device,
						  .tries = sm->conf.tries,
						  .first_timeout_ms = sm->conf.first_timeout_ms,
						  .min_timeout_ms = sm->conf.min_timeout_ms,
					  });
}

static void on_event(void *user, const struct event *event)
{
	struct sm *sm = user;

	if (sm->listener.event)
		sm->listener.event(sm->user, event);
}

static int make_parts(struct sm *sm)
{
	int r = fabric_init(&sm->fabric);

	if (r == 0)
		r = identities_new(&sm->identities);
	if (r == 0)
		r = event_log_new(sm->loop, on_event, sm, &sm->events);
	if (r == 0)
		r = requests_new(sm->loop, sm->transport, &work_handler, sm, &sm->requests);
	if (r == 0)
		r = partition_init(sm);
	if (r == 0)
		r = discover_init(sm);
	if (r == 0)
		r = loop_timer_new(sm->loop, on_time, sm, &sm->sweep_timer);
	if (r == 0)
		r = loop_timer_new(sm->loop, on_soon, sm, &sm->soon_timer);
	if (r == 0)
		r = twins_init(sm);
	if (r == 0)
		r = watch_init(sm);
	if (r == 0)
		r = quarantine_init(sm);

	return r;
}

int sm_new(const struct sm_setup *setup, struct sm **ret)
{
	struct sm *sm = calloc(1, sizeof(*sm));
	int r;

	if (!sm)
		return -ENOMEM;
	sm->loop = setup->loop;
	sm->transport = setup->transport;
	sm->keeper = setup->keeper;
	sm->conf = *setup->conf;
	if (setup->listener)
		sm->listener = *setup->listener;
	sm->user = setup->user;
	sm->state = SM_DISCOVERING;
	sm->adopting = true;
	reserve_init(sm);
	r = make_parts(sm);
	if (r < 0) {
		sm_free(sm);
		return r;
	}
	apply_limits(sm);
	memory_load(sm);
	r = partition_start(sm, setup->partitions);
	if (r < 0) {
		sm_free(sm);
		return r;
	}
	*ret = sm;

	return 0;
}

void sm_free(struct sm *sm)
{
	if (!sm)
		return;
	if (sm->keeping)
		keep_cancel(sm->keeper, sm);
	routes_done(sm);
	partition_done(sm);
	pkeys_done(sm);
	loop_timer_free(sm->sweep_timer);
	loop_timer_free(sm->soon_timer);
	loop_timer_free(sm->twin_timer);
	loop_timer_free(sm->watch.timer);
	loop_timer_free(sm->release_timer);
	requests_free(sm->requests);
	discover_done(sm);
	aliases_done(sm);
	memory_done(sm);
	event_log_free(sm->events);
	reserve_done(sm);
	spares_done(sm);
	identities_free(sm->identities);
	fabric_done(&sm->fabric);
	free(sm);
}

struct partitions *sm_take_partitions(struct sm *sm)
{
	return partition_take_given(sm);
}

void sm_stop(struct sm *sm)
{
	sm->stopping = true;
	loop_timer_stop(sm->sweep_timer);
	loop_timer_stop(sm->soon_timer);
	loop_timer_stop(sm->twin_timer);
	loop_timer_stop(sm->watch.timer);
	loop_timer_stop(sm->release_timer);
	election_resign(sm);
}

bool sm_is_idle(const struct sm *sm)
{
	return requests_in_flight(sm->requests) == 0 && !(sm->stopping && sm->giving_way);
}

void sm_start(struct sm *sm)
{
	int r = transport_set_is_sm(sm->transport, true);

	if (r < 0)
		log_warning("Cannot set the IsSM bit of our port (%s): traps may not come, and "
			    "other subnet managers may not see this one",
			    strerror(-r));
	sm_sweep_again(sm, true);
}

void sm_reconfigure(struct sm *sm, const struct conf *conf, struct partitions *partitions)
{
	sm->conf = *conf;
	partition_replace(sm, partitions);
	apply_limits(sm);
	faults_forget(sm);
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		fdr10_forget(&sm->fabric.nodes[i]);
	event_add(sm->events, EVENT_CONFIG, 0, 0, -1, "configuration applied");
	sm_sweep_again(sm, false);
}

void sm_sweep(struct sm *sm, bool full)
{
	event_add(sm->events, EVENT_CONFIG, 0, 0, -1, "a %ssweep was asked for",
		  full ? "full " : "");
	sm->doubt_wanted = sm->doubt_wanted || full;
	sm_sweep_again(sm, full);
}

/* -- looking ------------------------------------------------------------------------------------
 */

const struct fabric *sm_fabric(const struct sm *sm)
{
	return &sm->fabric;
}

const struct conf *sm_conf(const struct sm *sm)
{
	return &sm->conf;
}

const struct partitions *sm_partitions(const struct sm *sm)
{
	return sm->partitions;
}

const struct requests *sm_requests(const struct sm *sm)
{
	return sm->requests;
}

const struct event_log *sm_events(const struct sm *sm)
{
	return sm->events;
}

static void count_ports(const struct sm *sm, const struct node *node, struct sm_status *ret)
{
	for (unsigned i = 1; i <= node->n_ports; i++) {
		const struct port *port = &sm->fabric.ports[port_at(node, i)];

		if (!port->present || !port->known || port_phys_state(port) != PHYS_LINK_UP)
			continue;
		if (port_state(port) == PORT_ACTIVE)
			ret->ports_active++;
		else
			ret->ports_not_active++;
	}
}

static void count_node(const struct sm *sm, const struct node *node, struct sm_status *ret)
{
	ret->nodes++;
	switch (node->type) {
	case NODE_TYPE_SWITCH:
		ret->switches++;
		break;
	case NODE_TYPE_ROUTER:
		ret->routers++;
		break;
	default:
		ret->hcas++;
		break;
	}
	count_ports(sm, node, ret);
}

void sm_status(const struct sm *sm, struct sm_status *ret)
{
	*ret = (struct sm_status){ .state = sm->state,
				   .phase = sm->phase,
				   .generation = sm->generation,
				   .applied = sm->applied,
				   .came_up = sm->came_up,
				   .lids_used = identities_used_lids(sm->identities),
				   .lids_spare = sm->spares.n_lids,
				   .lids_total = sm->last_lid ? sm->last_lid : LID_UNICAST_LAST,
				   .naming = sm->n_naming,
				   .names = sm->names,
				   .sweeps = sm->sweeps,
				   .sweep_started = sm->sweep_started,
				   .sweep_took = sm->sweep_took,
				   .sweep_due = sm->sweep_due,
				   .traps_ignored = sm->traps_ignored,
				   .routes_made = sm->routing.n_made,
				   .routes_again = sm->routing.n_again,
				   .trouble = sm->trouble[0] ? sm->trouble : NULL };
	ret->lids_free = ret->lids_total - MIN(ret->lids_total, ret->lids_used + ret->lids_spare);
	if (sm->routing.tables.lft) {
		ret->engine = sm->routing.result.engine->name;
		ret->routing_why = sm->routing.result.why;
	}
	if (sm->routing.trouble)
		ret->routing_why = sm->routing.trouble;
	for (unsigned i = 0; i < sm->n_peers; i++)
		if (sm->peers[i].said.state == SM_MASTER && sm->state != SM_MASTER)
			ret->peer_guid = sm->peers[i].said.guid;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present)
			count_node(sm, &sm->fabric.nodes[i], ret);
}

uint8_t sm_route(const struct sm *sm, uint32_t number, unsigned lid)
{
	const struct sw *sw = sm->fabric.nodes[number].sw;
	const struct tables *tables = &sm->routing.tables;

	if (!sw || !tables->lft || sw->index == NO_SWITCH || lid > sm->routing.max_lid)
		return ROUTE_NONE;

	return tables->lft[sw->index * tables->stride + lid];
}

unsigned sm_planned_pkeys(const struct sm *sm, uint32_t port, uint16_t *ret, unsigned room)
{
	return pkeys_plan(sm, port, ret, room);
}

unsigned sm_planned_pkeys_of_vf(const struct sm *sm, uint32_t port, unsigned index, uint16_t *ret,
				unsigned room)
{
	return pkeys_plan_vf(sm, (struct endpoint){ port, (uint16_t)index }, ret, room);
}

bool sm_not_kept(const struct sm *sm, uint32_t number, unsigned n, const char **ret_setting,
		 uint64_t *ret_wanted, uint64_t *ret_held)
{
	const struct node *node = node_of(&sm->fabric, number);
	const struct port *port = &sm->fabric.ports[number];
	unsigned setting;

	if (!node->present || !port->known)
		return false; /* what it holds is not known */
	for (unsigned at = 0;; at++) {
		if (!not_kept_at(node->not_kept, port->number, at, &setting, ret_wanted))
			return false;
		if (setting_is_of(node, setting) && n-- == 0)
			break;
	}
	*ret_setting = setting_name(setting);
	*ret_held = setting == SETTING_LIFE_TIME ? wire_get(node->sw->info, SWITCH_INFO_LIFE_TIME)
						 : wire_get(port->info, setting_field(setting));

	return true;
}

bool sm_peer(const struct sm *sm, unsigned n, struct sm_peer *ret)
{
	if (n >= sm->n_peers)
		return false;
	*ret = sm->peers[n].said;

	return true;
}
