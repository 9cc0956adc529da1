/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the operator reserves: who gets which LID then, what cannot be reserved and why, and what is
 * left of it on the disk.
 */

#include "tests/unit/world.h"

#include <errno.h>

#define GUEST 0x0200000000000001

static struct kept_reservation wish(uint64_t guid, uint16_t lid)
{
	return (struct kept_reservation){ .guid = guid, .lid = lid };
}

static void reserve(struct world *w, uint64_t guid, uint16_t lid)
{
	struct kept_reservation wanted = wish(guid, lid);
	char why[SM_WHY_SIZE] = "";

	if (sm_reserve(w->sm, &wanted, why) < 0)
		fail_msg("%s", why);
}

static void refuse(struct world *w, const struct kept_reservation *wanted, int code,
		   const char *sentence)
{
	char why[SM_WHY_SIZE] = "";
	unsigned writes = w->keeper.n_writes;

	assert_int_equal(sm_reserve(w->sm, wanted, why), code);
	assert_string_equal(why, sentence);
	assert_int_equal(w->keeper.n_writes, writes);
}

static void release(struct world *w, uint64_t guid)
{
	char why[SM_WHY_SIZE] = "";

	assert_int_equal(sm_release(w->sm, guid, why), 0);
}

/* GUID 0: nothing is. */
static struct kept_reservation reserved(const struct world *w, uint64_t guid)
{
	const struct kept_reservation *found;

	for (unsigned i = 0; (found = sm_reservation(w->sm, i)); i++)
		if (found->guid == guid)
			return *found;

	return wish(0, 0);
}

static bool is_reserved(const struct world *w, uint64_t guid)
{
	return reserved(w, guid).guid == guid;
}

static unsigned kept_lid(const struct world *w, uint64_t guid)
{
	for (unsigned i = 0; i < w->keeper.n_identities; i++)
		if (w->keeper.identities[i].guid == guid)
			return w->keeper.identities[i].lid;

	return 0;
}

/* A host that is not plugged in yet. */
static struct fake_device *add_guest(struct world *w)
{
	struct fake_device *guest = fake_add(w->f, "guest", NODE_TYPE_CA, GUEST - 1, 1);

	assert_true(guest->port_guid == GUEST);
	fake_link(guest, 1, w->west, 3);
	fake_unplug(guest, 1);

	return guest;
}

/* ---- LIDs -------------------------------------------------------------------------------------
 */

static void who_comes_later_gets_the_reserved_lid(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 500);
	assert_int_equal(sm_lid_of(w->sm, GUEST), 500);
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(guest, 1), 500);
}

static void a_reservation_survives_a_restart_before_its_device_comes(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 500);
	assert_int_equal(kept_lid(w, GUEST), 500);
	world_start(w);
	assert_int_equal(sm_lid_of(w->sm, GUEST), 500);
	fake_plug(guest, 1);
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(guest, 1), 500);
}

/* What is kept of LIDs was lost, or never written. */
static void the_reservation_alone_is_enough(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 500);
	world_stop(w);
	w->keeper.n_identities = 0;
	fake_plug(guest, 1);
	wire_set(guest->port[1].info, PORT_INFO_LID, 77); /* that the fabric knows it by */
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(guest, 1), 500);
}

static void nobody_else_gets_a_reserved_lid(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_stop(w);
	w->keeper.n_identities = 0;
	w->keeper.reservations[0] = wish(GUEST, fake_lid(w->host[1], 1));
	w->keeper.n_reservations = 1;
	world_start(w);
	assert_good(w, NULL);
	assert_int_equal(sm_lid_of(w->sm, GUEST), w->keeper.reservations[0].lid);
	assert_int_not_equal(fake_lid(w->host[1], 1), w->keeper.reservations[0].lid);
}

static void a_device_that_is_there_gets_the_lid_that_is_reserved_later(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 0);
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_true(fake_lid(guest, 1) < 500);
	reserve(w, GUEST, 600);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(guest, 1), 600);
}

static void with_an_lmc_all_its_lids_are_reserved(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);
	struct kept_reservation odd = wish(GUEST, 502), beside = wish(GUEST + 1, 500);

	w->conf.lmc = 2;
	world_start(w);
	refuse(w, &odd, -EINVAL,
	       "LID 502 is not a multiple of 4, or too high, where subnet.lmc is 2");
	reserve(w, GUEST, 500);
	refuse(w, &beside, -EEXIST, "LID 500 belongs to 0x0200000000000001 (away)");
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_good(w, NULL);
	assert_int_equal(fake_lid(guest, 1), 500);
}

static void a_lid_that_fits_the_lmc_no_longer_keeps_nobody_down(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 501);
	w->conf.lmc = 1;
	fake_plug(guest, 1);
	world_start(w);
	assert_good(w, NULL);
	assert_int_not_equal(fake_lid(guest, 1), 0);
	assert_int_not_equal(fake_lid(guest, 1), 501);
	assert_int_equal(reserved(w, GUEST).lid, 501);
}

static void reserved_lids_are_not_given_to_others_when_lids_are_short(void **state)
{
	struct world *w = *state;

	wire_set(w->west->switch_info, SWITCH_INFO_LINEAR_CAP, 8);
	wire_set(w->east->switch_info, SWITCH_INFO_LINEAR_CAP, 8);
	world_start(w);
	assert_good(w, NULL); /* six of the seven LIDs are in use */
	reserve(w, GUEST, 7);
	fake_link(fake_add(w->f, "late", NODE_TYPE_CA, 0x9000, 1), 1, w->west, 3);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(sm_lid_of(w->sm, GUEST), 7);
	assert_int_equal(sm_lid_of(w->sm, 0x9001), 0);
	release(w, GUEST);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(sm_lid_of(w->sm, 0x9001), 7);
}

/* That it got when it appeared, for any would do. */
static void the_lid_of_a_guest_stays_its_own_while_it_is_away(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);
	uint16_t lid;

	wire_set(w->west->switch_info, SWITCH_INFO_LINEAR_CAP, 8);
	wire_set(w->east->switch_info, SWITCH_INFO_LINEAR_CAP, 8);
	world_start(w);
	reserve(w, GUEST, 0);
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	lid = fake_lid(guest, 1);
	assert_int_equal(lid, 7);
	fake_unplug(guest, 1);
	world_start(w);
	fake_link(fake_add(w->f, "late", NODE_TYPE_CA, 0x9000, 1), 1, w->west, 4);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(sm_lid_of(w->sm, 0x9001), 0);
	assert_int_equal(sm_lid_of(w->sm, GUEST), lid);
}

/* ---- again, and back --------------------------------------------------------------------------
 */

static void saying_the_same_again_writes_nothing(void **state)
{
	struct world *w = *state;
	unsigned writes;

	world_start(w);
	reserve(w, GUEST, 500);
	writes = w->keeper.n_writes;
	reserve(w, GUEST, 500);
	assert_int_equal(w->keeper.n_writes, writes);
	assert_null(sm_reservation(w->sm, 1));
}

static void saying_something_else_replaces_what_was_said(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 501);
	char why[SM_WHY_SIZE];

	world_start(w);
	reserve(w, GUEST, 500);
	wanted.n_places = 1;
	wanted.place[0] = w->host[1]->port_guid;
	strcpy(wanted.name, "vm");
	assert_int_equal(sm_reserve(w->sm, &wanted, why), 0);
	assert_int_equal(reserved(w, GUEST).lid, 501);
	assert_string_equal(reserved(w, GUEST).name, "vm");
	assert_int_equal(kept_lid(w, GUEST), 501);
	reserve(w, GUEST + 1, 500); /* which is free now */
	world_start(w);
	assert_int_equal(reserved(w, GUEST).n_places, 1);
	assert_int_equal(sm_lid_of(w->sm, GUEST), 501);
	assert_int_equal(sm_lid_of(w->sm, GUEST + 1), 500);
}

static void what_is_taken_back_is_gone_with_its_lid(void **state)
{
	struct world *w = *state;

	world_start(w);
	reserve(w, GUEST, 500);
	release(w, GUEST);
	release(w, GUEST); /* again */
	assert_null(sm_reservation(w->sm, 0));
	assert_int_equal(sm_lid_of(w->sm, GUEST), 0);
	assert_int_equal(kept_lid(w, GUEST), 0);
	reserve(w, GUEST + 1, 500);
	release(w, GUEST + 1);
	world_start(w);
	assert_null(sm_reservation(w->sm, 0));
	assert_int_equal(sm_lid_of(w->sm, GUEST + 1), 0);
}

static void a_device_that_is_there_keeps_its_lid_when_that_is_taken_back(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);
	size_t from;

	world_start(w);
	reserve(w, GUEST, 500);
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	from = world_mark(w);
	release(w, GUEST);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	assert_int_equal(world_sets(w, from), 0);
	assert_int_equal(fake_lid(guest, 1), 500);
	world_start(w);
	assert_int_equal(fake_lid(guest, 1), 500);
	assert_null(sm_reservation(w->sm, 0));
}

static void a_guest_that_is_there_may_be_reserved_again(void **state)
{
	struct world *w = *state;
	struct fake_device *guest = add_guest(w);

	world_start(w);
	reserve(w, GUEST, 500);
	fake_plug(guest, 1);
	sm_sweep(w->sm, false);
	world_run(w, 5);
	reserve(w, GUEST, 500);
	reserve(w, GUEST, 0);
	world_run(w, 5);
	assert_int_equal(fake_lid(guest, 1), 500);
}

/* ---- what is refused --------------------------------------------------------------------------
 */

static void a_lid_that_somebody_has_is_refused_and_says_who(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted;
	char sentence[SM_WHY_SIZE];

	world_start(w);
	wanted = wish(GUEST, fake_lid(w->host[2], 1));
	snprintf(sentence, sizeof(sentence), "LID %u belongs to 0x%016llx (%s)", wanted.lid,
		 (unsigned long long)w->host[2]->port_guid,
		 sm_fabric(w->sm)
			 ->nodes[fabric_find_node(sm_fabric(w->sm), w->host[2]->guid)]
			 .description);
	refuse(w, &wanted, -EEXIST, sentence);
	reserve(w, GUEST + 1, 500);
	wanted.lid = 500;
	refuse(w, &wanted, -EEXIST, "LID 500 belongs to 0x0200000000000002 (away)");
	assert_false(is_reserved(w, GUEST));
}

static void a_guid_of_a_port_that_is_there_is_refused(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(w->host[1]->port_guid, 0);
	char why[SM_WHY_SIZE] = "";

	world_start(w);
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -EEXIST);
	assert_non_null(strstr(why, ") is a port that is there already"));
	wanted.guid = w->west->guid; /* port 0 */
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -EEXIST);
	assert_null(sm_reservation(w->sm, 0));
}

static void a_lid_beyond_the_tables_is_refused(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, FAKE_LIDS);

	world_start(w);
	refuse(w, &wanted, -ERANGE, "LID 1024 is beyond the forwarding tables, which end at 1023");
	reserve(w, GUEST, FAKE_LIDS - 1);
}

static void what_cannot_be_right_is_refused(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 0xc000);

	world_start(w);
	refuse(w, &wanted, -EINVAL, "a GUID, LID, place or name is not valid");
	wanted = wish(0, 5);
	refuse(w, &wanted, -EINVAL, "a GUID, LID, place or name is not valid");
}

static void the_rules_of_a_place_are_held(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 0);
	char why[SM_WHY_SIZE] = "";
	struct vf_policy *policy = &w->conf.virtual_functions.policy[0];

	w->conf.virtual_functions.n = 1;
	vf_policy_init(policy);
	policy->n_port_guids = 1;
	policy->port_guid[0] = w->host[1]->port_guid;
	policy->n_ranges = 1;
	policy->range[0] = (struct vf_range){ GUEST + 1, GUEST + 9 };
	world_start(w);
	wanted.n_places = 2;
	wanted.place[0] = w->host[2]->port_guid;
	wanted.place[1] = w->host[1]->port_guid;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -EACCES);
	assert_non_null(strstr(why, "does not allow GUID 0x0200000000000001 at port 0x"));
	wanted.n_places = 1;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), 0);
	wanted = wish(GUEST + 1, 0);
	wanted.n_places = 1;
	wanted.place[0] = w->host[1]->port_guid;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), 0);
}

static void nobody_has_a_place_where_there_may_be_no_virtual_function(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 0);
	char why[SM_WHY_SIZE] = "";
	struct vf_policy *policy = &w->conf.virtual_functions.policy[0];

	w->conf.virtual_functions.n = 1;
	vf_policy_init(policy);
	policy->n_port_guids = 1;
	policy->port_guid[0] = w->host[1]->port_guid;
	policy->max = 0;
	world_start(w);
	wanted.n_places = 1;
	wanted.place[0] = w->host[1]->port_guid;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -EACCES);
	assert_non_null(strstr(why, ", and no other: max is 0 there"));
}

/* A pattern is for those whose description it is known to fit, and "" is not known yet. */
static void a_pattern_holds_when_the_name_of_the_place_is_known(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 0);
	char why[SM_WHY_SIZE] = "";
	struct vf_policy *policy = &w->conf.virtual_functions.policy[0];

	w->conf.virtual_functions.n = 1;
	vf_policy_init(policy);
	strcpy(policy->ports, "*");
	policy->n_ranges = 1;
	policy->range[0] = (struct vf_range){ GUEST + 1, GUEST + 9 };
	wanted.n_places = 1;
	wanted.place[0] = 0x777; /* is not there */
	world_start(w);
	assert_int_equal(sm_reserve(w->sm, &wanted, why), 0);
	wanted.guid = GUEST + 10;
	wanted.place[0] = w->host[1]->port_guid;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -EACCES);
}

static void lids_are_not_reserved_before_it_is_known_who_has_which(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 500);

	world_begin(w);
	refuse(w, &wanted, -EBUSY,
	       "the subnet is still being brought up, and it is not known who has which LID; try "
	       "again");
	reserve(w, GUEST, 0);
	world_run(w, 5);
	reserve(w, GUEST, 500);
}

static void only_the_master_reserves(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 0);
	char why[SM_WHY_SIZE] = "";

	w->keeper.reservations[0] = wish(GUEST + 1, 0);
	w->keeper.n_reservations = 1;
	fake_add_sm(w->host[3], SM_MASTER, 15);
	world_start(w);
	assert_int_equal(world_state(w), SM_STANDBY);
	refuse(w, &wanted, -EPERM, "this subnet manager is not master, and changes nothing");
	assert_int_equal(sm_release(w->sm, GUEST + 1, why), -EPERM);
	assert_string_equal(why, "this subnet manager is not master, and changes nothing");
	assert_true(is_reserved(w, GUEST + 1));
}

static void what_the_store_does_not_take_is_not_reserved(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted = wish(GUEST, 500);
	char why[SM_WHY_SIZE] = "";

	world_start(w);
	reserve(w, GUEST + 1, 0);
	reserve(w, GUEST + 2, 502);
	w->keeper.is_full = true;
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -ENOMEM);
	assert_string_equal(why, "there is no room for it: Cannot allocate memory");
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -ENOMEM);
	assert_false(is_reserved(w, GUEST));
	assert_int_equal(sm_release(w->sm, GUEST + 1, why), -ENOMEM);
	assert_true(is_reserved(w, GUEST + 1));
	/* And LIDs are whose they were. */
	assert_int_equal(sm_lid_of(w->sm, GUEST), 0);
	wanted = wish(GUEST + 2, 503);
	assert_int_equal(sm_reserve(w->sm, &wanted, why), -ENOMEM);
	assert_int_equal(sm_lid_of(w->sm, GUEST + 2), 502);
	assert_int_equal(sm_release(w->sm, GUEST + 2, why), -ENOMEM);
	assert_int_equal(sm_lid_of(w->sm, GUEST + 2), 502);
	w->keeper.is_full = false;
	reserve(w, GUEST, 500);
	assert_int_equal(kept_lid(w, GUEST), 500);
}

/* Of two rows the store takes one: the next start finds all as it was. */
static void what_the_store_takes_half_of_is_not_reserved_after_a_restart_either(void **state)
{
	struct world *w = *state;
	struct kept_reservation wanted[] = { wish(GUEST, 500), wish(GUEST + 2, 503) };
	uint64_t to = w->host[2]->port_guid;
	char why[SM_WHY_SIZE] = "";

	for (unsigned half = 0; half < 2; half++) {
		world_start(w);
		reserve(w, GUEST + 1, 501);
		reserve(w, GUEST + 2, 502);
		assert_int_equal(sm_move(w->sm, GUEST + 1, to, why), 0);
		w->keeper.is_full = half == 0;
		w->keeper.no_lids = half == 1;
		for (unsigned i = 0; i < COUNT(wanted); i++)
			assert_int_equal(sm_reserve(w->sm, &wanted[i], why), -ENOMEM);
		assert_int_equal(sm_release(w->sm, GUEST + 1, why), -ENOMEM);
		assert_true(sm_moving_to(w->sm, GUEST + 1) == to && w->keeper.move.port == to);
		w->keeper.is_full = w->keeper.no_lids = false;
		world_start(w);
		assert_false(is_reserved(w, GUEST));
		assert_int_equal(sm_lid_of(w->sm, GUEST), 0);
		assert_int_equal(kept_lid(w, GUEST), 0);
		for (unsigned i = 1; i <= 2; i++) {
			assert_true(is_reserved(w, GUEST + i));
			assert_int_equal(sm_lid_of(w->sm, GUEST + i), 500 + i);
			assert_int_equal(kept_lid(w, GUEST + i), 500 + i);
		}
	}
}

/* ---- waiting for the disk ---------------------------------------------------------------------
 */

static void note(void *user, int result)
{
	*(int *)user = result;
}

static void who_waits_is_told_when_it_is_on_disk(void **state)
{
	struct world *w = *state;
	int result = 1;

	world_start(w);
	reserve(w, GUEST, 500);
	assert_int_equal(sm_when_kept(w->sm, note, &result), 0);
	assert_int_equal(result, 1);
	world_run(w, 1);
	assert_int_equal(result, 0);
}

static void who_waits_when_it_ends_is_told_that_it_will_not_be(void **state)
{
	struct world *w = *state;
	int first = 1, second = 1;

	world_start(w);
	assert_int_equal(sm_when_kept(w->sm, note, &first), 0);
	assert_int_equal(sm_when_kept(w->sm, note, &second), 0);
	world_stop(w);
	assert_int_equal(first, -ECANCELED);
	assert_int_equal(second, -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_comes_later_gets_the_reserved_lid),
		TEST(a_reservation_survives_a_restart_before_its_device_comes),
		TEST(the_reservation_alone_is_enough),
		TEST(nobody_else_gets_a_reserved_lid),
		TEST(a_device_that_is_there_gets_the_lid_that_is_reserved_later),
		TEST(with_an_lmc_all_its_lids_are_reserved),
		TEST(a_lid_that_fits_the_lmc_no_longer_keeps_nobody_down),
		TEST(reserved_lids_are_not_given_to_others_when_lids_are_short),
		TEST(the_lid_of_a_guest_stays_its_own_while_it_is_away),
		TEST(saying_the_same_again_writes_nothing),
		TEST(saying_something_else_replaces_what_was_said),
		TEST(what_is_taken_back_is_gone_with_its_lid),
		TEST(a_device_that_is_there_keeps_its_lid_when_that_is_taken_back),
		TEST(a_guest_that_is_there_may_be_reserved_again),
		TEST(a_lid_that_somebody_has_is_refused_and_says_who),
		TEST(a_guid_of_a_port_that_is_there_is_refused),
		TEST(a_lid_beyond_the_tables_is_refused),
		TEST(what_cannot_be_right_is_refused),
		TEST(the_rules_of_a_place_are_held),
		TEST(nobody_has_a_place_where_there_may_be_no_virtual_function),
		TEST(a_pattern_holds_when_the_name_of_the_place_is_known),
		TEST(lids_are_not_reserved_before_it_is_known_who_has_which),
		TEST(only_the_master_reserves),
		TEST(what_the_store_does_not_take_is_not_reserved),
		TEST(what_the_store_takes_half_of_is_not_reserved_after_a_restart_either),
		TEST(who_waits_is_told_when_it_is_on_disk),
		TEST(who_waits_when_it_ends_is_told_that_it_will_not_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
