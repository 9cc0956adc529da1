/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PathRecord: every component, alone and in random sets, held against a slow reading of the same
 * question that knows the small fabric by heart and the record by the places of its bits.
 */

#include "base/xoshiro.h"
#include "tests/unit/sa-ask.h"

#define ROUNDS      6000u
#define RECORDS_MAX 128u
#define NOBODY      SMALL_COUNT
#define LINK_LOCAL  UINT64_C(0xfe80000000000000)
#define OUR_KEY     0x77u
#define LIFE        18u

/* IBA 15.2.5.16: bits of the mask. */
enum {
	DGID = 2,
	SGID,
	DLID,
	SLID,
	RAW,
	NUMB_PATH = 12,
	PKEY,
	SL = 15,
	MTU_SELECTOR,
	MTU,
	RATE_SELECTOR,
	RATE_VALUE,
	LIFE_SELECTOR,
	LIFE_TIME,
	COMPONENTS,
};

struct records {
	unsigned n;
	uint8_t bytes[RECORDS_MAX][PATH_RECORD_SIZE];
};

struct query {
	uint8_t wanted[PATH_RECORD_SIZE];
	uint64_t mask;
	enum small_port who;
	bool trusted;
	bool is_table;
};

/* One end: who, as whom, on which LIDs. */
struct far_end {
	unsigned who;
	uint64_t prefix, guid;
	unsigned lid, n;
};

static bool has(const struct query *q, unsigned bit)
{
	return q->mask >> bit & 1;
}

/* ---- the fabric, by heart ---------------------------------------------------------------------
 */

static unsigned n_lids(unsigned who)
{
	return who <= SMALL_EAST ? 1 : 2;
}

static unsigned who_has_lid(const struct asking *a, unsigned lid)
{
	for (unsigned i = 0; i < SMALL_COUNT; i++) {
		if (lid >= a->small.lid[i] && lid < a->small.lid[i] + n_lids(i))
			return i;
	}

	return NOBODY;
}

static unsigned who_has_guid(const struct asking *a, uint64_t guid)
{
	if (guid == SMALL_ALIAS_1 || guid == SMALL_ALIAS_9)
		return SMALL_GAMMA;
	for (unsigned i = 0; i < SMALL_COUNT; i++) {
		if (guid == a->small.guid[i])
			return i;
	}

	return NOBODY;
}

/* Has @who this key (base), fully if so is asked? */
static bool has_key(const struct asking *a, unsigned who, unsigned base, bool fully)
{
	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		unsigned key = a->small.keys[who][i];

		if (base && (key & 0x7fff) == base && (!fully || (key & 0x8000)))
			return true;
	}

	return false;
}

static bool share(const struct asking *a, unsigned x, unsigned y, unsigned base)
{
	return has_key(a, x, base, false) && has_key(a, y, base, false) &&
	       (has_key(a, x, base, true) || has_key(a, y, base, true));
}

/* The lowest; 0: none. */
static unsigned shared(const struct asking *a, unsigned x, unsigned y)
{
	unsigned lowest = 0;

	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		unsigned base = a->small.keys[x][i] & 0x7fffu;

		if (share(a, x, y, base) && (lowest == 0 || base < lowest))
			lowest = base;
	}

	return lowest;
}

static unsigned in_table(const struct asking *a, unsigned who, unsigned base)
{
	unsigned key = 0;

	for (unsigned i = 0; i < SMALL_KEYS; i++) {
		unsigned here = a->small.keys[who][i];

		if (base == 0 && (here & 0x7fff))
			return here;
		if (base && (here & 0x7fff) == base)
			key |= here;
	}

	return key;
}

static bool sees(const struct asking *a, const struct query *q, unsigned whom)
{
	return q->trusted || q->who == whom || shared(a, q->who, whom) != 0;
}

/* ---- the question -----------------------------------------------------------------------------
 */

/* The GUID of a port is its own; an alias has the LIDs of its port. False: there is no such end. */
static bool read_end(const struct asking *a, const struct query *q, unsigned gid_bit,
		     unsigned gid_at, unsigned lid_bit, unsigned lid_at, struct far_end *ret,
		     unsigned *status)
{
	unsigned lid = (unsigned)field_get(q->wanted, lid_at, 2);
	unsigned who;

	ret->who = NOBODY;
	if (has(q, gid_bit)) {
		ret->prefix = field_get(q->wanted, gid_at, 8);
		ret->guid = field_get(q->wanted, gid_at + 8, 8);
		ret->who = who_has_guid(a, ret->guid);
		if ((ret->prefix != SMALL_PREFIX && ret->prefix != LINK_LOCAL) ||
		    ret->who == NOBODY)
			return false;
		ret->lid = a->small.lid[ret->who];
		ret->n = n_lids(ret->who);
	}
	if (!has(q, lid_bit))
		return true;
	who = who_has_lid(a, lid);
	if (who == NOBODY)
		return false;
	if (ret->who != NOBODY && who != ret->who) {
		*status = STATUS_SA_REQ_INVALID;
		return false;
	}
	if (ret->who == NOBODY) {
		ret->prefix = SMALL_PREFIX;
		ret->guid = a->small.guid[who];
	}
	ret->who = who;
	ret->lid = lid;
	ret->n = 1;

	return true;
}

static const unsigned speeds[] = {
	[2] = 2500,    [3] = 10000,   [4] = 30000,   [5] = 5000,    [6] = 20000,   [7] = 40000,
	[8] = 60000,   [9] = 80000,   [10] = 120000, [11] = 14062,  [12] = 56250,  [13] = 112500,
	[14] = 168750, [15] = 25781,  [16] = 103125, [17] = 206250, [18] = 309375, [19] = 28125,
	[20] = 53125,  [21] = 425000, [22] = 637500, [23] = 850000, [24] = 1275000
};

static unsigned speed(unsigned code)
{
	return code < COUNT(speeds) ? speeds[code] : 0;
}

static unsigned size(unsigned code)
{
	return code >= 1 && code <= 5 ? 128u << code : code > 5 ? 1u << 20 : 0;
}

/* 0: a path with that much does not do; else the code that the record then has. */
static unsigned meet(unsigned selector, unsigned value, unsigned have,
		     unsigned (*measure)(unsigned code))
{
	unsigned best = 0;

	switch (selector) {
	case 0:
		/* Of MTUs none is nothing; a rate that there is not is wrong. */
		return (measure == size || measure(value)) && measure(have) > measure(value) ? have
											     : 0;
	case 1:
		if (measure(have) < measure(value))
			return have;
		for (unsigned code = 1; code < 64; code++) {
			if (measure(code) && measure(code) < measure(value) &&
			    measure(code) > measure(best))
				best = code;
		}
		return best;
	case 2:
		return measure(value) && measure(have) >= measure(value) ? value : 0;
	default:
		return have;
	}
}

static bool meets_life(unsigned selector, unsigned value, unsigned have)
{
	return selector == 0   ? have > value
	       : selector == 1 ? have < value
	       : selector == 2 ? have == value
			       : true;
}

/* What a path between two takes; false: there is none. */
static bool between(unsigned x, unsigned y, unsigned *mtu, unsigned *rate, unsigned *life)
{
	bool is_slow = x == SMALL_DELTA_2 || y == SMALL_DELTA_2;

	*mtu = is_slow && x != y ? 3 : 5;
	*rate = is_slow ? 2 : 16;
	*life = x == y ? 0 : LIFE;

	return x != y || x > SMALL_EAST;
}

static bool bounded(const struct query *q, unsigned at, unsigned bit, unsigned *code,
		    unsigned (*measure)(unsigned code))
{
	if (has(q, bit) && has(q, bit + 1))
		*code = meet(q->wanted[at] >> 6, q->wanted[at] & 63, *code, measure);

	return *code != 0;
}

/* ---- the records ------------------------------------------------------------------------------
 */

static void add(struct records *r, const struct query *q, const struct far_end *from,
		const struct far_end *to, unsigned slid, unsigned dlid, unsigned key,
		unsigned preference)
{
	uint8_t *record = r->bytes[r->n];
	unsigned mtu, rate, life;

	if (!between(from->who, to->who, &mtu, &rate, &life) ||
	    !bounded(q, 54, MTU_SELECTOR, &mtu, size) ||
	    !bounded(q, 55, RATE_SELECTOR, &rate, speed) ||
	    (has(q, LIFE_SELECTOR) && has(q, LIFE_TIME) &&
	     !meets_life(q->wanted[56] >> 6, q->wanted[56] & 63, life)))
		return;
	assert_true(r->n++ < RECORDS_MAX - 1);
	memset(record, 0, PATH_RECORD_SIZE);
	field_put(record, 8, 8, to->prefix);
	field_put(record, 16, 8, to->guid);
	field_put(record, 24, 8, from->prefix);
	field_put(record, 32, 8, from->guid);
	field_put(record, 40, 2, dlid);
	field_put(record, 42, 2, slid);
	record[49] = 0x80;
	field_put(record, 50, 2, has(q, RAW) && (q->wanted[44] & 0x80) ? 0 : key);
	record[54] = (uint8_t)(0x80 | mtu);
	record[55] = (uint8_t)(0x80 | rate);
	record[56] = (uint8_t)(0x80 | life);
	record[57] = (uint8_t)preference;
}

static unsigned key_between(const struct asking *a, const struct query *q,
			    const struct far_end *from, const struct far_end *to)
{
	unsigned wanted = (unsigned)field_get(q->wanted, 50, 2);
	/* An alias and its port are two that can talk to each other. */
	bool is_same = from->who == to->who && from->guid == to->guid;

	if (has(q, PKEY) && is_same)
		return in_table(a, from->who, wanted & 0x7fff) ? wanted : 0;
	if (has(q, PKEY))
		return share(a, from->who, to->who, wanted & 0x7fff) ? wanted : 0;
	if (shared(a, from->who, to->who))
		return in_table(a, from->who, shared(a, from->who, to->who));

	return is_same ? in_table(a, from->who, 0) : 0;
}

static void pair(const struct asking *a, const struct query *q, const struct far_end *from,
		 const struct far_end *to, bool all, struct records *ret)
{
	unsigned key = key_between(a, q, from, to);
	unsigned more = MAX(from->n, to->n), fewer = MIN(from->n, to->n);
	unsigned limit = !q->is_table ? 1 : has(q, NUMB_PATH) ? q->wanted[49] & 0x7f : 1000;
	unsigned before = ret->n;

	for (unsigned turn = 0; key && turn < (all ? fewer : 1); turn++) {
		for (unsigned i = 0; i < more && ret->n - before < limit; i++)
			add(ret, q, from, to, from->lid + i % from->n, to->lid + (i + turn) % to->n,
			    key, turn ? 2 : 0);
	}
}

static struct far_end as_end(const struct asking *a, unsigned who)
{
	return (struct far_end){ who, SMALL_PREFIX, a->small.guid[who], a->small.lid[who],
				 n_lids(who) };
}

/* The status of a question that is no table's, or 0, and all that fits. */
static unsigned answer(const struct asking *a, const struct query *q, struct records *ret)
{
	struct far_end from, to;
	unsigned status = 0;

	ret->n = 0;
	if ((has(q, DGID) && q->wanted[8] == 0xff) ||
	    (!has(q, DGID) && has(q, DLID) && field_get(q->wanted, 40, 2) >= 0xc000))
		return 0; /* there are no groups */
	if (q->is_table && has(q, NUMB_PATH) && (q->wanted[49] & 0x7f) == 0)
		return 0;
	if ((has(q, PKEY) && !(field_get(q->wanted, 50, 2) & 0x7fff)) ||
	    !read_end(a, q, SGID, 24, SLID, 42, &from, &status) ||
	    !read_end(a, q, DGID, 8, DLID, 40, &to, &status) ||
	    (has(q, SL) && (q->wanted[53] & 15) != 0))
		return status;
	for (unsigned x = 0; x < SMALL_COUNT; x++) {
		for (unsigned y = 0; y < SMALL_COUNT; y++) {
			struct far_end here = from.who == NOBODY ? as_end(a, x) : from;
			struct far_end there = to.who == NOBODY ? as_end(a, y) : to;

			if (here.who == x && there.who == y && sees(a, q, x) && sees(a, q, y))
				pair(a, q, &here, &there, from.who != NOBODY && to.who != NOBODY,
				     ret);
		}
	}

	return 0;
}

/* ---- held against each other ------------------------------------------------------------------
 */

static int compare(const void *x, const void *y)
{
	return memcmp(x, y, PATH_RECORD_SIZE);
}

static void check(struct asking *a, const struct query *q)
{
	static struct records expected, found;
	unsigned status = answer(a, q, &expected);

	question(a, q->who, q->is_table ? METHOD_GET_TABLE : METHOD_GET, ATTR_SA_PATH_RECORD);
	memcpy(sa_data_of(&a->arrival.datagram), q->wanted, PATH_RECORD_SIZE);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, q->mask);
	wire_set(&a->arrival.datagram, SA_KEY, q->trusted ? OUR_KEY : 0);
	if (status == 0 && !q->is_table)
		status = expected.n == 0   ? STATUS_SA_NO_RECORDS
			 : expected.n == 1 ? 0
					   : STATUS_SA_TOO_MANY_RECORDS;
	assert_int_equal(ask(a), status);
	if (status != 0)
		return;
	found.n = q->is_table ? n_records(a) : 1;
	assert_int_equal(found.n, expected.n);
	for (unsigned i = 0; i < found.n; i++)
		memcpy(found.bytes[i], record_at(a, i), PATH_RECORD_SIZE);
	qsort(found.bytes, found.n, PATH_RECORD_SIZE, compare);
	qsort(expected.bytes, expected.n, PATH_RECORD_SIZE, compare);
	for (unsigned i = 0; i < found.n; i++)
		assert_memory_equal(found.bytes[i], expected.bytes[i], PATH_RECORD_SIZE);
}

static unsigned below(struct xoshiro *random, unsigned n)
{
	return (unsigned)(xoshiro_next(random) % n);
}

static void some_gid(const struct asking *a, struct xoshiro *random, uint8_t *gid)
{
	static const uint64_t prefixes[] = { SMALL_PREFIX, SMALL_PREFIX, SMALL_PREFIX, LINK_LOCAL,
					     1 };
	static const uint64_t others[] = { SMALL_ALIAS_1, SMALL_ALIAS_9, 0x99 };
	unsigned which = below(random, SMALL_COUNT + 2);

	field_put(gid, 0, 8, prefixes[below(random, COUNT(prefixes))]);
	field_put(gid, 8, 8, which < SMALL_COUNT ? a->small.guid[which] : others[below(random, 3)]);
	if (below(random, 40) == 0)
		gid[0] = 0xff;
}

static unsigned some_lid(const struct asking *a, struct xoshiro *random)
{
	static const uint16_t others[] = { 0, 0x77, 0xc001, 0xffff };

	if (below(random, 12) == 0)
		return others[below(random, COUNT(others))];

	return a->small.lid[below(random, SMALL_COUNT)] + below(random, 2);
}

/* Something in each component; which count, the mask says. */
static void fill(const struct asking *a, struct xoshiro *random, struct query *q)
{
	static const uint16_t keys[] = { 0xffff, 0x7fff, 0x8001, 1, 0x8000, 0x8005 };
	static const uint8_t mtus[] = { 0, 1, 2, 3, 4, 5, 6, 63 };
	static const uint8_t rates[] = { 0, 2, 3, 5, 7, 15, 16, 18, 24, 40 };
	static const uint8_t lives[] = { 0, 17, 18, 19, 63 };

	for (unsigned i = 0; i < PATH_RECORD_SIZE; i++)
		q->wanted[i] = (uint8_t)xoshiro_next(random);
	some_gid(a, random, q->wanted + 8);
	some_gid(a, random, q->wanted + 24);
	field_put(q->wanted, 40, 2, some_lid(a, random));
	field_put(q->wanted, 42, 2, some_lid(a, random));
	q->wanted[49] = (uint8_t)(below(random, 2) << 7 | below(random, 5));
	field_put(q->wanted, 50, 2, keys[below(random, COUNT(keys))]);
	q->wanted[53] = (uint8_t)(below(random, 4) ? 0 : below(random, 16));
	q->wanted[54] = (uint8_t)(below(random, 4) << 6 | mtus[below(random, COUNT(mtus))]);
	q->wanted[55] = (uint8_t)(below(random, 4) << 6 | rates[below(random, COUNT(rates))]);
	q->wanted[56] = (uint8_t)(below(random, 4) << 6 | lives[below(random, COUNT(lives))]);
	q->who = (enum small_port)below(random, SMALL_COUNT);
	q->trusted = below(random, 4) == 0;
	q->is_table = below(random, 2);
}

static void each_component_alone_and_with_both_ends(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;
	struct query q;

	xoshiro_seed(&random, 1);
	a->small.conf.sa_key = OUR_KEY;
	for (unsigned bit = 0; bit < COMPONENTS; bit++) {
		for (unsigned i = 0; i < 60; i++) {
			fill(a, &random, &q);
			q.mask = UINT64_C(1) << bit;
			check(a, &q);
			q.mask |= 1u << SGID | 1u << DGID;
			check(a, &q);
			q.mask = UINT64_C(1) << bit | 1u << SLID | 1u << DLID;
			if (bit >= MTU_SELECTOR)
				q.mask |= UINT64_C(1) << (bit ^ 1);
			check(a, &q);
		}
	}
}

static void random_sets_of_components(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;

	xoshiro_seed(&random, 2);
	a->small.conf.sa_key = OUR_KEY;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct query q;

		if (i == ROUNDS / 2) { /* other partitions */
			a->small.keys[SMALL_DELTA_1][0] = 0x8005;
			a->small.keys[SMALL_DELTA_2][1] = 0x0005;
			a->small.keys[SMALL_EAST][1] = 0x8005;
			a->small.keys[SMALL_BETA][1] = 0x8001;
		}
		fill(a, &random, &q);
		q.mask = 0;
		for (unsigned n = below(&random, 9); n > 0; n--)
			q.mask |= UINT64_C(1) << below(&random, COMPONENTS);
		if (below(&random, 16) == 0)
			q.mask = xoshiro_next(&random);
		check(a, &q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(each_component_alone_and_with_both_ends),
		asking_test(random_sets_of_components),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
