/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The port state machine, for the two ports of a link, as one table (IBA 14.3.6, 7.2.7): what to do
 * with this port, given its state and that of the far end. It decides and does nothing else.
 */

#include "mad/wire.h"

enum link_step {
	LINK_STAY,     /* nothing to do */
	LINK_ARM,      /* set Armed, with its settings */
	LINK_ACTIVATE, /* set Active; only when all switch tables are acknowledged */
	LINK_WAIT,     /* it is the far end's turn */
};

/* @near and @far: PORT_DOWN to PORT_ACTIVE. */
enum link_step link_step(enum port_state near, enum port_state far);
