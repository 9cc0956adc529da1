/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Rate codes (IBA 15.2.5.16, PathRecord.Rate) are not in the order of the rates.
 */

/* Mbit/s; 0 if there is no such code. */
unsigned admin_rate_mbps(unsigned code);

/* The fastest that is slower than @mbps; 0 if there is none. */
unsigned admin_rate_below(unsigned mbps);
