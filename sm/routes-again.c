/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A small change of the fabric, a cable or a host, is routed at once and in the tables in use: what
 * changes in them is a patch (routing/again.c), LIDs of vports, also of those that have gone,
 * change with those whose ways they have, and the way to the new tables follows from the patch, if
 * switches are known to hold what was planned before. That is milliseconds for thousands of
 * switches, where computing all of it takes a thread and a copy of all tables.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/route-job.h"

/* Are rows of the graph those of the tables? */
static bool has_same_rows(const struct sm *sm, const struct route_job *job)
{
	if (sm->routing.n_rows != job->graph.n_switches)
		return false;
	for (uint32_t i = 0; i < job->graph.n_switches; i++)
		if (sm->fabric.nodes[job->switch_nodes[i]].sw->index != i)
			return false;

	return true;
}

/* -- vports -------------------------------------------------------------------------------------
 */

/* The first entry of @lid, or where it would be, among the first @n. */
static uint32_t find_entry(const struct patch *patch, uint32_t n, uint16_t lid)
{
	uint32_t from = 0;

	while (from < n) {
		uint32_t middle = from + (n - from) / 2;

		if (patch->entry[middle].lid < lid)
			from = middle + 1;
		else
			n = middle;
	}

	return from;
}

static bool has_entry(const struct patch *patch, uint32_t n, uint16_t lid, uint32_t row)
{
	for (uint32_t i = find_entry(patch, n, lid); i < n && patch->entry[i].lid == lid; i++)
		if (patch->entry[i].row == row)
			return true;

	return false;
}

/* A vport's LID changes where that changes whose ways it has, but for the leaf. */
static int follow(struct routing *routing, const struct column *column, uint32_t leaf,
		  struct patch *patch, uint32_t n)
{
	const struct tables *tables = &routing->tables;
	int r = 0;

	for (uint32_t i = find_entry(patch, n, column->from);
	     r == 0 && i < n && patch->entry[i].lid == column->from; i++) {
		uint32_t row = patch->entry[i].row;
		uint8_t *to = &tables->lft[row * tables->stride + column->to];
		uint8_t was = *to;

		if (row == leaf)
			continue;
		*to = tables->lft[row * tables->stride + column->from];
		if (*to != was)
			r = patch_add(patch, row, column->to, was);
	}

	return r;
}

static bool has_bit(const uint64_t *lids, unsigned lid)
{
	return lids[lid / 64] >> lid % 64 & 1;
}

static void set_bit(uint64_t *lids, unsigned lid)
{
	lids[lid / 64] |= UINT64_C(1) << lid % 64;
}

/* LIDs of ports have ways of their own, whoever had them before. */
static void forget_ends(struct routing *routing, const struct graph *graph)
{
	for (uint32_t e = 0; e < graph->n_ends; e++)
		for (uint32_t i = 0; i < 1u << graph->ends[e].lmc; i++)
			routing->copied[graph->ends[e].lid + i] = 0;
}

/* At one switch. Where that other one's port is, so was who has gone: that exit stays, unless a
 * switch is there now. */
static int follow_at(struct routing *routing, const struct graph *graph, uint32_t row,
		     const uint64_t *left, struct patch *patch)
{
	uint8_t *lft = &routing->tables.lft[row * routing->tables.stride];
	bool leads_on[256] = { false };
	int r = 0;

	for (uint32_t a = graph->arc_first[row]; a < graph->arc_first[row + 1]; a++)
		leads_on[graph->arcs[a].port] = true;
	for (unsigned block = 0; block < LID_BLOCKS; block++) {
		for (uint64_t bits = left[block]; bits; bits &= bits - 1) {
			unsigned lid = block * 64 + (unsigned)__builtin_ctzll(bits);
			uint8_t was = lft[lid], now = lft[routing->copied[lid]];
			bool at_leaf = now != ROUTE_NONE && !leads_on[now];

			if (was == now || (at_leaf && !leads_on[was]))
				continue;
			lft[lid] = now;
			if (patch_add(patch, row, (uint16_t)lid, was) < 0)
				r = -ENOMEM;
		}
	}

	return r;
}

/*
 * LIDs that are nobody's now keep the ways of another for who comes back. No proof is about them,
 * so they have these as they change, too: old ways can be a circle once cables have moved.
 */
static int follow_left(struct routing *routing, const struct graph *graph, const uint64_t *followed,
		       struct patch *patch)
{
	const struct graph *whole = graph->whole ? graph->whole : graph;
	uint64_t left[LID_BLOCKS] = { 0 };
	bool any = false;
	int r = 0;

	forget_ends(routing, graph);
	for (unsigned lid = 1; lid <= LID_UNICAST_LAST; lid++) {
		if (routing->copied[lid] == 0 || has_bit(followed, lid))
			continue;
		set_bit(left, lid);
		any = true;
	}
	for (uint32_t row = 0; any && row < graph->n_switches; row++)
		if (follow_at(routing, whole, row, left, patch) < 0)
			r = -ENOMEM;

	return r;
}

/* All of those who are there are to be copied anew. */
static void forget_copies(struct routing *routing, const uint64_t *followed)
{
	for (unsigned lid = 1; lid <= LID_UNICAST_LAST; lid++)
		if (has_bit(followed, lid))
			routing->copied[lid] = 0;
}

/* It is new, or its leaf sends its port, or whose ways it has, out by another exit. */
static bool is_to_be_copied(const struct routing *routing, const struct column *column,
			    uint32_t leaf, const struct patch *patch, uint32_t n)
{
	return routing->copied[column->to] != column->from ||
	       (leaf != NO_SWITCH && (has_entry(patch, n, column->own, leaf) ||
				      has_entry(patch, n, column->from, leaf)));
}

/* 0; 1 if columns have to be copied, which have other ways than they had; -ENOMEM. */
static int follow_all(struct sm *sm, const struct graph *graph, struct patch *patch)
{
	struct routing *routing = &sm->routing;
	uint64_t followed[LID_BLOCKS] = { 0 };
	struct columns columns = { .rows = NULL };
	struct column column;
	uint32_t n = patch->n;
	int r = 0;

	while (r >= 0 && columns_next(sm, &columns, &column)) {
		uint32_t leaf = NO_SWITCH;

		set_bit(followed, column.to);
		if (column.leaf != NO_NODE)
			leaf = sm->fabric.nodes[column.leaf].sw->index;
		if (r == 0 && is_to_be_copied(routing, &column, leaf, patch, n))
			r = 1;
		if (r == 0)
			r = follow(routing, &column, leaf, patch, n);
	}
	columns_done(&columns);
	if (r != 0)
		forget_copies(routing, followed);

	return follow_left(routing, graph, followed, patch) < 0 ? -ENOMEM : r;
}

/* -- what switches hold -------------------------------------------------------------------------
 */

/* Where the patch is they hold what was planned. All else they hold as planned: see complete. */
static bool is_held(const struct sm *sm, const struct route_job *job, const struct patch *patch)
{
	for (uint32_t i = 0; i < patch->n; i++) {
		const struct patch_entry *entry = &patch->entry[i];
		const struct sw *sw = sm->fabric.nodes[job->switch_nodes[entry->row]].sw;

		if (lft_held(sw, entry->lid) != entry->was)
			return false;
	}

	return true;
}

/*
 * A switch that came back may hold what was planned before it went, or something else. Where it
 * holds nothing, what is planned cannot be in anybody's way: all others hold theirs.
 */
static bool holds_nothing_else(const struct sm *sm, const struct route_job *job, uint32_t row,
			       const struct patch *patch)
{
	const struct tables *tables = &sm->routing.tables;
	const struct sw *sw = sm->fabric.nodes[job->switch_nodes[row]].sw;

	for (size_t lid = 1; lid < tables->stride; lid++) {
		uint8_t held = lft_held(sw, (uint16_t)lid);

		if (held != ROUTE_NONE && held != tables->lft[row * tables->stride + lid] &&
		    !has_entry(patch, patch->n, (uint16_t)lid, row))
			return false;
	}

	return true;
}

static bool are_held_who_came(const struct sm *sm, const struct route_job *job,
			      const bool *were_away, const struct patch *patch)
{
	for (uint32_t s = 0; were_away && s < job->graph.n_switches; s++)
		if (were_away[s] && !graph_is_away(&job->graph, s) &&
		    !holds_nothing_else(sm, job, s, patch))
			return false;

	return true;
}

/* -- the whole ----------------------------------------------------------------------------------
 */

static void note_patch(struct sm *sm, const struct route_job *job, const struct patch *patch)
{
	struct routing *routing = &sm->routing;

	memset(routing->patched_blocks, 0, sizeof(routing->patched_blocks));
	for (uint32_t i = 0; i < patch->n; i++) {
		const struct patch_entry *entry = &patch->entry[i];
		unsigned block = entry->lid / LFT_BLOCK;

		sm->fabric.nodes[job->switch_nodes[entry->row]].rerouted = sm->sweeps;
		routing->patched_blocks[block / 64] |= UINT64_C(1) << block % 64;
	}
}

/* Of ends, and of vports, also of those that have gone. */
static uint16_t highest_lid(const struct routing *routing, uint16_t of_graph)
{
	uint16_t lid = LID_UNICAST_LAST;

	while (lid > of_graph && routing->copied[lid] == 0)
		lid--;

	return lid;
}

/* The tables are those of the job's graph now. */
static void take_tables(struct sm *sm, const struct route_job *job, const struct patch *patch)
{
	struct routing *routing = &sm->routing;

	routing->signature = job->signature;
	routing->turns_are_old = true;
	routing->n_again++;
	routing->max_lid = highest_lid(routing, job->graph.max_lid);
	note_patch(sm, job, patch);
	sm->changed = true;
	event_add(sm->events, EVENT_ROUTES, 0, 0, -1,
		  "routes by %s, proven again: %u entries change", routing->result.engine->name,
		  patch->n);
}

static int renew_turns(struct routing *routing, const struct graph *graph)
{
	AUTO(turns_clear) struct turns turns = { 0 };
	struct proof proof;
	int r = proof_check(graph, &routing->tables, &proof, &turns);

	if (r < 0 || !proof_holds(&proof))
		return r;
	turns_clear(&routing->turns);
	routing->turns = (struct turns){ TAKE(turns.bits), turns.words };
	routing->turns_are_old = false;

	return 0;
}

/* What nobody does any more is no reason to withdraw a LID, by which blocks are written twice. */
static int plan_way(struct sm *sm, const struct route_job *job, const struct patch *patch,
		    struct transition *ret)
{
	struct routing *routing = &sm->routing;
	bool lanes = lanes_in_use(sm) > 1;
	int r = transition_plan_again(&job->graph, &routing->tables, patch,
				      lanes ? NULL : &routing->turns, ret);

	if (r < 0 || lanes || ret->n_withdrawn == 0 || !routing->turns_are_old)
		return r;
	transition_clear(ret);
	r = renew_turns(routing, &job->graph);

	return r < 0 ? r
		     : transition_plan_again(&job->graph, &routing->tables, patch, &routing->turns,
					     ret);
}

/* From what switches hold, which is as planned but for @patch. 1 or -ENOMEM. */
static int take_way(struct sm *sm, const struct route_job *job, const struct patch *patch)
{
	struct routing *routing = &sm->routing;
	AUTO(transition_clear) struct transition transition = { 0 };
	int r = plan_way(sm, job, patch, &transition);

	if (r < 0)
		return r;
	routes_say_order(&transition);
	routing->withdrawn = TAKE(transition.withdrawn);
	routing->rounds = transition.rounds;
	transition.rounds = (struct rounds){ .of = NULL };
	routes_take_rows(sm, job);

	return 1;
}

int routes_follow_vports(struct sm *sm, const struct route_job *job, struct patch *patch)
{
	if (!sm->complete || !has_same_rows(sm, job))
		return 0;
	patch_sort(patch);
	if (job->away)
		patch_drop_rows(patch, job->away);
	if (!is_held(sm, job, patch))
		return 0;
	note_patch(sm, job, patch);

	return take_way(sm, job, patch);
}

int routes_again(struct sm *sm, const struct route_job *job)
{
	struct routing *routing = &sm->routing;
	AUTO(patch_clear) struct patch patch = { 0 };
	AUTO(freep) bool *were_away = NULL;
	int r;

	if (!sm->complete || !routing->tables.lft || !has_same_rows(sm, job))
		return 0;
	if (routing->past.away) {
		were_away = array_copy(routing->past.away, routing->n_rows, sizeof(*were_away));
		if (!were_away)
			return -ENOMEM;
	}
	r = route_again(job->engine, &job->graph, &routing->past, &routing->tables, &routing->turns,
			&patch);
	if (r <= 0)
		return r;
	patch_sort(&patch);
	/* Also at those who are away: when they come back, that is no change any more. */
	r = follow_all(sm, &job->graph, &patch);
	if (job->away)
		patch_drop_rows(&patch, job->away);
	patch_sort(&patch);
	take_tables(sm, job, &patch);
	if (r != 0 || !is_held(sm, job, &patch) || !are_held_who_came(sm, job, were_away, &patch))
		return MIN(r, 0);

	return take_way(sm, job, &patch);
}
