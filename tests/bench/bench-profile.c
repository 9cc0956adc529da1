/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Work to look at with callgrind (profile.py does, "make profile"): a fat tree comes up, a cable of
 * a leaf and one to the top are pulled, each phase by itself; then its tables are made from scratch
 * and proven. All in one process and on virtual time, so that instructions are counted and not
 * seconds. Without valgrind it prints SMPs and processor time.
 *
 * A phase is seen to be over behind the step of the loop in which it ended: what the next one does
 * in that step still counts with it.
 *
 * Usage: bench-profile [RADIX]: ports of a switch, 36 for 11,664 hosts, 24 for 3,456.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) ((void)(name))
#endif

#include "base/macros.h"
#include "routing/past.h"
#include "sm/machine.h"
#include "tests/scenario/scenario.h"
#include "tests/sim/link.h"
#include "tests/unit/loop-virtual.h"

#define PAUSE (12 * LOOP_SEC) /* traps come at once again, and a sweep has just been */

/* What is being done, since when. */
struct stage {
	const char *what;
	struct scenario *s; /* NULL: there is none in it */
	enum sm_phase phase;
	uint64_t smps;
	clock_t cpu;
};

static uint64_t smps_of(const struct scenario *s)
{
	struct request_counts c;
	uint64_t sum = 0;
	uint16_t attr;
	uint8_t method;

	for (unsigned i = 0; s && requests_count(sm_requests(s->first.sm), i, &attr, &method, &c);
	     i++)
		sum += c.sent;
	return sum;
}

static struct stage begin(const char *what, struct scenario *s)
{
	CALLGRIND_ZERO_STATS;
	return (struct stage){ .what = what,
			       .s = s,
			       .phase = s ? s->first.sm->phase : PHASE_COUNT,
			       .smps = smps_of(s),
			       .cpu = clock() };
}

/* callgrind writes what it has counted, and counts anew. */
static void end(struct stage *stage)
{
	char name[64];
	uint64_t smps = smps_of(stage->s) - stage->smps;
	double ms = (double)(clock() - stage->cpu) * 1e3 / CLOCKS_PER_SEC;

	snprintf(name, sizeof(name), "%s%s%s", stage->what, stage->s ? ", " : "",
		 stage->s ? sm_phase_name(stage->phase) : "");
	CALLGRIND_DUMP_STATS_AT(name);
	if (smps > 0 || ms > 0.05)
		printf("%-28s %8" PRIu64 " SMPs %10.2f ms with the fabric's share\n", name, smps,
		       ms);
	fflush(stdout);
	*stage = begin(stage->what, stage->s);
}

static bool is_at_rest(const struct sm *sm)
{
	return sm->phase == PHASE_REST && sm->generation > 0 && sm->applied == sm->generation;
}

/* Until it has come to rest once more, a stage for each phase. */
static void watch(const char *what, struct scenario *s)
{
	unsigned settled = s->first.settled;
	struct stage stage = begin(what, s);

	while (s->first.settled == settled || !is_at_rest(s->first.sm)) {
		if (!loop_virtual_step(s->loop))
			abort();
		if (s->first.sm->phase != stage.phase)
			end(&stage);
	}
}

static void pull(const char *what, struct scenario *s, uint32_t from, uint32_t to)
{
	struct sim_port *port = NULL;

	loop_virtual_run_for(s->loop, PAUSE);
	for (uint32_t i = 0; !port && i < s->n_links; i++) {
		struct sim_port *one = s->links[i];
		const struct sim_node *a = s->switches[from], *b = s->switches[to];

		if ((one->node == a && one->far->node == b) ||
		    (one->node == b && one->far->node == a))
			port = one;
	}
	if (!port)
		abort();
	sim_cable_pull(port);
	watch(what, s);
}

static void from_scratch(struct made_graph *made)
{
	const struct graph *graph = graph_of(made);
	struct tables tables = { .stride = tables_stride(graph) };
	AUTO(freep) uint8_t *lft = malloc(graph->n_switches * tables.stride);
	const struct engine *engine = engine_find("ftree");
	struct proof proof;
	struct stage stage;
	const char *why;

	tables.lft = lft;
	if (!lft || !engine)
		abort();
	memset(lft, 0, graph->n_switches * tables.stride); /* its pages are there */
	stage = begin("tables from scratch", NULL);
	if (engine->route(graph, &tables, &why, NULL))
		abort();
	end(&stage);
	stage = begin("proof of all tables", NULL);
	if (proof_check(graph, &tables, &proof, NULL) || !proof_holds(&proof))
		abort();
	end(&stage);
}

/* Leaves come first, then middle switches, then the top; each pod has half a radix of both. */
static void come_up_and_change(unsigned radix)
{
	struct scenario *s = scenario_new(1);
	unsigned half = radix / 2, pod = radix / 2;
	uint32_t leaf = pod * half + half / 2;
	uint32_t middle = radix * half + pod * half + half / 2;
	uint32_t top = 2 * radix * half + (half / 2) * half + half / 3;

	s->fabric->on_routes = NULL; /* each write judged would take longer than all else */
	scenario_build(s, graph_make_ft3(radix, radix));
	scenario_start_sm(s);
	watch("bring-up", s);
	pull("cable of a leaf", s, leaf, middle);
	pull("cable to the top", s, middle, top);
	scenario_free(s);
}

int main(int argc, char **argv)
{
	unsigned radix = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 36;
	struct made_graph *made;

	if (radix < 4 || radix > 36 || radix % 2) {
		fputs("usage: bench-profile [RADIX]: even, 4 to 36\n", stderr);
		return 2;
	}
	come_up_and_change(radix);
	made = graph_make_ft3(radix, radix);
	from_scratch(made);
	graph_free(made);
	return 0;
}
