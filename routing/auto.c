/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which engine, and what if its tables do not hold. Nothing leaves here unproven: whoever is asked
 * for, the proof looks at the tables, and if they would deadlock, loop or leave a LID out, updn is
 * next. It cannot deadlock, but is not believed either.
 *
 * "auto" takes ftree for trees, where it is as good as minhop and cables may fail without a cycle.
 * Who asks for ftree on a fabric that is none has updn, which is the same as far as it goes.
 * Elsewhere it tries minhop first, as its ways are shorter; mostly they deadlock, and updn from a
 * root in the middle is what remains.
 */

#include "routing/rank.h"

#include "base/macros.h"

#include <errno.h>
#include <string.h>

const struct engine *const engines[] = { &engine_minhop, &engine_updn, &engine_ftree, NULL };

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

/* 0: proven. -EPROTO: not. */
static int route_and_prove(const struct engine *engine, const struct graph *graph,
			   struct tables *tables, struct route_result *ret, struct turns *turns)
{
	const char *why = NULL;
	int r = engine->route(graph, tables, &why);

	if (r)
		return r;
	ret->engine = engine;
	ret->why = why;
	r = proof_check(graph, tables, &ret->proof, turns);
	if (r)
		return r;
	if (proof_holds(&ret->proof))
		return 0;
	if (turns)
		turns_clear(turns);
	return -EPROTO;
}

static int route_minhop(const struct graph *graph, struct tables *tables, struct route_result *ret,
			struct turns *turns)
{
	const char *refusal;
	int r = route_and_prove(&engine_minhop, graph, tables, ret, turns);

	if (r != -EPROTO)
		return r;
	refusal = proof_sentence(&ret->proof);
	r = route_and_prove(&engine_updn, graph, tables, ret, turns);
	ret->why = refusal;
	return r;
}

/* NULL: there is no such engine. */
static const struct engine *choose(const char *name, const struct ranking *ranking)
{
	const struct engine *engine = engine_find(name);

	if (!strcmp(name, "auto"))
		return ranking->tree ? &engine_ftree : &engine_minhop;

	return engine == &engine_ftree && !ranking->tree ? &engine_updn : engine;
}

int route_fabric(const char *name, const struct graph *graph, struct tables *tables,
		 struct route_result *ret, struct turns *ret_turns)
{
	AUTO(ranking_clear) struct ranking ranking = { 0 };
	const struct engine *engine;
	int r;

	*ret = (struct route_result){ 0 };
	r = ranking_make(graph, &ranking);
	if (r)
		return r;
	engine = choose(name, &ranking);
	if (!engine)
		return -EINVAL;
	if (engine == &engine_minhop)
		r = route_minhop(graph, tables, ret, ret_turns);
	else
		r = route_and_prove(engine, graph, tables, ret, ret_turns);
	if (ret->engine == &engine_minhop)
		return r;
	ret->n_roots = ranking.n_roots;
	if (!strcmp(name, "auto"))
		ret->why = ranking.why;

	return r;
}
