/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Sweeps and what happens in the middle of them: answers that come late or not at all, changes that
 * come at the wrong moment.
 */

#include "tests/unit/world.h"

/* -- probes ---------------------------------------------------------------------------------------
 */

/* Whatever the moment at which a silent device wakes, and the next sweep finds it. */
static void a_late_probe_does_not_undo_what_a_later_sweep_found(void **state)
{
	(void)state;
	for (unsigned ms = 1; ms < 1500; ms += 7) {
		struct world *w = world_new(ms);

		w->host[3]->silent = true;
		w->f->latency = 4 * LOOP_MSEC;
		world_begin(w);
		while (w->settled == 0 && loop_virtual_step(w->loop))
			;
		loop_virtual_run_for(w->loop, ms * LOOP_MSEC);
		w->host[3]->silent = false;
		sm_sweep(w->sm, false);
		world_run(w, 30);
		assert_good(w, NULL);
		world_free(w);
	}
}

static uint64_t sweep_once(struct world *w)
{
	struct sm_status status;

	sm_sweep(w->sm, false);
	world_run(w, 20);
	sm_status(w->sm, &status);

	return status.sweep_took;
}

static void a_silent_device_is_waited_for_by_no_later_sweep(void **state)
{
	struct world *w = world_new(1);
	uint64_t usual;

	(void)state;
	world_start(w);
	usual = sweep_once(w);
	world_free(w);
	w = world_new(1);
	w->host[3]->silent = true;
	world_start(w);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(sweep_once(w), 0, 2 * usual);
	world_free(w);
}

static void who_says_the_impossible_at_once_costs_one_sweep_at_a_time(void **state)
{
	struct world *w = world_new(1);
	struct fake_device *twin = fake_add(w->f, "twin", NODE_TYPE_CA, w->host[3]->guid, 1);
	uint64_t sweeps;

	(void)state;
	twin->port_guid = 0x9999;
	fake_link(twin, 1, w->east, 3);
	world_start(w);
	sweeps = world_sweeps(w);
	for (unsigned i = 0; i < 3; i++)
		sweep_once(w);
	assert_int_equal(world_sweeps(w), sweeps + 3);
	world_free(w);
}

/* -- changes in the middle ------------------------------------------------------------------------
 */

/* When east gets that Set again. */
static void see_and_plug(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->device != w->east || smp->method != METHOD_SET || smp->attr != ATTR_SWITCH_INFO ||
	    !w->east->port[1].unplugged)
		return;
	if (w->east->loses.count == 0)
		fake_plug(w->east, 1);
}

/* The Set that clears PortStateChange is lost, and clears another change when it is repeated. */
static void no_change_is_lost_when_its_clearing_is_lost_and_repeated(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_start(w);
	fake_unplug(w->east, 1);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	w->f->see = see_and_plug;
	w->f->user = w;
	fake_unplug(w->east, 2);
	w->east->loses = (struct fake_fault){
		.method = METHOD_SET, .attr = ATTR_SWITCH_INFO, .count = 1, .undone = true
	};
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_true(fake_is_up(w->east, 1));
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	world_free(w);
}

static void see_and_bounce(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO ||
	    wire_get(smp->data, PORT_INFO_STATE) != PORT_ACTIVE)
		return;
	f->see = NULL;
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
}

static void a_link_that_bounces_while_others_are_activated_becomes_active(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->f->see = see_and_bounce;
	w->f->user = w;
	world_start(w);
	world_run(w, 20);
	assert_good(w, NULL);
	world_free(w);
}

/* When all ports have been read, and nothing is set yet. */
static void see_and_restart(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->method != METHOD_GET || smp->attr != ATTR_PKEY_TABLE)
		return;
	f->see = NULL;
	fake_restart(w->host[2]);
}

/* Its switch still notes a change, which is cleared when we know that we are master. */
static void a_host_that_restarts_after_a_new_master_has_read_it_comes_up(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_start(w);
	world_stop(w);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	w->f->see = see_and_restart;
	w->f->user = w;
	world_start(w);
	world_run(w, 20);
	assert_good(w, NULL);
	world_free(w);
}

static void see_and_restart_when_activated(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO ||
	    wire_get(smp->data, PORT_INFO_STATE) != PORT_ACTIVE)
		return;
	f->see = NULL;
	fake_restart(w->host[2]);
}

/* It is given its LID again at once, and so does not look as if it had restarted. */
static void a_host_that_restarts_while_others_are_activated_gets_its_keys(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->partitions = world_parse("Default=0x7fff, ipoib : ALL=limited, SELF=full ;\n");
	w->f->see = see_and_restart_when_activated;
	w->f->user = w;
	world_start(w);
	world_run(w, 20);
	assert_good(w, NULL);
	assert_int_equal(w->host[2]->port[1].keys[0], 0x7fff);
	world_free(w);
}

static void see_and_restart_before_armed(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->device != w->host[3] || smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO)
		return;
	f->see = NULL;
	fake_restart(w->host[3]);
}

/* Its keys were found as they should be, and it has the LID that it had; its switch knows. */
static void a_host_that_restarts_just_before_it_is_armed_gets_its_keys(void **state)
{
	struct world *w = world_new(1);
	size_t mark;

	(void)state;
	w->partitions = world_parse("Default=0x7fff, ipoib : ALL=limited, SELF=full ;\n");
	world_start(w);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	w->f->see = see_and_restart_before_armed;
	w->f->user = w;
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_null(w->f->see);
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_int_equal(w->host[3]->port[1].keys[0], 0x7fff);
	assert_good(w, NULL);
	mark = world_mark(w);
	fake_unplug(w->east, 1);
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_int_equal(world_count(w, mark, w->host[3], METHOD_GET, ATTR_PKEY_TABLE), 0);
	world_free(w);
}

/* One end tells so when it is set; then the other is not set, and nobody would read it again. */
static void a_cable_that_is_pulled_while_lids_are_kept_is_down_at_both_ends(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	fake_link(w->west, 7, w->east, 7);
	w->keeper.delay = 200 * LOOP_MSEC;
	w->conf.max_smps_per_device = 1;
	w->east->loses =
		(struct fake_fault){ .method = METHOD_SET, .attr = ATTR_PORT_INFO, .count = 1 };
	world_begin(w);
	loop_virtual_run_for(w->loop, 100 * LOOP_MSEC);
	fake_unplug(w->west, TRUNK); /* we ask through the other */
	world_run(w, 10);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	world_free(w);
}

/* The switch does not say again that something changed: that was cleared. */
static void a_port_that_is_not_told_of_is_asked_for_again_in_the_next_sweep(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->east->no_extended = true;
	world_start(w);
	assert_good(w, NULL);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	w->east->refuses = (struct fake_fault){ .method = METHOD_GET,
						.attr = ATTR_PORT_INFO,
						.count = FAKE_PORTS + 1,
						.status = STATUS_BAD_METHOD_ATTR };
	sm_sweep(w->sm, false);
	world_run(w, 10);
	w->east->refuses.count = 0;
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	world_free(w);
}

/* -- tables ---------------------------------------------------------------------------------------
 */

static unsigned count_table_gets(const struct world *w, size_t from)
{
	return world_count(w, from, NULL, METHOD_GET, ATTR_PKEY_TABLE) +
	       world_count(w, from, NULL, METHOD_GET, ATTR_LFT);
}

/* They said that they had done what they were told, and what they were not told they did. */
static void change_tables_behind_its_back(struct world *w)
{
	w->host[3]->port[1].keys[0] = 0;
	w->host[3]->port[1].keys[5] = 0x8123;
	w->east->lft[fake_lid(w->host[1], 1)] = ROUTE_NONE;
	w->west->lft[fake_lid(w->host[3], 1)] = 1;
}

static void a_full_sweep_that_somebody_asks_for_mends_tables_that_are_believed_wrongly(void **state)
{
	struct world *w = world_new(1);
	size_t mark;

	(void)state;
	world_start(w);
	sm_sweep(w->sm, false); /* reads what was not worth reading of who came up empty */
	world_run(w, 20);
	change_tables_behind_its_back(w);
	mark = world_mark(w);
	sm_sweep(w->sm, false);
	world_run(w, 20);
	assert_int_equal(count_table_gets(w, mark), 0);
	assert_int_equal(world_sets(w, mark), 0);
	sm_sweep(w->sm, true);
	world_run(w, 20);
	assert_int_equal(w->host[3]->port[1].keys[0], 0xffff);
	assert_int_equal(w->host[3]->port[1].keys[5], 0);
	assert_int_equal(world_sets(w, mark), 3);
	assert_good(w, NULL);
	world_free(w);
}

/* For a sweep that is under way it is too late; another follows. */
static void who_asks_in_the_middle_of_a_sweep_has_tables_read_after_it(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	world_start(w);
	change_tables_behind_its_back(w);
	sm_sweep(w->sm, false);
	loop_virtual_run_for(w->loop, 20 * LOOP_USEC);
	sm_sweep(w->sm, true);
	world_run(w, 20);
	assert_int_equal(w->host[3]->port[1].keys[5], 0);
	assert_good(w, NULL);
	world_free(w);
}

static void see_and_restart_it(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;

	if (smp->method != METHOD_SET)
		return;
	f->see = NULL;
	fake_restart(w->host[3]);
}

/*
 * Its switch had a change to tell when we became master, and now has this one too; both are cleared
 * at once. Its link was not Active before either.
 */
static void a_host_that_restarts_while_a_new_master_begins_gets_its_keys(void **state)
{
	struct world *w = world_new(1);

	(void)state;
	w->partitions = world_parse("Default=0x7fff: ALL=full;\nred=0x10: ALL=full;\n");
	world_start(w);
	assert_int_equal(w->host[3]->port[1].keys[1], 0x8010);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	assert_int_equal(fake_state(w->host[3], 1), PORT_INITIALIZE);
	assert_int_not_equal(fake_lid(w->host[3], 1), 0);
	w->f->see = see_and_restart_it;
	w->f->user = w;
	w->partitions = world_parse("Default=0x7fff: ALL=full;\nred=0x10: ALL=full;\n");
	world_begin(w);
	world_run(w, 5);
	assert_null(w->f->see);
	assert_good(w, NULL);
	assert_int_equal(w->host[3]->port[1].keys[1], 0x8010);
	world_free(w);
}

static void a_full_sweep_of_a_quiet_fabric_reads_each_table_once_and_writes_nothing(void **state)
{
	struct world *w = world_new(1);
	size_t mark;

	(void)state;
	world_start(w);
	for (unsigned i = 0; i < 3; i++) {
		mark = world_mark(w);
		sm_sweep(w->sm, true);
		world_run(w, 20);
		/* of each LFT the one block that is in use */
		assert_int_equal(world_count(w, mark, NULL, METHOD_GET, ATTR_LFT), 2);
		assert_int_equal(world_count(w, mark, w->east, METHOD_GET, ATTR_LFT), 1);
		assert_int_equal(world_count(w, mark, w->host[3], METHOD_GET, ATTR_PKEY_TABLE),
				 FAKE_KEYS / PKEY_BLOCK);
		assert_int_equal(world_sets(w, mark), 0);
		assert_int_equal(world_count(w, mark, NULL, METHOD_GET, ATTR_NODE_DESCRIPTION), 6);
	}
	assert_good(w, NULL);
	world_free(w);
}

/* At the start, and when another master has gone: tables once, and that was so before. */
static void full_sweeps_for_its_own_reasons_read_no_table_that_is_known(void **state)
{
	struct world *w = world_new(1);
	struct arrival trap;
	size_t mark;

	(void)state;
	w->conf.sweep_interval = 10;
	world_start(w);
	assert_int_equal(world_count(w, 0, NULL, METHOD_GET, ATTR_LFT), 0);
	assert_int_equal(count_table_gets(w, 0), 10);
	assert_int_equal(world_count(w, 0, NULL, METHOD_GET, 0), 56);
	mark = world_mark(w);
	fake_add_sm(w->host[2], SM_MASTER, 15);
	trap = fake_make_trap(w->host[2], 1, TRAP_CAPABILITY);
	fake_deliver(w->f, &trap);
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_STANDBY);
	w->host[2]->sm_state = SM_NOT_ACTIVE;
	world_run(w, 60);
	assert_int_equal(world_state(w), SM_MASTER);
	assert_int_equal(count_table_gets(w, mark), 22);
	/* Of these 4 across links whose switch had PortStateChange up when we became master. */
	assert_int_equal(world_count(w, mark, NULL, METHOD_GET, 0), 118);
	assert_good(w, NULL);
	world_free(w);
}

/* -- generations ----------------------------------------------------------------------------------
 */

static uint64_t generation_after_full_sweep(struct world *w)
{
	struct sm_status status;

	sm_sweep(w->sm, true);
	world_run(w, 20);
	sm_status(w->sm, &status);
	assert_int_equal(status.applied, status.generation);

	return status.generation;
}

/* Its LID leads to where it last was, before and after: no table changes, but the fabric does. */
static void who_comes_or_goes_makes_a_generation_though_nothing_is_written(void **state)
{
	struct world *w = world_new(1);
	uint64_t before;
	size_t mark;

	(void)state;
	world_start(w);
	before = generation_after_full_sweep(w);
	mark = world_mark(w);
	w->host[3]->silent = true;
	assert_int_equal(generation_after_full_sweep(w), before + 1);
	assert_int_equal(generation_after_full_sweep(w), before + 1);
	w->host[3]->silent = false;
	assert_int_equal(generation_after_full_sweep(w), before + 2);
	assert_int_equal(generation_after_full_sweep(w), before + 2);
	assert_int_equal(world_sets(w, mark), 0);
	assert_good(w, NULL);
	world_free(w);
}

/*
 * Nobody looks at what is known of a port, so nobody sees that it was made wrong behind the back of
 * the subnet manager: until somebody asks for a sweep.
 */
static void what_is_as_it_was_is_not_planned_again(void **state)
{
	struct world *w = world_new(1);
	uint8_t *info;
	size_t mark;

	(void)state;
	w->conf.sweep_interval = 10;
	world_start(w);
	world_run(w, 45); /* sweeps find that there is nothing left to do */
	info = (uint8_t *)(uintptr_t)world_port(w, w->host[3], 1)->info;
	wire_set(info, PORT_INFO_SM_SL, wire_get(info, PORT_INFO_SM_SL) ^ 1);
	mark = world_mark(w);
	world_run(w, 60);
	assert_int_equal(world_sets(w, mark), 0);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(world_sets(w, mark), 1);
	assert_good(w, NULL);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_probe_does_not_undo_what_a_later_sweep_found),
		cmocka_unit_test(a_silent_device_is_waited_for_by_no_later_sweep),
		cmocka_unit_test(what_is_as_it_was_is_not_planned_again),
		cmocka_unit_test(who_says_the_impossible_at_once_costs_one_sweep_at_a_time),
		cmocka_unit_test(no_change_is_lost_when_its_clearing_is_lost_and_repeated),
		cmocka_unit_test(a_link_that_bounces_while_others_are_activated_becomes_active),
		cmocka_unit_test(a_host_that_restarts_after_a_new_master_has_read_it_comes_up),
		cmocka_unit_test(a_cable_that_is_pulled_while_lids_are_kept_is_down_at_both_ends),
		cmocka_unit_test(a_port_that_is_not_told_of_is_asked_for_again_in_the_next_sweep),
		cmocka_unit_test(a_host_that_restarts_just_before_it_is_armed_gets_its_keys),
		cmocka_unit_test(a_host_that_restarts_while_others_are_activated_gets_its_keys),
		cmocka_unit_test(
			a_full_sweep_that_somebody_asks_for_mends_tables_that_are_believed_wrongly),
		cmocka_unit_test(who_asks_in_the_middle_of_a_sweep_has_tables_read_after_it),
		cmocka_unit_test(a_host_that_restarts_while_a_new_master_begins_gets_its_keys),
		cmocka_unit_test(
			a_full_sweep_of_a_quiet_fabric_reads_each_table_once_and_writes_nothing),
		cmocka_unit_test(full_sweeps_for_its_own_reasons_read_no_table_that_is_known),
		cmocka_unit_test(who_comes_or_goes_makes_a_generation_though_nothing_is_written),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
