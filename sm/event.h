/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The story of the fabric: what changed, when, where. A ring of fixed size; each event has a number
 * that counts up for ever, so that a follower sees whether it missed some. Each is logged, too.
 */

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct event_log;

#define EVENTS_KEPT     4096
#define EVENT_TEXT_SIZE 400

enum event_kind {
	EVENT_STATE, /* the SM's own state */
	EVENT_SWEEP, /* a reconcile began or ended, and what it did */
	EVENT_NODE_UP,
	EVENT_NODE_DOWN,
	EVENT_LINK_UP,
	EVENT_LINK_DOWN,
	EVENT_PORT_ACTIVE, /* what was wrong with a port is over */
	EVENT_PORT_REASON, /* a port is not as planned, and why */
	EVENT_ROUTES,      /* tables were computed, proven, written */
	EVENT_NO_ROUTES,   /* there are none that could be written */
	EVENT_TRAP,
	EVENT_CONFIG,
	EVENT_PEER,       /* another SM */
	EVENT_SUBSCRIBER, /* of reports is gone */
	EVENT_STORE,      /* what we remember is not what devices hold */
	EVENT_GROUP,      /* a multicast group, or who is member of one */
	EVENT_KIND_COUNT,
};

const char *event_kind_name(enum event_kind kind);

struct event {
	uint64_t number;
	uint64_t at;    /* loop_now() */
	uint64_t cause; /* number of the event that led to it; 0: none did, or it is not known */
	enum event_kind kind;
	uint64_t guid; /* node; 0: not about one */
	uint16_t lid;
	int16_t port; /* -1: not about one */
	char text[EVENT_TEXT_SIZE];
};

typedef void (*event_fn)(void *user, const struct event *event);

int event_log_new(struct loop *loop, event_fn fn, void *user, struct event_log **ret);
void event_log_free(struct event_log *log);

/* What led to the events from now on, those aside that others cause: see is_first(). 0: nothing. */
void event_log_set_cause(struct event_log *log, uint64_t cause);

/* @guid 0 and @port -1 where there is none. */
void event_add(struct event_log *log, enum event_kind kind, uint64_t guid, uint16_t lid, int port,
	       const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The oldest event that is kept and has a number of at least @number, or NULL. */
const struct event *event_from(const struct event_log *log, uint64_t number);
/* The newest, or NULL. */
const struct event *event_last(const struct event_log *log);
