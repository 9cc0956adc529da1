/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Every component of every record, alone and in random sets, held against a slow reading of the
 * same question that shares nothing with ours: the components of a record follow each other without
 * gaps, so their widths, as the specification lists them, say where each is and which bit of the
 * mask is its.
 */

#include <stdio.h>

#include "base/xoshiro.h"
#include "tests/unit/sa-ask.h"

#define RECORDS_MAX 512u
#define SIZE_MAX_OF 128u /* bytes of the longest record */
#define ROUNDS      4000u

enum kind {
	END,
	SAME,    /* equal */
	SKIP,    /* reserved, or it does not choose */
	LID,     /* any LID of a port stands for it */
	BITS,    /* or at least these, if the modifier says so */
	OPTIONS, /* of PortInfoRecord: changes what is in the others */
	BLOCK,   /* of GuidInfoRecord: only who names it gets empty ones */
};

struct component {
	unsigned width; /* bits */
	enum kind kind;
};

struct kind_of_record {
	const char *name;
	uint16_t attr;
	unsigned size;
	bool secret;      /* for who is trusted */
	unsigned subject; /* whose it is: the byte at which its LID is */
	const struct component *components;
};

/* clang-format off */
static const struct component of_node[] = {
	{ 16, LID }, { 16, SKIP },
	{ 8, SAME }, { 8, SAME }, { 8, SAME }, { 8, SAME }, { 64, SAME }, { 64, SAME },
	{ 64, SAME }, { 16, SAME }, { 16, SAME }, { 32, SAME }, { 8, SAME }, { 24, SAME },
	{ 512, SAME }, { 0, END },
};
static const struct component of_port[] = {
	{ 16, LID }, { 8, SAME }, { 8, OPTIONS },
	{ 64, SAME }, { 64, SAME }, { 16, SAME }, { 16, SAME }, { 32, BITS }, { 16, SAME },
	{ 16, SAME }, { 8, SAME }, { 8, SAME }, { 8, SAME }, { 8, SAME }, { 4, SAME }, { 4, SAME },
	{ 4, SAME }, { 4, SAME }, { 2, SAME }, { 3, SKIP }, { 3, SAME }, { 4, SAME }, { 4, SAME },
	{ 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 8, SAME }, { 8, SAME }, { 8, SAME },
	{ 4, SAME }, { 4, SAME }, { 3, SAME }, { 5, SAME }, { 4, SAME }, { 1, SAME }, { 1, SAME },
	{ 1, SAME }, { 1, SAME }, { 16, SAME }, { 16, SAME }, { 16, SAME }, { 8, SAME },
	{ 1, SAME }, { 2, SKIP }, { 5, SAME }, { 3, SKIP }, { 5, SAME }, { 4, SAME }, { 4, SAME },
	{ 16, SAME }, { 8, SKIP }, { 24, SAME }, { 16, BITS }, { 4, SAME }, { 4, SAME },
	{ 3, SKIP }, { 5, SAME }, { 0, END },
};
static const struct component of_switch[] = {
	{ 16, LID }, { 16, SKIP },
	{ 16, SAME }, { 16, SAME }, { 16, SAME }, { 16, SAME }, { 8, SAME }, { 8, SAME },
	{ 8, SAME }, { 5, SAME }, { 1, SAME }, { 2, SAME }, { 16, SAME }, { 16, SAME },
	{ 1, SAME }, { 1, SAME }, { 1, SAME }, { 1, SAME }, { 1, SAME }, { 11, SKIP },
	{ 16, SAME }, { 0, END },
};
static const struct component of_lft[] = {
	{ 16, LID }, { 16, SAME }, { 32, SKIP }, { 512, SAME }, { 0, END },
};
static const struct component of_mft[] = {
	{ 16, LID }, { 4, SAME }, { 3, SKIP }, { 9, SAME }, { 32, SKIP }, { 512, SAME }, { 0, END },
};
static const struct component of_levels[] = {
	{ 16, LID }, { 8, SAME }, { 8, SAME }, { 32, SKIP },
	{ 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME },
	{ 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME }, { 4, SAME },
	{ 4, SAME }, { 4, SAME }, { 0, END },
};
static const struct component of_turns[] = {
	{ 16, LID }, { 8, SAME }, { 8, SAME }, { 32, SKIP }, { 512, SAME }, { 0, END },
};
static const struct component of_link[] = {
	{ 16, LID }, { 8, SAME }, { 8, SAME }, { 16, LID }, { 0, END },
};
static const struct component of_keys[] = {
	{ 16, LID }, { 16, SAME }, { 8, SAME }, { 24, SKIP }, { 512, SAME }, { 0, END },
};
static const struct component of_manager[] = {
	{ 16, LID }, { 16, SKIP },
	{ 64, SAME }, { 64, SAME }, { 32, SAME }, { 4, SAME }, { 4, SAME }, { 0, END },
};
static const struct component of_guids[] = {
	{ 16, LID }, { 8, BLOCK }, { 8, SKIP }, { 32, SKIP },
	{ 64, SAME }, { 64, SAME }, { 64, SAME }, { 64, SAME },
	{ 64, SAME }, { 64, SAME }, { 64, SAME }, { 64, SAME }, { 0, END },
};
static const struct kind_of_record kinds[] = {
	{ "NodeRecord", 0x11, 112, false, 0, of_node },
	{ "PortInfoRecord", 0x12, 72, false, 0, of_port },
	{ "SwitchInfoRecord", 0x14, 24, false, 0, of_switch },
	{ "LinearForwardingTableRecord", 0x15, 72, false, 0, of_lft },
	{ "MulticastForwardingTableRecord", 0x17, 72, false, 0, of_mft },
	{ "SLtoVLMappingTableRecord", 0x13, 16, false, 0, of_levels },
	{ "VLArbitrationTableRecord", 0x36, 72, false, 0, of_turns },
	{ "SMInfoRecord", 0x18, 32, false, 0, of_manager },
	{ "LinkRecord", 0x20, 8, false, 0, of_link },
	{ "GuidInfoRecord", 0x30, 72, false, 0, of_guids },
	{ "P_KeyTableRecord", 0x33, 72, true, 0, of_keys },
};
/* clang-format on */

#define OUR_KEY  0x77u
#define CONTAINS 0x80000000u

struct records {
	unsigned n;
	uint8_t bytes[RECORDS_MAX][SIZE_MAX_OF];
};

struct query {
	const struct kind_of_record *kind;
	uint8_t wanted[SIZE_MAX_OF];
	uint64_t mask;
	uint32_t modifier;
	enum small_port who;
	bool trusted;
};

static bool bit_at(const uint8_t *bytes, unsigned n)
{
	return bytes[n / 8] >> (7 - n % 8) & 1;
}

static unsigned lid_at(const uint8_t *bytes)
{
	return bytes[0] * 256u + bytes[1];
}

/* ---- the slow reading -------------------------------------------------------------------------
 */

/* Whose LID is that? Switches have one, all others two. SMALL_COUNT: nobody's. */
static unsigned owner_of(const struct asking *a, unsigned lid)
{
	for (unsigned i = 0; i < SMALL_COUNT; i++) {
		if (lid == a->small.lid[i] || (i > SMALL_EAST && lid == a->small.lid[i] + 1u))
			return i;
	}

	return SMALL_COUNT;
}

static bool may_talk(const struct asking *a, unsigned one, unsigned other)
{
	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		for (unsigned k = 0; k < SMALL_KEYS; k++) {
			unsigned x = a->small.keys[one][i], y = a->small.keys[other][k];

			if ((x & 0x7fff) && (x & 0x7fff) == (y & 0x7fff) && ((x | y) & 0x8000))
				return true;
		}
	}

	return one == other;
}

static bool equal(const uint8_t *x, const uint8_t *y, unsigned at, unsigned width)
{
	for (unsigned i = at; i < at + width; i++) {
		if (bit_at(x, i) != bit_at(y, i))
			return false;
	}

	return true;
}

static bool contained(const uint8_t *wanted, const uint8_t *in, unsigned at, unsigned width)
{
	for (unsigned i = at; i < at + width; i++) {
		if (bit_at(wanted, i) && !bit_at(in, i))
			return false;
	}

	return true;
}

static bool fits(const struct asking *a, const struct query *q, const struct component *c,
		 unsigned at, const uint8_t *record)
{
	unsigned owner;

	switch (c->kind) {
	case SKIP:
	case OPTIONS:
	case END:
		return true;
	case LID:
		owner = owner_of(a, lid_at(q->wanted + at / 8));
		return owner < SMALL_COUNT && owner == owner_of(a, lid_at(record + at / 8));
	case BITS:
		if (q->modifier & CONTAINS)
			return contained(q->wanted, record, at, c->width);
		return equal(q->wanted, record, at, c->width);
	case BLOCK:
	case SAME:
		return equal(q->wanted, record, at, c->width);
	}

	return false;
}

static bool is_chosen(const struct asking *a, const struct query *q, const uint8_t *record)
{
	unsigned at = 0;

	for (unsigned i = 0; q->kind->components[i].kind != END; i++) {
		if ((q->mask >> i & 1) && !fits(a, q, &q->kind->components[i], at, record))
			return false;
		at += q->kind->components[i].width;
	}

	return true;
}

static bool is_visible(const struct asking *a, const struct query *q, const uint8_t *record)
{
	unsigned subject = owner_of(a, lid_at(record));

	if (q->trusted)
		return true;
	if (q->kind->attr == 0x20 && !may_talk(a, q->who, owner_of(a, lid_at(record + 4))))
		return false;

	return may_talk(a, q->who, subject);
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static unsigned put(struct asking *a, const struct query *q, uint8_t method)
{
	uint8_t *wanted = question(a, q->who, method, q->kind->attr);

	memcpy(wanted, q->wanted, q->kind->size);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, q->mask);
	wire_set(&a->arrival.datagram, MAD_MODIFIER, q->modifier);
	wire_set(&a->arrival.datagram, SA_KEY, q->trusted ? OUR_KEY : 0);

	return ask(a);
}

static void take(struct asking *a, const struct query *q, struct records *ret)
{
	unsigned n = n_records(a);

	assert_int_equal(wire_get(&a->answer, SA_ATTR_OFFSET), q->kind->size / 8);
	assert_true(ret->n + n <= RECORDS_MAX);
	for (unsigned i = 0; i < n; i++)
		memcpy(ret->bytes[ret->n++], record_at(a, i), q->kind->size);
}

static unsigned bit_of(const struct kind_of_record *kind, enum kind which)
{
	unsigned i = 0;

	while (kind->components[i].kind != END && kind->components[i].kind != which)
		i++;

	return i;
}

static bool has(const struct query *q, enum kind which)
{
	return q->mask >> bit_of(q->kind, which) & 1;
}

/* All that there is, also what only shows if it is asked for by number, and as @q wants it told. */
static void take_all(struct asking *a, const struct query *q, struct records *ret)
{
	struct query all = { .kind = q->kind, .trusted = true, .who = SMALL_ALPHA };

	ret->n = 0;
	if (has(q, OPTIONS) && q->kind->attr == 0x12) {
		all.mask = 1u << 2;
		all.wanted[3] = q->wanted[3];
	}
	if (!has(q, BLOCK) || q->kind->attr != 0x30) {
		assert_int_equal(put(a, &all, METHOD_GET_TABLE), STATUS_OK);
		take(a, &all, ret);
		return;
	}
	all.mask = 1u << 1;
	for (unsigned block = 0; block < 4; block++) {
		all.wanted[2] = (uint8_t)block;
		assert_int_equal(put(a, &all, METHOD_GET_TABLE), STATUS_OK);
		take(a, &all, ret);
	}
}

static int compare(const void *x, const void *y)
{
	return memcmp(x, y, SIZE_MAX_OF);
}

static void check_table(struct asking *a, const struct query *q, struct records *expected)
{
	static struct records found;

	memset(&found, 0, sizeof(found));
	assert_int_equal(put(a, q, METHOD_GET_TABLE), STATUS_OK);
	take(a, q, &found);
	assert_int_equal(found.n, expected->n);
	qsort(found.bytes, found.n, SIZE_MAX_OF, compare);
	qsort(expected->bytes, expected->n, SIZE_MAX_OF, compare);
	for (unsigned i = 0; i < found.n; i++)
		assert_memory_equal(found.bytes[i], expected->bytes[i], q->kind->size);
}

static void check(struct asking *a, const struct query *q)
{
	static struct records all, expected;

	if (q->kind->secret && !q->trusted) {
		assert_int_equal(put(a, q, METHOD_GET), STATUS_SA_REQ_INVALID);
		assert_int_equal(put(a, q, METHOD_GET_TABLE), STATUS_SA_REQ_INVALID);
		return;
	}
	memset(&all, 0, sizeof(all));
	memset(&expected, 0, sizeof(expected));
	take_all(a, q, &all);
	for (unsigned i = 0; i < all.n; i++) {
		if (is_chosen(a, q, all.bytes[i]) && is_visible(a, q, all.bytes[i]))
			memcpy(expected.bytes[expected.n++], all.bytes[i], SIZE_MAX_OF);
	}
	check_table(a, q, &expected);
	assert_int_equal(put(a, q, METHOD_GET), expected.n == 0   ? STATUS_SA_NO_RECORDS
						: expected.n == 1 ? STATUS_OK
								  : STATUS_SA_TOO_MANY_RECORDS);
	if (expected.n == 1)
		assert_memory_equal(record_at(a, 0), expected.bytes[0], q->kind->size);
}

/* ---- the tests --------------------------------------------------------------------------------
 */

static unsigned n_components(const struct kind_of_record *kind)
{
	return bit_of(kind, END);
}

static void components_fill_the_record(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT(kinds); k++) {
		unsigned bits = 0;

		for (unsigned i = 0; i < n_components(&kinds[k]); i++)
			bits += kinds[k].components[i].width;
		assert_true(bits <= kinds[k].size * 8 && bits + 64 > kinds[k].size * 8);
	}
}

static void each_component_alone_chooses(void **state)
{
	struct asking *a = *state;
	static struct records all;

	a->small.conf.sa_key = OUR_KEY;
	for (size_t k = 0; k < COUNT(kinds); k++) {
		struct query q = { .kind = &kinds[k], .trusted = true, .who = SMALL_ALPHA };

		take_all(a, &q, &all);
		assert_true(all.n > 0);
		for (unsigned bit = 0; bit < n_components(&kinds[k]); bit++) {
			q.mask = UINT64_C(1) << bit;
			for (unsigned i = 0; i < MIN(all.n, 20); i++) {
				memcpy(q.wanted, all.bytes[i], kinds[k].size);
				check(a, &q);
			}
			memset(q.wanted, 0xff, sizeof(q.wanted));
			check(a, &q);
			memset(q.wanted, 0, sizeof(q.wanted));
			check(a, &q);
		}
	}
}

static uint64_t some_mask(struct xoshiro *random, const struct kind_of_record *kind)
{
	unsigned n = n_components(kind);
	uint64_t mask = 0;

	if (xoshiro_next(random) % 16 == 0)
		return xoshiro_next(random); /* bits beyond are nobody's */
	for (unsigned i = (unsigned)(xoshiro_next(random) % 6); i > 0; i--)
		mask |= UINT64_C(1) << xoshiro_next(random) % n;

	return mask;
}

/* Like one of those that there are, but maybe for a bit. */
static void some_query(struct asking *a, struct xoshiro *random, struct query *q)
{
	static struct records all;

	q->mask = some_mask(random, q->kind);
	q->modifier = xoshiro_next(random) % 2 ? CONTAINS : 0;
	q->who = (enum small_port)(xoshiro_next(random) % SMALL_COUNT);
	q->trusted = xoshiro_next(random) % 4 == 0;
	take_all(a, q, &all);
	memcpy(q->wanted, all.bytes[xoshiro_next(random) % all.n], q->kind->size);
	if (xoshiro_next(random) % 4 == 0) {
		unsigned bit = (unsigned)(xoshiro_next(random) % (q->kind->size * 8));

		q->wanted[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	if (xoshiro_next(random) % 4 == 0)
		q->wanted[1] |= 1;
}

static void random_sets_of_components_choose_what_a_slow_reading_does(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;

	xoshiro_seed(&random, 1);
	a->small.conf.sa_key = OUR_KEY;
	a->small.keys[SMALL_DELTA_1][0] = 0x8005;
	a->small.keys[SMALL_EAST][1] = 0x8005;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct query q = { .kind = &kinds[i % COUNT(kinds)] };

		some_query(a, &random, &q);
		check(a, &q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_fill_the_record),
		asking_test(each_component_alone_chooses),
		asking_test(random_sets_of_components_choose_what_a_slow_reading_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
