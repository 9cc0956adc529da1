/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What run time adds to the partitions of the file: members by GUID, present or not, and names of
 * partitions that the file does not have. A set of additions never changes: a change makes another
 * one of it, so that the old one is there until the new one is on disk. Results are 0 or -errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/partitions.h"

#define ADDITIONS_MAX 1000000 /* members of all partitions together */

struct addition {
	uint64_t guid;
	uint16_t pkey;      /* 0x0001 to 0x7fff */
	uint8_t membership; /* enum partition_membership */
	bool index0;        /* the key goes to index 0 of this member's table */
};

struct addition_name {
	uint16_t pkey;
	char name[PARTITION_NAME_SIZE];
};

struct additions {
	struct addition *by_pkey;    /* sorted by P_Key, then GUID: none twice */
	struct addition *by_guid;    /* the same, sorted by GUID, then P_Key */
	struct addition_name *names; /* sorted by P_Key */
	size_t n, n_names;
};

/*
 * The change of one partition. @members are of this partition, each GUID once, in order;
 * PARTITION_NO_MEMBER takes one out.
 */
struct addition_change {
	uint16_t pkey;
	const char *name; /* NULL: as it is; empty: none */
	bool clear;       /* all members are taken out first */
	const struct addition *members;
	size_t n;
};

/* From lists in any order, which are copied; of two about the same the last one counts. -E2BIG. */
int additions_make(const struct addition *members, size_t n, const struct addition_name *names,
		   size_t n_names, struct additions **ret);
void additions_free(struct additions *a);
static inline void additions_freep(struct additions **a)
{
	additions_free(*a);
}

/*
 * Sorts @n members of one partition, and leaves out what comes twice and what changes nothing about
 * @a: how many are left. Of two about the same GUID that do not say the same either may stay.
 */
size_t additions_reduce(const struct additions *a, struct addition *members, size_t n);

/* -E2BIG: more than ADDITIONS_MAX. Copies each member once for each of the two orders. */
int additions_change(const struct additions *a, const struct addition_change *change,
		     struct additions **ret);

/* NULL: it is none, or has no name. */
const struct addition *additions_find(const struct additions *a, uint16_t pkey, uint64_t guid);
const char *additions_name(const struct additions *a, uint16_t pkey);

/* Members of one partition: the first in by_pkey, and how many. */
size_t additions_of(const struct additions *a, uint16_t pkey, size_t *ret_first);

/*
 * The partitions in use: those of the file and what was added. Whatever the file says about a GUID,
 * the addition about it counts; new partitions come behind those of the file, by P_Key. Groups are
 * those of @given, which must outlive the result. Takes one step for each member, and sorts
 * nothing.
 */
int partitions_compose(const struct partitions *given, const struct additions *added,
		       struct partitions **ret);
