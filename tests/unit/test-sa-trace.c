/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * TraceRecord: which nodes, by which ports, in which order, and who is told whose they are.
 */

#include "tests/unit/sa-ask.h"

enum {
	DGID = 2,
	SGID = 3,
	DLID = 4,
	NUMB_PATH = 12,
};

#define MASK UINT64_C(0x55555555)

static void by_gid(struct asking *a, enum small_port who, enum small_port from, enum small_port to)
{
	uint8_t *wanted = question(a, who, METHOD_GET_TRACE_TABLE, ATTR_SA_TRACE_RECORD);

	want(a, SGID);
	wire_set64(wanted + PATH_SGID_OFFSET, 0, SMALL_PREFIX);
	wire_set64(wanted + PATH_SGID_OFFSET, 1, a->small.guid[from]);
	want(a, DGID);
	wire_set64(wanted + PATH_DGID_OFFSET, 0, SMALL_PREFIX);
	wire_set64(wanted + PATH_DGID_OFFSET, 1, a->small.guid[to]);
}

static struct node *node_at(struct asking *a, enum small_port at)
{
	struct fabric *f = &a->small.fabric;

	return &f->nodes[f->ports[a->small.port[at]].node];
}

static uint64_t id_in(const struct asking *a, unsigned n, enum wire_field field)
{
	return wire_get(record_at(a, n), field) ^ MASK;
}

struct step {
	enum small_port at;
	unsigned entry, exit;       /* numbers, of a switch */
	uint64_t entry_id, exit_id; /* GUIDs, of who is none */
};

static void check_steps(struct asking *a, const struct step *steps, unsigned n)
{
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), n);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *record = record_at(a, i);
		const struct node *node = node_at(a, steps[i].at);

		assert_true(id_in(a, i, TRACE_GID_PREFIX) == SMALL_PREFIX);
		assert_int_equal(wire_get(record, TRACE_ID_GENERATION), 0);
		assert_int_equal(wire_get(record, TRACE_NODE_TYPE), node->type);
		assert_true(id_in(a, i, TRACE_NODE_ID) == node->guid);
		assert_true(id_in(a, i, TRACE_CHASSIS_ID) == node->system_guid);
		assert_int_equal(wire_get(record, TRACE_ENTRY_PORT), steps[i].entry);
		assert_int_equal(wire_get(record, TRACE_EXIT_PORT), steps[i].exit);
		assert_true(id_in(a, i, TRACE_ENTRY_PORT_ID) == steps[i].entry_id);
		assert_true(id_in(a, i, TRACE_EXIT_PORT_ID) == steps[i].exit_id);
	}
}

static void a_trace_tells_the_nodes_of_the_way_in_order(void **state)
{
	struct asking *a = *state;
	const uint64_t *guid = a->small.guid;
	const struct step steps[] = {
		{ SMALL_ALPHA, .exit_id = guid[SMALL_ALPHA] },
		{ SMALL_WEST, .entry = 1, .exit = SMALL_TRUNK },
		{ SMALL_EAST, .entry = SMALL_TRUNK, .exit = 1 },
		{ SMALL_GAMMA, .entry_id = guid[SMALL_GAMMA] },
	};

	node_at(a, SMALL_WEST)->system_guid = 0x5e57;
	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_GAMMA);
	check_steps(a, steps, COUNT(steps));
	/* That there are more pairs of LIDs makes it no longer. */
	want(a, NUMB_PATH);
	wire_set(sa_data_of(&a->arrival.datagram), PATH_NUMB_PATH, 32);
	check_steps(a, steps, COUNT(steps));
}

static void a_trace_begins_and_ends_in_switches_too(void **state)
{
	struct asking *a = *state;
	const struct step out[] = {
		{ SMALL_WEST, .exit = SMALL_TRUNK },
		{ SMALL_EAST, .entry = SMALL_TRUNK, .exit = 2 },
		{ SMALL_DELTA_2, .entry_id = a->small.guid[SMALL_DELTA_2] },
	};
	const struct step in[] = {
		{ SMALL_DELTA_1, .exit_id = a->small.guid[SMALL_DELTA_1] },
		{ SMALL_WEST, .entry = 3, .exit = SMALL_TRUNK },
		{ SMALL_EAST, .entry = SMALL_TRUNK },
	};
	const struct step none[] = { { SMALL_ALPHA, .exit = 0 } };

	by_gid(a, SMALL_ALPHA, SMALL_WEST, SMALL_DELTA_2);
	check_steps(a, out, COUNT(out));
	by_gid(a, SMALL_ALPHA, SMALL_DELTA_1, SMALL_EAST);
	check_steps(a, in, COUNT(in));
	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_ALPHA);
	check_steps(a, none, COUNT(none));
}

static void whose_a_switch_is_only_those_are_told_who_see_it(void **state)
{
	struct asking *a = *state;

	for (unsigned k = 0; k < SMALL_KEYS; k++)
		a->small.keys[SMALL_EAST][k] = 0;
	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 4);
	assert_true(id_in(a, 1, TRACE_NODE_ID) == node_at(a, SMALL_WEST)->guid);
	assert_true(id_in(a, 2, TRACE_NODE_ID) == 0);
	assert_true(id_in(a, 2, TRACE_CHASSIS_ID) == 0);
	assert_int_equal(wire_get(record_at(a, 2), TRACE_EXIT_PORT), 1);
}

static void of_who_is_not_seen_there_is_no_trace(void **state)
{
	struct asking *a = *state;

	a->small.keys[SMALL_GAMMA][0] = 0x8007;
	by_gid(a, SMALL_BETA, SMALL_ALPHA, SMALL_GAMMA);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
}

static void a_trace_needs_both_ends_and_neither_is_a_group(void **state)
{
	struct asking *a = *state;
	uint8_t *wanted;

	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_GAMMA);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, UINT64_C(1) << SGID);
	assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
	wire_set(&a->arrival.datagram, SA_COMP_MASK, UINT64_C(1) << DGID);
	assert_int_equal(ask(a), STATUS_SA_INSUFFICIENT_COMPONENTS);
	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_GAMMA);
	sa_data_of(&a->arrival.datagram)[PATH_DGID_OFFSET] = 0xff;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
	wanted = question(a, SMALL_ALPHA, METHOD_GET_TRACE_TABLE, ATTR_SA_TRACE_RECORD);
	want(a, DLID);
	wire_set(wanted, PATH_DLID, 0xc022);
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
}

static void where_there_is_no_way_there_is_no_trace(void **state)
{
	struct asking *a = *state;

	by_gid(a, SMALL_ALPHA, SMALL_ALPHA, SMALL_GAMMA);
	a->small.loops = true;
	assert_int_equal(ask(a), STATUS_OK);
	assert_int_equal(n_records(a), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		asking_test(a_trace_tells_the_nodes_of_the_way_in_order),
		asking_test(a_trace_begins_and_ends_in_switches_too),
		asking_test(whose_a_switch_is_only_those_are_told_who_see_it),
		asking_test(of_who_is_not_seen_there_is_no_trace),
		asking_test(a_trace_needs_both_ends_and_neither_is_a_group),
		asking_test(where_there_is_no_way_there_is_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
