/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The first model: inside the HCA is a switch, and the physical function and each virtual one are
 * HCAs of their own behind it, with port, LID, tables, QP0 and QP1. To the fabric this is ordinary
 * topology, which is all that there is to it: what tells the switch from one in a rack is that its
 * SystemImageGUID is the HCA's.
 *
 * The switch is put between the port and what its cable leads to: port 1 is the way out, port 2 the
 * PF's, port 2 + n that of VF n. All ports and nodes are made at once; a VF that is not started is
 * a node that is switched off, so that starting one is to the SM what plugging in a host is. All of
 * them have power only while the HCA has.
 */

#include "tests/sim/virtual-switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { UPLINK = 1, PF = 2 };

struct sim_virtual_switch {
	struct sim_node *node;
	unsigned count;
	struct sim_node *vfs[]; /* VF n at n - 1 */
};

static int make_switch(struct sim_port *port, unsigned count, struct sim_node **ret)
{
	const ib_node_info_t *hca = &port->node->info;
	char name[sizeof(port->node->name)];
	struct sim_node_spec spec = {
		.type = SIM_SWITCH,
		.n_ports = PF + count,
		.system_guid = be64toh(hca->sys_guid),
		.name = name,
		.vendor = be32toh(hca->port_num_vendor_id) & 0xffffff,
		.device = be16toh(hca->device_id),
	};

	int r;

	snprintf(name, sizeof(name), "%.40s-p%u-vswitch", port->node->name, port->number);
	r = sim_node_new(port->node->fabric, &spec, ret);
	if (r == 0)
		(*ret)->part_of = port->node;
	return r;
}

static int make_vf(struct sim_port *port, unsigned vf, uint64_t guid, struct sim_node **ret)
{
	const ib_node_info_t *hca = &port->node->info;
	char name[sizeof(port->node->name)];
	struct sim_node_spec spec = {
		.type = SIM_CA,
		.n_ports = 1,
		.guid = guid,
		.port_guid = guid,
		.system_guid = be64toh(hca->sys_guid),
		.name = name,
		.vendor = be32toh(hca->port_num_vendor_id) & 0xffffff,
		.device = be16toh(hca->device_id),
		.partition_cap = be16toh(hca->partition_cap),
	};
	int r;

	snprintf(name, sizeof(name), "%.40s-p%u-vf%u", port->node->name, port->number, vf);
	r = sim_node_new(port->node->fabric, &spec, ret);
	if (r < 0)
		return r;
	(*ret)->part_of = port->node;
	/* What sim_node_new() would take for "make one up". */
	if (!guid) {
		(*ret)->info.node_guid = 0;
		sim_set_port_guid(&(*ret)->ports[1], 0);
	}
	return 0;
}

static void unplug(struct sim_port *port)
{
	struct sim_port *far = port->far;

	if (!far)
		return;
	sim_cable_pull(port);
	port->far = NULL;
	far->far = NULL;
}

static void plug_in(struct sim_port *port, struct sim_virtual_switch *vs)
{
	struct sim_port *far = port->far;

	unplug(port);
	sim_cable(port, &vs->node->ports[PF]);
	for (unsigned i = 0; i < vs->count; i++)
		sim_cable(&vs->vfs[i]->ports[1], &vs->node->ports[PF + 1 + i]);
	if (far)
		sim_cable(&vs->node->ports[UPLINK], far);
}

/* On failure nodes without cables stay, dark, until the fabric goes. */
static int make_nodes(struct sim_port *port, struct sim_virtual_switch *vs,
		      const struct sim_vf_spec *spec)
{
	int r = make_switch(port, vs->count, &vs->node);

	for (unsigned i = 0; r == 0 && i < vs->count; i++) {
		r = make_vf(port, i + 1, spec->no_guid ? 0 : spec->first_guid + i, &vs->vfs[i]);
		if (r == 0 && !spec->up)
			sim_power(vs->vfs[i], false);
	}
	return r;
}

int sim_virtual_switch_add(struct sim_port *port, unsigned count, const struct sim_vf_spec *spec)
{
	struct sim_virtual_switch *vs;
	int r;

	if (count > SIM_VFS_VIRTUAL_SWITCH)
		return -EINVAL;
	vs = calloc(1, sizeof(*vs) + count * sizeof(vs->vfs[0]));
	if (!vs)
		return -ENOMEM;
	vs->count = count;
	r = make_nodes(port, vs, spec);
	if (r < 0) {
		free(vs);
		return r;
	}
	port->virtual_switch = vs;
	plug_in(port, vs);
	return 0;
}

unsigned sim_virtual_switch_count(const struct sim_port *port)
{
	return port->virtual_switch->count;
}

struct sim_node *sim_virtual_switch(const struct sim_port *port)
{
	return port->virtual_switch->node;
}

struct sim_port *sim_virtual_switch_vf(const struct sim_port *port, unsigned vf)
{
	return &port->virtual_switch->vfs[vf - 1]->ports[1];
}

/* The node's and its port's, as ib-kubernetes sets both; a running one starts anew with it. */
void sim_virtual_switch_set_guid(struct sim_port *port, unsigned vf, uint64_t guid)
{
	struct sim_port *own = sim_virtual_switch_vf(port, vf);
	bool on = !own->node->switched_off;

	sim_power(own->node, false);
	own->node->info.node_guid = htobe64(guid);
	sim_set_port_guid(own, guid);
	sim_power(own->node, on);
}

static const char *why_not(const struct sim_port *port)
{
	if (port->node->switched_off)
		return "nobody has started it";
	if (sim_state(port) == SIM_DOWN)
		return "its link is down";
	return sim_state(port) == SIM_ACTIVE ? NULL : "no SM has made it Active";
}

void sim_virtual_switch_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret)
{
	const struct sim_port *own = sim_virtual_switch_vf(port, vf);

	ret->started = !own->node->switched_off;
	ret->state = sim_state(own);
	ret->lid = sim_lid(own);
	ret->own_lid = true;
	ret->guid = own->guid;
	ret->reason = why_not(own);
}

void sim_virtual_switch_free(struct sim_port *port)
{
	free(port->virtual_switch);
	port->virtual_switch = NULL;
}
