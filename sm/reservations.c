/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * An array and a map into it. Who is removed gives its place to the last one.
 *
 * Places are compared in the order in which they were said: the same places in another order are
 * said anew, which costs a row on the disk and nothing else.
 */

#include "sm/reservations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "sm/identity.h"

void reservations_done(struct reservations *reservations)
{
	guid_map_done(&reservations->map);
	free(reservations->all);
	*reservations = (struct reservations){ .n = 0 };
}

const struct kept_reservation *reservations_find(const struct reservations *reservations,
						 uint64_t guid)
{
	uint32_t i = guid_map_get(&reservations->map, guid);

	return i == GUID_MAP_NONE ? NULL : &reservations->all[i];
}

static int make_room(struct reservations *reservations)
{
	if (reservations->n == RESERVATIONS_MAX)
		return -ENOSPC;

	return array_make_room(&reservations->all, reservations->n, &reservations->room, 64,
			       sizeof(*reservations->all));
}

int reservations_put(struct reservations *reservations, const struct kept_reservation *reservation)
{
	uint32_t i = guid_map_get(&reservations->map, reservation->guid);
	int r;

	if (i == GUID_MAP_NONE) {
		r = make_room(reservations);
		if (r == 0)
			r = guid_map_put(&reservations->map, reservation->guid, reservations->n);
		if (r < 0)
			return r;
		i = reservations->n++;
	}
	reservations->all[i] = *reservation;

	return 0;
}

void reservations_remove(struct reservations *reservations, uint64_t guid)
{
	uint32_t i = guid_map_get(&reservations->map, guid);

	if (i == GUID_MAP_NONE)
		return;
	guid_map_remove(&reservations->map, guid);
	reservations->n--;
	if (i == reservations->n)
		return;
	reservations->all[i] = reservations->all[reservations->n];
	guid_map_put(&reservations->map, reservations->all[i].guid, i);
}

/* Texts go to terminals and journals. */
static bool is_name(const char name[KEEP_NAME_MAX + 1])
{
	size_t length = strnlen(name, KEEP_NAME_MAX + 1);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return false;

	return length <= KEEP_NAME_MAX;
}

bool reservation_is_valid(const struct kept_reservation *reservation)
{
	if (reservation->guid == 0 ||
	    (reservation->lid != 0 && !identity_is_valid(reservation->lid, 0)) ||
	    reservation->n_places > KEEP_PLACES_MAX || !is_name(reservation->name))
		return false;
	for (unsigned i = 0; i < reservation->n_places; i++) {
		if (reservation->place[i] == 0)
			return false;
		for (unsigned k = 0; k < i; k++)
			if (reservation->place[k] == reservation->place[i])
				return false;
	}

	return true;
}

bool reservation_is_same(const struct kept_reservation *a, const struct kept_reservation *b)
{
	return a->guid == b->guid && a->lid == b->lid && a->n_places == b->n_places &&
	       !memcmp(a->place, b->place, a->n_places * sizeof(a->place[0])) &&
	       !strcmp(a->name, b->name);
}

bool reservation_may_be_at(const struct kept_reservation *reservation, uint64_t port_guid)
{
	for (unsigned i = 0; reservation && i < reservation->n_places; i++)
		if (reservation->place[i] == port_guid)
			return true;

	return !reservation || reservation->n_places == 0;
}
