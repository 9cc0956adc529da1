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
 *
 * Names point into a copy of the file, in which each is ended by a 0.
 */

#include "conf/qos-policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "base/macros.h"
#include "conf/input.h"
#include "conf/span.h"

#define FIRST_ROOM   16
#define DEFAULT_NAME "DEFAULT"
#define SHOW(span)   input_show((span).at, (span).length, (char[INPUT_SHOWN_SIZE]){ 0 })

/* Service IDs of who talks TCP or UDP ports, IBA annexes A4 and A12; opensm's document 6.2 to 6.4.
 */
enum {
	SDP_BASE = 0x10000,
	RDS_BASE = 0x1060000,
	RDS_PORT = 0x48ca,
	ISER_PORT = 0x0cbc,
};

enum section {
	IN_FILE,
	IN_GROUPS,
	IN_GROUP,
	IN_SETUP,
	IN_LEVELS,
	IN_LEVEL,
	IN_RULES,
	IN_RULE,
	IN_ULPS,
	SECTION_COUNT,
};

struct reader {
	struct qos_policy *policy;
	const char *file;
	unsigned line;
	enum section section;
	unsigned began;      /* the line that the section began with */
	uint32_t n_of_rules; /* so many rules come before those of qos-ulps */
	struct conf_error *reterr;
};

#define REFUSE(reader, ...)                                                                        \
	input_complain((reader)->reterr, -EINVAL, (reader)->file, (reader)->line, __VA_ARGS__)

static int out_of_memory(const struct reader *reader)
{
	return input_complain(reader->reterr, -ENOMEM, reader->file, 0, "out of memory");
}

/* ---- words and numbers ------------------------------------------------------------------------
 */

static bool is_word(struct span span, const char *word)
{
	return span.length == strlen(word) && !strncasecmp(span.at, word, span.length);
}

/* The file's copy is ours to write to, and behind a name there is a separator or the end. */
static int take_name(const struct reader *reader, struct span span, const char **ret)
{
	if (span.length == 0)
		return REFUSE(reader, "a name is missing");
	if (span.length > QOS_POLICY_NAME_MAX)
		return REFUSE(reader, "the name \"%s\" is longer than %d characters", SHOW(span),
			      QOS_POLICY_NAME_MAX);
	for (size_t i = 0; i < span.length; i++)
		if (span.at[i] < ' ' || span.at[i] > '~')
			return REFUSE(reader, "the name \"%s\" is not all printable ASCII",
				      SHOW(span));
	reader->policy->text[span.at - reader->policy->text + (ptrdiff_t)span.length] = 0;
	*ret = span.at;

	return 0;
}

static int take_number(const struct reader *reader, struct span span, uint64_t most, uint64_t *ret)
{
	int r = input_parse_number(span.at, span.length, most, ret);

	if (r == -ERANGE)
		return REFUSE(reader, "%s is more than 0x%llx", SHOW(span),
			      (unsigned long long)most);

	return r < 0 ? REFUSE(reader, "\"%s\" is not a number", SHOW(span)) : 0;
}

static int take_small(const struct reader *reader, struct span span, unsigned least, unsigned most,
		      uint8_t *ret)
{
	uint64_t number;
	int r = take_number(reader, span, most, &number);

	if (r < 0)
		return r;
	if (number < least)
		return REFUSE(reader, "%s is less than %u", SHOW(span), least);
	*ret = (uint8_t)number;

	return 0;
}

/* Room for one more group, level or rule. */
static int make_room(const struct reader *reader, void *array, uint32_t n, uint32_t *room,
		     size_t size)
{
	if (n == QOS_POLICY_MAX)
		return REFUSE(reader, "more than %u groups, levels or rules", QOS_POLICY_MAX);

	return array_make_room(array, n, room, FIRST_ROOM, size) < 0 ? out_of_memory(reader) : 0;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

/* The next of what is being read: its terms follow each other. */
static int add_term(struct reader *reader, struct qos_terms *terms, struct qos_term term)
{
	struct qos_policy *policy = reader->policy;

	if (policy->n_terms == QOS_POLICY_TERMS_MAX)
		return REFUSE(reader, "more than %u conditions", QOS_POLICY_TERMS_MAX);
	if (array_make_room(&policy->terms, policy->n_terms, &policy->room_terms, FIRST_ROOM,
			    sizeof(*policy->terms)) < 0)
		return out_of_memory(reader);
	if (terms->n++ == 0)
		terms->first = policy->n_terms;
	term.line = reader->line;
	policy->terms[policy->n_terms++] = term;

	return 0;
}

/* What numbers of a kind are. */
struct number {
	enum qos_kind kind;
	uint64_t most;
	uint64_t mask; /* what counts of them */
	uint64_t base; /* is added */
};

static int take_range(struct reader *reader, struct span span, const struct number *number,
		      struct qos_terms *terms)
{
	struct qos_term term = { .kind = (uint8_t)number->kind };
	struct span last = span, first;
	bool is_range = span_cut(&last, '-', &first);
	int r = take_number(reader, first, number->most, &term.first);

	if (r == 0)
		r = take_number(reader, is_range ? span_trim(last) : first, number->most,
				&term.last);
	if (r < 0)
		return r;
	term.first = (term.first & number->mask) + number->base;
	term.last = (term.last & number->mask) + number->base;
	if (term.first > term.last)
		return REFUSE(reader, "\"%s\" ends before it begins", SHOW(span));

	return add_term(reader, terms, term);
}

static int take_ranges(struct reader *reader, struct span value, const struct number *number,
		       struct qos_terms *terms)
{
	struct span item;
	bool more;
	int r;

	do {
		more = span_cut(&value, ',', &item);
		r = take_range(reader, item, number, terms);
	} while (r == 0 && more);

	return r;
}

static const struct number guids = { QOS_GUID, UINT64_MAX, UINT64_MAX, 0 };
static const struct number pkeys = { QOS_PKEY, 0xffff, 0x7fff, 0 };
static const struct number classes = { QOS_CLASS, 0xfff, 0xfff, 0 };
static const struct number services = { QOS_SERVICE, UINT64_MAX, UINT64_MAX, 0 };

/* ---- port-group -------------------------------------------------------------------------------
 */

static struct qos_group *last_group(const struct reader *reader)
{
	return &reader->policy->groups[reader->policy->n_groups - 1];
}

static int begin_group(struct reader *reader)
{
	struct qos_policy *policy = reader->policy;
	int r = make_room(reader, &policy->groups, policy->n_groups, &policy->room_groups,
			  sizeof(*policy->groups));

	if (r < 0)
		return r;
	policy->groups[policy->n_groups++] = (struct qos_group){ 0 };

	return 0;
}

static int end_group(struct reader *reader)
{
	return last_group(reader)->name ? 0 : REFUSE(reader, "this port-group has no name");
}

static bool find_group(const struct qos_policy *policy, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < policy->n_groups; i++) {
		if (!policy->groups[i].name || strcmp(policy->groups[i].name, name) != 0)
			continue;
		*ret = i;
		return true;
	}

	return false;
}

static int take_group_name(struct reader *reader, struct span value)
{
	const char *name;
	uint32_t other;
	int r = take_name(reader, value, &name);

	if (r < 0)
		return r;
	if (last_group(reader)->name)
		return REFUSE(reader, "this port-group has a name already");
	if (find_group(reader->policy, name, &other))
		return REFUSE(reader, "another port-group is called \"%s\"", name);
	last_group(reader)->name = name;

	return 0;
}

static int take_group_guids(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &guids, &last_group(reader)->terms);
}

static int take_group_pkeys(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &pkeys, &last_group(reader)->terms);
}

/* Call @take for each of a list. */
static int take_list(struct reader *reader, struct span value,
		     int (*take)(struct reader *reader, struct span item))
{
	struct span item;
	bool more;
	int r;

	do {
		more = span_cut(&value, ',', &item);
		r = take(reader, item);
	} while (r == 0 && more);

	return r;
}

/* "description/P1": a description may have a slash itself. */
static int take_port_name(struct reader *reader, struct span item)
{
	struct qos_term term = { .kind = QOS_PORT_NAME };
	size_t slash = item.length;
	int r;

	while (slash > 0 && item.at[slash - 1] != '/')
		slash--;
	if (slash < 2 || slash == item.length || (item.at[slash] | 0x20) != 'p')
		return REFUSE(reader, "\"%s\" is not a NodeDescription, /P and a port number",
			      SHOW(item));
	r = take_small(reader, (struct span){ item.at + slash + 1, item.length - slash - 1 }, 0,
		       254, &term.port);
	if (r == 0)
		r = take_name(reader, (struct span){ item.at, slash - 1 }, &term.name);

	return r < 0 ? r : add_term(reader, &last_group(reader)->terms, term);
}

static int take_port_names(struct reader *reader, struct span value)
{
	return take_list(reader, value, take_port_name);
}

static int take_partition(struct reader *reader, struct span item)
{
	struct qos_term term = { .kind = QOS_PARTITION };
	int r = take_name(reader, item, &term.name);

	return r < 0 ? r : add_term(reader, &last_group(reader)->terms, term);
}

static int take_partitions(struct reader *reader, struct span value)
{
	return take_list(reader, value, take_partition);
}

static int take_node_type(struct reader *reader, struct span item)
{
	static const struct {
		const char *word;
		unsigned nodes;
	} types[] = {
		{ "CA", QOS_CA },         { "SWITCH", QOS_SWITCH },
		{ "ROUTER", QOS_ROUTER }, { "ALL", QOS_CA | QOS_SWITCH | QOS_ROUTER },
		{ "SELF", QOS_SELF },
	};

	for (unsigned i = 0; i < COUNT(types); i++)
		if (is_word(item, types[i].word))
			return add_term(
				reader, &last_group(reader)->terms,
				(struct qos_term){ .kind = QOS_NODE, .first = types[i].nodes });

	return REFUSE(reader, "\"%s\" is not CA, SWITCH, ROUTER, ALL or SELF", SHOW(item));
}

static int take_node_types(struct reader *reader, struct span value)
{
	return take_list(reader, value, take_node_type);
}

/* ---- qos-level --------------------------------------------------------------------------------
 */

static struct qos_level *last_level(const struct reader *reader)
{
	return &reader->policy->levels[reader->policy->n_levels - 1];
}

static int begin_level(struct reader *reader)
{
	struct qos_policy *policy = reader->policy;
	int r = make_room(reader, &policy->levels, policy->n_levels, &policy->room_levels,
			  sizeof(*policy->levels));

	if (r < 0)
		return r;
	policy->levels[policy->n_levels++] = (struct qos_level){ .line = reader->line };

	return 0;
}

static int set_fallback(struct reader *reader)
{
	struct qos_policy *policy = reader->policy;

	if (policy->has_fallback)
		return REFUSE(reader, "there is a default already, in line %u",
			      policy->levels[policy->fallback].line);
	policy->fallback = policy->n_levels - 1;
	policy->has_fallback = true;

	return 0;
}

static int end_level(struct reader *reader)
{
	const struct qos_level *level = last_level(reader);

	if (!level->name)
		return REFUSE(reader, "this qos-level has no name");
	if (!(level->given & QOS_HAS_SL))
		return REFUSE(reader, "the qos-level \"%s\" has no sl", level->name);

	return strcmp(level->name, DEFAULT_NAME) ? 0 : set_fallback(reader);
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

static int take_level_name(struct reader *reader, struct span value)
{
	const char *name;
	uint32_t other;
	int r = take_name(reader, value, &name);

	if (r < 0)
		return r;
	if (last_level(reader)->name)
		return REFUSE(reader, "this qos-level has a name already");
	if (find_level(reader->policy, name, &other))
		return REFUSE(reader, "another qos-level is called \"%s\"", name);
	last_level(reader)->name = name;

	return 0;
}

static int give(struct reader *reader, enum qos_given bit, const char *what)
{
	if (last_level(reader)->given & bit)
		return REFUSE(reader, "this qos-level has %s already", what);
	last_level(reader)->given |= (uint8_t)bit;

	return 0;
}

static int take_level_sl(struct reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_SL, "an sl");

	return r < 0 ? r : take_small(reader, value, 0, 15, &last_level(reader)->sl);
}

static int take_level_mtu(struct reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_MTU, "an mtu-limit");

	return r < 0 ? r : take_small(reader, value, 1, 5, &last_level(reader)->mtu);
}

static int take_level_rate(struct reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_RATE, "a rate-limit");

	return r < 0 ? r : take_small(reader, value, 2, 63, &last_level(reader)->rate);
}

static int take_level_life(struct reader *reader, struct span value)
{
	int r = give(reader, QOS_HAS_LIFE, "a packet-life");

	return r < 0 ? r : take_small(reader, value, 0, 63, &last_level(reader)->life);
}

/* Numbers, so that a slip is seen, that mean nothing. */
static int take_path_bits(struct reader *reader, struct span value)
{
	const struct number bits = { QOS_KIND_COUNT, UINT64_MAX, UINT64_MAX, 0 };
	uint32_t n = reader->policy->n_terms;
	struct qos_terms terms = { 0 };
	int r = take_ranges(reader, value, &bits, &terms);

	reader->policy->n_terms = n;
	reader->policy->has_path_bits = true;

	return r;
}

static int take_level_pkeys(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &pkeys, &last_level(reader)->pkeys);
}

/* ---- qos-match-rule ---------------------------------------------------------------------------
 */

/* Those of qos-match-rules go before those of qos-ulps, whichever section comes first. */
static struct qos_rule *last_rule(const struct reader *reader)
{
	const struct qos_policy *policy = reader->policy;

	return &policy->rules[reader->section == IN_ULPS ? policy->n_rules - 1
							 : reader->n_of_rules - 1];
}

static int begin_rule(struct reader *reader)
{
	struct qos_policy *policy = reader->policy;
	uint32_t at = reader->section == IN_ULPS ? policy->n_rules : reader->n_of_rules++;
	int r = make_room(reader, &policy->rules, policy->n_rules, &policy->room_rules,
			  sizeof(*policy->rules));

	if (r < 0)
		return r;
	memmove(policy->rules + at + 1, policy->rules + at,
		(policy->n_rules - at) * sizeof(*policy->rules));
	policy->n_rules++;
	policy->rules[at] = (struct qos_rule){ .line = reader->line };

	return 0;
}

static int end_rule(struct reader *reader)
{
	return last_rule(reader)->level_name ? 0
					     : REFUSE(reader, "this rule has no qos-level-name");
}

static int take_rule_level(struct reader *reader, struct span value)
{
	if (last_rule(reader)->level_name)
		return REFUSE(reader, "this rule has a qos-level-name already");

	return take_name(reader, value, &last_rule(reader)->level_name);
}

static int take_rule_classes(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &classes, &last_rule(reader)->terms);
}

static int take_rule_services(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &services, &last_rule(reader)->terms);
}

static int take_rule_pkeys(struct reader *reader, struct span value)
{
	return take_ranges(reader, value, &pkeys, &last_rule(reader)->terms);
}

static int take_group_term(struct reader *reader, enum qos_kind kind, struct span item)
{
	struct qos_term term = { .kind = (uint8_t)kind };
	int r = take_name(reader, item, &term.name);

	return r < 0 ? r : add_term(reader, &last_rule(reader)->terms, term);
}

static int take_source(struct reader *reader, struct span item)
{
	return take_group_term(reader, QOS_SOURCE, item);
}

static int take_destination(struct reader *reader, struct span item)
{
	return take_group_term(reader, QOS_DESTINATION, item);
}

static int take_sources(struct reader *reader, struct span value)
{
	return take_list(reader, value, take_source);
}

static int take_destinations(struct reader *reader, struct span value)
{
	return take_list(reader, value, take_destination);
}

/* ---- qos-ulps ---------------------------------------------------------------------------------
 */

/* A group of its own for the GUIDs of a line. */
static int take_ulp_guids(struct reader *reader, enum qos_kind kind, struct span value)
{
	struct qos_term term = { .kind = (uint8_t)kind, .first = reader->policy->n_groups };
	int r = begin_group(reader);

	if (r == 0)
		r = take_ranges(reader, value, &guids, &last_group(reader)->terms);

	return r < 0 ? r : add_term(reader, &last_rule(reader)->terms, term);
}

static int take_ports(struct reader *reader, unsigned base, struct span value)
{
	const struct number ports = { QOS_SERVICE, 0xffff, 0xffff, base };

	return take_ranges(reader, value, &ports, &last_rule(reader)->terms);
}

static int add_service(struct reader *reader, unsigned first, unsigned last)
{
	return add_term(reader, &last_rule(reader)->terms,
			(struct qos_term){ .kind = QOS_SERVICE, .first = first, .last = last });
}

/* @base: of its service IDs; @first to @last of a line without port numbers. */
static int take_tcp(struct reader *reader, struct span what, struct span value, unsigned base,
		    unsigned first, unsigned last)
{
	if (what.length == 0)
		return add_service(reader, base + first, base + last);
	if (is_word(what, "port-num"))
		return take_ports(reader, base, value);

	return REFUSE(reader, "\"%s\" is not port-num", SHOW(what));
}

static int take_any(struct reader *reader, struct span what, struct span value)
{
	if (is_word(what, "service-id"))
		return take_rule_services(reader, value);
	if (is_word(what, "pkey"))
		return take_rule_pkeys(reader, value);
	if (is_word(what, "target-port-guid"))
		return take_ulp_guids(reader, QOS_DESTINATION, value);
	if (is_word(what, "source-port-guid"))
		return take_ulp_guids(reader, QOS_SOURCE, value);

	return REFUSE(reader,
		      "\"%s\" is not service-id, pkey, target-port-guid or source-port-guid",
		      SHOW(what));
}

static int take_ipoib(struct reader *reader, struct span what, struct span value)
{
	if (what.length == 0)
		return add_term(
			reader, &last_rule(reader)->terms,
			(struct qos_term){ .kind = QOS_PKEY, .first = 0x7fff, .last = 0x7fff });
	if (is_word(what, "pkey"))
		return take_rule_pkeys(reader, value);

	return REFUSE(reader, "\"%s\" is not pkey", SHOW(what));
}

static int take_srp(struct reader *reader, struct span what, struct span value)
{
	if (is_word(what, "target-port-guid"))
		return take_ulp_guids(reader, QOS_DESTINATION, value);

	return REFUSE(reader, "srp needs a target-port-guid");
}

static int take_ulp(struct reader *reader, struct span who, struct span what, struct span value)
{
	if (is_word(who, "sdp"))
		return take_tcp(reader, what, value, SDP_BASE, 0, 0xffff);
	if (is_word(who, "rds"))
		return take_tcp(reader, what, value, RDS_BASE, RDS_PORT, RDS_PORT);
	if (is_word(who, "iser"))
		return take_tcp(reader, what, value, RDS_BASE, ISER_PORT, ISER_PORT);
	if (is_word(who, "ipoib"))
		return take_ipoib(reader, what, value);
	if (is_word(who, "srp"))
		return take_srp(reader, what, value);
	if (is_word(who, "any"))
		return take_any(reader, what, value);

	return REFUSE(reader, "\"%s\" is not default, sdp, rds, iser, ipoib, srp or any",
		      SHOW(who));
}

/* A level of its own for the service level of a line. */
static int take_ulp_level(struct reader *reader, struct span value)
{
	int r = begin_level(reader);

	return r < 0 ? r : take_level_sl(reader, value);
}

/* "who[, what numbers]: service level" */
static int take_ulp_line(struct reader *reader, struct span line)
{
	struct span rest = line, head, who, what;
	uint32_t level = reader->policy->n_levels;
	size_t n = 0;
	int r;

	if (!span_cut(&rest, ':', &head))
		return REFUSE(reader, "\"%s\" has no ':' and service level", SHOW(line));
	r = take_ulp_level(reader, span_trim(rest));
	if (r < 0)
		return r;
	if (is_word(head, "default"))
		return set_fallback(reader);
	if (!span_cut(&head, ',', &who))
		head.length = 0;
	head = span_trim(head);
	while (n < head.length && !span_blank(head.at[n]))
		n++;
	what = (struct span){ head.at, n };
	r = begin_rule(reader);
	if (r < 0)
		return r;
	last_rule(reader)->level = level;

	return take_ulp(reader, who, what,
			span_trim((struct span){ head.at + n, head.length - n }));
}

/* ---- sections ---------------------------------------------------------------------------------
 */

static int take_nothing(struct reader *reader, struct span value)
{
	(void)reader;
	(void)value;

	return 0;
}

static int begin_setup(struct reader *reader)
{
	reader->policy->has_setup = true;

	return 0;
}

static const struct {
	const char *name;
	enum section in;
	int (*begin)(struct reader *reader); /* NULL: nothing to do */
	int (*end)(struct reader *reader);
} sections[SECTION_COUNT] = {
	[IN_GROUPS] = { "port-groups", IN_FILE, NULL, NULL },
	[IN_GROUP] = { "port-group", IN_GROUPS, begin_group, end_group },
	[IN_SETUP] = { "qos-setup", IN_FILE, begin_setup, NULL },
	[IN_LEVELS] = { "qos-levels", IN_FILE, NULL, NULL },
	[IN_LEVEL] = { "qos-level", IN_LEVELS, begin_level, end_level },
	[IN_RULES] = { "qos-match-rules", IN_FILE, NULL, NULL },
	[IN_RULE] = { "qos-match-rule", IN_RULES, begin_rule, end_rule },
	[IN_ULPS] = { "qos-ulps", IN_FILE, NULL, NULL },
};

static const struct {
	enum section in;
	const char *name;
	int (*take)(struct reader *reader, struct span value);
} keywords[] = {
	{ IN_GROUP, "name", take_group_name },
	{ IN_GROUP, "use", take_nothing },
	{ IN_GROUP, "port-guid", take_group_guids },
	{ IN_GROUP, "port-name", take_port_names },
	{ IN_GROUP, "pkey", take_group_pkeys },
	{ IN_GROUP, "partition", take_partitions },
	{ IN_GROUP, "node-type", take_node_types },
	{ IN_LEVEL, "name", take_level_name },
	{ IN_LEVEL, "use", take_nothing },
	{ IN_LEVEL, "sl", take_level_sl },
	{ IN_LEVEL, "mtu-limit", take_level_mtu },
	{ IN_LEVEL, "rate-limit", take_level_rate },
	{ IN_LEVEL, "packet-life", take_level_life },
	{ IN_LEVEL, "path-bits", take_path_bits },
	{ IN_LEVEL, "pkey", take_level_pkeys },
	{ IN_RULE, "use", take_nothing },
	{ IN_RULE, "qos-class", take_rule_classes },
	{ IN_RULE, "service-id", take_rule_services },
	{ IN_RULE, "pkey", take_rule_pkeys },
	{ IN_RULE, "source", take_sources },
	{ IN_RULE, "destination", take_destinations },
	{ IN_RULE, "qos-level-name", take_rule_level },
};

static int begin_section(struct reader *reader, enum section section)
{
	reader->section = section;
	reader->began = reader->line;

	return sections[section].begin ? sections[section].begin(reader) : 0;
}

static bool ends(const struct reader *reader, struct span line)
{
	return reader->section != IN_FILE && line.length > 4 && !strncasecmp(line.at, "end-", 4) &&
	       is_word((struct span){ line.at + 4, line.length - 4 },
		       sections[reader->section].name);
}

static int end_section(struct reader *reader)
{
	enum section section = reader->section;
	int r = sections[section].end ? sections[section].end(reader) : 0;

	reader->section = sections[section].in;

	return r;
}

static int take_keyword(struct reader *reader, struct span line)
{
	struct span value = line, keyword;
	bool has_value = span_cut(&value, ':', &keyword);

	for (unsigned i = 0; has_value && i < COUNT(keywords); i++)
		if (keywords[i].in == reader->section && is_word(keyword, keywords[i].name))
			return keywords[i].take(reader, span_trim(value));

	return REFUSE(reader, "\"%s\" is not understood %s%s", SHOW(has_value ? keyword : line),
		      reader->section == IN_FILE ? "outside of sections" : "in ",
		      reader->section == IN_FILE ? "" : sections[reader->section].name);
}

static int take_line(struct reader *reader, struct span line)
{
	if (ends(reader, line))
		return end_section(reader);
	if (reader->section == IN_SETUP)
		return 0;
	for (enum section s = IN_FILE + 1; s < SECTION_COUNT; s++)
		if (sections[s].in == reader->section && is_word(line, sections[s].name))
			return begin_section(reader, s);

	return reader->section == IN_ULPS ? take_ulp_line(reader, line)
					  : take_keyword(reader, line);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static int resolve_terms(struct reader *reader, const struct qos_rule *rule)
{
	for (uint32_t i = 0; i < rule->terms.n; i++) {
		struct qos_term *term = &reader->policy->terms[rule->terms.first + i];
		uint32_t group;

		if (!term->name)
			continue;
		reader->line = term->line;
		if (!find_group(reader->policy, term->name, &group))
			return REFUSE(reader, "there is no port-group \"%s\"", term->name);
		term->first = group;
	}

	return 0;
}

/* Names may come before what has them. */
static int resolve(struct reader *reader)
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

static int finish(struct reader *reader)
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

static int take_lines(struct reader *reader, struct span text)
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
	struct reader reader = { .policy = policy, .file = name, .reterr = reterr };
	int r;

	if (!policy)
		return out_of_memory(&reader);
	policy->text = malloc(length + 1);
	if (!policy->text)
		return out_of_memory(&reader);
	if (length > 0)
		memcpy(policy->text, text, length);
	policy->text[length] = 0;
	r = take_lines(&reader, (struct span){ policy->text, length });
	if (r < 0)
		return r;
	*ret = TAKE(policy);

	return 0;
}
