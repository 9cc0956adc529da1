/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Dumps of a large fabric are large, so they are written once for what has changed: with a new
 * generation, when the reconcile has ended and all devices that it found have said their names.
 * That is a moment later, as names are what the subnet manager asks for last; who does not answer
 * is not waited for, nor does anybody else wait.
 *
 * A device that takes another name changes no generation. That is written too, but what devices say
 * of themselves must not keep us writing: not before the last dump is a minute old. What could not
 * be written is tried again as often, since there may be no other change for months.
 *
 * One writing at a time: what changes meanwhile is looked at when it has ended. It works on a
 * picture and a path of its own, and needs neither the subnet manager nor us.
 *
 * Who reads the files has to know whether they are those of the fabric as it is: they show a
 * generation when all of them are written, and none after a failure, which may have left new files
 * beside former ones.
 */

#include "ctl/dumper.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/macros.h"
#include "ctl/dump.h"
#include "ctl/dump-picture.h"
#include "sm/sm.h"

#define PATIENCE (10 * LOOP_SEC) /* with names, while there is always one under way */
#define PAUSE    (60 * LOOP_SEC)

struct writing {
	struct dumper *dumper;
	struct picture *picture;
	uint64_t generation; /* of the picture; 0: nobody asks for it any more */
	int result;
	const char *file; /* that failed */
	char dir[PATH_MAX];
};

struct dumper {
	struct loop *loop;
	void (*written)(void *user);
	void *user;
	struct writing *writing; /* NULL: none */
	int result;              /* of the last */
	int failure;             /* the same, if it was for this directory and not 0 */
	const char *failed;      /* at which file; NULL: before the first */
	struct loop_timer *timer;
	const struct sm *sm;
	char dir[PATH_MAX];
	uint64_t generation; /* that was written, or is being */
	uint64_t shown;      /* by the files; 0: none */
	uint64_t names;
	uint64_t written_at;    /* began, or ended; 0: never */
	uint64_t waiting_since; /* 0: it does not */
};

static void look(struct dumper *d);

/* -- writing ------------------------------------------------------------------------------------
 */

static void writing_free(struct writing *w)
{
	picture_free(w->picture);
	free(w);
}

static void writing_freep(struct writing **w)
{
	if (*w)
		writing_free(*w);
}

/* On another thread. */
static void run(void *user)
{
	struct writing *w = user;

	w->result = dump_write(w->picture, w->dir, &w->file);
	picture_free(TAKE(w->picture));
}

static void take_result(struct dumper *d, int result, const char *dir)
{
	if (result < 0 && result != d->result)
		log_warning("Cannot write the dumps to %s: %s", dir, strerror(-result));
	d->result = result;
}

static void note_failure(struct dumper *d, int result, const char *file)
{
	d->failure = result;
	d->failed = file;
}

static void on_written(void *user)
{
	struct writing *w = user;
	struct dumper *d = w->dumper;

	take_result(d, w->result, w->dir);
	if (w->generation != 0)
		note_failure(d, w->result, w->file);
	d->shown = w->result == 0 ? w->generation : 0;
	writing_free(TAKE(d->writing));
	if (d->written_at)
		d->written_at = loop_now(d->loop);
	if (d->sm)
		look(d);
	d->written(d->user);
}

static int begin_writing(struct dumper *d)
{
	AUTO(writing_freep) struct writing *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->dumper = d;
	w->generation = d->generation;
	snprintf(w->dir, sizeof(w->dir), "%s", d->dir);
	r = picture_take(d->sm, &w->picture);
	if (r == 0)
		r = loop_job(d->loop, run, on_written, w);
	if (r == 0)
		d->writing = TAKE(w);

	return r;
}

/* -- when ---------------------------------------------------------------------------------------
 */

static void forget(struct dumper *d)
{
	d->sm = NULL;
	d->shown = 0;
	d->failure = 0;
	d->written_at = 0;
	d->waiting_since = 0;
	if (d->writing)
		d->writing->generation = 0;
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
	bool is_new, is_due;
	int r;

	if (d->writing)
		return;
	sm_status(d->sm, &status);
	is_new = d->written_at == 0 || status.generation != d->generation;
	is_due = status.state == SM_MASTER && (is_new || status.names != d->names || d->result < 0);
	if (is_due && has_to_wait(d, &status))
		return;
	d->waiting_since = 0;
	if (!is_due)
		return;
	if (!is_new && loop_now(d->loop) < d->written_at + PAUSE) {
		loop_timer_set(d->timer, d->written_at + PAUSE);
		return;
	}
	d->generation = status.generation;
	d->names = status.names;
	d->written_at = loop_now(d->loop);
	loop_timer_stop(d->timer);
	r = begin_writing(d);
	if (r < 0) {
		take_result(d, r, d->dir);
		note_failure(d, r, NULL);
		loop_timer_set(d->timer, d->written_at + PAUSE);
	} else if (d->shown != d->generation) {
		d->shown = 0; /* file by file they become others */
	}
}

static void on_time(void *user)
{
	look(user);
}

void dumper_look(struct dumper *d, const struct sm *sm, const char *dir)
{
	/* There may be anything in another directory. */
	if (!sm || dir[0] == 0 || strcmp(dir, d->dir) != 0)
		forget(d);
	if (!sm || dir[0] == 0)
		return;
	d->sm = sm;
	snprintf(d->dir, sizeof(d->dir), "%s", dir);
	look(d);
}

bool dumper_is_busy(const struct dumper *d)
{
	return d->writing || d->waiting_since != 0;
}

uint64_t dumper_shows(const struct dumper *d)
{
	return d->shown;
}

bool dumper_failed(const struct dumper *d, struct dump_failure *ret)
{
	if (d->failure == 0)
		return false;
	*ret = (struct dump_failure){ .dir = d->dir,
				      .file = d->failed,
				      .error = d->failure,
				      .again = d->writing ? 0 : d->written_at + PAUSE };

	return true;
}

int dumper_new(struct loop *loop, void (*written)(void *user), void *user, struct dumper **ret)
{
	struct dumper *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->written = written;
	d->user = user;
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
	free(d); /* and not what is being written, which a thread has */
}
