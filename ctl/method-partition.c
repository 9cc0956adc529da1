/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions: the list of them with how many of their members are there; the members of one, those
 * that are absent too; or what one port's table holds. Counting members asks every port for every
 * partition, so a page of the list is short, and the daemon has time for other things in between.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/place.h"
#include "ctl/pkeys.h"

#define PARTITIONS_PAGE 8u

static enum partition_kind kind_of(const struct fabric *f, uint32_t port)
{
	const struct node *node = node_of(f, port);

	if (node_is_switch(node))
		return PARTITION_SWITCHES;

	return node->type == NODE_TYPE_ROUTER ? PARTITION_ROUTERS : PARTITION_CAS;
}

/* PARTITION_NO_MEMBER also for what is gone, or has no P_Key table of its own. */
static enum partition_membership membership_of(const struct fabric *f,
					       const struct partition *partition, struct endpoint e)
{
	uint64_t guid = endpoint_guid(f, e);

	if (!port_exists(f, e.port) || !node_of(f, e.port)->present || !port_is_end(f, e.port) ||
	    guid == 0)
		return PARTITION_NO_MEMBER;
	if (e.index > 0 && (!vf_is_here(f, e) || vf_of(f, e)->duplicate))
		return PARTITION_NO_MEMBER;

	return partition_membership(partition, kind_of(f, e.port), guid,
				    e.index == 0 && e.port == f->local_port);
}

static bool is_absent(const struct fabric *f, const struct partition_member *member)
{
	return member->kind == PARTITION_GUID && endpoint_find(f, member->guid).port == NO_PORT;
}

static const char *membership_name(enum partition_membership membership)
{
	switch (membership) {
	case PARTITION_NO_MEMBER:
		return "none";
	case PARTITION_LIMITED:
		return "limited";
	case PARTITION_FULL:
		return "full";
	case PARTITION_BOTH:
		return "both";
	}

	return "none";
}

/* -- the list -----------------------------------------------------------------------------------
 */

static void put_pkey(struct row *row, const char *key, uint16_t pkey)
{
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", pkey);
	row_text(row, key, text);
}

/* That of its groups, and of paths that no QoS policy decides on. */
static void put_level(struct row *row, const struct call *call, const struct partition *partition)
{
	row_number(row, "sl", sm_conf(call->sm)->qos ? partition->params.sl : 0);
}

static unsigned count_absent(const struct fabric *f, const struct partition *partition)
{
	unsigned n = 0;

	for (size_t i = 0; i < partition->n_members; i++)
		n += is_absent(f, &partition->members[i]);

	return n;
}

static json_t *make_partition(const struct call *call, const struct partition *partition)
{
	unsigned n[PARTITION_BOTH + 1] = { 0 };
	struct row row = row_start();
	struct vf_walk walk = { 0 };
	struct endpoint e;

	for (uint32_t port = 0; port < call->fabric->n_ports; port++)
		n[membership_of(call->fabric, partition, endpoint_of_port(port))]++;
	while (vf_walk_next(call->fabric, &walk, &e))
		n[membership_of(call->fabric, partition, e)]++;

	row_text(&row, "name", partition->name);
	put_pkey(&row, "pkey", partition->pkey);
	put_level(&row, call, partition);
	row_bool(&row, "ipoib", partition->ipoib);
	row_bool(&row, "indx0", partition->indx0);
	row_number(&row, "full", n[PARTITION_FULL]);
	row_number(&row, "limited", n[PARTITION_LIMITED]);
	row_number(&row, "both", n[PARTITION_BOTH]);
	row_number(&row, "absent", count_absent(call->fabric, partition));

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

/* -- members of one -----------------------------------------------------------------------------
 */

static json_t *make_member(const struct call *call, struct endpoint e,
			   enum partition_membership membership)
{
	struct row row = row_start();

	row_guid(&row, "guid", endpoint_guid(call->fabric, e));
	place_put_node(&row, call->rpc, node_of(call->fabric, e.port));
	row_number(&row, "port", call->fabric->ports[e.port].number);
	if (e.index > 0)
		row_number(&row, "vf", e.index);
	row_number(&row, "lid", endpoint_lid(call->fabric, e));
	row_text(&row, "membership", membership_name(membership));
	row_bool(&row, "present", true);

	return row_end(&row);
}

static json_t *make_absent(const struct partition_member *member)
{
	struct row row = row_start();

	row_guid(&row, "guid", member->guid);
	row_put(&row, "name", json_null());
	row_text(&row, "membership",
		 membership_name((enum partition_membership)member->membership));
	row_bool(&row, "present", false);

	return row_end(&row);
}

/*
 * First who is there, by number (vf_number(), and each VF behind its port), and from ABSENT on the
 * statements about those who are not.
 */
#define ABSENT (UINT64_C(1) << 32)

static struct endpoint next_end(const struct fabric *f, struct endpoint e)
{
	const struct vfs *vfs = f->ports[e.port].vfs;

	if (vfs && e.index + 1u < vfs->n)
		return (struct endpoint){ e.port, (uint16_t)(e.index + 1) };

	return endpoint_of_port(e.port + 1);
}

static uint64_t add_present(struct call *call, const struct partition *partition, struct page *page)
{
	const struct fabric *f = call->fabric;
	struct endpoint e = vf_of_number((uint32_t)page->from);

	for (; e.port < f->n_ports && page->room > 0; e = next_end(f, e)) {
		enum partition_membership m = membership_of(f, partition, e);

		if (m != PARTITION_NO_MEMBER)
			page_add(page, make_member(call, e, m));
	}

	return e.port < f->n_ports ? vf_number(e.port, e.index) : ABSENT;
}

static uint64_t add_absent(struct call *call, const struct partition *partition, uint64_t from,
			   struct page *page)
{
	uint64_t i;

	for (i = from - ABSENT; i < partition->n_members && page->room > 0; i++) {
		if (is_absent(call->fabric, &partition->members[i]))
			page_add(page, make_absent(&partition->members[i]));
	}

	return i < partition->n_members ? ABSENT + i : 0;
}

static void list_members(struct call *call, const char *text)
{
	const struct partition *partition = find_partition(call, text);
	struct page page;
	uint64_t next;

	if (!partition)
		return;
	row_text(&call->result, "name", partition->name);
	put_pkey(&call->result, "pkey", partition->pkey);
	put_level(&call->result, call, partition);
	page = page_start(call, UINT32_MAX);
	next = page.from;
	if (next < ABSENT)
		next = add_present(call, partition, &page);
	if (next >= ABSENT)
		next = add_absent(call, partition, next, &page);
	page_end(call, &page, "members", next);
}

/* -- one port -----------------------------------------------------------------------------------
 */

static void show_port(struct call *call, const char *text)
{
	struct endpoint e;
	struct found found;

	if (!find_end(call, text, &found))
		return;
	e = (struct endpoint){ found.port, found.index };
	place_put_node(&call->result, call->rpc, &call->fabric->nodes[found.node]);
	row_number(&call->result, "port", call->fabric->ports[found.port].number);
	if (e.index > 0)
		row_number(&call->result, "vf", e.index);
	row_guid(&call->result, "guid", endpoint_guid(call->fabric, e));
	pkeys_put(&call->result, call->sm, e);
}

void method_partitions(struct call *call)
{
	const char *partition = call_text(call, "partition");
	const char *port = call_text(call, "port");

	if (partition && port)
		call_fail(call, PROTOCOL_BAD_PARAMS, "either \"partition\" or \"port\", not both");
	else if (partition)
		list_members(call, partition);
	else if (port)
		show_port(call, port);
	else
		list_partitions(call);
}
