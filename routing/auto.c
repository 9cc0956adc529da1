/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which engine, and what if its tables do not hold. Nothing leaves here unproven: whoever is asked
 * for, the proof looks at the tables, and if they would deadlock, loop or leave a LID out, updn is
 * next. It cannot deadlock, but is not believed either.
 *
 * "auto" takes ftree for trees, where it is as good as minhop and cables may fail without a cycle.
 * Who asks for ftree on a fabric that is none has updn, which is the same as far as it goes.
 * Elsewhere it tries minhop first, as its ways are shorter, unless all such would deadlock
 * (forced.c); mostly its do, by themselves or with multicast. Then lanes are tried, which have ways
 * as short and better chosen, and several virtual lanes to keep them apart; if there are not enough
 * of these, updn from a root in the middle is what remains.
 *
 * What an engine remembers is kept only if it was the first to be asked: on another graph the first
 * might do, and tables must not depend on what was.
 */

#include "routing/past.h"
#include "routing/room.h"
#include "routing/turns.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

const struct engine *const engines[] = { &engine_minhop, &engine_updn, &engine_ftree, &engine_lanes,
					 NULL };

const struct engine *engine_find(const char *name)
{
	for (const struct engine *const *engine = engines; *engine; engine++)
		if (!strcmp((*engine)->name, name))
			return *engine;
	return NULL;
}

/* Why tables of @proof are not used, a sentence. */
static const char *proof_sentence(const struct proof *proof)
{
	if (!proof->deadlock_free)
		return "the paths of minhop would deadlock on this fabric";
	if (!proof->loop_free)
		return "the paths of minhop have a loop on this fabric";
	return "minhop does not reach every LID on this fabric";
}

/* Nothing leads to those who are away. */
static void forget_away(const struct graph *graph, struct tables *tables)
{
	for (uint32_t e = 0; e < graph->n_ends; e++) {
		const struct end *end = &graph->ends[e];

		if (!graph_is_away(graph, end->at))
			continue;
		for (uint32_t s = 0; s < graph->n_switches; s++)
			if (!graph_is_away(graph, s))
				memset(tables->lft + s * tables->stride + end->lid, ROUTE_NONE,
				       (size_t)1 << end->lmc);
	}
}

/*
 * Ways to those who are away are those of another graph. Should these not go together with the
 * others, they are worth nothing, and then @past is not that of these tables.
 */
static int prove(const struct graph *graph, struct tables *tables, struct route_result *result,
		 struct turns *turns, struct past *past)
{
	struct proof *ret = &result->proof;
	int r = proof_check_past(graph, tables, &result->lanes, ret, turns, past);

	if (r || !graph->away || proof_holds(ret))
		return r;
	if (turns)
		turns_clear(turns);
	forget_away(graph, tables);
	if (past)
		past_clear(past);

	return proof_check_lanes(graph, tables, &result->lanes, ret, turns);
}

/* Of engines that leave it to others: see struct lanes. Without, multicast has to look for its own.
 */
static int find_room(const struct graph *graph, const struct turns *turns, struct lanes *ret)
{
	const struct dimensions none = { .n = 0 };
	AUTO(freep) uint8_t *up = malloc(graph->n_switches + (size_t)1);
	int r = up ? room_find_tree(graph, turns, &none, NULL, up) : -ENOMEM;

	if (r)
		return r;
	ret->n_switches = graph->n_switches;
	ret->up = TAKE(up);
	return 0;
}

/* 0: proven. -EPROTO: not. */
static int route_and_prove(const struct engine *engine, const struct graph *graph,
			   struct tables *tables, struct route_result *ret, struct turns *turns,
			   struct past *past)
{
	const char *why = NULL;
	int r = engine->route_in_lanes
			? engine->route_in_lanes(graph, tables, &ret->lanes, &why, past)
			: engine->route(graph, tables, &why, past);

	ret->why = why;
	if (r) {
		lanes_clear(&ret->lanes);
		return r;
	}
	ret->engine = engine;
	r = prove(graph, tables, ret, turns, past);
	if (r == 0 && proof_holds(&ret->proof))
		return 0;
	lanes_clear(&ret->lanes);
	if (r == 0 && turns)
		turns_clear(turns);
	return r ? r : -EPROTO;
}

/* The reason why that is not asked for goes on with the result. */
static int route_updn_instead(const struct graph *graph, struct tables *tables, const char *refusal,
			      struct route_result *ret, struct turns *turns)
{
	int r = route_and_prove(&engine_updn, graph, tables, ret, turns, NULL);

	ret->why = refusal;
	return r;
}

static int route_lanes(const struct graph *graph, struct tables *tables, struct route_result *ret,
		       struct turns *turns, struct past *past)
{
	int r = route_and_prove(&engine_lanes, graph, tables, ret, turns, past);

	if (r != -ENOTSUP && r != -EPROTO)
		return r;
	if (past)
		past_clear(past);
	return route_updn_instead(
		graph, tables, r == -ENOTSUP ? ret->why : "the paths of lanes could not be proven",
		ret, turns);
}

/* @lanes: they are next, if it would deadlock, or leaves multicast no room. */
static int route_minhop(const struct graph *graph, struct tables *tables, bool lanes,
			struct route_result *ret, struct turns *ret_turns)
{
	AUTO(turns_clear) struct turns turns = { 0 };
	int r = route_and_prove(&engine_minhop, graph, tables, ret, &turns, NULL);

	if (!r)
		r = find_room(graph, &turns, &ret->lanes);
	if (r > 0 && !lanes)
		r = 0;
	if (r == 0 && ret_turns)
		*ret_turns = (struct turns){ TAKE(turns.bits), turns.words };
	if (r == 0 || (r < 0 && r != -EPROTO))
		return r;
	if (lanes)
		return route_lanes(graph, tables, ret, ret_turns, NULL);
	return route_updn_instead(graph, tables, proof_sentence(&ret->proof), ret, ret_turns);
}

/* Who is asked first: 0 with *ret, or -ENOMEM; -EINVAL: there is no such engine. */
static int choose(const char *name, const struct graph *graph, const struct ranking *ranking,
		  const struct engine **ret)
{
	int r = 0;

	*ret = engine_find(name);
	if (!strcmp(name, "auto") && ranking->tree) {
		*ret = &engine_ftree;
	} else if (!strcmp(name, "auto")) {
		r = turns_are_forced_around(graph);
		*ret = r ? &engine_lanes : &engine_minhop;
	} else if (*ret == &engine_ftree && !ranking->tree) {
		*ret = &engine_updn;
	}

	return *ret ? MIN(r, 0) : -EINVAL;
}

/* For graphs that are as that of @past, if all that is to know of them is in its layout. */
static int choose_again(const char *name, const struct graph *graph, const struct past *past,
			const struct engine **ret)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };
	int r;

	if (past->engine != &engine_lanes)
		return choose(name, graph, &past->layout.ranking, ret);
	r = ranking_make(graph->whole ? graph->whole : graph, &ranking);

	return r < 0 ? r : choose(name, graph, &ranking, ret);
}

int route_fabric(const char *name, const struct graph *graph, struct tables *tables,
		 struct route_result *ret, struct turns *ret_turns, struct past *past)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };
	const struct engine *engine;
	bool is_auto = !strcmp(name, "auto");
	int r;

	*ret = (struct route_result){ 0 };
	if (past)
		past_clear(past);
	r = ranking_make(graph->whole ? graph->whole : graph, &ranking);
	if (r)
		return r;
	r = choose(name, graph, &ranking, &engine);
	if (r)
		return r;
	if (engine == &engine_minhop)
		r = route_minhop(graph, tables, is_auto, ret, ret_turns);
	else if (engine == &engine_lanes)
		r = route_lanes(graph, tables, ret, ret_turns, past);
	else
		r = route_and_prove(engine, graph, tables, ret, ret_turns, past);
	if (r && past)
		past_clear(past);
	if (ret->engine == &engine_minhop || ret->engine == &engine_lanes)
		return r;
	ret->n_roots = ranking.n_roots;
	/* Nobody counts on lanes where there is one. */
	if (is_auto && (ranking.tree || graph->n_lanes < 2))
		ret->why = ranking.why;

	return r;
}

/* Columns of ends; the past is as it was, or of @graph. */
static int lanes_again(const struct graph *graph, struct past *past, struct tables *tables,
		       struct turns *turns, struct patch *ret_patch)
{
	int r = past_is_of(past, graph) ? columns_again(graph, past, tables, ret_patch) : 0;

	if (r > 0)
		r = proof_columns_again(graph, past, tables, ret_patch, turns);
	if (r <= 0)
		patch_undo(ret_patch, tables);

	return r;
}

/* The proof of a change may have failed for turns that nobody takes any more. */
static int prove_whole(const struct graph *graph, const struct tables *tables, struct turns *ret)
{
	struct proof proof;
	int r = proof_check(graph, tables, &proof, ret);

	return r < 0 ? r : proof_holds(&proof);
}

int route_again(const char *name, const struct graph *graph, struct past *past,
		struct tables *tables, struct turns *turns, struct patch *ret_patch)
{
	AUTO(layout_clear) struct layout layout = { 0 };
	const struct engine *engine;
	struct turns now = { 0 };
	int r = past->engine ? choose_again(name, graph, past, &engine) : 0;

	if (r < 0 || !past->engine || engine != past->engine)
		return r == -EINVAL ? 0 : r;
	if (engine == &engine_lanes)
		return lanes_again(graph, past, tables, turns, ret_patch);
	if (!past_has_senders_of(past, graph))
		return 0;
	r = tables_again(graph, past, tables, &layout, ret_patch);
	if (r == 0) {
		past_clear(past);
		return 0;
	}
	if (r > 0)
		r = proof_again(graph, past, tables, ret_patch, turns, &now);
	if (r == 0)
		r = prove_whole(graph, tables, &now);
	if (r > 0 && past_take(past->engine, graph, &layout, past) == 0) {
		turns_clear(turns);
		*turns = now;
		return 1;
	}
	turns_clear(&now);
	patch_undo(ret_patch, tables);
	past_clear(past);

	return r > 0 ? -ENOMEM : r;
}
