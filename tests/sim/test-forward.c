/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* How packets travel: directed routes, LIDs, what stops them. */

#include "tests/sim/fabric.h"
#include "tests/sim/forward.h"
#include "tests/unit/loop-virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/client.h"

/* Host A - switch west (port 1, port 3) - switch east (port 3, port 1) - host B. */
struct line {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *a, *b, *west, *east;
	struct sim_client client;
	struct sim_packet got;
	unsigned n_got;
	enum sim_drop why;
};

static void receive(void *user, const struct sim_packet *packet)
{
	struct line *l = user;

	l->got = *packet;
	l->n_got++;
}

static void dropped(void *user, const struct sim_port *at, const struct sim_packet *packet,
		    enum sim_drop why)
{
	struct line *l = user;

	(void)at;
	(void)packet;
	l->why = why;
}

static struct sim_node *make(struct line *l, enum sim_type type, unsigned n_ports, const char *name)
{
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	assert_int_equal(sim_node_new(l->fabric, &spec, &node), 0);
	return node;
}

static int set_up(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(loop_virtual_new(1, &l->loop), 0);
	assert_int_equal(sim_fabric_new(l->loop, 1, &l->fabric), 0);
	l->fabric->on_drop = dropped;
	l->fabric->on_drop_user = l;
	l->a = make(l, SIM_CA, 1, "A");
	l->b = make(l, SIM_CA, 2, "B");
	l->west = make(l, SIM_SWITCH, 4, "west");
	l->east = make(l, SIM_SWITCH, 4, "east");
	assert_int_equal(sim_cable(&l->a->ports[1], &l->west->ports[1]), 0);
	assert_int_equal(sim_cable(&l->west->ports[3], &l->east->ports[3]), 0);
	assert_int_equal(sim_cable(&l->east->ports[1], &l->b->ports[2]), 0);
	l->client.receive = receive;
	l->client.user = l;
	assert_int_equal(sim_attach(&l->a->ports[1], &l->client), 0);
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	struct line *l = *state;

	sim_detach(&l->client);
	sim_fabric_free(l->fabric);
	loop_virtual_free(l->loop);
	free(l);
	return 0;
}

static struct sim_packet directed(unsigned n, const uint8_t *path)
{
	struct sim_packet p = { .dlid = SIM_LID_PERMISSIVE, .length = SIM_MAD_SIZE };

	p.smp.base_ver = 1;
	p.smp.class_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_DR;
	p.smp.method = SIM_GET;
	p.smp.attr_id = htobe16(0x11);
	p.smp.dr_slid = 0xffff;
	p.smp.dr_dlid = 0xffff;
	p.smp.hop_count = (uint8_t)n;
	p.smp.trans_id = htobe64(77);
	memcpy(p.smp.initial_path + 1, path, n);
	return p;
}

static void a_directed_route_leads_to_the_end_and_back(void **state)
{
	struct line *l = *state;
	static const uint8_t path[] = { 1, 3, 1 };
	struct sim_node *ends[] = { l->a, l->west, l->east, l->b };

	for (unsigned n = 0; n <= 3; n++) {
		struct sim_packet p = directed(n, path);
		const ib_node_info_t *info = (const ib_node_info_t *)l->got.smp.data;

		assert_int_equal(sim_client_send(&l->client, &p), 0);
		assert_int_equal(l->n_got, n + 1);
		assert_int_equal(l->got.smp.method, SIM_GET_RESP);
		assert_int_equal(be64toh(l->got.smp.trans_id) & 0xffffffff, 77);
		assert_int_equal(l->got.smp.hop_ptr, 0);
		assert_int_equal(info->node_guid, ends[n]->info.node_guid);
	}
	assert_int_equal(l->got.smp.return_path[1], 1);
	assert_int_equal(l->got.smp.return_path[2], 3);
	assert_int_equal(l->got.smp.return_path[3], 2);
}

static void a_directed_route_through_a_port_without_cable_is_lost(void **state)
{
	struct line *l = *state;
	static const uint8_t path[] = { 1, 2, 1 };
	struct sim_packet p = directed(2, path);

	assert_int_equal(sim_client_send(&l->client, &p), 0);
	assert_int_equal(l->n_got, 0);
	assert_int_equal(l->why, SIM_DROP_LINK_DOWN);
	assert_int_equal(l->west->ports[2].counters.xmit_discards, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_directed_route_leads_to_the_end_and_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_directed_route_through_a_port_without_cable_is_lost, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("forwarding", tests, NULL, NULL);
}
