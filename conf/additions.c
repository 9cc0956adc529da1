/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Two sorted arrays of the same members, because two questions are asked of them: who is in a
 * partition, and in which partitions is a GUID. A change is merged into both: copying, and no
 * sorting. Together with partition-compose.c that is a fifth of a second with a million members,
 * and a disk's time with ten thousand; somebody who changes partitions waits for a disk anyway.
 *
 * Knows neither disks nor ports. What may be changed at all is sm's business.
 */

#include "conf/additions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#define COMPARE(a, b) ((a) < (b) ? -1 : (a) > (b))

typedef int (*compare_fn)(const void *a, const void *b);

static int compare_by_pkey(const void *a, const void *b)
{
	const struct addition *first = a, *second = b;
	int r = COMPARE(first->pkey, second->pkey);

	return r ? r : COMPARE(first->guid, second->guid);
}

static int compare_by_guid(const void *a, const void *b)
{
	const struct addition *first = a, *second = b;
	int r = COMPARE(first->guid, second->guid);

	return r ? r : COMPARE(first->pkey, second->pkey);
}

static int compare_names(const void *a, const void *b)
{
	const struct addition_name *first = a, *second = b;

	return COMPARE(first->pkey, second->pkey);
}

void additions_free(struct additions *a)
{
	if (!a)
		return;
	free(a->by_pkey);
	free(a->by_guid);
	free(a->names);
	free(a);
}

static int make_room(size_t n, size_t n_names, struct additions **ret)
{
	AUTO(additions_freep) struct additions *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->by_pkey = calloc(n + 1, sizeof(*a->by_pkey));
	a->by_guid = calloc(n + 1, sizeof(*a->by_guid));
	a->names = calloc(n_names + 1, sizeof(*a->names));
	if (!a->by_pkey || !a->by_guid || !a->names)
		return -ENOMEM;

	*ret = TAKE(a);
	return 0;
}

/* ---- looking --------------------------------------------------------------------------------- */

const struct addition *additions_find(const struct additions *a, uint16_t pkey, uint64_t guid)
{
	const struct addition key = { .guid = guid, .pkey = pkey };

	return bsearch(&key, a->by_pkey, a->n, sizeof(key), compare_by_pkey);
}

const char *additions_name(const struct additions *a, uint16_t pkey)
{
	const struct addition_name key = { .pkey = pkey };
	const struct addition_name *found =
		bsearch(&key, a->names, a->n_names, sizeof(key), compare_names);

	return found ? found->name : NULL;
}

/* The first in by_pkey that is of @pkey or a higher one. */
static size_t first_of(const struct additions *a, uint32_t pkey)
{
	size_t low = 0, high = a->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->by_pkey[middle].pkey < pkey)
			low = middle + 1;
		else
			high = middle;
	}

	return low;
}

size_t additions_of(const struct additions *a, uint16_t pkey, size_t *ret_first)
{
	*ret_first = first_of(a, pkey);

	return first_of(a, pkey + 1u) - *ret_first;
}

/* ---- making ---------------------------------------------------------------------------------- */

/*
 * Sorts so that of the same the last one stays. The sort of the C library may or may not keep
 * their order: so it sorts pointers, which know it.
 */
static int compare_pointers(const void *a, const void *b)
{
	const struct addition *const *first = a, *const *second = b;
	int r = compare_by_pkey(*first, *second);

	return r ? r : COMPARE(*first, *second);
}

static size_t sort_members(struct addition *sorted, const struct addition *members,
			   const struct addition **pointers, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		pointers[i] = &members[i];
	if (n)
		qsort(pointers, n, sizeof(*pointers), compare_pointers);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || compare_by_pkey(pointers[i], pointers[i + 1]) != 0)
			sorted[k++] = *pointers[i];

	return k;
}

static size_t sort_names(struct addition_name *names, size_t n)
{
	size_t k = 0;

	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++)
		if (!k || names[k - 1].pkey != names[i].pkey)
			names[k++] = names[i];

	return k;
}

int additions_make(const struct addition *members, size_t n, const struct addition_name *names,
		   size_t n_names, struct additions **ret)
{
	AUTO(additions_freep) struct additions *a = NULL;
	AUTO(freep) const struct addition **pointers = calloc(n + 1, sizeof(*pointers));
	int r;

	if (n > ADDITIONS_MAX)
		return -E2BIG;
	r = pointers ? make_room(n, n_names, &a) : -ENOMEM;
	if (r < 0)
		return r;
	a->n = sort_members(a->by_pkey, members, pointers, n);
	memcpy(a->by_guid, a->by_pkey, a->n * sizeof(*a->by_guid));
	qsort(a->by_guid, a->n, sizeof(*a->by_guid), compare_by_guid);
	if (n_names)
		memcpy(a->names, names, n_names * sizeof(*names));
	a->n_names = sort_names(a->names, n_names);

	*ret = TAKE(a);
	return 0;
}

/* ---- changing -------------------------------------------------------------------------------- */

static bool changes_nothing(const struct additions *a, const struct addition *member)
{
	const struct addition *found = additions_find(a, member->pkey, member->guid);

	if (!found)
		return member->membership == PARTITION_NO_MEMBER;

	return found->membership == member->membership && found->index0 == member->index0;
}

size_t additions_reduce(const struct additions *a, struct addition *members, size_t n)
{
	size_t k = 0;

	if (n)
		qsort(members, n, sizeof(*members), compare_by_pkey);
	for (size_t i = 0; i < n; i++)
		if ((i + 1 == n || members[i].guid != members[i + 1].guid) &&
		    !changes_nothing(a, &members[i]))
			members[k++] = members[i];

	return k;
}

/* @old without what @change takes out or has anew, and what it has anew. How many. */
static size_t merge(const struct addition *old, size_t n_old, const struct addition_change *change,
		    compare_fn compare, struct addition *ret)
{
	size_t k = 0, j = 0;

	for (size_t i = 0; i < n_old; i++) {
		int r = -1;

		while (j < change->n && (r = compare(&change->members[j], &old[i])) < 0) {
			if (change->members[j].membership != PARTITION_NO_MEMBER)
				ret[k++] = change->members[j];
			j++;
		}
		if (j < change->n && r == 0)
			continue; /* the change has the last word */
		if (!change->clear || old[i].pkey != change->pkey)
			ret[k++] = old[i];
	}
	for (; j < change->n; j++)
		if (change->members[j].membership != PARTITION_NO_MEMBER)
			ret[k++] = change->members[j];

	return k;
}

static void change_name(const struct additions *a, const struct addition_change *change,
			struct additions *made)
{
	size_t k = 0;

	for (size_t i = 0; i < a->n_names; i++)
		if (!change->name || a->names[i].pkey != change->pkey)
			made->names[k++] = a->names[i];
	if (change->name && change->name[0]) {
		made->names[k].pkey = change->pkey;
		snprintf(made->names[k++].name, PARTITION_NAME_SIZE, "%s", change->name);
	}
	made->n_names = sort_names(made->names, k);
}

int additions_change(const struct additions *a, const struct addition_change *change,
		     struct additions **ret)
{
	AUTO(additions_freep) struct additions *made = NULL;
	int r = make_room(a->n + change->n, a->n_names + 1, &made);

	if (r < 0)
		return r;
	made->n = merge(a->by_pkey, a->n, change, compare_by_pkey, made->by_pkey);
	if (made->n > ADDITIONS_MAX)
		return -E2BIG;
	merge(a->by_guid, a->n, change, compare_by_guid, made->by_guid);
	change_name(a, change, made);

	*ret = TAKE(made);
	return 0;
}
