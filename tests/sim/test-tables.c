/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* The tables of ports and switches: what can be written, what reads back, where they end. */

#include "tests/sim/tables.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/sim/forward.h"
#include "tests/sim/shared-port.h"
#include "tests/sim/sma.h"
#include "tests/unit/loop-virtual.h"

/* One of sma.h. */
typedef enum sim_status attribute(struct sim_ask *ask);

struct world {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *ca; /* two ports */
	struct sim_node *sw; /* twenty */
	uint8_t data[SIM_SMP_DATA];
};

/* ---- a world --------------------------------------------------------------------------------- */

static struct sim_node *make(struct world *w, struct sim_node_spec spec)
{
	struct sim_node *node;

	assert_int_equal(sim_node_new(w->fabric, &spec, &node), 0);
	return node;
}

static struct sim_node *make_ca(struct world *w, struct sim_node_spec spec)
{
	spec.type = SIM_CA;
	spec.n_ports = 2;
	return make(w, spec);
}

static struct sim_node *make_switch(struct world *w, struct sim_node_spec spec)
{
	spec.type = SIM_SWITCH;
	spec.n_ports = spec.n_ports ? spec.n_ports : 20;
	return make(w, spec);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_virtual_new(1, &w->loop), 0);
	assert_int_equal(sim_fabric_new(w->loop, 1, &w->fabric), 0);
	w->ca = make_ca(w, (struct sim_node_spec){ 0 });
	w->sw = make_switch(w, (struct sim_node_spec){ 0 });
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	sim_fabric_free(w->fabric);
	loop_virtual_free(w->loop);
	free(w);
	return 0;
}

static enum sim_status ask(struct world *w, struct sim_port *in, attribute *answer, bool set,
			   uint32_t modifier)
{
	struct sim_ask a = { .in = in,
			     .end = sim_end_port(in),
			     .node = in->node,
			     .set = set,
			     .modifier = modifier,
			     .data = w->data };

	return answer(&a);
}

/* A Get into data that holds rubbish. */
static enum sim_status get(struct world *w, struct sim_port *in, attribute *answer, uint32_t mod)
{
	memset(w->data, 0xcc, sizeof(w->data));
	return ask(w, in, answer, false, mod);
}

static enum sim_status set(struct world *w, struct sim_port *in, attribute *answer, uint32_t mod)
{
	return ask(w, in, answer, true, mod);
}

static void fill16(struct world *w, uint16_t first)
{
	for (unsigned i = 0; i < 32; i++) {
		w->data[2 * i] = (uint8_t)((first + i) >> 8);
		w->data[2 * i + 1] = (uint8_t)(first + i);
	}
}

static uint16_t at16(const struct world *w, unsigned i)
{
	return (uint16_t)(w->data[2 * i] << 8 | w->data[2 * i + 1]);
}

static uint64_t at64(const struct world *w, unsigned i)
{
	uint64_t value;

	memcpy(&value, w->data + 8 * i, sizeof(value));
	return be64toh(value);
}

static void put64(struct world *w, unsigned i, uint64_t value)
{
	value = htobe64(value);
	memcpy(w->data + 8 * i, &value, sizeof(value));
}

static void all_are(const struct world *w, unsigned first, unsigned end, uint8_t value)
{
	for (unsigned i = first; i < end; i++)
		assert_int_equal(w->data[i], value);
}

/* What is told to a port that is shared. */
static struct sim_port *told;
static enum sim_port_event told_event;
static unsigned n_told;

void __wrap_sim_shared_port_event(struct sim_port *port, enum sim_port_event event);
void __wrap_sim_shared_port_event(struct sim_port *port, enum sim_port_event event)
{
	told = port;
	told_event = event;
	n_told++;
}

/* ---- P_Keys ---------------------------------------------------------------------------------- */

static void a_new_port_has_the_default_pkey_alone(void **state)
{
	struct world *w = *state;
	struct sim_port *ports[] = { &w->ca->ports[1], &w->ca->ports[2] };

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(get(w, ports[i], sim_pkey_table, 0), SIM_OK);
		assert_int_equal(at16(w, 0), 0xffff);
		all_are(w, 2, 64, 0);
		assert_int_equal(get(w, ports[i], sim_pkey_table, 1), SIM_OK);
		all_are(w, 0, 64, 0);
	}
	for (unsigned n = 0; n <= 20; n++) {
		assert_int_equal(get(w, &w->sw->ports[1], sim_pkey_table, n << 16), SIM_OK);
		assert_int_equal(at16(w, 0), 0xffff);
		all_are(w, 2, 64, 0);
		assert_null(w->sw->ports[n].pkeys);
	}
}

static void pkeys_are_kept_also_at_index_0(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];

	fill16(w, 0x8001);
	assert_int_equal(set(w, port, sim_pkey_table, 1), SIM_OK);
	assert_int_equal(at16(w, 31), 0x8020);
	assert_int_equal(sim_pkey_at(port, 0), 0xffff);
	assert_int_equal(sim_pkey_at(port, 32), 0x8001);
	assert_int_equal(sim_pkey_at(port, 63), 0x8020);
	memset(w->data, 0, sizeof(w->data));
	assert_int_equal(set(w, port, sim_pkey_table, 0), SIM_OK);
	assert_int_equal(sim_pkey_at(port, 0), 0);
	assert_int_equal(sim_pkey_at(port, 32), 0x8001);
	assert_int_equal(get(w, port, sim_pkey_table, 1), SIM_OK);
	assert_int_equal(at16(w, 5), 0x8006);
}

static void an_adapter_answers_for_the_port_that_was_asked(void **state)
{
	struct world *w = *state;

	fill16(w, 0x8001);
	assert_int_equal(set(w, &w->ca->ports[2], sim_pkey_table, 1 << 16), SIM_OK);
	assert_int_equal(sim_pkey_at(&w->ca->ports[1], 0), 0xffff);
	assert_int_equal(sim_pkey_at(&w->ca->ports[2], 0), 0x8001);
	assert_int_equal(get(w, &w->ca->ports[2], sim_pkey_table, 99 << 16), SIM_OK);
	assert_int_equal(at16(w, 0), 0x8001);
}

static void a_switch_has_pkeys_for_each_port(void **state)
{
	struct world *w = *state;
	struct sim_port *in = &w->sw->ports[7];

	for (unsigned n = 0; n <= 20; n++) {
		fill16(w, (uint16_t)(0x8100 + n));
		assert_int_equal(set(w, in, sim_pkey_table, n << 16), SIM_OK);
	}
	for (unsigned n = 0; n <= 20; n++) {
		assert_int_equal(sim_pkey_at(&w->sw->ports[n], 0), 0x8100 + n);
		assert_int_equal(get(w, in, sim_pkey_table, n << 16), SIM_OK);
		assert_int_equal(at16(w, 0), 0x8100 + n);
	}
	assert_int_equal(get(w, in, sim_pkey_table, 21 << 16), SIM_BAD_FIELD);
	assert_int_equal(set(w, in, sim_pkey_table, 21 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(w, in, sim_pkey_table, 0xffffu << 16), SIM_BAD_FIELD);
}

static void pkeys_end_at_the_capacity_of_the_kind_of_port(void **state)
{
	struct world *w = *state;
	struct sim_node *sw =
		make_switch(w, (struct sim_node_spec){ .partition_cap = 40, .enforce_cap = 32 });
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .partition_cap = 1 });

	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 1), SIM_OK);
	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 2), SIM_BAD_FIELD);
	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 1 << 16), SIM_OK);
	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 1 << 16 | 1), SIM_BAD_FIELD);
	assert_int_equal(get(w, &ca->ports[1], sim_pkey_table, 0), SIM_OK);
	assert_int_equal(get(w, &ca->ports[1], sim_pkey_table, 1), SIM_BAD_FIELD);
	assert_int_equal(get(w, &ca->ports[1], sim_pkey_table, 0xffff), SIM_BAD_FIELD);
	sw->sw->info.enforce_cap = 0;
	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 1 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(w, &sw->ports[1], sim_pkey_table, 0), SIM_OK);
}

static void of_a_partial_pkey_block_the_rest_is_lost_and_0(void **state)
{
	struct world *w = *state;
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .partition_cap = 40 });

	fill16(w, 0x8001);
	assert_int_equal(set(w, &ca->ports[1], sim_pkey_table, 1), SIM_OK);
	assert_int_equal(at16(w, 7), 0x8008);
	all_are(w, 16, 64, 0);
	assert_int_equal(sim_pkey_at(&ca->ports[1], 39), 0x8008);
	assert_int_equal(sim_pkey_at(&ca->ports[1], 40), 0);
}

static void a_port_can_be_full_and_limited_member(void **state)
{
	struct world *w = *state;

	memset(w->data, 0, sizeof(w->data));
	memcpy(w->data, "\x80\x05\x00\x05\x80\x05", 6);
	assert_int_equal(set(w, &w->ca->ports[1], sim_pkey_table, 0), SIM_OK);
	assert_memory_equal(w->data, "\x80\x05\x00\x05\x80\x05", 6);
}

static void with_the_quirk_the_second_membership_is_lost(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.pkey_one_membership = true;
	memset(w->data, 0, sizeof(w->data));
	memcpy(w->data, "\x80\x05\x00\x05\x00\x06\x80\x00", 8);
	assert_int_equal(set(w, &w->ca->ports[1], sim_pkey_table, 0), SIM_OK);
	assert_memory_equal(w->data, "\x80\x05\x00\x00\x00\x06\x80\x00", 8);
	/* From limited to full of one and the same entry is no second. */
	memcpy(w->data, "\x00\x05", 2);
	assert_int_equal(set(w, &w->ca->ports[1], sim_pkey_table, 0), SIM_OK);
	assert_memory_equal(w->data, "\x00\x05", 2);
	/* Also across blocks. */
	memset(w->data, 0, sizeof(w->data));
	memcpy(w->data, "\x80\x06\x80\x07", 4);
	assert_int_equal(set(w, &w->ca->ports[1], sim_pkey_table, 1), SIM_OK);
	assert_memory_equal(w->data, "\x00\x00\x80\x07", 4);
}

static void who_shares_a_port_hears_of_other_pkeys(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[2];

	n_told = 0;
	fill16(w, 0x8001);
	assert_int_equal(set(w, port, sim_pkey_table, 0), SIM_OK);
	assert_int_equal(n_told, 0); /* is not shared */
	port->shared = (struct sim_shared_port *)w;
	assert_int_equal(set(w, port, sim_pkey_table, 0), SIM_OK);
	assert_int_equal(n_told, 0); /* the same again */
	fill16(w, 0x8002);
	assert_int_equal(set(w, port, sim_pkey_table, 0), SIM_OK);
	port->shared = NULL;
	assert_int_equal(n_told, 1);
	assert_ptr_equal(told, port);
	assert_int_equal(told_event, SIM_EVENT_PKEYS);
}

/* ---- GUIDs ----------------------------------------------------------------------------------- */

static void a_new_port_has_its_own_guid_alone(void **state)
{
	struct world *w = *state;

	for (unsigned n = 1; n <= 2; n++) {
		assert_int_equal(get(w, &w->ca->ports[n], sim_guid_info, 0), SIM_OK);
		assert_int_equal(at64(w, 0), w->ca->ports[n].guid);
		all_are(w, 8, 64, 0);
		assert_int_equal(get(w, &w->ca->ports[n], sim_guid_info, 3), SIM_OK);
		all_are(w, 0, 64, 0);
	}
}

static void guids_are_kept_but_the_first(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];

	for (unsigned i = 0; i < 8; i++)
		put64(w, i, 0xabc0 + i);
	assert_int_equal(set(w, port, sim_guid_info, 0), SIM_OK);
	assert_int_equal(at64(w, 0), port->guid);
	assert_int_equal(at64(w, 1), 0xabc1);
	assert_int_equal(at64(w, 7), 0xabc7);
	for (unsigned i = 0; i < 8; i++)
		put64(w, i, 0xdef0 + i);
	assert_int_equal(set(w, port, sim_guid_info, 1), SIM_OK);
	assert_int_equal(at64(w, 0), 0xdef0);
	assert_int_equal(sim_guid_at(port, 0), port->guid);
	assert_int_equal(sim_guid_at(port, 7), 0xabc7);
	assert_int_equal(sim_guid_at(port, 8), 0xdef0);
	assert_int_equal(sim_guid_at(&w->ca->ports[2], 8), 0);
}

static void guids_end_at_the_capacity(void **state)
{
	struct world *w = *state;
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .guid_cap = 11 });
	struct sim_node *full = make_ca(w, (struct sim_node_spec){ .guid_cap = 255 });

	memset(w->data, 0xaa, sizeof(w->data));
	assert_int_equal(set(w, &ca->ports[1], sim_guid_info, 1), SIM_OK);
	all_are(w, 0, 24, 0xaa);
	all_are(w, 24, 64, 0);
	assert_int_equal(sim_guid_at(&ca->ports[1], 11), 0);
	assert_int_equal(get(w, &ca->ports[1], sim_guid_info, 2), SIM_BAD_FIELD);
	assert_int_equal(set(w, &ca->ports[1], sim_guid_info, 0x20000000), SIM_BAD_FIELD);
	memset(w->data, 0xaa, sizeof(w->data));
	assert_int_equal(set(w, &full->ports[1], sim_guid_info, 31), SIM_OK);
	all_are(w, 0, 56, 0xaa);
	all_are(w, 56, 64, 0);
	assert_int_equal(get(w, &full->ports[1], sim_guid_info, 32), SIM_BAD_FIELD);
}

static void of_a_switch_the_guid_is_that_of_port_0(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->sw->ports[3], sim_guid_info, 0), SIM_OK);
	assert_int_equal(at64(w, 0), be64toh(w->sw->info.node_guid));
	all_are(w, 8, 64, 0);
	put64(w, 0, 1);
	put64(w, 1, 1);
	assert_int_equal(set(w, &w->sw->ports[3], sim_guid_info, 0), SIM_OK);
	assert_int_equal(at64(w, 0), be64toh(w->sw->info.node_guid));
	all_are(w, 8, 64, 0);
	assert_int_equal(get(w, &w->sw->ports[3], sim_guid_info, 1), SIM_BAD_FIELD);
}

static void with_the_quirk_guids_cannot_be_set(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.guids_read_only = true;
	memset(w->data, 0xaa, sizeof(w->data));
	assert_int_equal(set(w, &w->ca->ports[1], sim_guid_info, 0), SIM_BAD_METHOD);
	assert_int_equal(at64(w, 0), w->ca->ports[1].guid);
	all_are(w, 8, 64, 0);
}

static void who_shares_a_port_hears_of_other_guids(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];

	n_told = 0;
	port->shared = (struct sim_shared_port *)w;
	memset(w->data, 0, sizeof(w->data));
	put64(w, 0, 99); /* read-only: no change */
	assert_int_equal(set(w, port, sim_guid_info, 0), SIM_OK);
	assert_int_equal(n_told, 0);
	put64(w, 1, 99);
	assert_int_equal(set(w, port, sim_guid_info, 0), SIM_OK);
	port->shared = NULL;
	assert_int_equal(n_told, 1);
	assert_ptr_equal(told, port);
	assert_int_equal(told_event, SIM_EVENT_GUIDS);
}

/* ---- SLtoVL ---------------------------------------------------------------------------------- */

static void at_power_up_an_sl_has_the_lane_of_its_number_or_none(void **state)
{
	static const char *const rows[] = {
		"\x0f\xff\xff\xff\xff\xff\xff\xff", "\x01\xff\xff\xff\xff\xff\xff\xff",
		"\x01\x23\xff\xff\xff\xff\xff\xff", "\x01\x23\x45\x67\xff\xff\xff\xff",
		"\x01\x23\x45\x67\x89\xab\xcd\xef",
	};
	struct world *w = *state;

	for (uint8_t vls = 1; vls <= 5; vls++) {
		struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .vl_cap = vls });

		assert_int_equal(get(w, &ca->ports[1], sim_slvl_table, 0), SIM_OK);
		assert_memory_equal(w->data, rows[vls - 1], 8);
		all_are(w, 8, 64, 0);
	}
	assert_int_equal(get(w, &w->sw->ports[1], sim_slvl_table, 0x0203), SIM_OK);
	assert_memory_equal(w->data, rows[3], 8);
}

static void an_adapter_has_one_row_for_each_port(void **state)
{
	struct world *w = *state;

	memcpy(w->data, "\x00\x11\x22\x33\x44\x55\x66\x7f", 8);
	assert_int_equal(set(w, &w->ca->ports[2], sim_slvl_table, 0xffff), SIM_OK);
	assert_memory_equal(w->data, "\x00\x11\x22\x33\x44\x55\x66\x7f", 8);
	all_are(w, 8, 64, 0);
	assert_int_equal(sim_sl2vl_at(&w->ca->ports[2], &w->ca->ports[2], 15), 15);
	assert_int_equal(sim_sl2vl_at(&w->ca->ports[2], &w->ca->ports[2], 14), 7);
	assert_int_equal(sim_sl2vl_at(&w->ca->ports[1], &w->ca->ports[1], 1), 1);
	assert_int_equal(get(w, &w->ca->ports[2], sim_slvl_table, 1), SIM_OK);
	assert_memory_equal(w->data, "\x00\x11\x22\x33\x44\x55\x66\x7f", 8);
}

static void a_switch_has_a_row_for_each_pair_of_ports(void **state)
{
	struct world *w = *state;
	struct sim_port *ports = w->sw->ports;

	memcpy(w->data, "\x76\x54\x32\x10\x76\x54\x32\x10", 8);
	assert_int_equal(set(w, &ports[1], sim_slvl_table, 0x0514), SIM_OK);
	assert_int_equal(sim_sl2vl_at(&ports[5], &ports[20], 0), 7);
	assert_int_equal(sim_sl2vl_at(&ports[5], &ports[20], 1), 6);
	assert_int_equal(sim_sl2vl_at(&ports[20], &ports[5], 0), 0);
	assert_int_equal(sim_sl2vl_at(&ports[6], &ports[20], 0), 0);
	assert_int_equal(sim_lane(&ports[5], &ports[20], 0), 7);
	/* Port 0 is an end, and a port of the switch. */
	assert_int_equal(set(w, &ports[1], sim_slvl_table, 0x1400), SIM_OK);
	assert_int_equal(sim_lane(&ports[20], &ports[0], 3), 4);
	assert_int_equal(sim_sl2vl_at(&ports[20], &ports[0], 8), 7);
	assert_int_equal(get(w, &ports[1], sim_slvl_table, 0x1500), SIM_BAD_FIELD);
	assert_int_equal(get(w, &ports[1], sim_slvl_table, 0x0015), SIM_BAD_FIELD);
	assert_int_equal(set(w, &ports[1], sim_slvl_table, 0xffff), SIM_BAD_FIELD);
}

static void optimised_rows_need_the_capability(void **state)
{
	struct world *w = *state;
	struct sim_port *ports = w->sw->ports;

	memset(w->data, 0x11, sizeof(w->data));
	for (uint32_t form = 0x10000; form <= 0x30000; form += 0x10000)
		assert_int_equal(set(w, &ports[1], sim_slvl_table, form | 0x0101), SIM_BAD_FIELD);
	assert_int_equal(sim_sl2vl_at(&ports[1], &ports[1], 0), 0);
}

/* Pairs with @in and @out (0xff: any) have the row 0x22..., others that of power-up. */
static void rows_are(struct sim_node *sw, unsigned in, unsigned out)
{
	for (unsigned i = 0; i <= sw->n_ports; i++)
		for (unsigned o = 0; o <= sw->n_ports; o++) {
			bool is = (in == 0xff || in == i) && (out == 0xff || out == o);

			assert_int_equal(sim_sl2vl_at(&sw->ports[i], &sw->ports[o], 4), is ? 2 : 4);
		}
}

static void optimised_rows_are_those_of_all_ports(void **state)
{
	static const struct {
		uint32_t modifier;
		unsigned in, out;
	} forms[] = { { 0x30000, 0xff, 0xff }, { 0x3ffff, 0xff, 0xff }, { 0x20002, 0xff, 2 },
		      { 0x2ff02, 0xff, 2 },    { 0x10300, 3, 0xff },    { 0x103ff, 3, 0xff } };
	struct world *w = *state;

	for (unsigned i = 0; i < COUNT(forms); i++) {
		struct sim_node *sw = make_switch(
			w, (struct sim_node_spec){ .n_ports = 4, .optimised_slvl = true });

		memset(w->data, 0x22, sizeof(w->data));
		assert_int_equal(set(w, &sw->ports[1], sim_slvl_table, forms[i].modifier), SIM_OK);
		all_are(w, 0, 8, 0x22);
		all_are(w, 8, 64, 0);
		rows_are(sw, forms[i].in, forms[i].out);
		assert_int_equal(get(w, &sw->ports[1], sim_slvl_table, forms[i].modifier), SIM_OK);
		all_are(w, 0, 8, 0x22);
		assert_int_equal(set(w, &sw->ports[1], sim_slvl_table, 0x20005), SIM_BAD_FIELD);
		assert_int_equal(set(w, &sw->ports[1], sim_slvl_table, 0x10500), SIM_BAD_FIELD);
	}
}

static void who_cannot_map_sls_has_no_such_attribute(void **state)
{
	struct world *w = *state;
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .no_sl_mapping = true });
	struct sim_node *sw = make_switch(w, (struct sim_node_spec){ .no_sl_mapping = true });

	assert_int_equal(get(w, &ca->ports[1], sim_slvl_table, 0), SIM_BAD_ATTRIBUTE);
	assert_int_equal(set(w, &sw->ports[1], sim_slvl_table, 0), SIM_BAD_ATTRIBUTE);
	w->fabric->quirks.lanes_bad_method = true;
	assert_int_equal(get(w, &ca->ports[1], sim_slvl_table, 0), SIM_BAD_METHOD);
}

static void a_lane_of_the_table_counts_only_if_it_operates(void **state)
{
	struct world *w = *state;
	struct sim_port *in = &w->sw->ports[1];
	struct sim_port *out = &w->sw->ports[2];

	assert_int_equal(sim_sl2vl_put(in, out, 2, 7), 0);
	assert_int_equal(sim_sl2vl_put(in, out, 3, 8), 0);
	assert_int_equal(sim_lane(in, out, 2), 7);
	assert_int_equal(sim_lane(in, out, 3), 15);
	out->info.vl_enforce = 3 << 4; /* VL 0 to 3 */
	assert_int_equal(sim_lane(in, out, 2), 15);
	assert_int_equal(sim_lane(in, out, 0), 0);
	assert_int_equal(sim_lane(out, in, 7), 7); /* nobody wrote there */
	in->info.vl_enforce = 3 << 4;
	assert_int_equal(sim_lane(out, in, 7), 15);
}

/* ---- VL arbitration -------------------------------------------------------------------------- */

static void at_power_up_lane_0_is_of_high_priority(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->ca->ports[1], sim_vlarb_table, 1 << 16), SIM_OK);
	assert_memory_equal(w->data, "\0\0\1\4\2\4\3\4\4\4\5\4\6\4\7\4", 16);
	all_are(w, 16, 64, 0);
	assert_int_equal(get(w, &w->ca->ports[1], sim_vlarb_table, 3 << 16), SIM_OK);
	assert_memory_equal(w->data, "\0\4\1\0\2\0\3\0\4\0\5\0\6\0\7\0", 16);
	all_are(w, 16, 64, 0);
}

static void arbitration_is_kept_by_block_and_port(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->sw->ports[20];
	uint8_t entry[2];

	port->info.vl_arb_low_cap = 64;
	port->info.vl_arb_high_cap = 64;
	for (uint32_t block = 1; block <= 4; block++) {
		for (unsigned i = 0; i < 32; i++) {
			w->data[2 * i] = (uint8_t)(0xf0 | i % 8); /* the upper half is reserved */
			w->data[2 * i + 1] = (uint8_t)(100 * block % 251 + i);
		}
		assert_int_equal(set(w, &w->sw->ports[1], sim_vlarb_table, block << 16 | 20),
				 SIM_OK);
		assert_int_equal(w->data[2], 1);
		assert_int_equal(w->data[3], 100 * block % 251 + 1);
	}
	sim_vlarb_at(port, false, 31, entry);
	assert_memory_equal(entry, "\x07\x83", 2);
	sim_vlarb_at(port, false, 32, entry);
	assert_memory_equal(entry, "\x00\xc8", 2);
	sim_vlarb_at(port, true, 0, entry);
	assert_memory_equal(entry, "\x00\x31", 2);
	sim_vlarb_at(port, true, 63, entry);
	assert_memory_equal(entry, "\x07\xb4", 2);
	sim_vlarb_at(port, true, 64, entry);
	assert_memory_equal(entry, "\x00\x00", 2);
	sim_vlarb_at(&w->sw->ports[19], false, 1, entry);
	assert_memory_equal(entry, "\x01\x04", 2);
}

static void arbitration_ends_at_its_capacity(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];

	port->info.vl_arb_low_cap = 40;
	memset(w->data, 0x05, sizeof(w->data));
	assert_int_equal(set(w, port, sim_vlarb_table, 2 << 16), SIM_OK);
	all_are(w, 0, 16, 0x05);
	all_are(w, 16, 64, 0);
	assert_int_equal(set(w, port, sim_vlarb_table, 4 << 16), SIM_BAD_FIELD);
	port->info.vl_arb_low_cap = 32;
	assert_int_equal(get(w, port, sim_vlarb_table, 2 << 16), SIM_BAD_FIELD);
	port->info.vl_arb_high_cap = 0;
	assert_int_equal(get(w, port, sim_vlarb_table, 3 << 16), SIM_BAD_FIELD);
}

static void there_are_four_arbitration_blocks(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->ca->ports[1], sim_vlarb_table, 0), SIM_BAD_FIELD);
	assert_int_equal(get(w, &w->ca->ports[1], sim_vlarb_table, 5 << 16), SIM_BAD_FIELD);
	assert_int_equal(get(w, &w->ca->ports[1], sim_vlarb_table, 1 << 16 | 9), SIM_OK);
	assert_int_equal(get(w, &w->sw->ports[1], sim_vlarb_table, 1 << 16 | 20), SIM_OK);
	assert_int_equal(get(w, &w->sw->ports[1], sim_vlarb_table, 1 << 16 | 21), SIM_BAD_FIELD);
	assert_int_equal(set(w, &w->sw->ports[1], sim_vlarb_table, 1 << 16 | 0x101), SIM_BAD_FIELD);
}

static void a_port_with_one_lane_has_nothing_to_arbitrate(void **state)
{
	struct world *w = *state;
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .vl_cap = 1 });

	assert_int_equal(get(w, &ca->ports[1], sim_vlarb_table, 1 << 16), SIM_BAD_ATTRIBUTE);
	w->fabric->quirks.lanes_bad_method = true;
	assert_int_equal(get(w, &ca->ports[1], sim_vlarb_table, 1 << 16), SIM_BAD_METHOD);
}

/* ---- linear forwarding ----------------------------------------------------------------------- */

static void a_new_switch_leads_nowhere(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->sw->ports[1], sim_linear_table, 0), SIM_OK);
	all_are(w, 0, 64, 255);
	assert_int_equal(get(w, &w->sw->ports[1], sim_linear_table, 767), SIM_OK);
	all_are(w, 0, 64, 255);
	assert_int_equal(get(w, &w->sw->ports[1], sim_linear_table, 768), SIM_BAD_FIELD);
	assert_int_equal(get(w, &w->sw->ports[1], sim_linear_table, 0x04000000), SIM_BAD_FIELD);
	assert_null(w->sw->sw->lft);
}

static void routes_are_kept_also_above_the_top_and_to_ports_that_are_not(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->sw->ports[1];

	for (uint32_t block = 0; block < 768; block += 13) {
		memset(w->data, (int)(block % 250), sizeof(w->data));
		assert_int_equal(set(w, port, sim_linear_table, block), SIM_OK);
		all_are(w, 0, 64, (uint8_t)(block % 250));
	}
	for (uint32_t block = 0; block < 768; block++) {
		assert_int_equal(get(w, port, sim_linear_table, block), SIM_OK);
		all_are(w, 0, 64, block % 13 ? 255 : (uint8_t)(block % 250));
	}
	assert_int_equal(sim_lft_at(w->sw, 13 * 64 + 63), 13);
	assert_int_equal(sim_lft_at(w->sw, 14 * 64), 255);
	assert_int_equal(sim_lft_at(w->sw, 0xffff), 255);
}

struct heard {
	unsigned before, after;
	uint8_t held[2]; /* of LID 70, then */
};

static void on_routes(void *user, struct sim_node *node, bool before)
{
	struct heard *heard = user;

	heard->held[!before] = sim_lft_at(node, 70);
	if (before)
		heard->before++;
	else
		heard->after++;
}

static void a_write_that_changes_routes_is_told_before_and_after(void **state)
{
	struct world *w = *state;
	struct heard heard = { 0 };

	w->fabric->on_routes = on_routes;
	w->fabric->on_routes_user = &heard;
	memset(w->data, 3, sizeof(w->data));
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 1), SIM_OK);
	assert_int_equal(heard.before, 1);
	assert_int_equal(heard.after, 1);
	assert_int_equal(heard.held[0], 255);
	assert_int_equal(heard.held[1], 3);
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 1), SIM_OK);
	assert_int_equal(get(w, &w->sw->ports[1], sim_linear_table, 1), SIM_OK);
	assert_int_equal(heard.before, 1);
	w->data[6] = 4;
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 1), SIM_OK);
	assert_int_equal(heard.after, 2);
	assert_int_equal(heard.held[0], 3);
	assert_int_equal(heard.held[1], 4);
}

static void with_the_quirk_routes_above_the_top_read_0(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.lft_zero_above_top = true;
	w->sw->sw->info.lin_top = htobe16(70);
	memset(w->data, 3, sizeof(w->data));
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 1), SIM_OK);
	all_are(w, 0, 7, 3);
	all_are(w, 7, 64, 0);
	assert_int_equal(sim_lft_at(w->sw, 127), 3);
}

static void routes_end_at_the_capacity(void **state)
{
	struct world *w = *state;
	struct sim_node *sw = make_switch(w, (struct sim_node_spec){ .lft_cap = 128 });
	struct sim_node *odd = make_switch(w, (struct sim_node_spec){ .lft_cap = 100 });

	assert_int_equal(get(w, &sw->ports[1], sim_linear_table, 1), SIM_OK);
	assert_int_equal(get(w, &sw->ports[1], sim_linear_table, 2), SIM_BAD_FIELD);
	memset(w->data, 3, sizeof(w->data));
	assert_int_equal(set(w, &odd->ports[1], sim_linear_table, 1), SIM_OK);
	all_are(w, 0, 36, 3);
	all_are(w, 36, 64, 255);
	assert_int_equal(set(w, &odd->ports[1], sim_linear_table, 2), SIM_BAD_FIELD);
	assert_int_equal(sim_lft_put(odd, 99, 1), 0);
	assert_int_equal(sim_lft_put(odd, 100, 1), -EINVAL);
	assert_int_equal(sim_lft_put(w->ca, 1, 1), -EINVAL);
}

static void tables_grow_in_few_steps(void **state)
{
	struct world *w = *state;
	struct sim_switch *sw = w->sw->sw;
	unsigned steps = 0;

	for (uint32_t block = 0; block < 768; block++) {
		uint32_t before = sw->lft_size;

		memset(w->data, 1, sizeof(w->data));
		assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, block), SIM_OK);
		steps += sw->lft_size != before;
	}
	assert_true(steps <= 11);
	assert_int_equal(sw->lft_size, 49152);
	/* At once where the top is known; and empty blocks need nothing. */
	sw = make_switch(w, (struct sim_node_spec){ 0 })->sw;
	sw->info.lin_top = htobe16(46720);
	w->sw = w->fabric->nodes[w->fabric->n_nodes - 1];
	memset(w->data, 255, sizeof(w->data));
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 700), SIM_OK);
	assert_int_equal(sw->lft_size, 0);
	w->data[0] = 1;
	assert_int_equal(set(w, &w->sw->ports[1], sim_linear_table, 0), SIM_OK);
	assert_int_equal(sw->lft_size, 46784);
}

static void nobody_has_a_random_table(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->sw->ports[1], sim_random_table, 0), SIM_BAD_ATTRIBUTE);
	assert_int_equal(set(w, &w->sw->ports[1], sim_random_table, 0), SIM_BAD_ATTRIBUTE);
}

/* ---- multicast forwarding -------------------------------------------------------------------- */

static void a_new_switch_has_no_members(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 0), SIM_OK);
	all_are(w, 0, 64, 0);
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 1u << 28 | 31), SIM_OK);
	all_are(w, 0, 64, 0);
}

static void a_position_holds_16_ports_of_32_groups(void **state)
{
	struct world *w = *state;
	struct sim_node *sw = make_switch(w, (struct sim_node_spec){ .n_ports = 254 });
	struct sim_port *port = &sw->ports[1];

	for (uint32_t position = 0; position < 16; position++) {
		memset(w->data, 0, sizeof(w->data));
		w->data[2 * position + 1] = 0x01; /* MLID 0xc020 + position: first port */
		w->data[2 * position + 0] = 0x40; /* and the 15th */
		assert_int_equal(set(w, port, sim_multicast_table, position << 28 | 1), SIM_OK);
		assert_int_equal(at16(w, position), 0x4001);
	}
	for (unsigned position = 0; position < 16; position++)
		for (unsigned n = 0; n <= 254; n++)
			assert_int_equal(sim_mft_has(sw, 0xc020 + position, n),
					 n == position * 16 || n == position * 16 + 14);
	for (uint32_t position = 0; position < 16; position++) {
		assert_int_equal(get(w, port, sim_multicast_table, position << 28 | 1), SIM_OK);
		for (unsigned i = 0; i < 32; i++)
			assert_int_equal(at16(w, i), i == position ? 0x4001 : 0);
	}
}

static void members_end_at_the_capacity_and_at_the_last_port(void **state)
{
	struct world *w = *state;
	struct sim_node *sw =
		make_switch(w, (struct sim_node_spec){ .n_ports = 15, .mft_cap = 40 });
	struct sim_port *port = &sw->ports[1];

	memset(w->data, 0xff, sizeof(w->data));
	assert_int_equal(set(w, port, sim_multicast_table, 1), SIM_OK);
	all_are(w, 0, 16, 0xff);
	all_are(w, 16, 64, 0);
	assert_false(sim_mft_has(sw, 0xc000 + 40, 1));
	assert_int_equal(get(w, port, sim_multicast_table, 2), SIM_BAD_FIELD);
	assert_int_equal(get(w, port, sim_multicast_table, 1u << 28), SIM_BAD_FIELD);
	assert_int_equal(set(w, port, sim_multicast_table, 1u << 28), SIM_BAD_FIELD);
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 1u << 28), SIM_OK);
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 2u << 28), SIM_BAD_FIELD);
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 32), SIM_BAD_FIELD);
	w->sw->n_ports = 16; /* the last is the first of the next position */
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 1u << 28), SIM_OK);
	w->sw->n_ports = 20;
	assert_int_equal(sim_mft_put(sw, 0xc000 + 40, 1, true), -EINVAL);
	assert_int_equal(sim_mft_put(sw, 0xc000, 16, true), -EINVAL);
	assert_int_equal(sim_mft_put(sw, 0xbfff, 1, true), -EINVAL);
}

static void with_the_quirk_members_beyond_read_0(void **state)
{
	struct world *w = *state;

	w->fabric->quirks.mft_beyond_is_zero = true;
	assert_int_equal(get(w, &w->sw->ports[1], sim_multicast_table, 2u << 28), SIM_OK);
	all_are(w, 0, 64, 0);
	memset(w->data, 0xff, sizeof(w->data));
	assert_int_equal(set(w, &w->sw->ports[1], sim_multicast_table, 511), SIM_OK);
	all_are(w, 0, 64, 0);
}

static void members_that_are_written_replace_their_16_alone(void **state)
{
	struct world *w = *state;

	assert_int_equal(sim_mft_put(w->sw, 0xc000, 3, true), 0);
	assert_int_equal(sim_mft_put(w->sw, 0xc000, 20, true), 0);
	memset(w->data, 0, sizeof(w->data));
	w->data[1] = 0x02;
	assert_int_equal(set(w, &w->sw->ports[1], sim_multicast_table, 0), SIM_OK);
	assert_true(sim_mft_has(w->sw, 0xc000, 1));
	assert_false(sim_mft_has(w->sw, 0xc000, 3));
	assert_true(sim_mft_has(w->sw, 0xc000, 20));
	assert_int_equal(sim_mft_put(w->sw, 0xc000, 20, false), 0);
	assert_false(sim_mft_has(w->sw, 0xc000, 20));
}

/* ---- ExtendedPortInfo ------------------------------------------------------------------------ */

static void only_some_devices_have_extended_port_info(void **state)
{
	struct world *w = *state;

	assert_int_equal(get(w, &w->ca->ports[1], sim_ext_port_info, 1), SIM_BAD_ATTRIBUTE);
	assert_int_equal(set(w, &w->sw->ports[1], sim_ext_port_info, 1), SIM_BAD_ATTRIBUTE);
}

static void fdr10_is_enabled_at_power_up_and_can_be_disabled(void **state)
{
	struct world *w = *state;
	struct sim_node *sw = make_switch(w, (struct sim_node_spec){ .fdr10 = true });

	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 5), SIM_OK);
	assert_memory_equal(w->data, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0", 16);
	all_are(w, 16, 64, 0);
	memset(w->data, 0xff, sizeof(w->data));
	w->data[11] = 0;
	w->data[3] = 1;
	assert_int_equal(set(w, &sw->ports[1], sim_ext_port_info, 5), SIM_OK);
	assert_memory_equal(w->data, "\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0", 16);
	all_are(w, 16, 64, 0);
	w->data[11] = 2; /* a speed that it has not */
	assert_int_equal(set(w, &sw->ports[1], sim_ext_port_info, 5), SIM_BAD_FIELD);
	assert_int_equal(w->data[11], 0);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 6), SIM_OK);
	assert_int_equal(w->data[11], 1);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 21), SIM_BAD_FIELD);
	sim_power(sw, false);
	sim_power(sw, true);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 5), SIM_OK);
	assert_memory_equal(w->data, "\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0\0", 16);
}

static void other_ports_of_an_adapter_are_only_read(void **state)
{
	struct world *w = *state;
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .fdr10 = true });

	memset(w->data, 0, sizeof(w->data));
	assert_int_equal(set(w, &ca->ports[2], sim_ext_port_info, 0), SIM_OK);
	assert_int_equal(get(w, &ca->ports[1], sim_ext_port_info, 2), SIM_OK);
	assert_int_equal(w->data[11], 0);
	assert_int_equal(get(w, &ca->ports[2], sim_ext_port_info, 1), SIM_OK);
	assert_int_equal(w->data[11], 1);
	assert_int_equal(set(w, &ca->ports[2], sim_ext_port_info, 1), SIM_BAD_FIELD);
	assert_int_equal(set(w, &ca->ports[2], sim_ext_port_info, 2), SIM_OK);
	assert_int_equal(get(w, &ca->ports[2], sim_ext_port_info, 3), SIM_BAD_FIELD);
}

static void fdr10_runs_where_both_ends_want_it(void **state)
{
	struct world *w = *state;
	struct sim_node *sw = make_switch(w, (struct sim_node_spec){ .fdr10 = true });
	struct sim_node *ca = make_ca(w, (struct sim_node_spec){ .fdr10 = true });

	assert_int_equal(sim_cable(&sw->ports[1], &ca->ports[1]), 0);
	assert_int_equal(sim_cable(&sw->ports[2], &w->ca->ports[1]), 0);
	assert_int_equal(get(w, &ca->ports[1], sim_ext_port_info, 0), SIM_OK);
	assert_int_equal(w->data[15], 1);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 1), SIM_OK);
	assert_int_equal(w->data[15], 1);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 2), SIM_OK);
	assert_int_equal(w->data[15], 0);
	/* What is enabled counts from the next training on. */
	memset(w->data, 0, sizeof(w->data));
	assert_int_equal(set(w, &ca->ports[1], sim_ext_port_info, 0), SIM_OK);
	assert_int_equal(w->data[15], 1);
	sim_cable_pull(&sw->ports[1]);
	sim_cable_plug(&sw->ports[1]);
	assert_int_equal(get(w, &sw->ports[1], sim_ext_port_info, 1), SIM_OK);
	assert_int_equal(w->data[15], 0);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void a_restart_forgets_all_tables(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];
	struct sim_port *out = &w->sw->ports[2];
	uint8_t entry[2];

	assert_int_equal(sim_pkey_put(port, 0, 0x8001), 0);
	assert_int_equal(sim_guid_put(port, 1, 5), 0);
	assert_int_equal(sim_lft_put(w->sw, 5, 1), 0);
	assert_int_equal(sim_mft_put(w->sw, 0xc000, 1, true), 0);
	assert_int_equal(sim_sl2vl_put(&w->sw->ports[1], out, 0, 5), 0);
	memset(w->data, 0, sizeof(w->data));
	assert_int_equal(set(w, out, sim_vlarb_table, 1 << 16 | 2), SIM_OK);
	sim_power(w->ca, false);
	sim_power(w->ca, true);
	sim_power(w->sw, false);
	sim_power(w->sw, true);
	assert_int_equal(sim_pkey_at(port, 0), 0xffff);
	assert_int_equal(sim_guid_at(port, 1), 0);
	assert_int_equal(sim_lft_at(w->sw, 5), 255);
	assert_false(sim_mft_has(w->sw, 0xc000, 1));
	assert_int_equal(sim_sl2vl_at(&w->sw->ports[1], out, 0), 0);
	sim_vlarb_at(out, false, 1, entry);
	assert_memory_equal(entry, "\x01\x04", 2);
}

static void what_is_past_a_table_cannot_be_put(void **state)
{
	struct world *w = *state;
	struct sim_port *port = &w->ca->ports[1];

	assert_int_equal(sim_pkey_put(port, 64, 1), -EINVAL);
	assert_int_equal(sim_pkey_at(port, 64), 0);
	assert_int_equal(sim_guid_put(port, 0, 1), -EINVAL);
	assert_int_equal(sim_guid_put(port, 32, 1), -EINVAL);
	assert_int_equal(sim_guid_put(&w->sw->ports[1], 1, 1), -EINVAL);
	assert_int_equal(sim_guid_at(&w->sw->ports[1], 0), 0);
	assert_int_equal(sim_sl2vl_put(port, port, 16, 0), -EINVAL);
	assert_int_equal(sim_sl2vl_put(port, port, 0, 16), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_port_has_the_default_pkey_alone),
		TEST(pkeys_are_kept_also_at_index_0),
		TEST(an_adapter_answers_for_the_port_that_was_asked),
		TEST(a_switch_has_pkeys_for_each_port),
		TEST(pkeys_end_at_the_capacity_of_the_kind_of_port),
		TEST(of_a_partial_pkey_block_the_rest_is_lost_and_0),
		TEST(a_port_can_be_full_and_limited_member),
		TEST(with_the_quirk_the_second_membership_is_lost),
		TEST(who_shares_a_port_hears_of_other_pkeys),
		TEST(a_new_port_has_its_own_guid_alone),
		TEST(guids_are_kept_but_the_first),
		TEST(guids_end_at_the_capacity),
		TEST(of_a_switch_the_guid_is_that_of_port_0),
		TEST(with_the_quirk_guids_cannot_be_set),
		TEST(who_shares_a_port_hears_of_other_guids),
		TEST(at_power_up_an_sl_has_the_lane_of_its_number_or_none),
		TEST(an_adapter_has_one_row_for_each_port),
		TEST(a_switch_has_a_row_for_each_pair_of_ports),
		TEST(optimised_rows_need_the_capability),
		TEST(optimised_rows_are_those_of_all_ports),
		TEST(who_cannot_map_sls_has_no_such_attribute),
		TEST(a_lane_of_the_table_counts_only_if_it_operates),
		TEST(at_power_up_lane_0_is_of_high_priority),
		TEST(arbitration_is_kept_by_block_and_port),
		TEST(arbitration_ends_at_its_capacity),
		TEST(there_are_four_arbitration_blocks),
		TEST(a_port_with_one_lane_has_nothing_to_arbitrate),
		TEST(a_new_switch_leads_nowhere),
		TEST(routes_are_kept_also_above_the_top_and_to_ports_that_are_not),
		TEST(a_write_that_changes_routes_is_told_before_and_after),
		TEST(with_the_quirk_routes_above_the_top_read_0),
		TEST(routes_end_at_the_capacity),
		TEST(tables_grow_in_few_steps),
		TEST(nobody_has_a_random_table),
		TEST(a_new_switch_has_no_members),
		TEST(a_position_holds_16_ports_of_32_groups),
		TEST(members_end_at_the_capacity_and_at_the_last_port),
		TEST(with_the_quirk_members_beyond_read_0),
		TEST(members_that_are_written_replace_their_16_alone),
		TEST(only_some_devices_have_extended_port_info),
		TEST(fdr10_is_enabled_at_power_up_and_can_be_disabled),
		TEST(other_ports_of_an_adapter_are_only_read),
		TEST(fdr10_runs_where_both_ends_want_it),
		TEST(a_restart_forgets_all_tables),
		TEST(what_is_past_a_table_cannot_be_put),
	};

	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
