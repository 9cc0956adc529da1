/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The LID space is 768 words of 64 bits, a word being a block of a forwarding table. A search for
 * free LIDs is then bit arithmetic on words: shift-and-and folds "n free in a row" into one bit.
 *
 * identity_find_span() exists because a pod whose LIDs lie together costs most switches few blocks
 * when its routes change (lid-order.c).
 */

#include "sm/identity.h"

#include <errno.h>
#include <stdlib.h>

#include "base/guid-map.h"
#include "base/array.h"
#include "base/macros.h"
#include "mad/wire.h"

#define BLOCKS ((LID_UNICAST_LAST + 1) / LFT_BLOCK)

#define NOBODY UINT32_MAX /* of LIDs that are set aside */

struct identities {
	uint64_t used[BLOCKS];
	uint32_t owner[LID_UNICAST_LAST + 1]; /* index into all, meaningful where used */
	struct guid_map map;
	struct identity *all;
	uint32_t n;
	uint32_t room;
	unsigned n_used;
	unsigned first_gap; /* no block below it has a free LID */
	unsigned last;      /* LID that may be given out */
	uint32_t sweep;
};

int identities_new(struct identities **ret)
{
	struct identities *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return -ENOMEM;
	ids->used[0] = 1; /* LID 0 is none */
	ids->last = LID_UNICAST_LAST;
	*ret = ids;

	return 0;
}

void identities_free(struct identities *ids)
{
	if (!ids)
		return;
	guid_map_done(&ids->map);
	free(ids->all);
	free(ids);
}

void identities_begin(struct identities *ids, uint32_t sweep, uint16_t last)
{
	ids->sweep = sweep;
	ids->last = MIN(last, LID_UNICAST_LAST);
}

const struct identity *identity_find(const struct identities *ids, uint64_t guid)
{
	uint32_t i = guid_map_get(&ids->map, guid);

	return i == GUID_MAP_NONE ? NULL : &ids->all[i];
}

static bool is_used(const struct identities *ids, unsigned lid)
{
	return ids->used[lid / LFT_BLOCK] >> lid % LFT_BLOCK & 1;
}

uint64_t identity_owner(const struct identities *ids, unsigned lid)
{
	if (lid < LID_UNICAST_FIRST || lid > LID_UNICAST_LAST || !is_used(ids, lid) ||
	    ids->owner[lid] == NOBODY)
		return 0;

	return ids->all[ids->owner[lid]].guid;
}

static void mark(struct identities *ids, uint32_t index)
{
	const struct identity *id = &ids->all[index];

	for (unsigned lid = id->lid; lid < id->lid + (1u << id->lmc); lid++) {
		ids->used[lid / LFT_BLOCK] |= UINT64_C(1) << lid % LFT_BLOCK;
		ids->owner[lid] = index;
	}
	ids->n_used += 1u << id->lmc;
}

static void unmark(struct identities *ids, const struct identity *id)
{
	for (unsigned lid = id->lid; lid < id->lid + (1u << id->lmc); lid++)
		ids->used[lid / LFT_BLOCK] &= ~(UINT64_C(1) << lid % LFT_BLOCK);
	ids->n_used -= 1u << id->lmc;
	ids->first_gap = MIN(ids->first_gap, id->lid / LFT_BLOCK);
}

bool identity_is_valid(uint64_t lid, uint64_t lmc)
{
	return lmc <= 7 && lid >= LID_UNICAST_FIRST && lid <= LID_UNICAST_LAST &&
	       lid + (1u << lmc) - 1 <= LID_UNICAST_LAST && lid % (1u << lmc) == 0;
}

static bool is_free_for(const struct identities *ids, uint64_t guid, uint16_t lid, uint8_t lmc)
{
	for (unsigned l = lid; l < lid + (1u << lmc); l++)
		if (is_used(ids, l) && identity_owner(ids, l) != guid)
			return false;

	return true;
}

/* The entry of @guid, new if it must be: -ENOMEM or its index. */
static int64_t entry_of(struct identities *ids, uint64_t guid)
{
	uint32_t i = guid_map_get(&ids->map, guid);
	int r;

	if (i != GUID_MAP_NONE) {
		unmark(ids, &ids->all[i]);
		return i;
	}
	r = array_make_room(&ids->all, ids->n, &ids->room, 64, sizeof(*ids->all));
	if (r == 0)
		r = guid_map_put(&ids->map, guid, ids->n);
	if (r < 0)
		return r;

	ids->all[ids->n].reserved = false;

	return ids->n++;
}

int identity_claim(struct identities *ids, uint64_t guid, uint16_t lid, uint8_t lmc)
{
	int64_t i;

	if (!identity_is_valid(lid, lmc) || guid == 0)
		return -EINVAL;
	if (!is_free_for(ids, guid, lid, lmc))
		return -EEXIST;
	i = entry_of(ids, guid);
	if (i < 0)
		return (int)i;
	ids->all[i] = (struct identity){ .guid = guid,
					 .lid = lid,
					 .lmc = lmc,
					 .reserved = ids->all[i].reserved,
					 .seen = ids->sweep };
	mark(ids, (uint32_t)i);

	return 0;
}

/* Bit b of the result: bits b to b + n - 1 of @free are set. n is 1 to 64. */
static uint64_t runs_of(uint64_t free, unsigned n)
{
	unsigned have = 1;

	while (have < n) {
		unsigned step = MIN(have, n - have);

		free &= free >> step;
		have += step;
	}

	return free;
}

/* Bits at which a range of 2^lmc LIDs may start. */
static uint64_t aligned(unsigned lmc)
{
	uint64_t bits = 0;

	for (unsigned b = 0; b < LFT_BLOCK; b += 1u << lmc)
		bits |= UINT64_C(1) << b;

	return bits;
}

/* LIDs of a block that may be given out, a bit each. */
static uint64_t free_of(const struct identities *ids, unsigned block)
{
	unsigned first = block * LFT_BLOCK;

	if (first > ids->last)
		return 0;
	if (ids->last - first >= LFT_BLOCK - 1)
		return ~ids->used[block];

	return ~ids->used[block] & ((UINT64_C(2) << (ids->last - first)) - 1);
}

uint16_t identity_find_run(const struct identities *ids, unsigned n, uint8_t lmc)
{
	unsigned size = n << lmc;

	if (size == 0 || size > LFT_BLOCK)
		return 0;
	for (unsigned block = ids->first_gap; block < BLOCKS; block++) {
		uint64_t starts = runs_of(free_of(ids, block), size) & aligned(lmc);

		if (starts)
			return (uint16_t)(block * LFT_BLOCK + (unsigned)__builtin_ctzll(starts));
	}

	return 0;
}

uint16_t identity_find_span(const struct identities *ids, unsigned n, uint8_t lmc)
{
	unsigned length = 0;

	for (unsigned lid = ids->first_gap * LFT_BLOCK; lid <= ids->last; lid++) {
		if (ids->used[lid / LFT_BLOCK] == UINT64_MAX)
			lid |= LFT_BLOCK - 1;
		if (is_used(ids, lid))
			length = 0;
		else if (length > 0 || lid % (1u << lmc) == 0)
			length++;
		if (length > 0 && length == n)
			return (uint16_t)(lid + 1 - n);
	}

	return 0;
}

/* Two whole blocks, for LMC 7. */
static uint16_t find_pair(const struct identities *ids)
{
	for (unsigned block = 0; block + 1 < BLOCKS; block += 2)
		if (free_of(ids, block) == UINT64_MAX && free_of(ids, block + 1) == UINT64_MAX)
			return (uint16_t)(block * LFT_BLOCK);

	return 0;
}

int identity_assign(struct identities *ids, uint64_t guid, uint8_t lmc)
{
	uint16_t lid;

	while (ids->first_gap < BLOCKS - 1 && ids->used[ids->first_gap] == UINT64_MAX)
		ids->first_gap++;
	lid = lmc == 7 ? find_pair(ids) : identity_find_run(ids, 1, lmc);
	if (lid == 0)
		return -ENOSPC;

	return identity_claim(ids, guid, lid, lmc);
}

bool identity_set_aside(struct identities *ids, uint16_t lid)
{
	if (!identity_is_valid(lid, 0) || is_used(ids, lid))
		return false;
	ids->used[lid / LFT_BLOCK] |= UINT64_C(1) << lid % LFT_BLOCK;
	ids->owner[lid] = NOBODY;

	return true;
}

void identity_give_back(struct identities *ids, uint16_t lid)
{
	ids->used[lid / LFT_BLOCK] &= ~(UINT64_C(1) << lid % LFT_BLOCK);
	ids->first_gap = MIN(ids->first_gap, lid / LFT_BLOCK);
}

void identity_forget(struct identities *ids, uint64_t guid)
{
	uint32_t i = guid_map_get(&ids->map, guid);
	uint32_t last = ids->n - 1;

	if (i == GUID_MAP_NONE)
		return;
	unmark(ids, &ids->all[i]);
	guid_map_remove(&ids->map, guid);
	ids->n--;
	if (i == last)
		return;
	unmark(ids, &ids->all[last]);
	ids->all[i] = ids->all[last];
	mark(ids, i);
	guid_map_put(&ids->map, ids->all[i].guid, i);
}

void identity_set_reserved(struct identities *ids, uint64_t guid, bool reserved)
{
	uint32_t i = guid_map_get(&ids->map, guid);

	if (i != GUID_MAP_NONE)
		ids->all[i].reserved = reserved;
}

void identity_see(struct identities *ids, uint64_t guid)
{
	uint32_t i = guid_map_get(&ids->map, guid);

	if (i != GUID_MAP_NONE)
		ids->all[i].seen = ids->sweep;
}

uint64_t identity_forget_oldest(struct identities *ids)
{
	const struct identity *oldest = NULL;
	uint64_t guid;

	for (uint32_t i = 0; i < ids->n; i++) {
		const struct identity *id = &ids->all[i];

		if (id->seen != ids->sweep && id->lid <= ids->last && !id->reserved &&
		    (!oldest || id->seen < oldest->seen))
			oldest = id;
	}
	if (!oldest)
		return 0;
	guid = oldest->guid;
	identity_forget(ids, guid);

	return guid;
}

unsigned identities_used_lids(const struct identities *ids)
{
	return ids->n_used;
}

struct identity *identity_at(struct identities *ids, uint32_t n)
{
	return n < ids->n ? &ids->all[n] : NULL;
}

uint32_t identity_index(const struct identities *ids, uint64_t guid)
{
	return guid_map_get(&ids->map, guid);
}
