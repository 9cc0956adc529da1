/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Dumps of a large fabric are large, so they are written once for what has changed: with a new
 * generation, when the reconcile has ended and all devices that it found have said their names.
 * That is a moment later, as names are what the subnet manager asks for last; who does not answer
 * is not waited for, nor does anybody else wait.
 *
 * A device that takes another name changes no generation. That is written too, but what devices say
 * of themselves must not keep us writing: not before the last dump is a minute old.
 */

#include "ctl/dumper.h"

#include <errno.h>
#include <stdlib.h>

#include "base/loop.h"
#include "base/macros.h"
#include "ctl/dump.h"
#include "sm/sm.h"

#define PATIENCE (10 * LOOP_SEC) /* with names, while there is always one under way */
#define PAUSE    (60 * LOOP_SEC)

struct dumper {
	struct loop *loop;
	struct loop_timer *timer;
	const struct sm *sm;
	const char *dir;
	uint64_t generation; /* that was written */
	uint64_t names;
	uint64_t written_at;    /* 0: never */
	uint64_t waiting_since; /* 0: it does not */
};

static void forget(struct dumper *d)
{
	d->sm = NULL;
	d->written_at = 0;
	d->waiting_since = 0;
	loop_timer_stop(d->timer);
}

/* Something is missing that will come. */
static bool has_to_wait(struct dumper *d, const struct sm_status *status)
{
	uint64_t now = loop_now(d->loop);

	if (status->phase == PHASE_REST && status->naming == 0)
		return false;
	if (!d->waiting_since)
		d->waiting_since = now;

	return status->phase != PHASE_REST || now - d->waiting_since < PATIENCE;
}

static void look(struct dumper *d)
{
	struct sm_status status;
	bool is_new;

	sm_status(d->sm, &status);
	is_new = d->written_at == 0 || status.generation != d->generation;
	if (status.state == SM_MASTER && (is_new || status.names != d->names) &&
	    has_to_wait(d, &status))
		return;
	d->waiting_since = 0;
	if (status.state != SM_MASTER || (!is_new && status.names == d->names))
		return;
	if (!is_new && loop_now(d->loop) < d->written_at + PAUSE) {
		loop_timer_set(d->timer, d->written_at + PAUSE);
		return;
	}
	d->generation = status.generation;
	d->names = status.names;
	d->written_at = loop_now(d->loop);
	loop_timer_stop(d->timer);
	dump_fabric(d->sm, d->dir); /* which says what fails */
}

static void on_time(void *user)
{
	look(user);
}

void dumper_look(struct dumper *d, const struct sm *sm, const char *dir)
{
	if (!sm || dir[0] == 0) {
		forget(d);
		return;
	}
	d->sm = sm;
	d->dir = dir;
	look(d);
}

bool dumper_is_waiting(const struct dumper *d)
{
	return d->waiting_since != 0;
}

int dumper_new(struct loop *loop, struct dumper **ret)
{
	struct dumper *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	r = loop_timer_new(loop, on_time, d, &d->timer);
	if (r < 0) {
		free(d);
		return r;
	}
	*ret = d;

	return 0;
}

void dumper_free(struct dumper *d)
{
	if (!d)
		return;
	loop_timer_free(d->timer);
	free(d);
}
