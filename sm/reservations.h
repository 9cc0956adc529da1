/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the operator reserved: a GUID that is to have a LID, a name, and places, before the device
 * with that GUID is there, and while it is away. Devices come, go and move; what is reserved stays
 * until the operator takes it back, where other identities, made by a device that appeared, may be
 * forgotten when LIDs are short.
 *
 * Its LID is in identity.h like everybody's, its P_Keys come from the partitions by its GUID.
 * Nothing here knows ports, MADs or disks.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/guid-map.h"
#include "sm/keep.h"

/* More than there are LIDs, since several may share one. */
#define RESERVATIONS_MAX 65536u

/* A zeroed struct has none; reservations_done() makes it so again. */
struct reservations {
	struct guid_map map;
	struct kept_reservation *all; /* in no order */
	uint32_t n;
	uint32_t room;
};

void reservations_done(struct reservations *reservations);

/* NULL if there is none. Valid until the next change. */
const struct kept_reservation *reservations_find(const struct reservations *reservations,
						 uint64_t guid);

/* New, or in place of what was said of this GUID. 0, -ENOSPC at RESERVATIONS_MAX, -ENOMEM. */
int reservations_put(struct reservations *reservations, const struct kept_reservation *reservation);

void reservations_remove(struct reservations *reservations, uint64_t guid);

/* Can it be right: a GUID, a unicast LID or 0, no place that is 0 or there twice, a name? */
bool reservation_is_valid(const struct kept_reservation *reservation);

/* The same thing said of the same GUID? */
bool reservation_is_same(const struct kept_reservation *a, const struct kept_reservation *b);

/* May it be behind the physical port with this GUID? NULL: nothing is said of it, so it may. */
bool reservation_may_be_at(const struct kept_reservation *reservation, uint64_t port_guid);
