/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which neighbours are a hop nearer is found for a block of destinations at a time by comparing
 * bytes: a bit per neighbour, eight neighbours to a plane of bytes. Destinations are in the
 * sequence of number.c, so neighbours in it mostly have the same exits, and the list of exits is
 * made once per run. The list has a slot per cable: first one cable of each neighbour, then the
 * second cables. Host number t takes slot (t / share) mod slots.
 *
 * Above the leaves one of so many hosts (the share) is sent up to a switch, and these alone have to
 * be dealt one by one there. Hardly anybody sends to the others by that switch until a cable is
 * lost elsewhere. If they were counted, too, they would have to be written wherever they lie when
 * one of its cables is lost; so all of a block of LIDs leave together.
 *
 * From spine to spine of another plane there is no way up the tree and down again, but only by the
 * apex (apex.c), and nobody but spines themselves goes it. There an upper neighbour that has a
 * longer way than others is as good as they: else a core that has lost its cable toward the apex
 * would make each switch below it write the blocks of all that it sent there. A packet that goes up
 * by any of them comes to a higher place, and who sends down is followed only by those who do, so
 * it arrives all the same.
 *
 * Loops over bytes come in pieces of a constant 64, which compilers turn into vector instructions.
 */

#include "routing/spread-row.h"

#include "base/macros.h"

#include <string.h>

/* ---- which neighbours are nearer ----------------------------------------------------------------
 */

/* HOPS_NONE wants HOPS_NEVER. */
WIDE static void set_wants(const uint8_t *restrict hops, uint32_t n_pieces, uint8_t *restrict want)
{
	for (; n_pieces; n_pieces--, hops += PIECE, want += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			want[i] = (uint8_t)(hops[i] - 1);
}

/* Below, only where the way down is the best. */
WIDE static void set_wants_below(const uint8_t *restrict down, const uint8_t *restrict best,
				 uint32_t n_pieces, uint8_t *restrict want)
{
	for (; n_pieces; n_pieces--, down += PIECE, best += PIECE, want += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			want[i] = down[i] == best[i] ? (uint8_t)(down[i] - 1) : HOPS_NEVER;
}

/* Above, only where it climbs. */
WIDE static void set_wants_above(const uint8_t *restrict best, const uint8_t *restrict under,
				 uint32_t n_pieces, uint8_t *restrict want)
{
	for (; n_pieces; n_pieces--, best += PIECE, under += PIECE, want += PIECE)
		for (unsigned i = 0; i < PIECE; i++) {
			uint8_t climbs = under[i] == HOPS_NEVER ? 0xff : 0;

			want[i] = (uint8_t)(((best[i] - 1) & climbs) | (HOPS_NEVER & ~climbs));
		}
}

WIDE static void mark(const uint8_t *restrict want, const uint8_t *restrict hops, uint32_t n_pieces,
		      uint8_t bit, uint8_t *restrict plane)
{
	for (; n_pieces; n_pieces--, hops += PIECE, want += PIECE, plane += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			plane[i] |= hops[i] == want[i] ? bit : 0;
}

/* Where it is far, all who know a way. */
WIDE static void mark_far(const uint8_t *restrict far, const uint8_t *restrict hops,
			  uint32_t n_pieces, uint8_t bit, uint8_t *restrict plane)
{
	for (; n_pieces; n_pieces--, hops += PIECE, far += PIECE, plane += PIECE)
		for (unsigned i = 0; i < PIECE; i++) {
			uint8_t mark = far[i] & bit;

			plane[i] |= hops[i] == HOPS_NONE ? 0 : mark;
		}
}

/* Where it climbs, and further than up the tree and down. False: nowhere. */
WIDE static uint8_t set_far(const uint8_t *restrict best, const uint8_t *restrict under,
			    const uint8_t *restrict straight, uint8_t height, uint32_t n_pieces,
			    uint8_t *restrict far)
{
	uint8_t any = 0;

	for (; n_pieces; n_pieces--, best += PIECE, under += PIECE, straight += PIECE, far += PIECE)
		for (unsigned i = 0; i < PIECE; i++) {
			uint8_t climbs = under[i] == HOPS_NEVER ? 0xff : 0;

			far[i] = best[i] > (uint8_t)(straight[i] - height) ? climbs : 0;
			any |= far[i];
		}

	return any;
}

WIDE static void mark_repeats(const uint8_t *restrict plane, uint32_t n_pieces,
			      uint8_t *restrict repeats)
{
	for (; n_pieces; n_pieces--, plane += PIECE, repeats += PIECE)
		for (unsigned i = 0; i < PIECE; i++)
			repeats[i + 1] &= plane[i] == plane[i + 1] ? 0xff : 0;
}

static void row_find_repeats(struct row *row)
{
	uint8_t *repeats = row->repeats + row->from;

	memset(repeats, 0xff, row->n_pieces * (size_t)PIECE + 1);
	repeats[0] = 0;
	for (uint32_t p = 0; p < row->n_planes; p++)
		mark_repeats(row->plane[p] + row->from, row->n_pieces, repeats);
}

static void row_set_wants(struct row *row)
{
	const struct block *block = row->block;
	size_t at = row->s * row->width + row->from;
	uint32_t height;

	if (block->shortest) {
		set_wants(block->shortest + at, row->n_pieces, row->want_below);
		return;
	}
	set_wants_below(block->tiered.down + at, block->tiered.best + at, row->n_pieces,
			row->want_below);
	set_wants_above(block->tiered.best + at, block->tiered.under + at, row->n_pieces,
			row->want_above);
	height = row->layout->ranking.height[row->s];
	row->is_far = height > 0 && height <= STRAIGHT_MAX && row->straight &&
		      set_far(block->tiered.best + at, block->tiered.under + at,
			      row->straight + row->from, (uint8_t)height, row->n_pieces, row->far);
}

static void row_mark_upper(struct row *row, const uint8_t *best, uint8_t bit, uint8_t *plane)
{
	mark(row->want_above, best, row->n_pieces, bit, plane);
	if (row->is_far)
		mark_far(row->far, best, row->n_pieces, bit, plane);
}

static void row_mark_fan(struct row *row, uint32_t to, uint8_t bit, uint8_t *plane)
{
	const struct tiers tiers = ranking_tiers(&row->layout->ranking);
	const struct block *block = row->block;
	size_t at = to * row->width + row->from;
	uint32_t n = row->n_pieces;

	if (block->shortest)
		mark(row->want_below, block->shortest + at, n, bit, plane);
	else if (tiers.place[to] > tiers.place[row->s])
		row_mark_upper(row, block->tiered.best + at, bit, plane);
	else if (tiers_lead_down(&tiers, row->s, to))
		mark(block->tiered.under + row->s * row->width + row->from, block->tiered.down + at,
		     n, bit, plane);
	else
		mark(row->want_below, block->tiered.down + at, n, bit, plane);
}

void row_find_exits(struct row *row, uint32_t from, uint32_t to)
{
	const struct fans *fans = &row->layout->fans;
	const struct fan *fan = fans->fan + fans->first[row->s];
	uint32_t n = fans->first[row->s + 1] - fans->first[row->s];
	const uint32_t *height = row->layout->ranking.height;

	row->from = from;
	row->n_pieces = (to - from + PIECE - 1) / PIECE;
	row->n_planes = (n + 7) / 8;
	row->has_lanes = false;
	memset(row->lower, 0, sizeof(row->lower));
	for (uint32_t p = 0; p < row->n_planes; p++)
		memset(row->plane[p] + from, 0, row->n_pieces * (size_t)PIECE + 1);
	row_set_wants(row);
	for (uint32_t f = 0; f < n; f++) {
		row->lane[f] = fans->ports[fan[f].first_port];
		row->has_lanes |= fan_n_ports(&fan[f]) > 1;
		if (height[fan[f].to] <= height[row->s])
			row->lower[f / 8] |= (uint8_t)(1U << f % 8);
		row_mark_fan(row, fan[f].to, (uint8_t)(1U << f % 8), row->plane[f / 8] + from);
	}
	row_find_repeats(row);
}

/* ---- which cable for which LID ------------------------------------------------------------------
 */

/* The first ports of the fans whose bits are set at @column. */
static uint32_t list_fans(const struct row *row, uint32_t column, uint8_t *restrict ret)
{
	const uint8_t *restrict lane = row->lane;
	uint32_t n = 0;

	for (uint32_t p = 0; p < row->n_planes; p++)
		for (unsigned left = row->plane[p][column]; left; left &= left - 1)
			ret[n++] = lane[p * 8 + (unsigned)__builtin_ctz(left)];
	return n;
}

/* After the first ports the second ones of fans that have two, and so on. */
static void list_lanes(struct row *row, uint32_t column)
{
	const struct fans *fans = &row->layout->fans;
	const struct fan *fan = fans->fan + fans->first[row->s];
	bool more = true;

	for (uint32_t lane = 1; more; lane++) {
		more = false;
		for (uint32_t f = 0; f < fans->first[row->s + 1] - fans->first[row->s]; f++) {
			if (!(row->plane[f / 8][column] >> f % 8 & 1) ||
			    lane >= fan_n_ports(&fan[f]))
				continue;
			row->slot[row->n_slots++] = fans->ports[fan[f].first_port + lane];
			more = true;
		}
	}
}

static bool all_lead_up(const struct row *row, uint32_t column)
{
	unsigned lower = 0;

	for (uint32_t p = 0; p < row->n_planes; p++)
		lower |= row->plane[p][column] & row->lower[p];

	return lower == 0;
}

/* The exit of a slot upward, or ROUTE_NONE if it is lost, or does not lead to @column. */
static uint8_t exit_of(const struct row *row, struct nominal_slot slot, uint32_t column)
{
	const struct fans *fans = &row->layout->fans;

	if (slot.fan == NOMINAL_LOST || !(row->plane[slot.fan / 8][column] >> slot.fan % 8 & 1))
		return ROUTE_NONE;

	return fans->ports[fans->fan[fans->first[row->s] + slot.fan].first_port + slot.lane];
}

static void list_nominal(struct row *row, uint32_t column)
{
	const struct nominal *nominal = &row->layout->nominal;
	const struct nominal_slot *slot = nominal->slot + nominal->first[row->s];
	uint32_t n_there = 0;

	row->n_slots = nominal->first[row->s + 1] - nominal->first[row->s];
	for (uint32_t i = 0; i < row->n_slots; i++) {
		row->slot[i] = exit_of(row, slot[i], column);
		if (row->slot[i] != ROUTE_NONE)
			row->there[n_there++] = row->slot[i];
		else
			row->stands_in[i] = (uint8_t)row->n_lost++;
	}
	if (n_there == 1) {
		row->slot[0] = row->there[0];
		row->n_slots = 1;
		row->n_lost = 0;
	}
}

void row_list_slots(struct row *row, uint32_t column)
{
	const uint32_t *first = row->layout->nominal.first + row->s;

	row->n_lost = 0;
	row->n_slots = list_fans(row, column, row->slot);
	row->leads_up = false;
	if (row->n_slots > 1 && first[1] > first[0] && all_lead_up(row, column)) {
		row->leads_up = true;
		list_nominal(row, column);
	} else if (row->has_lanes)
		list_lanes(row, column);
}

/*
 * What would leave by a lost slot leaves by the others in turn: another one in each round, and
 * several lost ones begin at different ones.
 */
static uint8_t exit_by(const struct row *row, uint32_t slot, uint32_t round)
{
	if (row->n_lost == 0 || row->slot[slot] != ROUTE_NONE)
		return row->slot[slot];

	return row->there[(round + row->stands_in[slot]) % (row->n_slots - row->n_lost)];
}

/* One after the other, from target @number on. */
static void count_exits(const struct row *row, uint32_t number, uint32_t n, uint8_t *restrict cell)
{
	uint32_t share = row->layout->fans.share[row->s];
	uint32_t slot = number / share % row->n_slots;
	uint32_t round = number / share / row->n_slots;
	uint32_t left = share - number % share;

	while (n > 0) {
		uint8_t port = exit_by(row, slot, round);

		left = MIN(left, n);
		for (uint32_t i = 0; i < left; i++)
			cell[i] = port;
		cell += left;
		n -= left;
		left = share;
		if (++slot == row->n_slots) {
			slot = 0;
			round++;
		}
	}
}

/* After so many targets all begins anew. */
static uint64_t period_of(const struct row *row)
{
	uint64_t n = (uint64_t)row->n_slots * row->layout->fans.share[row->s];

	return row->n_lost > 0 ? n * (row->n_slots - row->n_lost) : n;
}

static void repeat_exits(const struct row *row, uint32_t number, uint32_t n, uint8_t *cell)
{
	uint32_t made = (uint32_t)MIN(period_of(row), n);

	count_exits(row, number, made, cell);
	while (made < n) {
		uint32_t more = MIN(made, n - made);

		memcpy(cell + made, cell, more);
		made += more;
	}
}

/* Of each block of LIDs the exit, counted one after the other. */
static void list_blocks(const struct row *row, uint8_t *restrict ret)
{
	uint32_t start = row->layout->fans.start[row->s];
	uint32_t slot = start % row->n_slots, round = start / row->n_slots;

	for (uint32_t b = 0; b < row->n_blocks; b++) {
		ret[b] = exit_by(row, slot, round);
		if (++slot == row->n_slots) {
			slot = 0;
			round++;
		}
	}
}

/* Those that are sent up to this switch are counted, as by count_exits(); all others by block. */
static void fill_by_block(const struct row *row, uint32_t number, const uint16_t *key, uint32_t n,
			  uint8_t *restrict cell)
{
	uint32_t share = row->layout->fans.share[row->s];
	uint32_t remainder = row->layout->nominal.remainder[row->s];
	uint8_t exit[LID_BLOCKS];

	list_blocks(row, exit);
	for (uint32_t i = 0; i < n; i++)
		cell[i] = exit[key[i]];
	for (uint32_t i = (remainder + share - number % share) % share; i < n; i += share)
		cell[i] = exit_by(row, (number + i) / share % row->n_slots,
				  (number + i) / share / row->n_slots);
}

void row_fill_cells(const struct row *row, uint32_t number, const uint16_t *key, uint32_t n,
		    uint8_t *cell)
{
	if (row->n_slots < 2)
		memset(cell, row->n_slots ? row->slot[0] : ROUTE_NONE, n);
	else if (row->leads_up && row->layout->fans.share[row->s] > 1 &&
		 row->layout->nominal.remainder[row->s] != REMAINDER_ANY)
		fill_by_block(row, number, key, n, cell);
	else
		repeat_exits(row, number, n, cell);
}

void row_fill_own_cells(const struct row *row, const uint16_t *key, uint32_t n, uint8_t *cell)
{
	uint32_t turn = row->layout->fans.start[row->s];

	if (row->n_slots < 2) {
		memset(cell, row->n_slots ? row->slot[0] : ROUTE_NONE, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t number = key[i] + turn;

		cell[i] = exit_by(row, number % row->n_slots, number / row->n_slots);
	}
}
