/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The job that computes routes, from the graph of the fabric (route-graph.c). If the graph is the
 * one that the tables are for, nothing is computed; if little has changed since, it is done at once
 * (routes-again.c); else on another thread.
 *
 * Tables are not changed at one moment, so the job also finds out what has to be withdrawn before
 * the new ones may be written, and in which rounds (routing/transition.c): from a copy of what
 * switches hold, if they hold anything. That is needed even if the graph is as before, when
 * somebody else has written, or a vport has moved.
 *
 * By which ways vports are reached may only be known when there are tables: after a restart, or
 * when the port whose ways they had has left. Then the same job is done once more, for the tables
 * as they are with those, before anything is written.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/route-job.h"

/* A change of more than that is looked at as a whole, on another thread. */
enum { FEW_ENTRIES = 65536 };

void route_job_free(struct route_job *job)
{
	if (!job)
		return;
	free(job->arc_first);
	free(job->arcs);
	free(job->ends);
	free(job->order);
	free(job->roots);
	free(job->strangers);
	free(job->mute);
	free(job->blind);
	free(job->whole_first);
	free(job->whole_arcs);
	free(job->away);
	free(job->switch_nodes);
	free(job->rows);
	free(job->columns);
	free(job->tables.lft);
	free(job->held.lft);
	turns_clear(&job->turns);
	past_clear(&job->past);
	transition_clear(&job->transition);
	lanes_clear(&job->result.lanes);
	free(job);
}

static void free_jobp(struct route_job **job)
{
	route_job_free(*job);
}

/* -- vports -------------------------------------------------------------------------------------
 */

/* So that they have room for @lid. */
static int widen(struct tables *tables, uint32_t n_rows, uint16_t lid)
{
	size_t stride = ((size_t)lid + LFT_BLOCK) / LFT_BLOCK * LFT_BLOCK;
	uint8_t *lft;

	if (stride <= tables->stride)
		return 0;
	lft = malloc(n_rows * stride);
	if (!lft)
		return -ENOMEM;
	memset(lft, ROUTE_NONE, n_rows * stride);
	for (uint32_t i = 0; i < n_rows; i++)
		memcpy(lft + i * stride, tables->lft + i * tables->stride, tables->stride);
	free(tables->lft);
	*tables = (struct tables){ lft, stride };

	return 0;
}

/*
 * Its ways are those of its port, or of a neighbour at the leaf, where it leaves by the port's
 * exit. Tables have room for it. @row: of the leaf, or NO_SWITCH. @patch: gets what changes; or
 * NULL, and then nothing fails.
 */
static int copy_column(struct tables *tables, uint32_t n_rows, uint32_t row,
		       const struct column *column, struct patch *patch)
{
	const uint8_t *leaf = tables->lft + row * tables->stride;
	bool led = row < n_rows && (!column->own || leaf[column->own] == column->exit) &&
		   leaf[column->from] != ROUTE_NONE;
	uint16_t from = led ? column->from : column->own;

	for (uint32_t i = 0; i < n_rows; i++) {
		uint8_t *to = tables->lft + i * tables->stride + column->to;
		uint8_t was = *to;

		*to = led && i == row ? column->exit : tables->lft[i * tables->stride + from];
		if (patch && *to != was && patch_add(patch, i, column->to, was) < 0)
			return -ENOMEM;
	}

	return 0;
}

/* In the tables in use. */
static uint32_t row_of(const struct sm *sm, const struct column *column)
{
	return column->leaf == NO_NODE ? NO_SWITCH : sm->fabric.nodes[column->leaf].sw->index;
}

static bool is_copied(const struct sm *sm, const struct column *column)
{
	const struct routing *routing = &sm->routing;
	uint32_t row = row_of(sm, column);

	return routing->copied[column->to] == column->from &&
	       (row == NO_SWITCH ||
		routing->tables.lft[row * routing->tables.stride + column->to] == column->exit);
}

/* For @lid, and at once for all others: a copy of all tables for each block would be many. */
static int widen_for_all(struct sm *sm, uint16_t lid)
{
	struct routing *routing = &sm->routing;
	struct columns columns = { .rows = NULL };
	struct column column;

	while (columns_next(sm, &columns, &column))
		lid = MAX(lid, column.to);
	columns_done(&columns);

	return widen(&routing->tables, routing->n_rows, lid);
}

/* @patch: of what changes; it stays empty if that is too much. It may be NULL. */
static int add_vports(struct sm *sm, struct patch *patch)
{
	struct routing *routing = &sm->routing;
	size_t stride = routing->tables.stride; /* ports have their LIDs below */
	struct patch *few = patch;
	struct columns columns = { .rows = NULL };
	struct column column;
	bool changed = false;
	int r = 0;

	while (r == 0 && routing->tables.lft && columns_next(sm, &columns, &column)) {
		if (MAX(column.from, column.own) >= stride || is_copied(sm, &column))
			continue;
		if (column.to >= routing->tables.stride)
			r = widen_for_all(sm, column.to);
		if (r == 0)
			r = copy_column(&routing->tables, routing->n_rows, row_of(sm, &column),
					&column, few);
		if (r < 0)
			break;
		if (few && few->n > FEW_ENTRIES) {
			few = NULL;
			patch->n = 0;
		}
		routing->copied[column.to] = column.from;
		routing->max_lid = MAX(routing->max_lid, column.to);
		changed = true;
	}
	columns_done(&columns);
	sm->new_columns = sm->new_columns || changed;

	return r < 0 ? r : changed;
}

int routes_add_vports(struct sm *sm)
{
	return add_vports(sm, NULL);
}

/* Those that the job is to add. */
static int list_columns(const struct sm *sm, struct route_job *job)
{
	struct columns columns = { .rows = NULL };
	struct column column;
	uint32_t n = 0;

	while (columns_next(sm, &columns, &column))
		n++;
	job->columns = malloc((n + 1) * sizeof(*job->columns));
	if (job->columns) {
		job->max_lid = job->graph.max_lid;
		columns = (struct columns){ .rows = columns.rows };
		while (columns_next(sm, &columns, &column)) {
			job->columns[job->n_columns++] = column;
			job->max_lid = MAX(job->max_lid, column.to);
		}
	}
	columns_done(&columns);

	return job->columns ? 0 : -ENOMEM;
}

/* Only of those whose port is in the graph. Tables are widened once, for all of them. */
static int add_columns(struct route_job *job)
{
	uint32_t n = 0;

	if (widen(&job->tables, job->graph.n_switches, job->max_lid) < 0)
		return -ENOMEM;
	job->max_lid = job->graph.max_lid;
	for (uint32_t i = 0; i < job->n_columns; i++) {
		struct column column = job->columns[i];
		uint32_t row = column.leaf == NO_NODE ? NO_SWITCH : job->rows[column.leaf];

		if (MAX(column.from, column.own) > job->graph.max_lid)
			continue;
		copy_column(&job->tables, job->graph.n_switches, row, &column, NULL);
		job->max_lid = MAX(job->max_lid, column.to);
		job->columns[n++] = column;
	}
	job->n_columns = n;

	return 0;
}

/* -- the job ------------------------------------------------------------------------------------
 */

static int copy_turns(const struct graph *graph, const struct turns *turns, struct turns *ret)
{
	size_t size = (graph->n_arcs + (size_t)1) * turns->words * sizeof(*turns->bits);

	ret->bits = malloc(size);
	if (!ret->bits)
		return -ENOMEM;
	memcpy(ret->bits, turns->bits, size);
	ret->words = turns->words;

	return 0;
}

/* Tables, and what was proven of them, need not be computed again. */
static int copy_plan(const struct routing *routing, struct route_job *job)
{
	size_t size = routing->tables.stride * job->graph.n_switches;

	job->max_lid = routing->max_lid;
	job->in_lanes = lanes_in_use(job->sm) > 1;
	job->tables = (struct tables){ malloc(size), routing->tables.stride };
	if (!job->tables.lft)
		return -ENOMEM;
	memcpy(job->tables.lft, routing->tables.lft, size);

	return copy_turns(&job->graph, &routing->turns, &job->turns);
}

static int compute_routes(struct route_job *job)
{
	int r;

	job->tables.stride = tables_stride(&job->graph);
	job->tables.lft = malloc(job->tables.stride * job->graph.n_switches);
	if (!job->tables.lft)
		return -ENOMEM;
	r = route_fabric(job->engine, &job->graph, &job->tables, &job->result, &job->turns,
			 &job->past);
	job->in_lanes = job->result.lanes.sl;

	return r < 0 ? r : add_columns(job);
}

/* Of switches that are away nothing is written. */
static void hold_away(const struct route_job *job)
{
	const struct tables *plan = &job->tables, *held = &job->held;

	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		if (!graph_is_away(&job->graph, s))
			continue;
		memset(held->lft + s * held->stride, ROUTE_NONE, held->stride);
		memcpy(held->lft + s * held->stride, plan->lft + s * plan->stride,
		       MIN(held->stride, plan->stride));
	}
}

static int compute(struct route_job *job)
{
	int r = job->again ? 0 : compute_routes(job);

	if (r < 0 || !job->held.lft)
		return r;
	hold_away(job);

	return transition_plan(&job->graph, &job->held, &job->tables,
			       job->in_lanes ? NULL : &job->turns, &job->transition);
}

static void run_job(void *user)
{
	struct route_job *job = user;

	job->error = compute(job);
}

static void say_failure(const struct sm *sm, const struct route_job *job)
{
	const struct proof *proof = &job->result.proof;

	if (job->error != -EPROTO)
		event_add(sm->events, EVENT_NO_ROUTES, 0, 0, -1, "cannot compute routes: %s",
			  strerror(-job->error));
	else
		event_add(sm->events, EVENT_NO_ROUTES, 0, 0, -1,
			  "no engine finds routes that can be proven (%u missing, first LID %u; "
			  "%s; %s): forwarding tables stay as they are",
			  proof->n_missing, proof->missing_lid,
			  proof->loop_free ? "no loop" : "a loop",
			  proof->deadlock_free ? "no deadlock" : "a credit loop");
}

void routes_say_order(const struct transition *transition)
{
	if (transition->n_ordered)
		log_info("Of %" PRIu32 " LIDs whose routes change %" PRIu32 " are written outward, "
			 "in %u rounds",
			 transition->n_changed, transition->n_ordered,
			 transition->rounds.last + 1u);
	if (transition->n_withdrawn)
		log_info("Of %" PRIu32 " LIDs whose routes change %" PRIu32 " are withdrawn first",
			 transition->n_changed, transition->n_withdrawn);
}

/* A slip in a GUID, or a switch that is away: the routes are then others than were asked for. */
static void say_missing_roots(const struct sm *sm, const struct route_job *job)
{
	size_t wanted = sm->conf.root_guids.n, missing = wanted - job->graph.n_roots;

	if (missing)
		log_warning("%zu of the %zu switches in routing.root_guids %s not there", missing,
			    wanted, missing == 1 ? "is" : "are");
}

static void say_result(const struct sm *sm, const struct route_job *job)
{
	const char *why = job->result.why ? job->result.why : "";
	char lanes[32] = "";

	routes_say_order(&job->transition);
	if (job->again)
		return;
	if (job->in_lanes)
		snprintf(lanes, sizeof(lanes), " on %u virtual lanes", job->result.lanes.n);
	event_add(sm->events, EVENT_ROUTES, 0, 0, -1, "routes by %s%s, proven%s%s",
		  job->result.engine->name, lanes, *why ? ": " : "", why);
	if (job->in_lanes && sm->conf.qos)
		log_warning("Service levels of paths are those of routes, which need %u lanes: "
			    "qos.policy_file and sl= of partitions say nothing of them",
			    job->result.lanes.n);
	say_missing_roots(sm, job);
}

void routes_take_rows(struct sm *sm, const struct route_job *job)
{
	for (uint32_t i = 0; i < job->n_nodes; i++)
		if (sm->fabric.nodes[i].sw)
			sm->fabric.nodes[i].sw->index = job->rows[i];
	sm->routing.valid = true;
	sm->routing.trouble = NULL;
	sm->routing.refused = 0;
}

static void install(struct sm *sm, struct route_job *job)
{
	struct routing *routing = &sm->routing;

	routing->withdrawn = TAKE(job->transition.withdrawn);
	routing->rounds = job->transition.rounds;
	job->transition.rounds = (struct rounds){ .of = NULL };
	routes_take_rows(sm, job);
	if (job->again)
		return;
	sm->local = false; /* other tables are for all */
	free(routing->tables.lft);
	turns_clear(&routing->turns);
	past_clear(&routing->past);
	routing->past = job->past;
	job->past = (struct past){ 0 };
	routing->turns = (struct turns){ TAKE(job->turns.bits), job->turns.words };
	routing->turns_are_old = false;
	routing->tables = (struct tables){ TAKE(job->tables.lft), job->tables.stride };
	routing->n_rows = job->graph.n_switches;
	routing->max_lid = job->max_lid;
	memset(routing->copied, 0, sizeof(routing->copied));
	for (uint32_t i = 0; i < job->n_columns; i++)
		routing->copied[job->columns[i].to] = job->columns[i].from;
	lanes_take_levels(sm, &(struct levels){ .lanes = job->result.lanes,
						.rows = job->in_lanes ? TAKE(job->rows) : NULL,
						.n_nodes = job->n_nodes,
						.n_there = job->graph.n_lanes });
	job->result.lanes = (struct lanes){ .sl = NULL };
	routing->result = job->result;
	routing->n_made++;
	routing->signature = job->signature;
	sm->changed = true;
}

void routes_fail(struct sm *sm, const char *trouble)
{
	sm->routing.valid = false;
	sm->routing.trouble = trouble;
	sm->changed = true;
}

static void job_failed(struct sm *sm, const struct route_job *job)
{
	say_failure(sm, job);
	if (job->error != -EPROTO) {
		routes_fail(sm, "Routes could not be computed: tables stay as they were.");
		sm_sweep_again(sm, false);
		return;
	}
	routes_fail(sm, "No routes were found that can be proven for the fabric as it is: tables "
			"stay as they were.");
	sm->routing.refused = job->signature;
}

static void job_done(void *user)
{
	AUTO(free_jobp) struct route_job *job = user;
	struct sm *sm = job->sm;

	if (!sm)
		return; /* the subnet manager is gone */
	sm->routing.job = NULL;
	if (job->error < 0) {
		job_failed(sm, job);
	} else {
		say_result(sm, job);
		install(sm, job);
	}
	sm_advance(sm);
}

/* Is there nothing to compute for this graph? */
static bool is_settled(struct sm *sm, struct route_job *job)
{
	struct routing *routing = &sm->routing;

	if (job->graph.n_switches == 0) {
		free(routing->tables.lft);
		routing->tables = (struct tables){ 0 };
		turns_clear(&routing->turns);
		past_clear(&routing->past);
		lanes_forget_levels(sm);
		routes_take_rows(sm, job);
		return true;
	}
	if (routing->tables.lft && job->signature == routing->signature) {
		job->again = withdraw_is_due(sm, job->switch_nodes, job->graph.n_switches);
		if (!job->again)
			routes_take_rows(sm, job);
		return !job->again;
	}

	return routing->refused && job->signature == routing->refused;
}

/* 1: there is so little to do that it is done. 0: not; or -ENOMEM. */
static int plan_at_once(struct sm *sm, const struct route_job *job)
{
	AUTO(patch_clear) struct patch patch = { 0 };
	struct routing *routing = &sm->routing;
	/* Nothing else has changed since switches got all that is planned. */
	bool for_vports = job->signature == routing->signature && !routing->twice;
	bool dropped = sm->new_columns; /* some lead nowhere now, and are in no patch */
	int r = 0;

	if (job->signature != routing->signature)
		r = routes_again(sm, job);
	if (r == 0 && job->signature == routing->signature)
		r = add_vports(sm, &patch);
	if (r > 0 && for_vports && patch.n > 0)
		r = routes_follow_vports(sm, job, &patch);
	if (r < 0)
		return r;
	routing->patched = routing->valid && !dropped;

	return routing->valid;
}

int routes_plan(struct sm *sm)
{
	AUTO(free_jobp) struct route_job *job = calloc(1, sizeof(*job));
	int r;

	sm->routing.valid = false;
	sm->routing.patched = false;
	free(TAKE(sm->routing.withdrawn));
	rounds_clear(&sm->routing.rounds);
	if (!job)
		return -ENOMEM;
	job->sm = sm;
	r = route_graph_make(sm, job);
	if (r == 0)
		r = plan_at_once(sm, job);
	if (r != 0)
		return MIN(r, 0);
	if (is_settled(sm, job))
		return 0;
	r = job->again ? copy_plan(&sm->routing, job) : list_columns(sm, job);
	if (r == 0)
		r = withdraw_copy_held(sm, job->switch_nodes, job->graph.n_switches, job->max_lid,
				       &job->held);
	if (r < 0)
		return r;
	r = loop_job(sm->loop, run_job, job_done, job);
	if (r < 0)
		return r;
	sm->routing.job = TAKE(job);

	return 1;
}

void routes_drop(struct sm *sm, uint16_t lid)
{
	struct routing *routing = &sm->routing;
	struct tables *tables = &routing->tables;

	if (routing->copied[lid] == 0 || !tables->lft)
		return;
	routing->copied[lid] = 0;
	sm->new_columns = true;
	for (uint32_t i = 0; lid < tables->stride && i < routing->n_rows; i++)
		tables->lft[i * tables->stride + lid] = ROUTE_NONE;
}

void routes_done(struct sm *sm)
{
	/* A job that still runs frees itself. */
	if (sm->routing.job)
		sm->routing.job->sm = NULL;
	free(sm->routing.tables.lft);
	free(sm->routing.withdrawn);
	rounds_clear(&sm->routing.rounds);
	turns_clear(&sm->routing.turns);
	past_clear(&sm->routing.past);
	lanes_forget_levels(sm);
}
