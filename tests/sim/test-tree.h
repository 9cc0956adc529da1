/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Fat trees for tests, brought up without any SM: ports Active with an MTU of 4096, LIDs from 1 on
 * (hosts first, in their order, then switches), and tables that spread by destination LID. Include
 * after cmocka.
 *
 *	two levels	leaf l: hosts at ports 1 to h, spine s at port h + 1 + s;
 *			spine s: leaf l at port l + 1
 *	three levels	2m pods of m leaves and m middles; m * m tops, of which middle j of each
 *			pod sees tops j * m to j * m + m - 1; m hosts at each leaf. m = 18: 1,620
 *			switches of 36 ports and 11,664 hosts.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/sim/fabric.h"
#include "tests/sim/link.h"
#include "tests/unit/loop-virtual.h"

struct tree {
	struct loop *loop;
	struct sim_fabric *fabric;
	unsigned n_leaves;
	unsigned n_hosts; /* per leaf */
	unsigned n_spines;
	unsigned m; /* 0: two levels */
	struct sim_node **hosts;
	struct sim_node **leaves;
	struct sim_node **middles;
	struct sim_node **spines; /* tops */
};

static inline struct sim_node *tree_node(struct tree *t, enum sim_type type, unsigned n_ports,
					 char letter, unsigned number)
{
	char name[16];
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	snprintf(name, sizeof(name), "%c-%u", letter, number);
	assert_int_equal(sim_node_new(t->fabric, &spec, &node), 0);
	return node;
}

static inline struct sim_node **tree_nodes(struct tree *t, enum sim_type type, unsigned n,
					   unsigned n_ports, char letter)
{
	struct sim_node **nodes = calloc(n + 1, sizeof(struct sim_node *));

	assert_non_null(nodes);
	for (unsigned i = 0; i < n; i++)
		nodes[i] = tree_node(t, type, n_ports, letter, i + 1);
	return nodes;
}

static inline void tree_link(struct sim_node *a, unsigned pa, struct sim_node *b, unsigned pb)
{
	assert_int_equal(sim_cable(&a->ports[pa], &b->ports[pb]), 0);
}

static inline unsigned tree_lid(const struct sim_node *node)
{
	return node->index + 1; /* hosts are made first */
}

static inline void tree_activate(struct sim_port *port)
{
	port->info.mtu_smsl = 5 << 4;
	if (sim_link_is_up(port))
		sim_set_state(port, SIM_ACTIVE);
}

/* Everything that an SM would write but the LFTs, which it makes room for. */
static inline void tree_bring_up(struct tree *t)
{
	unsigned n = t->fabric->n_nodes;

	for (unsigned i = 0; i < n; i++) {
		struct sim_node *node = t->fabric->nodes[i];
		struct sim_port *end = node->sw ? &node->ports[0] : &node->ports[1];

		for (unsigned p = node->sw ? 0 : 1; p <= node->n_ports; p++)
			tree_activate(&node->ports[p]);
		end->info.base_lid = htobe16((uint16_t)tree_lid(node));
		end->info.master_sm_base_lid = htobe16(1);
		if (!node->sw)
			continue;
		node->sw->lft_size = (n / SIM_LFT_BLOCK + 1) * SIM_LFT_BLOCK;
		node->sw->lft = malloc(node->sw->lft_size);
		assert_non_null(node->sw->lft);
		memset(node->sw->lft, SIM_LFT_NONE, node->sw->lft_size);
		node->sw->info.lin_top = htobe16((uint16_t)n);
	}
}

static inline void tree_begin(struct tree *t)
{
	assert_int_equal(loop_virtual_new(1, &t->loop), 0);
	assert_int_equal(sim_fabric_new(t->loop, 1, &t->fabric), 0);
}

/* To spine s from a leaf, and down. */
static inline void tree_two_tables(struct tree *t)
{
	for (unsigned i = 0; i < t->fabric->n_nodes; i++) {
		struct sim_node *to = t->fabric->nodes[i];
		unsigned lid = tree_lid(to);
		unsigned at_leaf = i < t->n_leaves * t->n_hosts ? i / t->n_hosts
								: i - t->n_leaves * t->n_hosts;
		bool to_spine = i >= t->n_leaves * (t->n_hosts + 1);

		for (unsigned l = 0; l < t->n_leaves; l++) {
			unsigned up = to_spine ? at_leaf - t->n_leaves : lid % t->n_spines;
			unsigned down = i < t->n_leaves * t->n_hosts ? i % t->n_hosts + 1 : 0;

			t->leaves[l]->sw->lft[lid] =
				(uint8_t)(!to_spine && l == at_leaf ? down : t->n_hosts + 1 + up);
		}
		for (unsigned s = 0; s < t->n_spines; s++) {
			/* Spines reach each other by the first leaf. */
			unsigned down = to_spine ? 1 : at_leaf + 1;

			t->spines[s]->sw->lft[lid] = (uint8_t)(t->spines[s] == to ? 0 : down);
		}
	}
}

static inline void tree_two(struct tree *t, unsigned n_leaves, unsigned n_hosts, unsigned n_spines)
{
	*t = (struct tree){ .n_leaves = n_leaves, .n_hosts = n_hosts, .n_spines = n_spines };
	tree_begin(t);
	t->hosts = tree_nodes(t, SIM_CA, n_leaves * n_hosts, 1, 'H');
	t->leaves = tree_nodes(t, SIM_SWITCH, n_leaves, n_hosts + n_spines, 'L');
	t->spines = tree_nodes(t, SIM_SWITCH, n_spines, n_leaves, 'S');
	for (unsigned l = 0; l < n_leaves; l++) {
		for (unsigned h = 0; h < n_hosts; h++)
			tree_link(t->hosts[l * n_hosts + h], 1, t->leaves[l], h + 1);
		for (unsigned s = 0; s < n_spines; s++)
			tree_link(t->leaves[l], n_hosts + 1 + s, t->spines[s], l + 1);
	}
	tree_bring_up(t);
	tree_two_tables(t);
}

static inline void tree_three_cables(struct tree *t)
{
	unsigned m = t->m;

	for (unsigned l = 0; l < t->n_leaves; l++) {
		unsigned pod = l / m;

		for (unsigned i = 0; i < m; i++) {
			tree_link(t->hosts[l * m + i], 1, t->leaves[l], i + 1);
			tree_link(t->leaves[l], m + 1 + i, t->middles[pod * m + i], l % m + 1);
		}
	}
	for (unsigned j = 0; j < 2 * m * m; j++)
		for (unsigned i = 0; i < m; i++)
			tree_link(t->middles[j], m + 1 + i, t->spines[j % m * m + i], j / m + 1);
}

/* LIDs of hosts only. */
static inline void tree_three_tables(struct tree *t)
{
	unsigned m = t->m;

	for (unsigned h = 0; h < t->n_leaves * m; h++) {
		unsigned lid = tree_lid(t->hosts[h]);
		unsigned leaf = h / m, pod = leaf / m;

		for (unsigned l = 0; l < t->n_leaves; l++)
			t->leaves[l]->sw->lft[lid] =
				(uint8_t)(l == leaf ? h % m + 1 : m + 1 + lid % m);
		for (unsigned j = 0; j < 2 * m * m; j++)
			t->middles[j]->sw->lft[lid] =
				(uint8_t)(j / m == pod ? leaf % m + 1 : m + 1 + lid / m % m);
		for (unsigned s = 0; s < m * m; s++)
			t->spines[s]->sw->lft[lid] = (uint8_t)(pod + 1);
	}
}

static inline void tree_three(struct tree *t, unsigned m)
{
	*t = (struct tree){ .n_leaves = 2 * m * m, .n_hosts = m, .n_spines = m * m, .m = m };
	tree_begin(t);
	t->hosts = tree_nodes(t, SIM_CA, 2 * m * m * m, 1, 'H');
	t->leaves = tree_nodes(t, SIM_SWITCH, 2 * m * m, 2 * m, 'L');
	t->middles = tree_nodes(t, SIM_SWITCH, 2 * m * m, 2 * m, 'M');
	t->spines = tree_nodes(t, SIM_SWITCH, m * m, 2 * m, 'T');
	tree_three_cables(t);
	tree_bring_up(t);
	tree_three_tables(t);
}

static inline void tree_free(struct tree *t)
{
	sim_fabric_free(t->fabric);
	loop_virtual_free(t->loop);
	free(t->hosts);
	free(t->leaves);
	free(t->middles);
	free(t->spines);
}

/* Entry @mlid of the MFT of @node is @ports, a bit for each. */
static inline void tree_mft(struct sim_node *node, unsigned mlid, uint64_t ports)
{
	struct sim_switch *sw = node->sw;

	if (!sw->mft) {
		sw->mft_size = 64;
		sw->mft = calloc(sw->mft_size, sizeof(*sw->mft));
		assert_non_null(sw->mft);
	}
	sw->mft[mlid - SIM_LID_MULTICAST][0] = ports;
}

static inline void tree_pkeys(struct sim_port *port, uint16_t first, uint16_t second)
{
	free(port->pkeys);
	port->pkeys = calloc(sim_pkey_cap(port), sizeof(*port->pkeys));
	assert_non_null(port->pkeys);
	port->pkeys[0] = htobe16(first);
	port->pkeys[1] = htobe16(second);
}
