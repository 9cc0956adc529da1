/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Any bytes as a QoS policy file: refused with a line of the file and a sentence; or taken, and
 * then all that conf/qos-policy.h promises is in range, and any question has an answer.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "conf/qos-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_refusal(const uint8_t *data, size_t size, const struct qos_policy *policy,
			  const struct conf_error *error)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	demand(!policy && error->line <= lines && strlen(error->text) > 10);
	for (const char *c = error->text; *c; c++)
		demand(*c >= ' ' && *c <= '~');
}

static void check_terms(const struct qos_policy *policy, const struct qos_terms *terms)
{
	demand(terms->n == 0 || terms->first + terms->n <= policy->n_terms);
	for (uint32_t i = 0; i < terms->n; i++) {
		const struct qos_term *term = &policy->terms[terms->first + i];

		demand(term->kind < QOS_KIND_COUNT);
		if (term->kind == QOS_SOURCE || term->kind == QOS_DESTINATION)
			demand(term->first < policy->n_groups);
		else if (term->name)
			demand(*term->name && strlen(term->name) <= QOS_POLICY_NAME_MAX);
		else if (term->kind != QOS_NODE)
			demand(term->first <= term->last);
	}
}

static void check(const struct qos_policy *policy)
{
	demand(policy->has_fallback && policy->fallback < policy->n_levels);
	demand(MAX(MAX(policy->n_groups, policy->n_levels), policy->n_rules) <= QOS_POLICY_MAX);
	for (uint32_t i = 0; i < policy->n_groups; i++)
		check_terms(policy, &policy->groups[i].terms);
	for (uint32_t i = 0; i < policy->n_levels; i++) {
		demand(policy->levels[i].given & QOS_HAS_SL && policy->levels[i].sl < 16);
		check_terms(policy, &policy->levels[i].pkeys);
	}
	for (uint32_t i = 0; i < policy->n_rules; i++) {
		demand(policy->rules[i].level < policy->n_levels);
		check_terms(policy, &policy->rules[i].terms);
	}
}

static bool has_key(const void *user, uint16_t first, uint16_t last)
{
	const uint16_t *key = user;

	return *key >= first && *key <= last;
}

static uint16_t partition(const void *user, const char *name)
{
	(void)user;
	return (uint16_t)strlen(name);
}

static void ask(const struct qos_policy *policy, const uint8_t *data, size_t size)
{
	uint16_t key = (uint16_t)(size > 1 ? data[0] << 7 | data[1] : 0x7fff);
	struct qos_end end = {
		.guid = size,
		.nodes = QOS_CA,
		.description = "a",
		.port = 1,
		.has_key = has_key,
		.user = &key,
	};
	struct qos_question question = {
		.has_class = size & 1,
		.has_service = size & 2,
		.has_pkey = size & 4,
		.qos_class = size & 0xfff,
		.pkey = key,
		.service = size,
		.from = &end,
		.to = &end,
		.partition = partition,
	};
	const struct qos_level *level = qos_policy_find(policy, &question);

	demand(level >= policy->levels && level < policy->levels + policy->n_levels);
	qos_level_allows(policy, level, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(qos_policy_freep) struct qos_policy *policy = NULL;
	struct conf_error error = { 0 };

	if (qos_policy_parse((const char *)data, size, "qos-policy.conf", &policy, &error) < 0) {
		check_refusal(data, size, policy, &error);
		return 0;
	}
	check(policy);
	ask(policy, data, size);

	return 0;
}
