/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/identity: LIDs and who has them. The last test walks at random, over all sizes of range, and
 * after each step holds the answers against an array of owners that is searched from its beginning.
 */

#include "sm/identity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/xoshiro.h"
#include "mad/wire.h"

static int make(void **state)
{
	struct identities *ids;

	if (identities_new(&ids) < 0)
		return -1;
	*state = ids;

	return 0;
}

static int done(void **state)
{
	identities_free(*state);

	return 0;
}

static void assert_has(const struct identities *ids, uint64_t guid, unsigned lid, unsigned lmc)
{
	const struct identity *id = identity_find(ids, guid);

	assert_non_null(id);
	assert_int_equal(id->guid, guid);
	assert_int_equal(id->lid, lid);
	assert_int_equal(id->lmc, lmc);
	assert_int_equal(identity_owner(ids, lid), guid);
	assert_int_equal(identity_owner(ids, lid + (1u << lmc) - 1), guid);
}

static void who_claims_free_lids_has_all_of_them(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_claim(ids, 0x10, 8, 3), 0);
	assert_has(ids, 0x10, 8, 3);
	assert_int_equal(identity_owner(ids, 7), 0);
	assert_int_equal(identity_owner(ids, 16), 0);
	assert_int_equal(identities_used_lids(ids), 8);
}

static void a_claim_to_lids_of_another_is_refused_and_changes_nothing(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_claim(ids, 0x10, 8, 2), 0);
	assert_int_equal(identity_claim(ids, 0x20, 4, 0), 0);
	assert_int_equal(identity_claim(ids, 0x20, 11, 0), -EEXIST);
	assert_int_equal(identity_claim(ids, 0x20, 8, 3), -EEXIST);
	assert_int_equal(identity_claim(ids, 0x30, 10, 1), -EEXIST);
	assert_has(ids, 0x10, 8, 2);
	assert_has(ids, 0x20, 4, 0);
	assert_null(identity_find(ids, 0x30));
	assert_int_equal(identities_used_lids(ids), 5);
}

static void a_second_claim_frees_what_the_first_had(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_claim(ids, 0x10, 8, 2), 0);
	assert_int_equal(identity_claim(ids, 0x10, 8, 3), 0); /* over its own */
	assert_has(ids, 0x10, 8, 3);
	assert_int_equal(identity_claim(ids, 0x10, 500, 0), 0);
	assert_has(ids, 0x10, 500, 0);
	assert_int_equal(identity_owner(ids, 8), 0);
	assert_int_equal(identities_used_lids(ids), 1);
	assert_int_equal(identity_claim(ids, 0x20, 8, 3), 0);
}

static void only_aligned_unicast_lids_can_be_claimed(void **state)
{
	static const struct {
		uint16_t lid;
		uint8_t lmc;
	} bad[] = {
		{ 0, 0 },      { 0, 3 },      { 2, 2 },      { 64, 7 },    { 128, 8 },
		{ 0xc000, 0 }, { 0xffff, 0 }, { 0xbfff, 1 }, { 256, 255 },
	};
	struct identities *ids = *state;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(identity_claim(ids, 0x10, bad[i].lid, bad[i].lmc), -EINVAL);
	assert_int_equal(identity_claim(ids, 0, 1, 0), -EINVAL);
	assert_int_equal(identity_claim(ids, 0x10, 0xbf80, 7), 0);
	assert_int_equal(identity_claim(ids, 0x20, 1, 0), 0);
	assert_int_equal(identity_owner(ids, 0), 0);
	assert_int_equal(identity_owner(ids, 0xbfff), 0x10);
	assert_int_equal(identity_owner(ids, 0xc000), 0);
	assert_int_equal(identity_owner(ids, UINT32_MAX), 0);
}

static void lids_are_assigned_from_the_lowest_that_fit(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_assign(ids, 0x10, 0), 0);
	assert_has(ids, 0x10, 1, 0);
	assert_int_equal(identity_assign(ids, 0x20, 2), 0);
	assert_has(ids, 0x20, 4, 2);
	assert_int_equal(identity_assign(ids, 0x30, 1), 0);
	assert_has(ids, 0x30, 2, 1); /* the gap between them */
	assert_int_equal(identity_assign(ids, 0x40, 0), 0);
	assert_has(ids, 0x40, 8, 0);
}

static void lmc_7_takes_two_whole_blocks(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_assign(ids, 0x10, 7), 0);
	assert_has(ids, 0x10, 128, 7);
	assert_int_equal(identity_claim(ids, 0x20, 320, 0), 0);
	assert_int_equal(identity_assign(ids, 0x30, 7), 0);
	assert_has(ids, 0x30, 384, 7);
	assert_int_equal(identity_find_run(ids, 1, 7), 0); /* not in one block */
}

static void a_run_does_not_straddle_blocks_and_claims_nothing(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_find_run(ids, 40, 0), 1);
	assert_int_equal(identity_find_run(ids, 64, 0), 64);
	assert_int_equal(identity_claim(ids, 0x10, 30, 0), 0);
	assert_int_equal(identity_find_run(ids, 29, 0), 1);
	assert_int_equal(identity_find_run(ids, 30, 0), 31);
	assert_int_equal(identity_find_run(ids, 34, 0), 64);
	assert_int_equal(identity_find_run(ids, 10, 2), 64); /* 40 LIDs, aligned to 4 */
	assert_int_equal(identity_find_run(ids, 7, 2), 32);
	assert_int_equal(identity_find_run(ids, 0, 0), 0);
	assert_int_equal(identity_find_run(ids, 65, 0), 0);
	assert_int_equal(identity_find_run(ids, 33, 1), 0);
	assert_int_equal(identities_used_lids(ids), 1);
}

static void a_span_may_straddle_blocks_and_claims_nothing(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_find_span(ids, 200, 0), 1);
	assert_int_equal(identity_claim(ids, 0x10, 30, 0), 0);
	assert_int_equal(identity_find_span(ids, 29, 0), 1);
	assert_int_equal(identity_find_span(ids, 40, 0), 31);
	assert_int_equal(identity_find_span(ids, 40, 2), 32);
	assert_int_equal(identity_find_span(ids, 0, 0), 0);
	assert_int_equal(identity_find_span(ids, LID_UNICAST_LAST, 0), 0);
	assert_int_equal(identities_used_lids(ids), 1);
	identities_begin(ids, 1, 100);
	assert_int_equal(identity_find_span(ids, 70, 0), 31);
	assert_int_equal(identity_find_span(ids, 71, 0), 0);
}

static void all_49151_lids_can_be_had_and_then_no_more(void **state)
{
	struct identities *ids = *state;

	for (unsigned lid = 1; lid <= LID_UNICAST_LAST; lid++) {
		assert_int_equal(identity_assign(ids, 0x10000 + lid, 0), 0);
		assert_int_equal(identity_owner(ids, lid), 0x10000 + lid);
	}
	assert_int_equal(identities_used_lids(ids), 49151);
	assert_int_equal(identity_assign(ids, 0x10, 0), -ENOSPC);
	assert_int_equal(identity_assign(ids, 0x10, 7), -ENOSPC);
	assert_int_equal(identity_find_run(ids, 1, 0), 0);
	identity_forget(ids, 0x10000 + 777);
	assert_int_equal(identity_assign(ids, 0x10, 1), -ENOSPC);
	assert_int_equal(identity_assign(ids, 0x10, 0), 0);
	assert_has(ids, 0x10, 777, 0);
}

static void what_is_forgotten_is_free_and_the_others_stay(void **state)
{
	struct identities *ids = *state;

	for (unsigned i = 1; i <= 200; i++)
		assert_int_equal(identity_claim(ids, i, (uint16_t)(2 * i), 1), 0);
	identity_forget(ids, 7);
	identity_forget(ids, 7);
	identity_forget(ids, 200);
	identity_forget(ids, 9999);
	assert_null(identity_find(ids, 7));
	assert_int_equal(identity_index(ids, 7), UINT32_MAX);
	assert_int_equal(identity_owner(ids, 14), 0);
	assert_int_equal(identities_used_lids(ids), 396);
	for (unsigned i = 1; i < 200; i++)
		if (i != 7)
			assert_has(ids, i, 2 * i, 1);
	assert_int_equal(identity_assign(ids, 0x1000, 1), 0);
	assert_has(ids, 0x1000, 14, 1);
}

static void nothing_can_be_forgotten_where_nothing_is(void **state)
{
	identity_forget(*state, 1);
	assert_int_equal(identities_used_lids(*state), 0);
	assert_null(identity_at(*state, 0));
}

static void each_identity_is_listed_once_and_a_changed_one_is_not_kept(void **state)
{
	struct identities *ids = *state;
	unsigned seen = 0;
	struct identity *id;

	for (unsigned i = 1; i <= 70; i++)
		assert_int_equal(identity_assign(ids, i, 0), 0);
	for (uint32_t i = 0; (id = identity_at(ids, i)); i++) {
		assert_int_equal(identity_index(ids, id->guid), i);
		assert_false(id->kept);
		id->kept = true;
		seen++;
	}
	assert_int_equal(seen, 70);
	assert_int_equal(identity_claim(ids, 5, 300, 0), 0);
	assert_false(identity_find(ids, 5)->kept);
	identity_forget(ids, 1);
	assert_true(identity_find(ids, 70)->kept);
}

/* -- a walk at random ---------------------------------------------------------------------------
 */

#define GUIDS 400u
#define STEPS 20000u

struct model {
	uint16_t owner[LID_UNICAST_LAST + 1];
	unsigned lid[GUIDS]; /* 0: none */
	unsigned lmc[GUIDS];
	unsigned used;
};

static void model_drop(struct model *m, unsigned guid)
{
	if (!m->lid[guid])
		return;
	for (unsigned i = 0; i < 1u << m->lmc[guid]; i++)
		m->owner[m->lid[guid] + i] = 0;
	m->used -= 1u << m->lmc[guid];
	m->lid[guid] = 0;
}

static void model_put(struct model *m, unsigned guid, unsigned lid, unsigned lmc)
{
	model_drop(m, guid);
	m->lid[guid] = lid;
	m->lmc[guid] = lmc;
	for (unsigned i = 0; i < 1u << lmc; i++)
		m->owner[lid + i] = (uint16_t)guid;
	m->used += 1u << lmc;
}

static int model_claim(struct model *m, unsigned guid, unsigned lid, unsigned lmc)
{
	if (lid == 0 || lid % (1u << lmc) || lid + (1u << lmc) > LID_UNICAST_LAST + 1)
		return -EINVAL;
	for (unsigned i = 0; i < 1u << lmc; i++)
		if (m->owner[lid + i] && m->owner[lid + i] != guid)
			return -EEXIST;
	model_put(m, guid, lid, lmc);

	return 0;
}

static bool model_is_free(const struct model *m, unsigned lid, unsigned size)
{
	unsigned n = 0;

	while (n < size && !m->owner[lid + n])
		n++;

	return n == size;
}

static unsigned model_find_span(const struct model *m, unsigned size, unsigned align)
{
	for (unsigned lid = align; lid + size <= LID_UNICAST_LAST + 1; lid += align)
		if (model_is_free(m, lid, size))
			return lid;
	/* LID 0 is nobody's: no range begins there */
	return 0;
}

static unsigned model_find(const struct model *m, unsigned size, unsigned align)
{
	for (unsigned lid = align; lid + size <= LID_UNICAST_LAST + 1; lid += align)
		if (model_is_free(m, lid, size) &&
		    (size > LFT_BLOCK || lid / LFT_BLOCK == (lid + size - 1) / LFT_BLOCK))
			return lid;

	return 0;
}

static void walk(struct identities *ids, struct model *m, struct xoshiro *random)
{
	unsigned guid = 1 + (unsigned)(xoshiro_next(random) % (GUIDS - 1));
	unsigned lmc = (unsigned)(xoshiro_next(random) % 8);
	unsigned lid = (unsigned)(xoshiro_next(random) % 6000) & ~((1u << lmc) - 1);
	unsigned n = 1 + (unsigned)(xoshiro_next(random) % (LFT_BLOCK >> MIN(lmc, 6u)));

	switch (xoshiro_next(random) % 4) {
	case 0:
		assert_int_equal(identity_claim(ids, guid, (uint16_t)lid, (uint8_t)lmc),
				 model_claim(m, guid, lid, lmc));
		break;
	case 1:
		lid = model_find(m, 1u << lmc, 1u << lmc);
		assert_int_equal(identity_assign(ids, guid, (uint8_t)lmc), lid ? 0 : -ENOSPC);
		if (lid)
			model_put(m, guid, lid, lmc);
		break;
	case 2:
		identity_forget(ids, guid);
		model_drop(m, guid);
		break;
	default:
		if (lmc < 7)
			assert_int_equal(identity_find_run(ids, n, (uint8_t)lmc),
					 model_find(m, n << lmc, 1u << lmc));
		assert_int_equal(identity_find_span(ids, n << lmc, (uint8_t)lmc),
				 model_find_span(m, n << lmc, 1u << lmc));
		break;
	}
	if (m->lid[guid])
		assert_has(ids, guid, m->lid[guid], m->lmc[guid]);
	else
		assert_null(identity_find(ids, guid));
	assert_int_equal(identities_used_lids(ids), m->used);
}

static void what_is_reserved_is_not_forgotten_for_others(void **state)
{
	struct identities *ids = *state;

	identities_begin(ids, 1, 64);
	assert_int_equal(identity_claim(ids, 0x10, 1, 0), 0);
	assert_int_equal(identity_claim(ids, 0x20, 2, 0), 0);
	identity_set_reserved(ids, 0x10, true);
	identity_set_reserved(ids, 0x30, true); /* has no LID */
	assert_int_equal(identity_claim(ids, 0x30, 3, 0), 0);
	assert_int_equal(identity_claim(ids, 0x10, 5, 0), 0); /* it stays so */
	identities_begin(ids, 2, 64);
	assert_int_equal(identity_forget_oldest(ids), 0x20);
	assert_int_equal(identity_forget_oldest(ids), 0x30);
	assert_int_equal(identity_forget_oldest(ids), 0);
	identity_set_reserved(ids, 0x10, false);
	assert_int_equal(identity_forget_oldest(ids), 0x10);

	/* Its place in memory goes to others, and what it was does not. */
	assert_int_equal(identity_claim(ids, 0x10, 1, 0), 0);
	identity_set_reserved(ids, 0x10, true);
	identity_forget(ids, 0x10);
	assert_int_equal(identity_claim(ids, 0x40, 1, 0), 0);
	identities_begin(ids, 3, 64);
	assert_int_equal(identity_forget_oldest(ids), 0x40);
}

static void what_is_set_aside_is_nobodys_and_given_to_nobody(void **state)
{
	struct identities *ids = *state;

	assert_true(identity_set_aside(ids, 1));
	assert_false(identity_set_aside(ids, 1));
	assert_false(identity_set_aside(ids, 0));
	assert_false(identity_set_aside(ids, LID_UNICAST_LAST + 1));
	assert_int_equal(identity_owner(ids, 1), 0);
	assert_int_equal(identity_claim(ids, 7, 1, 0), -EEXIST);
	assert_int_equal(identity_assign(ids, 7, 0), 0);
	assert_int_equal(identity_find(ids, 7)->lid, 2);
	assert_false(identity_set_aside(ids, 2));
	assert_int_equal(identities_used_lids(ids), 1);
	identity_give_back(ids, 1);
	assert_int_equal(identity_assign(ids, 8, 0), 0);
	assert_int_equal(identity_find(ids, 8)->lid, 1);
}

static void a_walk_at_random_agrees_with_an_array_of_owners(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct xoshiro random;

	assert_non_null(m);
	xoshiro_seed(&random, 20);
	for (unsigned step = 0; step < STEPS; step++)
		walk(*state, m, &random);
	for (unsigned lid = 0; lid <= LID_UNICAST_LAST; lid++)
		assert_int_equal(identity_owner(*state, lid), m->owner[lid]);
	free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

static void no_lid_beyond_the_last_is_given_out(void **state)
{
	struct identities *ids = *state;

	identities_begin(ids, 1, 66);
	assert_int_equal(identity_find_run(ids, 64, 0), 0);
	assert_int_equal(identity_find_run(ids, 3, 0), 1);
	for (uint64_t guid = 1; guid <= 66; guid++)
		assert_int_equal(identity_assign(ids, guid, 0), 0);
	assert_has(ids, 66, 66, 0);
	assert_int_equal(identity_assign(ids, 67, 0), -ENOSPC);
	assert_int_equal(identity_claim(ids, 67, 67, 0),
			 0); /* who asks for one by name knows why */
	identities_begin(ids, 1, 255);
	assert_int_equal(identity_assign(ids, 68, 7), 0);
	assert_has(ids, 68, 128, 7);
	assert_int_equal(identity_assign(ids, 69, 7), -ENOSPC);
}

static void who_has_been_away_for_longest_is_forgotten_first(void **state)
{
	struct identities *ids = *state;

	assert_int_equal(identity_claim(ids, 0x10, 10, 0), 0); /* from the store */
	identities_begin(ids, 1, 100);
	assert_int_equal(identity_claim(ids, 0x20, 20, 0), 0);
	assert_int_equal(identity_claim(ids, 0x30, 30, 0), 0);
	assert_int_equal(identity_claim(ids, 0x40, 200, 0), 0);
	identities_begin(ids, 2, 100);
	identity_see(ids, 0x20);
	identity_see(ids, 0x99); /* nobody */
	identities_begin(ids, 3, 100);
	assert_int_equal(identity_claim(ids, 0x50, 50, 0), 0);
	assert_true(identity_forget_oldest(ids) == 0x10);
	assert_true(identity_forget_oldest(ids) == 0x30);
	assert_true(identity_forget_oldest(ids) == 0x20);
	assert_true(identity_forget_oldest(ids) == 0); /* one is here, one of no use */
	assert_null(identity_find(ids, 0x20));
	assert_has(ids, 0x50, 50, 0);
	assert_int_equal(identities_used_lids(ids), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_claims_free_lids_has_all_of_them),
		TEST(a_claim_to_lids_of_another_is_refused_and_changes_nothing),
		TEST(a_second_claim_frees_what_the_first_had),
		TEST(only_aligned_unicast_lids_can_be_claimed),
		TEST(lids_are_assigned_from_the_lowest_that_fit),
		TEST(lmc_7_takes_two_whole_blocks),
		TEST(a_run_does_not_straddle_blocks_and_claims_nothing),
		TEST(a_span_may_straddle_blocks_and_claims_nothing),
		TEST(all_49151_lids_can_be_had_and_then_no_more),
		TEST(what_is_forgotten_is_free_and_the_others_stay),
		TEST(nothing_can_be_forgotten_where_nothing_is),
		TEST(each_identity_is_listed_once_and_a_changed_one_is_not_kept),
		TEST(no_lid_beyond_the_last_is_given_out),
		TEST(who_has_been_away_for_longest_is_forgotten_first),
		TEST(what_is_reserved_is_not_forgotten_for_others),
		TEST(what_is_set_aside_is_nobodys_and_given_to_nobody),
		TEST(a_walk_at_random_agrees_with_an_array_of_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
