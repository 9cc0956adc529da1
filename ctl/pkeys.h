/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The P_Keys of a port or a virtual function, planned and held.
 */

#include "ctl/row.h"
#include "sm/sm.h"
#include "sm/vf.h"

/*
 * "pkeys": what is planned (pkeys_of()), in the order of the table without its holes, with
 * "partition" names; "pkeys_held": what the device holds, or null if that is not known.
 */
void pkeys_put(struct row *row, const struct sm *sm, struct endpoint e);

/* The keys of a table as texts, without its holes; the first @most. Null for NULL. */
json_t *pkeys_held(const struct pkey_table *table, size_t most);

/*
 * What is planned for the table that it uses, with holes. How many; -1: nothing can be, since it is
 * not known how many it holds.
 */
int pkeys_of(const struct sm *sm, struct endpoint e, uint16_t ret[static FABRIC_MAX_PKEYS]);
