/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is configured and has no effect. Sentences are compared whole, and each that is expected is
 * the only one.
 */

#include "conf/doubts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"

static struct conf conf;
static char told[16384];
static unsigned n_told;

static void take(void *user, const char *sentence)
{
	assert_ptr_equal(user, told);
	n_told++;
	assert_true(strlen(told) + strlen(sentence) + 2 < sizeof(told));
	strcat(strcat(told, sentence), "\n");
}

static void tell(const char *text, const char *partitions_text, const char *policy_text)
{
	AUTO(partitions_freep) struct partitions *partitions = NULL;
	AUTO(qos_policy_freep) struct qos_policy *qos = NULL;
	struct partition_options options = { 0 };
	struct conf_error error = { 0 };

	told[0] = 0;
	n_told = 0;
	if (conf_parse(text, strlen(text), "vsm.conf", &conf, &error) < 0 ||
	    partitions_parse(partitions_text, strlen(partitions_text), "partitions", &options,
			     &partitions, &error) < 0 ||
	    (policy_text &&
	     qos_policy_parse(policy_text, strlen(policy_text), "policy", &qos, &error) < 0))
		fail_msg("%s", error.text);
	doubts_tell(&conf, partitions, qos, take, told);
}

#define DEFAULT_FILE "Default=0x7fff : ALL=full ;\n"

static void expect(const char *text, const char *sentences)
{
	tell(text, DEFAULT_FILE, NULL);
	assert_string_equal(told, sentences);
}

static void defaults_raise_no_doubt(void **state)
{
	(void)state;
	expect("", "");
}

static void an_option_without_effect_is_told_with_what_keeps_it_from_one(void **state)
{
	(void)state;
	expect("qos = { vlarb_high = \"0:1\"; };",
	       "qos.vlarb_high means nothing while qos.enable is false\n");
	expect("qos_ca = { high_limit = 3; };",
	       "qos_ca.high_limit means nothing while qos.enable is false\n");
	expect("qos = { enable = true; vlarb_high = \"0:1\"; };", "");
	expect("security = { m_key_lease = 30; };",
	       "security.m_key_lease means nothing without security.m_key\n");
	expect("security = { m_key_lease = 30; m_key = 7; };", "");
	expect("port = { guid = 0x17; number = 1; };",
	       "port.number means nothing beside port.guid\n");
	expect("port = { device = \"mlx5_0\"; number = 1; };", "");
	expect("subnet = { lmc_esp0 = true; };",
	       "subnet.lmc_esp0 means nothing while subnet.lmc is 0\n");
	expect("subnet = { lmc_esp0 = true; lmc = 1; };", "");
}

/* As long as the path of a file may be. */
static void nothing_is_cut_off_behind_a_long_path(void **state)
{
	static const char policy[] = "port-groups\n port-group\n partition: blue\n name: x\n "
				     "end-port-group\nend-port-groups\nqos-ulps\n default: 1\n"
				     "end-qos-ulps\n";
	char text[CONF_TEXT_SIZE + 64], path[CONF_TEXT_SIZE];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	snprintf(text, sizeof(text), "qos = { enable = true; policy_file = \"%s\"; };", path);
	tell(text, DEFAULT_FILE, policy);
	assert_int_equal(n_told, 1);
	assert_ptr_equal(strstr(told, path), told);
	assert_string_equal(told + strlen(path), ":3: no partition is called \"blue\"\n");
}

static void who_looks_for_no_change_is_told_what_that_means(void **state)
{
	(void)state;
	expect("sweep = { interval = 0; };", "");
	expect("sweep = { on_trap = false; };", "");
	expect("sweep = { interval = 0; on_trap = false; };",
	       "sweep.interval is 0 and sweep.on_trap is false: what changes is seen at the next "
	       "vsmctl sweep\n");
}

static void a_level_of_a_partition_needs_qos(void **state)
{
	static const char file[] = DEFAULT_FILE "red=0x1 : ALL ;\nblue=0x2, sl=3 : ALL ;\n"
						"green=0x3, sl=4 : ALL ;\n";

	(void)state;
	tell("", file, NULL);
	assert_string_equal(told,
			    "sl=3 of partition blue means nothing while qos.enable is false\n");
	tell("qos = { enable = true; };", file, NULL);
	assert_string_equal(told, "");
}

#define GROUP(keys)                                                                                \
	"port-groups\nport-group\nname: x\n" keys "end-port-group\nend-port-groups\n"              \
	"qos-ulps\ndefault: 1\nend-qos-ulps\n"
#define WITH_POLICY "qos = { enable = true; policy_file = \"policy\"; };"

static void a_partition_that_the_policy_names_is_to_be_there(void **state)
{
	(void)state;
	tell(WITH_POLICY, DEFAULT_FILE "blue=0x2 : ALL ;\n",
	     GROUP("partition: blue\npartition: Default, red\n"));
	assert_string_equal(told, "policy:5: no partition is called \"red\"\n");
	tell(WITH_POLICY, DEFAULT_FILE, GROUP("port-name: red/P1\n"));
	assert_string_equal(told, "");
}

static void of_many_such_names_the_first_are_told(void **state)
{
	char policy[4096] = "port-groups\nport-group\nname: x\n";

	(void)state;
	for (int i = 0; i < DOUBTS_MAX + 2; i++)
		strcat(policy, "partition: red\n");
	strcat(policy, "end-port-group\nend-port-groups\nqos-ulps\ndefault: 1\nend-qos-ulps\n");
	tell(WITH_POLICY, DEFAULT_FILE, policy);
	assert_int_equal(n_told, DOUBTS_MAX + 1);
	assert_non_null(strstr(told, "policy: 22 names in all that no partition has\n"));
}

static void a_policy_without_qos_and_a_setup_mean_nothing(void **state)
{
	(void)state;
	tell("qos = { policy_file = \"policy\"; };", DEFAULT_FILE,
	     "qos-setup\nwhatever\nend-qos-setup\nqos-levels\nqos-level\nname: DEFAULT\nsl: 1\n"
	     "path-bits: 2,4-8\nend-qos-level\nend-qos-levels\n");
	assert_string_equal(told, "qos.policy_file means nothing while qos.enable is false\n"
				  "qos-setup in qos.policy_file is passed over, as opensm does\n"
				  "path-bits in qos.policy_file are passed over, as opensm does\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_raise_no_doubt),
		cmocka_unit_test(an_option_without_effect_is_told_with_what_keeps_it_from_one),
		cmocka_unit_test(who_looks_for_no_change_is_told_what_that_means),
		cmocka_unit_test(nothing_is_cut_off_behind_a_long_path),
		cmocka_unit_test(a_level_of_a_partition_needs_qos),
		cmocka_unit_test(a_partition_that_the_policy_names_is_to_be_there),
		cmocka_unit_test(of_many_such_names_the_first_are_told),
		cmocka_unit_test(a_policy_without_qos_and_a_setup_mean_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
