/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * sm/vf: virtual functions as data, who has which GUID, and what an endpoint is known by.
 */

#include "sm/vf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"

enum { PORT_GUID_A = 0xa1, PORT_GUID_B = 0xb1 };

struct pair {
	struct fabric f;
	uint32_t a, b; /* the only ports of two adapters that are there */
};

static uint32_t add_adapter(struct fabric *f, uint64_t node_guid, uint64_t port_guid)
{
	uint32_t node, port;

	assert_int_equal(fabric_add_node(f, node_guid, NODE_TYPE_CA, 1, &node), 0);
	f->nodes[node].present = true;
	port = port_at(&f->nodes[node], 1);
	f->ports[port].guid = port_guid;
	f->ports[port].known = true;
	wire_set(f->ports[port].info, PORT_INFO_STATE, PORT_ACTIVE);
	assert_int_equal(guid_map_put(&f->by_port_guid, port_guid, port), 0);

	return port;
}

static int make(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p || fabric_init(&p->f) < 0)
		return -1;
	p->a = add_adapter(&p->f, 0xa0, PORT_GUID_A);
	p->b = add_adapter(&p->f, 0xb0, PORT_GUID_B);
	p->f.ports[p->a].lid = 7;
	p->f.ports[p->b].lid = 8;
	*state = p;

	return 0;
}

static int done(void **state)
{
	struct pair *p = *state;

	fabric_done(&p->f);
	free(p);

	return 0;
}

static struct vf *start(struct pair *p, uint32_t port, unsigned index, uint64_t guid)
{
	struct endpoint e = { port, (uint16_t)index };
	struct vf *vf;

	assert_int_equal(vfs_make(&p->f, port, VF_VPORT, index + 1), 0);
	vf = vf_at(&p->f, port, index);
	vf->known = true;
	vf->state = PORT_INITIALIZE;
	vf_set_guid(&p->f, e, guid);

	return vf;
}

static void assert_owner(struct pair *p, uint64_t guid, uint32_t port, unsigned index)
{
	struct endpoint e = endpoint_find(&p->f, guid);

	assert_int_equal(e.port, port);
	assert_int_equal(e.index, index);
}

static void there_is_room_for_as_many_as_a_port_can_have(void **state)
{
	struct pair *p = *state;

	assert_null(vf_at(&p->f, p->a, 0));
	assert_null(vf_at(&p->f, NO_PORT, 0));
	assert_int_equal(vfs_make(&p->f, p->a, VF_SHARED, VFS_MAX + 1), -ENOSPC);
	assert_int_equal(vfs_make(&p->f, VFS_PORT_MAX, VF_SHARED, 1), -ENOSPC);
	assert_int_equal(vf_of_number(vf_number(VFS_PORT_MAX - 1, 1)).port, VFS_PORT_MAX - 1);
	assert_int_equal(vfs_make(&p->f, p->a, VF_SHARED, 3), 0);
	assert_int_equal(p->f.n_vfs, 1);
	vf_at(&p->f, p->a, 2)->lid = 9;
	assert_int_equal(vfs_make(&p->f, p->a, VF_SHARED, VFS_MAX), 0);
	assert_int_equal(vf_at(&p->f, p->a, 2)->lid, 9);
	assert_int_equal(vf_at(&p->f, p->a, VFS_MAX - 1)->guid, 0);
	assert_null(vf_at(&p->f, p->a, VFS_MAX));
	vfs_forget(&p->f, p->a);
	assert_null(vf_at(&p->f, p->a, 0));
	assert_int_equal(p->f.n_vfs, 0);
	vfs_forget(&p->f, p->a);
	assert_int_equal(p->f.n_vfs, 0);
}

static void a_guid_leads_to_the_port_or_the_vf_that_has_it(void **state)
{
	struct pair *p = *state;

	start(p, p->a, 3, 0x33);
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_owner(p, PORT_GUID_A, p->a, 0);
	assert_owner(p, 0x33, p->a, 3);
	assert_owner(p, 0x34, NO_PORT, 0);
	assert_owner(p, 0, NO_PORT, 0);
	p->f.nodes[p->f.ports[p->a].node].present = false;
	assert_owner(p, 0x33, NO_PORT, 0);
	assert_owner(p, PORT_GUID_A, NO_PORT, 0);
}

static void who_had_a_guid_first_keeps_it_as_long_as_it_is_there(void **state)
{
	struct pair *p = *state;
	struct vf *first = start(p, p->b, 1, 0x33), *second;

	assert_int_equal(vfs_settle_guids(&p->f), 0);
	second = start(p, p->a, 1, 0x33);
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_false(first->duplicate);
	assert_true(second->duplicate);
	assert_owner(p, 0x33, p->b, 1);
	first->state = PORT_DOWN;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_false(second->duplicate);
	assert_owner(p, 0x33, p->a, 1);
	first->state = PORT_INITIALIZE;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_true(first->duplicate);
	assert_owner(p, 0x33, p->a, 1);
}

static void of_two_at_once_the_one_that_is_up_had_it_first(void **state)
{
	struct pair *p = *state;
	struct vf *first = start(p, p->a, 1, 0x33), *second = start(p, p->b, 1, 0x33);

	second->state = PORT_ACTIVE;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_true(first->duplicate);
	assert_false(second->duplicate);
	assert_owner(p, 0x33, p->b, 1);
}

static void who_has_the_guid_of_a_port_that_comes_later_is_a_duplicate(void **state)
{
	struct pair *p = *state;
	struct vf *vf = start(p, p->a, 1, PORT_GUID_B);

	p->f.nodes[p->f.ports[p->b].node].present = false;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_false(vf->duplicate);
	p->f.nodes[p->f.ports[p->b].node].present = true;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_true(vf->duplicate);
}

static void the_guid_of_a_port_is_nobody_elses(void **state)
{
	struct pair *p = *state;
	struct vf *vf = start(p, p->a, 1, PORT_GUID_B);

	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_true(vf->duplicate);
	assert_owner(p, PORT_GUID_B, p->b, 0);
	p->f.nodes[p->f.ports[p->b].node].present = false;
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_false(vf->duplicate);
	assert_owner(p, PORT_GUID_B, p->a, 1);
}

static void a_guid_that_changed_leads_nowhere(void **state)
{
	struct pair *p = *state;

	start(p, p->a, 1, 0x33);
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	vf_set_guid(&p->f, (struct endpoint){ p->a, 1 }, 0x44);
	assert_owner(p, 0x33, NO_PORT, 0);
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_owner(p, 0x44, p->a, 1);
	assert_int_equal(p->f.by_vf_guid.n_used, 1);
	vfs_forget(&p->f, p->a);
	assert_owner(p, 0x44, NO_PORT, 0);
	assert_int_equal(p->f.by_vf_guid.n_used, 0);
}

static void an_alias_is_there_with_its_port(void **state)
{
	struct pair *p = *state;

	assert_int_equal(vfs_make(&p->f, p->a, VF_SHARED, 8), 0);
	vf_set_guid(&p->f, (struct endpoint){ p->a, 5 }, 0x55);
	assert_int_equal(vfs_settle_guids(&p->f), 0);
	assert_owner(p, 0x55, p->a, 5);
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 5 }), 7);
	assert_false(endpoint_needs_grh(&p->f, (struct endpoint){ p->a, 5 }));
	assert_true(endpoint_is_active(&p->f, (struct endpoint){ p->a, 5 }));
	wire_set(p->f.ports[p->a].info, PORT_INFO_STATE, PORT_ARMED);
	assert_false(endpoint_is_active(&p->f, (struct endpoint){ p->a, 5 }));
}

static void a_vport_has_the_lid_that_it_asked_for_or_that_of_another(void **state)
{
	struct pair *p = *state;
	struct vf *own = start(p, p->a, 1, 0x33), *shared = start(p, p->a, 2, 0x34), *circle;

	own = vf_at(&p->f, p->a, 1);
	wire_set(own->info, VPORT_INFO_LID_REQUIRED, 1);
	own->lid = 20;
	p->f.by_lid[20] = p->a;
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 1 }), 20);
	assert_false(endpoint_needs_grh(&p->f, (struct endpoint){ p->a, 1 }));
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 2 }), 7);
	assert_true(endpoint_needs_grh(&p->f, (struct endpoint){ p->a, 2 }));
	wire_set(shared->info, VPORT_INFO_LID_INDEX, 1);
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 2 }), 20);
	assert_int_equal(endpoint_lid_owner(&p->f, (struct endpoint){ p->a, 2 }), 1);
	assert_int_equal(endpoint_lid_owner(&p->f, (struct endpoint){ p->b, 0 }), 0);
	wire_set(shared->info, VPORT_INFO_LID_INDEX, 400);
	assert_int_equal(endpoint_lid_owner(&p->f, (struct endpoint){ p->a, 2 }), -1);
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 2 }), 0);
	circle = start(p, p->a, 3, 0x35);
	wire_set(circle->info, VPORT_INFO_LID_INDEX, 3);
	assert_int_equal(endpoint_lid(&p->f, (struct endpoint){ p->a, 3 }), 0);
	assert_int_equal(endpoint_of_lid(&p->f, 20).index, 1);
	p->f.by_lid[7] = p->a;
	assert_int_equal(endpoint_of_lid(&p->f, 7).port, p->a);
	assert_int_equal(endpoint_of_lid(&p->f, 7).index, 0);
	assert_int_equal(endpoint_of_lid(&p->f, 21).port, NO_PORT);
	vfs_forget(&p->f, p->a);
	assert_int_equal(fabric_find_lid(&p->f, 20), NO_PORT);
}

static void a_vport_is_active_by_itself(void **state)
{
	struct pair *p = *state;
	struct vf *vf = start(p, p->a, 1, 0x33);

	assert_false(endpoint_is_active(&p->f, (struct endpoint){ p->a, 1 }));
	vf->state = PORT_ACTIVE;
	assert_true(endpoint_is_active(&p->f, (struct endpoint){ p->a, 1 }));
	assert_true(endpoint_is_active(&p->f, (struct endpoint){ p->a, 0 }));
	wire_set(p->f.ports[p->a].vfs->info, VIRT_INFO_ENABLE, 1);
	assert_false(endpoint_is_active(&p->f, (struct endpoint){ p->a, 0 }));
	vf_at(&p->f, p->a, 0)->state = PORT_ACTIVE;
	assert_true(endpoint_is_active(&p->f, (struct endpoint){ p->a, 0 }));
}

static void a_walk_meets_all_that_are_started_or_have_a_guid(void **state)
{
	struct pair *p = *state;
	struct vf_walk walk = { 0 };
	struct endpoint e;
	unsigned n = 0;

	start(p, p->a, 4, 0x33);
	start(p, p->b, 9, 0);
	assert_int_equal(vfs_make(&p->f, p->b, VF_VPORT, 20), 0);
	for (; vf_walk_next(&p->f, &walk, &e); n++) {
		assert_int_equal(e.port, n ? p->b : p->a);
		assert_int_equal(e.index, n ? 9 : 4);
	}
	assert_int_equal(n, 2);
}

static bool is_full;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return is_full ? NULL : __real_calloc(n, size);
}

static void who_had_no_memory_for_them_has_none(void **state)
{
	struct pair *p = *state;
	struct vf_walk walk = { 0 };
	struct endpoint e;

	is_full = true;
	assert_int_equal(vfs_make(&p->f, p->a, VF_VPORT, 20), -ENOMEM);
	is_full = false;
	assert_int_equal(p->f.n_vfs, 0);
	assert_int_equal(fabric_next_with_vfs(&p->f, 0), NO_PORT);
	assert_false(vf_walk_next(&p->f, &walk, &e));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(there_is_room_for_as_many_as_a_port_can_have),
		TEST(a_guid_leads_to_the_port_or_the_vf_that_has_it),
		TEST(who_had_a_guid_first_keeps_it_as_long_as_it_is_there),
		TEST(of_two_at_once_the_one_that_is_up_had_it_first),
		TEST(who_has_the_guid_of_a_port_that_comes_later_is_a_duplicate),
		TEST(the_guid_of_a_port_is_nobody_elses),
		TEST(a_guid_that_changed_leads_nowhere),
		TEST(an_alias_is_there_with_its_port),
		TEST(a_vport_has_the_lid_that_it_asked_for_or_that_of_another),
		TEST(a_vport_is_active_by_itself),
		TEST(a_walk_meets_all_that_are_started_or_have_a_guid),
		TEST(who_had_no_memory_for_them_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
