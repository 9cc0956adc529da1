/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How fast the subnet administrator answers, in process, at 11,664 hosts on 1,620 switches at rest:
 * requests go in where the transport would give them, answers come out where it would take them,
 * and what counts is CPU time of this one thread.
 *
 *   a path       Get of a PathRecord as IPoIB asks for it, from everybody to anybody
 *   all paths    GetTable of the PathRecords from one host to all that there are
 *   whole tables NodeRecord, PortInfoRecord: what one answer stops the loop for
 *
 * "first": right after the fabric has changed, when nothing is known of any path yet.
 *
 * Usage: bench-sa [radix], 36 if it is not given. Asserts: 1,000,000 paths a second, and all paths
 * of a host in 10 ms, also first.
 */

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
#include "base/xoshiro.h"
#include "sm/machine.h"
#include "tests/scenario/scenario.h"
#include "tests/unit/loop-virtual.h"

#define BATCH      256u /* requests that arrive at once */
#define N_PATHS    1000000u
#define N_TABLES   100u
#define LEAST_RATE 1e6
#define MOST_TABLE 0.01
#define TRAP_PAUSE (5 * LOOP_SEC)

/* What came out. */
struct taker {
	struct transport transport;
	struct transport *real;
	uint64_t answers;
	uint64_t good;
	uint16_t expected; /* status */
	uint64_t bytes;
};

static struct taker *taker_of(struct transport *t)
{
	return CONTAINER_OF(t, struct taker, transport);
}

static void count(struct taker *taker, const uint8_t *mad, size_t length)
{
	taker->answers++;
	taker->good += wire_get(mad, MAD_STATUS) == taker->expected;
	taker->bytes += length;
}

static int take(struct transport *t, const struct datagram *d, const struct address *to,
		unsigned timeout_ms)
{
	(void)to;
	(void)timeout_ms;
	count(taker_of(t), d->bytes, MAD_SIZE);

	return 0;
}

static int take_message(struct transport *t, uint8_t *message, size_t length,
			const struct address *to)
{
	(void)to;
	count(taker_of(t), message, length);

	return 0;
}

static const struct transport_ops ops = { .send = take, .send_message = take_message };

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);

	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);

	return usage.ru_maxrss;
}

/* ---- the fabric ------------------------------------------------------------------------------ */

static struct scenario *come_up(unsigned radix)
{
	struct scenario *s = scenario_new(1);
	unsigned settled;

	s->fabric->on_routes = NULL;
	scenario_build(s, graph_make_ft3(radix, radix));
	scenario_start_sm(s);
	for (unsigned i = 0; i < 2; i++) {
		settled = s->first.settled;
		while (s->first.settled == settled ||
		       scenario_status(&s->first).phase != PHASE_REST)
			if (!loop_virtual_step(s->loop))
				abort();
		loop_virtual_run_for(s->loop, TRAP_PAUSE);
	}

	return s;
}

/* End ports of channel adapters. */
static uint32_t list_hosts(const struct fabric *f, uint32_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_ports; i++) {
		if (f->ports[i].guid && f->ports[i].lid && !node_is_switch(node_of(f, i)))
			ret[n++] = i;
	}

	return n;
}

/* ---- questions ------------------------------------------------------------------------------- */

static void start(struct arrival *a, const struct port *from, uint8_t method, uint16_t attr,
		  uint64_t mask)
{
	memset(a, 0, sizeof(*a));
	wire_start(&a->datagram, CLASS_SA, method, attr, 0);
	wire_set(&a->datagram, SA_COMP_MASK, mask);
	a->from = (struct address){ .qpn = 1, .lid = from->lid };
}

/* As IPoIB asks (mask 0x340c). */
static void ask_path(struct arrival *a, const struct port *from, const struct port *to,
		     uint64_t prefix)
{
	uint8_t *record = sa_data_of(&a->datagram);

	start(a, from, METHOD_GET, ATTR_SA_PATH_RECORD, 0x340c);
	wire_set64(record + PATH_DGID_OFFSET, 0, prefix);
	wire_set64(record + PATH_DGID_OFFSET, 1, to->guid);
	wire_set64(record + PATH_SGID_OFFSET, 0, prefix);
	wire_set64(record + PATH_SGID_OFFSET, 1, from->guid);
	wire_set(record, PATH_NUMB_PATH, 1);
	wire_set(record, PATH_PKEY, 0xffff);
}

struct bench {
	struct sm *sm;
	struct taker taker;
	const struct fabric *f;
	uint32_t *hosts;
	uint32_t n_hosts;
	struct xoshiro random;
};

static const struct port *some_host(struct bench *b)
{
	return &b->f->ports[b->hosts[xoshiro_next(&b->random) % b->n_hosts]];
}

/* Seconds for @n paths; those of making the questions are not in it. */
static double time_paths(struct bench *b, unsigned n)
{
	static struct arrival arrivals[BATCH];
	double took = 0;

	for (unsigned i = 0; i < n; i += BATCH) {
		double before;

		for (unsigned k = 0; k < BATCH; k++)
			ask_path(&arrivals[k], some_host(b), some_host(b),
				 b->sm->conf.subnet_prefix);
		before = cpu();
		sm_receive(b->sm, arrivals, BATCH);
		took += cpu() - before;
	}

	return took;
}

/* Seconds for one. */
static double time_table(struct bench *b, uint16_t attr, uint64_t mask, unsigned n,
			 double *ret_most)
{
	static struct arrival a;
	double took = 0;

	*ret_most = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct port *from = some_host(b);
		double before, here;

		start(&a, from, METHOD_GET_TABLE, attr, mask);
		if (mask)
			wire_set(sa_data_of(&a.datagram), PATH_SLID, from->lid);
		before = cpu();
		sm_receive(b->sm, &a, 1);
		here = cpu() - before;
		took += here;
		*ret_most = MAX(*ret_most, here);
	}

	return took / n;
}

static bool report_paths(struct bench *b, const char *what, unsigned n, bool is_asserted)
{
	uint64_t before = b->taker.good;
	double took = time_paths(b, n);
	bool all_good = b->taker.good - before >= n;

	printf("%-28s %10.0f a second%s\n", what, n / took,
	       all_good ? "" : ", not all of them good");

	return all_good && (!is_asserted || n / took >= LEAST_RATE);
}

static bool report_table(struct bench *b, const char *what, uint16_t attr, uint64_t mask,
			 unsigned n, bool is_asserted)
{
	uint64_t good = b->taker.good, bytes = b->taker.bytes;
	double most;
	double mean = time_table(b, attr, mask, n, &most);
	bool all_good = b->taker.good - good == n;

	printf("%-28s %10.2f ms, %.2f at most; %.0f bytes%s\n", what, 1000 * mean, 1000 * most,
	       (double)(b->taker.bytes - bytes) / n, all_good ? "" : ", not all of them good");

	return all_good && (!is_asserted || mean <= MOST_TABLE);
}

int main(int argc, char **argv)
{
	unsigned radix = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 36;
	struct scenario *s = come_up(radix);
	struct bench b = { .sm = s->first.sm, .f = sm_fabric(s->first.sm) };
	bool good = true;

	xoshiro_seed(&b.random, 1);
	b.hosts = calloc(b.f->n_ports, sizeof(*b.hosts));
	b.n_hosts = list_hosts(b.f, b.hosts);
	b.taker = (struct taker){ .transport = { .ops = &ops }, .real = b.sm->transport };
	b.sm->transport = &b.taker.transport;
	printf("%u hosts\n", b.n_hosts);

	good &= report_table(&b, "all paths of a host, first", ATTR_SA_PATH_RECORD, 1 << 5, 1,
			     true);
	good &= report_table(&b, "all paths of a host", ATTR_SA_PATH_RECORD, 1 << 5, N_TABLES,
			     true);
	good &= report_paths(&b, "a path, first", BATCH * 100, false);
	good &= report_paths(&b, "a path", N_PATHS, true);
	good &= report_table(&b, "NodeRecord, all", ATTR_SA_NODE_RECORD, 0, 10, false);
	good &= report_table(&b, "PortInfoRecord, all", ATTR_SA_PORT_RECORD, 0, 10, false);
	b.taker.expected = STATUS_SA_NO_RESOURCES;
	good &= report_table(&b, "refused: all forwarding tables", ATTR_SA_LFT_RECORD, 0, 3, false);
	good &= report_table(&b, "refused: all paths of all", ATTR_SA_PATH_RECORD, 0, 3, false);
	printf("most memory, with the simulated fabric: %.1f MB\n",
	       (double)peak_kilobytes() / 1024);

	b.sm->transport = b.taker.real;
	free(b.hosts);
	scenario_free(s);

	return good ? 0 : 1;
}
