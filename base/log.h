/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Say it and leave. A message has a level, a sentence, and if it is about a place on the fabric,
 * that place. Where it goes (journal with fields, terminal, a test's memory) is the sink's
 * business.
 *
 * Levels: error: an operator must act; warning: the fabric is degraded; notice: it changed;
 * info: we did something asked for; debug: the rest. Values are those of syslog(3).
 *
 * What a peer can trigger is said with log_peer(), which lets through a few a second and counts
 * the rest: nobody on the fabric sets our log rate.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* A place on the fabric, host byte order; zero members are not known. */
struct log_where {
	uint64_t guid;
	uint16_t lid;
	int16_t port; /* -1: not about one port */
};

typedef void (*log_sink)(enum log_level level, const struct log_where *where, const char *text,
			 void *user);

/* Messages above @level are dropped. The start is LOG_LEVEL_INFO on standard error. */
void log_set_level(enum log_level level);

/* Where messages go; NULL is standard error. */
void log_set_sink(log_sink sink, void *user);

/* @where may be NULL. */
void log_say(enum log_level level, const struct log_where *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * As log_say() at level warning, for what a peer triggers: at most 10 a second (@now is
 * loop_now()), and then how many were left out.
 */
void log_peer(uint64_t now, const struct log_where *where, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define LOG_TEXT_MAX 2048 /* bytes of a message with its final 0: the path of a file, and why */

#define log_error(...)   log_say(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_say(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_notice(...)  log_say(LOG_LEVEL_NOTICE, NULL, __VA_ARGS__)
#define log_info(...)    log_say(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_say(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)
