/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Turns that packets can take at the same time have no cycle, see proof.c for what that means. Arcs
 * are kept in an order in which every turn that was let in leads forward. One that is not among
 * them is tried: if it leads forward it is welcome; if it leads backward, what can be reached from
 * its second arc is moved behind its first, between the two; if that meets the first arc, there
 * would be a cycle, and the turn is refused.
 *
 * Turns that were let in can be given back: an order that fits some turns fits fewer. Those that
 * stay only become more, so that who is refused because of them is refused for good, and need not
 * be searched for again.
 */

#include "routing/admission.h"
#include "routing/cycle.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

void admission_clear(struct admission *admission)
{
	turns_clear(&admission->turns);
	turns_clear(&admission->refused);
	free(admission->next);
	free(admission->last);
	free(admission->place);
	free(admission->found);
	free(admission->moved);
	free(admission->seen);
	free(admission->recent);
}

static int allocate(struct admission *admission, uint32_t words)
{
	size_t n_arcs = admission->graph->n_arcs + (size_t)1;

	admission->turns = (struct turns){ calloc(n_arcs, words * sizeof(uint64_t)), words };
	admission->refused = (struct turns){ calloc(n_arcs, words * sizeof(uint64_t)), words };
	admission->next = calloc(n_arcs, sizeof(*admission->next));
	admission->last = calloc(n_arcs, sizeof(*admission->last));
	admission->place = calloc(n_arcs, sizeof(*admission->place));
	admission->found = calloc(n_arcs, sizeof(*admission->found));
	admission->moved = calloc(n_arcs, sizeof(*admission->moved));
	admission->seen = calloc(n_arcs, sizeof(*admission->seen));

	if (!admission->turns.bits || !admission->refused.bits || !admission->next ||
	    !admission->last || !admission->place || !admission->found || !admission->moved ||
	    !admission->seen)
		return -ENOMEM;
	return 0;
}

/* Between @before and what follows it. */
static void link_behind(struct admission *admission, uint32_t before, uint32_t arc)
{
	uint32_t after = admission->next[before];

	admission->next[before] = arc;
	admission->next[arc] = after;
	admission->last[arc] = before;
	admission->last[after] = arc;
}

static void unlink_arc(struct admission *admission, uint32_t arc)
{
	admission->next[admission->last[arc]] = admission->next[arc];
	admission->last[admission->next[arc]] = admission->last[arc];
}

/* All places anew, as far apart as can be: the end of the order, which no arc is, has the last. */
static void spread_places(struct admission *admission)
{
	uint32_t end = admission->graph->n_arcs;
	uint64_t gap = UINT64_MAX / (end + UINT64_C(2)), place = 0;

	for (uint32_t a = admission->next[end]; a != end; a = admission->next[a])
		admission->place[a] = place += gap;
	admission->place[end] = UINT64_MAX;
}

/* An order in which all that are in lead forward. 0, -ENOMEM or -EINVAL. */
static int find_order(struct admission *admission)
{
	const struct graph *graph = admission->graph;
	uint32_t words = admission->turns.words;
	size_t size = (size_t)graph->n_arcs * words * sizeof(uint64_t);
	/* Nobody has been refused yet; the search uses up a copy. */
	uint64_t *copy = admission->refused.bits;
	struct cycle cycle;
	int r;

	memcpy(copy, admission->turns.bits, size);
	r = cycle_find(graph, copy, words, admission->found, &cycle);
	memset(copy, 0, size);
	if (r)
		return r;
	if (cycle.length)
		return -EINVAL;
	admission->next[graph->n_arcs] = admission->last[graph->n_arcs] = graph->n_arcs;
	for (uint32_t i = graph->n_arcs; i-- > 0;)
		link_behind(admission, graph->n_arcs, admission->found[i]);
	spread_places(admission);
	admission->has_order = true;

	return 0;
}

int admission_init_proven(const struct graph *graph, const struct turns *turns,
			  struct admission *ret)
{
	int r;

	*ret = (struct admission){ .graph = graph };
	r = allocate(ret, turns->words);
	if (!r)
		memcpy(ret->turns.bits, turns->bits,
		       (size_t)graph->n_arcs * turns->words * sizeof(*turns->bits));

	return r;
}

int admission_init(const struct graph *graph, const struct turns *turns, struct admission *ret)
{
	int r = admission_init_proven(graph, turns, ret);

	return r ? r : find_order(ret);
}

static void find(struct admission *admission, uint32_t arc)
{
	admission->seen[arc] = admission->n_searches;
	admission->moved[admission->n_moved++] = (struct placed){ admission->place[arc], arc };
}

/* What can be reached from arc @from, @from too, before the place of @to; false if @to can. */
static bool find_behind(struct admission *admission, uint32_t from, uint32_t to)
{
	const struct graph *graph = admission->graph;
	uint32_t words = admission->turns.words;
	uint32_t n = 0;

	admission->n_searches++;
	admission->n_moved = 0;
	find(admission, from);
	admission->found[n++] = from;
	while (n) {
		uint32_t a = admission->found[--n];

		for (uint32_t w = 0; w < words; w++) {
			uint64_t bits = admission->turns.bits[(size_t)a * words + w];

			for (; bits; bits &= bits - 1) {
				uint32_t turn = w * 64 + (uint32_t)__builtin_ctzll(bits);
				uint32_t next = graph->arc_first[graph->arcs[a].to] + turn;

				if (next == to)
					return false;
				if (admission->place[next] > admission->place[to] ||
				    admission->seen[next] == admission->n_searches)
					continue;
				find(admission, next);
				admission->found[n++] = next;
			}
		}
	}
	return true;
}

/* By place; mostly they are few, so in the way of Shell. */
static void sort_moved(struct placed *moved, uint32_t n)
{
	for (uint32_t gap = n / 2; gap > 0; gap /= 2) {
		for (uint32_t i = gap; i < n; i++) {
			struct placed placed = moved[i];
			uint32_t at = i;

			for (; at >= gap && moved[at - gap].place > placed.place; at -= gap)
				moved[at] = moved[at - gap];
			moved[at] = placed;
		}
	}
}

/* What was found goes behind arc @to, as it is in order. */
static void move_behind(struct admission *admission, uint32_t to)
{
	uint32_t n = admission->n_moved;
	uint64_t gap =
		(admission->place[admission->next[to]] - admission->place[to]) / (n + UINT64_C(1));

	sort_moved(admission->moved, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t arc = admission->moved[i].arc;

		unlink_arc(admission, arc);
		link_behind(admission, to, arc);
		admission->place[arc] = admission->place[to] + gap;
		to = arc;
	}
	if (gap == 0)
		spread_places(admission);
}

static bool note(struct admission *admission, uint32_t arc, uint32_t turn)
{
	if (admission->n_recent == admission->room) {
		uint32_t room = MAX(64, 2 * admission->room);
		void *bigger = reallocarray(admission->recent, room, sizeof(struct admitted));

		if (!bigger) {
			admission->full = true;
			return false;
		}
		admission->recent = bigger;
		admission->room = room;
	}
	admission->recent[admission->n_recent++] = (struct admitted){ arc, turn };
	return true;
}

/* Those that may yet be given back are no reason for ever. */
static void refuse(struct admission *admission, uint32_t arc, uint32_t turn)
{
	if (!admission->n_recent)
		turns_put(&admission->refused, arc, turn);
}

/* Found when it is first asked for. */
static bool has_order(struct admission *admission)
{
	int r = admission->has_order || admission->has_none ? 0 : find_order(admission);

	admission->full |= r == -ENOMEM;
	admission->has_none |= r < 0;

	return admission->has_order;
}

bool admission_try(struct admission *admission, uint32_t arc, uint32_t turn)
{
	const struct graph *graph = admission->graph;
	uint32_t next = graph->arc_first[graph->arcs[arc].to] + turn;

	if (turns_have(&admission->turns, arc, turn))
		return true;
	if (turns_have(&admission->refused, arc, turn) || !has_order(admission))
		return false;
	if (admission->place[next] < admission->place[arc]) {
		if (!find_behind(admission, next, arc)) {
			refuse(admission, arc, turn);
			return false;
		}
		move_behind(admission, arc);
	}
	if (!note(admission, arc, turn))
		return false;
	turns_put(&admission->turns, arc, turn);
	return true;
}

void admission_keep(struct admission *admission)
{
	admission->n_recent = 0;
}

void admission_give_back_to(struct admission *admission, uint32_t n)
{
	while (admission->n_recent > n) {
		const struct admitted *last = &admission->recent[--admission->n_recent];

		turns_drop(&admission->turns, last->arc, last->turn);
	}
}

void admission_give_back(struct admission *admission)
{
	admission_give_back_to(admission, 0);
}
