/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Services that hosts register: who may change which, how many there may be, and for how long. What
 * a request has to look like is in sa/service-record.c.
 *
 * A record is its registrant's. A ServiceKey that is not 0 lets others change it who know it, and a
 * wrong one that is given is refused whoever gives it. Who registered it, whose GID it is, and whom
 * the operator trusts, need not give it: the SA tells it to nobody, so a client that looks its own
 * record up, to take it back, has none to give (osmtest does that). opensm stores keys and lets
 * anybody change all.
 *
 * Leases are counted on the loop's clock; the store has the second of the wall's clock at which
 * they end, so that one that ends while we are away has ended. A host without a clock of its own
 * begins in 1970, until it has asked for the time: what was set before that has all of its lease
 * after a restart, and its second is then corrected in the store. A record whose GID is not in the
 * fabric is kept, as its host may only have lost a cable, and nobody sees it meanwhile
 * (service-record.c). Hosts that never come back do not fill the table: who was set longest ago, of
 * those that are away, gives way when it is full.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* -- leases -------------------------------------------------------------------------------------
 */

/* Whoever sets many short leases makes us look at most so often; nobody sees what has lapsed. */
#define LOOK_AGAIN LOOP_SEC

static void look_at(struct sm *sm, uint64_t when)
{
	when = MAX(when, sm->services_looked + LOOK_AGAIN);
	if (sm->services_due != 0 && sm->services_due <= when)
		return;
	sm->services_due = when;
	loop_timer_set(sm->lease_timer, when);
}

static struct kept_registration row_of(const struct service *service, const uint8_t *blob)
{
	return (struct kept_registration){ .kind = KEPT_SERVICE,
					   .id = service->row,
					   .expires = service->expires,
					   .blob = blob,
					   .size = blob ? SERVICE_BLOB_SIZE : 0 };
}

/* No clock that was set is before the first vsm: 2020. */
#define CLOCK_IS_SET UINT64_C(1577836800)

/* Seconds by which the store may be wrong. */
#define WRONG_BY 60

/* The wall's clock was set since it was given that lease. */
static void correct(struct sm *sm, struct service *service, uint64_t now)
{
	uint64_t wall = loop_wall(sm->loop);
	uint64_t expires = wall + service_lease_left(service, now);
	uint8_t blob[SERVICE_BLOB_SIZE];
	struct kept_registration row;

	if (wall < CLOCK_IS_SET ||
	    (service->expires <= expires + WRONG_BY && expires <= service->expires + WRONG_BY))
		return;
	service->expires = expires;
	service_to_blob(service, blob);
	row = row_of(service, blob);
	registration_keep(sm, &row, NULL);
}

/* Without a request: whatever becomes of it on the disk, it is over. */
static void end(struct sm *sm, struct service *service)
{
	struct kept_registration gone = row_of(service, NULL);

	registration_keep(sm, &gone, NULL);
	services_remove(&sm->services, service);
}

/* Neither who registered it nor who has its GID. */
static bool is_forgotten(const struct sm *sm, const struct service *service)
{
	return !registrar_knows(sm, service->by.port) && !registrar_knows(sm, service->by.guid) &&
	       !registrar_knows(sm, wire_get64(service->record + SERVICE_GID_OFFSET, 1));
}

static unsigned end_if(struct sm *sm, struct service *service, bool is_over)
{
	if (is_over)
		end(sm, service);

	return is_over;
}

unsigned services_end_before(struct sm *sm, uint64_t time)
{
	struct service *service = services_next(&sm->services, NULL, NULL);
	unsigned n = 0;

	for (struct service *next; service; service = next) {
		next = services_next(&sm->services, NULL, service);
		n += end_if(sm, service, service->set_at < time);
	}

	return n;
}

unsigned services_end_forgotten(struct sm *sm)
{
	struct service *service = services_next(&sm->services, NULL, NULL);
	unsigned n = 0;

	for (struct service *next; service; service = next) {
		next = services_next(&sm->services, NULL, service);
		n += end_if(sm, service, is_forgotten(sm, service));
	}

	return n;
}

static void on_lapse(void *user)
{
	struct sm *sm = user;
	uint64_t now = loop_now(sm->loop), first = 0;
	struct service *service = services_next(&sm->services, NULL, NULL);

	sm->services_due = 0;
	sm->services_looked = now;
	for (struct service *next; service; service = next) {
		next = services_next(&sm->services, NULL, service);
		if (service->lapses_at == 0)
			continue;
		if (service_has_lapsed(service, now)) {
			end(sm, service);
			continue;
		}
		correct(sm, service, now);
		first = first == 0 ? service->lapses_at : MIN(first, service->lapses_at);
	}
	if (first != 0)
		look_at(sm, first);
}

static void set_lease(struct sm *sm, struct service *service, uint32_t lease)
{
	service->lapses_at = 0;
	service->expires = 0;
	if (lease == SERVICE_LEASE_EVER)
		return;
	service->lapses_at = loop_now(sm->loop) + lease * LOOP_SEC;
	service->expires = loop_wall(sm->loop) + lease;
}

/* -- who may ------------------------------------------------------------------------------------
 */

static bool is_holder(const struct sm *sm, const struct service_change *change,
		      const uint8_t *record)
{
	struct endpoint e = endpoint_find(&sm->fabric, wire_get64(record + SERVICE_GID_OFFSET, 1));

	return e.port != NO_PORT && e.port == change->requester.port &&
	       (change->requester.index == 0 || endpoint_is(e, change->requester));
}

static bool may_change(const struct sm *sm, const struct service_change *change,
		       const struct service *service)
{
	const uint8_t *key = service->record + SERVICE_KEY_OFFSET;
	bool has_key = service_has_key(service->record);

	if (change->has_key && has_key)
		return memcmp(change->record + SERVICE_KEY_OFFSET, key, SERVICE_KEY_SIZE) == 0;

	return registrant_is(&change->by, &service->by) || change->trusted ||
	       is_holder(sm, change, service->record);
}

/* -- room ---------------------------------------------------------------------------------------
 */

static bool is_away(const struct sm *sm, const struct service *service)
{
	return endpoint_find(&sm->fabric, service->by.guid).port == NO_PORT;
}

static bool give_up_one(struct sm *sm)
{
	struct service *oldest = NULL;

	for (struct service *s = NULL; (s = services_next(&sm->services, NULL, s));)
		if (is_away(sm, s) && (!oldest || s->set_at < oldest->set_at))
			oldest = s;
	if (oldest)
		end(sm, oldest);

	return oldest;
}

static bool has_room(struct sm *sm, const struct registrant *by)
{
	return services_count_vf(&sm->services, by) < SERVICES_OF_VF &&
	       services_count_port(&sm->services, by) < SERVICES_OF_PORT &&
	       (sm->services.n < SERVICES_MAX || give_up_one(sm));
}

/* -- changes ------------------------------------------------------------------------------------
 */

static int keep(struct sm *sm, const struct service *now, const struct service *former)
{
	uint8_t blob[SERVICE_BLOB_SIZE], former_blob[SERVICE_BLOB_SIZE];
	struct kept_registration row, before;

	if (now)
		service_to_blob(now, blob);
	if (former)
		service_to_blob(former, former_blob);
	row = row_of(now ? now : former, now ? blob : NULL);
	before = row_of(former ? former : now, former ? former_blob : NULL);

	return registration_keep(sm, &row, &before);
}

static uint16_t delete (struct sm *sm, const struct service_change *change, struct service *service,
			struct service *ret)
{
	if (!service || service_has_lapsed(service, loop_now(sm->loop)))
		return STATUS_SA_NO_RECORDS;
	if (!may_change(sm, change, service))
		return STATUS_SA_REQ_DENIED;
	if (keep(sm, NULL, service) < 0)
		return STATUS_SA_NO_RESOURCES;
	*ret = *service;
	services_remove(&sm->services, service);

	return STATUS_OK;
}

/* What is set again in the same words is kept anew only for its lease, or for who it is. */
static bool is_as_it_was(const struct service *a, const struct service *b)
{
	return memcmp(a->record, b->record, sizeof(a->record)) == 0 && a->expires == b->expires &&
	       registrant_is(&a->by, &b->by);
}

static uint16_t replace(struct sm *sm, const struct service_change *change, struct service *service,
			struct service *ret)
{
	if (!may_change(sm, change, service))
		return STATUS_SA_REQ_DENIED;
	if (!change->has_key)
		memcpy(ret->record + SERVICE_KEY_OFFSET, service->record + SERVICE_KEY_OFFSET,
		       SERVICE_KEY_SIZE);
	ret->row = service->row;
	ret->by = service->by;
	ret->by_id = service->by_id;
	ret->by_port = service->by_port;
	if (!is_as_it_was(ret, service) && keep(sm, ret, service) < 0)
		return STATUS_SA_NO_RESOURCES;
	*service = *ret;

	return STATUS_OK;
}

static uint16_t add(struct sm *sm, const struct service_change *change, struct service *ret)
{
	struct service *service;

	if (!has_room(sm, &change->by))
		return STATUS_SA_NO_RESOURCES;
	ret->row = registration_new_id(sm, KEPT_SERVICE);
	ret->by = change->by;
	service = services_add(&sm->services, ret);
	if (!service)
		return STATUS_SA_NO_RESOURCES;
	if (keep(sm, ret, NULL) < 0) {
		services_remove(&sm->services, service);
		return STATUS_SA_NO_RESOURCES;
	}

	return STATUS_OK;
}

static uint16_t set(struct sm *sm, const struct service_change *change, struct service *service,
		    struct service *ret)
{
	uint32_t lease = (uint32_t)wire_get(change->record, SERVICE_LEASE);
	uint16_t status;

	if (service && service_has_lapsed(service, loop_now(sm->loop))) {
		end(sm, service);
		service = NULL;
	}
	*ret = (struct service){ .set_at = loop_now(sm->loop) };
	memcpy(ret->record, change->record, sizeof(ret->record));
	set_lease(sm, ret, lease);
	status = service ? replace(sm, change, service, ret) : add(sm, change, ret);
	if (status == STATUS_OK && ret->lapses_at != 0)
		look_at(sm, ret->lapses_at);

	return status;
}

uint16_t services_change(struct sm *sm, const struct service_change *change, struct service *ret)
{
	struct service *service = services_find(&sm->services, change->record);

	return change->is_delete ? delete (sm, change, service, ret)
				 : set(sm, change, service, ret);
}

/* -- from the disk ------------------------------------------------------------------------------
 */

static struct service *find_row(const struct services *services, uint64_t row)
{
	struct service *s = NULL;

	while ((s = services_next(services, NULL, s)) && s->row != row)
		;

	return s;
}

/*
 * Never more than it was given: the clock may be set back, and in a host without one be at 1970. If
 * it was when the lease was given nobody knows how long ago that was.
 */
static uint64_t seconds_left(const struct service *service, uint64_t wall)
{
	uint64_t left = service->expires - MIN(service->expires, wall);
	uint64_t lease = wire_get(service->record, SERVICE_LEASE);

	if (service->expires < CLOCK_IS_SET + lease && wall >= CLOCK_IS_SET)
		return lease;

	return MIN(left, lease);
}

/* Who came back with the same identity meanwhile has taken its place: one of both is left. */
void services_restore(struct sm *sm, const struct kept_registration *kept)
{
	uint64_t wall = loop_wall(sm->loop);
	struct service service, *there;

	if (kept->size == 0) {
		there = find_row(&sm->services, kept->id);
		if (there)
			services_remove(&sm->services, there);
		return;
	}
	if (!service_from_row(kept, &service)) {
		registration_refuse(sm, KEPT_SERVICE, kept->id);
		return;
	}
	there = services_find(&sm->services, service.record);
	if (there && there->row != kept->id)
		registration_refuse(sm, KEPT_SERVICE, there->row);
	if (there)
		services_remove(&sm->services, there);
	if (sm->services.n == SERVICES_MAX) {
		registration_refuse(sm, KEPT_SERVICE, kept->id);
		return;
	}
	if (service.expires != 0)
		service.lapses_at = loop_now(sm->loop) + seconds_left(&service, wall) * LOOP_SEC;
	if (!services_add(&sm->services, &service))
		return;
	if (service.lapses_at != 0)
		look_at(sm, loop_now(sm->loop));
}

int services_start(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_lapse, sm, &sm->lease_timer);
}
