/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The grammar of opensm's QoS policy file, line by line. Blanks around a line mean nothing, nor
 * does what follows a #. A section begins with a line of its name and ends with one of "end-" and
 * its name; in it are sections, or lines "keyword: value". Lists are separated by commas, and
 * ranges are two numbers with a hyphen. qos-ulps has lines of its own kind: "who, what: service
 * level", which are rules, too, tried after those of qos-match-rules.
 *
 * Where opensm logs an error and goes on without a policy, this refuses the file with its line.
 * What is in qos-setup, and path-bits, mean nothing to opensm, and nothing here.
 */

#include "conf/qos-policy-reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"

#define DEFAULT_NAME "DEFAULT"

/* ---- qos-level --------------------------------------------------------------------------------
 */

static struct qos_level *last_level(const struct policy_reader *reader)
{
	return &reader->policy->levels[reader->policy->n_levels - 1];
}

int policy_begin_level(struct policy_reader *reader)
{
	struct qos_policy *policy = reader->policy;
	int r = policy_make_room(reader, &policy->levels, policy->n_levels, &policy->room_levels,
				 sizeof(*policy->levels));

	if (r < 0)
		return r;
	policy->levels[policy->n_levels++] = (struct qos_level){ .line = reader->line };

	return 0;
}

int policy_set_fallback(struct policy_reader *reader)
{
	struct qos_policy *policy = reader->policy;

	if (policy->has_fallback)
		return REFUSE(reader, "there is a default already, in line %u",
			      policy->levels[policy->fallback].line);
	policy->fallback = policy->n_levels - 1;
	policy->has_fallback = true;

	return 0;
}

static int end_level(struct policy_reader *reader)
{
	const struct qos_level *level = last_level(reader);

	if (!level->name)
		return REFUSE(reader, "this qos-level has no name");
	if (!(level->given & QOS_HAS_SL))
		return REFUSE(reader, "the qos-level \"%s\" has no sl", level->name);

	return strcmp(level->name, DEFAULT_NAME) ? 0 : policy_set_fallback(reader);
}

static bool find_level(const struct qos_policy *policy, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < policy->n_levels; i++) {
		if (!policy->levels[i].name || strcmp(policy->levels[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}

	return false;
}

static int take_level_name(struct policy_reader *reader, struct span value)
{
	const char *name;
	uint32_t other;
	int r = policy_take_name(reader, value, &name);

	if (r < 0)
		return r;
	if (last_level(reader)->name)
		return REFUSE(reader, "this qos-level has a name already");
	if (find_level(reader->policy, name, &other))
		return REFUSE(reader, "another qos-level is called \"%s\"", name);
	last_level(reader)->name = name;

	return 0;
}

static int give(struct policy_reader *reader, enum qos_given bit, const char *what)
{
	if (last_level(reader)->given & bit)
		return REFUSE(reader, "this qos-level has %s already", what);
	last_level(reader)->given |= (uint8_t)bit;

	return 0;
}

int policy_take_level_sl(struct policy_reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_SL, "an sl");

	return r < 0 ? r : policy_take_small(reader, value, 0, 15, &last_level(reader)->sl);
}

static int take_level_mtu(struct policy_reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_MTU, "an mtu-limit");

	return r < 0 ? r : policy_take_small(reader, value, 1, 5, &last_level(reader)->mtu);
}

static int take_level_rate(struct policy_reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_RATE, "a rate-limit");

	return r < 0 ? r : policy_take_small(reader, value, 2, 63, &last_level(reader)->rate);
}

static int take_level_life(struct policy_reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_LIFE, "a packet-life");

	return r < 0 ? r : policy_take_small(reader, value, 0, 63, &last_level(reader)->life);
}

/* Numbers, so that a slip is seen, that mean nothing. */
static int take_path_bits(struct policy_reader *reader, struct span value)
{
	const struct policy_number bits = { QOS_KIND_COUNT, UINT64_MAX, UINT64_MAX, 0 };
	uint32_t n = reader->policy->n_terms;
	struct qos_terms terms = { 0 };
	int r = policy_take_ranges(reader, value, &bits, &terms);

	reader->policy->n_terms = n;
	reader->policy->has_path_bits = true;

	return r;
}

static int take_level_pkeys(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &policy_pkeys, &last_level(reader)->pkeys);
}

/* ---- qos-match-rule ---------------------------------------------------------------------------
 */

/* Those of qos-match-rules go before those of qos-ulps, whichever section comes first. */
struct qos_rule *policy_last_rule(const struct policy_reader *reader)
{
	const struct qos_policy *policy = reader->policy;

	return &policy->rules[reader->section == IN_ULPS ? policy->n_rules - 1
							 : reader->n_of_rules - 1];
}

int policy_begin_rule(struct policy_reader *reader)
{
	struct qos_policy *policy = reader->policy;
	uint32_t at = reader->section == IN_ULPS ? policy->n_rules : reader->n_of_rules++;
	int r = policy_make_room(reader, &policy->rules, policy->n_rules, &policy->room_rules,
				 sizeof(*policy->rules));

	if (r < 0)
		return r;
	memmove(policy->rules + at + 1, policy->rules + at,
		(policy->n_rules - at) * sizeof(*policy->rules));
	policy->n_rules++;
	policy->rules[at] = (struct qos_rule){ .line = reader->line };

	return 0;
}

static int end_rule(struct policy_reader *reader)
{
	return policy_last_rule(reader)->level_name
		       ? 0
		       : REFUSE(reader, "this rule has no qos-level-name");
}

static int take_rule_level(struct policy_reader *reader, struct span value)
{
	if (policy_last_rule(reader)->level_name)
		return REFUSE(reader, "this rule has a qos-level-name already");

	return policy_take_name(reader, value, &policy_last_rule(reader)->level_name);
}

static const struct policy_number classes = { QOS_CLASS, 0xfff, 0xfff, 0 };
static const struct policy_number services = { QOS_SERVICE, UINT64_MAX, UINT64_MAX, 0 };

static int take_rule_classes(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &classes, &policy_last_rule(reader)->terms);
}

int policy_take_rule_services(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &services, &policy_last_rule(reader)->terms);
}

int policy_take_rule_pkeys(struct policy_reader *reader, struct span value)
{
	return policy_take_ranges(reader, value, &policy_pkeys, &policy_last_rule(reader)->terms);
}

static int take_group_term(struct policy_reader *reader, enum qos_kind kind, struct span item)
{
	struct qos_term term = { .kind = (uint8_t)kind };
	int r = policy_take_name(reader, item, &term.name);

	return r < 0 ? r : policy_add_term(reader, &policy_last_rule(reader)->terms, term);
}

static int take_source(struct policy_reader *reader, struct span item)
{
	return take_group_term(reader, QOS_SOURCE, item);
}

static int take_destination(struct policy_reader *reader, struct span item)
{
	return take_group_term(reader, QOS_DESTINATION, item);
}

static int take_sources(struct policy_reader *reader, struct span value)
{
	return policy_take_list(reader, value, take_source);
}

static int take_destinations(struct policy_reader *reader, struct span value)
{
	return policy_take_list(reader, value, take_destination);
}

/* ---- sections ---------------------------------------------------------------------------------
 */

static int begin_setup(struct policy_reader *reader)
{
	reader->policy->has_setup = true;

	return 0;
}

static const struct policy_keyword level_keywords[] = {
	{ "name", take_level_name },
	{ "use", policy_take_nothing },
	{ "sl", policy_take_level_sl },
	{ "mtu-limit", take_level_mtu },
	{ "rate-limit", take_level_rate },
	{ "packet-life", take_level_life },
	{ "path-bits", take_path_bits },
	{ "pkey", take_level_pkeys },
	{ NULL, NULL },
};

static const struct policy_keyword rule_keywords[] = {
	{ "use", policy_take_nothing },
	{ "qos-class", take_rule_classes },
	{ "service-id", policy_take_rule_services },
	{ "pkey", policy_take_rule_pkeys },
	{ "source", take_sources },
	{ "destination", take_destinations },
	{ "qos-level-name", take_rule_level },
	{ NULL, NULL },
};

static const struct {
	const char *name;
	enum section in;
	int (*begin)(struct policy_reader *reader); /* NULL: nothing to do */
	int (*end)(struct policy_reader *reader);
	const struct policy_keyword *keywords; /* NULL: it has none */
} sections[SECTION_COUNT] = {
	[IN_GROUPS] = { "port-groups", IN_FILE, NULL, NULL, NULL },
	[IN_GROUP] = { "port-group", IN_GROUPS, policy_begin_group, policy_end_group,
		       policy_group_keywords },
	[IN_SETUP] = { "qos-setup", IN_FILE, begin_setup, NULL, NULL },
	[IN_LEVELS] = { "qos-levels", IN_FILE, NULL, NULL, NULL },
	[IN_LEVEL] = { "qos-level", IN_LEVELS, policy_begin_level, end_level, level_keywords },
	[IN_RULES] = { "qos-match-rules", IN_FILE, NULL, NULL, NULL },
	[IN_RULE] = { "qos-match-rule", IN_RULES, policy_begin_rule, end_rule, rule_keywords },
	[IN_ULPS] = { "qos-ulps", IN_FILE, NULL, NULL, NULL },
};

static int begin_section(struct policy_reader *reader, enum section section)
{
	reader->section = section;
	reader->began = reader->line;

	return sections[section].begin ? sections[section].begin(reader) : 0;
}

static bool ends(const struct policy_reader *reader, struct span line)
{
	return reader->section != IN_FILE && line.length > 4 && !strncasecmp(line.at, "end-", 4) &&
	       policy_is_word((struct span){ line.at + 4, line.length - 4 },
			      sections[reader->section].name);
}

static int end_section(struct policy_reader *reader)
{
	enum section section = reader->section;
	int r = sections[section].end ? sections[section].end(reader) : 0;

	reader->section = sections[section].in;

	return r;
}

static int take_keyword(struct policy_reader *reader, struct span line)
{
	struct span value = line, keyword;
	bool has_value = span_cut(&value, ':', &keyword);
	const struct policy_keyword *k;

	for (k = sections[reader->section].keywords; has_value && k && k->name; k++)
		if (policy_is_word(keyword, k->name))
			return k->take(reader, span_trim(value));

	return REFUSE(reader, "\"%s\" is not understood %s%s", SHOW(has_value ? keyword : line),
		      reader->section == IN_FILE ? "outside of sections" : "in ",
		      reader->section == IN_FILE ? "" : sections[reader->section].name);
}

static int take_line(struct policy_reader *reader, struct span line)
{
	if (ends(reader, line))
		return end_section(reader);
	if (reader->section == IN_SETUP)
		return 0;
	for (enum section s = IN_FILE + 1; s < SECTION_COUNT; s++)
		if (sections[s].in == reader->section && policy_is_word(line, sections[s].name))
			return begin_section(reader, s);

	return reader->section == IN_ULPS ? policy_take_ulp_line(reader, line)
					  : take_keyword(reader, line);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int resolve_terms(struct policy_reader *reader, const struct qos_rule *rule)
{
	for (uint32_t i = 0; i < rule->terms.n; i++) {
		struct qos_term *term = &reader->policy->terms[rule->terms.first + i];
		uint32_t group;

		if (!term->name)
			continue;
		reader->line = term->line;
		if (!policy_find_group(reader->policy, term->name, &group))
			return REFUSE(reader, "there is no port-group \"%s\"", term->name);
		term->first = group;
	}

	return 0;
}

/* Names may come before what has them. */
static int resolve(struct policy_reader *reader)
{
	struct qos_policy *policy = reader->policy;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < policy->n_rules; i++) {
		struct qos_rule *rule = &policy->rules[i];

		r = resolve_terms(reader, rule);
		if (r < 0 || !rule->level_name)
			continue;
		reader->line = rule->line;
		if (!find_level(policy, rule->level_name, &rule->level))
			r = REFUSE(reader, "there is no qos-level \"%s\"", rule->level_name);
	}

	return r;
}

static int finish(struct policy_reader *reader)
{
	if (reader->section != IN_FILE) {
		reader->line = reader->began;
		return REFUSE(reader, "%s has no end-%s", sections[reader->section].name,
			      sections[reader->section].name);
	}
	if (!reader->policy->has_fallback) {
		reader->line = 0;
		return REFUSE(reader, "a default is missing: a qos-level " DEFAULT_NAME
				      ", or default in qos-ulps");
	}

	return resolve(reader);
}

static int take_lines(struct policy_reader *reader, struct span text)
{
	struct span line, comment;
	bool more;
	int r = 0;

	do {
		reader->line++;
		more = span_cut(&text, '\n', &line);
		comment = line;
		span_cut(&comment, '#', &line);
		if (line.length > 0)
			r = take_line(reader, line);
	} while (r == 0 && more);

	return r < 0 ? r : finish(reader);
}

int qos_policy_parse(const char *text, size_t length, const char *name, struct qos_policy **ret,
		     struct conf_error *reterr)
{
	AUTO(qos_policy_freep) struct qos_policy *policy = calloc(1, sizeof(*policy));
	struct policy_reader reader = { .policy = policy, .file = name, .reterr = reterr };
	int r;

	if (!policy)
		return policy_out_of_memory(&reader);
	policy->text = malloc(length + 1);
	if (!policy->text)
		return policy_out_of_memory(&reader);
	if (length > 0)
		memcpy(policy->text, text, length);
	policy->text[length] = 0;
	r = take_lines(&reader, (struct span){ policy->text, length });
	if (r < 0)
		return r;
	*ret = TAKE(policy);

	return 0;
}
