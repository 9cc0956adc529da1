/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Subscriptions in the order in which they were made, which is the order in which they are told; by
 * the physical port of who made them, to count what one has; and subscribers by who they are.
 *
 * What fits (IBA 13.4.8.3): if there is a GID, that is the issuer's; else its LID is in a range, of
 * which a begin of 0xffff means all, and an end of 0 that it is the begin alone (opensm accepts
 * that and never finds anything). All ones is any type, trap, producer, device or vendor.
 */

#include "sm/subscriptions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

enum {
	TYPE_ALL = 0xffff,
	TRAP_ALL = 0xffff,
	PRODUCER_ALL = 0xffffff,
};

void subscriptions_init(struct subscriptions *subscriptions)
{
	subscriptions->n = 0;
	list_init(&subscriptions->all);
	for (unsigned i = 0; i < SUBSCRIPTIONS_BUCKETS; i++) {
		list_init(&subscriptions->by_port[i]);
		list_init(&subscriptions->subscribers[i]);
	}
}

void subscriptions_done(struct subscriptions *subscriptions)
{
	struct subscription *s;

	while ((s = subscriptions_next(subscriptions, NULL)))
		subscriptions_remove(subscriptions, s);
}

/* ---- who it is ------------------------------------------------------------------------------- */

struct subscriber *subscriptions_find_subscriber(const struct subscriptions *subscriptions,
						 const struct registrant *by, uint32_t qpn)
{
	const struct list *bucket = LIST_BUCKET(subscriptions->subscribers, by->guid);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct subscriber *to = LIST_ENTRY(l, struct subscriber, by_hash);

		if (to->qpn == qpn && registrant_is(&to->by, by))
			return to;
	}

	return NULL;
}

/* The time to answer, and whether it is to be so, are not what it is about. */
static bool is_same(const uint8_t *a, const uint8_t *b)
{
	static const enum wire_field fields[] = {
		INFORM_LID_BEGIN, INFORM_LID_END, INFORM_GENERIC,
		INFORM_TYPE,      INFORM_TRAP,    INFORM_PRODUCER,
	};

	for (size_t i = 0; i < COUNT(fields); i++)
		if (wire_get(a, fields[i]) != wire_get(b, fields[i]))
			return false;

	return memcmp(a, b, 16) == 0;
}

struct subscription *subscriptions_find(const struct subscriptions *subscriptions,
					const struct registrant *by, uint32_t qpn,
					const uint8_t *info)
{
	const struct list *bucket = LIST_BUCKET(subscriptions->by_port, by->port);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct subscription *s = LIST_ENTRY(l, struct subscription, by_port);

		if (s->to->qpn == qpn && registrant_is(&s->to->by, by) && is_same(s->info, info))
			return s;
	}

	return NULL;
}

bool subscriptions_have_number(const struct subscriptions *subscriptions,
			       const struct registrant *by, uint16_t number)
{
	const struct list *bucket = LIST_BUCKET(subscriptions->by_port, by->port);

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		const struct subscription *s = LIST_ENTRY(l, struct subscription, by_port);

		if (s->to->by.guid == by->guid && (uint16_t)s->row == number)
			return true;
	}

	return false;
}

/* ---- coming and going ------------------------------------------------------------------------ */

static struct subscriber *make_subscriber(struct subscriptions *subscriptions,
					  const struct subscriber *to)
{
	struct subscriber *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	new->by = to->by;
	new->qpn = to->qpn;
	list_init(&new->link);
	list_init(&new->pending);
	list_add_tail(LIST_BUCKET(subscriptions->subscribers, new->by.guid), &new->by_hash);

	return new;
}

static void copy_way(struct subscriber *to, const struct subscriber *from)
{
	to->lid_offset = from->lid_offset;
	to->sl = from->sl;
	to->pkey = from->pkey;
	to->has_grh = from->has_grh;
	to->sa_key = from->sa_key;
	to->response_time = from->response_time;
}

struct subscription *subscriptions_add(struct subscriptions *subscriptions,
				       const struct subscriber *to, uint64_t row,
				       const uint8_t *info)
{
	struct subscription *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	s->to = subscriptions_find_subscriber(subscriptions, &to->by, to->qpn);
	if (!s->to)
		s->to = make_subscriber(subscriptions, to);
	if (!s->to) {
		free(s);
		return NULL;
	}
	copy_way(s->to, to);
	s->to->n++;
	s->row = row;
	s->made_at = 0;
	s->trap = (uint16_t)wire_get(info, INFORM_TRAP);
	memcpy(s->info, info, sizeof(s->info));
	list_add_tail(&subscriptions->all, &s->all);
	list_add_tail(LIST_BUCKET(subscriptions->by_port, to->by.port), &s->by_port);
	subscriptions->n++;

	return s;
}

void subscription_renew(struct subscription *s, const struct subscriber *to, const uint8_t *info)
{
	copy_way(s->to, to);
	memcpy(s->info, info, sizeof(s->info));
}

void subscriptions_remove(struct subscriptions *subscriptions, struct subscription *s)
{
	list_remove(&s->all);
	list_remove(&s->by_port);
	subscriptions->n--;
	if (--s->to->n == 0) {
		list_remove(&s->to->by_hash);
		list_remove(&s->to->link);
		free(s->to);
	}
	free(s);
}

static unsigned count(const struct subscriptions *subscriptions, const struct registrant *by,
		      bool vf)
{
	const struct list *bucket = LIST_BUCKET(subscriptions->by_port, by->port);
	unsigned n = 0;

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		const struct registrant *other =
			&LIST_ENTRY(l, struct subscription, by_port)->to->by;

		n += vf ? registrant_is(other, by) : other->port == by->port;
	}

	return n;
}

unsigned subscriptions_count_vf(const struct subscriptions *subscriptions,
				const struct registrant *by)
{
	return count(subscriptions, by, true);
}

unsigned subscriptions_count_port(const struct subscriptions *subscriptions,
				  const struct registrant *by)
{
	return count(subscriptions, by, false);
}

struct subscription *subscriptions_next(const struct subscriptions *subscriptions,
					const struct subscription *after)
{
	struct list *l = after ? after->all.next : subscriptions->all.next;

	return l == &subscriptions->all ? NULL : LIST_ENTRY(l, struct subscription, all);
}

/* ---- what fits ------------------------------------------------------------------------------- */

static bool is_any_or(uint64_t wanted, uint64_t any, uint64_t found)
{
	return wanted == any || wanted == found;
}

static bool has_gid(const uint8_t *info)
{
	return wire_get64(info, 0) != 0 || wire_get64(info, 1) != 0;
}

static bool is_from(const uint8_t *info, const uint8_t *notice)
{
	const uint8_t *issuer = notice + NOTICE_ISSUER_GID_OFFSET;
	unsigned begin = (unsigned)wire_get(info, INFORM_LID_BEGIN);
	unsigned end = (unsigned)wire_get(info, INFORM_LID_END);
	unsigned lid = (unsigned)wire_get(notice, NOTICE_ISSUER_LID);

	if (has_gid(info))
		return wire_get64(info, 1) == wire_get64(issuer, 1) &&
		       is_any_or(wire_get64(info, 0), GID_PREFIX_DEFAULT, wire_get64(issuer, 0));

	return begin == LIDS_ALL || (lid >= begin && lid <= (end == 0 ? begin : end));
}

bool inform_info_fits(const uint8_t *info, const uint8_t *notice)
{
	return wire_get(info, INFORM_GENERIC) == wire_get(notice, NOTICE_GENERIC) &&
	       is_any_or(wire_get(info, INFORM_TYPE), TYPE_ALL, wire_get(notice, NOTICE_TYPE)) &&
	       is_any_or(wire_get(info, INFORM_TRAP), TRAP_ALL, wire_get(notice, NOTICE_TRAP)) &&
	       is_any_or(wire_get(info, INFORM_PRODUCER), PRODUCER_ALL,
			 wire_get(notice, NOTICE_PRODUCER)) &&
	       is_from(info, notice);
}

bool inform_info_is_valid(const uint8_t *info)
{
	unsigned begin = (unsigned)wire_get(info, INFORM_LID_BEGIN);
	unsigned end = (unsigned)wire_get(info, INFORM_LID_END);

	if (wire_get(info, INFORM_GENERIC) > 1 || wire_get(info, INFORM_SUBSCRIBE) > 1)
		return false;
	if (has_gid(info) || begin == LIDS_ALL)
		return true;

	return begin >= LID_UNICAST_FIRST && begin <= LID_UNICAST_LAST &&
	       (end == 0 || end >= begin);
}

/* ---- the store ------------------------------------------------------------------------------- */

enum {
	QPN_AT = INFORM_INFO_SIZE,
	KEY_AT = QPN_AT + 4,
	REST_AT = KEY_AT + 2,
	BY_AT = REST_AT + 5, /* one byte is not used any more */
	SA_KEY_AT = BY_AT + REGISTRANT_SIZE,
};

static_assert(SA_KEY_AT + 8 == SUBSCRIPTION_BLOB_SIZE, "the layout of the blob");

void subscription_to_blob(const struct subscriber *to, const uint8_t *info,
			  uint8_t ret[static SUBSCRIPTION_BLOB_SIZE])
{
	memcpy(ret, info, INFORM_INFO_SIZE);
	wire_set16(ret + QPN_AT, 0, (uint16_t)(to->qpn >> 16));
	wire_set16(ret + QPN_AT, 1, (uint16_t)to->qpn);
	wire_set16(ret + KEY_AT, 0, to->pkey);
	ret[REST_AT] = to->lid_offset;
	ret[REST_AT + 1] = to->sl;
	ret[REST_AT + 2] = to->has_grh;
	ret[REST_AT + 3] = 0;
	ret[REST_AT + 4] = to->response_time;
	registrant_to_blob(&to->by, ret + BY_AT);
	wire_set64(ret + SA_KEY_AT, 0, to->sa_key);
}

bool subscription_from_row(const struct kept_registration *kept, struct subscriber *ret_to,
			   uint8_t ret_info[static INFORM_INFO_SIZE])
{
	const uint8_t *blob = kept->blob;

	/* An older vsm kept no key. */
	if (kept->size != SUBSCRIPTION_BLOB_SIZE && kept->size != SA_KEY_AT)
		return false;
	memcpy(ret_info, blob, INFORM_INFO_SIZE);
	*ret_to = (struct subscriber){
		.qpn = (uint32_t)wire_get16(blob + QPN_AT, 0) << 16 | wire_get16(blob + QPN_AT, 1),
		.pkey = wire_get16(blob + KEY_AT, 0),
		.lid_offset = blob[REST_AT] & 0x7f,
		.sl = blob[REST_AT + 1] & 0xf,
		.has_grh = blob[REST_AT + 2] != 0,
		.response_time = blob[REST_AT + 4] & 0x1f,
		.sa_key = kept->size > SA_KEY_AT ? wire_get64(blob + SA_KEY_AT, 0) : 0,
	};

	return inform_info_is_valid(ret_info) && ret_to->qpn > 0 && ret_to->qpn < 1u << 24 &&
	       registrant_from_blob(blob + BY_AT, &ret_to->by);
}
