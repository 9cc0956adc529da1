/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What virtual ports cost in SMPs, on the simulated fabric in process and on virtual time:
 *
 *   bring-up   of fabrics without VFs, and of the same with as many as they may have
 *   starts     one VF that shares its port's LID, one that gets a LID, one that has had one before;
 *              and 10,000 at once
 *   moves      of a VF on a tree of 11,664 hosts and 1,620 switches: across pods, within one, and
 *              within a leaf
 *   reboots    of a host of that tree
 *
 * Of each: LFT blocks that were written, SMPs of the attributes that only vports have, all other
 * SMPs, and how long it took there, each agent taking 30 us for an SMP where so much is said. Then
 * CPU seconds and the most memory, both with the simulator's share, of a process of its own. And of
 * some more moves, the medians of what the subnet manager computes, by the clock of its thread: the
 * way of the tables, which is asked to take at most 2 ms, all of routes with it, most of which is
 * the graph, and all that is done between answers.
 *
 * Usage: bench-vports [--attributes] [part of a name]. The counts are asserted, and what is asked.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/route-job.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/faults.h"
#include "tests/sim/vf.h"
#include "tests/sim/vport.h"
#include "tests/unit/loop-virtual.h"

enum { KINDS = 64, MANY = 10000, MOVES = 10, PATIENCE = 120 /* seconds there */ };

#define ASKED_MS 2.0

#define SERVICE (30 * LOOP_USEC)
/* A device sends no two traps within a time that depends on SubnetTimeOut (IBA 13.4.9). */
#define TRAP_PAUSE (5 * LOOP_SEC)

static bool with_attributes;

/* ---- counting -------------------------------------------------------------------------------- */

struct counts {
	uint64_t lft;    /* Sets of forwarding tables */
	uint64_t vports; /* attributes 0xFFB0 to 0xFFB6 */
	uint64_t others;
};

/* In memory that the children share with their parent. */
struct row {
	bool done;
	struct counts counts;
	uint64_t took;   /* nanoseconds there until all that was to be Active was */
	uint64_t differ; /* moves: switches whose exit port differs; else of the fabric */
	double cpu;
	double way_ms, routes_ms, all_ms; /* moves: computed; else 0 */
	long kilobytes;
};

static struct row *rows;

static uint64_t all_of(const struct counts *c)
{
	return c->lft + c->vports + c->others;
}

static const struct requests *requests_of(const struct scenario *s)
{
	return sm_requests(s->first.sm);
}

static struct counts count(const struct scenario *s)
{
	struct request_counts c;
	struct counts ret = { 0 };
	uint16_t attr;
	uint8_t method;

	for (unsigned i = 0; requests_count(requests_of(s), i, &attr, &method, &c); i++) {
		if (attr == ATTR_LFT && method == METHOD_SET)
			ret.lft += c.sent;
		else if (attr >= ATTR_VIRTUALIZATION_INFO && attr <= ATTR_VPORT_PKEY_TABLE)
			ret.vports += c.sent;
		else
			ret.others += c.sent;
	}
	return ret;
}

static struct counts minus(struct counts a, struct counts b)
{
	return (struct counts){ a.lft - b.lft, a.vports - b.vports, a.others - b.others };
}

struct kind {
	uint16_t attr;
	uint8_t method;
	uint64_t sent;
};

struct kinds {
	struct kind kind[KINDS];
	unsigned n;
};

static struct kinds kinds_of(const struct scenario *s)
{
	struct request_counts c;
	struct kinds ret = { .n = 0 };
	struct kind kind;

	while (ret.n < KINDS &&
	       requests_count(requests_of(s), ret.n, &kind.attr, &kind.method, &c)) {
		kind.sent = c.sent;
		ret.kind[ret.n++] = kind;
	}
	return ret;
}

static uint64_t sent_of(const struct kinds *kinds, const struct kind *kind)
{
	for (unsigned i = 0; i < kinds->n; i++)
		if (kinds->kind[i].attr == kind->attr && kinds->kind[i].method == kind->method)
			return kinds->kind[i].sent;
	return 0;
}

static void print_kinds(const struct scenario *s, const struct kinds *before)
{
	struct kinds now = kinds_of(s);

	for (unsigned i = 0; i < now.n; i++) {
		const struct kind *kind = &now.kind[i];
		uint64_t sent = kind->sent - sent_of(before, kind);

		if (sent > 0)
			printf("    %s 0x%04x %8" PRIu64 "\n",
			       kind->method == METHOD_SET ? "Set" : "Get", kind->attr, sent);
	}
}

/* ---- what is computed ------------------------------------------------------------------------ */

/* Milliseconds of a move, so far. */
static struct {
	double way, routes, all;
} computed;

static double thread_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int __real_routes_follow_vports(struct sm *sm, const struct route_job *job, struct patch *patch);
int __wrap_routes_follow_vports(struct sm *sm, const struct route_job *job, struct patch *patch);

int __wrap_routes_follow_vports(struct sm *sm, const struct route_job *job, struct patch *patch)
{
	double began = thread_ms();
	int r = __real_routes_follow_vports(sm, job, patch);

	computed.way += thread_ms() - began;
	return r;
}

int __real_routes_plan(struct sm *sm);
int __wrap_routes_plan(struct sm *sm);

int __wrap_routes_plan(struct sm *sm)
{
	double began = thread_ms();
	int r = __real_routes_plan(sm);

	computed.routes += thread_ms() - began;
	return r;
}

void __real_sm_advance(struct sm *sm);
void __wrap_sm_advance(struct sm *sm);

void __wrap_sm_advance(struct sm *sm)
{
	double began = thread_ms();

	__real_sm_advance(sm);
	computed.all += thread_ms() - began;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double ms[static MOVES])
{
	qsort(ms, MOVES, sizeof(*ms), compare_doubles);
	return ms[MOVES / 2];
}

/* ---- measuring ------------------------------------------------------------------------------- */

struct measure {
	struct scenario *s;
	struct row *row;
	struct counts before;
	struct kinds kinds;
	uint64_t began;
	clock_t cpu;
};

static struct measure begin(struct scenario *s, struct row *row)
{
	return (struct measure){ .s = s,
				 .row = row,
				 .before = count(s),
				 .kinds = kinds_of(s),
				 .began = loop_now(s->loop),
				 .cpu = clock() };
}

static bool is_at_rest(const struct scenario *s)
{
	struct sm_status status = scenario_status(&s->first);

	return status.phase == PHASE_REST && status.generation > 0 &&
	       status.applied == status.generation && requests_in_flight(requests_of(s)) == 0;
}

/* All that are started. */
static bool are_up(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_hosts; i++) {
		const struct sim_port *port = &s->hosts[i]->ports[1];

		for (unsigned vf = 1; port->vports && vf < port->vports->count; vf++)
			if (port->vports->vports[vf].started &&
			    port->vports->vports[vf].state != SIM_ACTIVE)
				return false;
	}
	return true;
}

static void step_until_rest(struct scenario *s)
{
	unsigned settled = s->first.settled;
	uint64_t limit = loop_now(s->loop) + PATIENCE * LOOP_SEC;

	while (s->first.settled == settled || requests_in_flight(requests_of(s)) > 0 ||
	       !is_at_rest(s)) {
		if (!loop_virtual_step(s->loop) || loop_now(s->loop) > limit)
			scenario_fail(s, "the fabric does not come to rest");
	}
}

static void end(struct measure *m)
{
	m->row->took = loop_now(m->s->loop) - m->began;
	m->row->cpu = (double)(clock() - m->cpu) / CLOCKS_PER_SEC;
	m->row->counts = minus(count(m->s), m->before);
	if (with_attributes)
		print_kinds(m->s, &m->kinds);
	m->row->done = true;
}

static void rest_with_all_up(struct scenario *s)
{
	do
		step_until_rest(s);
	while (!are_up(s));
}

/* How long until this one is Active; and all that is asked until rest. */
static void until_it_is_up(struct measure *m, const struct sim_vport *vport)
{
	uint64_t took;

	while (vport->state != SIM_ACTIVE)
		if (!loop_virtual_step(m->s->loop))
			abort();
	took = loop_now(m->s->loop) - m->began;
	step_until_rest(m->s);
	end(m);
	m->row->took = took;
}

/* ---- fabrics --------------------------------------------------------------------------------- */

/* @count VFs at each host, of which the first @up run. */
static void add_vports(struct scenario *s, unsigned count, unsigned up, bool own)
{
	struct sim_vf_spec spec = { .lid_required = own };

	for (uint32_t i = 0; count > 0 && i < s->n_hosts; i++) {
		if (sim_vfs_add(scenario_host(s, i), SIM_VF_VPORT, count, &spec) < 0)
			abort();
		for (unsigned vf = 1; vf <= up; vf++)
			sim_vf_start(scenario_host(s, i), vf);
	}
}

static struct scenario *build(struct made_graph *graph, unsigned count, unsigned up, bool own)
{
	struct scenario *s = scenario_new(1);

	s->fabric->on_routes = NULL; /* each write judged would take longer than all else */
	scenario_build(s, graph);
	add_vports(s, count, up, own);
	return s;
}

static struct made_graph *hosts_648(void)
{
	return graph_make_ft2(36);
}

static struct made_graph *hosts_100(void)
{
	return graph_make_line(10, 10);
}

static struct made_graph *hosts_11664(void)
{
	return graph_make_ft3(36, 36);
}

/* It is up, and so quiet that traps come at once; from now on agents take their time. */
static void come_up(struct scenario *s)
{
	scenario_start_sm(s);
	rest_with_all_up(s);
	loop_virtual_run_for(s->loop, TRAP_PAUSE);
	step_until_rest(s);
	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		if (sim_fault_service(s->fabric->nodes[i],
				      &(struct sim_service){ .time = SERVICE }) < 0)
			abort();
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void bring_up(struct made_graph *graph, unsigned count, bool own, struct row *row)
{
	struct scenario *s = build(graph, count, count, own);
	struct measure m;

	scenario_start_sm(s);
	m = begin(s, row);
	rest_with_all_up(s);
	end(&m);
	scenario_free(s);
}

static void plain_648(struct row *row)
{
	bring_up(hosts_648(), 0, false, row);
}

static void own_648(struct row *row)
{
	bring_up(hosts_648(), 32, true, row);
}

static void plain_100(struct row *row)
{
	bring_up(hosts_100(), 0, false, row);
}

static void shared_100(struct row *row)
{
	bring_up(hosts_100(), 256, false, row);
}

static void start_one(bool own, bool again, struct row *row)
{
	struct scenario *s = build(hosts_648(), 32, 31, own);
	struct sim_port *port = scenario_host(s, 333);
	struct measure m;

	if (again)
		sim_vf_start(port, 32);
	come_up(s);
	if (again) {
		sim_vf_stop(port, 32);
		loop_virtual_run_for(s->loop, TRAP_PAUSE);
		step_until_rest(s);
	}
	m = begin(s, row);
	sim_vf_start(port, 32);
	until_it_is_up(&m, sim_vport(port, 32));
	row->differ = s->n_switches;
	scenario_free(s);
}

static void starts_shared(struct row *row)
{
	start_one(false, false, row);
}

static void starts_new(struct row *row)
{
	start_one(true, false, row);
}

static void starts_again(struct row *row)
{
	start_one(true, true, row);
}

static void start_many(bool own, struct row *row)
{
	struct scenario *s = build(hosts_648(), 32, 0, own);
	struct measure m;

	come_up(s);
	m = begin(s, row);
	for (unsigned i = 0; i < MANY; i++)
		sim_vf_start(scenario_host(s, i % s->n_hosts), 1 + i / s->n_hosts);
	rest_with_all_up(s);
	end(&m);
	row->differ = s->n_switches;
	scenario_free(s);
}

static void many_shared(struct row *row)
{
	start_many(false, row);
}

static void many_own(struct row *row)
{
	start_many(true, row);
}

/* The exit port of each switch for @lid. */
static uint8_t *exits_for(const struct scenario *s, uint16_t lid)
{
	uint8_t *ret = malloc(s->n_switches);

	if (!ret)
		abort();
	for (uint32_t i = 0; i < s->n_switches; i++)
		ret[i] = s->switches[i]->sw->lft[lid];
	return ret;
}

static unsigned count_different(const struct scenario *s, uint16_t lid, const uint8_t *before)
{
	AUTO(freep) uint8_t *after = exits_for(s, lid);
	unsigned n = 0;

	for (uint32_t i = 0; i < s->n_switches; i++)
		n += before[i] != after[i];
	return n;
}

/* VF 2 of host @from goes on to that of others, each @stride further, one after the other. */
static void move_on(struct scenario *s, uint32_t from, uint32_t stride, struct row *row)
{
	double way[MOVES], routes[MOVES], all[MOVES];

	for (unsigned i = 0; i < MOVES; i++) {
		struct sim_port *here = scenario_host(s, from);
		struct sim_port *there;

		from = (from + stride) % s->n_hosts;
		there = scenario_host(s, from);
		loop_virtual_run_for(s->loop, TRAP_PAUSE);
		step_until_rest(s);
		memset(&computed, 0, sizeof(computed));
		if (sim_vf_move(here, 2, there, 2) < 0)
			abort();
		while (sim_vport(there, 2)->state != SIM_ACTIVE)
			if (!loop_virtual_step(s->loop))
				abort();
		step_until_rest(s);
		way[i] = computed.way;
		routes[i] = computed.routes;
		all[i] = computed.all;
	}
	row->way_ms = median(way);
	row->routes_ms = median(routes);
	row->all_ms = median(all);
}

/* From host 1 of the tree to host @to, in which VF 2 does not run yet; and on. */
static void move(uint32_t to, uint32_t stride, struct row *row)
{
	struct scenario *s = build(hosts_11664(), 2, 1, true);
	struct sim_port *from = scenario_host(s, 1), *there = scenario_host(s, to);
	AUTO(freep) uint8_t *before = NULL;
	struct measure m;
	uint16_t lid;

	come_up(s);
	lid = sim_vport(from, 1)->lid;
	before = exits_for(s, lid);
	m = begin(s, row);
	if (sim_vf_move(from, 1, there, 2) < 0)
		abort();
	until_it_is_up(&m, sim_vport(there, 2));
	if (sim_vport(there, 2)->lid != lid)
		scenario_fail(s, "LID %u did not go along", lid);
	row->differ = count_different(s, lid, before);
	move_on(s, to, stride, row);
	scenario_free(s);
}

static void moves_far(struct row *row)
{
	move(6000, 397, row);
}

static void moves_in_pod(struct row *row)
{
	move(40, 20, row);
}

static void moves_in_leaf(struct row *row)
{
	move(2, 1, row);
}

static void reboots(struct row *row)
{
	struct scenario *s = build(hosts_11664(), 0, 0, false);
	struct measure m;

	come_up(s);
	m = begin(s, row);
	scenario_reboot(s, s->hosts[6000]);
	while (sim_state(scenario_host(s, 6000)) != SIM_ACTIVE)
		if (!loop_virtual_step(s->loop))
			abort();
	step_until_rest(s);
	end(&m);
	scenario_free(s);
}

/* ---- limits ---------------------------------------------------------------------------------- */

enum bench {
	PLAIN_648,
	OWN_648,
	PLAIN_100,
	SHARED_100,
	STARTS_SHARED,
	STARTS_NEW,
	STARTS_AGAIN,
	MANY_SHARED,
	MANY_OWN,
	MOVES_FAR,
	MOVES_IN_POD,
	MOVES_IN_LEAF,
	REBOOTS,
	BENCHES,
};

/* At most 2.5 times what the fabric costs without VFs, their own attributes aside. */
static bool is_little(const struct row *with, const struct row *without)
{
	return !without->done ||
	       2 * (with->counts.lft + with->counts.others) <= 5 * all_of(&without->counts);
}

static bool own_648_is_good(const struct row *row)
{
	return is_little(row, &rows[PLAIN_648]);
}

static bool shared_100_is_good(const struct row *row)
{
	return is_little(row, &rows[PLAIN_100]);
}

static uint64_t other_than_lft(const struct row *row)
{
	return row->counts.vports + row->counts.others;
}

static bool no_block_is_written(const struct row *row)
{
	return row->counts.lft == 0 && other_than_lft(row) <= 10;
}

static bool a_block_per_switch_is(const struct row *row)
{
	return row->counts.lft <= row->differ && other_than_lft(row) <= 10;
}

static bool many_are_good(const struct row *row)
{
	return row->counts.lft == 0 && other_than_lft(row) <= 12 * MANY;
}

/* In batches: each block of a table is written once, however many VFs have LIDs in it. */
static bool many_lids_are_good(const struct row *row)
{
	return row->counts.lft <= 54 * (MANY / 64 + 2) && other_than_lft(row) <= 12 * MANY;
}

/* Where the exit port is another, and once: outward from the new leaf, nothing is withdrawn. */
static bool move_is_good(const struct row *row)
{
	return row->counts.lft == row->differ && row->took <= 20 * LOOP_MSEC;
}

static bool move_in_leaf_is_good(const struct row *row)
{
	return row->counts.lft == 1 && row->differ == 1 && row->took <= 20 * LOOP_MSEC;
}

static bool reboot_is_good(const struct row *row)
{
	return row->counts.lft == 0 && all_of(&row->counts) <= 60;
}

static const struct {
	const char *name;
	void (*run)(struct row *row);
	bool (*is_good)(const struct row *row); /* or NULL */
} benches[BENCHES] = {
	[PLAIN_648] = { "648 hosts come up", plain_648, NULL },
	[OWN_648] = { "with 32 VFs each, own LIDs", own_648, own_648_is_good },
	[PLAIN_100] = { "100 hosts come up", plain_100, NULL },
	[SHARED_100] = { "with 256 VFs each, shared LIDs", shared_100, shared_100_is_good },
	[STARTS_SHARED] = { "a VF starts, shared LID", starts_shared, no_block_is_written },
	[STARTS_NEW] = { "a VF starts, new LID", starts_new, a_block_per_switch_is },
	[STARTS_AGAIN] = { "a VF starts, LID it had", starts_again, no_block_is_written },
	[MANY_SHARED] = { "10,000 VFs start, shared LIDs", many_shared, many_are_good },
	[MANY_OWN] = { "10,000 VFs start, new LIDs", many_own, many_lids_are_good },
	[MOVES_FAR] = { "a VF moves to another pod", moves_far, move_is_good },
	[MOVES_IN_POD] = { "a VF moves within a pod", moves_in_pod, move_is_good },
	[MOVES_IN_LEAF] = { "a VF moves within a leaf", moves_in_leaf, move_in_leaf_is_good },
	[REBOOTS] = { "one of 11,664 hosts reboots", reboots, reboot_is_good },
};

/* ---- all of them ----------------------------------------------------------------------------- */

/* A process of its own, so that its memory is its own. */
static bool run(enum bench n)
{
	struct rusage usage;
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child < 0)
		abort();
	if (child == 0) {
		benches[n].run(&rows[n]);
		fflush(stdout);
		_exit(0);
	}
	if (wait4(child, &status, 0, &usage) < 0)
		abort();
	rows[n].kilobytes = usage.ru_maxrss;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool report(enum bench n, bool ran)
{
	const struct row *row = &rows[n];
	bool good = ran && (!benches[n].is_good || benches[n].is_good(row));

	printf("%-31s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %9.3f %7.2f %7.1f%s\n",
	       benches[n].name, row->counts.lft, row->counts.vports, row->counts.others,
	       (double)row->took / (double)LOOP_MSEC, row->cpu, (double)row->kilobytes / 1024,
	       good ? "" : "  TOO MUCH");
	if (row->all_ms > 0) {
		printf("  ms computed: routes %.2f, all %.2f; asked: the way of the tables at most "
		       "%.0f: %.2f, %s\n",
		       row->routes_ms, row->all_ms, ASKED_MS, row->way_ms,
		       row->way_ms <= ASKED_MS ? "met" : "MISSED");
		good = good && row->way_ms <= ASKED_MS;
	}
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;

	with_attributes = argc > 1 && strcmp(argv[1], "--attributes") == 0;
	argv += with_attributes;
	argc -= with_attributes;
	rows = mmap(NULL, BENCHES * sizeof(*rows), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED)
		return EXIT_FAILURE;
	printf("%-31s %8s %8s %8s %9s %7s %7s\n", "", "LFT", "vports", "others", "ms there",
	       "CPU s", "MB");
	for (unsigned n = 0; n < BENCHES; n++)
		if (argc < 2 || strstr(benches[n].name, argv[1]))
			good = report(n, run(n)) && good;
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
