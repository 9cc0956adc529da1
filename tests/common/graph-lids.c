/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Which end of a made graph has which LID. */

#include "tests/common/graphs-inside.h"

#include "base/macros.h"
#include "sm/lid-order.h"

#include <stdlib.h>
#include <string.h>

enum { LID_MAX = 0xbfff };

void graph_shuffle_lids(struct made_graph *made, uint64_t seed)
{
	made->lids = LIDS_SHUFFLED;
	made->lid_seed = seed;
	made->stale = true;
}

/* ---- as a subnet manager gives them -------------------------------------------------------------
 */

static unsigned count_ports(const struct made_switch *sw)
{
	unsigned n = 254;

	while (n > 0 && !(sw->ports_used[n / 64] >> n % 64 & 1))
		n--;

	return n;
}

/* The number of its port 0. */
static uint32_t add_node(struct fabric *f, uint8_t type, unsigned n_ports)
{
	uint64_t guid = f->n_nodes + UINT64_C(1);
	uint32_t number = 0;

	graph_must_fit(fabric_add_node(f, guid, type, (uint8_t)n_ports, &number) == 0, "memory");

	return port_at(&f->nodes[number], 0);
}

/* Switches have their own numbers. */
static uint32_t port_of(const struct fabric *f, uint32_t at, unsigned port)
{
	return port_at(&f->nodes[at], port);
}

/* The first end that is no switch's is us. @ret_ports: of each end the number. */
static void make_fabric(const struct made_graph *made, struct fabric *ret, uint32_t *ret_ports)
{
	graph_must_fit(fabric_init(ret) == 0, "memory");
	for (uint32_t s = 0; s < made->n_switches; s++)
		add_node(ret, NODE_TYPE_SWITCH, count_ports(&made->switches[s]));
	for (uint32_t i = 0; i < made->n_cables; i++) {
		const struct plug *side = made->cables[i].side;

		fabric_connect(ret, port_of(ret, side[0].at, side[0].port),
			       port_of(ret, side[1].at, side[1].port));
	}
	for (uint32_t e = 0; e < made->n_ends; e++) {
		const struct end *end = &made->built_ends[e];

		ret_ports[e] = port_of(ret, end->at, end->port);
		if (end->kind == END_SWITCH)
			continue;
		fabric_connect(ret, ret_ports[e], add_node(ret, NODE_TYPE_CA, 1) + 1);
		ret_ports[e] = ret->ports[ret_ports[e]].peer;
		if (ret->local_port == NO_PORT)
			ret->local_port = ret_ports[e];
	}
}

/* Where in the order of sm/lid-order.c each port is first. */
static uint32_t *list_places(const struct fabric *f)
{
	AUTO(lid_order_clear) struct lid_order order = { 0 };
	uint32_t *place = calloc(f->n_ports + (size_t)1, sizeof(*place));

	graph_must_fit(place && lid_order_make(f, true, &order) == 0, "memory");
	for (uint32_t i = order.n; i-- > 0;)
		place[order.port[i]] = i;

	return place;
}

struct placed {
	uint32_t place;
	uint32_t end;
};

static int compare_placed(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* Ends by place. */
static uint32_t *sort_ends(uint32_t n, const uint32_t *place, const uint32_t *ports)
{
	AUTO(freep) struct placed *placed = calloc(n + (size_t)1, sizeof(*placed));
	uint32_t *ret = graph_count_numbers(n);

	graph_must_fit(placed, "memory");
	for (uint32_t e = 0; e < n; e++)
		placed[e] = (struct placed){ place[ports[e]], e };
	qsort(placed, n, sizeof(*placed), compare_placed);
	for (uint32_t i = 0; i < n; i++)
		ret[i] = placed[i].end;

	return ret;
}

void graph_deal_lids(struct made_graph *made)
{
	AUTO(freep) uint32_t *ports = graph_count_numbers(graph_of(made)->n_ends);
	AUTO(freep) uint32_t *place = NULL;
	struct fabric fabric;

	make_fabric(made, &fabric, ports);
	place = list_places(&fabric);
	fabric_done(&fabric);
	free(made->dealt);
	made->dealt = sort_ends(made->n_ends, place, ports);
	made->n_dealt = made->n_ends;
	made->lids = LIDS_DEALT;
	made->stale = true;
}

/* ---- all ----------------------------------------------------------------------------------------
 */

/* Give @end the next LIDs after @last that its LMC allows; the last of them. */
static uint32_t take_lids(struct end *end, uint32_t last)
{
	uint32_t count = UINT32_C(1) << end->lmc;
	uint32_t base = (last + count) / count * count;

	graph_must_fit(base + count - 1 <= LID_MAX, "LIDs have run out");
	end->lid = (uint16_t)base;
	return base + count - 1;
}

void graph_give_lids(struct made_graph *made)
{
	AUTO(freep) uint32_t *indices = graph_count_numbers(made->n_ends);
	uint32_t last = 0;

	if (made->lids == LIDS_SHUFFLED)
		graph_shuffle_numbers(indices, made->n_ends, made->lid_seed);
	graph_must_fit(made->lids != LIDS_DEALT || made->n_ends == made->n_dealt, "dealt LIDs");
	if (made->lids == LIDS_DEALT)
		memcpy(indices, made->dealt, made->n_ends * sizeof(*indices));
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < made->n_ends; i++) {
			struct end *end = &made->built_ends[indices[i]];
			bool late = made->lids == LIDS_BY_LEAF && end->kind == END_SWITCH;

			if (late == (pass == 1))
				last = take_lids(end, last);
		}
	}
	made->graph.max_lid = (uint16_t)last;
}
