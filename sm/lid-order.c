/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * LIDs that most switches reach by the same exit should lie in the same block of a forwarding
 * table, so that a change of routes costs few blocks. In a tree, each leaf sends its pod's first
 * hosts (of every leaf the first) by its first cable upward, all second ones by its second, and so
 * on (routing/number.c); and so do all leaves of other pods. So leaves get LIDs for their hosts in
 * rounds: first the first host of each, then the second of each. What a round has for one pod is a
 * run. When a middle switch goes, leaves of other pods have to write the blocks that have a run of
 * its pod, and those of its pod the blocks that have any of a round. So a run should not be cut by
 * the end of a block, and small pods share their rounds. Not more than that: when a leaf loses a
 * cable, cores have to write all blocks that its hosts are in, of which sharing makes more.
 *
 * LIDs of leaves themselves go the way of a host in the same block. They fill up the block if the
 * next run would be cut, but for the first run of pods that share their rounds: none of their hosts
 * is in that block. No LID is left out: of two pods of 18 leaves with 18 hosts 84 would be, if no
 * run at all were cut, and tables longer by a tenth.
 *
 * Pods come by breadth from us; which leaves are one is told by the switch that leads to them. The
 * hosts of switches that have only one follow, then all other switches, those that hang together
 * without leaves (planes) in one go, who leads to leaves before the others: what a cable to the top
 * changes is either about these or about those. Where switches with hosts hang together directly,
 * as in a torus, each is a pod by itself, and all its LIDs lie together.
 */

#include "sm/lid-order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* Pods of fewer leaves share their rounds with the next ones. */
enum { LEAVES_ENOUGH = 24 };

/* A leaf whose hosts are dealt. */
struct leaf {
	const struct node *node;
	uint32_t pod;
	unsigned next_port; /* those before it are done */
	bool has_lid;       /* itself */
};

struct ordering {
	const struct fabric *f;
	uint32_t *node; /* switches by breadth; then the same again, leaves first, then by planes */
	uint32_t *from; /* of each node the one that led to it; NO_NODE: not seen */
	uint32_t n;
	struct leaf *leaf; /* of the pods that are dealt together, those of one pod in a row */
	uint32_t n_leaves;
	uint32_t n_without; /* of these, a LID */
	struct lid_order *order;
};

void lid_order_clear(const struct lid_order *order)
{
	free(order->port);
	free(order->group_end);
}

static void ordering_clear(const struct ordering *o)
{
	free(o->node);
	free(o->from);
	free(o->leaf);
}

static int ordering_make(const struct fabric *f, struct lid_order *order, struct ordering *ret)
{
	size_t n_nodes = f->n_nodes + (size_t)1;

	*order = (struct lid_order){
		.port = malloc(3 * (f->n_ports + (size_t)1) * sizeof(*order->port)),
		.group_end = malloc(n_nodes * sizeof(*order->group_end)),
	};
	*ret = (struct ordering){
		.f = f,
		.node = malloc(n_nodes * sizeof(*ret->node)),
		.from = malloc(n_nodes * sizeof(*ret->from)),
		.leaf = malloc(n_nodes * sizeof(*ret->leaf)),
		.order = order,
	};

	return order->port && order->group_end && ret->node && ret->from && ret->leaf ? 0 : -ENOMEM;
}

/* The port that this one is connected to, if it is a host's; or NO_PORT. */
static uint32_t host_at(const struct fabric *f, const struct node *node, unsigned port)
{
	uint32_t peer = f->ports[port_at(node, port)].peer;

	return peer != NO_PORT && !node_is_switch(node_of(f, peer)) ? peer : NO_PORT;
}

static unsigned count_hosts(const struct fabric *f, const struct node *node)
{
	unsigned n = 0;

	for (unsigned p = 1; p <= node->n_ports; p++)
		n += host_at(f, node, p) != NO_PORT;

	return n;
}

/* One host, as an aggregation node of a spine, does not make a leaf. */
static bool is_leaf(const struct fabric *f, uint32_t number)
{
	return count_hosts(f, &f->nodes[number]) > 1;
}

/* -- switches -----------------------------------------------------------------------------------
 */

static void add_neighbours(struct ordering *o, uint32_t number, bool leaves_too)
{
	const struct fabric *f = o->f;
	const struct node *node = &f->nodes[number];

	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t peer = f->ports[port_at(node, p)].peer;
		uint32_t next = peer == NO_PORT ? NO_NODE : f->ports[peer].node;

		if (next == NO_NODE || o->from[next] != NO_NODE ||
		    !node_is_switch(&f->nodes[next]) || (!leaves_too && is_leaf(f, next)))
			continue;
		o->from[next] = number;
		o->node[o->n++] = next;
	}
}

/* @first, which has not been seen, and by breadth what hangs together with it, ports in order. */
static void add_all_from(struct ordering *o, uint32_t first, bool leaves_too)
{
	uint32_t i = o->n;

	o->from[first] = first;
	o->node[o->n++] = first;
	for (; i < o->n; i++)
		add_neighbours(o, o->node[i], leaves_too);
}

static void forget_all(struct ordering *o)
{
	o->n = 0;
	for (uint32_t i = 0; i < o->f->n_nodes; i++)
		o->from[i] = NO_NODE;
}

static void order_by_breadth(struct ordering *o)
{
	const struct fabric *f = o->f;
	uint32_t first = f->ports[f->local_port].node, peer = f->ports[f->local_port].peer;

	forget_all(o);
	if (!node_is_switch(&f->nodes[first]))
		first = peer == NO_PORT ? NO_NODE : f->ports[peer].node;
	if (first != NO_NODE && node_is_switch(&f->nodes[first]))
		add_all_from(o, first, true);
}

/* -- pods ---------------------------------------------------------------------------------------
 */

/*
 * Who led to leaves of a pod, or the leaf itself if that has hosts, too. The first of all was led
 * to by nobody, but leads to who leads to the others of its pod.
 */
static uint32_t pod_of(const struct ordering *o, uint32_t leaf)
{
	uint32_t from = o->from[leaf];

	if (from == leaf && o->n > 1)
		from = o->node[1];

	return is_leaf(o->f, from) ? leaf : from;
}

static void add_port(struct lid_order *order, uint32_t port)
{
	order->port[order->n++] = port;
}

/* Up to the next host of a leaf; or NO_PORT. */
static uint32_t next_host(const struct fabric *f, struct leaf *leaf)
{
	while (leaf->next_port <= leaf->node->n_ports) {
		uint32_t host = host_at(f, leaf->node, leaf->next_port);

		if (host != NO_PORT)
			return host;
		leaf->next_port++;
	}

	return NO_PORT;
}

/* The next host of a leaf, if it has one. */
static void deal_one(const struct fabric *f, struct leaf *leaf, struct lid_order *order)
{
	uint32_t host = next_host(f, leaf);

	if (host == NO_PORT)
		return;
	add_port(order, host);
	leaf->next_port++;
}

/* LIDs of @n leaves, those at @from first. */
static void add_leaves(struct ordering *o, uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; n > 0 && i < o->n_leaves; i++) {
		struct leaf *leaf = &o->leaf[(from + i) % o->n_leaves];

		if (leaf->has_lid)
			continue;
		leaf->has_lid = true;
		o->n_without--;
		n--;
		add_port(o->order, leaf->node->first_port);
	}
}

/* Behind the run of @before, if there was one, comes one of @n; LIDs count from 1. */
static void fill_block(struct ordering *o, uint32_t before, uint32_t n)
{
	uint32_t room = LFT_BLOCK - (o->order->n + 1) % LFT_BLOCK;

	if (before < o->n_leaves && n > room && room <= o->n_without)
		add_leaves(o, before, room);
}

/* One host of each leaf of the pod that begins with leaf @first; the next pod's first. */
static uint32_t deal_run(struct ordering *o, uint32_t before, uint32_t first)
{
	uint32_t end = first, n = 0;

	for (; end < o->n_leaves && o->leaf[end].pod == o->leaf[first].pod; end++)
		n += next_host(o->f, &o->leaf[end]) != NO_PORT;
	fill_block(o, before, n);
	for (uint32_t i = first; i < end; i++)
		deal_one(o->f, &o->leaf[i], o->order);

	return end;
}

static unsigned count_rounds(const struct ordering *o)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < o->n_leaves; i++)
		n = MAX(n, count_hosts(o->f, o->leaf[i].node));

	return n;
}

/* What no block was filled with lies between the last two rounds, with hosts on both sides. */
static void deal_pods(struct ordering *o, bool leaves_too)
{
	uint32_t last = o->n_leaves; /* none yet */

	o->n_without = leaves_too ? o->n_leaves : 0;
	for (unsigned left = count_rounds(o); left > 0; left--) {
		if (left == 1)
			add_leaves(o, last, o->n_without);
		for (uint32_t i = 0, next; i < o->n_leaves; last = i, i = next)
			next = deal_run(o, last, i);
	}
	o->order->group_end[o->order->n_groups++] = o->order->n;
	o->n_leaves = 0;
}

/* Leaves of a pod lie together in the sequence, as one switch led to all of them. */
static void deal_all(struct ordering *o, bool leaves_too)
{
	uint32_t pod = NO_NODE;

	for (uint32_t i = 0; i < o->n; i++) {
		uint32_t before = pod;

		if (!is_leaf(o->f, o->node[i]))
			continue;
		pod = pod_of(o, o->node[i]);
		if (o->n_leaves > 0 && pod != before &&
		    (o->n_leaves >= LEAVES_ENOUGH || is_leaf(o->f, pod)))
			deal_pods(o, leaves_too);
		o->leaf[o->n_leaves++] = (struct leaf){ &o->f->nodes[o->node[i]], pod, 1, false };
	}
	if (o->n_leaves > 0)
		deal_pods(o, leaves_too);
}

/* -- the others ---------------------------------------------------------------------------------
 */

/* Hosts of switches that are no leaves, by breadth. */
static void add_single_hosts(const struct ordering *o)
{
	for (uint32_t i = 0; i < o->n; i++) {
		struct leaf one = { .node = &o->f->nodes[o->node[i]], .next_port = 1 };

		if (!is_leaf(o->f, o->node[i]))
			deal_one(o->f, &one, o->order);
	}
}

static bool leads_to_leaf(const struct fabric *f, const struct node *node)
{
	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t peer = f->ports[port_at(node, p)].peer;

		if (peer != NO_PORT && node_is_switch(node_of(f, peer)) &&
		    is_leaf(f, f->ports[peer].node))
			return true;
	}

	return false;
}

/* What hangs together with @first, by breadth; those that lead to leaves before the others. */
static void add_plane(struct ordering *o, uint32_t first)
{
	const struct fabric *f = o->f;
	uint32_t begin = o->n;

	add_all_from(o, first, false);
	for (unsigned pass = 0; pass < 2; pass++)
		for (uint32_t i = begin; i < o->n; i++)
			if (leads_to_leaf(f, &f->nodes[o->node[i]]) == (pass == 0))
				add_port(o->order, f->nodes[o->node[i]].first_port);
}

static int add_switches(struct ordering *o)
{
	AUTO(freep) uint32_t *by_breadth = malloc((o->n + (size_t)1) * sizeof(*by_breadth));
	uint32_t n = o->n;

	if (!by_breadth)
		return -ENOMEM;
	memcpy(by_breadth, o->node, n * sizeof(*by_breadth));
	forget_all(o);
	for (uint32_t i = 0; i < n; i++) {
		if (!is_leaf(o->f, by_breadth[i]))
			continue;
		o->from[by_breadth[i]] = by_breadth[i];
		add_port(o->order, o->f->nodes[by_breadth[i]].first_port);
	}
	for (uint32_t i = 0; i < n; i++)
		if (o->from[by_breadth[i]] == NO_NODE)
			add_plane(o, by_breadth[i]);

	return 0;
}

int lid_order_make(const struct fabric *f, bool leaves_too, struct lid_order *ret)
{
	AUTO(ordering_clear) struct ordering o = { 0 };

	if (ordering_make(f, ret, &o) < 0)
		return -ENOMEM;
	order_by_breadth(&o);
	deal_all(&o, leaves_too);
	add_single_hosts(&o);
	if (add_switches(&o) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n_ports; i++)
		if (port_is_end(f, i))
			add_port(ret, i);

	return 0;
}
