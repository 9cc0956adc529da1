/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/vswitch: which switches are one adapter's, and which of the adapters behind them is what. The
 * switch has the way out at port 1, and adapters from port 2 on.
 */

#include "sm/vswitch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { SYSTEM = 0x99, PF = 2, N_PORTS = 6 };

struct rig {
	struct fabric f;
	uint32_t vswitch;  /* node */
	uint32_t ports[7]; /* of adapters, by the number of the switch's port */
	uint32_t leaf;     /* a switch in a rack */
	uint32_t other;    /* the adapter of somebody else at its port 2 */
};

static uint32_t add_node(struct fabric *f, uint64_t guid, uint8_t type, uint8_t n_ports,
			 uint64_t system_guid)
{
	uint32_t node;

	assert_int_equal(fabric_add_node(f, guid, type, n_ports, &node), 0);
	f->nodes[node].present = true;
	f->nodes[node].system_guid = system_guid;

	return node;
}

/* At port @number of @node. */
static uint32_t add_adapter(struct fabric *f, uint32_t node, unsigned number, uint64_t guid,
			    uint64_t system_guid)
{
	uint32_t adapter = add_node(f, guid, NODE_TYPE_CA, 1, system_guid);
	uint32_t port = port_at(&f->nodes[adapter], 1);

	f->ports[port].guid = guid;
	fabric_connect(f, port, port_at(&f->nodes[node], number));

	return port;
}

static int make(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	if (!r || fabric_init(&r->f) < 0)
		return -1;
	r->vswitch = add_node(&r->f, 0x90, NODE_TYPE_SWITCH, N_PORTS, SYSTEM);
	r->leaf = add_node(&r->f, 0x10, NODE_TYPE_SWITCH, 4, 0x10);
	fabric_connect(&r->f, port_at(&r->f.nodes[r->leaf], 1),
		       port_at(&r->f.nodes[r->vswitch], 1));
	r->other = add_adapter(&r->f, r->leaf, 2, 0x77, 0x77);
	r->ports[PF] = add_adapter(&r->f, r->vswitch, PF, 0x100, SYSTEM);
	r->ports[3] = add_adapter(&r->f, r->vswitch, 3, 0x7001, SYSTEM);
	r->ports[5] = add_adapter(&r->f, r->vswitch, 5, 0x01, SYSTEM);
	*state = r;

	return 0;
}

static int done(void **state)
{
	struct rig *r = *state;

	fabric_done(&r->f);
	free(r);

	return 0;
}

static void assert_vf(struct rig *r, uint32_t port, unsigned index, bool nameless)
{
	struct vswitch_vf vf;

	assert_true(vswitch_vf_at(&r->f, port, &vf));
	assert_int_equal(vf.pf, r->ports[PF]);
	assert_int_equal(vf.index, index);
	assert_int_equal(vf.nameless, nameless);
	assert_int_equal(vswitch_find_vf(&r->f, r->ports[PF], index), port);
}

static void assert_none(struct rig *r, uint32_t port)
{
	struct vswitch_vf vf;

	assert_false(vswitch_vf_at(&r->f, port, &vf));
}

static void the_adapter_at_the_lowest_port_is_the_physical_function(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vswitch_pf(&r->f, r->vswitch), r->ports[PF]);
	assert_none(r, r->ports[PF]);
	assert_vf(r, r->ports[3], 1, false);
	assert_vf(r, r->ports[5], 3, false);
}

static void a_switch_in_a_rack_is_none(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vswitch_pf(&r->f, r->leaf), NO_PORT);
	assert_none(r, r->other);
	assert_int_equal(vswitch_pf(&r->f, r->f.ports[r->other].node), NO_PORT);
	assert_int_equal(vswitch_find_vf(&r->f, r->other, 1), NO_PORT);
}

static void devices_without_a_system_guid_are_not_one_device(void **state)
{
	struct rig *r = *state;

	for (uint32_t i = 0; i < r->f.n_nodes; i++)
		r->f.nodes[i].system_guid = 0;
	assert_int_equal(vswitch_pf(&r->f, r->vswitch), NO_PORT);
	assert_none(r, r->ports[3]);
}

static void an_aggregation_node_is_no_virtual_function(void **state)
{
	struct rig *r = *state;
	uint32_t node = r->f.ports[add_adapter(&r->f, r->leaf, 4, 0x11, 0x10)].node;

	/* Of whatever kind it is: it has no VFs. */
	assert_int_equal(vswitch_find_vf(&r->f, port_at(&r->f.nodes[node], 1), 1), NO_PORT);
	r->f.nodes[node].device_id = SHARP_DEVICE_ID;
	assert_int_equal(vswitch_pf(&r->f, r->leaf), NO_PORT);
	assert_none(r, port_at(&r->f.nodes[node], 1));
}

static void the_index_stays_while_others_come_and_go(void **state)
{
	struct rig *r = *state;
	uint32_t late;

	fabric_disconnect(&r->f, r->ports[3]);
	assert_none(r, r->ports[3]);
	assert_int_equal(vswitch_find_vf(&r->f, r->ports[PF], 1), NO_PORT);
	assert_vf(r, r->ports[5], 3, false);
	late = add_adapter(&r->f, r->vswitch, 4, 0x7002, SYSTEM);
	assert_vf(r, late, 2, false);
}

static void one_that_does_not_say_who_it_is_has_a_place_all_the_same(void **state)
{
	struct rig *r = *state;
	uint32_t near = port_at(&r->f.nodes[r->vswitch], 4);

	assert_none(r, near);
	r->f.ports[near].known = true;
	wire_set(r->f.ports[near].info, PORT_INFO_PHYS_STATE, PHYS_POLLING);
	assert_none(r, near);
	wire_set(r->f.ports[near].info, PORT_INFO_PHYS_STATE, PHYS_LINK_UP);
	assert_vf(r, near, 2, true);
	/* The way out has none behind it, even if nobody answers there. */
	near = port_at(&r->f.nodes[r->vswitch], 1);
	fabric_disconnect(&r->f, near);
	r->f.ports[near].known = true;
	wire_set(r->f.ports[near].info, PORT_INFO_PHYS_STATE, PHYS_LINK_UP);
	assert_none(r, near);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct rig *r = *state;

	assert_int_equal(vswitch_find_vf(&r->f, r->ports[PF], 0), NO_PORT);
	assert_int_equal(vswitch_find_vf(&r->f, r->ports[PF], N_PORTS - PF + 1), NO_PORT);
	assert_int_equal(vswitch_find_vf(&r->f, r->ports[3], 1), NO_PORT);
	fabric_disconnect(&r->f, r->ports[PF]);
	assert_int_equal(vswitch_find_vf(&r->f, r->ports[PF], 1), NO_PORT);
	fabric_forget_node(&r->f, r->f.ports[r->ports[3]].node);
	assert_none(r, r->ports[3]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_adapter_at_the_lowest_port_is_the_physical_function),
		TEST(a_switch_in_a_rack_is_none),
		TEST(devices_without_a_system_guid_are_not_one_device),
		TEST(an_aggregation_node_is_no_virtual_function),
		TEST(the_index_stays_while_others_come_and_go),
		TEST(one_that_does_not_say_who_it_is_has_a_place_all_the_same),
		TEST(what_is_not_there_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
