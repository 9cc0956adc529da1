/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Depth first over the arcs of a graph: an arc met again while it is on the path closes a cycle.
 * Each bit of the dependencies is cleared when it is followed, so that no place in the rows has to
 * be remembered, and all bits of arcs that are done are cleared at once: each switch has a set of
 * those that leave it. So the whole costs a few looks at each word. The path is an array, not the
 * stack of the program: it may be as long as there are arcs.
 */

#include "routing/cycle.h"

#include "base/macros.h"

#include <errno.h>

enum { NOWHERE = UINT32_MAX };

enum { STATE_NEW, STATE_ON_PATH, STATE_DONE };

struct search {
	const struct graph *graph;
	uint64_t *turns;
	uint32_t words;
	uint8_t *state;     /* [arc] */
	uint64_t *done;     /* [switch * words]: bit i: its i-th arc is done */
	uint32_t *path;     /* arcs from where the search began */
	uint32_t *position; /* [arc]: its place on the path */
	uint32_t length;
	uint32_t *order; /* or NULL; from the end: who is done first waits for nobody left */
	uint32_t n_undone;
};

static void search_clear(struct search *search)
{
	free(search->state);
	free(search->done);
	free(search->path);
	free(search->position);
}

static int search_allocate(struct search *search)
{
	size_t n = search->graph->n_arcs;

	search->state = calloc(n + 1, sizeof(*search->state));
	search->done = calloc(search->graph->n_switches * (size_t)search->words + 1,
			      sizeof(*search->done));
	search->path = calloc(n + 1, sizeof(*search->path));
	search->position = calloc(n + 1, sizeof(*search->position));
	return search->state && search->done && search->path && search->position ? 0 : -ENOMEM;
}

static void search_enter(struct search *search, uint32_t a)
{
	search->state[a] = STATE_ON_PATH;
	search->position[a] = search->length;
	search->path[search->length++] = a;
}

/* The last of the path, which began at switch @start. */
static void search_leave(struct search *search, uint32_t start)
{
	const struct graph *graph = search->graph;
	uint32_t a = search->path[--search->length], from, i;

	from = search->length ? graph->arcs[search->path[search->length - 1]].to : start;
	i = a - graph->arc_first[from];
	search->state[a] = STATE_DONE;
	search->done[(size_t)from * search->words + i / 64] |= UINT64_C(1) << i % 64;
	search->n_undone--;
	if (search->order)
		search->order[search->n_undone] = a;
}

/* The next arc that @a waits for and that is not done, or NOWHERE. */
static uint32_t search_take(struct search *search, uint32_t a)
{
	uint64_t *turns = search->turns + (size_t)a * search->words;
	uint32_t to = search->graph->arcs[a].to;
	const uint64_t *done = search->done + (size_t)to * search->words;

	for (uint32_t w = 0; w < search->words; w++) {
		uint32_t turn;

		turns[w] &= ~done[w];
		if (!turns[w])
			continue;
		turn = w * 64 + (uint32_t)__builtin_ctzll(turns[w]);
		turns[w] &= turns[w] - 1;
		return search->graph->arc_first[to] + turn;
	}
	return NOWHERE;
}

/* The path led from its last arc back to @a. */
static struct cycle search_cycle(const struct search *search, uint32_t a)
{
	const struct arc *arcs = search->graph->arcs;

	return (struct cycle){ .length = search->length - search->position[a],
			       .at = arcs[search->path[search->length - 1]].to,
			       .port = arcs[a].port };
}

/* From arc @first of switch @start; true if it ran into a cycle. */
static bool search_from(struct search *search, uint32_t start, uint32_t first, struct cycle *ret)
{
	search_enter(search, first);
	while (search->length) {
		uint32_t a = search->path[search->length - 1];
		uint32_t next = search_take(search, a);

		if (next == NOWHERE) {
			search_leave(search, start);
		} else if (search->state[next] == STATE_ON_PATH) {
			*ret = search_cycle(search, next);
			return true;
		} else if (search->state[next] == STATE_NEW) {
			search_enter(search, next);
		}
	}
	return false;
}

int cycle_find(const struct graph *graph, uint64_t *turns, uint32_t words, uint32_t *ret_order,
	       struct cycle *ret)
{
	AUTO(search_clear)
	struct search search = { .graph = graph,
				 .turns = turns,
				 .words = words,
				 .order = ret_order,
				 .n_undone = graph->n_arcs };
	int r = search_allocate(&search);

	if (r)
		return r;
	*ret = (struct cycle){ 0 };
	for (uint32_t s = 0; s < graph->n_switches; s++)
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			if (search.state[a] == STATE_NEW && search_from(&search, s, a, ret))
				return 0;

	return 0;
}
