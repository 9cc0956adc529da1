/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the subnet manager believes that devices hold, held against what they do: PortInfo, P_Keys
 * and forwarding tables, those of multicast too. That of VFs is in invariants-vports.c and
 * invariants-shared.c.
 */

#include <inttypes.h>

#include "base/macros.h"
#include "tests/scenario/look.h"
#include "tests/sim/tables.h"
#include "tests/sim/vf.h"

/* Fields of PortInfo that only the subnet manager writes, but for those of other agents. */
static void check_ledger_port(struct look *look, const struct port *known,
			      const struct sim_port *port)
{
	const uint8_t *info = (const uint8_t *)&port->info;
	static const enum wire_field fields[] = {
		PORT_INFO_LID,    PORT_INFO_LMC,          PORT_INFO_STATE,
		PORT_INFO_SM_LID, PORT_INFO_NEIGHBOR_MTU, PORT_INFO_OPERATIONAL_VLS,
	};

	for (unsigned i = 0; known->known && i < COUNT(fields); i++) {
		bool is_of_end = fields[i] == PORT_INFO_LID || fields[i] == PORT_INFO_LMC ||
				 fields[i] == PORT_INFO_SM_LID;
		uint64_t held = wire_get(info, fields[i]);
		uint64_t believed = wire_get(known->info, fields[i]);

		if (is_of_end && !sim_is_end_port(port))
			continue;
		if (held != believed)
			look_say(look,
				 "%s port %u: field %u of PortInfo is %" PRIu64
				 " and believed to be %" PRIu64,
				 port->node->name, port->number, fields[i], held, believed);
	}
	for (unsigned i = 0; known->pkeys && i < known->pkeys->n_known; i++)
		if (i < sim_pkey_cap(port) && known->pkeys->keys[i] != sim_vf_pkey(port, 0, i))
			look_say(look, "%s port %u: P_Key %u is %#x and believed to be %#x",
				 port->node->name, port->number, i, sim_vf_pkey(port, 0, i),
				 known->pkeys->keys[i]);
}

static uint8_t lft_at(const struct sim_switch *sw, unsigned lid)
{
	return sw->lft && lid < sw->lft_size ? sw->lft[lid] : SIM_LFT_NONE;
}

static void check_ledger_switch(struct look *look, const struct sw *known,
				const struct sim_node *node)
{
	uint32_t top = be16toh(node->sw->info.lin_top);

	for (uint32_t lid = 0; lid < known->lft_size && lid <= top; lid++) {
		unsigned block = lid / SIM_LFT_BLOCK;

		if (known->lft_known[block / 64] >> block % 64 & 1 &&
		    known->lft[lid] != lft_at(node->sw, lid))
			look_say(look, "%s: the way to LID %" PRIu32 " is %u and believed to be %u",
				 node->name, lid, lft_at(node->sw, lid), known->lft[lid]);
	}
}

static void check_ledger_cell(struct look *look, const struct mft_cell *cell, unsigned block,
			      unsigned position, const struct sim_node *node)
{
	for (unsigned i = 0; i < MFT_BLOCK; i++) {
		unsigned mlid = SIM_LID_MULTICAST + block * MFT_BLOCK + i, held = 0;

		for (unsigned port = 0; port < MFT_PORTS; port++)
			if (sim_mft_has(node, mlid, position * MFT_PORTS + port))
				held |= 1u << port;
		if (held != mft_cell_get(cell, i))
			look_say(look, "%s: ports %#x of LID %#x from %u on, believed to be %#x",
				 node->name, held, mlid, position * MFT_PORTS,
				 mft_cell_get(cell, i));
	}
}

static void check_ledger_multicast(struct look *look, const struct mft *mft,
				   const struct sim_node *node)
{
	for (unsigned block = 0; mft && block < mft->n_blocks; block++)
		for (unsigned p = 0; p < mft->n_positions; p++) {
			const struct mft_cell *cell = mft_cell_at(mft, block, p);

			if (cell->known)
				check_ledger_cell(look, cell, block, p, node);
		}
}

void look_at_ledger(struct look *look, const struct fabric *f)
{
	for (uint32_t i = 0; i < look->n_ends; i++) {
		const struct sim_port *end = look->ends[i];
		uint32_t n = fabric_find_node(f, be64toh(end->node->info.node_guid));
		const struct node *node = n == NO_NODE ? NULL : &f->nodes[n];

		if (!node || node->n_ports != end->node->n_ports) {
			look_say(look, "%s is not known", end->node->name);
			continue;
		}
		check_ledger_port(look, &f->ports[port_at(node, end->number)], end);
		if (!end->node->sw || !node->sw)
			continue;
		check_ledger_switch(look, node->sw, end->node);
		check_ledger_multicast(look, node->sw->mft, end->node);
		for (unsigned p = 1; p <= end->node->n_ports; p++)
			if (look_counts(look, &end->node->ports[p]))
				check_ledger_port(look, &f->ports[port_at(node, p)],
						  &end->node->ports[p]);
	}
}
