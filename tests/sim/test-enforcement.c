/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Which P_Keys a switch port lets pass that enforces them. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/fabric.h"
#include "tests/sim/forward.h"
#include "tests/unit/loop-virtual.h"

struct gate {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_port *port; /* of a switch, Active, with a host behind it */
};

static int set_up(void **state)
{
	struct sim_node_spec sw_spec = { .type = SIM_SWITCH, .n_ports = 2 };
	struct sim_node_spec host_spec = { .type = SIM_CA, .n_ports = 1 };
	struct gate *g = calloc(1, sizeof(*g));
	struct sim_node *sw, *host;

	assert_non_null(g);
	assert_int_equal(loop_virtual_new(1, &g->loop), 0);
	assert_int_equal(sim_fabric_new(g->loop, 1, &g->fabric), 0);
	assert_int_equal(sim_node_new(g->fabric, &sw_spec, &sw), 0);
	assert_int_equal(sim_node_new(g->fabric, &host_spec, &host), 0);
	g->port = &sw->ports[1];
	assert_int_equal(sim_cable(g->port, &host->ports[1]), 0);
	g->port->info.state_info1 = (uint8_t)((g->port->info.state_info1 & 0xf0) | SIM_ACTIVE);
	g->port->info.vl_enforce |= 0x0c;
	g->port->pkeys = calloc(sim_pkey_cap(g->port), sizeof(g->port->pkeys[0]));
	assert_non_null(g->port->pkeys);
	*state = g;
	return 0;
}

static int tear_down(void **state)
{
	struct gate *g = *state;

	sim_fabric_free(g->fabric);
	loop_virtual_free(g->loop);
	free(g);
	return 0;
}

static enum sim_drop enters(const struct gate *g, uint16_t pkey)
{
	struct sim_packet p = { .dqpn = 2, .pkey = pkey, .length = 64 };

	return sim_may_enter(g->port, &p);
}

static enum sim_drop leaves(const struct gate *g, uint16_t pkey)
{
	struct sim_packet p = { .dqpn = 2, .pkey = pkey, .length = 64 };

	return sim_may_leave(g->port, g->port, &p);
}

static void keys_that_are_not_in_the_table_do_not_pass(void **state)
{
	struct gate *g = *state;

	g->port->pkeys[1] = htobe16(0x8005);
	assert_int_equal(enters(g, 0x8006), SIM_DROP_PKEY_IN);
	assert_int_equal(leaves(g, 0x0006), SIM_DROP_PKEY_OUT);
	assert_int_equal(enters(g, 0x8005), SIM_PASSED);
	assert_int_equal(leaves(g, 0x8005), SIM_PASSED);
	assert_int_equal(enters(g, 0x0000), SIM_DROP_PKEY_IN);
	assert_int_equal(enters(g, 0x8000), SIM_DROP_PKEY_IN);
}

static void a_limited_member_passes_with_its_own_key(void **state)
{
	struct gate *g = *state;

	g->port->pkeys[0] = htobe16(0x7fff);
	assert_int_equal(enters(g, 0x7fff), SIM_PASSED);
	assert_int_equal(leaves(g, 0x7fff), SIM_PASSED);
	assert_int_equal(leaves(g, 0xffff), SIM_PASSED);
}

static void a_port_that_does_not_enforce_lets_all_pass(void **state)
{
	struct gate *g = *state;

	g->port->info.vl_enforce &= 0xf0;
	assert_int_equal(enters(g, 0x1234), SIM_PASSED);
	assert_int_equal(leaves(g, 0x1234), SIM_PASSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_that_are_not_in_the_table_do_not_pass),
		TEST(a_limited_member_passes_with_its_own_key),
		TEST(a_port_that_does_not_enforce_lets_all_pass),
	};

	return cmocka_run_group_tests_name("P_Key enforcement", tests, NULL, NULL);
}
