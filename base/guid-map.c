/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Open addressing with linear probing and removal by shifting back, so that there are no tombstones
 * and a lookup touches one or two cache lines. GUIDs come from the fabric, where anybody may choose
 * them, so they are mixed before use and the table grows at half full; a chosen set of colliding
 * GUIDs costs a peer more than it costs us (the mix is not secret, but a fabric has a bounded
 * number of ports, and so has this table).
 */

#include "base/guid-map.h"

#include <errno.h>
#include <stdlib.h>

struct guid_slot {
	uint64_t guid; /* 0: free */
	uint32_t value;
};

#define FIRST_SLOTS 64

static uint32_t home_of(const struct guid_map *map, uint64_t guid)
{
	guid ^= guid >> 32;
	guid *= UINT64_C(0x9e3779b97f4a7c15);
	guid ^= guid >> 29;

	return (uint32_t)guid & (map->n_slots - 1);
}

void guid_map_done(struct guid_map *map)
{
	free(map->slots);
	*map = (struct guid_map){ 0 };
}

/* The slot of @guid, or the free one where it would go. */
static struct guid_slot *find(const struct guid_map *map, uint64_t guid)
{
	uint32_t i = home_of(map, guid);

	while (map->slots[i].guid != 0 && map->slots[i].guid != guid)
		i = (i + 1) & (map->n_slots - 1);

	return &map->slots[i];
}

uint32_t guid_map_get(const struct guid_map *map, uint64_t guid)
{
	const struct guid_slot *slot;

	if (!map->slots || guid == 0)
		return GUID_MAP_NONE;
	slot = find(map, guid);

	return slot->guid ? slot->value : GUID_MAP_NONE;
}

static int grow(struct guid_map *map)
{
	struct guid_map bigger = { .n_slots = map->n_slots ? map->n_slots * 2 : FIRST_SLOTS,
				   .n_used = map->n_used };

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;

	for (uint32_t i = 0; i < map->n_slots; i++)
		if (map->slots[i].guid)
			*find(&bigger, map->slots[i].guid) = map->slots[i];
	free(map->slots);
	*map = bigger;

	return 0;
}

int guid_map_put(struct guid_map *map, uint64_t guid, uint32_t value)
{
	struct guid_slot *slot;

	if (guid == 0)
		return -EINVAL;
	if (2 * (map->n_used + 1) > map->n_slots) {
		int r = grow(map);

		if (r < 0)
			return r;
	}
	slot = find(map, guid);
	if (slot->guid == 0)
		map->n_used++;
	*slot = (struct guid_slot){ .guid = guid, .value = value };

	return 0;
}

bool guid_map_remove(struct guid_map *map, uint64_t guid)
{
	uint32_t mask = map->n_slots - 1;
	uint32_t hole, i;

	if (!map->slots || guid == 0 || find(map, guid)->guid == 0)
		return false;

	hole = (uint32_t)(find(map, guid) - map->slots);
	for (i = (hole + 1) & mask; map->slots[i].guid != 0; i = (i + 1) & mask) {
		uint32_t home = home_of(map, map->slots[i].guid);

		/* May it move back to the hole? Only if its home is not between the two. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct guid_slot){ 0 };
	map->n_used--;

	return true;
}
