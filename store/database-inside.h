/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What store/database.c, which opens, and store/rows.c, which reads and writes, have in common.
 */

#include <sqlite3.h>
#include <stdbool.h>

#include "store/batch.h"
#include "store/database.h"

struct database {
	sqlite3 *sql;
	sqlite3_stmt *put[ROW_KIND_COUNT];
	sqlite3_stmt *forget[ROW_KIND_COUNT]; /* NULL: such are not forgotten */
	sqlite3_stmt *forget_members;         /* of one partition */
	int64_t version;                      /* of the schema */
	bool is_settled;                      /* see database_settle() */
	bool is_prepared;                     /* see database_prepare() */
};

static inline void database_finalizep(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

/* The result @rc of the last call as -errno, and in words of SQLite and the system. */
int database_explain(sqlite3 *sql, int rc, struct database_report *report);

/* Makes sure that what can be read is on disk. 0 or -errno. */
int database_settle(struct database *db, struct database_report *report);

/* Of its schema: those of the first so many kinds of rows. */
size_t database_n_tables(const struct database *db);

/* Brings an older schema up to ours. 0 or -errno. */
int database_upgrade(struct database *db, struct database_report *report);

/* Upgrades, and makes the statements that write. 0 or -errno. */
int database_prepare(struct database *db, struct database_report *report);
