/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A tree grows around a hub: one of the switches at the top of the fabric, another for each number,
 * so that trees spread over all of them. Distances from the hub say where each switch leads; which
 * of several neighbours that are as near, and which of several cables to it, the number decides,
 * too. What decides is a hash of things that stay what they are, and the highest wins: so that a
 * cable which is lost moves the trees that used it and no others.
 *
 * The order in which cables lead up may have switches above the hub (routing/apex.c puts a leaf and
 * its spines there). These are reached by the "trunk": the shortest way on from the hub to the very
 * top. Everybody else comes down from the trunk. So all ways go up to the trunk, and the trunk goes
 * up, and each switch has one way up.
 */

#include "routing/trees-ways.h"

#include "base/macros.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tree_ways_clear(struct tree_ways *ways)
{
	free(ways->distance);
	free(ways->trunk);
	*ways = (struct tree_ways){ 0 };
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* splitmix64's last step: every bit of the result depends on every bit. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);

	return x ^ x >> 31;
}

static uint64_t weight(uint32_t number, uint64_t key, unsigned port)
{
	return mix(mix(key + UINT64_C(0x9e3779b97f4a7c15) * port) + number);
}

uint32_t tree_choose_hub(const struct trees *trees, uint32_t number)
{
	uint32_t best = 0;
	uint64_t most = 0;

	for (uint32_t i = 0; i < trees->n_hubs; i++) {
		uint64_t w = weight(number, trees->key[trees->hubs[i]], 0);

		if (i == 0 || w > most) {
			best = i;
			most = w;
		}
	}

	return best;
}

static uint32_t place_in(const struct tree_ways *ways, uint32_t s)
{
	uint16_t distance = ways->distance[s];

	return distance < ways->n_trunk && ways->trunk[distance] == s ? distance : TREE_NOWHERE;
}

/* Does arc @a lead from @s one step nearer to the top of the tree? */
bool tree_leads_up(const struct trees *trees, const struct tree_ways *ways, uint32_t s, uint32_t a)
{
	uint32_t to = trees->arcs[a].to;
	uint32_t on_trunk = place_in(ways, s);

	if (trees->only && trees->only[s] != trees->arcs[a].port)
		return false;
	if (on_trunk != TREE_NOWHERE)
		return on_trunk + 1 < ways->n_trunk && to == ways->trunk[on_trunk + 1];

	return ways->distance[to] != TREE_FAR && ways->distance[to] + 1 == ways->distance[s] &&
	       trees->place[to] > trees->place[s];
}

/* The neighbour first, so that those of a pod meet at one; then the cable. TREE_NOWHERE at the top.
 */
uint32_t tree_choose_arc(const struct trees *trees, const struct tree_ways *ways, uint32_t number,
			 uint32_t s)
{
	uint32_t best = TREE_NOWHERE;
	uint64_t most = 0, most_of_cables = 0;

	for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
		uint64_t w, w_cable;

		if (!tree_leads_up(trees, ways, s, a))
			continue;
		w = weight(number, trees->key[trees->arcs[a].to], 0);
		w_cable = weight(number, trees->key[s], trees->arcs[a].port);
		if (best != TREE_NOWHERE && (w < most || (w == most && w_cable <= most_of_cables)))
			continue;
		best = a;
		most = w;
		most_of_cables = w_cable;
	}

	return best;
}

/* ---- ways from a hub ------------------------------------------------------------------------- */

/* Does arc @a lead to who can be part of a tree, by a cable that may? */
bool tree_is_passable(const struct trees *trees, uint32_t s, uint32_t a)
{
	const struct arc *arc = &trees->arcs[a];

	return trees->passes[arc->to] && (!trees->only || trees->only[s] == arc->port ||
					  trees->only[arc->to] == arc->to_port);
}

/* Climb from the hub, breadth first: how each was come to; the highest that was, is returned. */
static uint32_t climb(const struct trees *trees, uint32_t hub, uint32_t *from, uint32_t *queue)
{
	uint32_t top = hub, head = 0, tail = 0;

	memset(from, 0xff, trees->n_switches * sizeof(*from));
	from[hub] = hub;
	queue[tail++] = hub;
	while (head < tail) {
		uint32_t s = queue[head++];

		if (trees->place[s] > trees->place[top])
			top = s;
		for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
			uint32_t to = trees->arcs[a].to;

			if (!tree_is_passable(trees, s, a) || trees->place[to] < trees->place[s] ||
			    from[to] != TREE_NOWHERE)
				continue;
			from[to] = s;
			queue[tail++] = to;
		}
	}

	return top;
}

static int find_trunk(const struct trees *trees, uint32_t hub, uint32_t *queue,
		      struct tree_ways *ways)
{
	AUTO(freep) uint32_t *from = malloc((trees->n_switches + (size_t)1) * sizeof(*from));
	uint32_t top, n = 1;

	if (!from)
		return -ENOMEM;
	top = climb(trees, hub, from, queue);
	for (uint32_t s = top; s != hub; s = from[s])
		n++;
	if (n >= TREE_FAR)
		n = 1; /* a fabric that is a line of sixty thousand */
	ways->trunk = malloc(n * sizeof(*ways->trunk));
	if (!ways->trunk)
		return -ENOMEM;
	ways->n_trunk = n;
	for (uint32_t s = n == 1 ? hub : top; n-- > 0; s = from[s])
		ways->trunk[n] = s;

	return 0;
}

/* Down from the trunk, whose i-th switch counts as i away from the hub. */
static void descend(const struct trees *trees, struct tree_ways *ways, uint32_t *queue)
{
	uint32_t head = 0, tail = 0, next = 0;

	memset(ways->distance, 0xff, trees->n_switches * sizeof(*ways->distance));
	for (uint32_t i = 0; i < ways->n_trunk; i++)
		ways->distance[ways->trunk[i]] = (uint16_t)i;
	while (head < tail || next < ways->n_trunk) {
		bool is_trunk = next < ways->n_trunk &&
				(head == tail || ways->distance[queue[head]] >= next);
		uint32_t s = is_trunk ? ways->trunk[next++] : queue[head++];

		for (uint32_t a = trees->arc_first[s]; a < trees->arc_first[s + 1]; a++) {
			uint32_t to = trees->arcs[a].to;

			if (!tree_is_passable(trees, s, a) || trees->place[to] > trees->place[s] ||
			    ways->distance[to] != TREE_FAR || ways->distance[s] + 1 >= TREE_FAR)
				continue;
			ways->distance[to] = (uint16_t)(ways->distance[s] + 1);
			queue[tail++] = to;
		}
	}
}

int tree_ways_make(const struct trees *trees, uint32_t hub, struct tree_ways *ways)
{
	AUTO(freep) uint32_t *queue = malloc((trees->n_switches + (size_t)1) * sizeof(*queue));

	if (ways->distance)
		return 0;
	ways->distance = malloc((trees->n_switches + (size_t)1) * sizeof(*ways->distance));
	if (!queue || !ways->distance || find_trunk(trees, hub, queue, ways) < 0) {
		tree_ways_clear(ways);
		return -ENOMEM;
	}
	descend(trees, ways, queue);

	return 0;
}

uint32_t tree_arc_back(const struct trees *trees, uint32_t a)
{
	const struct arc *arc = &trees->arcs[a];

	for (uint32_t b = trees->arc_first[arc->to]; b < trees->arc_first[arc->to + 1]; b++)
		if (trees->arcs[b].port == arc->to_port)
			return b;

	return TREE_NOWHERE;
}
