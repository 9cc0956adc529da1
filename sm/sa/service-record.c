/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ServiceRecord (IBA 15.2.5.14): where a service is, for whoever looks for it by its number or its
 * name. Hosts set and delete them; what becomes of that is in sm/service.c. Here is what a record
 * has to be like, and who sees it.
 *
 * It is known by ServiceID, ServiceGID and ServiceP_Key, and these count as they stand in the
 * record whatever the ComponentMask of a Set or Delete says: clients delete what they were told
 * before, with the mask that they had found it by. So a P_Key of 0 is "in any partition", and any
 * other one has to be that of the requester and of who has the GID. A prefix of 0, or the default
 * one, is ours. opensm takes a P_Key that is not in the mask as it is, whoever has it, and GIDs
 * that nobody has.
 *
 * Who sees it shares its partition with it, or if it has none any with its GID. One whose GID is
 * not in the fabric now is seen by nobody: nobody could get there. A lease counts down; that it
 * lasts for ever is said by all ones. The ServiceKey is told to nobody, but may be asked for.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"
#include "sm/services.h"

enum {
	WANT_ID = 0,
	WANT_GID = 1,
	WANT_KEY = 5,
	WANT_LEASE = 4,
};

enum {
	DATA8 = 112,
	DATA16 = 128,
	DATA32 = 144,
	DATA64 = 160,
};

#define D8(n_)  BYTES_AT(DATA8 + (n_), 1)
#define D16(n_) BYTES_AT(DATA16 + 2 * (n_), 2)
#define D32(n_) BYTES_AT(DATA32 + 4 * (n_), 4)
#define D64(n_) BYTES_AT(DATA64 + 8 * (n_), 8)

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_ID] = AT(0, SERVICE_ID),
	[WANT_GID] = NOT_COMPARED, /* see is_wanted() */
	AT(0, SERVICE_PKEY),
	NOT_COMPARED, /* reserved */
	[WANT_LEASE] = AT(0, SERVICE_LEASE),
	[WANT_KEY] = NOT_COMPARED, /* see is_wanted() */
	BYTES_AT(SERVICE_NAME_OFFSET, SERVICE_NAME_SIZE),
	D8(0), D8(1), D8(2), D8(3), D8(4), D8(5), D8(6), D8(7),
	D8(8), D8(9), D8(10), D8(11), D8(12), D8(13), D8(14), D8(15),
	D16(0), D16(1), D16(2), D16(3), D16(4), D16(5), D16(6), D16(7),
	D32(0), D32(1), D32(2), D32(3),
	D64(0), D64(1),
};
/* clang-format on */

static bool is_multicast(const uint8_t *record)
{
	return record[SERVICE_GID_OFFSET] == 0xff;
}

static void make_own_prefix(const struct admin_view *view, uint8_t *record)
{
	uint64_t prefix = wire_get64(record + SERVICE_GID_OFFSET, 0);

	if (prefix == 0 || prefix == GID_PREFIX_DEFAULT)
		wire_set64(record + SERVICE_GID_OFFSET, 0, view->conf->subnet_prefix);
}

/* Who has the GID now. What prefix it has is not looked at: osmtest writes it backwards. */
static struct endpoint find_holder(const struct admin_view *view, const uint8_t *record)
{
	return endpoint_find(view->fabric, wire_get64(record + SERVICE_GID_OFFSET, 1));
}

/* ---- questions --------------------------------------------------------------------------------
 */

static void write_record(const struct admin_query *query, const struct service *service,
			 uint8_t *ret)
{
	memcpy(ret, service->record, SERVICE_RECORD_SIZE);
	wire_set(ret, SERVICE_LEASE, service_lease_left(service, query->view->now));
	if (!query->trusted)
		memset(ret + SERVICE_KEY_OFFSET, 0, 16);
}

/* By its partition alone; whether the requester and who has the GID have one, see admin_offer(). */
static bool is_in_sight(const struct admin_query *query, const uint8_t *record,
			struct endpoint holder)
{
	uint16_t pkey = (uint16_t)wire_get(record, SERVICE_PKEY);

	if (query->trusted)
		return true;
	if (query->requester.port == NO_PORT || holder.port == NO_PORT)
		return false;
	if (is_multicast(record))
		return pkey == 0 || admin_keys_have(query->visible, (uint16_t)pkey);

	return pkey == 0 || endpoint_is(holder, query->requester) ||
	       admin_keys_share(query->view, query->visible, holder, pkey);
}

static bool is_wanted(const struct admin_query *query, const uint8_t *wanted,
		      const struct service *service)
{
	return (!admin_has(query, WANT_GID) ||
		memcmp(wanted + SERVICE_GID_OFFSET, service->record + SERVICE_GID_OFFSET, 16) ==
			0) &&
	       (!admin_has(query, WANT_KEY) ||
		memcmp(wanted + SERVICE_KEY_OFFSET, service->record + SERVICE_KEY_OFFSET, 16) == 0);
}

static bool offer(struct admin_query *query, const struct service *service)
{
	struct endpoint holder = FOR_EVERYBODY;
	uint8_t record[SERVICE_RECORD_SIZE];

	if (!is_multicast(service->record))
		holder = find_holder(query->view, service->record);
	if (service_has_lapsed(service, query->view->now) ||
	    !is_in_sight(query, service->record, holder))
		return true;
	write_record(query, service, record);

	return admin_offer(query, holder.port == NO_PORT ? FOR_EVERYBODY : holder, record);
}

static void each(struct admin_query *query)
{
	uint64_t id = wire_get(query->wanted, SERVICE_ID);
	const struct services *services = query->view->services;
	const struct service *service = NULL;
	uint8_t wanted[SERVICE_RECORD_SIZE];

	memcpy(wanted, query->wanted, sizeof(wanted));
	make_own_prefix(query->view, wanted);
	while (services &&
	       (service = services_next(services, admin_has(query, WANT_ID) ? &id : NULL, service)))
		if (is_wanted(query, wanted, service) && !offer(query, service))
			return;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

/* Of a Set: may there be such a record at all? */
static uint16_t find_fault(const struct admin_query *query, const uint8_t *record)
{
	uint16_t pkey = (uint16_t)wire_get(record, SERVICE_PKEY);
	struct endpoint holder;

	if (!admin_has(query, WANT_ID) || !admin_has(query, WANT_GID))
		return STATUS_SA_INSUFFICIENT_COMPONENTS;
	if (wire_get(record, SERVICE_LEASE) == 0)
		return STATUS_SA_REQ_INVALID;
	if (is_multicast(record))
		return pkey == 0 || admin_keys_have(query->visible, (uint16_t)pkey)
			       ? STATUS_OK
			       : STATUS_SA_REQ_INVALID;
	holder = find_holder(query->view, record);
	if (holder.port == NO_PORT || !admin_sees_endpoint(query, holder))
		return STATUS_SA_INVALID_GID;
	if (pkey == 0)
		return STATUS_OK;

	return admin_keys_have(query->visible, (uint16_t)pkey) &&
			       admin_keys_own(query->view, holder, pkey) != 0
		       ? STATUS_OK
		       : STATUS_SA_REQ_INVALID;
}

static void change(struct admin_query *query)
{
	struct service_change change = {
		.requester = query->requester,
		.trusted = query->trusted || admin_is_trusted(query),
		.is_delete = query->method == METHOD_DELETE,
		.has_key = admin_has(query, WANT_KEY),
	};
	uint8_t record[SERVICE_RECORD_SIZE];
	struct service service;

	memcpy(change.record, query->wanted, sizeof(change.record));
	make_own_prefix(query->view, change.record);
	if (!admin_has(query, WANT_LEASE))
		wire_set(change.record, SERVICE_LEASE, SERVICE_LEASE_EVER);
	if (query->requester.port == NO_PORT || !query->view->service_change)
		query->status = STATUS_SA_REQ_DENIED;
	else if (!change.is_delete)
		query->status = find_fault(query, change.record);
	if (query->status != STATUS_OK)
		return;
	change.by = admin_registrant(query);
	query->status = query->view->service_change(query->view->changer, &change, &service);
	if (query->status != STATUS_OK)
		return;
	write_record(query, &service, record);
	admin_give(query, record);
}

const struct admin_attribute admin_service_record = {
	.id = ATTR_SA_SERVICE_RECORD,
	.record_size = SERVICE_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE | ADMIN_SET | ADMIN_DELETE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
	.change = change,
};
