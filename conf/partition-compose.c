/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions of the file and additions of run time become one, of the same shape as those of a file
 * alone, so that nobody who asks has to know where an answer comes from. All lists that go in are
 * sorted, so they are merged, once for each change, and a question costs nothing more than before.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "conf/additions.h"

#define PKEYS 0x8000

struct composing {
	const struct partitions *given;
	const struct additions *added;
	struct partitions *made;
	uint32_t number[PKEYS]; /* of the partition with this key, + 1; 0: none */
	size_t n_members;       /* so far */
};

/* ---- which there are ------------------------------------------------------------------------- */

static void enter_new(struct composing *c, uint16_t pkey)
{
	if (c->number[pkey] == 0)
		c->number[pkey] = UINT32_MAX;
}

/* Those of the file first, then the new ones in the order of their keys. How many. */
static size_t number_all(struct composing *c)
{
	size_t n = c->given->n;

	for (size_t i = 0; i < c->given->n; i++)
		c->number[c->given->partitions[i].pkey] = (uint32_t)i + 1;
	for (size_t i = 0; i < c->added->n; i++)
		enter_new(c, c->added->by_pkey[i].pkey);
	for (size_t i = 0; i < c->added->n_names; i++)
		enter_new(c, c->added->names[i].pkey);
	for (size_t pkey = 0; pkey < PKEYS; pkey++)
		if (c->number[pkey] == UINT32_MAX)
			c->number[pkey] = (uint32_t)++n;

	return n;
}

static void make_new(const struct composing *c, struct partition *partition, uint16_t pkey)
{
	const char *name = additions_name(c->added, pkey);

	*partition = (struct partition){
		.pkey = pkey,
		.added = true,
		.params = { .mtu = 4, .rate = 3, .q_key = 0x0b1b },
	};
	if (name)
		snprintf(partition->name, sizeof(partition->name), "%s", name);
	else
		snprintf(partition->name, sizeof(partition->name), "0x%04x", pkey);
}

/* ---- members --------------------------------------------------------------------------------- */

static struct partition_member member_of(const struct addition *a)
{
	return (struct partition_member){ .guid = a->guid,
					  .order = UINT32_MAX, /* behind all of the file */
					  .kind = PARTITION_GUID,
					  .membership = a->membership,
					  .index0 = a->index0,
					  .added = true };
}

/* What the file says comes first; of two about the same GUID only the addition stays. */
static void merge_members(struct composing *c, struct partition *partition,
			  const struct partition_member *given, size_t n_given)
{
	struct partition_member *ret = &c->made->members[c->n_members];
	size_t first, n = additions_of(c->added, partition->pkey, &first);
	const struct addition *add = &c->added->by_pkey[first], *end = add + n;
	size_t k = 0;

	for (size_t i = 0; i < n_given; i++) {
		if (given[i].kind == PARTITION_GUID) {
			for (; add < end && add->guid < given[i].guid; add++)
				ret[k++] = member_of(add);
			if (add < end && add->guid == given[i].guid)
				continue;
		}
		ret[k++] = given[i];
	}
	for (; add < end; add++)
		ret[k++] = member_of(add);
	partition->members = ret;
	partition->n_members = k;
	c->n_members += k;
}

/* ---- the index: see partition-index.c -------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	const struct partition_named *first = a, *second = b;

	return first->partition < second->partition ? -1 : first->partition > second->partition;
}

/* The entries of one GUID, the first @n_given of them from the file. */
static size_t settle_guid(struct partition_named *named, size_t n_given, size_t n)
{
	size_t k = 0;

	if (n_given == n)
		return n;
	if (n > 1)
		qsort(named, n, sizeof(*named), compare_numbers);
	for (size_t i = 0; i < n; i++)
		if (!k || named[k - 1].partition != named[i].partition)
			named[k++] = named[i];

	return k;
}

static void merge_named(struct composing *c)
{
	const struct partitions *given = c->given;
	struct partitions *made = c->made;
	const struct additions *added = c->added;
	size_t i = 0, j = 0;

	while (i < given->n_named || j < added->n) {
		struct partition_named *named = &made->named[made->n_named];
		uint64_t guid = MIN(i < given->n_named ? given->named[i].guid : UINT64_MAX,
				    j < added->n ? added->by_guid[j].guid : UINT64_MAX);
		size_t n_given, n = 0;

		for (; i < given->n_named && given->named[i].guid == guid; i++)
			named[n++] = given->named[i];
		n_given = n;
		for (; j < added->n && added->by_guid[j].guid == guid; j++)
			named[n++] =
				(struct partition_named){ guid,
							  c->number[added->by_guid[j].pkey] - 1 };
		made->n_named += settle_guid(named, n_given, n);
	}
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int make_room(struct composing *c, size_t n)
{
	const struct partitions *given = c->given;
	struct partitions *made = c->made;
	size_t n_members = c->added->n;

	for (size_t i = 0; i < given->n; i++)
		n_members += given->partitions[i].n_members;
	made->partitions = calloc(n, sizeof(*made->partitions));
	made->members = calloc(n_members + 1, sizeof(*made->members));
	made->named = calloc(given->n_named + c->added->n + 1, sizeof(*made->named));
	made->general = calloc(given->n_general + 1, sizeof(*made->general));
	if (!made->partitions || !made->members || !made->named || !made->general)
		return -ENOMEM;
	made->n = n;

	return 0;
}

static void fill(struct composing *c)
{
	const struct partitions *given = c->given;
	struct partitions *made = c->made;

	for (size_t i = 0; i < given->n; i++) {
		made->partitions[i] = given->partitions[i];
		merge_members(c, &made->partitions[i], given->partitions[i].members,
			      given->partitions[i].n_members);
	}
	for (size_t pkey = 0; pkey < PKEYS; pkey++) {
		struct partition *partition;

		if (c->number[pkey] <= given->n)
			continue;
		partition = &made->partitions[c->number[pkey] - 1];
		make_new(c, partition, (uint16_t)pkey);
		merge_members(c, partition, NULL, 0);
	}
	memcpy(made->general, given->general, given->n_general * sizeof(*made->general));
	made->n_general = given->n_general;
	merge_named(c);
}

int partitions_compose(const struct partitions *given, const struct additions *added,
		       struct partitions **ret)
{
	AUTO(partitions_freep) struct partitions *made = calloc(1, sizeof(*made));
	AUTO(freep) struct composing *c = calloc(1, sizeof(*c));
	int r;

	if (!made || !c)
		return -ENOMEM;
	*c = (struct composing){ .given = given, .added = added, .made = made };
	r = make_room(c, number_all(c));
	if (r < 0)
		return r;
	fill(c);

	*ret = TAKE(made);
	return 0;
}
