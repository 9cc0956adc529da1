/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Independent paths: which of many are taken, against a slow reference that does as the comment
 * says and counts in sets; and MultiPathRecord on the small fabric, in which only one end can have
 * two ways.
 */

#include "tests/unit/sa-ask.h"

#include "base/xoshiro.h"
#include "sm/sa/independent.h"

/* ---- the slow reference: a path is two sets of bits -------------------------------------------
 */

enum { MANY = 40 };

struct sets {
	uint64_t nodes, cables;
};

struct price {
	unsigned nodes, cables, length;
};

static int compare(struct price a, struct price b)
{
	if (a.nodes != b.nodes)
		return a.nodes < b.nodes ? -1 : 1;
	if (a.cables != b.cables)
		return a.cables < b.cables ? -1 : 1;

	return a.length < b.length ? -1 : a.length > b.length;
}

static unsigned count(uint64_t set)
{
	return (unsigned)__builtin_popcountll(set);
}

/* What @i shares with @n others. */
static struct price price_with(const struct sets *all, const uint16_t *others, unsigned n,
			       unsigned i)
{
	struct price price = { 0, 0, count(all[i].nodes) };

	for (unsigned k = 0; k < n; k++) {
		price.nodes += count(all[i].nodes & all[others[k]].nodes);
		price.cables += count(all[i].cables & all[others[k]].cables);
	}

	return price;
}

static void check_pair(const struct sets *all, unsigned n, const uint16_t *got)
{
	struct price price = price_with(all, got, 1, got[1]);

	price.length += count(all[got[0]].nodes);
	assert_true(got[0] < got[1]);
	for (uint16_t i = 0; i < n; i++) {
		for (uint16_t k = (uint16_t)(i + 1); k < n; k++) {
			struct price other = price_with(all, &i, 1, k);
			int order;

			other.length += count(all[i].nodes);
			order = compare(price, other);
			assert_true(order <= 0);
			if (order == 0)
				assert_true(got[0] < i || (got[0] == i && got[1] <= k));
		}
	}
}

static bool is_among(const uint16_t *list, unsigned n, unsigned i)
{
	for (unsigned k = 0; k < n; k++)
		if (list[k] == i)
			return true;

	return false;
}

/* The @n-th. */
static void check_further(const struct sets *all, unsigned n_all, const uint16_t *got, unsigned n)
{
	struct price price = price_with(all, got, n, got[n]);

	assert_false(is_among(got, n, got[n]));
	for (unsigned i = 0; i < n_all; i++) {
		int order = compare(price, price_with(all, got, n, i));

		if (is_among(got, n, i))
			continue;
		assert_true(order <= 0);
		if (order == 0)
			assert_true(got[n] <= i);
	}
}

static struct trail trail_of(struct sets s)
{
	struct trail t = { .n_nodes = 0 };

	for (unsigned i = 64; i-- > 0;)
		if (s.nodes >> i & 1)
			trail_add_node(&t, i * 7);
	for (uint32_t i = 0; i < 64; i++)
		if (s.cables >> i & 1)
			t.cable[t.n_cables++] = i;

	return t;
}

static uint64_t some(struct xoshiro *random, unsigned n)
{
	uint64_t set = 0;

	while (n-- > 0)
		set |= UINT64_C(1) << (xoshiro_next(random) % 24);

	return set;
}

static void the_least_is_taken_each_time(void **state)
{
	static struct trail trails[MANY];
	struct sets all[MANY];
	struct xoshiro random;
	uint16_t got[MANY];

	(void)state;
	xoshiro_seed(&random, 1);
	for (unsigned round = 0; round < 500; round++) {
		unsigned n = 2 + (unsigned)(xoshiro_next(&random) % (MANY - 1));

		for (unsigned i = 0; i < n; i++) {
			all[i].nodes = some(&random, 2 + (unsigned)(xoshiro_next(&random) % 6));
			all[i].cables = some(&random, 2 + (unsigned)(xoshiro_next(&random) % 6));
			trails[i] = trail_of(all[i]);
		}
		assert_int_equal(independent_choose(trails, n, n, got), n);
		check_pair(all, n, got);
		for (unsigned i = 2; i < n; i++)
			check_further(all, n, got, i);
	}
}

static void no_more_are_taken_than_are_wanted_or_there(void **state)
{
	static struct trail trails[INDEPENDENT_MAX];
	uint16_t got[INDEPENDENT_MAX];

	(void)state;
	assert_int_equal(independent_choose(trails, 0, 3, got), 0);
	assert_int_equal(independent_choose(trails, 1, 3, got), 1);
	assert_int_equal(independent_choose(trails, 9, 1, got), 1);
	assert_int_equal(got[0], 0);
	assert_int_equal(independent_choose(trails, 9, 4, got), 4);
	assert_int_equal(independent_choose(trails, INDEPENDENT_MAX, UINT32_MAX, got),
			 INDEPENDENT_MAX);
}

/* The first is the shortest, and shares something with both others. */
static void the_shortest_gives_way_to_two_that_share_nothing(void **state)
{
	const struct trail trails[] = {
		trail_of((struct sets){ 0x6, 0x6 }),
		trail_of((struct sets){ 0x3a, 0x3a }),
		trail_of((struct sets){ 0xc4, 0xc4 }),
	};
	uint16_t got[3];

	(void)state;
	assert_int_equal(independent_choose(trails, 3, 2, got), 2);
	assert_int_equal(got[0], 1);
	assert_int_equal(got[1], 2);
}

/* ---- on the small fabric ----------------------------------------------------------------------
 */

enum { NUMB = 6, INDEPENDENCE = 17, SGID_COUNT = 19, DGID_COUNT = 20 };

static void set_gid(uint8_t *wanted, unsigned n, uint64_t guid)
{
	wire_set64(wanted + MULTI_GIDS_OFFSET, 2 * n, SMALL_PREFIX);
	wire_set64(wanted + MULTI_GIDS_OFFSET, 2 * n + 1, guid);
}

/* @n paths (0: it does not say) from one port to one or two. */
static void set_multi(struct asking *a, enum small_port from, enum small_port to,
		      enum small_port other, unsigned selector, unsigned n)
{
	uint8_t *wanted = question(a, SMALL_ALPHA, METHOD_GET_MULTI, ATTR_SA_MULTI_PATH_RECORD);

	want(a, SGID_COUNT);
	want(a, DGID_COUNT);
	want(a, INDEPENDENCE);
	wire_set(wanted, MULTI_SGID_COUNT, 1);
	wire_set(wanted, MULTI_DGID_COUNT, to == other ? 1 : 2);
	wire_set(wanted, MULTI_INDEPENDENCE, selector);
	set_gid(wanted, 0, a->small.guid[from]);
	set_gid(wanted, 1, a->small.guid[to]);
	set_gid(wanted, 2, a->small.guid[other]);
	if (n == 0)
		return;
	want(a, NUMB);
	wire_set(wanted, MULTI_NUMB_PATH, n);
}

static void check_record(struct asking *a, unsigned n, unsigned slid, unsigned dlid,
			 unsigned preference)
{
	const uint8_t *record = record_at(a, n);

	assert_int_equal(wire_get(record, PATH_SLID), slid);
	assert_int_equal(wire_get(record, PATH_DLID), dlid);
	assert_int_equal(wire_get(record, PATH_PREFERENCE), preference);
}

static void the_selector_counts_only_with_its_bit_and_not_0(void **state)
{
	struct asking *a = *state;
	struct datagram *d = &a->arrival.datagram;

	set_multi(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_DELTA_2, 0, 1);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	set_multi(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_DELTA_2, 1, 1);
	wire_set(d, SA_COMP_MASK, wire_get(d, SA_COMP_MASK) & ~(UINT64_C(1) << INDEPENDENCE));
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	for (unsigned selector = 1; selector < 4; selector++) {
		set_multi(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_DELTA_2, selector, 1);
		assert_int_equal(ask(a), STATUS_OK);
		assert_int_equal(n_records(a), 1);
	}
}

/* Both ways to delta end at ports of its own, and share no more than alpha, its leaf and delta. */
static void two_ports_of_an_adapter_have_a_path_each(void **state)
{
	struct asking *a = *state;
	const uint16_t *lid = a->small.lid;

	set_multi(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_DELTA_2, 1, 2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	check_record(a, 0, lid[SMALL_ALPHA], lid[SMALL_DELTA_1], 0);
	check_record(a, 1, lid[SMALL_ALPHA], lid[SMALL_DELTA_2], 0);
}

/* There is one cable between the switches: all LIDs share it, and that is said. */
static void what_cannot_be_independent_is_told_as_such(void **state)
{
	struct asking *a = *state;
	const uint16_t *lid = a->small.lid;

	set_multi(a, SMALL_ALPHA, SMALL_GAMMA, SMALL_GAMMA, 1, 2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	check_record(a, 0, lid[SMALL_ALPHA], lid[SMALL_GAMMA], 0);
	check_record(a, 1, lid[SMALL_ALPHA] + 1u, lid[SMALL_GAMMA] + 1u, 2);
}

static void without_a_number_all_are_told(void **state)
{
	struct asking *a = *state;

	set_multi(a, SMALL_ALPHA, SMALL_GAMMA, SMALL_GAMMA, 1, 0);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4);
}

static void what_is_asked_of_paths_counts_first(void **state)
{
	struct asking *a = *state;

	/* Only the way to delta's first port is that fast. */
	set_multi(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_DELTA_2, 1, 2);
	want(a, 12);
	want(a, 13);
	wire_set(sa_data_of(&a->arrival.datagram), MULTI_RATE_SELECTOR, 0);
	wire_set(sa_data_of(&a->arrival.datagram), MULTI_RATE, 2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	assert_int_equal(wire_get(record_at(a, 1), PATH_DLID), a->small.lid[SMALL_DELTA_1] + 1u);
	assert_int_equal(wire_get(record_at(a, 1), PATH_PREFERENCE), 0);
}

static void set_many(struct asking *a, unsigned n_from, unsigned n_to)
{
	static uint8_t message[SA_DATA_OFFSET + MULTI_GIDS_OFFSET + 257 * GID_SIZE];
	uint8_t *data = message + SA_DATA_OFFSET;

	set_multi(a, SMALL_ALPHA, SMALL_GAMMA, SMALL_GAMMA, 1, 2);
	memset(message, 0, sizeof(message));
	wire_set(data, MULTI_INDEPENDENCE, 1);
	wire_set(data, MULTI_NUMB_PATH, 2);
	wire_set(data, MULTI_SGID_COUNT, n_from);
	wire_set(data, MULTI_DGID_COUNT, n_to);
	for (unsigned i = 0; i < n_from + n_to; i++)
		set_gid(data, i, a->small.guid[i < n_from ? SMALL_ALPHA : SMALL_GAMMA]);
	set_message(a, message, MULTI_GIDS_OFFSET + (n_from + n_to) * GID_SIZE);
}

/* All paths are held against each other, and everybody waits meanwhile. */
static void who_names_too_many_is_told(void **state)
{
	struct asking *a = *state;

	set_many(a, 8, 8);
	assert_int_equal(ask(a), STATUS_OK);
	set_many(a, 5, 13);
	assert_int_equal(ask(a), STATUS_SA_NO_RESOURCES);
	set_many(a, 16, 16);
	assert_int_equal(ask(a), STATUS_SA_NO_RESOURCES);
	set_many(a, 2, 255);
	assert_int_equal(ask(a), STATUS_SA_NO_RESOURCES);
}

static void a_way_that_ends_nowhere_is_none(void **state)
{
	struct asking *a = *state;

	a->small.lost_lid = a->small.lid[SMALL_GAMMA];
	set_multi(a, SMALL_ALPHA, SMALL_GAMMA, SMALL_GAMMA, 1, 2);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 2);
	check_record(a, 0, a->small.lid[SMALL_ALPHA] + 1u, a->small.lid[SMALL_GAMMA] + 1u, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_least_is_taken_each_time),
		cmocka_unit_test(no_more_are_taken_than_are_wanted_or_there),
		cmocka_unit_test(the_shortest_gives_way_to_two_that_share_nothing),
		asking_test(the_selector_counts_only_with_its_bit_and_not_0),
		asking_test(two_ports_of_an_adapter_have_a_path_each),
		asking_test(what_cannot_be_independent_is_told_as_such),
		asking_test(without_a_number_all_are_told),
		asking_test(what_is_asked_of_paths_counts_first),
		asking_test(who_names_too_many_is_told),
		asking_test(a_way_that_ends_nowhere_is_none),
	};

	return cmocka_run_group_tests_name("sa-independent", tests, NULL, NULL);
}
