/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Virtual lanes: which one a service level takes, SLtoVL, and whose turn it is, VLArb (IBA 14.2.5.8
 * and 14.2.5.9).
 *
 * SLtoVL of a switch is a table for each pair of input and output port; it is kept at the output,
 * one row for each input, port 0 included. An adapter has one row for each port. Modifiers of
 * adapters are not looked at. A switch that has the optimised forms takes one table for all inputs,
 * for all outputs, or for both; to who reads by them it shows the one of port 1, as there is no
 * telling from where else (no source says).
 *
 * At power-up SL n goes to VL n where there is such a lane (VLCap), else nowhere, which is 15; lane
 * 0 has the high priority table for itself, the others share the low one.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/sma.h"
#include "tests/sim/tables.h"

enum {
	ALL_OUTPUTS = 0x10000,
	ALL_INPUTS = 0x20000,
	OPTIMISED = 0x01, /* OptimizedSLtoVLMappingProgramming, SwitchInfo byte 11 */
	CAP_SL_MAPPING = 1u << 6,
	N_SLS = 16,
	ROW = N_SLS / 2,
	NO_LANE = 15,
	ARB_BLOCK = 32, /* entries: two bytes each */
	POWER_UP_WEIGHT = 4,
};

/* Data lanes that the port could have. */
static unsigned lanes(const struct sim_port *port)
{
	static const uint8_t n[] = { 1, 1, 2, 4, 8, 15 };
	unsigned code = port->info.vl_cap >> 4;

	return code < COUNT(n) ? n[code] : 1;
}

/* An optional attribute that the device has not; some say the method is what they have not. */
static enum sim_status unsupported(const struct sim_ask *ask)
{
	return ask->node->fabric->quirks.lanes_bad_method ? SIM_BAD_METHOD : SIM_BAD_ATTRIBUTE;
}

/* ---- SLtoVL ---------------------------------------------------------------------------------- */

static unsigned row_of(const struct sim_port *in, const struct sim_port *out)
{
	return out->node->sw ? in->number : 0;
}

static void power_up_row(const struct sim_port *out, uint8_t row[ROW])
{
	unsigned n = lanes(out);

	for (unsigned sl = 0; sl < N_SLS; sl += 2)
		row[sl / 2] =
			(uint8_t)((sl < n ? sl : NO_LANE) << 4 | (sl + 1 < n ? sl + 1 : NO_LANE));
}

static bool rows_make(struct sim_port *out)
{
	unsigned n = out->node->sw ? out->node->n_ports + 1u : 1;

	if (out->sl2vl)
		return true;
	out->sl2vl = calloc(n, sizeof(*out->sl2vl));
	for (unsigned i = 0; out->sl2vl && i < n; i++)
		power_up_row(out, out->sl2vl[i]);
	return out->sl2vl;
}

static void row_read(const struct sim_port *in, const struct sim_port *out, uint8_t row[ROW])
{
	if (out->sl2vl)
		memcpy(row, out->sl2vl[row_of(in, out)], ROW);
	else
		power_up_row(out, row);
}

unsigned sim_sl2vl_at(const struct sim_port *in, const struct sim_port *out, unsigned sl)
{
	uint8_t row[ROW];

	row_read(in, out, row);
	return sl & 1 ? row[sl % N_SLS / 2] & 0x0f : row[sl % N_SLS / 2] >> 4;
}

int sim_sl2vl_put(const struct sim_port *in, struct sim_port *out, unsigned sl, unsigned vl)
{
	unsigned shift = sl & 1 ? 0 : 4;
	uint8_t *byte;

	if (sl >= N_SLS || vl > NO_LANE)
		return -EINVAL;
	if (!rows_make(out))
		return -ENOMEM;
	byte = &out->sl2vl[row_of(in, out)][sl / 2];
	*byte = (uint8_t)((*byte & ~(0x0f << shift)) | vl << shift);
	return 0;
}

/* The ports that a modifier of a switch means, first to last; false: it has no such. */
static bool range(const struct sim_ask *ask, bool all, unsigned number, unsigned bounds[static 2])
{
	bounds[0] = all ? 0 : number;
	bounds[1] = all ? ask->node->n_ports : number;
	return bounds[1] <= ask->node->n_ports;
}

static enum sim_status rows_write(const struct sim_ask *ask, const unsigned in[static 2],
				  const unsigned out[static 2])
{
	for (unsigned o = out[0]; o <= out[1]; o++) {
		struct sim_port *port = &ask->node->ports[o];

		if (!rows_make(port))
			return SIM_BUSY;
		for (unsigned i = in[0]; i <= in[1]; i++)
			memcpy(port->sl2vl[i], ask->data, ROW);
	}
	return SIM_OK;
}

static enum sim_status of_switch(struct sim_ask *ask)
{
	bool all_in = ask->modifier & ALL_INPUTS;
	bool all_out = ask->modifier & ALL_OUTPUTS;
	struct sim_port *ports = ask->node->ports;
	enum sim_status status = SIM_OK;
	unsigned in[2];
	unsigned out[2];

	if ((all_in || all_out) && !(ask->node->sw->info.life_state & OPTIMISED))
		return SIM_BAD_FIELD;
	if (!range(ask, all_in, ask->modifier >> 8 & 0xff, in) ||
	    !range(ask, all_out, ask->modifier & 0xff, out))
		return SIM_BAD_FIELD;
	if (ask->set)
		status = rows_write(ask, in, out);
	memset(ask->data, 0, SIM_SMP_DATA);
	row_read(&ports[all_in ? 1 : in[0]], &ports[all_out ? 1 : out[0]], ask->data);
	return status;
}

enum sim_status sim_slvl_table(struct sim_ask *ask)
{
	struct sim_port *port = ask->end;

	if (!(port->info.capability_mask & htobe32(CAP_SL_MAPPING)))
		return unsupported(ask);
	if (ask->node->sw)
		return of_switch(ask);
	if (ask->set && !rows_make(port))
		return SIM_BUSY;
	if (ask->set)
		memcpy(port->sl2vl[0], ask->data, ROW);
	memset(ask->data, 0, SIM_SMP_DATA);
	row_read(port, port, ask->data);
	return SIM_OK;
}

/* ---- arbitration ----------------------------------------------------------------------------- */

static unsigned arb_cap(const struct sim_port *port, bool high)
{
	return MIN(high ? port->info.vl_arb_high_cap : port->info.vl_arb_low_cap, 2 * ARB_BLOCK);
}

static void power_up_arb(const struct sim_port *port, bool high, unsigned index, uint8_t entry[2])
{
	bool used = index < lanes(port) && index < arb_cap(port, high);

	entry[0] = used ? (uint8_t)index : 0;
	entry[1] = used && high == !index ? POWER_UP_WEIGHT : 0;
}

static bool arb_make(struct sim_port *port)
{
	if (port->vlarb)
		return true;
	port->vlarb = calloc(4, sizeof(*port->vlarb));
	for (unsigned block = 0; port->vlarb && block < 4; block++)
		for (unsigned i = 0; i < ARB_BLOCK; i++)
			power_up_arb(port, block >= 2, block % 2 * ARB_BLOCK + i,
				     &port->vlarb[block][2 * i]);
	return port->vlarb;
}

void sim_vlarb_at(const struct sim_port *port, bool high, unsigned index, uint8_t ret[static 2])
{
	ret[0] = 0;
	ret[1] = 0;
	if (index >= arb_cap(port, high))
		return;
	if (port->vlarb)
		memcpy(ret, &port->vlarb[2 * high + index / ARB_BLOCK][index % ARB_BLOCK * 2], 2);
	else
		power_up_arb(port, high, index, ret);
}

/* The upper half of a byte with a lane is reserved. */
static void arb_write(uint8_t *entries, unsigned n, const uint8_t *data)
{
	for (unsigned i = 0; i < n; i++) {
		entries[2 * i] = data[2 * i] & 0x0f;
		entries[2 * i + 1] = data[2 * i + 1];
	}
}

enum sim_status sim_vlarb_table(struct sim_ask *ask)
{
	unsigned block = (ask->modifier >> 16) - 1;
	struct sim_port *port =
		ask->node->sw ? sim_port(ask->node, ask->modifier & 0xffff) : ask->end;
	bool high = block >= 2;
	unsigned first = block % 2 * ARB_BLOCK;

	if (!port || block > 3)
		return SIM_BAD_FIELD;
	if (lanes(port) == 1)
		return unsupported(ask);
	if (first >= arb_cap(port, high))
		return SIM_BAD_FIELD;
	if (ask->set && !arb_make(port))
		return SIM_BUSY;
	if (ask->set)
		arb_write(port->vlarb[block], MIN(arb_cap(port, high) - first, ARB_BLOCK),
			  ask->data);
	for (unsigned i = 0; i < ARB_BLOCK; i++)
		sim_vlarb_at(port, high, first + i, ask->data + 2 * i);
	return SIM_OK;
}
