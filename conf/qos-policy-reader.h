/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the files of the parser of QoS policies share. Results are 0 or -errno; on failure the
 * reader's error has the sentence.
 */

#include "conf/input.h"
#include "conf/qos-policy.h"
#include "conf/span.h"

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

struct policy_reader {
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

#define SHOW(span) input_show((span).at, (span).length, (char[INPUT_SHOWN_SIZE]){ 0 })

struct policy_keyword {
	const char *name; /* NULL: the end of a table */
	int (*take)(struct policy_reader *reader, struct span value);
};

/* -- qos-policy-words.c ------------------------------------------------------------------------
 */

/* What numbers of a kind are. */
struct policy_number {
	enum qos_kind kind;
	uint64_t most;
	uint64_t mask; /* what counts of them */
	uint64_t base; /* is added */
};

extern const struct policy_number policy_guids;
extern const struct policy_number policy_pkeys;

int policy_out_of_memory(const struct policy_reader *reader);
bool policy_is_word(struct span span, const char *word);
/* The file's copy is ours to write to, and behind a name there is a separator or the end. */
int policy_take_name(const struct policy_reader *reader, struct span span, const char **ret);
int policy_take_small(const struct policy_reader *reader, struct span span, unsigned least,
		      unsigned most, uint8_t *ret);
/* Room for one more group, level or rule. */
int policy_make_room(const struct policy_reader *reader, void *array, uint32_t n, uint32_t *room,
		     size_t size);
/* The next of what is being read: its terms follow each other. */
int policy_add_term(struct policy_reader *reader, struct qos_terms *terms, struct qos_term term);
int policy_take_ranges(struct policy_reader *reader, struct span value,
		       const struct policy_number *number, struct qos_terms *terms);
/* Call @take for each of a list. */
int policy_take_list(struct policy_reader *reader, struct span value,
		     int (*take)(struct policy_reader *reader, struct span item));
/* What is for people. */
int policy_take_nothing(struct policy_reader *reader, struct span value);

/* -- qos-policy-groups.c -----------------------------------------------------------------------
 */

int policy_begin_group(struct policy_reader *reader);
int policy_end_group(struct policy_reader *reader);
struct qos_group *policy_last_group(const struct policy_reader *reader);
bool policy_find_group(const struct qos_policy *policy, const char *name, uint32_t *ret);
extern const struct policy_keyword policy_group_keywords[];

/* -- qos-policy-parse.c ------------------------------------------------------------------------
 */

int policy_begin_level(struct policy_reader *reader);
int policy_take_level_sl(struct policy_reader *reader, struct span value);
int policy_set_fallback(struct policy_reader *reader);
int policy_begin_rule(struct policy_reader *reader);
/* Those of qos-match-rules go before those of qos-ulps, whichever section comes first. */
struct qos_rule *policy_last_rule(const struct policy_reader *reader);
int policy_take_rule_services(struct policy_reader *reader, struct span value);
int policy_take_rule_pkeys(struct policy_reader *reader, struct span value);

/* -- qos-policy-ulps.c -------------------------------------------------------------------------
 */

/* "who[, what numbers]: service level" */
int policy_take_ulp_line(struct policy_reader *reader, struct span line);
