/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* The shared port: alias GUIDs against an SA that does all kinds of things, QP1, P_Keys, groups. */

#include "tests/sim/vf-rig.h"
#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/link.h"
#include "tests/sim/probe.h"
#include "tests/sim/shared-port.h"
#include "tests/sim/tables.h"

enum {
	GUID = 0x6600, /* of VF 1 */
	ASSIGNED = 0x7700,
	CLASS_SA = 3,
	CLASS_DEVICE = 6,
	CLASS_CM = 7,
	ATTR_GUIDINFO_RECORD = 0x30,
	ATTR_PATH = 0x35,
	ATTR_MEMBER = 0x38,
	METHOD_GET_TABLE = 0x12,
	METHOD_DELETE = 0x15,
	METHOD_DELETE_RESP = 0x95,
};

/* ---- an SA for GuidInfoRecord ---------------------------------------------------------------- */

/* What it does with the next request; @silent requests before that get no answer. */
struct guid_sa {
	unsigned silent;
	bool refuse;          /* GUIDs of 0 */
	uint16_t refuse_mask; /* component mask bits 4 to 11 of those alone */
	bool no_smp;          /* nothing is written into the port */
	bool smp_first;
	bool wrong_block;
	bool wrong_attr;
	bool other_guid;
	uint16_t status;
};

static struct guid_sa sa;

static ib_guidinfo_record_t guid_record(const struct sim_packet *packet)
{
	ib_guidinfo_record_t record;

	memcpy(&record, ((const ib_sa_mad_t *)packet->bytes)->data, sizeof(record));
	return record;
}

static uint64_t comp_mask(const struct sim_packet *packet)
{
	return be64toh(((const ib_sa_mad_t *)packet->bytes)->comp_mask);
}

/* GUIDInfo as the SM writes it. */
static void write_guids(struct sim_port *port, const ib_guidinfo_record_t *record, uint64_t mask)
{
	if (!port->guids) {
		port->guids = calloc(port->info.guid_cap, sizeof(port->guids[0]));
		assert_non_null(port->guids);
		port->guids[0] = htobe64(port->guid);
	}
	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++)
		if (mask >> (4 + i) & 1)
			port->guids[record->block_num * SIM_GUID_BLOCK + i] =
				record->guid_info.guid[i];
	sim_shared_port_event(port, SIM_EVENT_GUIDS);
}

static ib_net64_t decide(const struct sim_packet *packet, const ib_guidinfo_record_t *record,
			 unsigned i)
{
	bool asked = comp_mask(packet) >> (4 + i) & 1;

	if (!asked || packet->mad.method == METHOD_DELETE || sa.refuse ||
	    sa.refuse_mask >> (4 + i) & 1)
		return 0;
	if (sa.other_guid)
		return htobe64(0xdead);
	if (record->guid_info.guid[i])
		return record->guid_info.guid[i];
	return htobe64(ASSIGNED + record->block_num * SIM_GUID_BLOCK + i);
}

static void answer_record(struct rig *rig, const struct sim_packet *packet,
			  const ib_guidinfo_record_t *record)
{
	bool is_delete = packet->mad.method == METHOD_DELETE;
	struct sim_packet answer = *packet;
	ib_guidinfo_record_t told = *record;

	if (sa.wrong_block)
		told.block_num++;
	if (sa.wrong_attr)
		answer.mad.attr_id = htobe16(ATTR_MEMBER);
	memcpy(((ib_sa_mad_t *)answer.bytes)->data, &told, sizeof(told));
	rig_answer(rig, &answer, is_delete ? METHOD_DELETE_RESP : SIM_GET_RESP, sa.status);
}

static void serve_guids(struct rig *rig, const struct sim_packet *packet)
{
	ib_guidinfo_record_t record = guid_record(packet);
	bool write = !sa.no_smp && !sa.status;

	if (sa.silent) {
		sa.silent--;
		return;
	}
	for (unsigned i = 0; i < SIM_GUID_BLOCK; i++)
		record.guid_info.guid[i] = decide(packet, &record, i);
	if (write && sa.smp_first)
		write_guids(rig->p, &record, comp_mask(packet));
	answer_record(rig, packet, &record);
	if (write && !sa.smp_first)
		write_guids(rig->p, &record, comp_mask(packet));
}

static int set_up(void **state)
{
	int r = rig_set_up(state);
	struct rig *rig = *state;

	sa = (struct guid_sa){ 0 };
	rig->on_request = serve_guids;
	return r;
}

static void add(struct rig *rig, unsigned count, bool up, bool no_guid)
{
	struct sim_vf_spec spec = { .first_guid = GUID, .up = up, .no_guid = no_guid };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_SHARED_PORT, count, &spec), 0);
}

static void pass(struct rig *rig, uint64_t ms)
{
	loop_virtual_run_for(rig->loop, ms * LOOP_MSEC);
}

static void bring_up(struct rig *rig, unsigned count)
{
	add(rig, count, true, false);
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	for (unsigned vf = 1; vf <= count; vf++)
		assert_int_equal(rig_look(rig->p, vf).state, SIM_ACTIVE);
	rig->sa.n = 0;
}

/* ---- alias GUIDs ----------------------------------------------------------------------------- */

static void the_fabric_sees_one_port_with_128_guids(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { 0 };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_SHARED_PORT, 128, &spec), -EINVAL);
	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_SHARED_PORT, 127, &spec), 0);
	assert_int_equal(rig->p->info.guid_cap, 128);
	assert_int_equal(sim_vfs_count(rig->p), 127);
}

static void the_driver_asks_for_the_guids_of_started_vfs(void **state)
{
	struct rig *rig = *state;
	ib_guidinfo_record_t record;

	add(rig, 3, true, false);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	pass(rig, 10000);
	assert_int_equal(rig->sa.n, 0); /* the port is not Active */
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig->sa.last.mad.method, SIM_SET);
	assert_int_equal(rig->sa.last.mad.attr_id, htobe16(ATTR_GUIDINFO_RECORD));
	assert_int_equal(rig->sa.last.slid, RIG_P);
	assert_int_equal(rig->sa.last.sqpn, 1);
	assert_int_equal(rig->sa.last.qkey, SIM_QKEY_MAD);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 1 << 5 | 1 << 7);
	record = guid_record(&rig->sa.last);
	assert_int_equal(record.lid, htobe16(RIG_P));
	assert_int_equal(record.block_num, 0);
	assert_int_equal(record.guid_info.guid[1], htobe64(GUID));
	assert_int_equal(record.guid_info.guid[3], htobe64(GUID + 2));
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_DOWN);
	assert_int_equal(rig_look(rig->p, 3).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 3).lid, RIG_P);
	assert_false(rig_look(rig->p, 3).own_lid);
}

static void one_block_is_asked_for_after_the_other(void **state)
{
	struct rig *rig = *state;

	add(rig, 20, true, false);
	sa.silent = 1;
	rig_activate(rig->p, RIG_P);
	pass(rig, 50);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(comp_mask(&rig->sa.last), 0xfe3);
	pass(rig, 100);
	assert_int_equal(rig->sa.n, 4);
	assert_int_equal(guid_record(&rig->sa.last).block_num, 2);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 0x1f0);
	for (unsigned vf = 1; vf <= 20; vf++)
		assert_int_equal(rig_look(rig->p, vf).state, SIM_ACTIVE);
	pass(rig, 100000);
	assert_int_equal(rig->sa.n, 4);
}

static void a_vf_is_held_down_until_guidinfo_has_its_guid(void **state)
{
	struct rig *rig = *state;
	ib_guidinfo_record_t record = { .block_num = 0 };

	add(rig, 1, true, false);
	sa.no_smp = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_string_equal(rig_look(rig->p, 1).reason, "its GUID is not in GUIDInfo");
	pass(rig, 100000);
	assert_int_equal(rig->sa.n, 1); /* the SA has said yes */
	record.guid_info.guid[1] = htobe64(GUID);
	write_guids(rig->p, &record, 1 << 5);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_null(rig_look(rig->p, 1).reason);
	assert_int_equal(rig->event.event, SIM_EVENT_ACTIVE);
	assert_int_equal(rig->event.vf, 1);
}

static void the_answer_alone_may_bring_it_up(void **state)
{
	struct rig *rig = *state;

	rig->fabric->quirks.alias_guid_by_answer = true;
	add(rig, 1, true, false);
	sa.no_smp = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void guidinfo_alone_brings_it_up_too(void **state)
{
	struct rig *rig = *state;
	ib_guidinfo_record_t record = { .block_num = 0 };

	add(rig, 1, true, false);
	sa.silent = 1000;
	rig_activate(rig->p, RIG_P);
	record.guid_info.guid[1] = htobe64(GUID);
	write_guids(rig->p, &record, 1 << 5);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void the_smp_may_come_before_the_answer(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, true, true);
	sa.smp_first = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 1).guid, ASSIGNED + 1);
}

static void a_guid_that_the_sm_assigned_is_asked_for_from_then_on(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, true);
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(guid_record(&rig->sa.last).guid_info.guid[1], 0);
	/* The answer comes before the SMP, but the SMP finds what the answer said. */
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 1).guid, ASSIGNED + 1);
	sim_shared_port_event(rig->p, SIM_EVENT_REREGISTER);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(guid_record(&rig->sa.last).guid_info.guid[1], htobe64(ASSIGNED + 1));
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	pass(rig, 10);
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	pass(rig, 10);
	assert_int_equal(guid_record(&rig->sa.last).guid_info.guid[1], htobe64(ASSIGNED + 1));
}

static void eleven_tries_100_ms_apart_then_a_seconds_rest(void **state)
{
	struct rig *rig = *state;
	uint64_t tid;

	add(rig, 1, true, false);
	sa.silent = 1000;
	rig_activate(rig->p, RIG_P);
	pass(rig, 0);
	assert_int_equal(rig->sa.n, 1);
	tid = rig->sa.last.mad.trans_id;
	pass(rig, 99);
	assert_int_equal(rig->sa.n, 1);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(rig->sa.last.mad.trans_id, tid);
	pass(rig, 900);
	assert_int_equal(rig->sa.n, 11);
	pass(rig, 1099); /* 100 for the last one, and the rest */
	assert_int_equal(rig->sa.n, 11);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 12);
	assert_int_not_equal(rig->sa.last.mad.trans_id, tid);
}

static void an_answer_to_a_later_try_counts(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.silent = 10;
	rig_activate(rig->p, RIG_P);
	pass(rig, 999);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	pass(rig, 1);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	pass(rig, 100000);
	assert_int_equal(rig->sa.n, 11);
}

static void after_a_status_it_rests_a_second(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.status = 0x0300;
	rig_activate(rig->p, RIG_P);
	pass(rig, 999);
	assert_int_equal(rig->sa.n, 1);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 2);
	sa.status = 0;
	pass(rig, 1000);
	assert_int_equal(rig->sa.n, 3);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

/* Counted from one request to the next. */
static void assert_next_after(struct rig *rig, unsigned seconds)
{
	unsigned n = rig->sa.n;

	pass(rig, seconds * 1000 - 1);
	assert_int_equal(rig->sa.n, n);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, n + 1);
}

static void what_is_declined_is_asked_for_after_1_2_4_to_60_seconds(void **state)
{
	static const unsigned waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.refuse = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 0);
	assert_string_equal(rig_look(rig->p, 1).reason, "the SM has declined its GUID");
	for (unsigned i = 0; i < COUNT(waits); i++)
		assert_next_after(rig, waits[i]);
	sa.refuse = false;
	assert_next_after(rig, 60);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	pass(rig, 10);
	sa.refuse = true;
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	pass(rig, 0);
	assert_next_after(rig, 1); /* it begins anew */
}

static void another_wish_does_not_wait_for_what_was_declined(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.refuse = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 40000);
	rig->sa.n = 0;
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x99), 0);
	pass(rig, 0);
	assert_int_equal(rig->sa.n, 1);
	assert_next_after(rig, 1);
	assert_next_after(rig, 2);
}

static void a_vf_that_starts_while_its_guid_is_deleted_gets_it_again(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1);
	sa.silent = 1;
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	pass(rig, 50);
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	pass(rig, 50);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(rig->sa.last.mad.method, METHOD_DELETE);
	assert_next_after(rig, 1);
	assert_int_equal(rig->sa.last.mad.method, SIM_SET);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void a_guid_brings_no_vf_up_at_a_port_that_is_not(void **state)
{
	struct rig *rig = *state;
	ib_guidinfo_record_t record = { .guid_info.guid = { [1] = htobe64(0x99) } };

	bring_up(rig, 1);
	sim_cable_pull(rig->p);
	sim_cable_plug(rig->p);
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x99), 0);
	write_guids(rig->p, &record, 1 << 5);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
}

static void another_guid_than_asked_for_is_declined(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.other_guid = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 0);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_next_after(rig, 1);
	assert_int_equal(guid_record(&rig->sa.last).guid_info.guid[1], htobe64(GUID));
}

static void one_declined_entry_does_not_keep_the_others_down(void **state)
{
	struct rig *rig = *state;

	add(rig, 3, true, false);
	sa.refuse_mask = 1 << 6;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_DOWN);
	assert_int_equal(rig_look(rig->p, 3).state, SIM_ACTIVE);
	pass(rig, 1000);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 1 << 6);
}

static void an_answer_for_another_block_is_no_answer(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.wrong_block = true;
	sa.no_smp = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_in_range(rig->sa.n, 5, 12); /* asked again at once */
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	sa = (struct guid_sa){ 0 };
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

/* To who had the number of its client before. */
static void an_answer_to_another_question_is_no_answer(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, true);
	sa = (struct guid_sa){ .wrong_attr = true, .other_guid = true, .no_smp = true };
	rig_activate(rig->p, RIG_P);
	pass(rig, 50);
	sa = (struct guid_sa){ .wrong_attr = false };
	pass(rig, 100);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
	assert_int_equal(rig_look(rig->p, 1).asked, ASSIGNED + 1);
}

static void without_an_sm_it_asks_again_after_a_second(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	rig->p->info.base_lid = htobe16(RIG_P);
	sim_set_state(rig->p->far, SIM_ACTIVE);
	sim_set_state(rig->p, SIM_ACTIVE);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 0);
	assert_string_equal(rig_look(rig->p, 1).reason, "there is no SM to ask for its GUID");
	rig->p->info.master_sm_base_lid = htobe16(RIG_M);
	sim_shared_port_event(rig->p, SIM_EVENT_SM);
	pass(rig, 1000);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void a_port_that_is_not_active_is_looked_at_every_5_seconds(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1);
	rig->p->info.state_info1 = (uint8_t)((rig->p->info.state_info1 & 0xf0) | SIM_ARMED);
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x99), 0);
	pass(rig, 100);
	assert_int_equal(rig->sa.n, 0);
	rig->p->info.state_info1 = (uint8_t)((rig->p->info.state_info1 & 0xf0) | SIM_ACTIVE);
	pass(rig, 4899);
	assert_int_equal(rig->sa.n, 0);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 1);
}

static void a_vf_that_is_stopped_gives_its_guid_back(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig->sa.last.mad.method, METHOD_DELETE);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 1 << 5);
	assert_int_equal(rig->p->guids[1], 0);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_ACTIVE);
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	pass(rig, 10);
	assert_int_equal(rig->sa.last.mad.method, SIM_SET);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 1 << 5);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void stopping_one_and_starting_another_are_two_requests(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	pass(rig, 10);
	rig->sa.n = 0;
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(rig->p->guids[1], 0);
	assert_int_equal(rig->p->guids[2], htobe64(GUID + 1));
}

static void reregister_asks_for_all_again_and_takes_no_vf_down(void **state)
{
	struct rig *rig = *state;
	unsigned events;

	bring_up(rig, 10);
	events = rig->n_events;
	sim_shared_port_event(rig->p, SIM_EVENT_REREGISTER);
	assert_int_equal(rig->n_events, events + 10);
	assert_int_equal(rig->event.event, SIM_EVENT_REREGISTER);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(comp_mask(&rig->sa.last), 3 | 7 << 4);
	assert_int_equal(rig_look(rig->p, 10).state, SIM_ACTIVE);
	assert_int_equal(rig->n_events, events + 10);
}

static void reregister_does_not_wait_for_what_was_declined(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, true, false);
	sa.refuse = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 100000);
	rig->sa.n = 0;
	sa.refuse = false;
	sim_shared_port_event(rig->p, SIM_EVENT_REREGISTER);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void when_the_port_goes_down_its_vfs_do(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2);
	sim_cable_pull(rig->p);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_string_equal(rig_look(rig->p, 1).reason, "its port is not Active");
	sim_cable_plug(rig->p);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void after_a_power_cycle_the_driver_begins_anew(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2);
	sim_power(rig->p->node, false);
	sim_power(rig->p->node, true);
	assert_int_equal(rig->p->info.guid_cap, 128);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void without_power_its_vfs_are_down(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	sim_power(rig->p->node, false);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_true(rig_look(rig->p, 1).started);
	assert_string_equal(rig_look(rig->p, 1).reason, "its HCA has no power");
	assert_string_equal(rig_look(rig->p, 2).reason, "nobody has started it");
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_DOWN);
	sim_power(rig->p->node, true);
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void another_guid_of_a_running_vf_is_asked_for(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1);
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x8888), 0);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(rig_look(rig->p, 1).guid, 0x8888);
}

static void a_guest_moves_with_its_guid(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .first_guid = 0x9900 };

	bring_up(rig, 1);
	assert_int_equal(sim_vfs_add(rig->q, SIM_VF_SHARED_PORT, 3, &spec), 0);
	rig_activate(rig->q, RIG_Q);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 0);
	assert_int_equal(sim_vf_move(rig->p, 1, rig->q, 3), 0);
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 2); /* P gives it back, Q asks for it */
	assert_int_equal(rig_look(rig->q, 3).guid, GUID);
	assert_int_equal(rig_look(rig->p, 1).guid, 0x9902);
	assert_false(rig_look(rig->p, 1).started);
}

/* ---- QP0 and QP1 ----------------------------------------------------------------------------- */

static void echo(struct rig *rig, const struct sim_packet *packet)
{
	rig_answer(rig, packet, SIM_GET_RESP, 0);
}

static void qp0_of_a_vf_is_a_black_hole(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, SIM_CLASS_LID, SIM_GET, 0x11);
	uint64_t sent;

	bring_up(rig, 1);
	rig_inbox_open(&vf, rig->p, 1);
	p.sqpn = 0;
	p.dqpn = 0;
	sent = rig->p->counters.xmit_pkts;
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(vf.n, 0);
	assert_int_equal(rig->p->counters.xmit_pkts, sent);
	sim_set_is_sm(&vf.client, true);
	assert_false(rig->p->info.capability_mask & htobe32(1u << 1));
	rig_inbox_close(&vf);
}

static void qp1_of_a_vf_goes_out_from_the_pf_with_the_vf_in_the_tid(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf, pf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 20);
	rig->on_request = echo;
	rig_inbox_open(&vf, rig->p, 17);
	rig_inbox_open(&pf, rig->p, 0);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->sa.last.slid, RIG_P);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 56, 17);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 48 & 0xff, vf.client.id);
	assert_int_equal(vf.n, 1);
	assert_int_equal(pf.n, 0);
	assert_int_equal(be64toh(vf.last.mad.trans_id),
			 (uint64_t)vf.client.id << 48 | UINT64_C(0x1234));
	assert_int_equal(sim_client_send(&pf.client, &p), 0);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 56, 0);
	assert_int_equal(pf.n, 1);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
	rig_inbox_close(&pf);
}

static void forget_the_tid(struct rig *rig, const struct sim_packet *packet)
{
	struct sim_packet p = *packet;

	p.mad.trans_id &= htobe64(UINT64_C(0x00ffffffffffffff));
	rig_answer(rig, &p, SIM_GET_RESP, 0);
}

static void an_answer_without_the_top_byte_of_the_tid_never_arrives(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 1);
	rig->on_request = forget_the_tid;
	rig_inbox_open(&vf, rig->p, 1);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(vf.n, 0);
	rig_inbox_close(&vf);
}

static void a_grh_has_the_gid_of_the_vf_both_ways(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 2);
	rig->on_request = echo;
	rig_inbox_open(&vf, rig->p, 2);
	rig_add_grh(&p, rig->m->guid);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->sa.last.sgid[0], 0xfe);
	assert_int_equal(rig->sa.last.sgid[14], (GUID + 1) >> 8);
	assert_int_equal(rig->sa.last.sgid[15], (GUID + 1) & 0xff);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
}

static void requests_with_the_gid_of_a_vf_are_the_vfs(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf, pf;
	struct sim_agent a = { .mgmt_class = CLASS_CM,
			       .version = 1,
			       .qpn = 1,
			       .methods = { UINT64_C(1) << SIM_SEND } };
	struct sim_agent b = a;
	struct sim_packet p = rig_mad(RIG_P, CLASS_CM, SIM_SEND, 0x10);

	bring_up(rig, 2);
	rig_inbox_open(&vf, rig->p, 2);
	rig_inbox_open(&pf, rig->p, 0);
	assert_int_equal(sim_register(&vf.client, &a), 0);
	assert_int_equal(sim_register(&pf.client, &b), 0);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(pf.n, 1);
	rig_add_grh(&p, GUID + 1);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 1);
	assert_int_equal(pf.n, 1);
	rig_add_grh(&p, 0x4242);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_GRH);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	rig_add_grh(&p, GUID + 1);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
	rig_inbox_close(&vf);
	rig_inbox_close(&pf);
}

static void only_sa_cm_and_get_and_set_of_device_management_pass(void **state)
{
	static const struct {
		uint8_t mgmt_class;
		uint8_t method;
		bool passes;
	} cases[] = {
		{ CLASS_SA, SIM_GET, true },       { CLASS_CM, SIM_SEND, true },
		{ CLASS_DEVICE, SIM_GET, true },   { CLASS_DEVICE, SIM_SET, true },
		{ CLASS_DEVICE, SIM_SEND, false }, { SIM_CLASS_PERF, SIM_GET, false },
		{ 0x09, SIM_GET, false },
	};
	struct rig *rig = *state;
	struct rig_inbox vf;

	bring_up(rig, 1);
	rig->on_request = NULL;
	rig_inbox_open(&vf, rig->p, 1);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct sim_packet p =
			rig_mad(RIG_M, cases[i].mgmt_class, cases[i].method, ATTR_PATH);
		uint64_t before = rig->p->counters.xmit_pkts;

		assert_int_equal(sim_client_send(&vf.client, &p), 0);
		assert_int_equal(rig->p->counters.xmit_pkts - before, cases[i].passes);
	}
	rig_inbox_close(&vf);
}

static void of_device_management_a_vf_gets_answers_only(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_P, CLASS_DEVICE, SIM_GET, 1);

	bring_up(rig, 1);
	rig_inbox_open(&vf, rig->p, 1);
	rig_add_grh(&p, GUID);
	rig->why = SIM_PASSED;
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_NOBODY);
	p.mad.method = SIM_GET_RESP;
	p.mad.trans_id = htobe64((uint64_t)1 << 56 | (uint64_t)vf.client.id << 48 | 7);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
}

static void what_is_no_request_keeps_its_tid(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf, m;
	struct sim_agent agent = { .mgmt_class = CLASS_CM,
				   .version = 1,
				   .qpn = 1,
				   .methods = { UINT64_C(1) << SIM_SEND } };
	struct sim_packet p = rig_mad(RIG_M, CLASS_CM, SIM_SEND, 0x10);

	bring_up(rig, 1);
	rig_inbox_open(&vf, rig->p, 1);
	rig_inbox_open(&m, rig->m, 0);
	assert_int_equal(sim_register(&m.client, &agent), 0);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(be64toh(m.last.mad.trans_id) >> 56, 0);
	rig_inbox_close(&vf);
	rig_inbox_close(&m);
}

static void a_vf_without_guid_sends_nothing(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	add(rig, 1, true, false);
	sa.silent = 1000;
	rig_activate(rig->p, RIG_P);
	rig_inbox_open(&vf, rig->p, 1);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
	assert_int_equal(rig->sa.n, 0);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	rig_inbox_close(&vf);
}

static void an_answer_for_a_vf_that_is_none_is_lost(void **state)
{
	struct rig *rig = *state;
	struct sim_packet p = rig_mad(RIG_P, CLASS_SA, SIM_GET_RESP, ATTR_PATH);

	bring_up(rig, 1);
	for (unsigned top = 1; top < 256; top++) {
		p.mad.trans_id = htobe64((uint64_t)top << 56);
		assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	}
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

static void set_pkeys(struct rig *rig)
{
	free(rig->p->pkeys);
	rig->p->pkeys = calloc(64, sizeof(rig->p->pkeys[0]));
	assert_non_null(rig->p->pkeys);
	rig->p->pkeys[0] = htobe16(0xffff);
	rig->p->pkeys[1] = htobe16(0x8001);
	rig->p->pkeys[2] = htobe16(0x0001);
	sim_shared_port_event(rig->p, SIM_EVENT_PKEYS);
}

static void a_vf_sends_with_the_pkeys_that_the_pf_lets_it_see(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 1);
	rig->on_request = NULL;
	set_pkeys(rig);
	rig_inbox_open(&vf, rig->p, 1);
	assert_int_equal(sim_client_send(&vf.client, &p), 0); /* index 0 is the port's */
	p.pkey = 0x8001;
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 5, 1), 0);
	assert_int_equal(rig->event.event, SIM_EVENT_PKEYS);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	p.pkey = 0x0001;
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 5, SIM_PKEY_INDEX_NONE), 0);
	p.pkey = 0x8001;
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 64, 1), -EINVAL);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 1, 64), -EINVAL);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 2, 1, 1), -ENOENT);
	rig_inbox_close(&vf);
}

static void a_pkey_that_moves_to_another_index_moves_the_vf(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 1);
	rig->on_request = NULL;
	set_pkeys(rig);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 1, 1), 0);
	rig->p->pkeys[1] = htobe16(0x8009);
	rig_inbox_open(&vf, rig->p, 1);
	p.pkey = 0x8001;
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	p.pkey = 0x8009;
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	rig_inbox_close(&vf);
}

static void a_vf_takes_only_packets_of_pkeys_that_it_sees(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_agent agent = { .mgmt_class = CLASS_CM,
				   .version = 1,
				   .qpn = 1,
				   .methods = { UINT64_C(1) << SIM_SEND } };
	struct sim_packet p = rig_mad(RIG_P, CLASS_CM, SIM_SEND, 0x10);

	bring_up(rig, 1);
	set_pkeys(rig);
	rig_inbox_open(&vf, rig->p, 1);
	assert_int_equal(sim_register(&vf.client, &agent), 0);
	rig_add_grh(&p, GUID);
	p.pkey = 0x8001;
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 0);
	assert_int_equal(rig->why, SIM_DROP_PKEY);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 1, 1, 2), 0);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 1);
	p.pkey = 0x0001; /* limited to limited */
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
}

static void note_vf(void *user, const struct sim_endpoint *e)
{
	unsigned *vfs = user;

	*vfs |= 1u << e->vf;
}

static void what_is_sent_to_a_group_each_vf_with_the_pkey_gets(void **state)
{
	struct rig *rig = *state;
	struct sim_probe probe = { .from = { rig->m, 0 }, .dlid = 0xc005, .pkey = 0x8001 };
	struct sim_spread spread;
	unsigned vfs = 0;

	bring_up(rig, 3);
	set_pkeys(rig);
	rig->m->pkeys = calloc(64, sizeof(rig->m->pkeys[0]));
	assert_non_null(rig->m->pkeys);
	rig->m->pkeys[0] = htobe16(0x8001);
	assert_int_equal(sim_mft_put(rig->sw, 0xc005, rig->p->far->number, true), 0);
	assert_int_equal(sim_vf_set_pkey_index(rig->p, 2, 1, 1), 0);
	assert_int_equal(sim_probe_multicast(&probe, note_vf, &vfs, &spread), 0);
	assert_int_equal(vfs, 1u << 0 | 1u << 2);
	assert_int_equal(spread.n_reached, 2);
	/* Where it saw that P_Key there is another now. */
	rig->p->pkeys[1] = htobe16(0x8002);
	sim_shared_port_event(rig->p, SIM_EVENT_PKEYS);
	vfs = 0;
	assert_int_equal(sim_probe_multicast(&probe, note_vf, &vfs, &spread), 0);
	assert_int_equal(vfs, 1u << 0); /* with the limited one */
	assert_int_equal(spread.n_lost, 0);
}

/* ---- the rest of the device ------------------------------------------------------------------ */

static void two_vfs_of_one_port_reach_each_other(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox one, two;
	struct sim_agent agent = { .mgmt_class = CLASS_CM,
				   .version = 1,
				   .qpn = 1,
				   .methods = { UINT64_C(1) << SIM_SEND } };
	struct sim_packet p = rig_mad(RIG_P, CLASS_CM, SIM_SEND, 0x10);

	bring_up(rig, 2);
	rig_inbox_open(&one, rig->p, 1);
	rig_inbox_open(&two, rig->p, 2);
	assert_int_equal(sim_register(&two.client, &agent), 0);
	rig_add_grh(&p, GUID + 1);
	assert_int_equal(sim_client_send(&one.client, &p), 0);
	assert_int_equal(two.n, 1);
	assert_int_equal(two.last.sgid[15], GUID & 0xff);
	rig_inbox_close(&one);
	rig_inbox_close(&two);
}

static void a_vf_that_is_up_reaches_all_and_is_reached(void **state)
{
	struct rig *rig = *state;
	struct sim_probe_all all = { .like.hop_limit = 1 };
	unsigned n_probes;

	bring_up(rig, 3);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	sim_power(rig->q->node, false);
	rig->sw->ports[0].info.base_lid = htobe16(9);
	rig_route(rig->sw, 9, 0);
	assert_int_equal(sim_probe_all(rig->fabric, &all, &n_probes), 0);
	assert_int_equal(n_probes, 5 * 4); /* S, M; P with VFs 1 and 3 */
}

static void send_smp(struct rig *rig, uint16_t attribute, const void *data, size_t size)
{
	struct rig_inbox m;
	struct sim_packet p = rig_mad(RIG_P, SIM_CLASS_LID, SIM_SET, attribute);

	rig_inbox_open(&m, rig->m, 0);
	p.sqpn = 0;
	p.dqpn = 0;
	memcpy(p.smp.data, data, size);
	assert_int_equal(sim_client_send(&m.client, &p), 0);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.last.mad.status, 0);
	rig_inbox_close(&m);
}

static void an_smp_brings_a_vf_up(void **state)
{
	struct rig *rig = *state;
	ib_net64_t guids[8] = { [1] = htobe64(GUID) };

	add(rig, 1, true, false);
	sa.no_smp = true;
	rig_activate(rig->p, RIG_P);
	pass(rig, 10);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	send_smp(rig, 0x14, guids, sizeof(guids));
	assert_int_equal(rig_look(rig->p, 1).state, SIM_ACTIVE);
}

static void an_smp_with_client_reregister_asks_for_all_again(void **state)
{
	struct rig *rig = *state;
	ib_port_info_t info;

	bring_up(rig, 1);
	info = rig->p->info;
	info.state_info1 = 0;
	info.state_info2 = 0;
	info.subnet_timeout |= 0x80;
	send_smp(rig, 0x15, &info, sizeof(info));
	pass(rig, 10);
	assert_int_equal(rig->sa.n, 1);
}

static void ports_of_a_node_make_up_guids_apart(void **state)
{
	struct rig *rig = *state;
	struct sim_node_spec spec = { .type = SIM_CA, .n_ports = 2 };
	struct sim_vf_spec vfs = { 0 };
	struct sim_node *node;

	assert_int_equal(sim_node_new(rig->fabric, &spec, &node), 0);
	for (unsigned n = 1; n <= 2; n++)
		assert_int_equal(sim_vfs_add(&node->ports[n], SIM_VF_SHARED_PORT, 100, &vfs), 0);
	for (unsigned a = 1; a <= 100; a++)
		for (unsigned b = 1; b <= 100; b++)
			assert_true(rig_look(&node->ports[1], a).guid !=
				    rig_look(&node->ports[2], b).guid);
	assert_int_equal(sim_vfs_add(&rig->sw->ports[7], SIM_VF_SHARED_PORT, 1, &vfs), -EINVAL);
	assert_int_equal(sim_vfs_add(&node->ports[1], SIM_VF_SHARED_PORT, 1, &vfs), -EBUSY);
	assert_int_equal(sim_vfs_add(rig->q, SIM_VF_SHARED_PORT, 0, &vfs), -EINVAL);
}

/* ---- groups ---------------------------------------------------------------------------------- */

enum { FULL = 1, NON = 2, SEND_ONLY = 4, JOIN_MASK = 0x10083 };

static uint8_t joined;            /* what the SA has the port in the group for */
static uint16_t group_status;     /* of its answers */
static unsigned group_silence;    /* requests without answer */
static uint8_t group_answer_bits; /* JoinState that it says, if not 0 */
static bool wrong_tid;

static ib_member_rec_t member_of(const struct sim_packet *packet)
{
	ib_member_rec_t record;

	memcpy(&record, ((const ib_sa_mad_t *)packet->bytes)->data, sizeof(record));
	return record;
}

static void serve_groups(struct rig *rig, const struct sim_packet *packet)
{
	struct sim_packet p = *packet;
	ib_member_rec_t record = member_of(packet);
	bool leave = p.mad.method == METHOD_DELETE;

	if (group_silence) {
		group_silence--;
		return;
	}
	if (leave)
		joined &= (uint8_t)~record.scope_state;
	else if (!group_status)
		joined |= record.scope_state & 0x0f;
	record.scope_state = group_answer_bits ? group_answer_bits : joined;
	record.mlid = htobe16(0xc005);
	if (!record.mgid.raw[0])
		record.mgid.raw[0] = 0xfe;
	record.qkey = htobe32(0x1b1b);
	memcpy(((ib_sa_mad_t *)p.bytes)->data, &record, sizeof(record));
	if (wrong_tid)
		p.mad.trans_id ^= htobe64(1);
	rig_answer(rig, &p, leave ? METHOD_DELETE_RESP : SIM_GET_RESP, group_status);
}

static struct sim_packet member_request(uint8_t method, uint8_t mgid, uint8_t join_state,
					uint64_t guid)
{
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, method, ATTR_MEMBER);
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;
	ib_member_rec_t record = { .pkey = 0xffff, .scope_state = join_state };

	record.mgid.raw[0] = mgid ? 0xff : 0;
	record.mgid.raw[15] = mgid;
	record.port_gid.unicast.prefix = htobe64(UINT64_C(0xfe80000000000000));
	record.port_gid.unicast.interface_id = htobe64(guid);
	mad->comp_mask = htobe64(JOIN_MASK);
	memcpy(mad->data, &record, sizeof(record));
	return p;
}

/* Three guests and the PF, VF n at [n]. */
struct guests {
	struct rig_inbox of[4];
};

static void open_guests(struct rig *rig, struct guests *guests)
{
	joined = 0;
	group_status = 0;
	group_silence = 0;
	group_answer_bits = 0;
	wrong_tid = false;
	bring_up(rig, 3);
	rig->on_request = serve_groups;
	for (unsigned vf = 0; vf < COUNT(guests->of); vf++)
		rig_inbox_open(&guests->of[vf], rig->p, vf);
}

static void close_guests(struct guests *guests)
{
	for (unsigned vf = 0; vf < COUNT(guests->of); vf++)
		rig_inbox_close(&guests->of[vf]);
}

static void ask_group(struct guests *guests, unsigned vf, uint8_t method, uint8_t mgid,
		      uint8_t join_state)
{
	struct sim_packet p = member_request(method, mgid, join_state, GUID + vf - 1);

	assert_int_equal(sim_client_send(&guests->of[vf].client, &p), 0);
}

static void assert_answer(const struct rig_inbox *inbox, unsigned n, uint16_t status,
			  uint8_t join_state)
{
	ib_member_rec_t record = member_of(&inbox->last);

	assert_int_equal(inbox->n, n);
	assert_int_equal(inbox->last.mad.method, SIM_GET_RESP);
	assert_int_equal(be16toh(inbox->last.mad.status), status);
	assert_int_equal(be64toh(inbox->last.mad.trans_id),
			 (uint64_t)inbox->client.id << 48 | UINT64_C(0x1234));
	if (!status)
		assert_int_equal(record.scope_state & 0x0f, join_state);
}

static void the_pf_joins_for_its_vfs(void **state)
{
	struct rig *rig = *state;
	struct guests guests;
	ib_member_rec_t record;

	open_guests(rig, &guests);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 56, 0xff);
	record = member_of(&rig->sa.last);
	assert_int_equal(record.port_gid.unicast.interface_id, htobe64(rig->p->guid));
	assert_int_equal(record.mgid.raw[15], 9);
	assert_int_equal(comp_mask(&rig->sa.last), JOIN_MASK);
	assert_answer(&guests.of[2], 1, 0, FULL);
	record = member_of(&guests.of[2].last);
	assert_int_equal(record.port_gid.unicast.interface_id, htobe64(GUID + 1));
	assert_int_equal(record.mlid, htobe16(0xc005));
	close_guests(&guests);
}

static void a_second_join_is_answered_by_the_pf(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	ask_group(&guests, 0, SIM_SET, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	assert_answer(&guests.of[2], 1, 0, FULL);
	assert_answer(&guests.of[0], 1, 0, FULL);
	ask_group(&guests, 3, SIM_SET, 9, SEND_ONLY);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(joined, FULL | SEND_ONLY);
	assert_answer(&guests.of[3], 1, 0, SEND_ONLY);
	joined = 0; /* another group */
	ask_group(&guests, 3, SIM_SET, 10, FULL);
	assert_int_equal(rig->sa.n, 3);
	close_guests(&guests);
}

static void the_pf_leaves_when_the_last_one_does(void **state)
{
	struct rig *rig = *state;
	struct guests guests;
	ib_member_rec_t record;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	ask_group(&guests, 1, METHOD_DELETE, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	assert_answer(&guests.of[1], 2, 0, 0);
	ask_group(&guests, 2, METHOD_DELETE, 9, FULL);
	assert_int_equal(rig->sa.n, 2);
	assert_int_equal(rig->sa.last.mad.method, METHOD_DELETE);
	assert_int_equal(comp_mask(&rig->sa.last), 0x10003);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 56, 0xff);
	record = member_of(&rig->sa.last);
	assert_int_equal(record.scope_state, FULL);
	assert_int_equal(record.port_gid.unicast.interface_id, htobe64(rig->p->guid));
	assert_answer(&guests.of[2], 2, 0, 0);
	assert_int_equal(joined, 0);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	assert_int_equal(rig->sa.n, 3);
	close_guests(&guests);
}

static void who_is_no_member_cannot_leave(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, METHOD_DELETE, 9, FULL);
	assert_int_equal(guests.of[1].n, 0); /* no such group: not a word */
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, METHOD_DELETE, 9, FULL);
	assert_answer(&guests.of[2], 1, 0x0200, 0);
	ask_group(&guests, 1, METHOD_DELETE, 9, FULL | NON);
	assert_answer(&guests.of[1], 2, 0x0200, 0);
	assert_int_equal(rig->sa.n, 1);
	close_guests(&guests);
}

static void a_second_join_must_fit_the_group(void **state)
{
	struct rig *rig = *state;
	struct guests guests;
	struct sim_packet p;
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	p = member_request(SIM_SET, 9, FULL, GUID + 1);
	mad->comp_mask |= htobe64(1 << 2); /* Q_Key, of 0 */
	assert_int_equal(sim_client_send(&guests.of[2].client, &p), 0);
	assert_answer(&guests.of[2], 1, 0x0200, 0);
	assert_int_equal(rig->sa.n, 1);
	close_guests(&guests);
}

static void a_join_that_the_sa_refuses_is_refused(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	group_status = 0x0700;
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	assert_answer(&guests.of[1], 1, 0x0700, 0);
	group_status = 0;
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	assert_int_equal(rig->sa.n, 2);
	assert_answer(&guests.of[1], 2, 0, FULL);
	close_guests(&guests);
}

static void a_join_without_answer_is_dropped_after_2_seconds(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	group_silence = 1;
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	pass(rig, 1999);
	assert_int_equal(rig->sa.n, 1);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 2); /* the next one's */
	assert_int_equal(guests.of[1].n, 0);
	assert_answer(&guests.of[2], 1, 0, FULL);
	close_guests(&guests);
}

static void an_answer_with_another_tid_is_ignored(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	wrong_tid = true;
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	pass(rig, 5000);
	assert_int_equal(guests.of[1].n, 0);
	close_guests(&guests);
}

static void where_the_sa_chooses_the_group_the_tid_finds_it(void **state)
{
	struct rig *rig = *state;
	struct guests guests;
	ib_member_rec_t record;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 0, FULL);
	assert_answer(&guests.of[1], 1, 0, FULL);
	record = member_of(&guests.of[1].last);
	assert_int_equal(record.mgid.raw[0], 0xfe);
	close_guests(&guests);
}

static void an_answer_without_the_join_state_is_no_help(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	group_answer_bits = NON;
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	pass(rig, 10);
	assert_in_range(rig->sa.n, 5, 12);
	assert_int_equal(guests.of[1].n, 0);
	group_answer_bits = 0;
	pass(rig, 10);
	assert_answer(&guests.of[1], 1, 0, FULL);
	close_guests(&guests);
}

static void send_only_full_member_is_not_known_to_it(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, 8);
	assert_int_equal(rig->sa.n, 0);
	assert_int_equal(guests.of[1].n, 1);
	close_guests(&guests);
}

static void tables_of_members_are_read_past_the_pf(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	group_silence = 10;
	ask_group(&guests, 1, METHOD_GET_TABLE, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(be64toh(rig->sa.last.mad.trans_id) >> 56, 1);
	ask_group(&guests, 1, SIM_GET, 9, FULL);
	assert_int_equal(rig->sa.n, 1);
	close_guests(&guests);
}

static void a_leave_without_answer_is_forgotten_after_2_seconds(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	group_silence = 1;
	ask_group(&guests, 1, METHOD_DELETE, 9, FULL);
	assert_answer(&guests.of[1], 2, 0, 0);
	ask_group(&guests, 2, SIM_SET, 9, FULL);
	pass(rig, 1999);
	assert_int_equal(rig->sa.n, 2);
	pass(rig, 1);
	assert_int_equal(rig->sa.n, 3);
	assert_answer(&guests.of[2], 1, 0, FULL);
	close_guests(&guests);
}

static void an_sa_that_says_members_have_not_left_is_asked_again(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	group_answer_bits = FULL;
	ask_group(&guests, 1, METHOD_DELETE, 9, FULL);
	pass(rig, 10);
	assert_in_range(rig->sa.n, 5, 14);
	close_guests(&guests);
}

static void a_vf_that_is_stopped_leaves_its_groups(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, SIM_SET, 9, SEND_ONLY);
	assert_int_equal(joined, FULL | SEND_ONLY);
	group_silence = 0;
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(joined, SEND_ONLY);
	close_guests(&guests);
}

static void reregister_leaves_all_groups_and_takes_no_joins_until_then(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	ask_group(&guests, 1, SIM_SET, 9, FULL);
	ask_group(&guests, 2, SIM_SET, 10, FULL);
	group_silence = 2;
	rig->sa.n = 0;
	sim_shared_port_event(rig->p, SIM_EVENT_REREGISTER);
	assert_int_equal(rig->sa.n, 2); /* leaves; the GUIDs come by the loop */
	assert_int_equal(rig->sa.last.mad.method, METHOD_DELETE);
	ask_group(&guests, 3, SIM_SET, 11, FULL);
	assert_int_equal(rig->sa.n, 2);
	rig->on_request = serve_guids;
	pass(rig, 2000);
	rig->on_request = serve_groups;
	rig->sa.n = 0;
	ask_group(&guests, 3, SIM_SET, 11, FULL);
	assert_int_equal(rig->sa.n, 1);
	assert_answer(&guests.of[3], 1, 0, FULL);
	close_guests(&guests);
}

static void a_vf_has_few_requests_that_wait(void **state)
{
	struct rig *rig = *state;
	struct guests guests;

	open_guests(rig, &guests);
	group_silence = 1;
	for (unsigned i = 0; i < 20; i++)
		ask_group(&guests, 1, SIM_SET, 9, FULL);
	pass(rig, 2000);
	assert_int_equal(guests.of[1].n, 4);
	close_guests(&guests);
}

/* ---- anything -------------------------------------------------------------------------------- */

/* The header is that of an answer, sometimes with a wrong status or TID; the rest is noise. */
static void answer_anything(struct rig *rig, const struct sim_packet *packet)
{
	struct xoshiro *random = &rig->fabric->random;
	struct sim_packet p = *packet;
	ib_sa_mad_t *mad = (ib_sa_mad_t *)p.bytes;
	uint64_t dice = xoshiro_next(random);

	for (unsigned i = 0; dice & 1 && i < 80; i++)
		mad->data[i] ^= (uint8_t)(xoshiro_next(random) >> 62);
	if (dice & 2)
		mad->data[35 + 16] = (uint8_t)xoshiro_next(random);
	if ((dice >> 8 & 15) == 0)
		p.mad.trans_id ^= htobe64(xoshiro_next(random));
	rig_answer(rig, &p, dice & 4 ? SIM_GET_RESP : METHOD_DELETE_RESP,
		   (uint16_t)((dice >> 16 & 7) == 0 ? dice >> 32 : 0));
}

static void whatever_an_sa_answers_the_driver_goes_on(void **state)
{
	struct rig *rig = *state;
	struct guests guests;
	struct xoshiro *random = &rig->fabric->random;

	open_guests(rig, &guests);
	rig->on_request = answer_anything;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t dice = xoshiro_next(random);
		unsigned vf = dice & 3;

		if (vf && (dice >> 20 & 31) == 0)
			sim_vf_stop(rig->p, vf);
		if (vf && (dice >> 25 & 7) == 0)
			sim_vf_start(rig->p, vf);
		if (vf && (dice >> 30 & 63) == 0)
			sim_vf_set_guid(rig->p, vf, dice >> 36 & 3);
		if ((dice >> 40 & 255) == 0)
			sim_shared_port_event(rig->p, SIM_EVENT_REREGISTER);
		else {
			struct sim_packet p = member_request(dice & 4 ? SIM_SET : METHOD_DELETE,
							     dice >> 8 & 3, dice >> 10 & 15, GUID);

			sim_client_send(&guests.of[vf].client, &p);
		}
		pass(rig, dice >> 50 & 63);
	}
	sa = (struct guid_sa){ 0 };
	rig->on_request = serve_guids;
	for (unsigned vf = 1; vf <= 3; vf++) {
		sim_vf_set_guid(rig->p, vf, GUID + vf - 1);
		sim_vf_start(rig->p, vf);
	}
	pass(rig, 70000);
	for (unsigned vf = 1; vf <= 3; vf++)
		assert_int_equal(rig_look(rig->p, vf).state, SIM_ACTIVE);
	close_guests(&guests);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_fabric_sees_one_port_with_128_guids),
		TEST(the_driver_asks_for_the_guids_of_started_vfs),
		TEST(one_block_is_asked_for_after_the_other),
		TEST(a_vf_is_held_down_until_guidinfo_has_its_guid),
		TEST(the_answer_alone_may_bring_it_up),
		TEST(guidinfo_alone_brings_it_up_too),
		TEST(the_smp_may_come_before_the_answer),
		TEST(a_guid_that_the_sm_assigned_is_asked_for_from_then_on),
		TEST(eleven_tries_100_ms_apart_then_a_seconds_rest),
		TEST(an_answer_to_a_later_try_counts),
		TEST(after_a_status_it_rests_a_second),
		TEST(what_is_declined_is_asked_for_after_1_2_4_to_60_seconds),
		TEST(another_wish_does_not_wait_for_what_was_declined),
		TEST(a_vf_that_starts_while_its_guid_is_deleted_gets_it_again),
		TEST(a_guid_brings_no_vf_up_at_a_port_that_is_not),
		TEST(another_guid_than_asked_for_is_declined),
		TEST(one_declined_entry_does_not_keep_the_others_down),
		TEST(an_answer_for_another_block_is_no_answer),
		TEST(an_answer_to_another_question_is_no_answer),
		TEST(without_an_sm_it_asks_again_after_a_second),
		TEST(a_port_that_is_not_active_is_looked_at_every_5_seconds),
		TEST(a_vf_that_is_stopped_gives_its_guid_back),
		TEST(stopping_one_and_starting_another_are_two_requests),
		TEST(reregister_asks_for_all_again_and_takes_no_vf_down),
		TEST(reregister_does_not_wait_for_what_was_declined),
		TEST(when_the_port_goes_down_its_vfs_do),
		TEST(after_a_power_cycle_the_driver_begins_anew),
		TEST(without_power_its_vfs_are_down),
		TEST(another_guid_of_a_running_vf_is_asked_for),
		TEST(a_guest_moves_with_its_guid),
		TEST(qp0_of_a_vf_is_a_black_hole),
		TEST(qp1_of_a_vf_goes_out_from_the_pf_with_the_vf_in_the_tid),
		TEST(an_answer_without_the_top_byte_of_the_tid_never_arrives),
		TEST(a_grh_has_the_gid_of_the_vf_both_ways),
		TEST(requests_with_the_gid_of_a_vf_are_the_vfs),
		TEST(only_sa_cm_and_get_and_set_of_device_management_pass),
		TEST(of_device_management_a_vf_gets_answers_only),
		TEST(what_is_no_request_keeps_its_tid),
		TEST(a_vf_without_guid_sends_nothing),
		TEST(an_answer_for_a_vf_that_is_none_is_lost),
		TEST(a_vf_sends_with_the_pkeys_that_the_pf_lets_it_see),
		TEST(a_pkey_that_moves_to_another_index_moves_the_vf),
		TEST(a_vf_takes_only_packets_of_pkeys_that_it_sees),
		TEST(what_is_sent_to_a_group_each_vf_with_the_pkey_gets),
		TEST(two_vfs_of_one_port_reach_each_other),
		TEST(a_vf_that_is_up_reaches_all_and_is_reached),
		TEST(an_smp_brings_a_vf_up),
		TEST(an_smp_with_client_reregister_asks_for_all_again),
		TEST(ports_of_a_node_make_up_guids_apart),
		TEST(the_pf_joins_for_its_vfs),
		TEST(a_second_join_is_answered_by_the_pf),
		TEST(the_pf_leaves_when_the_last_one_does),
		TEST(who_is_no_member_cannot_leave),
		TEST(a_second_join_must_fit_the_group),
		TEST(a_join_that_the_sa_refuses_is_refused),
		TEST(a_join_without_answer_is_dropped_after_2_seconds),
		TEST(an_answer_with_another_tid_is_ignored),
		TEST(where_the_sa_chooses_the_group_the_tid_finds_it),
		TEST(an_answer_without_the_join_state_is_no_help),
		TEST(send_only_full_member_is_not_known_to_it),
		TEST(tables_of_members_are_read_past_the_pf),
		TEST(a_leave_without_answer_is_forgotten_after_2_seconds),
		TEST(an_sa_that_says_members_have_not_left_is_asked_again),
		TEST(a_vf_that_is_stopped_leaves_its_groups),
		TEST(reregister_leaves_all_groups_and_takes_no_joins_until_then),
		TEST(a_vf_has_few_requests_that_wait),
		TEST(whatever_an_sa_answers_the_driver_goes_on),
	};

	return cmocka_run_group_tests_name("shared ports", tests, NULL, NULL);
}
