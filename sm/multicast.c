/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Groups in the order of their MGIDs, members of each in the order of their GUIDs: both are found
 * by halves, and no hostile choice of either makes that slow. What it costs is to move what comes
 * behind, a few kilobytes, when somebody joins. A GUID that has to do with any group has a holder,
 * in which is counted what it has.
 *
 * MLIDs are short: 16,383 at most, and most switches have a table for a few thousand. So groups
 * come to share them when there are no more. A host then gets packets of groups that it has not
 * joined, which its adapter drops by their MGID: that is harmless among groups whose packets it
 * might have got anyway, and it is among solicited-node groups that it is meant for (RFC 4391 8).
 */

#include "sm/multicast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"

/* -- finding ------------------------------------------------------------------------------------
 */

/* Where it is, or would be. */
static uint32_t place_of_group(const struct group_book *book, const uint8_t mgid[static 16])
{
	uint32_t from = 0, past = book->n;

	while (from < past) {
		uint32_t middle = from + (past - from) / 2;

		if (memcmp(book->by_mgid[middle]->mgid, mgid, 16) < 0)
			from = middle + 1;
		else
			past = middle;
	}

	return from;
}

static uint32_t place_of_member(const struct group *group, uint64_t guid)
{
	uint32_t from = 0, past = group->n;

	while (from < past) {
		uint32_t middle = from + (past - from) / 2;

		if (group->members[middle].guid < guid)
			from = middle + 1;
		else
			past = middle;
	}

	return from;
}

struct group *group_find(const struct group_book *book, const uint8_t mgid[static 16])
{
	uint32_t at = place_of_group(book, mgid);

	return at < book->n && !memcmp(book->by_mgid[at]->mgid, mgid, 16) ? book->by_mgid[at]
									  : NULL;
}

struct group_member *group_member_find(const struct group *group, uint64_t guid)
{
	uint32_t at = place_of_member(group, guid);

	return at < group->n && group->members[at].guid == guid ? &group->members[at] : NULL;
}

/* -- holders ------------------------------------------------------------------------------------
 */

struct group_holder *group_holder_find(const struct group_book *book, uint64_t guid)
{
	uint32_t at = guid_map_get(&book->by_guid, guid);

	return at == GUID_MAP_NONE ? NULL : &book->holders[at];
}

static struct group_holder *hold(struct group_book *book, uint64_t guid)
{
	struct group_holder *holder = group_holder_find(book, guid);

	if (holder)
		return holder;
	if (array_make_room(&book->holders, book->n_holders, &book->holders_room, 16,
			    sizeof(*book->holders)) < 0 ||
	    guid_map_put(&book->by_guid, guid, book->n_holders) < 0)
		return NULL;
	holder = &book->holders[book->n_holders++];
	*holder = (struct group_holder){ .guid = guid, .at = NO_PORT };

	return holder;
}

static void let_go(struct group_book *book, struct group_holder *holder)
{
	uint32_t at = (uint32_t)(holder - book->holders);

	if (holder->n > 0 || holder->n_groups > 0)
		return;
	guid_map_remove(&book->by_guid, holder->guid);
	*holder = book->holders[--book->n_holders];
	if (at < book->n_holders)
		guid_map_put(&book->by_guid, holder->guid, at); /* it is there: needs no memory */
}

bool group_may_make(const struct group_book *book, uint64_t guid)
{
	const struct group_holder *holder = group_holder_find(book, guid);

	return book->n < GROUPS_MAX && (!holder || holder->n_groups < GROUPS_OF_MAX);
}

bool group_may_join(const struct group_book *book, uint64_t guid, bool proxy)
{
	const struct group_holder *holder = group_holder_find(book, guid);

	if (proxy &&
	    (book->n_proxied >= PROXIED_MAX || (holder && holder->n_proxied >= PROXIED_OF_MAX)))
		return false;

	return book->n_members < MEMBERS_MAX && (!holder || holder->n < MEMBERSHIPS_OF_MAX);
}

/* -- groups -------------------------------------------------------------------------------------
 */

static int make_room(struct group_book *book)
{
	if (!book->by_mlid)
		book->by_mlid = calloc(MLIDS_MAX, sizeof(struct group *));
	if (!book->by_mlid)
		return -ENOMEM;

	return array_make_room(&book->by_mgid, book->n, &book->room, 16, sizeof(*book->by_mgid));
}

int group_add(struct group_book *book, const struct group *group, struct group **ret)
{
	uint32_t at = place_of_group(book, group->mgid);
	struct group_holder *creator;
	struct group *added;

	if (at < book->n && !memcmp(book->by_mgid[at]->mgid, group->mgid, 16))
		return -EEXIST;
	if (book->n >= GROUPS_MAX)
		return -ENOSPC;
	if (make_room(book) < 0)
		return -ENOMEM;
	added = malloc(sizeof(*added));
	creator = added && group->creator ? hold(book, group->creator) : NULL;
	if (!added || (group->creator && !creator)) {
		free(added);
		return -ENOMEM;
	}
	if (creator)
		creator->n_groups++;
	*added = *group;
	added->members = NULL;
	added->n = added->room = added->n_count = 0;
	added->next = book->by_mlid[group->mlid - MLID_FIRST];
	book->by_mlid[group->mlid - MLID_FIRST] = added;
	book->n_mlids = MAX(book->n_mlids, group->mlid - MLID_FIRST + 1u);
	memmove(&book->by_mgid[at + 1], &book->by_mgid[at],
		(book->n - at) * sizeof(*book->by_mgid));
	book->by_mgid[at] = added;
	book->n++;
	*ret = added;

	return 0;
}

static void unlink_mlid(struct group_book *book, const struct group *group)
{
	struct group **link = &book->by_mlid[group->mlid - MLID_FIRST];

	while (*link != group)
		link = &(*link)->next;
	*link = group->next;
	while (book->n_mlids > 0 && !book->by_mlid[book->n_mlids - 1])
		book->n_mlids--;
}

void group_remove(struct group_book *book, struct group *group)
{
	uint32_t at = place_of_group(book, group->mgid);
	struct group_holder *creator;

	while (group->n > 0)
		group_drop_member(book, group, group->members[group->n - 1].guid);
	unlink_mlid(book, group);
	memmove(&book->by_mgid[at], &book->by_mgid[at + 1],
		(book->n - at - 1) * sizeof(*book->by_mgid));
	book->n--;
	creator = group->creator ? group_holder_find(book, group->creator) : NULL;
	if (creator) {
		creator->n_groups--;
		let_go(book, creator);
	}
	free(group->members);
	free(group);
}

void group_book_done(struct group_book *book)
{
	for (uint32_t i = 0; i < book->n; i++) {
		free(book->by_mgid[i]->members);
		free(book->by_mgid[i]);
	}
	free(book->by_mgid);
	free(book->by_mlid);
	free(book->holders);
	guid_map_done(&book->by_guid);
	*book = (struct group_book){ 0 };
}

/* -- members ------------------------------------------------------------------------------------
 */

static bool counts(const struct group_member *member)
{
	return member->states & JOIN_COUNTS;
}

static void count_proxied(struct group_book *book, uint64_t guid, bool was, bool is)
{
	struct group_holder *holder = was != is ? group_holder_find(book, guid) : NULL;

	if (!holder)
		return;
	holder->n_proxied += (uint32_t)is - was;
	book->n_proxied += (uint32_t)is - was;
}

int group_put_member(struct group_book *book, struct group *group,
		     const struct group_member *member)
{
	uint32_t at = place_of_member(group, member->guid);
	struct group_holder *holder;

	if (at < group->n && group->members[at].guid == member->guid) {
		group->n_count += (uint32_t)counts(member) - counts(&group->members[at]);
		count_proxied(book, member->guid, group->members[at].proxy, member->proxy);
		group->members[at] = *member;
		return 0;
	}
	if (book->n_members >= MEMBERS_MAX)
		return -ENOSPC;
	if (array_make_room(&group->members, group->n, &group->room, 2, sizeof(*group->members)) <
	    0)
		return -ENOMEM;
	holder = hold(book, member->guid);
	if (!holder)
		return -ENOMEM;
	memmove(&group->members[at + 1], &group->members[at],
		(group->n - at) * sizeof(*group->members));
	group->members[at] = *member;
	group->n++;
	group->n_count += counts(member);
	book->n_members++;
	holder->n++;
	count_proxied(book, member->guid, false, member->proxy);

	return 0;
}

void group_drop_member(struct group_book *book, struct group *group, uint64_t guid)
{
	uint32_t at = place_of_member(group, guid);
	struct group_holder *holder;

	if (at >= group->n || group->members[at].guid != guid)
		return;
	group->n_count -= counts(&group->members[at]);
	count_proxied(book, guid, group->members[at].proxy, false);
	memmove(&group->members[at], &group->members[at + 1],
		(group->n - at - 1) * sizeof(*group->members));
	group->n--;
	book->n_members--;
	holder = group_holder_find(book, guid);
	if (!holder)
		return;
	holder->n--;
	let_go(book, holder);
}

/* -- MLIDs --------------------------------------------------------------------------------------
 */

/* ff02::1:ffXX:XXXX of IPv6 over InfiniBand, in any scope; bytes 4 and 5 are the P_Key. */
static bool is_solicited_node(const uint8_t mgid[static 16])
{
	static const uint8_t middle[] = { 0, 0, 0, 0, 0, 1, 0xff };

	return mgid[2] == 0x60 && mgid[3] == 0x1b && !memcmp(mgid + 6, middle, sizeof(middle));
}

static bool may_share(const struct group *one, const struct group *other)
{
	return !one->is_given && !other->is_given && ((one->pkey ^ other->pkey) & 0x7fff) == 0 &&
	       one->sl_wanted == other->sl_wanted && one->mtu == other->mtu &&
	       one->rate == other->rate &&
	       is_solicited_node(one->mgid) == is_solicited_node(other->mgid);
}

static unsigned n_sharing(const struct group *first)
{
	unsigned n = 0;

	for (; first; first = first->next)
		n++;

	return n;
}

/* Where fewest are; 0: nowhere. */
static uint16_t choose_to_share(const struct group_book *book, const struct group *group,
				unsigned limit)
{
	unsigned fewest = UINT32_MAX;
	uint16_t best = 0;

	for (unsigned i = 0; i < limit; i++) {
		const struct group *first = book->by_mlid[i];
		unsigned n;

		if (!first || !may_share(group, first))
			continue;
		n = n_sharing(first);
		if (n >= fewest)
			continue;
		fewest = n;
		best = (uint16_t)(MLID_FIRST + i);
	}

	return best;
}

uint16_t group_choose_mlid(const struct group_book *book, const struct group *group,
			   uint16_t wanted, unsigned limit)
{
	limit = MIN(limit, MLIDS_MAX);
	if (limit == 0)
		return 0;
	if (!book->by_mlid)
		return wanted >= MLID_FIRST && wanted < MLID_FIRST + limit ? wanted : MLID_FIRST;
	if (wanted >= MLID_FIRST && wanted < MLID_FIRST + limit &&
	    !book->by_mlid[wanted - MLID_FIRST])
		return wanted;
	for (unsigned i = 0; i < limit; i++)
		if (!book->by_mlid[i])
			return (uint16_t)(MLID_FIRST + i);

	return choose_to_share(book, group, limit);
}

/* -- MGIDs --------------------------------------------------------------------------------------
 */

static void put32(uint8_t *at, uint32_t value)
{
	wire_set16(at, 0, (uint16_t)(value >> 16));
	wire_set16(at, 1, (uint16_t)value);
}

void group_make_mgid(struct group_book *book, uint8_t scope, uint64_t prefix,
		     uint8_t ret[static 16])
{
	memset(ret, 0, 16);
	ret[0] = 0xff;
	ret[1] = (uint8_t)(0x10 | scope);
	ret[2] = 0xa0;
	ret[3] = 0x1b;
	wire_set64(ret + 4, 0, prefix);
	do
		put32(ret + 12, ++book->last_made);
	while (group_find(book, ret));
}

bool mgid_is_ip(const uint8_t mgid[static 16])
{
	return (mgid[2] == 0x40 || mgid[2] == 0x60) && mgid[3] == 0x1b;
}

bool mgid_is_broadcast(const uint8_t mgid[static 16])
{
	uint8_t broadcast[16];

	mgid_of_broadcast(wire_get16(mgid, 2), mgid_scope(mgid), broadcast);

	return !memcmp(mgid, broadcast, 16);
}

void mgid_of_broadcast(uint16_t pkey, uint8_t scope, uint8_t ret[static 16])
{
	memset(ret, 0, 16);
	ret[0] = 0xff;
	ret[1] = (uint8_t)(0x10 | scope);
	ret[2] = 0x40;
	ret[3] = 0x1b;
	wire_set16(ret, 2, pkey | 0x8000);
	memset(ret + 12, 0xff, 4);
}

/* The longest row of zeros, from the first of those as long, is "::". */
static unsigned find_zeros(const uint8_t mgid[static 16], unsigned *ret_n)
{
	unsigned best = 0;

	*ret_n = 1; /* a single one is written */
	for (unsigned i = 0; i < 8; i++) {
		unsigned n = 0;

		while (i + n < 8 && wire_get16(mgid, i + n) == 0)
			n++;
		if (n > *ret_n) {
			*ret_n = n;
			best = i;
		}
	}
	if (*ret_n == 1)
		*ret_n = 0;

	return best;
}

const char *mgid_text(const uint8_t mgid[static 16], char ret[static MGID_TEXT_SIZE])
{
	unsigned n_zeros, zeros = find_zeros(mgid, &n_zeros);
	size_t length = 0;

	ret[0] = 0;
	for (unsigned i = 0; i < 8; i++) {
		bool ends_zeros = n_zeros > 0 && i == zeros + n_zeros;

		if (n_zeros > 0 && i == zeros) {
			length += (size_t)snprintf(ret + length, MGID_TEXT_SIZE - length, "::");
			i += n_zeros - 1;
			continue;
		}
		length += (size_t)snprintf(ret + length, MGID_TEXT_SIZE - length, "%s%x",
					   i == 0 || ends_zeros ? "" : ":", wire_get16(mgid, i));
	}

	return ret;
}

/* -- records and rows ---------------------------------------------------------------------------
 */

void group_to_record(const struct group *group, const struct group_member *member, uint64_t prefix,
		     uint8_t ret[static MC_MEMBER_RECORD_SIZE])
{
	enum { EXACTLY = 2 };

	memset(ret, 0, MC_MEMBER_RECORD_SIZE);
	memcpy(ret, group->mgid, 16);
	wire_set(ret, MCM_QKEY, group->q_key);
	wire_set(ret, MCM_MLID, group->mlid);
	wire_set(ret, MCM_MTU_SELECTOR, EXACTLY);
	wire_set(ret, MCM_MTU, group->mtu);
	wire_set(ret, MCM_TCLASS, group->tclass);
	wire_set(ret, MCM_PKEY, group->pkey);
	wire_set(ret, MCM_RATE_SELECTOR, EXACTLY);
	wire_set(ret, MCM_RATE, group->rate);
	wire_set(ret, MCM_LIFE_SELECTOR, EXACTLY);
	wire_set(ret, MCM_LIFE, group->life);
	wire_set(ret, MCM_SL, group->sl);
	wire_set(ret, MCM_FLOW_LABEL, group->flow_label);
	wire_set(ret, MCM_HOP_LIMIT, group->hop_limit);
	wire_set(ret, MCM_SCOPE, group->scope);
	if (!member)
		return;
	wire_set64(ret + MC_MEMBER_PORT_GID_OFFSET, 0, prefix);
	wire_set64(ret + MC_MEMBER_PORT_GID_OFFSET, 1, member->guid);
	wire_set(ret, MCM_JOIN_STATE, member->states);
	wire_set(ret, MCM_PROXY, member->proxy);
}

/* The record, and who has made it; the MLID must be kept, so that a restart moves nothing. */
enum {
	CREATOR_AT = MC_MEMBER_RECORD_SIZE,
	GIVEN_AT = CREATOR_AT + 8,
	WANTED_AT, /* the level that was asked for, and a bit; 0: that of the record, in old rows */
	IS_WANTED = 0x10,
};

void group_to_blob(const struct group *group, uint8_t ret[static GROUP_BLOB_SIZE])
{
	memset(ret, 0, GROUP_BLOB_SIZE);
	group_to_record(group, NULL, 0, ret);
	wire_set64(ret + CREATOR_AT, 0, group->creator);
	ret[GIVEN_AT] = group->is_given;
	ret[WANTED_AT] = (uint8_t)(IS_WANTED | group->sl_wanted);
}

bool group_from_blob(const void *blob, uint32_t size, struct group *ret)
{
	const uint8_t *bytes = blob;

	if (size != GROUP_BLOB_SIZE || bytes[0] != 0xff || wire_get(bytes, MCM_MLID) < MLID_FIRST ||
	    wire_get(bytes, MCM_MLID) > MLID_LAST)
		return false;
	*ret = (struct group){ .creator = wire_get64(bytes + CREATOR_AT, 0),
			       .q_key = (uint32_t)wire_get(bytes, MCM_QKEY),
			       .flow_label = (uint32_t)wire_get(bytes, MCM_FLOW_LABEL),
			       .mlid = (uint16_t)wire_get(bytes, MCM_MLID),
			       .pkey = (uint16_t)wire_get(bytes, MCM_PKEY),
			       .mtu = (uint8_t)wire_get(bytes, MCM_MTU),
			       .rate = (uint8_t)wire_get(bytes, MCM_RATE),
			       .life = (uint8_t)wire_get(bytes, MCM_LIFE),
			       .sl = (uint8_t)wire_get(bytes, MCM_SL),
			       .tclass = (uint8_t)wire_get(bytes, MCM_TCLASS),
			       .hop_limit = (uint8_t)wire_get(bytes, MCM_HOP_LIMIT),
			       .scope = (uint8_t)wire_get(bytes, MCM_SCOPE),
			       .is_given = bytes[GIVEN_AT] != 0 };
	ret->sl_wanted = bytes[WANTED_AT] ? bytes[WANTED_AT] & 0xf : ret->sl;
	memcpy(ret->mgid, bytes, 16);

	return true;
}

void group_member_to_blob(const struct group_member *member, const uint8_t mgid[static 16],
			  uint8_t ret[static MEMBER_BLOB_SIZE])
{
	memcpy(ret, mgid, 16);
	wire_set64(ret, 2, member->guid);
	ret[24] = member->states;
	ret[25] = member->proxy;
}

bool group_member_from_blob(const void *blob, uint32_t size, struct group_member *ret,
			    uint8_t ret_mgid[static 16])
{
	const uint8_t *bytes = blob;

	if (size != MEMBER_BLOB_SIZE || bytes[24] == 0 || bytes[24] > 0xf ||
	    wire_get64(bytes, 2) == 0)
		return false;
	memcpy(ret_mgid, bytes, 16);
	*ret = (struct group_member){ .guid = wire_get64(bytes, 2),
				      .states = bytes[24],
				      .proxy = bytes[25] != 0 };

	return true;
}
