/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The middle part of again.c: distances to the columns that moved.
 *
 * The rules are those of hops.c: a way down follows from those of lower neighbours, the best way
 * from this and from upper neighbours. So entries of dirty rows are looked at first, then those
 * that read one that changed: once upward, for ways down, and once downward. Few change where a
 * cable is lost, so it goes entry by entry; if there are many, all is sooner made from scratch.
 *
 * Exits are the neighbours whose distance is one less. So a switch has other exits in a column if
 * its own distances changed, or if that of a neighbour came to be one less or ceased to be that.
 *
 * In columns of who is away distances stay as they were, which is not true any more when it comes
 * back: there all entries are looked at.
 */

#include "routing/again.h"

#include "base/macros.h"

#include <errno.h>

enum { LOOKS_MAX = 64 }; /* for each switch; from scratch there is one for each destination */

struct mend {
	struct again *again;
	const struct graph *graph;
	struct tiers tiers;
	struct tiered *column; /* [column]: the entry of switch s is at s * width */
	uint64_t *due_down;    /* [switch * words]: to be looked at on the way up, */
	uint64_t *due_best;    /* and down */
	uint32_t n_looks;
};

static void mend_clear(const struct mend *mend)
{
	free(mend->column);
	free(mend->due_down);
	free(mend->due_best);
}

static int mend_allocate(struct mend *mend)
{
	const struct again *again = mend->again;
	size_t n_words = mend->graph->n_switches * (size_t)again->words + 1;

	mend->column = malloc((again->n_columns + (size_t)1) * sizeof(*mend->column));
	mend->due_down = calloc(n_words, sizeof(*mend->due_down));
	mend->due_best = calloc(n_words, sizeof(*mend->due_best));
	if (!mend->column || !mend->due_down || !mend->due_best)
		return -ENOMEM;
	for (uint32_t i = 0; i < again->n_columns; i++) {
		const struct tiered *past = &again->past->tiered[again->column[i] / HOPS_BLOCK];
		uint32_t at = again->column[i] % HOPS_BLOCK;

		mend->column[i] = (struct tiered){ past->down + at, past->best + at,
						   past->under + at, past->width };
	}

	return 0;
}

static void mark(const struct mend *mend, uint64_t *set, uint32_t s, uint32_t i)
{
	set[(size_t)s * mend->again->words + i / 64] |= UINT64_C(1) << i % 64;
}

static bool is_above(const struct mend *mend, uint32_t upper, uint32_t s)
{
	return mend->tiers.place[upper] > mend->tiers.place[s];
}

static uint8_t further(uint8_t distance)
{
	return distance < HOPS_MAX ? (uint8_t)(distance + 1) : HOPS_NONE;
}

/* The distance of a neighbour was @was and is @now: does that make or end an exit? */
static bool is_other_exit(uint8_t own, uint8_t was, uint8_t now)
{
	return (was + 1 == own) != (now + 1 == own) || (was > HOPS_MAX) != (now > HOPS_MAX);
}

/* ---- on the way up --------------------------------------------------------------------------- */

/*
 * Whether it sends down to a lower neighbour, which must not climb then, changes only if its best
 * way does, too, or that it climbs: the way down is the best, before or now.
 */
static void tell_down(const struct mend *mend, uint32_t s, uint32_t i, uint8_t was)
{
	const struct tiered *column = &mend->column[i];
	const struct graph *graph = mend->graph;
	uint8_t now = column->down[s * column->width];

	mark(mend, mend->again->near, s, i);
	mark(mend, mend->due_best, s, i);
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;

		if (!is_above(mend, to, s))
			continue;
		mark(mend, mend->due_down, to, i);
		if (is_other_exit(column->down[to * column->width], was, now))
			mark(mend, mend->again->near, to, i);
	}
}

static void look_down(struct mend *mend, uint32_t s, uint32_t i)
{
	const struct tiered *column = &mend->column[i];
	const struct graph *graph = mend->graph;
	uint8_t down = again_target(mend->again, i) == s ? 0 : HOPS_NONE;
	uint8_t was = column->down[s * column->width];

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;

		if (!is_above(mend, to, s))
			down = MIN(down, further(column->down[to * column->width]));
	}
	column->down[s * column->width] = down;
	if (down != was)
		tell_down(mend, s, i, was);
}

/* ---- on the way down ------------------------------------------------------------------------- */

static void tell_best(const struct mend *mend, uint32_t s, uint32_t i, uint8_t was)
{
	const struct tiered *column = &mend->column[i];
	const struct graph *graph = mend->graph;
	uint8_t now = column->best[s * column->width];

	mark(mend, mend->again->near, s, i);
	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		uint32_t to = graph->arcs[a].to;

		if (is_above(mend, to, s))
			continue;
		mark(mend, mend->due_best, to, i);
		if (is_other_exit(column->best[to * column->width], was, now))
			mark(mend, mend->again->near, to, i);
	}
}

/* By way of @lower? See hops.c. */
static bool sends_down(const struct mend *mend, uint32_t i, uint32_t s, uint32_t lower)
{
	const struct tiered *column = &mend->column[i];
	size_t at = s * column->width;
	uint8_t down = column->down[at];

	return column->best[at] == down && down == column->down[lower * column->width] + 1 &&
	       !(tiers_lead_down(&mend->tiers, s, lower) && column->under[at] == HOPS_NEVER);
}

static void look_up(struct mend *mend, uint32_t s, uint32_t i)
{
	const struct tiered *column = &mend->column[i];
	const struct graph *graph = mend->graph;
	size_t at = s * column->width;
	uint8_t down = column->down[at], was = column->best[at], best = HOPS_NONE, under;
	bool climbs = true;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		size_t to = graph->arcs[a].to * column->width;

		if (!is_above(mend, graph->arcs[a].to, s))
			continue;
		best = MIN(best, further(column->best[to]));
		if (sends_down(mend, i, graph->arcs[a].to, s))
			climbs = false;
	}
	climbs = (climbs || down == HOPS_NONE) && best <= down;
	best = climbs ? best : down;
	under = climbs ? HOPS_NEVER : (uint8_t)(down - 1);
	if (best == was && under == column->under[at])
		return;
	column->best[at] = best;
	column->under[at] = under;
	tell_best(mend, s, i, was);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool was_away(const struct again *again, uint32_t s)
{
	return again->past->away && again->past->away[s];
}

static void start_at(struct mend *mend, uint32_t s, uint32_t i)
{
	mark(mend, mend->due_down, s, i);
	mark(mend, mend->due_best, s, i);
}

static void start(struct mend *mend)
{
	const struct again *again = mend->again;

	for (uint32_t i = 0; i < again->n_columns; i++) {
		for (uint32_t d = 0; d < again->n_dirty; d++)
			start_at(mend, again->dirty[d], i);
		if (!was_away(again, again_target(again, i)))
			continue;
		for (uint32_t s = 0; s < mend->graph->n_switches; s++)
			start_at(mend, s, i);
	}
}

typedef void look_fn(struct mend *mend, uint32_t s, uint32_t i);

static void look_at(struct mend *mend, uint32_t s, const uint64_t *due, look_fn *look)
{
	for (uint32_t w = 0; w < mend->again->words; w++) {
		uint64_t left = due[(size_t)s * mend->again->words + w];

		for (; left; left &= left - 1, mend->n_looks++)
			look(mend, s, w * 64 + (uint32_t)__builtin_ctzll(left));
	}
}

static bool mend_all(struct mend *mend)
{
	uint32_t n = mend->graph->n_switches;
	const uint32_t *by_place = mend->tiers.by_place;

	for (uint32_t p = 0; p < n && mend->n_looks / LOOKS_MAX <= n; p++)
		look_at(mend, by_place[p], mend->due_down, look_down);
	for (uint32_t p = n; p-- > 0 && mend->n_looks / LOOKS_MAX <= n;)
		look_at(mend, by_place[p], mend->due_best, look_up);

	return mend->n_looks / LOOKS_MAX <= n;
}

int again_find_distances(struct again *again)
{
	AUTO(mend_clear)
	struct mend mend = {
		.again = again,
		.graph = again->graph,
		.tiers = ranking_tiers(&again->layout->ranking),
	};

	again->words = (again->n_columns + 63) / 64;
	again->near =
		calloc(again->graph->n_switches * (size_t)again->words + 1, sizeof(*again->near));
	if (!again->near || mend_allocate(&mend) < 0)
		return -ENOMEM;
	start(&mend);

	return mend_all(&mend);
}
