/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Flat arrays and the maps into them. The arrays grow by doubling and never shrink; a node that is
 * forgotten leaves its number and its ports behind for the next one that fits. Nothing here asks or
 * decides anything.
 */

#include "sm/fabric.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "sm/not-kept.h"
#include "sm/vf.h"

struct reason_text {
	const char *key;
	const char *sentence;
	const char *remedy;
};

static const struct reason_text reasons[REASON_COUNT] = {
#define REASON(name, key, sentence, remedy) { key, sentence, remedy },
#include "sm/reason.def"
#undef REASON
};

const char *reason_key(enum reason reason)
{
	return reasons[reason].key;
}

const char *reason_sentence(enum reason reason)
{
	return reasons[reason].sentence;
}

const char *reason_remedy(enum reason reason)
{
	return reasons[reason].remedy;
}

/* -- arrays -------------------------------------------------------------------------------------
 */

static int make_room(void *array, uint32_t *room, uint32_t needed, size_t size)
{
	uint32_t bigger = MAX(*room, 64);
	void *moved;

	if (needed <= *room)
		return 0;
	while (bigger < needed)
		bigger += bigger / 2;
	moved = reallocarray(*(void **)array, bigger, size);
	if (!moved)
		return -ENOMEM;
	memset((char *)moved + (size_t)*room * size, 0, (size_t)(bigger - *room) * size);
	*(void **)array = moved;
	*room = bigger;

	return 0;
}

int fabric_init(struct fabric *f)
{
	*f = (struct fabric){ .local_port = NO_PORT, .free_node = NO_NODE };
	f->by_lid = malloc((LID_UNICAST_LAST + 1) * sizeof(*f->by_lid));
	if (!f->by_lid)
		return -ENOMEM;
	list_init(&f->absent);
	memset(f->by_lid, 0xff, (LID_UNICAST_LAST + 1) * sizeof(*f->by_lid));

	return 0;
}

static void release_node(struct fabric *f, struct node *node)
{
	for (unsigned i = 0; i <= node->n_ports; i++) {
		struct port *port = &f->ports[port_at(node, i)];

		vfs_forget(f, port_at(node, i));
		free(port->pkeys);
		port->pkeys = NULL;
	}
	if (node->sw) {
		free(node->sw->lft);
		mft_free(node->sw->mft);
	}
	free(node->sw);
	node->sw = NULL;
	not_kept_free(node->not_kept);
	node->not_kept = NULL;
	free(node->fdr10);
	node->fdr10 = NULL;
	free(node->lanes);
	node->lanes = NULL;
}

void fabric_done(struct fabric *f)
{
	for (uint32_t i = 0; i < f->n_nodes; i++)
		release_node(f, &f->nodes[i]);
	guid_map_done(&f->by_node_guid);
	guid_map_done(&f->by_port_guid);
	guid_map_done(&f->by_vf_guid);
	port_set_done(&f->ends);
	port_set_done(&f->with_vfs);
	free(f->nodes);
	free(f->ports);
	free(f->by_lid);
	*f = (struct fabric){ .local_port = NO_PORT, .free_node = NO_NODE };
}

/*
 * The request engine holds pointers to the agents of nodes: their array must not move while it
 * does. So its room for all nodes is reserved at once; untouched pages cost nothing.
 */
static int reserve_nodes(struct fabric *f)
{
	if (f->nodes)
		return 0;
	f->nodes = calloc(FABRIC_MAX_NODES, sizeof(*f->nodes));
	if (!f->nodes)
		return -ENOMEM;

	return 0;
}

/* A forgotten node with room for as many ports, unlinked from the free ones; or NO_NODE. */
static uint32_t take_free_node(struct fabric *f, uint8_t n_ports)
{
	uint32_t *link = &f->free_node;

	while (*link != NO_NODE && f->nodes[*link].room < n_ports)
		link = &f->nodes[*link].seen;
	if (*link == NO_NODE)
		return NO_NODE;

	uint32_t found = *link;

	*link = f->nodes[found].seen;

	return found;
}

static int new_numbers(struct fabric *f, uint8_t n_ports, uint32_t *ret_node, uint32_t *ret_first)
{
	uint32_t node = take_free_node(f, n_ports);

	if (node != NO_NODE) {
		*ret_node = node;
		*ret_first = f->nodes[node].first_port;
		return 0;
	}
	if (f->n_nodes == FABRIC_MAX_NODES)
		return -ENOSPC;
	if (reserve_nodes(f) < 0 ||
	    make_room(&f->ports, &f->ports_room, f->n_ports + n_ports + 1u, sizeof(*f->ports)) < 0)
		return -ENOMEM;
	*ret_node = f->n_nodes++;
	*ret_first = f->n_ports;
	f->nodes[*ret_node].room = n_ports;
	f->n_ports += n_ports + 1u;

	return 0;
}

static int add_ends(struct fabric *f, const struct node *node)
{
	unsigned first = node_is_switch(node) ? 0 : 1;
	int r = 0;

	for (unsigned i = first; r == 0 && i <= first * node->n_ports; i++)
		r = port_set_add(&f->ends, port_at(node, i));

	return r;
}

static void init_ports(struct fabric *f, uint32_t number)
{
	struct node *node = &f->nodes[number];

	for (unsigned i = 0; i <= node->n_ports; i++)
		f->ports[port_at(node, i)] = (struct port){
			.node = number, .peer = NO_PORT, .home = NO_PORT, .number = (uint8_t)i
		};
}

int fabric_add_node(struct fabric *f, uint64_t guid, uint8_t type, uint8_t n_ports, uint32_t *ret)
{
	struct sw *sw = NULL;
	uint32_t number, first;
	int r;

	if (type == NODE_TYPE_SWITCH) {
		sw = calloc(1, sizeof(*sw));
		if (!sw)
			return -ENOMEM;
		sw->index = NO_SWITCH;
	}
	r = new_numbers(f, n_ports, &number, &first);
	if (r < 0) {
		free(sw);
		return r;
	}
	f->nodes[number] = (struct node){
		.guid = guid,
		.type = type,
		.n_ports = n_ports,
		.room = f->nodes[number].room,
		.first_port = first,
		.sw = sw,
	};
	request_sma_init(&f->nodes[number].sma);
	f->nodes[number].sma.owner = number;
	list_add_tail(&f->absent, &f->nodes[number].absent);
	init_ports(f, number);
	r = guid_map_put(&f->by_node_guid, guid, number);
	if (r == 0)
		r = add_ends(f, &f->nodes[number]);
	if (r < 0) {
		fabric_forget_node(f, number);
		return r;
	}
	*ret = number;

	return 0;
}

void fabric_node_came(struct node *node)
{
	node->present = true;
	list_remove(&node->absent);
}

void fabric_node_went(struct fabric *f, struct node *node)
{
	node->present = false;
	list_remove(&node->absent);
	list_add_tail(&f->absent, &node->absent);
}

/* Nobody last hung on a port of this node: the numbers will be somebody else's. */
static void forget_home(struct fabric *f, const struct node *node)
{
	for (uint32_t i = 0; i < f->n_ports; i++)
		if (f->ports[i].home != NO_PORT && f->ports[i].home >= node->first_port &&
		    f->ports[i].home <= node->first_port + node->n_ports)
			f->ports[i].home = NO_PORT;
}

static void forget_lids(struct fabric *f, uint32_t port)
{
	unsigned first = f->ports[port].lid;
	unsigned end = first + (1u << f->ports[port].lmc);

	for (unsigned lid = first; lid < end && lid <= LID_UNICAST_LAST; lid++)
		if (f->by_lid[lid] == port)
			f->by_lid[lid] = NO_PORT;
}

void fabric_forget_node(struct fabric *f, uint32_t number)
{
	struct node *node = &f->nodes[number];

	for (unsigned i = 0; i <= node->n_ports; i++) {
		uint32_t port = port_at(node, i);

		fabric_disconnect(f, port);
		forget_lids(f, port);
		if (guid_map_get(&f->by_port_guid, f->ports[port].guid) == port)
			guid_map_remove(&f->by_port_guid, f->ports[port].guid);
		port_set_remove(&f->ends, port);
	}
	if (guid_map_get(&f->by_node_guid, node->guid) == number)
		guid_map_remove(&f->by_node_guid, node->guid);
	forget_home(f, node);
	release_node(f, node);
	init_ports(f, number);
	node->guid = 0;
	node->twins_until = 0;
	node->present = false;
	list_remove(&node->absent);
	node->seen = f->free_node;
	f->free_node = number;
}

/* -- looking up ---------------------------------------------------------------------------------
 */

uint32_t fabric_find_node(const struct fabric *f, uint64_t guid)
{
	return guid_map_get(&f->by_node_guid, guid);
}

uint32_t fabric_find_port(const struct fabric *f, uint64_t guid)
{
	return guid_map_get(&f->by_port_guid, guid);
}

uint32_t fabric_find_lid(const struct fabric *f, unsigned lid)
{
	return lid <= LID_UNICAST_LAST ? f->by_lid[lid] : NO_PORT;
}

/* -- links --------------------------------------------------------------------------------------
 */

void fabric_disconnect(struct fabric *f, uint32_t port)
{
	uint32_t peer = f->ports[port].peer;

	if (peer == NO_PORT)
		return;
	f->ports[peer].peer = NO_PORT;
	f->ports[port].peer = NO_PORT;
}

void fabric_connect(struct fabric *f, uint32_t a, uint32_t b)
{
	if (f->ports[a].peer == b)
		return;
	fabric_disconnect(f, a);
	fabric_disconnect(f, b);
	f->ports[a].peer = f->ports[a].home = b;
	f->ports[b].peer = f->ports[b].home = a;
}

uint32_t fabric_last_at(const struct fabric *f, uint32_t port)
{
	uint32_t home = f->ports[port].home;

	if (home == NO_PORT || f->ports[home].home != port || f->ports[home].peer != NO_PORT ||
	    f->ports[port].peer != NO_PORT)
		return NO_PORT;

	return home;
}

/* -- ports --------------------------------------------------------------------------------------
 */

uint16_t port_held_lid(const struct port *port)
{
	return (uint16_t)wire_get(port->info, PORT_INFO_LID);
}

uint16_t port_lid(const struct fabric *f, uint32_t port)
{
	const struct node *node = node_of(f, port);

	return f->ports[node_is_switch(node) ? port_at(node, 0) : port].lid;
}

unsigned port_width(const struct port *port)
{
	switch (wire_get(port->info, PORT_INFO_WIDTH_ACTIVE)) {
	case 1:
		return 1;
	case 2:
		return 4;
	case 4:
		return 8;
	case 8:
		return 12;
	case 16:
		return 2;
	default:
		return 0;
	}
}

/* Row of the table of speeds: the extended speed if the link runs at one, else the first kind. */
static unsigned speed_of(const struct port *port)
{
	switch (wire_get(port->info, PORT_INFO_SPEED_EXT_ACTIVE)) {
	case 1:
		return 4;
	case 2:
		return 5;
	case 4:
		return 6;
	case 8:
		return 7;
	default:
		break;
	}
	switch (wire_get(port->info, PORT_INFO_SPEED_ACTIVE)) {
	case 1:
		return 1;
	case 2:
		return 2;
	case 4:
		return 3;
	default:
		return 0;
	}
}

const char *port_speed_name(const struct port *port)
{
	static const char *const names[] = { "", "SDR", "DDR", "QDR", "FDR", "EDR", "HDR", "NDR" };

	return port->fdr10 ? "FDR10" : names[speed_of(port)];
}

/* Rate codes of PathRecord and MCMemberRecord, by speed and width (IBA 15.2.5.16, table 206). */
unsigned port_rate(const struct port *port)
{
	/* clang-format off */
	static const uint8_t rates[8][13] = {
		/*          1x        2x        4x              8x               12x */
		[1] = { [1] = 2,  [2] = 5, [4] = 3,   [8] = 6,   [12] = 4 },  /* 2.5  5  10  20  30 */
		[2] = { [1] = 5,  [2] = 3, [4] = 6,   [8] = 7,   [12] = 8 },  /* 5   10  20  40  60 */
		[3] = { [1] = 3,  [2] = 6, [4] = 7,   [8] = 9,   [12] = 10 }, /* 10  20  40  80 120 */
		[4] = { [1] = 11, [2] = 19, [4] = 12, [8] = 13,  [12] = 14 }, /* 14  28  56 112 168 */
		[5] = { [1] = 15, [2] = 20, [4] = 16, [8] = 17,  [12] = 18 }, /* 25  50 100 200 300 */
		[6] = { [1] = 20, [2] = 16, [4] = 17, [8] = 21,  [12] = 22 }, /* 50 100 200 400 600 */
		[7] = { [1] = 16, [2] = 17, [4] = 21, [8] = 23,  [12] = 24 }, /* 100 200 400 800 1200 */
	};
	/* clang-format on */
	unsigned width = port_width(port);

	return width <= 12 ? rates[speed_of(port)][width] : 0;
}

static unsigned highest_bit(uint64_t bits)
{
	return bits ? 63 - (unsigned)__builtin_clzll(bits) : 0;
}

/* Widths by lanes: the bit for 2X (16) is the highest, but not the widest. */
static unsigned lanes_of(uint64_t bits)
{
	static const uint8_t lanes[] = { 1, 4, 8, 12, 2 };
	unsigned most = 0;

	for (unsigned i = 0; i < COUNT(lanes); i++)
		if (bits >> i & 1)
			most = MAX(most, lanes[i]);

	return most;
}

static uint64_t common(const struct port *a, const struct port *b, enum wire_field field)
{
	return wire_get(a->info, field) & wire_get(b->info, field);
}

bool port_could_be_faster(const struct port *port, const struct port *far)
{
	uint64_t ext = common(port, far, PORT_INFO_SPEED_EXT_SUPPORTED);
	uint64_t ext_active = wire_get(port->info, PORT_INFO_SPEED_EXT_ACTIVE);
	uint64_t base = common(port, far, PORT_INFO_SPEED_SUPPORTED);

	if (!port->known || !far->known)
		return false;
	if (lanes_of(common(port, far, PORT_INFO_WIDTH_SUPPORTED)) > port_width(port))
		return true;
	if (ext)
		return highest_bit(ext) + 1 > highest_bit(ext_active) + (ext_active != 0);

	return base && ext_active == 0 &&
	       highest_bit(base) > highest_bit(wire_get(port->info, PORT_INFO_SPEED_ACTIVE));
}

void copy_description(char ret[static SMP_DATA_SIZE + 1], const uint8_t bytes[static SMP_DATA_SIZE])
{
	unsigned n = 0;

	while (n < SMP_DATA_SIZE && bytes[n] != 0) {
		ret[n] = (char)(isprint(bytes[n]) ? bytes[n] : '?');
		n++;
	}
	while (n > 0 && ret[n - 1] == ' ')
		n--;
	ret[n] = 0;
}

void node_set_description(struct node *node, const uint8_t bytes[static SMP_DATA_SIZE])
{
	copy_description(node->description, bytes);
	node->described = true;
}

int pkey_table_set_block(struct pkey_table **table, unsigned block,
			 const uint8_t bytes[static SMP_DATA_SIZE])
{
	unsigned end = (block + 1) * PKEY_BLOCK;
	unsigned known = *table ? (*table)->n_known : 0;
	bool rest_empty = *table && (*table)->rest_empty;

	if (end > known) {
		struct pkey_table *bigger =
			realloc(*table, sizeof(*bigger) + end * sizeof(bigger->keys[0]));

		if (!bigger)
			return -ENOMEM;
		memset(&bigger->keys[known], 0, (end - known) * sizeof(bigger->keys[0]));
		bigger->n_known = (uint16_t)end;
		bigger->rest_empty = rest_empty;
		*table = bigger;
	}
	for (unsigned i = 0; i < PKEY_BLOCK; i++)
		(*table)->keys[block * PKEY_BLOCK + i] = wire_get16(bytes, i);

	return 0;
}
