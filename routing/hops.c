/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Distances to destination switches, not to LIDs: all ends of a switch share them, and there are
 * ten times fewer switches than LIDs.
 *
 * Blocks of 512 destinations bound the memory and keep rows in the cache; every inner loop runs
 * over 64 of them, a constant, so that compilers turn it into vector instructions. Unused columns
 * of the last block are computed and mean nothing... they stay HOPS_NONE.
 *
 * Shortest ways: one breadth-first search for all 512 destinations at once, a bit each; a level of
 * it is an OR over neighbours.
 *
 * Up/down ways: first the ways down, from the bottom of the total order to its top. Then from the
 * top to the bottom, which way each switch sends. Where packets for a destination come from, a
 * table of exits by LID cannot tell; so a switch to which an upper neighbour sends must go on down,
 * and all others are free to take the shorter way, or both if they are equal. Upper neighbours have
 * been decided before, so this is one pass. (The usual rule, down wherever there is a way down, is
 * the same in an intact tree, but in a damaged one squeezes a whole pod through one core.)
 *
 * In a tree there is one more rule, for where cables are turned (apex.c): who may take both goes
 * down only by cables that lead up the tree. Else a spine that goes by a leaf, since that is as
 * short as another way, would have all that the leaf itself sends go the way of the spine.
 */

#include "routing/hops.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum { BLOCK_WORDS = HOPS_BLOCK / 64 };

/* A set of destinations of the block. */
struct crowd {
	uint64_t word[BLOCK_WORDS];
};

struct search {
	struct crowd *seen;
	struct crowd *front;
	struct crowd *next;
};

uint8_t *hops_new_block(const struct graph *graph)
{
	return malloc((graph->n_switches + 1) * (size_t)HOPS_BLOCK);
}

void tiered_clear(struct tiered *tiered)
{
	free(TAKE(tiered->down));
	free(TAKE(tiered->best));
	free(TAKE(tiered->under));
}

int tiered_make(const struct graph *graph, size_t width, struct tiered *ret)
{
	size_t size = (graph->n_switches + (size_t)1) * width;

	*ret = (struct tiered){ malloc(size), malloc(size), malloc(size), width };
	if (ret->down && ret->best && ret->under)
		return 0;
	tiered_clear(ret);
	return -ENOMEM;
}

static void free_search(const struct search *search)
{
	free(search->seen);
	free(search->front);
	free(search->next);
}

static bool includes_all(const struct crowd *crowd, const struct crowd *all)
{
	uint64_t missing = 0;

	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		missing |= all->word[i] & ~crowd->word[i];
	return !missing;
}

static void note_distance(const struct crowd *crowd, uint8_t distance, uint8_t *row)
{
	for (unsigned i = 0; i < BLOCK_WORDS; i++)
		for (uint64_t left = crowd->word[i]; left; left &= left - 1)
			row[i * 64 + (unsigned)__builtin_ctzll(left)] = distance;
}

/* Of the destinations that a neighbour of @s has just been found for, those that are new to @s. */
static bool search_gather(const struct graph *graph, const struct search *search, uint32_t s)
{
	struct crowd found = { 0 };
	uint64_t any = 0;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
		for (unsigned i = 0; i < BLOCK_WORDS; i++)
			found.word[i] |= search->front[graph->arcs[a].to].word[i];
	for (unsigned i = 0; i < BLOCK_WORDS; i++) {
		found.word[i] &= ~search->seen[s].word[i];
		search->seen[s].word[i] |= found.word[i];
		any |= found.word[i];
	}
	search->next[s] = found;
	return any;
}

static bool search_step(const struct graph *graph, struct search *search, const struct crowd *all,
			uint8_t distance, uint8_t *hops)
{
	bool grew = false;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		search->next[s] = (struct crowd){ 0 };
		if (includes_all(&search->seen[s], all) || !search_gather(graph, search, s))
			continue;
		note_distance(&search->next[s], distance, hops + (size_t)s * HOPS_BLOCK);
		grew = true;
	}
	struct crowd *front = search->front;

	search->front = search->next;
	search->next = front;
	return grew;
}

int hops_fill_shortest(const struct graph *graph, const uint32_t *targets, uint32_t n,
		       uint8_t *hops)
{
	size_t size = sizeof(struct crowd);
	AUTO(free_search)
	struct search search = {
		.seen = calloc(graph->n_switches + 1, size),
		.front = calloc(graph->n_switches + 1, size),
		.next = calloc(graph->n_switches + 1, size),
	};
	struct crowd all = { 0 };

	if (!search.seen || !search.front || !search.next)
		return -ENOMEM;
	memset(hops, HOPS_NONE, (size_t)graph->n_switches * HOPS_BLOCK);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		search.seen[targets[i]].word[i / 64] |= bit;
		search.front[targets[i]].word[i / 64] |= bit;
		all.word[i / 64] |= bit;
		hops[(size_t)targets[i] * HOPS_BLOCK + i] = 0;
	}
	for (unsigned distance = 1; distance <= HOPS_MAX; distance++)
		if (!search_step(graph, &search, &all, (uint8_t)distance, hops))
			break;
	return 0;
}

/* row = min(row, next + 1) */
WIDE static void relax(uint8_t *restrict row, const uint8_t *restrict next, size_t width)
{
	for (; width; width -= HOPS_PIECE, row += HOPS_PIECE, next += HOPS_PIECE) {
		for (unsigned i = 0; i < HOPS_PIECE; i++) {
			uint8_t further = (uint8_t)(MIN(next[i], HOPS_NEVER) + 1);

			further |= further > HOPS_MAX ? HOPS_NONE : 0;
			row[i] = MIN(row[i], further);
		}
	}
}

/* Not where the upper neighbour sends down to lower levels, and this is on its way. */
WIDE static void forbid_climbing(uint8_t *restrict may_climb, const uint8_t *restrict down,
				 const uint8_t *restrict upper_under, size_t width)
{
	for (; width; width -= HOPS_PIECE) {
		for (unsigned i = 0; i < HOPS_PIECE; i++)
			may_climb[i] &= upper_under[i] == down[i] ? 0 : 0xff;
		may_climb += HOPS_PIECE;
		down += HOPS_PIECE;
		upper_under += HOPS_PIECE;
	}
}

/* The same where this is no lower level. */
WIDE static void forbid_climbing_turned(uint8_t *restrict may_climb, const uint8_t *restrict down,
					const uint8_t *restrict upper_down,
					const uint8_t *restrict upper_best, size_t width)
{
	for (size_t piece = 0; piece < width; piece += HOPS_PIECE) {
		for (unsigned i = 0; i < HOPS_PIECE; i++) {
			uint8_t sends = upper_best[i] == upper_down[i] ? 0xff : 0;

			sends = (uint8_t)(upper_down[i] - 1) == down[i] ? sends : 0;
			may_climb[i] &= (uint8_t)~sends;
		}
		may_climb += HOPS_PIECE;
		down += HOPS_PIECE;
		upper_down += HOPS_PIECE;
		upper_best += HOPS_PIECE;
	}
}

/*
 * @best: that of climbing, so far; @under: 0xff where it may climb. Without a way down there is
 * nobody who sends down to here.
 */
WIDE static void decide(uint8_t *restrict best, uint8_t *restrict under,
			const uint8_t *restrict down, size_t width)
{
	for (; width; width -= HOPS_PIECE) {
		for (unsigned i = 0; i < HOPS_PIECE; i++) {
			uint8_t climbs = under[i] | (down[i] == HOPS_NONE ? 0xff : 0);
			uint8_t least = MIN(best[i], down[i]);

			climbs &= least == best[i] ? 0xff : 0;
			best[i] = MIN(down[i], (uint8_t)(best[i] | (uint8_t)~climbs));
			under[i] = (uint8_t)((HOPS_NEVER & climbs) | ((down[i] - 1) & ~climbs));
		}
		best += HOPS_PIECE;
		under += HOPS_PIECE;
		down += HOPS_PIECE;
	}
}

static void descend(const struct graph *graph, const struct tiers *tiers, uint32_t s,
		    const struct tiered *block, const struct tiered *row)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;

		if (tiers->place[to] < tiers->place[s])
			relax(row->down, block->down + to * block->width, block->width);
	}
}

static void climb(const struct graph *graph, const struct tiers *tiers, uint32_t s,
		  const struct tiered *block, const struct tiered *row)
{
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;
		struct tiered upper = tiered_row(block, to);

		if (tiers->place[to] < tiers->place[s])
			continue;
		relax(row->best, upper.best, block->width);
		if (tiers_lead_down(tiers, to, s))
			forbid_climbing(row->under, row->down, upper.under, block->width);
		else
			forbid_climbing_turned(row->under, row->down, upper.down, upper.best,
					       block->width);
	}
	decide(row->best, row->under, row->down, block->width);
}

static void forget(const struct tiered *rows, size_t n)
{
	memset(rows->down, HOPS_NONE, n * rows->width);
	memset(rows->best, HOPS_NONE, n * rows->width);
	memset(rows->under, 0xff, n * rows->width);
}

void hops_fill_tiered(const struct graph *graph, const struct tiers *tiers, const uint32_t *targets,
		      uint32_t n, const struct tiered *ret)
{
	struct tiered row;

	forget(ret, graph->n_switches);
	for (uint32_t i = 0; i < n; i++)
		ret->down[targets[i] * ret->width + i] = 0;
	for (uint32_t p = 0; p < graph->n_switches; p++) {
		row = tiered_row(ret, tiers->by_place[p]);
		descend(graph, tiers, tiers->by_place[p], ret, &row);
	}
	for (uint32_t p = graph->n_switches; p-- > 0;) {
		row = tiered_row(ret, tiers->by_place[p]);
		climb(graph, tiers, tiers->by_place[p], ret, &row);
	}
}

static void start_row(const uint32_t *targets, uint32_t n, uint32_t s, const struct tiered *row)
{
	forget(row, 1);
	for (uint32_t i = 0; i < n; i++)
		if (targets[i] == s)
			row->down[i] = 0;
}

void hops_renew_tiered_rows(const struct graph *graph, const struct tiers *tiers,
			    const uint32_t *targets, uint32_t n, const uint32_t *s, uint32_t n_s,
			    const struct tiered *ret)
{
	struct tiered row;

	for (uint32_t i = 0; i < n_s; i++) {
		row = tiered_row(ret, s[i]);
		start_row(targets, n, s[i], &row);
	}
	for (uint32_t i = 0; i < n_s; i++) {
		row = tiered_row(ret, s[i]);
		descend(graph, tiers, s[i], ret, &row);
	}
	for (uint32_t i = n_s; i-- > 0;) {
		row = tiered_row(ret, s[i]);
		climb(graph, tiers, s[i], ret, &row);
	}
}

void hops_fill_tiered_row(const struct graph *graph, const struct tiers *tiers,
			  const uint32_t *targets, uint32_t n, uint32_t s,
			  const struct tiered *block, const struct tiered *ret)
{
	start_row(targets, n, s, ret);
	descend(graph, tiers, s, block, ret);
	climb(graph, tiers, s, block, ret);
}
