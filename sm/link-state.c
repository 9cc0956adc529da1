/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */

/*
 * Both ends are Armed before either becomes Active, because an Active port may send at once and an
 * Initialize port drops what it receives. A port whose far end has fallen back is not touched: its
 * own hardware will fall back too, and a trap or the next sweep tells us. An Armed port may also
 * become Active by itself when a packet comes (IBA 7.2.7.5); then there is nothing left to do.
 */

#include "sm/link-state.h"

/* clang-format off */
static const enum link_step steps[PORT_ACTIVE + 1][PORT_ACTIVE + 1] = {
	/*                     far: none       Down       Initialize  Armed          Active */
	[PORT_NO_CHANGE]  = { LINK_STAY,  LINK_STAY, LINK_STAY,  LINK_STAY,     LINK_STAY },
	[PORT_DOWN]       = { LINK_STAY,  LINK_STAY, LINK_STAY,  LINK_STAY,     LINK_STAY },
	[PORT_INITIALIZE] = { LINK_STAY,  LINK_WAIT, LINK_ARM,   LINK_ARM,      LINK_ARM },
	[PORT_ARMED]      = { LINK_STAY,  LINK_WAIT, LINK_WAIT,  LINK_ACTIVATE, LINK_ACTIVATE },
	[PORT_ACTIVE]     = { LINK_STAY,  LINK_STAY, LINK_STAY,  LINK_STAY,     LINK_STAY },
};
/* clang-format on */

enum link_step link_step(enum port_state near, enum port_state far)
{
	return steps[near][far];
}
