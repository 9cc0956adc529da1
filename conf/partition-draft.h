/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Partitions while a file is being read: things are appended in any order, and sorted out when the
 * file was good to its end. 0 or -errno; -E2BIG: a limit of partitions.h is reached.
 */

#include "base/guid-map.h"
#include "conf/partitions.h"

struct draft {
	struct partition *partitions;
	struct guid_map by_name; /* the last partition whose name has this hash */
	uint32_t *chain;         /* of each partition: the one before with the same hash */
	size_t n_partitions, room_partitions;
	struct draft_member *members;
	size_t n_members, room_members;
	struct draft_group *groups;
	size_t n_groups, room_groups;
	uint16_t *by_pkey;  /* index + 1 of the partition with this key; 0: none */
	uint16_t generated; /* the last key that was generated */
};

/* On failure nothing is left to be done. */
int draft_init(struct draft *ret);
void draft_done(struct draft *draft);

/* @name is copied; an empty one becomes the P_Key. Parameters are the defaults. */
int draft_add_partition(struct draft *draft, const char *name, uint16_t pkey, uint32_t *ret);
int draft_add_member(struct draft *draft, uint32_t partition, enum partition_kind kind,
		     uint64_t guid, enum partition_membership membership);
int draft_add_group(struct draft *draft, uint32_t partition, const struct partition_group *group);

/* The partition with this key or -ENOENT; the one of this name, or -ENOENT, or -ENOTUNIQ. */
int draft_find_pkey(const struct draft *draft, uint16_t pkey, uint32_t *ret);
int draft_find_name(const struct draft *draft, const char *name, uint32_t *ret);

/* The next key that is free, or -ENOSPC. */
int draft_generate_pkey(struct draft *draft, uint16_t *ret);

/* The group that @group would be a second time, or NULL. */
const struct partition_group *draft_find_group(const struct draft *draft,
					       const struct partition_group *group);

int draft_finish(struct draft *draft, struct partitions **ret);
