/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Cells of multicast tables, as switches hold them: what those are asked for in the stage at hand
 * (multicast-write.c), what they answer, what becomes doubtful; and the trees that all of it
 * amounts to. Of a table with a top, where that is to be follows from what is in it.
 *
 * A switch that refuses or does not answer has a fault, as with other tables: it is left out of all
 * trees as long as that lasts, and later sweeps try whether it is over.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/multicast-inside.h"

/* -- trees that are held ------------------------------------------------------------------------
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
