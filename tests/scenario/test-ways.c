/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What is remembered of ways says the same as a walk through the tables, port by port, that
 * remembers nothing: on fabrics of several kinds, whose tables have been spoilt, so that some ways
 * end nowhere, or in a circle, and whose links are not all alike.
 */

#include "tests/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "routing/engine.h"
#include "sm/machine.h"
#include "sm/sa/path-walk.h"

enum { STRIDE = 1024, QUESTIONS = 20000 };

struct rig {
	struct scenario *s;
	struct sm *sm;
	uint8_t *tables; /* by node, STRIDE each */
	struct ways ways;
	struct admin_view view, plain;
	uint16_t *lids; /* of ends, also those beyond the base */
	unsigned n_lids;
};

static uint8_t route(const void *user, uint32_t node, unsigned lid)
{
	const struct rig *r = user;

	return lid < STRIDE ? r->tables[node * STRIDE + lid] : ROUTE_NONE;
}

static const uint8_t *table(const void *user, uint32_t node, unsigned *ret_size)
{
	const struct rig *r = user;

	*ret_size = STRIDE;

	return &r->tables[node * STRIDE];
}

static void copy_tables(struct rig *r)
{
	const struct fabric *f = &r->sm->fabric;

	r->tables = malloc((size_t)f->n_nodes * STRIDE);
	assert_non_null(r->tables);
	for (uint32_t i = 0; i < f->n_nodes; i++)
		for (unsigned lid = 0; lid < STRIDE; lid++)
			r->tables[i * STRIDE + lid] =
				f->nodes[i].sw ? sm_route(r->sm, i, lid) : ROUTE_NONE;
}

static void list_lids(struct rig *r)
{
	r->lids = calloc(STRIDE, sizeof(*r->lids));
	assert_non_null(r->lids);
	for (unsigned lid = 1; lid < STRIDE; lid++)
		if (r->sm->fabric.by_lid[lid] != NO_PORT)
			r->lids[r->n_lids++] = (uint16_t)lid;
}

static void set_up(struct rig *r, struct scenario *s, struct made_graph *graph, uint8_t lmc)
{
	*r = (struct rig){ .s = s };
	s->first.conf.lmc = lmc;
	scenario_build(s, graph);
	scenario_start_sm(s);
	scenario_settle(s);
	r->sm = s->first.sm;
	copy_tables(r);
	list_lids(r);
	r->plain = (struct admin_view){ .fabric = &r->sm->fabric,
					.conf = &r->sm->conf,
					.user = r,
					.route = route,
					.table = table };
	r->view = r->plain;
	r->view.ways = &r->ways;
}

static void tear_down(struct rig *r)
{
	ways_drop(&r->ways);
	free(r->tables);
	free(r->lids);
}

static uint32_t some(struct rig *r, uint32_t below)
{
	return (uint32_t)scenario_random(r->s, below);
}

/* An entry that leads elsewhere, or nowhere. */
static void spoil_table(struct rig *r)
{
	const struct fabric *f = &r->sm->fabric;
	uint32_t node = some(r, f->n_nodes);
	unsigned lid = r->lids[some(r, r->n_lids)];

	if (f->nodes[node].sw)
		r->tables[node * STRIDE + lid] =
			some(r, 4) ? (uint8_t)some(r, f->nodes[node].n_ports + 2u) : ROUTE_NONE;
}

static void spoil_link(struct rig *r)
{
	struct port *port = &r->sm->fabric.ports[some(r, r->sm->fabric.n_ports)];

	if (some(r, 2))
		wire_set(port->info, PORT_INFO_NEIGHBOR_MTU, 1 + some(r, 5));
	else
		wire_set(port->info, PORT_INFO_WIDTH_ACTIVE, 1 + some(r, 2));
}

static void check(struct rig *r, uint16_t from, uint16_t to, uint16_t many)
{
	const struct fabric *f = &r->sm->fabric;
	struct admin_ends ends = { f->by_lid[from], f->by_lid[to], from, to, many };
	struct admin_path quick = { 0 }, slow = { 0 };
	bool is_quick = admin_path_walk(&r->view, &ends, &quick);

	assert_int_equal(is_quick, admin_path_walk(&r->plain, &ends, &slow));
	assert_memory_equal(&quick, &slow, sizeof(quick));
}

/* Of all that is asked some is about one pair, and some about one LID and all others. */
static void ask(struct rig *r)
{
	for (unsigned n = 0; n < QUESTIONS;) {
		uint16_t lid = r->lids[some(r, r->n_lids)];
		unsigned kind = some(r, 3), times = kind ? r->n_lids : 20;

		for (unsigned i = 0; i < times; i++, n++) {
			if (kind == 0)
				check(r, r->lids[some(r, r->n_lids)], r->lids[some(r, r->n_lids)],
				      0);
			else if (kind == 1)
				check(r, lid, r->lids[i], lid);
			else
				check(r, r->lids[i], lid, lid);
		}
	}
}

static void compare(struct scenario *s, struct made_graph *graph, uint8_t lmc)
{
	struct rig r;

	set_up(&r, s, graph, lmc);
	ask(&r);
	for (unsigned round = 0; round < 4; round++) {
		ways_drop(&r.ways);
		for (unsigned i = 0; i < 4u << 2 * round; i++) {
			spoil_table(&r);
			spoil_link(&r);
		}
		ask(&r);
	}
	tear_down(&r);
}

static void in_a_tree(void **state)
{
	compare(*state, graph_make_ft3(4, 4), 0);
}

static void in_a_tree_with_several_lids(void **state)
{
	compare(*state, graph_make_ft2(6), 2);
}

static void in_a_torus(void **state)
{
	compare(*state, graph_make_torus(4, 4, 2, 2), 1);
}

static void in_any_fabric(void **state)
{
	compare(*state, graph_make_random(30, 4, 2, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up_lanes, scenario_tear_down)
		TEST(in_a_tree),
		TEST(in_a_tree_with_several_lids),
		TEST(in_a_torus),
		TEST(in_any_fabric),
	};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
