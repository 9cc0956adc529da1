/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A disk that fails when told to: a layer between SQLite and its files. It also knows what would be
 * left after a power failure, namely what was synchronized.
 */

#include <stdbool.h>
#include <stdint.h>

struct bad_disk {
	int write_result; /* SQLITE_OK, or what writing gives */
	int sync_result;
	int read_result;
	int open_result;
	int system_errno;  /* behind the results */
	uint64_t n_writes; /* so far */
	uint64_t n_syncs;
	uint64_t writes_left; /* good ones before write_result counts */
	const char *shadow;   /* directory for what is synchronized, NULL: none */
};

/* The one disk; all of SQLite's files are on it from the first call on. */
struct bad_disk *bad_disk_get(void);
