/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is a member of which partition: the answer, once the file is read (partition-parse.c).
 *
 * Without a file everybody is a full member of the default partition, as with opensm. But only
 * without: a file that is configured and missing, or wrong in a single character, is an error, and
 * nothing here makes up a partition in its place.
 */

#include "conf/partitions.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "conf/input.h"
#include "conf/partition-draft.h"

static int draft_default(struct draft *draft)
{
	uint32_t partition;
	int r;

	r = draft_add_partition(draft, "Default", PARTITION_DEFAULT_PKEY, &partition);
	if (r < 0)
		return r;
	draft->partitions[partition].ipoib = true;

	return draft_add_member(draft, partition, PARTITION_ALL, 0, PARTITION_FULL);
}

int partitions_default(struct partitions **ret)
{
	AUTO(draft_done) struct draft draft = { 0 };
	int r;

	r = draft_init(&draft);
	if (r < 0)
		return r;
	r = draft_default(&draft);
	if (r < 0)
		return r;
	return draft_finish(&draft, ret);
}

int partitions_load(const char *path, const struct partition_options *options,
		    struct partitions **ret, struct conf_error *reterr)
{
	AUTO(freep) char *text = NULL;
	size_t length = 0;
	int r;

	r = input_read_file(path, PARTITIONS_FILE_MAX, &text, &length, reterr);
	if (r < 0)
		return r;
	return partitions_parse(text, length, path, options, ret, reterr);
}

void partitions_free(struct partitions *partitions)
{
	if (!partitions)
		return;
	free(partitions->partitions);
	free(partitions->members);
	free(partitions->groups);
	free(partitions->general);
	free(partitions->named);
	free(partitions);
}

const struct partition *partitions_find(const struct partitions *partitions, uint16_t pkey)
{
	for (size_t i = 0; i < partitions->n; i++)
		if (partitions->partitions[i].pkey == (pkey & 0x7fff))
			return &partitions->partitions[i];
	return NULL;
}

/* The statement about @kind and @guid, or NULL. Members are sorted by these two. */
static const struct partition_member *find_member(const struct partition *partition,
						  enum partition_kind kind, uint64_t guid)
{
	size_t low = 0, high = partition->n_members;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct partition_member *member = &partition->members[middle];

		if (member->kind == kind && member->guid == guid)
			return member;
		if (member->kind < kind || (member->kind == kind && member->guid < guid))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct partition_member *partition_statement(const struct partition *partition, uint64_t guid)
{
	return find_member(partition, PARTITION_GUID, guid);
}

bool partition_wants_index0(const struct partition *partition, uint64_t guid)
{
	const struct partition_member *member = partition_statement(partition, guid);

	return partition->indx0 || (member && member->index0);
}

const char *partition_kind_name(enum partition_kind kind)
{
	switch (kind) {
	case PARTITION_ALL:
		return "ALL";
	case PARTITION_CAS:
		return "ALL_CAS";
	case PARTITION_SWITCHES:
		return "ALL_SWITCHES";
	case PARTITION_ROUTERS:
		return "ALL_ROUTERS";
	case PARTITION_SELF:
		return "SELF";
	case PARTITION_GUID:
		return NULL;
	}

	return NULL;
}

const struct partition_member *partition_deciding(const struct partition *partition,
						  enum partition_kind kind, uint64_t guid,
						  bool self)
{
	const struct partition_member *said[] = {
		find_member(partition, PARTITION_ALL, 0),
		find_member(partition, kind, 0),
		self ? find_member(partition, PARTITION_SELF, 0) : NULL,
		find_member(partition, PARTITION_GUID, guid),
	};
	const struct partition_member *last = NULL;

	for (size_t i = 0; i < COUNT(said); i++)
		if (said[i] && (!last || said[i]->order > last->order))
			last = said[i];

	return last;
}

enum partition_membership partition_membership(const struct partition *partition,
					       enum partition_kind kind, uint64_t guid, bool self)
{
	const struct partition_member *last = partition_deciding(partition, kind, guid, self);
	enum partition_membership membership;

	membership = last ? (enum partition_membership)last->membership : PARTITION_NO_MEMBER;
	if (self && partition->pkey == PARTITION_DEFAULT_PKEY && membership != PARTITION_BOTH)
		return PARTITION_FULL;
	return membership;
}
