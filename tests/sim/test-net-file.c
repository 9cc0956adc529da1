/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Net files: what is read from them, and what is said of those that are wrong. */

#include "tests/sim/net-file.h"
#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

struct net {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_net_options options;
	struct sim_net net;
	struct sim_net_error error;
};

static int set_up(void **state)
{
	struct net *n = calloc(1, sizeof(*n));

	assert_int_equal(loop_virtual_new(1, &n->loop), 0);
	assert_int_equal(sim_fabric_new(n->loop, 1, &n->fabric), 0);
	*state = n;
	return 0;
}

static int tear_down(void **state)
{
	struct net *n = *state;

	sim_net_done(&n->net);
	sim_fabric_free(n->fabric);
	loop_virtual_free(n->loop);
	free(n);
	return 0;
}

static int parse(struct net *n, const char *text)
{
	return sim_net_parse(n->fabric, text, strlen(text), "a.net", &n->options, &n->net,
			     &n->error);
}

static void read_text(struct net *n, const char *text)
{
	int r = parse(n, text);

	if (r)
		print_message("line %u: %s\n", n->error.line, n->error.text);
	assert_int_equal(r, 0);
}

static struct sim_port *port(struct net *n, const char *name, unsigned number)
{
	struct sim_node *node = sim_find(n->fabric, name);

	if (!node || number > node->n_ports)
		abort();
	return &node->ports[number];
}

static uint64_t node_guid(struct net *n, const char *name)
{
	return be64toh(port(n, name, 0)->node->info.node_guid);
}

static void assert_cable(struct net *n, const char *a, unsigned a_port, const char *b,
			 unsigned b_port)
{
	assert_ptr_equal(port(n, a, a_port)->far, port(n, b, b_port));
	assert_ptr_equal(port(n, b, b_port)->far, port(n, a, a_port));
	assert_int_equal(sim_state(port(n, a, a_port)), SIM_INIT);
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void a_file_in_the_manner_of_ibsim_has_its_guids(void **state)
{
	struct net *n = *state;

	read_text(n, "# comment\n"
		     "Switch\t8 \"west\"\n[1]\t\"a\"[1]\n[3]\t\"east\"[4]\n\n"
		     "Switch 4 \"east\"\n[4] \"west\"[3]\n"
		     "Hca 2 \"a\"\n[1] \"west\"[1]\n"
		     "Ca 1 \"b\"\n\nRt 2 \"r\"\n");
	assert_int_equal(n->fabric->n_nodes, 5);
	assert_cable(n, "west", 1, "a", 1);
	assert_cable(n, "west", 3, "east", 4);
	assert_null(port(n, "west", 2)->far);
	assert_int_equal(node_guid(n, "west"), 0x200000);
	assert_int_equal(node_guid(n, "east"), 0x200001);
	assert_int_equal(node_guid(n, "a"), 0x100000);
	assert_int_equal(port(n, "a", 2)->guid, 0x100002);
	assert_int_equal(node_guid(n, "b"), 0x100003);
	assert_int_equal(port(n, "r", 1)->node->type, SIM_ROUTER);
}

static const char discovered[] =
	"vendid=0x2c9\n"
	"devid=0xd2f0\n"
	"sysimgguid=0x1c34da0300728860\n"
	"switchguid=0x1c34da0300728866(1c34da0300728866)\n"
	"Switch\t41 \"S-1c34da0300728866\"\t\t# \"MF0;one:MQM8700/U1\" enhanced port 0 lid 1600 "
	"lmc 1\n"
	"[1]\t\"H-1c34da0300608820\"[1](1c34da0300608820) \t\t# \"swift HCA-2\" lid 837 4xHDR\n"
	"[2][ext 5]\t\"H-1c34da0300608828\"[1](1c34da0300608829) \t\t# \"two\" lid 9 2xHDR\n"
	"\n"
	"vendid=0x2c9\n"
	"devid=0x101b\n"
	"sysimgguid=0x1c34da0300608820\n"
	"caguid=0x1c34da0300608820\n"
	"Ca\t1 \"H-1c34da0300608820\"\t\t# \"swift HCA-2\"\n"
	"[1](1c34da0300608820) \t\"S-1c34da0300728866\"[1]\t\t# lid 837 lmc 0 \"MF0;one\" lid 1600 "
	"4xHDR\n"
	"\n"
	"caguid=0x1c34da0300608828\n"
	"Ca\t1 \"H-1c34da0300608828\"\t\t# \"two\"\n"
	"[1](1c34da0300608829) \t\"S-1c34da0300728866\"[2]\t\t# lid 9 lmc 2 \"MF0;one\" lid 1600 "
	"1xFDR\n";

static void a_file_of_ibnetdiscover_has_guids_ids_names_and_lids(void **state)
{
	struct net *n = *state;
	struct sim_port *sw;
	struct sim_port *host;

	read_text(n, discovered);
	sw = port(n, "S-1c34da0300728866", 0);
	host = port(n, "H-1c34da0300608828", 1);
	assert_cable(n, "S-1c34da0300728866", 1, "H-1c34da0300608820", 1);
	assert_true(be64toh(sw->node->info.sys_guid) == UINT64_C(0x1c34da0300728860));
	assert_int_equal(be16toh(sw->node->info.device_id), 0xd2f0);
	assert_string_equal((char *)sw->node->desc.description, "MF0;one:MQM8700/U1");
	assert_int_equal(sim_lid(sw), 1600);
	assert_int_equal(sim_lmc(sw), 1);
	assert_true(sw->node->sw->info.flags & 8);
	assert_true(host->guid == UINT64_C(0x1c34da0300608829));
	assert_true(be64toh(host->node->info.sys_guid) == UINT64_C(0x1c34da0300608828));
	assert_int_equal(sim_lid(host), 9);
	assert_int_equal(sim_lmc(host), 2);
}

static void a_link_is_as_wide_and_fast_as_the_file_says(void **state)
{
	struct net *n = *state;
	struct sim_port *hdr;

	read_text(n, discovered);
	hdr = port(n, "H-1c34da0300608820", 1);
	assert_int_equal(hdr->info.link_width_active, 2);
	assert_int_equal(hdr->info.link_speed_ext >> 4, 4);
	assert_int_equal(be16toh(hdr->info.capability_mask2) & 0x30, 0x30);
	/* The ends disagree: what both can. */
	assert_int_equal(port(n, "H-1c34da0300608828", 1)->info.link_width_active, 1);
	assert_int_equal(port(n, "H-1c34da0300608828", 1)->info.link_speed_ext >> 4, 1);
}

static void options_of_a_cable_are_those_of_ibsim_and_speeds_by_name(void **state)
{
	struct net *n = *state;

	read_text(n, "Switch 4 \"s\"\n[1] \"h\"[1] w=12 s=2\n[2] \"h\"[2]\ts=EDR w=1 # x\n"
		     "Hca 2 \"h\"\n");
	assert_int_equal(port(n, "s", 1)->info.link_width_active, 8); /* for both ends */
	assert_int_equal(port(n, "s", 1)->info.link_speed >> 4, 2);
	assert_int_equal(port(n, "s", 1)->info.state_info1 >> 4, 3);
	assert_int_equal(port(n, "s", 2)->info.link_width_active, 1);
	assert_int_equal(port(n, "s", 2)->info.link_speed_ext, 0x23);
}

static void a_cable_may_be_told_by_one_end(void **state)
{
	struct net *n = *state;

	read_text(n, "Switch 4 \"s\"\nHca 1 \"h\"\n[1] \"s\"[3]\n");
	assert_cable(n, "s", 3, "h", 1);
	assert_int_equal(port(n, "s", 3)->info.link_width_active, 2); /* 4X */
	assert_int_equal(port(n, "s", 3)->info.link_speed >> 4, 4);   /* QDR */
}

static void base_port_0_is_one(void **state)
{
	struct net *n = *state;

	read_text(n, "Switch 4 \"s\" # \"a switch\" base port 0 lid 0 lmc 0\n");
	assert_false(port(n, "s", 0)->node->sw->info.flags & 8);
}

static void guids_count_on_from_a_given_one(void **state)
{
	struct net *n = *state;

	read_text(n, "switchguids=0x700\nhcaguids=0x500\nSwitch 4 \"s\"\nSwitch 4 \"t\"\n"
		     "Hca 2 \"h\"\nHca 1 \"i\"\n");
	assert_int_equal(node_guid(n, "t"), 0x701);
	assert_int_equal(node_guid(n, "i"), 0x503);
}

static void modules_have_names_of_their_own(void **state)
{
	struct net *n = *state;

	read_text(n, "module=\"m\"\nSwitch 4 \"s\"\n[1] \"h\"[1]\nHca 1 \"h\"\n"
		     "module=\"n\"\nSwitch 4 \"s\"\n[1] \"h\"[1]\n[2] \"m#s\"[2]\nHca 1 \"h\"\n");
	assert_cable(n, "m#s", 1, "m#h", 1);
	assert_cable(n, "n#s", 1, "n#h", 1);
	assert_cable(n, "n#s", 2, "m#s", 2);
}

static void virtual_functions_are_told_behind_their_hca(void **state)
{
	struct net *n = *state;

	read_text(n, "Hca 2 \"h\"\nvf 4 model=vport guid=0xabc lid=own state=up\n"
		     "vf 2 model=shared port=2\nHca 1 \"i\"\nvf 1 model=vswitch # one\n");
	assert_int_equal(n->net.n_vfs, 3);
	assert_ptr_equal(n->net.vfs[0].port, port(n, "h", 1));
	assert_int_equal(n->net.vfs[0].model, SIM_NET_VPORT);
	assert_int_equal(n->net.vfs[0].count, 4);
	assert_int_equal(n->net.vfs[0].guid, 0xabc);
	assert_true(n->net.vfs[0].own_lid && n->net.vfs[0].up);
	assert_ptr_equal(n->net.vfs[1].port, port(n, "h", 2));
	assert_false(n->net.vfs[1].own_lid || n->net.vfs[1].up);
	assert_true(n->net.vfs[2].own_lid);
}

static void commands_are_kept_for_the_console(void **state)
{
	struct net *n = *state;

	read_text(n, "Hca 1 \"h\"\ndo Baselid \"h\"[1] 5\ndo Verbose 1\n");
	assert_int_equal(n->net.n_commands, 2);
	assert_string_equal(n->net.commands[0], "Baselid \"h\"[1] 5");
}

static void caps_of_switches_are_those_of_the_options(void **state)
{
	struct net *n = *state;

	n->options.lft_cap = 100;
	n->options.mft_cap = 7;
	read_text(n, "Switch 4 \"s\"\n");
	assert_int_equal(be16toh(port(n, "s", 0)->node->sw->info.lin_cap), 100);
	assert_int_equal(be16toh(port(n, "s", 0)->node->sw->info.mcast_cap), 7);
}

static void lines_may_end_as_in_dos_and_headings_are_skipped(void **state)
{
	struct net *n = *state;

	read_text(n, "Chassis 1 (guid 0x5)\r\nSpine 1\r\nSwitch 4 \"s\"\r\n[1] \"h\"[1]\r\n\r\n"
		     "Hca 1 \"h\"\r\n[1] \"s\"[1]\r\n");
	assert_cable(n, "s", 1, "h", 1);
}

static void one_guid_twice_is_there_if_asked_for(void **state)
{
	struct net *n = *state;

	n->options.ignore_duplicates = true;
	read_text(n, "caguid=5\nHca 1 \"a\"\ncaguid=5\nHca 1 \"b\"\n");
	assert_int_equal(node_guid(n, "a"), node_guid(n, "b"));
}

static void include_reads_another_file_beside_it(void **state)
{
	struct net *n = *state;
	char dir[] = "/tmp/vsm-net-XXXXXX";
	char outer[64];
	char inner[64];
	FILE *file;

	assert_non_null(mkdtemp(dir));
	snprintf(outer, sizeof(outer), "%s/outer", dir);
	snprintf(inner, sizeof(inner), "%s/inner", dir);
	file = fopen(outer, "we");
	fputs("Switch 4 \"s\"\n[1] \"h\"[1]\ninclude inner\n[2] \"h\"[2]\n", file);
	fclose(file);
	file = fopen(inner, "we");
	fputs("Hca 2 \"h\"\n", file);
	fclose(file);
	/* Lines of ports belong to the last node, wherever it was told. */
	assert_int_equal(sim_net_read(n->fabric, outer, &n->options, &n->net, &n->error), -EINVAL);
	assert_int_equal(n->error.line, 4);
	assert_string_equal(n->error.file, outer);
	file = fopen(inner, "we");
	fputs("\ninclude outer\n", file);
	fclose(file);
	sim_fabric_free(n->fabric);
	assert_int_equal(sim_fabric_new(n->loop, 1, &n->fabric), 0);
	assert_int_not_equal(sim_net_read(n->fabric, inner, &n->options, &n->net, &n->error), 0);
	assert_int_equal(unlink(inner) | unlink(outer) | rmdir(dir), 0);
}

/* Writes @text to the file @name of @dir. */
static void write_file(const char *dir, const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* ibsim wants the quotes; there may be blanks between them. */
static void an_included_file_may_be_in_quotes(void **state)
{
	static const char *const names[] = { "outer", "in ner", "inner" };
	struct net *n = *state;
	char dir[] = "/tmp/vsm-net-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(dir));
	write_file(dir, "in ner", "Hca 2 \"h\"\n");
	write_file(dir, "inner", "Hca 1 \"i\"\n");
	write_file(dir, "outer",
		   "include \"in ner\"\n[1] \"s\"[1]\ninclude inner\nSwitch 4 \"s\"\n");
	snprintf(path, sizeof(path), "%s/outer", dir);
	assert_int_equal(sim_net_read(n->fabric, path, &n->options, &n->net, &n->error), 0);
	assert_int_equal(n->fabric->n_nodes, 3);
	assert_non_null(sim_find(n->fabric, "i"));
	for (unsigned i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void an_included_file_has_both_its_quotes(void **state)
{
	static const char *const wrongs[] = { "include \"inner\n", "include \"\"\n",
					      "include \"inner\" x\n" };
	struct net *n = *state;
	char dir[] = "/tmp/vsm-net-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/outer", dir);
	for (unsigned i = 0; i < COUNT(wrongs); i++) {
		write_file(dir, "outer", wrongs[i]);
		assert_int_equal(sim_net_read(n->fabric, path, &n->options, &n->net, &n->error),
				 -EINVAL);
		assert_int_equal(n->error.line, 1);
		assert_string_equal(n->error.text, "include which file?");
	}
	assert_int_equal(unlink(path) | rmdir(dir), 0);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static const struct wrong {
	const char *text;
	unsigned line;
	const char *says; /* part of the sentence */
} wrongs[] = {
	{ "", 0, "no node" },
	{ "\nnonsense\n", 2, "a line begins with" },
	{ "[1] \"a\"[1]\n", 1, "no node yet" },
	{ "Switch 0 \"s\"\n", 1, "1 to 254 ports" },
	{ "Switch 255 \"s\"\n", 1, "1 to 254 ports" },
	{ "Switch x \"s\"\n", 1, "1 to 254 ports" },
	{ "Switch 4\n", 1, "name in quotes" },
	{ "Switch 4 \"s\n", 1, "name in quotes" },
	{ "Switch 4 \"\"\n", 1, "name in quotes" },
	{ "Hca 1 \"a\"\nHca 1 \"a\"\n", 2, "\"a\" already" },
	{ "Switch 4 \"0123456789012345678901234567890123456789012345678901234567890123\"\n", 1,
	  "63 characters" },
	{ "Switch 4 \"s\"\n[5] \"s\"[1]\n", 2, "ports [1] to [4]" },
	{ "Switch 4 \"s\"\n[0] \"s\"[1]\n", 2, "ports [1] to [4]" },
	{ "Switch 4 \"s\"\n[1](zz) \"s\"[2]\n", 2, "in parentheses" },
	{ "Switch 4 \"s\"\n[1] s[2]\n", 2, "names the other end" },
	{ "Switch 4 \"s\"\n[1] \"s\"\n", 2, "is a port" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2] fast\n", 2, "w=1" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2] w=3\n", 2, "w=1" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2] s=3\n", 2, "s=1" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2] s=\n", 2, "s=1" },
	{ "Switch 4 \"s\"\n\n[1] \"t\"[2]\n", 3, "no node \"t\"" },
	{ "Switch 4 \"s\"\n[1] \"s\"[7]\n", 2, "ports [1] to [4]" },
	{ "Switch 4 \"s\"\n[1] \"s\"[1]\n", 2, "two ends" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2]\n[1] \"s\"[3]\n", 3, "\"s\"[1] has a cable to \"s\"[2]" },
	{ "Switch 4 \"s\"\n[1] \"s\"[2]\n[3] \"s\"[2]\n", 3, "\"s\"[2] has a cable to \"s\"[1]" },
	{ "vendid=0x1000000\n", 1, "at most 0xffffff" },
	{ "devid=\n", 1, "hexadecimal" },
	{ "caguid=0\nHca 1 \"a\"\n", 2, "not 0" },
	{ "caguid=fffffffffffffffe\nHca 2 \"a\"\n", 2, "no place" },
	{ "caguid=5\nHca 1 \"a\"\ncaguid=5\nHca 1 \"b\"\n", 4, "\"a\" and \"b\" have the same" },
	{ "Switch 4 \"s\"\n[1] \"a\"[1]\n[2] \"b\"[1]\nHca 1 \"a\"\n[1](7) \"s\"[1]\nHca 1 \"b\"\n"
	  "[1](7) \"s\"[2]\n",
	  6, "same GUID 0x7" },
	{ "module=\n", 1, "name in quotes" },
	{ "include other\n", 1, "included here" },
	{ "vf 1 model=vport\n", 1, "belong to an HCA" },
	{ "Switch 4 \"s\"\nvf 1 model=vport\n", 2, "belong to an HCA" },
	{ "Hca 1 \"a\"\nvf 0 model=vport\n", 2, "1 to 1024" },
	{ "Hca 1 \"a\"\nvf 1025 model=vport\n", 2, "1 to 1024" },
	{ "Hca 1 \"a\"\nvf 1\n", 2, "have a model" },
	{ "Hca 1 \"a\"\nvf 1 model=other\n", 2, "may be model=" },
	{ "Hca 1 \"a\"\nvf 1 model=vport guid=0\n", 2, "may be model=" },
	{ "Hca 1 \"a\"\nvf 1 model=vport port=2\n", 2, "may be model=" },
	{ "Hca 1 \"a\"\nvf 1 model=shared lid=own\n", 2, "no LIDs of their own" },
	{ "Hca 1 \"a\"\nvf 1 model=vport\nvf 1 model=vport\n", 3, "has VFs already" },
};

/* 10,000 files by way of four. */
static void files_that_include_each_other_come_to_an_end(void **state)
{
	struct net *n = *state;
	char directory[] = "/tmp/test-net-file-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(directory));
	for (unsigned i = 0; i < 5; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/%u", directory, i);
		file = fopen(path, "w");
		assert_non_null(file);
		for (unsigned k = 0; i && k < 10; k++)
			fprintf(file, "include %u\n", i - 1);
		fclose(file);
	}
	assert_int_equal(sim_net_read(n->fabric, path, &n->options, &n->net, &n->error), -EINVAL);
	assert_non_null(strstr(n->error.text, "more than 4096 files"));
	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "%s/%u", directory, i);
		unlink(path);
	}
	rmdir(directory);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct net *n;

		set_up((void **)&n);
		if (!parse(n, wrongs[i].text) || n->error.line != wrongs[i].line ||
		    !strstr(n->error.text, wrongs[i].says))
			fail_msg("%s: line %u: %s", wrongs[i].text, n->error.line, n->error.text);
		tear_down((void **)&n);
	}
	(void)state;
}

static void a_file_that_is_missing_is_told(void **state)
{
	struct net *n = *state;

	assert_int_not_equal(
		sim_net_read(n->fabric, "/nowhere/a.net", &n->options, &n->net, &n->error), 0);
	assert_string_equal(n->error.text, "cannot read it: No such file or directory");
}

static void a_large_fabric_is_read_in_no_time(void **state)
{
	enum { HOSTS = 50000 };
	struct net *n = *state;
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);

	for (unsigned i = 0; i < HOSTS; i++)
		fprintf(file, "Hca 1 \"h%u\"\n[1] \"s%u\"[%u]\n", i, i / 250, i % 250 + 1);
	for (unsigned i = 0; i < HOSTS / 250; i++)
		fprintf(file, "Switch 250 \"s%u\"\n", i);
	fclose(file);
	alarm(20); /* a search for each name would take minutes */
	read_text(n, text);
	alarm(0);
	assert_cable(n, "h49999", 1, "s199", 250);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_file_in_the_manner_of_ibsim_has_its_guids),
		TEST(a_file_of_ibnetdiscover_has_guids_ids_names_and_lids),
		TEST(a_link_is_as_wide_and_fast_as_the_file_says),
		TEST(options_of_a_cable_are_those_of_ibsim_and_speeds_by_name),
		TEST(a_cable_may_be_told_by_one_end),
		TEST(base_port_0_is_one),
		TEST(guids_count_on_from_a_given_one),
		TEST(modules_have_names_of_their_own),
		TEST(virtual_functions_are_told_behind_their_hca),
		TEST(commands_are_kept_for_the_console),
		TEST(caps_of_switches_are_those_of_the_options),
		TEST(lines_may_end_as_in_dos_and_headings_are_skipped),
		TEST(one_guid_twice_is_there_if_asked_for),
		TEST(include_reads_another_file_beside_it),
		TEST(an_included_file_may_be_in_quotes),
		TEST(an_included_file_has_both_its_quotes),
		TEST(files_that_include_each_other_come_to_an_end),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		TEST(a_file_that_is_missing_is_told),
		TEST(a_large_fabric_is_read_in_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
