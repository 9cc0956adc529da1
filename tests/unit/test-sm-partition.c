/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Partitions that are changed at run time: what devices hold afterwards, what it costs, what is
 * said to whoever asked, and that a restart, a reload and a failing disk do with it what they
 * should.
 */

#include <errno.h>
#include <stdio.h>

#include "conf/additions.h"
#include "tests/unit/world.h"

#define BLUE  0x10
#define GREEN 0x11
#define RED   0x12

struct told {
	unsigned n;
	struct sm_partition_result last;
};

static void note(void *user, const struct sm_partition_result *result)
{
	struct told *told = user;

	told->n++;
	told->last = *result;
}

static uint64_t guid_of(const struct fake_device *device)
{
	return device->port_guid;
}

/* Until it is answered, and no longer. */
static struct sm_partition_result change(struct world *w, const struct sm_partition_change *c)
{
	struct told told = { 0 };

	assert_int_equal(sm_change_partition(w->sm, c, note, &told), 0);
	assert_int_equal(told.n, 0);
	while (told.n == 0)
		assert_true(loop_virtual_step(w->loop));

	return told.last;
}

static struct sm_partition_result add(struct world *w, uint16_t pkey, uint64_t guid,
				      enum partition_membership membership)
{
	struct sm_partition_result result = change(
		w, &(struct sm_partition_change){
			   .pkey = pkey, .membership = membership, .guids = &guid, .n_guids = 1 });

	if (result.error)
		fail_msg("%s", result.why);

	return result;
}

static struct sm_partition_result take_out(struct world *w, uint16_t pkey, uint64_t guid)
{
	return change(
		w, &(struct sm_partition_change){
			   .remove = true, .pkey = pkey, .guids = &guid, .n_guids = guid ? 1 : 0 });
}

static struct sm_status status_of(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status;
}

/* In its own table, or in that of a switch port. */
static bool has_key(const struct world *w, const struct fake_device *device, unsigned number,
		    uint16_t key)
{
	const struct port *port = world_port(w, device, number);

	for (unsigned i = 0; port->pkeys && i < port->pkeys->n_known; i++)
		if (port->pkeys->keys[i] == key)
			return true;

	return false;
}

static bool is_applied(const struct world *w, const struct fake_device *device, uint16_t pkey,
		       enum reason *ret)
{
	uint32_t port = fabric_find_port(sm_fabric(w->sm), guid_of(device));

	assert_int_not_equal(port, GUID_MAP_NONE);

	return sm_key_is_applied(w->sm, endpoint_of_port(port), pkey,
				 partitions_find(sm_partitions(w->sm), pkey), ret);
}

/* -- members ------------------------------------------------------------------------------------
 */

static void a_port_that_is_there_gets_the_key_and_loses_it(void **state)
{
	struct world *w = *state;
	struct sm_partition_result result;
	enum reason reason = REASON_NONE;

	world_start(w);
	result = add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	assert_true(result.changed);
	assert_int_equal(result.n_changed, 1);
	assert_false(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_false(is_applied(w, w->host[2], BLUE, &reason));
	world_run(w, 5);
	assert_int_equal(status_of(w).generation, result.generation);
	assert_int_equal(status_of(w).applied, result.generation);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_true(has_key(w, w->east, 1, BLUE | 0x8000));
	assert_false(has_key(w, w->host[3], 1, BLUE | 0x8000));
	assert_true(is_applied(w, w->host[2], BLUE, &reason));
	assert_good(w, NULL);

	result = take_out(w, BLUE, guid_of(w->host[2]));
	assert_int_equal(result.error, 0);
	assert_false(is_applied(w, w->host[2], BLUE, &reason));
	world_run(w, 5);
	assert_int_equal(status_of(w).applied, result.generation);
	assert_false(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_false(has_key(w, w->east, 1, BLUE | 0x8000));
	assert_true(is_applied(w, w->host[2], BLUE, &reason));
	assert_null(partitions_find(sm_partitions(w->sm), BLUE));
}

static unsigned count_all(const struct world *w, size_t from)
{
	return (unsigned)(world_mark(w) - from);
}

/* And no sweep: that is not the way to learn of devices. */
static void it_costs_the_blocks_that_differ(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	sm_sweep(w->sm, false); /* the first one sees what was cleared at the start */
	world_run(w, 5);

	from = world_mark(w);
	add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	world_run(w, 5);
	assert_int_equal(world_count(w, from, w->host[2], METHOD_SET, ATTR_PKEY_TABLE), 1);
	assert_int_equal(world_count(w, from, w->east, METHOD_SET, ATTR_PKEY_TABLE), 1);
	assert_int_equal(count_all(w, from), 2);

	from = world_mark(w);
	add(w, BLUE, 0xdead, PARTITION_FULL);
	world_run(w, 5);
	assert_int_equal(count_all(w, from), 0);
}

static void a_port_that_comes_later_has_the_key_from_the_start(void **state)
{
	struct world *w = *state;
	struct sm_partition_result result;

	fake_unplug(w->host[3], 1);
	world_start(w);
	result = add(w, BLUE, guid_of(w->host[3]), PARTITION_LIMITED);
	world_run(w, 5);
	assert_int_equal(status_of(w).applied, result.generation);
	fake_plug(w->host[3], 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_true(has_key(w, w->host[3], 1, BLUE));
	assert_true(has_key(w, w->east, 2, BLUE));
}

static void a_batch_is_made_as_one(void **state)
{
	struct world *w = *state;
	uint64_t guids[] = { guid_of(w->host[3]), 0xdead, guid_of(w->host[1]), 0xdead };
	struct sm_partition_change c = { .pkey = BLUE,
					 .membership = PARTITION_FULL,
					 .guids = guids,
					 .n_guids = COUNT(guids),
					 .name = "blue" };
	uint64_t generation;

	world_start(w);
	generation = status_of(w).generation;
	assert_int_equal(change(w, &c).n_changed, 3);
	world_run(w, 5);
	assert_int_equal(status_of(w).generation, generation + 1);
	assert_true(has_key(w, w->host[3], 1, BLUE | 0x8000));
	assert_true(has_key(w, w->host[1], 1, BLUE | 0x8000));
	assert_string_equal(partitions_find(sm_partitions(w->sm), BLUE)->name, "blue");
}

/* Its index 0 belongs to the default partition otherwise. */
static void a_key_for_index_0_goes_there(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_change c = { .pkey = BLUE,
					 .membership = PARTITION_FULL,
					 .index0 = true,
					 .guids = &guid,
					 .n_guids = 1 };

	world_start(w);
	change(w, &c);
	world_run(w, 5);
	assert_int_equal(world_port(w, w->host[2], 1)->pkeys->keys[0], BLUE | 0x8000);
	assert_true(has_key(w, w->host[2], 1, 0xffff));
	c.index0 = false;
	assert_true(change(w, &c).changed);
	world_run(w, 5);
	assert_int_equal(world_port(w, w->host[2], 1)->pkeys->keys[0], 0xffff);
}

/* -- again and again ----------------------------------------------------------------------------
 */

static void what_is_so_already_changes_nothing_and_is_not_written(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_result first, again;
	unsigned writes;

	world_start(w);
	first = add(w, BLUE, guid, PARTITION_FULL);
	again = add(w, BLUE, guid, PARTITION_FULL);
	assert_false(again.changed);
	assert_int_equal(again.generation, first.generation); /* which is still to come */
	world_run(w, 5);
	writes = w->keeper.n_writes;
	again = add(w, BLUE, guid, PARTITION_FULL);
	assert_false(again.changed);
	assert_int_equal(again.generation, status_of(w).generation);
	assert_false(take_out(w, BLUE, 0xdead).changed);
	assert_false(take_out(w, BLUE + 1, guid).changed);
	assert_false(take_out(w, BLUE + 1, 0).changed);
	assert_int_equal(w->keeper.n_writes, writes);
	assert_true(take_out(w, BLUE, guid).changed);
	assert_false(take_out(w, BLUE, guid).changed);
}

static void many_wait_and_are_answered_in_order(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_change c = {
		.pkey = BLUE, .membership = PARTITION_FULL, .guids = &guid, .n_guids = 1
	};
	struct told told[SM_PARTITION_CHANGES_MAX] = { 0 };

	world_start(w);
	for (unsigned i = 0; i < SM_PARTITION_CHANGES_MAX; i++) {
		c.remove = i % 2 == 1;
		assert_int_equal(sm_change_partition(w->sm, &c, note, &told[i]), 0);
	}
	assert_int_equal(sm_change_partition(w->sm, &c, note, &told[0]), -EBUSY);
	world_run(w, 30);
	for (unsigned i = 0; i < SM_PARTITION_CHANGES_MAX; i++) {
		assert_int_equal(told[i].n, 1);
		assert_int_equal(told[i].last.error, 0);
		assert_true(told[i].last.changed);
		assert_true(i == 0 || told[i].last.generation >= told[i - 1].last.generation);
	}
	assert_false(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_int_equal(status_of(w).applied, status_of(w).generation);
	assert_true(status_of(w).applied >= told[COUNT(told) - 1].last.generation);
}

/* At whatever moment of a reconcile it comes: the generation that was named has it. */
static void the_generation_that_is_named_has_the_change(void **state)
{
	(void)state;
	for (unsigned us = 0; us < 5000; us += 100) {
		struct world *w = world_new(us);
		struct sm_partition_result result;

		w->f->latency = LOOP_MSEC / 4;
		w->keeper.delay = LOOP_MSEC / 20;
		world_start(w);
		sm_sweep(w->sm, us % 200 == 0);
		loop_virtual_run_for(w->loop, us * LOOP_USEC);
		result = add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
		while (status_of(w).applied < result.generation)
			assert_true(loop_virtual_step(w->loop));
		assert_int_equal(status_of(w).generation, result.generation);
		assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
		world_free(w);
	}
}

/* -- what the file says -------------------------------------------------------------------------
 */

static const char file[] = "Default=0x7fff, ipoib: ALL=full;\n"
			   "blue=0x10: 0x1301=full, 0x1201;\n"
			   "green=0x11: ALL_CAS=full;\n"
			   "red=0x12: SELF=full;\n";

/* And it says why, and what to do. */
static void expect_not_taken_out(struct world *w, uint16_t pkey, uint64_t guid, const char *part)
{
	struct sm_partition_result result = take_out(w, pkey, guid);

	assert_int_equal(result.error, -EPERM);
	if (!strstr(result.why, part))
		fail_msg("it said: %s", result.why);
}

static void the_file_is_not_changed(void **state)
{
	static const char at_least_limited[] =
		"every port is in the default partition (0x7fff), at "
		"least as a limited member";
	struct world *w = *state;
	struct sm_partition_result result;

	w->partitions = world_parse(file);
	strcpy(w->conf.partition_file, "partitions.conf");
	world_start(w);
	expect_not_taken_out(w, BLUE, guid_of(w->host[3]),
			     "by its GUID in the partition file: take it out there");
	expect_not_taken_out(w, GREEN, guid_of(w->host[3]),
			     "as one of ALL_CAS in the partition file: name its members");
	expect_not_taken_out(w, RED, guid_of(w->host[0]), "as one of SELF in the partition file");
	expect_not_taken_out(w, BLUE, 0, "nothing was added to it at run time: change the file");
	expect_not_taken_out(w, 0x7fff, guid_of(w->host[3]), at_least_limited);
	expect_not_taken_out(w, 0x7fff, guid_of(w->host[0]), at_least_limited);
	expect_not_taken_out(w, 0x7fff, 0xbad, at_least_limited);
	expect_not_taken_out(w, 0x7fff, 0, at_least_limited);
	result = take_out(w, BLUE, guid_of(w->host[1]));
	assert_int_equal(result.error, 0);
	assert_false(result.changed);
	assert_int_equal(w->keeper.n_members, 0);
}

static void nobody_is_taken_out_where_there_is_no_file(void **state)
{
	struct world *w = *state;

	world_start(w);
	expect_not_taken_out(w, 0x7fff, guid_of(w->host[3]), "as there is no partition file");
	expect_not_taken_out(w, 0x7fff, 0, "as there is no partition file");
}

static void an_addition_wins_over_the_file_until_it_is_taken_out(void **state)
{
	struct world *w = *state;

	w->partitions = world_parse(file);
	world_start(w);
	add(w, BLUE, guid_of(w->host[3]), PARTITION_LIMITED);
	world_run(w, 5);
	assert_true(has_key(w, w->host[3], 1, BLUE));
	assert_false(has_key(w, w->host[3], 1, BLUE | 0x8000));
	assert_int_equal(take_out(w, BLUE, guid_of(w->host[3])).error, 0);
	world_run(w, 5);
	assert_true(has_key(w, w->host[3], 1, BLUE | 0x8000));
}

static void a_name_is_that_of_one_partition(void **state)
{
	struct world *w = *state;
	struct sm_partition_change c = { .pkey = BLUE, .name = "azure" };
	struct sm_partition_result result;

	w->partitions = world_parse(file);
	world_start(w);
	result = change(w, &c);
	assert_int_equal(result.error, -EEXIST);
	assert_non_null(strstr(result.why, "\"blue\" from the partition file"));
	c.name = "blue";
	assert_false(change(w, &c).changed);
	c.pkey = 0x20;
	assert_int_equal(change(w, &c).error, -EEXIST);
	c.name = "azure";
	assert_true(change(w, &c).changed);
	assert_false(change(w, &c).changed);
	assert_string_equal(w->keeper.names[0x20], "azure");
	assert_int_equal(take_out(w, 0x20, 0).error, 0);
	assert_string_equal(w->keeper.names[0x20], "");
	assert_null(partitions_find(sm_partitions(w->sm), 0x20));
}

static void both_needs_the_option(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_change c = {
		.pkey = BLUE, .membership = PARTITION_BOTH, .guids = &guid, .n_guids = 1
	};

	world_start(w);
	assert_int_equal(change(w, &c).error, -EINVAL);
	w->conf.allow_both_pkeys = true;
	world_start(w);
	assert_int_equal(change(w, &c).error, 0);
	world_run(w, 5);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_true(has_key(w, w->host[2], 1, BLUE));
	assert_true(has_key(w, w->east, 1, BLUE | 0x8000));
	assert_true(is_applied(w, w->host[2], BLUE, &(enum reason){ 0 }));
}

static void a_reload_keeps_what_was_added(void **state)
{
	struct world *w = *state;

	world_start(w);
	add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	add(w, 0x30, guid_of(w->host[2]), PARTITION_FULL);
	sm_reconfigure(w->sm, &w->conf, world_parse(file));
	world_run(w, 5);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000)); /* limited, says the file */
	assert_true(has_key(w, w->host[2], 1, 0x8030));
	assert_true(has_key(w, w->host[3], 1, BLUE | 0x8000));
	sm_reconfigure(w->sm, &w->conf, world_parse("a=0x5: ALL=full;"));
	world_run(w, 5);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_false(has_key(w, w->host[3], 1, BLUE | 0x8000));
	assert_true(has_key(w, w->host[3], 1, 0x8005));
}

/* The file is read again while a change of it is on its way to the disk. */
static void a_reload_in_the_middle_of_a_change_loses_neither(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_change c = {
		.pkey = 0x30, .membership = PARTITION_FULL, .guids = &guid, .n_guids = 1
	};
	struct told told = { 0 };

	world_start(w);
	for (unsigned i = 0; i < 2; i++) {
		c.remove = i == 1;
		assert_int_equal(sm_change_partition(w->sm, &c, note, &told), 0);
		loop_virtual_run_for(w->loop, w->keeper.delay / 2);
		assert_int_equal(told.n, i);
		sm_reconfigure(w->sm, &w->conf, world_parse(file));
		world_run(w, 5);
		assert_int_equal(told.n, i + 1);
		assert_int_equal(told.last.error, 0);
		assert_int_equal(has_key(w, w->host[2], 1, 0x8030), i == 0);
		assert_true(has_key(w, w->host[3], 1, BLUE | 0x8000));
	}
}

/* -- what goes wrong ----------------------------------------------------------------------------
 */

static void it_is_there_after_a_restart(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	add(w, BLUE, guid_of(w->host[3]), PARTITION_FULL);
	take_out(w, BLUE, guid_of(w->host[3]));
	change(w, &(struct sm_partition_change){ .pkey = BLUE, .name = "blue" });
	world_run(w, 5);
	from = world_mark(w);
	world_start(w);
	assert_int_equal(world_sets(w, from), 0);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_false(has_key(w, w->host[3], 1, BLUE | 0x8000));
	assert_string_equal(partitions_find(sm_partitions(w->sm), BLUE)->name, "blue");
	assert_int_equal(sm_partition_generation(w->sm, BLUE), status_of(w).generation);
}

static void a_disk_that_does_not_take_it_leaves_all_as_it_was(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]), generation;
	struct sm_partition_change c = {
		.pkey = BLUE, .membership = PARTITION_FULL, .guids = &guid, .n_guids = 1
	};
	struct sm_partition_result result;
	size_t from;

	world_start(w);
	generation = status_of(w).generation;
	from = world_mark(w);
	w->keeper.result = -ENOSPC;
	result = change(w, &c);
	assert_int_equal(result.error, -ENOSPC);
	assert_non_null(strstr(result.why, "No space left on device"));
	world_run(w, 5);
	assert_int_equal(world_mark(w), from);
	assert_int_equal(status_of(w).generation, generation);
	assert_null(partitions_find(sm_partitions(w->sm), BLUE));
	w->keeper.result = 0;
	assert_true(change(w, &c).changed);
	world_run(w, 5);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
}

static void who_waits_is_told_when_the_subnet_manager_goes(void **state)
{
	struct world *w = *state;
	uint64_t guid = guid_of(w->host[2]);
	struct sm_partition_change c = {
		.pkey = BLUE, .membership = PARTITION_FULL, .guids = &guid, .n_guids = 1
	};
	struct told told[3] = { 0 };

	world_start(w);
	for (unsigned i = 0; i < COUNT(told); i++)
		assert_int_equal(sm_change_partition(w->sm, &c, note, &told[i]), 0);
	loop_virtual_run_for(w->loop, w->keeper.delay / 2);
	w->partitions = sm_take_partitions(w->sm);
	world_stop(w);
	for (unsigned i = 0; i < COUNT(told); i++) {
		assert_int_equal(told[i].n, 1);
		assert_int_equal(told[i].last.error, -ECANCELED);
	}
}

/* What it acknowledged before counts; what it refuses is told, and not taken for done. */
static void a_table_that_is_refused_is_not_applied(void **state)
{
	struct world *w = *state;
	struct sm_partition_result result;
	enum reason reason = REASON_NONE;

	world_start(w);
	w->host[2]->refuses = (struct fake_fault){ .method = METHOD_SET,
						   .attr = ATTR_PKEY_TABLE,
						   .count = UINT32_MAX,
						   .status = STATUS_BAD_FIELD };
	result = add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	add(w, BLUE, guid_of(w->host[3]), PARTITION_FULL);
	world_run(w, 5);
	assert_true(status_of(w).applied >= result.generation);
	assert_false(is_applied(w, w->host[2], BLUE, &reason));
	assert_int_equal(reason, REASON_PKEYS_REFUSED);
	assert_true(is_applied(w, w->host[3], BLUE, &reason));

	/* It is tried anew when it is asked for anew, and not only after the fault's rest. */
	for (unsigned i = 0; i < 8; i++) {
		sm_sweep(w->sm, false);
		world_run(w, 5);
	}
	w->host[2]->refuses.count = 0;
	add(w, BLUE, guid_of(w->host[2]), PARTITION_LIMITED);
	world_run(w, 5);
	assert_true(is_applied(w, w->host[2], BLUE, &reason));
	assert_true(has_key(w, w->host[2], 1, BLUE));
}

static void a_switch_port_that_refuses_its_table_is_told_of(void **state)
{
	struct world *w = *state;
	enum reason reason = REASON_NONE;

	world_start(w);
	w->east->refuses = (struct fake_fault){ .method = METHOD_SET,
						.attr = ATTR_PKEY_TABLE,
						.count = UINT32_MAX,
						.status = STATUS_BAD_FIELD };
	add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	world_run(w, 5);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
	assert_false(is_applied(w, w->host[2], BLUE, &reason));
	assert_int_equal(reason, REASON_PKEYS_REFUSED);
}

/* Another device's trouble is no reason to read it again, or to try it sooner. */
static void a_change_forgets_no_fault_of_others(void **state)
{
	struct world *w = *state;
	size_t from;

	w->host[3]->refuses = (struct fake_fault){ .method = METHOD_SET,
						   .attr = ATTR_PORT_INFO,
						   .count = UINT32_MAX,
						   .status = STATUS_BAD_FIELD };
	world_start(w);
	for (unsigned i = 0; i < 40; i++) {
		sm_sweep(w->sm, false);
		world_run(w, 5);
	}
	from = world_mark(w);
	add(w, BLUE, guid_of(w->host[2]), PARTITION_FULL);
	world_run(w, 5);
	assert_int_equal(world_count(w, from, w->host[3], METHOD_SET, 0), 0);
	assert_true(has_key(w, w->host[2], 1, BLUE | 0x8000));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_port_that_is_there_gets_the_key_and_loses_it),
		TEST(it_costs_the_blocks_that_differ),
		TEST(a_port_that_comes_later_has_the_key_from_the_start),
		TEST(a_batch_is_made_as_one),
		TEST(a_key_for_index_0_goes_there),
		TEST(what_is_so_already_changes_nothing_and_is_not_written),
		TEST(many_wait_and_are_answered_in_order),
		TEST(the_generation_that_is_named_has_the_change),
		TEST(the_file_is_not_changed),
		TEST(nobody_is_taken_out_where_there_is_no_file),
		TEST(an_addition_wins_over_the_file_until_it_is_taken_out),
		TEST(a_name_is_that_of_one_partition),
		TEST(both_needs_the_option),
		TEST(a_reload_keeps_what_was_added),
		TEST(a_reload_in_the_middle_of_a_change_loses_neither),
		TEST(it_is_there_after_a_restart),
		TEST(a_disk_that_does_not_take_it_leaves_all_as_it_was),
		TEST(who_waits_is_told_when_the_subnet_manager_goes),
		TEST(a_table_that_is_refused_is_not_applied),
		TEST(a_switch_port_that_refuses_its_table_is_told_of),
		TEST(a_change_forgets_no_fault_of_others),
	};

	return cmocka_run_group_tests_name("sm-partition", tests, NULL, NULL);
}
