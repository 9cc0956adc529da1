/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * InformInfo and InformInfoRecord: what is found by each component alone and by random sets of them
 * is what a comparison byte by byte finds; what a notice has to be like to fit; and what a Set has
 * to be like. What becomes of one is the subnet manager's business; here it is noted.
 */

#include "base/xoshiro.h"
#include "sm/subscriptions.h"
#include "tests/unit/sa-ask.h"

enum { MANY = 200, ROUNDS = 2000, N_COMPONENTS = 16 };

struct table {
	struct asking asking; /* first: what sa-ask.h makes and frees */
	struct subscriptions subscriptions;
	struct inform_change seen;
	unsigned n_seen;
	uint16_t status;
	struct xoshiro random;
};

static uint16_t note(void *changer, const struct inform_change *change)
{
	struct table *t = changer;

	t->seen = *change;
	t->n_seen++;

	return t->status;
}

static int set_up(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t || small_fabric_init(&t->asking.small) < 0) {
		free(t);
		return -1;
	}
	subscriptions_init(&t->subscriptions);
	xoshiro_seed(&t->random, 1);
	t->asking.small.conf.subnet_prefix = SMALL_PREFIX;
	t->asking.small.conf.sa_key = 5;
	t->asking.small.view.subscriptions = &t->subscriptions;
	t->asking.small.view.inform_change = note;
	t->asking.small.view.changer = t;
	*state = t;

	return 0;
}

static int tear_down(void **state)
{
	struct table *t = *state;

	subscriptions_done(&t->subscriptions);

	return asking_teardown(state);
}

static unsigned any(struct table *t, unsigned below)
{
	return (unsigned)(xoshiro_next(&t->random) % below);
}

/* ---- records --------------------------------------------------------------------------------- */

/* Where a component lies, and of which bits of it, read from the specification once more. */
static const struct {
	uint8_t offset, size;
	uint8_t mask; /* of its last byte; 0: it is reserved */
} places[N_COMPONENTS] = {
	{ 0, 16, 0xff }, { 16, 2, 0xff }, { 18, 6, 0 },    { 24, 16, 0xff },
	{ 40, 2, 0xff }, { 42, 2, 0xff }, { 44, 2, 0 },    { 46, 1, 0xff },
	{ 47, 1, 0xff }, { 48, 2, 0xff }, { 50, 2, 0xff }, { 52, 3, 0xff },
	{ 55, 1, 0 },    { 55, 1, 0x1f }, { 56, 1, 0 },    { 57, 3, 0xff },
};

static bool fits(const uint8_t *record, const uint8_t *wanted, uint64_t mask)
{
	for (unsigned c = 0; c < N_COMPONENTS; c++) {
		unsigned last = places[c].offset + places[c].size - 1u;

		if (!(mask >> c & 1) || places[c].mask == 0)
			continue;
		if (memcmp(record + places[c].offset, wanted + places[c].offset,
			   places[c].size - 1u) != 0 ||
		    (record[last] ^ wanted[last]) & places[c].mask)
			return false;
	}

	return true;
}

/* Few values, so that many are equal. */
static void fill(struct table *t, uint8_t records[MANY][INFORM_RECORD_SIZE])
{
	static const enum small_port who[] = { SMALL_ALPHA, SMALL_GAMMA, SMALL_DELTA_1 };

	for (unsigned i = 0; i < MANY; i++) {
		uint64_t guid = t->asking.small.guid[who[any(t, 3)]];
		struct subscriber to = { .by = { guid, guid, 0 }, .qpn = 1 + any(t, 2) };
		uint8_t *info = records[i] + 24;

		memset(records[i], 0, INFORM_RECORD_SIZE);
		wire_set64(records[i], 0, SMALL_PREFIX);
		wire_set64(records[i], 1, guid);
		wire_set16(records[i], 8, (uint16_t)(1 + i % 7));
		for (unsigned k = 0; k < INFORM_INFO_SIZE; k++)
			info[k] = (uint8_t)(any(t, 12) == 0);
		wire_set(info, INFORM_QPN, to.qpn);
		wire_set(info, INFORM_SUBSCRIBE, 1);
		assert_non_null(subscriptions_add(&t->subscriptions, &to, 1 + i % 7, info));
	}
}

static void check_query(struct table *t, uint8_t records[MANY][INFORM_RECORD_SIZE], uint64_t mask)
{
	struct asking *a = &t->asking;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_INFORM_INFO_RECORD);
	unsigned n = 0, found;

	memcpy(wanted, records[any(t, MANY)], INFORM_RECORD_SIZE);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, mask);
	wire_set(&a->arrival.datagram, SA_KEY, 5);
	assert_int_equal(ask(a), STATUS_OK);
	for (unsigned i = 0; i < MANY; i++)
		n += fits(records[i], wanted, mask);
	found = (unsigned)wire_get(&a->answer, SA_ATTR_OFFSET) == 0 ? 0 : n_records(a);
	assert_int_equal(found, n);
	for (unsigned i = 0; i < found; i++)
		assert_true(fits(record_at(a, i), wanted, mask));
}

static void each_component_finds_what_is_equal_in_it(void **state)
{
	static uint8_t records[MANY][INFORM_RECORD_SIZE];
	struct table *t = *state;

	fill(t, records);
	for (unsigned c = 0; c < 64; c++)
		for (unsigned i = 0; i < 10; i++)
			check_query(t, records, UINT64_C(1) << c);
}

static void any_set_of_components_finds_what_is_equal_in_all(void **state)
{
	static uint8_t records[MANY][INFORM_RECORD_SIZE];
	struct table *t = *state;

	fill(t, records);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t mask = xoshiro_next(&t->random);

		for (unsigned k = any(t, 5); k > 0; k--)
			mask &= xoshiro_next(&t->random);
		check_query(t, records, mask);
	}
}

static void the_qpn_is_for_who_is_trusted_and_strangers_see_nothing(void **state)
{
	struct table *t = *state;
	struct subscriber to = { .by = { t->asking.small.guid[SMALL_GAMMA], 1, 0 }, .qpn = 72 };
	uint8_t info[INFORM_INFO_SIZE] = { 0 };

	wire_set(info, INFORM_QPN, 72);
	assert_non_null(subscriptions_add(&t->subscriptions, &to, 1, info));
	question(&t->asking, SMALL_ALPHA, METHOD_GET, ATTR_SA_INFORM_INFO_RECORD);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_int_equal(wire_get(record_at(&t->asking, 0) + 24, INFORM_QPN), 0);
	wire_set(&t->asking.arrival.datagram, SA_KEY, 5);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_int_equal(wire_get(record_at(&t->asking, 0) + 24, INFORM_QPN), 72);
	question(&t->asking, SMALL_ALPHA, METHOD_GET, ATTR_SA_INFORM_INFO_RECORD);
	t->asking.arrival.from.lid = 0x777;
	assert_int_equal(ask(&t->asking), STATUS_SA_NO_RECORDS);
}

/* ---- what fits ------------------------------------------------------------------------------- */

/* IBA 13.4.8.3 in the plainest words. */
static bool is_told(const uint8_t *info, const uint8_t *notice)
{
	static const uint8_t no_gid[16];
	unsigned begin = wire_get16(info, 8), end = wire_get16(info, 9);
	unsigned lid = wire_get16(notice, 3), type = wire_get16(info + 24, 0);
	bool any_producer = memcmp(info + 33, "\xff\xff\xff", 3) == 0;

	if (info[22] != notice[0] >> 7)
		return false;
	if (type != 0xffff && type != (notice[0] & 0x7fu))
		return false;
	if (wire_get16(info + 26, 0) != 0xffff && memcmp(info + 26, notice + 4, 2) != 0)
		return false;
	if (!any_producer && memcmp(info + 33, notice + 1, 3) != 0)
		return false;
	if (memcmp(info, no_gid, 16) != 0)
		return memcmp(info, notice + 64, 16) == 0;
	if (begin == 0xffff)
		return true;

	return end == 0 ? lid == begin : begin <= lid && lid <= end;
}

static void a_notice_fits_as_the_specification_says(void **state)
{
	struct table *t = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < 200000; i++) {
		uint8_t info[INFORM_INFO_SIZE] = { 0 }, notice[NOTICE_SIZE] = { 0 };

		info[15] = any(t, 4) == 0 ? 1 + (uint8_t)any(t, 2) : 0;
		wire_set16(info, 8, any(t, 3) ? 0xffff : (uint16_t)(1 + any(t, 4)));
		wire_set16(info, 9, (uint16_t)any(t, 5));
		info[22] = (uint8_t)any(t, 2);
		wire_set16(info + 24, 0, any(t, 2) ? 0xffff : (uint16_t)any(t, 4));
		wire_set16(info + 26, 0, any(t, 2) ? 0xffff : (uint16_t)(64 + any(t, 2)));
		memset(info + 33, any(t, 2) ? 0xff : 0, 3);
		if (info[33] == 0)
			info[35] = (uint8_t)any(t, 3);
		notice[0] = (uint8_t)(any(t, 2) << 7 | any(t, 4));
		notice[3] = (uint8_t)any(t, 3);
		notice[5] = (uint8_t)(64 + any(t, 2));
		notice[7] = (uint8_t)(1 + any(t, 5));
		notice[79] = (uint8_t)(1 + any(t, 2));
		n += is_told(info, notice);
		assert_int_equal(inform_info_fits(info, notice), is_told(info, notice));
	}
	assert_in_range(n, 1000, 199000);
}

/* ---- changes --------------------------------------------------------------------------------- */

static uint8_t *set(struct table *t, enum small_port who)
{
	uint8_t *info = question(&t->asking, who, METHOD_SET, ATTR_SA_INFORM_INFO);

	wire_set(info, INFORM_GENERIC, 1);
	wire_set(info, INFORM_SUBSCRIBE, 1);
	wire_set(info, INFORM_LID_BEGIN, 0xffff);
	wire_set(info, INFORM_TRAP, 64);

	return info;
}

static void a_set_names_who_it_is_and_how_to_get_there(void **state)
{
	struct table *t = *state;
	uint8_t *info = set(t, SMALL_GAMMA);

	wire_set(info, INFORM_RESPONSE_TIME, 20);
	t->asking.arrival.from.qpn = 0x48;
	t->asking.arrival.from.sl = 3;
	t->asking.arrival.from.lid++; /* another one of its range */
	t->asking.arrival.from.pkey_index = 1;
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_int_equal(t->n_seen, 1);
	assert_true(t->seen.to.by.guid == t->asking.small.guid[SMALL_GAMMA]);
	assert_int_equal(t->seen.to.qpn, 0x48);
	assert_int_equal(t->seen.to.lid_offset, 1);
	assert_int_equal(t->seen.to.sl, 3);
	assert_int_equal(t->seen.to.pkey, t->asking.small.keys[SMALL_ALPHA][1]);
	assert_int_equal(t->seen.to.response_time, 20);
	assert_false(t->seen.is_end || t->seen.to.sa_key);
	assert_int_equal(wire_get(record_at(&t->asking, 0), INFORM_QPN), 0x48);
	assert_int_equal(wire_get(record_at(&t->asking, 0), INFORM_SUBSCRIBE), 1);
	info = set(t, SMALL_GAMMA);
	wire_set(info, INFORM_SUBSCRIBE, 0);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(t->seen.is_end);
	assert_int_equal(wire_get(record_at(&t->asking, 0), INFORM_SUBSCRIBE), 0);
	t->status = STATUS_SA_REQ_INVALID;
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
}

static void what_cannot_be_is_refused(void **state)
{
	struct table *t = *state;
	uint8_t *info = set(t, SMALL_GAMMA);

	wire_set(info, INFORM_TRAP, 258);
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_DENIED);
	wire_set(&t->asking.arrival.datagram, SA_KEY, 5);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(t->seen.to.sa_key == 5);
	info = set(t, SMALL_ALPHA); /* ourselves */
	wire_set(info, INFORM_TRAP, 256);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	set(t, SMALL_GAMMA);
	t->asking.arrival.from.lid = 0x777;
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_DENIED);
	set(t, SMALL_GAMMA);
	t->asking.arrival.from.qpn = 0;
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
	assert_int_equal(t->n_seen, 2);
}

static void a_row_of_the_store_is_the_subscription_again(void **state)
{
	struct table *t = *state;
	struct subscriber to = { .by = { UINT64_MAX, 2, 3 },
				 .qpn = 0xabcdef,
				 .lid_offset = 127,
				 .sl = 15,
				 .pkey = 0x8001,
				 .has_grh = true,
				 .response_time = 31,
				 .sa_key = UINT64_C(0xfedcba9876543210) };
	uint8_t blob[SUBSCRIPTION_BLOB_SIZE], info[INFORM_INFO_SIZE] = { 0 }, back_info[36];
	struct kept_registration kept = { KEPT_SUBSCRIPTION, 5, 0, blob, sizeof(blob) };
	struct subscriber back;

	(void)t;
	wire_set(info, INFORM_LID_BEGIN, 5);
	subscription_to_blob(&to, info, blob);
	assert_true(subscription_from_row(&kept, &back, back_info));
	assert_memory_equal(back_info, info, sizeof(info));
	assert_int_equal(back.qpn, to.qpn);
	assert_int_equal(back.lid_offset, 127);
	assert_int_equal(back.sl, 15);
	assert_int_equal(back.pkey, 0x8001);
	assert_true(back.has_grh && back.sa_key == to.sa_key);
	assert_int_equal(back.response_time, 31);
	assert_true(registrant_is(&back.by, &to.by));
	kept.size -= 8; /* as an older vsm wrote it */
	assert_true(subscription_from_row(&kept, &back, back_info) && back.sa_key == 0);
	assert_true(registrant_is(&back.by, &to.by));
	kept.size += 7;
	assert_false(subscription_from_row(&kept, &back, back_info));
	kept.size++;
	blob[22] = 2; /* generic */
	assert_false(subscription_from_row(&kept, &back, back_info));
	blob[22] = 1;
	memset(blob + INFORM_INFO_SIZE, 0, 4);
	assert_false(subscription_from_row(&kept, &back, back_info));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(each_component_finds_what_is_equal_in_it),
		TEST(any_set_of_components_finds_what_is_equal_in_all),
		TEST(the_qpn_is_for_who_is_trusted_and_strangers_see_nothing),
		TEST(a_notice_fits_as_the_specification_says),
		TEST(a_set_names_who_it_is_and_how_to_get_there),
		TEST(what_cannot_be_is_refused),
		TEST(a_row_of_the_store_is_the_subscription_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
