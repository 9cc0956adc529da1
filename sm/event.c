/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A ring that overwrites its oldest event. Numbers are places: event n lies at n modulo the size.
 *
 * And the one place where what happens on the fabric is logged: each event is a message too, about
 * the same place, so that the journal tells a port's story as well. What is wrong with a port is
 * what its device wants: that goes by log_peer().
 */

#include "sm/event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"

struct event_log {
	struct loop *loop;
	event_fn fn;
	void *user;
	uint64_t next; /* number of the next event; the first is 1 */
	uint64_t cause;
	struct event events[EVENTS_KEPT];
};

/* What others on the fabric can cause at will is for debugging, or a warning: see say(). */
static const struct {
	const char *name;
	enum log_level level;
} kinds[EVENT_KIND_COUNT] = {
	[EVENT_STATE] = { "state", LOG_LEVEL_NOTICE },
	[EVENT_SWEEP] = { "sweep", LOG_LEVEL_INFO },
	[EVENT_NODE_UP] = { "node-up", LOG_LEVEL_NOTICE },
	[EVENT_NODE_DOWN] = { "node-down", LOG_LEVEL_NOTICE },
	[EVENT_LINK_UP] = { "link-up", LOG_LEVEL_NOTICE },
	[EVENT_LINK_DOWN] = { "link-down", LOG_LEVEL_NOTICE },
	[EVENT_PORT_ACTIVE] = { "port-active", LOG_LEVEL_NOTICE },
	[EVENT_PORT_REASON] = { "port-reason", LOG_LEVEL_WARNING },
	[EVENT_ROUTES] = { "routes", LOG_LEVEL_INFO },
	[EVENT_NO_ROUTES] = { "no-routes", LOG_LEVEL_ERROR },
	[EVENT_TRAP] = { "trap", LOG_LEVEL_DEBUG },
	[EVENT_CONFIG] = { "config", LOG_LEVEL_DEBUG },
	[EVENT_PEER] = { "peer", LOG_LEVEL_DEBUG },
	[EVENT_SUBSCRIBER] = { "subscriber", LOG_LEVEL_WARNING },
	[EVENT_STORE] = { "store", LOG_LEVEL_NOTICE },
	[EVENT_GROUP] = { "group", LOG_LEVEL_DEBUG },
};

const char *event_kind_name(enum event_kind kind)
{
	return kinds[kind].name;
}

int event_log_new(struct loop *loop, event_fn fn, void *user, struct event_log **ret)
{
	struct event_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	log->loop = loop;
	log->fn = fn;
	log->user = user;
	log->next = 1;
	*ret = log;

	return 0;
}

void event_log_free(struct event_log *log)
{
	free(log);
}

static void say(const struct event *event)
{
	struct log_where where = { .guid = event->guid, .lid = event->lid, .port = event->port };

	if (kinds[event->kind].level == LOG_LEVEL_WARNING)
		log_peer(event->at, &where, "%s", event->text);
	else
		log_say(kinds[event->kind].level, &where, "%s", event->text);
}

void event_log_set_cause(struct event_log *log, uint64_t cause)
{
	log->cause = cause;
}

/* What comes from outside, whatever is being done about something else. */
static bool is_first(enum event_kind kind)
{
	return kind == EVENT_TRAP || kind == EVENT_CONFIG;
}

void event_add(struct event_log *log, enum event_kind kind, uint64_t guid, uint16_t lid, int port,
	       const char *format, ...)
{
	struct event *event = &log->events[log->next % EVENTS_KEPT];
	va_list args;

	*event = (struct event){ .number = log->next++,
				 .at = loop_now(log->loop),
				 .cause = is_first(kind) ? 0 : log->cause,
				 .kind = kind,
				 .guid = guid,
				 .lid = lid,
				 .port = (int16_t)port };
	va_start(args, format);
	vsnprintf(event->text, sizeof(event->text), format, args);
	va_end(args);
	say(event);
	if (log->fn)
		log->fn(log->user, event);
}

const struct event *event_from(const struct event_log *log, uint64_t number)
{
	uint64_t oldest = log->next > EVENTS_KEPT ? log->next - EVENTS_KEPT : 1;

	number = MAX(number, oldest);

	return number < log->next ? &log->events[number % EVENTS_KEPT] : NULL;
}

const struct event *event_last(const struct event_log *log)
{
	return event_from(log, log->next - 1);
}
