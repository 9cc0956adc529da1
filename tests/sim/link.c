/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Links. A link is up when both ends have a cable between them, power, and want to (their physical
 * state is not Sleep or Disabled). It comes up by training, at once or after fabric->train_time,
 * and then both ends are Initialize; what the SM configured survives.
 *
 * A port that loses its link polls or sleeps, as its LinkDownDefaultState says; one that sleeps or
 * is disabled stays down until it is told to poll, by another way than this link.
 *
 * PortStateChange of a switch rises when a port goes Down to Initialize or from anything to Down,
 * but not by a SubnSet at that very switch: a port that its SM has told to go down or to poll is
 * @told until its link is up again or it turns out that there is none, and what happens to it
 * meanwhile is no news to its switch. To the switch at the other end it is.
 */

#include "tests/sim/link.h"

#include "tests/sim/trap.h"
#include "tests/sim/vf.h"

enum {
	SWITCH_STATE_CHANGE = 0x04, /* SwitchInfo byte 11 */
	SPEED_QDR = 4,
};

static void set_phys(struct sim_port *port, enum sim_phys phys)
{
	port->info.state_info2 = (uint8_t)(phys << 4 | (port->info.state_info2 & 0x0f));
}

static void switch_notices(struct sim_node *node)
{
	ib_switch_info_t *info = &node->sw->info;
	bool news = !(info->life_state & SWITCH_STATE_CHANGE);

	info->life_state |= SWITCH_STATE_CHANGE;
	if (news)
		sim_trap_link_state(node);
}

static bool is_news(const struct sim_port *port, enum sim_state before, enum sim_state state)
{
	const struct sim_node *node = port->node;

	if (!node->sw || node->off || (state != SIM_DOWN && before != SIM_DOWN))
		return false;
	return !port->told || (before == SIM_DOWN && node->fabric->quirks.bounce_is_news);
}

void sim_set_state(struct sim_port *port, enum sim_state state)
{
	struct sim_fabric *fabric = port->node->fabric;
	enum sim_state before = sim_state(port);

	if (before == state)
		return;
	port->info.state_info1 = (uint8_t)((port->info.state_info1 & 0xf0) | state);
	if (before == SIM_ACTIVE && port->node->type != SIM_SWITCH)
		sim_trap_forget(port);
	if (is_news(port, before, state))
		switch_notices(port->node);
	if (sim_has_vfs(port))
		sim_vf_port_state(port, before);
	if (fabric->on_state)
		fabric->on_state(fabric->on_state_user, port, before);
}

/* The best that both can and may; 0: nothing in common. */
static unsigned highest(unsigned bits)
{
	while (bits & (bits - 1))
		bits &= bits - 1;
	return bits;
}

/* Codes above the speeds, such as 30, are none. */
static unsigned extended(const struct sim_port *port)
{
	unsigned enabled = port->info.link_speed_ext_enabled & 0x1f;

	return enabled < 16 ? enabled : 0;
}

/* FDR10 is what QDR becomes where both ends know and want it. */
static void agree_on_fdr10(struct sim_port *a, struct sim_port *b, unsigned speed, unsigned ext)
{
	uint8_t common = a->fdr10.enabled & b->fdr10.enabled;

	if (speed != SPEED_QDR || ext)
		common = 0;
	a->fdr10.active = common;
	b->fdr10.active = common;
}

/* Width, speed and extended speed as agreed on; false: nothing in common, no link. */
static bool agree(struct sim_port *a, struct sim_port *b)
{
	unsigned width = highest(a->info.link_width_enabled & b->info.link_width_enabled);
	unsigned speed = highest(a->info.link_speed & b->info.link_speed & 0x0f);
	unsigned ext = highest(extended(a) & extended(b));
	struct sim_port *ends[] = { a, b };

	if (!width || (!speed && !ext))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		ib_port_info_t *info = &ends[i]->info;

		info->link_width_active = (uint8_t)width;
		/* LinkSpeedActive is 0 when an extended speed runs. */
		info->link_speed = (uint8_t)((ext ? 0 : speed) << 4 | (info->link_speed & 0x0f));
		info->link_speed_ext = (uint8_t)(ext << 4 | (info->link_speed_ext & 0x0f));
	}
	agree_on_fdr10(a, b, speed, ext);
	return true;
}

static bool wants_link(const struct sim_port *port)
{
	enum sim_phys phys = sim_phys(port);

	return !port->node->off && phys != SIM_SLEEP && phys != SIM_DISABLED;
}

enum sim_phys sim_link_default(const struct sim_port *port)
{
	return (port->info.state_info2 & 0x0f) == SIM_SLEEP ? SIM_SLEEP : SIM_POLLING;
}

static void goes_down(struct sim_port *port)
{
	if (sim_phys(port) == SIM_LINK_UP || sim_phys(port) == SIM_TRAINING)
		set_phys(port, sim_link_default(port));
	if (sim_state(port) != SIM_DOWN) {
		port->counters.link_downed++;
		sim_set_state(port, SIM_DOWN);
	}
}

static void comes_up(struct sim_port *a, struct sim_port *b)
{
	if (agree(a, b)) {
		set_phys(a, SIM_LINK_UP);
		set_phys(b, SIM_LINK_UP);
		sim_set_state(a, SIM_INIT);
		sim_set_state(b, SIM_INIT);
	} else {
		set_phys(a, SIM_POLLING);
		set_phys(b, SIM_POLLING);
	}
	a->told = false;
	b->told = false;
}

/* ---- training -------------------------------------------------------------------------------- */

static bool may_be_up(const struct sim_port *port)
{
	return port->far && !port->cut && wants_link(port) && wants_link(port->far);
}

static void trained(void *user)
{
	struct sim_port *port = user;

	if (may_be_up(port))
		comes_up(port, port->far);
}

static void stop_timers(struct sim_port *port)
{
	if (port->training)
		loop_timer_stop(port->training);
	if (port->bounce)
		loop_timer_stop(port->bounce);
}

static void train(struct sim_port *port)
{
	struct sim_fabric *fabric = port->node->fabric;

	/* Without memory for a timer it trains at once. */
	if (!fabric->train_time ||
	    (!port->training && loop_timer_new(fabric->loop, trained, port, &port->training) < 0)) {
		trained(port);
		return;
	}
	stop_timers(port->far);
	set_phys(port, SIM_TRAINING);
	set_phys(port->far, SIM_TRAINING);
	loop_timer_set(port->training, loop_now(fabric->loop) + fabric->train_time);
}

static void take_down(struct sim_port *port)
{
	stop_timers(port);
	goes_down(port);
	if (port->far) {
		stop_timers(port->far);
		goes_down(port->far);
	}
}

void sim_link_check(struct sim_port *port)
{
	if (may_be_up(port)) {
		if (!sim_link_is_up(port) || !sim_link_is_up(port->far))
			train(port);
		return;
	}
	take_down(port);
	port->told = false;
	if (port->far)
		port->far->told = false;
}

void sim_link_bounce(struct sim_port *port)
{
	take_down(port);
	sim_link_check(port);
}

/* ---- what the SM commands -------------------------------------------------------------------- */

static void carry_out(struct sim_port *port, enum sim_phys phys)
{
	port->told = true;
	if (port->far)
		port->far->told = false;
	set_phys(port, phys);
	take_down(port);
	sim_link_check(port);
}

static void bounces(void *user)
{
	carry_out(user, SIM_POLLING);
}

/* No memory for a timer: then at once. */
static bool bounces_later(struct sim_port *port)
{
	struct loop *loop = port->node->fabric->loop;

	if (!port->bounce && loop_timer_new(loop, bounces, port, &port->bounce) < 0)
		return false;
	loop_timer_set(port->bounce, loop_now(loop));
	return true;
}

bool sim_link_command(struct sim_port *port, enum sim_phys phys)
{
	if (phys == SIM_POLLING && sim_link_is_up(port) && port->node->fabric->train_time &&
	    bounces_later(port))
		return false;
	carry_out(port, phys);
	return true;
}
