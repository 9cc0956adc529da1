/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Services in two hashes: by ServiceID, which is what most clients ask for and part of every
 * identity; and by the physical port that they were registered from, to count what one has.
 */

#include "sm/services.h"

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"

static const uint8_t no_key[SERVICE_KEY_SIZE];

void services_init(struct services *services)
{
	services->n = 0;
	for (unsigned i = 0; i < SERVICES_BUCKETS; i++) {
		list_init(&services->by_id[i]);
		list_init(&services->by_port[i]);
	}
}

void services_done(struct services *services)
{
	for (unsigned i = 0; i < SERVICES_BUCKETS; i++)
		while (!list_is_empty(&services->by_id[i]))
			services_remove(services,
					LIST_ENTRY(services->by_id[i].next, struct service, by_id));
}

static unsigned bucket_of(uint64_t id)
{
	return list_hash(id) % SERVICES_BUCKETS;
}

static unsigned bucket_of_record(const uint8_t *record)
{
	return bucket_of(wire_get(record, SERVICE_ID));
}

static bool is_same(const uint8_t *a, const uint8_t *b)
{
	uint64_t keys = wire_get(a, SERVICE_PKEY) ^ wire_get(b, SERVICE_PKEY);

	return wire_get(a, SERVICE_ID) == wire_get(b, SERVICE_ID) && (keys & 0x7fff) == 0 &&
	       memcmp(a + SERVICE_GID_OFFSET, b + SERVICE_GID_OFFSET, GID_SIZE) == 0;
}

struct service *services_find(const struct services *services, const uint8_t *record)
{
	const struct list *bucket = &services->by_id[bucket_of_record(record)];

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		struct service *service = LIST_ENTRY(l, struct service, by_id);

		if (is_same(service->record, record))
			return service;
	}

	return NULL;
}

struct service *services_add(struct services *services, const struct service *service)
{
	struct service *new = malloc(sizeof(*new));

	if (!new)
		return NULL;
	*new = *service;
	list_add_tail(&services->by_id[bucket_of_record(new->record)], &new->by_id);
	list_add_tail(LIST_BUCKET(services->by_port, new->by.port), &new->by_port);
	services->n++;

	return new;
}

void services_remove(struct services *services, struct service *service)
{
	list_remove(&service->by_id);
	list_remove(&service->by_port);
	services->n--;
	free(service);
}

static unsigned count(const struct services *services, const struct registrant *by, bool vf)
{
	const struct list *bucket = LIST_BUCKET(services->by_port, by->port);
	unsigned n = 0;

	for (struct list *l = bucket->next; l != bucket; l = l->next) {
		const struct registrant *other = &LIST_ENTRY(l, struct service, by_port)->by;

		n += vf ? registrant_is(other, by) : other->port == by->port;
	}

	return n;
}

unsigned services_count_vf(const struct services *services, const struct registrant *by)
{
	return count(services, by, true);
}

unsigned services_count_port(const struct services *services, const struct registrant *by)
{
	return count(services, by, false);
}

struct service *services_next(const struct services *services, const uint64_t *id,
			      const struct service *after)
{
	unsigned i = after ? bucket_of_record(after->record) : id ? bucket_of(*id) : 0;
	struct list *l = after ? after->by_id.next : services->by_id[i].next;

	for (;;) {
		for (; l != &services->by_id[i]; l = l->next) {
			struct service *service = LIST_ENTRY(l, struct service, by_id);

			if (!id || wire_get(service->record, SERVICE_ID) == *id)
				return service;
		}
		if (id || ++i == SERVICES_BUCKETS)
			return NULL;
		l = services->by_id[i].next;
	}
}

uint32_t service_lease_left(const struct service *service, uint64_t now)
{
	if (service->lapses_at == 0)
		return SERVICE_LEASE_EVER;

	return (uint32_t)((service->lapses_at - now + LOOP_SEC - 1) / LOOP_SEC);
}

bool service_has_key(const uint8_t *record)
{
	return memcmp(record + SERVICE_KEY_OFFSET, no_key, SERVICE_KEY_SIZE) != 0;
}

void service_to_blob(const struct service *service, uint8_t ret[static SERVICE_BLOB_SIZE])
{
	memcpy(ret, service->record, SERVICE_RECORD_SIZE);
	registrant_to_blob(&service->by, ret + SERVICE_RECORD_SIZE);
}

bool service_from_row(const struct kept_registration *kept, struct service *ret)
{
	const uint8_t *blob = kept->blob;

	if (kept->size != SERVICE_BLOB_SIZE)
		return false;
	*ret = (struct service){ .row = kept->id, .expires = kept->expires };
	memcpy(ret->record, blob, SERVICE_RECORD_SIZE);

	return registrant_from_blob(blob + SERVICE_RECORD_SIZE, &ret->by);
}
