/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * In a tree, spreading is counting. If every leaf sends the t-th host through its (t mod n)-th
 * parent, all traffic for one host meets at one middle switch per pod; there, targets that arrive
 * differ by n, so that switch divides by n before it takes its own remainder, and so on to the
 * cores. Each core then is the only one that sends to a host, and no cable carries more than its
 * part. Balancing each switch by itself, in LID order, does the opposite: all leave by the same
 * cores.
 *
 * Counting needs two sequences that fit together, whatever GUIDs, LIDs and ports are: hosts of a
 * pod must have neighbouring numbers, and parents that lead to the same cores must have the same
 * rank in every pod. Both come from which switches hang together: below a height that is pods
 * (counted one after the other, and pods of pods), above a height it is planes. Sorting by the
 * parts at every height, the finest first, gives both, and a cable more or less does not change the
 * parts. Leaves are numbered in strides of a typical leaf, so that a host that comes or goes
 * renumbers only its own leaf.
 *
 * Which hosts come up to a switch is a remainder of their numbers, too (nominal.c): the others,
 * which others are sent, leave it by the block of their LIDs, as what is no host does.
 *
 * What is no host has little traffic, and is counted so that a change of routes costs few blocks of
 * tables. The LID of a leaf that lies in one block with its hosts goes the way of one of them. All
 * others leave a switch by the number of their block: so those of a block leave together, and which
 * exit that is each switch has for itself (fan.c).
 *
 * LIDs of one port have successive numbers (LMC), so they take different exits wherever there are
 * two; the base LIDs alone are counted as without LMC. A second port of a device moves on by one,
 * so that two rails with the same place on two leaves do not meet.
 */

#include "routing/number.h"

#include "base/array.h"
#include "base/forest.h"
#include "base/macros.h"

#include <errno.h>
#include <string.h>

void numbering_clear(struct numbering *numbering)
{
	free(numbering->sequence);
	free(numbering->first);
	free(numbering->number);
	free(numbering->targets);
	free(numbering->port);
	free(numbering->exit_key);
	*numbering = (struct numbering){ 0 };
}

static uint32_t count_targets(const struct graph *graph)
{
	uint32_t n = 0;

	for (uint32_t e = 0; e < graph->n_ends; e++)
		n += 1U << graph->ends[e].lmc;
	return n;
}

static bool is_made(const struct numbering *numbering)
{
	return numbering->sequence && numbering->first && numbering->number && numbering->targets &&
	       numbering->port && numbering->exit_key;
}

static int numbering_alloc(const struct graph *graph, struct numbering *ret)
{
	size_t n = graph->n_switches + (size_t)1;
	size_t n_targets = count_targets(graph) + (size_t)1;

	*ret = (struct numbering){
		.sequence = calloc(n, sizeof(uint32_t)),
		.first = calloc(TARGET_GROUP_COUNT * n, sizeof(uint32_t)),
		.number = calloc(n, sizeof(uint32_t)),
		.targets = calloc(n_targets, sizeof(struct target)),
		.port = calloc(n_targets, sizeof(uint8_t)),
		.exit_key = calloc(n, sizeof(uint32_t)),
	};
	return is_made(ret) ? 0 : -ENOMEM;
}

int numbering_copy(const struct numbering *numbering, uint32_t n, struct numbering *ret)
{
	size_t groups = (size_t)TARGET_GROUP_COUNT * n;
	size_t n_targets = numbering->first[groups];

	*ret = (struct numbering){
		.sequence = array_copy(numbering->sequence, n, sizeof(*ret->sequence)),
		.first = array_copy(numbering->first, groups + 1, sizeof(*ret->first)),
		.number = array_copy(numbering->number, n, sizeof(*ret->number)),
		.targets = array_copy(numbering->targets, n_targets, sizeof(*ret->targets)),
		.max_offset = numbering->max_offset,
		.port = array_copy(numbering->port, n_targets, sizeof(*ret->port)),
		.exit_key = array_copy(numbering->exit_key, n, sizeof(*ret->exit_key)),
	};
	return is_made(ret) ? 0 : -ENOMEM;
}

/* ---- parts that hang together -------------------------------------------------------------------
 */

struct parts {
	const struct graph *graph;
	const uint32_t *height;
	uint32_t *rank;   /* in the sequence before sorting */
	uint32_t *parent; /* a forest; a part's root is its switch of the lowest rank */
	uint32_t *key;
	uint32_t *count;
	uint32_t *sorted;
	bool *in;
};

static void parts_clear(const struct parts *parts)
{
	free(parts->rank);
	free(parts->parent);
	free(parts->key);
	free(parts->count);
	free(parts->sorted);
	free(parts->in);
}

static int parts_alloc(const struct graph *graph, const struct ranking *ranking, struct parts *ret)
{
	size_t n = graph->n_switches + (size_t)2;

	*ret = (struct parts){
		.graph = graph,
		.height = ranking->height,
		.rank = calloc(n, sizeof(uint32_t)),
		.parent = calloc(n, sizeof(uint32_t)),
		.key = calloc(n, sizeof(uint32_t)),
		.count = calloc(n, sizeof(uint32_t)),
		.sorted = calloc(n, sizeof(uint32_t)),
		.in = calloc(n, sizeof(bool)),
	};
	if (!ret->rank || !ret->parent || !ret->key || !ret->count || !ret->sorted || !ret->in)
		return -ENOMEM;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		ret->parent[s] = s;
	return 0;
}

static void join(const struct parts *parts, uint32_t a, uint32_t b)
{
	if (parts->parent[a] == parts->parent[b])
		return;
	a = forest_root(parts->parent, a);
	b = forest_root(parts->parent, b);
	if (parts->rank[a] <= parts->rank[b])
		parts->parent[b] = a;
	else
		parts->parent[a] = b;
}

/* Cables between switches that are in count from now on, also those of @height. */
static void parts_add_height(const struct parts *parts, uint32_t height)
{
	const struct graph *graph = parts->graph;

	for (uint32_t s = 0; s < graph->n_switches; s++) {
		if (parts->height[s] != height)
			continue;
		parts->in[s] = true;
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++)
			if (parts->in[graph->arcs[a].to])
				join(parts, s, graph->arcs[a].to);
	}
}

/* By rising key, which is below @n_keys; those of one key stay in sequence. */
static void parts_sort_by(const struct parts *parts, const uint32_t *key, uint32_t n_keys,
			  uint32_t *sequence)
{
	uint32_t n = parts->graph->n_switches;

	memset(parts->count, 0, (n_keys + (size_t)1) * sizeof(*parts->count));
	for (uint32_t s = 0; s < n; s++)
		parts->count[key[s] + 1]++;
	for (uint32_t i = 0; i < n_keys; i++)
		parts->count[i + 1] += parts->count[i];
	for (uint32_t i = 0; i < n; i++)
		parts->sorted[parts->count[key[sequence[i]]]++] = sequence[i];
	memcpy(sequence, parts->sorted, n * sizeof(*sequence));
}

static void parts_sort(const struct parts *parts, uint32_t *sequence)
{
	uint32_t n = parts->graph->n_switches;

	for (uint32_t s = 0; s < n; s++)
		parts->key[s] = parts->rank[forest_root(parts->parent, s)];
	parts_sort_by(parts, parts->key, n, sequence);
}

/*
 * Within the finest parts, @sequence is kept at each height. Without levels, only components are
 * parts.
 */
static int sort_by_parts(const struct graph *graph, const struct ranking *ranking, bool from_top,
			 uint32_t *sequence)
{
	AUTO(parts_clear) struct parts parts;
	uint32_t top = ranking->max_height;
	int r = parts_alloc(graph, ranking, &parts);

	if (r)
		return r;
	parts_sort_by(&parts, ranking->height, top + 1, sequence);
	for (uint32_t i = 0; i < graph->n_switches; i++)
		parts.rank[sequence[i]] = i;
	for (uint32_t step = 0; step <= top; step++) {
		parts_add_height(&parts, from_top ? top - step : step);
		if (ranking->tree || step == top)
			parts_sort(&parts, sequence);
	}
	return 0;
}

/* ---- devices with several ports -----------------------------------------------------------------
 */

struct seen_device {
	uint32_t device;
	uint32_t ports;
};

static struct seen_device *device_slot(struct seen_device *seen, uint32_t mask, uint32_t device)
{
	uint32_t slot = device * 0x9e3779b1U & mask;

	while (seen[slot].ports && seen[slot].device != device)
		slot = (slot + 1) & mask;
	seen[slot].device = device;
	return &seen[slot];
}

/* Of each end, how many ports of its device come before it. */
static int count_earlier_ports(const struct graph *graph, uint32_t *earlier)
{
	uint32_t size = 2;

	while (size < 2 * graph->n_ends)
		size *= 2;

	AUTO(freep) struct seen_device *seen = calloc(size, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	for (uint32_t e = 0; e < graph->n_ends; e++)
		earlier[e] = device_slot(seen, size - 1, graph->ends[e].device)->ports++;
	return 0;
}

/* ---- targets ------------------------------------------------------------------------------------
 */

struct filling {
	const struct graph *graph;
	const uint32_t *earlier;
	const uint32_t *end_first; /* ends of switch s: end_first[s] to end_first[s + 1] */
	bool *is_guest;            /* [end]: no host, but goes the way of one */
	uint32_t n_targets;
};

static enum target_group group_of(const struct end *end)
{
	return end->kind == END_HOST || end->kind == END_ROUTER ? TARGET_HOSTS : TARGET_OWN;
}

static void put_targets(struct filling *filling, const struct end *end, uint32_t offset,
			struct numbering *ret)
{
	for (uint32_t i = 0; i < 1U << end->lmc; i++) {
		ret->port[filling->n_targets] = end->port;
		ret->targets[filling->n_targets++] = (struct target){
			.lid = (uint16_t)(end->lid + i),
			.offset = (uint16_t)(offset + i),
		};
		ret->max_offset = MAX(ret->max_offset, offset + i);
	}
}

static uint32_t count_group(const struct filling *filling, uint32_t s, enum target_group group)
{
	uint32_t n = 0;

	for (uint32_t e = filling->end_first[s]; e < filling->end_first[s + 1]; e++)
		n += group_of(&filling->graph->ends[e]) == group && !filling->is_guest[e];
	return n;
}

/* The number of ends put. Each has its own offset below that. */
static uint32_t put_group(struct filling *filling, uint32_t s, enum target_group group,
			  struct numbering *ret)
{
	uint32_t n = count_group(filling, s, group);
	bool taken[256] = { false };
	uint32_t rank = 0;

	for (uint32_t e = filling->end_first[s]; e < filling->end_first[s + 1]; e++) {
		const struct end *end = &filling->graph->ends[e];
		uint32_t offset;

		if (group_of(end) != group || filling->is_guest[e])
			continue;
		offset = rank++ + filling->earlier[e];
		if (offset >= n)
			offset %= n;
		offset %= COUNT(taken);
		while (taken[offset] && n <= COUNT(taken))
			offset = (offset + 1) % n;
		taken[offset] = true;
		put_targets(filling, end, offset, ret);
	}
	return n;
}

static bool is_in_block(const struct target *target, uint16_t lid)
{
	return target->lid / TABLE_BLOCK == lid / TABLE_BLOCK;
}

/*
 * The @turn-th, round and round, of @hosts[0..n-1] in one block with @lid; or NULL. In each round
 * it begins with another one, as leaves that are as many apart send to one core of a plane.
 */
static const struct target *find_near(const struct target *hosts, uint32_t n, uint16_t lid,
				      uint32_t turn)
{
	uint32_t n_near = 0;

	for (uint32_t t = 0; t < n; t++)
		n_near += is_in_block(&hosts[t], lid);
	if (n_near == 0)
		return NULL;
	turn = (turn + turn / n_near) % n_near;
	while (!is_in_block(hosts, lid) || turn-- > 0)
		hosts++;

	return hosts;
}

/* Hosts of switch @s are put, from @first on. */
static void put_guests(struct filling *filling, uint32_t s, uint32_t turn, uint32_t first,
		       struct numbering *ret)
{
	uint32_t n_hosts = filling->n_targets - first;

	for (uint32_t e = filling->end_first[s]; e < filling->end_first[s + 1]; e++) {
		const struct end *end = &filling->graph->ends[e];
		const struct target *host;

		if (group_of(end) != TARGET_OWN || end->lmc > 0)
			continue;
		host = find_near(ret->targets + first, n_hosts, end->lid, turn++);
		if (!host)
			continue;
		filling->is_guest[e] = true;
		put_targets(filling, end, host->offset, ret);
	}
}

static void put_all(struct filling *filling, uint32_t stride, struct numbering *ret)
{
	uint32_t hosts = 0, n_leaves = 0;

	for (uint32_t i = 0; i < filling->graph->n_switches; i++) {
		uint32_t s = ret->sequence[i], first = filling->n_targets;

		ret->number[i] = hosts;
		ret->first[2 * i + TARGET_HOSTS] = first;
		if (put_group(filling, s, TARGET_HOSTS, ret)) {
			hosts += stride;
			put_guests(filling, s, n_leaves++, first, ret);
		}
		ret->first[2 * i + TARGET_OWN] = filling->n_targets;
		put_group(filling, s, TARGET_OWN, ret);
	}
	ret->first[2 * filling->graph->n_switches] = filling->n_targets;
}

static int number_targets(const struct graph *graph, uint32_t stride, struct numbering *ret)
{
	AUTO(freep) uint32_t *earlier = calloc(graph->n_ends + (size_t)1, sizeof(*earlier));
	AUTO(freep)
	uint32_t *end_first = calloc(graph->n_switches + (size_t)2, sizeof(*end_first));
	AUTO(freep) bool *is_guest = calloc(graph->n_ends + (size_t)1, sizeof(*is_guest));
	struct filling filling = {
		.graph = graph, .earlier = earlier, .end_first = end_first, .is_guest = is_guest
	};
	int r;

	if (!earlier || !end_first || !is_guest)
		return -ENOMEM;
	r = count_earlier_ports(graph, earlier);
	if (r)
		return r;
	for (uint32_t e = 0; e < graph->n_ends; e++)
		end_first[graph->ends[e].at + 1]++;
	for (uint32_t s = 0; s < graph->n_switches; s++)
		end_first[s + 1] += end_first[s];
	put_all(&filling, stride, ret);
	return 0;
}

int numbering_make(const struct graph *graph, const struct ranking *ranking, struct numbering *ret)
{
	int r = numbering_alloc(graph, ret);

	if (r)
		return r;
	memcpy(ret->sequence, ranking->by_place, graph->n_switches * sizeof(*ret->sequence));
	r = sort_by_parts(graph, ranking, true, ret->sequence);
	if (r)
		return r;
	for (uint32_t i = 0; i < graph->n_switches; i++)
		ret->exit_key[ret->sequence[i]] = i;
	r = sort_by_parts(graph, ranking, false, ret->sequence);
	if (r)
		return r;
	return number_targets(graph, MAX(ranking->mode, 1), ret);
}
