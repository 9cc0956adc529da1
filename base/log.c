/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One message, one sink. The text is made once, in a buffer of bounded size; the sink decides about
 * fields, colours and files. The level, the sink and the peer's budget are the process's only
 * writable globals: a log call must be possible where nothing else is at hand.
 */

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

#define PEER_BUDGET 10 /* messages a second that peers may cause */
#define SECOND      UINT64_C(1000000000)

static enum log_level max_level = LOG_LEVEL_INFO;
static log_sink current_sink;
static void *current_user;
static struct {
	uint64_t second;
	unsigned said;
	unsigned left_out;
} peer;

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_sink(log_sink sink, void *user)
{
	current_sink = sink;
	current_user = user;
}

static void say_to_stderr(enum log_level level, const struct log_where *where, const char *text)
{
	if (where && where->guid && where->port >= 0)
		fprintf(stderr, "<%d>0x%016" PRIx64 "/%d: %s\n", level, where->guid, where->port,
			text);
	else if (where && where->guid)
		fprintf(stderr, "<%d>0x%016" PRIx64 ": %s\n", level, where->guid, text);
	else
		fprintf(stderr, "<%d>%s\n", level, text);
}

static void deliver(enum log_level level, const struct log_where *where, const char *text)
{
	if (current_sink)
		current_sink(level, where, text, current_user);
	else
		say_to_stderr(level, where, text);
}

void log_say(enum log_level level, const struct log_where *where, const char *format, ...)
{
	char text[LOG_TEXT_MAX];
	va_list args;

	if (level > max_level)
		return;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	deliver(level, where, text);
}

static bool peer_may_speak(uint64_t now)
{
	if (now / SECOND != peer.second) {
		if (peer.left_out > 0)
			log_warning("%u more messages about peers were left out", peer.left_out);
		peer.second = now / SECOND;
		peer.said = 0;
		peer.left_out = 0;
	}
	if (peer.said >= PEER_BUDGET) {
		peer.left_out++;
		return false;
	}
	peer.said++;

	return true;
}

void log_peer(uint64_t now, const struct log_where *where, const char *format, ...)
{
	char text[LOG_TEXT_MAX];
	va_list args;

	if (LOG_LEVEL_WARNING > max_level || !peer_may_speak(now))
		return;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	deliver(LOG_LEVEL_WARNING, where, text);
}
