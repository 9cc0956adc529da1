/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The other direction: from a port to its partitions. A file with a thousand partitions names most
 * ports in a few of them, and what a port's keys are is asked for every port in every sweep and in
 * every answer about paths; asking each partition each time would cost a second on a large fabric.
 *
 * Few partitions speak of kinds of ports, and they are asked for every port. The default partition
 * is one of them whatever it says, because the subnet manager's port is its member without a word.
 */

#include "conf/partition-index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"

static int compare_named(const void *a, const void *b)
{
	const struct partition_named *first = a, *second = b;

	if (first->guid != second->guid)
		return first->guid < second->guid ? -1 : 1;

	return first->partition < second->partition ? -1 : first->partition > second->partition;
}

static void enter(struct partitions *all, uint32_t number)
{
	const struct partition *partition = &all->partitions[number];
	bool general = number == 0;

	for (size_t i = 0; i < partition->n_members; i++) {
		const struct partition_member *member = &partition->members[i];

		if (member->kind == PARTITION_GUID)
			all->named[all->n_named++] =
				(struct partition_named){ member->guid, number };
		else
			general = true;
	}
	if (general)
		all->general[all->n_general++] = number;
}

int partition_index_make(struct partitions *partitions)
{
	size_t n_members = 0;

	for (size_t i = 0; i < partitions->n; i++)
		n_members += partitions->partitions[i].n_members;
	partitions->general = calloc(partitions->n + 1, sizeof(*partitions->general));
	partitions->named = calloc(n_members + 1, sizeof(*partitions->named));
	if (!partitions->general || !partitions->named)
		return -ENOMEM;
	for (size_t i = 0; i < partitions->n; i++)
		enter(partitions, (uint32_t)i);
	qsort(partitions->named, partitions->n_named, sizeof(*partitions->named), compare_named);

	return 0;
}

struct partition_walk partition_walk_start(const struct partitions *partitions, uint64_t guid)
{
	size_t low = 0, high = partitions->n_named;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (partitions->named[middle].guid < guid)
			low = middle + 1;
		else
			high = middle;
	}

	return (struct partition_walk){ .partitions = partitions, .guid = guid, .named = low };
}

/* Both lists are in order; a partition that is in both comes once. */
const struct partition *partition_walk_next(struct partition_walk *walk)
{
	const struct partitions *all = walk->partitions;
	uint32_t general =
		walk->general < all->n_general ? all->general[walk->general] : UINT32_MAX;
	uint32_t named = UINT32_MAX;
	uint32_t next;

	if (walk->named < all->n_named && all->named[walk->named].guid == walk->guid)
		named = all->named[walk->named].partition;
	next = MIN(general, named);
	if (next == UINT32_MAX)
		return NULL;
	walk->general += general == next;
	walk->named += named == next;

	return &all->partitions[next];
}
