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

void held_init(struct held *held)
{
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
	unsigned n = 0, n_vf = 0;

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		const struct arrival *other =
			&LIST_ENTRY(l, struct held_request, neighbors)->arrival;

		if (other->from.lid != arrival->from.lid)
			continue;
		n++;
		n_vf += vf_of_tid(other) == vf_of_tid(arrival);
	}

	return held->n < HELD_MAX && n < HELD_OF_LID && n_vf < HELD_OF_VF;
}

struct held_request *held_add(struct held *held, const struct arrival *arrival)
{
	struct held_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->arrival = *arrival;
	list_add_tail(&held->all, &request->link);
	list_add_tail(&held->bucket[bucket_of(arrival)], &request->neighbors);
	held->n++;

	return request;
}

void held_drop(struct held *held, struct held_request *request)
{
	list_remove(&request->link);
	list_remove(&request->neighbors);
	held->n--;
	free(request);
}
