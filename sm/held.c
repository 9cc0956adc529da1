/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A queue, bounded in all and for each requester, which is told to be busy beyond that. Clients
 * send a request up to eleven times until they have an answer: while one is held the others are the
 * same one, and there is one answer.
 *
 * A requester is a LID, and of one that is shared also the number of the VF, which its host's
 * driver puts into the first byte of the TID. That byte is what it says; so a LID has a bound too.
 */

#include "sm/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

void held_init(struct held *held, struct held_limits limits)
{
	held->limits = limits;
	held->n = 0;
	list_init(&held->all);
	for (unsigned i = 0; i < HELD_BUCKETS; i++)
		list_init(&held->bucket[i]);
}

void held_done(struct held *held)
{
	while (!list_is_empty(&held->all))
		held_drop(held, LIST_ENTRY(held->all.next, struct held_request, link));
}

static unsigned bucket_of(const struct arrival *arrival)
{
	return arrival->from.lid % HELD_BUCKETS;
}

static unsigned vf_of_tid(const struct arrival *arrival)
{
	return (unsigned)(wire_get(&arrival->datagram, MAD_TID) >> 56);
}

static unsigned size_of(const struct arrival *arrival)
{
	return 1 + (arrival->message ? arrival->length / MAD_SIZE : 0);
}

static bool is_same(const struct arrival *a, const struct arrival *b)
{
	return a->from.lid == b->from.lid && a->from.qpn == b->from.qpn &&
	       memcmp(&a->datagram, &b->datagram, sizeof(a->datagram)) == 0;
}

bool held_has(const struct held *held, const struct arrival *arrival)
{
	const struct list *bucket = &held->bucket[bucket_of(arrival)];

	for (struct list *l = bucket->next; l != bucket; l = l->next)
		if (is_same(&LIST_ENTRY(l, struct held_request, neighbors)->arrival, arrival))
			return true;

	return false;
}

bool held_has_room(const struct held *held, const struct arrival *arrival)
{
	const struct list *bucket = &held->bucket[bucket_of(arrival)];
	const struct held_limits *limits = &held->limits;
	unsigned size = size_of(arrival), n = size, n_vf = size;

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		const struct arrival *other =
			&LIST_ENTRY(l, struct held_request, neighbors)->arrival;

		if (other->from.lid != arrival->from.lid)
			continue;
		n += size_of(other);
		n_vf += vf_of_tid(other) == vf_of_tid(arrival) ? size_of(other) : 0;
	}

	return held->n + size <= limits->in_all && n <= limits->of_lid && n_vf <= limits->of_vf;
}

/* The message is there only as long as who brings it waits. */
static bool copy(const struct arrival *arrival, struct arrival *ret)
{
	*ret = *arrival;
	if (!arrival->message)
		return true;
	ret->message = malloc(arrival->length);
	if (ret->message)
		memcpy(ret->message, arrival->message, arrival->length);

	return ret->message;
}

struct held_request *held_add(struct held *held, const struct arrival *arrival)
{
	struct held_request *request = calloc(1, sizeof(*request));

	if (!request || !copy(arrival, &request->arrival)) {
		free(request);
		return NULL;
	}
	list_add_tail(&held->all, &request->link);
	list_add_tail(&held->bucket[bucket_of(arrival)], &request->neighbors);
	held->n += size_of(arrival);

	return request;
}

void held_drop(struct held *held, struct held_request *request)
{
	list_remove(&request->link);
	list_remove(&request->neighbors);
	held->n -= size_of(&request->arrival);
	free(request->arrival.message);
	free(request);
}
