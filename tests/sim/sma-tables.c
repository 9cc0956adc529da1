/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a port is called and where it belongs: P_Key table and GUIDInfo (IBA 14.2.5.7, 14.2.5.5),
 * and ExtendedPortInfo, an attribute of Mellanox about one link speed.
 *
 * A table that nobody wrote is not there, and reads as at power-up: P_Key 0xffff alone, the port's
 * own GUID alone. Of a block that the capacity cuts short, what is past it is lost on Set and 0 on
 * Get.
 *
 * Whose table: adapters and routers have one for each port and answer for the port that was asked,
 * whatever the modifier says; a switch has P_Keys for each port and GUIDs for port 0.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/shared-port.h"
#include "tests/sim/sma.h"
#include "tests/sim/tables.h"

static void tell(struct sim_port *port, enum sim_port_event event)
{
	if (port->shared)
		sim_shared_port_event(port, event);
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

uint16_t sim_pkey_at(const struct sim_port *port, unsigned index)
{
	if (index >= sim_pkey_cap(port))
		return 0;
	if (port->pkeys)
		return be16toh(port->pkeys[index]);
	return index ? 0 : 0xffff;
}

static bool pkeys_make(struct sim_port *port)
{
	if (port->pkeys)
		return true;
	port->pkeys = calloc(sim_pkey_cap(port), sizeof(*port->pkeys));
	if (!port->pkeys)
		return false;
	port->pkeys[0] = 0xffff;
	return true;
}

int sim_pkey_put(struct sim_port *port, unsigned index, uint16_t pkey)
{
	if (index >= sim_pkey_cap(port))
		return -EINVAL;
	if (!pkeys_make(port))
		return -ENOMEM;
	port->pkeys[index] = htobe16(pkey);
	return 0;
}

/* Full and limited member of one partition: two P_Keys that differ in the highest bit alone. */
static bool has_other_membership(const struct sim_port *port, uint16_t pkey)
{
	unsigned cap = sim_pkey_cap(port);

	for (unsigned i = 0; i < cap; i++)
		if (pkey & 0x7fff && sim_pkey_at(port, i) == (pkey ^ 0x8000))
			return true;
	return false;
}

/* Whether the table has changed. */
static bool pkeys_write(struct sim_port *port, unsigned first, unsigned n, const uint8_t *data)
{
	bool single = port->node->fabric->quirks.pkey_one_membership;
	bool changed = false;

	for (unsigned i = 0; i < n; i++) {
		uint16_t pkey = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);

		if (sim_pkey_at(port, first + i) == pkey)
			continue;
		changed = true;
		port->pkeys[first + i] = 0;
		if (!single || !has_other_membership(port, pkey))
			port->pkeys[first + i] = htobe16(pkey);
	}
	return changed;
}

enum sim_status sim_pkey_table(struct sim_ask *ask)
{
	unsigned first = (ask->modifier & 0xffff) * SIM_PKEY_BLOCK;
	struct sim_port *port = ask->node->sw ? sim_port(ask->node, ask->modifier >> 16) : ask->end;
	unsigned cap = port ? sim_pkey_cap(port) : 0;

	if (first >= cap)
		return SIM_BAD_FIELD;
	if (ask->set && !pkeys_make(port))
		return SIM_BUSY;
	if (ask->set && pkeys_write(port, first, MIN(cap - first, SIM_PKEY_BLOCK), ask->data))
		tell(port, SIM_EVENT_PKEYS);
	for (unsigned i = 0; i < SIM_PKEY_BLOCK; i++) {
		uint16_t pkey = sim_pkey_at(port, first + i);

		ask->data[2 * i] = (uint8_t)(pkey >> 8);
		ask->data[2 * i + 1] = (uint8_t)pkey;
	}
	return SIM_OK;
}

/* ---- GUIDs ----------------------------------------------------------------------------------- */

uint64_t sim_guid_at(const struct sim_port *port, unsigned index)
{
	if (!sim_is_end_port(port) || index >= port->info.guid_cap)
		return 0;
	if (!index)
		return port->guid;
	return port->guids ? be64toh(port->guids[index]) : 0;
}

static bool guids_make(struct sim_port *port)
{
	if (port->guids)
		return true;
	port->guids = calloc(port->info.guid_cap, sizeof(*port->guids));
	if (!port->guids)
		return false;
	port->guids[0] = htobe64(port->guid);
	return true;
}

int sim_guid_put(struct sim_port *port, unsigned index, uint64_t guid)
{
	if (!sim_is_end_port(port) || !index || index >= port->info.guid_cap)
		return -EINVAL;
	if (!guids_make(port))
		return -ENOMEM;
	port->guids[index] = htobe64(guid);
	return 0;
}

/* Whether the table has changed. Entry 0 is read-only. */
static bool guids_write(struct sim_port *port, unsigned first, unsigned n, const uint8_t *data)
{
	unsigned skipped = first ? 0 : 1;
	size_t size = (n - skipped) * sizeof(*port->guids);
	ib_net64_t *guids = port->guids + first + skipped;

	data += skipped * sizeof(*guids);
	if (!memcmp(guids, data, size))
		return false;
	memcpy(guids, data, size);
	return true;
}

enum sim_status sim_guid_info(struct sim_ask *ask)
{
	struct sim_port *port = ask->end;
	unsigned cap = port->info.guid_cap;
	const struct sim_quirks *quirks = &ask->node->fabric->quirks;
	enum sim_status status = SIM_OK;
	unsigned first;

	if (ask->modifier >= (cap + SIM_GUID_BLOCK - 1u) / SIM_GUID_BLOCK)
		return SIM_BAD_FIELD;
	first = ask->modifier * SIM_GUID_BLOCK;
	if (ask->set && quirks->guids_read_only)
		status = SIM_BAD_METHOD;
	else if (ask->set && !guids_make(port))
		status = SIM_BUSY;
	else if (ask->set && guids_write(port, first, MIN(cap - first, SIM_GUID_BLOCK), ask->data))
		tell(port, SIM_EVENT_GUIDS);
	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++) {
		ib_net64_t guid = htobe64(sim_guid_at(port, first + i));

		memcpy(ask->data + i * sizeof(guid), &guid, sizeof(guid));
	}
	return status;
}

/* ---- ExtendedPortInfo of Mellanox, 0xff90 ---------------------------------------------------- */

/* Of an adapter the other ports too, but for reading only, as with PortInfo. */
static struct sim_port *ext_port(const struct sim_ask *ask)
{
	struct sim_port *port;

	if (!ask->node->sw && !ask->modifier)
		return ask->end;
	port = ask->modifier <= ask->node->n_ports ? sim_port(ask->node, ask->modifier) : NULL;
	return port && ask->set && !ask->node->sw && port != ask->end ? NULL : port;
}

/* What is enabled counts when the link trains next; link.c looks. */
enum sim_status sim_ext_port_info(struct sim_ask *ask)
{
	struct sim_port *port = ext_port(ask);
	enum sim_status status = SIM_OK;
	ib_mlnx_ext_port_info_t info;

	if (!ask->end->fdr10.supported)
		return SIM_BAD_ATTRIBUTE;
	if (!port)
		return SIM_BAD_FIELD;
	memcpy(&info, ask->data, sizeof(info));
	if (ask->set) {
		port->fdr10.state_change = info.state_change_enable;
		if (info.link_speed_enabled & ~port->fdr10.supported)
			status = SIM_BAD_FIELD;
		else
			port->fdr10.enabled = info.link_speed_enabled;
	}
	info = (ib_mlnx_ext_port_info_t){
		.state_change_enable = port->fdr10.state_change,
		.link_speed_supported = port->fdr10.supported,
		.link_speed_enabled = port->fdr10.enabled,
		.link_speed_active = port->fdr10.active,
	};
	memcpy(ask->data, &info, sizeof(info));
	return status;
}
