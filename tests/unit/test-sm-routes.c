/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Which tables are in use while others are computed, and when there are no others: what
 * the SA, vsmctl and the switches are told.
 */

#include <errno.h>

#include "routing/engine.h"
#include "tests/unit/world.h"

#define LIDS 64

/* -- an engine that can be told to fail ---------------------------------------------------------
 */

static bool fails;
static unsigned n_runs;

int route_fabric(const char *name, const struct graph *graph, struct tables *tables,
		 struct route_result *ret, struct turns *ret_turns, struct past *past)
{
	const char *why;
	int r;

	(void)name;
	(void)past;
	n_runs++;
	*ret = (struct route_result){ .engine = &engine_minhop };
	memset(tables->lft, 1, tables->stride * graph->n_switches);
	if (fails)
		return -EPROTO;

	r = engine_minhop.route(graph, tables, &why, NULL);

	return r < 0 ? r : proof_check(graph, tables, &ret->proof, ret_turns);
}

/* It remembers nothing. */
int route_again(const char *name, const struct graph *graph, struct past *past,
		struct tables *tables, struct turns *turns, struct patch *ret_patch)
{
	(void)name, (void)graph, (void)past, (void)tables, (void)turns, (void)ret_patch;
	return 0;
}

/* -- memory that runs out -----------------------------------------------------------------------
 */

static bool is_full;

int __real_routes_add_vports(struct sm *sm);
int __wrap_routes_add_vports(struct sm *sm);

/* In a plan whose job is over, and so has all that it needs itself. */
int __wrap_routes_add_vports(struct sm *sm)
{
	return is_full ? -ENOMEM : __real_routes_add_vports(sm);
}

/* -- asking the SA ------------------------------------------------------------------------------
 */

static bool has_path(struct world *w, const struct fake_device *from, const struct fake_device *to)
{
	struct arrival arrival = { .from = { .lid = fake_lid(w->host[0], 1), .qpn = 1 } };
	struct datagram *d = &arrival.datagram;
	uint8_t *record = sa_data_of(d);

	wire_start(d, CLASS_SA, METHOD_GET, ATTR_SA_PATH_RECORD, 0);
	wire_set(d, SA_COMP_MASK, 1u << 2 | 1u << 3);
	wire_set64(record + PATH_DGID_OFFSET, 0, w->conf.subnet_prefix);
	wire_set64(record + PATH_DGID_OFFSET, 1, to->port_guid);
	wire_set64(record + PATH_SGID_OFFSET, 0, w->conf.subnet_prefix);
	wire_set64(record + PATH_SGID_OFFSET, 1, from->port_guid);
	sm_receive(w->sm, &arrival, 1);
	assert_int_equal(wire_get(&w->f->last_answer, MAD_CLASS), CLASS_SA);

	return wire_get(&w->f->last_answer, MAD_STATUS) == STATUS_OK;
}

static void assert_paths(struct world *w)
{
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned j = 0; j < HOSTS; j++)
			if (!has_path(w, w->host[i], w->host[j]))
				fail_msg("the SA has no path from %s to %s", w->host[i]->name,
					 w->host[j]->name);
}

/* -- asking the tables --------------------------------------------------------------------------
 */

struct picture {
	uint8_t west[LIDS], east[LIDS];
};

static void look(const struct world *w, struct picture *ret)
{
	uint32_t west = fabric_find_node(sm_fabric(w->sm), w->west->guid);
	uint32_t east = fabric_find_node(sm_fabric(w->sm), w->east->guid);

	for (unsigned lid = 0; lid < LIDS; lid++) {
		ret->west[lid] = sm_route(w->sm, west, lid);
		ret->east[lid] = sm_route(w->sm, east, lid);
	}
}

static void assert_as_before(const struct world *w, const struct picture *before)
{
	struct picture now;

	look(w, &now);
	assert_memory_equal(&now, before, sizeof(now));
}

static void assert_switches_hold(const struct world *w, const struct picture *before)
{
	assert_memory_equal(w->west->lft, before->west, LIDS);
	assert_memory_equal(w->east->lft, before->east, LIDS);
}

/* A new switch, whose row is the first. */
static struct fake_device *add_switch(struct world *w)
{
	struct fake_device *device = fake_add(w->f, "new", NODE_TYPE_SWITCH, 0x50, FAKE_PORTS);

	fake_link(device, 1, w->east, 5);

	return device;
}

static struct sm_status status_of(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status;
}

/* -- while they are computed --------------------------------------------------------------------
 */

static void while_routes_are_computed_those_of_before_are_in_use(void **state)
{
	struct world *w = *state;
	struct picture before;
	unsigned looks = 0;
	uint32_t added;

	world_start(w);
	look(w, &before);
	add_switch(w);
	loop_virtual_set_job_delay(w->loop, 50 * LOOP_MSEC);
	sm_sweep(w->sm, false);
	while (status_of(w).phase != PHASE_KEEP) {
		assert_true(loop_virtual_step(w->loop));
		if (status_of(w).phase > PHASE_PLAN)
			break;
		assert_as_before(w, &before);
		assert_paths(w);
		added = fabric_find_node(sm_fabric(w->sm), 0x50);
		if (added != NO_NODE)
			assert_int_equal(sm_route(w->sm, added, fake_lid(w->host[0], 1)),
					 ROUTE_NONE);
		looks++;
	}
	assert_true(looks > 10);
	world_run(w, 5);
	assert_good(w, NULL);
}

static void restart_a_host(struct world *w)
{
	fake_restart(w->host[3]);
}

static void pull_one_of_two_trunks(struct world *w)
{
	fake_unplug(w->east, TRUNK);
}

static void leave_as_it_is(struct world *w)
{
	(void)w;
}

static void in_a_sweep_nobody_is_missing_who_was_there_and_still_is(void **state)
{
	static void (*const changes[])(struct world *) = { leave_as_it_is, restart_a_host,
							   pull_one_of_two_trunks };
	struct world *w = *state;

	fake_link(w->west, 7, w->east, 7);
	world_start(w);
	loop_virtual_set_job_delay(w->loop, LOOP_MSEC);
	for (unsigned i = 0; i < 2 * COUNT(changes); i++) {
		unsigned settled = w->settled;

		changes[i / 2](w);
		sm_sweep(w->sm, i % 2);
		while (w->settled == settled) {
			assert_true(loop_virtual_step(w->loop));
			assert_int_equal(status_of(w).nodes, 6);
			if (changes[i / 2] != pull_one_of_two_trunks)
				assert_paths(w);
		}
		assert_paths(w);
	}
}

/* New partitions are not seen before there is a plan for them. */
static void the_sa_goes_by_the_p_keys_of_the_last_plan(void **state)
{
	struct world *w = *state;

	world_start(w);
	sm_reconfigure(w->sm, &w->conf,
		       world_parse("Default=0x7fff: ALL=limited, SELF=full;\n"
				   "blue=0x10: 0x1201=full, 0x1301=full;\n"));
	assert_paths(w);
	world_run(w, 5);
	assert_true(has_path(w, w->host[0], w->host[3]));
	assert_false(has_path(w, w->host[1], w->host[3]));
	assert_true(has_path(w, w->host[3], w->host[3]));
}

/* -- when there are none ------------------------------------------------------------------------
 */

static void assert_nothing_is_programmed(struct world *w, size_t from, const struct picture *before,
					 const struct fake_device *added)
{
	assert_as_before(w, before);
	assert_switches_hold(w, before);
	assert_paths(w);
	assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_LFT), 0);
	assert_non_null(status_of(w).engine);
	assert_non_null(status_of(w).routing_why);
	assert_true(status_of(w).applied < status_of(w).generation);
	assert_string_equal(world_reason(w, added, 0), "no-route");
	assert_string_equal(world_reason(w, w->host[3], 1), "none");
}

static void without_proven_routes_those_of_before_stay_in_use(void **state)
{
	struct world *w = *state;
	struct fake_device *added;
	struct picture before;
	uint64_t generation;
	unsigned runs;
	size_t from;

	world_start(w);
	look(w, &before);
	from = world_mark(w);
	added = add_switch(w);
	fails = true;
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_nothing_is_programmed(w, from, &before, added);

	/* And nothing is computed twice. */
	runs = n_runs;
	generation = status_of(w).generation;
	sm_sweep(w->sm, true);
	world_run(w, 5);
	assert_nothing_is_programmed(w, from, &before, added);
	assert_int_equal(n_runs, runs);
	assert_int_equal(status_of(w).generation, generation);

	fails = false;
	fake_unplug(w->host[1], 1);
	fake_unplug(w->east, 5);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(status_of(w).applied, status_of(w).generation);
	assert_null(status_of(w).routing_why);
}

static void what_cannot_be_computed_is_not_programmed_and_tried_again(void **state)
{
	struct world *w = *state;
	struct fake_device *added;
	struct picture before;
	size_t from;

	world_start(w);
	look(w, &before);
	from = world_mark(w);
	added = add_switch(w);
	loop_virtual_refuse_jobs(w->loop, true);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_nothing_is_programmed(w, from, &before, added);
	loop_virtual_refuse_jobs(w->loop, false);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_string_equal(world_reason(w, added, 0), "none");
}

static void who_had_no_memory_for_the_ways_of_vports_tries_again(void **state)
{
	struct world *w = *state;
	struct fake_device *added;

	world_start(w);
	added = add_switch(w);
	is_full = true;
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_true(status_of(w).applied < status_of(w).generation);
	assert_non_null(status_of(w).routing_why);
	is_full = false;
	world_run(w, 5);
	assert_good(w, NULL);
	assert_null(status_of(w).routing_why);
	assert_string_equal(world_reason(w, added, 0), "none");
}

static void a_fabric_that_comes_up_without_routes_says_so(void **state)
{
	struct world *w = *state;

	fails = true;
	world_start(w);
	assert_null(status_of(w).engine);
	assert_non_null(status_of(w).routing_why);
	assert_true(status_of(w).applied < status_of(w).generation);
	assert_int_equal(world_count(w, 0, NULL, METHOD_SET, ATTR_LFT), 0);
	assert_string_equal(world_reason(w, w->host[3], 1), "no-route");
	assert_string_equal(world_reason(w, w->east, 0), "no-route");
	assert_false(has_path(w, w->host[0], w->host[3]));
}

static int make(void **state)
{
	fails = false;
	is_full = false;
	n_runs = 0;

	return world_make(state);
}

#define ROUTES_TEST(name) cmocka_unit_test_setup_teardown(name, make, world_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTES_TEST(while_routes_are_computed_those_of_before_are_in_use),
		ROUTES_TEST(in_a_sweep_nobody_is_missing_who_was_there_and_still_is),
		ROUTES_TEST(the_sa_goes_by_the_p_keys_of_the_last_plan),
		ROUTES_TEST(without_proven_routes_those_of_before_stay_in_use),
		ROUTES_TEST(what_cannot_be_computed_is_not_programmed_and_tried_again),
		ROUTES_TEST(who_had_no_memory_for_the_ways_of_vports_tries_again),
		ROUTES_TEST(a_fabric_that_comes_up_without_routes_says_so),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
