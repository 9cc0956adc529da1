/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PathRecord from and to virtual functions: whose LIDs, GIDs and keys are in it; and the records of
 * virtual ports. gamma has two aliases; where a test has virtual ports, delta's first port has
 * them.
 */

#include "tests/unit/sa-ask.h"

enum {
	DGID = 2,
	SGID = 3,
	DLID = 4,
	SLID = 5,
	PKEY = 13,
};

#define VPORT_OWN    UINT64_C(0x4a1) /* index 1: has LID VPORT_LID */
#define VPORT_SHARED UINT64_C(0x4a2) /* index 2: uses the LID of index 0 */
#define VPORT_LID    0x55

static uint8_t *wanted_of(struct asking *a)
{
	return sa_data_of(&a->arrival.datagram);
}

static void want_gid(struct asking *a, unsigned bit, uint64_t guid)
{
	uint8_t *gid = wanted_of(a) + (bit == DGID ? PATH_DGID_OFFSET : PATH_SGID_OFFSET);

	want(a, bit);
	wire_set64(gid, 0, SMALL_PREFIX);
	wire_set64(gid, 1, guid);
}

static void want_lid(struct asking *a, unsigned bit, unsigned lid)
{
	want(a, bit);
	wire_set(wanted_of(a), bit == DLID ? PATH_DLID : PATH_SLID, lid);
}

static unsigned ask_path(struct asking *a, enum small_port who, uint64_t from, uint64_t to)
{
	question(a, who, METHOD_GET, ATTR_SA_PATH_RECORD);
	want_gid(a, SGID, from);
	want_gid(a, DGID, to);

	return ask(a);
}

static unsigned field(const struct asking *a, enum wire_field field)
{
	return (unsigned)wire_get(record_at(a, 0), field);
}

static void expect_gids(const struct asking *a, uint64_t from, uint64_t to)
{
	const uint8_t *path = record_at(a, 0);

	assert_true(wire_get64(path + PATH_SGID_OFFSET, 0) == SMALL_PREFIX);
	assert_true(wire_get64(path + PATH_DGID_OFFSET, 0) == SMALL_PREFIX);
	assert_true(wire_get64(path + PATH_SGID_OFFSET, 1) == from);
	assert_true(wire_get64(path + PATH_DGID_OFFSET, 1) == to);
}

static void a_path_to_an_alias_leads_to_its_port_and_names_the_alias(void **state)
{
	struct asking *a = *state;

	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, SMALL_ALIAS_9), STATUS_OK);
	expect_gids(a, 0x11, SMALL_ALIAS_9);
	assert_int_equal(field(a, PATH_SLID), 0x10);
	assert_int_equal(field(a, PATH_DLID), 0x30);
	assert_int_equal(field(a, PATH_HOP_LIMIT), 0);
	assert_int_equal(record_at(a, 0)[56], 0x80 | 18);

	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, 0x11), STATUS_OK);
	expect_gids(a, SMALL_ALIAS_1, 0x11);
	assert_int_equal(field(a, PATH_SLID), 0x30);
	assert_int_equal(field(a, PATH_DLID), 0x10);
	assert_int_equal(field(a, PATH_HOP_LIMIT), 0);
}

static void two_aliases_of_a_port_reach_each_other_at_once(void **state)
{
	struct asking *a = *state;

	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, SMALL_ALIAS_9), STATUS_OK);
	expect_gids(a, SMALL_ALIAS_1, SMALL_ALIAS_9);
	assert_int_equal(field(a, PATH_SLID), 0x30);
	assert_int_equal(field(a, PATH_DLID), 0x30);
	assert_int_equal(record_at(a, 0)[56], 0x80); /* exactly 0 */
	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, 0x31), STATUS_OK);
	expect_gids(a, SMALL_ALIAS_1, 0x31);
	assert_int_equal(record_at(a, 0)[56], 0x80);
}

/* IBA 10.9.3 holds within a port, too. */
static void two_aliases_of_a_limited_member_do_not(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_GAMMA][0] = 0x7fff;
	a->small.keys[SMALL_GAMMA][1] = 0;
	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, SMALL_ALIAS_9),
			 STATUS_SA_NO_RECORDS);
	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, SMALL_ALIAS_1), STATUS_OK);
	assert_int_equal(ask_path(a, SMALL_GAMMA, SMALL_ALIAS_1, 0x11), STATUS_OK);
}

static void a_lid_alone_is_the_port(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	want_lid(a, SLID, 0x10);
	want_lid(a, DLID, 0x30);
	assert_int_equal(ask(a), STATUS_OK);
	expect_gids(a, 0x11, 0x31);
}

static void alias_and_lid_of_its_port_agree(void **state)
{
	struct asking *a = *state;

	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	want_lid(a, SLID, 0x10);
	want_lid(a, DLID, 0x31);
	want_gid(a, DGID, SMALL_ALIAS_1);
	assert_int_equal(ask(a), STATUS_OK);
	expect_gids(a, 0x11, SMALL_ALIAS_1);
	assert_int_equal(field(a, PATH_DLID), 0x31);
	want_lid(a, DLID, 0x40);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
}

static void an_alias_that_is_gone_or_anothers_has_no_paths(void **state)
{
	struct asking *a = *state;
	struct fabric *f = &a->small.fabric;
	uint32_t gamma = a->small.port[SMALL_GAMMA];

	vf_set_guid(f, (struct endpoint){ gamma, 1 }, 0);
	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, SMALL_ALIAS_1), STATUS_SA_NO_RECORDS);
	node_of(f, gamma)->present = false;
	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, SMALL_ALIAS_9), STATUS_SA_NO_RECORDS);
}

static void who_shares_no_partition_with_the_port_has_no_path_to_its_aliases(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_DELTA_1][0] = 0x8022;
	assert_int_equal(ask_path(a, SMALL_DELTA_1, 0x41, SMALL_ALIAS_1), STATUS_SA_NO_RECORDS);
}

/* ---- virtual ports ----------------------------------------------------------------------------
 */

static void make_vport(struct asking *a, unsigned index, uint64_t guid, uint16_t lid)
{
	struct fabric *f = &a->small.fabric;
	uint32_t port = a->small.port[SMALL_DELTA_1];
	struct vf *vf = vf_at(f, port, index);

	vf->known = true;
	vf->state = PORT_ACTIVE;
	vf->lid = lid;
	wire_set(vf->info, VPORT_INFO_LID_REQUIRED, lid != 0);
	vf_set_guid(f, (struct endpoint){ port, (uint16_t)index }, guid);
	if (lid)
		f->by_lid[lid] = port;
}

static void make_vports(struct asking *a)
{
	struct fabric *f = &a->small.fabric;

	assert_int_equal(vfs_make(f, a->small.port[SMALL_DELTA_1], VF_VPORT, 3), 0);
	make_vport(a, 1, VPORT_OWN, VPORT_LID);
	make_vport(a, 2, VPORT_SHARED, 0);
	assert_int_equal(vfs_settle_guids(f), 0);
}

static void a_vport_that_shares_its_lid_is_reached_with_a_grh(void **state)
{
	struct asking *a = *state;

	make_vports(a);
	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, VPORT_SHARED), STATUS_OK);
	expect_gids(a, 0x11, VPORT_SHARED);
	assert_int_equal(field(a, PATH_DLID), 0x40);
	assert_int_equal(field(a, PATH_HOP_LIMIT), a->small.conf.virtual_hop_limit);
	assert_int_equal(ask_path(a, SMALL_DELTA_1, VPORT_SHARED, 0x11), STATUS_OK);
	assert_int_equal(field(a, PATH_HOP_LIMIT), a->small.conf.virtual_hop_limit);
	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, 0x41), STATUS_OK);
	assert_int_equal(field(a, PATH_HOP_LIMIT), 0);
}

static void a_vport_with_a_lid_of_its_own_is_reached_by_that(void **state)
{
	struct asking *a = *state;

	make_vports(a);
	assert_int_equal(ask_path(a, SMALL_ALPHA, 0x11, VPORT_OWN), STATUS_OK);
	expect_gids(a, 0x11, VPORT_OWN);
	assert_int_equal(field(a, PATH_DLID), VPORT_LID);
	assert_int_equal(field(a, PATH_HOP_LIMIT), 0);
	/* And found by it. */
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	want_lid(a, SLID, 0x10);
	want_lid(a, DLID, VPORT_LID);
	assert_int_equal(ask(a), STATUS_OK);
	expect_gids(a, 0x11, VPORT_OWN);
	/* It is not that of the port. */
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	want_gid(a, SGID, 0x11);
	want_gid(a, DGID, VPORT_OWN);
	want_lid(a, DLID, 0x40);
	assert_int_equal(ask(a), STATUS_SA_REQ_INVALID);
}

/* ---- who asks ---------------------------------------------------------------------------------
 */

static void ask_as(struct asking *a, uint16_t lid, uint64_t guid)
{
	a->arrival.from.lid = lid;
	a->arrival.from.has_grh = guid != 0;
	wire_set64(a->arrival.from.gid, 0, SMALL_PREFIX);
	wire_set64(a->arrival.from.gid, 1, guid);
}

/* @from is asked for by who has it, and sees what its own keys let it see. */
static unsigned ask_own_path(struct asking *a, uint16_t lid, uint64_t from, uint64_t to)
{
	question(a, SMALL_DELTA_1, METHOD_GET, ATTR_SA_PATH_RECORD);
	ask_as(a, lid, from);
	want_gid(a, SGID, from);
	want_gid(a, DGID, to);

	return ask(a);
}

static void a_vport_sees_by_its_own_keys(void **state)
{
	struct asking *a = *state;

	make_vports(a);
	a->small.vf_key = 0x8777;
	/* alpha has no such key; the port of the vports has one in common with it. */
	assert_int_equal(ask_own_path(a, 0x40, 0, 0x11), STATUS_SA_NO_RECORDS);
	assert_int_equal(ask_own_path(a, 0x40, 0x41, 0x11), STATUS_OK);
	assert_int_equal(ask_own_path(a, VPORT_LID, VPORT_OWN, 0x11), STATUS_SA_NO_RECORDS);
	assert_int_equal(ask_own_path(a, 0x40, VPORT_SHARED, 0x11), STATUS_SA_NO_RECORDS);
	assert_int_equal(ask_own_path(a, 0x40, VPORT_SHARED, VPORT_OWN), STATUS_OK);
	assert_int_equal(field(a, PATH_PKEY), 0x8777);
	/* Who is behind another LID does not count. */
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PATH_RECORD);
	ask_as(a, 0x10, VPORT_SHARED);
	want_gid(a, SGID, VPORT_SHARED);
	want_gid(a, DGID, VPORT_OWN);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

/* ---- records of virtual ports -----------------------------------------------------------------
 */

static void a_vport_with_a_lid_of_its_own_has_a_node_record(void **state)
{
	struct asking *a = *state;
	struct vf *vf;
	const uint8_t *info;

	make_vports(a);
	vf = vf_at(&a->small.fabric, a->small.port[SMALL_DELTA_1], 1);
	vf->node_guid = 0x4a0;
	vf->partition_cap = 77;
	strcpy(vf->description, "guest");
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);
	want(a, 0);
	wire_set(wanted_of(a), NODE_RECORD_LID, VPORT_LID);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0) + NODE_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 0), NODE_RECORD_LID), VPORT_LID);
	assert_int_equal(wire_get(info, NODE_INFO_TYPE), NODE_TYPE_CA);
	assert_int_equal(wire_get(info, NODE_INFO_PORTS), 1);
	assert_int_equal(wire_get(info, NODE_INFO_NODE_GUID), 0x4a0);
	assert_true(wire_get(info, NODE_INFO_PORT_GUID) == VPORT_OWN);
	assert_int_equal(wire_get(info, NODE_INFO_PARTITION_CAP), 77);
	assert_string_equal(record_at(a, 0) + NODE_RECORD_DESCRIPTION_OFFSET, "guest");
	/* The port's own LID is the port's. */
	wire_set(wanted_of(a), NODE_RECORD_LID, 0x40);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(wire_get(record_at(a, 0) + NODE_RECORD_INFO_OFFSET, NODE_INFO_PORT_GUID),
			 0x41);
	/* By its GUID, and not where it shares no key. */
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_NODE_RECORD);
	want(a, 8);
	wire_set(wanted_of(a) + NODE_RECORD_INFO_OFFSET, NODE_INFO_PORT_GUID, VPORT_OWN);
	assert_int_equal(ask(a), STATUS_OK);
	a->small.vf_key = 0x8777;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	a->small.vf_key = 0;
	vf->state = PORT_DOWN;
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
	/* Who shares a LID has none. */
	wire_set(wanted_of(a) + NODE_RECORD_INFO_OFFSET, NODE_INFO_PORT_GUID, VPORT_SHARED);
	assert_int_equal(ask(a), STATUS_SA_NO_RECORDS);
}

static void a_vport_with_a_lid_of_its_own_has_a_port_record(void **state)
{
	struct asking *a = *state;
	struct vf *vf;
	const uint8_t *info;

	make_vports(a);
	vf = vf_at(&a->small.fabric, a->small.port[SMALL_DELTA_1], 1);
	wire_set(vf->info, VPORT_INFO_CAPABILITIES, 0x0001 | 0x0004); /* CM, device management */
	question(a, SMALL_ALPHA, METHOD_GET, ATTR_SA_PORT_RECORD);
	want(a, 0);
	wire_set(wanted_of(a), PORT_RECORD_LID, VPORT_LID);
	assert_int_equal(ask(a), STATUS_OK);
	info = record_at(a, 0) + PORT_RECORD_INFO_OFFSET;
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_LID), VPORT_LID);
	assert_int_equal(wire_get(record_at(a, 0), PORT_RECORD_PORT), 1);
	assert_int_equal(wire_get(info, PORT_INFO_LID), VPORT_LID);
	assert_int_equal(wire_get(info, PORT_INFO_LMC), 0);
	assert_int_equal(wire_get(info, PORT_INFO_STATE), PORT_ACTIVE);
	assert_int_equal(wire_get(info, PORT_INFO_CAPABILITIES) & 0x1f0402, 1u << 16 | 1u << 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(a_path_to_an_alias_leads_to_its_port_and_names_the_alias),
		asking_test(two_aliases_of_a_port_reach_each_other_at_once),
		asking_test(two_aliases_of_a_limited_member_do_not),
		asking_test(a_lid_alone_is_the_port),
		asking_test(alias_and_lid_of_its_port_agree),
		asking_test(an_alias_that_is_gone_or_anothers_has_no_paths),
		asking_test(who_shares_no_partition_with_the_port_has_no_path_to_its_aliases),
		asking_test(a_vport_that_shares_its_lid_is_reached_with_a_grh),
		asking_test(a_vport_with_a_lid_of_its_own_is_reached_by_that),
		asking_test(a_vport_sees_by_its_own_keys),
		asking_test(a_vport_with_a_lid_of_its_own_has_a_node_record),
		asking_test(a_vport_with_a_lid_of_its_own_has_a_port_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
