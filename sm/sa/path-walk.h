/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What a path through the tables can carry. Codes as on the wire.
 */

#include "sm/sa/admin.h"

struct admin_ends {
	uint32_t from; /* end ports */
	uint32_t to;
	uint16_t from_lid; /* each is one of that port's */
	uint16_t to_lid;
	uint16_t many; /* of these, that to and from which ways of all others are asked for; or 0 */
};

struct admin_path {
	uint8_t mtu;  /* enum conf_mtu */
	uint8_t rate; /* see rate.h */
	uint8_t life; /* 4.096 us * 2^life */
	uint8_t sl;   /* service level, the same back */
};

/* False: there is no way, or none back. */
bool admin_path_walk(const struct admin_view *view, const struct admin_ends *ends,
		     struct admin_path *ret);

/* Hops of a way at most, of those that are walked */
#define PATH_MAX_HOPS 64u

/*
 * The port by which a packet to @lid leaves the switch that has port @at: port 0 if it is for the
 * switch. NO_PORT: none, or it is no switch.
 */
uint32_t admin_path_exit(const struct admin_view *view, uint32_t at, unsigned lid);

/* MTUCap, a code that there is. */
unsigned admin_mtu_cap(const struct port *port);
