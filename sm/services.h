/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * ServiceRecords that hosts have registered (IBA 15.2.5.14): a table, which knows neither the
 * fabric nor the disk. A record is known by its ServiceID, ServiceGID and the partition of its
 * P_Key.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "mad/wire.h"
#include "sm/registration.h"

#define SERVICES_MAX       32768u
#define SERVICES_OF_PORT   2048u /* registered from there, by the port and all its VFs */
#define SERVICES_OF_VF     256u  /* and by one of these */
#define SERVICES_BUCKETS   1024u
#define SERVICE_LEASE_EVER UINT32_C(0xffffffff)

struct service {
	struct list by_id;
	struct list by_port;
	uint64_t row;                        /* its number in the store */
	uint8_t record[SERVICE_RECORD_SIZE]; /* as registered, with the key and the lease */
	uint64_t lapses_at;                  /* loop_now(); 0: never */
	uint64_t expires;                    /* the same as the store has it */
	uint64_t set_at;                     /* loop_now() when it was last set; 0: before we ran */
	struct registrant by;
};

struct services {
	struct list by_id[SERVICES_BUCKETS];
	struct list by_port[SERVICES_BUCKETS];
	unsigned n;
};

void services_init(struct services *services);
void services_done(struct services *services);

/* The one with the identity of @record, or NULL. */
struct service *services_find(const struct services *services, const uint8_t *record);

/* NULL without memory. All but the lists is copied from @service; there is no such one yet. */
struct service *services_add(struct services *services, const struct service *service);
void services_remove(struct services *services, struct service *service);

/* How many this registrant has, and its physical port with all its VFs. */
unsigned services_count_vf(const struct services *services, const struct registrant *by);
unsigned services_count_port(const struct services *services, const struct registrant *by);

/* All of them, those with this ServiceID alone if @id is not NULL. NULL past the last. */
struct service *services_next(const struct services *services, const uint64_t *id,
			      const struct service *after);

/* Its lease is over. */
static inline bool service_has_lapsed(const struct service *service, uint64_t now)
{
	return service->lapses_at != 0 && service->lapses_at <= now;
}

/* Seconds that are left, rounded up. */
uint32_t service_lease_left(const struct service *service, uint64_t now);

/* No ServiceKey: whoever may change it needs none. */
bool service_has_key(const uint8_t *record);

/* A row of the store, and back: false if it cannot be right. */
#define SERVICE_BLOB_SIZE (SERVICE_RECORD_SIZE + REGISTRANT_SIZE)
void service_to_blob(const struct service *service, uint8_t ret[static SERVICE_BLOB_SIZE]);
bool service_from_row(const struct kept_registration *kept, struct service *ret);
