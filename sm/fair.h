/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * In which order what has arrived is taken.
 */

#include "mad/transport.h"

#define FAIR_MAX 4096u /* datagrams that are put in order at once */

/* Zero between two calls. */
struct fair {
	uint16_t seen[1u << 16]; /* by LID */
};

/*
 * Places in @arrivals (@n of them, at most FAIR_MAX), those first that are to be taken first: what
 * is not of subnet administration, as it came; then the first request of each source, then the
 * second of each, and so on.
 */
void fair_order(struct fair *fair, const struct arrival *arrivals, unsigned n,
		uint16_t ret[static FAIR_MAX]);
