/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The attributes of vports: 0xFFB0 to 0xFFB6, and the part of GeneralInfo that announces them. Not
 * run against ConnectX hardware: the layouts are those of NVIDIA's headers; which fields can be
 * written, and how two numbers share an attribute modifier, is not written down anywhere, and has a
 * switch in quirks.h each. As for all SMAs here, a field that cannot be is skipped, the others
 * count, and the status says so.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/sma.h"
#include "tests/sim/vport.h"

enum {
	ENABLE = 0x80, /* VirtualizationInfo byte 4 */
	REREGISTER_ALL = 0x40,
	STATE_CHANGE = 0x20,

	REREGISTER = 0x08, /* VPortInfo byte 0 */
	LID_REQUIRED = 0x04,

	INDEX_SHIFT = 16, /* of the vport in modifiers with a block, and */
	BLOCK_MASK = 0xffff,

	GENERAL_CAPABILITIES = 4, /* modifier of GeneralInfo */
	GENERAL_VIRTUALIZATION = 1u << 15,
	GENERAL_VPORT_GUIDS = 1u << 22,
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint64_t get64(const uint8_t *at)
{
	ib_net64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

static void put64(uint8_t *at, uint64_t value)
{
	ib_net64_t net = htobe64(value);

	memcpy(at, &net, sizeof(net));
}

static const struct sim_quirks *quirks(const struct sim_ask *ask)
{
	return &ask->node->fabric->quirks;
}

/* ---- VirtualizationInfo ---------------------------------------------------------------------- */

static bool is_port_modifier(const struct sim_ask *ask)
{
	if (quirks(ask)->virtualization_info_by_port)
		return ask->modifier == ask->end->number;
	return ask->modifier == 0;
}

static uint8_t set_virtualization(struct sim_vports *vports, const struct sim_ask *ask)
{
	uint8_t flags = ask->data[4];

	if (flags & STATE_CHANGE && !quirks(ask)->vport_change_clears_by_get)
		vports->changed = false;
	sim_vport_enable(vports, flags & ENABLE);
	for (unsigned i = 0; flags & REREGISTER_ALL && i < vports->count; i++)
		sim_vf_tell(vports->port, i, SIM_EVENT_REREGISTER);
	return flags & REREGISTER_ALL;
}

/* VClientReregister shows in the answer to the Set that has it, as in PortInfo. */
enum sim_status sim_virtualization_info(struct sim_ask *ask)
{
	struct sim_vports *vports = ask->end->vports;
	uint8_t echo = 0;

	if (!vports)
		return SIM_BAD_ATTRIBUTE;
	if (!is_port_modifier(ask))
		return SIM_BAD_FIELD;
	if (ask->set)
		echo = set_virtualization(vports, ask);
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	put16(ask->data, vports->cap);
	put16(ask->data + 2, vports->top);
	ask->data[4] = (uint8_t)((vports->enabled ? ENABLE : 0) | echo |
				 (vports->changed ? STATE_CHANGE : 0));
	ask->data[6] = vports->revision;
	ask->data[7] = vports->capabilities;
	if (!ask->set && quirks(ask)->vport_change_clears_by_get)
		vports->changed = false;
	return SIM_OK;
}

/* ---- VPortInfo ------------------------------------------------------------------------------- */

static bool is_unicast(unsigned lid)
{
	return lid && lid < SIM_LID_MULTICAST;
}

/* The SM cannot give a LID to who does not ask for one, and vport 0 has the port's. */
static enum sim_status set_lid(struct sim_vport *vport, unsigned index, const struct sim_ask *ask)
{
	unsigned lid = get16(ask->data + 8);

	if (!index)
		return SIM_OK;
	if (!vport->lid_required) {
		if (!quirks(ask)->vport_takes_any_lid || !is_unicast(lid))
			return SIM_OK;
		vport->lid_required = true;
	}
	if (!is_unicast(lid))
		return SIM_BAD_FIELD;
	if (vport->lid != lid) {
		vport->lid = (uint16_t)lid;
		sim_vf_tell(ask->end, index, SIM_EVENT_LID);
	}
	return SIM_OK;
}

static void set_others(struct sim_vport *vport, const struct sim_ask *ask)
{
	if (!get16(ask->data + 4))
		vport->pkey_violations = 0;
	if (!get16(ask->data + 6))
		vport->qkey_violations = 0;
	if (quirks(ask)->vport_lid_index_writable)
		vport->lid_index = get16(ask->data + 10);
	if (quirks(ask)->vport_guid_writable && get64(ask->data + 12)) {
		vport->guid = get64(ask->data + 12);
		if (vport->guids)
			vport->guids[0] = htobe64(vport->guid);
	}
}

static enum sim_status set_vport(struct sim_vport *vport, const struct sim_ask *ask)
{
	enum sim_status status = set_lid(vport, ask->modifier, ask);
	enum sim_status of_state;

	set_others(vport, ask);
	of_state = sim_vport_set_state(ask->end->vports, ask->modifier, ask->data[0] >> 4);
	if (ask->data[0] & REREGISTER)
		sim_vf_tell(ask->end, ask->modifier, SIM_EVENT_REREGISTER);
	return status != SIM_OK ? status : of_state;
}

static void show_vport(const struct sim_vport *vport, struct sim_ask *ask, uint8_t echo)
{
	uint8_t *data = ask->data;

	memset(data, 0, IB_SMP_DATA_SIZE);
	data[0] = (uint8_t)(vport->state << 4 | echo | (vport->lid_required ? LID_REQUIRED : 0));
	data[1] = SIM_VPORT_GUIDS;
	put16(data + 2, vport->capabilities);
	put16(data + 4, vport->pkey_violations);
	put16(data + 6, vport->qkey_violations);
	put16(data + 8, ask->modifier ? vport->lid : sim_lid(ask->end));
	put16(data + 10, vport->lid_index);
	put64(data + 12, vport->guid);
	put64(data + 20, vport->profile);
}

enum sim_status sim_vport_info(struct sim_ask *ask)
{
	struct sim_vport *vport = sim_vport(ask->end, ask->modifier);
	enum sim_status status = SIM_OK;
	uint8_t echo = 0;

	if (!ask->end->vports)
		return SIM_BAD_ATTRIBUTE;
	if (!vport)
		return SIM_BAD_FIELD;
	if (ask->set) {
		echo = ask->data[0] & REREGISTER;
		status = set_vport(vport, ask);
	}
	show_vport(vport, ask, echo);
	return status;
}

/* ---- what can only be read ------------------------------------------------------------------- */

/* A vport is port 1 of a node of its own that has no other; vport 0 is the port. */
enum sim_status sim_vnode_info(struct sim_ask *ask)
{
	const struct sim_vport *vport = sim_vport(ask->end, ask->modifier);

	if (!ask->end->vports || ask->set)
		return SIM_BAD_ATTRIBUTE;
	if (!vport)
		return SIM_BAD_FIELD;
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	put16(ask->data, sim_pkey_cap(ask->end));
	ask->data[2] = ask->modifier ? 1 : ask->end->number;
	ask->data[3] = ask->modifier ? 1 : ask->node->n_ports;
	put64(ask->data + 4, vport->node_guid);
	return SIM_OK;
}

enum sim_status sim_vport_state(struct sim_ask *ask)
{
	const struct sim_vports *vports = ask->end->vports;
	unsigned first;

	if (!vports || ask->set)
		return SIM_BAD_ATTRIBUTE;
	if (ask->modifier > (vports->count - 1) / SIM_VPORT_STATES)
		return SIM_BAD_FIELD;
	first = ask->modifier * SIM_VPORT_STATES;
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	for (unsigned i = 0; i < SIM_VPORT_STATES && first + i < vports->count; i++)
		ask->data[i / 2] |= (uint8_t)(vports->vports[first + i].state << (i & 1 ? 0 : 4));
	return SIM_OK;
}

enum sim_status sim_vnode_description(struct sim_ask *ask)
{
	const struct sim_vport *vport = sim_vport(ask->end, ask->modifier);

	if (!ask->end->vports || ask->set)
		return SIM_BAD_ATTRIBUTE;
	if (!vport)
		return SIM_BAD_FIELD;
	memcpy(ask->data, vport->description, IB_SMP_DATA_SIZE);
	return SIM_OK;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* By analogy with P_KeyTable the block is below; the other way round may be true as well. */
static struct sim_vport *take_apart(const struct sim_ask *ask, unsigned *index, unsigned *block)
{
	unsigned high = ask->modifier >> INDEX_SHIFT;
	unsigned low = ask->modifier & BLOCK_MASK;

	*index = quirks(ask)->vport_block_is_high ? low : high;
	*block = quirks(ask)->vport_block_is_high ? high : low;
	return sim_vport(ask->end, *index);
}

static bool make_guids(struct sim_vport *vport)
{
	if (vport->guids)
		return true;
	vport->guids = calloc(SIM_VPORT_GUIDS, sizeof(vport->guids[0]));
	if (!vport->guids)
		return false;
	vport->guids[0] = htobe64(vport->guid);
	return true;
}

/* The first is its own GUID, and stays. */
enum sim_status sim_vport_guid_info(struct sim_ask *ask)
{
	unsigned index, block;
	struct sim_vport *vport;
	size_t skip, first;

	if (!ask->end->vports || quirks(ask)->no_vport_guid_info)
		return SIM_BAD_ATTRIBUTE;
	vport = take_apart(ask, &index, &block);
	if (!vport || block >= SIM_VPORT_GUIDS / SIM_GUID_BLOCK)
		return SIM_BAD_FIELD;
	if (!make_guids(vport))
		return SIM_BUSY;
	skip = block ? 0 : 1;
	first = (size_t)block * SIM_GUID_BLOCK;
	if (ask->set)
		memcpy(vport->guids + first + skip, ask->data + skip * sizeof(ib_net64_t),
		       (SIM_GUID_BLOCK - skip) * sizeof(ib_net64_t));
	memcpy(ask->data, vport->guids + first, IB_SMP_DATA_SIZE);
	return SIM_OK;
}

/* That of vport 0 is the port's. */
static ib_net16_t *make_pkeys(struct sim_port *port, unsigned index)
{
	ib_net16_t **table = index ? &port->vports->vports[index].pkeys : &port->pkeys;

	if (*table)
		return *table;
	*table = calloc(sim_pkey_cap(port), sizeof(**table));
	if (*table)
		(*table)[0] = 0xffff;
	return *table;
}

/* Entries past the end are ignored when written and 0 when read, as in P_KeyTable. */
enum sim_status sim_vport_pkey_table(struct sim_ask *ask)
{
	unsigned cap = sim_pkey_cap(ask->end);
	unsigned index, block, first, n;
	ib_net16_t *table;

	if (!ask->end->vports)
		return SIM_BAD_ATTRIBUTE;
	if (!take_apart(ask, &index, &block) || block * SIM_PKEY_BLOCK >= cap)
		return SIM_BAD_FIELD;
	table = make_pkeys(ask->end, index);
	if (!table)
		return SIM_BUSY;
	first = block * SIM_PKEY_BLOCK;
	n = MIN(cap - first, (unsigned)SIM_PKEY_BLOCK);
	if (ask->set) {
		memcpy(table + first, ask->data, n * sizeof(table[0]));
		sim_vf_tell(ask->end, index, SIM_EVENT_PKEYS);
	}
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	memcpy(ask->data, table + first, n * sizeof(table[0]));
	return SIM_OK;
}

/* ---- GeneralInfo ----------------------------------------------------------------------------- */

/* Four words of capabilities; those of vports are in the first. */
enum sim_status sim_general_info(struct sim_ask *ask)
{
	uint32_t capabilities = GENERAL_VIRTUALIZATION;

	if (!ask->end->vports || ask->set)
		return SIM_BAD_ATTRIBUTE;
	if (ask->modifier != GENERAL_CAPABILITIES)
		return SIM_BAD_FIELD;
	if (!quirks(ask)->no_vport_guid_info)
		capabilities |= GENERAL_VPORT_GUIDS;
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	put16(ask->data, capabilities >> 16);
	put16(ask->data + 2, capabilities & 0xffff);
	return SIM_OK;
}
