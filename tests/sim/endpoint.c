/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What an end port answers to, read from its tables as they are at this moment: LIDs from PortInfo,
 * GUIDs from GUIDInfo (entry 0 and the aliases), P_Keys from the P_Key table. What its virtual
 * functions answer to vf.c knows; those behind a virtual switch are end ports by themselves.
 */

#include "tests/sim/endpoint.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/forward.h"
#include "tests/sim/vf.h"

#define DEFAULT_PREFIX (UINT64_C(0xfe80) << 48)

bool sim_endpoint_next(const struct sim_fabric *fabric, struct sim_endpoint *e)
{
	uint32_t index = 0;
	unsigned number = 0;

	if (e->port && sim_has_vfs(e->port) && e->vf < sim_vfs_count(e->port)) {
		e->vf++;
		return true;
	}
	if (e->port) {
		index = e->port->node->index;
		number = e->port->number + 1u;
	}
	for (; index < fabric->n_nodes; index++, number = 0) {
		struct sim_node *node = fabric->nodes[index];

		if (node->type != SIM_SWITCH && !number)
			number = 1;
		if (number > (node->type == SIM_SWITCH ? 0 : node->n_ports))
			continue;
		*e = (struct sim_endpoint){ .port = &node->ports[number] };
		return true;
	}
	return false;
}

static struct sim_vf_info vf_info(const struct sim_endpoint *e)
{
	struct sim_vf_info info = { 0 };

	sim_vf_look(e->port, e->vf, &info);
	return info;
}

bool sim_endpoint_is_live(const struct sim_endpoint *e)
{
	if (e->vf && !vf_info(e).started)
		return false;
	return !e->port->node->off && sim_link_is_up(e->port);
}

uint16_t sim_endpoint_lid(const struct sim_endpoint *e)
{
	return e->vf ? vf_info(e).lid : sim_lid(e->port);
}

bool sim_endpoint_has_lid(const struct sim_endpoint *e, uint16_t lid)
{
	struct sim_vf_info info;

	if (!e->vf)
		return sim_has_lid(e->port, lid);
	info = vf_info(e);
	if (info.lid && info.lid == sim_lid(e->port))
		return sim_has_lid(e->port, lid);
	return lid && info.lid == lid;
}

bool sim_endpoint_is_up(const struct sim_endpoint *e)
{
	return !e->vf || vf_info(e).state == SIM_ACTIVE;
}

bool sim_endpoint_needs_grh(const struct sim_endpoint *e, uint8_t dgid[static 16])
{
	struct sim_vf_info info;
	ib_net64_t guid;

	if (!e->vf)
		return false;
	info = vf_info(e);
	guid = htobe64(info.guid);
	memcpy(dgid, &e->port->info.subnet_prefix, sizeof(guid));
	memcpy(dgid + sizeof(guid), &guid, sizeof(guid));
	return !info.own_lid;
}

unsigned sim_endpoint_n_guids(const struct sim_endpoint *e)
{
	/* Aliases of a shared port are its VFs'. */
	if (e->vf || e->port->shared)
		return 1;
	return e->port->guids ? e->port->info.guid_cap : 1;
}

uint64_t sim_endpoint_guid(const struct sim_endpoint *e, unsigned index)
{
	if (!index)
		return e->vf ? vf_info(e).guid : e->port->guid;
	return index < sim_endpoint_n_guids(e) ? be64toh(e->port->guids[index]) : 0;
}

bool sim_endpoint_has_gid(const struct sim_endpoint *e, const uint8_t gid[static 16])
{
	uint64_t prefix, guid;

	memcpy(&prefix, gid, sizeof(prefix));
	memcpy(&guid, gid + sizeof(prefix), sizeof(guid));
	if (!guid || (prefix != e->port->info.subnet_prefix && prefix != htobe64(DEFAULT_PREFIX)))
		return false;
	for (unsigned i = 0; i < sim_endpoint_n_guids(e); i++)
		if (htobe64(sim_endpoint_guid(e, i)) == guid)
			return true;
	return false;
}

bool sim_endpoint_has_pkey(const struct sim_endpoint *e, uint16_t pkey)
{
	unsigned n = e->port->pkeys ? sim_pkey_cap(e->port) : 0;

	if (e->vf)
		return sim_vf_has_pkey(e->port, e->vf, pkey);
	if (!e->port->pkeys)
		return pkey == 0xffff; /* as at power-up */
	for (unsigned i = 0; i < n; i++)
		if (e->port->pkeys[i] == htobe16(pkey))
			return pkey & 0x7fff;
	return false;
}

bool sim_endpoint_takes_pkey(const struct sim_endpoint *e, uint16_t pkey)
{
	return e->vf ? sim_vf_pkey_fits(e->port, e->vf, pkey) : sim_pkey_fits(e->port, pkey);
}

/* A router takes what it can send on; where to is another subnet's affair (IBA 8.3.6). */
static enum sim_drop takes_grh(const struct sim_endpoint *e, const struct sim_packet *p)
{
	if (p->dlid >= SIM_LID_MULTICAST)
		return p->dgid[0] == 0xff ? SIM_PASSED : SIM_DROP_GRH;
	if (sim_endpoint_has_gid(e, p->dgid))
		return SIM_PASSED;
	return e->port->node->type == SIM_ROUTER && p->hop_limit > 1 ? SIM_PASSED : SIM_DROP_GRH;
}

enum sim_drop sim_endpoint_take(struct sim_port *port, const struct sim_packet *p,
				struct sim_endpoint *ret)
{
	struct sim_endpoint e = { .port = port };
	unsigned vf = 0;
	enum sim_drop why = sim_has_vfs(port) ? sim_vf_takes(port, p, &vf) : sim_is_mine(port, p);

	e.vf = (uint16_t)vf;
	if (why == SIM_PASSED && p->has_grh && (!sim_has_vfs(port) || p->dlid >= SIM_LID_MULTICAST))
		why = takes_grh(&e, p);
	if (why == SIM_PASSED && !sim_endpoint_takes_pkey(&e, p->pkey))
		why = SIM_DROP_PKEY;
	if (why == SIM_PASSED)
		*ret = e;
	return why;
}

const char *sim_endpoint_name(const struct sim_endpoint *e, char name[static SIM_ENDPOINT_NAME])
{
	if (e->vf)
		snprintf(name, SIM_ENDPOINT_NAME, "\"%s\"[%u] vf %u", e->port->node->name,
			 e->port->number, e->vf);
	else
		snprintf(name, SIM_ENDPOINT_NAME, "\"%s\"[%u]", e->port->node->name,
			 e->port->number);
	return name;
}
