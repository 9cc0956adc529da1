/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Names of devices: asked for last, told of when all have come, and nobody waits for them. */

#include "sm/sm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/world.h"

static struct sm_status status_of(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status;
}

static const struct node *node_at(const struct world *w, const struct fake_device *device)
{
	const struct fabric *f = sm_fabric(w->sm);

	return &f->nodes[fabric_find_node(f, device->guid)];
}

/* All is Active when the first name is asked for, and has been told. */
static void see_names(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct world *w = f->user;

	if (smp->attr != ATTR_NODE_DESCRIPTION)
		return;
	assert_int_equal(w->settled, 1);
	assert_int_equal(w->named, 0);
	assert_int_not_equal(status_of(w).naming, 0);
	assert_active(w, NULL);
}

static void names_are_asked_for_when_all_is_up_and_told_of_once_when_all_have_come(void **state)
{
	struct world *w = *state;

	w->f->see = see_names;
	w->f->user = w;
	world_start(w);
	assert_int_equal(w->named, 1);
	assert_int_equal(status_of(w).naming, 0);
	assert_int_equal(status_of(w).names, 6);
	for (unsigned i = 0; i < w->f->n_devices; i++)
		assert_string_equal(node_at(w, w->f->device[i])->description,
				    w->f->device[i]->name);
	w->f->see = NULL;
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(w->named, 1);
	w->f->device[0]->name = "renamed";
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_int_equal(w->named, 2);
	assert_int_equal(status_of(w).names, 7);
	assert_string_equal(node_at(w, w->f->device[0])->description, "renamed");
}

static void a_device_without_a_name_is_given_up_for_this_time(void **state)
{
	struct world *w = *state;

	w->host[3]->loses = (struct fake_fault){ .method = METHOD_GET,
						 .attr = ATTR_NODE_DESCRIPTION,
						 .count = w->conf.tries };
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(w->named, 1);
	assert_int_equal(status_of(w).naming, 0);
	assert_int_equal(status_of(w).names, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(w->named, 2);
	assert_int_equal(status_of(w).names, 6);
}

static void a_device_that_falls_silent_when_it_is_asked_is_given_up_too(void **state)
{
	struct world *w = *state;

	w->host[3]->loses = (struct fake_fault){ .method = METHOD_GET,
						 .attr = ATTR_NODE_DESCRIPTION,
						 .count = 1000 };
	world_begin(w);
	while (world_count(w, 0, w->host[3], METHOD_GET, ATTR_NODE_DESCRIPTION) == 0)
		assert_true(loop_virtual_step(w->loop));
	w->host[3]->silent = true;
	sm_sweep(w->sm, true);
	world_run(w, 60);
	assert_good(w, w->host[3]);
	assert_int_equal(status_of(w).naming, 0);
	assert_true(w->named >= 1);
}

static void a_device_that_is_renamed_is_told_of_and_one_that_says_the_same_is_no_news(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	trap = fake_make_trap(w->host[3], 1, TRAP_CAPABILITY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_144_LOCAL, 1);
	wire_set(smp_data_of(&trap.datagram), NOTICE_144_FLAGS, 1);
	w->host[3]->name = "renamed";
	for (unsigned i = 0; i < 2; i++) {
		fake_deliver(w->f, &trap);
		world_run(w, 5);
		assert_int_equal(w->named, 2 + i);
		assert_int_equal(status_of(w).names, 7);
	}
	assert_int_equal(w->settled, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_asked_for_when_all_is_up_and_told_of_once_when_all_have_come),
		TEST(a_device_without_a_name_is_given_up_for_this_time),
		TEST(a_device_that_falls_silent_when_it_is_asked_is_given_up_too),
		TEST(a_device_that_is_renamed_is_told_of_and_one_that_says_the_same_is_no_news),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
