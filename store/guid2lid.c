/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Reading what OpenSM left behind. Each line stands for itself: one that cannot be right is said,
 * with its number and the reason, and left out, because the LIDs of a thousand other ports are
 * worth having. Which of two lines that contradict each other is right nobody knows; the first one
 * counts, and if it is wrong the fabric has the last word anyway.
 */

#include "store/guid2lid.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/guid-map.h"
#include "base/log.h"
#include "base/macros.h"

#define LINE_MAX_BYTES 128

/* More bad lines than this are only counted. */
#define BAD_LINES_SAID 20

#define LID_UNICAST_MAX 0xbfff
#define LIDS_MAX        128

struct import {
	const char *path;
	FILE *file;
	guid2lid_fn fn;
	void *user;
	unsigned line;
	struct guid_map guids; /* to the line that has it */
	unsigned *owners;      /* by LID: the line that has it, or 0 */
	struct guid2lid_counts counts;
};

/* The three numbers of a line, of any size. */
struct entry {
	uint64_t guid;
	uint64_t lid_min;
	uint64_t lid_max;
};

static void refuse(struct import *import, const char *why, unsigned other)
{
	if (++import->counts.refused > BAD_LINES_SAID)
		return;
	if (other)
		log_warning("%s:%u: %s line %u, left out", import->path, import->line, why, other);
	else
		log_warning("%s:%u: %s, left out", import->path, import->line, why);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* What fgets() would do, but a zero byte is seen. False at the end; @ret_bad: too long, or zeros.
 */
static bool read_line(struct import *import, char line[static LINE_MAX_BYTES], bool *ret_bad)
{
	size_t n = 0;
	int c = getc_unlocked(import->file);

	if (c == EOF)
		return false;
	import->line++;
	*ret_bad = false;
	for (; c != '\n' && c != EOF; c = getc_unlocked(import->file)) {
		if (c == '\0' || n == LINE_MAX_BYTES - 1)
			*ret_bad = true;
		else
			line[n++] = (char)c;
	}
	line[n] = '\0';

	return true;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r");
}

/* The number at @s, which is followed by a blank or the end: what is behind it, or NULL. */
static const char *read_number(const char *s, uint64_t *ret)
{
	bool is_hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = is_hex ? s + 2 : s;
	size_t n = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
	const char *end = digits + n;

	if (n == 0 || !strchr(" \t\r", *end))
		return NULL;
	errno = 0;
	*ret = strtoull(digits, NULL, is_hex ? 16 : 10);

	return errno ? NULL : skip_blanks(end);
}

static bool read_entry(const char *line, struct entry *ret)
{
	const char *s = read_number(line, &ret->guid);

	s = s ? read_number(s, &ret->lid_min) : NULL;
	s = s ? read_number(s, &ret->lid_max) : NULL;

	return s && !*s;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Why a port cannot have these LIDs, or NULL. */
static const char *find_fault(const struct entry *entry)
{
	uint64_t n = entry->lid_max - entry->lid_min + 1;

	if (entry->guid == 0)
		return "the GUID is zero";
	if (entry->lid_min < 1 || entry->lid_max > LID_UNICAST_MAX)
		return "a LID is not from 0x1 to 0xbfff";
	if (entry->lid_min > entry->lid_max)
		return "the first LID is higher than the last one";
	if (n > LIDS_MAX || (n & (n - 1)) != 0)
		return "a port has 1, 2, 4, 8, 16, 32, 64 or 128 LIDs";
	if ((entry->lid_min & (n - 1)) != 0)
		return "the first LID is not a multiple of the number of LIDs";

	return NULL;
}

/* The line that has one of the LIDs already, or 0. */
static unsigned find_owner(const struct import *import, const struct entry *entry)
{
	for (uint64_t lid = entry->lid_min; lid <= entry->lid_max; lid++)
		if (import->owners[lid])
			return import->owners[lid];

	return 0;
}

static int take(struct import *import, const struct entry *entry)
{
	int r = guid_map_put(&import->guids, entry->guid, import->line);

	if (r < 0)
		return r;
	for (uint64_t lid = entry->lid_min; lid <= entry->lid_max; lid++)
		import->owners[lid] = import->line;
	import->counts.taken++;

	return import->fn(import->user, entry->guid, (uint16_t)entry->lid_min,
			  (uint16_t)entry->lid_max);
}

static int import_entry(struct import *import, const struct entry *entry)
{
	const char *fault = find_fault(entry);
	uint32_t line;
	unsigned owner;

	if (fault) {
		refuse(import, fault, 0);
		return 0;
	}
	line = guid_map_get(&import->guids, entry->guid);
	if (line != GUID_MAP_NONE) {
		refuse(import, "the GUID is already in", line);
		return 0;
	}
	owner = find_owner(import, entry);
	if (owner) {
		refuse(import, "a LID is already in", owner);
		return 0;
	}

	return take(import, entry);
}

static int import_line(struct import *import, const char *line, bool is_bad)
{
	struct entry entry;

	if (!is_bad && !*skip_blanks(line))
		return 0;
	if (!is_bad && read_entry(skip_blanks(line), &entry))
		return import_entry(import, &entry);
	refuse(import, "this is not a GUID and two LIDs", 0);

	return 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

static int import_lines(struct import *import)
{
	char line[LINE_MAX_BYTES];
	bool is_bad;
	int r = 0;

	while (r == 0 && read_line(import, line, &is_bad))
		r = import_line(import, line, is_bad);
	if (r == 0 && ferror(import->file))
		r = -EIO;
	if (import->counts.refused > BAD_LINES_SAID)
		log_warning("%s: %" PRIu32 " lines in all are left out", import->path,
			    import->counts.refused);

	return r;
}

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int open_file(const char *path, FILE **ret)
{
	AUTO(closep) int fd = -1;
	FILE *file;
	int r = file_open(path, GUID2LID_FILE_MAX, &fd);

	if (r < 0)
		return r;
	file = fdopen(fd, "r");
	if (!file)
		return -errno;
	fd = -1;
	*ret = file;

	return 0;
}

int guid2lid_import(const char *path, guid2lid_fn fn, void *user, struct guid2lid_counts *ret)
{
	AUTO(fclosep) FILE *file = NULL;
	AUTO(freep) unsigned *owners = NULL;
	struct import import = { .path = path, .fn = fn, .user = user };
	int r;

	r = open_file(path, &file);
	if (r < 0)
		return r;
	owners = calloc(LID_UNICAST_MAX + 1, sizeof(*owners));
	if (!owners)
		return -ENOMEM;
	import.file = file;
	import.owners = owners;
	r = import_lines(&import);
	guid_map_done(&import.guids);
	if (r == 0)
		*ret = import.counts;

	return r;
}
