/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What the control socket says of virtual functions, without the socket: one line in, one out, over
 * the made-up fabric of fake-sm.h.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/macros.h"
#include "ctl/protocol.h"
#include "ctl/rpc.h"
#include "sm/vf.h"
#include "tests/unit/fake-sm.h"
#include "tests/unit/loop-poll.h"

#define VFS_OF_FAT_TREE 21384 /* of 11,664 hosts, and then some */

struct fixture {
	struct loop *loop;
	struct fake *fake;
	struct rpc rpc;
	struct rpc_client client;
	json_t *answer;
	size_t size; /* of it as text */
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct control_setup setup;

	assert_non_null(f);
	f->loop = loop_poll_new();
	f->fake = fake_new(f->loop);
	fake_add_vfs(f->fake);
	setup = (struct control_setup){ .sm = &f->fake->sm, .unix_at_zero = LOOP_SEC };
	rpc_init(&f->rpc, f->loop, &setup);
	f->client.role = ROLE_READER;
	*state = f;

	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;

	json_decref(f->answer);
	rpc_done(&f->rpc);
	fake_free(f->fake);
	loop_poll_free(f->loop);
	free(f);

	return 0;
}

/* -- asking -------------------------------------------------------------------------------------
 */

static void say(struct fixture *f, const char *method, const char *params)
{
	AUTO(freep) char *answer = NULL;
	char line[512];

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"%s\",\"params\":%s}", method, params);
	answer = rpc_answer(&f->rpc, &f->client, line, strlen(line));
	assert_non_null(answer);
	json_decref(f->answer);
	f->size = strlen(answer);
	f->answer = json_loads(answer, 0, NULL);
}

static json_t *ask(struct fixture *f, const char *method, const char *params)
{
	json_t *result;

	say(f, method, params);
	result = json_object_get(f->answer, "result");
	if (!result)
		fail_msg("%s %s: %s", method, params, json_dumps(f->answer, 0));

	return result;
}

static void ask_wrongly(struct fixture *f, const char *params, enum protocol_error code,
			const char *part)
{
	const json_t *error;
	const char *message;

	say(f, "explain", params);
	error = json_object_get(f->answer, "error");
	message = json_string_value(json_object_get(error, "message"));
	if (!message || !strstr(message, part) ||
	    json_integer_value(json_object_get(error, "code")) != code)
		fail_msg("%s: %s", params, json_dumps(f->answer, 0));
}

static json_t *explain(struct fixture *f, const char *what)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"what\":\"%s\"}", what);

	return ask(f, "explain", params);
}

static json_t *explain_vf(struct fixture *f, const char *what)
{
	return json_object_get(explain(f, what), "vf");
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "(no text)";
}

static json_int_t number(const json_t *object, const char *key)
{
	if (!json_is_integer(json_object_get(object, key)))
		fail_msg("%s is not a number", key);

	return json_integer_value(json_object_get(object, key));
}

static bool is_null(const json_t *object, const char *key)
{
	return json_is_null(json_object_get(object, key));
}

static json_t *list(struct fixture *f, const char *params)
{
	return json_object_get(ask(f, "vfs", params), "vfs");
}

static const json_t *row(const json_t *rows, unsigned n)
{
	return json_array_get(rows, n);
}

static bool has_line(const json_t *vf, const char *part)
{
	json_t *line;
	size_t i;

	json_array_foreach(json_object_get(vf, "commands"), i,
			   line) if (strstr(json_string_value(line), part)) return true;

	return false;
}

static uint32_t pf_of(struct fixture *f, uint64_t guid)
{
	return fabric_find_port(f->fake->fabric, guid);
}

static struct vf *vf_of_host1(struct fixture *f, unsigned index)
{
	return vf_at(f->fake->fabric, pf_of(f, 0x101), index);
}

/* -- the list -----------------------------------------------------------------------------------
 */

static void rows_of_all_models_have_the_same_members(void **state)
{
	static const char *const members[] = { "guid",  "gid",    "lid",   "lid_source",
					       "model", "pf",     "index", "pkeys",
					       "state", "reason", "since" };
	const json_t *rows = list(*state, "{}"), *one;
	size_t i;

	assert_int_equal(json_array_size(rows), 11);
	json_array_foreach((json_t *)(uintptr_t)rows, i,
			   one) for (size_t m = 0; m < COUNT(members);
				     m++) if (!json_object_get(one, members[m]))
		fail_msg("row %zu has no %s", i, members[m]);
	one = row(rows, 0);
	assert_string_equal(text(one, "guid"), "0x1200010000000101");
	assert_string_equal(text(one, "gid"), "fe80:0000:0000:0000:1200:0100:0000:0101");
	assert_int_equal(number(one, "lid"), 20);
	assert_string_equal(text(one, "lid_source"), "own");
	assert_string_equal(text(one, "model"), "vport");
	assert_string_equal(text(one, "pf"), "0x0000000000000101");
	assert_string_equal(text(one, "pf_name"), "host1 HCA-1");
	assert_int_equal(number(one, "index"), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(one, "pkeys"), 0)),
			    "0x8002");
	assert_string_equal(text(one, "state"), "active");
	assert_string_equal(text(one, "reason"), "none");
	assert_int_equal(number(one, "since_seconds"), 60);
}

static void the_lid_has_a_source(void **state)
{
	struct fixture *f = *state;
	const json_t *rows;

	wire_set(vf_of_host1(f, 2)->info, VPORT_INFO_LID_INDEX, 2);
	rows = list(f, "{}");
	assert_true(is_null(row(rows, 1), "lid_source"));
	assert_int_equal(number(row(rows, 1), "lid"), 0);
	assert_string_equal(text(row(rows, 2), "lid_source"), "port");
	assert_string_equal(text(row(rows, 6), "lid_source"), "vport 1");
	assert_int_equal(number(row(rows, 6), "lid"), 20);
	assert_string_equal(text(row(rows, 7), "lid_source"), "port");
	assert_int_equal(number(row(rows, 7), "lid"), 5);
	assert_true(is_null(row(rows, 9), "lid_source"));
	assert_string_equal(text(row(rows, 10), "lid_source"), "own");
	assert_int_equal(number(row(rows, 10), "lid"), 12);
}

static void an_index_that_nobody_uses_is_no_function(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vfs_make(f->fake->fabric, pf_of(f, 0x101), VF_VPORT, 100), 0);
	assert_int_equal(json_array_size(list(f, "{}")), 11);
	f->fake->fabric->nodes[f->fake->fabric->ports[pf_of(f, 0x101)].node].present = false;
	assert_int_equal(json_array_size(list(f, "{}")), 4);
}

static void the_list_is_restricted_to_what_is_asked_for(void **state)
{
	static const struct {
		const char *params;
		size_t n;
	} cases[] = {
		{ "{\"of\":\"active\"}", 5 },
		{ "{\"of\":\"init\"}", 3 },
		{ "{\"of\":\"down\"}", 3 },
		{ "{\"of\":\"armed\"}", 0 },
		{ "{\"of\":\"vport\"}", 7 },
		{ "{\"of\":\"shared\"}", 2 },
		{ "{\"of\":\"vswitch\"}", 2 },
		{ "{\"of\":\"vf-no-guid\"}", 2 },
		{ "{\"of\":\"host1\"}", 7 },
		{ "{\"of\":\"host1/1\"}", 7 },
		{ "{\"of\":\"0x0000000000000101\"}", 7 },
		{ "{\"of\":\"20\"}", 1 },
		{ "{\"of\":\"0x1400010000000201\"}", 1 },
		{ "{\"of\":\"host1/vf3\"}", 1 },
		{ "{\"of\":\"host3\"}", 0 },
		{ "{\"of\":\"guesthost HCA-1\"}", 2 },
		{ "{\"of\":\"guesthost vswitch\"}", 2 },
		{ "{\"of\":\"10\"}", 2 },
		{ "{\"of\":\"guesthost vswitch/3\"}", 1 },
		{ "{\"of\":\"guest1\"}", 1 },
		{ "{\"of\":\"leaf1\"}", 0 },
		{ "{\"not_active\":true}", 5 },
		{ "{\"not_active\":true,\"of\":\"host1\"}", 3 },
		{ "{\"not_active\":true,\"of\":\"host1/vf5\"}", 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		if (json_array_size(list(*state, cases[i].params)) != cases[i].n)
			fail_msg("%s: %zu, not %zu", cases[i].params,
				 json_array_size(list(*state, cases[i].params)), cases[i].n);
}

/* 84 adapters with as many functions and as many P_Keys as they can have. */
static void make_many(struct fixture *f)
{
	struct fabric *fabric = f->fake->fabric;
	uint8_t block[SMP_DATA_SIZE];

	for (unsigned i = 0; i < PKEY_BLOCK; i++)
		wire_set16(block, i, (uint16_t)(0x8001 + i));
	fake_grow(f->fake, 84);
	for (unsigned i = 0; i < 84; i++) {
		uint32_t port = pf_of(f, 0x1000001 + 0x100 * i);

		assert_int_equal(vfs_make(fabric, port, VF_VPORT, 256), 0);
		for (unsigned n = 1; n < 256; n++) {
			struct vf *vf = vf_at(fabric, port, n);

			vf_set_guid(fabric, (struct endpoint){ port, (uint16_t)n },
				    UINT64_C(0x8000000000000000) + port * VFS_MAX + n);
			vf->state = PORT_INITIALIZE;
			vf->reason = REASON_VF_NO_PARTITION;
			for (unsigned b = 0; b < 8; b++)
				assert_int_equal(pkey_table_set_block(&vf->pkeys, b, block), 0);
		}
	}
}

static void as_many_as_a_large_fabric_has_come_in_pages(void **state)
{
	struct fixture *f = *state;
	json_int_t next = 0, last = -1;
	unsigned n = 0, pages = 0;

	make_many(f);
	do {
		const json_t *result;
		char params[64];

		snprintf(params, sizeof(params), "{\"of\":\"vf-no-partition\",\"from\":%lld}",
			 (long long)next);
		result = ask(f, "vfs", params);
		assert_in_range(f->size, 1, PROTOCOL_ANSWER_MAX / 2);
		n += (unsigned)json_array_size(json_object_get(result, "vfs"));
		next = json_integer_value(json_object_get(result, "next"));
		assert_true(next == 0 || next > last);
		last = next;
		pages++;
	} while (next != 0);
	assert_int_equal(n, 84 * 255);
	assert_true(n >= VFS_OF_FAT_TREE);
	assert_int_equal(pages, (n + 255) / 256);
	assert_int_equal(number(ask(f, "status", "{}"), "vfs_not_active"), n + 5);
	/* All of one adapter at once, too. */
	explain(f, "0x0000000001000001");
	assert_in_range(f->size, 255 * 100, PROTOCOL_ANSWER_MAX / 2);
}

static void status_counts_what_the_list_shows(void **state)
{
	struct fixture *f = *state;
	const json_t *status = ask(f, "status", "{}");
	struct sm *sm = f->fake->sm;

	assert_int_equal(number(status, "vfs_active"), 5);
	assert_int_equal(number(status, "vfs_not_active"), 5);
	f->fake->sm = NULL;
	status = ask(f, "status", "{}");
	assert_int_equal(number(status, "vfs_active"), 0);
	assert_int_equal(number(status, "vfs_not_active"), 0);
	f->fake->sm = sm;
}

/* -- how one is ---------------------------------------------------------------------------------
 */

static void what_is_not_active_has_a_reason_before_anybody_gave_one(void **state)
{
	struct fixture *f = *state;
	struct vf *vf = vf_of_host1(f, 2);
	struct port *pf = &f->fake->fabric->ports[pf_of(f, 0x101)];

	vf->state = PORT_ARMED;
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "reason"), "in-progress");
	vf->state = PORT_DOWN;
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "reason"), "vf-not-started");
	vf->duplicate = true;
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "reason"), "vf-duplicate-guid");
	vf->duplicate = false;
	vf->state = PORT_INITIALIZE;
	vf_set_guid(f->fake->fabric, (struct endpoint){ pf_of(f, 0x101), 2 }, 0);
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "reason"), "vf-no-guid");
	vf->state = PORT_ACTIVE;
	wire_set(pf->info, PORT_INFO_STATE, PORT_INITIALIZE);
	pf->reason = REASON_SET_REFUSED;
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "reason"), "vf-pf-down");
	assert_string_equal(text(explain_vf(f, "host1/vf2"), "state"), "init");
	assert_string_equal(
		text(json_object_get(explain_vf(f, "host1/vf2"), "pf_problem"), "reason"),
		"set-refused");
	assert_int_equal(number(explain_vf(f, "host1/vf2"), "since_seconds"), 60);
}

static void what_is_enabled_and_down_waits_to_be_started(void **state)
{
	struct fixture *f = *state;
	struct port *pf = &f->fake->fabric->ports[pf_of(f, 0x401)];
	const json_t *vf;

	assert_int_equal(vfs_make(f->fake->fabric, pf_of(f, 0x401), VF_VPORT, 4), 0);
	assert_int_equal(json_array_size(list(f, "{\"of\":\"host4\"}")), 0);
	pf->vfs->known = true;
	wire_set(pf->vfs->info, VIRT_INFO_TOP, 2);
	wire_set(pf->vfs->info, VIRT_INFO_ENABLE, 1);
	assert_int_equal(json_array_size(list(f, "{\"of\":\"host4\"}")), 2);
	assert_int_equal(json_array_size(list(f, "{\"of\":\"host4\",\"not_active\":true}")), 0);
	vf = explain_vf(f, "host4/vf2");
	assert_string_equal(text(vf, "reason"), "vf-not-started");
	assert_true(is_null(vf, "guid"));
	assert_true(has_line(vf, "vf 1 port_guid 12:00:02:00:00:00:04:01"));
	assert_true(has_line(vf, "vf 1 state auto"));
	wire_set(pf->vfs->info, VIRT_INFO_ENABLE, 0);
	assert_string_equal(text(explain_vf(f, "host4/vf2"), "reason"), "vf-virtualization-off");
	assert_int_equal(json_array_size(list(f, "{\"of\":\"host4\",\"not_active\":true}")), 0);
	vf_set_guid(f->fake->fabric, (struct endpoint){ pf_of(f, 0x401), 2 }, FAKE_VF(2) + 1);
	assert_int_equal(json_array_size(list(f, "{\"of\":\"host4\",\"not_active\":true}")), 1);
}

static void what_was_active_is_down_where_virtualization_is_off(void **state)
{
	struct fixture *f = *state;
	struct port *pf = &f->fake->fabric->ports[pf_of(f, 0x101)];

	assert_string_equal(text(explain_vf(f, "host1/vf1"), "state"), "active");
	pf->vfs->known = true;
	wire_set(pf->vfs->info, VIRT_INFO_ENABLE, 0);
	assert_string_equal(text(explain_vf(f, "host1/vf1"), "state"), "down");
	assert_string_equal(text(explain_vf(f, "host1/vf1"), "reason"), "vf-virtualization-off");
	assert_true(json_is_true(json_object_get(explain_vf(f, "host1/vf1"), "problem")));
	/* Its adapter has restarted, and nobody asks: what was decided counts, not what it was. */
	pf->vfs->known = false;
	vf_of_host1(f, 1)->reason = REASON_VF_VIRTUALIZATION_OFF;
	assert_string_equal(text(explain_vf(f, "host1/vf1"), "state"), "down");
}

static void what_keeps_all_of_them_down_is_told_with_their_port(void **state)
{
	struct fixture *f = *state;
	struct port *pf = &f->fake->fabric->ports[pf_of(f, 0x401)];
	const json_t *vfs;

	assert_int_equal(vfs_make(f->fake->fabric, pf_of(f, 0x401), VF_VPORT, 1), 0);
	vfs = json_object_get(explain(f, "host4"), "ports");
	assert_null(json_object_get(row(vfs, 0), "vfs"));
	pf->vfs->info_fault.reason = REASON_VF_UNKNOWN_REVISION;
	wire_set(pf->vfs->info, VIRT_INFO_REVISION, 7);
	vfs = json_object_get(row(json_object_get(explain(f, "host4"), "ports"), 0), "vfs");
	assert_string_equal(text(vfs, "reason"), "vf-unknown-revision");
	assert_int_equal(number(vfs, "revision"), 7);
	assert_int_equal(number(vfs, "active"), 0);
}

/* Whether anybody has started those, the adapter does not tell. */
static void a_block_of_states_that_is_not_told_is_a_reason_of_its_vfs(void **state)
{
	struct fixture *f = *state;
	struct port *pf = &f->fake->fabric->ports[pf_of(f, 0x401)];
	const json_t *tried;

	assert_int_equal(vfs_make(f->fake->fabric, pf_of(f, 0x401), VF_VPORT, 200), 0);
	pf->vfs->known = true;
	wire_set(pf->vfs->info, VIRT_INFO_TOP, 199);
	wire_set(pf->vfs->info, VIRT_INFO_ENABLE, 1);
	pf->vfs->states_fault[1] = (struct fault){ .reason = REASON_VF_BAD_INFO, .failures = 3 };
	pf->status = 0x1c;
	assert_string_equal(text(explain_vf(f, "host4/vf127"), "reason"), "vf-not-started");
	assert_string_equal(text(explain_vf(f, "host4/vf128"), "reason"), "vf-bad-info");
	tried = json_object_get(explain_vf(f, "host4/vf128"), "tried");
	assert_int_equal(number(tried, "failures"), 3);
	assert_int_equal(number(tried, "status"), 0x1c);
}

static void an_alias_that_another_has_is_not_active(void **state)
{
	struct fixture *f = *state;

	vf_at(f->fake->fabric, pf_of(f, 0x201), 1)->duplicate = true;
	assert_string_equal(text(explain_vf(f, "host2/vf1"), "state"), "down");
	assert_string_equal(text(explain_vf(f, "host2/vf1"), "reason"), "vf-duplicate-guid");
}

static void behind_a_virtual_switch_it_is_as_its_port_is(void **state)
{
	struct fixture *f = *state;
	struct fabric *fabric = f->fake->fabric;
	struct port *port = &fabric->ports[fabric_find_port(fabric, 0x1600010000000711)];
	struct port *near = &fabric->ports[port->peer];

	wire_set(port->info, PORT_INFO_STATE, PORT_ARMED);
	assert_string_equal(text(explain_vf(f, "guest1"), "reason"), "in-progress");
	port->reason = REASON_SET_REFUSED;
	assert_string_equal(text(explain_vf(f, "guest1"), "reason"), "set-refused");
	near[1].reason = REASON_NEIGHBOR_SILENT;
	assert_string_equal(text(explain_vf(f, "guesthost vswitch/4"), "reason"),
			    "neighbor-silent");
	near[1].reason = REASON_NONE;
	assert_string_equal(text(explain_vf(f, "guesthost vswitch/4"), "reason"), "in-progress");
	assert_null(explain_vf(f, "guesthost vswitch"));
	assert_null(explain_vf(f, "guesthost HCA-1"));
	assert_null(explain_vf(f, "host1"));
}

/* -- what it is called --------------------------------------------------------------------------
 */

static void assert_vf(struct fixture *f, const char *what, const char *pf, unsigned index)
{
	const json_t *vf = explain_vf(f, what);

	if (!vf)
		fail_msg("%s is no virtual function", what);
	assert_string_equal(text(vf, "pf"), pf);
	assert_int_equal(number(vf, "index"), index);
}

static void it_is_found_by_guid_lid_name_and_place(void **state)
{
	static const char host1[] = "0x0000000000000101";
	struct fixture *f = *state;

	vf_of_host1(f, 2)->node_guid = 0x5500000000000002;
	assert_vf(f, "0x1200020000000101", host1, 2);
	assert_vf(f, "1200020000000101", host1, 2);
	assert_vf(f, "0x5500000000000002", host1, 2);
	assert_vf(f, "0x1200050000000101", host1, 5);                /* it is down */
	assert_vf(f, "0x1200010000000101", host1, 1);                /* who has it rightly */
	assert_vf(f, "0x1400020000000201", "0x0000000000000201", 2); /* it does not have it yet */
	assert_vf(f, "20", host1, 1);
	assert_vf(f, "0x14", host1, 1);
	assert_vf(f, "vm1", host1, 1);
	assert_vf(f, "vm1 HCA-1", host1, 1);
	assert_vf(f, "host1/vf7", host1, 7);
	assert_vf(f, "host1/1/vf7", host1, 7);
	assert_vf(f, "4/vf7", host1, 7);
	assert_vf(f, "0x0000000000000100/vf7", host1, 7);
	assert_vf(f, "0x0000000000000711/vf1", "0x0000000000000711", 1);
	assert_vf(f, "0x1600010000000711", "0x0000000000000711", 1);
}

static void what_is_no_function_is_not_found(void **state)
{
	struct fixture *f = *state;

	ask_wrongly(f, "{\"what\":\"host1/vf0\"}", PROTOCOL_NOT_FOUND, "no virtual function 0");
	ask_wrongly(f, "{\"what\":\"host1/vf8\"}", PROTOCOL_NOT_FOUND, "no virtual function 8");
	ask_wrongly(f, "{\"what\":\"host3/1/vf1\"}", PROTOCOL_NOT_FOUND, "no virtual function 1");
	ask_wrongly(f, "{\"what\":\"host3/vf1\"}", PROTOCOL_NOT_FOUND, "no virtual function 1");
	ask_wrongly(f, "{\"what\":\"leaf1/vf1\"}", PROTOCOL_NOT_FOUND, "no virtual function 1");
	ask_wrongly(f, "{\"what\":\"host1/vf1000\"}", PROTOCOL_NOT_FOUND, "nothing is called");
	ask_wrongly(f, "{\"what\":\"nobody/vf1\"}", PROTOCOL_NOT_FOUND, "nothing is called");
	ask_wrongly(f, "{\"what\":\"0x1299990000000101\"}", PROTOCOL_NOT_FOUND, "virtual function");
	ask_wrongly(f, "{\"what\":\"0x0000000000000000\"}", PROTOCOL_NOT_FOUND, "virtual function");
}

static void nodes_go_before_functions_of_their_name_and_two_are_one_too_many(void **state)
{
	struct fixture *f = *state;

	strcpy(vf_of_host1(f, 2)->description, "host2 HCA-1");
	assert_null(explain_vf(f, "host2"));
	strcpy(vf_of_host1(f, 2)->description, "vm1 HCA-2");
	ask_wrongly(f, "{\"what\":\"vm1\"}", PROTOCOL_AMBIGUOUS,
		    "2 virtual functions are called \"vm1\": 0x1200010000000101, "
		    "0x1200020000000101");
	assert_vf(f, "vm1 HCA-2", "0x0000000000000101", 2);
}

static void other_commands_take_a_function_for_its_port(void **state)
{
	struct fixture *f = *state;
	const json_t *result = ask(f, "ports", "{\"of\":\"0x1200020000000101\"}");

	assert_int_equal(json_array_size(json_object_get(result, "ports")), 1);
	result = ask(f, "partitions", "{\"port\":\"0x1200010000000101\"}");
	assert_string_equal(text(result, "guid"), "0x1200010000000101");
	assert_string_equal(text(row(json_object_get(result, "pkeys"), 0), "partition"), "blue");
	assert_int_equal(json_array_size(json_object_get(result, "pkeys_held")), 1);
	result = ask(f, "partitions", "{\"port\":\"0x1400010000000201\"}");
	assert_int_equal(json_array_size(json_object_get(result, "pkeys")), 2);
	result = ask(f, "partitions", "{\"port\":\"0x1200020000000101\"}");
	assert_int_equal(json_array_size(json_object_get(result, "pkeys")), 0);
	assert_true(is_null(result, "pkeys_held"));
}

/* -- what to type -------------------------------------------------------------------------------
 */

static void each_reason_has_its_lines(void **state)
{
	static const struct {
		enum reason reason;
		const char *part; /* NULL: there is nothing to type */
	} cases[] = {
		{ REASON_VF_NO_GUID,
		  "ip link set dev IFACE vf 1 port_guid 22:00:02:00:00:00:01:01" },
		{ REASON_VF_NO_GUID,
		  "ip link set dev IFACE vf 1 node_guid 22:00:02:00:00:00:01:01" },
		{ REASON_VF_NO_GUID, "VF=$(basename $(readlink "
				     "/sys/class/net/IFACE/device/virtfn1))" },
		{ REASON_VF_NO_GUID, "echo $VF >/sys/bus/pci/drivers/mlx5_core/unbind" },
		{ REASON_VF_NO_GUID, "echo $VF >/sys/bus/pci/drivers/mlx5_core/bind" },
		{ REASON_VF_NO_GUID, "VF 1 there is number 2 here" },
		{ REASON_VF_DUPLICATE_GUID, "vf 1 port_guid" },
		{ REASON_VF_NOT_STARTED, "ip link set dev IFACE vf 1 state auto" },
		{ REASON_VF_NOT_STARTED, "mlx5_core/bind" },
		{ REASON_VF_PF_DOWN, "vsmctl explain 0x0000000000000101" },
		{ REASON_VF_BAD_LID_INDEX, "vsmctl explain 0x0000000000000101/vf7" },
		{ REASON_VF_REFUSED, "vsmctl sweep --full" },
		{ REASON_VF_NO_PARTITION,
		  "echo 'NAME : 0x1200020000000101=full ;' >>/etc/vsm/keys" },
		{ REASON_VF_NO_PARTITION, "vsmctl reload" },
		{ REASON_VF_UNKNOWN_REVISION, NULL },
		{ REASON_VF_VIRTUALIZATION_OFF, NULL },
		{ REASON_OUT_OF_LIDS, NULL },
		{ REASON_IN_PROGRESS, NULL },
	};
	struct fixture *f = *state;
	struct vf *vf = vf_of_host1(f, 2); /* who has the first GUID that would be proposed */

	strcpy(((struct conf *)(uintptr_t)sm_conf(f->fake->sm))->partition_file, "/etc/vsm/keys");
	vf->state = PORT_INITIALIZE;
	wire_set(vf->info, VPORT_INFO_LID_INDEX, 7);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const json_t *row;

		vf->reason = (uint8_t)cases[i].reason;
		row = explain_vf(f, "host1/vf2");
		assert_string_equal(text(row, "reason"), reason_key(cases[i].reason));
		assert_string_equal(text(row, "remedy"), reason_remedy(cases[i].reason));
		if (cases[i].part && !has_line(row, cases[i].part))
			fail_msg("%s: no \"%s\" in %s", text(row, "reason"), cases[i].part,
				 json_dumps(row, 0));
		if (!cases[i].part)
			assert_int_equal(json_array_size(json_object_get(row, "commands")), 0);
	}
}

static void who_may_not_be_here_is_told_whose_word_that_is(void **state)
{
	struct kept_reservation reserved = { .guid = FAKE_VF(1), .n_places = 1 };
	struct fixture *f = *state;
	char why[SM_WHY_SIZE];

	vf_of_host1(f, 1)->reason = REASON_VF_NOT_ALLOWED;
	assert_int_equal(json_array_size(json_object_get(explain_vf(f, "host1/vf1"), "commands")),
			 0);

	reserved.place[0] = 0x101;
	assert_int_equal(sm_reserve(f->fake->sm, &reserved, why), 0);
	assert_int_equal(json_array_size(json_object_get(explain_vf(f, "host1/vf1"), "commands")),
			 0);
	reserved.place[0] = 0x201;
	assert_int_equal(sm_reserve(f->fake->sm, &reserved, why), 0);
	assert_true(has_line(explain_vf(f, "host1/vf1"), "vsmctl vf show 0x1200010000000101"));

	assert_int_equal(sm_move(f->fake->sm, FAKE_VF(1), 0x301, why), 0);
	assert_true(has_line(explain_vf(f, "host1/vf1"), "port with GUID 0x0000000000000301"));
	assert_true(
		has_line(explain_vf(f, "host1/vf1"), "vsmctl vf move 0x1200010000000101 --cancel"));
}

static void what_another_vport_is_that_cannot_be_is_not_asked_for(void **state)
{
	struct fixture *f = *state;
	struct vf *vf = vf_of_host1(f, 2);

	vf->reason = REASON_VF_BAD_LID_INDEX;
	wire_set(vf->info, VPORT_INFO_LID_INDEX, 0xffff);
	assert_int_equal(number(explain_vf(f, "host1/vf2"), "lid_index"), 0xffff);
	assert_false(has_line(explain_vf(f, "host1/vf2"), "explain"));
	assert_int_equal(number(explain_vf(f, "host1/vf2"), "revision"), 9);
	assert_null(json_object_get(explain_vf(f, "host1/vf1"), "lid_index"));
}

static void a_shared_port_gets_guids_by_another_way(void **state)
{
	struct fixture *f = *state;

	vf_at(f->fake->fabric, pf_of(f, 0x201), 2)->reason = REASON_VF_NO_GUID;
	assert_true(has_line(explain_vf(f, "host2/vf2"),
			     "echo 0 >/sys/class/infiniband/mlx4_X/iov/ports/1/admin_guids/2"));
	assert_false(has_line(explain_vf(f, "host2/vf2"), "ip link"));
	vf_at(f->fake->fabric, pf_of(f, 0x201), 2)->reason = REASON_VF_NOT_STARTED;
	assert_int_equal(json_array_size(json_object_get(explain_vf(f, "host2/vf2"), "commands")),
			 0);
}

static void without_a_file_of_partitions_there_is_none_to_write_to(void **state)
{
	struct fixture *f = *state;

	vf_of_host1(f, 2)->reason = REASON_VF_NO_PARTITION;
	vf_of_host1(f, 2)->state = PORT_INITIALIZE;
	assert_int_equal(json_array_size(json_object_get(explain_vf(f, "host1/vf2"), "commands")),
			 0);
}

static void a_guid_that_is_proposed_is_nobodys(void **state)
{
	struct fixture *f = *state;

	vf_set_guid(f->fake->fabric, (struct endpoint){ pf_of(f, 0x101), 2 }, 0x1200030000000101);
	assert_int_equal(vfs_settle_guids(f->fake->fabric), 0);
	assert_true(has_line(explain_vf(f, "host1/vf3"), "port_guid 22:00:03:00:00:00:01:01"));
}

static void who_else_has_the_guid_is_named(void **state)
{
	struct fixture *f = *state;
	const json_t *same = json_object_get(explain_vf(f, "host1/vf4"), "same_guid");

	assert_int_equal(json_array_size(same), 1);
	assert_string_equal(text(row(same, 0), "pf_name"), "host1 HCA-1");
	assert_int_equal(number(row(same, 0), "index"), 1);
	same = json_object_get(explain_vf(f, "host1/vf2"), "same_guid");
	assert_int_equal(json_array_size(same), 0);
	same = json_object_get(explain_vf(f, "host1/vf3"), "same_guid");
	assert_int_equal(json_array_size(same), 0);
	vf_set_guid(f->fake->fabric, (struct endpoint){ pf_of(f, 0x101), 2 }, 0x401);
	same = json_object_get(explain_vf(f, "host1/vf2"), "same_guid");
	assert_int_equal(json_array_size(same), 1);
	assert_string_equal(text(row(same, 0), "pf_name"), "host4 HCA-1");
	assert_int_equal(number(row(same, 0), "index"), 0);
	same = json_object_get(explain_vf(f, "guest1"), "same_guid");
	assert_int_equal(json_array_size(same), 0);
}

/* Such a place remembers what it once had, and is nobody that one would have to look for. */
static void one_that_is_stopped_is_told_apart(void **state)
{
	struct fixture *f = *state;
	const json_t *same = json_object_get(explain_vf(f, "host1/vf4"), "same_guid");

	assert_true(json_is_false(json_object_get(row(same, 0), "stopped")));
	vf_of_host1(f, 1)->reason = REASON_VF_NOT_STARTED;
	same = json_object_get(explain_vf(f, "host1/vf4"), "same_guid");
	assert_true(json_is_true(json_object_get(row(same, 0), "stopped")));
}

static void what_was_tried_is_told(void **state)
{
	struct fixture *f = *state;
	const json_t *tried = json_object_get(explain_vf(f, "host1/vf6"), "tried");

	assert_int_equal(number(tried, "failures"), 2);
	assert_int_equal(number(tried, "status"), STATUS_BAD_FIELD);
	assert_int_equal(number(tried, "retry_in"), 4);
	f->fake->fabric->sweep = 9;
	tried = json_object_get(explain_vf(f, "host1/vf6"), "tried");
	assert_int_equal(number(tried, "retry_in"), 1);
	vf_of_host1(f, 2)->table_fault =
		(struct fault){ .reason = REASON_PKEYS_REFUSED, .failures = 3 };
	tried = json_object_get(explain_vf(f, "host1/vf2"), "tried");
	assert_int_equal(number(tried, "failures"), 3);
	f->fake->fabric->ports[pf_of(f, 0x201)].vfs->guids_fault =
		(struct fault){ .reason = REASON_VF_REFUSED, .failures = 1 };
	tried = json_object_get(explain_vf(f, "host2/vf2"), "tried");
	assert_int_equal(number(tried, "failures"), 1);
}

static void a_physical_function_tells_of_those_that_do_not_work(void **state)
{
	struct fixture *f = *state;
	const json_t *ports = json_object_get(explain(f, "host1"), "ports");
	const json_t *vfs = json_object_get(row(ports, 0), "vfs");

	assert_int_equal(number(vfs, "active"), 3);
	assert_int_equal(number(vfs, "not_active"), 3);
	assert_int_equal(number(vfs, "not_started"), 1);
	assert_int_equal(json_array_size(json_object_get(vfs, "problems")), 3);
	ports = json_object_get(explain(f, "guesthost HCA-1"), "ports");
	vfs = json_object_get(row(ports, 0), "vfs");
	assert_int_equal(number(vfs, "active"), 1);
	assert_int_equal(number(vfs, "not_active"), 1);
	ports = json_object_get(explain(f, "host3"), "ports");
	assert_null(json_object_get(row(ports, 0), "vfs"));
	/* Nor of one of them. */
	ports = json_object_get(explain(f, "host1/vf1"), "ports");
	assert_null(json_object_get(row(ports, 0), "vfs"));
}

/* -- paths --------------------------------------------------------------------------------------
 */

static const json_t *path(struct fixture *f, const char *from, const char *to)
{
	char params[128];

	snprintf(params, sizeof(params), "{\"source\":\"%s\",\"destination\":\"%s\"}", from, to);

	return ask(f, "path", params);
}

static void a_path_tells_lids_and_whether_a_grh_is_needed(void **state)
{
	struct fixture *f = *state;
	const json_t *result;

	fake_route(f->fake, 0x20, 20, 1);
	result = path(f, "host2", "0x1200010000000101");
	assert_int_equal(number(result, "destination_lid"), 20);
	assert_true(json_is_true(json_object_get(result, "complete")));
	assert_true(json_is_false(json_object_get(result, "grh")));
	assert_int_equal(number(json_object_get(result, "destination"), "vf"), 1);
	assert_string_equal(text(json_object_get(result, "destination"), "guid"),
			    "0x1200010000000101");
	assert_true(is_null(json_object_get(result, "source"), "vf"));
	result = path(f, "0x1400010000000201", "0x1200020000000101");
	assert_int_equal(number(result, "destination_lid"), 4);
	assert_true(json_is_true(json_object_get(result, "grh")));
	assert_int_equal(number(json_object_get(result, "source"), "lid"), 5);
	assert_true(is_null(result, "shared_pkeys"));
	result = path(f, "0x1200020000000101", "host2");
	assert_true(json_is_true(json_object_get(result, "grh")));
	result = path(f, "host2", "0x1400010000000201");
	assert_true(json_is_false(json_object_get(result, "grh")));
	assert_int_equal(json_array_size(json_object_get(result, "hops")), 0);
}

static void what_has_no_lid_is_no_end_of_a_path(void **state)
{
	struct fixture *f = *state;

	wire_set(vf_of_host1(f, 2)->info, VPORT_INFO_LID_INDEX, 400);
	say(f, "path", "{\"source\":\"host2\",\"destination\":\"host1/vf2\"}");
	assert_non_null(json_object_get(f->answer, "error"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_all_models_have_the_same_members),
		TEST(the_lid_has_a_source),
		TEST(an_index_that_nobody_uses_is_no_function),
		TEST(the_list_is_restricted_to_what_is_asked_for),
		TEST(as_many_as_a_large_fabric_has_come_in_pages),
		TEST(status_counts_what_the_list_shows),
		TEST(what_is_not_active_has_a_reason_before_anybody_gave_one),
		TEST(what_is_enabled_and_down_waits_to_be_started),
		TEST(what_was_active_is_down_where_virtualization_is_off),
		TEST(what_keeps_all_of_them_down_is_told_with_their_port),
		TEST(a_block_of_states_that_is_not_told_is_a_reason_of_its_vfs),
		TEST(an_alias_that_another_has_is_not_active),
		TEST(behind_a_virtual_switch_it_is_as_its_port_is),
		TEST(it_is_found_by_guid_lid_name_and_place),
		TEST(what_is_no_function_is_not_found),
		TEST(nodes_go_before_functions_of_their_name_and_two_are_one_too_many),
		TEST(other_commands_take_a_function_for_its_port),
		TEST(each_reason_has_its_lines),
		TEST(who_may_not_be_here_is_told_whose_word_that_is),
		TEST(what_another_vport_is_that_cannot_be_is_not_asked_for),
		TEST(a_shared_port_gets_guids_by_another_way),
		TEST(without_a_file_of_partitions_there_is_none_to_write_to),
		TEST(a_guid_that_is_proposed_is_nobodys),
		TEST(who_else_has_the_guid_is_named),
		TEST(one_that_is_stopped_is_told_apart),
		TEST(what_was_tried_is_told),
		TEST(a_physical_function_tells_of_those_that_do_not_work),
		TEST(a_path_tells_lids_and_whether_a_grh_is_needed),
		TEST(what_has_no_lid_is_no_end_of_a_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
