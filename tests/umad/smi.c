/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Directed routes at the ends (IBA 14.2.2): a MAD that a program writes starts here, and one that
 * comes has arrived. A port of an HCA is never in the middle of a path, and of a switch only
 * port 0 has agents.
 *
 * Simulators leave the hop pointer at 0 both ways; a program sees it where the kernel would have
 * moved it: behind the last hop in a request, at 0 in a response. A simulator that moves it itself
 * is also understood.
 */

#include "tests/umad/smi.h"

#include "tests/umad/wire.h"

/* On its way out from here, at its start. */
static enum smi write_request(uint8_t *mad, uint8_t port, bool is_switch)
{
	uint8_t count = mad[WIRE_HOP_CNT];

	if (mad[WIRE_HOP_PTR] == 0 && count) {
		mad[WIRE_HOP_PTR] = 1;
		/* A switch sends from the port that the path names. */
		return is_switch || mad[WIRE_INITIAL_PATH + 1] == port ? SMI_SEND : SMI_DISCARD;
	}
	/* For our own SMA. The kernel would also take a hop pointer that claims to be at the end.
	 */
	if (count || mad[WIRE_HOP_PTR] > 1)
		return SMI_DISCARD;
	if (!is_switch && get16(mad + WIRE_DR_DLID) != LID_PERMISSIVE)
		return SMI_DISCARD;
	mad[WIRE_HOP_PTR] = 1;

	return SMI_LOCAL;
}

/* An SM answers: from behind the last hop back along the path. */
static enum smi write_response(uint8_t *mad, uint8_t port, bool is_switch)
{
	uint8_t count = mad[WIRE_HOP_CNT];

	if (count && mad[WIRE_HOP_PTR] == count + 1) {
		mad[WIRE_HOP_PTR]--;
		return is_switch || mad[WIRE_RETURN_PATH + count] == port ? SMI_SEND : SMI_DISCARD;
	}
	if (mad[WIRE_HOP_PTR] == 1) {
		mad[WIRE_HOP_PTR] = 0;
		return SMI_LOCAL;
	}

	return mad[WIRE_HOP_PTR] == 0 ? SMI_LOCAL : SMI_DISCARD;
}

enum smi smi_write(uint8_t *mad, uint8_t port, bool is_switch)
{
	if (get16(mad + WIRE_DR_SLID) != LID_PERMISSIVE)
		return SMI_SEND;
	if (mad[WIRE_HOP_CNT] > WIRE_HOPS_MAX)
		return SMI_DISCARD;
	if (get16(mad + WIRE_STATUS) & STATUS_DIRECTION)
		return write_response(mad, port, is_switch);

	return write_request(mad, port, is_switch);
}

bool smi_receive(uint8_t *mad, uint8_t port, bool is_switch)
{
	uint8_t count = mad[WIRE_HOP_CNT];
	uint8_t hop = mad[WIRE_HOP_PTR];

	if (count > WIRE_HOPS_MAX)
		return false;
	if (get16(mad + WIRE_STATUS) & STATUS_DIRECTION) {
		if (hop > 1)
			return false;
		mad[WIRE_HOP_PTR] = 0;
		return true;
	}
	if (hop != 0 && hop != count)
		return false;
	if (count && !is_switch)
		mad[WIRE_RETURN_PATH + count] = port;
	mad[WIRE_HOP_PTR] = (uint8_t)(count + 1);

	return true;
}
