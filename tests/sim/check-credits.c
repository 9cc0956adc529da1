/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Credit loops. A channel is a link between two switches in one direction, on one lane; it depends
 * on another if a packet that came by the first may have to wait for the second. All channels that
 * some source can fill on the way to some LID are followed, LID by LID and SL by SL, and what
 * depends on what is written down; a circle in that is a deadlock waiting to happen. Links from and
 * to end nodes depend on nothing, so they are left out.
 *
 * Dependencies are a bit for each pair of in-port and out-port of a switch, for each pair of lanes
 * that occurs: 1,620 switches of 36 ports are half a megabyte. For one LID and SL a channel is
 * followed once, so that the work is LIDs times links in use. With the tables of before, every
 * switch may have either: a packet may be sent on by old and new ones in turn.
 */

#include "tests/sim/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/check-graph.h"
#include "tests/sim/endpoint.h"
#include "tests/sim/forward.h"

enum { LANES = 16, NO_LANE = 15, WORDS = 4 };

/* Of one switch: by in-port the out-ports, for a lane before and a lane after. */
struct dependencies {
	uint64_t (*rows[LANES][LANES])[WORDS];
};

struct search {
	struct sim_graph graph;
	const struct sim_credits *what;
	struct dependencies **deps; /* by switch; NULL: none */
	uint8_t **lanes;            /* by switch: [in-port][out-port], of @sl */
	uint16_t *sources;          /* by port: lanes that sources put on its link, of @sl */
	uint8_t *is_wanted;         /* by LID */
	uint32_t last_wanted;
	unsigned sl;
	uint32_t lid;
	struct {
		uint32_t when; /* of @lanes: LID and SL */
		uint16_t lanes;
	} * seen;       /* by link */
	uint32_t *todo; /* link * LANES + lane */
	uint32_t n_todo;
	bool no_memory;
};

/* ---- what depends on what -------------------------------------------------------------------- */

static void depends(struct search *s, uint32_t at, unsigned in, unsigned lane, unsigned out,
		    unsigned next)
{
	struct dependencies **deps = &s->deps[at];
	uint64_t(**rows)[WORDS];

	if (!*deps)
		*deps = calloc(1, sizeof(**deps));
	if (!*deps) {
		s->no_memory = true;
		return;
	}
	rows = &(*deps)->rows[lane][next];
	if (!*rows) {
		unsigned n = s->graph.ports[s->graph.first[at]]->node->n_ports + 1u;

		*rows = calloc(n, sizeof(**rows));
	}
	if (*rows)
		(*rows)[in][out / 64] |= UINT64_C(1) << out % 64;
	else
		s->no_memory = true;
}

/* Link @link is filled on @lane; to be followed, unless it has been. */
static void fill(struct search *s, uint32_t link, unsigned lane)
{
	uint32_t now = s->lid * LANES + s->sl;

	if (s->seen[link].when != now) {
		s->seen[link].when = now;
		s->seen[link].lanes = 0;
	}
	if (s->seen[link].lanes >> lane & 1)
		return;
	s->seen[link].lanes |= (uint16_t)(1u << lane);
	s->todo[s->n_todo++] = link * LANES + lane;
}

static unsigned ports_of(const struct search *s, uint32_t at)
{
	return s->graph.ports[s->graph.first[at]]->node->n_ports;
}

/* What came to @at by @in goes on by @out. */
static void go_on(struct search *s, uint32_t at, unsigned in, unsigned lane, unsigned out)
{
	uint32_t next = out ? sim_graph_link(&s->graph, at, out) : GRAPH_NOTHING;
	unsigned then;

	if (next >= GRAPH_SWITCHES || out == in)
		return;
	then = s->lanes[at][in * (ports_of(s, at) + 1) + out];
	if (then == NO_LANE)
		return;
	depends(s, at, in, lane, out, then);
	fill(s, next, then);
}

/* Ports that a packet to a multicast LID is copied to. */
static void copies_of(const struct search *s, uint32_t at, unsigned in, uint64_t ret[static 4])
{
	struct sim_packet packet = { .dlid = (uint16_t)s->lid };
	const struct sim_port *port = s->graph.ports[s->graph.first[at] + in];

	if (sim_route_multicast(port, &packet, ret) != SIM_PASSED)
		memset(ret, 0, 4 * sizeof(*ret));
}

static void copy_on(struct search *s, uint32_t at, unsigned in, unsigned lane)
{
	uint64_t ports[4];

	copies_of(s, at, in, ports);
	for (unsigned out = 1; out <= ports_of(s, at); out++)
		if (ports[out / 64] >> out % 64 & 1)
			go_on(s, at, in, lane, out);
}

static void follow(struct search *s, uint32_t link, unsigned lane)
{
	uint32_t at = s->graph.switch_of[link];
	unsigned in = link - s->graph.first[at];

	if (s->lid >= SIM_LID_MULTICAST) {
		copy_on(s, at, in, lane);
		return;
	}
	for (unsigned t = 0; t < s->graph.n_tables; t++)
		go_on(s, at, in, lane, sim_graph_route(&s->graph, t, at, s->lid));
}

static bool is_source(const struct search *s, uint32_t at, unsigned in)
{
	return in ? s->graph.far[s->graph.first[at] + in] == GRAPH_END : s->what->switches_send;
}

/* Who sends to this LID on this SL, by itself. */
static uint16_t lanes_of_each(const struct search *s, uint32_t at, unsigned out)
{
	struct sim_port **ports = &s->graph.ports[s->graph.first[at]];
	uint16_t lanes = 0;

	for (unsigned in = 0; in <= ports_of(s, at); in++) {
		const struct sim_port *source = in ? ports[in]->far : ports[in];
		unsigned lane;

		if (in == out || !is_source(s, at, in) ||
		    s->what->sl(s->what->user, source, s->lid) != (int)s->sl)
			continue;
		lane = sim_lane(ports[in], ports[out], s->sl);
		if (lane != NO_LANE)
			lanes |= (uint16_t)(1u << lane);
	}
	return lanes;
}

static uint16_t lanes_of_sources(const struct search *s, uint32_t at, unsigned out)
{
	return s->what->sl ? lanes_of_each(s, at, out) : s->sources[s->graph.first[at] + out];
}

static void start(struct search *s, uint32_t at)
{
	for (unsigned t = 0; t < s->graph.n_tables; t++) {
		unsigned out = sim_graph_route(&s->graph, t, at, s->lid);
		uint32_t link = out ? sim_graph_link(&s->graph, at, out) : GRAPH_NOTHING;
		unsigned lanes = link < GRAPH_SWITCHES ? lanes_of_sources(s, at, out) : 0;

		for (unsigned lane = 0; lanes >> lane; lane++)
			if (lanes >> lane & 1)
				fill(s, link, lane);
	}
}

/* From all end nodes at @at, and port 0. */
static void start_copies(struct search *s, uint32_t at)
{
	for (unsigned in = 0; in <= ports_of(s, at); in++) {
		uint64_t ports[4];

		if (in && !is_source(s, at, in))
			continue;
		copies_of(s, at, in, ports);
		for (unsigned out = 1; out <= ports_of(s, at); out++) {
			uint32_t link = sim_graph_link(&s->graph, at, out);
			unsigned lane = s->lanes[at][in * (ports_of(s, at) + 1) + out];

			if ((ports[out / 64] >> out % 64 & 1) && link < GRAPH_SWITCHES &&
			    lane != NO_LANE)
				fill(s, link, lane);
		}
	}
}

static void follow_lid(struct search *s)
{
	for (uint32_t at = 0; at < s->graph.n_switches; at++) {
		if (s->lid >= SIM_LID_MULTICAST)
			start_copies(s, at);
		else
			start(s, at);
	}
	while (s->n_todo) {
		uint32_t next = s->todo[--s->n_todo];

		follow(s, next / LANES, next % LANES);
	}
}

/* ---- what stays the same for an SL ----------------------------------------------------------- */

static void read_lanes_of(struct search *s, uint32_t at)
{
	struct sim_port **ports = &s->graph.ports[s->graph.first[at]];
	uint16_t *sources = &s->sources[s->graph.first[at]];
	unsigned n = ports_of(s, at) + 1;

	memset(sources, 0, n * sizeof(*sources));
	for (unsigned in = 0; in < n; in++) {
		bool source = is_source(s, at, in);

		for (unsigned out = 0; out < n; out++) {
			unsigned lane = sim_lane(ports[in], ports[out], s->sl);

			s->lanes[at][in * n + out] = (uint8_t)lane;
			if (source && lane != NO_LANE && in != out)
				sources[out] |= (uint16_t)(1u << lane);
		}
	}
}

static void want_lids(const struct sim_fabric *fabric, struct search *s)
{
	struct sim_endpoint e = { 0 };

	while (sim_endpoint_next(fabric, &e)) {
		uint32_t lid = sim_endpoint_is_live(&e) ? sim_endpoint_lid(&e) : 0;

		for (; lid && lid < SIM_LID_MULTICAST && sim_endpoint_has_lid(&e, (uint16_t)lid);
		     lid++) {
			s->is_wanted[lid] = 1;
			s->last_wanted = MAX(s->last_wanted, lid);
		}
	}
}

static void follow_groups(struct search *s)
{
	for (s->lid = SIM_LID_MULTICAST; s->lid < SIM_LID_PERMISSIVE; s->lid++)
		if (s->what->group_sls(s->what->user, s->lid) >> s->sl & 1)
			follow_lid(s);
}

static void follow_all(struct search *s)
{
	for (s->sl = 0; s->sl < LANES; s->sl++) {
		for (uint32_t at = 0; at < s->graph.n_switches; at++)
			read_lanes_of(s, at);
		if (s->what->group_sls)
			follow_groups(s);
		if (!s->what->sl && !(s->what->sls >> s->sl & 1))
			continue;
		for (s->lid = 1; s->lid <= s->last_wanted; s->lid++)
			if (s->is_wanted[s->lid])
				follow_lid(s);
	}
}

/* ---- circles --------------------------------------------------------------------------------- */

struct step {
	uint32_t channel; /* link * LANES + lane */
	uint32_t cursor;  /* lane * 256 + out-port to look at next */
};

enum { NEW, ON_PATH, DONE };

/* The next that @step depends on, or GRAPH_NOTHING. */
static uint32_t next_of(const struct search *s, struct step *step)
{
	uint32_t link = step->channel / LANES;
	uint32_t at = s->graph.switch_of[link];
	unsigned in = link - s->graph.first[at];
	const struct dependencies *deps = s->deps[at];

	while (deps && step->cursor < LANES * 256) {
		unsigned lane = step->cursor / 256, out = step->cursor % 256;
		uint64_t(*rows)[WORDS] = deps->rows[step->channel % LANES][lane];
		uint64_t word = rows ? rows[in][out / 64] >> out % 64 : 0;

		if (!word) {
			/* The next word, or, without rows, the next lane. */
			step->cursor = rows ? (step->cursor | 63) + 1 : (lane + 1) * 256;
			continue;
		}
		out += (unsigned)__builtin_ctzll(word);
		step->cursor = lane * 256 + out + 1;
		return sim_graph_link(&s->graph, at, out) * LANES + lane;
	}
	return GRAPH_NOTHING;
}

static void tell(const struct search *s, const struct step *path, size_t depth, uint32_t channel,
		 struct sim_findings *findings)
{
	char text[SIM_FINDING_TEXT] = "";
	size_t from = depth - 1;

	while (path[from].channel != channel)
		from--;
	for (size_t i = from; i < depth; i++) {
		char lane[16];

		snprintf(lane, sizeof(lane), " VL %u", path[i].channel % LANES);
		sim_graph_add_port(text, s->graph.ports[path[i].channel / LANES]->far, lane);
	}
	sim_find_fault(findings, "credit loop of %zu links: %s", depth - from, text);
}

/* True: a circle was found, and told. */
static bool search_from(const struct search *s, uint32_t channel, uint8_t *state, struct step *path,
			struct sim_findings *findings)
{
	size_t depth = 0;

	path[depth++] = (struct step){ .channel = channel };
	state[channel] = ON_PATH;
	while (depth) {
		uint32_t next = next_of(s, &path[depth - 1]);

		if (next == GRAPH_NOTHING) {
			state[path[--depth].channel] = DONE;
		} else if (state[next] == ON_PATH) {
			tell(s, path, depth, next, findings);
			return true;
		} else if (state[next] == NEW) {
			path[depth++] = (struct step){ .channel = next };
			state[next] = ON_PATH;
		}
	}
	return false;
}

/* One circle is enough: whoever has one has many. */
static int find_circle(const struct search *s, struct sim_findings *findings)
{
	size_t n = (size_t)s->graph.n_ports * LANES;
	AUTO(freep) uint8_t *state = calloc(n + 1, 1);
	AUTO(freep) struct step *path = malloc((n + 1) * sizeof(*path));

	if (!state || !path)
		return -ENOMEM;
	for (size_t c = 0; c < n; c++)
		if (state[c] == NEW && s->deps[s->graph.switch_of[c / LANES]] &&
		    search_from(s, (uint32_t)c, state, path, findings))
			break;
	return 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static int allocate(struct search *s)
{
	uint32_t n = s->graph.n_switches;

	s->deps = calloc(n + 1, sizeof(struct dependencies *));
	s->lanes = calloc(n + 1, sizeof(uint8_t *));
	s->sources = calloc(s->graph.n_ports + 1, sizeof(*s->sources));
	s->is_wanted = calloc(SIM_LID_MULTICAST, 1);
	s->seen = calloc(s->graph.n_ports + 1, sizeof(*s->seen));
	s->todo = calloc(((size_t)s->graph.n_ports + 1) * LANES, sizeof(*s->todo));
	if (!s->deps || !s->lanes || !s->sources || !s->is_wanted || !s->seen || !s->todo)
		return -ENOMEM;
	for (uint32_t at = 0; at < n; at++) {
		s->lanes[at] = malloc((ports_of(s, at) + 1) * (ports_of(s, at) + 1));
		if (!s->lanes[at])
			return -ENOMEM;
	}
	return 0;
}

static void free_dependencies(struct dependencies *deps)
{
	for (unsigned i = 0; deps && i < LANES * LANES; i++)
		free(deps->rows[i / LANES][i % LANES]);
	free(deps);
}

static void search_free(struct search *s)
{
	for (uint32_t at = 0; at < s->graph.n_switches; at++) {
		if (s->deps)
			free_dependencies(s->deps[at]);
		if (s->lanes)
			free(s->lanes[at]);
	}
	free(s->deps);
	free(s->lanes);
	free(s->sources);
	free(s->is_wanted);
	free(s->seen);
	free(s->todo);
	sim_graph_free(&s->graph);
}

int sim_check_credits(const struct sim_fabric *fabric, const struct sim_credits *what,
		      struct sim_findings *findings)
{
	struct search s = { .what = what };
	int r = sim_graph_new(fabric, what->before, what->active, &s.graph);

	if (r < 0)
		return r;
	r = allocate(&s);
	if (r == 0) {
		want_lids(fabric, &s);
		follow_all(&s);
		r = s.no_memory ? -ENOMEM : find_circle(&s, findings);
	}
	search_free(&s);
	return r;
}
