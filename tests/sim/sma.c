/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The subnet management agent of every device: what happens to an SMP before an attribute is looked
 * at. In this order:
 *
 *	what is no request to an agent is for software at the port;
 *	another class version than 1 is answered as such, whatever the M_Key;
 *	SMInfo is for the SM at the port, which needs no M_Key;
 *	the M_Key: who lacks it gets no answer at all;
 *	then the method, the attribute, and the attribute's own rules.
 *
 * Which attributes there are, on which nodes, and whether they can be set is one table; each is a
 * function of sma.h.
 */

#include "tests/sim/sma.h"

#include "base/macros.h"
#include "tests/sim/agent.h"
#include "tests/sim/faults.h"
#include "tests/sim/forward.h"
#include "tests/sim/mkey.h"
#include "tests/sim/trap.h"

enum {
	ON_CA = 1 << SIM_CA,
	ON_SWITCH = 1 << SIM_SWITCH,
	ON_ROUTER = 1 << SIM_ROUTER,
	ON_ALL = ON_CA | ON_SWITCH | ON_ROUTER,
	ON_CA_ROUTER = ON_CA | ON_ROUTER,
};

enum {
	ATTR_NOTICE = 0x02,
	ATTR_NODE_DESCRIPTION = 0x10,
	ATTR_PORT_INFO = 0x15,
	ATTR_SM_INFO = 0x20,
};

struct attribute {
	uint16_t id;
	uint8_t on; /* types of nodes that have it */
	bool can_be_set;
	bool no_modifier; /* it must be 0; others are for the function to check */
	enum sim_status (*serve)(struct sim_ask *ask);
};

/* Those that a sweep asks for most come first. */
static const struct attribute attributes[] = {
	{ 0x0015, ON_ALL, true, false, sim_port_info },
	{ 0x0011, ON_ALL, false, true, sim_node_info },
	{ 0x0019, ON_SWITCH, true, false, sim_linear_table },
	{ 0x001b, ON_SWITCH, true, false, sim_multicast_table },
	{ 0x0017, ON_ALL, true, false, sim_slvl_table },
	{ 0x0018, ON_ALL, true, false, sim_vlarb_table },
	{ 0x0016, ON_ALL, true, false, sim_pkey_table },
	{ 0x0010, ON_ALL, true, true, sim_node_description },
	{ 0x0012, ON_SWITCH, true, true, sim_switch_info },
	{ 0x0014, ON_ALL, true, false, sim_guid_info },
	{ 0x0031, ON_ALL, true, true, sim_led_info },
	{ 0x0034, ON_SWITCH, false, false, sim_switch_port_states },
	{ 0x001a, ON_SWITCH, true, false, sim_random_table },
	{ 0xff90, ON_ALL, true, false, sim_ext_port_info },
	{ 0xffb0, ON_CA_ROUTER, true, false, sim_virtualization_info },
	{ 0xffb1, ON_CA_ROUTER, true, false, sim_vport_info },
	{ 0xffb2, ON_CA_ROUTER, false, false, sim_vnode_info },
	{ 0xffb3, ON_CA_ROUTER, false, false, sim_vport_state },
	{ 0xffb4, ON_CA_ROUTER, false, false, sim_vnode_description },
	{ 0xffb5, ON_CA_ROUTER, true, false, sim_vport_guid_info },
	{ 0xffb6, ON_CA_ROUTER, true, false, sim_vport_pkey_table },
	{ 0xff17, ON_CA_ROUTER, false, false, sim_general_info },
};

static const struct attribute *find_attribute(uint16_t id, enum sim_type type)
{
	for (size_t i = 0; i < COUNT(attributes); i++)
		if (attributes[i].id == id)
			return attributes[i].on >> type & 1 ? &attributes[i] : NULL;
	return NULL;
}

void sim_answer(struct sim_packet *p, enum sim_status status)
{
	unsigned direction = p->mad.mgmt_class == SIM_CLASS_DR ? 0x8000 : 0;

	p->mad.method = SIM_GET_RESP;
	p->mad.status = htobe16((uint16_t)(status | direction));
}

static enum sim_outcome answer(struct sim_packet *p, enum sim_status status)
{
	sim_answer(p, status);
	return SIM_ANSWER;
}

static enum sim_outcome consume(struct sim_port *at, const struct sim_packet *p, enum sim_drop why)
{
	sim_lose(at, p, why);
	return SIM_SILENCE;
}

/* ---- Get and Set ----------------------------------------------------------------------------- */

static bool forgets(struct sim_port *at, const struct sim_packet *p)
{
	return at->node->faults && p->mad.method == SIM_SET && sim_fault_forgets(at, p);
}

/*
 * A modifier where there must be none is told, with the attribute in the answer all the same, as
 * devices do; nothing is set then.
 */
static enum sim_status serve(const struct attribute *attribute, struct sim_ask *ask)
{
	if (!attribute->no_modifier || !ask->modifier)
		return attribute->serve(ask);
	ask->set = false;
	attribute->serve(ask);
	return SIM_BAD_FIELD;
}

static enum sim_outcome get_or_set(struct sim_port *at, struct sim_packet *p)
{
	const struct attribute *attribute = find_attribute(be16toh(p->mad.attr_id), at->node->type);
	struct sim_ask ask = {
		.in = at,
		.end = sim_end_port(at),
		.node = at->node,
		.packet = p,
		.set = p->mad.method == SIM_SET,
		.modifier = be32toh(p->mad.attr_mod),
		.data = p->smp.data,
	};

	if (!attribute || (ask.set && !attribute->can_be_set))
		return answer(p, SIM_BAD_ATTRIBUTE);
	/* Who forgets believes that it has done what it was told: the request's values go back. */
	if (forgets(at, p))
		return answer(p, SIM_OK);
	return answer(p, serve(attribute, &ask));
}

static enum sim_outcome repress(struct sim_port *at, struct sim_packet *p)
{
	if (p->mad.attr_id != htobe16(ATTR_NOTICE))
		return answer(p, SIM_BAD_ATTRIBUTE);
	sim_trap_repress(at, p);
	return SIM_SILENCE;
}

/* ---- whom it is for -------------------------------------------------------------------------- */

/* Traps, reports, and whatever answers something else: no agent answers these (IBA 13.4.5). */
static bool is_for_software(const struct sim_packet *p)
{
	switch (p->mad.method) {
	case SIM_SEND:
	case SIM_TRAP:
	case SIM_REPORT:
		return true;
	}
	return p->mad.method & 0x80;
}

static bool is_sm_info(const struct sim_packet *p)
{
	return p->mad.attr_id == htobe16(ATTR_SM_INFO) &&
	       (p->mad.method == SIM_GET || p->mad.method == SIM_SET);
}

/* The port says in its CapabilityMask whether there is an SM, or whether there may be none. */
static enum sim_outcome sm_info(struct sim_port *at, struct sim_packet *p)
{
	ib_net32_t mask = sim_end_port(at)->info.capability_mask;

	if (mask & IB_PORT_CAP_IS_SM)
		return SIM_NOT_OURS;
	if (mask & IB_PORT_CAP_SM_DISAB)
		return consume(at, p, SIM_DROP_NOBODY);
	return answer(p, SIM_BAD_ATTRIBUTE);
}

/* Another port of a CA or router that PortInfo is about guards itself as well. */
static struct sim_port *other_port(struct sim_port *at, const struct sim_packet *p)
{
	uint32_t number = be32toh(p->mad.attr_mod) & 0x7fffffff;

	if (at->node->sw || p->mad.attr_id != htobe16(ATTR_PORT_INFO) || !number ||
	    number == at->number || number > at->node->n_ports ||
	    (p->mad.method != SIM_GET && p->mad.method != SIM_SET))
		return NULL;
	return &at->node->ports[number];
}

/* Both are asked whatever the first says: each counts and traps its own violations. */
static bool may(struct sim_port *at, const struct sim_packet *p)
{
	bool allowed = sim_mkey_allows(sim_end_port(at), p);
	struct sim_port *other = other_port(at, p);

	if (other && !sim_mkey_allows(other, p))
		allowed = false;
	return allowed;
}

enum sim_outcome sim_sma(struct sim_port *at, struct sim_packet *p)
{
	bool to_sm = is_sm_info(p);

	if (is_for_software(p))
		return SIM_NOT_OURS;
	if (p->mad.class_ver != 1)
		return answer(p, SIM_BAD_VERSION);
	if (to_sm && !at->node->fabric->quirks.sm_info_needs_mkey)
		return sm_info(at, p);
	if (!may(at, p))
		return consume(at, p, SIM_DROP_MKEY);
	if (to_sm)
		return sm_info(at, p);
	switch (p->mad.method) {
	case SIM_GET:
	case SIM_SET:
		return get_or_set(at, p);
	case SIM_TRAP_REPRESS:
		return repress(at, p);
	}
	return answer(p, SIM_BAD_METHOD);
}
