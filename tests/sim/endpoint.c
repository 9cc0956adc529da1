/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What an end port answers to, read from its tables as they are at this moment: LIDs from PortInfo,
 * GUIDs from GUIDInfo (entry 0 and the aliases), P_Keys from the P_Key table.
 */

#include "tests/sim/endpoint.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/forward.h"

#define DEFAULT_PREFIX (UINT64_C(0xfe80) << 48)

bool sim_endpoint_next(const struct sim_fabric *fabric, struct sim_endpoint *e)
{
	uint32_t index = 0;
	unsigned number = 0;

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

bool sim_endpoint_is_live(const struct sim_endpoint *e)
{
	return !e->port->node->off && sim_link_is_up(e->port);
}

uint16_t sim_endpoint_lid(const struct sim_endpoint *e)
{
	return sim_lid(e->port);
}

bool sim_endpoint_has_lid(const struct sim_endpoint *e, uint16_t lid)
{
	return sim_has_lid(e->port, lid);
}

unsigned sim_endpoint_n_guids(const struct sim_endpoint *e)
{
	return e->port->guids ? e->port->info.guid_cap : 1;
}

uint64_t sim_endpoint_guid(const struct sim_endpoint *e, unsigned index)
{
	if (!index)
		return e->port->guid;
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

	if (!e->port->pkeys)
		return pkey == 0xffff; /* as at power-up */
	for (unsigned i = 0; i < n; i++)
		if (e->port->pkeys[i] == htobe16(pkey))
			return pkey & 0x7fff;
	return false;
}

bool sim_endpoint_takes_pkey(const struct sim_endpoint *e, uint16_t pkey)
{
	return sim_pkey_fits(e->port, pkey);
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
	enum sim_drop why = sim_is_mine(port, p);

	if (why == SIM_PASSED && p->has_grh)
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
