/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is away, over a restart. A switch that has gone keeps its row in all tables (route-graph.c),
 * and its hosts, and others that have gone, are led to where they were: that is known because they
 * have been seen. Who starts anew has not seen them, and would plan other tables for all others
 * too. So what was last at a port of a switch is a row of the store, of the two ends: each place at
 * a switch that is away, and of switches that are there each where an adapter was that has gone.
 * What the graph is made of is put into the fabric at the start, as it is when somebody has gone.
 * LIDs are known from identities.
 *
 * Virtual ports with LIDs of their own are found by where switches lead to these (absent.c), and by
 * which ways they are reached, from what switches hold (vport-ways.c). But what a switch that is
 * away holds is not seen: each virtual port there is a row, too, and so is each that was found at
 * such a port at an earlier start.
 *
 * It is believed as far as what is there does not say otherwise: ends that have another cable, or a
 * link, or are another kind of device, are left as they were found. So is a GUID that somebody has,
 * an adapter that has no LID, or one to whose LID the switch leads by another port. A row lasts as
 * long as what it says: until who has gone is back, somebody else is there, or its LID has gone to
 * others.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/macros.h"
#include "sm/machine.h"
#include "sm/vf.h"

#define AWAY_MAX 16384u /* rows; more of them cost tables that change with a restart */

struct end_of_place {
	uint64_t node;
	uint64_t port; /* GUID of the end port; of a switch that of port 0 */
	uint64_t system;
	uint16_t device;
	uint8_t type;
	uint8_t n_ports;
	uint8_t number;
};

#define END_SIZE 29

static_assert(2 * END_SIZE == AWAY_BLOB_SIZE, "two ends");

static void end_to_blob(const struct fabric *f, uint32_t number, uint8_t *ret)
{
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);
	uint32_t end = node_is_switch(node) ? node->first_port : number;

	wire_set64(ret, 0, node->guid);
	wire_set64(ret, 1, f->ports[end].guid);
	wire_set64(ret, 2, node->system_guid);
	wire_set16(ret, 12, node->device_id);
	ret[26] = node->type;
	ret[27] = node->n_ports;
	ret[28] = port->number;
}

/* False: it cannot be right. */
static bool end_from_blob(const uint8_t *blob, struct end_of_place *ret)
{
	*ret = (struct end_of_place){ .node = wire_get64(blob, 0),
				      .port = wire_get64(blob, 1),
				      .system = wire_get64(blob, 2),
				      .device = wire_get16(blob, 12),
				      .type = blob[26],
				      .n_ports = blob[27],
				      .number = blob[28] };

	return ret->node != 0 && ret->port != 0 && ret->type >= NODE_TYPE_CA &&
	       ret->type <= NODE_TYPE_ROUTER && ret->number >= 1 && ret->number <= ret->n_ports &&
	       ret->n_ports <= 254;
}

struct vport_place {
	uint64_t guid;
	uint64_t port;
	uint16_t index;
};

static void vport_to_blob(const struct fabric *f, struct endpoint e, uint8_t *ret)
{
	wire_set64(ret, 0, vf_of(f, e)->guid);
	wire_set64(ret, 1, f->ports[e.port].guid);
	wire_set16(ret, 8, e.index);
}

/* False: it cannot be right. */
static bool vport_from_blob(const uint8_t *blob, struct vport_place *ret)
{
	*ret = (struct vport_place){ .guid = wire_get64(blob, 0),
				     .port = wire_get64(blob, 1),
				     .index = wire_get16(blob, 8) };

	return ret->guid != 0 && ret->port != 0 && ret->index >= 1 && ret->index < VFS_MAX;
}

struct absent_place {
	uint64_t guid;
	uint64_t leaf;
	uint8_t exit;
};

static void absent_to_blob(const struct absent *a, uint8_t *ret)
{
	wire_set64(ret, 0, a->guid);
	wire_set64(ret, 1, a->leaf);
	ret[16] = a->exit;
}

/* False: it cannot be right. */
static bool absent_from_blob(const uint8_t *blob, struct absent_place *ret)
{
	*ret = (struct absent_place){ .guid = wire_get64(blob, 0),
				      .leaf = wire_get64(blob, 1),
				      .exit = blob[16] };

	return ret->guid != 0 && ret->leaf != 0 && ret->exit != 0;
}

/* -- what is so ---------------------------------------------------------------------------------
 */

/* In the tables in use. */
static bool is_away(const struct sm *sm, const struct node *node)
{
	return !node->present && node_is_switch(node) && sm->routing.valid &&
	       node->sw->index != NO_SWITCH;
}

/* NULL: there are too many, or there is no memory. */
static struct away_place *add(struct away_places *all, uint64_t row, uint8_t size)
{
	struct away_place *ret;

	if (all->n >= AWAY_MAX)
		return NULL;
	if (array_make_room(&all->all, all->n, &all->room, 64, sizeof(*all->all)) < 0) {
		all->is_short = true;
		return NULL;
	}
	ret = &all->all[all->n++];
	*ret = (struct away_place){ .row = row, .size = size };

	return ret;
}

static void note_vports_of(const struct sm *sm, uint32_t number, struct away_places *ret)
{
	const struct vfs *vfs = sm->fabric.ports[number].vfs;

	for (unsigned i = 1; vfs && vfs->model == VF_VPORT && i < vfs->n; i++) {
		struct endpoint e = { number, (uint16_t)i };
		struct away_place *place = NULL;

		if (vfs->vf[i].guid && vfs->vf[i].lid)
			place = add(ret, 0, AWAY_VPORT_SIZE);
		if (place)
			vport_to_blob(&sm->fabric, e, place->blob);
	}
}

static void note_place(const struct fabric *f, uint32_t near, uint32_t far, struct away_places *ret)
{
	struct away_place *place = add(ret, 0, AWAY_BLOB_SIZE);

	if (!place)
		return;
	end_to_blob(f, near, place->blob);
	end_to_blob(f, far, place->blob + END_SIZE);
}

static void note_places_of(const struct sm *sm, const struct node *node, struct away_places *ret)
{
	const struct fabric *f = &sm->fabric;

	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t far = fabric_last_at(f, port_at(node, p));

		if (far == NO_PORT)
			continue;
		note_place(f, port_at(node, p), far, ret);
		note_vports_of(sm, far, ret);
	}
}

/* An adapter that has gone from a switch that is there. */
static void note_adapter(const struct sm *sm, const struct node *node, struct away_places *ret)
{
	const struct fabric *f = &sm->fabric;

	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t near = fabric_last_at(f, port_at(node, p));

		if (near != NO_PORT && node_is_switch(node_of(f, near)) &&
		    node_of(f, near)->present && lids_lead_to(sm, port_at(node, p)))
			note_place(f, near, port_at(node, p), ret);
	}
}

/* Of whom nothing is known but the LID, at switches that are away. */
static void note_absents(const struct sm *sm, struct away_places *ret)
{
	for (uint32_t i = 0; i < sm->absents.n; i++) {
		const struct absent *a = &sm->absents.all[i];
		uint32_t leaf = fabric_find_node(&sm->fabric, a->leaf);
		struct away_place *place = NULL;

		if (leaf != NO_NODE && is_away(sm, &sm->fabric.nodes[leaf]))
			place = add(ret, 0, AWAY_ABSENT_SIZE);
		if (place)
			absent_to_blob(a, place->blob);
	}
}

/* Places first, then vports, then who is absent. */
static int by_content(const void *a, const void *b)
{
	const struct away_place *x = a, *y = b;

	return x->size != y->size ? y->size - x->size : memcmp(x->blob, y->blob, x->size);
}

/* All of them in an order of their own. A cable between two that are away is told by both. */
static void note_places(const struct sm *sm, struct away_places *ret)
{
	const struct list *absent = &sm->fabric.absent;
	bool is_any_away = false;

	for (struct list *l = absent->next; l != absent; l = l->next) {
		const struct node *node = LIST_ENTRY(l, struct node, absent);

		if (!node_is_switch(node)) {
			note_adapter(sm, node, ret);
		} else if (is_away(sm, node)) {
			note_places_of(sm, node, ret);
			is_any_away = true;
		}
	}
	if (is_any_away)
		note_absents(sm, ret);
	if (ret->n > 0)
		qsort(ret->all, ret->n, sizeof(*ret->all), by_content);
}

/* -- to the store -------------------------------------------------------------------------------
 */

static void forget(struct sm *sm, const struct away_place *place)
{
	keep_registration(sm->keeper,
			  &(struct kept_registration){ .kind = KEPT_AWAY, .id = place->row });
}

static void keep(struct sm *sm, struct away_place *place)
{
	place->row = registration_new_id(sm, KEPT_AWAY);
	keep_registration(sm->keeper, &(struct kept_registration){ .kind = KEPT_AWAY,
								   .id = place->row,
								   .blob = place->blob,
								   .size = place->size });
}

/* Both are sorted: what only one of them has goes, or comes. */
static void keep_difference(struct sm *sm, const struct away_places *before,
			    struct away_places *now)
{
	uint32_t i = 0, j = 0;

	while (i < before->n || j < now->n) {
		int order = i == before->n ? 1 : j == now->n ? -1 : 0;

		if (order == 0)
			order = by_content(&before->all[i], &now->all[j]);
		if (order < 0) {
			forget(sm, &before->all[i++]);
		} else if (order > 0) {
			keep(sm, &now->all[j++]);
		} else {
			now->all[j++].row = before->all[i++].row;
		}
	}
}

/* Without memory all stays as it was kept. */
void away_keep(struct sm *sm)
{
	struct away_places now = { 0 };

	note_places(sm, &now);
	if (now.is_short) {
		free(now.all);
		return;
	}
	keep_difference(sm, &sm->away, &now);
	free(sm->away.all);
	sm->away = now;
}

/* -- from the store -----------------------------------------------------------------------------
 */

static bool is_possible(const struct kept_registration *kept)
{
	const uint8_t *blob = kept->blob;
	struct end_of_place a, b;
	struct vport_place vport;
	struct absent_place absent;

	if (kept->size == AWAY_VPORT_SIZE)
		return vport_from_blob(blob, &vport);
	if (kept->size == AWAY_ABSENT_SIZE)
		return absent_from_blob(blob, &absent);

	return kept->size == AWAY_BLOB_SIZE && end_from_blob(blob, &a) &&
	       end_from_blob(blob + END_SIZE, &b) && a.type == NODE_TYPE_SWITCH;
}

void away_restore(struct sm *sm, const struct kept_registration *kept)
{
	struct away_place *place;

	if (sm->away.n >= AWAY_MAX || !is_possible(kept)) {
		registration_refuse(sm, KEPT_AWAY, kept->id);
		return;
	}
	place = add(&sm->away, kept->id, (uint8_t)kept->size);
	if (place)
		memcpy(place->blob, kept->blob, kept->size);
}

static void name_port(struct fabric *f, uint32_t number, uint64_t guid)
{
	if (f->ports[number].guid != 0 || fabric_find_port(f, guid) != NO_PORT ||
	    guid_map_put(&f->by_port_guid, guid, number) < 0)
		return;
	f->ports[number].guid = guid;
}

/* The port, of a node that is there or is made as if it had gone; or NO_PORT. */
static uint32_t find_or_make(struct sm *sm, const struct end_of_place *end)
{
	struct fabric *f = &sm->fabric;
	uint32_t number = fabric_find_node(f, end->node), port;
	struct node *node;

	if (number == NO_NODE &&
	    fabric_add_node(f, end->node, end->type, end->n_ports, &number) < 0)
		return NO_PORT;
	node = &f->nodes[number];
	if (node->type != end->type || node->n_ports != end->n_ports)
		return NO_PORT;
	port = port_at(node, end->number);
	if (node->present)
		return port;
	node->since = loop_now(sm->loop);
	for (unsigned i = 0; i <= node->n_ports; i++)
		f->ports[port_at(node, i)].since = node->since;
	node->system_guid = end->system;
	node->device_id = end->device;
	memory_give(sm, node);
	name_port(f, node_is_switch(node) ? node->first_port : port, end->port);

	return port;
}

static bool is_free(const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];

	return port->peer == NO_PORT && port->home == NO_PORT && port_state(port) == PORT_DOWN;
}

/* Another subnet manager may have been master since, and have led to where it was then. */
static bool is_led_to(const struct sm *sm, const struct end_of_place *far, uint32_t near)
{
	const struct identity *id = identity_find(sm->identities, far->port);
	uint8_t held = id ? lft_held(node_of(&sm->fabric, near)->sw, id->lid) : ROUTE_NONE;

	return id && (held == ROUTE_NONE || held == sm->fabric.ports[near].number);
}

/* Of two switches, who is away knows better. */
static bool is_believed(const struct sm *sm, const struct end_of_place *far, uint32_t near)
{
	return !node_of(&sm->fabric, near)->present ||
	       (far->type != NODE_TYPE_SWITCH && is_led_to(sm, far, near));
}

static void put_back(struct sm *sm, const struct away_place *place)
{
	struct fabric *f = &sm->fabric;
	struct end_of_place near, far;
	uint32_t a, b;

	end_from_blob(place->blob, &near);
	end_from_blob(place->blob + END_SIZE, &far);
	a = find_or_make(sm, &near);
	if (a == NO_PORT || !is_free(f, a) || !is_believed(sm, &far, a))
		return;
	b = find_or_make(sm, &far);
	if (b == NO_PORT || !is_free(f, b))
		return;
	f->ports[a].home = b;
	f->ports[b].home = a;
}

/* Whoever has its GUID now takes that from it when GUIDs are settled. */
static void put_back_vport(struct sm *sm, const struct away_place *place)
{
	struct fabric *f = &sm->fabric;
	struct vport_place vport;
	uint32_t port;
	struct vf *vf;

	vport_from_blob(place->blob, &vport);
	port = fabric_find_port(f, vport.port);
	if (port == NO_PORT || node_of(f, port)->present ||
	    guid_map_get(&f->by_vf_guid, vport.guid) != GUID_MAP_NONE ||
	    vfs_make(f, port, VF_VPORT, vport.index + 1u) < 0)
		return;
	vf = vf_at(f, port, vport.index);
	if (f->ports[port].vfs->model != VF_VPORT || vf->guid != 0 ||
	    guid_map_put(&f->by_vf_guid, vport.guid, vf_number(port, vport.index)) < 0)
		return;
	vf->guid = vport.guid;
	vf->since = loop_now(sm->loop);
}

static void put_all_back(struct sm *sm)
{
	for (uint32_t i = 0; i < sm->away.n; i++) {
		const struct away_place *place = &sm->away.all[i];

		if (place->size == AWAY_VPORT_SIZE)
			put_back_vport(sm, place);
		else if (place->size == AWAY_BLOB_SIZE)
			put_back(sm, place);
	}
}

void away_adopt(struct sm *sm)
{
	if (sm->away_adopted)
		return;
	sm->away_adopted = true;
	if (sm->away.n == 0)
		return;
	qsort(sm->away.all, sm->away.n, sizeof(*sm->away.all), by_content);
	put_all_back(sm);
}

static int by_guid(const void *a, const void *b)
{
	const struct away_place *x = a, *y = b;

	return x->size != y->size ? y->size - x->size : memcmp(x->blob, y->blob, sizeof(uint64_t));
}

uint32_t away_exit(const struct sm *sm, uint64_t guid)
{
	const struct fabric *f = &sm->fabric;
	struct away_place key = { .size = AWAY_ABSENT_SIZE };
	const struct away_place *place = NULL;
	struct absent_place absent;
	uint32_t leaf;

	wire_set64(key.blob, 0, guid);
	if (sm->away.n > 0)
		place = bsearch(&key, sm->away.all, sm->away.n, sizeof(key), by_guid);
	if (!place)
		return NO_PORT;
	absent_from_blob(place->blob, &absent);
	leaf = fabric_find_node(f, absent.leaf);
	if (leaf == NO_NODE || f->nodes[leaf].present || !node_is_switch(&f->nodes[leaf]) ||
	    absent.exit > f->nodes[leaf].n_ports)
		return NO_PORT;

	return port_at(&f->nodes[leaf], absent.exit);
}

void away_done(struct sm *sm)
{
	free(sm->away.all);
}
