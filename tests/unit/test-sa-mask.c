/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * ComponentMasks where components do not choose among records of a table: paths to multicast
 * groups, and what is set. Each bit alone, and random sets of all 64, held against a slow reading
 * of the same request that knows records by the places of their bits. (Who may join a group, and
 * with which bits, is told in tests/scenario/test-groups.c.)
 */

#include "base/xoshiro.h"
#include "sm/multicast.h"
#include "tests/unit/sa-ask.h"

#define BITS    64u
#define ROUNDS  20000u
#define OUR_KEY 0x77u
#define GROUPS  6u

struct rig {
	struct asking asking; /* first: what sa-ask.h makes and frees */
	struct group_book book;
	struct xoshiro random;
	unsigned n_seen; /* changes, the last of which was */
	struct service_change service;
	struct inform_change inform;
	struct guids_change guids;
};

static uint16_t note_service(void *changer, const struct service_change *change,
			     struct service *ret)
{
	struct rig *t = changer;

	t->service = *change;
	t->n_seen++;
	memcpy(ret->record, change->record, sizeof(ret->record));

	return STATUS_OK;
}

static uint16_t note_inform(void *changer, const struct inform_change *change)
{
	struct rig *t = changer;

	t->inform = *change;
	t->n_seen++;

	return STATUS_OK;
}

static uint16_t note_guids(void *changer, const struct guids_change *change, bool *ret_later)
{
	struct rig *t = changer;

	(void)ret_later;
	t->guids = *change;
	t->n_seen++;

	return STATUS_OK;
}

static int set_up(void **state)
{
	struct rig *t = calloc(1, sizeof(*t));

	if (!t || small_fabric_init(&t->asking.small) < 0) {
		free(t);
		return -1;
	}
	t->asking.small.conf.sa_key = OUR_KEY;
	t->asking.small.view.service_change = note_service;
	t->asking.small.view.inform_change = note_inform;
	t->asking.small.view.guids_change = note_guids;
	t->asking.small.view.changer = t;
	xoshiro_seed(&t->random, 1);
	*state = t;

	return 0;
}

static int tear_down(void **state)
{
	struct rig *t = *state;

	group_book_done(&t->book);

	return asking_teardown(state);
}

static unsigned below(struct rig *t, unsigned n)
{
	return (unsigned)(xoshiro_next(&t->random) % n);
}

/* Of round @i: each bit alone, then with those that are needed, then any. */
static uint64_t mask_of(struct rig *t, unsigned i, uint64_t needed)
{
	uint64_t mask = xoshiro_next(&t->random);

	if (i < 2 * BITS)
		return UINT64_C(1) << i % BITS | (i < BITS ? 0 : needed);
	for (unsigned n = below(t, 4); n > 0; n--)
		mask &= xoshiro_next(&t->random);

	return below(t, 4) ? mask | needed : mask;
}

static void put_mask(struct rig *t, uint64_t mask)
{
	wire_set(&t->asking.arrival.datagram, SA_COMP_MASK, mask);
}

/* ---- paths to groups --------------------------------------------------------------------------
 */

/* IBA 15.2.5.16 */
enum {
	DGID = 2,
	SGID,
	DLID,
	SLID,
	NUMB_PATH = 12,
	PKEY,
	SL = 15,
	MTU_SELECTOR,
	RATE_SELECTOR = 18,
	LIFE_SELECTOR = 20,
};

/* The rates of the groups, slowest first: codes are in no order. */
static const uint8_t rates[] = { 2, 5, 3, 6, 4, 7 };

static void add_groups(struct rig *t)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		struct group group = { .mgid = { 0xff, 0x12, 0x40, 0x1b, [15] = (uint8_t)i },
				       .mlid = (uint16_t)(0xc005 + i / 3),
				       .pkey = i % 3 == 1 ? 0x8001 : 0xffff,
				       .mtu = (uint8_t)(2 + i % 3),
				       .rate = rates[i],
				       .life = (uint8_t)(16 + i % 4),
				       .sl = (uint8_t)(i % 2) };
		struct group *ret;

		assert_int_equal(group_add(&t->book, &group, &ret), 0);
	}
	t->asking.small.view.groups = &t->book;
}

struct path_question {
	uint8_t wanted[PATH_RECORD_SIZE];
	uint64_t mask;
	enum small_port who;
	bool trusted;
};

static bool has(const struct path_question *q, unsigned bit)
{
	return q->mask >> bit & 1;
}

/* What a selector says of a value, of which @order is the place of each. */
static bool within(const struct path_question *q, unsigned bit, unsigned at, int order, int wanted)
{
	if (!has(q, bit) || !has(q, bit + 1))
		return true;
	switch (q->wanted[at] >> 6) {
	case 0:
		return order > wanted;
	case 1:
		return order < wanted;
	case 2:
		return order == wanted;
	default:
		return true;
	}
}

static int place_of_rate(unsigned rate)
{
	for (unsigned i = 0; i < COUNT(rates); i++) {
		if (rates[i] == rate)
			return (int)i;
	}

	return -1;
}

static bool is_in(const struct rig *t, unsigned who, unsigned pkey)
{
	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		if ((t->asking.small.keys[who][i] & 0x7fff) == (pkey & 0x7fff))
			return true;
	}

	return false;
}

/* Who has it, of all ports: SMALL_COUNT if nobody. */
static unsigned who_has(const struct rig *t, bool by_lid, uint64_t value)
{
	const struct small_fabric *small = &t->asking.small;
	unsigned i = 0;

	for (; i < SMALL_COUNT; i++) {
		if (!by_lid && small->guid[i] == value)
			break;
		if (by_lid && value >= small->lid[i] &&
		    value <= small->lid[i] + (i > SMALL_EAST ? 1u : 0u))
			break;
	}

	return i;
}

/* Who sends; SMALL_COUNT: nobody. False: both ways to say who it is contradict each other. */
static bool find_sender(const struct rig *t, const struct path_question *q, unsigned *ret)
{
	unsigned by_gid = who_has(t, false, field_get(q->wanted, 32, 8));
	unsigned by_lid = who_has(t, true, field_get(q->wanted, 42, 2));

	*ret = has(q, SGID) ? by_gid : has(q, SLID) ? by_lid : q->who;
	if (has(q, SGID) && by_gid == SMALL_COUNT)
		return true;
	if (has(q, SLID) && by_lid == SMALL_COUNT)
		*ret = SMALL_COUNT;

	return !has(q, SGID) || !has(q, SLID) || by_lid == SMALL_COUNT || by_lid == by_gid;
}

static bool is_wanted(const struct path_question *q, const struct group *g)
{
	const uint8_t *w = q->wanted;

	return (!has(q, DGID) || memcmp(w + 8, g->mgid, 16) == 0) &&
	       (!has(q, DLID) || field_get(w, 40, 2) == g->mlid) &&
	       (!has(q, PKEY) || ((field_get(w, 50, 2) ^ g->pkey) & 0x7fff) == 0) &&
	       (!has(q, SL) || (w[53] & 0xf) == g->sl) &&
	       within(q, MTU_SELECTOR, 54, g->mtu, w[54] & 0x3f) &&
	       within(q, RATE_SELECTOR, 55, place_of_rate(g->rate), place_of_rate(w[55] & 0x3f)) &&
	       within(q, LIFE_SELECTOR, 56, g->life, w[56] & 0x3f);
}

/* How many: bit @i of *ret says that group @i is found. */
static unsigned expect(const struct rig *t, const struct path_question *q, bool is_table,
		       unsigned *ret)
{
	unsigned sender, n = 0;

	*ret = 0;
	if (!find_sender(t, q, &sender) || sender == SMALL_COUNT ||
	    (is_table && has(q, NUMB_PATH) && (q->wanted[49] & 0x7f) == 0))
		return 0;
	for (unsigned i = 0; i < t->book.n; i++) {
		const struct group *g = t->book.by_mgid[i];

		if (is_wanted(q, g) && is_in(t, sender, g->pkey) &&
		    (q->trusted || is_in(t, q->who, g->pkey))) {
			*ret |= 1u << g->mgid[15];
			n++;
		}
	}

	return n;
}

static unsigned ask_path(struct rig *t, const struct path_question *q, uint8_t method)
{
	memcpy(question(&t->asking, q->who, method, ATTR_SA_PATH_RECORD), q->wanted,
	       sizeof(q->wanted));
	put_mask(t, q->mask);
	wire_set(&t->asking.arrival.datagram, SA_KEY, q->trusted ? OUR_KEY : 0);

	return ask(&t->asking);
}

static unsigned check_path(struct rig *t, const struct path_question *q)
{
	unsigned sender, wanted, found = 0, n = expect(t, q, true, &wanted);

	if (!find_sender(t, q, &sender)) {
		assert_int_equal(ask_path(t, q, METHOD_GET_TABLE), STATUS_SA_REQ_INVALID);
		return 0;
	}
	assert_int_equal(ask_path(t, q, METHOD_GET_TABLE), STATUS_OK);
	assert_int_equal(n_records(&t->asking), n);
	for (unsigned i = 0; i < n; i++)
		found |= 1u << record_at(&t->asking, i)[8 + 15];
	assert_int_equal(found, wanted);
	n = expect(t, q, false, &wanted);
	assert_int_equal(ask_path(t, q, METHOD_GET), n == 0   ? STATUS_SA_NO_RECORDS
						     : n == 1 ? STATUS_OK
							      : STATUS_SA_TOO_MANY_RECORDS);

	return n;
}

/* Like what a group would say, but maybe for a bit. */
static void fill(struct rig *t, struct path_question *q)
{
	const struct small_fabric *small = &t->asking.small;
	const struct group *g = t->book.by_mgid[below(t, GROUPS)];
	uint8_t *w = q->wanted;

	*q = (struct path_question){ .who = (enum small_port)below(t, SMALL_COUNT),
				     .trusted = below(t, 4) == 0 };
	memcpy(w + 8, g->mgid, 16);
	field_put(w, 24, 8, SMALL_PREFIX);
	field_put(w, 32, 8, small->guid[below(t, SMALL_COUNT)]);
	field_put(w, 40, 2, g->mlid);
	field_put(w, 42, 2, small->lid[below(t, SMALL_COUNT)]);
	if (below(t, 2))
		field_put(w, 42, 2, small->lid[who_has(t, false, field_get(w, 32, 8))]);
	if (below(t, 20) == 0)
		field_put(w, below(t, 2) ? 32 : 42, 2, 0x7777);
	w[49] = (uint8_t)(below(t, 4) ? 1 : below(t, 3) << 6);
	field_put(w, 50, 2, below(t, 4) ? g->pkey : below(t, 3));
	w[53] = g->sl;
	w[54] = (uint8_t)(below(t, 4) << 6 | (2 + below(t, 3)));
	w[55] = (uint8_t)(below(t, 4) << 6 | rates[below(t, COUNT(rates))]);
	w[56] = (uint8_t)(below(t, 4) << 6 | (16 + below(t, 4)));
	if (below(t, 20) == 0)
		w[23] ^= 8;
}

static void paths_to_a_group_by_its_gid_and_by_its_lid(void **state)
{
	struct rig *t = *state;
	unsigned n = 0;

	add_groups(t);
	t->asking.small.keys[SMALL_BETA][1] = 0x0001;
	for (unsigned i = 0; i < ROUNDS; i++) {
		static const uint64_t to[] = { 1u << DGID, 1u << DLID, 1u << DGID | 1u << DLID };
		uint64_t needed = to[i % COUNT(to)];
		struct path_question q;

		fill(t, &q);
		q.mask = mask_of(t, i, needed) | needed;
		n += check_path(t, &q);
	}
	assert_in_range(n, ROUNDS / 20, ROUNDS);
}

/* ---- what is set ------------------------------------------------------------------------------
 */

static void class_port_info_has_no_components(void **state)
{
	struct rig *t = *state;
	uint8_t whole[CLASS_INFO_SIZE];

	question(&t->asking, SMALL_BETA, METHOD_GET, ATTR_CLASS_PORT_INFO);
	assert_int_equal(ask(&t->asking), STATUS_OK);
	memcpy(whole, record_at(&t->asking, 0), sizeof(whole));
	for (unsigned i = 0; i < 2 * BITS + 100; i++) {
		uint8_t *wanted =
			question(&t->asking, SMALL_BETA, METHOD_GET, ATTR_CLASS_PORT_INFO);

		memset(wanted, 0xff, sizeof(whole));
		put_mask(t, mask_of(t, i, 0));
		assert_int_equal(ask(&t->asking), STATUS_OK);
		assert_memory_equal(record_at(&t->asking, 0), whole, sizeof(whole));
	}
}

/* ServiceID and GID have to be there; lease and key count where they are; else all as it stands. */
static void a_service_is_set_by_its_record(void **state)
{
	struct rig *t = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t mask = mask_of(t, i, 3);
		uint8_t *record, expected[SERVICE_RECORD_SIZE];
		unsigned before = t->n_seen;

		record = question(&t->asking, SMALL_GAMMA, METHOD_SET, ATTR_SA_SERVICE_RECORD);
		for (unsigned k = 0; k < SERVICE_RECORD_SIZE; k++)
			record[k] = (uint8_t)below(t, 256);
		field_put(record, 8, 8, SMALL_PREFIX);
		field_put(record, 16, 8, t->asking.small.guid[SMALL_GAMMA]);
		field_put(record, 24, 2, 0xffff);
		record[28] = 1; /* a lease that is not 0 */
		memcpy(expected, record, sizeof(expected));
		put_mask(t, mask);
		if ((mask & 3) != 3) {
			assert_int_equal(ask(&t->asking), STATUS_SA_INSUFFICIENT_COMPONENTS);
			assert_int_equal(t->n_seen, before);
			continue;
		}
		assert_int_equal(ask(&t->asking), STATUS_OK);
		assert_int_equal(t->n_seen, before + 1);
		if (!(mask >> 4 & 1))
			memset(expected + 28, 0xff, 4);
		assert_memory_equal(t->service.record, expected, sizeof(expected));
		assert_int_equal(t->service.has_key, mask >> 5 & 1);
		assert_false(t->service.is_delete);
	}
}

static void a_subscription_is_its_record_whatever_the_mask(void **state)
{
	struct rig *t = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t *info = question(&t->asking, SMALL_GAMMA, METHOD_SET, ATTR_SA_INFORM_INFO);
		unsigned before = t->n_seen;

		field_put(info, 16, 2,
			  below(t, 2) ? 0xffff : 1 + below(t, 100)); /* LIDRangeBegin */
		field_put(info, 18, 2, below(t, 2) ? 0 : 200);
		info[22] = 1;                    /* generic */
		info[23] = (uint8_t)below(t, 2); /* subscribe */
		field_put(info, 26, 2, 64 + below(t, 4));
		info[31] = (uint8_t)below(t, 20); /* RespTimeValue */
		field_put(info, 33, 3, below(t, 2) ? 0xffffff : 1 + below(t, 3));
		put_mask(t, mask_of(t, i, 0));
		assert_int_equal(ask(&t->asking), STATUS_OK);
		assert_int_equal(t->n_seen, before + 1);
		assert_int_equal(t->inform.is_end, !info[23]);
		assert_memory_equal(t->inform.info, info, 23);
		assert_memory_equal(t->inform.info + 24, info + 24, 4);
		assert_int_equal(t->inform.to.response_time, info[31]);
		assert_memory_equal(t->inform.info + 33, info + 33, 3);
	}
}

/* LID and number of the block have to be there, and a bit for each entry that is to change. */
static void guids_are_set_where_the_mask_has_a_bit(void **state)
{
	struct rig *t = *state;

	for (unsigned i = 0; i < ROUNDS; i++) {
		bool is_delete = below(t, 2);
		unsigned block = below(t, 3), before = t->n_seen; /* there are two */
		uint64_t mask = mask_of(t, i, 3);
		uint8_t *record =
			question(&t->asking, SMALL_GAMMA, is_delete ? METHOD_DELETE : METHOD_SET,
				 ATTR_SA_GUID_RECORD);
		unsigned status = block > 1 ? STATUS_SA_NO_RECORDS : STATUS_OK;

		field_put(record, 0, 2, t->asking.small.lid[SMALL_GAMMA]);
		record[2] = (uint8_t)block;
		for (unsigned k = 0; k < 8; k++)
			field_put(record, 8 + 8 * k, 8, below(t, 2) ? 0 : 0x5000 + k);
		put_mask(t, mask);
		if (block == 0 && mask >> 4 & 1)
			status = STATUS_SA_REQ_INVALID; /* the port's own */
		if ((mask & 3) != 3)
			status = STATUS_SA_INSUFFICIENT_COMPONENTS;
		assert_int_equal(ask(&t->asking), status);
		assert_int_equal(t->n_seen, before + (status == STATUS_OK));
		if (status != STATUS_OK)
			continue;
		assert_int_equal(t->guids.block, block);
		assert_int_equal(t->guids.is_delete, is_delete);
		assert_int_equal(t->guids.entries, mask >> 4 & 0xff);
		for (unsigned k = 0; k < 8; k++)
			assert_true(t->guids.guid[k] == field_get(record, 8 + 8 * k, 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(paths_to_a_group_by_its_gid_and_by_its_lid),
		TEST(class_port_info_has_no_components),
		TEST(a_service_is_set_by_its_record),
		TEST(a_subscription_is_its_record_whatever_the_mask),
		TEST(guids_are_set_where_the_mask_has_a_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
