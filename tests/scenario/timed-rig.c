/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* A tree whose agents take their time, and how long it takes until all is up. */

#include "tests/scenario/timed-rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/faults.h"
#include "tests/unit/loop-virtual.h"

struct made_graph *timed_make_tree(void)
{
	struct made_graph *graph = graph_make_empty();

	for (uint32_t i = 0; i < TIMED_LEAVES + TIMED_SPINES; i++)
		graph_add_switch(graph);
	for (uint32_t leaf = 0; leaf < TIMED_LEAVES; leaf++)
		graph_add_hosts(graph, leaf, TIMED_HOSTS);
	for (uint32_t leaf = 0; leaf < TIMED_LEAVES; leaf++)
		for (uint32_t i = 0; i < 2 * TIMED_SPINES; i++)
			graph_add_cable(graph, leaf, TIMED_LEAVES + i % TIMED_SPINES);
	return graph;
}

void timed_serve(struct scenario *s)
{
	struct sim_service service = { .time = TIMED_SERVICE };

	for (uint32_t i = 0; i < s->fabric->n_nodes; i++)
		assert_int_equal(sim_fault_service(s->fabric->nodes[i], &service), 0);
}

static bool passes_nothing(struct sim_port *port)
{
	return port->faults && sim_fault_rates(port)->loss == SIM_ALWAYS;
}

static bool all_are_active(const struct scenario *s)
{
	for (uint32_t i = 0; i < s->n_links; i++)
		if (!passes_nothing(s->links[i]) && (sim_state(s->links[i]) != SIM_ACTIVE ||
						     sim_state(s->links[i]->far) != SIM_ACTIVE))
			return false;
	return true;
}

uint64_t timed_until_active(struct scenario *s)
{
	uint64_t began = loop_now(s->loop);

	while (!all_are_active(s) && loop_now(s->loop) - began < SCENARIO_PATIENCE * LOOP_SEC)
		loop_virtual_step(s->loop);

	return (loop_now(s->loop) - began) / LOOP_MSEC;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void timed_sort(uint64_t *times, size_t n)
{
	qsort(times, n, sizeof(*times), compare);
}
