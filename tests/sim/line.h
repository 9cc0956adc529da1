/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The smallest fabric on which a packet can go wrong in every way, for the tests of forward.c:
 *
 *	A (port 1) - (1) west (3) - (3) east (1) - (2) B
 *
 * A has one port, B two, the switches four. After line_bring_up() LIDs are as below, the tables
 * lead everywhere, and all links are Active.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/client.h"
#include "tests/sim/forward.h"
#include "tests/sim/link.h"
#include "tests/sim/tables.h"

enum { LID_WEST = 1, LID_EAST, LID_A, LID_B, LINE_TOP = 15 };
enum { LINE_QPN = 42 };

/* Somebody who takes data at LINE_QPN, and answers to what he has asked. */
struct line_user {
	struct sim_client client;
	struct sim_packet got; /* the last */
	unsigned n_got;
};

struct line {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *a, *b, *west, *east;
	struct line_user at_a, at_b, at_west;
	enum sim_drop why; /* the last that came to nothing did so */
	const struct sim_port *where;
	unsigned n_dropped;
};

int line_set_up(void **state);
int line_tear_down(void **state);
void line_bring_up(struct line *l);

/* Both ends of the link of @port. */
void line_set_states(struct sim_port *port, enum sim_state state);

/* A NodeInfo Get by LID; with a TID that brings the answer to @user. */
struct sim_packet line_smp(const struct line_user *user, uint16_t dlid);

/* The same by a directed route of @n hops. */
struct sim_packet line_directed(const struct line_user *user, unsigned n, const uint8_t *path);

/* A data packet for LINE_QPN. */
struct sim_packet line_data(uint16_t dlid);

/* From A's port; what stops it, or SIM_PASSED if nothing does. */
enum sim_drop line_send(struct line *l, const struct sim_packet *p);

/* The same as it comes in at @in. */
enum sim_drop line_inject(struct line *l, struct sim_port *in, const struct sim_packet *p);

#define LINE_TEST(name) cmocka_unit_test_setup_teardown(name, line_set_up, line_tear_down)
