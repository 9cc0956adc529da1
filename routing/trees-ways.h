/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Between trees.c, which prepares what trees of a graph have in common, and trees-grow.c, which
 * grows one: which way is up in a tree.
 */

#include "routing/trees.h"

enum { TREE_NOWHERE = UINT32_MAX, TREE_FAR = UINT16_MAX };

struct tree_ways {
	uint16_t *distance; /* [switch]; TREE_FAR: not reached. NULL: not made */
	uint32_t *trunk;    /* from the hub to the top */
	uint32_t n_trunk;
};

/* Nothing is done if they are made. 0 or -ENOMEM, and then there are none. */
int tree_ways_make(const struct trees *trees, uint32_t hub, struct tree_ways *ways);
void tree_ways_clear(struct tree_ways *ways);

/* Which of the hubs tree @number has; there is one. */
uint32_t tree_choose_hub(const struct trees *trees, uint32_t number);
/* Does arc @a of @s lead to who can be part of a tree, by a cable that may? */
bool tree_is_passable(const struct trees *trees, uint32_t s, uint32_t a);
/* Does arc @a lead from @s one step nearer to the top of the tree? */
bool tree_leads_up(const struct trees *trees, const struct tree_ways *ways, uint32_t s, uint32_t a);
/* The one of these that tree @number takes; TREE_NOWHERE at the top. */
uint32_t tree_choose_arc(const struct trees *trees, const struct tree_ways *ways, uint32_t number,
			 uint32_t s);
/* The same cable the other way, or TREE_NOWHERE. */
uint32_t tree_arc_back(const struct trees *trees, uint32_t a);
