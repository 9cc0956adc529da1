/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Do the devices hold what a partition gives them?
 */

#include "ctl/row.h"
#include "sm/sm.h"

struct rpc;

#define APPLIED_NAMED_MAX 64 /* ports and VFs that are named */

/*
 * "generation"; "settled": a reconcile that has it has ended; "applied": and every P_Key table that
 * @pkey is in, or was in, is acknowledged by its device. "not_applied": those that are not, at most
 * so many, and "not_applied_count". @partition NULL: there is none any more.
 */
void applied_put(struct row *row, const struct rpc *rpc, const struct sm *sm, uint16_t pkey,
		 const struct partition *partition, uint64_t generation);

/* Just "applied" of that. */
bool applied_look(const struct sm *sm, uint16_t pkey, const struct partition *partition,
		  uint64_t generation);
