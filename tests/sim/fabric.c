/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Making a fabric: nodes with the values that they have at power-up, cables between their ports,
 * power. A node and its ports are one piece of memory, as a packet that passes touches both; tables
 * exist only once somebody wrote them, so that a fabric of 3,700 switches costs little before it is
 * brought up.
 */

#include "tests/sim/fabric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/faults.h"
#include "tests/sim/forward.h"
#include "tests/sim/link.h"
#include "tests/sim/mkey.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"

enum {
	LFT_CAP = 49152,
	MFT_CAP = 1024,
	PKEY_CAP = 64,
	GUID_CAP = 32,
	MTU_4096 = 5,
	VL_0_7 = 4,
	VENDOR = 0x2c9,
	GUID_BASE_HIGH = 0x00100000, /* of made-up GUIDs, as ibsim's net-examples begin */
};

/* What a switch port, or any port with a link, can do: 12X, 2.5 to 10, as ibsim's. */
enum {
	WIDTH_1X_4X_12X = 0x0b,
	SPEED_SDR_DDR_QDR = 0x07,
	RESPONSE_TIME = 18,
};

/* CapabilityMask of an end port with software behind it (the bits as ibsim has). */
enum {
	CAP_TRAP = 1u << 3,
	CAP_AUTO_MIGRATION = 1u << 5,
	CAP_SL_MAPPING = 1u << 6,
	CAP_LED = 1u << 9,
	CAP_SYSTEM_GUID = 1u << 11,
	CAP_CM = 1u << 16,
	CAP_VENDOR_CLASS = 1u << 20,
	CAP_MASK_NOTICE = 1u << 22,
	CAP_REREGISTER = 1u << 25,
	CAP_MCAST_TOP = 1u << 30,
};

int sim_fabric_new(struct loop *loop, uint64_t seed, struct sim_fabric **ret)
{
	struct sim_fabric *fabric = calloc(1, sizeof(*fabric));

	if (!fabric)
		return -ENOMEM;
	fabric->loop = loop;
	xoshiro_seed(&fabric->random, seed);
	list_init(&fabric->held);
	*ret = fabric;
	return 0;
}

static void port_free_tables(struct sim_port *port)
{
	free(TAKE(port->pkeys));
	free(TAKE(port->guids));
	free(TAKE(port->sl2vl));
	free(TAKE(port->vlarb));
}

static void node_free(struct sim_node *node)
{
	for (unsigned n = 0; n <= node->n_ports; n++) {
		sim_vfs_free(&node->ports[n]);
		port_free_tables(&node->ports[n]);
		sim_trap_free(&node->ports[n]);
		sim_lease_free(&node->ports[n]);
		loop_timer_free(node->ports[n].training);
		loop_timer_free(node->ports[n].bounce);
	}
	sim_faults_free(node);
	if (node->sw) {
		free(node->sw->lft);
		free(node->sw->mft);
		free(node->sw);
	}
	free(node);
}

void sim_fabric_free(struct sim_fabric *fabric)
{
	if (!fabric)
		return;
	sim_forward_free(fabric);
	for (uint32_t i = 0; i < fabric->n_nodes; i++)
		node_free(fabric->nodes[i]);
	free(fabric->nodes);
	free(fabric);
}

unsigned sim_pkey_cap(const struct sim_port *port)
{
	const struct sim_node *node = port->node;

	return be16toh(sim_is_end_port(port) ? node->info.partition_cap
					     : node->sw->info.enforce_cap);
}

/* ---- as at power-up -------------------------------------------------------------------------- */

static void power_up_end_port(struct sim_port *port)
{
	ib_port_info_t *info = &port->info;

	if (!(info->capability_mask & IB_PORT_CAP_HAS_NV_MKEY)) {
		info->m_key = 0;
		info->m_key_lease_period = 0;
		info->mkey_lmc = 0;
	}
	sim_lease_free(port);
	info->subnet_prefix = htobe64(UINT64_C(0xfe80) << 48);
	info->base_lid = 0;
	info->master_sm_base_lid = 0;
	info->mkey_lmc &= IB_PORT_MPB_MASK;
	info->m_key_violations = 0;
	info->p_key_violations = 0;
	info->q_key_violations = 0;
	info->subnet_timeout = 0;
	info->mtu_cap &= 0x0f; /* InitTypeReply */
	info->capability_mask &= ~IB_PORT_CAP_IS_SM;
}

static void power_up_link(struct sim_port *port)
{
	ib_port_info_t *info = &port->info;

	info->link_width_enabled = info->link_width_supported;
	info->link_width_active = 1;
	info->state_info1 = (uint8_t)((info->state_info1 & 0xf0) | SIM_DOWN);
	info->state_info2 = SIM_POLLING << 4 | 2;             /* LinkDownDefaultState: Polling */
	info->link_speed = 1 << 4 | (info->state_info1 >> 4); /* active, enabled */
	info->link_speed_ext &= 0x0f;
	info->link_speed_ext_enabled = (uint8_t)(info->link_speed_ext & 0x0f);
	info->mtu_smsl = 1 << 4; /* 256 bytes, SL 0 */
	info->vl_high_limit = 0;
	info->vl_stall_life = 0;
	info->vl_enforce = (uint8_t)(info->vl_cap & 0xf0); /* all lanes; nothing enforced */
	info->error_threshold = 0;
	port->fdr10.enabled = port->fdr10.supported;
	port->fdr10.active = 0;
	port->fdr10.state_change = 0;
}

static void power_up_port(struct sim_port *port)
{
	port_free_tables(port);
	power_up_link(port);
	if (sim_is_end_port(port))
		power_up_end_port(port);
	port->counters = (struct sim_counters){ 0 };
	sim_vf_event(port, SIM_EVENT_POWER);
	if (port->node->type == SIM_SWITCH && port->number == 0) {
		port->info.state_info1 = (uint8_t)((port->info.state_info1 & 0xf0) | SIM_ACTIVE);
		port->info.state_info2 = SIM_LINK_UP << 4 | 2;
		port->info.mtu_smsl = (uint8_t)(port->info.mtu_cap << 4);
	}
}

static void power_up_switch(struct sim_switch *sw)
{
	free(TAKE(sw->lft));
	free(TAKE(sw->mft));
	sw->lft_size = 0;
	sw->mft_size = 0;
	sw->info.lin_top = 0;
	sw->info.def_port = 0;
	sw->info.def_mcast_pri_port = 0;
	sw->info.def_mcast_not_port = 0;
	sw->info.mcast_top = 0;
	sw->info.life_state &= 0x03;
}

static void power_up(struct sim_node *node)
{
	unsigned first = node->type == SIM_SWITCH ? 0 : 1;

	node->led = false;
	if (node->sw)
		power_up_switch(node->sw);
	for (unsigned n = first; n <= node->n_ports; n++)
		power_up_port(&node->ports[n]);
}

/* ---- making ---------------------------------------------------------------------------------- */

static uint32_t make_capabilities(const struct sim_node_spec *spec)
{
	uint32_t caps = CAP_TRAP | CAP_AUTO_MIGRATION | CAP_LED | CAP_SYSTEM_GUID | CAP_MASK_NOTICE;

	if (!spec->no_sl_mapping)
		caps |= CAP_SL_MAPPING;
	if (spec->type != SIM_SWITCH)
		caps |= CAP_CM | CAP_VENDOR_CLASS | CAP_REREGISTER;
	else if (spec->mcast_top)
		caps |= CAP_MCAST_TOP;
	return caps;
}

/* What never changes. */
static void make_port(struct sim_port *port, const struct sim_node_spec *spec, uint64_t guid)
{
	bool is_end = sim_is_end_port(port);
	bool is_switch = port->node->type == SIM_SWITCH;
	ib_port_info_t *info = &port->info;

	list_init(&port->clients);
	port->guid = is_end ? guid : 0;
	info->link_width_supported = WIDTH_1X_4X_12X;
	info->state_info1 = SPEED_SDR_DDR_QDR << 4;
	info->vl_cap = (uint8_t)((spec->vl_cap ? spec->vl_cap : VL_0_7) << 4);
	info->mtu_cap = spec->mtu_cap ? spec->mtu_cap : MTU_4096;
	info->vl_arb_high_cap = 8;
	info->vl_arb_low_cap = 8;
	port->fdr10.supported = spec->fdr10 ? 1 : 0;
	if (!is_end)
		return;
	info->capability_mask = htobe32(make_capabilities(spec));
	info->guid_cap = is_switch ? 1 : (spec->guid_cap ? spec->guid_cap : GUID_CAP);
	info->resp_time_value = RESPONSE_TIME;
}

static int make_switch(struct sim_node *node, const struct sim_node_spec *spec)
{
	ib_switch_info_t *info;

	node->sw = calloc(1, sizeof(*node->sw));
	if (!node->sw)
		return -ENOMEM;
	info = &node->sw->info;
	info->lin_cap = htobe16(spec->lft_cap ? spec->lft_cap : LFT_CAP);
	info->mcast_cap = htobe16(spec->mft_cap ? spec->mft_cap : MFT_CAP);
	info->enforce_cap = htobe16(spec->enforce_cap ? spec->enforce_cap : PKEY_CAP);
	info->flags = (uint8_t)(0xf0 | (spec->base_port0 ? 0 : 0x08));
	info->life_state = spec->optimised_slvl ? 0x01 : 0;
	return 0;
}

static void make_names(struct sim_node *node, const struct sim_node_spec *spec, uint64_t guid)
{
	static const char letters[] = "?HSR";
	const char *description = spec->description;

	if (spec->name)
		snprintf(node->name, sizeof(node->name), "%s", spec->name);
	else
		snprintf(node->name, sizeof(node->name), "%c-%016llx", letters[node->type],
			 (unsigned long long)guid);
	if (!description)
		description = node->name;
	memcpy(node->desc.description, description,
	       strnlen(description, sizeof(node->desc.description)));
}

static uint64_t make_info(struct sim_node *node, const struct sim_node_spec *spec)
{
	ib_node_info_t *info = &node->info;
	uint64_t guid =
		spec->guid ? spec->guid
			   : ((uint64_t)GUID_BASE_HIGH << 32) + ((uint64_t)node->index + 1) * 256;

	info->base_version = 1;
	info->class_version = 1;
	info->node_type = (uint8_t)node->type;
	info->num_ports = node->n_ports;
	info->sys_guid = htobe64(spec->system_guid ? spec->system_guid : guid);
	info->node_guid = htobe64(guid);
	info->partition_cap = htobe16(spec->partition_cap ? spec->partition_cap : PKEY_CAP);
	info->device_id = htobe16(spec->device);
	info->port_num_vendor_id = htobe32(spec->vendor ? spec->vendor : VENDOR);
	return guid;
}

static int make_room(struct sim_fabric *fabric)
{
	uint32_t n = fabric->n_reserved ? 2 * fabric->n_reserved : 64;
	struct sim_node **more;

	if (fabric->n_nodes < fabric->n_reserved)
		return 0;
	more = realloc(fabric->nodes, n * sizeof(struct sim_node *));
	if (!more)
		return -ENOMEM;
	fabric->nodes = more;
	fabric->n_reserved = n;
	return 0;
}

void sim_give_port_states(struct sim_node *node)
{
	ib_port_info_t *info = &node->ports[0].info;

	if (node->type != SIM_SWITCH)
		return;
	info->capability_mask |= IB_PORT_CAP_HAS_CAP_MASK2;
	info->capability_mask2 |= IB_PORT_CAP2_IS_SWITCH_PORT_STATE_TBL_SUPP;
}

bool sim_has_port_states(const struct sim_node *node)
{
	const ib_port_info_t *info = &node->ports[0].info;

	return node->type == SIM_SWITCH && (info->capability_mask & IB_PORT_CAP_HAS_CAP_MASK2) &&
	       (info->capability_mask2 & IB_PORT_CAP2_IS_SWITCH_PORT_STATE_TBL_SUPP);
}

int sim_node_new(struct sim_fabric *fabric, const struct sim_node_spec *spec, struct sim_node **ret)
{
	unsigned n_ports = spec->n_ports;
	struct sim_node *node;
	uint64_t guid;

	if (n_ports < 1 || n_ports > SIM_PORTS_MAX || make_room(fabric) < 0)
		return n_ports < 1 || n_ports > SIM_PORTS_MAX ? -EINVAL : -ENOMEM;
	node = calloc(1, sizeof(*node) + (n_ports + 1) * sizeof(node->ports[0]));
	if (!node)
		return -ENOMEM;
	node->fabric = fabric;
	node->index = fabric->n_nodes;
	node->type = spec->type;
	node->n_ports = (uint8_t)n_ports;
	if (node->type == SIM_SWITCH && make_switch(node, spec) < 0) {
		free(node);
		return -ENOMEM;
	}
	guid = make_info(node, spec);
	make_names(node, spec, guid);
	for (unsigned n = 0; n <= n_ports; n++) {
		uint64_t first = spec->port_guid ? spec->port_guid - 1 : guid;

		node->ports[n].node = node;
		node->ports[n].number = (uint8_t)n;
		make_port(&node->ports[n], spec, node->sw ? guid : first + n);
	}
	power_up(node);
	fabric->nodes[fabric->n_nodes++] = node;
	*ret = node;
	return 0;
}

void sim_set_port_guid(struct sim_port *port, uint64_t guid)
{
	port->guid = guid;
	if (port->guids)
		port->guids[0] = htobe64(guid);
}

int sim_cable(struct sim_port *a, struct sim_port *b)
{
	if (a->far || b->far || !a->number || !b->number)
		return -EBUSY;
	a->far = b;
	b->far = a;
	a->cut = false;
	b->cut = false;
	sim_link_check(a);
	return 0;
}

static void set_cut(struct sim_port *port, bool cut)
{
	if (!port->far || port->cut == cut)
		return;
	port->cut = cut;
	port->far->cut = cut;
	sim_link_check(port);
}

void sim_cable_pull(struct sim_port *port)
{
	set_cut(port, true);
}

void sim_cable_plug(struct sim_port *port)
{
	set_cut(port, false);
}

static void set_off(struct sim_node *node)
{
	bool off = node->switched_off || (node->part_of && node->part_of->off);

	if (node->off == off)
		return;
	node->off = off;
	if (node->faults)
		sim_fault_power(node);
	if (!off)
		power_up(node);
}

static void check_links(struct sim_node *node)
{
	for (unsigned n = 1; n <= node->n_ports; n++) {
		sim_link_check(&node->ports[n]);
		sim_trap_forget(&node->ports[n]);
	}
	sim_trap_forget(&node->ports[0]);
}

static void each_part(const struct sim_node *node, void (*fn)(struct sim_node *part))
{
	const struct sim_fabric *fabric = node->fabric;
	bool has_parts = false;

	for (unsigned n = 1; n <= node->n_ports; n++)
		has_parts |= node->ports[n].virtual_switch != NULL;
	for (uint32_t i = 0; has_parts && i < fabric->n_nodes; i++)
		if (fabric->nodes[i]->part_of == node)
			fn(fabric->nodes[i]);
}

/* All of it at one moment: links go down when nobody is left to see it but those outside. */
void sim_power(struct sim_node *node, bool on)
{
	bool before = node->off;

	node->switched_off = !on;
	set_off(node);
	if (node->off == before)
		return;
	each_part(node, set_off);
	each_part(node, check_links);
	check_links(node);
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool is_described(const struct sim_node *node, const char *name)
{
	size_t length = strlen(name);
	size_t size = sizeof(node->desc.description);

	return length == strnlen((const char *)node->desc.description, size) &&
	       !memcmp(node->desc.description, name, length);
}

struct sim_node *sim_find(const struct sim_fabric *fabric, const char *name)
{
	char *end;
	uint64_t guid = strtoull(name, &end, 16);
	struct sim_node *described = NULL;

	for (uint32_t i = 0; i < fabric->n_nodes; i++) {
		struct sim_node *node = fabric->nodes[i];

		if (!strcmp(node->name, name) ||
		    (!*end && end != name && be64toh(node->info.node_guid) == guid))
			return node;
		if (!described && is_described(node, name))
			described = node;
	}
	return described;
}

const char *sim_drop_text(enum sim_drop drop)
{
	static const char *const texts[SIM_DROP_N] = {
		[SIM_PASSED] = "it passed",
		[SIM_DROP_LINK_DOWN] = "the link is down",
		[SIM_DROP_NOT_ACTIVE] = "a port is not Active",
		[SIM_DROP_NO_ROUTE] = "the switch has no route",
		[SIM_DROP_LOOPING] = "the route leads back where it came from",
		[SIM_DROP_HOPS] = "the routes make a loop",
		[SIM_DROP_DIRECTED_ROUTE] = "the directed route is not valid",
		[SIM_DROP_NOT_FOR_US] = "the port at the end has another LID",
		[SIM_DROP_PKEY_IN] = "a switch port refuses the P_Key where it comes in",
		[SIM_DROP_PKEY_OUT] = "a switch port refuses the P_Key where it leaves",
		[SIM_DROP_PKEY] = "the port at the end has no such P_Key",
		[SIM_DROP_QKEY] = "the Q_Key is wrong",
		[SIM_DROP_MTU] = "it is longer than the MTU",
		[SIM_DROP_VL] = "its SL has no virtual lane",
		[SIM_DROP_GRH] = "its GRH does not fit",
		[SIM_DROP_MALFORMED] = "it is malformed",
		[SIM_DROP_MKEY] = "the M_Key is wrong",
		[SIM_DROP_NOBODY] = "nobody is there for it",
		[SIM_DROP_LOST] = "it was lost on the link",
		[SIM_DROP_SILENT] = "the device is silent",
		[SIM_DROP_VL15_FULL] = "the VL15 buffer was full",
	};

	return texts[drop];
}
