/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Agents: who may send, and who gets what arrives.
 *
 * A response finds its agent by the upper half of its TID, a request by version, class, method and,
 * for the vendor classes from 0x30 on, OUI; no method belongs to two agents of a port. The
 * rows of errors, and their order, are those of the kernel's ib_register_mad_agent(), and what it
 * says about classes and queue pairs. That 0x81 has methods of its own, apart from 0x01's, is also
 * the kernel's.
 *
 * The upper half of a TID is the client id of the connection, 16 bits, and a serial number. ibsim
 * writes the first into every request by itself, so there is no choice. A serial number is not
 * given again before all others were.
 */

#include "tests/umad/kmad.h"

#include <errno.h>
#include <stdlib.h>

enum {
	VERSIONS = 0x83,
	CLASSES = 0x50,
};

static bool is_zero(const uint8_t *bytes, size_t n)
{
	while (n && !bytes[n - 1])
		n--;

	return !n;
}

/* Nothing but what was asked for. */
static int check_class(const struct kmad_registration *r)
{
	if (r->version >= VERSIONS)
		return -EINVAL;
	if (r->class >= CLASSES && r->class != CLASS_SMP_DIRECTED)
		return -EINVAL;
	if (class_has_oui(r->class) && is_zero(r->oui, sizeof(r->oui)))
		return -EINVAL;
	if (r->rmpp_version && !class_has_rmpp(r->class))
		return -EINVAL;
	if (class_is_smp(r->class) != (r->qpn == 0))
		return -EINVAL;

	return 0;
}

static bool same_table(const struct kmad_agent *a, const struct kmad_registration *r)
{
	return a->class == r->class && a->version == r->version;
}

/* Another agent of this process has one of the methods, or a vendor class has too many OUIs. */
static int check_methods(struct kmad_port *port, const struct kmad_registration *r)
{
	uint8_t ouis[KMAD_OUIS][3];
	uint32_t n_ouis = 0;

	for (struct list *l = port->agents.next; l != &port->agents; l = l->next) {
		struct kmad_agent *a = LIST_ENTRY(l, struct kmad_agent, link);
		bool same_oui = !memcmp(a->oui, r->oui, sizeof(a->oui));
		uint32_t known = 0;

		if (!same_table(a, r) || is_zero(a->methods, sizeof(a->methods)))
			continue;
		if (!class_has_oui(r->class) || same_oui) {
			for (size_t i = 0; i < sizeof(a->methods); i++)
				if (a->methods[i] & r->methods[i])
					return -EINVAL;
		}
		if (!class_has_oui(r->class) || same_oui)
			continue;
		while (known < n_ouis && memcmp(ouis[known], a->oui, sizeof(a->oui)))
			known++;
		if (known == KMAD_OUIS - 1)
			return -EINVAL;
		if (known == n_ouis)
			memcpy(ouis[n_ouis++], a->oui, sizeof(a->oui));
	}

	return 0;
}

static struct kmad_agent *find_serial(struct kmad_port *port, uint32_t hi_tid)
{
	for (struct list *l = port->agents.next; l != &port->agents; l = l->next) {
		struct kmad_agent *a = LIST_ENTRY(l, struct kmad_agent, link);

		if (a->hi_tid == hi_tid)
			return a;
	}

	return NULL;
}

/* Terminates: there are fewer agents than descriptors times 32, and 65535 numbers. */
static uint32_t next_hi_tid(struct kmad_port *port)
{
	uint32_t hi_tid;
	uint32_t tries = 0;

	do {
		if (!++port->serial)
			port->serial = 1;
		hi_tid = (uint32_t)port->client << 16 | port->serial;
	} while (find_serial(port, hi_tid) && ++tries < UINT16_MAX);

	return hi_tid;
}

static int check(struct kmad_file *file, const struct kmad_registration *r)
{
	int error;

	if (r->rmpp_version > 1)
		return -EINVAL;
	error = r->class ? check_class(r) : r->user_rmpp ? -EINVAL : 0;

	return error || !r->class ? error : check_methods(file->port, r);
}

static struct kmad_agent *agent_new(struct kmad_file *file, const struct kmad_registration *r)
{
	struct kmad_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->port = file->port;
	agent->file = file;
	agent->hi_tid = next_hi_tid(file->port);
	agent->qp_index = (uint8_t)r->qpn;
	agent->class = r->class;
	agent->version = r->version;
	agent->rmpp_version = r->rmpp_version;
	agent->user_rmpp = r->user_rmpp;
	if (r->class)
		memcpy(agent->methods, r->methods, sizeof(agent->methods));
	/* libibumad leaves there what it likes in other classes. */
	if (class_has_oui(r->class))
		memcpy(agent->oui, r->oui, sizeof(agent->oui));
	list_init(&agent->link);
	list_init(&agent->sends);
	list_init(&agent->messages);
	for (size_t i = 0; i < COUNT(agent->buckets); i++)
		list_init(&agent->buckets[i]);

	return agent;
}

int agent_register(struct kmad_file *file, const struct kmad_registration *r, uint32_t *ret_id)
{
	struct kmad_port *port = file->port;
	struct kmad_agent *agent;
	uint32_t id = 0;
	int error;

	while (id < KMAD_AGENTS && file->agents[id])
		id++;
	if (id == KMAD_AGENTS)
		return -ENOMEM;
	error = check(file, r);
	if (error)
		return error;
	agent = agent_new(file, r);
	if (!agent)
		return -ENOMEM;
	if (!is_zero(agent->methods, sizeof(agent->methods))) {
		error = port->ops->claim(port->user, agent->hi_tid, agent);
		if (error) {
			free(agent);
			return error;
		}
		agent->claimed = true;
	}

	agent->id = id;
	file->agents[id] = agent;
	list_add_tail(&port->agents, &agent->link);
	*ret_id = id;

	return 0;
}

void agent_free(struct kmad_agent *agent)
{
	struct kmad_port *port = agent->port;
	struct list *l;

	while ((l = agent->sends.next) != &agent->sends)
		kmad_send_free(LIST_ENTRY(l, struct kmad_send, agent_link));
	while ((l = agent->messages.next) != &agent->messages)
		rmpp_message_free(LIST_ENTRY(l, struct kmad_message, link));
	list_remove(&agent->link);
	agent->file->agents[agent->id] = NULL;
	if (agent->claimed)
		port->ops->unclaim(port->user, agent->hi_tid);
	free(agent);
}

int agent_unregister(struct kmad_file *file, uint32_t id)
{
	if (id >= KMAD_AGENTS || !file->agents[id])
		return -EINVAL;
	agent_free(file->agents[id]);

	return 0;
}

struct kmad_agent *agent_by_tid(struct kmad_port *port, const uint8_t *mad)
{
	uint32_t hi_tid = get32(mad + WIRE_TID);

	return hi_tid ? find_serial(port, hi_tid) : NULL;
}

struct kmad_agent *agent_by_method(struct kmad_port *port, const uint8_t *mad)
{
	uint8_t class = mad[WIRE_CLASS];

	for (struct list *l = port->agents.next; l != &port->agents; l = l->next) {
		struct kmad_agent *a = LIST_ENTRY(l, struct kmad_agent, link);

		if (a->class && a->class == class && a->version == mad[WIRE_VERSION] &&
		    agent_has_method(a, mad[WIRE_METHOD]) &&
		    (!class_has_oui(class) || !memcmp(a->oui, mad + WIRE_OUI, sizeof(a->oui))))
			return a;
	}

	return NULL;
}
