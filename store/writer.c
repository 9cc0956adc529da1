/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The half of the store that works on another thread. A job cannot be called back, and when the
 * store is closed its done() may still come, or never. So what a job touches is here, and lives
 * until the last of the two lets go; the mutex is for the one question that both may ask at the
 * same time, namely who writes the batch.
 *
 * A database that failed is closed, and the next attempt opens and checks it again: after an error
 * we would rather read what is on disk than believe what SQLite remembers.
 */

#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	database_close(writer->db);
	batch_done(&writer->batch);
	pthread_cond_destroy(&writer->ran);
	pthread_mutex_destroy(&writer->lock);
	free(writer->dir);
	free(writer);
}

int writer_new(const char *dir, struct writer **ret)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->ran, NULL);
	writer->dir = strdup(dir);
	if (!writer->dir) {
		writer_free(writer);
		return -ENOMEM;
	}
	*ret = writer;

	return 0;
}

/* A file that somebody removed or replaced would take all we write and keep nothing. */
int writer_connect(struct writer *writer)
{
	bool moved = writer->db && database_is_moved(writer->db);
	int r;

	if (writer->db && !moved)
		return 0;
	database_close(TAKE(writer->db));
	r = database_open(writer->dir, &writer->report, &writer->db);
	if (r < 0 && !writer->report.why[0])
		snprintf(writer->report.why, WHY_SIZE, "%s", strerror(-r));
	if (moved && !writer->report.aside[0])
		snprintf(writer->report.aside, WHY_SIZE,
			 DATABASE_NAME " in %.150s was removed or replaced", writer->dir);

	return r;
}

void writer_write(struct writer *writer)
{
	int r;

	writer->report = (struct database_report){ 0 };
	r = writer_connect(writer);
	if (r == 0)
		r = database_write(writer->db, &writer->batch, &writer->report);
	if (r < 0 && writer->db)
		database_close(TAKE(writer->db));
	writer->result = r;
}

void writer_set_state(struct writer *writer, enum writer_state state)
{
	pthread_mutex_lock(&writer->lock);
	writer->state = state;
	pthread_cond_broadcast(&writer->ran);
	pthread_mutex_unlock(&writer->lock);
}

static bool begin(struct writer *writer)
{
	bool mine;

	pthread_mutex_lock(&writer->lock);
	mine = writer->state == WRITER_GIVEN;
	if (mine)
		writer->state = WRITER_RUNS;
	pthread_mutex_unlock(&writer->lock);

	return mine;
}

/* Nothing is left to do if the store was closed before this began. */
void writer_run(void *user)
{
	struct writer *writer = user;

	if (!begin(writer))
		return;
	writer_write(writer);
	writer_set_state(writer, WRITER_RAN);
}

bool writer_wait(struct writer *writer)
{
	bool has_run;

	pthread_mutex_lock(&writer->lock);
	while (writer->state == WRITER_RUNS)
		pthread_cond_wait(&writer->ran, &writer->lock);
	has_run = writer->state == WRITER_RAN;
	writer->state = WRITER_IDLE;
	pthread_mutex_unlock(&writer->lock);

	return has_run && writer->result == 0;
}

void writer_abandon(struct writer *writer)
{
	database_close(TAKE(writer->db));
	batch_done(&writer->batch);
	writer->store = NULL;
}
