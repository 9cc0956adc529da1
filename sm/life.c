/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A subnet manager is made, started, given another configuration, asked to look, stopped and freed.
 * All else happens in between.
 */

#include "sm/sm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sm/lanes.h"
#include "sm/machine.h"

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
		r = multicast_init(sm);
	if (r == 0)
		r = partition_init(sm);
	if (r == 0)
		r = discover_init(sm);
	if (r == 0)
		r = wanted_init(sm);
	if (r == 0)
		r = twins_init(sm);
	if (r == 0)
		r = watch_init(sm);
	if (r == 0)
		r = quarantine_init(sm);
	if (r == 0)
		r = services_start(sm);
	if (r == 0)
		r = registrations_start(sm);
	if (r == 0)
		r = path_wait_start(sm);
	if (r == 0)
		r = registrar_start(sm);
	if (r == 0)
		r = notices_start(sm);
	if (r == 0)
		r = reports_start(sm);
	if (r == 0)
		r = gids_start(sm);

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
	registrations_init(sm);
	path_wait_init(sm);
	services_init(&sm->services);
	subscriptions_init(&sm->subscriptions);
	notices_init(sm);
	reports_init(sm);
	r = make_parts(sm);
	if (r < 0) {
		sm_free(sm);
		return r;
	}
	apply_limits(sm);
	lanes_reconfigure(sm);
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
	ways_drop(&sm->ways);
	loop_timer_free(sm->sweep_timer);
	loop_timer_free(sm->soon_timer);
	loop_timer_free(sm->twin_timer);
	loop_timer_free(sm->watch.timer);
	loop_timer_free(sm->release_timer);
	loop_timer_free(sm->lease_timer);
	loop_timer_free(sm->registrar.timer);
	requests_free(sm->requests);
	discover_done(sm);
	registrations_done(sm);
	path_wait_done(sm);
	services_done(&sm->services);
	multicast_done(sm);
	reports_done(sm);
	notices_done(sm);
	subscriptions_done(&sm->subscriptions);
	gids_done(sm);
	alias_book_done(&sm->aliases.book);
	memory_done(sm);
	event_log_free(sm->events);
	reserve_done(sm);
	spares_done(sm);
	absents_done(sm);
	away_done(sm);
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
	loop_timer_stop(sm->registrar.timer);
	multicast_stop(sm);
	election_leave(sm);
}

bool sm_is_idle(const struct sm *sm)
{
	return requests_in_flight(sm->requests) == 0 && !sm->registrations.keeping &&
	       !(sm->stopping && sm->giving_way);
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

void sm_set_qos_policy(struct sm *sm, const struct qos_policy *policy)
{
	sm->qos = policy;
}

void sm_reconfigure(struct sm *sm, const struct conf *conf, struct partitions *partitions)
{
	sm->conf = *conf;
	partition_replace(sm, partitions);
	apply_limits(sm);
	lanes_reconfigure(sm);
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
