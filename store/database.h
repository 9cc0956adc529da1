/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The file vsm.db, for store/store.c alone. One thread at a time; which one does not matter. All
 * but the constructor take a database that is open.
 */

#include <stdbool.h>

#include "sm/keep.h"
#include "store/batch.h"
#include "store/state-dir.h"

struct database;

/* Sentences without a full stop, for the log; empty: nothing to say. */
struct database_report {
	char why[WHY_SIZE];   /* what failed */
	char aside[WHY_SIZE]; /* what was found damaged, and where it is now */
	bool is_new;          /* what could not be opened holds nothing yet */
};

/*
 * Opens or makes the file in a directory that is locked. A damaged one is set aside and an empty
 * one made. -EPROTO: a later version of vsm wrote it; -EBUSY: another program has it; else -errno.
 */
int database_open(const char *dir, struct database_report *report, struct database **ret);

/* Takes NULL. */
void database_close(struct database *db);

/*
 * Write all of @batch or nothing; if 0, it is on disk and stays there. Otherwise -errno (-EBADMSG:
 * the file is damaged), and the database should be closed and opened again before the next try.
 */
int database_write(struct database *db, const struct batch *batch, struct database_report *report);

/* True if the file is no longer the one that the directory has under its name. */
bool database_is_moved(struct database *db);

bool database_has_identities(struct database *db);

/* What the database holds, without rows that cannot be right; those are logged. */
void database_read(struct database *db, const struct keep_reader *reader, void *user);
