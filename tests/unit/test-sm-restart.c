/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * A restart is no event for the fabric; and what the store and the fabric disagree on is one for
 * whoever looks after it.
 */

#include "sm/not-kept.h"
#include "tests/unit/world.h"

/* -- clients ------------------------------------------------------------------------------------
 */

/* Sets from @from on that tell clients to register again. */
static unsigned count_reregister(const struct world *w, size_t from)
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->n_smps; i++)
		n += w->f->smps[i].method == METHOD_SET && w->f->smps[i].attr == ATTR_PORT_INFO &&
		     wire_get(w->f->smps[i].data, PORT_INFO_REREGISTER);

	return n;
}

static void a_restart_on_a_healthy_fabric_sets_nothing_and_nobody_registers_again(void **state)
{
	struct world *w = *state;
	size_t from;

	world_start(w);
	assert_int_equal(count_reregister(w, 0), HOSTS); /* when they came up */
	world_stop(w);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(world_sets(w, from), 0);
}

/* Nor if there is something to set; but what they registered may be lost with the state. */
static void only_a_restart_without_its_state_has_hosts_register_again(void **state)
{
	struct world *w = *state;

	for (unsigned lost = 0; lost < 2; lost++) {
		size_t from;

		world_start(w);
		world_stop(w);
		w->conf.subnet_timeout++;
		if (lost)
			fake_keeper_clear(&w->keeper);
		from = world_mark(w);
		world_start(w);
		assert_good(w, NULL);
		assert_int_equal(world_count(w, from, w->host[2], METHOD_SET, ATTR_PORT_INFO), 1);
		assert_int_equal(count_reregister(w, from), lost ? HOSTS : 0);
		world_stop(w);
	}
	world_start(w);
}

/* -- what the store has -------------------------------------------------------------------------
 */

static void own(struct world *w, uint64_t guid, uint16_t lid)
{
	struct kept_identity id = { .guid = guid, .lid = lid };

	assert_int_equal(keep_identity(&w->keeper.keeper, &id), 0);
}

static const struct event *find(const struct world *w, const char *text)
{
	const struct event *event;

	for (uint64_t i = 1; (event = event_from(sm_events(w->sm), i)); i = event->number + 1)
		if (strstr(event->text, text))
			return event;

	return NULL;
}

static unsigned count(const struct world *w)
{
	const struct event *event;
	unsigned n = 0;

	for (uint64_t i = 1; (event = event_from(sm_events(w->sm), i)); i = event->number + 1)
		n += event->kind == EVENT_STORE;

	return n;
}

static void what_the_fabric_holds_wins_and_is_said(void **state)
{
	struct world *w = *state;
	const struct event *event;
	uint16_t held;
	size_t from;

	world_start(w);
	assert_int_equal(count(w), 0);
	held = fake_lid(w->host[3], 1);
	world_stop(w);
	own(w, w->host[3]->port_guid, 77);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), held);
	assert_int_equal(world_sets(w, from), 0);
	event = find(w, "the state directory has LID 77");
	assert_true(event && event->guid == w->host[3]->port_guid && event->lid == held);
	assert_int_equal(count(w), 1);
	world_stop(w);
	world_start(w);
	assert_int_equal(count(w), 0); /* they agree now */
}

/* Another subnet manager was here, with a store of its own. */
static void lids_that_others_have_in_the_store_stay_where_they_are(void **state)
{
	struct world *w = *state;
	uint16_t held[HOSTS];
	size_t from;

	world_start(w);
	for (unsigned i = 0; i < HOSTS; i++)
		held[i] = fake_lid(w->host[i], 1);
	world_stop(w);
	for (unsigned i = 0; i < HOSTS; i++)
		own(w, w->host[i]->port_guid, held[(i + 1) % HOSTS]);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		assert_int_equal(fake_lid(w->host[i], 1), held[i]);
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(count(w), HOSTS);
	world_stop(w);
	world_start(w);
	assert_int_equal(count(w), 0);
}

static void who_is_away_gives_up_the_lid_that_another_holds(void **state)
{
	struct world *w = *state;
	const struct event *event;
	uint16_t held;
	size_t from;

	world_start(w);
	held = fake_lid(w->host[3], 1);
	world_stop(w);
	own(w, w->host[3]->port_guid, 77);
	own(w, 0xdead, held);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), held);
	assert_int_equal(world_sets(w, from), 0);
	event = find(w, "the state directory has for it");
	assert_true(event && event->guid == 0xdead && event->lid == held);
	world_stop(w);
	world_start(w);
	assert_int_equal(count(w), 0);
	assert_int_equal(sm_lid_of(w->sm, 0xdead), 0);
}

static unsigned kept_lid(const struct world *w, uint64_t guid)
{
	for (unsigned i = 0; i < w->keeper.n_identities; i++)
		if (w->keeper.identities[i].guid == guid)
			return w->keeper.identities[i].lid;

	return 0;
}

/* It is led there by each of its LIDs, and says that its range begins in the middle. */
static void who_is_away_gives_up_nothing_for_a_range_that_cannot_be(void **state)
{
	struct world *w = *state;
	struct kept_identity away = { .guid = 0x9900, .lmc = 2 };
	uint16_t lid;

	w->conf.lmc = 2;
	world_start(w);
	lid = fake_lid(w->host[3], 1);
	world_stop(w);
	away.lid = (uint16_t)(lid + 4);
	assert_int_equal(kept_lid(w, 0x9900), 0);
	assert_int_equal(keep_identity(&w->keeper.keeper, &away), 0);
	wire_set(w->host[3]->port[1].info, PORT_INFO_LID, lid + 1);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), lid);
	assert_int_equal(kept_lid(w, 0x9900), lid + 4);
}

/* It was elsewhere meanwhile, and has come back: no table leads to it by what it holds. */
static void who_comes_back_with_a_lid_of_elsewhere_gets_its_own_again(void **state)
{
	struct world *w = *state;
	uint16_t own_lid;
	size_t from;

	world_start(w);
	own_lid = fake_lid(w->host[3], 1);
	world_stop(w);
	fake_unplug(w->host[3], 1);
	fake_plug(w->host[3], 1);
	wire_set(w->host[3]->port[1].info, PORT_INFO_LID, 40);
	from = world_mark(w);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), own_lid);
	assert_int_equal(world_count(w, from, NULL, METHOD_SET, ATTR_LFT), 0);
	assert_non_null(find(w, "holds LID 40, to which no table leads"));
}

/* What the operator said counts more than either. */
static void a_lid_that_is_reserved_is_kept_for_whom_it_is(void **state)
{
	struct world *w = *state;
	uint16_t held;

	world_start(w);
	held = fake_lid(w->host[3], 1);
	world_stop(w);
	own(w, w->host[3]->port_guid, 77);
	own(w, 0xdead, held);
	assert_int_equal(
		keep_reservation(&w->keeper.keeper,
				 &(struct kept_reservation){ .guid = 0xdead, .lid = held }),
		0);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(w->host[3], 1), 77);
	assert_int_equal(sm_lid_of(w->sm, 0xdead), held);
	assert_non_null(find(w, "which it cannot have"));
}

static void a_lid_that_two_hold_is_said_of_the_one_that_gets_another(void **state)
{
	struct world *w = *state;
	uint16_t held;

	world_start(w);
	held = fake_lid(w->host[2], 1);
	world_stop(w);
	wire_set(w->host[3]->port[1].info, PORT_INFO_LID, held);
	world_start(w);
	assert_good(w, NULL);
	assert_int_not_equal(fake_lid(w->host[3], 1), fake_lid(w->host[2], 1));
	assert_non_null(find(w, "which it cannot have"));
	assert_int_equal(count(w), 1);
}

/* LMC is another since: who holds a LID that is not the first of two gets others. */
static void a_lid_that_lmc_does_not_allow_is_said_to_be_one(void **state)
{
	struct world *w = *state;
	const struct fake_device *odd = NULL;

	world_start(w);
	for (unsigned i = 0; i < HOSTS; i++)
		if (fake_lid(w->host[i], 1) % 2)
			odd = w->host[i];
	assert_non_null(odd);
	world_stop(w);
	w->conf.lmc = 1;
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(odd, 1) % 2, 0);
	assert_non_null(find(w, "which it cannot have with LMC 1, and is given another"));
}

/* A store of another fabric, or an old copy of it. */
static void thousands_that_differ_are_a_few_events_and_a_number(void **state)
{
	struct world *w = *state;
	struct fake_device *host[35], *leaf = NULL;

	for (unsigned i = 0; i < COUNT(host); i++) {
		if (i % 7 == 0) {
			leaf = fake_add(w->f, "leaf", NODE_TYPE_SWITCH, 0x9000 + 16 * i, 8);
			fake_link(leaf, 8, w->west, (uint8_t)(3 + i / 7));
		}
		host[i] = fake_add(w->f, "host", NODE_TYPE_CA, 0x8000 + 16 * i, 1);
		fake_link(host[i], 1, leaf, (uint8_t)(1 + i % 7));
	}
	world_start(w);
	world_stop(w);
	for (unsigned i = 0; i < COUNT(host); i++)
		own(w, host[i]->port_guid, (uint16_t)(300 + i));
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(count(w), 17);
	assert_non_null(find(w, "19 more"));
}

/* -- what devices did not keep that never come again --------------------------------------------
 */

#define STRANGER UINT64_C(0x5000000000000000)
#define TOO_MANY 3u

/* Rows that the store has beside those of the fake. */
static struct crowd {
	struct keeper_ops ops;
	const struct keeper_ops *own;
	uint64_t n;
	uint64_t mkey; /* that all have; 0: they have rows of what they did not keep */
	uint64_t dropped[8];
	unsigned n_dropped;
} crowd;

static void read_crowd(struct keeper *k, const struct keep_reader *reader, void *user)
{
	struct not_kept *n = NULL;
	struct kept_quirks quirks;
	size_t size;

	assert_int_equal(not_kept_add(&n, 5, 7, 1), 0);
	quirks.blob = not_kept_bytes(n, &size);
	quirks.size = (uint32_t)size;
	for (quirks.guid = STRANGER + 1; quirks.guid <= STRANGER + crowd.n; quirks.guid++)
		if (crowd.mkey)
			reader->mkey(user, &(struct kept_mkey){ quirks.guid, crowd.mkey, 0 });
		else
			reader->quirks(user, &quirks);
	not_kept_free(n);
	crowd.own->read(k, reader, user);
}

static int keep_quirk_of_crowd(struct keeper *k, const struct kept_quirks *quirks)
{
	if (quirks->guid < STRANGER)
		return crowd.own->quirks(k, quirks);
	assert_int_equal(quirks->size, 0);
	assert_true(crowd.n_dropped < COUNT(crowd.dropped));
	crowd.dropped[crowd.n_dropped++] = quirks->guid - STRANGER;

	return 0;
}

static void have_crowd(struct world *w, uint64_t n, uint64_t mkey)
{
	crowd = (struct crowd){
		.ops = *w->keeper.keeper.ops, .own = w->keeper.keeper.ops, .n = n, .mkey = mkey
	};
	crowd.ops.read = read_crowd;
	crowd.ops.quirks = keep_quirk_of_crowd;
	w->keeper.keeper.ops = &crowd.ops;
}

static bool has_row(const struct world *w, const struct fake_device *device)
{
	for (unsigned i = 0; i < w->keeper.n_quirks; i++)
		if (w->keeper.quirks[i].guid == device->guid)
			return w->keeper.quirks[i].size > 0;

	return false;
}

static void forgets(struct fake_device *device)
{
	device->forgets_something = true;
	device->forgets = PORT_INFO_SUBNET_TIMEOUT;
}

/* More is not read, and who came first makes room for somebody who is there. */
static void rows_of_what_was_not_kept_are_no_more_than_there_is_room_for(void **state)
{
	struct world *w = *state;

	have_crowd(w, KEEP_DEVICES_MAX + TOO_MANY, 0);
	forgets(w->host[1]);
	world_start(w);
	assert_true(has_row(w, w->host[1]));
	assert_int_equal(crowd.n_dropped, TOO_MANY + 1);
	for (unsigned i = 0; i < TOO_MANY; i++)
		assert_int_equal(crowd.dropped[i], KEEP_DEVICES_MAX + 1 + i);
	assert_int_equal(crowd.dropped[TOO_MANY], 1);
}

/* Rather than one whose M_Key only the store knows. */
static void a_node_that_has_gone_makes_room_for_one_that_is_there(void **state)
{
	struct world *w = *state;

	have_crowd(w, KEEP_DEVICES_MAX - 1, 0x1234);
	forgets(w->host[1]);
	world_start(w);
	assert_true(has_row(w, w->host[1]));
	fake_unplug(w->host[1], 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_true(has_row(w, w->host[1]));
	forgets(w->host[2]);
	fake_restart(w->host[2]);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_true(has_row(w, w->host[2]));
	assert_false(has_row(w, w->host[1]));
	fake_plug(w->host[1], 1);
	sm_sweep(w->sm, false);
	world_run(w, 10);
	assert_good(w, NULL);
	assert_true(has_row(w, w->host[1]));
	assert_true(has_row(w, w->host[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_restart_on_a_healthy_fabric_sets_nothing_and_nobody_registers_again),
		TEST(only_a_restart_without_its_state_has_hosts_register_again),
		TEST(what_the_fabric_holds_wins_and_is_said),
		TEST(lids_that_others_have_in_the_store_stay_where_they_are),
		TEST(who_is_away_gives_up_the_lid_that_another_holds),
		TEST(who_is_away_gives_up_nothing_for_a_range_that_cannot_be),
		TEST(who_comes_back_with_a_lid_of_elsewhere_gets_its_own_again),
		TEST(a_lid_that_is_reserved_is_kept_for_whom_it_is),
		TEST(a_lid_that_two_hold_is_said_of_the_one_that_gets_another),
		TEST(a_lid_that_lmc_does_not_allow_is_said_to_be_one),
		TEST(thousands_that_differ_are_a_few_events_and_a_number),
		TEST(rows_of_what_was_not_kept_are_no_more_than_there_is_room_for),
		TEST(a_node_that_has_gone_makes_room_for_one_that_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
