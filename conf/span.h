/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A piece of a text that somebody else holds, and what the partition parser does with pieces.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t length;
};

static inline bool span_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static inline struct span span_trim(struct span span)
{
	while (span.length && span_blank(span.at[0])) {
		span.at++;
		span.length--;
	}
	while (span.length && span_blank(span.at[span.length - 1]))
		span.length--;
	return span;
}

/* Cut @rest at the first @separator: what is before it, trimmed. False: there is none. */
static inline bool span_cut(struct span *rest, char separator, struct span *ret)
{
	const char *found = rest->length ? memchr(rest->at, separator, rest->length) : NULL;

	*ret = *rest;
	if (found)
		ret->length = (size_t)(found - rest->at);
	*ret = span_trim(*ret);
	if (!found)
		return false;

	rest->length -= (size_t)(found + 1 - rest->at);
	rest->at = found + 1;
	return true;
}

/* As opensm has it, any beginning of @keyword stands for it; but not the empty one. */
static inline bool span_abbreviates(struct span span, const char *keyword)
{
	return span.length && span.length <= strlen(keyword) &&
	       !memcmp(span.at, keyword, span.length);
}

static inline bool span_is(struct span span, const char *keyword)
{
	return span.length == strlen(keyword) && span_abbreviates(span, keyword);
}
