/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * One face for the three models. A port has VFs of one model, or none; the rest of the simulator
 * asks here, and only for ports that have some, so that others pay a comparison.
 */

#include "tests/sim/vf.h"

#include <errno.h>

#include "tests/sim/client.h"
#include "tests/sim/virtual-switch.h"
#include "tests/sim/vport.h"

/* ---- making ---------------------------------------------------------------------------------- */

/*
 * Locally administered, and apart for the ports of a node. GUIDs of ports may follow upon each
 * other: the lowest three digits are the VF's.
 */
static uint64_t made_up(const struct sim_port *port)
{
	uint64_t low = port->guid & UINT64_C(0x00000fffffffffff);

	return (uint64_t)(0x02 | (port->number & 0x3f) << 2) << 56 | low << 12 | 1;
}

int sim_vfs_add(struct sim_port *port, enum sim_vf_model model, unsigned count,
		const struct sim_vf_spec *spec)
{
	struct sim_vf_spec own = *spec;

	if (port->node->type != SIM_CA || !port->number || !count)
		return -EINVAL;
	if (sim_vfs_count(port))
		return -EBUSY;
	if (!own.first_guid)
		own.first_guid = made_up(port);
	switch (model) {
	case SIM_VF_VIRTUAL_SWITCH:
		return sim_virtual_switch_add(port, count, &own);
	case SIM_VF_SHARED_PORT:
		return sim_shared_port_add(port, count, &own);
	case SIM_VF_VPORT:
		return sim_vports_add(port, count, &own);
	}
	return -EINVAL;
}

unsigned sim_vfs_count(const struct sim_port *port)
{
	if (port->virtual_switch)
		return sim_virtual_switch_count(port);
	if (port->shared)
		return sim_shared_port_count(port);
	return port->vports ? port->vports->count - 1 : 0;
}

void sim_vfs_free(struct sim_port *port)
{
	if (port->virtual_switch)
		sim_virtual_switch_free(port);
	if (port->shared)
		sim_shared_port_free(port);
	if (port->vports)
		sim_vports_free(port);
}

/* ---- what an administrator does -------------------------------------------------------------- */

static bool has_vf(const struct sim_port *port, unsigned vf)
{
	return vf >= 1 && vf <= sim_vfs_count(port);
}

static int set_started(struct sim_port *port, unsigned vf, bool start)
{
	if (!has_vf(port, vf))
		return -ENOENT;
	if (port->virtual_switch)
		sim_power(sim_virtual_switch_vf(port, vf)->node, start);
	else if (port->shared)
		sim_shared_port_start(port, vf, start);
	else
		sim_vports_start(port, vf, start);
	return 0;
}

int sim_vf_start(struct sim_port *port, unsigned vf)
{
	return set_started(port, vf, true);
}

int sim_vf_stop(struct sim_port *port, unsigned vf)
{
	return set_started(port, vf, false);
}

int sim_vf_set_guid(struct sim_port *port, unsigned vf, uint64_t guid)
{
	if (!has_vf(port, vf))
		return -ENOENT;
	if (port->virtual_switch)
		sim_virtual_switch_set_guid(port, vf, guid);
	else if (port->shared)
		sim_shared_port_set_guid(port, vf, guid);
	else
		sim_vports_set_guid(port, vf, guid);
	return 0;
}

int sim_vf_look(const struct sim_port *port, unsigned vf, struct sim_vf_info *ret)
{
	if (!has_vf(port, vf))
		return -ENOENT;
	*ret = (struct sim_vf_info){ 0 };
	if (port->virtual_switch) {
		ret->model = SIM_VF_VIRTUAL_SWITCH;
		sim_virtual_switch_look(port, vf, ret);
	} else if (port->shared) {
		ret->model = SIM_VF_SHARED_PORT;
		sim_shared_port_look(port, vf, ret);
	} else {
		ret->model = SIM_VF_VPORT;
		sim_vports_look(port, vf, ret);
	}
	if (port->node->off && ret->started)
		ret->reason = "its HCA has no power";
	return 0;
}

int sim_vf_move(struct sim_port *port, unsigned vf, struct sim_port *to, unsigned to_vf)
{
	struct sim_vf_info from_info, to_info;

	if (sim_vf_look(port, vf, &from_info) < 0 || sim_vf_look(to, to_vf, &to_info) < 0)
		return -ENOENT;
	if (to_info.started)
		return -EBUSY;
	sim_vf_stop(port, vf);
	sim_vf_set_guid(port, vf, to_info.guid);
	sim_vf_set_guid(to, to_vf, from_info.guid);
	return sim_vf_start(to, to_vf);
}

int sim_vf_set_pkey_index(struct sim_port *port, unsigned vf, unsigned index, unsigned physical)
{
	if (!has_vf(port, vf))
		return -ENOENT;
	return port->shared ? sim_shared_port_set_pkey_index(port, vf, index, physical) : -EINVAL;
}

int sim_vf_attach(struct sim_port *port, unsigned vf, struct sim_client *client)
{
	if (vf && !has_vf(port, vf))
		return -ENOENT;
	port = sim_vf_port(port, &vf);
	client->vf = (uint16_t)vf;
	return sim_attach(port, client);
}

/* ---- for the core ---------------------------------------------------------------------------- */

enum sim_drop sim_vf_takes(const struct sim_port *port, const struct sim_packet *p, unsigned *ret)
{
	return port->shared ? sim_shared_port_takes(port, p, ret) : sim_vports_take(port, p, ret);
}

bool sim_vf_has_lid(const struct sim_port *port, uint16_t lid)
{
	return port->vports && sim_vports_have_lid(port, lid);
}

struct sim_port *sim_vf_port(struct sim_port *port, unsigned *vf)
{
	if (!*vf || !port->virtual_switch)
		return port;
	port = sim_virtual_switch_vf(port, *vf);
	*vf = 0;
	return port;
}

uint16_t sim_vf_pkey(const struct sim_port *port, unsigned vf, unsigned index)
{
	if (index >= sim_pkey_cap(port))
		return 0;
	if (vf && port->shared)
		return sim_shared_port_pkey(port, vf, index);
	if (vf && port->vports)
		return sim_vports_pkey(port, vf, index);
	if (port->pkeys)
		return be16toh(port->pkeys[index]);
	return index ? 0 : 0xffff; /* as at power-up */
}

bool sim_vf_has_pkey(const struct sim_port *port, unsigned vf, uint16_t pkey)
{
	for (unsigned i = 0; pkey & 0x7fff && i < sim_pkey_cap(port); i++)
		if (sim_vf_pkey(port, vf, i) == pkey)
			return true;
	return false;
}

bool sim_vf_pkey_fits(const struct sim_port *port, unsigned vf, uint16_t pkey)
{
	for (unsigned i = 0; i < sim_pkey_cap(port); i++)
		if (sim_pkeys_match(sim_vf_pkey(port, vf, i), pkey))
			return true;
	return false;
}

bool sim_vf_takes_pkey(struct sim_port *port, const struct sim_packet *p)
{
	return sim_vports_take_pkey(port, p);
}

bool sim_vf_give(struct sim_port *at, const struct sim_packet *p)
{
	unsigned vf;

	if (at->shared)
		return sim_shared_port_give(at, p);
	return sim_vports_take(at, p, &vf) == SIM_PASSED && sim_client_give_vf(at, vf, p);
}

int sim_vf_send(struct sim_client *client, struct sim_packet *p)
{
	return client->port->shared ? sim_shared_port_send(client, p) : sim_vports_send(client, p);
}

void sim_vf_event(struct sim_port *port, enum sim_port_event event)
{
	if (port->shared)
		sim_shared_port_event(port, event);
	if (port->vports)
		sim_vport_event(port, event);
}

void sim_vf_port_state(struct sim_port *port, enum sim_state before)
{
	enum sim_state state = sim_state(port);

	if (port->shared && state == SIM_ACTIVE)
		sim_shared_port_event(port, SIM_EVENT_ACTIVE);
	else if (port->shared && before == SIM_ACTIVE)
		sim_shared_port_event(port, SIM_EVENT_DOWN);
	if (port->vports)
		sim_vport_event(port, state == SIM_ACTIVE ? SIM_EVENT_ACTIVE
				      : state == SIM_DOWN ? SIM_EVENT_DOWN
							  : SIM_EVENT_INIT);
}

void sim_vf_tell(struct sim_port *port, unsigned vf, enum sim_port_event event)
{
	struct sim_fabric *fabric = port->node->fabric;

	if (fabric->on_vf)
		fabric->on_vf(fabric->on_vf_user, port, vf, event);
}
