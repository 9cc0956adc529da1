/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is reserved for a GUID, and where it is to move, as rows: the same wherever they appear.
 */

#include "ctl/rpc.h"

/*
 * "guid", "name" (or ""), "lid" (that it has or will have, or null), "reserved_lid" (or null: any),
 * "places" (GUIDs of ports; none: anywhere), "pkeys" (planned), "at" and "moving_to" (GUID of a
 * port, or null); also if nothing is reserved for it.
 */
void reserved_put(struct row *row, const struct call *call, uint64_t guid);
json_t *reserved_make(const struct call *call, uint64_t guid);

/* Where the GUID is now, and as which of the virtual functions there ("index"); or null. */
json_t *reserved_where(const struct call *call, uint64_t guid);

/*
 * How far it is with its move, or null: "to" (GUID of a port) and "end" (what place_end() says of
 * that), "since" (null: before this vsm started) and "since_seconds", "keys_ready" (its P_Keys are
 * let through there), "routes_ready" (so are packets to its LID led there) or "routes_later" (that
 * is not prepared), "waits_for" ("port", "leave", "tables", "start", "active") with a "sentence".
 */
json_t *reserved_make_move(const struct call *call, uint64_t guid);
