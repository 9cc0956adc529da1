/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The keeper of fake-fabric.h: the last that was said of each GUID, in the order in which GUIDs
 * were first said.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/unit/fake-fabric.h"

static struct fake_keeper *fake(struct keeper *k)
{
	return CONTAINER_OF(k, struct fake_keeper, keeper);
}

static void read_all(struct keeper *keeper, const struct keep_reader *reader, void *user)
{
	struct fake_keeper *k = fake(keeper);

	for (unsigned i = 0; i < k->n_identities; i++)
		if (k->identities[i].lid)
			reader->identity(user, &k->identities[i]);
	for (unsigned i = 0; i < k->n_mkeys; i++)
		if (k->mkeys[i].mkey)
			reader->mkey(user, &k->mkeys[i]);
	for (unsigned i = 0; i < k->n_quirks; i++)
		if (k->quirks[i].size)
			reader->quirks(user, &k->quirks[i]);
	for (unsigned i = 0; reader->reservation && i < k->n_reservations; i++)
		if (!k->reservations[i].gone)
			reader->reservation(user, &k->reservations[i]);
	for (unsigned i = 0; reader->alias && i < k->n_aliases; i++)
		if (k->aliases[i].port)
			reader->alias(user, &k->aliases[i]);
	for (unsigned i = 0; reader->registration && i < k->n_registrations; i++)
		if (k->registrations[i].size)
			reader->registration(user, &k->registrations[i]);
	for (unsigned i = 1; i < FAKE_KEPT; i++)
		if (k->names[i][0])
			reader->partition(user,
					  &(struct kept_partition){ (uint16_t)i, k->names[i] });
	for (unsigned i = 0; i < k->n_members; i++)
		if (k->members[i].membership)
			reader->member(user, &k->members[i]);
}

static int keep_one_identity(struct keeper *keeper, const struct kept_identity *identity)
{
	struct fake_keeper *k = fake(keeper);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_identities && k->identities[i].guid != identity->guid)
		i++;
	if (i == FAKE_KEPT || k->no_lids)
		return -ENOMEM;
	k->identities[i] = *identity;
	k->n_identities = MAX(k->n_identities, i + 1);

	return 0;
}

static int keep_one_mkey(struct keeper *keeper, const struct kept_mkey *mkey)
{
	struct fake_keeper *k = fake(keeper);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_mkeys && k->mkeys[i].guid != mkey->guid)
		i++;
	if (i == FAKE_KEPT)
		return -ENOMEM;
	k->mkeys[i] = *mkey;
	k->n_mkeys = MAX(k->n_mkeys, i + 1);

	return 0;
}

static int keep_one_quirk(struct keeper *keeper, const struct kept_quirks *quirks)
{
	struct fake_keeper *k = fake(keeper);
	void *blob = malloc(quirks->size + 1);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_quirks && k->quirks[i].guid != quirks->guid)
		i++;
	if (i == FAKE_KEPT || !blob) {
		free(blob);
		return -ENOMEM;
	}
	if (quirks->size)
		memcpy(blob, quirks->blob, quirks->size);
	if (i < k->n_quirks)
		free((void *)(uintptr_t)k->quirks[i].blob);
	k->quirks[i] = *quirks;
	k->quirks[i].blob = blob;
	k->n_quirks = MAX(k->n_quirks, i + 1);

	return 0;
}

static int keep_one_alias(struct keeper *keeper, const struct kept_alias *alias)
{
	struct fake_keeper *k = fake(keeper);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_aliases && k->aliases[i].guid != alias->guid)
		i++;
	if (i == FAKE_KEPT)
		return -ENOMEM;
	k->aliases[i] = *alias;
	k->n_aliases = MAX(k->n_aliases, i + 1);

	return 0;
}

static int keep_one_reservation(struct keeper *keeper, const struct kept_reservation *reservation)
{
	struct fake_keeper *k = fake(keeper);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_reservations && k->reservations[i].guid != reservation->guid)
		i++;
	if (i == FAKE_KEPT || k->is_full)
		return -ENOMEM;
	k->reservations[i] = *reservation;
	k->n_reservations = MAX(k->n_reservations, i + 1);

	return 0;
}

static int keep_one_registration(struct keeper *keeper, const struct kept_registration *r)
{
	struct fake_keeper *k = fake(keeper);
	void *blob = malloc(r->size + 1);
	unsigned i = 0;

	k->n_writes++;
	while (i < k->n_registrations &&
	       (k->registrations[i].kind != r->kind || k->registrations[i].id != r->id))
		i++;
	if (i == FAKE_KEPT || k->is_full || !blob) {
		free(blob);
		return -ENOMEM;
	}
	if (r->size)
		memcpy(blob, r->blob, r->size);
	if (i < k->n_registrations)
		free((void *)(uintptr_t)k->registrations[i].blob);
	k->registrations[i] = *r;
	k->registrations[i].blob = blob;
	k->n_registrations = MAX(k->n_registrations, i + 1);

	return 0;
}

/* What is not read back here. */
static int keep_some_spares(struct keeper *keeper, const struct kept_spares *spares)
{
	(void)spares;
	fake(keeper)->n_writes++;

	return 0;
}

static int keep_one_move(struct keeper *keeper, const struct kept_move *move)
{
	struct fake_keeper *k = fake(keeper);

	k->n_writes++;
	if (k->is_full)
		return -ENOMEM;
	k->move = *move;

	return 0;
}

static void keep_one_member(struct fake_keeper *k, const struct kept_member *member)
{
	unsigned i = 0;

	while (i < k->n_members &&
	       (k->members[i].guid != member->guid || k->members[i].pkey != member->pkey))
		i++;
	if (i == FAKE_KEPT)
		abort();
	k->members[i] = *member;
	k->n_members = MAX(k->n_members, i + 1);
}

static int keep_one_change(struct keeper *keeper, const struct kept_change *change)
{
	struct fake_keeper *k = fake(keeper);

	k->n_writes++;
	if (change->pkey >= FAKE_KEPT)
		abort();
	if (change->name)
		strcpy(k->names[change->pkey], change->name);
	for (unsigned i = 0; change->clear && i < k->n_members; i++)
		if (k->members[i].pkey == change->pkey)
			k->members[i].membership = 0;
	for (uint32_t i = 0; i < change->n_members; i++)
		keep_one_member(k, &change->members[i]);

	return 0;
}

/* Names are not undone: nobody looks. */
static void settle_members(struct fake_keeper *k)
{
	if (k->result < 0) {
		memcpy(k->members, k->undo, sizeof(k->members));
		k->n_members = k->n_undo;
		return;
	}
	memcpy(k->undo, k->members, sizeof(k->members));
	k->n_undo = k->n_members;
}

/* Whoever is called may wait again: that is for the next commit. */
static void written(void *user)
{
	struct fake_keeper *k = user;
	struct fake_waiter waiters[FAKE_WAITERS];
	unsigned n = k->n_waiters;

	memcpy(waiters, k->waiters, sizeof(waiters));
	memcpy(k->safe_mkeys, k->mkeys, sizeof(k->mkeys));
	k->n_safe_mkeys = k->n_mkeys;
	k->n_waiters = 0;
	settle_members(k);
	for (unsigned i = 0; i < n; i++)
		waiters[i].fn(waiters[i].user, k->result);
}

static int after(struct keeper *keeper, void (*fn)(void *user, int result), void *user)
{
	struct fake_keeper *k = fake(keeper);

	if (k->n_waiters == FAKE_WAITERS)
		return -ENOMEM;
	k->waiters[k->n_waiters++] = (struct fake_waiter){ fn, user };
	loop_timer_set(k->timer, loop_now(k->loop) + k->delay);

	return 0;
}

static void cancel(struct keeper *keeper, const void *user)
{
	struct fake_keeper *k = fake(keeper);
	unsigned n = 0;

	for (unsigned i = 0; i < k->n_waiters; i++)
		if (k->waiters[i].user != user)
			k->waiters[n++] = k->waiters[i];
	k->n_waiters = n;
}

void fake_keeper_init(struct fake_keeper *k, struct loop *loop)
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

	memset(k, 0, sizeof(*k));
	k->keeper.ops = &ops;
	k->loop = loop;
	k->delay = 3 * LOOP_MSEC;
	if (loop_timer_new(loop, written, k, &k->timer) < 0)
		abort();
}

void fake_keeper_kill(struct fake_keeper *k)
{
	loop_timer_stop(k->timer);
	memcpy(k->mkeys, k->safe_mkeys, sizeof(k->mkeys));
	k->n_mkeys = k->n_safe_mkeys;
	memcpy(k->members, k->undo, sizeof(k->members));
	k->n_members = k->n_undo;
}

void fake_keeper_clear(struct fake_keeper *k)
{
	for (unsigned i = 0; i < k->n_quirks; i++)
		free((void *)(uintptr_t)k->quirks[i].blob);
	for (unsigned i = 0; i < k->n_registrations; i++)
		free((void *)(uintptr_t)k->registrations[i].blob);
	memset(k->names, 0, sizeof(k->names));
	k->n_members = k->n_undo = 0;
	k->n_identities = k->n_mkeys = k->n_safe_mkeys = k->n_quirks = k->n_reservations =
		k->n_aliases = k->n_registrations = 0;
}

void fake_keeper_done(struct fake_keeper *k)
{
	fake_keeper_clear(k);
	loop_timer_free(k->timer);
}
