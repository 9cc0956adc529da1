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
 * anybody who is busy. A switch that refuses or does not answer has a fault, as with other tables:
 * it is left out of all trees as long as that lasts, and later sweeps try whether it is over.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
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

/* -- what switches hold -------------------------------------------------------------------------
 */

static int add_held(struct multicast *m, uint32_t index, uint32_t exit, uint32_t *rooms)
{
	struct mlid *mlid = &m->mlids[index];
	int r = array_make_room(&mlid->held.exit, mlid->held.n, &rooms[index], 8,
				sizeof(*mlid->held.exit));

	if (r == 0)
		mlid->held.exit[mlid->held.n++] = exit;

	return r;
}

static int count_cell(struct multicast *m, uint32_t node, unsigned block, unsigned position,
		      const struct mft_cell *cell, uint32_t *rooms)
{
	for (unsigned i = 0; cell->ports && i < MFT_BLOCK; i++) {
		for (unsigned ports = cell->ports[i]; ports; ports &= ports - 1) {
			unsigned port = position * MFT_PORTS + (unsigned)__builtin_ctz(ports);
			uint32_t index = block * MFT_BLOCK + i;

			if (index < m->n_mlids && port <= UINT8_MAX &&
			    add_held(m, index, TREE_EXIT(node, port), rooms) < 0)
				return -ENOMEM;
		}
	}

	return 0;
}

static void forget_held(struct multicast *m)
{
	for (uint32_t i = 0; i < m->n_mlids; i++) {
		struct mlid *mlid = &m->mlids[i];

		free(TAKE(mlid->held.exit));
		mlid->held = (struct tree){ 0 };
		mlid->settled = false;
	}
	m->n_changed = 0;
}

static int compare_held(struct multicast *m)
{
	for (uint32_t i = 0; i < m->n_mlids; i++) {
		struct mlid *mlid = &m->mlids[i];
		struct tree *held = &mlid->held;

		tree_sort(held); /* nodes come in their order, but cells of one node do not */
		mlid->settled = held->n == mlid->planned.n &&
				(held->n == 0 || !memcmp(held->exit, mlid->planned.exit,
							 held->n * sizeof(*held->exit)));
		if (mlid->settled) {
			free(TAKE(held->exit));
			held->n = 0;
		} else if (multicast_note_changed(m, i) < 0) {
			return -ENOMEM;
		}
	}

	return 0;
}

int multicast_count_held(struct sm *sm)
{
	struct multicast *m = sm->multicast;
	AUTO(freep) uint32_t *rooms = calloc(m->n_mlids + (size_t)1, sizeof(*rooms));
	int r = rooms ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	forget_held(m);
	for (uint32_t i = 0; r == 0 && i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];
		const struct mft *mft = node->present && node->sw ? node->sw->mft : NULL;

		for (unsigned b = 0; mft && b < mft->n_blocks; b++)
			for (unsigned p = 0; r == 0 && p < mft->n_positions; p++)
				r = count_cell(m, i, b, p, mft_cell_at(mft, b, p), rooms);
	}
	if (r == 0)
		r = compare_held(m);
	m->recount = r < 0;

	return r;
}

/* -- asking -------------------------------------------------------------------------------------
 */

/* What the cell is to hold by the end of this stage. */
static void fill_cell(const struct multicast *m, uint32_t node, unsigned block, unsigned position,
		      const struct mft_cell *cell, uint8_t *ret)
{
	for (unsigned i = 0; i < MFT_BLOCK; i++) {
		const struct mlid *mlid = mlid_at(m, block * MFT_BLOCK + i);
		unsigned ports = mft_cell_get(cell, i);

		if (mlid && m->stage != MULTICAST_CLEAR)
			ports = mlid_ports(&mlid->planned, node, position);
		else if (mlid && mlid->clears)
			ports &= mlid_ports(&mlid->planned, node, position);
		wire_set16(ret, i, (uint16_t)ports);
	}
}

static bool holds(const struct mft_cell *cell, const uint8_t *data)
{
	for (unsigned i = 0; i < MFT_BLOCK; i++)
		if (mft_cell_get(cell, i) != wire_get16(data, i))
			return false;

	return cell->known;
}

/* Who had a fault shows that it is over by what it was for, not by an answer. */
static bool is_to_set(const struct multicast *m, const struct node *node)
{
	return m->stage != MULTICAST_READ || node->sw->mft_fault.reason != REASON_NONE;
}

static bool ask_cell(const struct multicast *m, const struct node *node, unsigned block,
		     unsigned position, struct mft_cell *cell, struct request *ret)
{
	cell->marked = false;
	ret->method = METHOD_GET;
	if (is_to_set(m, node)) {
		ret->method = METHOD_SET;
		fill_cell(m, node->sma.owner, block, position, cell, ret->data);
		if (holds(cell, ret->data))
			return false;
		cell->known = false;
	} else if (cell->known) {
		return false;
	}
	ret->attr = ATTR_MFT;
	ret->modifier = mft_modifier(block, position);
	ret->tag = TAG(TODO_MFT, 0, block * MFT_POSITIONS_MAX + position);

	return true;
}

bool multicast_ask(struct sm *sm, struct node *node, struct request *ret)
{
	struct multicast *m = sm->multicast;
	struct cursor *at = &node->work.cursor[TODO_MFT];
	struct mft *mft = node->sw ? node->sw->mft : NULL;

	for (; mft && m->stage != MULTICAST_IDLE && at->block < mft->n_blocks; at->block++) {
		for (; at->port < mft->n_positions; at->port++) {
			struct mft_cell *cell = mft_cell_at(mft, at->block, at->port);

			if (!cell->marked || !ask_cell(m, node, at->block, at->port, cell, ret))
				continue;
			node->sw->mft_in_flight++;
			return true;
		}
		at->port = 0;
	}
	node->work.todo &= ~TODO(TODO_MFT);
	m->check = true;

	return false;
}

static void cell_failed(struct sm *sm, struct node *node, enum reason reason, uint16_t status)
{
	struct multicast *m = sm->multicast;

	fault_note(sm, node->first_port, &node->sw->mft_fault, "Multicast table", reason, status);
	m->unread = m->recount = m->undone = true;
}

void multicast_take(struct sm *sm, struct node *node, const struct answer *answer)
{
	unsigned place = TAG_BLOCK(answer->request->tag);
	struct sw *sw = node->sw;
	struct mft_cell *cell =
		mft_cell_at(sw->mft, place / MFT_POSITIONS_MAX, place % MFT_POSITIONS_MAX);

	sw->mft_in_flight--;
	sm->multicast->check = true;
	if (!cell)
		return;
	if (answer->result == REQUEST_LOST) {
		cell->marked = true;
		work_add(sm, node->sma.owner, TODO(TODO_MFT));
		return;
	}
	if (answer->result == REQUEST_REFUSED)
		cell_failed(sm, node, answer->status ? REASON_SET_REFUSED : REASON_MKEY_HIDDEN,
			    answer->status);
	else if (mft_cell_set(cell, answer->data) < 0)
		cell_failed(sm, node, REASON_OUT_OF_MEMORY, 0);
	else if (answer->request->method == METHOD_SET &&
		 memcmp(answer->data, answer->request->data, SMP_DATA_SIZE) != 0)
		cell_failed(sm, node, REASON_NOT_KEPT, 0);
}

/* -- what befalls tables ------------------------------------------------------------------------
 */

void multicast_doubt(struct sm *sm, struct node *node)
{
	if (!node->sw)
		return;
	mft_doubt(node->sw->mft);
	node->sw->mft_empty = false;
	sm->multicast->unread = true;
}

void multicast_forget(struct sm *sm, struct node *node)
{
	if (!mft_clear(node->sw->mft))
		sm->multicast->unread = true;
	node->sw->mft_empty = true;
	sm->multicast->recount = true;
}

void multicast_dropped(struct sm *sm, struct node *node)
{
	struct multicast *m = sm->multicast;

	if (node->sw && (node->sw->mft_in_flight || (node->work.todo & TODO(TODO_MFT))))
		m->unread = m->recount = m->undone = true;
	if (node->sw)
		node->sw->mft_in_flight = 0;
	m->check = true;
}

void multicast_note_twin(struct node *node, const struct request *request)
{
	unsigned place = TAG_BLOCK(request->tag);
	struct mft_cell *cell =
		mft_cell_at(node->sw->mft, place / MFT_POSITIONS_MAX, place % MFT_POSITIONS_MAX);

	if (cell)
		cell->twin = true;
}

void multicast_doubt_twins(struct sm *sm, struct node *node)
{
	if (mft_doubt_twins(node->sw->mft))
		sm->multicast->unread = true;
}

void multicast_doubt_read(struct sm *sm, struct node *node)
{
	if (!node->sw || node->sw->mft_empty || !node->sw->mft)
		return;
	mft_doubt(node->sw->mft);
	sm->multicast->unread = true;
}

/* -- MulticastFDBTop ----------------------------------------------------------------------------
 */

/* Something is in its table, or is to be, that is beyond @top. Who is read is marked, too. */
static bool has_beyond(const struct mft *mft, unsigned top, bool is_read)
{
	unsigned b = top < MLID_FIRST ? 0 : (top - MLID_FIRST + 1) / MFT_BLOCK;

	for (; mft && b < mft->n_blocks; b++)
		for (unsigned p = 0; p < mft->n_positions; p++) {
			const struct mft_cell *cell = mft_cell_at(mft, b, p);

			if (cell->ports || (cell->marked && !is_read))
				return true;
		}
	return false;
}

/*
 * Of a switch that has it, and whose table has something beyond: the last MLID of the last block
 * that any group may need. 0 has all of the table count; more than that is left as others have set
 * it. So is less where no group leads: groups that come do not have all switches written.
 */
unsigned multicast_top(const struct sm *sm, const struct node *node)
{
	const struct group_book *book = &sm->multicast->book;
	const struct sw *sw = node->sw;
	unsigned now = (unsigned)wire_get(sw->info, SWITCH_INFO_MULTICAST_TOP);
	unsigned cap = (unsigned)wire_get(sw->info, SWITCH_INFO_MULTICAST_CAP);
	unsigned n = book->n_mlids;

	if (!(wire_get(sm->fabric.ports[node->first_port].info, PORT_INFO_CAPABILITIES) &
	      CAP_MULTICAST_TOP) ||
	    sw->mft_top_fixed || cap == 0 ||
	    !has_beyond(sw->mft, now, sm->multicast->stage == MULTICAST_READ))
		return now;
	n = (n + MFT_BLOCK - 1) / MFT_BLOCK * MFT_BLOCK;
	return MLID_FIRST + MIN(n, cap) - 1;
}
