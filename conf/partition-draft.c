/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions in the making. A file may come back to a partition as often as it likes, so what it
 * says is kept as one long list in the order of the file; at the end the list is sorted by
 * partition and by what each statement is about, and of several statements about the same the last
 * one stays. Then everything that is asked later is one step of a binary search, however the file
 * was written.
 *
 * Knows no text and no file.
 */

#include "conf/partition-draft.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "conf/partition-index.h"

struct draft_member {
	struct partition_member member;
	uint32_t partition;
};

struct draft_group {
	struct partition_group group;
	uint32_t partition;
	uint32_t order;
};

#define PKEYS 0x8000

/* opensm's */
static const struct partition_params defaults = { .mtu = 4, .rate = 3, .q_key = 0x0b1b };

int draft_init(struct draft *ret)
{
	uint16_t *by_pkey = calloc(PKEYS, sizeof(*by_pkey));

	if (!by_pkey)
		return -ENOMEM;

	*ret = (struct draft){ .by_pkey = by_pkey };
	return 0;
}

void draft_done(struct draft *draft)
{
	free(draft->partitions);
	guid_map_done(&draft->by_name);
	free(draft->chain);
	free(draft->members);
	free(draft->groups);
	free(draft->by_pkey);
}

/* Room for one more of @size bytes after @n in the array that the pointer at @array points to. */
static int make_room(void *array, size_t n, size_t *room, size_t most, size_t size)
{
	size_t wanted = *room ? 2 * *room : 16;
	void *grown;

	if (n >= most)
		return -E2BIG;
	if (n < *room)
		return 0;

	memcpy(&grown, array, sizeof(grown));
	grown = realloc(grown, wanted * size);
	if (!grown)
		return -ENOMEM;

	memcpy(array, &grown, sizeof(grown));
	*room = wanted;
	return 0;
}

/* FNV-1a, and never 0. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
	return hash | 1;
}

static int enter_name(struct draft *draft, const char *name, uint32_t partition)
{
	uint64_t hash = hash_name(name);

	draft->chain[partition] = guid_map_get(&draft->by_name, hash);
	return guid_map_put(&draft->by_name, hash, partition);
}

int draft_add_partition(struct draft *draft, const char *name, uint16_t pkey, uint32_t *ret)
{
	size_t n = draft->n_partitions, room = draft->room_partitions;
	struct partition *partition;
	int r;

	r = make_room(&draft->chain, n, &room, PARTITIONS_MAX, sizeof(uint32_t));
	if (r < 0)
		return r;
	r = make_room(&draft->partitions, n, &draft->room_partitions, PARTITIONS_MAX,
		      sizeof(*partition));
	if (r < 0)
		return r;

	partition = &draft->partitions[n];
	*partition = (struct partition){ .pkey = pkey, .params = defaults };
	if (*name)
		snprintf(partition->name, sizeof(partition->name), "%s", name);
	else
		snprintf(partition->name, sizeof(partition->name), "0x%04x", pkey);

	r = enter_name(draft, partition->name, (uint32_t)n);
	if (r < 0)
		return r;
	draft->by_pkey[pkey] = (uint16_t)(n + 1);
	draft->n_partitions++;
	*ret = (uint32_t)n;
	return 0;
}

int draft_add_member(struct draft *draft, uint32_t partition, enum partition_kind kind,
		     uint64_t guid, enum partition_membership membership)
{
	int r = make_room(&draft->members, draft->n_members, &draft->room_members,
			  PARTITIONS_MEMBERS_MAX, sizeof(*draft->members));

	if (r < 0)
		return r;

	draft->members[draft->n_members] = (struct draft_member){
		.member = {
			.guid = guid,
			.order = (uint32_t)draft->n_members,
			.kind = (uint8_t)kind,
			.membership = (uint8_t)membership,
		},
		.partition = partition,
	};
	draft->n_members++;
	return 0;
}

int draft_add_group(struct draft *draft, uint32_t partition, const struct partition_group *group)
{
	int r = make_room(&draft->groups, draft->n_groups, &draft->room_groups,
			  PARTITIONS_GROUPS_MAX, sizeof(*draft->groups));

	if (r < 0)
		return r;

	draft->groups[draft->n_groups] = (struct draft_group){
		.group = *group,
		.partition = partition,
		.order = (uint32_t)draft->n_groups,
	};
	draft->n_groups++;
	return 0;
}

int draft_find_pkey(const struct draft *draft, uint16_t pkey, uint32_t *ret)
{
	uint16_t index = draft->by_pkey[pkey];

	if (!index)
		return -ENOENT;

	*ret = index - 1u;
	return 0;
}

int draft_find_name(const struct draft *draft, const char *name, uint32_t *ret)
{
	uint32_t at = guid_map_get(&draft->by_name, hash_name(name));
	uint32_t found = GUID_MAP_NONE;

	for (; at != GUID_MAP_NONE; at = draft->chain[at]) {
		if (strcmp(draft->partitions[at].name, name) != 0)
			continue;
		if (found != GUID_MAP_NONE)
			return -ENOTUNIQ;
		found = at;
	}
	if (found == GUID_MAP_NONE)
		return -ENOENT;

	*ret = found;
	return 0;
}

int draft_generate_pkey(struct draft *draft, uint16_t *ret)
{
	do {
		if (draft->generated == PARTITION_DEFAULT_PKEY - 1)
			return -ENOSPC;
		draft->generated++;
	} while (draft->by_pkey[draft->generated]);

	*ret = draft->generated;
	return 0;
}

/* The scopes of the groups that @group makes: those asked for, or the one in the MGID. */
static unsigned scopes_of(const struct partition_group *group)
{
	return group->params.scopes ? group->params.scopes : 1u << (group->mgid[1] & 0xf);
}

static bool same_group(const struct partition_group *a, const struct partition_group *b)
{
	return a->mgid[0] == b->mgid[0] && (a->mgid[1] & 0xf0) == (b->mgid[1] & 0xf0) &&
	       !memcmp(a->mgid + 2, b->mgid + 2, sizeof(a->mgid) - 2) &&
	       (scopes_of(a) & scopes_of(b)) != 0;
}

const struct partition_group *draft_find_group(const struct draft *draft,
					       const struct partition_group *group)
{
	for (size_t i = 0; i < draft->n_groups; i++)
		if (same_group(&draft->groups[i].group, group))
			return &draft->groups[i].group;
	return NULL;
}

/* ---- the end --------------------------------------------------------------------------------- */

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

/* By partition and by what it is about; of the same, the last in the file first. */
static int compare_members(const void *a, const void *b)
{
	const struct draft_member *first = a, *second = b;
	int r = COMPARE(first->partition, second->partition);

	if (!r)
		r = COMPARE(first->member.kind, second->member.kind);
	if (!r)
		r = COMPARE(first->member.guid, second->member.guid);
	if (!r)
		r = COMPARE(second->member.order, first->member.order);
	return r;
}

static bool same_subject(const struct draft_member *a, const struct draft_member *b)
{
	return a->partition == b->partition && a->member.kind == b->member.kind &&
	       a->member.guid == b->member.guid;
}

static int finish_members(struct draft *draft, struct partitions *partitions)
{
	size_t n = 0;

	partitions->members =
		calloc(MAX(draft->n_members, (size_t)1), sizeof(*partitions->members));
	if (!partitions->members)
		return -ENOMEM;

	if (draft->n_members)
		qsort(draft->members, draft->n_members, sizeof(*draft->members), compare_members);
	for (size_t i = 0; i < draft->n_members; i++) {
		const struct draft_member *member = &draft->members[i];
		struct partition *partition = &partitions->partitions[member->partition];

		if (i && same_subject(member - 1, member))
			continue;
		if (!partition->n_members)
			partition->members = &partitions->members[n];
		partition->n_members++;
		partitions->members[n++] = member->member;
	}
	return 0;
}

/* Groups are few and come in the order of the file, which stays within a partition. */
static int compare_groups(const void *a, const void *b)
{
	const struct draft_group *first = a, *second = b;
	int r = COMPARE(first->partition, second->partition);

	return r ? r : COMPARE(first->order, second->order);
}

static int finish_groups(struct draft *draft, struct partitions *partitions)
{
	partitions->groups = calloc(MAX(draft->n_groups, (size_t)1), sizeof(*partitions->groups));
	if (!partitions->groups)
		return -ENOMEM;

	if (draft->n_groups)
		qsort(draft->groups, draft->n_groups, sizeof(*draft->groups), compare_groups);
	for (size_t i = 0; i < draft->n_groups; i++) {
		struct partition *partition = &partitions->partitions[draft->groups[i].partition];

		if (!partition->n_groups)
			partition->groups = &partitions->groups[i];
		partition->n_groups++;
		partitions->groups[i] = draft->groups[i].group;
	}
	return 0;
}

int draft_finish(struct draft *draft, struct partitions **ret)
{
	AUTO(partitions_freep) struct partitions *partitions = calloc(1, sizeof(*partitions));
	int r;

	if (!partitions)
		return -ENOMEM;

	partitions->n = draft->n_partitions;
	partitions->partitions = TAKE(draft->partitions);
	draft->n_partitions = draft->room_partitions = 0;

	r = finish_members(draft, partitions);
	if (r < 0)
		return r;
	r = finish_groups(draft, partitions);
	if (r < 0)
		return r;
	r = partition_index_make(partitions);
	if (r < 0)
		return r;

	*ret = TAKE(partitions);
	return 0;
}
