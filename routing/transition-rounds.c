/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One LID, outward from the destination along the new ways: see transition.c.
 */

#include "routing/change.h"

#include "base/macros.h"

#include <string.h>

static bool is_other(const struct change *change, uint32_t s, unsigned i)
{
	size_t at = (size_t)s * BLOCK + i;

	return change->entries[HELD][at] != change->entries[PLANNED][at];
}

/* The switch to which @s sends LID @i, or NOWHERE. */
static uint32_t next_of(const struct change *change, unsigned side, uint32_t s, unsigned i)
{
	uint32_t arc = change_arc_of(change, side, s, i);

	return arc != NOWHERE ? change->graph->arcs[arc].to : NOWHERE;
}

static bool old_way_loops_from(struct change *change, uint32_t start, unsigned i)
{
	uint32_t on_path = 2 * change->n_visits;
	uint32_t s = start;

	while (s != NOWHERE && change->visited[s] != on_path && change->visited[s] != on_path + 1) {
		change->visited[s] = on_path;
		s = next_of(change, HELD, s, i);
	}
	if (s != NOWHERE && change->visited[s] == on_path)
		return true;
	for (s = start; s != NOWHERE && change->visited[s] == on_path;
	     s = next_of(change, HELD, s, i))
		change->visited[s] = on_path + 1;
	return false;
}

static bool old_ways_loop(struct change *change, unsigned i)
{
	change->n_visits++;
	for (uint32_t n = 0; n < change->n_active; n++)
		if (old_way_loops_from(change, change->active[n], i))
			return true;
	return false;
}

/* Packets leave @s, which is new: all their turns from there on. */
static bool admit_new_way(struct change *change, uint32_t s, unsigned i)
{
	uint32_t arc = change_arc_of(change, PLANNED, s, i);

	while (arc != NOWHERE) {
		uint32_t at = change->graph->arcs[arc].to;
		uint32_t next = change_arc_of(change, PLANNED, at, i);

		if (next != NOWHERE &&
		    !admission_try(&change->admission, arc, next - change->graph->arc_first[at]))
			return false;
		arc = next;
	}
	return true;
}

/* Hosts send from @s, which is old, and so is all behind it that nobody has been at yet. */
static bool admit_old_way(struct change *change, uint32_t s, unsigned i)
{
	while (change->visited[s] != 2 * change->n_visits) {
		uint32_t arc = change_arc_of(change, HELD, s, i);

		change->visited[s] = 2 * change->n_visits;
		if (is_other(change, s, i) && !admit_new_way(change, s, i))
			return false;
		if (arc == NOWHERE)
			break;
		if (!change_admit_arrival(change, arc, i))
			return false;
		s = change->graph->arcs[arc].to;
	}
	return true;
}

static bool admit_ordered(struct change *change, unsigned i)
{
	change->n_visits++;
	for (uint32_t s = 0; s < change->graph->n_switches; s++)
		if (change->has_senders[s] && !admit_old_way(change, s, i))
			return false;
	return true;
}

/* The first switch behind @s on the new way that changes, or NOWHERE. */
static uint32_t next_other(const struct change *change, uint32_t s, unsigned i)
{
	do
		s = next_of(change, PLANNED, s, i);
	while (s != NOWHERE && !is_other(change, s, i));
	return s;
}

enum { RAISED = 1, TOO_LATE };

/* Blocks wait for those that LID @i has them wait for: 0, RAISED or TOO_LATE. */
static int raise_rounds(struct change *change, unsigned i)
{
	int ret = 0;

	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		uint32_t next = is_other(change, s, i) ? next_other(change, s, i) : NOWHERE;

		if (next == NOWHERE || change->round[s] > change->round[next])
			continue;
		if (change->round[next] == LAST)
			return TOO_LATE;
		change->round[s] = change->round[next] + 1;
		ret = RAISED;
	}
	return ret;
}

/* Rounds that suit LID @i too; false if there are none, or too many. */
static bool settle_rounds(struct change *change, unsigned i)
{
	int r = raise_rounds(change, i);

	while (r == RAISED) {
		r = 0;
		for (uint64_t lids = change->ordered; lids && r != TOO_LATE; lids &= lids - 1) {
			int raised = raise_rounds(change, (unsigned)__builtin_ctzll(lids));

			r = MAX(r, raised);
		}
	}
	return r != TOO_LATE;
}

bool change_goes_in_rounds(struct change *change, unsigned i)
{
	size_t n = change->graph->n_switches;

	if (old_ways_loop(change, i))
		return false;
	memcpy(change->last_round, change->round, n);
	change->ordered |= UINT64_C(1) << i;
	if (admit_ordered(change, i) && settle_rounds(change, i)) {
		admission_keep(&change->admission);
		return true;
	}
	admission_give_back(&change->admission);
	change->ordered &= ~(UINT64_C(1) << i);
	memcpy(change->round, change->last_round, n);
	return false;
}
