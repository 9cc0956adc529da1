/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * How packets get from port to port: directed-route SMPs by the path in them (IBA 14.2.2), all
 * others by the tables that the SM has programmed, hop by hop, each port asked whether it lets them
 * pass.
 *
 * A packet is always at one port and in one of five stages:
 *
 *	leaves	   the agents or the client at this port made it; it looks for its way out
 *	arrives	   it came in here from the wire
 *	is here	   it has reached the agents of this port
 *	is served  and it is its turn there
 *	gone	   nothing more to do
 *
 * step() takes it from stage to stage, in place, so that an SMP and its answer need no memory
 * beyond the one that sim_send() took. Packets are queued only where one makes several (multicast,
 * traps, clients that send): the queue is run empty by the outermost call.
 *
 * IBA has no limit of hops for what a LID routes; a packet that has seen more switches than there
 * are nodes is in a loop, and ends here instead of in a time-out of a switch. A multicast in a loop
 * would multiply until no memory is left: each copy bears the number of its multicast, the copies
 * of one are carried before anything else, and none comes in twice at the same port.
 */

#include "tests/sim/forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/sim/agent.h"
#include "tests/sim/client.h"
#include "tests/sim/faults.h"
#include "tests/sim/link.h"
#include "tests/sim/trap.h"
#include "tests/sim/vf.h"

enum stage { LEAVES, ARRIVES, IS_HERE, IS_SERVED, GONE };

struct sim_flight {
	struct sim_flight *next;
	struct sim_port *at;
	enum stage stage;
	uint32_t hops;
	/* While a fault delays it: */
	struct list held;
	struct loop_timer *timer;
	struct sim_packet packet;
};

/* ---- decisions ------------------------------------------------------------------------------- */

bool sim_pkey_fits(const struct sim_port *port, uint16_t pkey)
{
	static const ib_net16_t at_power_up[] = { 0xffff };
	const ib_net16_t *table = port->pkeys ? port->pkeys : at_power_up;
	unsigned n = port->pkeys ? sim_pkey_cap(port) : 1;

	for (unsigned i = 0; i < n; i++)
		if (sim_pkeys_match(be16toh(table[i]), pkey))
			return true;
	return false;
}

/*
 * What a switch port that enforces lets pass. Membership is for the ends to compare: opensm gives
 * the port before a limited member that member's keys (osm_pkey_mgr.c), so a switch that wanted one
 * full member of both would stop whatever limited members send.
 */
static bool pkey_passes(const struct sim_port *port, uint16_t pkey)
{
	return sim_pkey_fits(port, pkey) || sim_pkey_fits(port, pkey | 0x8000);
}

static unsigned data_lanes(const struct sim_port *port)
{
	static const uint8_t lanes[] = { 1, 1, 2, 4, 8, 15 };
	unsigned code = port->info.vl_enforce >> 4;

	return code < COUNT(lanes) ? lanes[code] : 1;
}

unsigned sim_lane(const struct sim_port *in, const struct sim_port *out, unsigned sl)
{
	unsigned row = out->node->sw ? in->number : 0;
	unsigned lane;

	if (out->sl2vl)
		lane = sl & 1 ? out->sl2vl[row][sl / 2] & 0x0f : out->sl2vl[row][sl / 2] >> 4;
	else /* One to one, and lanes that do not exist drop */
		lane = sl;
	return lane < data_lanes(out) ? lane : 15;
}

/* PartitionEnforcementInbound 8, Outbound 4 of PortInfo byte 43, on switches that can. */
static bool enforces(const struct sim_port *port, unsigned bit)
{
	return !sim_is_end_port(port) && port->info.vl_enforce & bit && sim_pkey_cap(port);
}

/* Payload bytes of an MTU enum. */
static unsigned mtu_bytes(unsigned mtu)
{
	return mtu >= 1 && mtu <= 5 ? 128u << mtu : 256;
}

enum sim_drop sim_may_enter(const struct sim_port *in, const struct sim_packet *p)
{
	enum sim_state state = sim_state(in);

	if (!sim_link_is_up(in))
		return SIM_DROP_LINK_DOWN;
	if (sim_is_smp(p)) {
		if (in->node->fabric->quirks.smp_needs_active && !sim_is_directed(p) &&
		    state != SIM_ACTIVE)
			return SIM_DROP_NOT_ACTIVE;
		return SIM_PASSED;
	}
	if (state < SIM_ARMED ||
	    (state == SIM_ARMED && in->node->fabric->quirks.armed_receives_nothing))
		return SIM_DROP_NOT_ACTIVE;
	if (enforces(in, 8) && !pkey_passes(in, p->pkey))
		return SIM_DROP_PKEY_IN;
	return SIM_PASSED;
}

enum sim_drop sim_may_leave(const struct sim_port *in, const struct sim_port *out,
			    const struct sim_packet *p)
{
	if (!sim_link_is_up(out))
		return SIM_DROP_LINK_DOWN;
	if (sim_is_smp(p)) {
		if (in->node->fabric->quirks.smp_needs_active && !sim_is_directed(p) &&
		    sim_state(out) != SIM_ACTIVE)
			return SIM_DROP_NOT_ACTIVE;
		return SIM_PASSED;
	}
	if (sim_state(out) != SIM_ACTIVE)
		return SIM_DROP_NOT_ACTIVE;
	if (enforces(out, 4) && !pkey_passes(out, p->pkey))
		return SIM_DROP_PKEY_OUT;
	if (p->length > mtu_bytes(sim_mtu(out)))
		return SIM_DROP_MTU;
	if (sim_lane(in, out, p->sl) == 15)
		return SIM_DROP_VL;
	return SIM_PASSED;
}

enum sim_drop sim_route(struct sim_port *in, const struct sim_packet *p, struct sim_port **out)
{
	struct sim_node *node = in->node;
	const struct sim_switch *sw = node->sw;
	uint8_t number;

	*out = &node->ports[0];
	if (sim_has_lid(*out, p->dlid))
		return SIM_PASSED;
	if (p->dlid > be16toh(sw->info.lin_top) || p->dlid >= sw->lft_size)
		return SIM_DROP_NO_ROUTE;
	number = sw->lft[p->dlid];
	if (number > node->n_ports || !p->dlid)
		return SIM_DROP_NO_ROUTE;
	*out = &node->ports[number];
	/* Port 0 for a LID that is not its own: the switch itself drops it. */
	if (!number)
		return SIM_DROP_NOT_FOR_US;
	return number == in->number ? SIM_DROP_LOOPING : SIM_PASSED;
}

static void only(uint64_t members[4], unsigned port)
{
	memset(members, 0, 4 * sizeof(members[0]));
	members[port / 64] |= UINT64_C(1) << port % 64;
}

/*
 * What no entry names leaves by DefaultMulticastPrimaryPort, or, having come in there, by
 * DefaultMulticastNotPrimaryPort; 0 is none (not verified).
 */
enum sim_drop sim_route_multicast(const struct sim_port *in, const struct sim_packet *p,
				  uint64_t members[static 4])
{
	const struct sim_node *node = in->node;
	const struct sim_switch *sw = node->sw;
	unsigned at = p->dlid - SIM_LID_MULTICAST;
	unsigned top = be16toh(sw->info.mcast_top); /* 0: is not used */
	unsigned other;

	if (sw->mft && at < sw->mft_size && (!top || p->dlid <= top) &&
	    (sw->mft[at][0] | sw->mft[at][1] | sw->mft[at][2] | sw->mft[at][3])) {
		memcpy(members, sw->mft[at], sizeof(sw->mft[at]));
		members[in->number / 64] &= ~(UINT64_C(1) << in->number % 64);
		return SIM_PASSED;
	}
	other = sw->info.def_mcast_pri_port;
	if (other == in->number)
		other = sw->info.def_mcast_not_port;
	if (!other || other > node->n_ports || other == in->number)
		return SIM_DROP_NO_ROUTE;
	only(members, other);
	return SIM_PASSED;
}

enum sim_drop sim_is_mine(const struct sim_port *port, const struct sim_packet *p)
{
	unsigned vf;

	if (sim_has_vfs(port))
		return sim_vf_takes(port, p, &vf);
	if (p->dlid >= SIM_LID_MULTICAST && p->dlid != SIM_LID_PERMISSIVE)
		return SIM_PASSED;
	return sim_has_lid(port, p->dlid) ? SIM_PASSED : SIM_DROP_NOT_FOR_US;
}

/* ---- what comes to nothing ------------------------------------------------------------------- */

void sim_lose(struct sim_port *at, const struct sim_packet *packet, enum sim_drop why)
{
	struct sim_fabric *fabric = at->node->fabric;

	fabric->drops[why]++;
	if (fabric->on_drop)
		fabric->on_drop(fabric->on_drop_user, at, packet, why);
	if (packet->client < SIM_CLIENTS_MAX)
		sim_client_lost(fabric, packet, why);
}

static enum stage drop_in(struct sim_port *in, const struct sim_packet *p, enum sim_drop why)
{
	if (why == SIM_DROP_PKEY_IN) {
		in->counters.rcv_constraint_errors++;
		sim_trap_switch_pkey(in, p);
	} else if (why == SIM_DROP_LINK_DOWN) {
		in->counters.rcv_errors++;
	} else if (in->node->sw && why != SIM_DROP_NOT_ACTIVE) {
		in->counters.switch_relay_errors++;
	}
	sim_lose(in, p, why);
	return GONE;
}

static enum stage drop_out(struct sim_port *out, const struct sim_packet *p, enum sim_drop why)
{
	if (why == SIM_DROP_PKEY_OUT) {
		out->counters.xmit_constraint_errors++;
		sim_trap_switch_pkey(out, p);
	} else {
		out->counters.xmit_discards++;
	}
	sim_lose(out, p, why);
	return GONE;
}

/* ---- the wire -------------------------------------------------------------------------------- */

/* Words of 4 bytes: LRH, BTH, DETH, payload, ICRC, and the GRH (IBA 16.1.3.5). */
static unsigned words(const struct sim_packet *p)
{
	return (8u + 12 + 8 + p->length + 4 + (p->has_grh ? 40 : 0)) / 4;
}

static void count_sent(struct sim_port *out, const struct sim_packet *p)
{
	out->counters.xmit_pkts++;
	out->counters.xmit_data += words(p);
	if (p->dlid >= SIM_LID_MULTICAST && p->dlid != SIM_LID_PERMISSIVE)
		out->counters.multicast_xmit++;
	else
		out->counters.unicast_xmit++;
}

static void count_received(struct sim_port *in, const struct sim_packet *p)
{
	in->counters.rcv_pkts++;
	in->counters.rcv_data += words(p);
	if (p->dlid >= SIM_LID_MULTICAST && p->dlid != SIM_LID_PERMISSIVE)
		in->counters.multicast_rcv++;
	else
		in->counters.unicast_rcv++;
}

static void queue_first(struct sim_port *at, const struct sim_packet *p, enum stage stage,
			uint32_t hops);
static void hold(struct sim_port *at, const struct sim_packet *p, enum stage stage, uint32_t hops,
		 uint64_t delay);

/* What the faults of the link at @out make of @p. */
static enum stage go_by_fate(struct sim_port *out, struct sim_packet *p, uint32_t hops)
{
	struct sim_fate fate = { 0 };
	enum sim_drop why = sim_fault_wire(out, p, &fate);

	if (why != SIM_PASSED) {
		sim_lose(out, p, why);
		return GONE;
	}
	if (fate.doubled && fate.delay)
		hold(out->far, p, ARRIVES, hops, fate.delay);
	else if (fate.doubled)
		queue_first(out->far, p, ARRIVES, hops);
	if (!fate.delay)
		return ARRIVES;
	hold(out->far, p, ARRIVES, hops, fate.delay);
	return GONE;
}

/* Out of @out, having come in at @in or having been made there. */
static enum stage go_out(struct sim_port **at, struct sim_port *in, struct sim_port *out,
			 struct sim_packet *p, uint32_t hops)
{
	enum sim_drop why = sim_may_leave(in, out, p);

	if (why == SIM_PASSED && !out->far)
		why = SIM_DROP_LINK_DOWN;
	/* A lane that is not there is the relay's fault, not the port's (IBA 16.1.3.5). */
	if (why == SIM_DROP_VL && in->node->sw)
		return drop_in(in, p, why);
	if (why != SIM_PASSED)
		return drop_out(out, p, why);
	count_sent(out, p);
	*at = out->far;
	return out->faults ? go_by_fate(out, p, hops) : ARRIVES;
}

/* ---- directed routes ------------------------------------------------------------------------- */

static bool goes_back(const struct sim_packet *p)
{
	return p->smp.status & htobe16(0x8000);
}

static enum stage bad_route(struct sim_port *at, const struct sim_packet *p)
{
	sim_lose(at, p, SIM_DROP_DIRECTED_ROUTE);
	return GONE;
}

/* By the port that a path names; CAs and routers have but the one that it came by. */
static enum stage go_by(struct sim_port **at, struct sim_packet *p, unsigned number, uint32_t hops)
{
	struct sim_port *in = *at;

	if (!number || number > in->node->n_ports ||
	    (in->node->type != SIM_SWITCH && number != in->number))
		return bad_route(in, p);
	p->slid = SIM_LID_PERMISSIVE;
	p->dlid = SIM_LID_PERMISSIVE;
	return go_out(at, in, &in->node->ports[number], p, hops);
}

static enum stage by_lid(struct sim_port **at, struct sim_packet *p, uint32_t hops);

/* The last part of a combined route: from this switch on by LID, as if it came from here. */
static enum stage on_by_lid(struct sim_port **at, struct sim_packet *p, ib_net16_t lid,
			    uint32_t hops)
{
	struct sim_port *end = sim_end_port(*at);

	if (!end->node->sw)
		return bad_route(*at, p);
	p->slid = sim_lid(end);
	p->dlid = be16toh(lid);
	if (sim_has_lid(end, p->dlid))
		return IS_HERE;
	*at = end;
	return by_lid(at, p, hops);
}

/*
 * Did it come to this switch by LID, to go on (or back) by the path? On a path both LIDs are
 * permissive.
 */
static bool came_by_lid(const struct sim_port *at, const struct sim_packet *p)
{
	return at->node->sw && p->dlid != SIM_LID_PERMISSIVE;
}

/* Pointer 0: only at its maker, or behind a part by LID. */
static enum stage path_begins(struct sim_port **at, struct sim_packet *p, bool made_here,
			      uint32_t hops)
{
	if (!made_here && (!came_by_lid(*at, p) || p->smp.dr_slid == 0xffff))
		return bad_route(*at, p);
	p->smp.hop_ptr = 1;
	return go_by(at, p, p->smp.initial_path[1], hops);
}

static enum stage path_goes_on(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	ib_smp_t *smp = &p->smp;

	if (!(*at)->node->sw)
		return bad_route(*at, p);
	smp->return_path[smp->hop_ptr] = (*at)->number;
	smp->hop_ptr++;
	return go_by(at, p, smp->initial_path[smp->hop_ptr], hops);
}

/* Also where there is no path at all, from its maker to itself. */
static enum stage path_ends(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	ib_smp_t *smp = &p->smp;

	if (smp->hop_count)
		smp->return_path[smp->hop_ptr] = (*at)->number;
	smp->hop_ptr++;
	return smp->dr_dlid == 0xffff ? IS_HERE : on_by_lid(at, p, smp->dr_dlid, hops);
}

static enum stage directed_out(struct sim_port **at, struct sim_packet *p, bool made_here,
			       uint32_t hops)
{
	unsigned count = p->smp.hop_count;
	unsigned pointer = p->smp.hop_ptr;

	if (pointer == count)
		return path_ends(at, p, hops);
	if (pointer > count)
		return pointer == count + 1 ? IS_HERE : bad_route(*at, p);
	return pointer ? path_goes_on(at, p, hops) : path_begins(at, p, made_here, hops);
}

static enum stage directed_back(struct sim_port **at, struct sim_packet *p, bool made_here,
				uint32_t hops)
{
	ib_smp_t *smp = &p->smp;
	unsigned count = smp->hop_count;
	unsigned pointer = smp->hop_ptr;

	if (!pointer)
		return IS_HERE;
	if (pointer > count + 1)
		return bad_route(*at, p);
	/* The way back begins at who answers, or behind a part by LID; between are switches. */
	if (pointer == count + 1 && count && !made_here && !came_by_lid(*at, p))
		return bad_route(*at, p);
	if (pointer > 1 && pointer <= count && !(*at)->node->sw)
		return bad_route(*at, p);
	smp->hop_ptr = (uint8_t)(pointer - 1);
	if (pointer > 1)
		return go_by(at, p, smp->return_path[pointer - 1], hops);
	if (smp->dr_slid == 0xffff)
		return IS_HERE;
	return on_by_lid(at, p, smp->dr_slid, hops);
}

static enum stage directed(struct sim_port **at, struct sim_packet *p, bool made_here,
			   uint32_t hops)
{
	if (p->smp.hop_count >= IB_SUBNET_PATH_HOPS_MAX)
		return bad_route(*at, p);
	return goes_back(p) ? directed_back(at, p, made_here, hops)
			    : directed_out(at, p, made_here, hops);
}

/* ---- by LID ---------------------------------------------------------------------------------- */

static enum stage multicast(struct sim_port *in, struct sim_packet *p, uint32_t hops);

/* A switch sends on what came in at *at; for a packet of its own that is port 0. */
static enum stage by_lid(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	struct sim_port *out;
	enum sim_drop why;

	if (p->dlid >= SIM_LID_MULTICAST && sim_is_smp(p))
		return drop_in(*at, p, SIM_DROP_NO_ROUTE);
	if (p->dlid >= SIM_LID_MULTICAST)
		return multicast(*at, p, hops);
	why = sim_route(*at, p, &out);
	if (why != SIM_PASSED)
		return drop_in(*at, p, why);
	if (out->number == 0)
		return IS_HERE;
	return go_out(at, *at, out, p, hops);
}

/* 0 is none. */
static uint32_t next_cast(struct sim_fabric *fabric)
{
	fabric->n_casts += fabric->n_casts == UINT32_MAX ? 2 : 1;
	return fabric->n_casts;
}

/* Each member gets a packet of its own. */
static enum stage multicast(struct sim_port *in, struct sim_packet *p, uint32_t hops)
{
	uint64_t members[4];
	enum sim_drop why = sim_route_multicast(in, p, members);

	if (why != SIM_PASSED)
		return drop_in(in, p, why);
	if (!p->cast)
		p->cast = next_cast(in->node->fabric);
	for (unsigned n = 0; n <= in->node->n_ports; n++) {
		struct sim_packet copy = *p;
		struct sim_port *at = in;

		if (!(members[n / 64] >> n % 64 & 1))
			continue;
		if (!n)
			queue_first(&in->node->ports[0], &copy, IS_HERE, hops);
		else if (go_out(&at, in, &in->node->ports[n], &copy, hops) == ARRIVES)
			queue_first(at, &copy, ARRIVES, hops);
	}
	return GONE;
}

/* ---- stages ---------------------------------------------------------------------------------- */

/* The ends of a part by LID go on as directed routes, if that is what it is. */
static enum stage at_lid(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	return sim_is_directed(p) ? directed(at, p, false, hops) : IS_HERE;
}

/* It never leaves the device. */
static enum stage at_own_lid(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	struct sim_port *end = sim_end_port(*at);
	enum sim_drop why = sim_has_vfs(end) ? sim_is_mine(end, p) : SIM_PASSED;

	if (why != SIM_PASSED)
		return drop_in(end, p, why);
	return at_lid(at, p, hops);
}

/* Is the path what it has to take first? Of an answer also where a path without hops ended here. */
static bool leaves_by_path(const struct sim_packet *p)
{
	return sim_is_directed(p) &&
	       (p->dlid == SIM_LID_PERMISSIVE || (goes_back(p) && p->smp.dr_dlid == 0xffff));
}

static enum stage leaves(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	struct sim_port *end = sim_end_port(*at);

	if (leaves_by_path(p))
		return directed(at, p, true, hops);
	if (sim_has_lid(end, p->dlid) || (end->vports && sim_vf_has_lid(end, p->dlid)))
		return at_own_lid(at, p, hops);
	if (!end->node->sw)
		return go_out(at, end, end, p, hops);
	*at = end;
	return by_lid(at, p, hops);
}

/* The first data packet that a port in Armed takes makes it Active. */
static void activate(struct sim_port *in, const struct sim_packet *p)
{
	if (sim_state(in) == SIM_ARMED && !sim_is_smp(p) && in->number)
		sim_set_state(in, SIM_ACTIVE);
}

/* More hops than any route has, also one that was directed before; or a multicast came back. */
static bool is_in_loop(struct sim_port *in, const struct sim_packet *p, uint32_t hops)
{
	bool was_here = p->cast && in->cast == p->cast;

	in->cast = p->cast ? p->cast : in->cast;
	return was_here || hops > in->node->fabric->n_nodes + IB_SUBNET_PATH_HOPS_MAX;
}

static enum stage arrives(struct sim_port **at, struct sim_packet *p, uint32_t hops)
{
	struct sim_port *in = *at;
	enum sim_drop why = sim_may_enter(in, p);

	if (why == SIM_PASSED && is_in_loop(in, p, hops))
		why = SIM_DROP_HOPS;
	if (why != SIM_PASSED)
		return drop_in(in, p, why);
	count_received(in, p);
	activate(in, p);
	if (sim_is_directed(p) && p->dlid == SIM_LID_PERMISSIVE)
		return directed(at, p, false, hops);
	if (!p->dlid || p->dlid == SIM_LID_PERMISSIVE)
		return drop_in(in, p, SIM_DROP_NO_ROUTE);
	if (in->node->sw && !sim_has_lid(&in->node->ports[0], p->dlid))
		return by_lid(at, p, hops);
	why = in->node->sw ? SIM_PASSED : sim_is_mine(in, p);
	if (why != SIM_PASSED)
		return drop_in(in, p, why);
	return at_lid(at, p, hops);
}

/*
 * QP0 takes SMPs, and only those; QP1 takes none. Permissive LIDs are of directed routes alone.
 * What other QPs get is no MAD, or not for the agents to judge.
 */
static bool is_well_formed(const struct sim_packet *p)
{
	bool is_smp_class = p->mad.mgmt_class == SIM_CLASS_LID || p->mad.mgmt_class == SIM_CLASS_DR;

	if (p->slid == SIM_LID_PERMISSIVE && !sim_is_directed(p))
		return false;
	if (p->dqpn > 1)
		return true;
	return p->length == SIM_MAD_SIZE && p->mad.base_ver == 1 && is_smp_class == sim_is_smp(p);
}

static bool is_request(const struct sim_packet *p)
{
	return p->dqpn <= 1 && !sim_is_response(p) && p->mad.method != SIM_TRAP;
}

static enum sim_outcome ask_agent(struct sim_port *at, struct sim_packet *p)
{
	if (sim_is_smp(p))
		return sim_sma(at, p);
	return p->mad.mgmt_class == SIM_CLASS_PERF && p->dqpn == 1 ? sim_pma(at, p) : SIM_NOT_OURS;
}

/* Software is asked; nobody there: what the kernel answers. */
static enum sim_outcome ask_clients(struct sim_port *at, struct sim_packet *p)
{
	if (sim_client_give(sim_end_port(at), p))
		return SIM_SILENCE;
	if (p->dqpn <= 1 && (p->mad.method == SIM_GET || p->mad.method == SIM_SET)) {
		sim_answer(p, SIM_BAD_ATTRIBUTE);
		return SIM_ANSWER;
	}
	sim_lose(at, p, SIM_DROP_NOBODY);
	return SIM_SILENCE;
}

/* QPs above 1 check their own P_Key: their owners do. QP1 takes any of the table's (IBA C9-42). */
static bool takes_pkey(struct sim_port *at, const struct sim_packet *p)
{
	struct sim_port *end = sim_end_port(at);

	if (sim_is_smp(p))
		return true;
	if (end->vports)
		return sim_vf_takes_pkey(end, p);
	if (sim_pkey_fits(end, p->pkey))
		return true;
	if (end->info.p_key_violations != 0xffff)
		end->info.p_key_violations =
			htobe16((uint16_t)(be16toh(end->info.p_key_violations) + 1));
	sim_lose(at, p, SIM_DROP_PKEY);
	sim_trap_pkey(end, p);
	return false;
}

static bool takes_qkey(struct sim_port *at, const struct sim_packet *p)
{
	struct sim_port *end = sim_end_port(at);

	if (p->dqpn != 1 || p->qkey == SIM_QKEY_MAD)
		return true;
	sim_lose(at, p, SIM_DROP_QKEY);
	if (at->node->fabric->quirks.qkey_silent)
		return false;
	if (end->info.q_key_violations != 0xffff)
		end->info.q_key_violations =
			htobe16((uint16_t)(be16toh(end->info.q_key_violations) + 1));
	sim_trap_qkey(end, p);
	return false;
}

static enum stage is_here(struct sim_port *at, struct sim_packet *p)
{
	if (!is_well_formed(p)) {
		sim_lose(at, p, SIM_DROP_MALFORMED);
		return GONE;
	}
	if (!takes_pkey(at, p) || !takes_qkey(at, p))
		return GONE;
	if (at->node->faults && is_request(p) && !sim_fault_request(at, p))
		return GONE;
	return IS_SERVED;
}

static enum stage is_served(struct sim_port *at, struct sim_packet *p)
{
	uint8_t method = p->mad.method;
	enum sim_outcome outcome = ask_agent(at, p);

	if (outcome == SIM_NOT_OURS)
		outcome = ask_clients(at, p);
	if (outcome != SIM_ANSWER)
		return GONE;
	sim_turn_around(p);
	p->doubled = false;
	/* An answer that is lost is its asker's loss: p->client stays. */
	if (at->node->faults && !sim_fault_answer(at, p, method))
		return GONE;
	return LEAVES;
}

static void carry(struct sim_port *at, struct sim_packet *p, enum stage stage, uint32_t hops)
{
	while (stage != GONE) {
		if (stage == LEAVES) {
			hops = 0;
			stage = leaves(&at, p, hops);
		} else if (stage == ARRIVES) {
			stage = arrives(&at, p, ++hops);
		} else if (stage == IS_HERE) {
			stage = is_here(at, p);
		} else {
			stage = is_served(at, p);
		}
	}
}

/* ---- the queue ------------------------------------------------------------------------------- */

static struct sim_flight *take_flight(struct sim_fabric *fabric)
{
	struct sim_flight *flight = fabric->spare;

	if (flight) {
		fabric->spare = flight->next;
		return flight;
	}
	return calloc(1, sizeof(*flight));
}

static void spare_flight(struct sim_fabric *fabric, struct sim_flight *flight)
{
	flight->next = fabric->spare;
	fabric->spare = flight;
}

static struct sim_flight *new_flight(struct sim_port *at, const struct sim_packet *p,
				     enum stage stage, uint32_t hops)
{
	struct sim_flight *flight = take_flight(at->node->fabric);

	if (!flight)
		return NULL; /* without memory the packet is lost, as packets are */
	flight->next = NULL;
	flight->at = at;
	flight->stage = stage;
	flight->hops = hops;
	flight->packet = *p;
	return flight;
}

static void append(struct sim_fabric *fabric, struct sim_flight *flight)
{
	if (fabric->last)
		fabric->last->next = flight;
	else
		fabric->first = flight;
	fabric->last = flight;
}

static void queue_first(struct sim_port *at, const struct sim_packet *p, enum stage stage,
			uint32_t hops)
{
	struct sim_fabric *fabric = at->node->fabric;
	struct sim_flight *flight = new_flight(at, p, stage, hops);

	if (!flight)
		return;
	flight->next = fabric->first;
	fabric->first = flight;
	if (!fabric->last)
		fabric->last = flight;
}

static void run(struct sim_fabric *fabric)
{
	if (fabric->running)
		return;
	fabric->running = true;
	while (fabric->first) {
		struct sim_flight *flight = fabric->first;

		fabric->first = flight->next;
		if (!fabric->first)
			fabric->last = NULL;
		carry(flight->at, &flight->packet, flight->stage, flight->hops);
		spare_flight(fabric, flight);
	}
	fabric->running = false;
}

static void held_is_due(void *user)
{
	struct sim_flight *flight = user;
	struct sim_fabric *fabric = flight->at->node->fabric;

	list_remove(&flight->held);
	loop_timer_free(TAKE(flight->timer));
	flight->next = NULL;
	append(fabric, flight);
	run(fabric);
}

static void hold(struct sim_port *at, const struct sim_packet *p, enum stage stage, uint32_t hops,
		 uint64_t delay)
{
	struct sim_fabric *fabric = at->node->fabric;
	struct sim_flight *flight = new_flight(at, p, stage, hops);

	if (!flight)
		return;
	if (loop_timer_new(fabric->loop, held_is_due, flight, &flight->timer) < 0) {
		spare_flight(fabric, flight);
		return;
	}
	list_add_tail(&fabric->held, &flight->held);
	loop_timer_set(flight->timer, loop_now(fabric->loop) + delay);
}

static void start(struct sim_port *at, const struct sim_packet *packet, enum stage stage)
{
	struct sim_fabric *fabric = at->node->fabric;
	struct sim_flight *flight = new_flight(at, packet, stage, 0);

	fabric->n_packets++;
	if (!flight)
		return;
	flight->packet.cast = 0;
	append(fabric, flight);
	run(fabric);
}

void sim_send(struct sim_port *from, const struct sim_packet *packet)
{
	start(from, packet, LEAVES);
}

void sim_inject(struct sim_port *in, const struct sim_packet *packet)
{
	start(in, packet, ARRIVES);
}

void sim_deliver(struct sim_port *at, const struct sim_packet *packet)
{
	start(at, packet, IS_SERVED);
}

void sim_forward_trim(struct sim_fabric *fabric)
{
	struct sim_flight *flight;

	while ((flight = fabric->spare)) {
		fabric->spare = flight->next;
		free(flight);
	}
}

void sim_forward_free(struct sim_fabric *fabric)
{
	struct sim_flight *flight;

	while (!list_is_empty(&fabric->held)) {
		flight = CONTAINER_OF(fabric->held.next, struct sim_flight, held);
		list_remove(&flight->held);
		loop_timer_free(flight->timer);
		free(flight);
	}
	sim_forward_trim(fabric);
}
