/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* When to wait for more, and when not. */

#include "mad/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arrival arrivals[64];

static int begin(void **state)
{
	(void)state;
	memset(arrivals, 0, sizeof(arrivals));
	for (unsigned i = 0; i < 64; i++)
		wire_start(&arrivals[i].datagram, CLASS_SA, METHOD_GET, ATTR_NODE_INFO, i);

	return 0;
}

/* Nobody has been asked. */
static unsigned pause_after(unsigned n)
{
	return gather_us(arrivals, n, 0);
}

static void a_few_questions_make_a_pause(void **state)
{
	(void)state;
	assert_int_equal(pause_after(0), 0);
	assert_int_equal(pause_after(1), 0);
	assert_int_equal(pause_after(GATHER_LEAST - 1), 0);
	assert_int_equal(pause_after(GATHER_LEAST), 120);
	assert_int_equal(pause_after(8), 320);
	assert_int_equal(pause_after(11), 400);
	assert_int_equal(pause_after(GATHER_MOST), 400);
	assert_int_equal(pause_after(GATHER_MOST + 1), 0);
	assert_int_equal(pause_after(64), 0);
}

static void however_many_answers_are_awaited(void **state)
{
	(void)state;
	assert_int_equal(gather_us(arrivals, 1, 256), 0);
	assert_int_equal(gather_us(arrivals, 8, 256), 320);
}

static void an_answer_among_them_makes_none(void **state)
{
	static const uint8_t methods[] = { METHOD_GET_RESPONSE, METHOD_TRAP_REPRESS,
					   METHOD_REPORT_RESPONSE };

	(void)state;
	for (unsigned i = 0; i < sizeof(methods); i++) {
		wire_start(&arrivals[7].datagram, CLASS_SM_LID, methods[i], ATTR_NODE_INFO, 1);
		assert_int_equal(pause_after(8), 0);
		assert_int_equal(pause_after(7), 280);
	}
}

static void nor_does_a_question_of_ours_that_comes_back(void **state)
{
	(void)state;
	arrivals[0].undelivered = true;
	assert_int_equal(pause_after(8), 0);
}

static void a_few_answers_of_many_make_one(void **state)
{
	(void)state;
	wire_start(&arrivals[0].datagram, CLASS_SM_LID, METHOD_GET_RESPONSE, ATTR_NODE_INFO, 1);
	assert_int_equal(gather_us(arrivals, 1, GATHER_AWAITED - 1), 0);
	assert_int_equal(gather_us(arrivals, 1, GATHER_AWAITED), 80);
	assert_int_equal(gather_us(arrivals, GATHER_MOST, 256), 80);
	assert_int_equal(gather_us(arrivals, GATHER_MOST + 1, 256), 0);
	assert_int_equal(gather_us(arrivals, 0, 256), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_few_questions_make_a_pause, begin),
		cmocka_unit_test_setup(however_many_answers_are_awaited, begin),
		cmocka_unit_test_setup(an_answer_among_them_makes_none, begin),
		cmocka_unit_test_setup(nor_does_a_question_of_ours_that_comes_back, begin),
		cmocka_unit_test_setup(a_few_answers_of_many_make_one, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
