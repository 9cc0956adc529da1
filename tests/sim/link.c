/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Links. A link is up when both ends have a cable between them, power, and want to (their physical
 * state is not Sleep or Disabled). It comes up by training, at once or after fabric->train_time,
 * and then both ends are Initialize; what the SM configured survives, as in reference/devices.md 3
 * "What a link bounce changes".
 *
 * PortStateChange of a switch rises when a port goes Down to Initialize or from anything to Down
 * (reference/devices.md 4), but not by a SubnSet at that very switch: sma-port.c puts it back.
 */

#include "tests/sim/link.h"

#include "tests/sim/trap.h"

enum { SWITCH_STATE_CHANGE = 0x04 }; /* SwitchInfo byte 11 */

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

void sim_set_state(struct sim_port *port, enum sim_state state)
{
	struct sim_fabric *fabric = port->node->fabric;
	enum sim_state before = sim_state(port);

	if (before == state)
		return;
	port->info.state_info1 = (uint8_t)((port->info.state_info1 & 0xf0) | state);
	if (before == SIM_ACTIVE && port->node->type != SIM_SWITCH)
		sim_trap_forget(port);
	if (port->node->sw && !port->node->off && (state == SIM_DOWN || before == SIM_DOWN))
		switch_notices(port->node);
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

/* Width, speed and extended speed as agreed on; false: nothing in common, no link. */
static bool agree(struct sim_port *a, struct sim_port *b)
{
	unsigned width = highest(a->info.link_width_enabled & b->info.link_width_enabled);
	unsigned speed = highest(a->info.link_speed & b->info.link_speed & 0x0f);
	unsigned ext =
		highest(a->info.link_speed_ext_enabled & b->info.link_speed_ext_enabled & 0x0f);
	struct sim_port *ends[] = { a, b };

	if (!width || (!speed && !ext))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		ib_port_info_t *info = &ends[i]->info;

		info->link_width_active = (uint8_t)width;
		/* LinkSpeedActive is 0 when an extended speed runs (devices.md 3). */
		info->link_speed = (uint8_t)((ext ? 0 : speed) << 4 | (info->link_speed & 0x0f));
		info->link_speed_ext = (uint8_t)(ext << 4 | (info->link_speed_ext & 0x0f));
	}
	return true;
}

static bool wants_link(const struct sim_port *port)
{
	enum sim_phys phys = sim_phys(port);

	return !port->node->off && phys != SIM_SLEEP && phys != SIM_DISABLED;
}

static void goes_down(struct sim_port *port)
{
	if (sim_phys(port) == SIM_LINK_UP || sim_phys(port) == SIM_TRAINING)
		set_phys(port, SIM_POLLING);
	if (sim_state(port) != SIM_DOWN) {
		port->counters.link_downed++;
		sim_set_state(port, SIM_DOWN);
	}
}

static void comes_up(struct sim_port *a, struct sim_port *b)
{
	if (!agree(a, b))
		return;
	set_phys(a, SIM_LINK_UP);
	set_phys(b, SIM_LINK_UP);
	sim_set_state(a, SIM_INIT);
	sim_set_state(b, SIM_INIT);
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

static void stop_training(struct sim_port *port)
{
	if (port->training)
		loop_timer_stop(port->training);
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
	if (port->far->training)
		stop_training(port->far);
	set_phys(port, SIM_TRAINING);
	set_phys(port->far, SIM_TRAINING);
	loop_timer_set(port->training, loop_now(fabric->loop) + fabric->train_time);
}

static void take_down(struct sim_port *port)
{
	stop_training(port);
	goes_down(port);
	if (port->far) {
		stop_training(port->far);
		goes_down(port->far);
	}
}

void sim_link_check(struct sim_port *port)
{
	if (!may_be_up(port))
		take_down(port);
	else if (!sim_link_is_up(port) || !sim_link_is_up(port->far))
		train(port);
}

void sim_link_bounce(struct sim_port *port)
{
	take_down(port);
	sim_link_check(port);
}
