/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is reserved for virtual functions: an operator or an orchestrator says which LID a GUID is
 * to have, before there is a device with it. All of it may be said again: what is so already is
 * done, and what is gone already is gone. The answer comes when it is on disk.
 *
 * A GUID is written as people find it: 0x0200000000000001, the bare sixteen digits, or
 * 02:00:00:00:00:00:00:01 as ip(8) and CNI plugins do.
 */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/later.h"
#include "ctl/place.h"
#include "sm/vf.h"

#define LID_LAST 0xbfffu
#define VF_PAGE  64u

/* -- what is asked ------------------------------------------------------------------------------
 */

/* The digits of @text without the colons between every two of them; false if there are others. */
static bool strip_colons(const char *text, char digits[static 17])
{
	if (strlen(text) != 23)
		return false;
	for (size_t i = 0; i < 23; i++) {
		if (i % 3 == 2 && text[i] != ':')
			return false;
		if (i % 3 != 2)
			digits[i / 3 * 2 + i % 3] = text[i];
	}
	digits[16] = 0;

	return true;
}

static bool parse_guid(const char *text, uint64_t *ret)
{
	char digits[17];
	bool prefixed = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	size_t n = 0;

	if (prefixed)
		text += 2;
	else if (strip_colons(text, digits))
		text = digits;
	while (isxdigit((unsigned char)text[n]))
		n++;
	if (text[n] != 0 || n > 16 || (prefixed ? n == 0 : n != 16))
		return false;
	*ret = strtoull(text, NULL, 16);

	return *ret != 0;
}

/* False: the call has failed with a sentence. */
static bool take_guid(struct call *call, const char *text, uint64_t *ret)
{
	if (parse_guid(text, ret))
		return true;
	call_fail(call, PROTOCOL_BAD_PARAMS, "\"%.100s\" is not a GUID such as 0x0200000000000001",
		  text);

	return false;
}

static bool take_own_guid(struct call *call, uint64_t *ret)
{
	const char *text = call_text(call, "guid");

	if (text)
		return take_guid(call, text, ret);
	call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"guid\" is missing");

	return false;
}

static bool take_lid(struct call *call, struct kept_reservation *ret)
{
	uint64_t lid = call_number(call, "lid", 0);

	ret->lid = (uint16_t)lid;
	if (lid <= LID_LAST && (lid > 0 || !json_object_get(call->params, "lid")))
		return true;
	call_fail(call, PROTOCOL_BAD_PARAMS, "LID %" PRIu64 " is not unicast, which is 1 to %u",
		  lid, LID_LAST);

	return false;
}

static bool take_name(struct call *call, struct kept_reservation *ret)
{
	const char *name = call_text(call, "name");

	if (!name)
		return true;
	if (strlen(name) > KEEP_NAME_MAX) {
		call_fail(call, PROTOCOL_BAD_PARAMS, "a name has at most %d bytes", KEEP_NAME_MAX);
		return false;
	}
	for (const char *c = name; *c; c++) {
		if ((unsigned char)*c >= ' ' && *c != 0x7f)
			continue;
		call_fail(call, PROTOCOL_BAD_PARAMS, "the name has a control character");
		return false;
	}
	strcpy(ret->name, name);

	return true;
}

static bool take_place(struct call *call, const char *text, struct kept_reservation *ret)
{
	uint64_t guid = 0;

	if (!take_guid(call, text, &guid))
		return false;
	for (unsigned i = 0; i < ret->n_places; i++)
		if (ret->place[i] == guid)
			return true;
	if (ret->n_places == KEEP_PLACES_MAX) {
		call_fail(call, PROTOCOL_BAD_PARAMS, "there are at most %d places",
			  KEEP_PLACES_MAX);
		return false;
	}
	ret->place[ret->n_places++] = guid;

	return true;
}

static bool take_places(struct call *call, struct kept_reservation *ret)
{
	const json_t *place;
	size_t i;

	json_array_foreach(
		call_list(call, "place"), i,
		place) if (!take_place(call, json_string_value(place), ret)) return false;

	return true;
}

/* -- what is answered ---------------------------------------------------------------------------
 */

static json_t *make_places(const struct kept_reservation *reserved)
{
	json_t *places = json_array();

	for (unsigned i = 0; places && i < reserved->n_places; i++)
		json_array_append_new(places, row_guid_value(reserved->place[i]));

	return places;
}

static void add_pkey(json_t *pkeys, unsigned pkey)
{
	char text[8];

	snprintf(text, sizeof(text), "0x%04x", pkey & 0xffff);
	json_array_append_new(pkeys, json_string(text));
}

/* Of what the partitions say of the GUID, as of any port of an adapter. */
static json_t *make_pkeys(const struct call *call, uint64_t guid)
{
	struct partition_walk walk = partition_walk_start(sm_partitions(call->sm), guid);
	json_t *pkeys = json_array();
	const struct partition *p;

	while (pkeys && (p = partition_walk_next(&walk))) {
		enum partition_membership m = partition_membership(p, PARTITION_CAS, guid, false);

		if (m == PARTITION_FULL || m == PARTITION_BOTH)
			add_pkey(pkeys, 0x8000u | p->pkey);
		if (m == PARTITION_LIMITED || m == PARTITION_BOTH)
			add_pkey(pkeys, p->pkey);
	}

	return pkeys;
}

/* Where the GUID is now, and as which of its virtual functions; or null. */
static json_t *make_where(const struct call *call, uint64_t guid)
{
	struct endpoint e = endpoint_find(call->fabric, guid);
	json_t *where;

	if (e.port == NO_PORT || !port_exists(call->fabric, e.port))
		return json_null();
	where = place_end(call->rpc, call->fabric, e.port);
	if (where && e.index > 0)
		json_object_set_new(where, "index", json_integer(e.index));

	return where;
}

/* That it has, or will have; null: none yet. */
static json_t *make_lid(const struct call *call, uint64_t guid)
{
	struct endpoint e = endpoint_find(call->fabric, guid);
	uint16_t lid = e.port == NO_PORT ? 0 : endpoint_lid(call->fabric, e);

	if (lid == 0)
		lid = sm_lid_of(call->sm, guid);

	return lid ? json_integer(lid) : json_null();
}

static void put_reservation(struct row *row, const struct call *call,
			    const struct kept_reservation *reserved)
{
	row_guid(row, "guid", reserved->guid);
	row_text(row, "name", reserved->name);
	row_put(row, "lid", make_lid(call, reserved->guid));
	row_put(row, "reserved_lid", reserved->lid ? json_integer(reserved->lid) : json_null());
	row_put(row, "places", make_places(reserved));
	row_put(row, "pkeys", make_pkeys(call, reserved->guid));
	row_put(row, "at", make_where(call, reserved->guid));
	row_guid(row, "moving_to", sm_moving_to(call->sm, reserved->guid));
}

static void fail_as(struct call *call, int r, const char *why)
{
	enum protocol_error code = r == -EPERM                    ? PROTOCOL_NOT_MASTER
				   : r == -EBUSY                  ? PROTOCOL_BUSY
				   : r == -EINVAL || r == -ERANGE ? PROTOCOL_BAD_PARAMS
								  : PROTOCOL_FAILED;

	call_fail(call, code, "%s", why);
}

/* -- waiting for the disk -----------------------------------------------------------------------
 */

static void on_kept(void *user, int result)
{
	struct later *later = user;

	if (result == -ECANCELED)
		call_fail(&later->call, PROTOCOL_FAILED,
			  "vsm lost its port before this was on disk; ask again");
	else if (result < 0)
		call_fail(&later->call, PROTOCOL_FAILED,
			  "it is done, but not on disk, and lost if vsm ends now: %s; vsm goes on "
			  "trying",
			  strerror(-result));
	later_end(later);
}

/* The result is as it is now; whether it lasts is told then. */
static void wait_for_disk(struct call *call)
{
	struct later *later = later_start(call);

	if (!later || sm_when_kept(call->sm, on_kept, later) == 0)
		return;
	later_drop(call);
	call_fail(call, PROTOCOL_INTERNAL,
		  "it is done, but there is no memory to wait until it is on disk");
}

/* -- methods ------------------------------------------------------------------------------------
 */

void method_vf_add(struct call *call)
{
	struct kept_reservation wanted = { .guid = 0 };
	char why[SM_WHY_SIZE] = "";
	int r;

	if (!take_own_guid(call, &wanted.guid) || !take_lid(call, &wanted) ||
	    !take_name(call, &wanted) || !take_places(call, &wanted))
		return;
	r = sm_reserve(call->sm, &wanted, why);
	if (r < 0) {
		fail_as(call, r, why);
		return;
	}
	put_reservation(&call->result, call, &wanted);
	wait_for_disk(call);
}

void method_vf_remove(struct call *call)
{
	char why[SM_WHY_SIZE] = "";
	uint64_t guid = 0;
	int r;

	if (!take_own_guid(call, &guid))
		return;
	r = sm_release(call->sm, guid, why);
	if (r < 0) {
		fail_as(call, r, why);
		return;
	}
	row_guid(&call->result, "guid", guid);
	wait_for_disk(call);
}

/* It is to be at another port, or that is taken back. */
void method_vf_move(struct call *call)
{
	const char *port = call_text(call, "port");
	bool cancel = call_flag(call, "cancel");
	struct kept_reservation about = { .guid = 0 };
	char why[SM_WHY_SIZE] = "";
	uint64_t to = 0;
	int r;

	if (!take_own_guid(call, &about.guid) || (port && !take_guid(call, port, &to)))
		return;
	if (cancel == (port != NULL)) {
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "say where to (PORT_GUID), or --cancel, and not both");
		return;
	}
	r = cancel ? sm_move_cancel(call->sm, about.guid, why)
		   : sm_move(call->sm, about.guid, to, why);
	if (r < 0) {
		fail_as(call, r, why);
		return;
	}
	row_guid(&call->result, "guid", about.guid);
	row_guid(&call->result, "moving_to", sm_moving_to(call->sm, about.guid));
	row_put(&call->result, "at", make_where(call, about.guid));
	wait_for_disk(call);
}

static json_t *make_reservation(const struct call *call, const struct kept_reservation *reserved)
{
	struct row row = row_start();

	put_reservation(&row, call, reserved);

	return row_end(&row);
}

static bool is_reserved(const struct call *call, uint64_t guid)
{
	const struct kept_reservation *reserved;

	for (uint64_t i = 0; (reserved = sm_reservation(call->sm, i)); i++)
		if (reserved->guid == guid)
			return true;

	return false;
}

static void add_one(struct call *call, struct page *page, uint64_t guid)
{
	struct kept_reservation moving = { .guid = guid };
	const struct kept_reservation *reserved;

	for (uint64_t i = 0; (reserved = sm_reservation(call->sm, i)); i++)
		if (reserved->guid == guid)
			page_add(page, make_reservation(call, reserved));
	if (sm_moving_to(call->sm, guid) && !is_reserved(call, guid))
		page_add(page, make_reservation(call, &moving));
}

static uint64_t add_all(struct call *call, struct page *page)
{
	const struct kept_reservation *reserved = NULL;
	uint64_t n_reserved = 0, i;

	while (sm_reservation(call->sm, n_reserved))
		n_reserved++;
	for (i = page->from; page->room > 0 && (reserved = sm_reservation(call->sm, i)); i++)
		page_add(page, make_reservation(call, reserved));
	/* Who is to move and has nothing reserved is behind them. */
	for (; page->room > 0 && i >= n_reserved && sm_move_at(call->sm, i - n_reserved); i++) {
		struct kept_reservation moving = {
			.guid = sm_move_at(call->sm, i - n_reserved)->guid
		};

		if (!is_reserved(call, moving.guid))
			page_add(page, make_reservation(call, &moving));
	}

	return i < n_reserved || sm_move_at(call->sm, i - n_reserved) ? i : 0;
}

void method_vf_show(struct call *call)
{
	struct page page = page_start(call, VF_PAGE);
	const char *text = call_text(call, "guid");
	uint64_t guid = 0, next = 0;

	if (!text)
		next = add_all(call, &page);
	else if (take_guid(call, text, &guid))
		add_one(call, &page, guid);
	page_end(call, &page, "reservations", next);
}
