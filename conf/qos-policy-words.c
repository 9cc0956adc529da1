/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Words, names, numbers and lists of QoS policies, and the terms that come of them. Names point
 * into a copy of the file, in which each is ended by a 0.
 */

#include "conf/qos-policy-reader.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define FIRST_ROOM 16

int policy_out_of_memory(const struct policy_reader *reader)
{
	return input_complain(reader->reterr, -ENOMEM, reader->file, 0, "out of memory");
}

/* ---- words and numbers ------------------------------------------------------------------------
 */

bool policy_is_word(struct span span, const char *word)
{
	return span.length == strlen(word) && !strncasecmp(span.at, word, span.length);
}

/* The file's copy is ours to write to, and behind a name there is a separator or the end. */
int policy_take_name(const struct policy_reader *reader, struct span span, const char **ret)
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

static int take_number(const struct policy_reader *reader, struct span span, uint64_t most,
		       uint64_t *ret)
{
	int r = input_parse_number(span.at, span.length, most, ret);

	if (r == -ERANGE)
		return REFUSE(reader, "%s is more than 0x%llx", SHOW(span),
			      (unsigned long long)most);

	return r < 0 ? REFUSE(reader, "\"%s\" is not a number", SHOW(span)) : 0;
}

int policy_take_small(const struct policy_reader *reader, struct span span, unsigned least,
		      unsigned most, uint8_t *ret)
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
int policy_make_room(const struct policy_reader *reader, void *array, uint32_t n, uint32_t *room,
		     size_t size)
{
	if (n == QOS_POLICY_MAX)
		return REFUSE(reader, "more than %u groups, levels or rules", QOS_POLICY_MAX);

	return array_make_room(array, n, room, FIRST_ROOM, size) < 0 ? policy_out_of_memory(reader)
								     : 0;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

/* The next of what is being read: its terms follow each other. */
int policy_add_term(struct policy_reader *reader, struct qos_terms *terms, struct qos_term term)
{
	struct qos_policy *policy = reader->policy;

	if (policy->n_terms == QOS_POLICY_TERMS_MAX)
		return REFUSE(reader, "more than %u conditions", QOS_POLICY_TERMS_MAX);
	if (array_make_room(&policy->terms, policy->n_terms, &policy->room_terms, FIRST_ROOM,
			    sizeof(*policy->terms)) < 0)
		return policy_out_of_memory(reader);
	if (terms->n++ == 0)
		terms->first = policy->n_terms;
	term.line = reader->line;
	policy->terms[policy->n_terms++] = term;

	return 0;
}

static int take_range(struct policy_reader *reader, struct span span,
		      const struct policy_number *number, struct qos_terms *terms)
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

	return policy_add_term(reader, terms, term);
}

int policy_take_ranges(struct policy_reader *reader, struct span value,
		       const struct policy_number *number, struct qos_terms *terms)
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

const struct policy_number policy_guids = { QOS_GUID, UINT64_MAX, UINT64_MAX, 0 };
const struct policy_number policy_pkeys = { QOS_PKEY, 0xffff, 0x7fff, 0 };

/* Call @take for each of a list. */
int policy_take_list(struct policy_reader *reader, struct span value,
		     int (*take)(struct policy_reader *reader, struct span item))
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

int policy_take_nothing(struct policy_reader *reader, struct span value)
{
	(void)reader;
	(void)value;

	return 0;
}
