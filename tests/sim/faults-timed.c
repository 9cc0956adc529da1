/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * What happens by the clock: links that flap, devices that send traps without end; and traps that
 * claim another sender than they have. The traps of trap.c follow the rules; these do not: they
 * have no rate, nothing represses them, and the state of the port does not matter. Only a port that
 * was never told who its SM is cannot send.
 */

#include "tests/sim/faults.h"

#include <errno.h>
#include <string.h>

#include "tests/sim/forward.h"
#include "tests/sim/trap.h"

/* ---- links that flap ------------------------------------------------------------------------- */

static void set_timer(struct sim_port *port, struct loop_timer *timer, uint64_t in, uint64_t jitter)
{
	struct sim_fabric *fabric = port->node->fabric;

	loop_timer_set(timer, loop_now(fabric->loop) + in + sim_fault_up_to(fabric, jitter));
}

/* Whoever hears of the link may clear its faults, hence the order. */
static void flap(void *user)
{
	struct sim_port *port = user;
	struct sim_link_faults *f = port->faults;

	f->is_pulled = !f->is_pulled;
	if (f->is_pulled) {
		set_timer(port, f->flap_timer, f->flap.down, f->flap.jitter);
		sim_cable_pull(port);
		return;
	}
	if (!f->flap.times || --f->flap.times)
		set_timer(port, f->flap_timer, f->flap.period, f->flap.jitter);
	else
		f->flap.period = 0;
	sim_cable_plug(port);
}

int sim_fault_flap(struct sim_port *port, const struct sim_flap *how)
{
	struct sim_link_faults *f;

	if (!how->period || !how->down)
		return -EINVAL;
	f = sim_fault_of_link(port);
	if (!f || (!f->flap_timer &&
		   loop_timer_new(port->node->fabric->loop, flap, port, &f->flap_timer) < 0))
		return -ENOMEM;
	f->flap = *how;
	if (!f->is_pulled)
		set_timer(port, f->flap_timer, how->period, how->jitter);
	return 0;
}

/* ---- traps ----------------------------------------------------------------------------------- */

enum { NOTICE_GENERIC = 0x80, NOTICE_URGENT = 1, NOTICE_SECURITY = 2, NOTICE_INFO = 4 };

static uint8_t notice_type(uint16_t trap)
{
	if (trap >= 256)
		return NOTICE_GENERIC | NOTICE_SECURITY;
	return NOTICE_GENERIC | (trap >= 144 ? NOTICE_INFO : NOTICE_URGENT);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Those of keys have the vport at their end. */
static void fill_vendor(uint8_t *notice, const struct sim_port *port, const struct sim_notice *what,
			uint16_t lid)
{
	put16(notice + 6, lid);
	put16(notice + 12, lid);
	put16(notice + (what->trap >= 1257 ? 60 : 22), what->vport);
	sim_trap_fill_vendor(notice, port, what->trap);
}

/* Offsets within the notice. */
static void fill_generic(uint8_t *notice, const struct sim_port *port, uint16_t trap, uint16_t lid)
{
	const struct sim_node *node = port->node;

	notice[0] = notice_type(trap);
	notice[3] = (uint8_t)node->type;
	put16(notice + 4, trap);
	put16(notice + 6, lid);
	put16(notice + (trap == 128 ? 10 : 12), lid);
	if (trap >= 129 && trap <= 131)
		notice[14] = port->number;
	if (trap == 144)
		memcpy(notice + 16, &port->info.capability_mask, 4);
	if (trap == 145)
		memcpy(notice + 16, &node->info.sys_guid, 8);
}

static void send_trap(struct sim_port *port, const struct sim_notice *notice, uint16_t lid,
		      uint32_t tid)
{
	struct sim_port *end = sim_end_port(port);
	struct sim_packet p = { .slid = lid,
				.dlid = be16toh(end->info.master_sm_base_lid),
				.sl = end->info.mtu_smsl & 0x0f,
				.length = SIM_MAD_SIZE,
				.client = SIM_CLIENT_NONE };

	if (!p.dlid || p.dlid >= SIM_LID_MULTICAST)
		return;
	p.smp.base_ver = 1;
	p.smp.mgmt_class = SIM_CLASS_LID;
	p.smp.class_ver = 1;
	p.smp.method = SIM_TRAP;
	p.smp.trans_id = htobe64(tid);
	p.smp.attr_id = htobe16(0x0002);
	if (notice->of_vport)
		fill_vendor(p.smp.data, port, notice, lid);
	else
		fill_generic(p.smp.data, port, notice->trap, lid);
	sim_send(end, &p);
}

static void rage(void *user)
{
	struct sim_port *port = user;
	struct sim_link_faults *f = port->faults;
	struct sim_notice notice = f->storm.notice;

	if (!f->storm.times || --f->storm.times)
		set_timer(port, f->storm_timer, f->storm.every, 0);
	else
		f->storm.every = 0;
	/* TIDs that are not 0, one for each trap. */
	if (!++f->storm_tid)
		f->storm_tid++;
	send_trap(port, &notice, sim_lid(sim_end_port(port)), f->storm_tid);
}

int sim_fault_storm(struct sim_port *port, const struct sim_storm *storm)
{
	struct sim_link_faults *f;

	if (!storm->every)
		return -EINVAL;
	f = sim_fault_of_link(port);
	if (!f || (!f->storm_timer &&
		   loop_timer_new(port->node->fabric->loop, rage, port, &f->storm_timer) < 0))
		return -ENOMEM;
	f->storm = *storm;
	set_timer(port, f->storm_timer, storm->every, 0);
	return 0;
}

void sim_fault_forge(struct sim_port *port, struct sim_notice notice, uint16_t lid)
{
	uint32_t tid = 1 + (uint32_t)sim_fault_up_to(port->node->fabric, UINT32_MAX - 1);

	send_trap(port, &notice, lid, tid);
}
