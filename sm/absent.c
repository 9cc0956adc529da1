/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who was not there when this subnet manager started, but has a LID. Switches still lead to that:
 * whoever goes away is led to where it was, so that nothing is written when it comes back. One that
 * starts anew has not seen them, and would take all these ways back. So it looks where they lead:
 * from its own port on, by what switches hold, to the leaf and its exit; for one behind a switch
 * that is away, in the store (away.c), which has adapters that are away, too.
 *
 * If nobody is there, and the store has nobody, it was an adapter, and is an end of the graph as
 * before (route-graph.c): the same graph makes the same routes, for all others too, and what
 * switches hold is as planned or is written. If somebody is, or another one was, it was a vport
 * there, or is one that has another GUID now. Its LID then has the ways of another at the leaf
 * (vport-ways.c), if those are what switches hold; what is held and not proven by that is taken
 * back.
 *
 * Who is seen, or is to move, is absent no longer: where it is, or was, is known from then on.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"

#define MOST_HOPS 64 /* what is longer is no way that anybody has planned */

static bool is_switch_port(const struct fabric *f, uint32_t number)
{
	return number != NO_PORT && node_is_switch(node_of(f, number));
}

static bool is_adapter(const struct fabric *f, uint32_t number)
{
	return number != NO_PORT && !node_is_switch(node_of(f, number));
}

/*
 * Nobody is there, and no switch was. One that has not answered yet may be where a link is up. Of a
 * switch that is away no port is known.
 */
static bool is_free(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];

	return port->peer == NO_PORT && (port->known || !node_of(f, number)->present) &&
	       port_state(port) == PORT_DOWN && !is_switch_port(f, port->home);
}

/* Where packets to @lid leave the switches; NO_PORT: nowhere, or they go round. */
static uint32_t trace(const struct sm *sm, unsigned lid)
{
	const struct fabric *f = &sm->fabric;
	uint32_t at = f->local_port;

	if (!is_switch_port(f, at))
		at = f->ports[at].peer;
	for (unsigned hop = 0; hop < MOST_HOPS && is_switch_port(f, at); hop++) {
		const struct node *node = node_of(f, at);
		uint8_t exit = lft_held(node->sw, lid);
		uint32_t number;

		if (exit == 0 || exit > node->n_ports)
			return NO_PORT;
		number = port_at(node, exit);
		at = f->ports[number].peer;
		if (is_adapter(f, at) || is_free(f, number))
			return number;
	}

	return NO_PORT;
}

/* Of a vport, also one that has gone: its LID has the ways from there (vport-ways.c). */
static bool is_place_known(const struct fabric *f, uint64_t guid)
{
	uint32_t number = guid_map_get(&f->by_vf_guid, guid);
	struct endpoint e = vf_of_number(number);
	const struct vf *vf = number == GUID_MAP_NONE ? NULL : vf_at(f, e.port, e.index);

	return vf && vf->guid == guid && vf->lid != 0 && f->ports[e.port].lid != 0;
}

static bool is_absent(const struct sm *sm, uint64_t guid)
{
	return fabric_find_port(&sm->fabric, guid) == NO_PORT &&
	       endpoint_find(&sm->fabric, guid).port == NO_PORT &&
	       !is_place_known(&sm->fabric, guid) && sm_moving_to(sm, guid) == 0;
}

static int add(struct sm *sm, const struct identity *id, uint32_t exit)
{
	const struct fabric *f = &sm->fabric;
	struct absents *absents = &sm->absents;
	struct absent *all = absents->all;

	if (absents->n == absents->room) {
		absents->room = 2 * absents->room + 16;
		all = realloc(all, absents->room * sizeof(*all));
		if (!all)
			return -ENOMEM;
		absents->all = all;
	}
	all[absents->n++] = (struct absent){ .guid = id->guid,
					     .leaf = node_of(f, exit)->guid,
					     .lid = id->lid,
					     .lmc = id->lmc,
					     .exit = f->ports[exit].number,
					     .shares = f->ports[exit].peer != NO_PORT ||
						       fabric_last_at(f, exit) != NO_PORT };

	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct absent *x = a, *y = b;

	if (x->leaf != y->leaf)
		return x->leaf < y->leaf ? -1 : 1;

	return x->exit != y->exit ? x->exit - y->exit : x->lid - y->lid;
}

/* Of whom nothing was remembered: an adapter, with the lowest LID, and vports of it. */
static void share_places(struct absents *absents)
{
	struct absent *first = NULL;

	if (absents->n == 0)
		return;
	qsort(absents->all, absents->n, sizeof(*absents->all), by_place);
	for (struct absent *a = absents->all; a < absents->all + absents->n; a++) {
		if (!first || first->leaf != a->leaf || first->exit != a->exit) {
			first = a;
		} else if (!first->shares) {
			a->shares = true;
			a->beside = first->lid;
		}
	}
}

/* Where its ways end. Behind a switch that is away that is not seen, but remembered. */
static uint32_t find_exit(const struct sm *sm, const struct identity *id)
{
	uint32_t exit = trace(sm, id->lid);

	return exit == NO_PORT ? away_exit(sm, id->guid) : exit;
}

static int find_all(struct sm *sm)
{
	const struct identity *id;
	int r = 0;

	sm->absents.n = 0;
	for (uint32_t i = 0; r == 0 && (id = identity_at(sm->identities, i)); i++) {
		uint32_t exit = is_absent(sm, id->guid) ? find_exit(sm, id) : NO_PORT;

		if (exit != NO_PORT)
			r = add(sm, id, exit);
	}

	share_places(&sm->absents);

	return r;
}

uint32_t absent_exit(const struct sm *sm, const struct absent *a)
{
	const struct fabric *f = &sm->fabric;
	uint32_t leaf = fabric_find_node(f, a->leaf);
	uint32_t exit;

	if (leaf == NO_NODE || !node_is_switch(&f->nodes[leaf]) || a->exit > f->nodes[leaf].n_ports)
		return NO_PORT;
	exit = port_at(&f->nodes[leaf], a->exit);

	return is_free(f, exit) || (a->shares && is_adapter(f, f->ports[exit].peer)) ? exit
										     : NO_PORT;
}

static bool is_still(const struct sm *sm, const struct absent *a)
{
	const struct identity *id = identity_find(sm->identities, a->guid);

	return id && id->lid == a->lid && id->lmc == a->lmc && is_absent(sm, a->guid) &&
	       absent_exit(sm, a) != NO_PORT;
}

int absents_plan(struct sm *sm)
{
	struct absents *absents = &sm->absents;
	uint32_t n = absents->n;

	if (sm->adopting)
		return find_all(sm);
	absents->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct absent *a = &absents->all[i];

		if (is_still(sm, a))
			absents->all[absents->n++] = *a;
		else if (a->shares)
			routes_drop(sm, a->lid);
	}

	return 0;
}

void absents_done(struct sm *sm)
{
	free(sm->absents.all);
}
