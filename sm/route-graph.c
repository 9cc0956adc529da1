/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The graph from which routes are computed.
 *
 * Switches are rows in the order of their GUIDs, so that the same fabric makes the same graph
 * whatever the order in which it was found. An adapter that has left is still an end of the graph
 * where it last hung: its LID leads to a port that is down, and when it comes back no table
 * changes. A switch that has left keeps its row in the same way, as long as one of its cables ends
 * at ports that are down and have seen no other cable since: it is "away" (routing/engine.h). Such
 * cables, over others that are away, must lead to it from one that is there: else who comes and
 * goes with another GUID each time would be remembered in all tables for ever.
 *
 * Rows are numbered anew for each graph, and a switch gets to know its row together with the
 * tables that have it: until then it has that of the tables in use.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"
#include "sm/route-job.h"
#include "sm/vswitch.h"

static bool routes(const struct node *node)
{
	return node->present && node_is_switch(node) && node->reason == REASON_NONE &&
	       !node->too_small;
}

/* The other end of the cable that was last at switch port @number, if both ends are free. */
static uint32_t last_peer(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number], *far;

	if (port->peer != NO_PORT || port->home == NO_PORT || port_state(port) != PORT_DOWN)
		return NO_PORT;
	far = &f->ports[port->home];
	if (far->peer != NO_PORT || far->home != number || port_state(far) != PORT_DOWN ||
	    !node_is_switch(node_of(f, port->home)) || far->node == port->node)
		return NO_PORT;

	return port->home;
}

static bool may_be_away(const struct node *node)
{
	return node->guid != 0 && !node->present && node_is_switch(node) && !node->too_small;
}

static void add_switch(struct route_job *job, uint32_t node)
{
	if (job->rows[node] != NO_SWITCH)
		return;
	job->rows[node] = job->graph.n_switches;
	job->switch_nodes[job->graph.n_switches++] = node;
}

/* Ours, if it is a host, hangs on a switch even while that is away. */
static void add_own_switch(const struct fabric *f, struct route_job *job)
{
	uint32_t home = f->local_port == NO_PORT ? NO_PORT : f->ports[f->local_port].home;

	if (home != NO_PORT && may_be_away(node_of(f, home)))
		add_switch(job, f->ports[home].node);
}

/* Those who are there, and by the cables of these who is away, and so on. */
static void find_switches(const struct fabric *f, struct route_job *job)
{
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].guid != 0 && routes(&f->nodes[i]))
			add_switch(job, i);
	add_own_switch(f, job);
	for (uint32_t i = 0; i < job->graph.n_switches; i++) {
		const struct node *node = &f->nodes[job->switch_nodes[i]];

		for (unsigned p = 1; p <= node->n_ports; p++) {
			uint32_t far = last_peer(f, port_at(node, p));

			if (far != NO_PORT && may_be_away(node_of(f, far)))
				add_switch(job, f->ports[far].node);
		}
	}
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
	uint32_t n;

	job->n_nodes = f->n_nodes;
	job->switch_nodes = malloc(room * sizeof(*job->switch_nodes));
	job->rows = malloc(room * sizeof(*job->rows));
	job->order = malloc(room * sizeof(*job->order));
	if (!job->switch_nodes || !job->rows || !job->order)
		return -ENOMEM;
	memset(job->rows, 0xff, room * sizeof(*job->rows));
	find_switches(f, job);
	n = job->graph.n_switches;
	qsort_r(job->switch_nodes, n, sizeof(*job->switch_nodes), by_guid, f->nodes);
	for (uint32_t i = 0; i < n; i++) {
		job->rows[job->switch_nodes[i]] = i;
		job->order[i] = i;
	}

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

/* The same of the cable that would be there if nobody were away. */
static uint32_t whole_far_switch(const struct fabric *f, const struct route_job *job,
				 uint32_t number)
{
	uint32_t far = last_peer(f, number);

	if (far == NO_PORT || (node_of(f, number)->present && node_of(f, far)->present))
		return far_switch(f, job, number);

	return job->rows[f->ports[far].node];
}

typedef uint32_t far_end(const struct fabric *f, const struct route_job *job, uint32_t number);

/* The number of arcs that @find finds. */
static uint32_t list_arcs(const struct fabric *f, const struct route_job *job, far_end *find,
			  uint32_t *first, struct arc *arcs)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		const struct node *node = &f->nodes[job->switch_nodes[s]];

		first[s] = n;
		for (unsigned p = 1; p <= node->n_ports; p++) {
			const struct port *port = &f->ports[port_at(node, p)];
			uint32_t to = find(f, job, port_at(node, p));

			if (to == NO_SWITCH)
				continue;
			/* "home" is the last peer, and so the one that is there. */
			arcs[n++] = (struct arc){ .to = to,
						  .port = (uint8_t)p,
						  .to_port = f->ports[port->home].number };
		}
	}
	first[job->graph.n_switches] = n;

	return n;
}

static int add_arcs(struct sm *sm, struct route_job *job)
{
	const struct fabric *f = &sm->fabric;

	job->arc_first = malloc((job->graph.n_switches + 1) * sizeof(*job->arc_first));
	job->arcs = malloc((f->n_ports + 1) * sizeof(*job->arcs));
	if (!job->arc_first || !job->arcs)
		return -ENOMEM;
	job->graph.n_arcs = list_arcs(f, job, far_switch, job->arc_first, job->arcs);

	return 0;
}

static bool is_any_away(const struct fabric *f, const struct route_job *job)
{
	for (uint32_t s = 0; s < job->graph.n_switches; s++)
		if (!f->nodes[job->switch_nodes[s]].present)
			return true;

	return false;
}

static int add_away(struct sm *sm, struct route_job *job)
{
	const struct fabric *f = &sm->fabric;
	uint32_t n = job->graph.n_switches;

	if (!is_any_away(f, job))
		return 0;
	job->away = calloc(n, sizeof(*job->away));
	job->whole_first = malloc((n + 1) * sizeof(*job->whole_first));
	job->whole_arcs = malloc((f->n_ports + 1) * sizeof(*job->whole_arcs));
	if (!job->away || !job->whole_first || !job->whole_arcs)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++)
		job->away[s] = !f->nodes[job->switch_nodes[s]].present;
	job->whole = job->graph;
	job->whole.arc_first = job->whole_first;
	job->whole.arcs = job->whole_arcs;
	job->whole.n_arcs = list_arcs(f, job, whole_far_switch, job->whole_first, job->whole_arcs);
	job->graph.away = job->away;
	job->graph.whole = &job->whole;

	return 0;
}

/* The end port that hangs, or last hung, on each switch port; NO_PORT: none. */
static uint32_t *ends_by_switch_port(const struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	uint32_t *ends = malloc((f->n_ports + 1) * sizeof(*ends));

	if (!ends)
		return NULL;
	memset(ends, 0xff, (f->n_ports + 1) * sizeof(*ends));
	for (uint32_t i = fabric_next_end(f, 0); i != NO_PORT; i = fabric_next_end(f, i + 1)) {
		const struct port *port = &f->ports[i];

		if (!port->guid || port->home == NO_PORT || port->number == 0 ||
		    !lids_lead_to(sm, i))
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

/* Of whom nothing is known but a LID and a place. Devices have the numbers before. */
static void add_absent(const struct sm *sm, struct route_job *job, uint32_t s, uint32_t absent)
{
	const struct fabric *f = &sm->fabric;
	const struct absent *a = &sm->absents.all[absent];
	uint32_t leaf = job->switch_nodes[s];
	bool inside = a->exit == f->nodes[leaf].n_ports && vswitch_pf(f, leaf) != NO_PORT;

	add_end(job, (struct end){ .at = s,
				   .device = f->n_nodes + absent,
				   .lid = a->lid,
				   .port = a->exit,
				   .lmc = a->lmc,
				   .kind = inside ? END_AGGREGATION : END_HOST });
}

/* Who is absent, by the switch port where it was alone; NO_PORT: nobody. NULL without memory. */
static uint32_t *absents_by_switch_port(const struct sm *sm)
{
	uint32_t *absents = malloc((sm->fabric.n_ports + 1) * sizeof(*absents));

	if (!absents)
		return NULL;
	memset(absents, 0xff, (sm->fabric.n_ports + 1) * sizeof(*absents));
	for (uint32_t i = 0; i < sm->absents.n; i++) {
		const struct absent *a = &sm->absents.all[i];
		uint32_t exit = a->shares ? NO_PORT : absent_exit(sm, a);

		if (exit != NO_PORT && !lids_are_beyond(sm, a->lid, a->lmc))
			absents[exit] = i;
	}

	return absents;
}

/*
 * Behind a free port of a switch without adapters was a switch, and perhaps a host behind that: an
 * end there would make a leaf of a spine.
 */
static bool has_adapters(const struct node *node, const uint32_t *ends)
{
	for (unsigned p = 1; p <= node->n_ports; p++)
		if (ends[port_at(node, p)] != NO_PORT)
			return true;

	return false;
}

static void add_ends_of(struct sm *sm, struct route_job *job, uint32_t s, const uint32_t *ends,
			const uint32_t *absents)
{
	const struct fabric *f = &sm->fabric;
	const struct node *node = &f->nodes[job->switch_nodes[s]];
	const struct port *zero = &f->ports[node->first_port];
	bool is_leaf = has_adapters(node, ends);

	if (lids_lead_to(sm, node->first_port))
		add_end(job, (struct end){ .at = s,
					   .device = job->switch_nodes[s],
					   .lid = zero->lid,
					   .lmc = zero->lmc,
					   .kind = END_SWITCH });
	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t number = ends[port_at(node, p)];
		uint32_t absent = absents[port_at(node, p)];

		if (number == NO_PORT && absent != NO_PORT && is_leaf)
			add_absent(sm, job, s, absent);
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

/*
 * Ports where packets go out, to no end and to no switch of the graph: that may be for a moment.
 * Who is left out there for good is no end, but it sends.
 */
static void add_blind(const struct fabric *f, struct route_job *job, uint32_t s,
		      const uint32_t *ends)
{
	const struct node *node = &f->nodes[job->switch_nodes[s]];
	uint32_t a = job->arc_first[s];

	for (unsigned p = 1; p <= node->n_ports; p++) {
		const struct port *port = &f->ports[port_at(node, p)];
		bool has_arc = a < job->arc_first[s + 1] && job->arcs[a].port == p;

		a += has_arc;
		if (ends[port_at(node, p)] != NO_PORT || !port->known ||
		    port_state(port) < PORT_ARMED)
			continue;
		if (!has_arc)
			job->blind[(size_t)s * 4 + p / 64] |= UINT64_C(1) << p % 64;
		if (reason_is_lasting((enum reason)port->reason))
			job->strangers[s] = true;
	}
}

static int add_ends(struct sm *sm, struct route_job *job)
{
	AUTO(freep) uint32_t *ends = ends_by_switch_port(sm);
	AUTO(freep) uint32_t *absents = absents_by_switch_port(sm);

	job->ends = malloc((sm->fabric.n_ports + 1) * sizeof(*job->ends));
	job->strangers = calloc(job->graph.n_switches + (size_t)1, sizeof(*job->strangers));
	job->blind = calloc(job->graph.n_switches + (size_t)1, 4 * sizeof(*job->blind));
	if (!ends || !absents || !job->ends || !job->strangers || !job->blind)
		return -ENOMEM;
	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		add_ends_of(sm, job, s, ends, absents);
		add_blind(&sm->fabric, job, s, ends);
	}

	return 0;
}

/* Who has no multicast table to speak of has none whoever joins. Mostly there is nobody. */
static int add_mute(struct sm *sm, struct route_job *job)
{
	bool any = false;

	job->mute = calloc(job->graph.n_switches + (size_t)1, sizeof(*job->mute));
	if (!job->mute)
		return -ENOMEM;
	for (uint32_t s = 0; s < job->graph.n_switches; s++) {
		const struct node *node = &sm->fabric.nodes[job->switch_nodes[s]];

		job->mute[s] = node->present && !multicast_has_table(sm, node);
		any |= job->mute[s];
	}
	job->graph.mute = any ? job->mute : NULL;

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

		if (number != NO_NODE && job->rows[number] != NO_SWITCH)
			job->roots[job->graph.n_roots++] = job->rows[number];
	}

	return 0;
}

/*
 * Do all its cables lead to one other switch? What comes to it goes no further than to its own
 * hosts, as with the switch inside an adapter: on its cables nothing waits in a circle, whatever
 * lanes they have.
 */
static bool is_stub(const struct graph *graph, uint32_t s)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		if (graph->arcs[a].to != graph->arcs[graph->arc_first[s]].to)
			return false;

	return true;
}

/* What every cable between switches has, stubs aside, and the operator allows. */
static void add_lanes(const struct sm *sm, struct route_job *job)
{
	unsigned lanes = sm->conf.lanes;

	if (sm->conf.engine != CONF_ENGINE_AUTO && sm->conf.engine != CONF_ENGINE_LANES)
		lanes = 1;
	for (uint32_t s = 0; s < job->graph.n_switches && lanes > 1; s++) {
		const struct node *node = &sm->fabric.nodes[job->switch_nodes[s]];

		if (is_stub(&job->graph, s))
			continue;
		for (uint32_t a = job->arc_first[s]; a < job->arc_first[s + 1] && lanes > 1; a++)
			if (!is_stub(&job->graph, job->arcs[a].to))
				lanes = MIN(lanes, lanes_at(sm, port_at(node, job->arcs[a].port)));
	}
	job->graph.n_lanes = (uint8_t)lanes;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);

	return hash;
}

static uint64_t sign_arcs(uint64_t hash, const struct graph *graph)
{
	hash = mix(hash, graph->arc_first, (graph->n_switches + 1) * sizeof(*graph->arc_first));
	for (uint32_t i = 0; i < graph->n_arcs; i++) {
		const struct arc *a = &graph->arcs[i];
		uint32_t words[2] = { a->to, (uint32_t)a->port << 8 | a->to_port };

		hash = mix(hash, words, sizeof(words));
	}

	return hash;
}

/* FNV-1a over all that the engine sees. */
static uint64_t sign(const struct sm *sm, const struct route_job *job)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = mix(hash, job->engine, strlen(job->engine));
	hash = mix(hash, &job->graph.n_lanes, sizeof(job->graph.n_lanes));
	hash = mix(hash, job->roots, job->graph.n_roots * sizeof(*job->roots));
	hash = sign_arcs(hash, &job->graph);
	if (job->away) {
		hash = mix(hash, job->away, job->graph.n_switches * sizeof(*job->away));
		hash = sign_arcs(hash, &job->whole);
	}
	for (uint32_t i = 0; i < job->graph.n_ends; i++) {
		const struct end *e = &job->ends[i];
		uint32_t words[4] = { e->at, e->device, (uint32_t)e->lid << 16 | e->port,
				      (uint32_t)e->lmc << 8 | e->kind };

		hash = mix(hash, words, sizeof(words));
	}
	if (job->graph.mute)
		hash = mix(hash, job->mute, job->graph.n_switches * sizeof(*job->mute));
	hash = mix(hash, job->strangers, job->graph.n_switches * sizeof(*job->strangers));
	for (uint32_t i = 0; i < job->graph.n_switches; i++)
		hash = mix(hash, &sm->fabric.nodes[job->switch_nodes[i]].guid, sizeof(uint64_t));

	return hash;
}

int route_graph_make(struct sm *sm, struct route_job *job)
{
	int r = number_switches(&sm->fabric, job);

	job->engine = conf_name_of(conf_engines, sm->conf.engine);
	if (r == 0)
		r = add_arcs(sm, job);
	if (r == 0)
		r = add_ends(sm, job);
	if (r == 0)
		r = add_mute(sm, job);
	if (r == 0)
		r = add_roots(sm, job);
	job->graph.arc_first = job->arc_first;
	job->graph.arcs = job->arcs;
	if (r == 0)
		add_lanes(sm, job);
	job->graph.ends = job->ends;
	job->graph.order = job->order;
	job->graph.strangers = job->strangers;
	job->graph.blind = job->blind;
	job->graph.roots = job->graph.n_roots ? job->roots : NULL;
	if (r == 0)
		r = add_away(sm, job);
	if (r == 0)
		job->signature = sign(sm, job);

	return r;
}
