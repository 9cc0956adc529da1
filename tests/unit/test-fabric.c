/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/fabric: the arrays of nodes and ports, links between them, and what PortInfo says of a port.
 * Names, rates and widths are those of the specification (IBA 15.2.5.16) and of no table of ours.
 */

#include "sm/fabric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/xoshiro.h"
#include "sm/vf.h"

static int make(void **state)
{
	struct fabric *f = malloc(sizeof(*f));

	if (!f || fabric_init(f) < 0)
		return -1;
	*state = f;

	return 0;
}

static int done(void **state)
{
	fabric_done(*state);
	free(*state);

	return 0;
}

static uint32_t add(struct fabric *f, uint64_t guid, uint8_t type, uint8_t n_ports)
{
	uint32_t number = NO_NODE;

	assert_int_equal(fabric_add_node(f, guid, type, n_ports, &number), 0);
	assert_int_not_equal(number, NO_NODE);

	return number;
}

/* -- nodes --------------------------------------------------------------------------------------
 */

static void a_node_is_found_by_its_guid_and_has_all_its_ports(void **state)
{
	struct fabric *f = *state;
	uint32_t sw = add(f, 0x10, NODE_TYPE_SWITCH, 36);
	uint32_t ca = add(f, 0x20, NODE_TYPE_CA, 2);

	assert_int_equal(fabric_find_node(f, 0x10), sw);
	assert_int_equal(fabric_find_node(f, 0x20), ca);
	assert_int_equal(fabric_find_node(f, 0x30), NO_NODE);
	assert_true(node_is_switch(&f->nodes[sw]));
	assert_false(node_is_switch(&f->nodes[ca]));
	assert_int_equal(f->nodes[ca].sma.owner, ca);
	for (unsigned i = 0; i <= 36; i++) {
		uint32_t port = port_at(&f->nodes[sw], i);

		assert_int_equal(f->ports[port].node, sw);
		assert_int_equal(f->ports[port].number, i);
		assert_int_equal(f->ports[port].peer, NO_PORT);
		assert_int_equal(f->ports[port].home, NO_PORT);
		assert_int_equal(port_is_end(f, port), i == 0);
	}
	assert_false(port_is_end(f, port_at(&f->nodes[ca], 0)));
	assert_true(port_is_end(f, port_at(&f->nodes[ca], 2)));
}

static void what_is_forgotten_is_not_found_and_its_cables_are_gone(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add(f, 0x10, NODE_TYPE_SWITCH, 4), b = add(f, 0x20, NODE_TYPE_SWITCH, 4);
	uint32_t near = port_at(&f->nodes[a], 1), far = port_at(&f->nodes[b], 3);
	uint8_t keys[SMP_DATA_SIZE] = { 0xff, 0xff };

	f->ports[port_at(&f->nodes[b], 0)].guid = 0x21;
	assert_int_equal(guid_map_put(&f->by_port_guid, 0x21, port_at(&f->nodes[b], 0)), 0);
	assert_int_equal(pkey_table_set_block(&f->ports[far].pkeys, 0, keys), 0);
	fabric_connect(f, near, far);
	fabric_forget_node(f, b);
	assert_int_equal(fabric_find_node(f, 0x20), NO_NODE);
	assert_int_equal(fabric_find_port(f, 0x21), NO_PORT);
	assert_int_equal(f->ports[near].peer, NO_PORT);
	assert_null(f->ports[far].pkeys);
	assert_int_equal(fabric_find_node(f, 0x10), a);
}

static void a_port_guid_that_has_moved_to_another_port_is_not_forgotten_with_the_first(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add(f, 0x10, NODE_TYPE_CA, 1), b = add(f, 0x20, NODE_TYPE_CA, 1);
	uint32_t moved = port_at(&f->nodes[b], 1);

	f->ports[port_at(&f->nodes[a], 1)].guid = f->ports[moved].guid = 0x99;
	assert_int_equal(guid_map_put(&f->by_port_guid, 0x99, moved), 0);
	fabric_forget_node(f, a);
	assert_int_equal(fabric_find_port(f, 0x99), moved);
}

static void a_forgotten_device_has_no_lid(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add(f, 0x10, NODE_TYPE_CA, 1), b = add(f, 0x20, NODE_TYPE_CA, 1);
	uint32_t gone = port_at(&f->nodes[a], 1), here = port_at(&f->nodes[b], 1);

	f->ports[gone].lid = 8;
	f->ports[gone].lmc = 2;
	for (unsigned lid = 8; lid < 12; lid++)
		f->by_lid[lid] = lid == 9 ? here : gone;
	fabric_forget_node(f, a);
	for (unsigned lid = 8; lid < 12; lid++)
		assert_int_equal(fabric_find_lid(f, lid), lid == 9 ? here : NO_PORT);
}

static void numbers_are_used_again_by_who_fits(void **state)
{
	struct fabric *f = *state;
	uint32_t small = add(f, 0x10, NODE_TYPE_CA, 1), large = add(f, 0x20, NODE_TYPE_CA, 8);
	uint32_t n_ports = f->n_ports;

	fabric_forget_node(f, small);
	fabric_forget_node(f, large);
	assert_int_equal(add(f, 0x30, NODE_TYPE_CA, 5), large);
	assert_int_equal(add(f, 0x40, NODE_TYPE_CA, 1), small);
	assert_int_equal(f->n_ports, n_ports);
	assert_int_equal(add(f, 0x50, NODE_TYPE_CA, 1), 2);
}

static void a_device_that_comes_back_larger_and_smaller_in_turns_uses_up_nothing(void **state)
{
	struct fabric *f = *state;

	for (unsigned i = 0; i < 100; i++) {
		uint32_t node = add(f, 0x10, NODE_TYPE_SWITCH, i % 2 ? 1 : 254);

		assert_int_equal(node, 0);
		fabric_forget_node(f, node);
	}
	assert_int_equal(f->n_ports, 255);
}

static void nodes_do_not_move_when_there_are_more_of_them(void **state)
{
	struct fabric *f = *state;
	uint32_t number = add(f, 0x10, NODE_TYPE_CA, 1);
	const struct node *first = &f->nodes[number];

	for (unsigned i = 0; i < 5000; i++)
		add(f, 0x100 + i, NODE_TYPE_SWITCH, 40);
	assert_ptr_equal(first, &f->nodes[0]);
	assert_int_equal(fabric_find_node(f, 0x100 + 4999), 5000);
	assert_int_equal(f->ports[port_at(&f->nodes[5000], 40)].number, 40);
}

static unsigned count_absent(const struct fabric *f)
{
	unsigned n = 0;

	for (const struct list *l = f->absent.next; l != &f->absent; l = l->next)
		n++;

	return n;
}

static void who_is_known_and_not_there_is_absent_once(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add(f, 0x10, NODE_TYPE_CA, 1), b = add(f, 0x20, NODE_TYPE_CA, 1);

	assert_int_equal(count_absent(f), 2);
	fabric_node_came(&f->nodes[a]);
	fabric_node_came(&f->nodes[a]);
	fabric_node_came(&f->nodes[b]);
	assert_int_equal(count_absent(f), 0);
	for (unsigned i = 0; i < 2; i++)
		fabric_node_went(f, &f->nodes[b]);
	fabric_node_went(f, &f->nodes[a]);
	assert_int_equal(count_absent(f), 2);
	assert_ptr_equal(f->absent.next, &f->nodes[b].absent); /* as they went */
	fabric_forget_node(f, b);
	assert_int_equal(count_absent(f), 1);
	assert_int_equal(add(f, 0x30, NODE_TYPE_CA, 1), b);
	assert_int_equal(count_absent(f), 2);
}

/* Who is where, after many came and went: as many as there are ports, each where it says it is. */
static void coming_and_going_at_random_leaves_no_port_with_two_owners(void **state)
{
	struct fabric *f = *state;
	uint8_t n_ports[64] = { 0 };
	struct xoshiro random;

	xoshiro_seed(&random, 3);
	for (unsigned step = 0; step < 5000; step++) {
		unsigned guid = 1 + (unsigned)(xoshiro_next(&random) % 63);
		uint32_t node = fabric_find_node(f, guid);

		assert_int_equal(node != NO_NODE, n_ports[guid] != 0);
		if (node != NO_NODE) {
			fabric_forget_node(f, node);
			n_ports[guid] = 0;
			continue;
		}
		n_ports[guid] = (uint8_t)(1 + xoshiro_next(&random) % 40);
		add(f, guid, NODE_TYPE_SWITCH, n_ports[guid]);
	}
	for (unsigned guid = 1; guid < 64; guid++) {
		uint32_t node = fabric_find_node(f, guid);

		for (unsigned i = 0; n_ports[guid] && i <= n_ports[guid]; i++) {
			assert_int_equal(f->ports[port_at(&f->nodes[node], i)].node, node);
			assert_int_equal(f->ports[port_at(&f->nodes[node], i)].number, i);
		}
	}
}

/* Who goes through them meets each that is there, in the order of numbers, and nobody else. */
static void expect_sets(const struct fabric *f, const bool *end, const bool *with_vfs)
{
	uint32_t next_end = fabric_next_end(f, 0), next_with_vfs = fabric_next_with_vfs(f, 0);

	for (uint32_t i = 0; i < f->n_ports; i++) {
		assert_int_equal(next_end == i, end[i]);
		assert_int_equal(next_with_vfs == i, with_vfs[i]);
		if (next_end == i)
			next_end = fabric_next_end(f, i + 1);
		if (next_with_vfs == i)
			next_with_vfs = fabric_next_with_vfs(f, i + 1);
	}
	assert_int_equal(next_end, NO_PORT);
	assert_int_equal(next_with_vfs, NO_PORT);
}

static void end_ports_and_who_has_vfs_are_met_one_after_the_other(void **state)
{
	struct fabric *f = *state;
	bool end[64 * 42] = { false }, with_vfs[64 * 42] = { false };
	struct xoshiro random;

	xoshiro_seed(&random, 4);
	for (unsigned step = 0; step < 2000; step++) {
		unsigned guid = 1 + (unsigned)(xoshiro_next(&random) % 63);
		uint32_t number = fabric_find_node(f, guid);
		bool comes = number == NO_NODE; /* else it goes */
		const struct node *node;
		unsigned n_ports = 1 + (unsigned)(xoshiro_next(&random) % 40);

		if (comes)
			number = add(f, guid, guid % 4 ? NODE_TYPE_CA : NODE_TYPE_SWITCH,
				     (uint8_t)n_ports);
		node = &f->nodes[number];
		for (unsigned i = 0; i <= node->n_ports; i++) {
			uint32_t port = port_at(node, i);

			assert_true(port < COUNT(end));
			end[port] = comes && port_is_end(f, port);
			with_vfs[port] = end[port] && xoshiro_next(&random) % 2;
			if (with_vfs[port])
				assert_int_equal(vfs_make(f, port, VF_VPORT, 2), 0);
		}
		if (!comes)
			fabric_forget_node(f, number);
		expect_sets(f, end, with_vfs);
	}
}

static void lids_are_looked_up_within_their_range(void **state)
{
	struct fabric *f = *state;

	assert_int_equal(fabric_find_lid(f, 0), NO_PORT);
	assert_int_equal(fabric_find_lid(f, LID_UNICAST_LAST), NO_PORT);
	assert_int_equal(fabric_find_lid(f, LID_UNICAST_LAST + 1), NO_PORT);
	assert_int_equal(fabric_find_lid(f, LID_PERMISSIVE), NO_PORT);
	f->by_lid[7] = 3;
	assert_int_equal(fabric_find_lid(f, 7), 3);
}

/* -- links --------------------------------------------------------------------------------------
 */

static uint32_t add_port(struct fabric *f, uint64_t guid, uint8_t type, unsigned port)
{
	uint32_t node = add(f, guid, type, 4);

	return port_at(&f->nodes[node], port);
}

static void assert_linked(const struct fabric *f, uint32_t a, uint32_t b)
{
	assert_int_equal(f->ports[a].peer, b);
	assert_int_equal(f->ports[b].peer, a);
}

static void a_link_has_two_ends_and_is_parted_from_either(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add_port(f, 0x10, NODE_TYPE_SWITCH, 1);
	uint32_t b = add_port(f, 0x20, NODE_TYPE_CA, 1);

	fabric_connect(f, a, b);
	fabric_connect(f, a, b);
	assert_linked(f, a, b);
	fabric_disconnect(f, b);
	assert_int_equal(f->ports[a].peer, NO_PORT);
	assert_int_equal(f->ports[b].peer, NO_PORT);
	assert_int_equal(f->ports[b].home, a); /* remembered */
	fabric_disconnect(f, b);
	fabric_connect(f, b, a);
	assert_linked(f, a, b);
}

static void a_cable_that_is_moved_leaves_no_end_behind(void **state)
{
	struct fabric *f = *state;
	uint32_t sw = add(f, 0x10, NODE_TYPE_SWITCH, 4);
	uint32_t a = port_at(&f->nodes[sw], 1), b = port_at(&f->nodes[sw], 2);
	uint32_t c = add_port(f, 0x20, NODE_TYPE_CA, 1), d = c + 1;

	fabric_connect(f, a, c);
	fabric_connect(f, b, d);
	fabric_connect(f, a, d);
	assert_linked(f, a, d);
	assert_int_equal(f->ports[b].peer, NO_PORT);
	assert_int_equal(f->ports[c].peer, NO_PORT);
	assert_int_equal(f->ports[d].home, a);
}

static void a_port_looped_back_to_itself_is_parted_at_once(void **state)
{
	struct fabric *f = *state;
	uint32_t a = add_port(f, 0x10, NODE_TYPE_SWITCH, 1);

	fabric_connect(f, a, a);
	assert_int_equal(f->ports[a].peer, a);
	fabric_disconnect(f, a);
	assert_int_equal(f->ports[a].peer, NO_PORT);
}

/* -- what PortInfo says -------------------------------------------------------------------------
 */

static void a_state_that_cannot_be_reads_as_down(void **unused)
{
	struct port port = { .number = 1 };

	(void)unused;
	for (unsigned state = 0; state < 16; state++) {
		wire_set(port.info, PORT_INFO_STATE, state);
		assert_int_equal(port_state(&port), state >= 1 && state <= 4 ? state : PORT_DOWN);
	}
}

static void set_link(struct port *port, unsigned width, unsigned speed, unsigned ext)
{
	wire_set(port->info, PORT_INFO_WIDTH_ACTIVE, width);
	wire_set(port->info, PORT_INFO_SPEED_ACTIVE, speed);
	wire_set(port->info, PORT_INFO_SPEED_EXT_ACTIVE, ext);
}

static void rates_widths_and_speeds_are_those_of_the_specification(void **unused)
{
	static const struct {
		unsigned width, speed, ext;
		unsigned lanes, rate; /* code of IBA 15.2.5.16, and what it stands for */
		const char *name;
	} links[] = {
		{ 1, 1, 0, 1, 2, "SDR" },   /* 2.5 Gb/s */
		{ 2, 1, 0, 4, 3, "SDR" },   /* 10 */
		{ 8, 1, 0, 12, 4, "SDR" },  /* 30 */
		{ 1, 2, 0, 1, 5, "DDR" },   /* 5 */
		{ 2, 2, 0, 4, 6, "DDR" },   /* 20 */
		{ 2, 4, 0, 4, 7, "QDR" },   /* 40 */
		{ 8, 2, 0, 12, 8, "DDR" },  /* 60 */
		{ 4, 4, 0, 8, 9, "QDR" },   /* 80 */
		{ 8, 4, 0, 12, 10, "QDR" }, /* 120 */
		{ 1, 4, 1, 1, 11, "FDR" },  /* 14 */
		{ 2, 4, 1, 4, 12, "FDR" },  /* 56 */
		{ 4, 4, 1, 8, 13, "FDR" },  /* 112 */
		{ 8, 4, 1, 12, 14, "FDR" }, /* 168 */
		{ 1, 4, 2, 1, 15, "EDR" },  /* 25 */
		{ 2, 4, 2, 4, 16, "EDR" },  /* 100 */
		{ 4, 4, 2, 8, 17, "EDR" },  /* 200 */
		{ 8, 4, 2, 12, 18, "EDR" }, /* 300 */
		{ 16, 4, 1, 2, 19, "FDR" }, /* 28 */
		{ 16, 4, 2, 2, 20, "EDR" }, /* 50 */
		{ 1, 4, 4, 1, 20, "HDR" },  /* 50 */
		{ 16, 4, 4, 2, 16, "HDR" }, /* 100 */
		{ 2, 4, 4, 4, 17, "HDR" },  /* 200 */
		{ 4, 4, 4, 8, 21, "HDR" },  /* 400 */
		{ 8, 4, 4, 12, 22, "HDR" }, /* 600 */
		{ 1, 4, 8, 1, 16, "NDR" },  /* 100 */
		{ 2, 4, 8, 4, 21, "NDR" },  /* 400 */
		{ 4, 4, 8, 8, 23, "NDR" },  /* 800 */
		{ 8, 4, 8, 12, 24, "NDR" }, /* 1200 */
		{ 0, 1, 0, 0, 0, "SDR" },   /* what no link has */
		{ 3, 1, 0, 0, 0, "SDR" },   { 2, 0, 0, 4, 0, "" },
		{ 2, 7, 0, 4, 0, "" },      { 255, 15, 15, 0, 0, "" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(links); i++) {
		struct port port = { .number = 1 };

		set_link(&port, links[i].width, links[i].speed, links[i].ext);
		assert_int_equal(port_width(&port), links[i].lanes);
		assert_int_equal(port_rate(&port), links[i].rate);
		assert_string_equal(port_speed_name(&port), links[i].name);
	}
}

static struct port able(unsigned width, unsigned speed, unsigned ext)
{
	struct port port = { .number = 1, .known = true };

	wire_set(port.info, PORT_INFO_WIDTH_SUPPORTED, width);
	wire_set(port.info, PORT_INFO_SPEED_SUPPORTED, speed);
	wire_set(port.info, PORT_INFO_SPEED_EXT_SUPPORTED, ext);

	return port;
}

static bool could_be_faster(struct port near, const struct port *far, unsigned width,
			    unsigned speed, unsigned ext)
{
	set_link(&near, width, speed, ext);

	return port_could_be_faster(&near, far);
}

static void a_link_could_be_faster_only_if_both_ends_could(void **unused)
{
	struct port hdr = able(3, 7, 7), edr = able(3, 7, 3), qdr = able(3, 7, 0);
	struct port two = able(19, 7, 7), unknown = able(3, 7, 7);

	(void)unused;
	assert_false(could_be_faster(hdr, &hdr, 2, 4, 4));
	assert_true(could_be_faster(hdr, &hdr, 2, 4, 2));
	assert_false(could_be_faster(hdr, &edr, 2, 4, 2));
	assert_true(could_be_faster(hdr, &edr, 2, 4, 0));
	assert_false(could_be_faster(hdr, &qdr, 2, 4, 0));
	assert_true(could_be_faster(hdr, &qdr, 2, 2, 0));
	assert_true(could_be_faster(qdr, &qdr, 1, 4, 0));  /* one lane of four */
	assert_false(could_be_faster(two, &two, 2, 4, 4)); /* 2X is bit 16, and less than 4X */
	assert_true(could_be_faster(two, &two, 16, 4, 4));
	unknown.known = false;
	assert_false(could_be_faster(hdr, &unknown, 1, 1, 0));
}

static void a_description_is_made_printable_and_ends(void **unused)
{
	static struct node node;
	uint8_t bytes[SMP_DATA_SIZE] = "alpha\n\x1b[2J\xc3\xa4 HCA-1  ";

	(void)unused;
	node_set_description(&node, bytes);
	assert_string_equal(node.description, "alpha??[2J?? HCA-1");
	assert_true(node.described);
	memset(bytes, 'x', sizeof(bytes));
	node_set_description(&node, bytes);
	assert_int_equal(strlen(node.description), SMP_DATA_SIZE);
	memset(bytes, ' ', sizeof(bytes));
	node_set_description(&node, bytes);
	assert_string_equal(node.description, "");
}

static void p_key_blocks_are_kept_where_they_belong(void **unused)
{
	struct port port = { .number = 1 };
	uint8_t bytes[SMP_DATA_SIZE] = { 0xff, 0xff, 0x12, 0x34 };

	(void)unused;
	assert_int_equal(pkey_table_set_block(&port.pkeys, 2, bytes), 0);
	assert_int_equal(port.pkeys->n_known, 96);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(port.pkeys->keys[i], 0);
	assert_int_equal(port.pkeys->keys[64], 0xffff);
	assert_int_equal(port.pkeys->keys[65], 0x1234);
	bytes[0] = 0x7f;
	assert_int_equal(pkey_table_set_block(&port.pkeys, 0, bytes), 0);
	assert_int_equal(port.pkeys->n_known, 96);
	assert_int_equal(port.pkeys->keys[0], 0x7fff);
	assert_int_equal(port.pkeys->keys[64], 0xffff);
	free(port.pkeys);
}

static void every_reason_has_a_key_of_its_own_and_a_sentence(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *sentence = reason_sentence((enum reason)i);

		assert_int_equal(sentence[strlen(sentence) - 1], '.');
		assert_true(i == REASON_NONE || reason_remedy((enum reason)i)[0] != 0);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(reason_key((enum reason)i),
						reason_key((enum reason)j));
	}
}

/* A file of the source tree, to be freed. */
static char *read_source(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[300], *text = NULL;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", name);
	file = fopen(path, "r");
	if (!file || getdelim(&text, &size, 0, file) < 0)
		fail_msg("cannot read %s", path);
	fclose(file);

	return text;
}

static unsigned count_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;

	return n;
}

static void every_reason_of_virtual_functions_is_documented_as_it_is_said(void **unused)
{
	char *page = read_source("doc/virtual-functions.md");
	unsigned n = 0;

	(void)unused;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const char *key = reason_key((enum reason)i);
		char row[400];

		if (strncmp(key, "vf-", 3) != 0)
			continue;
		snprintf(row, sizeof(row), "\n| `%s` | %s | ", key,
			 reason_sentence((enum reason)i));
		if (!strstr(page, row))
			fail_msg("no line begins with: %s", row + 1);
		n++;
	}
	assert_int_equal(count_of(page, "\n| `vf-"), n);
	free(page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_of_virtual_functions_is_documented_as_it_is_said),
		TEST(a_node_is_found_by_its_guid_and_has_all_its_ports),
		TEST(what_is_forgotten_is_not_found_and_its_cables_are_gone),
		TEST(a_port_guid_that_has_moved_to_another_port_is_not_forgotten_with_the_first),
		TEST(a_forgotten_device_has_no_lid),
		TEST(numbers_are_used_again_by_who_fits),
		TEST(who_is_known_and_not_there_is_absent_once),
		TEST(a_device_that_comes_back_larger_and_smaller_in_turns_uses_up_nothing),
		TEST(nodes_do_not_move_when_there_are_more_of_them),
		TEST(coming_and_going_at_random_leaves_no_port_with_two_owners),
		TEST(end_ports_and_who_has_vfs_are_met_one_after_the_other),
		TEST(lids_are_looked_up_within_their_range),
		TEST(a_link_has_two_ends_and_is_parted_from_either),
		TEST(a_cable_that_is_moved_leaves_no_end_behind),
		TEST(a_port_looped_back_to_itself_is_parted_at_once),
		cmocka_unit_test(a_state_that_cannot_be_reads_as_down),
		cmocka_unit_test(rates_widths_and_speeds_are_those_of_the_specification),
		cmocka_unit_test(a_link_could_be_faster_only_if_both_ends_could),
		cmocka_unit_test(a_description_is_made_printable_and_ends),
		cmocka_unit_test(p_key_blocks_are_kept_where_they_belong),
		cmocka_unit_test(every_reason_has_a_key_of_its_own_and_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
