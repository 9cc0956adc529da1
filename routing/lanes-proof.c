/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The proof for several lanes: on each of them by itself, packets cannot wait for each other in a
 * circle. A packet keeps its lane from switch to switch, so nothing on one lane waits for another,
 * and the dependencies of each are searched for a cycle as those of the one lane are in proof.c.
 *
 * All switches send, to every LID: what hangs on them, and they themselves from port 0, on the
 * level that the pair of switches has. Only that level; who sends on another is not part of the
 * proof. LIDs are taken one by one, by number, as they lie in tables. From the switches to which
 * nobody sends on, inward: each adds its own level to those that have come there, and hands all on
 * to the next.
 *
 * That tables are complete and have no loop is proof.c's to say. Here a loop does no harm: nobody
 * on it is ever come to.
 */

#include "routing/cycle.h"
#include "routing/engine.h"
#include "routing/turns.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { NOWHERE = UINT32_MAX };

struct lanes_trial {
	const struct graph *graph;
	const struct tables *tables;
	const struct lanes *lanes;
	uint8_t *turn_of_port;
	uint32_t width;    /* turns of one arc */
	uint8_t *lanes_of; /* [arc * width + turn]: lanes that it is taken on, a bit each */
	uint32_t *at;      /* [LID]: the switch that it is at, or NOWHERE */

	/* The LID at hand. */
	uint32_t *exit;   /* [switch]: the arc that packets leave by, or NOWHERE */
	uint32_t *n_from; /* [switch]: switches that send on to it and were not looked at yet */
	uint8_t *levels;  /* [switch]: of packets that were sent or came there */
	uint32_t *queue;
};

static void trial_clear(struct lanes_trial *trial)
{
	free(trial->turn_of_port);
	free(trial->lanes_of);
	free(trial->at);
	free(trial->exit);
	free(trial->n_from);
	free(trial->levels);
	free(trial->queue);
}

static int trial_allocate(struct lanes_trial *trial)
{
	const struct graph *graph = trial->graph;
	size_t n = graph->n_switches + (size_t)1;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		trial->width = MAX(trial->width, graph_degree(graph, s));
	trial->lanes_of = calloc(graph->n_arcs + (size_t)1, MAX(trial->width, 1));
	trial->at = malloc((graph->max_lid + (size_t)1) * sizeof(*trial->at));
	trial->turn_of_port = malloc(n * 256);
	trial->exit = malloc(n * sizeof(*trial->exit));
	trial->n_from = malloc(n * sizeof(*trial->n_from));
	trial->levels = malloc(n);
	trial->queue = malloc(n * sizeof(*trial->queue));
	return trial->lanes_of && trial->at && trial->turn_of_port && trial->exit &&
			       trial->n_from && trial->levels && trial->queue
		       ? 0
		       : -ENOMEM;
}

static void find_lids(const struct lanes_trial *trial)
{
	const struct graph *graph = trial->graph;

	memset(trial->at, 0xff, (graph->max_lid + (size_t)1) * sizeof(*trial->at));
	for (uint32_t e = 0; e < graph->n_ends; e++)
		for (uint32_t i = 0; i < UINT32_C(1) << graph->ends[e].lmc; i++)
			trial->at[graph->ends[e].lid + i] = graph->ends[e].at;
}

static void load_lid(struct lanes_trial *trial, uint32_t lid)
{
	const struct graph *graph = trial->graph;
	const struct tables *tables = trial->tables;

	memset(trial->n_from, 0, graph->n_switches * sizeof(*trial->n_from));
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint8_t port =
			lid < tables->stride ? tables->lft[s * tables->stride + lid] : ROUTE_NONE;
		uint8_t turn = trial->turn_of_port[(size_t)s * 256 + port];

		trial->levels[s] = (uint8_t)(1u << lanes_sl(trial->lanes, trial->at[lid], s));
		trial->exit[s] = NOWHERE;
		if (turn >= graph_degree(graph, s))
			continue;
		trial->exit[s] = graph->arc_first[s] + turn;
		trial->n_from[graph->arcs[trial->exit[s]].to]++;
	}
}

/* Packets leave @s for @to, and what they wait for there. */
static void send_on(struct lanes_trial *trial, uint32_t s, uint32_t to)
{
	uint32_t onward = trial->exit[to];

	if (onward != NOWHERE)
		trial->lanes_of[(size_t)trial->exit[s] * trial->width + onward -
				trial->graph->arc_first[to]] |= trial->levels[s];
	trial->levels[to] |= trial->levels[s];
}

static void try_lid(struct lanes_trial *trial)
{
	const struct graph *graph = trial->graph;
	uint32_t tail = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		if (!trial->n_from[s])
			trial->queue[tail++] = s;
	for (uint32_t head = 0; head < tail; head++) {
		uint32_t s = trial->queue[head], to;

		if (trial->exit[s] == NOWHERE)
			continue;
		to = graph->arcs[trial->exit[s]].to;
		send_on(trial, s, to);
		if (--trial->n_from[to] == 0)
			trial->queue[tail++] = to;
	}
}

static int take_turns(const struct lanes_trial *trial, unsigned lane, struct turns *ret)
{
	const struct graph *graph = trial->graph;

	ret->words = turns_words(graph);
	ret->bits = calloc(graph->n_arcs + (size_t)1, ret->words * sizeof(*ret->bits));
	if (!ret->bits)
		return -ENOMEM;
	for (uint32_t a = 0; a < graph->n_arcs; a++)
		for (uint32_t turn = 0; turn < trial->width; turn++)
			if (trial->lanes_of[(size_t)a * trial->width + turn] >> lane & 1)
				turns_put(ret, a, turn);
	return 0;
}

/* Looking for one uses turns up. */
static int find_cycle_on(const struct lanes_trial *trial, unsigned lane, struct cycle *ret)
{
	AUTO(turns_clear) struct turns turns = { 0 };
	int r = take_turns(trial, lane, &turns);

	return r ? r : cycle_find(trial->graph, turns.bits, turns.words, NULL, ret);
}

/* Of the first lane that has one. */
static int find_cycle(const struct lanes_trial *trial, struct proof *proof)
{
	for (unsigned l = 0; l < trial->lanes->n; l++) {
		struct cycle cycle;
		int r = find_cycle_on(trial, l, &cycle);

		if (r)
			return r;
		if (!cycle.length)
			continue;
		proof->deadlock_free = false;
		proof->cycle_length = cycle.length;
		proof->cycle_switch = cycle.at;
		proof->cycle_port = cycle.port;
		proof->cycle_lane = (uint8_t)l;
		return 0;
	}
	proof->deadlock_free = true;
	proof->cycle_length = 0;
	return 0;
}

/* Does it say of each pair, both ways, what there is? */
static bool is_sound(const struct graph *graph, const struct lanes *lanes)
{
	if (lanes->n > LANES_MAX || lanes->n_switches != graph->n_switches)
		return false;
	for (uint32_t a = 0; a < graph->n_switches; a++)
		for (uint32_t b = a; b < graph->n_switches; b++)
			if (lanes_sl(lanes, a, b) >= lanes->n ||
			    lanes_sl(lanes, a, b) != lanes_sl(lanes, b, a))
				return false;
	return true;
}

int proof_check_lanes(const struct graph *graph, const struct tables *tables,
		      const struct lanes *lanes, struct proof *ret, struct turns *ret_turns)
{
	AUTO(trial_clear)
	struct lanes_trial trial = { .graph = graph, .tables = tables, .lanes = lanes };
	AUTO(turns_clear) struct turns turns = { 0 };
	int r;

	if (!lanes->sl)
		return proof_check(graph, tables, ret, ret_turns);
	r = proof_check(graph, tables, ret, NULL);
	if (r)
		return r;
	ret->deadlock_free = false;
	if (!is_sound(graph, lanes))
		return 0;
	r = trial_allocate(&trial);
	if (r)
		return r;
	turns_of_ports(graph, trial.turn_of_port);
	find_lids(&trial);
	for (uint32_t lid = 0; lid <= graph->max_lid; lid++) {
		if (trial.at[lid] == NOWHERE)
			continue;
		load_lid(&trial, lid);
		try_lid(&trial);
	}
	r = ret_turns ? take_turns(&trial, 0, &turns) : 0;
	if (!r)
		r = find_cycle(&trial, ret);
	if (!r && ret_turns)
		*ret_turns = (struct turns){ TAKE(turns.bits), turns.words };
	return r;
}
