/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Less usual fabrics: routers, more ports than LIDs; and the options for difficult links.
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

/* -- one by one ---------------------------------------------------------------------------------
 */

/* The PortState in each Set of PortInfo for this port; how many. */
static unsigned list_states(const struct world *w, size_t from, const struct fake_device *device,
			    unsigned port, uint8_t ret[static 8])
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->n_smps && n < 8; i++) {
		const struct fake_smp *smp = &w->f->smps[i];

		if (smp->method == METHOD_SET && smp->attr == ATTR_PORT_INFO &&
		    smp->device == device && (smp->modifier & 0xff) == port)
			ret[n++] = (uint8_t)wire_get(smp->data, PORT_INFO_STATE);
	}

	return n;
}

static void assert_states(const struct world *w, size_t from, const struct fake_device *device,
			  unsigned port, const uint8_t *expected, unsigned n)
{
	uint8_t states[8];

	assert_int_equal(list_states(w, from, device, port, states), n);
	assert_memory_equal(states, expected, n);
}

/* On all ends of cables. */
static void assert_states_everywhere(const struct world *w, const uint8_t *expected, unsigned n)
{
	for (unsigned i = 0; i < w->f->n_devices; i++)
		for (uint8_t p = 1; p <= w->f->device[i]->n_ports; p++)
			if (fake_is_up(w->f->device[i], p))
				assert_states(w, 0, w->f->device[i], p, expected, n);
}

static void settings_come_with_armed_and_active_after_it(void **state)
{
	static const uint8_t expected[] = { PORT_ARMED, PORT_ACTIVE };
	struct world *w = *state;

	world_start(w);
	assert_good(w, NULL);
	assert_states_everywhere(w, expected, COUNT(expected));
}

/* A Set that asks for a state asks for nothing else. */
static void see_one_thing_at_a_time(struct fake_fabric *f, const struct fake_smp *smp)
{
	static const enum wire_field fields[] = { PORT_INFO_LID,          PORT_INFO_SM_LID,
						  PORT_INFO_NEIGHBOR_MTU, PORT_INFO_OPERATIONAL_VLS,
						  PORT_INFO_HOQ_LIFE,     PORT_INFO_PHY_ERRORS };
	unsigned port = smp->modifier & 0xff;

	(void)f;
	if (smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO ||
	    wire_get(smp->data, PORT_INFO_STATE) == PORT_NO_CHANGE)
		return;
	for (size_t i = 0; i < COUNT(fields); i++)
		assert_int_equal(wire_get(smp->data, fields[i]),
				 wire_get(smp->device->port[port].info, fields[i]));
}

static void cautious_sends_settings_armed_and_active_one_by_one(void **state)
{
	static const uint8_t expected[] = { PORT_NO_CHANGE, PORT_ARMED, PORT_ACTIVE };
	struct world *w = *state;

	w->conf.cautious = true;
	w->f->see = see_one_thing_at_a_time;
	world_start(w);
	assert_good(w, NULL);
	assert_states_everywhere(w, expected, COUNT(expected));
	assert_states(w, 0, w->east, 0, expected, 1);
}

static void a_device_that_refuses_all_at_once_gets_it_one_by_one(void **state)
{
	static const uint8_t expected[] = { PORT_ARMED, PORT_NO_CHANGE, PORT_ARMED, PORT_ACTIVE };
	struct world *w = *state;

	w->host[3]->refuses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 1, .status = STATUS_BAD_FIELD
	};
	world_start(w);
	assert_good(w, NULL);
	assert_states(w, 0, w->host[3], 1, expected, COUNT(expected));
	assert_states(w, 0, w->host[2], 1, (uint8_t[]){ PORT_ARMED, PORT_ACTIVE }, 2);
}

/* -- links that came up otherwise ---------------------------------------------------------------
 */

/* Both ends of d's cable, Active, hold something else than we would have set. */
static void set_otherwise(struct world *w, enum wire_field field, uint64_t value)
{
	wire_set(w->host[3]->port[1].info, field, value);
	wire_set(w->east->port[2].info, field, value);
}

static const struct {
	enum wire_field field;
	uint64_t otherwise;
	uint64_t planned;
} mismatches[] = {
	{ PORT_INFO_NEIGHBOR_MTU, 3, 5 },
	{ PORT_INFO_OPERATIONAL_VLS, 1, 3 },
};

static void a_link_that_is_active_otherwise_is_left_so_with_the_reason(void **state)
{
	world_free(*state);
	for (size_t i = 0; i < COUNT(mismatches); i++) {
		struct world *w = world_new(i);
		size_t from;

		world_start(w);
		set_otherwise(w, mismatches[i].field, mismatches[i].otherwise);
		from = world_mark(w);
		world_start(w);
		assert_good(w, NULL);
		assert_int_equal(world_sets(w, from), 0);
		assert_string_equal(world_reason(w, w->east, 2), "active-otherwise");
		assert_string_equal(world_reason(w, w->host[3], 1), "active-otherwise");
		assert_string_equal(world_reason(w, w->east, 1), "none");
		world_free(w);
	}
	*state = world_new(1);
}

static void see_both_ends_armed(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct fake_port *port = &smp->device->port[smp->modifier & 0xff];

	(void)f;
	if (smp->method == METHOD_SET && smp->attr == ATTR_PORT_INFO &&
	    wire_get(smp->data, PORT_INFO_STATE) == PORT_ACTIVE)
		assert_true(fake_state(port->far, port->far_port) >= PORT_ARMED);
}

static void with_bounce_on_mismatch_it_goes_down_once_and_comes_up_as_planned(void **state)
{
	static const uint8_t near[] = { PORT_DOWN, PORT_ARMED, PORT_ACTIVE };
	static const uint8_t far[] = { PORT_ARMED, PORT_ACTIVE };

	world_free(*state);
	for (size_t i = 0; i < COUNT(mismatches); i++) {
		struct world *w = world_new(i);
		size_t from;

		world_start(w);
		set_otherwise(w, mismatches[i].field, mismatches[i].otherwise);
		w->conf.bounce_on_mismatch = true;
		w->f->see = see_both_ends_armed;
		from = world_mark(w);
		world_start(w);
		assert_good(w, NULL);
		assert_string_equal(world_reason(w, w->east, 2), "none");
		assert_string_equal(world_reason(w, w->host[3], 1), "none");
		assert_int_equal(wire_get(w->host[3]->port[1].info, mismatches[i].field),
				 mismatches[i].planned);
		assert_int_equal(wire_get(w->east->port[2].info, mismatches[i].field),
				 mismatches[i].planned);
		assert_states(w, from, w->east, 2, near, COUNT(near));
		assert_states(w, from, w->host[3], 1, far, COUNT(far));
		assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_PORT_INFO), 5);
		from = world_mark(w);
		sm_sweep(w->sm, true);
		world_run(w, 10);
		assert_int_equal(world_sets(w, from), 0);
		world_free(w);
	}
	*state = world_new(1);
}

static void a_link_that_takes_its_time_to_come_up_again_is_waited_for(void **state)
{
	static const uint8_t near[] = { PORT_DOWN, PORT_ARMED, PORT_ACTIVE };
	struct world *w = *state;
	size_t from;

	world_start(w);
	set_otherwise(w, PORT_INFO_NEIGHBOR_MTU, 3);
	w->conf.bounce_on_mismatch = true;
	w->east->trains_slowly = true;
	from = world_mark(w);
	world_start(w);
	assert_string_equal(world_reason(w, w->east, 2), "no-link");
	fake_plug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 10);
	assert_good(w, NULL);
	assert_states(w, from, w->east, 2, near, COUNT(near));
	assert_int_equal(wire_get(w->east->port[2].info, PORT_INFO_NEIGHBOR_MTU), 5);
}

/* It answers that all is well, and is as before. */
static void a_link_that_cannot_be_as_planned_is_not_bounced_for_ever(void **state)
{
	struct world *w = *state;
	size_t from;

	w->conf.bounce_on_mismatch = true;
	w->conf.sweep_interval = 10;
	w->host[3]->forgets_something = true;
	w->host[3]->forgets = PORT_INFO_NEIGHBOR_MTU;
	world_start(w);
	world_run(w, 60);
	assert_good(w, NULL);
	from = world_mark(w);
	world_run(w, 600);
	assert_int_equal(world_sets(w, from), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_router_gets_lids_and_routes_as_an_adapter_does),
		TEST(a_switch_port_that_faces_a_router_is_a_leaf),
		TEST(without_lids_for_all_one_port_has_the_reason_and_the_others_come_up),
		TEST(a_switch_without_a_lid_has_the_reason_and_its_hosts_come_up),
		TEST(who_got_no_lid_gets_one_when_there_is_one_again),
		TEST(settings_come_with_armed_and_active_after_it),
		TEST(cautious_sends_settings_armed_and_active_one_by_one),
		TEST(a_device_that_refuses_all_at_once_gets_it_one_by_one),
		TEST(a_link_that_is_active_otherwise_is_left_so_with_the_reason),
		TEST(with_bounce_on_mismatch_it_goes_down_once_and_comes_up_as_planned),
		TEST(a_link_that_takes_its_time_to_come_up_again_is_waited_for),
		TEST(a_link_that_cannot_be_as_planned_is_not_bounced_for_ever),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
