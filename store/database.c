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
 * that we do not know because it is newer is not touched. Values are checked when they are read and
 * not by constraints: a row that cannot be right should cost that row, not the file.
 *
 * GUIDs and M_Keys are 64 bits without sign, SQLite's integers have one: they are cast and cast
 * back, and so sort oddly, which nobody asks for.
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

#define APPLICATION_ID 0x56534d64 /* "VSMd" */
#define SCHEMA_VERSION 1

/* Far above what a fabric needs (49,151 LIDs, each with an M_Key and 400 bytes: 30 MB). */
#define FILE_MAX  (256 * 1024 * 1024)
#define PAGE_SIZE 4096

/* After a batch is in the database itself, its log shrinks to this. */
#define LOG_KEPT (8 * 1024 * 1024)

/* Another program that looks into the file at the start is waited for, so many milliseconds. */
#define BUSY_MSEC 2000

/* More rows than this that cannot be right are only counted. */
#define BAD_ROWS_SAID 10

#define LID_UNICAST_MAX 0xbfff
#define LMC_MAX         7

static const char *const tables[] = {
	"CREATE TABLE identity (guid INTEGER PRIMARY KEY, lid INTEGER, lmc INTEGER)",
	"CREATE TABLE mkey (guid INTEGER PRIMARY KEY, mkey INTEGER)",
	"CREATE TABLE quirks (guid INTEGER PRIMARY KEY, content BLOB)",
};

/* What is already there as wanted is left alone, and so is the page that it is in. */
static const char *const put_sql[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "INSERT INTO identity VALUES (?1, ?2, ?3) ON CONFLICT (guid) DO UPDATE"
			 " SET lid = ?2, lmc = ?3 WHERE lid IS NOT ?2 OR lmc IS NOT ?3",
	[ROW_MKEY] = "INSERT INTO mkey VALUES (?1, ?2) ON CONFLICT (guid) DO UPDATE"
		     " SET mkey = ?2 WHERE mkey IS NOT ?2",
	[ROW_QUIRKS] = "INSERT INTO quirks VALUES (?1, ?2) ON CONFLICT (guid) DO UPDATE"
		       " SET content = ?2 WHERE content IS NOT ?2",
};

static const char *const read_sql[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "SELECT guid, lid, lmc FROM identity",
	[ROW_MKEY] = "SELECT guid, mkey FROM mkey",
	[ROW_QUIRKS] = "SELECT guid, content FROM quirks",
};

static const char *const table_names[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "identity",
	[ROW_MKEY] = "mkey",
	[ROW_QUIRKS] = "quirks",
};

struct database {
	sqlite3 *sql;
	sqlite3_stmt *put[ROW_KIND_COUNT];
	sqlite3_stmt *forget_quirks;
	bool is_settled; /* see settle() */
};

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

/* As to_errno(), with SQLite's words, and those of the system if it has any to add. */
static int explain(sqlite3 *sql, int rc, struct database_report *report)
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

	return rc == SQLITE_OK ? 0 : explain(db->sql, rc, report);
}

static void finalizep(sqlite3_stmt **stmt)
{
	sqlite3_finalize(*stmt);
}

/* The first column of the first row of @sql as text, empty if there is none. */
static int ask_text(struct database *db, const char *sql, char ret[static WHY_SIZE],
		    struct database_report *report)
{
	AUTO(finalizep) sqlite3_stmt *stmt = NULL;
	const unsigned char *text = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return explain(db->sql, rc, report);
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

static bool is_table(const char *sql)
{
	for (size_t i = 0; i < COUNT(tables); i++)
		if (sql && strcmp(sql, tables[i]) == 0)
			return true;

	return false;
}

/* No two tables have the same text, so all of them there and nothing else is what we made. */
static int check_tables(struct database *db, struct database_report *report)
{
	AUTO(finalizep) sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, "SELECT sql FROM sqlite_schema", -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return explain(db->sql, rc, report);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!is_table((const char *)sqlite3_column_text(stmt, 0)))
			return damaged(report, "it has tables that are not ours");
		n++;
	}
	if (rc != SQLITE_DONE)
		return explain(db->sql, rc, report);

	return n == COUNT(tables) ? 0 : damaged(report, "it lacks tables");
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
	if (version != SCHEMA_VERSION)
		return damaged(report, "it has a schema that never was");

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

	return r < 0 ? r : execute(db, sql, report);
}

/* What makes a commit last, and stays within limits. The first write to a file that was new. */
static int set_up(struct database *db, struct database_report *report)
{
	char text[WHY_SIZE];
	char sql[128];
	int r;

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
static int settle(struct database *db, struct database_report *report)
{
	int rc;

	if (db->is_settled)
		return 0;
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		return explain(db->sql, rc, report);
	db->is_settled = true;

	return 0;
}

static int prepare(struct database *db, const char *sql, struct database_report *report,
		   sqlite3_stmt **ret)
{
	int rc = sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return rc == SQLITE_OK ? 0 : explain(db->sql, rc, report);
}

static int prepare_all(struct database *db, struct database_report *report)
{
	int r = prepare(db, "DELETE FROM quirks WHERE guid = ?1", report, &db->forget_quirks);

	for (size_t kind = 0; r == 0 && kind < ROW_KIND_COUNT; kind++)
		r = prepare(db, put_sql[kind], report, &db->put[kind]);

	return r;
}

static int connect_to(struct database *db, const char *path, struct database_report *report)
{
	int rc = sqlite3_open_v2(
		path, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
		NULL);

	if (rc != SQLITE_OK && db->sql)
		return explain(db->sql, rc, report);
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
		r = settle(db, report);
	/* A disk that has no room for what the log says can still be read. */
	if (r == 0 || (r == -ENOSPC && !report->is_new))
		r = prepare_all(db, report);

	return r;
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
	for (size_t kind = 0; kind < ROW_KIND_COUNT; kind++)
		sqlite3_finalize(db->put[kind]);
	sqlite3_finalize(db->forget_quirks);
	sqlite3_close(db->sql);
	free(db);
}

bool database_is_moved(struct database *db)
{
	int moved = 0;

	sqlite3_file_control(db->sql, NULL, SQLITE_FCNTL_HAS_MOVED, &moved);

	return moved != 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The statement that puts @row on disk, with its values. Blobs are not copied. */
static sqlite3_stmt *bind(struct database *db, const struct row *row)
{
	sqlite3_stmt *stmt = db->put[row->kind];

	if (row->kind == ROW_QUIRKS && row->size == 0)
		stmt = db->forget_quirks;
	else if (row->kind == ROW_QUIRKS)
		sqlite3_bind_blob(stmt, 2, row->blob, (int)row->size, SQLITE_STATIC);
	else if (row->kind == ROW_MKEY)
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->mkey);
	else {
		sqlite3_bind_int(stmt, 2, row->lid);
		sqlite3_bind_int(stmt, 3, row->lmc);
	}
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)row->guid);

	return stmt;
}

static int write_rows(struct database *db, const struct batch *batch)
{
	for (uint32_t i = 0; i < batch->n_rows; i++) {
		sqlite3_stmt *stmt = bind(db, &batch->rows[i]);
		int rc = sqlite3_step(stmt);

		sqlite3_reset(stmt);
		if (rc != SQLITE_DONE)
			return rc;
	}

	return SQLITE_OK;
}

int database_write(struct database *db, const struct batch *batch, struct database_report *report)
{
	int rc;
	int r;

	r = settle(db, report);
	if (r < 0)
		return r;
	rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = write_rows(db, batch);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;

	r = explain(db->sql, rc, report);
	if (!sqlite3_get_autocommit(db->sql))
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);

	return r;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
	const struct keep_reader *reader;
	void *user;
	uint64_t n_bad;
};

bool database_is_identity(uint64_t lid, uint64_t lmc)
{
	return lmc <= LMC_MAX && lid >= 1 && lid <= LID_UNICAST_MAX &&
	       lid + (1U << lmc) - 1 <= LID_UNICAST_MAX;
}

/* All columns are whole numbers, but for the blob. */
static bool has_types(sqlite3_stmt *stmt, enum row_kind kind)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++)
		if (sqlite3_column_type(stmt, i) !=
		    (kind == ROW_QUIRKS && i == 1 ? SQLITE_BLOB : SQLITE_INTEGER))
			return false;

	return true;
}

static bool give_identity(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	uint64_t lid = (uint64_t)sqlite3_column_int64(stmt, 1);
	uint64_t lmc = (uint64_t)sqlite3_column_int64(stmt, 2);
	struct kept_identity identity = { guid, (uint16_t)lid, (uint8_t)lmc };

	if (!database_is_identity(lid, lmc))
		return false;
	if (reading->reader->identity)
		reading->reader->identity(reading->user, &identity);

	return true;
}

static bool give_mkey(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	struct kept_mkey mkey = { guid, (uint64_t)sqlite3_column_int64(stmt, 1) };

	if (reading->reader->mkey)
		reading->reader->mkey(reading->user, &mkey);

	return true;
}

static bool give_quirks(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	const void *blob = sqlite3_column_blob(stmt, 1);
	int size = sqlite3_column_bytes(stmt, 1);
	struct kept_quirks quirks = { guid, blob, (uint32_t)size };

	if (!blob || size < 1 || size > KEEP_QUIRKS_MAX)
		return false;
	if (reading->reader->quirks)
		reading->reader->quirks(reading->user, &quirks);

	return true;
}

/* False: it cannot be right. */
static bool give_row(sqlite3_stmt *stmt, enum row_kind kind, const struct reading *reading)
{
	static bool (*const give[ROW_KIND_COUNT])(sqlite3_stmt *, uint64_t,
						  const struct reading *) = {
		[ROW_IDENTITY] = give_identity,
		[ROW_MKEY] = give_mkey,
		[ROW_QUIRKS] = give_quirks,
	};
	uint64_t guid = (uint64_t)sqlite3_column_int64(stmt, 0);

	return guid != 0 && has_types(stmt, kind) && give[kind](stmt, guid, reading);
}

static void say_bad_row(sqlite3_stmt *stmt, enum row_kind kind, struct reading *reading)
{
	struct log_where where = { .guid = (uint64_t)sqlite3_column_int64(stmt, 0), .port = -1 };

	if (++reading->n_bad <= BAD_ROWS_SAID)
		log_say(LOG_LEVEL_WARNING, &where,
			"The row of 0x%016" PRIx64 " in table %s of " DATABASE_NAME
			" cannot be right, leaving it out",
			where.guid, table_names[kind]);
}

static void read_table(struct database *db, enum row_kind kind, struct reading *reading)
{
	AUTO(finalizep) sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sql, read_sql[kind], -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
			if (!give_row(stmt, kind, reading))
				say_bad_row(stmt, kind, reading);
	if (rc != SQLITE_DONE)
		log_error("Cannot read all of table %s of " DATABASE_NAME ": %s", table_names[kind],
			  sqlite3_errmsg(db->sql));
}

void database_read(struct database *db, const struct keep_reader *reader, void *user)
{
	struct reading reading = { .reader = reader, .user = user };

	for (enum row_kind kind = 0; kind < ROW_KIND_COUNT; kind++)
		read_table(db, kind, &reading);
	if (reading.n_bad > BAD_ROWS_SAID)
		log_warning("Of " DATABASE_NAME " %" PRIu64 " rows in all cannot be right",
			    reading.n_bad);
}

bool database_has_identities(struct database *db)
{
	struct database_report report;
	int64_t has = 1;

	if (ask_number(db, "SELECT EXISTS (SELECT 1 FROM identity)", &report, &has) < 0)
		log_error("Cannot read table identity of " DATABASE_NAME ": %s", report.why);

	return has != 0;
}
