/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The first of the three models. To the subnet manager its VFs are hosts, and all that they need
 * they get as hosts; only the operator wants to know which adapter they are functions of.
 *
 * What tells such a switch from one in a rack is its SystemImageGUID (IBA 14.2.5.3): it is that of
 * the adapters behind it, since they are one device, while a real switch has its own. But a real
 * one may have an adapter in it as well: the aggregation node of SHARP, whose device ID is known;
 * and should there be another kind, a single one makes a PF without VFs, which nobody sees.
 *
 * The PF is the adapter at the lowest port. (The other candidate, the one whose GUID is nearest to
 * the SystemImageGUID, is as often wrong as VFs get GUIDs from an administrator.) The index of a VF
 * is how many ports further it is, so that it stays the same while others come and go.
 *
 * Nothing is kept: each call looks at the ports of one switch.
 */

#include "sm/vswitch.h"

static bool is_inside(const struct fabric *f, uint32_t port, uint64_t system_guid)
{
	const struct node *node = node_of(f, port);

	return node->type == NODE_TYPE_CA && node->device_id != SHARP_DEVICE_ID &&
	       system_guid != 0 && node->system_guid == system_guid;
}

uint32_t vswitch_pf(const struct fabric *f, uint32_t number)
{
	const struct node *node = &f->nodes[number];

	for (unsigned i = 1; node_is_switch(node) && i <= node->n_ports; i++) {
		uint32_t peer = f->ports[port_at(node, i)].peer;

		if (peer != NO_PORT && is_inside(f, peer, node->system_guid))
			return peer;
	}

	return NO_PORT;
}

/* Behind port @near of a switch. */
static bool look_behind(const struct fabric *f, uint32_t near, struct vswitch_vf *ret)
{
	uint32_t pf = vswitch_pf(f, f->ports[near].node);
	unsigned first = pf == NO_PORT ? 0 : f->ports[f->ports[pf].peer].number;

	if (pf == NO_PORT || f->ports[near].number <= first)
		return false;
	*ret = (struct vswitch_vf){ .pf = pf, .index = f->ports[near].number - first };

	return true;
}

static bool has_nameless(const struct port *port)
{
	return port->number != 0 && port->peer == NO_PORT && port->known &&
	       port_phys_state(port) == PHYS_LINK_UP;
}

bool vswitch_vf_at(const struct fabric *f, uint32_t number, struct vswitch_vf *ret)
{
	const struct port *port = &f->ports[number];

	if (f->nodes[port->node].guid == 0)
		return false;
	if (node_is_switch(node_of(f, number))) {
		if (!has_nameless(port) || !look_behind(f, number, ret))
			return false;
		ret->nameless = true;
		return true;
	}
	if (port->peer == NO_PORT || !is_inside(f, number, node_of(f, port->peer)->system_guid))
		return false;

	return look_behind(f, port->peer, ret);
}

uint32_t vswitch_find_vf(const struct fabric *f, uint32_t pf, unsigned index)
{
	uint32_t first = f->ports[pf].peer;
	const struct node *node = first == NO_PORT ? NULL : node_of(f, first);
	struct vswitch_vf vf;
	uint32_t near, far;

	if (!node || vswitch_pf(f, f->ports[first].node) != pf || index == 0 ||
	    f->ports[first].number + index > node->n_ports)
		return NO_PORT;
	near = first + index;
	far = f->ports[near].peer == NO_PORT ? near : f->ports[near].peer;

	return vswitch_vf_at(f, far, &vf) && vf.pf == pf ? far : NO_PORT;
}
