/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What an operator said of a GUID, whether a device has it or not, in one row: what is reserved for
 * it, and how far it is with a move. P_Keys are those that the partitions give it.
 */

#include "ctl/reserved.h"

#include <stdio.h>

#include "base/loop.h"
#include "base/macros.h"
#include "ctl/find.h"
#include "ctl/place.h"
#include "sm/vf.h"

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

json_t *reserved_where(const struct call *call, uint64_t guid)
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

void reserved_put(struct row *row, const struct call *call, uint64_t guid)
{
	static const struct kept_reservation nothing;
	const struct kept_reservation *reserved = sm_reservation_of(call->sm, guid);

	if (!reserved)
		reserved = &nothing;
	row_guid(row, "guid", guid);
	row_text(row, "name", reserved->name);
	row_put(row, "lid", make_lid(call, guid));
	row_put(row, "reserved_lid", reserved->lid ? json_integer(reserved->lid) : json_null());
	row_put(row, "places", make_places(reserved));
	row_put(row, "pkeys", make_pkeys(call, guid));
	row_put(row, "at", reserved_where(call, guid));
	row_guid(row, "moving_to", sm_moving_to(call->sm, guid));
}

json_t *reserved_make(const struct call *call, uint64_t guid)
{
	struct row row = row_start();

	reserved_put(&row, call, guid);

	return row_end(&row);
}

/* -- moves --------------------------------------------------------------------------------------
 */

static const struct wait {
	const char *key;
	const char *sentence;
} waits[SM_MOVE_WAIT_COUNT] = {
	[SM_MOVE_PORT] = { "port", "That port is not active: see to it first." },
	[SM_MOVE_LEAVE] = { "leave", "It waits until its host stops it where it is." },
	[SM_MOVE_TABLES] = { "tables", "Devices are being told." },
	[SM_MOVE_START] = { "start", "It waits until its host starts it there." },
	[SM_MOVE_ACTIVE] = { "active", "It is there already, and not active yet." },
};

static void put_since(struct row *row, const struct call *call, uint64_t since)
{
	if (since == 0) {
		row_put(row, "since", json_null());
		return;
	}
	row_time(row, "since", rpc_unix_time(call->rpc, since));
	row_number(row, "since_seconds", (loop_now(call->rpc->loop) - since) / LOOP_SEC);
}

json_t *reserved_make_move(const struct call *call, uint64_t guid)
{
	struct sm_move_state state;
	struct row row;
	uint32_t port;

	if (!sm_move_state(call->sm, guid, &state))
		return json_null();
	port = fabric_find_port(call->fabric, state.to);
	row = row_start();
	row_guid(&row, "to", state.to);
	row_put(&row, "end", place_end(call->rpc, call->fabric, port));
	put_since(&row, call, state.since);
	row_bool(&row, "keys_ready", state.keys);
	row_bool(&row, "routes_ready", state.routes);
	row_bool(&row, "routes_later", state.routes_later);
	row_text(&row, "waits_for", waits[state.waits_for].key);
	row_text(&row, "sentence", waits[state.waits_for].sentence);

	return row_end(&row);
}
