/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The log's sink. systemd says in JOURNAL_STREAM which stream is the journal's, by device and
 * inode; only if standard error is that very stream do messages go to journald directly, with the
 * place on the fabric as fields: "journalctl VSM_GUID=0x..." is the story of one port. Started by
 * hand, or with standard error redirected, vsm writes lines.
 *
 * A line is one line. Text may quote what devices call themselves, and a terminal obeys control
 * characters.
 */

#include "systemd/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where in our source a message was made is no field of ours. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/macros.h"

static bool is_stream(int fd, const char *stream)
{
	unsigned long long device;
	unsigned long long inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(fd, &st) < 0)
		return false;

	return st.st_dev == device && st.st_ino == inode;
}

/* The variable is inherited by what a service starts, the process is not. */
static bool is_service(const char *exec_pid)
{
	return exec_pid && strtol(exec_pid, NULL, 10) == getpid();
}

enum journal_mode journal_choose(int fd, const char *stream, const char *exec_pid)
{
	if (is_stream(fd, stream))
		return JOURNAL_FIELDS;

	return is_service(exec_pid) ? JOURNAL_PREFIX : JOURNAL_PLAIN;
}

static const char *name_of(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_NOTICE:
		return "notice";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}

	return "?";
}

static void clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* What goes on at the end of a full buffer is cut. */
static void append(char *line, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *line, size_t size, const char *format, ...)
{
	size_t used = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + used, size - used, format, args);
	va_end(args);
}

size_t journal_line(enum journal_mode mode, enum log_level level, const struct log_where *where,
		    const char *text, char line[static JOURNAL_LINE_MAX])
{
	size_t size = JOURNAL_LINE_MAX - 1; /* the line break */
	size_t length;

	line[0] = '\0';
	if (mode == JOURNAL_PLAIN)
		append(line, size, "%s: ", name_of(level));
	else
		append(line, size, "<%d>", (int)level);
	if (where && where->guid)
		append(line, size, "0x%016" PRIx64, where->guid);
	if (where && where->guid && where->port >= 0)
		append(line, size, "/%d", where->port);
	if (where && where->guid)
		append(line, size, ": ");
	append(line, size, "%.*s", JOURNAL_TEXT_MAX - 1, text);
	clean(line);

	length = strlen(line);
	line[length++] = '\n';
	line[length] = '\0';

	return length;
}

static void add_field(struct journal_entry *entry, char *field)
{
	clean(field);
	entry->fields[entry->n++] = (struct iovec){ field, strlen(field) };
}

void journal_make_entry(enum log_level level, const struct log_where *where, const char *text,
			struct journal_entry *ret)
{
	static char identifier[] = "SYSLOG_IDENTIFIER=vsm";

	ret->n = 0;
	snprintf(ret->message, sizeof(ret->message), "MESSAGE=%s", text);
	add_field(ret, ret->message);
	snprintf(ret->priority, sizeof(ret->priority), "PRIORITY=%d", (int)level);
	add_field(ret, ret->priority);
	ret->fields[ret->n++] = (struct iovec){ identifier, sizeof(identifier) - 1 };
	if (!where)
		return;
	if (where->guid) {
		snprintf(ret->guid, sizeof(ret->guid), "VSM_GUID=0x%016" PRIx64, where->guid);
		add_field(ret, ret->guid);
	}
	if (where->guid && where->port >= 0) {
		snprintf(ret->port, sizeof(ret->port), "VSM_PORT=%d", where->port);
		add_field(ret, ret->port);
	}
	if (where->lid) {
		snprintf(ret->lid, sizeof(ret->lid), "VSM_LID=%u", where->lid);
		add_field(ret, ret->lid);
	}
}

static void write_line(enum journal_mode mode, enum log_level level, const struct log_where *where,
		       const char *text, bool *unfinished)
{
	char line[JOURNAL_LINE_MAX];

	if (*unfinished)
		fputs(JOURNAL_CLEAR_LINE, stderr);
	*unfinished = false;
	journal_line(mode, level, where, text, line);
	fputs(line, stderr);
}

static void to_stderr(enum log_level level, const struct log_where *where, const char *text,
		      void *user)
{
	write_line(JOURNAL_PLAIN, level, where, text, user);
}

static void to_stderr_with_prefix(enum log_level level, const struct log_where *where,
				  const char *text, void *user)
{
	write_line(JOURNAL_PREFIX, level, where, text, user);
}

/* journald may be gone or full; the stream that leads to it is the next best. */
static void to_journal(enum log_level level, const struct log_where *where, const char *text,
		       void *user)
{
	struct journal_entry entry;

	journal_make_entry(level, where, text, &entry);
	if (sd_journal_sendv(entry.fields, entry.n) < 0)
		write_line(JOURNAL_PREFIX, level, where, text, user);
}

void journal_start(bool *unfinished)
{
	static const log_sink sinks[] = {
		[JOURNAL_FIELDS] = to_journal,
		[JOURNAL_PREFIX] = to_stderr_with_prefix,
		[JOURNAL_PLAIN] = to_stderr,
	};
	enum journal_mode mode =
		journal_choose(STDERR_FILENO, getenv("JOURNAL_STREAM"), getenv("SYSTEMD_EXEC_PID"));

	log_set_sink(sinks[mode], unfinished);
}
