/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* In which sequence end ports get LIDs. See lid-order.c. */

#include "sm/fabric.h"

/*
 * Numbers of all end ports, some of them twice: the first time counts. LIDs of a group are to lie
 * together; the others come behind the groups.
 */
struct lid_order {
	uint32_t *port;
	uint32_t n;
	uint32_t *group_end; /* the first group is port[0] to port[group_end[0] - 1], and so on */
	uint32_t n_groups;
};

/*
 * @leaves_too: LIDs of leaves lie among those of their hosts. 0 or -ENOMEM; lid_order_clear() also
 * after failure.
 */
int lid_order_make(const struct fabric *f, bool leaves_too, struct lid_order *ret);
void lid_order_clear(const struct lid_order *order);
