/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Sets that arrive late: the first try of one that was repeated, or one of a subnet manager that is
 * no more, undoes what was set since. Each test sees it undone, and then mended, and counts what
 * that cost.
 */

#include "tests/unit/world.h"

#include "base/log.h"

#define LATE (800 * LOOP_MSEC)

static void run_ms(struct world *w, unsigned ms)
{
	loop_virtual_run_for(w->loop, ms * LOOP_MSEC);
}

/* The next Set of this kind is not heard when it is sent, but when another has been. */
static void delay_next(struct fake_device *device, uint16_t attr)
{
	device->loses = (struct fake_fault){
		.method = METHOD_SET, .attr = attr, .count = 1, .undone = true, .late = LATE
	};
}

static void assert_nothing_is_asked_in_vain(struct world *w, unsigned seconds)
{
	size_t from = world_mark(w);

	world_run(w, seconds);
	assert_int_equal(world_mark(w), from);
}

/* -- none ---------------------------------------------------------------------------------------
 */

static void where_nothing_is_repeated_nothing_is_read_again(void **state)
{
	struct world *w = *state;

	world_begin(w);
	world_run(w, 1);
	assert_good(w, NULL);
	assert_nothing_is_asked_in_vain(w, 10);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, false);
	world_run(w, 1);
	fake_plug(w->east, 2);
	sm_sweep(w->sm, false);
	world_run(w, 1);
	assert_good(w, NULL);
	assert_nothing_is_asked_in_vain(w, 10);
}

static void a_restart_that_finds_all_as_it_should_be_reads_it_once(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	from = world_mark(w);
	world_begin(w);
	world_run(w, 1);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* -- of a forwarding table ----------------------------------------------------------------------
 */

static bool all_reach_all(const struct world *w)
{
	uint8_t in_port;

	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned j = 0; j < HOSTS; j++)
			if (i != j && fake_follow(w->host[i], 1, fake_lid(w->host[j], 1),
						  &in_port) != w->host[j])
				return false;

	return true;
}

#define SECOND 7 /* trunk; not plugged in */

static void start_with_a_second_trunk(struct world *w)
{
	fake_link(w->west, SECOND, w->east, SECOND);
	fake_unplug(w->west, SECOND);
	world_start(w);
	assert_good(w, NULL);
}

/* There it is, and some routes lead along it, with one Set that is late. */
static void comes(struct world *w, struct fake_device *late)
{
	delay_next(late, ATTR_LFT);
	fake_plug(w->west, SECOND);
	sm_sweep(w->sm, false);
}

static void goes(struct world *w)
{
	fake_unplug(w->west, SECOND);
	sm_sweep(w->sm, false);
}

static void comes_and_goes(struct world *w, struct fake_device *late)
{
	comes(w, late);
	run_ms(w, 400);
	goes(w);
	run_ms(w, 300);
	assert_good(w, NULL);
	run_ms(w, 300);
	assert_false(all_reach_all(w));
}

static void a_late_block_of_a_forwarding_table_is_read_once_and_mended(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	comes_and_goes(w, w->east);
	from = world_mark(w);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(world_count(w, from, w->east, METHOD_GET, ATTR_LFT), 1);
	assert_int_equal(world_count(w, from, w->east, METHOD_SET, ATTR_LFT), 1);
	assert_int_equal(world_mark(w), from + 2);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* What came up without a table is never read otherwise, and this was. */
static void so_it_is_on_a_switch_that_was_configured_before(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	world_start(w);
	comes_and_goes(w, w->west);
	from = world_mark(w);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(world_count(w, from, w->west, METHOD_GET, ATTR_LFT), 1);
	assert_int_equal(world_mark(w), from + 2);
}

/* Most of them do, as they say the same as the second. */
static void a_late_block_that_does_no_harm_costs_one_get(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	comes(w, w->east);
	world_run(w, 1);
	from = world_mark(w);
	world_run(w, 10);
	assert_int_equal(world_count(w, from, w->east, METHOD_GET, ATTR_LFT), 1);
	assert_int_equal(world_mark(w), from + 1);
}

static void two_in_a_row_are_read_when_both_are_dead(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	comes_and_goes(w, w->east);
	from = world_mark(w);
	comes_and_goes(w, w->east);
	world_run(w, 1);
	assert_false(all_reach_all(w));
	assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_LFT), 0);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_LFT), 1);
}

/* It has nothing of what it had, and then one block of it. */
static void a_block_that_a_switch_gets_after_its_restart_is_found(void **state)
{
	struct world *w = *state;

	start_with_a_second_trunk(w);
	comes(w, w->east);
	run_ms(w, 400);
	fake_restart(w->east);
	goes(w);
	run_ms(w, 300);
	assert_good(w, NULL);
	run_ms(w, 300);
	assert_false(all_reach_all(w));
	world_run(w, 5);
	assert_good(w, NULL);
}

/* -- of the others ------------------------------------------------------------------------------
 */

#define RED "Default=0x7fff: ALL=full;\nred=0x10: ALL=full;\n"

static void late_keys_are_read_once_and_mended(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	delay_next(w->host[3], ATTR_PKEY_TABLE);
	sm_reconfigure(w->sm, &w->conf, world_parse(RED));
	run_ms(w, 400);
	assert_int_equal(w->host[3]->port[1].keys[1], 0x8010);
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=full;\n"));
	run_ms(w, 300);
	assert_int_equal(w->host[3]->port[1].keys[1], 0);
	run_ms(w, 300);
	assert_int_equal(w->host[3]->port[1].keys[1], 0x8010);
	from = world_mark(w);
	world_run(w, 5);
	assert_int_equal(w->host[3]->port[1].keys[1], 0);
	assert_good(w, NULL);
	assert_int_equal(world_count(w, from, w->host[3], METHOD_GET, ATTR_PKEY_TABLE),
			 FAKE_KEYS / PKEY_BLOCK);
	assert_int_equal(world_sets(w, from), 1);
	assert_nothing_is_asked_in_vain(w, 10);
}

static uint64_t hoq_life(const struct world *w)
{
	return wire_get(w->east->port[1].info, PORT_INFO_HOQ_LIFE);
}

static void a_late_port_info_is_read_once_and_mended(void **state)
{
	struct world *w = *state;
	uint64_t usual;
	size_t from;

	world_start(w);
	usual = hoq_life(w);
	delay_next(w->east, ATTR_PORT_INFO);
	w->conf.leaf_hoq_life = 7;
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=full;\n"));
	run_ms(w, 400);
	assert_int_equal(hoq_life(w), 7);
	w->conf.leaf_hoq_life = (unsigned)usual;
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=full;\n"));
	run_ms(w, 300);
	assert_int_equal(hoq_life(w), usual);
	run_ms(w, 300);
	assert_int_equal(hoq_life(w), 7);
	from = world_mark(w);
	world_run(w, 5);
	assert_int_equal(hoq_life(w), usual);
	assert_good(w, NULL);
	assert_in_range(world_count(w, from, w->east, METHOD_GET, ATTR_PORT_INFO), 1, 2);
	assert_int_equal(world_sets(w, from), 1);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* It clears the PortStateChange of a link that went down since; and no trap tells of it. */
static void a_change_that_a_late_switch_info_has_cleared_is_found(void **state)
{
	struct world *w = *state;

	world_start(w);
	delay_next(w->east, ATTR_SWITCH_INFO);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, false);
	run_ms(w, 600);
	fake_unplug(w->east, 1);
	run_ms(w, 300);
	assert_int_equal(wire_get(w->east->switch_info, SWITCH_INFO_STATE_CHANGE), 0);
	sm_sweep(w->sm, false);
	run_ms(w, 300);
	assert_int_equal(port_state(world_port(w, w->east, 1)), PORT_ACTIVE);
	world_run(w, 5);
	assert_int_equal(port_state(world_port(w, w->east, 1)), PORT_DOWN);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* -- of a predecessor ---------------------------------------------------------------------------
 */

static void what_a_killed_subnet_manager_had_under_way_is_mended(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	comes(w, w->east);
	run_ms(w, 3);
	assert_int_equal(w->east->loses.count, 0);
	fake_unplug(w->west, SECOND);
	world_begin(w);
	run_ms(w, 600);
	assert_good(w, NULL);
	run_ms(w, 400);
	assert_false(all_reach_all(w));
	from = world_mark(w);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 1);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* The successor finds all as it should be, and has something to write only then. */
static void what_a_killed_subnet_manager_had_sent_twice_is_mended(void **state)
{
	struct world *w = *state;
	size_t from;

	start_with_a_second_trunk(w);
	comes(w, w->east);
	run_ms(w, 200);
	from = world_mark(w);
	world_begin(w);
	run_ms(w, 100);
	assert_int_equal(world_sets(w, from), 0);
	goes(w);
	run_ms(w, 300);
	assert_good(w, NULL);
	run_ms(w, 400);
	assert_false(all_reach_all(w));
	world_run(w, 5);
	assert_good(w, NULL);
	assert_nothing_is_asked_in_vain(w, 10);
}

static unsigned count_reads(const struct world *w, size_t from)
{
	return world_count(w, from, NULL, METHOD_GET, ATTR_LFT) +
	       world_count(w, from, NULL, METHOD_GET, ATTR_PKEY_TABLE);
}

static void a_successor_that_has_to_write_reads_tables_once_more(void **state)
{
	struct world *w = *state;
	unsigned reads, sets;
	size_t from;

	world_start(w);
	w->conf.leaf_hoq_life = 7;
	from = world_mark(w);
	world_begin(w);
	world_run(w, 1);
	reads = count_reads(w, from);
	sets = world_count(w, from, NULL, METHOD_SET, ATTR_PORT_INFO);
	assert_int_equal(world_sets(w, from), sets);
	assert_int_not_equal(sets, 0);
	from = world_mark(w);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(count_reads(w, from), reads);
	assert_in_range(world_mark(w) - from, reads + sets, reads + sets + 2);
	assert_nothing_is_asked_in_vain(w, 10);
}

/* There is no predecessor of which anything could be. */
static void who_brings_up_a_fabric_reads_nothing_twice(void **state)
{
	struct world *w = *state;
	size_t from;

	world_begin(w);
	world_run(w, 1);
	assert_good(w, NULL);
	from = world_mark(w);
	world_run(w, 5);
	assert_int_equal(world_mark(w), from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(where_nothing_is_repeated_nothing_is_read_again),
		TEST(a_restart_that_finds_all_as_it_should_be_reads_it_once),
		TEST(a_late_block_of_a_forwarding_table_is_read_once_and_mended),
		TEST(so_it_is_on_a_switch_that_was_configured_before),
		TEST(a_late_block_that_does_no_harm_costs_one_get),
		TEST(two_in_a_row_are_read_when_both_are_dead),
		TEST(a_block_that_a_switch_gets_after_its_restart_is_found),
		TEST(late_keys_are_read_once_and_mended),
		TEST(a_late_port_info_is_read_once_and_mended),
		TEST(a_change_that_a_late_switch_info_has_cleared_is_found),
		TEST(what_a_killed_subnet_manager_had_under_way_is_mended),
		TEST(what_a_killed_subnet_manager_had_sent_twice_is_mended),
		TEST(a_successor_that_has_to_write_reads_tables_once_more),
		TEST(who_brings_up_a_fabric_reads_nothing_twice),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
