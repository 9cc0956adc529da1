/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Switches that have left keep their rows in tables: which of them, for how long, and what if who
 * comes in their place is somebody else, or the same by another cable.
 */

#include "tests/unit/world.h"

#include "sm/route-job.h"

/* Those of the graph from which routes would be computed now. */
static uint32_t count_rows(const struct world *w)
{
	struct route_job *job = calloc(1, sizeof(*job));
	uint32_t n;

	assert_non_null(job);
	assert_int_equal(route_graph_make(w->sm, job), 0);
	n = job->graph.n_switches;
	route_job_free(job);

	return n;
}

static void look(struct world *w)
{
	sm_sweep(w->sm, false);
	world_run(w, 5);
}

static struct fake_device *add_switch(struct world *w, uint64_t guid)
{
	return fake_add(w->f, "new", NODE_TYPE_SWITCH, guid, FAKE_PORTS);
}

/* A device of the same make in its place. */
static void replace(struct fake_device *device, uint64_t guid)
{
	fake_restart(device);
	device->guid = guid;
	device->port_guid = guid + 1;
}

static void a_switch_that_left_keeps_its_row(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_int_equal(count_rows(w), 2);
	fake_unplug(w->west, TRUNK);
	look(w);
	assert_int_equal(count_rows(w), 2);
	fake_plug(w->west, TRUNK);
	look(w);
	assert_good(w, NULL);
}

/* Though none of them is there. */
static void who_is_cut_off_forgets_no_switch(void **state)
{
	struct world *w = *state;

	world_start(w);
	fake_unplug(w->host[0], 1);
	look(w);
	assert_int_equal(count_rows(w), 2);
	fake_plug(w->host[0], 1);
	look(w);
	assert_good(w, NULL);
}

/* Nor do those behind it that left with it. */
static void who_is_replaced_keeps_no_row(void **state)
{
	struct world *w = *state;
	struct fake_device *first = add_switch(w, 0x5000), *second = add_switch(w, 0x6000);

	fake_link(first, 1, w->west, 5);
	fake_link(second, 1, first, 2);
	world_start(w);
	assert_good(w, NULL);
	for (uint64_t n = 1; n < 20; n++) {
		fake_unplug(w->west, 5);
		look(w);
		assert_int_equal(count_rows(w), 4);
		replace(first, 0x5000 + n * 16);
		replace(second, 0x6000 + n * 16);
		fake_plug(w->west, 5);
		look(w);
		assert_int_equal(count_rows(w), 4);
		assert_good(w, NULL);
	}
}

static void who_comes_back_with_fewer_ports_is_another(void **state)
{
	struct world *w = *state;
	struct fake_device *device = add_switch(w, 0x5000);

	fake_link(device, 1, w->west, 5);
	fake_link(device, FAKE_PORTS, w->east, 5);
	world_start(w);
	assert_good(w, NULL);
	fake_unplug(w->west, 5);
	fake_unplug(w->east, 5);
	look(w);
	assert_int_equal(count_rows(w), 3);
	fake_restart(device);
	device->n_ports = 4;
	device->port[FAKE_PORTS].far = NULL;
	w->east->port[5].far = NULL;
	fake_plug(w->west, 5);
	look(w);
	assert_int_equal(count_rows(w), 3);
	assert_good(w, NULL);
}

/* Each is where the other was. */
static void two_that_swap_cables_are_led_to(void **state)
{
	struct world *w = *state;
	struct fake_device *one = add_switch(w, 0x5000), *two = add_switch(w, 0x6000);

	fake_link(one, 1, w->west, 5);
	fake_link(two, 1, w->east, 5);
	world_start(w);
	for (unsigned n = 0; n < 4; n++) {
		fake_unplug(w->west, 5);
		if (n % 2)
			look(w);
		fake_unplug(w->east, 5);
		look(w);
		assert_int_equal(count_rows(w), 4);
		replace(one, n % 2 ? 0x5000 : 0x6000);
		replace(two, n % 2 ? 0x6000 : 0x5000);
		fake_plug(w->west, 5);
		if (n % 2)
			look(w);
		fake_plug(w->east, 5);
		look(w);
		assert_good(w, NULL);
	}
}

/* For whoever asks where it was, and since when that is known. */
static void after_a_restart_it_is_known_where_a_host_was(void **state)
{
	struct world *w = *state;
	const struct fabric *f;
	const struct port *port;
	uint64_t stopped;

	world_start(w);
	fake_unplug(w->west, 2);
	look(w);
	world_stop(w);
	stopped = loop_now(w->loop);
	world_start(w);
	f = sm_fabric(w->sm);
	port = world_port(w, w->host[1], 1);
	assert_false(f->nodes[port->node].present);
	assert_int_equal(f->ports[port->home].number, 2);
	assert_int_equal(node_of(f, port->home)->guid, w->west->guid);
	assert_true(port->since >= stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_switch_that_left_keeps_its_row),
		TEST(who_is_cut_off_forgets_no_switch),
		TEST(who_is_replaced_keeps_no_row),
		TEST(who_comes_back_with_fewer_ports_is_another),
		TEST(two_that_swap_cables_are_led_to),
		TEST(after_a_restart_it_is_known_where_a_host_was),
	};

	return cmocka_run_group_tests_name("away", tests, NULL, NULL);
}
