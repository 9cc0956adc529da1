/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SQLite, in the one way that keeps the promise of keep_after(): a write-ahead log that is
 * synchronized before a commit returns (synchronous=FULL; with NORMAL a power failure may take the
 * last commits, and an M_Key that is lost after a port has it locks us out of that port).
 *
 * The file is ours alone while we run (locking_mode=EXCLUSIVE). That also saves the shared memory
 * file, which is mapped, and a mapped file on a full disk ends in SIGBUS.
 *
 * On opening, the file is hostile: it is checked page by page, it must say that it is ours, and its
 * tables must be the text below to the letter, so there are no triggers or views in it. A schema
 * that we do not know because it is newer is not touched, an older one is brought up to ours before
 * the first write. Values are checked when they are read and not by constraints (rows.c): a row
 * that cannot be right should cost that row, not the file.
 */

#include "store/database.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "store/database-inside.h"

#define APPLICATION_ID 0x56534d64 /* "VSMd" */
#define SCHEMA_VERSION 7

/*
 * Far above what a fabric needs (49,151 LIDs, each with an M_Key and 400 bytes: 30 MB; a million
 * members of partitions: 30 MB; a million members of multicast groups: 100 MB).
 */
#define FILE_MAX  (512 * 1024 * 1024)
#define PAGE_SIZE 4096

/* After a batch is in the database itself, its log shrinks to this. */
#define LOG_KEPT (8 * 1024 * 1024)

/* Another program that looks into the file at the start is waited for, so many milliseconds. */
#define BUSY_MSEC 2000

static const char *const tables[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] =
		"CREATE TABLE identity (guid INTEGER PRIMARY KEY, lid INTEGER, lmc INTEGER)",
	[ROW_MKEY] = "CREATE TABLE mkey (guid INTEGER PRIMARY KEY, mkey INTEGER, other INTEGER "
		     "DEFAULT 0)",
	[ROW_QUIRKS] = "CREATE TABLE quirks (guid INTEGER PRIMARY KEY, content BLOB)",
	[ROW_RESERVATION] =
		"CREATE TABLE reservation (guid INTEGER PRIMARY KEY, lid INTEGER, places BLOB, "
		"name TEXT)",
	[ROW_ALIAS] = "CREATE TABLE alias (guid INTEGER PRIMARY KEY, port INTEGER, place INTEGER, "
		      "wanted INTEGER)",
	[ROW_SPARES] = "CREATE TABLE spare (guid INTEGER PRIMARY KEY, lids BLOB)",
	[ROW_MOVE] = "CREATE TABLE move (guid INTEGER PRIMARY KEY, port INTEGER)",
	[ROW_PARTITION] = "CREATE TABLE partition (pkey INTEGER PRIMARY KEY, name TEXT)",
	[ROW_MEMBER] = "CREATE TABLE member (pkey INTEGER, guid INTEGER, membership INTEGER, "
		       "index0 INTEGER, PRIMARY KEY (pkey, guid)) WITHOUT ROWID",
	[ROW_REGISTRATION] = "CREATE TABLE registration (id INTEGER PRIMARY KEY, expires INTEGER, "
			     "content BLOB)",
};

/* Tables came one after another: so many had each schema, and that stays so. */
static const size_t n_tables_of[SCHEMA_VERSION + 1] = {
	[1] = ROW_RESERVATION,      [2] = ROW_RESERVATION, [3] = ROW_ALIAS,
	[4] = ROW_SPARES,           [5] = ROW_PARTITION,   [6] = ROW_REGISTRATION,
	[7] = ROW_REGISTRATION + 1,
};

_Static_assert(SCHEMA_VERSION == 7 && ROW_KIND_COUNT == ROW_REGISTRATION + 1,
	       "a new kind of row comes last, and with a schema of its own");

/* Schema 1 had one M_Key in a row; the upgrade makes the text above of it. */
static const char mkey_table_1[] = "CREATE TABLE mkey (guid INTEGER PRIMARY KEY, mkey INTEGER)";
static const char upgrade_1[] = "BEGIN IMMEDIATE;"
				"ALTER TABLE mkey ADD COLUMN other INTEGER DEFAULT 0;"
				"PRAGMA user_version = 2; COMMIT";

/* ---- results --------------------------------------------------------------------------------- */

/* Why the last access to a file failed. SQLite forgets that of a COMMIT, its log file does not. */
static int ask_errno(sqlite3 *sql)
{
	int error = sqlite3_system_errno(sql);
	sqlite3_file *log = NULL;

	if (error == 0)
		sqlite3_file_control(sql, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);

	return error > 0 && error != EAGAIN ? -error : -EIO;
}

/* The result @rc of the last call, as -errno. */
static int to_errno(sqlite3 *sql, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return ask_errno(sql);
	}
}

int database_explain(sqlite3 *sql, int rc, struct database_report *report)
{
	int r = to_errno(sql, rc);
	bool system = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;

	snprintf(report->why, WHY_SIZE, "%s%s%s", sqlite3_errmsg(sql), system ? ": " : "",
		 system ? strerror(-r) : "");

	return r;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int execute(struct database *db, const char *sql, struct database_report *report)
{
	int rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : database_explain(db->sql, rc, report);
}

/* The first column of the first row of @sql as text, empty if there is none. */
static int ask_text(struct database *db, const char *sql, char ret[static WHY_SIZE],
		    struct database_report *report)
{
	AUTO(database_finalizep) sqlite3_stmt *stmt = NULL;
	const unsigned char *text = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return database_explain(db->sql, rc, report);
	if (rc == SQLITE_ROW)
		text = sqlite3_column_text(stmt, 0);
	snprintf(ret, WHY_SIZE, "%s", text ? (const char *)text : "");

	return 0;
}

static int ask_number(struct database *db, const char *sql, struct database_report *report,
		      int64_t *ret)
{
	char text[WHY_SIZE];
	int r = ask_text(db, sql, text, report);

	if (r == 0)
		*ret = strtoll(text, NULL, 10);

	return r;
}

static int damaged(struct database_report *report, const char *why)
{
	snprintf(report->why, WHY_SIZE, "%s", why);

	return -EBADMSG;
}

/* Before anything else is believed. Does not write. */
static int check_pages(struct database *db, struct database_report *report)
{
	char text[WHY_SIZE];
	int64_t n_pages = 0;
	int r;

	r = ask_number(db, "PRAGMA page_count", report, &n_pages);
	if (r < 0)
		return r;
	if (n_pages > FILE_MAX / PAGE_SIZE)
		return damaged(report, "it is larger than vsm makes it");
	r = ask_text(db, "PRAGMA quick_check(1)", text, report);
	if (r < 0)
		return r;
	/* It begins with a headline when it has found something. */
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;

	return strcmp(text, "ok") == 0 ? 0 : damaged(report, text);
}

size_t database_n_tables(const struct database *db)
{
	return n_tables_of[db->version];
}

static const char *table_of(const struct database *db, size_t i)
{
	return i == ROW_MKEY && db->version == 1 ? mkey_table_1 : tables[i];
}

static bool is_table(const struct database *db, const char *sql)
{
	for (size_t i = 0; i < database_n_tables(db); i++)
		if (sql && strcmp(sql, table_of(db, i)) == 0)
			return true;

	return false;
}

/* No two tables have the same text, so all of them there and nothing else is what we made. */
static int check_tables(struct database *db, struct database_report *report)
{
	AUTO(database_finalizep) sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, "SELECT sql FROM sqlite_schema", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return database_explain(db->sql, rc, report);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!is_table(db, (const char *)sqlite3_column_text(stmt, 0)))
			return damaged(report, "it has tables that are not ours");
		n++;
	}
	if (rc != SQLITE_DONE)
		return database_explain(db->sql, rc, report);

	return n == database_n_tables(db) ? 0 : damaged(report, "it lacks tables");
}

/* @ret_new: there is nothing in it, not even the mark that it is ours. */
static int check_owner(struct database *db, struct database_report *report, bool *ret_new)
{
	int64_t application = 0;
	int64_t version = 0;
	int64_t n_things = 0;
	int r;

	r = ask_number(db, "PRAGMA application_id", report, &application);
	if (r == 0)
		r = ask_number(db, "PRAGMA user_version", report, &version);
	if (r == 0)
		r = ask_number(db, "SELECT count(*) FROM sqlite_schema", report, &n_things);
	if (r < 0)
		return r;

	*ret_new = application == 0 && version == 0 && n_things == 0;
	if (*ret_new)
		return 0;
	if (application != APPLICATION_ID)
		return damaged(report, "it is a database of another program");
	if (version > SCHEMA_VERSION) {
		snprintf(report->why, WHY_SIZE,
			 "it has schema %" PRId64 " of a later vsm, and this one knows up to %d",
			 version, SCHEMA_VERSION);
		return -EPROTO;
	}
	if (version < 1)
		return damaged(report, "it has a schema that never was");
	db->version = version;

	return check_tables(db, report);
}

static int make_tables(struct database *db, struct database_report *report)
{
	char sql[128];
	int r = execute(db, "BEGIN IMMEDIATE", report);

	for (size_t i = 0; r == 0 && i < COUNT(tables); i++)
		r = execute(db, tables[i], report);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		 APPLICATION_ID, SCHEMA_VERSION);

	if (r == 0)
		r = execute(db, sql, report);
	if (r == 0)
		db->version = SCHEMA_VERSION;

	return r;
}

/* The next schema has more tables, and is the same otherwise. */
static int add_tables(struct database *db, struct database_report *report)
{
	char sql[64];
	int r = execute(db, "BEGIN IMMEDIATE", report);

	for (size_t i = n_tables_of[db->version]; r == 0 && i < n_tables_of[db->version + 1]; i++)
		r = execute(db, tables[i], report);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; COMMIT", (int)db->version + 1);

	return r == 0 ? execute(db, sql, report) : r;
}

int database_upgrade(struct database *db, struct database_report *report)
{
	while (db->version < SCHEMA_VERSION) {
		int r = db->version == 1 ? execute(db, upgrade_1, report) : add_tables(db, report);

		if (r < 0) {
			if (!sqlite3_get_autocommit(db->sql))
				sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
			return r;
		}
		db->version++;
	}

	return 0;
}

/*
 * What makes a commit last, and stays within limits. The first write to a file that was new, whose
 * mark that it has a log has no journal of its own: there is nothing yet that could be lost.
 */
static int set_up(struct database *db, struct database_report *report)
{
	char text[WHY_SIZE];
	char sql[128];
	int r = 0;

	if (report->is_new)
		r = execute(db, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF", report);
	if (r == 0)
		r = ask_text(db, "PRAGMA journal_mode = WAL", text, report);
	if (r < 0)
		return r;
	if (strcmp(text, "wal") != 0) {
		snprintf(report->why, WHY_SIZE, "SQLite cannot keep a write-ahead log here");
		return -ENOTSUP;
	}
	snprintf(sql, sizeof(sql),
		 "PRAGMA synchronous = FULL; PRAGMA max_page_count = %d;"
		 "PRAGMA journal_size_limit = %d",
		 FILE_MAX / PAGE_SIZE, LOG_KEPT);

	return execute(db, sql, report);
}

/*
 * A writer that was killed, or whose synchronization failed, leaves a log of which we see more than
 * may be on disk. If the next batch found its values there and so had nothing to write, nothing
 * would ever be synchronized. So the log is brought into the database first.
 */
int database_settle(struct database *db, struct database_report *report)
{
	int rc;

	if (db->is_settled)
		return 0;
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		return database_explain(db->sql, rc, report);
	db->is_settled = true;

	return 0;
}

static int connect_to(struct database *db, const char *path, struct database_report *report)
{
	int rc = sqlite3_open_v2(
		path, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		NULL);

	if (rc != SQLITE_OK && db->sql)
		return database_explain(db->sql, rc, report);
	if (rc != SQLITE_OK)
		return -ENOMEM;

	sqlite3_busy_timeout(db->sql, BUSY_MSEC);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);

	return execute(db,
		       "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;"
		       "PRAGMA temp_store = MEMORY",
		       report);
}

static int check_and_prepare(struct database *db, struct database_report *report)
{
	int r;

	r = check_pages(db, report);
	if (r == 0)
		r = check_owner(db, report, &report->is_new);
	if (r == 0)
		r = set_up(db, report);
	if (r == 0 && report->is_new)
		r = make_tables(db, report);
	if (r == 0)
		r = database_settle(db, report);
	if (r == 0)
		r = database_prepare(db, report);

	/* A disk that has no room, for what the log says or an upgrade, can still be read. */
	return r == -ENOSPC && !report->is_new ? 0 : r;
}

static void database_closep(struct database **db)
{
	database_close(*db);
}

/* -EBADMSG: the file is there and of no use. */
static int try_open(const char *dir, struct database_report *report, struct database **ret)
{
	AUTO(database_closep) struct database *db = NULL;
	AUTO(freep) char *path = NULL;
	int r;

	r = state_dir_prepare_file(dir, report->why);
	if (r < 0)
		return r;
	db = calloc(1, sizeof(*db));
	if (!db || asprintf(&path, "%s/" DATABASE_NAME, dir) < 0)
		return -ENOMEM;
	r = connect_to(db, path, report);
	if (r == 0)
		r = check_and_prepare(db, report);
	if (r == 0)
		*ret = TAKE(db);

	return r;
}

int database_open(const char *dir, struct database_report *report, struct database **ret)
{
	char reason[WHY_SIZE];
	char name[WHY_SIZE];
	int r;

	*report = (struct database_report){ 0 };
	r = try_open(dir, report, ret);
	if (r != -EBADMSG)
		return r;

	snprintf(reason, sizeof(reason), "%s", report->why);
	r = state_dir_set_aside(dir, report->why, name);
	if (r < 0)
		return r;
	report->why[0] = '\0';
	snprintf(report->aside, WHY_SIZE,
		 DATABASE_NAME " in %.80s is damaged (%.100s) and is now named %.32s", dir, reason,
		 name);
	r = try_open(dir, report, ret);

	return r == -EBADMSG ? -EIO : r;
}

void database_close(struct database *db)
{
	if (!db)
		return;
	for (size_t kind = 0; kind < ROW_KIND_COUNT; kind++) {
		sqlite3_finalize(db->put[kind]);
		sqlite3_finalize(db->forget[kind]);
	}
	sqlite3_finalize(db->forget_members);
	sqlite3_close(db->sql);
	free(db);
}

bool database_is_moved(struct database *db)
{
	int moved = 0;

	sqlite3_file_control(db->sql, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);

	return moved != 0;
}

bool database_has_identities(struct database *db)
{
	struct database_report report;
	int64_t has = 1;

	if (ask_number(db, "SELECT EXISTS (SELECT 1 FROM identity)", &report, &has) < 0)
		log_error("Cannot read table identity of " DATABASE_NAME ": %s", report.why);

	return has != 0;
}
