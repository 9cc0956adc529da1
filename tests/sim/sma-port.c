/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * NodeInfo, NodeDescription, LedInfo and PortInfo.
 *
 * PortInfo is many attributes in one: what belongs to an end port (LIDs, keys, capabilities) and
 * what belongs to a link (states, widths, speeds, lanes). An external switch port has only the
 * latter, a base port 0 only the former, all others both. Fields that a port has not are ignored
 * when written and read 0: they are never stored.
 *
 * A Set is applied field by field. What is illegal is skipped and makes the status 0x1c; the others
 * count all the same, as qib does it. The port's state comes last, so that a link that trains does
 * so with the widths and speeds of this very Set. The answer shows what is so afterwards.
 */

#include "tests/sim/sma.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/link.h"
#include "tests/sim/mkey.h"
#include "tests/sim/shared-port.h"
#include "tests/sim/trap.h"

static_assert(sizeof(ib_port_info_t) == IB_SMP_DATA_SIZE, "IBA 14.2.5.6");
static_assert(sizeof(ib_node_desc_t) == IB_SMP_DATA_SIZE, "IBA 14.2.5.2");

enum {
	MODIFIER_EXTENDED_SPEEDS = 1u << 31,
	SWITCH_ENHANCED_PORT0 = 0x08, /* SwitchInfo byte 16 */
	REREGISTER = 0x80,            /* byte 51 */
	MTU_CODES = 5,
	LANE_CODES = 5,
	CAP2_SET_NODE_DESC = 0x0001,
	LOCAL_NODE_DESC = 0x0001, /* flag of trap 144 */
	LED_LIT = 0x80,           /* LedInfo byte 0 */
};

/* ---- the node -------------------------------------------------------------------------------- */

/* A CA tells the GUID of the port that it is asked by (IBA 14.2.5.3). */
enum sim_status sim_node_info(struct sim_ask *ask)
{
	ib_node_info_t info = ask->node->info;

	info.port_num_vendor_id |= htobe32((uint32_t)ask->in->number << 24);
	info.port_guid = htobe64(ask->end->guid);
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	memcpy(ask->data, &info, sizeof(info));
	return SIM_OK;
}

static bool has_capability(const struct sim_port *end, ib_net32_t bit)
{
	return end->info.capability_mask & bit;
}

static bool has_capability2(const struct sim_port *end, uint16_t bit)
{
	return has_capability(end, IB_PORT_CAP_HAS_CAP_MASK2) &&
	       be16toh(end->info.capability_mask2) & bit;
}

enum sim_status sim_node_description(struct sim_ask *ask)
{
	ib_node_desc_t *desc = &ask->node->desc;

	if (!ask->set) {
		memcpy(ask->data, desc, sizeof(*desc));
		return SIM_OK;
	}
	if (!has_capability2(ask->end, CAP2_SET_NODE_DESC))
		return SIM_BAD_ATTRIBUTE;
	if (memcmp(desc, ask->data, sizeof(*desc)) != 0) {
		memcpy(desc, ask->data, sizeof(*desc));
		sim_trap_local(ask->end, LOCAL_NODE_DESC);
	}
	return SIM_OK;
}

/*
 * One bit, and the answer shows what the LED does (IBA 14.2.5.15). That a node has one, and not
 * one for each port, is how we read that there is no modifier; no open source has the attribute.
 */
enum sim_status sim_led_info(struct sim_ask *ask)
{
	if (!(ask->end->info.capability_mask & IB_PORT_CAP_HAS_LED_INFO))
		return SIM_BAD_ATTRIBUTE;
	if (ask->set)
		ask->node->led = ask->data[0] & LED_LIT;
	memset(ask->data, 0, IB_SMP_DATA_SIZE);
	ask->data[0] = ask->node->led ? LED_LIT : 0;
	return SIM_OK;
}

/* ---- what a port has ------------------------------------------------------------------------- */

static bool is_external(const struct sim_port *port)
{
	return !sim_is_end_port(port);
}

static bool is_base_port0(const struct sim_port *port)
{
	return port->node->sw && port->number == 0 &&
	       !(port->node->sw->info.flags & SWITCH_ENHANCED_PORT0);
}

/* Extended speeds of a switch are a capability of its port 0, and only for who says it knows them.
 */
static bool has_extended_speeds(const struct sim_ask *ask, struct sim_port *port)
{
	return has_capability(sim_end_port(port), IB_PORT_CAP_HAS_EXT_SPEEDS) &&
	       (ask->modifier & MODIFIER_EXTENDED_SPEEDS ||
		ask->node->fabric->quirks.speeds_ext_unasked);
}

/* VLStallCount is of switches; HOQLife of routers as well. */
static uint8_t stall_life_bits(const struct sim_port *port)
{
	if (is_external(port))
		return 0xff;
	return port->node->type == SIM_ROUTER ? 0x1f : 0;
}

static uint8_t subnet_timeout_bits(const struct sim_port *port)
{
	return has_capability(port, IB_PORT_CAP_HAS_MCAST_PKEY_TRAP_SUPPRESS) ? 0x7f : 0x1f;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void hide_link(ib_port_info_t *info)
{
	info->link_width_enabled = 0;
	info->link_width_supported = 0;
	info->link_width_active = 0;
	info->state_info1 = 0;
	info->state_info2 = 0;
	info->link_speed = 0;
	info->mtu_smsl &= 0x0f;
	info->vl_cap &= 0x0f;
	info->vl_high_limit = 0;
	info->vl_arb_high_cap = 0;
	info->vl_arb_low_cap = 0;
	info->mtu_cap &= 0xf0;
	info->vl_enforce = 0;
	info->error_threshold = 0;
	info->max_credit_hint = 0;
	info->link_rt_latency = 0;
	info->link_speed_ext = 0;
	info->link_speed_ext_enabled = 0;
}

static ib_port_info_t read_port(const struct sim_ask *ask, struct sim_port *port)
{
	struct sim_port *end = sim_end_port(port);
	ib_port_info_t info = port->info;

	if (is_base_port0(port) && !ask->node->fabric->quirks.base_port0_has_link)
		hide_link(&info);
	info.m_key = sim_mkey_shown(port, ask->packet); /* 0 on external ports */
	info.local_port_num = ask->in->number;
	if (!has_extended_speeds(ask, port)) {
		info.link_speed_ext = 0;
		info.link_speed_ext_enabled = 0;
	}
	if (!has_capability(end, IB_PORT_CAP_HAS_CAP_MASK2))
		info.capability_mask2 = 0;
	if (!has_capability(end, IB_PORT_CAP_HAS_LINK_RT_LATENCY))
		info.link_rt_latency = 0;
	return info;
}

static void show(struct sim_ask *ask, struct sim_port *port)
{
	ib_port_info_t info = read_port(ask, port);

	memcpy(ask->data, &info, sizeof(info));
}

/* ---- writing: fields of end ports ------------------------------------------------------------ */

struct change {
	struct sim_ask *ask;
	struct sim_port *port;
	const ib_port_info_t *to;
	bool bad;       /* a field was illegal */
	bool comes;     /* the link goes down once the answer has left */
	bool lid_event; /* something became another */
	bool sm_event;
	bool reregister;
};

static const struct sim_quirks *quirks(const struct change *c)
{
	return &c->port->node->fabric->quirks;
}

static void require(struct change *c, bool legal)
{
	if (!legal)
		c->bad = true;
}

/* High or low nibble of a byte that has two fields. */
static void set_high(uint8_t *byte, unsigned value)
{
	*byte = (uint8_t)((*byte & 0x0f) | value << 4);
}

static void set_low(uint8_t *byte, unsigned value)
{
	*byte = (uint8_t)((*byte & 0xf0) | (value & 0x0f));
}

static bool is_unicast(const struct change *c, ib_net16_t lid)
{
	return (lid && be16toh(lid) < SIM_LID_MULTICAST) || quirks(c)->any_lid;
}

static void set_key(struct change *c)
{
	ib_port_info_t *info = &c->port->info;

	info->m_key = c->to->m_key;
	info->m_key_lease_period = c->to->m_key_lease_period;
	info->mkey_lmc = (uint8_t)((c->to->mkey_lmc & IB_PORT_MPB_MASK) |
				   (info->mkey_lmc & IB_PORT_LMC_MASK));
}

/* An illegal LID keeps the LMC as well. A base port 0 has no LMC. */
static void set_lid(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	uint8_t lmc = c->to->mkey_lmc & IB_PORT_LMC_MASK;

	require(c, is_unicast(c, c->to->base_lid));
	if (!is_unicast(c, c->to->base_lid))
		return;
	if (is_base_port0(c->port)) {
		require(c, !lmc);
		lmc = 0;
	}
	c->lid_event = info->base_lid != c->to->base_lid || sim_lmc(c->port) != lmc;
	info->base_lid = c->to->base_lid;
	info->mkey_lmc = (uint8_t)((info->mkey_lmc & IB_PORT_MPB_MASK) | lmc);
}

static void set_sm(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	uint8_t sl = c->to->mtu_smsl & 0x0f;

	require(c, is_unicast(c, c->to->master_sm_base_lid));
	if (!is_unicast(c, c->to->master_sm_base_lid))
		return;
	c->sm_event = info->master_sm_base_lid != c->to->master_sm_base_lid ||
		      (info->mtu_smsl & 0x0f) != sl;
	info->master_sm_base_lid = c->to->master_sm_base_lid;
	set_low(&info->mtu_smsl, sl);
}

/* Writing 0 clears; other values are what a Set copied from the last Get. */
static void set_violations(const struct change *c, ib_net16_t *counter, ib_net16_t to)
{
	if (!to || quirks(c)->violations_are_stored)
		*counter = to;
}

static void set_timeout(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	uint8_t bits = subnet_timeout_bits(c->port);

	c->reregister = c->to->subnet_timeout & REREGISTER &&
			has_capability(c->port, IB_PORT_CAP_HAS_CLIENT_REREG);
	info->subnet_timeout = c->to->subnet_timeout & bits;
	if (c->reregister && quirks(c)->reregister_stays)
		info->subnet_timeout |= REREGISTER;
}

static void set_end(struct change *c)
{
	ib_port_info_t *info = &c->port->info;

	set_key(c);
	info->subnet_prefix = c->to->subnet_prefix;
	set_lid(c);
	set_sm(c);
	set_high(&info->mtu_cap, c->to->mtu_cap >> 4); /* InitTypeReply */
	set_violations(c, &info->m_key_violations, c->to->m_key_violations);
	set_violations(c, &info->p_key_violations, c->to->p_key_violations);
	set_violations(c, &info->q_key_violations, c->to->q_key_violations);
	set_timeout(c);
}

/* ---- writing: fields of links ---------------------------------------------------------------- */

/* Enabled widths or speeds: 0 is no change, @all those supported, else some of those. */
static bool enable(uint8_t *enabled, unsigned to, unsigned supported, unsigned all)
{
	if (!to)
		return true;
	if (to == all)
		to = supported;
	if (to & ~supported)
		return false;
	*enabled = (uint8_t)to;
	return true;
}

static void set_speeds(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	uint8_t enabled = info->link_speed & 0x0f;

	require(c, enable(&info->link_width_enabled, c->to->link_width_enabled,
			  info->link_width_supported, 0xff));
	require(c, enable(&enabled, c->to->link_speed & 0x0f, info->state_info1 >> 4, 0x0f));
	set_low(&info->link_speed, enabled);
}

static void set_extended_speeds(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	unsigned to = c->to->link_speed_ext_enabled & 0x1f;

	if (!has_extended_speeds(c->ask, c->port))
		return;
	if (to == IB_LINK_SPEED_EXT_DISABLE)
		info->link_speed_ext_enabled = IB_LINK_SPEED_EXT_DISABLE;
	else if (!enable(&info->link_speed_ext_enabled, to, info->link_speed_ext & 0x0f, 0x1f))
		require(c, quirks(c)->speeds_ext_any);
}

static void set_down_default(struct change *c)
{
	unsigned to = c->to->state_info2 & 0x0f;

	require(c, to <= SIM_POLLING);
	if (to == SIM_SLEEP || to == SIM_POLLING)
		set_low(&c->port->info.state_info2, to);
}

static void set_mtu(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	unsigned to = c->to->mtu_smsl >> 4;
	bool is_mtu = to >= 1 && to <= MTU_CODES;

	if (is_mtu && to <= (info->mtu_cap & 0x0f))
		set_high(&info->mtu_smsl, to);
	else
		require(c, is_mtu && quirks(c)->mtu_above_cap_ignored);
}

static void set_lanes(struct change *c)
{
	ib_port_info_t *info = &c->port->info;
	unsigned to = c->to->vl_enforce >> 4;

	if (to > LANE_CODES || to > info->vl_cap >> 4)
		require(c, false);
	else if (to)
		set_high(&info->vl_enforce, to);
}

/* What SwitchInfo says it can enforce and filter: the same four bits in the same order. */
static void set_enforcement(struct change *c)
{
	if (is_external(c->port))
		set_low(&c->port->info.vl_enforce,
			c->to->vl_enforce & c->port->node->sw->info.flags >> 4);
}

static void set_link(struct change *c)
{
	ib_port_info_t *info = &c->port->info;

	set_speeds(c);
	set_extended_speeds(c);
	set_down_default(c);
	set_mtu(c);
	info->vl_high_limit = c->to->vl_high_limit;
	info->vl_stall_life = c->to->vl_stall_life & stall_life_bits(c->port);
	set_lanes(c);
	set_enforcement(c);
	info->error_threshold = c->to->error_threshold;
}

/* ---- writing: states ------------------------------------------------------------------------- */

/* Down, or a physical state: who is Down already and told nothing more stays as he is. */
static bool command(struct change *c, unsigned phys)
{
	if (phys > SIM_DISABLED)
		return false;
	if (!phys && sim_state(c->port) == SIM_DOWN)
		return true;
	if (!phys)
		phys = sim_link_default(c->port);
	c->comes = !sim_link_command(c->port, phys);
	return true;
}

static bool is_near_peer(const struct sim_port *port, enum sim_state state)
{
	return port->far && abs((int)sim_state(port->far) - (int)state) <= 1;
}

/* Armed or Active. From Active to Armed is no error, and nothing happens. */
static bool advance(struct change *c, enum sim_state to)
{
	enum sim_state from = sim_state(c->port);

	if (from == to)
		return !quirks(c)->same_state_refused;
	if (from > to)
		return true;
	if (from + 1 != to)
		return to == SIM_ACTIVE && quirks(c)->skipped_state_ignored;
	if (quirks(c)->state_needs_peer && !is_near_peer(c->port, to))
		return false;
	sim_set_state(c->port, to);
	return true;
}

/* Port 0 is Active for ever. */
static bool set_port0_state(const struct change *c, unsigned state, unsigned phys)
{
	if (state == SIM_ACTIVE && quirks(c)->same_state_refused)
		return false;
	return !phys && (!state || state == SIM_ARMED || state == SIM_ACTIVE);
}

static bool set_state(struct change *c)
{
	unsigned state = c->to->state_info1 & IB_PORT_STATE_MASK;
	unsigned phys = c->to->state_info2 >> 4;

	if (c->port->number == 0)
		return set_port0_state(c, state, phys);
	switch (state) {
	case 0:
		return !phys || command(c, phys);
	case SIM_DOWN:
		return command(c, phys);
	case SIM_ARMED:
	case SIM_ACTIVE:
		return advance(c, state) && !phys; /* a physical state does not go with these */
	}
	return false;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void tell(const struct change *c)
{
	struct sim_fabric *fabric = c->port->node->fabric;
	struct sim_port *port = c->port;

	if (port->shared && c->lid_event)
		sim_shared_port_event(port, SIM_EVENT_LID);
	if (port->shared && c->sm_event)
		sim_shared_port_event(port, SIM_EVENT_SM);
	if (!c->reregister)
		return;
	if (port->shared)
		sim_shared_port_event(port, SIM_EVENT_REREGISTER);
	if (fabric->on_reregister)
		fabric->on_reregister(fabric->on_reregister_user, port);
}

/* What the answer has that a later Get has not. */
static void show_result(const struct change *c)
{
	ib_port_info_t info = read_port(c->ask, c->port);

	if (c->reregister)
		info.subnet_timeout |= REREGISTER;
	if (c->comes) {
		set_low(&info.state_info1, SIM_DOWN);
		set_high(&info.state_info2, SIM_POLLING);
	}
	memcpy(c->ask->data, &info, sizeof(info));
}

static enum sim_status set(struct sim_ask *ask, struct sim_port *port)
{
	ib_port_info_t to;
	struct change c = { .ask = ask, .port = port, .to = &to };

	memcpy(&to, ask->data, sizeof(to));
	if (quirks(&c)->reregister_refused && !is_external(port) && to.subnet_timeout & REREGISTER)
		return SIM_BAD_FIELD;
	if (!is_external(port))
		set_end(&c);
	if (!is_base_port0(port)) {
		set_link(&c);
		require(&c, set_state(&c));
	}
	tell(&c);
	show_result(&c);
	return c.bad ? SIM_BAD_FIELD : SIM_OK;
}

/* A CA may be asked about another of its ports, but not told. */
static enum sim_status set_other(struct sim_ask *ask, struct sim_port *port)
{
	const struct sim_quirks *q = &ask->node->fabric->quirks;

	if (q->other_port_set == 2)
		return set(ask, port);
	show(ask, port);
	return q->other_port_set == 1 ? SIM_OK : SIM_BAD_FIELD;
}

enum sim_status sim_port_info(struct sim_ask *ask)
{
	uint32_t number = ask->modifier & ~(uint32_t)MODIFIER_EXTENDED_SPEEDS;
	struct sim_port *port;

	if (number > ask->node->n_ports)
		return SIM_BAD_FIELD;
	port = number || ask->node->sw ? &ask->node->ports[number] : ask->in;
	if (!ask->set) {
		show(ask, port);
		return SIM_OK;
	}
	return ask->node->sw || port == ask->in ? set(ask, port) : set_other(ask, port);
}
