/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How long routing takes, and how good the routes are. For each fabric and engine:
 *
 *   route, proof  median milliseconds of one thread; LIDs are in random order
 *   efi, ebb, hops  see quality.h: routes on the most used cable, and how many times the average;
 *                 effective bisection bandwidth; cables on the way
 *   lanes         virtual lanes that are used, of eight
 *
 * And what it takes to get from tables to others, when one cable is lost and when it is back:
 *
 *   trans         median milliseconds until it is known what is to be withdrawn, and what waits
 *   changed, out  LIDs that lose or change a way somewhere, and those of them that are withdrawn
 *   order, rounds those for which the order counts, and the rounds that there are because of them
 *   blocks, more  blocks that are written at least, and those more because LIDs are withdrawn
 *
 * And the same changes by what is known of before (again.c, again-proof.c), a cable lost and back
 * in turn, and switches that go and come back: least and median milliseconds for the tables and for
 * their proof, entries that change, and blocks of other switches than those that came or went. On
 * several lanes a host that goes and comes back.
 *
 * Usage: bench-routing [runs]; further fabrics are the .net files in the folder $VSM_FABRICS.
 */

#include "routing/past.h"
#include "routing/transition.h"
#include "tests/bench/quality.h"
#include "tests/common/graphs.h"

#include "base/macros.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RUNS_MAX = 99 };

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double least(const double *values, unsigned n)
{
	double ret = values[0];

	for (unsigned i = 1; i < n; i++)
		ret = MIN(ret, values[i]);

	return ret;
}

static double median(double *values, unsigned n)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[n / 2];
}

/* ---- the table ----------------------------------------------------------------------------------
 */

static int route_in(const struct engine *engine, const struct graph *graph, struct tables *tables,
		    struct lanes *ret)
{
	const char *why;

	return engine->route_in_lanes ? engine->route_in_lanes(graph, tables, ret, &why, NULL)
				      : engine->route(graph, tables, &why, NULL);
}

static void print_row(const char *fabric, const struct graph *graph, const struct engine *engine,
		      unsigned runs)
{
	struct tables tables = { .stride = tables_stride(graph) };
	double route_ms[RUNS_MAX];
	double proof_ms[RUNS_MAX];
	struct proof proof = { 0 };
	struct quality quality = { 0 };
	struct lanes lanes = { 0 };

	tables.lft = malloc(graph->n_switches * tables.stride);
	for (unsigned i = 0; i < runs; i++) {
		double start = now_ms();
		double routed;

		lanes_clear(&lanes);
		if (route_in(engine, graph, &tables, &lanes)) {
			free(tables.lft);
			return;
		}
		routed = now_ms();
		if (proof_check_lanes(graph, &tables, &lanes, &proof, NULL))
			return;
		route_ms[i] = routed - start;
		proof_ms[i] = now_ms() - routed;
	}
	if (proof.complete && proof.loop_free)
		quality = quality_of(graph, &tables);
	printf("%-22s %5u %6u  %-7s %8.2f %8.2f  %9.0f %6.2f  %5.3f  %4.2f  %u %s\n", fabric,
	       graph->n_switches, graph->n_ends, engine->name, median(route_ms, runs),
	       median(proof_ms, runs), quality.efi_max, quality.efi_ratio, quality.ebb,
	       quality.hops, MAX(lanes.n, 1),
	       !proof.complete        ? "NOT COMPLETE"
	       : !proof.loop_free     ? "LOOP"
	       : !proof.deadlock_free ? "may deadlock"
				      : "proven");
	fflush(stdout);
	lanes_clear(&lanes);
	free(tables.lft);
}

/* Frees @made. */
static void print_fabric(const char *fabric, struct made_graph *made, unsigned runs)
{
	graph_shuffle_lids(made, 1);
	graph_shuffle_order(made, 2);
	graph_set_lanes(made, LANES_MAX);
	for (unsigned i = 0; engines[i]; i++) /* ftree is updn; trees need no lanes */
		if (engines[i] != &engine_lanes || strncmp(fabric, "tree", 4) != 0)
			print_row(fabric, graph_of(made), engines[i], runs);
	graph_free(made);
}

static struct made_graph *damaged(struct made_graph *made, unsigned links, unsigned switches)
{
	graph_remove_switches(made, switches, 3);
	graph_remove_links(made, links, 4);
	return made;
}

/* ---- from tables to tables ----------------------------------------------------------------------
 */

struct change {
	const struct graph *graph; /* after it */
	const struct tables *before;
	const struct tables *after;
	const struct transition *transition;
};

/* The block of 64 LIDs from @first on at switch @s: does it change; does it lose withdrawn LIDs? */
static void look_at_block(const struct change *change, uint32_t s, uint32_t first, unsigned *blocks,
			  unsigned *more)
{
	const uint8_t *held = change->before->lft + s * change->before->stride + first;
	const uint8_t *planned = change->after->lft + s * change->after->stride + first;
	uint64_t withdrawn =
		change->transition->withdrawn ? change->transition->withdrawn[first / 64] : 0;
	bool loses = false;

	for (unsigned i = 0; i < 64; i++)
		loses |= (withdrawn >> i & 1) && held[i] != planned[i] && held[i] != ROUTE_NONE;
	*blocks += memcmp(held, planned, 64) != 0;
	*more += loses;
}

static void print_change(const char *what, const struct change *change, double trans_ms,
			 double proof_ms)
{
	unsigned blocks = 0, more = 0;

	for (uint32_t s = 0; s < change->graph->n_switches; s++)
		for (uint32_t first = 0; first < change->after->stride; first += 64)
			look_at_block(change, s, first, &blocks, &more);
	printf("%-32s %8.2f %8.2f  %7u %6u %6u %6u  %6u %6u\n", what, trans_ms, proof_ms,
	       change->transition->n_changed, change->transition->n_withdrawn,
	       change->transition->n_ordered, change->transition->rounds.last + 1u, blocks, more);
	fflush(stdout);
}

static int route_with(const struct engine *engine, const struct graph *graph, struct tables *ret)
{
	const char *why;

	*ret = (struct tables){ .stride = tables_stride(graph) };
	ret->lft = malloc(graph->n_switches * ret->stride);
	return engine->route(graph, ret, &why, NULL);
}

static void print_way(const char *what, const struct graph *graph, const struct tables *before,
		      const struct tables *after, unsigned runs)
{
	double trans_ms[RUNS_MAX], proof_ms[RUNS_MAX];
	struct transition transition = { 0 };

	for (unsigned i = 0; i < runs; i++) {
		AUTO(turns_clear) struct turns turns = { 0 };
		struct proof proof;
		double start = now_ms();
		double proven;

		transition_clear(&transition);
		if (proof_check(graph, after, &proof, &turns))
			return;
		proven = now_ms();
		if (transition_plan(graph, before, after, &turns, &transition))
			return;
		proof_ms[i] = proven - start;
		trans_ms[i] = now_ms() - proven;
	}
	print_change(what, &(struct change){ graph, before, after, &transition },
		     median(trans_ms, runs), median(proof_ms, runs));
	transition_clear(&transition);
}

/* 11,664 hosts, with LIDs as a subnet manager gives them. */
static struct made_graph *make_tree_as_given(void)
{
	struct made_graph *made = graph_make_ft3(36, 36);

	graph_deal_lids(made);

	return made;
}

/*
 * The same fabric twice, one of them with a cable less, LIDs as they are or shuffled. Frees both.
 */
static void print_loss(const char *fabric, struct made_graph *whole, struct made_graph *made,
		       uint64_t seed, bool shuffled, unsigned runs)
{
	const struct engine *engine = &engine_updn;
	struct tables before = { 0 }, after = { 0 };
	char what[64];

	if (shuffled) {
		graph_shuffle_lids(whole, 1);
		graph_shuffle_lids(made, 1);
	}
	graph_remove_links(made, 1, seed);
	if (!route_with(engine, graph_of(whole), &before) &&
	    !route_with(engine, graph_of(made), &after)) {
		snprintf(what, sizeof(what), "%s, cable lost", fabric);
		print_way(what, graph_of(made), &before, &after, runs);
		snprintf(what, sizeof(what), "%s, and back", fabric);
		print_way(what, graph_of(whole), &after, &before, runs);
	}
	free(before.lft);
	free(after.lft);
	graph_free(whole);
	graph_free(made);
}

static void print_losses(unsigned runs)
{
	printf("\n%-32s %8s %8s  %7s %6s %6s %6s  %6s %6s\n", "change", "trans ms", "proof ms",
	       "changed", "out", "order", "rounds", "blocks", "more");
	for (uint64_t seed = 1; seed <= 4; seed++)
		print_loss("tree 2 x 36", graph_make_ft2(36), graph_make_ft2(36), seed, true, runs);
	for (uint64_t seed = 1; seed <= 6; seed++) {
		print_loss("tree 3 x 36", graph_make_ft3(36, 36), graph_make_ft3(36, 36), seed,
			   true, runs);
		print_loss("same, LIDs as given", make_tree_as_given(), make_tree_as_given(), seed,
			   false, runs);
	}
	print_loss("torus 6x6x6", graph_make_torus(6, 6, 6, 4), graph_make_torus(6, 6, 6, 4), 1,
		   true, runs);
}

/* ---- again --------------------------------------------------------------------------------------
 */

/* Tables and proof of one more change. False: it was not done again. */
static bool time_again(const struct graph *graph, struct past *past, struct tables *tables,
		       struct turns *turns, struct patch *patch, double ret_ms[2])
{
	AUTO(layout_clear) struct layout layout = { 0 };
	struct turns proven;
	double start = now_ms(), made;

	patch->n = 0;
	if (tables_again(graph, past, tables, &layout, patch) != 1)
		return false;
	made = now_ms();
	if (proof_again(graph, past, tables, patch, turns, &proven) != 1)
		return false;
	ret_ms[1] = now_ms() - made;
	ret_ms[0] = made - start;
	turns_clear(turns);
	*turns = proven;

	return past_take(past->engine, graph, &layout, past) == 0;
}

/* Blocks of the patch at switches that are there before and after. */
static unsigned count_blocks(const struct patch *patch, const struct graph *less, size_t stride)
{
	AUTO(freep) bool *is_in = calloc(less->n_switches * stride / 64 + 1, sizeof(*is_in));
	unsigned n = 0;

	for (uint32_t i = 0; is_in && i < patch->n; i++) {
		const struct patch_entry *entry = &patch->entry[i];
		size_t block = (entry->row * stride + entry->lid) / 64;

		n += !is_in[block] && !graph_is_away(less, entry->row);
		is_in[block] = true;
	}

	return n;
}

static void print_again(const char *fabric, const struct graph *whole, const struct graph *less,
			unsigned runs)
{
	AUTO(past_clear) struct past past = { 0 };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(patch_clear) struct patch patch = { 0 };
	struct tables tables = { .stride = tables_stride(whole) };
	struct route_result result;
	double tables_ms[RUNS_MAX], proof_ms[RUNS_MAX], ms[2] = { 0 };
	bool done;

	tables.lft = malloc(whole->n_switches * tables.stride);
	done = !route_fabric("auto", whole, &tables, &result, &turns, &past);
	for (unsigned i = 0; done && i < runs; i++) {
		done = time_again(i % 2 ? whole : less, &past, &tables, &turns, &patch, ms);
		tables_ms[i] = ms[0];
		proof_ms[i] = ms[1];
	}
	if (done)
		printf("%-32s %8.2f %8.2f %8.2f %8.2f  %7u  %6u\n", fabric, least(tables_ms, runs),
		       median(tables_ms, runs), least(proof_ms, runs), median(proof_ms, runs),
		       patch.n, count_blocks(&patch, less, tables.stride));
	else
		printf("%-32s from scratch\n", fabric);
	fflush(stdout);
	free(tables.lft);
}

static void print_switch(const char *what, uint32_t s, bool shuffled, unsigned runs)
{
	AUTO(graph_freep) struct made_graph *whole = make_tree_as_given();
	AUTO(graph_freep) struct made_graph *less = make_tree_as_given();

	if (shuffled) {
		graph_shuffle_lids(whole, 1);
		graph_shuffle_lids(less, 1);
	}
	graph_set_away(less, s, true);
	print_again(what, graph_of(whole), graph_of(less), MIN(RUNS_MAX, 4 * runs));
}

/* The last host goes and comes, on several lanes. Frees @made. */
static void print_host(const char *what, struct made_graph *made, unsigned runs)
{
	AUTO(past_clear) struct past past = { 0 };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(patch_clear) struct patch patch = { 0 };
	struct graph whole, less;
	struct tables tables;
	struct route_result result;
	double ms[RUNS_MAX];
	bool done;

	graph_set_lanes(made, LANES_MAX);
	whole = less = *graph_of(made);
	less.n_ends--;
	tables = (struct tables){ .stride = tables_stride(&whole) };
	tables.lft = malloc(whole.n_switches * tables.stride);
	done = !route_fabric("auto", &whole, &tables, &result, &turns, &past);
	for (unsigned i = 0; done && i < runs; i++) {
		double start = now_ms();

		patch.n = 0;
		done = route_again("auto", i % 2 ? &whole : &less, &past, &tables, &turns,
				   &patch) == 1;
		ms[i] = now_ms() - start;
	}
	if (done)
		printf("a host, %-24s %8.2f %8.2f  tables and proof, least and median\n", what,
		       least(ms, runs), median(ms, runs));
	lanes_clear(&result.lanes);
	free(tables.lft);
	graph_free(made);
}

static void print_agains(unsigned runs)
{
	printf("\n%-32s %8s %8s %8s %8s  %7s  %6s\n", "lost and back, tree 3 x 36", "tables",
	       "median", "proof", "median", "entries", "blocks");
	for (uint64_t seed = 1; seed <= 6; seed++) {
		AUTO(graph_freep) struct made_graph *whole = graph_make_ft3(36, 36);
		AUTO(graph_freep) struct made_graph *less = graph_make_ft3(36, 36);

		graph_shuffle_lids(whole, 1);
		graph_shuffle_lids(less, 1);
		graph_remove_links(less, 1, seed);
		print_again("a cable", graph_of(whole), graph_of(less), MIN(RUNS_MAX, 4 * runs));
	}
	print_switch("a leaf", 100, true, runs);
	print_switch("a middle switch", 748, true, runs);
	print_switch("a core", 1396, true, runs);
	print_switch("a leaf, LIDs as given", 100, false, runs);
	print_switch("a middle switch, LIDs as given", 748, false, runs);
	print_switch("a middle switch of the first pod", 648, false, runs);
	print_switch("a core, LIDs as given", 1396, false, runs);
	print_host("torus 6x6x6", graph_make_torus(6, 6, 6, 4), MIN(RUNS_MAX, 4 * runs));
	print_host("torus 10x10x10", graph_make_torus(10, 10, 10, 2), MIN(RUNS_MAX, 4 * runs));
	print_host("dragonfly 8 4 4", graph_make_dragonfly(8, 4, 4), MIN(RUNS_MAX, 4 * runs));
	print_host("random 125, 7", graph_make_random(125, 7, 8, 1), MIN(RUNS_MAX, 4 * runs));
}

static void print_net_files(const char *folder, unsigned runs)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char path[4096];
		struct made_graph *made;
		unsigned line;

		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (strlen(name) > 4 && !strcmp(name + strlen(name) - 4, ".net")) {
			if (graph_read_net(path, &made, &line))
				printf("%s: line %u makes no sense\n", path, line);
			else
				print_fabric(name, made, runs);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	unsigned runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;

	runs = MAX(1, MIN(runs, RUNS_MAX));
	printf("%-22s %5s %6s  %-7s %8s %8s  %9s %6s  %5s  %4s\n", "fabric", "sw", "ends", "engine",
	       "route ms", "proof ms", "efi max", "ratio", "ebb", "hops");
	print_fabric("tree 2 x 36", graph_make_ft2(36), runs);
	print_fabric("tree 3 x 24", graph_make_ft3(24, 24), runs);
	print_fabric("tree 3 x 24, -1 cable", damaged(graph_make_ft3(24, 24), 1, 0), runs);
	print_fabric("tree 3 x 24, -1 switch", damaged(graph_make_ft3(24, 24), 0, 1), runs);
	print_fabric("tree 3 x 24, -1 %", damaged(graph_make_ft3(24, 24), 69, 0), runs);
	print_fabric("tree 3 x 24, -5 %", damaged(graph_make_ft3(24, 24), 345, 0), runs);
	print_fabric("tree 3 x 36, half", graph_make_ft3(36, 18), runs);
	print_fabric("tree 3 x 36", graph_make_ft3(36, 36), runs);
	print_fabric("torus 6x6x6", graph_make_torus(6, 6, 6, 4), runs);
	print_fabric("torus 10x10x10", graph_make_torus(10, 10, 10, 2), runs);
	print_fabric("dragonfly 8 4 4", graph_make_dragonfly(8, 4, 4), runs);
	print_fabric("hyperx 12x8", graph_make_hyperx(12, 8, 7), runs);
	print_fabric("random 125, 7", graph_make_random(125, 7, 8, 1), runs);
	print_losses(runs);
	print_agains(runs);
	if (getenv("VSM_FABRICS"))
		print_net_files(getenv("VSM_FABRICS"), runs);
	return 0;
}
