/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* Vports: their attributes, states, packets and traps, and each choice that nobody could verify. */

#include "tests/sim/vf-rig.h"
#include "tests/unit/loop-virtual.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/link.h"
#include "tests/sim/probe.h"
#include "tests/sim/sma.h"
#include "tests/sim/vport.h"

enum {
	GUID = 0x1100,
	CLASS_SA = 3,
	ATTR_PATH = 0x35,
	ENABLE = 0x80,
	REREGISTER_ALL = 0x40,
	CHANGED = 0x20,
};

typedef enum sim_status (*attribute_fn)(struct sim_ask *ask);

static uint8_t data[64];

static enum sim_status ask(attribute_fn fn, struct sim_port *port, bool set, uint32_t modifier)
{
	static const struct sim_packet packet;
	struct sim_ask a = { .in = port,
			     .end = port,
			     .node = port->node,
			     .packet = &packet,
			     .set = set,
			     .modifier = modifier,
			     .data = data };

	return fn(&a);
}

static enum sim_status get(attribute_fn fn, struct sim_port *port, uint32_t modifier)
{
	memset(data, 0xa5, sizeof(data));
	return ask(fn, port, false, modifier);
}

static unsigned be16_at(unsigned at)
{
	return data[at] << 8 | data[at + 1];
}

static void put16(unsigned at, unsigned value)
{
	data[at] = (uint8_t)(value >> 8);
	data[at + 1] = (uint8_t)value;
}

static uint64_t be64_at(unsigned at)
{
	return (uint64_t)be16_at(at) << 48 | (uint64_t)be16_at(at + 2) << 32 |
	       (uint64_t)be16_at(at + 4) << 16 | be16_at(at + 6);
}

static void assert_zero(unsigned from)
{
	for (unsigned i = from; i < sizeof(data); i++)
		assert_int_equal(data[i], 0);
}

static void enable(struct sim_port *port)
{
	memset(data, 0, sizeof(data));
	data[4] = ENABLE | CHANGED;
	assert_int_equal(ask(sim_virtualization_info, port, true, 0), SIM_OK);
}

static enum sim_status set_state(struct sim_port *port, unsigned vport, unsigned state)
{
	assert_int_equal(get(sim_vport_info, port, vport), SIM_OK);
	data[0] = (uint8_t)(state << 4 | (data[0] & 0x0f));
	return ask(sim_vport_info, port, true, vport);
}

static enum sim_status set_lid(struct sim_port *port, unsigned vport, unsigned lid)
{
	assert_int_equal(get(sim_vport_info, port, vport), SIM_OK);
	data[0] &= 0x0f;
	put16(8, lid);
	return ask(sim_vport_info, port, true, vport);
}

static void activate(struct sim_port *port, unsigned vport)
{
	assert_int_equal(set_state(port, vport, SIM_ARMED), SIM_OK);
	assert_int_equal(set_state(port, vport, SIM_ACTIVE), SIM_OK);
}

static void add(struct rig *rig, unsigned count, bool lid_required)
{
	struct sim_vf_spec spec = { .first_guid = GUID, .up = true, .lid_required = lid_required };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VPORT, count, &spec), 0);
}

/* Traps leave from a timer. */
static unsigned traps(struct rig *rig)
{
	loop_virtual_run_for(rig->loop, 10 * LOOP_MSEC);
	return rig->n_traps;
}

/* P with @count vports, Active, enabled; @active of them, and 0, Active. */
static void bring_up(struct rig *rig, unsigned count, bool lid_required, unsigned active)
{
	add(rig, count, lid_required);
	rig_activate(rig->p, RIG_P);
	enable(rig->p);
	for (unsigned i = 0; i <= active; i++) {
		if (i && lid_required) {
			assert_int_equal(set_lid(rig->p, i, 100 + i), SIM_OK);
			rig_route(rig->sw, (uint16_t)(100 + i), RIG_P);
		}
		activate(rig->p, i);
	}
	enable(rig->p); /* clears VPortStateChange */
	traps(rig);
	rig->n_traps = 0;
}

/* ---- what is announced ----------------------------------------------------------------------- */

static void ports_without_vports_know_none_of_the_attributes(void **state)
{
	static const attribute_fn all[] = {
		sim_virtualization_info, sim_vport_info,        sim_vnode_info,
		sim_vport_state,         sim_vnode_description, sim_vport_guid_info,
		sim_vport_pkey_table,    sim_general_info,
	};
	struct rig *rig = *state;

	for (unsigned i = 0; i < COUNT(all); i++) {
		assert_int_equal(get(all[i], rig->p, 0), SIM_BAD_ATTRIBUTE);
		assert_int_equal(ask(all[i], rig->p, true, 0), SIM_BAD_ATTRIBUTE);
	}
}

static void capability_bits_announce_vports(void **state)
{
	struct rig *rig = *state;

	assert_false(be32toh(rig->p->info.capability_mask) & 1u << 15);
	add(rig, 2, false);
	assert_true(be32toh(rig->p->info.capability_mask) & 1u << 15);
	assert_true(be16toh(rig->p->info.capability_mask2) & 1u << 2);
	sim_power(rig->p->node, false);
	sim_power(rig->p->node, true);
	assert_true(be16toh(rig->p->info.capability_mask2) & 1u << 2);
}

static void general_info_announces_vports_and_their_guids(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	assert_int_equal(get(sim_general_info, rig->p, 4), SIM_OK);
	assert_int_equal(be16_at(0), 0x0040); /* bit 22 */
	assert_int_equal(be16_at(2), 0x8000); /* bit 15 */
	assert_zero(4);
	assert_int_equal(get(sim_general_info, rig->p, 0), SIM_BAD_FIELD);
	rig->fabric->quirks.no_vport_guid_info = true;
	assert_int_equal(get(sim_general_info, rig->p, 4), SIM_OK);
	assert_int_equal(be16_at(0), 0);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 1 << 16), SIM_BAD_ATTRIBUTE);
	rig->fabric->quirks.no_vport_guid_info = false;
	assert_int_equal(get(sim_vport_guid_info, rig->p, 1 << 16), SIM_OK);
}

/* ---- VirtualizationInfo ---------------------------------------------------------------------- */

static void virtualization_info_has_its_layout(void **state)
{
	struct rig *rig = *state;

	add(rig, 200, false);
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	assert_int_equal(be16_at(0), 201);
	assert_int_equal(be16_at(2), 200);
	assert_int_equal(data[4], 0);
	assert_int_equal(data[6], SIM_VPORT_REVISION);
	assert_zero(7);
	assert_int_equal(get(sim_virtualization_info, rig->p, 1), SIM_BAD_FIELD);
}

static void its_modifier_may_be_the_port(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	rig->fabric->quirks.virtualization_info_by_port = true;
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_BAD_FIELD);
	assert_int_equal(get(sim_virtualization_info, rig->p, 1), SIM_OK);
}

static void a_port_can_have_256_vfs_and_no_more(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { 0 };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VPORT, 257, &spec), -EINVAL);
	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VPORT, 256, &spec), 0);
	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VPORT, 1, &spec), -EBUSY);
	assert_int_equal(sim_vfs_count(rig->p), 256);
	assert_int_equal(get(sim_vport_info, rig->p, 256), SIM_OK);
	assert_int_equal(get(sim_vport_info, rig->p, 257), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_info, rig->p, 0x10001), SIM_BAD_FIELD);
}

static void a_device_may_lie_about_its_top_and_revision(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	rig->p->vports->top = 900;
	rig->p->vports->revision = 77;
	rig->p->vports->capabilities = 0x5a;
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	assert_int_equal(be16_at(2), 900);
	assert_int_equal(data[6], 77);
	assert_int_equal(data[7], 0x5a);
	assert_int_equal(get(sim_vport_info, rig->p, 900), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_state, rig->p, 7), SIM_BAD_FIELD);
}

/* ---- states ---------------------------------------------------------------------------------- */

static void vport_0_is_the_port_until_virtualization_is_enabled(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	assert_int_equal(get(sim_vport_state, rig->p, 0), SIM_OK);
	assert_int_equal(data[0], SIM_INIT << 4 | SIM_DOWN);
	rig_activate(rig->p, RIG_P);
	assert_int_equal(get(sim_vport_state, rig->p, 0), SIM_OK);
	assert_int_equal(data[0], SIM_ACTIVE << 4 | SIM_DOWN);
	assert_int_equal(data[1], SIM_DOWN << 4);
	assert_zero(2);
	assert_string_equal(rig_look(rig->p, 1).reason, "no SM has enabled virtualization");
	enable(rig->p);
	assert_int_equal(data[4], ENABLE | CHANGED);
	assert_int_equal(get(sim_vport_state, rig->p, 0), SIM_OK);
	assert_int_equal(data[0], SIM_INIT << 4 | SIM_INIT);
	assert_int_equal(data[1], SIM_INIT << 4);
}

static void virtualization_may_be_on_from_the_start(void **state)
{
	struct rig *rig = *state;

	rig->fabric->quirks.vports_start_enabled = true;
	add(rig, 1, false);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	assert_int_equal(data[4] & ENABLE, ENABLE);
	sim_power(rig->p->node, false);
	sim_power(rig->p->node, true);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
}

static void vport_states_fill_blocks_of_128(void **state)
{
	struct rig *rig = *state;

	add(rig, 256, false);
	enable(rig->p);
	assert_int_equal(set_state(rig->p, 129, SIM_ARMED), SIM_OK);
	assert_int_equal(sim_vf_stop(rig->p, 130), 0);
	assert_int_equal(get(sim_vport_state, rig->p, 1), SIM_OK);
	assert_int_equal(data[0], SIM_INIT << 4 | SIM_ARMED); /* 128, 129 */
	assert_int_equal(data[1], SIM_DOWN << 4 | SIM_INIT);
	assert_int_equal(get(sim_vport_state, rig->p, 2), SIM_OK);
	assert_int_equal(data[0], SIM_INIT << 4);
	assert_zero(1);
	assert_int_equal(get(sim_vport_state, rig->p, 3), SIM_BAD_FIELD);
	assert_int_equal(ask(sim_vport_state, rig->p, true, 0), SIM_BAD_ATTRIBUTE);
}

static void a_vport_goes_from_initialize_to_armed_to_active(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, false);
	rig_activate(rig->p, RIG_P);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_BAD_FIELD); /* it is Down */
	enable(rig->p);
	assert_int_equal(set_state(rig->p, 1, SIM_INIT), SIM_BAD_FIELD);
	assert_int_equal(set_state(rig->p, 1, SIM_ACTIVE), SIM_BAD_FIELD);
	assert_int_equal(set_state(rig->p, 1, 9), SIM_BAD_FIELD);
	assert_int_equal(set_state(rig->p, 1, 0), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_INIT);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_ARMED);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(set_state(rig->p, 1, SIM_ACTIVE), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_ACTIVE);
	assert_int_equal(rig->event.event, SIM_EVENT_ACTIVE);
	assert_int_equal(rig->event.vf, 1);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_ACTIVE);
	assert_null(rig_look(rig->p, 1).reason);
}

static void active_may_be_taken_without_armed(void **state)
{
	struct rig *rig = *state;

	rig->fabric->quirks.vport_skips_armed = true;
	add(rig, 1, false);
	enable(rig->p);
	assert_int_equal(set_state(rig->p, 1, SIM_ACTIVE), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_ACTIVE);
}

static void down_starts_a_vport_anew_or_is_refused(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 1);
	rig->fabric->quirks.vport_refuses_down = true;
	assert_int_equal(set_state(rig->p, 1, SIM_DOWN), SIM_BAD_FIELD);
	assert_int_equal(data[0] >> 4, SIM_ACTIVE);
	rig->fabric->quirks.vport_refuses_down = false;
	assert_int_equal(set_state(rig->p, 1, SIM_DOWN), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_INIT);
	assert_int_equal(rig->event.event, SIM_EVENT_DOWN);
}

static void a_vport_may_be_active_before_its_port_or_not(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, false);
	enable(rig->p);
	rig->fabric->quirks.vport_needs_active_port = true;
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_BAD_FIELD);
	rig->fabric->quirks.vport_needs_active_port = false;
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(set_state(rig->p, 1, SIM_ACTIVE), SIM_OK);
	assert_string_equal(rig_look(rig->p, 1).reason, "its port is not Active");
	rig->fabric->quirks.vport_needs_active_port = true;
	rig_activate(rig->p, RIG_P);
	assert_int_equal(set_state(rig->p, 1, SIM_DOWN), SIM_OK);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
}

static void when_the_link_goes_all_vports_go(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 2);
	sim_cable_pull(rig->p);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_string_equal(rig_look(rig->p, 1).reason, "the link of its port is down");
	assert_int_equal(sim_vport(rig->p, 0)->state, SIM_DOWN);
	sim_cable_plug(rig->p);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
	assert_int_equal(sim_vport(rig->p, 0)->state, SIM_INIT);
}

static void a_vf_that_is_stopped_is_down(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_string_equal(rig_look(rig->p, 1).reason, "nobody has started it");
	assert_int_equal(rig_look(rig->p, 2).state, SIM_ACTIVE);
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
	assert_int_equal(sim_vf_start(rig->p, 3), -ENOENT);
	assert_int_equal(sim_vf_start(rig->p, 0), -ENOENT);
}

static void without_power_its_vports_are_down(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, true, 2);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	sim_power(rig->p->node, false);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_DOWN);
	assert_true(rig_look(rig->p, 1).started);
	assert_string_equal(rig_look(rig->p, 1).reason, "its HCA has no power");
	assert_string_equal(rig_look(rig->p, 2).reason, "nobody has started it");
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_DOWN);
	sim_power(rig->p->node, true);
	assert_string_equal(rig_look(rig->p, 2).reason, "no SM has enabled virtualization");
	enable(rig->p);
	assert_int_equal(rig_look(rig->p, 1).state, SIM_INIT);
	assert_int_equal(rig_look(rig->p, 2).state, SIM_INIT);
}

static void after_a_power_cycle_all_is_as_at_power_up(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, true, 1);
	memset(data, 0, sizeof(data));
	put16(0, 0x8001);
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 1 << 16), SIM_OK);
	sim_power(rig->p->node, false);
	sim_power(rig->p->node, true);
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	assert_int_equal(data[4], 0);
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	assert_int_equal(data[0] >> 4, SIM_DOWN);
	assert_int_equal(be16_at(8), 0);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 1 << 16), SIM_OK);
	assert_int_equal(be16_at(0), 0xffff);
}

/* ---- VPortStateChange ------------------------------------------------------------------------ */

static unsigned change_bit(struct rig *rig)
{
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	return data[4] & CHANGED;
}

static void state_change_rises_without_the_sm_and_falls_when_1_is_written(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 0);
	assert_int_equal(change_bit(rig), 0);
	activate(rig->p, 1);
	assert_int_equal(change_bit(rig), 0);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(change_bit(rig), CHANGED);
	assert_int_equal(change_bit(rig), CHANGED);
	memset(data, 0, sizeof(data));
	data[4] = ENABLE;
	assert_int_equal(ask(sim_virtualization_info, rig->p, true, 0), SIM_OK);
	assert_int_equal(data[4], ENABLE | CHANGED);
	data[4] = ENABLE | CHANGED;
	assert_int_equal(ask(sim_virtualization_info, rig->p, true, 0), SIM_OK);
	assert_int_equal(data[4], ENABLE);
}

static void state_change_may_fall_when_it_is_read(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 1);
	rig->fabric->quirks.vport_change_clears_by_get = true;
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	memset(data, 0, sizeof(data));
	data[4] = ENABLE | CHANGED;
	assert_int_equal(ask(sim_virtualization_info, rig->p, true, 0), SIM_OK);
	assert_int_equal(data[4], ENABLE | CHANGED);
	assert_int_equal(change_bit(rig), CHANGED);
	assert_int_equal(change_bit(rig), 0);
}

static void state_change_may_rise_by_what_the_sm_sets(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 0);
	rig->fabric->quirks.vport_change_by_set = true;
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(change_bit(rig), CHANGED);
}

/* ---- VPortInfo ------------------------------------------------------------------------------- */

static void vport_info_has_its_layout(void **state)
{
	struct rig *rig = *state;
	struct sim_vport *vport;

	bring_up(rig, 3, true, 3);
	vport = sim_vport(rig->p, 2);
	vport->pkey_violations = 0x0102;
	vport->qkey_violations = 0x0304;
	vport->profile = UINT64_C(0x1122334455667788);
	vport->lid_index = 3;
	assert_int_equal(get(sim_vport_info, rig->p, 2), SIM_OK);
	assert_int_equal(data[0], SIM_ACTIVE << 4 | 0x04);
	assert_int_equal(data[1], SIM_VPORT_GUIDS);
	assert_int_equal(be16_at(2), SIM_VPORT_CAP_CM | SIM_VPORT_CAP_VENDOR);
	assert_int_equal(be16_at(4), 0x0102);
	assert_int_equal(be16_at(6), 0x0304);
	assert_int_equal(be16_at(8), 102);
	assert_int_equal(be16_at(10), 3);
	assert_int_equal(be64_at(12), GUID + 1);
	assert_int_equal(be64_at(20), UINT64_C(0x1122334455667788));
	assert_zero(28);
	assert_int_equal(get(sim_vport_info, rig->p, 0), SIM_OK);
	assert_int_equal(be16_at(8), RIG_P);
	assert_int_equal(be64_at(12), rig->p->guid);
}

static void a_vport_that_requires_a_lid_takes_one(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, true, 0);
	assert_string_equal(rig_look(rig->p, 1).reason, "no SM has given it a LID");
	assert_int_equal(set_lid(rig->p, 1, 101), SIM_OK);
	assert_int_equal(be16_at(8), 101);
	assert_int_equal(rig_look(rig->p, 1).lid, 101);
	assert_true(rig_look(rig->p, 1).own_lid);
	assert_int_equal(rig->event.event, SIM_EVENT_LID);
	rig->n_events = 0;
	assert_int_equal(set_lid(rig->p, 1, 101), SIM_OK);
	assert_int_equal(rig->n_events, 0);
	assert_int_equal(set_lid(rig->p, 1, 0), SIM_BAD_FIELD);
	assert_int_equal(be16_at(8), 101);
	assert_int_equal(set_lid(rig->p, 1, 0xc000), SIM_BAD_FIELD);
	assert_int_equal(be16_at(8), 101);
}

static void a_bad_lid_does_not_keep_the_state_from_being_set(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, true, 0);
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	data[0] = SIM_ARMED << 4;
	put16(8, 0xffff);
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_BAD_FIELD);
	assert_int_equal(data[0] >> 4, SIM_ARMED);
}

static void a_vport_that_requires_none_ignores_a_lid_or_takes_it(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 0);
	assert_int_equal(set_lid(rig->p, 1, 101), SIM_OK);
	assert_int_equal(be16_at(8), 0);
	assert_int_equal(rig_look(rig->p, 1).lid, RIG_P);
	rig->fabric->quirks.vport_takes_any_lid = true;
	assert_int_equal(set_lid(rig->p, 1, 0), SIM_OK);
	assert_int_equal(rig_look(rig->p, 1).lid, RIG_P);
	assert_int_equal(set_lid(rig->p, 1, 101), SIM_OK);
	assert_int_equal(data[0] & 0x04, 0x04);
	assert_int_equal(rig_look(rig->p, 1).lid, 101);
	assert_int_equal(set_lid(rig->p, 0, 50), SIM_OK);
	assert_int_equal(data[0] & 0x04, 0);
	assert_int_equal(be16_at(8), RIG_P);
}

static void the_index_of_the_lid_is_read_only_or_not(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 0);
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	data[0] = 0;
	put16(10, 2);
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_OK);
	assert_int_equal(be16_at(10), 0);
	data[0] = 0;
	rig->fabric->quirks.vport_lid_index_writable = true;
	put16(10, 2);
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_OK);
	assert_int_equal(be16_at(10), 2);
}

static void the_guid_of_a_vport_is_read_only_or_not(void **state)
{
	struct rig *rig = *state;
	ib_net64_t other = htobe64(0x2222);

	bring_up(rig, 1, false, 0);
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	data[0] = 0;
	memcpy(data + 12, &other, sizeof(other));
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_OK);
	assert_int_equal(be64_at(12), GUID);
	rig->fabric->quirks.vport_guid_writable = true;
	data[0] = 0;
	memcpy(data + 12, &other, sizeof(other));
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_OK);
	assert_int_equal(be64_at(12), 0x2222);
}

static void violations_are_cleared_by_0_and_by_nothing_else(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 0);
	sim_vport(rig->p, 1)->pkey_violations = 5;
	sim_vport(rig->p, 1)->qkey_violations = 6;
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	data[0] = 0;
	put16(4, 9);
	put16(6, 0);
	assert_int_equal(ask(sim_vport_info, rig->p, true, 1), SIM_OK);
	assert_int_equal(be16_at(4), 5);
	assert_int_equal(be16_at(6), 0);
}

static void a_vport_is_asked_to_register_again_and_so_are_all(void **state)
{
	struct rig *rig = *state;
	unsigned before;

	bring_up(rig, 3, false, 3);
	assert_int_equal(get(sim_vport_info, rig->p, 2), SIM_OK);
	before = rig->n_events;
	data[0] = 0x08;
	assert_int_equal(ask(sim_vport_info, rig->p, true, 2), SIM_OK);
	assert_int_equal(data[0] & 0x08, 0x08);
	assert_int_equal(rig->n_events, before + 1);
	assert_int_equal(rig->event.event, SIM_EVENT_REREGISTER);
	assert_int_equal(rig->event.vf, 2);
	assert_int_equal(get(sim_vport_info, rig->p, 2), SIM_OK);
	assert_int_equal(data[0] & 0x08, 0);
	data[4] = ENABLE | REREGISTER_ALL;
	assert_int_equal(ask(sim_virtualization_info, rig->p, true, 0), SIM_OK);
	assert_int_equal(data[4], ENABLE | REREGISTER_ALL);
	assert_int_equal(rig->n_events, before + 1 + 4);
	assert_int_equal(get(sim_virtualization_info, rig->p, 0), SIM_OK);
	assert_int_equal(data[4], ENABLE);
}

static void a_vport_may_have_no_guid(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .no_guid = true, .up = true };

	assert_int_equal(sim_vfs_add(rig->p, SIM_VF_VPORT, 1, &spec), 0);
	rig_activate(rig->p, RIG_P);
	enable(rig->p);
	assert_int_equal(get(sim_vport_info, rig->p, 1), SIM_OK);
	assert_int_equal(be64_at(12), 0);
	assert_int_equal(data[0] >> 4, SIM_INIT);
}

/* ---- the other attributes -------------------------------------------------------------------- */

static void vnode_info_has_its_layout(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	assert_int_equal(get(sim_vnode_info, rig->p, 2), SIM_OK);
	assert_int_equal(be16_at(0), 64);
	assert_int_equal(data[2], 1);
	assert_int_equal(data[3], 1);
	assert_int_equal(be64_at(4), GUID + 1);
	assert_zero(12);
	assert_int_equal(get(sim_vnode_info, rig->p, 3), SIM_BAD_FIELD);
	assert_int_equal(ask(sim_vnode_info, rig->p, true, 2), SIM_BAD_ATTRIBUTE);
}

static void vnode_description_is_the_vports(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	assert_int_equal(get(sim_vnode_description, rig->p, 2), SIM_OK);
	assert_string_equal((const char *)data, "P vport 2");
	assert_int_equal(get(sim_vnode_description, rig->p, 3), SIM_BAD_FIELD);
	assert_int_equal(ask(sim_vnode_description, rig->p, true, 2), SIM_BAD_ATTRIBUTE);
}

static void the_first_guid_is_the_vports_and_stays(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	memset(data, 0x11, sizeof(data));
	assert_int_equal(ask(sim_vport_guid_info, rig->p, true, 2 << 16), SIM_OK);
	assert_int_equal(be64_at(0), GUID + 1);
	assert_int_equal(be64_at(8), UINT64_C(0x1111111111111111));
	memset(data, 0x22, sizeof(data));
	assert_int_equal(ask(sim_vport_guid_info, rig->p, true, 2 << 16 | 1), SIM_OK);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 2 << 16 | 1), SIM_OK);
	assert_int_equal(be64_at(0), UINT64_C(0x2222222222222222));
	assert_int_equal(get(sim_vport_guid_info, rig->p, 2 << 16 | 2), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 3 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 1 << 16), SIM_OK);
	assert_int_equal(be64_at(0), GUID);
	assert_int_equal(be64_at(8), 0);
	assert_int_equal(sim_vf_set_guid(rig->p, 1, 0x88), 0);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 1 << 16), SIM_OK);
	assert_int_equal(be64_at(0), 0x88);
}

static void a_vport_has_a_pkey_table_of_its_own(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 1 << 16), SIM_OK);
	assert_int_equal(be16_at(0), 0xffff);
	assert_zero(2);
	memset(data, 0, sizeof(data));
	put16(2, 0x8002);
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 1 << 16 | 1), SIM_OK);
	assert_int_equal(be16_at(2), 0x8002);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 1 << 16 | 2), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 3 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 2 << 16 | 1), SIM_OK);
	assert_int_equal(be16_at(2), 0);
	assert_null(rig->p->pkeys);
}

static void the_pkey_table_of_vport_0_is_the_ports(void **state)
{
	struct rig *rig = *state;

	add(rig, 1, false);
	memset(data, 0, sizeof(data));
	put16(0, 0x8005);
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 0), SIM_OK);
	assert_int_equal(rig->p->pkeys[0], htobe16(0x8005));
}

static void the_last_block_of_a_pkey_table_may_be_short(void **state)
{
	struct rig *rig = *state;

	rig->p->node->info.partition_cap = htobe16(40);
	add(rig, 1, false);
	memset(data, 0x80, sizeof(data));
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 1 << 16 | 1), SIM_OK);
	assert_int_equal(be16_at(14), 0x8080);
	assert_zero(16);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 1 << 16 | 0x1000), SIM_BAD_FIELD);
}

static void the_block_may_be_the_upper_half_of_the_modifier(void **state)
{
	struct rig *rig = *state;

	add(rig, 2, false);
	rig->fabric->quirks.vport_block_is_high = true;
	assert_int_equal(get(sim_vport_guid_info, rig->p, 2), SIM_OK);
	assert_int_equal(be64_at(0), GUID + 1);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 1 << 16 | 2), SIM_OK);
	assert_int_equal(be64_at(0), 0);
	assert_int_equal(get(sim_vport_guid_info, rig->p, 2 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 2), SIM_OK);
	assert_int_equal(get(sim_vport_pkey_table, rig->p, 2 << 16), SIM_BAD_FIELD);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void to_vport(struct rig *rig, uint16_t dlid, uint64_t dguid)
{
	struct sim_packet p = rig_mad(dlid, 7, SIM_SEND, 0x10);

	if (dguid)
		rig_add_grh(&p, dguid);
	rig->why = SIM_PASSED;
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
}

static void open_cm(struct rig_inbox *inbox, struct sim_agent *agent, struct sim_port *port,
		    unsigned vf)
{
	rig_inbox_open(inbox, port, vf);
	*agent = (struct sim_agent){
		.mgmt_class = 7, .version = 1, .qpn = 1, .methods = { UINT64_C(1) << SIM_SEND }
	};
	assert_int_equal(sim_register(&inbox->client, agent), 0);
}

static void packets_to_a_vports_lid_are_the_vports(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox pf, vf;
	struct sim_agent a, b;

	bring_up(rig, 2, true, 2);
	open_cm(&pf, &a, rig->p, 0);
	open_cm(&vf, &b, rig->p, 2);
	to_vport(rig, 102, 0);
	assert_int_equal(vf.n, 1);
	to_vport(rig, 102, GUID + 1);
	assert_int_equal(vf.n, 2);
	to_vport(rig, 102, GUID);
	assert_int_equal(rig->why, SIM_DROP_GRH);
	to_vport(rig, RIG_P, 0);
	assert_int_equal(pf.n, 1);
	assert_int_equal(vf.n, 2);
	rig_route(rig->sw, 150, RIG_P);
	to_vport(rig, 150, 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_FOR_US);
	rig_inbox_close(&pf);
	rig_inbox_close(&vf);
}

static void of_vports_with_one_lid_the_one_that_is_up_has_the_packets(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_agent a;

	bring_up(rig, 2, true, 1);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_vf_start(rig->p, 1), 0);
	assert_int_equal(set_lid(rig->p, 2, 101), SIM_OK);
	open_cm(&vf, &a, rig->p, 2);
	to_vport(rig, 101, 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
	activate(rig->p, 2);
	to_vport(rig, 101, 0);
	assert_int_equal(rig->why, SIM_PASSED);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
}

static void vports_that_share_a_lid_are_told_by_the_dgid(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox pf, vf;
	struct sim_agent a, b;

	bring_up(rig, 2, false, 2);
	open_cm(&pf, &a, rig->p, 0);
	open_cm(&vf, &b, rig->p, 2);
	to_vport(rig, RIG_P, GUID + 1);
	assert_int_equal(vf.n, 1);
	assert_int_equal(pf.n, 0);
	to_vport(rig, RIG_P, 0);
	to_vport(rig, RIG_P, rig->p->guid);
	assert_int_equal(pf.n, 2);
	to_vport(rig, RIG_P, 0x9999);
	assert_int_equal(rig->why, SIM_DROP_GRH);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&pf);
	rig_inbox_close(&vf);
}

/* Whoever started a guest left its GUID with the vport that it was in before. */
static void of_vports_with_one_guid_the_one_that_is_up_has_the_packets(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_agent a;

	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_vf_set_guid(rig->p, 2, GUID), 0);
	activate(rig->p, 2);
	open_cm(&vf, &a, rig->p, 2);
	to_vport(rig, RIG_P, GUID);
	assert_int_equal(vf.n, 1);
	rig_inbox_close(&vf);
}

static void a_vport_may_use_the_lid_of_another(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox one, two;
	struct sim_agent a, b;

	bring_up(rig, 2, true, 2);
	sim_vport(rig->p, 2)->lid_required = false;
	sim_vport(rig->p, 2)->lid_index = 1;
	assert_int_equal(rig_look(rig->p, 2).lid, 101);
	open_cm(&one, &a, rig->p, 1);
	open_cm(&two, &b, rig->p, 2);
	to_vport(rig, 101, GUID + 1);
	assert_int_equal(two.n, 1);
	to_vport(rig, 101, 0);
	assert_int_equal(one.n, 1);
	to_vport(rig, RIG_P, GUID + 1);
	assert_int_equal(rig->why, SIM_DROP_GRH);
	rig_inbox_close(&one);
	rig_inbox_close(&two);
}

static void references_that_lead_nowhere_give_no_lid(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 2);
	sim_vport(rig->p, 1)->lid_index = 2;
	sim_vport(rig->p, 2)->lid_index = 1;
	assert_int_equal(rig_look(rig->p, 1).lid, 0);
	sim_vport(rig->p, 1)->lid_index = 777;
	assert_int_equal(rig_look(rig->p, 1).lid, 0);
	to_vport(rig, RIG_P, GUID);
	assert_int_equal(rig->why, SIM_DROP_GRH);
}

static void a_vport_that_is_not_up_takes_nothing(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, true, 1);
	assert_int_equal(set_lid(rig->p, 2, 102), SIM_OK);
	rig_route(rig->sw, 102, RIG_P);
	to_vport(rig, 102, 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
	assert_int_equal(set_state(rig->p, 2, SIM_ARMED), SIM_OK);
	to_vport(rig, 102, 0);
	assert_int_equal(rig->why, SIM_DROP_NOBODY);
	assert_int_equal(set_state(rig->p, 0, SIM_DOWN), SIM_OK);
	to_vport(rig, RIG_P, 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
}

static void smps_to_a_vports_lid_are_lost_or_answered_by_the_port(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox m;
	struct sim_packet p = rig_mad(101, SIM_CLASS_LID, SIM_GET, 0x11);

	bring_up(rig, 1, true, 1);
	rig_inbox_open(&m, rig->m, 0);
	p.sqpn = 0;
	p.dqpn = 0;
	assert_int_equal(sim_client_send(&m.client, &p), 0);
	assert_int_equal(m.n, 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_FOR_US);
	rig->fabric->quirks.vport_lid_takes_smps = true;
	assert_int_equal(sim_client_send(&m.client, &p), 0);
	assert_int_equal(m.n, 1);
	assert_memory_equal(m.last.smp.data + 12, &rig->p->node->info.node_guid, 8);
	rig_inbox_close(&m);
}

static void answer_path(struct rig *rig, const struct sim_packet *packet)
{
	rig_answer(rig, packet, SIM_GET_RESP, 0);
}

static void a_vport_sends_from_its_own_lid_and_gets_its_answers(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 2, true, 2);
	rig->on_request = answer_path;
	rig_inbox_open(&vf, rig->p, 2);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->sa.last.slid, 102);
	assert_int_equal(vf.n, 1);
	assert_int_equal(be64toh(vf.last.mad.trans_id) & 0xffffffff, 0x1234);
	rig_inbox_close(&vf);
}

static void a_vport_with_a_shared_lid_needs_a_grh_for_its_answers(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 2, false, 2);
	rig->on_request = answer_path;
	rig_inbox_open(&vf, rig->p, 2);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->sa.last.slid, RIG_P);
	assert_int_equal(vf.n, 0);
	rig_add_grh(&p, rig->m->guid);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(vf.n, 1);
	assert_int_equal(rig->sa.last.sgid[15], (GUID + 1) & 0xff);
	assert_int_equal(rig->sa.last.sgid[0], 0xfe);
	rig_inbox_close(&vf);
}

static void a_vport_has_no_qp0_and_holds_no_sm(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_packet p = rig_mad(RIG_M, SIM_CLASS_LID, SIM_GET, 0x11);

	bring_up(rig, 1, true, 1);
	rig_inbox_open(&vf, rig->p, 1);
	p.sqpn = 0;
	p.dqpn = 0;
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(vf.n, 0);
	assert_int_equal(rig->why, SIM_DROP_NOBODY);
	sim_set_is_sm(&vf.client, true);
	assert_false(rig->p->info.capability_mask & htobe32(1u << 1));
	rig_inbox_close(&vf);
}

static void only_an_active_vport_sends(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf, pf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 1, false, 0);
	rig_inbox_open(&vf, rig->p, 1);
	rig_inbox_open(&pf, rig->p, 0);
	assert_int_equal(set_state(rig->p, 1, SIM_ARMED), SIM_OK);
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_ACTIVE);
	assert_int_equal(rig->sa.n, 0);
	assert_int_equal(sim_client_send(&pf.client, &p), 0);
	assert_int_equal(rig->sa.n, 1);
	assert_int_equal(set_state(rig->p, 0, SIM_DOWN), SIM_OK);
	assert_int_equal(sim_client_send(&pf.client, &p), 0);
	assert_int_equal(rig->sa.n, 1);
	rig_inbox_close(&vf);
	rig_inbox_close(&pf);
}

static void pkeys_are_checked_by_the_table_of_the_vport(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox vf;
	struct sim_agent agent;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	bring_up(rig, 2, true, 2);
	open_cm(&vf, &agent, rig->p, 2);
	memset(data, 0, sizeof(data));
	put16(0, 0x8005);
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 2 << 16), SIM_OK);
	assert_int_equal(rig->event.event, SIM_EVENT_PKEYS);
	to_vport(rig, 102, 0);
	assert_int_equal(vf.n, 0);
	assert_int_equal(rig->why, SIM_DROP_PKEY);
	assert_int_equal(get(sim_vport_info, rig->p, 2), SIM_OK);
	assert_int_equal(be16_at(4), 1);
	to_vport(rig, RIG_P, 0);
	assert_int_equal(rig->why, SIM_DROP_NOBODY);
	assert_int_equal(sim_client_send(&vf.client, &p), -EINVAL);
	p.pkey = 0x8005;
	assert_int_equal(sim_client_send(&vf.client, &p), 0);
	rig_inbox_close(&vf);
}

static void two_vports_of_one_port_reach_each_other(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox one, two;
	struct sim_agent agent;
	struct sim_packet p = rig_mad(102, 7, SIM_SEND, 0x10);
	uint64_t before;

	bring_up(rig, 2, true, 2);
	before = rig->p->counters.xmit_pkts;
	rig_inbox_open(&one, rig->p, 1);
	open_cm(&two, &agent, rig->p, 2);
	assert_int_equal(sim_client_send(&one.client, &p), 0);
	assert_int_equal(two.n, 1);
	assert_int_equal(two.last.slid, 101);
	assert_int_equal(rig->p->counters.xmit_pkts, before);
	rig_inbox_close(&one);
	rig_inbox_close(&two);
}

static void what_never_leaves_the_port_is_for_who_is_up_too(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox one;
	struct sim_packet p = rig_mad(102, 6, SIM_GET, 1);

	bring_up(rig, 2, true, 2);
	rig_inbox_open(&one, rig->p, 1);
	assert_int_equal(sim_client_send(&one.client, &p), 0);
	assert_int_equal(one.n, 1); /* nobody there, says the kernel */
	assert_int_equal(set_state(rig->p, 2, SIM_DOWN), SIM_OK);
	rig->why = SIM_PASSED;
	assert_int_equal(sim_client_send(&one.client, &p), 0);
	assert_int_equal(one.n, 1);
	assert_int_equal(rig->why, SIM_DROP_LOOPING);
	/* It left the port, for who had this LID may be elsewhere now. */
	rig_activate(rig->q, RIG_Q);
	rig_route(rig->sw, 102, RIG_Q);
	assert_int_equal(sim_client_send(&one.client, &p), 0);
	assert_int_equal(rig->why, SIM_DROP_NOT_FOR_US);
	rig_inbox_close(&one);
}

static void an_answer_without_virtualization_is_the_ports(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox pf;
	struct sim_packet p = rig_mad(RIG_M, CLASS_SA, SIM_GET, ATTR_PATH);

	add(rig, 1, false);
	rig_activate(rig->p, RIG_P);
	rig->on_request = answer_path;
	rig_inbox_open(&pf, rig->p, 0);
	assert_int_equal(sim_client_send(&pf.client, &p), 0);
	assert_int_equal(pf.n, 1);
	rig_inbox_close(&pf);
}

static void the_gid_of_any_sa_is_the_ports(void **state)
{
	struct rig *rig = *state;
	struct rig_inbox pf;
	struct sim_agent agent;

	bring_up(rig, 1, false, 1);
	open_cm(&pf, &agent, rig->p, 0);
	to_vport(rig, RIG_P, UINT64_C(0x0200000000000002));
	assert_int_equal(pf.n, 1);
	rig_inbox_close(&pf);
}

static void what_goes_to_a_group_is_for_all_of_the_port(void **state)
{
	struct rig *rig = *state;
	struct sim_packet p = rig_mad(0xc001, 7, SIM_SEND, 0x10);
	unsigned vf = 7;

	bring_up(rig, 1, false, 0);
	assert_int_equal(set_state(rig->p, 0, SIM_DOWN), SIM_OK);
	assert_int_equal(sim_vf_takes(rig->p, &p, &vf), SIM_PASSED);
	assert_int_equal(vf, 0);
}

static void a_grh_has_the_gid_of_who_sends(void **state)
{
	struct rig *rig = *state;
	struct sim_packet p = rig_mad(RIG_P, 7, SIM_SEND, 0x10);
	struct rig_inbox pf;
	struct sim_agent agent;
	ib_net64_t guid = htobe64(rig->m->guid);

	bring_up(rig, 1, false, 0);
	open_cm(&pf, &agent, rig->p, 0);
	rig_add_grh(&p, rig->p->guid);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(pf.n, 1);
	assert_memory_equal(pf.last.sgid + 8, &guid, 8);
	rig_inbox_close(&pf);
}

static void the_agent_of_the_port_answers_for_its_vports(void **state)
{
	static const struct {
		uint16_t id;
		uint32_t modifier;
	} asked[] = { { 0xffb0, 0 }, { 0xffb1, 1 }, { 0xffb2, 1 },       { 0xffb3, 0 },
		      { 0xffb4, 1 }, { 0xff17, 4 }, { 0xffb5, 1 << 16 }, { 0xffb6, 1 << 16 } };
	struct rig *rig = *state;
	struct rig_inbox m;

	bring_up(rig, 1, false, 1);
	rig_inbox_open(&m, rig->m, 0);
	for (unsigned i = 0; i < 2 * COUNT(asked); i++) {
		uint16_t lid = i & 1 ? RIG_M : RIG_P;
		struct sim_packet p = rig_mad(lid, SIM_CLASS_LID, SIM_GET, asked[i / 2].id);

		p.sqpn = 0;
		p.dqpn = 0;
		p.mad.attr_mod = htobe32(asked[i / 2].modifier);
		assert_int_equal(sim_client_send(&m.client, &p), 0);
		assert_int_equal(m.n, i + 1);
		assert_int_equal(be16toh(m.last.mad.status), i & 1 ? SIM_BAD_ATTRIBUTE : SIM_OK);
	}
	rig_inbox_close(&m);
}

/* ---- what a user would feel ------------------------------------------------------------------ */

static void assert_all_reach_each_other(struct rig *rig, unsigned n_endpoints)
{
	struct sim_probe_all all = { 0 };
	unsigned n_probes;

	sim_power(rig->q->node, false);
	rig->sw->ports[0].info.base_lid = htobe16(9);
	rig_route(rig->sw, 9, 0);
	all.like.hop_limit = 1;
	assert_int_equal(sim_probe_all(rig->fabric, &all, &n_probes), 0);
	assert_int_equal(n_probes, n_endpoints * (n_endpoints - 1));
}

static void active_vports_with_own_lids_reach_all_and_are_reached(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 3, true, 3);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	assert_all_reach_each_other(rig, 2 + 3); /* S, M; P with VFs 1 and 3 */
}

static void active_vports_that_share_a_lid_reach_all_and_are_reached(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 3, false, 3);
	assert_all_reach_each_other(rig, 2 + 4);
}

static void a_probe_finds_what_a_vport_lacks(void **state)
{
	struct rig *rig = *state;
	struct sim_probe probe = { .from = { .port = rig->m }, .dlid = 101 };
	struct sim_probe_result result;

	bring_up(rig, 1, true, 0);
	assert_int_equal(set_lid(rig->p, 1, 101), SIM_OK);
	rig_route(rig->sw, 101, RIG_P);
	sim_probe(&probe, &result);
	assert_int_equal(result.why, SIM_DROP_NOT_ACTIVE);
	probe.from = (struct sim_endpoint){ .port = rig->p, .vf = 1 };
	probe.dlid = RIG_M;
	sim_probe(&probe, &result);
	assert_int_equal(result.why, SIM_DROP_NOT_ACTIVE);
	activate(rig->p, 1);
	sim_probe(&probe, &result);
	assert_int_equal(result.why, SIM_PASSED);
	memset(data, 0, sizeof(data));
	put16(0, 0x8005);
	assert_int_equal(ask(sim_vport_pkey_table, rig->p, true, 1 << 16), SIM_OK);
	sim_probe(&probe, &result);
	assert_int_equal(result.why, SIM_DROP_PKEY);
	probe.from = (struct sim_endpoint){ .port = rig->m };
	probe.dlid = 101;
	sim_probe(&probe, &result);
	assert_int_equal(result.why, SIM_DROP_PKEY);
}

/* ---- traps ----------------------------------------------------------------------------------- */

static unsigned trap16(const struct rig *rig, unsigned at)
{
	return rig->trap.smp.data[at] << 8 | rig->trap.smp.data[at + 1];
}

static void trap_1146_says_that_a_vport_changed(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(traps(rig), 1);
	assert_int_equal(rig->trap.smp.data[0] & 0x80, 0); /* IsGeneric */
	assert_int_equal(trap16(rig, 62), 1146);
	assert_int_equal(trap16(rig, 12), RIG_P);
	assert_int_equal(trap16(rig, 6), RIG_P);
	/* What the SM has not seen yet is no news twice. */
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	assert_int_equal(traps(rig), 1);
	enable(rig->p);
	assert_int_equal(sim_vf_start(rig->p, 2), 0);
	assert_int_equal(traps(rig), 2);
	assert_int_equal(set_state(rig->p, 2, SIM_ARMED), SIM_OK);
	assert_int_equal(traps(rig), 2);
}

static void trap_1146_may_come_for_every_change(void **state)
{
	struct rig *rig = *state;

	rig->fabric->quirks.vport_traps_every_change = true;
	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vf_stop(rig->p, 1), 0);
	assert_int_equal(sim_vf_stop(rig->p, 2), 0);
	assert_int_equal(traps(rig), 2);
}

static void trap_1144_says_that_a_vport_is_described_otherwise(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vport_set_description(rig->p, 2, "guest"), 0);
	assert_int_equal(traps(rig), 1);
	assert_int_equal(trap16(rig, 62), 1144);
	assert_int_equal(trap16(rig, 12), RIG_P);
	assert_int_equal(rig->trap.smp.data[15], 1);
	assert_int_equal(trap16(rig, 16), SIM_VPORT_CAP_CM | SIM_VPORT_CAP_VENDOR);
	assert_int_equal(trap16(rig, 18), 0x0001);
	assert_int_equal(trap16(rig, 22), 2);
	assert_int_equal(get(sim_vnode_description, rig->p, 2), SIM_OK);
	assert_string_equal((const char *)data, "guest");
	assert_int_equal(sim_vport_set_capabilities(rig->p, 1, 0x0004), 0);
	assert_int_equal(traps(rig), 2);
	assert_int_equal(rig->trap.smp.data[15], 0);
	assert_int_equal(trap16(rig, 16), 0x0004);
	assert_int_equal(trap16(rig, 18), 0);
	assert_int_equal(trap16(rig, 22), 1);
	assert_int_equal(sim_vport_set_description(rig->p, 3, "none"), -ENOENT);
}

static void trap_1257_says_whose_pkey_was_refused(void **state)
{
	struct rig *rig = *state;
	struct sim_packet p = rig_mad(102, 7, SIM_SEND, 0x10);

	bring_up(rig, 2, true, 2);
	p.pkey = 0x8077;
	p.sl = 3;
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
	assert_int_equal(traps(rig), 1);
	assert_int_equal(trap16(rig, 62), 1257);
	assert_int_equal(trap16(rig, 12), RIG_M);
	assert_int_equal(trap16(rig, 14), 102);
	assert_int_equal(trap16(rig, 18), 0x8077);
	assert_int_equal(trap16(rig, 20), 3 << 12);
	assert_int_equal(trap16(rig, 22), 1);
	assert_int_equal(trap16(rig, 60), 2);
}

static void vendor_traps_name_the_vendor_or_nobody(void **state)
{
	struct rig *rig = *state;

	bring_up(rig, 1, false, 1);
	assert_int_equal(sim_vport_set_description(rig->p, 1, "a"), 0);
	assert_int_equal(traps(rig), 1);
	assert_int_equal(rig->trap.smp.data[1] << 16 | trap16(rig, 2), 0x2c9);
	rig->fabric->quirks.vendor_traps_anonymous = true;
	assert_int_equal(sim_vport_set_description(rig->p, 1, "b"), 0);
	assert_int_equal(traps(rig), 2);
	assert_int_equal(rig->trap.smp.data[1] << 16 | trap16(rig, 2), 0);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static void a_guest_moves_with_its_guid(void **state)
{
	struct rig *rig = *state;
	struct sim_vf_spec spec = { .first_guid = 0x3300 };

	bring_up(rig, 2, false, 2);
	assert_int_equal(sim_vfs_add(rig->q, SIM_VF_VPORT, 2, &spec), 0);
	rig_activate(rig->q, RIG_Q);
	enable(rig->q);
	assert_int_equal(sim_vf_move(rig->p, 1, rig->p, 2), -EBUSY);
	assert_int_equal(sim_vf_move(rig->p, 1, rig->q, 3), -ENOENT);
	assert_int_equal(sim_vf_move(rig->p, 1, rig->q, 2), 0);
	assert_int_equal(rig_look(rig->q, 2).guid, GUID);
	assert_int_equal(rig_look(rig->q, 2).state, SIM_INIT);
	assert_int_equal(rig_look(rig->p, 1).guid, 0x3301);
	assert_false(rig_look(rig->p, 1).started);
	assert_int_equal(get(sim_vnode_info, rig->q, 2), SIM_OK);
	assert_int_equal(be64_at(4), GUID);
}

/* ---- anything -------------------------------------------------------------------------------- */

static void whatever_is_set_leaves_sane_vports(void **state)
{
	static const attribute_fn all[] = {
		sim_virtualization_info, sim_vport_info,        sim_vnode_info,
		sim_vport_state,         sim_vnode_description, sim_vport_guid_info,
		sim_vport_pkey_table,    sim_general_info,
	};
	struct rig *rig = *state;
	struct xoshiro *random = &rig->fabric->random;

	bring_up(rig, 5, true, 5);
	for (unsigned i = 0; i < 50000; i++) {
		uint64_t dice = xoshiro_next(random);
		uint32_t modifier = (uint32_t)(dice & 7) | (dice & 8 ? (dice >> 4 & 7) << 16 : 0);
		struct sim_packet p = rig_mad(RIG_P, 7, SIM_SEND, 0x10);

		if ((dice >> 8 & 15) == 0)
			modifier = (uint32_t)(dice >> 32);
		memset(&rig->fabric->quirks, 0, sizeof(rig->fabric->quirks));
		rig->fabric->quirks.vport_lid_index_writable = dice >> 12 & 1;
		rig->fabric->quirks.vport_block_is_high = dice >> 13 & 1;
		rig->fabric->quirks.vport_guid_writable = dice >> 14 & 1;
		rig->fabric->quirks.vport_takes_any_lid = dice >> 15 & 1;
		for (unsigned n = 0; n < sizeof(data); n++)
			data[n] = (uint8_t)(xoshiro_next(random) >> 56);
		ask(all[dice >> 16 & 7], rig->p, dice >> 20 & 1, modifier);
		rig_add_grh(&p, dice >> 24 & 1 ? GUID : be64_at(12));
		sim_client_send(&rig->sa.client, &p);
		for (unsigned vf = 1; vf <= 5; vf++) {
			struct sim_vf_info info = rig_look(rig->p, vf);

			assert_in_range(info.state, SIM_DOWN, SIM_ACTIVE);
			assert_true(info.lid < SIM_LID_MULTICAST);
		}
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, rig_set_up, rig_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ports_without_vports_know_none_of_the_attributes),
		TEST(capability_bits_announce_vports),
		TEST(general_info_announces_vports_and_their_guids),
		TEST(virtualization_info_has_its_layout),
		TEST(its_modifier_may_be_the_port),
		TEST(a_port_can_have_256_vfs_and_no_more),
		TEST(a_device_may_lie_about_its_top_and_revision),
		TEST(vport_0_is_the_port_until_virtualization_is_enabled),
		TEST(virtualization_may_be_on_from_the_start),
		TEST(vport_states_fill_blocks_of_128),
		TEST(a_vport_goes_from_initialize_to_armed_to_active),
		TEST(active_may_be_taken_without_armed),
		TEST(down_starts_a_vport_anew_or_is_refused),
		TEST(a_vport_may_be_active_before_its_port_or_not),
		TEST(when_the_link_goes_all_vports_go),
		TEST(a_vf_that_is_stopped_is_down),
		TEST(without_power_its_vports_are_down),
		TEST(after_a_power_cycle_all_is_as_at_power_up),
		TEST(state_change_rises_without_the_sm_and_falls_when_1_is_written),
		TEST(state_change_may_fall_when_it_is_read),
		TEST(state_change_may_rise_by_what_the_sm_sets),
		TEST(vport_info_has_its_layout),
		TEST(a_vport_that_requires_a_lid_takes_one),
		TEST(a_bad_lid_does_not_keep_the_state_from_being_set),
		TEST(a_vport_that_requires_none_ignores_a_lid_or_takes_it),
		TEST(the_index_of_the_lid_is_read_only_or_not),
		TEST(the_guid_of_a_vport_is_read_only_or_not),
		TEST(violations_are_cleared_by_0_and_by_nothing_else),
		TEST(a_vport_is_asked_to_register_again_and_so_are_all),
		TEST(a_vport_may_have_no_guid),
		TEST(vnode_info_has_its_layout),
		TEST(vnode_description_is_the_vports),
		TEST(the_first_guid_is_the_vports_and_stays),
		TEST(a_vport_has_a_pkey_table_of_its_own),
		TEST(the_pkey_table_of_vport_0_is_the_ports),
		TEST(the_last_block_of_a_pkey_table_may_be_short),
		TEST(the_block_may_be_the_upper_half_of_the_modifier),
		TEST(packets_to_a_vports_lid_are_the_vports),
		TEST(of_vports_with_one_lid_the_one_that_is_up_has_the_packets),
		TEST(vports_that_share_a_lid_are_told_by_the_dgid),
		TEST(of_vports_with_one_guid_the_one_that_is_up_has_the_packets),
		TEST(a_vport_may_use_the_lid_of_another),
		TEST(references_that_lead_nowhere_give_no_lid),
		TEST(a_vport_that_is_not_up_takes_nothing),
		TEST(smps_to_a_vports_lid_are_lost_or_answered_by_the_port),
		TEST(a_vport_sends_from_its_own_lid_and_gets_its_answers),
		TEST(a_vport_with_a_shared_lid_needs_a_grh_for_its_answers),
		TEST(a_vport_has_no_qp0_and_holds_no_sm),
		TEST(only_an_active_vport_sends),
		TEST(pkeys_are_checked_by_the_table_of_the_vport),
		TEST(two_vports_of_one_port_reach_each_other),
		TEST(what_never_leaves_the_port_is_for_who_is_up_too),
		TEST(an_answer_without_virtualization_is_the_ports),
		TEST(the_gid_of_any_sa_is_the_ports),
		TEST(what_goes_to_a_group_is_for_all_of_the_port),
		TEST(a_grh_has_the_gid_of_who_sends),
		TEST(the_agent_of_the_port_answers_for_its_vports),
		TEST(active_vports_with_own_lids_reach_all_and_are_reached),
		TEST(active_vports_that_share_a_lid_reach_all_and_are_reached),
		TEST(a_probe_finds_what_a_vport_lacks),
		TEST(trap_1146_says_that_a_vport_changed),
		TEST(trap_1146_may_come_for_every_change),
		TEST(trap_1144_says_that_a_vport_is_described_otherwise),
		TEST(trap_1257_says_whose_pkey_was_refused),
		TEST(vendor_traps_name_the_vendor_or_nobody),
		TEST(a_guest_moves_with_its_guid),
		TEST(whatever_is_set_leaves_sane_vports),
	};

	return cmocka_run_group_tests_name("vports", tests, NULL, NULL);
}
