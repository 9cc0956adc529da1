/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Multicast groups and memberships as members of rows.
 */

#include "ctl/rpc.h"

struct group;

/* "0xc000" */
void group_put_mlid(struct row *row, const struct group *group);

/*
 * "groups" of the GUID: the first of those that it is member of, each with "mgid", "mlid", "states"
 * and, if nothing of what is sent there reaches it, "sentence"; and "groups_count", all of them.
 */
void group_put_all_of(struct row *row, const struct call *call, uint64_t guid);

/* "states" (a list of "full", "non", "send-only" and "send-only-full"). */
void group_put_states(struct row *row, uint8_t states);
