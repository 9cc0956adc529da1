/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A map from GUIDs (64 bits, host order, any value but 0) to numbers of 32 bits, usually indices.
 */

#include <stdbool.h>
#include <stdint.h>

struct guid_map {
	struct guid_slot *slots; /* NULL while empty */
	uint32_t n_slots;        /* a power of two */
	uint32_t n_used;
};

#define GUID_MAP_NONE UINT32_MAX

/* A zeroed struct is an empty map; guid_map_done() makes it one again. */
void guid_map_done(struct guid_map *map);

/* The number, or GUID_MAP_NONE. */
uint32_t guid_map_get(const struct guid_map *map, uint64_t guid);

/* Insert or replace. 0, -ENOMEM, or -EINVAL for GUID 0. */
int guid_map_put(struct guid_map *map, uint64_t guid, uint32_t value);

/* True if it was there. */
bool guid_map_remove(struct guid_map *map, uint64_t guid);
