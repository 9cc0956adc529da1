/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Commands of the console for what ibsim has not, or has in another way: faults, probes and
 * virtual functions.
 */

#include "tests/sim/console.h"
#include "tests/sim/net-file.h"

extern const struct console_extra console_extras[];

/* What the lines "vf" of a net file ask for. 0 or -errno and which one of them. */
int console_add_vfs(const struct sim_net *net, const struct sim_net_vfs **ret_wrong);
