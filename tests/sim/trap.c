/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Traps (IBA 13.4.9, 14.2.5.1). Each end port has a queue for each type of notice; switches speak
 * by their port 0. The most urgent type's oldest trap is sent, and again after every interval,
 * until the SM represses it by its TID; then comes the next one. The interval is what SubnetTimeout
 * says: a port never sends two traps within it. So a SM that is silent hears the same trap for
 * ever, and of a flood the first hundred of each type.
 *
 * A port that is not Active, or that knows no SM, says nothing, and forgets what it had to say.
 *
 * Traps always leave from a timer, if only one that is due at once: what causes one is often half
 * done (one end of a link is down, the other about to be), and the SM might answer at once.
 */

#include "tests/sim/trap.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/forward.h"

enum {
	URGENT = 1, /* types of notices, IBA 13.4.8.2 */
	SECURITY = 2,
	INFORMATIONAL = 4,
	N_TYPES = 4,
	QUEUED_MAX = 100, /* of each type, as in rdmavt */

	ATTR_NOTICE = 0x02,
	NOTICE_SIZE = 64,
	DETAILS = 10, /* where they begin in a notice */
	DETAILS_SIZE = NOTICE_SIZE - DETAILS,

	DR_NOTICE = 0x80, /* of trap 256 */
	DR_TRUNCATED = 0x40,
	DR_PATH_SIZE = 30,
};

/*
 * An interval in ns is this, shifted by SubnetTimeout. Repeats wait a millisecond at least, like
 * those of the drivers, whose clock ticks no faster.
 */
#define INTERVAL_UNIT UINT64_C(4096)
#define REPEAT_MIN    LOOP_MSEC

struct trap {
	struct list queued;
	uint64_t tid;
	bool was_sent;
	uint8_t notice[NOTICE_SIZE];
};

struct sim_trapper {
	struct sim_port *port;
	struct loop_timer *timer;
	uint64_t last_tid;
	uint64_t next_at;   /* earliest time of another trap, */
	uint64_t repeat_at; /* and of the same again */
	struct list queues[N_TYPES];
	unsigned n_queued[N_TYPES];
};

static void is_due(void *user);

/* ---- queues ---------------------------------------------------------------------------------- */

static struct sim_trapper *new_trapper(struct sim_port *port)
{
	struct sim_trapper *trapper = calloc(1, sizeof(*trapper));

	if (!trapper)
		return NULL;
	if (loop_timer_new(port->node->fabric->loop, is_due, trapper, &trapper->timer) < 0) {
		free(trapper);
		return NULL;
	}
	trapper->port = port;
	for (unsigned i = 0; i < N_TYPES; i++)
		list_init(&trapper->queues[i]);
	return trapper;
}

static void remove_trap(struct sim_trapper *trapper, unsigned type, struct trap *trap)
{
	list_remove(&trap->queued);
	trapper->n_queued[type]--;
	free(trap);
}

static struct trap *first_trap(struct sim_trapper *trapper)
{
	for (unsigned i = 0; i < N_TYPES; i++)
		if (!list_is_empty(&trapper->queues[i]))
			return CONTAINER_OF(trapper->queues[i].next, struct trap, queued);
	return NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool may_speak(const struct sim_port *port)
{
	uint16_t sm = be16toh(port->info.master_sm_base_lid);

	return sim_state(port) == SIM_ACTIVE && !port->node->off && sm && sm < SIM_LID_MULTICAST &&
	       port->info.capability_mask & IB_PORT_CAP_HAS_TRAP;
}

static uint64_t interval(const struct sim_port *port)
{
	return INTERVAL_UNIT << (port->info.subnet_timeout & 0x1f);
}

/* LIDs are those of now, so that a trap goes to a new SM as well. */
static struct sim_packet make_packet(const struct sim_port *port, const struct trap *trap)
{
	struct sim_packet p = {
		.slid = sim_lid(port),
		.dlid = be16toh(port->info.master_sm_base_lid),
		.sl = port->info.mtu_smsl & 0x0f,
		.pkey = 0xffff,
		.length = SIM_MAD_SIZE,
		.client = SIM_CLIENT_NONE,
	};

	p.smp.base_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_LID;
	p.smp.class_ver = 1;
	p.smp.method = SIM_TRAP;
	p.smp.trans_id = htobe64(trap->tid);
	p.smp.attr_id = htobe16(ATTR_NOTICE);
	memcpy(p.smp.data, trap->notice, NOTICE_SIZE);
	return p;
}

static void schedule(struct sim_trapper *trapper)
{
	const struct trap *trap = first_trap(trapper);

	if (trap)
		loop_timer_set(trapper->timer,
			       trap->was_sent ? trapper->repeat_at : trapper->next_at);
	else
		loop_timer_stop(trapper->timer);
}

/* The SM may repress a trap within sim_send(): it is not touched afterwards. */
static void is_due(void *user)
{
	struct sim_trapper *trapper = user;
	struct sim_port *port = trapper->port;
	struct trap *trap = first_trap(trapper);
	struct sim_packet packet;
	uint64_t now = loop_now(port->node->fabric->loop);

	if (!trap)
		return;
	if (!may_speak(port)) {
		sim_trap_forget(port);
		return;
	}
	packet = make_packet(port, trap);
	trap->was_sent = true;
	trapper->next_at = now + interval(port);
	trapper->repeat_at = now + MAX(interval(port), REPEAT_MIN);
	sim_send(port, &packet);
	schedule(trapper);
}

/* ---- what there is to say -------------------------------------------------------------------- */

static void fill(struct trap *trap, const struct sim_port *port, unsigned type, unsigned number)
{
	uint8_t *n = trap->notice;

	n[0] = (uint8_t)(0x80 | type);    /* generic */
	n[3] = (uint8_t)port->node->type; /* the producer; its 24 bits start at byte 1 */
	n[4] = (uint8_t)(number >> 8);
	n[5] = (uint8_t)number;
}

/* 1257 and 1258 are violations of keys, and 1144 and 1146 tell of changes. */
static unsigned vendor_type(unsigned number)
{
	return number >= 1257 ? SECURITY : INFORMATIONAL;
}

/* The vendor and the device where generic ones have producer and number. */
void sim_trap_fill_vendor(uint8_t n[static 64], const struct sim_port *port, unsigned number)
{
	const ib_node_info_t *info = &port->node->info;
	uint32_t vendor = be32toh(info->port_num_vendor_id) & 0xffffff;

	n[0] = (uint8_t)vendor_type(number);
	if (!port->node->fabric->quirks.vendor_traps_anonymous) {
		n[1] = (uint8_t)(vendor >> 16);
		n[2] = (uint8_t)(vendor >> 8);
		n[3] = (uint8_t)vendor;
		memcpy(n + 4, &info->device_id, 2);
	}
	n[NOTICE_SIZE - 2] = (uint8_t)(number >> 8);
	n[NOTICE_SIZE - 1] = (uint8_t)number;
}

/* A new trap at the end of its queue, to be filled in before the loop goes on; NULL: no room. */
static struct trap *new_trap(struct sim_port *port, unsigned type, const void *details, size_t size)
{
	unsigned queue = type - 1;
	uint16_t lid = sim_lid(port);
	struct sim_trapper *trapper;
	struct trap *trap;

	if (queue >= N_TYPES || size > DETAILS_SIZE || !may_speak(port))
		return NULL;
	if (!port->trapper)
		port->trapper = new_trapper(port);
	trapper = port->trapper;
	if (!trapper || trapper->n_queued[queue] >= QUEUED_MAX)
		return NULL;
	trap = calloc(1, sizeof(*trap));
	if (!trap)
		return NULL;
	trap->notice[6] = (uint8_t)(lid >> 8);
	trap->notice[7] = (uint8_t)lid;
	memcpy(trap->notice + DETAILS, details, size);
	trap->tid = ++trapper->last_tid;
	list_add_tail(&trapper->queues[queue], &trap->queued);
	trapper->n_queued[queue]++;
	schedule(trapper);
	return trap;
}

void sim_trap_say(struct sim_port *port, unsigned type, unsigned number, const void *details,
		  size_t size)
{
	struct trap *trap = new_trap(port, type, details, size);

	if (trap)
		fill(trap, port, type, number);
}

void sim_trap_vendor(struct sim_port *port, unsigned number, const uint8_t details[54])
{
	struct trap *trap = new_trap(port, vendor_type(number), details, DETAILS_SIZE);

	if (trap)
		sim_trap_fill_vendor(trap->notice, port, number);
}

/* Big-endian fields of a notice's details; offsets are those of the whole notice, as in tables. */
static void put16(uint8_t *details, unsigned at, uint16_t value)
{
	details[at - DETAILS] = (uint8_t)(value >> 8);
	details[at - DETAILS + 1] = (uint8_t)value;
}

static void put32(uint8_t *details, unsigned at, uint32_t value)
{
	put16(details, at, (uint16_t)(value >> 16));
	put16(details, at + 2, (uint16_t)value);
}

static void put(uint8_t *details, unsigned at, const void *bytes, size_t n)
{
	memcpy(details + at - DETAILS, bytes, n);
}

void sim_trap_link_state(struct sim_node *sw)
{
	struct sim_port *port = &sw->ports[0];
	uint8_t details[DETAILS_SIZE] = { 0 };

	put16(details, 10, sim_lid(port));
	sim_trap_say(port, URGENT, 128, details, sizeof(details));
}

void sim_trap_threshold(struct sim_port *port, unsigned number)
{
	struct sim_port *end = sim_end_port(port);
	uint8_t details[DETAILS_SIZE] = { 0 };

	put16(details, 12, sim_lid(end));
	details[14 - DETAILS] = port->number;
	sim_trap_say(end, URGENT, number, details, sizeof(details));
}

static void put_capabilities(uint8_t *details, const struct sim_port *port)
{
	put(details, 16, &port->info.capability_mask, 4);
	if (port->info.capability_mask & IB_PORT_CAP_HAS_CAP_MASK2)
		put(details, 22, &port->info.capability_mask2, 2);
}

void sim_trap_capability(struct sim_port *port)
{
	uint8_t details[DETAILS_SIZE] = { 0 };

	if (!(port->info.capability_mask & IB_PORT_CAP_HAS_CAP_NTC))
		return;
	put16(details, 12, sim_lid(port));
	put_capabilities(details, port);
	sim_trap_say(port, INFORMATIONAL, 144, details, sizeof(details));
}

void sim_trap_local(struct sim_port *port, uint16_t changes)
{
	uint8_t details[DETAILS_SIZE] = { 0 };

	if (!(port->info.capability_mask & IB_PORT_CAP_HAS_OTHER_LOCAL_CHANGES_NTC))
		return;
	put16(details, 12, sim_lid(port));
	details[15 - DETAILS] = 1; /* local changes */
	put16(details, 20, changes);
	if (port->node->fabric->quirks.local_changes_with_mask)
		put_capabilities(details, port);
	sim_trap_say(port, INFORMATIONAL, 144, details, sizeof(details));
}

void sim_trap_system_guid(struct sim_node *node)
{
	for (unsigned n = node->sw ? 0 : 1; n <= (node->sw ? 0 : node->n_ports); n++) {
		uint8_t details[DETAILS_SIZE] = { 0 };

		put16(details, 12, sim_lid(&node->ports[n]));
		put(details, 16, &node->info.sys_guid, 8);
		sim_trap_say(&node->ports[n], INFORMATIONAL, 145, details, sizeof(details));
	}
}

/* Of the way that a directed route took, as much as has room. */
static void put_route(uint8_t *details, const ib_smp_t *smp)
{
	unsigned count = smp->hop_count;
	unsigned flags = DR_NOTICE;

	if (count > DR_PATH_SIZE) {
		count = DR_PATH_SIZE;
		flags |= DR_TRUNCATED;
	}
	put(details, 14, &smp->dr_slid, 2);
	details[33 - DETAILS] = (uint8_t)(flags | count);
	put(details, 34, smp->return_path, count);
}

void sim_trap_mkey(struct sim_port *at, const struct sim_packet *packet)
{
	const ib_smp_t *smp = &packet->smp;
	uint8_t details[DETAILS_SIZE] = { 0 };

	put16(details, 12, packet->slid);
	details[16 - DETAILS] = smp->method;
	put(details, 18, &smp->attr_id, 2);
	put(details, 20, &smp->attr_mod, 4);
	put(details, 24, &smp->m_key, 8);
	if (smp->mgmt_class == SIM_CLASS_DR)
		put_route(details, smp);
	sim_trap_say(at, SECURITY, 256, details, sizeof(details));
}

static uint32_t sl_and_qp(const struct sim_packet *p)
{
	return (uint32_t)p->sl << 28 | (p->sqpn & 0xffffff);
}

static void bad_key(struct sim_port *port, const struct sim_packet *p, unsigned number,
		    uint32_t key)
{
	uint8_t details[DETAILS_SIZE] = { 0 };

	if (port->node->sw)
		return;
	put16(details, 12, p->slid);
	put16(details, 14, p->dlid);
	put32(details, 16, key);
	put32(details, 20, sl_and_qp(p));
	put32(details, 24, p->dqpn & 0xffffff);
	if (p->has_grh) {
		put(details, 28, p->sgid, 16);
		put(details, 44, p->dgid, 16);
	}
	sim_trap_say(port, SECURITY, number, details, sizeof(details));
}

void sim_trap_pkey(struct sim_port *port, const struct sim_packet *packet)
{
	bad_key(port, packet, 257, packet->pkey);
}

void sim_trap_qkey(struct sim_port *port, const struct sim_packet *packet)
{
	bad_key(port, packet, 258, packet->qkey);
}

/* DataValid: LID1, LID2, P_Key, SL, QP1, QP2, and GID1, GID2 if there is a GRH, from bit 0 on. */
void sim_trap_switch_pkey(struct sim_port *port, const struct sim_packet *p)
{
	struct sim_port *end = sim_end_port(port);
	uint8_t details[DETAILS_SIZE] = { 0 };

	if (!port->node->sw || !(end->info.capability_mask & IB_PORT_CAP_HAS_PKEY_SW_EXT_PORT_TRAP))
		return;
	put16(details, 10, p->has_grh ? 0xff : 0x3f);
	put16(details, 12, p->slid);
	put16(details, 14, p->dlid);
	put16(details, 16, p->pkey);
	put32(details, 18, sl_and_qp(p));
	put32(details, 22, p->dqpn & 0xffffff);
	if (p->has_grh) {
		put(details, 26, p->sgid, 16);
		put(details, 42, p->dgid, 16);
	}
	put16(details, 58, sim_lid(end));
	details[60 - DETAILS] = port->number;
	sim_trap_say(end, SECURITY, 259, details, sizeof(details));
}

/* ---- what ends it ---------------------------------------------------------------------------- */

static struct trap *find_trap(struct sim_trapper *trapper, uint64_t tid, unsigned *type)
{
	for (*type = 0; *type < N_TYPES; (*type)++) {
		struct list *queue = &trapper->queues[*type];

		for (struct list *l = queue->next; l != queue; l = l->next) {
			struct trap *trap = CONTAINER_OF(l, struct trap, queued);

			if (trap->tid == tid)
				return trap;
		}
	}
	return NULL;
}

void sim_trap_repress(struct sim_port *at, const struct sim_packet *packet)
{
	struct sim_trapper *trapper = sim_end_port(at)->trapper;
	struct trap *trap;
	unsigned type;

	if (!trapper)
		return;
	trap = find_trap(trapper, be64toh(packet->mad.trans_id), &type);
	if (!trap)
		return;
	remove_trap(trapper, type, trap);
	schedule(trapper);
}

bool sim_trap_waits(const struct sim_port *port)
{
	for (unsigned i = 0; port->trapper && i < N_TYPES; i++)
		if (port->trapper->n_queued[i])
			return true;
	return false;
}

void sim_trap_forget(struct sim_port *port)
{
	struct sim_trapper *trapper = port->trapper;

	if (!trapper)
		return;
	for (unsigned i = 0; i < N_TYPES; i++)
		while (!list_is_empty(&trapper->queues[i]))
			remove_trap(trapper, i,
				    CONTAINER_OF(trapper->queues[i].next, struct trap, queued));
	loop_timer_stop(trapper->timer);
}

void sim_trap_free(struct sim_port *port)
{
	if (!port->trapper)
		return;
	sim_trap_forget(port);
	loop_timer_free(port->trapper->timer);
	free(TAKE(port->trapper));
}
