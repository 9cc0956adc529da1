/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is said about partitions, by the file and at run time, and whether devices hold it. (Who is
 * a member because of what is said, "partitions" tells.) To look at all tables for each partition
 * takes its time, so a page of the list is short, and the daemon does other things in between.
 */

#include <stdio.h>

#include "base/macros.h"
#include "ctl/applied.h"
#include "ctl/find.h"
#include "ctl/place.h"

#define PARTITIONS_PAGE 8u

static void put_head(struct row *row, const struct partition *partition)
{
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", partition->pkey);
	row_text(row, "name", partition->name);
	row_text(row, "pkey", text);
	row_text(row, "source", partition->added ? "runtime" : "file");
}

static bool is_present(const struct fabric *f, uint64_t guid)
{
	struct endpoint e = endpoint_find(f, guid);

	return e.port != NO_PORT && f->ports[e.port].present;
}

/* -- the list -----------------------------------------------------------------------------------
 */

static json_t *make_partition(const struct call *call, const struct partition *partition)
{
	uint64_t generation = sm_partition_generation(call->sm, partition->pkey);
	struct row row = row_start();
	size_t n_added = 0, n_absent = 0;

	for (size_t i = 0; i < partition->n_members; i++) {
		const struct partition_member *member = &partition->members[i];

		n_added += member->added;
		n_absent +=
			member->kind == PARTITION_GUID && !is_present(call->fabric, member->guid);
	}
	put_head(&row, partition);
	row_number(&row, "members_file", partition->n_members - n_added);
	row_number(&row, "members_runtime", n_added);
	row_number(&row, "absent", n_absent);
	row_number(&row, "generation", generation);
	row_bool(&row, "applied", applied_look(call->sm, partition->pkey, partition, generation));

	return row_end(&row);
}

static void list_partitions(struct call *call)
{
	const struct partitions *partitions = sm_partitions(call->sm);
	struct page page = page_start(call, PARTITIONS_PAGE);
	uint64_t i;

	for (i = page.from; i < partitions->n && page.room > 0; i++)
		page_add(&page, make_partition(call, &partitions->partitions[i]));
	page_end(call, &page, "partitions", i < partitions->n ? i : 0);
}

/* -- one ----------------------------------------------------------------------------------------
 */

static const char *membership_text(uint8_t membership)
{
	static const char *const names[] = {
		[PARTITION_NO_MEMBER] = "none",
		[PARTITION_LIMITED] = "limited",
		[PARTITION_FULL] = "full",
		[PARTITION_BOTH] = "both",
	};

	return names[membership % COUNT(names)];
}

static void put_end(struct row *row, const struct call *call, const struct partition *partition,
		    uint64_t guid)
{
	const struct fabric *f = call->fabric;
	struct endpoint e = endpoint_find(f, guid);
	enum reason reason = REASON_NONE;

	place_put_node(row, call->rpc, node_of(f, e.port));
	row_number(row, "port", f->ports[e.port].number);
	if (e.index > 0)
		row_number(row, "vf", e.index);
	row_number(row, "lid", endpoint_lid(f, e));
	row_bool(row, "applied",
		 sm_key_is_applied(call->sm, e, partition->pkey, partition, &reason));
}

/* A statement about kinds of ports has no GUID, and is present with each of them. */
static json_t *make_statement(const struct call *call, const struct partition *partition,
			      const struct partition_member *member)
{
	bool present = member->kind != PARTITION_GUID || is_present(call->fabric, member->guid);
	struct row row = row_start();

	row_guid(&row, "guid", member->guid);
	row_text(&row, "ports", partition_kind_name(member->kind));
	row_text(&row, "membership", membership_text(member->membership));
	row_bool(&row, "index0", member->index0);
	row_text(&row, "source", member->added ? "runtime" : "file");
	row_bool(&row, "present", present);
	if (present && member->guid)
		put_end(&row, call, partition, member->guid);

	return row_end(&row);
}

static void show_one(struct call *call, const char *text)
{
	const struct partition *partition = find_partition(call, text);
	struct page page;
	uint64_t i;

	if (!partition)
		return;
	put_head(&call->result, partition);
	applied_put(&call->result, call->rpc, call->sm, partition->pkey, partition,
		    sm_partition_generation(call->sm, partition->pkey));
	page = page_start(call, UINT32_MAX);
	for (i = page.from; i < partition->n_members && page.room > 0; i++)
		page_add(&page, make_statement(call, partition, &partition->members[i]));
	page_end(call, &page, "members", i < partition->n_members ? i : 0);
}

void method_partition_show(struct call *call)
{
	const char *partition = call_text(call, "partition");

	if (partition)
		show_one(call, partition);
	else
		list_partitions(call);
}
