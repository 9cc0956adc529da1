/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a switch or a cable that is lost costs: blocks of 64 LIDs that all others have to write,
 * exactly. 16 pods of 8 leaves and 8 middle switches, 8 planes of 8 cores; 1,024 hosts, LIDs in 22
 * blocks. A change that makes one of these more expensive is to be seen here.
 */

#include "tests/common/graphs.h"
#include "tests/common/plain-tables.h"

#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
	HALF = 8,
	PODS = 16,
	MIDDLES = PODS * HALF,
	CORES = 2 * PODS * HALF,
	NOBODY = UINT32_MAX,
};

struct loss {
	const char *what;
	uint32_t from; /* the first that is lost, */
	uint32_t to;   /* and those up to here, each by itself */
	uint32_t step;
	uint32_t peer; /* of a cable; NOBODY: all of the switch */
	unsigned least, most;
};

static const struct loss losses[] = {
	{ "the first leaf", 0, 1, 1, NOBODY, 31, 31 },
	{ "a leaf", 1, MIDDLES, 13, NOBODY, 0, 0 },
	{ "a middle switch of the first pod", MIDDLES, MIDDLES + HALF, 1, NOBODY, 326, 410 },
	{ "a middle switch", MIDDLES + HALF, CORES, 7, NOBODY, 220, 346 },
	{ "a core", CORES, CORES + HALF *HALF, 5, NOBODY, 138, 153 },
	{ "a cable of the first leaf", 0, 1, 1, MIDDLES, 151, 151 },
	{ "a cable of a leaf", HALF, 2 * HALF, 1, MIDDLES + HALF + 3, 175, 175 },
	{ "a cable of the first pod to the top", CORES, CORES + HALF, 1, MIDDLES, 46, 49 },
	{ "a cable to the top", CORES, CORES + HALF, 1, MIDDLES + HALF, 35, 39 },
};

static struct made_graph *make_tree(void)
{
	struct made_graph *made = graph_make_ft3(2 * HALF, PODS);

	graph_deal_lids(made);

	return made;
}

static struct tables route(const struct graph *graph)
{
	struct tables tables = plain_tables_rubbish(graph);
	const char *why;

	assert_int_equal(engine_ftree.route(graph, &tables, &why, NULL), 0);

	return tables;
}

static unsigned count_blocks(const struct tables *before, const struct tables *after, uint32_t n,
			     uint32_t lost)
{
	unsigned blocks = 0;

	for (size_t at = 0; at < n * before->stride; at += 64)
		if (at / before->stride != lost)
			blocks += memcmp(before->lft + at, after->lft + at, 64) != 0;

	return blocks;
}

static unsigned cost_of(const struct tables *before, const struct loss *loss, uint32_t s)
{
	AUTO(graph_freep) struct made_graph *made = make_tree();
	AUTO(plain_tables_clear) struct tables after = { 0 };
	unsigned n;

	if (loss->peer == NOBODY)
		graph_set_away(made, s, true);
	else
		graph_remove_cable(made, loss->peer, s);
	after = route(graph_of(made));
	n = count_blocks(before, &after, graph_of(made)->n_switches,
			 loss->peer == NOBODY ? s : NOBODY);

	return n;
}

static void what_is_lost_costs_so_many_blocks(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_tree();
	AUTO(plain_tables_clear) struct tables before = route(graph_of(made));
	unsigned n_wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(losses); i++) {
		unsigned least = UINT32_MAX, most = 0;

		for (uint32_t s = losses[i].from; s < losses[i].to; s += losses[i].step) {
			unsigned n = cost_of(&before, &losses[i], s);

			least = MIN(least, n);
			most = MAX(most, n);
		}
		if (least == losses[i].least && most == losses[i].most)
			continue;
		print_error("%s: %u to %u blocks\n", losses[i].what, least, most);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

/* Hosts come leaf by leaf. */
static unsigned block_of(const struct graph *graph, uint32_t host)
{
	for (uint32_t e = 0; e < graph->n_ends; e++)
		if (graph->ends[e].kind == END_HOST && host-- == 0)
			return graph->ends[e].lid / 64;
	fail();

	return 0;
}

/* Of one pod, the @i-th of each leaf. */
static bool share_a_block(const struct graph *graph, uint32_t pod, uint32_t i)
{
	uint32_t first = pod * HALF * HALF + i;
	bool all = true;

	for (uint32_t leaf = 1; leaf < HALF; leaf++)
		all &= block_of(graph, first + leaf * HALF) == block_of(graph, first);

	return all;
}

/*
 * So each leaf elsewhere has one block to write for a middle switch that goes. But where pods that
 * share their rounds begin, there is no leaf that could fill a block.
 */
static void hosts_that_one_middle_switch_leads_to_share_a_block(void **state)
{
	AUTO(graph_freep) struct made_graph *made = make_tree();
	unsigned n_cut = 0;

	(void)state;
	for (uint32_t pod = 0; pod < PODS; pod++)
		for (uint32_t i = 0; i < HALF; i++)
			n_cut += !share_a_block(graph_of(made), pod, i);
	assert_int_equal(n_cut, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_that_one_middle_switch_leads_to_share_a_block),
		cmocka_unit_test(what_is_lost_costs_so_many_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
