/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where log messages go when vsm runs: to the journal with fields if standard error is connected to
 * it, and else to standard error as lines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/log.h"

/* Clears the line of a terminal in which the cursor is. */
#define JOURNAL_CLEAR_LINE "\r\033[K"

/*
 * Make it so, for all messages from now on. While *@unfinished is true there is a line on standard
 * error that somebody means to write over: a message clears it first, and says that it is gone.
 */
void journal_start(bool *unfinished);

/* The rest is for tests. */

enum journal_mode {
	JOURNAL_FIELDS, /* to journald, with PRIORITY, VSM_GUID and so on */
	JOURNAL_PREFIX, /* lines that begin with <priority>: somebody of systemd reads them */
	JOURNAL_PLAIN,  /* lines that begin with the level's name */
};

/* @fd is standard error; @stream and @exec_pid are what systemd put into the environment, or NULL.
 */
enum journal_mode journal_choose(int fd, const char *stream, const char *exec_pid);

#define JOURNAL_TEXT_MAX LOG_TEXT_MAX
#define JOURNAL_LINE_MAX (JOURNAL_TEXT_MAX + 64)

/* One line with its line break, without control characters; its length. @where may be NULL. */
size_t journal_line(enum journal_mode mode, enum log_level level, const struct log_where *where,
		    const char *text, char line[static JOURNAL_LINE_MAX]);

#define JOURNAL_FIELDS_MAX 6

/* The fields of one entry: strings of @n bytes that point into it. */
struct journal_entry {
	struct iovec fields[JOURNAL_FIELDS_MAX];
	int n;
	char message[sizeof("MESSAGE=") + JOURNAL_TEXT_MAX];
	char priority[16];
	char guid[32];
	char port[32];
	char lid[32];
};

void journal_make_entry(enum log_level level, const struct log_where *where, const char *text,
			struct journal_entry *ret);
