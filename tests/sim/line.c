/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

#include "tests/sim/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/unit/loop-virtual.h"

static void receive(void *user, const struct sim_packet *packet)
{
	struct line_user *u = user;

	u->got = *packet;
	u->n_got++;
}

static void dropped(void *user, const struct sim_port *at, const struct sim_packet *packet,
		    enum sim_drop why)
{
	struct line *l = user;

	(void)packet;
	l->why = why;
	l->where = at;
	l->n_dropped++;
}

static struct sim_node *make(struct line *l, enum sim_type type, unsigned n_ports, const char *name)
{
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	assert_int_equal(sim_node_new(l->fabric, &spec, &node), 0);
	return node;
}

static void attach(struct line_user *user, struct sim_port *port)
{
	user->client.receive = receive;
	user->client.user = user;
	user->client.takes_all = true;
	user->client.qpn = LINE_QPN;
	assert_int_equal(sim_attach(port, &user->client), 0);
}

int line_set_up(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	assert_int_equal(loop_virtual_new(1, &l->loop), 0);
	assert_int_equal(sim_fabric_new(l->loop, 1, &l->fabric), 0);
	l->fabric->on_drop = dropped;
	l->fabric->on_drop_user = l;
	l->a = make(l, SIM_CA, 1, "A");
	l->b = make(l, SIM_CA, 2, "B");
	l->west = make(l, SIM_SWITCH, 4, "west");
	l->east = make(l, SIM_SWITCH, 4, "east");
	assert_int_equal(sim_cable(&l->a->ports[1], &l->west->ports[1]), 0);
	assert_int_equal(sim_cable(&l->west->ports[3], &l->east->ports[3]), 0);
	assert_int_equal(sim_cable(&l->east->ports[1], &l->b->ports[2]), 0);
	attach(&l->at_a, &l->a->ports[1]);
	attach(&l->at_b, &l->b->ports[2]);
	attach(&l->at_west, &l->west->ports[0]);
	*state = l;
	return 0;
}

int line_tear_down(void **state)
{
	struct line *l = *state;

	sim_detach(&l->at_a.client);
	sim_detach(&l->at_b.client);
	sim_detach(&l->at_west.client);
	sim_fabric_free(l->fabric);
	loop_virtual_free(l->loop);
	free(l);
	return 0;
}

void line_set_states(struct sim_port *port, enum sim_state state)
{
	sim_set_state(port, state);
	sim_set_state(port->far, state);
}

void line_bring_up(struct line *l)
{
	static const uint8_t west[] = { [LID_EAST] = 3, [LID_A] = 1, [LID_B] = 3 };
	static const uint8_t east[] = { [LID_WEST] = 3, [LID_A] = 3, [LID_B] = 1 };

	l->a->ports[1].info.base_lid = htobe16(LID_A);
	l->b->ports[2].info.base_lid = htobe16(LID_B);
	l->west->ports[0].info.base_lid = htobe16(LID_WEST);
	l->east->ports[0].info.base_lid = htobe16(LID_EAST);
	for (unsigned lid = LID_WEST; lid <= LID_B; lid++) {
		assert_int_equal(sim_lft_put(l->west, lid, west[lid]), 0);
		assert_int_equal(sim_lft_put(l->east, lid, east[lid]), 0);
	}
	l->west->sw->info.lin_top = htobe16(LINE_TOP);
	l->east->sw->info.lin_top = htobe16(LINE_TOP);
	line_set_states(&l->west->ports[1], SIM_ACTIVE);
	line_set_states(&l->west->ports[3], SIM_ACTIVE);
	line_set_states(&l->east->ports[1], SIM_ACTIVE);
}

struct sim_packet line_smp(const struct line_user *user, uint16_t dlid)
{
	struct sim_packet p = {
		.dlid = dlid, .slid = LID_A, .length = SIM_MAD_SIZE, .client = SIM_CLIENT_NONE
	};

	p.smp.base_ver = 1;
	p.smp.class_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_LID;
	p.smp.method = SIM_GET;
	p.smp.attr_id = htobe16(0x11);
	p.smp.trans_id = htobe64((uint64_t)user->client.id << 48 | 77);
	return p;
}

struct sim_packet line_directed(const struct line_user *user, unsigned n, const uint8_t *path)
{
	struct sim_packet p = line_smp(user, SIM_LID_PERMISSIVE);

	p.slid = SIM_LID_PERMISSIVE;
	p.smp.mgmt_class = SIM_CLASS_DR;
	p.smp.dr_slid = 0xffff;
	p.smp.dr_dlid = 0xffff;
	p.smp.hop_count = (uint8_t)n;
	if (n)
		memcpy(p.smp.initial_path + 1, path, MIN(n, IB_SUBNET_PATH_HOPS_MAX - 1));
	return p;
}

struct sim_packet line_data(uint16_t dlid)
{
	return (struct sim_packet){ .dlid = dlid,
				    .slid = LID_A,
				    .dqpn = LINE_QPN,
				    .sqpn = LINE_QPN,
				    .pkey = 0xffff,
				    .length = 64,
				    .client = SIM_CLIENT_NONE };
}

enum sim_drop line_send(struct line *l, const struct sim_packet *p)
{
	l->why = SIM_PASSED;
	sim_send(&l->a->ports[1], p);
	return l->why;
}

enum sim_drop line_inject(struct line *l, struct sim_port *in, const struct sim_packet *p)
{
	l->why = SIM_PASSED;
	sim_inject(in, p);
	return l->why;
}
