/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The P_Keys of a port, planned and held.
 */

#include "ctl/row.h"
#include "sm/sm.h"

/*
 * "pkeys": what is planned, in the order of the table without its holes, with "partition" names;
 * "pkeys_held": what the device holds, or null if that is not known.
 */
void pkeys_put(struct row *row, const struct sm *sm, uint32_t port);
