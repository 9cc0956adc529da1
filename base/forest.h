/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Sets that are joined and never parted, as trees in an array: parent[i] is the next on the way to
 * the one that stands for all of the set of i, which is its own parent. Two sets are one when the
 * parent of one of these is the other; which one that is, who joins them decides.
 */

#include <stdint.h>

/* Who stands for @i. The way is half as long for the next who asks. */
static inline uint32_t forest_root(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i) {
		parent[i] = parent[parent[i]];
		i = parent[i];
	}

	return i;
}
