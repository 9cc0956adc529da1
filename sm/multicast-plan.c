/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Trees for groups: which switch is to copy what to which ports. There is one for each MLID, grown
 * by routing/trees.c over the same graph that unicast was routed on, for who is member of any of
 * the groups that have the MLID. A tree that comes out as it was costs nothing more.
 *
 * It is planned again who has got or lost a member, or has one that has moved; all of them are when
 * the graph is another, some switch can no longer take part, or partitions have changed. That is
 * done in pieces, between which others have a turn: ten thousand groups take a part of a second.
 * Joins that come together are planned together.
 *
 * A fabric without members costs nothing: no graph, no table, no request.
 *
 * Switches without a table, with one that is too small for the MLIDs in use, or that did not do as
 * they were told, take no part: trees go around them, and who hangs on them is not reached. So that
 * one switch with hardly any table does not have all others keep to its size, LEAST_TABLE is the
 * least that counts.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/multicast-inside.h"
#include "sm/route-job.h"

#define LEAST_TABLE 32u
#define PIECE       20000u           /* members at a time */
#define HOLD_OFF    (2 * LOOP_MSEC)  /* others may join as well */
#define HOLD_MOST   (20 * LOOP_MSEC) /* but the first waits no longer */
#define RETRY       (1 * LOOP_SEC)   /* without memory */

/* -- what is to be planned ----------------------------------------------------------------------
 */

static int make_room(struct multicast *m, uint32_t index)
{
	uint32_t n = MIN((index / MFT_BLOCK + 1) * MFT_BLOCK, MLIDS_MAX);
	struct mlid *mlids;

	if (index < m->n_mlids)
		return 0;
	mlids = reallocarray(m->mlids, n, sizeof(*mlids));
	if (!mlids)
		return -ENOMEM;
	for (uint32_t i = m->n_mlids; i < n; i++)
		mlids[i] = (struct mlid){ .settled = true };
	m->mlids = mlids;
	m->n_mlids = n;
	m->unread = true;

	return 0;
}

static void set_timer(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	uint64_t now = loop_now(sm->loop);

	if (!m->first_wish)
		m->first_wish = now;
	loop_timer_set(m->timer, m->short_of_memory ? now + RETRY
						    : MIN(now + HOLD_OFF,
							  MAX(m->first_wish + HOLD_MOST, now)));
}

static void mark_dirty(struct multicast *m, uint32_t index)
{
	if (m->mlids[index].dirty)
		return;
	m->mlids[index].dirty = true;
	m->n_dirty++;
	m->next_dirty = MIN(m->next_dirty, index);
}

void multicast_touch(struct sm *sm, uint16_t mlid)
{
	struct multicast *m = sm->multicast;

	if (make_room(m, mlid_index(mlid)) < 0) {
		m->short_of_memory = true;
		log_error("There is no memory for multicast LID 0x%04x", mlid);
		return;
	}
	/* Nothing of its block may have been in use, and so nothing of it have been read. */
	if (m->mlids[mlid_index(mlid)].planned.n == 0)
		m->unread = true;
	mark_dirty(m, mlid_index(mlid));
	set_timer(sm);
}

void multicast_touch_all(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	for (uint32_t i = 0; i < m->n_mlids; i++)
		if (m->book.by_mlid[i] || m->mlids[i].planned.n > 0)
			mark_dirty(m, i);
}

int multicast_note_changed(struct multicast *m, uint32_t index)
{
	int r = array_make_room(&m->changed, m->n_changed, &m->changed_room, 16,
				sizeof(*m->changed));

	if (r == 0)
		m->changed[m->n_changed++] = index;

	return r;
}

uint16_t mlid_ports(const struct tree *tree, uint32_t node, unsigned position)
{
	uint32_t first = TREE_EXIT(node, position * MFT_PORTS);
	uint32_t from = 0, past = tree->n;
	unsigned ports = 0;

	while (from < past) {
		uint32_t middle = from + (past - from) / 2;

		if (tree->exit[middle] < first)
			from = middle + 1;
		else
			past = middle;
	}
	for (; from < tree->n && tree->exit[from] < first + MFT_PORTS; from++)
		ports |= 1u << (tree->exit[from] - first);

	return (uint16_t)ports;
}

/* -- who takes part -----------------------------------------------------------------------------
 */

unsigned multicast_table_size(const struct node *node)
{
	unsigned cap = (unsigned)wire_get(node->sw->info, SWITCH_INFO_MULTICAST_CAP);

	return cap < LEAST_TABLE ? 0 : MIN(cap, MLIDS_MAX);
}

bool multicast_has_table(const struct sm *sm, const struct node *node)
{
	(void)sm;
	return node->present && node_is_switch(node) && multicast_table_size(node) > 0;
}

static unsigned largest_table(const struct sm *sm)
{
	unsigned largest = 0;

	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (multicast_has_table(sm, &sm->fabric.nodes[i]))
			largest = MAX(largest, multicast_table_size(&sm->fabric.nodes[i]));

	return largest;
}

/* MLIDs that members need a table for, as far as the largest goes. */
static unsigned size_needed(const struct sm *sm)
{
	const struct multicast *m = sm->multicast;
	unsigned n = m->n_mlids;

	while (n > 0 && !(m->book.by_mlid[n - 1] && m->book.by_mlid[n - 1]->n > 0))
		n--;

	return n > LEAST_TABLE ? MIN(n, largest_table(sm)) : n;
}

static bool takes_part(const struct sm *sm, const struct node *node, unsigned needed)
{
	return multicast_has_table(sm, node) && multicast_table_size(node) >= needed &&
	       node->sw->mft_fault.reason == REASON_NONE;
}

/* New MLIDs are such that all have room for them. */
unsigned multicast_limit(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	if (m->limit_found == sm->sweeps && m->limit)
		return m->limit;
	m->limit = MLIDS_MAX; /* two hosts and a cable need no table */
	m->limit_found = sm->sweeps;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];

		if (multicast_has_table(sm, node))
			m->limit = MIN(m->limit, multicast_table_size(node));
	}

	return m->limit;
}

/* -- the graph ----------------------------------------------------------------------------------
 */

static void drop_trees(struct multicast *m)
{
	trees_clear(&m->trees);
	free(TAKE(m->node_of_row));
	m->has_trees = false;
}

static bool is_current(const struct sm *sm)
{
	const struct multicast *m = sm->multicast;
	unsigned needed = size_needed(sm);

	if (!m->has_trees || m->signature != sm->routing.signature)
		return false;
	for (uint32_t i = 0; i < m->trees.n_switches; i++)
		if (m->trees.passes[i] !=
		    takes_part(sm, &sm->fabric.nodes[m->node_of_row[i]], needed))
			return false;

	return true;
}

static bool has_same_rows(const struct multicast *m, const struct route_job *job)
{
	return m->has_trees && m->trees.n_switches == job->graph.n_switches &&
	       !memcmp(m->node_of_row, job->switch_nodes,
		       job->graph.n_switches * sizeof(*job->switch_nodes));
}

static void free_jobp(struct route_job **job)
{
	route_job_free(*job);
}

static int make_trees(struct sm *sm, const struct route_job *job, struct trees *ret)
{
	uint32_t n = job->graph.n_switches;
	AUTO(freep) uint64_t *keys = calloc(n + (size_t)1, sizeof(*keys));
	AUTO(freep) bool *passes = calloc(n + (size_t)1, sizeof(*passes));
	const struct past *past = &sm->routing.past;
	unsigned needed = size_needed(sm);

	if (!keys || !passes)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = &sm->fabric.nodes[job->switch_nodes[i]];

		keys[i] = node->guid;
		passes[i] = takes_part(sm, node, needed);
	}

	return trees_make(&(struct trees_setup){ .graph = &job->graph,
						 .keys = keys,
						 .passes = passes,
						 .ranking = past_ranking(past),
						 .turns = &sm->routing.turns,
						 .up = lanes_planned_tree(sm, n) },
			  ret);
}

static void say_if_unproven(struct sm *sm, bool was_proven)
{
	if (trees_are_proven(&sm->multicast->trees) || !was_proven ||
	    sm->multicast->trees.n_hubs == 0)
		return;
	event_add(sm->events, EVENT_NO_ROUTES, 0, 0, -1,
		  "multicast and the routes of %s may wait for each other in a circle: with "
		  "routing.engine = \"updn\" they do not",
		  sm->routing.result.engine ? sm->routing.result.engine->name : "unicast");
}

/* 0; 1: they are others than before; -EAGAIN: a reconcile is to come; -ENOMEM. */
static int update_trees(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	AUTO(free_jobp) struct route_job *job = NULL;
	bool was_proven = !m->has_trees || trees_are_proven(&m->trees);
	struct trees trees;
	int r;

	if (is_current(sm))
		return 0;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->sm = sm;
	r = route_graph_make(sm, job);
	if (r < 0)
		return r;
	if (job->graph.n_switches > 0 && job->signature != sm->routing.signature)
		return -EAGAIN;
	r = make_trees(sm, job, &trees);
	if (r < 0) {
		trees_clear(&trees);
		return r;
	}
	m->recount = m->recount || (m->has_trees && !has_same_rows(m, job));
	drop_trees(m);
	m->trees = trees;
	m->node_of_row = TAKE(job->switch_nodes);
	m->signature = sm->routing.signature;
	m->has_trees = true;
	m->largest = largest_table(sm);
	say_if_unproven(sm, was_proven);

	return 1;
}

/* -- one tree -----------------------------------------------------------------------------------
 */

/* False: nothing is copied to or from it. */
static bool place_member(const struct sm *sm, const struct group *group,
			 const struct group_member *member, struct tree_member *ret)
{
	const struct multicast *m = sm->multicast;
	const struct fabric *f = &sm->fabric;
	struct endpoint e = endpoint_find(f, member->guid);
	uint32_t exit = e.port == NO_PORT ? NO_PORT : multicast_exit_of(f, e);
	uint32_t row;

	if (exit == NO_PORT || !multicast_has_key(sm, e, group->pkey))
		return false;
	row = node_of(f, exit)->sw->index;
	if (!multicast_is_in_trees(m, row, f->ports[exit].node))
		return false;
	*ret = (struct tree_member){ .at = row,
				     .port = f->ports[exit].number,
				     .receives = member->states & JOIN_RECEIVES };

	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct tree_member *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;

	return (int)x->port - y->port;
}

/* Members that are behind one port are one. */
static uint32_t join_places(struct tree_member *members, uint32_t n)
{
	uint32_t kept = 0;

	qsort(members, n, sizeof(*members), by_place);
	for (uint32_t i = 0; i < n; i++) {
		if (kept > 0 && by_place(&members[kept - 1], &members[i]) == 0)
			members[kept - 1].receives |= members[i].receives;
		else
			members[kept++] = members[i];
	}

	return kept;
}

static uint32_t count_members(const struct group *first)
{
	uint32_t n = 0;

	for (; first; first = first->next)
		n += first->n;

	return n;
}

/* From rows of the graph to nodes, which stay what they are. */
static void name_nodes(const struct multicast *m, struct tree *tree)
{
	for (uint32_t i = 0; i < tree->n; i++)
		tree->exit[i] = TREE_EXIT(m->node_of_row[TREE_EXIT_SWITCH(tree->exit[i])],
					  TREE_EXIT_PORT(tree->exit[i]));
	tree_sort(tree);
}

static int grow(struct sm *sm, uint32_t index, struct tree *ret)
{
	struct multicast *m = sm->multicast;
	const struct group *first = m->book.by_mlid ? m->book.by_mlid[index] : NULL;
	uint32_t n_all = count_members(first), n = 0;
	AUTO(freep) struct tree_member *members = NULL;
	int r;

	*ret = (struct tree){ 0 };
	if (n_all < 2 || index >= m->largest)
		return 0;
	members = malloc(n_all * sizeof(*members));
	if (!members)
		return -ENOMEM;
	for (const struct group *group = first; group; group = group->next)
		for (uint32_t i = 0; i < group->n; i++)
			n += place_member(sm, group, &group->members[i], &members[n]);
	n = join_places(members, n);
	r = trees_grow(&m->trees, index, members, n, ret);
	if (r == 0)
		name_nodes(m, ret);

	return r;
}

static bool is_same(const struct tree *a, const struct tree *b)
{
	return a->n == b->n &&
	       (a->n == 0 || memcmp(a->exit, b->exit, a->n * sizeof(*a->exit)) == 0);
}

static int plan(struct sm *sm, uint32_t index)
{
	struct multicast *m = sm->multicast;
	struct mlid *mlid = &m->mlids[index];
	struct tree tree;
	int r = grow(sm, index, &tree);

	if (r < 0)
		return r;
	if (is_same(&tree, &mlid->planned)) {
		free(tree.exit);
		return 0;
	}
	if (mlid->settled) {
		r = multicast_note_changed(m, index);
		if (r < 0) {
			free(tree.exit);
			return r;
		}
		mlid->held = mlid->planned;
		mlid->settled = false;
	} else {
		free(mlid->planned.exit);
	}
	mlid->planned = tree;

	return 0;
}

/* 1: there is more. */
static int plan_piece(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	uint32_t n = 0;

	for (; m->next_dirty < m->n_mlids && n < PIECE; m->next_dirty++) {
		struct mlid *mlid = &m->mlids[m->next_dirty];
		int r;

		if (!mlid->dirty)
			continue;
		r = plan(sm, m->next_dirty);
		if (r < 0)
			return r;
		mlid->dirty = false;
		m->n_dirty--;
		n += 1 + count_members(m->book.by_mlid ? m->book.by_mlid[m->next_dirty] : NULL);
	}

	return m->n_dirty > 0;
}

/* -- the whole ----------------------------------------------------------------------------------
 */

/* Tables of unicast are in use, and it is not just being found out what is there. */
static bool is_time(const struct sm *sm)
{
	bool planned = sm->phase >= PHASE_PROGRAM || (sm->phase == PHASE_REST && !sm->adopting);

	return sm->state == SM_MASTER && planned && sm->routing.valid && !sm->stopping;
}

static bool is_of_use(const struct multicast *m)
{
	return m->book.n_members > 0 || m->n_dirty > 0 || m->has_trees;
}

static void failed(struct sm *sm)
{
	if (!sm->multicast->short_of_memory)
		log_error("There is no memory for the trees of multicast groups");
	sm->multicast->short_of_memory = true;
	set_timer(sm);
}

/* 0: something is under way, or nothing is to be done. */
static int begin(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	int r = update_trees(sm);

	if (r == -EAGAIN)
		return 0;
	if (r > 0) {
		multicast_touch_all(sm);
		m->unread = true; /* of who was away, too */
	}
	multicast_tell_switches(sm, r > 0);
	if (r < 0 || multicast_start_read(sm))
		return MIN(r, 0);
	if (m->recount)
		r = multicast_count_held(sm);
	if (r >= 0)
		r = plan_piece(sm);
	if (r > 0)
		loop_timer_set(m->timer, loop_now(sm->loop));
	else if (r == 0)
		multicast_start_writing(sm);

	return MIN(r, 0);
}

void multicast_begin(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	if (!is_time(sm) || !is_of_use(m))
		return;
	multicast_look_for_members(sm);
	if (m->stage != MULTICAST_IDLE)
		return;
	m->first_wish = 0;
	m->short_of_memory = false;
	if (begin(sm) < 0)
		failed(sm);
}

static void on_time(void *user)
{
	struct sm *sm = user;

	multicast_begin(sm);
	sm_advance(sm);
	requests_pump(sm->requests);
}

int multicast_plan_init(struct sm *sm)
{
	return loop_timer_new(sm->loop, on_time, sm, &sm->multicast->timer);
}

void multicast_plan_done(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	loop_timer_free(m->timer);
	drop_trees(m);
	for (uint32_t i = 0; i < m->n_mlids; i++) {
		free(m->mlids[i].planned.exit);
		free(m->mlids[i].held.exit);
	}
	free(m->mlids);
	free(m->changed);
}
