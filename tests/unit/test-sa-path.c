/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PathRecord: what the kernel, librdmacm, srp_daemon and saquery ask, as they ask it, and each rule
 * that shapes the answer.
 */

#include "base/xoshiro.h"
#include "sm/multicast.h"
#include "sm/sa/rate.h"
#include "sm/sa/ways.h"
#include "tests/unit/sa-ask.h"

enum {
	DGID = 2,
	SGID = 3,
	DLID = 4,
	SLID = 5,
	NUMB_PATH = 12,
	PKEY = 13,
	SL = 15,
	MTU_SELECTOR = 16,
	RATE_SELECTOR = 18,
	LIFE_SELECTOR = 20,
};

enum {
	MORE_THAN = 0,
	LESS_THAN = 1,
	EXACTLY = 2,
	BEST = 3,
};

#define EDR_4X 16
#define SDR_1X 2

static uint8_t *wanted_of(struct asking *a)
{
	return sa_data_of(&a->arrival.datagram);
}

static void set_gid(struct asking *a, unsigned bit, uint64_t prefix, uint64_t guid)
{
	uint8_t *gid = wanted_of(a) + (bit == DGID ? PATH_DGID_OFFSET : PATH_SGID_OFFSET);

	want(a, bit);
	wire_set64(gid, 0, prefix);
	wire_set64(gid, 1, guid);
}

static void set_field(struct asking *a, unsigned bit, enum wire_field field, uint64_t value)
{
	want(a, bit);
	wire_set(wanted_of(a), field, value);
}

/* @from asks for its way to @to, by GIDs. */
static void by_gid(struct asking *a, uint8_t method, enum small_port from, enum small_port to)
{
	question(a, from, method, ATTR_SA_PATH_RECORD);
	set_gid(a, SGID, SMALL_PREFIX, a->small.guid[from]);
	set_gid(a, DGID, SMALL_PREFIX, a->small.guid[to]);
}

/* The same by LIDs. */
static void by_lid(struct asking *a, uint8_t method, enum small_port from, enum small_port to)
{
	question(a, from, method, ATTR_SA_PATH_RECORD);
	set_field(a, SLID, PATH_SLID, a->small.lid[from]);
	set_field(a, DLID, PATH_DLID, a->small.lid[to]);
}

static unsigned path_field(const struct asking *a, enum wire_field field)
{
	return (unsigned)wire_get(record_at(a, 0), field);
}

/* ---- what is in a path ------------------------------------------------------------------------
 */

static void a_path_by_gid_has_all_that_a_connection_needs(void **state)
{
	struct asking *a = *state;
	const uint8_t *path;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	path = record_at(a, 0);
	assert_true(wire_get64(path + PATH_DGID_OFFSET, 0) == SMALL_PREFIX);
	assert_true(wire_get64(path + PATH_DGID_OFFSET, 1) == 0x31);
	assert_true(wire_get64(path + PATH_SGID_OFFSET, 0) == SMALL_PREFIX);
	assert_true(wire_get64(path + PATH_SGID_OFFSET, 1) == 0x11);
	assert_int_equal(path_field(a, PATH_DLID), 0x30);
	assert_int_equal(path_field(a, PATH_SLID), 0x10);
	assert_int_equal(path[49], 0x80); /* Reversible, and NumbPath 0 */
	assert_int_equal(path_field(a, PATH_SL), 0);
	assert_int_equal(path[54], 0x80 | CONF_MTU_4096);
	assert_int_equal(path[55], 0x80 | EDR_4X);
	assert_int_equal(path[56], 0x80 | 18);
	assert_int_equal(path_field(a, PATH_HOP_LIMIT), 0);
	assert_int_equal(path_field(a, PATH_PREFERENCE), 0);
	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), 8);
	assert_int_equal(wire_get(&a->answer, SA_RMPP_FLAGS), 0);
}

static void a_path_by_lid_is_the_same(void **state)
{
	struct asking *a = *state;
	struct datagram by_gids;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	by_gids = a->answer;
	by_lid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_memory_equal(sa_data_in(&by_gids), sa_data_in(&a->answer), PATH_RECORD_SIZE);
}

/* IPoIB, rdma_cm for IPv4 and IPv6, SRP, and two of srp_daemon. */
static void every_mask_that_clients_use_is_answered(void **state)
{
	struct asking *a = *state;
	static const uint64_t masks[] = { 0x340c, 0x780f, 0x3c0f, 0x300f, 0x2030, 0x124c };

	for (size_t i = 0; i < COUNT(masks); i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		set_field(a, SLID, PATH_SLID, 0x10);
		set_field(a, DLID, PATH_DLID, 0x30);
		set_field(a, PKEY, PATH_PKEY, 0xffff);
		set_field(a, NUMB_PATH, PATH_NUMB_PATH, 1);
		wire_set(wanted_of(a), PATH_REVERSIBLE, 1);
		wire_set(wanted_of(a), PATH_SERVICE_ID, 0x01064e20);
		wire_set(wanted_of(a), PATH_TCLASS, 0x42);
		wire_set(wanted_of(a), PATH_QOS_CLASS, 0x123);
		wire_set(wanted_of(a), PATH_RAW, 1);
		wire_set(&a->arrival.datagram, SA_COMP_MASK, masks[i]);
		assert_int_equal(ask(a), STATUS_OK);
		assert_int_equal(path_field(a, PATH_DLID), 0x30);
		assert_int_equal(path_field(a, PATH_SLID), 0x10);
		if (masks[i] >> PKEY & 1)
			assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
	}
}

static void a_path_to_oneself_is_a_path(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_GAMMA, SMALL_GAMMA);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, 0x124c);
	wire_set(wanted_of(a), PATH_RAW, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_DLID), 0x30);
	assert_int_equal(path_field(a, PATH_SLID), 0x30);
	assert_int_equal(path_field(a, PATH_LIFE), 0);
	assert_int_equal(path_field(a, PATH_RATE), EDR_4X);
}

static void a_limited_member_reaches_itself_on_its_own_key(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x7fff);
}

static void a_full_member_reaches_itself_as_others_do_or_on_the_key_it_wants(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_ALPHA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x8001);
	set_field(a, PKEY, PATH_PKEY, 0xffff);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
	set_field(a, PKEY, PATH_PKEY, 0x8002);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	/* Where it is a limited member only it does not hear itself. */
	a->small.keys[SMALL_BETA][1] = 0x8007;
	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x8007);
}

static void paths_go_to_and_from_switches_too(void **state)
{
	struct asking *a = *state;

	by_lid(a, METHOD_GET, SMALL_ALPHA, SMALL_EAST);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_RATE), EDR_4X);
	by_lid(a, METHOD_GET, SMALL_WEST, SMALL_EAST);
	assert_int_equal(ask(a), STATUS_OK);
	by_lid(a, METHOD_GET, SMALL_WEST, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_OK);
}

static void adapters_without_a_switch_between_them_have_a_path(void **state)
{
	struct asking *a = *state;

	fabric_connect(&a->small.fabric, a->small.port[SMALL_ALPHA], a->small.port[SMALL_GAMMA]);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- ends -------------------------------------------------------------------------------------
 */

static void link_local_gids_are_as_good_and_come_back_as_asked(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	set_gid(a, DGID, UINT64_C(0xfe80000000000000), 0x31);
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(wire_get64(record_at(a, 0) + PATH_DGID_OFFSET, 0) ==
		    UINT64_C(0xfe80000000000000));
	assert_true(wire_get64(record_at(a, 0) + PATH_SGID_OFFSET, 0) == SMALL_PREFIX);
}

static void other_subnets_groups_and_unknown_guids_have_no_records(void **state)
{
	struct asking *a = *state;
	static const uint64_t gids[][2] = {
		{ SMALL_PREFIX + 1, 0x31 },
		{ UINT64_C(0xff12401bffff0000), 0xffffffff },
		{ SMALL_PREFIX, 0x999 },
		{ SMALL_PREFIX, 0 },
		{ SMALL_PREFIX, 0x30 }, /* a node's GUID, not a port's */
		{ 0, 0 },
	};

	for (size_t i = 0; i < COUNT(gids); i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		set_gid(a, DGID, gids[i][0], gids[i][1]);
		assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
		by_gid(a, METHOD_GET_TABLE, SMALL_ALPHA, SMALL_GAMMA);
		set_gid(a, SGID, gids[i][0], gids[i][1]);
		assert_int_equal(ask(a), STATUS_OK);
		assert_int_equal(n_records(a), 0);
	}
}

static void unknown_lids_have_no_records(void **state)
{
	struct asking *a = *state;
	static const uint16_t lids[] = { 0, 0x12, 0x3f, 0xbfff, 0xc000, 0xffff };

	for (size_t i = 0; i < COUNT(lids); i++) {
		by_lid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		set_field(a, DLID, PATH_DLID, lids[i]);
		assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	}
}

static void gid_and_lid_of_an_end_must_agree(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	set_field(a, DLID, PATH_DLID, 0x31);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_DLID), 0x31);
	set_field(a, DLID, PATH_DLID, 0x20);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
}

static void a_lid_of_the_range_is_the_lid_of_the_path(void **state)
{
	struct asking *a = *state;

	by_lid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	set_field(a, SLID, PATH_SLID, 0x11);
	set_field(a, DLID, PATH_DLID, 0x31);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_SLID), 0x11);
	assert_int_equal(path_field(a, PATH_DLID), 0x31);
}

static void pairs_of_the_same_place_come_first(void **state)
{
	struct asking *a = *state;
	static const uint16_t expected[4][3] = {
		{ 0x10, 0x30, 0 },
		{ 0x11, 0x31, 0 },
		{ 0x10, 0x31, 2 },
		{ 0x11, 0x30, 2 },
	};

	by_gid(a, METHOD_GET_TABLE, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(wire_get(record_at(a, i), PATH_SLID), expected[i][0]);
		assert_int_equal(wire_get(record_at(a, i), PATH_DLID), expected[i][1]);
		assert_int_equal(wire_get(record_at(a, i), PATH_PREFERENCE), expected[i][2]);
	}
}

static void every_pair_of_lids_is_found_where_the_first_ones_are_lost(void **state)
{
	struct asking *a = *state;

	a->small.lost_lid = 0x30;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_DLID), 0x31);
	by_gid(a, METHOD_GET_TABLE, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 0), PATH_SLID), 0x11);
	assert_int_equal(wire_get(record_at(a, 1), PATH_SLID), 0x10);
}

static void a_lid_that_is_given_pairs_once_with_each_of_the_other_end(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET_TABLE, SMALL_ALPHA, SMALL_GAMMA);
	set_field(a, SLID, PATH_SLID, 0x11);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 0), PATH_DLID), 0x30);
	assert_int_equal(wire_get(record_at(a, 1), PATH_DLID), 0x31);
}

static void a_table_has_at_most_numb_path_records(void **state)
{
	struct asking *a = *state;

	for (unsigned n = 0; n <= 6; n++) {
		by_gid(a, METHOD_GET_TABLE, SMALL_ALPHA, SMALL_GAMMA);
		set_field(a, NUMB_PATH, PATH_NUMB_PATH, n);
		assert_int_equal(ask(a), STATUS_OK);
		assert_int_equal(n_records(a), MIN(n, 4));
	}
}

static void a_get_is_one_path_whatever_numb_path_says(void **state)
{
	struct asking *a = *state;
	static const uint8_t numbers[] = { 0, 1, 127 };

	for (size_t i = 0; i < COUNT(numbers); i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		set_field(a, NUMB_PATH, PATH_NUMB_PATH, numbers[i]);
		assert_int_equal(ask(a), STATUS_OK);
	}
}

static void with_one_end_open_a_table_has_the_paths_to_all_lids(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_field(a, SLID, PATH_SLID, 0x10);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2 + 5 * 2); /* two switches, five ports of LMC 1 */
	for (unsigned i = 0; i < n_records(a); i++)
		assert_int_equal(wire_get(record_at(a, i), PATH_SLID), 0x10);

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_gid(a, DGID, SMALL_PREFIX, 0x31);
	set_field(a, PKEY, PATH_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4); /* from two LIDs of alpha, and gamma to itself */
	for (unsigned i = 0; i < 4; i++)
		assert_true(wire_get64(record_at(a, i) + PATH_DGID_OFFSET, 1) == 0x31);
	assert_true(wire_get64(record_at(a, 0) + PATH_SGID_OFFSET, 1) == 0x11);
	assert_true(wire_get64(record_at(a, 2) + PATH_SGID_OFFSET, 1) == 0x31);
}

static void a_get_with_one_end_open_has_too_many(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	set_field(a, SLID, PATH_SLID, 0x10);
	assert_int_equal(ask(a), STATUS_SA_TOO_MANY_RECORDS);
}

static void without_an_end_everybody_is_tried_with_everybody(void **state)
{
	struct asking *a = *state;

	/* Switches have one LID, the five ports two; pairs of the same place. Ports 0 have no link
	   here, and so no way to themselves. */
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 5 * 5 * 2 + 2 * (5 * 2 * 2) + 2);
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_field(a, PKEY, PATH_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2 * 2 * 2);
	/* Of whom it does not see, there is none. */
	question(a, SMALL_BETA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	a->small.keys[SMALL_GAMMA][0] = 0x8007;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4 * 4 * 2 + 2 * (4 * 2 * 2) + 2);
	a->arrival.from.lid = 0x77;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	assert_int_equal(ask(a), STATUS_SA_TOO_MANY_RECORDS);
}

static void who_is_trusted_sees_paths_of_others(void **state)
{
	struct asking *a = *state;

	a->small.conf.sa_key = 0x77;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	wire_set(&a->arrival.datagram, SA_KEY, 0x77);
	a->arrival.from.lid = 0x77;
	assert_int_equal(ask(a), STATUS_OK);
	/* But there is none between those who have no key in common. */
	a->small.keys[SMALL_GAMMA][0] = 0x8007;
	a->small.keys[SMALL_GAMMA][1] = 0;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_raw_path_has_no_key(void **state)
{
	struct asking *a = *state;

	/* srp_daemon: DGID, SGID, RawTraffic, HopLimit, NumbPath */
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, 0x124c);
	wire_set(wanted_of(a), PATH_RAW, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0);
	wire_set(wanted_of(a), PATH_RAW, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x8001);
}

static void a_gid_of_another_subnet_is_reached_by_the_router(void **state)
{
	struct asking *a = *state;
	struct node *delta = node_of(&a->small.fabric, a->small.port[SMALL_DELTA_1]);

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	set_gid(a, SGID, SMALL_PREFIX, 0x11);
	set_gid(a, DGID, 0xfec0000000000099, 0x4711);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	delta->type = NODE_TYPE_ROUTER;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_DLID), 0x40);
	assert_int_equal(path_field(a, PATH_HOP_LIMIT), 255);
	assert_true(wire_get64(record_at(a, 0) + PATH_DGID_OFFSET, 0) == 0xfec0000000000099);
	assert_true(wire_get64(record_at(a, 0) + PATH_DGID_OFFSET, 1) == 0x4711);
	/* Paths within the subnet, also to the router, need no hop. */
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_HOP_LIMIT), 0);
}

/* ---- groups -----------------------------------------------------------------------------------
 */

static const uint8_t mgid[16] = { 0xff, 0x12, 0x40, 0x1b, 0xff, 0xff, [15] = 7 };

/* Two with the same MLID, of the default partition and of 0x8001, which alpha and gamma have. */
static void add_groups(struct asking *a, struct group_book *book)
{
	struct group group = { .mlid = 0xc005,
			       .pkey = 0xffff,
			       .mtu = CONF_MTU_1024,
			       .rate = SDR_1X,
			       .life = 18,
			       .sl = 3,
			       .tclass = 9,
			       .hop_limit = 4,
			       .flow_label = 0x12345 };
	struct group *ret;

	memset(book, 0, sizeof(*book));
	memcpy(group.mgid, mgid, sizeof(mgid));
	assert_int_equal(group_add(book, &group, &ret), 0);
	group.mgid[15] = 8;
	group.pkey = 0x8001;
	assert_int_equal(group_add(book, &group, &ret), 0);
	a->small.view.groups = book;
}

static void to_group(struct asking *a, enum small_port from, uint8_t last)
{
	question(a, from, METHOD_GET, ATTR_SA_PATH_RECORD);
	set_gid(a, SGID, SMALL_PREFIX, a->small.guid[from]);
	want(a, DGID);
	memcpy(wanted_of(a) + PATH_DGID_OFFSET, mgid, sizeof(mgid));
	wanted_of(a)[PATH_DGID_OFFSET + 15] = last;
}

static void a_path_to_a_group_is_what_the_group_says(void **state)
{
	struct asking *a = *state;
	struct group_book book;

	add_groups(a, &book);
	to_group(a, SMALL_BETA, 7);
	assert_int_equal(ask(a), STATUS_OK);
	assert_memory_equal(record_at(a, 0) + PATH_DGID_OFFSET, mgid, sizeof(mgid));
	assert_true(wire_get64(record_at(a, 0) + PATH_SGID_OFFSET, 1) == 0x21);
	assert_int_equal(path_field(a, PATH_DLID), 0xc005);
	assert_int_equal(path_field(a, PATH_SLID), 0x20);
	assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
	assert_int_equal(path_field(a, PATH_SL), 3);
	assert_int_equal(path_field(a, PATH_TCLASS), 9);
	assert_int_equal(path_field(a, PATH_HOP_LIMIT), 4);
	assert_int_equal(path_field(a, PATH_FLOW_LABEL), 0x12345);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_1024);
	assert_int_equal(path_field(a, PATH_RATE), SDR_1X);
	to_group(a, SMALL_BETA, 9);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	group_book_done(&book);
}

static void who_is_not_in_the_partition_of_a_group_has_no_path_to_it(void **state)
{
	struct asking *a = *state;
	struct group_book book;

	add_groups(a, &book);
	to_group(a, SMALL_BETA, 8);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	to_group(a, SMALL_ALPHA, 8);
	assert_int_equal(ask(a), STATUS_OK);
	set_field(a, PKEY, PATH_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_OK);
	set_field(a, PKEY, PATH_PKEY, 0xffff);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	group_book_done(&book);
}

static void a_group_is_found_by_its_lid(void **state)
{
	struct asking *a = *state;
	struct group_book book;

	add_groups(a, &book);
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_field(a, DLID, PATH_DLID, 0xc005);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	a->arrival.from.lid = a->small.lid[SMALL_BETA];
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
	set_field(a, DLID, PATH_DLID, 0xc006);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	set_field(a, DLID, PATH_DLID, 0xffff);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	to_group(a, SMALL_ALPHA, 7);
	set_field(a, DLID, PATH_DLID, 0xc006);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	group_book_done(&book);
}

/* ---- MultiPathRecord --------------------------------------------------------------------------
 */

enum { SGID_COUNT = 19, DGID_COUNT = 20, MULTI_PKEY_BIT = 7, MULTI_NUMB_BIT = 6 };

/* Room for 255 GIDs of either side. */
static uint8_t multi_message[SA_DATA_OFFSET + MULTI_GIDS_OFFSET + 510 * GID_SIZE];

static void set_multi(struct asking *a, enum small_port who, const uint64_t *guids, unsigned n_from,
		      unsigned n_to)
{
	uint8_t *data = multi_message + SA_DATA_OFFSET;

	question(a, who, METHOD_GET_MULTI, 0x3a);
	memset(multi_message, 0, sizeof(multi_message));
	wire_set(data, MULTI_SGID_COUNT, n_from);
	wire_set(data, MULTI_DGID_COUNT, n_to);
	for (unsigned i = 0; i < n_from + n_to; i++) {
		wire_set64(data + MULTI_GIDS_OFFSET + i * GID_SIZE, 0, SMALL_PREFIX);
		wire_set64(data + MULTI_GIDS_OFFSET + i * GID_SIZE, 1, guids[i]);
	}
	want(a, SGID_COUNT);
	want(a, DGID_COUNT);
	memcpy(wanted_of(a), data, SA_DATA_SIZE);
}

static void set_long(struct asking *a, unsigned n)
{
	set_message(a, multi_message, MULTI_GIDS_OFFSET + n * GID_SIZE);
}

static void a_multi_path_question_is_answered_with_path_records(void **state)
{
	struct asking *a = *state;
	static const uint64_t guids[] = { 0x11, 0x21, 0x31, 0x42 };

	set_multi(a, SMALL_ALPHA, guids, 2, 2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(&a->answer, MAD_ATTR), 0x35);
	assert_int_equal(wire_get(&a->answer, MAD_METHOD), 0x94);
	assert_int_equal(n_records(a), 2 * 2 * 4);
	assert_true(wire_get64(record_at(a, 0) + PATH_SGID_OFFSET, 1) == 0x11);
	assert_true(wire_get64(record_at(a, 0) + PATH_DGID_OFFSET, 1) == 0x31);
	assert_true(wire_get64(record_at(a, 15) + PATH_SGID_OFFSET, 1) == 0x21);
	assert_true(wire_get64(record_at(a, 15) + PATH_DGID_OFFSET, 1) == 0x42);
	set_field(a, MULTI_NUMB_BIT, MULTI_NUMB_PATH, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2 * 2);
	set_field(a, MULTI_PKEY_BIT, MULTI_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 1);
}

static void a_multi_path_question_that_names_nobody_is_wrong(void **state)
{
	struct asking *a = *state;
	static const uint64_t sources[] = { 0x11, 0x99, 0x31 }, destinations[] = { 0x11, 0x31, 0 };
	static const uint64_t good[] = { 0x11, 0x31 };

	set_multi(a, SMALL_ALPHA, sources, 2, 1);
	assert_int_equal(ask(a), STATUS_SA_INVALID_GID);
	set_multi(a, SMALL_ALPHA, destinations, 1, 2);
	assert_int_equal(ask(a), STATUS_SA_INVALID_GID);
	/* Nor can one tell who there is that one does not see. */
	set_multi(a, SMALL_BETA, good, 1, 1);
	assert_int_equal(ask(a), STATUS_OK);
	a->small.keys[SMALL_GAMMA][0] = 0x8007;
	assert_int_equal(ask(a), STATUS_SA_INVALID_GID);
}

static void a_multi_path_question_may_be_longer_than_a_datagram(void **state)
{
	struct asking *a = *state;
	uint64_t guids[40];

	for (unsigned i = 0; i < 40; i++)
		guids[i] = i < 20 ? 0x11 : 0x31;
	set_multi(a, SMALL_ALPHA, guids, 20, 20);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID); /* they are not there */
	set_long(a, 40);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 20 * 20 * 4);
	set_long(a, 39);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
}

static unsigned (*pkeys_counted)(const void *user, struct endpoint e, uint16_t *ret, unsigned room);
static unsigned n_looks_at_delta;

static unsigned count_looks(const void *user, struct endpoint e, uint16_t *ret, unsigned room)
{
	const struct small_fabric *small = user;

	n_looks_at_delta += e.port == small->port[SMALL_DELTA_1];

	return pkeys_counted(user, e, ret, room);
}

/* From @n_from to as many subnets; how often the router was looked at. */
static unsigned ask_beyond(struct asking *a, unsigned n_from, unsigned n_to)
{
	uint64_t guids[16];

	for (unsigned i = 0; i < n_from + n_to; i++)
		guids[i] = i < n_from ? 0x11 : 0x4711;
	set_multi(a, SMALL_ALPHA, guids, n_from, n_to);
	for (unsigned i = n_from; i < n_from + n_to; i++)
		wire_set64(multi_message + SA_DATA_OFFSET + MULTI_GIDS_OFFSET, 2 * i,
			   0xfec0000000000099 + i);
	set_long(a, n_from + n_to);
	n_looks_at_delta = 0;
	assert_int_equal(ask(a), STATUS_OK);
	assert_true(n_records(a) > 0);

	return n_looks_at_delta;
}

/* Among all nodes: nobody makes that as many times as there are pairs, or destinations. */
static void a_router_is_sought_once(void **state)
{
	struct asking *a = *state;
	unsigned n_by_one;

	node_of(&a->small.fabric, a->small.port[SMALL_DELTA_1])->type = NODE_TYPE_ROUTER;
	pkeys_counted = a->small.view.pkeys;
	a->small.view.pkeys = count_looks;
	n_by_one = ask_beyond(a, 1, 1);
	assert_true(ask_beyond(a, 8, 1) < 8 * n_by_one);
	assert_true(ask_beyond(a, 1, 8) < 8 * n_by_one);
}

static void a_multi_path_question_has_both_counts(void **state)
{
	struct asking *a = *state;
	static const uint64_t guids[] = { 0x11, 0x31 };

	set_multi(a, SMALL_ALPHA, guids, 1, 1);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, 1u << SGID_COUNT);
	assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, 1u << DGID_COUNT);
	assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
	set_multi(a, SMALL_ALPHA, guids, 0, 1);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
	set_multi(a, SMALL_ALPHA, guids, 1, 0);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
}

static void what_takes_too_long_is_refused(void **state)
{
	struct asking *a = *state;
	static uint64_t guids[510];

	for (unsigned i = 0; i < 510; i++)
		guids[i] = i < 255 ? 0x11 : 0x31;
	set_multi(a, SMALL_ALPHA, guids, 255, 255);
	/* No path has such a rate, and 65,025 pairs of ports have four pairs of LIDs each. */
	wire_set(multi_message + SA_DATA_OFFSET, MULTI_RATE_SELECTOR, MORE_THAN);
	wire_set(multi_message + SA_DATA_OFFSET, MULTI_RATE, 18);
	want(a, 12);
	want(a, 13);
	set_long(a, 510);
	assert_int_equal(ask(a), STATUS_SA_NO_RESOURCES);
}

/* ---- what is remembered ---------------------------------------------------------------------
 */

static const uint8_t *table_of(const void *user, uint32_t node, unsigned *ret_size)
{
	const struct small_fabric *small = user;
	const struct sw *sw = small->fabric.nodes[node].sw;

	*ret_size = sw->lft_size;

	return sw->lft;
}

static uint8_t route_of(const void *user, uint32_t node, unsigned lid)
{
	unsigned size;
	const uint8_t *table = table_of(user, node, &size);

	return lid < size ? table[lid] : 0xff;
}

static unsigned below(struct xoshiro *random, unsigned n)
{
	return (unsigned)(xoshiro_next(random) % n);
}

/* Links get other speeds and MTUs, tables other entries, but few of each. */
static void disturb(struct asking *a, struct xoshiro *random)
{
	static const uint8_t exits[] = { 0, 1, 2, 3, 4, SMALL_TRUNK, 0xff };

	for (unsigned i = below(random, 4); i > 0; i--) {
		unsigned which = below(random, SMALL_COUNT);
		uint8_t *info =
			small_fabric_info(&a->small, (enum small_port)which,
					  which <= SMALL_EAST ? exits[below(random, 6)] : 1);

		wire_set(info, PORT_INFO_WIDTH_ACTIVE, 1u << below(random, 2));
		wire_set(info, PORT_INFO_SPEED_ACTIVE, below(random, 3));
		wire_set(info, PORT_INFO_SPEED_EXT_ACTIVE, below(random, 2) * 2);
		wire_set(info, PORT_INFO_NEIGHBOR_MTU, below(random, 7));
	}
	for (unsigned i = below(random, 6); i > 0; i--) {
		struct sw *sw = node_of(&a->small.fabric, a->small.port[below(random, 2)])->sw;
		unsigned lid = a->small.lid[below(random, SMALL_COUNT)] + below(random, 2);

		sw->lft[lid] = below(random, 4) ? below(random, 2) ? 4 : SMALL_TRUNK
						: exits[below(random, COUNT(exits))];
	}
}

/* Tables as at the beginning. */
static void settle(struct asking *a, uint8_t (*route)(const void *, uint32_t, unsigned))
{
	for (unsigned i = SMALL_WEST; i <= SMALL_EAST; i++) {
		uint32_t node = a->small.fabric.ports[a->small.port[i]].node;
		struct sw *sw = a->small.fabric.nodes[node].sw;

		for (unsigned lid = 0; lid < sw->lft_size; lid++)
			sw->lft[lid] = route(&a->small, node, lid);
	}
}

/* A second cable between the switches, so that ways there can differ. */
static void add_trunk(struct asking *a)
{
	struct fabric *f = &a->small.fabric;

	fabric_connect(f, a->small.port[SMALL_WEST] + 4, a->small.port[SMALL_EAST] + 4);
	for (unsigned i = SMALL_WEST; i <= SMALL_EAST; i++)
		memcpy(small_fabric_info(&a->small, (enum small_port)i, 4),
		       small_fabric_info(&a->small, (enum small_port)i, SMALL_TRUNK),
		       SMP_DATA_SIZE);
}

/* The answer to the same with and without what is remembered. */
static void ask_twice(struct asking *a, struct ways *ways)
{
	struct admin_answer without;
	unsigned status;

	a->small.view.ways = NULL;
	status = ask(a);
	without = a->whole;
	a->whole.message = NULL;
	a->small.view.ways = ways;
	assert_int_equal(ask(a), status);
	assert_memory_equal(&a->whole.datagram, &without.datagram, MAD_SIZE);
	assert_int_equal(a->whole.length, without.length);
	if (without.message)
		assert_memory_equal(a->whole.message, without.message, without.length);
	admin_answer_done(&without);
	a->small.view.ways = NULL;
}

static void what_is_remembered_is_what_a_walk_finds(void **state)
{
	struct asking *a = *state;
	uint8_t (*route)(const void *, uint32_t, unsigned) = a->small.view.route;
	struct ways ways = { .link = NULL };
	struct xoshiro random;

	xoshiro_seed(&random, 1);
	add_trunk(a);
	a->small.view.table = table_of;
	a->small.view.route = route_of;
	for (unsigned i = 0; i < 300; i++) {
		settle(a, route);
		disturb(a, &random);
		for (unsigned k = 0; k < 30; k++) {
			unsigned from = below(&random, SMALL_COUNT),
				 to = below(&random, SMALL_COUNT);
			uint8_t method = below(&random, 2) ? METHOD_GET : METHOD_GET_TABLE;

			by_gid(a, method, (enum small_port)from, (enum small_port)to);
			if (below(&random, 4) == 0)
				wire_set(&a->arrival.datagram, SA_COMP_MASK, 1u << SGID);
			ask_twice(a, &ways);
		}
		ways_drop(&ways);
	}
}

static void what_is_remembered_is_walked_once(void **state)
{
	struct asking *a = *state;
	struct ways ways = { .link = NULL };

	a->small.view.table = table_of;
	a->small.view.route = route_of;
	a->small.view.ways = &ways;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	/* The tables are not looked at any more, until somebody says that they are others. */
	memset(node_of(&a->small.fabric, a->small.port[SMALL_WEST])->sw->lft, 0xff, 2 * LFT_BLOCK);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_2);
	assert_int_equal(ask(a), STATUS_OK);
	ways_drop(&ways);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	ways_drop(&ways);
}

/* ---- P_Keys -----------------------------------------------------------------------------------
 */

static void a_path_is_on_the_partition_that_was_asked_for(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	set_field(a, PKEY, PATH_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x8001);
}

static void there_is_no_path_on_a_partition_that_is_not_shared(void **state)
{
	struct asking *a = *state;
	static const uint16_t keys[] = { 0x8001, 0x0001, 0x8002, 0x8000, 0 };

	for (size_t i = 0; i < COUNT(keys); i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_1);
		set_field(a, PKEY, PATH_PKEY, keys[i]);
		assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	}
}

/* IPoIB sets the membership bit whatever it is a member of. */
static void a_limited_member_may_ask_with_the_full_key(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_ALPHA);
	set_field(a, PKEY, PATH_PKEY, 0xffff);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
}

static void without_a_wish_the_lowest_common_key_is_taken_as_the_source_has_it(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x8001);
	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_ALPHA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0x7fff);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
}

static void who_is_both_full_and_limited_member_has_the_full_key(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_BETA][1] = 0xffff;
	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_ALPHA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_PKEY), 0xffff);
}

static void there_is_no_path_between_limited_members(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_DELTA_1][0] = 0x7fff;
	by_gid(a, METHOD_GET, SMALL_BETA, SMALL_DELTA_1);
	a->arrival.from.lid = a->small.lid[SMALL_ALPHA];
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	set_field(a, PKEY, PATH_PKEY, 0xffff);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	a->small.keys[SMALL_DELTA_1][1] = 0xffff;
	assert_int_equal(ask(a), STATUS_OK);
}

static void who_asks_must_share_a_partition_with_both_ends(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	a->arrival.from.lid = a->small.lid[SMALL_DELTA_1];
	assert_int_equal(ask(a), STATUS_OK);
	memset(a->small.keys[SMALL_GAMMA], 0, sizeof(a->small.keys[0]));
	a->small.keys[SMALL_GAMMA][0] = 0x8001;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_gid(a, METHOD_GET, SMALL_GAMMA, SMALL_ALPHA);
	a->arrival.from.lid = a->small.lid[SMALL_DELTA_1];
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	a->arrival.from.lid = a->small.lid[SMALL_ALPHA];
	assert_int_equal(ask(a), STATUS_OK);
	a->arrival.from.lid = 0x77;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void who_asks_for_the_paths_of_others_sees_none_to_strangers(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_field(a, SLID, PATH_SLID, 0x10);
	set_field(a, PKEY, PATH_PKEY, 0x8001);
	memset(a->small.keys[SMALL_GAMMA], 0, sizeof(a->small.keys[0]));
	a->small.keys[SMALL_GAMMA][0] = 0x8001;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4); /* two to itself, and to gamma */
	a->arrival.from.lid = a->small.lid[SMALL_DELTA_1];
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	a->small.keys[SMALL_DELTA_1][0] = 0x8003;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
}

/* ---- MTU, rate, life --------------------------------------------------------------------------
 */

static void the_slowest_link_on_the_way_counts(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_DELTA_2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_RATE), SDR_1X);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_1024);
}

static void the_way_back_counts_too(void **state)
{
	struct asking *a = *state;

	wire_set(small_fabric_info(&a->small, SMALL_EAST, SMALL_TRUNK), PORT_INFO_NEIGHBOR_MTU,
		 CONF_MTU_512);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_512);
}

static void what_a_port_can_receive_bounds_the_mtu(void **state)
{
	struct asking *a = *state;

	wire_set(small_fabric_info(&a->small, SMALL_GAMMA, 1), PORT_INFO_MTU_CAP, CONF_MTU_2048);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_2048);

	wire_set(small_fabric_info(&a->small, SMALL_EAST, 0), PORT_INFO_MTU_CAP, CONF_MTU_256);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_EAST);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_256);
}

static void before_a_link_is_armed_its_mtu_is_what_will_be_set(void **state)
{
	struct asking *a = *state;
	uint8_t *alpha = small_fabric_info(&a->small, SMALL_ALPHA, 1);

	wire_set(alpha, PORT_INFO_STATE, PORT_INITIALIZE);
	wire_set(alpha, PORT_INFO_NEIGHBOR_MTU, CONF_MTU_256);
	a->small.conf.max_mtu = CONF_MTU_2048;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_2048);
}

static void an_armed_link_has_the_mtu_that_was_set(void **state)
{
	struct asking *a = *state;
	uint8_t *alpha = small_fabric_info(&a->small, SMALL_ALPHA, 1);

	wire_set(alpha, PORT_INFO_STATE, PORT_ARMED);
	wire_set(alpha, PORT_INFO_NEIGHBOR_MTU, CONF_MTU_512);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_512);
}

static void a_link_carries_no_more_than_its_ports_can_receive(void **state)
{
	struct asking *a = *state;

	wire_set(small_fabric_info(&a->small, SMALL_WEST, SMALL_TRUNK), PORT_INFO_MTU_CAP,
		 CONF_MTU_1024);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_1024);
}

static void impossible_mtus_count_as_the_smallest(void **state)
{
	struct asking *a = *state;

	wire_set(small_fabric_info(&a->small, SMALL_GAMMA, 1), PORT_INFO_NEIGHBOR_MTU, 0);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_256);
	wire_set(small_fabric_info(&a->small, SMALL_GAMMA, 1), PORT_INFO_NEIGHBOR_MTU, 15);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_MTU), CONF_MTU_4096);
}

/* What a selector makes of a value: the code in the answer, or 0 for no records. */
struct choice {
	unsigned selector;
	unsigned value;
	unsigned expected;
};

static void check_choices(struct asking *a, const struct choice *choices, size_t n,
			  unsigned selector_bit, enum wire_field selector, enum wire_field value)
{
	for (size_t i = 0; i < n; i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		set_field(a, selector_bit, selector, choices[i].selector);
		set_field(a, selector_bit + 1, value, choices[i].value);
		assert_int_equal(ask(a), choices[i].expected ? STATUS_OK : STATUS_SA_NO_RECORDS);
		if (choices[i].expected) {
			assert_int_equal(path_field(a, value), choices[i].expected);
			assert_int_equal(path_field(a, selector), EXACTLY);
		}
	}
}

static void mtu_selectors_choose(void **state)
{
	static const struct choice choices[] = {
		{ MORE_THAN, 4, 5 },  { MORE_THAN, 5, 0 }, { MORE_THAN, 63, 0 },
		{ MORE_THAN, 0, 5 },  { LESS_THAN, 5, 4 }, { LESS_THAN, 3, 2 },
		{ LESS_THAN, 2, 1 },  { LESS_THAN, 1, 0 }, { LESS_THAN, 0, 0 },
		{ LESS_THAN, 63, 5 }, { EXACTLY, 1, 1 },   { EXACTLY, 4, 4 },
		{ EXACTLY, 5, 5 },    { EXACTLY, 6, 0 },   { EXACTLY, 0, 0 },
		{ BEST, 0, 5 },       { BEST, 1, 5 },
	};

	check_choices(*state, choices, COUNT(choices), MTU_SELECTOR, PATH_MTU_SELECTOR, PATH_MTU);
}

static void rate_selectors_choose_by_rate_and_not_by_code(void **state)
{
	static const struct choice choices[] = {
		{ MORE_THAN, 9, EDR_4X }, /* 80 */
		{ MORE_THAN, 10, 0 },     /* 120: the smaller code is the faster one */
		{ MORE_THAN, EDR_4X, 0 },    { LESS_THAN, EDR_4X, 9 }, { LESS_THAN, 10, EDR_4X },
		{ LESS_THAN, 3, 5 },         { LESS_THAN, SDR_1X, 0 }, { EXACTLY, 3, 3 },
		{ EXACTLY, EDR_4X, EDR_4X }, { EXACTLY, 10, 0 },       { EXACTLY, 1, 0 },
		{ EXACTLY, 63, 0 },          { LESS_THAN, 0, 0 },      { MORE_THAN, 0, 0 },
		{ BEST, 0, EDR_4X },
	};

	check_choices(*state, choices, COUNT(choices), RATE_SELECTOR, PATH_RATE_SELECTOR,
		      PATH_RATE);
}

static void life_time_selectors_compare(void **state)
{
	static const struct choice choices[] = {
		{ MORE_THAN, 17, 18 }, { MORE_THAN, 18, 0 }, { LESS_THAN, 19, 18 },
		{ LESS_THAN, 18, 0 },  { EXACTLY, 18, 18 },  { EXACTLY, 17, 0 },
		{ BEST, 0, 18 },
	};

	check_choices(*state, choices, COUNT(choices), LIFE_SELECTOR, PATH_LIFE_SELECTOR,
		      PATH_LIFE);
}

static void a_selector_or_a_value_alone_does_not_count(void **state)
{
	struct asking *a = *state;
	static const unsigned bits[] = { MTU_SELECTOR, RATE_SELECTOR, LIFE_SELECTOR };

	for (size_t i = 0; i < COUNT(bits); i++) {
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		memset(wanted_of(a) + 54, MORE_THAN << 6 | 63, 3);
		want(a, bits[i]);
		assert_int_equal(ask(a), STATUS_OK);
		by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
		memset(wanted_of(a) + 54, MORE_THAN << 6 | 63, 3);
		want(a, bits[i] + 1);
		assert_int_equal(ask(a), STATUS_OK);
	}
}

static void only_service_level_0_has_paths(void **state)
{
	struct asking *a = *state;

	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	set_field(a, SL, PATH_SL, 0);
	assert_int_equal(ask(a), STATUS_OK);
	set_field(a, SL, PATH_SL, 1);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void the_life_time_is_the_one_of_the_subnet(void **state)
{
	struct asking *a = *state;

	a->small.conf.subnet_timeout = 12;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(path_field(a, PATH_LIFE), 12);
}

static void rates_below_others_are_found_across_the_codes(void **state)
{
	(void)state;
	assert_int_equal(admin_rate_below(2500), 0);
	assert_int_equal(admin_rate_below(admin_rate_mbps(4)), 19);  /* 28 below 30 */
	assert_int_equal(admin_rate_below(admin_rate_mbps(11)), 3);  /* 10 below 14 */
	assert_int_equal(admin_rate_below(admin_rate_mbps(18)), 17); /* 200 below 300 */
	assert_int_equal(admin_rate_below(UINT32_MAX), 24);
	assert_int_equal(admin_rate_mbps(0), 0);
	assert_int_equal(admin_rate_mbps(63), 0);
}

/* ---- walking ----------------------------------------------------------------------------------
 */

static void without_a_route_there_is_no_path(void **state)
{
	struct asking *a = *state;

	a->small.lost_lid = 0x30;
	by_lid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	/* nor without one back */
	by_lid(a, METHOD_GET, SMALL_GAMMA, SMALL_ALPHA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_loop_in_the_tables_is_no_path(void **state)
{
	struct asking *a = *state;

	a->small.loops = true;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	set_field(a, SLID, PATH_SLID, 0x10);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2); /* to itself, by both of its LIDs */
}

static void a_cable_that_is_pulled_takes_its_paths_along(void **state)
{
	struct asking *a = *state;

	fabric_disconnect(&a->small.fabric, a->small.port[SMALL_WEST] + SMALL_TRUNK);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_BETA);
	assert_int_equal(ask(a), STATUS_OK);
}

static uint8_t route_to_nowhere(const void *user, uint32_t node, unsigned lid)
{
	(void)user;
	(void)node;
	(void)lid;

	return 200;
}

static void a_table_that_names_a_port_that_is_not_there_is_no_path(void **state)
{
	struct asking *a = *state;

	a->small.view.route = route_to_nowhere;
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_route_that_ends_at_another_adapter_is_no_path(void **state)
{
	struct asking *a = *state;

	fabric_disconnect(&a->small.fabric, a->small.port[SMALL_GAMMA]);
	fabric_connect(&a->small.fabric, a->small.port[SMALL_EAST] + SMALL_TRUNK,
		       a->small.port[SMALL_DELTA_2]);
	by_gid(a, METHOD_GET, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(a_path_by_gid_has_all_that_a_connection_needs),
		asking_test(a_path_by_lid_is_the_same),
		asking_test(every_mask_that_clients_use_is_answered),
		asking_test(a_path_to_oneself_is_a_path),
		asking_test(a_limited_member_reaches_itself_on_its_own_key),
		asking_test(a_full_member_reaches_itself_as_others_do_or_on_the_key_it_wants),
		asking_test(paths_go_to_and_from_switches_too),
		asking_test(adapters_without_a_switch_between_them_have_a_path),
		asking_test(link_local_gids_are_as_good_and_come_back_as_asked),
		asking_test(other_subnets_groups_and_unknown_guids_have_no_records),
		asking_test(unknown_lids_have_no_records),
		asking_test(gid_and_lid_of_an_end_must_agree),
		asking_test(a_lid_of_the_range_is_the_lid_of_the_path),
		asking_test(pairs_of_the_same_place_come_first),
		asking_test(every_pair_of_lids_is_found_where_the_first_ones_are_lost),
		asking_test(a_lid_that_is_given_pairs_once_with_each_of_the_other_end),
		asking_test(a_table_has_at_most_numb_path_records),
		asking_test(a_get_is_one_path_whatever_numb_path_says),
		asking_test(with_one_end_open_a_table_has_the_paths_to_all_lids),
		asking_test(a_get_with_one_end_open_has_too_many),
		asking_test(without_an_end_everybody_is_tried_with_everybody),
		asking_test(who_is_trusted_sees_paths_of_others),
		asking_test(a_raw_path_has_no_key),
		asking_test(a_gid_of_another_subnet_is_reached_by_the_router),
		asking_test(a_path_to_a_group_is_what_the_group_says),
		asking_test(who_is_not_in_the_partition_of_a_group_has_no_path_to_it),
		asking_test(a_group_is_found_by_its_lid),
		asking_test(a_multi_path_question_is_answered_with_path_records),
		asking_test(a_multi_path_question_that_names_nobody_is_wrong),
		asking_test(a_multi_path_question_may_be_longer_than_a_datagram),
		asking_test(a_router_is_sought_once),
		asking_test(a_multi_path_question_has_both_counts),
		asking_test(what_takes_too_long_is_refused),
		asking_test(what_is_remembered_is_what_a_walk_finds),
		asking_test(what_is_remembered_is_walked_once),
		asking_test(a_path_is_on_the_partition_that_was_asked_for),
		asking_test(there_is_no_path_on_a_partition_that_is_not_shared),
		asking_test(a_limited_member_may_ask_with_the_full_key),
		asking_test(without_a_wish_the_lowest_common_key_is_taken_as_the_source_has_it),
		asking_test(who_is_both_full_and_limited_member_has_the_full_key),
		asking_test(there_is_no_path_between_limited_members),
		asking_test(who_asks_must_share_a_partition_with_both_ends),
		asking_test(who_asks_for_the_paths_of_others_sees_none_to_strangers),
		asking_test(the_slowest_link_on_the_way_counts),
		asking_test(the_way_back_counts_too),
		asking_test(what_a_port_can_receive_bounds_the_mtu),
		asking_test(before_a_link_is_armed_its_mtu_is_what_will_be_set),
		asking_test(an_armed_link_has_the_mtu_that_was_set),
		asking_test(a_link_carries_no_more_than_its_ports_can_receive),
		asking_test(impossible_mtus_count_as_the_smallest),
		asking_test(mtu_selectors_choose),
		asking_test(rate_selectors_choose_by_rate_and_not_by_code),
		asking_test(life_time_selectors_compare),
		asking_test(a_selector_or_a_value_alone_does_not_count),
		asking_test(only_service_level_0_has_paths),
		asking_test(the_life_time_is_the_one_of_the_subnet),
		asking_test(rates_below_others_are_found_across_the_codes),
		asking_test(without_a_route_there_is_no_path),
		asking_test(a_loop_in_the_tables_is_no_path),
		asking_test(a_cable_that_is_pulled_takes_its_paths_along),
		asking_test(a_table_that_names_a_port_that_is_not_there_is_no_path),
		asking_test(a_route_that_ends_at_another_adapter_is_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
