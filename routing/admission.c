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
	free(admission->arcs);
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
	admission->arcs = calloc(n_arcs, sizeof(*admission->arcs));
	admission->place = calloc(n_arcs, sizeof(*admission->place));
	admission->found = calloc(n_arcs, sizeof(*admission->found));
	admission->moved = calloc(n_arcs, sizeof(*admission->moved));
	admission->seen = calloc(n_arcs, sizeof(*admission->seen));

	if (!admission->turns.bits || !admission->refused.bits || !admission->arcs ||
	    !admission->place || !admission->found || !admission->moved || !admission->seen)
		return -ENOMEM;
	return 0;
}

/* An order in which they lead forward; its search uses up a copy of them. */
int admission_init(const struct graph *graph, const struct turns *turns, struct admission *ret)
{
	size_t size = (size_t)graph->n_arcs * turns->words * sizeof(*turns->bits);
	struct cycle cycle;
	int r;

	*ret = (struct admission){ .graph = graph };
	r = allocate(ret, turns->words);
	if (r)
		return r;
	memcpy(ret->turns.bits, turns->bits, size);
	r = cycle_find(graph, ret->turns.bits, turns->words, ret->arcs, &cycle);
	if (r)
		return r;
	if (cycle.length)
		return -EINVAL;
	memcpy(ret->turns.bits, turns->bits, size);
	for (uint32_t i = 0; i < graph->n_arcs; i++)
		ret->place[ret->arcs[i]] = i;
	return 0;
}

/* What can be reached from arc @from, @from too, before the place of @to; false if @to can. */
static bool find_behind(struct admission *admission, uint32_t from, uint32_t to)
{
	const struct graph *graph = admission->graph;
	uint32_t words = admission->turns.words;
	uint32_t n = 0;

	admission->n_searches++;
	admission->seen[from] = admission->n_searches;
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
				admission->seen[next] = admission->n_searches;
				admission->found[n++] = next;
			}
		}
	}
	return true;
}

static void put_at(struct admission *admission, uint32_t arc, uint32_t place)
{
	admission->arcs[place] = arc;
	admission->place[arc] = place;
}

/* What was found from place @first on goes behind place @last, all else closes ranks. */
static void move_behind(struct admission *admission, uint32_t first, uint32_t last)
{
	uint32_t n_moved = 0;

	for (uint32_t place = first; place <= last; place++) {
		uint32_t arc = admission->arcs[place];

		if (admission->seen[arc] == admission->n_searches)
			admission->moved[n_moved++] = arc;
		else
			put_at(admission, arc, place - n_moved);
	}
	for (uint32_t i = 0; i < n_moved; i++)
		put_at(admission, admission->moved[i], last + 1 - n_moved + i);
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

bool admission_try(struct admission *admission, uint32_t arc, uint32_t turn)
{
	const struct graph *graph = admission->graph;
	uint32_t next = graph->arc_first[graph->arcs[arc].to] + turn;

	if (turns_have(&admission->turns, arc, turn))
		return true;
	if (turns_have(&admission->refused, arc, turn))
		return false;
	if (admission->place[next] < admission->place[arc]) {
		if (!find_behind(admission, next, arc)) {
			refuse(admission, arc, turn);
			return false;
		}
		move_behind(admission, admission->place[next], admission->place[arc]);
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
