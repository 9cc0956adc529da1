/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What multicast costs, on the simulated fabric in process and on virtual time: 10,000 groups of
 * 100 members each on a tree of 11,664 hosts and 1,620 switches, joined in one go; then one more
 * join, a leave, and a cable that is lost. Members are hosts chosen at random, which ask as MADs
 * that are handed to the subnet manager; what it sends the simulator takes.
 *
 * Of each: Sets of multicast tables, and CPU seconds, in all and without what the simulator takes
 * to carry packets and to answer them. What is left has its part in it that makes the requests, and
 * that remembers what is to be kept. Asserted: a cell of a table is written once, and one join or
 * leave writes no more than the switches between.
 *
 * Usage: bench-multicast [groups [members of each [radix]]]
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "base/macros.h"
#include "sm/multicast.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/tables.h"
#include "tests/unit/loop-virtual.h"

enum { BATCH = 64, BURST = 1024, DEFAULT_PKEY = 0xffff, MASK_MAKE = 0x173f7, MASK_LEAVE = 0x10003 };

static uint64_t tid;

/* Seconds in the simulator, and what it is behind. */
static double in_simulator;
static const struct transport_ops *simulator;

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int send_timed(struct transport *t, const struct datagram *d, const struct address *to,
		      unsigned timeout_ms)
{
	double began = clock_now();
	int r = simulator->send(t, d, to, timeout_ms);

	in_simulator += clock_now() - began;
	return r;
}

static uint64_t sets(const struct scenario *s)
{
	struct request_counts c;
	uint16_t attr;
	uint8_t method;

	for (unsigned i = 0; requests_count(sm_requests(s->first.sm), i, &attr, &method, &c); i++)
		if (attr == ATTR_MFT && method == METHOD_SET)
			return c.sent;
	return 0;
}

/* Cells of the tables of all switches that have something. */
static uint64_t cells(const struct scenario *s)
{
	const struct fabric *f = sm_fabric(s->first.sm);
	uint64_t n = 0;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct mft *mft = f->nodes[i].sw ? f->nodes[i].sw->mft : NULL;

		for (unsigned b = 0; mft && b < mft->n_blocks; b++)
			for (unsigned p = 0; p < mft->n_positions; p++)
				n += mft_cell_at(mft, b, p)->ports != NULL;
	}
	return n;
}

static struct arrival request(struct sim_port *port, uint8_t method, uint32_t group)
{
	struct arrival a = { .from = { .lid = sim_lid(port), .qpn = 1 } };
	uint8_t *record = sa_data_of(&a.datagram);

	wire_start(&a.datagram, CLASS_SA, method, ATTR_SA_MC_MEMBER_RECORD, 0);
	wire_set(&a.datagram, MAD_TID, ++tid);
	wire_set(&a.datagram, SA_COMP_MASK, method == METHOD_SET ? MASK_MAKE : MASK_LEAVE);
	mgid_of_broadcast(0x7fff, 2, record);
	wire_set16(record, 6, (uint16_t)(group >> 16));
	wire_set16(record, 7, (uint16_t)group);
	wire_set64(record + MC_MEMBER_PORT_GID_OFFSET, 0, be64toh(port->info.subnet_prefix));
	wire_set64(record + MC_MEMBER_PORT_GID_OFFSET, 1,
		   sim_endpoint_guid(&(struct sim_endpoint){ port, 0 }, 0));
	wire_set(record, MCM_QKEY, 0x0b1b);
	wire_set(record, MCM_MTU_SELECTOR, 2);
	wire_set(record, MCM_MTU, 4);
	wire_set(record, MCM_RATE_SELECTOR, 2);
	wire_set(record, MCM_RATE, 3);
	wire_set(record, MCM_PKEY, DEFAULT_PKEY);
	wire_set(record, MCM_JOIN_STATE, JOIN_FULL);
	return a;
}

/* Answers are sent when the disk has what they say, in no time. */
static void step(struct scenario *s)
{
	uint64_t now = loop_now(s->loop);

	while (loop_virtual_next(s->loop) <= now && loop_virtual_step(s->loop))
		;
}

static void rest(struct scenario *s)
{
	scenario_run(s, 100 * LOOP_MSEC);
	while (requests_in_flight(sm_requests(s->first.sm)) > 0)
		scenario_run(s, 10 * LOOP_MSEC);
}

static void join_all(struct scenario *s, unsigned n_groups, unsigned n_members)
{
	struct arrival batch[BATCH];
	unsigned n = 0;

	for (unsigned g = 0; g < n_groups; g++) {
		for (unsigned m = 0; m < n_members; m++) {
			struct sim_node *host = s->hosts[scenario_random(s, s->n_hosts)];

			batch[n++] = request(&host->ports[1], METHOD_SET, g + 1);
			if (n < BATCH)
				continue;
			sm_receive(s->first.sm, batch, n);
			n = 0;
			if (tid % BURST < BATCH)
				step(s);
		}
	}
	sm_receive(s->first.sm, batch, n);
	step(s);
}

struct mark {
	double cpu;
	double in_simulator;
	uint64_t sets;
};

static struct mark mark(const struct scenario *s)
{
	return (struct mark){ seconds(), in_simulator, sets(s) };
}

static uint64_t print_since(const struct scenario *s, const char *what, struct mark before)
{
	struct mark now = mark(s);

	printf("%-32s %9" PRIu64 " Sets %9.3f s of CPU, %9.3f without the simulator\n", what,
	       now.sets - before.sets, now.cpu - before.cpu,
	       now.cpu - before.cpu - (now.in_simulator - before.in_simulator));
	return now.sets - before.sets;
}

static struct scenario *build(unsigned radix)
{
	static struct transport_ops timed;

	struct scenario *s = scenario_new(1);

	scenario_build(s, graph_make_ft3(radix, radix));
	for (uint32_t i = 0; i < s->n_switches; i++)
		s->switches[i]->sw->info.mcast_cap = htobe16(16383);
	s->fabric->on_routes = NULL;
	s->fabric->on_multicast = NULL;
	s->first.conf.sweep_interval = 0;
	memory_keeper_set_delay(s->first.keeper, 0);
	scenario_start_sm(s);
	scenario_run(s, 30 * LOOP_SEC);
	simulator = s->first.transport->ops;
	timed = *simulator;
	timed.send = send_timed;
	s->first.transport->ops = &timed;
	return s;
}

int main(int argc, char **argv)
{
	unsigned n_groups = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 10000;
	unsigned n_members = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : 100;
	struct scenario *s = build(argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : 36);
	struct mark before = mark(s);
	struct arrival one;
	struct rusage usage;
	uint64_t written;

	join_all(s, n_groups, n_members);
	print_since(s, "requests to join, answered", before);
	rest(s);
	written = print_since(s, "and trees in all switches", before);
	printf("%" PRIu32 " groups, %" PRIu32 " members, %" PRIu64 " cells\n",
	       sm_groups(s->first.sm)->n, sm_groups(s->first.sm)->n_members, cells(s));
	if (written != cells(s))
		scenario_fail(s, "cells are written twice");

	before = mark(s);
	one = request(&s->hosts[17]->ports[1], METHOD_SET, 1);
	sm_receive(s->first.sm, &one, 1);
	rest(s);
	if (print_since(s, "one more joins", before) > 12)
		scenario_fail(s, "that is more than the way to the tree");
	before = mark(s);
	one = request(&s->hosts[17]->ports[1], METHOD_DELETE, 1);
	sm_receive(s->first.sm, &one, 1);
	rest(s);
	if (print_since(s, "and leaves", before) > 12)
		scenario_fail(s, "that is more than the way to the tree");
	before = mark(s);
	scenario_pull(s, s->links[s->n_links - 1]);
	scenario_run(s, 10 * LOOP_SEC);
	print_since(s, "a cable is lost", before);
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld MB at most, with the simulator\n", usage.ru_maxrss / 1024);
	scenario_free(s);
	return 0;
}
