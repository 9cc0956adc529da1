/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What a device is, and what its ports hold now: asked of vsm-sim by control messages that know all
 * ports and virtual functions, and of ibsim, whose messages about GUIDs are wrong and
 * about P_Keys short, by SMPs to the port's own SMA.
 */

#include "tests/umad/device-inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SMA_NODE_DESCRIPTION = 0x10,
	SMA_NODE_INFO = 0x11,
	SMA_GUID_INFO = 0x14,
	SMA_PKEY_TABLE = 0x16,
	GUIDS_IN_BLOCK = 8,
	PKEYS_IN_BLOCK = 32,
	GIDS_AT_ONCE = 4,
};

static int ask_stream(struct link *link, struct device_info *info)
{
	struct stream_node node = { 0 };
	int error = link_control(link, STREAM_CTL_GET_NODE, &node, sizeof(node));

	if (error)
		return error;
	memcpy(info->description, node.description, sizeof(node.description));
	info->port_guid = node.guid;
	info->n_ports = node.n_ports;
	info->smi = (enum stream_smi)node.smi;

	return link_control(link, IBSIM_CTL_GET_NODEINFO, info->node_info, sizeof(info->node_info));
}

/* What ibsim's control messages say of GUIDs is not so; its SMA knows better. */
static int ask_ibsim(struct link *link, struct device_info *info)
{
	uint8_t description[64] = { 0 };
	int error = link_ask_sma(link, SMA_NODE_INFO, 0, info->node_info);

	if (!error)
		error = link_ask_sma(link, SMA_NODE_DESCRIPTION, 0, description);
	if (error)
		return error;
	memcpy(info->description, description, sizeof(description));
	info->port_guid = get64(info->node_info + 20);
	info->n_ports = 1;

	return 0;
}

int device_ask(struct link *link, struct device_info *info)
{
	const char *name = getenv("VSM_UMAD_DEVICE");
	int error;

	*info = (struct device_info){ 0 };
	error = link->stream ? ask_stream(link, info) : ask_ibsim(link, info);
	if (error)
		return error;
	/* libibumad takes 19 characters. */
	snprintf(info->name, 20, "%s", name && *name && !strchr(name, '/') ? name : "ibsim0");
	info->type = info->node_info[2];
	info->first_port = info->type == 2 ? 0 : link->stream ? 1 : MAX(info->node_info[36], 1);
	info->first_port = MIN(info->first_port, DEVICE_PORTS);
	if (info->type == 2 || !info->n_ports)
		info->n_ports = 1;
	if (info->n_ports > DEVICE_PORTS + 1 - info->first_port)
		info->n_ports = (uint8_t)(DEVICE_PORTS + 1 - info->first_port);

	return 0;
}

/* Any connection can be asked about all ports. */
static struct device_port *some_port(unsigned number)
{
	if (number <= DEVICE_PORTS && device.ports[number])
		return device.ports[number];
	for (unsigned i = 0; i <= DEVICE_PORTS; i++)
		if (device.ports[i])
			return device.ports[i];

	return NULL;
}

/* As a control message names it: 0 is the port that we are attached to. */
static uint8_t number_at(const struct device_port *port, unsigned number)
{
	return device.ports[number] == port ? 0 : (uint8_t)number;
}

int device_port_info(unsigned number, uint8_t ret[64])
{
	struct device_port *port = some_port(number);

	if (!port)
		return -ENODEV;
	memset(ret, 0, 64);
	ret[0] = number_at(port, number);

	return link_control(port->link, IBSIM_CTL_GET_PORTINFO, ret, 64);
}

static int stream_gid(struct device_port *port, unsigned number, unsigned index,
		      uint8_t ret_gid[16], unsigned *ret_size)
{
	struct stream_table table = {
		.port = number_at(port, number),
		.first = (uint16_t)(index - index % GIDS_AT_ONCE),
	};
	int error = link_control(port->link, STREAM_CTL_GET_GIDS, &table, sizeof(table));

	if (error)
		return error;
	memcpy(ret_gid, table.gids[index % GIDS_AT_ONCE], 16);
	*ret_size = table.size;

	return 0;
}

int device_gid(unsigned number, unsigned index, uint8_t ret_gid[16], unsigned *ret_size)
{
	struct device_port *port = some_port(number);
	uint8_t info[64], guids[64] = { 0 };
	uint64_t guid;
	int error;

	if (!port)
		return -ENODEV;
	if (port->link->stream)
		return stream_gid(port, number, index, ret_gid, ret_size);
	error = device_port_info(number, info);
	if (error)
		return error;
	/* GUID 0 is the port's own, whatever the table says. */
	if (index) {
		error = link_ask_sma(port->link, SMA_GUID_INFO, index / GUIDS_IN_BLOCK, guids);
		if (error)
			return error;
	}
	guid = index ? get64(guids + 8 * (index % GUIDS_IN_BLOCK)) : device.info.port_guid;
	memset(ret_gid, 0, 16);
	if (guid) {
		memcpy(ret_gid, info + 8, 8);
		if (!get64(ret_gid))
			put64(ret_gid, UINT64_C(0xfe80000000000000));
		put64(ret_gid + 8, guid);
	}
	*ret_size = MAX(info[50], 1);

	return 0;
}

int device_pkey(unsigned number, unsigned index, uint16_t *ret_pkey, unsigned *ret_size)
{
	struct device_port *port = some_port(number);
	struct stream_table table = { .first = (uint16_t)(index / PKEYS_IN_BLOCK) };
	int error;

	if (!port)
		return -ENODEV;
	table.port = number_at(port, number);
	if (port->link->stream) {
		error = link_control(port->link, STREAM_CTL_GET_PKEYS, &table, sizeof(table));
	} else {
		error = link_ask_sma(port->link, SMA_PKEY_TABLE, table.first,
				     (uint8_t *)table.pkeys);
		table.size = get16(device.info.node_info + 28);
	}
	if (error)
		return error;
	*ret_pkey = get16(table.pkeys[index % PKEYS_IN_BLOCK]);
	*ret_size = MAX(table.size, 1);

	return 0;
}
