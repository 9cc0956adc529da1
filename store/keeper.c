/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The store as sm/keep.h wants it: each kind of value becomes a row (to-row.h) of the batch that
 * gathers. How batches get to the disk is in store.c.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "store/database.h"
#include "store/store-inside.h"
#include "store/to-row.h"

static void cancel_all(struct list *afters, const void *user)
{
	struct list *link = afters->next;

	while (link != afters) {
		struct after *after = LIST_ENTRY(link, struct after, link);

		link = link->next;
		if (after->user != user)
			continue;
		list_remove(&after->link);
		free(after);
	}
}

static struct store *to_store(struct keeper *k)
{
	return CONTAINER_OF(k, struct store, keeper);
}

/* Quirks can be found out again, so they leave room for what cannot. */
static size_t room_for(const struct store *store, enum row_kind kind)
{
	size_t limit = kind == ROW_QUIRKS ? STORE_WAITING_MAX / 2 : STORE_WAITING_MAX;

	return limit - MIN(limit, store->writer->batch.bytes);
}

static void refuse(struct store *store, int error)
{
	store->refused = error;
	if (!store->has_refused)
		log_error("No room for values that wait to be written to " DATABASE_NAME
			  " in %s, new ones are not kept",
			  store->writer->dir);
	store->has_refused = true;
}

static int keep_row(struct store *store, const struct row *row)
{
	int r;

	if (row->guid == 0 && !row_is_step(row))
		return -EINVAL;
	store->was_written = true;
	r = batch_put(&store->batch, row, room_for(store, row->kind));
	if (r < 0)
		refuse(store, r);
	else if (!store->is_writing)
		store_wake(store);

	return r;
}

static int store_keep_identity(struct keeper *k, const struct kept_identity *identity)
{
	struct store *store = to_store(k);
	struct row row;
	int r = row_of_identity(identity, &row);

	if (r == 0)
		r = keep_row(store, &row);
	if (r == 0)
		store->has_identities = true;

	return r;
}

static int store_keep_mkey(struct keeper *k, const struct kept_mkey *mkey)
{
	struct row row;
	int r = row_of_mkey(mkey, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_quirks(struct keeper *k, const struct kept_quirks *quirks)
{
	struct row row;
	int r = row_of_quirks(quirks, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_alias(struct keeper *k, const struct kept_alias *alias)
{
	struct row row;
	int r = row_of_alias(alias, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_reservation(struct keeper *k, const struct kept_reservation *reservation)
{
	struct reservation_blob blob;
	struct row row;
	int r = row_of_reservation(reservation, &blob, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_change(struct keeper *k, const struct kept_change *change)
{
	struct store *store = to_store(k);
	uint32_t n_rows = store->batch.n_rows;
	int refused = store->refused; /* by others, before */
	struct row row;
	int r = 0;

	if (!change_is_valid(change))
		return -EINVAL;
	for (uint32_t i = 0; r == 0 && row_of_change(change, i, &row); i++)
		r = keep_row(store, &row);
	if (r < 0) {
		batch_drop_steps(&store->batch, n_rows);
		store->refused = refused;
	}

	return r;
}

static int store_keep_spares(struct keeper *k, const struct kept_spares *spares)
{
	struct row row;
	int r = row_of_spares(spares, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_move(struct keeper *k, const struct kept_move *move)
{
	struct row row;
	int r = row_of_move(move, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_registration(struct keeper *k, const struct kept_registration *registration)
{
	struct row row;
	int r = row_of_registration(registration, &row);

	return r == 0 ? keep_row(to_store(k), &row) : r;
}

static int store_keep_after(struct keeper *k, void (*fn)(void *user, int result), void *user)
{
	struct store *store = to_store(k);
	struct after *after = malloc(sizeof(*after));

	if (!after)
		return -ENOMEM;
	*after = (struct after){ .fn = fn, .user = user, .result = store->refused };
	store->refused = 0;
	list_add_tail(&store->next_afters, &after->link);
	if (!store->is_writing)
		store_wake(store);

	return 0;
}

static void store_keep_cancel(struct keeper *k, const void *user)
{
	struct store *store = to_store(k);

	cancel_all(&store->next_afters, user);
	cancel_all(&store->afters, user);
	cancel_all(&store->due_afters, user);
}

static void store_keep_read(struct keeper *k, const struct keep_reader *reader, void *user)
{
	struct store *store = to_store(k);
	struct writer *writer = store->writer;

	if (store->was_written) {
		log_error("What is kept can only be read before anything is written");
		return;
	}
	writer->report = (struct database_report){ 0 };
	if (writer_connect(writer) < 0)
		log_error("Cannot read " DATABASE_NAME " in %s: %s", writer->dir,
			  writer->report.why);
	else
		database_read(writer->db, reader, user);
	store_say_aside(&writer->report);
}

const struct keeper_ops store_keeper_ops = {
	.read = store_keep_read,
	.identity = store_keep_identity,
	.mkey = store_keep_mkey,
	.quirks = store_keep_quirks,
	.change = store_keep_change,
	.after = store_keep_after,
	.cancel = store_keep_cancel,
	.reservation = store_keep_reservation,
	.alias = store_keep_alias,
	.spares = store_keep_spares,
	.move = store_keep_move,
	.registration = store_keep_registration,
};
