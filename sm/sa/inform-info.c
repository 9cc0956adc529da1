/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * InformInfo (IBA 13.4.8.3, 15.2.5.12): a Set subscribes, or ends a subscription, to what happens
 * in the fabric; reports go to the QP that the request came from. The fields count as they stand,
 * whatever the ComponentMask says, as with opensm: clients leave bits out of it that they mean.
 *
 * What is refused: what makes no sense, a GID that the requester cannot see, and traps that tell of
 * wrong keys (256 to 259) for whom nobody trusts. Whether a LID of a range may be seen is decided
 * with each notice and not here. The answer has the QPN; to end what there is not is invalid.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/sa/attribute.h"

/* A multiple of 8, as AttributeOffset has it. */
#define ANSWER_SIZE 40u

static bool is_secret(const uint8_t *info)
{
	uint64_t trap = wire_get(info, INFORM_TRAP);

	return wire_get(info, INFORM_GENERIC) && trap >= TRAP_MKEY && trap <= TRAP_SWITCH_PKEY;
}

/* Ourselves are seen by all who may ask us. */
static bool is_in_sight(const struct admin_query *query, const uint8_t *info)
{
	const struct fabric *f = query->view->fabric;
	struct endpoint e;

	if (wire_get64(info, 0) == 0 && wire_get64(info, 1) == 0)
		return true;
	e = endpoint_find(f, wire_get64(info, 1));

	return e.port != NO_PORT && (e.port == f->local_port || admin_sees_endpoint(query, e));
}

static uint16_t key_at(const struct admin_view *view, unsigned index)
{
	struct endpoint own = endpoint_of_port(view->fabric->local_port);
	uint16_t keys[FABRIC_MAX_PKEYS];
	unsigned n = view->pkeys(view->user, own, keys, FABRIC_MAX_PKEYS);

	return index < MIN(n, FABRIC_MAX_PKEYS) ? keys[index] : 0;
}

static struct subscriber find_way(const struct admin_query *query)
{
	const struct address *from = &query->request->from;
	uint16_t lid = endpoint_lid(query->view->fabric, query->requester);

	return (struct subscriber){
		.by = admin_registrant(query),
		.qpn = from->qpn,
		.lid_offset =
			(uint8_t)(from->lid >= lid && from->lid - lid < 128 ? from->lid - lid : 0),
		.sl = from->sl,
		.pkey = key_at(query->view, from->pkey_index),
		.has_grh = from->has_grh,
		.sa_key = query->trusted ? query->view->conf->sa_key : 0,
		.response_time = (uint8_t)wire_get(query->wanted, INFORM_RESPONSE_TIME),
	};
}

static uint16_t find_fault(const struct admin_query *query, const struct inform_change *change)
{
	if (query->requester.port == NO_PORT || !query->view->inform_change)
		return STATUS_SA_REQ_DENIED;
	if (!inform_info_is_valid(change->info) || query->request->from.qpn == 0)
		return STATUS_SA_REQ_INVALID;
	if (change->is_end)
		return STATUS_OK;
	if (is_secret(change->info) && !query->trusted && !admin_is_trusted(query))
		return STATUS_SA_REQ_DENIED;

	return is_in_sight(query, change->info) ? STATUS_OK : STATUS_SA_INVALID_GID;
}

/* Who names nobody means all; with opensm it would never hear of anything. */
static void name_source(uint8_t *info)
{
	if (wire_get64(info, 0) == 0 && wire_get64(info, 1) == 0 &&
	    wire_get(info, INFORM_LID_BEGIN) == 0 && wire_get(info, INFORM_LID_END) == 0)
		wire_set(info, INFORM_LID_BEGIN, LIDS_ALL);
}

static void change(struct admin_query *query)
{
	uint8_t answer[ANSWER_SIZE] = { 0 };
	struct inform_change change = { .is_end = !wire_get(query->wanted, INFORM_SUBSCRIBE) };

	memcpy(change.info, query->wanted, sizeof(change.info));
	name_source(change.info);
	query->status = find_fault(query, &change);
	if (query->status != STATUS_OK)
		return;
	wire_set(change.info, INFORM_SUBSCRIBE, 1);
	change.to = find_way(query);
	wire_set(change.info, INFORM_QPN, change.to.qpn);
	query->status = query->view->inform_change(query->view->changer, &change);
	if (query->status != STATUS_OK)
		return;
	memcpy(answer, change.info, sizeof(change.info));
	wire_set(answer, INFORM_SUBSCRIBE, !change.is_end);
	admin_give(query, answer);
}

const struct admin_attribute admin_inform_info = {
	.id = ATTR_SA_INFORM_INFO,
	.record_size = ANSWER_SIZE,
	.methods = ADMIN_SET,
	.change = change,
};
