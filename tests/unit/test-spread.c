/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rows of forwarding tables that are copied from others, or filled in part, have what they have
 * when each is made for itself. Distances are those that updn and ftree go by.
 */

#include "tests/common/graphs.h"

#include "base/macros.h"
#include "routing/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Memory as it is found. */
#define RUBBISH 0x5a

/* All that tables are made from. */
struct making {
	const struct graph *graph;
	struct layout layout;
	struct layout whole;
	struct pages pages;
	struct tables tables;
};

static void making_clear(struct making *making)
{
	pages_clear(&making->pages);
	layout_clear(&making->layout);
	layout_clear(&making->whole);
	free(making->tables.lft);
}

static void find_distances(struct page *page)
{
	const struct tiers tiers = ranking_tiers(&page->layout->ranking);
	struct block *block = &page->block;

	assert_int_equal(tiered_make(page->graph, hops_width(block->n), &page->tiered), 0);
	block->tiered = page->tiered;
	hops_fill_tiered(page->graph, &tiers, block->target, block->n, &block->tiered);
}

static struct making make(const struct graph *graph)
{
	struct making ret = { .graph = graph, .tables = { .stride = tables_stride(graph) } };

	assert_int_equal(layout_make_tiered(graph, &ret.layout, &ret.whole), 0);
	return ret;
}

static void fill(struct making *making)
{
	size_t size = making->graph->n_switches * making->tables.stride;

	assert_int_equal(pages_make(making->graph, &making->layout, &making->whole, &making->pages),
			 0);
	for (uint32_t i = 0; i < making->pages.n; i++)
		find_distances(&making->pages.page[i]);
	making->tables.lft = malloc(size + 1);
	assert_non_null(making->tables.lft);
	memset(making->tables.lft, RUBBISH, size);
	assert_int_equal(tables_fill(making->graph, &making->pages, &making->tables), 0);
}

/* ---- whole rows -------------------------------------------------------------------------------
 */

static void fill_alone(const struct making *making, uint32_t s, uint8_t *row)
{
	memset(row, ROUTE_NONE, making->tables.stride);
	for (uint32_t i = 0; i < making->pages.n; i++) {
		const struct page *page = &making->pages.page[i];
		AUTO(filler_freep) struct filler *filler = filler_new(page->layout, &page->block);

		assert_non_null(filler);
		filler_fill(filler, s, row);
	}
}

static void assert_rows_are_as_made_alone(const struct making *making)
{
	AUTO(freep) uint8_t *row = malloc(making->tables.stride + 1);

	for (uint32_t s = 0; s < making->graph->n_switches; s++) {
		fill_alone(making, s, row);
		assert_memory_equal(making->tables.lft + s * making->tables.stride, row,
				    making->tables.stride);
	}
}

/* How many rows of a page could be copied from the one before in the sequence. */
static unsigned count_copies(const struct making *making)
{
	const struct page *page = &making->pages.page[0];
	AUTO(filler_freep) struct filler *filler = filler_new(page->layout, &page->block);
	AUTO(freep) uint8_t *row = malloc(making->tables.stride + 1);
	unsigned n = 0;

	assert_non_null(filler);
	for (uint32_t i = 0; i < making->graph->n_switches; i++) {
		uint32_t s = page->layout->numbering.sequence[i];

		n += filler_may_copy(filler, s);
		filler_fill(filler, s, row);
	}

	return n;
}

static void assert_copies(struct made_graph *made, unsigned expected)
{
	AUTO(making_clear) struct making making = make(graph_of(made));

	fill(&making);
	assert_int_equal(count_copies(&making), expected);
	assert_rows_are_as_made_alone(&making);
}

/*
 * 8 pods of 4 leaves and 4 middle switches; 4 planes of 4 cores. The first leaf is the top of all
 * (apex.c), and so like no other.
 */
#define COPIES_IN_TREE (8 * 3 - 1 + 4 * 3)

static void leaves_of_a_pod_and_cores_of_a_plane_are_alike(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);

	(void)state;
	assert_copies(made, COPIES_IN_TREE);
	graph_shuffle_lids(made, 1);
	assert_copies(made, COPIES_IN_TREE);
	graph_set_lmc(made, 2);
	assert_copies(made, COPIES_IN_TREE);
}

static void who_lost_a_cable_is_like_nobody(void **state)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);

	(void)state;
	/* The second leaf of the second pod, and so the third has none before it that is alike. */
	graph_remove_cable(made, 5, 32 + 4);
	assert_copies(made, COPIES_IN_TREE - 2);
}

static void spoil(struct made_graph *made, unsigned seed)
{
	if (seed & 1)
		graph_shuffle_lids(made, seed);
	if (seed & 2)
		graph_shuffle_order(made, seed);
	if (seed & 4)
		graph_set_lmc(made, 1);
	if (seed & 8)
		graph_remove_links(made, 1 + seed / 16, seed);
	if (seed & 16)
		graph_add_hosts_on_spines(made, 1);
}

static void rows_are_as_made_alone_whatever_is_missing(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 96; seed++) {
		AUTO(graph_freep)
		struct made_graph *made = seed % 3 == 0 ? graph_make_ft2(8)
							: graph_make_ft3(6, seed % 3 == 1 ? 6 : 3);
		AUTO(making_clear) struct making making = { 0 };

		spoil(made, seed);
		making = make(graph_of(made));
		fill(&making);
		assert_rows_are_as_made_alone(&making);
	}
}

static void rows_are_as_made_alone_while_switches_are_away(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 48; seed++) {
		AUTO(graph_freep) struct made_graph *made = graph_make_ft3(6, 6);
		AUTO(making_clear) struct making making = { 0 };

		spoil(made, seed & 7);
		graph_set_away(made, seed * 7 % graph_of(made)->n_switches, true);
		if (seed & 1)
			graph_set_away(made, seed * 5 % graph_of(made)->n_switches, true);
		making = make(graph_of(made));
		fill(&making);
		assert_rows_are_as_made_alone(&making);
	}
}

/* ---- some columns -----------------------------------------------------------------------------
 */

/* LIDs of these columns alone are written, and as if all were. */
static void assert_columns(const struct making *making, uint32_t s, const uint64_t *columns)
{
	const struct page *page = &making->pages.page[0];
	const struct numbering *numbering = &page->layout->numbering;
	AUTO(filler_freep) struct filler *filler = filler_new(page->layout, &page->block);
	AUTO(freep) uint8_t *row = malloc(making->tables.stride + 1);
	AUTO(freep) uint8_t *want = malloc(making->tables.stride + 1);

	memset(row, RUBBISH, making->tables.stride);
	memset(want, RUBBISH, making->tables.stride);
	want[0] = ROUTE_NONE;
	for (uint32_t i = 0; i < page->block.n; i++) {
		const uint32_t *first = numbering->first + (size_t)TARGET_GROUP_COUNT * i;

		for (uint32_t t = first[0]; columns[i / 64] >> i % 64 & 1 && t < first[2]; t++) {
			uint16_t lid = numbering->targets[t].lid;

			want[lid] = making->tables.lft[s * making->tables.stride + lid];
		}
	}
	filler_fill_those(filler, s, columns, row);
	assert_memory_equal(row, want, making->tables.stride);
}

static void some_columns_are_filled_as_all_are(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (unsigned seed = 0; seed < 32; seed++) {
		AUTO(graph_freep) struct made_graph *made = graph_make_ft3(8, 8);
		AUTO(making_clear) struct making making = { 0 };
		uint64_t columns[HOPS_BLOCK / 64];

		spoil(made, seed & 15);
		making = make(graph_of(made));
		fill(&making);
		for (uint32_t s = 0; s < making.graph->n_switches; s++) {
			for (unsigned w = 0; w < COUNT(columns); w++)
				columns[w] = graph_random(&random) & graph_random(&random);
			if (s % 8 == 0)
				memset(columns, 0xff, sizeof(columns)); /* beyond the last, too */
			assert_columns(&making, s, columns);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_of_a_pod_and_cores_of_a_plane_are_alike),
		cmocka_unit_test(who_lost_a_cable_is_like_nobody),
		cmocka_unit_test(rows_are_as_made_alone_whatever_is_missing),
		cmocka_unit_test(rows_are_as_made_alone_while_switches_are_away),
		cmocka_unit_test(some_columns_are_filled_as_all_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
