/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * PortInfo as it should be.
 *
 * A setting is a field, the ports that have it, and the value that it should have there: one line
 * of a table. The plan of a port is what it holds now with its settings put in. A setting that was
 * acknowledged and is not there in the answer is "not kept" (not-kept.h) and not sent again.
 */

#include <string.h>

#include "base/macros.h"
#include "sm/lanes.h"

#define SPEED_EXT_DISABLE 30 /* LinkSpeedExtEnabled: none of them */

/* The port whose settings are planned, and what lies around it. */
struct place {
	const struct sm *sm;
	const struct port *port;
	const struct node *node;
	const struct port *peer; /* NULL: none */
	const struct node *peer_node;
	uint32_t number;
	bool is_end;        /* has a LID, M_Key, SM */
	bool is_link;       /* has a wire: not a switch's port 0 */
	bool is_switch_out; /* external port of a switch */
	bool is_settled;    /* Armed or Active: MTU and VLs stay */
};

struct setting {
	const char *name;
	enum wire_field field;
	bool (*applies)(const struct place *p);
	uint64_t (*value)(const struct place *p);
};

static bool on_end(const struct place *p)
{
	return p->is_end;
}

static bool on_fresh_link(const struct place *p)
{
	return p->is_link && p->peer && !p->is_settled;
}

static bool on_link(const struct place *p)
{
	return p->is_link && p->peer;
}

static bool on_switch_out(const struct place *p)
{
	return p->is_switch_out && p->peer;
}

static bool on_extended(const struct place *p)
{
	return on_link(p) && p->node->extended &&
	       wire_get(p->port->info, PORT_INFO_SPEED_EXT_SUPPORTED) != 0;
}

static bool faces_end(const struct place *p)
{
	return p->peer_node && !node_is_switch(p->peer_node);
}

static uint64_t mkey(const struct place *p)
{
	return mkey_planned(p->sm, p->number);
}

static uint64_t mkey_lease(const struct place *p)
{
	return p->sm->conf.m_key_lease;
}

static uint64_t mkey_protection(const struct place *p)
{
	return p->sm->conf.m_key ? p->sm->conf.m_key_protection : 0;
}

static uint64_t prefix(const struct place *p)
{
	return p->sm->conf.subnet_prefix;
}

static uint64_t lid(const struct place *p)
{
	return p->port->lid;
}

static uint64_t lmc(const struct place *p)
{
	return p->port->lmc;
}

static uint64_t sm_lid(const struct place *p)
{
	return port_lid(&p->sm->fabric, p->sm->fabric.local_port);
}

/* Where routes use several lanes, requests to us go the level of all packets from there. */
static uint64_t sm_sl(const struct place *p)
{
	return lanes_in_use(p->sm) > 1
		       ? sm_service_level(p->sm, p->number, p->sm->fabric.local_port)
		       : p->sm->conf.sm_sl;
}

static uint64_t subnet_timeout(const struct place *p)
{
	return p->sm->conf.subnet_timeout;
}

static uint64_t least_of_both(const struct place *p, enum wire_field field, unsigned most)
{
	uint64_t near = wire_get(p->port->info, field);
	uint64_t far = p->peer->known ? wire_get(p->peer->info, field) : near;

	/* A zero capability is a lie or a port that does not say: the least that there is. */
	return MAX(MIN(MIN(near, far), most), 1);
}

static uint64_t mtu(const struct place *p)
{
	return least_of_both(p, PORT_INFO_MTU_CAP, p->sm->conf.max_mtu);
}

static uint64_t operational_vls(const struct place *p)
{
	return least_of_both(p, PORT_INFO_VL_CAP, p->sm->conf.max_operational_vls);
}

static uint64_t hoq_life(const struct place *p)
{
	return faces_end(p) ? p->sm->conf.leaf_hoq_life : p->sm->conf.hoq_life;
}

static uint64_t vl_stall(const struct place *p)
{
	return faces_end(p) ? p->sm->conf.leaf_vl_stall_count : p->sm->conf.vl_stall_count;
}

static uint64_t phy_errors(const struct place *p)
{
	return p->sm->conf.local_phy_errors;
}

static uint64_t overrun_errors(const struct place *p)
{
	return p->sm->conf.overrun_errors;
}

static uint64_t enforce_in(const struct place *p)
{
	return pkeys_enforces(p->sm, p->number) &&
	       wire_get(p->node->sw->info, SWITCH_INFO_INBOUND) &&
	       p->sm->conf.enforcement != CONF_ENFORCEMENT_OUT;
}

static uint64_t enforce_out(const struct place *p)
{
	return pkeys_enforces(p->sm, p->number) &&
	       wire_get(p->node->sw->info, SWITCH_INFO_OUTBOUND) &&
	       p->sm->conf.enforcement != CONF_ENFORCEMENT_IN;
}

/* Enabled is what is supported, or that part of it which the operator wants; never nothing. */
static uint64_t width_enabled(const struct place *p)
{
	uint64_t supported = wire_get(p->port->info, PORT_INFO_WIDTH_SUPPORTED);
	uint64_t wanted = supported & p->sm->conf.link_width;

	return wanted ? wanted : supported;
}

static uint64_t speed_enabled(const struct place *p)
{
	uint64_t supported = wire_get(p->port->info, PORT_INFO_SPEED_SUPPORTED);

	if (p->sm->conf.link_speed == CONF_SUPPORTED)
		return supported;

	return (supported & p->sm->conf.link_speed) | CONF_SPEED_SDR;
}

static uint64_t speed_ext_enabled(const struct place *p)
{
	uint64_t supported = wire_get(p->port->info, PORT_INFO_SPEED_EXT_SUPPORTED);
	uint64_t wanted = supported & (p->sm->conf.link_speed >> 4);

	if (p->sm->conf.link_speed == CONF_SUPPORTED)
		return supported;

	return wanted ? wanted : SPEED_EXT_DISABLE;
}

/* A port that sleeps when its link goes down would not notice that the cable is back. */
static uint64_t down_default(const struct place *p)
{
	(void)p;

	return PHYS_POLLING;
}

/* Of lanes with priority there is something to say only if there are such turns. */
static bool on_priority(const struct place *p)
{
	return on_link(p) && p->sm->conf.qos &&
	       wire_get(p->port->info, PORT_INFO_VL_ARB_HIGH_CAP) != 0;
}

static uint64_t vl_high_limit(const struct place *p)
{
	return p->sm->qos_tables[lanes_class_of(p->node)].high_limit;
}

/* The numbers of the lines are in the store (not-kept.h): add at the end, do not reorder. */
/* clang-format off */
static const struct setting settings[] = {
	{ "M_Key",                PORT_INFO_MKEY,              on_end,        mkey },
	{ "M_Key lease",          PORT_INFO_MKEY_LEASE,        on_end,        mkey_lease },
	{ "M_Key protection",     PORT_INFO_MKEY_PROTECT,      on_end,        mkey_protection },
	{ "subnet prefix",        PORT_INFO_PREFIX,            on_end,        prefix },
	{ "LID",                  PORT_INFO_LID,               on_end,        lid },
	{ "LMC",                  PORT_INFO_LMC,               on_end,        lmc },
	{ "SM LID",               PORT_INFO_SM_LID,            on_end,        sm_lid },
	{ "SM SL",                PORT_INFO_SM_SL,             on_end,        sm_sl },
	{ "subnet timeout",       PORT_INFO_SUBNET_TIMEOUT,    on_end,        subnet_timeout },
	{ "MTU",                  PORT_INFO_NEIGHBOR_MTU,      on_fresh_link, mtu },
	{ "operational VLs",      PORT_INFO_OPERATIONAL_VLS,   on_fresh_link, operational_vls },
	{ "HOQ life",             PORT_INFO_HOQ_LIFE,          on_switch_out, hoq_life },
	{ "VL stall count",       PORT_INFO_VL_STALL,          on_switch_out, vl_stall },
	{ "local phy errors",     PORT_INFO_PHY_ERRORS,        on_link,       phy_errors },
	{ "overrun errors",       PORT_INFO_OVERRUN_ERRORS,    on_link,       overrun_errors },
	{ "inbound enforcement",  PORT_INFO_ENFORCE_IN,        on_switch_out, enforce_in },
	{ "outbound enforcement", PORT_INFO_ENFORCE_OUT,       on_switch_out, enforce_out },
	{ "link width",           PORT_INFO_WIDTH_ENABLED,     on_link,       width_enabled },
	{ "link speed",           PORT_INFO_SPEED_ENABLED,     on_link,       speed_enabled },
	{ "extended link speed",  PORT_INFO_SPEED_EXT_ENABLED, on_extended,   speed_ext_enabled },
	{ "link down default",    PORT_INFO_DOWN_DEFAULT,      on_link,       down_default },
	{ "VL high limit",        PORT_INFO_VL_HIGH_LIMIT,     on_priority,   vl_high_limit },
};
/* clang-format on */

_Static_assert(COUNT(settings) <= SETTING_MAX, "not-kept.h keeps as many");

const char *setting_name(unsigned setting)
{
	return setting < COUNT(settings) ? settings[setting].name : "packet life time";
}

/* The store may name settings of another version, and those of a switch for an adapter. */
bool setting_is_of(const struct node *node, unsigned setting)
{
	return setting < COUNT(settings) || (setting == SETTING_LIFE_TIME && node_is_switch(node));
}

enum wire_field setting_field(unsigned setting)
{
	return settings[setting].field;
}

static struct place place_of(const struct sm *sm, uint32_t number)
{
	const struct fabric *f = &sm->fabric;
	const struct port *port = &f->ports[number];
	const struct node *node = node_of(f, number);
	struct place p = { .sm = sm, .port = port, .node = node, .number = number };

	if (port->peer != NO_PORT) {
		p.peer = &f->ports[port->peer];
		p.peer_node = node_of(f, port->peer);
	}
	p.is_end = port_is_end(f, number);
	p.is_link = port->number != 0;
	p.is_switch_out = node_is_switch(node) && port->number != 0;
	p.is_settled = port_state(port) >= PORT_ARMED;

	return p;
}

/*
 * Bits of the settings that differ from what the port holds, and are worth a Set; @ret has all of
 * them put in: to write back what a device says that it has instead could be to lock it.
 */
unsigned settings_plan(const struct sm *sm, uint32_t number, uint8_t ret[static SMP_DATA_SIZE])
{
	struct place p = place_of(sm, number);
	unsigned differ = 0;

	memcpy(ret, p.port->info, SMP_DATA_SIZE);
	for (unsigned i = 0; i < COUNT(settings); i++) {
		uint64_t value;

		if (!settings[i].applies(&p))
			continue;
		value = settings[i].value(&p);
		if (wire_get(ret, settings[i].field) == value)
			continue;
		wire_set(ret, settings[i].field, value);
		if (!not_kept_has(p.node->not_kept, i, value, p.port->number))
			differ |= 1u << i;
	}

	return differ;
}

uint64_t settings_operational_vls(const struct sm *sm, uint32_t number)
{
	struct place p = place_of(sm, number);

	return p.is_settled || !p.is_link || !p.peer
		       ? wire_get(p.port->info, PORT_INFO_OPERATIONAL_VLS)
		       : operational_vls(&p);
}

static bool is_otherwise(const struct place *p, enum wire_field field, uint64_t planned)
{
	for (unsigned i = 0; i < COUNT(settings); i++)
		if (settings[i].field == field &&
		    not_kept_has(p->node->not_kept, i, planned, p->port->number))
			return false;

	return wire_get(p->port->info, field) != planned;
}

bool settings_is_otherwise(const struct sm *sm, uint32_t number)
{
	struct place p = place_of(sm, number);

	if (!p.is_link || !p.peer || !p.is_settled)
		return false;

	return is_otherwise(&p, PORT_INFO_NEIGHBOR_MTU, mtu(&p)) ||
	       is_otherwise(&p, PORT_INFO_OPERATIONAL_VLS, operational_vls(&p));
}

bool settings_has_another_master(const struct sm *sm, uint32_t number)
{
	uint64_t ours = port_held_lid(&sm->fabric.ports[sm->fabric.local_port]);
	struct place p = place_of(sm, number);

	return wire_get(p.port->info, PORT_INFO_SM_LID) != 0 &&
	       is_otherwise(&p, PORT_INFO_SM_LID, ours);
}

static bool zero_is_no_change(enum wire_field field)
{
	return field == PORT_INFO_WIDTH_ENABLED || field == PORT_INFO_SPEED_ENABLED ||
	       field == PORT_INFO_SPEED_EXT_ENABLED || field == PORT_INFO_DOWN_DEFAULT;
}

/*
 * Fields that say "no change" with 0, or that must not be written back as they are read: a physical
 * state above 3 is no command, and a device may take any width or speed that is written for a
 * change (ibsim sends trap 144 for each).
 */
void settings_make_neutral(uint8_t info[static SMP_DATA_SIZE], unsigned differ)
{
	for (unsigned i = 0; i < COUNT(settings); i++)
		if (zero_is_no_change(settings[i].field) && !(differ >> i & 1))
			wire_set(info, settings[i].field, 0);
	wire_set(info, PORT_INFO_STATE, PORT_NO_CHANGE);
	wire_set(info, PORT_INFO_PHYS_STATE, PHYS_NO_CHANGE);
	wire_set(info, PORT_INFO_REREGISTER, 0);
	if (wire_get(info, PORT_INFO_OPERATIONAL_VLS) == 0)
		wire_set(info, PORT_INFO_OPERATIONAL_VLS, MAX(wire_get(info, PORT_INFO_VL_CAP), 1));
}

/* Which of the settings that were sent are not in the answer? (Without its LID it is of no use.) */
void settings_note_not_kept(struct sm *sm, uint32_t number, const struct answer *answer)
{
	struct node *node = node_of(&sm->fabric, number);
	struct place p = place_of(sm, number);
	bool changed = false;

	for (unsigned i = 0; i < COUNT(settings); i++) {
		uint64_t asked = wire_get(answer->request->data, settings[i].field);

		if (settings[i].field == PORT_INFO_LID || !settings[i].applies(&p) ||
		    settings[i].value(&p) != asked ||
		    wire_get(answer->data, settings[i].field) == asked ||
		    not_kept_has(node->not_kept, i, asked, p.port->number))
			continue;
		/* Without memory for it, it is sent again by the next sweep. */
		changed = not_kept_add(&node->not_kept, i, asked, p.port->number) == 0 || changed;
	}
	if (changed)
		node->unsaved = true;
}
