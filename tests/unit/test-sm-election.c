/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Other subnet managers, IBA 14.4: what we say of ourselves, whom we obey, who gives way to whom,
 * and what is believed of a fabric that somebody else had in between. The peer lives on c.
 */

#include "tests/unit/world.h"

#define SOON       (10 * LOOP_USEC) /* an answer is under way for five */
#define STOP_LIMIT (2 * LOOP_SEC)   /* the daemon waits no longer */
#define TID        UINT64_C(0xabcdef12)

static struct fake_device *peer_of(const struct world *w)
{
	return w->host[2];
}

/* What the peer says in its SMInfo, to us. */
static struct arrival sm_info_of_peer(const struct world *w, uint8_t method, unsigned control)
{
	struct arrival arrival = { .from = { .lid = 7 } };
	uint8_t *info = smp_data_of(&arrival.datagram);

	wire_start(&arrival.datagram, CLASS_SM_LID, method, ATTR_SM_INFO, control);
	wire_set(&arrival.datagram, MAD_TID, TID);
	wire_set(info, SM_INFO_GUID, peer_of(w)->port_guid);
	wire_set(info, SM_INFO_KEY, w->conf.sm_key);
	wire_set(info, SM_INFO_STATE, control == SM_CONTROL_ACKNOWLEDGE ? SM_STANDBY : SM_MASTER);

	return arrival;
}

/* And what we answer. */
static const struct datagram *say(struct world *w, const struct arrival *arrival)
{
	unsigned before = w->f->n_answers;

	fake_deliver(w->f, arrival);
	loop_virtual_run_for(w->loop, SOON);
	assert_int_equal(w->f->n_answers, before + 1);
	assert_int_equal(w->f->last_answer_to.lid, arrival->from.lid);
	assert_int_equal(wire_get(&w->f->last_answer, MAD_METHOD), METHOD_GET_RESPONSE);
	assert_int_equal(wire_get(&w->f->last_answer, MAD_TID), TID);

	return &w->f->last_answer;
}

static const struct datagram *get(struct world *w)
{
	struct arrival arrival = sm_info_of_peer(w, METHOD_GET, 0);

	return say(w, &arrival);
}

static uint16_t control(struct world *w, unsigned number)
{
	struct arrival arrival = sm_info_of_peer(w, METHOD_SET, number);

	return (uint16_t)wire_get(say(w, &arrival), MAD_STATUS);
}

static uint64_t said(const struct datagram *d, enum wire_field field)
{
	return wire_get(smp_data_in(d), field);
}

static bool says_is_sm(const struct world *w)
{
	return wire_get(w->f->self->port[w->f->self_port].info, PORT_INFO_CAPABILITIES) & CAP_IS_SM;
}

/* A subnet manager in this state, which knows its peer. */
static void bring_to(struct world *w, enum sm_state state)
{
	w->conf.priority = 4;
	fake_add_sm(peer_of(w), state == SM_MASTER ? SM_STANDBY : SM_MASTER, 3);
	world_start(w);
	if (state == SM_NOT_ACTIVE)
		assert_int_equal(control(w, SM_CONTROL_DISABLE), STATUS_OK);
	if (state == SM_DISCOVERING)
		assert_int_equal(control(w, SM_CONTROL_DISCOVER), STATUS_OK);
	assert_int_equal(world_state(w), state);
}

static void start_as_master(struct world *w)
{
	w->conf.priority = 4;
	w->conf.sweep_interval = 10;
	world_start(w);
	assert_good(w, NULL);
}

/* -- what we say --------------------------------------------------------------------------------
 */

static void whoever_asks_hears_who_we_are_and_in_which_state(void **state)
{
	world_free(*state);
	for (unsigned s = SM_NOT_ACTIVE; s <= SM_MASTER; s++) {
		struct world *w = world_new(s);
		const struct datagram *answer;

		bring_to(w, (enum sm_state)s);
		answer = get(w);
		assert_int_equal(wire_get(answer, MAD_STATUS), STATUS_OK);
		assert_int_equal(said(answer, SM_INFO_GUID), w->host[0]->port_guid);
		assert_int_equal(said(answer, SM_INFO_PRIORITY), 4);
		assert_int_equal(said(answer, SM_INFO_STATE), s);
		assert_int_equal(said(answer, SM_INFO_KEY), w->conf.sm_key);
		world_free(w);
	}
	*state = world_new(1);
}

static void a_subnet_manager_that_has_just_started_says_discovering(void **state)
{
	struct world *w = *state;

	world_begin(w);
	loop_virtual_run_for(w->loop, SOON);
	assert_int_equal(said(get(w), SM_INFO_STATE), SM_DISCOVERING);
}

static void the_activity_counter_counts_what_was_sent(void **state)
{
	struct world *w = *state;
	uint64_t before, after;
	size_t from;

	start_as_master(w);
	from = world_mark(w);
	before = said(get(w), SM_INFO_ACT_COUNT);
	assert_int_equal(before, from);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	after = said(get(w), SM_INFO_ACT_COUNT);
	assert_true(after > before);
	assert_int_equal(after - before, w->f->n_smps - from);
}

static void the_sm_key_is_for_those_who_have_the_m_key(void **state)
{
	struct world *w = *state;
	struct arrival arrival;

	w->conf.m_key = 0x1234;
	w->conf.sm_key = 0x5678;
	start_as_master(w);
	arrival = sm_info_of_peer(w, METHOD_GET, 0);
	assert_int_equal(said(say(w, &arrival), SM_INFO_KEY), 0);
	wire_set(&arrival.datagram, SMP_MKEY, 0x1235);
	assert_int_equal(said(say(w, &arrival), SM_INFO_KEY), 0);
	wire_set(&arrival.datagram, SMP_MKEY, 0x1234);
	assert_int_equal(said(say(w, &arrival), SM_INFO_KEY), 0x5678);
}

static void who_asks_by_a_directed_route_is_answered_by_it(void **state)
{
	struct world *w = *state;
	struct arrival arrival;
	const struct datagram *answer;

	start_as_master(w);
	arrival = sm_info_of_peer(w, METHOD_GET, 0);
	wire_set(&arrival.datagram, MAD_CLASS, CLASS_SM_DIRECTED);
	wire_set(&arrival.datagram, SMP_HOP_COUNT, 3);
	arrival.from.lid = LID_PERMISSIVE;
	answer = say(w, &arrival);
	assert_int_equal(wire_get(answer, SMP_DIRECTION), 1);
	assert_int_equal(wire_get(answer, SMP_STATUS), STATUS_OK);
	assert_int_equal(wire_get(answer, SMP_HOP_COUNT), 3);
	assert_int_equal(said(answer, SM_INFO_STATE), SM_MASTER);
}

/* -- whom we obey -------------------------------------------------------------------------------
 */

#define REFUSED (SM_MASTER + 1)

/* By our state: what controls 0 to 6 make of us. 0 and 6 are none. */
/* clang-format off */
static const uint8_t becomes[SM_MASTER + 1][SM_CONTROL_DISCOVER + 2] = {
	/*                   none     HANDOVER   ACKNOWLEDGE DISABLE        STANDBY     DISCOVER       none */
	[SM_NOT_ACTIVE]  = { REFUSED, REFUSED,   REFUSED,    REFUSED,       SM_STANDBY, REFUSED,       REFUSED },
	[SM_DISCOVERING] = { REFUSED, SM_DISCOVERING, REFUSED, REFUSED,     REFUSED,    REFUSED,       REFUSED },
	[SM_STANDBY]     = { REFUSED, SM_MASTER, REFUSED,    SM_NOT_ACTIVE, REFUSED,    SM_DISCOVERING, REFUSED },
	[SM_MASTER]      = { REFUSED, SM_MASTER, SM_MASTER,  REFUSED,       REFUSED,    REFUSED,       REFUSED },
};
/* clang-format on */

static void check_control(enum sm_state state, unsigned number)
{
	struct world *w = world_new(number);
	unsigned next = becomes[state][number];
	uint16_t status;

	bring_to(w, state);
	status = control(w, number);
	if (status != (next == REFUSED ? STATUS_BAD_FIELD : STATUS_OK))
		fail_msg("in state %u, control %u is answered with 0x%04x", state, number, status);
	if (next == REFUSED)
		next = state;
	if (world_state(w) != next)
		fail_msg("in state %u, control %u leads to %u", state, number, world_state(w));
	assert_int_equal(said(&w->f->last_answer, SM_INFO_STATE), next);
	world_free(w);
}

static void each_control_does_in_each_state_what_the_specification_says(void **state)
{
	world_free(*state);
	for (unsigned s = SM_NOT_ACTIVE; s <= SM_MASTER; s++)
		for (unsigned c = 0; c <= SM_CONTROL_DISCOVER + 1; c++)
			check_control((enum sm_state)s, c);
	*state = world_new(1);
}

static void assert_disobeys(struct world *w, enum wire_field field, uint64_t value)
{
	struct arrival arrival = sm_info_of_peer(w, METHOD_SET, SM_CONTROL_DISABLE);

	wire_set(smp_data_of(&arrival.datagram), field, value);
	assert_int_equal(wire_get(say(w, &arrival), MAD_STATUS), STATUS_BAD_FIELD);
	assert_int_equal(world_state(w), SM_STANDBY);
}

static void strangers_and_those_who_are_not_master_are_not_obeyed(void **state)
{
	struct world *w = *state;

	bring_to(w, SM_STANDBY);
	assert_disobeys(w, SM_INFO_GUID, 0x1301);
	assert_disobeys(w, SM_INFO_KEY, w->conf.sm_key + 1);
	assert_disobeys(w, SM_INFO_KEY, 0);
	assert_disobeys(w, SM_INFO_STATE, SM_STANDBY);
	assert_disobeys(w, SM_INFO_STATE, SM_DISCOVERING);
	assert_disobeys(w, SM_INFO_STATE, SM_NOT_ACTIVE);
	assert_int_equal(control(w, SM_CONTROL_DISABLE), STATUS_OK);
}

/* IBA 14.4.1: it comes from a standby that becomes master. */
static void an_acknowledge_from_a_master_is_refused(void **state)
{
	struct world *w = *state;
	struct arrival arrival;

	bring_to(w, SM_MASTER);
	arrival = sm_info_of_peer(w, METHOD_SET, SM_CONTROL_ACKNOWLEDGE);
	wire_set(smp_data_of(&arrival.datagram), SM_INFO_STATE, SM_MASTER);
	assert_int_equal(wire_get(say(w, &arrival), MAD_STATUS), STATUS_BAD_FIELD);
}

static const struct event *find_event(const struct world *w, enum event_kind kind)
{
	const struct event *event;

	for (uint64_t at = 0; (event = event_from(sm_events(w->sm), at)); at = event->number + 1)
		if (event->kind == kind)
			return event;

	return NULL;
}

static void who_is_handed_the_fabric_brings_it_up(void **state)
{
	struct world *w = *state;

	bring_to(w, SM_STANDBY);
	assert_int_equal(world_sets(w, 0), 0);
	assert_int_equal(control(w, SM_CONTROL_HANDOVER), STATUS_OK);
	assert_non_null(find_event(w, EVENT_PEER));
	assert_string_equal(find_event(w, EVENT_PEER)->text,
			    "another subnet manager says HANDOVER");
	peer_of(w)->sm_state = SM_STANDBY;
	world_run(w, 5);
	assert_good(w, NULL);
}

/* So that the other knows that there were two, even if it never saw that. */
static void a_master_that_gives_way_hands_over_once(void **state)
{
	struct world *w = *state;
	size_t from;

	start_as_master(w);
	fake_add_sm(peer_of(w), SM_MASTER, 9);
	from = world_mark(w);
	sm_sweep(w->sm, true);
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_int_equal(world_count(w, from, peer_of(w), METHOD_SET, ATTR_SM_INFO), 1);
	assert_int_equal(world_sets(w, from), 1);
	for (size_t i = from; i < w->f->n_smps; i++) {
		const struct fake_smp *smp = &w->f->smps[i];

		if (smp->method != METHOD_SET)
			continue;
		assert_int_equal(smp->modifier, SM_CONTROL_HANDOVER);
		assert_int_equal(wire_get(smp->data, SM_INFO_STATE), SM_MASTER);
		assert_int_equal(wire_get(smp->data, SM_INFO_KEY), w->conf.sm_key);
		assert_int_equal(wire_get(smp->data, SM_INFO_GUID), w->host[0]->port_guid);
	}
}

/* It may have written anything: a master that is handed the fabric reads it all, and then knows. */
static void a_master_that_a_stranger_hands_over_to_reads_all_again(void **state)
{
	struct world *w = *state;
	struct arrival arrival;
	size_t from;

	start_as_master(w);
	from = world_mark(w);
	arrival = sm_info_of_peer(w, METHOD_SET, SM_CONTROL_HANDOVER);
	assert_int_equal(wire_get(say(w, &arrival), MAD_STATUS), STATUS_OK);
	world_run(w, 5);
	assert_int_equal(world_count(w, from, w->east, METHOD_GET, ATTR_LFT), 1);
	assert_int_equal(world_sets(w, from), 0);

	from = world_mark(w);
	wire_set(smp_data_of(&arrival.datagram), SM_INFO_KEY, w->conf.sm_key + 1);
	assert_int_equal(wire_get(say(w, &arrival), MAD_STATUS), STATUS_BAD_FIELD);
	world_run(w, 5);
	assert_int_equal(world_count(w, from, w->east, METHOD_GET, ATTR_LFT), 0);
}

static void a_disabled_subnet_manager_stays_so_until_it_may_stand_by(void **state)
{
	struct world *w = *state;

	w->conf.sweep_interval = 10;
	bring_to(w, SM_NOT_ACTIVE);
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_NOT_ACTIVE);
	assert_int_equal(control(w, SM_CONTROL_STANDBY), STATUS_OK);
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_int_equal(world_sets(w, 0), 0);
	peer_of(w)->silent = true;
	world_run(w, 60);
	assert_good(w, peer_of(w));
}

static void a_disabled_subnet_manager_is_needed_when_no_other_is_left(void **state)
{
	struct world *w = *state;

	w->conf.sweep_interval = 10;
	bring_to(w, SM_NOT_ACTIVE);
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_NOT_ACTIVE);
	peer_of(w)->silent = true;
	world_run(w, 60);
	assert_good(w, peer_of(w));
}

static void who_is_told_to_discover_stands_by_again_under_the_same_master(void **state)
{
	struct world *w = *state;

	bring_to(w, SM_DISCOVERING);
	world_run(w, 5);
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_int_equal(world_sets(w, 0), 0);
}

/* -- who gives way ------------------------------------------------------------------------------
 */

static void a_master_gives_way_to_a_higher_priority_and_writes_nothing_more(void **state)
{
	static const enum sm_state states[] = { SM_DISCOVERING, SM_STANDBY, SM_MASTER };

	world_free(*state);
	for (size_t i = 0; i < COUNT(states); i++) {
		struct world *w = world_new(i);
		size_t from;

		start_as_master(w);
		fake_add_sm(peer_of(w), states[i], 5);
		fake_unplug(w->east, 1);
		fake_plug(w->east, 1);
		from = world_mark(w);
		sm_sweep(w->sm, true);
		world_run(w, 1);
		assert_int_equal(world_state(w), SM_STANDBY);
		peer_of(w)->sm_state = SM_MASTER;
		world_run(w, 60);
		assert_int_equal(world_state(w), SM_STANDBY);
		assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_PORT_INFO), 0);
		assert_string_equal(world_reason(w, w->east, 1), "not-master");
		world_free(w);
	}
	*state = world_new(1);
}

/* vsm on d (GUID 0x1301), the peer on c (0x1201) or on d's other side of the order. */
static void among_equals_the_lower_guid_is_master(void **state)
{
	struct world *w = *state;

	w->f->self = w->host[3];
	start_as_master(w);
	fake_add_sm(peer_of(w), SM_STANDBY, 4);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_state(w), SM_STANDBY);

	world_free(w);
	*state = w = world_new(1);
	start_as_master(w);
	fake_add_sm(peer_of(w), SM_STANDBY, 4);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_good(w, NULL);
}

static void of_two_masters_the_one_of_higher_rank_remains(void **state)
{
	struct world *w = *state;
	struct sm_peer peer;

	start_as_master(w);
	fake_add_sm(peer_of(w), SM_MASTER, 3);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_true(sm_peer(w->sm, 0, &peer));
	assert_int_equal(peer.state, SM_MASTER);
}

/* The switch has told another that there is a link, and will not tell us. */
static void a_master_that_a_stranger_asks_looks_for_it(void **state)
{
	struct world *w = *state;
	struct sm_peer peer;
	uint64_t sweeps;

	start_as_master(w);
	fake_add_sm(peer_of(w), SM_MASTER, 3);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_false(sm_peer(w->sm, 0, &peer));
	get(w);
	world_run(w, 5);
	assert_true(sm_peer(w->sm, 0, &peer));
	assert_int_equal(peer.state, SM_MASTER);
	/* Who is known asks as often as it likes; and tools, now and then. */
	sweeps = world_sweeps(w);
	get(w);
	world_run(w, 5);
	assert_true(world_sweeps(w) == sweeps);
}

static void tools_that_ask_who_we_are_make_no_sweep_each(void **state)
{
	struct world *w = *state;
	uint64_t sweeps;

	world_start(w); /* no sweep comes by itself */
	get(w);
	world_run(w, 5);
	sweeps = world_sweeps(w);
	for (unsigned i = 0; i < 10; i++)
		get(w);
	world_run(w, 5);
	assert_true(world_sweeps(w) == sweeps);
	world_run(w, 60);
	get(w);
	world_run(w, 5);
	assert_true(world_sweeps(w) == sweeps + 1);
	/* Once a minute for a day. */
	for (unsigned i = 0; i < 1440; i++) {
		get(w);
		world_run(w, 60);
	}
	assert_in_range(world_sweeps(w) - sweeps, 144, 160);
	assert_good(w, NULL);
}

/* Tools have asked all the time, and nobody was looked for any more. */
static void who_was_there_before_is_looked_for_at_once(void **state)
{
	struct world *w = *state;
	uint8_t *info = peer_of(w)->port[1].info;
	uint64_t capabilities = wire_get(info, PORT_INFO_CAPABILITIES);
	struct sm_peer peer;

	start_as_master(w);
	for (unsigned i = 0; i < 16; i++) {
		get(w);
		world_run(w, 60);
	}
	fake_add_sm(peer_of(w), SM_STANDBY, 0);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_true(sm_peer(w->sm, 0, &peer));
	wire_set(info, PORT_INFO_CAPABILITIES, capabilities);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_false(sm_peer(w->sm, 0, &peer));
	fake_add_sm(peer_of(w), SM_MASTER, 3);
	get(w);
	world_run(w, 5);
	assert_true(sm_peer(w->sm, 0, &peer));
}

static void a_subnet_manager_that_has_left_is_no_peer(void **state)
{
	struct world *w = *state;
	struct sm_peer peer;

	fake_add_sm(peer_of(w), SM_STANDBY, 0);
	w->conf.priority = 4;
	world_start(w);
	assert_true(sm_peer(w->sm, 0, &peer));
	fake_unplug(w->east, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_false(sm_peer(w->sm, 0, &peer));
}

static void fall_silent(struct world *w)
{
	peer_of(w)->silent = true;
}

static void lose_the_cable(struct world *w)
{
	fake_unplug(w->east, 1);
}

static void stop_being_a_subnet_manager(struct world *w)
{
	peer_of(w)->sm_state = SM_NOT_ACTIVE;
}

static void when_the_master_vanishes_the_standby_takes_over(void **state)
{
	static void (*const ways[])(struct world *) = { fall_silent, lose_the_cable,
							stop_being_a_subnet_manager };

	world_free(*state);
	for (size_t i = 0; i < COUNT(ways); i++) {
		struct world *w = world_new(i);

		fake_add_sm(peer_of(w), SM_MASTER, 9);
		w->conf.sweep_interval = 10;
		world_start(w);
		world_run(w, 60);
		assert_int_equal(world_state(w), SM_STANDBY);
		assert_int_equal(world_sets(w, 0), 0);
		ways[i](w);
		world_run(w, 30);
		assert_good(w, peer_of(w));
		world_free(w);
	}
	*state = world_new(1);
}

static void lose_sm_infos(struct world *w, unsigned count)
{
	peer_of(w)->loses = (struct fake_fault){ .method = METHOD_GET,
						 .attr = ATTR_SM_INFO,
						 .count = count * w->conf.tries };
}

static void a_standby_stays_so_when_one_sm_info_is_lost(void **state)
{
	struct world *w = *state;
	struct sm_peer peer;

	bring_to(w, SM_STANDBY);
	lose_sm_infos(w, 1);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_true(sm_peer(w->sm, 0, &peer));
	for (unsigned i = 0; i < 10; i++) {
		lose_sm_infos(w, i % 2); /* and another, now and then */
		sm_sweep(w->sm, false);
		world_run(w, 10);
	}
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_int_equal(world_sets(w, 0), 0);
}

static void a_master_that_answers_no_more_is_followed(void **state)
{
	struct world *w = *state;

	w->conf.sweep_interval = 10;
	bring_to(w, SM_STANDBY);
	lose_sm_infos(w, 1000);
	world_run(w, 15);
	assert_int_equal(world_state(w), SM_STANDBY);
	world_run(w, 45);
	assert_good(w, NULL);
}

/* -- leaving ------------------------------------------------------------------------------------
 */

static void a_master_that_stops_hands_over_to_the_standby_and_then_is_none(void **state)
{
	struct world *w = *state;
	const struct fake_smp *smp;
	size_t from;

	bring_to(w, SM_MASTER);
	world_run(w, 60);
	from = world_mark(w);
	sm_stop(w->sm);
	assert_false(sm_is_idle(w->sm));
	loop_virtual_run_for(w->loop, 10 * SOON);
	assert_true(sm_is_idle(w->sm));
	assert_int_equal(w->f->n_smps, from + 1);
	smp = &w->f->smps[from];
	assert_int_equal(smp->method, METHOD_SET);
	assert_int_equal(smp->attr, ATTR_SM_INFO);
	assert_int_equal(smp->modifier, SM_CONTROL_HANDOVER);
	assert_int_equal(wire_get(smp->data, SM_INFO_STATE), SM_MASTER);
	assert_int_equal(said(get(w), SM_INFO_STATE), SM_NOT_ACTIVE);
	assert_int_equal(control(w, SM_CONTROL_STANDBY), STATUS_BAD_FIELD);
	assert_false(says_is_sm(w));
}

static void who_stops_and_has_nobody_to_hand_over_to_is_gone_at_once(void **state)
{
	world_free(*state);
	for (unsigned i = 0; i < 3; i++) {
		struct world *w = world_new(i);
		size_t from;

		if (i == 0)
			start_as_master(w);
		else
			bring_to(w, i == 1 ? SM_STANDBY : SM_NOT_ACTIVE);
		world_run(w, 60);
		from = world_mark(w);
		sm_stop(w->sm);
		assert_true(sm_is_idle(w->sm));
		assert_false(says_is_sm(w));
		world_run(w, 60);
		assert_int_equal(w->f->n_smps, from);
		world_free(w);
	}
	*state = world_new(1);
}

static void an_heir_that_does_not_answer_is_not_waited_for_long(void **state)
{
	struct world *w = *state;

	bring_to(w, SM_MASTER);
	world_run(w, 60);
	peer_of(w)->silent = true;
	sm_stop(w->sm);
	loop_virtual_run_for(w->loop, 2 * LOOP_SEC);
	assert_true(sm_is_idle(w->sm));
	assert_false(says_is_sm(w));
}

/* To whom HANDOVER was sent, each once: as letters, b for host[1]. */
static const char *told(const struct world *w, size_t from, char ret[static HOSTS + 1])
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->n_smps && n < HOSTS; i++) {
		const struct fake_smp *smp = &w->f->smps[i];
		char letter = 'a';

		if (smp->method != METHOD_SET || smp->attr != ATTR_SM_INFO)
			continue;
		while (smp->device != w->host[letter - 'a'])
			letter++;
		if (n == 0 || ret[n - 1] != letter)
			ret[n++] = letter;
	}
	ret[n] = 0;

	return ret;
}

/* By rank d, then b, and c with the same priority but a higher GUID. */
static void bring_to_master_of_three(struct world *w)
{
	w->conf.priority = 12;
	fake_add_sm(w->host[1], SM_STANDBY, 3);
	fake_add_sm(w->host[2], SM_STANDBY, 3);
	fake_add_sm(w->host[3], SM_STANDBY, 9);
	world_start(w);
	assert_int_equal(world_state(w), SM_MASTER);
	world_run(w, 60);
}

static void an_heir_that_is_dead_is_followed_by_the_next(void **state)
{
	static const struct {
		bool dead[HOSTS];
		const char *told;
	} cases[] = {
		{ { 0 }, "d" },
		{ { [3] = true }, "db" },
		{ { [1] = true, [3] = true }, "dbc" },
		{ { [1] = true, [2] = true, [3] = true }, "dbc" },
		{ { [1] = true }, "d" },
	};

	world_free(*state);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world *w = world_new(i);
		char letters[HOSTS + 1];
		size_t from;

		bring_to_master_of_three(w);
		for (unsigned n = 0; n < HOSTS; n++)
			w->host[n]->silent = cases[i].dead[n];
		from = world_mark(w);
		sm_stop(w->sm);
		loop_virtual_run_for(w->loop, STOP_LIMIT);
		assert_true(sm_is_idle(w->sm));
		assert_false(says_is_sm(w));
		assert_string_equal(told(w, from, letters), cases[i].told);
		world_run(w, 60);
		assert_string_equal(told(w, from, letters), cases[i].told);
		world_free(w);
	}
	*state = world_new(1);
}

/* While a sweep finds that the heir has gone, at any moment of it. */
static void an_heir_that_has_gone_is_followed_by_the_next(void **state)
{
	world_free(*state);
	for (unsigned n = 0; n < 100; n++) {
		struct world *w = world_new(n);
		char letters[HOSTS + 1];
		size_t from;

		bring_to_master_of_three(w);
		fake_unplug(w->host[3], 1);
		sm_sweep(w->sm, true);
		loop_virtual_run_for(w->loop, n * LOOP_USEC);
		from = world_mark(w);
		sm_stop(w->sm);
		loop_virtual_run_for(w->loop, STOP_LIMIT);
		assert_true(sm_is_idle(w->sm));
		assert_string_equal(told(w, from, letters), "b");
		world_free(w);
	}
	*state = world_new(1);
}

/* It is said once in words of the wire, and once by silence. */
static void an_heir_that_refuses_is_followed_by_the_next(void **state)
{
	struct world *w = *state;
	char letters[HOSTS + 1];
	size_t from;

	bring_to_master_of_three(w);
	w->host[3]->refuses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_SM_INFO, .count = 10, .status = STATUS_BAD_FIELD
	};
	from = world_mark(w);
	sm_stop(w->sm);
	loop_virtual_run_for(w->loop, 10 * SOON);
	assert_true(sm_is_idle(w->sm));
	assert_string_equal(told(w, from, letters), "db");
}

/* Where nothing is known of how long an answer takes, one try may take seconds. */
static void who_does_not_answer_what_was_asked_before_keeps_the_heir_waiting_a_moment(void **state)
{
	struct world *w = *state;
	char letters[HOSTS + 1];
	size_t from;

	w->conf.min_timeout_ms = 4000;
	bring_to_master_of_three(w);
	w->host[3]->silent = true;
	w->host[2]->silent = true;
	sm_sweep(w->sm, true);
	loop_virtual_run_for(w->loop, 100 * LOOP_MSEC);
	assert_int_not_equal(requests_in_flight(sm_requests(w->sm)), 0);
	from = world_mark(w);
	sm_stop(w->sm);
	loop_virtual_run_for(w->loop, STOP_LIMIT);
	assert_string_equal(told(w, from, letters), "db");
	assert_false(says_is_sm(w));
}

/*
 * At rest nothing is under way but what watches and names take; and a trap then does not make it
 * forget when it is to tell the heir.
 */
static void a_trap_while_it_stops_does_not_keep_the_heir_waiting(void **state)
{
	struct world *w = *state;
	char letters[HOSTS + 1];
	struct sm_status status;
	size_t from;

	w->conf.min_timeout_ms = 4000;
	bring_to_master_of_three(w);
	for (unsigned i = 0; i < 5; i++) {
		fake_trap(w->f, w->east, TRAP_LINK_STATE);
		loop_virtual_run_for(w->loop, 200 * LOOP_MSEC);
	}
	w->east->silent = true;
	loop_virtual_run_for(w->loop, 300 * LOOP_MSEC);
	sm_status(w->sm, &status);
	assert_int_equal(status.phase, PHASE_REST);
	assert_int_not_equal(requests_in_flight(sm_requests(w->sm)), 0);
	from = world_mark(w);
	sm_stop(w->sm);
	fake_trap(w->f, w->west, TRAP_LINK_STATE);
	loop_virtual_run_for(w->loop, STOP_LIMIT);
	assert_string_equal(told(w, from, letters), "d");
	assert_false(says_is_sm(w));
}

/* -- what another one did -----------------------------------------------------------------------
 */

/* Master, and then under a peer of higher rank. */
static void stand_back(struct world *w)
{
	start_as_master(w);
	fake_add_sm(peer_of(w), SM_MASTER, 9);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_state(w), SM_STANDBY);
}

static void resign(struct world *w)
{
	peer_of(w)->sm_state = SM_NOT_ACTIVE;
	world_run(w, 60);
}

static void hand_over(struct world *w)
{
	assert_int_equal(control(w, SM_CONTROL_HANDOVER), STATUS_OK);
	peer_of(w)->sm_state = SM_STANDBY;
	peer_of(w)->sm_priority = 0;
	world_run(w, 60);
}

static void (*const ways_back[])(struct world *) = { resign, hand_over };

static void taking_back_a_fabric_that_nobody_changed_sends_no_set(void **state)
{
	world_free(*state);
	for (size_t i = 0; i < COUNT(ways_back); i++) {
		struct world *w = world_new(i);
		size_t from;

		stand_back(w);
		from = world_mark(w);
		ways_back[i](w);
		assert_good(w, NULL);
		assert_int_equal(world_sets(w, from), 0);
		world_free(w);
	}
	*state = world_new(1);
}

/* Tables, LIDs and keys, and no port has changed its state: nothing but reading shows it. */
static void change_the_fabric(struct world *w)
{
	uint8_t *d = w->host[3]->port[1].info;

	memset(w->east->lft, 3, sizeof(w->east->lft));
	wire_set(d, PORT_INFO_LID, 77);
	wire_set(d, PORT_INFO_SM_LID, 78);
	w->host[1]->port[1].keys[0] = 0x8123;
}

static void what_another_master_wrote_is_read_before_anything_is_believed(void **state)
{
	world_free(*state);
	for (size_t i = 0; i < COUNT(ways_back); i++) {
		struct world *w = world_new(i);

		stand_back(w);
		change_the_fabric(w);
		ways_back[i](w);
		assert_good(w, NULL);
		assert_int_equal(fake_lid(w->host[3], 1), 77);
		assert_int_equal(wire_get(w->host[3]->port[1].info, PORT_INFO_SM_LID),
				 fake_lid(w->host[0], 1));
		assert_int_equal(w->host[1]->port[1].keys[0], 0xffff);
		world_free(w);
	}
	*state = world_new(1);
}

static void what_it_wrote_is_read_also_if_it_hands_over_while_we_are_at_work(void **state)
{
	unsigned phases = 0;

	world_free(*state);
	for (uint64_t moment = 0; moment < 50; moment++) {
		struct world *w = world_new(moment + 1);
		struct sm_status status;

		start_as_master(w);
		fake_restart(w->host[1]);
		sm_sweep(w->sm, true);
		loop_virtual_run_for(w->loop, moment * SOON / 2);
		sm_status(w->sm, &status);
		phases |= 1u << status.phase;
		change_the_fabric(w);
		assert_int_equal(control(w, SM_CONTROL_HANDOVER), STATUS_OK);
		world_run(w, 60);
		assert_good(w, NULL);
		assert_int_equal(fake_lid(w->host[3], 1), 77);
		assert_int_equal(w->host[1]->port[1].keys[0], 0xffff);
		world_free(w);
	}
	assert_true(phases >> PHASE_DISCOVER & phases >> PHASE_READ & phases >> PHASE_PROGRAM &
		    phases >> PHASE_ACTIVATE & 1);
	*state = world_new(1);
}

/* What devices hold in @from they hold in @to. */
static void copy_fabric(struct world *to, const struct world *from)
{
	for (unsigned i = 0; i < to->f->n_devices; i++) {
		struct fake_device *a = to->f->device[i];
		const struct fake_device *b = from->f->device[i];

		memcpy(a->switch_info, b->switch_info, sizeof(a->switch_info));
		memcpy(a->lft, b->lft, sizeof(a->lft));
		for (unsigned p = 0; p <= a->n_ports; p++) {
			memcpy(a->port[p].info, b->port[p].info, SMP_DATA_SIZE);
			memcpy(a->port[p].keys, b->port[p].keys, sizeof(a->port[p].keys));
		}
	}
}

static void who_stood_by_while_a_master_brought_the_fabric_up_takes_it_over_as_it_is(void **state)
{
	struct world *w = *state, *other = world_new(2);
	size_t from;

	start_as_master(other);
	w->conf.sweep_interval = 10;
	w->conf.client_reregister = false; /* which is not with the other */
	fake_add_sm(peer_of(w), SM_MASTER, 9);
	world_start(w);
	assert_int_equal(world_state(w), SM_STANDBY);
	from = world_mark(w);
	copy_fabric(w, other);
	world_free(other);
	fake_add_sm(peer_of(w), SM_NOT_ACTIVE, 9);
	world_run(w, 60);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
}

static void a_standby_calls_nothing_in_progress(void **state)
{
	struct world *w = *state, *other = world_new(2);

	start_as_master(other);
	copy_fabric(w, other);
	world_free(other);
	fake_restart(w->host[3]);
	fake_add_sm(peer_of(w), SM_MASTER, 9);
	world_start(w);
	assert_int_equal(world_state(w), SM_STANDBY);
	assert_string_equal(world_reason(w, w->host[1], 1), "none");
	assert_string_equal(world_reason(w, w->west, 0), "none");
	assert_string_equal(world_reason(w, w->host[3], 1), "not-master");
	assert_string_equal(world_reason(w, w->east, 2), "not-master");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whoever_asks_hears_who_we_are_and_in_which_state),
		TEST(a_subnet_manager_that_has_just_started_says_discovering),
		TEST(the_activity_counter_counts_what_was_sent),
		TEST(the_sm_key_is_for_those_who_have_the_m_key),
		TEST(who_asks_by_a_directed_route_is_answered_by_it),
		TEST(each_control_does_in_each_state_what_the_specification_says),
		TEST(strangers_and_those_who_are_not_master_are_not_obeyed),
		TEST(an_acknowledge_from_a_master_is_refused),
		TEST(who_is_handed_the_fabric_brings_it_up),
		TEST(a_master_that_gives_way_hands_over_once),
		TEST(a_master_that_a_stranger_hands_over_to_reads_all_again),
		TEST(a_disabled_subnet_manager_stays_so_until_it_may_stand_by),
		TEST(a_disabled_subnet_manager_is_needed_when_no_other_is_left),
		TEST(who_is_told_to_discover_stands_by_again_under_the_same_master),
		TEST(a_master_gives_way_to_a_higher_priority_and_writes_nothing_more),
		TEST(among_equals_the_lower_guid_is_master),
		TEST(of_two_masters_the_one_of_higher_rank_remains),
		TEST(a_master_that_a_stranger_asks_looks_for_it),
		TEST(who_was_there_before_is_looked_for_at_once),
		TEST(tools_that_ask_who_we_are_make_no_sweep_each),
		TEST(a_subnet_manager_that_has_left_is_no_peer),
		TEST(when_the_master_vanishes_the_standby_takes_over),
		TEST(a_standby_stays_so_when_one_sm_info_is_lost),
		TEST(a_master_that_answers_no_more_is_followed),
		TEST(a_master_that_stops_hands_over_to_the_standby_and_then_is_none),
		TEST(who_stops_and_has_nobody_to_hand_over_to_is_gone_at_once),
		TEST(an_heir_that_does_not_answer_is_not_waited_for_long),
		TEST(an_heir_that_is_dead_is_followed_by_the_next),
		TEST(an_heir_that_has_gone_is_followed_by_the_next),
		TEST(an_heir_that_refuses_is_followed_by_the_next),
		TEST(who_does_not_answer_what_was_asked_before_keeps_the_heir_waiting_a_moment),
		TEST(a_trap_while_it_stops_does_not_keep_the_heir_waiting),
		TEST(taking_back_a_fabric_that_nobody_changed_sends_no_set),
		TEST(what_another_master_wrote_is_read_before_anything_is_believed),
		TEST(what_it_wrote_is_read_also_if_it_hands_over_while_we_are_at_work),
		TEST(a_standby_calls_nothing_in_progress),
		TEST(who_stood_by_while_a_master_brought_the_fabric_up_takes_it_over_as_it_is),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
