/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * By which ways LIDs of vports are reached. No route is computed for a vport: its LID leads to the
 * switch that its port hangs on, the leaf, as the LID of some port there does, and at the leaf out
 * of its own port. What was proven of that port's routes is true of these: they are the same links
 * in the same order, and the last one leads to no switch.
 *
 * At first it is the vport's own port whose ways it has. But engines give each port of a leaf ways
 * of its own, to spread what is sent there, so that if a vport that moves had to follow its new
 * port, a neighbour's move within the leaf would change almost every switch. Any other port of the
 * leaf does as well: of all, that is taken for which the fewest switches have to change, from what
 * they are known to hold. Within a leaf that is the leaf alone. The choice lasts as long as both
 * are at the same leaf. A subnet manager that starts anew finds it again, because what it reads
 * from switches differs from it nowhere.
 */

#include <stdlib.h>

#include "base/macros.h"
#include "sm/machine.h"

/* Does the LID of this port of an adapter lead to @leaf, and there out of the port that it is at?
 */
static bool leads_to(const struct sm *sm, uint32_t number, uint32_t leaf)
{
	const struct fabric *f = &sm->fabric;
	const struct port *port = &f->ports[number];
	uint32_t home = port->home;

	return port->number > 0 && port->lid && home != NO_PORT && f->ports[home].node == leaf &&
	       f->nodes[port->node].type == NODE_TYPE_CA &&
	       sm_route(sm, leaf, port->lid) == f->ports[home].number;
}

/* -- choosing -----------------------------------------------------------------------------------
 */

/* Switches by row of the tables in use, NULL for who is away; NULL without memory. */
static const struct sw **list_rows(const struct sm *sm)
{
	uint32_t n = sm->routing.n_rows;
	const struct sw **ret = calloc(n + 1, sizeof(struct sw *));

	for (uint32_t i = 0; ret && i < sm->fabric.n_nodes; i++) {
		const struct node *node = &sm->fabric.nodes[i];

		if (node->sw && node->present && node->sw->index < n)
			ret[node->sw->index] = node->sw;
	}

	return ret;
}

/* Switches, but for @leaf, that would have to change if @lid had the ways of @from; at most @limit.
 */
static uint32_t count_changes(const struct routing *routing, const struct sw *const *rows,
			      const struct sw *leaf, const struct column *column, uint32_t limit)
{
	const struct tables *tables = &routing->tables;
	uint32_t n = 0;

	for (uint32_t i = 0; i < routing->n_rows && n < limit; i++)
		n += rows[i] && rows[i] != leaf &&
		     lft_held(rows[i], column->to) !=
			     tables->lft[i * tables->stride + column->from];

	return n;
}

/* The port of the leaf's neighbours, @own at first, for which the fewest have to change. */
static uint32_t find_nearest(const struct sm *sm, const struct sw *const *rows, uint32_t own,
			     const struct column *column)
{
	const struct fabric *f = &sm->fabric;
	const struct node *leaf = &f->nodes[column->leaf];
	uint32_t best = own;
	uint32_t least = count_changes(&sm->routing, rows, leaf->sw, column, UINT32_MAX);

	for (unsigned i = 1; i <= leaf->n_ports && least > 0; i++) {
		uint32_t near = f->ports[port_at(leaf, i)].home; /* it may be away */
		struct column other = *column;
		uint32_t n;

		if (near == NO_PORT || !leads_to(sm, near, column->leaf))
			continue;
		other.from = f->ports[near].lid;
		n = count_changes(&sm->routing, rows, leaf->sw, &other, least);
		if (n >= least)
			continue;
		best = near;
		least = n;
	}

	return best;
}

/* The switch that our own port is, or last was, at; or NULL. */
static const struct sw *first_switch(const struct fabric *f)
{
	uint32_t at = f->local_port;

	if (at != NO_PORT && !node_is_switch(node_of(f, at)))
		at = f->ports[at].home;

	return at == NO_PORT ? NULL : node_of(f, at)->sw;
}

/* A leaf that has restarted does not know it, but others do. */
static bool has_been_anywhere(const struct sm *sm, const struct node *leaf, uint16_t lid)
{
	return !leaf->present || lft_held(leaf->sw, lid) != ROUTE_NONE ||
	       lft_held(first_switch(&sm->fabric), lid) != ROUTE_NONE;
}

static uint32_t choose(const struct sm *sm, struct columns *columns, uint32_t own,
		       const struct column *column)
{
	const struct node *leaf = &sm->fabric.nodes[column->leaf];

	if (!has_been_anywhere(sm, leaf, column->to))
		return own;
	if (!columns->rows)
		columns->rows = list_rows(sm);

	return columns->rows ? find_nearest(sm, columns->rows, own, column) : own;
}

/* -- all of them --------------------------------------------------------------------------------
 */

/* As that of @port; false: it is not known at which leaf that is, and so which others will do. */
static bool column_of(const struct sm *sm, uint16_t lid, uint32_t number, struct column *ret)
{
	const struct port *port = &sm->fabric.ports[number];

	*ret = (struct column){ .to = lid, .from = port->lid, .own = port->lid, .leaf = NO_NODE };
	if (port->home == NO_PORT || !leads_to(sm, number, sm->fabric.ports[port->home].node))
		return false;
	ret->leaf = sm->fabric.ports[port->home].node;
	ret->exit = sm->fabric.ports[port->home].number;

	return true;
}

static void find_column(const struct sm *sm, struct columns *columns, struct endpoint e,
			struct column *ret)
{
	const struct fabric *f = &sm->fabric;
	struct vf *vf = vf_of(f, e);

	if (!column_of(sm, vf->lid, e.port, ret))
		return;
	if (!vf->ways || !leads_to(sm, vf->ways, ret->leaf))
		vf->ways = choose(sm, columns, e.port, ret);
	ret->from = f->ports[vf->ways].lid;
}

static bool next_vport(const struct sm *sm, struct columns *columns, struct column *ret)
{
	const struct fabric *f = &sm->fabric;
	struct endpoint e;

	while (f->n_vfs > 0 && vf_walk_next(f, &columns->walk, &e)) {
		if (!vf_of(f, e)->lid || !f->ports[e.port].lid)
			continue;
		find_column(sm, columns, e, ret);
		return true;
	}

	return false;
}

/* Who takes one has the ways of its port, and nothing changes. */
static bool next_spare(const struct sm *sm, struct columns *columns, struct column *ret)
{
	for (; columns->stock < sm->spares.n; columns->stock++, columns->spare = 0) {
		const struct spare_stock *stock = &sm->spares.all[columns->stock];
		uint32_t port = fabric_find_port(&sm->fabric, stock->guid);

		if (columns->spare >= stock->n || port == NO_PORT || !sm->fabric.ports[port].lid)
			continue;
		column_of(sm, stock->lid[columns->spare++], port, ret);
		return true;
	}

	return false;
}

/* And who comes where it is to move finds the ways that were chosen for it. */
static bool next_move(const struct sm *sm, struct columns *columns, struct column *ret)
{
	while (columns->move < sm->moves.n) {
		uint64_t guid = sm->moves.all[columns->move++].guid;
		const struct identity *id = identity_find(sm->identities, guid);
		uint32_t port = moves_way(sm, guid);

		if (!id || id->lmc != 0 || port == NO_PORT)
			continue;
		if (column_of(sm, id->lid, port, ret))
			ret->from = sm->fabric.ports[choose(sm, columns, port, ret)].lid;
		return true;
	}

	return false;
}

/* Who has this LID is at @leaf, and no switch is there. */
static bool ends_at(const struct sm *sm, const struct node *leaf, uint16_t lid)
{
	const struct fabric *f = &sm->fabric;
	uint8_t exit = lid ? sm_route(sm, (uint32_t)(leaf - f->nodes), lid) : 0;
	uint32_t peer;

	if (exit == 0 || exit > leaf->n_ports)
		return false;
	peer = f->ports[port_at(leaf, exit)].peer;

	return peer == NO_PORT || !node_is_switch(node_of(f, peer));
}

/* All switches but the leaf hold for it the ways of @from. */
static bool is_held_as(const struct sm *sm, struct columns *columns, const struct column *column,
		       uint16_t from)
{
	const struct node *leaf = &sm->fabric.nodes[column->leaf];
	struct column other = *column;

	if (!columns->rows)
		columns->rows = list_rows(sm);
	other.from = from;

	return columns->rows && ends_at(sm, leaf, from) &&
	       count_changes(&sm->routing, columns->rows, leaf->sw, &other, 1) == 0;
}

/* A LID at the leaf whose ways are held for this one; 0: it has others. */
static uint16_t find_same(const struct sm *sm, struct columns *columns, const struct column *column,
			  uint16_t beside)
{
	const struct fabric *f = &sm->fabric;
	const struct node *leaf = &f->nodes[column->leaf];

	if (is_held_as(sm, columns, column, beside))
		return beside;
	for (unsigned i = 1; i <= leaf->n_ports; i++) {
		uint32_t near = f->ports[port_at(leaf, i)].home; /* it may be away */

		if (near != NO_PORT && is_held_as(sm, columns, column, f->ports[near].lid))
			return f->ports[near].lid;
	}

	return 0;
}

static bool column_of_absent(const struct sm *sm, struct columns *columns, struct absent *absent,
			     struct column *ret)
{
	uint32_t exit = absent->shares && absent->lmc == 0 ? absent_exit(sm, absent) : NO_PORT;

	if (exit == NO_PORT)
		return false;
	*ret = (struct column){ .to = absent->lid,
				.leaf = sm->fabric.ports[exit].node,
				.exit = absent->exit };
	if (!ends_at(sm, node_of(&sm->fabric, exit), absent->from))
		absent->from = find_same(sm, columns, ret, absent->beside);
	ret->from = absent->from;

	return absent->from != 0;
}

/* Who comes back finds the ways by which it was reached before we started. */
static bool next_absent(const struct sm *sm, struct columns *columns, struct column *ret)
{
	while (columns->absent < sm->absents.n)
		if (column_of_absent(sm, columns, &sm->absents.all[columns->absent++], ret))
			return true;

	return false;
}

bool columns_next(const struct sm *sm, struct columns *columns, struct column *ret)
{
	return next_vport(sm, columns, ret) || next_spare(sm, columns, ret) ||
	       next_move(sm, columns, ret) || next_absent(sm, columns, ret);
}

void columns_done(struct columns *columns)
{
	free(columns->rows);
}
