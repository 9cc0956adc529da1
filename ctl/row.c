/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Values as JSON. Texts come from configuration files, file names and devices, none of which
 * promises UTF-8; jansson refuses what is not, so the bytes above ASCII of such a text give way to
 * question marks rather than the answer to an error.
 */

#include "ctl/row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"

#define SECOND UINT64_C(1000000000)

struct row row_start(void)
{
	return (struct row){ json_object() };
}

json_t *row_end(struct row *row)
{
	return TAKE(row->object);
}

static void fail(struct row *row)
{
	json_decref(row->object);
	row->object = NULL;
}

void row_put(struct row *row, const char *key, json_t *value)
{
	if (!row->object)
		json_decref(value);
	else if (json_object_set_new(row->object, key, value) < 0)
		fail(row);
}

static json_t *ascii_value(const char *text)
{
	AUTO(freep) char *ascii = strdup(text);

	if (!ascii)
		return NULL;
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';

	return json_string(ascii);
}

json_t *text_value(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();

	return value ? value : ascii_value(text);
}

void row_text(struct row *row, const char *key, const char *text)
{
	row_put(row, key, text_value(text));
}

void row_number(struct row *row, const char *key, uint64_t value)
{
	row_put(row, key, json_integer((json_int_t)MIN(value, (uint64_t)INT64_MAX)));
}

void row_bool(struct row *row, const char *key, bool value)
{
	row_put(row, key, json_boolean(value));
}

const char *guid_text(uint64_t guid, char ret[static GUID_TEXT_SIZE])
{
	snprintf(ret, GUID_TEXT_SIZE, "0x%016" PRIx64, guid);

	return ret;
}

json_t *row_guid_value(uint64_t guid)
{
	char text[GUID_TEXT_SIZE];

	return guid ? json_string(guid_text(guid, text)) : json_null();
}

void row_guid(struct row *row, const char *key, uint64_t guid)
{
	row_put(row, key, row_guid_value(guid));
}

void row_time(struct row *row, const char *key, uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / SECOND);
	char text[32];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = 0;
	row_text(row, key, text);
}
