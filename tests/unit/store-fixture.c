/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A scratch directory per test, so that tests that run side by side do not meet.
 */

#include "tests/unit/store-fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "store/store.h"

static void hear(enum log_level level, const struct log_where *where, const char *text, void *user)
{
	struct fixture *f = user;

	(void)level;
	(void)where;
	f->n_said +=
		(size_t)snprintf(f->said + f->n_said, sizeof(f->said) - f->n_said, "%s\n", text);
	assert_true(f->n_said < sizeof(f->said));
}

/* In memory if we can: synchronizing a real disk some thousand times would take most of the time.
 */
static void make_root(struct fixture *f)
{
	static const char *const templates[] = { "/dev/shm/vsm-store-XXXXXX",
						 "/tmp/vsm-store-XXXXXX" };

	for (size_t i = 0; i < COUNT(templates); i++) {
		strcpy(f->root, templates[i]);
		if (mkdtemp(f->root))
			return;
	}
	fail_msg("there is no place for files");
}

struct fixture *fixture_new(struct loop *loop)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->back = calloc(1, sizeof(*f->back));
	assert_non_null(f->back);
	f->loop = loop;
	make_root(f);
	snprintf(f->dir, sizeof(f->dir), "%s/state", f->root);
	log_set_sink(hear, f);

	return f;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;

	return remove(path);
}

static void forget_back(struct fixture *f)
{
	for (size_t i = 0; i < f->back->n_quirks; i++) {
		const void *blob = f->back->quirks[i].blob;

		freep(&blob);
	}
	for (size_t i = 0; i < f->back->n_partitions; i++) {
		const void *name = f->back->partitions[i].name;

		freep(&name);
	}
	for (size_t i = 0; i < f->back->n_registrations; i++) {
		const void *blob = f->back->registrations[i].blob;

		freep(&blob);
	}
	f->back->n_registrations = 0;
	f->back->n_partitions = 0;
	f->back->n_members = 0;
	f->back->n_identities = 0;
	f->back->n_mkeys = 0;
	f->back->n_quirks = 0;
	f->back->n_reservations = 0;
	f->back->n_aliases = 0;
	f->back->n_moves = 0;
	f->back->n_spares = 0;
}

void fixture_free(struct fixture *f)
{
	fixture_close(f);
	log_set_sink(NULL, NULL);
	nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	forget_back(f);
	free(f->back);
	free(f);
}

int fixture_try_open(struct fixture *f)
{
	assert_null(f->store);

	return store_open(f->loop, f->dir, f->why, &f->store);
}

void fixture_open(struct fixture *f)
{
	int r = fixture_try_open(f);

	if (r < 0)
		fail_msg("store_open: %s", f->why);
}

void fixture_close(struct fixture *f)
{
	store_close(TAKE(f->store));
}

static void note_identity(void *user, const struct kept_identity *identity)
{
	struct read_back *back = user;

	assert_true(back->n_identities < FIXTURE_ROWS_MAX);
	back->identities[back->n_identities++] = *identity;
}

static void note_mkey(void *user, const struct kept_mkey *mkey)
{
	struct read_back *back = user;

	assert_true(back->n_mkeys < FIXTURE_ROWS_MAX);
	back->mkeys[back->n_mkeys++] = *mkey;
}

static void note_quirks(void *user, const struct kept_quirks *quirks)
{
	struct read_back *back = user;
	void *blob = malloc(quirks->size);

	assert_true(back->n_quirks < FIXTURE_ROWS_MAX);
	assert_non_null(blob);
	memcpy(blob, quirks->blob, quirks->size);
	back->quirks[back->n_quirks] = *quirks;
	back->quirks[back->n_quirks++].blob = blob;
}

static void note_alias(void *user, const struct kept_alias *alias)
{
	struct read_back *back = user;

	assert_true(back->n_aliases < FIXTURE_ROWS_MAX);
	back->aliases[back->n_aliases++] = *alias;
}

static void note_reservation(void *user, const struct kept_reservation *reservation)
{
	struct read_back *back = user;

	assert_true(back->n_reservations < FIXTURE_ROWS_MAX);
	back->reservations[back->n_reservations++] = *reservation;
}

static void note_spares(void *user, const struct kept_spares *spares)
{
	struct read_back *back = user;
	size_t n = back->n_spares++;

	assert_true(n < sizeof(back->spares) / sizeof(back->spares[0]));
	back->spares[n] = *spares;
	back->spares[n].lid = back->spare[n];
	memcpy(back->spare[n], spares->lid, spares->n * sizeof(spares->lid[0]));
}

static void note_move(void *user, const struct kept_move *move)
{
	struct read_back *back = user;

	assert_true(back->n_moves < sizeof(back->moves) / sizeof(back->moves[0]));
	back->moves[back->n_moves++] = *move;
}

static void note_partition(void *user, const struct kept_partition *partition)
{
	struct read_back *back = user;

	assert_true(back->n_partitions < COUNT(back->partitions));
	back->partitions[back->n_partitions].pkey = partition->pkey;
	back->partitions[back->n_partitions].name = strdup(partition->name);
	assert_non_null(back->partitions[back->n_partitions++].name);
}

static void note_member(void *user, const struct kept_member *member)
{
	struct read_back *back = user;

	assert_true(back->n_members < FIXTURE_ROWS_MAX);
	back->members[back->n_members++] = *member;
}

static void note_registration(void *user, const struct kept_registration *registration)
{
	struct read_back *back = user;
	void *blob = malloc(registration->size);

	assert_true(back->n_registrations < COUNT(back->registrations));
	assert_non_null(blob);
	memcpy(blob, registration->blob, registration->size);
	back->registrations[back->n_registrations] = *registration;
	back->registrations[back->n_registrations++].blob = blob;
}

void fixture_read(struct fixture *f)
{
	static const struct keep_reader reader = { note_identity,    note_mkey,      note_quirks,
						   note_reservation, note_alias,     note_spares,
						   note_move,        note_partition, note_member,
						   note_registration };

	forget_back(f);
	keep_read(store_keeper(f->store), &reader, f->back);
}

void fixture_reopen(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f);
	fixture_read(f);
}

size_t fixture_count_said(const struct fixture *f, const char *text)
{
	size_t n = 0;

	for (const char *s = strstr(f->said, text); s; s = strstr(s + 1, text))
		n++;

	return n;
}

const char *fixture_path(const struct fixture *f, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);

	return path;
}

bool fixture_has(const struct fixture *f, const char *name)
{
	return access(fixture_path(f, name), F_OK) == 0;
}

void keep_identity_of(struct fixture *f, uint64_t guid, uint16_t lid, uint8_t lmc)
{
	struct kept_identity identity = { guid, lid, lmc };

	assert_int_equal(keep_identity(store_keeper(f->store), &identity), 0);
}

void keep_mkeys_of(struct fixture *f, uint64_t guid, uint64_t mkey, uint64_t other)
{
	struct kept_mkey kept = { guid, mkey, other };

	assert_int_equal(keep_mkey(store_keeper(f->store), &kept), 0);
}

void keep_mkey_of(struct fixture *f, uint64_t guid, uint64_t mkey)
{
	keep_mkeys_of(f, guid, mkey, 0);
}

void keep_quirks_of(struct fixture *f, uint64_t guid, const void *blob, size_t size)
{
	struct kept_quirks quirks = { guid, blob, (uint32_t)size };

	assert_int_equal(keep_quirks(store_keeper(f->store), &quirks), 0);
}

void keep_alias_of(struct fixture *f, uint64_t guid, uint64_t port, uint8_t index, bool wanted)
{
	struct kept_alias alias = { guid, port, index, wanted };

	assert_int_equal(keep_alias(store_keeper(f->store), &alias), 0);
}

void keep_reservation_of(struct fixture *f, uint64_t guid, uint16_t lid, unsigned n_places,
			 const char *name)
{
	struct kept_reservation kept = { .guid = guid, .lid = lid, .n_places = n_places };

	for (unsigned i = 0; i < n_places; i++)
		kept.place[i] = i + 1;
	snprintf(kept.name, sizeof(kept.name), "%s", name);
	assert_int_equal(keep_reservation(store_keeper(f->store), &kept), 0);
}

static void keep_change_of(struct fixture *f, const struct kept_change *change)
{
	assert_int_equal(keep_change(store_keeper(f->store), change), 0);
}

void keep_members_of(struct fixture *f, uint16_t pkey, uint64_t guid, uint32_t n,
		     uint8_t membership)
{
	struct kept_member *members = calloc(n, sizeof(*members));

	assert_non_null(members);
	for (uint32_t i = 0; i < n; i++)
		members[i] = (struct kept_member){ .guid = guid + i,
						   .pkey = pkey,
						   .membership = membership,
						   .index0 = guid + i == 7 };
	keep_change_of(f,
		       &(struct kept_change){ .pkey = pkey, .members = members, .n_members = n });
	free(members);
}

void keep_name_of(struct fixture *f, uint16_t pkey, const char *name)
{
	keep_change_of(f, &(struct kept_change){ .pkey = pkey, .name = name });
}

void keep_registration_of(struct fixture *f, enum kept_registration_kind kind, uint64_t id,
			  uint64_t expires, const void *blob, size_t size)
{
	struct kept_registration kept = { kind, id, expires, blob, (uint32_t)size };

	assert_int_equal(keep_registration(store_keeper(f->store), &kept), 0);
}
