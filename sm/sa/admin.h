/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The subnet administrator: one question in, one answer out, nothing remembered. Numbers in host
 * order but for what is inside datagrams.
 */

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "mad/transport.h"
#include "sm/fabric.h"

struct sm_peer;

/*
 * What an answer is made from. Everything is only read, and only while admin_answer() runs; @user
 * goes to the functions as it is.
 */
struct admin_view {
	const struct fabric *fabric;
	const struct conf *conf;
	uint32_t act_count; /* our own SMInfo.ActCount; GUID and LID are fabric->local_port's */
	uint8_t sm_state;   /* our own, enum sm_state */
	const void *user;
	/* Exit port of the switch with node number @node for @lid, or ROUTE_NONE; see sm_route().
	 */
	uint8_t (*route)(const void *user, uint32_t node, unsigned lid);
	/* P_Keys last planned for @port: how many entries; at most @room are written. */
	unsigned (*pkeys)(const void *user, uint32_t port, uint16_t *ret, unsigned room);
	/* The n-th other subnet manager, false past the last; see sm_peer(). */
	bool (*peer)(const void *user, unsigned n, struct sm_peer *ret);
};

/*
 * Answer what arrived on QP1. True: @ret is the whole answer, to be sent to where the request came
 * from, with the P_Key index that it came with. False: it deserves none (not a request to the SA,
 * or a form of MAD that we do not know), and @ret is untouched.
 */
bool admin_answer(const struct admin_view *view, const struct arrival *request,
		  struct datagram *ret);
