/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Orders about virtual functions: an operator or an orchestrator says which LID a GUID is to have,
 * before there is a device with it. All of it may be said again: what is so already is done, and
 * what is gone already is gone. The answer comes when it is on disk.
 *
 * What was reserved with a name may be called so from then on.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/later.h"
#include "ctl/place.h"
#include "ctl/reserved.h"
#include "ctl/vf-place.h"

#define LID_LAST 0xbfffu
#define VF_PAGE  64u

/* -- what is asked ------------------------------------------------------------------------------
 */

/* False: the call has failed with a sentence. */
static bool take_guid(struct call *call, const char *text, uint64_t *ret)
{
	if (find_guid_text(text, ret) && *ret != 0)
		return true;
	call_fail(call, PROTOCOL_BAD_PARAMS, "\"%.100s\" is not a GUID such as 0x0200000000000001",
		  text);

	return false;
}

static const char *own_text(struct call *call)
{
	const char *text = call_text(call, "guid");

	if (!text)
		call_fail(call, PROTOCOL_BAD_PARAMS, "parameter \"guid\" is missing");

	return text;
}

/* Of something that may be reserved already, and then has a name. */
static bool take_named(struct call *call, const char *text, uint64_t *ret)
{
	int r = find_guid_text(text, ret) && *ret != 0 ? 1 : find_reserved(call, text, ret);

	if (r == 0)
		call_fail(call, PROTOCOL_NOT_FOUND,
			  "\"%.100s\" is not a GUID such as 0x0200000000000001, and nothing is "
			  "reserved with that name",
			  text);

	return r > 0;
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

/* A name that two have would be nobody's. */
static bool is_free(struct call *call, const struct kept_reservation *wanted)
{
	const struct kept_reservation *r;

	if (!wanted->name[0])
		return true;
	for (uint64_t n = 0; (r = sm_reservation(call->sm, n)); n++) {
		if (r->guid == wanted->guid || strcmp(r->name, wanted->name) != 0)
			continue;
		call_fail(call, PROTOCOL_REFUSED, "0x%016" PRIx64 " has the name \"%s\" already",
			  r->guid, wanted->name);
		return false;
	}

	return true;
}

/* The physical port of an adapter, of those with one port also by the adapter. */
static bool own_port(struct call *call, const char *text, const struct found *found, uint32_t *ret)
{
	const struct node *node = &call->fabric->nodes[found->node];
	uint32_t port = found->port;
	struct vf_place vf;

	if (vf_place_of(call->fabric, found, &vf)) {
		char buffer[GUID_TEXT_SIZE];

		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "%.100s is a virtual function; say its physical port, %s/%u", text,
			  place_name(call->rpc, node_of(call->fabric, vf.pf), buffer),
			  call->fabric->ports[vf.pf].number);
		return false;
	}
	if (port == NO_PORT && node->n_ports == 1)
		port = port_at(node, 1);
	if (port == NO_PORT || node_is_switch(node)) {
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  node_is_switch(node)
				  ? "%.100s is a switch; a physical port of an adapter "
				    "is wanted"
				  : "%.100s has several ports; say which: %.100s/1",
			  text, text);
		return false;
	}
	*ret = port;

	return true;
}

/* A GUID of a port, which may be away, or what people call one that is there. */
static bool take_port(struct call *call, const char *text, uint64_t *ret)
{
	struct found found;
	uint32_t port;

	if (!text || find_guid_text(text, ret))
		return take_guid(call, text ? text : "", ret);
	if (!find_thing(call, text, &found) || !own_port(call, text, &found, &port))
		return false;
	*ret = call->fabric->ports[port].guid;

	return true;
}

static bool take_place(struct call *call, const char *text, struct kept_reservation *ret)
{
	uint64_t guid = 0;

	if (!take_port(call, text, &guid))
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

static void fail_as(struct call *call, int r, const char *why)
{
	enum protocol_error code = r == -EPERM                    ? PROTOCOL_NOT_MASTER
				   : r == -EBUSY                  ? PROTOCOL_BUSY
				   : r == -EACCES                 ? PROTOCOL_REFUSED
				   : r == -ENOENT                 ? PROTOCOL_NOT_FOUND
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
	const char *text = own_text(call);
	char why[SM_WHY_SIZE] = "";
	int r;

	if (!text || !take_guid(call, text, &wanted.guid) || !take_lid(call, &wanted) ||
	    !take_name(call, &wanted) || !is_free(call, &wanted) || !take_places(call, &wanted))
		return;
	r = sm_reserve(call->sm, &wanted, why);
	if (r < 0) {
		fail_as(call, r, why);
		return;
	}
	reserved_put(&call->result, call, wanted.guid);
	wait_for_disk(call);
}

void method_vf_remove(struct call *call)
{
	const char *text = own_text(call);
	char why[SM_WHY_SIZE] = "";
	uint64_t guid = 0;
	int r;

	if (!text || !take_named(call, text, &guid))
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
	const char *text = own_text(call), *port = call_text(call, "port");
	bool cancel = call_flag(call, "cancel");
	char why[SM_WHY_SIZE] = "";
	uint64_t guid = 0, to = 0;
	int r;

	if (!text || !take_named(call, text, &guid) || (port && !take_port(call, port, &to)))
		return;
	if (cancel == (port != NULL)) {
		call_fail(call, PROTOCOL_BAD_PARAMS,
			  "say where to (PORT), or --cancel, and not both");
		return;
	}
	r = cancel ? sm_move_cancel(call->sm, guid, why) : sm_move(call->sm, guid, to, why);
	if (r < 0) {
		fail_as(call, r, why);
		return;
	}
	row_guid(&call->result, "guid", guid);
	row_guid(&call->result, "moving_to", sm_moving_to(call->sm, guid));
	row_put(&call->result, "at", reserved_where(call, guid));
	wait_for_disk(call);
}

static void add_one(struct call *call, struct page *page, uint64_t guid)
{
	if (sm_reservation_of(call->sm, guid) || sm_moving_to(call->sm, guid))
		page_add(page, reserved_make(call, guid));
}

static uint64_t add_all(struct call *call, struct page *page)
{
	const struct kept_reservation *reserved = NULL;
	uint64_t n_reserved = 0, i;

	while (sm_reservation(call->sm, n_reserved))
		n_reserved++;
	for (i = page->from; page->room > 0 && (reserved = sm_reservation(call->sm, i)); i++)
		page_add(page, reserved_make(call, reserved->guid));
	/* Who is to move and has nothing reserved is behind them. */
	for (; page->room > 0 && i >= n_reserved && sm_move_at(call->sm, i - n_reserved); i++) {
		uint64_t guid = sm_move_at(call->sm, i - n_reserved)->guid;

		if (!sm_reservation_of(call->sm, guid))
			page_add(page, reserved_make(call, guid));
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
	else if (take_named(call, text, &guid))
		add_one(call, &page, guid);
	page_end(call, &page, "reservations", next);
}
