/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Who gets a LID: routers as well as adapters, and not everybody when there are more ports than
 * LIDs.
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

/* -- more ports than LIDs -----------------------------------------------------------------------
 */

static void own(struct world *w, uint64_t guid, unsigned lid, uint8_t lmc)
{
	struct kept_identity id = { .guid = guid, .lid = (uint16_t)lid, .lmc = lmc };

	assert_int_equal(keep_identity(&w->keeper.keeper, &id), 0);
}

/*
 * Devices that were here once own all LIDs but @n_left times 128, and those below 128, where
 * switches are. What is left are the lowest, which fit into the tables of the switches here.
 */
static void fill_lids(struct world *w, unsigned n_left)
{
	for (unsigned lid = 128 * (n_left + 1); lid < LID_UNICAST_LAST; lid += 128)
		own(w, 0xf00000 + lid, lid, 7);
	w->conf.lmc = 7;
}

/* And hosts all others: nothing is left for switches. */
static void fill_switch_lids(struct world *w)
{
	for (unsigned lid = 1; lid < 128; lid++)
		own(w, 0xf00000 + lid, lid, 0);
	for (unsigned i = 0; i < HOSTS; i++)
		own(w, w->host[i]->port_guid, 128 * (i + 1), 7);
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

	fill_lids(w, HOSTS - 1);
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

	fill_switch_lids(w);
	fill_lids(w, HOSTS);
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

/* A restart with a store in which some have been forgotten. */
static void who_got_no_lid_gets_one_when_there_is_one_again(void **state)
{
	struct world *w = *state;

	fill_lids(w, HOSTS - 1);
	world_start(w);
	find_without_lid(w);
	fake_keeper_clear(&w->keeper);
	world_start(w);
	assert_good(w, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_router_gets_lids_and_routes_as_an_adapter_does),
		TEST(a_switch_port_that_faces_a_router_is_a_leaf),
		TEST(without_lids_for_all_one_port_has_the_reason_and_the_others_come_up),
		TEST(a_switch_without_a_lid_has_the_reason_and_its_hosts_come_up),
		TEST(who_got_no_lid_gets_one_when_there_is_one_again),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
