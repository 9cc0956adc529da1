/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The subnet administrator but for paths: who is answered, with which status, what is in the
 * records, and who sees them. Component bits are written as numbers, as a client has them.
 */

#include "tests/unit/sa-ask.h"

#define NOBODY_LID 0x77

/* ---- who is answered --------------------------------------------------------------------------
 */

static bool is_dropped(struct asking *a)
{
	return put_question(a) == ADMIN_SILENT;
}

static void the_whole_tid_comes_back(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_BETA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(wire_get(&a->answer, MAD_TID) == TID);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), METHOD_GET_RESPONSE);
	assert_int_equal(wire_get(&a->answer, MAD_CLASS_VERSION), CLASS_SA_VERSION);
	assert_int_equal(wire_get(&a->answer, MAD_BASE_VERSION), 1);
	want(a, 42);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(wire_get(&a->answer, SA_COMP_MASK) == UINT64_C(1) << 42);
}

static void the_same_question_twice_gets_the_same_answer(void **state)
{
	struct asking *a = *state;
	struct datagram first;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);
	want(a, 7);
	wire_set(sa_data_of(&a->arrival.datagram) + NODE_RECORD_INFO_OFFSET, NODE_INFO_NODE_GUID,
		 0x20);
	ask(a);
	first = a->answer;
	ask(a);
	assert_memory_equal(&first, &a->answer, sizeof(first));
}

static void answers_are_not_answered(void **state)
{
	struct asking *a = *state;
	static const uint8_t methods[] = { 0x81, 0x92, 0x94, 0x95, 0x86, METHOD_TRAP_REPRESS };

	for (size_t i = 0; i < COUNT(methods); i++) {
		question(a, SMALL_ALPHA, methods[i], ATTR_SA_NODE_RECORD);
		assert_true(is_dropped(a));
	}
}

static void methods_that_have_no_answer_get_none(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_TRAP, ATTR_NOTICE);
	assert_true(is_dropped(a));
	question(a, SMALL_ALPHA, 0x03, ATTR_NOTICE);
	assert_true(is_dropped(a));
}

static void other_classes_and_base_versions_are_dropped(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	wire_set(&a->arrival.datagram, MAD_CLASS, 0x04);
	assert_true(is_dropped(a));
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	wire_set(&a->arrival.datagram, MAD_BASE_VERSION, 2);
	assert_true(is_dropped(a));
}

static void what_came_back_undelivered_is_no_question(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	a->arrival.undelivered = true;
	assert_true(is_dropped(a));
}

static void rmpp_acknowledgements_are_not_questions(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	wire_set(&a->arrival.datagram, SA_RMPP_FLAGS, RMPP_ACTIVE);
	wire_set(&a->arrival.datagram, SA_RMPP_TYPE, 2);
	assert_true(is_dropped(a));
}

static void another_class_version_is_answered_as_bad(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	wire_set(&a->arrival.datagram, MAD_CLASS_VERSION, 1);
	assert_int_equal(ask(a), STATUS_BAD_VERSION);
}

static void what_is_not_served_is_answered_as_not_supported(void **state)
{
	struct asking *a = *state;
	static const uint16_t pairs[][2] = {
		{ METHOD_GET, 0x003b },                     /* ServiceAssociationRecord */
		{ METHOD_GET, 0x0003 },                     /* InformInfo */
		{ METHOD_GET, 0x0000 },                     /* no attribute */
		{ METHOD_GET, 0xffff },                     /* */
		{ METHOD_GET_TABLE, 0x003a },               /* MultiPathRecord */
		{ METHOD_GET_TABLE, 0x0039 },               /* TraceRecord */
		{ METHOD_GET_TRACE_TABLE, 0x0035 },         /* that has another name */
		{ METHOD_GET_MULTI, 0x0035 },               /* that has another name */
		{ METHOD_SET, ATTR_SA_PATH_RECORD },        /* read only */
		{ METHOD_DELETE, ATTR_SA_NODE_RECORD },     /* */
		{ METHOD_GET_TABLE, ATTR_CLASS_PORT_INFO }, /* one only */
	};

	for (size_t i = 0; i < COUNT(pairs); i++) {
		question(a, SMALL_ALPHA, (uint8_t)pairs[i][0], pairs[i][1]);
		memset(sa_data_of(&a->arrival.datagram), 0xff, SA_DATA_SIZE);
		assert_int_equal(ask(a), STATUS_BAD_METHOD_ATTR);
		for (unsigned k = 0; k < SA_DATA_SIZE; k++)
			assert_int_equal(sa_data_in(&a->answer)[k], 0);
	}
}

static void a_method_that_no_sa_has_is_answered_as_such(void **state)
{
	struct asking *a = *state;
	static const uint8_t methods[] = { 0x00, METHOD_REPORT, 0x11, 0x16, 0x7f };

	for (size_t i = 0; i < COUNT(methods); i++) {
		question(a, SMALL_ALPHA, methods[i], ATTR_SA_NODE_RECORD);
		assert_int_equal(ask(a), STATUS_BAD_METHOD);
	}
}

static void the_answer_to_a_set_is_a_get_response_and_to_a_delete_a_delete_response(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_SET, 0x0038);
	ask(a);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), METHOD_GET_RESPONSE);
	question(a, SMALL_ALPHA, METHOD_DELETE, 0x0038);
	ask(a);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), 0x95);
}

static void no_sm_key_is_in_any_answer(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	wire_set(&a->arrival.datagram, SA_KEY, a->small.conf.sm_key);
	ask(a);
	assert_true(wire_get(&a->answer, SA_KEY) == 0);
}

/* ---- ClassPortInfo ----------------------------------------------------------------------------
 */

static void class_port_info_promises_what_there_is(void **state)
{
	struct asking *a = *state;
	const uint8_t *info;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0);
	assert_int_equal(wire_get(info, CLASS_INFO_BASE_VERSION), 1);
	assert_int_equal(wire_get(info, CLASS_INFO_CLASS_VERSION), 2);
	assert_int_equal(wire_get(info, CLASS_INFO_CAPABILITIES), 0x2600);
	assert_int_equal(wire_get(info, CLASS_INFO_CAPABILITIES2) & (1u << 10), 1u << 10);
	assert_int_equal(wire_get(info, CLASS_INFO_RESPONSE_TIME), 16);
	assert_int_equal(wire_get(info, CLASS_INFO_REDIRECT_QP), 1);
	assert_int_equal(wire_get(info, CLASS_INFO_REDIRECT_QKEY), 0x80010000);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), CLASS_INFO_SIZE / 8);
}

static void strangers_learn_that_there_is_an_sa_and_nothing_else(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	a->arrival.from.lid = NOBODY_LID;
	assert_int_equal(ask(a), STATUS_OK);

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	a->arrival.from.lid = NOBODY_LID;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_SM_RECORD);
	a->arrival.from.lid = LID_PERMISSIVE;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- NodeRecord -------------------------------------------------------------------------------
 */

static uint8_t *ask_for_node(struct asking *a, enum small_port who, uint8_t method, uint16_t lid)
{
	uint8_t *wanted = question(a, who, method, ATTR_SA_NODE_RECORD);

	want(a, 0);
	wire_set(wanted, NODE_RECORD_LID, lid);

	return wanted;
}

static void a_node_record_says_what_the_device_said(void **state)
{
	struct asking *a = *state;
	const uint8_t *info;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0x42);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0) + NODE_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), 0x42);
	assert_int_equal(wire_get(info, NODE_INFO_BASE_VERSION), 1);
	assert_int_equal(wire_get(info, NODE_INFO_CLASS_VERSION), 1);
	assert_int_equal(wire_get(info, NODE_INFO_TYPE), NODE_TYPE_CA);
	assert_int_equal(wire_get(info, NODE_INFO_PORTS), 2);
	assert_int_equal(wire_get(info, NODE_INFO_NODE_GUID), 0x40);
	assert_int_equal(wire_get(info, NODE_INFO_PORT_GUID), 0x42);
	assert_int_equal(wire_get(info, NODE_INFO_SYSTEM_GUID), 0x1040);
	assert_int_equal(wire_get(info, NODE_INFO_LOCAL_PORT), 2);
	assert_int_equal(wire_get(info, NODE_INFO_VENDOR_ID), 0x0002c9);
	assert_int_equal(wire_get(info, NODE_INFO_DEVICE_ID), 0x1234);
	assert_int_equal(wire_get(info, NODE_INFO_REVISION), 0xa1);
	assert_int_equal(wire_get(info, NODE_INFO_PARTITION_CAP), 128);
	assert_string_equal((const char *)record_at(a, 0) + NODE_RECORD_DESCRIPTION_OFFSET,
			    "delta");
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 14);
}

static void any_lid_of_the_range_finds_the_node(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0x43);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), 0x42);
}

static void get_of_nothing_has_no_records_and_get_of_many_too_many(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET, NOBODY_LID);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);
	assert_int_equal(ask(a), STATUS_SA_TOO_MANY_RECORDS);
	for (unsigned k = 0; k < SA_DATA_SIZE; k++)
		assert_int_equal(sa_data_in(&a->answer)[k], 0);
}

static void an_empty_table_is_an_answer_of_56_bytes(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET_TABLE, NOBODY_LID);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_LENGTH), 20);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 14);
}

static void a_table_of_one_is_one_segment(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET_TABLE, 0x20);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_LENGTH), 20 + 112);
}

/* Two switches, and the six ports behind them. */
#define ENDS SMALL_COUNT

static void a_table_that_is_longer_than_a_datagram_is_a_message(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), ENDS);
	assert_non_null(a->whole.message);
	assert_int_equal(a->whole.length, SA_DATA_OFFSET + ENDS * NODE_RECORD_SIZE);
	assert_memory_equal(a->whole.message, &a->answer, SA_DATA_OFFSET);
	for (unsigned i = 0; i < ENDS; i++)
		assert_int_equal(wire_get(record_at(a, i), NODE_RECORD_LID) != 0, true);
	assert_int_equal(
		wire_get(record_at(a, ENDS - 1) + NODE_RECORD_INFO_OFFSET, NODE_INFO_PORT_GUID),
		0x42);
}

/* @room bytes for an answer with all nodes. */
static unsigned status_in(struct asking *a, size_t room)
{
	unsigned status;

	a->small.view.room = room;
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	status = ask(a);
	if (status == STATUS_OK)
		return status;
	assert_null(a->whole.message);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_FLAGS), 0);
	for (unsigned k = 0; k < SA_DATA_SIZE; k++)
		assert_int_equal(sa_data_in(&a->answer)[k], 0);

	return status;
}

static void who_has_much_under_way_is_told_to_come_again(void **state)
{
	struct asking *a = *state;

	assert_int_equal(status_in(a, ENDS * NODE_RECORD_SIZE), STATUS_OK);
	assert_int_equal(status_in(a, ENDS * NODE_RECORD_SIZE - 1), STATUS_BUSY);
	assert_int_equal(status_in(a, 0), STATUS_BUSY);
	/* What fits a datagram is not refused. */
	ask_for_node(a, SMALL_ALPHA, METHOD_GET_TABLE, 0x20);
	assert_int_equal(ask(a), STATUS_OK);
}

static void a_question_that_was_too_long_to_be_kept_is_refused(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	a->arrival.length = TRANSPORT_MAX_MESSAGE + 1;
	assert_int_equal(ask(a), STATUS_SA_NO_RESOURCES);
	a->arrival.length = 0;
}

/* ---- trust ------------------------------------------------------------------------------------
 */

#define OUR_KEY UINT64_C(0x1122334455667788)

/* With @key, from a port that nobody has. */
static unsigned n_seen_by_stranger(struct asking *a, uint64_t key)
{
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_NODE_RECORD);
	a->arrival.from.lid = NOBODY_LID;
	wire_set(&a->arrival.datagram, SA_KEY, key);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(wire_get(&a->answer, SA_KEY) == 0);

	return n_records(a);
}

static void who_knows_the_key_sees_everything(void **state)
{
	struct asking *a = *state;

	a->small.conf.sa_key = OUR_KEY;
	assert_int_equal(n_seen_by_stranger(a, OUR_KEY), ENDS);
	assert_int_equal(n_seen_by_stranger(a, 0), 0);
	/* And who guesses it is not told that it was wrong. */
	wire_set(&a->arrival.datagram, SA_KEY, OUR_KEY + 1);
	assert_int_equal(put_question(a), ADMIN_SILENT);
}

static void without_a_key_nobody_is_trusted(void **state)
{
	struct asking *a = *state;

	a->small.conf.sa_key = 0;
	assert_int_equal(n_seen_by_stranger(a, 0), 0);
	assert_int_equal(n_seen_by_stranger(a, 1), 0);
	assert_int_equal(n_seen_by_stranger(a, a->small.conf.sm_key), 0);
}

static void nodes_are_found_by_each_component(void **state)
{
	struct asking *a = *state;
	static const struct {
		unsigned bit;
		enum wire_field field;
	} components[] = {
		{ 7, NODE_INFO_NODE_GUID },
		{ 8, NODE_INFO_PORT_GUID },
	};

	for (size_t i = 0; i < COUNT(components); i++) {
		uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);
		uint8_t *info = wanted + NODE_RECORD_INFO_OFFSET;

		want(a, components[i].bit);
		wire_set(info, components[i].field, components[i].bit == 7 ? 0x30 : 0x31);
		assert_int_equal(ask(a), STATUS_OK);
		assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), 0x30);
		wire_set(info, components[i].field, 0x3f);
		assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	}
}

static void components_that_are_not_asked_for_do_not_count(void **state)
{
	struct asking *a = *state;

	memset(ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0), 0xff, SA_DATA_SIZE);
	wire_set(sa_data_of(&a->arrival.datagram), NODE_RECORD_LID, 0x20);
	assert_int_equal(ask(a), STATUS_OK);
}

static void bits_beyond_the_components_do_not_count(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0x20);
	want(a, 15);
	want(a, 63);
	assert_int_equal(ask(a), STATUS_OK);
}

static void a_node_is_found_by_its_whole_description(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);

	want(a, 14);
	memcpy(wanted + NODE_RECORD_DESCRIPTION_OFFSET, "gamma", 5);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), 0x30);
	wanted[NODE_RECORD_DESCRIPTION_OFFSET + 5] = 'x';
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void both_ports_of_an_adapter_have_a_record(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);

	want(a, 7);
	wire_set(wanted + NODE_RECORD_INFO_OFFSET, NODE_INFO_NODE_GUID, 0x40);
	assert_int_equal(ask(a), STATUS_SA_TOO_MANY_RECORDS);
	want(a, 12);
	wire_set(wanted + NODE_RECORD_INFO_OFFSET, NODE_INFO_LOCAL_PORT, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), 0x40);
}

static void a_node_that_is_gone_has_no_record(void **state)
{
	struct asking *a = *state;

	node_of(&a->small.fabric, a->small.port[SMALL_GAMMA])->present = false;
	ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0x30);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- who sees what ----------------------------------------------------------------------------
 */

static void full_members_see_a_limited_one_and_it_sees_them(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_ALPHA, METHOD_GET, 0x20);
	assert_int_equal(ask(a), STATUS_OK);
	ask_for_node(a, SMALL_BETA, METHOD_GET, 0x10);
	assert_int_equal(ask(a), STATUS_OK);
}

static void limited_members_do_not_see_each_other(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_DELTA_1][0] = 0x7fff;
	ask_for_node(a, SMALL_BETA, METHOD_GET, 0x40);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_limited_member_sees_itself(void **state)
{
	struct asking *a = *state;

	ask_for_node(a, SMALL_BETA, METHOD_GET, 0x21);
	a->arrival.from.lid = 0x21;
	assert_int_equal(ask(a), STATUS_OK);
}

static void ports_without_a_common_partition_do_not_see_each_other(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_DELTA_1][0] = 0x8002;
	ask_for_node(a, SMALL_DELTA_1, METHOD_GET, 0x10);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void holes_in_pkey_tables_are_not_a_common_key(void **state)
{
	struct asking *a = *state;

	memset(a->small.keys[SMALL_DELTA_1], 0, sizeof(a->small.keys[0]));
	a->small.keys[SMALL_DELTA_1][0] = 0x8000;
	ask_for_node(a, SMALL_DELTA_1, METHOD_GET, 0x10);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- PortInfoRecord ---------------------------------------------------------------------------
 */

static uint8_t *ask_for_port(struct asking *a, uint8_t method, uint16_t lid)
{
	uint8_t *wanted = question(a, SMALL_ALPHA, method, ATTR_SA_PORT_RECORD);

	want(a, 0);
	wire_set(wanted, PORT_RECORD_LID, lid);

	return wanted;
}

static void a_port_record_says_what_the_port_said_but_for_the_mkey(void **state)
{
	struct asking *a = *state;
	uint8_t expected[SMP_DATA_SIZE];

	want(a, 2);
	wire_set(ask_for_port(a, METHOD_GET, 0x31), PORT_RECORD_PORT, 1);
	want(a, 1);
	want(a, 2);
	wire_set(sa_data_of(&a->arrival.datagram), PORT_RECORD_OPTIONS, 0x80);
	assert_int_equal(ask(a), STATUS_OK);
	memcpy(expected, small_fabric_info(&a->small, SMALL_GAMMA, 1), sizeof(expected));
	assert_true(wire_get(expected, PORT_INFO_MKEY) == SMALL_MKEY);
	wire_set(expected, PORT_INFO_MKEY, 0);
	assert_memory_equal(record_at(a, 0) + PORT_RECORD_INFO_OFFSET, expected, sizeof(expected));
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_LID), 0x30);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_PORT), 1);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 9);
}

static void no_key_opens_an_mkey(void **state)
{
	struct asking *a = *state;
	static const uint64_t keys[] = { 0, 1, SMALL_MKEY, UINT64_MAX };

	for (size_t i = 0; i < COUNT(keys); i++) {
		a->small.conf.sm_key = keys[i];
		wire_set(ask_for_port(a, METHOD_GET, 0x20), PORT_RECORD_PORT, 1);
		want(a, 1);
		wire_set(&a->arrival.datagram, SA_KEY, keys[i]);
		assert_int_equal(ask(a), STATUS_OK);
		assert_true(wire_get(record_at(a, 0) + PORT_RECORD_INFO_OFFSET, PORT_INFO_MKEY) ==
			    0);
	}
}

static void an_mkey_cannot_be_guessed_by_asking_for_it(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = ask_for_port(a, METHOD_GET, 0x20);

	want(a, 1);
	want(a, 3);
	wire_set(wanted, PORT_RECORD_PORT, 1);
	wire_set(wanted + PORT_RECORD_INFO_OFFSET, PORT_INFO_MKEY, SMALL_MKEY);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void ports_of_a_switch_have_the_lid_of_its_port_0(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = ask_for_port(a, METHOD_GET, 1);

	want(a, 1);
	wire_set(wanted, PORT_RECORD_PORT, SMALL_TRUNK);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_LID), 1);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_PORT), SMALL_TRUNK);
	wire_set(wanted, PORT_RECORD_PORT, SMALL_TRUNK + 1);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	wire_set(wanted, PORT_RECORD_PORT, 0);
	assert_int_equal(ask(a), STATUS_OK);
}

static void a_port_that_told_nothing_has_no_record(void **state)
{
	struct asking *a = *state;

	a->small.fabric.ports[a->small.port[SMALL_BETA]].known = false;
	ask_for_port(a, METHOD_GET, 0x20);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);

	/* nor does it hide those behind it */
	a->small.fabric.ports[a->small.port[SMALL_WEST]].known = false;
	wire_set(ask_for_port(a, METHOD_GET, 1), PORT_RECORD_PORT, SMALL_TRUNK);
	want(a, 1);
	assert_int_equal(ask(a), STATUS_OK);
}

/* srp_daemon's D2: modifier bit 31, mask 0x80 alone. */
static void capabilities_match_by_containing_when_bit_31_says_so(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PORT_RECORD);
	uint8_t *info = wanted + PORT_RECORD_INFO_OFFSET;

	want(a, 7);
	wire_set(info, PORT_INFO_CAPABILITIES, 0x00080000);
	wire_set(&a->arrival.datagram, MAD_MODIFIER, UINT32_C(1) << 31);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_LID), 0x30);

	/* saquery's list of SMs */
	wire_set(info, PORT_INFO_CAPABILITIES, CAP_IS_SM);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);

	wire_set(info, PORT_INFO_CAPABILITIES, CAP_IS_SM | CAP_SM_DISABLED);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
}

static void capabilities_match_whole_otherwise(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PORT_RECORD);
	uint8_t *info = wanted + PORT_RECORD_INFO_OFFSET;

	want(a, 7);
	wire_set(info, PORT_INFO_CAPABILITIES, 0x00080000);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	wire_set(info, PORT_INFO_CAPABILITIES, 0x0018406a);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
}

static void bit_31_changes_no_other_component(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = ask_for_port(a, METHOD_GET, 0x20);

	want(a, 1);
	want(a, 31);
	wire_set(wanted, PORT_RECORD_PORT, 1);
	wire_set(wanted + PORT_RECORD_INFO_OFFSET, PORT_INFO_MTU_CAP, 1);
	wire_set(&a->arrival.datagram, MAD_MODIFIER, UINT32_C(1) << 31);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	wire_set(wanted + PORT_RECORD_INFO_OFFSET, PORT_INFO_MTU_CAP, 5);
	assert_int_equal(ask(a), STATUS_OK);
}

static void who_does_not_know_extended_speeds_is_told_qdr(void **state)
{
	struct asking *a = *state;
	const uint8_t *info;
	uint8_t *wanted = ask_for_port(a, METHOD_GET, 0x10);

	wire_set(small_fabric_info(&a->small, SMALL_ALPHA, 1), PORT_INFO_SPEED_ACTIVE, 0);
	want(a, 1);
	wire_set(wanted, PORT_RECORD_PORT, 1);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0) + PORT_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(info, PORT_INFO_SPEED_ACTIVE), 4);
	assert_int_equal(wire_get(info, PORT_INFO_SPEED_ENABLED), 4);

	want(a, 2);
	wire_set(wanted, PORT_RECORD_OPTIONS, 0x80);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0) + PORT_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(info, PORT_INFO_SPEED_ACTIVE), 0);
	assert_int_equal(wire_get(info, PORT_INFO_SPEED_EXT_ACTIVE), 2);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_OPTIONS), 0x80);
}

static void a_link_at_an_old_speed_is_shown_as_it_is(void **state)
{
	struct asking *a = *state;

	wire_set(ask_for_port(a, METHOD_GET, 0x42), PORT_RECORD_PORT, 2);
	want(a, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(
		wire_get(record_at(a, 0) + PORT_RECORD_INFO_OFFSET, PORT_INFO_SPEED_ACTIVE), 1);
}

/* Bit and field of every component, as clients number them; each must find and miss. */
static void ports_are_found_by_each_component(void **state)
{
	struct asking *a = *state;
	static const struct {
		unsigned bit;
		enum wire_field field;
	} components[] = {
		{ 4, PORT_INFO_PREFIX },
		{ 5, PORT_INFO_LID },
		{ 6, PORT_INFO_SM_LID },
		{ 8, PORT_INFO_DIAGNOSTICS },
		{ 9, PORT_INFO_MKEY_LEASE },
		{ 10, PORT_INFO_LOCAL_PORT },
		{ 11, PORT_INFO_WIDTH_ENABLED },
		{ 12, PORT_INFO_WIDTH_SUPPORTED },
		{ 13, PORT_INFO_WIDTH_ACTIVE },
		{ 14, PORT_INFO_SPEED_SUPPORTED },
		{ 15, PORT_INFO_STATE },
		{ 16, PORT_INFO_PHYS_STATE },
		{ 17, PORT_INFO_DOWN_DEFAULT },
		{ 18, PORT_INFO_MKEY_PROTECT },
		{ 20, PORT_INFO_LMC },
		{ 21, PORT_INFO_SPEED_ACTIVE },
		{ 22, PORT_INFO_SPEED_ENABLED },
		{ 23, PORT_INFO_NEIGHBOR_MTU },
		{ 24, PORT_INFO_SM_SL },
		{ 25, PORT_INFO_VL_CAP },
		{ 26, PORT_INFO_INIT_TYPE },
		{ 27, PORT_INFO_VL_HIGH_LIMIT },
		{ 28, PORT_INFO_VL_ARB_HIGH_CAP },
		{ 29, PORT_INFO_VL_ARB_LOW_CAP },
		{ 30, PORT_INFO_INIT_TYPE_REPLY },
		{ 31, PORT_INFO_MTU_CAP },
		{ 32, PORT_INFO_VL_STALL },
		{ 33, PORT_INFO_HOQ_LIFE },
		{ 34, PORT_INFO_OPERATIONAL_VLS },
		{ 35, PORT_INFO_ENFORCE_IN },
		{ 36, PORT_INFO_ENFORCE_OUT },
		{ 37, PORT_INFO_FILTER_RAW_IN },
		{ 38, PORT_INFO_FILTER_RAW_OUT },
		{ 39, PORT_INFO_MKEY_VIOLATIONS },
		{ 40, PORT_INFO_PKEY_VIOLATIONS },
		{ 41, PORT_INFO_QKEY_VIOLATIONS },
		{ 42, PORT_INFO_GUID_CAP },
		{ 43, PORT_INFO_REREGISTER },
		{ 45, PORT_INFO_SUBNET_TIMEOUT },
		{ 47, PORT_INFO_RESPONSE_TIME },
		{ 48, PORT_INFO_PHY_ERRORS },
		{ 49, PORT_INFO_OVERRUN_ERRORS },
		{ 50, PORT_INFO_CREDIT_HINT },
		{ 52, PORT_INFO_LINK_LATENCY },
		{ 53, PORT_INFO_CAPABILITIES2 },
		{ 54, PORT_INFO_SPEED_EXT_ACTIVE },
		{ 55, PORT_INFO_SPEED_EXT_SUPPORTED },
		{ 57, PORT_INFO_SPEED_EXT_ENABLED },
	};

	for (size_t i = 0; i < COUNT(components); i++) {
		enum wire_field field = components[i].field;
		uint8_t *wanted = ask_for_port(a, METHOD_GET, 0x20);
		uint8_t *info = small_fabric_info(&a->small, SMALL_BETA, 1);

		want(a, 2);
		wire_set(wanted, PORT_RECORD_OPTIONS, 0x80);
		want(a, components[i].bit);
		wire_set(wanted + PORT_RECORD_INFO_OFFSET, field, ~wire_get(info, field));
		assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
		wire_set(wanted + PORT_RECORD_INFO_OFFSET, field, wire_get(info, field));
		assert_int_equal(ask(a), STATUS_OK);
	}
}

/* ---- SMInfoRecord -----------------------------------------------------------------------------
 */

static void all_subnet_managers_have_a_record(void **state)
{
	struct asking *a = *state;
	const uint8_t *info;

	question(a, SMALL_BETA, METHOD_GET_TABLE, ATTR_SA_SM_RECORD);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 3);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 4);

	info = record_at(a, 0) + SM_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 0), SM_RECORD_LID), 0x10);
	assert_int_equal(wire_get(info, SM_INFO_GUID), 0x11);
	assert_int_equal(wire_get(info, SM_INFO_ACT_COUNT), 4711);
	assert_int_equal(wire_get(info, SM_INFO_PRIORITY), 7);
	assert_int_equal(wire_get(info, SM_INFO_STATE), SM_MASTER);
	assert_int_equal(wire_get(info, SM_INFO_KEY), 0);

	info = record_at(a, 1) + SM_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 1), SM_RECORD_LID), 0x30);
	assert_int_equal(wire_get(info, SM_INFO_GUID), 0x31);
	assert_int_equal(wire_get(info, SM_INFO_PRIORITY), 3);
	assert_int_equal(wire_get(info, SM_INFO_STATE), SM_STANDBY);

	info = record_at(a, 2) + SM_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 2), SM_RECORD_LID), 0x40);
	assert_int_equal(wire_get(info, SM_INFO_STATE), SM_NOT_ACTIVE);
}

static void a_subnet_manager_whose_port_is_gone_has_no_record_and_hides_none(void **state)
{
	struct asking *a = *state;

	a->small.peers[0].guid = 0x999;
	question(a, SMALL_BETA, METHOD_GET_TABLE, ATTR_SA_SM_RECORD);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 1), SM_RECORD_LID), 0x40);

	node_of(&a->small.fabric, a->small.port[SMALL_ALPHA])->present = false;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
	a->small.fabric.local_port = NO_PORT;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
}

static void a_subnet_manager_is_found_by_lid_guid_and_state(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted = question(a, SMALL_BETA, METHOD_GET, ATTR_SA_SM_RECORD);

	want(a, 0);
	wire_set(wanted, SM_RECORD_LID, 0x11);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), SM_RECORD_LID), 0x10);
	wire_set(wanted, SM_RECORD_LID, 0x40);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), SM_RECORD_LID), 0x40);

	wanted = question(a, SMALL_BETA, METHOD_GET, ATTR_SA_SM_RECORD);
	want(a, 2);
	want(a, 6);
	wire_set(wanted + SM_RECORD_INFO_OFFSET, SM_INFO_GUID, 0x31);
	wire_set(wanted + SM_RECORD_INFO_OFFSET, SM_INFO_STATE, SM_STANDBY);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0), SM_RECORD_LID), 0x30);
	wire_set(wanted + SM_RECORD_INFO_OFFSET, SM_INFO_STATE, SM_MASTER);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_subnet_manager_that_one_cannot_talk_to_is_not_shown(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_BETA][0] = 0x0001;
	a->small.keys[SMALL_GAMMA][1] = 0x0001;
	a->small.keys[SMALL_DELTA_1][1] = 0x8001;
	question(a, SMALL_BETA, METHOD_GET_TABLE, ATTR_SA_SM_RECORD);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 0), SM_RECORD_LID), 0x10);
	assert_int_equal(wire_get(record_at(a, 1), SM_RECORD_LID), 0x40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(the_whole_tid_comes_back),
		asking_test(the_same_question_twice_gets_the_same_answer),
		asking_test(answers_are_not_answered),
		asking_test(methods_that_have_no_answer_get_none),
		asking_test(other_classes_and_base_versions_are_dropped),
		asking_test(what_came_back_undelivered_is_no_question),
		asking_test(rmpp_acknowledgements_are_not_questions),
		asking_test(another_class_version_is_answered_as_bad),
		asking_test(what_is_not_served_is_answered_as_not_supported),
		asking_test(a_method_that_no_sa_has_is_answered_as_such),
		asking_test(
			the_answer_to_a_set_is_a_get_response_and_to_a_delete_a_delete_response),
		asking_test(no_sm_key_is_in_any_answer),
		asking_test(class_port_info_promises_what_there_is),
		asking_test(strangers_learn_that_there_is_an_sa_and_nothing_else),
		asking_test(a_node_record_says_what_the_device_said),
		asking_test(any_lid_of_the_range_finds_the_node),
		asking_test(get_of_nothing_has_no_records_and_get_of_many_too_many),
		asking_test(an_empty_table_is_an_answer_of_56_bytes),
		asking_test(a_table_of_one_is_one_segment),
		asking_test(a_table_that_is_longer_than_a_datagram_is_a_message),
		asking_test(who_has_much_under_way_is_told_to_come_again),
		asking_test(a_question_that_was_too_long_to_be_kept_is_refused),
		asking_test(who_knows_the_key_sees_everything),
		asking_test(without_a_key_nobody_is_trusted),
		asking_test(nodes_are_found_by_each_component),
		asking_test(components_that_are_not_asked_for_do_not_count),
		asking_test(bits_beyond_the_components_do_not_count),
		asking_test(a_node_is_found_by_its_whole_description),
		asking_test(both_ports_of_an_adapter_have_a_record),
		asking_test(a_node_that_is_gone_has_no_record),
		asking_test(full_members_see_a_limited_one_and_it_sees_them),
		asking_test(limited_members_do_not_see_each_other),
		asking_test(a_limited_member_sees_itself),
		asking_test(ports_without_a_common_partition_do_not_see_each_other),
		asking_test(holes_in_pkey_tables_are_not_a_common_key),
		asking_test(a_port_record_says_what_the_port_said_but_for_the_mkey),
		asking_test(no_key_opens_an_mkey),
		asking_test(an_mkey_cannot_be_guessed_by_asking_for_it),
		asking_test(ports_of_a_switch_have_the_lid_of_its_port_0),
		asking_test(a_port_that_told_nothing_has_no_record),
		asking_test(capabilities_match_by_containing_when_bit_31_says_so),
		asking_test(capabilities_match_whole_otherwise),
		asking_test(bit_31_changes_no_other_component),
		asking_test(who_does_not_know_extended_speeds_is_told_qdr),
		asking_test(a_link_at_an_old_speed_is_shown_as_it_is),
		asking_test(ports_are_found_by_each_component),
		asking_test(all_subnet_managers_have_a_record),
		asking_test(a_subnet_manager_whose_port_is_gone_has_no_record_and_hides_none),
		asking_test(a_subnet_manager_is_found_by_lid_guid_and_state),
		asking_test(a_subnet_manager_that_one_cannot_talk_to_is_not_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
