/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Where members are, and how memberships end that nobody takes back.
 *
 * A membership belongs to a GUID and goes where that goes: a virtual function that moves, or a
 * cable that is moved to another switch, has trees changed and nothing else. It outlives a cable
 * that is out for a moment, and us. It ends
 * * when it is taken back;
 * * when the GUID has been missing for GONE_FOR, which it is told when it is back;
 * * when its host was told to register again, as it came up anew or has got another subnet manager,
 *   and has not joined again REGISTER_FOR later. Till then it stays, so that nobody lacks packets
 *   who joins again.
 * Neither time runs while we are cut off. A port that loses the P_Key of a group is out of its tree
 * at once, and back in it with the key.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/multicast-inside.h"

#define GONE_FOR   (120 * LOOP_SEC)
#define LEAVE_TICK (10 * LOOP_SEC) /* what is due soon after each other ends together */

#define MOVES_ONE_BY_ONE 8u /* more of them: all trees are planned again */

/* -- who is to leave ----------------------------------------------------------------------------
 */

static uint32_t seconds(uint64_t time)
{
	return (uint32_t)(time / LOOP_SEC);
}

/* While we were cut off it could do nothing. */
static bool has_had(const struct multicast *m, uint64_t now, uint64_t from, uint64_t time)
{
	return from && now - MAX(from, m->cut_off_at) >= time;
}

/* Who has but made groups, of which others are members, has nothing to leave. */
static bool is_due(const struct multicast *m, const struct group_holder *holder, uint64_t now,
		   uint32_t *ret_since)
{
	if (holder->n == 0)
		return false;
	if (has_had(m, now, holder->gone_at, GONE_FOR)) {
		*ret_since = UINT32_MAX;
		return true;
	}
	*ret_since = seconds(holder->told_at);

	return !holder->gone_at && has_had(m, now, holder->told_at, REGISTER_FOR);
}

/* Who leaves all that it joined before @since, in seconds of loop_now(); and how many that was. */
struct leaver {
	uint64_t guid;
	uint32_t since;
	unsigned n;
};

static int by_guid(const void *a, const void *b)
{
	const struct leaver *x = a, *y = b;

	return x->guid < y->guid ? -1 : x->guid > y->guid;
}

static bool is_there(const struct sm *sm, const struct group_holder *holder)
{
	struct endpoint e = endpoint_find(&sm->fabric, holder->guid);

	return e.port != NO_PORT && multicast_exit_of(&sm->fabric, e) != NO_PORT &&
	       endpoint_is_active(&sm->fabric, e);
}

/* Who was missed when it was last looked who is there may have come since. */
static void look_who_is_back(struct sm *sm)
{
	struct group_book *book = &sm->multicast->book;

	for (uint32_t i = 0; i < book->n_holders; i++)
		if (book->holders[i].gone_at && is_there(sm, &book->holders[i]))
			book->holders[i].gone_at = 0;
}

/* Sorted by GUID. How many; without memory nobody now. */
static uint32_t find_leavers(struct sm *sm, struct leaver **ret)
{
	struct group_book *book = &sm->multicast->book;
	uint64_t now = loop_now(sm->loop);
	uint32_t n_due = 0, n = 0, since;
	struct leaver *leavers;

	for (uint32_t i = 0; i < book->n_holders; i++)
		n_due += is_due(sm->multicast, &book->holders[i], now, &since);
	leavers = n_due > 0 ? malloc(n_due * sizeof(*leavers)) : NULL;
	for (uint32_t i = 0; leavers && i < book->n_holders; i++) {
		struct group_holder *holder = &book->holders[i];

		if (!is_due(sm->multicast, holder, now, &since))
			continue;
		holder->told_at = 0;
		leavers[n++] = (struct leaver){ .guid = holder->guid, .since = since };
	}
	if (n > 0)
		qsort(leavers, n, sizeof(*leavers), by_guid);
	*ret = leavers;

	return n;
}

/* It may end with that. */
static void take_leavers_out(struct sm *sm, struct group *group, struct leaver *leavers, uint32_t n)
{
	const struct group_book *book = &sm->multicast->book;
	uint32_t n_groups = book->n;

	for (uint32_t i = group->n; i-- > 0;) {
		const struct group_member *member = &group->members[i];
		struct leaver *leaver = bsearch(&(struct leaver){ .guid = member->guid }, leavers,
						n, sizeof(*leavers), by_guid);

		if (!leaver || member->joined >= leaver->since)
			continue;
		leaver->n += multicast_leave(sm, group, member->guid, member->states) == 0;
		if (book->n < n_groups)
			return;
	}
}

/*
 * Who could not be reached may have been up all the time, and has not noticed anything: it is told
 * when it is back.
 */
static void tell_later(struct sm *sm, uint64_t guid)
{
	uint32_t port = fabric_find_port(&sm->fabric, guid);

	if (port == NO_PORT)
		port = endpoint_find(&sm->fabric, guid).port;
	if (port != NO_PORT &&
	    multicast_exit_of(&sm->fabric, (struct endpoint){ port, 0 }) == NO_PORT)
		sm->fabric.ports[port].register_again = true;
}

static void tell_of_leaver(struct sm *sm, const struct leaver *leaver)
{
	bool is_gone = leaver->since == UINT32_MAX;

	if (leaver->n == 0)
		return;
	if (is_gone)
		tell_later(sm, leaver->guid);
	event_add(sm->events, EVENT_GROUP, leaver->guid, 0, -1, "left %u multicast groups: %s",
		  leaver->n, is_gone ? "it is gone" : "it has not joined again");
}

/* All of them together: after a takeover it may be most of the fabric. */
static void end_memberships(struct sm *sm)
{
	const struct group_book *book = &sm->multicast->book;
	AUTO(freep) struct leaver *leavers = NULL;
	uint32_t n;

	look_who_is_back(sm);
	n = find_leavers(sm, &leavers);
	for (uint32_t i = n > 0 ? book->n : 0; i-- > 0;)
		take_leavers_out(sm, book->by_mgid[i], leavers, n);
	for (uint32_t i = 0; i < n; i++)
		tell_of_leaver(sm, &leavers[i]);
}

static bool anybody_may_leave(const struct group_book *book)
{
	for (uint32_t i = 0; i < book->n_holders; i++)
		if (book->holders[i].n > 0 &&
		    (book->holders[i].gone_at || book->holders[i].told_at))
			return true;

	return false;
}

static void note_cut(struct sm *sm)
{
	if (discover_has_no_link(sm))
		sm->multicast->cut_off_at = loop_now(sm->loop);
}

static void on_time(void *user)
{
	struct sm *sm = user;

	if (sm->state != SM_MASTER)
		return;
	note_cut(sm);
	end_memberships(sm);
	if (anybody_may_leave(&sm->multicast->book))
		loop_timer_set(sm->multicast->leave_timer, loop_now(sm->loop) + LEAVE_TICK);
}

/* Those of its virtual functions too, which are not told one by one. */
void multicast_told(struct sm *sm, uint32_t number)
{
	struct multicast *m = sm->multicast;
	struct group_holder *holder = group_holder_find(&m->book, sm->fabric.ports[number].guid);

	if (!holder)
		return;
	holder->told_at = MAX(loop_now(sm->loop), 1);
	loop_timer_set(m->leave_timer, loop_now(sm->loop) + LEAVE_TICK);
}

/* -- where members are --------------------------------------------------------------------------
 */

static void touch_groups_of(struct sm *sm, uint64_t guid)
{
	const struct group_book *book = &sm->multicast->book;

	for (uint32_t i = 0; i < book->n; i++)
		if (group_member_find(book->by_mgid[i], guid))
			multicast_touch(sm, book->by_mgid[i]->mlid);
}

static bool has_moved(const struct sm *sm, struct group_holder *holder)
{
	struct endpoint e = endpoint_find(&sm->fabric, holder->guid);
	uint32_t at = e.port == NO_PORT ? NO_PORT : multicast_exit_of(&sm->fabric, e);
	bool moved = at != holder->at;

	holder->at = at;
	if (is_there(sm, holder))
		holder->gone_at = 0;
	else if (!holder->gone_at)
		holder->gone_at = MAX(loop_now(sm->loop), 1);

	return moved;
}

static bool keys_differ(const struct planned_keys *a, const struct planned_keys *b, uint32_t port)
{
	uint32_t n = a->first[port + 1] - a->first[port];

	return n != b->first[port + 1] - b->first[port] ||
	       (n > 0 &&
		memcmp(a->keys + a->first[port], b->keys + b->first[port], n * sizeof(*a->keys)));
}

/*
 * A tree that was planned between the change of partitions and this was planned by keys of before.
 * Whom these do not know has come since.
 */
void multicast_use_keys(struct sm *sm, const struct planned_keys *now)
{
	struct multicast *m = sm->multicast;
	unsigned n = 0;

	for (uint32_t i = 0; i < m->book.n_holders; i++) {
		const struct group_holder *holder = &m->book.holders[i];
		struct endpoint e = endpoint_find(&sm->fabric, holder->guid);

		if (holder->n > 0 && e.port < sm->planned_keys.n_ports &&
		    keys_differ(&sm->planned_keys, now, e.port) && n++ < MOVES_ONE_BY_ONE)
			touch_groups_of(sm, holder->guid);
	}
	if (n > MOVES_ONE_BY_ONE)
		multicast_touch_all(sm);
}

/* A fault whose time has come is tried again, by tables that are not known. */
static void look_for_faults(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct sw *sw = sm->fabric.nodes[i].sw;

		if (sw && sw->mft_fault.reason != REASON_NONE && !fault_waits(sm, &sw->mft_fault))
			sm->multicast->unread = true;
	}
}

/* Once in each reconcile. */
void multicast_look_for_members(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	unsigned n_moved = 0;

	if (m->looked == sm->sweeps)
		return;
	m->looked = sm->sweeps;
	note_cut(sm);
	look_for_faults(sm);
	for (uint32_t i = 0; i < m->book.n_holders; i++) {
		struct group_holder *holder = &m->book.holders[i];

		if (has_moved(sm, holder) && holder->n > 0 && n_moved++ < MOVES_ONE_BY_ONE)
			touch_groups_of(sm, holder->guid);
	}
	if (n_moved > MOVES_ONE_BY_ONE)
		multicast_touch_all(sm);
	if (anybody_may_leave(&m->book))
		loop_timer_set(m->leave_timer, loop_now(sm->loop) + LEAVE_TICK);
}

int multicast_lapse_init(struct sm *sm)
{
	sm->multicast->looked = UINT64_MAX;

	return loop_timer_new(sm->loop, on_time, sm, &sm->multicast->leave_timer);
}
