/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A graph under construction is a list of cables and a list of ends, easy to change; graph_of()
 * turns them into the arrays that engines want. So a modifier never has to keep arrays consistent,
 * and what is built last is built from one place.
 *
 * Knows nothing of routing: whether a shape can be routed is for the engines to say. Net files are
 * in net-file.c, shapes in graph-shapes.c.
 */

#include "tests/common/graphs.h"
#include "tests/common/graphs-inside.h"

#include "base/macros.h"

#include <stdio.h>
#include <string.h>

enum { PORT_MAX = 254 };

static void *must(void *pointer)
{
	if (!pointer) {
		fputs("graphs: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

void graph_must_fit(bool fits, const char *what)
{
	if (!fits) {
		fprintf(stderr, "graphs: %s\n", what);
		abort();
	}
}

/* Room for one more of @size bytes each; doubles at powers of two. */
static void *grown(void *array, uint32_t n, size_t size)
{
	if (n && (n & (n - 1)))
		return array;
	return must(realloc(array, (n ? 2 * (size_t)n : 1) * size));
}

uint64_t graph_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void graph_shuffle_numbers(uint32_t *numbers, uint32_t n, uint64_t seed)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(graph_random(&seed) % i);
		uint32_t number = numbers[i - 1];

		numbers[i - 1] = numbers[j];
		numbers[j] = number;
	}
}

/* 0 to n - 1. */
uint32_t *graph_count_numbers(uint32_t n)
{
	uint32_t *numbers = must(calloc(n + 1, sizeof(*numbers)));

	for (uint32_t i = 0; i < n; i++)
		numbers[i] = i;
	return numbers;
}

/* ---- by hand --------------------------------------------------------------------------------- */

struct made_graph *graph_make_empty(void)
{
	struct made_graph *made = must(calloc(1, sizeof(*made)));

	made->stale = true;
	return made;
}

static void free_built(struct made_graph *made)
{
	free(made->arc_first);
	free(made->arcs);
	free(made->away);
	free(made->rest_first);
	free(made->rest_arcs);
	free(made->built_ends);
	free(made->order);
}

void graph_free(struct made_graph *made)
{
	if (!made)
		return;
	for (uint32_t s = 0; s < made->n_switches; s++)
		free(made->switches[s].name);
	free_built(made);
	free(made->switches);
	free(made->cables);
	free(made->ends);
	free(made->roots);
	free(made->dealt);
	free(made);
}

void graph_freep(struct made_graph **made)
{
	graph_free(*made);
}

bool graph_take_port(struct made_graph *made, uint32_t s, unsigned port)
{
	uint64_t *word = &made->switches[s].ports_used[port / 64];
	uint64_t bit = UINT64_C(1) << port % 64;

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static void give_port_back(struct made_graph *made, uint32_t s, unsigned port)
{
	made->switches[s].ports_used[port / 64] &= ~(UINT64_C(1) << port % 64);
}

/* 0: none. */
static uint8_t take_free_port(struct made_graph *made, uint32_t s)
{
	for (unsigned port = 1; port <= PORT_MAX; port++)
		if (graph_take_port(made, s, port))
			return (uint8_t)port;
	return 0;
}

void graph_put_end(struct made_graph *made, const struct end *end)
{
	made->ends = grown(made->ends, made->n_ends, sizeof(*made->ends));
	made->ends[made->n_ends++] = *end;
	made->stale = true;
}

void graph_put_cable(struct made_graph *made, const struct cable *cable)
{
	made->cables = grown(made->cables, made->n_cables, sizeof(*made->cables));
	made->cables[made->n_cables++] = *cable;
	made->stale = true;
}

uint32_t graph_add_switch(struct made_graph *made)
{
	uint32_t s = made->n_switches;
	struct end end = { .at = s, .device = made->n_devices++, .kind = END_SWITCH };

	made->switches = grown(made->switches, s, sizeof(*made->switches));
	made->switches[s] = (struct made_switch){ .order_key = s };
	made->n_switches++;
	graph_put_end(made, &end);
	return s;
}

void graph_add_cable(struct made_graph *made, uint32_t a, uint32_t b)
{
	uint8_t a_port = take_free_port(made, a);
	uint8_t b_port = take_free_port(made, b);
	struct cable cable = { { { a, a_port }, { b, b_port } } };

	graph_must_fit(a != b && a_port && b_port, "no port is free for a cable");
	graph_put_cable(made, &cable);
}

void graph_add_end(struct made_graph *made, uint32_t at, enum end_kind kind)
{
	struct end end = { .at = at, .device = made->n_devices++, .kind = (uint8_t)kind };

	end.port = take_free_port(made, at);
	graph_must_fit(end.port, "no port is free for an end");
	graph_put_end(made, &end);
}

void graph_add_hosts(struct made_graph *made, uint32_t at, unsigned n)
{
	while (n--)
		graph_add_end(made, at, END_HOST);
}

/* ---- what befalls them ----------------------------------------------------------------------- */

static void remove_cable(struct made_graph *made, uint32_t i)
{
	for (unsigned side = 0; side < 2; side++)
		give_port_back(made, made->cables[i].side[side].at,
			       made->cables[i].side[side].port);
	made->cables[i] = made->cables[--made->n_cables];
	made->stale = true;
}

void graph_remove_cable(struct made_graph *made, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < made->n_cables; i++) {
		const struct plug *side = made->cables[i].side;

		if ((side[0].at == a && side[1].at == b) || (side[0].at == b && side[1].at == a)) {
			remove_cable(made, i);
			return;
		}
	}
	graph_must_fit(false, "there is no such cable");
}

void graph_remove_links(struct made_graph *made, unsigned n, uint64_t seed)
{
	while (n-- && made->n_cables)
		remove_cable(made, (uint32_t)(graph_random(&seed) % made->n_cables));
}

static void renumber_after(struct made_graph *made, uint32_t s)
{
	for (uint32_t i = 0; i < made->n_ends; i++)
		made->ends[i].at -= made->ends[i].at > s;
	for (uint32_t i = 0; i < made->n_cables; i++)
		for (unsigned side = 0; side < 2; side++)
			made->cables[i].side[side].at -= made->cables[i].side[side].at > s;
}

void graph_remove_switch(struct made_graph *made, uint32_t s)
{
	uint32_t kept = 0;

	for (uint32_t i = made->n_cables; i-- > 0;)
		if (made->cables[i].side[0].at == s || made->cables[i].side[1].at == s)
			remove_cable(made, i);
	for (uint32_t i = 0; i < made->n_ends; i++)
		if (made->ends[i].at != s)
			made->ends[kept++] = made->ends[i];
	made->n_ends = kept;

	free(made->switches[s].name);
	memmove(&made->switches[s], &made->switches[s + 1],
		(made->n_switches - s - 1) * sizeof(*made->switches));
	made->n_switches--;
	renumber_after(made, s);
	graph_set_roots(made, NULL, 0);
}

void graph_remove_switches(struct made_graph *made, unsigned n, uint64_t seed)
{
	while (n-- && made->n_switches)
		graph_remove_switch(made, (uint32_t)(graph_random(&seed) % made->n_switches));
}

void graph_set_away(struct made_graph *made, uint32_t s, bool away)
{
	made->switches[s].is_away = away;
	made->stale = true;
}

void graph_multiply_cables(struct made_graph *made, unsigned times)
{
	uint32_t n = made->n_cables;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned more = 1; more < times; more++)
			graph_add_cable(made, made->cables[i].side[0].at,
					made->cables[i].side[1].at);
}

void graph_set_lmc(struct made_graph *made, uint8_t lmc)
{
	for (uint32_t i = 0; i < made->n_ends; i++)
		if (made->ends[i].kind == END_HOST || made->ends[i].kind == END_ROUTER)
			made->ends[i].lmc = lmc;
	made->stale = true;
}

void graph_join_devices(struct made_graph *made, unsigned n_ports, uint64_t seed)
{
	AUTO(freep) uint32_t *indices = graph_count_numbers(made->n_ends);
	uint32_t device = 0;
	uint32_t n = 0;

	if (seed)
		graph_shuffle_numbers(indices, made->n_ends, seed);
	for (uint32_t i = 0; i < made->n_ends; i++) {
		struct end *end = &made->ends[indices[i]];

		if (end->kind != END_HOST)
			continue;
		if (n++ % n_ports == 0)
			device = made->n_devices++;
		end->device = device;
	}
	made->stale = true;
}

void graph_add_aggregation(struct made_graph *made)
{
	for (uint32_t s = 0; s < made->n_switches; s++) {
		uint8_t port = take_free_port(made, s);

		if (!port)
			continue;
		give_port_back(made, s, port);
		graph_add_end(made, s, END_AGGREGATION);
	}
}

void graph_add_hosts_on_spines(struct made_graph *made, unsigned n)
{
	AUTO(freep) bool *has = must(calloc(made->n_switches + 1, sizeof(*has)));

	for (uint32_t i = 0; i < made->n_ends; i++)
		if (made->ends[i].kind == END_HOST)
			has[made->ends[i].at] = true;
	for (uint32_t s = 0; s < made->n_switches; s++)
		if (!has[s])
			graph_add_hosts(made, s, n);
}

void graph_shuffle_order(struct made_graph *made, uint64_t seed)
{
	for (uint32_t s = 0; s < made->n_switches; s++)
		made->switches[s].order_key = graph_random(&seed);
	made->stale = true;
}

void graph_set_lanes(struct made_graph *made, uint8_t n)
{
	made->n_lanes = n;
	made->stale = true;
}

void graph_set_roots(struct made_graph *made, const uint32_t *roots, uint32_t n)
{
	free(TAKE(made->roots));
	made->n_roots = n;
	made->stale = true;
	if (!n)
		return;
	made->roots = must(calloc(n, sizeof(*made->roots)));
	memcpy(made->roots, roots, n * sizeof(*made->roots));
}

/* ---- the arrays ------------------------------------------------------------------------------ */

static int compare_ends(const void *a, const void *b)
{
	const struct end *left = a;
	const struct end *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	return (left->port > right->port) - (left->port < right->port);
}

struct place {
	uint64_t key;
	uint32_t s;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a;
	const struct place *right = b;

	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return (left->s > right->s) - (left->s < right->s);
}

static void build_order(struct made_graph *made)
{
	AUTO(freep) struct place *places = must(calloc(made->n_switches + 1, sizeof(*places)));

	for (uint32_t s = 0; s < made->n_switches; s++)
		places[s] = (struct place){ made->switches[s].order_key, s };
	qsort(places, made->n_switches, sizeof(*places), compare_places);
	made->order = graph_count_numbers(made->n_switches);
	for (uint32_t i = 0; i < made->n_switches; i++)
		made->order[places[i].s] = i;
}

static int compare_arcs(const void *a, const void *b)
{
	const struct arc *left = a;
	const struct arc *right = b;

	return (left->port > right->port) - (left->port < right->port);
}

static void build_arcs(struct made_graph *made)
{
	uint32_t n_arcs = 2 * made->n_cables;
	AUTO(freep) uint32_t *next = NULL;

	made->arc_first = must(calloc(made->n_switches + 2, sizeof(*made->arc_first)));
	made->arcs = must(calloc(n_arcs + 1, sizeof(*made->arcs)));
	for (uint32_t i = 0; i < n_arcs; i++)
		made->arc_first[made->cables[i / 2].side[i % 2].at + 1]++;
	for (uint32_t s = 0; s < made->n_switches; s++)
		made->arc_first[s + 1] += made->arc_first[s];

	next = must(calloc(made->n_switches + 1, sizeof(*next)));
	for (uint32_t i = 0; i < n_arcs; i++) {
		const struct plug *from = &made->cables[i / 2].side[i % 2];
		const struct plug *to = &made->cables[i / 2].side[!(i % 2)];

		made->arcs[made->arc_first[from->at] + next[from->at]++] =
			(struct arc){ to->at, from->port, to->port };
	}
	for (uint32_t s = 0; s < made->n_switches; s++)
		qsort(made->arcs + made->arc_first[s], next[s], sizeof(*made->arcs), compare_arcs);
}

static void build_ends(struct made_graph *made)
{
	made->built_ends = must(calloc(made->n_ends + 1, sizeof(*made->built_ends)));
	if (made->n_ends)
		memcpy(made->built_ends, made->ends, made->n_ends * sizeof(*made->ends));
	qsort(made->built_ends, made->n_ends, sizeof(*made->built_ends), compare_ends);
	graph_give_lids(made);
}

/* Arcs between switches that are there. */
static uint32_t build_rest(struct made_graph *made)
{
	uint32_t n = 0;

	made->rest_first = must(calloc(made->n_switches + 2, sizeof(*made->rest_first)));
	made->rest_arcs = must(calloc(2 * made->n_cables + 1, sizeof(*made->rest_arcs)));
	for (uint32_t s = 0; s < made->n_switches; s++) {
		for (uint32_t a = made->arc_first[s]; a < made->arc_first[s + 1]; a++)
			if (!made->away[s] && !made->away[made->arcs[a].to])
				made->rest_arcs[n++] = made->arcs[a];
		made->rest_first[s + 1] = n;
	}

	return n;
}

/* The graph is one of those who are there, if some are away. */
static void leave_out_away(struct made_graph *made)
{
	bool any = false;

	made->away = must(calloc(made->n_switches + 1, sizeof(*made->away)));
	for (uint32_t s = 0; s < made->n_switches; s++)
		any |= made->away[s] = made->switches[s].is_away;
	made->whole = made->graph;
	made->graph.n_arcs = build_rest(made);
	if (!any)
		return;
	made->graph.arc_first = made->rest_first;
	made->graph.arcs = made->rest_arcs;
	made->graph.away = made->away;
	made->graph.whole = &made->whole;
}

const struct graph *graph_of(struct made_graph *made)
{
	struct graph *graph = &made->graph;

	if (!made->stale)
		return graph;
	free_built(made);
	build_arcs(made);
	build_ends(made);
	build_order(made);
	graph->n_switches = made->n_switches;
	graph->n_arcs = 2 * made->n_cables;
	graph->n_ends = made->n_ends;
	graph->arc_first = made->arc_first;
	graph->arcs = made->arcs;
	graph->ends = made->built_ends;
	graph->order = made->order;
	graph->roots = made->roots;
	graph->n_roots = made->n_roots;
	graph->n_lanes = made->n_lanes;
	graph->away = NULL;
	graph->whole = NULL;
	leave_out_away(made);
	made->stale = false;
	return graph;
}

const char *graph_switch_name(const struct made_graph *made, uint32_t s)
{
	return made->switches[s].name;
}
