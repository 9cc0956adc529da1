/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The proof of a change: tables that were proven, fewer or other cables, and some entries that are
 * others now. It believes the engine no more than proof.c does.
 *
 * "Suspects" are entries that changed, and those that leave by a cable which was not there before.
 * If the packets of each suspect arrive, all do: any other follows entries of before, which led to
 * the end, until it comes to a suspect. A LID that some switch had no way to, or that is somewhere
 * else now, is looked at in all rows, and rows that lost a cable must not use it.
 *
 * Turns are those of before, as far as their cables are there; and those of a suspect: from all who
 * send to it, and all the way from there. Some of them nobody takes any more, or only switches do.
 * So more is forbidden than has to be, and what cannot be shown here is left to proof.c. So is who
 * sends from a switch from which nobody sent before (past_has_senders_of()): it takes turns that
 * are neither.
 */

#include "routing/admission.h"
#include "routing/past.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

enum {
	LIDS = 65536,
	HOPS_LIMIT = 64, /* of a way that is believed to have no loop */
	NOWHERE = UINT32_MAX,
};

struct trial {
	const struct graph *graph;
	const struct past *past;
	const struct tables *tables;
	uint8_t *turn_of_port;     /* see turns_of_ports() */
	uint8_t *old_turn_of_port; /* the same of arcs before */
	bool *changed;             /* [switch]: has other arcs than before */
	uint32_t *lid_at;          /* [LID]: switch or NOWHERE */
	uint8_t *lid_port;         /* [LID] */
	uint64_t *whole;           /* [LID / 64]: all rows have been looked at */
	struct admission admission;
};

static void trial_clear(struct trial *trial)
{
	free(trial->turn_of_port);
	free(trial->old_turn_of_port);
	free(trial->changed);
	free(trial->lid_at);
	free(trial->lid_port);
	free(trial->whole);
	admission_clear(&trial->admission);
}

/* The graph of before, as far as arcs go. */
static struct graph graph_before(const struct past *past)
{
	return (struct graph){
		.n_switches = past->n_switches,
		.n_arcs = past->arc_first[past->n_switches],
		.arc_first = past->arc_first,
		.arcs = past->arcs,
	};
}

static int trial_allocate(struct trial *trial)
{
	size_t n = trial->graph->n_switches + (size_t)1;

	trial->turn_of_port = malloc(n * 256);
	trial->old_turn_of_port = malloc(n * 256);
	trial->changed = calloc(n, sizeof(*trial->changed));
	trial->lid_at = malloc(LIDS * sizeof(*trial->lid_at));
	trial->lid_port = calloc(LIDS, sizeof(*trial->lid_port));
	trial->whole = calloc(LIDS / 64, sizeof(*trial->whole));

	return trial->turn_of_port && trial->old_turn_of_port && trial->changed && trial->lid_at &&
			       trial->lid_port && trial->whole
		       ? 0
		       : -ENOMEM;
}

/* ---- graphs, before and now ------------------------------------------------------------------ */

static bool has_same_arcs(const struct graph *now, const struct graph *was, uint32_t s)
{
	uint32_t n = graph_degree(now, s);

	if (graph_degree(was, s) != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!is_same_arc(&now->arcs[now->arc_first[s] + i],
				 &was->arcs[was->arc_first[s] + i]))
			return false;

	return true;
}

static void learn_graphs(struct trial *trial)
{
	const struct graph was = graph_before(trial->past);

	turns_of_ports(trial->graph, trial->turn_of_port);
	turns_of_ports(&was, trial->old_turn_of_port);
	for (uint32_t s = 0; s < was.n_switches; s++)
		trial->changed[s] = !has_same_arcs(trial->graph, &was, s);
}

/* Arc @a of switch @s as it was before, or NOWHERE. */
static uint32_t arc_before(const struct trial *trial, uint32_t s, uint32_t a)
{
	const struct graph was = graph_before(trial->past);
	const struct arc *arc = &trial->graph->arcs[a];
	uint32_t turn = trial->old_turn_of_port[(size_t)s * 256 + arc->port];

	if (turn >= graph_degree(&was, s) || !is_same_arc(&was.arcs[was.arc_first[s] + turn], arc))
		return NOWHERE;

	return was.arc_first[s] + turn;
}

/* Turns of arc @a, which was @before, into arcs that were there before. */
static void keep_turns(const struct trial *trial, uint32_t a, const uint64_t *before,
		       const struct turns *ret)
{
	const struct graph was = graph_before(trial->past);
	uint32_t to = trial->graph->arcs[a].to;

	for (uint32_t turn = 0; turn < graph_degree(&was, to); turn++) {
		uint8_t port = was.arcs[was.arc_first[to] + turn].port;
		uint32_t now = trial->turn_of_port[(size_t)to * 256 + port];

		if (before[turn / 64] >> turn % 64 & 1 && now < graph_degree(trial->graph, to) &&
		    arc_before(trial, to, trial->graph->arc_first[to] + now) != NOWHERE)
			turns_put(ret, a, now);
	}
}

/* Those of before, by arcs of now. */
static int carry_turns(const struct trial *trial, const struct turns *turns, struct turns *ret)
{
	const struct graph *graph = trial->graph;
	uint32_t words = turns_words(graph);

	*ret = (struct turns){ calloc(graph->n_arcs + (size_t)1, words * sizeof(*ret->bits)),
			       words };
	if (!ret->bits)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			uint32_t before = arc_before(trial, s, a);
			const uint64_t *bits;

			if (before == NOWHERE)
				continue;
			bits = turns->bits + (size_t)before * turns->words;
			if (trial->changed[graph->arcs[a].to])
				keep_turns(trial, a, bits, ret);
			else
				memcpy(ret->bits + (size_t)a * words, bits,
				       MIN(words, turns->words) * sizeof(*bits));
		}
	}

	return 0;
}

/* ---- LIDs ------------------------------------------------------------------------------------ */

static uint8_t exit_of(const struct trial *trial, uint32_t s, uint32_t lid)
{
	return trial->tables->lft[s * trial->tables->stride + lid];
}

static bool put_lid(struct trial *trial, const struct end *end, uint32_t lid)
{
	trial->lid_at[lid] = end->at;
	trial->lid_port[lid] = end->port;

	return exit_of(trial, end->at, lid) == end->port;
}

/* False: some LID does not leave the fabric where it should. */
static bool learn_lids(struct trial *trial)
{
	memset(trial->lid_at, 0xff, LIDS * sizeof(*trial->lid_at));
	for (uint32_t e = 0; e < trial->graph->n_ends; e++) {
		const struct end *end = &trial->graph->ends[e];

		for (uint32_t i = 0; i < 1u << end->lmc; i++)
			if (end->lid + i > trial->graph->max_lid ||
			    !put_lid(trial, end, end->lid + i))
				return false;
	}

	return true;
}

/* ---- suspects -------------------------------------------------------------------------------- */

/* The arc by which switch @s sends @lid on, or NOWHERE. */
static uint32_t arc_of(const struct trial *trial, uint32_t s, uint32_t lid)
{
	uint32_t turn = trial->turn_of_port[(size_t)s * 256 + exit_of(trial, s, lid)];

	return turn < graph_degree(trial->graph, s) ? trial->graph->arc_first[s] + turn : NOWHERE;
}

/* What is for those who are away ends where it ends. */
static bool may_end(const struct trial *trial, uint32_t s, uint32_t lid)
{
	return trial->lid_at[lid] == s || graph_is_away(trial->graph, trial->lid_at[lid]);
}

/* Packets for @lid come by @arc: may they go on? Then *ret_next is by which, or NOWHERE at home. */
static bool admit(struct trial *trial, uint32_t arc, uint32_t lid, uint32_t *ret_next)
{
	uint32_t at = trial->graph->arcs[arc].to;

	*ret_next = arc_of(trial, at, lid);
	if (*ret_next == NOWHERE)
		return may_end(trial, at, lid);

	return admission_try(&trial->admission, arc, *ret_next - trial->graph->arc_first[at]);
}

/* Those who send to @s. */
static bool admit_arrivals(struct trial *trial, uint32_t s, uint32_t lid)
{
	const struct graph *graph = trial->graph;
	uint32_t next;

	for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
		const struct arc *arc = &graph->arcs[a];
		uint32_t back = graph->arc_first[arc->to] +
				trial->turn_of_port[(size_t)arc->to * 256 + arc->to_port];

		if (exit_of(trial, arc->to, lid) == arc->to_port && !admit(trial, back, lid, &next))
			return false;
	}

	return true;
}

/* Do packets for @lid arrive from @s on, and may they take that way? */
static bool arrives(struct trial *trial, uint32_t s, uint32_t lid)
{
	uint32_t arc = arc_of(trial, s, lid);

	if (arc == NOWHERE)
		return may_end(trial, s, lid) && admit_arrivals(trial, s, lid);
	if (!admit_arrivals(trial, s, lid))
		return false;
	for (unsigned hops = 0; arc != NOWHERE; hops++)
		if (hops == HOPS_LIMIT || !admit(trial, arc, lid, &arc))
			return false;

	return true;
}

static bool was_away(const struct trial *trial, uint32_t s)
{
	return trial->past->away && trial->past->away[s];
}

/* Has every switch a way to @lid, if there is one? */
static bool is_led_to(struct trial *trial, uint32_t lid)
{
	uint64_t bit = UINT64_C(1) << lid % 64;

	if (trial->whole[lid / 64] & bit)
		return true;
	trial->whole[lid / 64] |= bit;
	for (uint32_t s = 0; s < trial->graph->n_switches; s++)
		if (arc_of(trial, s, lid) == NOWHERE && !may_end(trial, s, lid) &&
		    !graph_is_away(trial->graph, s))
			return false;

	return true;
}

static bool entry_holds(struct trial *trial, const struct patch_entry *entry)
{
	bool may_be_lost = (entry->was == ROUTE_NONE && !was_away(trial, entry->row)) ||
			   trial->lid_at[entry->lid] == entry->row;

	if (trial->lid_at[entry->lid] == NOWHERE || graph_is_away(trial->graph, entry->row))
		return true;

	return (!may_be_lost || is_led_to(trial, entry->lid)) &&
	       arrives(trial, entry->row, entry->lid);
}

/* Switch @s has other arcs than before. */
static bool row_holds(struct trial *trial, uint32_t s)
{
	for (uint32_t lid = 0; lid <= trial->graph->max_lid; lid++) {
		uint32_t arc = arc_of(trial, s, lid);

		if (trial->lid_at[lid] == NOWHERE || trial->lid_at[lid] == s)
			continue;
		if (arc == NOWHERE && !may_end(trial, s, lid))
			return false;
		if (arc != NOWHERE && arc_before(trial, s, arc) == NOWHERE &&
		    !arrives(trial, s, lid))
			return false;
	}

	return true;
}

/* What led to them ended somewhere, as they were away. */
static bool are_led_to_who_came(struct trial *trial)
{
	for (uint32_t e = 0; e < trial->graph->n_ends; e++) {
		const struct end *end = &trial->graph->ends[e];

		if (!was_away(trial, end->at) || graph_is_away(trial->graph, end->at))
			continue;
		for (uint32_t i = 0; i < 1u << end->lmc; i++)
			if (!is_led_to(trial, end->lid + i))
				return false;
	}

	return true;
}

static bool all_hold(struct trial *trial, const struct patch *patch)
{
	const struct graph *graph = trial->graph;

	for (uint32_t i = 0; i < patch->n; i++)
		if (!entry_holds(trial, &patch->entry[i]))
			return false;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		if (trial->changed[s] && !graph_is_away(graph, s) && !row_holds(trial, s))
			return false;

	return are_led_to_who_came(trial);
}

int proof_again(const struct graph *graph, const struct past *past, const struct tables *tables,
		const struct patch *patch, const struct turns *turns, struct turns *ret_turns)
{
	AUTO(trial_clear)
	struct trial trial = { .graph = graph, .past = past, .tables = tables };
	AUTO(turns_clear) struct turns carried = { 0 };
	int r = trial_allocate(&trial);

	if (r < 0)
		return r;
	learn_graphs(&trial);
	if (!learn_lids(&trial))
		return 0;
	r = carry_turns(&trial, turns, &carried);
	if (r == 0)
		r = admission_init(graph, &carried, &trial.admission);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	if (!all_hold(&trial, patch))
		return trial.admission.full ? -ENOMEM : 0;
	*ret_turns =
		(struct turns){ TAKE(trial.admission.turns.bits), trial.admission.turns.words };

	return 1;
}
