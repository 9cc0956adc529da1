/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MCMemberRecord: every component, alone and in random sets, held against a slow reading of the
 * same question that goes through all groups and members by the places of their bits.
 */

#include "base/xoshiro.h"
#include "sm/multicast.h"
#include "tests/unit/sa-ask.h"

#define ROUNDS      6000u
#define RECORDS_MAX 256u
#define SIZE        MC_MEMBER_RECORD_SIZE
#define LINK_LOCAL  UINT64_C(0xfe80000000000000)
#define OUR_KEY     0x77u
#define N_GROUPS    24u
#define N_MEMBERS   4u

/* IBA 15.2.5.17: bits of the mask. */
enum {
	MGID,
	PORT_GID,
	QKEY,
	MLID,
	MTU_SELECTOR,
	MTU,
	TCLASS,
	PKEY,
	RATE_SELECTOR,
	RATE_VALUE,
	LIFE_SELECTOR,
	LIFE,
	SL,
	FLOW_LABEL,
	HOP_LIMIT,
	SCOPE,
	JOIN_STATE,
	PROXY_JOIN,
	COMPONENTS
};

/* Where what is only equal or not lies: first bit and how many. */
static const struct {
	unsigned at, width;
} places[COMPONENTS] = {
	[MGID] = { 0, 128 },       [QKEY] = { 256, 32 }, [MLID] = { 288, 16 },
	[TCLASS] = { 312, 8 },     [SL] = { 352, 4 },    [FLOW_LABEL] = { 356, 20 },
	[HOP_LIMIT] = { 376, 8 },  [SCOPE] = { 384, 4 }, [JOIN_STATE] = { 388, 4 },
	[PROXY_JOIN] = { 392, 1 },
};

struct table {
	struct asking asking; /* first: what sa-ask.h makes and frees */
	struct group_book book;
	struct xoshiro random;
	uint8_t groups[N_GROUPS][SIZE]; /* records without a member */
	unsigned n_members[N_GROUPS];
	uint8_t members[N_GROUPS][N_MEMBERS][SIZE];
};

struct query {
	uint8_t wanted[SIZE];
	uint64_t mask;
	enum small_port who;
	bool trusted;
};

struct records {
	unsigned n;
	uint8_t bytes[RECORDS_MAX][SIZE];
};

static unsigned below(struct table *t, unsigned n)
{
	return (unsigned)(xoshiro_next(&t->random) % n);
}

/* ---- the groups --------------------------------------------------------------------------------
 */

/* Few values, so that many are equal; what of them lies where, IBA 15.2.5.17. */
static void some_group(struct table *t, unsigned n, struct group *g, uint8_t *record)
{
	static const uint16_t keys[] = { 0xffff, 0x8001, 0x8005 };
	static const uint8_t rates[] = { 2, 3, 5, 7 };

	*g = (struct group){ .q_key = 0x0b1b + below(t, 2),
			     .flow_label = below(t, 2) * 0x12345,
			     .mlid = (uint16_t)(0xc000 + n / 2),
			     .pkey = keys[n / 2 % 3],
			     .mtu = (uint8_t)(2 + below(t, 3)),
			     .rate = rates[below(t, 4)],
			     .life = (uint8_t)(17 + below(t, 3)),
			     .sl = (uint8_t)below(t, 3),
			     .tclass = (uint8_t)below(t, 2),
			     .hop_limit = (uint8_t)below(t, 2),
			     .scope = (uint8_t)(2 + 3 * below(t, 2)) };
	field_put(g->mgid, 0, 8, UINT64_C(0xff12401bffff0000));
	field_put(g->mgid, 8, 8, n);
	memset(record, 0, SIZE);
	memcpy(record, g->mgid, 16);
	field_put(record, 32, 4, g->q_key);
	field_put(record, 36, 2, g->mlid);
	record[38] = (uint8_t)(0x80 | g->mtu);
	record[39] = g->tclass;
	field_put(record, 40, 2, g->pkey);
	record[42] = (uint8_t)(0x80 | g->rate);
	record[43] = (uint8_t)(0x80 | g->life);
	field_put(record, 44, 4, (uint32_t)g->sl << 28 | g->flow_label << 8 | g->hop_limit);
	record[48] = (uint8_t)(g->scope << 4);
}

static void some_members(struct table *t, unsigned n, struct group *g)
{
	static const enum small_port who[] = { SMALL_ALPHA, SMALL_BETA, SMALL_GAMMA,
					       SMALL_DELTA_2 };

	for (unsigned i = 0; i < N_MEMBERS; i++) {
		uint8_t *record = t->members[n][t->n_members[n]];
		struct group_member m = { .guid = t->asking.small.guid[who[i]],
					  .states = (uint8_t)(1u << below(t, 4)),
					  .proxy = below(t, 2) };

		if (below(t, 2))
			continue;
		if (who[i] == SMALL_GAMMA && below(t, 2))
			m.guid = SMALL_ALIAS_1;
		assert_int_equal(group_put_member(&t->book, g, &m), 0);
		memcpy(record, t->groups[n], SIZE);
		field_put(record, 24, 8, m.guid);
		record[48] |= m.states;
		record[49] = m.proxy ? 0x80 : 0;
		t->n_members[n]++;
	}
}

static int set_up(void **state)
{
	struct table *t = calloc(1, sizeof(*t));
	struct group group, *added;

	if (!t || small_fabric_init(&t->asking.small) < 0) {
		free(t);
		return -1;
	}
	xoshiro_seed(&t->random, 1);
	for (unsigned n = 0; n < N_GROUPS; n++) {
		some_group(t, n, &group, t->groups[n]);
		assert_int_equal(group_add(&t->book, &group, &added), 0);
		some_members(t, n, added);
	}
	t->asking.small.conf.sa_key = OUR_KEY;
	t->asking.small.view.groups = &t->book;
	*state = t;

	return 0;
}

static int tear_down(void **state)
{
	struct table *t = *state;

	group_book_done(&t->book);

	return asking_teardown(state);
}

/* ---- the slow reading ---------------------------------------------------------------------------
 */

static bool has(const struct query *q, unsigned bit)
{
	return q->mask >> bit & 1;
}

static bool equal(const uint8_t *x, const uint8_t *y, unsigned at, unsigned width)
{
	for (unsigned i = at; i < at + width; i++) {
		if ((x[i / 8] ^ y[i / 8]) >> (7 - i % 8) & 1)
			return false;
	}

	return true;
}

static unsigned as_it_is(unsigned code)
{
	return code;
}

/* By what a code means: 5 Gbit/s got its own after 30. */
static unsigned speed(unsigned code)
{
	static const unsigned gigabits_by_4[] = { [2] = 10, [3] = 40, [5] = 20, [7] = 160 };

	return code < COUNT(gigabits_by_4) ? gigabits_by_4[code] : 0;
}

/* A selector and its value count together only. */
static bool is_bounded(const struct query *q, unsigned bit, unsigned at, const uint8_t *record,
		       unsigned (*measure)(unsigned code))
{
	unsigned want = measure(q->wanted[at] & 63), have = measure(record[at] & 63);

	if (!has(q, bit) || !has(q, bit + 1))
		return true;
	switch (q->wanted[at] >> 6) {
	case 0:
		return have > want;
	case 1:
		return have < want;
	case 2:
		return have == want;
	default:
		return true;
	}
}

static bool is_like(const struct query *q, const uint8_t *record)
{
	for (unsigned bit = 0; bit < COMPONENTS; bit++) {
		if (has(q, bit) && !equal(q->wanted, record, places[bit].at, places[bit].width))
			return false;
	}
	/* Of what partition; limited members mean the same one. */
	if (has(q, PKEY) && !equal(q->wanted, record, 40 * 8 + 1, 15))
		return false;

	return is_bounded(q, MTU_SELECTOR, 38, record, as_it_is) &&
	       is_bounded(q, RATE_SELECTOR, 42, record, speed) &&
	       is_bounded(q, LIFE_SELECTOR, 43, record, as_it_is);
}

static bool has_key(const struct asking *a, unsigned who, unsigned base)
{
	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		if ((a->small.keys[who][i] & 0x7fffu) == base)
			return true;
	}

	return false;
}

static bool is_own(const struct asking *a, const struct query *q, uint64_t guid)
{
	return guid == a->small.guid[q->who] || (q->who == SMALL_GAMMA && guid == SMALL_ALIAS_1);
}

static void add(struct records *r, const struct query *q, const uint8_t *record, uint64_t prefix)
{
	uint8_t *here = r->bytes[r->n];

	if (!is_like(q, record))
		return;
	assert_true(r->n++ < RECORDS_MAX);
	memcpy(here, record, SIZE);
	if (field_get(record, 24, 8))
		field_put(here, 16, 8, prefix);
}

static void add_group(struct table *t, const struct query *q, unsigned n, struct records *r)
{
	uint64_t prefix = field_get(q->wanted, 16, 8), guid = field_get(q->wanted, 24, 8);

	if (!q->trusted &&
	    !has_key(&t->asking, q->who, (unsigned)field_get(t->groups[n], 40, 2) & 0x7fff))
		return;
	if (!has(q, PORT_GID) && (!q->trusted || t->n_members[n] == 0)) {
		add(r, q, t->groups[n], 0);
		return;
	}
	for (unsigned i = 0; i < t->n_members[n]; i++) {
		const uint8_t *member = t->members[n][i];

		if (!has(q, PORT_GID))
			add(r, q, member, SMALL_PREFIX);
		else if (field_get(member, 24, 8) == guid &&
			 (prefix == SMALL_PREFIX || prefix == LINK_LOCAL) &&
			 (q->trusted || is_own(&t->asking, q, guid)))
			add(r, q, member, prefix);
	}
}

/* ---- held against each other --------------------------------------------------------------------
 */

static int compare(const void *x, const void *y)
{
	return memcmp(x, y, SIZE);
}

static unsigned put_query(struct asking *a, const struct query *q, uint8_t method)
{
	memcpy(question(a, q->who, method, ATTR_SA_MC_MEMBER_RECORD), q->wanted, SIZE);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, q->mask);
	wire_set(&a->arrival.datagram, SA_KEY, q->trusted ? OUR_KEY : 0);

	return ask(a);
}

/* How many records there are. */
static unsigned check(struct table *t, const struct query *q)
{
	static struct records expected, found;
	struct asking *a = &t->asking;

	expected.n = 0;
	for (unsigned n = 0; n < N_GROUPS; n++)
		add_group(t, q, n, &expected);
	assert_int_equal(put_query(a, q, METHOD_GET_TABLE), STATUS_OK);
	found.n = n_records(a);
	assert_int_equal(found.n, expected.n);
	for (unsigned i = 0; i < found.n; i++)
		memcpy(found.bytes[i], record_at(a, i), SIZE);
	qsort(found.bytes, found.n, SIZE, compare);
	qsort(expected.bytes, expected.n, SIZE, compare);
	for (unsigned i = 0; i < found.n; i++)
		assert_memory_equal(found.bytes[i], expected.bytes[i], SIZE);
	assert_int_equal(put_query(a, q, METHOD_GET), found.n == 0   ? STATUS_SA_NO_RECORDS
						      : found.n == 1 ? STATUS_OK
								     : STATUS_SA_TOO_MANY_RECORDS);
	if (found.n == 1)
		assert_memory_equal(record_at(a, 0), expected.bytes[0], SIZE);

	return found.n;
}

/* Like a group or a member that there is; maybe but for a bit, a selector, a prefix. */
static void fill(struct table *t, struct query *q)
{
	unsigned n = below(t, N_GROUPS);
	bool is_member = t->n_members[n] && below(t, 2);

	memcpy(q->wanted, is_member ? t->members[n][below(t, t->n_members[n])] : t->groups[n],
	       SIZE);
	field_put(q->wanted, 16, 8, below(t, 4) ? SMALL_PREFIX : below(t, 2) ? LINK_LOCAL : 1);
	for (unsigned at = 38; at < 44; at += at == 38 ? 4 : 1)
		q->wanted[at] = (uint8_t)((q->wanted[at] & 63) | below(t, 4) << 6);
	if (below(t, 4) == 0)
		q->wanted[40] ^= 0x80; /* a limited member's key */
	if (below(t, 4) == 0) {
		unsigned bit = below(t, SIZE * 8);

		/* Of rates only those that there are are read here. */
		if (bit / 8 != 42)
			q->wanted[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	q->who = (enum small_port)below(t, SMALL_COUNT);
	q->trusted = below(t, 3) == 0;
}

static void each_component_alone_chooses(void **state)
{
	struct table *t = *state;

	for (unsigned bit = 0; bit < COMPONENTS; bit++) {
		unsigned n = 0;
		struct query q;

		for (unsigned i = 0; i < 200; i++) {
			fill(t, &q);
			q.mask = UINT64_C(1) << bit;
			n += check(t, &q);
			if (bit == MTU_SELECTOR || bit == RATE_SELECTOR || bit == LIFE_SELECTOR) {
				q.mask |= UINT64_C(2) << bit;
				n += check(t, &q);
			}
		}
		assert_true(n > 0);
	}
}

static void random_sets_of_components_choose_what_a_slow_reading_does(void **state)
{
	struct table *t = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct query q = { .mask = 0 };

		if (i == ROUNDS / 2)
			t->asking.small.keys[SMALL_BETA][1] = 0x0005;
		fill(t, &q);
		for (unsigned k = below(t, 6); k > 0; k--)
			q.mask |= UINT64_C(1) << below(t, COMPONENTS);
		if (below(t, 16) == 0)
			q.mask = xoshiro_next(&t->random); /* bits beyond are nobody's */
		n += check(t, &q);
	}
	assert_true(n > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_component_alone_chooses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			random_sets_of_components_choose_what_a_slow_reading_does, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
