/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is kept is one row per GUID and kind; of partitions it is the list of changes, which make
 * what is read. Words wait in a list until a commit, one at a time as with a disk, puts them into
 * the rows; those who wait for it are called then. Killed at a random moment, a commit under way
 * has happened or has not, but never by half.
 */

#include "tests/scenario/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/guid-map.h"
#include "base/list.h"
#include "base/macros.h"

enum kind {
	IDENTITY,
	MKEY,
	QUIRKS,
	RESERVATION,
	ALIAS,
	SPARES,
	MOVE,
	REGISTRATION,
	KINDS,
	CHANGE = KINDS
};

/* One thing that was said; as a row, the last of its GUID, and what takes away leaves none. */
struct word {
	struct list link;
	enum kind kind;
	union {
		struct kept_identity identity;
		struct kept_mkey mkey;
		struct kept_quirks quirks;
		struct kept_reservation reservation;
		struct kept_alias alias;
		struct kept_spares spares;
		struct kept_move move;
		struct kept_registration registration;
		struct kept_change change; /* its members are in the blob, and names are not kept */
	};
	_Alignas(struct kept_member) uint8_t blob[];
};

struct rows {
	struct guid_map by_guid;
	struct word **row;
	uint32_t n;
	uint32_t room;
};

struct waiter {
	struct list link;
	void (*fn)(void *user, int result);
	void *user;
	bool due; /* what it waits for is being committed */
};

struct memory_keeper {
	struct keeper keeper;
	struct loop *loop;
	struct loop_timer *timer;
	uint64_t delay;
	uint64_t n_words;
	bool committing;
	bool full;
	bool poor;
	struct rows rows[KINDS];
	struct list changes; /* that were committed */
	struct list said;    /* waits */
	struct list commit;  /* is being committed */
	struct list waiters;
};

static struct memory_keeper *memory_of(struct keeper *keeper)
{
	return CONTAINER_OF(keeper, struct memory_keeper, keeper);
}

static uint64_t guid_of(const struct word *word)
{
	switch (word->kind) {
	case IDENTITY:
		return word->identity.guid;
	case MKEY:
		return word->mkey.guid;
	case QUIRKS:
		return word->quirks.guid;
	case RESERVATION:
		return word->reservation.guid;
	case ALIAS:
		return word->alias.guid;
	case SPARES:
		return word->spares.guid;
	case MOVE:
		return word->move.guid;
	case REGISTRATION:
		return (uint64_t)word->registration.kind << 56 | word->registration.id;
	case CHANGE:
		break;
	}
	abort();
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void must(bool fits)
{
	if (!fits)
		abort(); /* a test without memory is no test */
}

/* It says that its GUID has none any more. */
static bool takes_away(const struct word *word)
{
	switch (word->kind) {
	case IDENTITY:
		return word->identity.lid == 0;
	case QUIRKS:
		return word->quirks.size == 0;
	case RESERVATION:
		return word->reservation.gone;
	case ALIAS:
		return word->alias.port == 0;
	case SPARES:
		return word->spares.n == 0;
	case MOVE:
		return word->move.port == 0;
	case REGISTRATION:
		return word->registration.size == 0;
	case MKEY:
		return word->mkey.mkey == 0;
	case CHANGE:
		break;
	}
	return false;
}

/* The last row takes its place. */
static void take_row(struct rows *rows, uint32_t at)
{
	struct word *last = rows->row[--rows->n];

	guid_map_remove(&rows->by_guid, guid_of(rows->row[at]));
	if (last != rows->row[at])
		must(guid_map_put(&rows->by_guid, guid_of(last), at) == 0);
	free(rows->row[at]);
	rows->row[at] = last;
}

static void put_row(struct rows *rows, struct word *word)
{
	uint64_t guid = guid_of(word);
	uint32_t at = guid_map_get(&rows->by_guid, guid);

	if (takes_away(word)) {
		if (at != GUID_MAP_NONE)
			take_row(rows, at);
		free(word);
		return;
	}
	if (at != GUID_MAP_NONE) {
		free(rows->row[at]);
		rows->row[at] = word;
		return;
	}
	if (rows->n == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 64;
		rows->row = realloc(rows->row, rows->room * sizeof(rows->row[0]));
		must(rows->row);
	}
	must(guid_map_put(&rows->by_guid, guid, rows->n) == 0);
	rows->row[rows->n++] = word;
}

static void drop_words(struct list *words)
{
	struct list *l;

	while ((l = list_take_first(words)))
		free(LIST_ENTRY(l, struct word, link));
}

static void put_words(struct memory_keeper *k, struct list *words)
{
	struct list *l;

	while ((l = list_take_first(words))) {
		struct word *word = LIST_ENTRY(l, struct word, link);

		if (word->kind == CHANGE)
			list_add_tail(&k->changes, l);
		else
			put_row(&k->rows[word->kind], word);
	}
}

void memory_keeper_clear(struct memory_keeper *k)
{
	drop_words(&k->changes);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		struct rows *rows = &k->rows[kind];

		for (uint32_t i = 0; i < rows->n; i++)
			free(rows->row[i]);
		free(rows->row);
		guid_map_done(&rows->by_guid);
		*rows = (struct rows){ .n = 0 };
	}
}

/* ---- the disk -------------------------------------------------------------------------------- */

#define FULL_PAUSE LOOP_SEC

static void begin_commit(struct memory_keeper *k)
{
	bool waits = k->full && list_is_empty(&k->waiters);
	struct list *l;

	if (k->committing)
		return;
	k->committing = true;
	while ((l = list_take_first(&k->said)))
		list_add_tail(&k->commit, l);
	for (l = k->waiters.next; l != &k->waiters; l = l->next)
		LIST_ENTRY(l, struct waiter, link)->due = true;
	loop_timer_set(k->timer, loop_now(k->loop) + (waits ? FULL_PAUSE : k->delay));
}

/* Values are tried again, before what was said meanwhile; changes are not, and all are told. */
static void say_again(struct memory_keeper *k)
{
	struct list *l;

	for (l = k->waiters.next; l != &k->waiters; l = l->next)
		LIST_ENTRY(l, struct waiter, link)->due = true;
	while ((l = list_take_first(&k->said)))
		list_add_tail(&k->commit, l);
	while ((l = list_take_first(&k->commit))) {
		struct word *word = LIST_ENTRY(l, struct word, link);

		if (word->kind == CHANGE)
			free(word);
		else
			list_add_tail(&k->said, l);
	}
}

static void committed(void *user)
{
	struct memory_keeper *k = user;
	int result = k->full ? -ENOSPC : 0;

	k->committing = false;
	if (k->full)
		say_again(k);
	else
		put_words(k, &k->commit);
	/* Whoever is called may wait again, or cancel others: look anew each time. */
	while (!list_is_empty(&k->waiters)) {
		struct waiter *w = LIST_ENTRY(k->waiters.next, struct waiter, link);
		struct waiter copy = *w;

		if (!w->due)
			break;
		list_remove(&w->link);
		free(w);
		copy.fn(copy.user, result);
	}
	if (!k->committing && (!list_is_empty(&k->said) || !list_is_empty(&k->waiters)))
		begin_commit(k);
}

/* ---- as a keeper ----------------------------------------------------------------------------- */

static int say(struct memory_keeper *k, const struct word *what, const void *blob, uint32_t size)
{
	struct word *word = malloc(sizeof(*word) + size);

	if (!word)
		return -ENOMEM;
	*word = *what;
	if (size)
		memcpy(word->blob, blob, size);
	if (word->kind == QUIRKS)
		word->quirks.blob = word->blob;
	if (word->kind == SPARES)
		word->spares.lid = (const uint16_t *)word->blob;
	if (word->kind == REGISTRATION)
		word->registration.blob = word->blob;
	if (word->kind == CHANGE)
		word->change.members = (const struct kept_member *)(const void *)word->blob;
	k->n_words++;
	list_init(&word->link);
	list_add_tail(&k->said, &word->link);
	begin_commit(k);
	return 0;
}

static int keep_one_identity(struct keeper *keeper, const struct kept_identity *identity)
{
	struct word word = { .kind = IDENTITY, .identity = *identity };

	return say(memory_of(keeper), &word, NULL, 0);
}

static int keep_one_mkey(struct keeper *keeper, const struct kept_mkey *mkey)
{
	struct word word = { .kind = MKEY, .mkey = *mkey };

	return say(memory_of(keeper), &word, NULL, 0);
}

static int keep_one_quirk(struct keeper *keeper, const struct kept_quirks *quirks)
{
	struct word word = { .kind = QUIRKS, .quirks = *quirks };

	return say(memory_of(keeper), &word, quirks->blob, quirks->size);
}

static int keep_one_alias(struct keeper *keeper, const struct kept_alias *alias)
{
	struct word word = { .kind = ALIAS, .alias = *alias };

	return say(memory_of(keeper), &word, NULL, 0);
}

static int keep_one_reservation(struct keeper *keeper, const struct kept_reservation *reservation)
{
	struct word word = { .kind = RESERVATION, .reservation = *reservation };

	return say(memory_of(keeper), &word, NULL, 0);
}

static int keep_some_spares(struct keeper *keeper, const struct kept_spares *spares)
{
	struct word word = { .kind = SPARES, .spares = *spares };

	return say(memory_of(keeper), &word, spares->lid,
		   spares->n * (uint32_t)sizeof(spares->lid[0]));
}

static int keep_one_move(struct keeper *keeper, const struct kept_move *move)
{
	struct word word = { .kind = MOVE, .move = *move };

	return say(memory_of(keeper), &word, NULL, 0);
}

static int keep_one_registration(struct keeper *keeper, const struct kept_registration *r)
{
	struct word word = { .kind = REGISTRATION, .registration = *r };

	return say(memory_of(keeper), &word, r->blob, r->size);
}

static int keep_one_change(struct keeper *keeper, const struct kept_change *change)
{
	struct word word = { .kind = CHANGE, .change = *change };

	return say(memory_of(keeper), &word, change->members,
		   change->n_members * (uint32_t)sizeof(*change->members));
}

/* Does a change after @word say otherwise of @member? */
static bool is_overruled(const struct memory_keeper *k, const struct word *word,
			 const struct kept_member *member)
{
	for (struct list *l = word->link.next; l != &k->changes; l = l->next) {
		const struct kept_change *later = &LIST_ENTRY(l, struct word, link)->change;

		if (later->pkey != member->pkey)
			continue;
		if (later->clear)
			return true;
		for (uint32_t i = 0; i < later->n_members; i++)
			if (later->members[i].guid == member->guid)
				return true;
	}

	return false;
}

static void read_members(struct memory_keeper *k, const struct keep_reader *reader, void *user)
{
	for (struct list *l = k->changes.next; l != &k->changes; l = l->next) {
		const struct word *word = LIST_ENTRY(l, struct word, link);

		for (uint32_t i = 0; i < word->change.n_members; i++)
			if (word->change.members[i].membership &&
			    !is_overruled(k, word, &word->change.members[i]))
				reader->member(user, &word->change.members[i]);
	}
}

static void read_all(struct keeper *keeper, const struct keep_reader *reader, void *user)
{
	struct memory_keeper *k = memory_of(keeper);
	const struct rows *rows = k->rows;

	for (uint32_t i = 0; reader->identity && i < rows[IDENTITY].n; i++)
		reader->identity(user, &rows[IDENTITY].row[i]->identity);
	for (uint32_t i = 0; reader->mkey && i < rows[MKEY].n; i++)
		reader->mkey(user, &rows[MKEY].row[i]->mkey);
	for (uint32_t i = 0; reader->quirks && i < rows[QUIRKS].n; i++)
		reader->quirks(user, &rows[QUIRKS].row[i]->quirks);
	for (uint32_t i = 0; reader->reservation && i < rows[RESERVATION].n; i++)
		reader->reservation(user, &rows[RESERVATION].row[i]->reservation);
	for (uint32_t i = 0; reader->alias && i < rows[ALIAS].n; i++)
		reader->alias(user, &rows[ALIAS].row[i]->alias);
	for (uint32_t i = 0; reader->spares && i < rows[SPARES].n; i++)
		reader->spares(user, &rows[SPARES].row[i]->spares);
	for (uint32_t i = 0; reader->move && i < rows[MOVE].n; i++)
		reader->move(user, &rows[MOVE].row[i]->move);
	for (uint32_t i = 0; reader->registration && i < rows[REGISTRATION].n; i++)
		reader->registration(user, &rows[REGISTRATION].row[i]->registration);
	if (reader->member)
		read_members(k, reader, user);
}

static int after(struct keeper *keeper, void (*fn)(void *user, int result), void *user)
{
	struct memory_keeper *k = memory_of(keeper);
	struct waiter *w = k->poor ? NULL : malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .fn = fn, .user = user };
	/* What is under way may be all that it waits for. */
	w->due = k->committing && list_is_empty(&k->said);
	list_init(&w->link);
	list_add_tail(&k->waiters, &w->link);
	begin_commit(k);
	return 0;
}

static void cancel(struct keeper *keeper, const void *user)
{
	struct memory_keeper *k = memory_of(keeper);

	for (struct list *l = k->waiters.next, *next; l != &k->waiters; l = next) {
		struct waiter *w = LIST_ENTRY(l, struct waiter, link);

		next = l->next;
		if (w->user == user) {
			list_remove(&w->link);
			free(w);
		}
	}
}

/* ---- coming and going ------------------------------------------------------------------------ */

static void drop_waiters(struct memory_keeper *k)
{
	struct list *l;

	while ((l = list_take_first(&k->waiters)))
		free(LIST_ENTRY(l, struct waiter, link));
}

void memory_keeper_flush(struct memory_keeper *k)
{
	loop_timer_stop(k->timer);
	k->committing = false;
	put_words(k, &k->commit);
	put_words(k, &k->said);
	drop_waiters(k);
}

void memory_keeper_kill(struct memory_keeper *k)
{
	loop_timer_stop(k->timer);
	k->committing = false;
	if (loop_random(k->loop) & 1)
		put_words(k, &k->commit);
	drop_words(&k->commit);
	drop_words(&k->said);
	drop_waiters(k);
}

void memory_keeper_set_delay(struct memory_keeper *k, uint64_t delay)
{
	k->delay = delay;
}

void memory_keeper_set_full(struct memory_keeper *k, bool full)
{
	k->full = full;
}

void memory_keeper_set_poor(struct memory_keeper *k, bool poor)
{
	k->poor = poor;
}

uint64_t memory_keeper_writes(const struct memory_keeper *k)
{
	return k->n_words;
}

struct keeper *memory_keeper_keeper(struct memory_keeper *k)
{
	return &k->keeper;
}

int memory_keeper_new(struct loop *loop, struct memory_keeper **ret)
{
	static const struct keeper_ops ops = { .read = read_all,
					       .identity = keep_one_identity,
					       .mkey = keep_one_mkey,
					       .quirks = keep_one_quirk,
					       .change = keep_one_change,
					       .after = after,
					       .cancel = cancel,
					       .reservation = keep_one_reservation,
					       .alias = keep_one_alias,
					       .spares = keep_some_spares,
					       .move = keep_one_move,
					       .registration = keep_one_registration };
	struct memory_keeper *k = calloc(1, sizeof(*k));

	if (!k || loop_timer_new(loop, committed, k, &k->timer) < 0) {
		free(k);
		return -ENOMEM;
	}
	k->keeper.ops = &ops;
	k->loop = loop;
	k->delay = 3 * LOOP_MSEC;
	list_init(&k->changes);
	list_init(&k->said);
	list_init(&k->commit);
	list_init(&k->waiters);
	*ret = k;
	return 0;
}

void memory_keeper_free(struct memory_keeper *k)
{
	if (!k)
		return;
	drop_words(&k->said);
	drop_words(&k->commit);
	drop_waiters(k);
	memory_keeper_clear(k);
	loop_timer_free(k->timer);
	free(k);
}
