/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A small fabric to ask agents on: host A (two ports, a SM may sit at the first) - switch - host B,
 * with a router on the switch as well.
 *
 *	A port 1 - switch port 1, B port 1 - switch port 2, R port 1 - switch port 3; port 4 is free
 *
 * ask() sends a directed-route SMP from A and returns the status of the answer, or NO_ANSWER.
 */

#include "tests/sim/fabric.h"
#include "tests/sim/forward.h"
#include "tests/unit/loop-virtual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/client.h"

enum { NO_ANSWER = -1 };
#define EXTENDED (1u << 31) /* speeds, in a modifier of PortInfo */
enum place { AT_A, AT_SWITCH, AT_B, AT_ROUTER };
enum {
	NODE_DESCRIPTION = 0x10,
	NODE_INFO = 0x11,
	SWITCH_INFO = 0x12,
	GUID_INFO = 0x14,
	PORT_INFO = 0x15,
	SM_INFO = 0x20,
	NOTICE = 0x02
};

struct bench {
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *a, *b, *sw, *router;
	struct sim_client client;
	uint64_t key; /* M_Key of what ask() sends */
	struct sim_packet got;
	unsigned n_got;    /* answers */
	unsigned n_others; /* requests and traps */
	struct sim_packet other;
	enum sim_drop why;
	unsigned n_reregister;
	struct sim_port *reregistered;
};

static inline void bench_receive(void *user, const struct sim_packet *packet)
{
	struct bench *b = user;

	if (packet->mad.method & 0x80) {
		b->got = *packet;
		b->n_got++;
	} else {
		b->other = *packet;
		b->n_others++;
	}
}

static inline void bench_dropped(void *user, const struct sim_port *at,
				 const struct sim_packet *packet, enum sim_drop why)
{
	struct bench *b = user;

	(void)at;
	(void)packet;
	b->why = why;
}

static inline void bench_reregister(void *user, struct sim_port *port)
{
	struct bench *b = user;

	b->n_reregister++;
	b->reregistered = port;
}

static inline struct sim_node *bench_node(struct bench *b, enum sim_type type, unsigned n_ports,
					  const char *name)
{
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	assert_int_equal(sim_node_new(b->fabric, &spec, &node), 0);
	return node;
}

static inline int bench_set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(loop_virtual_new(1, &b->loop), 0);
	assert_int_equal(sim_fabric_new(b->loop, 1, &b->fabric), 0);
	b->fabric->on_drop = bench_dropped;
	b->fabric->on_drop_user = b;
	b->fabric->on_reregister = bench_reregister;
	b->fabric->on_reregister_user = b;
	b->a = bench_node(b, SIM_CA, 2, "A");
	b->b = bench_node(b, SIM_CA, 2, "B");
	b->sw = bench_node(b, SIM_SWITCH, 4, "switch");
	b->router = bench_node(b, SIM_ROUTER, 2, "router");
	assert_int_equal(sim_cable(&b->a->ports[1], &b->sw->ports[1]), 0);
	assert_int_equal(sim_cable(&b->b->ports[1], &b->sw->ports[2]), 0);
	assert_int_equal(sim_cable(&b->router->ports[1], &b->sw->ports[3]), 0);
	b->client.receive = bench_receive;
	b->client.user = b;
	b->client.takes_all = true;
	assert_int_equal(sim_attach(&b->a->ports[1], &b->client), 0);
	*state = b;
	return 0;
}

static inline int bench_tear_down(void **state)
{
	struct bench *b = *state;

	sim_detach(&b->client);
	sim_fabric_free(b->fabric);
	loop_virtual_free(b->loop);
	free(b);
	return 0;
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

static inline struct sim_packet bench_packet(const struct bench *b, enum place place,
					     unsigned method, unsigned attribute, uint32_t modifier)
{
	struct sim_packet p = { .dlid = SIM_LID_PERMISSIVE, .length = SIM_MAD_SIZE };

	p.smp.base_ver = 1;
	p.smp.class_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_DR;
	p.smp.method = (uint8_t)method;
	p.smp.attr_id = htobe16((uint16_t)attribute);
	p.smp.attr_mod = htobe32(modifier);
	p.smp.m_key = htobe64(b->key);
	p.smp.dr_slid = 0xffff;
	p.smp.dr_dlid = 0xffff;
	/* A TrapRepress keeps its TID, and with it the number of who sent it. */
	p.smp.trans_id = htobe64((uint64_t)b->client.id << 48 | 77);
	p.smp.hop_count = place == AT_A ? 0 : (place == AT_SWITCH ? 1 : 2);
	p.smp.initial_path[1] = 1;
	p.smp.initial_path[2] = place == AT_ROUTER ? 3 : 2;
	return p;
}

static inline int bench_send(struct bench *b, const struct sim_packet *p)
{
	unsigned n = b->n_got;

	assert_int_equal(sim_client_send(&b->client, p), 0);
	if (b->n_got == n)
		return NO_ANSWER;
	assert_int_equal(b->n_got, n + 1);
	assert_int_equal(b->got.smp.method, SIM_GET_RESP);
	/* Bit 15 is the direction, of directed routes alone. */
	assert_int_equal(be16toh(b->got.smp.status) >> 15, p->smp.mgmt_class == SIM_CLASS_DR);
	return be16toh(b->got.smp.status) & 0x7fff;
}

/* @data: 64 bytes, or NULL for zeros. */
static inline int ask(struct bench *b, enum place place, unsigned method, unsigned attribute,
		      uint32_t modifier, const void *data)
{
	struct sim_packet p = bench_packet(b, place, method, attribute, modifier);

	if (data)
		memcpy(p.smp.data, data, IB_SMP_DATA_SIZE);
	return bench_send(b, &p);
}

/* PortInfo of a port as it is now, to be changed and set, as SMs do it. */
static inline ib_port_info_t bench_port_info(struct bench *b, enum place place, uint32_t modifier)
{
	ib_port_info_t info;

	assert_int_equal(ask(b, place, SIM_GET, PORT_INFO, modifier, NULL), SIM_OK);
	memcpy(&info, b->got.smp.data, sizeof(info));
	return info;
}

/* With states that change nothing, and LIDs that are legal, so that the caller's change alone
 * counts. */
static inline ib_port_info_t bench_to_set(struct bench *b, enum place place, uint32_t modifier)
{
	ib_port_info_t info = bench_port_info(b, place, modifier);

	info.state_info1 = (uint8_t)(info.state_info1 & 0xf0);
	info.state_info2 = (uint8_t)(info.state_info2 & 0x0f);
	if (!info.base_lid)
		info.base_lid = htobe16((uint16_t)(place + 1));
	if (!info.master_sm_base_lid)
		info.master_sm_base_lid = htobe16(1);
	return info;
}

/* Sets, and *info becomes what the answer shows. */
static inline int bench_set(struct bench *b, enum place place, uint32_t modifier,
			    ib_port_info_t *info)
{
	int status = ask(b, place, SIM_SET, PORT_INFO, modifier, info);

	if (status != NO_ANSWER)
		memcpy(info, b->got.smp.data, sizeof(*info));
	return status;
}

static inline int bench_set_states(struct bench *b, enum place place, uint32_t modifier,
				   unsigned state, unsigned phys)
{
	ib_port_info_t info = bench_to_set(b, place, modifier);

	info.state_info1 |= (uint8_t)state;
	info.state_info2 |= (uint8_t)(phys << 4);
	return bench_set(b, place, modifier, &info);
}
