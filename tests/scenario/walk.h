/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The random walk: what its files share. random-walk.c says what a walk is. */

#include "tests/scenario/scenario.h"

/* At once mostly, so that things meet that do not belong together; or after a moment, or longer. */
void walk_pause(struct scenario *s);
struct sim_port *walk_any_link(struct scenario *s);
/* Is it the port of a VF behind a virtual switch? */
bool walk_is_vf(const struct scenario *s, const struct sim_port *port);

/* walk-shared.c: what befalls VFs of shared ports. */
void walk_start_or_stop_shared(struct scenario *s);
void walk_move_shared(struct scenario *s);
void walk_ask_guid(struct scenario *s);
void walk_map_key(struct scenario *s);
void walk_reboot_shared(struct scenario *s);

/* Some hosts that have no VFs of another kind are shared. */
void walk_make_shared(struct scenario *s);
/* All started, each asking for the GUID that it had at first. */
void walk_make_shared_whole(struct scenario *s);
