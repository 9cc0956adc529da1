/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Circles of routes. For one LID each switch has a next switch, or two while tables change; depth
 * first from every switch, each is entered once, and one that is met while it is still on the path
 * closes a circle. One circle is told of each LID.
 */

#include "tests/sim/check.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "tests/sim/check-graph.h"

struct step {
	uint32_t at;    /* switch */
	unsigned table; /* to follow next */
};

struct search {
	struct sim_graph graph;
	uint32_t lid;
	uint32_t *mark; /* of each switch: 2 lid on the path, 2 lid + 1 done */
	struct step *path;
	uint32_t depth;
	struct sim_findings *findings;
};

static void enter(struct search *s, uint32_t at)
{
	s->mark[at] = 2 * s->lid;
	s->path[s->depth++] = (struct step){ .at = at };
}

/* The switches on the path from @at on. */
static void tell(struct search *s, uint32_t at)
{
	char text[SIM_FINDING_TEXT] = "";
	uint32_t from = s->depth - 1;

	while (s->path[from].at != at)
		from--;
	for (; from < s->depth; from++) {
		const struct step *step = &s->path[from];
		unsigned out = sim_graph_route(&s->graph, step->table - 1, step->at, s->lid);

		sim_graph_add_port(text, s->graph.ports[s->graph.first[step->at] + out], "");
	}
	sim_find_fault(s->findings, "LID %u goes in a circle: %s", s->lid, text);
}

/* True: there is a circle behind the last step. */
static bool advance(struct search *s)
{
	struct step *step = &s->path[s->depth - 1];
	unsigned out;
	uint32_t link;

	if (step->table == s->graph.n_tables) {
		s->mark[step->at] = 2 * s->lid + 1;
		s->depth--;
		return false;
	}
	out = sim_graph_route(&s->graph, step->table++, step->at, s->lid);
	link = out ? sim_graph_link(&s->graph, step->at, out) : GRAPH_NOTHING;
	if (link >= GRAPH_SWITCHES)
		return false;
	link = s->graph.switch_of[link];
	if (s->mark[link] == 2 * s->lid) {
		tell(s, link);
		return true;
	}
	if (s->mark[link] != 2 * s->lid + 1)
		enter(s, link);
	return false;
}

static void check_lid(struct search *s)
{
	for (uint32_t from = 0; from < s->graph.n_switches; from++) {
		if (s->mark[from] == 2 * s->lid + 1)
			continue;
		s->depth = 0;
		enter(s, from);
		while (s->depth)
			if (advance(s))
				return;
	}
}

static uint32_t highest_lid(const struct sim_graph *g)
{
	uint32_t size = 0;

	for (unsigned t = 0; t < g->n_tables; t++)
		for (uint32_t s = 0; s < g->n_switches; s++)
			size = MAX(size, g->tables[t][s].size);
	return size;
}

static int check(const struct sim_fabric *fabric, const struct sim_snapshot *before, bool active,
		 struct sim_findings *findings)
{
	struct search s = { .findings = findings };
	int r = sim_graph_new(fabric, before, active, &s.graph);

	if (r < 0)
		return r;
	s.mark = calloc(s.graph.n_switches + 1, sizeof(*s.mark));
	s.path = calloc(s.graph.n_switches + 1, sizeof(*s.path));
	if (s.mark && s.path) {
		uint32_t end = highest_lid(&s.graph);

		for (s.lid = 1; s.lid < end; s.lid++)
			check_lid(&s);
	} else {
		r = -ENOMEM;
	}
	free(s.mark);
	free(s.path);
	sim_graph_free(&s.graph);
	return r;
}

int sim_check_routes(const struct sim_fabric *fabric, const struct sim_snapshot *before,
		     struct sim_findings *findings)
{
	return check(fabric, before, false, findings);
}

int sim_check_moment(const struct sim_fabric *fabric, const struct sim_credits *what,
		     struct sim_findings *findings)
{
	struct sim_credits credits = what ? *what : (struct sim_credits){ .sls = 1 };
	int r = check(fabric, NULL, true, findings);

	credits.before = NULL;
	credits.active = true;
	return r < 0 ? r : sim_check_credits(fabric, &credits, findings);
}
