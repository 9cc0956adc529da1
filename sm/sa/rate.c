/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The codes were given out as speeds were invented: FDR got its codes before anybody knew of a 2X
 * link, and 5 Gbit/s came after 30. Everything that compares rates goes through this one table.
 */

#include "sm/sa/rate.h"

#include "base/macros.h"

/* clang-format off */
static const unsigned rates[] = {
	[2] = 2500,    [3] = 10000,   [4] = 30000,   [5] = 5000,    [6] = 20000,   [7] = 40000,
	[8] = 60000,   [9] = 80000,   [10] = 120000, [11] = 14062,  [12] = 56250,  [13] = 112500,
	[14] = 168750, [15] = 25781,  [16] = 103125, [17] = 206250, [18] = 309375, [19] = 28125,
	[20] = 53125,  [21] = 425000, [22] = 637500, [23] = 850000, [24] = 1275000,
};
/* clang-format on */

unsigned admin_rate_mbps(unsigned code)
{
	return code < COUNT(rates) ? rates[code] : 0;
}

unsigned admin_rate_below(unsigned mbps)
{
	unsigned best = 0;

	for (unsigned code = 0; code < COUNT(rates); code++) {
		if (rates[code] < mbps && rates[code] > admin_rate_mbps(best))
			best = code;
	}

	return best;
}
