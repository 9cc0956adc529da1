/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Independent paths on fabrics that have some: what MultiPathRecord answers is held against all
 * pairs of paths there are, walked through the tables that the switches hold.
 */

#include "tests/scenario/sa-client.h"
#include "tests/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/tables.h"

enum { GET_MULTI = 0x14, MULTI_PATH = 0x3a, RECORD = 64, GIDS = 24 };
enum { NUMB = 6, INDEPENDENCE = 17, SGID_COUNT = 19, DGID_COUNT = 20 };
enum { MANY = 512, LONG = 64 };

/* ---- the slow reference -----------------------------------------------------------------------
 */

/* Nodes and cables (one of the ends, always the same), each as often as it comes. */
struct way {
	struct sim_port *from, *to;
	unsigned slid, dlid;
	const void *node[LONG], *cable[LONG];
	unsigned n_nodes, n_cables;
};

static const void *cable_of(const struct sim_port *port)
{
	return port < port->far ? port : port->far;
}

static void walk(struct way *w, struct sim_port *from, const struct sim_port *to, unsigned lid)
{
	struct sim_port *out = from;

	w->node[w->n_nodes++] = from->node;
	while (out->far != to) {
		struct sim_node *sw = out->far->node;

		w->cable[w->n_cables++] = cable_of(out);
		w->node[w->n_nodes++] = sw;
		assert_true(sw->sw && w->n_nodes < LONG - 2);
		out = &sw->ports[sim_lft_at(sw, lid)];
		assert_non_null(out->far);
	}
	w->cable[w->n_cables++] = cable_of(out);
	w->node[w->n_nodes++] = to->node;
}

static unsigned once(const void **list, unsigned n)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < kept && list[k] != list[i])
			k++;
		if (k == kept)
			list[kept++] = list[i];
	}

	return kept;
}

static struct way way_of(struct sim_port *from, struct sim_port *to, unsigned slid, unsigned dlid)
{
	struct way w = { .from = from, .to = to, .slid = slid, .dlid = dlid };

	walk(&w, from, to, dlid);
	walk(&w, to, from, slid);
	w.n_nodes = once(w.node, w.n_nodes);
	w.n_cables = once(w.cable, w.n_cables);

	return w;
}

static unsigned common(const void *const *a, unsigned n_a, const void *const *b, unsigned n_b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_a; i++)
		for (unsigned k = 0; k < n_b; k++)
			n += a[i] == b[k];

	return n;
}

/* In one number: shared nodes, shared cables, length. */
static unsigned price(const struct way *a, const struct way *b)
{
	return common(a->node, a->n_nodes, b->node, b->n_nodes) << 20 |
	       common(a->cable, a->n_cables, b->cable, b->n_cables) << 10 |
	       (a->n_nodes + b->n_nodes);
}

/* What a port of both brings along: its adapter, leaf and cable. */
static unsigned price_of_ends(const struct way *a, const struct way *b)
{
	const void *node[8], *cable[4];
	unsigned n_nodes = 0, n_cables = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct sim_port *port = i & 1 ? a->to : a->from;

		if (port != (i & 2 ? b->to : b->from))
			continue;
		node[n_nodes++] = port->node;
		node[n_nodes++] = port->far->node;
		cable[n_cables++] = cable_of(port);
	}

	return once(node, n_nodes) << 20 | once(cable, n_cables) << 10;
}

/* ---- questions --------------------------------------------------------------------------------
 */

struct ends {
	struct sim_port *from[2], *to[2];
	unsigned n_from, n_to;
};

static unsigned lids(const struct sim_port *port)
{
	return 1u << (port->info.mkey_lmc & 7);
}

static unsigned all_ways(const struct ends *e, struct way *ret)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_from; i++) {
		for (unsigned k = 0; k < e->n_to; k++) {
			struct sim_port *from = e->from[i], *to = e->to[k];

			for (unsigned a = 0; a < lids(from); a++) {
				for (unsigned b = 0; b < lids(to); b++) {
					assert_true(n < MANY);
					ret[n++] =
						way_of(from, to, be16toh(from->info.base_lid) + a,
						       be16toh(to->info.base_lid) + b);
				}
			}
		}
	}

	return n;
}

static void put_gid(uint8_t *record, unsigned n, const struct sim_port *port)
{
	memcpy(record + GIDS + 16 * n, &port->info.subnet_prefix, 8);
	memcpy(record + GIDS + 16 * n + 8, &(uint64_t){ htobe64(port->guid) }, 8);
}

static void ask(struct scenario *s, struct sa_client *c, const struct ends *e)
{
	uint8_t record[GIDS + 4 * 16] = { 0 };
	unsigned before = c->n_answers;
	uint64_t mask = 1 << NUMB | 1 << INDEPENDENCE | 1 << SGID_COUNT | 1 << DGID_COUNT;

	record[5] = 2;
	record[14] = 1 << 6;
	record[15] = (uint8_t)e->n_from;
	record[16] = (uint8_t)e->n_to;
	for (unsigned i = 0; i < e->n_from; i++)
		put_gid(record, i, e->from[i]);
	for (unsigned i = 0; i < e->n_to; i++)
		put_gid(record, e->n_from + i, e->to[i]);
	sa_client_send(c, GET_MULTI, MULTI_PATH, mask, record, sizeof(record));
	scenario_run(s, 10 * LOOP_MSEC);
	assert_int_equal(c->n_answers, before + 1);
	assert_int_equal(c->answer.mad.status, 0);
}

static struct way answered(const struct way *all, unsigned n, const uint8_t *record)
{
	unsigned dlid = record[40] << 8u | record[41], slid = record[42] << 8u | record[43];

	for (unsigned i = 0; i < n; i++)
		if (all[i].slid == slid && all[i].dlid == dlid)
			return all[i];
	fail_msg("a path from LID %u to %u was not asked for", slid, dlid);

	return all[0];
}

static unsigned preference(const uint8_t *record)
{
	return record[57];
}

static void check(struct scenario *s, struct sa_client *c, const struct ends *e)
{
	static struct way all[MANY];
	unsigned n = all_ways(e, all), best = UINT32_MAX, got;
	const uint8_t *records = sa_client_record(c);
	struct way first, second;

	ask(s, c, e);
	first = answered(all, n, records);
	second = answered(all, n, records + RECORD);
	assert_true(first.slid != second.slid || first.dlid != second.dlid);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = i + 1; k < n; k++)
			best = MIN(best, price(&all[i], &all[k]));
	got = price(&first, &second);
	assert_int_equal(got, best);
	assert_int_equal(preference(records), 0);
	assert_int_equal(preference(records + RECORD),
			 got >> 10 == price_of_ends(&first, &second) >> 10 ? 0 : 2);
}

static struct sim_port *any(struct scenario *s, const struct ends *but)
{
	for (;;) {
		struct sim_port *port = scenario_host(s, (uint32_t)scenario_random(s, s->n_hosts));

		if (port != but->from[0] && port != but->from[1] && port != but->to[0])
			return port;
	}
}

/* How many of them had two paths that share nothing. */
static unsigned ask_many(struct scenario *s, struct made_graph *graph, unsigned lmc)
{
	struct sa_client c;
	unsigned n = 0;

	s->first.conf.lmc = (uint8_t)lmc;
	scenario_build(s, graph);
	scenario_start_sm(s);
	scenario_settle(s);
	sa_client_open(&c, scenario_host(s, 1), 0, 1);
	for (unsigned i = 0; i < 60; i++) {
		struct ends e = { .n_from = lmc ? 1 + i % 2 : 2, .n_to = lmc ? 1 + i / 2 % 2 : 2 };

		e.from[0] = any(s, &e);
		e.from[1] = any(s, &e);
		e.to[0] = any(s, &e);
		e.to[1] = any(s, &e);
		check(s, &c, &e);
		n += preference(sa_client_record(&c) + RECORD) == 0;
	}
	sa_client_close(&c);

	return n;
}

static void in_a_tree(void **state)
{
	assert_in_range(ask_many(*state, graph_make_ft2(8), 2), 30, 60);
}

static void in_a_tree_with_one_lid_each(void **state)
{
	assert_in_range(ask_many(*state, graph_make_ft2(8), 0), 1, 59);
}

static void in_a_torus(void **state)
{
	assert_in_range(ask_many(*state, graph_make_torus(4, 4, 1, 2), 1), 1, 59);
}

static void in_any_fabric(void **state)
{
	assert_in_range(ask_many(*state, graph_make_random(16, 4, 2, 3), 2), 1, 59);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up_lanes, scenario_tear_down)
		TEST(in_a_tree),
		TEST(in_a_tree_with_one_lid_each),
		TEST(in_a_torus),
		TEST(in_any_fabric),
	};

	return cmocka_run_group_tests_name("independent", tests, NULL, NULL);
}
