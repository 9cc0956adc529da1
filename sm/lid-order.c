/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * LIDs that most switches reach by the same exit should lie in the same block of a forwarding
 * table, so that a change of routes costs few blocks. In a tree, each leaf sends its pod's first
 * hosts (of every leaf the first) by its first cable upward, all second ones by its second, and so
 * on (routing/number.c); and so do all leaves of other pods. So leaves get LIDs for their hosts in
 * rounds: of each the first host, of each the second. What a round has for one pod is a run. When a
 * middle switch goes, leaves of other pods have to write the blocks that have a run of its pod, and
 * those of its pod the blocks that have any of a round. So a run should not be cut by the end of a
 * block, and small pods share their rounds. Not more than that: when a leaf loses a cable, cores
 * have to write all blocks that its hosts are in, of which sharing makes more.
 *
 * If the end of a block would cut the next run, LIDs of switches fill the block up. Those of leaves
 * go the way of a host in the same block, so there has to be one of their pods. Those of a plane,
 * which hang together without leaves, are reached by the cables that the hosts of a round are
 * reached by, and lie beside these: as many as pods that share their rounds need to end with a
 * block. Not more: cores have to write all blocks of other planes when they lose their way to our
 * pod (routing/apex.c), so most of these LIDs lie together. Of pods of 18 leaves with 18 hosts a
 * twelfth of all runs is cut. That none is would take twelve blocks for two such pods and not
 * eleven, and leave LIDs out, or cost cables to the top. Whose runs are cut, and which two of three
 * rounds share blocks, takes turns: each time another round begins.
 *
 * Pods come by breadth from us; which leaves are one is told by the switch that leads to them. The
 * hosts of switches that have only one follow, then all other switches, planes in one go, who leads
 * to leaves before the others: what a cable to the top changes is either about these or about
 * those. Where switches with hosts hang together directly, as in a torus, each is a pod by itself,
 * and all its LIDs lie together.
 */

#include "sm/lid-order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"

/* Pods of fewer leaves share their rounds with the next ones. */
enum { LEAVES_ENOUGH = 24 };

/* A leaf whose hosts are dealt. */
struct leaf {
	const struct node *node;
	uint32_t pod;
	bool has_lid; /* itself */
};

/* Switches that hang together without leaves, in by_plane. */
struct plane {
	uint32_t next; /* those before it have their place */
	uint32_t end;
};

struct ordering {
	const struct fabric *f;
	uint32_t *node; /* switches by breadth */
	uint32_t *from; /* of each node the one that led to it; NO_NODE: not seen */
	uint32_t n;
	uint32_t *by_plane; /* switches that are no leaves, those of a plane in a row */
	uint32_t n_by_plane;
	struct plane *plane;
	uint32_t n_planes;
	uint32_t *plane_of; /* of each node in by_plane */
	struct leaf *leaf;  /* of the pods that are dealt together, those of one pod in a row */
	uint32_t n_leaves;
	uint32_t n_without;   /* of these, a LID */
	uint32_t n_padding;   /* switches of planes that pods which are dealt now may have yet */
	struct plane *beside; /* where hosts were dealt last; or NULL */
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
	free(o->by_plane);
	free(o->plane);
	free(o->plane_of);
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
		.by_plane = malloc(n_nodes * sizeof(*ret->by_plane)),
		.plane = malloc(n_nodes * sizeof(*ret->plane)),
		.plane_of = malloc(n_nodes * sizeof(*ret->plane_of)),
		.leaf = malloc(n_nodes * sizeof(*ret->leaf)),
		.order = order,
	};

	return order->port && order->group_end && ret->node && ret->from && ret->by_plane &&
			       ret->plane && ret->plane_of && ret->leaf
		       ? 0
		       : -ENOMEM;
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

/* -- planes -------------------------------------------------------------------------------------
 */

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
	uint32_t begin = o->n, first_of_plane = o->n_by_plane;

	add_all_from(o, first, false);
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint32_t i = begin; i < o->n; i++) {
			if (leads_to_leaf(o->f, &o->f->nodes[o->node[i]]) != (pass == 0))
				continue;
			o->by_plane[o->n_by_plane++] = o->node[i];
			o->plane_of[o->node[i]] = o->n_planes;
		}
	}
	o->plane[o->n_planes++] = (struct plane){ first_of_plane, o->n_by_plane };
}

static int find_planes(struct ordering *o)
{
	AUTO(freep) uint32_t *by_breadth = NULL;
	uint32_t n;

	order_by_breadth(o);
	n = o->n;
	by_breadth = array_copy(o->node, n, sizeof(*by_breadth));
	if (!by_breadth)
		return -ENOMEM;
	forget_all(o);
	for (uint32_t i = 0; i < n; i++)
		if (is_leaf(o->f, by_breadth[i]))
			o->from[by_breadth[i]] = by_breadth[i];
	for (uint32_t i = 0; i < n; i++)
		if (o->from[by_breadth[i]] == NO_NODE)
			add_plane(o, by_breadth[i]);

	return 0;
}

/* That @round is reached by from @leaf, if its cables upward are in sequence; or NULL. */
static struct plane *plane_at(const struct ordering *o, const struct node *leaf, unsigned round)
{
	const struct fabric *f = o->f;

	for (unsigned p = 1; p <= leaf->n_ports; p++) {
		uint32_t peer = f->ports[port_at(leaf, p)].peer;

		if (peer != NO_PORT && node_is_switch(node_of(f, peer)) &&
		    !is_leaf(f, f->ports[peer].node) && round-- == 0)
			return &o->plane[o->plane_of[f->ports[peer].node]];
	}

	return NULL;
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

/* The host of a leaf that comes in @round, from 0; or NO_PORT. */
static uint32_t host_in(const struct fabric *f, const struct node *leaf, unsigned round)
{
	for (unsigned p = 1; p <= leaf->n_ports; p++) {
		uint32_t host = host_at(f, leaf, p);

		if (host != NO_PORT && round-- == 0)
			return host;
	}

	return NO_PORT;
}

static void deal_one(const struct fabric *f, const struct node *leaf, unsigned round,
		     struct lid_order *order)
{
	uint32_t host = host_in(f, leaf, round);

	if (host != NO_PORT)
		add_port(order, host);
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

/* LIDs of @n switches of a plane, if it has as many. */
static bool add_padding(struct ordering *o, uint32_t n)
{
	struct plane *plane = o->beside;

	if (n > o->n_padding || !plane || n > plane->end - plane->next)
		return false;
	o->n_padding -= n;
	for (; n > 0; n--)
		add_port(o->order, o->f->nodes[o->by_plane[plane->next++]].first_port);

	return true;
}

/* To the end of the block; LIDs count from 1. */
static uint32_t room_in_block(const struct lid_order *order)
{
	return LFT_BLOCK - (order->n + 1) % LFT_BLOCK;
}

/* Behind the run of @before, if there was one, comes one of @n. */
static void fill_block(struct ordering *o, uint32_t before, uint32_t n)
{
	uint32_t room = room_in_block(o->order);

	if (before < o->n_leaves && n > room && !add_padding(o, room) && room <= o->n_without)
		add_leaves(o, before, room);
}

/* One host of each leaf of the pod that begins with leaf @first; the next pod's first. */
static uint32_t deal_run(struct ordering *o, unsigned round, uint32_t before, uint32_t first)
{
	uint32_t end = first, n = 0;

	for (; end < o->n_leaves && o->leaf[end].pod == o->leaf[first].pod; end++)
		n += host_in(o->f, o->leaf[end].node, round) != NO_PORT;
	fill_block(o, before, n);
	for (uint32_t i = first; i < end; i++)
		deal_one(o->f, o->leaf[i].node, round, o->order);
	o->beside = plane_at(o, o->leaf[first].node, round);

	return end;
}

static unsigned count_rounds(const struct ordering *o)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < o->n_leaves; i++)
		n = MAX(n, count_hosts(o->f, o->leaf[i].node));

	return n;
}

/* What would fill the last block, if that is not more than they are themselves. */
static uint32_t count_padding(const struct ordering *o)
{
	uint32_t n = o->n_leaves;

	for (uint32_t i = 0; i < o->n_leaves; i++)
		n += count_hosts(o->f, o->leaf[i].node);
	n = LFT_BLOCK - 1 - (o->order->n + n) % LFT_BLOCK;

	return o->n_leaves >= LEAVES_ENOUGH && n <= o->n_leaves ? n : 0;
}

/* Leaves that fill no block lie between the last two rounds, with hosts on both sides. */
static void deal_pods(struct ordering *o, bool leaves_too)
{
	unsigned n = count_rounds(o), first = o->order->n_groups % n;
	uint32_t last = o->n_leaves; /* none yet */

	o->n_without = leaves_too ? o->n_leaves : 0;
	o->n_padding = leaves_too ? count_padding(o) : 0;
	for (unsigned r = 0; r < n; r++) {
		if (r == n - 1)
			add_leaves(o, last, o->n_without);
		for (uint32_t i = 0, next; i < o->n_leaves; last = i, i = next)
			next = deal_run(o, (first + r) % n, last, i);
	}
	add_padding(o, o->n_padding);
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
		o->leaf[o->n_leaves++] = (struct leaf){ &o->f->nodes[o->node[i]], pod, false };
	}
	if (o->n_leaves > 0)
		deal_pods(o, leaves_too);
}

/* -- the others ---------------------------------------------------------------------------------
 */

/* Hosts of switches that are no leaves, by breadth. */
static void add_single_hosts(const struct ordering *o)
{
	for (uint32_t i = 0; i < o->n; i++)
		if (!is_leaf(o->f, o->node[i]))
			deal_one(o->f, &o->f->nodes[o->node[i]], 0, o->order);
}

/* Leaves first; those of planes that have their place twice, which does no harm. */
static void add_switches(const struct ordering *o)
{
	const struct fabric *f = o->f;

	for (uint32_t i = 0; i < o->n; i++)
		if (is_leaf(f, o->node[i]))
			add_port(o->order, f->nodes[o->node[i]].first_port);
	for (uint32_t i = 0; i < o->n_by_plane; i++)
		add_port(o->order, f->nodes[o->by_plane[i]].first_port);
}

int lid_order_make(const struct fabric *f, bool leaves_too, struct lid_order *ret)
{
	AUTO(ordering_clear) struct ordering o = { 0 };

	if (ordering_make(f, ret, &o) < 0)
		return -ENOMEM;
	if (find_planes(&o) < 0)
		return -ENOMEM;
	order_by_breadth(&o);
	deal_all(&o, leaves_too);
	add_single_hosts(&o);
	add_switches(&o);
	for (uint32_t i = 0; i < f->n_ports; i++)
		if (port_is_end(f, i))
			add_port(ret, i);

	return 0;
}
