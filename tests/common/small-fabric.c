/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The fabric of small-fabric.h. GUIDs and LIDs are written down here and nowhere computed, so that
 * a test can say by heart what an answer must be.
 */

#include "tests/common/small-fabric.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "routing/engine.h"

struct plan {
	const char *name;
	uint64_t node_guid;
	uint64_t guid;
	uint16_t lid;
	uint8_t type;
	uint8_t number;
	uint8_t switch_port; /* of the switch below, where the cable goes */
	enum small_port at;
	uint16_t keys[SMALL_KEYS];
};

/* clang-format off */
static const struct plan plans[SMALL_COUNT] = {
	[SMALL_WEST] =    { "west",  0xa0, 0xa0, 1,    NODE_TYPE_SWITCH, 0, 0, SMALL_WEST, { 0xffff } },
	[SMALL_EAST] =    { "east",  0xb0, 0xb0, 2,    NODE_TYPE_SWITCH, 0, 0, SMALL_EAST, { 0xffff } },
	[SMALL_ALPHA] =   { "alpha", 0x10, 0x11, 0x10, NODE_TYPE_CA, 1, 1, SMALL_WEST, { 0xffff, 0, 0x8001 } },
	[SMALL_BETA] =    { "beta",  0x20, 0x21, 0x20, NODE_TYPE_CA, 1, 2, SMALL_WEST, { 0x7fff } },
	[SMALL_GAMMA] =   { "gamma", 0x30, 0x31, 0x30, NODE_TYPE_CA, 1, 1, SMALL_EAST, { 0xffff, 0x8001 } },
	[SMALL_DELTA_1] = { "delta", 0x40, 0x41, 0x40, NODE_TYPE_CA, 1, 3, SMALL_WEST, { 0xffff } },
	[SMALL_DELTA_2] = { "delta", 0x40, 0x42, 0x42, NODE_TYPE_CA, 2, 2, SMALL_EAST, { 0xffff } },
};
/* clang-format on */

static uint8_t route(const void *user, uint32_t node, unsigned lid)
{
	const struct small_fabric *small = user;
	const struct fabric *f = &small->fabric;
	uint32_t end = fabric_find_lid(f, lid);

	if (end == NO_PORT || lid == small->lost_lid)
		return ROUTE_NONE;
	if (small->loops)
		return SMALL_TRUNK;
	if (f->ports[end].node == node)
		return 0;
	if (f->ports[end].peer != NO_PORT && f->ports[f->ports[end].peer].node == node)
		return f->ports[f->ports[end].peer].number;

	return SMALL_TRUNK;
}

static unsigned pkeys(const void *user, struct endpoint e, uint16_t *ret, unsigned room)
{
	const struct small_fabric *small = user;

	if (e.index > 0 && small->vf_key && room > 0) {
		ret[0] = small->vf_key;
		return 1;
	}
	for (size_t i = 0; i < SMALL_COUNT; i++) {
		if (small->port[i] != e.port)
			continue;
		for (unsigned k = 0; k < MIN(room, SMALL_KEYS); k++)
			ret[k] = small->keys[i][k];
		return SMALL_KEYS;
	}

	return 0;
}

static bool peer(const void *user, unsigned n, struct sm_peer *ret)
{
	const struct small_fabric *small = user;

	if (n >= SMALL_PEERS)
		return false;
	*ret = small->peers[n];

	return true;
}

/* Level i travels on lane i + (number of the port that it leaves by), of four. */
static bool sltovl(const void *user, uint32_t out, unsigned in, uint8_t *ret)
{
	const struct small_fabric *small = user;
	const struct port *port = &small->fabric.ports[out];

	if (port->peer == NO_PORT || in == port->number)
		return false;
	for (unsigned i = 0; i < 8; i++)
		ret[i] =
			(uint8_t)((2 * i + port->number) % 4 << 4 | (2 * i + 1 + port->number) % 4);

	return true;
}

static bool vl_arbitration(const void *user, uint32_t out, unsigned block, uint8_t *ret)
{
	const struct small_fabric *small = user;

	if (small->fabric.ports[out].peer == NO_PORT || block % 2 == 0)
		return false;
	memset(ret, (int)(block == 1 ? small->fabric.ports[out].number : 0), SMP_DATA_SIZE);

	return true;
}

static void fill_info(struct port *port, uint16_t lid, uint8_t lmc)
{
	port->known = true;
	port->present = true;
	wire_set(port->info, PORT_INFO_MKEY, SMALL_MKEY);
	wire_set(port->info, PORT_INFO_PREFIX, SMALL_PREFIX);
	wire_set(port->info, PORT_INFO_LID, lid);
	wire_set(port->info, PORT_INFO_LMC, lmc);
	wire_set(port->info, PORT_INFO_LOCAL_PORT, port->number);
	wire_set(port->info, PORT_INFO_CAPABILITIES, 0x00104068);
	wire_set(port->info, PORT_INFO_STATE, PORT_DOWN);
	wire_set(port->info, PORT_INFO_MTU_CAP, CONF_MTU_4096);
}

static void fill_link(struct port *port)
{
	wire_set(port->info, PORT_INFO_STATE, PORT_ACTIVE);
	wire_set(port->info, PORT_INFO_PHYS_STATE, PHYS_LINK_UP);
	wire_set(port->info, PORT_INFO_NEIGHBOR_MTU, CONF_MTU_4096);
	wire_set(port->info, PORT_INFO_WIDTH_ACTIVE, 2);
	wire_set(port->info, PORT_INFO_SPEED_ACTIVE, 4);
	wire_set(port->info, PORT_INFO_SPEED_EXT_ACTIVE, 2);
}

static void make_slow(struct port *port)
{
	wire_set(port->info, PORT_INFO_NEIGHBOR_MTU, CONF_MTU_1024);
	wire_set(port->info, PORT_INFO_WIDTH_ACTIVE, 1);
	wire_set(port->info, PORT_INFO_SPEED_ACTIVE, 1);
	wire_set(port->info, PORT_INFO_SPEED_EXT_ACTIVE, 0);
}

static int add_node(struct small_fabric *small, const struct plan *plan, uint32_t *ret)
{
	struct fabric *f = &small->fabric;
	bool is_switch = plan->type == NODE_TYPE_SWITCH;
	int r;

	*ret = fabric_find_node(f, plan->node_guid);
	if (*ret != NO_NODE)
		return 0;
	r = fabric_add_node(f, plan->node_guid, plan->type, is_switch ? SMALL_TRUNK : 2, ret);
	if (r < 0)
		return r;
	f->nodes[*ret].present = true;
	f->nodes[*ret].system_guid = plan->node_guid + 0x1000;
	f->nodes[*ret].vendor_id = 0x0002c9;
	f->nodes[*ret].device_id = 0x1234;
	f->nodes[*ret].revision = 0xa1;
	f->nodes[*ret].partition_cap = 128;
	memcpy(f->nodes[*ret].description, plan->name, strlen(plan->name));
	for (unsigned i = is_switch ? 0 : 1; i <= f->nodes[*ret].n_ports; i++)
		fill_info(&f->ports[port_at(&f->nodes[*ret], i)], is_switch && i ? 0 : plan->lid,
			  is_switch ? 0 : 1);

	return 0;
}

static int add_end(struct small_fabric *small, enum small_port which)
{
	const struct plan *plan = &plans[which];
	struct fabric *f = &small->fabric;
	uint32_t number;
	int r = add_node(small, plan, &number);

	if (r < 0)
		return r;
	small->port[which] = port_at(&f->nodes[number], plan->number);
	small->guid[which] = plan->guid;
	small->lid[which] = plan->lid;
	memcpy(small->keys[which], plan->keys, sizeof(plan->keys));

	struct port *port = &f->ports[small->port[which]];

	port->guid = plan->guid;
	port->lid = plan->lid;
	port->lmc = plan->type == NODE_TYPE_SWITCH ? 0 : 1;
	wire_set(port->info, PORT_INFO_LID, plan->lid);
	for (unsigned i = 0; i < 1u << port->lmc; i++)
		f->by_lid[plan->lid + i] = small->port[which];

	return guid_map_put(&f->by_port_guid, plan->guid, small->port[which]);
}

static void plug(struct small_fabric *small, uint32_t a, uint32_t b)
{
	fabric_connect(&small->fabric, a, b);
	fill_link(&small->fabric.ports[a]);
	fill_link(&small->fabric.ports[b]);
}

static void connect_all(struct small_fabric *small)
{
	for (size_t i = SMALL_ALPHA; i < SMALL_COUNT; i++)
		plug(small, small->port[i], small->port[plans[i].at] + plans[i].switch_port);
	plug(small, small->port[SMALL_WEST] + SMALL_TRUNK, small->port[SMALL_EAST] + SMALL_TRUNK);
	make_slow(&small->fabric.ports[small->port[SMALL_DELTA_2]]);
	make_slow(&small->fabric.ports[small->port[SMALL_EAST] + 2]);
}

/* A group with MLID 0xc022, at ports 1 and 36. */
static int fill_multicast(struct sw *sw)
{
	uint8_t cell[SMP_DATA_SIZE] = { 0 };
	int r = mft_make_room(&sw->mft, SMALL_TRUNK, 3, true);

	wire_set16(cell, 2, 1u << 1);
	if (r == 0)
		r = mft_cell_set(mft_cell_at(sw->mft, 1, 0), cell);
	wire_set16(cell, 2, 1u << (SMALL_TRUNK - 2 * MFT_PORTS));
	if (r == 0)
		r = mft_cell_set(mft_cell_at(sw->mft, 1, 2), cell);

	return r;
}

/* 128 LIDs, as route() has them, and SwitchInfo. */
static int fill_switch(struct small_fabric *small, enum small_port which)
{
	struct node *node = node_of(&small->fabric, small->port[which]);
	struct sw *sw = node->sw;
	uint32_t number = small->fabric.ports[small->port[which]].node;

	sw->lft = malloc(2 * LFT_BLOCK);
	if (!sw->lft)
		return -ENOMEM;
	sw->lft_size = 2 * LFT_BLOCK;
	sw->lft_known[0] = 3;
	sw->index = which;
	for (unsigned lid = 0; lid < sw->lft_size; lid++)
		sw->lft[lid] = route(small, number, lid);
	wire_set(sw->info, SWITCH_INFO_LINEAR_CAP, 0xc000);
	wire_set(sw->info, SWITCH_INFO_MULTICAST_CAP, 0x400);
	wire_set(sw->info, SWITCH_INFO_LINEAR_TOP, which == SMALL_WEST ? 0x7f : 0x43);
	wire_set(sw->info, SWITCH_INFO_DEFAULT_PORT, 0xff);
	wire_set(sw->info, SWITCH_INFO_LIFE_TIME, 18);
	wire_set(sw->info, SWITCH_INFO_ENFORCE_CAP, 64);
	wire_set(sw->info, SWITCH_INFO_INBOUND, 1);
	wire_set(sw->info, SWITCH_INFO_OUTBOUND, which == SMALL_EAST);
	wire_set(sw->info, SWITCH_INFO_RAW_INBOUND, which == SMALL_WEST);
	wire_set(sw->info, SWITCH_INFO_ENHANCED_PORT0, 1);
	wire_set(sw->info, SWITCH_INFO_MULTICAST_TOP, 0xc01f);

	return fill_multicast(sw);
}

/* What devices hold is what is planned; and gamma has a second block. */
static int fill_keys(struct small_fabric *small)
{
	uint8_t block[SMP_DATA_SIZE] = { 0 };
	int r = 0;

	for (size_t i = 0; i < SMALL_COUNT && r == 0; i++) {
		for (unsigned k = 0; k < SMALL_KEYS; k++)
			wire_set16(block, k, small->keys[i][k]);
		r = pkey_table_set_block(&small->fabric.ports[small->port[i]].pkeys, 0, block);
	}
	memset(block, 0, sizeof(block));
	if (r == 0)
		r = pkey_table_set_block(&small->fabric.ports[small->port[SMALL_GAMMA]].pkeys, 1,
					 block);

	return r;
}

static int add_aliases(struct small_fabric *small)
{
	struct fabric *f = &small->fabric;
	uint32_t gamma = small->port[SMALL_GAMMA];

	wire_set(f->ports[gamma].info, PORT_INFO_GUID_CAP, SMALL_GUIDS);
	if (vfs_make(f, gamma, VF_SHARED, SMALL_GUIDS) < 0)
		return -ENOMEM;
	vf_set_guid(f, (struct endpoint){ gamma, 1 }, SMALL_ALIAS_1);
	vf_set_guid(f, (struct endpoint){ gamma, 9 }, SMALL_ALIAS_9);

	return vfs_settle_guids(f);
}

static void add_peers(struct small_fabric *small)
{
	small->peers[0] = (struct sm_peer){
		.guid = small->guid[SMALL_GAMMA],
		.lid = small->lid[SMALL_GAMMA],
		.priority = 3,
		.state = SM_STANDBY,
	};
	small->peers[1] = (struct sm_peer){
		.guid = small->guid[SMALL_DELTA_1],
		.lid = small->lid[SMALL_DELTA_1],
		.priority = 2,
		.state = SM_NOT_ACTIVE,
	};
}

int small_fabric_init(struct small_fabric *small)
{
	int r;

	memset(small, 0, sizeof(*small));
	r = fabric_init(&small->fabric);
	for (size_t i = 0; i < SMALL_COUNT && r == 0; i++)
		r = add_end(small, (enum small_port)i);
	if (r == 0)
		r = add_aliases(small);
	if (r == 0)
		r = fill_keys(small);
	if (r < 0) {
		fabric_done(&small->fabric);
		return r;
	}
	connect_all(small);
	r = fill_switch(small, SMALL_WEST);
	if (r == 0)
		r = fill_switch(small, SMALL_EAST);
	if (r < 0) {
		fabric_done(&small->fabric);
		return r;
	}
	add_peers(small);
	small->fabric.local_port = small->port[SMALL_ALPHA];
	wire_set(small_fabric_info(small, SMALL_ALPHA, 1), PORT_INFO_CAPABILITIES, 0x0010406a);
	wire_set(small_fabric_info(small, SMALL_GAMMA, 1), PORT_INFO_CAPABILITIES, 0x0018406a);

	conf_init_defaults(&small->conf);
	small->conf.subnet_prefix = SMALL_PREFIX;
	small->conf.priority = 7;
	small->conf.m_key = SMALL_MKEY;
	small->view = (struct admin_view){
		.fabric = &small->fabric,
		.conf = &small->conf,
		.act_count = 4711,
		.sm_state = SM_MASTER,
		.room = ADMIN_MAX_RECORDS,
		.user = small,
		.route = route,
		.pkeys = pkeys,
		.sltovl = sltovl,
		.vl_arbitration = vl_arbitration,
		.peer = peer,
	};

	return 0;
}

void small_fabric_done(struct small_fabric *small)
{
	fabric_done(&small->fabric);
}

uint8_t *small_fabric_info(struct small_fabric *small, enum small_port end, unsigned number)
{
	const struct node *node = node_of(&small->fabric, small->port[end]);

	return small->fabric.ports[port_at(node, number)].info;
}
