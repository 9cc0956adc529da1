/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What arrives, by class: questions to the SA are answered at once, from what is known (those for
 * paths once that is known, see path-wait.c); answers to what we asked go to the request engine,
 * traps and SMInfo to those whose matter they are. In turns by source, see fair.h.
 */

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/machine.h"

static uint8_t route_for_admin(const void *user, uint32_t node, unsigned lid)
{
	return sm_route(user, node, lid);
}

static const uint8_t *table_for_admin(const void *user, uint32_t node, unsigned *ret_size)
{
	return sm_table(user, node, ret_size);
}

static uint8_t level_for_admin(const void *user, uint32_t a, uint32_t b)
{
	return sm_service_level(user, a, b);
}

static unsigned pkeys_for_admin(const void *user, struct endpoint e, uint16_t *ret, unsigned room)
{
	return pkeys_of_endpoint(user, e, ret, room);
}

static bool sltovl_for_admin(const void *user, uint32_t out, unsigned in, uint8_t *ret)
{
	return lanes_held_levels(user, out, in, ret);
}

static bool arbitration_for_admin(const void *user, uint32_t out, unsigned block, uint8_t *ret)
{
	return lanes_held_turns(user, out, block, ret);
}

static bool peer_for_admin(const void *user, unsigned n, struct sm_peer *ret)
{
	return sm_peer(user, n, ret);
}

static uint16_t guids_for_admin(void *changer, const struct guids_change *change, bool *ret_later)
{
	return aliases_change(changer, change, ret_later);
}

static uint16_t service_for_admin(void *changer, const struct service_change *change,
				  struct service *ret)
{
	return services_change(changer, change, ret);
}

static uint16_t member_for_admin(void *changer, const struct member_change *change,
				 uint8_t *ret_record)
{
	return multicast_change(changer, change, ret_record);
}

static uint16_t inform_for_admin(void *changer, const struct inform_change *change)
{
	return subscriptions_change(changer, change);
}

static uint16_t admit_for_admin(void *changer, const struct arrival *request, bool *ret_later)
{
	return registrations_admit(changer, request, ret_later);
}

static bool has_changed(const struct arrival *request, const struct datagram *reply)
{
	uint64_t method = wire_get(&request->datagram, MAD_METHOD);

	return wire_get(reply, MAD_STATUS) == STATUS_OK &&
	       (method == METHOD_SET || method == METHOD_DELETE);
}

static void send_answer(struct sm *sm, const struct admin_answer *answer, const struct address *to)
{
	int r;

	if (!answer->message) {
		transport_send(sm->transport, &answer->datagram, to, 0);
		return;
	}
	r = transport_send_message(sm->transport, answer->message, answer->length, to);
	if (r == 0)
		outstanding_sent(&sm->outstanding, to->lid, wire_get(&answer->datagram, MAD_TID),
				 answer->length, loop_now(sm->loop));
}

/* @changer: who makes the changes that it asks for; NULL: nobody. */
static void answer_admin(struct sm *sm, const struct arrival *arrival, struct sm *changer)
{
	struct admin_view view = {
		.fabric = &sm->fabric,
		.conf = &sm->conf,
		.partitions = sm->partitions,
		.qos = sm->qos,
		.act_count = (uint32_t)requests_totals(sm->requests)->sent,
		.sm_state = (uint8_t)sm->state,
		.room = outstanding_room(&sm->outstanding, arrival->from.lid, loop_now(sm->loop)),
		.ways = sm->phase == PHASE_REST ? &sm->ways : NULL,
		.user = sm,
		.route = route_for_admin,
		.table = table_for_admin,
		.service_level = sm->routing.levels.lanes.sl ? level_for_admin : NULL,
		.pkeys = pkeys_for_admin,
		.sltovl = sltovl_for_admin,
		.vl_arbitration = arbitration_for_admin,
		.peer = peer_for_admin,
		.services = &sm->services,
		.subscriptions = &sm->subscriptions,
		.now = loop_now(sm->loop),
		.service_change = changer ? service_for_admin : NULL,
		.inform_change = changer ? inform_for_admin : NULL,
		.changer = changer,
		.guids_change = changer ? guids_for_admin : NULL,
		.groups = sm_groups(sm),
		.member_change = changer ? member_for_admin : NULL,
		.admit = changer ? admit_for_admin : NULL,
		.wait = changer ? path_wait_take : path_wait_refuse,
		.waiter = sm,
	};
	struct admin_answer answer;

	if (sm->state != SM_MASTER || admin_answer(&view, arrival, &answer) != ADMIN_ANSWERED)
		return;
	if (changer && has_changed(arrival, &answer.datagram) &&
	    !registrations_are_safe(&sm->registrations))
		registrations_hold(sm, arrival, &answer.datagram);
	else
		send_answer(sm, &answer, &arrival->from);
	admin_answer_done(&answer);
}

/*
 * Only a MultiPathRecord can be longer than a datagram. Of others what counts is in the first, and
 * whoever keeps one until a change is made keeps no more.
 */
static void take_message(struct sm *sm, const struct arrival *arrival)
{
	struct arrival first = *arrival;

	if (wire_get(&arrival->datagram, MAD_METHOD) != METHOD_GET_MULTI) {
		first.message = NULL;
		first.length = 0;
	}
	answer_admin(sm, &first, sm);
}

static bool is_report_response(const struct arrival *arrival)
{
	const struct datagram *d = &arrival->datagram;

	return !arrival->undelivered && wire_get(d, MAD_METHOD) == METHOD_REPORT_RESPONSE &&
	       wire_get(d, MAD_ATTR) == ATTR_NOTICE;
}

/* A message of ours that is over comes back, as do requests that nobody took. */
static void take_of_admin(struct sm *sm, const struct arrival *arrival)
{
	const struct datagram *d = &arrival->datagram;

	if (arrival->undelivered && wire_is_response(d))
		outstanding_over(&sm->outstanding, arrival->from.lid, wire_get(d, MAD_TID));
	else if (is_report_response(arrival))
		reports_take(sm, arrival);
	else if (arrival->length > 0)
		take_message(sm, arrival);
	else
		answer_admin(sm, arrival, sm);
}

void sm_answer_again(struct sm *sm, const struct arrival *arrival)
{
	answer_admin(sm, arrival, NULL);
}

static void take_request(struct sm *sm, const struct arrival *arrival)
{
	const struct datagram *d = &arrival->datagram;
	uint64_t method = wire_get(d, MAD_METHOD);
	uint64_t attr = wire_get(d, MAD_ATTR);

	if (method == METHOD_TRAP && attr == ATTR_NOTICE)
		trap_receive(sm, arrival);
	else if ((method == METHOD_GET || method == METHOD_SET) && attr == ATTR_SM_INFO)
		election_request(sm, arrival);
}

static void take(struct sm *sm, const struct arrival *arrival)
{
	switch (wire_get(&arrival->datagram, MAD_CLASS)) {
	case CLASS_SA:
		take_of_admin(sm, arrival);
		break;
	case CLASS_SM_LID:
	case CLASS_SM_DIRECTED:
		if (!requests_receive(sm->requests, arrival))
			take_request(sm, arrival);
		break;
	default:
		break;
	}
}

void sm_receive(struct sm *sm, const struct arrival *arrivals, unsigned n)
{
	uint16_t order[FAIR_MAX];

	for (unsigned some; n > 0; arrivals += some, n -= some) {
		some = MIN(n, FAIR_MAX);
		fair_order(&sm->fair, arrivals, some, order);
		for (unsigned i = 0; i < some; i++)
			take(sm, &arrivals[order[i]]);
	}
	requests_pump(sm->requests);
}
