/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who is away, over a restart. A switch that has gone keeps its row in all tables (route-graph.c),
 * and so do its hosts: where they are is known because they have been seen. Who starts anew has not
 * seen them, and would plan other tables for all others too. So each place at a switch that is away
 * is a row of the store, of its two ends: the switch, and what was last at its port. And so is each
 * virtual port there that has a LID of its own. Of that, what the graph is made of is put into the
 * fabric at the start, as it is when somebody has gone. LIDs are known from identities; by which
 * ways those of virtual ports are reached, from what other switches hold (vport-ways.c).
 *
 * It is believed as far as what is there does not say otherwise: ends that have another cable, or a
 * link, or are another kind of device, are left as they were found. So is a GUID that somebody has.
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

/* -- what is so ---------------------------------------------------------------------------------
 */

/* In the tables in use. */
static bool is_away(const struct sm *sm, const struct node *node)
{
	return node->guid != 0 && !node->present && node_is_switch(node) && sm->routing.valid &&
	       node->sw->index != NO_SWITCH;
}

/* What was last at this port of it, if nothing else is there now, and was since; or NO_PORT. */
static uint32_t last_at(const struct fabric *f, uint32_t number)
{
	uint32_t home = f->ports[number].home;

	if (home == NO_PORT || f->ports[home].home != number || f->ports[home].peer != NO_PORT ||
	    f->ports[number].peer != NO_PORT)
		return NO_PORT;

	return home;
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

static void note_places_of(const struct sm *sm, const struct node *node, struct away_places *ret)
{
	const struct fabric *f = &sm->fabric;

	for (unsigned p = 1; p <= node->n_ports; p++) {
		uint32_t far = last_at(f, port_at(node, p));
		struct away_place *place = far == NO_PORT ? NULL : add(ret, 0, AWAY_BLOB_SIZE);

		if (!place)
			continue;
		end_to_blob(f, port_at(node, p), place->blob);
		end_to_blob(f, far, place->blob + END_SIZE);
		note_vports_of(sm, far, ret);
	}
}

/* Places first, then vports. */
static int by_content(const void *a, const void *b)
{
	const struct away_place *x = a, *y = b;

	return x->size != y->size ? y->size - x->size : memcmp(x->blob, y->blob, x->size);
}

/* All of them in an order of their own. A cable between two that are away is told by both. */
static void note_places(const struct sm *sm, struct away_places *ret)
{
	for (uint32_t i = 0; i < sm->fabric.n_nodes; i++)
		if (is_away(sm, &sm->fabric.nodes[i]))
			note_places_of(sm, &sm->fabric.nodes[i], ret);
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

	if (kept->size == AWAY_VPORT_SIZE)
		return vport_from_blob(blob, &vport);

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
	node->system_guid = end->system;
	node->device_id = end->device;
	memory_give(sm, node);
	name_port(f, node_is_switch(node) ? node->first_port : port, end->port);

	return port;
}

static bool is_free_for(const struct fabric *f, uint32_t number, uint32_t other)
{
	const struct port *port = &f->ports[number];

	return port->peer == NO_PORT && port_state(port) == PORT_DOWN &&
	       (port->home == NO_PORT || port->home == other);
}

static void put_back(struct sm *sm, const struct away_place *place)
{
	struct fabric *f = &sm->fabric;
	struct end_of_place near, far;
	uint32_t a, b;

	end_from_blob(place->blob, &near);
	end_from_blob(place->blob + END_SIZE, &far);
	a = find_or_make(sm, &near);
	b = a == NO_PORT ? NO_PORT : find_or_make(sm, &far);
	if (b == NO_PORT || !is_free_for(f, a, b) || !is_free_for(f, b, a))
		return;
	f->ports[a].home = b;
	f->ports[b].home = a;
}

static bool is_here(const struct sm *sm, const struct away_place *place)
{
	uint32_t node = fabric_find_node(&sm->fabric, wire_get64(place->blob, 0));

	return node != NO_NODE && sm->fabric.nodes[node].present;
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
		else if (!is_here(sm, place))
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

void away_done(struct sm *sm)
{
	free(sm->away.all);
}
