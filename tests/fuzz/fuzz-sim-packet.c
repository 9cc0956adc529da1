/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Whatever MADs programs send and whatever comes in from the wire: the simulated fabric carries
 * them until none is on its way, states of ports stay states, and cables keep their two ends.
 *
 * The fabric has a device of each type and an HCA of each model of VFs, up and routed. Input: a
 * byte that says what happens, one that says where, and what it happens with. A MAD is its header
 * in short, and then up to three pieces: offset, length, bytes.
 */

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/client.h"
#include "tests/sim/fabric.h"
#include "tests/sim/forward.h"
#include "tests/sim/link.h"
#include "tests/sim/vf.h"
#include "tests/unit/loop-virtual.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HCA, VIRTUAL_SWITCH, SHARED_PORT, VPORT, ROUTER, HOSTS };
enum { CLIENTS = 7, VFS = 3, LIDS = 64, ACTIONS_MAX = 256 };

enum action { SEND, INJECT, DELIVER, PASS, PLUG, POWER, IS_SM, START, ACTIONS };

struct play {
	const uint8_t *next;
	size_t left;
	struct loop *loop;
	struct sim_fabric *fabric;
	struct sim_node *sw;
	struct sim_port *hosts[HOSTS];
	struct sim_client clients[CLIENTS];
	struct sim_agent agents[CLIENTS];
};

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static size_t take(struct play *p, void *to, size_t n)
{
	n = MIN(n, p->left);
	if (n)
		memcpy(to, p->next, n);
	p->next += n;
	p->left -= n;
	return n;
}

static uint8_t take_byte(struct play *p)
{
	uint8_t byte = 0;

	take(p, &byte, 1);
	return byte;
}

/* ---- the fabric ------------------------------------------------------------------------------ */

static void receive(void *user, const struct sim_packet *packet)
{
	unsigned *n = user;

	*n += packet->bytes[SIM_MAD_SIZE - 1]; /* all of it can be read */
}

static struct sim_node *make(struct play *p, enum sim_type type, unsigned n_ports)
{
	const struct sim_node_spec spec = {
		.type = type,
		.n_ports = n_ports,
		.optimised_slvl = true,
		.mcast_top = true,
		.fdr10 = true,
	};
	struct sim_node *node;

	demand(!sim_node_new(p->fabric, &spec, &node));
	return node;
}

/* Host n is at port n + 1 of the switch and has LID n + 1. */
static void make_host(struct play *p, unsigned n, enum sim_type type)
{
	struct sim_port *port = &make(p, type, 2)->ports[1];
	uint8_t lid = (uint8_t)(n + 1);

	demand(!sim_cable(port, &p->sw->ports[lid]));
	p->sw->sw->lft[lid] = lid;
	port->info.base_lid = htobe16(lid);
	port->info.master_sm_base_lid = htobe16(HCA + 1);
	port->info.subnet_timeout |= 16; /* a trap each 268 ms */
	p->hosts[n] = port;
}

static void make_switch(struct play *p)
{
	struct sim_switch *sw;

	p->sw = make(p, SIM_SWITCH, HOSTS + 2);
	sw = p->sw->sw;
	sw->lft = malloc(LIDS);
	demand(sw->lft != NULL);
	memset(sw->lft, SIM_LFT_NONE, LIDS);
	sw->lft_size = LIDS;
	sw->info.lin_top = htobe16(LIDS - 1);
	p->sw->ports[0].info.base_lid = htobe16(HOSTS + 1);
	p->sw->ports[0].info.master_sm_base_lid = htobe16(HCA + 1);
	p->sw->ports[0].info.subnet_timeout |= 16;
	demand(!sim_cable(&p->sw->ports[HOSTS + 1], &p->sw->ports[HOSTS + 2]));
}

static void add_vfs(struct play *p, unsigned host, enum sim_vf_model model, bool lid_required)
{
	const struct sim_vf_spec spec = { .up = true, .lid_required = lid_required };

	demand(!sim_vfs_add(p->hosts[host], model, VFS, &spec));
}

static void attach(struct play *p, unsigned n, unsigned host, unsigned vf)
{
	static unsigned sink;
	struct sim_client *client = &p->clients[n];

	*client = (struct sim_client){ .receive = receive, .user = &sink, .qpn = 2 };
	client->takes_all = n & 1;
	demand(!sim_vf_attach(p->hosts[host], vf, client));
	p->agents[n] = (struct sim_agent){
		.mgmt_class = n & 2 ? 3 : SIM_CLASS_LID,
		.version = n & 2 ? 2 : 1,
		.qpn = n & 2 ? 1 : 0,
		.methods = { UINT64_MAX },
	};
	sim_register(client, &p->agents[n]);
}

static void begin(struct play *p)
{
	demand(!loop_virtual_new(1, &p->loop) && !sim_fabric_new(p->loop, 1, &p->fabric));
	make_switch(p);
	for (unsigned n = 0; n < HOSTS; n++)
		make_host(p, n, n == ROUTER ? SIM_ROUTER : SIM_CA);
	add_vfs(p, VIRTUAL_SWITCH, SIM_VF_VIRTUAL_SWITCH, false);
	add_vfs(p, SHARED_PORT, SIM_VF_SHARED_PORT, false);
	add_vfs(p, VPORT, SIM_VF_VPORT, true);
	for (unsigned n = 0; n < HOSTS; n++) {
		sim_set_state(&p->sw->ports[n + 1], SIM_ACTIVE);
		sim_set_state(p->hosts[n], SIM_ACTIVE);
	}
	attach(p, 0, HCA, 0);
	attach(p, 1, HCA, 0);
	attach(p, 2, SHARED_PORT, 0);
	attach(p, 3, SHARED_PORT, 2);
	attach(p, 4, VPORT, 0);
	attach(p, 5, VPORT, 2);
	attach(p, 6, VIRTUAL_SWITCH, 1);
}

static void end(struct play *p)
{
	for (unsigned n = 0; n < CLIENTS; n++)
		sim_detach(&p->clients[n]);
	sim_fabric_free(p->fabric);
	loop_virtual_free(p->loop);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static struct sim_port *take_port(struct play *p)
{
	uint8_t where = take_byte(p);
	struct sim_node *node = p->fabric->nodes[(where & 0x0f) % p->fabric->n_nodes];
	unsigned first = node->sw ? 0 : 1;

	return &node->ports[first + (where >> 4) % (node->n_ports + 1 - first)];
}

static void take_pieces(struct play *p, struct sim_packet *ret, unsigned n)
{
	while (n--) {
		unsigned at = take_byte(p);
		unsigned length = take_byte(p);

		take(p, ret->bytes + at, MIN(length, SIM_MAD_SIZE - at));
	}
}

static struct sim_packet take_packet(struct play *p)
{
	struct sim_packet ret = {
		.sqpn = 1,
		.pkey = 0xffff,
		.length = SIM_MAD_SIZE,
		.client = SIM_CLIENT_NONE,
	};
	uint8_t flags = take_byte(p);

	ret.dqpn = flags & 0x03;
	ret.qkey = flags & 0x04 ? 1 : SIM_QKEY_MAD;
	ret.has_grh = flags & 0x08;
	ret.hop_limit = 1;
	ret.sl = flags & 0x10 ? take_byte(p) & 0x0f : 0;
	if (flags & 0x20)
		take(p, &ret.pkey, sizeof(ret.pkey));
	take(p, &ret.dlid, sizeof(ret.dlid));
	take(p, &ret.slid, sizeof(ret.slid));
	if (ret.has_grh)
		take(p, ret.dgid, sizeof(ret.dgid));
	ret.mad.base_ver = 1;
	ret.mad.mgmt_class = take_byte(p);
	ret.mad.class_ver = ret.mad.mgmt_class == 3 ? 2 : 1;
	ret.mad.method = take_byte(p);
	take(p, &ret.mad.attr_id, sizeof(ret.mad.attr_id));
	take(p, &ret.mad.attr_mod, sizeof(ret.mad.attr_mod));
	take_pieces(p, &ret, flags >> 6);
	return ret;
}

static void send_mad(struct play *p)
{
	struct sim_client *client = &p->clients[take_byte(p) % CLIENTS];
	struct sim_packet packet = take_packet(p);

	sim_client_send(client, &packet);
}

static void inject(struct play *p)
{
	struct sim_port *port = take_port(p);
	struct sim_packet packet = take_packet(p);

	sim_inject(port, &packet);
}

static void deliver(struct play *p)
{
	struct sim_port *port = take_port(p);
	struct sim_packet packet = take_packet(p);

	if (packet.dqpn <= 1) /* as is looked after before */
		sim_deliver(port, &packet);
}

static void start_vf(struct play *p)
{
	struct sim_port *port = p->hosts[take_byte(p) % HOSTS];
	uint8_t what = take_byte(p);

	if (what & 0x80)
		sim_vf_start(port, what & 0x07);
	else if (what & 0x40)
		sim_vf_set_guid(port, what & 0x07, what & 0x20 ? 0 : 0x1234 + what);
	else
		sim_vf_stop(port, what & 0x07);
}

static void plug(struct sim_port *port)
{
	if (port->far && port->cut)
		sim_cable_plug(port);
	else if (port->far)
		sim_cable_pull(port);
}

static void act(struct play *p)
{
	struct sim_port *port;
	uint8_t number;

	switch ((enum action)(take_byte(p) % ACTIONS)) {
	case SEND:
		send_mad(p);
		return;
	case INJECT:
		inject(p);
		return;
	case DELIVER:
		deliver(p);
		return;
	case PASS:
		loop_virtual_run_for(p->loop, take_byte(p) * 10 * LOOP_MSEC);
		return;
	case PLUG:
		plug(take_port(p));
		return;
	case POWER:
		port = take_port(p);
		sim_power(port->node, port->node->off);
		return;
	case IS_SM:
		number = take_byte(p);
		sim_set_is_sm(&p->clients[number % CLIENTS], number & 0x80);
		return;
	case START:
		start_vf(p);
		return;
	case ACTIONS:
		return;
	}
}

static void check_port(const struct sim_port *port)
{
	demand(sim_state(port) >= SIM_DOWN && sim_state(port) <= SIM_ACTIVE);
	demand(!port->far || (port->far->far == port && port->far->cut == port->cut));
	demand(!port->far || sim_link_is_up(port) == sim_link_is_up(port->far));
	demand(port->far || !port->number || !sim_link_is_up(port));
}

static void check(const struct play *p)
{
	demand(!p->fabric->running && !p->fabric->first);
	for (uint32_t i = 0; i < p->fabric->n_nodes; i++) {
		const struct sim_node *node = p->fabric->nodes[i];

		for (unsigned n = node->sw ? 0 : 1; n <= node->n_ports; n++)
			check_port(&node->ports[n]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play = { .next = data, .left = size };

	begin(&play);
	for (unsigned i = 0; play.left && i < ACTIONS_MAX; i++) {
		act(&play);
		check(&play);
	}
	end(&play);

	return 0;
}
