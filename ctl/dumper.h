/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * When the dumps are to be written; which another thread does, from a picture of the fabric, so
 * that nobody waits for a disk.
 */

#include <stdbool.h>
#include <stdint.h>

struct dumper;
struct loop;
struct sm;

/* @written is called on the loop when dumps were written, or could not be. 0 or -ENOMEM. */
int dumper_new(struct loop *loop, void (*written)(void *user), void *user, struct dumper **ret);
/* Before the loop is, which then waits for what is being written. Takes NULL. */
void dumper_free(struct dumper *d);

/*
 * A reconcile has ended, all names have come, or @dir is another: writes dumps into @dir if it is
 * time. @dir may be empty: none are wanted. @sm stays the caller's; before it goes, look at no @sm
 * (NULL).
 */
void dumper_look(struct dumper *d, const struct sm *sm, const char *dir);

/* Dumps are being written, or are due and only names are missing: @written will be called. */
bool dumper_is_busy(const struct dumper *d);

/*
 * The generation that the files in the directory show, all of them; 0: none, as nothing was written
 * there yet, or the last writing has failed, or they are just becoming others.
 */
uint64_t dumper_shows(const struct dumper *d);

struct dump_failure {
	const char *dir;
	const char *file; /* in it; NULL: none was begun */
	int error;        /* -errno */
	uint64_t again; /* loop_now() when it is tried again at the latest, once it is the master's
			 * turn; 0: just now */
};

/* Could the last dumps not be written? Texts are valid until the loop goes on. */
bool dumper_failed(const struct dumper *d, struct dump_failure *ret);
