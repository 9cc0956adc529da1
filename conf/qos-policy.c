/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which level a question gets: the first rule that fits it, else the default level. Who is in a
 * group is asked of the caller each time, because ports come and go and partitions change without
 * the file being read again.
 */

#include "conf/qos-policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "conf/input.h"

#define KEY_BASE_MASK 0x7fffu

int qos_policy_load(const char *path, struct qos_policy **ret, struct conf_error *reterr)
{
	AUTO(freep) char *text = NULL;
	size_t length = 0;
	int r = input_read_file(path, QOS_POLICY_FILE_MAX, &text, &length, reterr);

	return r < 0 ? r : qos_policy_parse(text, length, path, ret, reterr);
}

void qos_policy_free(struct qos_policy *policy)
{
	if (!policy)
		return;
	free(policy->terms);
	free(policy->groups);
	free(policy->levels);
	free(policy->rules);
	free(policy->text);
	free(policy);
}

void qos_policy_freep(struct qos_policy **policy)
{
	qos_policy_free(*policy);
}

static bool is_in_range(const struct qos_term *term, uint64_t number)
{
	return number >= term->first && number <= term->last;
}

/* ---- groups -----------------------------------------------------------------------------------
 */

static bool has_partition(const struct qos_question *question, const struct qos_end *end,
			  const char *name)
{
	uint16_t pkey = question->partition ? question->partition(question->user, name) : 0;

	return pkey && end->has_key(end->user, pkey, pkey);
}

static bool term_has_end(const struct qos_question *question, const struct qos_term *term,
			 const struct qos_end *end)
{
	switch ((enum qos_kind)term->kind) {
	case QOS_GUID:
		return is_in_range(term, end->guid);
	case QOS_PORT_NAME:
		return end->port == term->port && !strcmp(end->description, term->name);
	case QOS_PKEY:
		return end->has_key(end->user, (uint16_t)term->first, (uint16_t)term->last);
	case QOS_PARTITION:
		return has_partition(question, end, term->name);
	case QOS_NODE:
		return end->nodes & term->first;
	case QOS_CLASS:
	case QOS_SERVICE:
	case QOS_SOURCE:
	case QOS_DESTINATION:
	case QOS_KIND_COUNT:
		break;
	}

	return false;
}

static bool is_in_group(const struct qos_policy *policy, const struct qos_question *question,
			uint64_t group, const struct qos_end *end)
{
	const struct qos_terms *terms = &policy->groups[group].terms;

	for (uint32_t i = 0; i < terms->n; i++)
		if (term_has_end(question, &policy->terms[terms->first + i], end))
			return true;

	return false;
}

/* ---- rules ------------------------------------------------------------------------------------
 */

static bool term_fits(const struct qos_policy *policy, const struct qos_question *question,
		      const struct qos_term *term)
{
	switch ((enum qos_kind)term->kind) {
	case QOS_CLASS:
		return question->has_class && is_in_range(term, question->qos_class);
	case QOS_SERVICE:
		return question->has_service && is_in_range(term, question->service);
	case QOS_PKEY:
		return question->has_pkey && is_in_range(term, question->pkey & KEY_BASE_MASK);
	case QOS_SOURCE:
		return is_in_group(policy, question, term->first, question->from);
	case QOS_DESTINATION:
		return is_in_group(policy, question, term->first, question->to);
	case QOS_GUID:
	case QOS_PORT_NAME:
	case QOS_PARTITION:
	case QOS_NODE:
	case QOS_KIND_COUNT:
		break;
	}

	return false;
}

static bool rule_fits(const struct qos_policy *policy, const struct qos_question *question,
		      const struct qos_rule *rule)
{
	unsigned asked = 0, met = 0;

	for (uint32_t i = 0; i < rule->terms.n; i++) {
		const struct qos_term *term = &policy->terms[rule->terms.first + i];
		unsigned bit = 1u << term->kind;

		asked |= bit;
		if (!(met & bit) && term_fits(policy, question, term))
			met |= bit;
	}

	return met == asked;
}

const struct qos_level *qos_policy_find(const struct qos_policy *policy,
					const struct qos_question *question)
{
	for (uint32_t i = 0; i < policy->n_rules; i++)
		if (rule_fits(policy, question, &policy->rules[i]))
			return &policy->levels[policy->rules[i].level];

	return &policy->levels[policy->fallback];
}

bool qos_level_allows(const struct qos_policy *policy, const struct qos_level *level, uint16_t pkey)
{
	for (uint32_t i = 0; i < level->pkeys.n; i++)
		if (is_in_range(&policy->terms[level->pkeys.first + i], pkey & KEY_BASE_MASK))
			return true;

	return level->pkeys.n == 0;
}
