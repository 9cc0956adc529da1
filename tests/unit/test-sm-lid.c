/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who gets a LID: routers as well as adapters, none that a switch has no room for, and not
 * everybody when there are more ports than LIDs.
 */

#include "tests/unit/world.h"

/* -- routers ------------------------------------------------------------------------------------
 */

static void a_router_gets_lids_and_routes_as_an_adapter_does(void **state)
{
	struct world *w = *state;
	struct fake_device *router = fake_add(w->f, "router", NODE_TYPE_ROUTER, 0x7000, 2);
	struct sm_status status;

	fake_link(router, 1, w->west, 3);
	fake_link(router, 2, w->east, 3);
	world_start(w);
	assert_good(w, NULL);
	for (uint8_t p = 1; p <= 2; p++) {
		assert_int_not_equal(fake_lid(router, p), 0);
		assert_int_equal(fake_state(router, p), PORT_ACTIVE);
		assert_string_equal(world_reason(w, router, p), "none");
		assert_reaches(w->host[2], 1, router, p);
	}
	assert_int_not_equal(fake_lid(router, 1), fake_lid(router, 2));
	sm_status(w->sm, &status);
	assert_int_equal(status.routers, 1);
	assert_int_equal(status.hcas, HOSTS);
}

/* What faces it is a leaf, and is in the partitions of routers. */
static void a_switch_port_that_faces_a_router_is_a_leaf(void **state)
{
	struct world *w = *state;
	struct fake_device *router = fake_add(w->f, "router", NODE_TYPE_ROUTER, 0x7000, 1);
	const uint8_t *info = w->east->port[3].info;

	fake_link(router, 1, w->east, 3);
	w->partitions = world_parse("Default=0x7fff: ALL=limited, SELF=full;\n"
				    "blue=0x10: ALL_ROUTERS=full;\n");
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(wire_get(info, PORT_INFO_HOQ_LIFE), w->conf.leaf_hoq_life);
	assert_int_equal(wire_get(info, PORT_INFO_ENFORCE_IN), 1);
	assert_int_equal(router->port[1].keys[0], 0x7fff);
	assert_int_equal(router->port[1].keys[1], 0x8010);
	assert_int_equal(w->east->port[3].keys[1], 0x8010);
	assert_int_equal(w->host[3]->port[1].keys[1], 0);
}

/* -- small forwarding tables --------------------------------------------------------------------
 */

static void set_room(struct fake_device *device, unsigned last_lid)
{
	wire_set(device->switch_info, SWITCH_INFO_LINEAR_CAP, last_lid + 1);
}

static void set_all_rooms(struct world *w, unsigned last_lid)
{
	set_room(w->west, last_lid);
	set_room(w->east, last_lid);
}

static uint16_t lid_of(const struct fake_device *device)
{
	return fake_lid(device, device->type == NODE_TYPE_SWITCH ? 0 : 1);
}

static bool leads_anywhere(const struct fake_smp *block)
{
	bool any = false;

	for (unsigned i = 0; i < LFT_BLOCK; i++)
		any |= block->data[i] != ROUTE_NONE;

	return any;
}

/* What tables had beyond is taken out of them. */
static void assert_within(const struct world *w, size_t from, unsigned last_lid)
{
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		assert_int_not_equal(lid_of(w->f->device[i]), 0);
		assert_true(lid_of(w->f->device[i]) <= last_lid);
	}
	for (size_t i = from; i < w->f->n_smps; i++)
		if (w->f->smps[i].method == METHOD_SET && w->f->smps[i].attr == ATTR_LFT)
			assert_true(w->f->smps[i].modifier <= last_lid / LFT_BLOCK ||
				    !leads_anywhere(&w->f->smps[i]));
}

static unsigned kept_lid(const struct world *w, uint64_t guid)
{
	for (unsigned i = 0; i < w->keeper.n_identities; i++)
		if (w->keeper.identities[i].guid == guid)
			return w->keeper.identities[i].lid;

	return 0;
}

static void own(struct world *w, uint64_t guid, unsigned lid, uint8_t lmc)
{
	struct kept_identity id = { .guid = guid, .lid = (uint16_t)lid, .lmc = lmc };

	assert_int_equal(keep_identity(&w->keeper.keeper, &id), 0);
}

/* One that the port has, and one that the store remembers. */
static void lids_beyond_the_smallest_forwarding_table_are_replaced(void **state)
{
	struct world *w = *state;
	size_t from;

	set_room(w->east, 63);
	wire_set(w->host[1]->port[1].info, PORT_INFO_LID, 5000);
	own(w, w->host[3]->port_guid, 64, 0);
	w->conf.sweep_interval = 10;
	world_start(w);
	assert_good(w, NULL);
	assert_within(w, 0, 63);
	assert_int_equal(kept_lid(w, w->host[3]->port_guid), lid_of(w->host[3]));
	from = world_mark(w);
	world_run(w, 600);
	assert_int_equal(world_sets(w, from), 0);
	world_start(w);
	assert_int_equal(world_sets(w, from), 0);
}

static void ranges_end_within_the_smallest_forwarding_table(void **state)
{
	struct world *w = *state;

	set_room(w->east, 70);
	own(w, w->host[2]->port_guid, 68, 2);
	own(w, w->host[3]->port_guid, 64, 2);
	w->conf.lmc = 2;
	world_start(w);
	assert_good(w, NULL);
	assert_true(lid_of(w->host[2]) + 3 <= 70);
	assert_int_equal(lid_of(w->host[3]), 64);
}

static unsigned count_events(const struct world *w, const struct fake_device *device)
{
	const struct event *event;
	unsigned n = 0;

	for (uint64_t at = 0; (event = event_from(sm_events(w->sm), at)); at = event->number + 1)
		n += event->kind == EVENT_PORT_REASON && event->guid == device->guid;

	return n;
}

static struct fake_device *add_switch(struct world *w, unsigned last_lid)
{
	struct fake_device *device = fake_add(w->f, "new", NODE_TYPE_SWITCH, 0x50, FAKE_PORTS);

	set_room(device, last_lid);
	fake_link(device, 1, w->east, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);

	return device;
}

static void a_switch_with_a_smaller_table_lowers_lids_if_all_have_room_in_it(void **state)
{
	struct world *w = *state;
	size_t from;

	own(w, w->host[3]->port_guid, 500, 0);
	world_start(w);
	assert_int_equal(lid_of(w->host[3]), 500);
	from = world_mark(w);
	add_switch(w, 31);
	assert_good(w, NULL);
	assert_within(w, from, 31);
}

/* No table keeps room for it. */
static void who_is_away_has_no_lid_beyond_a_smaller_table(void **state)
{
	struct world *w = *state;
	struct fake_device *small;

	own(w, w->east->port_guid, 500, 0);
	world_start(w);
	assert_int_equal(lid_of(w->east), 500);
	fake_unplug(w->west, TRUNK);
	small = fake_add(w->f, "new", NODE_TYPE_SWITCH, 0x50, FAKE_PORTS);
	set_room(small, 31);
	fake_link(small, 1, w->west, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(wire_get(small->switch_info, SWITCH_INFO_LINEAR_TOP), 31);
	assert_int_equal(wire_get(w->west->switch_info, SWITCH_INFO_LINEAR_TOP), 63);
}

/* Nobody knows what is left there, so whoever raises LinearFDBTop above it writes it. */
static void what_cannot_be_taken_out_is_not_taken_to_be_out(void **state)
{
	struct world *w = *state;
	struct fake_device *late = fake_add(w->f, "late", NODE_TYPE_CA, 0x60, 1);
	struct fake_device *small;

	own(w, w->host[3]->port_guid, 500, 0);
	own(w, late->port_guid, 600, 0);
	world_start(w);
	assert_int_not_equal(w->west->lft[500], ROUTE_NONE);
	w->west->refuses = (struct fake_fault){ METHOD_SET, ATTR_LFT, .count = 1, .status = 0x1c };
	small = add_switch(w, 31);
	assert_int_equal(wire_get(w->west->switch_info, SWITCH_INFO_LINEAR_TOP), 63);
	assert_int_not_equal(w->west->lft[500], ROUTE_NONE);
	fake_unplug(small, 1);
	fake_link(late, 1, w->west, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(lid_of(late), 600);
	assert_int_equal(w->west->lft[500], ROUTE_NONE);
}

static void a_switch_whose_table_is_too_small_for_all_is_left_out_alone(void **state)
{
	struct world *w = *state;
	struct fake_device *small, *behind;
	uint16_t before[HOSTS];
	size_t from;

	own(w, w->host[3]->port_guid, 500, 0);
	world_start(w);
	for (unsigned i = 0; i < HOSTS; i++)
		before[i] = lid_of(w->host[i]);
	behind = fake_add(w->f, "behind", NODE_TYPE_CA, 0x6000, 1);
	small = add_switch(w, 4);
	fake_link(behind, 1, small, 2);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(lid_of(w->host[i]), before[i]);
		assert_reaches(w->host[i], 1, w->host[(i + 1) % HOSTS], 1);
	}
	assert_string_equal(world_reason(w, small, 0), "lid-too-high");
	assert_string_equal(world_reason(w, behind, 1), "no-route");
	assert_int_equal(world_count(w, 0, small, METHOD_SET, ATTR_LFT), 0);
	assert_int_equal(count_events(w, small), 1);
	from = world_mark(w);
	for (unsigned i = 0; i < 5; i++) {
		sm_sweep(w->sm, i % 2);
		world_run(w, 5);
	}
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(count_events(w, small), 1); /* said once */
}

/* -- more ports than LIDs -----------------------------------------------------------------------
 */

/* LIDs 128 to 511, so three ranges. */
static void leave_three_ranges(struct world *w)
{
	w->conf.lmc = 7;
	set_all_rooms(w, 511);
}

static const struct fake_device *find_without_lid(const struct world *w)
{
	const struct fake_device *found = NULL;

	for (unsigned i = 0; i < HOSTS; i++)
		if (fake_lid(w->host[i], 1) == 0) {
			assert_null(found);
			found = w->host[i];
		}
	assert_non_null(found);

	return found;
}

static void assert_is_without_lid(const struct world *w, const struct fake_device *device,
				  uint8_t switch_port)
{
	assert_string_equal(world_reason(w, device, 1), "out-of-lids");
	assert_int_equal(fake_state(device, 1), PORT_INITIALIZE);
	assert_string_equal(world_reason(w, device->port[1].far, switch_port),
			    "waiting-for-neighbor");
	for (size_t i = 0; i < w->f->n_smps; i++)
		if (w->f->smps[i].device == device)
			assert_int_not_equal(w->f->smps[i].method, METHOD_SET);
}

static void without_lids_for_all_one_port_has_the_reason_and_the_others_come_up(void **state)
{
	struct world *w = *state;
	const struct fake_device *device;
	struct sm_status status;

	leave_three_ranges(w);
	world_start(w);
	device = find_without_lid(w);
	assert_good(w, device);
	assert_is_without_lid(w, device, device->port[1].far_port);
	sm_status(w->sm, &status);
	assert_int_equal(status.ports_active, 8);
	assert_int_equal(status.ports_not_active, 2);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_good(w, device);
	assert_is_without_lid(w, device, device->port[1].far_port);
}

static void a_switch_without_a_lid_has_the_reason_and_its_hosts_come_up(void **state)
{
	struct world *w = *state;
	size_t from;

	set_all_rooms(w, HOSTS);
	world_start(w);
	assert_active(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned j = 0; j < HOSTS; j++)
			if (i != j)
				assert_reaches(w->host[i], 1, w->host[j], 1);
	assert_string_equal(world_reason(w, w->west, 0), "out-of-lids");
	assert_string_equal(world_reason(w, w->east, 0), "out-of-lids");
	from = world_mark(w);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
}

static void the_only_host_of_a_switch_comes_before_switches(void **state)
{
	struct world *w = *state;

	fake_unplug(w->host[HOSTS - 1], 1);
	set_all_rooms(w, HOSTS - 1);
	world_start(w);
	for (unsigned i = 0; i < HOSTS - 1; i++)
		assert_int_not_equal(lid_of(w->host[i]), 0);
	assert_string_equal(world_reason(w, w->west, 0), "out-of-lids");
	assert_string_equal(world_reason(w, w->east, 0), "out-of-lids");
}

static void who_got_no_lid_gets_that_of_a_device_that_leaves(void **state)
{
	struct world *w = *state;
	struct fake_device *leaving;

	leave_three_ranges(w);
	world_start(w);
	leaving = w->host[find_without_lid(w) == w->host[1] ? 2 : 1];
	fake_unplug(leaving, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_not_equal(lid_of(w->host[i]), 0);
	assert_good(w, leaving);
	assert_int_equal(kept_lid(w, leaving->port_guid), 0);
}

/* All LIDs are those of devices that were here once; after a restart nobody has one twice. */
static void lids_of_devices_that_are_gone_are_given_out_again(void **state)
{
	struct world *w = *state;
	size_t from;

	set_all_rooms(w, 200);
	for (unsigned lid = 1; lid <= 200; lid++)
		own(w, 0xf00000 + lid, lid, 0);
	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < w->keeper.n_identities; i++)
		for (unsigned j = 0; j < i; j++)
			assert_true(w->keeper.identities[i].lid == 0 ||
				    w->keeper.identities[i].lid != w->keeper.identities[j].lid);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_router_gets_lids_and_routes_as_an_adapter_does),
		TEST(a_switch_port_that_faces_a_router_is_a_leaf),
		TEST(without_lids_for_all_one_port_has_the_reason_and_the_others_come_up),
		TEST(a_switch_without_a_lid_has_the_reason_and_its_hosts_come_up),
		TEST(the_only_host_of_a_switch_comes_before_switches),
		TEST(who_got_no_lid_gets_that_of_a_device_that_leaves),
		TEST(lids_of_devices_that_are_gone_are_given_out_again),
		TEST(lids_beyond_the_smallest_forwarding_table_are_replaced),
		TEST(ranges_end_within_the_smallest_forwarding_table),
		TEST(a_switch_with_a_smaller_table_lowers_lids_if_all_have_room_in_it),
		TEST(who_is_away_has_no_lid_beyond_a_smaller_table),
		TEST(what_cannot_be_taken_out_is_not_taken_to_be_out),
		TEST(a_switch_whose_table_is_too_small_for_all_is_left_out_alone),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
