/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * An object of JSON under construction, with a sticky error: the first member that cannot be made
 * turns the whole row into nothing, and only the one who ends it has to look.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct row {
	json_t *object; /* NULL: it has failed */
};

#define GUID_TEXT_SIZE 19 /* 0x, 16 digits, 0 */

struct row row_start(void);

/* The object, now the caller's; NULL if there was no memory. */
json_t *row_end(struct row *row);

/* @value is taken over; NULL fails the row. */
void row_put(struct row *row, const char *key, json_t *value);

/* NULL: the member is null. What is not UTF-8 in it becomes '?'. */
void row_text(struct row *row, const char *key, const char *text);
void row_number(struct row *row, const char *key, uint64_t value);
void row_bool(struct row *row, const char *key, bool value);

/* "0x" and 16 digits; 0 is null. */
void row_guid(struct row *row, const char *key, uint64_t guid);
json_t *row_guid_value(uint64_t guid);

/* Unix time in ns, as "2026-11-22T17:43:46Z". */
void row_time(struct row *row, const char *key, uint64_t unix_ns);

const char *guid_text(uint64_t guid, char ret[static GUID_TEXT_SIZE]);
json_t *text_value(const char *text);
