/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From tables to other tables. Both may be proven, and a mixture of them is not: while some
 * switches have the old entries and some the new, packets may go in circles, or fill cables that
 * wait for each other. As nobody can write all tables at one moment, it is found out of each LID
 * whose ways change how that may be done:
 *
 *  - free: in any order. Looked at with every switch having both entries at once, which is more
 *    than any mixture, there is no loop from any switch.
 *  - ordered: outward from the destination along the new ways, a switch only when every switch
 *    further on that changes has acknowledged. So a packet follows old entries until it meets the
 *    first new one, and has only new ones from there on: that is no loop, from any switch, if the
 *    old ways have none. And none of its turns is from a new way into an old one.
 *  - withdrawn: all else. Such a LID has no entry where it changes until the old ones are gone
 *    everywhere. Packets for it are dropped meanwhile, which transports repair; a deadlock they do
 *    not. While LIDs are withdrawn, each entry is the old one or none: that adds nothing to what
 *    the old tables do. While the new tables are written, entries of withdrawn LIDs are none or
 *    new, which adds nothing to the new tables. Packets that are under way with an old entry when
 *    LIDs are withdrawn are taken to have arrived, or to be dropped, when all switches have
 *    acknowledged that.
 *
 * With several lanes all is withdrawn that changes: which turns are on which lane at what moment is
 * nowhere known, as hosts keep the service level that they were told until they ask again.
 *
 * Besides, all turns that packets of hosts can take meanwhile to LIDs that are not withdrawn,
 * together with all turns of the new tables, have no cycle (see admission.c). LIDs are taken one by
 * one, and for each the classes are tried in this order; what one does not get, it gives back. So
 * the work goes by the number of LIDs that change, and what comes out depends on nothing but the
 * tables.
 *
 * A switch writes 64 LIDs at once, so it is blocks that have a round: later than that of the same
 * block at the next switch on the new way that changes, for each ordered LID in it. Such wishes may
 * contradict each other: the LID that came last is withdrawn then.
 *
 * An entry that leads to a port without an arc (an end, a cable that is out) leads nowhere. But if
 * a link is up there, of which is not known where it leads to, packets go on behind it: a LID that
 * leaves a switch that way is withdrawn. One
 * that is none and is to lead somewhere is a change for the order, as what is behind it may be old;
 * but for turns it is as good as new.
 */

#include "routing/change.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { AHEAD = 8 /* switches whose entries are asked for before their turn */ };

static void change_clear(struct change *change)
{
	free(change->turn_of_port);
	free(change->has_senders);
	free(change->reverse);
	admission_clear(&change->admission);
	for (unsigned side = 0; side < SIDES; side++)
		free(change->entries[side]);
	free(change->changes);
	free(change->active);
	free(change->visited);
	free(change->path);
	free(change->queue);
	free(change->round);
	free(change->last_round);
}

static int change_allocate(struct change *change)
{
	size_t n = change->graph->n_switches + (size_t)1;
	size_t n_arcs = change->graph->n_arcs + (size_t)1;

	change->turn_of_port = calloc(n, 256);
	change->has_senders = calloc(n, sizeof(*change->has_senders));
	change->reverse = calloc(n_arcs, sizeof(*change->reverse));
	for (unsigned side = 0; side < SIDES; side++)
		change->entries[side] = calloc(n, BLOCK);
	change->changes = calloc(n, sizeof(*change->changes));
	change->active = calloc(n, sizeof(*change->active));
	change->visited = calloc(n, sizeof(*change->visited));
	change->path = calloc(n, sizeof(*change->path));
	change->queue = calloc(n, sizeof(*change->queue));
	change->round = calloc(n, sizeof(*change->round));
	change->last_round = calloc(n, sizeof(*change->last_round));

	if (!change->turn_of_port || !change->has_senders || !change->reverse ||
	    !change->entries[HELD] || !change->entries[PLANNED] || !change->changes ||
	    !change->active || !change->visited || !change->path || !change->queue ||
	    !change->round || !change->last_round)
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

/* ---- one LID, in any order ----------------------------------------------------------------------
 */

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
		arc = change_arc_of(change, step->side++, step->at, i);
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
	for (uint32_t n = 0; n < change->n_active; n++) {
		uint32_t s = change->active[n];

		if (change->changes[s] >> i & 1 && change->visited[s] != 2 * change->n_visits + 1 &&
		    loops_from(change, s, i))
			return true;
	}
	return false;
}

bool change_admit_arrival(struct change *change, uint32_t arc, unsigned i)
{
	uint32_t at = change->graph->arcs[arc].to;

	for (unsigned side = 0; side < SIDES; side++) {
		uint32_t next = change_arc_of(change, side, at, i);

		if (next != NOWHERE &&
		    !admission_try(&change->admission, arc, next - change->graph->arc_first[at]))
			return false;
	}
	return true;
}

/* Does switch @u send the LID out by @arc, old or new? */
static bool sends_by(const struct change *change, uint32_t u, uint32_t arc, unsigned i)
{
	return change_arc_of(change, HELD, u, i) == arc ||
	       change_arc_of(change, PLANNED, u, i) == arc;
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
		    !change_admit_arrival(change, arc, i))
			return false;
	}
	return true;
}

/* Packets leave switch @s by its old entry: all their turns from there on. */
static bool admit_departures(struct change *change, uint32_t s, unsigned i)
{
	const struct graph *graph = change->graph;
	uint32_t arc = change_arc_of(change, HELD, s, i);
	uint32_t tail = 0;

	change->n_visits++;
	if (arc != NOWHERE) {
		if (!change_admit_arrival(change, arc, i))
			return false;
		change->queue[tail++] = graph->arcs[arc].to;
		change->visited[graph->arcs[arc].to] = 2 * change->n_visits;
	}
	for (uint32_t head = 0; head < tail; head++) {
		for (unsigned side = 0; side < SIDES; side++) {
			arc = change_arc_of(change, side, change->queue[head], i);
			if (arc == NOWHERE)
				continue;
			if (!change_admit_arrival(change, arc, i))
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

static bool goes_in_any_order(struct change *change, unsigned i)
{
	if (has_loop(change, i))
		return false;
	if (admit_turns(change, i)) {
		admission_keep(&change->admission);
		return true;
	}
	admission_give_back(&change->admission);
	return false;
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

/* LIDs of the block that lose or change their way at a switch. */
static uint64_t compare(const uint8_t *held, const uint8_t *planned)
{
	uint64_t changes = 0;

	if (memcmp(held, planned, BLOCK) == 0)
		return 0;
	for (unsigned i = 0; i < BLOCK; i++)
		changes |= (uint64_t)(held[i] != planned[i] && held[i] != ROUTE_NONE) << i;
	return changes;
}

/* Copies of both sides, and what changes where. */
static void load_block(struct change *change, uint32_t first)
{
	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		const uint8_t *held = entries_at(change->tables[HELD], s, first);
		const uint8_t *planned = entries_at(change->tables[PLANNED], s, first);

		if (s + AHEAD < change->graph->n_switches) {
			__builtin_prefetch(entries_at(change->tables[HELD], s + AHEAD, first));
			__builtin_prefetch(entries_at(change->tables[PLANNED], s + AHEAD, first));
		}
		memcpy(change->entries[HELD] + (size_t)s * BLOCK, held, BLOCK);
		memcpy(change->entries[PLANNED] + (size_t)s * BLOCK, planned, BLOCK);
		change->changes[s] = compare(held, planned);
	}
}

/* The same for what is held but for @patch, from its entry @n on; the entry that is of later
 * blocks. */
static uint32_t load_patched(struct change *change, uint32_t first, const struct patch *patch,
			     uint32_t n)
{
	const struct tables *planned = change->tables[PLANNED];

	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		if (s + AHEAD < change->graph->n_switches)
			__builtin_prefetch(entries_at(planned, s + AHEAD, first));
		memcpy(change->entries[PLANNED] + (size_t)s * BLOCK, entries_at(planned, s, first),
		       BLOCK);
	}
	memcpy(change->entries[HELD], change->entries[PLANNED],
	       (size_t)change->graph->n_switches * BLOCK);
	memset(change->changes, 0, change->graph->n_switches * sizeof(*change->changes));
	for (; n < patch->n && patch->entry[n].lid < first + BLOCK; n++) {
		const struct patch_entry *entry = &patch->entry[n];
		unsigned i = entry->lid - first;

		change->entries[HELD][(size_t)entry->row * BLOCK + i] = entry->was;
		change->changes[entry->row] |= (uint64_t)(entry->was != ROUTE_NONE) << i;
	}
	return n;
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

/* Rounds of a block go with those of the others. */
static int take_rounds(const struct change *change, uint32_t block, struct transition *transition)
{
	struct rounds *rounds = &transition->rounds;

	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		if (!change->round[s])
			continue;
		if (!rounds->of) {
			rounds->n_blocks = (uint32_t)(change->tables[PLANNED]->stride / BLOCK);
			rounds->of = calloc(change->graph->n_switches, rounds->n_blocks);
		}
		if (!rounds->of)
			return -ENOMEM;
		rounds->of[(size_t)s * rounds->n_blocks + block] = change->round[s];
		rounds->last = MAX(rounds->last, change->round[s]);
	}
	return 0;
}

/* Where something changes; returns the LIDs that do. */
static uint64_t find_active(struct change *change)
{
	uint64_t all = 0;

	change->n_active = 0;
	for (uint32_t s = 0; s < change->graph->n_switches; s++) {
		if (change->changes[s])
			change->active[change->n_active++] = s;
		all |= change->changes[s];
	}
	return all;
}

/* Does some switch send LID @i out by a link of which nobody knows where it leads to? */
static bool leads_to_unknown(const struct change *change, unsigned i)
{
	const uint64_t *blind = change->graph->blind;

	for (uint32_t n = 0; blind && n < change->n_active; n++) {
		uint32_t s = change->active[n];
		uint8_t port = change->entries[HELD][(size_t)s * BLOCK + i];

		if (change->changes[s] >> i & 1 &&
		    blind[(size_t)s * 4 + port / 64] >> port % 64 & 1)
			return true;
	}
	return false;
}

/* The block has been loaded. */
static int try_block(struct change *change, uint32_t block, struct transition *transition)
{
	change->ordered = 0;
	memset(change->round, 0, change->graph->n_switches);
	for (uint64_t lids = find_active(change); lids; lids &= lids - 1) {
		unsigned i = (unsigned)__builtin_ctzll(lids);

		bool known = change->has_turns && !leads_to_unknown(change, i);

		transition->n_changed++;
		if (known && goes_in_any_order(change, i))
			continue;
		if (known && change_goes_in_rounds(change, i))
			transition->n_ordered++;
		else if (withdraw(transition, block * BLOCK + i) < 0)
			return -ENOMEM;
	}
	return change->admission.full ? -ENOMEM : take_rounds(change, block, transition);
}

static int try_blocks(struct change *change, const uint64_t *blocks, struct transition *transition)
{
	int r = 0;

	for (uint32_t block = 0; !r && block < LIDS / BLOCK; block++) {
		if (!(blocks[block / 64] >> block % 64 & 1))
			continue;
		load_block(change, block * BLOCK);
		r = try_block(change, block, transition);
	}
	return r;
}

static int try_patch(struct change *change, const struct patch *patch,
		     struct transition *transition)
{
	uint32_t n = 0;
	int r = 0;

	while (!r && n < patch->n) {
		uint32_t block = patch->entry[n].lid / BLOCK;

		n = load_patched(change, block * BLOCK, patch, n);
		r = try_block(change, block, transition);
	}
	return r;
}

typedef int admission_init_fn(const struct graph *graph, const struct turns *turns,
			      struct admission *ret);

static int start(struct change *change, const struct turns *turns, admission_init_fn *init)
{
	int r = change_allocate(change);

	change->has_turns = turns;
	if (!r && turns)
		r = init(change->graph, turns, &change->admission);
	if (!r)
		learn_graph(change);
	return r;
}

static int finish(struct transition *transition, int r, struct transition *ret)
{
	if (r)
		return r;
	*ret = *transition;
	*transition = (struct transition){ .withdrawn = NULL };
	return 0;
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
	int r = 0;

	find_blocks(&change, blocks);
	if (any(blocks, COUNT(blocks)))
		r = start(&change, turns, admission_init);
	if (!r)
		r = try_blocks(&change, blocks, &transition);
	return finish(&transition, r, ret);
}

int transition_plan_again(const struct graph *graph, const struct tables *planned,
			  const struct patch *patch, const struct turns *turns,
			  struct transition *ret)
{
	AUTO(transition_clear) struct transition transition = { 0 };
	AUTO(change_clear) struct change change = { .graph = graph, .tables = { NULL, planned } };
	int r = 0;

	if (patch->n)
		r = start(&change, turns, admission_init_proven);
	if (!r)
		r = try_patch(&change, patch, &transition);
	return finish(&transition, r, ret);
}

void rounds_clear(struct rounds *rounds)
{
	free(rounds->of);
	*rounds = (struct rounds){ .of = NULL };
}

void transition_clear(struct transition *transition)
{
	free(TAKE(transition->withdrawn));
	rounds_clear(&transition->rounds);
}
