/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Whether unicast leaves room for multicast on its lane.
 */

#include "routing/engine.h"

/* Which dimension arcs run in, if they do; see product.h. */
struct dimensions {
	uint32_t n;
	const uint8_t *of_arc;
};

/*
 * A spanning tree of each part of the fabric, whose turns and @turns close no circle, but of turns
 * that only switches could take: @ret_up is that of struct lanes. Switches that are mute, or not
 * @passes (NULL: all are), are no part of it. 0; 1 if none was found; -ENOMEM, -EINVAL if there is
 * a circle in @turns.
 */
int room_find_tree(const struct graph *graph, const struct turns *turns,
		   const struct dimensions *dimensions, const bool *passes, uint8_t *ret_up);
