/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SMInfoRecord (IBA 15.2.5.10): ourselves, and the other subnet managers that were seen. The SM_Key
 * in it is always 0. Of others the ActCount is what we last heard, and that is not kept: 0.
 */

#include "base/macros.h"
#include "sm/sa/attribute.h"
#include "sm/sm.h"

enum { WANT_LID = 0 };

#define INFO SM_RECORD_INFO_OFFSET

/* clang-format off */
static const struct admin_component components[] = {
	[WANT_LID] = NOT_COMPARED, /* see offer() */
	NOT_COMPARED, /* reserved */
	AT(INFO, SM_INFO_GUID),
	AT(INFO, SM_INFO_KEY),
	AT(INFO, SM_INFO_ACT_COUNT),
	AT(INFO, SM_INFO_PRIORITY),
	AT(INFO, SM_INFO_STATE),
};
/* clang-format on */

static bool offer(struct admin_query *query, uint32_t port, const struct sm_peer *sm,
		  uint32_t act_count)
{
	const struct fabric *f = query->view->fabric;
	uint8_t record[SM_RECORD_SIZE] = { 0 };

	if (port == NO_PORT || !admin_is_end(f, port))
		return true;
	if (admin_has(query, WANT_LID) &&
	    fabric_find_lid(f, (unsigned)wire_get(query->wanted, SM_RECORD_LID)) != port)
		return true;

	wire_set(record, SM_RECORD_LID, f->ports[port].lid);
	wire_set(record + INFO, SM_INFO_GUID, sm->guid);
	wire_set(record + INFO, SM_INFO_ACT_COUNT, act_count);
	wire_set(record + INFO, SM_INFO_PRIORITY, sm->priority);
	wire_set(record + INFO, SM_INFO_STATE, sm->state);

	return admin_offer(query, endpoint_of_port(port), record);
}

static bool offer_ourselves(struct admin_query *query)
{
	const struct admin_view *view = query->view;
	uint32_t port = view->fabric->local_port;
	struct sm_peer self = {
		.priority = (uint8_t)view->conf->priority,
		.state = view->sm_state,
	};

	if (port != NO_PORT)
		self.guid = view->fabric->ports[port].guid;

	return offer(query, port, &self, view->act_count);
}

static void each(struct admin_query *query)
{
	const struct admin_view *view = query->view;
	struct sm_peer peer;

	if (!offer_ourselves(query))
		return;
	for (unsigned n = 0; view->peer(view->user, n, &peer); n++) {
		if (!offer(query, fabric_find_port(view->fabric, peer.guid), &peer, 0))
			return;
	}
}

const struct admin_attribute admin_sm_record = {
	.id = ATTR_SA_SM_RECORD,
	.record_size = SM_RECORD_SIZE,
	.methods = ADMIN_GET | ADMIN_GET_TABLE,
	.n_components = COUNT(components),
	.components = components,
	.each = each,
};
