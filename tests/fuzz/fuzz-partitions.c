/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Any bytes as partitions.conf: refused with a line of the file and a sentence; or taken, and then
 * the result holds what conf/partitions.h promises: the default partition first, every key once,
 * members sorted and none twice, everything in range, every statement found again.
 */

#include <string.h>

#include "base/macros.h"
#include "conf/partitions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_refusal(const uint8_t *data, size_t size, const struct partitions *partitions,
			  const struct conf_error *error)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	demand(!partitions && error->line <= lines && strlen(error->text) > 10);
	for (const char *c = error->text; *c; c++)
		demand(*c >= ' ' && *c <= '~');
}

static void check_params(const struct partition_params *params)
{
	demand(params->mtu >= 1 && params->mtu <= 5);
	demand(params->rate >= 2 && params->rate < 64);
	demand(params->sl < 16 && params->flow_label <= 0xfffff && !(params->scopes & 1));
}

static void check_members(const struct partition *partition, bool allow_both)
{
	for (size_t i = 0; i < partition->n_members; i++) {
		const struct partition_member *member = &partition->members[i];
		const struct partition_member *before = member - 1;
		uint64_t guid = member->guid;

		demand((member->kind == PARTITION_GUID) == (guid != 0));
		demand(member->kind <= PARTITION_GUID);
		demand(member->membership == PARTITION_LIMITED ||
		       member->membership == PARTITION_FULL ||
		       (allow_both && member->membership == PARTITION_BOTH));
		demand(!i || before->kind < member->kind ||
		       (before->kind == member->kind && before->guid < guid));
		if (guid)
			demand(partition_membership(partition, PARTITION_CAS, guid, false) !=
			       PARTITION_NO_MEMBER);
	}
}

static void check_groups(const struct partition *partition)
{
	for (size_t i = 0; i < partition->n_groups; i++) {
		const struct partition_group *group = &partition->groups[i];

		check_params(&group->params);
		demand(group->mgid[0] == 0xff);
		if (group->mgid[2] == 0x40 && group->mgid[3] == 0x1b)
			demand((group->mgid[4] << 8 | group->mgid[5]) ==
			       (partition->pkey | 0x8000));
	}
}

static void check_result(const struct partitions *partitions, bool allow_both)
{
	demand(partitions->n && partitions->partitions[0].pkey == PARTITION_DEFAULT_PKEY);
	demand(partition_membership(&partitions->partitions[0], PARTITION_CAS, 1, true) >=
	       PARTITION_FULL);
	demand(partition_membership(&partitions->partitions[0], PARTITION_SWITCHES, 2, false) !=
	       PARTITION_NO_MEMBER);

	for (size_t i = 0; i < partitions->n; i++) {
		const struct partition *partition = &partitions->partitions[i];

		demand(partition->pkey >= 1 && partition->pkey <= 0x7fff);
		demand(partitions_find(partitions, partition->pkey) == partition);
		demand(partition->name[0] && memchr(partition->name, 0, sizeof(partition->name)));
		check_params(&partition->params);
		check_members(partition, allow_both);
		check_groups(partition);
	}
}

/* Whoever is a member of a partition finds it. */
static void check_walk(const struct partitions *partitions, uint64_t guid)
{
	struct partition_walk walk = partition_walk_start(partitions, guid);
	const struct partition *found = partition_walk_next(&walk);

	for (size_t i = 0; i < partitions->n; i++) {
		const struct partition *partition = &partitions->partitions[i];

		demand(found == partition || partition_membership(partition, PARTITION_CAS, guid,
								  true) == PARTITION_NO_MEMBER);
		if (found == partition)
			found = partition_walk_next(&walk);
	}
	demand(!found);
}

static void check_all(const struct partitions *partitions, bool allow_both)
{
	check_result(partitions, allow_both);
	check_walk(partitions, 1);
	for (size_t i = 0; i < MIN(partitions->n_named, (size_t)16); i++)
		check_walk(partitions, partitions->named[i].guid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(partitions_freep) struct partitions *partitions = NULL;
	struct partition_options options = { .allow_both = size % 2 };
	struct conf_error error = { 0 };

	if (partitions_parse((const char *)data, size, "fuzz", &options, &partitions, &error) < 0)
		check_refusal(data, size, partitions, &error);
	else
		check_all(partitions, options.allow_both);

	return 0;
}
