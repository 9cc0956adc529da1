/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is said of groups: whom nothing reaches that is sent to them, and why not; which switches
 * are the cause of that, or behind it; and whether all is written.
 *
 * Of switches it is said while there are members, of any group and wherever they are: who may join
 * next wants to know. A switch that does not do as it is told has that as its reason.
 */

#include <stdlib.h>

#include "sm/multicast-inside.h"

/* -- of switches --------------------------------------------------------------------------------
 */

bool multicast_is_in_trees(const struct multicast *m, uint32_t row, uint32_t node)
{
	return row < m->trees.n_switches && m->node_of_row[row] == node;
}

enum reason multicast_reason(const struct sm *sm, const struct node *node)
{
	const struct multicast *m = sm->multicast;
	uint32_t row = node->sw->index;

	if (m->book.n_members == 0)
		return REASON_NONE;
	if (!multicast_has_table(sm, node))
		return REASON_NO_MULTICAST;
	if (!multicast_is_in_trees(m, row, node->sma.owner))
		return REASON_NONE;
	if (!m->trees.passes[row])
		return REASON_NO_MULTICAST;

	return trees_all_reach(&m->trees, row) ? REASON_NONE : REASON_NO_MULTICAST_WAY;
}

void multicast_tell_switches(struct sm *sm, bool anew)
{
	struct multicast *m = sm->multicast;
	bool has_members = m->book.n_members > 0;

	if (sm->phase != PHASE_REST || (!anew && has_members == m->told_of_members))
		return;
	m->told_of_members = has_members;
	reasons_update_switches(sm);
}

/* -- of members ---------------------------------------------------------------------------------
 */

static const char *obstacle_of_switch(const struct sm *sm, const struct group *group,
				      uint32_t number)
{
	const struct multicast *m = sm->multicast;
	const struct node *node = &sm->fabric.nodes[number];
	uint32_t row = node->sw->index;

	if (!m->has_trees)
		return NULL; /* nothing is copied to a member that is alone */
	if (!multicast_is_in_trees(m, row, number))
		return "The switch that it hangs on has no routes.";
	if (mlid_index(group->mlid) >= m->largest)
		return "No switch has a table for the LID of the group.";
	if (!m->trees.passes[row])
		return reason_sentence(node->sw->mft_fault.reason != REASON_NONE
					       ? (enum reason)node->sw->mft_fault.reason
					       : REASON_NO_MULTICAST);
	if (trees_reach(&m->trees, mlid_index(group->mlid), row))
		return NULL;

	return m->trees.has_blocked ? reason_sentence(REASON_NO_MULTICAST_WAY)
				    : "The switch that it hangs on has no routes to most others.";
}

const char *sm_group_obstacle(const struct sm *sm, const struct group *group, uint64_t guid)
{
	const struct fabric *f = &sm->fabric;
	struct endpoint e = endpoint_find(f, guid);
	uint32_t exit;

	if (e.port == NO_PORT)
		return "It is not there.";
	if (!multicast_has_key(sm, e, group->pkey))
		return "It is not in the partition of the group.";
	if (!endpoint_is_active(f, e) && f->ports[e.port].number != 0)
		return "It is not Active.";
	exit = multicast_exit_of(f, e);
	if (exit != NO_PORT)
		return obstacle_of_switch(sm, group, f->ports[exit].node);

	return f->ports[e.port].peer == NO_PORT ? "It has no link." : NULL;
}

/* -- of groups ----------------------------------------------------------------------------------
 */

uint32_t sm_group_switches(const struct sm *sm, const struct group *group)
{
	const struct mlid *mlid = mlid_at(sm->multicast, mlid_index(group->mlid));
	uint32_t n = 0;

	for (uint32_t i = 0; mlid && i < mlid->planned.n; i++)
		n += i == 0 || TREE_EXIT_SWITCH(mlid->planned.exit[i]) !=
				       TREE_EXIT_SWITCH(mlid->planned.exit[i - 1]);

	return n;
}

bool sm_group_is_written(const struct sm *sm, const struct group *group)
{
	const struct mlid *mlid = mlid_at(sm->multicast, mlid_index(group->mlid));

	return !mlid || (mlid->settled && !mlid->dirty);
}
