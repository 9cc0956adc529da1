/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Reports: a Notice goes to a subscriber as SubnAdmReport, and comes back as its response. What is
 * not acknowledged is sent again, the same with the same TID, so that who has it already can tell.
 *
 * To one subscriber one report is under way at a time, and the others are in its queue; all have
 * their turns, in a window of so many. Four tries, each waits twice as long as the one before, and
 * then the subscriber is left alone for a while, longer each time, and its next report is that one
 * again, or when it subscribes once more. Many that are dead take only a part of the window. Who
 * has acknowledged nothing eight times and for ten minutes is gone without a word, and so are its
 * subscriptions: that is said, and an event. (opensm sends to the dead for ever, and forgets a
 * report after its four tries.)
 *
 * A queue that is full loses its oldest notice. Those of the deaf may fill all the room there is,
 * but for a few places that each has for itself, which is enough for who listens. Who is not in the
 * fabric, or not Active, is not told: what happened while it was away it has to ask for anyway.
 *
 * The kernel forgets a request a little before we send it again, as it takes no TID twice.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/sa/keys.h"

#define TRIES          4u
#define TRY_LEAST      (200 * LOOP_MSEC)
#define TRY_MOST       (2 * LOOP_SEC)
#define KERNEL_EARLIER (20 * LOOP_MSEC)
#define WAIT_FIRST     LOOP_SEC
#define WAIT_MOST      (120 * LOOP_SEC)
#define TICK           (10 * LOOP_MSEC)
#define DEAD_FAILURES  8u
#define DEAD_AFTER     (600 * LOOP_SEC)
#define WINDOW_FAILING (REPORTS_WINDOW / 4)

#define PENDING_MAX 262144u /* of all subscribers, and beyond that */
#define QUEUE_LEAST 8u      /* of one, whatever those of others are */

/* ---- queues ---------------------------------------------------------------------------------- */

static void set_state(struct sm *sm, struct subscriber *to, enum subscriber_state state)
{
	to->state = state;
	list_remove(&to->link);
	if (state == SUBSCRIBER_READY)
		list_add_tail(to->failures ? &sm->reports.ready_failing : &sm->reports.ready,
			      &to->link);
	if (state != SUBSCRIBER_WAITS)
		return;
	list_add_tail(&sm->reports.waits, &to->link);
	sm->reports.waits_due = MIN(sm->reports.waits_due, to->next_at);
}

static void drop(struct sm *sm, struct subscriber *to, struct list *link)
{
	struct pending *pending = LIST_ENTRY(link, struct pending, link);

	list_remove(link);
	notice_put(pending->notice);
	free(pending);
	to->n_pending--;
	sm->reports.n_pending--;
}

static void drop_first(struct sm *sm, struct subscriber *to)
{
	drop(sm, to, to->pending.next);
}

/* The first may be under way. */
static void lose_one(struct sm *sm, struct subscriber *to)
{
	struct list *first = to->pending.next;

	drop(sm, to, to->state == SUBSCRIBER_TOLD ? first->next : first);
	to->lost++;
	sm->reports.lost++;
}

static bool has_room(const struct sm *sm, const struct subscriber *to)
{
	return sm->reports.n_pending < PENDING_MAX || to->n_pending < QUEUE_LEAST;
}

void reports_add(struct sm *sm, struct subscriber *to, struct notice *notice)
{
	struct pending *pending;

	if (to->n_pending == SUBSCRIBER_QUEUE)
		lose_one(sm, to);
	pending = has_room(sm, to) ? malloc(sizeof(*pending)) : NULL;
	if (!pending) {
		to->lost++;
		sm->reports.lost++;
		return;
	}
	*pending = (struct pending){ .notice = notice };
	notice->refs++;
	list_add_tail(&to->pending, &pending->link);
	to->n_pending++;
	sm->reports.n_pending++;
	if (to->state == SUBSCRIBER_IDLE)
		set_state(sm, to, SUBSCRIBER_READY);
}

/* ---- sending --------------------------------------------------------------------------------- */

static uint16_t index_of_key(const struct sm *sm, uint16_t key)
{
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = pkeys_published(sm, sm->fabric.local_port, keys, FABRIC_MAX_PKEYS);

	for (unsigned i = 0; i < MIN(n, FABRIC_MAX_PKEYS); i++)
		if (((keys[i] ^ key) & KEY_BASE_MASK) == 0)
			return (uint16_t)i;

	return 0;
}

/* False: it is not there. */
static bool find_way(const struct sm *sm, const struct subscriber *to, struct address *ret)
{
	const struct fabric *f = &sm->fabric;
	struct endpoint e = endpoint_find(f, to->by.guid);
	unsigned lmc;

	if (e.port == NO_PORT || !gid_is_in_service(sm, e))
		return false;
	lmc = f->ports[e.port].lmc;
	*ret = (struct address){
		.qpn = to->qpn,
		.lid = endpoint_lid(f, e),
		.pkey_index = index_of_key(sm, to->pkey),
		.sl = to->sl,
		.has_grh = to->has_grh || endpoint_needs_grh(f, e),
		.hop_limit = 64,
	};
	if (e.index == 0)
		ret->lid = (uint16_t)(ret->lid + (to->lid_offset & ((1u << lmc) - 1)));
	wire_set64(ret->gid, 0, sm->conf.subnet_prefix);
	wire_set64(ret->gid, 1, to->by.guid);

	return ret->lid != 0;
}

/* 4.096 microseconds times two to the power of the code, IBA 13.4.6.2. */
static uint64_t first_wait(const struct subscriber *to)
{
	uint64_t time = UINT64_C(4096) << to->response_time;

	return MIN(MAX(2 * time, TRY_LEAST), TRY_MOST);
}

static void send(struct sm *sm, struct report *report)
{
	const struct pending *pending = LIST_ENTRY(report->to->pending.next, struct pending, link);
	uint64_t wait = MIN(first_wait(report->to) << report->tries, TRY_MOST);
	struct datagram d;

	wire_start(&d, CLASS_SA, METHOD_REPORT, ATTR_NOTICE, 0);
	wire_set(&d, MAD_TID, report->tid);
	wire_set(&d, SA_RMPP_VERSION, RMPP_VERSION);
	memcpy(sa_data_of(&d), pending->notice->bytes, NOTICE_SIZE);
	report->tries++;
	report->due = loop_now(sm->loop) + wait;
	sm->reports.sent++;
	transport_send(sm->transport, &d, &report->way,
		       (unsigned)((wait - KERNEL_EARLIER) / LOOP_MSEC));
}

static struct report *find_free(struct sm *sm)
{
	for (unsigned i = 0; i < REPORTS_WINDOW; i++)
		if (!sm->reports.under_way[i].to)
			return &sm->reports.under_way[i];

	return NULL;
}

static void give_up(struct sm *sm, struct subscriber *to)
{
	to->lost += to->n_pending;
	sm->reports.lost += to->n_pending;
	while (to->n_pending > 0)
		drop_first(sm, to);
	set_state(sm, to, SUBSCRIBER_IDLE);
}

/* Of its first notice, whenever that is told. */
static uint32_t tid_of(struct sm *sm, struct subscriber *to)
{
	struct pending *first = LIST_ENTRY(to->pending.next, struct pending, link);

	while (first->tid == 0)
		first->tid = ++sm->reports.last_tid;

	return first->tid;
}

static void begin(struct sm *sm, struct report *report, struct subscriber *to)
{
	struct address way;

	if (!find_way(sm, to, &way)) {
		give_up(sm, to);
		return;
	}
	*report = (struct report){
		.to = to, .way = way, .tid = tid_of(sm, to), .failing = to->failures > 0
	};
	sm->reports.n_under_way++;
	sm->reports.n_failing += report->failing;
	set_state(sm, to, SUBSCRIBER_TOLD);
	send(sm, report);
}

static void end(struct sm *sm, struct report *report)
{
	report->to = NULL;
	sm->reports.n_under_way--;
	sm->reports.n_failing -= report->failing;
}

static struct subscriber *next_ready(struct sm *sm)
{
	struct reports *r = &sm->reports;
	struct list *l;

	if (r->n_under_way == REPORTS_WINDOW)
		return NULL;
	l = list_take_first(&r->ready);
	if (!l && r->n_failing < WINDOW_FAILING)
		l = list_take_first(&r->ready_failing);

	return l ? LIST_ENTRY(l, struct subscriber, link) : NULL;
}

static void set_timer(struct sm *sm)
{
	struct reports *r = &sm->reports;
	uint64_t due = r->waits_due;

	for (unsigned i = 0; i < REPORTS_WINDOW && r->n_under_way > 0; i++)
		if (r->under_way[i].to)
			due = MIN(due, r->under_way[i].due);
	if (due == UINT64_MAX)
		loop_timer_stop(r->timer);
	else
		loop_timer_set(r->timer, (due + TICK - 1) / TICK * TICK);
}

void reports_pump(struct sm *sm)
{
	struct subscriber *to;

	if (sm->state != SM_MASTER || sm->stopping)
		return;
	while ((to = next_ready(sm)))
		begin(sm, find_free(sm), to);
	set_timer(sm);
}

/* ---- what comes of it ------------------------------------------------------------------------ */

static bool is_dead(const struct sm *sm, const struct subscriber *to)
{
	return to->failures >= DEAD_FAILURES &&
	       loop_now(sm->loop) - to->failing_since >= DEAD_AFTER;
}

static void note_failure(struct sm *sm, struct subscriber *to)
{
	if (to->failures == 0)
		to->failing_since = loop_now(sm->loop);
	to->failures++;
	if (is_dead(sm, to)) {
		subscriptions_bury(sm, to);
		return;
	}
	to->next_at = loop_now(sm->loop) + MIN(WAIT_FIRST << MIN(to->failures - 1, 16u), WAIT_MOST);
	set_state(sm, to, SUBSCRIBER_WAITS);
}

static void end_waits(struct sm *sm)
{
	struct reports *r = &sm->reports;
	uint64_t now = loop_now(sm->loop), due = UINT64_MAX;

	for (struct list *l = r->waits.next, *next; l != &r->waits; l = next) {
		struct subscriber *to = LIST_ENTRY(l, struct subscriber, link);

		next = l->next;
		if (to->next_at <= now)
			set_state(sm, to, SUBSCRIBER_READY);
		else
			due = MIN(due, to->next_at);
	}
	r->waits_due = due;
}

static void on_timer(void *user)
{
	struct sm *sm = user;
	struct reports *r = &sm->reports;
	uint64_t now = loop_now(sm->loop);

	for (unsigned i = 0; i < REPORTS_WINDOW; i++) {
		struct report *report = &r->under_way[i];
		struct subscriber *to = report->to;

		if (!to || report->due > now)
			continue;
		if (report->tries < TRIES) {
			send(sm, report);
			continue;
		}
		end(sm, report);
		note_failure(sm, to);
	}
	if (r->waits_due <= now)
		end_waits(sm);
	reports_pump(sm);
}

/* The upper half of a TID is the kernel's. */
static struct report *find_answered(struct sm *sm, const struct arrival *arrival)
{
	uint32_t tid = (uint32_t)wire_get(&arrival->datagram, MAD_TID);

	for (unsigned i = 0; i < REPORTS_WINDOW; i++) {
		struct report *report = &sm->reports.under_way[i];

		if (report->to && report->tid == tid && report->way.qpn == arrival->from.qpn &&
		    fabric_find_lid(&sm->fabric, arrival->from.lid) ==
			    fabric_find_lid(&sm->fabric, report->way.lid))
			return report;
	}

	return NULL;
}

/* With a status that is no good, it is the kernel that says that nobody is there. */
void reports_take(struct sm *sm, const struct arrival *arrival)
{
	struct report *report = find_answered(sm, arrival);
	struct subscriber *to;

	if (!report)
		return;
	to = report->to;
	end(sm, report);
	if (wire_get(&arrival->datagram, MAD_STATUS) != STATUS_OK) {
		note_failure(sm, to);
	} else {
		to->failures = 0;
		to->reported++;
		sm->reports.acknowledged++;
		drop_first(sm, to);
		set_state(sm, to, to->n_pending > 0 ? SUBSCRIBER_READY : SUBSCRIBER_IDLE);
	}
	reports_pump(sm);
}

void reports_wake(struct sm *sm, struct subscriber *to)
{
	if (to->state != SUBSCRIBER_WAITS)
		return;
	set_state(sm, to, SUBSCRIBER_READY);
	reports_pump(sm);
}

void reports_forget(struct sm *sm, struct subscriber *to)
{
	for (unsigned i = 0; i < REPORTS_WINDOW; i++)
		if (sm->reports.under_way[i].to == to)
			end(sm, &sm->reports.under_way[i]);
	give_up(sm, to);
}

/* ---- coming and going ------------------------------------------------------------------------ */

void reports_drop(struct sm *sm)
{
	struct subscription *s = NULL;

	while ((s = subscriptions_next(&sm->subscriptions, s)))
		if (s->to->state != SUBSCRIBER_IDLE)
			reports_forget(sm, s->to);
}

void reports_init(struct sm *sm)
{
	list_init(&sm->reports.ready);
	list_init(&sm->reports.ready_failing);
	list_init(&sm->reports.waits);
	sm->reports.waits_due = UINT64_MAX;
}

/* A client that has heard of TID 1 is not to take that of who comes after us for the same. */
int reports_start(struct sm *sm)
{
	sm->reports.last_tid = (uint32_t)loop_random(sm->loop);
	return loop_timer_new(sm->loop, on_timer, sm, &sm->reports.timer);
}

void reports_done(struct sm *sm)
{
	reports_drop(sm);
	loop_timer_free(sm->reports.timer);
}
