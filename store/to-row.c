/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The way from values to rows, and what is refused on it; store/rows.c goes the way back. A value
 * is checked here although whoever keeps it knows what it may be: what is on disk is read by
 * another version one day, and a row that cannot be right would be left out then, too late.
 *
 * A change of a partition is its name, if that changes; the members that are forgotten, all in one;
 * then each member that changes.
 */

#include "store/to-row.h"

#include <errno.h>
#include <string.h>

#include "sm/alias-book.h"
#include "sm/identity.h"
#include "sm/reservations.h"

int row_of_identity(const struct kept_identity *identity, struct row *ret)
{
	if (identity->lid != 0 && !identity_is_valid(identity->lid, identity->lmc))
		return -EINVAL;
	*ret = (struct row){
		.kind = ROW_IDENTITY,
		.guid = identity->guid,
		.lid = identity->lid,
		.lmc = identity->lmc,
	};

	return 0;
}

int row_of_mkey(const struct kept_mkey *mkey, struct row *ret)
{
	*ret = (struct row){
		.kind = ROW_MKEY,
		.guid = mkey->guid,
		.mkey = mkey->mkey,
		.other_mkey = mkey->other,
	};

	return 0;
}

int row_of_quirks(const struct kept_quirks *quirks, struct row *ret)
{
	if (quirks->size > KEEP_QUIRKS_MAX)
		return -EINVAL;
	*ret = (struct row){
		.kind = ROW_QUIRKS,
		.guid = quirks->guid,
		.size = quirks->size,
		.blob = quirks->blob,
	};

	return 0;
}

int row_of_reservation(const struct kept_reservation *reservation, struct reservation_blob *blob,
		       struct row *ret)
{
	size_t places = reservation->n_places * sizeof(reservation->place[0]);

	*ret = (struct row){ .kind = ROW_RESERVATION,
			     .guid = reservation->guid,
			     .gone = reservation->gone };
	if (reservation->gone)
		return 0;
	if (!reservation_is_valid(reservation))
		return -EINVAL;
	memcpy(blob->bytes, reservation->place, places);
	memcpy(blob->bytes + places, reservation->name, strlen(reservation->name));
	ret->lid = reservation->lid;
	ret->n_places = (uint8_t)reservation->n_places;
	ret->size = (uint32_t)(places + strlen(reservation->name));
	ret->blob = blob->bytes;

	return 0;
}

int row_of_alias(const struct kept_alias *alias, struct row *ret)
{
	if (alias->port != 0 && !alias_is_valid(alias->port, alias->index))
		return -EINVAL;
	*ret = (struct row){
		.kind = ROW_ALIAS,
		.guid = alias->guid,
		.port = alias->port,
		.index = alias->index,
		.wanted = alias->wanted,
	};

	return 0;
}

int row_of_spares(const struct kept_spares *spares, struct row *ret)
{
	if (spares->n > KEEP_SPARES_MAX)
		return -EINVAL;
	*ret = (struct row){
		.kind = ROW_SPARES,
		.guid = spares->guid,
		.size = spares->n * (uint32_t)sizeof(spares->lid[0]),
		.blob = spares->lid,
	};

	return 0;
}

int row_of_move(const struct kept_move *move, struct row *ret)
{
	*ret = (struct row){ .kind = ROW_MOVE, .guid = move->guid, .port = move->port };

	return 0;
}

int row_of_registration(const struct kept_registration *registration, struct row *ret)
{
	if ((unsigned)registration->kind >= KEPT_REGISTRATION_KIND_COUNT || registration->id == 0 ||
	    registration->id > KEEP_REGISTRATION_ID_LAST || registration->expires > INT64_MAX ||
	    registration->size > KEEP_REGISTRATION_MAX)
		return -EINVAL;
	*ret = (struct row){
		.kind = ROW_REGISTRATION,
		.guid = (uint64_t)registration->kind << 56 | registration->id,
		.expires = registration->expires,
		.size = registration->size,
		.blob = registration->blob,
	};

	return 0;
}

/* ---- changes of partitions ------------------------------------------------------------------- */

bool change_is_valid(const struct kept_change *change)
{
	if (change->pkey == 0 || change->pkey > 0x7fff ||
	    (change->name && strlen(change->name) > KEEP_PARTITION_NAME_MAX))
		return false;
	for (uint32_t i = 0; i < change->n_members; i++)
		if (change->members[i].guid == 0 || change->members[i].pkey != change->pkey ||
		    change->members[i].membership > KEPT_BOTH)
			return false;

	return true;
}

static struct row row_of_name(const struct kept_change *change)
{
	return (struct row){
		.kind = ROW_PARTITION,
		.pkey = change->pkey,
		.size = (uint32_t)strlen(change->name),
		.blob = change->name,
	};
}

static struct row row_of_member(const struct kept_member *member)
{
	return (struct row){
		.kind = ROW_MEMBER,
		.pkey = member->pkey,
		.guid = member->guid,
		.membership = member->membership,
		.index0 = member->index0,
	};
}

bool row_of_change(const struct kept_change *change, uint32_t i, struct row *ret)
{
	uint32_t n_before = (change->name ? 1 : 0) + (change->clear ? 1 : 0);

	if (i >= n_before + change->n_members)
		return false;
	if (i >= n_before)
		*ret = row_of_member(&change->members[i - n_before]);
	else if (i == 0 && change->name)
		*ret = row_of_name(change);
	else
		*ret = row_of_member(&(struct kept_member){ .pkey = change->pkey });

	return true;
}
