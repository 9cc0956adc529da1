/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rows into the database and out of it. They go in by statements that are compiled once, a batch in
 * one transaction; they come out distrusted. What cannot be right is left out and stays where it
 * is: only a schema says that a later vsm wrote it, and within one there have come kinds of
 * registrations, and may limits, that one before does not know. GUIDs and M_Keys are 64 bits
 * without sign, SQLite's integers have one: they are cast and cast back, and so sort oddly, which
 * nobody asks for.
 */

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "sm/reservations.h"
#include "sm/alias-book.h"
#include "sm/identity.h"
#include "store/database-inside.h"
#include "store/database.h"

/* More rows than this that cannot be right are only counted. */
#define BAD_ROWS_SAID 10

/* What is already there as wanted is left alone, and so is the page that it is in. */
static const char *const put_sql[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "INSERT INTO identity VALUES (?1, ?2, ?3) ON CONFLICT (guid) DO UPDATE"
			 " SET lid = ?2, lmc = ?3 WHERE lid IS NOT ?2 OR lmc IS NOT ?3",
	[ROW_MKEY] = "INSERT INTO mkey VALUES (?1, ?2, ?3) ON CONFLICT (guid) DO UPDATE"
		     " SET mkey = ?2, other = ?3 WHERE mkey IS NOT ?2 OR other IS NOT ?3",
	[ROW_QUIRKS] = "INSERT INTO quirks VALUES (?1, ?2) ON CONFLICT (guid) DO UPDATE"
		       " SET content = ?2 WHERE content IS NOT ?2",
	[ROW_RESERVATION] =
		"INSERT INTO reservation VALUES (?1, ?2, ?3, ?4) ON CONFLICT (guid) DO UPDATE"
		" SET lid = ?2, places = ?3, name = ?4"
		" WHERE lid IS NOT ?2 OR places IS NOT ?3 OR name IS NOT ?4",
	[ROW_ALIAS] = "INSERT INTO alias VALUES (?1, ?2, ?3, ?4) ON CONFLICT (guid) DO UPDATE"
		      " SET port = ?2, place = ?3, wanted = ?4"
		      " WHERE port IS NOT ?2 OR place IS NOT ?3 OR wanted IS NOT ?4",
	[ROW_SPARES] = "INSERT INTO spare VALUES (?1, ?2) ON CONFLICT (guid) DO UPDATE"
		       " SET lids = ?2 WHERE lids IS NOT ?2",
	[ROW_MOVE] = "INSERT INTO move VALUES (?1, ?2) ON CONFLICT (guid) DO UPDATE"
		     " SET port = ?2 WHERE port IS NOT ?2",
	[ROW_PARTITION] = "INSERT INTO partition VALUES (?1, ?2) ON CONFLICT (pkey) DO UPDATE"
			  " SET name = ?2 WHERE name IS NOT ?2",
	[ROW_MEMBER] = "INSERT INTO member VALUES (?1, ?2, ?3, ?4) ON CONFLICT (pkey, guid) DO"
		       " UPDATE SET membership = ?3, index0 = ?4"
		       " WHERE membership IS NOT ?3 OR index0 IS NOT ?4",
	[ROW_REGISTRATION] = "INSERT INTO registration VALUES (?1, ?2, ?3) ON CONFLICT (id) DO"
			     " UPDATE SET expires = ?2, content = ?3"
			     " WHERE expires IS NOT ?2 OR content IS NOT ?3",
};

static const char *const forget_sql[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "DELETE FROM identity WHERE guid = ?1",
	[ROW_MKEY] = "DELETE FROM mkey WHERE guid = ?1",
	[ROW_QUIRKS] = "DELETE FROM quirks WHERE guid = ?1",
	[ROW_RESERVATION] = "DELETE FROM reservation WHERE guid = ?1",
	[ROW_ALIAS] = "DELETE FROM alias WHERE guid = ?1",
	[ROW_SPARES] = "DELETE FROM spare WHERE guid = ?1",
	[ROW_MOVE] = "DELETE FROM move WHERE guid = ?1",
	[ROW_PARTITION] = "DELETE FROM partition WHERE pkey = ?1",
	[ROW_MEMBER] = "DELETE FROM member WHERE pkey = ?1 AND guid = ?2",
	[ROW_REGISTRATION] = "DELETE FROM registration WHERE id = ?1",
};

static const char forget_members_sql[] = "DELETE FROM member WHERE pkey = ?1";

static const char *const read_sql[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "SELECT guid, lid, lmc FROM identity",
	[ROW_MKEY] = "SELECT guid, mkey, other FROM mkey",
	[ROW_QUIRKS] = "SELECT guid, content FROM quirks",
	[ROW_RESERVATION] = "SELECT guid, lid, places, name FROM reservation",
	[ROW_ALIAS] = "SELECT guid, port, place, wanted FROM alias",
	[ROW_SPARES] = "SELECT guid, lids FROM spare",
	[ROW_MOVE] = "SELECT guid, port FROM move",
	[ROW_PARTITION] = "SELECT pkey, name FROM partition",
	[ROW_MEMBER] = "SELECT pkey, guid, membership, index0 FROM member",
	[ROW_REGISTRATION] = "SELECT id, expires, content FROM registration",
};

static const char read_mkey_1[] = "SELECT guid, mkey, 0 FROM mkey";

static const char *const table_names[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "identity", [ROW_MKEY] = "mkey",
	[ROW_QUIRKS] = "quirks",     [ROW_RESERVATION] = "reservation",
	[ROW_SPARES] = "spare",      [ROW_MOVE] = "move",
	[ROW_ALIAS] = "alias",       [ROW_PARTITION] = "partition",
	[ROW_MEMBER] = "member",     [ROW_REGISTRATION] = "registration",
};

/* Of the columns: a whole number, a blob, a text. */
static const char *const column_types[ROW_KIND_COUNT] = {
	[ROW_IDENTITY] = "iii",     [ROW_MKEY] = "iii",     [ROW_QUIRKS] = "ib",
	[ROW_RESERVATION] = "iibt", [ROW_SPARES] = "ib",    [ROW_MOVE] = "ii",
	[ROW_ALIAS] = "iiii",       [ROW_PARTITION] = "it", [ROW_MEMBER] = "iiii",
	[ROW_REGISTRATION] = "iib",
};

/* ---- writing --------------------------------------------------------------------------------- */

static int prepare(struct database *db, const char *sql, struct database_report *report,
		   sqlite3_stmt **ret)
{
	int rc = sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);

	return rc == SQLITE_OK ? 0 : database_explain(db->sql, rc, report);
}

int database_prepare(struct database *db, struct database_report *report)
{
	int r;

	if (db->is_prepared)
		return 0;
	r = database_upgrade(db, report);
	for (size_t kind = 0; r == 0 && kind < ROW_KIND_COUNT; kind++) {
		r = prepare(db, put_sql[kind], report, &db->put[kind]);
		if (r == 0 && forget_sql[kind])
			r = prepare(db, forget_sql[kind], report, &db->forget[kind]);
	}
	if (r == 0)
		r = prepare(db, forget_members_sql, report, &db->forget_members);
	db->is_prepared = r == 0;

	return r;
}

static bool forgets(const struct row *row)
{
	switch (row->kind) {
	case ROW_IDENTITY:
		return row->lid == 0;
	case ROW_QUIRKS:
	case ROW_SPARES:
	case ROW_REGISTRATION:
		return row->size == 0;
	case ROW_RESERVATION:
		return row->gone;
	case ROW_ALIAS:
	case ROW_MOVE:
		return row->port == 0;
	case ROW_PARTITION:
		return row->size == 0;
	case ROW_MEMBER:
		return row->membership == 0;
	case ROW_MKEY:
		return row->mkey == 0;
	case ROW_KIND_COUNT:
		break;
	}

	return false;
}

/* Neither is NULL: that is no blob and no text. */
static void bind_reservation(sqlite3_stmt *stmt, const struct row *row)
{
	const char *places = row->size > 0 ? row->blob : "";
	int size = row->n_places * (int)sizeof(uint64_t);

	sqlite3_bind_int(stmt, 2, row->lid);
	sqlite3_bind_blob(stmt, 3, places, size, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, places + size, (int)row->size - size, SQLITE_STATIC);
}

static void bind_values(sqlite3_stmt *stmt, const struct row *row)
{
	switch (row->kind) {
	case ROW_IDENTITY:
		sqlite3_bind_int(stmt, 2, row->lid);
		sqlite3_bind_int(stmt, 3, row->lmc);
		break;
	case ROW_MKEY:
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->mkey);
		sqlite3_bind_int64(stmt, 3, (sqlite3_int64)row->other_mkey);
		break;
	case ROW_QUIRKS:
	case ROW_SPARES:
		sqlite3_bind_blob(stmt, 2, row->blob, (int)row->size, SQLITE_STATIC);
		break;
	case ROW_MOVE:
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->port);
		break;
	case ROW_REGISTRATION:
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->expires);
		sqlite3_bind_blob(stmt, 3, row->blob, (int)row->size, SQLITE_STATIC);
		break;
	case ROW_RESERVATION:
		bind_reservation(stmt, row);
		break;
	case ROW_ALIAS:
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->port);
		sqlite3_bind_int(stmt, 3, row->index);
		sqlite3_bind_int(stmt, 4, row->wanted);
		break;
	case ROW_PARTITION:
		sqlite3_bind_text(stmt, 2, row->blob, (int)row->size, SQLITE_STATIC);
		break;
	case ROW_MEMBER:
		sqlite3_bind_int(stmt, 3, row->membership);
		sqlite3_bind_int(stmt, 4, row->index0);
		break;
	case ROW_KIND_COUNT:
		break;
	}
}

static sqlite3_stmt *statement_of(const struct database *db, const struct row *row)
{
	if (row->kind == ROW_MEMBER && row->guid == 0)
		return db->forget_members;

	return forgets(row) ? db->forget[row->kind] : db->put[row->kind];
}

/* What the row is known by: partitions by their P_Key, members by that and a GUID. */
static void bind_key(sqlite3_stmt *stmt, const struct row *row)
{
	if (!row_is_step(row)) {
		sqlite3_bind_int64(stmt, 1, (sqlite3_int64)row->guid);
		return;
	}
	sqlite3_bind_int(stmt, 1, row->pkey);
	if (row->kind == ROW_MEMBER && row->guid != 0)
		sqlite3_bind_int64(stmt, 2, (sqlite3_int64)row->guid);
}

/* The statement that puts @row on disk, with its values. Blobs are not copied. */
static sqlite3_stmt *bind(struct database *db, const struct row *row)
{
	sqlite3_stmt *stmt = statement_of(db, row);

	bind_key(stmt, row);
	if (!forgets(row))
		bind_values(stmt, row);

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

	r = database_settle(db, report);
	if (r == 0)
		r = database_prepare(db, report);
	if (r < 0)
		return r;
	rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = write_rows(db, batch);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db->sql, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;

	r = database_explain(db->sql, rc, report);
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

static bool has_types(sqlite3_stmt *stmt, enum row_kind kind)
{
	const char *types = column_types[kind];

	for (int i = 0; types[i]; i++) {
		int type = sqlite3_column_type(stmt, i);

		if (type != (types[i] == 'i'   ? SQLITE_INTEGER
			     : types[i] == 'b' ? SQLITE_BLOB
					       : SQLITE_TEXT))
			return false;
	}

	return true;
}

static bool give_identity(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	uint64_t lid = (uint64_t)sqlite3_column_int64(stmt, 1);
	uint64_t lmc = (uint64_t)sqlite3_column_int64(stmt, 2);
	struct kept_identity identity = { guid, (uint16_t)lid, (uint8_t)lmc };

	if (!identity_is_valid(lid, lmc))
		return false;
	if (reading->reader->identity)
		reading->reader->identity(reading->user, &identity);

	return true;
}

static bool give_mkey(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	struct kept_mkey mkey = { guid, (uint64_t)sqlite3_column_int64(stmt, 1),
				  (uint64_t)sqlite3_column_int64(stmt, 2) };

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

/* An empty blob is a null pointer to SQLite. */
static bool take_places(sqlite3_stmt *stmt, struct kept_reservation *reservation)
{
	const void *places = sqlite3_column_blob(stmt, 2);
	size_t size = (size_t)sqlite3_column_bytes(stmt, 2);

	if (size > sizeof(reservation->place) || size % sizeof(reservation->place[0]))
		return false;
	if (size > 0)
		memcpy(reservation->place, places, size);
	reservation->n_places = (unsigned)(size / sizeof(reservation->place[0]));

	return true;
}

static bool is_name(const char *name, int size)
{
	for (int i = 0; i < size; i++)
		if (name[i] < ' ' || name[i] > '~')
			return false;

	return size >= 1 && size <= KEEP_PARTITION_NAME_MAX;
}

static bool give_partition(sqlite3_stmt *stmt, uint64_t pkey, const struct reading *reading)
{
	const char *name = (const char *)sqlite3_column_text(stmt, 1);
	struct kept_partition partition = { (uint16_t)pkey, name };

	if (pkey > 0x7fff || !name || !is_name(name, sqlite3_column_bytes(stmt, 1)))
		return false;
	if (reading->reader->partition)
		reading->reader->partition(reading->user, &partition);

	return true;
}

static bool give_reservation(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	const unsigned char *name = sqlite3_column_text(stmt, 3);
	size_t length = (size_t)sqlite3_column_bytes(stmt, 3);
	uint64_t lid = (uint64_t)sqlite3_column_int64(stmt, 1);
	struct kept_reservation reservation = { .guid = guid, .lid = (uint16_t)lid };

	if (lid > UINT16_MAX || !name || length > KEEP_NAME_MAX || !take_places(stmt, &reservation))
		return false;
	memcpy(reservation.name, name, length);
	if (strlen(reservation.name) != length || !reservation_is_valid(&reservation))
		return false;
	if (reading->reader->reservation)
		reading->reader->reservation(reading->user, &reservation);

	return true;
}

static bool give_alias(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	uint64_t place = (uint64_t)sqlite3_column_int64(stmt, 2);
	uint64_t wanted = (uint64_t)sqlite3_column_int64(stmt, 3);
	struct kept_alias alias = { guid, (uint64_t)sqlite3_column_int64(stmt, 1), (uint8_t)place,
				    wanted != 0 };

	if (!alias_is_valid(alias.port, place) || wanted > 1)
		return false;
	if (reading->reader->alias)
		reading->reader->alias(reading->user, &alias);

	return true;
}

static bool give_member(sqlite3_stmt *stmt, uint64_t pkey, const struct reading *reading)
{
	uint64_t membership = (uint64_t)sqlite3_column_int64(stmt, 2);
	uint64_t index0 = (uint64_t)sqlite3_column_int64(stmt, 3);
	struct kept_member member = { .guid = (uint64_t)sqlite3_column_int64(stmt, 1),
				      .pkey = (uint16_t)pkey,
				      .membership = (uint8_t)membership,
				      .index0 = index0 == 1 };

	if (pkey > 0x7fff || member.guid == 0 || membership < KEPT_LIMITED ||
	    membership > KEPT_BOTH || index0 > 1)
		return false;
	if (reading->reader->member)
		reading->reader->member(reading->user, &member);

	return true;
}

static bool give_spares(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	uint16_t lids[KEEP_SPARES_MAX];
	const void *blob = sqlite3_column_blob(stmt, 1);
	size_t size = (size_t)sqlite3_column_bytes(stmt, 1);
	struct kept_spares spares = { guid, (unsigned)(size / sizeof(lids[0])), lids };

	if (!blob || size > sizeof(lids) || size % sizeof(lids[0]))
		return false;
	memcpy(lids, blob, size);
	for (unsigned i = 0; i < spares.n; i++)
		if (!identity_is_valid(lids[i], 0))
			return false;
	if (reading->reader->spares)
		reading->reader->spares(reading->user, &spares);

	return true;
}

static bool give_move(sqlite3_stmt *stmt, uint64_t guid, const struct reading *reading)
{
	struct kept_move move = { guid, (uint64_t)sqlite3_column_int64(stmt, 1) };

	if (move.port == 0)
		return false;
	if (reading->reader->move)
		reading->reader->move(reading->user, &move);

	return true;
}

static bool give_registration(sqlite3_stmt *stmt, uint64_t key, const struct reading *reading)
{
	const void *blob = sqlite3_column_blob(stmt, 2);
	int size = sqlite3_column_bytes(stmt, 2);
	sqlite3_int64 expires = sqlite3_column_int64(stmt, 1);
	struct kept_registration registration = { .kind = (enum kept_registration_kind)(key >> 56),
						  .id = key & KEEP_REGISTRATION_ID_LAST,
						  .expires = (uint64_t)expires,
						  .blob = blob,
						  .size = (uint32_t)size };

	if (key >> 56 >= KEPT_REGISTRATION_KIND_COUNT || registration.id == 0 || expires < 0 ||
	    !blob || size < 1 || size > KEEP_REGISTRATION_MAX)
		return false;
	if (reading->reader->registration)
		reading->reader->registration(reading->user, &registration);

	return true;
}

/* False: it cannot be right. The first column is what it is known by, and never 0. */
static bool give_row(sqlite3_stmt *stmt, enum row_kind kind, const struct reading *reading)
{
	static bool (*const give[ROW_KIND_COUNT])(sqlite3_stmt *, uint64_t,
						  const struct reading *) = {
		[ROW_IDENTITY] = give_identity, [ROW_MKEY] = give_mkey,
		[ROW_QUIRKS] = give_quirks,     [ROW_RESERVATION] = give_reservation,
		[ROW_ALIAS] = give_alias,       [ROW_SPARES] = give_spares,
		[ROW_MOVE] = give_move,         [ROW_PARTITION] = give_partition,
		[ROW_MEMBER] = give_member,     [ROW_REGISTRATION] = give_registration,
	};
	uint64_t key = (uint64_t)sqlite3_column_int64(stmt, 0);

	return key != 0 && has_types(stmt, kind) && give[kind](stmt, key, reading);
}

static void say_bad_row(sqlite3_stmt *stmt, enum row_kind kind, struct reading *reading)
{
	int column = kind == ROW_MEMBER ? 1 : 0; /* of the GUID */
	struct log_where where = { .guid = (uint64_t)sqlite3_column_int64(stmt, column),
				   .port = -1 };

	if (++reading->n_bad <= BAD_ROWS_SAID)
		log_say(LOG_LEVEL_WARNING, &where,
			"The row of 0x%016" PRIx64 " in table %s of " DATABASE_NAME
			" cannot be right, leaving it out",
			where.guid, table_names[kind]);
}

static void read_table(struct database *db, enum row_kind kind, struct reading *reading)
{
	AUTO(database_finalizep) sqlite3_stmt *stmt = NULL;
	const char *sql = kind == ROW_MKEY && db->version == 1 ? read_mkey_1 : read_sql[kind];
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);

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

	for (enum row_kind kind = 0; kind < database_n_tables(db); kind++)
		read_table(db, kind, &reading);
	if (reading.n_bad > BAD_ROWS_SAID)
		log_warning("Of " DATABASE_NAME " %" PRIu64 " rows in all cannot be right",
			    reading.n_bad);
}
