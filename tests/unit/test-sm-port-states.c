/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * SwitchPortStateTable: what it spares, what it finds, and that a table which is wrong, or not
 * there, costs nothing but what would have been read without it.
 */

#include "tests/unit/world.h"

#define ALL_PORTS 9 /* of a switch, with port 0 */

static void give(struct fake_device *device)
{
	uint8_t *info = device->port[0].info;

	wire_set(info, PORT_INFO_CAPABILITIES,
		 wire_get(info, PORT_INFO_CAPABILITIES) | CAP_CAPABILITIES2);
	wire_set(info, PORT_INFO_CAPABILITIES2, CAP2_SWITCH_PORT_STATES);
}

static void sweep(struct world *w)
{
	sm_sweep(w->sm, false);
	world_run(w, 20);
}

/* Both switches have it, and it is proven. */
static void begin(struct world *w)
{
	give(w->west);
	give(w->east);
	world_start(w);
	sweep(w);
	sweep(w);
	assert_good(w, NULL);
}

static unsigned tables(const struct world *w, size_t from, const struct fake_device *device)
{
	return world_count(w, from, device, METHOD_GET, ATTR_SWITCH_PORT_STATES);
}

static unsigned ports(const struct world *w, size_t from, const struct fake_device *device)
{
	return world_count(w, from, device, METHOD_GET, ATTR_PORT_INFO);
}

/* PortStateChange as if somebody had cleared it. */
static void hide_change(struct fake_device *device)
{
	wire_set(device->switch_info, SWITCH_INFO_STATE_CHANGE, 0);
}

static void a_sweep_asks_each_switch_that_has_one_once(void **state)
{
	struct world *w = *state;
	size_t mark;

	give(w->east);
	world_start(w);
	sweep(w);
	mark = world_mark(w);
	sweep(w);
	assert_int_equal(tables(w, mark, NULL), 1);
	assert_int_equal(tables(w, mark, w->east), 1);
	assert_int_equal(ports(w, mark, w->east), 0);
	assert_int_equal(world_sets(w, mark), 0);
}

static void with_the_option_off_nobody_is_asked(void **state)
{
	struct world *w = *state;

	w->conf.sweep_port_states = false;
	begin(w);
	assert_int_equal(tables(w, 0, NULL), 0);
}

static void of_a_switch_that_changed_only_those_ports_are_read_that_did(void **state)
{
	struct world *w = *state;
	size_t mark;

	begin(w);
	mark = world_mark(w);
	fake_unplug(w->east, 2);
	sweep(w);
	assert_int_equal(tables(w, mark, w->east), 1);
	assert_int_equal(ports(w, mark, w->east), 2);
	assert_good(w, w->host[3]);
	mark = world_mark(w);
	fake_plug(w->east, 2);
	sweep(w);
	assert_int_equal(tables(w, mark, w->east), 1);
	assert_int_equal(ports(w, mark, w->east), 2);
	assert_good(w, NULL);
}

static void a_link_that_bounced_is_read_and_made_active(void **state)
{
	struct world *w = *state;
	size_t mark;

	begin(w);
	mark = world_mark(w);
	fake_unplug(w->east, 2);
	fake_plug(w->east, 2);
	sweep(w);
	assert_int_equal(ports(w, mark, w->east), 2);
	assert_good(w, NULL);
}

static void a_change_that_nobody_tells_of_is_found(void **state)
{
	struct world *w = *state;

	begin(w);
	fake_unplug(w->east, 2);
	hide_change(w->east);
	sweep(w);
	assert_int_equal(port_state(world_port(w, w->east, 2)), PORT_DOWN);
	fake_plug(w->east, 2);
	hide_change(w->east);
	sweep(w);
	assert_good(w, NULL);
}

/* A sweep saw what it tells of; whatever the table does not show is not read. */
static void a_trap_that_comes_late_costs_the_table_and_port_0(void **state)
{
	struct world *w = *state;
	size_t mark;

	begin(w);
	fake_unplug(w->east, 2);
	sweep(w);
	mark = world_mark(w);
	fake_trap(w->f, w->east, 128);
	world_run(w, 20);
	assert_int_equal(tables(w, mark, NULL), 1);
	assert_int_equal(ports(w, mark, w->east), 1);
	assert_good(w, w->host[3]);
}

/* Somebody else has cleared PortStateChange. */
static void a_trap_alone_has_what_the_table_shows_read(void **state)
{
	struct world *w = *state;
	size_t mark;

	begin(w);
	mark = world_mark(w);
	fake_unplug(w->east, 2);
	hide_change(w->east);
	fake_trap(w->f, w->east, 128);
	world_run(w, 20);
	assert_int_equal(ports(w, mark, w->east), 2);
	assert_good(w, w->host[3]);
}

/* -- tables that are wrong ------------------------------------------------------------------------
 */

/* The odd port is high, as if that were the layout. */
static void swap(struct fake_device *device, struct datagram *answer)
{
	uint8_t *data = smp_data_of(answer);

	(void)device;
	for (unsigned i = 0;
	     wire_get(answer, MAD_ATTR) == ATTR_SWITCH_PORT_STATES && i < SMP_DATA_SIZE; i++)
		data[i] = (uint8_t)(data[i] << 4 | data[i] >> 4);
}

static void show_all_active(struct fake_device *device, struct datagram *answer)
{
	(void)device;
	if (wire_get(answer, MAD_ATTR) == ATTR_SWITCH_PORT_STATES)
		memset(smp_data_of(answer), PORT_ACTIVE << 4 | PORT_ACTIVE, SMP_DATA_SIZE);
}

static void show_nothing(struct fake_device *device, struct datagram *answer)
{
	(void)device;
	if (wire_get(answer, MAD_ATTR) == ATTR_SWITCH_PORT_STATES)
		memset(smp_data_of(answer), 0, SMP_DATA_SIZE);
}

static void one_that_is_wrong_is_soon_left_alone_and_hides_nothing(void **state)
{
	static void (*const lies[])(struct fake_device *,
				    struct datagram *) = { swap, show_all_active, show_nothing };

	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct world *w = world_new(1);
		size_t mark;

		give(w->east);
		w->east->lies = lies[i];
		world_start(w);
		for (unsigned n = 0; n < 6; n++)
			sweep(w);
		assert_good(w, NULL);
		mark = world_mark(w);
		fake_unplug(w->east, 2);
		sweep(w);
		assert_int_equal(tables(w, mark, NULL), 0);
		assert_int_equal(ports(w, mark, w->east), ALL_PORTS);
		assert_good(w, w->host[3]);
		world_free(w);
	}
}

/* It was right, and proven, until something happens. */
static void one_that_begins_to_lie_hides_no_change_that_is_told_of(void **state)
{
	static void (*const lies[])(struct fake_device *,
				    struct datagram *) = { swap, show_all_active, show_nothing };

	(void)state;
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct world *w = world_new(1);

		begin(w);
		w->east->lies = lies[i];
		fake_unplug(w->east, 2);
		sweep(w);
		assert_int_equal(port_state(world_port(w, w->east, 2)), PORT_DOWN);
		assert_good(w, w->host[3]);
		w->east->lies = NULL;
		fake_plug(w->east, 2);
		sweep(w);
		sweep(w);
		assert_good(w, NULL);
		world_free(w);
	}
}

static void one_that_is_refused_or_lost_leaves_all_ports_to_be_read(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world *w = world_new(1);
		struct fake_fault fault = { .method = METHOD_GET,
					    .attr = ATTR_SWITCH_PORT_STATES,
					    .count = 1000,
					    .status = STATUS_BAD_METHOD_ATTR };
		size_t mark;

		begin(w);
		*(i ? &w->east->loses : &w->east->refuses) = fault;
		mark = world_mark(w);
		fake_unplug(w->east, 2);
		sweep(w);
		assert_int_equal(ports(w, mark, w->east), ALL_PORTS);
		assert_good(w, w->host[3]);
		for (unsigned n = 0; n < 3; n++)
			sweep(w);
		mark = world_mark(w);
		sweep(w);
		assert_int_equal(tables(w, mark, w->east), 0);
		assert_string_equal(world_reason(w, w->east, 1), "none");
		world_free(w);
	}
}

static void who_has_restarted_is_asked_again(void **state)
{
	struct world *w = *state;
	size_t mark;

	begin(w);
	w->east->refuses = (struct fake_fault){ .method = METHOD_GET,
						.attr = ATTR_SWITCH_PORT_STATES,
						.count = 1,
						.status = STATUS_BAD_METHOD_ATTR };
	sweep(w);
	mark = world_mark(w);
	sweep(w);
	assert_int_equal(tables(w, mark, w->east), 0);
	fake_restart(w->east);
	give(w->east);
	sweep(w);
	sweep(w);
	assert_true(tables(w, mark, w->east) > 0);
	assert_good(w, NULL);
}

static unsigned asked[2];

static void show_nothing_in_turn(unsigned which, struct fake_device *device,
				 struct datagram *answer)
{
	if (wire_get(answer, MAD_ATTR) == ATTR_SWITCH_PORT_STATES && asked[which]++ % 2 == which)
		show_nothing(device, answer);
}

static void lie_as_first(struct fake_device *device, struct datagram *answer)
{
	show_nothing_in_turn(0, device, answer);
}

static void lie_as_second(struct fake_device *device, struct datagram *answer)
{
	show_nothing_in_turn(1, device, answer);
}

/* Each is right every other time. Nobody sweeps because of them. */
static void tables_that_flicker_are_no_reason_to_sweep(void **state)
{
	struct world *w = *state;
	uint64_t sweeps;

	begin(w);
	memset(asked, 0, sizeof(asked));
	w->west->lies = lie_as_first;
	w->east->lies = lie_as_second;
	sweeps = world_sweeps(w);
	for (unsigned n = 0; n < 12; n++)
		sweep(w);
	assert_int_equal(world_sweeps(w), sweeps + 12);
	assert_good(w, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sweep_asks_each_switch_that_has_one_once),
		TEST(with_the_option_off_nobody_is_asked),
		TEST(of_a_switch_that_changed_only_those_ports_are_read_that_did),
		TEST(a_link_that_bounced_is_read_and_made_active),
		TEST(a_change_that_nobody_tells_of_is_found),
		TEST(a_trap_that_comes_late_costs_the_table_and_port_0),
		TEST(a_trap_alone_has_what_the_table_shows_read),
		TEST(one_that_is_wrong_is_soon_left_alone_and_hides_nothing),
		TEST(one_that_begins_to_lie_hides_no_change_that_is_told_of),
		TEST(one_that_is_refused_or_lost_leaves_all_ports_to_be_read),
		TEST(who_has_restarted_is_asked_again),
		TEST(tables_that_flicker_are_no_reason_to_sweep),
	};

	return cmocka_run_group_tests_name("SwitchPortStateTable", tests, NULL, NULL);
}
