/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The verbs of stories. Every verb notes what it does, and when, so that a failure can be told as
 * the story that it is; the seed alone replays it, as nothing here looks at the clock or at
 * addresses.
 *
 * "At rest" is not "long enough has passed": after whatever happened last, a sweep must have begun
 * and ended. A link that comes up by itself, after training, also counts as something that
 * happened.
 */

#include "tests/scenario/scenario.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "conf/conf.h"
#include "conf/partitions.h"
#include "tests/sim/check.h"
#include "tests/sim/faults.h"
#include "tests/sim/link.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"
#include "tests/unit/loop-virtual.h"

/* ---- telling --------------------------------------------------------------------------------- */

static double seconds_of(const struct scenario *s)
{
	return (double)(loop_now(s->loop) - LOOP_VIRTUAL_START) / (double)LOOP_SEC;
}

static void add_line(struct scenario *s, struct scenario_lines *lines, const char *text)
{
	char **place = &lines->line[lines->n++ % SCENARIO_LINES];

	free(*place);
	if (asprintf(place, "%12.6f  %s", seconds_of(s), text) < 0)
		abort();
	if (getenv("VSM_SCENARIO_LOG"))
		fprintf(stderr, "# %s\n", *place);
}

static void print_lines(const char *title, const struct scenario_lines *lines)
{
	uint64_t first = lines->n > SCENARIO_LINES ? lines->n - SCENARIO_LINES : 0;

	fprintf(stderr, "# %s%s\n", title, first ? " (the last of them)" : "");
	for (uint64_t i = first; i < lines->n; i++)
		fprintf(stderr, "# %s\n", lines->line[i % SCENARIO_LINES]);
}

static void free_lines(struct scenario_lines *lines)
{
	for (unsigned i = 0; i < SCENARIO_LINES; i++)
		free(lines->line[i]);
	*lines = (struct scenario_lines){ .n = 0 };
}

void scenario_forget_lines(struct scenario *s)
{
	free_lines(&s->events);
	free_lines(&s->log);
}

static void on_log(enum log_level level, const struct log_where *where, const char *text,
		   void *user)
{
	struct scenario *s = user;
	char line[600];

	if (level > LOG_LEVEL_INFO)
		return;
	if (where && where->guid)
		snprintf(line, sizeof(line), "0x%016" PRIx64 " port %d: %s", where->guid,
			 where->port, text);
	else
		snprintf(line, sizeof(line), "%s", text);
	add_line(s, &s->log, line);
}

/* As their devices have them. */
static void print_vports(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_vport_pfs; i++) {
		const struct sim_vports *vports = s->vport_pfs[i]->vports;

		fprintf(stderr, "# %s%s, LID %u, state %u%s\n", vports->port->node->name,
			vports->enabled ? "" : ", virtualization off", sim_lid(vports->port),
			sim_state(vports->port), vports->changed ? ", changed" : "");
		for (unsigned vf = 0; vf < vports->count; vf++) {
			const struct sim_vport *v = &vports->vports[vf];

			fprintf(stderr,
				"#   vport %u: 0x%016" PRIx64 "%s, LID %u%s, state %u, P_Keys", vf,
				v->guid, v->started ? "" : ", stopped", v->lid,
				v->lid_required ? "" : " and needs none", v->state);
			for (unsigned k = 0; k < sim_pkey_cap(vports->port); k++)
				if (sim_vf_pkey(vports->port, vf, k))
					fprintf(stderr, " %u:%04x", k,
						sim_vf_pkey(vports->port, vf, k));
			fprintf(stderr, "\n");
		}
	}
}

static void print_sets(const struct scenario_sm *m)
{
	char text[200];

	if (!m->sm)
		return;
	fprintf(stderr, "# The last that was set from %s, backwards:\n", m->port->node->name);
	for (unsigned n = 0; transport_sim_last_set(m->transport, n, text); n++)
		fprintf(stderr, "# %s\n", text);
}

void scenario_fail(struct scenario *s, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_lines("What the subnet manager said:", &s->log);
	print_sets(&s->first);
	print_sets(&s->rival);
	print_vports(s);
	scenario_print_shared(s);
	print_lines("What happened:", &s->events);
	fprintf(stderr, "# %12.6f  %s\n# Again: VSM_SCENARIO_SEED=%" PRIu64 "\n", seconds_of(s),
		text, s->seed);
	fail_msg("%s (VSM_SCENARIO_SEED=%" PRIu64 ")", text, s->seed);
	abort(); /* fail_msg() does not return */
}

static void must(struct scenario *s, bool fits, const char *what)
{
	if (!fits)
		scenario_fail(s, "the scenario itself: %s", what);
}

static void take_down(struct scenario_sm *m)
{
	sm_free(TAKE(m->sm));
	transport_free(TAKE(m->transport));
}

static void kill_it(struct scenario_sm *m)
{
	take_down(m);
	memory_keeper_kill(m->keeper);
}

void scenario_bury_rival(struct scenario *s)
{
	if (!s->rival.sm || !s->rival.port->node->off)
		return;
	add_line(s, &s->events, "the other one has gone with its machine");
	kill_it(&s->rival);
	s->changed = loop_now(s->loop);
}

void scenario_happens(struct scenario *s, const char *format, ...)
{
	char text[512];
	va_list arguments;

	scenario_bury_rival(s);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	add_line(s, &s->events, text);
	s->changed = loop_now(s->loop);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void on_state(void *user, struct sim_port *port, enum sim_state before)
{
	struct scenario *s = user;

	(void)before;
	if (sim_state(port) <= SIM_INIT)
		s->changed = loop_now(s->loop);
	if (port->node->off)
		scenario_forget_key_places(s, port->node);
}

static void on_routes(void *user, struct sim_node *node, bool before)
{
	(void)node;
	scenario_watch_write(user, before);
}

static void on_multicast(void *user, struct sim_node *node, bool before)
{
	(void)node;
	scenario_watch_multicast(user, before);
}

bool scenario_seed_of_environment(uint64_t *ret)
{
	const char *text = getenv("VSM_SCENARIO_SEED");

	if (text)
		*ret = strtoull(text, NULL, 0);
	return text;
}

static void init_sm(struct scenario *s, struct scenario_sm *m)
{
	m->scenario = s;
	conf_init_defaults(&m->conf);
	m->conf.lanes = 1; /* unless somebody wants more, see scenario_allow_lanes() */
	must(s, memory_keeper_new(s->loop, &m->keeper) == 0, "no memory");
}

void scenario_allow_lanes(struct scenario *s, unsigned n)
{
	s->first.conf.lanes = s->rival.conf.lanes = n;
}

struct scenario *scenario_new(uint64_t seed)
{
	struct scenario *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->seed = seed;
	scenario_seed_of_environment(&s->seed);
	xoshiro_seed(&s->random, s->seed);
	assert_int_equal(loop_virtual_new(s->seed, &s->loop), 0);
	assert_int_equal(sim_fabric_new(s->loop, s->seed, &s->fabric), 0);
	s->fabric->on_state = on_state;
	s->fabric->on_state_user = s;
	s->fabric->on_routes = on_routes;
	s->fabric->on_multicast = on_multicast;
	s->fabric->on_routes_user = s;
	init_sm(s, &s->first);
	init_sm(s, &s->rival);
	log_set_sink(on_log, s);
	log_set_level(LOG_LEVEL_INFO);
	return s;
}

void scenario_forget_lids(struct scenario *s)
{
	guid_map_done(&s->lids);
	s->lids = (struct guid_map){ 0 };
}

void scenario_free(struct scenario *s)
{
	if (!s)
		return;
	take_down(&s->first);
	take_down(&s->rival);
	memory_keeper_free(s->first.keeper);
	memory_keeper_free(s->rival.keeper);
	sim_snapshot_free(s->before);
	sim_fabric_free(s->fabric);
	loop_virtual_free(s->loop);
	log_set_sink(NULL, NULL);
	guid_map_done(&s->lids);
	free(s->switches);
	free(s->hosts);
	free(s->links);
	free(s->pfs);
	free(s->vport_pfs);
	free(s->vport_guids);
	free(s->shared_pfs);
	free(s->shared_guids);
	free(s->key_places);
	free_lines(&s->events);
	free_lines(&s->log);
	free(s);
}

int scenario_set_up(void **state)
{
	*state = scenario_new(1);
	return 0;
}

int scenario_set_up_lanes(void **state)
{
	scenario_set_up(state);
	scenario_allow_lanes(*state, 8);
	return 0;
}

int scenario_set_up_running(void **state)
{
	struct scenario *s = scenario_new(1);

	scenario_build(s, graph_make_ft2(4));
	scenario_start_sm(s);
	scenario_settle(s);
	*state = s;
	return 0;
}

int scenario_tear_down(void **state)
{
	scenario_free(*state);
	return 0;
}

/* ---- building -------------------------------------------------------------------------------- */

static struct sim_node *make_node(struct scenario *s, enum sim_type type, unsigned n_ports,
				  const char *letter, uint32_t n)
{
	char name[32];
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	snprintf(name, sizeof(name), "%s%" PRIu32, letter, n);
	must(s, sim_node_new(s->fabric, &spec, &node) == 0, "a node cannot be made");
	return node;
}

static void connect(struct scenario *s, struct sim_port *a, struct sim_port *b)
{
	must(s, sim_cable(a, b) == 0, "two cables at one port");
	s->links = reallocarray(s->links, s->n_links + 1, sizeof(s->links[0]));
	must(s, s->links, "no memory");
	s->links[s->n_links++] = a;
}

static unsigned ports_of_switch(const struct graph *g, uint32_t n)
{
	unsigned most = 1;

	for (uint32_t i = g->arc_first[n]; i < g->arc_first[n + 1]; i++)
		most = MAX(most, g->arcs[i].port);
	for (uint32_t i = 0; i < g->n_ends; i++)
		if (g->ends[i].at == n)
			most = MAX(most, g->ends[i].port);
	return most;
}

static void build_switches(struct scenario *s, const struct graph *g)
{
	s->switches = calloc(g->n_switches, sizeof(struct sim_node *));
	must(s, s->switches, "no memory");
	s->n_switches = g->n_switches;
	for (uint32_t n = 0; n < g->n_switches; n++)
		s->switches[n] = make_node(s, SIM_SWITCH, ports_of_switch(g, n), "S", n);
	for (uint32_t n = 0; n < g->n_switches; n++) {
		for (uint32_t i = g->arc_first[n]; i < g->arc_first[n + 1]; i++) {
			const struct arc *arc = &g->arcs[i];

			if (n < arc->to)
				connect(s, &s->switches[n]->ports[arc->port],
					&s->switches[arc->to]->ports[arc->to_port]);
		}
	}
}

static unsigned ports_of_device(const struct graph *g, uint32_t device)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < g->n_ends; i++)
		n += g->ends[i].kind != END_SWITCH && g->ends[i].device == device;
	return n;
}

static uint32_t count_devices(const struct graph *g)
{
	uint32_t n = 1;

	for (uint32_t i = 0; i < g->n_ends; i++)
		if (g->ends[i].kind != END_SWITCH)
			n = MAX(n, g->ends[i].device + 1);
	return n;
}

/* The ends of one device are its ports, in the order of the graph. */
static void build_hosts(struct scenario *s, const struct graph *g)
{
	uint32_t n_devices = count_devices(g);
	uint32_t *node_of = calloc(n_devices, sizeof(*node_of)); /* by device; 0: none yet, n + 1 */
	unsigned *used = calloc(n_devices, sizeof(*used));

	s->hosts = calloc(g->n_ends, sizeof(struct sim_node *));
	must(s, node_of && used && s->hosts, "no memory");
	for (uint32_t i = 0; i < g->n_ends; i++) {
		const struct end *end = &g->ends[i];

		if (end->kind == END_SWITCH)
			continue;
		if (!node_of[end->device]) {
			enum sim_type type = end->kind == END_ROUTER ? SIM_ROUTER : SIM_CA;

			s->hosts[s->n_hosts] = make_node(s, type, ports_of_device(g, end->device),
							 "H", s->n_hosts);
			node_of[end->device] = ++s->n_hosts;
		}
		connect(s, &s->switches[end->at]->ports[end->port],
			&s->hosts[node_of[end->device] - 1]->ports[++used[end->device]]);
	}
	free(node_of);
	free(used);
}

void scenario_build(struct scenario *s, struct made_graph *graph)
{
	const struct graph *g = graph_of(graph);

	build_switches(s, g);
	build_hosts(s, g);
	graph_free(graph);
	s->first.port = scenario_host(s, 0);
	s->rival.port = scenario_host(s, s->n_hosts - 1);
	scenario_happens(s, "there are %" PRIu32 " switches and %" PRIu32 " hosts", s->n_switches,
			 s->n_hosts);
}

/* ---- the subnet manager ---------------------------------------------------------------------- */

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct scenario_sm *m = user;

	must(m->scenario, !why, "the port is gone");
	if (m->sm)
		sm_receive(m->sm, arrivals, n);
}

static void on_settled(void *user)
{
	struct scenario_sm *m = user;
	uint32_t sweep = sm_fabric(m->sm)->sweep;

	m->settled++;
	if (sweep == m->sweep)
		return; /* it looked at what it was told of, and at nothing else */
	m->sweep = sweep;
	m->swept = scenario_status(m).sweep_started;
}

static void on_event(void *user, const struct event *event)
{
	struct scenario_sm *m = user;

	m->n_events[event->kind]++;
	if (event->kind == EVENT_STATE)
		scenario_note_masters(m->scenario);
}

uint64_t scenario_own_guid(const struct sim_port *port)
{
	return scenario_is_twin(port->node) ? port->node->faults->own->guids[port->number]
					    : port->guid;
}

static bool are_hosts_named(const struct scenario *s)
{
	return s->vports_outside || (!s->closed && s->vports_limited);
}

/* In the grammar of opensm all are limited members of it at least. */
static void default_partition(const struct scenario *s, FILE *out)
{
	fprintf(out, "Default=0x7fff, ipoib :\n");
	for (unsigned i = 1; i <= s->n_given_groups; i++)
		fprintf(out, "mgid=ff12:401b:ffff::1:%x\n", i);
	fprintf(out, "ALL=%s, SELF=full", s->closed || are_hosts_named(s) ? "limited" : "full");
	for (uint32_t i = 0; are_hosts_named(s) && i < s->n_hosts; i++)
		for (unsigned p = 1; p <= s->hosts[i]->n_ports; p++)
			fprintf(out, ", 0x%" PRIx64 "=%s",
				scenario_own_guid(&s->hosts[i]->ports[p]),
				s->closed ? "limited" : "full");
	fprintf(out, " ;\n");
}

/* Members by GUID, in opensm's grammar. */
static char *partitions_text(const struct scenario *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	default_partition(s, out);
	for (unsigned i = 0; i < s->n_members; i++) {
		const struct scenario_member *m = &s->members[i];

		if (m->added)
			continue;
		fprintf(out, "p%x=0x%x : 0x%" PRIx64 "=%s ;\n", m->pkey, m->pkey, m->guid,
			m->full ? "full" : "limited");
	}
	fclose(out);
	return text;
}

/* What is said of all in the default partition is only said of switches. Others go by GUID. */
static void leave_vports_outside(struct partitions *partitions)
{
	struct partition_member *member = partitions->members;

	while (member->kind != PARTITION_ALL)
		member++;
	member->kind = PARTITION_SWITCHES;
}

static struct partitions *make_partitions(struct scenario *s)
{
	struct partition_options options = { .allow_both = false };
	struct partitions *partitions = NULL;
	struct conf_error error = { .line = 0 };
	char *text = partitions_text(s);

	must(s, text, "no memory");
	if (partitions_parse(text, strlen(text), "scenario", &options, &partitions, &error) < 0)
		scenario_fail(s, "the scenario itself: %s", error.text);
	free(text);
	if (s->vports_outside)
		leave_vports_outside(partitions);
	return partitions;
}

static void start(struct scenario *s, struct scenario_sm *m)
{
	static const struct sm_listener listener = { .settled = on_settled, .event = on_event };
	struct sm_setup setup = { .loop = s->loop,
				  .keeper = memory_keeper_keeper(m->keeper),
				  .conf = &m->conf,
				  .listener = &listener,
				  .user = m };

	must(s, !m->sm && m->port, "it runs already, or has no port");
	must(s, transport_sim_open(m->port, &m->transport) == 0, "no transport");
	m->sweep = 0;
	m->starts++;
	m->transport->fn = on_arrival;
	m->transport->user = m;
	transport_sim_watch(m->transport, s->sent, s->sent_user);
	setup.transport = m->transport;
	setup.partitions = make_partitions(s);
	must(s, sm_new(&setup, &m->sm) == 0, "no memory for a subnet manager");
	sm_start(m->sm);
}

void scenario_start_sm(struct scenario *s)
{
	scenario_happens(s, "the subnet manager starts on %s", s->first.port->node->name);
	start(s, &s->first);
}

static void stop(struct scenario *s, struct scenario_sm *m)
{
	uint64_t limit = loop_now(s->loop) + 60 * LOOP_SEC;

	must(s, m->sm, "it does not run");
	sm_stop(m->sm);
	while (!sm_is_idle(m->sm) && loop_now(s->loop) < limit)
		loop_virtual_run_for(s->loop, 10 * LOOP_MSEC);
	if (!sm_is_idle(m->sm))
		scenario_fail(s, "the subnet manager does not come to an end");
	take_down(m);
	memory_keeper_flush(m->keeper);
}

void scenario_stop_sm(struct scenario *s)
{
	scenario_happens(s, "the subnet manager stops");
	stop(s, &s->first);
}

void scenario_stop_rival(struct scenario *s)
{
	scenario_happens(s, "the other one stops");
	stop(s, &s->rival);
}

void scenario_kill_sm(struct scenario *s)
{
	scenario_happens(s, "the subnet manager is killed");
	kill_it(&s->first);
}

void scenario_start_rival(struct scenario *s, struct sim_port *port, unsigned priority)
{
	scenario_happens(s, "another one starts on %s, priority %u", port->node->name, priority);
	s->rival.port = port;
	s->rival.conf.priority = priority;
	start(s, &s->rival);
}

void scenario_kill_rival(struct scenario *s)
{
	scenario_happens(s, "the other one is killed");
	kill_it(&s->rival);
}

/* ---- cables and power ------------------------------------------------------------------------ */

static void note_link(struct scenario *s, const struct sim_port *port, const char *what)
{
	const struct sim_port *far = port->far;

	scenario_happens(s, "the cable from %s port %u to %s port %u is %s", port->node->name,
			 port->number, far ? far->node->name : "nobody", far ? far->number : 0,
			 what);
}

void scenario_pull(struct scenario *s, struct sim_port *port)
{
	note_link(s, port, "pulled");
	sim_cable_pull(port);
}

void scenario_plug(struct scenario *s, struct sim_port *port)
{
	note_link(s, port, "put back");
	sim_cable_plug(port);
}

void scenario_power_off(struct scenario *s, struct sim_node *node)
{
	must(s, !s->first.sm || s->first.port->node != node, "the subnet manager runs there");
	scenario_happens(s, "%s goes off", node->name);
	scenario_power_vfs(node, false);
	scenario_forget_key_places(s, node);
	sim_power(node, false);
}

void scenario_power_on(struct scenario *s, struct sim_node *node)
{
	scenario_happens(s, "%s comes on", node->name);
	sim_power(node, true);
	scenario_power_vfs(node, true);
}

void scenario_reboot(struct scenario *s, struct sim_node *node)
{
	scenario_power_off(s, node);
	scenario_power_on(s, node);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* Whoever hears it knows afterwards what the device holds, or that nobody does. */
static bool is_honest(const char *line)
{
	static const char *const kinds[] = { "loss ",  "duplicate ", "delay ", "service ", "storm ",
					     "forge ", "silent ",    "mute ",  "tid ",     "die " };

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (!strncmp(line, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

void scenario_fault(struct scenario *s, const char *format, ...)
{
	char why[SIM_FAULT_WHY], line[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	scenario_happens(s, "fault: %s", line);
	s->lies = s->lies || !is_honest(line);
	s->lied = s->lied || s->lies;
	if (s->lied)
		scenario_forget_key_places(s, NULL);
	if (sim_fault_parse(s->fabric, line, why) < 0)
		scenario_fail(s, "the scenario itself: %s", why);
}

bool scenario_is_twin(const struct sim_node *node)
{
	return node->faults && node->faults->own;
}

/* No device changes its GUIDs while its link is up. */
static void restart_as(struct scenario *s, struct sim_node *node, const struct sim_node *other)
{
	bool on = !node->off;

	sim_power(node, false);
	scenario_forget_key_places(s, node);
	scenario_bury_rival(s); /* on one of its VFs */
	if (other)
		sim_fault_twin(node, other);
	else
		sim_fault_be_oneself(node);
	sim_power(node, on);
}

void scenario_twin(struct scenario *s, struct sim_node *node, const struct sim_node *other)
{
	scenario_happens(s, "%s restarts with the GUIDs of %s", node->name, other->name);
	restart_as(s, node, other);
}

void scenario_clear_faults(struct scenario *s)
{
	scenario_happens(s, "all faults are over");
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		if (scenario_is_twin(s->fabric->nodes[i]))
			restart_as(s, s->fabric->nodes[i], NULL);
	s->lies = false;
	sim_fault_clear(s->fabric);
}

/* ---- partitions ------------------------------------------------------------------------------ */

static struct scenario_member *join(struct scenario *s, uint64_t guid, uint16_t pkey, bool full)
{
	unsigned i = 0;

	while (i < s->n_members && (s->members[i].guid != guid || s->members[i].pkey != pkey))
		i++;
	must(s, i < SCENARIO_MEMBERS, "too many members");
	if (i == s->n_members)
		scenario_forget_key_place(s, guid, pkey);
	s->members[i] = (struct scenario_member){ guid, pkey, full, false };
	s->n_members = MAX(s->n_members, i + 1);

	return &s->members[i];
}

void scenario_join_guid(struct scenario *s, uint64_t guid, uint16_t pkey, bool full)
{
	scenario_happens(s, "0x%016" PRIx64 " becomes a %s member of %#x", guid,
			 full ? "full" : "limited", pkey);
	join(s, guid, pkey, full);
}

void scenario_join(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full)
{
	scenario_happens(s, "%s is 0x%016" PRIx64, port->node->name, port->guid);
	scenario_join_guid(s, port->guid, pkey, full);
}

void scenario_leave_all(struct scenario *s)
{
	scenario_happens(s, "nobody is member of anything");
	scenario_forget_key_places(s, NULL);
	s->n_members = 0;
}

void scenario_reconfigure(struct scenario *s, struct scenario_sm *m)
{
	if (m->sm)
		sm_reconfigure(m->sm, &m->conf, make_partitions(s));
}

void scenario_apply_partitions(struct scenario *s)
{
	scenario_happens(s, "partitions are read again");
	s->n_applied++;
	scenario_reconfigure(s, &s->first);
	scenario_reconfigure(s, &s->rival);
}

/* ---- at run time ----------------------------------------------------------------------------- */

static void note_answer(void *user, const struct sm_partition_result *result)
{
	struct sm_partition_result *note = user;

	if (note)
		*note = *result;
}

static void ask(struct scenario *s, uint64_t guid, uint16_t pkey, int full,
		struct sm_partition_result *result)
{
	struct sm_partition_change change = {
		.remove = full < 0,
		.pkey = pkey,
		.membership = full ? PARTITION_FULL : PARTITION_LIMITED,
		.guids = &guid,
		.n_guids = 1,
	};

	must(s, sm_change_partition(s->first.sm, &change, note_answer, result) == 0,
	     "a change is not taken");
}

static void ask_and_wait(struct scenario *s, uint64_t guid, uint16_t pkey, int full)
{
	struct sm_partition_result result = { .error = 1 };

	ask(s, guid, pkey, full, &result);
	while (result.error == 1)
		must(s, loop_virtual_step(s->loop), "a change is not answered");
	if (result.error)
		scenario_fail(s, "a change is refused: %s", result.why);
	s->changed = loop_now(s->loop);
}

void scenario_add_guid(struct scenario *s, uint64_t guid, uint16_t pkey, bool full)
{
	scenario_happens(s, "0x%016" PRIx64 " is added to %#x, %s", guid, pkey,
			 full ? "full" : "limited");
	join(s, guid, pkey, full)->added = true;
	ask_and_wait(s, guid, pkey, full);
}

void scenario_remove_guid(struct scenario *s, uint64_t guid, uint16_t pkey)
{
	unsigned n = 0;

	scenario_happens(s, "0x%016" PRIx64 " leaves %#x", guid, pkey);
	for (unsigned i = 0; i < s->n_members; i++)
		if (s->members[i].guid != guid || s->members[i].pkey != pkey)
			s->members[n++] = s->members[i];
	s->n_members = n;
	ask_and_wait(s, guid, pkey, -1);
}

void scenario_add(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full)
{
	scenario_add_guid(s, port->guid, pkey, full);
}

void scenario_remove(struct scenario *s, struct sim_port *port, uint16_t pkey)
{
	scenario_remove_guid(s, port->guid, pkey);
}

void scenario_ask_to_add(struct scenario *s, struct sim_port *port, uint16_t pkey, bool full)
{
	scenario_happens(s, "%s is asked to be in %#x", port->node->name, pkey);
	ask(s, port->guid, pkey, full, NULL);
}

/* ---- looking --------------------------------------------------------------------------------- */

struct sm_status scenario_status(const struct scenario_sm *m)
{
	struct sm_status status = { .state = SM_NOT_ACTIVE };

	if (m->sm)
		sm_status(m->sm, &status);
	return status;
}

uint64_t scenario_random(struct scenario *s, uint64_t below)
{
	return below ? xoshiro_next(&s->random) % below : 0;
}

struct sim_port *scenario_link(struct scenario *s, uint32_t n)
{
	return s->links[n % s->n_links];
}

struct sim_port *scenario_host(struct scenario *s, uint32_t n)
{
	return &s->hosts[n % s->n_hosts]->ports[1];
}

const char *scenario_reason(struct scenario *s, const struct sim_port *port)
{
	const struct scenario_sm *master = s->looked_at ? s->looked_at : scenario_master(s);
	const struct fabric *f = master ? sm_fabric(master->sm) : NULL;
	uint32_t node = f ? fabric_find_node(f, be64toh(port->node->info.node_guid)) : NO_NODE;

	if (node == NO_NODE || port->number > f->nodes[node].n_ports)
		return "unknown";
	return reason_key((enum reason)f->ports[port_at(&f->nodes[node], port->number)].reason);
}

const char *scenario_last_event(const struct scenario *s, enum event_kind kind)
{
	const struct event *event;
	const char *text = "";

	for (uint64_t n = 1; (event = event_from(sm_events(s->first.sm), n)); n = event->number + 1)
		if (event->kind == kind)
			text = event->text;

	return text;
}
