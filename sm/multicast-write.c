/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * From the multicast tables that switches hold to those that are planned. What is asked of them has
 * stages, and all have answered before the next begins:
 *
 * * tables that are not known are read, of the MLIDs that are in use; those of a switch that came
 *   up without anything are known to be empty;
 * * where exits of the old tree and of the new one could together make a circle (trees_mix(); or
 *   because an old one leads to a device that does not answer), what is old and not new is taken
 *   out first;
 * * what differs is written.
 *
 * So at any moment the cables that a packet of an MLID may take are those of one tree, or of two
 * that together are none but a forest: no packet goes round, and none comes twice. Only the cells
 * of a table that differ are written: joins that come together and share one cost one Set.
 *
 * All this goes its own way beside the phases of a reconcile, which waits for it only as for
 * anybody who is busy. Here is which cells are to be looked at in which stage; multicast-cells.c
 * asks for them.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sm/multicast-inside.h"

/* -- work for switches --------------------------------------------------------------------------
 */

static bool may_ask(const struct sm *sm, const struct node *node)
{
	return multicast_has_table(sm, node) && !fault_waits(sm, &node->sw->mft_fault);
}

static void give_work(struct sm *sm, uint32_t number)
{
	struct node *node = &sm->fabric.nodes[number];

	if (!(node->work.todo & TODO(TODO_MFT)))
		work_add(sm, number, TODO(TODO_MFT));
}

/*
 * Cells of the MLIDs that it has room for: of others it is neither asked nor told, also if it has
 * come back with less room than it had.
 */
static int make_room(const struct sm *sm, struct node *node)
{
	struct sw *sw = node->sw;
	unsigned size = multicast_table_size(node);
	unsigned n = MIN(sm->multicast->n_mlids, size);

	mft_cut(sw->mft, (size + MFT_BLOCK - 1) / MFT_BLOCK);

	return mft_make_room(&sw->mft, node->n_ports, (n + MFT_BLOCK - 1) / MFT_BLOCK,
			     sw->mft_empty);
}

static bool is_used(const struct multicast *m, unsigned block)
{
	for (uint32_t i = block * MFT_BLOCK; i < MIN((block + 1) * MFT_BLOCK, m->n_mlids); i++)
		if ((m->book.by_mlid[i] && m->book.by_mlid[i]->n > 0) || m->mlids[i].planned.n > 0)
			return true;

	return false;
}

static bool mark_unread(const struct multicast *m, const struct mft *mft)
{
	bool any = false;

	for (unsigned block = 0; block < mft->n_blocks; block++) {
		bool used = is_used(m, block);

		for (unsigned p = 0; used && p < mft->n_positions; p++) {
			struct mft_cell *cell = mft_cell_at(mft, block, p);

			cell->marked = !cell->known;
			any = any || cell->marked;
		}
	}

	return any;
}

bool multicast_start_read(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	bool any = false;

	if (!m->unread)
		return false;
	m->unread = false;
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		struct node *node = &sm->fabric.nodes[i];

		if (!multicast_has_table(sm, node))
			continue;
		if (make_room(sm, node) < 0) {
			m->unread = true;
			continue;
		}
		if (!may_ask(sm, node) || !mark_unread(m, node->sw->mft))
			continue;
		give_work(sm, i);
		any = any || (node->work.todo & TODO(TODO_MFT));
	}
	if (any) {
		m->stage = MULTICAST_READ;
		m->recount = true;
	}

	return any;
}

/* The cell that @exit is in is to be looked at. */
static void mark(struct sm *sm, uint32_t index, uint32_t exit)
{
	uint32_t number = TREE_EXIT_SWITCH(exit);
	struct node *node = &sm->fabric.nodes[number];
	struct mft_cell *cell;

	if (!may_ask(sm, node) || make_room(sm, node) < 0)
		return;
	cell = mft_cell_at(node->sw->mft, index / MFT_BLOCK, TREE_EXIT_PORT(exit) / MFT_PORTS);
	if (!cell)
		return;
	cell->marked = true;
	give_work(sm, number);
	if (!(node->work.todo & TODO(TODO_SWITCH_SET)) &&
	    multicast_top(sm, node) != wire_get(node->sw->info, SWITCH_INFO_MULTICAST_TOP))
		work_add(sm, number, TODO(TODO_SWITCH_SET));
}

/* Exits that one of both has alone; only those of @a, if @b_too is not set. */
static void mark_differences(struct sm *sm, uint32_t index, const struct tree *a,
			     const struct tree *b, bool b_too)
{
	uint32_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		uint32_t x = i < a->n ? a->exit[i] : UINT32_MAX;
		uint32_t y = j < b->n ? b->exit[j] : UINT32_MAX;

		if (x < y)
			mark(sm, index, x);
		else if (y < x && b_too)
			mark(sm, index, y);
		i += x <= y;
		j += y <= x;
	}
}

/* -- stages -------------------------------------------------------------------------------------
 */

static bool is_row(const struct multicast *m, const struct sw *sw, uint32_t node)
{
	return sw && sw->index < m->trees.n_switches && m->node_of_row[sw->index] == node;
}

/* By rows of the graph, without switches that are none of it. */
static int to_rows(const struct sm *sm, const struct tree *tree, struct tree *ret)
{
	const struct multicast *m = sm->multicast;

	*ret = (struct tree){ malloc((tree->n + (size_t)1) * sizeof(*ret->exit)), 0 };
	if (!ret->exit)
		return -ENOMEM;
	for (uint32_t i = 0; i < tree->n; i++) {
		uint32_t node = TREE_EXIT_SWITCH(tree->exit[i]);
		const struct sw *sw = sm->fabric.nodes[node].sw;

		if (is_row(m, sw, node))
			ret->exit[ret->n++] = TREE_EXIT(sw->index, TREE_EXIT_PORT(tree->exit[i]));
	}

	return 0;
}

/* To a switch, maybe, by a cable that trees do not know of and packets do. */
static bool leads_astray(const struct sm *sm, uint32_t exit)
{
	const struct multicast *m = sm->multicast;
	uint32_t number = TREE_EXIT_SWITCH(exit);
	const struct node *node = &sm->fabric.nodes[number];
	unsigned exit_port = TREE_EXIT_PORT(exit);
	const struct port *port;

	if (exit_port == 0 || exit_port > node->n_ports)
		return false;
	port = &sm->fabric.ports[port_at(node, exit_port)];
	if (port->peer == NO_PORT)
		return port->known && port_phys_state(port) == PHYS_LINK_UP;

	return node_is_switch(node_of(&sm->fabric, port->peer)) &&
	       !(is_row(m, node->sw, number) &&
		 trees_have_cable(&m->trees, TREE_EXIT(node->sw->index, exit_port)));
}

/* Of what is held and not planned. */
static bool any_leads_astray(const struct sm *sm, const struct mlid *mlid)
{
	for (uint32_t i = 0, j = 0; i < mlid->held.n; i++) {
		uint32_t exit = mlid->held.exit[i];

		while (j < mlid->planned.n && mlid->planned.exit[j] < exit)
			j++;
		if ((j == mlid->planned.n || mlid->planned.exit[j] != exit) &&
		    leads_astray(sm, exit))
			return true;
	}

	return false;
}

/* Without memory to find out it is done the safe way. */
static bool has_to_clear(const struct sm *sm, const struct mlid *mlid)
{
	struct tree held = { 0 }, planned = { 0 };
	bool clears = true;

	if (mlid->held.n == 0 || mlid->planned.n == 0)
		return false;
	if (any_leads_astray(sm, mlid))
		return true;
	if (to_rows(sm, &mlid->held, &held) == 0 && to_rows(sm, &mlid->planned, &planned) == 0)
		clears = trees_mix(&sm->multicast->trees, &held, &planned) != 1;
	free(held.exit);
	free(planned.exit);

	return clears;
}

/*
 * Copies go to hosts that are no members: of them somebody else knew, who was master while we were
 * not. They are to tell us, too.
 */
static bool leads_to_strangers(const struct sm *sm, const struct mlid *mlid)
{
	for (uint32_t i = 0, j = 0; i < mlid->held.n; i++) {
		uint32_t exit = mlid->held.exit[i];
		const struct node *node = &sm->fabric.nodes[TREE_EXIT_SWITCH(exit)];
		unsigned number = TREE_EXIT_PORT(exit);
		uint32_t peer;

		while (j < mlid->planned.n && mlid->planned.exit[j] < exit)
			j++;
		if ((j < mlid->planned.n && mlid->planned.exit[j] == exit) || number == 0 ||
		    number > node->n_ports)
			continue;
		peer = sm->fabric.ports[port_at(node, number)].peer;
		if (peer != NO_PORT && !node_is_switch(node_of(&sm->fabric, peer)))
			return true;
	}

	return false;
}

static void start_write(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	m->stage = MULTICAST_WRITE;
	for (uint32_t i = 0; i < m->n_changed; i++) {
		const struct mlid *mlid = &m->mlids[m->changed[i]];

		mark_differences(sm, m->changed[i], &mlid->held, &mlid->planned, true);
	}
	m->check = true;
}

bool multicast_start_writing(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	bool any = false;

	if (m->n_changed == 0)
		return false;
	for (uint32_t i = 0; i < m->n_changed; i++) {
		struct mlid *mlid = &m->mlids[m->changed[i]];

		if (sm->adopting && leads_to_strangers(sm, mlid))
			settings_register_all(sm);
		mlid->clears = has_to_clear(sm, mlid);
		any = any || mlid->clears;
		if (mlid->clears)
			mark_differences(sm, m->changed[i], &mlid->held, &mlid->planned, false);
	}
	m->stage = MULTICAST_CLEAR;
	m->check = true;
	m->undone = false;
	if (!any)
		start_write(sm);

	return true;
}

/* What did not do as it was told has a fault, and what it holds is counted. */
static void settle_all(struct multicast *m)
{
	for (uint32_t i = 0; i < m->n_changed; i++) {
		struct mlid *mlid = &m->mlids[m->changed[i]];

		free(TAKE(mlid->held.exit));
		mlid->held = (struct tree){ 0 };
		mlid->settled = true;
		mlid->clears = false;
	}
	m->n_changed = 0;
}

static bool is_busy(const struct sm *sm)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];

		if (node->sw && ((node->work.todo & TODO(TODO_MFT)) || node->sw->mft_in_flight))
			return true;
	}

	return false;
}

void multicast_settle(struct sm *sm)
{
	struct multicast *m = sm->multicast;

	while (m->stage != MULTICAST_IDLE && m->check && !is_busy(sm)) {
		m->check = false;
		/* What is still there that was to go may make a circle: new trees go around it. */
		if (m->stage == MULTICAST_CLEAR && !m->undone) {
			start_write(sm);
			continue;
		}
		if (m->stage != MULTICAST_READ)
			settle_all(m);
		m->stage = MULTICAST_IDLE;
		multicast_begin(sm);
	}
}
