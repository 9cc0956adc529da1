/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which service level is whose, where routes need several virtual lanes: of each pair of switches,
 * and so of what hangs on them, as the tables in force have it (routing/lanes.c), and of multicast
 * groups.
 *
 * Levels are planned with tables, and in force as soon as nothing that they change is in a
 * forwarding table any more. Who has moved has those of another switch, also with levels as they
 * were: they too are for when old ways to it are gone.
 *
 * A group may only have a level on whose lane multicast has room: on that of level 0 there is for
 * one tree, of which all trees are a part, and so there is on lanes that routes leave alone. On
 * another it would wait for what routes have there, and they for it. So who wants such a level has
 * 0, as paths have the level that routes give them; what was wanted is kept for the day when it is
 * free.
 */

#include "sm/lanes.h"

#include <stdlib.h>

#include "base/macros.h"

static const struct levels *planned_levels(const struct sm *sm)
{
	const struct routing *routing = &sm->routing;

	return routing->has_next_levels ? &routing->next_levels : &routing->levels;
}

unsigned lanes_in_use(const struct sm *sm)
{
	const struct levels *levels = planned_levels(sm);

	return levels->lanes.sl ? levels->lanes.n : 1;
}

const uint8_t *lanes_planned_tree(const struct sm *sm, uint32_t n_rows)
{
	const struct lanes *lanes = &planned_levels(sm)->lanes;

	return lanes->n_switches == n_rows ? lanes->up : NULL;
}

static void clear_levels(struct levels *levels)
{
	lanes_clear(&levels->lanes);
	free(TAKE(levels->rows));
}

unsigned lanes_there(const struct sm *sm)
{
	return planned_levels(sm)->n_there;
}

void lanes_take_levels(struct sm *sm, const struct levels *levels)
{
	clear_levels(&sm->routing.next_levels);
	sm->routing.next_levels = *levels;
	sm->routing.has_next_levels = true;
}

bool lanes_switch(struct sm *sm)
{
	if (!sm->routing.valid || !sm->routing.has_next_levels)
		return false;
	clear_levels(&sm->routing.levels);
	sm->routing.levels = sm->routing.next_levels;
	sm->routing.next_levels = (struct levels){ .rows = NULL };
	sm->routing.has_next_levels = false;

	return true;
}

bool lanes_are_changing(const struct sm *sm)
{
	const struct routing *routing = &sm->routing;

	if (routing->withdrawn && routing->levels.lanes.sl)
		return true;
	return routing->has_next_levels &&
	       (routing->levels.lanes.sl || routing->next_levels.lanes.sl);
}

void lanes_forget_levels(struct sm *sm)
{
	clear_levels(&sm->routing.levels);
	clear_levels(&sm->routing.next_levels);
	sm->routing.has_next_levels = false;
}

/* -- for others ---------------------------------------------------------------------------------
 */

/* The switch that packets of the port come to first, as a row of the levels in force; or NO_SWITCH.
 */
static uint32_t row_at(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	const struct levels *levels = &sm->routing.levels;
	uint32_t node;

	if (number == NO_PORT)
		return NO_SWITCH;
	if (!node_is_switch(node_of(f, number))) {
		number = f->ports[number].home;
		if (number == NO_PORT || !node_is_switch(node_of(f, number)))
			return NO_SWITCH;
	}
	node = f->ports[number].node;
	return node < levels->n_nodes ? levels->rows[node] : NO_SWITCH;
}

uint8_t sm_service_level(const struct sm *sm, uint32_t a, uint32_t b)
{
	const struct lanes *lanes = &sm->routing.levels.lanes;
	uint32_t from, to;

	if (!lanes->sl)
		return 0;
	from = row_at(sm, a);
	to = row_at(sm, b);
	return from < lanes->n_switches && to < lanes->n_switches ? lanes_sl(lanes, from, to) : 0;
}

uint8_t lanes_group_level(const struct sm *sm, uint8_t wanted)
{
	const struct levels *levels = &sm->routing.levels;
	unsigned lane;

	if (!levels->lanes.sl)
		return wanted;
	lane = wanted % levels->n_there; /* see plan_levels() of lane-plan.c */

	return lane == 0 || lane >= levels->lanes.n ? wanted : 0;
}
