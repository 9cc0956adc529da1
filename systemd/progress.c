/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * At rest there is nothing to get on with. Otherwise something has to come of what is done: SMPs go
 * out, somebody answers, a phase ends. Each has a limit that no fabric needs, however large it is
 * and however many SMPs are lost: routes of the largest are computed in seconds, and a phase of one
 * takes a few minutes.
 *
 * So a job that hangs is noticed, though the loop turns; so are questions that nobody answers,
 * asked for ever; and answers that lead to the same question again.
 */

#include "systemd/progress.h"

#include "base/loop.h"

#define UNSENT   (60 * LOOP_SEC)
#define COMPUTES (5 * 60 * LOOP_SEC)
#define UNHEARD  (5 * 60 * LOOP_SEC)
#define PHASE    (15 * 60 * LOOP_SEC)

static void note(struct progress *p, const struct progress_sample *now)
{
	bool other = now->rests || now->phase != p->last.phase ||
		     now->reconcile != p->last.reconcile || p->last.rests;

	if (other)
		p->phase_at = now->now;
	if (other || now->sent != p->last.sent)
		p->sent_at = now->now;
	if (other || now->heard != p->last.heard)
		p->heard_at = now->now;
	p->last = *now;
}

const char *progress_look(struct progress *p, const struct progress_sample *now)
{
	note(p, now);
	if (now->computes)
		return now->now - p->phase_at < COMPUTES
			       ? NULL
			       : "Routes have been computed for 5 minutes, without an end.";
	if (now->now - p->sent_at >= UNSENT)
		return "A reconcile waits, and no SMP has been sent for a minute.";
	if (now->now - p->heard_at >= UNHEARD)
		return "SMPs are sent, and none has been answered for 5 minutes.";
	if (now->now - p->phase_at >= PHASE)
		return "One phase of a reconcile goes on for 15 minutes: the same is asked over "
		       "and over.";

	return NULL;
}
