/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Text of strangers. What the daemon says has names in it that devices gave themselves, and who
 * answers at the socket may be no daemon at all; a terminal obeys whatever it is shown. So nobody
 * takes a text out of an answer but text_of(), and nothing else formats what was not ours than
 * complain() and the cells of tables, which look at what came of it.
 */

#include "ctl/vsmctl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define COMPLAINT_SIZE 2048
#define NUMBER_MOST    (1LL << 53) /* we count with them */

/* C0 with DEL, and C1, which UTF-8 has as two bytes: how many bytes of one are here, or 0. */
static size_t control_at(const char *text)
{
	unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];

	if (first < 0x20 || first == 0x7f)
		return 1;

	return first == 0xc2 && second >= 0x80 && second < 0xa0 ? 2 : 0;
}

void make_printable(char *text)
{
	char *to = text;

	while (*text) {
		size_t skip = control_at(text);

		*to++ = skip ? '?' : *text;
		text += skip ? skip : 1;
	}
	*to = 0;
}

const char *text_of(json_t *value)
{
	const char *text = json_string_value(value);
	AUTO(freep) char *printable = text ? strdup(text) : NULL;

	if (!printable)
		return NULL;
	make_printable(printable);
	if (strcmp(text, printable) != 0 && json_string_set_nocheck(value, printable) < 0)
		return NULL;

	return json_string_value(value);
}

const char *member_text(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = text_of(json_object_get(object, key));

	return text ? text : otherwise;
}

long long member_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return MAX(MIN(value, NUMBER_MOST), -NUMBER_MOST);
}

bool member_is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

void complain(const char *format, ...)
{
	char text[COMPLAINT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	fprintf(stderr, "vsmctl: %s\n", text);
}
