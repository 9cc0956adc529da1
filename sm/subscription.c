/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Subscriptions that hosts make and end: how many there may be, and what becomes of those of who is
 * gone. What a request has to look like is in sa/inform-info.c.
 *
 * They are kept with how to get there, so that after a restart reports go on. A daemon that starts
 * anew has another QP, and its former subscriptions are found dead when something is to be told. So
 * who has as many as may be loses one that acknowledges nothing for a new one; and when there are
 * too many in all, the oldest of who is not in the fabric goes.
 */

#include <inttypes.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

static struct kept_registration row_of(uint64_t row, const uint8_t *blob)
{
	return (struct kept_registration){ .kind = KEPT_SUBSCRIPTION,
					   .id = row,
					   .blob = blob,
					   .size = blob ? SUBSCRIPTION_BLOB_SIZE : 0 };
}

static void remove_one(struct sm *sm, struct subscription *s)
{
	if (s->to->n == 1)
		reports_forget(sm, s->to);
	subscriptions_remove(&sm->subscriptions, s);
}

/* Without a request: whatever becomes of it on the disk, it is over. */
static void end(struct sm *sm, struct subscription *s)
{
	struct kept_registration gone = row_of(s->row, NULL);

	registration_keep(sm, &gone, NULL);
	remove_one(sm, s);
}

/* ---- the dead -------------------------------------------------------------------------------- */

void subscriptions_bury(struct sm *sm, struct subscriber *to)
{
	struct subscription *s = subscriptions_next(&sm->subscriptions, NULL);
	struct endpoint e = endpoint_find(&sm->fabric, to->by.guid);
	unsigned n = to->n;

	event_add(sm->events, EVENT_SUBSCRIBER, to->by.guid,
		  e.port == NO_PORT ? 0 : endpoint_lid(&sm->fabric, e), -1,
		  "QP %u has acknowledged no report for %u minutes: its %u subscription%s ended",
		  to->qpn, (unsigned)((loop_now(sm->loop) - to->failing_since) / (60 * LOOP_SEC)),
		  n, n == 1 ? " is" : "s are");
	sm->reports.buried++;
	for (struct subscription *next; n > 0; s = next) {
		next = subscriptions_next(&sm->subscriptions, s);
		if (s->to != to)
			continue;
		n--;
		end(sm, s);
	}
}

static bool is_forgotten(const struct sm *sm, const struct subscription *s)
{
	return !registrar_knows(sm, s->to->by.port) && !registrar_knows(sm, s->to->by.guid);
}

static unsigned end_if(struct sm *sm, struct subscription *s, bool is_over)
{
	if (is_over)
		end(sm, s);

	return is_over;
}

unsigned subscriptions_end_before(struct sm *sm, uint64_t time)
{
	struct subscription *s = subscriptions_next(&sm->subscriptions, NULL);
	unsigned n = 0;

	for (struct subscription *next; s; s = next) {
		next = subscriptions_next(&sm->subscriptions, s);
		n += end_if(sm, s, s->made_at < time);
	}

	return n;
}

unsigned subscriptions_end_forgotten(struct sm *sm)
{
	struct subscription *s = subscriptions_next(&sm->subscriptions, NULL);
	unsigned n = 0;

	for (struct subscription *next; s; s = next) {
		next = subscriptions_next(&sm->subscriptions, s);
		n += end_if(sm, s, is_forgotten(sm, s));
	}

	return n;
}

/* ---- room ------------------------------------------------------------------------------------ */

static bool give_up_silent(struct sm *sm, const struct registrant *by)
{
	struct subscription *s = NULL;

	while ((s = subscriptions_next(&sm->subscriptions, s))) {
		if (!registrant_is(&s->to->by, by) || s->to->failures == 0)
			continue;
		end(sm, s);
		return true;
	}

	return false;
}

static bool give_up_away(struct sm *sm)
{
	struct subscription *s = NULL;

	while ((s = subscriptions_next(&sm->subscriptions, s))) {
		if (endpoint_find(&sm->fabric, s->to->by.guid).port != NO_PORT)
			continue;
		end(sm, s);
		return true;
	}

	return false;
}

static bool has_room(struct sm *sm, const struct registrant *by)
{
	const struct subscriptions *all = &sm->subscriptions;

	return (subscriptions_count_vf(all, by) < SUBSCRIPTIONS_OF_VF || give_up_silent(sm, by)) &&
	       subscriptions_count_port(all, by) < SUBSCRIPTIONS_OF_PORT &&
	       (all->n < SUBSCRIPTIONS_MAX || give_up_away(sm));
}

/* ---- changes --------------------------------------------------------------------------------- */

static int keep(struct sm *sm, const struct subscriber *to, uint64_t row, const uint8_t *info,
		bool is_there)
{
	uint8_t blob[SUBSCRIPTION_BLOB_SIZE];
	struct kept_registration with = row_of(row, blob), without = row_of(row, NULL);

	subscription_to_blob(to, info, blob);

	return is_there ? registration_keep(sm, &with, &without)
			: registration_keep(sm, &without, &with);
}

/* There are fewer of one port, and so of one GUID, than numbers. */
static uint64_t choose_row(struct sm *sm, const struct registrant *by)
{
	uint64_t row;

	do
		row = registration_new_id(sm, KEPT_SUBSCRIPTION);
	while (subscriptions_have_number(&sm->subscriptions, by, (uint16_t)row));

	return row;
}

static uint16_t subscribe(struct sm *sm, const struct inform_change *change)
{
	struct subscription *s;
	uint64_t row;

	if (!has_room(sm, &change->to.by))
		return STATUS_SA_NO_RESOURCES;
	row = choose_row(sm, &change->to.by);
	if (keep(sm, &change->to, row, change->info, true) < 0)
		return STATUS_SA_NO_RESOURCES;
	s = subscriptions_add(&sm->subscriptions, &change->to, row, change->info);
	if (s) {
		s->made_at = loop_now(sm->loop);
		reports_wake(sm, s->to);
		return STATUS_OK;
	}
	registration_keep(sm, &(struct kept_registration){ .kind = KEPT_SUBSCRIPTION, .id = row },
			  NULL);

	return STATUS_SA_NO_RESOURCES;
}

/* The same once more is one. Who says it may have restarted, and be reached in another way. */
static uint16_t renew(struct sm *sm, const struct inform_change *change, struct subscription *s)
{
	uint8_t blob[SUBSCRIPTION_BLOB_SIZE], former_blob[SUBSCRIPTION_BLOB_SIZE];
	struct kept_registration now = row_of(s->row, blob), former = row_of(s->row, former_blob);

	subscription_to_blob(&change->to, change->info, blob);
	subscription_to_blob(s->to, s->info, former_blob);
	if (memcmp(blob, former_blob, sizeof(blob)) != 0 &&
	    registration_keep(sm, &now, &former) < 0)
		return STATUS_SA_NO_RESOURCES;
	subscription_renew(s, &change->to, change->info);
	s->made_at = loop_now(sm->loop);
	reports_wake(sm, s->to);

	return STATUS_OK;
}

uint16_t subscriptions_change(struct sm *sm, const struct inform_change *change)
{
	struct subscription *s = subscriptions_find(&sm->subscriptions, &change->to.by,
						    change->to.qpn, change->info);

	if (change->is_end && !s)
		return STATUS_SA_REQ_INVALID;
	if (!change->is_end)
		return s ? renew(sm, change, s) : subscribe(sm, change);
	if (keep(sm, s->to, s->row, s->info, false) < 0)
		return STATUS_SA_NO_RESOURCES;
	remove_one(sm, s);

	return STATUS_OK;
}

/* ---- from the disk --------------------------------------------------------------------------- */

static void forget_row(struct sm *sm, uint64_t row)
{
	struct subscription *s = NULL;

	while ((s = subscriptions_next(&sm->subscriptions, s)) && s->row != row)
		;
	if (s)
		remove_one(sm, s);
}

void subscriptions_restore(struct sm *sm, const struct kept_registration *kept)
{
	uint8_t info[INFORM_INFO_SIZE];
	struct subscription *there;
	struct subscriber to;

	if (kept->size == 0) {
		forget_row(sm, kept->id);
		return;
	}
	if (!subscription_from_row(kept, &to, info) || sm->subscriptions.n == SUBSCRIPTIONS_MAX) {
		registration_refuse(sm, KEPT_SUBSCRIPTION, kept->id);
		return;
	}
	there = subscriptions_find(&sm->subscriptions, &to.by, to.qpn, info);
	if (!there)
		subscriptions_add(&sm->subscriptions, &to, kept->id, info);
	else if (there->row != kept->id)
		registration_refuse(sm, KEPT_SUBSCRIPTION, kept->id);
}
