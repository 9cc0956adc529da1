/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/* See vf-rig.h. What an SM would do by SMPs is written into the ports here. */

#include "tests/sim/vf-rig.h"
#include "tests/unit/loop-virtual.h"

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

enum { CLASS_SA = 3, SA_VERSION = 2 };

static void receive(void *user, const struct sim_packet *packet)
{
	struct rig_inbox *inbox = user;

	inbox->last = *packet;
	inbox->n++;
}

/* Repressed at once, so that no trap comes twice. */
static void receive_trap(struct rig *rig, const struct sim_packet *packet)
{
	struct sim_packet p = *packet;

	rig->trap = *packet;
	rig->n_traps++;
	sim_turn_around(&p);
	p.mad.method = SIM_TRAP_REPRESS;
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
}

static void receive_request(void *user, const struct sim_packet *packet)
{
	struct rig *rig = user;

	if (packet->mad.method == SIM_TRAP) {
		receive_trap(rig, packet);
		return;
	}
	rig->sa.last = *packet;
	rig->sa.n++;
	if (rig->on_request)
		rig->on_request(rig, packet);
}

static void lost(void *user, const struct sim_port *at, const struct sim_packet *packet,
		 enum sim_drop why)
{
	struct rig *rig = user;

	(void)at;
	(void)packet;
	rig->why = why;
	rig->n_lost++;
}

static void told(void *user, struct sim_port *port, unsigned vf, unsigned event)
{
	struct rig *rig = user;

	rig->event = (struct rig_event){ port, vf, event };
	rig->n_events++;
}

static struct sim_node *make(struct rig *rig, enum sim_type type, unsigned n_ports,
			     const char *name)
{
	struct sim_node_spec spec = { .type = type, .n_ports = n_ports, .name = name };
	struct sim_node *node;

	assert_int_equal(sim_node_new(rig->fabric, &spec, &node), 0);
	return node;
}

void rig_route(struct sim_node *node, uint16_t lid, uint8_t port)
{
	struct sim_switch *sw = node->sw;

	if (!sw->lft) {
		sw->lft = malloc(RIG_LIDS);
		assert_non_null(sw->lft);
		memset(sw->lft, SIM_LFT_NONE, RIG_LIDS);
		sw->lft_size = RIG_LIDS;
		sw->info.lin_top = htobe16(RIG_LIDS - 1);
	}
	sw->lft[lid] = port;
}

void rig_activate(struct sim_port *port, uint16_t lid)
{
	port->info.base_lid = htobe16(lid);
	port->info.master_sm_base_lid = htobe16(RIG_M);
	if (port->far)
		sim_set_state(port->far, SIM_ACTIVE);
	sim_set_state(port, SIM_ACTIVE);
}

static struct sim_port *make_host(struct rig *rig, const char *name, uint8_t number)
{
	struct sim_node *node = make(rig, SIM_CA, 1, name);
	struct sim_port *port = &node->ports[1];

	assert_int_equal(sim_cable(port, &rig->sw->ports[number]), 0);
	rig_route(rig->sw, number, number);
	return port;
}

static void make_sa(struct rig *rig)
{
	rig->sa.client = (struct sim_client){ .receive = receive_request, .user = rig };
	assert_int_equal(sim_attach(rig->m, &rig->sa.client), 0);
	rig->sa_agent = (struct sim_agent){
		.mgmt_class = CLASS_SA,
		.version = SA_VERSION,
		.qpn = 1,
		.methods = { UINT64_C(1) << SIM_GET | UINT64_C(1) << SIM_SET | UINT64_C(1) << 0x12 |
			     UINT64_C(1) << 0x15 },
	};
	assert_int_equal(sim_register(&rig->sa.client, &rig->sa_agent), 0);
	rig->trap_agent = (struct sim_agent){
		.mgmt_class = SIM_CLASS_LID,
		.version = 1,
		.methods = { UINT64_C(1) << SIM_TRAP },
	};
	assert_int_equal(sim_register(&rig->sa.client, &rig->trap_agent), 0);
}

int rig_set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	assert_int_equal(loop_virtual_new(1, &rig->loop), 0);
	assert_int_equal(sim_fabric_new(rig->loop, 1, &rig->fabric), 0);
	rig->fabric->on_drop = lost;
	rig->fabric->on_drop_user = rig;
	rig->fabric->on_vf = told;
	rig->fabric->on_vf_user = rig;
	rig->sw = make(rig, SIM_SWITCH, 8, "S");
	rig->m = make_host(rig, "M", RIG_M);
	rig->p = make_host(rig, "P", RIG_P);
	rig->q = make_host(rig, "Q", RIG_Q);
	rig_activate(rig->m, RIG_M);
	make_sa(rig);
	*state = rig;
	return 0;
}

int rig_tear_down(void **state)
{
	struct rig *rig = *state;

	sim_detach(&rig->sa.client);
	sim_fabric_free(rig->fabric);
	loop_virtual_free(rig->loop);
	free(rig);
	return 0;
}

void rig_inbox_open(struct rig_inbox *inbox, struct sim_port *port, unsigned vf)
{
	*inbox = (struct rig_inbox){ .client = { .receive = receive, .user = inbox } };
	assert_int_equal(sim_vf_attach(port, vf, &inbox->client), 0);
}

void rig_inbox_close(struct rig_inbox *inbox)
{
	sim_detach(&inbox->client);
}

struct sim_packet rig_mad(uint16_t dlid, uint8_t mgmt_class, uint8_t method, uint16_t attribute)
{
	struct sim_packet p = {
		.dlid = dlid,
		.sqpn = 1,
		.dqpn = 1,
		.qkey = SIM_QKEY_MAD,
		.pkey = 0xffff,
		.length = SIM_MAD_SIZE,
	};

	p.mad.base_ver = 1;
	p.mad.mgmt_class = mgmt_class;
	p.mad.class_ver = mgmt_class == CLASS_SA ? SA_VERSION : 1;
	p.mad.method = method;
	p.mad.trans_id = htobe64(0x1234);
	p.mad.attr_id = htobe16(attribute);
	return p;
}

void rig_answer(struct rig *rig, const struct sim_packet *request, uint8_t method, uint16_t status)
{
	struct sim_packet p = *request;

	sim_turn_around(&p);
	p.mad.method = method;
	p.mad.status = htobe16(status);
	assert_int_equal(sim_client_send(&rig->sa.client, &p), 0);
}

void rig_add_grh(struct sim_packet *packet, uint64_t guid)
{
	ib_net64_t net = htobe64(guid);

	packet->has_grh = true;
	packet->hop_limit = 1;
	packet->dgid[0] = 0xfe;
	packet->dgid[1] = 0x80;
	memcpy(packet->dgid + 8, &net, sizeof(net));
}

struct sim_vf_info rig_look(struct sim_port *port, unsigned vf)
{
	struct sim_vf_info info;

	assert_int_equal(sim_vf_look(port, vf, &info), 0);
	return info;
}
