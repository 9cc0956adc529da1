/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What goes to LIDs instead of along directed routes, and what does not. The nearest switch is one
 * hop away from a, east is two, c and d are three.
 */

#include "tests/unit/world.h"

#define INTERVAL 10

static unsigned by_lid(const struct world *w, size_t from, const struct fake_device *device,
		       uint16_t attr)
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->n_smps; i++) {
		const struct fake_smp *smp = &w->f->smps[i];

		n += smp->by_lid && (!device || smp->device == device) &&
		     (attr == 0 || smp->attr == attr);
	}

	return n;
}

/* Nothing is set, and no cable followed, but where it is known to lead. */
static void see(struct fake_fabric *f, const struct fake_smp *smp)
{
	(void)f;
	if (!smp->by_lid)
		return;
	assert_int_equal(smp->method, METHOD_GET);
	assert_true(smp->attr == ATTR_SWITCH_INFO || smp->attr == ATTR_NODE_DESCRIPTION);
}

static void start(struct world *w)
{
	w->conf.sweep_interval = INTERVAL;
	w->f->see = see;
	world_start(w);
	assert_good(w, NULL);
}

static void descriptions_of_those_far_away_are_asked_by_lid(void **state)
{
	struct world *w = *state;

	start(w);
	assert_int_equal(by_lid(w, 0, NULL, ATTR_NODE_DESCRIPTION), 4); /* b, c, d and east */
	assert_int_equal(by_lid(w, 0, NULL, 0), 4);
	assert_int_equal(by_lid(w, 0, w->west, 0), 0);
}

static void a_quiet_sweep_asks_switches_far_away_by_lid(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	from = world_mark(w);
	world_run(w, 10 * INTERVAL);
	assert_int_equal(by_lid(w, from, w->east, ATTR_SWITCH_INFO), 10);
	assert_int_equal(by_lid(w, from, NULL, 0), 10);
	assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_SWITCH_INFO), 20);
	assert_int_equal(world_sets(w, from), 0);
}

static void a_sweep_that_somebody_asks_for_believes_no_table(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	for (unsigned full = 0; full < 2; full++) {
		from = world_mark(w);
		sm_sweep(w->sm, full);
		world_run(w, 1);
		assert_true(world_mark(w) > from);
		/* Names are asked for at the end, when tables have been looked at. */
		assert_int_equal(by_lid(w, from, NULL, 0),
				 by_lid(w, from, NULL, ATTR_NODE_DESCRIPTION));
	}
}

static void a_change_is_found_by_lid_and_followed_by_directed_routes(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	from = world_mark(w);
	fake_unplug(w->east, 1);
	world_run(w, INTERVAL);
	assert_string_equal(world_reason(w, w->east, 1), "no-link");
	assert_int_equal(by_lid(w, from, NULL, 0), 1);
	fake_restart(w->host[2]);
	fake_plug(w->east, 1);
	world_run(w, INTERVAL);
	assert_good(w, NULL);
	from = world_mark(w);
	world_run(w, INTERVAL);
	assert_int_equal(by_lid(w, from, w->east, ATTR_SWITCH_INFO), 1);
}

static void after_a_change_on_the_way_the_rest_of_the_sweep_is_directed(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	from = world_mark(w);
	fake_unplug(w->west, 2);
	world_run(w, INTERVAL);
	assert_string_equal(world_reason(w, w->west, 2), "no-link");
	assert_int_equal(by_lid(w, from, NULL, 0), 0);
}

static void tables_that_lead_nowhere_cost_one_try(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	memset(w->east->lft, 0xff, sizeof(w->east->lft)); /* behind our back */
	from = world_mark(w);
	world_run(w, 3 * INTERVAL);
	assert_int_equal(by_lid(w, from, NULL, 0), 0);
	assert_true(world_count(w, from, w->east, METHOD_GET, ATTR_SWITCH_INFO) >= 3);
	assert_string_equal(world_reason(w, w->east, 0), "none");
	assert_active(w, NULL);
}

/* A switch with a table that is too small for all, and a host behind it. */
static void who_has_no_route_is_not_asked_by_lid(void **state)
{
	struct world *w = *state;
	struct fake_device *small = fake_add(w->f, "small", NODE_TYPE_SWITCH, 0x50, FAKE_PORTS);
	struct fake_device *behind = fake_add(w->f, "behind", NODE_TYPE_CA, 0x6000, 1);

	wire_set(small->switch_info, SWITCH_INFO_LINEAR_CAP, 5);
	fake_link(small, 1, w->east, 5);
	fake_link(behind, 1, small, 2);
	w->conf.sweep_interval = INTERVAL;
	world_start(w);
	world_run(w, 3 * INTERVAL);
	assert_string_equal(world_reason(w, behind, 1), "no-route");
	assert_int_equal(by_lid(w, 0, small, 0) + by_lid(w, 0, behind, 0), 0);
	assert_int_equal(by_lid(w, 0, NULL, 0), requests_totals(sm_requests(w->sm))->by_lid);
}

static void a_trunk_pulled_and_put_back_is_repaired(void **state)
{
	struct world *w = *state;

	start(w);
	fake_unplug(w->east, TRUNK);
	world_run(w, 3 * INTERVAL);
	assert_string_equal(world_reason(w, w->west, TRUNK), "no-link");
	fake_plug(w->east, TRUNK);
	world_run(w, 3 * INTERVAL);
	assert_good(w, NULL);
}

static void with_loss_all_is_well_in_the_end(void **state)
{
	world_free(*state);
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct world *w = world_new(seed);

		start(w);
		w->f->loss = 100;
		fake_unplug(w->east, 2);
		world_run(w, 100);
		fake_plug(w->east, 2);
		world_run(w, 100);
		w->f->loss = 0;
		world_run(w, 3 * INTERVAL);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void under_another_master_nothing_goes_by_lid(void **state)
{
	struct world *w = *state;
	size_t from;

	start(w);
	fake_add_sm(w->host[1], SM_MASTER, 15);
	sm_sweep(w->sm, true);
	world_run(w, 1);
	assert_int_equal(world_state(w), SM_STANDBY);
	from = world_mark(w);
	world_run(w, 10 * INTERVAL);
	assert_int_equal(by_lid(w, from, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(descriptions_of_those_far_away_are_asked_by_lid),
		TEST(a_quiet_sweep_asks_switches_far_away_by_lid),
		TEST(a_sweep_that_somebody_asks_for_believes_no_table),
		TEST(a_change_is_found_by_lid_and_followed_by_directed_routes),
		TEST(after_a_change_on_the_way_the_rest_of_the_sweep_is_directed),
		TEST(tables_that_lead_nowhere_cost_one_try),
		TEST(who_has_no_route_is_not_asked_by_lid),
		TEST(a_trunk_pulled_and_put_back_is_repaired),
		TEST(with_loss_all_is_well_in_the_end),
		TEST(under_another_master_nothing_goes_by_lid),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
