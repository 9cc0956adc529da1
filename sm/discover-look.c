/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A look: a walk that begins not at ourselves but at switches of which traps told, with the routes
 * that they have, and asks those alone, what is at the far end of links that came or went, and what
 * is behind those that came. All others are believed to be as they were; what no trap told of is
 * found by the next sweep.
 *
 * Its rings are nodes of the same depth: a route leads through nodes that are nearer than where it
 * leads to, so what it led through and is lost is known before it is used. Routes are a tree over
 * links. One that is no branch of it can go and leads nobody astray; if a branch has gone, links
 * are searched from our own port on: whom none leads to any more is gone, and the others get routes
 * anew.
 *
 * A look gives up, and a sweep begins in its place before anything is written, where it would have
 * to believe too much: somebody does not answer in time, our own link is not up, a subnet manager
 * is there, somebody else has written, or a device is where it should not be.
 */

#include <stdlib.h>

#include "base/macros.h"
#include "sm/discover-inside.h"
#include "sm/machine.h"

/* -- what it is to look at ----------------------------------------------------------------------
 */

bool discover_takes_along(struct sm *sm, uint32_t number)
{
	const struct node *node = &sm->fabric.nodes[number];

	if (!sm->discovery.look || !node->present || node->seen == sm->fabric.walk)
		return false;
	discover_join(sm, number);

	return true;
}

bool discover_touch(struct sm *sm, uint32_t number)
{
	struct discovery *d = &sm->discovery;
	const struct node *node = &sm->fabric.nodes[number];

	if (!node->present || !node_is_switch(node))
		return false;
	for (unsigned i = 0; i < d->n_touched; i++)
		if (d->touched[i] == number)
			return true;
	if (d->n_touched == MAX_TOUCHED)
		return false;
	d->touched[d->n_touched++] = number;

	return true;
}

void discover_untouch(struct sm *sm, uint32_t number)
{
	struct discovery *d = &sm->discovery;
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_touched; i++)
		if (d->touched[i] != number)
			d->touched[n++] = d->touched[i];
	d->n_touched = n;
}

/* Our own port is read first, and by the way: if its link is down there is nothing else to see. */
void discover_start_look(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	discover_begin(sm);
	d->full = false;
	d->look = true;
	d->lost = false;
	d->cut = false;
	d->looked_at.n = 0;
	discover_read_end_port(sm, sm->fabric.local_port);
	for (unsigned i = 0; i < d->n_touched; i++)
		if (sm->fabric.nodes[d->touched[i]].present)
			discover_join(sm, d->touched[i]);
	d->n_touched = 0;
}

/* -- links --------------------------------------------------------------------------------------
 */

/* Did the route to the node of port @a lead over the link from @b? */
static bool is_branch(const struct fabric *f, uint32_t a, uint32_t b)
{
	const struct node *node = node_of(f, a);

	return node->via == b && (node_is_switch(node) || node->n_ports > 1);
}

/* A switch may have more to tell. What is no switch may be found elsewhere, or is gone. */
static void look_at_end(struct sm *sm, uint32_t port)
{
	uint32_t number = sm->fabric.ports[port].node;
	struct node *node = &sm->fabric.nodes[number];

	node->included = sm->sweeps;
	if (port == sm->fabric.local_port || !node->present) {
		look_give_up(sm);
	} else if (!node_is_switch(node)) {
		if (frontier_push(&sm->discovery.looked_at, number) < 0)
			look_give_up(sm);
	} else if (node->seen != sm->fabric.walk) {
		discover_join(sm, number);
	}
}

void look_at_lost_link(struct sm *sm, uint32_t a)
{
	struct discovery *d = &sm->discovery;
	uint32_t b = sm->fabric.ports[a].peer;

	if (!d->look || b == NO_PORT)
		return;
	d->cut = d->cut || is_branch(&sm->fabric, a, b) || is_branch(&sm->fabric, b, a);
	look_at_end(sm, a);
	look_at_end(sm, b);
}

/* -- routes -------------------------------------------------------------------------------------
 */

static void reach(struct sm *sm, uint32_t via, bool *reached, uint32_t *queue, uint32_t *n)
{
	const struct fabric *f = &sm->fabric;
	uint32_t number = f->ports[f->ports[via].peer].node;

	if (reached[number] || !f->nodes[number].present)
		return;
	reached[number] = true;
	queue[(*n)++] = number;
	discover_lead_to(sm, number, via);
}

/* By node: does a link lead there? They get their routes anew. NULL without memory. */
static bool *search(struct sm *sm)
{
	const struct fabric *f = &sm->fabric;
	AUTO(freep) uint32_t *queue = malloc(f->n_nodes * sizeof(*queue));
	bool *reached = calloc(f->n_nodes, sizeof(*reached));
	uint32_t n = 0;

	if (!queue || !reached) {
		free(reached);
		return NULL;
	}
	queue[n++] = f->ports[f->local_port].node;
	reached[queue[0]] = true;
	for (uint32_t i = 0; i < n; i++) {
		const struct node *node = &f->nodes[queue[i]];

		for (unsigned p = 1; discover_leads_through(node) && p <= node->n_ports; p++)
			if (f->ports[port_at(node, p)].peer != NO_PORT &&
			    discover_leads_on(f, node, port_at(node, p)))
				reach(sm, port_at(node, p), reached, queue, &n);
	}

	return reached;
}

/* Whom no link leads to any more is asked nothing, unless one is found that does. */
static void find_routes(struct sm *sm)
{
	struct discovery *d = &sm->discovery;
	AUTO(freep) bool *reached = search(sm);
	uint32_t n = 0;

	if (!reached) {
		look_give_up(sm);
		return;
	}
	for (uint32_t i = 0; i < d->next.n; i++) {
		if (reached[d->next.nodes[i]])
			d->next.nodes[n++] = d->next.nodes[i];
		else
			sm->fabric.nodes[d->next.nodes[i]].seen = 0;
	}
	d->next.n = n;
}

void look_choose_ring(struct sm *sm)
{
	struct discovery *d = &sm->discovery;
	uint8_t depth = UINT8_MAX;
	uint32_t n = 0;

	if (d->cut)
		find_routes(sm);
	for (uint32_t i = 0; i < d->next.n; i++)
		if (sm->fabric.nodes[d->next.nodes[i]].depth < depth)
			depth = sm->fabric.nodes[d->next.nodes[i]].depth;
	d->now.n = 0;
	for (uint32_t i = 0; i < d->next.n; i++) {
		uint32_t number = d->next.nodes[i];

		if (sm->fabric.nodes[number].depth > depth)
			d->next.nodes[n++] = number;
		else if (frontier_push(&d->now, number) < 0)
			look_give_up(sm);
	}
	d->next.n = n;
}

/* -- the end ------------------------------------------------------------------------------------
 */

void look_give_up(struct sm *sm)
{
	sm->discovery.lost = sm->discovery.lost || sm->discovery.look;
}

/* What was under way is not waited for: it may go where nothing is any more. */
static void drop_all(struct sm *sm)
{
	struct discovery *d = &sm->discovery;

	for (uint32_t i = 0; i < d->looked_at.n; i++) {
		sm->fabric.nodes[d->looked_at.nodes[i]].trusted = false;
		work_drop(sm, d->looked_at.nodes[i]);
	}
	discover_drop_probes(sm);
}

static bool has_link(const struct fabric *f, const struct node *node)
{
	for (unsigned i = 1; i <= node->n_ports; i++)
		if (f->ports[port_at(node, i)].peer != NO_PORT)
			return true;

	return false;
}

/* A switch without one was cut off, and so searched for, or is where we are ourselves. */
static bool has_left(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	const struct node *node = &f->nodes[number];

	return !node_is_switch(node) && number != f->ports[f->local_port].node &&
	       !has_link(f, node);
}

/* False if there was no memory, and nothing is done. */
static bool end_unreached(struct sm *sm)
{
	AUTO(freep) bool *reached = search(sm);

	for (uint32_t i = 0; reached && i < sm->fabric.n_nodes; i++)
		if (sm->fabric.nodes[i].present && !reached[i])
			discover_node_went(sm, i);

	return reached;
}

static bool is_cut_off(const struct sm *sm)
{
	const struct port *own = &sm->fabric.ports[sm->fabric.local_port];

	return own->number != 0 && port_state(own) != PORT_ACTIVE;
}

bool discover_end_look(struct sm *sm)
{
	struct discovery *d = &sm->discovery;
	bool lost = d->lost || d->failed != REASON_NONE || sm->adopting || is_cut_off(sm);

	d->look = false;
	if (lost || (d->cut && !end_unreached(sm))) {
		drop_all(sm);
		return false;
	}
	for (uint32_t i = 0; i < d->looked_at.n; i++) {
		uint32_t number = d->looked_at.nodes[i];

		if (!sm->fabric.nodes[number].present)
			continue;
		if (has_left(sm, number))
			discover_node_went(sm, number);
		else
			discover_end_node(sm, number);
	}

	return true;
}
