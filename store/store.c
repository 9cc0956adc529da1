/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From the loop to the disk without making it wait. What is kept gathers in a batch; one job at a
 * time writes one batch as one transaction. So the slower the disk, the larger the batches: ten
 * thousand values cost two or three synchronizations and not ten thousand.
 *
 * A batch that fails stays as it is and is tried again, with back-off, until the disk takes it;
 * what comes meanwhile gathers in the next one. So what is on disk is at any time a prefix of what
 * was handed over. While the disk fails, keep_after() answers soon, with the failure: somebody may
 * be waiting to set an M_Key, and can do something better than wait.
 *
 * A change of a partition is not tried again: whoever asked for it has been told that it failed,
 * and must not find it done later. So its rows leave the batch before anybody is told.
 *
 * What is handed over, value by value, is in keeper.c; what the job touches is apart, in writer.c.
 * Nothing here knows SQLite (database.c does) or what values mean.
 */

#include "store/store-inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "sm/identity.h"
#include "store/database.h"
#include "store/guid2lid.h"
#include "store/state-dir.h"

#define RETRY_FIRST (1 * LOOP_SEC)
#define RETRY_LAST  (60 * LOOP_SEC)

/* ---- afters ---------------------------------------------------------------------------------- */

static void move_all(struct list *from, struct list *to)
{
	struct list *link;

	while ((link = list_take_first(from)))
		list_add_tail(to, link);
}

/* Their functions may hand over more, or cancel others: so these are in a ring of their own. */
static void answer_due(struct store *store, int result)
{
	struct list *link;

	while ((link = list_take_first(&store->due_afters))) {
		struct after *after = LIST_ENTRY(link, struct after, link);
		int r = after->result < 0 ? after->result : result;

		after->fn(after->user, r);
		free(after);
	}
}

static void free_all(struct list *afters)
{
	struct list *link;

	while ((link = list_take_first(afters)))
		free(LIST_ENTRY(link, struct after, link));
}

/* ---- batches --------------------------------------------------------------------------------- */

static void on_written(void *user);
static void give_next_batch(struct store *store);

void store_wake(struct store *store)
{
	if (store->is_soon)
		return;
	store->is_soon = true;
	loop_timer_set(store->soon, loop_now(store->loop));
}

void store_say_aside(const struct database_report *report)
{
	if (report->aside[0])
		log_error("%s; what it held is forgotten", report->aside);
}

static void say_result(struct store *store, int result)
{
	const struct database_report *report = &store->writer->report;

	store_say_aside(report);
	if (result < 0 && result != store->failure) {
		snprintf(store->trouble, sizeof(store->trouble),
			 "Cannot write to " DATABASE_NAME " in %s%s: %s", store->writer->dir,
			 store->writer->batch.n_rows > 0 ? ", trying again until it works" : "",
			 report->why);
		log_error("%s", store->trouble);
	}
	if (result == 0 && store->failure < 0)
		log_notice("Writing to " DATABASE_NAME " in %s works again", store->writer->dir);
	if (result == 0)
		store->trouble[0] = 0;
}

static void drop_steps(struct store *store)
{
	batch_drop_steps(&store->writer->batch, 0);
	batch_drop_steps(&store->batch, 0);
}

/* Nothing but changes failed: there is nothing to try again, and the next change shall be tried. */
static void give_up_changes(struct store *store, int result)
{
	batch_done(&store->writer->batch);
	store->trouble[0] = 0;
	move_all(&store->afters, &store->due_afters);
	if (store->batch.n_rows > 0)
		give_next_batch(store);
	else if (!list_is_empty(&store->next_afters))
		store_wake(store);
	answer_due(store, result);
}

/* Also those that wait for the next batch are told: what failed was handed over before them. */
static void batch_failed(struct store *store, int result)
{
	batch_drop_steps(&store->writer->batch, 0);
	say_result(store, result);
	if (store->writer->batch.n_rows == 0 && store->failure == 0) {
		give_up_changes(store, result);
		return;
	}
	move_all(&store->next_afters, &store->afters);
	move_all(&store->afters, &store->next_afters);
	store->failure = result;
	store->backoff = store->backoff ? MIN(2 * store->backoff, RETRY_LAST) : RETRY_FIRST;
	loop_timer_set(store->retry, loop_now(store->loop) + store->backoff);
	store_wake(store);
}

/* The batch at the writer goes to a job. */
static void give_job(struct store *store)
{
	struct writer *writer = store->writer;
	int r;

	writer_set_state(writer, WRITER_GIVEN);
	r = loop_job(store->loop, writer_run, on_written, writer);
	if (r == 0) {
		store->is_writing = true;
		return;
	}
	writer_set_state(writer, WRITER_IDLE);
	writer->report = (struct database_report){ 0 };
	snprintf(writer->report.why, WHY_SIZE, "there is no thread for it: %s", strerror(-r));
	batch_failed(store, r);
}

static void give_next_batch(struct store *store)
{
	store->writer->batch = store->batch;
	store->batch = (struct batch){ 0 };
	move_all(&store->next_afters, &store->afters);
	give_job(store);
}

static void batch_written(struct store *store)
{
	move_all(&store->afters, &store->due_afters);
	say_result(store, 0);
	batch_done(&store->writer->batch);
	store->failure = 0;
	store->backoff = 0;
	store->has_refused = false;
	if (store->batch.n_rows > 0)
		give_next_batch(store);
	else
		store_wake(store);
	answer_due(store, 0);
}

static void on_written(void *user)
{
	struct writer *writer = user;
	struct store *store = writer->store;

	if (!store) {
		writer_free(writer);
		return;
	}
	writer_set_state(writer, WRITER_IDLE);
	store->is_writing = false;
	if (writer->result < 0)
		batch_failed(store, writer->result);
	else
		batch_written(store);
}

/*
 * What was handed over in an earlier callback, which may have been a burst, goes to the writer. If
 * there is nothing to write, or no use in waiting for it, there may be somebody to answer.
 */
static void on_soon(void *user)
{
	struct store *store = user;

	store->is_soon = false;
	if (store->is_writing)
		return;
	if (store->failure == 0 && store->batch.n_rows > 0) {
		give_next_batch(store);
		return;
	}
	drop_steps(store);
	move_all(&store->next_afters, &store->due_afters);
	answer_due(store, store->failure);
}

static void on_retry(void *user)
{
	give_job(user);
}

const char *store_trouble(const struct store *store)
{
	return store->trouble[0] ? store->trouble : NULL;
}

struct keeper *store_keeper(struct store *store)
{
	return &store->keeper;
}

bool store_is_empty(const struct store *store)
{
	return !store->has_identities;
}

/* ---- opening and closing --------------------------------------------------------------------- */

/* The disk may be full when we start: then there is nothing to read, and what comes waits. */
static int open_database(struct store *store, char why[static WHY_SIZE])
{
	struct writer *writer = store->writer;
	int r = writer_connect(writer);

	store_say_aside(&writer->report);
	if (r == 0) {
		store->has_identities = database_has_identities(writer->db);
		return 0;
	}
	if ((r == -ENOSPC || r == -EDQUOT) && writer->report.is_new) {
		snprintf(store->trouble, sizeof(store->trouble),
			 "Cannot make " DATABASE_NAME " in %s, starting without it: %s",
			 writer->dir, writer->report.why);
		log_error("%s", store->trouble);
		return 0;
	}
	if (r == -EBUSY)
		snprintf(why, WHY_SIZE, DATABASE_NAME " in %.150s is in use by another program",
			 writer->dir);
	else
		snprintf(why, WHY_SIZE, "cannot open " DATABASE_NAME " in %.80s: %.140s",
			 writer->dir, writer->report.why);

	return r;
}

static void store_free(struct store *store)
{
	loop_timer_free(store->soon);
	loop_timer_free(store->retry);
	free_all(&store->afters);
	free_all(&store->next_afters);
	batch_done(&store->batch);
	writer_free(store->writer);
	closep(&store->lock);
	free(store);
}

static void store_freep(struct store **store)
{
	if (*store)
		store_free(*store);
}

static int store_new(struct loop *loop, const char *dir, struct store **ret)
{
	AUTO(store_freep) struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return -ENOMEM;
	store->keeper.ops = &store_keeper_ops;
	store->loop = loop;
	store->lock = -1;
	list_init(&store->afters);
	list_init(&store->next_afters);
	list_init(&store->due_afters);
	r = writer_new(dir, &store->writer);
	if (r == 0)
		r = loop_timer_new(loop, on_soon, store, &store->soon);
	if (r == 0)
		r = loop_timer_new(loop, on_retry, store, &store->retry);
	if (r < 0)
		return r;
	store->writer->store = store;
	*ret = TAKE(store);

	return 0;
}

int store_open(struct loop *loop, const char *dir, char why[static 256], struct store **ret)
{
	AUTO(store_freep) struct store *store = NULL;
	int r;

	r = store_new(loop, dir, &store);
	if (r < 0) {
		snprintf(why, WHY_SIZE, "%s", strerror(-r));
		return r;
	}
	r = state_dir_open(dir, why, &store->lock);
	if (r == 0)
		r = open_database(store, why);
	if (r == 0)
		*ret = TAKE(store);

	return r;
}

/* What the writer has, and what would come next, here and now. The loop has no part in it. */
static int write_now(struct store *store)
{
	struct writer *writer = store->writer;

	for (;;) {
		if (writer->batch.n_rows > 0)
			writer_write(writer);
		if (writer->batch.n_rows > 0 && writer->result < 0)
			return writer->result;
		batch_done(&writer->batch);
		if (store->batch.n_rows == 0)
			return 0;
		writer->batch = store->batch;
		store->batch = (struct batch){ 0 };
	}
}

void store_close(struct store *store)
{
	struct writer *writer;

	if (!store)
		return;
	writer = store->writer;
	if (store->is_writing && writer_wait(writer))
		batch_done(&writer->batch);
	if (write_now(store) < 0)
		log_error("%" PRIu32 " values are lost, for " DATABASE_NAME
			  " in %s cannot be written: %s",
			  writer->batch.n_rows + store->batch.n_rows, writer->dir,
			  writer->report.why);
	store_say_aside(&writer->report);
	if (store->is_writing)
		writer_abandon(TAKE(store->writer)); /* on_written() frees it */
	store_free(store);
}

/* ---- import ---------------------------------------------------------------------------------- */

static int import_lids(void *user, uint64_t guid, uint16_t lid_min, uint16_t lid_max)
{
	struct store *store = user;
	struct kept_identity identity = { .guid = guid, .lid = lid_min };

	/* The importer lets only powers of two through. */
	while (lid_min + (1 << identity.lmc) - 1 < lid_max)
		identity.lmc++;

	return keep_identity(&store->keeper, &identity);
}

int store_import_guid2lid(struct store *store, const char *path, struct guid2lid_counts *ret)
{
	int r;

	if (!store_is_empty(store) || store->was_written)
		return -EEXIST;
	r = guid2lid_import(path, import_lids, store, ret);
	if (r == 0)
		r = write_now(store);
	if (r < 0) {
		if (r != -ENOENT)
			log_error("Cannot import LIDs from %s: %s", path,
				  store->writer->result < 0 ? store->writer->report.why
							    : file_reason(r));
		batch_done(&store->batch);
		batch_done(&store->writer->batch);
		store->has_identities = false;
	}
	store->was_written = false;

	return r;
}
