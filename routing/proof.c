/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The proof that tables may be programmed: from every switch every LID is reached, no packet comes
 * to a switch twice, and no set of packets can wait for each other in a circle. It believes no
 * engine: it looks at every entry, and any byte in a table is at worst a finding.
 *
 * A packet holds the buffer of the cable that it came by while it waits for the cable that it
 * leaves by. Vertices of the dependency graph are thus the directed cables between switches (arcs),
 * edges the pairs of them that some packet uses one after the other; the fabric can lock up only
 * if that graph has a cycle (Dally and Seitz). Packets are those for any LID, sent by what hangs on
 * a switch. What switches themselves send from port 0 is left out: it is a trickle, and in any tree
 * the way from spine to spine leads down and up again.
 *
 * Tables hold tens of millions of entries, so LIDs are taken 64 at a time, as one word (which bit
 * is which LID: planes.h). For each arc, "flow" says which of the 64 leave by it; the LIDs that
 * packets of hosts carry to a switch ("used") spread along the arcs as ands and ors of words. In
 * the usual case that is all, because
 *  - a pair of switch and LID that is used and on a loop shows up as a cycle of dependencies;
 *  - a pair that is not used needs a look of its own: settle_unused();
 *  - if no packet loops and every entry leads on or to the LID's own port, every packet arrives.
 * Whatever is odd goes LID by LID through audit_lid(), which counts exactly and takes longer.
 *
 * A pair on a loop, or whose packets end on one, counts as missing too: it does not arrive. First
 * offences are those of the lowest LID, among them of the lowest switch.
 *
 * Virtual lanes are not known here: all traffic is taken to share one.
 */

#include "routing/engine.h"
#include "routing/cycle.h"
#include "routing/planes.h"
#include "routing/turns.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	LIDS = 65536,
	BLOCK = 64,      /* LIDs at a time */
	AHEAD = 8,       /* switches whose entries are asked for before their turn */
	SWEEPS_MAX = 16, /* of settle_unused(), before audit_lid() has to look */
	NOWHERE = UINT32_MAX,
};

/* What becomes of a packet for the LID at hand that is at a switch. */
enum fate { FATE_UNKNOWN, FATE_ON_ITS_WAY, FATE_ARRIVES, FATE_LOST, FATE_LOOPS };

struct trial {
	const struct graph *graph;
	const struct tables *tables;
	struct proof *proof;

	/* The graph, as it is needed here. A "turn" is an arc's place among those of its switch. */
	uint8_t *turn_of_port; /* [switch * 256 + port]; the number of arcs if there is none */
	uint32_t *component;   /* [switch] */
	bool *has_senders;     /* [switch] */
	uint32_t *lid_at;      /* [LID]: switch or NOWHERE */
	uint8_t *lid_port;     /* [LID] */

	/* What was found of all LIDs: [arc * turn_words], turns at the far end of the arc. */
	uint64_t *turns;
	uint32_t turn_words;
	uint64_t *audited; /* [LID / 64] */

	/* The block of LIDs at hand. */
	uint32_t first;    /* LID */
	uint64_t assigned; /* LIDs of the block that are somebody's */
	uint64_t *flow;    /* [arc]: LIDs that leave by it */
	uint64_t *onward;  /* [switch]: LIDs that leave by an arc, whichever */
	uint8_t *entries;  /* [switch * 64 + i]: of LID first + i */
	uint64_t *exits;   /* [switch]: turns that some LID takes, modulo 64 */
	uint64_t *home;    /* [switch]: LIDs that leave by their own port */
	uint64_t *needed;  /* [component]: LIDs that are in it */
	uint64_t *used;    /* [switch] */
	uint64_t *fresh; /* [switch]: used, and the switches behind do not know yet; or unsettled */
	uint32_t *queue; /* [switch] */
	uint8_t *fate;   /* [switch] */
};

static void trial_clear(struct trial *trial)
{
	free(trial->turn_of_port);
	free(trial->component);
	free(trial->has_senders);
	free(trial->lid_at);
	free(trial->lid_port);
	free(trial->turns);
	free(trial->audited);
	free(trial->flow);
	free(trial->onward);
	free(trial->entries);
	free(trial->exits);
	free(trial->home);
	free(trial->needed);
	free(trial->used);
	free(trial->fresh);
	free(trial->queue);
	free(trial->fate);
}

static int trial_allocate(struct trial *trial)
{
	size_t n = trial->graph->n_switches;
	size_t n_arcs = trial->graph->n_arcs;

	trial->turn_of_port = calloc(n + 1, 256);
	trial->component = calloc(n + 1, sizeof(*trial->component));
	trial->has_senders = calloc(n + 1, sizeof(*trial->has_senders));
	trial->lid_at = calloc(LIDS, sizeof(*trial->lid_at));
	trial->lid_port = calloc(LIDS, sizeof(*trial->lid_port));
	trial->turns = calloc(n_arcs + 1, trial->turn_words * sizeof(*trial->turns));
	trial->audited = calloc(LIDS / BLOCK, sizeof(*trial->audited));
	trial->flow = calloc(n_arcs + 1, sizeof(*trial->flow));
	trial->onward = calloc(n + 1, sizeof(*trial->onward));
	trial->entries = calloc(n + 1, BLOCK);
	trial->exits = calloc(n + 1, sizeof(*trial->exits));
	trial->home = calloc(n + 1, sizeof(*trial->home));
	trial->needed = calloc(n + 1, sizeof(*trial->needed));
	trial->used = calloc(n + 1, sizeof(*trial->used));
	trial->fresh = calloc(n + 1, sizeof(*trial->fresh));
	trial->queue = calloc(n + 1, sizeof(*trial->queue));
	trial->fate = calloc(n + 1, sizeof(*trial->fate));

	if (!trial->turn_of_port || !trial->component || !trial->has_senders || !trial->lid_at ||
	    !trial->lid_port || !trial->turns || !trial->audited || !trial->flow ||
	    !trial->onward || !trial->entries || !trial->exits || !trial->home || !trial->needed ||
	    !trial->used || !trial->fresh || !trial->queue || !trial->fate)
		return -ENOMEM;
	return 0;
}

/* ---- the graph ------------------------------------------------------------------------------- */

static void flood_component(struct trial *trial, uint32_t start)
{
	const struct graph *graph = trial->graph;
	uint32_t head = 0;
	uint32_t tail = 0;

	trial->component[start] = start;
	trial->queue[tail++] = start;
	while (head < tail) {
		uint32_t s = trial->queue[head++];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t to = graph->arcs[a].to;

			if (trial->component[to] != NOWHERE)
				continue;
			trial->component[to] = start;
			trial->queue[tail++] = to;
		}
	}
}

static void learn_components(struct trial *trial)
{
	for (uint32_t s = 0; s < trial->graph->n_switches; s++)
		trial->component[s] = NOWHERE;
	for (uint32_t s = 0; s < trial->graph->n_switches; s++)
		if (trial->component[s] == NOWHERE)
			flood_component(trial, s);
}

static void learn_ends(struct trial *trial)
{
	for (uint32_t lid = 0; lid < LIDS; lid++)
		trial->lid_at[lid] = NOWHERE;
	for (uint32_t i = 0; i < trial->graph->n_ends; i++) {
		const struct end *end = &trial->graph->ends[i];
		uint32_t past = MIN(end->lid + (UINT32_C(1) << end->lmc), (uint32_t)LIDS);

		if (!end->lid)
			continue;
		for (uint32_t lid = end->lid; lid < past; lid++) {
			trial->lid_at[lid] = end->at;
			trial->lid_port[lid] = end->port;
		}
	}
}

/* ---- one block of LIDs ----------------------------------------------------------------------- */

/* The tables end before this block. */
static void load_nothing(struct trial *trial)
{
	const struct graph *graph = trial->graph;

	memset(trial->flow, 0, graph->n_arcs * sizeof(*trial->flow));
	memset(trial->onward, 0, graph->n_switches * sizeof(*trial->onward));
	memset(trial->exits, 0, graph->n_switches * sizeof(*trial->exits));
	memset(trial->entries, ROUTE_NONE, (size_t)graph->n_switches * BLOCK);
}

/* Entries of one switch. */
static void load_switch(struct trial *trial, uint32_t s, const uint8_t *entries)
{
	const struct graph *graph = trial->graph;
	const struct arc *arcs = graph->arcs + graph->arc_first[s];
	uint64_t *flow = trial->flow + graph->arc_first[s];
	uint32_t n = graph_degree(graph, s);
	struct planes planes;
	uint64_t onward = 0;
	uint64_t exits = 0;

	memcpy(trial->entries + (size_t)s * BLOCK, entries, BLOCK);
	planes_load(entries, &planes);
	for (uint32_t i = 0; i < n; i++) {
		flow[i] = planes_equal(&planes, arcs[i].port);
		onward |= flow[i];
		exits |= (uint64_t)(flow[i] != 0) << i % 64;
	}
	trial->onward[s] = onward;
	trial->exits[s] = exits;
}

/* Rows are thousands of bytes apart: no processor guesses the next by itself. */
static void load_entries(struct trial *trial)
{
	const struct tables *tables = trial->tables;
	const uint8_t *entries = tables->lft + trial->first;
	uint32_t n = trial->graph->n_switches;

	if (trial->first + BLOCK > tables->stride) {
		load_nothing(trial);
		return;
	}
	for (uint32_t s = 0; s < n; s++) {
		if (s + AHEAD < n)
			__builtin_prefetch(entries + AHEAD * tables->stride);
		load_switch(trial, s, entries);
		entries += tables->stride;
	}
}

/* Which LIDs there are, where they are needed, and where they rightly leave the fabric. */
static void load_lids(struct trial *trial)
{
	const struct tables *tables = trial->tables;
	size_t n = trial->graph->n_switches;

	memset(trial->home, 0, n * sizeof(*trial->home));
	memset(trial->needed, 0, n * sizeof(*trial->needed));
	trial->assigned = 0;
	for (uint32_t i = 0; i < BLOCK; i++) {
		uint32_t lid = trial->first + i;
		uint32_t at = trial->lid_at[lid];
		uint64_t bit = UINT64_C(1) << planes_bit(i);

		if (at == NOWHERE)
			continue;
		trial->assigned |= bit;
		trial->needed[trial->component[at]] |= bit;
		if (lid < tables->stride &&
		    tables->lft[at * tables->stride + lid] == trial->lid_port[lid])
			trial->home[at] |= bit;
	}
}

/* False if nobody has a LID of this block. */
static bool load_block(struct trial *trial, uint32_t first)
{
	trial->first = first;
	load_lids(trial);
	if (trial->assigned)
		load_entries(trial);
	return trial->assigned;
}

/* Packets for @lids, all of which go on from @to, come there by arc @a: what they wait for. */
static void note_turns(struct trial *trial, uint32_t a, uint32_t to, uint64_t lids)
{
	const uint8_t *entries = trial->entries + (size_t)to * BLOCK;
	const uint8_t *turn_of_port = trial->turn_of_port + (size_t)to * 256;
	uint64_t *turns = trial->turns + (size_t)a * trial->turn_words;

	/* Most blocks teach nothing new. */
	if (trial->turn_words == 1 && !(trial->exits[to] & ~*turns))
		return;
	for (; lids; lids &= lids - 1) {
		uint8_t turn = turn_of_port[entries[planes_bit((unsigned)__builtin_ctzll(lids))]];

		turns[turn / 64] |= UINT64_C(1) << turn % 64;
	}
}

/* Packets for @lids are at @s: along its arcs, and who learns of it. */
static uint32_t push_used(struct trial *trial, uint32_t s, uint64_t lids, uint32_t tail)
{
	const struct graph *graph = trial->graph;
	const uint64_t *flow = trial->flow + graph->arc_first[s];
	uint32_t n = graph_degree(graph, s);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t a = graph->arc_first[s] + i;
		uint64_t going = flow[i] & lids;
		uint32_t to = graph->arcs[a].to;
		uint64_t gain;

		if (!going)
			continue;
		if (going & trial->onward[to])
			note_turns(trial, a, to, going & trial->onward[to]);
		gain = going & ~trial->used[to];
		if (!gain)
			continue;
		if (!trial->fresh[to])
			trial->queue[tail++ % graph->n_switches] = to;
		trial->used[to] |= gain;
		trial->fresh[to] |= gain;
	}
	return tail;
}

/* Follow what hosts send to all LIDs of the block; a switch is in the queue at most once. */
static void spread_used(struct trial *trial)
{
	uint32_t n = trial->graph->n_switches;
	uint32_t head = 0;
	uint32_t tail = 0;

	for (uint32_t s = 0; s < n; s++) {
		trial->used[s] = trial->has_senders[s] ? trial->assigned : 0;
		trial->fresh[s] = trial->used[s];
		if (trial->fresh[s])
			trial->queue[tail++] = s;
	}
	while (head != tail) {
		uint32_t s = trial->queue[head++ % n];
		uint64_t lids = trial->fresh[s];

		trial->fresh[s] = 0;
		tail = push_used(trial, s, lids, tail);
	}
}

/* One pass over the @n switches in the queue that have unsettled pairs; how many remain. */
static uint32_t sweep_unused(struct trial *trial, uint32_t n)
{
	const struct graph *graph = trial->graph;
	uint32_t kept = 0;

	for (uint32_t q = 0; q < n; q++) {
		uint32_t s = trial->queue[q];
		const uint64_t *flow = trial->flow + graph->arc_first[s];
		uint64_t settled = 0;

		for (uint32_t i = 0; i < graph_degree(graph, s); i++)
			settled |= flow[i] & ~trial->fresh[graph->arcs[graph->arc_first[s] + i].to];
		trial->fresh[s] &= ~settled;
		if (trial->fresh[s])
			trial->queue[kept++] = s;
	}
	return kept;
}

/*
 * Pairs that no host's packets use: settled once the next switch is used or settled, or there is no
 * next. Those of a loop never are. Returns LIDs that are not settled, after a loop or a long way.
 */
static uint64_t settle_unused(struct trial *trial)
{
	const struct graph *graph = trial->graph;
	uint64_t unsettled = 0;
	uint32_t n = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		uint64_t ends = ~trial->onward[s];

		trial->fresh[s] = trial->assigned & ~trial->used[s] & ~ends;
		if (trial->fresh[s])
			trial->queue[n++] = s;
	}
	for (unsigned sweep = 0; n && sweep < SWEEPS_MAX; sweep++)
		n = sweep_unused(trial, n);
	for (uint32_t q = 0; q < n; q++)
		unsettled |= trial->fresh[trial->queue[q]];
	return unsettled;
}

/* LIDs for which packets are dropped somewhere whence a way leads. */
static uint64_t find_dropped(const struct trial *trial)
{
	const struct graph *graph = trial->graph;
	uint64_t dropped = 0;

	for (uint32_t s = 0; s < graph->n_switches; s++)
		dropped |= ~trial->onward[s] & ~trial->home[s] & trial->needed[trial->component[s]];
	return dropped;
}

/* ---- one LID, exactly ------------------------------------------------------------------------ */

/* The switch that packets for the LID of @bit go to from @s, or NOWHERE and their fate at @s. */
static uint32_t next_switch(const struct trial *trial, uint32_t s, unsigned bit,
			    enum fate *ret_fate)
{
	const struct graph *graph = trial->graph;
	uint8_t port = trial->entries[(size_t)s * BLOCK + planes_bit(bit)];
	uint8_t turn = trial->turn_of_port[(size_t)s * 256 + port];

	if (turn < graph_degree(graph, s))
		return graph->arcs[graph->arc_first[s] + turn].to;
	*ret_fate = trial->home[s] >> bit & 1 ? FATE_ARRIVES : FATE_LOST;
	return NOWHERE;
}

/* @s is on a loop: the lowest of the switches on it. */
static uint32_t lowest_on_loop(const struct trial *trial, uint32_t s, unsigned bit)
{
	enum fate unused;
	uint32_t lowest = s;

	for (uint32_t at = next_switch(trial, s, bit, &unused); at != s && at != NOWHERE;
	     at = next_switch(trial, at, bit, &unused))
		lowest = MIN(lowest, at);
	return lowest;
}

static void note_loop(struct trial *trial, uint32_t s, unsigned bit)
{
	struct proof *proof = trial->proof;
	uint32_t lid = trial->first + planes_bit(bit);
	uint32_t lowest = lowest_on_loop(trial, s, bit);

	if (proof->loop_free || lid < proof->loop_lid ||
	    (lid == proof->loop_lid && lowest < proof->loop_switch)) {
		proof->loop_lid = (uint16_t)lid;
		proof->loop_switch = lowest;
	}
	proof->loop_free = false;
}

static void note_missing(struct trial *trial, uint32_t s, unsigned bit)
{
	struct proof *proof = trial->proof;
	uint32_t lid = trial->first + planes_bit(bit);

	if (proof->complete || lid < proof->missing_lid ||
	    (lid == proof->missing_lid && s < proof->missing_switch)) {
		proof->missing_lid = (uint16_t)lid;
		proof->missing_switch = s;
	}
	proof->complete = false;
	proof->n_missing++;
}

/* Go from @s to where the fate is known; on the way back everybody shares it. */
static void find_fate(struct trial *trial, uint32_t s, unsigned bit)
{
	enum fate fate = FATE_UNKNOWN;
	uint32_t at = s;

	while (at != NOWHERE && trial->fate[at] == FATE_UNKNOWN) {
		trial->fate[at] = FATE_ON_ITS_WAY;
		at = next_switch(trial, at, bit, &fate);
	}
	if (at != NOWHERE && trial->fate[at] == FATE_ON_ITS_WAY) {
		note_loop(trial, at, bit);
		fate = FATE_LOOPS;
	} else if (at != NOWHERE) {
		fate = trial->fate[at];
	}
	for (at = s; at != NOWHERE && trial->fate[at] == FATE_ON_ITS_WAY;) {
		enum fate unused;

		trial->fate[at] = (uint8_t)fate;
		at = next_switch(trial, at, bit, &unused);
	}
}

static void audit_lid(struct trial *trial, unsigned bit)
{
	uint32_t n = trial->graph->n_switches;

	memset(trial->fate, FATE_UNKNOWN, n);
	for (uint32_t s = 0; s < n; s++) {
		if (trial->fate[s] == FATE_UNKNOWN)
			find_fate(trial, s, bit);
		if (trial->fate[s] != FATE_ARRIVES && trial->needed[trial->component[s]] >> bit & 1)
			note_missing(trial, s, bit);
	}
}

/* Those of @lids in the block at hand that were not audited before. */
static void audit_lids(struct trial *trial, uint64_t lids)
{
	uint64_t *audited = &trial->audited[trial->first / BLOCK];

	lids &= ~*audited;
	*audited |= lids;
	for (; lids; lids &= lids - 1)
		audit_lid(trial, (unsigned)__builtin_ctzll(lids));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void try_blocks(struct trial *trial)
{
	for (uint32_t first = 0; first <= trial->graph->max_lid; first += BLOCK) {
		if (!load_block(trial, first))
			continue;
		spread_used(trial);
		audit_lids(trial, settle_unused(trial) | find_dropped(trial));
	}
}

/* Pairs that hosts use were taken not to loop, as there would be a cycle; and there is one. */
static void try_used(struct trial *trial)
{
	memset(trial->used, 0, trial->graph->n_switches * sizeof(*trial->used));
	for (uint32_t first = 0; first <= trial->graph->max_lid; first += BLOCK)
		if (load_block(trial, first))
			audit_lids(trial, settle_unused(trial));
}

static void note_cycle(struct proof *proof, const struct cycle *cycle)
{
	proof->deadlock_free = false;
	proof->cycle_length = cycle->length;
	proof->cycle_switch = cycle->at;
	proof->cycle_port = cycle->port;
}

/* A copy of what was found, for who wants to build on it. */
static int copy_turns(const struct trial *trial, struct turns *ret)
{
	size_t size = ((size_t)trial->graph->n_arcs + 1) * trial->turn_words;

	ret->bits = malloc(size * sizeof(*ret->bits));
	if (!ret->bits)
		return -ENOMEM;
	memcpy(ret->bits, trial->turns, size * sizeof(*ret->bits));
	ret->words = trial->turn_words;
	return 0;
}

int proof_check(const struct graph *graph, const struct tables *tables, struct proof *ret,
		struct turns *ret_turns)
{
	struct cycle cycle;
	struct proof proof = { .complete = true, .loop_free = true, .deadlock_free = true };
	AUTO(turns_clear) struct turns turns = { 0 };
	AUTO(trial_clear)
	struct trial trial = {
		.graph = graph, .tables = tables, .proof = &proof, .turn_words = turns_words(graph)
	};
	int r = trial_allocate(&trial);

	if (r)
		return r;
	turns_of_ports(graph, trial.turn_of_port);
	turns_find_senders(graph, trial.has_senders);
	learn_components(&trial);
	learn_ends(&trial);
	try_blocks(&trial);
	r = ret_turns ? copy_turns(&trial, &turns) : 0;
	if (!r)
		r = cycle_find(graph, trial.turns, trial.turn_words, NULL, &cycle);
	if (r)
		return r;
	if (cycle.length) {
		note_cycle(&proof, &cycle);
		try_used(&trial);
	}
	*ret = proof;
	if (ret_turns)
		*ret_turns = (struct turns){ TAKE(turns.bits), turns.words };
	return 0;
}
