/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Taking the picture. Nodes go by their GUID, so that two dumps of one fabric can be compared line
 * by line, whoever found which device first. A node that is gone is not in the picture, nor is a
 * cable to it.
 */

#include "ctl/dump-picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/sm.h"

/* Room for everything but the tables. calloc() of nothing may be NULL, so there is one more. */
static bool make_room(struct picture *p, const struct fabric *f)
{
	p->nodes = calloc(f->n_nodes + 1, sizeof(*p->nodes));
	p->ports = calloc(f->n_ports + 1, sizeof(*p->ports));
	p->order = calloc(f->n_nodes + 1, sizeof(*p->order));
	p->switches = calloc(f->n_nodes + 1, sizeof(*p->switches));
	p->owners = calloc(LID_UNICAST_LAST + 1, sizeof(*p->owners));

	return p->nodes && p->ports && p->order && p->switches && p->owners;
}

static int by_guid(const void *a, const void *b, void *user)
{
	const struct picture_node *nodes = user;
	uint64_t x = nodes[*(const uint32_t *)a].guid, y = nodes[*(const uint32_t *)b].guid;

	return x < y ? -1 : x > y;
}

static void take_port(struct picture *p, const struct fabric *f, uint32_t number)
{
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);
	uint32_t end = node_is_switch(node) ? port_at(node, 0) : number;
	bool linked = port->present && port->peer != NO_PORT && f->ports[port->peer].present &&
		      node_of(f, port->peer)->present;

	p->ports[number] = (struct picture_port){
		.guid = f->ports[end].guid,
		.speed = port_speed_name(port),
		.node = port->node,
		.peer = linked ? port->peer : NO_PORT,
		.lid = f->ports[end].lid,
		.number = port->number,
		.width = (uint8_t)port_width(port),
		.state = (uint8_t)port_state(port),
		.sm = port->sm || number == f->local_port,
	};
}

static void take_node(struct picture *p, const struct fabric *f, uint32_t number)
{
	const struct node *node = &f->nodes[number];
	struct picture_node *taken = &p->nodes[number];

	*taken = (struct picture_node){
		.guid = node->guid,
		.system_guid = node->system_guid,
		.first_port = node->first_port,
		.vendor_id = node->vendor_id,
		.revision = node->revision,
		.row = NO_SWITCH,
		.device_id = node->device_id,
		.type = node->type,
		.n_ports = node->n_ports,
	};
	memcpy(taken->description, node->description, sizeof(taken->description));
	for (unsigned i = 0; i <= node->n_ports; i++)
		take_port(p, f, port_at(node, i));
	p->order[p->n_order++] = number;
}

static void number_switches(struct picture *p, const struct fabric *f)
{
	qsort_r(p->order, p->n_order, sizeof(*p->order), by_guid, p->nodes);
	for (uint32_t i = 0; i < p->n_order; i++) {
		if (!node_is_switch(&f->nodes[p->order[i]]))
			continue;
		p->nodes[p->order[i]].row = p->n_switches;
		p->switches[p->n_switches++] = p->order[i];
	}
}

static void take_lids(struct picture *p, const struct fabric *f)
{
	p->owners[0] = NO_PORT;
	for (uint32_t lid = LID_UNICAST_FIRST; lid <= LID_UNICAST_LAST; lid++) {
		uint32_t owner = fabric_find_lid(f, lid);

		p->owners[lid] = NO_PORT;
		if (owner == NO_PORT || !node_of(f, owner)->present)
			continue;
		p->owners[lid] = owner;
		p->max_lid = lid;
	}
}

static int take_tables(struct picture *p, const struct sm *sm)
{
	uint8_t *at;

	p->lft = malloc((size_t)p->n_switches * (p->max_lid + 1) + 1);
	if (!p->lft)
		return -ENOMEM;
	at = p->lft;
	for (uint32_t row = 0; row < p->n_switches; row++)
		for (uint32_t lid = 0; lid <= p->max_lid; lid++)
			*at++ = sm_route(sm, p->switches[row], lid);

	return 0;
}

/* As many pairs as there are LIDs in tables, or fewer. */
static int take_levels(struct picture *p, const struct sm *sm)
{
	struct sm_status status;
	uint8_t *at;

	sm_status(sm, &status);
	if (status.lanes < 2)
		return 0;
	p->levels = malloc((size_t)p->n_switches * p->n_switches + 1);
	if (!p->levels)
		return -ENOMEM;
	at = p->levels;
	for (uint32_t row = 0; row < p->n_switches; row++)
		for (uint32_t to = 0; to < p->n_switches; to++)
			*at++ = sm_service_level(sm, p->nodes[p->switches[row]].first_port,
						 p->nodes[p->switches[to]].first_port);

	return 0;
}

int picture_take(const struct sm *sm, struct picture **ret)
{
	AUTO(picture_freep) struct picture *p = calloc(1, sizeof(*p));
	const struct fabric *f = sm_fabric(sm);
	int r;

	if (!p || !make_room(p, f))
		return -ENOMEM;
	for (uint32_t i = 0; i < f->n_nodes; i++)
		if (f->nodes[i].present)
			take_node(p, f, i);
	number_switches(p, f);
	take_lids(p, f);
	r = take_tables(p, sm);
	if (r == 0)
		r = take_levels(p, sm);
	if (r < 0)
		return r;
	*ret = TAKE(p);

	return 0;
}

void picture_free(struct picture *picture)
{
	if (!picture)
		return;
	free(picture->nodes);
	free(picture->ports);
	free(picture->order);
	free(picture->switches);
	free(picture->owners);
	free(picture->levels);
	free(picture->lft);
	free(picture);
}
