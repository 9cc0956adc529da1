/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state directory: implements sm/keep.h on one SQLite file, vsm.db. The loop never waits for
 * the disk, but for what is done here before it runs or after it ran: opening, reading, importing,
 * closing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sm/keep.h"

struct loop;
struct store;
struct guid2lid_counts;

/* Bytes that may wait for a disk that does not take them; what comes then is refused, -ENOMEM. */
#define STORE_WAITING_MAX (64 * 1024 * 1024)

/*
 * Opens @dir, which is made if it is missing (its parents are not). A damaged file is set aside, a
 * full disk is lived with; both are logged. Otherwise -errno, and in @why one sentence without a
 * full stop: -EBUSY: another process has it; -EPROTO: it is of a later version of vsm.
 */
int store_open(struct loop *loop, const char *dir, char why[static 256], struct store **ret);

/*
 * Writes what waits, and waits for it; what the disk does not take is lost, which is logged. Calls
 * of keep_after() that are not answered yet never will be. Takes NULL. Before the loop is freed,
 * and not from within a callback of keep_after(). If a batch was being written, a few hundred
 * bytes stay with the loop until it is done; who stops in order waits for keep_after() before.
 */
void store_close(struct store *store);

/*
 * Belongs to @store. keep_read() is for the start, before the first keep_*(). keep_*() are also
 * -EINVAL for what cannot be right: GUID 0, LIDs that no port can have, a blob over
 * KEEP_QUIRKS_MAX. While the disk fails, keep_after() tells so soon, and does not wait for it.
 */
struct keeper *store_keeper(struct store *store);

/* True if no identity was ever kept here: what other subnet managers left may be imported. */
bool store_is_empty(const struct store *store);

/* While the disk does not take what is kept: a sentence why. Otherwise NULL. */
const char *store_trouble(const struct store *store);

/*
 * OpenSM's LIDs from @path into a store that is empty, written when this returns, so that
 * keep_read() has them. Bad lines are logged and left out. 0, or -errno: -ENOENT without a word if
 * there is no such file, -EEXIST if the store is not empty, else it is logged.
 */
int store_import_guid2lid(struct store *store, const char *path, struct guid2lid_counts *ret);
