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
#include "routing/past.h"
#include "routing/turns.h"

#include "base/array.h"
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
	size_t n_lids;     /* there is room for */
	uint32_t *at;      /* [LID]: the switch that it is at, or NOWHERE, */
	uint8_t *port;     /* and where it leaves that */

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
	free(trial->port);
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
	trial->n_lids = MAX(trial->tables->stride, tables_stride(graph));
	trial->at = malloc(trial->n_lids * sizeof(*trial->at));
	trial->port = malloc(trial->n_lids);
	trial->turn_of_port = malloc(n * 256);
	trial->exit = malloc(n * sizeof(*trial->exit));
	trial->n_from = malloc(n * sizeof(*trial->n_from));
	trial->levels = malloc(n);
	trial->queue = malloc(n * sizeof(*trial->queue));
	return trial->lanes_of && trial->at && trial->port && trial->turn_of_port && trial->exit &&
			       trial->n_from && trial->levels && trial->queue
		       ? 0
		       : -ENOMEM;
}

static void find_lids(const struct lanes_trial *trial)
{
	const struct graph *graph = trial->graph;

	memset(trial->at, 0xff, trial->n_lids * sizeof(*trial->at));
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		for (uint32_t lid = end->lid; lid < end->lid + (UINT32_C(1) << end->lmc); lid++) {
			trial->at[lid] = end->at;
			trial->port[lid] = end->port;
		}
	}
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

/* Returns how many switches were come to, all but those on loops. */
static uint32_t try_lid(struct lanes_trial *trial)
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
	return tail;
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

int proof_check_past(const struct graph *graph, const struct tables *tables,
		     const struct lanes *lanes, struct proof *ret, struct turns *ret_turns,
		     struct past *past)
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
	if (!r && past && past->engine)
		past->turn_lanes = TAKE(trial.lanes_of);
	return r;
}

int proof_check_lanes(const struct graph *graph, const struct tables *tables,
		      const struct lanes *lanes, struct proof *ret, struct turns *ret_turns)
{
	return proof_check_past(graph, tables, lanes, ret, ret_turns, NULL);
}

/* ---- LIDs that come, go and move ----------------------------------------------------------------
 */

/* From everywhere, and without a loop? Who is on its own, or in a part of its own, is not believed.
 */
static bool arrives(struct lanes_trial *trial, uint32_t lid)
{
	const struct tables *tables = trial->tables;
	uint32_t at = trial->at[lid];

	load_lid(trial, lid);
	for (uint32_t s = 0; s < trial->graph->n_switches; s++)
		if ((trial->exit[s] == NOWHERE) != (s == at) && graph_degree(trial->graph, s))
			return false;
	return lid < tables->stride && tables->lft[at * tables->stride + lid] == trial->port[lid] &&
	       try_lid(trial) == trial->graph->n_switches;
}

/* Those that are at other places than before, or to which other ways lead. */
static int find_suspects(const struct lanes_trial *trial, const struct past *past,
			 const struct patch *patch, bool **ret)
{
	bool *suspect = malloc(trial->n_lids);

	if (!suspect)
		return -ENOMEM;
	for (uint32_t lid = 0; lid < trial->n_lids; lid++)
		suspect[lid] = trial->at[lid] != NOWHERE;
	for (uint32_t e = 0; e < past->n_ends; e++) {
		const struct end *end = &past->ends[e];

		for (uint32_t lid = end->lid; lid < end->lid + (UINT32_C(1) << end->lmc); lid++)
			suspect[lid] = trial->at[lid] != NOWHERE &&
				       (trial->at[lid] != end->at || trial->port[lid] != end->port);
	}
	for (uint32_t i = 0; i < patch->n; i++)
		suspect[patch->entry[i].lid] = trial->at[patch->entry[i].lid] != NOWHERE;
	*ret = suspect;
	return 0;
}

/* Turns of before stay, also of LIDs that are nobody's any more: more is forbidden than has to be.
 */
static int prove_suspects(struct lanes_trial *trial, const struct past *past, const bool *suspect)
{
	size_t size = trial->graph->n_arcs * (size_t)trial->width;
	struct proof proof;
	int r = 0;

	memcpy(trial->lanes_of, past->turn_lanes, size);
	for (uint32_t lid = 0; lid < trial->n_lids; lid++)
		if (suspect[lid] && !arrives(trial, lid))
			return 0;
	if (memcmp(trial->lanes_of, past->turn_lanes, size) == 0)
		return 1;
	r = find_cycle(trial, &proof);
	return r < 0 ? r : proof.deadlock_free;
}

int proof_columns_again(const struct graph *graph, struct past *past, const struct tables *tables,
			const struct patch *patch, struct turns *turns)
{
	AUTO(trial_clear)
	struct lanes_trial trial = { .graph = graph, .tables = tables, .lanes = &past->lanes };
	AUTO(turns_clear) struct turns now = { 0 };
	AUTO(freep) bool *suspect = NULL;
	AUTO(freep) struct end *ends = array_copy(graph->ends, graph->n_ends, sizeof(*ends));
	int r = ends ? trial_allocate(&trial) : -ENOMEM;

	if (r)
		return r;
	turns_of_ports(graph, trial.turn_of_port);
	find_lids(&trial);
	r = find_suspects(&trial, past, patch, &suspect);
	if (!r)
		r = prove_suspects(&trial, past, suspect);
	if (r > 0 && take_turns(&trial, 0, &now) < 0)
		r = -ENOMEM;
	if (r <= 0)
		return r;
	turns_clear(turns);
	*turns = (struct turns){ TAKE(now.bits), now.words };
	free(past->turn_lanes);
	past->turn_lanes = TAKE(trial.lanes_of);
	free(past->ends);
	past->ends = TAKE(ends);
	past->n_ends = graph->n_ends;
	return 1;
}
