/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A walk through the tables of a large fabric waits for memory at every step: the node, its ports,
 * their PortInfo, the cable. So what a walk needs of these is put together densely, at the first
 * question after a change: for each port of a switch what is behind it and what the cable takes,
 * for each LID where it is.
 *
 * And the answer for a pair of switches is nearly always the same for all LIDs that hang on the
 * second, as links are alike. The first question from a host walks from its switch to all LIDs, in
 * the order of LIDs, in which tables are read from the beginning to the end and once; from then on
 * an answer is a byte. Where it depends on the LID (a link somewhere is slower than its like) each
 * path is walked. So only switches that have hosts ever get a row, and after a change what nobody
 * asks for costs nothing.
 */

#include "sm/sa/ways.h"

#include <stdlib.h>

#include "base/macros.h"
#include "routing/engine.h"
#include "sm/sa/path-walk.h"
#include "sm/sa/rate.h"

#define MAX_HOPS 64u

/* Rate 0: any. */
uint8_t way_narrower(uint8_t a, uint8_t b)
{
	unsigned rate_a = a & 31, rate_b = b & 31;

	if (a == b)
		return a;
	if (rate_a == 0 || (rate_b != 0 && admin_rate_mbps(rate_b) < admin_rate_mbps(rate_a)))
		rate_a = rate_b;

	return (uint8_t)(MIN(a >> 5, b >> 5) << 5 | rate_a);
}

/* ---- links ------------------------------------------------------------------------------------
 */

static unsigned mtu_sent(const struct admin_view *view, const struct port *port)
{
	uint64_t set = wire_get(port->info, PORT_INFO_NEIGHBOR_MTU);

	if (port_state(port) < PORT_ARMED)
		return view->conf->max_mtu;

	return set >= CONF_MTU_256 ? (unsigned)MIN(set, CONF_MTU_4096) : CONF_MTU_256;
}

static uint8_t look_at_link(const struct admin_view *view, uint32_t out)
{
	const struct port *ports = view->fabric->ports;
	uint32_t in = ports[out].peer;
	unsigned rate = port_rate(&ports[out]);
	unsigned mtu;

	if (in == NO_PORT || rate == 0)
		return WAY_NONE;
	mtu = MIN(mtu_sent(view, &ports[out]),
		  MIN(admin_mtu_cap(&ports[out]), admin_mtu_cap(&ports[in])));

	return (uint8_t)(mtu << 5 | rate);
}

uint8_t ways_link(const struct admin_view *view, struct ways *w, uint32_t out)
{
	uint8_t *known = w && out < w->n_ports ? &w->link[out] : NULL;
	uint8_t found;

	if (known && *known != WAY_UNKNOWN)
		return *known;
	found = look_at_link(view, out);
	if (known)
		*known = found;

	return found;
}

/* ---- what a walk needs ------------------------------------------------------------------------
 */

/* The switch that an end port hangs on, or is of. */
static unsigned switch_of(const struct fabric *f, uint32_t end)
{
	uint32_t port = node_is_switch(node_of(f, end)) ? end : f->ports[end].peer;
	const struct sw *sw = port != NO_PORT ? node_of(f, port)->sw : NULL;

	return sw && sw->index < WAYS_NOBODY ? sw->index : WAYS_NOBODY;
}

static void find_ends(struct ways *w, const struct fabric *f)
{
	for (unsigned lid = 0; lid <= LID_UNICAST_LAST; lid++) {
		uint32_t end = f->by_lid[lid];

		w->ends[lid] = (struct way_end){ .at = WAYS_NOBODY };
		if (end == NO_PORT || !port_is_end(f, end))
			continue;
		w->ends[lid].at = (uint16_t)switch_of(f, end);
		if (w->ends[lid].at != WAYS_NOBODY && !node_is_switch(node_of(f, end)))
			w->ends[lid].exit = f->ports[f->ports[end].peer].number;
	}
}

static uint32_t count_switches(const struct fabric *f)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct sw *sw = f->nodes[i].sw;

		if (sw && sw->index < WAYS_NOBODY)
			n = MAX(n, sw->index + 1);
	}

	return n;
}

static void find_tables(struct ways *w, const struct admin_view *view)
{
	const struct fabric *f = view->fabric;

	for (uint32_t i = 0; i < f->n_nodes; i++) {
		const struct sw *sw = f->nodes[i].sw;
		struct way_switch *s =
			sw && sw->index < w->n_switches ? &w->switches[sw->index] : NULL;

		if (!s)
			continue;
		s->node = i;
		s->table = view->table(view->user, i, &s->table_size);
	}
}

/* Without memory it stays as it is: nothing is known. */
static void begin(struct ways *w, const struct admin_view *view)
{
	const struct fabric *f = view->fabric;

	w->n_switches = count_switches(f);
	w->n_ports = f->n_ports;
	w->link = calloc(MAX(f->n_ports, 1), 1);
	w->ends = calloc(LID_UNICAST_LAST + 1, sizeof(*w->ends));
	w->switches = calloc(MAX(w->n_switches, 1), sizeof(*w->switches));
	if (!w->link || !w->ends || !w->switches) {
		ways_drop(w);
		return;
	}
	find_ends(w, f);
	find_tables(w, view);
}

static const struct way_hop *hops_of(struct ways *w, const struct admin_view *view,
				     struct way_switch *s)
{
	const struct fabric *f = view->fabric;
	const struct node *node = &f->nodes[s->node];

	if (s->hops)
		return s->hops;
	s->hops = calloc(node->n_ports + 1u, sizeof(*s->hops));
	for (unsigned number = 0; s->hops && number <= node->n_ports; number++) {
		uint32_t out = port_at(node, number);
		uint32_t in = number > 0 ? f->ports[out].peer : NO_PORT;
		const struct sw *next = in != NO_PORT ? node_of(f, in)->sw : NULL;

		s->hops[number] = (struct way_hop){
			.next = (uint16_t)(next ? MIN(next->index, WAYS_NOBODY) : WAYS_NOBODY),
			.takes = ways_link(view, w, out),
		};
	}

	return s->hops;
}

/* ---- walks ------------------------------------------------------------------------------------
 */

static uint8_t walk(struct ways *w, const struct admin_view *view, unsigned from, unsigned lid)
{
	const struct way_end *end = &w->ends[lid];
	uint8_t found = WAY_ALL;

	for (unsigned hop = 0; hop < MAX_HOPS; hop++) {
		struct way_switch *s = &w->switches[from];
		unsigned exit = lid < s->table_size ? s->table[lid] : ROUTE_NONE;
		const struct way_hop *hops;

		if (from == end->at)
			return exit == end->exit ? found : WAY_NONE;
		if (exit == 0 || exit > view->fabric->nodes[s->node].n_ports)
			return WAY_NONE;
		hops = hops_of(w, view, s);
		if (!hops || hops[exit].takes == WAY_NONE || hops[exit].next >= w->n_switches)
			return WAY_NONE;
		found = way_narrower(found, hops[exit].takes);
		from = hops[exit].next;
	}

	return WAY_NONE;
}

static void fill_row(struct ways *w, const struct admin_view *view, unsigned from)
{
	uint8_t *row = w->switches[from].row;

	for (unsigned lid = LID_UNICAST_FIRST; lid <= LID_UNICAST_LAST; lid++) {
		unsigned at = w->ends[lid].at;
		uint8_t one;

		if (at >= w->n_switches || row[at] == WAY_MIXED)
			continue;
		one = walk(w, view, from, lid);
		row[at] = one == WAY_NONE || (row[at] != WAY_UNKNOWN && row[at] != one) ? WAY_MIXED
											: one;
	}
}

static const uint8_t *row_of(struct ways *w, const struct admin_view *view, unsigned from,
			     bool once)
{
	struct way_switch *s = &w->switches[from];

	if (s->row || once || w->bytes + w->n_switches > WAYS_MAX_BYTES)
		return s->row;
	s->row = calloc(w->n_switches, 1);
	if (!s->row)
		return NULL;
	w->bytes += w->n_switches;
	fill_row(w, view, from);

	return s->row;
}

uint8_t ways_between(const struct admin_view *view, unsigned from_lid, unsigned lid, bool once)
{
	struct ways *w = view->ways;
	unsigned here, there;
	const uint8_t *row;

	if (!w->link)
		begin(w, view);
	if (!w->link || from_lid > LID_UNICAST_LAST || lid > LID_UNICAST_LAST)
		return WAY_MIXED;
	here = w->ends[from_lid].at;
	there = w->ends[lid].at;
	if (here >= w->n_switches || there >= w->n_switches)
		return WAY_MIXED;
	row = row_of(w, view, here, once);
	if (row && row[there] != WAY_MIXED && row[there] != WAY_UNKNOWN)
		return row[there];

	return walk(w, view, here, lid);
}

void ways_drop(struct ways *w)
{
	for (uint32_t i = 0; w->switches && i < w->n_switches; i++) {
		free(w->switches[i].hops);
		free(w->switches[i].row);
	}
	free(w->switches);
	free(w->ends);
	free(w->link);
	*w = (struct ways){ .link = NULL };
}
