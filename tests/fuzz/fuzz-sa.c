/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever arrives on QP1, from wherever, the subnet administrator answers or drops it. What it
 * drops leaves no trace; what it answers is well-formed, says nothing of an M_Key, and is the same
 * the second time. What it passes on to be changed is possible.
 *
 * The input: source LID (two bytes), a byte of bits, a byte that is not used, and the datagram, or
 * the message that RMPP has put together if it is longer than that. Bit 0 lets the tables loop, bit
 * 1 cuts the cable between the switches, with bit 2 the key in the question is ours, with bit 3
 * ways are remembered, with bit 4 the requester has much under way.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "sm/sa/ways.h"
#include "tests/common/small-fabric.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD   4u
#define FILLER 0xee

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Nothing is changed, or all of it later. */
static uint16_t take_change(void *changer, const struct guids_change *change, bool *ret_later)
{
	const struct small_fabric *small = changer;
	const struct port *port;

	check(change->port < small->fabric.n_ports);
	port = &small->fabric.ports[change->port];
	check(port->guid != 0 && (change->block > 0 || !(change->entries & 1)));
	check(change->block * GUID_BLOCK < MAX(wire_get(port->info, PORT_INFO_GUID_CAP), 1));
	check(change->requester == NO_PORT || change->requester < small->fabric.n_ports);
	*ret_later = change->entries == 0xff;

	return change->is_delete ? STATUS_SA_REQ_DENIED : STATUS_OK;
}

static const uint8_t *table(const void *user, uint32_t node, unsigned *ret_size)
{
	const struct small_fabric *small = user;
	const struct sw *sw = small->fabric.nodes[node].sw;

	*ret_size = sw->lft_size;

	return sw->lft;
}

/* One that everybody may send to. */
static const struct group_book *groups(void)
{
	static struct group_book book;
	struct group group = { .mgid = { 0xff, 0x12, 0x40, 0x1b, 0xff, 0xff },
			       .mlid = MLID_FIRST,
			       .pkey = 0xffff,
			       .mtu = 4,
			       .rate = 3 };
	struct group *ret;

	if (book.n == 0)
		check(group_add(&book, &group, &ret) == 0);

	return &book;
}

/* Done as it is asked for, and not remembered. */
static uint16_t take_service(void *changer, const struct service_change *change,
			     struct service *ret)
{
	const struct small_fabric *small = changer;
	uint64_t prefix = wire_get64(change->record + 8, 0);

	check(change->requester.port < small->fabric.n_ports && change->by.guid && change->by.port);
	check(prefix != 0 && prefix != UINT64_C(0xfe80000000000000));
	check(change->is_delete || wire_get(change->record, SERVICE_LEASE) != 0);
	*ret = (struct service){ .row = 1, .by = change->by };
	memcpy(ret->record, change->record, sizeof(ret->record));

	return change->has_key ? STATUS_SA_REQ_DENIED : STATUS_OK;
}

static uint16_t take_subscription(void *changer, const struct inform_change *change)
{
	(void)changer;
	check(inform_info_is_valid(change->info) && wire_get(change->info, INFORM_SUBSCRIBE) == 1);
	check(change->to.by.guid && change->to.by.port && change->to.qpn > 0);
	check(change->to.lid_offset < 128);

	return change->is_end ? STATUS_SA_REQ_INVALID : STATUS_OK;
}

/* One of a port, one of nobody, one of a multicast group; all have a key. */
static const struct services *services(const struct small_fabric *small)
{
	static struct services all;

	if (all.n > 0)
		return &all;
	services_init(&all);
	for (uint64_t i = 1; i <= 3; i++) {
		struct service s = { .row = i, .by = { 1, 1, 0 }, .lapses_at = i == 2 ? 5000 : 0 };

		memset(s.record, 0x5e, sizeof(s.record));
		wire_set(s.record, SERVICE_ID, i);
		wire_set64(s.record + 8, 0, i == 3 ? UINT64_C(0xff12) << 48 : SMALL_PREFIX);
		wire_set64(s.record + 8, 1, i == 1 ? small->guid[SMALL_GAMMA] : 0x999);
		wire_set(s.record, SERVICE_PKEY, i == 1 ? 0x8001 : 0);
		check(services_add(&all, &s));
	}

	return &all;
}

static const struct subscriptions *subscriptions(const struct small_fabric *small)
{
	static struct subscriptions all;

	if (all.n > 0)
		return &all;
	subscriptions_init(&all);
	for (uint64_t i = 1; i <= 2; i++) {
		struct subscriber to = { .by = { i == 1 ? small->guid[SMALL_BETA] : 0x999, 1, 0 },
					 .qpn = 72 };
		uint8_t info[INFORM_INFO_SIZE] = { 0 };

		wire_set(info, INFORM_QPN, 72);
		check(subscriptions_add(&all, &to, i, info));
	}

	return &all;
}

static struct small_fabric *fabric(bool cut)
{
	static struct small_fabric fabrics[2];
	struct small_fabric *small = &fabrics[cut];

	if (small->fabric.by_lid)
		return small;
	check(small_fabric_init(small) == 0);
	small->view.guids_change = take_change;
	small->view.changer = small;
	small->view.table = table;
	small->view.groups = groups();
	small->conf.subnet_prefix = SMALL_PREFIX;
	small->view.service_change = take_service;
	small->view.inform_change = take_subscription;
	small->view.services = services(small);
	small->view.subscriptions = subscriptions(small);
	small->view.now = 1000;
	if (cut)
		fabric_disconnect(&small->fabric, small->port[SMALL_WEST] + SMALL_TRUNK);

	return small;
}

static bool is_all(const uint8_t *bytes, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != value)
			return false;
	}

	return true;
}

static void check_head(const struct datagram *request, const struct datagram *answer)
{
	static const enum wire_field echoed[] = { MAD_BASE_VERSION, MAD_CLASS, MAD_CLASS_VERSION,
						  MAD_TID,          MAD_ATTR,  MAD_MODIFIER };

	for (size_t i = 0; i < COUNT(echoed); i++) {
		/* To a MultiPathRecord PathRecords are the answer. */
		if (echoed[i] != MAD_ATTR || wire_get(request, MAD_METHOD) != METHOD_GET_MULTI)
			check(wire_get(request, echoed[i]) == wire_get(answer, echoed[i]));
	}
	check(wire_is_response(answer));
	check(wire_get(answer, SA_KEY) == 0);
}

static bool is_one_record(const struct datagram *request)
{
	uint64_t method = wire_get(request, MAD_METHOD);

	return method == METHOD_GET || method == METHOD_SET || method == METHOD_DELETE;
}

/* How many bytes of records a good answer has. */
static size_t check_records(const struct datagram *request, const struct admin_answer *whole)
{
	const struct datagram *answer = &whole->datagram;
	size_t record = wire_get(answer, SA_ATTR_OFFSET) * 8;
	size_t length = wire_get(answer, SA_RMPP_LENGTH);

	check(record != 0 && record <= SA_DATA_SIZE);
	if (is_one_record(request)) {
		check(wire_get(answer, SA_RMPP_FLAGS) == 0 && length == 0 && !whole->message);
		return record;
	}
	check(wire_get(answer, SA_RMPP_FLAGS) == (RMPP_ACTIVE | RMPP_FIRST | RMPP_LAST));
	check(wire_get(answer, SA_RMPP_SEGMENT) == 1 && wire_get(answer, SA_RMPP_TYPE) == 1);
	check(length >= 20 && (length - 20) % record == 0 && length - 20 <= ADMIN_MAX_RECORDS);
	check(whole->message ? whole->length == SA_DATA_OFFSET + length - 20 : length - 20 <= 200);

	return length - 20;
}

/* Who asks knows our key. */
static bool trusted;

static void check_keys(const struct datagram *head, const uint8_t *records, size_t bytes)
{
	uint8_t mkey[8];

	wire_set64(mkey, 0, SMALL_MKEY);
	/* What is registered may be anything. */
	check(wire_get(head, MAD_ATTR) == ATTR_SA_SERVICE_RECORD ||
	      wire_get(head, MAD_ATTR) == ATTR_SA_INFORM_INFO ||
	      !memmem(records, bytes, mkey, sizeof(mkey)));
	for (size_t i = 0;
	     wire_get(head, MAD_ATTR) == ATTR_SA_SERVICE_RECORD && i < bytes && !trusted;
	     i += SERVICE_RECORD_SIZE)
		check(is_all(records + i + 32, 16, 0));
	if (wire_get(head, MAD_ATTR) != ATTR_SA_PORT_RECORD)
		return;
	for (size_t i = 0; i < bytes; i += PORT_RECORD_SIZE)
		check(wire_get(records + i + PORT_RECORD_INFO_OFFSET, PORT_INFO_MKEY) == 0);
}

static void check_answer(const struct datagram *request, const struct admin_answer *whole)
{
	const struct datagram *answer = &whole->datagram;
	size_t bytes = 0;

	check_head(request, answer);
	if (wire_get(answer, MAD_STATUS) == STATUS_OK)
		bytes = check_records(request, whole);
	else
		check(wire_get(answer, SA_RMPP_FLAGS) == 0 &&
		      wire_get(answer, SA_ATTR_OFFSET) == 0 && !whole->message);
	if (whole->message) {
		check(memcmp(whole->message, answer, SA_DATA_OFFSET) == 0);
		check_keys(answer, whole->message + SA_DATA_OFFSET, bytes);
		return;
	}
	check(is_all(sa_data_in(answer) + bytes, SA_DATA_SIZE - bytes, 0));
	check_keys(answer, sa_data_in(answer), bytes);
}

static void check_same(const struct admin_answer *a, const struct admin_answer *b)
{
	check(memcmp(&a->datagram, &b->datagram, sizeof(a->datagram)) == 0);
	check(a->length == b->length && !a->message == !b->message);
	check(!a->message || memcmp(a->message, b->message, a->length) == 0);
}

enum { LOOPS = 1, CUT = 2, TRUSTED = 4, REMEMBERS = 8, BUSY = 16 };

/* An exact copy, so that who reads beyond its end is found out. */
static void fill_arrival(struct arrival *arrival, const uint8_t *bytes, size_t size)
{
	memcpy(arrival->datagram.bytes, bytes, MIN(size, MAD_SIZE));
	if (size <= MAD_SIZE)
		return;
	arrival->length = (uint32_t)size;
	arrival->message = malloc(size);
	check(arrival->message != NULL);
	memcpy(arrival->message, bytes, size);
}

static void set_view(struct small_fabric *small, unsigned bits, const struct arrival *arrival,
		     struct ways *ways)
{
	small->loops = bits & LOOPS;
	small->conf.sa_key = bits & TRUSTED ? wire_get(&arrival->datagram, SA_KEY) : 0;
	trusted = small->conf.sa_key != 0;
	small->view.ways = bits & REMEMBERS ? ways : NULL;
	small->view.room = bits & BUSY ? 300 : ADMIN_MAX_RECORDS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arrival arrival = { .from = { .qpn = 1 } };
	struct admin_answer answer, again;
	struct ways ways = { .link = NULL };
	struct small_fabric *small;

	if (size < HEAD || size > HEAD + TRANSPORT_MAX_MESSAGE)
		return 0;
	small = fabric(data[2] & CUT);
	arrival.from.lid = wire_get16(data, 0);
	fill_arrival(&arrival, data + HEAD, size - HEAD);
	set_view(small, data[2], &arrival, &ways);
	answer = again = (struct admin_answer){ .length = 0 };
	memset(&answer.datagram, FILLER, sizeof(answer.datagram));
	memset(&again.datagram, FILLER, sizeof(again.datagram));

	if (admin_answer(&small->view, &arrival, &answer) == ADMIN_ANSWERED)
		check_answer(&arrival.datagram, &answer);
	else
		check(is_all(answer.datagram.bytes, MAD_SIZE, FILLER));
	admin_answer(&small->view, &arrival, &again);
	check_same(&answer, &again);
	admin_answer_done(&answer);
	admin_answer_done(&again);
	ways_drop(&ways);
	free(arrival.message);

	return 0;
}
