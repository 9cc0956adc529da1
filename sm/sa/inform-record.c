/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * InformInfoRecord (IBA 15.2.5.12): who has subscribed to what. Seen by those who can see the
 * subscriber; the QPN to which reports go by whom we trust alone, and a subscriber that is not in
 * the fabric by those, too. The number of a record is unique for its subscriber's GID, as IBA wants
 * it: the last 16 bits of that of its row (choose_row() of subscription.c).
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

enum { WANT_GID = 0 };

#define INFO INFORM_RECORD_INFO_OFFSET

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_GID] = BYTES_AT(0, 16),
	AT(0, INFORM_RECORD_ENUM),
	NOT_COMPARED, /* reserved */
	BYTES_AT(INFO, 16),
	AT(INFO, INFORM_LID_BEGIN),
	AT(INFO, INFORM_LID_END),
	NOT_COMPARED, /* reserved */
	AT(INFO, INFORM_GENERIC),
	AT(INFO, INFORM_SUBSCRIBE),
	AT(INFO, INFORM_TYPE),
	AT(INFO, INFORM_TRAP),
	AT(INFO, INFORM_QPN),
	NOT_COMPARED, /* reserved */
	AT(INFO, INFORM_RESPONSE_TIME),
	NOT_COMPARED, /* reserved */
	AT(INFO, INFORM_PRODUCER),
};
/* clang-format on */

static bool offer(struct admin_query *query, const struct subscription *s)
{
	uint8_t record[INFORM_RECORD_SIZE] = { 0 };
	struct endpoint e = endpoint_find(query->view->fabric, s->to->by.guid);

	if (e.port == NO_PORT && !query->trusted)
		return true;
	wire_set64(record, 0, query->view->conf->subnet_prefix);
	wire_set64(record, 1, s->to->by.guid);
	wire_set(record, INFORM_RECORD_ENUM, s->row);
	memcpy(record + INFO, s->info, INFORM_INFO_SIZE);
	if (!query->trusted)
		wire_set(record + INFO, INFORM_QPN, 0);

	return admin_offer(query, e.port == NO_PORT ? FOR_EVERYBODY : e, record);
}

static void each(struct admin_query *query)
{
	const struct subscriptions *subscriptions = query->view->subscriptions;
	const struct subscription *s = NULL;

	while (subscriptions && (s = subscriptions_next(subscriptions, s)) && offer(query, s))
		;
}

const struct admin_attribute admin_inform_record = {
	.id = ATTR_SA_INFORM_INFO_RECORD,
	.record_size = INFORM_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
