/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The plan: who gets which LID, and the graph from which routes are computed.
 *
 * LIDs. A GUID keeps the LID that it has: from the store, or, when this SM has just started, from
 * the fabric. Who has none gets one in tree order: switches by breadth from us, ports in order, and
 * all hosts of a switch in one block of 64, so that they do not straddle blocks; switches fill the
 * gaps. LIDs that lie close together in the tree then lie close together in every forwarding table.
 *
 * Routes. Switches are rows in the order of their GUIDs, so that the same fabric makes the same
 * graph whatever the order in which it was found. An adapter that has left is still an end of the
 * graph where it last hung: its LID leads to a port that is down, and when it comes back no table
 * changes. If the graph is the one that the tables are for, nothing is computed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/machine.h"

#define SHARP_DEVICE_ID 0xcf09 /* aggregation node in a Mellanox switch */

/* -- LIDs ---------------------------------------------------------------------------------------
 */

static bool takes_part(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);

	return node->present && node->reason == REASON_NONE && port->present && port->known &&
	       port->guid != 0 && port_is_end(f, number);
}

static uint8_t lmc_of(const struct sm *sm, uint32_t number)
{
	const struct node *node = node_of(&sm->fabric, number);

	if (node_is_switch(node) &&
	    !(sm->conf.lmc_esp0 && wire_get(node->sw->info, SWITCH_INFO_ENHANCED_PORT0)))
		return 0;

	return (uint8_t)sm->conf.lmc;
}

/*
 * A LID that the port already has is kept, if nobody else owns it. Only at the start and after
 * another master: later it is we who know, and a port that comes with another LID comes from
 * another subnet.
 */
static void adopt(struct sm *sm, uint32_t number)
{
	const struct port *port = &sm->fabric.ports[number];
	uint16_t held = port_held_lid(port);
	const struct identity *id = identity_find(sm->identities, port->guid);

	if (held == 0 || (id && id->lid == held && id->lmc == lmc_of(sm, number)))
		return;
	if (identity_claim(sm->identities, port->guid, held, lmc_of(sm, number)) == 0 && id)
		log_info("0x%016llx keeps LID %u, which the fabric knows it by",
			 (unsigned long long)port->guid, held);
}

static void drop_wrong_lmc(struct sm *sm, uint32_t number)
{
	uint64_t guid = sm->fabric.ports[number].guid;
	const struct identity *id = identity_find(sm->identities, guid);

	if (id && id->lmc != lmc_of(sm, number) &&
	    identity_claim(sm->identities, guid, id->lid, lmc_of(sm, number)) < 0)
		identity_forget(sm->identities, guid);
}

static bool needs_lid(const struct sm *sm, uint32_t number)
{
	return takes_part(&sm->fabric, number) &&
	       !identity_find(sm->identities, sm->fabric.ports[number].guid);
}

static void assign(struct sm *sm, uint32_t number)
{
	int r;

	if (!needs_lid(sm, number))
		return;
	r = identity_assign(sm->identities, sm->fabric.ports[number].guid, lmc_of(sm, number));
	if (r < 0)
		reason_set_port(sm, number,
				r == -ENOSPC ? REASON_OUT_OF_LIDS : REASON_OUT_OF_MEMORY);
}

/* Give the next @n waiting hosts of this switch LIDs from @lid on. Returns the port to go on from.
 */
static unsigned assign_run(struct sm *sm, const struct node *node, unsigned port, unsigned n,
			   uint16_t lid)
{
	for (; port <= node->n_ports && n > 0; port++) {
		uint32_t peer = sm->fabric.ports[port_at(node, port)].peer;

		if (peer == NO_PORT || node_is_switch(node_of(&sm->fabric, peer)) ||
		    !needs_lid(sm, peer))
			continue;
		identity_claim(sm->identities, sm->fabric.ports[peer].guid, lid,
			       (uint8_t)sm->conf.lmc);
		lid = (uint16_t)(lid + (1u << sm->conf.lmc));
		n--;
	}

	return port;
}

static unsigned count_waiting(const struct sm *sm, const struct node *node)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= node->n_ports; i++) {
		uint32_t peer = sm->fabric.ports[port_at(node, i)].peer;

		if (peer != NO_PORT && !node_is_switch(node_of(&sm->fabric, peer)) &&
		    needs_lid(sm, peer))
			n++;
	}

	return n;
}

static void assign_leaf(struct sm *sm, const struct node *node)
{
	unsigned waiting = count_waiting(sm, node);
	unsigned port = 1;

	while (waiting > 0) {
		unsigned n = MIN(waiting, (unsigned)LFT_BLOCK >> sm->conf.lmc);
		uint16_t lid = identity_find_run(sm->identities, n, (uint8_t)sm->conf.lmc);

		if (lid == 0)
			return; /* one by one, later */
		port = assign_run(sm, node, port, n, lid);
		waiting -= n;
	}
}

/* Nodes of switches by breadth from us, ports in order. */
static uint32_t order_switches(const struct sm *sm, uint32_t *ret, bool *seen)
{
	const struct fabric *f = &sm->fabric;
	uint32_t local = f->ports[f->local_port].node;
	uint32_t first = local, n = 0;

	if (!node_is_switch(&f->nodes[local])) {
		if (f->ports[f->local_port].peer == NO_PORT)
			return 0;
		first = f->ports[f->ports[f->local_port].peer].node;
		if (!node_is_switch(&f->nodes[first]))
			return 0;
	}
	ret[n++] = first;
	seen[first] = true;
	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = &f->nodes[ret[i]];

		for (unsigned p = 1; p <= node->n_ports; p++) {
			uint32_t peer = f->ports[port_at(node, p)].peer;
			uint32_t next = peer == NO_PORT ? NO_NODE : f->ports[peer].node;

			if (next == NO_NODE || seen[next] || !node_is_switch(&f->nodes[next]))
				continue;
			seen[next] = true;
			ret[n++] = next;
		}
	}

	return n;
}

static int assign_in_order(struct sm *sm)
{
	AUTO(freep) uint32_t *order = malloc((sm->fabric.n_nodes + 1) * sizeof(*order));
	AUTO(freep) bool *seen = calloc(sm->fabric.n_nodes + 1, sizeof(*seen));
	uint32_t n;

	if (!order || !seen)
		return -ENOMEM;
	n = order_switches(sm, order, seen);
	for (uint32_t i = 0; i < n; i++)
		assign_leaf(sm, &sm->fabric.nodes[order[i]]);
	for (uint32_t i = 0; i < n; i++)
		assign(sm, sm->fabric.nodes[order[i]].first_port);
	for (uint32_t i = 0; i < sm->fabric.n_ports; i++)
		assign(sm, i);

	return 0;
}

static void note_lid(struct sm *sm, uint32_t number)
{
	struct port *port = &sm->fabric.ports[number];
	const struct identity *id = port->guid ? identity_find(sm->identities, port->guid) : NULL;

	if (!id || !port_is_end(&sm->fabric, number))
		return;
	if (port->lid != id->lid || port->lmc != id->lmc)
		sm->changed = true;
	port->lid = id->lid;
	port->lmc = id->lmc;
	if (!node_of(&sm->fabric, number)->present)
		return;
	for (unsigned lid = id->lid; lid < id->lid + (1u << id->lmc); lid++)
		sm->fabric.by_lid[lid] = number;
}

static void keep_new(struct sm *sm)
{
	struct identity *id;

	for (uint32_t i = 0; (id = identity_at(sm->identities, i)); i++) {
		if (id->kept)
			continue;
		id->kept =
			keep_identity(sm->keeper, &(struct kept_identity){ .guid = id->guid,
									   .lid = id->lid,
									   .lmc = id->lmc }) == 0;
		sm->unkept = true;
	}
}

int plan_lids(struct sm *sm)
{
	struct fabric *f = &sm->fabric;
	bool missing = false;
	int r = 0;

	for (uint32_t i = 0; i < f->n_ports; i++) {
		if (!takes_part(f, i))
			continue;
		drop_wrong_lmc(sm, i);
		if (sm->adopting)
			adopt(sm, i);
		missing = missing || needs_lid(sm, i);
		memory_keep_mkey(sm, node_of(f, i));
	}
	if (missing)
		r = assign_in_order(sm);
	memset(f->by_lid, 0xff, (LID_UNICAST_LAST + 1) * sizeof(*f->by_lid));
	for (uint32_t i = 0; i < f->n_ports; i++)
		note_lid(sm, i);
	keep_new(sm);

	return r;
}

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
	uint32_t *switch_nodes;
	struct tables tables;
	const char *engine;
	struct route_result result;
	uint64_t signature;
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
	free(job->tables.lft);
	free(job);
}

static void free_jobp(struct route_job **job)
{
	free_job(*job);
}

static bool routes(const struct node *node)
{
	return node->present && node_is_switch(node) && node->reason == REASON_NONE;
}

static int by_guid(const void *a, const void *b, void *nodes)
{
	const struct node *n = nodes;
	uint64_t x = n[*(const uint32_t *)a].guid, y = n[*(const uint32_t *)b].guid;

	return x < y ? -1 : x > y;
}

static int number_switches(struct sm *sm, struct route_job *job)
{
	struct fabric *f = &sm->fabric;
	uint32_t n = 0;

	job->switch_nodes = malloc((f->n_nodes + 1) * sizeof(*job->switch_nodes));
	job->order = malloc((f->n_nodes + 1) * sizeof(*job->order));
	if (!job->switch_nodes || !job->order)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n_nodes; i++) {
		if (f->nodes[i].sw)
			f->nodes[i].sw->index = NO_SWITCH;
		if (f->nodes[i].guid != 0 && routes(&f->nodes[i]))
			job->switch_nodes[n++] = i;
	}
	qsort_r(job->switch_nodes, n, sizeof(*job->switch_nodes), by_guid, f->nodes);
	for (uint32_t i = 0; i < n; i++) {
		f->nodes[job->switch_nodes[i]].sw->index = i;
		job->order[i] = i;
	}
	job->graph.n_switches = n;

	return 0;
}

/* Can packets pass here, now or when we have brought it up? */
static bool carries(const struct port *port)
{
	return port->known && port_state(port) >= PORT_INITIALIZE &&
	       port->reason != REASON_SET_REFUSED;
}

/* Row of the switch at the far end of a cable that packets can take, or NO_SWITCH. */
static uint32_t far_switch(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];
	const struct node *far;

	if (port->peer == NO_PORT || !carries(port) || !carries(&f->ports[port->peer]) ||
	    f->ports[port->peer].node == port->node)
		return NO_SWITCH;
	far = node_of(f, port->peer);

	return node_is_switch(far) ? far->sw->index : NO_SWITCH;
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
			uint32_t to = far_switch(f, number);

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

/* The end port that hangs, or last hung, on each switch port; NO_PORT: none. */
static uint32_t *ends_by_switch_port(const struct fabric *f)
{
	uint32_t *ends = malloc((f->n_ports + 1) * sizeof(*ends));

	if (!ends)
		return NULL;
	memset(ends, 0xff, (f->n_ports + 1) * sizeof(*ends));
	for (uint32_t i = 0; i < f->n_ports; i++) {
		const struct port *port = &f->ports[i];

		if (!port->guid || !port->lid || port->home == NO_PORT || port->number == 0 ||
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
	AUTO(freep) uint32_t *ends = ends_by_switch_port(&sm->fabric);

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
			job->roots[job->graph.n_roots++] = sm->fabric.nodes[number].sw->index;
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
	int r = number_switches(sm, job);

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

/* -- the job ------------------------------------------------------------------------------------
 */

static void run_job(void *user)
{
	struct route_job *job = user;

	job->tables.stride = tables_stride(&job->graph);
	job->tables.lft = malloc(job->tables.stride * job->graph.n_switches);
	job->error = job->tables.lft
			     ? route_fabric(job->engine, &job->graph, &job->tables, &job->result)
			     : -ENOMEM;
}

static void say_failure(const struct sm *sm, const struct route_job *job)
{
	const struct proof *proof = &job->result.proof;

	if (job->error != -EPROTO)
		log_error("Cannot compute routes: %s", strerror(-job->error));
	else
		log_error("No engine finds routes that can be proven (%u missing, first LID %u; "
			  "%s; %s): "
			  "forwarding tables stay as they are",
			  proof->n_missing, proof->missing_lid,
			  proof->loop_free ? "no loop" : "a loop",
			  proof->deadlock_free ? "no deadlock" : "a credit loop");
	event_add(sm->events, EVENT_ROUTES, 0, 0, -1, "no proven routes");
}

static void say_result(const struct sm *sm, const struct route_result *result)
{
	const char *name = result->engine->name;
	const char *why = result->why ? result->why : "";

	log_info("Routes by %s, proven%s%s", name, *why ? ": " : "", why);
	event_add(sm->events, EVENT_ROUTES, 0, 0, -1, "routes by %s, proven%s%s", name,
		  *why ? ": " : "", why);
}

static void install(struct sm *sm, struct route_job *job)
{
	struct routing *routing = &sm->routing;

	free(routing->tables.lft);
	free(routing->switch_nodes);
	routing->tables = job->tables;
	routing->switch_nodes = TAKE(job->switch_nodes);
	routing->n_switches = job->graph.n_switches;
	routing->max_lid = job->graph.max_lid;
	routing->result = job->result;
	routing->signature = job->signature;
	routing->valid = true;
	job->tables.lft = NULL;
	sm->changed = true;
}

static void job_done(void *user)
{
	AUTO(free_jobp) struct route_job *job = user;
	struct sm *sm = job->sm;

	if (!sm)
		return; /* the subnet manager is gone */
	sm->routing.job = NULL;
	if (job->error < 0) {
		say_failure(sm, job);
		sm->routing.valid = false;
	} else {
		say_result(sm, &job->result);
		install(sm, job);
	}
	sm_advance(sm);
}

int plan_routes(struct sm *sm)
{
	AUTO(free_jobp) struct route_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	job->sm = sm;
	job->engine = conf_name_of(conf_engines, sm->conf.engine);
	r = make_graph(sm, job);
	if (r < 0)
		return r;
	if (sm->routing.valid && job->signature == sm->routing.signature)
		return 0;
	if (job->graph.n_switches == 0) {
		sm->routing.valid = false;
		sm->routing.n_switches = 0;
		return 0;
	}
	r = loop_job(sm->loop, run_job, job_done, job);
	if (r < 0)
		return r;
	sm->routing.job = TAKE(job);

	return 1;
}

void plan_done(struct sm *sm)
{
	/* A job that still runs frees itself. */
	if (sm->routing.job)
		sm->routing.job->sm = NULL;
	free(sm->routing.tables.lft);
	free(sm->routing.switch_nodes);
}
