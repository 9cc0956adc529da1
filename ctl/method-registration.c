/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What hosts have registered with the subnet administration: services, and subscriptions to what
 * happens. ServiceKeys are not shown, only that there is one.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "base/macros.h"
#include "ctl/place.h"
#include "sm/services.h"
#include "sm/subscriptions.h"

static void put_gid(struct row *row, const char *key, const uint8_t *gid)
{
	char text[40];

	snprintf(text, sizeof(text), "%04x:%04x:%04x:%04x:%04x:%04x:%04x:%04x", wire_get16(gid, 0),
		 wire_get16(gid, 1), wire_get16(gid, 2), wire_get16(gid, 3), wire_get16(gid, 4),
		 wire_get16(gid, 5), wire_get16(gid, 6), wire_get16(gid, 7));
	row_text(row, key, text);
}

static void put_hex(struct row *row, const char *key, uint64_t value, unsigned digits)
{
	char text[19];

	snprintf(text, sizeof(text), "0x%0*" PRIx64, (int)digits, value);
	row_text(row, key, text);
}

/* "at": the physical port that @guid is at, with "vf" if it is a VF of it; null: it is away. */
static void put_place(struct call *call, struct row *row, uint64_t guid)
{
	struct endpoint e = endpoint_find(call->fabric, guid);
	json_t *at = place_end(call->rpc, call->fabric, e.port);

	if (at && e.port != NO_PORT && e.index > 0)
		json_object_set_new(at, "vf", json_integer(e.index));
	row_put(row, "at", at);
}

/* -- services -----------------------------------------------------------------------------------
 */

static void put_lease(struct call *call, struct row *row, const struct service *service)
{
	uint64_t now = loop_now(call->rpc->loop);

	row_put(row, "lease",
		service->lapses_at == 0 ? json_null()
					: json_integer(service_lease_left(service, now)));
}

static json_t *make_service(struct call *call, const struct service *service)
{
	const uint8_t *record = service->record;
	struct row row = row_start();
	char name[SERVICE_NAME_SIZE + 1] = "";

	memcpy(name, record + SERVICE_NAME_OFFSET, SERVICE_NAME_SIZE);
	put_hex(&row, "id", wire_get(record, SERVICE_ID), 16);
	row_text(&row, "name", name[0] ? name : NULL);
	put_gid(&row, "gid", record + SERVICE_GID_OFFSET);
	put_hex(&row, "pkey", wire_get(record, SERVICE_PKEY), 4);
	put_lease(call, &row, service);
	row_bool(&row, "has_key", service_has_key(record));
	row_guid(&row, "registered_by", service->by.guid);
	row_number(&row, "registered_by_vf", service->by.vf);
	put_place(call, &row, wire_get64(record + SERVICE_GID_OFFSET, 1));

	return row_end(&row);
}

void method_services(struct call *call)
{
	const struct services *services = sm_services(call->sm);
	struct page page = page_start(call, UINT32_MAX);
	const struct service *s = NULL;
	uint64_t i = 0;

	while ((s = services_next(services, NULL, s))) {
		if (i++ < page.from)
			continue;
		if (page.room == 0)
			break;
		page_add(&page, make_service(call, s));
	}
	page_end(call, &page, "services", s ? i - 1 : 0);
}

/* -- subscriptions ------------------------------------------------------------------------------
 */

static void put_unless_any(struct row *row, const char *key, uint64_t value, uint64_t any)
{
	row_put(row, key, value == any ? json_null() : json_integer((json_int_t)value));
}

/* From whom: a GID, or a range of LIDs; neither: from anybody. */
static void put_source(struct row *row, const uint8_t *info)
{
	uint64_t begin = wire_get(info, INFORM_LID_BEGIN), end = wire_get(info, INFORM_LID_END);
	bool has_gid = wire_get64(info, 0) != 0 || wire_get64(info, 1) != 0;
	bool has_lids = !has_gid && begin != 0xffff;

	if (has_gid)
		put_gid(row, "of_gid", info);
	else
		row_text(row, "of_gid", NULL);
	row_put(row, "of_lid_first", has_lids ? json_integer((json_int_t)begin) : json_null());
	row_put(row, "of_lid_last",
		has_lids ? json_integer((json_int_t)(end == 0 ? begin : end)) : json_null());
}

static const char *state_of(const struct call *call, const struct subscriber *to)
{
	if (endpoint_find(call->fabric, to->by.guid).port == NO_PORT)
		return "away";
	if (to->failures > 0)
		return "silent";

	return to->n_pending > 0 ? "being-told" : "idle";
}

static json_t *make_subscription(struct call *call, const struct subscription *s)
{
	const struct subscriber *to = s->to;
	struct row row = row_start();

	row_guid(&row, "subscriber", to->by.guid);
	row_number(&row, "subscriber_vf", to->by.vf);
	row_number(&row, "qpn", to->qpn);
	put_place(call, &row, to->by.guid);
	row_bool(&row, "generic", wire_get(s->info, INFORM_GENERIC));
	put_unless_any(&row, "trap", wire_get(s->info, INFORM_TRAP), 0xffff);
	put_unless_any(&row, "type", wire_get(s->info, INFORM_TYPE), 0xffff);
	put_unless_any(&row, "producer", wire_get(s->info, INFORM_PRODUCER), 0xffffff);
	put_source(&row, s->info);
	row_text(&row, "state", state_of(call, to));
	row_number(&row, "waiting", to->n_pending);
	row_number(&row, "reported", to->reported);
	row_number(&row, "lost", to->lost);
	row_number(&row, "failures", to->failures);

	return row_end(&row);
}

void method_subscriptions(struct call *call)
{
	const struct subscriptions *all = sm_subscriptions(call->sm);
	struct page page = page_start(call, UINT32_MAX);
	const struct subscription *s = NULL;
	uint64_t i = 0;

	while ((s = subscriptions_next(all, s))) {
		if (i++ < page.from)
			continue;
		if (page.room == 0)
			break;
		page_add(&page, make_subscription(call, s));
	}
	page_end(call, &page, "subscriptions", s ? i - 1 : 0);
}
