/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The whole subnet manager over the fabric of world.h: coming up, faults and lies of devices,
 * cables, partitions, keys, loss.
 */

#include <stdio.h>

#include "tests/unit/world.h"

/* -- coming up ----------------------------------------------------------------------------------
 */

static void two_switches_and_four_hosts_come_up(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_string_equal(world_reason(w, w->host[i], 1), "none");
	assert_int_equal(w->keeper.n_identities, 6);
	assert_string_equal(
		sm_fabric(w->sm)->nodes[fabric_find_node(sm_fabric(w->sm), 0x200)].description,
		"east");
}

static void a_second_sweep_sends_no_set_and_a_full_one_neither(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	from = world_mark(w);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_SWITCH_INFO), 2);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
	assert_true(world_count(w, from, NULL, METHOD_GET, ATTR_PORT_INFO) > 10);
	assert_good(w, NULL);
}

static void remember_lids(const struct world *w, uint16_t lids[static 6])
{
	for (unsigned i = 0; i < HOSTS; i++)
		lids[i] = fake_lid(w->host[i], 1);
	lids[4] = fake_lid(w->west, 0);
	lids[5] = fake_lid(w->east, 0);
}

static void a_restart_sends_no_set_and_keeps_the_lids(void **state)
{
	struct world *w = *state;
	uint16_t before[6], now[6];
	size_t from;

	world_start(w);
	remember_lids(w, before);
	from = world_mark(w);
	world_start(w);
	assert_int_equal(world_sets(w, from), 0);
	remember_lids(w, now);
	assert_memory_equal(before, now, sizeof(now));
	assert_good(w, NULL);
}

/* They came up with a default key in the first block, and nothing in the others. */
static void what_came_up_empty_is_not_read_further_by_later_sweeps(void **state)
{
	struct world *w = *state;
	size_t from = world_mark(w);

	world_start(w);
	assert_int_equal(world_count(w, from, w->host[3], METHOD_GET, ATTR_PKEY_TABLE), 1);
	from = world_mark(w);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	sm_reconfigure(w->sm, &w->conf,
		       world_parse("Default=0x7fff: ALL=full;\nred=0x10: ALL=full;\n"));
	world_run(w, 5);
	assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_PKEY_TABLE), 0);
	assert_int_equal(w->host[3]->port[1].keys[1], 0x8010);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_count(w, from, w->host[3], METHOD_GET, ATTR_PKEY_TABLE),
			 FAKE_KEYS / PKEY_BLOCK);
}

static void a_restart_that_has_lost_its_memory_keeps_the_lids_of_the_fabric(void **state)
{
	struct world *w = *state;
	uint16_t before[6], now[6];
	size_t from;

	world_start(w);
	remember_lids(w, before);
	fake_keeper_clear(&w->keeper);
	from = world_mark(w);
	world_start(w);
	/* But hosts have to register again. */
	assert_int_equal(world_sets(w, from), COUNT(w->host));
	remember_lids(w, now);
	assert_memory_equal(before, now, sizeof(now));
	assert_int_equal(w->keeper.n_identities, 6);
}

static void what_the_keeper_knows_is_what_devices_without_lids_get(void **state)
{
	struct world *w = *state;
	uint16_t before[6], now[6];

	world_start(w);
	remember_lids(w, before);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		fake_restart(w->f->device[i]);
	world_start(w);
	remember_lids(w, now);
	assert_memory_equal(before, now, sizeof(now));
	assert_good(w, NULL);
}

static void lids_that_another_subnet_manager_gave_are_kept(void **state)
{
	struct world *w = *state;
	uint16_t now[6], expected[6] = { 40, 700, 42, 43, 9, 8 };

	for (unsigned i = 0; i < HOSTS; i++)
		wire_set(w->host[i]->port[1].info, PORT_INFO_LID, expected[i]);
	wire_set(w->west->port[0].info, PORT_INFO_LID, 9);
	wire_set(w->east->port[0].info, PORT_INFO_LID, 8);
	world_start(w);
	assert_good(w, NULL);
	remember_lids(w, now);
	assert_memory_equal(now, expected, sizeof(now));
}

static void of_two_devices_with_one_lid_one_gets_another(void **state)
{
	struct world *w = *state;

	wire_set(w->host[2]->port[1].info, PORT_INFO_LID, 50);
	wire_set(w->host[3]->port[1].info, PORT_INFO_LID, 50);
	world_start(w);
	assert_good(w, NULL);
	assert_true(fake_lid(w->host[2], 1) == 50 || fake_lid(w->host[3], 1) == 50);
	assert_int_not_equal(fake_lid(w->host[2], 1), fake_lid(w->host[3], 1));
}

/* And the next one: however often it looks by itself, the changes of long ago do not count. */
static void changes_in_a_quiet_fabric_are_taken_up_at_once(void **state)
{
	struct world *w = *state;

	w->conf.sweep_interval = 10;
	world_start(w);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t sweeps;

		world_run(w, 607); /* in the middle between two sweeps */
		sweeps = world_sweeps(w);
		sm_sweep(w->sm, false);
		loop_virtual_run_for(w->loop, LOOP_MSEC);
		assert_int_equal(world_sweeps(w), sweeps + 1);
		sm_sweep(w->sm, false);
		loop_virtual_run_for(w->loop, 25 * LOOP_MSEC);
		assert_int_equal(world_sweeps(w), sweeps + 2);
	}
}

static void changes_that_do_not_end_are_taken_up_every_two_seconds(void **state)
{
	struct world *w = *state;
	uint64_t sweeps;

	world_start(w);
	for (unsigned i = 0; i < 100; i++) {
		sm_sweep(w->sm, false);
		loop_virtual_run_for(w->loop, 100 * LOOP_MSEC);
	}
	sweeps = world_sweeps(w);
	for (unsigned i = 0; i < 200; i++) {
		sm_sweep(w->sm, false);
		loop_virtual_run_for(w->loop, 100 * LOOP_MSEC);
	}
	assert_in_range(world_sweeps(w) - sweeps, 9, 11);
}

/* -- in which order, and what is on the wire ----------------------------------------------------
 */

static void see_order(struct fake_fabric *f, const struct fake_smp *smp)
{
	unsigned *actives = f->user;
	uint64_t wanted = wire_get(smp->data, PORT_INFO_STATE);
	unsigned port = smp->device->type == NODE_TYPE_SWITCH ? smp->modifier & 0xff : smp->in_port;

	if (smp->method != METHOD_SET)
		return;
	if (smp->attr == ATTR_LFT)
		assert_int_equal(*actives, 0);
	if (smp->attr != ATTR_PORT_INFO)
		return;
	assert_int_equal(wire_get(smp->data, PORT_INFO_PHYS_STATE), 0);
	if (port > 0)
		assert_int_not_equal(wire_get(smp->data, PORT_INFO_OPERATIONAL_VLS), 0);
	else
		assert_int_equal(wanted, PORT_NO_CHANGE);
	if (wanted != PORT_ACTIVE)
		return;
	(*actives)++;
	assert_true(fake_state(smp->device, (uint8_t)port) >= PORT_ARMED);
	assert_true(fake_state(smp->device->port[port].far, smp->device->port[port].far_port) >=
		    PORT_ARMED);
}

static void both_ends_are_armed_and_all_tables_written_before_anybody_is_active(void **state)
{
	struct world *w = *state;
	unsigned actives = 0;

	w->f->see = see_order;
	w->f->user = &actives;
	world_start(w);
	assert_int_equal(actives, 10);
	assert_good(w, NULL);
}

static void a_tree_costs_one_node_info_a_link_and_two_sets_a_port(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_int_equal(world_count(w, 0, NULL, METHOD_GET, ATTR_NODE_INFO), 6); /* and our own */
	assert_int_equal(world_count(w, 0, NULL, METHOD_SET, ATTR_PORT_INFO), 22);
	assert_int_equal(world_count(w, 0, NULL, METHOD_SET, ATTR_LFT), 2);
	assert_int_equal(world_count(w, 0, NULL, METHOD_GET, ATTR_LFT),
			 0); /* nobody has written it */
}

static void vls_that_a_device_does_not_keep_are_not_written_back_as_zero(void **state)
{
	struct world *w = *state;
	unsigned actives = 0;

	w->f->see = see_order;
	w->f->user = &actives;
	w->host[3]->forgets_something = w->east->forgets_something = true;
	w->host[3]->forgets = w->east->forgets = PORT_INFO_OPERATIONAL_VLS;
	world_start(w);
	assert_int_equal(actives, 10);
	assert_good(w, NULL);
}

/* -- devices with faults ------------------------------------------------------------------------
 */

static void a_silent_device_delays_nobody_and_has_the_reason(void **state)
{
	struct world *w = *state;

	w->host[3]->silent = true;
	world_start(w);
	assert_good(w, w->host[3]);
	assert_string_equal(world_reason(w, w->east, 2), "neighbor-silent");
	w->host[3]->silent = false;
	world_run(w, 30);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
}

static void a_device_that_falls_silent_is_left_out_and_taken_back(void **state)
{
	struct world *w = *state;

	world_start(w);
	w->host[3]->silent = true;
	sm_sweep(w->sm, true);
	world_run(w, 60);
	assert_good(w, w->host[3]);
	w->host[3]->silent = false;
	sm_sweep(w->sm, true);
	world_run(w, 60);
	assert_good(w, NULL);
	assert_string_equal(world_reason(w, w->host[3], 1), "none");
}

static void a_device_that_refuses_its_settings_has_the_reason_and_others_come_up(void **state)
{
	struct world *w = *state;

	w->host[3]->refuses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 1000, .status = 0x1c
	};
	world_start(w);
	assert_good(w, w->host[3]);
	assert_string_equal(world_reason(w, w->host[3], 1), "set-refused");
	assert_string_equal(world_reason(w, w->east, 2), "waiting-for-neighbor");
	assert_true(world_count(w, 0, w->host[3], METHOD_SET, ATTR_PORT_INFO) < 20);
}

static void a_device_that_refuses_once_comes_up(void **state)
{
	struct world *w = *state;

	w->host[3]->refuses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 1, .status = 0x1c
	};
	world_start(w);
	assert_good(w, NULL);
}

static void a_busy_device_comes_up(void **state)
{
	struct world *w = *state;

	w->host[3]->busy = 5;
	w->east->busy = 5;
	world_start(w);
	world_run(w, 10);
	assert_good(w, NULL);
}

/* The repeated Set finds the port Armed, and 0x1c is no fault of it. */
static void a_port_whose_answer_was_lost_becomes_active_all_the_same(void **state)
{
	static const uint16_t attrs[] = { ATTR_PORT_INFO, ATTR_SWITCH_INFO, ATTR_LFT,
					  ATTR_PKEY_TABLE };

	world_free(*state);
	for (unsigned n = 0; n < 96; n++) {
		struct world *w = world_new(n);
		struct fake_device *device = n % 2 ? w->east : w->host[2];

		device->loses = (struct fake_fault){ .method = n % 4 < 2 ? METHOD_SET : METHOD_GET,
						     .attr = attrs[n / 4 % 4],
						     .from = n / 16 % 2,
						     .count = n % 48 < 24 ? 1 : w->conf.tries,
						     .undone = n >= 48 };
		world_start(w);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void a_setting_that_is_not_kept_is_sent_once_also_after_a_restart(void **state)
{
	struct world *w = *state;
	const char *setting;
	uint64_t wanted, held;
	size_t from;

	w->east->forgets_something = w->host[1]->forgets_something = true;
	w->east->forgets = PORT_INFO_VL_STALL;
	w->host[1]->forgets = PORT_INFO_SUBNET_TIMEOUT;
	world_start(w);
	assert_good(w, NULL);
	from = world_mark(w);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
	world_start(w);
	assert_int_equal(world_sets(w, from), 0);
	assert_true(sm_not_kept(w->sm, fabric_find_port(sm_fabric(w->sm), w->host[1]->port_guid), 0,
				&setting, &wanted, &held));
	assert_string_equal(setting, "subnet timeout");
	assert_int_equal(wanted, w->conf.subnet_timeout);
	assert_int_equal(held, 0);
	wire_set(w->host[1]->port[1].info, PORT_INFO_SUBNET_TIMEOUT, wanted); /* by another SM */
	world_start(w);
	assert_false(sm_not_kept(w->sm, fabric_find_port(sm_fabric(w->sm), w->host[1]->port_guid),
				 0, &setting, &wanted, &held));
}

static void a_device_that_restarts_is_told_again_what_it_did_not_keep(void **state)
{
	struct world *w = *state;

	w->host[1]->forgets_something = true;
	w->host[1]->forgets = PORT_INFO_SUBNET_TIMEOUT;
	world_start(w);
	assert_int_equal(w->keeper.n_quirks, 1);
	assert_int_not_equal(w->keeper.quirks[0].size, 0);
	w->host[1]->forgets_something = false; /* with better firmware */
	fake_restart(w->host[1]);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	assert_int_equal(wire_get(w->host[1]->port[1].info, PORT_INFO_SUBNET_TIMEOUT),
			 w->conf.subnet_timeout);
	assert_int_equal(w->keeper.quirks[0].size, 0);
}

static bool knows_what_was_not_kept(const struct world *w)
{
	bool knows = false;

	for (unsigned i = 0; i < w->keeper.n_quirks; i++)
		knows = knows || w->keeper.quirks[i].size > 0;
	return knows;
}

/* One that does not keep a setting, and is not there any more. */
static void come_up_and_lose_one(struct world *w)
{
	w->host[1]->forgets_something = true;
	w->host[1]->forgets = PORT_INFO_SUBNET_TIMEOUT;
	world_start(w);
	fake_unplug(w->host[1], 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_true(knows_what_was_not_kept(w));
}

/* Who is forgotten for somebody new leaves nothing in the store, or that would grow for ever. */
static void what_a_device_did_not_keep_is_forgotten_with_it(void **state)
{
	struct world *w = *state;
	struct fake_device *device;
	struct fabric *f;
	uint64_t guid = 0x10000;
	uint32_t number;

	come_up_and_lose_one(w);
	f = (struct fabric *)(uintptr_t)sm_fabric(w->sm);
	while (fabric_add_node(f, guid++, NODE_TYPE_CA, 1, &number) == 0)
		;
	assert_int_equal(guid, 0x10000 + FABRIC_MAX_NODES - 5);
	device = fake_add(w->f, "new", NODE_TYPE_CA, 0x9000, 1);
	fake_link(device, 1, w->west, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(fake_state(device, 1), PORT_ACTIVE);
	assert_false(knows_what_was_not_kept(w));
}

static void another_kind_of_device_with_its_guid_is_not_taken_for_it(void **state)
{
	struct world *w = *state;
	struct fake_device *device;

	come_up_and_lose_one(w);
	device = fake_add(w->f, "b", NODE_TYPE_CA, w->host[1]->guid, 2);
	fake_link(device, 2, w->west, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(fake_state(device, 2), PORT_ACTIVE);
	assert_false(knows_what_was_not_kept(w));
}

static void see_and_silence(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct world *w = f->user;

	if (smp->device == w->host[3] && smp->attr == ATTR_PORT_INFO)
		w->host[3]->silent = true;
}

static void a_device_that_falls_silent_while_it_comes_up_delays_nobody(void **state)
{
	struct world *w = *state;
	unsigned before;

	w->f->see = see_and_silence;
	w->f->user = w;
	world_start(w);
	world_run(w, 10);
	assert_good(w, w->host[3]);
	assert_string_equal(world_reason(w, w->east, 2), "neighbor-silent");
	before = w->settled;
	world_run(w, 600);
	assert_int_equal(w->settled, before); /* nothing happens: nobody looks */
	w->f->see = NULL;
	w->host[3]->silent = false;
	sm_sweep(w->sm, false);
	world_run(w, 60);
	assert_good(w, NULL);
}

/* Settings 0 to 31 on all ports, as a damaged or older state file may have them. */
static void what_the_keeper_makes_up_of_unknown_settings_is_not_believed(void **state)
{
	struct world *w = *state;
	uint64_t blob[1 + 32 * 6] = { 32 };
	const char *setting;
	uint64_t wanted, held;
	unsigned n = 0;
	uint32_t port;

	for (unsigned i = 0; i < 32; i++) {
		memset(&blob[2 + i * 6], 0xff, 32);
		blob[1 + i * 6] = 12345;
		blob[6 + i * 6] = i;
	}
	world_start(w);
	keep_quirks(&w->keeper.keeper, &(struct kept_quirks){ .guid = w->host[3]->guid,
							      .blob = blob,
							      .size = sizeof(blob) });
	world_start(w);
	assert_good(w, NULL);
	port = fabric_find_port(sm_fabric(w->sm), w->host[3]->port_guid);
	while (sm_not_kept(w->sm, port, n, &setting, &wanted, &held))
		n++;
	assert_int_equal(n, 22); /* as many as there are */
}

/* -- devices that lie ---------------------------------------------------------------------------
 */

static void has_no_ports(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(d), NODE_INFO_PORTS, 0);
}

static void is_of_type_nine(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(d), NODE_INFO_TYPE, 9);
}

static void is_reached_at_port_200(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(d), NODE_INFO_LOCAL_PORT, 200);
}

static void has_no_guid(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(d), NODE_INFO_NODE_GUID, 0);
}

static void has_255_ports(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(d), NODE_INFO_PORTS, 255);
}

static void impossible_node_info_leaves_out_that_device_alone(void **state)
{
	static void (*const lies[])(struct fake_device *, struct datagram *) = {
		has_no_ports, is_of_type_nine, is_reached_at_port_200, has_no_guid, has_255_ports
	};

	world_free(*state);
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct world *w = world_new(i);

		w->host[3]->lies = lies[i];
		world_start(w);
		assert_good(w, w->host[3]);
		assert_string_equal(world_reason(w, w->east, 2), "bad-node-info");
		w->host[3]->lies = NULL;
		sm_sweep(w->sm, false);
		world_run(w, 20);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void says_it_is_in_state_nine(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_PORT_INFO)
		wire_set(smp_data_of(d), PORT_INFO_STATE, 9);
}

static void impossible_port_info_leaves_out_that_port_alone(void **state)
{
	struct world *w = *state;

	w->host[3]->lies = says_it_is_in_state_nine;
	world_start(w);
	assert_good(w, w->host[3]);
	assert_string_equal(world_reason(w, w->host[3], 1), "bad-port-info");
	w->host[3]->lies = NULL;
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_good(w, NULL);
}

static void claims_an_m_key(struct fake_device *device, struct datagram *d)
{
	(void)device;
	if (wire_get(d, MAD_ATTR) == ATTR_PORT_INFO)
		wire_set(smp_data_of(d), PORT_INFO_MKEY, 0xbad);
}

static void see_no_m_key(struct fake_fabric *f, const struct fake_smp *smp)
{
	(void)f;
	if (smp->method == METHOD_SET && smp->attr == ATTR_PORT_INFO)
		assert_int_equal(wire_get(smp->data, PORT_INFO_MKEY), 0);
}

static void a_device_is_not_locked_with_the_m_key_that_it_makes_up(void **state)
{
	struct world *w = *state;

	w->host[3]->lies = claims_an_m_key;
	w->f->see = see_no_m_key;
	world_start(w);
	assert_good(w, NULL);
}

static void a_second_device_with_the_same_node_guid_is_left_out(void **state)
{
	struct world *w = *state;
	struct fake_device *twin = fake_add(w->f, "twin", NODE_TYPE_CA, w->host[3]->guid, 1);

	twin->port_guid = 0x9999;
	fake_link(twin, 1, w->east, 3);
	world_start(w);
	assert_good(w, twin);
	assert_string_equal(world_reason(w, w->east, 3), "duplicate-node-guid");
	twin->guid = 0x9998;
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_good(w, NULL);
}

static void a_second_port_with_the_same_port_guid_is_left_out(void **state)
{
	struct world *w = *state;
	struct fake_device *twin = fake_add(w->f, "twin", NODE_TYPE_CA, 0x9000, 1);

	twin->port_guid = w->host[3]->port_guid;
	fake_link(twin, 1, w->east, 3);
	world_start(w);
	assert_good(w, twin);
	assert_string_equal(world_reason(w, w->east, 3), "duplicate-port-guid");
}

static void leave_out_switch_with(struct world *w, unsigned capacity)
{
	struct fake_device *odd = fake_add(w->f, "odd", NODE_TYPE_SWITCH, 0x300, 4);

	fake_link(odd, 1, w->east, 5);
	wire_set(odd->switch_info, SWITCH_INFO_LINEAR_CAP, capacity);
	world_start(w);
	assert_good(w, odd);
	assert_string_equal(world_reason(w, w->east, 5), "no-linear-table");
	wire_set(odd->switch_info, SWITCH_INFO_LINEAR_CAP, FAKE_LIDS);
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_good(w, NULL);
}

static void a_switch_without_a_linear_table_is_left_out(void **state)
{
	leave_out_switch_with(*state, 0);
}

static void a_switch_with_a_table_for_lid_0_alone_is_left_out(void **state)
{
	leave_out_switch_with(*state, 1);
}

static void a_device_that_does_not_know_extended_speeds_comes_up(void **state)
{
	struct world *w = *state;

	w->host[1]->no_extended = w->east->no_extended = true;
	world_start(w);
	assert_good(w, NULL);
}

/* -- cables -------------------------------------------------------------------------------------
 */

static void a_cable_pulled_and_put_back_is_repaired_and_a_host_costs_no_table(void **state)
{
	struct world *w = *state;
	uint16_t lid;
	size_t from;

	world_start(w);
	lid = fake_lid(w->host[3], 1);
	from = world_mark(w);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_string_equal(world_reason(w, w->east, 2), "no-link");
	assert_false(sm_fabric(w->sm)
			     ->nodes[fabric_find_node(sm_fabric(w->sm), w->host[3]->guid)]
			     .present);
	fake_plug(w->east, 2);
	fake_restart(w->host[3]);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), lid);
	assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_LFT), 0);
}

static void a_trunk_that_fails_is_routed_around_with_the_blocks_that_change(void **state)
{
	struct world *w = *state;
	size_t from;

	fake_link(w->west, 7, w->east, 7);
	world_start(w);
	assert_good(w, NULL);
	from = world_mark(w);
	fake_unplug(w->west, TRUNK);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_LFT), 2);
	fake_plug(w->west, TRUNK);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
}

static void the_only_trunk_pulled_parts_the_fabric_and_put_back_joins_it(void **state)
{
	struct world *w = *state;
	uint16_t before[6], now[6];

	world_start(w);
	remember_lids(w, before);
	fake_unplug(w->west, TRUNK);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_string_equal(world_reason(w, w->west, TRUNK), "no-link");
	fake_plug(w->west, TRUNK);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	remember_lids(w, now);
	assert_memory_equal(before, now, sizeof(now));
}

static void a_switch_that_restarts_is_written_anew(void **state)
{
	struct world *w = *state;

	world_start(w);
	fake_restart(w->east);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
}

static void a_change_is_cleared_before_ports_are_read(void **state)
{
	struct world *w = *state;
	bool cleared = false;
	size_t from;

	world_start(w);
	from = world_mark(w);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	for (size_t i = from; i < w->f->n_smps; i++) {
		const struct fake_smp *smp = &w->f->smps[i];

		if (smp->device != w->east)
			continue;
		cleared = cleared || (smp->method == METHOD_SET && smp->attr == ATTR_SWITCH_INFO &&
				      wire_get(smp->data, SWITCH_INFO_STATE_CHANGE));
		if (smp->attr == ATTR_PORT_INFO)
			assert_true(cleared);
	}
	assert_true(cleared);
	assert_int_equal(wire_get(w->east->switch_info, SWITCH_INFO_STATE_CHANGE), 0);
}

static void a_cable_from_a_switch_to_itself_comes_up_and_harms_nobody(void **state)
{
	struct world *w = *state;

	fake_link(w->east, 5, w->east, 6);
	world_start(w);
	assert_good(w, NULL);
}

static void each_port_of_an_adapter_is_set_by_what_arrives_there(void **state)
{
	struct world *w = *state;
	struct fake_device *two = fake_add(w->f, "two", NODE_TYPE_CA, 0x5000, 2);

	fake_link(two, 1, w->west, 4);
	fake_link(two, 2, w->east, 4);
	world_start(w);
	assert_good(w, NULL);
	assert_int_not_equal(fake_lid(two, 1), fake_lid(two, 2));
	for (size_t i = 0; i < w->f->n_smps; i++)
		if (w->f->smps[i].device == two)
			assert_int_equal(w->f->smps[i].status, 0);
}

/* -- other subnet managers ----------------------------------------------------------------------
 */

static void under_another_master_nothing_is_written(void **state)
{
	struct world *w = *state;
	struct sm_status status;

	fake_add_sm(w->host[2], SM_MASTER, 0);
	w->conf.priority = 15;
	world_start(w);
	sm_status(w->sm, &status);
	assert_int_equal(status.state, SM_STANDBY);
	assert_int_equal(status.peer_guid, w->host[2]->port_guid);
	assert_int_equal(world_sets(w, 0), 0);
	assert_string_equal(world_reason(w, w->east, 2), "not-master");
	w->host[2]->sm_state = SM_NOT_ACTIVE;
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
}

static void a_subnet_manager_of_lower_rank_is_no_obstacle(void **state)
{
	struct world *w = *state;
	struct sm_peer peer;

	fake_add_sm(w->host[2], SM_STANDBY, 3);
	w->conf.priority = 4;
	world_start(w);
	assert_good(w, NULL);
	assert_true(sm_peer(w->sm, 0, &peer));
	assert_int_equal(peer.guid, w->host[2]->port_guid);
	assert_int_equal(peer.priority, 3);
}

/* -- partitions ---------------------------------------------------------------------------------
 */

static bool has_key(const struct fake_port *port, uint16_t key)
{
	for (unsigned i = 0; i < FAKE_KEYS; i++)
		if (port->keys[i] == key)
			return true;

	return false;
}

static void members_get_their_keys_and_switches_enforce_them(void **state)
{
	struct world *w = *state;
	size_t from;

	w->partitions = world_parse("Default=0x7fff: ALL=limited, SELF=full;\n"
				    "blue=0x10: 0x1001=full, 0x1201=full, 0x1101=limited;\n");
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(w->host[0]->port[1].keys[0], 0xffff);
	assert_int_equal(w->host[3]->port[1].keys[0], 0x7fff);
	assert_true(has_key(&w->host[0]->port[1], 0x8010));
	assert_true(has_key(&w->host[2]->port[1], 0x8010));
	assert_true(has_key(&w->host[1]->port[1], 0x0010));
	assert_false(has_key(&w->host[3]->port[1], 0x8010));
	assert_true(has_key(&w->east->port[1], 0x8010));
	assert_false(has_key(&w->east->port[2], 0x8010));
	assert_int_equal(wire_get(w->east->port[1].info, PORT_INFO_ENFORCE_IN), 1);
	assert_int_equal(wire_get(w->east->port[1].info, PORT_INFO_ENFORCE_OUT), 1);
	assert_int_equal(wire_get(w->east->port[TRUNK].info, PORT_INFO_ENFORCE_IN), 0);

	from = world_mark(w);
	sm_reconfigure(w->sm, &w->conf,
		       world_parse("Default=0x7fff: ALL=limited, SELF=full;\n"
				   "red=0x20: 0x1201=full, 0x1301=full;\n"
				   "blue=0x10: 0x1001=full, 0x1201=full, 0x1101=limited;\n"));
	world_run(w, 10);
	assert_good(w, NULL);
	assert_int_equal(w->host[2]->port[1].keys[1], 0x8010); /* where it was */
	assert_int_equal(w->host[2]->port[1].keys[2], 0x8020);
	assert_true(has_key(&w->host[3]->port[1], 0x8020));
	assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_PKEY_TABLE), 4);
	assert_int_equal(world_sets(w, from), 4);
}

static struct partitions *make_partitions(unsigned n)
{
	char text[8192] = "Default=0x7fff: ALL=full;\n";

	for (unsigned i = 1; i < n; i++)
		sprintf(text + strlen(text), "p%u=0x%x: ALL=full;\n", i, i);

	return world_parse(text);
}

static unsigned count_keys(const struct fake_port *port)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_KEYS; i++)
		n += port->keys[i] != 0;

	return n;
}

static void who_is_in_more_partitions_than_its_table_holds_has_the_reason(void **state)
{
	struct world *w = *state;

	w->partitions = make_partitions(FAKE_KEYS + 1);
	world_start(w);
	assert_up(w, NULL);
	assert_int_equal(count_keys(&w->host[3]->port[1]), FAKE_KEYS);
	assert_true(has_key(&w->host[3]->port[1], 0xffff));
	assert_string_equal(world_reason(w, w->host[3], 1), "pkeys-do-not-fit");
	sm_reconfigure(w->sm, &w->conf, make_partitions(FAKE_KEYS));
	world_run(w, 5);
	assert_int_equal(count_keys(&w->host[3]->port[1]), FAKE_KEYS);
	assert_string_equal(world_reason(w, w->host[3], 1), "none");
}

static void a_switch_port_that_has_not_room_for_the_keys_enforces_none_and_says_so(void **state)
{
	struct world *w = *state;

	wire_set(w->east->switch_info, SWITCH_INFO_ENFORCE_CAP, 8);
	w->partitions = make_partitions(9);
	world_start(w);
	assert_up(w, NULL);
	assert_int_equal(wire_get(w->west->port[2].info, PORT_INFO_ENFORCE_IN), 1);
	assert_int_equal(wire_get(w->east->port[2].info, PORT_INFO_ENFORCE_IN), 0);
	assert_string_equal(world_reason(w, w->east, 2), "no-enforcement");
	assert_string_equal(world_reason(w, w->west, 2), "none");
	assert_string_equal(world_reason(w, w->east, TRUNK), "none");
}

/* -- keys, LMC ----------------------------------------------------------------------------------
 */

static void see_mkeys(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct fake_keeper *k = f->user;
	bool safe = false;

	if (smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO ||
	    wire_get(smp->data, PORT_INFO_MKEY) == 0)
		return;
	for (unsigned i = 0; i < k->n_safe_mkeys; i++)
		safe = safe || k->mkeys[i].guid == smp->device->port_guid;
	assert_true(safe);
}

static void an_m_key_is_on_disk_before_a_device_has_it(void **state)
{
	struct world *w = *state;
	size_t from;

	w->conf.m_key = 0x1234567890;
	w->conf.m_key_protection = 2;
	w->f->see = see_mkeys;
	w->f->user = &w->keeper;
	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(wire_get(w->host[i]->port[1].info, PORT_INFO_MKEY), 0x1234567890);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
}

/* As when its port does, while the disk is slow. */
static void a_subnet_manager_may_go_away_while_its_lids_are_written(void **state)
{
	struct world *w = *state;
	struct sm_status status;

	w->keeper.delay = 100 * LOOP_MSEC;
	world_begin(w);
	do {
		assert_true(loop_virtual_step(w->loop));
		sm_status(w->sm, &status);
	} while (status.phase != PHASE_KEEP);
	world_stop(w);
	world_run(w, 1);
	world_start(w);
	assert_good(w, NULL);
}

static void a_new_m_key_takes_the_place_of_the_kept_one(void **state)
{
	struct world *w = *state;

	world_start(w); /* LIDs are kept, keys are not */
	w->f->see = see_mkeys;
	w->f->user = &w->keeper;
	w->conf.m_key = 0x1111;
	w->conf.m_key_protection = 1;
	world_start(w);
	assert_good(w, NULL);
	w->conf.m_key = 0x2222;
	for (unsigned i = 0; i < w->f->n_devices; i++) {
		for (unsigned p = 1; p <= w->f->device[i]->n_ports; p++)
			if (fake_is_up(w->f->device[i], (uint8_t)p))
				wire_set(w->f->device[i]->port[p].info, PORT_INFO_STATE,
					 PORT_INITIALIZE);
	}
	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(wire_get(w->host[i]->port[1].info, PORT_INFO_MKEY), 0x2222);
}

static void lmc_1_gives_hosts_two_lids_that_both_lead_to_them(void **state)
{
	struct world *w = *state;

	w->conf.lmc = 1;
	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++) {
		assert_int_equal(fake_lid(w->host[i], 1) % 2, 0);
		assert_int_equal(wire_get(w->host[i]->port[1].info, PORT_INFO_LMC), 1);
	}
}

/* -- loss, traps, what is hostile ---------------------------------------------------------------
 */

static void with_three_in_ten_lost_all_become_active(void **state)
{
	world_free(*state);
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world *w = world_new(seed);

		w->conf.sweep_interval = 10;
		w->f->loss = 163; /* of each way */
		world_start(w);
		world_run(w, 300);
		w->f->loss = 0;
		world_run(w, 60);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void a_trap_is_repressed_and_followed_by_a_sweep(void **state)
{
	struct world *w = *state;

	world_start(w);
	fake_unplug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	assert_int_equal(w->f->n_answers, 1);
	assert_int_equal(wire_get(&w->f->last_answer, MAD_METHOD), METHOD_TRAP_REPRESS);
	assert_int_equal(wire_get(&w->f->last_answer, MAD_TID), 0x77);
	assert_int_equal(w->f->last_answer_to.lid, fake_lid(w->east, 0));
	assert_string_equal(world_reason(w, w->east, 2), "no-link");
}

static void answers_to_nothing_and_bytes_of_chance_change_nothing(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	from = world_mark(w);
	for (unsigned i = 0; i < 3000; i++) {
		struct arrival arrival = { .from = { .lid = (uint16_t)loop_random(w->loop) } };
		uint8_t classes[] = { CLASS_SM_LID, CLASS_SM_DIRECTED, CLASS_SA };

		for (unsigned j = 0; j < MAD_SIZE; j++)
			arrival.datagram.bytes[j] = (uint8_t)loop_random(w->loop);
		wire_set(&arrival.datagram, MAD_BASE_VERSION, 1);
		wire_set(&arrival.datagram, MAD_CLASS, classes[i % 3]);
		wire_set(&arrival.datagram, MAD_CLASS_VERSION, i % 3 == 2 ? 2 : 1);
		if (i % 2)
			wire_set(&arrival.datagram, MAD_METHOD, METHOD_GET_RESPONSE);
		fake_deliver(w->f, &arrival);
	}
	world_run(w, 30);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
}

static void lies_at_random(struct fake_device *device, struct datagram *d)
{
	uint8_t *data = smp_data_of(d);
	uint64_t dice = device->guid ^ wire_get(d, MAD_TID) * UINT64_C(0x9e3779b97f4a7c15);

	dice ^= dice >> 29;
	data[dice % SMP_DATA_SIZE] = (uint8_t)(dice >> 8);
	data[dice >> 16 & 63] = (uint8_t)(dice >> 24);
}

static void a_device_that_lies_at_random_harms_only_itself(void **state)
{
	world_free(*state);
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world *w = world_new(seed);

		w->host[3]->lies = lies_at_random;
		world_start(w);
		for (unsigned i = 0; i < 5; i++) {
			sm_sweep(w->sm, true);
			world_run(w, 20);
		}
		assert_active(w, w->host[3]);
		w->host[3]->lies = NULL;
		sm_sweep(w->sm, true);
		world_run(w, 60);
		sm_sweep(w->sm, false); /* who it claimed to be has gone */
		world_run(w, 60);
		assert_up(w, NULL); /* perhaps otherwise than planned */
		world_free(w);
	}
	*state = world_new(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_switches_and_four_hosts_come_up),
		TEST(a_second_sweep_sends_no_set_and_a_full_one_neither),
		TEST(a_restart_sends_no_set_and_keeps_the_lids),
		TEST(what_came_up_empty_is_not_read_further_by_later_sweeps),
		TEST(a_restart_that_has_lost_its_memory_keeps_the_lids_of_the_fabric),
		TEST(what_the_keeper_knows_is_what_devices_without_lids_get),
		TEST(changes_in_a_quiet_fabric_are_taken_up_at_once),
		TEST(changes_that_do_not_end_are_taken_up_every_two_seconds),
		TEST(both_ends_are_armed_and_all_tables_written_before_anybody_is_active),
		TEST(a_tree_costs_one_node_info_a_link_and_two_sets_a_port),
		TEST(a_silent_device_delays_nobody_and_has_the_reason),
		TEST(a_device_that_falls_silent_is_left_out_and_taken_back),
		TEST(a_device_that_refuses_its_settings_has_the_reason_and_others_come_up),
		TEST(a_device_that_refuses_once_comes_up),
		TEST(a_busy_device_comes_up),
		TEST(a_port_whose_answer_was_lost_becomes_active_all_the_same),
		TEST(a_setting_that_is_not_kept_is_sent_once_also_after_a_restart),
		TEST(impossible_node_info_leaves_out_that_device_alone),
		TEST(impossible_port_info_leaves_out_that_port_alone),
		TEST(a_device_is_not_locked_with_the_m_key_that_it_makes_up),
		TEST(a_second_device_with_the_same_node_guid_is_left_out),
		TEST(a_second_port_with_the_same_port_guid_is_left_out),
		TEST(a_switch_without_a_linear_table_is_left_out),
		TEST(a_switch_with_a_table_for_lid_0_alone_is_left_out),
		TEST(a_device_that_does_not_know_extended_speeds_comes_up),
		TEST(a_cable_pulled_and_put_back_is_repaired_and_a_host_costs_no_table),
		TEST(a_trunk_that_fails_is_routed_around_with_the_blocks_that_change),
		TEST(the_only_trunk_pulled_parts_the_fabric_and_put_back_joins_it),
		TEST(a_switch_that_restarts_is_written_anew),
		TEST(a_change_is_cleared_before_ports_are_read),
		TEST(a_cable_from_a_switch_to_itself_comes_up_and_harms_nobody),
		TEST(each_port_of_an_adapter_is_set_by_what_arrives_there),
		TEST(under_another_master_nothing_is_written),
		TEST(a_subnet_manager_of_lower_rank_is_no_obstacle),
		TEST(members_get_their_keys_and_switches_enforce_them),
		TEST(who_is_in_more_partitions_than_its_table_holds_has_the_reason),
		TEST(a_switch_port_that_has_not_room_for_the_keys_enforces_none_and_says_so),
		TEST(an_m_key_is_on_disk_before_a_device_has_it),
		TEST(lmc_1_gives_hosts_two_lids_that_both_lead_to_them),
		TEST(with_three_in_ten_lost_all_become_active),
		TEST(a_trap_is_repressed_and_followed_by_a_sweep),
		TEST(answers_to_nothing_and_bytes_of_chance_change_nothing),
		TEST(a_device_that_lies_at_random_harms_only_itself),
		TEST(lids_that_another_subnet_manager_gave_are_kept),
		TEST(of_two_devices_with_one_lid_one_gets_another),
		TEST(vls_that_a_device_does_not_keep_are_not_written_back_as_zero),
		TEST(a_device_that_restarts_is_told_again_what_it_did_not_keep),
		TEST(what_a_device_did_not_keep_is_forgotten_with_it),
		TEST(another_kind_of_device_with_its_guid_is_not_taken_for_it),
		TEST(a_device_that_falls_silent_while_it_comes_up_delays_nobody),
		TEST(what_the_keeper_makes_up_of_unknown_settings_is_not_believed),
		TEST(a_subnet_manager_may_go_away_while_its_lids_are_written),
		TEST(a_new_m_key_takes_the_place_of_the_kept_one),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
