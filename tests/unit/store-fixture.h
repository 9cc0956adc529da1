/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * For the tests of store/: a scratch directory, a store in it, and what the log said. The loop is
 * the test's business.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sm/keep.h"

struct loop;
struct store;

#define FIXTURE_ROWS_MAX 40000

/* SQL that makes what we write what former versions wrote. */
#define FIXTURE_TO_SCHEMA_6 "DROP TABLE registration; PRAGMA user_version = 6;"
#define FIXTURE_TO_SCHEMA_5                                                                        \
	FIXTURE_TO_SCHEMA_6 "DROP TABLE partition; DROP TABLE member; PRAGMA user_version = 5;"
#define FIXTURE_TO_SCHEMA_4                                                                        \
	FIXTURE_TO_SCHEMA_5 "DROP TABLE spare; DROP TABLE move; PRAGMA user_version = 4;"
#define FIXTURE_TO_SCHEMA_3 FIXTURE_TO_SCHEMA_4 "DROP TABLE alias; PRAGMA user_version = 3;"
#define FIXTURE_TO_SCHEMA_2 FIXTURE_TO_SCHEMA_3 "DROP TABLE reservation; PRAGMA user_version = 2;"
#define FIXTURE_TO_SCHEMA_1                                                                        \
	FIXTURE_TO_SCHEMA_2 "ALTER TABLE mkey DROP COLUMN other; PRAGMA user_version = 1"

/* All that keep_read() gives, in its order. */
struct read_back {
	struct kept_identity identities[FIXTURE_ROWS_MAX];
	struct kept_mkey mkeys[FIXTURE_ROWS_MAX];
	struct kept_quirks quirks[FIXTURE_ROWS_MAX]; /* with blobs of our own */
	struct kept_reservation reservations[FIXTURE_ROWS_MAX];
	struct kept_move moves[8];
	uint16_t spare[2][KEEP_SPARES_MAX]; /* of the first ports */
	struct kept_spares spares[2];
	size_t n_moves;
	size_t n_spares;
	size_t n_identities;
	size_t n_mkeys;
	struct kept_member members[FIXTURE_ROWS_MAX];
	struct kept_partition partitions[16]; /* with names of our own */
	size_t n_quirks;
	size_t n_reservations;
	size_t n_members;
	size_t n_partitions;
	struct kept_alias aliases[FIXTURE_ROWS_MAX];
	size_t n_aliases;
	struct kept_registration registrations[64]; /* with blobs of our own */
	size_t n_registrations;
};

struct fixture {
	struct loop *loop;
	struct store *store;
	struct read_back *back;
	char root[32]; /* removed at the end */
	char dir[48];  /* the state directory in it, missing at the start */
	char why[256];
	size_t n_said;
	char said[65536]; /* the log, a message a line */
};

/* A new one, which also is the log's sink. */
struct fixture *fixture_new(struct loop *loop);

/* Closes the store. The loop is left. */
void fixture_free(struct fixture *f);

/* Opens the store in f->dir and fails the test if it cannot; or the plain result, and f->why. */
void fixture_open(struct fixture *f);
int fixture_try_open(struct fixture *f);
void fixture_close(struct fixture *f);

/* Reads all that is kept into f->back. */
void fixture_read(struct fixture *f);

/* Closes, opens and reads. */
void fixture_reopen(struct fixture *f);

/* How many messages of the log have @text in them. */
size_t fixture_count_said(const struct fixture *f, const char *text);

/* The path of @name in the state directory. One at a time: valid until the next call. */
const char *fixture_path(const struct fixture *f, const char *name);
bool fixture_has(const struct fixture *f, const char *name);

void keep_identity_of(struct fixture *f, uint64_t guid, uint16_t lid, uint8_t lmc);
void keep_mkey_of(struct fixture *f, uint64_t guid, uint64_t mkey);
void keep_mkeys_of(struct fixture *f, uint64_t guid, uint64_t mkey, uint64_t other);
/* Members from @guid on, @n of them; membership 0 takes them out. */
void keep_members_of(struct fixture *f, uint16_t pkey, uint64_t guid, uint32_t n,
		     uint8_t membership);
void keep_registration_of(struct fixture *f, enum kept_registration_kind kind, uint64_t id,
			  uint64_t expires, const void *blob, size_t size);
void keep_name_of(struct fixture *f, uint16_t pkey, const char *name);
void keep_quirks_of(struct fixture *f, uint64_t guid, const void *blob, size_t size);
/* With places 1 to @n_places. */
void keep_alias_of(struct fixture *f, uint64_t guid, uint64_t port, uint8_t index, bool wanted);
void keep_reservation_of(struct fixture *f, uint64_t guid, uint16_t lid, unsigned n_places,
			 const char *name);
