/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Multicast groups: all of them, or those that a port or a virtual function is member of; and the
 * members of one, with what keeps packets from those that do not get any.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/group-row.h"
#include "ctl/place.h"
#include "sm/multicast.h"
#include "sm/sa/rate.h"

#define GROUPS_SHOWN 32u /* of one GUID, by explain */

/* -- members of rows ----------------------------------------------------------------------------
 */

void group_put_mlid(struct row *row, const struct group *group)
{
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", group->mlid);
	row_text(row, "mlid", text);
}

void group_put_states(struct row *row, uint8_t states)
{
	static const char *const names[] = { "full", "non", "send-only", "send-only-full" };
	json_t *list = json_array();

	for (unsigned i = 0; i < COUNT(names); i++)
		if (states >> i & 1)
			json_array_append_new(list, json_string(names[i]));
	row_put(row, "states", list);
}

static void put_mgid(struct row *row, const struct group *group)
{
	char text[MGID_TEXT_SIZE];

	row_text(row, "mgid", mgid_text(group->mgid, text));
}

static json_t *make_membership(const struct call *call, const struct group *group,
			       const struct group_member *member)
{
	struct row row = row_start();

	put_mgid(&row, group);
	group_put_mlid(&row, group);
	group_put_states(&row, member->states);
	row_text(&row, "sentence", sm_group_obstacle(call->sm, group, member->guid));

	return row_end(&row);
}

void group_put_all_of(struct row *row, const struct call *call, uint64_t guid)
{
	const struct group_book *book = sm_groups(call->sm);
	json_t *list = json_array();
	uint64_t n = 0;

	for (uint32_t i = 0; guid && i < book->n; i++) {
		const struct group_member *member = group_member_find(book->by_mgid[i], guid);

		if (member && n++ < GROUPS_SHOWN)
			json_array_append_new(list,
					      make_membership(call, book->by_mgid[i], member));
	}
	row_put(row, "groups", list);
	row_number(row, "groups_count", n);
}

static void put_group(struct row *row, const struct call *call, const struct group *group)
{
	char text[12];

	put_mgid(row, group);
	group_put_mlid(row, group);
	snprintf(text, sizeof(text), "0x%04x", group->pkey);
	row_text(row, "pkey", text);
	snprintf(text, sizeof(text), "0x%08x", group->q_key);
	row_text(row, "q_key", text);
	row_number(row, "mtu", mtu_bytes(group->mtu));
	row_number(row, "rate_mbps", admin_rate_mbps(group->rate));
	row_number(row, "sl", group->sl);
	row_number(row, "tclass", group->tclass);
	row_number(row, "flow_label", group->flow_label);
	row_number(row, "hop_limit", group->hop_limit);
	row_text(row, "source", group->is_given ? "file" : "host");
	row_guid(row, "creator", group->creator);
	row_number(row, "members_count", group->n);
	row_number(row, "switches", sm_group_switches(call->sm, group));
	row_bool(row, "written", sm_group_is_written(call->sm, group));
}

/* -- groups -------------------------------------------------------------------------------------
 */

/* The GUID that is meant: of a port or virtual function. False: there is none. */
static bool find_member(struct call *call, const char *text, uint64_t *ret)
{
	struct found found;
	uint32_t port;

	if (!find_end(call, text, &found))
		return false;
	port = found.port;
	*ret = endpoint_guid(call->fabric, (struct endpoint){ port, found.index });

	return true;
}

void method_groups(struct call *call)
{
	const struct group_book *book = sm_groups(call->sm);
	const char *of = call_text(call, "of");
	struct page page;
	uint64_t guid = 0, i;

	if (of && !find_member(call, of, &guid))
		return;
	page = page_start(call, UINT32_MAX);
	for (i = page.from; i < book->n && page.room > 0; i++) {
		const struct group *group = book->by_mgid[i];
		const struct group_member *member = of ? group_member_find(group, guid) : NULL;
		struct row row;

		if (of && !member)
			continue;
		row = row_start();
		put_group(&row, call, group);
		if (member) {
			group_put_states(&row, member->states);
			row_text(&row, "sentence", sm_group_obstacle(call->sm, group, guid));
		}
		page_add(&page, row_end(&row));
	}
	page_end(call, &page, "groups", i < book->n ? i : 0);
}

/* -- one group ----------------------------------------------------------------------------------
 */

static const struct group *find_by_mlid(struct call *call, const char *text)
{
	const struct group_book *book = sm_groups(call->sm);
	const struct group *group;
	unsigned long mlid;
	char *end;

	errno = 0;
	mlid = strtoul(text, &end, 0);
	if (errno || *end || end == text || mlid < MLID_FIRST || mlid > MLID_LAST) {
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "\"%.64s\" is no MGID, and no multicast LID from 0xc000 to 0xfffe", text);
		return NULL;
	}
	group = book->by_mlid ? book->by_mlid[mlid - MLID_FIRST] : NULL;
	if (!group)
		call_fail(call, PROTOCOL_NOT_FOUND, "no multicast group has LID 0x%04lx", mlid);
	else if (group->next)
		call_fail(call, PROTOCOL_NOT_FOUND,
			  "several multicast groups have LID 0x%04lx: say the MGID", mlid);

	return call->error ? NULL : group;
}

static const struct group *find_group(struct call *call, const char *text)
{
	const struct group *group;
	uint8_t mgid[16];

	if (inet_pton(AF_INET6, text, mgid) != 1)
		return find_by_mlid(call, text);
	group = group_find(sm_groups(call->sm), mgid);
	if (!group)
		call_fail(call, PROTOCOL_NOT_FOUND, "there is no multicast group \"%.64s\"", text);

	return group;
}

static json_t *make_member(const struct call *call, const struct group *group,
			   const struct group_member *member)
{
	const struct fabric *f = call->fabric;
	struct endpoint e = endpoint_find(f, member->guid);
	struct row row = row_start();

	row_guid(&row, "guid", member->guid);
	group_put_states(&row, member->states);
	row_bool(&row, "proxy", member->proxy);
	row_bool(&row, "present", e.port != NO_PORT);
	if (e.port != NO_PORT) {
		place_put_node(&row, call->rpc, node_of(f, e.port));
		row_number(&row, "port", f->ports[e.port].number);
		if (e.index > 0)
			row_number(&row, "vf", e.index);
		row_number(&row, "lid", endpoint_lid(f, e));
	}
	row_text(&row, "sentence", sm_group_obstacle(call->sm, group, member->guid));

	return row_end(&row);
}

void method_group_show(struct call *call)
{
	const char *text = call_text(call, "group");
	const struct group *group;
	struct page page;
	uint64_t i;

	if (!text)
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"group\" is missing");
	group = text ? find_group(call, text) : NULL;
	if (!group)
		return;
	put_group(&call->result, call, group);
	page = page_start(call, UINT32_MAX);
	for (i = page.from; i < group->n && page.room > 0; i++)
		page_add(&page, make_member(call, group, &group->members[i]));
	page_end(call, &page, "members", i < group->n ? i : 0);
}
