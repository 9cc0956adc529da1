/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a reconcile was about, and what it took: why it began, how long each phase lasted, what was
 * sent and written, and when the last Set was acknowledged. Told as one event at its end, if there
 * is anything to tell: a sweep that found all as it was says nothing.
 *
 * A reconcile has the first cause that asked for it: an event, and so a number, if who asks says
 * which (a trap, a switch that is watched, the end of a quarantine) or has told of an order in that
 * very callback. What a reconcile asks for itself (another one, because it is not done) has its own
 * cause, so a change has one from the trap to the last block, however many walks that takes.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sm/machine.h"

#define BY_START "the start"
#define BY_TIMER "the timer of sweeps"
#define BY_SIGHT "what was seen"

static struct tally count(const struct sm *sm)
{
	struct tally tally = { .sent = requests_totals(sm->requests)->sent };
	struct request_counts counts;
	uint16_t attr;
	uint8_t method;

	for (unsigned i = 0; requests_count(sm->requests, i, &attr, &method, &counts); i++) {
		if (method != METHOD_SET)
			continue;
		tally.sets += counts.sent;
		if (attr == ATTR_LFT)
			tally.blocks += counts.answered;
	}

	return tally;
}

/* -- why ----------------------------------------------------------------------------------------
 */

static bool is_cause(const struct event *event)
{
	return event && (event->kind == EVENT_TRAP || event->kind == EVENT_CONFIG);
}

void story_because(struct sm *sm, uint64_t event)
{
	sm->story.told = event;
}

void story_wanted(struct sm *sm)
{
	struct story *s = &sm->story;
	const struct event *last = event_last(sm->events);
	struct cause next = { .at = loop_now(sm->loop), .given = true };

	if (s->next.given)
		return;
	if (s->told)
		next.event = s->told;
	else if (is_cause(last) && last->at == next.at)
		next.event = last->number;
	else if (sm->phase != PHASE_REST)
		next = s->now;
	else
		next.what = sm->sweeps == 0 ? BY_START : BY_SIGHT;
	s->next = next;
}

void story_begin(struct sm *sm)
{
	struct story *s = &sm->story;
	uint64_t now = loop_now(sm->loop);

	s->now = (struct cause){ .at = now, .what = BY_TIMER, .given = true };
	if (s->next.given)
		s->now = s->next;
	s->next.given = false;
	s->before = count(sm);
	s->acknowledged = 0;
	s->at = now;
	memset(s->took, 0, sizeof(s->took));
	event_log_set_cause(sm->events, s->now.event);
}

/* -- how long -----------------------------------------------------------------------------------
 */

void story_turn(struct sm *sm)
{
	struct story *s = &sm->story;
	uint64_t now = loop_now(sm->loop);

	if (s->phase == sm->phase)
		return;
	if (s->phase != PHASE_REST)
		s->took[s->phase] += now - s->at;
	s->phase = sm->phase;
	s->at = now;
}

void story_note_acknowledged(struct sm *sm)
{
	sm->story.acknowledged = loop_now(sm->loop);
}

static void keep_times(struct sm *sm)
{
	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		struct sm_phase_time *time = &sm->story.times[i];

		time->last = sm->story.took[i];
		time->longest = MAX(time->longest, time->last);
	}
}

/* -- telling of it ------------------------------------------------------------------------------
 */

struct line {
	char text[EVENT_TEXT_SIZE];
	size_t used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->used, sizeof(line->text) - line->used, format, args);
	va_end(args);
	if (n > 0)
		line->used = MIN(line->used + (size_t)n, sizeof(line->text) - 1);
}

/* What was said of a GUID names it: its text goes on from there. */
static void put_cause(struct line *line, const struct sm *sm)
{
	const struct cause *cause = &sm->story.now;
	const struct event *event = event_from(sm->events, cause->event);

	if (cause->event == 0) {
		put(line, "%s", cause->what);
	} else if (!event || event->number != cause->event) {
		put(line, "event %" PRIu64, cause->event);
	} else {
		if (event->kind == EVENT_CONFIG && event->guid)
			put(line, "0x%016" PRIx64 " ", event->guid);
		put(line, "%.80s (event %" PRIu64 ")", event->text, cause->event);
	}
}

static void put_times(struct line *line, const uint64_t took[PHASE_COUNT])
{
	const char *between = ":";

	for (unsigned i = 0; i < PHASE_COUNT; i++) {
		if (took[i] == 0)
			continue;
		put(line, "%s %s %.2f", between, sm_phase_name((enum sm_phase)i),
		    (double)took[i] / LOOP_MSEC);
		between = ",";
	}
	put(line, "%s", between[0] == ',' ? " ms" : "");
}

static void tell(const struct sm *sm, const struct sm_status *status,
		 const struct sm_change *change)
{
	struct line line = { .used = 0 };

	put(&line, "%u node%s, %u switch%s: %u port%s active, %u not; ", status->nodes,
	    status->nodes == 1 ? "" : "s", status->switches, status->switches == 1 ? "" : "es",
	    status->ports_active, status->ports_active == 1 ? "" : "s", status->ports_not_active);
	put(&line, "generation %" PRIu64 ", %" PRIu64 " Sets in %" PRIu64 " ms; ", sm->generation,
	    change->sets, sm->sweep_took / LOOP_MSEC);
	put(&line, "reconcile %" PRIu64 ", ", change->reconcile);
	put_cause(&line, sm);
	put_times(&line, change->took);
	put(&line, "; %" PRIu64 " SMPs, %" PRIu64 " LFT blocks", change->smps, change->blocks);
	if (sm->story.acknowledged)
		put(&line, "; %.2f ms until the last Set was acknowledged",
		    (double)change->until_set / LOOP_MSEC);
	else if (change->sets > 0)
		put(&line, "; no Set was acknowledged");
	event_add(sm->events, EVENT_SWEEP, 0, 0, -1, "%s", line.text);
}

static struct sm_change look_back(const struct sm *sm)
{
	const struct story *s = &sm->story;
	struct tally now = count(sm);
	struct sm_change change = { .reconcile = sm->sweeps,
				    .cause = s->now.event,
				    .what = s->now.what,
				    .at = sm->sweep_started,
				    .smps = now.sent - s->before.sent,
				    .sets = now.sets - s->before.sets,
				    .blocks = now.blocks - s->before.blocks };

	if (s->acknowledged)
		change.until_set = s->acknowledged - s->now.at;
	memcpy(change.took, s->took, sizeof(change.took));

	return change;
}

void story_end(struct sm *sm, const struct sm_status *status)
{
	struct sm_change change;

	keep_times(sm);
	change = look_back(sm);
	if (change.sets > 0 || sm->changed || !sm->came_up) {
		tell(sm, status, &change);
		sm->story.last = change;
	}
	event_log_set_cause(sm->events, 0);
}

const struct sm_phase_time *sm_phase_times(const struct sm *sm)
{
	return sm->story.times;
}

const struct sm_change *sm_last_change(const struct sm *sm)
{
	return sm->story.last.reconcile ? &sm->story.last : NULL;
}
