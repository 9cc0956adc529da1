/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A database, one batch for it and the job that writes it, for store/store.c alone.
 */

#include <pthread.h>
#include <stdbool.h>

#include "store/batch.h"
#include "store/database.h"

struct store;

enum writer_state {
	WRITER_IDLE,
	WRITER_GIVEN, /* a job is to run */
	WRITER_RUNS,
	WRITER_RAN, /* and its done() is to come */
};

struct writer {
	pthread_mutex_t lock; /* of state */
	pthread_cond_t ran;
	enum writer_state state;

	/* The job's while it runs, the loop's otherwise. */
	char *dir;
	struct database *db; /* NULL: could not be opened, or failed */
	struct batch batch;
	struct database_report report;
	int result;

	struct store *store; /* NULL: closed. The loop's. */
};

/* Opens nothing yet. @dir is copied. 0 or -ENOMEM. */
int writer_new(const char *dir, struct writer **ret);

/* Takes NULL. */
void writer_free(struct writer *writer);

/* Opens the database if it is not, or is no longer the file of that name. As database_open(). */
int writer_connect(struct writer *writer);

/* Writes the batch, which stays: writer->result and ->report. On any thread, one at a time. */
void writer_write(struct writer *writer);

/* The job: as writer_write(), if the state is WRITER_GIVEN. @user is a writer. */
void writer_run(void *user);

void writer_set_state(struct writer *writer, enum writer_state state);

/* The job ends, or will find that there is nothing to do. True if it wrote the batch. */
bool writer_wait(struct writer *writer);

/* The store is closed before done() came, which is to free the rest. */
void writer_abandon(struct writer *writer);
