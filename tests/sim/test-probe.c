/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* What reaches whom, and that asking changes nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/sim/forward.h"
#include "tests/sim/probe.h"
#include "tests/sim/test-tree.h"

enum { MLID = 0xc001 };

/* Three leaves of two hosts, two spines. */
static int set_up(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_two(t, 3, 2, 2);
	*state = t;
	return 0;
}

static int tear_down(void **state)
{
	tree_free(*state);
	free(*state);
	return 0;
}

static struct sim_port *host(struct tree *t, unsigned n)
{
	return &t->hosts[n]->ports[1];
}

static struct sim_probe between(struct tree *t, unsigned from, unsigned to)
{
	return (struct sim_probe){ .from = { .port = host(t, from) },
				   .dlid = sim_lid(host(t, to)) };
}

static struct sim_probe_result probed(const struct sim_probe *probe)
{
	struct sim_probe_result result;

	sim_probe(probe, &result);
	return result;
}

static enum sim_drop why(struct tree *t, unsigned from, unsigned to)
{
	struct sim_probe probe = between(t, from, to);

	return probed(&probe).why;
}

static void a_probe_goes_the_way_of_the_tables(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);
	struct sim_probe_result r = probed(&probe);

	assert_int_equal(r.why, SIM_PASSED);
	assert_int_equal(r.hops, 4);
	assert_ptr_equal(r.at, host(t, 5));
	assert_ptr_equal(r.reached.port, host(t, 5));
	probe = between(t, 0, 1);
	assert_int_equal(probed(&probe).hops, 2);
	probe = between(t, 0, 0);
	assert_int_equal(probed(&probe).hops, 0);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
}

static void a_switch_is_reached_and_reaches(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 1);
	struct sim_probe_result r;

	probe.dlid = sim_lid(&t->spines[1]->ports[0]);
	r = probed(&probe);
	assert_int_equal(r.why, SIM_PASSED);
	assert_ptr_equal(r.reached.port, &t->spines[1]->ports[0]);
	probe = between(t, 0, 4);
	probe.from.port = &t->spines[0]->ports[0];
	r = probed(&probe);
	assert_int_equal(r.why, SIM_PASSED);
	assert_int_equal(r.hops, 2);
}

struct steps {
	unsigned n;
	const struct sim_port *out[8];
	unsigned vl[8];
};

static void step(void *user, const struct sim_port *in, const struct sim_port *out, unsigned vl)
{
	struct steps *s = user;

	(void)in;
	s->out[s->n] = out;
	s->vl[s->n++] = vl;
}

static uint8_t (*lanes(struct sim_port *port, unsigned lane))[8]
{
	size_t size = port->node->sw ? port->node->n_ports + 1u : 1;

	port->sl2vl = calloc(size, sizeof(*port->sl2vl));
	assert_non_null(port->sl2vl);
	memset(port->sl2vl, (int)(lane << 4 | lane), size * sizeof(*port->sl2vl));
	return port->sl2vl;
}

static void the_trace_names_ports_and_lanes(void **state)
{
	struct tree *t = *state;
	struct steps steps = { 0 };
	struct sim_probe probe = between(t, 0, 5);
	struct sim_port *up = &t->leaves[0]->ports[3]; /* LID 6: the first spine */

	probe.sl = 2;
	probe.trace = step;
	probe.user = &steps;
	lanes(up, 5);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	assert_int_equal(steps.n, 4);
	assert_ptr_equal(steps.out[0], host(t, 0));
	assert_ptr_equal(steps.out[1], up);
	assert_ptr_equal(steps.out[3], &t->leaves[2]->ports[2]);
	assert_int_equal(steps.vl[0], 2);
	assert_int_equal(steps.vl[1], 5);
	assert_int_equal(steps.vl[2], 2);
}

static void a_lane_that_is_15_stops_it(void **state)
{
	struct tree *t = *state;
	struct sim_port *up = &t->leaves[0]->ports[3];
	struct sim_probe probe = between(t, 0, 5);

	lanes(up, 15);
	assert_int_equal(probed(&probe).why, SIM_DROP_VL);
	assert_ptr_equal(probed(&probe).at, up);
}

static void the_sender_must_own_the_pkey(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);

	probe.pkey = 0x8001;
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY);
	assert_ptr_equal(probed(&probe).at, host(t, 0));
	tree_pkeys(host(t, 0), 0x8001, 0);
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY);
	assert_ptr_equal(probed(&probe).at, host(t, 5));
	tree_pkeys(host(t, 5), 0x7fff, 0x8001);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	/* A limited member cannot send as a full one. */
	tree_pkeys(host(t, 0), 0x0001, 0);
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY);
}

static void limited_members_do_not_reach_each_other(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);

	tree_pkeys(host(t, 0), 0x0001, 0);
	tree_pkeys(host(t, 5), 0x0001, 0);
	probe.pkey = 0x0001;
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY);
	assert_ptr_equal(probed(&probe).at, host(t, 5));
	tree_pkeys(host(t, 5), 0x8001, 0);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
}

static void a_switch_port_that_enforces_stops_it(void **state)
{
	struct tree *t = *state;
	struct sim_port *in = &t->leaves[0]->ports[1];
	struct sim_port *out = &t->leaves[2]->ports[2];
	struct sim_probe probe = between(t, 0, 5);

	in->info.vl_enforce |= 8;
	tree_pkeys(in, 0x8001, 0);
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY_IN);
	assert_ptr_equal(probed(&probe).at, in);
	tree_pkeys(in, 0xffff, 0);
	out->info.vl_enforce |= 4;
	tree_pkeys(out, 0x8001, 0);
	assert_int_equal(probed(&probe).why, SIM_DROP_PKEY_OUT);
	assert_ptr_equal(probed(&probe).at, out);
}

static void what_is_longer_than_an_mtu_on_the_way_is_stopped(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);

	probe.length = 4096;
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	t->leaves[0]->ports[3].info.mtu_smsl = 4 << 4;
	assert_int_equal(probed(&probe).why, SIM_DROP_MTU);
	probe.length = 2048;
	assert_int_equal(probed(&probe).why, SIM_PASSED);
}

static void ports_that_are_not_active_stop_it_and_stay_as_they_are(void **state)
{
	struct tree *t = *state;
	struct sim_port *in = &t->spines[0]->ports[1];

	sim_set_state(in, SIM_ARMED);
	assert_int_equal(why(t, 0, 5), SIM_PASSED);
	assert_int_equal(sim_state(in), SIM_ARMED);
	sim_set_state(in, SIM_INIT);
	assert_int_equal(why(t, 0, 5), SIM_DROP_NOT_ACTIVE);
	sim_set_state(in, SIM_ACTIVE);
	sim_set_state(in->far, SIM_ARMED);
	assert_int_equal(why(t, 0, 5), SIM_DROP_NOT_ACTIVE);
	sim_cable_pull(in);
	assert_int_equal(why(t, 0, 5), SIM_DROP_LINK_DOWN);
}

static void routes_that_are_wrong_have_their_reasons(void **state)
{
	struct tree *t = *state;
	uint8_t *lft = t->leaves[0]->sw->lft;
	unsigned to = sim_lid(host(t, 5));
	struct sim_probe probe = between(t, 0, 5);

	lft[to] = SIM_LFT_NONE;
	assert_int_equal(why(t, 0, 5), SIM_DROP_NO_ROUTE);
	lft[to] = 1;
	assert_int_equal(why(t, 0, 5), SIM_DROP_LOOPING);
	lft[to] = 2;
	assert_int_equal(why(t, 0, 5), SIM_DROP_NOT_FOR_US);
	lft[to] = 3;
	t->spines[0]->sw->lft[to] = 2;
	t->leaves[1]->sw->lft[to] = 4;
	t->spines[1]->sw->lft[to] = 1;
	assert_int_equal(why(t, 0, 5), SIM_DROP_HOPS);
	probe.dlid = 0;
	assert_int_equal(probed(&probe).why, SIM_DROP_NO_ROUTE);
	probe.dlid = MLID;
	assert_int_equal(probed(&probe).why, SIM_DROP_NO_ROUTE);
}

static void name(struct sim_probe *probe, uint64_t prefix, uint64_t guid)
{
	prefix = htobe64(prefix);
	guid = htobe64(guid);
	probe->has_grh = true;
	memcpy(probe->dgid, &prefix, 8);
	memcpy(probe->dgid + 8, &guid, 8);
}

static void a_grh_must_name_the_port_or_an_alias_of_it(void **state)
{
	struct tree *t = *state;
	struct sim_port *to = host(t, 5);
	struct sim_probe probe = between(t, 0, 5);
	uint64_t other = UINT64_C(0xfec0) << 48;

	name(&probe, UINT64_C(0xfe80) << 48, to->guid);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	name(&probe, other, to->guid);
	assert_int_equal(probed(&probe).why, SIM_DROP_GRH);
	to->info.subnet_prefix = htobe64(other);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	name(&probe, UINT64_C(0xfe80) << 48, to->guid);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	name(&probe, other, 0xabc);
	assert_int_equal(probed(&probe).why, SIM_DROP_GRH);
	to->guids = calloc(to->info.guid_cap, sizeof(*to->guids));
	assert_non_null(to->guids);
	to->guids[3] = htobe64(0xabc);
	assert_int_equal(probed(&probe).why, SIM_PASSED);
	name(&probe, other, 0);
	assert_int_equal(probed(&probe).why, SIM_DROP_GRH);
}

static void a_router_takes_what_has_hops_left(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);

	t->hosts[5]->type = SIM_ROUTER;
	name(&probe, UINT64_C(0xfec1) << 48, 0xabc);
	probe.hop_limit = 1;
	assert_int_equal(probed(&probe).why, SIM_DROP_GRH);
	probe.hop_limit = 2;
	assert_int_equal(probed(&probe).why, SIM_PASSED);
}

static void asking_changes_nothing(void **state)
{
	struct tree *t = *state;
	struct sim_counters before = t->leaves[0]->ports[3].counters;

	assert_int_equal(why(t, 0, 5), SIM_PASSED);
	t->leaves[0]->sw->lft[1] = SIM_LFT_NONE;
	assert_int_equal(why(t, 5, 0), SIM_DROP_NO_ROUTE);
	assert_memory_equal(&before, &t->leaves[0]->ports[3].counters, sizeof(before));
	assert_int_equal(t->leaves[0]->ports[3].counters.switch_relay_errors, 0);
	assert_int_equal(t->fabric->n_packets, 0);
	assert_int_equal(t->fabric->drops[SIM_DROP_NO_ROUTE], 0);
}

/* ---- every ordered pair ---------------------------------------------------------------------- */

struct seen {
	struct tree *t;
	unsigned n;
	enum sim_drop why;
	struct sim_endpoint from, to;
};

static void violated(void *user, const struct sim_probe *probe, const struct sim_endpoint *to,
		     const struct sim_probe_result *result)
{
	struct seen *seen = user;

	seen->n++;
	seen->why = result->why;
	seen->from = probe->from;
	seen->to = *to;
}

static void all_pairs_reach_each_other(void **state)
{
	struct tree *t = *state;
	struct seen seen = { 0 };
	struct sim_probe_all all = { .violated = violated, .user = &seen };
	unsigned n;

	/* 11 endpoints: 6 hosts, 5 switches. */
	assert_int_equal(sim_probe_all(t->fabric, &all, &n), 0);
	assert_int_equal(n, 110);
	t->spines[0]->sw->lft[sim_lid(host(t, 5))] = SIM_LFT_NONE;
	/* Four hosts and two leaves above them, and the spine itself. */
	assert_int_equal(sim_probe_all(t->fabric, &all, NULL), 7);
	assert_int_equal(seen.n, 7);
	assert_int_equal(seen.why, SIM_DROP_NO_ROUTE);
	assert_ptr_equal(seen.to.port, host(t, 5));
	all.limit = 2;
	assert_int_equal(sim_probe_all(t->fabric, &all, NULL), 7);
	assert_int_equal(seen.n, 9);
}

/* Hosts 0 and 1 are alone with each other. */
static enum sim_expect apart(void *user, const struct sim_endpoint *from,
			     const struct sim_endpoint *to, struct sim_probe *probe)
{
	struct seen *seen = user;
	unsigned a = from->port->node->index, b = to->port->node->index;

	probe->pkey = 0x8002;
	if (a > 5 || b > 5)
		return SIM_EXPECT_ANYTHING;
	(void)seen;
	return (a < 2) == (b < 2) && a < 2 ? SIM_EXPECT_REACHED : SIM_EXPECT_NOT_REACHED;
}

static void what_must_not_be_reached_is_a_violation_too(void **state)
{
	struct tree *t = *state;
	struct seen seen = { 0 };
	struct sim_probe_all all = { .expect = apart, .violated = violated, .user = &seen };
	unsigned n;

	tree_pkeys(host(t, 0), 0x8002, 0);
	tree_pkeys(host(t, 1), 0x8002, 0);
	assert_int_equal(sim_probe_all(t->fabric, &all, &n), 0);
	assert_int_equal(n, 30);
	tree_pkeys(host(t, 3), 0x0002, 0);
	assert_int_equal(sim_probe_all(t->fabric, &all, NULL), 2);
	assert_ptr_equal(seen.to.port, host(t, 3));
	assert_int_equal(seen.why, SIM_PASSED);
}

static void every_one_of_its_lids_is_tried(void **state)
{
	struct tree *t = *state;
	struct sim_probe_all all = { 0 };
	struct sim_port *to = host(t, 0);

	/* LID 64 to 67; only the first has a route. */
	to->info.base_lid = htobe16(64);
	to->info.mkey_lmc = 2;
	for (unsigned i = 0; i < t->fabric->n_nodes; i++) {
		struct sim_switch *sw = t->fabric->nodes[i]->sw;

		if (!sw)
			continue;
		sw->lft = realloc(sw->lft, 128);
		assert_non_null(sw->lft);
		memset(sw->lft + sw->lft_size, SIM_LFT_NONE, 128 - sw->lft_size);
		sw->lft_size = 128;
		sw->info.lin_top = htobe16(67);
		sw->lft[64] = sw->lft[1];
	}
	assert_int_equal(sim_probe_all(t->fabric, &all, NULL), 30);
}

static void somebody_else_with_its_lid_is_not_it(void **state)
{
	struct tree *t = *state;
	struct seen seen = { 0 };
	struct sim_probe_all all = { .violated = violated, .user = &seen };

	host(t, 3)->info.base_lid = htobe16(6);
	/* From the ten others; the twin of its LID reaches itself. */
	assert_int_equal(sim_probe_all(t->fabric, &all, NULL), 11);
	assert_int_equal(seen.why, SIM_PASSED);
}

static void who_is_dark_is_not_asked(void **state)
{
	struct tree *t = *state;
	struct sim_probe_all all = { 0 };
	unsigned n;

	sim_power(t->hosts[5], false);
	assert_int_equal(sim_probe_all(t->fabric, &all, &n), 0);
	assert_int_equal(n, 90);
}

static enum sim_expect hosts_only(void *user, const struct sim_endpoint *from,
				  const struct sim_endpoint *to, struct sim_probe *probe)
{
	(void)user;
	(void)probe;
	return from->port->number && to->port->number ? SIM_EXPECT_REACHED : SIM_EXPECT_ANYTHING;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void all_pairs_of_648_hosts_take_no_second(void **state)
{
	struct sim_probe_all all = { .expect = hosts_only };
	struct tree t;
	double before;
	unsigned n;

	(void)state;
	tree_two(&t, 36, 18, 18);
	before = now();
	assert_int_equal(sim_probe_all(t.fabric, &all, &n), 0);
	print_message("%u probes: %.3f s\n", n, now() - before);
	assert_int_equal(n, 648 * 647);
	/* Ten times of what it takes, for slow machines and sanitizers. */
	assert_true(now() - before < 5);
	tree_free(&t);
}

/* ---- multicast ------------------------------------------------------------------------------- */

/* All hosts, by the first spine. */
static void grow(struct tree *t)
{
	for (unsigned l = 0; l < 3; l++)
		tree_mft(t->leaves[l], MLID, 1 << 1 | 1 << 2 | 1 << 3);
	tree_mft(t->spines[0], MLID, 1 << 1 | 1 << 2 | 1 << 3);
}

static void tick(void *user, const struct sim_endpoint *e)
{
	unsigned *bits = user;

	*bits |= 1u << e->port->node->index;
}

static struct sim_spread spread(struct sim_port *from, unsigned *bits)
{
	struct sim_probe probe = { .from = { .port = from }, .dlid = MLID };
	struct sim_spread s;

	*bits = 0;
	assert_int_equal(sim_probe_multicast(&probe, tick, bits, &s), 0);
	return s;
}

static void a_tree_reaches_each_member_once_and_never_the_sender(void **state)
{
	struct tree *t = *state;
	unsigned bits;

	grow(t);
	for (unsigned h = 0; h < 6; h++) {
		struct sim_spread s = spread(host(t, h), &bits);

		assert_int_equal(s.n_reached, 5);
		assert_int_equal(bits, 0x3f & ~(1u << h));
		assert_int_equal(s.n_again, 0);
		assert_int_equal(s.n_lost, 0);
		assert_false(s.came_back);
	}
}

static void a_switch_sends_and_takes_multicast_by_port_0(void **state)
{
	struct tree *t = *state;
	unsigned bits;

	grow(t);
	tree_mft(t->leaves[1], MLID, 1 << 0 | 1 << 3);
	assert_int_equal(spread(host(t, 0), &bits).n_reached, 4);
	assert_int_equal(bits, 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7);
	assert_int_equal(spread(&t->leaves[1]->ports[0], &bits).n_reached, 4);
	assert_int_equal(bits, 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5);
}

static void what_comes_twice_is_told(void **state)
{
	struct tree *t = *state;
	struct sim_spread s;
	unsigned bits;

	grow(t);
	/* By both spines, though the second leads to the last leaf only. */
	tree_mft(t->leaves[0], MLID, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
	tree_mft(t->spines[1], MLID, 1 << 3);
	s = spread(host(t, 0), &bits);
	assert_int_equal(bits, 0x3e);
	assert_int_equal(s.n_reached, 5);
	/* Each host of the last leaf once more, and what goes up from there again. */
	assert_true(s.n_again >= 2);
	assert_non_null(s.again);
}

static void a_loop_ends_and_the_sender_sees_its_own(void **state)
{
	struct tree *t = *state;
	struct sim_spread s;
	unsigned bits;

	for (unsigned l = 0; l < 2; l++)
		tree_mft(t->leaves[l], MLID, 1 << 1 | 1 << 3 | 1 << 4);
	for (unsigned i = 0; i < 2; i++)
		tree_mft(t->spines[i], MLID, 1 << 1 | 1 << 2);
	s = spread(host(t, 0), &bits);
	assert_true(s.came_back);
	assert_true(s.n_again > 0);
	assert_int_equal(bits, 1 << 2);
}

static void copies_that_come_to_nothing_have_a_reason(void **state)
{
	struct tree *t = *state;
	struct sim_spread s;
	unsigned bits;

	grow(t);
	sim_set_state(&t->leaves[2]->ports[1], SIM_ARMED);
	s = spread(host(t, 0), &bits);
	assert_int_equal(s.n_reached, 4);
	assert_int_equal(s.n_lost, 1);
	assert_int_equal(s.why, SIM_DROP_NOT_ACTIVE);
	assert_ptr_equal(s.at, &t->leaves[2]->ports[1]);
	tree_pkeys(host(t, 0), 0x8001, 0);
	s = spread(host(t, 0), &bits);
	assert_int_equal(s.n_reached, 0);
	assert_int_equal(s.why, SIM_DROP_PKEY);
}

static void members_without_the_pkey_do_not_take_it(void **state)
{
	struct tree *t = *state;
	struct sim_spread s;
	unsigned bits;

	grow(t);
	tree_pkeys(host(t, 3), 0x8001, 0);
	s = spread(host(t, 0), &bits);
	assert_int_equal(s.n_reached, 4);
	assert_int_equal(s.n_lost, 1);
	assert_int_equal(s.why, SIM_DROP_PKEY);
	assert_ptr_equal(s.at, host(t, 3));
}

static void a_grh_of_multicast_names_a_group(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = { .from = { .port = host(t, 0) }, .dlid = MLID };
	struct sim_spread s;

	grow(t);
	name(&probe, UINT64_C(0xff12401b) << 32, 1);
	assert_int_equal(sim_probe_multicast(&probe, NULL, NULL, &s), 0);
	assert_int_equal(s.n_reached, 5);
	name(&probe, UINT64_C(0xfe80) << 48, host(t, 5)->guid);
	assert_int_equal(sim_probe_multicast(&probe, NULL, NULL, &s), 0);
	assert_int_equal(s.n_reached, 0);
	assert_int_equal(s.why, SIM_DROP_GRH);
}

static void to_a_unicast_lid_nothing_spreads(void **state)
{
	struct tree *t = *state;
	struct sim_probe probe = between(t, 0, 5);
	struct sim_spread s;

	assert_int_equal(sim_probe_multicast(&probe, NULL, NULL, &s), 0);
	assert_int_equal(s.n_reached, 0);
	assert_int_equal(s.why, SIM_DROP_NO_ROUTE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_probe_goes_the_way_of_the_tables),
		TEST(a_switch_is_reached_and_reaches),
		TEST(the_trace_names_ports_and_lanes),
		TEST(a_lane_that_is_15_stops_it),
		TEST(the_sender_must_own_the_pkey),
		TEST(limited_members_do_not_reach_each_other),
		TEST(a_switch_port_that_enforces_stops_it),
		TEST(what_is_longer_than_an_mtu_on_the_way_is_stopped),
		TEST(ports_that_are_not_active_stop_it_and_stay_as_they_are),
		TEST(routes_that_are_wrong_have_their_reasons),
		TEST(a_grh_must_name_the_port_or_an_alias_of_it),
		TEST(a_router_takes_what_has_hops_left),
		TEST(asking_changes_nothing),
		TEST(all_pairs_reach_each_other),
		TEST(what_must_not_be_reached_is_a_violation_too),
		TEST(every_one_of_its_lids_is_tried),
		TEST(somebody_else_with_its_lid_is_not_it),
		TEST(who_is_dark_is_not_asked),
		cmocka_unit_test(all_pairs_of_648_hosts_take_no_second),
		TEST(a_tree_reaches_each_member_once_and_never_the_sender),
		TEST(a_switch_sends_and_takes_multicast_by_port_0),
		TEST(what_comes_twice_is_told),
		TEST(a_loop_ends_and_the_sender_sees_its_own),
		TEST(copies_that_come_to_nothing_have_a_reason),
		TEST(a_grh_of_multicast_names_a_group),
		TEST(to_a_unicast_lid_nothing_spreads),
		TEST(members_without_the_pkey_do_not_take_it),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
