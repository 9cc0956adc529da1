/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * mad/loss: how much is lost, from what answers tell, and how many tries in vain mean something.
 */

#include "mad/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/xoshiro.h"

#define ONE 65536u

/* An agent that is asked until it answers. */
static void ask(struct loss *loss, struct xoshiro *random, unsigned percent)
{
	unsigned in_vain = 0;

	while (xoshiro_next(random) % 100 < percent)
		in_vain++;
	loss_note(loss, in_vain);
}

static void where_nothing_is_lost_one_try_in_vain_means_something(void **state)
{
	struct loss loss = { 0 };

	(void)state;
	assert_int_equal(loss_patience(&loss, 16), 1);
	assert_int_equal(loss_patience(&loss, 10000), 1);
	for (unsigned i = 0; i < 1000; i++)
		loss_note(&loss, 0);
	assert_int_equal(loss.rate, 0);
	assert_int_equal(loss_patience(&loss, 10000), 1);
}

static void what_is_lost_is_learnt(void **state)
{
	static const unsigned percents[] = { 1, 10, 36, 64, 80 };
	struct xoshiro random;

	(void)state;
	xoshiro_seed(&random, 1);
	for (size_t i = 0; i < COUNT(percents); i++) {
		struct loss loss = { 0 };
		uint64_t sum = 0;

		for (unsigned n = 0; n < 2000; n++) {
			ask(&loss, &random, percents[i]);
			sum += loss.rate;
		}
		/* In the mean, as seen just after an answer. */
		assert_in_range(sum / 2000 * 100 / ONE, percents[i] < 4 ? 0 : percents[i] - 4,
				percents[i] + 4);
	}
}

static void it_is_forgotten_again(void **state)
{
	struct loss loss = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		loss_note(&loss, 3);
	assert_true(loss.rate > ONE / 2);
	for (unsigned i = 0; i < 1000; i++)
		loss_note(&loss, 0);
	assert_int_equal(loss_patience(&loss, 10000), 1);
}

/* The first of all is lost, and after it nothing. */
static void a_first_try_in_vain_makes_no_rate(void **state)
{
	struct loss loss = { 0 };

	(void)state;
	loss_note(&loss, 1);
	assert_in_range(loss.rate, 1, ONE / 8);
}

static double power(double base, unsigned n)
{
	double product = 1;

	while (n-- > 0)
		product *= base;

	return product;
}

static void patience_is_as_long_as_chance_has_it(void **state)
{
	static const uint32_t odds[] = { 2, 16, 1000, 10000 };

	(void)state;
	for (uint32_t rate = ONE / 100; rate < ONE / 100 * 85; rate += 97) {
		for (size_t i = 0; i < COUNT(odds); i++) {
			struct loss loss = { .rate = rate };
			unsigned tries = loss_patience(&loss, odds[i]);

			/* Within what whole numbers can tell. */
			assert_true(power((double)rate / ONE, tries) * odds[i] < 1.001);
			if (tries > 1)
				assert_true(power((double)rate / ONE, tries - 1) * odds[i] > 0.6);
		}
	}
}

static void patience_ends(void **state)
{
	struct loss loss = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		loss_note(&loss, 255);
	assert_in_range(loss_patience(&loss, 10000), 50, 60);
	loss.rate = UINT32_MAX;
	assert_in_range(loss_patience(&loss, 10000), 50, 60);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_nothing_is_lost_one_try_in_vain_means_something),
		cmocka_unit_test(what_is_lost_is_learnt),
		cmocka_unit_test(it_is_forgotten_again),
		cmocka_unit_test(a_first_try_in_vain_makes_no_rate),
		cmocka_unit_test(patience_is_as_long_as_chance_has_it),
		cmocka_unit_test(patience_ends),
	};

	return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
