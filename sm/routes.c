/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The graph from which routes are computed, and the job that computes them.
 *
 * Switches are rows in the order of their GUIDs, so that the same fabric makes the same graph
 * whatever the order in which it was found. An adapter that has left is still an end of the graph
 * where it last hung: its LID leads to a port that is down, and when it comes back no table
 * changes. If the graph is the one that the tables are for, nothing is computed.
 *
 * Tables are not changed at one moment, so the job also finds out what has to be withdrawn before
 * the new ones may be written, and in which rounds (routing/transition.c): from a copy of what
 * switches hold, if they hold anything. That is needed even if the graph is as before, when
 * somebody else has written, or a vport has moved.
 *
 * Rows are numbered anew for each graph, and a switch gets to know its row together with the
 * tables that have it: until then it has that of the tables in use.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

/* -- graph --------------------------------------------------------------------------------------
 */

struct route_job {
	struct sm *sm;
	struct graph graph;
	uint32_t *arc_first;
	struct arc *arcs;
	struct end *ends;
	uint32_t *order;
	uint32_t *roots;
	uint32_t *switch_nodes; /* row: node */
	uint32_t *rows;         /* node: row, or NO_SWITCH */
	uint32_t n_nodes;
	struct column *columns; /* of vports */
	uint32_t n_columns;
	uint16_t max_lid; /* vports included */
	struct tables tables;
	struct tables held; /* lft NULL: nothing that stands in the way of any tables */
	struct turns turns;
	struct transition transition;
	const char *engine;
	struct route_result result;
	uint64_t signature;
	bool again; /* the tables are a copy of those in use; but switches hold others */
	int error;
};

static void free_job(struct route_job *job)
{
	if (!job)
		return;
	free(job->arc_first);
	free(job->arcs);
	free(job->ends);
	free(job->order);
	free(job->roots);
	free(job->switch_nodes);
	free(job->rows);
	free(job->columns);
	free(job->tables.lft);
	free(job->held.lft);
	turns_clear(&job->turns);
	transition_clear(&job->transition);
	free(job);
}

static void free_jobp(struct route_job **job)
{
	free_job(*job);
}

static bool routes(const struct node *node)
{
	return node->present && node_is_switch(node) && node->reason == REASON_NONE &&
	       !node->too_small;
}

static int by_guid(const void *a, const void *b, void *nodes)
{
	const struct node *n = nodes;
	uint64_t x = n[*(const uint32_t *)a].guid, y = n[*(const uint32_t *)b].guid;

	return x < y ? -1 : x > y;
}

static int number_switches(const struct fabric *f, struct route_job *job)
{
	size_t room = f->n_nodes + 1;
	uint32_t n = 0;

	job->n_nodes = f->n_nodes;
	job->switch_nodes = malloc(room * sizeof(*job->switch_nodes));
	job->rows = malloc(room * sizeof(*job->rows));
	job->order = malloc(room * sizeof(*job->order));
	if (!job->switch_nodes || !job->rows || !job->order)
		return -ENOMEM;
	memset(job->rows, 0xff, room * sizeof(*job->rows));
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].guid != 0 && routes(&f->nodes[i]))
			job->switch_nodes[n++] = i;
	qsort_r(job->switch_nodes, n, sizeof(*job->switch_nodes), by_guid, f->nodes);
	for (uint32_t i = 0; i < n; i++) {
		job->rows[job->switch_nodes[i]] = i;
		job->order[i] = i;
	}
	job->graph.n_switches = n;

	return 0;
}

/* Can packets pass here, now or when we have brought it up? */
static bool carries(const struct port *port)
{
	return port->known && port_state(port) >= PORT_INITIALIZE &&
	       (port_state(port) == PORT_ACTIVE || port->reason != REASON_SET_REFUSED);
}

/* Row of the switch at the far end of a cable that packets can take, or NO_SWITCH. */
static uint32_t far_switch(const struct fabric *f, const struct route_job *job, uint32_t number)
{
	const struct port *port = &f->ports[number];

	if (port->peer == NO_PORT || !carries(port) || !carries(&f->ports[port->peer]) ||
	    f->ports[port->peer].node == port->node)
		return NO_SWITCH;

	return job->rows[f->ports[port->peer].node];
}

static int add_arcs(struct sm *sm, struct route_job *job)
{
	const struct fabric *f = &sm->fabric;
	uint32_t n = 0;

	job->arc_first = malloc((job->graph.n_switches + 1) * sizeof(*job->arc_first));
	job->arcs = malloc((f->n_ports + 1) * sizeof(*job->arcs));
	if (!job->arc_first || !job->arcs)
		return -ENOMEM;
	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		const struct node *node = &f->nodes[job->switch_nodes[s]];

		job->arc_first[s] = n;
		for (unsigned p = 1; p <= node->n_ports; p++) {
			uint32_t number = port_at(node, p);
			uint32_t to = far_switch(f, job, number);

			if (to == NO_SWITCH)
				continue;
			job->arcs[n++] =
				(struct arc){ .to = to,
					      .port = (uint8_t)p,
					      .to_port = f->ports[f->ports[number].peer].number };
		}
	}
	job->arc_first[job->graph.n_switches] = n;
	job->graph.n_arcs = n;

	return 0;
}

/* While it was away a vport came with its GUID, which is elsewhere, and so is the LID. */
static bool is_succeeded(const struct fabric *f, uint32_t number)
{
	uint32_t owner = f->by_lid[f->ports[number].lid];

	return owner != NO_PORT && owner != number;
}

/* The end port that hangs, or last hung, on each switch port; NO_PORT: none. */
static uint32_t *ends_by_switch_port(const struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	uint32_t *ends = malloc((f->n_ports + 1) * sizeof(*ends));

	if (!ends)
		return NULL;
	memset(ends, 0xff, (f->n_ports + 1) * sizeof(*ends));
	for (uint32_t i = 0; i < f->n_ports; i++) {
		const struct port *port = &f->ports[i];

		if (!port->guid || !port->lid || lids_are_beyond(sm, port->lid, port->lmc) ||
		    is_succeeded(f, i) || port->home == NO_PORT || port->number == 0 ||
		    node_is_switch(node_of(f, i)))
			continue;
		if (port->peer != NO_PORT || f->ports[port->home].peer == NO_PORT)
			ends[port->home] = i;
	}

	return ends;
}

static uint8_t kind_of_end(const struct fabric *f, const struct node *at, uint32_t number)
{
	const struct node *node = node_of(f, number);
	bool inside = node->system_guid == at->system_guid &&
		      f->ports[f->ports[number].home].number == at->n_ports;

	if (node->type == NODE_TYPE_ROUTER)
		return END_ROUTER;

	return inside || node->device_id == SHARP_DEVICE_ID ? END_AGGREGATION : END_HOST;
}

static void add_end(struct route_job *job, struct end end)
{
	uint16_t last = (uint16_t)(end.lid + (1u << end.lmc) - 1);

	if (last > job->graph.max_lid)
		job->graph.max_lid = last;
	job->ends[job->graph.n_ends++] = end;
}

static void add_ends_of(struct sm *sm, struct route_job *job, uint32_t s, const uint32_t *ends)
{
	const struct fabric *f = &sm->fabric;
	const struct node *node = &f->nodes[job->switch_nodes[s]];
	const struct port *zero = &f->ports[node->first_port];

	if (zero->lid)
		add_end(job, (struct end){ .at = s,
					   .device = job->switch_nodes[s],
					   .lid = zero->lid,
					   .lmc = zero->lmc,
					   .kind = END_SWITCH });
	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t number = ends[port_at(node, p)];

		if (number == NO_PORT)
			continue;
		add_end(job, (struct end){ .at = s,
					   .device = f->ports[number].node,
					   .lid = f->ports[number].lid,
					   .port = (uint8_t)p,
					   .lmc = f->ports[number].lmc,
					   .kind = kind_of_end(f, node, number) });
	}
}

static int add_ends(struct sm *sm, struct route_job *job)
{
	AUTO(freep) uint32_t *ends = ends_by_switch_port(sm);

	job->ends = malloc((sm->fabric.n_ports + 1) * sizeof(*job->ends));
	if (!ends || !job->ends)
		return -ENOMEM;
	for (uint32_t s = 0; s < job->graph.n_switches; s++)
		add_ends_of(sm, job, s, ends);

	return 0;
}

static int add_roots(struct sm *sm, struct route_job *job)
{
	const struct conf_guids *guids = &sm->conf.root_guids;

	job->roots = malloc((guids->n + 1) * sizeof(*job->roots));
	if (!job->roots)
		return -ENOMEM;
	for (size_t i = 0; i < guids->n; i++) {
		uint32_t number = fabric_find_node(&sm->fabric, guids->guid[i]);

		if (number != NO_NODE && routes(&sm->fabric.nodes[number]))
			job->roots[job->graph.n_roots++] = job->rows[number];
	}

	return 0;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);

	return hash;
}

/* FNV-1a over all that the engine sees. */
static uint64_t sign(const struct sm *sm, const struct route_job *job)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = mix(hash, job->engine, strlen(job->engine));
	hash = mix(hash, job->roots, job->graph.n_roots * sizeof(*job->roots));
	hash = mix(hash, job->arc_first, (job->graph.n_switches + 1) * sizeof(*job->arc_first));
	for (uint32_t i = 0; i < job->graph.n_arcs; i++) {
		const struct arc *a = &job->arcs[i];
		uint32_t words[2] = { a->to, (uint32_t)a->port << 8 | a->to_port };

		hash = mix(hash, words, sizeof(words));
	}
	for (uint32_t i = 0; i < job->graph.n_ends; i++) {
		const struct end *e = &job->ends[i];
		uint32_t words[4] = { e->at, e->device, (uint32_t)e->lid << 16 | e->port,
				      (uint32_t)e->lmc << 8 | e->kind };

		hash = mix(hash, words, sizeof(words));
	}
	for (uint32_t i = 0; i < job->graph.n_switches; i++)
		hash = mix(hash, &sm->fabric.nodes[job->switch_nodes[i]].guid, sizeof(uint64_t));

	return hash;
}

static int make_graph(struct sm *sm, struct route_job *job)
{
	int r = number_switches(&sm->fabric, job);

	if (r == 0)
		r = add_arcs(sm, job);
	if (r == 0)
		r = add_ends(sm, job);
	if (r == 0)
		r = add_roots(sm, job);
	job->graph.arc_first = job->arc_first;
	job->graph.arcs = job->arcs;
	job->graph.ends = job->ends;
	job->graph.order = job->order;
	job->graph.roots = job->graph.n_roots ? job->roots : NULL;
	if (r == 0)
		job->signature = sign(sm, job);

	return r;
}

/* -- vports -------------------------------------------------------------------------------------
 */

static int widen(struct tables *tables, uint32_t n_rows, size_t stride)
{
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
 * exit.
 * @row: of the leaf, or NO_SWITCH.
 */
static int copy_column(struct tables *tables, uint32_t n_rows, uint32_t row,
		       const struct column *column)
{
	size_t stride = ((size_t)column->to + LFT_BLOCK) / LFT_BLOCK * LFT_BLOCK;
	const uint8_t *leaf = tables->lft + row * tables->stride;
	bool led = row < n_rows && leaf[column->own] == column->exit &&
		   leaf[column->from] != ROUTE_NONE;
	uint16_t from = led ? column->from : column->own;

	if (widen(tables, n_rows, stride) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_rows; i++)
		tables->lft[i * tables->stride + column->to] =
			tables->lft[i * tables->stride + from];
	if (led)
		tables->lft[row * tables->stride + column->to] = column->exit;

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

int routes_add_vports(struct sm *sm)
{
	struct routing *routing = &sm->routing;
	struct columns columns = { .rows = NULL };
	struct column column;
	int r = 0;

	while (r == 0 && routing->tables.lft && columns_next(sm, &columns, &column)) {
		if (MAX(column.from, column.own) >= routing->tables.stride ||
		    is_copied(sm, &column))
			continue;
		r = copy_column(&routing->tables, routing->n_rows, row_of(sm, &column), &column);
		routing->copied[column.to] = column.from;
		routing->max_lid = MAX(routing->max_lid, column.to);
		sm->new_columns = true;
	}
	columns_done(&columns);

	return r;
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

/* Only of those whose port is in the graph. */
static int add_columns(struct route_job *job)
{
	uint32_t n = 0;

	job->max_lid = job->graph.max_lid;
	for (uint32_t i = 0; i < job->n_columns; i++) {
		struct column column = job->columns[i];
		uint32_t row = column.leaf == NO_NODE ? NO_SWITCH : job->rows[column.leaf];

		if (MAX(column.from, column.own) > job->graph.max_lid)
			continue;
		if (copy_column(&job->tables, job->graph.n_switches, row, &column) < 0)
			return -ENOMEM;
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
	r = route_fabric(job->engine, &job->graph, &job->tables, &job->result, &job->turns, NULL);

	return r < 0 ? r : add_columns(job);
}

static int compute(struct route_job *job)
{
	int r = job->again ? 0 : compute_routes(job);

	if (r < 0 || !job->held.lft)
		return r;

	return transition_plan(&job->graph, &job->held, &job->tables, &job->turns,
			       &job->transition);
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

static void say_result(const struct sm *sm, const struct route_job *job)
{
	const char *why = job->result.why ? job->result.why : "";

	if (job->transition.n_ordered)
		log_info("Of %" PRIu32 " LIDs whose routes change %" PRIu32 " are written outward, "
			 "in %u rounds",
			 job->transition.n_changed, job->transition.n_ordered,
			 job->transition.rounds.last + 1u);
	if (job->transition.n_withdrawn)
		log_info("Of %" PRIu32 " LIDs whose routes change %" PRIu32 " are withdrawn first",
			 job->transition.n_changed, job->transition.n_withdrawn);
	if (job->again)
		return;
	event_add(sm->events, EVENT_ROUTES, 0, 0, -1, "routes by %s, proven%s%s",
		  job->result.engine->name, *why ? ": " : "", why);
}

static void take_rows(struct sm *sm, const struct route_job *job)
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
	take_rows(sm, job);
	if (job->again)
		return;
	sm->local = false; /* other tables are for all */
	free(routing->tables.lft);
	turns_clear(&routing->turns);
	routing->turns = (struct turns){ TAKE(job->turns.bits), job->turns.words };
	routing->tables = (struct tables){ TAKE(job->tables.lft), job->tables.stride };
	routing->n_rows = job->graph.n_switches;
	routing->max_lid = job->max_lid;
	memset(routing->copied, 0, sizeof(routing->copied));
	for (uint32_t i = 0; i < job->n_columns; i++)
		routing->copied[job->columns[i].to] = job->columns[i].from;
	routing->result = job->result;
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
		take_rows(sm, job);
		return true;
	}
	if (routing->tables.lft && job->signature == routing->signature) {
		job->again = withdraw_is_due(sm, job->switch_nodes, job->graph.n_switches);
		if (!job->again)
			take_rows(sm, job);
		return !job->again;
	}

	return routing->refused && job->signature == routing->refused;
}

int routes_plan(struct sm *sm)
{
	AUTO(free_jobp) struct route_job *job = calloc(1, sizeof(*job));
	int r;

	sm->routing.valid = false;
	free(TAKE(sm->routing.withdrawn));
	rounds_clear(&sm->routing.rounds);
	if (!job)
		return -ENOMEM;
	job->sm = sm;
	job->engine = conf_name_of(conf_engines, sm->conf.engine);
	r = make_graph(sm, job);
	if (r == 0 && job->signature == sm->routing.signature)
		r = routes_add_vports(sm);
	if (r < 0 || is_settled(sm, job))
		return r;
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
}
