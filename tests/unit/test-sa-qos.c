/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a QoS policy and partitions make of paths: service level, bounds and P_Keys, in answers to
 * PathRecord and MultiPathRecord questions.
 */

#include <stdio.h>

#include "conf/partitions.h"
#include "conf/qos-policy.h"
#include "sm/sa/path.h"
#include "tests/unit/sa-ask.h"

enum {
	SERVICE_FIRST = 0,
	SERVICE_REST = 1,
	DGID = 2,
	SGID = 3,
	PKEY = 13,
	QOS_CLASS_BIT = 14,
	SL = 15,
	MTU_SELECTOR = 16,
};

#define EDR_4X 16

/* What the view points to. */
static struct qos_policy *policy;
static struct partitions *partitions;

static void use_policy(struct asking *a, const char *text)
{
	struct conf_error error = { 0 };

	qos_policy_free(TAKE(policy));
	if (qos_policy_parse(text, strlen(text), "qos", &policy, &error) < 0)
		fail_msg("%s", error.text);
	a->small.view.qos = policy;
	a->small.conf.qos = true;
}

static void use_partitions(struct asking *a, const char *text)
{
	struct partition_options options = { 0 };
	struct conf_error error = { 0 };

	if (partitions_parse(text, strlen(text), "partitions", &options, &partitions, &error) < 0)
		fail_msg("%s", error.text);
	a->small.view.partitions = partitions;
	a->small.conf.qos = true;
}

static int teardown(void **state)
{
	qos_policy_free(TAKE(policy));
	partitions_free(TAKE(partitions));

	return asking_teardown(state);
}

static uint8_t *from_to(struct asking *a, enum small_port from, enum small_port to)
{
	uint8_t *wanted = question(a, from, METHOD_GET, ATTR_SA_PATH_RECORD);

	want(a, SGID);
	want(a, DGID);
	wire_set64(wanted + PATH_SGID_OFFSET, 0, SMALL_PREFIX);
	wire_set64(wanted + PATH_SGID_OFFSET, 1, a->small.guid[from]);
	wire_set64(wanted + PATH_DGID_OFFSET, 0, SMALL_PREFIX);
	wire_set64(wanted + PATH_DGID_OFFSET, 1, a->small.guid[to]);

	return wanted;
}

static uint8_t *plain(struct asking *a)
{
	return from_to(a, SMALL_ALPHA, SMALL_GAMMA);
}

static unsigned field(const struct asking *a, enum wire_field name)
{
	return (unsigned)wire_get(record_at(a, 0), name);
}

static void assert_sl(struct asking *a, unsigned sl)
{
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(field(a, PATH_SL), sl);
}

#define LEVELS(lines)                                                                              \
	"qos-levels\nqos-level\nname: DEFAULT\nsl: 1\nend-qos-level\n"                             \
	"qos-level\nname: other\nsl: 5\n" lines "\nend-qos-level\nend-qos-levels\n"
#define RULE(lines)                                                                                \
	"qos-match-rules\nqos-match-rule\n" lines                                                  \
	"\nqos-level-name: other\nend-qos-match-rule\nend-qos-match-rules\n"

/* ---- service levels ---------------------------------------------------------------------------
 */

static void without_qos_all_is_on_level_0(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_policy(a, LEVELS(""));
	use_partitions(a, "Default=0x7fff, sl=3: ALL=full;\n");
	a->small.conf.qos = false;
	plain(a);
	assert_sl(a, 0);
	wanted = plain(a);
	want(a, SL);
	wire_set(wanted, PATH_SL, 1);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void partitions_have_a_level(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_partitions(a, "Default=0x7fff, sl=3: ALL=full;\nred=1, sl=4: ALL=full;\n");
	wanted = plain(a);
	want(a, PKEY);
	wire_set(wanted, PATH_PKEY, 0x8001);
	assert_sl(a, 4);
	wanted = plain(a);
	want(a, PKEY);
	wire_set(wanted, PATH_PKEY, 0xffff);
	assert_sl(a, 3);
	/* Who asks for one has it. */
	wanted = plain(a);
	want(a, SL);
	wire_set(wanted, PATH_SL, 9);
	assert_sl(a, 9);
}

static void a_policy_goes_before_partitions(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_partitions(a, "Default=0x7fff, sl=3: ALL=full;\nred=1, sl=4: ALL=full;\n");
	use_policy(a, LEVELS(""));
	plain(a);
	assert_sl(a, 1);
	wanted = plain(a);
	want(a, SL);
	wire_set(wanted, PATH_SL, 1);
	assert_sl(a, 1);
	wanted = plain(a);
	want(a, SL);
	wire_set(wanted, PATH_SL, 3);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void services_have_a_level(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_policy(a, LEVELS("") RULE("service-id: 0x1060000-0x106ffff"));
	wanted = plain(a);
	want(a, SERVICE_FIRST);
	wire_set(wanted, PATH_SERVICE_ID, 0x01064e20);
	assert_sl(a, 1); /* half of it says nothing */
	want(a, SERVICE_REST);
	assert_sl(a, 5);
	wire_set(wanted, PATH_SERVICE_ID, 0x01074e20);
	assert_sl(a, 1);
}

static void classes_have_a_level(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_policy(a, LEVELS("") RULE("qos-class: 7"));
	wanted = plain(a);
	wire_set(wanted, PATH_QOS_CLASS, 7);
	assert_sl(a, 1);
	want(a, QOS_CLASS_BIT);
	assert_sl(a, 5);
	assert_int_equal(field(a, PATH_QOS_CLASS), 0);
}

static void ports_have_a_level(void **state)
{
	struct asking *a = *state;
	char text[1024];

	snprintf(text, sizeof(text),
		 "port-groups\nport-group\nname: mine\nport-guid: 0x%llx\nend-port-group\n"
		 "port-group\nname: named\nport-name: gamma/P1\nend-port-group\n"
		 "port-group\nname: us\nnode-type: SELF\nend-port-group\nend-port-groups\n%s%s",
		 (unsigned long long)a->small.guid[SMALL_ALPHA], LEVELS(""), RULE("source: mine"));
	use_policy(a, text);
	plain(a);
	assert_sl(a, 5);
	from_to(a, SMALL_GAMMA, SMALL_ALPHA);
	assert_sl(a, 1);
	strcpy(strstr(text, "source: mine"), "destination: named\nqos-level-name: other\n"
					     "end-qos-match-rule\nend-qos-match-rules\n");
	use_policy(a, text);
	snprintf(node_of(&a->small.fabric, a->small.port[SMALL_GAMMA])->description, 65, "gamma");
	plain(a);
	assert_sl(a, 5);
	from_to(a, SMALL_GAMMA, SMALL_ALPHA);
	assert_sl(a, 1);
	strcpy(strstr(text, "destination: named"), "destination: us\nqos-level-name: other\n"
						   "end-qos-match-rule\nend-qos-match-rules\n");
	use_policy(a, text);
	plain(a);
	assert_sl(a, 1);
	from_to(a, SMALL_GAMMA, SMALL_ALPHA);
	assert_sl(a, 5);
}

/* ---- bounds -----------------------------------------------------------------------------------
 */

static void a_level_bounds_paths(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_policy(a, "qos-levels\nqos-level\nname: DEFAULT\nsl: 2\nmtu-limit: 3\nrate-limit: 7\n"
		      "packet-life: 11\nend-qos-level\nend-qos-levels\n");
	plain(a);
	assert_sl(a, 2);
	assert_int_equal(field(a, PATH_MTU), 3);
	assert_int_equal(field(a, PATH_RATE), 7);
	assert_int_equal(field(a, PATH_LIFE), 11);
	wanted = plain(a);
	want(a, MTU_SELECTOR);
	want(a, MTU_SELECTOR + 1);
	wire_set(wanted, PATH_MTU_SELECTOR, 0);
	wire_set(wanted, PATH_MTU, 3); /* more than that */
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	/* A bound that is above what there is changes nothing. */
	use_policy(a, "qos-levels\nqos-level\nname: DEFAULT\nsl: 2\nmtu-limit: 5\nrate-limit: 24\n"
		      "end-qos-level\nend-qos-levels\n");
	plain(a);
	assert_sl(a, 2);
	assert_int_equal(field(a, PATH_MTU), CONF_MTU_4096);
	assert_int_equal(field(a, PATH_RATE), EDR_4X);
}

/* alpha and gamma have 0x8001 and the default key. */
static void a_level_chooses_the_key(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	use_policy(a, LEVELS(""));
	plain(a);
	assert_sl(a, 1);
	assert_int_equal(field(a, PATH_PKEY) & 0x7fff, 1);
	use_policy(a, "qos-levels\nqos-level\nname: DEFAULT\nsl: 2\npkey: 0x7fff\n"
		      "end-qos-level\nend-qos-levels\n");
	plain(a);
	assert_sl(a, 2);
	assert_int_equal(field(a, PATH_PKEY) & 0x7fff, 0x7fff);
	wanted = plain(a);
	want(a, PKEY);
	wire_set(wanted, PATH_PKEY, 0x8001);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	use_policy(a, "qos-levels\nqos-level\nname: DEFAULT\nsl: 2\npkey: 0x5\n"
		      "end-qos-level\nend-qos-levels\n");
	plain(a);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- MultiPathRecord --------------------------------------------------------------------------
 */

static void a_multi_path_has_a_level_too(void **state)
{
	struct asking *a = *state;
	static const unsigned count_bits[] = { 19, 20 };
	uint8_t *wanted;

	use_policy(a, LEVELS("") RULE("service-id: 0x0102030405060708"));
	wanted = question(a, SMALL_ALPHA, METHOD_GET_MULTI, ATTR_SA_MULTI_PATH_RECORD);
	for (unsigned i = 0; i < COUNT(count_bits); i++)
		want(a, count_bits[i]);
	wire_set(wanted, MULTI_SGID_COUNT, 1);
	wire_set(wanted, MULTI_DGID_COUNT, 1);
	wire_set64(wanted + MULTI_GIDS_OFFSET, 0, SMALL_PREFIX);
	wire_set64(wanted + MULTI_GIDS_OFFSET, 1, a->small.guid[SMALL_ALPHA]);
	wire_set64(wanted + MULTI_GIDS_OFFSET, 2, SMALL_PREFIX);
	wire_set64(wanted + MULTI_GIDS_OFFSET, 3, a->small.guid[SMALL_GAMMA]);
	assert_sl(a, 1);
	want(a, 16);
	want(a, 21);
	wire_set(wanted, MULTI_SERVICE_FIRST, 0x01);
	wire_set(wanted, MULTI_SERVICE_REST, 0x02030405060708);
	assert_sl(a, 5);
}

/* ---- asked from inside -------------------------------------------------------------------------
 */

/* Of two ends, as a PathRecord says it. -ENOENT: there is none. */
static int asked_level(struct asking *a, enum small_port from, enum small_port to)
{
	uint8_t *wanted = question(a, from, METHOD_GET, ATTR_SA_PATH_RECORD);

	for (unsigned i = 0; i < 2; i++) {
		uint8_t *gid = wanted + (i ? PATH_SGID_OFFSET : PATH_DGID_OFFSET);

		wire_set64(gid, 0, SMALL_PREFIX);
		wire_set64(gid, 1, a->small.guid[i ? from : to]);
		want(a, 2 + i);
	}

	return ask(a) == STATUS_OK ? (int)wire_get(sa_data_in(&a->answer), PATH_SL) : -ENOENT;
}

/* How many different answers, as bits; the highest: none. */
static unsigned check_pairs(struct asking *a)
{
	unsigned seen = 0;

	for (unsigned from = 0; from < SMALL_COUNT; from++) {
		for (unsigned to = 0; to < SMALL_COUNT; to++) {
			int level;

			if (from == to)
				continue;
			level = asked_level(a, (enum small_port)from, (enum small_port)to);

			assert_int_equal(path_plain_level(&a->small.view,
							  endpoint_of_port(a->small.port[from]),
							  endpoint_of_port(a->small.port[to])),
					 level);
			seen |= level < 0 ? 1u << 31 : 1u << level;
		}
	}

	return seen;
}

static void who_looks_from_inside_sees_the_same_level(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_BETA][0] = 0x0005;
	a->small.keys[SMALL_DELTA_1][0] = 0x8001;
	assert_int_equal(check_pairs(a), 1u << 31 | 1u << 0);
	use_policy(a, LEVELS("") RULE("pkey: 0x1"));
	assert_int_equal(check_pairs(a), 1u << 31 | 1u << 1);
	use_policy(a, "port-groups\nport-group\nname: one\nport-guid: 0x31\n"
		      "end-port-group\nend-port-groups\n" LEVELS("") RULE("destination: one"));
	assert_int_equal(check_pairs(a), 1u << 31 | 1u << 1 | 1u << 5);
	use_policy(a, "qos-levels\nqos-level\nname: DEFAULT\nsl: 2\npkey: 0x1\n"
		      "end-qos-level\nend-qos-levels\n");
	assert_int_equal(check_pairs(a), 1u << 31 | 1u << 2);
}

static void it_sees_the_level_of_the_partition(void **state)
{
	struct asking *a = *state;

	use_partitions(a, "Default=0x7fff, sl=2: ALL=full;\nother=0x1, sl=3: ALL=full;\n");
	assert_int_equal(check_pairs(a), 1u << 2 | 1u << 3);
}

#define qos_test(function) cmocka_unit_test_setup_teardown(function, asking_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		qos_test(without_qos_all_is_on_level_0),
		qos_test(partitions_have_a_level),
		qos_test(a_policy_goes_before_partitions),
		qos_test(services_have_a_level),
		qos_test(classes_have_a_level),
		qos_test(ports_have_a_level),
		qos_test(a_level_bounds_paths),
		qos_test(a_level_chooses_the_key),
		qos_test(a_multi_path_has_a_level_too),
		qos_test(who_looks_from_inside_sees_the_same_level),
		qos_test(it_sees_the_level_of_the_partition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
