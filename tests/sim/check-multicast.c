/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Circles of multicast: for each multicast LID, from every switch, along all links that a packet is
 * copied to, as sim_route_multicast() decides. A link that is met while it is still on the path
 * closes a circle, and what is in it goes round for ever.
 */

#include "tests/sim/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/check-graph.h"
#include "tests/sim/forward.h"

enum { MLIDS = SIM_LID_PERMISSIVE - SIM_LID_MULTICAST };

struct step {
	uint32_t link;
	uint64_t left[4]; /* ports to follow yet */
};

struct search {
	struct sim_graph graph;
	struct sim_packet packet;
	uint32_t round; /* odd: on the path is this, done is this + 1 */
	uint32_t *mark; /* by link */
	struct step *path;
	uint32_t depth;
	struct sim_findings *findings;
};

static void enter(struct search *s, uint32_t link)
{
	struct step *step = &s->path[s->depth++];

	s->mark[link] = s->round;
	step->link = link;
	if (sim_route_multicast(s->graph.ports[link], &s->packet, step->left) != SIM_PASSED)
		memset(step->left, 0, sizeof(step->left));
}

static bool take_port(uint64_t left[4], unsigned *ret)
{
	for (unsigned i = 0; i < 4; i++) {
		if (!left[i])
			continue;
		*ret = i * 64 + (unsigned)__builtin_ctzll(left[i]);
		left[i] &= left[i] - 1;
		return true;
	}
	return false;
}

static void tell(struct search *s, uint32_t link)
{
	char text[SIM_FINDING_TEXT] = "";
	uint32_t from = s->depth - 1;

	while (s->path[from].link != link)
		from--;
	for (; from < s->depth; from++)
		sim_graph_add_port(text, s->graph.ports[s->path[from].link]->far, "");
	sim_find_fault(s->findings, "multicast LID 0x%x goes in a circle: %s", s->packet.dlid,
		       text);
}

/* True: a circle. */
static bool advance(struct search *s)
{
	struct step *step = &s->path[s->depth - 1];
	uint32_t at = s->graph.switch_of[step->link];
	unsigned out;
	uint32_t link;

	if (!take_port(step->left, &out)) {
		s->mark[step->link] = s->round + 1;
		s->depth--;
		return false;
	}
	link = out ? sim_graph_link(&s->graph, at, out) : GRAPH_NOTHING;
	if (link >= GRAPH_SWITCHES || s->mark[link] == s->round + 1)
		return false;
	if (s->mark[link] == s->round) {
		tell(s, link);
		return true;
	}
	enter(s, link);
	return false;
}

static void check_mlid(struct search *s, unsigned mlid)
{
	s->packet.dlid = (uint16_t)mlid;
	s->round += 2;
	for (uint32_t at = 0; at < s->graph.n_switches; at++) {
		s->depth = 0;
		enter(s, s->graph.first[at]);
		while (s->depth)
			if (advance(s))
				return;
	}
}

/* MLIDs that some switch has an entry for, and one that none has, for the default ports. */
static void find_mlids(const struct sim_graph *g, uint8_t is_known[static MLIDS])
{
	unsigned unknown = 0;

	for (uint32_t at = 0; at < g->n_switches; at++) {
		const struct sim_switch *sw = g->ports[g->first[at]]->node->sw;

		for (unsigned i = 0; sw->mft && i < sw->mft_size && i < MLIDS; i++)
			if (sw->mft[i][0] | sw->mft[i][1] | sw->mft[i][2] | sw->mft[i][3])
				is_known[i] = 1;
	}
	while (unknown < MLIDS - 1 && is_known[unknown])
		unknown++;
	is_known[unknown] = 1;
}

static int check(const struct sim_fabric *fabric, bool active, struct sim_findings *findings)
{
	struct search s = { .findings = findings, .round = 1 };
	AUTO(freep) uint8_t *is_known = calloc(MLIDS, 1);
	int r = sim_graph_new(fabric, NULL, active, &s.graph);

	if (r < 0)
		return r;
	s.mark = calloc(s.graph.n_ports + 1, sizeof(*s.mark));
	s.path = calloc(s.graph.n_ports + 1, sizeof(*s.path));
	if (is_known && s.mark && s.path) {
		find_mlids(&s.graph, is_known);
		for (unsigned i = 0; i < MLIDS; i++)
			if (is_known[i])
				check_mlid(&s, SIM_LID_MULTICAST + i);
	} else {
		r = -ENOMEM;
	}
	free(s.mark);
	free(s.path);
	sim_graph_free(&s.graph);
	return r;
}

int sim_check_multicast(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	return check(fabric, false, findings);
}

int sim_check_multicast_now(const struct sim_fabric *fabric, struct sim_findings *findings)
{
	return check(fabric, true, findings);
}
