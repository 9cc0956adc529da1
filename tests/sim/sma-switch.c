/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SwitchInfo (IBA 14.2.5.4): what a switch can, and how far its tables count. A Set whose tops are
 * not possible changes nothing at all, PortStateChange included, so that an SM which overlooks the
 * status does not lose the news of a link.
 *
 * An SM writes the whole attribute as it read it, hence with PortStateChange 1 where that was so:
 * that clears it, also where the SM meant to set something else. Ports that DefaultPort and its kin
 * name are not checked, as no source does; what leads nowhere is forward.c's to drop.
 *
 * SwitchPortStateTable, of switches that were given it: PortState of each port, 4 bits, those of
 * even ports above those of the next one; 128 ports a block, whose number is bit 0 of the modifier.
 * Bit 15, with which the requester knows a fifth state, changes nothing, as no port here has that.
 * What is not written down anywhere: port 0, and what is beyond the last port, is 0.
 */

#include <string.h>

#include "tests/sim/sma.h"

enum {
	STATE_CHANGE = 0x04, /* of byte 11, as the two below */
	LIFE_TIME = 0xf8,
	CAP_MCAST_TOP = 1u << 30, /* IsMulticastFDBTopSupported, of CapabilityMask */
	MCAST_TOP_EMPTY = SIM_LID_MULTICAST - 1,
	STATES_BLOCK = 128,
	KNOWS_FIVE_STATES = 1u << 15, /* of the modifier */
};

static bool has_mcast_top(const struct sim_ask *ask)
{
	return ask->end->info.capability_mask & htobe32(CAP_MCAST_TOP);
}

/* 0 is a top that is not used; 0xbfff that of a table without entries. */
static bool is_mcast_top(const ib_switch_info_t *info, unsigned top)
{
	return !top || (top >= MCAST_TOP_EMPTY &&
			top < SIM_LID_MULTICAST + (unsigned)be16toh(info->mcast_cap));
}

static bool is_possible(const struct sim_ask *ask, const ib_switch_info_t *wanted)
{
	const ib_switch_info_t *info = &ask->node->sw->info;
	unsigned top = be16toh(wanted->lin_top);

	if (ask->node->fabric->quirks.any_fdb_top)
		return true;
	return top < be16toh(info->lin_cap) && top < SIM_LID_MULTICAST &&
	       (!has_mcast_top(ask) || is_mcast_top(info, be16toh(wanted->mcast_top)));
}

static void apply(const struct sim_ask *ask, const ib_switch_info_t *wanted)
{
	ib_switch_info_t *info = &ask->node->sw->info;
	uint8_t state = info->life_state & ~LIFE_TIME;

	if (wanted->life_state & STATE_CHANGE)
		state &= (uint8_t)~STATE_CHANGE;
	info->life_state = (uint8_t)(state | (wanted->life_state & LIFE_TIME));
	if (info->lin_top != wanted->lin_top) {
		sim_tell_routes(ask->node, true);
		info->lin_top = wanted->lin_top;
		sim_tell_routes(ask->node, false);
	}
	if (has_mcast_top(ask))
		info->mcast_top = wanted->mcast_top;
	if (ask->node->fabric->quirks.default_ports_fixed)
		return;
	info->def_port = wanted->def_port;
	info->def_mcast_pri_port = wanted->def_mcast_pri_port;
	info->def_mcast_not_port = wanted->def_mcast_not_port;
}

enum sim_status sim_switch_info(struct sim_ask *ask)
{
	enum sim_status status = SIM_OK;
	ib_switch_info_t wanted;

	if (ask->modifier)
		return SIM_BAD_FIELD;
	memcpy(&wanted, ask->data, sizeof(wanted));
	if (ask->set && is_possible(ask, &wanted))
		apply(ask, &wanted);
	else if (ask->set)
		status = SIM_BAD_FIELD;
	memset(ask->data, 0, SIM_SMP_DATA);
	memcpy(ask->data, &ask->node->sw->info, sizeof(wanted));
	return status;
}

enum sim_status sim_switch_port_states(struct sim_ask *ask)
{
	unsigned first = (ask->modifier & 1) * STATES_BLOCK;

	if (!sim_has_port_states(ask->node))
		return SIM_BAD_ATTRIBUTE;
	if (ask->modifier & ~(1u | KNOWS_FIVE_STATES))
		return SIM_BAD_FIELD;
	memset(ask->data, 0, SIM_SMP_DATA);
	for (unsigned i = first ? 0 : 1; i < STATES_BLOCK && first + i <= ask->node->n_ports; i++)
		ask->data[i / 2] |=
			(uint8_t)(sim_state(&ask->node->ports[first + i]) << (i & 1 ? 0 : 4));
	return SIM_OK;
}
