/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A walk through the tables of a large fabric waits for memory at every step: the node, its ports,
 * their PortInfo, the cable. So what a walk needs of these is put together densely, at the first
 * question after a change: for each port of a switch what is behind it and what the cable takes,
 * for each LID where it is.
 *
 * And the answer for a pair of switches is nearly always the same for all LIDs that hang on the
 * second, as links are alike. The first question from a host walks from its switch to all LIDs;
 * from then on an answer is a byte. Where it depends on the LID (a link somewhere is slower than
 * its like) each path is walked. So only switches that have hosts ever get a row, and after a
 * change what nobody asks for costs nothing.
 *
 * Who asks for all its paths has the ways from it all at once, and ways back, which all lead to
 * one LID, are followed until they meet one that is known.
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
	uint32_t in;

	if (!w || out >= w->n_ports)
		return look_at_link(view, out);
	if (w->link[out] == WAY_UNKNOWN) {
		in = view->fabric->ports[out].peer;
		w->link[out] = look_at_link(view, out);
		if (in < w->n_ports)
			w->link[in] = look_at_link(view, in); /* asked for next, and at hand */
	}

	return w->link[out];
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

/* Out of port @exit, which is one. NULL: no memory. */
static const struct way_hop *hop_of(struct ways *w, const struct admin_view *view,
				    struct way_switch *s, unsigned exit)
{
	const struct fabric *f = view->fabric;
	const struct node *node = &f->nodes[s->node];
	struct way_hop *hop;
	const struct sw *next;
	uint32_t out;

	if (!s->hops)
		s->hops = calloc(node->n_ports + 1u, sizeof(*s->hops));
	if (!s->hops)
		return NULL;
	hop = &s->hops[exit];
	if (hop->takes != WAY_UNKNOWN)
		return hop;
	out = port_at(node, exit);
	next = f->ports[out].peer != NO_PORT ? node_of(f, f->ports[out].peer)->sw : NULL;
	hop->takes = look_at_link(view, out);
	hop->next = (uint16_t)(next ? MIN(next->index, WAYS_NOBODY) : WAYS_NOBODY);
	if (hop->next >= w->n_switches)
		hop->takes = WAY_NONE;

	return hop;
}

/* ---- walks ------------------------------------------------------------------------------------
 */

/* Where a packet to @lid goes from @from, which is not the last. NULL: nowhere. */
static const struct way_hop *next_hop(struct ways *w, const struct admin_view *view, unsigned from,
				      unsigned lid)
{
	struct way_switch *s = &w->switches[from];
	unsigned exit = lid < s->table_size ? s->table[lid] : ROUTE_NONE;
	const struct way_hop *hop;

	if (exit == 0 || exit > view->fabric->nodes[s->node].n_ports)
		return NULL;
	hop = hop_of(w, view, s, exit);

	return hop && hop->takes != WAY_NONE ? hop : NULL;
}

/* At the last switch. */
static uint8_t arrive(const struct ways *w, unsigned lid)
{
	const struct way_end *end = &w->ends[lid];
	const struct way_switch *s = &w->switches[end->at];

	return lid < s->table_size && s->table[lid] == end->exit ? WAY_ALL : WAY_NONE;
}

static uint8_t walk(struct ways *w, const struct admin_view *view, unsigned from, unsigned lid)
{
	uint8_t found = WAY_ALL;

	for (unsigned hop = 0; hop < MAX_HOPS; hop++) {
		const struct way_hop *next;

		if (from == w->ends[lid].at)
			return arrive(w, lid) == WAY_ALL ? found : WAY_NONE;
		next = next_hop(w, view, from, lid);
		if (!next)
			return WAY_NONE;
		found = way_narrower(found, next->takes);
		from = next->next;
	}

	return WAY_NONE;
}

/* ---- from one to everywhere -------------------------------------------------------------------
 */

static struct way_fan *make_fan(unsigned n_switches)
{
	struct way_fan *fan =
		calloc(1, sizeof(*fan) + 4 * n_switches * sizeof(fan->of_switches[0]));

	if (!fan)
		return NULL;
	fan->here.first = fan->of_switches;
	fan->here.at = fan->here.first + n_switches;
	fan->there.first = fan->here.at + n_switches;
	fan->there.at = fan->there.first + n_switches;

	return fan;
}

static void put(struct way_fan *fan, struct way_crowd *crowd, unsigned at, unsigned lid)
{
	if (crowd->first[at] == 0)
		crowd->at[crowd->n++] = (uint16_t)at;
	fan->next[lid] = crowd->first[at];
	crowd->first[at] = (uint16_t)lid;
}

static void gather(struct ways *w, struct way_fan *fan, unsigned from)
{
	fan->from = (uint16_t)from;
	fan->known = true;
	for (unsigned lid = LID_UNICAST_LAST; lid >= LID_UNICAST_FIRST; lid--) {
		fan->takes[lid] = WAY_NONE;
		if (w->ends[lid].at >= w->n_switches)
			continue;
		fan->takes[lid] = WAY_ALL;
		put(fan, &fan->here, from, lid);
	}
}

/* What is at @at, and has further to go, to the next switches. */
static void leave(struct ways *w, const struct admin_view *view, struct way_fan *fan, unsigned at)
{
	unsigned next;

	for (unsigned lid = fan->here.first[at]; lid != 0; lid = next) {
		const struct way_hop *hop = NULL;

		next = fan->next[lid];
		if (w->ends[lid].at == at) {
			if (arrive(w, lid) == WAY_NONE)
				fan->takes[lid] = WAY_NONE;
			continue;
		}
		hop = next_hop(w, view, at, lid);
		fan->takes[lid] = hop ? way_narrower(fan->takes[lid], hop->takes) : WAY_NONE;
		if (hop)
			put(fan, &fan->there, hop->next, lid);
	}
	fan->here.first[at] = 0;
}

/* All of them, by a hop. */
static void go_on(struct ways *w, const struct admin_view *view, struct way_fan *fan)
{
	struct way_crowd left = fan->here;

	for (unsigned i = 0; i < left.n; i++)
		leave(w, view, fan, left.at[i]);
	left.n = 0;
	fan->here = fan->there;
	fan->there = left;
}

/* What is still on its way is in a circle. */
static void give_up(struct way_fan *fan)
{
	while (fan->here.n > 0) {
		uint16_t *first = &fan->here.first[fan->here.at[--fan->here.n]];

		for (unsigned lid = *first; lid != 0; lid = fan->next[lid])
			fan->takes[lid] = WAY_NONE;
		*first = 0;
	}
}

/*
 * Ways from a switch to all LIDs: first all of them one hop, then all another one. So the table of
 * each switch on the way is read in one go, and not once for each LID. NULL without memory.
 */
static const struct way_fan *fan_of(struct ways *w, const struct admin_view *view, unsigned from)
{
	struct way_fan *fan = w->fan;

	if (!fan)
		fan = w->fan = make_fan(w->n_switches);
	if (!fan || (fan->known && fan->from == from))
		return fan;
	gather(w, fan, from);
	for (unsigned hop = 0; hop < MAX_HOPS && fan->here.n > 0; hop++)
		go_on(w, view, fan);
	give_up(fan);

	return fan;
}

/* ---- from one switch to another ---------------------------------------------------------------
 */

static void fill_row(struct ways *w, const struct admin_view *view, unsigned from)
{
	const struct way_fan *fan = fan_of(w, view, from);
	uint8_t *row = w->switches[from].row;

	for (unsigned lid = LID_UNICAST_FIRST; fan && lid <= LID_UNICAST_LAST; lid++) {
		unsigned at = w->ends[lid].at;
		uint8_t one = fan->takes[lid];

		if (at < w->n_switches && row[at] != WAY_MIXED)
			row[at] = one == WAY_NONE || (row[at] != WAY_UNKNOWN && row[at] != one)
					  ? WAY_MIXED
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

/* ---- from everywhere to one -------------------------------------------------------------------
 */

/* NULL without memory. */
static struct way_column *column_of(struct ways *w, unsigned lid)
{
	struct way_column **slot = &w->column[lid % WAYS_COLUMNS];

	if (*slot && (*slot)->lid == lid)
		return *slot;
	free(*slot);
	*slot = calloc(1, sizeof(**slot) + w->n_switches);
	if (*slot)
		(*slot)->lid = (uint16_t)lid;

	return *slot;
}

/* Ways that meet go on together, so each switch is left but once. */
static uint8_t walk_column(struct ways *w, const struct admin_view *view, struct way_column *c,
			   unsigned from)
{
	uint8_t takes[MAX_HOPS], found = WAY_NONE;
	uint16_t at[MAX_HOPS];
	unsigned n = 0;

	while (n < MAX_HOPS) {
		const struct way_hop *next = NULL;

		found = c->from[from];
		if (found == WAY_UNKNOWN && from == w->ends[c->lid].at)
			found = arrive(w, c->lid);
		if (found == WAY_UNKNOWN)
			next = next_hop(w, view, from, c->lid);
		if (!next)
			break;
		at[n] = (uint16_t)from;
		takes[n++] = next->takes;
		from = next->next;
	}
	if (found == WAY_UNKNOWN)
		found = WAY_NONE;
	c->from[from] = found;
	while (n-- > 0) {
		found = found == WAY_NONE ? WAY_NONE : way_narrower(found, takes[n]);
		c->from[at[n]] = found;
	}

	return found;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

uint8_t ways_between(const struct admin_view *view, unsigned from_lid, unsigned lid, unsigned many)
{
	struct ways *w = view->ways;
	struct way_column *column = NULL;
	const struct way_fan *fan = NULL;
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
	row = row_of(w, view, here, many != 0);
	if (row && row[there] != WAY_MIXED && row[there] != WAY_UNKNOWN)
		return row[there];
	if (many == from_lid)
		fan = fan_of(w, view, here);
	if (many == lid)
		column = column_of(w, lid);
	if (fan)
		return fan->takes[lid];

	return column ? walk_column(w, view, column, here) : walk(w, view, here, lid);
}

void ways_drop(struct ways *w)
{
	for (uint32_t i = 0; w->switches && i < w->n_switches; i++) {
		free(w->switches[i].hops);
		free(w->switches[i].row);
	}
	for (unsigned i = 0; i < WAYS_COLUMNS; i++)
		free(w->column[i]);
	free(w->fan);
	free(w->switches);
	free(w->ends);
	free(w->link);
	*w = (struct ways){ .link = NULL };
}
