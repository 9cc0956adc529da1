/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a switch or a cable that is lost costs: blocks of 64 LIDs that all others have to write,
 * exactly. The small tree has 16 pods of 8 leaves and 8 middle switches, 8 planes of 8 cores, 1,024
 * hosts and LIDs in 22 blocks; the large one 36 pods, 18 of all others, 11,664 hosts and 208
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
	SMALL = 16, /* ports of a switch */
	SMALL_MIDDLES = SMALL * SMALL / 2,
	SMALL_CORES = SMALL * SMALL,
	LARGE = 36,
	LARGE_MIDDLES = LARGE * LARGE / 2,
	LARGE_CORES = LARGE * LARGE,
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

static const struct loss small[] = {
	{ "the first leaf", 0, 1, 1, NOBODY, 52, 52 },
	{ "a leaf", 1, SMALL_MIDDLES, 13, NOBODY, 0, 0 },
	{ "a middle switch of the first pod", SMALL_MIDDLES, SMALL_MIDDLES + 8, 1, NOBODY, 336,
	  491 },
	{ "a middle switch", SMALL_MIDDLES + 8, SMALL_CORES, 7, NOBODY, 194, 244 },
	{ "a core", SMALL_CORES, SMALL_CORES + 64, 5, NOBODY, 126, 165 },
	{ "a cable of the first leaf", 0, 1, 1, SMALL_MIDDLES, 157, 157 },
	{ "a cable of a leaf", 8, 16, 1, SMALL_MIDDLES + 11, 174, 174 },
	{ "a cable of the first pod to the top", SMALL_CORES, SMALL_CORES + 8, 1, SMALL_MIDDLES, 47,
	  50 },
	{ "a cable to the top", SMALL_CORES, SMALL_CORES + 8, 1, SMALL_MIDDLES + 8, 35, 38 },
};

static const struct loss large[] = {
	{ "a leaf", 18, 300, 94, NOBODY, 0, 0 },
	{ "a middle switch", LARGE_MIDDLES + 36, LARGE_CORES, 111, NOBODY, 1307, 1325 },
	{ "one of 52 whose hosts lie in two blocks", LARGE_MIDDLES + 30, LARGE_MIDDLES + 47, 16,
	  NOBODY, 1937, 1937 },
	{ "a core", LARGE_CORES, LARGE_CORES + 324, 100, NOBODY, 1188, 1220 },
	{ "a cable of a leaf", 360, 378, 5, LARGE_MIDDLES + 363, 894, 894 },
	{ "a cable of the first pod to the top", LARGE_CORES, LARGE_CORES + 18, 7, LARGE_MIDDLES,
	  163, 164 },
	{ "a cable to the top", LARGE_CORES, LARGE_CORES + 18, 7, LARGE_MIDDLES + 36, 101, 105 },
};

/* Leaves, middle switches and cores by number. */
static struct made_graph *make_tree(uint32_t n_ports)
{
	struct made_graph *made = graph_make_ft3(n_ports, n_ports);

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

static unsigned cost_of(uint32_t n_ports, const struct tables *before, const struct loss *loss,
			uint32_t s)
{
	AUTO(graph_freep) struct made_graph *made = make_tree(n_ports);
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

static void check_costs(uint32_t n_ports, const struct loss *losses, size_t n)
{
	AUTO(graph_freep) struct made_graph *made = make_tree(n_ports);
	AUTO(plain_tables_clear) struct tables before = route(graph_of(made));
	unsigned n_wrong = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned least = UINT32_MAX, most = 0;

		for (uint32_t s = losses[i].from; s < losses[i].to; s += losses[i].step) {
			unsigned cost = cost_of(n_ports, &before, &losses[i], s);

			least = MIN(least, cost);
			most = MAX(most, cost);
		}
		if (least == losses[i].least && most == losses[i].most)
			continue;
		print_error("%s: %u to %u blocks\n", losses[i].what, least, most);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void what_is_lost_costs_so_many_blocks(void **state)
{
	(void)state;
	check_costs(SMALL, small, COUNT(small));
}

static void so_it_does_in_a_large_tree(void **state)
{
	(void)state;
	check_costs(LARGE, large, COUNT(large));
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
static bool share_a_block(const struct graph *graph, uint32_t half, uint32_t pod, uint32_t i)
{
	uint32_t first = pod * half * half + i;
	bool all = true;

	for (uint32_t leaf = 1; leaf < half; leaf++)
		all &= block_of(graph, first + leaf * half) == block_of(graph, first);

	return all;
}

static unsigned count_cut(uint32_t n_ports)
{
	AUTO(graph_freep) struct made_graph *made = make_tree(n_ports);
	unsigned n = 0;

	for (uint32_t pod = 0; pod < n_ports; pod++)
		for (uint32_t i = 0; i < n_ports / 2; i++)
			n += !share_a_block(graph_of(made), n_ports / 2, pod, i);

	return n;
}

/* So each leaf elsewhere has one block to write for a middle switch that goes. */
static void hosts_that_one_middle_switch_leads_to_share_a_block(void **state)
{
	(void)state;
	assert_int_equal(count_cut(SMALL), 0);
}

/* 18 hosts in each of three runs leave ten of 64 LIDs, and there are 56 for that of two pods. */
static void where_that_cannot_be_it_is_three_of_36(void **state)
{
	(void)state;
	assert_int_equal(count_cut(LARGE), 18 * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_that_one_middle_switch_leads_to_share_a_block),
		cmocka_unit_test(where_that_cannot_be_it_is_three_of_36),
		cmocka_unit_test(what_is_lost_costs_so_many_blocks),
		cmocka_unit_test(so_it_does_in_a_large_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
