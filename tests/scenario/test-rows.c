/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Rows of the store of which nothing can be made: as after a loss of pages, or when somebody else
 * wrote there. They are left out, leave the store at once, and the journal is told once how many
 * they were; what is right stays.
 */

#include "tests/scenario/scenario.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/macros.h"
#include "sm/machine.h"
#include "sm/multicast.h"
#include "tests/scenario/joiner.h"
#include "tests/scenario/keeper.h"
#include "tests/scenario/sa-client.h"

enum {
	SERVICE = 0x0031,
	WANT_RECORD = 1 | 2 | 4 | 16 | 64, /* ServiceID, GID, P_Key, lease and name */
	INFORM_INFO = 0x0003,
	ALL = KEPT_REGISTRATION_KIND_COUNT,
	ROWS_MAX = 64,
};

/* What is in the store. */
struct rows {
	unsigned n[ALL];
	unsigned n_all;
	struct kept_registration row[ROWS_MAX]; /* the first of them */
	uint8_t blob[ROWS_MAX][KEEP_REGISTRATION_MAX];
};

static struct keeper *keeper_of(struct scenario *s)
{
	return memory_keeper_keeper(s->first.keeper);
}

static void note(void *user, const struct kept_registration *kept)
{
	struct rows *rows = user;
	unsigned i = rows->n_all++;

	rows->n[kept->kind]++;
	if (i >= ROWS_MAX)
		return;
	memcpy(rows->blob[i], kept->blob, kept->size);
	rows->row[i] = *kept;
	rows->row[i].blob = rows->blob[i];
}

static void look(struct scenario *s, struct rows *ret)
{
	static const struct keep_reader reader = { .registration = note };

	memset(ret, 0, sizeof(*ret));
	memory_keeper_flush(s->first.keeper);
	keep_read(keeper_of(s), &reader, ret);
}

static void put(struct scenario *s, struct kept_registration row)
{
	assert_int_equal(keep_registration(keeper_of(s), &row), 0);
}

/* What the journal was told of rows. */
struct said {
	unsigned n, n_warnings;
	char last[256];
};

static void on_log(enum log_level level, const struct log_where *where, const char *text,
		   void *user)
{
	struct said *said = user;

	(void)where;
	said->n_warnings += level <= LOG_LEVEL_WARNING;
	if (!strstr(text, "Registrations in the state directory"))
		return;
	said->n++;
	snprintf(said->last, sizeof(said->last), "%s", text);
}

static struct said start(struct scenario *s)
{
	struct said said = { 0 };

	memory_keeper_flush(s->first.keeper);
	log_set_sink(on_log, &said);
	scenario_start_sm(s);
	scenario_settle(s);
	log_set_sink(NULL, NULL);
	return said;
}

/* A host registers a service, subscribes, and joins a group of its own making. */
static void register_one_of_each(struct scenario *s)
{
	struct sim_port *host = scenario_host(s, 1);
	ib_service_record_t service = { .service_id = htobe64(7),
					.service_lease = htobe32(UINT32_MAX),
					.service_pkey = htobe16(sa_default_pkey(host)),
					.service_name = "seven" };
	ib_inform_info_t info = {
		.lid_range_begin = 0xffff, .is_generic = 1, .subscribe = 1, .trap_type = 0xffff
	};
	ib_member_rec_t member = joiner_other(host, host->guid, 0x7fff, 9, 1);
	struct sa_client client;
	struct joiner joiner;

	service.service_gid.unicast.prefix = host->info.subnet_prefix;
	service.service_gid.unicast.interface_id = htobe64(host->guid);
	info.g_or_v.generic.trap_num = htobe16(64);
	info.g_or_v.generic.node_type_lsb = 0xffff;
	info.g_or_v.generic.node_type_msb = 0xff;
	sa_client_open(&client, host, 0, 1);
	assert_int_equal(
		sa_client_ask(s, &client, SIM_SET, SERVICE, WANT_RECORD, &service, sizeof(service)),
		0);
	assert_int_equal(sa_client_ask(s, &client, SIM_SET, INFORM_INFO, 0xff, &info, sizeof(info)),
			 0);
	sa_client_close(&client);
	joiner_open(&joiner, host);
	assert_true(joiner_send(&joiner, SIM_SET, &member, MCM_MASK_OTHER));
	scenario_run(s, LOOP_SEC);
	assert_true(joiner.answered);
	assert_int_equal(joiner.status, 0);
	joiner_close(&joiner);
}

static bool can_be_damaged(enum kept_registration_kind kind)
{
	return kind != KEPT_REGISTRAR;
}

static void damaged_rows_and_doubles_leave_the_store(void **state)
{
	struct scenario *s = *state;
	struct rows before, after;
	struct said said;

	register_one_of_each(s);
	scenario_stop_sm(s);
	look(s, &before);
	assert_int_equal(before.n[KEPT_SERVICE], 1);
	assert_int_equal(before.n[KEPT_SUBSCRIPTION], 1);
	assert_int_equal(before.n[KEPT_GROUP], 1);
	assert_int_equal(before.n[KEPT_GROUP_MEMBER], 1);
	for (unsigned i = 0; i < before.n_all; i++) {
		struct kept_registration row = before.row[i];

		if (!can_be_damaged(row.kind))
			continue;
		row.id += 1000; /* the same of the same once more */
		put(s, row);
		row.id += 1000;
		row.size--;
		put(s, row);
		row.id += 1000;
		row.size = before.row[i].size;
		row.blob = (uint8_t[KEEP_REGISTRATION_MAX]){ 0 };
		put(s, row);
	}
	said = start(s);
	assert_int_equal(said.n, 1);
	assert_non_null(strstr(said.last, "3 services, 3 subscriptions, 3 multicast groups, "
					  "3 members, 0 places"));
	look(s, &after);
	assert_memory_equal(after.n, before.n, sizeof(after.n));
	assert_int_equal(scenario_master(s)->sm->services.n, 1);
	assert_int_equal(scenario_master(s)->sm->subscriptions.n, 1);

	/* What is in memory is what is in the store: nothing more is to be said or dropped. */
	scenario_stop_sm(s);
	said = start(s);
	assert_int_equal(said.n, 0);
	look(s, &after);
	assert_memory_equal(after.n, before.n, sizeof(after.n));
}

/* Who is away has its LID, until others need it; the operator may take it, too. */
static void of_who_is_gone_for_good_nothing_is_left(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host = scenario_host(s, 1);
	uint64_t guid = host->guid;
	struct rows before, after;

	register_one_of_each(s);
	scenario_stop_sm(s);
	scenario_pull(s, host);
	start(s);
	look(s, &before);
	assert_int_equal(before.n[KEPT_SERVICE], 1);
	assert_int_equal(before.n[KEPT_SUBSCRIPTION], 1);
	scenario_stop_sm(s);
	assert_int_equal(keep_identity(keeper_of(s), &(struct kept_identity){ .guid = guid }), 0);
	start(s);
	look(s, &after);
	assert_int_equal(after.n[KEPT_SERVICE], 0);
	assert_int_equal(after.n[KEPT_SUBSCRIPTION], 0);
}

/* What it registered is its own all the same when somebody who is there has lost its row. */
static void who_is_there_and_has_no_row_keeps_all(void **state)
{
	struct scenario *s = *state;
	struct rows after;

	register_one_of_each(s);
	scenario_stop_sm(s);
	assert_int_equal(
		keep_identity(keeper_of(s),
			      &(struct kept_identity){ .guid = scenario_host(s, 1)->guid }),
		0);
	start(s);
	look(s, &after);
	assert_int_equal(after.n[KEPT_SERVICE], 1);
	assert_int_equal(after.n[KEPT_SUBSCRIPTION], 1);
}

/* Nor of where it was. */
static void whose_lid_is_not_its_own_any_more_has_no_place(void **state)
{
	struct scenario *s = *state;
	struct sim_port *host = scenario_host(s, 1);
	struct rows rows;

	scenario_power_off(s, host->node);
	scenario_settle(s);
	look(s, &rows);
	assert_int_equal(rows.n[KEPT_AWAY], 1);
	scenario_stop_sm(s);
	assert_int_equal(keep_identity(keeper_of(s), &(struct kept_identity){ .guid = host->guid }),
			 0);
	start(s);
	look(s, &rows);
	assert_int_equal(rows.n[KEPT_AWAY], 0);
}

static void of_places_of_switches_that_are_away_too(void **state)
{
	static const uint8_t zeros[AWAY_BLOB_SIZE];
	struct scenario *s = *state;
	struct said said;
	struct rows after;

	scenario_stop_sm(s);
	put(s, (struct kept_registration){ KEPT_AWAY, 1, 0, zeros, sizeof(zeros) });
	put(s, (struct kept_registration){ KEPT_AWAY, 2, 0, zeros, 7 });
	put(s, (struct kept_registration){ KEPT_AWAY, 3, 0, zeros, AWAY_VPORT_SIZE });
	put(s, (struct kept_registration){ KEPT_AWAY, 4, 0, zeros, AWAY_ABSENT_SIZE });
	said = start(s);
	assert_non_null(strstr(said.last, "4 places"));
	look(s, &after);
	assert_int_equal(after.n[KEPT_AWAY], 0);
}

static void keep_nonsense(struct scenario *s, enum kept_registration_kind kind, uint64_t id,
			  uint32_t size)
{
	uint8_t blob[MEMBER_BLOB_SIZE] = { 0 };
	struct group_member member = { .guid = 0x1000 + id, .states = 1 };
	static const uint8_t mgid[16] = { 0xff, 0x12, [15] = 9 };

	if (kind == KEPT_GROUP_MEMBER)
		group_member_to_blob(&member, mgid, blob);
	put(s, (struct kept_registration){ .kind = kind, .id = id, .blob = blob, .size = size });
}

/* Members of no group, and what else cannot be. */
static void many_of_them_are_not_many_lines(void **state)
{
	struct scenario *s = *state;
	struct rows before, after;
	struct said said;

	scenario_stop_sm(s);
	look(s, &before);
	for (uint64_t i = 1; i <= 1000; i++) {
		keep_nonsense(s, KEPT_GROUP_MEMBER, i, MEMBER_BLOB_SIZE);
		keep_nonsense(s, KEPT_GROUP, i, 7);
		keep_nonsense(s, KEPT_SERVICE, i, 7);
		keep_nonsense(s, KEPT_SUBSCRIPTION, i, 7);
	}
	said = start(s);
	assert_in_range(said.n, 1, 2); /* who has no group is known later */
	assert_in_range(said.n_warnings, 1, 20);
	look(s, &after);
	assert_int_equal(after.n_all, before.n_all);
	register_one_of_each(s);
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(name, scenario_set_up_running, scenario_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(damaged_rows_and_doubles_leave_the_store),
		TEST(of_who_is_gone_for_good_nothing_is_left),
		TEST(who_is_there_and_has_no_row_keeps_all),
		TEST(whose_lid_is_not_its_own_any_more_has_no_place),
		TEST(of_places_of_switches_that_are_away_too),
		TEST(many_of_them_are_not_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
