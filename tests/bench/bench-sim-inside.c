/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the simulated fabric costs in process, on one core:
 *
 * - round trips: SMPs with their answers per second, along a line of switches, by hops; of the
 *   simulator alone, and with the transport and the loop as the subnet manager has them;
 * - bring-up of 648 hosts on 54 switches by the subnet manager: SMPs, seconds of the fabric and of
 *   this machine;
 * - a day: the same fabric for so many hours, swept as the configuration says by itself, with a
 *   random cable out for 30 s each minute.
 *
 * Writes into forwarding tables are not judged one by one here: stories and walks do that.
 *
 * Usage: bench-sim-inside [hours [round_trips|a_day*]], 24 by itself. Nothing is asserted about
 * time.
 */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/client.h"
#include "tests/unit/loop-virtual.h"

enum { DEPTH = 5, ROUNDS = 1000000, WINDOW = 64 };

static unsigned hours = 24;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- round trips ----------------------------------------------------------------------------- */

struct asker {
	struct scenario *s;
	struct sim_client client;
	struct transport *transport;
	uint64_t n;
	uint32_t tid;
};

static struct datagram question(unsigned hops, uint16_t attr, uint32_t modifier)
{
	/* Host 0 is on the first port that is free of cables between switches. */
	static const uint8_t inside[DEPTH + 1] = { 1, 1, 2, 2, 2, 2 };
	struct datagram d;

	wire_start(&d, CLASS_SM_DIRECTED, METHOD_GET, attr, modifier);
	wire_set_route(&d, inside, hops);
	return d;
}

static void receive(void *user, const struct sim_packet *packet)
{
	struct asker *a = user;

	a->n += packet->mad.method == SIM_GET_RESP && !(packet->mad.status & htobe16(0x7fff));
}

static double ask_simulator(struct asker *a, const struct datagram *d)
{
	struct sim_packet p = { .dlid = SIM_LID_PERMISSIVE, .length = SIM_MAD_SIZE };
	double began = now();

	memcpy(p.bytes, d->bytes, SIM_MAD_SIZE);
	a->n = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		if (sim_client_send(&a->client, &p) < 0)
			break;
	return (double)a->n / (now() - began);
}

static void on_arrival(void *user, const struct arrival *arrivals, unsigned n, const char *why)
{
	struct asker *a = user;

	(void)why;
	for (unsigned i = 0; i < n; i++)
		a->n += !arrivals[i].undelivered;
}

static double ask_by_transport(struct asker *a, const struct datagram *question)
{
	struct datagram d = *question;
	struct address to = { .lid = LID_PERMISSIVE };
	double began = now();

	a->n = 0;
	for (unsigned i = 0; i < ROUNDS / WINDOW; i++) {
		for (unsigned j = 0; j < WINDOW; j++) {
			wire_set(&d, MAD_TID, ++a->tid);
			if (transport_send(a->transport, &d, &to, 200) < 0)
				return 0;
		}
		loop_virtual_run_for(a->s->loop, LOOP_MSEC);
	}
	return (double)a->n / (now() - began);
}

static void round_trips(void **state)
{
	static const struct {
		const char *name;
		uint16_t attr;
		uint32_t modifier;
	} kinds[] = { { "NodeInfo", ATTR_NODE_INFO, 0 }, { "PortInfo", ATTR_PORT_INFO, 1 } };
	struct asker a = { .s = scenario_new(1), .client = { .receive = receive, .user = &a } };

	(void)state;
	scenario_build(a.s, graph_make_line(DEPTH, 1));
	if (sim_attach(a.s->first.port, &a.client) < 0 ||
	    transport_sim_open(a.s->first.port, &a.transport) < 0)
		fail();
	a.transport->fn = on_arrival;
	a.transport->user = &a;
	printf("%-10s %4s  %16s %16s\n", "round trip", "hops", "simulator 1/s", "transport 1/s");
	for (unsigned k = 0; k < COUNT(kinds); k++) {
		for (unsigned hops = 0; hops <= DEPTH; hops++) {
			struct datagram d = question(hops, kinds[k].attr, kinds[k].modifier);
			double alone = ask_simulator(&a, &d);

			printf("%-10s %4u  %16.0f %16.0f\n", kinds[k].name, hops, alone,
			       ask_by_transport(&a, &d));
		}
	}
	transport_free(a.transport);
	sim_detach(&a.client);
	scenario_free(a.s);
}

/* ---- a large fabric -------------------------------------------------------------------------- */

static void report(const char *what, struct scenario *s, double began, uint64_t began_there,
		   uint64_t asked_before)
{
	const struct transport_sim_counts *c = transport_sim_counts(s->first.transport);
	double took = now() - began;
	uint64_t asked = c->requests - asked_before;

	printf("%-9s %10" PRIu64 " SMPs (%" PRIu64 " Sets), %8.1f s there, %7.3f s here, %.0f SMPs "
	       "a second\n",
	       what, asked, c->sets, (double)(loop_now(s->loop) - began_there) / (double)LOOP_SEC,
	       took, (double)asked / took);
}

static void a_minute_with_a_flap(struct scenario *s)
{
	struct sim_port *port = scenario_link(s, (uint32_t)scenario_random(s, s->n_links));

	if (port->far != s->first.port)
		scenario_pull(s, port);
	scenario_run(s, 30 * LOOP_SEC);
	scenario_plug(s, port);
	scenario_run(s, 30 * LOOP_SEC);
}

static void a_day_of_648_hosts(void **state)
{
	struct scenario *s = scenario_new(1);
	uint64_t there = loop_now(s->loop);
	uint64_t asked;
	double here;
	char why[512];

	(void)state;
	scenario_build(s, graph_make_ft2(36));
	s->fabric->on_routes = NULL;
	here = now();
	scenario_start_sm(s);
	while (scenario_status(&s->first).generation == 0 ||
	       scenario_status(&s->first).phase != PHASE_REST)
		if (!loop_virtual_step(s->loop))
			fail();
	report("bring-up", s, here, there, 0);
	here = now();
	there = loop_now(s->loop);
	asked = transport_sim_counts(s->first.transport)->requests;
	for (unsigned i = 0; i < 60 * hours; i++)
		a_minute_with_a_flap(s);
	report("day", s, here, there, asked);
	printf("%" PRIu64 " sweeps of %" PRIu32 " switches and %" PRIu32 " hosts\n",
	       scenario_status(&s->first).sweeps, s->n_switches, s->n_hosts);
	scenario_settle(s);
	if (!scenario_is_good(s, NULL, why))
		scenario_fail(s, "%s", why);
	scenario_free(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest benches[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(a_day_of_648_hosts),
	};

	if (argc > 1)
		hours = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	return cmocka_run_group_tests_name("simulator in process", benches, NULL, NULL);
}
