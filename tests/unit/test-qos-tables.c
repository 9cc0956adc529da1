/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the options of qos and qos_* mean for ports of a class, and what is no list.
 */

#include "conf/qos-tables.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

/* Large, and each test begins with the defaults. */
static struct conf *make(void)
{
	struct conf *conf = malloc(sizeof(*conf));

	assert_non_null(conf);
	conf_init_defaults(conf);
	return conf;
}

static void set(struct conf *conf, const char *path, const char *value)
{
	struct conf_error error;

	if (conf_set(conf, path, value, &error) < 0 || conf_check(conf, &error) < 0)
		fail_msg("%s", error.text);
}

static void refuse(const char *path, const char *value)
{
	AUTO(freep) struct conf *conf = make();
	struct conf_error error = { 0 };

	assert_int_equal(conf_set(conf, path, value, &error), 0);
	assert_true(conf_check(conf, &error) < 0);
	assert_non_null(strstr(error.text, path));
}

static void by_default_they_are_those_of_opensm(void **state)
{
	AUTO(freep) struct conf *conf = make();
	struct qos_tables t;

	(void)state;
	for (unsigned class = 0; class < QOS_CLASS_COUNT; class ++) {
		qos_tables_of(conf, (enum qos_class) class, &t);
		for (unsigned sl = 0; sl < QOS_SLS; sl++)
			assert_int_equal(t.vl[sl], sl < 15 ? sl : 7);
		assert_int_equal(t.high.n, 15);
		assert_int_equal(t.low.n, 15);
		for (unsigned i = 0; i < 15; i++) {
			assert_int_equal(t.high.turn[i].vl, i);
			assert_int_equal(t.high.turn[i].weight, i ? 0 : 4);
			assert_int_equal(t.low.turn[i].vl, i);
			assert_int_equal(t.low.turn[i].weight, i ? 4 : 0);
		}
		assert_int_equal(t.high_limit, 0);
	}
}

static void a_class_has_its_own_or_that_of_all(void **state)
{
	AUTO(freep) struct conf *conf = make();
	struct qos_tables t;

	(void)state;
	set(conf, "qos.sl2vl", "0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,15");
	set(conf, "qos.high_limit", "6");
	set(conf, "qos_ca.vlarb_low", "0:1, 1:255");
	set(conf, "qos_swe.high_limit", "0");
	set(conf, "qos_rtr.sl2vl", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1");
	set(conf, "qos_swe.vlarb_high", "3:0x10");
	qos_tables_of(conf, QOS_CLASS_CA, &t);
	assert_int_equal(t.vl[15], 15);
	assert_int_equal(t.vl[8], 2);
	assert_int_equal(t.low.n, 2);
	assert_int_equal(t.low.turn[1].weight, 255);
	assert_int_equal(t.high_limit, 6);
	qos_tables_of(conf, QOS_CLASS_SWITCH, &t);
	assert_int_equal(t.low.n, 15);
	assert_int_equal(t.high_limit, 0);
	assert_int_equal(t.high.n, 1);
	assert_int_equal(t.high.turn[0].weight, 16);
	qos_tables_of(conf, QOS_CLASS_ROUTER, &t);
	assert_int_equal(t.vl[15], 1);
}

static void what_is_no_list_is_refused(void **state)
{
	(void)state;
	refuse("qos.sl2vl", "");
	refuse("qos.sl2vl", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14");
	refuse("qos.sl2vl", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,0");
	refuse("qos.sl2vl", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,16");
	refuse("qos_ca.sl2vl", "0,1,2,3,4,5,6,7,,9,10,11,12,13,14,15");
	refuse("qos.vlarb_high", "");
	refuse("qos.vlarb_high", "0");
	refuse("qos.vlarb_low", "0:");
	refuse("qos.vlarb_low", "15:1");
	refuse("qos.vlarb_low", "0:256");
	refuse("qos_swe.vlarb_low", "0:1,");
	refuse("qos_rtr.vlarb_high", "0:1:1");
	refuse("qos_swe.vlarb_high",
	       "0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,"
	       "0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1,0:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default_they_are_those_of_opensm),
		cmocka_unit_test(a_class_has_its_own_or_that_of_all),
		cmocka_unit_test(what_is_no_list_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
