/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * MultiPathRecord and TraceRecord: every component, alone and in random sets. Both are made of
 * PathRecords, which test-sa-path-match.c holds against a slow reading: a MultiPathRecord has the
 * paths of each of its sources to each of its destinations, asked for one by one with the same
 * components, and a TraceRecord the nodes, known by heart, of the first path that its question has.
 */

#include "base/xoshiro.h"
#include "tests/unit/sa-ask.h"

#define ROUNDS      4000u
#define RECORDS_MAX 512u
#define LINK_LOCAL  UINT64_C(0xfe80000000000000)
#define OUR_KEY     0x77u
#define GIDS_MAX    4u /* of either side */

/* IBA 15.2.5.20: bits of the mask, and of the same component in a PathRecord (15.2.5.16). */
static const struct {
	unsigned multi, path;
} same[] = {
	{ 0, 6 },               /* RawTraffic */
	{ 2, 7 },               /* FlowLabel */
	{ 3, 8 },               /* HopLimit */
	{ 4, 10 },              /* TClass */
	{ 5, 11 },              /* Reversible */
	{ 6, 12 },              /* NumbPath */
	{ 7, 13 },              /* P_Key */
	{ 8, 14 },              /* QoSClass */
	{ 9, 15 },              /* SL */
	{ 10, 16 },             /* MTU and its selector */
	{ 11, 17 }, { 12, 18 }, /* rate */
	{ 13, 19 }, { 14, 20 }, /* packet life time */
	{ 15, 21 }, { 16, 0 },  /* ServiceID */
	{ 21, 1 },
};
enum {
	SGID_COUNT = 19,
	DGID_COUNT = 20,
	MULTI_COMPONENTS = 22,
	DGID = 2,
	SGID = 3,
	PATH_COMPONENTS = 22
};

struct records {
	unsigned n;
	uint8_t bytes[RECORDS_MAX][PATH_RECORD_SIZE];
};

/* What both kinds of question have; a PathRecord has its ends, too. */
struct query {
	uint8_t path[PATH_RECORD_SIZE];
	uint64_t mask;
	enum small_port who;
	bool trusted;
	unsigned n_from, n_to;
	uint64_t from[GIDS_MAX], to[GIDS_MAX];
};

static unsigned below(struct xoshiro *random, unsigned n)
{
	return (unsigned)(xoshiro_next(random) % n);
}

static void put(uint8_t *bytes, unsigned at, unsigned n, uint64_t value)
{
	while (n-- > 0) {
		bytes[at + n] = (uint8_t)value;
		value >>= 8;
	}
}

static void finish(struct asking *a, const struct query *q, uint64_t mask)
{
	wire_set(&a->arrival.datagram, SA_COMP_MASK, mask);
	wire_set(&a->arrival.datagram, SA_KEY, q->trusted ? OUR_KEY : 0);
}

/* ---- MultiPathRecord ----------------------------------------------------------------------------
 */

/* The status, and the paths at the end of @ret. */
static unsigned ask_path(struct asking *a, const struct query *q, uint64_t from, uint64_t to,
			 struct records *ret)
{
	uint64_t mask = 1u << DGID | 1u << SGID;
	uint8_t *wanted = question(a, q->who, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD);
	unsigned status;

	for (unsigned i = 0; i < COUNT(same); i++)
		mask |= (q->mask >> same[i].multi & 1) << same[i].path;
	memcpy(wanted, q->path, PATH_RECORD_SIZE);
	put(wanted, 8, 8, SMALL_PREFIX);
	put(wanted, 16, 8, to);
	put(wanted, 24, 8, SMALL_PREFIX);
	put(wanted, 32, 8, from);
	finish(a, q, mask);
	status = ask(a);
	for (unsigned i = 0; status == STATUS_OK && i < n_records(a); i++)
		memcpy(ret->bytes[ret->n++], record_at(a, i), PATH_RECORD_SIZE);

	return status;
}

static int compare(const void *x, const void *y)
{
	return memcmp(x, y, PATH_RECORD_SIZE);
}

/* The first bytes are those from the middle of a PathRecord. */
static unsigned ask_multi(struct asking *a, const struct query *q)
{
	uint8_t *wanted = question(a, q->who, METHOD_GET_MULTI, ATTR_SA_MULTI_PATH_RECORD);

	memcpy(wanted, q->path + 44, 13);
	wanted[13] = q->path[0];
	memcpy(wanted + 17, q->path + 1, 7);
	wanted[15] = (uint8_t)q->n_from;
	wanted[16] = (uint8_t)q->n_to;
	for (unsigned i = 0; i < q->n_from + q->n_to; i++) {
		put(wanted, 24 + 16 * i, 8, i % 2 ? SMALL_PREFIX : LINK_LOCAL);
		put(wanted, 32 + 16 * i, 8, i < q->n_from ? q->from[i] : q->to[i - q->n_from]);
	}
	finish(a, q, q->mask | 1u << SGID_COUNT | 1u << DGID_COUNT);

	return ask(a);
}

/* The prefixes of a question come back in its answer, and are no matter here. */
static void normalize(struct records *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		put(r->bytes[i], 8, 8, SMALL_PREFIX);
		put(r->bytes[i], 24, 8, SMALL_PREFIX);
	}
	qsort(r->bytes, r->n, PATH_RECORD_SIZE, compare);
}

static bool is_seen(const struct asking *a, const struct query *q, uint64_t guid)
{
	unsigned whom = 0;

	while (whom < SMALL_COUNT && a->small.guid[whom] != guid)
		whom++;
	if (whom == SMALL_COUNT && guid == SMALL_ALIAS_1)
		whom = SMALL_GAMMA;
	for (unsigned i = 0; whom < SMALL_COUNT && i < SMALL_KEYS * SMALL_KEYS; i++) {
		unsigned x = a->small.keys[q->who][i / SMALL_KEYS];
		unsigned y = a->small.keys[whom][i % SMALL_KEYS];

		if ((x & 0x7fff) && (x & 0x7fff) == (y & 0x7fff) && ((x | y) & 0x8000))
			return true;
	}

	return whom < SMALL_COUNT && (q->trusted || whom == q->who);
}

/* Nothing fits, whoever the ends are: then nobody looks who they are. */
static bool is_hopeless(const struct query *q)
{
	return (q->mask >> 6 & 1 && (q->path[49] & 0x7f) == 0) ||
	       (q->mask >> 7 & 1 && ((q->path[50] & 0x7f) | q->path[51]) == 0);
}

/* How many records. */
static unsigned check_multi(struct asking *a, const struct query *q)
{
	static struct records expected, found;
	unsigned status = STATUS_OK;

	expected.n = 0;
	for (unsigned i = 0; i < q->n_from; i++)
		for (unsigned k = 0; k < q->n_to; k++)
			assert_int_equal(ask_path(a, q, q->from[i], q->to[k], &expected),
					 STATUS_OK);
	for (unsigned i = 0; i < q->n_from && !is_hopeless(q); i++)
		status = is_seen(a, q, q->from[i]) ? status : STATUS_SA_INVALID_GID;
	for (unsigned i = 0; i < q->n_to && !is_hopeless(q); i++)
		status = is_seen(a, q, q->to[i]) ? status : STATUS_SA_INVALID_GID;
	assert_int_equal(ask_multi(a, q), status);
	if (status != STATUS_OK)
		return 0;
	found.n = n_records(a);
	assert_int_equal(found.n, expected.n);
	for (unsigned i = 0; i < found.n; i++)
		memcpy(found.bytes[i], record_at(a, i), PATH_RECORD_SIZE);
	normalize(&found);
	normalize(&expected);
	for (unsigned i = 0; i < found.n; i++)
		assert_memory_equal(found.bytes[i], expected.bytes[i], PATH_RECORD_SIZE);

	return found.n;
}

/* ---- TraceRecord --------------------------------------------------------------------------------
 */

static bool is_east(enum small_port who)
{
	return who == SMALL_EAST || who == SMALL_GAMMA || who == SMALL_DELTA_2;
}

/* Ends of the nodes from one to the other; how many. */
static unsigned walk(enum small_port from, enum small_port to, enum small_port *ret)
{
	unsigned n = 0;

	ret[n++] = from;
	if (from == to)
		return n;
	if (from > SMALL_EAST)
		ret[n++] = is_east(from) ? SMALL_EAST : SMALL_WEST;
	if (is_east(from) != is_east(to))
		ret[n++] = is_east(to) ? SMALL_EAST : SMALL_WEST;
	if (to > SMALL_EAST)
		ret[n++] = to;

	return n;
}

static uint64_t node_guid(const struct asking *a, enum small_port at)
{
	const struct fabric *f = &a->small.fabric;

	return f->nodes[f->ports[a->small.port[at]].node].guid;
}

static unsigned put_path(struct asking *a, const struct query *q, uint8_t method, uint16_t attr,
			 uint64_t mask)
{
	memcpy(question(a, q->who, method, attr), q->path, PATH_RECORD_SIZE);
	finish(a, q, mask);

	return ask(a);
}

/* Of a question with both ends: how many records. */
static unsigned check_trace(struct asking *a, struct query *q, enum small_port from,
			    enum small_port to)
{
	uint64_t mask = q->mask | 1u << DGID | 1u << SGID;
	enum small_port nodes[4];
	unsigned n = 0;

	put(q->path, 8, 8, SMALL_PREFIX);
	put(q->path, 16, 8, a->small.guid[to]);
	put(q->path, 24, 8, SMALL_PREFIX);
	put(q->path, 32, 8, a->small.guid[from]);
	put(q->path, 40, 2, a->small.lid[to]);
	put(q->path, 42, 2, a->small.lid[from]);
	assert_int_equal(put_path(a, q, METHOD_GET_TABLE, ATTR_SA_PATH_RECORD, mask), STATUS_OK);
	if (n_records(a) > 0)
		n = walk(from, to, nodes);
	assert_int_equal(put_path(a, q, METHOD_GET_TRACE_TABLE, ATTR_SA_TRACE_RECORD, mask),
			 STATUS_OK);
	assert_int_equal(n_records(a), n);
	for (unsigned i = 0; i < n; i++)
		assert_true((wire_get(record_at(a, i), TRACE_NODE_ID) ^ UINT64_C(0x55555555)) ==
			    node_guid(a, nodes[i]));

	return n;
}

/* ---- the tests ----------------------------------------------------------------------------------
 */

static void fill(struct asking *a, struct xoshiro *random, struct query *q)
{
	static const uint16_t keys[] = { 0xffff, 0x7fff, 0x8001, 1, 0x8000, 0x8005 };
	static const uint8_t rates[] = { 2, 3, 5, 16, 18 };

	memset(q, 0, sizeof(*q));
	for (unsigned i = 0; i < PATH_RECORD_SIZE; i++)
		q->path[i] = (uint8_t)xoshiro_next(random);
	q->path[44] &= 0x7f | (uint8_t)(below(random, 4) == 0 ? 0x80 : 0);
	q->path[49] = (uint8_t)(below(random, 2) << 7 | below(random, 5));
	put(q->path, 50, 2, keys[below(random, COUNT(keys))]);
	q->path[53] = (uint8_t)(below(random, 4) ? 0 : below(random, 16));
	q->path[54] = (uint8_t)(below(random, 4) << 6 | below(random, 6));
	q->path[55] = (uint8_t)(below(random, 4) << 6 | rates[below(random, COUNT(rates))]);
	q->path[56] = (uint8_t)(below(random, 4) << 6 | (17 + below(random, 3)));
	q->who = (enum small_port)below(random, SMALL_COUNT);
	q->trusted = below(random, 4) == 0;
	q->n_from = 1 + below(random, 2);
	q->n_to = 1 + below(random, 3);
	for (unsigned i = 0; i < GIDS_MAX; i++) {
		q->from[i] = a->small.guid[below(random, SMALL_COUNT)];
		q->to[i] = below(random, 8) ? a->small.guid[below(random, SMALL_COUNT)]
					    : SMALL_ALIAS_1;
	}
	if (below(random, 20) == 0)
		q->to[0] = 0x99;
}

static void each_component_of_a_multi_path_alone(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;

	xoshiro_seed(&random, 1);
	a->small.conf.sa_key = OUR_KEY;
	for (unsigned bit = 0; bit < MULTI_COMPONENTS; bit++) {
		unsigned n = 0;

		for (unsigned i = 0; i < 60; i++) {
			struct query q;

			fill(a, &random, &q);
			q.mask = UINT64_C(1) << bit;
			n += check_multi(a, &q);
			q.mask |= UINT64_C(1) << (bit ^ 1);
			n += check_multi(a, &q);
		}
		assert_true(n > 0);
	}
}

static void change_partitions(struct asking *a)
{
	a->small.keys[SMALL_DELTA_1][0] = 0x8005;
	a->small.keys[SMALL_DELTA_2][1] = 0x0005;
	a->small.keys[SMALL_EAST][1] = 0x8005;
	a->small.keys[SMALL_BETA][1] = 0x8001;
}

static void random_sets_of_components_of_multi_paths(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;
	unsigned total = 0;

	xoshiro_seed(&random, 2);
	a->small.conf.sa_key = OUR_KEY;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct query q;

		if (i == ROUNDS / 2)
			change_partitions(a);
		fill(a, &random, &q);
		for (unsigned n = below(&random, 7); n > 0; n--)
			q.mask |= UINT64_C(1) << below(&random, MULTI_COMPONENTS);
		total += check_multi(a, &q);
	}
	assert_true(total > ROUNDS);
}

/* The switches are seen by everybody: their IDs are told. */
static void components_of_a_trace_alone_and_in_random_sets(void **state)
{
	struct asking *a = *state;
	struct xoshiro random;
	unsigned total = 0;

	xoshiro_seed(&random, 3);
	a->small.conf.sa_key = OUR_KEY;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct query q;

		fill(a, &random, &q);
		q.mask = UINT64_C(1) << i % PATH_COMPONENTS;
		for (unsigned n = i < ROUNDS / 4 ? 0 : below(&random, 6); n > 0; n--)
			q.mask |= UINT64_C(1) << below(&random, PATH_COMPONENTS);
		total += check_trace(a, &q, (enum small_port)below(&random, SMALL_COUNT),
				     (enum small_port)below(&random, SMALL_COUNT));
	}
	assert_true(total > ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(each_component_of_a_multi_path_alone),
		asking_test(random_sets_of_components_of_multi_paths),
		asking_test(components_of_a_trace_alone_and_in_random_sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
