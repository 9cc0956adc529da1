/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * The M_Key of an end port (IBA 14.2.4). Set and TrapRepress need it, Get does at protection levels
 * 2 and 3; at level 1 Get is free but does not see the key. A violation is counted and trapped, and
 * starts the lease: unless somebody with the key speaks before it is over, the protection level
 * falls to 0, where everybody can read the key, so that a subnet whose SM has died with its key can
 * be managed again. The key itself stays.
 *
 * Nobody can see the lease end but by an SMP, so it is looked at when one comes, and no timer runs.
 */

#include "tests/sim/mkey.h"

#include <stdlib.h>

#include "base/macros.h"
#include "tests/sim/trap.h"

enum { READ_IS_PROTECTED = 2 };

struct sim_lease {
	uint64_t until; /* loop time; 0: is not running */
};

static unsigned level(const struct sim_port *port)
{
	return port->info.mkey_lmc >> IB_PORT_MPB_SHIFT;
}

static void end_lease(struct sim_port *port)
{
	struct sim_lease *lease = port->lease;

	if (!lease->until || loop_now(port->node->fabric->loop) < lease->until)
		return;
	lease->until = 0;
	port->info.mkey_lmc &= IB_PORT_LMC_MASK;
	if (port->node->fabric->quirks.lease_clears_key)
		port->info.m_key = 0;
}

/* One that is running goes on; without memory for it there is none, as if the period were 0. */
static void start_lease(struct sim_port *port)
{
	uint64_t period = be16toh(port->info.m_key_lease_period);

	if (!period)
		return;
	if (!port->lease)
		port->lease = calloc(1, sizeof(*port->lease));
	if (port->lease && !port->lease->until)
		port->lease->until = loop_now(port->node->fabric->loop) + period * LOOP_SEC;
}

static void violate(struct sim_port *port, const struct sim_packet *packet)
{
	uint16_t n = be16toh(port->info.m_key_violations);

	if (n != 0xffff)
		port->info.m_key_violations = htobe16((uint16_t)(n + 1));
	start_lease(port);
	sim_trap_mkey(port, packet);
}

static bool is_guarded(const struct sim_port *port, const struct sim_packet *packet)
{
	switch (packet->mad.method) {
	case SIM_GET:
		return level(port) >= READ_IS_PROTECTED;
	case SIM_SET:
	case SIM_TRAP_REPRESS:
		return true;
	}
	return false;
}

/* Only these methods speak of the key at all. */
static bool proves_the_key(const struct sim_packet *packet)
{
	return packet->mad.method == SIM_GET || packet->mad.method == SIM_SET ||
	       packet->mad.method == SIM_TRAP_REPRESS;
}

bool sim_mkey_allows(struct sim_port *port, const struct sim_packet *packet)
{
	if (port->lease)
		end_lease(port);
	if (!port->info.m_key || port->info.m_key == packet->smp.m_key) {
		if (port->lease && proves_the_key(packet))
			port->lease->until = 0;
		return true;
	}
	if (!is_guarded(port, packet))
		return true;
	violate(port, packet);
	return false;
}

ib_net64_t sim_mkey_shown(const struct sim_port *port, const struct sim_packet *packet)
{
	bool hidden = level(port) == 1 && packet->mad.method == SIM_GET &&
		      port->info.m_key != packet->smp.m_key;

	return hidden ? 0 : port->info.m_key;
}

void sim_lease_free(struct sim_port *port)
{
	free(TAKE(port->lease));
}
