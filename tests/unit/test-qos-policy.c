/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * QoS policy files: what they mean to a question, and which line is at fault when they mean
 * nothing.
 */

#include "conf/qos-policy.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define LEVEL(name_, sl_) "qos-level\n name: " name_ "\n sl: " #sl_ "\nend-qos-level\n"
#define LEVELS            "qos-levels\n" LEVEL("DEFAULT", 0) LEVEL("one", 1) LEVEL("two", 2) "end-qos-levels\n"

static struct qos_policy *parse(const char *text)
{
	struct qos_policy *policy = NULL;
	struct conf_error error = { 0 };

	if (qos_policy_parse(text, strlen(text), "qos", &policy, &error) < 0)
		fail_msg("%s", error.text);
	return policy;
}

static void refuse(const char *text, unsigned line, const char *why)
{
	struct qos_policy *policy = NULL;
	struct conf_error error = { 0 };

	assert_int_equal(qos_policy_parse(text, strlen(text), "qos", &policy, &error), -EINVAL);
	assert_null(policy);
	if (error.line != line || !strstr(error.text, why))
		fail_msg("line %u, not %u: %s", error.line, line, error.text);
}

/* ---- a fabric of two ports ------------------------------------------------------------------- */

struct keys {
	uint16_t key[4];
};

static bool has_key(const void *user, uint16_t first, uint16_t last)
{
	const struct keys *keys = user;

	for (unsigned i = 0; i < COUNT(keys->key); i++)
		if (keys->key[i] && keys->key[i] >= first && keys->key[i] <= last)
			return true;

	return false;
}

static uint16_t partition(const void *user, const char *name)
{
	(void)user;
	return !strcmp(name, "storage") ? 0x12 : 0;
}

static const struct keys host_keys = { { 0x7fff, 0x11 } };
static const struct keys disk_keys = { { 0x7fff, 0x12 } };

static const struct qos_end host = {
	.guid = 0x1001,
	.nodes = QOS_CA,
	.description = "host/7 HCA-1",
	.port = 1,
	.has_key = has_key,
	.user = &host_keys,
};

static const struct qos_end disk = {
	.guid = 0x2002,
	.nodes = QOS_CA | QOS_SELF,
	.description = "disk",
	.port = 2,
	.has_key = has_key,
	.user = &disk_keys,
};

static const struct qos_question plain = { .from = &host, .to = &disk, .partition = partition };

static unsigned sl_of(const struct qos_policy *policy, const struct qos_question *question)
{
	return qos_policy_find(policy, question)->sl;
}

/* The SL of a question without anything, by a rule with these lines. */
static unsigned sl_by(const char *groups, const char *lines, const struct qos_question *question)
{
	AUTO(qos_policy_freep) struct qos_policy *policy = NULL;
	char text[2048];

	snprintf(text, sizeof(text),
		 "%s" LEVELS "qos-match-rules\nqos-match-rule\n%s\nqos-level-name: one\n"
		 "end-qos-match-rule\nend-qos-match-rules\n",
		 groups, lines);
	policy = parse(text);
	return sl_of(policy, question);
}

/* The same by one line of qos-ulps; 1 if it fits. */
static unsigned sl_of_ulp(const char *what, const struct qos_question *question)
{
	AUTO(qos_policy_freep) struct qos_policy *policy = NULL;
	char text[512];

	snprintf(text, sizeof(text), "qos-ulps\ndefault: 0\n%s : 1 # one\nend-qos-ulps\n", what);
	policy = parse(text);
	return sl_of(policy, question);
}

/* ---- levels ---------------------------------------------------------------------------------- */

static void the_default_is_for_what_fits_no_rule(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy = parse("qos-ulps\n default: 5\nend-qos-ulps");
	AUTO(qos_policy_freep) struct qos_policy *other = parse(LEVELS);

	(void)state;
	assert_int_equal(sl_of(policy, &plain), 5);
	assert_int_equal(sl_of(other, &plain), 0);
}

static void a_level_has_bounds_and_keys(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy =
		parse("qos-levels\nqos-level\nname: DEFAULT\nuse: anything, at: all\n"
		      "sl: 3\nmtu-limit: 4\nrate-limit: 0x7\npacket-life: 12\n"
		      "pkey: 0x10, 0x8020-0x8030\nend-qos-level\nend-qos-levels\n");
	const struct qos_level *level = qos_policy_find(policy, &plain);

	(void)state;
	assert_int_equal(level->given, QOS_HAS_SL | QOS_HAS_MTU | QOS_HAS_RATE | QOS_HAS_LIFE);
	assert_int_equal(level->mtu, 4);
	assert_int_equal(level->rate, 7);
	assert_int_equal(level->life, 12);
	assert_true(qos_level_allows(policy, level, 0x8010));
	assert_true(qos_level_allows(policy, level, 0x30));
	assert_false(qos_level_allows(policy, level, 0x31));
	assert_false(qos_level_allows(policy, level, 0x7fff));
}

static void without_keys_all_are_allowed(void **state)
{
	AUTO(qos_policy_freep) struct qos_policy *policy = parse(LEVELS);

	(void)state;
	assert_true(qos_level_allows(policy, qos_policy_find(policy, &plain), 0x1234));
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void a_rule_without_conditions_fits_all(void **state)
{
	(void)state;
	assert_int_equal(sl_by("", "use: nothing", &plain), 1);
}

static void rules_ask_for_what_the_question_has(void **state)
{
	struct qos_question question = plain;

	(void)state;
	assert_int_equal(sl_by("", "qos-class: 7-9,11", &question), 0);
	question.has_class = true;
	question.qos_class = 8;
	assert_int_equal(sl_by("", "qos-class: 7-9,11", &question), 1);
	question.qos_class = 10;
	assert_int_equal(sl_by("", "qos-class: 7-9,11", &question), 0);
	question.qos_class = 11;
	assert_int_equal(sl_by("", "qos-class: 7-9,11", &question), 1);
	assert_int_equal(sl_by("", "service-id: 5", &question), 0);
	question.has_service = true;
	question.service = 5;
	assert_int_equal(sl_by("", "service-id: 5", &question), 1);
	assert_int_equal(sl_by("", "service-id: 6-0xffffffffffffffff", &question), 0);
	assert_int_equal(sl_by("", "pkey: 0x8011", &question), 0);
	question.has_pkey = true;
	question.pkey = 0x8011;
	assert_int_equal(sl_by("", "pkey: 0x11", &question), 1);
	assert_int_equal(sl_by("", "pkey: 0x8011", &question), 1);
	assert_int_equal(sl_by("", "pkey: 0x12", &question), 0);
}

static void all_kinds_of_conditions_must_fit_and_one_of_each(void **state)
{
	struct qos_question question = plain;

	(void)state;
	question.has_class = question.has_service = true;
	question.qos_class = 1;
	question.service = 2;
	assert_int_equal(sl_by("", "qos-class: 1\nservice-id: 2", &question), 1);
	assert_int_equal(sl_by("", "qos-class: 3\nservice-id: 2\nqos-class: 1", &question), 1);
	assert_int_equal(sl_by("", "qos-class: 3\nservice-id: 2", &question), 0);
	assert_int_equal(sl_by("", "qos-class: 1\nservice-id: 3", &question), 0);
}

#define GROUP(lines)                                                                               \
	"port-groups\nport-group\nname: my group\nuse: x\n" lines                                  \
	"\nend-port-group\nend-port-groups\n"

static void assert_source(const char *groups, unsigned host_sl, unsigned disk_sl)
{
	struct qos_question back = { .from = &disk, .to = &host, .partition = partition };

	assert_int_equal(sl_by(groups, "source: my group", &plain), host_sl);
	assert_int_equal(sl_by(groups, "source: my group", &back), disk_sl);
	assert_int_equal(sl_by(groups, "destination: my group", &back), host_sl);
	assert_int_equal(sl_by(groups, "destination: my group", &plain), disk_sl);
}

static void groups_know_their_ports(void **state)
{
	(void)state;
	assert_source(GROUP(""), 0, 0);
	assert_source(GROUP("port-guid: 0x1001"), 1, 0);
	assert_source(GROUP("port-guid: 0x1000 - 0x1001, 0x3000\nport-guid: 0x2002"), 1, 1);
	assert_source(GROUP("port-guid: 0x1002-0x2001"), 0, 0);
	assert_source(GROUP("port-name: host/7 HCA-1/P1"), 1, 0);
	assert_source(GROUP("port-name: host/7 HCA-1/P2, disk/p2"), 0, 1);
	assert_source(GROUP("pkey: 0x11"), 1, 0);
	assert_source(GROUP("pkey: 0x8000-0xffff"), 1, 1);
	assert_source(GROUP("partition: storage"), 0, 1);
	assert_source(GROUP("partition: nobody"), 0, 0);
	assert_source(GROUP("node-type: SWITCH, router"), 0, 0);
	assert_source(GROUP("node-type: ca"), 1, 1);
	assert_source(GROUP("node-type: SELF"), 0, 1);
	assert_source(GROUP("node-type: ALL"), 1, 1);
}

static void the_first_rule_that_fits_counts(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy = parse("qos-match-rules\n"
					  "qos-match-rule\nqos-class: 1\nqos-level-name: two\n"
					  "end-qos-match-rule\n"
					  "qos-match-rule\nqos-class: 0-9\nqos-level-name: one\n"
					  "end-qos-match-rule\nend-qos-match-rules\n" LEVELS);
	struct qos_question question = plain;

	(void)state;
	question.has_class = true;
	question.qos_class = 1;
	assert_int_equal(sl_of(policy, &question), 2);
	question.qos_class = 2;
	assert_int_equal(sl_of(policy, &question), 1);
	question.qos_class = 10;
	assert_int_equal(sl_of(policy, &question), 0);
}

/* ---- qos-ulps -------------------------------------------------------------------------------- */

static void services_are_known_by_their_id(void **state)
{
	struct qos_question question = plain;

	(void)state;
	question.has_service = true;
	question.service = 0x1ffff;
	assert_int_equal(sl_of_ulp("sdp", &question), 1);
	assert_int_equal(sl_of_ulp("rds", &question), 0);
	question.service = 0x20000;
	assert_int_equal(sl_of_ulp("sdp", &question), 0);
	question.service = 0x10000 + 30000;
	assert_int_equal(sl_of_ulp("sdp, port-num 30000", &question), 1);
	assert_int_equal(sl_of_ulp("sdp, port-num 1-5, 29999-30001", &question), 1);
	assert_int_equal(sl_of_ulp("sdp, port-num 30001", &question), 0);
	question.service = 0x10648ca;
	assert_int_equal(sl_of_ulp("rds", &question), 1);
	assert_int_equal(sl_of_ulp("iser", &question), 0);
	assert_int_equal(sl_of_ulp("iser, port-num 0x48ca", &question), 1);
	question.service = 0x1060cbc;
	assert_int_equal(sl_of_ulp("iser", &question), 1);
	assert_int_equal(sl_of_ulp("any, service-id 0x1060cbb-0x1060cbd", &question), 1);
	assert_int_equal(sl_of_ulp("any, service-id 0x1060cbd", &question), 0);
}

static void ipoib_is_known_by_its_key(void **state)
{
	struct qos_question question = plain;

	(void)state;
	assert_int_equal(sl_of_ulp("ipoib", &question), 0);
	question.has_pkey = true;
	question.pkey = 0xffff;
	assert_int_equal(sl_of_ulp("ipoib", &question), 1);
	assert_int_equal(sl_of_ulp("ipoib, pkey 0x0001", &question), 0);
	question.pkey = 1;
	assert_int_equal(sl_of_ulp("ipoib, pkey 0x0001", &question), 1);
	assert_int_equal(sl_of_ulp("any, pkey 0x0001", &question), 1);
}

static void others_are_known_by_a_port(void **state)
{
	(void)state;
	assert_int_equal(sl_of_ulp("srp, target-port-guid 0x2002", &plain), 1);
	assert_int_equal(sl_of_ulp("srp, target-port-guid 0x1001", &plain), 0);
	assert_int_equal(sl_of_ulp("any, target-port-guid 0x1, 0x2000-0x2fff", &plain), 1);
	assert_int_equal(sl_of_ulp("any, source-port-guid 0x1001", &plain), 1);
	assert_int_equal(sl_of_ulp("any, source-port-guid 0x2002", &plain), 0);
}

static void rules_come_before_ulps_wherever_they_are(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy =
		parse("qos-ulps\n any, service-id 0-9 : 4\n any, service-id 10: 5\n"
		      "end-qos-ulps\nqos-match-rules\nqos-match-rule\n"
		      "service-id: 5\nqos-level-name: one\nend-qos-match-rule\n"
		      "qos-match-rule\nservice-id: 5-6\nqos-level-name: two\n"
		      "end-qos-match-rule\n"
		      "end-qos-match-rules\n" LEVELS);
	static const unsigned expected[] = {
		[4] = 4, [5] = 1, [6] = 2, [7] = 4, [10] = 5, [11] = 0
	};
	struct qos_question question = plain;

	(void)state;
	question.has_service = true;
	for (question.service = 4; question.service < COUNT(expected); question.service++)
		if (question.service < 8 || question.service > 9)
			assert_int_equal(sl_of(policy, &question), expected[question.service]);
}

/* ---- what is no policy ------------------------------------------------------------------------
 */

static void setup_is_passed_over(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy =
		parse("QOS-SETUP\n sl2vl-tables\n what: ever\nend-QoS-setup\n" LEVELS);

	(void)state;
	assert_true(policy->has_setup);
}

static void path_bits_are_passed_over(void **state)
{
	AUTO(qos_policy_freep)
	struct qos_policy *policy =
		parse("qos-levels\nqos-level\nname: DEFAULT\nsl: 1\npath-bits: 2,4,8-32\n"
		      "pkey: 7\nend-qos-level\nend-qos-levels\n");

	(void)state;
	assert_true(policy->has_path_bits);
	assert_int_equal(policy->n_terms, 1);
	assert_true(qos_level_allows(policy, &policy->levels[0], 7));
	assert_false(qos_level_allows(policy, &policy->levels[0], 8));
}

static void a_file_without_a_default_is_refused(void **state)
{
	(void)state;
	refuse("", 0, "a default is missing");
	refuse("# nothing\n\n", 0, "a default is missing");
	refuse("qos-levels\n" LEVEL("other", 1) "end-qos-levels\n", 0, "a default is missing");
	refuse(LEVELS "qos-ulps\ndefault: 1\nend-qos-ulps\n", 16, "a default already, in line 2");
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
	(void)state;
	refuse("nonsense\n", 1, "\"nonsense\" is not understood outside of sections");
	refuse("\n\nport-groups\n\nname: x\n", 5, "\"name\" is not understood in port-groups");
	refuse("port-groups\nport-group\nname: x\n", 2, "port-group has no end-port-group");
	refuse("port-groups\nport-group\nend-port-group\n", 3, "has no name");
	refuse("port-groups\nport-group\nname: a\nname: b\n", 4, "has a name already");
	refuse("port-groups\nport-group\nname:\n", 3, "a name is missing");
	refuse("port-groups\nport-group\nname: a\xe9\n", 3, "not all printable");
	refuse(GROUP("") GROUP(""), 10, "another port-group is called \"my group\"");
	refuse("port-groups\nport-group\nport-guid: 1-\n", 3, "\"\" is not a number");
	refuse("port-groups\nport-group\nport-guid: 5-4\n", 3, "ends before it begins");
	refuse("port-groups\nport-group\nport-guid: 1,\n", 3, "is not a number");
	refuse("port-groups\nport-group\nport-name: disk/2\n", 3, "/P and a port number");
	refuse("port-groups\nport-group\nport-name: /P2\n", 3, "/P and a port number");
	refuse("port-groups\nport-group\nport-name: disk/P300\n", 3, "300 is more than");
	refuse("port-groups\nport-group\npkey: 0x10000\n", 3, "is more than 0xffff");
	refuse("port-groups\nport-group\nnode-type: HOST\n", 3, "\"HOST\" is not CA");
	refuse("qos-levels\nqos-level\nname: a\nend-qos-level\n", 4, "has no sl");
	refuse("qos-levels\nqos-level\nsl: 16\n", 3, "16 is more than");
	refuse("qos-levels\nqos-level\npath-bits: x\n", 3, "is not a number");
	refuse("qos-levels\nqos-level\nsl: 1\nsl: 1\n", 4, "has an sl already");
	refuse("qos-levels\nqos-level\nmtu-limit: 0\n", 3, "0 is less than 1");
	refuse("qos-levels\nqos-level\npacket-life: 64\n", 3, "64 is more than");
	refuse("qos-match-rules\nqos-match-rule\nend-qos-match-rule\n", 3, "no qos-level-name");
	refuse(LEVELS "qos-match-rules\nqos-match-rule\nqos-level-name: x\nend-qos-match-rule\n"
		      "end-qos-match-rules\n",
	       16, "no qos-level \"x\"");
	refuse(LEVELS "qos-match-rules\nqos-match-rule\nsource: x\nqos-level-name: one\n"
		      "end-qos-match-rule\nend-qos-match-rules\n",
	       17, "no port-group \"x\"");
	refuse("qos-match-rules\nqos-match-rule\nqos-class: 4096\n", 3, "is more than 0xfff");
	refuse("qos-ulps\nsdp\n", 2, "no ':' and service level");
	refuse("qos-ulps\nsdp: x\n", 2, "is not a number");
	refuse("qos-ulps\nnfs: 1\n", 2, "\"nfs\" is not default, sdp");
	refuse("qos-ulps\nsdp, port 1: 1\n", 2, "\"port\" is not port-num");
	refuse("qos-ulps\nsdp, port-num 65536: 1\n", 2, "is more than 0xffff");
	refuse("qos-ulps\nsrp: 1\n", 2, "needs a target-port-guid");
	refuse("qos-ulps\nany: 1\n", 2, "is not service-id");
}

static void so_many_and_no_more(void **state)
{
	size_t room = 64 * (QOS_POLICY_MAX + 2), length = 0;
	AUTO(freep) char *text = malloc(room);

	(void)state;
	length += (size_t)snprintf(text, room, "qos-ulps\ndefault: 0\n");
	for (unsigned i = 1; i < QOS_POLICY_MAX; i++)
		length += (size_t)snprintf(text + length, room - length, "any, service-id %u: 1\n",
					   i);
	snprintf(text + length, room - length, "end-qos-ulps\n");
	qos_policy_free(parse(text));
	snprintf(text + length, room - length, "any, service-id 0: 1\nend-qos-ulps\n");
	refuse(text, QOS_POLICY_MAX + 2, "more than 4096 groups, levels or rules");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_is_for_what_fits_no_rule),
		cmocka_unit_test(a_level_has_bounds_and_keys),
		cmocka_unit_test(without_keys_all_are_allowed),
		cmocka_unit_test(a_rule_without_conditions_fits_all),
		cmocka_unit_test(rules_ask_for_what_the_question_has),
		cmocka_unit_test(all_kinds_of_conditions_must_fit_and_one_of_each),
		cmocka_unit_test(groups_know_their_ports),
		cmocka_unit_test(the_first_rule_that_fits_counts),
		cmocka_unit_test(services_are_known_by_their_id),
		cmocka_unit_test(ipoib_is_known_by_its_key),
		cmocka_unit_test(others_are_known_by_a_port),
		cmocka_unit_test(rules_come_before_ulps_wherever_they_are),
		cmocka_unit_test(setup_is_passed_over),
		cmocka_unit_test(path_bits_are_passed_over),
		cmocka_unit_test(a_file_without_a_default_is_refused),
		cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
		cmocka_unit_test(so_many_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
