/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What sm/keep.h declares, as rows of a batch.
 */

#include "sm/keep.h"
#include "store/batch.h"

/*
 * 0, or -EINVAL for what cannot be right. The blob of @ret is that of the value; a reservation has
 * none of its own, and gets one in @blob.
 */
int row_of_identity(const struct kept_identity *identity, struct row *ret);
int row_of_mkey(const struct kept_mkey *mkey, struct row *ret);
int row_of_quirks(const struct kept_quirks *quirks, struct row *ret);
int row_of_alias(const struct kept_alias *alias, struct row *ret);
int row_of_spares(const struct kept_spares *spares, struct row *ret);
int row_of_registration(const struct kept_registration *registration, struct row *ret);
int row_of_move(const struct kept_move *move, struct row *ret);

struct reservation_blob {
	char bytes[KEEP_PLACES_MAX * sizeof(uint64_t) + KEEP_NAME_MAX];
};

int row_of_reservation(const struct kept_reservation *reservation, struct reservation_blob *blob,
		       struct row *ret);

/* A change is some rows, in order: row @i of them, if there are so many. */
bool change_is_valid(const struct kept_change *change);
bool row_of_change(const struct kept_change *change, uint32_t i, struct row *ret);
