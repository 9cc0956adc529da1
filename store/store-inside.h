/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The inside of the store, for store.c and keeper.c. */

#include "base/list.h"
#include "base/loop.h"
#include "sm/keep.h"
#include "store/batch.h"
#include "store/database.h"
#include "store/store.h"
#include "store/writer.h"

struct store {
	struct keeper keeper;
	struct loop *loop;
	struct loop_timer *soon;  /* something to begin or to answer */
	struct loop_timer *retry; /* set while the disk fails */
	struct writer *writer;
	int lock;

	struct batch batch;      /* the next one */
	struct list next_afters; /* that wait for the next batch */
	struct list afters;      /* that wait for the batch at the writer */
	struct list due_afters;  /* that are being answered */

	int failure;       /* -errno while the disk fails */
	char trouble[512]; /* what is said of that then; or empty */
	int refused;       /* -errno for the next keep_after(): something was not even taken */
	uint64_t backoff;
	bool is_writing; /* the writer has a batch and on_written() is to come */
	bool is_soon;
	bool has_refused; /* which is said once */
	bool has_identities;
	bool was_written; /* the time for reading is over */
};

/* A call of keep_after(). */
struct after {
	struct list link;
	void (*fn)(void *user, int result);
	void *user;
	int result;
};

extern const struct keeper_ops store_keeper_ops;

/* Say that something was set aside, if it was. */
void store_say_aside(const struct database_report *report);

/* There is something to write, or somebody to answer. */
void store_wake(struct store *store);
