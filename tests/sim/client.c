/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Software at a port: who gets which packet. Answers find their way by the client's number in the
 * upper half of the TID; requests by class, version and method as the kernel has it, or, for those
 * who cannot register, as ibsim has it: the first that is an SM, or the one whose QP it is.
 */

#include "tests/sim/client.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/forward.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"

/* ---- coming and going ------------------------------------------------------------------------ */

int sim_attach(struct sim_port *port, struct sim_client *client)
{
	struct sim_fabric *fabric = port->node->fabric;

	/* Not 0: that is what TIDs are that no client has ever stamped. */
	for (uint32_t id = 1; id < SIM_CLIENTS_MAX; id++) {
		if (fabric->clients[id])
			continue;
		fabric->clients[id] = client;
		client->id = id;
		client->port = port;
		list_init(&client->agents);
		list_init(&client->at_port);
		list_add_tail(&port->clients, &client->at_port);
		return 0;
	}
	return -EBUSY;
}

void sim_detach(struct sim_client *client)
{
	sim_set_is_sm(client, false);
	while (!list_is_empty(&client->agents))
		list_remove(client->agents.next);
	list_remove(&client->at_port);
	client->port->node->fabric->clients[client->id] = NULL;
	client->port = NULL;
}

static bool is_same_table(const struct sim_agent *a, const struct sim_agent *b)
{
	return a->mgmt_class == b->mgmt_class && a->version == b->version && a->qpn == b->qpn &&
	       a->oui == b->oui;
}

int sim_register(struct sim_client *client, struct sim_agent *agent)
{
	for (struct list *l = client->port->clients.next; l != &client->port->clients;
	     l = l->next) {
		struct sim_client *other = CONTAINER_OF(l, struct sim_client, at_port);

		for (struct list *a = other->agents.next; a != &other->agents; a = a->next) {
			struct sim_agent *taken = CONTAINER_OF(a, struct sim_agent, of_client);

			if (other->vf == client->vf && is_same_table(taken, agent) &&
			    (taken->methods[0] & agent->methods[0] ||
			     taken->methods[1] & agent->methods[1]))
				return -EBUSY;
		}
	}
	list_add_tail(&client->agents, &agent->of_client);
	return 0;
}

void sim_unregister(struct sim_agent *agent)
{
	list_remove(&agent->of_client);
}

/* A VF has no QP0 to be an SM with. */
static bool has_sm(const struct sim_port *port)
{
	for (struct list *l = port->clients.next; l != &port->clients; l = l->next)
		if (CONTAINER_OF(l, struct sim_client, at_port)->is_sm)
			return true;
	return false;
}

void sim_set_is_sm(struct sim_client *client, bool is_sm)
{
	ib_port_info_t *info = &client->port->info;
	ib_net32_t before = info->capability_mask;

	client->is_sm = is_sm && !client->vf;
	info->capability_mask &= ~htobe32(1u << 1);
	if (has_sm(client->port))
		info->capability_mask |= htobe32(1u << 1);
	if (info->capability_mask != before)
		sim_trap_capability(client->port);
}

/* ---- to a client ----------------------------------------------------------------------------- */

static bool is_agent_for(const struct sim_agent *agent, const struct sim_packet *p)
{
	const ib_mad_t *mad = &p->mad;
	unsigned mgmt_class = mad->mgmt_class == SIM_CLASS_DR ? SIM_CLASS_LID : mad->mgmt_class;
	unsigned own = agent->mgmt_class == SIM_CLASS_DR ? SIM_CLASS_LID : agent->mgmt_class;

	/* Class 0x81 and 0x01 have tables of their own. */
	if (own != mgmt_class || agent->mgmt_class != mad->mgmt_class)
		return false;
	return agent->version == mad->class_ver && mad->method < 128 &&
	       agent->methods[mad->method / 64] >> mad->method % 64 & 1;
}

static bool takes_request(const struct sim_client *client, const struct sim_packet *p)
{
	/* Agents are of QP0 and QP1. */
	if (p->dqpn > 1)
		return client->takes_all && p->dqpn == client->qpn;
	for (struct list *a = client->agents.next; a != &client->agents; a = a->next)
		if (is_agent_for(CONTAINER_OF(a, struct sim_agent, of_client), p))
			return true;
	return client->takes_all && client->is_sm;
}

static struct sim_client *find_by_tid(const struct sim_port *at, unsigned vf,
				      const struct sim_packet *p)
{
	/* The top byte is a VF's (mlx4), which shared-port.c has taken out. */
	struct sim_client *client =
		at->node->fabric->clients[be64toh(p->mad.trans_id) >> 48 & 0xff];

	return client && client->port == at && client->vf == vf ? client : NULL;
}

static struct sim_client *find_client(const struct sim_port *at, unsigned vf,
				      const struct sim_packet *p)
{
	if (sim_is_response(p))
		return find_by_tid(at, vf, p);
	for (struct list *l = at->clients.next; l != &at->clients; l = l->next) {
		struct sim_client *client = CONTAINER_OF(l, struct sim_client, at_port);

		if (client->vf == vf && takes_request(client, p))
			return client;
	}
	return NULL;
}

bool sim_client_give_vf(struct sim_port *at, unsigned vf, const struct sim_packet *packet)
{
	struct sim_client *client = find_client(at, vf, packet);

	if (!client)
		return false;
	client->receive(client->user, packet);
	return true;
}

bool sim_client_give(struct sim_port *at, const struct sim_packet *packet)
{
	if (sim_has_vfs(at))
		return sim_vf_give(at, packet);
	return sim_client_give_vf(at, 0, packet);
}

void sim_client_lost(struct sim_fabric *fabric, const struct sim_packet *packet, enum sim_drop why)
{
	struct sim_client *client = fabric->clients[packet->client];

	if (client && client->dropped)
		client->dropped(client->user, packet, why);
}

/* ---- from a client --------------------------------------------------------------------------- */

static void stamp(const struct sim_client *client, struct sim_packet *p)
{
	uint64_t tid = be64toh(p->mad.trans_id) & ~(UINT64_C(0xffff) << 48);

	p->client = client->id;
	if (p->dqpn == 1 && !p->qkey)
		p->qkey = SIM_QKEY_MAD;
	if (!sim_is_response(p))
		p->mad.trans_id = htobe64(tid | (uint64_t)client->id << 48);
}

void sim_client_address(const struct sim_client *client, struct sim_packet *p)
{
	static const uint8_t none[16];
	const struct sim_port *port = client->port;
	ib_net64_t guid = htobe64(port->guid);

	if (sim_is_directed(p) && p->dlid == SIM_LID_PERMISSIVE)
		p->slid = SIM_LID_PERMISSIVE;
	else if (!sim_has_lid(port, p->slid))
		p->slid = sim_lid(port);
	if (p->has_grh && !memcmp(p->sgid, none, sizeof(none))) {
		memcpy(p->sgid, &port->info.subnet_prefix, sizeof(guid));
		memcpy(p->sgid + sizeof(guid), &guid, sizeof(guid));
	}
}

int sim_client_send(struct sim_client *client, const struct sim_packet *packet)
{
	struct sim_packet p = *packet;
	struct sim_port *port = client->port;

	stamp(client, &p);
	if (sim_has_vfs(port))
		return sim_vf_send(client, &p);
	sim_client_address(client, &p);
	sim_send(port, &p);
	return 0;
}
