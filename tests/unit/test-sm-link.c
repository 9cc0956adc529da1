/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The options for difficult links: link.cautious, for devices that cannot take all at once, and
 * link.bounce_on_mismatch, for links that came up otherwise than planned. And what a port does when
 * its link goes down.
 */

#include "tests/unit/world.h"

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

/* -- links that go down ---------------------------------------------------------------------------
 */

static void let_sleep(struct fake_device *device, unsigned port)
{
	wire_set(device->port[port].info, PORT_INFO_DOWN_DEFAULT, PHYS_SLEEP);
}

static uint64_t down_default(const struct fake_device *device, unsigned port)
{
	return wire_get(device->port[port].info, PORT_INFO_DOWN_DEFAULT);
}

static void a_port_that_would_sleep_without_its_cable_is_told_to_poll(void **state)
{
	static const uint8_t expected[] = { PORT_ARMED, PORT_ACTIVE };
	struct world *w = *state;

	let_sleep(w->host[3], 1);
	let_sleep(w->east, TRUNK);
	let_sleep(w->east, 5); /* nothing hangs there */
	world_start(w);
	assert_good(w, NULL);
	assert_states_everywhere(w, expected, COUNT(expected));
	assert_int_equal(down_default(w->host[3], 1), PHYS_POLLING);
	assert_int_equal(down_default(w->east, TRUNK), PHYS_POLLING);
	assert_int_equal(down_default(w->east, 5), PHYS_SLEEP);
}

/* All else is as it is to be: once, and without a state. */
static void it_is_told_so_even_if_there_is_nothing_else_to_set(void **state)
{
	static const uint8_t expected[] = { PORT_NO_CHANGE };
	struct world *w = *state;
	size_t mark;

	world_start(w);
	let_sleep(w->host[3], 1);
	let_sleep(w->west, TRUNK);
	mark = world_mark(w);
	world_start(w);
	assert_states(w, mark, w->host[3], 1, expected, COUNT(expected));
	assert_states(w, mark, w->west, TRUNK, expected, COUNT(expected));
	assert_int_equal(world_sets(w, mark), 2);
	mark = world_mark(w);
	sm_sweep(w->sm, true);
	world_start(w);
	assert_int_equal(world_sets(w, mark), 0);
	assert_good(w, NULL);
}

static void a_port_that_goes_on_sleeping_is_told_so_once_and_by_full_sweeps(void **state)
{
	struct world *w = *state;
	size_t mark;

	let_sleep(w->host[3], 1);
	w->host[3]->forgets_something = true;
	w->host[3]->forgets = PORT_INFO_DOWN_DEFAULT;
	world_start(w);
	mark = world_mark(w);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	world_start(w);
	assert_int_equal(world_sets(w, mark), 0);
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(world_sets(w, mark), 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	world_start(w);
	assert_int_equal(world_sets(w, mark), 1);
	assert_good(w, NULL);
}

static void see_no_wish_for_down(struct fake_fabric *f, const struct fake_smp *smp)
{
	(void)f;
	if (smp->method == METHOD_SET && smp->attr == ATTR_PORT_INFO)
		assert_int_equal(wire_get(smp->data, PORT_INFO_DOWN_DEFAULT), PHYS_NO_CHANGE);
}

static void where_it_polls_already_nothing_is_said_of_it(void **state)
{
	struct world *w = *state;

	w->f->see = see_no_wish_for_down;
	world_start(w);
	assert_good(w, NULL);
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
		assert_up(w, NULL);
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
		TEST(a_port_that_would_sleep_without_its_cable_is_told_to_poll),
		TEST(it_is_told_so_even_if_there_is_nothing_else_to_set),
		TEST(a_port_that_goes_on_sleeping_is_told_so_once_and_by_full_sweeps),
		TEST(where_it_polls_already_nothing_is_said_of_it),
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
