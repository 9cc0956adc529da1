/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Traps: each is repressed and leads to a look at what it is about; what cannot be true is counted
 * and leads to nothing; and a storm of them is a sweep now and then.
 */

#include "tests/unit/world.h"

static void deliver(struct world *w, const struct arrival *arrival)
{
	fake_deliver(w->f, arrival);
	world_run(w, 5);
}

static uint64_t ignored(const struct world *w)
{
	struct sm_status status;

	sm_status(w->sm, &status);

	return status.traps_ignored;
}

/* -- repressed ----------------------------------------------------------------------------------
 */

static void assert_repressed(const struct world *w, const struct arrival *trap)
{
	struct datagram expected = trap->datagram;

	wire_set(&expected, MAD_METHOD, METHOD_TRAP_REPRESS);
	wire_set(&expected, SMP_MKEY, w->conf.m_key);
	assert_int_equal(w->f->n_answers, 1);
	assert_memory_equal(&w->f->last_answer, &expected, sizeof(expected));
	assert_int_equal(w->f->last_answer_to.lid, trap->from.lid);
}

static void each_trap_is_repressed_with_its_notice_and_the_m_key_of_its_sender(void **state)
{
	static const unsigned numbers[] = { TRAP_LINK_STATE,     TRAP_LINK_INTEGRITY,
					    TRAP_BUFFER_OVERRUN, TRAP_FLOW_WATCHDOG,
					    TRAP_CAPABILITY,     TRAP_SYSTEM_GUID };

	world_free(*state);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct world *w = world_new(i);
		struct arrival trap;

		w->conf.m_key = 0x1234;
		world_start(w);
		trap = fake_make_trap(w->east, 2, numbers[i]);
		deliver(w, &trap);
		assert_repressed(w, &trap);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void who_is_not_master_does_not_answer_a_trap(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	uint64_t sweeps;

	fake_add_sm(w->host[2], SM_MASTER, 9);
	world_start(w);
	sweeps = world_sweeps(w);
	trap = fake_make_trap(w->east, 2, TRAP_LINK_STATE);
	deliver(w, &trap);
	assert_int_equal(w->f->n_answers, 0);
	assert_int_equal(world_sweeps(w), sweeps);
}

/* -- looked after -------------------------------------------------------------------------------
 */

static void a_link_that_changed_is_found_by_trap_128(void **state)
{
	struct world *w = *state;

	world_start(w);
	fake_unplug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	assert_string_equal(world_reason(w, w->east, 2), "no-link");
	fake_plug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(ignored(w), 0);
}

/* One SwitchInfo and our own PortInfo, and no Set. */
static void traps_of_bad_links_cost_a_look_at_their_switch(void **state)
{
	struct world *w = *state;

	world_start(w);
	sm_sweep(w->sm, false); /* the first one asks once more who is there */
	world_run(w, 5);
	for (unsigned n = TRAP_LINK_INTEGRITY; n <= TRAP_FLOW_WATCHDOG; n++) {
		const struct fake_device *sender = n % 2 ? w->east : w->host[3];
		struct arrival trap = fake_make_trap(sender, 1, n);
		uint64_t sweeps = world_sweeps(w);
		size_t from = world_mark(w);

		deliver(w, &trap);
		assert_int_equal(world_sweeps(w), sweeps + 1);
		assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_SWITCH_INFO), 1);
		assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_PORT_INFO), 1);
		assert_int_equal(world_count(w, from, w->host[0], METHOD_GET, ATTR_PORT_INFO), 1);
		assert_int_equal(world_sets(w, from), 0);
	}
	assert_int_equal(ignored(w), 0);
}

static void a_subnet_manager_that_starts_is_found_by_trap_144(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	struct sm_peer peer;

	world_start(w);
	assert_false(sm_peer(w->sm, 0, &peer));
	fake_add_sm(w->host[2], SM_DISCOVERING, 0);
	trap = fake_make_trap(w->host[2], 1, TRAP_CAPABILITY);
	deliver(w, &trap);
	assert_true(sm_peer(w->sm, 0, &peer));
	assert_int_equal(peer.guid, w->host[2]->port_guid);
	assert_good(w, NULL);
	assert_int_equal(ignored(w), 0);
}

static struct arrival make_description_trap(const struct fake_device *device)
{
	struct arrival trap = fake_make_trap(device, 1, TRAP_CAPABILITY);

	wire_set(smp_data_of(&trap.datagram), NOTICE_144_LOCAL, 1);
	wire_set(smp_data_of(&trap.datagram), NOTICE_144_FLAGS, 1);

	return trap;
}

static void a_device_that_is_renamed_is_asked_for_its_name_alone(void **state)
{
	struct world *w = *state;
	const struct fabric *f;
	struct arrival trap;
	uint64_t sweeps;
	size_t from;

	world_start(w);
	w->host[3]->name = "renamed";
	trap = make_description_trap(w->host[3]);
	sweeps = world_sweeps(w);
	from = world_mark(w);
	deliver(w, &trap);
	f = sm_fabric(w->sm);
	assert_string_equal(f->nodes[fabric_find_node(f, w->host[3]->guid)].description, "renamed");
	assert_int_equal(w->f->n_smps, from + 1);
	assert_int_equal(world_sweeps(w), sweeps);
}

static void with_sweep_on_trap_off_a_trap_is_repressed_and_no_more(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	size_t from;

	w->conf.sweep_on_trap = false;
	world_start(w);
	trap = fake_make_trap(w->east, 2, TRAP_LINK_STATE);
	from = world_mark(w);
	deliver(w, &trap);
	assert_repressed(w, &trap);
	assert_int_equal(w->f->n_smps, from);
}

/* -- what cannot be true ------------------------------------------------------------------------
 */

/* What is wrong with which trap of a switch. */
static const struct lie {
	unsigned trap;
	enum wire_field field;
	uint64_t value;
} lies[] = {
	{ TRAP_LINK_STATE, NOTICE_GENERIC, 0 },
	{ TRAP_LINK_STATE, NOTICE_PRODUCER, NODE_TYPE_CA },
	{ TRAP_LINK_STATE, NOTICE_PRODUCER, 0 },
	{ TRAP_LINK_STATE, NOTICE_PRODUCER, 0x010002 },
	{ TRAP_LINK_STATE, NOTICE_128_LID, 900 },
	{ TRAP_LINK_STATE, NOTICE_128_LID, 0 },
	{ TRAP_LINK_STATE, NOTICE_128_LID, 0xffff },
	{ TRAP_LINK_INTEGRITY, NOTICE_129_LID, 900 },
	{ TRAP_LINK_INTEGRITY, NOTICE_129_PORT, FAKE_PORTS + 1 },
	{ TRAP_BUFFER_OVERRUN, NOTICE_129_PORT, 255 },
	{ TRAP_FLOW_WATCHDOG, NOTICE_129_PORT, 200 },
	{ TRAP_FLOW_WATCHDOG, NOTICE_PRODUCER, NODE_TYPE_ROUTER },
	{ TRAP_CAPABILITY, NOTICE_144_LID, 900 },
	{ TRAP_CAPABILITY, NOTICE_PRODUCER, NODE_TYPE_CA },
};

/* The sender may be told to stop, but nothing is asked, and it is counted. */
static void assert_ignored(struct world *w, const struct arrival *trap)
{
	uint64_t sweeps = world_sweeps(w), before = ignored(w);
	size_t from = world_mark(w);

	deliver(w, trap);
	assert_int_equal(w->f->n_smps, from);
	assert_int_equal(world_sweeps(w), sweeps);
	assert_int_equal(ignored(w), before + 1);
}

static void a_trap_that_says_impossible_things_is_ignored_and_counted(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < COUNT(lies); i++) {
		struct arrival trap = fake_make_trap(w->east, 2, lies[i].trap);

		wire_set(smp_data_of(&trap.datagram), lies[i].field, lies[i].value);
		assert_ignored(w, &trap);
	}
}

static void a_trap_from_a_lid_that_nobody_has_is_ignored_and_counted(void **state)
{
	static const uint16_t lids[] = { 0, 900, 0xbfff, 0xc000, LID_PERMISSIVE };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < COUNT(lids); i++) {
		struct arrival trap = fake_make_trap(w->east, 2, TRAP_LINK_STATE);

		trap.from.lid = lids[i];
		assert_ignored(w, &trap);
	}
}

static void a_trap_about_another_device_than_its_sender_is_ignored_and_counted(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	trap = fake_make_trap(w->east, 2, TRAP_LINK_INTEGRITY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_129_LID, fake_lid(w->west, 0));
	assert_ignored(w, &trap);
	trap = fake_make_trap(w->host[3], 1, TRAP_LINK_STATE); /* is of switches alone */
	assert_ignored(w, &trap);
	trap = fake_make_trap(w->host[3], 1, TRAP_LINK_INTEGRITY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_129_PORT, 0);
	assert_ignored(w, &trap);
}

/* A lie costs a light sweep, and nothing is asked of who is not there. */
static void a_trap_of_a_device_that_has_left_is_a_sign_that_it_is_back(void **state)
{
	static const unsigned numbers[] = { TRAP_LINK_STATE, TRAP_LINK_INTEGRITY, TRAP_CAPABILITY };

	world_free(*state);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct world *w = world_new(i);
		struct arrival trap;
		size_t from;

		world_start(w);
		trap = fake_make_trap(w->east, 2, numbers[i]);
		fake_unplug(w->west, TRUNK);
		sm_sweep(w->sm, false);
		world_run(w, 5);
		from = world_mark(w);
		deliver(w, &trap);
		assert_int_equal(world_count(w, from, NULL, METHOD_GET, 0), 3);
		assert_int_equal(world_sets(w, from), 0);
		fake_plug(w->west, TRUNK);
		deliver(w, &trap);
		assert_int_equal(ignored(w), 0);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void what_one_that_has_left_cannot_say_is_ignored_and_counted(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	trap = fake_make_trap(w->host[3], 1, TRAP_CAPABILITY);
	fake_unplug(w->east, 2);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	wire_set(smp_data_of(&trap.datagram), NOTICE_144_LID, fake_lid(w->host[2], 1));
	assert_ignored(w, &trap);
	trap = fake_make_trap(w->host[3], 1, TRAP_LINK_STATE);
	assert_ignored(w, &trap);
}

static void see_and_send(struct fake_fabric *f, const struct fake_smp *smp)
{
	const struct arrival *trap = f->user;

	if (smp->attr != ATTR_SM_INFO && smp->attr != ATTR_PKEY_TABLE)
		return;
	f->see = NULL;
	fake_deliver(f, trap);
}

/* Seen to have left, and the plan has not been made anew yet: others are asked who is master. */
static void so_is_one_that_comes_while_its_device_is_missed(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	uint64_t sweeps;

	w->conf.priority = 5;
	fake_add_sm(w->host[2], SM_STANDBY, 0);
	world_start(w);
	trap = fake_make_trap(w->host[3], 1, TRAP_CAPABILITY);
	fake_unplug(w->east, 2);
	w->f->see = see_and_send;
	w->f->user = &trap;
	sweeps = world_sweeps(w);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(w->f->n_answers, 1);
	assert_int_equal(world_sweeps(w), sweeps + 2);
	assert_int_equal(ignored(w), 0);
}

/* It has been said over and over while there was no subnet manager; LIDs are adopted in a moment.
 */
static void a_trap_before_anybody_is_known_by_lid_is_not_impossible(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	world_stop(w);
	fake_keeper_clear(&w->keeper);
	w->conf.client_reregister = false; /* nothing is to be written */
	trap = fake_make_trap(w->east, 2, TRAP_LINK_STATE);
	w->f->see = see_and_send;
	w->f->user = &trap;
	world_start(w);
	assert_null(w->f->see);
	assert_int_equal(w->f->n_answers, 1);
	assert_int_equal(ignored(w), 0);
	assert_int_equal(world_sweeps(w), 2);
	assert_good(w, NULL);
	trap.from.lid = 900;
	assert_ignored(w, &trap);
}

/* -- counted ------------------------------------------------------------------------------------
 */

/* Nothing else has a turn that takes time. */
static void give(struct world *w, const struct arrival *trap)
{
	fake_deliver(w->f, trap);
	loop_virtual_run_for(w->loop, 100 * LOOP_USEC);
}

static uint64_t count_of(const struct world *w, unsigned number)
{
	const struct sm_traps *traps = sm_traps(w->sm);

	for (unsigned i = 0; i < traps->n_numbers; i++)
		if (traps->number[i].number == number)
			return traps->number[i].n;

	return 0;
}

static uint64_t count_from(const struct world *w, uint16_t lid)
{
	const struct sm_traps *traps = sm_traps(w->sm);

	for (unsigned i = 0; i < traps->n_sources; i++)
		if (traps->source[i].lid == lid)
			return traps->source[i].n;

	return 0;
}

static void traps_are_counted_by_number_by_source_and_by_what_is_impossible(void **state)
{
	struct world *w = *state;
	const struct sm_traps *traps;
	struct arrival trap;

	world_start(w);
	trap = fake_make_trap(w->east, 2, TRAP_LINK_INTEGRITY);
	for (unsigned i = 0; i < 3; i++)
		deliver(w, &trap);
	trap = fake_make_trap(w->host[3], 1, TRAP_LINK_STATE);
	deliver(w, &trap);
	trap.from.lid = 900;
	deliver(w, &trap);
	trap = fake_make_trap(w->east, 2, TRAP_CAPABILITY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_PRODUCER, NODE_TYPE_CA);
	deliver(w, &trap);
	traps = sm_traps(w->sm);
	assert_int_equal(count_of(w, TRAP_LINK_INTEGRITY), 3);
	assert_int_equal(count_of(w, TRAP_LINK_STATE), 2);
	assert_int_equal(count_from(w, fake_lid(w->east, 0)), 4);
	assert_int_equal(count_from(w, 900), 1);
	assert_int_equal(traps->impossible[SM_TRAP_ABOUT_OTHERS], 1);
	assert_int_equal(traps->impossible[SM_TRAP_OF_NOBODY], 1);
	assert_int_equal(traps->impossible[SM_TRAP_OF_OTHER_KIND], 1);
	assert_int_equal(ignored(w), 3);
}

/* Others come from all LIDs that there are, once each, and numbers of all kinds. */
static void who_sends_most_traps_is_known_however_many_others_there_are(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	uint16_t lid;

	world_start(w);
	trap = fake_make_trap(w->host[3], 1, TRAP_PKEY);
	lid = trap.from.lid;
	for (unsigned i = 0; i < 3000; i++) {
		trap.from.lid = i % 3 ? (uint16_t)(100 + i) : lid;
		wire_set(smp_data_of(&trap.datagram), NOTICE_TRAP, 3000 + i);
		give(w, &trap);
	}
	assert_int_equal(sm_traps(w->sm)->n_sources, SM_TRAP_SOURCES);
	assert_int_equal(sm_traps(w->sm)->n_numbers, SM_TRAP_NUMBERS);
	assert_int_equal(sm_traps(w->sm)->others, 3000 - SM_TRAP_NUMBERS);
	assert_int_equal(count_from(w, lid), 1000);
}

static unsigned count_trap_events(const struct world *w)
{
	const struct event *event;
	unsigned n = 0;

	for (uint64_t i = 1; (event = event_from(sm_events(w->sm), i)); i = event->number + 1)
		n += event->kind == EVENT_TRAP;

	return n;
}

static struct arrival make_key_trap(const struct world *w, unsigned number)
{
	struct arrival trap = fake_make_trap(w->host[3], 1, number);
	uint8_t *notice = smp_data_of(&trap.datagram);

	wire_set(notice, NOTICE_257_FROM, 4);
	wire_set(notice, NOTICE_257_TO, trap.from.lid);
	wire_set(notice, NOTICE_257_KEY, 0x8001);

	return trap;
}

static void one_that_floods_with_traps_does_not_wash_out_other_events(void **state)
{
	struct world *w = *state;
	struct arrival flood, other;

	world_start(w);
	flood = make_key_trap(w, TRAP_PKEY);
	for (unsigned i = 0; i < 10000; i++)
		give(w, &flood);
	assert_int_equal(count_trap_events(w), 8);
	other = fake_make_trap(w->east, 2, TRAP_LINK_INTEGRITY);
	give(w, &other);
	assert_int_equal(count_trap_events(w), 9);
	assert_string_equal(event_last(sm_events(w->sm))->text,
			    "trap 129, link integrity errors at port 2");
	world_run(w, 20);
	give(w, &flood);
	assert_int_equal(count_trap_events(w), 10);
	assert_int_equal(count_of(w, TRAP_PKEY), 10001);
}

/* -- keys and the system image ------------------------------------------------------------------
 */

static void a_wrong_key_is_told_of_and_nothing_is_asked(void **state)
{
	char text[EVENT_TEXT_SIZE];
	struct world *w = *state;
	struct arrival trap;
	size_t from;

	world_start(w);
	from = world_mark(w);
	trap = make_key_trap(w, TRAP_PKEY);
	deliver(w, &trap);
	snprintf(text, sizeof(text),
		 "trap 257: a packet from LID 4 to LID %u has P_Key 0x8001, which is wrong",
		 trap.from.lid);
	assert_string_equal(event_last(sm_events(w->sm))->text, text);
	trap = make_key_trap(w, TRAP_QKEY);
	deliver(w, &trap);
	assert_non_null(strstr(event_last(sm_events(w->sm))->text, "Q_Key 0x8001"));
	trap = fake_make_trap(w->host[3], 1, TRAP_MKEY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_256_LID, 5);
	deliver(w, &trap);
	assert_string_equal(event_last(sm_events(w->sm))->text,
			    "trap 256: a request of LID 5 has a wrong M_Key");
	trap = fake_make_trap(w->east, 2, TRAP_SWITCH_PKEY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_SWITCH, trap.from.lid);
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_PORT, 2);
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_KEY, 0x1234);
	deliver(w, &trap);
	assert_non_null(strstr(event_last(sm_events(w->sm))->text, "P_Key 0x1234"));
	assert_int_equal(w->f->n_smps, from);
	assert_int_equal(ignored(w), 0);
}

static void a_wrong_key_of_somebody_else_is_ignored_and_counted(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	trap = make_key_trap(w, TRAP_PKEY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_257_TO, fake_lid(w->host[2], 1));
	assert_ignored(w, &trap);
	trap = fake_make_trap(w->host[3], 1, TRAP_SWITCH_PKEY); /* is of switches alone */
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_SWITCH, trap.from.lid);
	assert_ignored(w, &trap);
	trap = fake_make_trap(w->east, 2, TRAP_SWITCH_PKEY);
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_SWITCH, trap.from.lid);
	wire_set(smp_data_of(&trap.datagram), NOTICE_259_PORT, 255);
	assert_ignored(w, &trap);
}

static void belong_to_another_system(struct fake_device *device, struct datagram *answer)
{
	(void)device;
	if (wire_get(answer, MAD_ATTR) == ATTR_NODE_INFO)
		wire_set(smp_data_of(answer), NODE_INFO_SYSTEM_GUID, 0xabcdef);
}

/* One NodeInfo, besides that of our own device. */
static void another_system_image_guid_is_read_after_trap_145(void **state)
{
	struct fake_device *changed[2];
	struct world *w = *state;
	const struct fabric *f;

	world_start(w);
	sm_sweep(w->sm, false); /* the first one asks once more who is there */
	world_run(w, 5);
	changed[0] = w->host[3];
	changed[1] = w->east;
	for (size_t i = 0; i < COUNT(changed); i++) {
		struct arrival trap = fake_make_trap(changed[i], 1, TRAP_SYSTEM_GUID);
		size_t from = world_mark(w);

		changed[i]->lies = belong_to_another_system;
		deliver(w, &trap);
		f = sm_fabric(w->sm);
		assert_int_equal(f->nodes[fabric_find_node(f, changed[i]->guid)].system_guid,
				 0xabcdef);
		assert_int_equal(world_count(w, from, NULL, METHOD_GET, ATTR_NODE_INFO), 2);
		assert_int_equal(world_sets(w, from), 0);
		assert_good(w, NULL);
	}
}

/* -- storms -------------------------------------------------------------------------------------
 */

/* A hundred a second, for a minute. */
static void storm(struct world *w, const struct arrival *trap)
{
	for (unsigned i = 0; i < 6000; i++) {
		fake_deliver(w->f, trap);
		loop_virtual_run_for(w->loop, 10 * LOOP_MSEC);
	}
}

static void a_storm_of_traps_is_no_storm_of_sweeps_and_ends_with_it(void **state)
{
	static const unsigned numbers[] = { TRAP_LINK_STATE, TRAP_LINK_INTEGRITY, TRAP_CAPABILITY };

	world_free(*state);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct world *w = world_new(i);
		struct arrival trap;
		uint64_t sweeps;
		size_t from;

		world_start(w);
		sweeps = world_sweeps(w);
		trap = fake_make_trap(w->east, 2, numbers[i]);
		storm(w, &trap);
		assert_in_range(world_sweeps(w) - sweeps, 1, 4);
		assert_int_equal(w->f->n_answers, 6000);
		sweeps = world_sweeps(w);
		world_run(w, 10);
		assert_int_equal(world_sweeps(w), sweeps + 1);
		sweeps = world_sweeps(w);
		from = world_mark(w);
		world_run(w, 600);
		assert_int_equal(world_sweeps(w), sweeps);
		assert_int_equal(w->f->n_smps, from);
		assert_good(w, NULL);
		world_free(w);
	}
	*state = world_new(1);
}

static void in_a_storm_what_changes_is_still_found(void **state)
{
	struct world *w = *state;
	struct arrival trap;

	world_start(w);
	trap = fake_make_trap(w->west, 1, TRAP_LINK_INTEGRITY);
	storm(w, &trap);
	fake_unplug(w->east, 2);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	loop_virtual_run_for(w->loop, 3 * LOOP_SEC);
	assert_string_equal(world_reason(w, w->east, 2), "no-link");
}

/* Who was watched until then is not asked either. */
static void when_sweep_on_trap_is_turned_off_nobody_is_watched_any_more(void **state)
{
	struct world *w = *state;
	struct arrival trap;
	size_t from;

	w->conf.sweep_interval = 0;
	world_start(w);
	trap = fake_make_trap(w->east, 2, TRAP_LINK_STATE);
	storm(w, &trap);
	from = world_mark(w);
	loop_virtual_run_for(w->loop, LOOP_SEC);
	assert_true(world_count(w, from, w->east, METHOD_GET, ATTR_SWITCH_INFO) > 1);
	w->conf.sweep_on_trap = false;
	sm_reconfigure(w->sm, &w->conf, world_parse("Default=0x7fff: ALL=full;\n"));
	loop_virtual_run_for(w->loop, LOOP_SEC); /* with one sweep */
	fake_unplug(w->east, 2);
	from = world_mark(w);
	storm(w, &trap);
	world_run(w, 60);
	assert_int_equal(w->f->n_smps, from);
}

static void trap_on_first_set(struct fake_fabric *f, const struct fake_smp *smp)
{
	struct world *w = f->user;
	struct arrival trap;

	if (smp->device != w->host[3] || smp->method != METHOD_SET || smp->attr != ATTR_PORT_INFO)
		return;
	f->see = NULL;
	trap = fake_make_trap(w->host[3], 1, TRAP_CAPABILITY);
	trap.from.lid = world_port(w, w->host[3], 1)->lid; /* it is being told just now */
	wire_set(smp_data_of(&trap.datagram), NOTICE_ISSUER_LID, trap.from.lid);
	wire_set(smp_data_of(&trap.datagram), NOTICE_144_LID, trap.from.lid);
	fake_deliver(f, &trap);
}

/* The port is to be read again, and cannot be just now: that is not forgotten. */
static void a_trap_while_its_port_is_being_set_leaves_no_port_armed(void **state)
{
	struct world *w = *state;

	w->f->see = trap_on_first_set;
	w->f->user = w;
	world_start(w);
	assert_null(w->f->see);
	assert_good(w, NULL);
}

/* As if a Set that was sent before had cleared it: late, or twice. */
static void a_link_that_changed_is_found_though_the_switch_shows_it_no_more(void **state)
{
	struct world *w = *state;

	world_start(w);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	wire_set(w->east->switch_info, SWITCH_INFO_STATE_CHANGE, 0);
	fake_trap(w->f, w->east, TRAP_LINK_STATE);
	world_run(w, 10);
	assert_good(w, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_trap_is_repressed_with_its_notice_and_the_m_key_of_its_sender),
		TEST(who_is_not_master_does_not_answer_a_trap),
		TEST(a_link_that_changed_is_found_by_trap_128),
		TEST(a_link_that_changed_is_found_though_the_switch_shows_it_no_more),
		TEST(traps_of_bad_links_cost_a_look_at_their_switch),
		TEST(a_subnet_manager_that_starts_is_found_by_trap_144),
		TEST(a_device_that_is_renamed_is_asked_for_its_name_alone),
		TEST(with_sweep_on_trap_off_a_trap_is_repressed_and_no_more),
		TEST(a_trap_that_says_impossible_things_is_ignored_and_counted),
		TEST(a_trap_from_a_lid_that_nobody_has_is_ignored_and_counted),
		TEST(a_trap_about_another_device_than_its_sender_is_ignored_and_counted),
		TEST(traps_are_counted_by_number_by_source_and_by_what_is_impossible),
		TEST(who_sends_most_traps_is_known_however_many_others_there_are),
		TEST(one_that_floods_with_traps_does_not_wash_out_other_events),
		TEST(a_wrong_key_is_told_of_and_nothing_is_asked),
		TEST(a_wrong_key_of_somebody_else_is_ignored_and_counted),
		TEST(another_system_image_guid_is_read_after_trap_145),
		TEST(a_trap_of_a_device_that_has_left_is_a_sign_that_it_is_back),
		TEST(so_is_one_that_comes_while_its_device_is_missed),
		TEST(what_one_that_has_left_cannot_say_is_ignored_and_counted),
		TEST(a_trap_before_anybody_is_known_by_lid_is_not_impossible),
		TEST(a_storm_of_traps_is_no_storm_of_sweeps_and_ends_with_it),
		TEST(in_a_storm_what_changes_is_still_found),
		TEST(when_sweep_on_trap_is_turned_off_nobody_is_watched_any_more),
		TEST(a_trap_while_its_port_is_being_set_leaves_no_port_armed),
	};

	log_set_level(LOG_LEVEL_ERROR);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
