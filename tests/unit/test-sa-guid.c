/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * GuidInfoRecord: each rule about questions and requests. What becomes of a change is the plan's
 * business; here it is noted, and answered as the test likes.
 */

#include "tests/unit/sa-ask.h"

enum {
	LID = 0,
	BLOCK = 1,
	GUID_0 = 4,
};

#define NOBODY_LID 0x77

struct change {
	struct asking asking; /* first: what sa-ask.h makes and frees */
	struct guids_change seen;
	unsigned n;
	uint16_t status;
	bool later;
};

static uint16_t note(void *changer, const struct guids_change *change, bool *ret_later)
{
	struct change *c = changer;

	c->seen = *change;
	c->n++;
	*ret_later = c->later;

	return c->status;
}

static int set_up(void **state)
{
	struct change *c = calloc(1, sizeof(*c));

	if (!c || small_fabric_init(&c->asking.small) < 0) {
		free(c);
		return -1;
	}
	c->asking.small.view.guids_change = note;
	c->asking.small.view.changer = c;
	*state = c;

	return 0;
}

static void set_field(struct asking *a, unsigned bit, enum wire_field field, uint64_t value)
{
	want(a, bit);
	wire_set(sa_data_of(&a->arrival.datagram), field, value);
}

/* @who asks for block @block of @target. */
static void by_block(struct asking *a, uint8_t method, enum small_port who, enum small_port target,
		     unsigned block)
{
	question(a, who, method, ATTR_SA_GUID_RECORD);
	set_field(a, LID, GUID_RECORD_LID, a->small.lid[target]);
	set_field(a, BLOCK, GUID_RECORD_BLOCK, block);
}

static void set_guid(struct asking *a, unsigned entry, uint64_t guid)
{
	want(a, GUID_0 + entry);
	wire_set64(sa_data_of(&a->arrival.datagram) + GUID_RECORD_INFO_OFFSET, entry, guid);
}

static uint64_t guid_in(const uint8_t *record, unsigned entry)
{
	return wire_get64(record + GUID_RECORD_INFO_OFFSET, entry);
}

/* ---- questions --------------------------------------------------------------------------------
 */

static void a_block_has_the_ports_own_guid_and_its_aliases(void **state)
{
	struct asking *a = *state;
	const uint8_t *record;

	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA, 0);
	assert_int_equal(ask(a), STATUS_OK);
	record = record_at(a, 0);
	assert_int_equal(wire_get(record, GUID_RECORD_LID), 0x30);
	assert_int_equal(wire_get(record, GUID_RECORD_BLOCK), 0);
	assert_true(guid_in(record, 0) == 0x31);
	assert_true(guid_in(record, 1) == SMALL_ALIAS_1);
	for (unsigned i = 2; i < GUID_BLOCK; i++)
		assert_true(guid_in(record, i) == 0);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 9);

	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), GUID_RECORD_BLOCK), 1);
	assert_true(guid_in(record_at(a, 0), 0) == 0);
	assert_true(guid_in(record_at(a, 0), 1) == SMALL_ALIAS_9);
}

static void a_port_without_aliases_has_block_zero(void **state)
{
	struct asking *a = *state;

	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(guid_in(record_at(a, 0), 0) == 0x41);
	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1, 1);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_WEST, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(guid_in(record_at(a, 0), 0) == 0xa0);
}

static void a_table_of_a_port_has_the_blocks_with_something_in_them(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_GUID_RECORD);
	set_field(a, LID, GUID_RECORD_LID, 0x31); /* any LID of its range */
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 1), GUID_RECORD_BLOCK), 1);

	small_fabric_info(&a->small, SMALL_DELTA_1, 1)[50] = 32; /* GUIDCap */
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_GUID_RECORD);
	set_field(a, LID, GUID_RECORD_LID, 0x40);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
	/* But one that is asked for by number is there, if there is room. */
	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1, 3);
	assert_int_equal(ask(a), STATUS_OK);
	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1, 4);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void an_entry_can_be_looked_for(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_GUID_RECORD);
	set_guid(a, 1, SMALL_ALIAS_9);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), GUID_RECORD_LID), 0x30);
	assert_int_equal(wire_get(record_at(a, 0), GUID_RECORD_BLOCK), 1);
	set_guid(a, 1, 0x3aa);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void who_shares_no_partition_sees_no_guids(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_DELTA_1][0] = 0x8022;
	by_block(a, METHOD_GET, SMALL_DELTA_1, SMALL_GAMMA, 0);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_block(a, METHOD_GET, SMALL_DELTA_1, SMALL_DELTA_1, 0);
	assert_int_equal(ask(a), STATUS_OK);
}

static void what_another_has_too_is_nobodys(void **state)
{
	struct asking *a = *state;

	vf_at(&a->small.fabric, a->small.port[SMALL_GAMMA], 1)->duplicate = true;
	by_block(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(guid_in(record_at(a, 0), 1) == 0);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

static void a_set_is_passed_on_as_it_is_and_answered_with_the_whole_block(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;

	by_block(a, METHOD_SET, SMALL_GAMMA, SMALL_GAMMA, 1);
	set_guid(a, 0, 0x3b0);
	set_guid(a, 2, 0);
	wire_set64(sa_data_of(&a->arrival.datagram) + GUID_RECORD_INFO_OFFSET, 5, 0x999);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), METHOD_GET_RESPONSE);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 9);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_FLAGS), 0);
	assert_int_equal(c->n, 1);
	assert_int_equal(c->seen.requester, a->small.port[SMALL_GAMMA]);
	assert_int_equal(c->seen.port, a->small.port[SMALL_GAMMA]);
	assert_int_equal(c->seen.block, 1);
	assert_int_equal(c->seen.entries, 0x05);
	assert_false(c->seen.is_delete);
	assert_true(c->seen.guid[0] == 0x3b0 && c->seen.guid[2] == 0);
	assert_ptr_equal(c->seen.request, &a->arrival);
	assert_true(guid_in(record_at(a, 0), 1) == SMALL_ALIAS_9);
	assert_true(guid_in(record_at(a, 0), 5) == 0);
}

static void a_delete_is_answered_as_such(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;

	by_block(a, METHOD_DELETE, SMALL_GAMMA, SMALL_GAMMA, 0);
	set_guid(a, 1, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), METHOD_DELETE_RESPONSE);
	assert_true(c->seen.is_delete);
	assert_int_equal(c->seen.entries, 0x02);
	assert_true(guid_in(record_at(a, 0), 0) == 0x31);
}

static void a_request_without_lid_or_block_is_insufficient(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;
	static const uint8_t methods[] = { METHOD_SET, METHOD_DELETE };

	for (size_t i = 0; i < COUNT(methods); i++) {
		question(a, SMALL_GAMMA, methods[i], ATTR_SA_GUID_RECORD);
		set_field(a, LID, GUID_RECORD_LID, 0x30);
		set_guid(a, 1, 5);
		assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
		question(a, SMALL_GAMMA, methods[i], ATTR_SA_GUID_RECORD);
		set_field(a, BLOCK, GUID_RECORD_BLOCK, 0);
		set_guid(a, 1, 5);
		assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
	}
	assert_int_equal(c->n, 0);
}

static void there_are_no_records_beyond_what_a_port_has(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;

	by_block(a, METHOD_SET, SMALL_GAMMA, SMALL_GAMMA, 2); /* GUIDCap 10 */
	set_guid(a, 0, 5);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_block(a, METHOD_SET, SMALL_GAMMA, SMALL_GAMMA, 0);
	set_field(a, LID, GUID_RECORD_LID, NOBODY_LID);
	set_guid(a, 1, 5);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_block(a, METHOD_DELETE, SMALL_DELTA_1, SMALL_DELTA_1, 1); /* GUIDCap 0 */
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	assert_int_equal(c->n, 0);
}

static void the_ports_own_guid_is_not_for_setting(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;
	static const uint8_t methods[] = { METHOD_SET, METHOD_DELETE };

	for (size_t i = 0; i < COUNT(methods); i++) {
		by_block(a, methods[i], SMALL_GAMMA, SMALL_GAMMA, 0);
		set_guid(a, 0, 0x31);
		set_guid(a, 1, 5);
		assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
	}
	assert_int_equal(c->n, 0);
	by_block(a, METHOD_SET, SMALL_GAMMA, SMALL_GAMMA, 1); /* entry 8 is none */
	set_guid(a, 0, 5);
	assert_int_equal(ask(a), STATUS_OK);
}

static void a_status_of_the_plan_is_that_of_the_answer(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;
	static const uint8_t nothing[SA_DATA_SIZE];
	static const uint16_t statuses[] = { STATUS_SA_REQ_DENIED, STATUS_BUSY,
					     STATUS_SA_NO_RESOURCES };

	for (size_t i = 0; i < COUNT(statuses); i++) {
		c->status = statuses[i];
		by_block(a, METHOD_SET, SMALL_ALPHA, SMALL_GAMMA, 0);
		set_guid(a, 1, 5);
		assert_int_equal(ask(a), statuses[i]);
		assert_memory_equal(sa_data_in(&a->answer), nothing, SA_DATA_SIZE);
		assert_int_equal(c->seen.requester, a->small.port[SMALL_ALPHA]);
	}
}

static void a_stranger_is_nobody(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;

	by_block(a, METHOD_SET, SMALL_ALPHA, SMALL_GAMMA, 0);
	a->arrival.from.lid = NOBODY_LID;
	set_guid(a, 1, 5);
	ask(a);
	assert_int_equal(c->seen.requester, NO_PORT);
}

static void what_takes_time_is_answered_when_asked_again(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;
	struct datagram untouched;

	c->later = true;
	memset(&a->answer, 0xee, sizeof(a->answer));
	untouched = a->answer;
	by_block(a, METHOD_SET, SMALL_GAMMA, SMALL_GAMMA, 0);
	set_guid(a, 1, 5);
	assert_int_equal(put_question(a), ADMIN_LATER);
	assert_memory_equal(&a->answer, &untouched, sizeof(untouched));
	a->small.view.guids_change = NULL;
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(guid_in(record_at(a, 0), 1) == SMALL_ALIAS_1);
	assert_int_equal(c->n, 1);
}

static void other_methods_and_attributes_are_refused(void **state)
{
	struct change *c = *state;
	struct asking *a = &c->asking;
	static const uint8_t methods[] = { METHOD_GET_TRACE_TABLE, METHOD_GET_MULTI };
	static const uint16_t attrs[] = { ATTR_CLASS_PORT_INFO, ATTR_SA_NODE_RECORD,
					  ATTR_SA_PORT_RECORD, ATTR_SA_PATH_RECORD };

	for (size_t i = 0; i < COUNT(methods); i++) {
		by_block(a, methods[i], SMALL_GAMMA, SMALL_GAMMA, 0);
		assert_int_equal(ask(a), STATUS_BAD_METHOD_ATTR);
	}
	for (size_t i = 0; i < COUNT(attrs); i++) {
		question(a, SMALL_GAMMA, METHOD_SET, attrs[i]);
		assert_int_equal(ask(a), STATUS_BAD_METHOD_ATTR);
		question(a, SMALL_GAMMA, METHOD_DELETE, attrs[i]);
		assert_int_equal(ask(a), STATUS_BAD_METHOD_ATTR);
	}
	assert_int_equal(c->n, 0);
}

static void class_port_info_announces_aliases(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_BETA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(wire_get(record_at(a, 0), CLASS_INFO_CAPABILITIES2) & 1u << 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, asking_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_block_has_the_ports_own_guid_and_its_aliases),
		TEST(a_port_without_aliases_has_block_zero),
		TEST(a_table_of_a_port_has_the_blocks_with_something_in_them),
		TEST(an_entry_can_be_looked_for),
		TEST(who_shares_no_partition_sees_no_guids),
		TEST(what_another_has_too_is_nobodys),
		TEST(a_set_is_passed_on_as_it_is_and_answered_with_the_whole_block),
		TEST(a_delete_is_answered_as_such),
		TEST(a_request_without_lid_or_block_is_insufficient),
		TEST(there_are_no_records_beyond_what_a_port_has),
		TEST(the_ports_own_guid_is_not_for_setting),
		TEST(a_status_of_the_plan_is_that_of_the_answer),
		TEST(a_stranger_is_nobody),
		TEST(what_takes_time_is_answered_when_asked_again),
		TEST(other_methods_and_attributes_are_refused),
		TEST(class_port_info_announces_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
