/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A ring that overwrites its oldest event. Numbers are places: event n lies at n modulo the size.
 */

#include "sm/event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/macros.h"

struct event_log {
	struct loop *loop;
	event_fn fn;
	void *user;
	uint64_t next; /* number of the next event; the first is 1 */
	struct event events[EVENTS_KEPT];
};

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[EVENT_KIND_COUNT] = {
		[EVENT_STATE] = "state",
		[EVENT_SWEEP] = "sweep",
		[EVENT_NODE_UP] = "node-up",
		[EVENT_NODE_DOWN] = "node-down",
		[EVENT_LINK_UP] = "link-up",
		[EVENT_LINK_DOWN] = "link-down",
		[EVENT_PORT_ACTIVE] = "port-active",
		[EVENT_PORT_REASON] = "port-reason",
		[EVENT_ROUTES] = "routes",
		[EVENT_TRAP] = "trap",
		[EVENT_CONFIG] = "config",
		[EVENT_PEER] = "peer",
	};

	return names[kind];
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

void event_add(struct event_log *log, enum event_kind kind, uint64_t guid, uint16_t lid, int port,
	       const char *format, ...)
{
	struct event *event = &log->events[log->next % EVENTS_KEPT];
	va_list args;

	*event = (struct event){ .number = log->next++,
				 .at = loop_now(log->loop),
				 .kind = kind,
				 .guid = guid,
				 .lid = lid,
				 .port = (int16_t)port };
	va_start(args, format);
	vsnprintf(event->text, sizeof(event->text), format, args);
	va_end(args);
	if (log->fn)
		log->fn(log->user, event);
}

const struct event *event_from(const struct event_log *log, uint64_t number)
{
	uint64_t oldest = log->next > EVENTS_KEPT ? log->next - EVENTS_KEPT : 1;

	number = MAX(number, oldest);

	return number < log->next ? &log->events[number % EVENTS_KEPT] : NULL;
}
