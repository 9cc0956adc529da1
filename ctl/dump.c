/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What opensm writes into its dump directory, word for word where programs read it: ibdmchk takes
 * the subnet, the routes and the multicast routes, opensm's "file" engine and ibroute's readers
 * take opensm-lfts.dump. Two things are as they should be and not as opensm has them: the device ID
 * of a link's far end in its right byte order, and speeds that opensm has no word for.
 *
 * A path's hops are those of the route itself, a hop into an adapter included; "Optimal" says
 * whether there is a shorter way at all. Hops of all LIDs are found along the tables, each from
 * that of the next switch, so that every entry is looked at once; a route that ends nowhere or in a
 * loop has none, and the LID is unreachable.
 *
 * Multicast groups have no routes yet: their file is empty, which ibdmchk reads as "none".
 */

#include "ctl/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ctl/dump-file.h"
#include "ctl/dump-picture.h"
#include "sm/sm.h"

#define HOPS_UNKNOWN 0xff
#define HOPS_NONE    0xfe /* it does not get there */
#define HOPS_MAX     64

/* -- opensm-subnet.lst --------------------------------------------------------------------------
 */

static const char *type_word(uint8_t type)
{
	return type == NODE_TYPE_SWITCH ? "SW" : type == NODE_TYPE_ROUTER ? "Rt" : "CA";
}

/* Braces are what ends a description for a reader. */
static void put_description(struct dump_file *file, const char *description)
{
	char text[SMP_DATA_SIZE + 1];
	size_t n = strlen(description);

	for (size_t i = 0; i <= n; i++)
		text[i] = description[i] == '{' || description[i] == '}' ? '_' : description[i];
	dump_text(file, text);
}

static void put_end(struct dump_file *file, const struct picture *p, uint32_t number,
		    unsigned vendor_digits)
{
	const struct picture_port *port = &p->ports[number];
	const struct picture_node *node = &p->nodes[port->node];

	dump_text(file, "{ ");
	dump_text(file, type_word(node->type));
	dump_text(file, port->sm ? "-SM Ports:" : " Ports:");
	dump_hex_upper(file, node->n_ports, 2);
	dump_text(file, " SystemGUID:");
	dump_hex(file, node->system_guid, 16);
	dump_text(file, " NodeGUID:");
	dump_hex(file, node->guid, 16);
	dump_text(file, " PortGUID:");
	dump_hex(file, port->guid, 16);
	dump_text(file, " VenID:");
	dump_hex_upper(file, node->vendor_id, vendor_digits);
	dump_text(file, " DevID:");
	dump_hex_upper(file, node->device_id, 4);
	dump_text(file, " Rev:");
	dump_hex_upper(file, node->revision, 8);
	dump_text(file, " {");
	put_description(file, node->description);
	dump_text(file, "} LID:");
	dump_hex_upper(file, port->lid, 4);
	dump_text(file, " PN:");
	dump_hex_upper(file, port->number, 2);
	dump_text(file, " } ");
}

static const char *state_word(uint8_t state)
{
	static const char *const words[] = { "???", "DWN", "INI", "ARM", "ACT" };

	return state < COUNT(words) ? words[state] : "???";
}

/* Gbit/s of a lane, as opensm counts them. */
static const char *speed_word(const char *name)
{
	static const char *const words[][2] = {
		{ "SDR", "2.5" }, { "DDR", "5" },  { "QDR", "10" }, { "FDR10", "FDR10" },
		{ "FDR", "14" },  { "EDR", "25" }, { "HDR", "50" }, { "NDR", "100" },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (strcmp(name, words[i][0]) == 0)
			return words[i][1];

	return "??";
}

static void put_link(struct dump_file *file, const struct picture *p, uint32_t number)
{
	const struct picture_port *port = &p->ports[number];

	put_end(file, p, number, 6);
	put_end(file, p, port->peer, 8);
	dump_text(file, "PHY=");
	if (port->width)
		dump_decimal(file, port->width, 1);
	else
		dump_text(file, "??");
	dump_text(file, "x LOG=");
	dump_text(file, state_word(port->state));
	dump_text(file, " SPD=");
	dump_text(file, speed_word(port->speed));
	dump_text(file, "\n");
}

static int put_subnet(struct dump_file *file, const struct picture *p)
{
	for (uint32_t i = 0; i < p->n_order; i++) {
		const struct picture_node *node = &p->nodes[p->order[i]];

		for (unsigned k = 1; k <= node->n_ports; k++)
			if (p->ports[node->first_port + k].peer != NO_PORT)
				put_link(file, p, node->first_port + k);
	}

	return 0;
}

/* -- opensm-lfts.dump ---------------------------------------------------------------------------
 */

static void put_table_head(struct dump_file *file, const struct picture *p, uint32_t row)
{
	const struct picture_node *node = &p->nodes[p->switches[row]];

	dump_text(file, "Unicast lids [0-");
	dump_decimal(file, p->max_lid, 1);
	dump_text(file, "] of switch Lid ");
	dump_decimal(file, p->ports[node->first_port].lid, 1);
	dump_text(file, " guid 0x");
	dump_hex(file, node->guid, 16);
	dump_text(file, " ('");
	dump_text(file, node->description);
	dump_text(file, "'):\n");
}

/* What follows exit and LID is the same in every table. */
static void put_owner(struct dump_file *file, const struct picture *p, uint32_t owner)
{
	static const char *const words[] = {
		[NODE_TYPE_CA] = " # Channel Adapter portguid 0x",
		[NODE_TYPE_SWITCH] = " # Switch portguid 0x",
		[NODE_TYPE_ROUTER] = " # Router portguid 0x",
	};
	const struct picture_node *node = &p->nodes[p->ports[owner].node];

	dump_text(file, words[node->type]);
	dump_hex(file, p->ports[owner].guid, 16);
	dump_text(file, ": '");
	dump_text(file, node->description);
	dump_text(file, "'\n");
}

static int put_tables(struct dump_file *file, const struct picture *p)
{
	for (uint32_t row = 0; row < p->n_switches; row++) {
		const uint8_t *exits = picture_table(p, row);
		uint32_t n = 0;

		put_table_head(file, p, row);
		for (uint32_t lid = 1; lid <= p->max_lid; lid++) {
			if (exits[lid] == ROUTE_NONE || p->owners[lid] == NO_PORT)
				continue;
			dump_text(file, "0x");
			dump_hex(file, lid, 4);
			dump_text(file, " ");
			dump_decimal(file, exits[lid], 3);
			put_owner(file, p, p->owners[lid]);
			n++;
		}
		dump_decimal(file, n, 1);
		dump_text(file, " lids dumped\n");
	}

	return 0;
}

/* -- opensm.fdbs --------------------------------------------------------------------------------
 */

/* Hops by row and LID, and the least between switches by row and row. */
struct lengths {
	uint8_t *hops;
	uint8_t *least;
};

static void lengths_done(struct lengths *lengths)
{
	free(lengths->hops);
	free(lengths->least);
}

static uint8_t *hops_at(const struct picture *p, const struct lengths *lengths, uint32_t row,
			uint32_t lid)
{
	return &lengths->hops[(size_t)row * (p->max_lid + 1) + lid];
}

/* Hops if the packet leaves the switches here, else HOPS_UNKNOWN and the row where it goes on. */
static uint8_t step(const struct picture *p, uint32_t row, uint32_t lid, uint32_t *ret_next)
{
	const struct picture_node *node = &p->nodes[p->switches[row]];
	uint8_t exit = picture_table(p, row)[lid];
	uint32_t owner = p->owners[lid];

	if (exit == ROUTE_NONE || owner == NO_PORT || exit > node->n_ports)
		return HOPS_NONE;
	if (exit == 0)
		return p->ports[owner].node == p->switches[row] ? 0 : HOPS_NONE;
	*ret_next = picture_next(p, row, exit);
	if (*ret_next != NO_SWITCH)
		return HOPS_UNKNOWN;

	return p->ports[node->first_port + exit].peer == owner ? 1 : HOPS_NONE;
}

/* Go on until the rest of the way is known, then tell everyone on the way back. */
static void follow(const struct picture *p, const struct lengths *lengths, uint32_t row,
		   uint32_t lid)
{
	uint32_t way[HOPS_MAX];
	unsigned n = 0;
	uint8_t hops = *hops_at(p, lengths, row, lid);

	while (hops == HOPS_UNKNOWN && n < HOPS_MAX) {
		way[n++] = row;
		hops = step(p, row, lid, &row);
		if (hops == HOPS_UNKNOWN)
			hops = *hops_at(p, lengths, row, lid);
		else if (hops != HOPS_NONE)
			*hops_at(p, lengths, way[--n], lid) = hops;
	}
	if (hops == HOPS_UNKNOWN)
		hops = HOPS_NONE;
	while (n > 0) {
		if (hops != HOPS_NONE)
			hops = hops < HOPS_MAX ? (uint8_t)(hops + 1) : HOPS_NONE;
		*hops_at(p, lengths, way[--n], lid) = hops;
	}
}

/* Steps from one switch to all others, breadth first. */
static void find_least(const struct picture *p, uint32_t from, uint32_t *queue, uint8_t *least)
{
	uint32_t n = 0;

	memset(least, HOPS_NONE, p->n_switches);
	least[from] = 0;
	queue[n++] = from;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t row = queue[i];
		unsigned n_ports = p->nodes[p->switches[row]].n_ports;

		for (unsigned exit = 1; exit <= n_ports; exit++) {
			uint32_t next = picture_next(p, row, exit);

			if (next == NO_SWITCH || least[next] != HOPS_NONE)
				continue;
			least[next] = (uint8_t)MIN(least[row] + 1, HOPS_NONE - 1);
			queue[n++] = next;
		}
	}
}

static int find_lengths(const struct picture *p, struct lengths *ret)
{
	AUTO(freep) uint32_t *queue = calloc((size_t)p->n_switches + 1, sizeof(*queue));
	size_t size = (size_t)p->n_switches * (p->max_lid + 1);

	ret->hops = malloc(size + 1);
	ret->least = malloc((size_t)p->n_switches * p->n_switches + 1);
	if (!queue || !ret->hops || !ret->least)
		return -ENOMEM;
	memset(ret->hops, HOPS_UNKNOWN, size);
	/* A block of LIDs at a time: so many tables fit into the cache. */
	for (uint32_t block = 0; block <= p->max_lid; block += LFT_BLOCK)
		for (uint32_t row = 0; row < p->n_switches; row++)
			for (uint32_t i = 0; i < LFT_BLOCK && block + i <= p->max_lid; i++)
				follow(p, ret, row, block + i);
	for (uint32_t row = 0; row < p->n_switches; row++)
		find_least(p, row, queue, ret->least + (size_t)row * p->n_switches);

	return 0;
}

/* Does @lid lie as near as can be? It is known to be reached from @row. */
static bool is_shortest(const struct picture *p, const struct lengths *lengths, uint32_t row,
			uint32_t lid)
{
	const struct picture_port *owner = &p->ports[p->owners[lid]];
	const uint8_t *least = lengths->least + (size_t)row * p->n_switches;
	uint32_t last = p->nodes[owner->node].row;
	unsigned extra = 0;

	if (last == NO_SWITCH && owner->peer != NO_PORT) {
		last = p->nodes[p->ports[owner->peer].node].row;
		extra = 1;
	}

	return last != NO_SWITCH && *hops_at(p, lengths, row, lid) <= least[last] + extra;
}

static void put_routes(struct dump_file *file, const struct picture *p,
		       const struct lengths *lengths, uint32_t row)
{
	const uint8_t *exits = picture_table(p, row);

	dump_text(file, "dump_ucast_routes: Switch 0x");
	dump_hex(file, p->nodes[p->switches[row]].guid, 16);
	dump_text(file, "\nLID    : Port : Hops : Optimal\n");
	for (uint32_t lid = 1; lid <= p->max_lid; lid++) {
		uint8_t hops = *hops_at(p, lengths, row, lid);

		dump_text(file, "0x");
		dump_hex_upper(file, lid, 4);
		dump_text(file, " : ");
		if (hops == HOPS_NONE) {
			dump_text(file, "UNREACHABLE\n");
			continue;
		}
		dump_decimal(file, exits[lid], 3);
		dump_text(file, "  : ");
		dump_decimal(file, hops, 2);
		dump_text(file, is_shortest(p, lengths, row, lid) ? "   : yes\n" : "   : no\n");
	}
}

static int put_all_routes(struct dump_file *file, const struct picture *p)
{
	AUTO(lengths_done) struct lengths lengths = { 0 };
	int r = find_lengths(p, &lengths);

	if (r < 0)
		return r;
	for (uint32_t row = 0; row < p->n_switches; row++)
		put_routes(file, p, &lengths, row);

	return 0;
}

/* The row of the switch where this port sends, or NO_SWITCH. */
static uint32_t row_at(const struct picture *p, uint32_t number)
{
	const struct picture_port *port = &p->ports[number];
	uint32_t row = p->nodes[port->node].row;

	if (row == NO_SWITCH && port->peer != NO_PORT)
		row = p->nodes[p->ports[port->peer].node].row;

	return row;
}

/* Of the first port that has a link: the format knows nodes only. */
static void put_levels_of(struct dump_file *file, const struct picture *p,
			  const struct picture_node *node)
{
	uint32_t from = NO_SWITCH;

	for (unsigned i = 1; i <= node->n_ports && from == NO_SWITCH; i++)
		from = row_at(p, node->first_port + i);
	for (uint32_t lid = 1; from != NO_SWITCH && lid <= p->max_lid; lid++) {
		uint32_t to = p->owners[lid] == NO_PORT ? NO_SWITCH : row_at(p, p->owners[lid]);

		if (to == NO_SWITCH)
			continue;
		dump_text(file, "0x");
		dump_hex(file, node->guid, 16);
		dump_text(file, " ");
		dump_decimal(file, lid, 1);
		dump_text(file, " ");
		dump_decimal(file, p->levels[(size_t)from * p->n_switches + to], 1);
		dump_text(file, "\n");
	}
}

/* What ibdmchk takes with -c: who sends to which LID on which service level. Empty: all on 0. */
static int put_levels(struct dump_file *file, const struct picture *p)
{
	for (uint32_t i = 0; p->levels && i < p->n_order; i++)
		if (p->nodes[p->order[i]].row == NO_SWITCH)
			put_levels_of(file, p, &p->nodes[p->order[i]]);

	return 0;
}

static int put_nothing(struct dump_file *file, const struct picture *p)
{
	(void)file;
	(void)p;

	return 0;
}

/* -----------------------------------------------------------------------------------------------
 */

static const struct dump {
	const char *name;
	int (*put)(struct dump_file *file, const struct picture *p);
} dumps[] = {
	{ "opensm-subnet.lst", put_subnet }, { "opensm-lfts.dump", put_tables },
	{ "opensm.fdbs", put_all_routes },   { "opensm.mcfdbs", put_nothing },
	{ "opensm.psl", put_levels },
};

static int write_dump(const struct dump *dump, const struct picture *p, const char *dir)
{
	struct dump_file *file;
	int r = dump_file_open(dir, dump->name, &file);

	if (r < 0)
		return r;
	r = dump->put(file, p);
	if (r < 0) {
		dump_file_drop(file);
		return r;
	}

	return dump_file_close(file);
}

int dump_write(const struct picture *p, const char *dir, const char **ret_failed)
{
	for (size_t i = 0; i < COUNT(dumps); i++) {
		int r = write_dump(&dumps[i], p, dir);

		if (r < 0) {
			*ret_failed = dumps[i].name;
			return r;
		}
	}

	return 0;
}
