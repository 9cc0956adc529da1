/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * FDR10: asked of those alone that may know it, changed where it is otherwise than wanted, and no
 * fault of anybody who does not take part.
 */

#include "tests/unit/world.h"

#define SWITCH_X  0xc738
#define CONNECT_X 0x1003
#define QDR_ONLY  4

/* A device with this number, all of whose ports can FDR10 and have not enabled it. */
static void make_able(struct fake_device *device, uint16_t device_id)
{
	device->device_id = device_id;
	for (unsigned i = 1; i <= device->n_ports; i++) {
		struct fake_port *port = &device->port[i];

		memset(port->mlnx_info, 0, SMP_DATA_SIZE);
		wire_set(port->mlnx_info, MLNX_SPEED_SUPPORTED, 1);
		wire_set(port->info, PORT_INFO_SPEED_EXT_SUPPORTED, 0);
		wire_set(port->info, PORT_INFO_SPEED_EXT_ENABLED, 0);
		wire_set(port->info, PORT_INFO_SPEED_EXT_ACTIVE, 0);
		wire_set(port->info, PORT_INFO_SPEED_ACTIVE, QDR_ONLY);
	}
}

static void make_all_able(const struct world *w)
{
	make_able(w->west, SWITCH_X);
	make_able(w->east, SWITCH_X);
	for (unsigned i = 0; i < HOSTS; i++)
		make_able(w->host[i], CONNECT_X);
}

static bool is_enabled(const struct fake_device *device, unsigned port)
{
	return wire_get(device->port[port].mlnx_info, MLNX_SPEED_ENABLED) != 0;
}

static unsigned count(const struct world *w, size_t from, uint8_t method)
{
	return world_count(w, from, NULL, method, ATTR_MLNX_PORT_INFO);
}

static const char *speed(const struct world *w, const struct fake_device *device, unsigned port)
{
	return port_speed_name(world_port(w, device, port));
}

static void sweep(struct world *w, bool full)
{
	sm_sweep(w->sm, full);
	world_run(w, 20);
}

static void assert_all_enabled(const struct world *w, bool enabled)
{
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(is_enabled(w->host[i], 1), enabled);
	assert_int_equal(is_enabled(w->west, TRUNK), enabled);
	assert_int_equal(is_enabled(w->east, TRUNK), enabled);
	assert_int_equal(is_enabled(w->east, 1), enabled);
	assert_string_equal(speed(w, w->east, TRUNK), enabled ? "FDR10" : "QDR");
	assert_string_equal(speed(w, w->host[3], 1), enabled ? "FDR10" : "QDR");
}

static void it_is_enabled_and_shown_and_then_there_is_nothing_to_set(void **state)
{
	struct world *w = *state;
	size_t mark;

	make_all_able(w);
	world_start(w);
	world_run(w, 30);
	sweep(w, false);
	assert_good(w, NULL);
	assert_all_enabled(w, true);
	assert_false(is_enabled(w->east, 7)); /* nothing hangs there */
	mark = world_mark(w);
	sweep(w, false);
	assert_int_equal(count(w, mark, METHOD_GET), 0);
	sweep(w, true);
	world_start(w);
	assert_int_equal(world_sets(w, mark), 0);
	assert_all_enabled(w, true);
}

/* Links do not go down once more after they have come up. */
static void see_before_armed(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct world *w = f->user;

	if (smp->method != METHOD_SET || smp->attr != ATTR_MLNX_PORT_INFO)
		return;
	assert_int_equal(wire_get(smp->data, MLNX_STATE_CHANGE_ENABLE), 1);
	assert_int_equal(w->settled, 0);
	assert_int_equal(fake_state(smp->device, (uint8_t)smp->modifier), PORT_INITIALIZE);
}

static void it_is_set_once_and_before_armed(void **state)
{
	struct world *w = *state;

	make_all_able(w);
	w->f->see = see_before_armed;
	w->f->user = w;
	world_start(w);
	world_run(w, 30);
	assert_int_equal(count(w, 0, METHOD_SET), 2 * (HOSTS + 1));
	assert_good(w, NULL);
}

static void devices_with_other_numbers_and_ports_without_qdr_are_not_asked(void **state)
{
	static const struct {
		uint32_t vendor;
		uint16_t device;
		bool asked;
	} numbers[] = {
		{ 0x2c9, 0x1003, true },  { 0x2c9, 0x1017, true },  { 0x2c9, 0x1018, false },
		{ 0x2c9, 0xd2f0, false }, { 0x119f, 0x1b83, true }, { 0x2c9, 0x1b83, false },
		{ 0x1234, 0xc738, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct world *w = world_new(1);

		make_able(w->host[3], numbers[i].device);
		w->host[3]->vendor_id = numbers[i].vendor;
		make_able(w->host[2], CONNECT_X);
		wire_set(w->host[2]->port[1].info, PORT_INFO_SPEED_SUPPORTED, 3);
		world_start(w);
		assert_int_equal(count(w, 0, METHOD_GET), numbers[i].asked);
		assert_int_equal(is_enabled(w->host[3], 1), numbers[i].asked);
		world_free(w);
	}
}

static void reconfigure(struct world *w, unsigned fdr10)
{
	struct partitions *partitions;

	w->conf.fdr10 = fdr10;
	assert_int_equal(partitions_default(&partitions), 0);
	sm_reconfigure(w->sm, &w->conf, partitions);
	world_run(w, 30);
	sweep(w, false);
}

static void the_option_leaves_it_enables_it_and_disables_it(void **state)
{
	struct world *w = *state;
	size_t mark;

	make_all_able(w);
	w->conf.fdr10 = 0;
	world_start(w);
	sweep(w, true);
	assert_int_equal(count(w, 0, METHOD_GET), 0);
	assert_all_enabled(w, false);
	reconfigure(w, 1);
	assert_all_enabled(w, true);
	reconfigure(w, 2);
	assert_all_enabled(w, false);
	assert_good(w, NULL);
	mark = world_mark(w);
	reconfigure(w, 0);
	assert_int_equal(count(w, mark, METHOD_GET) + world_sets(w, mark), 0);
}

static void what_is_not_asked_about_any_more_is_not_shown_for_ever(void **state)
{
	struct world *w = *state;

	make_all_able(w);
	world_start(w);
	world_run(w, 30);
	reconfigure(w, 0);
	assert_string_equal(speed(w, w->host[3], 1), "FDR10");
	fake_restart(w->host[3]);
	make_able(w->host[3], CONNECT_X);
	world_run(w, 20);
	sweep(w, false);
	assert_string_equal(speed(w, w->host[3], 1), "QDR");
	assert_good(w, NULL);
}

static void set_speed(struct fake_device *device, unsigned port, bool fdr10)
{
	wire_set(device->port[port].mlnx_info, MLNX_SPEED_ENABLED, fdr10);
	wire_set(device->port[port].mlnx_info, MLNX_SPEED_ACTIVE, fdr10);
}

/* Its own link was up all the time, so nothing but an answer tells. */
static void who_comes_back_with_other_speeds_is_not_believed_to_have_those_it_had(void **state)
{
	struct world *w = *state;

	make_all_able(w);
	world_start(w);
	world_run(w, 30);
	sweep(w, false);
	assert_all_enabled(w, true);
	fake_unplug(w->west, TRUNK);
	sweep(w, false);
	set_speed(w->host[3], 1, false);
	set_speed(w->east, 2, false);
	fake_plug(w->west, TRUNK);
	world_run(w, 20);
	for (unsigned i = 0; i < 3; i++)
		sweep(w, false);
	assert_all_enabled(w, true);
	assert_good(w, NULL);
}

static void who_does_not_know_it_has_no_fault_and_is_left_alone(void **state)
{
	struct world *w = *state;
	size_t mark;

	for (unsigned i = 0; i < HOSTS; i++)
		w->host[i]->device_id = CONNECT_X; /* and refuses */
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(count(w, 0, METHOD_GET), HOSTS);
	mark = world_mark(w);
	fake_unplug(w->west, 2);
	sweep(w, false);
	fake_plug(w->west, 2);
	sweep(w, false);
	assert_int_equal(count(w, mark, METHOD_GET), 1); /* who came: it may be another now */
	sweep(w, false);
	assert_int_equal(count(w, mark, METHOD_GET), 1);
	sweep(w, true);
	assert_int_equal(count(w, mark, METHOD_GET), 1 + HOSTS);
	assert_good(w, NULL);
}

static void lose_all(struct fake_device *device, uint8_t method)
{
	device->loses = (struct fake_fault){
		.method = method, .attr = ATTR_MLNX_PORT_INFO, .count = 1000000, .undone = true
	};
}

/* As long as it takes when nobody is asked. */
static void who_does_not_answer_delays_nobody_and_is_soon_left_alone(void **state)
{
	struct world *w = *state;
	struct sm_status status, usual;
	size_t mark;

	w->conf.fdr10 = 0;
	world_start(w);
	sm_status(w->sm, &usual);
	world_stop(w);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		fake_restart(w->f->device[i]);
	make_able(w->host[3], CONNECT_X);
	lose_all(w->host[3], METHOD_GET);
	w->conf.fdr10 = 1;
	world_start(w);
	sm_status(w->sm, &status);
	assert_in_range(status.sweep_took, 0, usual.sweep_took + 10 * LOOP_MSEC);
	for (unsigned i = 0; i < 5; i++)
		sweep(w, false);
	assert_good(w, NULL);
	mark = world_mark(w);
	sweep(w, false);
	assert_int_equal(count(w, mark, METHOD_GET), 0);
	sm_status(w->sm, &status);
	assert_int_equal(status.applied, status.generation);
}

static void tell_of(struct world *w, const struct fake_device *device)
{
	struct arrival trap = fake_make_trap(device, 1, TRAP_CAPABILITY);

	fake_deliver(w->f, &trap);
	world_run(w, 60);
}

/* Its sweep, when the other one has gone, reads all. */
static void another_is_master_for_a_while(struct world *w)
{
	fake_add_sm(w->host[2], SM_MASTER, 15);
	tell_of(w, w->host[2]);
	assert_int_equal(world_state(w), SM_STANDBY);
	w->host[2]->sm_state = SM_NOT_ACTIVE;
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_MASTER);
}

static void who_does_not_answer_is_asked_again_by_wish_and_after_a_restart_alone(void **state)
{
	struct world *w = *state;
	size_t mark;

	make_able(w->host[3], CONNECT_X);
	make_able(w->host[1], CONNECT_X);
	lose_all(w->host[3], METHOD_GET);
	w->conf.sweep_interval = 10;
	world_start(w);
	world_run(w, 60);
	for (unsigned i = 0; i < 5; i++)
		sweep(w, false);
	mark = world_mark(w);
	another_is_master_for_a_while(w);
	assert_true(world_count(w, mark, w->host[1], METHOD_GET, ATTR_MLNX_PORT_INFO) > 0);
	assert_int_equal(world_count(w, mark, w->host[3], METHOD_GET, ATTR_MLNX_PORT_INFO), 0);
	sweep(w, true);
	world_run(w, 20);
	assert_int_equal(world_count(w, mark, w->host[3], METHOD_GET, ATTR_MLNX_PORT_INFO),
			 3 * w->conf.tries); /* in three sweeps */
	mark = world_mark(w);
	fake_restart(w->host[3]);
	world_run(w, 20);
	assert_true(world_count(w, mark, w->host[3], METHOD_GET, ATTR_MLNX_PORT_INFO) > 0);
	assert_good(w, NULL);
}

static void a_device_that_takes_no_change_comes_up_all_the_same(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 3; how++) {
		struct world *w = world_new(how);
		size_t mark;

		make_able(w->host[3], CONNECT_X);
		if (how == 0)
			lose_all(w->host[3], METHOD_SET);
		if (how == 1)
			w->host[3]->refuses = (struct fake_fault){ .method = METHOD_SET,
								   .attr = ATTR_MLNX_PORT_INFO,
								   .count = 1000,
								   .status = STATUS_BAD_FIELD };
		w->host[3]->keeps_fdr10 = how == 2;
		world_start(w);
		assert_good(w, NULL);
		for (unsigned i = 0; i < 5; i++)
			sweep(w, false);
		mark = world_mark(w);
		sweep(w, false);
		assert_int_equal(count(w, mark, METHOD_SET) + count(w, mark, METHOD_GET), 0);
		assert_good(w, NULL);
		assert_string_equal(speed(w, w->host[3], 1), "QDR");
		world_free(w);
	}
}

static void forget_fdr10(struct fake_device *device, struct datagram *answer)
{
	(void)answer;
	wire_set(device->port[1].mlnx_info, MLNX_SPEED_ENABLED, 0);
}

/* Each time its link trains, which is what each Set makes it do. */
static void a_link_does_not_bounce_for_ever_for_a_device_that_forgets(void **state)
{
	struct world *w = *state;
	size_t mark;

	make_able(w->host[3], CONNECT_X);
	w->host[3]->lies = forget_fdr10;
	world_start(w);
	sweep(w, true);
	for (unsigned i = 0; i < 5; i++)
		sweep(w, false);
	mark = world_mark(w);
	sweep(w, false);
	assert_int_equal(count(w, mark, METHOD_SET) + count(w, mark, METHOD_GET), 0);
	assert_good(w, NULL);
	mark = world_mark(w);
	sweep(w, true);
	for (unsigned i = 0; i < 5; i++)
		sweep(w, false);
	assert_in_range(count(w, mark, METHOD_SET), 1, 3);
	assert_good(w, NULL);
}

/* Its answers are lost, since its link trains again. */
static void who_was_not_heard_once_is_asked_by_the_next_sweep(void **state)
{
	struct world *w = *state;

	make_able(w->host[3], CONNECT_X);
	w->host[3]->loses = (struct fake_fault){ .method = METHOD_SET,
						 .attr = ATTR_MLNX_PORT_INFO,
						 .count = w->conf.tries,
						 .undone = true };
	world_begin(w);
	world_run(w, 1);
	assert_false(is_enabled(w->host[3], 1));
	sweep(w, false);
	assert_true(is_enabled(w->host[3], 1));
	sweep(w, false);
	assert_good(w, NULL);
}

static uint64_t generation(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status.generation;
}

/* What was known when the reconcile ended is in the dumps already. */
static void a_speed_that_is_told_late_makes_a_generation(void **state)
{
	struct world *w = *state;
	uint64_t before;

	make_all_able(w);
	world_start(w);
	world_run(w, 30);
	sweep(w, false);
	assert_all_enabled(w, true);
	w->host[3]->loses = (struct fake_fault){
		.method = METHOD_GET, .attr = ATTR_MLNX_PORT_INFO, .count = 2, .undone = true
	};
	world_start(w);
	before = generation(w);
	assert_string_equal(speed(w, w->host[3], 1), "FDR10");
	sweep(w, false);
	assert_int_equal(generation(w), before + 1);
	sweep(w, false);
	assert_int_equal(generation(w), before + 1);
}

static void each_port_of_an_adapter_is_asked_along_its_own_cable(void **state)
{
	struct world *w = *state;
	struct fake_device *two = fake_add(w->f, "two", NODE_TYPE_CA, 0x5000, 2);

	make_able(two, CONNECT_X);
	fake_link(two, 1, w->west, 4);
	fake_link(two, 2, w->east, 4);
	world_start(w);
	world_run(w, 30);
	sweep(w, false);
	assert_true(is_enabled(two, 1));
	assert_true(is_enabled(two, 2));
	assert_good(w, NULL);
}

static void many_losses_do_not_leave_a_fabric_in_pieces(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct world *w = world_new(seed);

		make_all_able(w);
		w->f->loss = 200;
		world_start(w);
		world_run(w, 20);
		w->f->loss = 0;
		for (unsigned i = 0; i < 8; i++)
			sweep(w, false);
		sweep(w, true);
		sweep(w, false);
		assert_good(w, NULL);
		assert_all_enabled(w, true);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_enabled_and_shown_and_then_there_is_nothing_to_set),
		TEST(it_is_set_once_and_before_armed),
		cmocka_unit_test(devices_with_other_numbers_and_ports_without_qdr_are_not_asked),
		TEST(the_option_leaves_it_enables_it_and_disables_it),
		TEST(what_is_not_asked_about_any_more_is_not_shown_for_ever),
		TEST(who_comes_back_with_other_speeds_is_not_believed_to_have_those_it_had),
		TEST(who_does_not_know_it_has_no_fault_and_is_left_alone),
		TEST(who_does_not_answer_delays_nobody_and_is_soon_left_alone),
		TEST(who_does_not_answer_is_asked_again_by_wish_and_after_a_restart_alone),
		cmocka_unit_test(a_device_that_takes_no_change_comes_up_all_the_same),
		TEST(a_link_does_not_bounce_for_ever_for_a_device_that_forgets),
		TEST(who_was_not_heard_once_is_asked_by_the_next_sweep),
		TEST(a_speed_that_is_told_late_makes_a_generation),
		TEST(each_port_of_an_adapter_is_asked_along_its_own_cable),
		cmocka_unit_test(many_losses_do_not_leave_a_fabric_in_pieces),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
