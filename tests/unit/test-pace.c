/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * mad/pace: the window over all agents. How it does with agents that answer is in test-request.c.
 */

#include "mad/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/loop.h"

static const struct request_limits limits = {
	.window = 256,
	.window_per_sma = 4,
	.tries = 4,
	.first_timeout_ms = 200,
	.min_timeout_ms = 10,
};

static void a_loss_does_not_open_a_window_that_silence_has_closed(void **state)
{
	struct sma sma = { .in_flight = 0 };
	struct pace pace;

	(void)state;
	pace_sma_init(&sma);
	pace_init(&pace, &limits);
	while (pace.window > 1)
		pace_halve(&pace);
	pace_answered(&pace, &sma, 1, 2, LOOP_SEC, 2 * LOOP_SEC);
	assert_int_equal(pace.window, 1);
	pace_answered(&pace, &sma, 0, 1, 2 * LOOP_SEC, 3 * LOOP_SEC);
	assert_int_equal(pace.window, 2);
}

static void neither_silence_nor_loss_close_the_window(void **state)
{
	struct sma sma = { .in_flight = 0 };
	struct pace pace;

	(void)state;
	pace_sma_init(&sma);
	pace_init(&pace, &limits);
	for (unsigned i = 1; i <= 100; i++) {
		pace_answered(&pace, &sma, 1, 2, i * LOOP_SEC, (i + 1) * LOOP_SEC);
		assert_in_range(pace.window, 16, 256);
	}
	for (unsigned i = 0; i < 100; i++)
		pace_halve(&pace);
	assert_int_equal(pace.window, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_does_not_open_a_window_that_silence_has_closed),
		cmocka_unit_test(neither_silence_nor_loss_close_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
