/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The fabrics that other tests route on: that each is what its name says, that every graph keeps
 * what routing/engine.h promises to engines, and that net files are read or refused.
 */

#include "tests/common/graphs.h"

#include "base/macros.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- what every graph promises ----------------------------------------------------------------
 */

static void check_arcs(const struct graph *graph)
{
	assert_int_equal(graph->arc_first[0], 0);
	assert_int_equal(graph->arc_first[graph->n_switches], graph->n_arcs);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		for (uint32_t a = graph->arc_first[s]; a < graph->arc_first[s + 1]; a++) {
			const struct arc *arc = &graph->arcs[a];
			uint32_t back = graph->arc_first[arc->to];

			assert_true(arc->port >= 1 && arc->port <= 254);
			assert_int_not_equal(arc->to, s);
			assert_true(a == graph->arc_first[s] || arc[-1].port < arc->port);
			while (graph->arcs[back].port != arc->to_port)
				assert_true(++back < graph->arc_first[arc->to + 1]);
			assert_int_equal(graph->arcs[back].to, s);
			assert_int_equal(graph->arcs[back].to_port, arc->port);
		}
	}
}

static void check_no_arc_has(const struct graph *graph, const struct end *end)
{
	for (uint32_t a = graph->arc_first[end->at]; a < graph->arc_first[end->at + 1]; a++)
		assert_int_not_equal(graph->arcs[a].port, end->port);
}

static void check_ends(const struct graph *graph)
{
	AUTO(freep) bool *taken = calloc(65536, sizeof(*taken));
	uint32_t highest = 0;

	assert_non_null(taken);
	for (uint32_t i = 0; i < graph->n_ends; i++) {
		const struct end *end = &graph->ends[i];

		assert_true(!i || end[-1].at < end->at ||
			    (end[-1].at == end->at && end[-1].port < end->port));
		assert_int_equal(end->kind == END_SWITCH, end->port == 0);
		assert_int_equal(end->lid & ((1U << end->lmc) - 1), 0);
		check_no_arc_has(graph, end);
		for (uint32_t lid = end->lid; lid < end->lid + (1U << end->lmc); lid++) {
			assert_false(taken[lid]);
			taken[lid] = true;
			highest = MAX(highest, lid);
		}
	}
	assert_false(taken[0]);
	assert_int_equal(graph->max_lid, highest);
}

static void check_order(const struct graph *graph)
{
	AUTO(freep) bool *taken = calloc(graph->n_switches + 1, sizeof(*taken));

	assert_non_null(taken);
	for (uint32_t s = 0; s < graph->n_switches; s++) {
		assert_true(graph->order[s] < graph->n_switches);
		assert_false(taken[graph->order[s]]);
		taken[graph->order[s]] = true;
	}
}

static void check_promises(const struct graph *graph)
{
	check_arcs(graph);
	check_ends(graph);
	check_order(graph);
}

static uint32_t count_ends(const struct graph *graph, enum end_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < graph->n_ends; i++)
		n += graph->ends[i].kind == kind;
	return n;
}

/* Takes @made. */
static void check_shape(struct made_graph *made, uint32_t n_switches, uint32_t n_cables,
			uint32_t n_hosts)
{
	const struct graph *graph = graph_of(made);

	assert_int_equal(graph->n_switches, n_switches);
	assert_int_equal(graph->n_arcs, 2 * n_cables);
	assert_int_equal(count_ends(graph, END_HOST), n_hosts);
	assert_int_equal(count_ends(graph, END_SWITCH), n_switches);
	check_promises(graph);
	graph_free(made);
}

/* ---- shapes -----------------------------------------------------------------------------------
 */

static void shapes_have_the_switches_cables_and_hosts_of_their_names(void **unused)
{
	(void)unused;
	check_shape(graph_make_empty(), 0, 0, 0);
	check_shape(graph_make_single(5), 1, 0, 5);
	check_shape(graph_make_line(4, 2), 4, 3, 8);
	check_shape(graph_make_ring(5, 1), 5, 5, 5);
	check_shape(graph_make_star(6, 2), 7, 6, 12);
	check_shape(graph_make_ft2(36), 54, 648, 648);
	check_shape(graph_make_two_trees(4), 12, 16, 16);
	check_shape(graph_make_ft3(24, 24), 720, 6912, 3456);
	check_shape(graph_make_ft3(36, 18), 810, 11664, 5832);
	check_shape(graph_make_torus(6, 6, 6, 4), 216, 648, 864);
	check_shape(graph_make_torus(4, 2, 1, 1), 8, 16, 8);
	check_shape(graph_make_dragonfly(8, 4, 4), 264, 1452, 1056);
	check_shape(graph_make_hyperx(12, 8, 7), 96, 864, 672);
	check_shape(graph_make_random(2, 2, 1, 1), 2, 1, 2);
}

static void the_same_seed_makes_the_same_fabric(void **unused)
{
	AUTO(graph_freep) struct made_graph *one = graph_make_random(40, 6, 2, 7);
	AUTO(graph_freep) struct made_graph *two = graph_make_random(40, 6, 2, 7);
	AUTO(graph_freep) struct made_graph *three = graph_make_random(40, 6, 2, 8);
	size_t size = graph_of(one)->n_arcs * sizeof(struct arc);

	(void)unused;
	check_promises(graph_of(one));
	assert_int_equal(graph_of(one)->n_arcs, graph_of(two)->n_arcs);
	assert_memory_equal(graph_of(one)->arcs, graph_of(two)->arcs, size);
	assert_true(graph_of(one)->n_arcs != graph_of(three)->n_arcs ||
		    memcmp(graph_of(one)->arcs, graph_of(three)->arcs, size) != 0);
}

static void what_befalls_a_fabric_keeps_it_a_fabric(void **unused)
{
	const uint32_t roots[] = { 3, 1 };
	AUTO(graph_freep) struct made_graph *made = graph_make_ft2(8);

	(void)unused;
	graph_remove_links(made, 3, 1);
	assert_int_equal(graph_of(made)->n_arcs, 2 * 29);
	graph_remove_switch(made, 2);
	assert_int_equal(graph_of(made)->n_switches, 11);
	assert_int_equal(count_ends(graph_of(made), END_HOST), 28);
	graph_add_aggregation(made);
	graph_add_hosts_on_spines(made, 2);
	assert_int_equal(count_ends(graph_of(made), END_AGGREGATION), 11);
	assert_int_equal(count_ends(graph_of(made), END_HOST), 28 + 8);
	graph_multiply_cables(made, 2);
	graph_set_lmc(made, 2);
	graph_join_devices(made, 2, 5);
	graph_shuffle_lids(made, 5);
	graph_shuffle_order(made, 5);
	graph_set_roots(made, roots, COUNT(roots));
	assert_int_equal(graph_of(made)->n_roots, 2);
	assert_int_equal(graph_of(made)->roots[0], 3);
	check_promises(graph_of(made));
	graph_remove_switches(made, 100, 1);
	assert_int_equal(graph_of(made)->n_switches, 0);
	check_promises(graph_of(made));
}

static void joined_hosts_share_a_device_and_nobody_else_does(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = graph_make_line(2, 2);
	const struct end *ends;

	(void)unused;
	graph_join_devices(made, 2, 0);
	ends = graph_of(made)->ends; /* switch, host, host; switch, host, host */
	assert_int_equal(ends[1].device, ends[2].device);
	assert_int_equal(ends[4].device, ends[5].device);
	assert_int_not_equal(ends[1].device, ends[4].device);
	assert_int_not_equal(ends[0].device, ends[3].device);
	assert_int_not_equal(ends[0].device, ends[1].device);
}

/* ---- net files --------------------------------------------------------------------------------
 */

static int read_text(const char *text, struct made_graph **ret, unsigned *ret_line)
{
	char path[] = "test-graphs-XXXXXX";
	int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	r = graph_read_net(path, ret, ret_line);
	unlink(path);
	return r;
}

static void a_net_file_is_read(void **unused)
{
	static const char text[] =
		"# made by hand\nvendid=0x2c9\n"
		"switchguid=0xb(b)\n"
		"Switch\t36 \"S-b\"\t\t# \"spine one\" enhanced port 0 lid 5 lmc 0\n"
		"[1]\t\"S-a\"[7]\t\t# \"leaf\" lid 3 4xHDR\n"
		"[2]\t\"S-a\"[8] w=4\n"
		"[3]\t\"S-b\"[4]\n[4]\t\"S-b\"[3]\n"
		"[5]\t\"H-3\"[1](3)\n"
		"\nSwitch 36 \"S-a\"\n"
		"[7](a) \"S-b\"[1]\n"
		"[30] \"R-1\"[2]\n"
		"\nCa 2 \"H-1\"\t# \"node HCA-1\"\n[1](1) \"S-a\"[1]\n[2](2) \"S-a\"[2]\n"
		"\nHca 1 \"H-3\"\t# \"Mellanox Technologies Aggregation Node\"\n[1] \"S-b\"[5]\n"
		"\nRt 2 \"R-1\"\n";
	AUTO(graph_freep) struct made_graph *made = NULL;
	const struct graph *graph;
	unsigned line;

	(void)unused;
	assert_int_equal(read_text(text, &made, &line), 0);
	graph = graph_of(made);
	check_promises(graph);
	assert_int_equal(graph->n_switches, 2);
	assert_int_equal(graph->n_arcs, 4);
	assert_int_equal(graph->arcs[0].port, 1);
	assert_int_equal(graph->arcs[0].to, 1);
	assert_int_equal(graph->arcs[0].to_port, 7);
	assert_int_equal(count_ends(graph, END_HOST), 2);
	assert_int_equal(count_ends(graph, END_AGGREGATION), 1);
	assert_int_equal(count_ends(graph, END_ROUTER), 1);
	assert_int_equal(graph->ends[3].device, graph->ends[4].device);
	assert_true(graph->order[0] > graph->order[1]);
	assert_string_equal(graph_switch_name(made, 0), "spine one");
	assert_string_equal(graph_switch_name(made, 1), "S-a");
}

static void check_refused(const char *text, unsigned expected_line)
{
	struct made_graph *made = NULL;
	unsigned line = 0;

	assert_int_equal(read_text(text, &made, &line), -EINVAL);
	assert_int_equal(line, expected_line);
	assert_null(made);
}

static void a_net_file_that_makes_no_sense_is_refused(void **unused)
{
	AUTO(graph_freep) struct made_graph *made = NULL;
	unsigned line;

	(void)unused;
	check_refused("[1] \"S-a\"[1]\n", 1);
	check_refused("Switch \"S-a\"\n", 1);
	check_refused("Switch 8 S-a\n", 1);
	check_refused("Switch 8 \"S-a\n", 1);
	check_refused("Switch 8 \"S-a\"\n[0] \"S-a\"[1]\n", 2);
	check_refused("Switch 8 \"S-a\"\n[255] \"S-a\"[1]\n", 2);
	check_refused("Switch 8 \"S-a\"\n[1] \"S-a\"\n", 2);
	check_refused("Switch 8 \"S-a\"\n[1] \"S-b\"[1]\n", 2);
	check_refused("Switch 8 \"S-a\"\nSwitch 8 \"S-a\"\n", 0);
	check_refused(
		"Switch 8 \"S-a\"\n[1] \"H-1\"[1]\n[1] \"H-2\"[1]\nCa 1 \"H-1\"\nCa 1 \"H-2\"\n",
		3);
	check_refused("Switch 8 \"S-a\"\n[1] \"H-1\"[1]\nCa 1 \"H-1\"\n[1] \"S-a\"[2]\n", 4);
	assert_int_equal(graph_read_net("/nonexistent/net", &made, &line), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_have_the_switches_cables_and_hosts_of_their_names),
		cmocka_unit_test(the_same_seed_makes_the_same_fabric),
		cmocka_unit_test(what_befalls_a_fabric_keeps_it_a_fabric),
		cmocka_unit_test(joined_hosts_share_a_device_and_nobody_else_does),
		cmocka_unit_test(a_net_file_is_read),
		cmocka_unit_test(a_net_file_that_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
