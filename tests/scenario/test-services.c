/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Services that hosts register with the subnet administration: when they are answered, who may
 * change them, how long they last, and what a kill, a full disk and a host that leaves do to them.
 */

#include "tests/scenario/alias-rig.h"
#include "tests/scenario/sa-client.h"
#include "tests/unit/loop-virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "sm/registration.h"
#include "sm/services.h"

enum {
	SERVICE = 0x31,
	DELETE = 0x15,
	WANT_ID = 1,
	WANT_GID = 2,
	WANT_PKEY = 4,
	WANT_LEASE = 16,
	WANT_KEY = 32,
	WANT_NAME = 64,
	WANT_ALL = WANT_ID | WANT_GID | WANT_PKEY | WANT_LEASE | WANT_NAME,
	NO_RESOURCES = 0x0100,
	INVALID = 0x0200,
	NO_RECORDS = 0x0300,
	INVALID_GID = 0x0500,
	INSUFFICIENT = 0x0600,
	DENIED = 0x0700,
	EVER = 0xffffffff,
};

/* Three hosts, and clients at two of them. */
struct story {
	struct scenario *s;
	struct sim_port *host[3];
	struct sa_client client[3];
};

static struct story *build(void **state)
{
	static struct story t;

	memset(&t, 0, sizeof(t));
	t.s = *state;
	alias_build(t.s);
	for (unsigned i = 0; i < 3; i++)
		t.host[i] = scenario_host(t.s, 1 + i);
	alias_comes_up(t.s);
	for (unsigned i = 0; i < 3; i++)
		sa_client_open(&t.client[i], t.host[i], 0, 1);
	return &t;
}

static void tear(struct story *t)
{
	for (unsigned i = 0; i < 3; i++)
		sa_client_close(&t->client[i]);
}

static ib_service_record_t make(const struct sim_port *port, uint64_t id, uint32_t lease,
				uint8_t key)
{
	ib_service_record_t r = { .service_id = htobe64(id),
				  .service_lease = htobe32(lease),
				  .service_pkey = htobe16(0xffff) };

	r.service_gid.unicast.prefix = port->info.subnet_prefix;
	r.service_gid.unicast.interface_id = htobe64(port->guid);
	r.service_key[7] = key;
	snprintf((char *)r.service_name, sizeof(r.service_name), "service %u", (unsigned)id);
	return r;
}

static unsigned set(struct story *t, unsigned who, const ib_service_record_t *r, uint64_t more)
{
	return sa_client_ask(t->s, &t->client[who], SIM_SET, SERVICE, WANT_ALL | more, r,
			     sizeof(*r));
}

static unsigned delete (struct story *t, unsigned who, const ib_service_record_t *r, uint64_t more)
{
	return sa_client_ask(t->s, &t->client[who], DELETE, SERVICE, WANT_ALL | more, r,
			     sizeof(*r));
}

/* 0 if it is found, and what was found in the answer. */
static unsigned get(struct story *t, unsigned who, uint64_t id)
{
	ib_service_record_t r = { .service_id = htobe64(id) };

	return sa_client_ask(t->s, &t->client[who], SIM_GET, SERVICE, WANT_ID, &r, sizeof(r));
}

static ib_service_record_t found(const struct story *t, unsigned who)
{
	ib_service_record_t r;

	memcpy(&r, sa_client_record(&t->client[who]), sizeof(r));
	return r;
}

/* ---- the ordinary life of one ---------------------------------------------------------------- */

static void who_looks_for_it_finds_it_until_it_is_deleted(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 9), f;

	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	assert_int_equal(set(t, 0, &r, WANT_KEY), 0);
	f = found(t, 0);
	r.service_key[7] = 0;
	assert_memory_equal(&f, &r, sizeof(r));
	assert_int_equal(get(t, 1, 7), 0);
	f = found(t, 1);
	assert_memory_equal(&f, &r, sizeof(r));
	assert_int_equal(
		sa_client_ask(t->s, &t->client[1], SIM_GET, SERVICE, WANT_NAME, &r, sizeof(r)), 0);
	/* As it was told, and found by its name: without the key. */
	f = found(t, 1);
	assert_int_equal(
		sa_client_ask(t->s, &t->client[0], DELETE, SERVICE, WANT_NAME, &f, sizeof(f)), 0);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	assert_int_equal(delete (t, 0, &r, 0), NO_RECORDS);
	tear(t);
}

static void a_lease_ends_at_its_second(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, 10, 0);

	assert_int_equal(set(t, 0, &r, 0), 0); /* a second passes with each question */
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(be32toh(found(t, 1).service_lease), 9);
	scenario_run(t->s, 6 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(be32toh(found(t, 1).service_lease), 2);
	assert_int_equal(set(t, 0, &r, 0), 0); /* renewed */
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	scenario_run(t->s, 4 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(delete (t, 0, &r, 0), NO_RECORDS);
	r.service_lease = 0;
	assert_int_equal(set(t, 0, &r, 0), INVALID);
	tear(t);
}

static void leases_go_on_while_we_are_away(void **state)
{
	struct story *t = build(state);
	ib_service_record_t shorter = make(t->host[0], 7, 20, 0),
			    longer = make(t->host[0], 8, 100, 0), ever;

	ever = make(t->host[0], 9, EVER, 0);
	assert_int_equal(set(t, 0, &shorter, 0), 0);
	assert_int_equal(set(t, 0, &longer, 0), 0);
	assert_int_equal(set(t, 0, &ever, 0), 0);
	scenario_kill_sm(t->s);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	assert_int_equal(get(t, 1, 8), 0);
	assert_in_range(be32toh(found(t, 1).service_lease), 30, 69);
	assert_int_equal(get(t, 1, 9), 0);
	scenario_run(t->s, 100 * LOOP_SEC);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
	assert_int_equal(get(t, 1, 9), 0);
	assert_int_equal(be32toh(found(t, 1).service_lease), EVER);
	tear(t);
}

/* As after a loss of power without a battery: what is left of a lease is then all of it. */
static void a_clock_that_is_set_back_makes_no_lease_longer(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, 20, 0);

	assert_int_equal(set(t, 0, &r, 0), 0);
	scenario_kill_sm(t->s);
	loop_virtual_set_wall(t->s->loop, 0);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	assert_in_range(be32toh(found(t, 1).service_lease), 1, 20);
	scenario_run(t->s, 25 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	tear(t);
}

/* A host without a clock has asked for the time since. */
static void what_was_registered_in_1970_does_not_end_with_a_restart(void **state)
{
	struct story *t = build(state);
	uint64_t today = loop_wall(t->s->loop);
	ib_service_record_t r = make(t->host[0], 7, 600, 0);

	loop_virtual_set_wall(t->s->loop, 50);
	assert_int_equal(set(t, 0, &r, 0), 0);
	scenario_run(t->s, 10 * LOOP_SEC);
	loop_virtual_set_wall(t->s->loop, today);
	assert_int_equal(get(t, 1, 7), 0);
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	/* And from then on it goes on by the clock, over restarts. */
	scenario_run(t->s, 300 * LOOP_SEC);
	scenario_kill_sm(t->s);
	scenario_run(t->s, 200 * LOOP_SEC);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	assert_in_range(be32toh(found(t, 1).service_lease), 1, 110);
	scenario_run(t->s, 120 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	tear(t);
}

/* ---- who may --------------------------------------------------------------------------------- */

static void others_need_the_key_and_it_must_be_right(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 9), wrong = make(t->host[0], 7, EVER, 8);

	assert_int_equal(set(t, 0, &r, WANT_KEY), 0);
	assert_int_equal(set(t, 1, &r, 0), DENIED);
	assert_int_equal(delete (t, 1, &r, 0), DENIED);
	assert_int_equal(set(t, 1, &wrong, WANT_KEY), DENIED);
	assert_int_equal(delete (t, 1, &wrong, WANT_KEY), DENIED);
	assert_int_equal(delete (t, 0, &wrong, WANT_KEY), DENIED); /* its own, too */
	memset(r.service_name, 0, sizeof(r.service_name));
	assert_int_equal(set(t, 1, &r, WANT_KEY), 0);
	assert_int_equal(get(t, 2, 7), 0);
	assert_int_equal(found(t, 2).service_name[0], 0);
	/* Set again without, it stays protected. */
	assert_int_equal(set(t, 0, &r, 0), 0);
	assert_int_equal(delete (t, 1, &wrong, WANT_KEY), DENIED);
	assert_int_equal(delete (t, 1, &r, WANT_KEY), 0);
	assert_int_equal(get(t, 2, 7), NO_RECORDS);
	tear(t);
}

static void without_a_key_it_is_its_registrants_and_the_holders(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	/* For another host, as opensm has it. */
	assert_int_equal(set(t, 1, &r, 0), 0);
	assert_int_equal(set(t, 2, &r, 0), DENIED);
	assert_int_equal(delete (t, 2, &r, WANT_KEY), DENIED);
	assert_int_equal(set(t, 1, &r, 0), 0);
	assert_int_equal(delete (t, 0, &r, 0), 0);
	assert_int_equal(set(t, 0, &r, 0), 0);
	t->s->first.conf.trusted_guids.n = 1;
	t->s->first.conf.trusted_guids.guid[0] = t->host[2]->guid;
	scenario_apply_partitions(t->s);
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(delete (t, 1, &r, 0), DENIED);
	assert_int_equal(delete (t, 2, &r, 0), 0);
	tear(t);
}

static void a_gid_that_nobody_has_cannot_be_registered(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	r.service_gid.unicast.interface_id = htobe64(0x123456);
	assert_int_equal(set(t, 0, &r, 0), INVALID_GID);
	r = make(t->host[0], 7, EVER, 0);
	r.service_gid.unicast.prefix = 0; /* ours is meant */
	assert_int_equal(set(t, 0, &r, 0), 0);
	assert_true(found(t, 0).service_gid.unicast.prefix == t->host[0]->info.subnet_prefix);
	assert_int_equal(
		sa_client_ask(t->s, &t->client[0], SIM_SET, SERVICE, WANT_ID, &r, sizeof(r)),
		INSUFFICIENT);
	assert_int_equal(
		sa_client_ask(t->s, &t->client[0], SIM_SET, SERVICE, WANT_GID, &r, sizeof(r)),
		INSUFFICIENT);
	tear(t);
}

static void a_partition_keeps_its_services_to_itself(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	scenario_join(t->s, t->host[0], 5, true);
	scenario_join(t->s, t->host[1], 5, false);
	scenario_apply_partitions(t->s);
	scenario_settle(t->s);
	r.service_pkey = htobe16(0x8005);
	assert_int_equal(set(t, 2, &r, 0), INVALID); /* it is not in it */
	assert_int_equal(set(t, 0, &r, 0), 0);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 2, 7), NO_RECORDS);
	r.service_pkey = htobe16(0x8006);
	assert_int_equal(set(t, 0, &r, 0), INVALID);
	r.service_pkey = 0;
	assert_int_equal(set(t, 0, &r, 0), 0); /* another one: in any */
	assert_int_equal(get(t, 2, 7), 0);
	assert_int_equal(be16toh(found(t, 2).service_pkey), 0);
	tear(t);
}

static void nobody_registers_more_than_there_is_room_for_it(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r;

	for (unsigned i = 0; i < SERVICES_OF_VF; i++) {
		r = make(t->host[0], 1 + i, EVER, 0);
		sa_client_send(&t->client[0], SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
		if (i % REGISTRATIONS_OF_VF == REGISTRATIONS_OF_VF - 1)
			scenario_run(t->s, LOOP_SEC);
	}
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(t->client[0].n_answers, SERVICES_OF_VF);
	r = make(t->host[0], 1000, EVER, 0);
	assert_int_equal(set(t, 0, &r, 0), NO_RESOURCES);
	assert_int_equal(set(t, 1, &r, 0), 0); /* that is another's */
	r = make(t->host[0], 1, EVER, 0);
	assert_int_equal(set(t, 0, &r, 0), 0); /* one that it has */
	assert_int_equal(delete (t, 0, &r, 0), 0);
	r = make(t->host[0], 1001, EVER, 0);
	assert_int_equal(set(t, 0, &r, 0), 0);
	tear(t);
}

/* ---- who leaves ------------------------------------------------------------------------------ */

static void who_is_away_is_not_told_of_and_comes_back_with_all(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	assert_int_equal(set(t, 0, &r, 0), 0);
	scenario_pull(t->s, t->host[0]);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), NO_RECORDS);
	scenario_plug(t->s, t->host[0]);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	tear(t);
}

/* ---- another subnet manager ------------------------------------------------------------------ */

/* Of 7 and 8, both registered, the first is so again after we are master again. */
static void only_what_is_registered_again_stays(struct story *t)
{
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	assert_int_equal(get(t, 1, 8), 0);
	assert_int_equal(set(t, 0, &r, 0), 0);
	scenario_run(t->s, 70 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_run(t->s, 120 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
}

static struct story *register_two(void **state)
{
	struct story *t = build(state);
	ib_service_record_t first = make(t->host[0], 7, EVER, 0);
	ib_service_record_t second = make(t->host[1], 8, EVER, 0);

	assert_int_equal(set(t, 0, &first, 0), 0);
	assert_int_equal(set(t, 1, &second, 0), 0);
	return t;
}

static void who_gave_way_to_another_believes_only_what_is_registered_again(void **state)
{
	struct story *t = register_two(state);

	scenario_start_rival(t->s, t->host[2], 15);
	scenario_run(t->s, 30 * LOOP_SEC);
	assert_int_equal(scenario_status(&t->s->first).state, SM_STANDBY);
	scenario_kill_rival(t->s);
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_int_equal(scenario_status(&t->s->first).state, SM_MASTER);
	only_what_is_registered_again_stays(t);
	tear(t);
}

static void so_does_who_was_killed_and_comes_when_another_has_gone(void **state)
{
	struct story *t = register_two(state);

	scenario_kill_sm(t->s);
	scenario_start_rival(t->s, t->host[2], 1);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	scenario_start_sm(t->s);
	scenario_run(t->s, 10 * LOOP_SEC);
	/* And once more, before anybody had the time. */
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_run(t->s, 10 * LOOP_SEC);
	only_what_is_registered_again_stays(t);
	tear(t);
}

/* Nobody can reach us meanwhile. */
static void who_is_cut_off_while_hosts_register_again_ends_nothing(void **state)
{
	struct story *t = register_two(state);

	scenario_start_rival(t->s, t->host[2], 15);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_int_equal(scenario_status(&t->s->first).state, SM_MASTER);
	scenario_pull(t->s, t->s->first.port);
	scenario_run(t->s, 100 * LOOP_SEC);
	scenario_plug(t->s, t->s->first.port);
	scenario_run(t->s, 10 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	only_what_is_registered_again_stays(t);
	tear(t);
}

static void count_told(void *user, struct sim_port *port)
{
	(void)port;
	++*(unsigned *)user;
}

/* All that we can see of it when it has gone is what it has left behind. */
static void so_does_who_was_cut_off_while_another_was_there(void **state)
{
	struct story *t = register_two(state);
	struct sim_port *own = t->s->first.port;
	unsigned n_told = 0;

	scenario_pull(t->s, own);
	scenario_start_rival(t->s, t->host[2], 1);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	t->s->fabric->on_reregister = count_told;
	t->s->fabric->on_reregister_user = &n_told;
	scenario_plug(t->s, own);
	scenario_run(t->s, 10 * LOOP_SEC);
	t->s->fabric->on_reregister = NULL;
	assert_true(n_told >= 3);
	only_what_is_registered_again_stays(t);
	tear(t);
}

/* Hosts have registered with nobody else. */
static void who_was_cut_off_alone_asks_nobody(void **state)
{
	struct story *t = register_two(state);
	unsigned n_told = 0;

	scenario_pull(t->s, t->s->first.port);
	scenario_run(t->s, 30 * LOOP_SEC);
	t->s->fabric->on_reregister = count_told;
	t->s->fabric->on_reregister_user = &n_told;
	scenario_plug(t->s, t->s->first.port);
	scenario_run(t->s, 100 * LOOP_SEC);
	t->s->fabric->on_reregister = NULL;
	assert_int_equal(n_told, 0);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 1, 8), 0);
	tear(t);
}

/* The switch next to us has the LID of another master for ever, whatever it is given. */
static void never_takes_our_lid(struct story *t)
{
	scenario_fault(t->s, "lie \"%s\" 0x15@144:16 77 modifier 0",
		       t->s->first.port->far->node->name);
	scenario_run(t->s, 60 * LOOP_SEC);
}

static void neither_does_who_is_next_to_a_switch_that_keeps_the_lid_of_another(void **state)
{
	struct story *t = register_two(state);
	unsigned n_told = 0;

	never_takes_our_lid(t);
	t->s->fabric->on_reregister = count_told;
	t->s->fabric->on_reregister_user = &n_told;
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_run(t->s, 30 * LOOP_SEC);
	assert_int_equal(n_told, 0);
	for (unsigned i = 0; i < 2; i++) {
		scenario_pull(t->s, t->s->first.port);
		scenario_run(t->s, 30 * LOOP_SEC);
		scenario_plug(t->s, t->s->first.port);
		scenario_run(t->s, 100 * LOOP_SEC);
	}
	t->s->fabric->on_reregister = NULL;
	assert_int_equal(n_told, 0);
	assert_int_equal(get(t, 1, 7), 0);
	tear(t);
}

/* As if somebody wrote there again and again: what it says tells nothing of hosts. */
static void a_switch_that_lies_keeps_nobody_waiting(void **state)
{
	struct story *t = register_two(state);
	struct sim_switch *sw = t->host[0]->far->node->sw;
	unsigned n_told = 0;
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	scenario_start_rival(t->s, t->host[2], 15);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	scenario_run(t->s, 60 * LOOP_SEC);
	assert_int_equal(get(t, 1, 8), 0);
	assert_int_equal(set(t, 0, &r, 0), 0);
	t->s->fabric->on_reregister = count_told;
	t->s->fabric->on_reregister_user = &n_told;
	for (unsigned i = 0; i < 14; i++) {
		sw->info.lin_top = htobe16((uint16_t)(100 + i));
		scenario_run(t->s, 5 * LOOP_SEC);
	}
	t->s->fabric->on_reregister = NULL;
	assert_int_equal(n_told, 0);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
	tear(t);
}

static void where_hosts_are_not_to_be_told_all_stays(void **state)
{
	struct story *t = register_two(state);

	scenario_kill_sm(t->s);
	t->s->first.conf.client_reregister = false;
	scenario_start_rival(t->s, t->host[2], 1);
	scenario_run(t->s, 30 * LOOP_SEC);
	scenario_kill_rival(t->s);
	scenario_start_sm(t->s);
	scenario_run(t->s, 120 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(get(t, 1, 8), 0);
	tear(t);
}

/* ---- the disk -------------------------------------------------------------------------------- */

static void it_is_answered_when_it_is_on_the_disk_and_once(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	memory_keeper_set_delay(t->s->first.keeper, 50 * LOOP_MSEC);
	sa_client_send(c, SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
	for (unsigned i = 0; i < 4; i++) {
		scenario_run(t->s, 10 * LOOP_MSEC);
		sa_client_send_again(c, SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
		assert_int_equal(c->n_answers, 0);
	}
	scenario_run(t->s, 100 * LOOP_MSEC);
	assert_int_equal(c->n_answers, 1);
	assert_int_equal(be16toh(c->answer.mad.status), 0);
	/* After it a copy is a request like any, which changes nothing. */
	sa_client_send_again(c, SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
	scenario_run(t->s, 10 * LOOP_MSEC);
	assert_int_equal(c->n_answers, 2);
	tear(t);
}

/* The store cannot say yet when it is, and is asked again. */
static void without_memory_it_is_answered_later(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	ib_service_record_t r = make(t->host[0], 7, EVER, 0);

	memory_keeper_set_poor(t->s->first.keeper, true);
	sa_client_send(c, SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(c->n_answers, 0);
	memory_keeper_set_poor(t->s->first.keeper, false);
	scenario_run(t->s, LOOP_SEC);
	assert_int_equal(c->n_answers, 1);
	assert_int_equal(be16toh(c->answer.mad.status), 0);
	/* What was not kept while there was none is not lost either. */
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	tear(t);
}

static void what_was_answered_survives_a_kill(void **state)
{
	struct story *t = build(state);
	struct sa_client *c = &t->client[0];
	ib_service_record_t r;
	unsigned answered = 0;

	for (unsigned round = 0; round < 20; round++) {
		unsigned before = c->n_answers;

		r = make(t->host[0], 100 + round, EVER, 0);
		sa_client_send(c, SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
		scenario_run(t->s, scenario_random(t->s, 8) * LOOP_MSEC);
		answered += c->n_answers > before;
		scenario_kill_sm(t->s);
		scenario_start_sm(t->s);
		scenario_settle(t->s);
		if (c->n_answers > before)
			assert_int_equal(get(t, 1, 100 + round), 0);
	}
	assert_in_range(answered, 1, 19); /* both were tried */
	tear(t);
}

static void count_errors(enum log_level level, const struct log_where *where, const char *text,
			 void *user)
{
	unsigned *n = user;

	(void)where;
	(void)text;
	*n += level == LOG_LEVEL_ERROR;
}

/* The log may be on the same disk. */
static void a_full_disk_is_said_now_and_then_however_many_come(void **state)
{
	struct story *t = build(state);
	unsigned n = 0;

	memory_keeper_set_full(t->s->first.keeper, true);
	log_set_sink(count_errors, &n);
	for (unsigned i = 0; i < 130; i++) {
		ib_service_record_t r = make(t->host[0], 100 + i, EVER, 0);

		assert_int_equal(set(t, 0, &r, 0), NO_RESOURCES); /* seconds pass */
	}
	assert_in_range(n, 1, 10);
	tear(t);
}

static void a_full_disk_is_no_resources_and_nothing_is_remembered(void **state)
{
	struct story *t = build(state);
	ib_service_record_t old = make(t->host[0], 7, EVER, 0), new = old;
	ib_service_record_t other = make(t->host[0], 8, EVER, 0);

	assert_int_equal(set(t, 0, &old, 0), 0);
	memory_keeper_set_full(t->s->first.keeper, true);
	new.service_data8[3] = 5;
	assert_int_equal(set(t, 0, &new, 0), NO_RESOURCES);
	assert_int_equal(set(t, 0, &other, 0), NO_RESOURCES);
	assert_int_equal(delete (t, 0, &old, 0), NO_RESOURCES);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(found(t, 1).service_data8[3], 0);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
	/* Several changes of one, one on the other, are all taken back. */
	sa_client_send(&t->client[0], SIM_SET, SERVICE, WANT_ALL, &new, sizeof(new));
	sa_client_send(&t->client[0], DELETE, SERVICE, WANT_ALL, &new, sizeof(new));
	sa_client_send(&t->client[0], SIM_SET, SERVICE, WANT_ALL, &new, sizeof(new));
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(found(t, 1).service_data8[3], 0);
	memory_keeper_set_full(t->s->first.keeper, false);
	scenario_run(t->s, 5 * LOOP_SEC);
	scenario_kill_sm(t->s);
	scenario_start_sm(t->s);
	scenario_settle(t->s);
	assert_int_equal(get(t, 1, 7), 0);
	assert_int_equal(found(t, 1).service_data8[3], 0);
	assert_int_equal(get(t, 1, 8), NO_RECORDS);
	assert_int_equal(set(t, 0, &other, 0), 0);
	tear(t);
}

static void who_sends_too_much_at_once_is_told_to_wait(void **state)
{
	struct story *t = build(state);
	ib_service_record_t r;

	memory_keeper_set_delay(t->s->first.keeper, LOOP_SEC);
	for (unsigned i = 0; i <= REGISTRATIONS_OF_VF; i++) {
		r = make(t->host[0], 1 + i, EVER, 0);
		sa_client_send(&t->client[0], SIM_SET, SERVICE, WANT_ALL, &r, sizeof(r));
	}
	scenario_run(t->s, 10 * LOOP_MSEC);
	assert_int_equal(t->client[0].n_answers, 1);
	assert_int_equal(be16toh(t->client[0].answer.mad.status), SIM_BUSY);
	scenario_run(t->s, 5 * LOOP_SEC);
	assert_int_equal(t->client[0].n_answers, REGISTRATIONS_OF_VF + 1);
	assert_int_equal(get(t, 1, REGISTRATIONS_OF_VF), 0);
	assert_int_equal(get(t, 1, REGISTRATIONS_OF_VF + 1), NO_RECORDS);
	tear(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, scenario_set_up, scenario_tear_down)
		TEST(who_looks_for_it_finds_it_until_it_is_deleted),
		TEST(a_lease_ends_at_its_second),
		TEST(leases_go_on_while_we_are_away),
		TEST(a_clock_that_is_set_back_makes_no_lease_longer),
		TEST(what_was_registered_in_1970_does_not_end_with_a_restart),
		TEST(others_need_the_key_and_it_must_be_right),
		TEST(without_a_key_it_is_its_registrants_and_the_holders),
		TEST(a_gid_that_nobody_has_cannot_be_registered),
		TEST(a_partition_keeps_its_services_to_itself),
		TEST(nobody_registers_more_than_there_is_room_for_it),
		TEST(who_is_away_is_not_told_of_and_comes_back_with_all),
		TEST(who_gave_way_to_another_believes_only_what_is_registered_again),
		TEST(so_does_who_was_killed_and_comes_when_another_has_gone),
		TEST(who_is_cut_off_while_hosts_register_again_ends_nothing),
		TEST(so_does_who_was_cut_off_while_another_was_there),
		TEST(who_was_cut_off_alone_asks_nobody),
		TEST(neither_does_who_is_next_to_a_switch_that_keeps_the_lid_of_another),
		TEST(a_switch_that_lies_keeps_nobody_waiting),
		TEST(where_hosts_are_not_to_be_told_all_stays),
		TEST(it_is_answered_when_it_is_on_the_disk_and_once),
		TEST(without_memory_it_is_answered_later),
		TEST(what_was_answered_survives_a_kill),
		TEST(a_full_disk_is_no_resources_and_nothing_is_remembered),
		TEST(a_full_disk_is_said_now_and_then_however_many_come),
		TEST(who_sends_too_much_at_once_is_told_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
