/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Devices that refuse, or do not answer, some of what they are asked or told: they delay nobody,
 * have their true reason, cost a bounded number of requests, and come back.
 */

#include "tests/unit/world.h"

#define FOR_EVER 1000000

/* -- each kind of fault, for ever ---------------------------------------------------------------
 */

enum how {
	REFUSED,
	NOT_HEARD,    /* the request is lost */
	NOT_ANSWERED, /* it is done, and the answer is lost */
	HOW_COUNT,
};

static const char *const how_names[HOW_COUNT] = { "refuses", "does not hear", "does not answer" };

struct kind {
	const char *name;
	uint8_t method;
	uint16_t attr;
	bool works; /* the device comes up all the same */
	const char *reason[HOW_COUNT];
};

/* clang-format off */
static const struct kind host_kinds[] = {
	{ "Get(NodeInfo)", METHOD_GET, ATTR_NODE_INFO, false,
	  { "bad-node-info", "neighbor-silent", "neighbor-silent" } },
	{ "Get(PortInfo)", METHOD_GET, ATTR_PORT_INFO, false,
	  { "bad-port-info", "silent", "silent" } },
	{ "Set(PortInfo)", METHOD_SET, ATTR_PORT_INFO, false,
	  { "set-refused", "mkey-hidden", "mkey-hidden" } },
	{ "Get(P_KeyTable)", METHOD_GET, ATTR_PKEY_TABLE, true,
	  { "pkeys-refused", "pkeys-refused", "pkeys-refused" } },
	{ "Set(P_KeyTable)", METHOD_SET, ATTR_PKEY_TABLE, true,
	  { "pkeys-refused", "pkeys-refused", "none" } }, /* as SwitchInfo */
	{ "Get(NodeDescription)", METHOD_GET, ATTR_NODE_DESCRIPTION, true,
	  { "none", "none", "none" } },
};

static const struct kind switch_kinds[] = {
	{ "Get(NodeInfo)", METHOD_GET, ATTR_NODE_INFO, false,
	  { "bad-node-info", "neighbor-silent", "neighbor-silent" } },
	{ "Get(SwitchInfo)", METHOD_GET, ATTR_SWITCH_INFO, false,
	  { "bad-switch-info", "silent", "silent" } },
	{ "Set(SwitchInfo)", METHOD_SET, ATTR_SWITCH_INFO, true,
	  { "set-refused", "mkey-hidden", "none" } }, /* Get shows that it was done */
	{ "Get(PortInfo)", METHOD_GET, ATTR_PORT_INFO, false,
	  { "bad-port-info", "silent", "silent" } },
	{ "Set(PortInfo)", METHOD_SET, ATTR_PORT_INFO, false,
	  { "set-refused", "mkey-hidden", "mkey-hidden" } },
	{ "Get(P_KeyTable)", METHOD_GET, ATTR_PKEY_TABLE, true,
	  { "pkeys-refused", "pkeys-refused", "pkeys-refused" } },
	{ "Set(P_KeyTable)", METHOD_SET, ATTR_PKEY_TABLE, true,
	  { "pkeys-refused", "pkeys-refused", "none" } }, /* as SwitchInfo */
	{ "Get(LFT)", METHOD_GET, ATTR_LFT, true,
	  { "none", "none", "none" } },
	{ "Set(LFT)", METHOD_SET, ATTR_LFT, true,
	  { "set-refused", "mkey-hidden", "none" } }, /* as SwitchInfo */
	{ "Get(NodeDescription)", METHOD_GET, ATTR_NODE_DESCRIPTION, true,
	  { "none", "none", "none" } },
};
/* clang-format on */

static void set_fault(struct fake_device *device, const struct kind *kind, enum how how,
		      unsigned count)
{
	struct fake_fault fault = { .method = kind->method,
				    .attr = kind->attr,
				    .count = count,
				    .status = STATUS_BAD_FIELD,
				    .undone = how == NOT_HEARD };

	*(how == REFUSED ? &device->refuses : &device->loses) = fault;
}

static void heal(struct fake_device *device)
{
	device->refuses.count = device->loses.count = 0;
}

/* A world with many ordinary sweeps, and keys that are not those out of the box. */
static struct world *new_world(uint64_t seed)
{
	struct world *w = world_new(seed);

	w->conf.sweep_interval = 10;
	w->partitions = world_parse("Default=0x7fff: ALL=limited, SELF=full;\n");

	return w;
}

/* What is said of the device, or of the cable that leads to it if it has not been found. */
static const char *reason_of(const struct world *w, const struct fake_device *device)
{
	unsigned port = device->type == NODE_TYPE_SWITCH ? 0 : 1;
	const struct fake_port *cable = &device->port[device == w->east ? TRUNK : 1];
	uint32_t node = fabric_find_node(sm_fabric(w->sm), device->guid);

	if (node == NO_NODE || !sm_fabric(w->sm)->nodes[node].present)
		return world_reason(w, cable->far, cable->far_port);

	return world_reason(w, device, port);
}

static unsigned count_reasons(const struct world *w)
{
	const struct event *event;
	uint64_t number = 0;
	unsigned n = 0;

	while ((event = event_from(sm_events(w->sm), number))) {
		n += event->kind == EVENT_PORT_REASON;
		number = event->number + 1;
	}

	return n;
}

static uint64_t generation(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status.generation;
}

/* Ten minutes of it: a sweep every ten seconds, hardly more, and in the end nothing is set. */
static void assert_bounded(struct world *w)
{
	uint64_t sweeps = world_sweeps(w), before;
	size_t from;

	world_run(w, 360);
	from = world_mark(w);
	before = generation(w);
	world_run(w, 240);
	assert_in_range(world_sweeps(w) - sweeps, 50, 65);
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(generation(w), before);
	assert_in_range(count_reasons(w), 0, 12);
	assert_in_range(world_sets(w, 0), 1, 250);
}

static void assert_rests(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);
	assert_int_equal(status.phase, PHASE_REST);
	assert_int_equal(status.state, SM_MASTER);
	assert_int_equal(status.applied, status.generation);
}

static void assert_others_live(struct world *w, const struct kind *kind, enum how how,
			       struct fake_device *device)
{
	set_fault(device, kind, how, FOR_EVER);
	world_start(w);
	world_run(w, 20);
	assert_rests(w);
	assert_active(w, device);
	assert_bounded(w);
	assert_rests(w);
	assert_active(w, device);
	if (device == w->host[3])
		assert_good(w, device);
	if (strcmp(reason_of(w, device), kind->reason[how]) != 0)
		fail_msg("it has the reason %s", reason_of(w, device));
	if (kind->works)
		assert_active(w, NULL);
	assert_reaches(w->host[0], 1, w->host[1], 1);
	assert_reaches(w->host[1], 1, w->west, 0);
}

static void try_each(const struct kind *kinds, size_t n, bool to_switch)
{
	for (size_t i = 0; i < n * HOW_COUNT; i++) {
		const struct kind *kind = &kinds[i / HOW_COUNT];
		enum how how = (enum how)(i % HOW_COUNT);
		struct world *w = new_world(i);

		print_message("# %s %s\n", how_names[how], kind->name);
		assert_others_live(w, kind, how, to_switch ? w->east : w->host[3]);
		world_free(w);
	}
}

static void a_host_with_any_fault_delays_nobody_and_has_the_reason(void **state)
{
	(void)state;
	try_each(host_kinds, COUNT(host_kinds), false);
}

static void a_switch_with_any_fault_delays_nobody_and_has_the_reason(void **state)
{
	(void)state;
	try_each(switch_kinds, COUNT(switch_kinds), true);
}

/* But for the few early ones, which look whether a silent device was but bad luck. */
static void without_ordinary_sweeps_a_fault_is_no_reason_for_more_than_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(host_kinds) * HOW_COUNT; i++) {
		struct world *w = new_world(i);

		w->conf.sweep_interval = 0;
		set_fault(w->host[3], &host_kinds[i / HOW_COUNT], i % HOW_COUNT, FOR_EVER);
		world_start(w);
		world_run(w, 600);
		assert_good(w, w->host[3]);
		assert_in_range(world_sweeps(w), 1, 3 + 5);
		world_free(w);
	}
}

/* -- whims ----------------------------------------------------------------------------------------
 */

static void assert_heals(const struct kind *kind, enum how how, unsigned count)
{
	struct world *w = new_world(count);

	set_fault(w->east, kind, how, count);
	if (kind->attr != ATTR_SWITCH_INFO && kind->attr != ATTR_LFT)
		set_fault(w->host[3], kind, how, count);
	world_start(w);
	world_run(w, 300);
	assert_good(w, NULL);
	for (unsigned i = 1; i < HOSTS; i++)
		assert_int_equal(w->host[i]->port[1].keys[0], 0x7fff);
	world_free(w);
}

static void what_is_refused_or_lost_a_few_times_heals_by_itself(void **state)
{
	static const unsigned counts[] = { 1, 3, 4 };

	(void)state;
	for (size_t i = 0; i < COUNT(switch_kinds); i++) {
		for (size_t j = 0; j < COUNT(counts); j++) {
			assert_heals(&switch_kinds[i], REFUSED, counts[j]);
			assert_heals(&switch_kinds[i], NOT_HEARD, 4 * counts[j]);
			assert_heals(&switch_kinds[i], NOT_ANSWERED, 4 * counts[j]);
		}
	}
}

/* -- at rest, until something happens -------------------------------------------------------------
 */

static void restart(struct world *w, struct fake_device *device)
{
	fake_restart(device);
	sm_sweep(w->sm, false);
}

static void pull_and_put_back(struct world *w, struct fake_device *device)
{
	uint8_t port = device == w->east ? TRUNK : 1;

	fake_unplug(device, port);
	world_run(w, 20);
	fake_plug(device, port);
	sm_sweep(w->sm, false);
}

static void reload(struct world *w, struct fake_device *device)
{
	(void)device;
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=limited, SELF=full;\n"));
}

static void sweep_in_full(struct world *w, struct fake_device *device)
{
	(void)device;
	sm_sweep(w->sm, true);
}

static void assert_comes_back(const struct kind *kind, enum how how, bool is_switch,
			      void (*happens)(struct world *, struct fake_device *))
{
	struct world *w = new_world(1);
	struct fake_device *device = is_switch ? w->east : w->host[3];
	size_t from;

	set_fault(device, kind, how, FOR_EVER);
	world_start(w);
	world_run(w, 600);
	heal(device);
	from = world_mark(w);
	world_run(w, 100);
	assert_int_equal(world_sets(w, from), 0);
	assert_string_equal(reason_of(w, device), kind->reason[how]);
	happens(w, device);
	world_run(w, 40);
	assert_good(w, NULL);
	world_free(w);
}

static void a_fault_rests_until_restart_cable_reload_or_full_sweep(void **state)
{
	static const struct {
		const struct kind *kind;
		enum how how;
		bool is_switch;
	} faults[] = {
		{ &host_kinds[2], REFUSED, false },    { &host_kinds[2], NOT_HEARD, false },
		{ &host_kinds[4], REFUSED, false },    { &host_kinds[4], NOT_HEARD, false },
		{ &switch_kinds[1], REFUSED, true },   { &switch_kinds[2], REFUSED, true },
		{ &switch_kinds[4], REFUSED, true },   { &switch_kinds[4], NOT_HEARD, true },
		{ &switch_kinds[6], REFUSED, true },   { &switch_kinds[8], REFUSED, true },
		{ &switch_kinds[8], NOT_HEARD, true },
	};
	static void (*const happen[])(struct world *,
				      struct fake_device *) = { restart, pull_and_put_back, reload,
								sweep_in_full };

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		for (size_t j = 0; j < COUNT(happen); j++) {
			assert_comes_back(faults[i].kind, faults[i].how, faults[i].is_switch,
					  happen[j]);
		}
	}
}

/* What asks it once a minute sets nothing. */
static void who_was_silent_for_long_is_found_by_itself(void **state)
{
	static const struct {
		const struct kind *kind;
		bool is_switch;
	} faults[] = { { &host_kinds[1], false },
		       { &switch_kinds[1], true },
		       { &switch_kinds[3], true } };

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		struct world *w = new_world(1);
		struct fake_device *device = faults[i].is_switch ? w->east : w->host[3];
		size_t from;

		world_start(w);
		world_run(w, 20);
		set_fault(device, faults[i].kind, NOT_HEARD, FOR_EVER);
		sm_sweep(w->sm, true);
		world_run(w, 300);
		assert_string_equal(reason_of(w, device), "silent");
		from = world_mark(w);
		world_run(w, 300);
		assert_string_equal(reason_of(w, device), "silent");
		assert_int_equal(world_sets(w, from), 0);
		heal(device);
		world_run(w, 100);
		assert_good(w, NULL);
		world_free(w);
	}
}

/* -- keys of others -------------------------------------------------------------------------------
 */

static void lock(struct fake_device *device, unsigned protection)
{
	uint8_t *info = device->port[device->type == NODE_TYPE_SWITCH ? 0 : 1].info;

	wire_set(info, PORT_INFO_MKEY, 0xdead);
	wire_set(info, PORT_INFO_MKEY_PROTECT, protection);
}

static void unlock(struct fake_device *device)
{
	uint8_t *info = device->port[device->type == NODE_TYPE_SWITCH ? 0 : 1].info;

	wire_set(info, PORT_INFO_MKEY, 0);
	wire_set(info, PORT_INFO_MKEY_PROTECT, 0);
}

static void a_device_with_an_m_key_of_others_delays_nobody_and_comes_back_without(void **state)
{
	static const char *const reasons[] = { "none", "mkey-hidden", "neighbor-silent" };

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct world *w = new_world(i);
		struct fake_device *device = i % 2 ? w->east : w->host[3];

		lock(device, i / 2);
		world_start(w);
		world_run(w, 5);
		assert_rests(w);
		assert_active(w, device);
		assert_string_equal(reason_of(w, device), reasons[i / 2]);
		assert_in_range(world_count(w, 0, device, METHOD_SET, ATTR_PORT_INFO), 0, 24);
		unlock(device);
		world_run(w, 100);
		assert_good(w, NULL);
		world_free(w);
	}
}

/* Behind our back, while it is up. */
static void a_switch_that_is_locked_later_is_taken_back_when_it_is_not(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	w->conf.sweep_interval = 0;
	world_start(w);
	lock(w->east, 1);
	w->conf.hoq_life = w->conf.leaf_hoq_life = 3;
	reload(w, NULL);
	world_run(w, 60);
	assert_rests(w);
	assert_string_equal(reason_of(w, w->east), "mkey-hidden");
	unlock(w->east);
	for (unsigned i = 0; i < 4; i++) {
		sm_sweep(w->sm, false);
		world_run(w, 20);
	}
	assert_good(w, NULL);
	assert_string_equal(reason_of(w, w->east), "none");
	assert_int_equal(wire_get(w->east->port[1].info, PORT_INFO_HOQ_LIFE), 3);
	world_free(w);
}

/* -- P_Keys, LIDs ---------------------------------------------------------------------------------
 */

static void a_switch_port_enforces_no_keys_that_it_does_not_have(void **state)
{
	(void)state;
	for (enum how how = REFUSED; how < NOT_ANSWERED; how++) {
		struct world *w = new_world(how);

		w->conf.sweep_interval = 0;
		set_fault(w->east, &switch_kinds[6], how, FOR_EVER);
		world_start(w);
		assert_active(w, NULL);
		for (unsigned port = 1; port <= 2; port++) {
			assert_int_equal(wire_get(w->east->port[port].info, PORT_INFO_ENFORCE_IN),
					 0);
			assert_int_equal(wire_get(w->east->port[port].info, PORT_INFO_ENFORCE_OUT),
					 0);
			assert_string_equal(world_reason(w, w->east, port), "no-enforcement");
			assert_int_equal(wire_get(w->west->port[port].info, PORT_INFO_ENFORCE_IN),
					 1);
		}
		world_free(w);
	}
}

static void a_device_that_does_not_keep_its_lid_is_not_active_and_has_the_reason(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	w->host[3]->forgets_something = true;
	w->host[3]->forgets = PORT_INFO_LID;
	world_start(w);
	assert_bounded(w);
	assert_good(w, w->host[3]);
	assert_string_equal(reason_of(w, w->host[3]), "not-kept");
	assert_int_not_equal(fake_state(w->host[3], 1), PORT_ACTIVE);
	w->host[3]->forgets_something = false;
	sweep_in_full(w, w->host[3]);
	world_run(w, 20);
	assert_good(w, NULL);
	world_free(w);
}

/* -- links that do not stay ---------------------------------------------------------------------
 */

/* It says Armed, and is not. */
static void fall_back(struct fake_device *device, struct datagram *d)
{
	if (wire_get(d, MAD_ATTR) == ATTR_PORT_INFO && fake_state(device, 1) == PORT_ARMED)
		wire_set(device->port[1].info, PORT_INFO_STATE, PORT_INITIALIZE);
}

static void a_port_that_falls_back_again_and_again_costs_no_more_than_others(void **state)
{
	struct world *w = new_world(1);

	(void)state;
	w->host[3]->lies = fall_back;
	world_start(w);
	assert_bounded(w);
	assert_rests(w);
	assert_active(w, w->host[3]);
	assert_string_equal(reason_of(w, w->host[3]), "set-refused");
	world_free(w);
}

/* -- ourselves ------------------------------------------------------------------------------------
 */

static void our_own_device_is_waited_for_and_nobody_else_is_gone(void **state)
{
	struct world *w = new_world(1);
	struct sm_status status;

	(void)state;
	world_start(w);
	set_fault(w->host[0], &host_kinds[1], NOT_HEARD, FOR_EVER);
	sm_sweep(w->sm, true);
	world_run(w, 600);
	sm_status(w->sm, &status);
	assert_int_equal(status.nodes, 6);
	heal(w->host[0]);
	world_run(w, 20);
	assert_good(w, NULL);
	world_free(w);
}

/* -- before and after ---------------------------------------------------------------------------
 */

static void a_device_that_is_gone_has_no_reason_any_more(void **state)
{
	struct world *w = *state;
	struct fake_device *d = w->host[3];

	wire_set(d->port[1].info, PORT_INFO_WIDTH_ACTIVE, 1);
	wire_set(w->east->port[2].info, PORT_INFO_WIDTH_ACTIVE, 1);
	world_start(w);
	assert_string_equal(world_reason(w, d, 1), "slow-link");
	fake_unplug(d, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_string_equal(world_reason(w, d, 1), "none");
	assert_true(world_port(w, d, 1)->since >= loop_now(w->loop) - 5 * LOOP_SEC);
}

/* West goes by its old table, in which the others are. */
static void a_port_whose_route_a_switch_refuses_has_the_reason(void **state)
{
	struct world *w = *state;
	struct fake_device *d = w->host[3];

	w->conf.sweep_interval = 10;
	fake_unplug(d, 1);
	world_start(w);
	fake_plug(d, 1);
	w->west->refuses = (struct fake_fault){ .method = METHOD_SET,
						.attr = ATTR_LFT,
						.count = FOR_EVER,
						.status = STATUS_BAD_FIELD };
	world_run(w, 60);
	assert_string_equal(world_reason(w, w->west, 0), "set-refused");
	assert_string_equal(world_reason(w, d, 1), "route-refused");
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(world_reason(w, w->host[i], 1), "none");
	assert_string_equal(world_reason(w, w->east, 0), "none");
	heal(w->west);
	sm_sweep(w->sm, true);
	world_run(w, 30);
	assert_good(w, NULL);
}

/* Nobody has ever written to its table. */
static void all_ports_have_the_reason_if_a_new_switch_refuses_its_table(void **state)
{
	struct world *w = *state;

	w->east->refuses = (struct fake_fault){ .method = METHOD_SET,
						.attr = ATTR_LFT,
						.count = FOR_EVER,
						.status = STATUS_BAD_FIELD };
	world_start(w);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_string_equal(world_reason(w, w->host[i], 1), "route-refused");
	assert_in_range(count_reasons(w), 1, 2); /* not one for each port */
}

static void a_port_that_was_never_read_is_so_since_its_device_came(void **state)
{
	struct world *w = *state;
	struct fake_device *e = fake_add(w->f, "e", NODE_TYPE_CA, 0x2000, 2);

	fake_link(e, 1, w->east, 3);
	world_run(w, 100);
	world_start(w);
	assert_good(w, NULL);
	assert_false(world_port(w, e, 2)->known);
	assert_true(world_port(w, e, 2)->since >= 100 * LOOP_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_with_any_fault_delays_nobody_and_has_the_reason),
		cmocka_unit_test(a_switch_with_any_fault_delays_nobody_and_has_the_reason),
		cmocka_unit_test(without_ordinary_sweeps_a_fault_is_no_reason_for_more_than_one),
		cmocka_unit_test(what_is_refused_or_lost_a_few_times_heals_by_itself),
		cmocka_unit_test(a_fault_rests_until_restart_cable_reload_or_full_sweep),
		cmocka_unit_test(who_was_silent_for_long_is_found_by_itself),
		cmocka_unit_test(
			a_device_with_an_m_key_of_others_delays_nobody_and_comes_back_without),
		cmocka_unit_test(a_switch_that_is_locked_later_is_taken_back_when_it_is_not),
		cmocka_unit_test(a_switch_port_enforces_no_keys_that_it_does_not_have),
		cmocka_unit_test(
			a_device_that_does_not_keep_its_lid_is_not_active_and_has_the_reason),
		cmocka_unit_test(a_port_that_falls_back_again_and_again_costs_no_more_than_others),
		cmocka_unit_test(our_own_device_is_waited_for_and_nobody_else_is_gone),
		TEST(a_device_that_is_gone_has_no_reason_any_more),
		TEST(a_port_whose_route_a_switch_refuses_has_the_reason),
		TEST(all_ports_have_the_reason_if_a_new_switch_refuses_its_table),
		TEST(a_port_that_was_never_read_is_so_since_its_device_came),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
