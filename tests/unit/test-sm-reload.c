/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Options that a reload changes and that only who is asked can see: how often, how soon and how
 * much at once; which attributes; and whether hosts are told to register again. All others are
 * looked at from outside, in tests/ibsim/test_reload.py.
 */

#include "tests/unit/world.h"

static void reload(struct world *w)
{
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=full;\n"));
	world_run(w, 5);
}

/* Requests to @device in the first @ms of a full sweep. */
static unsigned asked_in(struct world *w, const struct fake_device *device, unsigned ms)
{
	size_t from = world_mark(w);
	unsigned n;

	sm_sweep(w->sm, true);
	loop_virtual_run_until(w->loop, loop_now(w->loop) + ms * LOOP_MSEC);
	n = world_count(w, from, device, METHOD_GET, 0);
	world_run(w, 30);
	return n;
}

static void is_heard_again(struct world *w)
{
	w->host[3]->silent = false;
	sm_sweep(w->sm, true);
	world_run(w, 30);
	assert_good(w, NULL);
}

static void tries_and_their_times_are_others(void **state)
{
	struct world *w = *state;

	w->conf.min_timeout_ms = 20;
	world_start(w);
	w->host[3]->silent = true;
	assert_int_equal(asked_in(w, w->host[3], 250), 4); /* at 0, 20, 60 and 140 ms */
	is_heard_again(w);

	w->conf.tries = 2;
	w->conf.min_timeout_ms = 100;
	reload(w);
	w->host[3]->silent = true;
	assert_int_equal(asked_in(w, w->host[3], 90), 1);
	is_heard_again(w);
	w->host[3]->silent = true;
	assert_int_equal(asked_in(w, w->host[3], 250), 2);
}

static void no_more_than_that_is_asked_of_a_device_at_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	w->f->latency = 5 * LOOP_MSEC;
	assert_true(asked_in(w, w->west, 34) > 34 / 5);
	w->conf.max_smps_per_device = 1;
	reload(w);
	assert_in_range(asked_in(w, w->west, 34), 1, 34 / 5);
}

static void tables_of_port_states_are_asked_for_no_more(void **state)
{
	struct world *w = *state;
	uint8_t *info = w->west->port[0].info;
	size_t from;

	wire_set(info, PORT_INFO_CAPABILITIES,
		 wire_get(info, PORT_INFO_CAPABILITIES) | CAP_CAPABILITIES2);
	wire_set(info, PORT_INFO_CAPABILITIES2, CAP2_SWITCH_PORT_STATES);
	world_start(w);
	from = world_mark(w);
	reload(w);
	assert_true(world_count(w, from, w->west, METHOD_GET, ATTR_SWITCH_PORT_STATES) > 0);
	w->conf.sweep_port_states = false;
	from = world_mark(w);
	reload(w);
	assert_int_equal(world_count(w, from, w->west, METHOD_GET, ATTR_SWITCH_PORT_STATES), 0);
}

/* Sets that tell a host so when it has restarted. */
static unsigned told(struct world *w, struct fake_device *host)
{
	size_t from = world_mark(w);
	unsigned n = 0;

	fake_restart(host);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_good(w, NULL);
	for (size_t i = from; i < w->f->n_smps; i++)
		n += w->f->smps[i].device == host && w->f->smps[i].method == METHOD_SET &&
		     w->f->smps[i].attr == ATTR_PORT_INFO &&
		     wire_get(w->f->smps[i].data, PORT_INFO_REREGISTER);
	return n;
}

static void hosts_are_told_to_register_again_no_more(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_int_equal(told(w, w->host[2]), 1);
	w->conf.client_reregister = false;
	reload(w);
	assert_int_equal(told(w, w->host[2]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tries_and_their_times_are_others),
		TEST(no_more_than_that_is_asked_of_a_device_at_once),
		TEST(tables_of_port_states_are_asked_for_no_more),
		TEST(hosts_are_told_to_register_again_no_more),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
