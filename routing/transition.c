/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From tables to other tables. Both may be proven, and a mixture of them is not: while some
 * switches have the old entries and some the new, packets may go in circles, or fill cables that
 * wait for each other. As nobody can write all tables at one moment, LIDs whose ways might get
 * entangled are withdrawn: they have no entry where it changes until the old ones are gone
 * everywhere. Packets for them are dropped meanwhile, which transports repair; a deadlock they do
 * not.
 *
 * Why that holds. While LIDs are withdrawn, each entry is the old one or none: that adds nothing to
 * what the old tables do. While the new tables are written, entries of withdrawn LIDs are none or
 * new, which adds nothing to the new tables; all other LIDs were looked at with every switch having
 * both entries at once, which is more than any mixture:
 *  - none of them has a loop, from any switch;
 *  - all turns that packets of hosts can take to them, old, new and mixed, together with all turns
 *    of the new tables have no cycle (see proof.c for what that means).
 * Packets that are under way with an old entry when LIDs are withdrawn are taken to have arrived,
 * or to be dropped, when all switches have acknowledged that.
 *
 * The turns are those of the proof to begin with, and arcs are kept in an order in which every turn
 * leads forward. LIDs whose entries change are taken one by one; each turn that is not among the
 * known ones is tried: one that leads forward is welcome, one that leads backward moves behind its
 * first arc what can be reached from its second, between the two; if that meets the first arc,
 * there would be a cycle, and the turn is refused for good. A LID that needs a refused turn is
 * withdrawn. So the work goes by the number of LIDs that change, and what comes out depends on
 * nothing but the tables.
 *
 * An entry that leads to a port without an arc (an end, a cable that is out) leads nowhere.
 */

#include "routing/transition.h"
#include "routing/cycle.h"
#include "routing/turns.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	LIDS = 65536,
	BLOCK = 64, /* LIDs at a time */
	AHEAD = 8,  /* switches whose entries are asked for before their turn */
	NOWHERE = UINT32_MAX,
};

enum side { HELD, PLANNED, SIDES };

/* A place on a path of switches. */
struct step {
	uint32_t at;
	unsigned side; /* to look at next */
};

struct change {
	const struct graph *graph;
	const struct tables *tables[SIDES];
	uint8_t *turn_of_port; /* see turns_of_ports() */
	bool *has_senders;     /* [switch] */
	uint32_t *reverse;     /* [arc]: the same cable the other way */

	/* Turns that there may be at the same time, and arcs in an order that fits. */
	struct turns turns;
	struct turns refused;
	uint32_t *arcs;  /* in order */
	uint32_t *place; /* [arc]: where in the order */
	uint32_t *found; /* arcs */
	uint32_t *moved; /* arcs */
	uint32_t *seen;  /* [arc]: the search that found it last */
	uint32_t n_searches;

	/* The block of LIDs at hand. */
	uint8_t *entries[SIDES]; /* [switch * 64 + i]: of its i-th LID */
	uint64_t *changes;       /* [switch]: LIDs that lose or change their way here */
	uint32_t *active;        /* switches where some do */
	uint32_t n_active;
	uint32_t *visited; /* [switch]: 2 n of the n-th search: on the path, 2 n + 1: done */
	uint32_t n_visits;
	struct step *path;
	uint32_t *queue; /* [switch] */
};

static void change_clear(struct change *change)
{
	free(change->turn_of_port);
	free(change->has_senders);
	free(change->reverse);
	turns_clear(&change->turns);
	turns_clear(&change->refused);
	free(change->arcs);
	free(change->place);
	free(change->found);
	free(change->moved);
	free(change->seen);
	for (unsigned side = 0; side < SIDES; side++)
		free(change->entries[side]);
	free(change->changes);
	free(change->active);
	free(change->visited);
	free(change->path);
	free(change->queue);
}

static int change_allocate(struct change *change, uint32_t words)
{
	size_t n = change->graph->n_switches + (size_t)1;
	size_t n_arcs = change->graph->n_arcs + (size_t)1;

	change->turn_of_port = calloc(n, 256);
	change->has_senders = calloc(n, sizeof(*change->has_senders));
	change->reverse = calloc(n_arcs, sizeof(*change->reverse));
	change->turns = (struct turns){ calloc(n_arcs, words * sizeof(uint64_t)), words };
	change->refused = (struct turns){ calloc(n_arcs, words * sizeof(uint64_t)), words };
	change->arcs = calloc(n_arcs, sizeof(*change->arcs));
	change->place = calloc(n_arcs, sizeof(*change->place));
	change->found = calloc(n_arcs, sizeof(*change->found));
	change->moved = calloc(n_arcs, sizeof(*change->moved));
	change->seen = calloc(n_arcs, sizeof(*change->seen));
	for (unsigned side = 0; side < SIDES; side++)
		change->entries[side] = calloc(n, BLOCK);
	change->changes = calloc(n, sizeof(*change->changes));
	change->active = calloc(n, sizeof(*change->active));
	change->visited = calloc(n, sizeof(*change->visited));
	change->path = calloc(n, sizeof(*change->path));
	change->queue = calloc(n, sizeof(*change->queue));

	if (!change->turn_of_port || !change->has_senders || !change->reverse ||
	    !change->turns.bits || !change->refused.bits || !change->arcs || !change->place ||
	    !change->found || !change->moved || !change->seen || !change->entries[HELD] ||
	    !change->entries[PLANNED] || !change->changes || !change->active || !change->visited ||
	    !change->path || !change->queue)
		return -ENOMEM;
	return 0;
}

static void learn_graph(struct change *change)
{
	const struct graph *graph = change->graph;

	turns_of_ports(graph, change->turn_of_port);
	turns_find_senders(graph, change->has_senders);
	for (uint32_t a = 0; a < graph->n_arcs; a++) {
		const struct arc *arc = &graph->arcs[a];

		change->reverse[a] = graph->arc_first[arc->to] +
				     change->turn_of_port[(size_t)arc->to * 256 + arc->to_port];
	}
}

/* An order in which the turns of the proof lead forward; its search uses up a copy of them. */
static int learn_turns(struct change *change, const struct turns *turns)
{
	size_t size = (size_t)change->graph->n_arcs * turns->words * sizeof(*turns->bits);
	struct cycle cycle;
	int r;

	memcpy(change->turns.bits, turns->bits, size);
	r = cycle_find(change->graph, change->turns.bits, turns->words, change->arcs, &cycle);
	if (r)
		return r;
	if (cycle.length)
		return -EINVAL;
	memcpy(change->turns.bits, turns->bits, size);
	for (uint32_t i = 0; i < change->graph->n_arcs; i++)
		change->place[change->arcs[i]] = i;
	return 0;
}

/* ---- turns --------------------------------------------------------------------------------------
 */

/* What can be reached from arc @from, @from too, before the place of @to; false if @to can. */
static bool find_behind(struct change *change, uint32_t from, uint32_t to)
{
	const struct graph *graph = change->graph;
	uint32_t words = change->turns.words;
	uint32_t n = 0;

	change->n_searches++;
	change->seen[from] = change->n_searches;
	change->found[n++] = from;
	while (n) {
		uint32_t a = change->found[--n];

		for (uint32_t w = 0; w < words; w++) {
			uint64_t bits = change->turns.bits[(size_t)a * words + w];

			for (; bits; bits &= bits - 1) {
				uint32_t turn = w * 64 + (uint32_t)__builtin_ctzll(bits);
				uint32_t next = graph->arc_first[graph->arcs[a].to] + turn;

				if (next == to)
					return false;
				if (change->place[next] > change->place[to] ||
				    change->seen[next] == change->n_searches)
					continue;
				change->seen[next] = change->n_searches;
				change->found[n++] = next;
			}
		}
	}
	return true;
}

static void put_at(struct change *change, uint32_t arc, uint32_t place)
{
	change->arcs[place] = arc;
	change->place[arc] = place;
}

/* What was found from place @first on goes behind place @last, all else closes ranks. */
static void move_behind(struct change *change, uint32_t first, uint32_t last)
{
	uint32_t n_moved = 0;

	for (uint32_t place = first; place <= last; place++) {
		uint32_t arc = change->arcs[place];

		if (change->seen[arc] == change->n_searches)
			change->moved[n_moved++] = arc;
		else
			put_at(change, arc, place - n_moved);
	}
	for (uint32_t i = 0; i < n_moved; i++)
		put_at(change, change->moved[i], last + 1 - n_moved + i);
}

/* May packets that come by @arc wait for the @turn-th behind it? */
static bool admit_turn(struct change *change, uint32_t arc, uint32_t turn)
{
	uint32_t next = change->graph->arc_first[change->graph->arcs[arc].to] + turn;

	if (turns_have(&change->turns, arc, turn))
		return true;
	if (turns_have(&change->refused, arc, turn))
		return false;
	if (change->place[next] < change->place[arc]) {
		if (!find_behind(change, next, arc)) {
			turns_put(&change->refused, arc, turn);
			return false;
		}
		move_behind(change, change->place[next], change->place[arc]);
	}
	turns_put(&change->turns, arc, turn);
	return true;
}

/* ---- one LID ------------------------------------------------------------------------------------
 */

/* The arc by which switch @s sends LID @i of the block on, or NOWHERE. */
static uint32_t arc_of(const struct change *change, unsigned side, uint32_t s, unsigned i)
{
	uint8_t port = change->entries[side][(size_t)s * BLOCK + i];
	uint32_t turn = change->turn_of_port[(size_t)s * 256 + port];

	return turn < graph_degree(change->graph, s) ? change->graph->arc_first[s] + turn : NOWHERE;
}

/* Depth first from switch @start: does it run into a loop? */
static bool loops_from(struct change *change, uint32_t start, unsigned i)
{
	uint32_t on_path = 2 * change->n_visits;
	uint32_t length = 0;

	change->path[length++] = (struct step){ .at = start };
	change->visited[start] = on_path;
	while (length) {
		struct step *step = &change->path[length - 1];
		uint32_t arc, to;

		if (step->side == SIDES) {
			change->visited[step->at] = on_path + 1;
			length--;
			continue;
		}
		arc = arc_of(change, step->side++, step->at, i);
		if (arc == NOWHERE)
			continue;
		to = change->graph->arcs[arc].to;
		if (change->visited[to] == on_path)
			return true;
		if (change->visited[to] == on_path + 1)
			continue;
		change->visited[to] = on_path;
		change->path[length++] = (struct step){ .at = to };
	}
	return false;
}

/* The planned tables have no loop, so one would lead through a switch that changes. */
static bool has_loop(struct change *change, unsigned i)
{
	change->n_visits++;
	for (uint32_t s = 0; s < change->graph->n_switches; s++)
		if (change->changes[s] >> i & 1 && change->visited[s] != 2 * change->n_visits + 1 &&
		    loops_from(change, s, i))
			return true;
	return false;
}

/* Packets come to a switch by @arc: are all their turns there admitted? */
static bool admit_arrival(struct change *change, uint32_t arc, unsigned i)
{
	uint32_t at = change->graph->arcs[arc].to;

	for (unsigned side = 0; side < SIDES; side++) {
		uint32_t next = arc_of(change, side, at, i);

		if (next != NOWHERE &&
		    !admit_turn(change, arc, next - change->graph->arc_first[at]))
			return false;
	}
	return true;
}

/* Does switch @u send the LID out by @arc, old or new? */
static bool sends_by(const struct change *change, uint32_t u, uint32_t arc, unsigned i)
{
	return arc_of(change, HELD, u, i) == arc || arc_of(change, PLANNED, u, i) == arc;
}

/* Do packets of hosts ever come to switch @start? Against the arrows, until one is found. */
static bool is_used(struct change *change, uint32_t start, unsigned i)
{
	const struct graph *graph = change->graph;
	uint32_t tail = 0;

	if (change->has_senders[start])
		return true;
	change->n_visits++;
	change->visited[start] = 2 * change->n_visits;
	change->queue[tail++] = start;
	for (uint32_t head = 0; head < tail; head++) {
		uint32_t s = change->queue[head];

		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t u = graph->arcs[a].to;

			if (change->visited[u] == 2 * change->n_visits ||
			    !sends_by(change, u, change->reverse[a], i))
				continue;
			if (change->has_senders[u])
				return true;
			change->visited[u] = 2 * change->n_visits;
			change->queue[tail++] = u;
		}
	}
	return false;
}

/* Packets come to switch @s, whose entry changes: all their turns there. */
static bool admit_arrivals(struct change *change, uint32_t s, unsigned i)
{
	const struct graph *graph = change->graph;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t u = graph->arcs[a].to;
		uint32_t arc = change->reverse[a];

		if (sends_by(change, u, arc, i) && is_used(change, u, i) &&
		    !admit_arrival(change, arc, i))
			return false;
	}
	return true;
}

/* Packets leave switch @s by its old entry: all their turns from there on. */
static bool admit_departures(struct change *change, uint32_t s, unsigned i)
{
	const struct graph *graph = change->graph;
	uint32_t arc = arc_of(change, HELD, s, i);
	uint32_t tail = 0;

	change->n_visits++;
	if (arc != NOWHERE) {
		if (!admit_arrival(change, arc, i))
			return false;
		change->queue[tail++] = graph->arcs[arc].to;
		change->visited[graph->arcs[arc].to] = 2 * change->n_visits;
	}
	for (uint32_t head = 0; head < tail; head++) {
		for (unsigned side = 0; side < SIDES; side++) {
			arc = arc_of(change, side, change->queue[head], i);
			if (arc == NOWHERE)
				continue;
			if (!admit_arrival(change, arc, i))
				return false;
			if (change->visited[graph->arcs[arc].to] == 2 * change->n_visits)
				continue;
			change->visited[graph->arcs[arc].to] = 2 * change->n_visits;
			change->queue[tail++] = graph->arcs[arc].to;
		}
	}
	return true;
}

/*
 * All turns of what hosts send, with both entries at every switch. Those that are not the planned
 * tables' own are at a switch that changes, or behind its old entry.
 */
static bool admit_turns(struct change *change, unsigned i)
{
	for (uint32_t n = 0; n < change->n_active; n++) {
		uint32_t s = change->active[n];

		if (!(change->changes[s] >> i & 1) || !is_used(change, s, i))
			continue;
		if (!admit_arrivals(change, s, i) || !admit_departures(change, s, i))
			return false;
	}
	return true;
}

/* ---- the whole ----------------------------------------------------------------------------------
 */

/* 64 entries of switch @s from LID @first on, or as many of @none. */
static const uint8_t *entries_at(const struct tables *tables, uint32_t s, uint32_t first)
{
	static const uint8_t none[BLOCK] = { [0 ... BLOCK - 1] = ROUTE_NONE };

	return first + BLOCK <= tables->stride ? tables->lft + s * tables->stride + first : none;
}

/* A bit for each block in which some switch holds other entries than it is to hold. */
static void find_blocks(const struct change *change, uint64_t *ret)
{
	const struct tables *held = change->tables[HELD];
	uint32_t end = (uint32_t)MIN(held->stride, (size_t)LIDS);

	for (uint32_t s = 0; s < change->graph->n_switches; s++)
		for (uint32_t first = 0; first < end; first += BLOCK)
			if (memcmp(entries_at(held, s, first),
				   entries_at(change->tables[PLANNED], s, first), BLOCK) != 0)
				ret[first / BLOCK / 64] |= UINT64_C(1) << first / BLOCK % 64;
}

/* Its LIDs that lose or change a way somewhere. */
static uint64_t load_block(struct change *change, uint32_t first)
{
	uint64_t all = 0;

	change->n_active = 0;
	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		const uint8_t *held = entries_at(change->tables[HELD], s, first);
		const uint8_t *planned = entries_at(change->tables[PLANNED], s, first);
		uint64_t changes = 0;

		if (s + AHEAD < change->graph->n_switches) {
			__builtin_prefetch(entries_at(change->tables[HELD], s + AHEAD, first));
			__builtin_prefetch(entries_at(change->tables[PLANNED], s + AHEAD, first));
		}
		memcpy(change->entries[HELD] + (size_t)s * BLOCK, held, BLOCK);
		memcpy(change->entries[PLANNED] + (size_t)s * BLOCK, planned, BLOCK);
		for (unsigned i = 0; i < BLOCK; i++)
			changes |= (uint64_t)(held[i] != planned[i] && held[i] != ROUTE_NONE) << i;
		change->changes[s] = changes;
		if (changes)
			change->active[change->n_active++] = s;
		all |= changes;
	}
	return all;
}

static int withdraw(struct transition *transition, uint32_t lid)
{
	if (!transition->withdrawn)
		transition->withdrawn = calloc(LIDS / 64, sizeof(*transition->withdrawn));
	if (!transition->withdrawn)
		return -ENOMEM;
	transition->withdrawn[lid / 64] |= UINT64_C(1) << lid % 64;
	transition->n_withdrawn++;
	return 0;
}

static int try_block(struct change *change, uint32_t first, struct transition *transition)
{
	for (uint64_t lids = load_block(change, first); lids; lids &= lids - 1) {
		unsigned i = (unsigned)__builtin_ctzll(lids);

		transition->n_changed++;
		if (!has_loop(change, i) && admit_turns(change, i))
			continue;
		if (withdraw(transition, first + i) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int try_blocks(struct change *change, const uint64_t *blocks, struct transition *transition)
{
	int r = 0;

	for (uint32_t block = 0; !r && block < LIDS / BLOCK; block++)
		if (blocks[block / 64] >> block % 64 & 1)
			r = try_block(change, block * BLOCK, transition);
	return r;
}

static bool any(const uint64_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (words[i])
			return true;
	return false;
}

int transition_plan(const struct graph *graph, const struct tables *held,
		    const struct tables *planned, const struct turns *turns, struct transition *ret)
{
	uint64_t blocks[LIDS / BLOCK / 64] = { 0 };
	AUTO(transition_clear) struct transition transition = { 0 };
	AUTO(change_clear) struct change change = { .graph = graph, .tables = { held, planned } };
	int r;

	find_blocks(&change, blocks);
	if (any(blocks, COUNT(blocks))) {
		r = change_allocate(&change, turns->words);
		if (!r)
			r = learn_turns(&change, turns);
		if (r)
			return r;
		learn_graph(&change);
		r = try_blocks(&change, blocks, &transition);
		if (r)
			return r;
	}
	*ret = transition;
	transition.withdrawn = NULL;
	return 0;
}

void transition_clear(struct transition *transition)
{
	free(TAKE(transition->withdrawn));
}
