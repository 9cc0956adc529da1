/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ServiceRecord: what is found of many records, by each component alone and by random sets of them,
 * is what a comparison byte by byte finds; and what a Set has to be like. What becomes of one is
 * the subnet manager's business; here it is noted.
 */

#include "base/loop.h"
#include "base/xoshiro.h"
#include "sm/services.h"
#include "tests/unit/sa-ask.h"

enum {
	MANY = 300,
	ROUNDS = 3000,
	N_COMPONENTS = 37,
	ID = 0,
	GID = 1,
	PKEY = 2,
	LEASE = 4,
	KEY = 5,
	NAME = 6,
};

#define NOW (1000 * LOOP_SEC)

struct table {
	struct asking asking; /* first: what sa-ask.h makes and frees */
	struct services services;
	struct service_change seen;
	unsigned n_seen;
	uint16_t status;
	struct xoshiro random;
};

static uint16_t note(void *changer, const struct service_change *change, struct service *ret)
{
	struct table *t = changer;

	t->seen = *change;
	t->n_seen++;
	*ret = (struct service){ .row = 1 };
	memcpy(ret->record, change->record, sizeof(ret->record));

	return t->status;
}

static int set_up(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t || small_fabric_init(&t->asking.small) < 0) {
		free(t);
		return -1;
	}
	t->asking.small.conf.subnet_prefix = SMALL_PREFIX;
	services_init(&t->services);
	xoshiro_seed(&t->random, 1);
	t->asking.small.view.services = &t->services;
	t->asking.small.view.now = NOW;
	t->asking.small.view.service_change = note;
	t->asking.small.view.changer = t;
	*state = t;

	return 0;
}

static int tear_down(void **state)
{
	struct table *t = *state;

	services_done(&t->services);

	return asking_teardown(state);
}

static unsigned any(struct table *t, unsigned below)
{
	return (unsigned)(xoshiro_next(&t->random) % below);
}

/* Where a component lies, read from the specification's table once more. */
static void place_of(unsigned component, unsigned *offset, unsigned *size)
{
	static const uint8_t first[7][2] = { { 0, 8 },  { 8, 16 },  { 24, 2 }, { 26, 2 },
					     { 28, 4 }, { 32, 16 }, { 48, 64 } };

	if (component < 7) {
		*offset = first[component][0];
		*size = first[component][1];
	} else if (component < 23) {
		*size = 1;
		*offset = 112 + component - 7;
	} else if (component < 31) {
		*size = 2;
		*offset = 128 + 2 * (component - 23);
	} else if (component < 35) {
		*size = 4;
		*offset = 144 + 4 * (component - 31);
	} else {
		*size = 8;
		*offset = 160 + 8 * (component - 35);
	}
}

/* Few values, so that many are equal. */
static struct service make(struct table *t)
{
	static const enum small_port holders[] = { SMALL_ALPHA, SMALL_GAMMA, SMALL_DELTA_1 };
	enum small_port holder = holders[any(t, 3)];
	struct service s = { .row = 1, .by = { 1, 1, 0 } };

	for (unsigned i = 0; i < sizeof(s.record); i++)
		s.record[i] = (uint8_t)(any(t, 8) == 0);
	wire_set(s.record, SERVICE_ID, any(t, 4));
	wire_set64(s.record + 8, 0, SMALL_PREFIX);
	wire_set64(s.record + 8, 1, t->asking.small.guid[holder]);
	wire_set(s.record, SERVICE_PKEY, any(t, 2) ? 0xffff : 0);
	if (any(t, 2)) {
		wire_set(s.record, SERVICE_LEASE, SERVICE_LEASE_EVER);
	} else {
		wire_set(s.record, SERVICE_LEASE, 1 + any(t, 3));
		s.lapses_at = NOW + wire_get(s.record, SERVICE_LEASE) * LOOP_SEC;
	}

	return s;
}

static const uint8_t *fill(struct table *t)
{
	static uint8_t record[MANY][SERVICE_RECORD_SIZE];

	for (unsigned i = 0; i < MANY; i++) {
		struct service s = make(t);

		memcpy(record[i], s.record, sizeof(record[i]));
		assert_non_null(services_add(&t->services, &s));
	}

	return record[0];
}

static bool fits(const uint8_t *record, const uint8_t *wanted, uint64_t mask)
{
	unsigned offset, size;

	for (unsigned c = 0; c < N_COMPONENTS; c++) {
		place_of(c, &offset, &size);
		if (mask >> c & 1 && c != 3 && memcmp(record + offset, wanted + offset, size) != 0)
			return false;
	}

	return true;
}

static void check_query(struct table *t, const uint8_t *records, uint64_t mask)
{
	struct asking *a = &t->asking;
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET_TABLE, ATTR_SA_SERVICE_RECORD);
	unsigned n = 0, found;

	memcpy(wanted, records + any(t, MANY) * SERVICE_RECORD_SIZE, SERVICE_RECORD_SIZE);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, mask);
	assert_int_equal(ask(a), STATUS_OK);
	for (unsigned i = 0; i < MANY; i++)
		n += fits(records + i * SERVICE_RECORD_SIZE, wanted, mask);
	found = (unsigned)wire_get(&a->answer, SA_ATTR_OFFSET) == 0 ? 0 : n_records(a);
	assert_int_equal(found, n);
	for (unsigned i = 0; i < found; i++) {
		uint8_t record[SERVICE_RECORD_SIZE];

		memcpy(record, record_at(a, i), sizeof(record));
		for (unsigned k = 32; k < 48; k++)
			assert_int_equal(record[k], 0); /* the key */
		assert_true(fits(record, wanted, mask & ~(UINT64_C(1) << KEY)));
	}
}

static void each_component_finds_what_is_equal_in_it(void **state)
{
	struct table *t = *state;
	const uint8_t *records = fill(t);

	for (unsigned c = 0; c < 64; c++)
		for (unsigned i = 0; i < 10; i++)
			check_query(t, records, UINT64_C(1) << c);
}

static void any_set_of_components_finds_what_is_equal_in_all(void **state)
{
	struct table *t = *state;
	const uint8_t *records = fill(t);

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t mask = xoshiro_next(&t->random);

		for (unsigned k = any(t, 6); k > 0; k--)
			mask &= xoshiro_next(&t->random);
		check_query(t, records, mask);
	}
}

/* ---- who sees it ----------------------------------------------------------------------------- */

static struct service *add(struct table *t, enum small_port holder, uint16_t pkey)
{
	struct service s = { .row = 1, .by = { 1, 1, 0 } }, *added;

	wire_set(s.record, SERVICE_ID, 7);
	wire_set64(s.record + 8, 0, SMALL_PREFIX);
	wire_set64(s.record + 8, 1, t->asking.small.guid[holder]);
	wire_set(s.record, SERVICE_PKEY, pkey);
	s.record[32] = 0x55;
	added = services_add(&t->services, &s);
	assert_non_null(added);

	return added;
}

static unsigned look(struct table *t, enum small_port who)
{
	question(&t->asking, who, METHOD_GET, ATTR_SA_SERVICE_RECORD);

	return ask(&t->asking);
}

static void partitions_decide_who_sees_it(void **state)
{
	struct table *t = *state;
	struct service *s = add(t, SMALL_GAMMA, 0x8001);

	assert_int_equal(look(t, SMALL_ALPHA), STATUS_OK);
	assert_int_equal(look(t, SMALL_GAMMA), STATUS_OK);
	assert_int_equal(look(t, SMALL_BETA), STATUS_SA_NO_RECORDS);
	wire_set(s->record, SERVICE_PKEY, 0);
	assert_int_equal(look(t, SMALL_BETA), STATUS_OK);
	wire_set64(s->record + 8, 1, 0x999); /* nobody has it */
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_SA_NO_RECORDS);
	wire_set64(s->record + 8, 0, UINT64_C(0xff12000000000000));
	wire_set(s->record, SERVICE_PKEY, 0x0001);
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_OK);
	assert_int_equal(look(t, SMALL_BETA), STATUS_SA_NO_RECORDS);
}

static void who_knows_our_key_sees_all_of_it(void **state)
{
	struct table *t = *state;

	t->asking.small.conf.sa_key = 5;
	add(t, SMALL_GAMMA, 0x8001);
	question(&t->asking, SMALL_BETA, METHOD_GET, ATTR_SA_SERVICE_RECORD);
	wire_set(&t->asking.arrival.datagram, SA_KEY, 5);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_int_equal(record_at(&t->asking, 0)[32], 0x55);
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_OK);
	assert_int_equal(record_at(&t->asking, 0)[32], 0);
}

static void what_has_lapsed_is_not_seen(void **state)
{
	struct table *t = *state;
	struct service *s = add(t, SMALL_GAMMA, 0);

	s->lapses_at = NOW + 1;
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_OK);
	assert_int_equal(wire_get(record_at(&t->asking, 0), SERVICE_LEASE), 1);
	s->lapses_at = NOW + LOOP_SEC + 1;
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_OK);
	assert_int_equal(wire_get(record_at(&t->asking, 0), SERVICE_LEASE), 2);
	s->lapses_at = NOW;
	assert_int_equal(look(t, SMALL_ALPHA), STATUS_SA_NO_RECORDS);
}

/* ---- changes --------------------------------------------------------------------------------- */

static uint8_t *set(struct table *t, enum small_port who, enum small_port holder, uint16_t pkey)
{
	uint8_t *record = question(&t->asking, who, METHOD_SET, ATTR_SA_SERVICE_RECORD);

	wire_set(record, SERVICE_ID, 7);
	wire_set64(record + 8, 0, SMALL_PREFIX);
	wire_set64(record + 8, 1, t->asking.small.guid[holder]);
	wire_set(record, SERVICE_PKEY, pkey);
	want(&t->asking, ID);
	want(&t->asking, GID);
	want(&t->asking, PKEY);

	return record;
}

static void a_set_names_who_it_is_of_and_all_that_is_in_it(void **state)
{
	struct table *t = *state;
	uint8_t *record = set(t, SMALL_ALPHA, SMALL_ALPHA, 0xffff);

	record[48] = 'n';
	record[40] = 9; /* a key that the mask does not have */
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_int_equal(t->n_seen, 1);
	assert_false(t->seen.is_delete || t->seen.has_key || t->seen.trusted != true);
	assert_true(t->seen.by.guid == t->asking.small.guid[SMALL_ALPHA]);
	assert_int_equal(t->seen.by.vf, TID >> 56);
	assert_int_equal(t->seen.record[48], 'n');
	assert_int_equal(wire_get(t->seen.record, SERVICE_LEASE), SERVICE_LEASE_EVER);
	assert_int_equal(wire_get(record_at(&t->asking, 0), SERVICE_LEASE), SERVICE_LEASE_EVER);
	assert_int_equal(record_at(&t->asking, 0)[48], 'n');
	assert_int_equal(wire_get(&t->asking.answer, MAD_METHOD), METHOD_GET_RESPONSE);

	set(t, SMALL_GAMMA, SMALL_ALPHA, 0xffff);
	want(&t->asking, KEY);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(t->seen.has_key && !t->seen.trusted);
	t->status = STATUS_SA_NO_RESOURCES;
	assert_int_equal(ask(&t->asking), STATUS_SA_NO_RESOURCES);
}

static void what_cannot_be_is_refused(void **state)
{
	struct table *t = *state;
	uint8_t *record;

	set(t, SMALL_BETA, SMALL_ALPHA, 0x8001); /* a partition that it is not in */
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
	set(t, SMALL_ALPHA, SMALL_BETA, 0x8001); /* or not who has the GID */
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
	set(t, SMALL_BETA, SMALL_BETA, 0x7fff);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	record = set(t, SMALL_ALPHA, SMALL_ALPHA, 0);
	wire_set64(record + 8, 1, 0x999);
	assert_int_equal(ask(&t->asking), STATUS_SA_INVALID_GID);
	record = set(t, SMALL_ALPHA, SMALL_ALPHA, 0);
	wire_set64(record + 8, 0, 0x80fe); /* osmtest's */
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(wire_get64(t->seen.record + 8, 0) == 0x80fe);
	record = set(t, SMALL_ALPHA, SMALL_ALPHA, 0);
	wire_set64(record + 8, 0, UINT64_C(0xfe80000000000000));
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(wire_get64(t->seen.record + 8, 0) == SMALL_PREFIX);
	record = set(t, SMALL_BETA, SMALL_BETA, 0x8001);
	wire_set64(record + 8, 0, UINT64_C(0xff12000000000000));
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
	record = set(t, SMALL_GAMMA, SMALL_BETA, 0x8001);
	wire_set64(record + 8, 0, UINT64_C(0xff12000000000000));
	assert_int_equal(ask(&t->asking), STATUS_OK);
	set(t, SMALL_ALPHA, SMALL_ALPHA, 0);
	want(&t->asking, LEASE);
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_INVALID);
	set(t, SMALL_ALPHA, SMALL_ALPHA, 0);
	t->asking.arrival.from.lid = 0x777; /* a stranger */
	assert_int_equal(ask(&t->asking), STATUS_SA_REQ_DENIED);
	assert_int_equal(t->n_seen, 4);
}

static void a_delete_goes_by_the_record_whatever_the_mask(void **state)
{
	struct table *t = *state;
	uint8_t *record = question(&t->asking, SMALL_GAMMA, METHOD_DELETE, ATTR_SA_SERVICE_RECORD);

	wire_set(record, SERVICE_ID, 7);
	wire_set64(record + 8, 1, 0x999);
	want(&t->asking, NAME);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	assert_true(t->seen.is_delete && !t->seen.has_key);
	assert_int_equal(wire_get(t->seen.record, SERVICE_ID), 7);
	assert_true(wire_get64(t->seen.record + 8, 0) == SMALL_PREFIX);
	assert_int_equal(wire_get(&t->asking.answer, MAD_METHOD), METHOD_DELETE_RESPONSE);
}

/* ---- the table ------------------------------------------------------------------------------- */

static void a_row_of_the_store_is_the_service_again(void **state)
{
	struct table *t = *state;
	struct service s = make(t), back;
	uint8_t blob[SERVICE_BLOB_SIZE];
	struct kept_registration kept = { KEPT_SERVICE, 5, 77, blob, sizeof(blob) };

	s.by = (struct registrant){ UINT64_MAX, 2, 3 };
	service_to_blob(&s, blob);
	assert_true(service_from_row(&kept, &back));
	assert_int_equal(back.row, 5);
	assert_int_equal(back.expires, 77);
	assert_memory_equal(back.record, s.record, sizeof(s.record));
	assert_true(registrant_is(&back.by, &s.by));
	kept.size--;
	assert_false(service_from_row(&kept, &back));
	kept.size++;
	memset(blob + SERVICE_RECORD_SIZE, 0, 8);
	assert_false(service_from_row(&kept, &back));
}

static void services_are_counted_by_who_registered_them(void **state)
{
	struct table *t = *state;
	const struct registrant by[] = { { 1, 1, 0 }, { 1, 1, 5 }, { 2, 1, 0 }, { 3, 3, 0 } };
	struct service s, *first = NULL;

	for (unsigned i = 0; i < 40; i++) {
		s = (struct service){ .by = by[i % 4] };
		wire_set(s.record, SERVICE_ID, i);
		first = services_add(&t->services, &s);
	}
	assert_int_equal(services_count_vf(&t->services, &by[0]), 10);
	assert_int_equal(services_count_vf(&t->services, &by[1]), 10);
	assert_int_equal(services_count_port(&t->services, &by[0]), 30);
	services_remove(&t->services, first);
	assert_int_equal(services_count_port(&t->services, &by[3]), 9);
	assert_int_equal(t->services.n, 39);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(each_component_finds_what_is_equal_in_it),
		TEST(any_set_of_components_finds_what_is_equal_in_all),
		TEST(partitions_decide_who_sees_it),
		TEST(who_knows_our_key_sees_all_of_it),
		TEST(what_has_lapsed_is_not_seen),
		TEST(a_set_names_who_it_is_of_and_all_that_is_in_it),
		TEST(what_cannot_be_is_refused),
		TEST(a_delete_goes_by_the_record_whatever_the_mask),
		TEST(a_row_of_the_store_is_the_service_again),
		TEST(services_are_counted_by_who_registered_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
