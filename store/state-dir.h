/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state directory: that it is there, that nobody else uses it, and the names in it.
 * Results are 0 or -errno with one sentence, without a full stop, in @why.
 */

#define WHY_SIZE 256

#define DATABASE_NAME "vsm.db"
#define LOCK_NAME     "vsm.lock"

/*
 * Makes @dir (0700, not its parents) if it is missing, and locks it until *ret is closed or the
 * process is gone. -EBUSY if another process has it.
 */
int state_dir_open(const char *dir, char why[static WHY_SIZE], int *ret_lock);

/*
 * Makes sure that @dir has a regular file vsm.db that nobody else may read; a new one is empty.
 * -EBADMSG: it lost its content.
 */
int state_dir_prepare_file(const char *dir, char why[static WHY_SIZE]);

/* Renames vsm.db and its companions to vsm.db.damaged-<n>; @ret is the new name, in @dir. */
int state_dir_set_aside(const char *dir, char why[static WHY_SIZE], char ret[static WHY_SIZE]);
